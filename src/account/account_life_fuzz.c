/* account/account_life_fuzz.c - an account's lives on a simulated disk: deliveries,
 * expunges, flags, moves between mailboxes, failed syncs, power cuts, new bases, damage.
 *
 * A step is three bytes: what, and to which message or byte.
 *
 * For: account/account.c account/load.c account/base.c account/files.c account/state.c account/state_change.c account/state_mailbox.c account/change.c account/mailbox.c account/segment.c account/key.c account/record.c account/record_mailbox.c
 *
 * Holds: what was settled is there after every restart, once, with its uid, and what
 * was expunged is not; no uid ever names two messages; a message that is there is
 * known when it comes again; after any damage the account loads, or says that it
 * can't, with rows in order, and its log can be told in words. */
#include "fuzz_steps.h"

#include "account/describe.h"
#include "account/files.h"
#include "account/slot.h"
#include "os/os_sim.h"

enum { ID = 77, DISK = 16 * 1024 * 1024, STEP = 3, STEPS_MAX = 60, MESSAGES = 32,
       UIDS = 8192, NOW = 1000 };
FUZZ_STEPS_MUTATORS(1, STEP)

static const uint8_t ip[4] = { 127, 0, 0, 1 };

/* What is known of a message: nothing, perhaps there, surely there. */
struct known {
	enum { UNKNOWN, MAYBE, SURE } delivered, expunged;
};

struct life {
	struct sim *sim;
	struct sim_host *host;
	struct os *os;
	struct account *a;              /* NULL: it can't be loaded */
	int log;
	uint64_t generation;
	struct known known[MESSAGES];
	uint8_t owners[UIDS];           /* which message has a uid, from 1; 0: not seen yet */
	bool damaged, removed;
};

/* One uid, one message, for ever; a message that was moved has had several. */
static void check_owner(struct life *l, uint32_t uid, uint32_t n)
{
	check(uid < UIDS && (l->owners[uid] == 0 || l->owners[uid] == n + 1));
	l->owners[uid] = (uint8_t)(n + 1);
}

static void check_mailboxes(const struct account_state *s)
{
	uint64_t messages = 0, buried = 0;

	for (size_t i = 0; i < s->n_mailboxes; i++) {
		const struct account_mailbox *m = &s->mailboxes[i];

		messages += m->messages;
		buried += m->buried;
		check(m->messages == 0 || account_mailbox_exists(m));
		check(m->unseen <= m->messages && m->deleted <= m->messages);
		check(m->uidvalidity < s->head.uidvalidity_next || m->uidvalidity == 0);
		check(m->uid_next <= s->head.uid_next && m->highest_modseq <= s->head.modseq);
	}
	check(messages == s->head.count && messages + buried == s->head.rows);
}

static void check_rows(struct life *l)
{
	const struct account_state *s = &l->a->state;
	uint32_t uid = 0;
	uint64_t bytes = 0;
	size_t at = 0;

	for (size_t i = 0; i < s->n_rows; i++) {
		check(s->rows[i].uid > uid && s->rows[i].uid < s->head.uid_next);
		uid = s->rows[i].uid;
		bytes += is_graveyard(s->rows[i].mailbox) ? 0 : s->rows[i].size;
		check(account_state_find(s, uid) == &s->rows[i]);
		check(account_state_find_near(s, uid, &at) == &s->rows[i] && at == i);
	}
	if (l->damaged)
		return;
	check(s->head.rows == s->n_rows && s->head.bytes == bytes);
	check_mailboxes(s);
	for (uint32_t n = 0; n < MESSAGES; n++) {
		struct known *k = &l->known[n];
		unsigned times = 0;

		for (size_t i = 0; i < s->n_rows; i++) {
			if (s->rows[i].key.sequence != n + 1)
				continue;
			check_owner(l, s->rows[i].uid, n);
			check(k->delivered != UNKNOWN);
			k->delivered = SURE;
			times += !is_graveyard(s->rows[i].mailbox);
		}
		check(times <= 1 && (times == 0 || k->expunged != SURE));
		if (k->delivered == SURE && k->expunged == UNKNOWN && !l->removed)
			check(times == 1);
		if (times == 1)
			k->expunged = UNKNOWN;  /* it did not happen, and never will */
		else if (k->expunged == MAYBE)
			k->expunged = SURE;
	}
}

static void drop(struct life *l)
{
	if (l->a != NULL)
		heap_drop(l->a->heap);
	if (l->log >= 0 && sim_process_alive(l->os))
		os_close(l->os, l->log);
	l->log = -1;
	l->a = NULL;
}

static void rebase(struct life *l)
{
	struct account_birth birth = { ++l->generation, ++l->generation, 4711, 12345 };

	if (l->log >= 0)
		os_close(l->os, l->log);
	l->log = -1;
	if (!l->a->state.full || (l->a->state.head.uidvalidity == 0 && l->a->n_changes == 0))
		return;
	if (account_rebase(l->os, l->a, &birth, UINT32_MAX, &l->log) != 0) {
		check(l->damaged);
		drop(l);
	}
}

static bool open_segment(struct life *l)
{
	struct account_files files;

	if (account_must_base(l->a))
		return false;
	if (l->log >= 0)
		os_close(l->os, l->log);
	l->log = -1;
	check(account_files_create(l->os, ID, FILES_LOG | FILES_FIRST, l->a->log_next, 0,
	    &files) == 0);
	for (size_t i = 0; i < ACCOUNT_FOLDERS; i++)
		check(files.folders[i] < 0 || os_sync_folder(l->os, files.folders[i]) == 0);
	account_files_close_folders(l->os, &files);
	l->log = files.log;
	account_begin(l->a, files.log_number, ++l->generation, 4711, 12345);
	return true;
}

/* As the store does it; `fault`: the disk says no, before or behind the write. */
static void commit(struct life *l, unsigned fault)
{
	struct account_write writes[2];
	struct account *a = l->a;
	size_t n;

	if (!a->open && !open_segment(l)) {
		account_failed(a);
		rebase(l);
		return;
	}
	n = account_take(a, a->n_changes, writes);
	for (size_t i = 0; i < n && fault != 1; i++)
		check(os_pwrite(l->os, l->log, writes[i].bytes, writes[i].offset) == 0);
	if (n == 0 || fault != 0) {
		account_failed(a);
		return;
	}
	check(os_sync(l->os, l->log) == 0);
	account_settled(a);
	check_rows(l);
}

static void load(struct life *l, bool full)
{
	struct account_notes notes = { 0 };
	struct heap *heap = heap_create(SIZE_MAX);
	enum account_load_result result;

	drop(l);
	l->a = heap_new(heap, struct account);
	account_init(l->a, heap, ID);
	result = account_load(l->os, l->a, full, &notes);
	check(l->damaged || (result == ACCOUNT_LOADED && notes.n == 0));
	if (result == ACCOUNT_LOADED && !full)
		result = account_load_rows(l->os, l->a, &notes);
	if (result != ACCOUNT_LOADED) {
		drop(l);
		return;
	}
	/* What no mark calls synced is written once more; then all is there. */
	if (account_wants_base(l->a))
		rebase(l);
	else if (l->a->n_changes > 0)
		commit(l, 0);
	if (l->a != NULL)
		check_rows(l);
	if (l->a != NULL && account_wants_collect(l->a))
		account_collect_logs(l->os, l->a);
}

static void deliver(struct life *l, uint32_t n, uint8_t size)
{
	struct account_row row = {
		.key = { 5, n + 1, 1, 2 }, .received_us = n, .size = 1 + size,
		.stored = size, .pack = 1, .offset = n * 64,
	};
	enum account_deliver judged = account_judge(l->a, row.key);

	if (judged == ACCOUNT_ADDED) {
		check(l->damaged || l->known[n].delivered != SURE);
		account_deliver(l->a, &row);
		l->known[n].delivered = MAYBE;
	} else {
		check(l->damaged || l->removed || l->known[n].delivered != UNKNOWN);
	}
}

/* Does a change wait that no other may wait beside? */
static bool session_waits(const struct account *a)
{
	for (size_t i = 0; i < a->n_changes; i++) {
		if (a->changes[i].type != RECORD_DELIVERED && a->changes[i].type != RECORD_KEYWORD)
			return true;
	}
	return false;
}

static void expunge(struct life *l, uint8_t from, uint8_t to)
{
	struct account_state *s = &l->a->state;
	uint16_t mailbox = from / MESSAGES % 3 == 1 ? 1 : ACCOUNT_INBOX;
	uint32_t uids[MESSAGES];
	size_t n = 0;

	if (!s->full || l->a->removed || session_waits(l->a))
		return;
	for (size_t i = from % MESSAGES; i < s->n_rows && i <= to && n < MESSAGES; i += 1 + to % 3) {
		if (s->rows[i].mailbox != mailbox)
			continue;
		uids[n++] = s->rows[i].uid;
		l->known[(s->rows[i].key.sequence - 1) % MESSAGES].expunged = MAYBE;
	}
	check(account_expunge(l->a, mailbox, uids, n, to & 128 ? NOW : 0) == n);
}

static void copy(struct life *l, uint8_t what)
{
	struct account_state *s = &l->a->state;
	uint16_t from = what & 64 ? 1 : ACCOUNT_INBOX, to = what & 128 ? 1 : ACCOUNT_INBOX;
	uint32_t uids[MESSAGES], uid_first;
	enum account_answer answer;
	uint64_t count;
	size_t n = 0;

	for (size_t i = what % 4u; i < s->n_rows && n < MESSAGES; i += 1 + what / 4 % 4u) {
		if (s->rows[i].mailbox == from)
			uids[n++] = s->rows[i].uid;
	}
	answer = account_copy(l->a, from, to, uids, n, true, NOW, &uid_first, &count);
	check(answer != ACCOUNT_CHANGED || count == n);
}

static void flag(struct life *l, uint8_t what)
{
	struct account_state *s = &l->a->state;
	uint32_t uids[MESSAGES];
	int keyword = account_keyword_add(l->a, what & 32 ? slice_lit("work") : slice_lit("$Junk"));
	uint64_t bits = what / 3 & 31;
	size_t n = 0;

	if (keyword >= 0)
		bits |= account_keyword_bit(keyword);
	for (size_t i = what % 5u; i < s->n_rows && n < MESSAGES; i += 1 + what % 2u)
		uids[n++] = s->rows[i].uid;
	account_flag(l->a, what & 64 ? 1 : ACCOUNT_INBOX, (enum account_flag_op)(what % FLAG_OPS),
	    bits, uids, n);
}

/* What a client does, by itself. */
static void client(struct life *l, uint8_t verb, uint8_t what)
{
	slice name = what & 1 ? slice_lit("a/b") : what & 2 ? slice_lit("a") : slice_lit("c");
	uint16_t number;

	if (!l->a->state.full || l->a->removed || session_waits(l->a))
		return;
	account_born(l->a, 4711, 12345);
	switch (verb % 8) {
	case 0: case 1:
		account_create(l->a, name, (enum account_use)(what % USES), &number);
		break;
	case 2:
		account_rename(l->a, 1 + what / 4 % 3, name, NOW);
		break;
	case 3:
		account_subscribe(l->a, name, what & 4);
		break;
	case 4:
		account_recent(l->a, what / 4 % 2, l->a->uid_next);
		break;
	case 5:
		flag(l, what);
		break;
	default:
		copy(l, what);
	}
}

static void cut(struct life *l)
{
	drop(l);
	sim_power_cut(l->host);
	l->os = sim_process_create(l->host, "test");
}

/* A byte of one of its logs, the newest more often. */
static void damage(struct life *l, uint8_t which, uint8_t at)
{
	uint32_t next = l->a != NULL ? l->a->log_next : 5;
	char path[ACCOUNT_PATH_MAX];
	unsigned char byte = 0;
	uint64_t offset;
	int fd;

	account_log_path(ID, next - which % 4 > 0 ? next - which % 4 : 1, path);
	fd = os_open(l->os, OS_ROOT, path, OS_READ | OS_WRITE);
	if (fd < 0)
		return;
	/* Blocks begin with what matters. */
	offset = (which / 4 % 4) * (uint64_t)LOG_BLOCK + at;
	if (os_pread(l->os, fd, &byte, 1, offset) == 1) {
		byte ^= (unsigned char)(1u << (which >> 5));
		check(os_pwrite(l->os, fd, slice_of(&byte, 1), offset) == 0);
		l->damaged = true;
	}
	os_close(l->os, fd);
}

static bool take_line(void *context, const char *text)
{
	check(strlen(text) >= 14 && ++*(unsigned *)context < 100000);
	return true;
}

static void step(struct life *l, const uint8_t *p)
{
	unsigned lines = 0;
	int error;

	if (l->a == NULL)
		load(l, true);
	if (l->a == NULL && p[0] % 16 < 13)
		return;
	switch (p[0] % 16) {
	case 0: case 1: case 2: case 3:
		for (unsigned i = 0; i <= p[2] % 4u; i++)
			deliver(l, (p[1] + i) % MESSAGES, p[2]);
		break;
	case 4: case 5:
		expunge(l, p[1], p[2]);
		break;
	case 6: case 7: case 8:
		commit(l, 0);
		break;
	case 9:
		commit(l, 1 + p[1] % 2);
		break;
	case 10:
		load(l, p[1] & 1);
		break;
	case 11:
		if (!l->a->removed && p[1] == 7 && p[2] < 64) {
			account_remove(l->a);
			l->removed = true;
		}
		break;
	case 12:
		account_failed(l->a);
		rebase(l);
		break;
	case 13:
		cut(l);
		break;
	case 14:
		(void)account_describe(l->os, ID, take_line, &lines, &error);
		break;
	default:
		if (p[0] & 16)
			damage(l, p[1], p[2]);
		else if (l->a != NULL)
			client(l, p[1], p[2]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct life l = { .log = -1, .generation = 1000 };

	if (len < 1 || len > 1 + STEP * STEPS_MAX)
		return 0;
	l.sim = sim_create(data[0]);
	l.host = sim_host_create(l.sim, "host", ip, DISK);
	l.os = sim_process_create(l.host, "test");
	for (size_t at = 1; at + STEP <= len; at += STEP)
		step(&l, data + at);
	load(&l, true);
	drop(&l);
	sim_destroy(l.sim);
	return 0;
}
