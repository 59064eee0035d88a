/* sim/sim_message.h - the messages that simulated senders send: made from
 * (seed, number) alone, so that a checker can make one again and compare. */
#ifndef SIM_SIM_MESSAGE_H
#define SIM_SIM_MESSAGE_H

#include "base/buffer.h"

enum sim_shape {
	SHAPE_SHORT,            /* a header, a line */
	SHAPE_EMPTY,            /* no byte at all */
	SHAPE_NO_LAST_CRLF,
	SHAPE_DOTS,             /* lines that begin with dots, or are only dots */
	SHAPE_8BIT,
	SHAPE_BLANK_LINES,      /* nothing but CRLFs */
	SHAPE_LONG_LINES,       /* of 998 octets (RFC 5322 s2.1.1) */
	SHAPE_TEXT,             /* up to 20 KiB */
	SHAPE_LARGE,            /* over BODY_FRAME_RAW: goes through a spool file */
	SHAPES
};

enum sim_shape sim_message_shape(uint64_t seed, unsigned number);
/* Append what the sender gives to its client. */
void sim_message_make(uint64_t seed, unsigned number, struct buffer *out);
/* The most that sim_message_make appends. */
enum { SIM_MESSAGE_MAX = 640 * 1024 };

#endif
