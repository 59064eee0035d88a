/* mail/address.c - Mailbox and Path of RFC 5321 s4.1.2 with RFC 6531 s3.3.
 *
 * One function a rule, its ABNF above it. Each takes its text off the front of
 * *in and moves it only on ADDRESS_OK. Lengths are judged where a whole part is
 * known, so that the reply can say which part is too long. */
#include "mail/address.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include "base/check.h"
#include "mail/utf8.h"

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* RFC 5322 s3.2.3. */
static bool is_atext(unsigned char c)
{
	return is_alnum(c) || (c != 0 && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* UTF8-non-ascii off the front: its length, or 0 with the reason. */
static size_t utf8_non_ascii(slice in, unsigned allow, enum address_result *ret_fault)
{
	size_t n = utf8_length(in);

	if (n > 1 && (allow & ADDRESS_ALLOW_UTF8))
		return n;
	*ret_fault = in.len > 0 && in.ptr[0] > 127 ? ADDRESS_UTF8 : ADDRESS_SYNTAX;
	return 0;
}

/* Atom = 1*atext; atext =/ UTF8-non-ascii */
static enum address_result take_atom(slice *in, unsigned allow)
{
	enum address_result fault = ADDRESS_SYNTAX;
	slice at = *in;

	while (at.len > 0) {
		size_t n = is_atext(at.ptr[0]) ? 1 : utf8_non_ascii(at, allow, &fault);

		if (n == 0)
			break;
		at = slice_drop(at, n);
	}
	if (at.len == in->len || fault == ADDRESS_UTF8)
		return fault;
	*in = at;
	return ADDRESS_OK;
}

/* Dot-string = Atom *("." Atom) */
static enum address_result take_dot_string(slice *in, unsigned allow)
{
	slice at = *in;

	for (;;) {
		enum address_result result = take_atom(&at, allow);

		if (result != ADDRESS_OK)
			return result;
		if (at.len == 0 || at.ptr[0] != '.')
			break;
		at = slice_drop(at, 1);
	}
	*in = at;
	return ADDRESS_OK;
}

/* Quoted-string = DQUOTE *( qtextSMTP / "\" %d32-126 ) DQUOTE */
static enum address_result take_quoted(slice *in, unsigned allow)
{
	enum address_result fault = ADDRESS_SYNTAX;
	slice at = slice_drop(*in, 1);

	while (at.len > 0 && at.ptr[0] != '"') {
		size_t n = 1;

		if (at.ptr[0] == '\\') {
			at = slice_drop(at, 1);
			if (at.len == 0 || at.ptr[0] > 126)
				return ADDRESS_SYNTAX;
		}
		if (at.ptr[0] > 127)
			n = utf8_non_ascii(at, allow, &fault);
		else if (at.ptr[0] < 32 || at.ptr[0] == 127)
			n = 0;
		if (n == 0)
			return fault;
		at = slice_drop(at, n);
	}
	if (at.len == 0)
		return ADDRESS_SYNTAX;
	*in = slice_drop(at, 1);
	return ADDRESS_OK;
}

/* Local-part = Dot-string / Quoted-string */
static enum address_result take_local(slice *in, unsigned allow, slice *ret_local)
{
	bool quoted = in->len > 0 && in->ptr[0] == '"';
	slice at = *in;
	enum address_result result = quoted ? take_quoted(&at, allow) :
	    take_dot_string(&at, allow);

	if (result != ADDRESS_OK)
		return result;
	*ret_local = slice_head(*in, in->len - at.len);
	*in = at;
	return ADDRESS_OK;
}

/* sub-domain = Let-dig [Ldh-str]; sub-domain =/ U-label */
static enum address_result take_label(slice *in, unsigned allow)
{
	enum address_result fault = ADDRESS_SYNTAX;
	bool ascii = true;
	slice at = *in;
	size_t len;

	while (at.len > 0) {
		size_t n = is_alnum(at.ptr[0]) || at.ptr[0] == '-' ? 1 :
		    utf8_non_ascii(at, allow, &fault);

		if (n == 0)
			break;
		ascii = ascii && n == 1;
		at = slice_drop(at, n);
	}
	len = in->len - at.len;
	if (fault == ADDRESS_UTF8 || len == 0 || in->ptr[0] == '-' || in->ptr[len - 1] == '-')
		return fault;
	/* A U-label is measured as the A-label that it becomes. */
	if (ascii && len > DOMAIN_LABEL_MAX)
		return ADDRESS_DOMAIN_LONG;
	*in = at;
	return ADDRESS_OK;
}

/* Domain = sub-domain *("." sub-domain) */
static enum address_result take_domain(slice *in, unsigned allow, slice *ret_domain)
{
	slice at = *in;

	for (;;) {
		enum address_result result = take_label(&at, allow);

		if (result != ADDRESS_OK)
			return result;
		if (at.len == 0 || at.ptr[0] != '.')
			break;
		at = slice_drop(at, 1);
	}
	*ret_domain = slice_head(*in, in->len - at.len);
	*in = at;
	return ADDRESS_OK;
}

/* address-literal = "[" ( IPv4-address-literal / "IPv6:" IPv6-addr ) "]"; other
 * tags must be registered (RFC 5321 s4.1.3), and none is. */
static enum address_result take_literal(slice *in, slice *ret_domain)
{
	size_t end = slice_find_byte(*in, ']');
	char text[INET6_ADDRSTRLEN];
	unsigned char ip[16];
	int family = AF_INET;
	slice inner;

	if (end == in->len)
		return ADDRESS_SYNTAX;
	inner = slice_sub(*in, 1, end - 1);
	if (slice_starts_ascii(inner, slice_lit("IPv6:"))) {
		inner = slice_drop(inner, strlen("IPv6:"));
		family = AF_INET6;
	}
	if (inner.len == 0 || inner.len >= sizeof text)
		return ADDRESS_SYNTAX;
	memcpy(text, inner.ptr, inner.len);
	text[inner.len] = '\0';
	if (strlen(text) != inner.len || inet_pton(family, text, ip) != 1)
		return ADDRESS_SYNTAX;
	*ret_domain = slice_head(*in, end + 1);
	*in = slice_drop(*in, end + 1);
	return ADDRESS_OK;
}

/* Mailbox = Local-part "@" ( Domain / address-literal ) */
static enum address_result take_mailbox(slice *in, unsigned allow, struct address *ret)
{
	enum address_result result;
	struct address address;
	slice at = *in;

	result = take_local(&at, allow, &address.local);
	if (result != ADDRESS_OK)
		return result;
	if (at.len < 2 || at.ptr[0] != '@')
		return ADDRESS_SYNTAX;
	at = slice_drop(at, 1);
	result = at.ptr[0] == '[' ? take_literal(&at, &address.domain) :
	    take_domain(&at, allow, &address.domain);
	if (result != ADDRESS_OK)
		return result;
	if (address.local.len > ADDRESS_LOCAL_MAX)
		return ADDRESS_LOCAL_LONG;
	if (address.domain.len > ADDRESS_DOMAIN_MAX)
		return ADDRESS_DOMAIN_LONG;
	address.whole = slice_head(*in, in->len - at.len);
	if (address.whole.len > ADDRESS_PATH_MAX - 2)
		return ADDRESS_LONG;
	*in = at;
	*ret = address;
	return ADDRESS_OK;
}

enum address_result address_parse(slice text, unsigned allow, struct address *ret)
{
	struct address address;
	enum address_result result = take_mailbox(&text, allow, &address);

	if (result != ADDRESS_OK)
		return result;
	if (text.len > 0)
		return text.ptr[0] > 127 ? ADDRESS_UTF8 : ADDRESS_SYNTAX;
	*ret = address;
	return ADDRESS_OK;
}

/* A-d-l = "@" Domain *( "," "@" Domain ), and its ":" */
static enum address_result take_source_route(slice *in, unsigned allow)
{
	slice at = *in, ignored;

	for (;;) {
		enum address_result result;

		if (at.len == 0 || at.ptr[0] != '@')
			return ADDRESS_SYNTAX;
		at = slice_drop(at, 1);
		result = take_domain(&at, allow, &ignored);
		if (result != ADDRESS_OK)
			return result;
		if (at.len > 0 && at.ptr[0] == ':')
			break;
		if (at.len == 0 || at.ptr[0] != ',')
			return ADDRESS_SYNTAX;
		at = slice_drop(at, 1);
	}
	*in = slice_drop(at, 1);
	return ADDRESS_OK;
}

/* What stands between the brackets. */
static enum address_result take_inner(slice *in, unsigned allow, struct address *ret)
{
	const slice postmaster = slice_lit("Postmaster");
	enum address_result result;
	slice at = *in;

	if ((allow & ADDRESS_ALLOW_NULL) && (at.len == 0 || at.ptr[0] == '>')) {
		*ret = (struct address){ 0 };
		return ADDRESS_OK;
	}
	if ((allow & ADDRESS_ALLOW_POSTMASTER) && slice_starts_ascii(at, postmaster) &&
	    (at.len == postmaster.len || at.ptr[postmaster.len] == '>' ||
	    at.ptr[postmaster.len] == ' ')) {
		ret->whole = ret->local = slice_head(at, postmaster.len);
		ret->domain = (slice){ 0 };
		*in = slice_drop(at, postmaster.len);
		return ADDRESS_OK;
	}
	if (at.len > 0 && at.ptr[0] == '@') {
		result = take_source_route(&at, allow);
		if (result != ADDRESS_OK)
			return result;
	}
	result = take_mailbox(&at, allow, ret);
	if (result == ADDRESS_OK)
		*in = at;
	return result;
}

/* Path = "<" [ A-d-l ":" ] Mailbox ">" */
enum address_result address_take_path(slice *in, unsigned allow, struct address *ret)
{
	enum address_result result;
	struct address address;
	slice at = *in;
	bool bracket = at.len > 0 && at.ptr[0] == '<';

	if (bracket)
		at = slice_drop(at, 1);
	else if (!(allow & ADDRESS_ALLOW_BARE) || at.len == 0)
		return ADDRESS_SYNTAX;
	else
		allow &= ~(unsigned)ADDRESS_ALLOW_NULL;
	result = take_inner(&at, allow, &address);
	if (result != ADDRESS_OK)
		return result;
	if (bracket ? at.len == 0 || at.ptr[0] != '>' : at.len > 0 && at.ptr[0] != ' ')
		return at.len > 0 && at.ptr[0] > 127 ? ADDRESS_UTF8 : ADDRESS_SYNTAX;
	*in = bracket ? slice_drop(at, 1) : at;
	*ret = address;
	return ADDRESS_OK;
}

const char *address_fault(enum address_result result)
{
	switch (result) {
	case ADDRESS_OK:
		return "address is fine";
	case ADDRESS_LOCAL_LONG:
		return "local part is over 64 octets";
	case ADDRESS_DOMAIN_LONG:
		return "domain is over 255 octets or a label over 63";
	case ADDRESS_LONG:
		return "address is over 254 octets";
	case ADDRESS_UTF8:
		return "octets over 127 need SMTPUTF8 and must be UTF-8";
	case ADDRESS_SYNTAX:
		break;
	}
	return "not an address";
}

/* U-labels to A-labels. libidn2 allocates; what it gave is freed here. */
static bool domain_to_ascii(struct arena *arena, slice domain, slice *ret)
{
	uint8_t *ascii = NULL;
	bool ok = slice_find_byte(domain, 0) == domain.len &&
	    idn2_lookup_u8((const uint8_t *)slice_cstr(arena, domain), &ascii,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK;

	if (ok)
		*ret = slice_lower(arena, slice_from((const char *)ascii));
	idn2_free(ascii);
	return ok;
}

bool domain_normal(struct arena *arena, slice domain, slice *ret_normal)
{
	slice normal, rest, whole;

	if (domain.len > ADDRESS_DOMAIN_MAX)
		return false;
	if (slice_is_ascii(domain))
		normal = slice_lower(arena, domain);
	else if (!utf8_valid(domain) || !domain_to_ascii(arena, domain, &normal))
		return false;
	/* IDNA drops some characters: what is left may look like a literal, and is none. */
	if (slice_starts(normal, slice_lit("[")) && !slice_starts(domain, slice_lit("[")))
		return false;
	rest = normal;
	if (rest.len > 0 && rest.ptr[0] == '[' ? take_literal(&rest, &whole) != ADDRESS_OK :
	    take_domain(&rest, 0, &whole) != ADDRESS_OK)
		return false;
	if (rest.len > 0 || normal.len > ADDRESS_DOMAIN_MAX)
		return false;
	*ret_normal = normal;
	return true;
}

slice local_plain(struct arena *arena, slice local)
{
	unsigned char *plain;
	size_t n = 0;

	if (local.len < 2 || local.ptr[0] != '"')
		return slice_copy(arena, local);
	local = slice_sub(local, 1, local.len - 2);
	plain = arena_new(arena, unsigned char, local.len);
	for (size_t i = 0; i < local.len; i++) {
		if (local.ptr[i] == '\\' && i + 1 < local.len)
			i++;
		plain[n++] = local.ptr[i];
	}
	return slice_of(plain, n);
}

slice local_folded(struct arena *arena, slice local)
{
	return slice_lower(arena, local_plain(arena, local));
}

slice local_quoted(struct arena *arena, slice plain)
{
	slice rest = plain;
	unsigned char *out;
	size_t n = 0;

	if (take_dot_string(&rest, ADDRESS_ALLOW_UTF8) == ADDRESS_OK && rest.len == 0)
		return slice_copy(arena, plain);
	out = arena_new(arena, unsigned char, 2 * plain.len + 2);
	out[n++] = '"';
	for (size_t i = 0; i < plain.len; i++) {
		if (plain.ptr[i] == '"' || plain.ptr[i] == '\\')
			out[n++] = '\\';
		out[n++] = plain.ptr[i];
	}
	out[n++] = '"';
	return slice_of(out, n);
}

bool address_normal(struct arena *arena, const struct address *address, struct address *ret)
{
	slice local = { 0 }, domain = { 0 };

	if (address->domain.len > 0 && !domain_normal(arena, address->domain, &domain))
		return false;
	if (address->local.len > 0)
		local = local_quoted(arena, local_plain(arena, address->local));
	*ret = address_join(arena, local, domain);
	return ret->whole.len <= ADDRESS_PATH_MAX - 2;
}

struct address address_join(struct arena *arena, slice local, slice domain)
{
	size_t at = domain.len > 0 ? 1 : 0;
	unsigned char *text = arena_new(arena, unsigned char, local.len + at + domain.len);

	if (local.len > 0)
		memcpy(text, local.ptr, local.len);
	if (domain.len > 0) {
		text[local.len] = '@';
		memcpy(text + local.len + 1, domain.ptr, domain.len);
	}
	return (struct address){ .whole = slice_of(text, local.len + at + domain.len),
	    .local = slice_of(text, local.len),
	    .domain = slice_of(text + local.len + at, domain.len) };
}
