/* cli/post_report.c - who has the message, who does not, and why. */
#include "cli/post_report.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "mail/dsn.h"

/* ---- what a reply means ---- */

static bool is_enhanced(unsigned code, slice words, const char *begins)
{
	slice status = dsn_enhanced(words, (unsigned char)('0' + code / 100));

	return slice_starts(status, slice_from(begins));
}

static bool has_enhanced(unsigned code, slice words)
{
	return dsn_enhanced(words, (unsigned char)('0' + code / 100)).len > 0;
}

/* of_one: it is about one recipient, not about the message or its sender. */
static int reply_status(unsigned code, slice words, bool of_one)
{
	if (code / 100 == 4)
		return EX_TEMPFAIL;
	if (of_one && (is_enhanced(code, words, "5.1.") ||
	    (!has_enhanced(code, words) && (code == 551 || code == 553))))
		return EX_NOUSER;
	return is_enhanced(code, words, "5.7.") ? EX_NOPERM : EX_UNAVAILABLE;
}

/* It would be another matter for somebody who logged in. */
static bool wants_login(const struct post *p, unsigned code, slice words, bool of_one)
{
	return p->login.len == 0 && (code == 530 || (of_one && is_enhanced(code, words, "5.7.")));
}

/* ---- lines ---- */

static const char *shown(slice address, char ret[400])
{
	return text_printable(address, ret, 400);
}

void post_report_refused(const struct post *p, size_t index)
{
	const struct post_recipient *r = &p->recipients[index];
	char address[400];

	cli_fail("%s: <%s> was refused: %u %.*s", p->command, shown(p->addresses[index], address),
	    r->code, slice_arg(r->words));
}

/* Behind a word that is not the server's: what may help. */
static const char *hint(const struct post *p)
{
	if (!p->has_options || p->outcome != POST_UNREACHED)
		return "";
	if (p->link.distrusts)
		return "; --ca FILE says whom to trust, --insecure trusts all";
	return p->server->implicit && slice_starts(slice_from(p->words), slice_lit("TLS: ")) ?
	    "; if the server wants no TLS from the first byte, say --tls starttls" : "";
}

static void tell_last(const struct post *p)
{
	char code[16] = "";

	if (p->code != 0)
		snprintf(code, sizeof code, "%u ", p->code);
	if (p->outcome == POST_UNSURE)
		cli_fail("%s: %s may or may not have taken the message: %s", p->command,
		    p->server->shown, p->words);
	else
		cli_fail("%s: %s: %s%s%s", p->command, p->server->shown, code, p->words, hint(p));
}

static size_t left(const struct post *p)
{
	return p->n_recipients - p->n_taken - p->n_refused;
}

/* Each of those that the last word is for, when that is not all of them. */
static void tell_left(const struct post *p)
{
	char address[400];

	for (size_t i = 0; i < p->n_recipients; i++) {
		enum post_fate fate = p->recipients[i].fate;

		if (fate == POST_HAS_IT || fate == POST_SAID_NO)
			continue;
		cli_fail("%s: <%s> %s", p->command, shown(p->addresses[i], address),
		    p->outcome == POST_UNSURE && fate == POST_ACCEPTED ?
		    "may or may not have it" : "does not have it");
	}
}

static void tell_login(const struct post *p, const char *login_how)
{
	bool wanted = p->outcome == POST_REFUSED && left(p) > 0 &&
	    wants_login(p, p->code, slice_from(p->words), false);

	for (size_t i = 0; i < p->n_recipients && !wanted; i++)
		wanted = p->recipients[i].fate == POST_SAID_NO &&
		    wants_login(p, p->recipients[i].code, p->recipients[i].words, true);
	if (wanted)
		cli_fail("%s: the server may do that for whom it knows: %s", p->command, login_how);
}

/* ---- the status ---- */

/* The most telling of them. */
static int worse(int a, int b)
{
	static const int order[] = { EX_NOUSER, EX_NOPERM, EX_UNAVAILABLE, EX_TEMPFAIL };

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		if (a == order[i] || b == order[i])
			return order[i];
	}
	return EX_OK;
}

static int left_status(const struct post *p)
{
	if (p->outcome != POST_REFUSED)
		return EX_TEMPFAIL;
	return p->code == 0 ? EX_UNAVAILABLE :
	    reply_status(p->code, slice_from(p->words), false);
}

static int status_of(const struct post *p)
{
	int status = left(p) > 0 ? left_status(p) : EX_OK;
	bool later = status == EX_TEMPFAIL;

	for (size_t i = 0; i < p->n_recipients; i++) {
		const struct post_recipient *r = &p->recipients[i];
		int one = r->fate == POST_SAID_NO ? reply_status(r->code, r->words, true) : EX_OK;

		later = later || one == EX_TEMPFAIL;
		status = worse(status, one);
	}
	/* Nobody has it: sending it again doubles nothing, and may reach some. */
	if (later && p->n_taken == 0)
		return EX_TEMPFAIL;
	return status == EX_TEMPFAIL ? EX_UNAVAILABLE : status;
}

int post_report(const struct post *p, const char *login_how)
{
	if (left(p) > 0)
		tell_last(p);
	if (left(p) > 0 && left(p) < p->n_recipients)
		tell_left(p);
	tell_login(p, login_how);
	if (p->n_taken > 0 && p->n_taken < p->n_recipients)
		cli_fail("%s: %zu of %zu recipients got the message: don't send it to them again",
		    p->command, p->n_taken, p->n_recipients);
	return status_of(p);
}
