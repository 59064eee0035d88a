/* cli/lab_show.c - what the lab shows: journeys as they happen, what to try, and who
 * is up. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/lab.h"

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text != NULL ? text : "";
}

/* ---- journeys ---- */

/* Of the first message, as who took it heard it: not from both sides. */
static bool wants_dialogue(const struct lab *lab, const json_t *event)
{
	return (!lab->advised || cli_flag(lab->args, "--dialogue")) &&
	    strcmp(text_of(event, "e"), "attempt") != 0;
}

static void on_shown(void *owner, const struct trace_shown *shown)
{
	const struct lab *lab = owner;

	if (shown->other)
		fprintf(lab->out, "\nThe journey of message %s%s:\n\n", shown->id,
		    shown->first ? "" : " goes on");
	trace_print(lab->out, &lab->trace, shown->event, shown->begin_us,
	    wants_dialogue(lab, shown->event));
}

void lab_show_start(struct lab *lab)
{
	const struct trace_follow_options options = { .all = true, .show = on_shown, .owner = lab,
		.since_us = os_wall_us(lab->os), .back = TRACE_BACK_BYTES };

	lab->follow = trace_follow_open(lab->os, &lab->trace, &options);
}

void lab_show(struct lab *lab)
{
	trace_follow_turn(lab->follow);
	fflush(lab->out);
}

/* ---- advice ---- */

const char *lab_account(const struct lab *lab, size_t host, const char *field)
{
	const json_t *hosts = json_object_get(lab->hosts[host].says, "hosts");
	const json_t *accounts = json_object_get(json_array_get(hosts, 0), "accounts");

	return text_of(json_array_get(accounts, 0), field);
}

static void advise_messages(const struct lab *lab)
{
	const struct lab_host *bob = &lab->hosts[LAB_BOB], *alice = &lab->hosts[LAB_ALICE];

	fprintf(lab->out, "\nNow you. Names (all others are not there: nothing leaves this "
	    "machine):\n"
	    "  dig @127.0.0.1 -p %u -t MX alice.example\n"
	    "  dig @127.0.0.1 -p %u -x %s\n"
	    "A message by hand, to Alice's server (it takes mail for alice.example, no other):\n"
	    "  ncat -C %s %u          or: telnet %s %u\n"
	    "  EHLO mycompany.com / MAIL FROM: bob@bob.example / RCPT TO: alice@alice.example /\n"
	    "  DATA / Subject: hello / (empty line) / Hi Alice. / . / QUIT\n"
	    "As Bob, by his own server:\n"
	    "  POSTHOUSE_PASSWORD=%s %s send --server %s:%u \\\n"
	    "      --login %s --from %s --to %s --subject hello --body 'Hi!'\n"
	    "Read Alice's mail:\n"
	    "  curl pop3://%s:%u/1 --user %s:%s\n",
	    lab->dns_port, lab->dns_port, alice->address, alice->address, lab->ports[0],
	    alice->address, lab->ports[0], lab_account(lab, LAB_BOB, "password"), cli_program(),
	    bob->address, lab->ports[1], lab_account(lab, LAB_BOB, "address"),
	    lab_account(lab, LAB_BOB, "address"), lab_account(lab, LAB_ALICE, "address"),
	    alice->address, lab->ports[3], lab_account(lab, LAB_ALICE, "address"),
	    lab_account(lab, LAB_ALICE, "password"));
}

void lab_advise(struct lab *lab)
{
	const struct lab_host *bob = &lab->hosts[LAB_BOB], *alice = &lab->hosts[LAB_ALICE];

	lab->advised = true;
	advise_messages(lab);
	fprintf(lab->out,
	    "Both their mail in a browser, and each message's journey:\n"
	    "  http://%s:%u/ (Alice's)   http://%s:%u/ (Bob's)\n"
	    "A mail program: %s, password %s; SMTP %s:%u (STARTTLS), IMAP %s:%u,\n"
	    "POP3 %s:%u.\n"
	    "Each message again, with every line:\n"
	    "  %s trace --data %s --also %s --dialogue\n"
	    "Stop Alice's server, and send; then see why the message waits:\n"
	    "  kill %d\n"
	    "  %s queue list --data %s\n"
	    "Enter, here, starts her server again (or: kill -USR1 %d).\n"
	    "New messages show up here. Ctrl-C stops the lab.\n",
	    alice->address, lab->ports[LAB_HTTP], bob->address, lab->ports[LAB_HTTP],
	    lab_account(lab, LAB_BOB, "address"), lab_account(lab, LAB_BOB, "password"),
	    bob->address, lab->ports[1], bob->address, lab->ports[LAB_IMAP], bob->address,
	    lab->ports[3], cli_program(), bob->data, alice->data, alice->pid, cli_program(), bob->data, (int)getpid());
	trace_follow_interrupt(lab->follow);
	fflush(lab->out);
}

/* ---- who is up ---- */

void lab_tell_ended(struct lab *lab, const struct lab_host *host)
{
	const struct lab_host *other = &lab->hosts[host == &lab->hosts[LAB_BOB] ? LAB_ALICE : LAB_BOB];
	char why[64];

	if (WIFSIGNALED(host->status))
		snprintf(why, sizeof why, "signal %d", WTERMSIG(host->status));
	else
		snprintf(why, sizeof why, "exit status %d", WEXITSTATUS(host->status));
	if (lab->json) {
		cli_fail("the server of %s.example has ended (%s); kill -USR1 %d starts it again",
		    host->name, why, (int)getpid());
		return;
	}
	fprintf(lab->out, "\n%s's server has ended (%s). Mail to %s.example waits at %s's now:\n"
	    "  %s queue list --data %s\n"
	    "Enter, here, starts it again (or: kill -USR1 %d).\n", host->title, why, host->name,
	    other->title, cli_program(), other->data, (int)getpid());
	trace_follow_interrupt(lab->follow);
	fflush(lab->out);
}

void lab_tell_again(struct lab *lab, const struct lab_host *host)
{
	const struct lab_host *other = &lab->hosts[host == &lab->hosts[LAB_BOB] ? LAB_ALICE : LAB_BOB];

	if (lab->json)
		return;
	fprintf(lab->out, "\n%s's server is up again (kill %d stops it). %s's tries again what waits, "
	    "in less than\n5 minutes; or at once:\n"
	    "  %s queue retry all --data %s\n", host->title, host->pid, other->title, cli_program(),
	    other->data);
	trace_follow_interrupt(lab->follow);
	fflush(lab->out);
}

void lab_announce(struct lab *lab)
{
	json_t *hosts = json_array(), *root;

	for (size_t i = 0; i < LAB_HOSTS; i++) {
		json_t *host = json_array_get(json_object_get(lab->hosts[i].says, "hosts"), 0);

		json_object_set(host, "certificate",
		    json_object_get(lab->hosts[i].says, "certificate"));
		json_array_append(hosts, host);
	}
	root = json_pack("{s:o, s:s, s:O}", "hosts", hosts, "dns", lab->dns_text, "certificate",
	    json_object_get(lab->hosts[LAB_BOB].says, "certificate"));
	json_dumpf(root, lab->out, JSON_COMPACT);
	fprintf(lab->out, "\n");
	fflush(lab->out);
	json_decref(root);
}
