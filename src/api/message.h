/* api/message.h - one message as Mailpit's API shows it. Pure.
 *
 * Those that write JSON append to *out and end with a line end. False: it has no room for
 * all, and is as before; API_MESSAGE_JSON_MAX is always enough. */
#ifndef API_MESSAGE_H
#define API_MESSAGE_H

#include "api/mail.h"
#include "api/tags.h"

/* GET /api/v1/message/{id}. Text and HTML are cut at API_TEXT_MAX; Attachments and Inline
 * have the first API_PARTS_MAX each, those that have a name or a Content-ID. Date: of the
 * header, in its zone, or received. ReturnPath: of the header, or the envelope's sender, or
 * From. */
bool api_message_json(const struct api_mail *mail, const struct api_facts *facts,
    const struct api_tags *tags, struct buffer *out) __attribute__((warn_unused_result));

/* GET /api/v1/message/{id}/headers: {"Subject":["..."],...}, names as Go spells them, in
 * their order; values unfolded and not decoded. Of API_HEADER_MAX bytes of the header and
 * API_FIELDS_MAX fields. */
bool api_headers_json(const struct api_mail *mail, struct buffer *out)
    __attribute__((warn_unused_result));

/* A part that can be had by itself: attached, inline or other; not the texts. */
struct api_part {
	const struct mime_part *part;
	slice type;                     /* "image/png", lower case, tokens; never empty */
	slice file_name;                /* UTF-8; that or the Content-ID; may be empty */
	slice disposition;              /* of the answer: inline; filename="%C3%A9.bin" */
	size_t size;                    /* octets of its content, decoded */
};

/* GET .../part/{partID}. Slices are of `arena`: at most API_PART_ARENA_MAX. False: there is
 * none. Type and content are what a stranger sent: text/html and image/svg+xml want a
 * Content-Security-Policy with `sandbox` around them. */
bool api_part_find(const struct api_mail *mail, slice part_id, struct arena *arena,
    struct api_part *ret) __attribute__((warn_unused_result));
/* Append its content. False: no room for ret->size. */
bool api_part_content(const struct api_part *part, struct buffer *out)
    __attribute__((warn_unused_result));

/* GET /view/{id}.txt: append Text, cut as much as fits. */
void api_view_text(const struct api_mail *mail, struct buffer *out);

struct api_view {
	slice webroot;                  /* "/": begins and ends with one */
	slice id;                       /* for the addresses of parts */
	bool embed;                     /* ?embed=1: a whole document, links open elsewhere,
	                                 * and its height is told to the page around it */
	slice nonce;                    /* of the script for that; empty: no script */
};

/* GET /view/{id}.html: append the HTML as UTF-8, cid: addresses of its parts made those of
 * the API. The HTML itself is a stranger's and as it came. False: there is none. Of
 * API_TEXT_MAX bytes of HTML; API_VIEW_MAX is room for what comes of it, and what does not
 * fit is left out. */
bool api_view_html(const struct api_mail *mail, const struct api_view *view,
    struct buffer *out);

#endif
