/* sim/imap_actor.c - the dialogue of a simulated device. */
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "sim/imap_actor_impl.h"

enum { IN_MAX = 64 * 1024, OUT_MAX = 64 * 1024, LITERAL_MAX = 1024, COMMAND_MAX = 16 * 1024 };

static int64_t rest_ms(void *owner)
{
	struct imap_actor *a = owner;

	return a->paused ? VISIT_NEVER :
	    (int64_t)(a->plan.pace * chance_skewed(&a->chance, 100, 8000));
}

void imap_actor_broken(struct imap_actor *a, const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	checker_fail(a->plan.checker, "%.*s: IMAP, %s, device %u: %s", slice_arg(a->plan.login),
	    imap_box_name(a->box), a->plan.device, text);
}

/* ---- commands ---- */

static void say(struct imap_actor *a, enum imap_step step, slice command)
{
	a->step = step;
	a->asked = sim_events(a->plan.sim);
	sim_note(a->plan.sim, "imap", command);
	imap_client_command(a->client, command);
}

void imap_actor_say(struct imap_actor *a, enum imap_step step, const char *format, ...)
{
	char text[400];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	check(len >= 0 && (size_t)len < sizeof text);
	say(a, step, slice_of(text, (size_t)len));
}

static void next_box(struct imap_actor *a);

void imap_actor_leave_box(struct imap_actor *a)
{
	a->todo &= ~(1u << a->box);
	next_box(a);
}

void imap_actor_ask_all(struct imap_actor *a)
{
	imap_look_all_begin(a);
	imap_actor_say(a, IMAP_STEP_ALL,
	    "UID FETCH 1:* (UID FLAGS MODSEQ RFC822.SIZE EMAILID)");
}

/* ---- what is remembered is brought up to date ---- */

static void select_box(struct imap_actor *a)
{
	const struct imap_device *d = imap_actor_device(a);
	struct buffer text = buffer_init(os_heap(a->os), COMMAND_MAX);

	imap_look_begin(a);
	a->deeds = (unsigned)chance_skewed(&a->chance, 1, 8);
	a->resyncs = a->qresync && d->modseq != 0 && !chance_one_in(&a->chance, 4);
	buffer_printf(&text, "SELECT %s (", imap_box_name(a->box));
	if (a->resyncs) {
		buffer_printf(&text, "QRESYNC (%u %llu", d->uidvalidity,
		    (unsigned long long)d->modseq);
		a->names = d->n > 0 && chance_one_in(&a->chance, 2);
		if (a->names) {
			buffer_add(&text, slice_lit(" "));
			imap_device_print(d, &text);
		}
		buffer_add(&text, slice_lit("))"));
	} else {
		buffer_add(&text, slice_lit("CONDSTORE)"));
	}
	say(a, IMAP_STEP_SELECT, buffer_bytes(&text));
	buffer_free(&text);
}

static void next_box(struct imap_actor *a)
{
	if (a->todo == 0) {
		imap_actor_say(a, IMAP_STEP_LOGOUT, "LOGOUT");
		return;
	}
	a->box = (a->todo & 1u << IMAP_INBOX) != 0 ? IMAP_INBOX : IMAP_OTHER;
	select_box(a);
}

static void ask_changes(struct imap_actor *a)
{
	a->look.behind_again = false;
	imap_actor_say(a, IMAP_STEP_CHANGES, "UID FETCH 1:* (FLAGS) (CHANGEDSINCE %llu%s)",
	    (unsigned long long)imap_actor_device(a)->modseq, a->qresync ? " VANISHED" : "");
}

static void selected(struct imap_actor *a)
{
	struct imap_device *d = imap_actor_device(a);
	struct imap_look *look = &a->look;

	imap_book_selected(a->plan.book, a->box, a->asked, look->uidvalidity, look->uid_next,
	    look->seen);
	if (d->uidvalidity != look->uidvalidity || d->modseq == 0) {
		/* Or a session before was cut off in its first list. */
		imap_device_forget(d);
		d->uidvalidity = look->uidvalidity;
		imap_actor_ask_all(a);
	} else if (a->resyncs) {
		look->synced = true;
		/* Who names UIDs is told of these only (RFC 7162 s3.2.5.2). */
		look->behind = look->exists_told > 1 || a->names;
		look->told = look->seen;
		imap_look_commit(a);
		imap_actor_ask_all(a);
	} else if (a->qresync) {
		ask_changes(a);
	} else {
		imap_actor_say(a, IMAP_STEP_SEARCH, "UID SEARCH ALL");
	}
}

static void log_in(struct imap_actor *a)
{
	a->todo = a->behaves ? 1u << IMAP_INBOX | 1u << IMAP_OTHER :
	    (unsigned)chance_between(&a->chance, 1, 3);
	imap_actor_say(a, IMAP_STEP_LOGIN, "LOGIN \"%.*s\" \"%.*s\"", slice_arg(a->plan.login),
	    slice_arg(a->plan.secret));
}

static void logged_in(struct imap_actor *a)
{
	if (!a->created) {
		imap_actor_say(a, IMAP_STEP_CREATE, "CREATE %s", imap_box_name(IMAP_OTHER));
	} else if (!a->qresync && !chance_one_in(&a->chance, 3)) {
		a->qresync = true;
		imap_actor_say(a, IMAP_STEP_ENABLE, "ENABLE QRESYNC");
	} else {
		next_box(a);
	}
}

static void known(struct imap_actor *a)
{
	imap_look_all_end(a);
	if (a->behaves)
		imap_actor_leave_box(a);
	else
		imap_deed_next(a);
}

/* ---- answers ---- */

static void on_ok(struct imap_actor *a)
{
	switch (a->step) {
	case IMAP_STEP_LOGIN:
		logged_in(a);
		break;
	case IMAP_STEP_CREATE:
		a->created = true;
		logged_in(a);
		break;
	case IMAP_STEP_ENABLE:
		next_box(a);
		break;
	case IMAP_STEP_SELECT:
		selected(a);
		break;
	case IMAP_STEP_SEARCH:
		ask_changes(a);
		break;
	case IMAP_STEP_CHANGES:
		a->look.synced = true;
		a->look.behind = a->look.behind_again;
		imap_look_commit(a);
		imap_actor_ask_all(a);
		break;
	case IMAP_STEP_ALL:
		a->look.behind = a->look.behind_again;
		imap_look_commit(a);
		imap_actor_say(a, IMAP_STEP_SETTLE, "NOOP");
		break;
	case IMAP_STEP_SETTLE:
		known(a);
		break;
	case IMAP_STEP_DEED:
		break;
	case IMAP_STEP_LOGOUT:
		a->sessions++;
		visit_leave(&a->visit);
		break;
	}
}

static void on_done(struct imap_actor *a, const struct imap_client_event *event)
{
	slice arguments;

	if (event->status == IMAP_CLIENT_BAD) {
		imap_actor_broken(a, "a command is not understood: %.*s", slice_arg(event->text));
	} else if (a->step == IMAP_STEP_DEED) {
		imap_deed_done(a, event);
	} else if (event->status == IMAP_CLIENT_OK || (a->step == IMAP_STEP_CREATE &&
	    imap_reply_code(event->text, "ALREADYEXISTS", &arguments))) {
		on_ok(a);
	} else {
		visit_leave(&a->visit);
	}
}

static void on_event(struct imap_actor *a, const struct imap_client_event *event)
{
	switch (event->kind) {
	case IMAP_CLIENT_EVENT_GREETING:
		if (event->status == IMAP_CLIENT_OK)
			log_in(a);
		else
			visit_leave(&a->visit);
		break;
	case IMAP_CLIENT_EVENT_RESPONSE:
		if (event->status == IMAP_CLIENT_BYE && a->step != IMAP_STEP_LOGOUT)
			visit_leave(&a->visit);
		else
			imap_look_response(a, event);
		break;
	case IMAP_CLIENT_EVENT_CONTINUE:
		imap_deed_continue(a);
		break;
	case IMAP_CLIENT_EVENT_DONE:
		on_done(a, event);
		break;
	case IMAP_CLIENT_EVENT_FAILED:
		imap_actor_broken(a, "%.*s", slice_arg(event->text));
		visit_leave(&a->visit);
		break;
	}
}

/* ---- the stream ---- */

static void send_output(struct imap_actor *a)
{
	slice out = imap_client_output(a->client);

	check(out.len <= stream_room(a->visit.stream));
	if (out.len > 0) {
		stream_write(a->visit.stream, out);
		imap_client_sent(a->client, out.len);
	}
}

static size_t on_data(struct stream *stream, slice in)
{
	struct imap_actor *a = stream_owner(stream);
	struct imap_client_event event;
	size_t taken = 0, n;
	bool moved;

	visit_moves(&a->visit);
	/* Said by who lived before rot hit the log. */
	if (imap_book_epoch(a->plan.book) != a->epoch)
		visit_leave(&a->visit);
	do {
		moved = false;
		n = visit_leaves(&a->visit) ? 0 :
		    imap_client_feed(a->client, slice_drop(in, taken));
		taken += n;
		while (!visit_leaves(&a->visit) && imap_client_next(a->client, &event)) {
			on_event(a, &event);
			moved = true;
		}
	} while ((n > 0 || moved) && !visit_leaves(&a->visit));
	if (!visit_leaves(&a->visit))
		send_output(a);
	return taken;
}

static void on_closed(struct stream *stream, int error)
{
	struct imap_actor *a = stream_owner(stream);

	(void)error;
	visit_leave(&a->visit);
}

static const struct stream_handler stream_handler = { .data = on_data, .closed = on_closed };

static void on_timer(struct os_timer *timer)
{
	struct imap_actor *a = timer->owner;

	if (visit_leaves(&a->visit))
		return;
	imap_deed_time(a);
	send_output(a);
}

static void begin(void *owner)
{
	struct imap_actor *a = owner;
	unsigned epoch = imap_book_epoch(a->plan.book);

	if (epoch != a->epoch) {
		for (size_t i = 0; i < IMAP_BOXES; i++)
			imap_device_forget(&a->boxes[i]);
		a->created = false;
		a->epoch = epoch;
	}
	a->qresync = false;
	a->client = imap_client_create(os_heap(a->os), LITERAL_MAX);
}

static void end(void *owner)
{
	struct imap_actor *a = owner;

	os_timer_stop(a->os, &a->timer);
	imap_client_destroy(a->client);
	a->client = NULL;
}

static const struct visit_manner manner = { .rest_ms = rest_ms, .begin = begin, .end = end,
    .stream = &stream_handler, .in_max = IN_MAX, .out_max = OUT_MAX };

struct imap_actor *imap_actor_create(struct os *os, const struct imap_actor_plan *plan)
{
	struct imap_actor *a = heap_new(os_heap(os), struct imap_actor);

	check(plan->device < IMAP_DEVICES);
	a->os = os;
	a->plan = *plan;
	a->chance = chance_init(plan->seed, "device", plan->account * IMAP_DEVICES + plan->device);
	a->epoch = imap_book_epoch(plan->book);
	a->timer = (struct os_timer){ .fire = on_timer, .owner = a };
	for (size_t i = 0; i < IMAP_BOXES; i++)
		a->boxes[i].heap = os_heap(os);
	visit_init(&a->visit, os, &plan->server, &manner, a);
	visit_in(&a->visit, chance_skewed(&a->chance, 10, 5000));
	return a;
}

void imap_actor_behave(struct imap_actor *actor)
{
	actor->behaves = true;
	actor->plan.pace = 1;
	if (visit_rests(&actor->visit))
		visit_rest(&actor->visit);
}

void imap_actor_pause(struct imap_actor *actor, bool paused)
{
	actor->paused = paused;
	if (visit_rests(&actor->visit))
		visit_rest(&actor->visit);
}

unsigned imap_actor_sessions(const struct imap_actor *actor)
{
	return actor->sessions;
}

void imap_actor_compare(const struct imap_actor *a, const struct imap_actor *b)
{
	for (size_t i = 0; i < IMAP_BOXES; i++) {
		char text[200];
		const char *differs = imap_device_compare(&a->boxes[i], &b->boxes[i], text,
		    sizeof text);

		if (differs != NULL)
			checker_fail(a->plan.checker, "%.*s: IMAP, %s: two devices remember %s",
			    slice_arg(a->plan.login), imap_box_name((enum imap_box)i), differs);
	}
}
