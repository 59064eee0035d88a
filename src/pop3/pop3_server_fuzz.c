/* pop3/pop3_server_fuzz.c - any bytes, in any pieces, to the server engine.
 *
 * The first byte chooses the session, the second how input and output are cut.
 * What must hold: each line gets at most one reply, all output is whole lines,
 * and only QUIT commits. */
#include "pop3/server_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	slice in = slice_of(data, len), out, events;
	struct drive d = { 0 };
	size_t cut, at = 0;

	if (len < 2)
		return 0;
	d.secure = data[0] & 1;
	d.loopback = data[0] & 2;
	d.fail_body = (data[0] & 24) == 8;
	d.fail_middle = (data[0] & 24) == 16;
	d.fail_commit = data[0] & 32;
	d.send_max = data[1] & 64 ? 1 : SIZE_MAX;
	d.part_max = data[1] & 128 ? 1 : 1000;
	cut = 1 + (data[1] & 63);
	in = slice_drop(in, 2);
	drive_start(&d);
	pop3_server_greet(d.s);
	if (data[0] & 4)
		drive_log_in(&d);
	drive_run(&d);
	while (at < in.len && !d.closed) {
		size_t n = in.len - at < cut ? in.len - at : cut;

		drive_feed(&d, slice_sub(in, at, n));
		at += n;
		if (data[0] & 64)
			drive_secure(&d);
	}
	out = buffer_bytes(&d.out);
	events = buffer_bytes(&d.events);
	check(d.fail_middle || slice_ends(out, slice_lit("\r\n")));
	check(count_replies(out) <= count_lines(in) + 2);
	if (slice_starts(events, slice_lit("commit")) ||
	    slice_find(events, slice_lit("\ncommit")) < events.len)
		check(d.closed);
	drive_stop(&d);
	return 0;
}
