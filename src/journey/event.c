/* journey/event.c - lines of JSON, by hand: some for each message. */
#include "journey/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { RESERVE = 64 };          /* for what ends a line, and for a field's name */

static void add(struct event *e, const char *bytes, size_t n)
{
	if (e->n + n > sizeof e->text)
		return;
	memcpy(e->text + e->n, bytes, n);
	e->n += n;
}

static void add_word(struct event *e, const char *word)
{
	add(e, word, strlen(word));
}

/* False: no room for it. */
static bool begin_field(struct event *e, const char *name)
{
	if (e->os == NULL || e->n + 2 * RESERVE + strlen(name) > sizeof e->text)
		return false;
	add_word(e, ",\"");
	add_word(e, name);
	add_word(e, "\":");
	return true;
}

bool event_begin(struct event *e, struct os *os, const char *kind)
{
	e->os = os_event_wanted(os) ? os : NULL;
	e->n = 0;
	if (e->os == NULL)
		return false;
	e->n = (size_t)snprintf(e->text, sizeof e->text,
	    "{\"t\":%" PRId64 ",\"role\":\"%s\",\"e\":\"%s\"", os_wall_us(os), os_name(os), kind);
	return true;
}

/* Bytes of a UTF-8 sequence that is whole and as short as it may be, or 0. */
static size_t utf8_len(slice s)
{
	unsigned char c = s.ptr[0];
	size_t n = c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;

	if (c >= 0xf5 || n == 0 || s.len < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s.ptr[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((c == 0xe0 && s.ptr[1] < 0xa0) || (c == 0xed && s.ptr[1] > 0x9f) ||
	    (c == 0xf0 && s.ptr[1] < 0x90) || (c == 0xf4 && s.ptr[1] > 0x8f))
		return 0;
	return n;
}

/* As it is, as far as it needs no care. */
static size_t add_plain(struct event *e, slice text)
{
	size_t room = sizeof e->text - e->n - RESERVE, n = 0;

	if (room > text.len)
		room = text.len;
	while (n < room && text.ptr[n] >= ' ' && text.ptr[n] < 0x7f && text.ptr[n] != '"' &&
	    text.ptr[n] != '\\')
		n++;
	add(e, (const char *)text.ptr, n);
	return n;
}

/* One character, escaped where JSON wants it; what is not UTF-8 becomes "?". */
static size_t add_character(struct event *e, slice rest)
{
	unsigned char c = rest.ptr[0];
	char escaped[8];
	size_t n;

	if (c == '"' || c == '\\') {
		escaped[0] = '\\';
		escaped[1] = (char)c;
		add(e, escaped, 2);
	} else if (c == '\n') {
		add(e, "\\n", 2);
	} else if (c < ' ' || c == 0x7f) {
		snprintf(escaped, sizeof escaped, "\\u%04x", c);
		add(e, escaped, 6);
	} else if (c < 0x80) {
		add(e, (const char *)rest.ptr, 1);
	} else {
		n = utf8_len(rest);
		add(e, n > 0 ? (const char *)rest.ptr : "?", n > 0 ? n : 1);
		return n > 0 ? n : 1;
	}
	return 1;
}

void event_text(struct event *e, const char *name, slice text)
{
	if (!begin_field(e, name))
		return;
	add_word(e, "\"");
	while (text.len > 0 && e->n + RESERVE < sizeof e->text) {
		size_t n = add_plain(e, text);

		text = slice_drop(text, n > 0 ? n : add_character(e, text));
	}
	add_word(e, text.len > 0 ? "...\"" : "\"");
}

void event_number(struct event *e, const char *name, uint64_t value)
{
	char digits[24];

	if (!begin_field(e, name))
		return;
	snprintf(digits, sizeof digits, "%" PRIu64, value);
	add_word(e, digits);
}

void event_name(struct event *e, const char *name, uint64_t value)
{
	char text[14];

	text_from_u64(value, text);
	event_text(e, name, slice_from(text));
}

void event_id(struct event *e, struct message_id id)
{
	char text[MESSAGE_ID_TEXT];

	if (e->os == NULL)
		return;
	message_id_print(id, text);
	event_text(e, "id", slice_from(text));
}

void event_ip(struct event *e, const char *name, const uint8_t ip[16])
{
	char text[OS_IP_TEXT];

	if (e->os == NULL)
		return;
	os_ip_print(ip, text, sizeof text);
	event_text(e, name, slice_from(text));
}

void event_end(struct event *e)
{
	if (e->os == NULL)
		return;
	add_word(e, "}\n");
	os_event(e->os, slice_of(e->text, e->n));
}
