/* os/os_sim_dns.c - the simulated DNS: names that the world's maker wrote down,
 * the same for all hosts. */
#include "os/os_sim_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

enum { DATA_MAX = 512, ANSWER_MIN_US = 200, ANSWER_MAX_US = 40000, SLOW_FACTOR = 500 };

struct sim_dns_row {
	struct list link;
	char name[OS_DNS_NAME_MAX];
	unsigned type;
	size_t len;
	unsigned char data[DATA_MAX];
};

struct asked {
	struct sim_event event;
	struct list link;               /* process->asked */
	struct sim_process *process;
	struct os_dns_query *query;
	char name[OS_DNS_NAME_MAX];
	unsigned type;
	bool fails;
};

/* ---- what is written down ---- */

static bool is_of(const struct sim_dns_row *row, const char *name, unsigned type)
{
	return strcmp(row->name, name) == 0 && (type == 0 || row->type == type);
}

void sim_dns_add(struct sim *sim, const char *name, unsigned type, slice data)
{
	struct sim_dns_row *row = heap_new(sim->heap, struct sim_dns_row);

	check(strlen(name) < sizeof row->name && data.len <= sizeof row->data);
	snprintf(row->name, sizeof row->name, "%s", name);
	row->type = type;
	row->len = data.len;
	if (data.len > 0)
		memcpy(row->data, data.ptr, data.len);
	list_append(&sim->dns, &row->link);
}

void sim_dns_remove(struct sim *sim, const char *name, unsigned type)
{
	list_for (at, &sim->dns) {
		struct sim_dns_row *row = list_item(at, struct sim_dns_row, link);

		if (!is_of(row, name, type))
			continue;
		list_remove(at);
		heap_free(sim->heap, row);
	}
}

void sim_dns_weather(struct sim *sim, struct sim_dns_weather weather)
{
	sim->dns_weather = weather;
}

/* ---- questions ---- */

static void look_up(struct asked *asked, struct os_dns_answer *answer, slice *data)
{
	struct sim *sim = asked->process->sim;
	bool named = false;

	list_for (at, &sim->dns) {
		const struct sim_dns_row *row = list_item(at, struct sim_dns_row, link);

		named = named || is_of(row, asked->name, 0);
		if (is_of(row, asked->name, asked->type) && answer->n_data < DNS_ANSWERS_MAX)
			data[answer->n_data++] = slice_of(row->data, row->len);
	}
	answer->data = data;
	answer->ttl_s = 60;
	answer->status = answer->n_data > 0 ? OS_DNS_DATA : named ? OS_DNS_NO_DATA :
	    OS_DNS_NO_NAME;
}

static void fire(struct sim_event *event)
{
	struct asked *asked = list_item(event, struct asked, event);
	struct sim_process *process = asked->process;
	struct os_dns_query *query = asked->query;
	struct os_dns_answer answer = { .status = OS_DNS_FAILED,
	    .why = slice_lit("no answer (a fault of the simulated DNS)") };
	slice data[DNS_ANSWERS_MAX];

	if (sim_frozen(process, event))
		return;
	sim_trace(process->sim, process, SIM_DONE, asked->type, asked->fails,
	    slice_from(asked->name));
	if (!asked->fails)
		look_up(asked, &answer, data);
	query->impl = NULL;
	list_remove(&asked->link);
	sim_enter(process);
	query->answered(query, &answer);
	sim_leave(process);
	heap_free(process->sim->heap, asked);
}

int sim_os_dns_start(struct os *os, const struct os_dns_options *options)
{
	struct sim_process *process = sim_process_of(os);

	return process->confined && !process->may.network_datagrams ? -EACCES : 0;
}

void sim_os_dns_ask(struct os *os, struct os_dns_query *query, const char *name, unsigned type)
{
	struct sim_process *process = sim_process_of(os);
	struct sim *sim = process->sim;
	const struct sim_dns_weather *weather = &sim->dns_weather;
	struct asked *asked = heap_new(sim->heap, struct asked);
	uint64_t delay = chance_between(&sim->net, ANSWER_MIN_US, ANSWER_MAX_US);

	asked->process = process;
	asked->query = query;
	asked->type = type;
	snprintf(asked->name, sizeof asked->name, "%s", name);
	asked->event.fire = fire;
	if (weather->slow_one_in > 0 && chance_one_in(&sim->net, weather->slow_one_in))
		delay *= SLOW_FACTOR;
	asked->fails = weather->fails_one_in > 0 && chance_one_in(&sim->net, weather->fails_one_in);
	query->impl = asked;
	list_append(&process->asked, &asked->link);
	sim_schedule(sim, &asked->event, delay);
}

static void drop(struct asked *asked)
{
	struct sim *sim = asked->process->sim;

	sim_unschedule(sim, &asked->event);
	list_remove(&asked->link);
	heap_free(sim->heap, asked);
}

void sim_os_dns_cancel(struct os *os, struct os_dns_query *query)
{
	drop(query->impl);
	query->impl = NULL;
}

void sim_dns_process_ends(struct sim_process *process)
{
	while (!list_empty(&process->asked))
		drop(list_item(process->asked.next, struct asked, link));
}
