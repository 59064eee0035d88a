/* imap/imap_server_fuzz.c - any bytes, in any pieces, to the engines of two sessions of one
 * account; mutated by the line.
 *
 * The first byte chooses how they begin and what breaks, the second how the output leaves, the
 * third how the input is cut. A line that begins with ">" goes to the second session.
 *
 * For: imap/server.c imap/server_read.c imap/server_commands.c imap/server_reply.c
 * imap/server_sync.c imap/server_login.c imap/server_list.c imap/server_mailbox.c
 * imap/server_select.c imap/server_store.c imap/server_append.c imap/server_fetch.c
 * imap/server_search.c
 *
 * Holds: all output is whole lines; no number is told that the session did not hear of, and
 * EXISTS never goes down but by EXPUNGE; whole and in pieces, also with a client that reads
 * slowly, a session that is alone says the same. */
#include "fuzz_lines.h"

#include "imap/server_drive.h"

enum { HEAD = 3 };

static const char *const texts[] = {
	"a CAPABILITY\r\n", "a NOOP\r\n", "a LOGOUT\r\n", "a STARTTLS\r\n", "a LOGIN a secret\r\n",
	"a LOGIN {1}\r\na {6}\r\nsecret\r\n", "a LOGIN {1+}\r\na {6+}\r\nsecret\r\n",
	"a AUTHENTICATE PLAIN\r\nAGEAc2VjcmV0\r\n", "a AUTHENTICATE PLAIN AGEAc2VjcmV0\r\n",
	"a ENABLE CONDSTORE QRESYNC IMAP4rev2 UTF8=ACCEPT\r\n", "a ENABLE QRESYNC\r\n",
	"a SELECT INBOX\r\n", ">a SELECT INBOX\r\n", "a EXAMINE inbox\r\n", "a SELECT Sent (CONDSTORE)\r\n",
	"a SELECT INBOX (QRESYNC (100 2))\r\n", "a SELECT INBOX (QRESYNC (100 2 1:9 (1:3 1:3)))\r\n",
	"a CREATE x/y (USE (\\Sent))\r\n", "a CREATE x\r\n", "a DELETE x\r\n", ">a DELETE Sent\r\n",
	"a RENAME Sent x/z\r\n", "a SUBSCRIBE y\r\n", "a UNSUBSCRIBE y\r\n", "a LIST \"\" *\r\n",
	"a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (% x/%) RETURN (STATUS (MESSAGES SIZE))\r\n",
	"a LSUB \"\" %\r\n", "a STATUS Sent (MESSAGES UIDNEXT HIGHESTMODSEQ)\r\n", "a NAMESPACE\r\n",
	"a APPEND INBOX (\\Seen kw) {4}\r\ntext\r\n", ">a APPEND INBOX {4+}\r\ntext\r\n",
	"a APPEND Sent {1}\r\na {1}\r\nb\r\n", "a APPEND INBOX UTF8 (~{1+}\r\na)\r\n",
	"a APPEND nowhere {1+}\r\na {200000+}\r\n", "a IDLE\r\n", ">a IDLE\r\n", "DONE\r\n", ">DONE\r\n",
	"a CLOSE\r\n", "a UNSELECT\r\n", "a EXPUNGE\r\n", ">a EXPUNGE\r\n", "a UID EXPUNGE 1:*\r\n",
	"a STORE 1:* +FLAGS (\\Deleted)\r\n", ">a STORE 1 +FLAGS \\Seen kw2\r\n",
	"a UID STORE 2:* -FLAGS.SILENT (\\Seen)\r\n", "a STORE 1 (UNCHANGEDSINCE 6) FLAGS ()\r\n",
	"a COPY 1:2 Sent\r\n", ">a MOVE 1 Sent\r\n", "a UID MOVE 1:* INBOX\r\n", "a FETCH 1:* FLAGS\r\n",
	"a FETCH 1:* (UID BODY[])\r\n", "a UID FETCH 1:* (FLAGS) (CHANGEDSINCE 3 VANISHED)\r\n",
	"a FETCH 1 (ENVELOPE BODYSTRUCTURE PREVIEW)\r\n", "a FETCH 2:3 BODY.PEEK[HEADER]<0.10>\r\n",
	"a SEARCH ALL\r\n", "a UID SEARCH RETURN (SAVE MIN COUNT) UNSEEN\r\n", "a STORE $ +FLAGS (\\Flagged)\r\n",
	"a SEARCH BODY Hello OR FROM x NOT SEEN\r\n", "a GETQUOTAROOT INBOX\r\n", "a ID NIL\r\n",
	"a COMPRESS DEFLATE\r\n", "a CHECK\r\n", "\r\n", "* BAD\r\n", "a {5+}\r\nabcde\r\n", "a {9999999}\r\n",
	"a SEARCH CHARSET UTF-8 {3+}\r\nabc\r\n",
};
static const struct fuzz_lines lines = { HEAD, texts, sizeof texts / sizeof texts[0] };
FUZZ_LINES_MUTATORS(lines)

static void setup(struct drive *d)
{
	drive_start(d);
	drive_add(d, 0, slice_lit("From: a@b\r\nSubject: one\r\n\r\nHello\r\n"), IMAP_SEEN, 760686745);
	drive_add(d, 0, slice_lit("Subject: two\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
	    "--x\r\n\r\npart\r\n--x--\r\n"), IMAP_DELETED, 837595405);
	drive_add(d, 0, slice_lit("Subject: three\r\n\r\n"), 0, 1000000000);
	drive_make_box(d, slice_lit("Sent"));
}

/* ---- what a client makes of the output ---- */

struct client {
	uint32_t exists;
	bool selected;
};

static bool take_number(slice *line, uint64_t *ret)
{
	slice digits = slice_cut(line, ' ');

	return slice_to_u64(digits, UINT32_MAX, ret);
}

static void on_line(struct client *c, slice line)
{
	uint64_t n;

	if (!slice_starts(line, slice_lit("* ")))
		return;
	line = slice_drop(line, 2);
	if (slice_starts(line, slice_lit("OK [CLOSED]")))
		*c = (struct client){ 0 };
	/* So many of a set of UIDs are gone: until EXISTS nobody counts. */
	if (slice_starts(line, slice_lit("VANISHED ")))
		*c = (struct client){ .exists = UINT32_MAX };
	if (!take_number(&line, &n))
		return;
	if (slice_starts(line, slice_lit("EXISTS"))) {
		check(n >= c->exists || !c->selected);
		c->exists = (uint32_t)n;
		c->selected = true;
	} else if (slice_starts(line, slice_lit("EXPUNGE"))) {
		check(n >= 1 && n <= c->exists);
		c->exists--;
	} else if (slice_starts(line, slice_lit("FETCH"))) {
		check(n >= 1 && n <= c->exists);
	}
}

/* QRESYNC tells UIDs instead of numbers, and after CLOSE another mailbox may follow: such
 * dialogues are not counted. */
static void follow(slice out)
{
	struct client c = { 0 };

	while (out.len > 0) {
		size_t lf = slice_find(out, slice_lit("\r\n")), open;
		slice line = slice_head(out, lf);
		uint64_t len;

		check(lf < out.len);
		out = slice_drop(out, lf + 2);
		on_line(&c, line);
		while (slice_ends(line, slice_lit("}")) &&
		    (open = slice_find_last_byte(line, '{')) < line.len &&
		    slice_to_u64(slice_sub(line, open + 1, line.len - open - 2), UINT32_MAX, &len) &&
		    len <= out.len) {
			out = slice_drop(out, (size_t)len);
			lf = slice_find(out, slice_lit("\r\n"));
			check(lf < out.len);
			line = slice_head(out, lf);
			out = slice_drop(out, lf + 2);
		}
	}
}

static void feed_line(struct drive *d, slice line, struct fuzz_chance *chance)
{
	size_t i = slice_starts(line, slice_lit(">")) ? 1 : 0;

	line = slice_drop(line, i);
	while (line.len > 0 && d->sessions[i].s != NULL && !d->sessions[i].closed) {
		size_t n = chance != NULL ? fuzz_piece(chance, line.len) : line.len;

		drive_feed(d, i, slice_head(line, n));
		line = slice_drop(line, n);
	}
}

static void run(struct drive *d, const uint8_t *choices, slice in, struct fuzz_chance *chance)
{
	*d = (struct drive){ 0 };
	setup(d);
	d->send_max = chance != NULL ? 1 + choices[1] % 80u : SIZE_MAX;
	d->fail_changes = choices[0] & 8;
	d->fail_text = choices[0] & 16;
	for (size_t i = 0; i < 2; i++) {
		drive_open(d, i, !(choices[0] & 1));
		if (choices[0] & 2)
			imap_server_greet(d->sessions[i].s);
		else
			imap_server_resume(d->sessions[i].s, &d->sessions[i].host, slice_lit("a0"),
			    slice_lit("alice"));
	}
	drive_run(d);
	while (in.len > 0) {
		slice line = slice_cut(&in, '\n');

		if (in.ptr != NULL && in.len + 1 > 0 && line.ptr + line.len < in.ptr)
			line.len++;             /* with its LF */
		feed_line(d, line, chance);
		if (choices[0] & 4)
			drive_secure(d, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_chance chance;
	struct drive whole, cut;
	slice in, out;
	bool alone;

	if (len < HEAD || len > 4096)
		return 0;
	chance = (struct fuzz_chance){ data[2] };
	in = slice_of(data + HEAD, len - HEAD);
	run(&whole, data, in, NULL);
	run(&cut, data, in, &chance);
	alone = slice_find(in, slice_lit(">")) == in.len;
	out = buffer_bytes(&cut.sessions[0].out);
	/* What came in the clear behind STARTTLS is dropped: that depends on the pieces. */
	if (alone && !(data[0] & 4))
		check(slice_equal(buffer_bytes(&whole.sessions[0].out), out));
	check(out.len == 0 || slice_ends(out, slice_lit("\r\n")));
	if (slice_find(in, slice_lit("SELECT")) < in.len && slice_find(in, slice_lit("CLOSE")) == in.len &&
	    slice_find(in, slice_lit("UNSELECT")) == in.len)
		follow(out);
	drive_stop(&whole);
	drive_stop(&cut);
	return 0;
}
