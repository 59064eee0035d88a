/* sim/book.h - what one directory must hold, as its administrator knows it: a
 * value for each name, or the few that it may have while an answer is missing.
 *
 *   book_try -> book_done (it said ok) | book_refused | book_unsure: either may hold
 *
 * 0 means that the name is not there. Answered is answered, whatever breaks:
 * what is seen later must be possible. */
#ifndef SIM_BOOK_H
#define SIM_BOOK_H

#include "sim/checker.h"

enum { BOOK_NAMES_MAX = 8, BOOK_VALUES_MAX = 8 };

struct book;

/* Lives in the world. All names begin with the value 0. */
struct book *book_create(struct sim *sim, struct checker *checker, const char *host);
void book_add(struct book *book, const char *name);

/* A change to this value is about to be asked for. */
void book_try(struct book *book, slice name, uint64_t value);
void book_done(struct book *book, slice name, uint64_t value);  /* it was made */
/* It was not made. */
void book_refused(struct book *book, slice name, uint64_t value);
/* It may have been made or not, but is not made any more from now on. */
void book_unsure(struct book *book, slice name);
/* The name has this value: an error if that can't be; the only one from now on,
 * if no change is under way. */
void book_seen(struct book *book, slice name, uint64_t value);
/* It is there, or not, whatever its value. */
void book_seen_there(struct book *book, slice name, bool there);
/* It has one value and no change is under way. */
bool book_sure(const struct book *book, slice name);
uint64_t book_value(const struct book *book, slice name);
/* How many changes were asked for so far. */
uint64_t book_changes(const struct book *book, slice name);

#endif
