/* cli/expect_junit.h - what was expected as a test case, in the XML that JUnit began with and
 * that CI systems read. */
#ifndef CLI_EXPECT_JUNIT_H
#define CLI_EXPECT_JUNIT_H

#include "base/buffer.h"

enum junit_result { JUNIT_PASSED, JUNIT_FAILED, JUNIT_ERROR };

struct junit_case {
	slice name;
	double seconds;
	enum junit_result result;
	slice words;                    /* one line: why it did not pass */
	slice more;                     /* lines */
};

/* Append the document; whatever is in the texts, it is well-formed XML 1.0 in UTF-8. Needs
 * room for some 600 bytes and twelve times the texts. */
void junit_write(const struct junit_case *what, struct buffer *out);

#endif
