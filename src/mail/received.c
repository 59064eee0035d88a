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

void received_write(const struct received *r, struct buffer *out)
{
	bool v6 = slice_find_byte(r->peer_ip, ':') < r->peer_ip.len;
	size_t before = buffer_bytes(out).len;
	char date[DATE_TEXT];

	buffer_add(out, slice_lit("Received: from "));
	write_name(r->helo.len > 0 ? r->helo : slice_lit("unknown"), out);
	buffer_printf(out, " ([%s%.*s])\r\n", v6 ? "IPv6:" : "", slice_arg(r->peer_ip));
	if (r->tls)
		buffer_printf(out, "\t(using %.*s with cipher %.*s)\r\n", slice_arg(r->tls_version),
		    slice_arg(r->tls_cipher));
	buffer_printf(out, "\tby %.*s (Posthouse) with %s id %.*s", slice_arg(r->by),
	    received_protocol(r), slice_arg(r->id));
	if (r->recipient.len > 0)
		buffer_printf(out, "\r\n\tfor <%.*s>", slice_arg(r->recipient));
	date_print(r->wall_us, date);
	buffer_printf(out, "; %s\r\n", date);
	check(buffer_bytes(out).len - before <= RECEIVED_MAX);
}
