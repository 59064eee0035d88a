/* imap/grammar_test.h - for tests: is a text the envelope or body of RFC 9051 s9? */
#ifndef IMAP_GRAMMAR_TEST_H
#define IMAP_GRAMMAR_TEST_H

#include "base/limits.h"
#include "base/slice.h"

/* Each takes what it names off the front; false: it is not there. */

static inline bool take(slice *in, const char *text)
{
	slice wanted = slice_from(text);

	if (!slice_starts(*in, wanted))
		return false;
	*in = slice_drop(*in, wanted.len);
	return true;
}

static inline bool take_number(slice *in)
{
	size_t n = 0;

	while (n < in->len && in->ptr[n] >= '0' && in->ptr[n] <= '9')
		n++;
	*in = slice_drop(*in, n);
	return n > 0;
}

/* ret: as it stands, with its quotes or its length. */
static inline bool take_string(slice *in, slice *ret)
{
	slice all = *in, number;
	uint64_t len;

	if (take(in, "{")) {
		number = slice_cut(in, '}');
		if (!take(in, "\r\n") || !slice_to_u64(number, in->len, &len) ||
		    slice_find_byte(slice_head(*in, len), 0) < len)
			return false;
		*in = slice_drop(*in, len);
	} else {
		if (!take(in, "\""))
			return false;
		while (in->len > 0 && in->ptr[0] != '"') {
			size_t n = in->ptr[0] == '\\' ? 2 : 1;

			if (in->len < n || in->ptr[0] < ' ' || in->ptr[0] > '~')
				return false;
			*in = slice_drop(*in, n);
		}
		if (!take(in, "\""))
			return false;
	}
	*ret = slice_head(all, all.len - in->len);
	return true;
}

static inline bool take_nstring(slice *in)
{
	slice text;

	return take(in, "NIL") || take_string(in, &text);
}

/* body-fld-param, and lists like it: "(" string *(SP string) ")" or NIL. */
static inline bool take_list(slice *in, bool pairs)
{
	slice text;
	unsigned n = 0;

	if (take(in, "NIL"))
		return true;
	if (!take(in, "("))
		return false;
	do {
		if (!take_string(in, &text))
			return false;
		n++;
	} while (take(in, " "));
	return take(in, ")") && (!pairs || n % 2 == 0);
}

static inline bool take_address(slice *in)
{
	return take(in, "(") && take_nstring(in) && take(in, " ") && take_nstring(in) &&
	    take(in, " ") && take_nstring(in) && take(in, " ") && take_nstring(in) && take(in, ")");
}

static inline bool take_addresses(slice *in)
{
	if (take(in, "NIL"))
		return true;
	if (!take(in, "("))
		return false;
	do {
		if (!take_address(in))
			return false;
	} while (in->len > 0 && in->ptr[0] == '(');
	return take(in, ")");
}

static inline bool take_envelope(slice *in)
{
	if (!take(in, "(") || !take_nstring(in) || !take(in, " ") || !take_nstring(in))
		return false;
	for (int i = 0; i < 6; i++) {
		if (!take(in, " ") || !take_addresses(in))
			return false;
	}
	return take(in, " ") && take_nstring(in) && take(in, " ") && take_nstring(in) &&
	    take(in, ")");
}

/* dsp SP lang SP loc */
static inline bool take_extension(slice *in)
{
	slice text;

	if (!take(in, "NIL") && !(take(in, "(") && take_string(in, &text) && take(in, " ") &&
	    take_list(in, true) && take(in, ")")))
		return false;
	return take(in, " ") && take_list(in, false) && take(in, " ") && take_nstring(in);
}

static inline bool take_body(slice *in, bool extended);

static inline bool take_multipart(slice *in, bool extended)
{
	slice text;

	while (in->len > 0 && in->ptr[0] == '(') {
		if (!take_body(in, extended))
			return false;
	}
	return take(in, " ") && take_string(in, &text) && (!extended || (take(in, " ") &&
	    take_list(in, true) && take(in, " ") && take_extension(in)));
}

static inline bool take_single(slice *in, bool extended)
{
	slice type, subtype, text;
	bool message;

	if (!take_string(in, &type) || !take(in, " ") || !take_string(in, &subtype) ||
	    !take(in, " ") || !take_list(in, true) || !take(in, " ") || !take_nstring(in) ||
	    !take(in, " ") || !take_nstring(in) || !take(in, " ") || !take_string(in, &text) ||
	    !take(in, " ") || !take_number(in))
		return false;
	message = slice_equal_ascii(type, slice_lit("\"message\"")) &&
	    (slice_equal_ascii(subtype, slice_lit("\"rfc822\"")) ||
	    slice_equal_ascii(subtype, slice_lit("\"global\"")));
	if (message && !(take(in, " ") && take_envelope(in) && take(in, " ") &&
	    take_body(in, extended)))
		return false;
	if ((message || slice_equal_ascii(type, slice_lit("\"text\""))) &&
	    !(take(in, " ") && take_number(in)))
		return false;
	return !extended || (take(in, " ") && take_nstring(in) && take(in, " ") &&
	    take_extension(in));
}

/* As deep as MIME_DEPTH_MAX. */
static inline bool take_body(slice *in, bool extended)
{
	return take(in, "(") && (in->len > 0 && in->ptr[0] == '(' ? take_multipart(in, extended) :
	    take_single(in, extended)) && take(in, ")");
}

#endif
