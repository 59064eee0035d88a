/* pack/format.h - the two steps of reading an entry's header. For src/pack only. */
#ifndef PACK_FORMAT_H
#define PACK_FORMAT_H

#include "pack/pack.h"

#define PACK_MAGIC 0x45504850U                  /* "PHPE" */

/* header has PACK_ENTRY bytes. Not yet checked: how long the prefix may be. */
enum pack_result pack_entry_begin(slice header, uint32_t *ret_prefix_len);

/* With the prefix: judge both. */
enum pack_result pack_entry_read(struct pack_place place, slice header, slice prefix,
    struct pack_body *ret_body);

#endif
