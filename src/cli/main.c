/* cli/main.c - posthouse: find the sub-command and run it. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/commands.h"

const struct cli_command *const cli_commands[] = {
	&cli_serve,
	&cli_check,
	&cli_setup,
	&cli_lab,
	&cli_mock,
	&cli_expect,
	&cli_demo,
	&cli_domain,
	&cli_account,
	&cli_alias,
	&cli_mailbox,
	&cli_import,
	&cli_export,
	&cli_queue,
	&cli_undelete,
	&cli_trace,
	&cli_lint,
	&cli_structure,
	&cli_send,
	&cli_sendmail,
	&cli_bench,
	&cli_verify,
	&cli_repair,
	&cli_sim,
	&cli_nameserver,
	&cli_help,
	&cli_version,
	&cli_role,
	NULL,
};

static int refuse_unknown(const char *name)
{
	const char *nearest = cli_nearest(name);
	char shown[64];

	text_printable(slice_from(name), shown, sizeof shown);
	if (nearest != NULL)
		return cli_misuse("unknown command \"%s\"; did you mean \"%s\"?", shown,
		    nearest);
	return cli_misuse("unknown command \"%s\"; `posthouse help` lists all", shown);
}

/* As many are used to: --help and --version for the sub-commands. */
static const char *command_name(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return "help";
	if (strcmp(word, "--version") == 0)
		return "version";
	return word;
}

/* To sendmail, -h is something else. */
static bool asks_for_help(const struct cli_command *command, int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 ||
		    (command->run_raw == NULL && strcmp(argv[i], "-h") == 0))
			return true;
	}
	return false;
}

/* A link of that name is what programs call /usr/sbin/sendmail. */
static bool is_called(const char *path, const char *name)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	return path != NULL && strcmp(slash != NULL ? slash + 1 : path, name) == 0;
}

/* Without them, a socket or a file would become what we print to. */
static bool open_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	const struct cli_command *command;
	struct cli_args args;
	int status;

	if (!open_standard())
		return CLI_FAILED;

	setlocale(LC_ALL, "C");
	if (is_called(argc > 0 ? argv[0] : NULL, cli_sendmail.name))
		return cli_sendmail.run_raw(argc - 1, argv + 1);
	if (argc < 2)
		return cli_misuse("which command? `posthouse help` lists all");
	command = cli_find(command_name(argv[1]));
	if (command == NULL)
		return refuse_unknown(argv[1]);
	/* "posthouse bench smtp --help" is "posthouse help bench". */
	if (asks_for_help(command, argc - 2, argv + 2)) {
		command = cli_find("help");
		argv[2] = argv[1];
		argc = 3;
	}
	if (command->run_raw != NULL)
		return command->run_raw(argc - 2, argv + 2);
	if (!cli_parse(command, argc - 2, argv + 2, &args))
		return CLI_USAGE;
	status = command->run(&args);
	return cli_printed() || status != CLI_OK ? status : CLI_FAILED;
}
