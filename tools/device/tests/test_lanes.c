// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lanes: several threads forward by one eSwitch's objects.  First they take turns,
 * then they are threads.  "make check T=lanes SAN=-fsanitize=thread B=DIR" has the
 * thread sanitizer watch them.
 */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <linux/sluice/cmd.h>
#include "harness.h"

#define LANES	3
#define ROUNDS	300

/* A lane's host: it counts. */
struct taker {
	struct sluice_esw *esw;
	uint64_t now;
	uint64_t to[0x102];
	uint64_t slow;
	uint16_t id;		/* of the last frame: IPv4 */
	unsigned int dirty;
};

struct lanes {
	struct sluice_esw *esw;
	struct taker taker[LANES];
};

static uint64_t taker_now(void *ctx)
{
	return ((struct taker *)ctx)->now;
}

static enum sluice_tx_result taker_deliver(void *ctx, uint16_t vport,
					   const uint8_t *frame, uint32_t len,
					   unsigned int flags,
					   const struct sluice_slow_meta *meta)
{
	struct taker *t = ctx;

	(void)flags;
	assert_true(len >= 34);
	t->id = (uint16_t)(frame[18] << 8 | frame[19]);
	t->to[vport]++;
	if (meta)
		t->slow++;
	return SLUICE_TX_OK;
}

static void taker_dirty(void *ctx, uint16_t vport)
{
	(void)vport;
	((struct taker *)ctx)->dirty++;
}

static struct lanes *lanes_new(enum sluice_esw_mode mode)
{
	struct lanes *l = calloc(1, sizeof(*l));
	struct sluice_esw_host host = {
		.now = taker_now, .deliver = taker_deliver,
		.stats_dirty = taker_dirty,
	};
	uint8_t mac[6] = { 2, 0, 0, 0, 1, 0 };
	unsigned int i;

	assert_non_null(l);
	for (i = 0; i < LANES; i++) {
		struct taker *t = &l->taker[i];

		host.ctx = t;
		t->now = 1000;
		t->esw = i ? sluice_esw_lane_new(l->esw, &host) :
			     sluice_esw_new(&bed_cfg, &host);
		assert_non_null(t->esw);
		l->esw = l->taker[0].esw;
	}
	for (i = 0; i < 2; i++)
		sluice_esw_uplink_carrier(l->esw, i, true);
	for (i = 0; i <= BED_VFS; i++) {
		mac[5] = (uint8_t)i;
		sluice_esw_vport_set_permanent_mac(l->esw, (uint16_t)i, mac);
		sluice_esw_vport_enable(l->esw, (uint16_t)i, true);
	}
	assert_int_equal(sluice_esw_set_mode(l->esw, mode), SLUICE_ST_OK);
	sluice_esw_publish(l->esw);
	return l;
}

static void lanes_free(struct lanes *l)
{
	sluice_esw_free(l->esw);
	free(l);
}

static void root(struct lanes *l, uint16_t vport, uint32_t table)
{
	struct sluice_cmd_vport cmd = {
		.fields = htole32(SLUICE_VPORT_F_ROOT),
		.root_table = htole32(table),
	};

	assert_int_equal(sluice_esw_vport_set(l->esw, vport, &cmd),
			 SLUICE_ST_OK);
}

/* Mask 0 is empty: the rule takes everything in @table. */
static void any(struct lanes *l, uint32_t id, uint32_t table, uint32_t prio,
		const struct sluice_action *act, unsigned int n)
{
	struct sluice_rule_spec spec = {
		.id = id, .table = table, .counter = id, .prio = prio,
		.actions = act, .num_actions = n,
	};

	assert_int_equal(sluice_esw_rule_add(l->esw, &spec), SLUICE_ST_OK);
}

static void start(struct lanes *l)
{
	static const struct sluice_key none;

	assert_int_equal(sluice_esw_mask_add(l->esw, 0, &none), SLUICE_ST_OK);
	root(l, VF(0), 1);
}

static void send(struct taker *t, uint16_t vport, const struct frame *f)
{
	sluice_esw_input(t->esw, vport, f->b, f->len, 0);
}

static uint64_t packets(struct lanes *l, uint32_t counter)
{
	struct sluice_counter c;

	assert_int_equal(sluice_esw_counter_read(l->esw, counter, &c),
			 SLUICE_ST_OK);
	return le64toh(c.packets);
}

/* All lanes obey what was published, and what they count is one sum. */
static void test_sums(void **state)
{
	struct lanes *l = lanes_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_action out = act_out(VF(1));
	struct sluice_vport_stats s;
	struct sluice_esw_info info;
	struct sluice_counter c;
	struct frame f;
	unsigned int i, n;

	(void)state;
	fr_udp4(&f, 1, 2);
	start(l);
	any(l, 1, 1, 1, &out, 1);
	sluice_esw_publish(l->esw);
	for (i = 0; i < LANES; i++) {
		l->taker[i].now = 5000 - i;
		for (n = 0; n <= i; n++)
			send(&l->taker[i], VF(0), &f);
		assert_int_equal(l->taker[i].to[VF(1)], i + 1);
		assert_true(l->taker[i].dirty);
	}
	assert_int_equal(sluice_esw_counter_read(l->esw, 1, &c), SLUICE_ST_OK);
	assert_int_equal(le64toh(c.packets), 6);
	assert_int_equal(le64toh(c.bytes), 6 * (f.len - 14));
	assert_int_equal(le64toh(c.last_use), 5000);
	sluice_esw_vport_stats(l->esw, VF(0), &s);
	assert_int_equal(le64toh(s.tx_packets), 6);
	sluice_esw_vport_stats(l->esw, VF(1), &s);
	assert_int_equal(le64toh(s.rx_packets), 6);
	sluice_esw_query(l->esw, &info);
	assert_int_equal(le64toh(info.lookups), 6);
	assert_int_equal(le64toh(info.hits), 6);
	lanes_free(l);
}

/* A lane goes on by what it knew until something is published. */
static void test_publish(void **state)
{
	struct lanes *l = lanes_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_action out = act_out(VF(1)), other = act_out(VF(2));
	struct frame f;
	uint32_t counter;
	unsigned int i;

	(void)state;
	fr_udp4(&f, 1, 2);
	start(l);
	any(l, 1, 1, 2, &out, 1);
	sluice_esw_publish(l->esw);
	for (i = 0; i < LANES; i++)
		send(&l->taker[i], VF(0), &f);
	any(l, 2, 1, 1, &other, 1);
	root(l, VF(3), 1);
	sluice_esw_publish(l->esw);
	for (i = 0; i < LANES; i++) {
		send(&l->taker[i], VF(0), &f);
		send(&l->taker[i], VF(3), &f);
		assert_int_equal(l->taker[i].to[VF(1)], 1);
		assert_int_equal(l->taker[i].to[VF(2)], 2);
		assert_int_equal(l->taker[i].slow, 0);
	}
	assert_int_equal(sluice_esw_rule_del(l->esw, 1, &counter),
			 SLUICE_ST_OK);
	assert_int_equal(sluice_esw_rule_del(l->esw, 2, &counter),
			 SLUICE_ST_OK);
	sluice_esw_publish(l->esw);
	for (i = 0; i < LANES; i++) {
		send(&l->taker[i], VF(0), &f);
		assert_int_equal(l->taker[i].slow, 1);
	}
	assert_int_equal(packets(l, 1), LANES);
	assert_int_equal(packets(l, 2), 2 * LANES);
	lanes_free(l);
}

struct collected {
	unsigned int num;
	uint64_t packets[8];
};

static void collect(void *ctx, uint32_t id, const struct sluice_counter *value)
{
	struct collected *c = ctx;

	assert_true(id < 8);
	c->num++;
	c->packets[id] = le64toh(value->packets);
}

/* A counter that several lanes changed is handed out once; zero is zero in all. */
static void test_collect(void **state)
{
	struct lanes *l = lanes_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_action out[2] = { act_goto(2), act_out(VF(1)) };
	struct sluice_rule_spec again = {
		.id = 5, .table = 3, .counter = 1, .flags = SLUICE_RULE_F_ZERO,
		.actions = out + 1, .num_actions = 1,
	};
	struct collected c = { 0 };
	struct frame f;
	unsigned int i;

	(void)state;
	fr_udp4(&f, 1, 2);
	start(l);
	any(l, 1, 1, 1, out, 1);
	any(l, 2, 2, 1, out + 1, 1);
	sluice_esw_publish(l->esw);
	for (i = 0; i < LANES; i++)
		send(&l->taker[i], VF(0), &f);
	sluice_esw_collect_counters(l->esw, collect, &c);
	assert_int_equal(c.num, 2);
	assert_int_equal(c.packets[1], LANES);
	assert_int_equal(c.packets[2], LANES);
	memset(&c, 0, sizeof(c));
	sluice_esw_collect_counters(l->esw, collect, &c);
	assert_int_equal(c.num, 0);
	/* A lane that changed it before tells again. */
	send(&l->taker[2], VF(0), &f);
	sluice_esw_collect_counters(l->esw, collect, &c);
	assert_int_equal(c.num, 2);
	assert_int_equal(c.packets[2], LANES + 1);

	assert_int_equal(sluice_esw_rule_add(l->esw, &again), SLUICE_ST_OK);
	assert_int_equal(packets(l, 1), 0);
	memset(&c, 0, sizeof(c));
	sluice_esw_collect_counters(l->esw, collect, &c);
	assert_int_equal(c.num, 1);
	sluice_esw_reset(l->esw);
	sluice_esw_publish(l->esw);
	assert_int_equal(packets(l, 2), 0);
	lanes_free(l);
}

static void meter(struct lanes *l, uint32_t id, uint32_t packets_of_burst)
{
	struct sluice_cmd_meter cmd = {
		.id = htole32(id), .mtu = htole32(10000),
		.flags = htole16(SLUICE_METER_F_PACKET),
		.packet = { .mult = htole32(1000) },
		.packet_burst = htole64(1000ull * packets_of_burst),
	};

	assert_int_equal(sluice_esw_meter_set(l->esw, &cmd), SLUICE_ST_OK);
}

/* Lanes take from one bucket. */
static void test_meter(void **state)
{
	struct lanes *l = lanes_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_action prog[3] = {
		act(SLUICE_ACT_POLICE), act_out(VF(1)), act(SLUICE_ACT_DROP),
	};
	struct frame f;
	unsigned int i, n;
	uint64_t out = 0;

	(void)state;
	fr_udp4(&f, 1, 2);
	start(l);
	meter(l, 3, 7);
	prog[0].a = htole32(3);
	prog[0].c[0] = 1;
	any(l, 1, 1, 1, prog, 3);
	sluice_esw_publish(l->esw);
	for (i = 0; i < LANES; i++)
		l->taker[i].now = 1000000;
	for (n = 0; n < 5; n++)
		for (i = 0; i < LANES; i++)
			send(&l->taker[i], VF(0), &f);
	for (i = 0; i < LANES; i++)
		out += l->taker[i].to[VF(1)];
	assert_int_equal(out, 7);
	/* A lane whose clock is behind takes nothing twice. */
	l->taker[0].now = 1001000;
	l->taker[1].now = 1000500;
	send(&l->taker[0], VF(0), &f);
	send(&l->taker[1], VF(0), &f);
	send(&l->taker[0], VF(0), &f);
	out = l->taker[0].to[VF(1)] + l->taker[1].to[VF(1)] +
	      l->taker[2].to[VF(1)];
	assert_int_equal(out, 8);
	lanes_free(l);
}

/* Legacy mode: addresses, policy and links are what commands made them. */
static void test_legacy(void **state)
{
	struct lanes *l = lanes_new(SLUICE_ESW_LEGACY);
	uint8_t mac[6];
	struct frame f;
	unsigned int i;

	(void)state;
	mac_parse(mac, MAC_B);
	f.len = 0;
	fr_eth(&f, MAC_B, MAC_A, 0x88b5);
	fr_fill(&f, 0x11, 50);
	for (i = 0; i < LANES; i++) {
		send(&l->taker[i], VF(0), &f);
		assert_int_equal(l->taker[i].to[WIRE0], 1);
	}
	sluice_esw_vport_set_permanent_mac(l->esw, VF(1), mac);
	sluice_esw_publish(l->esw);
	for (i = 0; i < LANES; i++) {
		send(&l->taker[i], VF(0), &f);
		assert_int_equal(l->taker[i].to[VF(1)], 1);
	}
	sluice_esw_vport_enable(l->esw, VF(1), false);
	sluice_esw_publish(l->esw);
	for (i = 0; i < LANES; i++) {
		send(&l->taker[i], VF(0), &f);
		assert_int_equal(l->taker[i].to[VF(1)], 1);
	}
	lanes_free(l);
}

/* Too many lanes, or a lane of a lane. */
static void test_limits(void **state)
{
	struct lanes *l = lanes_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_esw_host host = { .now = taker_now };
	unsigned int i;

	(void)state;
	assert_null(sluice_esw_lane_new(l->taker[1].esw, &host));
	for (i = LANES; i < SLUICE_ESW_MAX_LANES; i++)
		assert_non_null(sluice_esw_lane_new(l->esw, &host));
	assert_null(sluice_esw_lane_new(l->esw, &host));
	lanes_free(l);
}

/*
 * Threads.  Senders send while nobody commands, as the NIC has it.
 */
struct gate {
	pthread_mutex_t lock;
	uint32_t stop;
	uint32_t busy[LANES];
	uint32_t done;
};

struct sender {
	struct gate *gate;
	struct taker *taker;
	unsigned int id;
	uint64_t sent;
};

static void enter(struct gate *g, unsigned int id)
{
	for (;;) {
		__atomic_store_n(&g->busy[id], 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&g->stop, __ATOMIC_SEQ_CST))
			return;
		__atomic_store_n(&g->busy[id], 0, __ATOMIC_SEQ_CST);
		pthread_mutex_lock(&g->lock);
		pthread_mutex_unlock(&g->lock);
	}
}

static void leave(struct gate *g, unsigned int id)
{
	__atomic_store_n(&g->busy[id], 0, __ATOMIC_SEQ_CST);
}

static void alone(struct gate *g)
{
	unsigned int i;

	pthread_mutex_lock(&g->lock);
	__atomic_store_n(&g->stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < LANES; i++)
		while (__atomic_load_n(&g->busy[i], __ATOMIC_SEQ_CST))
			sched_yield();
}

static void together(struct gate *g, struct sluice_esw *esw)
{
	sluice_esw_publish(esw);
	__atomic_store_n(&g->stop, 0, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&g->lock);
}

#define FLOWS	8

static void *sender_run(void *arg)
{
	struct sender *s = arg;
	struct frame *f = calloc(FLOWS, sizeof(*f));
	unsigned int i, n = 0;

	for (i = 0; i < FLOWS; i++) {
		f[i].len = 0;
		fr_eth(&f[i], MAC_B, MAC_A, 0x0800);
		/* The last one closes its connection. */
		fr_ip4(&f[i], 6, "10.0.0.1", "10.0.0.2", 20);
		fr_tcp(&f[i], (uint16_t)(1000 + i), 80,
		       i == FLOWS - 1 ? 0x11 : 0x10);
	}
	/* Each sends, even where the rounds are over before it first runs. */
	do {
		enter(s->gate, s->id);
		for (i = 0; i < 50; i++) {
			send(s->taker, VF(0), &f[n++ % FLOWS]);
			s->sent++;
			s->taker->now += 100;
		}
		leave(s->gate, s->id);
	} while (!__atomic_load_n(&s->gate->done, __ATOMIC_RELAXED));
	free(f);
	return NULL;
}

static void conn(struct lanes *l, uint32_t i)
{
	struct sluice_cmd_ct c = {
		.id = htole32(2 * i), .table = htole32(5),
		.counter = htole32(100 + i), .ip = 4, .proto = 6,
		.state = htole16(SLUICE_CT_ESTABLISHED | SLUICE_CT_TRACKED),
		.sport = htobe16((uint16_t)(1000 + i)), .dport = htobe16(80),
		.src = { 10, 0, 0, 1 }, .dst = { 10, 0, 0, 2 },
	};

	assert_int_equal(sluice_esw_ct_set(l->esw, &c), SLUICE_ST_OK);
}

static void test_threads(void **state)
{
	struct lanes *l = lanes_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_action ct[3] = {
		act(SLUICE_ACT_POLICE), act(SLUICE_ACT_CT), act_goto(2),
	};
	struct sluice_action out = act_out(VF(1)), other = act_out(WIRE0);
	struct gate gate = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct sender sender[LANES];
	pthread_t thread[LANES];
	uint64_t sent = 0, went = 0;
	struct sluice_vport_stats s;
	uint32_t counter;
	unsigned int i;

	(void)state;
	start(l);
	meter(l, 3, 1000000);
	ct[0].a = htole32(3);
	ct[1].a = htole32(5);
	any(l, 1, 1, 5, ct, 3);
	any(l, 2, 2, 5, &out, 1);
	for (i = 0; i < FLOWS; i++)
		conn(l, i);
	sluice_esw_publish(l->esw);
	for (i = 0; i < LANES; i++) {
		sender[i] = (struct sender){ .gate = &gate,
					     .taker = &l->taker[i], .id = i };
		assert_int_equal(pthread_create(&thread[i], NULL, sender_run,
						&sender[i]), 0);
	}
	for (i = 0; i < ROUNDS; i++) {
		alone(&gate);
		switch (i % 5) {
		case 0:
			any(l, 3, 2, 1, &other, 1);
			break;
		case 1:
			assert_int_equal(sluice_esw_rule_del(l->esw, 3,
							     &counter),
					 SLUICE_ST_OK);
			break;
		case 2:
			meter(l, 3, 1000000 + i);
			break;
		case 3:
			sluice_esw_ct_del(l->esw, 2 * (i % FLOWS), &counter);
			conn(l, i % FLOWS);
			break;
		default:
			sluice_esw_vport_stats(l->esw, VF(0), &s);
			packets(l, 1);
		}
		together(&gate, l->esw);
		sched_yield();
	}
	__atomic_store_n(&gate.done, 1, __ATOMIC_RELAXED);
	for (i = 0; i < LANES; i++) {
		pthread_join(thread[i], NULL);
		sent += sender[i].sent;
		went += l->taker[i].to[VF(1)] + l->taker[i].to[WIRE0] +
			l->taker[i].slow;
	}
	assert_true(sent);
	assert_int_equal(went, sent);
	sluice_esw_vport_stats(l->esw, VF(0), &s);
	assert_int_equal(le64toh(s.tx_packets), sent);
	/* FIN closes a connection for all; what was left to software is not counted. */
	for (went = 0, i = 0; i < LANES; i++)
		went += l->taker[i].slow;
	assert_int_equal(packets(l, 1) + went, sent);
	lanes_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums), cmocka_unit_test(test_publish),
		cmocka_unit_test(test_collect), cmocka_unit_test(test_meter),
		cmocka_unit_test(test_legacy), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
