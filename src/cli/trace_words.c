/* cli/trace_words.c - an event in words, for people who want to see how mail works. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/trace.h"

enum { WORDS = 1024, SHOWN = 400 };

static const char *text_of(const json_t *event, const char *field)
{
	const char *text = json_string_value(json_object_get(event, field));

	return text != NULL ? text : "";
}

static long long number_of(const json_t *event, const char *field)
{
	return (long long)json_integer_value(json_object_get(event, field));
}

/* Fields in braces: "{peer} connects". What stands before the name is only there when
 * the field is: "found{, dnssec}". */
static void fill(const json_t *event, const char *pattern, char *out, size_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	size_t n = 0;

	while (*pattern != '\0' && n + 1 < size) {
		const char *end = *pattern == '{' ? strchr(pattern, '}') : NULL;
		char name[32], shown[SHOWN];
		const json_t *value;
		int before;

		if (end == NULL) {
			out[n++] = *pattern++;
			continue;
		}
		pattern++;
		before = (int)strcspn(pattern, letters);
		snprintf(name, sizeof name, "%.*s", (int)(end - pattern) - before, pattern + before);
		value = json_object_get(event, name);
		if (json_is_integer(value))
			snprintf(shown, sizeof shown, "%lld", number_of(event, name));
		else
			text_printable(slice_from(text_of(event, name)), shown, sizeof shown);
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
	{ "looked-up", "DNS: {type} of {name}? {answer}{, dnssec}: {records}{words}" },
	{ "attempt", "SMTP with {host} [{address}] {tls} {words}" },
	{ "sent", "delivered to <{to}>: {host} said \"{words}\"" },
	{ "deferred", "not yet delivered to <{to}> ({host}): {words}" },
	{ "bounced", "refused for good for <{to}> ({host}): {words}" },
	{ "expired", "given up for <{to}>: {words}" },
	{ "queued", "it waits in the queue as {q}, on disk" },
	{ "reported", "<{to}> is told of the {kind}, in message {as}" },
};

static void words_of(const json_t *event, char ret_words[WORDS])
{
	const char *kind = text_of(event, "e");

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (strcmp(kind, table[i].event) == 0) {
			fill(event, table[i].words, ret_words, WORDS);
			return;
		}
	}
	text_printable(slice_from(kind), ret_words, WORDS);
}

static void print_dialogue(FILE *out, const json_t *event)
{
	slice rest = slice_from(text_of(event, "dialogue"));
	char shown[WORDS];

	while (rest.len > 0)
		fprintf(out, "%32s%s\n", "", text_printable(slice_cut(&rest, '\n'), shown,
		    sizeof shown));
}

void trace_print(FILE *out, const struct trace *trace, const json_t *event,
    json_int_t begin_us, bool dialogue)
{
	long long since = number_of(event, "t") - begin_us;
	size_t host = (size_t)number_of(event, "folder");
	const char *name = host < trace->n_folders ? trace->names[host] : NULL;
	char words[WORDS], who[64], role[24];

	words_of(event, words);
	text_printable(slice_from(text_of(event, "role")), role, sizeof role);
	snprintf(who, sizeof who, "%s%s%s", name != NULL ? name : "", name != NULL ? " " : "",
	    role);
	fprintf(out, "%+9.3f s  %-18s  %s\n", (double)since / 1e6, who, words);
	if (dialogue)
		print_dialogue(out, event);
}
