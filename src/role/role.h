/* role/role.h - the roles: their start functions and what each may do. */
#ifndef ROLE_ROLE_H
#define ROLE_ROLE_H

#include "config/config.h"
#include "ipc/message.h"
#include "os/os.h"

/* The program of each kind, with its confinement (DESIGN section 2): the most that it may. */
const struct os_program *role_program(enum role_kind kind);
/* What it may with this configuration. */
struct os_confinement role_may(enum role_kind kind, const struct config *config);
const struct os_program *role_program_named(slice name);        /* NULL: no such role */

void edge_start(struct os *os, int channel, unsigned index);
void directory_start(struct os *os, int channel, unsigned index);
void router_start(struct os *os, int channel, unsigned index);
void store_start(struct os *os, int channel, unsigned index);
void relay_start(struct os *os, int channel, unsigned index);
void resolver_start(struct os *os, int channel, unsigned index);
void web_start(struct os *os, int channel, unsigned index);

#endif
