/* smtp/smtp_client_fuzz.c - any bytes as a server's replies; mutated by the line.
 *
 * The first byte chooses the session, the second how output is cut, the third how
 * the input is.
 *
 * For: smtp/client.c smtp/client_mail.c smtp/client_auth.c smtp/reply.c
 *
 * Holds: whether lines come whole or in pieces, commands and events are the same; in
 * pieces of any kind at most one SENT a message, nothing after the end, no bare CR
 * or LF out; a reply that is printed is read as it was, and takes one place. */
#include "fuzz_lines.h"

#include "base/limits.h"
#include "smtp/client_drive.h"
#include "smtp/reply.h"

enum { HEAD = 3 };

static const char *const texts[] = {
	"220 a ESMTP\r\n", "250 ok\r\n", "250-a\r\n", "250-PIPELINING\r\n", "250-SIZE 50\r\n",
	"250-SIZE\r\n", "250-STARTTLS\r\n", "250-AUTH PLAIN LOGIN\r\n", "250-AUTH=LOGIN\r\n",
	"250-8BITMIME\r\n", "250-SMTPUTF8\r\n", "250 PIPELINING\r\n", "235 ok\r\n", "334 \r\n",
	"334 VXNlcm5hbWU6\r\n", "354 go\r\n", "221 bye\r\n", "421 no\r\n", "450 later\r\n",
	"550 5.1.1 no\r\n", "550-5.1.1 no\r\n", "554 no\r\n", "535 no\r\n", "503 no\r\n",
	"250\r\n", "25\r\n", "999 x\r\n", "\r\n", "250 \xff\r\n",
	"220 a\r\n250-a\r\n250-8BITMIME\r\n250 PIPELINING\r\n",
	"250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 done\r\n",
	"250 ok\r\n550 no\r\n250 ok\r\n451 no\r\n354 go\r\n250 done\r\n",
	"550 no\r\n503 no\r\n503 no\r\n503 no\r\n503 no\r\n250 ok\r\n",
};
static const struct fuzz_lines lines = { HEAD, texts, sizeof texts / sizeof texts[0] };
FUZZ_LINES_MUTATORS(lines)

static void check_lines(slice out)
{
	while (out.len > 0) {
		slice line = slice_cut(&out, '\n');

		/* The last piece may be cut anywhere by send_max. */
		if (out.len > 0)
			check(slice_find_byte(line, '\r') == line.len - 1);
	}
}

static const slice recipients[] = { slice_lit("b@y"), slice_lit("c@y"), slice_lit("d@y") };
static const struct smtp_client_message messages[] = {
	{ .from = slice_lit("a@x"), .recipients = recipients, .n_recipients = 3,
	  .size = 100, .needs = SMTP_CLIENT_8BITMIME },
	{ .from = slice_lit(""), .recipients = recipients, .n_recipients = 1 },
	{ .from = slice_lit("a@x"), .recipients = recipients, .n_recipients = 2 },
};

/* A line at a time, each whole or in pieces; or, `wild`, in pieces of any kind. */
static void run(struct drive *d, const uint8_t *choices, slice in, struct fuzz_chance *chance,
    bool wild)
{
	*d = (struct drive){ .messages = messages, .n_messages = 3, .send_max = SIZE_MAX,
		.body = slice_lit(".a\r\n.\r\nb\n.\rc\r"), .secure = choices[0] & 1 };
	d->config.clear_auth = choices[0] & 2;
	d->config.starttls = (enum smtp_client_tls)((choices[0] >> 2) % 3);
	if (choices[0] & 16) {
		d->config.login = slice_lit("a");
		d->config.secret = slice_lit("secret");
	}
	if (wild)
		d->send_max = choices[1] & 1 ? 1 : choices[1] & 2 ? 0 : SIZE_MAX;
	drive_start(d);
	while (in.len > 0 && !d->over) {
		size_t line = slice_find_byte(in, '\n');
		size_t n = wild || line == in.len ? in.len : line + 1;

		if (chance != NULL)
			n = fuzz_piece(chance, n);
		drive_feed(d, slice_head(in, n));
		in = slice_drop(in, n);
		if (choices[0] & 32)
			drive_secure(d);
	}
	check_lines(buffer_bytes(&d->out));
}

/* Words of ours, read by a client. */
static void fuzz_reply(const uint8_t *choices, slice text)
{
	struct smtp_reply reply = { 200 + (choices[0] | choices[1] << 8) % 400,
		choices[2] & 1 ? "5.7.1" : NULL, text };
	struct heap *heap = heap_create(SIZE_MAX);
	struct buffer out = buffer_init(heap, SIZE_MAX / 2), words = buffer_init(heap, SIZE_MAX / 2);
	unsigned code;
	slice in;

	smtp_reply_write(&reply, &out);
	buffer_add(&out, slice_lit("220 next\r\n"));
	in = buffer_bytes(&out);
	check(smtp_reply_take(&in, &code, &words) == SMTP_REPLY_DONE && code == reply.code);
	check(slice_equal(in, slice_lit("220 next\r\n")));
	heap_drop(heap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct drive whole, cut, wild;
	struct fuzz_chance chance;
	slice in;

	if (len < HEAD)
		return 0;
	in = slice_of(data + HEAD, len - HEAD);
	chance = (struct fuzz_chance){ data[2] };
	run(&whole, data, in, NULL, false);
	run(&cut, data, in, &chance, false);
	check(slice_equal(buffer_bytes(&whole.out), buffer_bytes(&cut.out)));
	check(slice_equal(buffer_bytes(&whole.events), buffer_bytes(&cut.events)));
	run(&wild, data, in, &chance, true);
	drive_stop(&whole);
	drive_stop(&cut);
	drive_stop(&wild);
	if (in.len < SMTP_REPLY_TEXT_MAX)
		fuzz_reply(data, in);
	return 0;
}
