/* cli/import_mbox.c - the messages of an mbox, one after the other. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/import.h"
#include "mail/header.h"
#include "mail/mbox.h"

struct source {
	struct haul *t;
	struct mail_append *to;
	const char *path;
	int fd;
	struct mbox_reader reader;
	struct buffer in;               /* read and not used */
	struct buffer message;
	bool final;
	uint64_t number;                /* of the message, from 1 */
};

static unsigned flags_of(unsigned mbox)
{
	return (mbox & MBOX_SEEN ? IMAP_SEEN : 0) | (mbox & MBOX_ANSWERED ? IMAP_ANSWERED : 0) |
	    (mbox & MBOX_FLAGGED ? IMAP_FLAGGED : 0) | (mbox & MBOX_DELETED ? IMAP_DELETED : 0) |
	    (mbox & MBOX_DRAFT ? IMAP_DRAFT : 0);
}

/* "mail.mbox: message 12 (<id@host>)": what one finds it by. */
static void label_of(const struct source *src, char *ret_label, size_t size)
{
	slice id = header_find(buffer_bytes(&src->message), slice_lit("Message-ID"));
	char shown[120];

	if (id.ptr == NULL)
		id = slice_of(src->reader.from, src->reader.from_len);
	snprintf(ret_label, size, "%s: message %llu (%s)", src->path,
	    (unsigned long long)src->number, text_printable(slice_trim(id), shown, sizeof shown));
}

static bool bring(struct source *src)
{
	const struct mbox_reader *r = &src->reader;
	struct mbox_from from = mbox_from_read(slice_of(r->from, r->from_len));
	struct mail_letter letter = { .text = buffer_bytes(&src->message),
		.flags = flags_of(r->flags), .keywords = slice_of(r->keywords, r->keywords_len) };
	char label[4096 + 200];
	bool ok = true;

	src->number++;
	if (r->pseudo) {
		buffer_truncate(&src->message, 0);
		return true;
	}
	label_of(src, label, sizeof label);
	letter.label = label;
	letter.received_s = from.dated ? from.seconds : import_date(letter.text);
	if (r->too_long)
		haul_fail(src->t, "%s: not imported: it has %llu bytes, and %llu are the most "
		    "(limit.message_size)", label, (unsigned long long)r->size,
		    (unsigned long long)mail_append_limit(src->to));
	else
		ok = mail_append_add(src->to, &letter);
	buffer_truncate(&src->message, 0);
	return ok;
}

static bool read_more(struct source *src)
{
	ssize_t n;

	do
		n = read(src->fd, buffer_reserve(&src->in, IMPORT_READ), IMPORT_READ);
	while (n < 0 && errno == EINTR && !haul_stopped());
	if (n < 0) {
		if (!haul_stopped())
			cli_fail("cannot read %s: %s", src->path, strerror(errno));
		return haul_stopped();
	}
	buffer_filled(&src->in, (size_t)n);
	src->t->at_bytes += (uint64_t)n;
	src->final = n == 0;
	return true;
}

static bool refuse(const struct source *src)
{
	char shown[60];
	slice line = buffer_bytes(&src->in);

	line = slice_head(line, slice_find_byte(line, '\n'));
	cli_fail("%s is no mbox: it does not begin with a line \"From ...\", but with \"%s\"; a "
	    "Maildir is brought with --maildir", src->path,
	    text_printable(line, shown, sizeof shown));
	return false;
}

static bool read_messages(struct source *src)
{
	for (;;) {
		slice in = buffer_bytes(&src->in), rest = in;
		enum mbox_result result;

		if (haul_stopped())
			return true;
		result = mbox_read(&src->reader, &rest, src->final, &src->message);
		if (result == MBOX_NOT)
			return refuse(src);
		if (in.len > rest.len)
			buffer_consume(&src->in, in.len - rest.len);
		if (result == MBOX_END)
			return true;
		if (result == MBOX_MORE ? !read_more(src) : !bring(src))
			return false;
	}
}

/* Looked at before the account is: it has no effect when that is no mbox. */
static bool open_source(struct source *src)
{
	struct stat stat;
	slice rest;

	src->fd = strcmp(src->path, "-") == 0 ? STDIN_FILENO :
	    open(src->path, O_RDONLY | O_CLOEXEC);
	if (src->fd < 0 || fstat(src->fd, &stat) < 0) {
		cli_fail("cannot read %s: %s", src->path, strerror(errno));
		return false;
	}
	if (S_ISDIR(stat.st_mode)) {
		cli_fail("%s is a folder; a Maildir is brought with --maildir", src->path);
		return false;
	}
	src->t->total_bytes = S_ISREG(stat.st_mode) ? (uint64_t)stat.st_size : 0;
	if (!read_more(src))
		return false;
	rest = buffer_bytes(&src->in);
	while (rest.len > 0 && (rest.ptr[0] == '\n' || rest.ptr[0] == '\r'))
		rest = slice_drop(rest, 1);
	return rest.len == 0 || slice_starts(rest, slice_lit("From ")) || refuse(src);
}

bool import_mbox(struct haul *t, const char *path, const char *mailbox)
{
	struct source src = { .t = t, .path = path, .fd = -1,
		.in = buffer_init(t->heap, 2 * IMPORT_READ) };
	bool ok = open_source(&src);

	if (ok) {
		src.to = mail_append_begin(t, slice_from(mailbox != NULL ? mailbox : "INBOX"));
		ok = src.to != NULL;
	}
	if (ok) {
		src.message = buffer_init(t->heap, mail_append_limit(src.to));
		ok = read_messages(&src);
		ok = mail_append_end(src.to) && ok;
		buffer_free(&src.message);
	}
	buffer_free(&src.in);
	if (src.fd > STDIN_FILENO)
		close(src.fd);
	return ok;
}
