/* api/journey.c - events as JSON; lines of the dialogue, each with its time. */
#include "api/journey.h"

#include "api/json.h"
#include "journey/dialogue.h"
#include "journey/event_words.h"
#include "mail/departure.h"

/* ---- events ---- */

static bool is_detail(const struct event_field *field)
{
	static const char *const told[] = { "t", "role", "e", "dialogue" };

	for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
		if (slice_equal(field->name, slice_from(told[i])))
			return false;
	}
	return true;
}

static void details_json(struct api_json *j, const struct event_view *event)
{
	api_json_name(j, "Details");
	api_json_open(j, '{');
	for (size_t i = 0; i < event->n; i++) {
		const struct event_field *field = &event->fields[i];

		if (!is_detail(field))
			continue;
		api_json_name_of(j, field->name);
		if (field->is_number)
			api_json_number(j, NULL, field->number);
		else
			api_json_text(j, NULL, field->text);
	}
	api_json_close(j, '}');
}

bool api_journey_json(const struct api_journey *journey, struct buffer *out)
{
	struct api_json j = api_json_begin(out);

	api_json_open(&j, '{');
	api_json_text(&j, "ID", journey->name);
	api_json_name(&j, "Events");
	api_json_open(&j, '[');
	for (size_t i = 0; i < journey->n; i++) {
		const struct journey_found *found = &journey->found[i];
		char words[JOURNEY_WORDS_MAX];

		event_words(&found->event, words);
		api_json_open(&j, '{');
		api_json_time(&j, "At", found->wall_us);
		api_json_text(&j, "Role", event_text_of(&found->event, "role"));
		api_json_text(&j, "Host", found->folder < journey->n_hosts ?
		    journey->hosts[found->folder] : (slice){ 0 });
		api_json_text(&j, "What", event_text_of(&found->event, "e"));
		api_json_word(&j, "Words", words);
		details_json(&j, &found->event);
		api_json_close(&j, '}');
	}
	api_json_close(&j, ']');
	api_json_close(&j, '}');
	return api_json_end(&j, true);
}

/* ---- the dialogue ---- */

static const struct journey_found *find_accepted(const struct api_journey *journey)
{
	for (size_t i = 0; i < journey->n; i++) {
		const struct journey_found *found = &journey->found[i];

		if (event_is(&found->event, "accepted") &&
		    slice_equal(event_text_of(&found->event, "id"), journey->id))
			return found;
	}
	return NULL;
}

/* Of the session in which it came. */
static bool is_beside(const struct journey_found *found, const struct journey_found *accepted)
{
	slice session = event_text_of(&accepted->event, "s");

	return found->folder == accepted->folder && session.len > 0 &&
	    slice_equal(event_text_of(&found->event, "s"), session);
}

/* When the session began; where that is not known any more, as if the last line was said
 * when the message was accepted. */
static int64_t begin_us(const struct api_journey *journey, const struct journey_found *accepted)
{
	slice rest = event_text_of(&accepted->event, "dialogue");
	struct dialogue_line line;
	int64_t last_ms = 0;

	for (size_t i = 0; i < journey->n; i++) {
		const struct journey_found *found = &journey->found[i];

		if (event_is(&found->event, "connection") && is_beside(found, accepted))
			return found->wall_us;
	}
	while (dialogue_next(&rest, &line))
		last_ms = line.ms > last_ms ? line.ms : last_ms;
	return accepted->wall_us - last_ms * 1000;
}

static void lines_json(struct api_json *j, const struct journey_found *found, int64_t begin)
{
	slice rest = event_text_of(&found->event, "dialogue");
	struct dialogue_line line;

	while (dialogue_next(&rest, &line)) {
		api_json_open(j, '{');
		api_json_time(j, "At", line.ms >= 0 ? begin + line.ms * 1000 : found->wall_us);
		api_json_word(j, "From", line.server ? "server" : "client");
		api_json_text(j, "Text", line.text);
		api_json_bool(j, "Masked", line.masked);
		api_json_close(j, '}');
	}
}

bool api_transcript_json(const struct api_journey *journey, struct buffer *out)
{
	const struct journey_found *accepted = find_accepted(journey);
	int64_t begin = accepted != NULL ? begin_us(journey, accepted) : 0;
	struct api_json j = api_json_begin(out);

	api_json_open(&j, '{');
	api_json_text(&j, "ID", journey->name);
	api_json_name(&j, "Lines");
	api_json_open(&j, '[');
	if (accepted != NULL)
		lines_json(&j, accepted, begin);
	for (size_t i = 0; i < journey->n && accepted != NULL && !journey->followed; i++) {
		const struct journey_found *found = &journey->found[i];

		if (event_is(&found->event, "closed") && is_beside(found, accepted))
			lines_json(&j, found, begin);
	}
	api_json_close(&j, ']');
	api_json_close(&j, '}');
	return api_json_end(&j, true);
}

/* ---- departures ---- */

uint32_t api_journey_departures(const struct api_journey *journey)
{
	const struct journey_found *accepted = find_accepted(journey);
	uint32_t set = 0;

	for (size_t i = 0; i < journey->n && accepted != NULL; i++) {
		const struct event_view *event = &journey->found[i].event;

		if (!event_is(event, "departure") || !is_beside(&journey->found[i], accepted))
			continue;
		for (unsigned d = 0; d < DEPARTURES; d++) {
			if (slice_equal(event_text_of(event, "name"),
			    slice_from(departure_row((enum departure)d)->name)))
				set |= departure_bit((enum departure)d);
		}
	}
	return set;
}
