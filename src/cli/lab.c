/* cli/lab.c - posthouse lab: Bob's server and Alice's, and the names that lead from
 * one to the other; a first message, and its journey as it happens.
 *
 *   zones -> name server -> two servers ready -> a message -> journeys ... Ctrl-C
 *
 * Everything is on loopback: names that are not the lab's are not there, and the servers
 * connect to no other address. A server that ends is started again when somebody asks
 * for it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/commands.h"
#include "cli/lab.h"
#include "cli/zone_files.h"
#include "os/os_uv.h"

enum { LOOK_MS = 100, READY_MS = 60 * 1000, END_MS = 30 * 1000 };

/* Of a fresh lab: the usual ones with 2000 before them. */
static const unsigned usual_ports[LAB_PORTS] = { 2525, 2587, 2465, 2110, 2995, 8025, 2143,
	2993 };
static const unsigned usual_dns = 5300;

/* ---- the end ---- */

static void end(struct lab *lab, int status)
{
	if (lab->ending)
		return;
	lab->ending = true;
	lab->status = status;
	lab->ending_ms = os_now_ms(lab->os);
	for (size_t i = 0; i < LAB_HOSTS; i++)
		lab_host_end(&lab->hosts[i]);
}

static bool all_gone(struct lab *lab)
{
	bool gone = true;

	for (size_t i = 0; i < LAB_HOSTS; i++) {
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

/* ---- the first message ---- */

static void become_sender(const struct lab *lab)
{
	char server[64];

	snprintf(server, sizeof server, "%s:%u", lab->hosts[LAB_BOB].address, lab->ports[1]);
	setenv("POSTHOUSE_PASSWORD", lab_account(lab, LAB_BOB, "password"), 1);
	if (freopen("/dev/null", "w", stdout) == NULL)
		_exit(1);
	execl("/proc/self/exe", "posthouse", "send", "--server", server, "--login",
	    lab_account(lab, LAB_BOB, "address"), "--from", lab_account(lab, LAB_BOB, "address"), "--to",
	    lab_account(lab, LAB_ALICE, "address"), "--subject", "A first message", "--body",
	    "Hi Alice,\n\nthis is the first message. Bob\n", (char *)NULL);
	_exit(127);
}

static void send_first(struct lab *lab)
{
	fprintf(lab->out, "%s.example is %s, %s.example is %s; names at %s.\n"
	    "Bob sends a message to Alice, by his own server.\n", lab->hosts[LAB_BOB].name,
	    lab->hosts[LAB_BOB].address, lab->hosts[LAB_ALICE].name, lab->hosts[LAB_ALICE].address,
	    lab->dns_text);
	fflush(lab->out);
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
	lab->failed = status != 0;
	if (lab->failed)
		cli_fail("the first message could not be sent");
}

/* ---- ready ---- */

static void on_ready(struct lab *lab)
{
	lab->ready = true;
	lab->ready_ms = os_now_ms(lab->os);
	if (lab->json)
		lab_announce(lab);
	if (lab->send)
		send_first(lab);
	else if (!lab->json)
		lab_advise(lab);
}

static void explain(const struct lab_host *host)
{
	char why[1024];

	lab_host_why(host, why, sizeof why);
	cli_fail("the server of %s.example ended: %s%s", host->name, why,
	    strstr(why, "ddress already in use") != NULL ?
	    "; does another lab run? --port-base N takes other ports" : "");
}

static void on_changed(struct lab_host *host)
{
	struct lab *lab = host->owner;

	if (lab->ready && host->fd >= 0)
		lab_tell_again(lab, host);
	if (lab->ready || lab->ending)
		return;
	if (host->fd < 0) {
		explain(host);
		end(lab, CLI_FAILED);
	} else if (lab->hosts[LAB_BOB].says != NULL && lab->hosts[LAB_ALICE].says != NULL) {
		on_ready(lab);
	}
}

/* ---- servers that end, and begin again ---- */

static void look_at(struct lab *lab, struct lab_host *host)
{
	if (host->ended || host->fd >= 0 || !lab_host_is_gone(host))
		return;
	host->ended = true;
	if (host->says == NULL)
		explain(host);
	lab_tell_ended(lab, host);
}

static void start_again(struct lab *lab)
{
	for (size_t i = 0; i < LAB_HOSTS && lab->ready && !lab->ending; i++) {
		if (lab->hosts[i].ended)
			lab_host_start(&lab->hosts[i], &lab->hosts[1 - i], lab->os, lab->ports,
			    lab->dns_text);
	}
}

static void on_again(struct os_signal *signal)
{
	start_again(signal->owner);
}

static void stop_reading(struct lab *lab)
{
	if (lab->reads)
		os_watch_stop(lab->os, &lab->enter);
	lab->reads = false;
}

/* A line, whatever is in it. In the background there is no reading from a terminal. */
static void on_enter(struct os_watch *watch, int events)
{
	struct lab *lab = watch->owner;
	char line[512];
	ssize_t n;

	if (isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) != getpgrp()) {
		stop_reading(lab);
		return;
	}
	n = read(STDIN_FILENO, line, sizeof line);
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		stop_reading(lab);
	else if (n > 0 && memchr(line, '\n', (size_t)n) != NULL)
		start_again(lab);
}

/* What can be waited for: no file, nor /dev/null. */
static void read_enter(struct lab *lab)
{
	struct stat st;

	if (lab->json || fstat(STDIN_FILENO, &st) < 0 ||
	    !(isatty(STDIN_FILENO) || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
		return;
	lab->enter = (struct os_watch){ .ready = on_enter, .owner = lab };
	os_watch_start(lab->os, &lab->enter, STDIN_FILENO, OS_READABLE);
	lab->reads = true;
}

/* ---- looks ---- */

/* Once the first message has come to rest, say what to try; or when it takes too long. */
static bool wants_advice(const struct lab *lab)
{
	return !lab->advised && lab->sender == 0 && (lab->failed ||
	    trace_follow_rests(lab->follow) ||
	    os_now_ms(lab->os) - lab->ready_ms > LAB_FIRST_MS);
}

static void on_look(struct os_timer *timer)
{
	struct lab *lab = timer->owner;

	if (lab->ending && all_gone(lab)) {
		os_stop(lab->os, lab->status);
		return;
	}
	os_timer_start(lab->os, timer, LOOK_MS);
	watch_sender(lab);
	if (!lab->ready && os_now_ms(lab->os) - lab->began_ms > READY_MS && !lab->ending) {
		cli_fail("the servers did not get ready in %d s; see %s.log", READY_MS / 1000,
		    lab->hosts[LAB_BOB].data);
		end(lab, CLI_FAILED);
	}
	if (!lab->ready || lab->ending)
		return;
	for (size_t i = 0; i < LAB_HOSTS; i++)
		look_at(lab, &lab->hosts[i]);
	if (lab->json)
		return;
	lab_show(lab);
	if (wants_advice(lab))
		lab_advise(lab);
}

/* ---- start ---- */

static void on_question(void *owner, const struct lab_dns_event *event)
{
	const struct lab *lab = owner;

	if (lab->json || !lab->ready || !lab->advised)
		return;
	fprintf(lab->out, "DNS: %s %s? %s %s\n", event->text->name, event->text->type,
	    event->text->rcode, event->text->summary);
	fflush(lab->out);
}

/* Two labs would write over each other's files: the second one touches nothing. */
static bool take_lock(struct lab *lab, const char *base)
{
	char path[PATH_MAX], pid[24] = "";
	ssize_t n;

	snprintf(path, sizeof path, "%s/lock", base);
	lab->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lab->lock < 0) {
		cli_fail("cannot write in the folder %s: %s; --data DIR names another one", base,
		    strerror(errno));
		return false;
	}
	if (flock(lab->lock, LOCK_EX | LOCK_NB) < 0) {
		n = pread(lab->lock, pid, sizeof pid - 1, 0);
		pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
		cli_fail("another lab runs in %s (process %s); end it, or --data DIR names another "
		    "folder", base, pid);
		return false;
	}
	n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	if (ftruncate(lab->lock, 0) == 0 && pwrite(lab->lock, pid, (size_t)n, 0) == n)
		return true;
	cli_fail("cannot write %s: %s", path, strerror(errno));
	return false;
}

/* A folder, and ours: what the servers write there belongs to us. */
static bool judge_folder(const char *data, char ret_base[PATH_MAX])
{
	struct stat st;

	if (stat(data, &st) < 0 || realpath(data, ret_base) == NULL)
		cli_fail("cannot use the folder %s: %s", data, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		cli_fail("%s is a file, no folder; --data DIR names another one", data);
	else if (st.st_uid != geteuid())
		cli_fail("the folder %s belongs to another user (%u); --data DIR names another one",
		    data, (unsigned)st.st_uid);
	else if (strlen(ret_base) > LAB_PATH_MAX)
		cli_fail("the path of the folder %s is too long: %d bytes at most", data, LAB_PATH_MAX);
	else
		return true;
	return false;
}

/* Each server looks into the other's journeys, whichever starts first. */
static bool make_journeys(const char *data)
{
	char path[LAB_PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/journey", data);
	if ((mkdir(data, 0700) == 0 || errno == EEXIST) && (mkdir(path, 0700) == 0 || errno == EEXIST))
		return true;
	cli_fail("cannot make the folder %s: %s", path, strerror(errno));
	return false;
}

static bool make_folders(struct lab *lab, const char *data)
{
	char base[PATH_MAX];

	if (mkdir(data, 0700) < 0 && errno != EEXIST) {
		cli_fail("cannot make the folder %s: %s", data, strerror(errno));
		return false;
	}
	if (!judge_folder(data, base) || !take_lock(lab, base))
		return false;
	for (size_t i = 0; i < LAB_HOSTS; i++) {
		struct lab_host *host = &lab->hosts[i];

		snprintf(host->data, sizeof host->data, "%s/%s", base, host->name);
		lab->trace.folders[i] = host->data;
		lab->trace.names[i] = host->name;
		if (!make_journeys(host->data))
			return false;
	}
	lab->trace.n_folders = LAB_HOSTS;
	lab_show_start(lab);
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
	/* What came later stands behind: DNS keeps its place. */
	for (unsigned i = 0; i < LAB_PORTS; i++)
		lab->ports[i] = base != 0 ? (unsigned)base + i + (i >= LAB_HTTP) : usual_ports[i];
	lab->dns_port = base != 0 ? (unsigned)base + LAB_HTTP : usual_dns;
}

static bool start(struct lab *lab)
{
	const char *data = cli_value(lab->args, "--data");

	lab->zones = dns_zones_create(os_heap(lab->os));
	lab_zones_add(lab->zones, lab->hosts, LAB_HOSTS);
	if (zone_files_add(lab->zones, lab->args) != CLI_OK)
		return false;
	lab_zones_close(lab->zones);
	if (!make_folders(lab, data != NULL ? data : "posthouse.lab") || !start_dns(lab))
		return false;
	lab->interrupt = (struct os_signal){ .caught = on_signal, .owner = lab };
	lab->terminate = lab->interrupt;
	os_signal_start(lab->os, &lab->interrupt, SIGINT);
	os_signal_start(lab->os, &lab->terminate, SIGTERM);
	lab->again = (struct os_signal){ .caught = on_again, .owner = lab };
	os_signal_start(lab->os, &lab->again, SIGUSR1);
	read_enter(lab);
	for (size_t i = 0; i < LAB_HOSTS; i++) {
		lab->hosts[i].changed = on_changed;
		lab->hosts[i].owner = lab;
		lab->hosts[i].fd = -1;
		if (!lab_host_start(&lab->hosts[i], &lab->hosts[1 - i], lab->os, lab->ports,
			    lab->dns_text))
			return false;
	}
	lab->began_ms = os_now_ms(lab->os);
	lab->look = (struct os_timer){ .fire = on_look, .owner = lab };
	os_timer_start(lab->os, &lab->look, LOOK_MS);
	return true;
}

static void finish(struct lab *lab)
{
	for (size_t i = 0; i < LAB_HOSTS; i++) {
		lab_host_end(&lab->hosts[i]);
		if (lab->hosts[i].pid > 0)
			waitpid(lab->hosts[i].pid, NULL, 0);
		json_decref(lab->hosts[i].says);
	}
	stop_reading(lab);
	lab_dns_stop(lab->dns);
	trace_follow_close(lab->follow);
	output_destroy(lab->output);
	if (lab->lock >= 0)
		close(lab->lock);
	os_uv_destroy(lab->os);
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
	struct lab lab = { .args = args, .json = cli_flag(args, "--json"), .lock = -1,
	    .hosts = { { .name = "bob", .title = "Bob", .address = "127.0.0.2" },
	        { .name = "alice", .title = "Alice", .address = "127.0.0.3" } } };
	unsigned long base;
	int status = CLI_FAILED;

	if (!cli_number(args, "--port-base", 1, UINT16_MAX - LAB_PORTS, 0, &base) ||
	    !takes_send(args, &lab.send))
		return CLI_USAGE;
	choose_ports(&lab, base);
	lab.os = os_uv_create(&options);
	lab.output = output_create(lab.os, STDOUT_FILENO);
	lab.out = output_file(lab.output);
	if (start(&lab))
		status = os_uv_run(lab.os);
	finish(&lab);
	return status;
}

const struct cli_command cli_lab = {
	.name = "lab",
	.words = "",
	.summary = "two mail servers and their DNS on loopback: watch a message go from Bob to Alice",
	.details =
	    "Starts a name server for bob.example and alice.example, and a whole mail server for\n"
	    "each, on 127.0.0.2 and 127.0.0.3. Sends a first message and shows its journey as it\n"
	    "happens: who connects to whom, what the DNS says, what was stored where. A page of\n"
	    "each shows its mail to who looks on this machine, and what became of it. Then it\n"
	    "says what to try, shows the journeys of your own messages, and stays up until\n"
	    "Ctrl-C. A server that was stopped (kill) starts again when you press Enter. Nothing\n"
	    "leaves this machine: other names are not there, and no message goes to an address\n"
	    "that is not on loopback.\n",
	.options = {
		{ "--data", "DIR", "Keep it here; otherwise in ./posthouse.lab." },
		{ "--port-base", "N", "smtp, submission, submissions, pop3, pop3s, DNS, pages, imap and "
		    "imaps\n                         on N, N+1, ..." },
		{ "--send", "no", "Send no first message." },
		{ "--dialogue", NULL, "Show the lines of SMTP of later messages, too." },
		{ "--zone", "FILE", "Serve this zone file, too; may be repeated." },
		{ "--json", NULL, "Print one line of JSON when all is ready, and nothing else." },
	},
	.run = run,
};
