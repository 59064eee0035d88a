/* cli/serve_listen.c - binds what the configuration names. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/mock.h"

enum { LISTEN_BACKLOG = 1024 };         /* a burst while one edge is busy */

static bool is_all_ipv6(const struct os_address *address)
{
	static const uint8_t zeros[16];

	return memcmp(address->ip, zeros, sizeof zeros) == 0;
}

static void complain_bind(struct serve *s, const struct setting *setting,
    const struct config_listener *l, int error)
{
	char address[OS_ADDRESS_TEXT], key[64], why[128];

	os_address_print(&l->address, address, sizeof address);
	snprintf(key, sizeof key, "listen.%s", service_name(l->service));
	snprintf(why, sizeof why, "%s", strerror(-error));
	why[0] = (char)tolower((unsigned char)why[0]);
	if (s->mock) {
		complain(&s->to, "cannot listen on %s: %s%s", address, why,
		    mock_instead(&s->arena, l->service, error));
		return;
	}
	complain(&s->to, "cannot listen on %s%s: %s%s", address,
	    setting_where(setting, &s->arena, key, l->line), why,
	    error == -EACCES && l->address.port < 1024 ? "; ports below 1024 want root" : "");
}

static void add(struct serve *s, enum service service, const struct os_address *address, int fd)
{
	check(s->n_listeners < sizeof s->listeners / sizeof *s->listeners);
	s->listeners[s->n_listeners++] = (struct keeper_listener){ .service = service,
	    .address = *address, .fd = fd };
	if (fd >= 0 && service < SERVICE_CONTROL && s->bound[service].port == 0)
		os_local_address(s->os, fd, &s->bound[service]);
}

/* False after a line. *ret_fd is -1 when there is rightly nothing to bind. */
static bool bind_one(struct serve *s, const struct setting *setting,
    const struct config_listener *l, int *ret_fd)
{
	int fd = os_listen(s->os, &l->address, LISTEN_BACKLOG);

	/* "25" means all addresses; a host without IPv6 has fewer. */
	if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && is_all_ipv6(&l->address))
		fd = -1;
	else if (fd < 0) {
		complain_bind(s, setting, l, fd);
		return false;
	}
	*ret_fd = fd;
	return true;
}

bool serve_try_listener(struct serve *s, const struct setting *setting,
    const struct config_listener *l)
{
	int fd;

	if (!bind_one(s, setting, l, &fd))
		return false;
	os_close(s->os, fd);
	return true;
}

static bool bind_new(struct serve *s, const struct setting *setting,
    const struct config_listener *l)
{
	int fd = -1;
	bool is_open = s->keeper != NULL && keeper_listens(s->keeper, l->service, &l->address);

	if (!is_open && !bind_one(s, setting, l, &fd))
		return false;
	if (is_open || fd >= 0)
		add(s, l->service, &l->address, fd);
	return true;
}

/* The directory's control socket, in the data folder. There is nothing to administer in
 * a mock. */
static bool bind_control(struct serve *s)
{
	struct os_address address = { .path = "control.sock" };
	int fd = -1;

	if (s->mock)
		return true;
	if (s->keeper == NULL) {
		os_unlink(s->os, OS_ROOT, "control.sock");   /* of an earlier life; we hold the lock */
		fd = os_listen(s->os, &address, LISTEN_BACKLOG);
		if (fd < 0) {
			complain(&s->to, "cannot listen on %s/control.sock: %s", s->data.path,
			    strerror(-fd));
			return false;
		}
	}
	add(s, SERVICE_CONTROL, &address, fd);
	return true;
}

bool serve_listen(struct serve *s, const struct setting *setting)
{
	const struct config *config = setting->config;
	bool ok = true;

	s->n_listeners = 0;
	for (size_t i = 0; ok && i < config->n_listeners; i++)
		ok = bind_new(s, setting, &config->listeners[i]);
	ok = ok && bind_control(s);
	for (size_t i = 0; !ok && i < s->n_listeners; i++)
		os_close(s->os, s->listeners[i].fd);
	return ok;
}
