/* dns/answer_text.c - a response in words, for who watches a lab. */
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>

#include "dns/answer.h"

/* Takes text, which ldns allocated; NULL stands for nothing. ldns writes what is
 * not printable as \DDD; should it forget one, it is a "?". */
static void show(char *text, char *ret, size_t size)
{
	size_t n = 0;

	for (; text != NULL && text[n] != 0 && n < size - 1; n++)
		ret[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	ret[n] = 0;
	free(text);
}

/* "10 mx.alice.example.": the fields of a record. */
static char *value_of(const ldns_rr *rr)
{
	ldns_buffer *text = ldns_buffer_new(64);
	char *copy;

	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		if (i > 0)
			ldns_buffer_printf(text, " ");
		ldns_rdf2buffer_str(text, ldns_rr_rdf(rr, i));
	}
	copy = ldns_buffer_export2str(text);
	ldns_buffer_free(text);
	return copy;
}

static void summarise(const ldns_pkt *packet, uint16_t asked, char *ret, size_t size)
{
	const ldns_rr_list *answer = ldns_pkt_answer(packet);
	size_t n = ldns_rr_list_rr_count(answer), at = 0;
	char value[DNS_SUMMARY_MAX], type[16];

	for (size_t i = 0; i < n && at < size - 1; i++) {
		const ldns_rr *rr = ldns_rr_list_rr(answer, i);
		bool plain = ldns_rr_get_type(rr) == asked;

		show(value_of(rr), value, sizeof value);
		show(ldns_rr_type2str(ldns_rr_get_type(rr)), type, sizeof type);
		at += (size_t)snprintf(ret + at, size - at, "%s%s%s%s", i > 0 ? "; " : "",
		    plain ? "" : type, plain ? "" : " ", value);
		at = at < size ? at : size - 1;
	}
	if (ldns_pkt_tc(packet))
		snprintf(ret + at, size - at, "%scut: ask over TCP", n > 0 ? "; " : "");
	else if (n == 0 && ldns_rr_list_rr_count(ldns_pkt_authority(packet)) > 0 &&
	    !ldns_pkt_aa(packet))
		snprintf(ret, size, "other servers know");
	else if (n == 0)
		snprintf(ret, size, "%s", ldns_pkt_get_rcode(packet) == LDNS_RCODE_NOERROR ?
		    "no such record" : "");
}

bool dns_answer_describe(slice response, struct dns_answer_text *ret_text)
{
	const ldns_rr *question;
	ldns_pkt *packet;
	unsigned rcode;

	if (ldns_wire2pkt(&packet, response.ptr, response.len) != LDNS_STATUS_OK)
		return false;
	*ret_text = (struct dns_answer_text){ 0 };
	question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
	if (question != NULL) {
		show(ldns_rdf2str(ldns_rr_owner(question)), ret_text->name, sizeof ret_text->name);
		show(ldns_rr_type2str(ldns_rr_get_type(question)), ret_text->type,
		    sizeof ret_text->type);
	}
	rcode = ldns_pkt_get_rcode(packet) | (unsigned)ldns_pkt_edns_extended_rcode(packet) << 4;
	if (rcode == 16)
		snprintf(ret_text->rcode, sizeof ret_text->rcode, "BADVERS");
	else
		show(ldns_pkt_rcode2str((ldns_pkt_rcode)rcode), ret_text->rcode,
		    sizeof ret_text->rcode);
	summarise(packet, question != NULL ? (uint16_t)ldns_rr_get_type(question) : 0,
	    ret_text->summary, sizeof ret_text->summary);
	ldns_pkt_free(packet);
	return true;
}
