/* cli/export_run.c - a mailbox's messages, by UID, in groups, to a target. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/export.h"

struct wanted {
	uint64_t size;
	uint32_t uid;
};

struct run {
	struct export *e;
	slice mailbox;
	struct arena arena;             /* of one response */
	uint32_t uidvalidity;
	struct wanted *list;            /* what the target has not, by UID */
	size_t n, room;
	size_t got;                     /* of the FETCH that is under way */
	bool failed;                    /* the target: after a line */
	bool begun;                     /* of a long message */
	uint64_t at;                    /* how much of that is there */
};

/* ---- what is to come ---- */

static void on_examined(void *context, const struct imap_client_event *event)
{
	struct run *r = context;
	slice code = slice_lit("[UIDVALIDITY "), rest = event->text;
	uint64_t value;

	if (event->status != IMAP_CLIENT_OK || !slice_starts_ascii(rest, code))
		return;
	rest = slice_drop(rest, code.len);
	if (slice_to_u64(slice_cut(&rest, ']'), UINT32_MAX, &value))
		r->uidvalidity = (uint32_t)value;
}

static void on_size(void *context, const struct imap_client_event *event)
{
	struct run *r = context;
	struct haul *haul = r->e->haul;
	struct mail_fetched f;

	arena_reset(&r->arena);
	if (!slice_equal_ascii(event->name, slice_lit("FETCH")) ||
	    !mail_fetched_read(event->text, &r->arena, &f))
		return;
	if (r->e->kind->has(r->e, f.uid)) {
		haul->present++;
		return;
	}
	if (r->n == r->room) {
		size_t room = r->room > 0 ? 2 * r->room : 1024;
		struct wanted *more = heap_alloc(r->e->heap, room * sizeof *more);

		if (r->n > 0)
			memcpy(more, r->list, r->n * sizeof *more);
		heap_free(r->e->heap, r->list);
		r->list = more;
		r->room = room;
	}
	r->list[r->n++] = (struct wanted){ f.size, f.uid };
	haul->total_bytes += f.size;
}

/* ---- messages ---- */

static struct export_message message_of(const struct mail_fetched *f)
{
	return (struct export_message){ .uid = f->uid, .flags = f->flags, .keywords = f->keywords,
		.received_s = f->received_s, .size = f->size };
}

static void count(struct run *r, uint64_t size)
{
	r->got++;
	r->e->haul->done++;
	r->e->haul->done_bytes += size;
}

/* A message, or a piece of one; not a flag that changes meanwhile, which is told, too. */
static bool read_text(struct run *r, const struct imap_client_event *event, struct mail_fetched *ret)
{
	arena_reset(&r->arena);
	return !r->failed && slice_equal_ascii(event->name, slice_lit("FETCH")) &&
	    mail_fetched_read(event->text, &r->arena, ret) && ret->body.ptr != NULL;
}

static void on_message(void *context, const struct imap_client_event *event)
{
	struct run *r = context;
	struct export_message m;
	struct mail_fetched f;

	if (!read_text(r, event, &f))
		return;
	m = message_of(&f);
	if (r->e->kind->begin(r->e, &m, f.body) && r->e->kind->text(r->e, f.body, true))
		count(r, f.body.len);
	else
		r->failed = true;
	r->e->haul->at_bytes += f.body.len;
}

static void on_piece(void *context, const struct imap_client_event *event)
{
	struct run *r = context;
	struct export_message m;
	struct mail_fetched f;

	if (!read_text(r, event, &f))
		return;
	m = message_of(&f);
	r->at += f.body.len;
	r->e->haul->at_bytes += f.body.len;
	if ((r->begun || r->e->kind->begin(r->e, &m, f.body)) &&
	    r->e->kind->text(r->e, f.body, r->at >= f.size))
		r->begun = true;
	else
		r->failed = true;
	if (!r->failed && r->at >= f.size)
		count(r, f.size);
}

static bool fetch(struct run *r, const char *line,
    void (*on)(void *context, const struct imap_client_event *event))
{
	bool ok = mail_session_run(r->e->session, slice_from(line), on, r);

	haul_show(r->e->haul);
	return !r->failed && (ok || !r->e->session->failed);
}

/* One that is longer than a literal may be. */
static bool fetch_long(struct run *r, const struct wanted *w)
{
	char line[160];
	bool ok = true, moves = true;

	r->begun = false;
	r->at = 0;
	while (ok && moves && r->at < w->size) {
		uint64_t before = r->at;

		snprintf(line, sizeof line, "UID FETCH %u (UID FLAGS INTERNALDATE RFC822.SIZE "
		    "BINARY.PEEK[]<%llu.%u>)", w->uid, (unsigned long long)r->at, MAIL_LITERAL_MAX);
		ok = fetch(r, line, on_piece);
		moves = r->at > before;
	}
	if (r->at < w->size && r->begun)
		r->e->kind->abort(r->e);
	return ok;
}

/* From `first` on as many as go together; *ret_n of them. */
static bool fetch_group(struct run *r, size_t first, size_t *ret_n)
{
	struct buffer line = buffer_init(r->e->heap, 16 * EXPORT_BATCH + 200);
	uint64_t bytes = 0;
	bool ok = true;
	size_t n = 0;

	while (first + n < r->n && n < EXPORT_BATCH && bytes < EXPORT_BATCH_BYTES &&
	    r->list[first + n].size <= MAIL_LITERAL_MAX) {
		buffer_printf(&line, "%s%u", n == 0 ? "UID FETCH " : ",", r->list[first + n].uid);
		bytes += r->list[first + n++].size;
	}
	r->got = 0;
	if (n > 0) {
		buffer_add(&line, slice_lit(" (UID FLAGS INTERNALDATE RFC822.SIZE BINARY.PEEK[])\0"));
		ok = fetch(r, (const char *)buffer_bytes(&line).ptr, on_message);
	} else {
		ok = fetch_long(r, &r->list[first]);
		n = 1;
	}
	buffer_free(&line);
	*ret_n = n;
	if (ok && r->got < n)
		haul_note(r->e->haul, "%zu message%s of the UIDs from %u to %u could not be read, or "
		    "went meanwhile", n - r->got, n - r->got == 1 ? "" : "s", r->list[first].uid,
		    r->list[first + n - 1].uid);
	if (ok)
		r->e->haul->failed += n - r->got;
	return ok;
}

static bool bring_all(struct run *r)
{
	bool ok = true;
	size_t n;

	for (size_t i = 0; i < r->n && ok && !haul_stopped(); i += n) {
		ok = fetch_group(r, i, &n) && r->e->kind->commit(r->e, r->list[i + n - 1].uid);
	}
	return ok;
}

/* ---- a mailbox ---- */

static bool examine(struct run *r)
{
	struct buffer line = buffer_init(r->e->heap, 16 * IMAP_NAME_MAX);
	bool ok = mail_session_name(&line, "EXAMINE", r->mailbox) &&
	    mail_session_run(r->e->session, buffer_bytes(&line), on_examined, r);

	buffer_free(&line);
	return ok;
}

bool export_run(struct export *e, slice mailbox)
{
	struct run r = { .e = e, .mailbox = mailbox, .arena = arena_init(e->heap,
	    IMAP_PARSE_ARENA_MAX) };
	bool ok = examine(&r);

	if (ok) {
		ok = e->kind->open(e, mailbox, r.uidvalidity);
		ok = ok && mail_session_run(e->session, slice_lit("UID FETCH 1:* (UID RFC822.SIZE)"),
		    on_size, &r) && bring_all(&r);
		e->kind->close(e);
	}
	if (ok)
		json_array_append_new(e->haul->mailboxes,
		    json_stringn((const char *)mailbox.ptr, mailbox.len));
	heap_free(e->heap, r.list);
	arena_reset(&r.arena);
	return ok;
}
