// SPDX-License-Identifier: GPL-2.0-or-later
/* Merging of TCP frames: what comes out can be cut into what came in. */
#include "nic_fake.h"
#include "../nic/internal.h"

#define RING_LOG	7
#define FLAG_PSH	0x08
#define FLAG_ACK	0x10
#define SEGS		12
#define MSS		700

/* A large frame and the frames it is cut into. */
struct cut {
	struct gso g;
	uint32_t len;
	uint8_t big[SLUICE_GSO_FRAME_MAX];
	uint32_t seg_len[SEGS];
	uint8_t seg[SEGS][SLUICE_FRAME_MAX];
};

struct kind {
	const char *name;
	bool v6;
	unsigned int tags;
	unsigned int options;
	bool fixed_id;
};

static const struct kind kinds[] = {
	{ "IPv4", false, 0, 0, false },
	{ "IPv4, timestamps", false, 0, 12, false },
	{ "IPv4, a tag, one id", false, 1, 12, true },
	{ "IPv4, four tags, all options", false, 4, 40, false },
	{ "IPv6", true, 0, 12, false },
	{ "IPv6, four tags, all options", true, 4, 40, false },
};

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

/* @payload bytes from function 1 to function 2, PSH in the last frame. */
static void cut_make(struct cut *c, const struct kind *k, uint32_t payload)
{
	struct sluice_tx_desc d = { .mss = htole16(MSS) };
	struct frame f = { 0 };
	uint32_t l4_len = 20 + k->options + payload, i;
	uint16_t l4;

	fr_macs(&f, fn_mac(2), fn_mac(1));
	for (i = 0; i < k->tags; i++)
		fr_vlan(&f, i ? 0x88a8 : 0x8100, 0x2000 + 5 + i);
	fr_u16(&f, k->v6 ? 0x86dd : 0x0800);
	if (k->v6) {
		fr_ip6(&f, 6, "fd00::1", "fd00::2", l4_len);
	} else {
		uint32_t l3 = f.len;

		fr_ip4(&f, 6, "10.0.0.1", "10.0.0.2", l4_len);
		put16(f.b + l3 + 4, 0xfffe);
		/* Don't fragment. */
		put16(f.b + l3 + 6, 0x4000);
	}
	l4 = f.len;
	fr_tcp(&f, 1000, 99, FLAG_ACK | FLAG_PSH);
	f.b[l4 + 12] = (5 + k->options / 4) << 4;
	memset(f.b + l4 + 4, 0xff, 4);
	fr_fill(&f, 1, k->options);
	memcpy(c->big, f.b, f.len);
	c->len = f.len + payload;
	for (i = 0; i < payload; i++)
		c->big[f.len + i] = i * 7 + (i >> 8);
	d.hdr_len = htole16(f.len);
	d.csum_start = htole16(l4);
	d.csum_offset = htole16(16);
	d.flags = htole16(SLUICE_TX_F_GSO | SLUICE_TX_F_CSUM |
			  (k->fixed_id ? SLUICE_TX_F_FIXED_ID : 0));
	assert_true(gso_init(&c->g, c->big, c->len, &d));
	assert_true(c->g.segs <= SEGS);
	gso_seed(&c->g, c->big);
	for (i = 0; i < c->g.segs; i++)
		c->seg_len[i] = gso_segment(&c->g, i, c->seg[i]);
}

static bool begin(struct gro *g, const uint8_t *frame, uint32_t len)
{
	struct frame_info fi;

	frame_parse(frame, len, &fi);
	return gro_begin(g, frame, len, &fi);
}

static bool fits(const struct gro *g, const uint8_t *frame, uint32_t len)
{
	struct frame_info fi;

	frame_parse(frame, len, &fi);
	return gro_fits(g, frame, len, &fi);
}

/* All frames merge, and the headers are what the sender's were. */
static void test_round_trip(void **state)
{
	static const uint32_t sizes[] = { MSS + 1, 2 * MSS, 8000 };
	static struct cut c;
	struct gro g = { 0 };
	unsigned int k, s, i;

	(void)state;
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			cut_make(&c, &kinds[k], sizes[s]);
			assert_true(begin(&g, c.seg[0], c.seg_len[0]));
			for (i = 1; i < c.g.segs; i++) {
				assert_false(g.ended);
				assert_true(fits(&g, c.seg[i], c.seg_len[i]));
				gro_add(&g, c.seg[i], c.seg_len[i]);
			}
			assert_true(g.ended);
			assert_false(fits(&g, c.seg[i - 1], c.seg_len[i - 1]));
			gro_finish(&g);
			assert_int_equal(g.len, c.len);
			assert_int_equal(g.mss, MSS);
			assert_int_equal(g.segs, c.g.segs);
			assert_int_equal(g.fixed_id, kinds[k].fixed_id);
			assert_memory_equal(g.hdr, c.big, c.g.hdr_len);
		}
	}
}

/* Is this byte of the headers free to be anything, as its sum is checked elsewhere? */
static bool is_sum(const struct cut *c, uint32_t at)
{
	return at - (c->g.l4 + 16) < 2 ||
	       (!c->g.v6 && at - (c->g.l3 + 10) < 2);
}

/* A frame with any other bit in its headers does not merge. */
static void test_any_bit(void **state)
{
	static struct cut c;
	struct gro g = { 0 };
	unsigned int k, at, bit;

	(void)state;
	for (k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		cut_make(&c, &kinds[k], 8000);
		assert_true(begin(&g, c.seg[0], c.seg_len[0]));
		gro_add(&g, c.seg[1], c.seg_len[1]);
		for (at = 0; at < c.g.hdr_len; at++) {
			for (bit = 1; bit < 0x100; bit <<= 1) {
				bool psh = at == c.g.l4 + 13u && bit == FLAG_PSH;

				if (is_sum(&c, at))
					continue;
				c.seg[2][at] ^= bit;
				assert_int_equal(fits(&g, c.seg[2], c.seg_len[2]),
						 psh);
				c.seg[2][at] ^= bit;
			}
		}
		/* Nothing behind the packet, and no later frame. */
		assert_false(fits(&g, c.seg[2], c.seg_len[2] + 1));
		assert_false(fits(&g, c.seg[3], c.seg_len[3]));
		assert_true(fits(&g, c.seg[2], c.seg_len[2]));
	}
}

/* Ids: one after the other or, where none is needed, all the same; no mixture. */
static void test_ids(void **state)
{
	static struct cut c;
	struct gro g = { 0 };
	uint32_t id, flags;

	(void)state;
	cut_make(&c, &kinds[0], 8000);
	id = c.g.l3 + 4;
	flags = c.g.l3 + 6;
	assert_true(begin(&g, c.seg[0], c.seg_len[0]));
	gro_add(&g, c.seg[1], c.seg_len[1]);
	memcpy(c.seg[2] + id, c.seg[1] + id, 2);
	assert_false(fits(&g, c.seg[2], c.seg_len[2]));

	assert_true(begin(&g, c.seg[0], c.seg_len[0]));
	memcpy(c.seg[1] + id, c.seg[0] + id, 2);
	assert_true(fits(&g, c.seg[1], c.seg_len[1]));
	c.seg[0][flags] = 0;
	c.seg[1][flags] = 0;
	assert_true(begin(&g, c.seg[0], c.seg_len[0]));
	assert_false(fits(&g, c.seg[1], c.seg_len[1]));
}

/* What no merged frame can begin with. */
static void test_begin(void **state)
{
	static const uint8_t flags[] = { 0x00, 0x01, 0x02, 0x04, 0x20, 0x40, 0x80 };
	static struct cut c;
	struct gro g = { 0 };
	unsigned int i;

	(void)state;
	cut_make(&c, &kinds[0], 8000);
	for (i = 0; i < sizeof(flags); i++) {
		c.seg[0][c.g.l4 + 13] = (flags[i] ? FLAG_ACK : 0) | flags[i];
		assert_false(begin(&g, c.seg[0], c.seg_len[0]));
	}
	/* PSH: nothing may come behind it. */
	assert_false(begin(&g, c.seg[c.g.segs - 1], c.seg_len[c.g.segs - 1]));
	c.seg[0][c.g.l4 + 13] = FLAG_ACK;
	assert_true(begin(&g, c.seg[0], c.seg_len[0]));
	/* No payload. */
	put16(c.seg[0] + c.g.l3 + 2, c.g.hdr_len - c.g.l3);
	assert_false(begin(&g, c.seg[0], c.g.hdr_len));
}

static int setup(void **state)
{
	static struct pair p;

	pair_start(&p, RING_LOG);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	fake_free(((struct pair *)*state)->m);
	return 0;
}

/* VF 0 has frames @first to @last of @c to send. */
static void post(struct pair *p, const struct cut *c, unsigned int first,
		 unsigned int last)
{
	static struct frame f;

	for (; first <= last; first++) {
		f.len = c->seg_len[first];
		memcpy(f.b, c->seg[first], f.len);
		tx_frame(p->a, &p->atx, &f);
	}
}

static void send(struct pair *p)
{
	wr(p->a, SLUICE_DB_TX(0), p->atx.count);
	run(p->m);
	assert_int_equal(rd(p->a, SLUICE_REG_ERROR), 0);
	assert_int_equal(rd(p->b, SLUICE_REG_ERROR), 0);
}

/* VF 1's next frame is frames @first to @last of @c. */
static void got(struct pair *p, struct cut *c, unsigned int first,
		unsigned int last)
{
	const struct sluice_cqe *cqe = cq_next(p->b, &p->bcq);
	uint32_t n = (last - first) * MSS + c->seg_len[last];
	static struct frame f;
	struct gro g = { 0 };

	assert_non_null(cqe);
	assert_true(le16toh(cqe->flags) & SLUICE_CQE_F_L4_OK);
	assert_int_equal(le32toh(cqe->len), n);
	rx_gather(p->b, &p->brx, cqe, &f);
	wr(p->b, SLUICE_DB_CQ(0), p->bcq.count);
	if (first == last) {
		assert_false(le16toh(cqe->flags) & SLUICE_CQE_F_LARGE);
		assert_int_equal(le16toh(cqe->mss), 0);
		assert_memory_equal(f.b, c->seg[first], n);
		return;
	}
	assert_true(le16toh(cqe->flags) & SLUICE_CQE_F_LARGE);
	assert_int_equal(le16toh(cqe->mss), MSS);
	assert_true(begin(&g, c->seg[first], c->seg_len[first]));
	for (; first < last; first++)
		gro_add(&g, c->seg[first + 1], c->seg_len[first + 1]);
	gro_finish(&g);
	assert_memory_equal(f.b, g.hdr, g.hdr_len);
	assert_memory_equal(f.b + g.hdr_len, c->big + g.hdr_len +
			    (g.seq - (n - g.hdr_len) + 1), n - g.hdr_len);
}

static void nothing_more(struct pair *p)
{
	assert_null(cq_next(p->b, &p->bcq));
}

/* Frames of one burst arrive as one, whatever the buffers are. */
static void test_merged(void **state)
{
	static const uint32_t bufs[] = { 80, 100, 700, 754, 2048, 16384 };
	struct pair *p = *state;
	struct sluice_vport_stats s;
	static struct cut c;
	unsigned int i;

	cut_make(&c, &kinds[0], SEGS * MSS - 1);
	take_large(p, RING_LOG);
	for (i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++) {
		uint64_t mark = p->b->next;

		rx_fill(p->b, &p->brx, 0, (c.len + bufs[i] - 1) / bufs[i],
			bufs[i]);
		post(p, &c, 0, SEGS - 1);
		send(p);
		got(p, &c, 0, SEGS - 1);
		nothing_more(p);
		/* All buffers were used, none is left for another frame. */
		assert_int_equal(p->m->nic->funcs[2].rxqs[0].head,
				 p->brx.count);
		p->b->next = mark;
	}
	sluice_esw_vport_stats(p->m->nic->esw, 2, &s);
	assert_int_equal(le64toh(s.rx_packets), i * SEGS);
}

/* One round, one frame: nothing waits for what may never come. */
static void test_rounds(void **state)
{
	struct pair *p = *state;
	static struct cut c;

	cut_make(&c, &kinds[0], SEGS * MSS);
	take_large(p, RING_LOG);
	rx_fill(p->b, &p->brx, 0, 60, 800);
	post(p, &c, 0, 0);
	send(p);
	got(p, &c, 0, 0);
	post(p, &c, 1, 3);
	send(p);
	got(p, &c, 1, 3);
	nothing_more(p);
}

/* Order: another frame comes behind those that came before it. */
static void test_order(void **state)
{
	struct pair *p = *state;
	static struct cut c;

	cut_make(&c, &kinds[0], SEGS * MSS);
	take_large(p, RING_LOG);
	rx_fill(p->b, &p->brx, 0, 60, 800);
	post(p, &c, 0, 2);
	post(p, &c, 5, 6);
	post(p, &c, 3, 3);
	send(p);
	got(p, &c, 0, 2);
	got(p, &c, 5, 6);
	got(p, &c, 3, 3);
	nothing_more(p);
}

/* What does not fit into the buffers is dropped, not what came before. */
static void test_no_room(void **state)
{
	struct pair *p = *state;
	struct sluice_vport_stats s;
	static struct cut c;

	cut_make(&c, &kinds[0], SEGS * MSS);
	take_large(p, RING_LOG);
	/* Three frames, but not four. */
	rx_fill(p->b, &p->brx, 0, 3, 754);
	post(p, &c, 0, 4);
	send(p);
	got(p, &c, 0, 2);
	nothing_more(p);
	sluice_esw_vport_stats(p->m->nic->esw, 2, &s);
	assert_int_equal(le64toh(s.rx_dropped_nobuf), 2);
}

/* A wrong checksum is not hidden among right ones. */
static void test_bad_sum(void **state)
{
	struct pair *p = *state;
	const struct sluice_cqe *cqe;
	static struct cut c;

	cut_make(&c, &kinds[0], SEGS * MSS);
	take_large(p, RING_LOG);
	rx_fill(p->b, &p->brx, 0, 60, 800);
	c.seg[1][c.seg_len[1] - 1] ^= 1;
	post(p, &c, 0, 1);
	send(p);
	got(p, &c, 0, 0);
	cqe = cq_next(p->b, &p->bcq);
	assert_non_null(cqe);
	assert_false(le16toh(cqe->flags) &
		     (SLUICE_CQE_F_LARGE | SLUICE_CQE_F_L4_OK));
	nothing_more(p);
}

/* A queue that takes no large frames gets none. */
static void test_not_asked(void **state)
{
	struct pair *p = *state;
	static struct cut c;

	cut_make(&c, &kinds[0], SEGS * MSS);
	rx_fill(p->b, &p->brx, 0, 60, 800);
	post(p, &c, 0, 1);
	send(p);
	got(p, &c, 0, 0);
	got(p, &c, 1, 1);
	nothing_more(p);
}

/* Memory that fails in the middle stops the function, and nothing else. */
static void test_bad_memory(void **state)
{
	struct pair *p = *state;
	static struct cut c;
	uint64_t at;

	cut_make(&c, &kinds[0], SEGS * MSS);
	take_large(p, RING_LOG);
	at = FAKE_BASE + (uint64_t)p->b->fn * FAKE_WINDOW + p->b->next;
	rx_fill(p->b, &p->brx, 0, 10, 800);
	p->m->bad_first = at + 1600;
	p->m->bad_last = at + 1700;
	post(p, &c, 0, SEGS - 1);
	wr(p->a, SLUICE_DB_TX(0), p->atx.count);
	run(p->m);
	assert_int_equal(rd(p->a, SLUICE_REG_ERROR), 0);
	assert_int_equal(rd(p->b, SLUICE_REG_ERROR), SLUICE_ERR_DMA);
	p->m->bad_first = UINT64_MAX;
	p->m->bad_last = 0;
	drv_reset(p->b);
	assert_int_equal(rd(p->b, SLUICE_REG_ERROR), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_any_bit),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_begin),
		cmocka_unit_test_setup_teardown(test_merged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_sum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_asked, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_bad_memory, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("nic_gro", tests, NULL, NULL);
}
