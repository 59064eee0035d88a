/* cli/import.c - posthouse import: messages of an mbox or a Maildir become an account's. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/import.h"
#include "imap/mailbox.h"
#include "mail/date.h"
#include "mail/header.h"

int64_t import_date(slice message)
{
	slice received = header_find(message, slice_lit("Received"));
	slice date = header_find(message, slice_lit("Date"));
	size_t at = slice_find_last_byte(received, ';');
	struct date parsed;

	if (received.ptr != NULL && at < received.len &&
	    date_parse(slice_drop(received, at + 1), &parsed))
		return parsed.seconds;
	if (date.ptr != NULL && date_parse(date, &parsed))
		return parsed.seconds;
	return (int64_t)time(NULL);
}

static bool judge_name(const char *mailbox)
{
	static const char *const why[] = {
		[IMAP_NAME_EMPTY] = "a level of it is empty",
		[IMAP_NAME_CHARACTER] = "it has a character that no name can have, or is no UTF-8",
		[IMAP_NAME_LONG] = "it is too long",
	};
	enum imap_name_result result =
	    mailbox != NULL ? imap_name_judge(slice_from(mailbox)) : IMAP_NAME_OK;

	if (result != IMAP_NAME_OK)
		cli_misuse("import: --mailbox: no mailbox can have that name: %s", why[result]);
	return result == IMAP_NAME_OK;
}

static int import(struct control *control, const struct cli_args *args)
{
	const char *mbox = cli_value(args, "--mbox"), *maildir = cli_value(args, "--maildir");
	const char *mailbox = cli_value(args, "--mailbox");
	struct heap *heap = os_heap(control->os);
	struct mail_session *s = heap_new(heap, struct mail_session);
	int result = CLI_FAILED;
	struct haul t;

	if (mail_session_open(s, control, args->words[0], true)) {
		bool ok;

		haul_begin(&t, s, "imported");
		ok = mbox != NULL ? import_mbox(&t, mbox, mailbox) :
		    import_maildir(&t, maildir, mailbox);
		result = haul_end(&t, ok, cli_flag(args, "--json"));
	}
	mail_session_close(s);
	heap_free(heap, s);
	return result;
}

static int run(const struct cli_args *args)
{
	struct control control;
	int result;

	if ((cli_value(args, "--mbox") != NULL) == (cli_value(args, "--maildir") != NULL))
		return cli_misuse("import: say where the messages are: --mbox FILE or --maildir "
		    "FOLDER");
	if (!judge_name(cli_value(args, "--mailbox")))
		return CLI_USAGE;
	if (!control_open(&control, args, false))
		return CLI_FAILED;
	result = import(&control, args);
	control_close(&control);
	return result;
}

const struct cli_command cli_import = {
	.name = "import",
	.words = "ADDRESS",
	.words_min = 1,
	.words_max = 1,
	.summary = "bring an mbox or a Maildir into an account",
	.details =
	    "Run it again as often as you like: a message that the mailbox has, to the byte, is not\n"
	    "brought again, also when the run before was stopped or killed anywhere. Two in the\n"
	    "source that are the same become two. What you deleted since comes again.\n"
	    "\n"
	    "An mbox goes to INBOX or --mailbox, which is made when there is none. \">From \" loses\n"
	    "its \">\", Content-Length is not believed, and Status, X-Status, X-Keywords become flags\n"
	    "and are no part of the message. A Maildir's folders (.Lists.A) become mailboxes\n"
	    "(Lists/A), with --mailbox below that one; flags come from the names of files, keywords\n"
	    "from dovecot-keywords. Lines end in CRLF afterwards; nothing else is changed.\n"
	    "\n"
	    "Dates are those of the From_ line or the file; else of the newest Received or of Date.\n"
	    "A message that can't be brought, such as one over limit.message_size, is named, and\n"
	    "the others follow; the exit status is 1 then. The server must run.\n",
	.options = {
		{ "--mbox", "FILE", "Read this mbox; \"-\" is standard input." },
		{ "--maildir", "FOLDER", "Read this Maildir, and its folders (Maildir++)." },
		{ "--mailbox", "NAME", "Into this mailbox, instead of INBOX." },
		{ "--json", NULL, "Print the summary as JSON." },
		SETTING_OPTIONS,
	},
	.run = run,
};
