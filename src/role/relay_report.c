/* role/relay_report.c - a sender is told that its message failed, or is late: once.
 *
 *   entry in the queue's log -> directory seals the sender -> header read -> DSN ->
 *   committed in our journal -> out of the queue's log
 *
 * (1) What is reported is in the queue's log before, so that a crash forgets nothing;
 *     the transaction's number follows from the entry, so that the next life knows
 *     what this one committed (IPC_REPORTED), and doubles nothing. What fails between
 *     the two is written as waiting (relay_log.c): it would count as told.
 * (2) Nothing is ever reported to the null sender (RFC 5321 s4.5.5). */
#include <stdio.h>
#include <string.h>

#include <zstd.h>

#include "base/check.h"
#include "base/checksum.h"
#include "directory/verdict.h"
#include "journey/event.h"
#include "mail/received.h"
#include "role/relay_impl.h"

enum { DSN_MAX = 256 * 1024, KIND_DELAY = 1, KIND_FAILURE = 2 };

void report_init(struct relay *r)
{
	r->asked = table_init(r->heap, os_random_u64(r->os));
	r->reported = table_init(r->heap, os_random_u64(r->os));
}

void report_start(struct entry *e)
{
	if (list_empty(&e->reporting))
		list_append(&e->relay->reporting, &e->reporting);
}

static uint64_t transaction_of(const struct entry *e, bool delay)
{
	uint64_t of[3] = { e->number, e->reports, delay ? KIND_DELAY : KIND_FAILURE };

	return checksum64(slice_of(of, sizeof of), 0);
}

/* ---- done with ---- */

/* The failed ones leave; or the delay has been told. */
static void settle(struct entry *e, bool delay)
{
	if (delay) {
		e->warned = true;
		e->warn_due = false;
	}
	for (size_t i = 0; i < e->n_recipients && !delay; i++) {
		struct recipient *to = &e->recipients[i];

		if (!to->in_report)
			continue;
		to->in_report = false;
		to->delivered = true;           /* nothing is left to be done for it */
		to->state = QUEUE_WAITING;
	}
	e->reports++;
	e->in_report = false;
	list_remove(&e->reporting);
	if (entry_has_failed(e) || e->warn_due)
		report_start(e);
	if (entry_waiting(e) == 0)
		entry_settle(e);
	else
		entry_changed(e);
}

static void drop(struct report *report)
{
	struct relay *r = report->relay;

	r->n_reports--;
	body_read_stop(report->reading);
	list_remove(&report->link);
	heap_free(r->heap, (void *)(uintptr_t)report->sealed.ptr);
	buffer_free(&report->head);
	heap_free(r->heap, report);
}

/* Nothing is told of it now. What failed meanwhile must be in the log before it is
 * asked for again. */
static void let_go(struct entry *e)
{
	bool more = false;

	e->in_report = false;
	for (size_t i = 0; i < e->n_recipients; i++) {
		struct recipient *to = &e->recipients[i];

		more = more || (to->state == QUEUE_FAILED && !to->in_report);
		to->in_report = false;
	}
	if (entry_is_over(e))
		entry_settle(e);
	else if (more)
		entry_changed(e);
}

/* Later: the failure stays in the queue. */
static void give_up(struct report *report)
{
	struct entry *e = report->entry;

	drop(report);
	let_go(e);
}

void report_forgo(struct report *report)
{
	struct entry *e = report->entry;
	bool delay = report->delay;

	drop(report);
	settle(e, delay);
}

static void tell(const struct report *report)
{
	struct event event;
	char id[MESSAGE_ID_TEXT];

	if (!event_begin(&event, report->relay->os, "reported"))
		return;
	event_id(&event, report->entry->id);
	event_text(&event, "to", report->entry->sender);
	event_text(&event, "kind", report->delay ? slice_lit("delay") : slice_lit("failure"));
	message_id_print(report->id, id);
	event_text(&event, "as", slice_from(id));
	event_end(&event);
}

void report_committed(struct report *report, bool ok)
{
	struct entry *e = report->entry;
	struct relay *r = report->relay;
	bool delay = report->delay;

	if (!ok) {
		give_up(report);
		return;
	}
	tell(report);
	drop(report);
	e->unsettled++;
	r->origin.unsettled++;
	settle(e, delay);
}

/* ---- the text ---- */

static size_t list_failed(const struct report *report, struct dsn_recipient *ret_list)
{
	const struct entry *e = report->entry;
	size_t n = 0;

	for (size_t i = 0; i < e->n_recipients; i++) {
		const struct recipient *to = &e->recipients[i];

		if (report->delay ? to->state == QUEUE_WAITING && !to->delivered : to->in_report)
			ret_list[n++] = (struct dsn_recipient){ to->address, to->reply };
	}
	return n;
}

bool report_is_moot(const struct report *report)
{
	struct dsn_recipient list[QUEUE_RECIPIENTS_MAX];

	return list_failed(report, list) == 0;
}

static void write_dsn(const struct report *report, struct message_id id, struct buffer *out)
{
	const struct config *config = report->relay->frame.config;
	const struct entry *e = report->entry;
	struct dsn_recipient list[QUEUE_RECIPIENTS_MAX];
	char ours[MESSAGE_ID_TEXT], theirs[MESSAGE_ID_TEXT];
	struct dsn dsn = { .delayed = report->delay, .hostname = config->hostname,
	    .to = e->sender, .arrival_us = e->received_us, .recipients = list,
	    .head = buffer_bytes(&report->head) };

	dsn.id = slice_of(ours, message_id_print(id, ours));
	dsn.envelope_id = slice_of(theirs, message_id_print(e->id, theirs));
	dsn.now_us = os_wall_us(report->relay->os);
	dsn.until_us = e->received_us + (int64_t)config->relay_expire_s * 1000000;
	dsn.n_recipients = list_failed(report, list);
	dsn_write(&dsn, out);
}

/* The id tells verify, from a pack alone, that the report may still be handed over. */
static void write_trace(const struct report *report, int64_t now_us, struct buffer *out)
{
	char id[MESSAGE_ID_TEXT];
	struct received received = { .by = report->relay->frame.config->hostname,
	    .id = slice_of(id, message_id_print(report->id, id)), .wall_us = now_us };

	received_write(&received, out);
}

void report_write(struct report *report, struct message_id id, struct buffer *out)
{
	struct heap *heap = report->relay->heap;
	struct buffer text = buffer_init(heap, DSN_MAX), trace = buffer_init(heap, RECEIVED_MAX);
	struct journal_commit commit = { .transaction = report->transaction,
	    .received_us = os_wall_us(report->relay->os), .n_recipients = 1,
	    .sealed = (slice *)(uintptr_t)&report->sealed };
	size_t bound, n;
	unsigned char *frame;

	report->id = id;
	write_trace(report, commit.received_us, &trace);
	commit.trace = buffer_bytes(&trace);
	write_dsn(report, id, &text);
	/* Where its sender's mail goes on to, a host may take no 8 bits. */
	if (!slice_is_ascii(buffer_bytes(&text)))
		commit.flags = JOURNAL_8BITMIME;
	bound = ZSTD_compressBound(buffer_bytes(&text).len);
	frame = heap_alloc(heap, bound);
	n = ZSTD_compress(frame, bound, buffer_bytes(&text).ptr, buffer_bytes(&text).len, 1);
	check(!ZSTD_isError(n));
	commit.body = (struct journal_body){ .size = buffer_bytes(&text).len, .stored = n,
	    .checksum = checksum64(slice_of(frame, n), 0), .frames = slice_of(frame, n) };
	journal_commit_write(&commit, out);
	heap_free(heap, frame);
	buffer_free(&text);
	buffer_free(&trace);
}

/* ---- the header that it is about ---- */

/* Up to the blank line, or RELAY_HEADER_MAX. True: that is all of it. */
static bool take_head(struct report *report, slice piece)
{
	size_t room = RELAY_HEADER_MAX - buffer_bytes(&report->head).len;
	slice head, end = slice_lit("\r\n\r\n");
	size_t at;

	buffer_add(&report->head, slice_head(piece, piece.len < room ? piece.len : room));
	head = buffer_bytes(&report->head);
	at = slice_find(head, end);
	if (at < head.len) {
		buffer_truncate(&report->head, at + 2);
		return true;
	}
	if (head.len < RELAY_HEADER_MAX)
		return false;
	/* Whole lines only. */
	at = slice_find_last_byte(head, '\n');
	buffer_truncate(&report->head, at < head.len ? at + 1 : 0);
	return true;
}

static void on_piece(struct reading *reading, slice piece, bool ok)
{
	struct report *report = reading->owner;

	/* A body that can't be read is reported without. */
	if (ok && piece.len > 0 && !take_head(report, piece)) {
		body_read_on(reading);
		return;
	}
	body_read_stop(reading);
	report->reading = NULL;
	origin_commit(report);
}

/* ---- the directory's word ---- */

static void nobody_to_tell(struct entry *e, bool delay, const char *why)
{
	char id[MESSAGE_ID_TEXT];

	message_id_print(e->id, id);
	os_log(e->relay->os, OS_WARN, "%s: nobody is told that it %s: %s", id,
	    delay ? "is late" : "failed", why);
	settle(e, delay);
}

bool report_answer(struct relay *r, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in);
	unsigned verdict = get_u8(in);
	slice sealed;
	struct report *report;
	struct entry *e;
	bool delay;

	get_slice(in, IPC_TEXT_MAX);
	sealed = get_slice(in, SEALED_MAX);
	if (!bytes_end(in))
		return false;
	report = table_remove(&r->asked, table_key(request));
	if (report == NULL)
		return true;
	e = report->entry;
	delay = report->delay;
	if (verdict == DIRECTORY_OK && sealed.len > 0) {
		report->sealed = entry_copy(r, sealed);
		report->reading = body_read(e->body, on_piece, report);
	} else if (directory_verdict_row(verdict)->smtp_code / 100 == 4) {
		r->judge_again_ms = os_now_ms(r->os) + RELAY_RETRY_MS;
		give_up(report);
	} else {
		drop(report);
		nobody_to_tell(e, delay, directory_verdict_row(verdict)->words);
	}
	return true;
}

void report_directory_left(struct relay *r)
{
	struct report *report;
	size_t at = 0;

	while ((report = table_next(&r->asked, &at)) != NULL) {
		table_remove(&r->asked, table_key(report->request));
		give_up(report);
		at = 0;
	}
}

/* ---- begin ---- */

static void ask(struct relay *r, struct entry *e, bool delay)
{
	static const unsigned char nowhere[16];
	struct ipc_channel *directory = frame_peer(&r->frame, ROLE_DIRECTORY, 0);
	struct report *report = heap_new(r->heap, struct report);
	struct buffer *out = ipc_begin(directory, IPC_RECIPIENT);

	report->relay = r;
	report->entry = e;
	report->delay = delay;
	report->transaction = transaction_of(e, delay);
	report->request = ++r->request_last;
	report->head = buffer_init(r->heap, RELAY_HEADER_MAX);
	list_init(&report->link);
	e->in_report = true;
	r->n_reports++;
	table_put(&r->asked, table_key(report->request), report);
	put_u64(out, report->request);
	put_u64(out, report->transaction);
	put_u8(out, RECIPIENT_REPORT | RECIPIENT_FIRST);
	buffer_add(out, slice_of(nowhere, sizeof nowhere));
	put_u64(out, 0);
	put_slice(out, (slice){ 0 });
	put_slice(out, e->sender);
	ipc_end(directory, -1);
}

/* An earlier life committed it. */
static void was_reported(struct relay *r, struct entry *e, bool delay)
{
	e->unsettled++;
	r->origin.unsettled++;
	settle(e, delay);
}

static slice postmaster(struct relay *r)
{
	char text[SEALED_ADDRESS_MAX];
	int n = snprintf(text, sizeof text, "postmaster@%.*s",
	    slice_arg(r->frame.config->domains[0]));

	return entry_copy(r, slice_of(text, (size_t)n));
}

static bool is_reported(const struct relay *r, const struct entry *e, bool delay)
{
	uint64_t transaction = transaction_of(e, delay);

	return table_get(&r->reported, table_key(transaction)) != NULL;
}

/* What failed before is set apart from what fails until we hear. */
void report_loaded(struct entry *e)
{
	for (size_t i = 0; i < e->n_recipients; i++)
		e->recipients[i].in_report = e->recipients[i].state == QUEUE_FAILED;
	e->in_report = entry_has_failed(e);
	if (e->in_report)
		report_start(e);
}

/* Before IPC_REPORTED_OVER: then the router forgets what it told. */
void reports_compare(struct relay *r)
{
	if (r->compared)
		return;
	r->compared = true;
	list_for (at, &r->entries) {
		struct entry *e = list_item(at, struct entry, link);

		if (!e->stored || e->state == ENTRY_GONE)
			continue;
		if (e->in_report && is_reported(r, e, false))
			was_reported(r, e, false);
		else if (e->in_report)
			let_go(e);
		if (e->state != ENTRY_GONE && !e->warned && is_reported(r, e, true))
			was_reported(r, e, true);
	}
}

static void begin(struct relay *r, struct entry *e)
{
	bool delay = !entry_has_failed(e);

	for (size_t i = 0; i < e->n_recipients && !delay; i++)
		e->recipients[i].in_report = e->recipients[i].state == QUEUE_FAILED;
	if (e->sender.len == 0 && os_planted(r->os, OS_PLANT_NULL_BOUNCE))
		e->sender = postmaster(r);
	if (e->sender.len == 0)
		nobody_to_tell(e, delay, "it has no sender");
	else if (is_reported(r, e, delay))
		was_reported(r, e, delay);
	else
		ask(r, e, delay);
}

void reports_step(struct relay *r)
{
	if (!r->compared || list_empty(&r->reporting) || r->frame.draining ||
	    os_now_ms(r->os) < r->judge_again_ms ||
	    frame_peer(&r->frame, ROLE_DIRECTORY, 0) == NULL)
		return;
	list_for (at, &r->reporting) {
		struct entry *e = list_item(at, struct entry, reporting);

		if (r->n_reports == RELAY_REPORTS_MAX)
			return;
		if (e->in_report || !e->stored || e->flying || !list_empty(&e->dirty) ||
		    e->state == ENTRY_GONE || e->state == ENTRY_SENDING)
			continue;
		begin(r, e);
	}
}
