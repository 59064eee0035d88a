/* sim/dsn_look.c - fields of the header, then of the part message/delivery-status. */
#include "sim/dsn_look.h"

static slice take_line(slice *rest)
{
	size_t end = slice_find(*rest, slice_lit("\r\n"));
	slice line = slice_head(*rest, end);

	*rest = slice_drop(*rest, end < rest->len ? end + 2 : end);
	return line;
}

static bool field(slice line, const char *name, slice *ret_value)
{
	slice is = slice_from(name);

	if (!slice_starts_ascii(line, is))
		return false;
	*ret_value = slice_drop(line, is.len);
	return true;
}

/* "<a@b>", "rfc822; a@b" */
static slice inner(slice value)
{
	size_t at = slice_find_byte(value, ';');

	if (at < value.len)
		return slice_drop(value, at + 2 < value.len ? at + 2 : value.len);
	if (value.len >= 2 && value.ptr[0] == '<' && value.ptr[value.len - 1] == '>')
		return slice_sub(value, 1, value.len - 2);
	return value;
}

static bool read_header(slice *rest, struct dsn_look *look)
{
	bool report = false;
	slice value;

	while (rest->len > 0) {
		slice line = take_line(rest);

		if (line.len == 0)
			return report && look->id.len > 0;
		if (field(line, "To: ", &value))
			look->to = inner(value);
		else if (field(line, "Message-ID: ", &value))
			look->id = inner(value);
		else if (field(line, "Content-Type: multipart/report", &value))
			report = true;
	}
	return false;
}

static bool read_status(slice rest, struct dsn_look *look)
{
	slice address = { 0 }, value;

	while (rest.len > 0) {
		slice line = take_line(&rest);

		if (slice_starts(line, slice_lit("--")))
			break;
		if (field(line, "Reporting-MTA: ", &value)) {
			look->reporter = inner(value);
		} else if (field(line, "Final-Recipient: ", &value)) {
			address = inner(value);
		} else if (field(line, "Action: ", &value)) {
			bool delayed = slice_equal(value, slice_lit("delayed"));

			if (address.len == 0 || look->n == DSN_LOOK_MAX ||
			    (!delayed && !slice_equal(value, slice_lit("failed"))))
				return false;
			look->recipients[look->n].address = address;
			look->recipients[look->n++].delayed = delayed;
			address = (slice){ 0 };
		}
	}
	return look->n > 0 && look->reporter.len > 0;
}

bool dsn_look(slice bytes, struct dsn_look *ret)
{
	static const slice part = slice_lit("\r\nContent-Type: message/delivery-status\r\n");
	struct dsn_look look = { .n = 0 };
	size_t at;

	if (!read_header(&bytes, &look))
		return false;
	at = slice_find(bytes, part);
	if (at == bytes.len || !read_status(slice_drop(bytes, at + part.len), &look))
		return false;
	*ret = look;
	return true;
}
