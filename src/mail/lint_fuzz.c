/* mail/lint_fuzz.c - any bytes as a message that is linted. Four octets in front say what
 * is known of it.
 *
 * For: mail/lint.c mail/lint_lines.c mail/lint_header.c mail/lint_body.c mail/departure.c
 *
 * Holds: each rule is found once at most, with all its words and a place of printable
 * ASCII; all fits the arena; the same message gives the same findings. */
#include "fuzz.h"

#include "base/limits.h"
#include "mail/lint.h"

enum { HEAD = 4 };

static void check_findings(const struct lint *lint)
{
	for (size_t i = 0; i < lint->n; i++) {
		const struct lint_finding *f = &lint->findings[i];

		check(f->rule[0] != '\0' && f->words[0] != '\0' && f->remedy[0] != '\0');
		check(f->where.len > 0 && f->where.len <= LINT_WHERE_MAX);
		for (size_t c = 0; c < f->where.len; c++)
			check(f->where.ptr[c] >= ' ' && f->where.ptr[c] < 127);
		for (size_t before = 0; before < i; before++)
			check(strcmp(lint->findings[before].rule, f->rule) != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct heap *heap;
	struct arena arena, again;
	const slice recipients[] = { slice_lit("c@d.example"), slice_lit("c") };
	struct lint_input input = { .sender = slice_lit("a@b.example"), .recipients = recipients };
	struct lint one, two;
	slice copy;

	if (len < HEAD)
		return 0;
	heap = heap_create(SIZE_MAX);
	arena = arena_init(heap, LINT_ARENA_MAX);
	again = arena_init(heap, LINT_ARENA_MAX);
	input.envelope = data[0] & 1;
	input.utf8 = data[0] & 2;
	input.now_s = data[0] & 4 ? 1795361400 : 0;
	input.n_recipients = data[0] >> 6;
	if (input.n_recipients > 2)
		input.n_recipients = 2;
	input.departures = (data[1] | (uint32_t)data[2] << 8 | (uint32_t)data[3] << 16) &
	    (((uint32_t)1 << DEPARTURES) - 1);
	copy = fuzz_copy(slice_of(data + HEAD, len - HEAD));
	input.message = copy;
	one = lint_read(&input, &arena);
	check_findings(&one);
	two = lint_read(&input, &again);
	fuzz_free(copy);
	check(one.n == two.n);
	for (size_t i = 0; i < one.n; i++)
		check(one.findings[i].rule == two.findings[i].rule &&
		    slice_equal(one.findings[i].where, two.findings[i].where));
	heap_drop(heap);
	return 0;
}
