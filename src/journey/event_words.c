/* journey/event_words.c - a sentence for each kind of event, with its fields filled in. */
#include "journey/event_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { SHOWN = 400 };

static void show_field(const struct event_view *event, const char *name, char ret_shown[SHOWN])
{
	const struct event_field *field = event_find(event, name);

	if (field != NULL && field->is_number)
		snprintf(ret_shown, SHOWN, "%" PRId64, field->number);
	else
		text_printable(field != NULL ? field->text : (slice){ 0 }, ret_shown, SHOWN);
}

/* Fields in braces: "{peer} connects". What stands before the name is only there when
 * the field is: "found{, dnssec}". */
static void fill(const struct event_view *event, const char *pattern, char *out, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	size_t n = 0;

	while (*pattern != '\0' && n + 1 < size) {
		const char *end = *pattern == '{' ? strchr(pattern, '}') : NULL;
		char name[32], shown[SHOWN];
		int before;

		if (end == NULL) {
			out[n++] = *pattern++;
			continue;
		}
		pattern++;
		before = (int)strcspn(pattern, letters);
		snprintf(name, sizeof name, "%.*s", (int)(end - pattern) - before, pattern + before);
		show_field(event, name, shown);
		n += (size_t)snprintf(out + n, size - n, "%.*s%s", shown[0] != '\0' ? before : 0,
		    pattern, shown);
		if (n >= size)
			n = size - 1;
		pattern = end + 1;
	}
	/* Fields that are not there leave their blanks behind. */
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == ':'))
		n--;
	out[n] = '\0';
}

static const struct {
	const char *event, *words;
} table[] = {
	{ "connection", "{peer}:{port} connects ({service})" },
	{ "tls", "encrypted from here on: {version}, {cipher}" },
	{ "login", "login of {account}: {verdict}" },
	{ "recipient", "who is <{to}>? The directory says: {verdict} {words}" },
	{ "mailbox", "its field X-Posthouse-Mailbox says \"{name}\", mailbox {account}: {verdict}" },
	{ "accepted", "250: message {id} from <{from}>, {recipients} recipient(s), {size} bytes "
	    "({stored} compressed), is on disk in the journal" },
	{ "refused", "refused at its end: {words}" },
	{ "departure", "accepted here; {answer}: {clause}, {words}. Better: {remedy}" },
	{ "closed", "the connection ends" },
	{ "handed", "the router hands it to the {to}, for {recipients} recipient(s)" },
	{ "filed", "the router handed it on: mailbox of {to}, UID {uid}, in pack {pack} at byte "
	    "{offset}" },
	{ "durable", "and that is on disk" },
	{ "put-off", "the store can't now; it is handed over again" },
	{ "no-account", "the account was removed meanwhile" },
	{ "read", "UID {uid} is read by POP3" },
	{ "deleted", "UID {uid} is deleted by POP3" },
	{ "appended", "IMAP brings a message of {size} bytes: UID {uid}" },
	{ "moved", "IMAP moves {messages} message(s) to another mailbox; the first is UID {uid}" },
	{ "expunged", "UID {uid} is deleted by IMAP" },
	{ "restored", "an administrator brings {messages} message(s) back, to \"{name}\"; the first "
	    "is UID {uid}" },
	{ "looked-up", "DNS: {type} of {name}? {answer}{, dnssec}: {records}{words}" },
	{ "attempt", "SMTP with {host} [{address}] {tls} {words}" },
	{ "sent", "delivered to <{to}>: {host} said \"{words}\"" },
	{ "deferred", "not yet delivered to <{to}> ({host}): {words}" },
	{ "bounced", "refused for good for <{to}> ({host}): {words}" },
	{ "expired", "given up for <{to}>: {words}" },
	{ "queued", "it waits in the queue as {q}, on disk" },
	{ "reported", "<{to}> is told of the {kind}, in message {as}" },
};

void event_words(const struct event_view *event, char ret_words[JOURNEY_WORDS_MAX])
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (event_is(event, table[i].event)) {
			fill(event, table[i].words, ret_words, JOURNEY_WORDS_MAX);
			return;
		}
	}
	text_printable(event_text_of(event, "e"), ret_words, JOURNEY_WORDS_MAX);
}
