/* sim/control_actor.c - one request a connection, one at a time.
 *
 *   RESTING -> DIALLING -> ASKING -> RESTING ...
 *
 * A change without an answer may still be made later: the request may lie in a
 * network that is cut, or before a role that is frozen. Its name is left alone
 * until that can't be any more. */
#include "sim/control_actor.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "directory/password.h"
#include "sim/login_actor.h"
#include "sim/visit.h"

enum { ACCOUNTS = CONTROL_ACCOUNTS, NAMES = ACCOUNTS + 1, PASSWORDS = LOGIN_PASSWORDS,
	ALIAS = ACCOUNTS };
enum {
	IN_MAX = CONTROL_ANSWER_MAX + 1, OUT_MAX = CONTROL_REQUEST_MAX,
	/* Above the longest cut, freeze and keeper's patience together. */
	DOUBT_MS = 600 * 1000,
};

enum verb { VERB_LOOK_ACCOUNTS, VERB_LOOK_ALIASES, VERB_CHANGE };

struct control_actor {
	struct os *os;
	struct control_actor_plan plan;
	struct chance chance;
	struct visit visit;
	char request[1024];
	struct password_hash hashes[PASSWORDS];
	uint64_t doubt_until_ms[NAMES]; /* 0: none */
	enum verb verb;
	size_t name;                    /* VERB_CHANGE */
	uint64_t value;
	bool asked, answered;
	bool behaves, paused;
	unsigned looks;
};

static const char *const names[NAMES] = { "temp0", "temp1", "temp2", CHECKER_MOVING };

const char *const *control_accounts(void)
{
	return names;
}

static slice name_of(size_t i)
{
	return slice_from(names[i]);
}

static int64_t rest_ms(void *owner)
{
	struct control_actor *a = owner;

	return a->paused ? VISIT_NEVER : (int64_t)(a->plan.pace *
	    chance_skewed(&a->chance, 50, a->behaves ? 500 : 5000));
}

static void end(void *owner)
{
	struct control_actor *a = owner;

	if (a->verb == VERB_CHANGE && a->asked && !a->answered)
		a->doubt_until_ms[a->name] = os_now_ms(a->os) + DOUBT_MS;
	a->asked = a->answered = false;
}

/* ---- what is asked ---- */

static void print(struct control_actor *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void print(struct control_actor *a, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(a->request, sizeof a->request, format, args);
	va_end(args);
	check(n > 0 && (size_t)n < sizeof a->request);
}

static void draw_account(struct control_actor *a)
{
	uint64_t now = book_value(a->plan.book, name_of(a->name));
	const char *command = now == 0 ? "account add" : "account password";
	size_t password = chance_below(&a->chance, PASSWORDS);

	if (now != 0 && chance_one_in(&a->chance, 2)) {
		a->value = 0;
		print(a, "{\"command\":\"account remove\",\"address\":\"%s@%.*s\"}\n",
		    names[a->name], slice_arg(a->plan.domain));
		return;
	}
	a->value = password + 1;
	print(a, "{\"command\":\"%s\",\"address\":\"%s@%.*s\",\"hash\":\"%s\"}\n", command,
	    names[a->name], slice_arg(a->plan.domain), a->hashes[password].text);
}

static void draw_alias(struct control_actor *a)
{
	uint64_t now = book_value(a->plan.book, name_of(ALIAS));
	unsigned target = (unsigned)chance_below(&a->chance, a->plan.accounts);
	uint64_t bit = UINT64_C(1) << target;

	a->value = now ^ bit;
	print(a, "{\"command\":\"alias %s\",\"address\":\"%s@%.*s\",\"targets\":"
	    "[\"user%u@%.*s\"]}\n", (now & bit) != 0 ? "remove" : "add", names[ALIAS],
	    slice_arg(a->plan.domain), target, slice_arg(a->plan.domain));
}

static void draw_request(struct control_actor *a)
{
	uint64_t now = os_now_ms(a->os);

	for (size_t i = 0; i < NAMES; i++) {
		if (a->doubt_until_ms[i] != 0 && now >= a->doubt_until_ms[i]) {
			a->doubt_until_ms[i] = 0;
			book_unsure(a->plan.book, name_of(i));
		}
	}
	a->name = chance_below(&a->chance, NAMES);
	a->verb = VERB_CHANGE;
	if (a->behaves || chance_one_in(&a->chance, 3) ||
	    !book_sure(a->plan.book, name_of(a->name)))
		a->verb = chance_one_in(&a->chance, 2) ? VERB_LOOK_ALIASES : VERB_LOOK_ACCOUNTS;
	if (a->behaves)         /* in turns */
		a->verb = a->looks % 2 ? VERB_LOOK_ALIASES : VERB_LOOK_ACCOUNTS;
	if (a->verb != VERB_CHANGE)
		print(a, "{\"command\":\"%s\"}\n",
		    a->verb == VERB_LOOK_ALIASES ? "alias list" : "account list");
	else if (a->name == ALIAS)
		draw_alias(a);
	else
		draw_account(a);
}

/* ---- what is answered ---- */

/* Is the text "LOCAL@domain"? */
static bool is_address(const struct control_actor *a, const char *text, slice local)
{
	slice rest = text != NULL ? slice_from(text) : (slice){ 0 };

	return slice_starts(rest, local) && rest.len > local.len && rest.ptr[local.len] == '@' &&
	    slice_equal(slice_drop(rest, local.len + 1), a->plan.domain);
}

static void see_accounts(struct control_actor *a, const json_t *rows)
{
	for (size_t i = 0; i < ACCOUNTS; i++) {
		bool there = false;
		const json_t *row;
		size_t at;

		json_array_foreach(rows, at, row)
			there = there || is_address(a, json_string_value(json_object_get(row,
			    "address")), name_of(i));
		book_seen_there(a->plan.book, name_of(i), there);
	}
}

static void see_aliases(struct control_actor *a, const json_t *rows)
{
	uint64_t targets = 0;
	const json_t *row, *target;
	size_t at, i;
	char text[16];

	json_array_foreach(rows, at, row) {
		if (!is_address(a, json_string_value(json_object_get(row, "alias")),
		    name_of(ALIAS)))
			continue;
		json_array_foreach(json_object_get(row, "targets"), i, target) {
			for (unsigned n = 0; n < a->plan.accounts; n++) {
				snprintf(text, sizeof text, "user%u", n);
				if (is_address(a, json_string_value(target), slice_from(text)))
					targets |= UINT64_C(1) << n;
			}
		}
	}
	book_seen(a->plan.book, name_of(ALIAS), targets);
}

/* A refusal must fit what is known: the directory never forgets, nor invents.
 * Others (a disk that fails) leave it open whether the change was made. */
static void see_refusal(struct control_actor *a, const char *error)
{
	slice name = name_of(a->name);

	if (strstr(error, "already") != NULL || strstr(error, "no account") != NULL ||
	    strstr(error, "no alias") != NULL)
		checker_fail(a->plan.checker, "%.*s@%.*s was sure to be %llx, and %s: %s",
		    slice_arg(name), slice_arg(a->plan.domain),
		    (unsigned long long)book_value(a->plan.book, name), a->request, error);
	book_unsure(a->plan.book, name);
}

static void on_answer(struct control_actor *a, slice line)
{
	json_t *answer = json_loadb((const char *)line.ptr, line.len, 0, NULL);
	const char *error = json_string_value(json_object_get(answer, "error"));
	const json_t *rows = json_object_get(answer, "rows");

	a->answered = true;
	if (!json_is_object(answer))
		checker_fail(a->plan.checker, "an answer that is no JSON object");
	else if (a->verb == VERB_CHANGE && error == NULL)
		book_done(a->plan.book, name_of(a->name), a->value);
	else if (a->verb == VERB_CHANGE)
		see_refusal(a, error);
	else if (error == NULL && a->verb == VERB_LOOK_ALIASES)
		see_aliases(a, rows);
	else if (error == NULL)
		see_accounts(a, rows);
	if (a->verb != VERB_CHANGE && error == NULL && a->behaves)
		a->looks++;
	json_decref(answer);
	visit_leave(&a->visit);
}

static size_t on_data(struct stream *stream, slice in)
{
	struct control_actor *a = stream_owner(stream);
	size_t len = slice_find_byte(in, '\n');

	if (a->answered || len == in.len)
		return 0;
	on_answer(a, slice_head(in, len));
	return len + 1;
}

static void on_closed(struct stream *stream, int error)
{
	struct control_actor *a = stream_owner(stream);

	(void)error;
	visit_leave(&a->visit);
}

static const struct stream_handler stream_handler = { .data = on_data, .closed = on_closed };

static void begin(void *owner)
{
	struct control_actor *a = owner;

	draw_request(a);
	if (a->verb == VERB_CHANGE)
		book_try(a->plan.book, name_of(a->name), a->value);
	a->asked = true;
	stream_write(a->visit.stream, slice_from(a->request));
}

static const struct visit_manner manner = { .rest_ms = rest_ms, .begin = begin, .end = end,
    .stream = &stream_handler, .in_max = IN_MAX, .out_max = OUT_MAX };

struct control_actor *control_actor_create(struct os *os, const struct control_actor_plan *plan)
{
	struct control_actor *a = heap_new(os_heap(os), struct control_actor);
	unsigned char salt[PASSWORD_SALT_LEN] = { 0 };

	a->os = os;
	a->plan = *plan;
	a->chance = chance_init(plan->seed, "control", plan->number);
	for (size_t i = 0; i < PASSWORDS; i++) {
		bool ok;

		salt[0] = (unsigned char)i;
		ok = password_hash(login_password(i + 1), PASSWORD_MEMORY_MIN, salt, &a->hashes[i]);
		check(ok);
	}
	for (size_t i = 0; i < NAMES; i++)
		book_add(plan->book, names[i]);
	visit_init(&a->visit, os, &plan->server, &manner, a);
	visit_rest(&a->visit);
	return a;
}

void control_actor_behave(struct control_actor *actor)
{
	actor->behaves = true;
	actor->plan.pace = 1;
	if (visit_rests(&actor->visit))
		visit_rest(&actor->visit);
}

void control_actor_pause(struct control_actor *actor, bool paused)
{
	actor->paused = paused;
	if (visit_rests(&actor->visit))
		visit_rest(&actor->visit);
}

unsigned control_actor_looks(const struct control_actor *actor)
{
	return actor->looks / 2;
}
