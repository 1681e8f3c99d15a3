// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adds, replaces, deletes and dumps many flower rules by netlink, with as little
 * work of its own as can be, and tells how long that took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEVS	16
/* Messages that the kernel is given at once: they fit into its buffer. */
#define BATCH		64
#define BATCH_BYTES	(BATCH * 512)
#define ANSWER_BYTES	(256 * 1024)

enum op { OP_ADD, OP_REPLACE, OP_DEL, OP_DUMP };

static const char * const op_names[] = { "add", "replace", "del", "dump" };

static struct {
	enum op op;
	unsigned int rules;
	unsigned int first;
	unsigned int flags;
	const char *flag_name;
	unsigned int devs;
	int ifindex[MAX_DEVS];
} opt = { .rules = 1000, .flag_name = "none" };

static void usage(FILE *to)
{
	fputs("usage: rulegen [-n RULES] [-o FIRST] [-f skip_sw|skip_hw] add|replace|del|dump DEV...\n"
	      "\n"
	      "Adds RULES flower rules to the ingress of each DEV, which needs a clsact\n"
	      "qdisc, replaces each of them, deletes each by its handle, or dumps all with\n"
	      "statistics. Handles begin with FIRST + 1. A process for each DEV works at the\n"
	      "same time. Prints one line of JSON; the time is from the first process's start\n"
	      "to the last one's end.\n", to);
}

static void die(const char *what)
{
	fprintf(stderr, "rulegen: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* "action drop" */
static void put_action(struct nlmsghdr *nlh)
{
	struct tc_gact parms = { .action = TC_ACT_SHOT };
	struct nlattr *acts, *act, *options;

	acts = mnl_attr_nest_start(nlh, TCA_FLOWER_ACT);
	act = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_strz(nlh, TCA_ACT_KIND, "gact");
	options = mnl_attr_nest_start(nlh, TCA_ACT_OPTIONS);
	mnl_attr_put(nlh, TCA_GACT_PARMS, sizeof(parms), &parms);
	mnl_attr_nest_end(nlh, options);
	mnl_attr_nest_end(nlh, act);
	mnl_attr_nest_end(nlh, acts);
}

static void put_rule(struct nlmsghdr *nlh, unsigned int number)
{
	struct nlattr *options = mnl_attr_nest_start(nlh, TCA_OPTIONS);

	mnl_attr_put_u32(nlh, TCA_FLOWER_FLAGS, opt.flags);
	mnl_attr_put_u16(nlh, TCA_FLOWER_KEY_ETH_TYPE, htons(ETH_P_IP));
	mnl_attr_put_u8(nlh, TCA_FLOWER_KEY_IP_PROTO, IPPROTO_UDP);
	mnl_attr_put_u32(nlh, TCA_FLOWER_KEY_IPV4_DST,
			 htonl(0x0a000000 | number));
	mnl_attr_put_u32(nlh, TCA_FLOWER_KEY_IPV4_DST_MASK, ~0u);
	mnl_attr_put_u16(nlh, TCA_FLOWER_KEY_UDP_DST, htons(9));
	put_action(nlh);
	mnl_attr_nest_end(nlh, options);
}

static struct nlmsghdr *put_message(void *buf, int ifindex,
				    unsigned int number, unsigned int seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tcm;

	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = seq;
	tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
	tcm->tcm_family = AF_UNSPEC;
	tcm->tcm_ifindex = ifindex;
	tcm->tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	if (opt.op == OP_DUMP) {
		nlh->nlmsg_type = RTM_GETTFILTER;
		nlh->nlmsg_flags |= NLM_F_DUMP;
		return nlh;
	}
	tcm->tcm_handle = opt.first + number + 1;
	tcm->tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_IP));
	mnl_attr_put_strz(nlh, TCA_KIND, "flower");
	if (opt.op == OP_DEL) {
		nlh->nlmsg_type = RTM_DELTFILTER;
		return nlh;
	}
	nlh->nlmsg_type = RTM_NEWTFILTER;
	nlh->nlmsg_flags |= NLM_F_CREATE;
	if (opt.op == OP_ADD)
		nlh->nlmsg_flags |= NLM_F_EXCL;
	put_rule(nlh, opt.first + number);
	return nlh;
}

/* What the kernel says until it is done, in number of rules. */
static unsigned int read_answer(struct mnl_socket *nl, char *buf)
{
	unsigned int rules = 0;

	for (;;) {
		ssize_t len = mnl_socket_recvfrom(nl, buf, ANSWER_BYTES);
		int left = len;
		const struct nlmsghdr *nlh = (const void *)buf;

		if (len < 0)
			die("recvfrom");
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

			switch (nlh->nlmsg_type) {
			case NLMSG_DONE:
				return rules;
			case NLMSG_ERROR:
				if (!err->error)
					return rules;
				errno = -err->error;
				die(op_names[opt.op]);
				break;
			case RTM_NEWTFILTER:
				/* One without a handle is the priority's. */
				if (((struct tcmsg *)err)->tcm_handle)
					rules++;
				break;
			}
		}
	}
}

static void work(int ifindex)
{
	unsigned int i, n, rules, total = opt.op == OP_DUMP ? 1 : opt.rules;
	char *buf = malloc(BATCH_BYTES), *answer = malloc(ANSWER_BYTES);
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	struct nlmsghdr *nlh = NULL;
	size_t len;

	if (!nl || !buf || !answer || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink socket");
	for (i = 0; i < total; i += n) {
		for (n = 0, len = 0; n < BATCH && i + n < total; n++) {
			nlh = put_message(buf + len, ifindex, i + n, i + n + 1);
			len += NLMSG_ALIGN(nlh->nlmsg_len);
		}
		/* Errors are told without being asked for. */
		if (opt.op != OP_DUMP)
			nlh->nlmsg_flags |= NLM_F_ACK;
		if (mnl_socket_sendto(nl, buf, len) < 0)
			die("sendto");
		rules = read_answer(nl, answer);
		if (opt.op == OP_DUMP && rules != opt.rules) {
			fprintf(stderr, "rulegen: the dump has %u rules, not %u\n",
				rules, opt.rules);
			exit(1);
		}
	}
	mnl_socket_close(nl);
	free(answer);
	free(buf);
}

/* A process for each device; they wait for each other at @gate. */
static bool run_all(unsigned long long *ns)
{
	unsigned long long start;
	pid_t pids[MAX_DEVS];
	bool good = true;
	int gate[2];
	unsigned int i;
	int status;
	char c;

	if (pipe(gate))
		die("pipe");
	for (i = 0; i < opt.devs; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			die("fork");
		if (!pids[i]) {
			close(gate[1]);
			/* The end of the file comes when the gate opens. */
			if (read(gate[0], &c, 1) < 0)
				die("read");
			work(opt.ifindex[i]);
			exit(0);
		}
	}
	start = now_ns();
	close(gate[1]);
	for (i = 0; i < opt.devs; i++)
		if (waitpid(pids[i], &status, 0) < 0 || status)
			good = false;
	*ns = now_ns() - start;
	return good;
}

static bool parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:o:f:h")) != -1) {
		switch (c) {
		case 'n':
			opt.rules = strtoul(optarg, NULL, 0);
			break;
		case 'o':
			opt.first = strtoul(optarg, NULL, 0);
			break;
		case 'f':
			opt.flag_name = optarg;
			if (!strcmp(optarg, "skip_sw"))
				opt.flags = TCA_CLS_FLAGS_SKIP_SW;
			else if (!strcmp(optarg, "skip_hw"))
				opt.flags = TCA_CLS_FLAGS_SKIP_HW;
			else
				return false;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			return false;
		}
	}
	argv += optind;
	if (!argv[0] || !opt.rules || opt.first + opt.rules >= 1u << 24)
		return false;
	for (c = 0; c <= OP_DUMP && strcmp(argv[0], op_names[c]); c++)
		;
	if (c > OP_DUMP)
		return false;
	opt.op = c;
	while (*++argv) {
		if (opt.devs == MAX_DEVS)
			return false;
		opt.ifindex[opt.devs] = if_nametoindex(*argv);
		if (!opt.ifindex[opt.devs++])
			die(*argv);
	}
	return opt.devs;
}

int main(int argc, char **argv)
{
	unsigned long long ns;

	if (!parse(argc, argv)) {
		usage(stderr);
		return 2;
	}
	if (!run_all(&ns))
		return 1;
	printf("{\"op\": \"%s\", \"flag\": \"%s\", \"rules\": %u, \"processes\": %u, \"ns\": %llu}\n",
	       op_names[opt.op], opt.flag_name, opt.rules * opt.devs, opt.devs, ns);
	return 0;
}
