/* account/describe.c - records as lines of words. */
#include "account/describe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "account/slot.h"

enum { LINE_SIZE = 640, LIST_SIZE = 256, TIME_SIZE = 32, MAILBOX_SIZE = 40 };

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

/* "mailbox 3", "the graveyard of mailbox 3"; nothing for INBOX. */
static void print_mailbox(unsigned mailbox, char ret_text[MAILBOX_SIZE])
{
	unsigned number = mailbox & ~(unsigned)ACCOUNT_GRAVEYARD;
	const char *where = is_graveyard(mailbox) ? "the graveyard of " : "";

	if (mailbox == ACCOUNT_INBOX)
		ret_text[0] = '\0';
	else if (number == ACCOUNT_INBOX)
		snprintf(ret_text, MAILBOX_SIZE, "%sINBOX", where);
	else
		snprintf(ret_text, MAILBOX_SIZE, "%smailbox %u", where, number);
}

/* "\Seen \Deleted k3", or "no flag". */
static void print_flags(uint64_t bits, char ret_text[LIST_SIZE])
{
	static const char *const names[ACCOUNT_KEYWORD_FIRST] = { "\\Answered", "\\Flagged",
		"\\Deleted", "\\Seen", "\\Draft" };
	size_t len = 0;

	snprintf(ret_text, LIST_SIZE, "no flag");
	for (unsigned i = 0; i < ACCOUNT_KEYWORD_FIRST + ACCOUNT_KEYWORDS_MAX; i++) {
		const char *space = len > 0 ? " " : "";

		if ((bits >> i & 1) == 0)
			continue;
		if (i < ACCOUNT_KEYWORD_FIRST)
			len += (size_t)snprintf(ret_text + len, LIST_SIZE - len, "%s%s", space,
			    names[i]);
		else
			len += (size_t)snprintf(ret_text + len, LIST_SIZE - len, "%sk%u", space,
			    i - ACCOUNT_KEYWORD_FIRST);
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
	uint16_t version;
	uint32_t n;
	enum record_result result = record_vanished_begin(&in, &account, &horizon, &rows, &n,
	    &version);

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
		char mailbox[MAILBOX_SIZE], flags[LIST_SIZE];

		message_id_print(account_key_id(row.key), id);
		print_time(row.received_us, received);
		print_mailbox(row.mailbox, mailbox);
		print_flags(row.flags, flags);
		say(d, "%s UID %u%s%s at %s: message %s, recipient %u, %u bytes, pack %03u from"
		    " %u, modseq %llu%s%s", verb, row.uid, mailbox[0] != '\0' ? " of " : "",
		    mailbox, received, id, row.key.recipient, row.size, row.pack, row.offset,
		    (unsigned long long)row.modseq, row.flags != 0 ? ", " : "",
		    row.flags != 0 ? flags : "");
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

static enum record_result say_gone(struct describer *d, uint8_t type, struct bytes in)
{
	struct account_expunged expunged;
	char uids[LIST_SIZE], mailbox[MAILBOX_SIZE];

	if (!record_expunged_begin(type, &in, &expunged))
		return RECORD_BAD;
	print_ranges(&in, expunged.n, uids);
	print_mailbox(expunged.mailbox, mailbox);
	say(d, "expunged UID %s%s%s: %llu messages, %llu bytes, modseq %llu", uids,
	    mailbox[0] != '\0' ? " of " : "", mailbox,
	    (unsigned long long)expunged.count, (unsigned long long)expunged.bytes,
	    (unsigned long long)expunged.modseq);
	return RECORD_OK;
}

static enum record_result say_expunged(struct describer *d, struct bytes in)
{
	return say_gone(d, RECORD_EXPUNGED, in);
}

static enum record_result say_expunged_from(struct describer *d, struct bytes in)
{
	return say_gone(d, RECORD_EXPUNGED_FROM, in);
}

/* Names of clients: what is no plain character becomes "?". */
static void print_name(slice name, char ret_text[LIST_SIZE])
{
	size_t n = name.len < LIST_SIZE - 1 ? name.len : LIST_SIZE - 1;

	for (size_t i = 0; i < n; i++)
		ret_text[i] = name.ptr[i] < ' ' || name.ptr[i] == 0x7f ? '?' : (char)name.ptr[i];
	ret_text[n] = '\0';
}

static void say_entry(struct describer *d, const struct mailbox_entry *e, uint64_t modseq)
{
	static const char *const uses[USES] = { "", ", all", ", archive", ", drafts", ", flagged",
		", junk", ", sent", ", trash", ", important" };
	bool exists = (e->state & MAILBOX_EXISTS) != 0;
	bool subscribed = (e->state & MAILBOX_SUBSCRIBED) != 0;
	char name[LIST_SIZE];

	print_name(e->name, name);
	say(d, "mailbox %u %s \"%s\"%s%s; UIDVALIDITY %u, next UID %u, recent from %u, modseq %llu",
	    e->number, exists ? "is" : subscribed ? "is not there, was" : "is gone, was", name,
	    subscribed ? ", subscribed" : "", uses[e->use], e->uidvalidity, e->uid_next,
	    e->recent_from, (unsigned long long)modseq);
}

static enum record_result say_mailbox(struct describer *d, struct bytes in)
{
	struct mailbox_entry entry;
	uint64_t modseq;
	uint32_t n;

	if (!record_mailbox_begin(&in, &modseq, &n))
		return RECORD_BAD;
	for (uint32_t i = 0; i < n && !d->stopped; i++) {
		if (!get_mailbox_entry(&in, &entry))
			return RECORD_BAD;
		say_entry(d, &entry, modseq);
	}
	return RECORD_OK;
}

static enum record_result say_keyword(struct describer *d, struct bytes in)
{
	char text[LIST_SIZE];
	uint8_t number;
	uint32_t n;
	slice name;

	if (!record_keyword_begin(&in, &n))
		return RECORD_BAD;
	for (uint32_t i = 0; i < n && !d->stopped; i++) {
		if (!get_keyword_entry(&in, &number, &name))
			return RECORD_BAD;
		print_name(name, text);
		say(d, "keyword %u is \"%s\"", number, text);
	}
	return RECORD_OK;
}

static enum record_result say_flags(struct describer *d, struct bytes in)
{
	static const char *const ops[] = { "got", "lost", "have" };
	char uids[LIST_SIZE], flags[LIST_SIZE], mailbox[MAILBOX_SIZE];
	struct account_flagged f;

	if (!record_flags_begin(&in, &f))
		return RECORD_BAD;
	print_ranges(&in, f.n, uids);
	print_flags(f.bits, flags);
	print_mailbox(f.mailbox, mailbox);
	say(d, "UID %s%s%s %s %s, modseq %llu", uids, mailbox[0] != '\0' ? " of " : "", mailbox,
	    ops[f.op], flags,
	    (unsigned long long)f.modseq);
	return RECORD_OK;
}

static enum record_result say_copied(struct describer *d, struct bytes in)
{
	char uids[LIST_SIZE], from[MAILBOX_SIZE], to[MAILBOX_SIZE];
	struct account_copied c;

	if (!record_copied_begin(&in, &c))
		return RECORD_BAD;
	print_ranges(&in, c.n, uids);
	print_mailbox(c.from, from);
	print_mailbox(c.to, to);
	say(d, "%s UID %s of %s to %s as UID %u on: %llu messages, %llu bytes, modseq %llu",
	    c.move ? "moved" : "copied", uids, from[0] != '\0' ? from : "INBOX",
	    to[0] != '\0' ? to : "INBOX", c.uid_first,
	    (unsigned long long)c.count, (unsigned long long)c.bytes,
	    (unsigned long long)c.modseq);
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
		[RECORD_MAILBOX] = say_mailbox,
		[RECORD_KEYWORD] = say_keyword,
		[RECORD_FLAGS] = say_flags,
		[RECORD_COPIED] = say_copied,
		[RECORD_EXPUNGED_FROM] = say_expunged_from,
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
