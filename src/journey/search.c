/* journey/search.c - other hosts' folders are read for who brought the message; then each
 * twice: for the events that name it, then for those of its session and of its mailboxes,
 * which do not. */
#include "journey/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { ID = 64, NUMBER = 32, SENDER = 400, SCRATCH = 64 * 1024 };

/* A message as one host calls it. */
struct hop {
	size_t folder;
	char id[ID];
};

/* A mailbox in which it was filed. */
struct place {
	slice account;
	int64_t uid, filed_us;
	bool durable;                   /* it was synced since */
};

/* What is read for, or was; what follows is decided when it has been. */
enum pass { BACK, BEGIN, BY_ID, BY_SESSION, END };

struct journey_search {
	struct heap *heap;
	struct arena arena, scratch;
	struct journey_found *found;    /* JOURNEY_FOUND_MAX of them at most */
	size_t n, capacity;
	enum pass pass;
	struct hop hops[TRACE_HOPS_MAX];        /* where it was; those after `at`: where it may be */
	size_t n_hops, at;
	size_t n_folders, before;       /* what was found before this hop */
	char id[ID];                    /* which message is asked for */
	struct hop origin;              /* where it came from, as somebody's words have it */
	size_t back;                    /* the folder that is read for those */
	bool reached;                   /* from there it came to us, indeed */
	bool over;                      /* what was found is in order */
	bool known;                     /* some host knows it */
	bool followed;                  /* its session brought another message afterwards */
	char role[NUMBER], session[NUMBER], transaction[NUMBER];
	char sender[SENDER], first_sender[SENDER];
	struct place *places;           /* JOURNEY_PLACES_MAX */
	size_t n_places, n_syncing;
	int64_t accepted_us, first_us;
};

/* ---- what is found ---- */

static bool has(slice line, const char *needle)
{
	return slice_find(line, slice_from(needle)) < line.len;
}

/* What is longer is none of ours. */
static void copy(char *to, size_t size, slice text)
{
	snprintf(to, size, "%.*s", text.len < size ? (int)text.len : 0, (const char *)text.ptr);
}

static bool grow(struct journey_search *s)
{
	if (s->n >= JOURNEY_FOUND_MAX)
		return false;
	if (s->n < s->capacity)
		return true;
	s->capacity = s->capacity > 0 ? 2 * s->capacity : 32;
	s->found = heap_resize(s->heap, s->found, s->capacity * sizeof *s->found);
	return true;
}

/* With a copy of the line. NULL: it is no event, or there is no room. */
static const struct event_view *keep(struct journey_search *s, slice line)
{
	struct journey_found found = { .folder = s->hops[s->at].folder, .number = s->n };
	unsigned char *bytes = arena_try(&s->arena, line.len, 1);

	if (bytes == NULL || !grow(s))
		return NULL;
	memcpy(bytes, line.ptr, line.len);
	if (!event_read(slice_of(bytes, line.len), &s->arena, &found.event))
		return NULL;
	found.wall_us = event_number_of(&found.event, "t");
	s->found[s->n] = found;
	return &s->found[s->n++].event;
}

static bool look(struct journey_search *s, slice line, struct event_view *ret_event)
{
	arena_reset(&s->scratch);
	return event_read(line, &s->scratch, ret_event);
}

/* ---- where it came from ---- */

/* "250 2.0.0 Ok: queued as ID": other programs say it likewise. */
bool event_next_id(const struct event_view *event, slice *ret_id)
{
	slice lead = slice_lit("queued as "), words = event_text_of(event, "words"), id;
	size_t at = slice_find(words, lead), n = 0;

	if (at == words.len || !event_is(event, "sent"))
		return false;
	id = slice_drop(words, at + lead.len);
	while (n < id.len && id.ptr[n] > ' ' && id.ptr[n] < 0x7f && id.ptr[n] != ')' &&
	    id.ptr[n] != '"' && id.ptr[n] != '\\')
		n++;
	*ret_id = slice_head(id, n);
	return n > 0 && n < ID;
}

/* Another host has delivered it to us: "queued as" our id. */
static void by_words(struct journey_search *s, slice line)
{
	struct event_view event;
	slice id;

	if (!has(line, s->id) || !has(line, "\"e\":\"sent\"") || !look(s, line, &event) ||
	    !event_next_id(&event, &id) || !slice_equal(id, slice_from(s->id)))
		return;
	s->origin.folder = s->back;
	copy(s->origin.id, ID, event_text_of(&event, "id"));
}

/* Begin there, or with us. */
static void begin_at(struct journey_search *s, struct hop first)
{
	s->hops[0] = first;
	s->n_hops = 1;
	s->at = s->n = 0;
	s->known = s->followed = false;
	s->pass = BEGIN;
}

static void begin_with_us(struct journey_search *s)
{
	struct hop ours = { .folder = 0 };

	memcpy(ours.id, s->id, sizeof ours.id);
	s->origin.id[0] = '\0';
	begin_at(s, ours);
}

/* All other hosts were read for it, or one more is to be. */
static void look_back(struct journey_search *s)
{
	if (++s->back < s->n_folders)
		return;
	if (s->origin.id[0] != '\0')
		begin_at(s, s->origin);
	else
		begin_with_us(s);
}

/* ---- lines that name it ---- */

static void note_filed(struct journey_search *s, const struct event_view *event)
{
	if (s->n_places == JOURNEY_PLACES_MAX)
		return;
	s->places[s->n_places++] = (struct place){ .account = event_text_of(event, "account"),
	    .uid = event_number_of(event, "uid"), .filed_us = event_number_of(event, "t") };
	s->n_syncing++;
}

static void by_id(struct journey_search *s, slice line)
{
	char needle[ID + 16];
	const struct event_view *event;

	snprintf(needle, sizeof needle, "\"id\":\"%s\"", s->hops[s->at].id);
	if (!has(line, needle) || (event = keep(s, line)) == NULL)
		return;
	if (event_is(event, "accepted")) {
		copy(s->role, sizeof s->role, event_text_of(event, "role"));
		copy(s->session, sizeof s->session, event_text_of(event, "s"));
		copy(s->transaction, sizeof s->transaction, event_text_of(event, "x"));
		copy(s->sender, sizeof s->sender, event_text_of(event, "from"));
		s->accepted_us = event_number_of(event, "t");
	} else if (event_is(event, "filed")) {
		note_filed(s, event);
	}
}

/* ---- lines of its session, and of the mailboxes ---- */

/* Of the message that is asked for, and not of what it was or became elsewhere. */
static bool is_ours(const struct journey_search *s)
{
	return strcmp(s->hops[s->at].id, s->id) == 0;
}

/* Its session's, up to the message, and its end. Edges count their sessions each. */
static void of_session(struct journey_search *s, slice line)
{
	struct event_view event;
	const struct event_field *x;

	if (!look(s, line, &event) ||
	    !slice_equal(event_text_of(&event, "role"), slice_from(s->role)))
		return;
	x = event_find(&event, "x");
	if (event_find(&event, "id") != NULL) {
		s->followed = s->followed || (is_ours(s) && event_is(&event, "accepted") &&
		    event_number_of(&event, "t") >= s->accepted_us &&
		    !slice_equal(event_text_of(&event, "id"), slice_from(s->hops[s->at].id)));
		return;
	}
	if ((x == NULL || slice_equal(x->text, slice_from(s->transaction))) &&
	    (event_number_of(&event, "t") <= s->accepted_us || event_is(&event, "closed") ||
	    event_is(&event, "departure")))
		(void)keep(s, line);
}

/* The first sync of a mailbox after it was filed there. */
static void of_sync(struct journey_search *s, slice line)
{
	struct event_view event;
	bool first = false;
	slice account;
	int64_t t;

	if (s->n_syncing == 0 || !look(s, line, &event))
		return;
	account = event_text_of(&event, "account");
	t = event_number_of(&event, "t");
	for (size_t i = 0; i < s->n_places; i++) {
		struct place *place = &s->places[i];

		if (place->durable || t < place->filed_us || !slice_equal(place->account, account))
			continue;
		place->durable = first = true;
		s->n_syncing--;
	}
	if (first)
		(void)keep(s, line);
}

/* What became of it in a mailbox. */
static void of_place(struct journey_search *s, slice line)
{
	struct event_view event;
	slice account;
	int64_t uid;

	if (!look(s, line, &event) || event_is(&event, "filed"))
		return;
	account = event_text_of(&event, "account");
	uid = event_number_of(&event, "uid");
	for (size_t i = 0; i < s->n_places; i++) {
		if (s->places[i].uid == uid && slice_equal(s->places[i].account, account)) {
			(void)keep(s, line);
			return;
		}
	}
}

static void by_session(struct journey_search *s, slice line)
{
	char needle[NUMBER + 16];

	snprintf(needle, sizeof needle, "\"s\":\"%s\"", s->session);
	if (s->session[0] != '\0' && has(line, needle))
		of_session(s, line);
	else if (has(line, "\"e\":\"durable\""))
		of_sync(s, line);
	else if (s->n_places > 0 && has(line, "\"uid\":"))
		of_place(s, line);
}

void journey_search_line(struct journey_search *s, slice line)
{
	if (line.len < 3 || line.len > JOURNEY_LINE_MAX)
		return;
	if (s->pass == BACK)
		by_words(s, line);
	else if (s->pass == BY_ID)
		by_id(s, line);
	else if (s->pass == BY_SESSION)
		by_session(s, line);
}

/* ---- from host to host ---- */

/* Another host's words: they lead to other hosts, to each message once. */
static void note_next(struct journey_search *s, const struct event_view *event)
{
	slice id;

	if (!event_next_id(event, &id))
		return;
	for (size_t folder = 0; folder < s->n_folders && s->n_hops < TRACE_HOPS_MAX; folder++) {
		bool was = false;

		for (size_t i = 0; i < s->n_hops; i++)
			was = was || (s->hops[i].folder == folder &&
			    (i <= s->at || slice_equal(slice_from(s->hops[i].id), id)));
		if (was)
			continue;
		s->hops[s->n_hops].folder = folder;
		copy(s->hops[s->n_hops++].id, ID, id);
	}
}

static void begin_hop(struct journey_search *s)
{
	s->session[0] = s->sender[0] = s->transaction[0] = '\0';
	s->accepted_us = 0;
	s->n_places = s->n_syncing = 0;
	s->before = s->n;
	s->pass = BY_ID;
}

/* What names it was read. False: this host knows nothing of it, or of another one with that
 * id. */
static bool is_known(struct journey_search *s)
{
	if (s->known && (strcmp(s->sender, s->first_sender) != 0 || s->accepted_us < s->first_us))
		s->n = s->before;
	return s->n > s->before;
}

/* To where it is looked for next. */
static void move_on(struct journey_search *s)
{
	s->pass = BEGIN;
	if (s->known)
		s->at++;
	else
		s->hops[0].folder++;
	if (s->at == s->n_hops || s->hops[s->at].folder >= s->n_folders)
		s->pass = END;
}

static void end_hop(struct journey_search *s)
{
	if (!s->known) {
		memcpy(s->first_sender, s->sender, sizeof s->sender);
		s->first_us = s->accepted_us;
	}
	s->known = true;
	s->reached = s->reached || is_ours(s);
	for (size_t i = s->before; i < s->n; i++)
		note_next(s, &s->found[i].event);
	move_on(s);
}

static int by_time(const void *a, const void *b)
{
	const struct journey_found *x = a, *y = b;

	if (x->wall_us != y->wall_us)
		return x->wall_us < y->wall_us ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* A file that was rotated meanwhile may have been read under two names. */
static bool is_twice(const struct journey_found *found, size_t n, const struct journey_found *f)
{
	for (; n > 0 && found[n - 1].wall_us == f->wall_us; n--) {
		if (found[n - 1].folder == f->folder &&
		    slice_equal(found[n - 1].event.line, f->event.line))
			return true;
	}
	return false;
}

static void put_in_order(struct journey_search *s)
{
	size_t n = s->n;

	if (n > 0)
		qsort(s->found, n, sizeof *s->found, by_time);
	s->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!is_twice(s->found, s->n, &s->found[i]))
			s->found[s->n++] = s->found[i];
	}
}

bool journey_search_next(struct journey_search *s, size_t *ret_folder)
{
	if (s->pass == BACK) {
		look_back(s);
	} else if (s->pass == BY_ID && is_known(s)) {
		s->pass = BY_SESSION;
	} else if (s->pass == BY_ID) {
		move_on(s);
	} else if (s->pass == BY_SESSION) {
		end_hop(s);
	}
	/* Words that lead elsewhere. */
	if (s->pass == END && s->origin.id[0] != '\0' && !s->reached)
		begin_with_us(s);
	if (s->pass == END) {
		if (!s->over)
			put_in_order(s);
		s->over = true;
		return false;
	}
	if (s->pass == BEGIN)
		begin_hop(s);
	*ret_folder = s->pass == BACK ? s->back : s->hops[s->at].folder;
	return true;
}

/* ---- its life ---- */

struct journey_search *journey_search_open(struct heap *heap, slice id, size_t n_folders)
{
	struct journey_search *s = heap_new(heap, struct journey_search);

	check(n_folders <= JOURNEY_FOLDERS_MAX);
	s->heap = heap;
	s->arena = arena_init(heap, JOURNEY_FOUND_ARENA_MAX);
	s->scratch = arena_init(heap, SCRATCH);
	s->places = heap_alloc(heap, JOURNEY_PLACES_MAX * sizeof *s->places);
	s->n_folders = n_folders;
	copy(s->id, ID, id);
	if (n_folders == 0 || s->id[0] == '\0')
		s->pass = END;
	else if (n_folders == 1)
		begin_with_us(s);
	return s;
}

const struct journey_found *journey_search_found(const struct journey_search *s, size_t *ret_n)
{
	*ret_n = s->n;
	return s->found;
}

bool journey_search_followed(const struct journey_search *s)
{
	return s->followed;
}

void journey_search_close(struct journey_search *s)
{
	if (s == NULL)
		return;
	arena_reset(&s->arena);
	arena_reset(&s->scratch);
	heap_free(s->heap, s->places);
	heap_free(s->heap, s->found);
	heap_free(s->heap, s);
}
