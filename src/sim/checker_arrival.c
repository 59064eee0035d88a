/* sim/checker_arrival.c - a message or a report came to a mailbox: which one, and may it? */
#include "sim/checker_impl.h"

#include <stdio.h>

#include "base/checksum.h"
#include "sim/dsn_look.h"
#include "sim/sim_message.h"

/* ---- which one ---- */

size_t checker_trace_len(slice bytes)
{
	static const char *const fields[] = { "Return-Path: ", "Delivered-To: ", "Received: " };
	slice rest = bytes;

	while (rest.len > 0) {
		size_t end = slice_find(rest, slice_lit("\r\n"));
		bool known = rest.len < bytes.len && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t');

		for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
			known = known || slice_starts(rest, slice_from(fields[i]));
		if (!known || end == rest.len)
			break;
		rest = slice_drop(rest, end + 2);
	}
	return bytes.len - rest.len;
}

/* Which message is it? Its Return-Path, the first line, says so. */
unsigned checker_message_number(const struct checker *c, slice bytes)
{
	static const slice before = slice_lit("Return-Path: <");
	size_t end;

	if (!slice_starts(bytes, before))
		return 0;
	bytes = slice_drop(bytes, before.len);
	end = slice_find(bytes, slice_lit(">\r\n"));
	return end < bytes.len ? checker_sender_number(c, slice_head(bytes, end)) : 0;
}

unsigned checker_number_inside(const struct checker *c, slice bytes)
{
	static const slice before = slice_lit("Subject: number ");
	slice rest = slice_drop(bytes, checker_trace_len(bytes));
	uint64_t number;

	if (!slice_starts(rest, before))
		return 0;
	rest = slice_drop(rest, before.len);
	if (!slice_to_u64(slice_head(rest, slice_find(rest, slice_lit("\r\n"))), c->n_messages,
	    &number) || number == 0 || !c->messages[number].null)
		return 0;
	return (unsigned)number;
}

bool checker_same_body(const struct checker *c, unsigned number, slice bytes)
{
	struct buffer want = buffer_init(c->heap, SIM_MESSAGE_MAX);
	slice body;
	bool same;

	sim_message_make(sim_seed(c->sim), number, &want);
	/* RFC 5321 s4.1.1.4: the dot stands on a line of its own. */
	body = buffer_bytes(&want);
	if (body.len > 0 && !slice_ends(body, slice_lit("\r\n")))
		buffer_add(&want, slice_lit("\r\n"));
	body = buffer_bytes(&want);
	same = slice_ends(bytes, body) && checker_trace_len(bytes) == bytes.len - body.len;
	buffer_free(&want);
	return same;
}

/* ---- may it come ---- */

/* May the account have this other copy of a message, or report? When its log lost that it
 * has it, or that it was deleted: once, and not beside itself. True uses that up. */
static bool let_return(struct account *a, unsigned number, const struct report *report,
    bool shaken)
{
	bool back = shaken;

	if (a->redelivers && (shaken || a->shaken))
		return true;
	list_for(at, &a->copies) {
		const struct copy *copy = list_item(at, struct copy, link);

		if (copy->message != number || copy->report != report)
			continue;
		if (copy->listed)
			return false;
		back = back || copy->returns;
	}
	list_for(at, &a->copies) {
		struct copy *copy = list_item(at, struct copy, link);

		if (copy->message == number && copy->report == report)
			copy->returns = false;
	}
	return back;
}

void checker_arrived(struct checker *c, unsigned number, unsigned account, slice bytes,
    const char *uid)
{
	slice address = c->accounts[account].address;
	struct message *m = checker_message(c, number);
	uint64_t bit = UINT64_C(1) << account;

	if (!checker_may_come(c, m))
		checker_fail(c, "%.*s: message m%u came, which was %s", slice_arg(address),
		    number, m->dot ? "refused" : "never finished");
	else if ((m->accounts & bit) == 0)
		checker_fail(c, "%.*s: message m%u came, which was for others",
		    slice_arg(address), number);
	else if ((m->copies & ~m->remote & bit) != 0 && !let_return(&c->accounts[account],
	    number, NULL, (m->shaken & bit) != 0))
		checker_fail(c, "%.*s: message m%u came twice, now as UIDL %s",
		    slice_arg(address), number, uid);
	else if (!checker_same_body(c, number, bytes))
		checker_fail(c, "%.*s: message m%u (UIDL %s) is not what was sent",
		    slice_arg(address), number, uid);
	c->remote += (m->remote & bit) != 0;
	c->doubles += (m->copies & m->remote & bit) != 0;
	m->copies |= bit;
}

/* ---- reports ---- */

struct report *checker_report(struct checker *c, slice id)
{
	list_for(at, &c->reports) {
		struct report *report = list_item(at, struct report, link);

		if (slice_equal(slice_from(report->id), id))
			return report;
	}
	return NULL;
}

static void note_report(struct checker *c, unsigned number, const struct dsn_look *look)
{
	struct message *m = checker_message(c, number);

	for (size_t i = 0; i < look->n; i++) {
		slice address = look->recipients[i].address;
		bool delayed = look->recipients[i].delayed;
		uint64_t bit = checker_account_bit(c, address);
		uint64_t *told = delayed ? &m->late : &m->failed;

		if ((m->accounts & m->remote & bit) == 0)
			checker_fail(c, "a report on m%u to <%.*s>, who was no recipient of it "
			    "elsewhere", number, slice_arg(address));
		else if ((*told & bit) != 0 && !m->retold)
			checker_fail(c, "the sender of m%u is told twice that <%.*s> %s, now in %.*s",
			    number, slice_arg(address), delayed ? "is late" : "failed",
			    slice_arg(look->id));
		*told |= bit;
	}
}

static bool let_report_return(struct checker *c, slice mailbox, const struct report *report)
{
	uint64_t bit = checker_account_bit(c, mailbox);

	return bit != 0 && let_return(&c->accounts[__builtin_ctzll(bit)], 0, report,
	    report->shaken);
}

/* A report came to `mailbox`: from the same host, or as mail of another. */
static struct report *take_report(struct checker *c, slice mailbox, bool outside, slice bytes)
{
	slice domain = slice_drop(mailbox, slice_find_last_byte(mailbox, '@') + 1);
	struct dsn_look look;
	struct report *report;
	unsigned number;

	if (!dsn_look(slice_drop(bytes, checker_trace_len(bytes)), &look)) {
		checker_fail(c, "<%.*s> got what is nobody's message", slice_arg(mailbox));
		return NULL;
	}
	number = checker_sender_number(c, look.to);
	if (number == 0 || look.id.len >= sizeof report->id) {
		checker_fail(c, "<%.*s> got a report to <%.*s>, who sent nothing",
		    slice_arg(mailbox), slice_arg(look.to));
		return NULL;
	}
	report = checker_report(c, look.id);
	if (!checker_may_come(c, checker_message(c, number))) {
		checker_fail(c, "<%.*s> got a report on m%u, which was refused",
		    slice_arg(mailbox), number);
	} else if (report != NULL && report->message != number) {
		checker_fail(c, "two reports have the Message-ID %s", report->id);
	} else if (report != NULL && !outside && slice_ends(look.reporter, domain) &&
	    !let_report_return(c, mailbox, report)) {
		checker_fail(c, "<%.*s> got the report %s on m%u twice", slice_arg(mailbox),
		    report->id, number);
	} else if (report != NULL) {
		c->doubles++;
	} else {
		report = heap_new(c->heap, struct report);
		snprintf(report->id, sizeof report->id, "%.*s", slice_arg(look.id));
		report->message = number;
		list_append(&c->reports, &report->link);
		note_report(c, number, &look);
	}
	return report;
}

void checker_read_report(struct checker *c, struct copy *copy, slice address, slice bytes)
{
	uint64_t hash = checksum64(bytes, 0);

	if (copy->report == NULL)
		copy->report = take_report(c, address, false, bytes);
	else if (copy->hash != hash)
		checker_fail(c, "%.*s: UIDL %s was the report %s and is now another",
		    slice_arg(address), copy->uid, copy->report->id);
	copy->hash = hash;
	copy->unreadable = false;
}

void checker_outside(struct checker *c, slice sender, slice recipient, slice bytes)
{
	uint64_t bit = checker_account_bit(c, recipient);
	unsigned number = sender.len > 0 ? checker_sender_number(c, sender) :
	    checker_number_inside(c, bytes);

	if (sender.len == 0 && number == 0 && checker_sender_number(c, recipient) != 0)
		take_report(c, recipient, true, bytes);
	else if (number == 0 || bit == 0)
		checker_fail(c, "another host got mail of <%.*s> to <%.*s>: nobody's message",
		    slice_arg(sender), slice_arg(recipient));
	else
		checker_arrived(c, number, (unsigned)__builtin_ctzll(bit), bytes, "elsewhere");
}
