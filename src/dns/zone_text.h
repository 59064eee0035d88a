/* dns/zone_text.h - the entries of a zone file, each as one line (RFC 1035 s5.1).
 *
 * Takes out comments and the parentheses that let an entry go on over lines, makes
 * one SP of blanks outside of quotes, leaves escapes as they are. An entry begins
 * with SP when its line did: then it has no name of its own. Blank ones are skipped. */
#ifndef DNS_ZONE_TEXT_H
#define DNS_ZONE_TEXT_H

#include "base/limits.h"
#include "base/slice.h"

struct zone_text {
	slice rest;             /* borrowed */
	unsigned line;          /* where rest begins; 1 at first */
};

enum zone_entry {
	ZONE_ENTRY,
	ZONE_END,
	ZONE_OPEN_QUOTE,        /* a line ends inside quotes */
	ZONE_PARENTHESIS,       /* one too many, or too few */
	ZONE_CONTROL,           /* a NUL or another byte that is no text */
	ZONE_LONG,              /* over DNS_ENTRY_MAX */
};

/* The next entry, ended by a NUL, and its first line. After anything but ZONE_ENTRY
 * there is nothing more to take; *ret_line is then the line with the fault. */
enum zone_entry zone_text_next(struct zone_text *text, char ret_entry[DNS_ENTRY_MAX + 1],
    unsigned *ret_line);

#endif
