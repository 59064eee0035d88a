/* search/query.h - the language in which a mock's messages are searched: that of
 * Mailpit's API.
 *
 *   from:alice subject:"two words" -tag:seen has:attachment larger:1.5M word
 *
 * Terms are divided by spaces and must all match; "..." holds words together, -
 * or ! before a term turns it round. Before a colon:
 *
 *   from to cc bcc reply-to subject message-id    part of the field
 *   addressed                       part of any of the first five
 *   tag                             a whole tag
 *   is      read, unread, tagged
 *   has     attachment, inline, or more than one (attachments, inlines)
 *   larger, smaller                 than so many bytes; 1.5k, 2mb
 *   after, before                   a point in time (search/when.h) or later, or earlier
 *
 * All else is looked for in the message's words (search/fold.h), also "larger:" and "is:"
 * with what is none of theirs. A field or tag without a value, and a time that can't be read,
 * count for nothing. Case never matters. */
#ifndef SEARCH_QUERY_H
#define SEARCH_QUERY_H

#include <stdint.h>

#include "base/arena.h"
#include "search/when_zone.h"

enum search_key {
	SEARCH_WORDS,
	SEARCH_FROM, SEARCH_TO, SEARCH_CC, SEARCH_BCC, SEARCH_REPLY_TO, SEARCH_ADDRESSED,
	SEARCH_SUBJECT, SEARCH_MESSAGE_ID, SEARCH_TAG,
	SEARCH_READ, SEARCH_UNREAD, SEARCH_TAGGED,
	SEARCH_ATTACHMENT, SEARCH_INLINE,
	SEARCH_LARGER, SEARCH_SMALLER,
	SEARCH_AFTER, SEARCH_BEFORE,
};

struct search_term {
	enum search_key key;
	bool is_not;
	slice text;                     /* folded */
	uint64_t size;                  /* LARGER: more than this; SMALLER: less */
	int64_t wall_us;
};

struct search_query {
	size_t n;
	struct search_term *terms;
	bool words;                     /* some term is about them */
};

/* What a message has, texts folded by fold_text(), tags as they are: names and addresses of a
 * field as one text. ptr may be NULL. */
struct search_message {
	slice from, to, cc, bcc, reply_to, subject, message_id;
	size_t n_tags;
	const slice *tags;
	uint64_t size;
	int64_t received_us;
	unsigned n_attachments, n_inline;
	bool read;
};

/* All memory is of `arena`: SEARCH_TERMS_MAX terms, and a few times the query's length.
 * `zone` is for times without one. False: over SEARCH_QUERY_MAX bytes or
 * SEARCH_TERMS_MAX terms. */
bool search_parse(slice query, const struct when_zone *zone, struct arena *arena,
    struct search_query *ret_query) __attribute__((warn_unused_result));

/* Do all terms match, but for those about words? And those, by fold_words() of the
 * message? They are two, since words are kept elsewhere. */
bool search_matches(const struct search_query *query, const struct search_message *message);
bool search_matches_words(const struct search_query *query, slice words);

#endif
