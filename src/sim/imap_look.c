/* sim/imap_look.c - responses, as a client that trusts them keeps them; and whether it may. */
#include <string.h>

#include "sim/imap_actor_impl.h"

void imap_look_begin(struct imap_actor *a)
{
	uint32_t *numbers = a->look.numbers, capacity = a->look.capacity;

	a->look = (struct imap_look){ .numbers = numbers, .capacity = capacity };
}

void imap_look_commit(struct imap_actor *a)
{
	struct imap_device *d = imap_actor_device(a);

	if (a->look.synced && !a->look.behind && a->look.seen > d->modseq)
		d->modseq = a->look.seen;
}

static void saw_modseq(struct imap_actor *a, uint64_t modseq)
{
	if (modseq > a->look.seen)
		a->look.seen = modseq;
}

/* ---- sequence numbers, where UIDs are not told instead ---- */

static void numbers_resize(struct imap_actor *a, uint32_t n)
{
	struct imap_look *look = &a->look;

	if (n > look->capacity) {
		look->capacity = 2 * n;
		look->numbers = heap_resize(os_heap(a->os), look->numbers,
		    look->capacity * sizeof *look->numbers);
	}
	for (uint32_t i = look->n; i < n; i++)
		look->numbers[i] = 0;
	look->n = n;
}

static void on_exists(struct imap_actor *a, uint32_t n)
{
	struct imap_look *look = &a->look;

	if (look->exists_told++ > 0)
		look->behind = look->behind_again = true;
	if (a->qresync)
		return;
	if (n < look->n)
		imap_actor_broken(a, "%u EXISTS, and there were %u", n, look->n);
	numbers_resize(a, n);
}

static void gone(struct imap_actor *a, uint32_t uid)
{
	imap_device_remove(imap_actor_device(a), uid);
	imap_book_gone(a->plan.book, a->box, uid);
}

static void on_expunge(struct imap_actor *a, uint32_t number)
{
	struct imap_look *look = &a->look;
	uint32_t uid;

	if (a->qresync || number == 0 || number > look->n) {
		imap_actor_broken(a, "%u EXPUNGE, of %u messages%s", number, look->n,
		    a->qresync ? ", after ENABLE QRESYNC" : "");
		return;
	}
	uid = look->numbers[number - 1];
	memmove(look->numbers + number - 1, look->numbers + number,
	    (look->n - number) * sizeof *look->numbers);
	look->n--;
	if (uid != 0)
		gone(a, uid);
}

/* Of the message that a FETCH is about; 0: not known. */
static uint32_t uid_of(struct imap_actor *a, uint32_t number, uint32_t uid)
{
	struct imap_look *look = &a->look;
	uint32_t *at;

	if (a->qresync)
		return uid;
	if (number == 0 || number > look->n) {
		imap_actor_broken(a, "%u FETCH, of %u messages", number, look->n);
		return uid;
	}
	at = &look->numbers[number - 1];
	if (*at != 0 && uid != 0 && *at != uid)
		imap_actor_broken(a, "message %u is UID %u, and was UID %u", number, uid, *at);
	if (uid != 0)
		*at = uid;
	return *at;
}

/* What the device remembers and the mailbox does not have is gone. */
static void drop_others(struct imap_actor *a, const uint32_t *uids, size_t n)
{
	struct imap_device *d = imap_actor_device(a);
	size_t at = 0;

	for (size_t i = 0; i < d->n; ) {
		uint32_t uid = d->known[i].uid;

		while (at < n && uids[at] < uid)
			at++;
		if (at < n && uids[at] == uid)
			i++;
		else
			gone(a, uid);
	}
}

/* Messages that are gone, and of which that is not told yet, have numbers still, but are
 * not found: then which number is whose is not known. */
static void on_search(struct imap_actor *a, slice list)
{
	struct imap_look *look = &a->look;
	uint32_t *uids = heap_alloc(os_heap(a->os), (look->n + 1) * sizeof *uids), first, last;
	size_t n = 0;

	while (list.len > 0 && n <= look->n && imap_reply_range(&list, &first, &last)) {
		if (n == look->n || (n > 0 && first <= uids[n - 1]))
			imap_actor_broken(a, "SEARCH ALL tells UID %u, number %zu of %u", first, n + 1,
			    look->n);
		uids[n++] = first;
	}
	if (n == look->n && n > 0)
		memcpy(look->numbers, uids, n * sizeof *uids);
	drop_others(a, uids, n);
	heap_free(os_heap(a->os), uids);
}

static void on_vanished(struct imap_actor *a, slice set)
{
	struct imap_device *d = imap_actor_device(a);
	static const slice earlier = slice_lit("(EARLIER) ");
	uint32_t first, last;

	if (!a->qresync)
		imap_actor_broken(a, "VANISHED without ENABLE QRESYNC");
	if (slice_starts(set, earlier))
		set = slice_drop(set, earlier.len);
	while (set.len > 0 && imap_reply_range(&set, &first, &last)) {
		for (size_t i = d->n; i-- > 0; ) {
			if (d->known[i].uid >= first && d->known[i].uid <= last)
				gone(a, d->known[i].uid);
		}
	}
}

/* ---- messages ---- */

/* The list of all, beside what was told before of this message: nothing, if it is NULL. */
static void judge(struct imap_actor *a, const struct imap_known *known,
    const struct imap_sight *sight)
{
	uint64_t base = known != NULL ? a->look.base : a->look.base_new;

	if (known != NULL && known->modseq == sight->modseq && known->flags != sight->flags)
		imap_actor_broken(a, "UID %u has flags %x, and was told to have %x, both at MODSEQ "
		    "%llu", sight->uid, sight->flags, known->flags,
		    (unsigned long long)sight->modseq);
	if (sight->modseq > base)
		return;                 /* since then, or nothing was known */
	if (known == NULL)
		imap_actor_broken(a, "UID %u, MODSEQ %llu, was not told, though all up to %llu was",
		    sight->uid, (unsigned long long)sight->modseq, (unsigned long long)base);
	else if (known->modseq != sight->modseq)
		imap_actor_broken(a, "UID %u has MODSEQ %llu, and was told to have %llu, though all up "
		    "to %llu was told", sight->uid, (unsigned long long)sight->modseq,
		    (unsigned long long)known->modseq, (unsigned long long)base);
}

/* Without FLAGS it is the answer to a STORE that did not ask for them. */
static void keep_flags(struct imap_actor *a, struct imap_known *known,
    const struct imap_sight *sight)
{
	const struct imap_deed *deed = &a->deed;

	if (sight->has_flags) {
		known->flags = sight->flags;
		return;
	}
	if (a->step != IMAP_STEP_DEED || deed->kind > IMAP_DEED_DELETE)
		return;
	for (size_t i = 0; i < deed->n; i++) {
		if (deed->uids[i] == known->uid)
			known->flags = deed->add ? known->flags | deed->flags :
			    known->flags & ~deed->flags;
	}
}

static void on_fetch(struct imap_actor *a, uint32_t number, slice text)
{
	struct imap_device *d = imap_actor_device(a);
	bool listing = a->step == IMAP_STEP_ALL || a->step == IMAP_STEP_SETTLE, whole;
	struct imap_sight sight;
	struct imap_known *known;

	if (!imap_reply_fetch(text, &sight)) {
		imap_actor_broken(a, "FETCH is not understood: %.*s", slice_arg(text));
		return;
	}
	sight.uid = uid_of(a, number, sight.uid);
	if (sight.uid == 0)
		return;
	whole = a->step == IMAP_STEP_ALL && sight.email != 0;
	known = imap_device_find(d, sight.uid);
	if (whole)
		judge(a, known, &sight);
	if (known == NULL && (!sight.has_flags || sight.modseq == 0))
		return;
	if (known == NULL) {
		known = imap_device_put(d, sight.uid);
		known->fetched = listing;
	}
	known->fetched = known->fetched || whole;
	if (sight.modseq != 0 && sight.modseq < known->modseq)
		imap_actor_broken(a, "the MODSEQ of UID %u fell from %llu to %llu", sight.uid,
		    (unsigned long long)known->modseq, (unsigned long long)sight.modseq);
	keep_flags(a, known, &sight);
	known->modseq = sight.modseq != 0 ? sight.modseq : known->modseq;
	known->size = sight.size != 0 ? sight.size : known->size;
	known->email = sight.email != 0 ? sight.email : known->email;
	saw_modseq(a, sight.modseq);
	imap_book_saw(a->plan.book, a->box, a->asked, &sight);
}

/* ---- the list of all ---- */

void imap_look_all_begin(struct imap_actor *a)
{
	struct imap_device *d = imap_actor_device(a);

	for (size_t i = 0; i < d->n; i++)
		d->known[i].fetched = false;
	a->look.base_new = a->look.synced ? d->modseq : 0;
	a->look.base = a->look.synced && a->look.told > d->modseq ? a->look.told : a->look.base_new;
	a->look.behind_again = false;
	/* Of messages that came since then a session may first be told at the end of this. */
	a->look.all_asked = a->asked;
}

void imap_look_all_end(struct imap_actor *a)
{
	struct imap_device *d = imap_actor_device(a);
	uint32_t *uids = heap_alloc(os_heap(a->os), (d->n + 1) * sizeof *uids);

	for (size_t i = 0; i < d->n; i++) {
		uids[i] = d->known[i].uid;
		if (!d->known[i].fetched)
			imap_actor_broken(a, "UID %u was told, is not in the list of all, and not told "
			    "to be gone", uids[i]);
	}
	imap_book_saw_all(a->plan.book, a->box, a->look.all_asked, uids, d->n,
	    a->look.uid_next);
	heap_free(os_heap(a->os), uids);
	a->look.synced = true;
	imap_look_commit(a);
}

/* ---- responses ---- */

static void on_status(struct imap_actor *a, slice text)
{
	slice arguments;

	if (imap_reply_code(text, "UIDVALIDITY", &arguments))
		a->look.uidvalidity = (uint32_t)imap_reply_number(arguments);
	else if (imap_reply_code(text, "UIDNEXT", &arguments))
		a->look.uid_next = (uint32_t)imap_reply_number(arguments);
	else if (imap_reply_code(text, "HIGHESTMODSEQ", &arguments))
		saw_modseq(a, imap_reply_number(arguments));
	else if (imap_reply_code(text, "COPYUID", &arguments))
		imap_deed_copied(a, arguments);
}

void imap_look_response(struct imap_actor *a, const struct imap_client_event *event)
{
	if (event->status != IMAP_CLIENT_NONE)
		on_status(a, event->text);
	else if (slice_equal_ascii(event->name, slice_lit("EXISTS")))
		on_exists(a, event->number);
	else if (slice_equal_ascii(event->name, slice_lit("EXPUNGE")))
		on_expunge(a, event->number);
	else if (slice_equal_ascii(event->name, slice_lit("FETCH")))
		on_fetch(a, event->number, event->text);
	else if (slice_equal_ascii(event->name, slice_lit("VANISHED")))
		on_vanished(a, event->text);
	else if (slice_equal_ascii(event->name, slice_lit("SEARCH")))
		on_search(a, event->text);
}
