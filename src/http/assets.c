/* http/assets.c - looking for a file of the page, and at what a client takes. */
#include "http/assets.h"

#include "base/check.h"

const struct http_asset *http_asset_find(slice name)
{
	for (size_t i = 0; i < http_assets_n; i++)
		if (slice_equal(slice_from(http_assets[i].name), name))
			return &http_assets[i];
	return NULL;
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

static slice trim(slice text)
{
	while (text.len > 0 && is_blank(text.ptr[0]))
		text = slice_drop(text, 1);
	while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
		text = slice_head(text, text.len - 1);
	return text;
}

/* weight = OWS ";" OWS "q=" qvalue, RFC 9110 s12.4.2; what is behind the ";". */
static bool is_zero(slice weight)
{
	weight = trim(weight);
	if (weight.len < 3 || (weight.ptr[0] | 0x20) != 'q' || weight.ptr[1] != '=' ||
	    weight.ptr[2] != '0')
		return false;
	for (size_t i = 3; i < weight.len; i++)
		if (weight.ptr[i] != '.' && weight.ptr[i] != '0')
			return false;
	return true;
}

bool http_accepts_gzip(slice rest)
{
	bool any = false, gzip = false, named = false;

	while (rest.len > 0) {
		slice weight = slice_cut(&rest, ',');
		slice coding = trim(slice_cut(&weight, ';'));
		bool yes = !is_zero(weight);

		if (slice_equal_ascii(coding, slice_lit("gzip"))) {
			named = true;
			gzip = yes;
		} else if (slice_equal(coding, slice_lit("*"))) {
			any = yes;
		}
	}
	return named ? gzip : any;
}

static slice opaque(slice tag)
{
	if (tag.len > 2 && tag.ptr[0] == 'W' && tag.ptr[1] == '/')
		return slice_drop(tag, 2);
	return tag;
}

bool http_tag_matches(slice rest, const char *tag)
{
	slice want = opaque(slice_from(tag));

	check(want.len > 2 && want.ptr[0] == '"');
	while (rest.len > 0) {
		slice one = trim(slice_cut(&rest, ','));        /* our tags have no comma */

		if (slice_equal(one, slice_lit("*")) || slice_equal(opaque(one), want))
			return true;
	}
	return false;
}
