/* cli/ask.h - questions to the person at the terminal, and passwords. */
#ifndef CLI_ASK_H
#define CLI_ASK_H

#include <stdbool.h>

#include "base/limits.h"

/* Ask on the terminal; true for "y" or "yes". False without a terminal. */
bool ask_yes(const char *question);

/* A line of stdin, or, without echo, what is typed twice at the terminal. False
 * after a line on stderr. The caller wipes it. */
bool ask_password_stdin(char ret_password[PASSWORD_MAX + 1]);
bool ask_password_twice(char ret_password[PASSWORD_MAX + 1]);
/* Typed once, also when stdin is something else. instead: what to do without a
 * terminal, for the line. */
bool ask_password_once(const char *instead, char ret_password[PASSWORD_MAX + 1]);

#endif
