/* cli/ask.c - the terminal, if there is one. */
#include "cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

/* One line without its end; -1 when it is too long, or there is none. */
static int read_line(int fd, char *ret_line, size_t size)
{
	size_t len = 0;
	ssize_t n;
	char c;

	for (;;) {
		n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (n == 0 && len == 0))
			return -1;
		if (n == 0 || c == '\n')
			break;
		if (len + 1 == size)
			return -1;
		ret_line[len++] = c;
	}
	if (len > 0 && ret_line[len - 1] == '\r')
		len--;
	ret_line[len] = '\0';
	return (int)len;
}

bool ask_yes(const char *question)
{
	char line[16] = "";

	if (!isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "%s [y/N] ", question);
	return read_line(STDIN_FILENO, line, sizeof(line)) > 0 &&
	    (strcmp(line, "y") == 0 || strcmp(line, "yes") == 0);
}

static bool judge_password(int len)
{
	if (len > 0)
		return true;
	if (len < 0)
		cli_fail("no password, or one of more than %d bytes", PASSWORD_MAX);
	else
		cli_fail("the password is empty");
	return false;
}

bool ask_password_stdin(char ret_password[PASSWORD_MAX + 1])
{
	return judge_password(read_line(STDIN_FILENO, ret_password, PASSWORD_MAX + 1));
}

/* False: a signal came first. */
static bool wait_readable(int tty, int signals)
{
	struct pollfd seen[2] = { { .fd = signals, .events = POLLIN },
	    { .fd = tty, .events = POLLIN } };

	while (poll(seen, 2, -1) < 0 && errno == EINTR)
		;
	return (seen[0].revents & POLLIN) == 0;
}

/* Once, without echo; false when a signal came. */
static bool try_hidden(int tty, int signals, const char *prompt, char *ret_line, size_t size,
    int *ret_len)
{
	struct termios before, hidden;
	bool typed;

	*ret_len = -1;
	if (tcgetattr(tty, &before) < 0)
		return true;
	hidden = before;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSAFLUSH, &hidden);
	dprintf(tty, "%s", prompt);
	/* The terminal gives whole lines: what is there once it is readable is one. */
	typed = wait_readable(tty, signals);
	if (typed)
		*ret_len = read_line(tty, ret_line, size);
	tcsetattr(tty, TCSAFLUSH, &before);
	dprintf(tty, "\n");
	return typed;
}

/* Without echo; the terminal is as before when it returns, and when a signal ends or
 * stops us: that is blocked until the echo is on again. Who goes on behind a stop is
 * asked again. */
static int read_hidden(int tty, const char *prompt, char *ret_line, size_t size)
{
	static const int ending[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP };
	sigset_t blocked, before;
	int signals, len;
	bool typed;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
		sigaddset(&blocked, ending[i]);
	signals = signalfd(-1, &blocked, SFD_CLOEXEC);
	if (signals < 0)
		return -1;
	do {
		sigprocmask(SIG_BLOCK, &blocked, &before);
		typed = try_hidden(tty, signals, prompt, ret_line, size, &len);
		sigprocmask(SIG_SETMASK, &before, NULL);
	} while (!typed);
	close(signals);
	return len;
}

bool ask_password_twice(char ret_password[PASSWORD_MAX + 1])
{
	int tty = isatty(STDIN_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC) : -1;
	char again[PASSWORD_MAX + 1] = "";
	bool good = false;

	if (tty < 0) {
		cli_fail("no terminal to ask for the password at; use --password-stdin or"
		    " --generate");
		return false;
	}
	if (judge_password(read_hidden(tty, "Password: ", ret_password, PASSWORD_MAX + 1))) {
		read_hidden(tty, "Again: ", again, sizeof(again));
		good = strcmp(ret_password, again) == 0;
		if (!good)
			cli_fail("the two passwords differ; nothing was changed");
	}
	sodium_memzero(again, sizeof(again));
	close(tty);
	return good;
}

bool ask_password_once(const char *instead, char ret_password[PASSWORD_MAX + 1])
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	bool good;

	if (tty < 0) {
		cli_fail("no terminal to ask for the password at; %s", instead);
		return false;
	}
	good = judge_password(read_hidden(tty, "Password: ", ret_password, PASSWORD_MAX + 1));
	close(tty);
	return good;
}
