/* directory/name.h - addresses as the directory compares them. */
#ifndef DIRECTORY_NAME_H
#define DIRECTORY_NAME_H

#include "base/arena.h"
#include "base/slice.h"

/* key is local "@" domain; the other two are parts of it. */
struct name {
	slice key;
	slice local;            /* folded, without quotes */
	slice domain;           /* lower-case A-labels */
	slice written;          /* with its case, quoted where it must be */
	bool plain;             /* the local part needs no quotes */
};

/* False: no address. A domain is needed. All of `arena`. */
bool name_parse(struct arena *arena, slice text, struct name *ret_name);

/* The normal form of what somebody logs in with, an address or not: its first
 * SEALED_ADDRESS_MAX bytes, and no more. */
slice name_login(struct arena *arena, slice text);

/* A domain by itself; no literal. */
bool name_domain(struct arena *arena, slice text, slice *ret_domain);

/* Drop the last "+detail" of a local part; false when there is none, or when
 * nothing would be left of it. */
bool name_drop_detail(slice *local);

#endif
