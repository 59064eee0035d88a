/* role/web_texts.c - texts in a memory file, read through a window. */
#include "role/web_texts.h"

#include "base/check.h"
#include "base/limits.h"

int texts_init(struct texts *t, struct os *os)
{
	*t = (struct texts){ .os = os, .fd = os_memory_file(os) };
	return t->fd < 0 ? t->fd : 0;
}

void texts_finish(struct texts *t)
{
	if (t->fd >= 0)
		os_close(t->os, t->fd);
	heap_free(os_heap(t->os), t->window);
	*t = (struct texts){ .os = t->os, .fd = -1 };
}

int texts_add(struct texts *t, slice text, uint64_t *ret_at)
{
	int error = text.len > 0 ? os_pwrite(t->os, t->fd, text, t->end) : 0;

	if (error != 0)
		return error;
	if (t->to > t->end)
		t->to = t->end;
	*ret_at = t->end;
	t->end += text.len;
	return 0;
}

/* A piece that has the text at its beginning or, when who reads goes down, at its end. */
static void move_window(struct texts *t, uint64_t at, size_t len)
{
	size_t size = len > WEB_WINDOW ? len : WEB_WINDOW;
	uint64_t from = at;
	ssize_t n;

	if (at < t->from)
		from = at + len > size ? at + len - size : 0;
	if (t->window_size != size) {
		heap_free(os_heap(t->os), t->window);
		t->window = heap_alloc(os_heap(t->os), size);
		t->window_size = size;
	}
	n = os_pread(t->os, t->fd, t->window, size, from);
	t->from = from;
	t->to = from + (n > 0 ? (uint64_t)n : 0);
}

slice texts_get(struct texts *t, uint64_t at, size_t len)
{
	check(at + len <= t->end);
	if (at < t->from || at + len > t->to)
		move_window(t, at, len);
	if (at < t->from || at + len > t->to)
		return (slice){ 0 };
	return slice_of(t->window + (at - t->from), len);
}

void texts_drop(struct texts *t, size_t len)
{
	t->dead += len;
	check(t->dead <= t->end);
}

bool texts_want_copy(const struct texts *t)
{
	return t->dead > WEB_TEXTS_DEAD_MIN && t->dead > t->end / 2;
}
