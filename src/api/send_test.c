/* api/send_test.c - bodies of /send: the message, its envelope, and the contract's faults. */
#include "api/send.h"

#include "api/list.h"
#include "api/sample_test.h"
#include "api/summary.h"

#define FROM "\"From\":{\"Email\":\"a@b.example\"}"
#define TO "\"To\":[{\"Email\":\"c@d.example\"}]"

static const struct api_send_facts facts = {
	.wall_us = 1795328154749000, .unique = { (const unsigned char *)"u1", 2 },
	.hostname = { (const unsigned char *)"mock.example", 12 },
};

struct world {
	struct heap *heap;
	struct arena arena;
	struct buffer out;
	struct api_send sent;
	struct api_fault fault;
};

static struct world world(size_t size_max)
{
	struct world w = { .heap = heap_create(SIZE_MAX) };

	w.arena = arena_init(w.heap, API_SEND_ARENA_MAX);
	w.out = buffer_init(w.heap, size_max);
	return w;
}

static bool send_text(struct world *w, slice text)
{
	slice body = guarded_copy(text);
	bool ok = api_send_read(body, &facts, &w->arena, &w->out, &w->sent, &w->fault);

	guarded_free(body);
	return ok;
}

/* ---- the message, byte by byte ---- */

#define LEAD "Date: Sun, 22 Nov 2026 06:15:54 +0000\r\n"
#define ID "Message-ID: <u1@mock.example>\r\n"

static const struct {
	const char *body, *message;
} messages[] = {
	{ "{" FROM "," TO "}", LEAD "From: a@b.example\r\nTo: c@d.example\r\n" ID "MIME-Version: 1.0\r\n"
	  "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" },
	/* names of members have no case, unknown ones do not matter */
	{ "{\"from\":{\"name\":\"\xC3\x9C\",\"EMAIL\":\" a@b.example \"}," TO ",\"x\":[{}],\"SUBJECT\":\"s\xC3\xA9\","
	  "\"text\":\"one\\ntwo\xC3\xA9\"}",
	    LEAD "From: =?UTF-8?B?w5w=?= <a@b.example>\r\nTo: c@d.example\r\nSubject: =?UTF-8?B?c8Op?=\r\n"
	    ID "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\none\r\ntwo=C3=A9\r\n" },
	{ "{" FROM ",\"Bcc\":[\"x@y.example\"],\"HTML\":\"<p>\",\"Tags\":[\"two  words\",\"a,b\",null],"
	  "\"Headers\":{\"X-Own\":\"v w\",\"Message-Id\":\"<own@x>\"}}",
	    LEAD "From: a@b.example\r\nTo: undisclosed-recipients:;\r\nX-Tags: a b, two words\r\nX-Own: v w\r\n"
	    "Message-Id: <own@x>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n\r\n<p>\r\n" },
	{ "{" FROM ",\"To\":null,\"Cc\":[{\"Name\":\"C\",\"Email\":\"c@d.example\"}],\"ReplyTo\":[{\"Email\":"
	  "\"r@s.example\"}],\"Text\":\"t =_\",\"HTML\":\"h\"}",
	    LEAD "From: a@b.example\r\nCc: C <c@d.example>\r\nReply-To: r@s.example\r\n" ID "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/alternative; boundary=\"=_au1\"\r\n\r\n--=_au1\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "t =3D_\r\n--=_au1\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
	    "h\r\n--=_au1--\r\n" },
};

static void test_messages(void **state)
{
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		struct world w = world(100000);

		if (!send_text(&w, slice_from(messages[i].body)))
			fail_msg("%zu: %s", i, w.fault.text);
		assert_slice(buffer_bytes(&w.out), slice_from(messages[i].message));
		assert_slice(w.sent.sender, slice_lit("a@b.example"));
		assert_int_equal(w.sent.n_recipients, 1);
		assert_false(w.sent.utf8);
		heap_drop(w.heap);
	}
}

/* ---- all of it, and back ---- */

#define WHOLE "{\"From\":{\"Name\":\"Alice, A\",\"Email\":\"a@b.example\"}," \
	"\"To\":[{\"Name\":\"Bob\",\"Email\":\"b+t@x.example\"},{\"Email\":\"\xC3\xBC@x.example\"}]," \
	"\"Cc\":[{\"Email\":\"b+t@x.example\"}],\"Bcc\":[\"h@x.example\"]," \
	"\"Subject\":\"sub\",\"Text\":\"text\",\"HTML\":\"<img src=cid:i@x>html\"," \
	"\"Attachments\":[{\"Content\":\"YWJj\\r\\n\",\"Filename\":\"\xC3\xA9.txt\"}," \
	"{\"Content\":\"data:image/png;base64," SAMPLE_PNG "\",\"Filename\":\"x\",\"ContentID\":\"i@x\"}," \
	"{\"Content\":\"\",\"Filename\":\"m.eml\",\"ContentType\":\"message/rfc822\"}]," \
	"\"Tags\":[\"own\"]} what follows is not looked at"

static void test_whole(void **state)
{
	struct world w = world(100000);
	struct api_facts known = { .id = slice_lit("1") };
	struct sample_world read;
	struct api_summary s;
	struct api_json j;

	if (!send_text(&w, slice_lit(WHOLE)))
		fail_msg("%s", w.fault.text);
	assert_int_equal(w.sent.n_recipients, 3);       /* each once */
	assert_slice(w.sent.recipients[1], slice_lit("\xC3\xBC@x.example"));
	assert_true(w.sent.utf8);
	known.recipients = w.sent.recipients;
	known.n_recipients = w.sent.n_recipients;
	read = sample_world(buffer_bytes(&w.out));
	for (size_t i = 0; i < read.mail.mime.n; i++)
		assert_int_equal(read.mail.mime.parts[i].defects & ~(uint32_t)MIME_UTF8_HEADER, 0);
	api_summary_make(&read.mail, &known, &read.more, &s);
	j = api_json_begin(&read.out);
	api_summary_json(&j, NULL, &s);
	assert_true(api_json_end(&j, false));
	assert_slice(sample_take(&read), slice_lit("{\"ID\":\"1\",\"MessageID\":\"u1@mock.example\",\"Read\":false,"
	    "\"From\":{\"Name\":\"Alice, A\",\"Address\":\"a@b.example\"},"
	    "\"To\":[{\"Name\":\"Bob\",\"Address\":\"b+t@x.example\"},{\"Name\":\"\",\"Address\":\"\xC3\xBC@x.example\"}],"
	    "\"Cc\":[{\"Name\":\"\",\"Address\":\"b+t@x.example\"}],\"Bcc\":[{\"Name\":\"\",\"Address\":\"h@x.example\"}],"
	    "\"ReplyTo\":[],\"Subject\":\"sub\",\"Created\":\"1970-01-01T00:00:00.000Z\",\"Username\":\"\","
	    "\"Tags\":[\"own\",\"t\"],\"Size\":0,\"Attachments\":2,\"Snippet\":\"html\"}"));
	assert_int_equal(s.n_inline, 1);
	assert_int_equal(read.mail.mime.n, 8);
	assert_true(content_type_is(&read.mail.mime.parts[5].type, "image", "png"));    /* sniffed */
	assert_slice(mime_id(&read.mail.mime.parts[5]), slice_lit("i@x"));
	assert_true(content_type_is(&read.mail.mime.parts[6].type, "text", "plain"));   /* by its name */
	assert_slice(mime_filename(&read.mail.mime.parts[6], read.charsets, &read.more),
	    slice_lit("\xC3\xA9.txt"));
	assert_true(content_type_is(&read.mail.mime.parts[7].type, "application", "octet-stream"));
	sample_end(&read);
	heap_drop(w.heap);
}

/* ---- faults ---- */

static const struct {
	const char *body, *fault;
} faults[] = {
	{ "", "EOF" }, { "{", "unexpected EOF" }, { "[]", "JSON: an object was expected" },
	{ "{\"To\":[{\"Email\":\"bad\"}]}", "invalid To address: bad" },
	{ "{\"To\":[{}]}", "invalid To address: " },
	{ "{\"Cc\":[{\"Email\":\"a b@c\"}]}", "invalid Cc address: a b@c" },
	{ "{\"Bcc\":[\"bad\\r\\nX: y\"]}", "invalid Bcc address: bad??X: y" },
	{ "{\"ReplyTo\":[{\"Email\":\"@\"}]}", "invalid Reply-To address: @" },
	{ "{}", "error building message: from not set" },
	{ "{\"From\":{\"Name\":\"x\"}," TO "}", "error building message: from not set" },
	{ "{\"From\":{\"Email\":\"nobody\"}," TO "}", "invalid From address: nobody" },
	{ "{" FROM "}", "error building message: no recipients (to, cc, bcc) set" },
	{ "{" FROM "," TO ",\"Headers\":{\"subject\":\"x\"}}", "cannot overwrite header: \"subject\"" },
	{ "{" FROM "," TO ",\"Tags\":[\"t\"],\"Headers\":{\"x-tags\":\"x\"}}",
	    "cannot overwrite header: \"x-tags\"" },
	{ "{" FROM "," TO ",\"Headers\":{\"X Y\":\"x\"}}", "invalid header name: \"X Y\"" },
	{ "{" FROM "," TO ",\"Headers\":{\"X\":\"a\\r\\nBcc: b\"}}", "invalid header value: \"X\"" },
	{ "{" FROM "," TO ",\"Headers\":{\"X\":1}}", "invalid header value: \"X\"" },
	{ "{" FROM "," TO ",\"Subject\":\"a\\nb\"}",
	    "invalid Subject: a line end or another control character is in it, or it is too long" },
	{ "{" FROM "," TO ",\"Subject\":1}", "JSON: Subject must be a string" },
	{ "{" FROM ",\"To\":{}}", "JSON: To must be an array" },
	{ "{" FROM ",\"To\":[\"a@b\"]}", "JSON: To must be an array of objects" },
	{ "{" FROM "," TO ",\"Attachments\":[{\"Content\":\"YW=J\",\"Filename\":\"a\"}]}",
	    "error decoding base64 attachment \"a\": illegal base64 data at input byte 2" },
	{ "{" FROM "," TO ",\"Attachments\":[{\"Content\":\"Y!\",\"Filename\":\"a\"}]}",
	    "error decoding base64 attachment \"a\": illegal base64 data at input byte 1" },
	{ "{" FROM "," TO ",\"Attachments\":[{\"Content\":\"YQ==\",\"ContentType\":\"x\"}]}",
	    "invalid ContentType: \"x\"" },
	{ "{" FROM "," TO ",\"Attachments\":[{\"Content\":\"YQ==\",\"ContentID\":\"a b\"}]}",
	    "invalid ContentID: \"a b\"" },
};

static void test_faults(void **state)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		struct world w = world(100000);

		assert_false(send_text(&w, slice_from(faults[i].body)));
		if (strcmp(w.fault.text, faults[i].fault) != 0 || w.fault.status != 400)
			fail_msg("%s: %u %s", faults[i].body, w.fault.status, w.fault.text);
		assert_int_equal(buffer_bytes(&w.out).len, 0);
		heap_drop(w.heap);
	}
}

/* Any less room than it needs, and the fault says 413; then there is no part of it. */
static void test_room(void **state)
{
	struct world w = world(100000);
	size_t whole;

	assert_true(send_text(&w, slice_lit(WHOLE)));
	whole = buffer_bytes(&w.out).len;
	heap_drop(w.heap);
	for (size_t room = 3; room < whole + 3; room++) {
		w = world(room);
		buffer_add(&w.out, slice_lit("old"));
		assert_false(send_text(&w, slice_lit(WHOLE)));
		assert_int_equal(w.fault.status, 413);
		assert_slice(buffer_bytes(&w.out), slice_lit("old"));
		heap_drop(w.heap);
	}
}

static void test_recipients(void **state)
{
	for (unsigned n = API_SEND_RECIPIENTS_MAX; n <= API_SEND_RECIPIENTS_MAX + 1; n++) {
		struct world w = world(100000);
		struct buffer body = buffer_init(w.heap, 100000);

		buffer_add(&body, slice_lit("{" FROM ",\"Bcc\":["));
		for (unsigned i = 0; i < n; i++)
			buffer_printf(&body, "%s\"a%u@x.example\"", i > 0 ? "," : "", i);
		buffer_add(&body, slice_lit("]}"));
		assert_int_equal(send_text(&w, buffer_bytes(&body)), n == API_SEND_RECIPIENTS_MAX);
		heap_drop(w.heap);
	}
}

static void test_answers(void **state)
{
	struct world w = world(1000);

	assert_true(api_send_answer(slice_lit("1.2"), &w.out));
	(void)api_fault_set(&w.fault, 400, "say \"%s\"", "<x>");
	assert_true(api_fault_json(&w.fault, &w.out));
	assert_slice(buffer_bytes(&w.out),
	    slice_lit("{\"ID\":\"1.2\"}\n{\"Error\":\"say \\\"\\u003cx\\u003e\\\"\"}\n"));
	heap_drop(w.heap);
}

UNIT_TESTS(cmocka_unit_test(test_messages), cmocka_unit_test(test_whole),
    cmocka_unit_test(test_faults), cmocka_unit_test(test_room),
    cmocka_unit_test(test_recipients), cmocka_unit_test(test_answers))
