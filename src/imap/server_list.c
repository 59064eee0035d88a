/* imap/server_list.c - LIST (RFC 9051 s6.3.9: LIST-EXTENDED, LIST-STATUS, CHILDREN, SPECIAL-USE are
 * in it), LSUB (RFC 3501 s6.3.9), STATUS, NAMESPACE, GETQUOTA.
 *
 * All names are sorted once, so that what is below a name follows it: a name that is only the
 * beginning of others is told as one that does not exist. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "imap/mailbox.h"
#include "imap/server_impl.h"

enum {                                  /* selection options */
	SELECT_SUBSCRIBED = 1, SELECT_REMOTE = 2, SELECT_RECURSIVE = 4, SELECT_USE = 8,
};
enum { RETURN_SUBSCRIBED = 1, RETURN_CHILDREN = 2, RETURN_USE = 4, RETURN_STATUS = 8 };

enum {                                  /* of a name */
	NAME_EXISTS = 1, NAME_SUBSCRIBED = 2, NAME_CHILDREN = 4, NAME_CHILD_SUBSCRIBED = 8,
};

struct name {
	slice name;
	unsigned facts;
	struct imap_mailbox mailbox;    /* when it exists */
};

struct listing {
	bool lsub, extended;
	bool delimiter;                 /* only that is asked for */
	unsigned selection, returns, status;
	slice *patterns;
	size_t n_patterns;
	struct name *names;
	size_t n, at;
	size_t octets;                  /* of all patterns */
};

/* ---- the names ---- */

/* INBOX first, with what is below it; the delimiter before any other octet, so that what is
 * below a name follows it. */
static int order(const void *a, const void *b)
{
	slice x = ((const struct name *)a)->name, y = ((const struct name *)b)->name;
	size_t n = x.len < y.len ? x.len : y.len;

	if (imap_name_in_inbox(x) != imap_name_in_inbox(y))
		return imap_name_in_inbox(x) ? -1 : 1;
	for (size_t i = 0; i < n; i++) {
		if (x.ptr[i] == y.ptr[i])
			continue;
		if (x.ptr[i] == IMAP_DELIMITER || y.ptr[i] == IMAP_DELIMITER)
			return x.ptr[i] == IMAP_DELIMITER ? -1 : 1;
		return x.ptr[i] < y.ptr[i] ? -1 : 1;
	}
	return x.len < y.len ? -1 : x.len > y.len;
}

/* The names and those that are above them. */
static void add_names(struct listing *job, const struct imap_mailbox *mailbox)
{
	for (size_t i = 1; i < mailbox->name.len; i++) {
		if (mailbox->name.ptr[i] == IMAP_DELIMITER)
			job->names[job->n++].name = slice_head(mailbox->name, i);
	}
	job->names[job->n++] = (struct name){
		.name = mailbox->name,
		.facts = (mailbox->exists ? NAME_EXISTS : 0) |
		    (mailbox->subscribed ? NAME_SUBSCRIBED : 0),
		.mailbox = *mailbox,
	};
}

static size_t count_levels(slice name)
{
	size_t n = 1;

	for (size_t i = 0; i < name.len; i++)
		n += name.ptr[i] == IMAP_DELIMITER;
	return n;
}

static void merge_equal(struct listing *job)
{
	size_t kept = 0;

	for (size_t i = 0; i < job->n; i++) {
		if (kept > 0 && slice_equal(job->names[kept - 1].name, job->names[i].name)) {
			if (job->names[i].facts & NAME_EXISTS)
				job->names[kept - 1].mailbox = job->names[i].mailbox;
			job->names[kept - 1].facts |= job->names[i].facts;
		} else {
			job->names[kept++] = job->names[i];
		}
	}
	job->n = kept;
}

static bool is_below(slice name, slice above)
{
	return name.len > above.len && slice_starts(name, above) &&
	    name.ptr[above.len] == IMAP_DELIMITER;
}

/* What is below each: names that are all there was before are children of nobody. */
static void note_children(struct listing *job)
{
	struct name *stack[IMAP_LEVELS_MAX + 1];
	size_t depth = 0;

	for (size_t i = 0; i < job->n; i++) {
		struct name *name = &job->names[i];

		while (depth > 0 && !is_below(name->name, stack[depth - 1]->name))
			depth--;
		for (size_t k = 0; k < depth; k++) {
			if (name->facts & NAME_EXISTS)
				stack[k]->facts |= NAME_CHILDREN;
			if (name->facts & NAME_SUBSCRIBED)
				stack[k]->facts |= NAME_CHILD_SUBSCRIBED;
		}
		if (depth < IMAP_LEVELS_MAX)
			stack[depth++] = name;
	}
}

static void gather(struct imap_server *s, struct listing *job)
{
	struct imap_mailbox mailbox;
	size_t n = 0;

	for (size_t i = 0; s->host->mailbox(s->host->context, i, &mailbox); i++)
		n += count_levels(mailbox.name);
	job->names = arena_new(&s->arena, struct name, n + 1);
	for (size_t i = 0; s->host->mailbox(s->host->context, i, &mailbox); i++) {
		mailbox.name = slice_copy(&s->arena, mailbox.name);
		add_names(job, &mailbox);
	}
	imap_charge(s, n);
	qsort(job->names, job->n, sizeof *job->names, order);
	merge_equal(job);
	note_children(job);
}

/* ---- which of them, and what of each ---- */

static bool fits(const struct listing *job, slice name)
{
	for (size_t i = 0; i < job->n_patterns; i++) {
		if (imap_name_fits(name, job->patterns[i]))
			return true;
	}
	return false;
}

/* Is it told? *ret_child: only for what is below it (CHILDINFO). */
static bool is_chosen(const struct listing *job, const struct name *name, bool *ret_child)
{
	bool subscribed = (job->selection & SELECT_SUBSCRIBED) != 0;
	bool itself = subscribed ? (name->facts & NAME_SUBSCRIBED) != 0 :
	    (name->facts & (NAME_EXISTS | NAME_CHILDREN)) != 0;

	if ((job->selection & SELECT_USE) && name->mailbox.use == IMAP_USE_NONE)
		itself = false;
	*ret_child = !itself && subscribed && (name->facts & NAME_CHILD_SUBSCRIBED) != 0 &&
	    (job->lsub || (job->selection & SELECT_RECURSIVE) != 0);
	return itself || *ret_child;
}

static void put_attribute(struct imap_writer *w, const char *attribute, bool *some)
{
	if (*some)
		imap_put(w, slice_lit(" "));
	imap_put(w, slice_from(attribute));
	*some = true;
}

static void put_attributes(struct imap_writer *w, const struct imap_server *s,
    const struct listing *job, const struct name *name, bool child)
{
	bool exists = (name->facts & NAME_EXISTS) != 0, some = false;

	imap_put(w, slice_lit("("));
	if (job->lsub) {
		if (child)
			put_attribute(w, "\\Noselect", &some);
		imap_put(w, slice_lit(")"));
		return;
	}
	if (!exists)
		put_attribute(w, job->extended || s->rev2 ? "\\NonExistent" : "\\Noselect", &some);
	if ((name->facts & NAME_SUBSCRIBED) &&
	    ((job->selection & SELECT_SUBSCRIBED) || (job->returns & RETURN_SUBSCRIBED)))
		put_attribute(w, "\\Subscribed", &some);
	put_attribute(w, name->facts & NAME_CHILDREN ? "\\HasChildren" : "\\HasNoChildren", &some);
	if (exists && name->mailbox.use != IMAP_USE_NONE)
		put_attribute(w, imap_use_name(name->mailbox.use), &some);
	imap_put(w, slice_lit(")"));
}

static void tell_name(struct imap_server *s, const struct listing *job, const struct name *name)
{
	struct imap_writer w = imap_writer(s);
	bool child;

	if (!is_chosen(job, name, &child) || !fits(job, name->name))
		return;
	imap_put(&w, job->lsub ? slice_lit("* LSUB ") : slice_lit("* LIST "));
	put_attributes(&w, s, job, name, child);
	imap_put(&w, slice_lit(" \"/\" "));
	imap_put_mailbox(&w, s, name->name);
	if (child && !job->lsub)
		imap_put(&w, slice_lit(" (\"CHILDINFO\" (\"SUBSCRIBED\"))"));
	imap_put(&w, slice_lit("\r\n"));
	if ((job->returns & RETURN_STATUS) && (name->facts & NAME_EXISTS)) {
		imap_put(&w, slice_lit("* STATUS "));
		imap_put_mailbox(&w, s, name->name);
		imap_put(&w, slice_lit(" "));
		imap_put_status(&w, s, &name->mailbox, job->status);
		imap_put(&w, slice_lit("\r\n"));
	}
}

static void list_step(struct imap_server *s)
{
	struct listing *job = s->job;

	for (; job->at < job->n; job->at++) {
		if (!imap_room(s) || imap_yields(s, 4 + (unsigned)(job->octets *
		    job->names[job->at].name.len / IMAP_PATTERN_STEPS)))
			return;
		tell_name(s, job, &job->names[job->at]);
	}
	imap_finish_ok(s);
}

/* ---- arguments ---- */

static bool take_selection(struct imap_parse *p, struct listing *job)
{
	static const struct {
		const char *name;
		unsigned bit;
	} options[] = {
		{ "SUBSCRIBED", SELECT_SUBSCRIBED }, { "REMOTE", SELECT_REMOTE },
		{ "RECURSIVEMATCH", SELECT_RECURSIVE }, { "SPECIAL-USE", SELECT_USE },
	};

	job->extended = true;
	while (!imap_sees(p, ')')) {
		size_t i = 0;

		while (i < 4 && !imap_skip_word(p, options[i].name))
			i++;
		if (i == 4)
			return imap_take_word(p, "SUBSCRIBED");
		job->selection |= options[i].bit;
		if (imap_sees(p, ' ') && !imap_take_space(p))
			return false;
	}
	if (job->selection == SELECT_RECURSIVE) {
		p->wanted = "something beside RECURSIVEMATCH, such as SUBSCRIBED";
		return false;
	}
	return imap_take(p, ')', "the end of the options") && imap_take_space(p);
}

static bool take_returns(struct imap_parse *p, struct listing *job)
{
	job->extended = true;
	if (!imap_take_word(p, "RETURN") || !imap_take_space(p) || !imap_take(p, '(', "options"))
		return false;
	while (!imap_sees(p, ')')) {
		if (imap_skip_word(p, "SUBSCRIBED")) {
			job->returns |= RETURN_SUBSCRIBED;
		} else if (imap_skip_word(p, "CHILDREN")) {
			job->returns |= RETURN_CHILDREN;
		} else if (imap_skip_word(p, "SPECIAL-USE")) {
			job->returns |= RETURN_USE;
		} else {
			job->returns |= RETURN_STATUS;
			if (!imap_take_word(p, "STATUS") || !imap_take_space(p) ||
			    !imap_take_status(p, &job->status))
				return false;
		}
		if (imap_sees(p, ' ') && !imap_take_space(p))
			return false;
	}
	return imap_take(p, ')', "the end of the options");
}

static bool take_patterns(struct imap_server *s, struct imap_parse *p, struct listing *job)
{
	bool utf8 = s->utf8 || s->rev2;

	if (!imap_sees(p, '(')) {
		job->n_patterns = 1;
		return imap_take_pattern(p, utf8, &job->patterns[0]);
	}
	job->extended = true;
	imap_take(p, '(', "");
	do {
		if (job->n_patterns == IMAP_PATTERNS_MAX) {
			p->wanted = "fewer patterns";
			return false;
		}
		if (!imap_take_pattern(p, utf8, &job->patterns[job->n_patterns++]))
			return false;
	} while (imap_sees(p, ' ') && imap_take_space(p));
	return imap_take(p, ')', "the end of the patterns");
}

/* Each is held against each name. */
static bool bound_patterns(struct imap_parse *p, struct listing *job, size_t reference)
{
	for (size_t i = 0; i < job->n_patterns; i++) {
		if (reference + job->patterns[i].len > IMAP_PATTERN_MAX - job->octets) {
			p->wanted = "shorter patterns";
			return false;
		}
		job->octets += reference + job->patterns[i].len;
	}
	return true;
}

static bool take_list(struct imap_server *s, struct imap_parse *p, struct listing *job)
{
	slice reference;

	if (!imap_take_space(p))
		return false;
	if (!job->lsub && imap_sees(p, '(') &&
	    (!imap_take(p, '(', "") || !take_selection(p, job)))
		return false;
	if (!imap_take_mailbox(p, s->utf8 || s->rev2, &reference) || !imap_take_space(p) ||
	    !take_patterns(s, p, job))
		return false;
	if (!job->lsub && imap_sees(p, ' ') && (!imap_take_space(p) || !take_returns(p, job)))
		return false;
	if (!bound_patterns(p, job, reference.len))
		return false;
	/* RFC 3501 s6.3.8: an empty pattern asks for the delimiter, whatever the reference. */
	job->delimiter = !job->extended && job->n_patterns == 1 && job->patterns[0].len == 0;
	/* The reference is what stands before each pattern. */
	for (size_t i = 0; i < job->n_patterns && reference.len > 0; i++)
		job->patterns[i] = arena_printf(&s->arena, "%.*s%.*s", slice_arg(reference),
		    slice_arg(job->patterns[i]));
	return imap_take_end(p);
}

static void run_list(struct imap_server *s, struct imap_parse *p, bool lsub)
{
	struct listing *job = arena_new(&s->arena, struct listing, 1);

	job->lsub = lsub;
	job->selection = lsub ? SELECT_SUBSCRIBED : 0;
	job->patterns = arena_new(&s->arena, slice, IMAP_PATTERNS_MAX);
	s->job = job;
	if (!take_list(s, p, job)) {
		imap_finish_bad(s, p);
		return;
	}
	if (job->delimiter) {
		imap_untagged(s, "%s (\\Noselect) \"/\" \"\"", lsub ? "LSUB" : "LIST");
		imap_finish_ok(s);
		return;
	}
	gather(s, job);
	s->step = list_step;
}

void imap_on_list(struct imap_server *s, struct imap_parse *p)
{
	run_list(s, p, false);
}

void imap_on_lsub(struct imap_server *s, struct imap_parse *p)
{
	run_list(s, p, true);
}

/* ---- STATUS ---- */

static const char *const status_names[] = {
	"MESSAGES", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "DELETED", "SIZE", "RECENT",
	"HIGHESTMODSEQ", "MAILBOXID", "APPENDLIMIT", "DELETED-STORAGE",
};

enum { STATUS_ITEMS = sizeof status_names / sizeof status_names[0], STATUS_MODSEQ = 7 };

bool imap_take_status(struct imap_parse *p, unsigned *ret_items)
{
	if (!imap_take(p, '(', "a list of what is asked"))
		return false;
	*ret_items = 0;
	do {
		unsigned i = 0;

		while (i < STATUS_ITEMS && !imap_skip_word(p, status_names[i]))
			i++;
		if (i == STATUS_ITEMS)
			return imap_take_word(p, "MESSAGES, or another item of STATUS");
		*ret_items |= 1u << i;
	} while (imap_sees(p, ' ') && imap_take_space(p));
	return imap_take(p, ')', "the end of the list");
}

void imap_put_status(struct imap_writer *w, const struct imap_server *s,
    const struct imap_mailbox *mailbox, unsigned items)
{
	const uint64_t values[STATUS_ITEMS] = {
		mailbox->messages, mailbox->uid_next, mailbox->uidvalidity, mailbox->unseen,
		mailbox->deleted, mailbox->bytes, mailbox->recent, mailbox->highest_modseq,
		mailbox->uidvalidity, s->config->append_max, mailbox->deleted_bytes,
	};
	bool some = false;

	imap_put(w, slice_lit("("));
	for (unsigned i = 0; i < STATUS_ITEMS; i++) {
		if ((items >> i & 1) == 0)
			continue;
		if (some)
			imap_put(w, slice_lit(" "));
		imap_put(w, slice_from(status_names[i]));
		imap_put(w, i == 8 ? slice_lit(" (M") : slice_lit(" "));
		imap_put_number(w, values[i]);
		if (i == 8)
			imap_put(w, slice_lit(")"));
		some = true;
	}
	imap_put(w, slice_lit(")"));
}

void imap_on_status(struct imap_server *s, struct imap_parse *p)
{
	struct imap_writer w = imap_writer(s);
	struct imap_mailbox mailbox;
	unsigned items;
	slice name;

	if (!imap_take_space(p) || !imap_take_mailbox(p, s->utf8 || s->rev2, &name) ||
	    !imap_take_space(p) || !imap_take_status(p, &items) || !imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	if (!s->host->find(s->host->context, name, &mailbox) || !mailbox.exists) {
		imap_finish_result(s, IMAP_NO_MAILBOX, false);
		return;
	}
	if (items & 1u << STATUS_MODSEQ)
		imap_use_condstore(s);
	imap_put(&w, slice_lit("* STATUS "));
	imap_put_mailbox(&w, s, mailbox.name);
	imap_put(&w, slice_lit(" "));
	imap_put_status(&w, s, &mailbox, items);
	imap_put(&w, slice_lit("\r\n"));
	imap_finish_ok(s);
}

/* ---- NAMESPACE, QUOTA ---- */

void imap_on_namespace(struct imap_server *s, struct imap_parse *p)
{
	if (!imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	imap_untagged(s, "NAMESPACE ((\"\" \"/\")) NIL NIL");
	imap_finish_ok(s);
}

/* All mailboxes are of one quota root, "" (RFC 9208 s3). Without a limit there is none (s4.2.2), and
 * not one with an empty list: by the grammar a list is of one at least, and Thunderbird takes the
 * "*" of the line after "()" for a part of it, so that an EXPUNGE there ends its session. */
static void tell_quota(struct imap_server *s, struct imap_quota quota)
{
	buffer_printf(&s->out, "* QUOTA \"\" (STORAGE %llu %llu)\r\n",
	    (unsigned long long)(quota.bytes + 1023) / 1024,
	    (unsigned long long)quota.bytes_max / 1024);
}

void imap_on_getquota(struct imap_server *s, struct imap_parse *p)
{
	struct imap_quota quota = { 0 };
	slice root;

	if (!imap_take_space(p) || !imap_take_astring(p, &root) || !imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	if (root.len > 0) {
		imap_finish(s, "NO", "NONEXISTENT", "the only quota root is \"\"");
		return;
	}
	s->host->quota(s->host->context, &quota);
	if (quota.bytes_max == 0) {
		imap_finish(s, "NO", "NONEXISTENT", "this account has no quota");
		return;
	}
	tell_quota(s, quota);
	imap_finish_ok(s);
}

void imap_on_getquotaroot(struct imap_server *s, struct imap_parse *p)
{
	struct imap_writer w = imap_writer(s);
	struct imap_quota quota = { 0 };
	slice name;

	if (!imap_take_space(p) || !imap_take_mailbox(p, s->utf8 || s->rev2, &name) ||
	    !imap_take_end(p)) {
		imap_finish_bad(s, p);
		return;
	}
	if (!imap_judge_name(s, name))
		return;
	s->host->quota(s->host->context, &quota);
	imap_put(&w, slice_lit("* QUOTAROOT "));
	imap_put_mailbox(&w, s, name);
	imap_put(&w, quota.bytes_max > 0 ? slice_lit(" \"\"\r\n") : slice_lit("\r\n"));
	if (quota.bytes_max > 0)
		tell_quota(s, quota);
	imap_finish_ok(s);
}
