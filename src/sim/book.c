/* sim/book.c - sets of possible values, a few a name. */
#include "sim/book.h"

#include "base/check.h"

struct entry {
	const char *name;
	uint64_t values[BOOK_VALUES_MAX];       /* that it may have */
	size_t n;
	bool trying;                            /* the last of them is under way */
	uint64_t changes;
};

struct book {
	struct checker *checker;
	const char *host;
	struct entry entries[BOOK_NAMES_MAX];
	size_t n;
};

struct book *book_create(struct sim *sim, struct checker *checker, const char *host)
{
	struct book *book = heap_new(sim_heap(sim), struct book);

	book->checker = checker;
	book->host = host;
	return book;
}

void book_add(struct book *book, const char *name)
{
	check(book->n < BOOK_NAMES_MAX);
	book->entries[book->n++] = (struct entry){ .name = name, .values = { 0 }, .n = 1 };
}

static struct entry *find(const struct book *book, slice name)
{
	for (size_t i = 0; i < book->n; i++) {
		if (slice_equal(slice_from(book->entries[i].name), name))
			return (struct entry *)&book->entries[i];
	}
	check(!"a name of the book");
	return NULL;
}

static bool has(const struct entry *e, uint64_t value)
{
	for (size_t i = 0; i < e->n; i++) {
		if (e->values[i] == value)
			return true;
	}
	return false;
}

static void set(struct entry *e, uint64_t value)
{
	e->values[0] = value;
	e->n = 1;
	e->trying = false;
}

void book_try(struct book *book, slice name, uint64_t value)
{
	struct entry *e = find(book, name);

	e->changes++;
	if (!has(e, value)) {
		check(e->n < BOOK_VALUES_MAX);
		e->values[e->n++] = value;
	}
	e->trying = true;
}

void book_done(struct book *book, slice name, uint64_t value)
{
	set(find(book, name), value);
}

void book_refused(struct book *book, slice name, uint64_t value)
{
	struct entry *e = find(book, name);

	e->trying = false;
	/* Of the others each is as possible as before. */
	for (size_t i = 0; i < e->n && e->n > 1; i++) {
		if (e->values[i] == value) {
			e->values[i] = e->values[--e->n];
			break;
		}
	}
}

void book_unsure(struct book *book, slice name)
{
	find(book, name)->trying = false;
}

void book_seen(struct book *book, slice name, uint64_t value)
{
	struct entry *e = find(book, name);

	if (!has(e, value))
		checker_fail(book->checker, "%s: %s is %llx and must be %llx", book->host,
		    e->name, (unsigned long long)value, (unsigned long long)e->values[0]);
	else if (!e->trying)
		set(e, value);
}

void book_seen_there(struct book *book, slice name, bool there)
{
	struct entry *e = find(book, name);
	size_t n = 0;

	for (size_t i = 0; i < e->n; i++) {
		if ((e->values[i] != 0) == there && !e->trying)
			e->values[n] = e->values[i];
		n += (e->values[i] != 0) == there;
	}
	if (n == 0)
		checker_fail(book->checker, "%s: %s is %s", book->host, e->name,
		    there ? "there though it was removed" : "gone though it was added");
	else if (!e->trying)
		e->n = n;
}

bool book_sure(const struct book *book, slice name)
{
	const struct entry *e = find(book, name);

	return e->n == 1 && !e->trying;
}

uint64_t book_value(const struct book *book, slice name)
{
	return find(book, name)->values[0];
}

uint64_t book_changes(const struct book *book, slice name)
{
	return find(book, name)->changes;
}
