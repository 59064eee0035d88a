/* cli/transcript.c - lines with their speakers. */
#include "cli/transcript.h"

#include <stdio.h>
#include <string.h>

#include "mail/utf8.h"

struct transcript transcript_init(struct heap *heap, size_t size_max)
{
	return (struct transcript){ .text = buffer_init(heap, size_max) };
}

void transcript_free(struct transcript *t)
{
	buffer_free(&t->text);
	t->who = NULL;
}

/* How much of bytes is one character that a terminal only shows; 0: none. C1
 * controls are U+0080 to U+009F, in UTF-8 C2 and a byte below A0. */
static size_t shown_length(slice bytes)
{
	unsigned char c = bytes.ptr[0];
	size_t n = utf8_length(bytes);

	if (c < 128)
		return c >= ' ' && c != 127 ? 1 : 0;
	return n == 2 && c == 0xc2 && bytes.ptr[1] < 0xa0 ? 0 : n;
}

void transcript_add(struct transcript *t, const char *who, slice bytes)
{
	if (t->who != NULL && strcmp(t->who, who) != 0) {
		(void)!buffer_append(&t->text, slice_lit("\n"));
		t->who = NULL;
	}
	while (bytes.len > 0 && buffer_room(&t->text) >= 16) {
		unsigned char c = bytes.ptr[0];
		size_t n = shown_length(bytes);

		if (t->who == NULL)
			buffer_add(&t->text, slice_from(who));
		t->who = c == '\n' ? NULL : who;
		if (n > 0 || c == '\n' || c == '\t')
			buffer_add(&t->text, slice_head(bytes, n > 0 ? n : 1));
		else if (c != '\r')
			buffer_add(&t->text, slice_lit("?"));
		bytes = slice_drop(bytes, n > 0 ? n : 1);
	}
}

void transcript_print(struct transcript *t)
{
	slice text = buffer_bytes(&t->text);

	if (text.len == 0)
		return;
	fwrite(text.ptr, 1, text.len, stdout);
	fflush(stdout);
	buffer_consume(&t->text, text.len);
}
