/* mail/cfws.h - blanks, folds and comments between the words of a structured
 * header field (RFC 5322 s3.2.2). */
#ifndef MAIL_CFWS_H
#define MAIL_CFWS_H

#include "base/slice.h"

/* Move *in behind CFWS, which may be empty. CR and LF count as blanks wherever
 * they stand: where lines end is the header scanner's business. False, and *in
 * unmoved, when a comment is not closed or deeper than COMMENT_DEPTH_MAX. */
bool cfws_skip(slice *in) __attribute__((warn_unused_result));

/* Length of the one comment that the text, which begins with "(", begins with, comments in it
 * included; 0: as above. */
size_t cfws_comment(slice in);

/* SP, HTAB, CR or LF. */
bool cfws_is_blank(unsigned char c);

/* Without the blanks, CR and LF at both ends. */
slice cfws_trim(slice s);

#endif
