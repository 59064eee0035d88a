/* role/web_metrics.c - GET /metrics: what roles count, in Prometheus' text format 0.0.4.
 *
 * Each line of a role is labelled with it, and begins anew with it. A role that is down
 * has no lines. */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "role/web_impl.h"

/* ---- reports ---- */

static struct report *find(const struct web *web, enum role_kind kind, unsigned index)
{
	list_for (at, &web->reports) {
		struct report *r = list_item(at, struct report, link);

		if (r->kind == kind && r->index == index)
			return r;
	}
	return NULL;
}

bool web_hears(const struct web *web, enum role_kind kind, unsigned index)
{
	return find(web, kind, index) != NULL;
}

bool web_on_counters(struct web *web, struct ipc_channel *peer, struct ipc_message *message)
{
	enum role_kind kind = ipc_peer_kind(peer);
	unsigned index = ipc_peer_index(peer);
	uint64_t values[COUNTERS] = { 0 };
	struct report *r;

	for (unsigned i = 0; i < COUNTERS; i++) {
		if (counter_row((enum counter)i)->kind == kind)
			values[i] = get_u64(&message->body);
	}
	if (!bytes_end(&message->body))
		return false;
	r = find(web, kind, index);
	if (r == NULL) {
		r = heap_new(web->heap, struct report);
		r->kind = kind;
		r->index = index;
		list_append(&web->reports, &r->link);
	}
	memcpy(r->values, values, sizeof values);
	return true;
}

void web_forget_counters(struct web *web, struct ipc_channel *peer)
{
	struct report *r = find(web, ipc_peer_kind(peer), ipc_peer_index(peer));

	if (r == NULL)
		return;
	list_remove(&r->link);
	heap_free(web->heap, r);
}

uint64_t web_counter(const struct web *web, enum counter counter)
{
	uint64_t sum = 0;

	list_for (at, &web->reports)
		sum += list_item(at, struct report, link)->values[counter];
	return sum;
}

/* ---- text ---- */

static void print_head(struct buffer *out, const char *name, bool gauge, const char *means)
{
	buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, means, name,
	    gauge ? "gauge" : "counter");
}

static void print_one(struct buffer *out, const char *name, bool gauge, const char *means,
    uint64_t value)
{
	print_head(out, name, gauge, means);
	buffer_printf(out, "%s %" PRIu64 "\n", name, value);
}

static void print_own(const struct web *web, struct buffer *out)
{
	print_head(out, "posthouse_build_info", true, "The version that runs.");
	buffer_printf(out, "posthouse_build_info{version=\"%s\"} 1\n", POSTHOUSE_VERSION);
	print_one(out, "posthouse_start_time_seconds", true,
	    "When the web role started, since 1970.", (uint64_t)(web->start_us / 1000000));
	print_one(out, "posthouse_ready", true, "1 when /readyz says 200.", web_is_ready(web));
	print_one(out, "posthouse_http_connections", true, "Connections of HTTP.",
	    http_server_connections(web->http));
	print_one(out, "posthouse_http_requests_total", false, "Requests that were answered.",
	    web->n_requests);
	print_one(out, "posthouse_http_requests_failed_total", false,
	    "Those of them with a status of 400 or more.", web->n_failed);
}

static void print_row(const struct web *web, enum counter counter, struct buffer *out)
{
	const struct counter_row *row = counter_row(counter);

	print_head(out, row->name, row->gauge, row->means);
	list_for (at, &web->reports) {
		const struct report *r = list_item(at, struct report, link);

		if (r->kind == row->kind)
			buffer_printf(out, "%s{role=\"%s.%u\"} %" PRIu64 "\n", row->name,
			    role_kind_name(r->kind), r->index, r->values[counter]);
	}
}

/* Of a mock, by the names that Mailpit gives them. */
static void print_mock(const struct web *web, struct buffer *out)
{
	const struct web_index *index = web->index;

	print_one(out, "mailpit_messages", true, "Messages that are listed.", index->n_listed);
	print_one(out, "mailpit_messages_unread", true, "Those that nobody has read.",
	    index->n_unread);
	print_one(out, "mailpit_uptime_seconds", true, "Since the web role started.",
	    (uint64_t)(os_wall_us(web->os) - web->start_us) / 1000000);
	print_one(out, "mailpit_memory_usage_bytes", true, "What the web role's heap holds.",
	    heap_used(web->heap));
	print_one(out, "mailpit_messages_deleted_total", false, "Messages that are gone.",
	    web->n_deleted);
	print_one(out, "mailpit_smtp_accepted_total", false, "Messages that got a 250.",
	    web_counter(web, COUNTER_EDGE_ACCEPTED));
	print_one(out, "mailpit_smtp_accepted_size_bytes_total", false, "Their size.",
	    web_counter(web, COUNTER_EDGE_ACCEPTED_BYTES));
	print_one(out, "mailpit_smtp_rejected_total", false,
	    "Recipients and messages that were refused.",
	    web_counter(web, COUNTER_EDGE_REJECTED));
	print_one(out, "mailpit_smtp_ignored_total", false, "None ever is.", 0);
}

void web_metrics(struct http_call *call)
{
	struct buffer out = buffer_init(call->web->heap, WEB_METRICS_MAX);

	print_own(call->web, &out);
	if (call->web->index != NULL)
		print_mock(call->web, &out);
	for (unsigned i = 0; i < COUNTERS; i++)
		print_row(call->web, (enum counter)i, &out);
	web_answer(call->web, call->request, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}
