/* cli/verify.c - posthouse verify: reads every checksum, changes nothing. */
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "cli/commands.h"
#include "cli/inspect.h"

static void print_sum(const struct inspect *in)
{
	if (in->json) {
		json_t *sum = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I}", "summary", 1,
		    "findings", (json_int_t)in->findings, "notes", (json_int_t)in->notes,
		    "accounts", (json_int_t)in->read_accounts, "messages",
		    (json_int_t)in->messages, "queued", (json_int_t)in->queued, "bytes",
		    (json_int_t)in->bytes);

		json_dumpf(sum, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(sum);
		return;
	}
	printf("%s: %" PRIu64 " accounts, %" PRIu64 " messages", in->data.path,
	    in->read_accounts, in->messages);
	if (in->only == NULL)
		printf(", %" PRIu64 " in the queue", in->queued);
	printf(", %" PRIu64 " MB read: ", in->bytes / 1000000);
	if (in->findings == 0)
		printf("all is sound");
	else
		printf("%" PRIu64 " finding%s", in->findings, in->findings == 1 ? "" : "s");
	if (in->notes > 0)
		printf(", %" PRIu64 " note%s", in->notes, in->notes == 1 ? "" : "s");
	printf("\n");
}

static int run(const struct cli_args *args)
{
	struct inspect in;
	int result = CLI_FAILED;

	if (!inspect_open(&in, args))
		return CLI_FAILED;
	in.beside = data_holder(&in.data) != 0;
	if (inspect_directory(&in) && inspect_choose(&in)) {
		if (in.only == NULL) {
			inspect_folder(&in);
			inspect_journal(&in);
			inspect_queue(&in);
		}
		inspect_accounts(&in);
		inspect_progress_end(&in);
		print_sum(&in);
		result = in.findings == 0 ? CLI_OK : CLI_FAILED;
	}
	inspect_close(&in);
	return result;
}

const struct cli_command cli_verify = {
	.name = "verify",
	.words = "[ADDRESS | all]",
	.words_max = 1,
	.summary = "read all that is on disk, every checksum, and name what is damaged",
	.details =
	    "Reads the journal, the directory, the queue for other hosts and every mailbox, or\n"
	    "one mailbox, and changes nothing. May run beside a server, as root or as its user:\n"
	    "what looks damaged is read again some times, so that what is just being written is\n"
	    "no alarm.\n"
	    "\n"
	    "Prints a line for each finding: the file, the bytes, what it means, whose message it\n"
	    "is, what to do; then a sum. Notes are what crashes and removals leave, no damage.\n"
	    "Exits with 0 when all is sound, 1 when there is a finding.\n"
	    "\n"
	    "What no checksum covers it can't see: the words in rows of directory.db (SQLite\n"
	    "checks how its pages hang together), and records at the very end of a log that no\n"
	    "later one confirms.\n",
	.options = {
		{ "--json", NULL, "Print each finding as a line of JSON." },
		SETTING_OPTIONS,
	},
	.run = run,
};
