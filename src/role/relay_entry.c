/* role/relay_entry.c - entries: made, ready, waiting for their time, over. */
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "role/relay_impl.h"

/* ---- made ---- */

slice entry_copy(struct relay *r, slice text)
{
	unsigned char *copy;

	if (text.len == 0)
		return (slice){ 0 };
	copy = heap_alloc(r->heap, text.len);
	memcpy(copy, text.ptr, text.len);
	return slice_of(copy, text.len);
}

static slice copy_to(unsigned char **at, slice text)
{
	unsigned char *copy = *at;

	if (text.len == 0)
		return (slice){ 0 };
	memcpy(copy, text.ptr, text.len);
	*at += text.len;
	return slice_of(copy, text.len);
}

slice entry_domain(slice address)
{
	size_t at = slice_find_last_byte(address, '@');

	return slice_drop(address, at < address.len ? at + 1 : address.len);
}

/* The entry, its recipients and their texts: one block, since there may be many
 * entries, and each block has its own cost. */
static struct entry *allocate(struct relay *r, slice sender, const slice *addresses, size_t n)
{
	size_t size = sizeof(struct entry) + n * sizeof(struct recipient);
	size_t texts = sender.len;
	struct entry *e;
	unsigned char *at;

	for (size_t i = 0; i < n; i++)
		texts += addresses[i].len;
	e = heap_alloc(r->heap, size + texts);
	at = (unsigned char *)e + size;
	e->n_recipients = (uint16_t)n;
	e->sender = copy_to(&at, sender);
	for (size_t i = 0; i < n; i++)
		e->recipients[i].address = copy_to(&at, addresses[i]);
	return e;
}

struct entry *entry_new(struct relay *r, struct body *body, slice sender,
    const slice *addresses, size_t n)
{
	struct entry *e;

	check(n > 0 && n <= QUEUE_RECIPIENTS_MAX);
	e = allocate(r, sender, addresses, n);
	e->relay = r;
	e->body = body;
	e->since_ms = os_now_ms(r->os);
	list_init(&e->at);
	list_init(&e->dirty);
	list_init(&e->reporting);
	do
		e->number = os_random_u64(r->os);
	while (e->number == 0 || table_get(&r->numbers, table_key(e->number)) != NULL);
	table_put(&r->numbers, table_key(e->number), e);
	e->serial = ++r->serial_last;
	list_append(&r->entries, &e->link);
	r->n_entries++;
	e->destination = destination_get(r, entry_domain(addresses[0]));
	e->destination->n_entries++;
	return e;
}

void entry_name(const struct entry *e, char ret_text[14])
{
	text_from_u64(e->number, ret_text);
}

/* ---- what is said of recipients ---- */

static slice text_of(const struct words *w)
{
	return slice_of(w->text, w->len);
}

static struct words *words_get(struct relay *r, slice text)
{
	struct words *w = table_get(&r->words, text);

	if (w == NULL) {
		w = heap_alloc(r->heap, sizeof *w + text.len);
		w->len = (uint16_t)text.len;
		memcpy(w->text, text.ptr, text.len);
		table_put(&r->words, text_of(w), w);
	}
	w->refs++;
	return w;
}

static void drop_reply(struct relay *r, struct recipient *to)
{
	struct words *w = to->reply.len > 0 ? table_get(&r->words, to->reply) : NULL;

	to->reply = (slice){ 0 };
	if (w == NULL || --w->refs > 0)
		return;
	table_remove(&r->words, text_of(w));
	heap_free(r->heap, w);
}

void entry_set_words(struct entry *e, struct recipient *to, slice text)
{
	if (slice_equal(text, to->reply))
		return;
	drop_reply(e->relay, to);
	if (text.len > 0)
		to->reply = text_of(words_get(e->relay, text));
}

void entry_set_reply(struct entry *e, struct recipient *to, slice reply)
{
	char text[QUEUE_REPLY_MAX + 1];

	entry_set_words(e, to, slice_from(text_printable(reply, text, sizeof text)));
}

/* ---- how it stands ---- */

unsigned entry_waiting(const struct entry *e)
{
	unsigned n = 0;

	for (size_t i = 0; i < e->n_recipients; i++)
		n += e->recipients[i].state == QUEUE_WAITING && !e->recipients[i].delivered;
	return n;
}

bool entry_has_failed(const struct entry *e)
{
	for (size_t i = 0; i < e->n_recipients; i++) {
		if (e->recipients[i].state == QUEUE_FAILED)
			return true;
	}
	return false;
}

/* ---- its time: a binary heap, the earliest first ---- */

static bool earlier(const struct entry *a, const struct entry *b)
{
	return a->next_us < b->next_us;
}

static void put_at(struct relay *r, struct entry *e, size_t place)
{
	r->later[place] = e;
	e->place = place;
}

static void sift_up(struct relay *r, struct entry *e, size_t place)
{
	while (place > 1 && earlier(e, r->later[place / 2])) {
		put_at(r, r->later[place / 2], place);
		place /= 2;
	}
	put_at(r, e, place);
}

static void sift_down(struct relay *r, struct entry *e, size_t place)
{
	for (;;) {
		size_t child = 2 * place;

		if (child > r->n_later)
			break;
		if (child < r->n_later && earlier(r->later[child + 1], r->later[child]))
			child++;
		if (!earlier(r->later[child], e))
			break;
		put_at(r, r->later[child], place);
		place = child;
	}
	put_at(r, e, place);
}

static void later_remove(struct entry *e)
{
	struct relay *r = e->relay;
	size_t place = e->place;
	struct entry *last;

	if (place == 0)
		return;
	e->place = 0;
	last = r->later[r->n_later--];
	if (last == e)
		return;
	sift_up(r, last, place);
	sift_down(r, last, last->place);
}

static void later_add(struct entry *e)
{
	struct relay *r = e->relay;

	if (r->n_later + 2 > r->later_size) {
		r->later_size = r->later_size == 0 ? 256 : 2 * r->later_size;
		r->later = heap_resize(r->heap, r->later, r->later_size * sizeof(struct entry *));
	}
	sift_up(r, e, ++r->n_later);
}

static void leave(struct entry *e)
{
	later_remove(e);
	if (e->state == ENTRY_READY)
		e->destination->n_ready--;
	list_remove(&e->at);
}

void entry_wait(struct entry *e)
{
	leave(e);
	e->state = ENTRY_WAITING;
	if (!e->held)
		later_add(e);
}

/* With a smart host there is one destination for all. */
static void join(struct entry *e)
{
	struct destination *d = destination_get(e->relay, entry_domain(e->recipients[0].address));

	e->destination->n_entries--;
	e->destination = d;
	d->n_entries++;
}

void entry_ready(struct entry *e)
{
	leave(e);
	join(e);
	e->state = ENTRY_READY;
	list_append(&e->destination->ready, &e->at);
	e->destination->n_ready++;
	destination_pump(e->destination);
}

void entry_clamp(struct entry *e)
{
	const struct relay *r = e->relay;
	int64_t now = relay_now_us(r);
	int64_t most = now + (int64_t)r->frame.config->relay_retry_max_s * 1000000 / 5 * 6;

	if (e->received_us > now)
		e->received_us = now;
	if (e->next_us > most)
		e->next_us = most;
}

void entries_due(struct relay *r)
{
	int64_t now = relay_now_us(r);

	for (unsigned n = 0; n < RELAY_DUE_MAX && r->n_later > 0 &&
	    r->later[1]->next_us <= now && !r->frame.draining; n++)
		entry_ready(r->later[1]);
}

/* ---- written down ---- */

void entry_changed(struct entry *e)
{
	struct relay *r = e->relay;

	if (e->flying)
		e->again = true;
	else if (list_empty(&e->dirty))
		list_append(&r->log.dirty, &e->dirty);
	queue_step(r);
}

/* The journal is not the place to wait in. */
void entries_store_slow(struct relay *r, bool all)
{
	uint64_t now = os_now_ms(r->os);

	if (r->n_fresh == 0)
		return;
	list_for (at, &r->entries) {
		struct entry *e = list_item(at, struct entry, link);

		if (!e->stored && e->state != ENTRY_GONE && list_empty(&e->dirty) &&
		    (all || now - e->since_ms >= RELAY_FRESH_MS))
			entry_changed(e);
	}
}

/* ---- over ---- */

bool entry_is_over(const struct entry *e)
{
	return entry_waiting(e) == 0 && !entry_has_failed(e);
}

void entry_settle(struct entry *e)
{
	struct relay *r = e->relay;

	if (entry_is_over(e) && e->in_report) {
		leave(e);
		e->state = ENTRY_REPORTING;
		if (e->logged)
			entry_changed(e);
		return;                 /* the report's end comes here again */
	}
	if (entry_is_over(e)) {
		leave(e);
		e->state = ENTRY_GONE;
		if (e->logged)
			entry_changed(e);
		else
			entry_free(e);
		relay_drain_check(r);
		return;
	}
	entry_changed(e);
	if (entry_waiting(e) > 0) {
		entry_wait(e);
	} else {
		leave(e);
		e->state = ENTRY_REPORTING;
	}
	if (entry_has_failed(e) || e->warn_due)
		report_start(e);
}

void entry_free(struct entry *e)
{
	struct relay *r = e->relay;

	check(!e->flying);
	leave(e);
	queue_forget(e);
	list_remove(&e->link);
	list_remove(&e->dirty);
	list_remove(&e->reporting);
	table_remove(&r->numbers, table_key(e->number));
	r->n_entries--;
	if (!e->stored) {
		r->n_fresh--;
		r->fresh_bytes -= e->fresh_bytes;
	}
	e->destination->n_entries--;
	body_unref(e->body);
	for (size_t i = 0; i < e->n_recipients; i++)
		drop_reply(r, &e->recipients[i]);
	heap_free(r->heap, e);
}
