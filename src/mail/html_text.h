/* mail/html_text.h - HTML as plain text, for a snippet, for search, and where mail has no
 * text of its own. Bounded and linear, whatever the HTML is; nothing in it is obeyed. */
#ifndef MAIL_HTML_TEXT_H
#define MAIL_HTML_TEXT_H

#include "base/buffer.h"

enum html_text {
	HTML_TEXT_LINES,        /* lines where blocks begin, "* item", "link ( address )" */
	HTML_TEXT_WORDS,        /* one line of words */
};

/* Append the text of html, which is UTF-8; as much as fits, in whole characters. Tags,
 * comments, scripts, styles and the head's title go; blanks in a row become one; entities
 * of HTML 4's Latin-1 and the usual others are decoded; what mail/shown.h says of control
 * characters and of those that turn text holds, also of those written as entities. */
void html_text(slice html, enum html_text form, struct buffer *out);

/* Likewise of plain text, one line of words. */
void plain_words(slice text, struct buffer *out);

#endif
