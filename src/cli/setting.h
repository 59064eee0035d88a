/* cli/setting.h - which configuration a command works with.
 *
 *   --config FILE, else /etc/posthouse/posthouse.conf, else ./posthouse.conf;
 *   then --data DIR and each --set KEY=VALUE in its place. */
#ifndef CLI_SETTING_H
#define CLI_SETTING_H

#include "cli/cli.h"
#include "config/config.h"

/* For a command's row, and for setting_read(). */
#define SETTING_OPTIONS                                                        \
	{ "--config", "FILE", "Read this posthouse.conf." },                   \
	{ "--data", "DIR", "Use this data folder." },                          \
	{ "--set", "KEY=VALUE", "Set a key of posthouse.conf; may be repeated." }

struct setting {
	const char *path;               /* of the file, as it is named in messages */
	bool built_in;                  /* there is no file */
	unsigned file_lines;            /* keys that stand behind them are of the command line */
	struct config *config;
};

/* Where lines for people go: stderr, or the log of a running server. */
struct complaint {
	void (*say)(void *context, const char *line);
	void *context;
};
extern const struct complaint complain_stderr;

/* Print one line of complaint. */
void complain(const struct complaint *to, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Read and judge. preset: the text to use instead of a file (demo), or NULL.
 * fallback: the text for when no --config is given and there is no file, or NULL:
 * then that is a fault. All memory is of `arena`, CONFIG_ARENA_MAX at most besides
 * the text. False after a line for each fault. */
bool setting_read(const struct cli_args *args, const char *preset, const char *fallback,
    struct arena *arena, const struct complaint *to, struct setting *ret_setting);

/* "posthouse.conf:7: ", "on the command line: ", or "" for what is built in: before what is
 * wrong there. Of `arena`. */
const char *setting_place(const struct setting *setting, struct arena *arena, unsigned line);

/* " (listen.smtp, posthouse.conf:7)", or less when the key was not set: for messages. */
const char *setting_where(const struct setting *setting, struct arena *arena, const char *key,
    unsigned line);

#endif
