/* cli/control_client.h - the administrator's side of directory/command.h: through
 * DATA/control.sock while a server runs, straight to the database while none
 * does (under the lock of the data folder, so that none starts meanwhile).
 *
 * Blocking, for commands only. Failures are one line on stderr. */
#ifndef CLI_CONTROL_CLIENT_H
#define CLI_CONTROL_CLIENT_H

#include <jansson.h>

#include "cli/cli.h"
#include "cli/data.h"
#include "cli/setting.h"
#include "directory/directory.h"

struct control {
	struct os *os;
	struct arena arena;
	struct setting setting;
	struct data_folder data;
	int socket;                     /* -1: no server */
	struct buffer answers;          /* read from the socket, not taken yet */
	int folder;                     /* DATA/directory, or -1 */
	struct directory *directory;    /* without a server */
};

/* make: the data folder may be made, if there is none. False after a line. */
bool control_open(struct control *control, const struct cli_args *args, bool make);
void control_close(struct control *control);

/* Takes `request`. The answer, or NULL after a line (its "error", or what went
 * wrong on the way). */
json_t *control_call(struct control *control, json_t *request);

/* Below that, for a connection that becomes another thing: send all; a line of the server
 * without its LF, of c->answers, where it stays. False: errno says why, 0 that it ended. */
bool control_write(int fd, slice bytes);
bool control_read_line(struct control *control, slice *ret_line);
/* Another connection, instead of the one there was. False after a line. */
bool control_again(struct control *control);

/* All parts of a list: an array of rows, or NULL after a line. */
json_t *control_list(struct control *control, const char *command);

#endif
