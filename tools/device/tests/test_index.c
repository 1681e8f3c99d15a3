// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables with very many masks: the index and the flow cache, compared with a
 * walk over all rules, and bursts compared with single frames.
 */
#include <stdlib.h>
#include "harness.h"

#define RULES		900
#define BURST		40	/* more than the library takes at once */

/* What rules and frames are told apart by, in host order. */
struct flow {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t mac;
};

struct ref {
	bool used;
	uint32_t mask;
	struct flow key;
	uint32_t prio;
	uint64_t seq;
};

static unsigned int seed;

static uint32_t pick(uint32_t n)
{
	return (uint32_t)rand_r(&seed) % n;
}

static uint32_t prefix(unsigned int len)
{
	return len ? ~0u << (32 - len) : 0;
}

#define DST_LENS	7
#define SRC_LENS	4
#define PORTS		3
#define MACS		2
#define MASKS		(DST_LENS * SRC_LENS * PORTS * MACS)	/* 168 */

/* Some look at no destination, and some at nothing at all. */
static struct flow mask_of(uint32_t i)
{
	static const uint8_t dst[DST_LENS] = { 32, 24, 30, 16, 28, 8, 0 };
	static const uint8_t src[SRC_LENS] = { 32, 0, 16, 24 };
	struct flow m = {
		.dst = prefix(dst[i % DST_LENS]),
		.src = prefix(src[i / DST_LENS % SRC_LENS]),
	};
	uint32_t rest = i / (DST_LENS * SRC_LENS);

	m.dport = rest % PORTS ? 0xffff : 0;
	m.sport = rest % PORTS == 2 ? 0xffff : 0;
	m.mac = rest / PORTS % MACS ? 0xff : 0;
	return m;
}

/* Few values, so that rules overlap and frames meet some. */
static struct flow random_flow(void)
{
	struct flow f = {
		.src = 0x0a000000 | pick(2) << 16 | pick(3) << 8 | pick(3),
		.dst = 0x14000000 | pick(3) << 16 | pick(4) << 8 | pick(5),
		.sport = (uint16_t)pick(2), .dport = (uint16_t)pick(3),
		.mac = (uint8_t)(2 * pick(2)),
	};

	return f;
}

static struct sluice_key key_of(const struct flow *f)
{
	struct sluice_key k = { 0 };
	uint32_t src = htobe32(f->src), dst = htobe32(f->dst);

	memcpy(k.ip_src, &src, 4);
	memcpy(k.ip_dst, &dst, 4);
	k.l4_src = htobe16(f->sport);
	k.l4_dst = htobe16(f->dport);
	k.eth_src[5] = f->mac;
	return k;
}

static void frame_of(struct frame *f, const struct flow *fl)
{
	uint32_t src = htobe32(fl->src), dst = htobe32(fl->dst);

	fr_udp4(f, fl->sport, fl->dport);
	f->b[11] = fl->mac;
	memcpy(f->b + 26, &src, 4);
	memcpy(f->b + 30, &dst, 4);
}

static bool matches(const struct ref *r, const struct flow *f)
{
	struct flow m = mask_of(r->mask);

	return r->used && !((r->key.src ^ f->src) & m.src) &&
	       !((r->key.dst ^ f->dst) & m.dst) &&
	       !((r->key.sport ^ f->sport) & m.sport) &&
	       !((r->key.dport ^ f->dport) & m.dport) &&
	       !((r->key.mac ^ f->mac) & m.mac);
}

static int best_of(const struct ref *ref, const struct flow *f)
{
	int best = -1, i;

	for (i = 0; i < RULES; i++) {
		if (!matches(&ref[i], f))
			continue;
		if (best < 0 || ref[i].prio < ref[best].prio ||
		    (ref[i].prio == ref[best].prio &&
		     ref[i].seq > ref[best].seq))
			best = i;
	}
	return best;
}

static void add(struct bed *bed, uint32_t id, struct ref *r, uint64_t seq)
{
	struct flow m;
	struct sluice_key bits, key;
	/* The output tells which rule it was. */
	struct sluice_action a[2] = { act_push(0x8100, (uint16_t)id),
				      act_out(VF(1)) };
	struct rule rule = {
		.id = id, .table = 1, .counter = SLUICE_ID_NONE,
		.mask_bits = &bits, .key = &key, .act = a, .num_act = 2,
	};

	r->used = true;
	r->mask = pick(MASKS);
	r->key = random_flow();
	/* Mostly a priority for each mask, as Open vSwitch has it. */
	r->prio = pick(4) ? 1 + r->mask : pick(MASKS);
	r->seq = seq;
	m = mask_of(r->mask);
	bits = key_of(&m);
	key = key_of(&r->key);
	rule.mask = r->mask;
	rule.prio = r->prio;
	assert_int_equal(bed_rule(bed, &rule), SLUICE_ST_OK);
}

static void del(struct bed *bed, uint32_t id)
{
	uint32_t counter;

	assert_int_equal(sluice_esw_rule_del(bed->esw, id, &counter), 0);
}

static int winner(const struct sent *s)
{
	return s->slow ? -1 : (s->b[14] << 8 | s->b[15]) & 0xfff;
}

static void check_burst(struct bed *bed, const struct ref *ref)
{
	static struct frame f[BURST];
	struct sluice_esw_frame frames[BURST];
	struct flow flow[BURST];
	unsigned int i, n = 1 + pick(BURST);

	for (i = 0; i < n; i++) {
		flow[i] = random_flow();
		frame_of(&f[i], &flow[i]);
		frames[i].data = f[i].b;
		frames[i].len = f[i].len;
		frames[i].flags = 0;
	}
	bed_clear(bed);
	sluice_esw_input_burst(bed->esw, VF(0), frames, n);
	assert_int_equal(bed->num_sent, n);
	for (i = 0; i < n; i++)
		assert_int_equal(winner(&bed->sent[i]),
				 best_of(ref, &flow[i]));
}

static struct bed *new_bed(void)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	uint32_t i;

	bed_root(bed, VF(0), 1);
	for (i = 0; i < MASKS; i++) {
		struct flow m = mask_of(i);
		struct sluice_key bits = key_of(&m);

		assert_int_equal(bed_mask(bed, i, &bits), SLUICE_ST_OK);
	}
	seed = 815;
	return bed;
}

static void random_against_linear(void **state)
{
	static struct ref ref[RULES];
	struct bed *bed = new_bed();
	unsigned int round, target = RULES / 2, used = 0;

	(void)state;
	memset(ref, 0, sizeof(ref));
	for (round = 0; round < 6000; round++) {
		uint32_t id = pick(RULES);

		/* The number of rules goes up and down. */
		if (round % 1000 == 0)
			target = round / 1000 % 2 ? RULES / 10 : RULES;
		if (ref[id].used && (used > target || !pick(3))) {
			del(bed, id);
			ref[id].used = false;
			used--;
		} else if (!ref[id].used && used < target) {
			add(bed, id, &ref[id], round);
			used++;
		}
		if (round % 2)
			check_burst(bed, ref);
	}
	/* Nothing changes now: what was found is found in the cache. */
	for (round = 0; round < 500; round++)
		check_burst(bed, ref);
	for (round = 0; round < RULES; round++)
		if (ref[round].used)
			del(bed, round);
	memset(ref, 0, sizeof(ref));
	check_burst(bed, ref);
	bed_free(bed);
}

/* Flows that push each other out of the cache, until it has grown. */
static void more_flows_than_cache(void **state)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_key m[2] = { { .l4_src = 0xffff, .l4_dst = 0xffff },
				   { .l4_dst = 0xffff, .ip_proto = 0xff } };
	struct sluice_action a = act_out(VF(1)), b = act_out(VF(2));
	struct rule r = { .table = 1, .counter = SLUICE_ID_NONE, .prio = 1,
			  .act = &a, .num_act = 1 };
	uint32_t id, i, round;
	struct sluice_key k;
	struct frame f;

	(void)state;
	bed_root(bed, VF(0), 1);
	assert_int_equal(bed_mask(bed, 0, &m[0]), 0);
	assert_int_equal(bed_mask(bed, 1, &m[1]), 0);
	for (id = 0; id < 4000; id++) {
		k = (struct sluice_key){ .l4_src = htobe16((uint16_t)id),
					 .l4_dst = htobe16(1) };
		r.id = id;
		r.mask_bits = &m[0];
		r.key = &k;
		assert_int_equal(bed_rule(bed, &r), SLUICE_ST_OK);
	}
	k = (struct sluice_key){ .l4_dst = htobe16(2), .ip_proto = 17 };
	r.id = id;
	r.mask = 1;
	r.mask_bits = &m[1];
	r.act = &b;
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_OK);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 50000; i++) {
			bed_clear(bed);
			fr_udp4(&f, (uint16_t)i, (uint16_t)(1 + round % 2));
			bed_send(bed, VF(0), &f);
			assert_int_equal(bed->num_sent, 1);
			if (round % 2)
				assert_sent(bed, 0, VF(2), &f);
			else if (i < 4000)
				assert_sent(bed, 0, VF(1), &f);
			else
				assert_slow(bed, 0, VF(0),
					    SLUICE_MISS_NO_RULE, &f);
		}
	}
	/* A rule that goes takes what the cache knows of it along. */
	del(bed, 17);
	bed_clear(bed);
	fr_udp4(&f, 17, 1);
	bed_send(bed, VF(0), &f);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_NO_RULE, &f);
	bed_free(bed);
}

/* Tables whose keys take one, two and four units of the cache, in turn. */
static void wide_keys(void **state)
{
	static const uint8_t words[3] = { 4, 12, 24 };
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct frame f;
	uint32_t t, w, i;

	(void)state;
	for (t = 0; t < 3; t++) {
		for (i = 0; i < 64; i++) {
			uint64_t m[SLUICE_KEY_WORDS] = { 0 };
			struct sluice_key bits, key = { 0 };
			struct sluice_action a = act_out(VF(1 + i % 2));
			struct rule r = {
				.id = t * 64 + i, .table = t, .prio = 1 + i % 2,
				.mask = t * 2 + i % 2, .mask_bits = &bits,
				.counter = SLUICE_ID_NONE, .key = &key,
				.act = &a, .num_act = 1,
			};

			/* One bit of many words, and the port. */
			for (w = 0; w < words[t]; w++)
				m[w] = 1ull << 63;
			memcpy(&bits, m, sizeof(bits));
			memset(&bits.vlan, 0, 2 * sizeof(bits.vlan));
			memset(bits.reserved1, 0, sizeof(bits.reserved1));
			memset(bits.reserved2, 0, sizeof(bits.reserved2));
			bits.num_vlans = 0;
			bits.reserved0 = 0;
			bits.l4_dst = i % 2 ? 0 : 0xffff;
			bits.l4_src = 0xffff;
			fr_udp4(&f, (uint16_t)i, 7);
			memcpy(&key.eth_dst, f.b, 6);
			memcpy(&key.eth_src, f.b + 6, 6);
			key.outer_proto = htobe16(0x0800);
			key.n_proto = htobe16(0x0800);
			key.ip_proto = 17;
			key.l4_src = htobe16((uint16_t)i);
			key.l4_dst = htobe16(7);
			if (i < 2)
				assert_int_equal(bed_mask(bed, r.mask, &bits),
						 SLUICE_ST_OK);
			assert_int_equal(bed_rule(bed, &r), SLUICE_ST_OK);
		}
	}
	for (i = 0; i < 3 * 64 * 20; i++) {
		uint32_t port = i * 7 % 70;

		bed_root(bed, VF(0), i % 3);
		bed_clear(bed);
		fr_udp4(&f, (uint16_t)port, 7);
		bed_send(bed, VF(0), &f);
		if (port < 64)
			assert_sent(bed, 0, VF(1 + port % 2), &f);
		else
			assert_slow(bed, 0, VF(0), SLUICE_MISS_NO_RULE, &f);
	}
	bed_free(bed);
}

/* Good frames, bad ones and strange ones: the same in a burst as alone. */
static void burst_is_singles(void **state)
{
	struct bed *one = new_bed(), *all = new_bed();
	static struct frame f[BURST];
	struct sluice_esw_frame frames[BURST];
	static struct ref ref[RULES], ref2[RULES];
	struct sluice_vport_stats s1, s2;
	unsigned int i, round, slow = 0;

	(void)state;
	memset(ref, 0, sizeof(ref));
	memset(ref2, 0, sizeof(ref2));
	for (i = 0; i < 20; i++)
		add(one, i, &ref[i], i);
	seed = 815;
	for (i = 0; i < 20; i++)
		add(all, i, &ref2[i], i);
	for (round = 0; round < 300; round++) {
		bed_clear(one);
		bed_clear(all);
		for (i = 0; i < BURST; i++) {
			struct flow fl = random_flow();

			frame_of(&f[i], &fl);
			if (!pick(8))
				f[i].len = pick(20);
			else if (!pick(8))
				f[i].b[12] = (uint8_t)pick(256);
			else if (!pick(8))
				f[i].b[14] = (uint8_t)pick(256);
			else if (!pick(8))
				f[i].b[20] = (uint8_t)pick(256);
			else if (!pick(8))
				fr_fill(&f[i], 0, 9000);
			frames[i].data = f[i].b;
			frames[i].len = f[i].len;
			frames[i].flags = 0;
			sluice_esw_input(one->esw, VF(0), f[i].b, f[i].len, 0);
		}
		sluice_esw_input_burst(all->esw, VF(0), frames, BURST);
		assert_int_equal(one->num_sent, all->num_sent);
		for (i = 0; i < one->num_sent; i++) {
			const struct sent *a = &one->sent[i];
			const struct sent *b = &all->sent[i];

			assert_int_equal(a->vport, b->vport);
			assert_int_equal(a->slow, b->slow);
			assert_int_equal(a->len, b->len);
			assert_memory_equal(a->b, b->b, a->len);
			if (a->slow) {
				assert_int_equal(a->meta.reason,
						 b->meta.reason);
				assert_int_equal(a->meta.table,
						 b->meta.table);
			}
			slow += a->slow;
		}
	}
	assert_true(slow > 100);
	s1 = bed_stats(one, VF(0));
	s2 = bed_stats(all, VF(0));
	assert_memory_equal(&s1, &s2, sizeof(s1));
	bed_free(one);
	bed_free(all);
}

#define MANY		20000
#define PROGRAM		7

/* So many rules that bursts are long; some with a program of several lines. */
static void many_rules(void **state)
{
	static struct frame f[BURST];
	static uint32_t hits[MANY];
	struct sluice_esw_cfg cfg = bed_cfg;
	struct sluice_key bits = { .l4_src = 0xffff }, key = { 0 };
	struct sluice_esw_frame frames[BURST];
	struct sluice_action a[PROGRAM];
	struct rule r = { .table = 1, .mask_bits = &bits, .key = &key, .act = a };
	unsigned int i, round, n;
	uint32_t port[BURST];
	struct bed *bed;

	(void)state;
	cfg.max_rules = MANY;
	cfg.max_counters = MANY;
	bed = bed_new_cfg(SLUICE_ESW_SWITCHDEV, &cfg);
	bed_root(bed, VF(0), 1);
	assert_int_equal(bed_mask(bed, 0, &bits), 0);
	for (i = 0; i < MANY; i++) {
		r.id = i;
		r.counter = i;
		key.l4_src = htobe16((uint16_t)i);
		r.num_act = i % 2 ? 1 : PROGRAM;
		a[0] = act_push(0x8100, 0);
		for (n = 1; n < PROGRAM; n++)
			a[n] = act_set(i & 0xfff, 0xfff);
		a[r.num_act - 1] = act_out(VF(1 + i % 2));
		assert_int_equal(bed_rule(bed, &r), SLUICE_ST_OK);
	}
	memset(hits, 0, sizeof(hits));
	for (round = 0; round < 1000; round++) {
		bed_clear(bed);
		for (i = 0; i < BURST; i++) {
			port[i] = pick(MANY + MANY / 8);
			fr_udp4(&f[i], (uint16_t)port[i], 1);
			if (!pick(16))
				f[i].len = 10;
			frames[i].data = f[i].b;
			frames[i].len = f[i].len;
			frames[i].flags = 0;
		}
		sluice_esw_input_burst(bed->esw, VF(0), frames, BURST);
		for (i = 0, n = 0; i < BURST; i++) {
			if (f[i].len == 10)
				continue;
			assert_true(n < bed->num_sent);
			if (port[i] >= MANY) {
				assert_slow(bed, n++, VF(0),
					    SLUICE_MISS_NO_RULE, &f[i]);
				continue;
			}
			hits[port[i]]++;
			if (port[i] % 2) {
				assert_sent(bed, n++, VF(2), &f[i]);
				continue;
			}
			assert_int_equal(bed->sent[n].vport, VF(1));
			assert_int_equal(winner(&bed->sent[n++]),
					 port[i] & 0xfff);
		}
		assert_int_equal(bed->num_sent, n);
	}
	for (i = 0; i < MANY; i++)
		assert_int_equal(bed_packets(bed, i), hits[i]);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_against_linear),
		cmocka_unit_test(more_flows_than_cache),
		cmocka_unit_test(wide_keys),
		cmocka_unit_test(burst_is_singles),
		cmocka_unit_test(many_rules),
	};

	return cmocka_run_group_tests_name("index", tests, NULL, NULL);
}
