/* search/find.h - does a text have a part? As slice_find(), for many short texts, each looked
 * into once: no table is made first, and 64 places are compared at a time. */
#ifndef SEARCH_FIND_H
#define SEARCH_FIND_H

#include "base/slice.h"

bool find_part(slice text, slice part);

/* The same, but letters of ASCII in the text may be of either case; in the part they are
 * small ones. */
bool find_part_any_case(slice text, slice part);

#endif
