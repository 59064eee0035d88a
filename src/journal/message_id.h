/* journal/message_id.h - the name of a message, never used twice.
 *
 * (producer, generation, sequence) says where the COMMIT record is; the random
 * generation makes it unique also after a restore. As text: the three in
 * base 32 with dots, "3.7zk2m9q4w8x1c.2f", at most 27 characters. */
#ifndef JOURNAL_MESSAGE_ID_H
#define JOURNAL_MESSAGE_ID_H

#include "base/bytes.h"

struct message_id {
	uint16_t producer;
	uint32_t sequence;
	uint64_t generation;
};

enum { MESSAGE_ID_TEXT = 32 };

/* Writes the text and a NUL; returns its length. */
size_t message_id_print(struct message_id id, char ret_text[MESSAGE_ID_TEXT]);
bool message_id_parse(slice text, struct message_id *ret_id);
bool message_id_equal(struct message_id a, struct message_id b);
void put_message_id(struct buffer *b, struct message_id id);    /* 14 bytes */
struct message_id get_message_id(struct bytes *in);

#endif
