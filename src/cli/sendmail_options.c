/* cli/sendmail_options.c - arguments as sendmail(8) has taken them since 1983: one
 * letter each, several in one word ("-ti"), values glued to them or behind them. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/sendmail.h"

/* ---- handlers; value is NULL for a flag ---- */

static int on_recipients(struct sendmail_options *o, const char *value)
{
	o->recipients = true;
	return EX_OK;
}

static int on_no_dot(struct sendmail_options *o, const char *value)
{
	o->no_dot = true;
	return EX_OK;
}

static int on_verbose(struct sendmail_options *o, const char *value)
{
	o->verbose = true;
	return EX_OK;
}

static int on_from(struct sendmail_options *o, const char *value)
{
	o->from = value;
	return EX_OK;
}

static int on_name(struct sendmail_options *o, const char *value)
{
	o->name = value;
	return EX_OK;
}

static int on_config(struct sendmail_options *o, const char *value)
{
	o->config = value;
	return EX_OK;
}

static int on_aliases(struct sendmail_options *o, const char *value)
{
	o->mode = SENDMAIL_ALIASES;
	return EX_OK;
}

static int on_queue(struct sendmail_options *o, const char *value)
{
	if (o->mode == SENDMAIL_DELIVER)
		o->mode = SENDMAIL_RUN_QUEUE;
	return EX_OK;
}

/* Of all the options of options, one is ours. */
static int on_option(struct sendmail_options *o, const char *value)
{
	if (value[0] == 'i')
		o->no_dot = true;
	return EX_OK;
}

static int on_mode(struct sendmail_options *o, const char *value)
{
	static const struct {
		const char *letter;
		enum sendmail_mode mode;
	} modes[] = {
		{ "m", SENDMAIL_DELIVER }, { "s", SENDMAIL_SMTP }, { "i", SENDMAIL_ALIASES },
		{ "p", SENDMAIL_QUEUE },
	};
	char shown[32];

	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		if (strcmp(value, modes[i].letter) == 0) {
			o->mode = modes[i].mode;
			return EX_OK;
		}
	}
	return sendmail_fail(EX_USAGE, "there is no -b%s here; -bm, -bs, -bi and -bp are, and "
	    "the server is `posthouse serve`",
	    text_printable(slice_from(value), shown, sizeof shown));
}

static int ignore(struct sendmail_options *o, const char *value)
{
	return EX_OK;
}

/* ---- the table ---- */

enum takes {
	FLAG,
	VALUE,                          /* glued, or the next argument */
	GLUED,                          /* glued, or none */
};

static const struct row {
	char letter;
	enum takes takes;
	int (*handler)(struct sendmail_options *o, const char *value);
} rows[] = {
	{ 'A', VALUE, ignore },         /* -Ac, -Am: which configuration */
	{ 'B', VALUE, ignore },         /* body type: we look at the body */
	{ 'b', VALUE, on_mode },
	{ 'C', VALUE, on_config },
	{ 'D', VALUE, ignore },         /* debug log */
	{ 'd', GLUED, ignore },         /* debug level */
	{ 'E', FLAG, ignore },
	{ 'e', GLUED, ignore },         /* -em: how to report errors */
	{ 'F', VALUE, on_name },
	{ 'f', VALUE, on_from },
	{ 'G', FLAG, ignore },          /* a gateway submits */
	{ 'h', VALUE, ignore },         /* hop count: Received lines count */
	{ 'I', FLAG, on_aliases },
	{ 'i', FLAG, on_no_dot },
	{ 'L', VALUE, ignore },         /* syslog label */
	{ 'm', FLAG, ignore },          /* me too */
	{ 'N', VALUE, ignore },         /* notifications: the server has none yet */
	{ 'n', FLAG, ignore },          /* no aliasing */
	{ 'O', VALUE, ignore },         /* long option */
	{ 'o', VALUE, on_option },
	{ 'p', VALUE, ignore },         /* protocol it came by */
	{ 'q', GLUED, on_queue },
	{ 'R', VALUE, ignore },         /* how much a notification returns */
	{ 'r', VALUE, on_from },
	{ 't', FLAG, on_recipients },
	{ 'U', FLAG, ignore },          /* a user submits */
	{ 'V', VALUE, ignore },         /* envelope id of notifications */
	{ 'v', FLAG, on_verbose },
	{ 'X', VALUE, ignore },         /* log of the traffic: names a file to write */
	{ 'x', FLAG, ignore },
};

static const struct row *find_row(char letter)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].letter == letter)
			return &rows[i];
	}
	return NULL;
}

static int refuse_unknown(const char *word)
{
	char shown[64];

	return sendmail_fail(EX_USAGE, "unknown option %s; see `posthouse help sendmail`",
	    text_printable(slice_from(word), shown, sizeof shown));
}

/* One word of options: argv[*at], and the next if the last of them takes it. */
static int take_options(struct sendmail_options *o, int argc, char **argv, int *at)
{
	const char *word = argv[*at];

	for (const char *letter = word + 1; *letter != 0; letter++) {
		const struct row *row = find_row(*letter);
		const char *value = letter + 1;
		int status;

		if (row == NULL)
			return refuse_unknown(word);
		if (row->takes == FLAG)
			value = NULL;
		else if (row->takes == VALUE && *value == 0)
			value = *at + 1 < argc ? argv[++*at] : NULL;
		if (row->takes == VALUE && value == NULL)
			return sendmail_fail(EX_USAGE, "-%c wants a value", row->letter);
		status = row->handler(o, value);
		if (status != EX_OK || row->takes != FLAG)
			return status;
	}
	return EX_OK;
}

int sendmail_options_read(int argc, char **argv, struct sendmail_options *ret_options)
{
	struct sendmail_options *o = ret_options;
	bool options = true;
	int status = EX_OK;

	memset(o, 0, sizeof *o);
	for (int i = 0; i < argc && status == EX_OK; i++) {
		if (options && strcmp(argv[i], "--") == 0)
			options = false;
		else if (options && argv[i][0] == '-' && argv[i][1] != 0)
			status = take_options(o, argc, argv, &i);
		else if (o->n_words < SEND_RECIPIENTS_MAX)
			o->words[o->n_words++] = argv[i];
		else
			status = sendmail_fail(EX_USAGE, "more than %d recipients; send it "
			    "in several runs, or to a mailing list", SEND_RECIPIENTS_MAX);
	}
	return status;
}
