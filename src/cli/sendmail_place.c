/* cli/sendmail_place.c - the server of this host, its domain, and who asks. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "cli/post.h"
#include "cli/sendmail.h"
#include "cli/setting.h"

/* Not the one in the working folder: programs run in folders of others, who must
 * not say where their mail goes. */
static const char *const system_config = "/etc/posthouse/posthouse.conf";
static const struct cli_command options = { .name = "sendmail", .options = { SETTING_OPTIONS } };

/* ---- the configuration ---- */

/* An ordinary user may not be allowed to read it; then the defaults stand. */
static bool is_there(const char *file)
{
	return access(file, R_OK) == 0 || (errno != ENOENT && errno != ENOTDIR && errno != EACCES);
}

/* False when there is none, or none that can be read. One that was named must be right;
 * of the system's it is only told: what cron says must not be lost for a typing error. */
static bool read_config(const char *named, struct arena *arena, struct setting *ret_setting)
{
	const char *file = named != NULL ? named : system_config;
	struct cli_args args = { .command = &options, .n_given = 1,
		.given = { { &options.options[0], file } } };

	if (named == NULL && !is_there(file))
		return false;
	if (setting_read(&args, NULL, NULL, arena, &complain_stderr, ret_setting))
		return true;
	if (named == NULL)
		sendmail_fail(EX_CONFIG, "%s can't be used; the defaults stand for it", file);
	return false;
}

/* An address to listen on as one to connect to: all of them are loopback, too. */
static struct os_address reachable(struct os_address address)
{
	static const uint8_t any4[16] = { [10] = 0xff, [11] = 0xff }, any6[16];

	if (address.path[0] == 0 && memcmp(address.ip, any4, 16) == 0)
		memcpy(address.ip + 12, "\x7f\0\0\1", 4);
	else if (address.path[0] == 0 && memcmp(address.ip, any6, 16) == 0)
		address.ip[15] = 1;
	return address;
}

static bool configured_server(const struct config *config, enum service service,
    struct os_address *ret_server)
{
	for (size_t i = 0; i < config->n_listeners; i++) {
		if (config->listeners[i].service == service) {
			*ret_server = reachable(config->listeners[i].address);
			return true;
		}
	}
	return false;
}

/* The first of the configuration, or that of a host that says nothing else. */
static struct os_address own_server(const struct config *config, enum service service,
    const char *preset)
{
	struct os_address address = { 0 };

	if (config == NULL || !configured_server(config, service, &address))
		check(os_address_parse(slice_from(preset), &address));
	return address;
}

static int read_servers(const struct config *config, struct arena *arena,
    struct sendmail_place *place)
{
	const char *given = getenv("POSTHOUSE_SENDMAIL_SERVER");
	struct os_address submission = own_server(config, SERVICE_SUBMISSION, "127.0.0.1:587");
	char text[OS_ADDRESS_TEXT], shown[64];

	place->login = getenv("POSTHOUSE_SENDMAIL_LOGIN");
	place->password_file = getenv("POSTHOUSE_SENDMAIL_PASSWORD_FILE");
	if (place->login != NULL && (place->password_file == NULL ||
	    place->login[0] == 0 || strlen(place->login) > SASL_LOGIN_MAX))
		return sendmail_fail(EX_CONFIG, "POSTHOUSE_SENDMAIL_LOGIN is a login name, and needs "
		    "POSTHOUSE_SENDMAIL_PASSWORD_FILE beside it");
	place->server = own_server(config, SERVICE_SMTP, "127.0.0.1:25");
	place->has_server = given == NULL || os_address_parse(slice_from(given), &place->server);
	if (!place->has_server && place->login == NULL)
		return sendmail_fail(EX_CONFIG, "POSTHOUSE_SENDMAIL_SERVER is an address such as "
		    "127.0.0.1:25, or with a login also a name and a port, not \"%s\"",
		    text_printable(slice_from(given), shown, sizeof shown));
	os_address_print(&submission, text, sizeof text);
	place->submission = given != NULL ? given : slice_cstr(arena, slice_from(text));
	return EX_OK;
}

/* ---- who asks ---- */

/* The full name of /etc/passwd: up to a comma, "&" is the login. Only what a header
 * can say. */
static slice full_name(const struct passwd *row)
{
	slice rest = slice_from(row->pw_gecos), name = slice_trim(slice_cut(&rest, ','));
	const struct compose_mailbox judged = { name, slice_lit("x@localhost") };

	if (slice_find_byte(name, '&') < name.len || compose_judge_mailbox(&judged) != COMPOSE_OK)
		return (slice){ 0 };
	return name;
}

static void find_user(struct arena *arena, struct sendmail_place *place)
{
	const struct passwd *row = getpwuid(getuid());
	struct address_list list = address_list_init(arena, 1);
	slice login = slice_from(row != NULL ? row->pw_name : "nobody");

	if (address_list_add(&list, login, place->domain) == ADDRESS_LIST_OK && list.n == 1)
		place->user.address = list.items[0].address;
	else
		place->user.address = arena_printf(arena, "nobody@%.*s",
		    slice_arg(place->domain));
	if (row != NULL)
		place->user.name = slice_copy(arena, full_name(row));
}

/* ---- all of it ---- */

int sendmail_place_read(const char *config, struct arena *arena, struct sendmail_place *ret_place)
{
	struct sendmail_place place = { 0 };
	struct setting setting = { 0 };
	int status;

	if (!read_config(config, arena, &setting) && config != NULL)
		return EX_CONFIG;
	status = read_servers(setting.config, arena, &place);
	if (status != EX_OK)
		return status;
	place.hostname = setting.config != NULL ? setting.config->hostname : post_hostname(arena);
	place.domain = place.hostname;
	if (setting.config != NULL && setting.config->n_domains > 0)
		place.domain = setting.config->domains[0];
	find_user(arena, &place);
	*ret_place = place;
	return EX_OK;
}
