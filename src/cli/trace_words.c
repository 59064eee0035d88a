/* cli/trace_words.c - an event as a line for people, its dialogue below. */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/trace.h"
#include "journey/dialogue.h"
#include "journey/event_words.h"

static slice text_of(const json_t *value)
{
	return slice_of(json_string_value(value), json_string_length(value));
}

/* Borrowed from the event: as journey/event_read.h reads a line. */
static struct event_view view_of(json_t *event, struct event_field fields[JOURNEY_FIELDS_MAX])
{
	struct event_view view = { .fields = fields };
	const char *name;
	json_t *value;

	json_object_foreach(event, name, value) {
		if (view.n == JOURNEY_FIELDS_MAX)
			break;
		fields[view.n++] = (struct event_field){ .name = slice_from(name),
		    .is_number = json_is_integer(value), .number = json_integer_value(value),
		    .text = json_is_string(value) ? text_of(value) : (slice){ 0 } };
	}
	return view;
}

/* When it was said, in the margin. */
static void print_dialogue(FILE *out, const struct event_view *event)
{
	slice rest = event_text_of(event, "dialogue");
	struct dialogue_line line;
	char shown[JOURNEY_WORDS_MAX], when[32];

	while (dialogue_next(&rest, &line)) {
		when[0] = '\0';
		if (line.ms >= 0)
			snprintf(when, sizeof when, "%lld ms", (long long)line.ms);
		fprintf(out, "%30s  %s %s\n", when, line.server ? "S:" : "C:",
		    text_printable(line.text, shown, sizeof shown));
	}
}

void trace_print(FILE *out, const struct trace *trace, const json_t *event,
    json_int_t begin_us, bool dialogue)
{
	struct event_field fields[JOURNEY_FIELDS_MAX];
	/* jansson walks through objects that are not const only. */
	const struct event_view view = view_of((json_t *)(uintptr_t)event, fields);
	long long since = event_number_of(&view, "t") - begin_us;
	size_t host = (size_t)event_number_of(&view, "folder");
	const char *name = host < trace->n_folders ? trace->names[host] : NULL;
	char words[JOURNEY_WORDS_MAX], who[64], role[24];

	event_words(&view, words);
	text_printable(event_text_of(&view, "role"), role, sizeof role);
	snprintf(who, sizeof who, "%s%s%s", name != NULL ? name : "", name != NULL ? " " : "",
	    role);
	fprintf(out, "%+9.3f s  %-18s  %s\n", (double)since / 1e6, who, words);
	if (dialogue)
		print_dialogue(out, &view);
}
