/* cli/bench_imap_rows.c - what the first connection of bench imap does, step by step. A step
 * with a row is measured from its command to its tagged reply. */
#include <stdio.h>

#include "base/check.h"
#include "base/limits.h"
#include "cli/bench_imap.h"

#define NO_ROW BENCH_IMAP_ROWS

enum verb {
	SAY,                            /* the command */
	TRY,                            /* likewise; NO will do */
	FILL,                           /* the mailbox `text`, which is selected, up to so many */
	APPEND,                         /* plan.appends to the mailbox `text`, one by one */
	CROWD,
	END,
};

#define HEADERS "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"

static const struct step {
	enum verb verb;
	enum bench_imap_row_name row;
	const char *text;
} steps[] = {
	{ SAY, NO_ROW, "CAPABILITY" },
	{ TRY, NO_ROW, "CREATE " BENCH_IMAP_FEW_BOX },
	{ SAY, NO_ROW, "SELECT " BENCH_IMAP_FEW_BOX },
	{ FILL, NO_ROW, BENCH_IMAP_FEW_BOX },
	{ TRY, NO_ROW, "CREATE " BENCH_IMAP_BOX },
	{ SAY, NO_ROW, "SELECT " BENCH_IMAP_BOX },
	{ FILL, NO_ROW, BENCH_IMAP_BOX },
	{ TRY, NO_ROW, "DELETE bench-copy" },
	{ SAY, NO_ROW, "CREATE bench-copy" },
	{ TRY, NO_ROW, "DELETE bench-moved" },
	{ SAY, NO_ROW, "CREATE bench-moved" },
	{ SAY, BENCH_IMAP_SELECT, "SELECT " BENCH_IMAP_BOX },
	{ SAY, BENCH_IMAP_FLAGS, "FETCH 1:* (FLAGS)" },
	{ SAY, BENCH_IMAP_HEADERS, HEADERS },
	{ SAY, BENCH_IMAP_AGAIN, HEADERS },
	{ SAY, BENCH_IMAP_BODIES, "FETCH 1:* BODY.PEEK[]" },
	{ SAY, BENCH_IMAP_SUBJECT, "SEARCH SUBJECT \"number 7\"" },
	{ SAY, BENCH_IMAP_TEXT, "SEARCH BODY \"needle\"" },
	/* One that did it before left them flagged. */
	{ SAY, NO_ROW, "STORE 1:* -FLAGS.SILENT (\\Flagged)" },
	{ SAY, BENCH_IMAP_STORE, "STORE 1:* +FLAGS (\\Flagged)" },
	{ SAY, BENCH_IMAP_COPY, "COPY 1:* bench-copy" },
	{ SAY, NO_ROW, "SELECT bench-copy" },
	{ SAY, BENCH_IMAP_MOVE, "MOVE 1:* bench-moved" },
	{ SAY, NO_ROW, "SELECT bench-moved" },
	{ SAY, NO_ROW, "STORE 1:* +FLAGS.SILENT (\\Deleted)" },
	{ SAY, BENCH_IMAP_EXPUNGE, "EXPUNGE" },
	{ APPEND, BENCH_IMAP_APPEND, "bench-moved" },
	{ CROWD, BENCH_IMAP_SESSIONS, "" },
	{ TRY, NO_ROW, "CLOSE" },
	{ TRY, NO_ROW, "DELETE bench-copy" },
	{ TRY, NO_ROW, "DELETE bench-moved" },
	{ END, NO_ROW, "" },
};

static void begin_step(struct bench_imap *b);

static bool look(struct bench_imap *b, struct bench_process_use *ret)
{
	return b->plan.pid != 0 && bench_process_look(os_heap(b->os), b->plan.pid, false, ret);
}

static void measure(struct bench_imap *b)
{
	b->count = 0;
	b->bytes_before = b->peer.bytes;
	look(b, &b->before);
	b->began_us = os_now_us(b->os);
}

static void measured(struct bench_imap *b, enum bench_imap_row_name name, unsigned long count)
{
	struct bench_imap_row *row = &b->rows[name];
	struct bench_process_use now;

	row->seconds = (double)(os_now_us(b->os) - b->began_us) / 1e6;
	row->done = true;
	row->count = count;
	row->bytes = b->peer.bytes - b->bytes_before;
	row->has_cpu = look(b, &now);
	if (row->has_cpu)
		row->cpu_s = now.cpu_s - b->before.cpu_s;
	bench_imap_take_latencies(&b->latencies, row);
}

static void next_step(struct bench_imap *b)
{
	b->step++;
	begin_step(b);
}

static void stop(struct bench_imap *b)
{
	b->over = true;
	bench_imap_close(&b->peer);
}

/* ---- each verb ---- */

static void fill(struct bench_imap *b, const char *box)
{
	unsigned long wanted = steps[b->step].text[sizeof BENCH_IMAP_BOX - 1] == '\0' ?
	    b->plan.messages : BENCH_IMAP_FEW;

	if (b->held >= wanted)
		next_step(b);
	else
		bench_imap_append_start(b, box, (unsigned long)b->held, wanted, false);
}

static void begin_step(struct bench_imap *b)
{
	const struct step *step = &steps[b->step];

	if (step->row != NO_ROW)
		measure(b);
	switch (step->verb) {
	case SAY:
	case TRY:
		bench_imap_command(&b->peer, step->text);
		break;
	case FILL:
		fill(b, step->text);
		break;
	case APPEND:
		bench_imap_append_start(b, step->text, 0, b->plan.appends, true);
		break;
	case CROWD:
		bench_imap_crowd_start(b);
		break;
	case END:
		stop(b);
		break;
	}
}

void bench_imap_crowd_done(struct bench_imap *b)
{
	measured(b, BENCH_IMAP_SESSIONS, b->latencies.n);
	link_patience(&b->peer.link, BENCH_IMAP_PATIENCE_MS);
	next_step(b);
	link_flush(&b->peer.link);
}

/* ---- what comes ---- */

static void note_capabilities(struct bench_imap *b, const struct imap_client_event *event)
{
	slice rest = event->text;

	while (rest.len > 0) {
		slice word = slice_cut(&rest, ' ');

		b->literal_plus = b->literal_plus || slice_equal_ascii(word, slice_lit("LITERAL+"));
		b->multiappend = b->multiappend || slice_equal_ascii(word, slice_lit("MULTIAPPEND"));
	}
}

static void on_append(struct bench_imap *b, const struct imap_client_event *event)
{
	const struct step *step = &steps[b->step];

	switch (bench_imap_append_event(b, event)) {
	case BENCH_IMAP_GOES_ON:
		return;
	case BENCH_IMAP_FAULT:
		stop(b);
		return;
	case BENCH_IMAP_DONE:
		break;
	}
	if (step->row != NO_ROW)
		measured(b, step->row, b->plan.appends);
	next_step(b);
}

static void on_done(struct bench_imap *b, const struct imap_client_event *event)
{
	const struct step *step = &steps[b->step];

	if (event->status != IMAP_CLIENT_OK && step->verb != TRY) {
		bench_imap_fault_event(b, step->text, event);
		stop(b);
		return;
	}
	if (step->row != NO_ROW)
		measured(b, step->row, b->count);
	next_step(b);
}

static void on_event(struct bench_imap_peer *peer, const struct imap_client_event *event)
{
	struct bench_imap *b = peer->bench;
	const struct step *step = &steps[b->step];

	if (event->kind == IMAP_CLIENT_EVENT_RESPONSE) {
		b->count++;
		if (slice_equal_ascii(event->name, slice_lit("EXISTS")))
			b->held = event->number;
		if (slice_equal_ascii(event->name, slice_lit("CAPABILITY")))
			note_capabilities(b, event);
	}
	if (step->verb == FILL || step->verb == APPEND)
		on_append(b, event);
	else if (event->kind == IMAP_CLIENT_EVENT_DONE)
		on_done(b, event);
}

static void on_ready(struct bench_imap_peer *peer)
{
	begin_step(peer->bench);
}

static void on_sent(struct bench_imap_peer *peer)
{
	bench_imap_append_more(peer->bench);
}

static void on_down(struct bench_imap_peer *peer)
{
	struct bench_imap *b = peer->bench;

	b->over = true;
	os_stop(b->os, 0);
}

static const struct bench_imap_handler handler = {
	.ready = on_ready, .event = on_event, .sent = on_sent, .down = on_down,
};

void bench_imap_start(struct bench_imap *b)
{
	b->peer = (struct bench_imap_peer){ .bench = b, .handler = &handler };
	bench_imap_open(&b->peer);
}
