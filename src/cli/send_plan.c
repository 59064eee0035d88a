/* cli/send_plan.c - the options of send: addresses, text, files, password, server. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/ask.h"
#include "cli/file.h"
#include "cli/post_secret.h"
#include "cli/send.h"
#include "mail/media_type.h"

static int misuse(const char *option, const char *value, const char *wants)
{
	char shown[200];

	return cli_misuse("send: %s wants %s, not \"%s\"", option, wants,
	    text_printable(slice_from(value), shown, sizeof shown));
}

/* Where a reader of addresses passes over line ends, we don't: nobody types one, so
 * it came from somewhere else, with more behind it. */
static bool has_control(const char *value)
{
	for (const char *at = value; *at != 0; at++) {
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 127)
			return true;
	}
	return false;
}

/* ---- addresses ---- */

static int too_many(void)
{
	return cli_misuse("send: more than %d recipients; send it in several runs",
	    SEND_RECIPIENTS_MAX);
}

static int add_addresses(struct address_list *list, const char *option, const char *value)
{
	if (has_control(value))
		return misuse(option, value, "a value without control characters");
	switch (address_list_add(list, slice_from(value), (slice){ 0 })) {
	case ADDRESS_LIST_OK:
		break;
	case ADDRESS_LIST_MANY:
		return too_many();
	case ADDRESS_LIST_BAD:
		return misuse(option, value, "addresses such as alice@example.org or \"Alice "
		    "<alice@example.org>\", with commas between them");
	}
	return CLI_OK;
}

static int read_list(const struct cli_args *args, const char *option, struct address_list *list)
{
	const char *value;
	int status = CLI_OK;

	for (size_t i = 0; status == CLI_OK &&
	    (value = cli_value_at(args, option, i)) != NULL; i++)
		status = add_addresses(list, option, value);
	return status;
}

static int read_recipients(struct send *s, const struct cli_args *args)
{
	struct address_list bcc = address_list_init(&s->arena, SEND_RECIPIENTS_MAX);
	int status;

	s->to = address_list_init(&s->arena, SEND_RECIPIENTS_MAX);
	s->cc = address_list_init(&s->arena, SEND_RECIPIENTS_MAX);
	s->envelope = address_list_init(&s->arena, SEND_RECIPIENTS_MAX);
	if ((status = read_list(args, "--to", &s->to)) != CLI_OK ||
	    (status = read_list(args, "--cc", &s->cc)) != CLI_OK ||
	    (status = read_list(args, "--bcc", &bcc)) != CLI_OK)
		return status;
	if (!address_list_put_all(&s->envelope, &s->to) ||
	    !address_list_put_all(&s->envelope, &s->cc) ||
	    !address_list_put_all(&s->envelope, &bcc))
		return too_many();
	if (s->envelope.n == 0)
		return cli_misuse("send: whom to? Give --to ADDRESS, --cc or --bcc");
	s->message.to = s->to.items;
	s->message.n_to = s->to.n;
	s->message.cc = s->cc.items;
	s->message.n_cc = s->cc.n;
	return CLI_OK;
}

static int read_sender(struct send *s, const struct cli_args *args)
{
	const char *from = cli_value(args, "--from"), *login = cli_value(args, "--login");
	struct address_list list = address_list_init(&s->arena, SEND_RECIPIENTS_MAX);
	int status;

	if (from == NULL && login != NULL && strchr(login, '@') != NULL)
		from = login;
	if (from == NULL)
		return cli_misuse("send: whom from? Give --from ADDRESS");
	status = add_addresses(&list, "--from", from);
	if (status != CLI_OK)
		return status;
	if (list.n != 1)
		return misuse("--from", from, "one address");
	s->message.from = list.items[0];
	s->from = list.items[0].address;
	s->message.hostname = slice_drop(s->from, slice_find_last_byte(s->from, '@') + 1);
	return CLI_OK;
}

/* ---- the text and the files ---- */

/* All of it; `where` is for the line when that can't be. */
static int read_bytes(struct send *s, int fd, const char *where, slice *ret_bytes)
{
	struct buffer bytes = buffer_init(s->arena.heap, s->room);
	int result = fd < 0 ? -errno : file_read_fd(fd, &bytes);

	if (fd > STDIN_FILENO)
		close(fd);
	if (result == -EFBIG)
		return cli_fail("send: the message gets larger than %d MiB with %s; no server takes "
		    "that", COMPOSE_MESSAGE_MAX >> 20, where);
	if (result < 0)
		return cli_fail("send: cannot read %s: %s", where, strerror(-result));
	*ret_bytes = buffer_bytes(&bytes);      /* the heap has it, to the end */
	s->room -= ret_bytes->len;
	return CLI_OK;
}

static int read_text(struct send *s, const struct cli_args *args)
{
	const char *body = cli_value(args, "--body"), *file = cli_value(args, "--body-file");

	if (body != NULL && file != NULL)
		return cli_misuse("send: give --body or --body-file, not both");
	if (body != NULL) {
		s->message.text = slice_from(body);
		return CLI_OK;
	}
	if (file != NULL)
		return read_bytes(s, open(file, O_RDONLY | O_CLOEXEC), file, &s->message.text);
	if (isatty(STDIN_FILENO))
		return cli_misuse("send: what is the text? Give --body TEXT or --body-file FILE, "
		    "or pipe it in");
	return read_bytes(s, STDIN_FILENO, "standard input", &s->message.text);
}

static int read_files(struct send *s, const struct cli_args *args)
{
	struct compose_file *files = arena_new(&s->arena, struct compose_file, CLI_GIVEN_MAX);
	const char *path;
	int status = CLI_OK;
	size_t n = 0;

	while (status == CLI_OK && (path = cli_value_at(args, "--attach", n)) != NULL) {
		const char *slash = strrchr(path, '/');
		struct compose_file *file = &files[n++];

		file->name = slice_from(slash != NULL ? slash + 1 : path);
		file->type = media_type_guess(file->name);
		status = read_bytes(s, open(path, O_RDONLY | O_CLOEXEC), path, &file->bytes);
	}
	s->message.files = files;
	s->message.n_files = n;
	return status;
}

/* ---- the login ---- */

static int read_login(struct send *s, const struct cli_args *args)
{
	const char *login = cli_value(args, "--login"), *file = cli_value(args, "--password-file");
	const char *secret = getenv("POSTHOUSE_PASSWORD");

	if (login == NULL)
		return file == NULL ? CLI_OK :
		    cli_misuse("send: --password-file needs --login USER");
	s->login = slice_from(login);
	if (s->login.len == 0 || s->login.len > SASL_LOGIN_MAX || has_control(login))
		return misuse("--login", login, "a login name");
	if (file != NULL)
		return post_secret_file("send", file, s->arena.heap, s->secret);
	if (secret != NULL)
		return post_secret_take("send", slice_from(secret), "POSTHOUSE_PASSWORD",
		    s->secret);
	return ask_password_once("use --password-file FILE or POSTHOUSE_PASSWORD in the "
	    "environment", s->secret) ? CLI_OK : CLI_FAILED;
}

/* ---- all of it ---- */

static int read_subject(struct send *s, const struct cli_args *args)
{
	const char *subject = cli_value(args, "--subject");

	s->message.subject = slice_from(subject);
	if (subject != NULL && has_control(subject))
		return misuse("--subject", subject, "a value without control characters");
	return CLI_OK;
}

int send_plan_read(struct send *s, const struct cli_args *args)
{
	const char *server = cli_value(args, "--server");
	const struct post_server_words words = { .command = "send",
		.server = server != NULL ? server : "127.0.0.1:25", .tls = cli_value(args, "--tls"),
		.ca = cli_value(args, "--ca"), .insecure = cli_flag(args, "--insecure") };
	int status;

	s->room = COMPOSE_MESSAGE_MAX;
	/* What can be wrong on the command line, before anything is read or asked. */
	if ((status = read_sender(s, args)) != CLI_OK ||
	    (status = read_recipients(s, args)) != CLI_OK ||
	    (status = read_subject(s, args)) != CLI_OK ||
	    (status = post_server_read(&words, &s->arena, &s->server)) != CLI_OK ||
	    (status = read_files(s, args)) != CLI_OK ||
	    (status = read_text(s, args)) != CLI_OK)
		return status;
	return read_login(s, args);
}
