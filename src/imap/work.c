/* imap/work.c - what a command does with the text of messages. */
#include "imap/work.h"

void imap_work_free(struct imap_work *w)
{
	if (w != NULL)
		heap_drop(w->heap);
}

void imap_work_message(struct imap_work *w, size_t i, enum imap_text_result result, slice text)
{
	w->items[i].result = result;
}
