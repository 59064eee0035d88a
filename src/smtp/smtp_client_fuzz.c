/* smtp/smtp_client_fuzz.c - any bytes as a server's replies, in any pieces.
 *
 * The first byte chooses the session, the second how input and output are cut.
 * What must hold: at most one SENT a message (the drive checks it), nothing after
 * the end, no bare CR or LF out. */
#include "smtp/client_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_lines(slice out)
{
	while (out.len > 0) {
		slice line = slice_cut(&out, '\n');

		/* The last piece may be cut anywhere by send_max. */
		if (out.len > 0)
			check(slice_find_byte(line, '\r') == line.len - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const slice recipients[] = { slice_lit("b@y"), slice_lit("c@y"), slice_lit("d@y") };
	static const struct smtp_client_message messages[] = {
		{ .from = slice_lit("a@x"), .recipients = recipients, .n_recipients = 3,
		  .size = 100, .needs = SMTP_CLIENT_8BITMIME },
		{ .from = slice_lit(""), .recipients = recipients, .n_recipients = 1 },
		{ .from = slice_lit("a@x"), .recipients = recipients, .n_recipients = 2 },
	};
	struct drive d = { .messages = messages, .n_messages = 3,
		.body = slice_lit(".a\r\n.\r\nb\n.\rc\r") };
	slice in = slice_of(data, len);
	size_t cut, at = 0;

	if (len < 2)
		return 0;
	d.secure = data[0] & 1;
	d.config.clear_auth = data[0] & 2;
	d.config.starttls = (enum smtp_client_tls)((data[0] >> 2) % 3);
	if (data[0] & 16) {
		d.config.login = slice_lit("a");
		d.config.secret = slice_lit("secret");
	}
	d.send_max = data[1] & 64 ? 1 : data[1] & 128 ? 0 : SIZE_MAX;
	cut = 1 + (data[1] & 63);
	in = slice_drop(in, 2);
	drive_start(&d);
	while (at < in.len && !d.over) {
		size_t n = in.len - at < cut ? in.len - at : cut;

		drive_feed(&d, slice_sub(in, at, n));
		at += n;
		if (data[0] & 32)
			drive_secure(&d);
	}
	check_lines(buffer_bytes(&d.out));
	drive_stop(&d);
	return 0;
}
