/* cli/cli.h - the sub-commands of posthouse: one row each, one file each.
 *
 * A file defines its row (`const struct cli_command cli_check = { ... }`), main.c
 * lists it. main, help and man page read the same rows. Arguments are judged
 * against the row before run() is called. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CLI_OK = 0,
	CLI_FAILED = 1,                 /* what was asked for can't be done */
	CLI_USAGE = 2,                  /* what was asked for makes no sense */
};

struct cli_option {
	const char *name;               /* "--config" */
	const char *value;              /* "FILE"; NULL: it is a flag */
	const char *means;              /* one sentence */
};

enum { CLI_OPTIONS_MAX = 32, CLI_GIVEN_MAX = 64, CLI_WORDS_MAX = 64 };

struct cli_args;

struct cli_command {
	const char *name;
	const char *words;              /* for usage: "add DOMAIN | list"; "" without any */
	unsigned words_min, words_max;
	const char *summary;            /* one line, begins lower case, no full stop */
	const char *details;            /* paragraphs of help; may be NULL */
	bool hidden;                    /* internal: not in the list of help */
	struct cli_option options[CLI_OPTIONS_MAX + 1];         /* ends with name NULL */
	int (*run)(const struct cli_args *args);                /* returns CLI_* */
	/* Instead: it reads its arguments itself, as programs are used to; the
	 * options are for help only. */
	int (*run_raw)(int argc, char **argv);
};

/* What was given, borrowed from argv. */
struct cli_args {
	const struct cli_command *command;
	const char *words[CLI_WORDS_MAX];
	size_t n_words;
	struct {
		const struct cli_option *option;
		const char *value;      /* NULL: a flag */
	} given[CLI_GIVEN_MAX];
	size_t n_given;
};

/* Options may stand anywhere, as "--name VALUE" or "--name=VALUE"; "--" ends
 * them. False after one line on stderr that says what is wrong. */
bool cli_parse(const struct cli_command *command, int argc, char **argv,
    struct cli_args *ret_args);

bool cli_flag(const struct cli_args *args, const char *name);
/* The last one given, or NULL; the i-th of several, or NULL. */
const char *cli_value(const struct cli_args *args, const char *name);
const char *cli_value_at(const struct cli_args *args, const char *name, size_t i);
/* A whole number from min to max; `preset` when not given. False after a line on
 * stderr. */
bool cli_number(const struct cli_args *args, const char *name, unsigned long min,
    unsigned long max, unsigned long preset, unsigned long *ret_value);

/* "posthouse: " text to stderr. Returns CLI_FAILED; CLI_USAGE. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int cli_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether all that was printed is written. If not, says so on stderr, once. */
bool cli_printed(void);

/* How the user called this program: what lines that one can type begin with. */
const char *cli_program(void);

/* The rows, ended by NULL (main.c). */
extern const struct cli_command *const cli_commands[];
const struct cli_command *cli_find(const char *name);   /* NULL: none */
/* The nearest name of a visible command, or NULL. */
const char *cli_nearest(const char *name);

#endif
