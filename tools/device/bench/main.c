// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Benchmark of the eSwitch library: rounds in which each point gets its turn.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench.h"
#include "internal.h"

#define BURST		32
#define MAX_POINTS	64
#define NSEC		1000000000ull

static const char *const names[NUM_CASES] = {
	[CASE_WIRE] = "wire",
	[CASE_NULL] = "null",
	[CASE_FORWARD] = "forward",
	[CASE_VLAN] = "vlan-push",
	[CASE_PEDIT] = "pedit-csum",
	[CASE_ENCAP] = "vxlan-encap",
	[CASE_DECAP] = "vxlan-decap",
	[CASE_CT_NAT] = "ct-nat",
	[CASE_CHAIN2] = "two-chains",
	[CASE_MIRROR8] = "mirror-8",
};

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "eswbench: ");
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(1);
}

static void usage(FILE *to)
{
	fprintf(to, "usage: eswbench [-r ROUNDS] [-m MSEC] POINT...\n"
		"       eswbench -w FILE POINT\n\n"
		"POINT is CASE:SIZE:FLOWS:MASKS[:THREADS], SIZE 64 or imix, MASKS 1 to 100,\n"
		"THREADS up to the number of CPUs. Every round runs each point for MSEC of CPU\n"
		"time of each of its threads and prints a line of JSON: packets of all threads, ns\n"
		"of one, and wall the time that passed. -w writes the point's frames to a pcap file\n"
		"instead. CASE is one of\n");
	for (int i = 0; i < NUM_CASES; i++)
		fprintf(to, "  %s\n", names[i]);
}

static void parse_point(const char *arg, struct point *p)
{
	char name[32], size[8];
	int i;

	p->threads = 1;
	if (sscanf(arg, "%31[^:]:%7[^:]:%u:%u:%u", name, size, &p->flows,
		   &p->masks, &p->threads) < 4)
		die("no point: %s", arg);
	for (i = 0; i < NUM_CASES && strcmp(names[i], name); i++)
		;
	p->which = (enum bench_case)i;
	p->imix = !strcmp(size, "imix");
	if (i == NUM_CASES || (!p->imix && strcmp(size, "64")) || !p->flows ||
	    p->flows > 1u << 20 || !p->masks || p->masks > 100 ||
	    !p->threads || p->threads >= SLUICE_ESW_MAX_LANES)
		die("no point: %s", arg);
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

/*
 * The same loop without lookup: frames are taken, parsed (CASE_NULL) or not
 * looked at (CASE_WIRE), counted and handed out.
 */
static void null_burst(struct point *p, const struct sluice_esw_frame *f,
		       unsigned int n)
{
	struct esw_vport *src = esw_vport_get(p->esw, p->in);
	struct esw_vport *dst = esw_vport_get(p->esw, SLUICE_VPORT_VF(1));
	const struct sluice_esw_frame *good[BURST];
	struct sluice_key key[BURST];
	struct sluice_pkt pkt;
	unsigned int i;
	uint64_t now;

	for (i = 0; i < n; i++)
		__builtin_prefetch(f[i].data);
	if (esw_vport_ingress(p->esw, src, f, n, good) != n)
		die("a frame was refused");
	for (i = 0; i < n; i++) {
		if (!sluice_pkt_init(&pkt, f[i].data, f[i].len))
			die("a frame was refused");
		sluice_parse(&pkt, src->num, &key[i]);
		/* The key is for somebody, as far as the compiler knows. */
		__asm__ volatile("" : : "r"(&key[i]) : "memory");
	}
	now = p->esw->host.now(p);
	for (i = 0; i < n; i++) {
		esw_counter_hit(p->esw, 0, f[i].len - ESW_ETH_HLEN, now,
				false);
		esw_vport_deliver(p->esw, dst, f[i].data, f[i].len, 0);
	}
}

static void wire_burst(struct point *p, const struct sluice_esw_frame *f,
		       unsigned int n)
{
	struct esw_vport *src = esw_vport_get(p->esw, p->in);
	struct esw_vport *dst = esw_vport_get(p->esw, SLUICE_VPORT_VF(1));
	const struct sluice_esw_frame *good[BURST];
	unsigned int i;

	for (i = 0; i < n; i++)
		__builtin_prefetch(f[i].data);
	n = esw_vport_ingress(p->esw, src, f, n, good);
	for (i = 0; i < n; i++)
		esw_vport_deliver(p->esw, dst, good[i]->data, good[i]->len, 0);
}

static void run_burst(struct point *p)
{
	struct sluice_esw_frame f[BURST];
	uint64_t r = p->random;
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		uint32_t flow;

		flow = (uint32_t)((random_next(&r) >> 32) * p->flows >> 32);
		f[i].data = p->pool + (size_t)flow * p->stride;
		f[i].len = frame_len(p, flow);
		f[i].flags = 0;
	}
	p->random = r;
	if (p->which == CASE_WIRE)
		wire_burst(p, f, BURST);
	else if (p->which == CASE_NULL)
		null_burst(p, f, BURST);
	else
		sluice_esw_input_burst(p->esw, p->in, f, BURST);
}

static void nothing(void *ctx, uint32_t id, const struct sluice_counter *value)
{
	(void)ctx;
	(void)id;
	(void)value;
}

/* One turn of @ns CPU time; its packets and nanoseconds. */
static uint64_t turn(struct point *p, uint64_t ns, uint64_t *took)
{
	uint64_t packets = 0, start = cpu_ns(), now;

	do {
		unsigned int i;

		for (i = 0; i < 256; i++)
			run_burst(p);
		packets += 256 * BURST;
		now = cpu_ns();
	} while (now - start < ns);
	*took = now - start;
	return packets;
}

/* A thread of a point, or the only one. */
struct runner {
	struct point *p;
	pthread_barrier_t *start;
	int cpu;
	uint64_t ns;
	uint64_t packets;
	uint64_t took;
};

static void *runner_run(void *arg)
{
	struct runner *r = arg;
	struct point *p = r->p;
	uint64_t took;
	cpu_set_t set;

	if (r->start) {
		CPU_ZERO(&set);
		CPU_SET(r->cpu, &set);
		pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	}
	/* The caches are another point's. */
	turn(p, r->ns / 8, &took);
	p->delivered = 0;
	p->slow = 0;
	if (r->start)
		pthread_barrier_wait(r->start);
	r->packets = turn(p, r->ns, &r->took);
	if (p->delivered != r->packets * p->out || p->slow)
		die("%s: %llu frames in, %llu out, %llu of them slow",
		    names[p->which], (unsigned long long)r->packets,
		    (unsigned long long)p->delivered,
		    (unsigned long long)p->slow);
	return NULL;
}

/* The @n-th CPU that we may use. */
static int nth_cpu(unsigned int n)
{
	cpu_set_t set;
	int cpu;

	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set) && !n--)
			return cpu;
	die("not so many CPUs");
}

/* All threads of a point; the sum of their packets, and the mean of their times. */
static void run_threads(struct point *p, uint64_t ns, struct runner *sum)
{
	struct runner runner[SLUICE_ESW_MAX_LANES];
	pthread_t thread[SLUICE_ESW_MAX_LANES];
	pthread_barrier_t start;
	uint32_t i;

	pthread_barrier_init(&start, NULL, p->threads);
	for (i = 0; i < p->threads; i++) {
		runner[i] = (struct runner){ .p = &p->lane[i], .start = &start,
					     .cpu = nth_cpu(i), .ns = ns };
		if (pthread_create(&thread[i], NULL, runner_run, &runner[i]))
			die("no thread");
	}
	for (i = 0; i < p->threads; i++) {
		pthread_join(thread[i], NULL);
		sum->packets += runner[i].packets;
		sum->took += runner[i].took / p->threads;
	}
	pthread_barrier_destroy(&start);
}

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec;
}

static void measure(struct point *p, unsigned int round, uint64_t ns)
{
	struct runner r = { .p = p, .ns = ns };
	uint64_t begin = wall_ns();

	/* Counters are collected as ever. */
	sluice_esw_collect_counters(p->esw, nothing, NULL);
	if (p->threads == 1)
		runner_run(&r);
	else
		run_threads(p, ns, &r);
	printf("{\"case\": \"%s\", \"size\": \"%s\", \"flows\": %u, \"masks\": %u, "
	       "\"threads\": %u, \"round\": %u, \"packets\": %llu, \"ns\": %llu, "
	       "\"wall\": %llu, \"device_bytes\": %llu}\n",
	       names[p->which], p->imix ? "imix" : "64", p->flows, p->masks,
	       p->threads, round, (unsigned long long)r.packets,
	       (unsigned long long)r.took,
	       (unsigned long long)(wall_ns() - begin),
	       (unsigned long long)p->device_bytes);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct point points[MAX_POINTS];
	unsigned int rounds = 5, round, num = 0, i;
	uint64_t msec = 200;
	const char *pcap = NULL;
	int a;

	for (a = 1; a < argc; a++) {
		bool option = argv[a][0] == '-' && a + 1 < argc;

		if (option && !strcmp(argv[a], "-r")) {
			rounds = (unsigned int)atoi(argv[++a]);
		} else if (option && !strcmp(argv[a], "-m")) {
			msec = (uint64_t)atoi(argv[++a]);
		} else if (option && !strcmp(argv[a], "-w")) {
			pcap = argv[++a];
		} else if (argv[a][0] == '-') {
			usage(stdout);
			return strcmp(argv[a], "-h") && strcmp(argv[a], "--help") ?
			       2 : 0;
		} else if (num < MAX_POINTS) {
			parse_point(argv[a], &points[num++]);
		}
	}
	if (!num || !rounds || !msec) {
		usage(stderr);
		return 2;
	}
	if (pcap)
		return pcap_write(&points[0], pcap) ? 1 : 0;
	for (i = 0; i < num; i++) {
		bed_make(&points[i]);
		fprintf(stderr, "%u of %u ready\n", i + 1, num);
	}
	for (round = 0; round < rounds; round++)
		for (i = 0; i < num; i++)
			measure(&points[i], round, msec * (NSEC / 1000));
	return 0;
}
