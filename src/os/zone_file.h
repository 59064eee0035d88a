/* os/zone_file.h - the machine's time zones (search/when_zone.h), as files.
 *
 * They are read from the machine whatever files a role has, so in a confined one there are
 * none: what it needs it reads before. As iconv's tables they are small, local and soon in
 * memory, and read on the loop. */
#ifndef OS_ZONE_FILE_H
#define OS_ZONE_FILE_H

#include "base/buffer.h"
#include "base/slice.h"

/* Append the file of a zone of that name, at most ZONE_FILE_MAX bytes. False: there is none,
 * or it is no name of one. */
bool zone_file_read(slice name, struct buffer *out) __attribute__((warn_unused_result));

/* The machine's own: TZ, or else /etc/localtime. *ret_rule: TZ is a rule, and nothing is
 * appended; borrowed from the environment. False: neither is known. */
bool zone_file_local(struct buffer *out, slice *ret_rule) __attribute__((warn_unused_result));

#endif
