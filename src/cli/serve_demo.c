/* cli/serve_demo.c - a server to try: two accounts, loopback, its passwords
 * printed; and the line that says what came up.
 *
 * The passwords stand in DATA/demo.json, 0600, so that a second start can print
 * them again: they are worth nothing, and never those of a real account. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "auth/scram.h"
#include "cli/file.h"
#include "cli/serve.h"
#include "directory/directory.h"
#include "directory/password.h"

enum { DEMO_FILE_MAX = 4096 };

static const char *const addresses[DEMO_ACCOUNTS] = { "alice@alice.example",
    "bob@alice.example" };

/* A host of a lab speaks with the other, and with none that is not on loopback. */
const char *serve_demo_config(struct arena *arena, unsigned port_base, const char *host)
{
	unsigned step = port_base != 0, port = port_base;
	const char *name = host != NULL ? host : "alice";
	slice text = arena_printf(arena,
	    "hostname = mail.%s.example\n"
	    "domains = %s.example\n"
	    "data = posthouse.data\n"
	    "smtp.greeting_delay = 0\n"
	    "relay = %s\n"
	    "relay.networks = 127.0.0.0/8, ::1\n"
	    "listen.smtp = 127.0.0.1:%u\n"
	    "listen.submission = 127.0.0.1:%u\n"
	    "listen.submissions = 127.0.0.1:%u\n"
	    "listen.pop3 = 127.0.0.1:%u\n"
	    "listen.pop3s = 127.0.0.1:%u\n"
	    "listen.imap = 127.0.0.1:%u\n"
	    "listen.imaps = 127.0.0.1:%u\n",
	    name, name, host != NULL ? "yes" : "no", port, port + step, port + 2 * step,
	    port + 3 * step, port + 4 * step, port + 5 * step, port + 6 * step);

	return (const char *)text.ptr;
}

/* ---- accounts ---- */

/* Fill passwords from DATA/demo.json; false when one is missing. */
static bool read_passwords(struct serve *s)
{
	struct buffer text = buffer_init(s->arena.heap, DEMO_FILE_MAX);
	json_t *root = NULL;
	size_t found = 0;

	if (file_read(s->data.fd, "demo.json", &text) == 0)
		root = json_loadb((const char *)buffer_bytes(&text).ptr,
		    buffer_bytes(&text).len, 0, NULL);
	for (size_t i = 0; i < s->n_accounts; i++) {
		const char *password = json_string_value(json_object_get(root, s->accounts[i].address));

		if (password == NULL || strlen(password) >= sizeof s->accounts[i].password)
			continue;
		memcpy(s->accounts[i].password, password, strlen(password) + 1);
		found++;
	}
	json_decref(root);
	buffer_free(&text);
	return found == s->n_accounts;
}

static bool write_passwords(struct serve *s)
{
	json_t *root = json_object();
	char *text;
	int result;

	for (size_t i = 0; i < s->n_accounts; i++) {
		unsigned char random[PASSWORD_RANDOM_LEN];

		os_random(s->os, random, sizeof random);
		password_generate(random, s->accounts[i].password);
		json_object_set_new(root, s->accounts[i].address,
		    json_string(s->accounts[i].password));
	}
	text = json_dumps(root, JSON_COMPACT);
	result = text ? file_write(s->data.fd, "demo.json", slice_from(text), true) : -ENOMEM;
	free(text);
	json_decref(root);
	if (result < 0)
		complain(&s->to, "cannot write %s/demo.json: %s", s->data.path,
		    strerror(-result));
	return result == 0;
}

static bool set_scram(struct serve *s, struct directory *directory, uint64_t id, slice password,
    struct directory_error *error)
{
	unsigned char salt[SCRAM_SALT_LEN];
	char text[SCRAM_KEYS_MAX + 1];
	struct scram_keys keys;

	os_random(s->os, salt, sizeof salt);
	if (!scram_keys_make(password, SCRAM_ITERATIONS, salt, &keys))
		return true;
	scram_keys_print(&keys, text);
	return directory_scram_set(directory, id, slice_from(text), error);
}

/* Make the account; or, when it is there and its password is `fresh`, give it that. The
 * hash is a cheap one. */
static bool set_account(struct serve *s, struct directory *directory,
    const struct demo_account *account, bool fresh, struct directory_error *error)
{
	unsigned char salt[PASSWORD_SALT_LEN];
	struct directory_account have;
	struct password_hash hash;
	slice address = slice_from(account->address);
	bool is_there = directory_account_find(directory, address, &s->arena, &have) ==
	    DIRECTORY_OK;
	uint64_t id;

	if (is_there && !fresh)
		return true;
	os_random(s->os, salt, sizeof salt);
	if (!password_hash(slice_from(account->password), PASSWORD_MEMORY_MIN, salt, &hash)) {
		snprintf(error->text, sizeof error->text, "no memory for a password hash");
		return false;
	}
	if (is_there ? !directory_account_password(directory, address, slice_from(hash.text), &id, error) :
	    !directory_account_add(directory, address, slice_from(hash.text), &id, error))
		return false;
	return set_scram(s, directory, id, slice_from(account->password), error);
}

static void name_accounts(struct serve *s)
{
	const char *host = s->demo_host;

	s->n_accounts = host != NULL ? 1 : DEMO_ACCOUNTS;
	for (size_t i = 0; i < s->n_accounts; i++)
		s->accounts[i].address = addresses[i];
	if (host != NULL)
		s->accounts[0].address = (const char *)arena_printf(&s->life, "%s@%s.example", host,
		    host).ptr;
}

bool serve_demo_accounts(struct serve *s)
{
	struct directory_error error = { 0 };
	struct directory *directory;
	bool ok, fresh;
	int folder;

	name_accounts(s);
	fresh = !read_passwords(s);
	folder = os_open(s->os, OS_ROOT, "directory", OS_FOLDER);
	directory = directory_open(s->os, folder, "directory.db", &error);
	ok = directory != NULL;
	if (ok) {
		directory_set_domains(directory, s->setting.config->domains,
		    s->setting.config->n_domains);
		/* Written first: an account whose password is lost is worse than a
		 * password whose account is made at the next start. */
		ok = !fresh || write_passwords(s);
		for (size_t i = 0; ok && i < s->n_accounts; i++)
			ok = set_account(s, directory, &s->accounts[i], fresh, &error);
	}
	if (error.text[0] != 0)
		complain(&s->to, "cannot make the accounts of the demo: %s", error.text);
	directory_close(directory);
	os_close(s->os, folder);
	return ok;
}

/* ---- what came up ---- */

static void address_text(const struct serve *s, enum service service,
    char ret_text[OS_ADDRESS_TEXT])
{
	ret_text[0] = 0;
	if (s->bound[service].port != 0)
		os_address_print(&s->bound[service], ret_text, OS_ADDRESS_TEXT);
}

static slice first_domain(const struct serve *s)
{
	const struct config *config = s->setting.config;

	return config->n_domains > 0 ? config->domains[0] : config->hostname;
}

static void announce_json(const struct serve *s)
{
	json_t *accounts = json_array(), *host = json_object(), *root;
	slice name = s->setting.config->hostname, domain = first_domain(s);
	char *file;

	json_object_set_new(host, "name", json_stringn((const char *)name.ptr, name.len));
	json_object_set_new(host, "domain", json_stringn((const char *)domain.ptr, domain.len));
	for (unsigned i = 0; i < SERVICE_CONTROL; i++) {
		char text[OS_ADDRESS_TEXT];

		address_text(s, (enum service)i, text);
		json_object_set_new(host, service_name((enum service)i), json_string(text));
	}
	for (size_t i = 0; s->demo && i < s->n_accounts; i++)
		json_array_append_new(accounts, json_pack("{ssss}", "address",
		    s->accounts[i].address, "password", s->accounts[i].password));
	json_object_set_new(host, "accounts", accounts);
	/* Whoever reads this may stand in another folder. In memory there is no file. */
	file = s->certificate.file != NULL ? realpath(s->certificate.file, NULL) : NULL;
	root = json_pack("{s[o]ss?}", "hosts", host, "certificate",
	    file != NULL ? file : s->certificate.file);
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
	free(file);
}

static void announce_words(const struct serve *s)
{
	printf("%.*s is up\n", slice_arg(s->setting.config->hostname));
	for (unsigned i = 0; i < SERVICE_CONTROL; i++) {
		char text[OS_ADDRESS_TEXT];

		address_text(s, (enum service)i, text);
		if (text[0] != 0)
			printf("  %-12s %s\n", service_name((enum service)i), text);
	}
	for (size_t i = 0; s->demo && i < s->n_accounts; i++)
		printf("  account      %s  password %s\n", s->accounts[i].address,
		    s->accounts[i].password);
	printf("  certificate  %s\n", s->certificate.file);
}

void serve_announce(const struct serve *s)
{
	if (s->json)
		announce_json(s);
	else
		announce_words(s);
	fflush(stdout);
}
