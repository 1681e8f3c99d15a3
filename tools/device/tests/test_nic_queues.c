// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets: transmit, receive, completions, interrupts, statistics. */
#include "nic_fake.h"
#include "../nic/internal.h"

/* VF 0 and VF 1 talk through the legacy switch. */
static int setup(void **state)
{
	static struct pair p;

	pair_start(&p, 4);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	fake_free(((struct pair *)*state)->m);
	return 0;
}

/* A UDP frame from function @from to @to with @payload bytes. */
static void udp(struct frame *f, unsigned int from, unsigned int to,
		uint16_t sport, uint16_t payload)
{
	unsigned int i;

	f->len = 0;
	fr_eth(f, fn_mac(to), fn_mac(from), 0x0800);
	fr_ip4(f, 17, "10.0.0.1", "10.0.0.2", 8 + payload);
	fr_udp(f, sport, 99, payload);
	for (i = 0; f->len < 42u + payload; i++)
		fr_fill(f, i, 1);
}

static void ring_tx(struct drv *d, struct ring *tx)
{
	wr(d, SLUICE_DB_TX(0), tx->count);
	run(d->m);
}

static void test_send(void **state)
{
	struct pair *p = *state;
	const struct sluice_cqe *cqe;
	struct frame f, g;
	uint64_t a_mark = p->a->next, b_mark = p->b->next;
	unsigned int i;

	for (i = 0; i < 200; i++) {
		p->a->next = a_mark;
		p->b->next = b_mark;
		udp(&f, 1, 2, i, i);
		rx_fill(p->b, &p->brx, 0, 1, 2048);
		tx_frame(p->a, &p->atx, &f);
		ring_tx(p->a, &p->atx);

		cqe = cq_next(p->a, &p->acq);
		assert_non_null(cqe);
		assert_int_equal(le32toh(cqe->index), i + 1);
		assert_int_equal(cqe->flags, 0);
		assert_int_equal(cqe->queue, 0);
		wr(p->a, SLUICE_DB_CQ(0), p->acq.count);

		cqe = cq_next(p->b, &p->bcq);
		assert_non_null(cqe);
		assert_int_equal(le32toh(cqe->index), i);
		assert_int_equal(le32toh(cqe->len), f.len);
		assert_true(le16toh(cqe->flags) & SLUICE_CQE_F_RX);
		assert_false(le16toh(cqe->flags) & SLUICE_CQE_F_SLOW);
		rx_gather(p->b, &p->brx, cqe, &g);
		assert_int_equal(g.len, f.len);
		assert_memory_equal(g.b, f.b, f.len);
		wr(p->b, SLUICE_DB_CQ(0), p->bcq.count);
	}
	assert_int_equal(rd(p->a, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
}

/* Counts of queues and completions across 2^32. */
static void test_count_wrap(void **state)
{
	struct pair *p = *state;
	const uint32_t start = 0xfffffff0;
	struct func *fa = &p->m->nic->funcs[1], *fb = &p->m->nic->funcs[2];
	struct frame f;
	unsigned int i;

	fa->txqs[0].head = start;
	fa->txqs[0].db = start;
	p->atx.count = start;
	fb->rxqs[0].head = start;
	fb->rxqs[0].db = start;
	p->brx.count = start;
	fa->cqs[0].ring.prod = start;
	fa->cqs[0].ring.cons = start;
	fa->cqs[0].ring.db = start;
	p->acq.count = start;
	memset(drv_mem(p->a, p->acq.base), !(~start & p->acq.size), 32 * 32);
	for (i = 0; i < 60; i++) {
		const struct sluice_cqe *cqe;

		udp(&f, 1, 2, i, 10);
		rx_fill(p->b, &p->brx, 0, 1, 64);
		tx_frame(p->a, &p->atx, &f);
		ring_tx(p->a, &p->atx);
		cqe = cq_next(p->a, &p->acq);
		assert_non_null(cqe);
		assert_int_equal(le32toh(cqe->index), start + i + 1);
		wr(p->a, SLUICE_DB_CQ(0), p->acq.count);
		cqe = cq_next(p->b, &p->bcq);
		assert_non_null(cqe);
		assert_int_equal(le32toh(cqe->index), start + i);
		wr(p->b, SLUICE_DB_CQ(0), p->bcq.count);
	}
	assert_true(p->atx.count < 1000);
}

/* Frames in pieces, around the ring's end, and into several buffers. */
static void test_pieces(void **state)
{
	struct pair *p = *state;
	struct frame f, g;
	unsigned int round, i, n, used = 0;

	for (round = 0; round < 40; round++) {
		const struct sluice_cqe *cqe;
		uint64_t buf;

		udp(&f, 1, 2, round, 100 + round * 10);
		buf = drv_alloc(p->a, f.len);
		memcpy(drv_mem(p->a, buf), f.b, f.len);
		n = 1 + round % 7;
		for (i = 0; i < n; i++) {
			struct sluice_tx_desc *d = tx_slot(p->a, &p->atx);
			uint32_t from = f.len * i / n;

			d->addr = htole64(buf + from);
			d->len = htole32(f.len * (i + 1) / n - from);
			if (i == n - 1)
				d->flags = htole16(SLUICE_TX_F_EOP);
		}
		rx_fill(p->b, &p->brx, 0, (f.len + 63) / 64, 64);
		ring_tx(p->a, &p->atx);
		cqe = cq_next(p->b, &p->bcq);
		assert_non_null(cqe);
		assert_int_equal(le16toh(cqe->nbufs), (f.len + 63) / 64);
		assert_int_equal(le32toh(cqe->index), used);
		used += (f.len + 63) / 64;
		rx_gather(p->b, &p->brx, cqe, &g);
		assert_int_equal(g.len, f.len);
		assert_memory_equal(g.b, f.b, f.len);
		wr(p->b, SLUICE_DB_CQ(0), p->bcq.count);
		assert_non_null(cq_next(p->a, &p->acq));
		wr(p->a, SLUICE_DB_CQ(0), p->acq.count);
		/* 16 buffers hold 1024 bytes: longer ones would not fit. */
		if (f.len > 900)
			break;
	}
}

/* A frame whose end is not announced yet waits for it. */
static void test_half_announced(void **state)
{
	struct pair *p = *state;
	struct sluice_tx_desc *d;
	struct frame f;
	uint64_t buf;

	udp(&f, 1, 2, 1, 50);
	buf = drv_alloc(p->a, f.len);
	memcpy(drv_mem(p->a, buf), f.b, f.len);
	rx_fill(p->b, &p->brx, 0, 1, 2048);
	d = tx_slot(p->a, &p->atx);
	d->addr = htole64(buf);
	d->len = htole32(20);
	ring_tx(p->a, &p->atx);
	assert_null(cq_next(p->a, &p->acq));
	d = tx_slot(p->a, &p->atx);
	d->addr = htole64(buf + 20);
	d->len = htole32(f.len - 20);
	d->flags = htole16(SLUICE_TX_F_EOP);
	ring_tx(p->a, &p->atx);
	assert_int_equal(le32toh(cq_next(p->a, &p->acq)->index), 2);
	assert_int_equal(le32toh(cq_next(p->b, &p->bcq)->len), f.len);
}

static void test_no_buffers(void **state)
{
	struct pair *p = *state;
	struct sluice_vport_stats st;
	struct frame f;

	udp(&f, 1, 2, 1, 200);
	rx_fill(p->b, &p->brx, 0, 3, 64);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_non_null(cq_next(p->a, &p->acq));
	assert_null(cq_next(p->b, &p->bcq));
	sluice_esw_vport_stats(p->m->nic->esw, 2, &st);
	assert_int_equal(le64toh(st.rx_dropped_nobuf), 1);
	/* The three buffers are still there, and one more is enough. */
	rx_fill(p->b, &p->brx, 0, 1, 64);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(le16toh(cq_next(p->b, &p->bcq)->nbufs), 4);
}

/* One completion for a batch; a full queue holds its senders up. */
static void test_cq_full(void **state)
{
	struct pair *p = *state;
	struct frame f;
	unsigned int i;

	/* A completion queue of 8 for a second transmit queue. */
	struct ring cq = drv_cq(p->a, 1, 3, 2, 0, 0);
	struct ring tx = drv_queue(p->a, SLUICE_CMD_TXQ_CREATE, 1, 5, 1);

	udp(&f, 1, 2, 1, 20);
	for (i = 0; i < 5; i++)
		tx_frame(p->a, &tx, &f);
	wr(p->a, SLUICE_DB_TX(1), tx.count);
	run(p->m);
	assert_int_equal(le32toh(cq_next(p->a, &cq)->index), 5);
	assert_null(cq_next(p->a, &cq));

	for (i = 0; i < 10; i++) {
		tx_frame(p->a, &tx, &f);
		wr(p->a, SLUICE_DB_TX(1), tx.count);
		run(p->m);
	}
	/* Seven more fit beside the one that was not given back. */
	assert_int_equal(p->m->nic->funcs[1].txqs[1].head, 12);
	assert_int_equal(rd(p->a, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	while (cq_next(p->a, &cq))
		;
	wr(p->a, SLUICE_DB_CQ(1), cq.count);
	run(p->m);
	assert_int_equal(p->m->nic->funcs[1].txqs[1].head, 15);
	assert_int_equal(le32toh(cq_next(p->a, &cq)->index), 15);
	assert_int_equal(p->m->deadline == SLUICE_NO_DEADLINE ||
			 p->m->deadline > p->m->now, true);
}

static void test_csum(void **state)
{
	struct pair *p = *state;
	struct sluice_tx_desc *d;
	const struct sluice_cqe *cqe;
	struct frame_info fi;
	struct frame f, g;
	uint16_t seed, want;

	rx_fill(p->b, &p->brx, 0, 8, 2048);
	udp(&f, 1, 2, 1, 101);
	frame_parse(f.b, f.len, &fi);
	f.b[40] = 0;
	f.b[41] = 0;
	seed = frame_pseudo_sum(f.b, &fi);
	f.b[40] = seed >> 8;
	f.b[41] = seed & 0xff;
	want = ~frame_sum(f.b + 34, f.len - 34, 0);
	d = tx_frame(p->a, &p->atx, &f);
	d->flags |= htole16(SLUICE_TX_F_CSUM);
	d->csum_start = htole16(34);
	d->csum_offset = htole16(6);
	ring_tx(p->a, &p->atx);
	cqe = cq_next(p->b, &p->bcq);
	assert_true(le16toh(cqe->flags) & SLUICE_CQE_F_L4_OK);
	rx_gather(p->b, &p->brx, cqe, &g);
	assert_int_equal(g.b[40] << 8 | g.b[41], want);
	frame_parse(g.b, g.len, &fi);
	assert_true(frame_l4_ok(g.b, &fi));

	/* A wrong seed makes a wrong checksum, which nobody calls right. */
	seed ^= 0x0100;
	f.b[40] = seed >> 8;
	d = tx_frame(p->a, &p->atx, &f);
	d->flags |= htole16(SLUICE_TX_F_CSUM);
	d->csum_start = htole16(34);
	d->csum_offset = htole16(6);
	ring_tx(p->a, &p->atx);
	cqe = cq_next(p->b, &p->bcq);
	assert_false(le16toh(cqe->flags) & SLUICE_CQE_F_L4_OK);

	/* Without the request the frame is as it was. */
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	cqe = cq_next(p->b, &p->bcq);
	assert_false(le16toh(cqe->flags) & SLUICE_CQE_F_L4_OK);
	rx_gather(p->b, &p->brx, cqe, &g);
	assert_memory_equal(g.b, f.b, f.len);
}

static void test_rss(void **state)
{
	struct pair *p = *state;
	struct sluice_cmd_rss rss = {
		.hdr.opcode = SLUICE_CMD_RSS_SET,
		.types = htole32(SLUICE_RSS_ALL),
	};
	struct ring cq1 = drv_cq(p->b, 1, 8, 2, 0, 0);
	struct ring rx1 = drv_queue(p->b, SLUICE_CMD_RXQ_CREATE, 1, 4, 1);
	unsigned int i, hits[2] = { 0 };
	struct frame f;

	for (i = 0; i < 40; i++)
		rss.key[i] = i * 37 + 11;
	for (i = 0; i < SLUICE_RSS_TABLE_SIZE; i++)
		rss.table[i] = i & 1;
	assert_int_equal(drv_cmd(p->b, &rss, sizeof(rss)), SLUICE_ST_OK);
	for (i = 0; i < 100; i++) {
		const struct sluice_cqe *c0, *c1, *c;

		rx_fill(p->b, &p->brx, 0, p->brx.count == hits[0], 128);
		rx_fill(p->b, &rx1, 1, rx1.count == hits[1], 128);
		udp(&f, 1, 2, i * 13, 20);
		tx_frame(p->a, &p->atx, &f);
		ring_tx(p->a, &p->atx);
		assert_non_null(cq_next(p->a, &p->acq));
		wr(p->a, SLUICE_DB_CQ(0), p->acq.count);
		c0 = cq_next(p->b, &p->bcq);
		c1 = cq_next(p->b, &cq1);
		assert_true(!c0 != !c1);
		c = c0 ? c0 : c1;
		assert_non_null(c);
		assert_true(le16toh(c->flags) & SLUICE_CQE_F_HASH);
		assert_true(le16toh(c->flags) & SLUICE_CQE_F_HASH_L4);
		assert_int_equal(c->queue, c0 ? 0 : 1);
		assert_int_equal(le32toh(c->hash) & 1, c->queue);
		hits[c->queue]++;
		wr(p->b, SLUICE_DB_CQ(0), p->bcq.count);
		wr(p->b, SLUICE_DB_CQ(1), cq1.count);
	}
	assert_true(hits[0] > 25 && hits[1] > 25);
}

/* Interrupts: by count, by time, once for each arming. */
static void test_moderation(void **state)
{
	struct pair *p = *state;
	struct sluice_cmd_cq cmd = {
		.hdr.opcode = SLUICE_CMD_CQ_MODERATE,
		.usecs = htole16(100),
		.frames = htole16(4),
	};
	struct frame f;
	unsigned int i, *irqs = &p->m->irqs[2][1];

	udp(&f, 1, 2, 1, 20);
	rx_fill(p->b, &p->brx, 0, 16, 128);
	assert_int_equal(drv_cmd(p->b, &cmd, sizeof(cmd)), SLUICE_ST_OK);

	/* Not armed: none. */
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 1000000);
	assert_int_equal(*irqs, 0);

	/* Armed, one completion: after 100 us, not before. */
	wr(p->b, SLUICE_DB_CQ_ARM(0), ++p->bcq.count);
	run(p->m);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 99 * NSEC_PER_USEC);
	assert_int_equal(*irqs, 0);
	run_for(p->m, 2 * NSEC_PER_USEC);
	assert_int_equal(*irqs, 1);
	run_for(p->m, 1000000);
	assert_int_equal(*irqs, 1);

	/* Four of them: at once. */
	wr(p->b, SLUICE_DB_CQ_ARM(0), ++p->bcq.count);
	for (i = 0; i < 3; i++)
		tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(*irqs, 1);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(*irqs, 2);

	/* Armed behind what is there already, long after it came. */
	run_for(p->m, 1000000);
	wr(p->b, SLUICE_DB_CQ_ARM(0), p->bcq.count + 3);
	run(p->m);
	run_for(p->m, 101 * NSEC_PER_USEC);
	assert_int_equal(*irqs, 3);
	p->bcq.count += 4;
	wr(p->b, SLUICE_DB_CQ_ARM(0), p->bcq.count);
	run_for(p->m, 1000000);
	assert_int_equal(*irqs, 3);

	/* No moderation: each at once. */
	cmd.usecs = 0;
	assert_int_equal(drv_cmd(p->b, &cmd, sizeof(cmd)), SLUICE_ST_OK);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(*irqs, 4);
}

struct bad_tx {
	const char *what;
	uint32_t len;
	uint16_t flags;
	uint16_t start, offset;
	uint8_t poke;		/* offset of a byte to set to 1, or 0 */
};

static const struct bad_tx bad_txs[] = {
	{ "no length", 0, SLUICE_TX_F_EOP, 0, 0, 0 },
	{ "below the minimum", 13, SLUICE_TX_F_EOP, 0, 0, 0 },
	{ "above the maximum", 9237, SLUICE_TX_F_EOP, 0, 0, 0 },
	{ "length of 17 bits", 65536 + 64, SLUICE_TX_F_EOP, 0, 0, 0 },
	{ "segmentation", 64, SLUICE_TX_F_EOP | SLUICE_TX_F_GSO, 0, 0, 0 },
	{ "fixed id", 64, SLUICE_TX_F_EOP | SLUICE_TX_F_FIXED_ID, 0, 0, 0 },
	{ "unknown flag", 64, SLUICE_TX_F_EOP | 0x20, 0, 0, 0 },
	{ "direct from a VF", 64, SLUICE_TX_F_EOP | SLUICE_TX_F_DIRECT, 0, 0,
	  0 },
	{ "vport without direct", 64, SLUICE_TX_F_EOP, 0, 0, 14 },
	{ "mss", 64, SLUICE_TX_F_EOP, 0, 0, 20 },
	{ "header length", 64, SLUICE_TX_F_EOP, 0, 0, 22 },
	{ "reserved", 64, SLUICE_TX_F_EOP, 0, 0, 31 },
	{ "offset without request", 64, SLUICE_TX_F_EOP, 0, 6, 0 },
	{ "start without request", 64, SLUICE_TX_F_EOP, 34, 0, 0 },
	{ "checksum behind the end", 64, SLUICE_TX_F_EOP | SLUICE_TX_F_CSUM,
	  57, 6, 0 },
	{ "checksum far behind", 64, SLUICE_TX_F_EOP | SLUICE_TX_F_CSUM,
	  0xffff, 0xffff, 0 },
};

static void revive(struct pair *p)
{
	drv_reset(p->a);
	memset(&p->acq, 0, sizeof(p->acq));
	drv_nic(p->a, 4, &p->acq, &p->atx, &p->arx);
}

static void test_bad_tx(void **state)
{
	struct pair *p = *state;
	struct frame f;
	unsigned int i;

	rx_fill(p->b, &p->brx, 0, 16, 2048);
	for (i = 0; i < sizeof(bad_txs) / sizeof(bad_txs[0]); i++) {
		const struct bad_tx *b = &bad_txs[i];
		struct sluice_tx_desc *d;

		udp(&f, 1, 2, 1, 20);
		tx_frame(p->a, &p->atx, &f);
		d = tx_frame(p->a, &p->atx, &f);
		d->len = htole32(b->len);
		d->flags = htole16(b->flags);
		d->csum_start = htole16(b->start);
		d->csum_offset = htole16(b->offset);
		if (b->poke)
			((uint8_t *)d)[b->poke] = 1;
		ring_tx(p->a, &p->atx);
		if (rd(p->a, SLUICE_REG_ERROR) != SLUICE_ERR_TX_DESC ||
		    rd(p->a, SLUICE_REG_ERROR_INFO) != 1)
			fail_msg("%s: error %u info %#x", b->what,
				 rd(p->a, SLUICE_REG_ERROR),
				 rd(p->a, SLUICE_REG_ERROR_INFO));
		/* The good one before it went out. */
		assert_non_null(cq_next(p->b, &p->bcq));
		wr(p->b, SLUICE_DB_CQ(0), p->bcq.count);
		rx_fill(p->b, &p->brx, 0, 1, 128);
		revive(p);
	}
}

/* Second and later pieces have nothing but address and length. */
static void test_bad_pieces(void **state)
{
	struct pair *p = *state;
	static const uint8_t poke[] = { 12, 13, 14, 16, 18, 20, 22, 24 };
	unsigned int i;
	struct frame f;

	udp(&f, 1, 2, 1, 20);
	for (i = 0; i < sizeof(poke); i++) {
		struct sluice_tx_desc *d = tx_frame(p->a, &p->atx, &f);

		d->flags = 0;
		d = tx_frame(p->a, &p->atx, &f);
		((uint8_t *)d)[poke[i]] |= 2;
		ring_tx(p->a, &p->atx);
		drv_failed(p->a, SLUICE_ERR_TX_DESC, 1);
		revive(p);
	}
	/* Too many pieces. */
	drv_u32(p->a, SLUICE_CMD_TXQ_DESTROY, 0);
	p->atx = drv_queue(p->a, SLUICE_CMD_TXQ_CREATE, 0, 6, 0);
	for (i = 0; i < 33; i++) {
		struct sluice_tx_desc *d = tx_frame(p->a, &p->atx, &f);

		d->flags = i == 32 ? htole16(SLUICE_TX_F_EOP) : 0;
	}
	ring_tx(p->a, &p->atx);
	drv_failed(p->a, SLUICE_ERR_TX_DESC, 32);
}

static void test_bad_doorbells(void **state)
{
	struct pair *p = *state;

	wr(p->a, SLUICE_DB_TX(0), 17);
	drv_failed(p->a, SLUICE_ERR_TX_INDEX, 0);
	revive(p);
	wr(p->a, SLUICE_DB_RX(0), 17);
	drv_failed(p->a, SLUICE_ERR_RX_INDEX, 0);
	revive(p);
	wr(p->a, SLUICE_DB_TX(1), 0);
	drv_failed(p->a, SLUICE_ERR_TX_INDEX, 1);
	revive(p);
	wr(p->a, SLUICE_DB_RX(63), 0);
	drv_failed(p->a, SLUICE_ERR_RX_INDEX, 63);
	revive(p);
	wr(p->a, SLUICE_DB_CQ(0), 1);
	drv_failed(p->a, SLUICE_ERR_CQ_INDEX, 0);
	revive(p);
	wr(p->a, SLUICE_DB_CQ_ARM(3), 0);
	drv_failed(p->a, SLUICE_ERR_CQ_INDEX, 3);
	assert_int_equal(rd(p->b, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
}

static void test_bad_rx(void **state)
{
	struct pair *p = *state;
	struct sluice_rx_desc *d = drv_mem(p->b, p->brx.base);
	struct frame f;
	unsigned int i;

	udp(&f, 1, 2, 1, 20);
	for (i = 0; i < 3; i++) {
		rx_fill(p->b, &p->brx, 0, 1, 128);
		if (i == 0)
			d->len = htole32(63);
		else if (i == 1)
			d->len = htole32(65536);
		else
			d->reserved = htole32(1);
		tx_frame(p->a, &p->atx, &f);
		ring_tx(p->a, &p->atx);
		drv_failed(p->b, SLUICE_ERR_RX_DESC, 0);
		/* The sender is none the worse for it. */
		assert_non_null(cq_next(p->a, &p->acq));
		assert_int_equal(rd(p->a, SLUICE_REG_STATUS),
				 SLUICE_STATUS_READY);
		drv_reset(p->b);
		drv_nic(p->b, 4, &p->bcq, &p->btx, &p->brx);
		d = drv_mem(p->b, p->brx.base);
	}
}

static void test_dma_failure(void **state)
{
	struct pair *p = *state;
	struct frame f;
	unsigned int i;

	udp(&f, 1, 2, 1, 20);
	for (i = 0; i < 5; i++) {
		struct drv *victim = i < 2 ? p->a : p->b;
		static const uint32_t user[] = {
			SLUICE_DMA_TX_DESC, SLUICE_DMA_TX_DATA,
			SLUICE_DMA_RX_DESC, SLUICE_DMA_RX_DATA, SLUICE_DMA_CQ,
		};
		struct sluice_tx_desc *d = tx_frame(p->a, &p->atx, &f);
		struct sluice_rx_desc *r = drv_mem(p->b, p->brx.base);

		rx_fill(p->b, &p->brx, 0, 1, 128);
		p->m->bad_first = i == 0 ? p->atx.base :
				  i == 1 ? le64toh(d->addr) + 20 :
				  i == 2 ? p->brx.base :
				  i == 3 ? le64toh(r->addr) : p->bcq.base;
		p->m->bad_last = p->m->bad_first;
		ring_tx(p->a, &p->atx);
		drv_failed(victim, SLUICE_ERR_DMA, user[i]);
		p->m->bad_first = UINT64_MAX;
		p->m->bad_last = 0;
		drv_reset(p->a);
		drv_reset(p->b);
		drv_nic(p->a, 4, &p->acq, &p->atx, &p->arx);
		drv_nic(p->b, 4, &p->bcq, &p->btx, &p->brx);
	}
}

/* Reset in the middle of work: nothing of it happens any more. */
static void test_reset_midway(void **state)
{
	struct pair *p = *state;
	struct frame f;
	unsigned int reads;

	/* The worker must not be quicker than this. */
	if (p->m->threaded)
		skip();
	udp(&f, 1, 2, 1, 20);
	tx_frame(p->a, &p->atx, &f);
	wr(p->a, SLUICE_DB_TX(0), p->atx.count);
	wr(p->a, SLUICE_DB_CQ_ARM(0), 0);
	wr(p->a, SLUICE_REG_RESET, SLUICE_RESET_MAGIC);
	reads = p->m->reads;
	run(p->m);
	assert_int_equal(p->m->reads, reads);
	assert_null(cq_next(p->a, &p->acq));
	assert_int_equal(rd(p->a, SLUICE_REG_STATUS), SLUICE_STATUS_READY);
	revive(p);
	rx_fill(p->b, &p->brx, 0, 1, 128);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_non_null(cq_next(p->b, &p->bcq));
}

static void test_disabled(void **state)
{
	struct pair *p = *state;
	struct sluice_vport_stats st;
	struct frame f;

	udp(&f, 1, 2, 1, 20);
	rx_fill(p->b, &p->brx, 0, 4, 128);
	assert_int_equal(drv_u32(p->b, SLUICE_CMD_SET_STATE, 0), SLUICE_ST_OK);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_null(cq_next(p->b, &p->bcq));
	sluice_esw_vport_stats(p->m->nic->esw, 2, &st);
	assert_int_equal(le64toh(st.rx_dropped_link), 1);

	/* What a disabled function posts waits for it to be enabled. */
	udp(&f, 2, 1, 1, 20);
	rx_fill(p->a, &p->arx, 0, 4, 128);
	tx_frame(p->b, &p->btx, &f);
	ring_tx(p->b, &p->btx);
	assert_non_null(cq_next(p->a, &p->acq));
	assert_null(cq_next(p->a, &p->acq));
	assert_int_equal(drv_u32(p->b, SLUICE_CMD_SET_STATE, 1), SLUICE_ST_OK);
	assert_non_null(cq_next(p->a, &p->acq));
}

/* Wires: in, out, and no room. */
static void test_wire(void **state)
{
	struct pair *p = *state;
	struct fake_wire *w = &p->m->wire[0];
	const struct sluice_cqe *cqe;
	struct frame f, g;
	unsigned int i;

	f.len = 0;
	fr_eth(&f, fn_mac(1), MAC_A, 0x0800);
	fr_ip4(&f, 17, "10.0.0.1", "10.0.0.2", 8);
	fr_udp(&f, 1, 2, 0);
	rx_fill(p->a, &p->arx, 0, 1, 128);
	wire_in(p->m, 0, &f);
	run(p->m);
	cqe = cq_next(p->a, &p->acq);
	assert_non_null(cqe);
	assert_true(le16toh(cqe->flags) & SLUICE_CQE_F_L3_OK);
	assert_false(le16toh(cqe->flags) & SLUICE_CQE_F_L4_OK);
	rx_gather(p->a, &p->arx, cqe, &g);
	assert_memory_equal(g.b, f.b, f.len);

	f.len = 0;
	fr_eth(&f, MAC_A, fn_mac(1), 0x88b5);
	fr_fill(&f, 0x33, 50);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(w->sent, 1);
	assert_int_equal(w->last.len, f.len);
	assert_memory_equal(w->last.b, f.b, f.len);

	/* A full wire holds the queue up until it has room. */
	w->room = (p->m->cfg.max_actions + 2) * p->m->cfg.threads + 2;
	for (i = 0; i < 10; i++)
		tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(w->sent, 4);
	assert_true(p->m->deadline > p->m->now);
	w->room = 100;
	sluice_nic_wire_tx_notify(p->m->nic);
	run(p->m);
	assert_int_equal(w->sent, 11);
	/* Or until it is time to look by itself. */
	w->room = 0;
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(w->sent, 11);
	w->room = 100;
	run_for(p->m, 21 * NSEC_PER_MSEC);
	assert_int_equal(w->sent, 12);
}

/* The PF in switchdev mode: direct frames, the slow path, order of commands. */
static void test_switchdev(void **state)
{
	struct pair *p = *state;
	struct drv *pf = &p->m->drv[0];
	struct ring cq, tx, rx;
	const struct sluice_cqe *cqe;
	struct sluice_tx_desc *d;
	struct frame f, g;

	drv_nic(pf, 4, &cq, &tx, &rx);
	rx_fill(pf, &rx, 0, 8, 2048);
	rx_fill(p->b, &p->brx, 0, 8, 2048);
	udp(&f, 1, 2, 1, 20);

	/* The mode command, announced first, holds for the frame after it. */
	{
		struct sluice_cmd_u32 cmd = {
			.hdr.opcode = SLUICE_CMD_ESW_MODE,
			.value = htole32(SLUICE_ESW_SWITCHDEV),
		};

		drv_post(pf, &cmd, sizeof(cmd));
		drv_ring(pf);
		tx_frame(p->a, &p->atx, &f);
		ring_tx(p->a, &p->atx);
		assert_non_null(drv_completion(pf));
		wr(pf, SLUICE_DB_CTRL_CQ, pf->cq_head);
	}
	assert_null(cq_next(p->b, &p->bcq));
	cqe = cq_next(pf, &cq);
	assert_non_null(cqe);
	assert_true(le16toh(cqe->flags) & SLUICE_CQE_F_SLOW);
	assert_int_equal(le16toh(cqe->src_vport), 1);
	assert_int_equal(cqe->reason, SLUICE_MISS_NO_TABLE);
	assert_int_equal(le32toh(cqe->table), SLUICE_ID_NONE);
	rx_gather(pf, &rx, cqe, &g);
	assert_memory_equal(g.b, f.b, f.len);

	/* The PF's answer goes past the tables. */
	d = tx_frame(pf, &tx, &f);
	d->flags |= htole16(SLUICE_TX_F_DIRECT);
	d->dst_vport = htole16(2);
	wr(pf, SLUICE_DB_TX(0), tx.count);
	run(p->m);
	assert_non_null(cq_next(p->b, &p->bcq));
	assert_non_null(cq_next(pf, &cq));

	/* There is no such vport. */
	d = tx_frame(pf, &tx, &f);
	d->flags |= htole16(SLUICE_TX_F_DIRECT);
	d->dst_vport = htole16(77);
	wr(pf, SLUICE_DB_TX(0), tx.count);
	drv_failed(pf, SLUICE_ERR_TX_DESC, 1);
}

static int map(struct drv *pf, uint8_t opcode, uint64_t addr, uint32_t base,
	       uint32_t count)
{
	struct sluice_cmd_counters cmd = {
		.hdr.opcode = opcode,
		.addr = htole64(addr),
		.base = htole32(base),
		.count = htole32(count),
	};

	return drv_cmd(pf, &cmd, sizeof(cmd));
}

/* A rule that drops everything VF 0 sends, counted by counter 5. */
static int add_rule(struct drv *pf, uint16_t flags)
{
	union {
		struct sluice_cmd_rule cmd;
		uint8_t room[64];
	} u = { .cmd = {
		.hdr.opcode = SLUICE_CMD_RULE_ADD,
		.id = htole32(9),
		.counter = htole32(5),
		.num_actions = 1,
		.flags = htole16(flags),
	} };

	u.room[48] = SLUICE_ACT_DROP;
	return drv_cmd(pf, &u, 64);
}

static void test_counters(void **state)
{
	struct pair *p = *state;
	struct drv *pf = &p->m->drv[0];
	struct sluice_cmd_mask mask = { .hdr.opcode = SLUICE_CMD_MASK_ADD };
	struct sluice_cmd_vport vp = {
		.hdr.opcode = SLUICE_CMD_VPORT_SET,
		.hdr.vport = htole16(1),
		.fields = htole32(SLUICE_VPORT_F_ROOT),
	};
	struct sluice_cmd_hdr sync = { .opcode = SLUICE_CMD_SYNC };
	struct sluice_counter *c;
	uint64_t addr, used;
	struct frame f;

	drv_start(pf);
	udp(&f, 1, 2, 1, 20);
	addr = drv_alloc(pf, 16 * sizeof(*c));
	c = drv_mem(pf, addr);
	assert_int_equal(drv_u32(pf, SLUICE_CMD_ESW_MODE, 1), SLUICE_ST_OK);
	assert_int_equal(drv_cmd(pf, &mask, sizeof(mask)), SLUICE_ST_OK);
	assert_int_equal(add_rule(pf, SLUICE_RULE_F_ZERO), SLUICE_ST_OK);
	assert_int_equal(drv_cmd(pf, &vp, sizeof(vp)), SLUICE_ST_OK);

	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_MAP, addr, 0, 12),
			 SLUICE_ST_INVAL);
	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_MAP, addr, 8, 16),
			 SLUICE_ST_INVAL);
	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_MAP, addr, 64, 16),
			 SLUICE_ST_INVAL);
	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_MAP, addr + 32, 0, 16),
			 SLUICE_ST_INVAL);
	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_UNMAP, 0, 0, 16),
			 SLUICE_ST_NOENT);

	/* Counted before it is mapped: there when it is. */
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 500 * NSEC_PER_MSEC);
	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_MAP, addr, 0, 16),
			 SLUICE_ST_OK);
	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_MAP, addr, 0, 1),
			 SLUICE_ST_EXIST);
	assert_int_equal(le64toh(c[5].packets), 1);

	/* Written when it is time, and no timer runs when nothing changes. */
	assert_int_equal(drv_u32(pf, SLUICE_CMD_STATS_CONFIG, 100),
			 SLUICE_ST_OK);
	run_for(p->m, 500 * NSEC_PER_MSEC);
	assert_true(p->m->deadline == SLUICE_NO_DEADLINE);
	tx_frame(p->a, &p->atx, &f);
	used = p->m->now;
	ring_tx(p->a, &p->atx);
	assert_int_equal(le64toh(c[5].packets), 1);
	run_for(p->m, 99 * NSEC_PER_MSEC);
	assert_int_equal(le64toh(c[5].packets), 1);
	run_for(p->m, 2 * NSEC_PER_MSEC);
	assert_int_equal(le64toh(c[5].packets), 2);
	assert_int_equal(le64toh(c[5].bytes), 2 * (f.len - 14));
	assert_int_equal(le64toh(c[5].last_use), used);
	assert_int_equal(le64toh(c[4].packets), 0);
	assert_true(p->m->deadline == SLUICE_NO_DEADLINE);

	/* Writing takes a twentieth of the time at most. */
	p->m->write_ns = 10 * NSEC_PER_MSEC;
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 150 * NSEC_PER_MSEC);
	assert_int_equal(le64toh(c[5].packets), 3);
	p->m->write_ns = 0;
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 199 * NSEC_PER_MSEC);
	assert_int_equal(le64toh(c[5].packets), 3);
	run_for(p->m, 2 * NSEC_PER_MSEC);
	assert_int_equal(le64toh(c[5].packets), 4);

	/* On demand, and with the end of the rule. */
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(drv_cmd(pf, &sync, sizeof(sync)), SLUICE_ST_OK);
	assert_int_equal(le64toh(c[5].packets), 5);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(drv_u32(pf, SLUICE_CMD_RULE_DEL, 9), SLUICE_ST_OK);
	assert_int_equal(le64toh(c[5].packets), 6);
	/* A new rule starts from zero, in host memory too. */
	assert_int_equal(add_rule(pf, SLUICE_RULE_F_ZERO), SLUICE_ST_OK);
	assert_int_equal(le64toh(c[5].packets), 0);
	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_UNMAP, 0, 0, 16),
			 SLUICE_ST_OK);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 500 * NSEC_PER_MSEC);
	assert_int_equal(le64toh(c[5].packets), 0);

	/* Memory out of reach: found at once or when it is written. */
	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_MAP, 0x100, 4, 4),
			 SLUICE_ST_FAULT);
	assert_int_equal(add_rule(pf, 0), SLUICE_ST_EXIST);
	assert_int_equal(drv_u32(pf, SLUICE_CMD_RULE_DEL, 9), SLUICE_ST_OK);
	assert_int_equal(add_rule(pf, SLUICE_RULE_F_ZERO), SLUICE_ST_OK);
	assert_int_equal(map(pf, SLUICE_CMD_COUNTER_MAP, 0x100, 4, 4),
			 SLUICE_ST_OK);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 101 * NSEC_PER_MSEC);
	drv_failed(pf, SLUICE_ERR_DMA, SLUICE_DMA_STATS);
}

static void test_stats(void **state)
{
	struct pair *p = *state;
	struct drv *pf = &p->m->drv[0];
	struct sluice_cmd_buf cmd = {
		.hdr.opcode = SLUICE_CMD_STATS_BUF,
		.hdr.vport = htole16(1),
		.len = htole32(sizeof(struct sluice_vport_stats)),
	};
	struct sluice_cmd_hdr sync = { .opcode = SLUICE_CMD_SYNC };
	struct sluice_vport_stats *own, *seen;
	struct frame f;

	drv_start(pf);
	udp(&f, 1, 2, 1, 20);
	cmd.addr = htole64(drv_alloc(p->a, sizeof(*own)));
	own = drv_mem(p->a, le64toh(cmd.addr));
	assert_int_equal(drv_cmd(p->a, &cmd, sizeof(cmd)), SLUICE_ST_OK);
	cmd.hdr.vport = htole16(2);
	assert_int_equal(drv_cmd(p->a, &cmd, sizeof(cmd)), SLUICE_ST_PERM);
	cmd.hdr.vport = htole16(99);
	assert_int_equal(drv_cmd(p->a, &cmd, sizeof(cmd)), SLUICE_ST_NOENT);
	cmd.hdr.vport = htole16(1);
	cmd.addr = htole64(drv_alloc(pf, sizeof(*seen)));
	seen = drv_mem(pf, le64toh(cmd.addr));
	assert_int_equal(drv_cmd(pf, &cmd, sizeof(cmd)), SLUICE_ST_OK);

	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 101 * NSEC_PER_MSEC);
	assert_int_equal(le64toh(own->tx_packets), 1);
	assert_int_equal(le64toh(own->tx_bytes), f.len);
	assert_int_equal(le64toh(seen->tx_packets), 1);

	/* By default at once, in the eyes of who asks. */
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 3 * NSEC_PER_MSEC);
	assert_int_equal(le64toh(seen->tx_packets), 2);

	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	assert_int_equal(drv_cmd(p->a, &sync, sizeof(sync)), SLUICE_ST_OK);
	assert_int_equal(le64toh(own->tx_packets), 3);

	cmd.addr = 0;
	assert_int_equal(drv_cmd(pf, &cmd, sizeof(cmd)), SLUICE_ST_OK);
	tx_frame(p->a, &p->atx, &f);
	ring_tx(p->a, &p->atx);
	run_for(p->m, 101 * NSEC_PER_MSEC);
	assert_int_equal(le64toh(seen->tx_packets), 3);
	assert_int_equal(le64toh(own->tx_packets), 4);
}

/* Nobody waits for somebody else's long queue. */
static void test_fairness(void **state)
{
	struct pair *p = *state;
	struct ring big = drv_queue(p->a, SLUICE_CMD_TXQ_CREATE, 1, 9, 0);
	struct frame f;
	unsigned int i;

	/* It counts rounds. */
	if (p->m->threaded)
		skip();
	udp(&f, 1, 2, 1, 20);
	for (i = 0; i < 500; i++) {
		struct sluice_tx_desc *d = tx_frame(p->a, &big, &f);

		if (i)
			p->a->next -= 64;
		(void)d;
	}
	wr(p->a, SLUICE_DB_TX(1), big.count);
	udp(&f, 2, 1, 1, 20);
	tx_frame(p->b, &p->btx, &f);
	wr(p->b, SLUICE_DB_TX(0), p->btx.count);
	assert_true(fake_round(p->m));
	assert_int_equal(p->m->nic->funcs[2].txqs[0].head, 1);
	assert_int_equal(p->m->nic->funcs[1].txqs[1].head, 64);
	run(p->m);
	assert_int_equal(p->m->nic->funcs[1].txqs[1].head, 500);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_send), T(test_count_wrap), T(test_pieces),
		T(test_half_announced), T(test_no_buffers), T(test_cq_full),
		T(test_csum), T(test_rss), T(test_moderation), T(test_bad_tx),
		T(test_bad_pieces), T(test_bad_doorbells), T(test_bad_rx),
		T(test_dma_failure), T(test_reset_midway), T(test_disabled),
		T(test_wire), T(test_switchdev), T(test_counters),
		T(test_stats), T(test_fairness),
	};

	return cmocka_run_group_tests_name("nic_queues", tests, NULL, NULL);
}
