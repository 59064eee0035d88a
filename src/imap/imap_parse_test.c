/* imap/imap_parse_test.c - what commands ask for: read, told again, and where they are wrong. */
#include "imap/fetch.h"
#include "imap/search.h"

#include <stdio.h>

#include "unit.h"

enum { HEAP = 64 << 20, TEXT = 1 << 20 };

static struct heap *heap;
static struct arena arena;

static struct imap_parse begin(slice text)
{
	arena_reset(&arena);
	return imap_parse_begin(text, &arena);
}

/* "position: wanted" */
static void put_error(const struct imap_parse *p, struct buffer *out)
{
	buffer_truncate(out, 0);
	buffer_printf(out, "%zu: %s", imap_parse_position(p), p->wanted);
}

/* ---- tokens ---- */

static const struct {
	const char *text, *want;        /* of an astring and an end */
} strings[] = {
	{ "abc", "abc" }, { "a]b", "a]b" }, { "\"a b\"", "a b" }, { "\"\"", "" },
	{ "\"a\\\"b\\\\\"", "a\"b\\" }, { "{3}\r\na\rb", "a\rb" }, { "{3+}\r\nabc", "abc" },
	{ "{0}\r\n", "" }, { "\"\xc3\xa4\"", "\xc3\xa4" },
	{ "", "1: an atom or a string" }, { "(", "1: an atom or a string" },
	{ "a b", "2: the end of the command" }, { "\"a", "3: the quote that ends the string" },
	{ "\"a\nb\"", "3: a character that may stand in quotes" },
	{ "\"a\\b\"", "3: a character that may stand in quotes" },
	{ "{4}\r\nabc", "6: as much as was announced" }, { "{}\r\n", "2: a number" },
	{ "{1}a", "4: a line end" }, { "{99999999999999999999}\r\n", "2: a smaller number" },
	{ "a\\b", "2: the end of the command" }, { "{3-}\r\nabc", "3: }" },
};

static void test_strings(void **state)
{
	for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
		slice text = guarded_copy(slice_from(strings[i].text)), have;
		struct buffer out = buffer_init(heap, TEXT);
		struct imap_parse p = begin(text);

		if (imap_take_astring(&p, &have) && imap_take_end(&p))
			buffer_add(&out, have);
		else
			put_error(&p, &out);
		assert_slice(buffer_bytes(&out), slice_from(strings[i].want));
		buffer_free(&out);
		guarded_free(text);
	}
}

/* What a tag has, and where one that is none stops: at each of all octets. */
static void test_tags(void **state)
{
	static const char specials[] = "(){%*\"\\+";
	char line[] = "a?b NOOP";

	for (int c = 0; c < 256; c++) {
		bool good = c > ' ' && c < 0x7f && strchr(specials, c) == NULL;
		struct imap_parse p;
		slice tag = { 0 };

		line[1] = (char)c;
		p = begin(slice_of(line, sizeof line - 1));
		assert_int_equal(imap_take_tag(&p, &tag), good || c == ' ');
		assert_int_equal(imap_parse_position(&p), good ? 4 : 2);
		assert_int_equal(tag.len, good ? 3 : c == ' ' ? 1 : 0);
		line[0] = (char)c;
		p = begin(slice_of(line, 1));
		assert_int_equal(imap_take_tag(&p, &tag), good);
		line[0] = 'a';
	}
}

static void test_binary(void **state)
{
	struct imap_parse p = begin(slice_of("~{2}\r\n\0a", 8));
	slice text;
	bool binary;

	assert_true(imap_take_string(&p, &text, &binary) && binary && imap_take_end(&p));
	assert_slice(text, slice_of("\0a", 2));
	p = begin(slice_of("{2}\r\n\0a", 7));
	assert_false(imap_take_string(&p, &text, &binary));
}

static void test_mailboxes(void **state)
{
	static const struct {
		const char *text;
		bool utf8;
		const char *want;
	} rows[] = {
		{ "inbox", false, "INBOX" }, { "\"InBox\"", true, "INBOX" }, { "&AOQ-", false, "ä" },
		{ "&AOQ-", true, "&AOQ-" }, { "\"\xc3\xa4\"", true, "ä" }, { "\"\xc3\xa4\"", false, "ä" },
		{ "&AOQ", false, "1: a name in modified UTF-7" }, { "\"\xff\"", true, "1: a name in UTF-8" },
		{ "a/&-", false, "a/&" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buffer out = buffer_init(heap, TEXT);
		struct imap_parse p = begin(slice_from(rows[i].text));
		slice name;

		if (imap_take_mailbox(&p, rows[i].utf8, &name))
			buffer_add(&out, name);
		else
			put_error(&p, &out);
		assert_slice(buffer_bytes(&out), slice_from(rows[i].want));
		buffer_free(&out);
	}
}

static void test_flags(void **state)
{
	struct imap_parse p = begin(slice_lit("(\\Seen $Junk \\dElEtEd $junk NonJunk)"));
	struct imap_flags flags;

	assert_true(imap_take_flags(&p, false, &flags) && imap_take_end(&p));
	assert_int_equal(flags.bits, IMAP_SEEN | IMAP_DELETED);
	assert_int_equal(flags.n, 2);
	assert_slice(flags.keywords[1], slice_lit("NonJunk"));
	p = begin(slice_lit("\\Seen x"));
	assert_true(imap_take_flags(&p, true, &flags) && imap_take_end(&p));
	p = begin(slice_lit("()"));
	assert_true(imap_take_flags(&p, false, &flags) && imap_take_end(&p) && flags.bits == 0);
	p = begin(slice_lit("(\\Recent)"));
	assert_false(imap_take_flags(&p, false, &flags));
	assert_int_equal(imap_parse_position(&p), 2);
	p = begin(slice_lit("(\\Seen"));
	assert_false(imap_take_flags(&p, false, &flags));
	p = begin(slice_lit("x"));
	assert_false(imap_take_flags(&p, false, &flags));
}

/* ---- FETCH ---- */

static const struct {
	const char *text, *want;
} fetches[] = {
	{ "FLAGS", "FLAGS." }, { "fast", "FLAGS. INTERNALDATE. RFC822.SIZE." },
	{ "ALL", "FLAGS. INTERNALDATE. RFC822.SIZE. ENVELOPE." },
	{ "FULL", "FLAGS. INTERNALDATE. RFC822.SIZE. ENVELOPE. BODY." },
	{ "(UID FLAGS uid BODY BODYSTRUCTURE)", "UID. FLAGS. BODY. BODYSTRUCTURE." },
	{ "BODY[]", "BODY[]" }, { "BODY.PEEK[]", "BODY[]." },
	{ "(BODY.PEEK[] BODY[])", "BODY[]" },
	{ "BODY[1.2.MIME]<0.10>", "BODY[1.2.MIME]<0>" }, { "BODY[3]", "BODY[3]" },
	{ "BODY[2.HEADER]", "BODY[2.HEADER]" }, { "BODY[TEXT]", "BODY[TEXT]" },
	{ "BODY.PEEK[HEADER.FIELDS (Date \"X y\")]", "BODY[HEADER.FIELDS (Date \"X y\")]." },
	{ "BODY[4.1.HEADER.FIELDS.NOT (a)]", "BODY[4.1.HEADER.FIELDS.NOT (a)]" },
	{ "BINARY.PEEK[1.2]<5.6>", "BINARY[1.2]<5>." }, { "BINARY.SIZE[1]", "BINARY.SIZE[1]." },
	{ "(RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)",
	  "RFC822 RFC822.HEADER. RFC822.TEXT RFC822.SIZE." },
	{ "(PREVIEW (LAZY) SAVEDATE EMAILID THREADID)", "PREVIEW. SAVEDATE. EMAILID. THREADID." },
	{ "FLAGS (CHANGEDSINCE 12345 VANISHED)", "FLAGS. since 12345 vanished" },
	{ "(FLAGS MODSEQ) (CHANGEDSINCE 0)", "FLAGS. MODSEQ. since 0" },
	{ "", "1: an item of a message, such as FLAGS or BODY[]" },
	{ "()", "2: an item of a message, such as FLAGS or BODY[]" },
	{ "(FLAGS", "7: )" }, { "FLAGS UID", "7: (" }, { "FLAGSX", "1: an item of a message, such as FLAGS or BODY[]" },
	{ "(FLAGS  UID)", "8: an item of a message, such as FLAGS or BODY[]" },
	{ "BODY[", "6: HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or a number" },
	{ "BODY[MIME]", "6: HEADER, HEADER.FIELDS, HEADER.FIELDS.NOT, TEXT or a number" },
	{ "BODY[0]", "6: a number that begins with no 0" }, { "BODY[1.]", "8: MIME" },
	{ "BODY[1.0]", "8: a number that begins with no 0" }, { "BODY[1", "7: ]" },
	{ "BODY[]<1>", "9: ." }, { "BODY[]<1.0>", "10: a number that begins with no 0" },
	{ "BINARY[TEXT]", "8: the number of a part" }, { "BINARY[1.MIME]", "10: the number of a part" },
	{ "BODY[HEADER.FIELDS ()]", "21: an atom or a string" },
	{ "FLAGS (X)", "8: CHANGEDSINCE" },
};

static void put_fetch(const struct imap_fetch *f, struct buffer *out)
{
	struct imap_writer w = { .out = out };

	for (size_t i = 0; i < f->n; i++) {
		imap_put(&w, i > 0 ? slice_lit(" ") : slice_lit(""));
		imap_put_item(&w, &f->items[i]);
		imap_put(&w, f->items[i].peek ? slice_lit(".") : slice_lit(""));
	}
	if (f->changed_since)
		buffer_printf(out, " since %llu%s", (unsigned long long)f->modseq,
		    f->vanished ? " vanished" : "");
}

static void test_fetches(void **state)
{
	for (size_t i = 0; i < sizeof fetches / sizeof fetches[0]; i++) {
		slice text = guarded_copy(slice_from(fetches[i].text));
		struct buffer out = buffer_init(heap, TEXT);
		struct imap_parse p = begin(text);
		struct imap_fetch fetch;

		if (imap_take_fetch(&p, &fetch) && imap_take_end(&p))
			put_fetch(&fetch, &out);
		else
			put_error(&p, &out);
		assert_slice(buffer_bytes(&out), slice_from(fetches[i].want));
		buffer_free(&out);
		guarded_free(text);
	}
}

/* ---- SEARCH ---- */

static const struct {
	const char *text, *want;
} searches[] = {
	{ "ALL", "&(all)" }, { "UNSEEN DELETED", "&(flags:0/8 flags:4/4)" },
	{ "OR SEEN (FLAGGED NOT DRAFT)", "&(|(flags:8/8 &(flags:2/2 !(flags:16/16))))" },
	{ "NOT OR ALL NOT ALL ALL", "&(!(|(all !(all))) all)" },
	{ "((ALL))", "&(&(&(all)))" }, { "1:5,* UID 7", "&(numbers=1:5,* uids=7)" }, { "$", "&(numbers=$)" },
	{ "FROM \"a b\" HEADER X-Y {1}\r\nz", "&(header FROM=a b header X-Y=z)" },
	{ "SUBJECT x BODY y TEXT z", "&(header SUBJECT=x body=y text=z)" },
	{ "SINCE 1-Feb-1994 BEFORE \"2-Feb-1994\"", "&(since:8797 before:8798)" },
	{ "LARGER 10 YOUNGER 60 MODSEQ 7", "&(larger:10 younger:60 modseq:7) modseq" },
	{ "MODSEQ \"/flags/\\\\draft\" all 620162338", "&(modseq:620162338) modseq" },
	{ "UNKEYWORD $Junk", "&(-keyword=$Junk)" }, { "NEW OLD RECENT", "&(new -recent recent)" },
	{ "CHARSET UTF-8 ALL", "&(all) in UTF-8" },
	{ "RETURN (MIN COUNT) ALL", "&(all) returns min count" }, { "RETURN () ALL", "&(all) returns all" },
	{ "RETURN (SAVE) ALL", "&(all) returns save" },
	{ "", "1: a key of SEARCH, such as UNSEEN or FROM" }, { "ALL ", "5: a key of SEARCH, such as UNSEEN or FROM" },
	{ "()", "2: a key of SEARCH, such as UNSEEN or FROM" }, { "(ALL", "5: )" },
	{ "ALL)", "4: the end of the command" }, { "OR ALL", "7: a space" }, { "NOT", "4: a space" },
	{ "NOT )", "5: a key of SEARCH, such as UNSEEN or FROM" }, { "FROM", "5: a space" },
	{ "ON 31-Feb-2020", "4: a date such as 1-Feb-1994" }, { "LARGER x", "8: a number" },
	{ "ALLX", "1: a key of SEARCH, such as UNSEEN or FROM" }, { "RETURN (X) ALL", "9: MIN, MAX, ALL, COUNT or SAVE" },
};

static const char *const names[] = { "&", "|", "!", "all", "flags", "keyword", "recent", "new",
	"numbers", "uids", "header", "body", "text", "before", "on", "since", "sentbefore", "senton",
	"sentsince", "savedbefore", "savedon", "savedsince", "savedatesupported", "larger", "smaller",
	"older", "younger", "modseq", "emailid", "threadid" };

static void put_key(const struct imap_search *s, uint32_t at, struct buffer *out)
{
	const struct imap_key *key = &s->keys[at];

	buffer_printf(out, "%s%s", key->without ? "-" : "", names[key->kind]);
	if (key->mask != 0)
		buffer_printf(out, ":%u/%u", key->bits, key->mask);
	if (key->name.len > 0)
		buffer_printf(out, " %.*s", slice_arg(key->name));
	if (key->text.len > 0)
		buffer_printf(out, "=%.*s", slice_arg(key->text));
	if (key->days != 0)
		buffer_printf(out, ":%lld", (long long)key->days);
	if (key->number != 0)
		buffer_printf(out, ":%llu", (unsigned long long)key->number);
	if (key->kind > IMAP_KEY_NOT)
		return;
	for (uint32_t i = at + 1; i < key->end; i = s->keys[i].end) {
		buffer_printf(out, i == at + 1 ? "(" : " ");
		put_key(s, i, out);
	}
	buffer_printf(out, ")");
}

static void put_search(const struct imap_search *s, struct buffer *out)
{
	put_key(s, 0, out);
	buffer_printf(out, "%s%s%s%s%s%s%s", s->modseq ? " modseq" : "", s->returns ? " returns" : "",
	    s->min ? " min" : "", s->max ? " max" : "", s->all ? " all" : "",
	    s->count ? " count" : "", s->save ? " save" : "");
	if (s->charset.len > 0)
		buffer_printf(out, " in %.*s", slice_arg(s->charset));
}

static void test_searches(void **state)
{
	for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++) {
		slice text = guarded_copy(slice_from(searches[i].text));
		struct buffer out = buffer_init(heap, TEXT);
		struct imap_parse p = begin(text);
		struct imap_search search;

		if (imap_take_search(&p, &search) && imap_take_end(&p))
			put_search(&search, &out);
		else
			put_error(&p, &out);
		assert_slice(buffer_bytes(&out), slice_from(searches[i].want));
		buffer_free(&out);
		guarded_free(text);
	}
}

/* What fits, and which keys were asked for. */
struct asked {
	uint32_t flags;
	char text[64];
};

static bool is_seen(void *context, const struct imap_key *key)
{
	struct asked *asked = context;

	if (key->kind == IMAP_KEY_FLAGS)
		return (asked->flags & key->mask) == key->bits;
	strncat(asked->text, (const char *)key->text.ptr, 1);
	return key->text.ptr[1] == 'y';
}

static void test_fits(void **state)
{
	struct imap_parse p = begin(slice_lit("OR (SEEN NOT FLAGGED) (DRAFT UNSEEN) NOT DELETED"));
	struct imap_key_state states[IMAP_SEARCH_KEYS_MAX];
	struct imap_search search;

	assert_true(imap_take_search(&p, &search) && imap_take_end(&p));
	for (uint32_t flags = 0; flags < 32; flags++) {
		struct asked asked = { .flags = flags };
		bool seen = flags & IMAP_SEEN, want = ((seen && !(flags & IMAP_FLAGGED)) ||
		    ((flags & IMAP_DRAFT) && !seen)) && !(flags & IMAP_DELETED);

		imap_search_begin(&search, states);
		assert_int_equal(imap_search_go(&search, IMAP_COST_NONE, is_seen, &asked, states),
		    want ? IMAP_YES : IMAP_NO);
	}
}

/* Of a message that is seen and nothing else: what is asked for of its header and of its
 * text, and the answer after each of the three. A key that is "xy" fits. */
static const struct {
	const char *text, *header, *all, *answers;
} costs[] = {
	{ "BODY by SEEN FROM ay", "a", "ab", "??y" },
	{ "BODY by SEEN FROM an", "a", "a", "?nn" },
	{ "BODY by DELETED FROM an", "", "", "nnn" },
	{ "OR BODY by SEEN", "", "", "yyy" },
	{ "OR BODY by FROM ay", "a", "a", "?yy" },
	{ "OR BODY by FROM an", "a", "ab", "??y" },
	{ "OR BODY bn OR TEXT cn SUBJECT dn FROM ey", "de", "debc", "??n" },
	{ "NOT (FROM ay BODY bn TEXT cy)", "a", "ab", "??y" },
	{ "NOT (FROM an BODY bn) SEEN", "a", "a", "?yy" },
	{ "NOT NOT BODY by UNSEEN", "", "", "nnn" },
	{ "BODY \"\" TEXT ty", "", "t", "??y" },
};

static void test_costs(void **state)
{
	struct imap_key_state states[IMAP_SEARCH_KEYS_MAX];

	for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
		struct imap_parse p = begin(slice_from(costs[i].text));
		struct asked asked = { .flags = IMAP_SEEN };
		struct imap_search search;
		char answers[4] = "";

		assert_true(imap_take_search(&p, &search) && imap_take_end(&p));
		/* The empty one has no letter. */
		for (size_t k = 0; k < search.n; k++) {
			if (search.keys[k].kind == IMAP_KEY_BODY && search.keys[k].text.len == 0)
				search.keys[k] = (struct imap_key){ .kind = IMAP_KEY_FLAGS,
					.end = search.keys[k].end };
		}
		imap_search_begin(&search, states);
		answers[0] = "?ny"[imap_search_go(&search, IMAP_COST_NONE, is_seen, &asked, states)];
		assert_string_equal(asked.text, "");
		answers[1] = "?ny"[imap_search_go(&search, IMAP_COST_HEADER, is_seen, &asked, states)];
		assert_string_equal(asked.text, costs[i].header);
		answers[2] = "?ny"[imap_search_go(&search, IMAP_COST_ALL, is_seen, &asked, states)];
		assert_string_equal(asked.text, costs[i].all);
		assert_string_equal(answers, costs[i].answers);
	}
}

/* As many and as deep as they may be, and one more. */
static void test_bounds(void **state)
{
	struct buffer text = buffer_init(heap, TEXT);
	struct imap_search search;
	struct imap_parse p;

	for (int i = 0; i < IMAP_SEARCH_KEYS_MAX - 1; i++)
		buffer_printf(&text, "%sALL", i > 0 ? " " : "");
	p = begin(buffer_bytes(&text));
	assert_true(imap_take_search(&p, &search) && imap_take_end(&p));
	buffer_add(&text, slice_lit(" ALL"));
	p = begin(buffer_bytes(&text));
	assert_false(imap_take_search(&p, &search));
	assert_string_equal(p.wanted, "fewer keys");
	buffer_truncate(&text, 0);
	for (int i = 0; i < IMAP_SEARCH_DEPTH_MAX - 1; i++)
		buffer_add(&text, slice_lit("NOT "));
	buffer_add(&text, slice_lit("ALL"));
	p = begin(buffer_bytes(&text));
	assert_true(imap_take_search(&p, &search) && imap_take_end(&p));
	buffer_truncate(&text, 0);
	for (int i = 0; i < IMAP_SEARCH_DEPTH_MAX; i++)
		buffer_add(&text, slice_lit("("));
	p = begin(buffer_bytes(&text));
	assert_false(imap_take_search(&p, &search));
	assert_string_equal(p.wanted, "fewer keys in one another");
	buffer_free(&text);
}

/* Names of fields are limited over all items. */
static void test_fetch_limits(void **state)
{
	struct buffer text = buffer_init(heap, TEXT);
	struct imap_fetch fetch;
	struct imap_parse p;

	buffer_add(&text, slice_lit("("));
	for (int i = 0; i < IMAP_FETCH_FIELDS_MAX; i++)
		buffer_printf(&text, "%sx%d%s", i % 32 == 0 ? "BODY[HEADER.FIELDS (" : " ", i,
		    i % 32 == 31 ? ")] " : "");
	buffer_add(&text, slice_lit("UID)"));
	p = begin(buffer_bytes(&text));
	assert_true(imap_take_fetch(&p, &fetch) && imap_take_end(&p));
	buffer_truncate(&text, buffer_bytes(&text).len - strlen("UID)"));
	buffer_add(&text, slice_lit("BODY[HEADER.FIELDS (one)])"));
	p = begin(buffer_bytes(&text));
	assert_false(imap_take_fetch(&p, &fetch));
	assert_string_equal(p.wanted, "fewer fields");
	buffer_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strings), cmocka_unit_test(test_tags), cmocka_unit_test(test_binary), cmocka_unit_test(test_fetch_limits),
		cmocka_unit_test(test_mailboxes), cmocka_unit_test(test_flags),
		cmocka_unit_test(test_fetches), cmocka_unit_test(test_searches),
		cmocka_unit_test(test_fits), cmocka_unit_test(test_costs), cmocka_unit_test(test_bounds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	heap = heap_create(HEAP);
	arena = arena_init(heap, IMAP_PARSE_ARENA_MAX);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
