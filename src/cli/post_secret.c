/* cli/post_secret.c - a password out of a file. */
#include "cli/post_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buffer.h"
#include "cli/cli.h"
#include "cli/file.h"

int post_secret_take(const char *command, slice secret, const char *where,
    char ret_secret[PASSWORD_MAX + 1])
{
	if (secret.len == 0 || secret.len > PASSWORD_MAX)
		return cli_fail("%s: the password in %s is %s", command, where,
		    secret.len == 0 ? "empty" : "too long");
	memcpy(ret_secret, secret.ptr, secret.len);
	ret_secret[secret.len] = 0;
	return CLI_OK;
}

int post_secret_file(const char *command, const char *file, struct heap *heap,
    char ret_secret[PASSWORD_MAX + 1])
{
	struct buffer bytes = buffer_init(heap, PASSWORD_MAX + 2);
	int result = file_read(AT_FDCWD, file, &bytes), status;
	slice rest = buffer_bytes(&bytes), line = slice_cut(&rest, '\n');

	if (slice_ends(line, slice_lit("\r")))
		line.len--;
	if (result < 0 && result != -EFBIG)
		status = cli_fail("%s: cannot read %s: %s", command, file, strerror(-result));
	else if (result == -EFBIG)
		status = cli_fail("%s: %s holds more than a password", command, file);
	else
		status = post_secret_take(command, line, file, ret_secret);
	if (bytes.ptr != NULL)
		explicit_bzero(bytes.ptr, bytes.capacity);
	buffer_free(&bytes);
	return status;
}
