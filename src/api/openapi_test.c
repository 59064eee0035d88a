/* api/openapi_test.c - the descriptions are JSON, nothing that they refer to is missing, and
 * what we answer has the members that they say, all of them and no others. */
#include "api/openapi.h"

#include <jansson.h>

#include "api/journey.h"
#include "api/list.h"
#include "api/posthouse.h"
#include "api/sample_test.h"

static json_t *read_text(slice text)
{
	json_error_t error;
	json_t *root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL)
		fail_msg("%s", error.text);
	return root;
}

/* What "#/components/schemas/Lint" leads to. */
static json_t *follow(json_t *root, const char *reference)
{
	slice rest = slice_from(reference);
	char word[64];

	assert_true(slice_equal(slice_cut(&rest, '/'), slice_lit("#")));
	while (rest.len > 0 && root != NULL) {
		slice segment = slice_cut(&rest, '/');

		snprintf(word, sizeof word, "%.*s", slice_arg(segment));
		root = json_object_get(root, word);
	}
	if (root == NULL)
		fail_msg("%s is not there", reference);
	return root;
}

/* A schema, or what it refers to. */
static json_t *schema_of(json_t *root, json_t *schema)
{
	const char *reference = json_string_value(json_object_get(schema, "$ref"));

	return reference != NULL ? follow(root, reference) : schema;
}

static bool is_of(const char *type, json_t *value)
{
	return (strcmp(type, "object") == 0 && json_is_object(value)) ||
	    (strcmp(type, "array") == 0 && json_is_array(value)) ||
	    (strcmp(type, "string") == 0 && json_is_string(value)) ||
	    (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
	    (strcmp(type, "boolean") == 0 && json_is_boolean(value));
}

enum { STACK_MAX = 1000 };

/* Each value with its schema; depth first, on a stack of our own. */
static void assert_fits(json_t *root, json_t *schema, json_t *value)
{
	json_t *open[STACK_MAX][2] = { { schema, value } };
	size_t n = 1, seen = 0;

	while (n > 0) {
		json_t *s = schema_of(root, open[--n][0]), *v = open[n][1], *member, *properties;
		const char *type = json_string_value(json_object_get(s, "type")), *name;
		size_t i;

		assert_non_null(type);
		if (!is_of(type, v))
			fail_msg("not %s: %s", type, json_dumps(v, JSON_ENCODE_ANY));
		seen++;
		properties = json_object_get(s, "properties");
		json_object_foreach(properties, name, member) {
			if (json_object_get(v, name) == NULL)
				fail_msg("%s is missing", name);
			open[n][0] = member;
			open[n++][1] = json_object_get(v, name);
			assert_true(n < STACK_MAX);
		}
		json_object_foreach(v, name, member) {
			if (json_is_true(json_object_get(s, "additionalProperties")))
				continue;
			if (json_object_get(properties, name) == NULL)
				fail_msg("%s is not described", name);
		}
		json_array_foreach(v, i, member) {
			open[n][0] = json_object_get(s, "items");
			open[n++][1] = member;
			assert_true(n < STACK_MAX);
		}
	}
	assert_true(seen > 3);
}

static void test_references(void **state)
{
	json_t *root = read_text(api_openapi());
	slice text = api_openapi();
	char reference[100];
	size_t n = 0;

	for (;;) {
		slice lead = slice_lit("\"$ref\":\"");
		size_t at = slice_find(text, lead);

		if (at == text.len)
			break;
		text = slice_drop(text, at + lead.len);
		snprintf(reference, sizeof reference, "%.*s",
		    slice_arg(slice_head(text, slice_find_byte(text, '"'))));
		(void)follow(root, reference);
		n++;
	}
	assert_true(n > 20);
	json_decref(root);
	json_decref(read_text(api_swagger()));
}

static void assert_answer(struct sample_world *w, const char *schema)
{
	json_t *root = read_text(api_openapi()), *value = read_text(sample_take(w));
	char reference[100];

	snprintf(reference, sizeof reference, "#/components/schemas/%s", schema);
	assert_fits(root, follow(root, reference), value);
	json_decref(root);
	json_decref(value);
}

static void test_journeys(void **state)
{
	static const char *const lines[] = {
		"{\"t\":1,\"role\":\"edge.0\",\"e\":\"connection\",\"s\":\"k\"}",
		"{\"t\":2,\"role\":\"edge.0\",\"e\":\"accepted\",\"s\":\"k\",\"x\":\"1\",\"id\":\"1.1.1\","
		"\"size\":5,\"dialogue\":\"1 S: 220\\n2 C: (secret)\"}",
	};
	struct sample_world w = sample_world(slice_lit(sample));
	struct heap *heap = heap_create(SIZE_MAX);
	struct journey_search *search = journey_search_open(heap, slice_lit("1.1.1"), 1);
	struct api_journey journey = { .id = slice_lit("1.1.1") };
	size_t folder;

	while (journey_search_next(search, &folder)) {
		for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
			journey_search_line(search, slice_from(lines[i]));
	}
	journey.found = journey_search_found(search, &journey.n);
	assert_int_equal(journey.n, 2);
	assert_true(api_journey_json(&journey, &w.out));
	assert_answer(&w, "Journey");
	assert_true(api_transcript_json(&journey, &w.out));
	assert_answer(&w, "Transcript");
	journey_search_close(search);
	heap_drop(heap);
	sample_end(&w);
}

static void test_answers(void **state)
{
	struct sample_world w = sample_world(slice_lit(sample));
	struct api_facts facts = sample_facts();
	struct api_summary summary;
	struct api_json j;

	facts.departures = departure_bit(DEPARTURE_PATH_BRACKETS);
	assert_true(api_envelope_json(&facts, &w.out));
	assert_answer(&w, "Envelope");
	assert_true(api_mail_lint_json(&w.mail, &facts, sample_us / 1000000, &w.out));
	assert_answer(&w, "Lint");
	w.mail.mime.parts[0].defects = MIME_NO_END;
	assert_true(api_parts_json(&w.mail, facts.id, &w.out));
	assert_answer(&w, "Parts");
	api_summary_make(&w.mail, &facts, &w.more, &summary);
	j = api_json_begin(&w.out);
	api_summary_json(&j, NULL, &summary);
	assert_true(api_json_end(&j, true));
	assert_answer(&w, "Summary");
	sample_end(&w);
}

UNIT_TESTS(cmocka_unit_test(test_references), cmocka_unit_test(test_answers), cmocka_unit_test(test_journeys))
