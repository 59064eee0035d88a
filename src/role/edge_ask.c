/* role/edge_ask.c - an edge's questions to the directory.
 *
 * A session asks one thing at a time. Numbers are never used again, so an
 * answer for a session that has gone finds nobody. A directory that dies takes
 * its questions along: each gets "temporary". */
#include <string.h>

#include "base/check.h"
#include "role/edge_impl.h"

/* Each answer's type stands behind its question's. */
_Static_assert(IPC_RECIPIENT_IS == IPC_RECIPIENT + 1 && IPC_OWNS_IS == IPC_OWNS + 1 &&
    IPC_LOGIN_IS == IPC_LOGIN + 1 && IPC_SALT_IS == IPC_SALT + 1 && IPC_PROOF_IS == IPC_PROOF + 1,
    "edge_on_answer() counts on it");

static void answer_now(struct session *s, edge_answered *answered)
{
	const struct answer answer = { .verdict = DIRECTORY_TEMPORARY };

	answered(s, &answer);
}

/* Begin the question; NULL when there is no directory, and it was answered. */
static struct buffer *begin(struct session *s, enum ipc_type type, edge_answered *answered)
{
	struct edge *e = s->edge;
	struct ipc_channel *directory = frame_peer(&e->frame, ROLE_DIRECTORY, 0);
	struct buffer *out;

	check(s->request == 0);
	if (directory == NULL) {
		answer_now(s, answered);
		return NULL;
	}
	s->request = ++e->request_last;
	s->answered = answered;
	s->asked = type;
	table_put(&e->requests, table_key(s->request), s);
	edge_session_still(s);
	out = ipc_begin(directory, type);
	put_u64(out, s->request);
	return out;
}

static void end(struct session *s)
{
	ipc_end(frame_peer(&s->edge->frame, ROLE_DIRECTORY, 0), -1);
}

void edge_ask_recipient(struct session *s, uint64_t account, slice recipient,
    edge_answered *answered)
{
	struct transaction *t = s->transaction;
	struct buffer *out = begin(s, IPC_RECIPIENT, answered);

	if (out == NULL)
		return;
	put_u64(out, t->id);
	put_u8(out, (edge_is_submission(s) ? RECIPIENT_SUBMISSION : 0) |
	    (t->n_recipients == 0 ? RECIPIENT_FIRST : 0));
	buffer_add(out, slice_of(s->ip, sizeof s->ip));
	put_u64(out, account);
	put_slice(out, t->sender);
	put_slice(out, recipient);
	end(s);
}

void edge_ask_owns(struct session *s, slice address, edge_answered *answered)
{
	struct buffer *out = begin(s, IPC_OWNS, answered);

	if (out == NULL)
		return;
	put_u64(out, s->account);
	put_slice(out, address);
	end(s);
}

void edge_ask_login(struct session *s, enum sasl_ask ask, slice login, slice secret,
    edge_answered *answered)
{
	static const enum ipc_type types[SASL_ASKS] = { IPC_LOGIN, IPC_SALT, IPC_PROOF };
	struct buffer *out = begin(s, types[ask], answered);

	if (out == NULL)
		return;
	if (ask != SASL_ASK_SALT) {
		put_u8(out, (uint8_t)s->service);
		buffer_add(out, slice_of(s->ip, sizeof s->ip));
	}
	put_slice(out, login);
	if (ask != SASL_ASK_SALT)
		put_slice(out, secret);
	end(s);
}

struct sasl_salt edge_salt(const struct session *s, const struct answer *answer,
    struct edge_bindings *ret_room)
{
	const struct tls_session *tls = stream_tls(s->stream);
	struct sasl_salt salt = { .iterations = answer->iterations };

	memcpy(salt.salt, answer->salt.ptr, sizeof salt.salt);
	memcpy(salt.nonce, answer->random.ptr, sizeof salt.nonce);
	if (tls != NULL) {
		salt.exporter = slice_of(ret_room->exporter, tls_session_exporter(tls,
		    ret_room->exporter, sizeof ret_room->exporter));
		salt.endpoint = slice_of(ret_room->endpoint, tls_session_end_point(tls,
		    ret_room->endpoint, sizeof ret_room->endpoint));
	}
	return salt;
}

void edge_forget_question(struct session *s)
{
	if (s->request == 0)
		return;
	table_remove(&s->edge->requests, table_key(s->request));
	s->request = 0;
}

static void deliver_answer(struct session *s, const struct answer *answer)
{
	edge_answered *answered = s->answered;

	edge_forget_question(s);
	answered(s, answer);
	edge_session_wake(s);
}

bool edge_on_answer(struct edge *e, struct ipc_message *message)
{
	struct bytes *in = &message->body;
	uint64_t request = get_u64(in);
	struct answer answer = { .verdict = get_u8(in) };
	struct session *s;

	answer.words = get_slice(in, IPC_TEXT_MAX);
	if (message->type == IPC_RECIPIENT_IS) {
		answer.sealed = get_slice(in, SEALED_MAX);
	} else if (message->type == IPC_LOGIN_IS || message->type == IPC_PROOF_IS) {
		answer.account = get_u64(in);
		answer.address = get_slice(in, IPC_TEXT_MAX);
		answer.store = get_u16(in);
		answer.nonce = get_u64(in);
	}
	if (message->type == IPC_SALT_IS) {
		answer.ask = SASL_ASK_SALT;
		answer.iterations = get_u32(in);
		answer.salt = get_raw(in, SCRAM_SALT_LEN);
		answer.random = get_raw(in, SCRAM_NONCE_LEN);
	} else if (message->type == IPC_PROOF_IS) {
		answer.ask = SASL_ASK_PROOF;
		answer.signature = get_raw(in, SCRAM_HASH_LEN);
	}
	if (!bytes_end(in))
		return false;
	s = table_get(&e->requests, table_key(request));
	if (s != NULL && message->type != s->asked + 1u)
		return false;           /* it is no answer to that */
	if (s != NULL)
		deliver_answer(s, &answer);
	return true;
}

void edge_directory_left(struct edge *e)
{
	const struct answer answer = { .verdict = DIRECTORY_TEMPORARY };

	list_for (at, &e->sessions) {
		struct session *s = list_item(at, struct session, link);

		if (s->request != 0)
			deliver_answer(s, &answer);
	}
}

struct smtp_reply edge_verdict_reply(const struct answer *answer)
{
	const struct directory_verdict_row *row = directory_verdict_row(answer->verdict);

	return (struct smtp_reply){ row->smtp_code, row->smtp_enhanced,
	    answer->words.len > 0 ? answer->words : slice_from(row->words) };
}

/* Who must wait was named when it was told so first; a line a try would let a
 * guesser fill the disk. */
void edge_log_login(const struct session *s, unsigned verdict)
{
	char peer[OS_IP_TEXT];

	if (verdict == DIRECTORY_SLOW_DOWN)
		return;
	os_ip_print(s->ip, peer, sizeof peer);
	os_log(s->edge->os, OS_INFO, "%s: login refused (%s) peer=%s", service_name(s->service),
	    directory_verdict_row(verdict)->name, peer);
}
