/* pop3/pop3_server_fuzz.c - any bytes, in any pieces, to the server engine; mutated
 * by the line.
 *
 * The first byte chooses the session, the second how output and bodies are cut, the
 * third how the input is.
 *
 * For: pop3/server.c pop3/server_login.c pop3/server_mail.c
 *
 * Holds: each line gets at most one reply and all output is whole lines; whole and in
 * pieces, with bodies in pieces and a client that reads slowly, output and events are
 * the same; a message comes as it is, dots undone; only QUIT commits. */
#include "fuzz_lines.h"

#include "pop3/server_drive.h"

enum { HEAD = 3 };

static const char *const texts[] = {
	"USER a\r\n", "PASS secret\r\n", "PASS wrong\r\n", "USER a\r\nPASS secret\r\n",
	"AUTH\r\n", "AUTH PLAIN\r\n", "AUTH PLAIN AGEAc2VjcmV0\r\n", "AGEAc2VjcmV0\r\n",
	"AUTH LOGIN\r\n", "YQ==\r\n", "c2VjcmV0\r\n", "*\r\n", "STLS\r\n", "CAPA\r\n",
	"STAT\r\n", "LIST\r\n", "LIST 1\r\n", "LIST 5\r\n", "UIDL\r\n", "UIDL 4\r\n",
	"RETR 1\r\n", "RETR 2\r\n", "RETR 3\r\n", "RETR 4\r\n", "RETR 0\r\n", "TOP 1 0\r\n",
	"TOP 1 1\r\n", "TOP 1 4294967295\r\n", "TOP 2 9\r\n", "TOP 3 2\r\n", "DELE 1\r\n",
	"DELE 2\r\n", "RSET\r\n", "NOOP\r\n", "UTF8\r\n", "LANG\r\n", "QUIT\r\n", "\r\n",
	"retr 1\r\n", "APOP a b\r\n", "RETR  1\r\n", "RETR 1 2\r\n", "RETR -1\r\n",
};
static const struct fuzz_lines lines = { HEAD, texts, sizeof texts / sizeof texts[0] };
FUZZ_LINES_MUTATORS(lines)

static unsigned count_lines(slice text)
{
	unsigned n = 0;

	while (text.len > 0) {
		slice_cut(&text, '\n');
		n++;
	}
	return n;
}

/* Lines that begin a reply. Bodies of the drive's mailbox hold none of these. */
static unsigned count_replies(slice out)
{
	unsigned n = 0;

	while (out.len > 0) {
		slice line = slice_cut(&out, '\n');

		n += slice_starts(line, slice_lit("+")) || slice_starts(line, slice_lit("-ERR"));
	}
	return n;
}

/* What RETR of a message says, behind its +OK. */
static void check_bodies(slice out, slice events)
{
	while (events.len > 0) {
		slice event = slice_cut(&events, '\n');
		unsigned number;
		slice text;

		if (!slice_starts(event, slice_lit("retr ")))
			continue;
		number = event.ptr[5] - '0';
		text = slice_from(drive_bodies[number - 1]);
		/* Some reply holds its beginning; TOP may cut it behind the header. */
		text = slice_head(text, slice_find(text, slice_lit("\r\n")));
		check(slice_find(out, text) < out.len);
	}
}

static void run(struct drive *d, const uint8_t *choices, slice in, struct fuzz_chance *chance)
{
	*d = (struct drive){ .secure = choices[0] & 1, .loopback = choices[0] & 2,
		.fail_body = (choices[0] & 24) == 8, .fail_middle = (choices[0] & 24) == 16,
		.fail_commit = choices[0] & 32 };
	d->send_max = chance != NULL ? 1 + choices[1] % 80u : SIZE_MAX;
	d->part_max = chance != NULL ? 1 + choices[1] / 16u : 1000;
	drive_start(d);
	pop3_server_greet(d->s);
	if (choices[0] & 4)
		drive_log_in(d);
	drive_run(d);
	while (in.len > 0 && !d->closed) {
		size_t n = chance != NULL ? fuzz_piece(chance, in.len) : in.len;

		drive_feed(d, slice_head(in, n));
		in = slice_drop(in, n);
		if (choices[0] & 64)
			drive_secure(d);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_chance chance;
	struct drive whole, cut;
	slice in, out, events;

	if (len < HEAD)
		return 0;
	chance = (struct fuzz_chance){ data[2] };
	in = slice_of(data + HEAD, len - HEAD);
	run(&whole, data, in, NULL);
	run(&cut, data, in, &chance);
	out = buffer_bytes(&cut.out);
	events = buffer_bytes(&cut.events);
	/* What came in the clear behind STLS is dropped: that depends on the pieces. And
	 * so does how much of a message came before its disk failed. */
	if (!(data[0] & 64) && !cut.fail_middle) {
		check(slice_equal(buffer_bytes(&whole.out), out));
		check(slice_equal(buffer_bytes(&whole.events), events));
	}
	check(cut.fail_middle || slice_ends(out, slice_lit("\r\n")));
	check(count_replies(out) <= count_lines(in) + 2);
	if (!cut.fail_body && !cut.fail_middle)
		check_bodies(out, events);
	if (slice_starts(events, slice_lit("commit")) ||
	    slice_find(events, slice_lit("\ncommit")) < events.len)
		check(cut.closed);
	drive_stop(&whole);
	drive_stop(&cut);
	return 0;
}
