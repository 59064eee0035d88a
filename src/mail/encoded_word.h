/* mail/encoded_word.h - words of any script in a header (RFC 2047): UTF-8 only.
 *
 * What is written may stand in an unstructured field and in a display-name
 * (s5 (1) and (3)), never within quotes, in an address or in a parameter. */
#ifndef MAIL_ENCODED_WORD_H
#define MAIL_ENCODED_WORD_H

#include "mail/field.h"

enum { ENCODED_WORD_MAX = 75 };         /* s2 */

/* Would it not arrive as it is? It is not ASCII, or has a word that looks like an
 * encoded one, or a word too long for one line of a header. */
bool encoded_word_needed(slice text);

/* Write all of text, which is UTF-8, as encoded words: in Q, or in B if less than
 * half would stay readable. No character is cut in two; readers join the words. */
void encoded_word_write(struct field *f, slice text);

#endif
