// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An eSwitch with the rules of a case, and a host that takes the frames.
 */
#include <endian.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "bench.h"
#include "frame.h"
#include "internal.h"

#define NUM_VFS		9
#define RING_SLOTS	64
#define RING_SLOT	2048
#define TUN_TABLE	2
#define CT_TABLE	5
#define CT_ZONE		5
#define HUGE_PAGE	(2u << 20)

static struct toeplitz toeplitz;

static uint64_t host_now(void *ctx)
{
	struct timespec ts;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* As a DMA into a receive buffer. */
static enum sluice_tx_result host_deliver(void *ctx, uint16_t vport,
					  const uint8_t *frame, uint32_t len,
					  unsigned int frame_flags,
					  const struct sluice_slow_meta *meta)
{
	struct point *p = ctx;

	(void)vport;
	(void)frame_flags;
	memcpy(p->ring + p->ring_at * RING_SLOT, frame, len);
	p->ring_at = (p->ring_at + 1) % RING_SLOTS;
	p->delivered++;
	if (meta)
		p->slow++;
	return SLUICE_TX_OK;
}

static void host_flow_hash(void *ctx, const uint8_t *frame, uint32_t len,
			   struct sluice_flow_hash *hash)
{
	(void)ctx;
	hash->value = frame_flow_hash(&toeplitz, frame, len, &hash->l4);
}

static void *big_alloc(size_t size)
{
	void *p;

	size = (size + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
	p = aligned_alloc(HUGE_PAGE, size);
	if (!p)
		die("out of memory");
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

static void must(int status, const char *what)
{
	if (status)
		die("%s: status %d", what, status);
}

static uint32_t prefix(unsigned int len)
{
	return len ? htobe32(~0u << (32 - len)) : 0;
}

/*
 * Mask @m of 100: lengths of destination and source prefix and what counts
 * above IP vary.  The first is the usual five fields.
 */
static void mask_make(const struct point *p, uint32_t m, struct sluice_key *k)
{
	static const uint8_t dst_len[5] = { 32, 30, 28, 26, 24 };
	static const uint8_t src_len[5] = { 32, 28, 24, 16, 0 };
	uint32_t src = prefix(src_len[m / 5 % 5]);
	uint32_t dst = prefix(dst_len[m % 5]);

	memset(k, 0, sizeof(*k));
	k->n_proto = 0xffff;
	k->ip_proto = 0xff;
	memcpy(k->ip_src, &src, 4);
	memcpy(k->ip_dst, &dst, 4);
	switch (m / 25 % 4) {
	case 0:
		k->l4_src = 0xffff;
		k->l4_dst = 0xffff;
		break;
	case 1:
		k->l4_dst = 0xffff;
		break;
	case 2:
		k->ip_tos = 0xff;
		break;
	}
	if (p->which == CASE_DECAP) {
		memset(k->enc_src, 0xff, 4);
		memset(k->enc_dst, 0xff, 4);
		k->enc_key_id = ~0u;
		k->enc_l4_dst = 0xffff;
	}
}

static void key_make(const struct point *p, uint32_t flow,
		     struct sluice_key *k)
{
	struct flow f = flow_of(flow);
	uint32_t src = htobe32(f.src), dst = htobe32(f.dst);

	memset(k, 0, sizeof(*k));
	k->n_proto = htobe16(0x0800);
	k->ip_proto = 17;
	memcpy(k->ip_src, &src, 4);
	memcpy(k->ip_dst, &dst, 4);
	k->l4_src = htobe16(f.sport);
	k->l4_dst = htobe16(f.dport);
	if (p->which == CASE_DECAP) {
		src = htobe32(OUTER_SRC);
		dst = htobe32(OUTER_DST);
		memcpy(k->enc_src, &src, 4);
		memcpy(k->enc_dst, &dst, 4);
		k->enc_key_id = htobe32(OUTER_VNI);
		k->enc_l4_dst = htobe16(VXLAN_PORT);
	}
}

static struct sluice_action output(uint16_t port)
{
	struct sluice_action a = { .op = SLUICE_ACT_OUTPUT,
				   .port = htole16(port) };

	return a;
}

static struct sluice_action with_a(uint8_t op, uint32_t a)
{
	struct sluice_action act = { .op = op, .a = htole32(a) };

	return act;
}

static struct sluice_action pedit(uint8_t hdr, uint32_t off, uint32_t mask,
				  uint32_t value)
{
	struct sluice_action a = with_a(SLUICE_ACT_PEDIT_SET, off);

	a.flags = hdr;
	mask = htole32(mask);
	value = htole32(value);
	memcpy(a.b, &mask, 4);
	memcpy(a.c, &value, 4);
	return a;
}

/* The program of the case's rules in table @table. */
static unsigned int program(struct point *p, uint32_t table,
			    struct sluice_action *a)
{
	unsigned int n = 0, i;

	switch (p->which) {
	case CASE_VLAN:
		a[n++] = with_a(SLUICE_ACT_VLAN_PUSH, 0x81000064);
		a[n++] = output(SLUICE_VPORT_UPLINK(0));
		break;
	case CASE_PEDIT:
		/* What a router with NAT does. */
		a[n++] = pedit(SLUICE_HDR_ETH, 0, ~0u, 0xbb000002);
		a[n++] = pedit(SLUICE_HDR_ETH, 4, 0xffff, 0x0100);
		a[n++] = pedit(SLUICE_HDR_IP4, 8, 0xff, 63);
		a[n++] = pedit(SLUICE_HDR_IP4, 16, ~0u, 0x0101a8c0);
		a[n++] = with_a(SLUICE_ACT_CSUM, SLUICE_CSUM_IPV4HDR |
						 SLUICE_CSUM_UDP);
		a[n++] = output(SLUICE_VPORT_VF(1));
		break;
	case CASE_ENCAP:
		a[n++] = with_a(SLUICE_ACT_TUNNEL, 0);
		break;
	case CASE_CHAIN2:
		a[n++] = table ? output(SLUICE_VPORT_VF(1)) :
				 with_a(SLUICE_ACT_GOTO, 1);
		break;
	case CASE_MIRROR8:
		for (i = 1; i <= 8; i++)
			a[n++] = output(SLUICE_VPORT_VF(i));
		p->out = 8;
		break;
	default:
		a[n++] = output(SLUICE_VPORT_VF(1));
	}
	return n;
}

static void rules_make(struct point *p, uint32_t table, uint32_t first)
{
	struct sluice_action act[16];
	struct sluice_rule_spec spec = {
		.table = table, .actions = act,
		.num_actions = program(p, table, act),
	};
	uint32_t i, w;

	for (i = 0; i < p->flows; i++) {
		uint64_t mask[SLUICE_KEY_WORDS], key[SLUICE_KEY_WORDS];
		uint64_t words[SLUICE_KEY_WORDS];
		struct sluice_key k;

		mask_make(p, i % p->masks, &k);
		memcpy(mask, &k, sizeof(mask));
		key_make(p, i, &k);
		memcpy(key, &k, sizeof(key));
		spec.key_words = 0;
		for (w = 0; w < SLUICE_KEY_WORDS; w++)
			if (mask[w])
				words[spec.key_words++] = key[w] & mask[w];
		spec.key = words;
		spec.id = first + i;
		spec.counter = first + i;
		spec.mask = i % p->masks;
		spec.prio = 1 + spec.mask;
		must(sluice_esw_rule_add(p->esw, &spec), "rule");
	}
}

/* One rule that looks connections up, one for what is established. */
static void ct_rules_make(struct point *p)
{
	struct sluice_key proto = { .n_proto = 0xffff };
	struct sluice_key state = {
		.ct_state = htole16(SLUICE_CT_ESTABLISHED | SLUICE_CT_TRACKED),
	};
	struct sluice_action ct[2] = {
		with_a(SLUICE_ACT_CT, CT_TABLE), with_a(SLUICE_ACT_GOTO, 1),
	};
	struct sluice_action out = output(SLUICE_VPORT_VF(1));
	uint64_t key[2] = { 0 };
	struct sluice_rule_spec spec = {
		.key = key, .key_words = 1, .actions = ct, .num_actions = 2,
	};
	uint64_t words[SLUICE_KEY_WORDS];

	ct[0].flags = SLUICE_CT_ACT_NAT;
	ct[0].port = htole16(CT_ZONE);
	must(sluice_esw_mask_add(p->esw, 0, &proto), "mask");
	must(sluice_esw_mask_add(p->esw, 1, &state), "mask");
	proto.n_proto = htobe16(0x0800);
	memcpy(words, &proto, sizeof(words));
	key[0] = words[offsetof(struct sluice_key, n_proto) / 8];
	must(sluice_esw_rule_add(p->esw, &spec), "rule");
	memcpy(words, &state, sizeof(words));
	key[0] = words[offsetof(struct sluice_key, ct_state) / 8];
	spec.id = 1;
	spec.table = 1;
	spec.mask = 1;
	spec.counter = 1;
	spec.actions = &out;
	spec.num_actions = 1;
	must(sluice_esw_rule_add(p->esw, &spec), "rule");
}

/* A connection for each flow, behind one address. */
static void connections_make(struct point *p)
{
	struct sluice_cmd_ct c = {
		.table = htole32(CT_TABLE),
		.flags = htole16(SLUICE_CT_F_ZERO | SLUICE_CT_F_SNAT),
		.state = htole16(SLUICE_CT_ESTABLISHED | SLUICE_CT_TRACKED),
		.ip = 4, .proto = 17, .nat_src = { 203, 0, 113, 1 },
	};
	uint32_t i;

	for (i = 0; i < p->flows; i++) {
		struct flow f = flow_of(i);
		uint32_t src = htobe32(f.src), dst = htobe32(f.dst);

		c.id = htole32(2 * i);
		c.counter = htole32(2 + i);
		c.sport = htobe16(f.sport);
		c.dport = htobe16(f.dport);
		c.nat_sport = htobe16((uint16_t)(1024 + i % 60000));
		memcpy(c.src, &src, 4);
		memcpy(c.dst, &dst, 4);
		must(sluice_esw_ct_set(p->esw, &c), "connection");
	}
}

static void tunnel_make(struct point *p)
{
	struct sluice_cmd_next_hop nh = {
		.counter = htole32(SLUICE_ID_NONE),
		.port = htole16(SLUICE_VPORT_UPLINK(0)),
		.flags = htole16(SLUICE_NEXT_HOP_F_VALID),
	};
	struct {
		struct sluice_cmd_encap cmd;
		uint8_t header[36];
	} e = { 0 };
	static const uint8_t header[36] = {
		0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0,
		192, 0, 2, 1, 198, 51, 100, 2,
		0, 0, VXLAN_PORT >> 8, VXLAN_PORT & 0xff, 0, 0, 0, 0,
		8, 0, 0, 0, 0, OUTER_VNI >> 8, OUTER_VNI & 0xff, 0,
	};

	memcpy(nh.dst, mac_nh, 6);
	memcpy(nh.src, mac_p0, 6);
	must(sluice_esw_next_hop_set(p->esw, &nh), "next hop");
	e.cmd.type = SLUICE_TUNNEL_VXLAN;
	e.cmd.mtu = htole16(9000);
	e.cmd.sport_min = htole16(32768);
	e.cmd.sport_range = htole32(28232);
	e.cmd.header_len = htole16(sizeof(header));
	memcpy(e.cmd.header, header, sizeof(header));
	must(sluice_esw_encap_set(p->esw, &e.cmd), "encap");
}

static void endpoint_make(struct point *p)
{
	struct sluice_cmd_endpoint cmd = {
		.root_table = htole32(TUN_TABLE),
		.port = htole16(SLUICE_VPORT_UPLINK(0)),
		.type = SLUICE_TUNNEL_VXLAN,
		.ip = 4,
		.udp_port = htole16(VXLAN_PORT),
		.addr = { 192, 0, 2, 1 },
		.zero_bits = { 0xf7, 0xff, 0xff, 0xff, 0, 0, 0, 0xff },
	};

	memcpy(cmd.mac, mac_p0, 6);
	must(sluice_esw_endpoint_set(p->esw, &cmd), "endpoint");
}

static void root(struct point *p, uint16_t vport, uint32_t table)
{
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_ROOT),
		.root_table = htole32(table),
	};

	must(sluice_esw_vport_set(p->esw, vport, &cmd), "vport");
}

/* What the process has, in memory that it touched. */
static uint64_t resident_bytes(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		die("/proc/self/statm: no memory figures");
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void frames_make(struct point *p)
{
	uint32_t i;

	p->stride = p->imix ? 1600 : p->which == CASE_DECAP ? 128 : 64;
	p->pool = big_alloc((size_t)p->flows * p->stride);
	for (i = 0; i < p->flows; i++)
		frame_make(p, i, p->pool + (size_t)i * p->stride);
	p->ring = big_alloc(RING_SLOTS * RING_SLOT);
	p->random = RANDOM_START;
}

/* What a host of @p does. */
static struct sluice_esw_host host_of(struct point *p)
{
	struct sluice_esw_host host = {
		.ctx = p, .now = host_now, .deliver = host_deliver,
		.flow_hash = host_flow_hash,
	};

	return host;
}

/* Each thread has its lane, its buffers and its own random order. */
static void lanes_make(struct point *p)
{
	uint32_t i;

	if (p->threads == 1)
		return;
	p->lane = big_alloc(p->threads * sizeof(*p->lane));
	for (i = 0; i < p->threads; i++) {
		struct point *own = &p->lane[i];
		struct sluice_esw_host host = host_of(own);

		*own = *p;
		own->ring = big_alloc(RING_SLOTS * RING_SLOT);
		own->random = RANDOM_START + i;
		own->esw = sluice_esw_lane_new(p->esw, &host);
		if (!own->esw)
			die("no lane");
	}
	sluice_esw_publish(p->esw);
}

static void switch_make(struct point *p);

/* Make everything that a point needs; its first fields say what. */
void bed_make(struct point *p)
{
	switch_make(p);
	lanes_make(p);
}

static void switch_make(struct point *p)
{
	static const uint8_t rss_key[SLUICE_RSS_KEY_SIZE] = {
		0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	};
	uint32_t ids = p->flows * (p->which == CASE_CHAIN2 ? 2 : 1) + 2;
	struct sluice_esw_cfg cfg = {
		.num_vfs = NUM_VFS, .num_uplinks = 1, .max_rules = ids,
		.max_masks = 128, .max_counters = ids, .max_tables = 8,
		.max_actions = 32, .max_filters = 16, .max_next_hops = 1,
		.max_encaps = 1, .max_endpoints = 1, .max_ct = 2 * p->flows,
	};
	struct sluice_esw_host host = host_of(p);
	struct sluice_key mask;
	uint64_t before;
	uint32_t i;

	toeplitz_init(&toeplitz, rss_key);
	frames_make(p);
	p->esw = sluice_esw_new(&cfg, &host);
	if (!p->esw)
		die("out of memory");
	sluice_esw_uplink_carrier(p->esw, 0, true);
	for (i = 0; i <= NUM_VFS; i++)
		sluice_esw_vport_enable(p->esw, (uint16_t)i, true);
	must(sluice_esw_set_mode(p->esw, SLUICE_ESW_SWITCHDEV), "mode");
	p->in = p->which == CASE_DECAP ? SLUICE_VPORT_UPLINK(0) :
					 SLUICE_VPORT_VF(0);
	p->out = 1;
	if (p->which == CASE_NULL)
		must(esw_counter_ref(p->esw, 0, false), "counter");
	if (p->which == CASE_WIRE || p->which == CASE_NULL)
		return;

	before = resident_bytes();
	if (p->which == CASE_CT_NAT) {
		root(p, p->in, 0);
		ct_rules_make(p);
		connections_make(p);
		p->device_bytes = resident_bytes() - before;
		return;
	}
	for (i = 0; i < p->masks; i++) {
		mask_make(p, i, &mask);
		must(sluice_esw_mask_add(p->esw, i, &mask), "mask");
	}
	if (p->which == CASE_ENCAP)
		tunnel_make(p);
	if (p->which == CASE_DECAP) {
		endpoint_make(p);
		rules_make(p, TUN_TABLE, 0);
	} else {
		root(p, p->in, 0);
		rules_make(p, 0, 0);
	}
	if (p->which == CASE_CHAIN2)
		rules_make(p, 1, p->flows);
	p->device_bytes = resident_bytes() - before;
}
