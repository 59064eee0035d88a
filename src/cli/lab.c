/* cli/lab.c - posthouse lab: Bob's server and Alice's, and the names that lead from
 * one to the other; a first message, and its journey as it happens.
 *
 *   zones -> name server -> two servers ready -> a message -> journeys ... Ctrl-C
 *
 * Everything is on loopback: nothing here is ever sent to a real address. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/lab.h"
#include "cli/lab_dns.h"
#include "cli/trace.h"
#include "cli/zone_files.h"
#include "os/os_uv.h"

enum { HOSTS = 2, BOB = 0, ALICE = 1, PORTS = 5, LOOK_MS = 100, SHOWN_MAX = 1000,
	READY_MS = 60 * 1000, END_MS = 30 * 1000,
	HOP_US = 2 * 1000 * 1000 };

/* Of a fresh lab: the usual ones with 2000 before them. */
static const unsigned usual_ports[PORTS] = { 2525, 2587, 2465, 2110, 2995 };
static const unsigned usual_dns = 5300;

struct lab {
	const struct cli_args *args;
	struct os *os;
	struct lab_host hosts[HOSTS];
	unsigned ports[PORTS], dns_port;
	char dns_text[OS_ADDRESS_TEXT];
	struct dns_zones *zones;
	struct lab_dns *dns;
	struct os_signal interrupt, terminate;
	struct os_timer look;
	uint64_t began_ms, ending_ms;
	bool json, send, ready, ending;
	int status;
	pid_t sender;
	struct trace trace;
	json_t *told;                   /* ids -> events that were shown */
	json_t *hops;                   /* ids that a message has at its next host: a set */
	json_int_t since_us;
	size_t shown;                   /* events since the advice was given */
	bool advised;
};

/* ---- the end ---- */

static void end(struct lab *lab, int status)
{
	if (lab->ending)
		return;
	lab->ending = true;
	lab->status = status;
	lab->ending_ms = os_now_ms(lab->os);
	for (size_t i = 0; i < HOSTS; i++)
		lab_host_end(&lab->hosts[i]);
}

static bool all_gone(struct lab *lab)
{
	bool gone = true;

	for (size_t i = 0; i < HOSTS; i++) {
		gone = lab_host_is_gone(&lab->hosts[i]) && gone;
		if (!gone && os_now_ms(lab->os) - lab->ending_ms > END_MS && lab->hosts[i].pid > 0)
			kill(lab->hosts[i].pid, SIGKILL);
	}
	return gone;
}

static void on_signal(struct os_signal *signal)
{
	struct lab *lab = signal->owner;

	if (!lab->json && !lab->ending)
		fprintf(stderr, "stopping\n");
	end(lab, CLI_OK);
}

/* ---- journeys ---- */

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text != NULL ? text : "";
}

/* That of the first message, as who took it heard it: not from both sides. */
static bool wants_dialogue(const struct lab *lab, const json_t *event)
{
	return (!lab->advised || cli_flag(lab->args, "--dialogue")) &&
	    strcmp(text_of(event, "e"), "attempt") != 0;
}

/* What is new of one message. True: some of it was shown. */
static bool show(struct lab *lab, const char *id)
{
	json_t *event, *told = json_object_get(lab->told, id);
	size_t i, from = told != NULL ? (size_t)json_integer_value(told) : 0;
	bool any = false;
	json_int_t begin;

	trace_message(&lab->trace, id);
	begin = json_integer_value(json_object_get(json_array_get(lab->trace.events, 0), "t"));
	if (from == 0 && json_array_size(lab->trace.events) > 0)
		printf("\nThe journey of message %s:\n\n", id);
	json_array_foreach(lab->trace.events, i, event) {
		if (strcmp(text_of(event, "e"), "accepted") == 0 &&
		    strcmp(text_of(event, "id"), id) != 0)
			json_object_set_new(lab->hops, text_of(event, "id"), json_true());
		if (i < from)
			continue;
		trace_print(stdout, &lab->trace, event, begin, wants_dialogue(lab, event));
		any = true;
	}
	json_object_set_new(lab->told, id,
	    json_integer((json_int_t)json_array_size(lab->trace.events)));
	json_decref(lab->trace.events);
	return any;
}

/* A message that a host got from the other one is part of that one's journey, which
 * says so soon after. */
static bool may_be_a_hop(struct lab *lab, const char *id)
{
	json_int_t accepted;

	if (json_object_get(lab->hops, id) != NULL)
		return true;
	if (json_object_get(lab->told, id) != NULL)
		return false;
	trace_message(&lab->trace, id);
	accepted = json_integer_value(json_object_get(json_array_get(lab->trace.events, 0), "t"));
	json_decref(lab->trace.events);
	return os_wall_us(lab->os) - accepted < HOP_US;
}

/* Of what either host accepted. */
static bool show_all(struct lab *lab)
{
	const char *first = lab->trace.folders[0];
	bool any = false;

	for (size_t host = 0; host < HOSTS; host++) {
		json_t *ids, *id;
		size_t i;

		lab->trace.folders[0] = lab->hosts[host].data;
		ids = trace_ids(&lab->trace, NULL, SHOWN_MAX, lab->since_us);
		lab->trace.folders[0] = first;
		json_array_foreach(ids, i, id) {
			if ((host == BOB && !lab->advised) || !may_be_a_hop(lab, json_string_value(id)))
				any = show(lab, json_string_value(id)) || any;
		}
		json_decref(ids);
	}
	fflush(stdout);
	return any;
}

static const char *account(const struct lab *lab, size_t host, const char *field)
{
	const json_t *hosts = json_object_get(lab->hosts[host].says, "hosts");
	const json_t *accounts = json_object_get(json_array_get(hosts, 0), "accounts");

	return text_of(json_array_get(accounts, 0), field);
}

static void advise(const struct lab *lab)
{
	const struct lab_host *bob = &lab->hosts[BOB], *alice = &lab->hosts[ALICE];

	printf("\nNow you. Names:\n"
	    "  dig @127.0.0.1 -p %u -t MX alice.example\n"
	    "  dig @127.0.0.1 -p %u -x %s\n"
	    "A message by hand, to Alice's server (it takes mail for alice.example, no other):\n"
	    "  ncat -C %s %u          or: telnet %s %u\n"
	    "  EHLO mycompany.com / MAIL FROM: bob@bob.example / RCPT TO: alice@alice.example /\n"
	    "  DATA / Subject: hello / (empty line) / Hi Alice. / . / QUIT\n"
	    "As Bob, by his own server:\n"
	    "  POSTHOUSE_PASSWORD=%s posthouse send --server %s:%u \\\n"
	    "      --login %s --from %s --to %s --subject hello --body 'Hi!'\n"
	    "Read Alice's mail:\n"
	    "  curl pop3://%s:%u/1 --user %s:%s\n",
	    lab->dns_port, lab->dns_port, alice->address, alice->address, lab->ports[0],
	    alice->address, lab->ports[0], account(lab, BOB, "password"), bob->address,
	    lab->ports[1], account(lab, BOB, "address"), account(lab, BOB, "address"),
	    account(lab, ALICE, "address"), alice->address, lab->ports[3],
	    account(lab, ALICE, "address"), account(lab, ALICE, "password"));
	printf("A mail program: %s, password %s; SMTP %s:%u (STARTTLS), POP3 %s:%u.\n"
	    "Each message again, with every line: posthouse trace --data %s --also %s --dialogue\n"
	    "Stop Alice's server (kill %d) and send: `posthouse queue list --data %s` says why it\n"
	    "waits. New messages show up here. Ctrl-C stops the lab.\n",
	    account(lab, BOB, "address"), account(lab, BOB, "password"), bob->address,
	    lab->ports[1], bob->address, lab->ports[3], bob->data, alice->data, alice->pid,
	    bob->data);
	fflush(stdout);
}

/* ---- the first message ---- */

static void become_sender(const struct lab *lab)
{
	char server[64];

	snprintf(server, sizeof server, "%s:%u", lab->hosts[BOB].address, lab->ports[1]);
	setenv("POSTHOUSE_PASSWORD", account(lab, BOB, "password"), 1);
	if (freopen("/dev/null", "w", stdout) == NULL)
		_exit(1);
	execl("/proc/self/exe", "posthouse", "send", "--server", server, "--login",
	    account(lab, BOB, "address"), "--from", account(lab, BOB, "address"), "--to",
	    account(lab, ALICE, "address"), "--subject", "A first message", "--body",
	    "Hi Alice,\n\nthis is the first message. Bob\n", (char *)NULL);
	_exit(127);
}

static void send_first(struct lab *lab)
{
	printf("%s.example is %s, %s.example is %s; names at %s.\n"
	    "Bob sends a message to Alice, by his own server.\n", lab->hosts[BOB].name,
	    lab->hosts[BOB].address, lab->hosts[ALICE].name, lab->hosts[ALICE].address,
	    lab->dns_text);
	fflush(stdout);
	lab->sender = fork();
	if (lab->sender == 0)
		become_sender(lab);
}

static void watch_sender(struct lab *lab)
{
	int status;

	if (lab->sender <= 0 || waitpid(lab->sender, &status, WNOHANG) != lab->sender)
		return;
	lab->sender = 0;
	if (status != 0)
		cli_fail("the first message could not be sent");
}

/* ---- ready ---- */

static void announce(const struct lab *lab)
{
	json_t *hosts = json_array(), *root;
	char *text;

	for (size_t i = 0; i < HOSTS; i++) {
		json_t *host = json_array_get(json_object_get(lab->hosts[i].says, "hosts"), 0);

		json_object_set(host, "certificate",
		    json_object_get(lab->hosts[i].says, "certificate"));
		json_array_append(hosts, host);
	}
	root = json_pack("{s:o, s:s, s:O}", "hosts", hosts, "dns", lab->dns_text, "certificate",
	    json_object_get(lab->hosts[BOB].says, "certificate"));
	text = json_dumps(root, JSON_COMPACT);
	printf("%s\n", text);
	fflush(stdout);
	free(text);
	json_decref(root);
}

static void on_changed(struct lab_host *host)
{
	struct lab *lab = host->owner;

	if (host->fd < 0) {
		if (!lab->ending)
			lab_host_explain(host);
		end(lab, CLI_FAILED);
		return;
	}
	if (lab->hosts[BOB].says == NULL || lab->hosts[ALICE].says == NULL || lab->ready)
		return;
	lab->ready = true;
	lab->since_us = os_wall_us(lab->os);
	if (lab->json)
		announce(lab);
	if (lab->send)
		send_first(lab);
	else if (!lab->json)
		advise(lab);
}

/* Once the first message has come to rest, say what to try. */
static void on_look(struct os_timer *timer)
{
	struct lab *lab = timer->owner;
	bool any;

	if (lab->ending && all_gone(lab)) {
		os_stop(lab->os, lab->status);
		return;
	}
	os_timer_start(lab->os, timer, LOOK_MS);
	watch_sender(lab);
	if (!lab->ready && os_now_ms(lab->os) - lab->began_ms > READY_MS && !lab->ending) {
		cli_fail("the servers did not get ready in %d s; see %s.log", READY_MS / 1000,
		    lab->hosts[BOB].data);
		end(lab, CLI_FAILED);
	}
	if (lab->json || !lab->ready || lab->ending)
		return;
	any = show_all(lab);
	lab->shown += any;
	if (lab->send && !lab->advised && lab->shown > 0 && !any && lab->sender == 0) {
		lab->advised = true;
		advise(lab);
	}
}

/* ---- start ---- */

static void on_question(void *owner, const struct lab_dns_event *event)
{
	const struct lab *lab = owner;

	if (lab->json || !lab->ready || !lab->advised)
		return;
	printf("DNS: %s %s? %s %s\n", event->text->name, event->text->type, event->text->rcode,
	    event->text->summary);
	fflush(stdout);
}

static bool make_folders(struct lab *lab, const char *data)
{
	char base[PATH_MAX];

	if (mkdir(data, 0700) < 0 && errno != EEXIST) {
		cli_fail("cannot make the folder %s: %s", data, strerror(errno));
		return false;
	}
	if (realpath(data, base) == NULL || strlen(base) > 400) {
		cli_fail("cannot use the folder %s: %s", data, strerror(errno));
		return false;
	}
	for (size_t i = 0; i < HOSTS; i++) {
		struct lab_host *host = &lab->hosts[i];

		snprintf(host->data, sizeof host->data, "%s/%s", base, host->name);
		lab->trace.folders[i] = host->data;
		lab->trace.names[i] = host->name;
	}
	lab->trace.n_folders = HOSTS;
	return true;
}

static bool start_dns(struct lab *lab)
{
	struct os_address address = { 0 };
	char text[64];
	int error;

	snprintf(text, sizeof text, "127.0.0.1:%u", lab->dns_port);
	if (!os_address_parse(slice_from(text), &address))
		return false;
	lab->dns = lab_dns_start(lab->os, lab->zones, &address, on_question, lab, &error);
	if (lab->dns == NULL) {
		cli_fail("cannot serve names on %s: %s; does another lab run? --port-base N takes "
		    "other ports", text, strerror(-error));
		return false;
	}
	os_address_print(lab_dns_address(lab->dns), lab->dns_text, sizeof lab->dns_text);
	return true;
}

static void choose_ports(struct lab *lab, unsigned long base)
{
	for (unsigned i = 0; i < PORTS; i++)
		lab->ports[i] = base != 0 ? (unsigned)base + i : usual_ports[i];
	lab->dns_port = base != 0 ? (unsigned)base + PORTS : usual_dns;
}

static bool start(struct lab *lab)
{
	const char *data = cli_value(lab->args, "--data");

	lab->zones = dns_zones_create(os_heap(lab->os));
	lab_zones_add(lab->zones, lab->hosts, HOSTS);
	if (zone_files_add(lab->zones, lab->args) != CLI_OK ||
	    !make_folders(lab, data != NULL ? data : "posthouse.lab") || !start_dns(lab))
		return false;
	lab->interrupt = (struct os_signal){ .caught = on_signal, .owner = lab };
	lab->terminate = lab->interrupt;
	os_signal_start(lab->os, &lab->interrupt, SIGINT);
	os_signal_start(lab->os, &lab->terminate, SIGTERM);
	for (size_t i = 0; i < HOSTS; i++) {
		lab->hosts[i].changed = on_changed;
		lab->hosts[i].owner = lab;
		lab->hosts[i].fd = -1;
		if (!lab_host_start(&lab->hosts[i], lab->os, lab->ports, lab->dns_text))
			return false;
	}
	lab->began_ms = os_now_ms(lab->os);
	lab->look = (struct os_timer){ .fire = on_look, .owner = lab };
	os_timer_start(lab->os, &lab->look, LOOK_MS);
	return true;
}

static bool takes_send(const struct cli_args *args, bool *ret_send)
{
	const char *word = cli_value(args, "--send");

	*ret_send = word == NULL || strcmp(word, "no") != 0;
	if (word == NULL || strcmp(word, "no") == 0 || strcmp(word, "yes") == 0)
		return true;
	cli_misuse("lab: --send is yes or no");
	return false;
}

static int run(const struct cli_args *args)
{
	const struct os_uv_options options = { .name = "lab", .log_from = OS_ERROR };
	struct lab lab = { .args = args, .json = cli_flag(args, "--json"),
	    .hosts = { { .name = "bob", .address = "127.0.0.2" },
	        { .name = "alice", .address = "127.0.0.3" } } };
	unsigned long base;
	int status = CLI_FAILED;

	if (!cli_number(args, "--port-base", 1, UINT16_MAX - PORTS, 0, &base) ||
	    !takes_send(args, &lab.send))
		return CLI_USAGE;
	choose_ports(&lab, base);
	lab.os = os_uv_create(&options);
	lab.told = json_object();
	lab.hops = json_object();
	if (start(&lab))
		status = os_uv_run(lab.os);
	for (size_t i = 0; i < HOSTS; i++) {
		lab_host_end(&lab.hosts[i]);
		json_decref(lab.hosts[i].says);
	}
	json_decref(lab.told);
	json_decref(lab.hops);
	lab_dns_stop(lab.dns);
	os_uv_destroy(lab.os);
	return status;
}

const struct cli_command cli_lab = {
	.name = "lab",
	.words = "",
	.summary = "two mail servers and their DNS on loopback: watch a message go from Bob to Alice",
	.details =
	    "Starts a name server for bob.example and alice.example, and a whole mail server for\n"
	    "each, on 127.0.0.2 and 127.0.0.3. Sends a first message and shows its journey as it\n"
	    "happens: who connects to whom, what the DNS says, what was stored where. Then it\n"
	    "says what to try, shows the journeys of your own messages, and stays up until\n"
	    "Ctrl-C. Nothing leaves this machine.\n",
	.options = {
		{ "--data", "DIR", "Keep it here; otherwise in ./posthouse.lab." },
		{ "--port-base", "N", "smtp, submission, submissions, pop3, pop3s and DNS on N, N+1, "
		    "..." },
		{ "--send", "no", "Send no first message." },
		{ "--dialogue", NULL, "Show the lines of SMTP of later messages, too." },
		{ "--zone", "FILE", "Serve this zone file, too; may be repeated." },
		{ "--json", NULL, "Print one line of JSON when all is ready, and nothing else." },
	},
	.run = run,
};
