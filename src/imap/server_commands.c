/* imap/server_commands.c - all commands and capabilities, a row each. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "imap/commands.h"
#include "imap/server_impl.h"

enum {
	NOT = IMAP_NOT_AUTHENTICATED,
	AUTH = IMAP_AUTHENTICATED | IMAP_SELECTED,
	SEL = IMAP_SELECTED,
	ANY = NOT | AUTH,
	UID = IMAP_HAS_UID,
	NUMBERS = IMAP_HAS_UID | IMAP_KEEPS_NUMBERS,
};

static const struct imap_command commands[] = {
	{ "CAPABILITY", ANY, 0, imap_on_capability, "RFC 9051 s6.1.1", "What the server can do." },
	{ "NOOP", ANY, 0, imap_on_noop, "RFC 9051 s6.1.2", "Nothing; and what is new is told." },
	{ "LOGOUT", ANY, 0, imap_on_logout, "RFC 9051 s6.1.3", "Goodbye." },
	{ "ID", ANY, 0, imap_on_id, "RFC 2971", "Who the programs are." },
	{ "STARTTLS", NOT, 0, imap_on_starttls, "RFC 9051 s6.2.1", "On with TLS." },
	{ "AUTHENTICATE", NOT, 0, imap_on_authenticate, "RFC 9051 s6.2.2", "Log in by SASL." },
	{ "LOGIN", NOT, 0, imap_on_login, "RFC 9051 s6.2.3", "Log in with name and password." },
	{ "ENABLE", AUTH, 0, imap_on_enable, "RFC 9051 s6.3.1", "Use what changes responses." },
	{ "SELECT", AUTH, 0, imap_on_select, "RFC 9051 s6.3.2", "Open a mailbox." },
	{ "EXAMINE", AUTH, 0, imap_on_examine, "RFC 9051 s6.3.3", "Open it to read only." },
	{ "CREATE", AUTH, 0, imap_on_create, "RFC 9051 s6.3.4", "Make a mailbox." },
	{ "DELETE", AUTH, 0, imap_on_delete, "RFC 9051 s6.3.5", "Remove a mailbox and its messages." },
	{ "RENAME", AUTH, 0, imap_on_rename, "RFC 9051 s6.3.6", "Name it, and those below, anew." },
	{ "SUBSCRIBE", AUTH, 0, imap_on_subscribe, "RFC 9051 s6.3.7", "Show it in mail programs." },
	{ "UNSUBSCRIBE", AUTH, 0, imap_on_unsubscribe, "RFC 9051 s6.3.8", "Do not." },
	{ "LIST", AUTH, 0, imap_on_list, "RFC 9051 s6.3.9", "What mailboxes there are." },
	{ "LSUB", AUTH, 0, imap_on_lsub, "RFC 3501 s6.3.9", "Which are subscribed to." },
	{ "NAMESPACE", AUTH, 0, imap_on_namespace, "RFC 9051 s6.3.10", "Whose mailboxes are where." },
	{ "STATUS", AUTH, 0, imap_on_status, "RFC 9051 s6.3.11", "Counts of a mailbox." },
	{ "APPEND", AUTH, 0, imap_on_append, "RFC 9051 s6.3.12", "Put messages into a mailbox." },
	{ "IDLE", AUTH, 0, imap_on_idle, "RFC 9051 s6.3.13", "Be told at once what is new." },
	{ "GETQUOTA", AUTH, 0, imap_on_getquota, "RFC 9208 s4.1.1", "What room there is." },
	{ "GETQUOTAROOT", AUTH, 0, imap_on_getquotaroot, "RFC 9208 s4.1.2", "The same, by mailbox." },
	{ "COMPRESS", AUTH, 0, imap_on_compress, "RFC 4978", "On with DEFLATE." },
	{ "CHECK", SEL, 0, imap_on_noop, "RFC 3501 s6.4.1", "As NOOP: all is on disk anyway." },
	{ "CLOSE", SEL, 0, imap_on_close, "RFC 9051 s6.4.1", "Expunge without a word, close." },
	{ "UNSELECT", SEL, 0, imap_on_unselect, "RFC 9051 s6.4.2", "Close, expunge nothing." },
	{ "EXPUNGE", SEL, UID, imap_on_expunge, "RFC 9051 s6.4.3", "Remove what is \\Deleted." },
	{ "SEARCH", SEL, NUMBERS, imap_on_search, "RFC 9051 s6.4.4", "Which messages fit." },
	{ "FETCH", SEL, NUMBERS, imap_on_fetch, "RFC 9051 s6.4.5", "What messages are." },
	{ "STORE", SEL, NUMBERS, imap_on_store, "RFC 9051 s6.4.6", "Change flags." },
	{ "COPY", SEL, UID, imap_on_copy, "RFC 9051 s6.4.7", "Copy messages." },
	{ "MOVE", SEL, UID, imap_on_move, "RFC 9051 s6.4.8", "Move messages." },
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

/* ---- capabilities ---- */

static bool always(const struct imap_server *s)
{
	return true;
}

static bool before_login(const struct imap_server *s)
{
	return s->state == IMAP_NOT_AUTHENTICATED;
}

static bool after_login(const struct imap_server *s)
{
	return !before_login(s);
}

static bool may_starttls(const struct imap_server *s)
{
	return imap_may_starttls(s);
}

static bool may_login(const struct imap_server *s)
{
	return before_login(s) && imap_may_login(s);
}

static bool may_not_login(const struct imap_server *s)
{
	return before_login(s) && !imap_may_login(s);
}

static bool may_compress(const struct imap_server *s)
{
	return after_login(s) && s->config->compress && !s->compressed;
}

/* IMAP4rev2 has many of these in itself; clients of IMAP4rev1 look for their names. */
static const struct {
	const char *name;
	bool (*applies)(const struct imap_server *s);
	const char *rfc;
} capabilities[] = {
	{ "IMAP4rev1", always, "RFC 3501" },
	{ "IMAP4rev2", always, "RFC 9051" },
	{ "STARTTLS", may_starttls, "RFC 9051 s6.2.1" },
	{ "LOGINDISABLED", may_not_login, "RFC 9051 s6.2.3" },
	{ "SASL-IR", may_login, "RFC 4959" },
	{ "LITERAL+", always, "RFC 7888" },
	{ "ID", always, "RFC 2971" },
	{ "ENABLE", always, "RFC 5161" },
	{ "IDLE", after_login, "RFC 2177" },
	{ "NAMESPACE", after_login, "RFC 2342" },
	{ "UIDPLUS", after_login, "RFC 4315" },
	{ "UNSELECT", after_login, "RFC 3691" },
	{ "MOVE", after_login, "RFC 6851" },
	{ "CHILDREN", after_login, "RFC 3348" },
	{ "SPECIAL-USE", after_login, "RFC 6154" },
	{ "CREATE-SPECIAL-USE", after_login, "RFC 6154 s3" },
	{ "LIST-EXTENDED", after_login, "RFC 5258" },
	{ "LIST-STATUS", after_login, "RFC 5819" },
	{ "STATUS=SIZE", after_login, "RFC 8438" },
	{ "ESEARCH", after_login, "RFC 4731" },
	{ "SEARCHRES", after_login, "RFC 5182" },
	{ "WITHIN", after_login, "RFC 5032" },
	{ "CONDSTORE", after_login, "RFC 7162 s3.1" },
	{ "QRESYNC", after_login, "RFC 7162 s3.2" },
	{ "BINARY", after_login, "RFC 3516" },
	{ "MULTIAPPEND", after_login, "RFC 3502" },
	{ "OBJECTID", after_login, "RFC 8474" },
	{ "SAVEDATE", after_login, "RFC 8514" },
	{ "PREVIEW", after_login, "RFC 8970" },
	{ "UTF8=ACCEPT", after_login, "RFC 6855" },
	{ "QUOTA", after_login, "RFC 9208" },
	{ "QUOTA=RES-STORAGE", after_login, "RFC 9208 s3.1.1" },
	{ "COMPRESS=DEFLATE", may_compress, "RFC 4978" },
};

enum { N_CAPABILITIES = sizeof capabilities / sizeof capabilities[0] };

/* "AUTH=PLAIN AUTH=LOGIN", of a list with spaces between. */
static void put_mechanisms(struct imap_server *s, struct buffer *out)
{
	struct buffer names = buffer_init(s->heap, SASL_LINE_MAX);
	slice rest;

	sasl_mechanism_names(imap_sasl_offer(s), &names);
	rest = buffer_bytes(&names);
	while (rest.len > 0) {
		slice name = slice_cut(&rest, ' ');

		if (name.len > 0)
			buffer_printf(out, " AUTH=%.*s", slice_arg(name));
	}
	buffer_free(&names);
}

void imap_put_capabilities(struct imap_server *s, struct buffer *out)
{
	bool some = false;

	for (size_t i = 0; i < N_CAPABILITIES; i++) {
		if (!capabilities[i].applies(s))
			continue;
		buffer_printf(out, "%s%s", some ? " " : "", capabilities[i].name);
		some = true;
	}
	if (may_login(s))
		put_mechanisms(s, out);
	if (after_login(s))
		buffer_printf(out, " APPENDLIMIT=%llu", (unsigned long long)s->config->append_max);
}

/* ---- for help and doc/RFC.md ---- */

bool imap_command_row(size_t i, struct imap_command_words *ret)
{
	if (i >= N_COMMANDS)
		return false;
	*ret = (struct imap_command_words){ commands[i].name, commands[i].rfc, commands[i].words,
	    (commands[i].traits & IMAP_HAS_UID) != 0 };
	return true;
}

bool imap_capability_row(size_t i, struct imap_command_words *ret)
{
	if (i >= N_CAPABILITIES)
		return false;
	*ret = (struct imap_command_words){ capabilities[i].name, capabilities[i].rfc, NULL, false };
	return true;
}

/* ---- which one ---- */

static const struct imap_command *find(slice name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (slice_equal_ascii(name, slice_from(commands[i].name)))
			return &commands[i];
	}
	return NULL;
}

void imap_append_row(struct imap_server *s)
{
	s->row = find(slice_lit("APPEND"));
	s->uid = false;
}

static const char *not_now(const struct imap_server *s)
{
	if (s->state == IMAP_NOT_AUTHENTICATED)
		return "log in first";
	return s->row->states == NOT ? "you are logged in already" : "SELECT a mailbox first";
}

/* "UID" stands before the name of some. */
static bool take_name(struct imap_server *s, struct imap_parse *p, slice *ret_name)
{
	s->uid = false;
	if (!imap_take_atom(p, ret_name))
		return false;
	if (!slice_equal_ascii(*ret_name, slice_lit("UID")))
		return true;
	s->uid = true;
	return imap_take_space(p) && imap_take_atom(p, ret_name);
}

/* Up to the command's words. False: it was answered. */
static bool take_command(struct imap_server *s, struct imap_parse *p)
{
	slice name;

	s->row = NULL;
	s->uid = false;
	if (!imap_take_tag(p, &s->tag)) {
		s->tag = slice_lit("*");
		imap_finish_bad(s, p);
		return false;
	}
	if (!imap_take_space(p) || !take_name(s, p, &name)) {
		imap_finish_bad(s, p);
		return false;
	}
	s->row = find(name);
	if (s->row == NULL || (s->uid && (s->row->traits & IMAP_HAS_UID) == 0)) {
		s->row = NULL;
		imap_finish(s, "BAD", NULL, "unknown command");
		return false;
	}
	if ((s->row->states & s->state) == 0) {
		imap_finish(s, "BAD", NULL, "%s", not_now(s));
		return false;
	}
	return true;
}

bool imap_refuse(struct imap_server *s, slice text)
{
	struct imap_parse p = imap_parse_begin(text, &s->arena);

	if (!take_command(s, &p))
		return true;
	s->row = NULL;                  /* its turn comes, and the line may move until then */
	s->tag = (slice){ 0 };
	return false;
}

void imap_dispatch(struct imap_server *s, slice text)
{
	struct imap_parse p = imap_parse_begin(text, &s->arena);

	if (take_command(s, &p))
		s->row->run(s, &p);
}
