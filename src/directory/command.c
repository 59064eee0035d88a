/* directory/command.c - a table of commands over directory.h. */
#include "directory/command.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth/scram.h"
#include "base/limits.h"
#include "directory/password.h"

/* One command on its way. A handler fills `answer`, or returns false with
 * `error`. */
struct command {
	struct directory *directory;
	struct arena *arena;            /* for the account at hand */
	json_t *request;
	json_t *answer;
	json_t *rows;                   /* of a list, in `answer` */
	size_t n_rows;
	struct directory_error error;
	struct command_effect effect;
};

static bool refuse(struct command *c, const char *text)
{
	snprintf(c->error.text, sizeof(c->error.text), "%s", text);
	return false;
}

static json_t *text_of(slice s)
{
	return json_stringn(s.len ? (const char *)s.ptr : "", s.len);
}

static json_t *time_of(int64_t us)
{
	time_t seconds = us / 1000000;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static void set_id(json_t *row, uint64_t id)
{
	char text[20];

	snprintf(text, sizeof(text), "%016" PRIx64, id);
	json_object_set_new(row, "id", json_string(text));
}

/* Fields beside "command", all that there may be; optional ones have a '?'. */
static bool unpack(struct command *c, const char *format, ...)
{
	json_error_t error;
	va_list args;
	int failed;

	va_start(args, format);
	failed = json_vunpack_ex(c->request, &error, JSON_STRICT, format, args);
	va_end(args);
	if (failed)
		snprintf(c->error.text, sizeof(c->error.text), "request: %s", error.text);
	return failed == 0;
}

static bool unpack_address(struct command *c, slice *ret_address)
{
	const char *name, *address;
	size_t len;

	if (!unpack(c, "{s:s, s:s%}", "command", &name, "address", &address, &len))
		return false;
	*ret_address = slice_of(address, len);
	return true;
}

static bool unpack_after(struct command *c, slice *ret_after)
{
	const char *name, *after = "";
	size_t len = 0;

	if (!unpack(c, "{s:s, s?s%}", "command", &name, "after", &after, &len))
		return false;
	*ret_after = slice_of(after, len);
	c->rows = json_array();
	json_object_set_new(c->answer, "rows", c->rows);
	return true;
}

/* scram: empty when the password itself is not known, of an imported hash. */
static bool unpack_hash(struct command *c, slice *ret_address, slice *ret_hash, slice *ret_scram)
{
	const char *name, *address, *hash, *scram = "";
	size_t address_len, hash_len, scram_len = 0;
	struct scram_keys keys;

	if (!unpack(c, "{s:s, s:s%, s:s%, s?s%}", "command", &name, "address", &address,
	        &address_len, "hash", &hash, &hash_len, "scram", &scram, &scram_len))
		return false;
	*ret_address = slice_of(address, address_len);
	*ret_scram = slice_of(scram, scram_len);
	if (scram_len > SCRAM_KEYS_MAX || (scram_len > 0 && !scram_keys_read(*ret_scram, &keys)))
		return refuse(c, "these are no keys of SCRAM-SHA-256 (RFC 5803)");
	if (!password_import(slice_of(hash, hash_len), ret_hash))
		return refuse(c, "this is no password hash that is known here; argon2, yescrypt,"
		    " scrypt, bcrypt, $6$ and $5$ are");
	return true;
}

/* A list that is being made. */
struct listing {
	struct command *command;
	json_t *targets;                /* aliases: of the one at hand */
	slice last;                     /* name of the last row */
	unsigned char last_text[SEALED_ADDRESS_MAX];
};

/* Add a row, unless the answer is full: then say where the rest begins. Takes
 * `row`. */
static bool add_row(struct listing *list, json_t *row, slice name)
{
	struct command *c = list->command;

	if (c->n_rows == CONTROL_ROWS_MAX || name.len > sizeof(list->last_text)) {
		json_object_set_new(c->answer, "more", text_of(list->last));
		json_decref(row);
		return false;
	}
	json_array_append_new(c->rows, row);
	c->n_rows++;
	memcpy(list->last_text, name.ptr, name.len);
	list->last = slice_of(list->last_text, name.len);
	return true;
}

/* ---- domains ---- */

static bool unpack_domain(struct command *c, slice *ret_domain)
{
	const char *name, *domain;
	size_t len;

	if (!unpack(c, "{s:s, s:s%}", "command", &name, "domain", &domain, &len))
		return false;
	*ret_domain = slice_of(domain, len);
	return true;
}

static bool domain_add(struct command *c)
{
	slice domain;

	return unpack_domain(c, &domain) &&
	    directory_domain_add(c->directory, domain, &c->error);
}

static bool domain_remove(struct command *c)
{
	slice domain;

	return unpack_domain(c, &domain) &&
	    directory_domain_remove(c->directory, domain, &c->error);
}

static bool list_domain(void *context, const struct directory_domain *domain)
{
	struct listing *list = context;
	json_t *row = json_object();

	json_object_set_new(row, "domain", text_of(domain->name));
	json_object_set_new(row, "configured", json_boolean(domain->configured));
	json_object_set_new(row, "accounts", json_integer((json_int_t)domain->accounts));
	json_object_set_new(row, "aliases", json_integer((json_int_t)domain->aliases));
	if (!domain->configured)
		return add_row(list, row, domain->name);
	/* Those of the configuration are few and all in the first answer. */
	json_array_append_new(list->command->rows, row);
	return true;
}

static bool domain_list(struct command *c)
{
	struct listing list = { .command = c };
	slice after;

	if (!unpack_after(c, &after))
		return false;
	directory_domains(c->directory, after, list_domain, &list);
	return directory_list_whole(c->directory, &c->error);
}

/* ---- accounts ---- */

/* Without them the account is what it is; the next login with the password makes them. */
static void keep_scram(struct command *c, uint64_t id, slice scram)
{
	struct directory_error unheard;

	if (scram.len > 0)
		(void)directory_scram_set(c->directory, id, scram, &unheard);
}

static bool account_add(struct command *c)
{
	slice address, hash, scram;
	uint64_t id;

	if (!unpack_hash(c, &address, &hash, &scram) ||
	    !directory_account_add(c->directory, address, hash, &id, &c->error))
		return false;
	keep_scram(c, id, scram);
	set_id(c->answer, id);
	return true;
}

static bool account_remove(struct command *c)
{
	unsigned aliases;
	slice address;
	uint64_t id;

	if (!unpack_address(c, &address) ||
	    !directory_account_remove(c->directory, address, &id, &aliases, &c->error))
		return false;
	set_id(c->answer, id);
	json_object_set_new(c->answer, "aliases", json_integer(aliases));
	c->effect = (struct command_effect){ .kind = COMMAND_REMOVED, .account = id };
	return true;
}

static bool account_password(struct command *c)
{
	slice address, hash, scram;
	uint64_t id;

	if (!unpack_hash(c, &address, &hash, &scram) ||
	    !directory_account_password(c->directory, address, hash, &id, &c->error))
		return false;
	keep_scram(c, id, scram);
	c->effect = (struct command_effect){ .kind = COMMAND_CHANGED, .account = id };
	return true;
}

static bool set_disabled(struct command *c, bool disabled)
{
	slice address;
	uint64_t id;

	if (!unpack_address(c, &address) ||
	    !directory_account_disable(c->directory, address, disabled, &id, &c->error))
		return false;
	c->effect = (struct command_effect){ .kind = COMMAND_CHANGED, .account = id };
	return true;
}

static bool take_quota(struct command *c, json_t *value, uint64_t *ret_quota)
{
	json_int_t bytes = json_integer_value(value);

	if (!json_is_null(value) && !json_is_integer(value))
		return refuse(c, "request: quota is neither a number nor null");
	if (json_is_null(value))
		*ret_quota = DIRECTORY_QUOTA_CONFIGURED;
	else if (bytes == 0)
		*ret_quota = DIRECTORY_QUOTA_NONE;
	else if (bytes >= QUOTA_MIN && (uint64_t)bytes <= QUOTA_MAX)
		*ret_quota = (uint64_t)bytes;
	else
		return refuse(c, "a quota is from 1K to 1048576G");
	return true;
}

static bool account_quota(struct command *c)
{
	const char *name, *address;
	uint64_t quota, id;
	json_t *value;
	size_t len;

	if (!unpack(c, "{s:s, s:s%, s:o}", "command", &name, "address", &address, &len, "quota",
	        &value) || !take_quota(c, value, &quota) ||
	    !directory_account_quota(c->directory, slice_of(address, len), quota, &id, &c->error))
		return false;
	c->effect = (struct command_effect){ COMMAND_QUOTA, id, quota };
	return true;
}

static bool account_disable(struct command *c)
{
	return set_disabled(c, true);
}

static bool account_enable(struct command *c)
{
	return set_disabled(c, false);
}

static void fill_account(json_t *row, const struct directory_account *account)
{
	json_object_set_new(row, "address", text_of(account->address));
	set_id(row, account->id);
	json_object_set_new(row, "created", time_of(account->created_us));
	json_object_set_new(row, "disabled", json_boolean(account->disabled));
	if (account->quota != DIRECTORY_QUOTA_CONFIGURED)
		json_object_set_new(row, "quota", json_integer(
		    account->quota <= QUOTA_MAX ? (json_int_t)account->quota : 0));
}

static bool list_account(void *context, const struct directory_account *account)
{
	struct listing *list = context;
	json_t *row = json_object();

	fill_account(row, account);
	return add_row(list, row, account->address);
}

static bool account_list(struct command *c)
{
	struct listing list = { .command = c };
	slice after;

	if (!unpack_after(c, &after))
		return false;
	directory_accounts(c->directory, after, list_account, &list);
	return directory_list_whole(c->directory, &c->error);
}

static bool note_alias(void *context, slice address, slice target)
{
	json_t *aliases = context;

	json_array_append_new(aliases, text_of(address));
	return json_array_size(aliases) < CONTROL_ROWS_MAX;
}

static bool account_show(struct command *c)
{
	struct directory_account account;
	json_t *aliases = json_array();
	slice address;

	json_object_set_new(c->answer, "aliases", aliases);
	if (!unpack_address(c, &address) ||
	    !directory_account_need(c->directory, address, c->arena, &account, &c->error))
		return false;
	fill_account(c->answer, &account);
	directory_aliases_of(c->directory, account.address, note_alias, aliases);
	return directory_list_whole(c->directory, &c->error);
}

/* ---- aliases ---- */

static bool unpack_targets(struct command *c, slice *ret_address,
    slice ret_targets[RECIPIENT_TARGETS_MAX], size_t *ret_n)
{
	const char *name, *address;
	json_t *targets = NULL, *target;
	size_t len, i;

	if (!unpack(c, "{s:s, s:s%, s?o}", "command", &name, "address", &address, &len,
	        "targets", &targets))
		return false;
	if (targets && (!json_is_array(targets) ||
	    json_array_size(targets) > RECIPIENT_TARGETS_MAX))
		return refuse(c, "request: targets is no array, or too long");
	json_array_foreach(targets, i, target) {
		if (!json_is_string(target))
			return refuse(c, "request: a target is no string");
		ret_targets[i] = slice_of(json_string_value(target), json_string_length(target));
	}
	*ret_address = slice_of(address, len);
	*ret_n = targets ? json_array_size(targets) : 0;
	return true;
}

static bool alias_add(struct command *c)
{
	slice address, targets[RECIPIENT_TARGETS_MAX];
	size_t n;

	if (!unpack_targets(c, &address, targets, &n))
		return false;
	if (n == 0)
		return refuse(c, "an alias needs a target");
	return directory_alias_add(c->directory, address, targets, n, &c->error);
}

static bool alias_remove(struct command *c)
{
	slice address, targets[RECIPIENT_TARGETS_MAX];
	size_t n;

	return unpack_targets(c, &address, targets, &n) &&
	    directory_alias_remove(c->directory, address, targets, n, &c->error);
}

/* Rows come one a target; they are gathered by alias. */
static bool list_alias(void *context, slice address, slice target)
{
	struct listing *list = context;
	json_t *row;

	if (list->targets == NULL || !slice_equal(address, list->last)) {
		row = json_object();
		list->targets = json_array();
		json_object_set_new(row, "alias", text_of(address));
		json_object_set_new(row, "targets", list->targets);
		if (!add_row(list, row, address))
			return false;
	}
	json_array_append_new(list->targets, text_of(target));
	return true;
}

static bool alias_list(struct command *c)
{
	struct listing list = { .command = c };
	slice after;

	if (!unpack_after(c, &after))
		return false;
	directory_aliases(c->directory, after, list_alias, &list);
	return directory_list_whole(c->directory, &c->error);
}

/* ---- */

static const struct {
	const char *name;
	bool (*run)(struct command *c);
} commands[] = {
	{ "domain add", domain_add },
	{ "domain remove", domain_remove },
	{ "domain list", domain_list },
	{ "account add", account_add },
	{ "account remove", account_remove },
	{ "account password", account_password },
	{ "account disable", account_disable },
	{ "account enable", account_enable },
	{ "account quota", account_quota },
	{ "account list", account_list },
	{ "account show", account_show },
	{ "alias add", alias_add },
	{ "alias remove", alias_remove },
	{ "alias list", alias_list },
};

static bool run(struct command *c)
{
	const char *name = json_string_value(json_object_get(c->request, "command"));

	if (name == NULL)
		return refuse(c, "request: no \"command\"");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(c);
	}
	return refuse(c, "request: no such command; this server may be another version");
}

static json_t *error_answer(const char *text)
{
	json_t *answer = json_object();

	json_object_set_new(answer, "error", json_string(text));
	return answer;
}

/* One line, or false when it is too long. */
static bool write_answer(const json_t *answer, struct buffer *out)
{
	char *text = json_dumps(answer, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0;
	bool fits = text && len <= CONTROL_ANSWER_MAX && len + 1 <= buffer_room(out);

	if (fits) {
		buffer_add(out, slice_of(text, len));
		buffer_add(out, slice_lit("\n"));
	}
	free(text);
	return fits;
}

void directory_command(struct directory *directory, slice request, struct buffer *out,
    struct command_effect *ret_effect)
{
	struct arena arena = arena_init(out->heap, DIRECTORY_SCRATCH_MAX);
	struct command c = { .directory = directory, .arena = &arena };
	json_error_t error;

	c.request = json_loadb((const char *)request.ptr, request.len, JSON_REJECT_DUPLICATES,
	    &error);
	c.answer = json_pack("{s:b}", "ok", 1);
	if (!json_is_object(c.request)) {
		refuse(&c, "request: not a JSON object");
	} else if (run(&c)) {
		c.error.text[0] = '\0';
	}
	if (c.error.text[0] != '\0') {
		json_decref(c.answer);
		c.answer = error_answer(c.error.text);
	}
	if (!write_answer(c.answer, out))
		buffer_add(out, slice_lit("{\"error\":\"the answer is too long\"}\n"));
	json_decref(c.answer);
	json_decref(c.request);
	arena_reset(&arena);
	*ret_effect = c.effect;
}
