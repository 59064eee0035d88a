/* cli/output.c - lines that wait for their reader. */
#include "cli/output.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/limits.h"

/* A pipe that can be written takes as many without waiting (POSIX: PIPE_BUF). */
enum { PIECE = 512 };

struct output {
	struct os *os;
	int fd;
	FILE *file;
	struct buffer waiting;
	struct os_timer again;
	size_t left_out;                /* lines, not said yet */
	bool skipping;                  /* the rest of a line that is left out */
	bool cut;                       /* of a line, that is the rest */
	bool broken;                    /* nobody will ever read it */
};

/* What goes without waiting; waits for wait_ms for each piece. */
static void send_waiting(struct output *out, int wait_ms)
{
	while (!out->broken && buffer_bytes(&out->waiting).len > 0) {
		struct pollfd can = { .fd = out->fd, .events = POLLOUT };
		slice bytes = buffer_bytes(&out->waiting);
		ssize_t n;

		if (poll(&can, 1, wait_ms) <= 0)
			break;
		n = write(out->fd, bytes.ptr, bytes.len < PIECE ? bytes.len : PIECE);
		if (n < 0 && errno == EAGAIN)
			break;
		out->broken = n < 0 && errno != EINTR;
		buffer_consume(&out->waiting, n > 0 ? (size_t)n : 0);
	}
	if (out->broken)
		buffer_consume(&out->waiting, buffer_bytes(&out->waiting).len);
	if (out->left_out > 0 && buffer_bytes(&out->waiting).len == 0) {
		buffer_printf(&out->waiting, "%s(%zu lines were left out: nobody read them)\n",
		    out->cut ? "...\n" : "", out->left_out);
		out->left_out = 0;
		out->cut = false;
	}
}

static void send_or_wait(struct output *out)
{
	send_waiting(out, 0);
	if (buffer_bytes(&out->waiting).len > 0)
		os_timer_start(out->os, &out->again, OUTPUT_RETRY_MS);
}

static void on_again(struct os_timer *timer)
{
	send_or_wait(timer->owner);
}

static bool in_line(const struct output *out)
{
	slice bytes = buffer_bytes(&out->waiting);

	return bytes.len > 0 && bytes.ptr[bytes.len - 1] != '\n';
}

/* A line, or a part of one. After a gap only when all that was before it has gone. */
static void take(struct output *out, slice piece)
{
	bool ends = piece.ptr[piece.len - 1] == '\n';

	if (!out->skipping && out->left_out == 0) {
		if (buffer_append(&out->waiting, piece))
			return;
		out->cut = in_line(out);
	}
	out->skipping = !ends;
	out->left_out += ends;
}

static ssize_t on_write(void *cookie, const char *bytes, size_t n)
{
	struct output *out = cookie;
	slice rest = slice_of(bytes, n);

	while (rest.len > 0) {
		size_t end = slice_find_byte(rest, '\n');
		size_t len = end < rest.len ? end + 1 : rest.len;

		take(out, slice_head(rest, len));
		rest = slice_drop(rest, len);
	}
	send_or_wait(out);
	return (ssize_t)n;
}

struct output *output_create(struct os *os, int fd)
{
	const cookie_io_functions_t functions = { .write = on_write };
	struct output *out = heap_new(os_heap(os), struct output);

	out->os = os;
	out->fd = fd;
	out->waiting = buffer_init(os_heap(os), OUTPUT_WAITING_MAX);
	out->again = (struct os_timer){ .fire = on_again, .owner = out };
	out->file = fopencookie(out, "w", functions);
	check(out->file != NULL);
	return out;
}

FILE *output_file(struct output *out)
{
	return out->file;
}

void output_destroy(struct output *out)
{
	uint64_t end_ms;

	if (out == NULL)
		return;
	fclose(out->file);
	end_ms = os_now_us(out->os) / 1000 + OUTPUT_END_MS;
	while (!out->broken && buffer_bytes(&out->waiting).len > 0 &&
	    os_now_us(out->os) / 1000 < end_ms)
		send_waiting(out, OUTPUT_RETRY_MS);
	os_timer_stop(out->os, &out->again);
	buffer_free(&out->waiting);
	heap_free(os_heap(out->os), out);
}
