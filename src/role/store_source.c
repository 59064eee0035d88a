/* role/store_source.c - segments of the router's journal that bodies are copied from.
 *
 * Each comes once, with the first message in it, and is closed when the router says
 * that it is over, or is gone, and the last message that needs it is answered. */
#include "base/check.h"
#include "role/store_impl.h"

static void unref(struct source *source)
{
	if (--source->refs > 0)
		return;
	os_close(source->store->os, source->fd);
	heap_free(source->store->heap, source);
}

void source_unref(struct source *source)
{
	if (source != NULL)
		unref(source);
}

void sources_init(struct store *s)
{
	s->sources = table_init(s->heap, os_random_u64(s->os));
}

static struct source *source_add(struct store *s, uint64_t number, int fd)
{
	struct source *source = heap_new(s->heap, struct source);

	source->store = s;
	source->number = number;
	source->fd = fd;
	source->refs = 1;
	table_put(&s->sources, table_key(source->number), source);
	return source;
}

struct source *source_use(struct store *s, uint64_t number, int fd)
{
	struct source *source = table_get(&s->sources, table_key(number));

	if ((source != NULL) == (fd >= 0) ||
	    (source == NULL && s->sources.count >= ROUTER_SOURCES_MAX)) {
		if (fd >= 0)
			os_close(s->os, fd);
		return NULL;
	}
	if (source == NULL)
		source = source_add(s, number, fd);
	source->refs++;
	return source;
}

bool store_source_over(struct store *s, struct ipc_message *message)
{
	uint64_t number = get_u64(&message->body);
	struct source *source;

	if (!bytes_end(&message->body))
		return false;
	source = table_remove(&s->sources, table_key(number));
	if (source == NULL)
		return false;
	unref(source);
	return true;
}

void sources_forget(struct store *s)
{
	struct source *source;
	size_t at = 0;

	while ((source = table_next(&s->sources, &at)) != NULL)
		unref(source);
	table_free(&s->sources);
	sources_init(s);
}
