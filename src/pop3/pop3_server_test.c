/* pop3/pop3_server_test.c - sessions as transcripts, each fed whole, byte by byte and
 * at every split in two, with output leaving whole and byte by byte. */
#include "unit.h"

#include <stdio.h>

#include "base/limits.h"
#include "pop3/server_drive.h"

enum { SECURE = 1, LOOPBACK = 2, LOGGED_IN = 4, FAIL_BODY = 8, FAIL_MIDDLE = 16, FAIL_COMMIT = 32, SCRAM = 64 };

#define CAPA_HEAD "+OK this is what there is\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\n" \
	"AUTH-RESP-CODE\r\nEXPIRE NEVER\r\nUTF8\r\n"
#define CAPA_TAIL "IMPLEMENTATION Posthouse\r\n"
#define CAPA_SASL "SASL PLAIN LOGIN\r\n.\r\n"
#define IN "+OK logged in, 4 messages (102 octets)\r\n"
#define CLEAR "-ERR [SYS/PERM] no passwords in the clear here: issue STLS first\r\n"

static const struct transcript {
	const char *name;
	unsigned how;
	const char *client[3];          /* flights; TLS is set up between them if asked for */
	const char *server;             /* after the greeting */
	const char *events;
} transcripts[] = {
	/* AUTHORIZATION */
	{ "quit at once", 0, { "QUIT\r\n" }, "+OK goodbye\r\n", "quit\n" },
	{ "login", LOOPBACK, { "USER alice@test\r\nPASS secret\r\nQUIT\r\n" },
	  "+OK now the password\r\n" IN "+OK goodbye\r\n",
	  "login alice@test secret\ncommit\nquit\n" },
	{ "any case, LF only", LOOPBACK, { "user a\npaSS secret\nquit\n" },
	  "+OK now the password\r\n" IN "+OK goodbye\r\n", "login a secret\ncommit\nquit\n" },
	{ "blanks in the password", SECURE, { "USER a b\r\nPASS  x y \r\n" },
	  "+OK now the password\r\n-ERR [AUTH] wrong\r\n", "login a b  x y \n" },
	{ "UTF-8 password", SECURE, { "USER \xc3\xa9\r\nPASS \xc3\xbc\r\n" },
	  "+OK now the password\r\n-ERR [AUTH] wrong\r\n", "login \xc3\xa9 \xc3\xbc\n" },
	{ "USER again after a refusal", SECURE, { "USER a\r\nPASS x\r\nPASS secret\r\n" },
	  "+OK now the password\r\n-ERR [AUTH] wrong\r\n-ERR USER comes first\r\n", "login a x\n" },
	{ "the last USER counts", SECURE, { "USER a\r\nUSER b\r\nPASS secret\r\n" },
	  "+OK now the password\r\n+OK now the password\r\n" IN, "login b secret\n" },
	{ "PASS first", SECURE, { "PASS secret\r\n" }, "-ERR USER comes first\r\n", "" },
	{ "no arguments", SECURE, { "USER\r\nPASS \r\nQUIT now\r\n" },
	  "-ERR argument missing\r\n-ERR argument missing\r\n-ERR too many arguments\r\n", "" },
	{ "no passwords in the clear", 0,
	  { "USER a\r\nPASS secret\r\nAUTH PLAIN AGEAc2VjcmV0\r\nAUTH LOGIN\r\n" },
	  CLEAR CLEAR CLEAR CLEAR, "" },
	{ "mail before login", SECURE, { "STAT\r\nRETR 1\r\nNOOP\r\n" },
	  "-ERR log in first\r\n-ERR log in first\r\n-ERR log in first\r\n", "" },
	{ "login after login", LOGGED_IN | SECURE, { "USER a\r\nSTLS\r\nUTF8\r\n" },
	  "-ERR you are logged in already\r\n-ERR you are logged in already\r\n"
	  "-ERR you are logged in already\r\n", "" },
	{ "APOP is not there", SECURE, { "APOP a c4c9334bac560ecc979e58001b3e22fb\r\n" },
	  "-ERR unknown command\r\n", "" },

	/* CAPA */
	{ "capa in the clear", 0, { "CAPA\r\n" }, CAPA_HEAD "STLS\r\n" CAPA_TAIL ".\r\n", "" },
	{ "capa on loopback", LOOPBACK, { "CAPA\r\n" },
	  CAPA_HEAD "STLS\r\nUSER\r\n" CAPA_TAIL CAPA_SASL, "" },
	{ "capa under TLS", SECURE, { "capa\r\n" }, CAPA_HEAD "USER\r\n" CAPA_TAIL CAPA_SASL, "" },
	{ "capa after login", LOGGED_IN | SECURE, { "CAPA\r\n" },
	  CAPA_HEAD "USER\r\n" CAPA_TAIL CAPA_SASL, "" },

	/* STLS */
	{ "stls", 0, { "STLS\r\n", "CAPA\r\n" },
	  "+OK begin TLS\r\n" CAPA_HEAD "USER\r\n" CAPA_TAIL CAPA_SASL, "stls\n" },
	{ "stls, injected commands", LOOPBACK,
	  { "USER mallory\r\nSTLS\r\nUSER eve\r\nPASS", " x\r\nPASS secret\r\nQUIT\r\n" },
	  "+OK now the password\r\n+OK begin TLS\r\n-ERR unknown command\r\n"
	  "-ERR USER comes first\r\n+OK goodbye\r\n", "stls\nquit\n" },
	{ "stls twice", 0, { "STLS\r\n", "STLS\r\n" },
	  "+OK begin TLS\r\n-ERR TLS is on already\r\n", "stls\n" },
	{ "stls after utf8", 0, { "UTF8\r\nSTLS\r\n" },
	  "+OK UTF-8 it is\r\n-ERR STLS comes before UTF8\r\n", "" },

	/* AUTH */
	{ "plain, at once", SECURE, { "AUTH PLAIN AGEAc2VjcmV0\r\nNOOP\r\n" },
	  IN "+OK nothing done\r\n", "login a secret\n" },
	{ "plain, asked", LOOPBACK, { "AUTH plain\r\nAGEAc2VjcmV0\r\n" },
	  "+ \r\n" IN, "login a secret\n" },
	{ "login", SECURE, { "AUTH LOGIN\r\nYQ==\r\nc2VjcmV0\r\n" },
	  "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\n" IN, "login a secret\n" },
	{ "auth refused, then right", SECURE,
	  { "AUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGEAc2VjcmV0\r\n" },
	  "-ERR [AUTH] wrong\r\n" IN, "login a b\nlogin a secret\n" },
	{ "auth cancelled", SECURE, { "AUTH LOGIN\r\n*\r\nQUIT\r\n" },
	  "+ VXNlcm5hbWU6\r\n-ERR cancelled\r\n+OK goodbye\r\n", "quit\n" },
	{ "auth, what is not base 64", SECURE, { "AUTH PLAIN\r\nCAPA\t\r\nAUTH PLAIN =\r\n" },
	  "+ \r\n-ERR that is not what the mechanism asks for\r\n"
	  "-ERR that is not what the mechanism asks for\r\n", "" },
	{ "auth for another", SECURE, { "AUTH PLAIN YgBhAHNlY3JldA==\r\n" },
	  "-ERR [AUTH] nobody may act for somebody else here\r\n", "" },
	{ "auth, unknown and none", SECURE, { "AUTH CRAM-MD5\r\nAUTH\r\n" },
	  "-ERR no such mechanism; CAPA lists them\r\n"
	  "-ERR no such mechanism; CAPA lists them\r\n", "" },

	/* SCRAM: the server says that it knows the password, too, and hears an empty line. */
	{ "scram", LOOPBACK | SCRAM, { "AUTH SCRAM-SHA-256 biwsbj1hLHI9YWJj\r\nYz1iaXdzLHI9YWJjQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBLHA9QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQT0=\r\n\r\nNOOP\r\n" },
	  "+ cj1hYmNBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUEscz1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBPT0saT00MDk2\r\n+ dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBPQ==\r\n" IN "+OK nothing done\r\n", "" },
	{ "scram, asked and bound", SECURE | SCRAM,
	  { "AUTH SCRAM-SHA-256-PLUS\r\ncD10bHMtZXhwb3J0ZXIsLG49YSxyPWFiYw==\r\nYz1jRDEwYkhNdFpYaHdiM0owWlhJc0xHSnZkVzVrLHI9YWJjQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBLHA9QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQT0=\r\n\r\n" },
	  "+ \r\n+ cj1hYmNBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUEscz1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBPT0saT00MDk2\r\n+ dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBPQ==\r\n" IN, "" },
	{ "scram, wrong", LOOPBACK | SCRAM, { "AUTH SCRAM-SHA-256 biwsbj1hLHI9YWJj\r\nYz1iaXdzLHI9YWJjQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBLHA9ZUhoNGVIaDRlSGg0ZUhoNGVIaDRlSGg0ZUhoNGVIaDRlSGg0ZUhoNGVIZz0=\r\nQUIT\r\n" },
	  "+ cj1hYmNBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUEscz1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBPT0saT00MDk2\r\n-ERR [AUTH] wrong\r\n+OK goodbye\r\n", "quit\n" },
	{ "scram, something at the end", LOOPBACK | SCRAM,
	  { "AUTH SCRAM-SHA-256 biwsbj1hLHI9YWJj\r\nYz1iaXdzLHI9YWJjQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBLHA9QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQT0=\r\nNOOP\r\nQUIT\r\n" },
	  "+ cj1hYmNBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUEscz1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBPT0saT00MDk2\r\n+ dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBPQ==\r\n-ERR that is not what the mechanism asks for\r\n+OK goodbye\r\n", "quit\n" },
	{ "scram, bound where nothing is", LOOPBACK | SCRAM, { "AUTH SCRAM-SHA-256-PLUS cD10bHMtZXhwb3J0ZXIsLG49YSxyPWFiYw==\r\n" },
	  "-ERR no such mechanism; CAPA lists them\r\n", "" },
	{ "scram, not offered", SECURE, { "AUTH SCRAM-SHA-256 biwsbj1hLHI9YWJj\r\n" },
	  "-ERR no such mechanism; CAPA lists them\r\n", "" },

	/* TRANSACTION */
	{ "stat, list, uidl", LOGGED_IN, { "STAT\r\nLIST\r\nLIST 2\r\nUIDL\r\nUIDL 4\r\n" },
	  "+OK 4 102\r\n+OK 4 messages\r\n1 42\r\n2 30\r\n3 6\r\n4 24\r\n.\r\n+OK 2 30\r\n"
	  "+OK 4 messages\r\n1 u1\r\n2 u2\r\n3 u3\r\n4 u~4!\r\n.\r\n+OK 4 u~4!\r\n", "" },
	{ "retr", LOGGED_IN, { "RETR 1\r\nRETR 2\r\nRETR 3\r\nRETR 4\r\n" },
	  "+OK 42 octets\r\nSubject: one\r\n\r\nfirst\r\n..second\r\n\r\nfourth\r\n.\r\n"
	  "+OK 30 octets\r\nSubject: two\r\n\r\nno last CRLF\r\n.\r\n"
	  "+OK 6 octets\r\n\r\n\r\n\r\n.\r\n"
	  "+OK 24 octets\r\nSubject: only a header\r\n.\r\n", "retr 1\nretr 2\nretr 3\nretr 4\n" },
	{ "top", LOGGED_IN,
	  { "TOP 1 0\r\nTOP 1 2\r\nTOP 1 99\r\nTOP 2 1\r\nTOP 3 1\r\nTOP 4 7\r\n" },
	  "+OK top of message follows\r\nSubject: one\r\n\r\n.\r\n"
	  "+OK top of message follows\r\nSubject: one\r\n\r\nfirst\r\n..second\r\n.\r\n"
	  "+OK top of message follows\r\nSubject: one\r\n\r\nfirst\r\n..second\r\n\r\n"
	  "fourth\r\n.\r\n"
	  "+OK top of message follows\r\nSubject: two\r\n\r\nno last CRLF\r\n.\r\n"
	  "+OK top of message follows\r\n\r\n\r\n.\r\n"
	  "+OK top of message follows\r\nSubject: only a header\r\n.\r\n",
	  "retr 1\nretr 1\nretr 1\nretr 2\nretr 3\nretr 4\n" },
	{ "marks", LOGGED_IN,
	  { "DELE 1\r\nDELE 4\r\nDELE 1\r\nRETR 1\r\nLIST 4\r\nSTAT\r\nLIST\r\nUIDL\r\nQUIT\r\n" },
	  "+OK message 1 marked\r\n+OK message 4 marked\r\n-ERR message 1 is marked as deleted\r\n"
	  "-ERR message 1 is marked as deleted\r\n-ERR message 4 is marked as deleted\r\n"
	  "+OK 2 36\r\n+OK 2 messages\r\n2 30\r\n3 6\r\n.\r\n"
	  "+OK 2 messages\r\n2 u2\r\n3 u3\r\n.\r\n"
	  "+OK goodbye\r\n", "commit 1 4\nquit\n" },
	{ "rset", LOGGED_IN, { "DELE 2\r\nRSET\r\nSTAT\r\nQUIT\r\n" },
	  "+OK message 2 marked\r\n+OK 4 messages (102 octets)\r\n+OK 4 102\r\n+OK goodbye\r\n",
	  "commit\nquit\n" },
	{ "commit failed", LOGGED_IN | FAIL_COMMIT, { "DELE 2\r\nQUIT\r\n" },
	  "+OK message 2 marked\r\n-ERR [SYS/TEMP] some marked messages are still here\r\n",
	  "commit 2\nquit\n" },
	{ "body failed", LOGGED_IN | FAIL_BODY, { "RETR 1\r\nNOOP\r\n" },
	  "-ERR [SYS/TEMP] disk?failed\r\n+OK nothing done\r\n", "retr 1\n" },
	{ "body failed in the middle", LOGGED_IN | FAIL_MIDDLE, { "DELE 2\r\nRETR 4\r\nNOOP\r\n" },
	  "+OK message 2 marked\r\n+OK 24 octets\r\nS", "retr 4\nquit\n" },
	{ "numbers that are none", LOGGED_IN, { "RETR 0\r\nRETR 5\r\nLIST 4294967296\r\nRETR -1\r\n"
	  "DELE\r\nTOP 1\r\n" },
	  "-ERR no such message, there are 4\r\n-ERR no such message, there are 4\r\n"
	  "-ERR give the number of a message\r\n-ERR give the number of a message\r\n"
	  "-ERR give the number of a message\r\n-ERR give a number of lines\r\n", "" },
	{ "too many arguments", LOGGED_IN,
	  { "RETR 1 2\r\nSTAT 1\r\nTOP 1 2 3\r\nSTAT  \r\nLIST  1 \r\n" },
	  "-ERR too many arguments\r\n-ERR too many arguments\r\n-ERR too many arguments\r\n"
	  "+OK 4 102\r\n+OK 1 42\r\n", "" },
	{ "utf8", LOOPBACK, { "UTF8\r\nUSER a\r\nPASS secret\r\nTOP 4 0\r\n" },
	  "+OK UTF-8 it is\r\n+OK now the password\r\n" IN
	  "+OK top of message follows\r\nSubject: only a header\r\n.\r\n",
	  "login a secret\nretr 4 utf8\n" },

	/* What is no POP3 */
	{ "nonsense", LOGGED_IN, { "\r\nEHLO x\r\nST\x01T\r\nSTAT\rLIST\r\nSTAT\r\n" },
	  "-ERR unknown command\r\n-ERR unknown command\r\n"
	  "-ERR control character in the command\r\n"
	  "-ERR control character in the command\r\n+OK 4 102\r\n", "" },
	{ "too many errors", 0, { "A\r\nB\r\nC\r\nD\r\nE\r\nQUIT\r\n" },
	  "-ERR unknown command\r\n-ERR unknown command\r\n-ERR unknown command\r\n"
	  "-ERR unknown command\r\n-ERR unknown command; too many errors, closing\r\n", "quit\n" },
	{ "too many passwords", SECURE,
	  { "AUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGEAYg==\r\n"
	    "AUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGEAYg==\r\nAUTH PLAIN AGEAc2VjcmV0\r\n" },
	  "-ERR [AUTH] wrong\r\n-ERR [AUTH] wrong\r\n-ERR [AUTH] wrong\r\n-ERR [AUTH] wrong\r\n"
	  "-ERR [AUTH] wrong; too many errors, closing\r\n",
	  "login a b\nlogin a b\nlogin a b\nlogin a b\nlogin a b\nquit\n" },
};

static struct drive drive_of(unsigned how, size_t send_max)
{
	struct drive d = { .secure = how & SECURE, .loopback = how & LOOPBACK,
		.fail_body = how & FAIL_BODY, .fail_middle = how & FAIL_MIDDLE,
		.fail_commit = how & FAIL_COMMIT, .scram = how & SCRAM, .send_max = send_max,
		.part_max = how & FAIL_MIDDLE ? 1 : 7 };

	return d;
}

/* Feed a flight in pieces: cut in two, or byte by byte when cut is past it. */
static void feed_cut(struct drive *d, slice flight, size_t cut)
{
	size_t at = 0;

	while (at < flight.len) {
		size_t n = cut > flight.len ? 1 : at < cut ? cut : flight.len - at;
		slice part = guarded_copy(slice_sub(flight, at, n));

		drive_feed(d, part);
		guarded_free(part);
		at += n;
	}
}

static void run(const struct transcript *t, size_t flight, size_t cut, size_t send_max)
{
	struct drive d = drive_of(t->how, send_max);
	slice greeting = slice_lit("+OK mx.test POP3 ready\r\n"), out;

	drive_start(&d);
	pop3_server_greet(d.s);
	drive_run(&d);
	assert_slice(buffer_bytes(&d.out), greeting);
	if (t->how & LOGGED_IN) {
		drive_log_in(&d);
		drive_run(&d);
		greeting = slice_lit("+OK mx.test POP3 ready\r\n" IN);
	}
	for (size_t i = 0; i < 3 && t->client[i] != NULL; i++) {
		feed_cut(&d, slice_from(t->client[i]), i == flight ? cut : 0);
		drive_secure(&d);
	}
	out = buffer_bytes(&d.out);
	assert_true(slice_starts(out, greeting));
	assert_slice(slice_drop(out, greeting.len), slice_from(t->server));
	assert_slice(buffer_bytes(&d.events), slice_from(t->events));
	drive_stop(&d);
}

static void test_transcripts(void **state)
{
	for (size_t i = 0; i < sizeof transcripts / sizeof transcripts[0]; i++) {
		const struct transcript *t = &transcripts[i];

		print_message("# %s\n", t->name);
		for (size_t flight = 0; flight < 3 && t->client[flight] != NULL; flight++) {
			size_t len = strlen(t->client[flight]);

			for (size_t cut = 0; cut <= len + 1; cut++)
				run(t, flight, cut, SIZE_MAX);
			run(t, flight, 0, 1);
			run(t, flight, len + 1, 1);
		}
	}
}

/* A line of n bytes, its CRLF included, fed with the rest at every split. */
static void assert_long(const char *head, size_t n, unsigned how, const char *want)
{
	char line[8192];
	size_t len = strlen(head);

	memset(line, 'x', sizeof line);
	memcpy(line, head, len);
	memcpy(line + n - 2, "\r\nNOOP\r\n", 9);
	for (size_t cut = 0; cut <= n + 7; cut += n < 600 ? 1 : 97) {
		struct drive d = drive_of(how, SIZE_MAX);

		drive_start(&d);
		if (how & LOGGED_IN)
			drive_log_in(&d);
		drive_run(&d);
		buffer_truncate(&d.out, 0);
		feed_cut(&d, slice_of(line, n + 6), cut);
		assert_slice(buffer_bytes(&d.out), slice_from(want));
		drive_stop(&d);
	}
}

static void test_long_lines(void **state)
{
	assert_long("", 255, LOGGED_IN, "-ERR unknown command\r\n+OK nothing done\r\n");
	assert_long("", 256, LOGGED_IN, "-ERR line too long\r\n+OK nothing done\r\n");
	assert_long("", 5000, LOGGED_IN, "-ERR line too long\r\n+OK nothing done\r\n");
	assert_long("USER ", 255, SECURE, "+OK now the password\r\n-ERR log in first\r\n");
	assert_long("USER ", 256, SECURE, "-ERR line too long\r\n-ERR log in first\r\n");
	assert_long("AUTH PLAIN ", 1557, SECURE,
	    "-ERR that is too long\r\n-ERR log in first\r\n");
	assert_long("AUTH PLAIN ", POP3_AUTH_LINE_MAX + 1, SECURE,
	    "-ERR line too long\r\n-ERR log in first\r\n");
	/* An exchange that is cut off by a long line is over. */
	assert_long("AUTH LOGIN\r\n", POP3_AUTH_LINE_MAX + 13, SECURE,
	    "+ VXNlcm5hbWU6\r\n-ERR line too long\r\n-ERR log in first\r\n");
}

static void test_timeout(void **state)
{
	struct drive d = drive_of(LOGGED_IN, SIZE_MAX);

	drive_start(&d);
	drive_log_in(&d);
	drive_feed(&d, slice_lit("DELE 1\r\n"));
	buffer_truncate(&d.out, 0);
	pop3_server_timeout(d.s);
	drive_feed(&d, slice_lit("QUIT\r\n"));
	/* RFC 1939 s3: no reply, no UPDATE. */
	assert_slice(buffer_bytes(&d.out), slice_lit(""));
	assert_slice(buffer_bytes(&d.events), slice_lit("quit\n"));
	assert_int_equal(buffer_bytes(&d.in).len, 0);
	drive_stop(&d);
}

/* An answer that comes after the timeout changes nothing. */
static void test_late_answers(void **state)
{
	struct pop3_event event;
	struct drive d = drive_of(LOOPBACK, SIZE_MAX);
	slice in = slice_lit("USER a\r\nPASS secret\r\n");

	drive_start(&d);
	assert_int_equal(pop3_server_feed(d.s, in), in.len);
	assert_true(pop3_server_next(d.s, &event));
	pop3_server_timeout(d.s);
	pop3_server_login_refused(d.s, slice_lit("late"));
	pop3_server_body_begin(d.s);
	assert_false(pop3_server_body_wants(d.s));
	assert_int_equal(pop3_server_body(d.s, in), 0);
	pop3_server_body_end(d.s);
	pop3_server_fail(d.s, slice_lit("late"));
	pop3_server_committed(d.s, true);
	pop3_server_secured(d.s);
	assert_true(pop3_server_next(d.s, &event));
	assert_int_equal(event.kind, POP3_EVENT_QUIT);
	assert_false(pop3_server_next(d.s, &event));
	drive_run(&d);
	assert_slice(buffer_bytes(&d.out), slice_lit("+OK now the password\r\n"));
	drive_stop(&d);
}

/* A mailbox of 100,000 lists itself within POP3_OUTPUT_MAX, and no command is
 * taken meanwhile. */
static void test_long_list(void **state)
{
	enum { N = 100000 };
	struct drive d = drive_of(0, 1000);
	struct pop3_message *messages;
	size_t rows = 0;

	drive_start(&d);
	messages = heap_alloc(d.heap, N * sizeof *messages);
	for (size_t i = 0; i < N; i++)
		messages[i] = (struct pop3_message){ .size = 1, .uidl = slice_lit("u") };
	pop3_server_resume(d.s, messages, N, false);
	buffer_add(&d.in, slice_lit("LIST\r\nUIDL\r\nNOOP\r\n"));
	for (;;) {
		size_t used = pop3_server_feed(d.s, buffer_bytes(&d.in));

		buffer_consume(&d.in, used);
		assert_true(pop3_server_output(d.s).len <= POP3_OUTPUT_MAX);
		if (!drive_send(&d) && used == 0)
			break;
	}
	for (slice rest = buffer_bytes(&d.out); rest.len > 0; rows++)
		slice_cut(&rest, '\n');
	assert_int_equal(rows, 1 + 2 * (N + 2) + 1);
	assert_true(slice_ends(buffer_bytes(&d.out),
	    slice_lit("100000 u\r\n.\r\n+OK nothing done\r\n")));
	drive_stop(&d);
}

/* A large message: its output stays bounded, and no byte of it changes. */
static void test_large_body(void **state)
{
	struct drive d = drive_of(0, 3000);
	struct pop3_message message = { .size = 1 << 20, .uidl = slice_lit("u") };
	struct pop3_event event;
	size_t given = 0, dots = 0;

	drive_start(&d);
	pop3_server_resume(d.s, &message, 1, false);
	drive_run(&d);
	buffer_truncate(&d.out, 0);
	assert_int_equal(pop3_server_feed(d.s, slice_lit("RETR 1\r\nNOOP\r\n")), 8);
	assert_true(pop3_server_next(d.s, &event));
	pop3_server_body_begin(d.s);
	while (given < message.size) {
		static const char text[] =
		    ".23456789.123456789.123456789.123456789.123456789.123456789.12\r\n";
		size_t n = pop3_server_body(d.s, slice_drop(slice_of(text, 64), given % 64));

		given += n;
		assert_true(pop3_server_output(d.s).len <= POP3_OUTPUT_MAX);
		assert_true(n > 0 || drive_send(&d));
	}
	pop3_server_body_end(d.s);
	while (drive_send(&d))
		;
	for (slice rest = buffer_bytes(&d.out); rest.len > 0;)
		dots += slice_starts(slice_cut(&rest, '\n'), slice_lit(".."));
	assert_int_equal(dots, message.size / 64);
	assert_int_equal(buffer_bytes(&d.out).len,
	    strlen("+OK 1048576 octets\r\n") + message.size + dots + 3);
	drive_stop(&d);
}

UNIT_TESTS(cmocka_unit_test(test_transcripts), cmocka_unit_test(test_long_lines),
    cmocka_unit_test(test_timeout), cmocka_unit_test(test_late_answers),
    cmocka_unit_test(test_long_list), cmocka_unit_test(test_large_body))
