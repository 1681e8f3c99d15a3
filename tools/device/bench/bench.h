/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Benchmark of the eSwitch library: what its files share.
 */
#ifndef SLUICE_BENCH_H
#define SLUICE_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include "eswitch.h"
#include "memory.h"

enum bench_case {
	CASE_WIRE,
	CASE_NULL,
	CASE_FORWARD,
	CASE_VLAN,
	CASE_PEDIT,
	CASE_ENCAP,
	CASE_DECAP,
	CASE_CT_NAT,
	CASE_CHAIN2,
	CASE_MIRROR8,
	NUM_CASES,
};

/**
 * struct point - what is measured, and what it is measured with
 * @which: the case
 * @imix: frames of 60, 590 and 1514 bytes, 7 to 4 to 1; else 60 bytes, what
 *	is called 64 with the checksum that no host sees
 * @flows: flows; each has a rule in each table it goes through, or (CASE_CT_NAT)
 *	a connection
 * @masks: masks the rules use in turn
 * @threads: threads, each a lane of the eSwitch
 * @lane: with several threads, what each of them has for itself, the first too
 * @esw: the eSwitch, or a lane of it
 * @pool: one frame of each flow
 * @stride: bytes from one to the next
 * @in: vport they come in by
 * @out: frames that leave for one that comes in
 * @device_bytes: memory the rules took in the device
 * @delivered: frames that left, in all
 * @slow: frames that took the slow path, in all
 * @ring: buffers that frames are copied to
 * @ring_at: next of them
 * @random: state of the random order
 *
 * Those of two threads share no cache line, nor the one that processors ask for
 * besides.
 */
struct point {
	enum bench_case which;
	bool imix;
	uint32_t flows;
	uint32_t masks;
	uint32_t threads;
	struct point *lane;
	struct sluice_esw *esw;
	uint8_t *pool;
	uint32_t stride;
	uint16_t in;
	uint32_t out;
	uint64_t device_bytes;
	uint64_t delivered;
	uint64_t slow;
	uint8_t *ring;
	uint32_t ring_at;
	uint64_t random;
} __attribute__((aligned(2 * ESW_LINE)));

#define RANDOM_START	0x853c49e6748fea9bull

static inline uint64_t random_next(uint64_t *r)
{
	*r ^= *r << 13;
	*r ^= *r >> 7;
	*r ^= *r << 17;
	return *r;
}

/* packets.c */
#define OUTER_LEN	50	/* Ethernet, IPv4, UDP, VXLAN */
#define OUTER_DST	0xc0000201
#define OUTER_SRC	0xc6336402
#define OUTER_VNI	0x1234
#define VXLAN_PORT	4789

extern const uint8_t mac_p0[6], mac_nh[6], mac_vf0[6], mac_vf1[6];

/* One flow's addresses and ports, host order. */
struct flow {
	uint32_t src;
	uint32_t dst;
	uint16_t sport;
	uint16_t dport;
};

struct flow flow_of(uint32_t i);
uint32_t frame_len(const struct point *p, uint32_t flow);
void frame_make(const struct point *p, uint32_t flow, uint8_t *f);
int pcap_write(const struct point *p, const char *path);

/* bed.c */
void bed_make(struct point *p);

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif /* SLUICE_BENCH_H */
