/* account/describe.c - records as lines of words. */
#include "account/describe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "account/slot.h"

enum { LINE_SIZE = 512, LIST_SIZE = 256, TIME_SIZE = 32 };

static void say(struct describer *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct describer *d, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;
	int n;

	if (d->stopped)
		return;
	n = snprintf(text, sizeof text, "%03u %8u  ", d->segment, d->offset);
	va_start(args, format);
	vsnprintf(text + n, sizeof text - (size_t)n, format, args);
	va_end(args);
	d->stopped = !d->line(d->context, text);
}

static void print_time(int64_t us, char ret_text[TIME_SIZE])
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(ret_text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(ret_text, TIME_SIZE, "an impossible time");
}

/* "1,3:5", with "..." when it gets long. */
static void print_ranges(struct bytes *in, uint32_t n, char ret_text[LIST_SIZE])
{
	size_t len = 0;

	ret_text[0] = '\0';
	for (uint32_t i = 0; i < n; i++) {
		struct uid_range range = get_uid_range(in);
		const char *comma = i > 0 ? "," : "";
		int more;

		/* Two numbers, and what marks the end. */
		if (len + 32 > LIST_SIZE) {
			snprintf(ret_text + len, LIST_SIZE - len, ",...");
			return;
		}
		if (range.first == range.last)
			more = snprintf(ret_text + len, LIST_SIZE - len, "%s%u", comma,
			    range.first);
		else
			more = snprintf(ret_text + len, LIST_SIZE - len, "%s%u:%u", comma,
			    range.first, range.last);
		len += (size_t)more;
	}
}

/* ---- one function a record; RECORD_BAD: it can't be read ---- */

static enum record_result say_head(struct describer *d, struct bytes in)
{
	struct account_head head;
	char made[TIME_SIZE];
	enum record_result result = record_head_read(in.rest, &head);

	if (result != RECORD_OK)
		return result;
	print_time(head.created_us, made);
	say(d, "begins with %llu messages, %llu bytes; next UID %u, UIDVALIDITY %u, modseq %llu,"
	    " made %s", (unsigned long long)head.count, (unsigned long long)head.bytes,
	    head.uid_next, head.uidvalidity, (unsigned long long)head.modseq, made);
	for (uint32_t i = 0; i < head.n_chain; i++)
		say(d, "follows segment %03u up to %u", head.chain[i].number, head.chain[i].end);
	if (head.removed)
		say(d, "the account is removed");
	if (head.damaged)
		say(d, "damage was found before; old files are kept");
	return RECORD_OK;
}

static enum record_result say_keys(struct describer *d, struct bytes in)
{
	uint32_t n;

	if (!record_list_begin(&in, RECORD_KEY_LEN, &n))
		return RECORD_BAD;
	say(d, "remembers %u deliveries that may come again", n);
	return RECORD_OK;
}

static enum record_result say_vanished(struct describer *d, struct bytes in)
{
	uint64_t account, horizon, rows;
	uint32_t n;
	enum record_result result = record_vanished_begin(&in, &account, &horizon, &rows, &n);

	if (result != RECORD_OK)
		return result;
	say(d, "a base: %llu messages follow; %u ranges of vanished UIDs, known since modseq %llu",
	    (unsigned long long)rows, n, (unsigned long long)horizon);
	return RECORD_OK;
}

static enum record_result say_rows(struct describer *d, struct bytes in, const char *verb)
{
	uint32_t n;

	if (!record_list_begin(&in, RECORD_ROW_LEN, &n))
		return RECORD_BAD;
	for (uint32_t i = 0; i < n && !d->stopped; i++) {
		struct account_row row = get_account_row(&in);
		char id[MESSAGE_ID_TEXT], received[TIME_SIZE];

		message_id_print(row.key.id, id);
		print_time(row.received_us, received);
		say(d, "%s UID %u at %s: message %s, recipient %u, %llu bytes, pack %03u from %u,"
		    " modseq %llu", verb, row.uid, received, id, row.key.recipient,
		    (unsigned long long)row.size, row.pack, row.offset,
		    (unsigned long long)row.modseq);
	}
	return RECORD_OK;
}

static enum record_result say_base(struct describer *d, struct bytes in)
{
	return say_rows(d, in, "has");
}

static enum record_result say_delivered(struct describer *d, struct bytes in)
{
	return say_rows(d, in, "delivered");
}

static enum record_result say_expunged(struct describer *d, struct bytes in)
{
	struct account_expunged expunged;
	char uids[LIST_SIZE];

	if (!record_expunged_begin(&in, &expunged))
		return RECORD_BAD;
	print_ranges(&in, expunged.n, uids);
	say(d, "expunged UID %s: %llu messages, %llu bytes, modseq %llu", uids,
	    (unsigned long long)expunged.count, (unsigned long long)expunged.bytes,
	    (unsigned long long)expunged.modseq);
	return RECORD_OK;
}

static enum record_result say_removed(struct describer *d, struct bytes in)
{
	uint64_t modseq = get_u64(&in);

	if (!bytes_end(&in))
		return RECORD_BAD;
	say(d, "removed, modseq %llu", (unsigned long long)modseq);
	return RECORD_OK;
}

void account_describe_record(struct describer *d, uint8_t type, slice payload)
{
	static enum record_result (*const sayers[])(struct describer *d, struct bytes in) = {
		[RECORD_HEAD] = say_head,
		[RECORD_KEYS] = say_keys,
		[RECORD_VANISHED] = say_vanished,
		[RECORD_BASE] = say_base,
		[RECORD_DELIVERED] = say_delivered,
		[RECORD_EXPUNGED] = say_expunged,
		[RECORD_REMOVED] = say_removed,
	};
	const char *name = record_name(type);
	enum record_result result = name == NULL ? RECORD_NEWER :
	    sayers[type](d, bytes_init(payload));

	if (result == RECORD_NEWER) {
		say(d, "a record of a later Posthouse (type %u)", type);
		d->newer = true;
	} else if (result == RECORD_BAD) {
		say(d, "a record \"%s\" that cannot be read", name);
	}
}

/* ---- files ---- */

/* False: the disk failed. */
static bool describe_records(struct describer *d, struct segment_reader *reader)
{
	struct log_record record;
	uint32_t from, to;

	while (!d->stopped) {
		switch (segment_next(reader, &record, &from, &to)) {
		case SEGMENT_RECORD:
			d->offset = record.offset;
			account_describe_record(d, record.type, record.payload);
			break;
		case SEGMENT_ROT:
			d->offset = from;
			say(d, "damaged from here to %u: set aside", to);
			break;
		case SEGMENT_FAILED:
			return false;
		case SEGMENT_END:
			return true;
		}
	}
	return true;
}

static bool describe_segment(struct describer *d, struct os *os, uint64_t account)
{
	struct segment_reader reader;
	bool ok = true;

	d->offset = 0;
	switch (segment_open(&reader, os, os_heap(os), account, d->segment)) {
	case SEGMENT_OPEN:
		ok = describe_records(d, &reader);
		segment_close(&reader);
		break;
	case SEGMENT_NONE:
		say(d, "gone meanwhile");
		break;
	case SEGMENT_DAMAGED:
		say(d, "its head cannot be read: damaged, or not written yet");
		break;
	case SEGMENT_NEWER:
		say(d, "a segment of a later Posthouse");
		d->newer = true;
		break;
	case SEGMENT_IO:
		ok = false;
		break;
	}
	return ok;
}

enum account_described account_describe(struct os *os, uint64_t account, account_line *line,
    void *context, int *ret_error)
{
	struct describer d = { .line = line, .context = context };
	char folder[ACCOUNT_PATH_MAX];
	uint32_t *numbers;
	bool ok = true;
	size_t n;
	int error;

	account_folder_path(account, folder);
	error = account_list(os, os_heap(os), folder, ".log", &numbers, &n);
	if (error != 0) {
		*ret_error = error;
		return DESCRIBED_IO;
	}
	for (size_t i = 0; i < n && ok && !d.stopped; i++) {
		d.segment = numbers[i];
		ok = describe_segment(&d, os, account);
	}
	heap_free(os_heap(os), numbers);
	if (!ok) {
		*ret_error = -EIO;
		return DESCRIBED_IO;
	}
	if (n == 0)
		return DESCRIBED_NONE;
	return d.newer ? DESCRIBED_NEWER : DESCRIBED;
}
