/* imap/server_mailbox.c - CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 s6.3.4 to
 * s6.3.8; CREATE-SPECIAL-USE, RFC 6154 s3). */
#include <stdio.h>

#include "base/limits.h"
#include "imap/mailbox.h"
#include "imap/server_impl.h"

bool imap_judge_name(struct imap_server *s, slice name)
{
	switch (imap_name_judge(name)) {
	case IMAP_NAME_OK:
		return true;
	case IMAP_NAME_EMPTY:
		imap_finish(s, "NO", "CANNOT", "a name has something on each level: a/b");
		return false;
	case IMAP_NAME_CHARACTER:
		imap_finish(s, "NO", "CANNOT", "a name is UTF-8 without control characters");
		return false;
	case IMAP_NAME_LONG:
		imap_finish(s, "NO", "LIMIT", "a name has at most %d octets and %d levels",
		    IMAP_NAME_MAX, IMAP_LEVELS_MAX);
		return false;
	}
	return false;
}

/* " mailbox": into s->change.name, for a change of that kind. */
static bool take_name(struct imap_server *s, struct imap_parse *p, enum imap_change_kind kind)
{
	s->change = (struct imap_change){ .kind = kind };
	return imap_take_space(p) && imap_take_mailbox(p, s->utf8 || s->rev2, &s->change.name);
}

static void done(struct imap_server *s, enum imap_result result)
{
	imap_finish_result(s, result, false);
}

/* ---- CREATE ---- */

static bool take_use(struct imap_parse *p, enum imap_use *ret_use)
{
	if (!imap_take(p, '\\', "a special use, such as \\Sent"))
		return false;
	for (enum imap_use use = IMAP_USE_NONE + 1; use < IMAP_USES; use++) {
		if (imap_skip_word(p, imap_use_name(use) + 1)) {
			*ret_use = use;
			return true;
		}
	}
	p->wanted = "a special use that is known, such as \\Sent";
	return false;
}

/* One use a mailbox: more are not kept. */
static bool take_create_params(struct imap_parse *p, enum imap_use *ret_use)
{
	if (!imap_sees(p, ' '))
		return imap_take_end(p);
	if (!imap_take_space(p) || !imap_take(p, '(', "parameters in parentheses") ||
	    !imap_take_word(p, "USE") || !imap_take_space(p) || !imap_take(p, '(', "a list"))
		return false;
	while (!imap_sees(p, ')')) {
		if (!take_use(p, ret_use) || (imap_sees(p, ' ') && !imap_take_space(p)))
			return false;
	}
	return imap_take(p, ')', "its end") && imap_take(p, ')', "the end of the parameters") &&
	    imap_take_end(p);
}

/* What it is called, if that is not what was asked for (RFC 9051 s6.3.4, s6.3.9.7). */
static void tell_spelt(struct imap_server *s, slice name)
{
	struct imap_writer w = imap_writer(s);

	if (!s->rev2 || slice_equal(name, s->change.name))
		return;
	imap_put(&w, slice_lit("* LIST () \"/\" "));
	imap_put_mailbox(&w, s, name);
	imap_put(&w, slice_lit(" (\"OLDNAME\" ("));
	imap_put_mailbox(&w, s, s->change.name);
	imap_put(&w, slice_lit("))\r\n"));
}

static void created(struct imap_server *s, enum imap_result result)
{
	struct imap_mailbox mailbox;
	char code[32];

	if (result != IMAP_DONE ||
	    !s->host->find(s->host->context, s->change.name, &mailbox)) {
		imap_finish_result(s, result, false);
		return;
	}
	tell_spelt(s, mailbox.name);
	snprintf(code, sizeof code, "MAILBOXID (M%u)", mailbox.uidvalidity);
	imap_finish(s, "OK", code, "CREATE done");
}

void imap_on_create(struct imap_server *s, struct imap_parse *p)
{
	slice *name = &s->change.name;

	if (!take_name(s, p, IMAP_CREATE) || !take_create_params(p, &s->change.use)) {
		imap_finish_bad(s, p);
		return;
	}
	/* "name/": the client means to make others below it. */
	if (name->len > 1 && name->ptr[name->len - 1] == IMAP_DELIMITER)
		name->len--;
	if (imap_judge_name(s, *name))
		imap_ask_change(s, created);
}

/* ---- the others ---- */

static bool selected_is(struct imap_server *s, slice name)
{
	struct imap_mailbox mailbox;

	return s->state == IMAP_SELECTED && s->host->find(s->host->context, name, &mailbox) &&
	    mailbox.exists && mailbox.number == s->mailbox;
}

void imap_on_delete(struct imap_server *s, struct imap_parse *p)
{
	if (!take_name(s, p, IMAP_DELETE) || !imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	if (imap_name_is_inbox(s->change.name)) {
		imap_finish(s, "NO", "CANNOT", "INBOX stays");
		return;
	}
	if (selected_is(s, s->change.name)) {
		imap_unselect(s);
		imap_untagged(s, "OK [CLOSED] it is closed, since it is to go");
	}
	imap_ask_change(s, done);
}

void imap_on_rename(struct imap_server *s, struct imap_parse *p)
{
	slice *name = &s->change.new_name;

	if (!take_name(s, p, IMAP_RENAME) || !imap_take_space(p) ||
	    !imap_take_mailbox(p, s->utf8 || s->rev2, name) || !imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	if (name->len > 1 && name->ptr[name->len - 1] == IMAP_DELIMITER)
		name->len--;
	if (imap_judge_name(s, *name))
		imap_ask_change(s, done);
}

void imap_on_subscribe(struct imap_server *s, struct imap_parse *p)
{
	if (!take_name(s, p, IMAP_SUBSCRIBE) || !imap_take_end(p))
		imap_finish_bad(s, p);
	else if (imap_judge_name(s, s->change.name))
		imap_ask_change(s, done);
}

/* Of a name that is not there, or not subscribed to: then that is so already. */
static void unsubscribed(struct imap_server *s, enum imap_result result)
{
	imap_finish_result(s, result == IMAP_NO_MAILBOX ? IMAP_DONE : result, false);
}

void imap_on_unsubscribe(struct imap_server *s, struct imap_parse *p)
{
	if (!take_name(s, p, IMAP_UNSUBSCRIBE) || !imap_take_end(p))
		imap_finish_bad(s, p);
	else
		imap_ask_change(s, unsubscribed);
}
