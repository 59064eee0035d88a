/* cli/demo.c - posthouse demo: a server with two accounts, one message sent and
 * read back with both dialogues shown, then up until Ctrl-C. */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/demo_dialogue.h"
#include "cli/serve.h"

enum { DEMO_MEMORY = 64 * 1024 };

struct demo {
	struct serve serve;             /* first: its ready() finds us */
	struct demo_dialogue dialogue;
};

static void on_done(struct demo_dialogue *dialogue, bool ok)
{
	struct demo *demo = dialogue->owner;
	struct serve *s = &demo->serve;
	char smtp[OS_ADDRESS_TEXT], pop3[OS_ADDRESS_TEXT];

	if (!ok) {
		s->status = CLI_FAILED;
		serve_end(s);
		return;
	}
	os_address_print(&s->bound[SERVICE_SMTP], smtp, sizeof smtp);
	os_address_print(&s->bound[SERVICE_POP3], pop3, sizeof pop3);
	printf("\nThe message is on disk below %s/account. Now you: send one, list what is\n"
	    "there, read the second.\n\n"
	    "  printf 'Subject: hello\\n\\nHi Alice.\\n' > letter.txt\n"
	    "  curl smtp://%s --mail-from bob@alice.example \\\n"
	    "      --mail-rcpt alice@alice.example --crlf -T letter.txt\n"
	    "  curl pop3://%s --user alice@alice.example:%s\n"
	    "  curl pop3://%s/2 --user alice@alice.example:%s\n\n"
	    "Ctrl-C stops it.\n", s->data.path, smtp, pop3, s->accounts[0].password, pop3,
	    s->accounts[0].password);
	fflush(stdout);
}

static void on_ready(struct serve *s)
{
	struct demo *demo = (struct demo *)(void *)s;
	struct demo_dialogue *d = &demo->dialogue;

	printf("\n");
	d->smtp = s->bound[SERVICE_SMTP];
	d->pop3 = s->bound[SERVICE_POP3];
	d->from = slice_from(s->accounts[1].address);
	d->to = slice_from(s->accounts[0].address);
	d->login = d->to;
	d->password = slice_from(s->accounts[0].password);
	d->done = on_done;
	d->owner = demo;
	demo_dialogue_start(s->os, d);
}

static int run(const struct cli_args *args)
{
	struct demo demo = { .serve = { .args = args, .demo = true, .ready = on_ready,
	    .one_process = cli_flag(args, "--one-process") } };
	struct heap *heap = heap_create(SIZE_MAX);
	struct arena words = arena_init(heap, DEMO_MEMORY);
	int status;

	demo.serve.preset = serve_demo_config(&words, 0, NULL);
	status = serve_run(&demo.serve);
	heap_drop(heap);
	return status;
}

const struct cli_command cli_demo = {
	.name = "demo",
	.words = "",
	.summary = "serve two accounts on loopback, and show a message go through",
	.details =
	    "Sends a message by SMTP, reads it back by POP3, prints both dialogues, and stays\n"
	    "up until Ctrl-C. Data is kept in ./posthouse.data.\n",
	.options = {
		{ "--data", "DIR", "Use this data folder." },
		{ "--set", "KEY=VALUE", "Set a key of posthouse.conf; may be repeated." },
		{ "--one-process", NULL, "All roles in one process: for looking inside." },
	},
	.run = run,
};
