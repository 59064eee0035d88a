/* os/os_uv_dns.c - DNS by libunbound: a thread of the library resolves, its
 * descriptor wakes the loop, answers come on the loop.
 *
 * The thread starts with the first question, so after the sandbox stands; it opens
 * no file: the root's addresses and keys are compiled in. */
#include "os/os_uv_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <unbound.h>

#include "base/check.h"
#include "base/limits.h"

struct dns {
	struct ub_ctx *context;
	struct os_watch watch;
	struct os_uv *os;
};

struct asked {
	struct os_dns_query *query;
	struct dns *dns;
	int id;                         /* the library's */
};

/* The root's keys of 2017 and 2024, as IANA publishes them (RFC 7958); the library
 * follows the next ones only with a file, which a confined role has not. */
static const char *const root_keys[] = {
	". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

/* ---- settings ---- */

static bool set(struct ub_ctx *context, const char *option, const char *value)
{
	return ub_ctx_set_option(context, option, value) == 0;
}

static bool set_number(struct ub_ctx *context, const char *option, unsigned value)
{
	char text[16];

	snprintf(text, sizeof text, "%u", value);
	return set(context, option, text);
}

/* "192.0.2.1@53" */
static bool add_server(struct ub_ctx *context, const struct os_address *server)
{
	char text[OS_IP_TEXT + 8];
	size_t n = os_ip_print(server->ip, text, sizeof text);

	snprintf(text + n, sizeof text - n, "@%u", server->port);
	return ub_ctx_set_fwd(context, text) == 0;
}

/* Whoever is named knows its own zones: what the library makes up of those that
 * are nobody's in the open (test., private networks) is not asked for. */
static bool trust_servers(struct ub_ctx *context)
{
	return set(context, "do-not-query-localhost:", "no") &&
	    set(context, "unblock-lan-zones:", "yes") && set(context, "insecure-lan-zones:", "yes");
}

static bool add_anchors(struct ub_ctx *context, slice anchors)
{
	char line[DNS_ANCHORS_MAX + 1];
	bool ok = true;

	for (size_t i = 0; anchors.len == 0 && i < sizeof root_keys / sizeof *root_keys; i++)
		ok = ok && ub_ctx_add_ta(context, root_keys[i]) == 0;
	while (anchors.len > 0) {
		slice one = slice_cut(&anchors, '\n');

		ok = ok && one.len <= DNS_ANCHORS_MAX;
		if (!ok)
			break;
		snprintf(line, sizeof line, "%.*s", slice_arg(one));
		ok = ub_ctx_add_ta(context, line) == 0;
	}
	return ok;
}

static bool configure(struct ub_ctx *context, const struct os_dns_options *options)
{
	bool ok = set(context, "use-syslog:", "no") && set(context, "verbosity:", "0") &&
	    set(context, "cache-max-negative-ttl:", "300") &&
	    set_number(context, "outgoing-range:", RESOLVER_SOCKETS_MAX) &&
	    set_number(context, "num-queries-per-thread:", RESOLVER_QUERIES_MAX) &&
	    set_number(context, "outgoing-num-tcp:", RESOLVER_TCP_MAX) &&
	    set(context, "msg-cache-size:", "8m") && set(context, "rrset-cache-size:", "16m");

	ub_ctx_debugout(context, NULL);
	for (size_t i = 0; i < options->n_servers; i++)
		ok = ok && add_server(context, &options->servers[i]);
	if (options->n_servers > 0)
		ok = ok && trust_servers(context);
	if (options->validate)
		ok = ok && add_anchors(context, options->anchors);
	ok = ok && ub_ctx_async(context, 1) == 0;
	if (ok && options->n_servers > 0)
		ok = ub_ctx_zone_remove(context, "test.") == 0;         /* it finalises */
	return ok;
}

static void on_answers(struct os_watch *watch, int events)
{
	struct dns *dns = watch->owner;

	ub_process(dns->context);
}

int dns_start(struct os *os, const struct os_dns_options *options)
{
	struct os_uv *self = os_uv_of(os);
	struct dns *dns;

	check(self->dns == NULL);
	dns = heap_new(self->world->heap, struct dns);
	dns->os = self;
	dns->context = ub_ctx_create();
	if (dns->context == NULL || !configure(dns->context, options)) {
		if (dns->context != NULL)
			ub_ctx_delete(dns->context);
		heap_free(self->world->heap, dns);
		return -EINVAL;
	}
	dns->watch = (struct os_watch){ .ready = on_answers, .owner = dns };
	loop_watch_start(os, &dns->watch, ub_fd(dns->context), OS_READABLE);
	self->dns = dns;
	return 0;
}

void dns_stop(struct os_uv *os)
{
	struct dns *dns = os->dns;

	if (dns == NULL)
		return;
	os->dns = NULL;
	loop_watch_stop(&os->os, &dns->watch);
	ub_ctx_delete(dns->context);
	heap_free(os->world->heap, dns);
}

/* ---- questions ---- */

static void tell(struct asked *asked, const struct os_dns_answer *answer)
{
	struct os_dns_query *query = asked->query;

	query->impl = NULL;
	heap_free(asked->dns->os->world->heap, asked);
	query->answered(query, answer);
}

static void tell_failure(struct asked *asked, const char *why)
{
	const struct os_dns_answer answer = { .status = OS_DNS_FAILED, .why = slice_from(why) };

	tell(asked, &answer);
}

static const char *why_failed(const struct ub_result *result)
{
	if (result->bogus)
		return result->why_bogus != NULL ? result->why_bogus : "DNSSEC validation failed";
	switch (result->rcode) {
	case 2:
		return "the name servers did not answer, or could not (SERVFAIL)";
	case 5:
		return "the name server refused to answer (REFUSED)";
	default:
		return "the name server answered with an error";
	}
}

static void tell_result(struct asked *asked, const struct ub_result *result)
{
	slice data[DNS_ANSWERS_MAX];
	struct os_dns_answer answer = { .secure = result->secure != 0, .data = data };

	if (result->bogus || (result->rcode != 0 && !result->nxdomain)) {
		tell_failure(asked, why_failed(result));
		return;
	}
	answer.ttl_s = result->ttl > 0 ? (uint32_t)result->ttl : 0;
	answer.status = result->nxdomain ? OS_DNS_NO_NAME :
	    result->havedata ? OS_DNS_DATA : OS_DNS_NO_DATA;
	answer.canonical = slice_from(result->canonname);
	for (size_t i = 0; result->havedata && result->data[i] != NULL &&
	    answer.n_data < DNS_ANSWERS_MAX; i++)
		data[answer.n_data++] = slice_of(result->data[i], (size_t)result->len[i]);
	tell(asked, &answer);
}

static void on_result(void *arg, int error, struct ub_result *result)
{
	struct asked *asked = arg;

	if (error != 0)
		tell_failure(asked, ub_strerror(error));
	else
		tell_result(asked, result);
	ub_resolve_free(result);
}

/* The library could not even begin. An answer never comes from inside a call. */
struct refusal {
	struct os_defer defer;
	struct asked *asked;
};

static void on_refusal(struct os_defer *defer)
{
	struct refusal *refusal = defer->owner;
	struct asked *asked = refusal->asked;

	heap_free(asked->dns->os->os.heap, refusal);
	if (asked->query != NULL)
		tell_failure(asked, "the resolver can't take this question");
	else
		heap_free(asked->dns->os->world->heap, asked);
}

static void refuse_later(struct os *os, struct asked *asked)
{
	struct refusal *refusal = heap_new(os->heap, struct refusal);

	asked->id = -1;
	refusal->asked = asked;
	refusal->defer = (struct os_defer){ .run = on_refusal, .owner = refusal };
	loop_defer(os, &refusal->defer);
}

void dns_ask(struct os *os, struct os_dns_query *query, const char *name, unsigned type)
{
	struct dns *dns = os_uv_of(os)->dns;
	struct asked *asked;

	check(dns != NULL);
	asked = heap_new(dns->os->world->heap, struct asked);
	asked->query = query;
	asked->dns = dns;
	query->impl = asked;
	if (ub_resolve_async(dns->context, name[0] != '\0' ? name : ".", (int)type, 1, asked,
	    on_result, &asked->id) != 0)
		refuse_later(os, asked);
}

void dns_cancel(struct os *os, struct os_dns_query *query)
{
	struct asked *asked = query->impl;
	struct dns *dns = asked->dns;

	query->impl = NULL;
	asked->query = NULL;
	if (asked->id < 0)
		return;                 /* on_refusal() frees it */
	ub_cancel(dns->context, asked->id);
	heap_free(dns->os->world->heap, asked);
}
