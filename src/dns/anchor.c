/* dns/anchor.c - trust anchors out of a file. ldns reads the records. */
#include "dns/anchor.h"

#include <stdio.h>
#include <stdlib.h>

#include <ldns/ldns.h>

enum { LINE_MAX_BYTES = 4096 };         /* a key of 4096 bits takes 700 */

/* ";;state=2 [  VALID  ]", as libunbound and unbound-anchor write behind each key. */
static bool is_trusted(slice comment)
{
	static const slice mark = slice_lit(";;state=");
	enum { VALID = '2', MISSING = '3' };

	for (; comment.len > mark.len; comment = slice_drop(comment, 1)) {
		unsigned char state = comment.ptr[mark.len];

		if (slice_starts(comment, mark))
			return state == VALID || state == MISSING;
	}
	return true;
}

/* NULL: it is appended. */
static const char *take_record(slice record, struct buffer *out)
{
	char line[LINE_MAX_BYTES], *text;
	ldns_rr *rr = NULL;
	ldns_status status;
	const char *fault = NULL;

	if (record.len >= sizeof line)
		return "it is too long";
	if (slice_find_byte(record, '\0') < record.len)
		return "it has a byte that is no text";
	snprintf(line, sizeof line, "%.*s", slice_arg(record));
	status = ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL);
	if (status != LDNS_STATUS_OK)
		return "it is no record: want \". IN DS 20326 8 2 E06D...\", all on one line";
	text = ldns_rr2str(rr);
	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN ||
	    (ldns_rr_get_type(rr) != LDNS_RR_TYPE_DS && ldns_rr_get_type(rr) != LDNS_RR_TYPE_DNSKEY))
		fault = "only DS and DNSKEY records say which keys to trust";
	else if (text == NULL || !buffer_append(out, slice_from(text)))
		fault = "these are too many keys";
	free(text);
	ldns_rr_free(rr);
	return fault;
}

bool dns_anchors_read(slice text, struct buffer *out, char ret_why[DNS_ANCHOR_FAULT])
{
	size_t before = buffer_bytes(out).len;
	unsigned n = 0;

	while (text.len > 0) {
		slice line = slice_cut(&text, '\n');
		slice record = slice_trim(slice_head(line, slice_find_byte(line, ';')));
		const char *fault;

		n++;
		if (record.len == 0 || !is_trusted(slice_drop(line, slice_find_byte(line, ';'))))
			continue;
		fault = take_record(record, out);
		if (fault != NULL) {
			snprintf(ret_why, DNS_ANCHOR_FAULT, "line %u: %s", n, fault);
			return false;
		}
	}
	if (buffer_bytes(out).len > before)
		return true;
	snprintf(ret_why, DNS_ANCHOR_FAULT, "there is no key in it; dns-root-data has those of the "
	    "root, in /usr/share/dns/root.key");
	return false;
}
