/* sim/control_actor.h - a simulated administrator: adds and removes accounts and
 * targets of an alias, changes passwords, and looks at the lists, through the
 * directory's control socket. The book says what the answers may be. */
#ifndef SIM_CONTROL_ACTOR_H
#define SIM_CONTROL_ACTOR_H

#include "sim/book.h"

struct control_actor_plan {
	struct checker *checker;
	struct book *book;
	struct os_address server;
	slice domain;
	unsigned accounts;              /* user0 .. of the domain, which the alias may name */
	unsigned pace;
	uint64_t seed;
	unsigned number;
};

struct control_actor;

/* The accounts that it adds, removes and gives other passwords; their values in the book
 * are those of login_password(). */
enum { CONTROL_ACCOUNTS = 3 };
const char *const *control_accounts(void);

/* Adds its names to the book. Lives on os_heap(os); what the plan points to must
 * last. */
struct control_actor *control_actor_create(struct os *os, const struct control_actor_plan *plan);
/* From now on: nothing is changed, both lists are read again and again. */
void control_actor_behave(struct control_actor *actor);
/* No new connection while it is paused. */
void control_actor_pause(struct control_actor *actor, bool paused);
/* How many times both lists have been read since it behaves. */
unsigned control_actor_looks(const struct control_actor *actor);

#endif
