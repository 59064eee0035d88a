/* role/edge_mailbox.c - X-Posthouse-Mailbox in the header of a message: whose mailbox it is
 * for, where a mock keeps one for each login.
 *
 *   RCPT  the recipient is kept beside its seal
 *   head  the field is read
 *   END   whose is it? -> LOGIN, and each recipient again -> RECIPIENT: new seals
 *
 * (1) The directory gives a mailbox, and makes it, as to who logs in with that name: what a
 *     name may be, and how many there are, is decided there alone.
 * (2) Without an answer the message is refused, never put with others' mail. */
#include "base/check.h"
#include "mail/header.h"
#include "role/edge_impl.h"

static bool wanted(const struct edge *e)
{
	return e->frame.config->mock &&
	    e->frame.config->mock_mailboxes == CONFIG_MAILBOXES_LOGIN;
}

bool edge_mailbox_keep(struct transaction *t, slice recipient)
{
	if (!wanted(t->edge))
		return true;
	if (buffer_room(&t->addresses) < sizeof(uint32_t) + recipient.len)
		return false;
	put_slice(&t->addresses, recipient);
	return true;
}

/* Without folds and blanks around it. What is longer than a login may be is cut off: an odd
 * name, but one. */
void edge_mailbox_read(struct transaction *t, slice head)
{
	unsigned char name[SASL_LOGIN_MAX];
	size_t len = 0;
	slice value;

	if (!wanted(t->edge))
		return;
	value = header_find(head, slice_lit("X-Posthouse-Mailbox"));
	for (size_t i = 0; i < value.len && len < sizeof name; i++) {
		unsigned char c = value.ptr[i];

		if (c != '\r' && c != '\n' && !(len == 0 && (c == ' ' || c == '\t')))
			name[len++] = c;
	}
	t->mailbox = slice_copy(&t->arena, slice_trim(slice_of(name, len)));
}

/* ---- the questions ---- */

static void ask_next(struct transaction *t);

static void refuse(struct transaction *t, const struct answer *answer)
{
	struct smtp_reply reply = edge_verdict_reply(answer);

	edge_smtp_refuse(t, &reply);
}

static void on_recipient(struct session *s, const struct answer *answer)
{
	struct transaction *t = s->transaction;

	if (answer->verdict != DIRECTORY_OK) {
		refuse(t, answer);
	} else if (buffer_room(&t->sealed) < sizeof(uint32_t) + answer->sealed.len) {
		edge_smtp_refuse(t, &edge_later);
	} else {
		put_slice(&t->sealed, answer->sealed);
		ask_next(t);
	}
}

/* Behind the last one it has its place. */
static void ask_next(struct transaction *t)
{
	slice recipient;

	if (t->addresses_left.rest.len == 0) {
		edge_smtp_go_commit(t);
		return;
	}
	recipient = get_slice(&t->addresses_left, ADDRESS_PATH_MAX);
	edge_ask_recipient(t->session, t->account, recipient, on_recipient);
}

static void on_mailbox(struct session *s, const struct answer *answer)
{
	struct transaction *t = s->transaction;

	edge_tell_mailbox(s, t->mailbox, answer);
	if (answer->verdict != DIRECTORY_OK) {
		refuse(t, answer);
		return;
	}
	t->account = answer->account;
	buffer_truncate(&t->sealed, 0);
	t->addresses_left = bytes_init(buffer_bytes(&t->addresses));
	ask_next(t);
}

bool edge_mailbox_ask(struct transaction *t)
{
	if (t->mailbox.len == 0)
		return false;
	edge_ask_login(t->session, SASL_ASK_PASSWORD, t->mailbox, slice_lit(""), on_mailbox);
	return true;
}
