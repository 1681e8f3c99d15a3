// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Out of memory: each allocation fails once.  What was refused has no effect,
 * nothing leaks, and a second try succeeds.
 */
#include <stdlib.h>
#include "tun_bed.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

/* Allocations until the one that fails, negative for never. */
static int countdown = -1;

static bool fails(void)
{
	return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(align, size);
}

static void new_eswitch(void **state)
{
	struct sluice_esw_host host = { 0 };
	struct sluice_esw *esw;
	int n;

	(void)state;
	for (n = 0; n < 100; n++) {
		countdown = n;
		esw = sluice_esw_new(&bed_cfg, &host);
		countdown = -1;
		sluice_esw_free(esw);
		if (esw)
			break;
	}
	/* The eSwitch, its vports, addresses and buffers. */
	assert_in_range(n, 5, 20);
}

static struct sluice_esw_info query(struct bed *bed)
{
	struct sluice_esw_info info;

	sluice_esw_query(bed->esw, &info);
	return info;
}

/* Try @r with each of its allocations failing, then for good. */
static unsigned int add_rule(struct bed *bed, const struct rule *r)
{
	struct sluice_esw_info before = query(bed), after;
	unsigned int n;
	int status;

	for (n = 0; n < 100; n++) {
		countdown = (int)n;
		status = bed_rule(bed, r);
		countdown = -1;
		after = query(bed);
		if (status == SLUICE_ST_OK)
			break;
		assert_int_equal(status, SLUICE_ST_NOSPC);
		assert_memory_equal(&before, &after, sizeof(before));
	}
	assert_true(n < 100);
	return n;
}

static void rules(void **state)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_action a = act_out(VF(1));
	unsigned int failed = 0;
	struct frame f;
	uint32_t i, m;

	(void)state;
	for (m = 0; m < 70; m++) {
		struct sluice_key mask = { 0 };
		int status;

		mask.ip_src[m % 16] = (uint8_t)(m + 1);
		countdown = 0;
		status = bed_mask(bed, m, &mask);
		countdown = -1;
		assert_int_equal(status, SLUICE_ST_NOSPC);
		assert_int_equal(bed_mask(bed, m, &mask), 0);
	}
	for (i = 0; i < 300; i++) {
		struct sluice_key mask = { 0 }, key = { 0 };
		struct rule r = {
			.id = i * 13, .table = i % 40, .mask = i % 7,
			.counter = (i * 4096) % 10000, .prio = i,
			.mask_bits = &mask, .key = &key, .act = &a,
			.num_act = 1,
		};

		mask.ip_src[i % 7] = (uint8_t)(i % 7 + 1);
		failed += add_rule(bed, &r);
	}
	assert_true(failed > 300);
	assert_int_equal(le32toh(query(bed).rules), 300);
	bed_root(bed, VF(0), 3);
	fr_udp4(&f, 1, 2);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 1);
	bed_free(bed);
}

/* A hash table that cannot grow is slower, not wrong. */
static void cannot_grow(void **state)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_key mask = { .l4_dst = 0xffff }, key = { 0 };
	struct sluice_action a = act_out(VF(1));
	struct rule r = { .table = 1, .mask = 0, .counter = 1, .prio = 1,
			  .mask_bits = &mask, .key = &key, .act = &a,
			  .num_act = 1 };
	struct frame f;
	uint32_t i;

	(void)state;
	assert_int_equal(bed_mask(bed, 0, &mask), 0);
	for (i = 0; i < 64; i++) {
		r.id = i;
		key.l4_dst = htobe16((uint16_t)i);
		/* The rule itself is the first allocation here. */
		countdown = i == 8 ? 2 : -1;
		assert_in_range(bed_rule(bed, &r), SLUICE_ST_OK,
				SLUICE_ST_NOSPC);
		countdown = -1;
	}
	bed_root(bed, VF(0), 1);
	for (i = 0; i < 64; i++) {
		fr_udp4(&f, 1, (uint16_t)i);
		bed_clear(bed);
		bed_send(bed, VF(0), &f);
		assert_sent(bed, 0, VF(1), &f);
	}
	bed_free(bed);
}

/* Try a SET with each of its allocations failing, then for good. */
#define TRY(bed, call) do { \
	struct sluice_esw_info before = query(bed), after; \
	int status, n = 0; \
	do { \
		countdown = n++; \
		status = call; \
		countdown = -1; \
		after = query(bed); \
		if (status != SLUICE_ST_OK) { \
			assert_int_equal(status, SLUICE_ST_NOSPC); \
			assert_memory_equal(&before, &after, sizeof(after)); \
			failed++; \
		} \
	} while (status != SLUICE_ST_OK && n < 100); \
	assert_int_equal(status, SLUICE_ST_OK); \
} while (0)

static void tunnels(void **state)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	unsigned int failed = 0;
	uint32_t i;

	(void)state;
	for (i = 0; i < 300; i += 23) {
		struct sluice_cmd_next_hop nh = tun_next_hop(i, WIRE0, &o);
		struct sluice_cmd_endpoint ep;
		struct encap_cmd e;

		nh.counter = htole32((i * 4096) % 10000);
		TRY(bed, sluice_esw_next_hop_set(bed->esw, &nh));
		tun_encap(&e, i, i, &o);
		TRY(bed, sluice_esw_encap_set(bed->esw, &e.cmd));
		o.dport++;
		ep = tun_endpoint(i, WIRE0, 1, &o);
		TRY(bed, sluice_esw_endpoint_set(bed->esw, &ep));
		/* A change needs no memory. */
		countdown = 0;
		assert_int_equal(sluice_esw_next_hop_set(bed->esw, &nh), 0);
		assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
		assert_int_equal(sluice_esw_endpoint_set(bed->esw, &ep), 0);
		countdown = -1;
	}
	/* Each object, the arrays as they grow, and the table of endpoints. */
	assert_true(failed > 14 * 3 + 3);
	assert_int_equal(le32toh(query(bed).endpoints), 14);
	bed_free(bed);
}

/* The hash table may fail to grow, so not every allocation is needed. */
static void connections(void **state)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	unsigned int failed = 0;
	uint32_t i;

	(void)state;
	for (i = 0; i < 200; i++) {
		struct sluice_cmd_ct c = {
			.id = htole32(i), .table = htole32(i), .ip = 4,
			.counter = htole32((i * 4096) % 10000), .proto = 17,
		};

		TRY(bed, sluice_esw_ct_set(bed->esw, &c));
		/* A change needs no memory. */
		c.mark = htole32(i);
		countdown = 0;
		assert_int_equal(sluice_esw_ct_set(bed->esw, &c), 0);
		countdown = -1;
	}
	/* Each connection while the table need not grow, and the arrays. */
	assert_true(failed > 64);
	assert_int_equal(le32toh(query(bed).ct), 200);
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_eswitch),
		cmocka_unit_test(rules),
		cmocka_unit_test(cannot_grow),
		cmocka_unit_test(tunnels),
		cmocka_unit_test(connections),
	};

	return cmocka_run_group_tests_name("oom", tests, NULL, NULL);
}
