/* cli/trace_follow.c - which event belongs to which journey. */
#include "cli/trace_follow.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/list.h"
#include "cli/trace_tail.h"

enum { ID = 64, NUMBER = 32, ADDRESS = 400 };

/* Until it is ordered. */
struct pending {
	json_t *event;                  /* with "folder" */
	json_int_t t;
	uint64_t number;                /* in order of reading */
};

struct session {
	struct list link;               /* the newest is the last one */
	size_t folder;
	char role[NUMBER], name[NUMBER];
	json_t *events;
	char message[ID];               /* the last one that came over it */
};

enum state {
	HELD,                           /* it may be another one's */
	SHOWN,
	HIDDEN,                         /* nobody asked for it */
};

/* What a host has of a message. */
struct message {
	struct list link;               /* the newest is the last one */
	enum state state;
	size_t folder;
	char id[ID], sender[ADDRESS];
	char root[ID];                  /* whose journey it belongs to; it may be its own */
	size_t root_folder;
	json_int_t begin_us;            /* of that one's journey */
	json_int_t accepted_us;         /* 0: not seen */
	json_int_t hold_us;             /* until then */
	bool wanted, headed;
	json_t *held;                   /* events that were not shown yet */
	json_t *attempt;                /* shown when its outcome is known */
	json_t *places;                 /* "account uid" of what was filed */
	json_t *syncing;                /* account -> copies there that are not on disk yet */
	json_int_t recipients, settled, handed, relayed;
	bool waits;                     /* in the queue, for its next attempt */
};

struct trace_follow {
	struct os *os;
	struct heap *heap;
	const struct trace *trace;
	struct trace_follow_options options;
	struct trace_tail *tail;
	struct pending *pending;
	size_t n_pending;
	uint64_t number;
	json_int_t turn_us;             /* when the turn began that reads all that is there */
	bool reading;                   /* such a turn is under way */
	bool silent;
	struct list messages, sessions;
	size_t n_messages, n_sessions;
	json_t *known;                  /* events as text: a set; or NULL */
	char last[ID], first[ID];       /* journeys that were shown */
	size_t last_folder, first_folder;
};

static const char *text_of(const json_t *event, const char *field)
{
	const char *text = json_string_value(json_object_get(event, field));

	return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *event, const char *field)
{
	return json_integer_value(json_object_get(event, field));
}

static bool is(const json_t *event, const char *kind)
{
	return strcmp(text_of(event, "e"), kind) == 0;
}

/* Longer ones are none of ours. */
static void copy(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", strlen(text) < size ? text : "");
}

/* ---- messages ---- */

static struct message *find(struct trace_follow *f, size_t folder, const char *id)
{
	for (struct list *at = f->messages.prev; at != &f->messages; at = at->prev) {
		struct message *m = list_item(at, struct message, link);

		if (m->folder == folder && strcmp(m->id, id) == 0)
			return m;
	}
	return NULL;
}

static void drop(struct trace_follow *f, struct message *m)
{
	list_remove(&m->link);
	f->n_messages--;
	json_decref(m->held);
	json_decref(m->attempt);
	json_decref(m->places);
	json_decref(m->syncing);
	heap_free(f->heap, m);
}

/* ---- showing ---- */

static bool is_known(const struct trace_follow *f, const json_t *event)
{
	char *text;
	bool known;

	if (f->known == NULL)
		return false;
	text = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS);
	known = text != NULL && json_object_get(f->known, text) != NULL;
	free(text);
	return known;
}

static void show(struct trace_follow *f, struct message *m, const json_t *event)
{
	struct trace_shown shown = { m->root, event, m->begin_us, !m->headed,
		strcmp(f->last, m->root) != 0 || f->last_folder != m->root_folder };

	if (number_of(event, "t") < f->options.since_us || f->silent)
		return;
	if (f->first[0] == '\0') {
		copy(f->first, sizeof f->first, m->root);
		f->first_folder = m->root_folder;
	}
	copy(f->last, sizeof f->last, m->root);
	f->last_folder = m->root_folder;
	m->headed = true;
	f->options.show(f->options.owner, &shown);
}

static int by_time(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* What was held, in order. */
static void release(struct trace_follow *f, struct message *m)
{
	size_t n = json_array_size(m->held), i;
	struct pending *list = heap_alloc(f->heap, (n + 1) * sizeof *list);
	json_t *event;

	json_array_foreach(m->held, i, event)
		list[i] = (struct pending){ event, number_of(event, "t"), i };
	qsort(list, n, sizeof *list, by_time);
	m->state = SHOWN;
	if (m->begin_us == 0 && n > 0)
		m->begin_us = list[0].t;
	for (i = 0; i < n; i++)
		show(f, m, list[i].event);
	json_array_clear(m->held);
	heap_free(f->heap, list);
}

static void hide(struct message *m)
{
	m->state = HIDDEN;
	json_array_clear(m->held);
}

static void give(struct trace_follow *f, struct message *m, json_t *event)
{
	if (m->state == HELD && json_array_size(m->held) < TRACE_EVENTS_MAX)
		json_array_append(m->held, event);
	else if (m->state == SHOWN)
		show(f, m, event);
}

/* An attempt is told after what the next host did in it: so in its order. */
static void give_attempt(struct trace_follow *f, struct message *m)
{
	json_t *event = m->attempt;

	m->attempt = NULL;
	if (event != NULL)
		give(f, m, event);
	json_decref(event);
}

static bool is_asked_for(const struct trace_follow *f, const struct message *m)
{
	if (f->options.id != NULL)
		return strcmp(f->options.id, m->id) == 0;
	return f->options.all || m->folder == 0;
}

static void make_room(struct trace_follow *f)
{
	struct message *oldest = list_item(f->messages.next, struct message, link);

	if (f->n_messages < TRACE_MESSAGES_MAX)
		return;
	give_attempt(f, oldest);
	if (oldest->state == HELD && oldest->wanted)
		release(f, oldest);
	drop(f, oldest);
}

static struct message *add(struct trace_follow *f, size_t folder, const char *id)
{
	struct message *m;

	make_room(f);
	m = heap_new(f->heap, struct message);
	m->folder = m->root_folder = folder;
	copy(m->id, sizeof m->id, id);
	copy(m->root, sizeof m->root, id);
	m->held = json_array();
	m->places = json_array();
	m->syncing = json_object();
	m->wanted = is_asked_for(f, m);
	m->hold_us = os_wall_us(f->os) + TRACE_HOLD_US;
	list_append(&f->messages, &m->link);
	f->n_messages++;
	return m;
}

/* ---- one journey over several hosts ---- */

/* From now on n's events are of m's journey. */
static void join(struct trace_follow *f, struct message *m, struct message *n)
{
	if (n == m || n->state != HELD || m->state == HELD)
		return;
	copy(n->root, sizeof n->root, m->root);
	n->root_folder = m->root_folder;
	n->begin_us = m->begin_us;
	n->wanted = m->wanted;
	n->headed = m->headed;
	if (m->state == SHOWN)
		release(f, n);
	else
		hide(n);
}

/* Did another host take it from this one, as far as one can see? */
static bool fits(const struct message *m, const struct message *n)
{
	return n->folder != m->folder && n->accepted_us >= m->accepted_us &&
	    strcmp(n->root, n->id) == 0 && n->root_folder == n->folder &&
	    strcmp(n->sender, m->sender) == 0;
}

static void find_next(struct trace_follow *f, struct message *m, const json_t *event)
{
	char next[ID];

	if (!trace_next_id(event, next, sizeof next))
		return;
	for (size_t folder = 0; folder < f->trace->n_folders; folder++) {
		struct message *n = find(f, folder, next);

		if (n != NULL && n->accepted_us != 0 && fits(m, n))
			join(f, m, n);
	}
}

/* Is a message under way that this one may be a part of? */
static bool may_be_a_hop(struct trace_follow *f, const struct message *n)
{
	list_for(at, &f->messages) {
		const struct message *m = list_item(at, struct message, link);

		if (m->handed > m->relayed && fits(m, n))
			return true;
	}
	return false;
}

/* ---- sessions ---- */

static struct session *find_session(struct trace_follow *f, const json_t *event)
{
	for (struct list *at = f->sessions.prev; at != &f->sessions; at = at->prev) {
		struct session *s = list_item(at, struct session, link);

		if (s->folder == (size_t)number_of(event, "folder") &&
		    strcmp(s->name, text_of(event, "s")) == 0 &&
		    strcmp(s->role, text_of(event, "role")) == 0)
			return s;
	}
	return NULL;
}

static void drop_session(struct trace_follow *f, struct session *s)
{
	list_remove(&s->link);
	f->n_sessions--;
	json_decref(s->events);
	heap_free(f->heap, s);
}

static struct session *add_session(struct trace_follow *f, const json_t *event)
{
	struct session *s;

	if (f->n_sessions == TRACE_SESSIONS_MAX)
		drop_session(f, list_item(f->sessions.next, struct session, link));
	s = heap_new(f->heap, struct session);
	s->folder = (size_t)number_of(event, "folder");
	copy(s->role, sizeof s->role, text_of(event, "role"));
	copy(s->name, sizeof s->name, text_of(event, "s"));
	s->events = json_array();
	list_append(&f->sessions, &s->link);
	f->n_sessions++;
	return s;
}

/* What may be of one transaction among several. */
static bool is_of_transaction(const json_t *event)
{
	return is(event, "recipient") || is(event, "mailbox") || is(event, "departure");
}

/* Its recipients are of no interest any more. */
static void end_transaction(struct session *s, const json_t *event)
{
	for (size_t i = json_array_size(s->events); i-- > 0;) {
		const json_t *at = json_array_get(s->events, i);

		if ((is(at, "recipient") || is(at, "mailbox")) && strcmp(text_of(at, "x"), text_of(event, "x")) == 0)
			json_array_remove(s->events, i);
	}
}

static void on_session(struct trace_follow *f, json_t *event)
{
	struct session *s = find_session(f, event);
	struct message *m;

	if (s != NULL && is(event, "connection")) {
		drop_session(f, s);
		s = NULL;
	}
	if (is(event, "refused")) {
		if (s != NULL)
			end_transaction(s, event);
	} else if (!is(event, "closed")) {
		s = s != NULL ? s : add_session(f, event);
		if (json_array_size(s->events) < TRACE_EVENTS_MAX)
			json_array_append(s->events, event);
	} else if (s != NULL) {
		m = s->message[0] != '\0' ? find(f, s->folder, s->message) : NULL;
		if (m != NULL)
			give(f, m, event);
		drop_session(f, s);
	}
}

/* What the session did before, for this message. True: `to` is among the recipients. */
static bool take_session(struct message *m, const struct session *s, const json_t *accepted,
    const char *to)
{
	bool found = to == NULL;
	json_t *event;
	size_t i;

	json_array_foreach(s->events, i, event) {
		const char *transaction = text_of(event, "x");

		if (is_of_transaction(event) && transaction[0] != '\0' &&
		    strcmp(transaction, text_of(accepted, "x")) != 0)
			continue;
		if (is(event, "recipient"))
			found = found || strcasecmp(text_of(event, "to"), to) == 0;
		json_array_append(m->held, event);
	}
	return found;
}

/* ---- events ---- */

static void on_accepted(struct trace_follow *f, struct message *m, json_t *event)
{
	struct session *s = find_session(f, event);
	bool found = f->options.to == NULL;

	m->state = HELD;
	m->accepted_us = number_of(event, "t");
	m->begin_us = m->accepted_us;
	m->recipients = number_of(event, "recipients");
	copy(m->sender, sizeof m->sender, text_of(event, "from"));
	if (s != NULL) {
		found = take_session(m, s, event, f->options.to);
		end_transaction(s, event);
		copy(s->message, sizeof s->message, m->id);
	}
	if (json_array_size(m->held) > 0)
		m->begin_us = number_of(json_array_get(m->held, 0), "t");
	json_array_append(m->held, event);
	/* Those that nobody asked for wait: ours may lead there. */
	if (m->wanted && !found)
		hide(m);
	else if (m->wanted && !may_be_a_hop(f, m))
		release(f, m);
}

static void on_filed(struct message *m, const json_t *event)
{
	const char *account = text_of(event, "account");
	json_int_t n = number_of(m->syncing, account);

	json_object_set_new(m->syncing, account, json_integer(n + 1));
	if (json_array_size(m->places) < TRACE_EVENTS_MAX)
		json_array_append_new(m->places, json_sprintf("%s %lld", account,
		    (long long)number_of(event, "uid")));
}

/* The first sync of the mailbox after it was filed there; of all that were. */
static void on_durable(struct trace_follow *f, json_t *event)
{
	const char *account = text_of(event, "account");

	list_for(at, &f->messages) {
		struct message *m = list_item(at, struct message, link);
		json_int_t n = m->folder == (size_t)number_of(event, "folder") ?
		    number_of(m->syncing, account) : 0;

		if (n == 0)
			continue;
		m->settled += n;
		json_object_del(m->syncing, account);
		give(f, m, event);
	}
}

/* It is read or deleted. */
static void on_place(struct trace_follow *f, json_t *event)
{
	char place[ID];

	snprintf(place, sizeof place, "%.40s %lld", text_of(event, "account"),
	    (long long)number_of(event, "uid"));
	list_for(at, &f->messages) {
		struct message *m = list_item(at, struct message, link);
		json_t *one;
		size_t i;

		if (m->folder != (size_t)number_of(event, "folder"))
			continue;
		json_array_foreach(m->places, i, one) {
			if (strcmp(json_string_value(one), place) == 0) {
				give(f, m, event);
				return;
			}
		}
	}
}

/* A report that we wrote is a message of ours, and part of this journey. */
static void on_reported(struct trace_follow *f, struct message *m, const json_t *event)
{
	struct message *n = find(f, m->folder, text_of(event, "as"));

	if (n == NULL)
		n = add(f, m->folder, text_of(event, "as"));
	join(f, m, n);
}

static void count(struct message *m, const json_t *event)
{
	if (is(event, "handed"))
		m->handed = number_of(event, "recipients");
	else if (is(event, "filed"))
		on_filed(m, event);
	else if (is(event, "no-account"))
		m->settled++;
	else if (is(event, "attempt"))
		m->waits = false;
	else if (is(event, "deferred") || is(event, "queued"))
		m->waits = true;
	if (is(event, "sent") || is(event, "bounced") || is(event, "expired")) {
		m->settled++;
		m->relayed++;
	}
}

static void on_message(struct trace_follow *f, json_t *event)
{
	size_t folder = (size_t)number_of(event, "folder");
	const char *id = text_of(event, "id");
	struct message *m = find(f, folder, id);

	if (id[0] == '\0' || strlen(id) >= ID)
		return;
	if (m == NULL)
		m = add(f, folder, id);
	if (is(event, "accepted")) {
		on_accepted(f, m, event);
		return;
	}
	/* It began before all that is known. */
	if (m->state == HELD && m->accepted_us == 0 && m->wanted && f->options.to != NULL &&
	    strcasecmp(text_of(event, "to"), f->options.to) != 0)
		m->wanted = false;
	count(m, event);
	if (is(event, "sent"))
		find_next(f, m, event);
	if (is(event, "attempt")) {
		give_attempt(f, m);
		m->attempt = json_incref(event);
		return;
	}
	give_attempt(f, m);
	give(f, m, event);
	if (is(event, "reported"))
		on_reported(f, m, event);
}

static void process(struct trace_follow *f, json_t *event)
{
	if (json_object_get(event, "id") != NULL)
		on_message(f, event);
	else if (json_object_get(event, "s") != NULL)
		on_session(f, event);
	else if (is(event, "durable"))
		on_durable(f, event);
	else
		on_place(f, event);
}

/* ---- order ---- */

/* Those before until_us are all there. */
static void process_until(struct trace_follow *f, json_int_t until_us)
{
	size_t n = 0;

	qsort(f->pending, f->n_pending, sizeof *f->pending, by_time);
	while (n < f->n_pending && f->pending[n].t < until_us) {
		process(f, f->pending[n].event);
		json_decref(f->pending[n++].event);
	}
	f->n_pending -= n;
	memmove(f->pending, f->pending + n, f->n_pending * sizeof *f->pending);
}

static void on_line(void *context, size_t folder, slice line)
{
	struct trace_follow *f = context;
	json_t *event = json_loadb((const char *)line.ptr, line.len, JSON_ALLOW_NUL, NULL);
	json_int_t now_us = os_wall_us(f->os), t;

	if (!json_is_object(event)) {
		json_decref(event);
		return;
	}
	json_object_set_new(event, "folder", json_integer((json_int_t)folder));
	if (is_known(f, event)) {
		json_decref(event);
		return;
	}
	if (f->n_pending == TRACE_PENDING_MAX)
		process_until(f, INT64_MAX);
	/* The clock of who wrote it may be ahead: that waits for nobody. */
	t = number_of(event, "t");
	f->pending[f->n_pending++] = (struct pending){ event, t < now_us ? t : now_us,
		f->number++ };
}

static void end_holds(struct trace_follow *f)
{
	json_int_t now_us = os_wall_us(f->os);

	list_for(at, &f->messages) {
		struct message *m = list_item(at, struct message, link);

		if (m->attempt != NULL && number_of(m->attempt, "t") + TRACE_HOLD_US < now_us)
			give_attempt(f, m);
		if (m->state == HELD && m->wanted &&
		    (m->hold_us < now_us || (m->accepted_us != 0 && !may_be_a_hop(f, m))))
			release(f, m);
	}
}

bool trace_follow_turn(struct trace_follow *f)
{
	json_int_t now_us = os_wall_us(f->os);
	bool more;

	if (!f->reading)
		f->turn_us = now_us;
	more = trace_tail_read(f->tail, on_line, f);
	if (!more)
		process_until(f, f->turn_us - TRACE_SETTLE_US);
	f->reading = more;
	if (!more)
		end_holds(f);
	return more;
}

bool trace_follow_rests(const struct trace_follow *f)
{
	bool any = false;

	for (struct list *at = f->messages.next; at != &f->messages; at = at->next) {
		const struct message *m = list_item(at, const struct message, link);

		if (f->first[0] == '\0' || strcmp(m->root, f->first) != 0 ||
		    m->root_folder != f->first_folder)
			continue;
		any = true;
		if (!m->waits && m->settled < m->recipients)
			return false;
	}
	return any;
}

void trace_follow_interrupt(struct trace_follow *f)
{
	f->last[0] = '\0';
}

void trace_follow_known(struct trace_follow *f, const json_t *events)
{
	json_t *event;
	size_t i;

	f->silent = true;
	json_array_foreach(events, i, event)
		process(f, event);
	f->silent = false;
	if (f->known == NULL)
		f->known = json_object();
	json_array_foreach(events, i, event) {
		char *text = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS);

		if (text != NULL)
			json_object_set_new(f->known, text, json_true());
		free(text);
	}
}

struct trace_follow *trace_follow_open(struct os *os, const struct trace *trace,
    const struct trace_follow_options *options)
{
	struct trace_follow *f = heap_new(os_heap(os), struct trace_follow);

	f->os = os;
	f->heap = os_heap(os);
	f->trace = trace;
	f->options = *options;
	f->pending = heap_alloc(f->heap, TRACE_PENDING_MAX * sizeof *f->pending);
	list_init(&f->messages);
	list_init(&f->sessions);
	f->tail = trace_tail_open(f->heap, trace->folders, trace->n_folders, options->back);
	return f;
}

void trace_follow_close(struct trace_follow *f)
{
	if (f == NULL)
		return;
	trace_tail_close(f->tail);
	while (!list_empty(&f->messages))
		drop(f, list_item(f->messages.next, struct message, link));
	while (!list_empty(&f->sessions))
		drop_session(f, list_item(f->sessions.next, struct session, link));
	for (size_t i = 0; i < f->n_pending; i++)
		json_decref(f->pending[i].event);
	json_decref(f->known);
	heap_free(f->heap, f->pending);
	heap_free(f->heap, f);
}
