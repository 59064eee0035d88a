/* account/state_mailbox.c - the mailboxes of a state, their counters, and its keywords. */
#include <stdio.h>
#include <string.h>

#include "account/state.h"
#include "base/check.h"
#include "imap/mailbox.h"

static slice copy_of(struct account_state *s, slice text)
{
	unsigned char *copy = heap_alloc(s->heap, text.len + 1);

	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	return slice_of(copy, text.len);
}

static void free_text(struct account_state *s, slice text)
{
	heap_free(s->heap, (void *)(uintptr_t)text.ptr);
}

/* Index of the first entry of at least this number. */
static size_t lower(const struct account_state *s, unsigned number)
{
	size_t low = 0, high = s->n_mailboxes;

	/* Most messages are in INBOX. */
	if (number == ACCOUNT_INBOX)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->mailboxes[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct account_mailbox *insert(struct account_state *s, uint16_t number, slice name)
{
	size_t at = lower(s, number);

	s->mailboxes = account_state_grow(s->heap, s->mailboxes, s->n_mailboxes,
	    &s->mailboxes_capacity, sizeof *s->mailboxes);
	memmove(s->mailboxes + at + 1, s->mailboxes + at,
	    (s->n_mailboxes - at) * sizeof *s->mailboxes);
	s->n_mailboxes++;
	s->mailboxes[at] = (struct account_mailbox){
		.number = number, .uid_next = 1, .name = copy_of(s, name),
	};
	return &s->mailboxes[at];
}

void state_mailboxes_init(struct account_state *s)
{
	struct account_mailbox *inbox = insert(s, ACCOUNT_INBOX, slice_lit("INBOX"));

	inbox->state = MAILBOX_EXISTS | MAILBOX_SUBSCRIBED;
}

void state_mailboxes_free(struct account_state *s)
{
	for (size_t i = 0; i < s->n_mailboxes; i++)
		free_text(s, s->mailboxes[i].name);
	heap_free(s->heap, s->mailboxes);
	s->mailboxes = NULL;
	s->n_mailboxes = s->mailboxes_capacity = 0;
	for (size_t i = 0; i < ACCOUNT_KEYWORDS_MAX; i++) {
		free_text(s, s->keywords[i]);
		s->keywords[i] = (slice){ 0 };
	}
}

struct account_mailbox *account_mailbox(const struct account_state *s, unsigned number)
{
	unsigned living = number & ~(unsigned)ACCOUNT_GRAVEYARD;
	size_t at = lower(s, living);

	return at < s->n_mailboxes && s->mailboxes[at].number == living ? &s->mailboxes[at] : NULL;
}

struct mailbox_entry account_mailbox_entry(const struct account_mailbox *m)
{
	return (struct mailbox_entry){ m->number, m->state, m->use, m->uidvalidity, m->uid_next,
		m->recent_from, m->created_modseq, m->highest_modseq, m->name };
}

const struct account_mailbox *account_mailbox_find(const struct account_state *s, slice name)
{
	const struct account_mailbox *same = NULL;

	if (imap_name_is_inbox(name))
		return &s->mailboxes[0];
	for (size_t i = 1; i < s->n_mailboxes; i++) {
		const struct account_mailbox *m = &s->mailboxes[i];

		if (m->state != 0 && slice_equal(m->name, name))
			return m;
		if (m->state != 0 && imap_name_same(m->name, name))
			same = m;
	}
	return same;
}

/* Its record is lost, its messages are there: they are shown under some name. */
struct account_mailbox *state_mailbox_at(struct account_state *s, unsigned number)
{
	unsigned living = number & ~(unsigned)ACCOUNT_GRAVEYARD;
	struct account_mailbox *m = account_mailbox(s, living);
	char name[32];

	if (m != NULL)
		return m;
	snprintf(name, sizeof name, "Recovered %u", living);
	m = insert(s, (uint16_t)living, slice_from(name));
	m->doubtful = true;
	return m;
}

void account_state_born(struct account_state *s)
{
	struct account_head *head = &s->head;

	s->mailboxes[0].uidvalidity = head->uidvalidity;
	if (head->uidvalidity_next <= head->uidvalidity && head->uidvalidity < UINT32_MAX)
		head->uidvalidity_next = head->uidvalidity + 1;
}

/* Earlier versions had "inbox/a" beside INBOX: it is below it, as it is found, unless
 * "INBOX/a" is there, too. Then both keep their names, and are found by them. */
static void spell(struct account_state *s, struct account_mailbox *m)
{
	unsigned char room[IMAP_NAME_MAX];
	slice name = imap_name_spelt(m->name, room);

	if (slice_equal(name, m->name))
		return;
	for (size_t i = 1; i < s->n_mailboxes; i++) {
		if (m->state != 0 && s->mailboxes[i].state != 0 &&
		    slice_equal(s->mailboxes[i].name, name))
			return;
	}
	free_text(s, m->name);
	m->name = copy_of(s, name);
}

size_t account_state_adopt(struct account_state *s)
{
	size_t made = 0;

	account_state_born(s);
	for (size_t i = 1; i < s->n_mailboxes; i++)
		spell(s, &s->mailboxes[i]);
	for (size_t i = 1; i < s->n_mailboxes; i++) {
		struct account_mailbox *m = &s->mailboxes[i];

		if (!m->doubtful || m->uidvalidity != 0)
			continue;
		m->uidvalidity = s->head.uidvalidity_next;
		if (s->head.uidvalidity_next < UINT32_MAX)
			s->head.uidvalidity_next++;
		made++;
	}
	return made;
}

/* ---- counters ---- */

void state_count_row(struct account_state *s, const struct account_row *row)
{
	struct account_mailbox *m = state_mailbox_at(s, row->mailbox);

	if (is_graveyard(row->mailbox)) {
		m->buried++;
		return;
	}
	m->state |= MAILBOX_EXISTS;
	m->messages++;
	m->bytes += row->size;
	m->unseen += (row->flags & ACCOUNT_SEEN) == 0;
	m->deleted += (row->flags & ACCOUNT_DELETED) != 0;
	m->deleted_bytes += (row->flags & ACCOUNT_DELETED) != 0 ? row->size : 0;
	if (row->uid >= m->uid_next)
		m->uid_next = row->uid + 1;
	if (row->modseq > m->highest_modseq)
		m->highest_modseq = row->modseq;
}

void state_uncount_row(struct account_state *s, const struct account_row *row)
{
	struct account_mailbox *m = account_mailbox(s, row->mailbox);

	check(m != NULL);
	if (is_graveyard(row->mailbox)) {
		m->buried--;
		return;
	}
	m->messages--;
	m->bytes -= row->size;
	m->unseen -= (row->flags & ACCOUNT_SEEN) == 0;
	m->deleted -= (row->flags & ACCOUNT_DELETED) != 0;
	m->deleted_bytes -= (row->flags & ACCOUNT_DELETED) != 0 ? row->size : 0;
}

void state_mailboxes_sweep(struct account_state *s)
{
	size_t kept = 1;

	for (size_t i = 1; i < s->n_mailboxes; i++) {
		struct account_mailbox *m = &s->mailboxes[i];

		if (m->state == 0 && m->messages == 0 && m->buried == 0)
			free_text(s, m->name);
		else
			s->mailboxes[kept++] = *m;
	}
	s->n_mailboxes = kept;
}

/* ---- records ---- */

static void replace(struct account_state *s, const struct mailbox_entry *e)
{
	struct account_mailbox *m = account_mailbox(s, e->number);
	bool inbox = e->number == ACCOUNT_INBOX;
	bool same;

	if (m == NULL)
		m = insert(s, e->number, e->name);
	same = inbox || m->created_modseq == e->created_modseq;
	if (!inbox) {
		free_text(s, m->name);
		m->name = copy_of(s, e->name);
		m->uidvalidity = e->uidvalidity;
		m->doubtful = false;
	}
	m->state = e->state | (inbox ? MAILBOX_EXISTS : 0);
	m->use = e->use;
	m->created_modseq = e->created_modseq;
	m->recent_from = e->recent_from;
	/* Deliveries may have come between the entry's making and its record. */
	if ((!same && m->messages == 0) || e->uid_next > m->uid_next)
		m->uid_next = e->uid_next;
	if ((!same && m->messages == 0) || e->highest_modseq > m->highest_modseq)
		m->highest_modseq = e->highest_modseq;
}

static bool reads_well(struct bytes in, uint32_t n)
{
	struct mailbox_entry entry;

	for (uint32_t i = 0; i < n; i++) {
		if (!get_mailbox_entry(&in, &entry))
			return false;
	}
	return bytes_end(&in);
}

enum record_result state_apply_mailbox(struct account_state *s, slice payload)
{
	struct bytes in = bytes_init(payload);
	struct account_head *head = &s->head;
	uint64_t modseq;
	uint32_t n;

	if (!record_mailbox_begin(&in, &modseq, &n) || !reads_well(in, n))
		return RECORD_BAD;
	for (uint32_t i = 0; i < n; i++) {
		struct mailbox_entry entry;

		get_mailbox_entry(&in, &entry);
		if (entry.uidvalidity >= head->uidvalidity_next && entry.uidvalidity < UINT32_MAX)
			head->uidvalidity_next = entry.uidvalidity + 1;
		if (s->full)
			replace(s, &entry);
	}
	if (modseq > head->modseq)
		head->modseq = modseq;
	/* In a base the rows that need an entry are still to come. */
	if (modseq != 0)
		state_mailboxes_sweep(s);
	return RECORD_OK;
}

enum record_result state_apply_keyword(struct account_state *s, slice payload)
{
	struct bytes in = bytes_init(payload), again;
	uint32_t n;
	uint8_t number;
	slice name;

	if (!record_keyword_begin(&in, &n))
		return RECORD_BAD;
	again = in;
	for (uint32_t i = 0; i < n; i++) {
		if (!get_keyword_entry(&in, &number, &name) || (s->keywords[number].len > 0 &&
		    !slice_equal_ascii(s->keywords[number], name)))
			return RECORD_BAD;
	}
	if (!bytes_end(&in))
		return RECORD_BAD;
	for (uint32_t i = 0; i < n && s->full; i++) {
		get_keyword_entry(&again, &number, &name);
		if (s->keywords[number].len == 0)
			s->keywords[number] = copy_of(s, name);
	}
	return RECORD_OK;
}

int account_state_keyword(const struct account_state *s, slice name)
{
	for (int i = 0; i < ACCOUNT_KEYWORDS_MAX; i++) {
		if (s->keywords[i].len > 0 && slice_equal_ascii(s->keywords[i], name))
			return i;
	}
	return -1;
}
