/* sim/imap_deed.c - what a simulated device changes, and what holds once that was answered. */
#include <stdio.h>

#include "base/check.h"
#include "sim/imap_actor_impl.h"

enum {
	BOX_FULL = 12,                  /* messages: from then on nothing is added */
	APPEND_MAX = 3000,
};

/* ---- which messages ---- */

static bool may_choose(const struct imap_actor *a, const struct imap_known *known)
{
	bool removes = a->deed.kind == IMAP_DEED_DELETE || a->deed.kind == IMAP_DEED_MOVE;

	return !removes || imap_book_may_remove(a->plan.book, a->box, known->uid);
}

/* Some, ascending. */
static bool choose(struct imap_actor *a)
{
	const struct imap_device *d = imap_actor_device(a);
	size_t want = chance_skewed(&a->chance, 1, IMAP_DEED_UIDS), at;

	a->deed.n = 0;
	if (d->n == 0)
		return false;
	at = chance_below(&a->chance, d->n);
	for (; at < d->n && a->deed.n < want; at += chance_between(&a->chance, 1, 3)) {
		if (may_choose(a, &d->known[at]))
			a->deed.uids[a->deed.n++] = d->known[at].uid;
	}
	return a->deed.n > 0;
}

static const char *print_set(const struct imap_deed *deed, char text[40])
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < deed->n; i++)
		len += (size_t)snprintf(text + len, 40 - len, "%s%u", i > 0 ? "," : "", deed->uids[i]);
	return text;
}

static void removing(struct imap_actor *a)
{
	for (size_t i = 0; i < a->deed.n; i++)
		imap_book_removing(a->plan.book, a->box, a->deed.uids[i],
		    a->deed.kind == IMAP_DEED_DELETE);
}

/* ---- commands ---- */

static void store(struct imap_actor *a, const char *flags)
{
	struct imap_deed *deed = &a->deed;
	char set[40], condition[48] = "";

	deed->silent = chance_one_in(&a->chance, 2);
	if (deed->kind == IMAP_DEED_MARK && chance_one_in(&a->chance, 2)) {
		deed->conditional = true;
		deed->since = imap_device_find(imap_actor_device(a), deed->uids[0])->modseq -
		    chance_one_in(&a->chance, 4);
		snprintf(condition, sizeof condition, " (UNCHANGEDSINCE %llu)",
		    (unsigned long long)deed->since);
	}
	imap_actor_say(a, IMAP_STEP_DEED, "UID STORE %s%s %cFLAGS%s (%s)", print_set(deed, set),
	    condition, deed->add ? '+' : '-', deed->silent ? ".SILENT" : "", flags);
}

static void store_flag(struct imap_actor *a)
{
	static const struct {
		const char *name;
		unsigned flag;
	} flags[] = {
		{ "\\Seen", IMAP_REPLY_SEEN }, { "\\Answered", IMAP_REPLY_ANSWERED },
		{ "\\Flagged", IMAP_REPLY_FLAGGED },
	};
	size_t i = chance_below(&a->chance, sizeof flags / sizeof flags[0]);

	a->deed.add = !chance_one_in(&a->chance, 3);
	a->deed.flags = flags[i].flag;
	store(a, flags[i].name);
}

static void store_mark(struct imap_actor *a)
{
	char name[16];

	snprintf(name, sizeof name, "device%u", a->plan.device);
	a->deed.add = true;
	a->deed.flags = (unsigned)IMAP_REPLY_DEVICE << a->plan.device;
	store(a, name);
}

static void store_deleted(struct imap_actor *a)
{
	removing(a);
	a->deed.add = true;
	a->deed.flags = IMAP_REPLY_DELETED;
	store(a, "\\Deleted");
}

/* Of all that is marked, or of what was chosen. */
static void expunge(struct imap_actor *a)
{
	struct imap_device *d = imap_actor_device(a);
	bool all = chance_one_in(&a->chance, 2);
	char set[40];

	print_set(&a->deed, set);
	for (size_t i = 0; i < d->n; i++)
		d->known[i].doomed = (d->known[i].flags & IMAP_REPLY_DELETED) != 0 &&
		    (all || imap_reply_set_has(slice_from(set), d->known[i].uid));
	if (all)
		imap_actor_say(a, IMAP_STEP_DEED, "EXPUNGE");
	else
		imap_actor_say(a, IMAP_STEP_DEED, "UID EXPUNGE %s", set);
}

static void copy(struct imap_actor *a)
{
	bool moves = a->deed.kind == IMAP_DEED_MOVE;
	char set[40];

	if (moves)
		removing(a);
	imap_actor_say(a, IMAP_STEP_DEED, "UID %s %s %s", moves ? "MOVE" : "COPY",
	    print_set(&a->deed, set), imap_box_name(IMAP_OTHER));
}

static void append(struct imap_actor *a)
{
	struct buffer text = buffer_init(os_heap(a->os), APPEND_MAX + 200);
	size_t lines = chance_skewed(&a->chance, 1, APPEND_MAX / 40);

	buffer_printf(&text, CHECKER_APPENDED "%u by device %u\r\n\r\n", a->appended++, a->plan.device);
	for (size_t i = 0; i < lines; i++)
		buffer_printf(&text, "%016llx\r\n",
		    (unsigned long long)chance_u64(&a->chance));
	a->deed.octets = buffer_bytes(&text).len;
	imap_actor_say(a, IMAP_STEP_DEED, "APPEND %s (\\Seen) {%llu+}", imap_box_name(IMAP_OTHER),
	    (unsigned long long)a->deed.octets);
	imap_client_say(a->client, buffer_bytes(&text));
	imap_client_say(a->client, slice_lit("\r\n"));
	buffer_free(&text);
}

static bool begin(struct imap_actor *a)
{
	bool full = a->boxes[IMAP_OTHER].n >= BOX_FULL;

	switch (a->deed.kind) {
	case IMAP_DEED_FLAG:
	case IMAP_DEED_MARK:
	case IMAP_DEED_DELETE:
	case IMAP_DEED_EXPUNGE:
		if (!choose(a))
			return false;
		if (a->deed.kind == IMAP_DEED_FLAG)
			store_flag(a);
		else if (a->deed.kind == IMAP_DEED_MARK)
			store_mark(a);
		else if (a->deed.kind == IMAP_DEED_DELETE)
			store_deleted(a);
		else
			expunge(a);
		return true;
	case IMAP_DEED_COPY:
	case IMAP_DEED_MOVE:
		if (full || a->box == IMAP_OTHER || !choose(a))
			return false;
		copy(a);
		return true;
	case IMAP_DEED_APPEND:
		if (full)
			return false;
		append(a);
		return true;
	case IMAP_DEED_IDLE:
		imap_actor_say(a, IMAP_STEP_DEED, "IDLE");
		return true;
	case IMAP_DEED_ALL:
		imap_actor_ask_all(a);
		return true;
	case IMAP_DEED_NOOP:
	case IMAP_DEEDS:
		break;
	}
	imap_actor_say(a, IMAP_STEP_DEED, "NOOP");
	return true;
}

static void go_on(struct imap_actor *a)
{
	a->deeds--;
	do {
		a->deed = (struct imap_deed){
			.kind = (enum imap_deed_kind)chance_below(&a->chance, IMAP_DEEDS)
		};
	} while (!begin(a));
}

void imap_deed_next(struct imap_actor *a)
{
	if (a->deeds == 0 || a->behaves) {
		imap_actor_leave_box(a);
		return;
	}
	if (chance_one_in(&a->chance, 40)) {
		visit_leave(&a->visit);
		return;
	}
	/* The other device does something meanwhile. */
	a->thinks = chance_one_in(&a->chance, 2);
	if (a->thinks)
		os_timer_start(a->os, &a->timer, chance_skewed(&a->chance, 10, 3000));
	else
		go_on(a);
}

/* ---- IDLE ---- */

void imap_deed_continue(struct imap_actor *a)
{
	a->thinks = false;
	if (a->step == IMAP_STEP_DEED && a->deed.kind == IMAP_DEED_IDLE)
		os_timer_start(a->os, &a->timer, chance_skewed(&a->chance, 10, 4000));
	else
		imap_actor_broken(a, "the server waits for what nobody has to say");
}

void imap_deed_time(struct imap_actor *a)
{
	if (a->thinks)
		go_on(a);
	else
		imap_client_say(a->client, slice_lit("DONE\r\n"));
}

/* ---- answers ---- */

void imap_deed_copied(struct imap_actor *a, slice arguments)
{
	struct imap_deed *deed = &a->deed;
	uint32_t uidvalidity = (uint32_t)imap_reply_number(slice_cut(&arguments, ' ')), uid;
	struct imap_uids from = { .set = slice_cut(&arguments, ' ') }, to = { .set = arguments };

	while ((uid = imap_reply_uid(&from)) != 0) {
		const struct imap_known *known = imap_device_find(imap_actor_device(a), uid);
		uint32_t new = imap_reply_uid(&to);

		if (new == 0) {
			imap_actor_broken(a, "COPYUID has not as many new UIDs as old ones");
			return;
		}
		imap_book_added(a->plan.book, IMAP_OTHER, uidvalidity, new,
		    known != NULL ? known->size : 0, known != NULL ? known->email : 0);
		imap_book_copied(a->plan.book, a->box, uid, IMAP_OTHER, new);
		for (size_t i = 0; i < deed->n; i++)
			deed->left[i] = deed->left[i] || (deed->kind == IMAP_DEED_MOVE &&
			    deed->uids[i] == uid);
	}
}

static void marked(struct imap_actor *a, slice text)
{
	const struct imap_deed *deed = &a->deed;
	slice modified = { 0 };

	imap_reply_code(text, "MODIFIED", &modified);
	for (size_t i = 0; i < deed->n; i++) {
		if (imap_reply_set_has(modified, deed->uids[i]) ||
		    imap_device_find(imap_actor_device(a), deed->uids[i]) == NULL)
			continue;
		imap_book_kept(a->plan.book, a->box, deed->uids[i], a->plan.device);
		if (deed->conditional)
			imap_book_unchanged(a->plan.book, a->box, a->asked, deed->uids[i],
			    deed->since);
	}
}

static void moved(struct imap_actor *a)
{
	for (size_t i = 0; i < a->deed.n; i++) {
		if (a->deed.left[i] &&
		    imap_device_find(imap_actor_device(a), a->deed.uids[i]) != NULL)
			imap_actor_broken(a, "UID %u is there after MOVE", a->deed.uids[i]);
	}
}

static void expunged(struct imap_actor *a)
{
	const struct imap_device *d = imap_actor_device(a);

	for (size_t i = 0; i < d->n; i++) {
		if (d->known[i].doomed)
			imap_actor_broken(a, "UID %u, \\Deleted, is there after EXPUNGE",
			    d->known[i].uid);
	}
}

static void ok(struct imap_actor *a, slice text)
{
	slice arguments;

	switch (a->deed.kind) {
	case IMAP_DEED_MARK:
		marked(a, text);
		break;
	case IMAP_DEED_EXPUNGE:
		expunged(a);
		break;
	case IMAP_DEED_COPY:
		if (imap_reply_code(text, "COPYUID", &arguments))
			imap_deed_copied(a, arguments);
		break;
	case IMAP_DEED_MOVE:
		moved(a);
		break;
	case IMAP_DEED_APPEND:
		if (imap_reply_code(text, "APPENDUID", &arguments)) {
			uint32_t uidvalidity = (uint32_t)imap_reply_number(slice_cut(&arguments, ' '));

			imap_book_added(a->plan.book, IMAP_OTHER, uidvalidity,
			    (uint32_t)imap_reply_number(arguments), a->deed.octets, 0);
		}
		break;
	default:
		break;
	}
	if (imap_reply_code(text, "HIGHESTMODSEQ", &arguments) &&
	    imap_reply_number(arguments) > a->look.seen)
		a->look.seen = imap_reply_number(arguments);
}

void imap_deed_done(struct imap_actor *a, const struct imap_client_event *event)
{
	if (event->status == IMAP_CLIENT_OK)
		ok(a, event->text);
	/* A STORE that was refused told of no change of its own; all else is told. */
	imap_look_commit(a);
	imap_deed_next(a);
}
