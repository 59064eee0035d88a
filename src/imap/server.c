/* imap/server.c - the engine's frame: what runs, what it waits for, what goes out. The
 * states and invariants stand in server_impl.h. */
#include "imap/server.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/server_impl.h"

/* ---- life ---- */

struct imap_server *imap_server_create(struct heap *heap,
    const struct imap_server_config *config, bool secure, bool loopback)
{
	struct imap_server *s = heap_new(heap, struct imap_server);

	s->heap = heap;
	s->config = config;
	s->state = IMAP_NOT_AUTHENTICATED;
	s->secure = secure;
	s->loopback = loopback;
	s->out = buffer_init(heap, IMAP_SYNC_MAX);
	s->last = buffer_init(heap, IMAP_SYNC_MAX);
	s->command = buffer_init(heap, IMAP_LOGIN_COMMAND_MAX);
	s->text = buffer_init(heap, IMAP_TEXT_PIECE);
	s->arena = arena_init(heap, IMAP_PARSE_ARENA_MAX + IMAP_SEARCH_ARENA_MAX);
	imap_server_turn(s);
	return s;
}

static void wipe_command(struct imap_server *s)
{
	if (s->command.ptr != NULL && s->state == IMAP_NOT_AUTHENTICATED)
		explicit_bzero(s->command.ptr, s->command.capacity);
	buffer_free(&s->command);
}

static void free_command(struct imap_server *s)
{
	heap_free(s->heap, s->uids);
	s->uids = NULL;
	arena_reset(&s->arena);
	buffer_free(&s->last);
	imap_work_free(s->building);
	imap_work_free(s->spare);
	s->building = s->spare = NULL;
	s->job = NULL;
	s->step = NULL;
	s->drains = false;
}

void imap_server_destroy(struct imap_server *s)
{
	if (s == NULL)
		return;
	wipe_command(s);
	imap_forget_login(s);
	imap_unselect(s);
	free_command(s);
	imap_work_free(s->ready);
	imap_work_free(s->held);
	buffer_free(&s->text);
	buffer_free(&s->out);
	heap_free(s->heap, (void *)(uintptr_t)s->login.ptr);
	heap_free(s->heap, s);
}

void imap_server_greet(struct imap_server *s)
{
	buffer_add(&s->out, slice_lit("* OK [CAPABILITY "));
	imap_put_capabilities(s, &s->out);
	buffer_printf(&s->out, "] %.*s IMAP ready\r\n", slice_arg(s->config->hostname));
}

/* Only what is printable: words may come from elsewhere. */
static void say_bye(struct imap_server *s, const char *code, slice words)
{
	buffer_add(&s->out, slice_lit("* BYE "));
	if (code != NULL)
		buffer_printf(&s->out, "[%s] ", code);
	for (size_t i = 0; i < words.len && i < IMAP_WORDS_MAX; i++) {
		unsigned char c = words.ptr[i];

		if (c < ' ' || c > '~')
			c = '?';
		buffer_add(&s->out, slice_of(&c, 1));
	}
	buffer_add(&s->out, slice_lit("\r\n"));
}

/* A SEARCH writes its line step by step. */
static bool ends_in_line(const struct imap_server *s)
{
	slice out = buffer_bytes(&s->out);

	return out.len > 0 ? !slice_ends(out, slice_lit("\n")) : s->in_line;
}

void imap_server_refuse(struct imap_server *s, const char *code, slice words)
{
	if (s->state == IMAP_OVER)
		return;
	/* In the middle of a response nothing can be said. */
	if (s->ready == NULL && s->held == NULL && buffer_room(&s->out) >= IMAP_REPLY_ROOM &&
	    !ends_in_line(s))
		say_bye(s, code, words);
	imap_end(s);
}

void imap_server_timeout(struct imap_server *s)
{
	imap_server_refuse(s, NULL, slice_lit("too long silent, closing"));
}

bool imap_server_idles(const struct imap_server *s)
{
	return s->wait == IMAP_WAIT_NOTHING && s->step == NULL;
}

slice imap_server_tag(const struct imap_server *s)
{
	return s->tag;
}

/* What the edge had as a tag. */
static slice judge_tag(struct imap_server *s, slice tag)
{
	struct imap_parse p = imap_parse_begin(tag, &s->arena);
	slice good;

	return imap_take_tag(&p, &good) && imap_take_end(&p) ? good : slice_lit("*");
}

void imap_server_deny(struct imap_server *s, slice tag, const char *code, slice words)
{
	buffer_printf(&s->out, "%.*s NO [%s] %.*s\r\n", slice_arg(judge_tag(s, tag)), code,
	    slice_arg(words));
	imap_server_refuse(s, NULL, slice_lit("closing"));
}

void imap_server_resume(struct imap_server *s, const struct imap_host *host, slice tag,
    slice login)
{
	unsigned char *copy = heap_alloc(s->heap, login.len + 1);

	if (login.len > 0)
		memcpy(copy, login.ptr, login.len);
	s->login = slice_of(copy, login.len);
	s->host = host;
	s->state = IMAP_AUTHENTICATED;
	s->command = buffer_init(s->heap, IMAP_COMMAND_MAX);
	buffer_printf(&s->out, "%.*s OK [CAPABILITY ", slice_arg(judge_tag(s, tag)));
	imap_put_capabilities(s, &s->out);
	buffer_add(&s->out, slice_lit("] logged in\r\n"));
}

/* ---- events ---- */

void imap_raise(struct imap_server *s, struct imap_event event)
{
	s->event = event;
	s->event_ready = true;
}

void imap_ask(struct imap_server *s, enum imap_wait wait, struct imap_event event)
{
	check(s->wait == IMAP_WAIT_NOTHING);
	s->wait = wait;
	imap_raise(s, event);
}

void imap_ask_change(struct imap_server *s, void (*answered)(struct imap_server *s,
    enum imap_result result))
{
	s->answered = answered;
	imap_ask(s, IMAP_WAIT_CHANGE, (struct imap_event){
	    .kind = IMAP_EVENT_CHANGE, .change = &s->change });
}

void imap_end(struct imap_server *s)
{
	if (s->event_ready && s->event.kind == IMAP_EVENT_WORK)
		imap_work_free(s->event.work);  /* nobody took it */
	imap_forget_login(s);
	imap_sync_stop(s);
	s->state = IMAP_OVER;
	s->wait = IMAP_WAIT_NOTHING;
	s->step = NULL;
	imap_raise(s, (struct imap_event){ .kind = IMAP_EVENT_BYE });
}

bool imap_server_next(struct imap_server *s, struct imap_event *ret_event)
{
	if (!s->event_ready)
		return false;
	s->event_ready = false;
	*ret_event = s->event;
	return true;
}

bool imap_answered(struct imap_server *s, enum imap_wait wait)
{
	if (s->state == IMAP_OVER)
		return false;           /* the session ended meanwhile */
	check(s->wait == wait && !s->event_ready);
	s->wait = IMAP_WAIT_NOTHING;
	return true;
}

void imap_server_changed(struct imap_server *s, enum imap_result result)
{
	if (!imap_answered(s, IMAP_WAIT_CHANGE))
		return;
	s->answered(s, result);
	imap_go_on(s);
}

void imap_server_worked(struct imap_server *s, struct imap_work *work)
{
	if (!imap_answered(s, IMAP_WAIT_WORK)) {
		imap_work_free(work);
		return;
	}
	s->worked(s, work);
	imap_go_on(s);
}

void imap_spare(struct imap_server *s, struct imap_work *work)
{
	if (s->job == NULL || s->spare != NULL || heap_used(work->heap) > IMAP_WORK_SPARE ||
	    (work->beside != NULL && heap_used(work->beside->heap) > IMAP_WORK_SPARE))
		imap_work_free(work);
	else
		s->spare = work;
}

struct imap_work *imap_take_spare(struct imap_server *s)
{
	struct imap_work *work = s->spare;

	s->spare = NULL;
	if (work != NULL)
		imap_work_again(work);
	return work;
}

uint64_t imap_work_octets(enum imap_work_need need, bool quick, const struct imap_message *message)
{
	if (quick)
		return IMAP_WORK_DIGEST;
	return need == IMAP_NEED_HEADER && message->size > IMAP_WORK_HEADER ? IMAP_WORK_HEADER :
	    message->size;
}

/* ---- what runs ---- */

bool imap_room(const struct imap_server *s)
{
	return buffer_bytes(&s->out).len < IMAP_OUTPUT_MAX;
}

bool imap_yields(struct imap_server *s, unsigned units)
{
	s->budget = s->budget > units ? s->budget - units : 0;
	s->hungry = s->budget == 0;
	return s->hungry;
}

void imap_charge(struct imap_server *s, size_t n)
{
	(void)imap_yields(s, n / 16 < IMAP_TURN_UNITS ? (unsigned)n / 16 : IMAP_TURN_UNITS);
}

static bool may_step(const struct imap_server *s)
{
	return s->step != NULL && s->wait == IMAP_WAIT_NOTHING && !s->event_ready && imap_room(s) &&
	    !s->hungry && s->held == NULL && !(s->drains && s->ready != NULL);
}

void imap_go_on(struct imap_server *s)
{
	while (may_step(s))
		s->step(s);
}

void imap_server_turn(struct imap_server *s)
{
	s->budget = IMAP_TURN_UNITS;
	s->hungry = false;
}

bool imap_server_run(struct imap_server *s)
{
	imap_go_on(s);
	return s->hungry && s->state != IMAP_OVER;
}

void imap_command_over(struct imap_server *s)
{
	free_command(s);
	wipe_command(s);
	s->scanned = 0;
	s->tag = (slice){ 0 };
	s->row = NULL;
	s->change = (struct imap_change){ 0 };
}

/* ---- bytes ---- */

size_t imap_server_feed(struct imap_server *s, slice in)
{
	size_t used = 0;

	imap_go_on(s);
	while (used < in.len) {
		size_t n;

		/* RFC 9051 s6.2.1: what came behind STARTTLS in the clear is worth nothing. */
		if (s->state == IMAP_OVER || s->wait == IMAP_WAIT_TLS)
			return in.len;
		if (s->event_ready || s->wait != IMAP_WAIT_NOTHING || s->step != NULL ||
		    s->ready != NULL || s->hungry || !imap_room(s))
			break;
		n = imap_read(s, slice_drop(in, used));
		used += n;
		imap_go_on(s);
		if (n == 0)
			break;
	}
	return used;
}

slice imap_server_output(const struct imap_server *s)
{
	slice out = buffer_bytes(&s->out);

	if (out.len == 0 && s->ready != NULL)
		return buffer_bytes(imap_work_output(s->ready));
	return out;
}

void imap_server_sent(struct imap_server *s, size_t n)
{
	if (buffer_bytes(&s->out).len > 0) {
		s->in_line = n > 0 ? buffer_bytes(&s->out).ptr[n - 1] != '\n' : s->in_line;
		buffer_consume(&s->out, n);
	} else if (n > 0) {
		struct imap_work *work = s->ready;
		struct buffer *out;

		check(work != NULL);
		out = imap_work_output(work);
		if (n < buffer_bytes(out).len)
			buffer_consume(out, n);
		else
			buffer_truncate(out, 0);        /* its memory serves again */
		if (imap_work_unsent(work) == 0) {
			s->ready = s->held;
			s->held = NULL;
			imap_spare(s, work);
		}
	}
	imap_go_on(s);
}
