/* base/check.h - our own mistakes stop the process, in release builds too.
 *
 * check() guards what only a bug in Posthouse can break. It never judges
 * outside input: that gets a result code and a reply (DESIGN section 6). */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define check(condition)                                                       \
	((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

/* Print where and what to stderr and abort. Prints no data, only code. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
