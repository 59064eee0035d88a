/* role/directory_shares.c - a table of what is shared: whose, of what, how much. */
#include "role/directory_shares.h"

#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "base/table.h"

enum { HOUR_S = 3600, MINUTE_S = 60 };
enum { KIND_LOGIN = 'l', KIND_IMAP_LOGIN = 'i', KIND_GUESS = 'g', KIND_NOTE = 'n' };

enum owner { PEER, NETWORK, ACCOUNT };
enum counted { MESSAGES = 'm', RECIPIENTS = 'r', REFUSED = 'x' };

static const struct row {
	enum owner owner;
	enum counted counted;
	size_t limit;                   /* offset in struct config */
	slice words;
} rows[] = {
	{ PEER, MESSAGES, offsetof(struct config, messages_per_address),
	    slice_lit("too many messages from your address, try again later") },
	{ PEER, RECIPIENTS, offsetof(struct config, recipients_per_address),
	    slice_lit("too many recipients from your address, try again later") },
	{ PEER, REFUSED, offsetof(struct config, refused_per_address),
	    slice_lit("too many wrong recipients from your address, try again later") },
	{ NETWORK, MESSAGES, offsetof(struct config, messages_per_address),
	    slice_lit("too many messages from your network, try again later") },
	{ NETWORK, RECIPIENTS, offsetof(struct config, recipients_per_address),
	    slice_lit("too many recipients from your network, try again later") },
	{ NETWORK, REFUSED, offsetof(struct config, refused_per_address),
	    slice_lit("too many wrong recipients from your network, try again later") },
	{ ACCOUNT, MESSAGES, offsetof(struct config, messages_per_account),
	    slice_lit("too many messages from this account, try again later") },
	{ ACCOUNT, RECIPIENTS, offsetof(struct config, recipients_per_account),
	    slice_lit("too many recipients from this account, try again later") },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct rate rate_of(unsigned n, unsigned factor, unsigned period_s)
{
	uint64_t all = (uint64_t)n * factor;

	return (struct rate){ all < UINT32_MAX ? (unsigned)all : UINT32_MAX, period_s };
}

static struct rate rate_of_row(const struct row *row, const struct config *config)
{
	unsigned n;

	memcpy(&n, (const char *)config + row->limit, sizeof(n));
	return rate_of(n, row->owner == NETWORK ? config->network_factor : 1, HOUR_S);
}

/* Borrowed. */
static slice who(enum owner owner, const uint8_t ip[16], const uint64_t *account)
{
	if (owner == ACCOUNT)
		return table_key(*account);
	return owner == PEER ? os_ip_peer(ip) : os_ip_network(ip);
}

/* Peers and networks differ in length; an account has as many bytes as an IPv6 /64. */
static uint64_t key_of(const struct directory_role *role, const struct row *row,
    const struct asking *asking)
{
	unsigned char kind = (unsigned char)row->counted;

	if (row->owner == ACCOUNT)
		kind = (unsigned char)(kind - 'a' + 'A');
	return rates_key(role->rates, kind, who(row->owner, asking->ip, &asking->account));
}

/* A line in the log once a minute for whoever is at a limit. */
static void note(struct directory_role *role, slice whose, slice words, const uint8_t ip[16],
    uint64_t account)
{
	static const struct rate once_a_minute = { 1, MINUTE_S };
	char peer[OS_IP_TEXT];

	if (!rates_take(role->rates, rates_key(role->rates, KIND_NOTE, whose), once_a_minute,
	        os_now_ms(role->os)))
		return;
	os_ip_print(ip, peer, sizeof(peer));
	os_log(role->os, OS_WARN, "told to wait (said once a minute): %.*s peer=%s account=%llu",
	    slice_arg(words), peer, (unsigned long long)account);
}

static bool applies(const struct row *row, const struct asking *asking)
{
	return (row->owner == ACCOUNT) == asking->submission;
}

bool directory_shares_allow(struct directory_role *role, const struct asking *asking,
    slice *ret_words)
{
	const struct config *config = role->frame.config;
	uint64_t now_ms = os_now_ms(role->os);

	if (asking->report || config_trusts(config, asking->ip))
		return true;
	for (const struct row *row = rows; row < rows + ROWS; row++) {
		if (!applies(row, asking) || (row->counted == MESSAGES && !asking->first) ||
		    rates_allow(role->rates, key_of(role, row, asking), rate_of_row(row, config),
		    now_ms))
			continue;
		note(role, who(row->owner, asking->ip, &asking->account), row->words, asking->ip,
		    asking->account);
		*ret_words = row->words;
		return false;
	}
	return true;
}

static bool happened(const struct row *row, const struct asking *asking,
    enum directory_verdict verdict)
{
	switch (row->counted) {
	case MESSAGES:
		return verdict == DIRECTORY_OK && asking->first;
	case REFUSED:
		return verdict != DIRECTORY_OK;
	case RECIPIENTS:
		break;
	}
	return true;
}

void directory_shares_count(struct directory_role *role, const struct asking *asking,
    enum directory_verdict verdict)
{
	const struct config *config = role->frame.config;

	if (verdict == DIRECTORY_TEMPORARY || asking->report || config_trusts(config, asking->ip))
		return;
	for (const struct row *row = rows; row < rows + ROWS; row++) {
		if (applies(row, asking) && happened(row, asking, verdict))
			rates_count(role->rates, key_of(role, row, asking),
			    rate_of_row(row, config), os_now_ms(role->os));
	}
}

bool directory_shares_login(struct directory_role *role, enum service service, uint64_t account,
    const uint8_t ip[16])
{
	const unsigned char kind = service_is_imap(service) ? KIND_IMAP_LOGIN : KIND_LOGIN;
	const struct config *config = role->frame.config;
	struct rate rate = rate_of(config->logins_per_account, 1, HOUR_S);
	slice whose = table_key(account);

	if (config_trusts(config, ip) || rates_take(role->rates,
	        rates_key(role->rates, kind, whose), rate, os_now_ms(role->os)))
		return true;
	note(role, whose, slice_lit("too many logins"), ip, account);
	return false;
}

static struct rate guesses(const struct config *config)
{
	return rate_of(config->auth_failures_max, config->network_factor,
	    THROTTLE_WINDOW_MS / 1000);
}

bool directory_shares_guess(struct directory_role *role, const uint8_t ip[16])
{
	slice network = os_ip_network(ip);

	if (rates_allow(role->rates, rates_key(role->rates, KIND_GUESS, network),
	        guesses(role->frame.config), os_now_ms(role->os)))
		return true;
	note(role, network, slice_lit("too many failed logins from this network"), ip, 0);
	return false;
}

void directory_shares_guessed(struct directory_role *role, const uint8_t ip[16])
{
	rates_count(role->rates, rates_key(role->rates, KIND_GUESS, os_ip_network(ip)),
	    guesses(role->frame.config), os_now_ms(role->os));
}
