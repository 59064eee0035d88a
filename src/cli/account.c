/* cli/account.c - posthouse account: who has a mailbox here. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account/describe.h"
#include "auth/scram.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/verb.h"
#include "directory/password.h"
#include "os/os_uv.h"

/* ---- passwords ---- */

struct secret {
	char password[PASSWORD_MAX + 1];
	bool generated;
	char keys[SCRAM_KEYS_MAX + 1];
	const char *scram;              /* those, when there are some */
};

static bool take_hash(struct password_hash *ret_hash)
{
	char line[PASSWORD_MAX + 1] = "";
	slice hash;

	if (!ask_password_stdin(line))
		return false;
	if (!password_import(slice_from(line), &hash)) {
		cli_fail("this is no password hash that is known here; argon2, yescrypt, scrypt,"
		    " bcrypt, $6$ and $5$ are");
		return false;
	}
	memcpy(ret_hash->text, hash.ptr, hash.len);
	ret_hash->text[hash.len] = '\0';
	return true;
}

static bool take_password(struct control *control, const struct cli_args *args,
    struct secret *secret)
{
	unsigned char random[PASSWORD_RANDOM_LEN];

	if (cli_flag(args, "--password-stdin"))
		return ask_password_stdin(secret->password);
	if (!cli_flag(args, "--generate"))
		return ask_password_twice(secret->password);
	os_random(control->os, random, sizeof(random));
	password_generate(random, secret->password);
	secret->generated = true;
	return true;
}

/* The hash of the password that is given, asked for or made. */
static bool get_hash(struct control *control, const struct cli_args *args,
    struct secret *secret, struct password_hash *ret_hash)
{
	unsigned char salt[PASSWORD_SALT_LEN];

	if (cli_flag(args, "--hash-stdin"))
		return take_hash(ret_hash);
	if (!take_password(control, args, secret))
		return false;
	os_random(control->os, salt, sizeof(salt));
	if (password_hash(slice_from(secret->password), control->setting.config->password_memory,
	        salt, ret_hash))
		return true;
	cli_fail("not enough memory to hash a password (password.memory)");
	return false;
}

/* Who brings a hash brings no password to make the keys of. */
static void make_scram(struct control *control, struct secret *secret)
{
	unsigned char salt[SCRAM_SALT_LEN];
	struct scram_keys keys;

	os_random(control->os, salt, sizeof(salt));
	if (!control->setting.config->password_scram || secret->password[0] == '\0' ||
	    !scram_keys_make(slice_from(secret->password), SCRAM_ITERATIONS, salt, &keys))
		return;
	scram_keys_print(&keys, secret->keys);
	secret->scram = secret->keys;
}

/* "account add" and "account password", which differ in words only. */
static int set_password(struct control *control, const struct cli_args *args,
    const char *command, const char *address, const char *done)
{
	struct secret secret = { 0 };
	struct password_hash hash;
	json_t *answer = NULL;
	int result = CLI_FAILED;

	if (get_hash(control, args, &secret, &hash)) {
		make_scram(control, &secret);
		answer = control_call(control, json_pack("{s:s, s:s, s:s, s:s*}", "command", command,
		    "address", address, "hash", hash.text, "scram", secret.scram));
	}
	if (answer && cli_flag(args, "--json")) {
		json_object_set_new(answer, "address", json_string(address));
		if (secret.generated)
			json_object_set_new(answer, "password", json_string(secret.password));
		json_dumpf(answer, stdout, JSON_INDENT(1));
		printf("\n");
	} else if (answer) {
		printf("account %s %s\n", address, done);
		if (secret.generated)
			printf("password: %s\n", secret.password);
	}
	if (answer)
		result = CLI_OK;
	sodium_memzero(&secret, sizeof(secret));
	json_decref(answer);
	return result;
}

static int add(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	return set_password(control, args, "account add", words[0], "added");
}

static int passwd(struct control *control, const struct cli_args *args,
    const char *const *words, size_t n)
{
	return set_password(control, args, "account password", words[0], "has a new password");
}

/* ---- the rest ---- */

static json_t *call(struct control *control, const char *command, const char *address)
{
	return control_call(control,
	    json_pack("{s:s, s:s}", "command", command, "address", address));
}

static int remove_account(struct control *control, const struct cli_args *args,
    const char *const *words, size_t n)
{
	json_t *answer = call(control, "account show", words[0]);
	char question[512];
	json_int_t aliases;

	if (answer == NULL)
		return CLI_FAILED;
	json_decref(answer);
	snprintf(question, sizeof(question), "Remove account %s?", words[0]);
	if (!cli_flag(args, "--yes") && !ask_yes(question))
		return cli_fail("nothing was removed; say y, or give --yes");
	answer = call(control, "account remove", words[0]);
	if (answer == NULL)
		return CLI_FAILED;
	aliases = json_integer_value(json_object_get(answer, "aliases"));
	printf("account %s removed", words[0]);
	if (aliases > 0)
		printf(", also from %d alias%s", (int)aliases, aliases > 1 ? "es" : "");
	printf("\n");
	json_decref(answer);
	return CLI_OK;
}

static int switch_account(struct control *control, const char *command, const char *address,
    const char *done)
{
	json_t *answer = call(control, command, address);

	if (answer == NULL)
		return CLI_FAILED;
	json_decref(answer);
	printf("account %s %s\n", address, done);
	return CLI_OK;
}

static int disable(struct control *control, const struct cli_args *args,
    const char *const *words, size_t n)
{
	return switch_account(control, "account disable", words[0], "disabled");
}

static int enable(struct control *control, const struct cli_args *args,
    const char *const *words, size_t n)
{
	return switch_account(control, "account enable", words[0], "enabled");
}

static int list(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	static const char *const fields[] = { "address", "created", "disabled" };

	return cli_print_rows(args, control_list(control, "account list"), fields, 3);
}

/* ---- the quota ---- */

/* What is in the account, of an answer of its store; NULL without a server, or after a line. */
static json_t *ask_held(struct control *control, const char *address)
{
	return control->socket < 0 ? NULL : call(control, "account held", address);
}

/* The limit that holds: "quota" of the account's row, or else what is configured; 0: none. */
static uint64_t limit_of(const struct control *control, const json_t *account)
{
	const json_t *own = json_object_get(account, "quota");

	return own != NULL ? (uint64_t)json_integer_value(own) : control->setting.config->quota;
}

static void print_limit(const struct control *control, const json_t *account)
{
	const char *whose = json_object_get(account, "quota") != NULL ? "" : " (mailbox.quota)";
	uint64_t limit = limit_of(control, account);
	char text[CONFIG_SIZE_TEXT];

	printf("%-9s %s%s\n", "quota", limit == 0 ? "none" : config_size_print(limit, text), whose);
}

static void print_quota(const struct control *control, const json_t *account, const json_t *held)
{
	uint64_t limit = limit_of(control, account);
	json_int_t bytes = json_integer_value(json_object_get(held, "bytes"));

	print_limit(control, account);
	if (held == NULL)
		return;
	printf("%-9s %lld bytes in %lld messages", "used", (long long)bytes,
	    (long long)json_integer_value(json_object_get(held, "messages")));
	if (limit > 0)
		printf(", %.0f %%", 100.0 * (double)bytes / (double)limit);
	printf("\n");
}

static int show_quota(struct control *control, const struct cli_args *args, const char *address)
{
	json_t *account = call(control, "account show", address), *held, *row;

	if (account == NULL)
		return CLI_FAILED;
	held = ask_held(control, address);
	if (cli_flag(args, "--json")) {
		row = json_pack("{s:O, s:O?, s:I, s:O*, s:O*}", "address",
		    json_object_get(account, "address"), "quota", json_object_get(account, "quota"),
		    "limit", (json_int_t)limit_of(control, account),
		    "used", json_object_get(held, "bytes"),
		    "messages", json_object_get(held, "messages"));
		json_dumpf(row, stdout, JSON_INDENT(1));
		printf("\n");
		json_decref(row);
	} else {
		print_quota(control, account, held);
	}
	json_decref(held);
	json_decref(account);
	return CLI_OK;
}

static bool read_quota(const char *word, json_t **ret_value)
{
	uint64_t bytes;

	if (strcmp(word, "default") == 0) {
		*ret_value = json_null();
		return true;
	}
	if (strcmp(word, "none") == 0) {
		*ret_value = json_integer(0);
		return true;
	}
	if (!config_size_read(slice_from(word), &bytes) || bytes < QUOTA_MIN || bytes > QUOTA_MAX) {
		cli_misuse("\"%s\" is no quota: write a number with K, M or G, at least 1K, or \"none\", or "
		    "\"default\" for what mailbox.quota says", word);
		return false;
	}
	*ret_value = json_integer((json_int_t)bytes);
	return true;
}

static int quota(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	json_t *value, *answer;

	if (n == 1)
		return show_quota(control, args, words[0]);
	if (!read_quota(words[1], &value))
		return CLI_USAGE;
	answer = control_call(control, json_pack("{s:s, s:s, s:o}", "command", "account quota",
	    "address", words[0], "quota", value));
	if (answer == NULL)
		return CLI_FAILED;
	json_decref(answer);
	return show_quota(control, args, words[0]);
}

/* ---- one account ---- */

static int show(struct control *control, const struct cli_args *args, const char *const *words,
    size_t n)
{
	static const char *const fields[] = { "address", "id", "created" };
	json_t *answer = call(control, "account show", words[0]), *alias;
	size_t i;

	if (answer == NULL)
		return CLI_FAILED;
	json_object_del(answer, "ok");
	if (cli_flag(args, "--json")) {
		json_dumpf(answer, stdout, JSON_INDENT(1));
		printf("\n");
	} else {
		for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
			printf("%-9s %s\n", fields[i],
			    json_string_value(json_object_get(answer, fields[i])));
		printf("%-9s %s\n", "disabled",
		    json_is_true(json_object_get(answer, "disabled")) ? "yes" : "no");
		print_limit(control, answer);
		json_array_foreach(json_object_get(answer, "aliases"), i, alias)
			printf("%-9s %s\n", "alias", json_string_value(alias));
	}
	json_decref(answer);
	return CLI_OK;
}

/* ---- the log ---- */

static bool print_line(void *context, const char *text)
{
	return puts(text) >= 0;
}

/* The files of the account, read as they are, beside a server too. */
static int describe(struct control *control, uint64_t id, const char *address)
{
	int folder = openat(control->data.fd, "account", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = folder < 0 ? -errno : 0;

	if (error == 0) {
		os_uv_set_root(control->os, folder);
		switch (account_describe(control->os, id, print_line, NULL, &error)) {
		case DESCRIBED:
			return CLI_OK;
		case DESCRIBED_NONE:
			printf("nothing was delivered to %s yet\n", address);
			return CLI_OK;
		case DESCRIBED_NEWER:
			return cli_fail("parts of this log are of a later Posthouse; use that one");
		case DESCRIBED_IO:
			break;
		}
	}
	return cli_fail("cannot read the account's files in %s/account: %s", control->data.path,
	    strerror(-error));
}

static int show_log(struct control *control, const struct cli_args *args,
    const char *const *words, size_t n)
{
	json_t *answer = call(control, "account show", words[0]);
	const char *id = json_string_value(json_object_get(answer, "id"));
	int result = CLI_FAILED;

	if (id)
		result = describe(control, strtoull(id, NULL, 16), words[0]);
	json_decref(answer);
	return result;
}

#define PASSWORD_OPTIONS " --password-stdin --hash-stdin --generate --json "

static const struct cli_verb verbs[] = {
	{ "add", "ADDRESS", 1, 1, PASSWORD_OPTIONS, true, add },
	{ "remove", "ADDRESS", 1, 1, " --yes ", false, remove_account },
	{ "list", "", 0, 0, " --json ", false, list },
	{ "show", "ADDRESS", 1, 1, " --json ", false, show },
	{ "passwd", "ADDRESS", 1, 1, PASSWORD_OPTIONS, false, passwd },
	{ "disable", "ADDRESS", 1, 1, "", false, disable },
	{ "enable", "ADDRESS", 1, 1, "", false, enable },
	{ "quota", "ADDRESS [SIZE|none|default]", 1, 2, " --json ", false, quota },
	{ "log", "ADDRESS", 1, 1, "", false, show_log },
};

static int run(const struct cli_args *args)
{
	return cli_run_verb(args, verbs, sizeof(verbs) / sizeof(verbs[0]));
}

const struct cli_command cli_account = {
	.name = "account",
	.words = "add|remove|show|passwd|disable|enable|log ADDRESS | quota ADDRESS [SIZE] | list",
	.words_min = 1,
	.words_max = 3,
	.summary = "the accounts: mailboxes with a password",
	.details =
	    "`add` and `passwd` ask for the password at the terminal, unless an option says\n"
	    "where it comes from. A disabled account takes no mail and no login; its mail stays.\n"
	    "`remove` takes the account out of aliases too.\n"
	    "`quota` shows how much the account may hold and holds; with a SIZE (500M, 2G), `none`\n"
	    "or `default` (what mailbox.quota says) it sets that. Over it IMAP puts nothing more in,\n"
	    "and mail is put off with 452, so that its senders try again for days; what was taken\n"
	    "before is delivered, so an account may come to hold more. `log` tells what happened to the\n"
	    "mailbox: each delivery and each removal, as its files have it.\n",
	.options = {
		{ "--password-stdin", NULL, "Read the password from a line of stdin." },
		{ "--generate", NULL, "Make a password and print it." },
		{ "--hash-stdin", NULL, "Read a password hash, {CRYPT}$6$... or such." },
		{ "--yes", NULL, "Remove without asking." },
		{ "--json", NULL, "Print as JSON." },
		SETTING_OPTIONS,
	},
	.run = run,
};
