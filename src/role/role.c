/* role/role.c - the roles and what each may do once it is confined. */
#include "role/role.h"

#include <stddef.h>

static const struct {
	enum role_kind kind;
	struct os_program program;
} roles[] = {
	/* The network's side opens no file: what it writes to it was handed. */
	{ ROLE_EDGE, { "edge", edge_start, { .network_accept = true } } },
	/* Accepts on its control socket only. */
	{ ROLE_DIRECTORY, { "directory", directory_start,
	    { .files = true, .files_write = true, .network_accept = true } } },
	{ ROLE_ROUTER, { "router", router_start, { .files = true, .files_write = true } } },
	{ ROLE_STORE, { "store", store_start,
	    { .files = true, .files_write = true, .charsets = true } } },
	{ ROLE_RELAY, { "relay", relay_start,
	    { .files = true, .files_write = true, .network_connect = true } } },
	{ ROLE_RESOLVER, { "resolver", resolver_start,
	    { .network_connect = true, .network_datagrams = true } } },
	/* Its connections come from the edges. Files only where it shows mail: journeys, and in
	 * memory an index. */
	{ ROLE_WEB, { "web", web_start,
	    { .files = true, .memory_files = true, .charsets = true } } },
};

struct os_confinement role_may(enum role_kind kind, const struct config *config)
{
	struct os_confinement may = role_program(kind)->may;

	if (kind == ROLE_WEB)
		may.files = may.memory_files = may.charsets = config_shows_mail(config);
	return may;
}

const struct os_program *role_program(enum role_kind kind)
{
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
		if (roles[i].kind == kind)
			return &roles[i].program;
	}
	return NULL;
}

const struct os_program *role_program_named(slice name)
{
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
		if (slice_equal(name, slice_from(roles[i].program.name)))
			return &roles[i].program;
	}
	return NULL;
}
