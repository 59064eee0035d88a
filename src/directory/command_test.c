/* directory/command_test.c - requests as text, answers as text. */
#include "directory/command.h"

#include <jansson.h>
#include <stdio.h>

#include "base/limits.h"
#include "os/os_sim.h"
#include "unit.h"

static const uint8_t ip[4] = { 127, 1, 0, 1 };

struct world {
	struct sim *sim;
	struct os *os;
	struct directory *directory;
	struct buffer out;
};

static struct world world_create(void)
{
	static const slice domain = slice_lit("alice.example");
	struct world w = { .sim = sim_create(1) };
	struct directory_error error;

	w.os = sim_process_create(sim_host_create(w.sim, "a", ip, 16 << 20), "test");
	w.directory = directory_open(w.os, OS_ROOT, NULL, &error);
	assert_non_null(w.directory);
	directory_set_domains(w.directory, &domain, 1);
	w.out = buffer_init(os_heap(w.os), CONTROL_ANSWER_MAX + 1);
	return w;
}

static const struct {
	const char *request, *answer;   /* without its LF; a prefix when it ends in "..." */
	enum command_effect_kind effect;
} talk[] = {
	{ "{\"command\":\"domain add\",\"domain\":\"b.example\"}", "{\"ok\":true}", 0 },
	{ "{\"command\":\"domain list\"}", "{\"ok\":true,\"rows\":[{\"domain\":\"alice.example\","
	    "\"configured\":true,\"accounts\":0,\"aliases\":0},{\"domain\":\"b.example\","
	    "\"configured\":false,\"accounts\":0,\"aliases\":0}]}", 0 },
	{ "{\"command\":\"account add\",\"address\":\"Alice@alice.example\",\"hash\":"
	    "\"{CRYPT}$6$a$b\"}", "{\"ok\":true,\"id\":\"...", 0 },
	{ "{\"command\":\"account add\",\"address\":\"bob@alice.example\",\"hash\":\"secret\"}",
	    "{\"error\":\"this is no password hash...", 0 },
	{ "{\"command\":\"account add\",\"address\":\"bob@alice.example\"}",
	    "{\"error\":\"request: ...", 0 },
	{ "{\"command\":\"account password\",\"address\":\"alice@alice.example\",\"hash\":"
	    "\"$6$c$d\"}", "{\"ok\":true}", COMMAND_CHANGED },
	{ "{\"command\":\"account disable\",\"address\":\"alice@alice.example\"}", "{\"ok\":true}",
	    COMMAND_CHANGED },
	{ "{\"command\":\"account enable\",\"address\":\"alice@alice.example\"}", "{\"ok\":true}",
	    COMMAND_CHANGED },
#define QUOTA(value) "{\"command\":\"account quota\",\"address\":\"alice@alice.example\",\"quota\":" value "}"
	{ QUOTA("1024"), "{\"ok\":true}", COMMAND_QUOTA },
	{ QUOTA("1125899906842624"), "{\"ok\":true}", COMMAND_QUOTA },
	{ QUOTA("1023"), "{\"error\":\"a quota is from 1K to 1048576G\"}", 0 },
	{ QUOTA("-1"), "{\"error\":\"a quota is from 1K to 1048576G\"}", 0 },
	{ QUOTA("1125899906842625"), "{\"error\":\"a quota is from 1K to 1048576G\"}", 0 },
	{ QUOTA("\"2G\""), "{\"error\":\"request: quota is neither a number nor null\"}", 0 },
	{ QUOTA("1.5"), "{\"error\":\"request: quota is neither a number nor null\"}", 0 },
	{ "{\"command\":\"account quota\",\"address\":\"alice@alice.example\"}",
	    "{\"error\":\"request: ...", 0 },
	{ "{\"command\":\"account quota\",\"address\":\"zoe@alice.example\",\"quota\":1024}",
	    "{\"error\":\"no account zoe@alice.example;...", 0 },
	{ "{\"command\":\"alias add\",\"address\":\"team@alice.example\",\"targets\":"
	    "[\"alice@alice.example\"]}", "{\"ok\":true}", 0 },
	{ "{\"command\":\"alias add\",\"address\":\"team@alice.example\",\"targets\":[]}",
	    "{\"error\":\"an alias needs a target\"}", 0 },
	{ "{\"command\":\"alias add\",\"address\":\"team@alice.example\",\"targets\":\"x\"}",
	    "{\"error\":\"request: targets is no array, or too long\"}", 0 },
	{ "{\"command\":\"alias add\",\"address\":\"team@alice.example\",\"targets\":[1]}",
	    "{\"error\":\"request: a target is no string\"}", 0 },
	{ "{\"command\":\"alias list\"}", "{\"ok\":true,\"rows\":[{\"alias\":"
	    "\"team@alice.example\",\"targets\":[\"alice@alice.example\"]}]}", 0 },
	{ "{\"command\":\"account show\",\"address\":\"alice@alice.example\"}",
	    "{\"ok\":true,\"aliases\":[\"team@alice.example\"],\"address\":\"alice@...", 0 },
	{ "{\"command\":\"account remove\",\"address\":\"alcie@alice.example\"}",
	    "{\"error\":\"no account alcie@alice.example; did you mean alice@alice.example?\"}",
	    0 },
	{ "{\"command\":\"account remove\",\"address\":\"alice@alice.example\"}",
	    "{\"ok\":true,\"id\":\"...", COMMAND_REMOVED },
	{ "{\"command\":\"account list\"}", "{\"ok\":true,\"rows\":[]}", 0 },
	{ "{\"command\":\"alias list\",\"after\":\"\"}", "{\"ok\":true,\"rows\":[]}", 0 },

	{ "", "{\"error\":\"request: not a JSON object\"}", 0 },
	{ "{", "{\"error\":\"request: not a JSON object\"}", 0 },
	{ "[]", "{\"error\":\"request: not a JSON object\"}", 0 },
	{ "\"account list\"", "{\"error\":\"request: not a JSON object\"}", 0 },
	{ "{} {}", "{\"error\":\"request: not a JSON object\"}", 0 },
	{ "{\"command\":\"account list\"", "{\"error\":\"request: not a JSON object\"}", 0 },
	{ "{\"command\":\"a\",\"command\":\"b\"}",
	    "{\"error\":\"request: not a JSON object\"}", 0 },
	{ "{\"command\":\"\xff\"}", "{\"error\":\"request: not a JSON object\"}", 0 },
	{ "{}", "{\"error\":\"request: no \\\"command\\\"\"}", 0 },
	{ "{\"command\":7}", "{\"error\":\"request: no \\\"command\\\"\"}", 0 },
	{ "{\"command\":\"account frob\"}", "{\"error\":\"request: no such command; this...", 0 },
	{ "{\"command\":\"account list\",\"x\":1}", "{\"error\":\"request: ...", 0 },
	{ "{\"command\":\"account list\",\"after\":1}", "{\"error\":\"request: ...", 0 },
	{ "{\"command\":\"domain add\",\"domain\":\"a\\u0000b\"}", "{\"error\":\"...", 0 },
	{ "{\"command\":\"domain add\",\"domain\":\"a\\nb\"}", "{\"error\":\"...", 0 },
};

static bool agrees(const char *want, slice have)
{
	size_t len = strlen(want);

	if (len > 3 && strcmp(want + len - 3, "...") == 0)
		return slice_starts(have, slice_of(want, len - 3));
	return slice_equal(have, slice_from(want));
}

static void answers_each_line(void **state)
{
	struct world w = world_create();

	for (size_t i = 0; i < sizeof(talk) / sizeof(talk[0]); i++) {
		slice request = guarded_copy(slice_from(talk[i].request)), answer;
		struct command_effect effect;

		directory_command(w.directory, request, &w.out, &effect);
		answer = buffer_bytes(&w.out);
		assert_true(answer.len > 0 && answer.ptr[answer.len - 1] == '\n');
		answer = slice_head(answer, answer.len - 1);
		assert_int_equal(slice_find_byte(answer, '\n'), answer.len);
		if (!agrees(talk[i].answer, answer) || effect.kind != talk[i].effect)
			fail_msg("%s\nhave %.*s", talk[i].request, slice_arg(answer));
		assert_int_equal(effect.account != 0, effect.kind != COMMAND_NOTHING);
		buffer_truncate(&w.out, 0);
		guarded_free(request);
	}
	sim_destroy(w.sim);
}

/* Deep nesting and long garbage end in an error line. */
static void bears_deep_and_long(void **state)
{
	static char text[CONTROL_REQUEST_MAX];
	static const char fills[] = "[{\"\\a ";
	struct world w = world_create();
	struct command_effect effect;

	for (size_t i = 0; i < sizeof(fills) - 1; i++) {
		memset(text, fills[i], sizeof(text));
		directory_command(w.directory, slice_of(text, sizeof(text)), &w.out, &effect);
		assert_slice(buffer_bytes(&w.out),
		    slice_lit("{\"error\":\"request: not a JSON object\"}\n"));
		buffer_truncate(&w.out, 0);
	}
	sim_destroy(w.sim);
}

static json_t *ask(struct world *w, const char *command, json_t *after)
{
	json_t *request = json_pack("{s:s, s:O}", "command", command, "after", after), *answer;
	char *text = json_dumps(request, JSON_COMPACT);
	struct command_effect effect;

	directory_command(w->directory, slice_from(text), &w->out, &effect);
	answer = json_loadb((const char *)buffer_bytes(&w->out).ptr, buffer_bytes(&w->out).len, 0,
	    NULL);
	assert_true(json_is_true(json_object_get(answer, "ok")));
	buffer_truncate(&w->out, 0);
	free(text);
	json_decref(request);
	return answer;
}

static size_t count_rows(struct world *w, const char *command, unsigned *ret_parts)
{
	json_t *after = json_string("");
	size_t n = 0;

	*ret_parts = 0;
	while (after) {
		json_t *answer = ask(w, command, after);
		json_t *rows = json_object_get(answer, "rows");

		assert_true(json_array_size(rows) <= CONTROL_ROWS_MAX + 1);
		n += json_array_size(rows);
		json_decref(after);
		after = json_incref(json_object_get(answer, "more"));
		json_decref(answer);
		++*ret_parts;
	}
	return n;
}

/* Every row once, whatever the number is beside that of a part. */
static void lists_in_parts(void **state)
{
	static const unsigned sizes[] = { 0, 1, CONTROL_ROWS_MAX - 1, CONTROL_ROWS_MAX,
		CONTROL_ROWS_MAX + 1, 2 * CONTROL_ROWS_MAX, 2 * CONTROL_ROWS_MAX + 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct world w = world_create();
		struct directory_error error;
		unsigned parts;
		uint64_t id;

		for (unsigned n = 0; n < sizes[i]; n++) {
			char address[64], alias[64], domain[64];
			slice targets[2];

			snprintf(address, sizeof(address), "user%u@alice.example", n);
			snprintf(alias, sizeof(alias), "alias%u@alice.example", n);
			snprintf(domain, sizeof(domain), "d%u.example", n);
			targets[0] = slice_from(address);
			targets[1] = slice_lit("user0@alice.example");
			assert_true(directory_domain_add(w.directory, slice_from(domain), &error));
			assert_true(directory_account_add(w.directory, targets[0], slice_lit("h"),
			    &id, &error));
			assert_true(directory_alias_add(w.directory, slice_from(alias), targets, 2,
			    &error));
		}
		assert_int_equal(count_rows(&w, "account list", &parts), sizes[i]);
		assert_int_equal(parts, sizes[i] ? (sizes[i] - 1) / CONTROL_ROWS_MAX + 1 : 1);
		assert_int_equal(count_rows(&w, "alias list", &parts), sizes[i]);
		assert_int_equal(count_rows(&w, "domain list", &parts), sizes[i] + 1);
		sim_destroy(w.sim);
	}
}

UNIT_TESTS(cmocka_unit_test(answers_each_line), cmocka_unit_test(bears_deep_and_long),
    cmocka_unit_test(lists_in_parts))
