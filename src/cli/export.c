/* cli/export.c - posthouse export: an account's messages as an mbox or a Maildir. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/export.h"

struct names {
	struct arena scratch;
	json_t *list;
};

static void on_listed(void *context, const struct imap_client_event *event)
{
	struct names *names = context;
	struct mail_listed listed;

	arena_reset(&names->scratch);
	if (slice_equal_ascii(event->name, slice_lit("LIST")) &&
	    mail_listed_read(event->text, &names->scratch, &listed) && listed.exists)
		json_array_append_new(names->list,
		    json_stringn((const char *)listed.name.ptr, listed.name.len));
}

/* Those that were named, or all; NULL after a line. */
static json_t *choose(struct mail_session *s, const struct cli_args *args)
{
	struct names names = { .scratch = arena_init(s->heap, IMAP_PARSE_ARENA_MAX),
		.list = json_array() };
	const char *name;
	bool ok = true;

	for (size_t i = 0; (name = cli_value_at(args, "--mailbox", i)) != NULL; i++) {
		if (json_array_append_new(names.list, json_string(name)) != 0) {
			cli_fail("export: --mailbox: the name is no UTF-8");
			ok = false;
		}
	}
	if (cli_value(args, "--mailbox") == NULL)
		ok = mail_session_run(s, slice_lit("LIST \"\" \"*\""), on_listed, &names);
	arena_reset(&names.scratch);
	if (ok)
		return names.list;
	json_decref(names.list);
	return NULL;
}

static bool is_folder(const char *path)
{
	size_t len = strlen(path);
	struct stat st;

	return (len > 0 && path[len - 1] == '/') || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static bool export_all(struct export *e, const struct cli_args *args)
{
	json_t *names = choose(e->session, args), *name;
	bool ok = names != NULL;
	size_t i;

	e->single = e->kind == &export_mbox && cli_value_at(args, "--mailbox", 1) == NULL &&
	    cli_value(args, "--mailbox") != NULL && !is_folder(e->path);
	if (ok && !e->single && mkdir(e->path, 0700) < 0 && errno != EEXIST) {
		cli_fail("cannot make the folder %s: %s", e->path, strerror(errno));
		ok = false;
	}
	json_array_foreach(names, i, name) {
		if (!ok || haul_stopped())
			break;
		ok = export_run(e, slice_from(json_string_value(name)));
	}
	json_decref(names);
	return ok;
}

static int export(struct control *control, const struct cli_args *args)
{
	const char *mbox = cli_value(args, "--mbox"), *maildir = cli_value(args, "--maildir");
	struct heap *heap = os_heap(control->os);
	struct mail_session *s = heap_new(heap, struct mail_session);
	struct haul haul;
	struct export e = { .haul = &haul, .session = s, .heap = heap,
		.kind = mbox != NULL ? &export_mbox : &export_maildir,
		.path = mbox != NULL ? mbox : maildir };
	int result = CLI_FAILED;

	if (mail_session_open(s, control, args->words[0], false)) {
		haul_begin(&haul, s, "exported");
		result = haul_end(&haul, export_all(&e, args), cli_flag(args, "--json"));
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
		return cli_misuse("export: say where the messages shall go: --mbox FILE, --mbox "
		    "FOLDER or --maildir FOLDER");
	if (!control_open(&control, args, false))
		return CLI_FAILED;
	result = export(&control, args);
	control_close(&control);
	return result;
}

const struct cli_command cli_export = {
	.name = "export",
	.words = "ADDRESS",
	.words_min = 1,
	.words_max = 1,
	.summary = "write an account's mail as an mbox or a Maildir",
	.details =
	    "Run it again to add what came since: what was written before is not written again,\n"
	    "also after a run that was stopped or killed. Flags that changed since stay as they\n"
	    "were written, and a mailbox that was made anew counts as another one.\n"
	    "\n"
	    "An mbox is mboxrd: each line \">*From \" gets one more \">\"; Status and X-Status (RO,\n"
	    "AFTD) and X-Keywords tell the flags; such fields that a message came with are left\n"
	    "out. With one --mailbox it is a FILE, otherwise a FOLDER of files NAME.mbox, where \"%2F\"\n"
	    "is a \"/\". FILE.posthouse beside it says how far it goes: keep them together. A file\n"
	    "that another program has changed since is left alone.\n"
	    "\n"
	    "A Maildir is as Dovecot has it: INBOX in FOLDER, Lists/A in .Lists.A, in modified\n"
	    "UTF-7, flags in the names, keywords in dovecot-keywords, the date as that of the file.\n"
	    "Names say UIDVALIDITY and UID, so that mail programs may use it meanwhile.\n"
	    "\n"
	    "Lines end in LF. No message becomes a seen one. The server must run.\n",
	.options = {
		{ "--mbox", "FILE|FOLDER", "Write an mbox, or one for each mailbox." },
		{ "--maildir", "FOLDER", "Write a Maildir, with a folder for each mailbox." },
		{ "--mailbox", "NAME", "Only this mailbox; may be repeated." },
		{ "--json", NULL, "Print the summary as JSON." },
		SETTING_OPTIONS,
	},
	.run = run,
};
