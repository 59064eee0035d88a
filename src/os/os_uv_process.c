/* os/os_uv_process.c - children of a role: processes, or roles beside it.
 *
 * A process is this program again, "posthouse role NAME INDEX": its own address
 * layout, and nothing inherited but its channel as descriptor 3 (and stdin from
 * nowhere, stdout, stderr). */
#include "os/os_uv_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"

enum { CHANNEL_FD = 3 };

static void child_closed(uv_handle_t *handle)
{
	heap_free(world_of(handle)->heap, handle->data);
}

/* Unlink the child from its parent, then tell it. */
static void child_ended(struct child *c, int status, int signo)
{
	struct os_child *child = c->child;

	list_remove(&c->link);
	if (child == NULL)
		return;
	child->impl = NULL;
	child->exited(child, status, signo);
}

static void process_exited(uv_process_t *process, int64_t status, int signo)
{
	child_ended(process->data, (int)status, signo);
	uv_close((uv_handle_t *)process, child_closed);
}

static int spawn_process(struct os_uv *parent, struct child *c,
    const struct os_program *program, unsigned index, int channel)
{
	char number[16], name[OS_NAME_MAX], self[] = "posthouse", verb[] = "role";
	char *args[] = { self, verb, name, number, NULL };
	uv_stdio_container_t stdio[] = {
		{ .flags = UV_IGNORE },
		{ .flags = UV_INHERIT_FD, .data.fd = STDOUT_FILENO },
		{ .flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO },
		{ .flags = UV_INHERIT_FD, .data.fd = channel },
	};
	uv_process_options_t options = {
		.file = "/proc/self/exe",
		.args = args,
		.exit_cb = process_exited,
		.stdio = stdio,
		.stdio_count = sizeof stdio / sizeof *stdio,
	};

	snprintf(name, sizeof name, "%s", program->name);
	snprintf(number, sizeof number, "%u", index);
	c->process.data = c;
	return uv_spawn(&parent->world->loop, &c->process, &options);
}

static void start_role(struct os_defer *start)
{
	struct os_uv *os = start->owner;

	os->program->start(&os->os, os->channel, os->index);
}

static void spawn_role(struct os_uv *parent, struct child *c,
    const struct os_program *program, unsigned index, int channel)
{
	char name[OS_NAME_MAX];
	struct os_uv *role;

	snprintf(name, sizeof name, "%s.%u", program->name, index);
	role = world_add(parent->world, name);
	role->as_child = c;
	role->program = program;
	role->index = index;
	role->channel = channel;
	files_give(parent->world, channel, role);
	c->role = role;
	role->start.run = start_role;
	role->start.owner = role;
	os_defer(&role->os, &role->start);
}

int process_spawn(struct os *os, struct os_child *child, const struct os_program *program,
    unsigned index, int channel)
{
	struct os_uv *parent = os_uv_of(os);
	struct child *c = heap_new(parent->world->heap, struct child);
	int error;

	check(child->impl == NULL);
	list_append(&parent->children, &c->link);
	c->child = child;
	child->impl = c;
	if (parent->world->options.one_process) {
		spawn_role(parent, c, program, index, channel);
		return 0;
	}
	error = spawn_process(parent, c, program, index, channel);
	os_close(os, channel);
	if (error == 0)
		return 0;
	child->impl = NULL;
	list_remove(&c->link);
	uv_close((uv_handle_t *)&c->process, child_closed);
	return error;
}

void process_kill(struct os *os, struct os_child *child)
{
	struct child *c = child->impl;

	if (c == NULL)
		return;
	if (c->role == NULL) {
		uv_process_kill(&c->process, SIGKILL);
		return;
	}
	c->role->stopped = true;
	c->role->signo = SIGKILL;
}

void process_ended(struct os_uv *os)
{
	struct child *c = os->as_child;

	if (c == NULL)
		return;
	child_ended(c, os->signo != 0 ? 0 : os->status, os->signo);
	heap_free(os->world->heap, c);
}

void process_orphan(struct os_uv *os)
{
	list_for(at, &os->children) {
		struct child *c = list_item(at, struct child, link);

		list_remove(&c->link);
		c->child->impl = NULL;
		c->child = NULL;
	}
}

/* ---- the other side ---- */

static bool is_channel(int fd)
{
	int type = 0;
	socklen_t len = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

int os_uv_role(const struct os_program *program, unsigned index)
{
	char name[OS_NAME_MAX];
	struct os_uv_options options = { .name = name, .log_from = OS_INFO };
	struct os *os;
	bool confined;
	int status;

	if (!is_channel(CHANNEL_FD)) {
		fprintf(stderr, "posthouse: \"role\" is how the server starts its own parts; "
		    "try \"posthouse serve\"\n");
		return 2;
	}
	prctl(PR_SET_NAME, "posthouse");        /* else it would be "exe" */
	close_range(CHANNEL_FD + 1, ~0U, 0);
	fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC);
	fcntl(CHANNEL_FD, F_SETFL, fcntl(CHANNEL_FD, F_GETFL) | O_NONBLOCK);
	/* A terminal or a service manager signals the whole group: the keeper alone
	 * answers, and drains us through the channel. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	snprintf(name, sizeof name, "%s.%u", program->name, index);
	os = os_uv_create(&options);
	program->start(os, CHANNEL_FD, index);
	status = os_uv_run(os);
	confined = os_uv_of(os)->confined;
	if (confined)
		_exit(status);
	os_uv_destroy(os);
	return status;
}
