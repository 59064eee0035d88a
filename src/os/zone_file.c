/* os/zone_file.c - open, read, close: a confined role may call no more. */
#include "os/zone_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "search/when_zone.h"

enum { PIECE = 4096 };

#define FOLDER "/usr/share/zoneinfo/"

static bool read_all(const char *path, struct buffer *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t before = buffer_bytes(out).len;
	ssize_t n = fd >= 0 ? 1 : -1;

	while (n > 0) {
		size_t room = ZONE_FILE_MAX - (buffer_bytes(out).len - before);

		room = room < PIECE ? room : PIECE;
		n = room > 0 ? read(fd, buffer_reserve(out, room), room) : -1;
		if (n > 0)
			buffer_filled(out, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	if (n < 0)
		buffer_truncate(out, before);
	return n == 0;
}

bool zone_file_read(slice name, struct buffer *out)
{
	char path[sizeof FOLDER + ZONE_NAME_MAX];

	if (!when_zone_is_name(name))
		return false;
	snprintf(path, sizeof path, FOLDER "%.*s", slice_arg(name));
	return read_all(path, out);
}

bool zone_file_local(struct buffer *out, slice *ret_rule)
{
	const char *tz = getenv("TZ");
	slice name = tz != NULL ? slice_from(tz) : (slice){ 0 };

	*ret_rule = (slice){ 0 };
	if (tz == NULL)
		return read_all("/etc/localtime", out);
	if (name.len > 0 && name.ptr[0] == ':')
		name = slice_drop(name, 1);
	if (name.len > 0 && name.ptr[0] == '/')
		return read_all((const char *)name.ptr, out);
	if (zone_file_read(name, out))
		return true;
	*ret_rule = name;
	return name.len > 0;
}
