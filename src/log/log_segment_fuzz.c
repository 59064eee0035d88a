/* log/log_segment_fuzz.c - a segment's life as a program, then its death: what
 * the writer wrote, torn, swapped, rotten, recycled, and read again.
 *
 * A step is four bytes: what, and how. Records remember what was appended.
 *
 * For: log/log_writer.c log/log_reader.c log/format.c
 *
 * Holds: the reader gives only records of this generation, each where it was
 * written and as it was; of those that an intact mark calls synced all that no
 * damage touched; without damage or tear all that were written, and no rot; with
 * tears above the last sync no rot; places rise and never overlap; reading in any
 * windows, going on from any record and behind a limit that grows tell the same;
 * forged records with right checksums never stop it or turn sequences back; one
 * good copy of a head is the head. */
#include "fuzz_steps.h"

#include "log/format.h"
#include "log/log.h"

enum { SIZE = 32 * 1024, RECORDS_MAX = 2000, STEP = 4, STEPS_MAX = 200, LIMITS_MAX = 64 };

FUZZ_STEPS_MUTATORS(1, STEP)

struct written {
	uint32_t offset, end, sequence;
	uint8_t type;
	slice payload;
	bool given;
};

struct segment {
	struct heap *heap;
	struct log_head head;
	struct log_writer writer;
	unsigned char disk[SIZE];
	unsigned char synced[SIZE];     /* as the last sync left it */
	unsigned char intact[SIZE];     /* all that was written, undamaged */
	struct written records[RECORDS_MAX];
	size_t n, n_taken;
	uint32_t limits[LIMITS_MAX];    /* where it was synced, in turn */
	size_t n_limits;
	bool torn, damaged, forged;
};

/* ---- the writer's life ---- */

static void begin(struct segment *s, uint64_t generation)
{
	s->head = (struct log_head){ LOG_ACCOUNT, 1, generation, 7, 3, SIZE };
	log_writer_init(&s->writer, s->heap, &s->head);
	log_head_write(&s->head, s->disk);
	memcpy(s->synced, s->disk, SIZE);
	memcpy(s->intact, s->disk, SIZE);
	s->n = s->n_taken = s->n_limits = 0;
	s->torn = s->damaged = s->forged = false;
}

static void append(struct segment *s, uint8_t a, uint8_t b, uint8_t c)
{
	static const uint32_t units[4] = { 1, 8, 64, 300 };
	uint32_t len = (a & 63) * units[a >> 6], room = log_writer_room(&s->writer);
	uint32_t at = (uint32_t)(b * 377u) % (SIZE - 20000);
	unsigned char *payload = heap_alloc(s->heap, len + 1);
	struct written *r = &s->records[s->n];
	slice parts[2];

	if (s->n == RECORDS_MAX)
		return;
	/* Some payloads are pieces of the disk: records within records. */
	if (c & 1)
		memcpy(payload, s->disk + at, len);
	else
		memset(payload, c & 2 ? 0 : b, len);
	*r = (struct written){ .type = (uint8_t)(1 + c % 255), .payload = slice_of(payload, len) };
	parts[0] = slice_head(r->payload, len / 3);
	parts[1] = slice_drop(r->payload, len / 3);
	if (!log_append(&s->writer, r->type, parts, 2, &r->sequence, &r->offset)) {
		check(s->writer.failed || room == 0 || len > room);
		return;
	}
	r->end = r->offset + format_size(len);
	check(r->offset % 8 == 0 && r->end <= SIZE && r->sequence == s->n + 1);
	s->n++;
}

static void take(struct segment *s, bool close)
{
	uint32_t at;
	slice bytes = log_take(&s->writer, close, &at);

	if (bytes.len > 0) {
		memcpy(s->disk + at, bytes.ptr, bytes.len);
		memcpy(s->intact + at, bytes.ptr, bytes.len);
		s->n_taken = s->n;
		check(!close || (at + bytes.len) % LOG_BLOCK == 0);
	}
	log_taken_done(&s->writer);
}

static void sync(struct segment *s)
{
	if (s->writer.failed || s->torn || s->damaged)
		return;
	memcpy(s->synced + s->writer.synced_to, s->disk + s->writer.synced_to,
	    s->writer.taken_to - s->writer.synced_to);
	log_synced(&s->writer, s->writer.taken_to);
	if (s->n_limits < LIMITS_MAX)
		s->limits[s->n_limits++] = s->writer.taken_to;
}

/* ---- its death ---- */

/* A power cut: some of what came after the last sync is as it was before. */
static void tear(struct segment *s, uint32_t from, uint32_t n)
{
	uint32_t synced = s->writer.synced_to, end = s->writer.taken_to;

	if (end == synced)
		return;
	from = synced + from % (end - synced);
	n = n < end - from ? n : end - from;
	memcpy(s->disk + from, s->synced + from, n);
	s->torn = true;
	log_failed(&s->writer);
}

static void damage(struct segment *s, uint8_t kind, uint8_t a, uint8_t b, uint8_t c)
{
	uint32_t at = LOG_BLOCK + ((uint32_t)a << 8 | b) * 8u % (SIZE - LOG_BLOCK - 8);
	uint32_t other = LOG_BLOCK * (1 + c % (SIZE / LOG_BLOCK - 1u));
	unsigned char block[LOG_BLOCK];

	s->damaged = true;
	log_failed(&s->writer);
	switch (kind % 4) {
	case 0:
		s->disk[at + c % 8] ^= (unsigned char)(1u << (c >> 3 & 7));
		break;
	case 1:
		at = at / LOG_BLOCK * LOG_BLOCK;
		memcpy(block, s->disk + at, LOG_BLOCK);
		memcpy(s->disk + at, s->disk + other, LOG_BLOCK);
		memcpy(s->disk + other, block, LOG_BLOCK);
		break;
	case 2:
		memset(s->disk + at, c & 1 ? 0 : 0xff, c < SIZE - at ? c : SIZE - at);
		break;
	default:                        /* a record where it is not */
		if (s->n > 0) {
			struct written *r = &s->records[c % s->n];
			uint32_t n = r->end - r->offset;

			memmove(s->disk + at, s->intact + r->offset, n < SIZE - at ? n : SIZE - at);
		}
	}
}

/* What only somebody who writes checksums can do. */
static void forge(struct segment *s, uint8_t a, uint8_t b, uint8_t c)
{
	uint32_t at = LOG_BLOCK + ((uint32_t)a << 8 | b) * 8u % (SIZE - LOG_BLOCK - FORMAT_MARK);
	uint32_t len = c * 16u;
	slice payload;

	s->forged = s->damaged = true;
	log_failed(&s->writer);
	if (len > SIZE - at - FORMAT_HEADER)
		len = SIZE - at - FORMAT_HEADER;
	payload = slice_of(s->disk + at + FORMAT_HEADER, len);
	if (c & 1) {
		at = at / LOG_BLOCK * LOG_BLOCK;
		format_mark_write(s->head.generation, at, b, at - c, s->disk + at);
	} else {
		format_header_write(s->head.generation, at, 1 + c % 3, b, &payload, 1,
		    s->disk + at);
	}
}

static void step(struct segment *s, const uint8_t *p)
{
	switch (p[0] % 16) {
	case 0: case 1: case 2: case 3: case 4: case 5:
		if (!s->damaged && !s->torn)
			append(s, p[1], p[2], p[3]);
		break;
	case 6: case 7: case 8:
		if (!s->damaged && !s->torn)
			take(s, p[1] & 1);
		break;
	case 9: case 10:
		sync(s);
		break;
	case 11:
		tear(s, (uint32_t)p[1] << 8 | p[2], p[3] * 16u);
		break;
	case 12: case 13:
		damage(s, p[0] >> 4, p[1], p[2], p[3]);
		break;
	case 14:
		forge(s, p[1], p[2], p[3]);
		break;
	default:
		log_writer_finish(&s->writer);
		begin(s, s->head.generation * 3 + 1);
	}
}

/* ---- reading ---- */

struct told {
	uint64_t sum;
	size_t records, rots;
	uint32_t end, sequence;         /* of the last thing that was told */
};

static void told_record(struct segment *s, const struct log_record *record, struct told *t)
{
	check(record->offset >= t->end && record->sequence > t->sequence);
	check(record->next >= record->offset + FORMAT_HEADER);
	check(record->sequence <= record->offset / FORMAT_HEADER);
	t->end = record->next;
	t->sequence = record->sequence;
	t->records++;
	t->sum = checksum64(record->payload, t->sum + record->offset + record->sequence);
	if (s->forged)
		return;
	check(record->sequence <= s->n);
	{
		struct written *r = &s->records[record->sequence - 1];

		check(r->offset == record->offset && r->type == record->type);
		check(slice_equal(r->payload, record->payload) && r->end == record->next);
		r->given = true;
	}
}

/* Read on to the end of what the reader's limit lets see. */
static void read_on(struct segment *s, struct log_reader *r, struct fuzz_chance *c,
    struct told *t)
{
	uint32_t at = 0, n = 0, from = 0, to = 0, need = 0, steps = 0;
	slice window = fuzz_copy((slice){ 0 });

	for (;;) {
		struct log_record record;
		enum log_read result = log_next(r, window, at, at + n == r->limit, &record,
		    &from, &to, &need);

		check(steps++ < SIZE);
		if (result == LOG_RECORD) {
			told_record(s, &record, t);
		} else if (result == LOG_ROT) {
			check(from >= t->end && from < to && to <= r->limit);
			t->end = to;
			t->rots++;
			t->sum = t->sum * 31 + from * 7 + to;
		} else if (result == LOG_MORE) {
			uint32_t extra = c == NULL ? SIZE : (uint32_t)fuzz_below(c, 9000);

			check(need > 0);
			at = r->offset < r->limit ? r->offset : r->limit;
			n = need + extra < r->limit - at ? need + extra : r->limit - at;
			fuzz_free(window);
			window = fuzz_copy(slice_of(s->disk + at, n));
		} else {
			break;
		}
	}
	fuzz_free(window);
}

/* The highest position that an intact mark calls synced. */
static uint32_t marked(const struct segment *s)
{
	uint32_t highest = 0;

	for (uint32_t at = LOG_BLOCK; at < s->writer.taken_to; at += LOG_BLOCK) {
		struct format_header header;

		if (memcmp(s->disk + at, s->intact + at, FORMAT_MARK) != 0 ||
		    !format_header_read(s->disk + at, s->head.generation, at, &header) ||
		    header.type != FORMAT_TYPE_MARK)
			continue;
		if (load_u32(s->disk + at + FORMAT_HEADER + 8) > highest)
			highest = load_u32(s->disk + at + FORMAT_HEADER + 8);
	}
	return highest;
}

static void check_given(struct segment *s, const struct told *t)
{
	uint32_t synced = marked(s);

	check(synced <= s->writer.synced_to);
	for (size_t i = 0; i < s->n_taken; i++) {
		const struct written *r = &s->records[i];

		if (r->end <= synced && memcmp(s->disk + r->offset, s->intact + r->offset,
		    r->end - r->offset) == 0)
			check(r->given);
	}
	if (!s->damaged)
		check(t->rots == 0);
	if (!s->damaged && !s->torn)
		check(t->records == s->n_taken);
}

/* As a router reads: what is announced, then more. */
static void read_behind_limits(struct segment *s, struct fuzz_chance *c)
{
	struct told t = { 0 };
	struct log_reader r;

	log_reader_init(&r, &s->head, LOG_BLOCK);
	for (size_t i = 0; i < s->n_limits; i++) {
		r.limit = s->limits[i];
		read_on(s, &r, c, &t);
		check(t.rots == 0);
	}
	for (size_t i = 0; i < s->n_taken && s->n_limits > 0; i++)
		check(s->records[i].end > r.limit || t.sequence > i);
}

static void read_all(struct segment *s, struct fuzz_chance *c)
{
	struct told whole = { 0 }, windows = { 0 }, first = { 0 }, rest;
	struct log_reader r;

	log_reader_init(&r, &s->head, SIZE);
	read_on(s, &r, NULL, &whole);
	if (!s->forged)
		check_given(s, &whole);
	log_reader_init(&r, &s->head, SIZE);
	read_on(s, &r, c, &windows);
	check(whole.sum == windows.sum && whole.records == windows.records);
	if (!s->damaged && !s->torn)
		read_behind_limits(s, c);
	/* From one of the records on: what is told behind it is the same. */
	if (s->forged || s->n_taken == 0)
		return;
	{
		const struct written *from = &s->records[fuzz_below(c, s->n_taken)];

		if (!from->given)
			return;
		log_reader_init(&r, &s->head, SIZE);
		log_reader_resume(&r, from->end, from->sequence);
		rest = (struct told){ .end = from->end, .sequence = from->sequence };
		read_on(s, &r, c, &rest);
		first = (struct told){ .records = whole.records - rest.records };
		check(rest.records <= whole.records && rest.rots <= whole.rots);
		for (size_t i = 0; i < from->sequence; i++)
			first.sequence += s->records[i].given;
		check(first.sequence == first.records);
	}
}

static void read_heads(struct segment *s, struct fuzz_chance *c)
{
	struct log_head have;
	size_t copy = fuzz_below(c, 2) * (LOG_BLOCK / 2), bit = fuzz_below(c, 64 * 8);

	check(log_head_read(slice_of(s->disk, LOG_BLOCK), &have) == LOG_HEAD_OK);
	check(have.generation == s->head.generation && have.size == SIZE);
	s->disk[copy + bit / 8] ^= (unsigned char)(1u << bit % 8);
	have.generation = 0;
	check(log_head_read(slice_of(s->disk, LOG_BLOCK), &have) == LOG_HEAD_OK);
	check(have.generation == s->head.generation && have.kind == s->head.kind);
	check(log_head_read(slice_of(s->disk, LOG_BLOCK - 1), &have) == LOG_HEAD_DAMAGED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct segment s;
	struct fuzz_chance c;
	struct heap *heap;

	if (len < 1 + STEP || len > 1 + STEP * STEPS_MAX)
		return 0;
	c = (struct fuzz_chance){ data[0] };
	heap = heap_create(SIZE_MAX);
	memset(s.disk, 0, SIZE);
	s.heap = heap;
	begin(&s, 0x1122334455667788);
	for (size_t at = 1; at + STEP <= len; at += STEP)
		step(&s, data + at);
	read_all(&s, &c);
	read_heads(&s, &c);
	heap_drop(heap);
	return 0;
}
