/* api/send_impl.h - what a body of /send said, judged, for send.c and send_write.c. */
#ifndef API_SEND_IMPL_H
#define API_SEND_IMPL_H

#include "api/send.h"
#include "api/tags.h"
#include "mail/compose.h"

struct send_header {
	slice name, value;
};

struct send_file {
	slice name, type, content_id;   /* type may be empty: guessed */
	slice content;                  /* base 64, as it came */
};

struct send_list {
	size_t n;
	struct compose_mailbox *list;
};

struct send {
	const struct api_send_facts *facts;
	struct compose_mailbox from;
	struct send_list to, cc, reply_to;
	slice subject, text, html;
	struct api_tags tags;
	size_t n_headers, n_files;
	struct send_header *headers;
	struct send_file *files;
};

/* Append it to *out. False: *fault says why, and a part was written. */
bool send_write(const struct send *s, struct buffer *out, struct api_fault *fault)
    __attribute__((warn_unused_result));

#endif
