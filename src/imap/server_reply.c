/* imap/server_reply.c - responses: untagged ones, and the tagged reply that ends a command. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/mailbox.h"
#include "imap/server_impl.h"

struct imap_writer imap_writer(struct imap_server *s)
{
	return (struct imap_writer){ .out = &s->out };
}

void imap_untagged(struct imap_server *s, const char *format, ...)
{
	char text[IMAP_WORDS_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	buffer_printf(&s->out, "* %s\r\n", text);
}

/* ---- the end of a command ---- */

static void finish_step(struct imap_server *s)
{
	if (!imap_sync_more(s))
		return;
	buffer_add(&s->out, buffer_bytes(&s->last));
	imap_command_over(s);
}

/* May EXPUNGE be told at its end? Not when the client may count on its numbers. */
static bool may_expunge(const struct imap_server *s)
{
	return s->row == NULL || (s->row->traits & IMAP_KEEPS_NUMBERS) == 0 || s->uid;
}

void imap_finish(struct imap_server *s, const char *status, const char *code,
    const char *format, ...)
{
	char text[IMAP_WORDS_MAX];
	va_list args;

	check(s->wait == IMAP_WAIT_NOTHING && s->step != finish_step);
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	buffer_free(&s->last);
	buffer_add(&s->last, s->tag.len > 0 ? s->tag : slice_lit("*"));
	buffer_printf(&s->last, " %s ", status);
	if (code != NULL)
		buffer_printf(&s->last, "[%s] ", code);
	buffer_printf(&s->last, "%s\r\n", text);
	imap_sync_begin(s, may_expunge(s));
	if (s->state == IMAP_OVER)
		return;                 /* its mailbox is gone */
	s->step = finish_step;
	if (strcmp(status, "BAD") != 0)
		s->errors = 0;
	else if (s->state == IMAP_NOT_AUTHENTICATED && ++s->errors >= s->config->errors_max) {
		buffer_add(&s->out, buffer_bytes(&s->last));
		imap_server_refuse(s, NULL, slice_lit("too many errors, closing"));
	}
}

void imap_finish_ok(struct imap_server *s)
{
	imap_finish(s, "OK", NULL, "%s%s done", s->uid ? "UID " : "", s->row->name);
}

void imap_finish_bad(struct imap_server *s, const struct imap_parse *p)
{
	imap_finish(s, "BAD", NULL, "position %zu: there should be %s", imap_parse_position(p),
	    p->wanted[0] != '\0' ? p->wanted : "something else");
}

static const struct {
	const char *code, *words;
} results[] = {
	[IMAP_DONE] = { NULL, "done" },
	[IMAP_NO_MAILBOX] = { "NONEXISTENT", "there is no such mailbox" },
	[IMAP_EXISTS] = { "ALREADYEXISTS", "a mailbox of that name is there" },
	[IMAP_CANNOT] = { "CANNOT", "that can't be done" },
	[IMAP_LIMIT] = { "LIMIT", "there are too many of them already" },
	[IMAP_OVER_QUOTA] = { "OVERQUOTA", "the account has no room for it" },
	[IMAP_TOO_BIG] = { "TOOBIG", "that is too big" },
	[IMAP_LATER] = { "UNAVAILABLE", "that can't be written now; nothing was changed, try again" },
	[IMAP_EMPTY] = { NULL, "a message of no octets: nothing is appended" },
};

void imap_finish_result(struct imap_server *s, enum imap_result result, bool try_create)
{
	check((size_t)result < sizeof results / sizeof results[0]);
	if (result == IMAP_DONE)
		imap_finish_ok(s);
	else if (result == IMAP_NO_MAILBOX && try_create)
		imap_finish(s, "NO", "TRYCREATE", "there is no such mailbox; CREATE it first");
	else
		imap_finish(s, "NO", results[result].code, "%s", results[result].words);
}

/* ---- names and flags ---- */

static bool is_quotable(slice text, bool utf8)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (c < ' ' || c == 0x7f || (c > 0x7f && !utf8))
			return false;
	}
	return text.len <= IMAP_QUOTED_MAX;
}

void imap_put_mailbox(struct imap_writer *w, const struct imap_server *s, slice name)
{
	bool utf8 = s->utf8 || s->rev2;
	struct buffer encoded = buffer_init(s->heap, 3 * IMAP_NAME_MAX);
	bool ok = utf8 ? buffer_append(&encoded, name) : imap_utf7_write(name, &encoded);

	check(ok);                      /* of at most IMAP_NAME_MAX */
	name = buffer_bytes(&encoded);
	if (!is_quotable(name, utf8)) {
		imap_put_string(w, name);
		buffer_free(&encoded);
		return;
	}
	imap_put(w, slice_lit("\""));
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '"' || name.ptr[i] == '\\')
			imap_put(w, slice_lit("\\"));
		imap_put(w, slice_sub(name, i, 1));
	}
	imap_put(w, slice_lit("\""));
	buffer_free(&encoded);
}

static const char *const system_flags[] = { "\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft" };

static void put_word(struct imap_writer *w, slice word, bool *some)
{
	if (*some)
		imap_put(w, slice_lit(" "));
	imap_put(w, word);
	*some = true;
}

void imap_put_flags(struct imap_writer *w, const struct imap_server *s, uint64_t flags, bool recent)
{
	uint64_t left = flags & ((UINT64_C(1) << IMAP_FLAG_BITS) - 1);
	bool some = false;

	imap_put(w, slice_lit("("));
	if (recent && !s->rev2)
		put_word(w, slice_lit("\\Recent"), &some);
	for (; left != 0; left &= left - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(left);
		slice name = bit < IMAP_KEYWORD_BIT ? slice_from(system_flags[bit]) :
		    s->host->keyword(s->host->context, bit);

		if (name.len > 0)
			put_word(w, name, &some);
	}
	imap_put(w, slice_lit(")"));
}

const char *imap_use_name(enum imap_use use)
{
	static const char *const names[IMAP_USES] = {
		[IMAP_USE_ALL] = "\\All",
		[IMAP_USE_ARCHIVE] = "\\Archive",
		[IMAP_USE_DRAFTS] = "\\Drafts",
		[IMAP_USE_FLAGGED] = "\\Flagged",
		[IMAP_USE_JUNK] = "\\Junk",
		[IMAP_USE_SENT] = "\\Sent",
		[IMAP_USE_TRASH] = "\\Trash",
	};

	return (unsigned)use < IMAP_USES ? names[use] : NULL;
}
