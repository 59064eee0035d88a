/* cli/zone_files.c - zone files, read for whoever serves them. */
#include "cli/zone_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cli/file.h"

/* "NAME=FILE" or "FILE", whose path may hold a "=" behind a "/". */
static slice split(const char *value, const char **ret_path)
{
	slice whole = slice_from(value);
	size_t at = slice_find_byte(whole, '=');

	if (at == whole.len || slice_find_byte(slice_head(whole, at), '/') < at) {
		*ret_path = value;
		return (slice){ 0 };
	}
	*ret_path = value + at + 1;
	return slice_head(whole, at);
}

static int add(struct dns_zones *zones, const char *value, struct buffer *text)
{
	struct dns_zone_error fault;
	const char *path;
	slice name = split(value, &path);
	int error = file_read(AT_FDCWD, path, text);

	if (error == -EFBIG)
		return cli_fail("%s: a zone file has at most %d bytes", path, DNS_ZONE_TEXT_MAX);
	if (error != 0)
		return cli_fail("cannot read %s: %s", path, strerror(-error));
	if (dns_zones_add(zones, buffer_bytes(text), name, DNS_ZONE_TTL, &fault))
		return CLI_OK;
	if (fault.line == 0)
		return cli_fail("%s: %s", path, fault.text);
	return cli_fail("%s:%u: %s", path, fault.line, fault.text);
}

int zone_files_add(struct dns_zones *zones, const struct cli_args *args)
{
	struct heap *heap = heap_create(SIZE_MAX);
	int status = CLI_OK;

	for (size_t i = 0; i < args->n_given && status == CLI_OK; i++) {
		struct buffer text = buffer_init(heap, DNS_ZONE_TEXT_MAX);

		if (strcmp(args->given[i].option->name, "--zone") == 0)
			status = add(zones, args->given[i].value, &text);
		buffer_free(&text);
	}
	heap_drop(heap);
	return status;
}
