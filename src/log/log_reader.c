/* log/log_reader.c - bytes become records, or what is wrong with them.
 *
 *   reading --not a record, and not what ends a batch--> scanning
 *      ^                                                    |
 *      |<-- a mark that misses nothing: it was padding -----|
 *      |<-- a later mark says "synced": LOG_ROT ------------|
 *      '<-- neither, up to the limit: LOG_END --------------'
 *
 * Scanning looks at each multiple of 8 for where reading can go on (the first
 * mark or whole record that follows), and then only at each block for a mark
 * that was written when the damaged place was known to be on disk. Zeros up to
 * the end of the block are how a batch ends: then what is missing began behind
 * them, unless a mark stands right there and names records that it misses.
 *
 * (1) r->offset moves back once a scan at most, to a place behind the damage:
 *     every call makes progress, whatever the bytes.
 * (2) A mark never claims more than what lies before it. */
#include "log/log.h"

#include "base/bytes.h"
#include "base/check.h"
#include "log/format.h"

/* What stands at an offset. */
enum sight {
	SEE_RECORD,
	SEE_MARK,
	SEE_NOTHING,
	SEE_MORE,               /* *ret_need bytes would tell */
};

struct view {
	slice window;
	uint32_t at;                    /* offset of the window */
	uint32_t limit;
};

struct found {
	struct format_header header;
	slice payload;
	uint32_t next;
	uint32_t synced_to;             /* of a mark */
};

void log_reader_init(struct log_reader *r, const struct log_head *head, uint32_t limit)
{
	check(limit <= head->size);
	*r = (struct log_reader){
		.head = *head,
		.offset = LOG_BLOCK,
		.limit = limit,
		.salvage_left = 2 * (uint64_t)head->size,
	};
}

void log_reader_resume(struct log_reader *r, uint32_t next, uint32_t sequence)
{
	check(next >= LOG_BLOCK);
	r->offset = next;
	r->sequence = sequence;
	r->scanning = false;
}

/* n bytes at offset, which are below the limit; false: not in the window. */
static bool view_bytes(const struct view *view, uint32_t offset, uint32_t n, slice *ret)
{
	uint64_t from;

	if (offset < view->at)
		return false;
	from = offset - view->at;
	if (from > view->window.len || n > view->window.len - from)
		return false;
	*ret = slice_sub(view->window, from, n);
	return true;
}

/* Checksums of single records behind damage cost at most salvage_left: records
 * that overlap could otherwise be made to cost the square of the segment. */
static bool may_verify(struct log_reader *r, const struct format_header *header)
{
	uint32_t cost = format_size(header->length);

	if (!r->scanning || header->type == FORMAT_TYPE_MARK)
		return true;
	if (header->sequence <= r->sequence || r->salvage_left < cost)
		return false;
	r->salvage_left -= cost;
	return true;
}

static enum sight look(struct log_reader *r, const struct view *view, uint32_t offset,
    struct found *ret, uint32_t *ret_need)
{
	uint32_t left = view->limit - offset;
	struct format_header header;
	slice raw, payload;

	if (left < FORMAT_HEADER)
		return SEE_NOTHING;
	if (!view_bytes(view, offset, FORMAT_HEADER, &raw)) {
		*ret_need = FORMAT_HEADER;
		return SEE_MORE;
	}
	if (!format_header_read(raw.ptr, r->head.generation, offset, &header) ||
	    header.length > left - FORMAT_HEADER || header.sequence > offset / FORMAT_HEADER)
		return SEE_NOTHING;     /* the last: there is no room for so many before it */
	if (!view_bytes(view, offset + FORMAT_HEADER, header.length, &payload)) {
		*ret_need = FORMAT_HEADER + header.length;
		return SEE_MORE;
	}
	if (!may_verify(r, &header) ||
	    !format_verify(&header, r->head.generation, offset, payload))
		return SEE_NOTHING;
	*ret = (struct found){ .header = header, .payload = payload };
	ret->next = offset + format_size(header.length);
	if (header.type != FORMAT_TYPE_MARK)
		return SEE_RECORD;
	ret->synced_to = load_u32(payload.ptr + 8);
	return ret->synced_to <= offset ? SEE_MARK : SEE_NOTHING;
}

static void note_synced(struct log_reader *r, uint32_t synced_to)
{
	if (synced_to > r->synced_to)
		r->synced_to = synced_to;
}

enum scan { SCAN_ON, SCAN_PADDING, SCAN_ROT };

/* What the sight at r->offset means for the scan. */
static enum scan scan_judge(struct log_reader *r, enum sight sight, const struct found *seen)
{
	uint32_t missing_from;

	if (sight == SEE_MARK && seen->header.sequence >= r->sequence) {
		note_synced(r, seen->synced_to);
		if (r->found == 0 && seen->header.sequence == r->sequence)
			return SCAN_PADDING;
		if (r->found == 0) {
			r->found = r->offset;
			r->found_sequence = seen->header.sequence;
		}
	} else if (sight == SEE_RECORD && r->found == 0 &&
	    seen->header.sequence > r->sequence) {
		r->found = r->offset;
		r->found_sequence = seen->header.sequence - 1;
	}
	if (r->found == 0)
		return SCAN_ON;
	missing_from = r->found == r->zeros_to ? r->damage_from : r->zeros_to;
	return r->synced_to > missing_from ? SCAN_ROT : SCAN_ON;
}

/* Move zeros_to over what stands at r->offset, if that is where it is. */
static bool skip_zeros(struct log_reader *r, const struct view *view, uint32_t *ret_need)
{
	static const unsigned char zeros[FORMAT_ALIGN];
	uint32_t n = view->limit - r->offset;
	slice raw;

	if (r->offset != r->zeros_to || r->offset % LOG_BLOCK == 0)
		return true;
	if (n > FORMAT_ALIGN)
		n = FORMAT_ALIGN;
	if (!view_bytes(view, r->offset, n, &raw)) {
		*ret_need = n;
		return false;
	}
	if (slice_equal(raw, slice_of(zeros, n)))
		r->zeros_to += n;
	return true;
}

/* Nothing follows up to the limit. */
static enum log_read scan_over(struct log_reader *r, uint32_t limit, uint32_t *ret_from,
    uint32_t *ret_to)
{
	uint32_t end = r->synced_to < limit ? r->synced_to : limit;

	r->scanning = false;
	if (end <= r->zeros_to) {
		r->offset = r->damage_from;
		return LOG_END;
	}
	*ret_from = r->damage_from;
	*ret_to = r->offset = end;
	return LOG_ROT;
}

/* LOG_RECORD here means: go on reading at r->offset. */
static enum log_read scan(struct log_reader *r, const struct view *view, uint32_t *ret_from,
    uint32_t *ret_to, uint32_t *ret_need)
{
	struct found seen = { 0 };
	enum sight sight;

	while (r->offset < view->limit) {
		sight = look(r, view, r->offset, &seen, ret_need);
		if (sight == SEE_MORE)
			return LOG_MORE;
		switch (scan_judge(r, sight, &seen)) {
		case SCAN_PADDING:
			r->scanning = false;
			return LOG_RECORD;
		case SCAN_ROT:
			r->scanning = false;
			r->offset = r->found;
			r->sequence = r->found_sequence;
			*ret_from = r->damage_from;
			*ret_to = r->found;
			return LOG_ROT;
		case SCAN_ON:
			if (!skip_zeros(r, view, ret_need))
				return LOG_MORE;
			r->offset = r->found != 0 ?
			    format_round_up(r->offset + 1, LOG_BLOCK) :
			    format_round_up(r->offset + 1, FORMAT_ALIGN);
		}
	}
	return scan_over(r, view->limit, ret_from, ret_to);
}

/* One step without damage in sight; false when there is some. Sequences may
 * skip here only behind damage that was reported before. */
static bool read_plain(struct log_reader *r, const struct view *view, enum log_read *ret_result,
    struct log_record *ret_record, uint32_t *ret_need)
{
	struct found seen;

	while (r->offset < view->limit) {
		switch (look(r, view, r->offset, &seen, ret_need)) {
		case SEE_MORE:
			*ret_result = LOG_MORE;
			return true;
		case SEE_MARK:
			if (seen.header.sequence < r->sequence)
				return false;
			note_synced(r, seen.synced_to);
			r->offset = seen.next;
			r->sequence = seen.header.sequence;
			break;
		case SEE_RECORD:
			if (seen.header.sequence <= r->sequence)
				return false;
			*ret_record = (struct log_record){
				.type = (uint8_t)seen.header.type,
				.sequence = seen.header.sequence,
				.offset = r->offset,
				.next = seen.next,
				.payload = seen.payload,
			};
			r->offset = seen.next;
			r->sequence = seen.header.sequence;
			*ret_result = LOG_RECORD;
			return true;
		case SEE_NOTHING:
			return false;
		}
	}
	*ret_result = LOG_END;
	return true;
}

enum log_read log_next(struct log_reader *r, slice window, uint32_t window_at, bool final,
    struct log_record *ret_record, uint32_t *ret_from, uint32_t *ret_to, uint32_t *ret_need)
{
	struct view view = { window, window_at, r->limit };
	enum log_read result = LOG_RECORD;

	if (final && window_at + (uint64_t)window.len < view.limit)
		view.limit = window_at + (uint32_t)window.len;
	for (;;) {
		if (!r->scanning) {
			if (read_plain(r, &view, &result, ret_record, ret_need))
				return result;
			r->scanning = true;
			r->damage_from = r->zeros_to = r->offset;
			r->found = 0;
		}
		result = scan(r, &view, ret_from, ret_to, ret_need);
		if (result != LOG_RECORD)
			return result;
	}
}
