/* role/edge_user.c - who sends to a mock: who logged in, or, of a message that its web sends,
 * who asked the web for that. It goes on top of each message (role/mock_user.h). */
#include <string.h>

#include "role/edge_impl.h"

static void replace(struct session *s, slice user)
{
	unsigned char *copy = user.len > 0 ? heap_alloc(s->edge->heap, user.len) : NULL;

	if (copy != NULL)
		memcpy(copy, user.ptr, user.len);
	heap_free(s->edge->heap, (void *)(uintptr_t)s->user.ptr);
	s->user = slice_of(copy, user.len);
}

void edge_user_told(struct session *s, slice user)
{
	replace(s, user);
	s->user_told = user.len > 0;
}

void edge_user_keep(struct session *s, slice user)
{
	if (s->edge->frame.config->mock && !s->user_told)
		replace(s, user);
}
