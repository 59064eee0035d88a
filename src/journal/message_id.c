/* journal/message_id.c - "producer.generation.sequence" in base 32. */
#include "journal/message_id.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

size_t message_id_print(struct message_id id, char ret_text[MESSAGE_ID_TEXT])
{
	const uint64_t parts[3] = { id.producer, id.generation, id.sequence };
	size_t len = 0;

	/* 4 + 13 + 7 digits, two dots, a NUL. */
	static_assert(4 + 13 + 7 + 2 + 1 <= MESSAGE_ID_TEXT, "an id fits");
	for (size_t i = 0; i < 3; i++) {
		char text[14];
		size_t n = text_from_u64(parts[i], text);

		if (i > 0)
			ret_text[len++] = '.';
		memcpy(ret_text + len, text, n);
		len += n;
	}
	check(len < MESSAGE_ID_TEXT);
	ret_text[len] = '\0';
	return len;
}

bool message_id_parse(slice text, struct message_id *ret_id)
{
	const uint64_t max[3] = { UINT16_MAX, UINT64_MAX, UINT32_MAX };
	uint64_t parts[3];

	if (text.len >= MESSAGE_ID_TEXT || text.len == 0 || slice_ends(text, slice_lit(".")))
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (!text_to_u64(slice_cut(&text, '.'), &parts[i]) || parts[i] > max[i])
			return false;
	}
	if (text.len > 0)
		return false;
	*ret_id = (struct message_id){ (uint16_t)parts[0], (uint32_t)parts[2], parts[1] };
	return true;
}

bool message_id_equal(struct message_id a, struct message_id b)
{
	return a.producer == b.producer && a.sequence == b.sequence &&
	    a.generation == b.generation;
}

void put_message_id(struct buffer *b, struct message_id id)
{
	put_u16(b, id.producer);
	put_u64(b, id.generation);
	put_u32(b, id.sequence);
}

struct message_id get_message_id(struct bytes *in)
{
	struct message_id id = { 0 };

	id.producer = get_u16(in);
	id.generation = get_u64(in);
	id.sequence = get_u32(in);
	return id;
}
