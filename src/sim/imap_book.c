/* sim/imap_book.c - a list of messages for each mailbox, by UID. */
#include "sim/imap_book.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"

/* Times are of sim_events(). */
struct message {
	uint32_t uid;
	uint64_t told_at;               /* for the first time */
	uint64_t modseq, modseq_at;
	uint64_t size, email;           /* 0: not known yet */
	bool removing;                  /* somebody asked for it to go, ... */
	bool marked;                    /* ... or to be \Deleted, as its copies are then */
	uint64_t gone_at;               /* somebody was told so; 0: nobody */
	uint64_t kept_at[IMAP_DEVICES]; /* 0: no keyword was acknowledged */
};

struct box {
	uint32_t uidvalidity;           /* 0: never told */
	uint32_t uid_next;
	uint64_t uid_next_at, modseq, modseq_at;
	uint32_t listed_below;          /* of these UIDs none is new, as was told ... */
	uint64_t listed_at;             /* ... at that time */
	struct message *messages;       /* ascending */
	size_t n, capacity;
};

struct imap_book {
	struct sim *sim;
	struct checker *checker;
	unsigned account, epoch;
	struct box boxes[IMAP_BOXES];
	struct imap_book_counts counts;
};

struct imap_book *imap_book_create(struct sim *sim, struct checker *checker, unsigned account)
{
	struct imap_book *book = heap_new(sim_heap(sim), struct imap_book);

	book->sim = sim;
	book->checker = checker;
	book->account = account;
	book->epoch = checker_epoch(checker, account);
	return book;
}

unsigned imap_book_epoch(struct imap_book *book)
{
	unsigned epoch = checker_epoch(book->checker, book->account);

	if (epoch != book->epoch) {
		for (size_t i = 0; i < IMAP_BOXES; i++)
			heap_free(sim_heap(book->sim), book->boxes[i].messages);
		memset(book->boxes, 0, sizeof book->boxes);
		book->epoch = epoch;
	}
	return epoch;
}

const char *imap_box_name(enum imap_box box)
{
	return box == IMAP_INBOX ? "INBOX" : "Other";
}

static void broken(struct imap_book *book, enum imap_box box, const char *what,
    unsigned long long a, unsigned long long b, unsigned long long c)
{
	slice address = checker_account_address(book->checker, book->account);
	char text[200];

	snprintf(text, sizeof text, what, a, b, c);
	checker_fail(book->checker, "%.*s: IMAP, %s: %s", slice_arg(address), imap_box_name(box),
	    text);
}

/* ---- the list ---- */

static size_t lower(const struct box *b, uint32_t uid)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (b->messages[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct message *find(const struct box *b, uint32_t uid)
{
	size_t at = lower(b, uid);

	return at < b->n && b->messages[at].uid == uid ? &b->messages[at] : NULL;
}

static struct message *add(struct imap_book *book, struct box *b, uint32_t uid)
{
	size_t at = lower(b, uid);

	if (b->n == b->capacity) {
		b->capacity = b->capacity == 0 ? 16 : 2 * b->capacity;
		b->messages = heap_resize(sim_heap(book->sim), b->messages,
		    b->capacity * sizeof *b->messages);
	}
	memmove(b->messages + at + 1, b->messages + at, (b->n - at) * sizeof *b->messages);
	b->n++;
	b->messages[at] = (struct message){ .uid = uid, .told_at = sim_events(book->sim) };
	book->counts.messages++;
	return &b->messages[at];
}

/* ---- a mailbox ---- */

void imap_book_selected(struct imap_book *book, enum imap_box box, uint64_t asked,
    uint32_t uidvalidity, uint32_t uid_next, uint64_t modseq)
{
	struct box *b = &book->boxes[box];

	if (uidvalidity == 0 || uid_next == 0 || modseq == 0)
		broken(book, box, "SELECT tells UIDVALIDITY %llu, UIDNEXT %llu, HIGHESTMODSEQ %llu",
		    uidvalidity, uid_next, modseq);
	if (b->uidvalidity != 0 && b->uidvalidity != uidvalidity)
		broken(book, box, "UIDVALIDITY was %llu and is now %llu", b->uidvalidity,
		    uidvalidity, 0);
	if (uid_next < b->uid_next && b->uid_next_at <= asked)
		broken(book, box, "UIDNEXT fell from %llu to %llu", b->uid_next, uid_next, 0);
	if (modseq < b->modseq && b->modseq_at <= asked)
		broken(book, box, "HIGHESTMODSEQ fell from %llu to %llu", b->modseq, modseq, 0);
	b->uidvalidity = uidvalidity;
	if (uid_next > b->uid_next) {
		b->uid_next = uid_next;
		b->uid_next_at = sim_events(book->sim);
	}
	if (modseq > b->modseq) {
		b->modseq = modseq;
		b->modseq_at = sim_events(book->sim);
	}
}

/* ---- its messages ---- */

static void check_same(struct imap_book *book, enum imap_box box, struct message *m,
    uint64_t size, uint64_t email)
{
	if (m->size != 0 && size != 0 && m->size != size)
		broken(book, box, "UID %llu had %llu octets and has now %llu", m->uid, m->size, size);
	if (m->email != 0 && email != 0 && m->email != email)
		broken(book, box, "UID %llu is another message now", m->uid, 0, 0);
	m->size = size != 0 ? size : m->size;
	m->email = email != 0 ? email : m->email;
}

static void check_flags(struct imap_book *book, enum imap_box box, uint64_t asked,
    struct message *m, unsigned flags)
{
	/* Of a copy nobody may have heard, nor of what was in a book before. */
	if ((flags & IMAP_REPLY_DELETED) != 0 && !m->marked && box == IMAP_INBOX &&
	    book->epoch == 0)
		broken(book, box, "UID %llu is \\Deleted, and nobody asked for that", m->uid, 0, 0);
	if ((flags & IMAP_REPLY_DELETED) != 0)
		m->removing = m->marked = true;
	if ((flags & IMAP_REPLY_OTHER) != 0)
		broken(book, box, "UID %llu has a flag that nobody set", m->uid, 0, 0);
	for (unsigned i = 0; i < IMAP_DEVICES; i++) {
		if (m->kept_at[i] != 0 && m->kept_at[i] <= asked &&
		    (flags & (unsigned)IMAP_REPLY_DEVICE << i) == 0)
			broken(book, box, "UID %llu has lost the keyword of device %llu, whose STORE "
			    "was answered OK", m->uid, i, 0);
	}
}

void imap_book_saw(struct imap_book *book, enum imap_box box, uint64_t asked,
    const struct imap_sight *sight)
{
	struct box *b = &book->boxes[box];
	struct message *m = find(b, sight->uid);
	uint64_t now = sim_events(book->sim);

	if (m == NULL) {
		if (sight->uid < b->listed_below && b->listed_at <= asked)
			broken(book, box, "UID %llu is new, and UIDNEXT was %llu before", sight->uid,
			    b->listed_below, 0);
		m = add(book, b, sight->uid);
	}
	if (m->gone_at != 0 && m->gone_at <= asked)
		broken(book, box, "UID %llu is there again", m->uid, 0, 0);
	if (sight->modseq != 0 && sight->modseq < m->modseq && m->modseq_at <= asked)
		broken(book, box, "the MODSEQ of UID %llu fell from %llu to %llu", m->uid, m->modseq,
		    sight->modseq);
	if (sight->modseq > m->modseq) {
		m->modseq = sight->modseq;
		m->modseq_at = now;
	}
	if (sight->modseq > b->modseq) {
		b->modseq = sight->modseq;
		b->modseq_at = now;
	}
	check_same(book, box, m, sight->size, sight->email);
	if (sight->has_flags)
		check_flags(book, box, asked, m, sight->flags);
}

static bool may_be_gone(const struct imap_book *book, enum imap_box box, const struct message *m)
{
	return m->removing || m->gone_at != 0 || (box == IMAP_INBOX &&
	    checker_may_go(book->checker, book->account, book->boxes[box].uidvalidity, m->uid));
}

void imap_book_saw_all(struct imap_book *book, enum imap_box box, uint64_t asked,
    const uint32_t *uids, size_t n, uint32_t uid_next)
{
	struct box *b = &book->boxes[box];
	size_t at = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct message *m = &b->messages[i];

		while (at < n && uids[at] < m->uid)
			at++;
		if ((at < n && uids[at] == m->uid) || m->told_at > asked ||
		    may_be_gone(book, box, m))
			continue;
		broken(book, box, "UID %llu is not there any more, and nobody removed it", m->uid,
		    0, 0);
	}
	if (uid_next > b->listed_below) {
		b->listed_below = uid_next;
		b->listed_at = sim_events(book->sim);
	}
}

bool imap_book_may_remove(const struct imap_book *book, enum imap_box box, uint32_t uid)
{
	return box != IMAP_INBOX || checker_may_remove(book->checker, book->account,
	    book->boxes[box].uidvalidity, uid);
}

void imap_book_removing(struct imap_book *book, enum imap_box box, uint32_t uid, bool marks)
{
	struct message *m = find(&book->boxes[box], uid);

	check(m != NULL);
	m->removing = true;
	m->marked = m->marked || marks;
	if (box == IMAP_INBOX)
		checker_removing(book->checker, book->account, book->boxes[box].uidvalidity, uid);
}

void imap_book_gone(struct imap_book *book, enum imap_box box, uint32_t uid)
{
	struct message *m = find(&book->boxes[box], uid);

	if (m == NULL)
		return;                 /* nobody saw it */
	if (!may_be_gone(book, box, m))
		broken(book, box, "UID %llu is told to be gone, and nobody removed it", uid, 0, 0);
	if (m->gone_at == 0) {
		m->gone_at = sim_events(book->sim);
		book->counts.gone++;
	}
	if (box == IMAP_INBOX)
		checker_removed(book->checker, book->account, book->boxes[box].uidvalidity, uid);
}

/* ---- what was answered OK ---- */

void imap_book_kept(struct imap_book *book, enum imap_box box, uint32_t uid, unsigned device)
{
	struct message *m = find(&book->boxes[box], uid);

	if (m == NULL || m->kept_at[device] != 0)
		return;
	m->kept_at[device] = sim_events(book->sim);
	book->counts.kept++;
}

void imap_book_unchanged(struct imap_book *book, enum imap_box box, uint64_t asked,
    uint32_t uid, uint64_t since)
{
	const struct message *m = find(&book->boxes[box], uid);

	if (m != NULL && m->modseq > since && m->modseq_at <= asked && m->gone_at == 0)
		broken(book, box, "STORE changed UID %llu, whose MODSEQ was %llu already, UNCHANGEDSINCE "
		    "%llu", uid, m->modseq, since);
}

void imap_book_copied(struct imap_book *book, enum imap_box from, uint32_t uid,
    enum imap_box to, uint32_t new)
{
	const struct message *m = find(&book->boxes[from], uid);
	struct message *copy = find(&book->boxes[to], new);

	check(copy != NULL);
	if (m != NULL && m->marked)
		copy->removing = copy->marked = true;
}

void imap_book_added(struct imap_book *book, enum imap_box box, uint32_t uidvalidity,
    uint32_t uid, uint64_t size, uint64_t email)
{
	struct box *b = &book->boxes[box];
	struct message *m = find(b, uid);

	if (b->uidvalidity != 0 && b->uidvalidity != uidvalidity)
		broken(book, box, "UIDVALIDITY was %llu and is now %llu", b->uidvalidity,
		    uidvalidity, 0);
	b->uidvalidity = uidvalidity;
	if (m == NULL)
		m = add(book, b, uid);
	check_same(book, box, m, size, email);
	book->counts.added++;
}

struct imap_book_counts imap_book_count(const struct imap_book *book)
{
	return book->counts;
}
