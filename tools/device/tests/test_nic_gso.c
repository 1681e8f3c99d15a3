// SPDX-License-Identifier: GPL-2.0-or-later
/* Segmentation: long TCP and UDP frames. */
#include "nic_fake.h"
#include "../nic/internal.h"

#define RING_LOG	7
#define PAYLOAD(i)	((uint8_t)((i) * 31 + ((i) >> 8)))

/* VF 0 and VF 1 talk through the legacy switch. */
/* A long frame and what its descriptor says. */
struct big {
	uint32_t len;
	uint16_t l3, l4, hdr_len, mss, flags;
	bool v6, udp;
	uint8_t b[SLUICE_GSO_FRAME_MAX + 64];
};

struct kind {
	const char *name;
	bool v6, udp;
	unsigned int tags;
	unsigned int options;	/* bytes of TCP options, of IPv6 options */
};

static const struct kind kinds[] = {
	{ "TCP", false, false, 0, 0 },
	{ "TCP with options", false, false, 0, 12 },
	{ "TCP, one tag", false, false, 1, 12 },
	{ "TCP, two tags", false, false, 2, 0 },
	{ "TCP over IPv6", true, false, 0, 12 },
	{ "TCP over IPv6, two tags", true, false, 2, 0 },
	{ "UDP", false, true, 0, 0 },
	{ "UDP, one tag", false, true, 1, 0 },
	{ "UDP over IPv6", true, true, 0, 0 },
	{ "UDP over IPv6 with options", true, true, 1, 16 },
};

static int setup(void **state)
{
	static struct pair p;

	pair_start(&p, RING_LOG);
	assert_int_equal(drv_u32(p.a, SLUICE_CMD_SET_MTU, 9000), SLUICE_ST_OK);
	assert_int_equal(drv_u32(p.b, SLUICE_CMD_SET_MTU, 9000), SLUICE_ST_OK);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	fake_free(((struct pair *)*state)->m);
	return 0;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* The sum as RFC 1071 has it, nothing folded early. */
static uint32_t sum(const uint8_t *p, uint32_t len)
{
	uint32_t i, s = 0;

	for (i = 0; i < len; i++)
		s += i & 1 ? p[i] : p[i] << 8;
	return s;
}

static bool sum_ok(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s == 0xffff;
}

/* From function 1 to function 2, with an IPv4 id and a sequence number that
 * are about to wrap, and all TCP flags.
 */
static void big_make(struct big *g, const struct kind *k, uint32_t payload,
		     uint16_t mss)
{
	struct frame f = { 0 };
	uint8_t proto = k->udp ? 17 : 6;
	unsigned int ext = k->v6 && k->udp ? k->options : 0;
	unsigned int opts = k->udp ? 0 : k->options;
	uint32_t l4_len = (k->udp ? 8 : 20 + opts) + payload;
	unsigned int i;

	fr_macs(&f, fn_mac(2), fn_mac(1));
	for (i = 0; i < k->tags; i++)
		fr_vlan(&f, i ? 0x88a8 : 0x8100, 0x2000 + 5 + i);
	fr_u16(&f, k->v6 ? 0x86dd : 0x0800);
	g->l3 = f.len;
	if (k->v6) {
		fr_ip6(&f, ext ? 60 : proto, "fd00::1", "fd00::2",
		       ext + l4_len);
		if (ext) {
			fr_fill(&f, proto, 1);
			fr_fill(&f, ext / 8 - 1, 1);
			/* PadN */
			fr_fill(&f, 1, 1);
			fr_fill(&f, ext - 4, 1);
			fr_fill(&f, 0, ext - 4);
		}
	} else {
		fr_ip4(&f, proto, "10.0.0.1", "10.0.0.2", l4_len);
		put16(f.b + g->l3 + 4, 0xfffe);
	}
	g->l4 = f.len;
	if (k->udp) {
		fr_udp(&f, 1000, 99, 0);
		put16(f.b + g->l4 + 4, l4_len);
	} else {
		fr_tcp(&f, 1000, 99, 0x0fff);
		f.b[g->l4 + 12] = (5 + opts / 4) << 4 | 0x0f;
		memset(f.b + g->l4 + 4, 0xff, 4);
		fr_fill(&f, 1, opts);
	}
	g->hdr_len = f.len;
	g->mss = mss;
	g->len = f.len + payload;
	g->v6 = k->v6;
	g->udp = k->udp;
	g->flags = SLUICE_TX_F_GSO | SLUICE_TX_F_CSUM;
	memcpy(g->b, f.b, f.len);
	for (i = 0; i < payload; i++)
		g->b[f.len + i] = PAYLOAD(i);
}

/* Post a long frame in pieces of @piece bytes. */
static struct sluice_tx_desc *big_post(struct pair *p, const struct big *g,
				       uint32_t piece)
{
	struct sluice_tx_desc *first = NULL, *d;
	uint32_t at = 0, n;

	do {
		uint64_t buf;

		n = g->len - at < piece ? g->len - at : piece;
		buf = drv_alloc(p->a, n);
		memcpy(drv_mem(p->a, buf), g->b + at, n);
		d = tx_slot(p->a, &p->atx);
		d->addr = htole64(buf);
		d->len = htole32(n);
		if (!at)
			first = d;
		at += n;
	} while (at < g->len);
	assert_non_null(first);
	d->flags = htole16(SLUICE_TX_F_EOP);
	first->flags |= htole16(g->flags);
	first->csum_start = htole16(g->l4);
	first->csum_offset = htole16(g->udp ? 6 : 16);
	first->mss = htole16(g->mss);
	first->hdr_len = htole16(g->hdr_len);
	return first;
}

static void ring_tx(struct pair *p)
{
	wr(p->a, SLUICE_DB_TX(0), p->atx.count);
	run(p->m);
}

static void check_ip(const struct big *g, const struct frame *f, uint32_t i)
{
	const uint8_t *ip = f->b + g->l3, *old = g->b + g->l3;
	uint16_t id = get16(old + 4);

	if (g->v6) {
		assert_int_equal(get16(ip + 4), f->len - g->l3 - 40);
		assert_memory_equal(ip, old, 4);
		assert_memory_equal(ip + 6, old + 6, g->l4 - g->l3 - 6);
		return;
	}
	if (!(g->flags & SLUICE_TX_F_FIXED_ID))
		id += i;
	assert_int_equal(get16(ip + 2), f->len - g->l3);
	assert_int_equal(get16(ip + 4), id);
	assert_true(sum_ok(sum(ip, 20)));
	assert_memory_equal(ip, old, 2);
	assert_memory_equal(ip + 6, old + 6, 4);
	assert_memory_equal(ip + 12, old + 12, 8);
}

static void check_l4(const struct big *g, const struct frame *f, uint32_t i,
		     bool last)
{
	const uint8_t *ip = f->b + g->l3, *h = f->b + g->l4;
	const uint8_t *old = g->b + g->l4;
	uint32_t len = f->len - g->l4;
	uint32_t s = sum(h, len) + len + (g->udp ? 17 : 6);

	s += g->v6 ? sum(ip + 8, 32) : sum(ip + 12, 8);
	assert_true(sum_ok(s));
	assert_memory_equal(h, old, 4);
	if (g->udp) {
		assert_int_equal(get16(h + 4), len);
		assert_int_not_equal(get16(h + 6), 0);
		return;
	}
	assert_int_equal(get32(h + 4), get32(old + 4) + i * g->mss);
	assert_memory_equal(h + 8, old + 8, 5);
	/* CWR, FIN and PSH belong to one of them each. */
	assert_int_equal(h[13], 0xff & ~(i ? 0x80 : 0) & ~(last ? 0 : 0x09));
	assert_memory_equal(h + 14, old + 14, 2);
	assert_memory_equal(h + 18, old + 18, g->hdr_len - g->l4 - 18);
}

/* VF 1 has received all segments of the frame, in order, and no more. */
static void check_segments(struct pair *p, const struct big *g)
{
	uint32_t payload = g->len - g->hdr_len, at, i = 0;
	const struct sluice_cqe *cqe;
	struct frame f;

	for (at = 0; at < payload; at += g->mss, i++) {
		uint32_t n = payload - at < g->mss ? payload - at : g->mss;

		cqe = cq_next(p->b, &p->bcq);
		assert_non_null(cqe);
		assert_true(le16toh(cqe->flags) & SLUICE_CQE_F_L4_OK);
		rx_gather(p->b, &p->brx, cqe, &f);
		assert_int_equal(f.len, g->hdr_len + n);
		assert_memory_equal(f.b, g->b, g->l3);
		check_ip(g, &f, i);
		check_l4(g, &f, i, at + n == payload);
		assert_memory_equal(f.b + g->hdr_len, g->b + g->hdr_len + at,
				    n);
	}
	assert_null(cq_next(p->b, &p->bcq));
	wr(p->b, SLUICE_DB_CQ(0), p->bcq.count);
}

static void test_segments(void **state)
{
	static const struct { uint32_t payload; uint16_t mss; } cuts[] = {
		{ 1, 1448 }, { 1448, 1448 }, { 1449, 1448 }, { 9, 3 },
		{ 20000, 1448 }, { 40000, 8900 }, { 65400, 1400 },
	};
	struct pair *p = *state;
	uint64_t a_mark = p->a->next, b_mark = p->b->next;
	static struct big g;
	unsigned int k, c;

	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (c = 0; c < sizeof(cuts) / sizeof(cuts[0]); c++) {
			const struct sluice_cqe *cqe;
			uint32_t n;

			p->a->next = a_mark;
			p->b->next = b_mark;
			big_make(&g, &kinds[k], cuts[c].payload, cuts[c].mss);
			n = (cuts[c].payload + g.mss - 1) / g.mss;
			if (c & 1)
				g.flags |= SLUICE_TX_F_FIXED_ID;
			rx_fill(p->b, &p->brx, 0, n, 9300);
			big_post(p, &g, c % 3 ? 65535 : 3001);
			ring_tx(p);
			assert_int_equal(rd(p->a, SLUICE_REG_ERROR), 0);
			check_segments(p, &g);
			cqe = cq_next(p->a, &p->acq);
			assert_non_null(cqe);
			assert_int_equal(le32toh(cqe->index), p->atx.count);
			wr(p->a, SLUICE_DB_CQ(0), p->acq.count);
		}
	}
}

/* The port counts what leaves it: segments, with all their headers. */
static void test_statistics(void **state)
{
	struct pair *p = *state;
	struct sluice_vport_stats s;
	static struct big g;

	big_make(&g, &kinds[0], 10000, 1000);
	rx_fill(p->b, &p->brx, 0, 10, 2048);
	big_post(p, &g, 65535);
	ring_tx(p);
	sluice_esw_vport_stats(p->m->nic->esw, 1, &s);
	assert_int_equal(le64toh(s.tx_packets), 10);
	assert_int_equal(le64toh(s.tx_bytes), 10 * 1054);
	sluice_esw_vport_stats(p->m->nic->esw, 2, &s);
	assert_int_equal(le64toh(s.rx_packets), 10);
	assert_int_equal(le64toh(s.rx_bytes), 10 * 1054);
}

/* A wire that fills up in the middle of a frame: no segment twice or never. */
static void test_wire_full(void **state)
{
	struct pair *p = *state;
	struct fake_wire *w = &p->m->wire[0];
	unsigned int headroom = p->m->cfg.max_actions + 2;
	static struct big g;
	unsigned int i;

	big_make(&g, &kinds[0], 20000, 1000);
	mac_parse(g.b, "02:77:00:00:00:01");
	w->room = headroom + 4;
	big_post(p, &g, 65535);
	ring_tx(p);
	for (i = 0; i < 20; i++) {
		assert_true(w->sent < 20);
		assert_null(cq_next(p->a, &p->acq));
		if (w->sent >= 15)
			break;
		w->room += 5;
		sluice_nic_wire_tx_notify(p->m->nic);
		run(p->m);
	}
	w->room += 100;
	sluice_nic_wire_tx_notify(p->m->nic);
	run(p->m);
	assert_int_equal(w->sent, 20);
	assert_non_null(cq_next(p->a, &p->acq));
	assert_int_equal(get32(w->last.b + g.l4 + 4), 0xffffffff + 19 * 1000);
	assert_int_equal(rd(p->a, SLUICE_REG_ERROR), 0);
}

/* VF 1 has received the frame as it is, and nothing else. */
static void check_large(struct pair *p, struct big *g)
{
	uint16_t want = SLUICE_CQE_F_RX | SLUICE_CQE_F_LARGE |
			SLUICE_CQE_F_L4_OK | (g->v6 ? 0 : SLUICE_CQE_F_L3_OK);
	const struct sluice_cqe *cqe = cq_next(p->b, &p->bcq);
	uint8_t *csum = g->b + g->l4 + (g->udp ? 6 : 16);
	uint32_t s = g->len - g->l4 + (g->udp ? 17 : 6);
	const uint8_t *ip = g->b + g->l3;
	struct frame f;

	if (g->flags & SLUICE_TX_F_FIXED_ID)
		want |= SLUICE_CQE_F_FIXED_ID;
	assert_non_null(cqe);
	assert_int_equal(le16toh(cqe->flags), want);
	assert_int_equal(le16toh(cqe->mss), g->mss);
	assert_int_equal(le32toh(cqe->len), g->len);
	rx_gather(p->b, &p->brx, cqe, &f);
	s += g->v6 ? sum(ip + 8, 32) : sum(ip + 12, 8);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	put16(csum, s);
	if (!g->v6) {
		assert_true(sum_ok(sum(f.b + g->l3, 20)));
		memcpy(g->b + g->l3 + 10, f.b + g->l3 + 10, 2);
	}
	assert_int_equal(f.len, g->len);
	assert_memory_equal(f.b, g->b, g->len);
	assert_null(cq_next(p->b, &p->bcq));
	wr(p->b, SLUICE_DB_CQ(0), p->bcq.count);
}

static void test_large(void **state)
{
	struct pair *p = *state;
	struct sluice_vport_stats s;
	uint64_t a_mark, b_mark;
	static struct big g;
	unsigned int k;

	take_large(p, RING_LOG);
	a_mark = p->a->next;
	b_mark = p->b->next;
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		p->a->next = a_mark;
		p->b->next = b_mark;
		big_make(&g, &kinds[k], 65400, 1400);
		if (k & 1)
			g.flags |= SLUICE_TX_F_FIXED_ID;
		rx_fill(p->b, &p->brx, 0, 18, 3712);
		big_post(p, &g, 32768);
		ring_tx(p);
		check_large(p, &g);
		assert_non_null(cq_next(p->a, &p->acq));
		wr(p->a, SLUICE_DB_CQ(0), p->acq.count);
		if (!k) {
			sluice_esw_vport_stats(p->m->nic->esw, 1, &s);
			assert_int_equal(le64toh(s.tx_packets), 47);
			assert_int_equal(le64toh(s.tx_bytes), 65400 + 47 * 54);
			sluice_esw_vport_stats(p->m->nic->esw, 2, &s);
			assert_int_equal(le64toh(s.rx_packets), 47);
			assert_int_equal(le64toh(s.rx_bytes), 65400 + 47 * 54);
		}
	}
	/* One segment is a frame like any other. */
	big_make(&g, &kinds[0], 1000, 1400);
	rx_fill(p->b, &p->brx, 0, 1, 3712);
	big_post(p, &g, 65535);
	ring_tx(p);
	check_segments(p, &g);
}

/* Where a large frame would not get through it goes in segments. */
static void test_large_refused(void **state)
{
	struct pair *p = *state;
	struct sluice_esw *esw = p->m->nic->esw;
	struct sluice_vport_stats s;
	static struct big g;

	take_large(p, RING_LOG);
	/* Too few buffers for all, enough for some. */
	big_make(&g, &kinds[0], 20000, 1000);
	rx_fill(p->b, &p->brx, 0, 4, 2048);
	big_post(p, &g, 65535);
	ring_tx(p);
	sluice_esw_vport_stats(esw, 2, &s);
	assert_int_equal(le64toh(s.rx_packets), 4);
	assert_int_equal(le64toh(s.rx_dropped_nobuf), 16);
	p->bcq.count += 4;
	wr(p->b, SLUICE_DB_CQ(0), p->bcq.count);
	/* To the wire. */
	rx_fill(p->b, &p->brx, 0, 40, 4096);
	mac_parse(g.b, "02:77:00:00:00:01");
	big_post(p, &g, 65535);
	ring_tx(p);
	assert_int_equal(p->m->wire[0].sent, 20);
	/* To everybody. */
	mac_parse(g.b, "ff:ff:ff:ff:ff:ff");
	big_post(p, &g, 65535);
	ring_tx(p);
	assert_int_equal(p->m->wire[0].sent, 40);
	check_segments(p, &g);
	/* Longer than the MTU of either. */
	mac_parse(g.b, fn_mac(2));
	assert_int_equal(drv_u32(p->b, SLUICE_CMD_SET_MTU, 1000), SLUICE_ST_OK);
	big_post(p, &g, 65535);
	ring_tx(p);
	sluice_esw_vport_stats(esw, 2, &s);
	assert_int_equal(le64toh(s.rx_dropped_mtu), 20);
	assert_int_equal(drv_u32(p->b, SLUICE_CMD_SET_MTU, 9000), SLUICE_ST_OK);
	assert_int_equal(drv_u32(p->a, SLUICE_CMD_SET_MTU, 1000), SLUICE_ST_OK);
	big_post(p, &g, 65535);
	ring_tx(p);
	sluice_esw_vport_stats(esw, 1, &s);
	assert_int_equal(le64toh(s.tx_dropped_mtu), 20);
	assert_int_equal(drv_u32(p->a, SLUICE_CMD_SET_MTU, 9000), SLUICE_ST_OK);
	/* From an address that is not the sender's. */
	{
		struct sluice_cmd_vport cmd = {
			.fields = htole32(SLUICE_VPORT_F_POLICY),
			.policy = htole32(SLUICE_POLICY_SPOOFCHK),
		};

		assert_int_equal(sluice_esw_vport_set(esw, 1, &cmd),
				 SLUICE_ST_OK);
	}
	g.b[11] ^= 0x80;
	big_post(p, &g, 65535);
	ring_tx(p);
	sluice_esw_vport_stats(esw, 1, &s);
	assert_int_equal(le64toh(s.tx_dropped_spoof), 20);
	assert_null(cq_next(p->b, &p->bcq));
	assert_int_equal(rd(p->a, SLUICE_REG_ERROR), 0);
	assert_int_equal(rd(p->b, SLUICE_REG_ERROR), 0);
}

/* In switchdev mode the rules decide. */
static void test_large_rules(void **state)
{
	struct pair *p = *state;
	struct sluice_cmd_vport root = {
		.fields = htole32(SLUICE_VPORT_F_ROOT),
		.root_table = htole32(1),
	};
	struct bed bed = { .esw = p->m->nic->esw };
	struct sluice_key fin = { .tcp_flags = htobe16(1) };
	struct sluice_action out = act_out(VF(1));
	struct sluice_action go = act_goto(2);
	struct rule r = { .id = 7, .table = 1, .mask = 1, .counter = 9,
			  .prio = 1, .mask_bits = &fin, .key = &fin,
			  .act = &out, .num_act = 1 };
	static struct big g;

	take_large(p, RING_LOG);
	assert_int_equal(sluice_esw_set_mode(bed.esw, SLUICE_ESW_SWITCHDEV),
			 SLUICE_ST_OK);
	assert_int_equal(sluice_esw_vport_set(bed.esw, 1, &root), SLUICE_ST_OK);
	bed_any(&bed, 1, 1, &go, 1);
	bed_any(&bed, 2, 2, &out, 1);
	big_make(&g, &kinds[2], 20000, 1000);
	rx_fill(p->b, &p->brx, 0, 100, 2048);
	big_post(p, &g, 65535);
	ring_tx(p);
	check_large(p, &g);
	assert_int_equal(bed_packets(&bed, 1), 20);
	/* Neither the Ethernet header nor the tag. */
	assert_int_equal(bed_bytes(&bed, 1), 20000 + 20 * (20 + 32));
	assert_int_equal(bed_packets(&bed, 2), 20);
	assert_int_equal(bed_bytes(&bed, 2), 20000 + 20 * (20 + 32));

	/* A rule that only the last segment hits. */
	assert_int_equal(bed_mask(&bed, 1, &fin), SLUICE_ST_OK);
	assert_int_equal(bed_rule(&bed, &r), SLUICE_ST_OK);
	big_post(p, &g, 65535);
	ring_tx(p);
	check_segments(p, &g);
	assert_int_equal(bed_packets(&bed, 1), 39);
	assert_int_equal(bed_packets(&bed, 9), 1);
	/* All of them alike miss it again. */
	g.b[g.l4 + 13] &= ~0x01;
	big_post(p, &g, 65535);
	ring_tx(p);
	check_large(p, &g);
	assert_int_equal(bed_packets(&bed, 1), 59);
	assert_int_equal(bed_packets(&bed, 9), 1);
}

/* What makes a frame impossible: a change of it or of its descriptor. */
struct bad {
	const char *what;
	int at;			/* in the frame, from @l3; then from @l4 */
	bool l4;
	uint8_t byte;
	int mss, hdr_len, start, offset, flags;
};

static const struct bad bads[] = {
	{ .what = "no mss", .mss = -1000 },
	{ .what = "mss above the longest frame", .mss = 8200 },
	{ .what = "too many segments", .mss = -998 },
	{ .what = "headers too short", .hdr_len = -4 },
	{ .what = "headers too long", .hdr_len = 4 },
	{ .what = "headers are all there is", .hdr_len = 5000 },
	{ .what = "checksum elsewhere", .start = -20 },
	{ .what = "checksum field elsewhere", .offset = 2 },
	{ .what = "no checksum", .flags = -SLUICE_TX_F_CSUM },
	{ .what = "another protocol", .at = 9, .byte = 132 },
	{ .what = "fragment", .at = 6, .byte = 0x20 },
	{ .what = "bytes behind the packet", .at = 3, .byte = 0x10 },
	{ .what = "short TCP header", .at = 12, .l4 = true, .byte = 0x40 },
	{ .what = "not IP", .at = -1, .byte = 0x06 },
};

static void test_bad(void **state)
{
	struct pair *p = *state;
	static struct big g;
	unsigned int i;

	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		const struct bad *b = &bads[i];
		struct sluice_tx_desc *d;

		big_make(&g, &kinds[0], 5000, 1000);
		if (b->at)
			g.b[(b->l4 ? g.l4 : g.l3) + b->at] = b->byte;
		g.flags += b->flags;
		drv_reset(p->a);
		memset(&p->acq, 0, sizeof(p->acq));
		drv_nic(p->a, RING_LOG, &p->acq, &p->atx, &p->arx);
		d = big_post(p, &g, 65535);
		d->mss = htole16(g.mss + b->mss);
		d->hdr_len = htole16(g.hdr_len + b->hdr_len);
		d->csum_start = htole16(g.l4 + b->start);
		d->csum_offset = htole16(16 + b->offset);
		ring_tx(p);
		if (rd(p->a, SLUICE_REG_ERROR) != SLUICE_ERR_TX_DESC)
			fail_msg("%s: error %u", b->what,
				 rd(p->a, SLUICE_REG_ERROR));
		assert_null(cq_next(p->b, &p->bcq));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_segments, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statistics, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_wire_full, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_large_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_large_rules, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_bad, setup, teardown),
	};

	return cmocka_run_group_tests_name("nic_gso", tests, NULL, NULL);
}
