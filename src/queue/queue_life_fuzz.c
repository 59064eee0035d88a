/* queue/queue_life_fuzz.c - a queue on disk, made and damaged in steps of six bytes: logs
 * begun, records of every kind, also under right checksums and without sense, bodies, bits
 * flipped, files cut and gone.
 *
 * For: queue/disk.c queue/verify.c queue/repair.c queue/repair_write.c queue/repair_rescue.c
 *
 * Holds: verify ends; without damage in the end nothing was done but what the relay does;
 * repair makes sound whatever is found, whole entries wait as they did, and of each entry
 * whose body is lost every recipient is either failed or was so before. */
#include "fuzz_steps.h"

#include "base/checksum.h"
#include "os/os_sim.h"
#include "queue/repair.h"

enum { STEP = 6, STEPS_MAX = 64, BODIES = 4, PACKS = 2, DISK = 1 << 26 };

static const uint8_t ip[4] = { 127, 1, 0, 1 };

struct life {
	struct os *os;
	struct heap *heap;
	struct log_writer log;
	uint32_t number;                /* of the log; 0: none yet */
	struct pack_place places[BODIES];
	struct pack_body bodies[BODIES];
	int aside;
};

static void write_at(struct life *l, const char *path, slice bytes, uint64_t at)
{
	int fd = os_open(l->os, OS_ROOT, path, OS_WRITE | OS_CREATE);

	check(fd >= 0 && os_pwrite(l->os, fd, bytes, at) == 0);
	os_close(l->os, fd);
}

/* One frame that says "hello", as zstd makes it. */
static void make_bodies(struct life *l)
{
	static const unsigned char frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x05, 0x29, 0x00, 0x00,
	    'h', 'e', 'l', 'l', 'o' };
	struct pack_body body = { 5, sizeof frame, checksum64(slice_of(frame, sizeof frame), 0) };
	uint64_t ends[PACKS + 1] = { 0 };

	for (uint32_t i = 0; i < BODIES; i++) {
		struct buffer out = buffer_init(l->heap, 4096);
		uint32_t pack = 1 + i / (BODIES / PACKS);
		char path[QUEUE_PATH];

		l->places[i] = (struct pack_place){ QUEUE_PACKS, pack, (uint32_t)ends[pack] };
		l->bodies[i] = body;
		pack_entry_write(&out, l->places[i], slice_lit("Received: here\r\n"), body);
		buffer_add(&out, slice_of(frame, sizeof frame));
		queue_pack_path(pack, path);
		write_at(l, path, buffer_bytes(&out), ends[pack]);
		ends[pack] += buffer_bytes(&out).len;
		buffer_free(&out);
	}
}

static void write_batch(struct life *l)
{
	char path[QUEUE_PATH];
	uint32_t offset;
	slice bytes;

	if (l->number == 0)
		return;
	bytes = log_take(&l->log, true, &offset);
	queue_log_path(l->number, path);
	write_at(l, path, bytes, offset);
	log_synced(&l->log, offset + (uint32_t)bytes.len);
	log_taken_done(&l->log);
}

static void add(struct life *l, uint8_t type, slice payload)
{
	uint32_t sequence, offset;

	if (l->number > 0 && type != 0)
		(void)!log_append(&l->log, type, &payload, 1, &sequence, &offset);
}

static void add_number(struct life *l, enum queue_record type, uint64_t number)
{
	struct buffer payload = buffer_init(l->heap, 64);

	queue_number_write(number, &payload);
	add(l, (uint8_t)type, buffer_bytes(&payload));
	buffer_free(&payload);
}

static void begin_log(struct life *l, uint8_t skip, uint8_t first)
{
	struct log_head head = { .kind = LOG_QUEUE, .size = QUEUE_FILE_SIZE };
	unsigned char block[LOG_BLOCK];
	char path[QUEUE_PATH];

	write_batch(l);
	if (l->number > 0)
		log_writer_finish(&l->log);
	l->number += 1u + skip % 3;
	head.number = l->number;
	head.generation = 1000 + l->number;
	log_head_write(&head, block);
	queue_log_path(l->number, path);
	write_at(l, path, slice_of(block, sizeof block), 0);
	log_writer_init(&l->log, l->heap, &head);
	add_number(l, QUEUE_BEGIN, first % 8 < 6 ? 1 + first % l->number : first);
}

static void add_entry(struct life *l, const uint8_t *s)
{
	struct buffer payload = buffer_init(l->heap, 4096);
	struct queue_recipient to[3] = { 0 };
	struct queue_entry e = { .number = 1 + s[1] % 8, .id = { 1, s[1] % 8u + 1, 7 },
	    .flags = s[4] & 3, .sender = s[4] & 4 ? slice_lit("a@b.example") : slice_lit(""),
	    .place = l->places[s[2] % BODIES], .body = l->bodies[s[2] % BODIES],
	    .n_recipients = 1 + s[3] % 3, .recipients = to };

	for (uint16_t i = 0; i < e.n_recipients; i++)
		to[i] = (struct queue_recipient){ i, s[3] >> (2 + i) & 1,
		    slice_lit("c@d.example"), slice_lit("450 no") };
	if (s[5] % 16 == 0)
		e.place.number = s[5] / 16 + 1u;
	if (s[5] % 16 == 1)
		e.place.offset += s[5] / 16;
	if (s[5] % 16 == 2)
		e.body.checksum++;
	queue_entry_write(&e, &payload);
	/* A bit of it is wrong, under a right checksum. */
	if (s[5] % 16 == 3) {
		size_t at = s[4] % buffer_bytes(&payload).len;

		payload.ptr[payload.start + at] ^= (unsigned char)(1u << s[5] / 32);
	}
	add(l, QUEUE_ENTRY, buffer_bytes(&payload));
	buffer_free(&payload);
}

/* A bit, or the end, or all of a file. */
static void damage(struct life *l, const uint8_t *s)
{
	uint32_t offset = (uint32_t)(s[2] | s[3] << 8), block = s[4] % 8 * LOG_BLOCK;
	unsigned char byte;
	char path[QUEUE_PATH];
	int fd;

	if (s[1] & 1)
		queue_pack_path(1 + s[1] / 2 % PACKS, path);
	else
		queue_log_path(1 + s[1] / 2 % 8, path);
	if (s[5] % 16 == 0) {
		(void)os_unlink(l->os, OS_ROOT, path);
		return;
	}
	fd = os_open(l->os, OS_ROOT, path, OS_READ | OS_WRITE);
	if (fd < 0)
		return;
	if ((s[1] & 1) == 0)
		offset = block + offset % 512;
	else
		offset %= 256;
	if (os_pread(l->os, fd, &byte, 1, offset) == 1) {
		byte ^= (unsigned char)(1u << s[5] % 8);
		check(os_pwrite(l->os, fd, slice_of(&byte, 1), offset) == 0);
	}
	os_close(l->os, fd);
}

static void step(struct life *l, const uint8_t *s)
{
	switch (s[0] % 10) {
	case 0:
		begin_log(l, s[1], s[2]);
		break;
	case 1:
	case 2:
	case 3:
		add_entry(l, s);
		break;
	case 4:
		add_number(l, QUEUE_GONE, 1 + s[1] % 8);
		break;
	case 5:
		add(l, QUEUE_KNOWN, slice_of(s, s[1] % 4 == 0 ? 3 : 0));
		break;
	case 6:
		add(l, QUEUE_WHOLE, (slice){ 0 });
		break;
	case 7:
		add(l, s[1], slice_of(s + 2, s[2] % 5));
		break;
	case 8:
		write_batch(l);
		break;
	default:
		damage(l, s);
	}
}

/* ---- what must hold ---- */

static void mute(struct finder *finder, const struct finding *finding)
{
	check(finding->kind < FINDING_KINDS && finding->text[0] != '\0');
}

static const struct queue_live *find(const struct queue_verify *v, uint64_t number)
{
	for (size_t i = 0; i < v->n_live; i++) {
		if (v->live[i].entry.number == number)
			return &v->live[i];
	}
	return NULL;
}

static unsigned count(const struct queue_verify *v, struct message_id id, enum queue_state state)
{
	unsigned n = 0;

	for (size_t i = 0; i < v->n_live; i++) {
		const struct queue_entry *e = &v->live[i].entry;

		for (size_t k = 0; k < e->n_recipients && message_id_equal(e->id, id); k++)
			n += e->recipients[k].state == state;
	}
	return n;
}

static void compare(const struct queue_verify *before, const struct queue_verify *after)
{
	for (size_t i = 0; i < before->n_live; i++) {
		const struct queue_live *was = &before->live[i];
		const struct queue_live *is = find(after, was->entry.number);
		struct message_id id = was->entry.id;

		if (!was->due && !was->bare) {
			check(is != NULL && slice_equal(was->word->payload, is->word->payload));
			continue;
		}
		check(!was->bare || (is != NULL && !is->bad));
		check(count(before, id, QUEUE_WAITING) + count(before, id, QUEUE_FAILED) ==
		    count(after, id, QUEUE_WAITING) + count(after, id, QUEUE_FAILED));
	}
	check(slice_equal(buffer_bytes(&before->disk.known), buffer_bytes(&after->disk.known)));
}

static void judge(struct life *l)
{
	struct finder finder = { mute, NULL, "queue/" };
	struct queue_verify before = { .os = l->os, .heap = l->heap, .finder = &finder };
	struct queue_verify after = before;
	struct queue_repair repair = { .verify = &before, .aside = l->aside };

	queue_verify(&before);
	check(!before.failed);
	check(before.damage > 0 || before.n_due + before.n_unnamed == 0);
	if (before.newer || before.damage == 0)
		return;
	check(queue_repair(&repair) == 0);
	check(repair.kept + repair.returned == before.n_live);
	queue_verify(&after);
	check(after.damage == 0);
	compare(&before, &after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sim *sim = sim_create(1);
	struct life l = { .heap = heap_create(SIZE_MAX) };

	l.os = sim_process_create(sim_host_create(sim, "a", ip, DISK), "test");
	check(os_mkdir(l.os, OS_ROOT, "pack") == 0 && os_mkdir(l.os, OS_ROOT, "aside") == 0);
	l.aside = os_open(l.os, OS_ROOT, "aside", OS_READ | OS_FOLDER);
	make_bodies(&l);
	for (size_t i = 0; i + STEP <= len && i < STEP * STEPS_MAX; i += STEP)
		step(&l, data + i);
	write_batch(&l);
	judge(&l);
	heap_drop(l.heap);
	sim_destroy(sim);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t size, unsigned seed)
{
	return fuzz_steps_mutate(0, STEP, data, len, size, seed);
}
