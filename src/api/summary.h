/* api/summary.h - what a list shows of a message and a search asks of it, and how an index
 * of 100,000 keeps that. Pure.
 *
 *   api_summary_make(&mail, &facts, &arena, &summary);      of a message
 *   api_words(&mail, &summary, &words);                     the same
 *   api_summary_pack(&summary, &out);                       bytes for the index
 *   api_summary_search(packed, &scratch, &message);         for search_matches()
 *   api_summary_unpack(packed, &arena, &summary);           for a page of the list
 *
 * Words (search_matches_words()) are apart: they are long. */
#ifndef API_SUMMARY_H
#define API_SUMMARY_H

#include "api/tags.h"
#include "search/query.h"

/* Slices: of the arena, or where facts or packed bytes are. */
struct api_summary {
	slice id, mailbox, login;
	slice message_id;               /* without brackets; at most API_FIELD_MAX */
	struct api_address from;
	struct api_addresses to, cc, bcc, reply_to;
	slice subject;                  /* at most API_SUBJECT_MAX */
	slice snippet;                  /* at most SNIPPET_MAX and "..." */
	struct api_tags tags;
	int64_t received_us;
	uint64_t size;
	uint32_t n_attachments, n_inline;
	bool read;
};

/* Never fails. All addresses together are at most API_SUMMARY_TEXT_MAX bytes of text, To
 * first; the rest is left out here, not in the message. n_attachments and n_inline count
 * parts, also those that the message's own list leaves out, as they have no name. Of a raw
 * that is only the beginning of a message, what begins in it. arena:
 * API_SUMMARY_ARENA_MAX. id, mailbox and login stay borrowed from `facts`. */
void api_summary_make(const struct api_mail *mail, const struct api_facts *facts,
    struct arena *arena, struct api_summary *ret);

/* Append the words of a message, whose summary was made, folded (search/fold.h): its fields of addresses, names with
 * them, hidden recipients, subject, Return-Path, the text of its HTML with the addresses of
 * links, or its text, and the names of attached files; as much as fits. With a buffer of
 * API_WORDS_MAX, that many; what stands behind is not found. */
void api_words(const struct api_mail *mail, const struct api_summary *summary,
    struct buffer *out);

/* Append it, at most API_PACKED_MAX bytes: fields of four to eight bytes, then texts with
 * their lengths, those for a search first. False: no room; *out is as before. */
bool api_summary_pack(const struct api_summary *summary, struct buffer *out)
    __attribute__((warn_unused_result));

/* Read all of `packed`. Its texts are borrowed from there, lists are of `arena`, at most
 * API_SUMMARY_ARENA_MAX. False: it is not what api_summary_pack() writes. */
bool api_summary_unpack(slice packed, struct arena *arena, struct api_summary *ret)
    __attribute__((warn_unused_result));

/* What a search asks of it, without a look at the rest. tags: room for API_TAGS_MAX, which
 * *ret points to; texts are borrowed. False: likewise. */
bool api_summary_search(slice packed, slice tags[API_TAGS_MAX], struct search_message *ret)
    __attribute__((warn_unused_result));

/* In place: was it read? And when was it received, how large is it. packed: checked once. */
void api_packed_set_read(unsigned char *packed, bool read);
bool api_packed_read(slice packed);
int64_t api_packed_received_us(slice packed);
uint64_t api_packed_size(slice packed);

#endif
