/* account/describe.c - records as lines of words. */
#include "account/describe.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "account/slot.h"

enum { LINE_MAX_LEN = 600, RANGES_SHOWN = 8, TIME_TEXT = 32 };

/* Appends, cut at the end. */
struct words {
	char *text;
	size_t len, size;
};

static void say(struct words *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct words *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->text + w->len, w->size - w->len, format, args);
	va_end(args);
	if (n > 0)
		w->len += (size_t)n < w->size - w->len ? (size_t)n : w->size - w->len - 1;
}

static void say_time(struct words *w, int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	char text[TIME_TEXT];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		say(w, "at %lld us", (long long)us);
	else
		say(w, "%s", text);
}

static void say_range(struct words *w, struct uid_range range)
{
	if (range.first == range.last)
		say(w, " %u", range.first);
	else
		say(w, " %u:%u", range.first, range.last);
}

static bool say_head(struct words *w, struct bytes in)
{
	struct account_head head;

	if (record_head_read(in.rest, &head) != RECORD_OK)
		return false;
	say(w, "head: uidvalidity %u, next uid %u, modseq %llu, %llu messages of %llu bytes",
	    head.uidvalidity, head.uid_next, (unsigned long long)head.modseq,
	    (unsigned long long)head.count, (unsigned long long)head.bytes);
	say(w, "%s%s", head.removed ? ", removed" : "", head.damaged ? ", damaged before" : "");
	for (uint32_t i = 0; i < head.n_chain; i++)
		say(w, "%s%03u to %u", i == 0 ? "; follows " : ", ", head.chain[i].number,
		    head.chain[i].end);
	say(w, "; %u keys; created ", head.n_keys);
	say_time(w, head.created_us);
	return true;
}

static bool say_keys(struct words *w, struct bytes in)
{
	uint32_t n;

	if (!record_list_begin(&in, RECORD_KEY_LEN, &n))
		return false;
	say(w, "keys of %u deliveries that may come again", n);
	return true;
}

static bool say_vanished(struct words *w, struct bytes in)
{
	uint64_t account, horizon, rows;
	uint32_t n;

	if (record_vanished_begin(&in, &account, &horizon, &rows, &n) != RECORD_OK)
		return false;
	say(w, "base of %llu messages; vanished:", (unsigned long long)rows);
	for (uint32_t i = 0; i < n && i < RANGES_SHOWN; i++)
		say_range(w, get_account_vanished(&in).uids);
	if (n > RANGES_SHOWN)
		say(w, " and %u ranges more", n - RANGES_SHOWN);
	say(w, "%s, known from modseq %llu on", n == 0 ? " none" : "",
	    (unsigned long long)horizon);
	return true;
}

static bool say_base(struct words *w, struct bytes in)
{
	struct account_row row;
	uint32_t n, first;

	if (!record_list_begin(&in, RECORD_ROW_LEN, &n) || n == 0)
		return false;
	row = get_account_row(&in);
	first = row.uid;
	for (uint32_t i = 1; i < n; i++)
		row = get_account_row(&in);
	say(w, "messages: %u, uid %u to %u", n, first, row.uid);
	return true;
}

static bool say_delivered(struct words *w, struct bytes in)
{
	uint32_t n;

	if (!record_list_begin(&in, RECORD_ROW_LEN, &n) || n == 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct account_row row = get_account_row(&in);
		char id[MESSAGE_ID_TEXT];

		message_id_print(row.key.id, id);
		say(w, "%sdelivered uid %u, modseq %llu: %s/%u, %llu bytes, pack %03u at %u, ",
		    i == 0 ? "" : "; ", row.uid, (unsigned long long)row.modseq, id,
		    row.key.recipient, (unsigned long long)row.size, row.pack, row.offset);
		say_time(w, row.received_us);
	}
	return true;
}

static bool say_expunged(struct words *w, struct bytes in)
{
	struct account_expunged expunged;

	if (!record_expunged_begin(&in, &expunged))
		return false;
	say(w, "expunged, modseq %llu: %llu messages of %llu bytes, uid",
	    (unsigned long long)expunged.modseq, (unsigned long long)expunged.count,
	    (unsigned long long)expunged.bytes);
	for (uint32_t i = 0; i < expunged.n && i < RANGES_SHOWN; i++)
		say_range(w, get_uid_range(&in));
	if (expunged.n > RANGES_SHOWN)
		say(w, " and %u ranges more", expunged.n - RANGES_SHOWN);
	return true;
}

static bool say_removed(struct words *w, struct bytes in)
{
	uint64_t modseq = get_u64(&in);

	if (!bytes_end(&in))
		return false;
	say(w, "removed for good, modseq %llu", (unsigned long long)modseq);
	return true;
}

void account_describe_record(uint8_t type, slice payload, char *ret_text, size_t size)
{
	static bool (*const sayers[])(struct words *w, struct bytes in) = {
		[RECORD_HEAD] = say_head,
		[RECORD_KEYS] = say_keys,
		[RECORD_VANISHED] = say_vanished,
		[RECORD_BASE] = say_base,
		[RECORD_DELIVERED] = say_delivered,
		[RECORD_EXPUNGED] = say_expunged,
		[RECORD_REMOVED] = say_removed,
	};
	struct words w = { .text = ret_text, .size = size };

	ret_text[0] = '\0';
	if (record_name(type) == NULL)
		say(&w, "a record of type %u, of a later version", type);
	else if (!sayers[type](&w, bytes_init(payload)))
		say(&w, "a record that is none: %s of %zu bytes", record_name(type), payload.len);
}

struct describer {
	account_line *line;
	void *context;
};

static void print(const struct describer *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void print(const struct describer *d, const char *format, ...)
{
	char text[LINE_MAX_LEN + 64];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	d->line(d->context, text);
}

static void describe_records(const struct describer *d, struct segment_reader *reader)
{
	char text[LINE_MAX_LEN];
	struct log_record record;
	uint32_t from, to;

	for (;;) {
		switch (segment_next(reader, &record, &from, &to)) {
		case SEGMENT_RECORD:
			account_describe_record(record.type, record.payload, text, sizeof text);
			print(d, "  %8u  %s", record.offset, text);
			break;
		case SEGMENT_ROT:
			print(d, "  %8u  damaged up to %u", from, to);
			break;
		case SEGMENT_FAILED:
			print(d, "  the disk failed here");
			return;
		case SEGMENT_END:
			print(d, "  %8u  end; known to be on disk to %u", reader->log.offset,
			    reader->log.synced_to);
			return;
		}
	}
}

static void describe_segment(const struct describer *d, struct os *os, struct heap *heap,
    uint64_t account, uint32_t number)
{
	static const char *const trouble[] = {
		[SEGMENT_OPEN] = "",
		[SEGMENT_NONE] = "gone meanwhile",
		[SEGMENT_DAMAGED] = "no segment of this account, or never finished",
		[SEGMENT_NEWER] = "written by a later version of Posthouse",
		[SEGMENT_IO] = "can't be read",
	};
	struct segment_reader reader;
	char path[ACCOUNT_PATH_MAX];
	enum segment_open opened = segment_open(&reader, os, heap, account, number);

	account_log_path(account, number, path);
	print(d, "%s%s%s", path, opened == SEGMENT_OPEN ? "" : ": ", trouble[opened]);
	if (opened != SEGMENT_OPEN)
		return;
	describe_records(d, &reader);
	segment_close(&reader);
}

int account_describe(struct os *os, struct heap *heap, uint64_t account, account_line *line,
    void *context)
{
	struct describer d = { line, context };
	char folder[ACCOUNT_PATH_MAX];
	uint32_t *numbers;
	size_t n;
	int error;

	account_folder_path(account, folder);
	error = account_list(os, heap, folder, ".log", &numbers, &n);
	if (error != 0)
		return error;
	for (size_t i = 0; i < n; i++)
		describe_segment(&d, os, heap, account, numbers[i]);
	heap_free(heap, numbers);
	return (int)n;
}
