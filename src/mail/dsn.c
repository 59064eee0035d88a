/* mail/dsn.c - a multipart/report: words for people, fields for programs, the header
 * of the message that it is about. */
#include "mail/dsn.h"

#include <stdio.h>

#include "base/check.h"
#include "mail/date.h"
#include "mail/utf8.h"

/* ---- status ---- */

static bool is_digit(slice s, size_t at)
{
	return at < s.len && s.ptr[at] >= '0' && s.ptr[at] <= '9';
}

/* The length of up to three digits. */
static size_t digits(slice s, size_t at)
{
	size_t n = 0;

	while (n < 3 && is_digit(s, at + n))
		n++;
	return n;
}

/* A number of a status at `at`: no zeros before it (RFC 3464 s2.3.4). Its length, or 0. */
static size_t number(slice s, size_t at)
{
	size_t n = digits(s, at);

	return n > 1 && s.ptr[at] == '0' ? 0 : n;
}

static bool ends_word(slice s, size_t at)
{
	return at == s.len || s.ptr[at] == ' ' || s.ptr[at] == '\t' || s.ptr[at] == '\r' ||
	    s.ptr[at] == '\n';
}

slice dsn_enhanced(slice words, unsigned char class)
{
	const slice none = { 0 };
	size_t subject, detail;

	if (words.len < 5 || words.ptr[0] != class || words.ptr[1] != '.')
		return none;
	subject = number(words, 2);
	if (subject == 0 || 2 + subject >= words.len || words.ptr[2 + subject] != '.')
		return none;
	detail = number(words, 3 + subject);
	if (detail == 0 || !ends_word(words, 3 + subject + detail))
		return none;
	return slice_head(words, 3 + subject + detail);
}

static bool has_code(slice reply)
{
	return digits(reply, 0) == 3 && reply.len > 3 && (reply.ptr[3] == ' ' || reply.ptr[3] == '-');
}

const char *dsn_status(slice reply, bool delayed, char ret_text[DSN_STATUS_TEXT])
{
	bool refused = reply.len > 0 && (reply.ptr[0] == '4' || reply.ptr[0] == '5');
	slice found = { 0 };

	/* The class of another code is a mistake of the server's: the code counts. */
	if (refused)
		found = dsn_enhanced(has_code(reply) ? slice_drop(reply, 4) : reply, reply.ptr[0]);
	if (found.len > 0)
		snprintf(ret_text, DSN_STATUS_TEXT, "%.*s", slice_arg(found));
	else if (has_code(reply) && refused)
		snprintf(ret_text, DSN_STATUS_TEXT, "%c.0.0", reply.ptr[0]);
	else
		snprintf(ret_text, DSN_STATUS_TEXT, delayed ? "4.0.0" : "5.0.0");
	return ret_text;
}

/* ---- the parts ---- */

static void write_date(struct buffer *out, const char *name, int64_t wall_us)
{
	char date[DATE_TEXT];

	date_print(wall_us, date);
	buffer_printf(out, "%s%s\r\n", name, date);
}

/* Replies are printable; addresses need not be ASCII. */
static bool has_utf8(const struct dsn *dsn)
{
	for (size_t i = 0; i < dsn->n_recipients; i++) {
		if (!slice_is_ascii(dsn->recipients[i].address))
			return true;
	}
	return false;
}

#define EIGHT_BIT "\r\nContent-Transfer-Encoding: 8bit"

static void write_header(const struct dsn *dsn, struct buffer *out)
{
	const char *encoding = has_utf8(dsn) || !slice_is_ascii(dsn->head) ? EIGHT_BIT : "";

	buffer_printf(out, "From: Mail Delivery System <MAILER-DAEMON@%.*s>\r\n",
	    slice_arg(dsn->hostname));
	buffer_printf(out, "To: <%.*s>\r\n", slice_arg(dsn->to));
	buffer_printf(out, "Subject: %s\r\n", dsn->delayed ? "Delayed mail: it is tried further" :
	    "Undelivered mail returned to sender");
	write_date(out, "Date: ", dsn->now_us);
	buffer_printf(out, "Message-ID: <%.*s@%.*s>\r\n", slice_arg(dsn->id),
	    slice_arg(dsn->hostname));
	buffer_add(out, slice_lit("Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"));
	buffer_printf(out, "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"=_%.*s\"%s\r\n\r\n", slice_arg(dsn->id), encoding);
}

static void begin_part(const struct dsn *dsn, struct buffer *out, const char *type)
{
	buffer_printf(out, "--=_%.*s\r\nContent-Type: %s\r\n\r\n", slice_arg(dsn->id), type);
}

static void write_words(const struct dsn *dsn, struct buffer *out)
{
	char date[DATE_TEXT];

	begin_part(dsn, out, has_utf8(dsn) ? "text/plain; charset=utf-8" EIGHT_BIT :
	    "text/plain; charset=utf-8");
	buffer_printf(out, "This is the mail server %.*s.\r\n\r\n", slice_arg(dsn->hostname));
	if (dsn->delayed) {
		date_print(dsn->until_us, date);
		buffer_printf(out, "Your message could not be delivered yet to:\r\n\r\n");
	} else {
		buffer_printf(out, "Your message could not be delivered to:\r\n\r\n");
	}
	for (size_t i = 0; i < dsn->n_recipients; i++) {
		const struct dsn_recipient *to = &dsn->recipients[i];

		buffer_printf(out, "  <%.*s>\r\n      %.*s\r\n\r\n", slice_arg(to->address),
		    slice_arg(to->reply));
	}
	if (dsn->delayed)
		buffer_printf(out, "It is tried further, until %s. You need not do anything; if it\r\n"
		    "fails for good, you will hear of it.\r\n\r\n", date);
	else
		buffer_add(out, slice_lit("It is not tried again. The header of your message is "
		    "attached.\r\n\r\n"));
}

/* Addresses beyond ASCII are of type utf-8, and only a global part may have them as
 * they are (RFC 6533 s3). */
static void write_status(const struct dsn *dsn, struct buffer *out)
{
	begin_part(dsn, out, has_utf8(dsn) ? "message/global-delivery-status" EIGHT_BIT :
	    "message/delivery-status");
	buffer_printf(out, "Reporting-MTA: dns; %.*s\r\n", slice_arg(dsn->hostname));
	if (dsn->envelope_id.len > 0)
		buffer_printf(out, "X-Posthouse-Queue-ID: %.*s\r\n", slice_arg(dsn->envelope_id));
	write_date(out, "Arrival-Date: ", dsn->arrival_us);
	for (size_t i = 0; i < dsn->n_recipients; i++) {
		const struct dsn_recipient *to = &dsn->recipients[i];
		char status[DSN_STATUS_TEXT];

		buffer_printf(out, "\r\nFinal-Recipient: %s; %.*s\r\nAction: %s\r\nStatus: %s\r\n",
		    slice_is_ascii(to->address) ? "rfc822" : "utf-8", slice_arg(to->address),
		    dsn->delayed ? "delayed" : "failed",
		    dsn_status(to->reply, dsn->delayed, status));
		if (has_code(to->reply))
			buffer_printf(out, "Diagnostic-Code: smtp; %.*s\r\n",
			    slice_arg(to->reply));
		if (dsn->delayed)
			write_date(out, "Will-Retry-Until: ", dsn->until_us);
	}
	buffer_add(out, slice_lit("\r\n"));
}

/* A global part is UTF-8 (RFC 6533 s4); a header in Latin-1, say, is none. */
static const char *headers_type(slice head)
{
	if (slice_is_ascii(head))
		return "text/rfc822-headers";
	return utf8_valid(head) ? "message/global-headers" EIGHT_BIT :
	    "text/rfc822-headers" EIGHT_BIT;
}

void dsn_write(const struct dsn *dsn, struct buffer *out)
{
	check(dsn->to.len > 0 && dsn->n_recipients > 0);
	write_header(dsn, out);
	write_words(dsn, out);
	write_status(dsn, out);
	begin_part(dsn, out, headers_type(dsn->head));
	buffer_add(out, dsn->head);
	buffer_printf(out, "\r\n--=_%.*s--\r\n", slice_arg(dsn->id));
}
