/* sim/sim_message.c - messages of all shapes, repeatable. */
#include "sim/sim_message.h"

#include "base/limits.h"
#include "os/os_sim_chance.h"

static struct chance chance_of(uint64_t seed, unsigned number)
{
	return chance_init(seed, "message", number);
}

static enum sim_shape draw_shape(struct chance *chance)
{
	/* Large ones cost the most time: few. */
	if (chance_one_in(chance, 24))
		return SHAPE_LARGE;
	return (enum sim_shape)chance_below(chance, SHAPE_LARGE);
}

enum sim_shape sim_message_shape(uint64_t seed, unsigned number)
{
	struct chance chance = chance_of(seed, number);

	return draw_shape(&chance);
}

static void line(struct chance *chance, size_t len, bool eight_bit, struct buffer *out)
{
	unsigned char *at = buffer_reserve(out, len + 2);
	unsigned kinds = eight_bit ? 94 + 128 : 94;
	uint64_t drawn = 0;

	/* A draw for eight octets: readers have each message made many times. */
	for (size_t i = 0; i < len; i++, drawn >>= 8) {
		unsigned v;

		if (i % 8 == 0)
			drawn = chance_u64(chance);
		v = (unsigned)(drawn & 0xff) * kinds >> 8;
		at[i] = (unsigned char)(v < 94 ? '!' + v : v - 94 + 128);
	}
	at[len] = '\r';
	at[len + 1] = '\n';
	buffer_filled(out, len + 2);
}

static void lines(struct chance *chance, size_t n, size_t len_max, bool eight_bit,
    struct buffer *out)
{
	for (size_t i = 0; i < n; i++)
		line(chance, chance_below(chance, len_max + 1), eight_bit, out);
}

static void dots(struct chance *chance, struct buffer *out)
{
	static const char *const starts[] = { ".\r\n", "..\r\n", "...\r\n", ".x\r\n", "\r\n.\r\n",
	    ". \r\n", "x.\r\n" };
	size_t n = chance_between(chance, 1, 30);

	for (size_t i = 0; i < n; i++)
		buffer_add(out, slice_from(starts[chance_below(chance, 7)]));
}

void sim_message_make(uint64_t seed, unsigned number, struct buffer *out)
{
	struct chance chance = chance_of(seed, number);
	enum sim_shape shape = draw_shape(&chance);
	size_t n;

	if (shape == SHAPE_EMPTY)
		return;
	if (shape == SHAPE_BLANK_LINES) {
		for (n = chance_between(&chance, 1, 20); n > 0; n--)
			buffer_add(out, slice_lit("\r\n"));
		return;
	}
	buffer_printf(out, "Subject: number %u\r\nMessage-ID: <%u@away.example>\r\n\r\n", number,
	    number);
	switch (shape) {
	case SHAPE_DOTS:
		dots(&chance, out);
		break;
	case SHAPE_8BIT:
		lines(&chance, chance_between(&chance, 1, 50), 200, true, out);
		break;
	case SHAPE_LONG_LINES:
		for (n = chance_between(&chance, 1, 10); n > 0; n--)
			line(&chance, 998, false, out);
		break;
	case SHAPE_TEXT:
		lines(&chance, chance_between(&chance, 1, 400), 100, false, out);
		break;
	case SHAPE_LARGE:
		for (n = chance_between(&chance, BODY_FRAME_RAW, 2 * BODY_FRAME_RAW); n > 900; n -= 900)
			line(&chance, 898, true, out);
		break;
	default:
		line(&chance, 30, false, out);
		break;
	}
	if (shape == SHAPE_NO_LAST_CRLF)
		buffer_truncate(out, buffer_bytes(out).len - 2);
}
