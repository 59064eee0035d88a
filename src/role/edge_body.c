/* role/edge_body.c - a body on its way into the journal.
 *
 *   MEMORY: up to BODY_FRAME_RAW bytes gather, and become one frame at the end.
 *   More: WANTS_SPOOL -> IN_SPOOL: each BODY_FRAME_RAW bytes become a frame that
 *   pool work appends to the spool file; the client waits meanwhile.
 *
 * (1) What the header needs (submission) is done before the first frame is made.
 * (2) While edge_body_busy() the session takes no input, so raw never passes
 *     EDGE_BODY_RAW_MAX.
 * (3) When many bodies fill the memory (EDGE_BODIES_MAX), or those of a network its
 *     share of it, they go to their spool files early, in smaller frames. */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "mail/header.h"
#include "role/edge_impl.h"

static const struct smtp_reply too_many_hops = { 554, "5.4.6",
    slice_lit("Too many Received lines: this message goes round in circles") };
static const struct smtp_reply header_too_large = { 552, "5.3.4",
    slice_lit("The header is too large") };

static void on_written(struct plan *plan);

void edge_body_init(struct transaction *t)
{
	struct body *b = &t->body;

	b->raw = buffer_init(t->edge->heap, EDGE_BODY_RAW_MAX);
	b->frames = buffer_init(t->edge->heap, BODY_FRAME_STORED_MAX);
	b->spool_fd = -1;
	plan_init(&b->plan, on_written, t);
}

bool edge_body_busy(const struct transaction *t)
{
	return t->body.place == BODY_WANTS_SPOOL || t->body.writing;
}

/* Keep the sum over all bodies right whatever happened to raw. */
static void account_raw(struct transaction *t, size_t before)
{
	t->edge->body_bytes -= before;
	t->edge->body_bytes += t->body.raw.capacity;
	if (t->share != NULL) {
		t->share->body_bytes -= before;
		t->share->body_bytes += t->body.raw.capacity;
	}
}

static void free_raw(struct transaction *t)
{
	size_t before = t->body.raw.capacity;

	buffer_free(&t->body.raw);
	account_raw(t, before);
}

static void consume_raw(struct transaction *t, size_t n)
{
	size_t before = t->body.raw.capacity;

	buffer_consume(&t->body.raw, n);
	account_raw(t, before);
}

/* Nothing of the message is kept any more; the reply comes at its end. */
static void fail(struct transaction *t, const struct smtp_reply *fault)
{
	if (t->fault == NULL)
		t->fault = fault;
	free_raw(t);
	buffer_free(&t->body.frames);
}

static void finished(struct transaction *t)
{
	t->body.finished = true;
	edge_smtp_body_finished(t);
}

/* ---- the head ---- */

static const struct smtp_reply *submit_reply(enum submit_result result)
{
	static const struct smtp_reply replies[] = {
		[SUBMIT_BAD_FROM] = { 550, "5.6.0",
		    slice_lit("From or Sender holds no address that can be read") },
		[SUBMIT_TWICE] = { 550, "5.6.0", slice_lit("From or Sender is there twice") },
		[SUBMIT_BAD_HEADER] = { 550, "5.6.0",
		    slice_lit("A line of the header is no field, and no blank line stands"
			" before it") },
		[SUBMIT_MANY] = { 550, "5.6.0",
		    slice_lit("Too many addresses in From and Sender, or too many Bcc") },
	};

	return &replies[result];
}

/* Read the head of a submission and take out what must not travel. */
static bool mend_submission(struct transaction *t, bool final)
{
	struct body *b = &t->body;
	struct arena scratch = arena_init(t->edge->heap, SUBMIT_ARENA_MAX);
	struct submission *s = heap_new(t->edge->heap, struct submission);
	enum submit_result result = submit_read(buffer_bytes(&b->raw), final, &scratch, s);
	size_t len = buffer_bytes(&b->raw).len, total = 0;

	t->submission = s;
	for (size_t i = 0; result == SUBMIT_OK && i < s->n_authors; i++) {
		total += s->authors[i].len;
		if (total > EDGE_TRANSACTION_MAX / 2)
			result = SUBMIT_MANY;
		else
			s->authors[i] = slice_copy(&t->arena, s->authors[i]);
	}
	arena_reset(&scratch);
	if (result == SUBMIT_MORE)
		fail(t, &header_too_large);
	else if (result != SUBMIT_OK)
		fail(t, submit_reply(result));
	else if (len > 0)
		buffer_truncate(&b->raw, submit_cut(s, b->raw.ptr + b->raw.start, len));
	return result == SUBMIT_OK;
}

/* A message that servers hand to each other for ever gathers a line from each (RFC
 * 5321 s6.3). As much of the header as is there: loops are not that large. */
static bool is_looping(slice head)
{
	struct header_field field;
	unsigned hops = 0;

	while (header_next(&head, false, &field) == HEADER_FIELD)
		hops += slice_equal_ascii(field.name, slice_lit("Received"));
	return hops > EDGE_HOPS_MAX;
}

/* Before the first frame. A body that does not begin with a header would turn
 * into one below our trace: then the trace ends with a blank line. */
static bool do_head(struct transaction *t, bool final)
{
	struct header_field field;
	slice head;

	if (t->head_done)
		return true;
	if ((t->flags & JOURNAL_SUBMISSION) && !mend_submission(t, final))
		return false;
	head = buffer_bytes(&t->body.raw);
	if (is_looping(head)) {
		fail(t, &too_many_hops);
		return false;
	}
	edge_mailbox_read(t, head);
	t->blank_line = header_next(&head, true, &field) == HEADER_BODY;
	t->head_done = true;
	return true;
}

/* ---- frames ---- */

/* A mock's is half the work, and a third more bytes, which are few and soon gone. */
enum { EDGE_ZSTD_LEVEL = 1, MOCK_ZSTD_LEVEL = -1 };

/* Compress n bytes off the front of raw into frames. */
static bool make_frame(struct transaction *t, size_t n)
{
	struct edge *e = t->edge;
	struct body *b = &t->body;
	size_t bound = ZSTD_compressBound(n), len;
	unsigned char *out;

	check(n <= BODY_FRAME_RAW && bound <= BODY_FRAME_STORED_MAX);
	check(buffer_bytes(&b->frames).len == 0);
	out = buffer_reserve(&b->frames, bound);
	len = ZSTD_compressCCtx(e->zstd, out, bound, n > 0 ? buffer_bytes(&b->raw).ptr : out, n,
	    e->frame.config->mock ? MOCK_ZSTD_LEVEL : EDGE_ZSTD_LEVEL);
	if (ZSTD_isError(len)) {
		os_log(e->os, OS_ERROR, "zstd: %s", ZSTD_getErrorName(len));
		fail(t, &edge_later);
		return false;
	}
	buffer_filled(&b->frames, len);
	if (n > 0)
		consume_raw(t, n);
	b->size += n;
	b->stored += len;
	return true;
}

/* Write the next frame to the spool file; the last one with its sync. */
static void write_frame(struct transaction *t)
{
	struct body *b = &t->body;
	size_t raw = buffer_bytes(&b->raw).len, n = raw > BODY_FRAME_RAW ? BODY_FRAME_RAW : raw;
	uint64_t offset = b->stored;
	slice frame;

	if (!make_frame(t, n)) {
		if (b->ending)
			finished(t);
		return;
	}
	frame = buffer_bytes(&b->frames);
	checksum_add(b->stream, frame);
	plan_add(t->edge->os, &b->plan, (struct plan_step){ .verb = PLAN_WRITE,
	    .fd = b->spool_fd, .offset = offset, .bytes = frame });
	if (b->ending && buffer_bytes(&b->raw).len == 0)
		plan_add(t->edge->os, &b->plan, (struct plan_step){ .verb = PLAN_SYNC,
		    .fd = b->spool_fd });
	b->writing = true;
	plan_start(t->edge->os, &b->plan);
}

static void on_written(struct plan *plan)
{
	struct transaction *t = plan->owner;
	struct body *b = &t->body;
	int error = plan->error;

	plan_reset(t->edge->os, plan);
	b->writing = false;
	buffer_free(&b->frames);
	if (t->dropped) {
		edge_transaction_drop(t);
		return;
	}
	if (error != 0) {
		os_log(t->edge->os, OS_ERROR, "spool file: %s", strerror(-error));
		fail(t, error == -ENOSPC ? &edge_no_space : &edge_later);
	}
	if (b->ending && t->fault == NULL && buffer_bytes(&b->raw).len > 0) {
		write_frame(t);
	} else if (b->ending) {
		b->checksum = checksum_end(b->stream);
		finished(t);
	} else {
		edge_smtp_go_on(t);
	}
}

/* ---- the spool file ---- */

static void want_spool(struct transaction *t)
{
	struct edge *e = t->edge;
	struct ipc_channel *router = frame_peer(&e->frame, ROLE_ROUTER, 0);

	if (router == NULL || e->journal.lost) {
		fail(t, &edge_later);
		return;
	}
	if (e->spools_asked + e->spools_open >= e->fds_max / 16) {
		fail(t, &edge_no_space);
		return;
	}
	e->spools_asked++;
	t->body.place = BODY_WANTS_SPOOL;
	t->body.request = ++e->request_last;
	list_append(&e->spool_wanted, &t->spool_link);
	put_u64(ipc_begin(router, IPC_SPOOL_WANT), t->body.request);
	ipc_end(router, -1);
}

static struct transaction *take_wanting(struct edge *e, uint64_t request)
{
	list_for (at, &e->spool_wanted) {
		struct transaction *t = list_item(at, struct transaction, spool_link);

		if (t->body.request == request) {
			list_remove(&t->spool_link);
			return t;
		}
	}
	return NULL;
}

static void drop_spool(struct edge *e, uint64_t spool)
{
	struct ipc_channel *router = frame_peer(&e->frame, ROLE_ROUTER, 0);

	if (router == NULL)
		return;
	put_u64(ipc_begin(router, IPC_SPOOL_DROP), spool);
	ipc_end(router, -1);
}

bool edge_on_spool(struct edge *e, struct ipc_message *message)
{
	uint64_t request = get_u64(&message->body), spool = get_u64(&message->body);
	struct transaction *t;
	int fd;

	if (!bytes_end(&message->body) || (spool != 0) != (message->n_fds == 1))
		return false;
	if (e->spools_asked == 0)
		return false;
	e->spools_asked--;
	fd = ipc_take_fd(message);
	t = take_wanting(e, request);
	if (t == NULL) {                /* it went meanwhile */
		if (spool != 0) {
			os_close(e->os, fd);
			drop_spool(e, spool);
		}
		return true;
	}
	t->body.place = BODY_IN_MEMORY;
	if (spool == 0) {
		fail(t, &edge_no_space);
		edge_smtp_go_on(t);
		return true;
	}
	t->body.place = BODY_IN_SPOOL;
	t->body.spool = spool;
	t->body.spool_fd = fd;
	e->spools_open++;
	t->body.router_life = e->router_life;
	t->body.stream = heap_new(e->heap, struct checksum_stream);
	checksum_begin(t->body.stream, 0);
	write_frame(t);
	return true;
}

/* The router has gone, and forgets the files that no record names. */
void edge_spools_lost(struct edge *e)
{
	struct list *at;

	e->spools_asked = 0;
	while ((at = list_take_first(&e->spool_wanted)) != NULL) {
		struct transaction *t = list_item(at, struct transaction, spool_link);

		t->body.place = BODY_IN_MEMORY;
		fail(t, &edge_later);
		edge_smtp_go_on(t);
	}
}

/* ---- for the session ---- */

/* A frame cannot be made before the head is done, which needs all of it. */
static bool head_is_there(const struct transaction *t)
{
	slice head = buffer_bytes(&t->body.raw);
	struct header_field field;
	enum header_result result;

	if (t->head_done)
		return true;
	do
		result = header_next(&head, false, &field);
	while (result == HEADER_FIELD);
	return result != HEADER_MORE;
}

/* A frame's worth is there, or the memory of all is needed by others. */
static void move_on(struct transaction *t)
{
	size_t raw = buffer_bytes(&t->body.raw).len;
	bool full = raw > BODY_FRAME_RAW;
	bool crowded = shares_body_crowded(t->share, t->edge->body_bytes);

	if (!full && !(crowded && raw >= OS_SCRATCH_SIZE && head_is_there(t)))
		return;
	if (!do_head(t, false))
		return;
	if (t->body.place == BODY_IN_SPOOL)
		write_frame(t);
	else
		want_spool(t);
}

void edge_body_add(struct transaction *t, slice bytes)
{
	size_t before = t->body.raw.capacity;

	check(!edge_body_busy(t) && !t->body.ending);
	if (t->fault != NULL)
		return;
	buffer_add(&t->body.raw, bytes);
	account_raw(t, before);
	move_on(t);
}

void edge_body_finish(struct transaction *t)
{
	struct body *b = &t->body;
	size_t raw;

	check(!edge_body_busy(t) && !b->ending);
	b->ending = true;
	if (t->fault != NULL || !do_head(t, true)) {
		finished(t);
		return;
	}
	if (b->place == BODY_IN_SPOOL) {
		write_frame(t);
		return;
	}
	raw = buffer_bytes(&b->raw).len;
	check(raw <= BODY_FRAME_RAW);
	if (make_frame(t, raw))
		b->checksum = checksum64(buffer_bytes(&b->frames), 0);
	finished(t);
}

void edge_body_release(struct transaction *t)
{
	free_raw(t);
	buffer_free(&t->body.frames);
	heap_free(t->edge->heap, t->body.stream);
	t->body.stream = NULL;
	if (t->body.spool_fd >= 0) {
		os_close(t->edge->os, t->body.spool_fd);
		t->edge->spools_open--;
	}
	t->body.spool_fd = -1;
}

void edge_body_free(struct transaction *t)
{
	check(!t->body.writing);
	edge_body_release(t);
	if (t->body.spool != 0 && t->body.router_life == t->edge->router_life)
		drop_spool(t->edge, t->body.spool);
	t->body.spool = 0;
}
