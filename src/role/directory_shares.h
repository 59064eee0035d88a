/* role/directory_shares.h - fair shares that hold for the whole host: messages and
 * recipients of a peer, a network and an account in an hour, wrong recipients,
 * logins. The directory counts them, since each edge sees a part only.
 *
 * A peer is an IPv4 address or an IPv6 /64, a network a /24 or a /48, which may do
 * network_factor times as much. On port 25 those two count; on the submission ports
 * the account does, wherever it comes from. Who is in limit.trusted meets none of
 * it. What is refused for its rate is not counted, so it goes on as the bucket
 * fills up (base/rates.h). All is forgotten with the role. */
#ifndef ROLE_DIRECTORY_SHARES_H
#define ROLE_DIRECTORY_SHARES_H

#include "role/directory_impl.h"

/* Who names a recipient. */
struct asking {
	uint8_t ip[16];
	bool submission;
	bool report;                    /* by the relay: meets no limit */
	bool first;                     /* no recipient of the message was taken yet */
	uint64_t account;
};

/* May another recipient be named? If not, *ret_words (static) says whose share is
 * used up; it is logged once a minute. */
bool directory_shares_allow(struct directory_role *role, const struct asking *asking,
    slice *ret_words) __attribute__((warn_unused_result));
/* How that was answered; DIRECTORY_TEMPORARY counts as nothing. */
void directory_shares_count(struct directory_role *role, const struct asking *asking,
    enum directory_verdict verdict);

/* Another login of the account, by POP3 or IMAP? Counted if so, each apart: a mail program
 * opens many sessions of IMAP; else logged once a minute. */
bool directory_shares_login(struct directory_role *role, enum service service,
    uint64_t account, const uint8_t ip[16]) __attribute__((warn_unused_result));

/* Guesses of a network: limit.auth_failures times network_factor in
 * THROTTLE_WINDOW_MS, whatever its addresses (directory/throttle.h) have left. */
bool directory_shares_guess(struct directory_role *role, const uint8_t ip[16])
    __attribute__((warn_unused_result));
void directory_shares_guessed(struct directory_role *role, const uint8_t ip[16]);

#endif
