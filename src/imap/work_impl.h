/* imap/work_impl.h - one message on its way through a work: taken apart when something asks
 * for that, and only once. */
#ifndef IMAP_WORK_IMPL_H
#define IMAP_WORK_IMPL_H

#include "imap/work.h"
#include "mail/mime.h"

/* A part as texts are compared with it, made when the first key asks: the others find it there.
 * What that takes is bounded by the message, as it would be with one part. */
struct imap_part_text {
	bool known, folds;
	bool as_is;                     /* its body, in place; nothing else is here */
	size_t at, len;                 /* in w->texts: decoded */
	size_t fold_at, fold_len;       /* in w->folds, with folds */
};

struct imap_look {
	struct imap_work *w;
	struct imap_work_item *item;
	slice text;
	slice header;                   /* with imap_header() */
	bool has_header, parsed;
	struct mime m;                  /* with imap_mime() */
	struct imap_part_text *texts;   /* of each part; of w->parts; NULL: no key asked */
	const struct imap_digest *digest;       /* instead of the text; or NULL */
	size_t envelope_at, envelope_len;       /* in w->out, once they are told */
	size_t structure_at, structure_len;
};

slice imap_header(struct imap_look *r);
const struct mime *imap_mime(struct imap_look *r);

struct charsets *imap_work_charsets(struct imap_work *w);

/* The answer, or hit, of a message whose text is there. */
void imap_fetch_message(struct imap_look *r);
void imap_search_message(struct imap_look *r);

#endif
