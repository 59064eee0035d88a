/* journey/event_read.c - a flat object of JSON: texts and whole numbers. */
#include "journey/event_read.h"

#include <string.h>

#include "base/limits.h"

static bool take(slice *in, char c)
{
	if (in->len == 0 || in->ptr[0] != (unsigned char)c)
		return false;
	*in = slice_drop(*in, 1);
	return true;
}

/* What stands between two quotes, still escaped. */
static bool take_string(slice *in, slice *ret_raw, bool *ret_escaped)
{
	size_t n = 0;

	*ret_escaped = false;
	if (!take(in, '"'))
		return false;
	while (n < in->len && in->ptr[n] != '"') {
		if (in->ptr[n] == '\\') {
			*ret_escaped = true;
			n++;
		}
		n++;
	}
	if (n >= in->len)
		return false;
	*ret_raw = slice_head(*in, n);
	*in = slice_drop(*in, n + 1);
	return true;
}

static int hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\u00fc" as UTF-8; half of a pair, which we never write, as "?". Less than six bytes. */
static size_t put_unicode(unsigned code, unsigned char *out)
{
	if (code < 0x80) {
		out[0] = (unsigned char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (unsigned char)(0xc0 | code >> 6);
		out[1] = (unsigned char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code >= 0xd800 && code < 0xe000) {
		out[0] = '?';
		return 1;
	}
	out[0] = (unsigned char)(0xe0 | code >> 12);
	out[1] = (unsigned char)(0x80 | (code >> 6 & 0x3f));
	out[2] = (unsigned char)(0x80 | (code & 0x3f));
	return 3;
}

/* One escape behind its backslash; how much of `in` it took, or 0. */
static size_t unescape(slice in, unsigned char *out, size_t *ret_n)
{
	static const char short_ones[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *at = in.len > 0 && in.ptr[0] != 0 ? strchr(short_ones, in.ptr[0]) : NULL;
	unsigned code = 0;

	*ret_n = 1;
	if (at != NULL) {
		out[0] = (unsigned char)meant[at - short_ones];
		return 1;
	}
	if (in.len < 5 || in.ptr[0] != 'u')
		return 0;
	for (size_t i = 1; i < 5; i++) {
		int digit = hex(in.ptr[i]);

		if (digit < 0)
			return 0;
		code = code << 4 | (unsigned)digit;
	}
	*ret_n = put_unicode(code, out);
	return 5;
}

/* Never longer than it was. */
static bool take_text(slice *in, struct arena *arena, slice *ret_text)
{
	slice raw;
	bool escaped;
	unsigned char *out;
	size_t n = 0;

	if (!take_string(in, &raw, &escaped))
		return false;
	*ret_text = raw;
	if (!escaped)
		return true;
	out = arena_try(arena, raw.len, 1);
	if (out == NULL)
		return false;
	for (size_t i = 0; i < raw.len;) {
		size_t used, wrote;

		if (raw.ptr[i] != '\\') {
			out[n++] = raw.ptr[i++];
			continue;
		}
		used = unescape(slice_drop(raw, i + 1), out + n, &wrote);
		if (used == 0)
			return false;
		i += 1 + used;
		n += wrote;
	}
	*ret_text = slice_of(out, n);
	return true;
}

static bool take_number(slice *in, int64_t *ret_number)
{
	bool negative = take(in, '-');
	uint64_t value;
	size_t n = 0;

	while (n < in->len && in->ptr[n] >= '0' && in->ptr[n] <= '9')
		n++;
	if (n == 0 || !slice_to_u64(slice_head(*in, n), INT64_MAX, &value))
		return false;
	*in = slice_drop(*in, n);
	*ret_number = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool take_field(slice *in, struct arena *arena, struct event_field *ret_field)
{
	bool escaped;

	*ret_field = (struct event_field){ 0 };
	if (!take_string(in, &ret_field->name, &escaped) || escaped || !take(in, ':'))
		return false;
	ret_field->is_number = in->len > 0 && in->ptr[0] != '"';
	return ret_field->is_number ? take_number(in, &ret_field->number) :
	    take_text(in, arena, &ret_field->text);
}

bool event_read(slice line, struct arena *arena, struct event_view *ret_event)
{
	struct event_field fields[JOURNEY_FIELDS_MAX], *kept;
	slice rest = line;
	size_t n = 0;

	if (line.len > JOURNEY_LINE_MAX || !take(&rest, '{'))
		return false;
	do {
		if (n == JOURNEY_FIELDS_MAX || !take_field(&rest, arena, &fields[n]))
			return false;
		n++;
	} while (take(&rest, ','));
	if (!take(&rest, '}') || rest.len > 0)
		return false;
	kept = arena_try(arena, n, sizeof *kept);
	if (kept == NULL)
		return false;
	memcpy(kept, fields, n * sizeof *kept);
	*ret_event = (struct event_view){ line, n, kept };
	return true;
}

const struct event_field *event_find(const struct event_view *event, const char *name)
{
	for (size_t i = 0; i < event->n; i++) {
		if (slice_equal(event->fields[i].name, slice_from(name)))
			return &event->fields[i];
	}
	return NULL;
}

slice event_text_of(const struct event_view *event, const char *name)
{
	const struct event_field *field = event_find(event, name);

	return field != NULL ? field->text : (slice){ 0 };
}

int64_t event_number_of(const struct event_view *event, const char *name)
{
	const struct event_field *field = event_find(event, name);

	return field != NULL ? field->number : 0;
}

bool event_is(const struct event_view *event, const char *kind)
{
	return slice_equal(event_text_of(event, "e"), slice_from(kind));
}
