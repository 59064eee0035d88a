/* account/survey.h - all that can be read of an account, and what is wrong with it.
 *
 * Where account/load.h stops at what counts, a survey reads on: it tells a finder
 * each place that is damaged, and gathers what repair can make of the rest.
 *
 *   logs    the newest HEAD that can be read -> its chain -> what stands behind
 *   packs   each message that a row names: every byte
 *           each other entry: could it be one whose record is lost?
 *
 * A pack's entry that no record names is no damage: its message was expunged, or
 * its delivery failed and came again. It counts as lost (UNNAMED) when
 *
 * (1) it stands in a gap: between the places that the last record before damage
 *     and the first one behind it name, or behind the last place that any names,
 * (2) no message of the account is its twin (a delivery that came again),
 * (3) the router will not hand it over again: so somebody was told that it is on
 *     disk. Or it would, and the account has its key and would not take it. The
 *     topmost Received line has the id; our reports have such a line for this,
 * (4) without damage in the log: it is not among those that vanished, nor without what
 *     delivery puts on top: an APPEND that was not finished.
 *
 * What came into a pack after the survey began was not to be expected in the log,
 * and is not looked at: beside a server a survey has an end.
 *
 * Changes nothing; blocking. OS_ROOT is the folder `account`. */
#ifndef ACCOUNT_SURVEY_H
#define ACCOUNT_SURVEY_H

#include "account/load.h"
#include "log/finding.h"
#include "pack/pack.h"

/* Places of packs, both ends outside: (pack << 32 | offset). */
struct survey_gap {
	uint64_t after, before;         /* UINT64_MAX: no end */
	bool soft;                      /* no damage: the end of the packs */
};

struct survey_unnamed {
	struct pack_place place;
	uint64_t len;                   /* of the entry */
	uint64_t twin;                  /* a checksum that a delivery that came again has too */
	bool soft;
};

/* A row whose message can't be read as a whole. */
struct survey_bad {
	uint32_t uid;
	enum pack_result why;
};

struct account_survey {
	/* Given: */
	struct os *os;
	struct heap *heap;              /* of this survey; dropped with it */
	struct finder *finder;
	uint64_t account;
	/* May the router still hand it over? NULL: none. */
	bool (*pending)(void *context, struct message_id id);
	void *context;

	/* Found: */
	struct account_state state;     /* full; also records that no mark calls synced */
	uint32_t uid_next;              /* above all that may have been given out */
	uint64_t modseq;
	uint32_t head_number;           /* the segment whose HEAD counts; 0: none */
	bool lost;                      /* records of the log are lost */
	bool bad_vanished;              /* what vanished is not known */
	bool newer, failed;             /* of a later Posthouse; the disk failed */
	uint64_t damage;                /* findings that are no notes */

	uint32_t *logs, *packs;         /* numbers of the files, ascending */
	size_t n_logs, n_packs;
	uint64_t packs_end;             /* the place behind all packs, before logs were read */
	struct survey_gap gaps[SURVEY_GAPS_MAX];
	size_t n_gaps;
	struct survey_bad *bad;         /* ascending by uid */
	size_t n_bad, bad_capacity;
	struct survey_unnamed *unnamed; /* lost ones, ascending by place */
	size_t n_unnamed, unnamed_capacity;

	/* While it reads: */
	uint64_t *places;               /* of all rows seen; sorted at last */
	size_t n_places, places_capacity;
	uint64_t place_last;
	uint32_t uid_last;              /* of the row there */
	uint64_t uids_lost;
	bool gap_open;
};

/* Fill in the first part, then read all. */
void account_survey(struct account_survey *s);

/* The two halves, for account/survey.c. */
void survey_logs(struct account_survey *s);
void survey_packs(struct account_survey *s);

/* Tell a finding of the account; counts damage. */
void survey_tell(struct account_survey *s, struct finding *finding, const char *path,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The disk failed at this file: what it holds is not known. */
void survey_disk_failed(struct account_survey *s, const char *path);

static inline uint64_t survey_place(uint32_t pack, uint32_t offset)
{
	return (uint64_t)pack << 32 | offset;
}

/* The message id in the topmost Received line of a prefix; false: there is none. */
bool survey_message_id(slice prefix, struct message_id *ret_id);
/* The address in its Delivered-To line, or an empty slice. Borrowed. */
slice survey_delivered_to(slice prefix);

#endif
