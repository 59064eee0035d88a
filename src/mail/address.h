/* mail/address.h - addresses as SMTP has them: Mailbox and Path (RFC 5321
 * s4.1.2, s4.1.3; RFC 6531 s3.3 for UTF-8), and their normal form.
 *
 * Header fields have more (names, comments, groups): see mail/mailbox.h. */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/slice.h"

/* Borrowed from what was parsed. <> has all three empty; <Postmaster> has an
 * empty domain. */
struct address {
	slice whole;            /* local@domain, contiguous, as written */
	slice local;            /* with its quotes, if any */
	slice domain;           /* with its brackets, if it is an address literal */
};

enum address_result {
	ADDRESS_OK,
	ADDRESS_SYNTAX,
	ADDRESS_LOCAL_LONG,     /* over ADDRESS_LOCAL_MAX octets */
	ADDRESS_DOMAIN_LONG,    /* over ADDRESS_DOMAIN_MAX, or a label over 63 */
	ADDRESS_LONG,           /* over ADDRESS_PATH_MAX with its brackets */
	ADDRESS_UTF8,           /* octets over 127 where they are not allowed, or not UTF-8 */
};

enum {
	ADDRESS_ALLOW_UTF8 = 1,         /* RFC 6531 */
	ADDRESS_ALLOW_NULL = 2,         /* <>: a reverse-path */
	ADDRESS_ALLOW_POSTMASTER = 4,   /* <Postmaster>, any case: a forward-path */
	ADDRESS_ALLOW_BARE = 8,         /* a path without < and > */
};

/* A whole Mailbox: local-part "@" domain. ret is untouched on failure. */
enum address_result address_parse(slice text, unsigned allow, struct address *ret)
    __attribute__((warn_unused_result));

/* A Path off the front of *in; a source route is checked and dropped (RFC 5321
 * appendix C). A bare path ends at the first blank outside quotes. Moves *in
 * only on ADDRESS_OK. */
enum address_result address_take_path(slice *in, unsigned allow, struct address *ret)
    __attribute__((warn_unused_result));

/* Words for a reply or an error line: "domain is too long". */
const char *address_fault(enum address_result result);

/* Domain in lower case and A-labels (IDNA 2008, libidn2); "[...]" in lower case.
 * False when it is no domain: a label that IDNA forbids, a limit passed. */
bool domain_normal(struct arena *arena, slice domain, slice *ret_normal)
    __attribute__((warn_unused_result));

/* The local part without quoting: what it means ("a b"@x is a b). */
slice local_plain(struct arena *arena, slice local);
/* The same with A-Z lowered: what our own accounts are compared by. UTF-8 stays
 * as it is: no rule of case is right for all languages. */
slice local_folded(struct arena *arena, slice local);

/* The other way: the shortest spelling of a plain local part. */
slice local_quoted(struct arena *arena, slice plain);

/* Normal form: domain as above; the local part keeps its case and is quoted
 * only where it must be. Two spellings of one mailbox get the same bytes. False
 * when it is no address: the domain is none, or A-labels make the whole too long. */
bool address_normal(struct arena *arena, const struct address *address,
    struct address *ret) __attribute__((warn_unused_result));

/* local@domain in one piece; without a domain only the local part. */
struct address address_join(struct arena *arena, slice local, slice domain);

#endif
