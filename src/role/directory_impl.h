/* role/directory_impl.h - what the files of the directory role share. */
#ifndef ROLE_DIRECTORY_IMPL_H
#define ROLE_DIRECTORY_IMPL_H

#include "auth/scram.h"
#include "base/rates.h"
#include "base/table.h"
#include "directory/command.h"
#include "directory/directory.h"
#include "directory/password.h"
#include "directory/remember.h"
#include "directory/throttle.h"
#include "os/stream.h"
#include "role/frame.h"

struct directory_role {
	struct frame frame;
	struct os *os;
	struct directory *directory;
	struct seal_key key;
	bool has_key, drained;
	struct rates *rates;            /* directory_shares.c */
	struct mock *mock;              /* directory_mock.c; NULL: this is no mock */
	struct table full;              /* directory_quota.c: accounts */

	/* directory_login.c */
	struct throttle *throttle;
	struct remember *remember;
	struct list waiting;            /* struct login, by turn */
	struct list running;            /* at most HASHES_MAX, on the pool */
	struct list following;          /* same credential as one of those two */
	size_t n_waiting, n_running, n_following;
	uint64_t turn;                  /* of the login that was started last */

	/* directory_control.c */
	int listener;                   /* -1: none */
	struct os_watch accepting;
	struct os_timer accept_again;
	struct list clients;            /* struct client */
	size_t n_clients;
	uint64_t question_last;         /* to the relay or a store */
};

/* Open the database, again after the disk failed under a change. False: the role
 * ends. */
bool directory_reopen(struct directory_role *role);

/* A question of an edge; false when it breaks the protocol. */
bool directory_on_login(struct directory_role *role, struct ipc_channel *edge,
    struct ipc_message *message);
bool directory_on_proof(struct directory_role *role, struct ipc_channel *edge,
    struct ipc_message *message);
void directory_login_start(struct directory_role *role);
/* The edge is gone: nobody to answer. */
void directory_login_forget_edge(struct directory_role *role, struct ipc_channel *edge);

/* directory_scram.c: a question of an edge likewise. */
bool directory_on_salt(struct directory_role *role, struct ipc_channel *edge,
    struct ipc_message *message);
/* Does the proof and AuthMessage in `secret` show that somebody knows the password of account
 * (0: of none)? WRONG also when it has no keys. */
enum password_result directory_prove(struct directory_role *role, uint64_t account, slice secret,
    unsigned char ret_signature[SCRAM_HASH_LEN]);
/* Has it none, so that the password that is right can make some? */
bool directory_scram_wanted(struct directory_role *role, uint64_t account);

/* directory_quota.c: a store that is there hears of all limits, or of one. */
void directory_quota_tell(struct directory_role *role, struct ipc_channel *store);
void directory_quota_changed(struct directory_role *role, uint64_t account, uint64_t quota);
/* A store says who is full; it left. */
bool directory_on_full(struct directory_role *role, struct ipc_channel *store,
    struct ipc_message *message);
void directory_quota_store_left(struct directory_role *role, struct ipc_channel *store);
/* Are all of them full? One of many never keeps mail from the others: it is over its limit then. */
bool directory_quota_is_full(const struct directory_role *role, const struct seal_target *targets,
    size_t n);

/* Takes fd, a listening Unix socket; heard once the database is open. */
void directory_control_listen(struct directory_role *role, int fd);
void directory_control_start(struct directory_role *role);
void directory_control_stop(struct directory_role *role);
/* The relay or a store answers what a client wants of it; it left. */
bool directory_control_on_answer(struct directory_role *role, struct ipc_channel *peer,
    struct ipc_message *message);
void directory_control_peer_left(struct directory_role *role, struct ipc_channel *peer);

/* The role drains and nothing is under way any more? Then say so. */
void directory_drain_check(struct directory_role *role);

#endif
