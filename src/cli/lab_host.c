/* cli/lab_host.c - a host of the lab: `posthouse serve` as a child, told by options
 * who it is. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/lab.h"

enum { WORDS_MAX = 40, WORD = 600, OUTPUT_MAX = 64 * 1024 };

struct words {
	char text[WORDS_MAX][WORD];
	char *list[WORDS_MAX + 1];
	size_t n;
};

static void add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *w, const char *format, ...)
{
	va_list args;

	if (w->n == WORDS_MAX)
		return;
	va_start(args, format);
	vsnprintf(w->text[w->n], WORD, format, args);
	va_end(args);
	w->list[w->n] = w->text[w->n];
	w->list[++w->n] = NULL;
}

/* Short times: who plays with it does not wait for hours. */
static void make_words(struct words *w, const struct lab_host *host, const struct lab_host *other,
    const unsigned ports[LAB_PORTS], const char *dns)
{
	static const char *const services[LAB_PORTS] = { "smtp", "submission", "submissions", "pop3",
		"pop3s", "http", "imap", "imaps" };

	add(w, "posthouse");
	add(w, "serve");
	add(w, "--demo");
	add(w, "--demo-host=%s", host->name);
	add(w, "--json");
	add(w, "--data=%s", host->data);
	for (size_t i = 0; i < LAB_PORTS; i++)
		add(w, "--set=listen.%s=%s:%u", services[i], host->address, ports[i]);
	add(w, "--set=relay.port=%u", ports[0]);
	add(w, "--set=relay.retry=10s");
	add(w, "--set=relay.retry_max=5m");
	add(w, "--set=relay.warn=5m");
	add(w, "--set=dns.servers=%s", dns);
	add(w, "--set=lab=yes");
	add(w, "--set=lab.hosts=%s.example=%s:%u,%s.example=%s:%u", host->name, host->address,
	    ports[LAB_HTTP], other->name, other->address, ports[LAB_HTTP]);
	add(w, "--set=lab.beside=%s/journey", other->data);
	add(w, "--set=journey.size=64M");
	add(w, "--set=edges=1");
	add(w, "--set=stores=1");
}

/* What it logs goes to a file: the screen is for journeys. */
static void become(struct words *w, int out, int errors)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	dup2(out, STDOUT_FILENO);
	if (errors >= 0)
		dup2(errors, STDERR_FILENO);
	execv("/proc/self/exe", w->list);
	_exit(127);
}

static void finish(struct lab_host *host)
{
	os_watch_stop(host->os, &host->watch);
	close(host->fd);
	host->fd = -1;
	buffer_free(&host->output);
	host->changed(host);
}

static void on_output(struct os_watch *watch, int events)
{
	struct lab_host *host = watch->owner;
	size_t room = buffer_room(&host->output);
	ssize_t n = room == 0 ? 0 : read(host->fd, buffer_reserve(&host->output, room), room);
	slice bytes;
	size_t end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		finish(host);
		return;
	}
	buffer_filled(&host->output, (size_t)n);
	bytes = buffer_bytes(&host->output);
	end = slice_find_byte(bytes, '\n');
	if (end == bytes.len || host->says != NULL)
		return;
	host->says = json_loadb((const char *)bytes.ptr, end, 0, NULL);
	buffer_free(&host->output);
	host->changed(host);
}

bool lab_host_start(struct lab_host *host, const struct lab_host *other, struct os *os,
    const unsigned ports[LAB_PORTS], const char *dns)
{
	struct words *words = heap_new(os_heap(os), struct words);
	int fds[2], errors;
	char path[sizeof host->data + 8];

	make_words(words, host, other, ports, dns);
	json_decref(host->says);
	host->says = NULL;
	host->ended = false;
	snprintf(path, sizeof path, "%s.log", host->data);
	errors = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	host->os = os;
	host->output = buffer_init(os_heap(os), OUTPUT_MAX);
	if (pipe2(fds, O_CLOEXEC) < 0) {
		cli_fail("cannot start the server of %s: %s", host->name, strerror(errno));
		if (errors >= 0)
			close(errors);
		heap_free(os_heap(os), words);
		return false;
	}
	host->pid = fork();
	if (host->pid == 0)
		become(words, fds[1], errors);
	heap_free(os_heap(os), words);
	close(fds[1]);
	if (errors >= 0)
		close(errors);
	host->fd = fds[0];
	fcntl(host->fd, F_SETFL, O_NONBLOCK);
	if (host->pid < 0) {
		host->pid = 0;
		close(host->fd);
		host->fd = -1;
		cli_fail("cannot start the server of %s: %s", host->name, strerror(errno));
		return false;
	}
	host->watch = (struct os_watch){ .ready = on_output, .owner = host };
	os_watch_start(os, &host->watch, host->fd, OS_READABLE);
	return true;
}

void lab_host_end(struct lab_host *host)
{
	if (host->pid > 0)
		kill(host->pid, SIGTERM);
}

const char *lab_host_why(const struct lab_host *host, char *ret_text, size_t size)
{
	static const char prefix[] = "posthouse: ";
	char path[sizeof host->data + 8], line[1024];
	FILE *file;

	snprintf(ret_text, size, "it said nothing");
	snprintf(path, sizeof path, "%s.log", host->data);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(ret_text, size, "%s", strncmp(line, prefix, sizeof prefix - 1) == 0 ?
		    line + sizeof prefix - 1 : line);
	}
	if (file != NULL)
		fclose(file);
	return ret_text;
}

bool lab_host_is_gone(struct lab_host *host)
{
	if (host->pid > 0 && waitpid(host->pid, &host->status, WNOHANG) != 0)
		host->pid = 0;
	return host->pid == 0;
}
