/* cli/verb.h - sub-commands with verbs: "posthouse domain add ...". */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "cli/control_client.h"

struct cli_verb {
	const char *name;
	const char *words;              /* behind the verb: "ADDRESS" */
	unsigned words_min, words_max;
	const char *options;            /* " --json --yes ": those that it knows, beside
	                                 * where the configuration is */
	bool make;                      /* may make the data folder */
	/* words: those behind the verb. Returns CLI_*. */
	int (*run)(struct control *control, const struct cli_args *args, const char *const *words,
	    size_t n);
};

/* Judge, open, run, close. */
int cli_run_verb(const struct cli_args *args, const struct cli_verb *verbs, size_t n);

/* Rows of a list on stdout: as JSON with --json; otherwise a line each, the
 * named fields in columns ("disabled" and "configured" say the word when true,
 * arrays have blanks between). Takes rows. */
int cli_print_rows(const struct cli_args *args, json_t *rows, const char *const *fields,
    size_t n_fields);

#endif
