/* journey/event_words.h - an event in words, for people who want to see how mail works. Pure. */
#ifndef JOURNEY_EVENT_WORDS_H
#define JOURNEY_EVENT_WORDS_H

#include "base/limits.h"
#include "journey/event_read.h"

/* One line of printable ASCII, whatever strangers said. */
void event_words(const struct event_view *event, char ret_words[JOURNEY_WORDS_MAX]);

#endif
