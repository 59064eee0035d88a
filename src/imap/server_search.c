/* imap/server_search.c - SEARCH. */
#include "imap/server_impl.h"

void imap_on_search(struct imap_server *s, struct imap_parse *p)
{
	imap_finish(s, "NO", "CANNOT", "not yet");
}
