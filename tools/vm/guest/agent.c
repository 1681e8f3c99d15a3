// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's process 1: runs commands for the host over a virtio-serial port.
 *
 * Both directions carry frames: one byte type, four bytes length (little
 * endian), payload. From the host:
 *	'x'	run a command: arguments, each ended by NUL
 *	'p'	the same on a pseudo terminal
 *	'i'	bytes for its standard input;  'e'	end of its input
 *	's'	one byte: a signal for its process group
 *	'w'	rows and columns of the terminal, two bytes each
 *	'q'	power off
 * To the host:
 *	'r'	ready
 *	'o'	standard output (or the terminal);  'E'	standard error
 *	't'	the command ended: one byte 0 and the status, or 1 and the signal
 * One command runs at a time. What it leaves running in the background keeps
 * running; its output is forwarded while it lasts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT		"/dev/virtio-ports/sluice.agent"
#define MAX_FRAME	(1u << 20)
#define MAX_ARGS	4096

static int port;
static pid_t child;		/* 0: no command is running */
static int out = -1, err = -1, in = -1;
static int terminal;		/* out and in are the two ways of one pty */

static void die(const char *what)
{
	fprintf(stderr, "sluice-agent: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
	pause();
}

static void write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };

			poll(&pfd, 1, 100);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("write");
		p += n;
		len -= n;
	}
}

static void send_frame(char type, const void *data, uint32_t len)
{
	uint8_t head[5] = { type, len, len >> 8, len >> 16, len >> 24 };

	write_all(port, head, sizeof(head));
	write_all(port, data, len);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Forward what can be read from *fd now; at its end close it. */
static int forward(int *fd, char type)
{
	static char buf[65536];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n > 0) {
		send_frame(type, buf, n);
		return 1;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (terminal && *fd == out)
		in = -1;
	close_fd(fd);
	return 0;
}

static void drain(void)
{
	while (out >= 0 && forward(&out, 'o'))
		;
	while (err >= 0 && forward(&err, 'E'))
		;
}

static void exec_args(char *args, uint32_t len)
{
	char *argv[MAX_ARGS + 1];
	sigset_t none;
	int n = 0;
	char *p;

	for (p = args; p < args + len && n < MAX_ARGS; p += strlen(p) + 1)
		argv[n++] = p;
	argv[n] = NULL;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

static void start(char *args, uint32_t len, int pty)
{
	int i[2], o[2], e[2];

	if (child) {
		static const char msg[] = "agent: a command is already running\n";

		send_frame('E', msg, sizeof(msg) - 1);
		return;
	}
	/* Background processes of the command before lose their output. */
	if (!terminal)
		close_fd(&in);
	in = -1;
	close_fd(&out);
	close_fd(&err);
	terminal = pty;
	if (pty) {
		child = forkpty(&out, NULL, NULL, NULL);
		if (child < 0)
			die("forkpty");
		if (!child)
			exec_args(args, len);
		in = out;
	} else {
		if (pipe2(i, O_CLOEXEC) || pipe2(o, O_CLOEXEC) || pipe2(e, O_CLOEXEC))
			die("pipe");
		child = fork();
		if (child < 0)
			die("fork");
		if (!child) {
			setsid();
			dup2(i[0], 0);
			dup2(o[1], 1);
			dup2(e[1], 2);
			exec_args(args, len);
		}
		close(i[0]);
		close(o[1]);
		close(e[1]);
		in = i[1];
		out = o[0];
		err = e[0];
	}
	fcntl(out, F_SETFD, FD_CLOEXEC);
	fcntl(out, F_SETFL, fcntl(out, F_GETFL) | O_NONBLOCK);
	if (err >= 0)
		fcntl(err, F_SETFL, fcntl(err, F_GETFL) | O_NONBLOCK);
}

/* Standard input is written without blocking; a full pipe loses the agent's
 * patience, not its life: wait for room while the command lives.
 */
static void give_input(const char *data, uint32_t len)
{
	while (len && in >= 0) {
		struct pollfd pfd = { .fd = in, .events = POLLOUT };
		ssize_t n;

		if (poll(&pfd, 1, 1000) == 0) {
			drain();
			continue;
		}
		n = write(in, data, len);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			if (!terminal)
				close_fd(&in);
			return;
		}
		if (n > 0) {
			data += n;
			len -= n;
		}
	}
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		uint8_t result[2];

		if (pid != child)
			continue;
		drain();
		if (!terminal)
			close_fd(&in);
		child = 0;
		result[0] = WIFSIGNALED(status);
		result[1] = result[0] ? WTERMSIG(status) : WEXITSTATUS(status);
		send_frame('t', result, sizeof(result));
	}
}

static void handle(char type, char *data, uint32_t len)
{
	struct winsize ws = { 0 };
	const uint8_t *u = (uint8_t *)data;

	switch (type) {
	case 'x':
	case 'p':
		start(data, len, type == 'p');
		break;
	case 'i':
		give_input(data, len);
		break;
	case 'e':
		if (!terminal)
			close_fd(&in);
		break;
	case 's':
		if (child > 0 && len)
			kill(-child, u[0]);
		break;
	case 'w':
		if (terminal && out >= 0 && len >= 4) {
			ws.ws_row = u[0] | u[1] << 8;
			ws.ws_col = u[2] | u[3] << 8;
			ioctl(out, TIOCSWINSZ, &ws);
		}
		break;
	case 'q':
		sync();
		reboot(RB_POWER_OFF);
		break;
	}
}

/* Collect bytes from the port and handle each complete frame. */
static void receive(void)
{
	static uint8_t buf[MAX_FRAME + 5];
	static uint32_t have;
	ssize_t n = read(port, buf + have, sizeof(buf) - have);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		die("read");
	if (n == 0) {
		/* The host end is closed: nobody is left to serve. */
		usleep(10000);
		return;
	}
	have += n;
	while (have >= 5) {
		uint32_t len = buf[1] | buf[2] << 8 | buf[3] << 16 | (uint32_t)buf[4] << 24;

		if (len > MAX_FRAME) {
			errno = EMSGSIZE;
			die("frame");
		}
		if (have < 5 + len)
			return;
		handle(buf[0], (char *)buf + 5, len);
		have -= 5 + len;
		memmove(buf, buf + 5 + len, have);
	}
}

int main(void)
{
	sigset_t set;
	int sfd;

	signal(SIGPIPE, SIG_IGN);
	port = open(PORT, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (port < 0)
		die(PORT);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sfd < 0)
		die("signalfd");
	send_frame('r', NULL, 0);

	for (;;) {
		struct pollfd p[4] = {
			{ .fd = port, .events = POLLIN },
			{ .fd = sfd, .events = POLLIN },
			{ .fd = out, .events = POLLIN },
			{ .fd = err, .events = POLLIN },
		};
		struct signalfd_siginfo info;

		if (poll(p, 4, -1) < 0 && errno != EINTR)
			die("poll");
		if (p[2].revents && out >= 0)
			forward(&out, 'o');
		if (p[3].revents && err >= 0)
			forward(&err, 'E');
		if (p[0].revents)
			receive();
		if (p[1].revents) {
			while (read(sfd, &info, sizeof(info)) > 0)
				;
			reap();
		}
	}
}
