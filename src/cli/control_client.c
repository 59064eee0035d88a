/* cli/control_client.c - asks the server, or does it without one. */
#include "cli/control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "directory/command.h"
#include "os/os_uv.h"

enum {
	MEMORY = 8 * 1024 * 1024,
	START_WAIT_MS = 5000,           /* a server that has the lock, but no socket yet */
	START_STEP_MS = 50,
};

/* ---- which way ---- */

/* 0, or why there is nobody. The folder's descriptor keeps the path short. */
static int try_socket(struct control *c)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = CONTROL_TIMEOUT_MS / 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return errno;
	/* The keeper holds the socket open also while its directory can't start. */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/control.sock",
	    c->data.fd);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		error = errno;
	if (error == 0)
		c->socket = fd;
	else
		close(fd);
	return error;
}

/* A server that starts, or restarts its directory, is waited for. */
static bool find_server(struct control *c, bool *ret_fault)
{
	const struct timespec step = { .tv_nsec = START_STEP_MS * 1000000L };
	int error = try_socket(c);

	for (int waited = 0; error != 0 && waited < START_WAIT_MS; waited += START_STEP_MS) {
		if ((error == ENOENT || error == ECONNREFUSED) && data_holder(&c->data) == 0)
			return false;
		if (error != ENOENT && error != ECONNREFUSED)
			break;
		nanosleep(&step, NULL);
		error = try_socket(c);
	}
	*ret_fault = error != 0;
	if (error == EACCES || error == EPERM)
		cli_fail("cannot talk to the server on %s: run this as root or as the server's"
		    " user", c->data.path);
	else if (error != 0)
		cli_fail("cannot talk to the server on %s (control.sock): %s", c->data.path,
		    strerror(error));
	return error == 0;
}

static bool open_database(struct control *c)
{
	const struct config *config = c->setting.config;
	struct directory_error error;

	if (!data_lock(&c->data, &complain_stderr))
		return false;
	c->folder = openat(c->data.fd, "directory", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->folder < 0) {
		cli_fail("cannot open %s/directory: %s", c->data.path, strerror(errno));
		return false;
	}
	c->directory = directory_open(c->os, c->folder, "directory.db", &error);
	if (c->directory == NULL) {
		cli_fail("%s/directory/directory.db: %s", c->data.path, error.text);
		return false;
	}
	directory_set_domains(c->directory, config->domains, config->n_domains);
	directory_set_relay(c->directory, config->relay);
	return true;
}

static bool open_either(struct control *c, bool make)
{
	bool fault = false;

	if (!data_open(slice_cstr(&c->arena, c->setting.config->data), make, &complain_stderr,
	        &c->data))
		return false;
	return find_server(c, &fault) || (!fault && open_database(c));
}

bool control_open(struct control *c, const struct cli_args *args, bool make)
{
	const struct os_uv_options options = { .log_stderr = true, .log_from = OS_WARN };

	*c = (struct control){ .socket = -1, .folder = -1 };
	c->data = (struct data_folder){ .fd = -1, .lock = -1 };
	c->os = os_uv_create(&options);
	c->arena = arena_init(os_heap(c->os), MEMORY);
	c->answers = buffer_init(os_heap(c->os), CONTROL_ANSWER_MAX + 1);
	if (setting_read(args, NULL, "hostname = localhost\n", &c->arena, &complain_stderr,
	        &c->setting) && open_either(c, make))
		return true;
	control_close(c);
	return false;
}

bool control_again(struct control *c)
{
	bool fault = false;

	if (c->socket >= 0)
		close(c->socket);
	c->socket = -1;
	buffer_free(&c->answers);
	if (find_server(c, &fault))
		return true;
	if (!fault)
		cli_fail("the server on %s ended meanwhile", c->data.path);
	return false;
}

void control_close(struct control *c)
{
	directory_close(c->directory);
	if (c->socket >= 0)
		close(c->socket);
	if (c->folder >= 0)
		close(c->folder);
	if (c->data.fd >= 0)
		data_close(&c->data);
	os_uv_destroy(c->os);
}

/* ---- a request ---- */

bool control_write(int fd, slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = slice_drop(bytes, (size_t)n);
	}
	return true;
}

bool control_read_line(struct control *c, slice *ret_line)
{
	size_t len;

	while ((len = slice_find_byte(buffer_bytes(&c->answers), '\n')) ==
	    buffer_bytes(&c->answers).len) {
		size_t room = buffer_room(&c->answers);
		ssize_t n;

		if (room == 0)
			return false;
		if (room > 4096)
			room = 4096;
		n = read(c->socket, buffer_reserve(&c->answers, room), room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buffer_filled(&c->answers, (size_t)n);
	}
	*ret_line = slice_head(buffer_bytes(&c->answers), len);
	return true;
}

static bool ask(struct control *c, slice request, slice *ret_line)
{
	struct command_effect effect;

	if (c->socket < 0) {
		directory_command(c->directory, request, &c->answers, &effect);
		return control_read_line(c, ret_line);
	}
	return control_write(c->socket, request) && control_write(c->socket, slice_lit("\n")) &&
	    control_read_line(c, ret_line);
}

json_t *control_call(struct control *c, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	json_t *answer = NULL;
	const char *error;
	slice line;

	json_decref(request);
	if (text == NULL) {
		cli_fail("what was given is not UTF-8");
		return NULL;
	}
	errno = 0;
	if (ask(c, slice_from(text), &line)) {
		answer = json_loadb((const char *)line.ptr, line.len, 0, NULL);
		buffer_consume(&c->answers, line.len + 1);
	}
	free(text);
	error = json_string_value(json_object_get(answer, "error"));
	if (answer != NULL && error == NULL)
		return answer;
	if (error == NULL && answer == NULL && (errno == EAGAIN || errno == EWOULDBLOCK))
		error = "the server does not answer; see its logs, and try again";
	cli_fail("%s", error ? error : "the server ended the conversation; try again");
	json_decref(answer);
	return NULL;
}

json_t *control_list(struct control *c, const char *command)
{
	json_t *rows = json_array(), *more = json_string("");

	while (more != NULL) {
		json_t *request = json_pack("{s:s, s:o}", "command", command, "after", more);
		json_t *answer = control_call(c, request);

		if (answer == NULL) {
			json_decref(rows);
			return NULL;
		}
		json_array_extend(rows, json_object_get(answer, "rows"));
		more = json_incref(json_object_get(answer, "more"));
		json_decref(answer);
	}
	return rows;
}
