/* imap/server_fetch.c - FETCH. */
#include "imap/server_impl.h"

void imap_on_fetch(struct imap_server *s, struct imap_parse *p)
{
	imap_finish(s, "NO", "CANNOT", "not yet");
}
