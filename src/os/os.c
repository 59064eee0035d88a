/* os/os.c - the calls of os.h, forwarded to the implementation of this os, and
 * what is the same in all of them: judging paths, and the line of the log. */
#include "os/os.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/text.h"
#include "os/os_impl.h"

struct heap *os_heap(struct os *os)
{
	return os->heap;
}

void *os_scratch(struct os *os)
{
	if (os->scratch == NULL)
		os->scratch = heap_alloc(os->heap, OS_SCRATCH_SIZE);
	return os->scratch;
}

/* ---- clock and chance ---- */

uint64_t os_now_ms(struct os *os)
{
	return os->ops->now_ms(os);
}

uint64_t os_now_us(struct os *os)
{
	return os->ops->now_us(os);
}

int64_t os_wall_us(struct os *os)
{
	return os->ops->wall_us(os);
}

void os_random(struct os *os, void *buf, size_t n)
{
	os->ops->random(os, buf, n);
}

uint64_t os_random_u64(struct os *os)
{
	uint64_t value;

	os->ops->random(os, &value, sizeof value);
	return value;
}

/* ---- loop ---- */

void os_timer_start(struct os *os, struct os_timer *timer, uint64_t delay_ms)
{
	check(timer->fire != NULL);
	os->ops->timer_start(os, timer, delay_ms);
}

void os_timer_stop(struct os *os, struct os_timer *timer)
{
	os->ops->timer_stop(os, timer);
}

void os_defer(struct os *os, struct os_defer *defer)
{
	check(defer->run != NULL);
	os->ops->defer(os, defer);
}

void os_defer_cancel(struct os *os, struct os_defer *defer)
{
	os->ops->defer_cancel(os, defer);
}

void os_watch_start(struct os *os, struct os_watch *watch, int fd, int events)
{
	check(watch->ready != NULL);
	check(fd >= 0);
	check(events != 0 && (events & ~(OS_READABLE | OS_WRITABLE)) == 0);
	os->ops->watch_start(os, watch, fd, events);
}

void os_watch_stop(struct os *os, struct os_watch *watch)
{
	os->ops->watch_stop(os, watch);
}

void os_work_start(struct os *os, struct os_work *work)
{
	check(work->run != NULL && work->done != NULL);
	work->os = os;
	os->ops->work_start(os, work);
}

void os_stop(struct os *os, int status)
{
	os->ops->stop(os, status);
}

void os_signal_start(struct os *os, struct os_signal *signal, int signo)
{
	check(signal->caught != NULL);
	os->ops->signal_start(os, signal, signo);
}

void os_signal_stop(struct os *os, struct os_signal *signal)
{
	os->ops->signal_stop(os, signal);
}

/* ---- files ---- */

/* 0, or what is wrong with a path. A configured one reaches us as it was
 * written, so this is a result and no check(). */
static int judge_path(const char *path)
{
	slice rest = slice_from(path);

	if (rest.len == 0)
		return -EINVAL;
	if (path[0] == '/')
		return rest.len < OS_ABSOLUTE_MAX ? 0 : -ENAMETOOLONG;
	if (rest.len >= OS_PATH_MAX)
		return -ENAMETOOLONG;
	while (rest.len > 0) {
		if (slice_equal(slice_cut(&rest, '/'), slice_lit("..")))
			return -EINVAL;
	}
	return 0;
}

int os_open(struct os *os, int dir, const char *path, int flags)
{
	int error = judge_path(path);

	check((flags & (OS_READ | OS_WRITE | OS_FOLDER)) != 0);
	return error != 0 ? error : os->ops->open(os, dir, path, flags);
}

int os_mkdir(struct os *os, int dir, const char *path)
{
	int error = judge_path(path);

	return error != 0 ? error : os->ops->mkdir(os, dir, path);
}

int os_unlink(struct os *os, int dir, const char *path)
{
	int error = judge_path(path);

	return error != 0 ? error : os->ops->unlink(os, dir, path);
}

int os_rmdir(struct os *os, int dir, const char *path)
{
	int error = judge_path(path);

	return error != 0 ? error : os->ops->rmdir(os, dir, path);
}

int os_list(struct os *os, int dir, const char *path,
    bool (*visit)(void *context, const char *name), void *context)
{
	int error = judge_path(path);

	return error != 0 ? error : os->ops->list(os, dir, path, visit, context);
}

int64_t os_size(struct os *os, int fd)
{
	return os->ops->size(os, fd);
}

ssize_t os_pread(struct os *os, int fd, void *buf, size_t n, uint64_t offset)
{
	return os->ops->pread(os, fd, buf, n, offset);
}

int os_pwrite(struct os *os, int fd, slice bytes, uint64_t offset)
{
	return os->ops->pwritev(os, fd, &bytes, 1, offset);
}

int os_pwritev(struct os *os, int fd, const slice *parts, size_t n, uint64_t offset)
{
	return os->ops->pwritev(os, fd, parts, n, offset);
}

int os_sync(struct os *os, int fd)
{
	return os->ops->sync(os, fd);
}

int os_sync_folder(struct os *os, int fd)
{
	return os->ops->sync_folder(os, fd);
}

int os_sync_folder_at(struct os *os, int folder, const char *path)
{
	int fd = os_open(os, folder, path, OS_READ | OS_FOLDER), error;

	if (fd < 0)
		return fd;
	error = os_sync_folder(os, fd);
	os_close(os, fd);
	return error;
}

int os_sync_system(struct os *os, int fd)
{
	return os->ops->sync_system(os, fd);
}

int os_free_space(struct os *os, int fd, uint64_t *ret_free, uint64_t *ret_total)
{
	return os->ops->free_space(os, fd, ret_free, ret_total);
}

void os_close(struct os *os, int fd)
{
	if (fd >= 0)
		os->ops->close(os, fd);
}

int os_duplicate(struct os *os, int fd)
{
	return os->ops->duplicate(os, fd);
}

int os_memory_file(struct os *os)
{
	return os->ops->memory_file != NULL ? os->ops->memory_file(os) : -EOPNOTSUPP;
}

int os_has_writer(struct os *os, int fd)
{
	return os->ops->has_writer(os, fd);
}

size_t os_descriptors_max(struct os *os)
{
	return os->ops->descriptors_max(os);
}

/* ---- streams and channels ---- */

int os_listen(struct os *os, const struct os_address *address, int backlog)
{
	return os->ops->listen(os, address, backlog);
}

int os_local_address(struct os *os, int fd, struct os_address *ret_address)
{
	return os->ops->local_address(os, fd, ret_address);
}

int os_accept(struct os *os, int fd, struct os_address *ret_peer)
{
	return os->ops->accept(os, fd, ret_peer);
}

int os_connect(struct os *os, const struct os_address *address)
{
	return os->ops->connect(os, address);
}

int os_connected(struct os *os, int fd)
{
	return os->ops->connected(os, fd);
}

ssize_t os_read(struct os *os, int fd, void *buf, size_t n)
{
	check(n > 0);
	return os->ops->read(os, fd, buf, n);
}

ssize_t os_write(struct os *os, int fd, const slice *parts, size_t n)
{
	return os->ops->write(os, fd, parts, n);
}

ssize_t os_write_last(struct os *os, int fd, slice bytes)
{
	return os->ops->write_last != NULL ? os->ops->write_last(os, fd, bytes) :
	    os_write(os, fd, &bytes, 1);
}

void os_acknowledge(struct os *os, int fd)
{
	if (os->ops->acknowledge != NULL)
		os->ops->acknowledge(os, fd);
}

int os_shutdown(struct os *os, int fd)
{
	return os->ops->shutdown(os, fd);
}

int os_stream_pair(struct os *os, int ret_fds[2])
{
	return os->ops->stream_pair(os, ret_fds);
}

int os_datagram_open(struct os *os, const struct os_address *address)
{
	return os->ops->datagram_open(os, address);
}

ssize_t os_datagram_receive(struct os *os, int fd, void *buf, size_t n,
    struct os_address *ret_peer)
{
	check(n > 0);
	return os->ops->datagram_receive(os, fd, buf, n, ret_peer);
}

int os_datagram_send(struct os *os, int fd, slice bytes, const struct os_address *to)
{
	return os->ops->datagram_send(os, fd, bytes, to);
}

int os_channel_pair(struct os *os, int ret_fds[2])
{
	return os->ops->channel_pair(os, ret_fds);
}

int os_channel_send(struct os *os, int fd, slice message, const int *fds, size_t n_fds)
{
	check(message.len > 0 && message.len <= IPC_PACKET_MAX);
	check(n_fds <= IPC_FDS_MAX);
	return os->ops->channel_send(os, fd, message, fds, n_fds);
}

ssize_t os_channel_receive(struct os *os, int fd, void *buf, size_t size,
    int ret_fds[], size_t *ret_n_fds)
{
	check(size > 0);
	return os->ops->channel_receive(os, fd, buf, size, ret_fds, ret_n_fds);
}

int64_t os_peer_uid(struct os *os, int fd)
{
	return os->ops->peer_uid(os, fd);
}

int os_dns_start(struct os *os, const struct os_dns_options *options)
{
	return os->ops->dns_start(os, options);
}

void os_dns_ask(struct os *os, struct os_dns_query *query, const char *name, unsigned type)
{
	check(query->impl == NULL && strlen(name) < OS_DNS_NAME_MAX);
	os->ops->dns_ask(os, query, name, type);
}

void os_dns_cancel(struct os *os, struct os_dns_query *query)
{
	if (query->impl != NULL)
		os->ops->dns_cancel(os, query);
}

/* ---- processes ---- */

int os_spawn(struct os *os, struct os_child *child, const struct os_program *program,
    unsigned index, int channel)
{
	check(child->exited != NULL);
	return os->ops->spawn(os, child, program, index, channel);
}

void os_kill(struct os *os, struct os_child *child)
{
	os->ops->kill(os, child);
}

int os_confine(struct os *os, const struct os_confinement *may, int root,
    int64_t uid, int64_t gid, const char **ret_step)
{
	return os->ops->confine(os, may, root, uid, gid, ret_step);
}

bool os_planted(struct os *os, enum os_plant plant)
{
	return os->ops->planted != NULL && os->ops->planted(os, plant);
}

/* ---- log ---- */

/* Year, month and day of a day counted from 1970-01-01, in the Gregorian
 * calendar. Own arithmetic: gmtime() reads the time zone's file on first use,
 * and a confined role has none. Years start on 1 March here, so that the leap
 * day is the last. */
static void date_of_day(int64_t day, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t from_0000 = day + 719468;               /* since 0000-03-01 */
	int64_t era = from_0000 / 146097, of_era = from_0000 % 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;        /* 0 is March */

	*ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year + era * 400 + (month >= 10 ? 1 : 0));
}

static size_t print_head(struct os *os, enum os_level level, char *ret_text, size_t size)
{
	static const char *const words[] = { "debug", "info", "warning", "error" };
	int64_t now = os_wall_us(os), second, rest;
	int year, month, day, n;

	if (now < 0)
		now = 0;
	second = now / 1000000;
	rest = second % 86400;
	date_of_day(second / 86400, &year, &month, &day);
	n = snprintf(ret_text, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %s ",
	    year, month, day, (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60),
	    (int)(now / 1000 % 1000), os->name[0] != 0 ? os->name : "posthouse", words[level]);
	check(n > 0 && (size_t)n < size);
	return (size_t)n;
}

void os_log(struct os *os, enum os_level level, const char *format, ...)
{
	/* The head is 24 of time, a name, a level and blanks. */
	char raw[OS_LOG_MAX + 1], line[64 + OS_NAME_MAX + OS_LOG_MAX + 1];
	size_t head, len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	if (n < 0)
		return;
	head = print_head(os, level, line, sizeof line);
	text_printable(slice_from(raw), line + head, OS_LOG_MAX);
	len = strlen(line);
	line[len] = '\n';
	os->ops->log(os, level, slice_of(line, len + 1));
}

void os_log_to(struct os *os, int fd)
{
	os->ops->log_to(os, fd);
}

bool os_event_wanted(const struct os *os)
{
	return os->events;
}

void os_event(struct os *os, slice line)
{
	if (os->events)
		os->ops->event(os, line);
}

void os_event_to(struct os *os, int fd)
{
	os->events = fd >= 0;
	os->ops->event_to(os, fd);
}

const char *os_name(const struct os *os)
{
	return os->name[0] != 0 ? os->name : "posthouse";
}
