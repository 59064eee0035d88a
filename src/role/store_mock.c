/* role/store_mock.c - what a mock's mailboxes keep: the newest mock.messages, none older
 * than mock.age, and packs that do not outgrow them.
 *
 * What is over is expunged by the flight that brings what is new, so no flight leaves more
 * than the number. Without `mock` nothing here does anything. */
#include "base/check.h"
#include "role/store_impl.h"

bool store_mock_trims(const struct store *s)
{
	const struct config *config = s->frame.config;

	return config->mock && (config->mock_messages > 0 || config->mock_age_s > 0);
}

/* Messages received before this are too old. */
static int64_t horizon_us(const struct store *s)
{
	unsigned age_s = s->frame.config->mock_age_s;

	return age_s > 0 ? os_wall_us(s->os) - age_s * (int64_t)1000000 : INT64_MIN;
}

void store_mock_trim(struct box *box)
{
	struct store *s = box->store;

	if (store_mock_trims(s))
		account_trim(box->account, s->frame.config->mock_messages, horizon_us(s));
}

bool store_mock_expired(const struct box *box)
{
	const struct account_state *state = &box->account->state;

	if (!store_mock_trims(box->store) || !state->full)
		return false;
	/* What account_trim() would look at first. */
	for (size_t i = 0; i < state->n_rows; i++) {
		if (state->rows[i].mailbox == ACCOUNT_INBOX)
			return state->rows[i].received_us < horizon_us(box->store);
	}
	return false;
}

/* ---- packs ---- */

uint64_t store_pack_max(const struct box *box)
{
	uint64_t part = box->account->state.head.bytes / MOCK_PACK_DIVISOR;

	if (!store_mock_trims(box->store) || part > PACK_MAX)
		return PACK_MAX;
	return part > MOCK_PACK_MIN ? part : MOCK_PACK_MIN;
}

bool store_mock_wants_packs(const struct box *box)
{
	const struct account *a = box->account;
	const struct account_state *state = &a->state;
	uint32_t used = state->n_rows > 0 ? state->rows[0].pack : box->pack;

	/* No change of this life names an older pack than the open one: that was left when
	 * nothing waited for it. */
	return store_mock_trims(box->store) && state->full && box->pack != 0 &&
	    used > box->pack_first && (a->n_changes == 0 || !a->changes[0].kept);
}

/* ---- age ---- */

static void on_age(struct os_timer *timer)
{
	struct store *s = timer->owner;
	uint64_t part_ms = (uint64_t)s->frame.config->mock_age_s * 1000 / MOCK_AGE_DIVISOR;

	list_for(at, &s->boxes) {
		struct box *box = list_item(at, struct box, link);

		if (box->loaded)
			box_step(box);
	}
	if (part_ms < MOCK_AGE_MIN_MS)
		part_ms = MOCK_AGE_MIN_MS;
	os_timer_start(s->os, timer, part_ms < MOCK_AGE_MAX_MS ? part_ms : MOCK_AGE_MAX_MS);
}

void store_mock_init(struct store *s)
{
	s->age_timer = (struct os_timer){ .fire = on_age, .owner = s };
}

void store_mock_start(struct store *s)
{
	if (s->frame.config->mock && s->frame.config->mock_age_s > 0)
		on_age(&s->age_timer);
}
