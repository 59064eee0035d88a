/* cli/post_server.c - names to addresses, options to a TLS context. */
#include "cli/post_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/file.h"
#include "mail/address.h"

/* Debian's, of the package ca-certificates. */
static const char *const system_bundle = "/etc/ssl/certs/ca-certificates.crt";

enum { SUBMISSIONS_PORT = 465 };

/* ---- addresses ---- */

static bool is_loopback(const struct os_address *address)
{
	return address->path[0] != 0 || os_ip_is_loopback(address->ip);
}

static void take_address(struct post_server *s, const struct os_address *address)
{
	s->loopback = (s->n_addresses == 0 || s->loopback) && is_loopback(address);
	s->addresses[s->n_addresses++] = *address;
}

/* By the system's resolver, which waits: nothing else is under way yet. */
static int look_up(const char *command, const char *name, uint16_t port, struct post_server *s)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct os_address address;
	struct addrinfo *found;
	int error = getaddrinfo(name, NULL, &hints, &found);

	if (error != 0)
		return cli_fail("%s: cannot look up the server %s: %s", command, name,
		    error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
	for (struct addrinfo *a = found; a != NULL && s->n_addresses < POST_ADDRESSES_MAX;
	    a = a->ai_next) {
		if (os_address_from(a->ai_addr, &address)) {
			address.port = port;
			take_address(s, &address);
		}
	}
	freeaddrinfo(found);
	s->name = name;
	return s->n_addresses > 0 ? CLI_OK :
	    cli_fail("%s: the server %s has no address", command, name);
}

static const char *ip_text(struct arena *arena, const struct os_address *address)
{
	char text[OS_IP_TEXT];

	if (address->path[0] != 0)
		return "localhost";
	os_ip_print(address->ip, text, sizeof text);
	return slice_cstr(arena, slice_from(text));
}

/* False when it is no host name and port. */
static bool split_name(slice text, struct arena *arena, const char **ret_name, uint16_t *ret_port)
{
	size_t colon = slice_find_last_byte(text, ':');
	slice host = slice_head(text, colon), name;
	uint64_t port;

	if (colon == text.len || text.len > POST_NAME_MAX ||
	    !slice_to_u64(slice_drop(text, colon + 1), UINT16_MAX, &port) || port == 0 ||
	    !domain_normal(arena, host, &name))
		return false;
	*ret_name = slice_cstr(arena, name);
	*ret_port = (uint16_t)port;
	return true;
}

static int read_server(const struct post_server_words *words, struct arena *arena,
    struct post_server *s)
{
	char shown[POST_NAME_MAX];
	struct os_address address;
	const char *name;
	uint16_t port;

	s->shown = words->server;
	if (os_address_parse(slice_from(words->server), &address) &&
	    (address.port != 0 || address.path[0] != 0)) {
		take_address(s, &address);
		s->name = ip_text(arena, &address);
		return CLI_OK;
	}
	if (split_name(slice_from(words->server), arena, &name, &port))
		return look_up(words->command, name, port, s);
	return cli_misuse("%s: the server is an address and a port such as 127.0.0.1:25 or "
	    "mail.example.org:587, not \"%s\"", words->command,
	    text_printable(slice_from(words->server), shown, sizeof shown));
}

/* ---- TLS ---- */

static const struct {
	const char *word;
	bool implicit;
	enum smtp_client_tls starttls;
} hows[] = {
	{ "none", false, SMTP_CLIENT_TLS_NONE },
	{ "starttls", false, SMTP_CLIENT_TLS_OFFERED },
	{ "required", false, SMTP_CLIENT_TLS_REQUIRED },
	{ "implicit", true, SMTP_CLIENT_TLS_NONE },
};

static int read_how(const struct post_server_words *words, struct post_server *s)
{
	bool submissions = s->addresses[0].port == SUBMISSIONS_PORT;
	const char *word = words->tls != NULL ? words->tls : submissions ? "implicit" : "starttls";
	char shown[64];

	for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
		if (strcmp(word, hows[i].word) != 0)
			continue;
		s->implicit = hows[i].implicit;
		s->starttls = hows[i].starttls;
		return CLI_OK;
	}
	return cli_misuse("%s: --tls wants none, starttls, required or implicit, not \"%s\"",
	    words->command, text_printable(slice_from(word), shown, sizeof shown));
}

static int read_trusted(const struct post_server_words *words, struct buffer *pem)
{
	const char *file = words->ca != NULL ? words->ca : system_bundle;
	int result = file_read(AT_FDCWD, file, pem);

	if (result == 0)
		return CLI_OK;
	return cli_fail("%s: cannot read %s, by which the server's certificate is judged: %s%s",
	    words->command, file, strerror(-result),
	    words->ca == NULL ? "; give --ca FILE, or --insecure" : "");
}

static int make_context(const struct post_server_words *words, struct arena *arena,
    struct post_server *s)
{
	struct buffer pem = buffer_init(arena->heap, POST_CA_MAX);
	char why[TLS_ERROR_TEXT];
	int status = CLI_OK;

	s->judged = !words->insecure && (!s->loopback || words->ca != NULL);
	if (s->judged)
		status = read_trusted(words, &pem);
	if (status == CLI_OK) {
		s->tls = tls_client_context(arena->heap, buffer_bytes(&pem), why, sizeof why);
		if (s->tls == NULL)
			status = cli_fail("%s: %s: %s", words->command,
			    words->ca != NULL ? words->ca : system_bundle, why);
	}
	buffer_free(&pem);
	return status;
}

/* ---- all of it ---- */

int post_server_read(const struct post_server_words *words, struct arena *arena,
    struct post_server *ret_server)
{
	struct post_server s = { 0 };
	int status;

	if (words->ca != NULL && words->insecure)
		return cli_misuse("%s: give --ca or --insecure, not both", words->command);
	if ((status = read_server(words, arena, &s)) != CLI_OK ||
	    (status = read_how(words, &s)) != CLI_OK)
		return status;
	if (s.implicit || s.starttls != SMTP_CLIENT_TLS_NONE)
		status = make_context(words, arena, &s);
	if (status == CLI_OK)
		*ret_server = s;
	return status;
}

void post_server_finish(struct post_server *server)
{
	tls_context_unref(server->tls);
	server->tls = NULL;
}

void post_server_local(const struct os_address *address, struct arena *arena,
    struct post_server *ret_server)
{
	char text[OS_ADDRESS_TEXT];

	*ret_server = (struct post_server){ .starttls = SMTP_CLIENT_TLS_NONE };
	os_address_print(address, text, sizeof text);
	ret_server->shown = slice_cstr(arena, slice_from(text));
	ret_server->name = "localhost";
	take_address(ret_server, address);
}
