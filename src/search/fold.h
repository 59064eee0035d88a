/* search/fold.h - text as it is compared: in lower case, by Unicode's tables
 * (utf8proc); what is no UTF-8 stays as it is. */
#ifndef SEARCH_FOLD_H
#define SEARCH_FOLD_H

#include "base/buffer.h"

/* Append it. Both return false, with a part of it appended, when `out` has no room. */
bool fold_text(slice text, struct buffer *out) __attribute__((warn_unused_result));

/* The same without what stands between words: CR LF HTAB < > " , ; ( ) count as
 * spaces, several spaces as one, and there is none at either end. */
bool fold_words(slice text, struct buffer *out) __attribute__((warn_unused_result));

#endif
