/* mail/received.c - From-domain By-domain Opt-info ";" date-time. */
#include "mail/received.h"

#include "base/check.h"
#include "base/limits.h"
#include "mail/date.h"

const char *received_protocol(const struct received *r)
{
	/* [utf8][tls][auth]; RFC 6531 has all four of its own. */
	static const char names[2][2][2][12] = {
		{ { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
		{ { "UTF8SMTP", "UTF8SMTPA" }, { "UTF8SMTPS", "UTF8SMTPSA" } },
	};

	if (!r->extended)
		return "SMTP";
	return names[r->utf8][r->tls][r->auth];
}

/* The client's name, of letters that mean nothing to a parser of the field. */
static void write_name(slice name, struct buffer *out)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = name.ptr[i];
		bool plain = (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' &&
		    ascii_lower(c) <= 'z') || c == '.' || c == '-' || c == '_' || c == ':' ||
		    c == '[' || c == ']';

		buffer_add(out, plain ? slice_sub(name, i, 1) : slice_lit("?"));
	}
}

static void write_from(const struct received *r, struct buffer *out)
{
	bool v6 = slice_find_byte(r->peer_ip, ':') < r->peer_ip.len;

	buffer_add(out, slice_lit("from "));
	write_name(r->helo.len > 0 ? r->helo : slice_lit("unknown"), out);
	buffer_printf(out, " ([%s%.*s])\r\n", v6 ? "IPv6:" : "", slice_arg(r->peer_ip));
	if (r->tls)
		buffer_printf(out, "\t(using %.*s with cipher %.*s)\r\n", slice_arg(r->tls_version),
		    slice_arg(r->tls_cipher));
	buffer_add(out, slice_lit("\t"));
}

void received_write(const struct received *r, struct buffer *out)
{
	size_t before = buffer_bytes(out).len;
	bool ours = r->peer_ip.len == 0;
	char date[DATE_TEXT];

	buffer_add(out, slice_lit("Received: "));
	if (!ours)
		write_from(r, out);
	buffer_printf(out, "by %.*s (Posthouse)", slice_arg(r->by));
	if (!ours)
		buffer_printf(out, " with %s", received_protocol(r));
	buffer_printf(out, " id %.*s", slice_arg(r->id));
	if (r->recipient.len > 0)
		buffer_printf(out, "\r\n\tfor <%.*s>", slice_arg(r->recipient));
	date_print(r->wall_us, date);
	buffer_printf(out, "; %s\r\n", date);
	check(buffer_bytes(out).len - before <= RECEIVED_MAX);
}
