/* cli/zone_files.h - the zone files that --zone names: "FILE", or "NAME=FILE" when
 * the file has no $ORIGIN. */
#ifndef CLI_ZONE_FILES_H
#define CLI_ZONE_FILES_H

#include "cli/cli.h"
#include "dns/zone.h"

/* CLI_OK, or CLI_FAILED after a line "FILE:LINE: what". */
int zone_files_add(struct dns_zones *zones, const struct cli_args *args);

#endif
