/* journal/record.c - the COMMIT record.
 *
 *   u8 version | u64 transaction | u64 received_us | u16 flags | slice sender |
 *   slice trace | u16 n | n * slice sealed | u64 size | u64 stored |
 *   u64 checksum | u64 spool | frames to the end (none when spool is named)
 *
 * What is read here was written by an edge, which may be captured: every field
 * is bounded, and the seals are the router's to open. */
#include "journal/record.h"

#include <assert.h>

#include "base/check.h"
#include "base/limits.h"

enum { COMMIT_VERSION = 1 };

static_assert(JOURNAL_RECIPIENTS_MAX * RECIPIENT_TARGETS_MAX <= UINT16_MAX,
    "targets of a record number within 16 bits");

void journal_commit_write(const struct journal_commit *commit, struct buffer *out)
{
	const struct journal_body *body = &commit->body;

	check(commit->sender.len <= SEALED_ADDRESS_MAX);
	check(commit->trace.len <= JOURNAL_TRACE_MAX);
	check(commit->n_recipients > 0 && commit->n_recipients <= JOURNAL_RECIPIENTS_MAX);
	check(body->spool == 0 ? body->frames.len == body->stored : body->frames.len == 0);
	put_u8(out, COMMIT_VERSION);
	put_u64(out, commit->transaction);
	put_u64(out, (uint64_t)commit->received_us);
	put_u16(out, commit->flags);
	put_slice(out, commit->sender);
	put_slice(out, commit->trace);
	put_u16(out, commit->n_recipients);
	for (size_t i = 0; i < commit->n_recipients; i++) {
		check(commit->sealed[i].len <= SEALED_MAX);
		put_slice(out, commit->sealed[i]);
	}
	put_u64(out, body->size);
	put_u64(out, body->stored);
	put_u64(out, body->checksum);
	put_u64(out, body->spool);
	buffer_add(out, body->frames);
}

static bool read_recipients(struct bytes *in, struct arena *arena, struct journal_commit *commit)
{
	commit->n_recipients = get_u16(in);
	if (!bytes_ok(in) || commit->n_recipients == 0 ||
	    commit->n_recipients > JOURNAL_RECIPIENTS_MAX)
		return false;
	commit->sealed = arena_try(arena, commit->n_recipients, sizeof *commit->sealed);
	if (commit->sealed == NULL)
		return false;
	for (size_t i = 0; i < commit->n_recipients; i++)
		commit->sealed[i] = get_slice(in, SEALED_MAX);
	return bytes_ok(in);
}

static bool read_body(struct bytes *in, struct journal_body *body)
{
	body->size = get_u64(in);
	body->stored = get_u64(in);
	body->checksum = get_u64(in);
	body->spool = get_u64(in);
	body->frames = get_raw(in, in->rest.len);
	if (!bytes_ok(in))
		return false;
	return body->frames.len == (body->spool == 0 ? body->stored : 0);
}

bool journal_commit_read(slice payload, struct arena *arena, struct journal_commit *ret)
{
	struct bytes in = bytes_init(payload);
	struct journal_commit commit = { 0 };

	if (get_u8(&in) != COMMIT_VERSION)
		return false;
	commit.transaction = get_u64(&in);
	commit.received_us = (int64_t)get_u64(&in);
	commit.flags = get_u16(&in);
	commit.sender = get_slice(&in, SEALED_ADDRESS_MAX);
	commit.trace = get_slice(&in, JOURNAL_TRACE_MAX);
	if (!read_recipients(&in, arena, &commit) || !read_body(&in, &commit.body))
		return false;
	*ret = commit;
	return true;
}
