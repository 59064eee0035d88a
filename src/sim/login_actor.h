/* sim/login_actor.h - logs in as accounts whose passwords an administrator changes: with
 * the one that they have, and with others.
 *
 * It knows the book. Where that is sure of a password before and after a login, the right
 * one must get in or be put off, and a wrong one must not get in. */
#ifndef SIM_LOGIN_ACTOR_H
#define SIM_LOGIN_ACTOR_H

#include "sim/book.h"

/* The password that the value of an account in the book stands for, from 1. */
enum { LOGIN_PASSWORDS = 3 };
slice login_password(uint64_t value);

struct login_actor_plan {
	struct checker *checker;
	const struct book *book;
	struct os_address server;
	slice domain;
	const char *const *names;       /* of accounts; live as long as the world */
	size_t n_names;
	unsigned pace;
	uint64_t seed;
	unsigned number;
};

struct login_actor;

/* Lives on os_heap(os). */
struct login_actor *login_actor_create(struct os *os, const struct login_actor_plan *plan);
/* No new session while it is paused. */
void login_actor_pause(struct login_actor *actor, bool paused);
/* How many logins got in, or were refused, as the book says that they must. */
unsigned login_actor_judged(const struct login_actor *actor);

#endif
