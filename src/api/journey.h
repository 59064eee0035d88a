/* api/journey.h - what happened to a message, and the dialogue in which it came, as our own
 * API tells them. Pure. */
#ifndef API_JOURNEY_H
#define API_JOURNEY_H

#include "base/buffer.h"
#include "journey/search.h"

struct api_journey {
	slice name;                     /* as the API calls the message */
	slice id;                       /* as the journey does */
	const struct journey_found *found;      /* in order of time */
	size_t n;
	bool followed;                  /* journey_search_followed() */
	const slice *hosts;             /* name of each folder */
	size_t n_hosts;
};

/* {"ID","Events":[{"At","Role","Host","What","Words","Details":{}}]}: Details are the event's
 * own fields, but for the dialogue. */
bool api_journey_json(const struct api_journey *journey, struct buffer *out)
    __attribute__((warn_unused_result));

/* {"ID","Lines":[{"At","From":"client" or "server","Text","Masked"}]}: from where the session
 * began, or the message before it ended, to the reply to the end of its data; behind the
 * session's last message to the session's end. */
bool api_transcript_json(const struct api_journey *journey, struct buffer *out)
    __attribute__((warn_unused_result));

/* Departures (mail/departure.h) that were noted when it came. */
uint32_t api_journey_departures(const struct api_journey *journey);

#endif
