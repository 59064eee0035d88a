/* mail/charset.c - a table of labels, and glibc's iconv behind it. */
#include "mail/charset.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "base/check.h"
#include "mail/utf8.h"

/* What iconv calls them. The first three need no iconv: what all else falls back on must
 * be there. */
enum { ASCII, UTF8, WINDOWS_1252, BUILT_IN };

static const char *const converters[] = {
	[ASCII] = "", [UTF8] = "", [WINDOWS_1252] = "",
	"ISO-8859-2", "ISO-8859-3", "ISO-8859-4", "ISO-8859-5", "ISO-8859-6", "ISO-8859-7",
	"ISO-8859-8", "ISO-8859-10", "ISO-8859-13", "ISO-8859-14", "ISO-8859-15", "ISO-8859-16",
	"CP1250", "CP1251", "CP1253", "CP1254", "CP1255", "CP1256", "CP1257", "CP1258", "CP874",
	"KOI8-R", "KOI8-U", "CP866", "MACINTOSH", "MAC-CYRILLIC", "CP437", "CP850", "CP852",
	"GB18030", "BIG5-HKSCS", "EUC-TW", "EUC-JP-MS", "CP932", "ISO-2022-JP-2", "UHC",
	"ISO-2022-KR", "UTF-7", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "VISCII", "CP862",
};

enum { CONVERTERS = sizeof converters / sizeof converters[0] };

/* Labels in lower case, letters and digits only, and what converts them; "": the
 * built-in one that `built_in` says. */
static const struct {
	const char *label, *converter;
	int built_in;
} labels[] = {
	{ "usascii", "", ASCII }, { "ascii", "", ASCII }, { "ansix341968", "", ASCII },
	{ "ansix341986", "", ASCII }, { "iso646us", "", ASCII }, { "us", "", ASCII },
	{ "646", "", ASCII }, { "7bit", "", ASCII }, { "8bit", "", ASCII }, { "unknown8bit", "", ASCII },
	{ "utf8", "", UTF8 }, { "unicode11utf8", "", UTF8 }, { "cp65001", "", UTF8 },
	{ "windows65001", "", UTF8 }, { "utf8mb4", "", UTF8 },
	{ "windows1252", "", WINDOWS_1252 }, { "cp1252", "", WINDOWS_1252 },
	{ "xcp1252", "", WINDOWS_1252 }, { "iso88591", "", WINDOWS_1252 },
	{ "iso885911987", "", WINDOWS_1252 }, { "isoir100", "", WINDOWS_1252 },
	{ "latin1", "", WINDOWS_1252 }, { "l1", "", WINDOWS_1252 }, { "88591", "", WINDOWS_1252 },
	{ "cp819", "", WINDOWS_1252 }, { "ibm819", "", WINDOWS_1252 },
	{ "csisolatin1", "", WINDOWS_1252 }, { "ansi", "", WINDOWS_1252 },
	{ "iso88592", "ISO-8859-2", 0 }, { "iso885921987", "ISO-8859-2", 0 },
	{ "latin2", "ISO-8859-2", 0 }, { "l2", "ISO-8859-2", 0 }, { "csisolatin2", "ISO-8859-2", 0 },
	{ "iso88593", "ISO-8859-3", 0 }, { "latin3", "ISO-8859-3", 0 },
	{ "iso88594", "ISO-8859-4", 0 }, { "latin4", "ISO-8859-4", 0 },
	{ "iso88595", "ISO-8859-5", 0 }, { "cyrillic", "ISO-8859-5", 0 },
	{ "iso88596", "ISO-8859-6", 0 }, { "iso88596i", "ISO-8859-6", 0 },
	{ "iso88596e", "ISO-8859-6", 0 }, { "arabic", "ISO-8859-6", 0 },
	{ "iso88597", "ISO-8859-7", 0 }, { "greek", "ISO-8859-7", 0 }, { "greek8", "ISO-8859-7", 0 },
	{ "iso88598", "ISO-8859-8", 0 }, { "iso88598i", "ISO-8859-8", 0 },
	{ "iso88598e", "ISO-8859-8", 0 }, { "hebrew", "ISO-8859-8", 0 }, { "logical", "ISO-8859-8", 0 },
	{ "iso88599", "CP1254", 0 }, { "latin5", "CP1254", 0 }, { "l5", "CP1254", 0 },
	{ "iso885910", "ISO-8859-10", 0 }, { "latin6", "ISO-8859-10", 0 },
	{ "iso885911", "CP874", 0 }, { "tis620", "CP874", 0 }, { "windows874", "CP874", 0 },
	{ "cp874", "CP874", 0 }, { "dos874", "CP874", 0 },
	{ "iso885913", "ISO-8859-13", 0 }, { "iso885914", "ISO-8859-14", 0 },
	{ "iso885915", "ISO-8859-15", 0 }, { "latin9", "ISO-8859-15", 0 }, { "latin0", "ISO-8859-15", 0 },
	{ "csisolatin9", "ISO-8859-15", 0 }, { "iso885916", "ISO-8859-16", 0 },
	{ "windows1250", "CP1250", 0 }, { "cp1250", "CP1250", 0 }, { "xcp1250", "CP1250", 0 },
	{ "windows1251", "CP1251", 0 }, { "cp1251", "CP1251", 0 }, { "xcp1251", "CP1251", 0 },
	{ "win1251", "CP1251", 0 },
	{ "windows1253", "CP1253", 0 }, { "cp1253", "CP1253", 0 },
	{ "windows1254", "CP1254", 0 }, { "cp1254", "CP1254", 0 },
	{ "windows1255", "CP1255", 0 }, { "cp1255", "CP1255", 0 },
	{ "windows1256", "CP1256", 0 }, { "cp1256", "CP1256", 0 },
	{ "windows1257", "CP1257", 0 }, { "cp1257", "CP1257", 0 },
	{ "windows1258", "CP1258", 0 }, { "cp1258", "CP1258", 0 },
	{ "koi8r", "KOI8-R", 0 }, { "koi8", "KOI8-R", 0 }, { "koi", "KOI8-R", 0 },
	{ "cskoi8r", "KOI8-R", 0 }, { "koi8u", "KOI8-U", 0 }, { "koi8ru", "KOI8-U", 0 },
	{ "ibm866", "CP866", 0 }, { "cp866", "CP866", 0 }, { "866", "CP866", 0 },
	{ "macintosh", "MACINTOSH", 0 }, { "mac", "MACINTOSH", 0 }, { "xmacroman", "MACINTOSH", 0 },
	{ "macroman", "MACINTOSH", 0 }, { "xmaccyrillic", "MAC-CYRILLIC", 0 },
	{ "xmacukrainian", "MAC-CYRILLIC", 0 },
	{ "ibm437", "CP437", 0 }, { "cp437", "CP437", 0 }, { "ibm850", "CP850", 0 },
	{ "cp850", "CP850", 0 }, { "ibm852", "CP852", 0 }, { "cp852", "CP852", 0 },
	{ "ibm862", "CP862", 0 }, { "cp862", "CP862", 0 }, { "dos862", "CP862", 0 },
	{ "gb2312", "GB18030", 0 }, { "gb231280", "GB18030", 0 }, { "csgb2312", "GB18030", 0 },
	{ "chinese", "GB18030", 0 }, { "euccn", "GB18030", 0 }, { "gbk", "GB18030", 0 },
	{ "xgbk", "GB18030", 0 }, { "cp936", "GB18030", 0 }, { "ms936", "GB18030", 0 },
	{ "windows936", "GB18030", 0 }, { "gb18030", "GB18030", 0 }, { "csiso58gb231280", "GB18030", 0 },
	{ "big5", "BIG5-HKSCS", 0 }, { "cnbig5", "BIG5-HKSCS", 0 }, { "csbig5", "BIG5-HKSCS", 0 },
	{ "xxbig5", "BIG5-HKSCS", 0 }, { "big5hkscs", "BIG5-HKSCS", 0 }, { "cp950", "BIG5-HKSCS", 0 },
	{ "windows950", "BIG5-HKSCS", 0 }, { "euctw", "EUC-TW", 0 },
	{ "eucjp", "EUC-JP-MS", 0 }, { "xeucjp", "EUC-JP-MS", 0 }, { "ujis", "EUC-JP-MS", 0 },
	{ "cseucpkdfmtjapanese", "EUC-JP-MS", 0 },
	{ "shiftjis", "CP932", 0 }, { "sjis", "CP932", 0 }, { "xsjis", "CP932", 0 },
	{ "mskanji", "CP932", 0 }, { "csshiftjis", "CP932", 0 }, { "windows31j", "CP932", 0 },
	{ "cp932", "CP932", 0 }, { "windows932", "CP932", 0 }, { "ms932", "CP932", 0 },
	{ "iso2022jp", "ISO-2022-JP-2", 0 }, { "csiso2022jp", "ISO-2022-JP-2", 0 },
	{ "iso2022jp1", "ISO-2022-JP-2", 0 }, { "iso2022jp2", "ISO-2022-JP-2", 0 },
	{ "iso2022jpms", "ISO-2022-JP-2", 0 }, { "cp50220", "ISO-2022-JP-2", 0 },
	{ "euckr", "UHC", 0 }, { "cseuckr", "UHC", 0 }, { "ksc5601", "UHC", 0 },
	{ "ksc56011987", "UHC", 0 }, { "ksc56011989", "UHC", 0 }, { "ksx1001", "UHC", 0 },
	{ "korean", "UHC", 0 }, { "uhc", "UHC", 0 }, { "cp949", "UHC", 0 }, { "windows949", "UHC", 0 },
	{ "csksc56011987", "UHC", 0 }, { "iso2022kr", "ISO-2022-KR", 0 },
	{ "utf7", "UTF-7", 0 }, { "unicode11utf7", "UTF-7", 0 }, { "xunicode20utf7", "UTF-7", 0 },
	{ "utf16", "UTF-16", 0 }, { "unicode", "UTF-16", 0 }, { "ucs2", "UTF-16", 0 },
	{ "iso10646ucs2", "UTF-16", 0 }, { "utf16le", "UTF-16LE", 0 }, { "utf16be", "UTF-16BE", 0 },
	{ "utf32", "UTF-32", 0 }, { "viscii", "VISCII", 0 },
};

/* Of a Chinese text perhaps one character of seven could be one of UTF-8, of others hardly
 * any: eight in a row are no chance. */
enum { LABEL_MAX = 24, MARK_LEN = 3, NO_CHANCE = 8 };

static const char mark[] = "\xEF\xBB\xBF", replacement[] = "\xEF\xBF\xBD";

struct charsets {
	iconv_t open[CONVERTERS];
	bool tried[CONVERTERS];
};

static void close_all(void *arg)
{
	struct charsets *c = arg;

	for (int i = 0; i < CONVERTERS; i++) {
		if (c->tried[i] && c->open[i] != (iconv_t)-1)
			iconv_close(c->open[i]);
	}
}

struct charsets *charsets_create(struct heap *heap)
{
	struct charsets *c = heap_new(heap, struct charsets);

	heap_on_drop(heap, close_all, c);
	return c;
}

static iconv_t converter(struct charsets *c, int i)
{
	if (!c->tried[i])
		c->open[i] = iconv_open("UTF-8", converters[i]);
	c->tried[i] = true;
	return c->open[i];
}

void charsets_load(struct charsets *c)
{
	for (int i = BUILT_IN; i < CONVERTERS; i++)
		(void)converter(c, i);
}

static int converter_named(const char *name)
{
	for (int i = BUILT_IN; i < CONVERTERS; i++) {
		if (strcmp(converters[i], name) == 0)
			return i;
	}
	check(false);
}

/* The converter of a label, or -1. */
static int find(slice label)
{
	char plain[LABEL_MAX];
	size_t n = 0;

	for (size_t i = 0; i < label.len && n < sizeof plain; i++) {
		unsigned char c = ascii_lower(label.ptr[i]);

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			plain[n++] = (char)c;
	}
	if (n == 0)
		return -1;
	for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
		if (labels[i].label[0] == plain[0] &&
		    slice_equal(slice_of(plain, n), slice_from(labels[i].label)))
			return *labels[i].converter ? converter_named(labels[i].converter) :
			    labels[i].built_in;
	}
	return -1;
}

bool charset_known(slice label)
{
	return find(label) >= 0;
}

/* UTF-8 on its way out. */
struct sink {
	struct buffer *out;
	size_t start;                   /* where this text begins there */
	unsigned faults;
};

/* All of it, or the whole characters that fit. */
static bool put(struct sink *s, slice text)
{
	size_t n = buffer_room(s->out);

	if (n >= text.len) {
		buffer_add(s->out, text);
		return true;
	}
	while (n > 0 && (text.ptr[n] & 0xC0) == 0x80)
		n--;
	buffer_add(s->out, slice_head(text, n));
	s->faults |= CHARSET_CUT;
	return false;
}

static bool put_replacement(struct sink *s)
{
	s->faults |= CHARSET_BAD;
	return put(s, slice_lit(replacement));
}

static bool put_character(struct sink *s, unsigned code)
{
	unsigned char bytes[3];
	size_t n = 0;

	if (code < 0x80) {
		bytes[n++] = (unsigned char)code;
	} else if (code < 0x800) {
		bytes[n++] = (unsigned char)(0xC0 | code >> 6);
		bytes[n++] = (unsigned char)(0x80 | (code & 0x3F));
	} else {
		bytes[n++] = (unsigned char)(0xE0 | code >> 12);
		bytes[n++] = (unsigned char)(0x80 | (code >> 6 & 0x3F));
		bytes[n++] = (unsigned char)(0x80 | (code & 0x3F));
	}
	return put(s, slice_of(bytes, n));
}

/* 0x80 to 0x9F; the five that mean nothing stay C1 controls, as on the web. */
static const unsigned short windows_1252[32] = {
	0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
	0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
	0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
};

static void from_windows_1252(struct sink *s, slice text)
{
	size_t i = 0;

	for (;;) {
		size_t run = i;

		while (run < text.len && text.ptr[run] < 0x80)
			run++;
		if (!put(s, slice_sub(text, i, run - i)) || run == text.len)
			return;
		i = run + 1;
		if (!put_character(s, text.ptr[run] < 0xA0 ? windows_1252[text.ptr[run] - 0x80] :
		    text.ptr[run]))
			return;
	}
}

static void from_utf8(struct sink *s, slice text)
{
	for (;;) {
		size_t n = utf8_run(text);

		if (!put(s, slice_head(text, n)) || n == text.len)
			return;
		text = slice_drop(text, n + 1);
		if (!put_replacement(s))
			return;
	}
}

/* What comes out of one call, and how far it went. */
static bool step(struct sink *s, iconv_t cd, slice *text, bool *ret_stuck)
{
	char piece[1024], *to = piece, *from = (char *)(uintptr_t)text->ptr;
	size_t room = sizeof piece, left = text->len, result;
	bool more = text->len > 0;

	errno = 0;
	result = iconv(cd, more ? &from : NULL, more ? &left : NULL, &to, &room);
	/* Some converters stand still where they should say that they can't go on. */
	*ret_stuck = result == (size_t)-1 &&
	    (errno != E2BIG || (left == text->len && room == sizeof piece));
	if (more && result == (size_t)-1 && errno == EINVAL)
		left = 1;               /* cut in the middle of a character */
	*text = slice_drop(*text, text->len - left);
	return put(s, slice_of(piece, sizeof piece - room));
}

static void convert(struct sink *s, iconv_t cd, slice text)
{
	bool stuck = false;

	iconv(cd, NULL, NULL, NULL, NULL);
	while (text.len > 0) {
		if (!step(s, cd, &text, &stuck))
			return;
		if (!stuck)
			continue;
		if (!put_replacement(s))
			return;
		text = slice_drop(text, 1);
	}
	(void)step(s, cd, &text, &stuck);
}

/* Is it UTF-8, though it is said to be something else of 8 bits? */
static bool is_surely_utf8(slice text)
{
	size_t characters = 0;

	for (size_t i = 0; i < text.len && characters < NO_CHANCE; i++)
		characters += text.ptr[i] >= 0xC0;
	return characters >= NO_CHANCE && utf8_valid(text);
}

static bool has_japanese_escape(slice text)
{
	slice at = slice_drop(text, slice_find_byte(text, '\x1b'));

	return at.len > 0 && (slice_find(at, slice_lit("\x1b$B")) < at.len ||
	    slice_find(at, slice_lit("\x1b$@")) < at.len);
}

/* What it is, whatever it is said to be: a row of converters. */
static int judge(struct charsets *c, slice label, slice text, unsigned *ret_faults)
{
	int said = find(label), i = said;
	bool ascii = slice_is_ascii(text);

	if (i >= BUILT_IN && converter(c, i) == (iconv_t)-1)
		i = -1;
	if ((i < 0 || i == ASCII) && ascii && has_japanese_escape(text))
		i = converter_named("ISO-2022-JP-2");
	else if (i < 0 || i == ASCII)
		i = ascii || utf8_valid(text) ? UTF8 : WINDOWS_1252;
	else if (i != UTF8 && !ascii && is_surely_utf8(text))
		i = UTF8;
	if (i >= BUILT_IN && converter(c, i) == (iconv_t)-1)
		i = UTF8;
	/* ASCII without a label, or with its own, is no guess. */
	if (i != said && !(ascii && i == UTF8 && (said == ASCII || label.len == 0)))
		*ret_faults |= CHARSET_UNKNOWN;
	return i;
}

/* The mark was put in with the rest. */
static void drop_mark(struct sink *s)
{
	slice all = buffer_bytes(s->out), text = slice_drop(all, s->start);
	unsigned char *at = (unsigned char *)(uintptr_t)text.ptr;

	if (!slice_starts(text, slice_lit(mark)))
		return;
	memmove(at, at + MARK_LEN, text.len - MARK_LEN);
	buffer_truncate(s->out, all.len - MARK_LEN);
}

size_t charset_enough(size_t room)
{
	return room < SIZE_MAX / 16 ? 8 * room + 1024 : SIZE_MAX;
}

/* No more of it than can matter, not cut within a character of UTF-8. */
static slice enough(slice text, size_t room)
{
	size_t max = charset_enough(room), n = max;

	if (text.len <= max)
		return text;
	while (n > max - 3 && (text.ptr[n] & 0xC0) == 0x80)
		n--;
	return slice_head(text, n);
}

unsigned charset_decode(struct charsets *c, slice label, slice text, struct buffer *out)
{
	struct sink s = { .out = out, .start = buffer_bytes(out).len };
	int i;

	text = enough(text, buffer_room(out));
	i = judge(c, label, text, &s.faults);
	buffer_expect(out, text.len);
	switch (i) {
	case UTF8:
		from_utf8(&s, text);
		break;
	case WINDOWS_1252:
		from_windows_1252(&s, text);
		break;
	default:
		convert(&s, c->open[i], text);
		break;
	}
	drop_mark(&s);
	return s.faults;
}
