/* directory/command_fuzz.c - requests of the control socket, one a line, to a
 * directory in memory.
 *
 * For: directory/command.c directory/account.c directory/alias.c directory/directory.c directory/resolve.c
 *
 * Holds: each request gets one line of JSON, within the bound, that says ok or why
 * not in words; only what went well has an effect; a list comes to its end in parts
 * that go on where the last one ended; who is a recipient at the end has accounts
 * that are there, and what leads to them can be sealed. */
#include "fuzz_lines.h"

#include <jansson.h>

#include "base/limits.h"
#include "directory/command.h"
#include "os/os_sim.h"

static const char *const texts[] = {
#define ADDRESS(name) "\"address\":\"" name "\""
	"{\"command\":\"account add\"," ADDRESS("a@x.example") ",\"hash\":\"$6$a$b\"}\n",
	"{\"command\":\"account add\"," ADDRESS("\\\"b c\\\"@x.example") ",\"hash\":\"$6$a$b\"}\n",
	"{\"command\":\"account add\"," ADDRESS("b+c@y.example") ",\"hash\":\"{CRYPT}$5$a$b\"}\n",
	"{\"command\":\"account add\"," ADDRESS("\xc3\xa4@x.example") ",\"hash\":\"$2b$12$a\"}\n",
	"{\"command\":\"account remove\"," ADDRESS("a@x.example") "}\n",
	"{\"command\":\"account show\"," ADDRESS("A@X.example") "}\n",
	"{\"command\":\"account disable\"," ADDRESS("a@x.example") "}\n",
	"{\"command\":\"account enable\"," ADDRESS("a@x.example") "}\n",
	"{\"command\":\"account password\"," ADDRESS("a@x.example") ",\"hash\":\"$7$a\"}\n",
	"{\"command\":\"account quota\"," ADDRESS("a@x.example") ",\"quota\":2048}\n",
	"{\"command\":\"account quota\"," ADDRESS("a@x.example") ",\"quota\":null}\n",
	"{\"command\":\"account list\"}\n",
	"{\"command\":\"account list\",\"after\":\"a@x.example\"}\n",
	"{\"command\":\"alias add\"," ADDRESS("l@x.example") ",\"targets\":[\"a@x.example\"]}\n",
	"{\"command\":\"alias add\"," ADDRESS("m@x.example") ",\"targets\":[\"l@x.example\","
	    "\"b+c@y.example\",\"a+z@x.example\"]}\n",
	"{\"command\":\"alias add\"," ADDRESS("l@x.example") ",\"targets\":[\"m@x.example\"]}\n",
	"{\"command\":\"alias remove\"," ADDRESS("l@x.example") "}\n",
	"{\"command\":\"alias remove\"," ADDRESS("m@x.example") ",\"targets\":[\"l@x.example\"]}\n",
	"{\"command\":\"alias list\"}\n",
	"{\"command\":\"alias list\",\"after\":\"l@x.example\"}\n",
	"{\"command\":\"domain add\",\"domain\":\"y.example\"}\n",
	"{\"command\":\"domain add\",\"domain\":\"b\\u00fccher.example\"}\n",
	"{\"command\":\"domain remove\",\"domain\":\"y.example\"}\n",
	"{\"command\":\"domain list\"}\n",
	"{\"command\":\"\\u0000\"}\n", "{\"command\":7}\n", "[]\n", "{}\n", "\n",
	"{\"command\":\"account show\",\"address\":[[[[[[]]]]]]}\n",
};
static const struct fuzz_lines lines = { 1, texts, sizeof texts / sizeof texts[0] };
FUZZ_LINES_MUTATORS(lines)

static const uint8_t ip[4] = { 127, 1, 0, 1 };

/* The answer to a request, judged; json_decref() it. */
static json_t *ask(struct directory *directory, slice request, struct buffer *out)
{
	struct command_effect effect = { 0 };
	slice copy = fuzz_copy(request), answer;
	const char *error = NULL;
	json_t *json;

	buffer_truncate(out, 0);
	directory_command(directory, copy, out, &effect);
	fuzz_free(copy);
	answer = buffer_bytes(out);
	check(answer.len > 0 && answer.len <= CONTROL_ANSWER_MAX + 1);
	check(slice_find_byte(answer, '\n') == answer.len - 1);
	json = json_loadb((const char *)answer.ptr, answer.len, JSON_ALLOW_NUL, NULL);
	check(json_is_object(json));
	if (json_is_true(json_object_get(json, "ok"))) {
		check(json_object_get(json, "error") == NULL);
		check(effect.kind == COMMAND_NOTHING || effect.account != 0);
	} else {
		error = json_string_value(json_object_get(json, "error"));
		check(error != NULL && error[0] != 0 && effect.kind == COMMAND_NOTHING);
	}
	return json;
}

static size_t count_list(struct directory *directory, const char *command, struct buffer *out)
{
	char request[1024] = "", after[512] = "";
	size_t n = 0;

	for (unsigned part = 0; ; part++) {
		json_t *all = json_pack("{s:s, s:s}", "command", command, "after", after);
		size_t len = json_dumpb(all, request, sizeof request, JSON_COMPACT);
		json_t *answer = ask(directory, slice_of(request, len), out), *more;

		check(part < 50 && json_is_true(json_object_get(answer, "ok")));
		n += json_array_size(json_object_get(answer, "rows"));
		more = json_object_get(answer, "more");
		if (more != NULL) {
			check(strcmp(json_string_value(more), after) != 0);
			check(json_string_length(more) < sizeof after);
			memcpy(after, json_string_value(more), json_string_length(more) + 1);
		}
		json_decref(all);
		json_decref(answer);
		if (more == NULL)
			return n;
	}
}

static void resolve(struct directory *directory, struct heap *heap, const char *name)
{
	const struct seal_key key = { { 1 } };
	struct arena arena = arena_init(heap, 2 * DIRECTORY_ANSWER_MAX + DIRECTORY_SCRATCH_MAX);
	struct sealed_recipient what = { .recipient = slice_from(name) };
	struct buffer sealed = buffer_init(heap, SEALED_MAX);
	size_t n;

	if (directory_recipient(directory, what.recipient, false, &arena, &what.targets, &n) !=
	    DIRECTORY_OK) {
		arena_reset(&arena);
		return;
	}
	check(n > 0 && n <= RECIPIENT_TARGETS_MAX);
	what.n_targets = (uint16_t)n;
	seal_recipient(&key, &what, &sealed);
	for (size_t i = 0; i < n; i++) {
		struct directory_account account;

		(void)directory_account_find(directory, what.targets[i].delivered_to, &arena,
		    &account);
		for (size_t j = 0; j < i; j++)
			check(what.targets[i].account != what.targets[j].account);
	}
	buffer_free(&sealed);
	arena_reset(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const slice domain = slice_lit("x.example");
	static struct os *os;           /* one world for all: it only lends memory */
	static const char *const names[] = { "a@x.example", "l@x.example", "m@x.example",
		"b+c@y.example", "postmaster@x.example", "\"b c\"@x.example", "a+q@x.example" };
	struct directory_error error;
	struct directory *directory;
	struct buffer out;
	slice in;

	if (len < 1 || len > CONTROL_REQUEST_MAX)
		return 0;
	in = slice_of(data + 1, len - 1);
	if (os == NULL)
		os = sim_process_create(sim_host_create(sim_create(1), "a", ip, 1 << 20), "test");
	out = buffer_init(os_heap(os), CONTROL_ANSWER_MAX + 1);
	directory = directory_open(os, OS_ROOT, NULL, &error);
	check(directory != NULL);
	directory_set_domains(directory, &domain, 1);
	while (in.len > 0)
		json_decref(ask(directory, slice_cut(&in, '\n'), &out));
	count_list(directory, "account list", &out);
	count_list(directory, "alias list", &out);
	count_list(directory, "domain list", &out);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		resolve(directory, os_heap(os), names[i]);
	directory_close(directory);
	buffer_free(&out);
	return 0;
}
