/* base/limits.h - every limit by name, with its reason. One section a module.
 *
 * A limit that an administrator may change has its default here and its key in
 * config/config.c. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

enum {
	/* base */
	ARENA_CHUNK_FIRST = 512,        /* an idle connection stays small */
	ARENA_CHUNK_MAX = 64 * 1024,
	BUFFER_FIRST = 256,
	TABLE_FIRST = 16,

	/* A path below a role's root; ours are short and made by us. */
	OS_PATH_MAX = 256,
	/* One message between roles, descriptors aside: a delivery of 64 KiB of
	 * body with its envelope. Also the size of a packet of several. */
	IPC_PACKET_MAX = 128 * 1024,
	IPC_FDS_MAX = 4,

	/* directory */
	/* Accounts that one recipient may lead to: an alias of a whole small firm.
	 * Larger lists are mailing lists, with bounces of their own. */
	RECIPIENT_TARGETS_MAX = 100,
	/* An address in a seal: local part 64 + "@" + domain 255 (RFC 5321
	 * s4.5.3.1), which is also all that a path can hold. */
	SEALED_ADDRESS_MAX = 320,
	/* A sealed decision with RECIPIENT_TARGETS_MAX of the longest addresses. */
	SEALED_MAX = 34 * 1024,

	/* auth: SASL. RFC 4616 s2 wants 255 for each part; an address has up to
	 * 320. A message of PLAIN is authzid NUL authcid NUL passwd; its line is
	 * that in base 64. */
	SASL_LOGIN_MAX = 320,
	SASL_SECRET_MAX = 512,
	SASL_MESSAGE_MAX = 2 * SASL_LOGIN_MAX + SASL_SECRET_MAX + 2,
	SASL_LINE_MAX = (SASL_MESSAGE_MAX + 2) / 3 * 4,
	SASL_CHALLENGE_MAX = 64,        /* "Username:" and "Password:" in base 64 */
};

#endif
