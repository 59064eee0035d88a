/* api/message_view.c - the HTML of a message as a page: "cid:" made an address, and with
 * ?embed=1 the links and the frame. One pass, a byte after the other; nothing is parsed
 * further than to where a tag, a comment or a script ends. */
#include "api/message_impl.h"

#include <stdlib.h>

#include "base/limits.h"
#include "mail/content_decode.h"

void api_view_text(const struct api_mail *mail, struct buffer *out)
{
	mime_text(&mail->mime, mail->uses, mail->charsets, out);
}

/* ---- parts by Content-ID ---- */

struct named_part {
	slice id;
	uint32_t part;
};

struct writer {
	const struct api_mail *mail;
	const struct api_view *view;
	struct buffer *out;
	struct arena arena;
	struct named_part *parts;       /* sorted */
	size_t n_parts;
	bool full;
};

static int by_id(const void *a, const void *b)
{
	const struct named_part *one = a, *other = b;
	int order = slice_compare(one->id, other->id);

	if (order != 0)
		return order;
	return one->part < other->part ? -1 : one->part > other->part;
}

static void collect(struct writer *w)
{
	const struct mime *m = &w->mail->mime;
	const unsigned uses = MIME_USE_ATTACHMENT | MIME_USE_INLINE;

	w->parts = arena_new(&w->arena, struct named_part, API_PARTS_MAX);
	for (size_t i = 0; i < m->n && w->n_parts < API_PARTS_MAX; i++) {
		slice id = mime_id(&m->parts[i]);

		if ((w->mail->uses[i] & uses) && id.len > 0 && id.len <= API_FIELD_MAX)
			w->parts[w->n_parts++] = (struct named_part){ id, (uint32_t)i };
	}
	if (w->n_parts > 0)
		qsort(w->parts, w->n_parts, sizeof *w->parts, by_id);
}

/* The first in the message of several that are alike. */
static const struct named_part *find(const struct writer *w, slice id)
{
	size_t low = 0, high = w->n_parts;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (slice_compare(w->parts[middle].id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->n_parts && slice_equal(w->parts[low].id, id) ? &w->parts[low] : NULL;
}

/* ---- writing ---- */

static void put(struct writer *w, slice text)
{
	w->full = w->full || !buffer_append(w->out, text);
}

static void put_address(struct writer *w, size_t part)
{
	char id[MIME_SECTION_MAX];
	size_t n = api_mail_part_id(w->mail, part, id);

	put(w, w->view->webroot);
	put(w, slice_lit("api/v1/message/"));
	put(w, w->view->id);
	put(w, slice_lit("/part/"));
	put(w, slice_of(id, n));
}

/* An address as it stands in HTML, without percents (RFC 2392 s2) and "&amp;". Empty: too
 * long for any Content-ID. */
static slice plain_id(slice text, unsigned char room[API_FIELD_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = text.ptr[i];

		if (n == API_FIELD_MAX)
			return (slice){ 0 };
		if (c == '%' && i + 2 < text.len && hex_value(text.ptr[i + 1]) < 16 &&
		    hex_value(text.ptr[i + 2]) < 16) {
			c = (unsigned char)(hex_value(text.ptr[i + 1]) << 4 | hex_value(text.ptr[i + 2]));
			i += 2;
		} else if (c == '&' && slice_starts_ascii(slice_drop(text, i), slice_lit("&amp;"))) {
			i += 4;
		}
		room[n++] = c;
	}
	return slice_of(room, n);
}

static bool ends_address(unsigned char c)
{
	return c <= ' ' || c == '"' || c == '\'' || c == ')' || c == '>' || c == '<';
}

/* Does an address begin here, behind that byte: in an attribute, or in url()? */
static bool may_begin(unsigned char before)
{
	return before == '=' || before == '"' || before == '\'' || before == '(' || before == ' ' ||
	    before == ',' || before == '\t' || before == '\n';
}

/* "cid:..." at `at` of html: its address is written, and its length returned; 0: it is none
 * of ours. */
static size_t take_cid(struct writer *w, slice html, size_t at)
{
	unsigned char room[API_FIELD_MAX];
	const struct named_part *part;
	slice rest = slice_drop(html, at);
	size_t n = 4;

	if (at == 0 || !may_begin(html.ptr[at - 1]) || !slice_starts_ascii(rest, slice_lit("cid:")))
		return 0;
	/* Three of HTML's bytes are one of a Content-ID, at most. */
	while (n < rest.len && n < 4 + 3 * (size_t)API_FIELD_MAX && !ends_address(rest.ptr[n]))
		n++;
	part = find(w, plain_id(slice_sub(rest, 4, n - 4), room));
	if (part == NULL)
		return 0;
	put_address(w, part->part);
	return n;
}

/* ---- embedding ---- */

/* Behind the next `end`, or all of it. */
static size_t up_to(slice html, size_t at, slice end)
{
	for (size_t i = at; i + end.len <= html.len; i++) {
		if (html.ptr[i] == end.ptr[0] && slice_starts_ascii(slice_drop(html, i), end))
			return i + end.len;
	}
	return html.len;
}

/* Is it the tag of that name, which `rest` begins with, without its "<"? */
static bool is_tag(slice rest, slice name)
{
	unsigned char c;

	if (!slice_starts_ascii(rest, name))
		return false;
	if (rest.len == name.len)
		return true;
	c = rest.ptr[name.len];
	return c <= ' ' || c == '>' || c == '/';
}

static const char target[] = " target=\"_blank\" rel=\"noreferrer noopener\"";

/* A "<" at `at`: what of it is written as it stands, and what is put behind that. */
static size_t take_markup(slice html, size_t at, slice *ret_more)
{
	static const char *const raw[][2] = { { "script", "</script" }, { "style", "</style" },
		{ "title", "</title" }, { "textarea", "</textarea" } };
	slice rest = slice_drop(html, at + 1);

	*ret_more = (slice){ 0 };
	if (slice_starts(rest, slice_lit("!--")))
		return up_to(html, at + 4, slice_lit("-->")) - at;
	/* Of two attributes of one name the first counts. */
	if (is_tag(rest, slice_lit("a")) || is_tag(rest, slice_lit("area"))) {
		*ret_more = slice_from(target);
		return is_tag(rest, slice_lit("a")) ? 2 : 5;
	}
	for (size_t i = 0; i < sizeof raw / sizeof *raw; i++) {
		/* Style keeps its addresses: only the "<" is passed over. */
		if (i != 1 && is_tag(rest, slice_from(raw[i][0])))
			return up_to(html, at + 1, slice_from(raw[i][1])) - at;
	}
	return 1;
}

static void put_html(struct writer *w, slice html)
{
	size_t done = 0, at = 0;

	while (at < html.len && !w->full) {
		unsigned char c = html.ptr[at];
		slice more = { 0 };
		size_t n;

		if (c == '<' && w->view->embed) {
			at += take_markup(html, at, &more);
			put(w, slice_sub(html, done, at - done));
			put(w, more);
			done = at;
		} else if ((c | 32) == 'c' && slice_starts_ascii(slice_drop(html, at), slice_lit("cid:"))) {
			put(w, slice_sub(html, done, at - done));
			done = at;
			n = take_cid(w, html, at);
			at += n > 0 ? n : 4;
			done = n > 0 ? at : done;
		} else {
			at++;
		}
	}
	put(w, slice_sub(html, done, at - done));
}

static const char script[] = "(function(){function t(){window.parent.postMessage({messageHeight:"
	"document.documentElement.scrollHeight},\"*\")}window.addEventListener(\"load\",t);"
	"window.addEventListener(\"resize\",t);t()})();";

static void put_script(struct writer *w)
{
	if (!w->view->embed || w->view->nonce.len == 0)
		return;
	put(w, slice_lit("<script nonce=\""));
	put(w, w->view->nonce);
	put(w, slice_lit("\">"));
	put(w, slice_from(script));
	put(w, slice_lit("</script>"));
}

/* Where the last of that is, letters of any case; html.len: nowhere. */
static size_t find_last(slice html, slice word)
{
	for (size_t i = html.len; i-- > 0;) {
		if (html.ptr[i] == word.ptr[0] && slice_starts_ascii(slice_drop(html, i), word))
			return i;
	}
	return html.len;
}

static bool is_document(slice html)
{
	size_t at = up_to(html, 0, slice_lit("<html"));

	return at < html.len && (html.ptr[at] <= ' ' || html.ptr[at] == '>');
}

static void put_embedded(struct writer *w, slice html)
{
	bool whole = is_document(html);
	size_t end = whole ? find_last(html, slice_lit("</body")) : html.len;

	if (!whole)
		put(w, slice_lit("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>"));
	put_html(w, slice_head(html, end));
	put_script(w);
	put(w, slice_drop(html, end));
	if (!whole)
		put(w, slice_lit("</body></html>"));
}

bool api_view_html(const struct api_mail *mail, const struct api_view *view,
    struct buffer *out)
{
	struct writer w = { .mail = mail, .view = view, .out = out,
		.arena = arena_init(out->heap, API_PARTS_MAX * sizeof(struct named_part) + 64) };
	struct buffer html = buffer_init(out->heap, API_TEXT_MAX);
	bool found = mime_html(&mail->mime, mail->uses, mail->charsets, &html);

	if (found) {
		collect(&w);
		if (view->embed)
			put_embedded(&w, buffer_bytes(&html));
		else
			put_html(&w, buffer_bytes(&html));
	}
	buffer_free(&html);
	arena_reset(&w.arena);
	return found;
}
