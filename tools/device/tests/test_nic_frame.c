// SPDX-License-Identifier: GPL-2.0-or-later
/* Checksums, RSS hash and the frame queue between threads. */
#include <pthread.h>
#include <stdlib.h>
#include "harness.h"
#include "../nic/frame.h"
#include "fifo.h"

/* The key and vectors of Microsoft's "Verifying the RSS Hash Calculation". */
static const uint8_t ms_key[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
	0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
	0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
	0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
	0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static void test_toeplitz_vectors(void **state)
{
	static const struct {
		const char *src, *dst;
		uint16_t sport, dport;
		uint32_t ip, tcp;
	} v[] = {
		{ "66.9.149.187", "161.142.100.80", 2794, 1766,
		  0x323e8fc2, 0x51ccc178 },
		{ "199.92.111.2", "65.69.140.83", 14230, 4739,
		  0xd718262a, 0xc626b0ea },
		{ "24.19.198.95", "12.22.207.184", 12898, 38024,
		  0xd2d0a5de, 0x5c2b394a },
	};
	struct toeplitz *t = malloc(sizeof(*t));
	struct frame_info fi;
	struct frame f;
	unsigned int i;
	uint32_t hash;
	bool l4;

	(void)state;
	toeplitz_init(t, ms_key);
	for (i = 0; i < 3; i++) {
		f.len = 0;
		fr_eth(&f, MAC_B, MAC_A, 0x0800);
		fr_ip4(&f, 6, v[i].src, v[i].dst, 20);
		fr_tcp(&f, v[i].sport, v[i].dport, 0x10);
		frame_parse(f.b, f.len, &fi);
		assert_true(frame_rss(t, SLUICE_RSS_ALL, f.b, &fi, &hash, &l4));
		assert_true(l4);
		assert_int_equal(hash, v[i].tcp);
		assert_true(frame_rss(t, SLUICE_RSS_IPV4 | SLUICE_RSS_UDP4,
				      f.b, &fi, &hash, &l4));
		assert_false(l4);
		assert_int_equal(hash, v[i].ip);
		assert_false(frame_rss(t, SLUICE_RSS_IPV6, f.b, &fi, &hash,
				       &l4));
	}
	free(t);
}

/* The hash, one bit after the other, as its definition says. */
static uint32_t slow_toeplitz(const uint8_t *key, const uint8_t *in,
			      unsigned int len)
{
	uint32_t hash = 0;
	unsigned int i, b;

	for (i = 0; i < len * 8; i++) {
		uint32_t window = 0;

		if (!(in[i / 8] >> (7 - i % 8) & 1))
			continue;
		for (b = i; b < i + 32; b++)
			window = window << 1 | (key[b / 8] >> (7 - b % 8) & 1);
		hash ^= window;
	}
	return hash;
}

static void test_toeplitz_reference(void **state)
{
	struct toeplitz *t = malloc(sizeof(*t));
	uint8_t in[TOEPLITZ_INPUT], key[40];
	unsigned int i, k;

	(void)state;
	srand(7);
	for (i = 0; i < 200; i++) {
		for (k = 0; k < sizeof(key); k++)
			key[k] = rand();
		for (k = 0; k < sizeof(in); k++)
			in[k] = rand();
		toeplitz_init(t, key);
		k = 1 + rand() % sizeof(in);
		assert_int_equal(toeplitz_hash(t, in, k),
				 slow_toeplitz(key, in, k));
	}
	free(t);
}

static uint16_t slow_sum(const uint8_t *p, uint32_t len, uint32_t sum)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		sum += i & 1 ? p[i] : p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* Any frame has a flow hash; what it covers depends on what there is. */
static void test_flow_hash(void **state)
{
	struct toeplitz *t = malloc(sizeof(*t));
	const uint8_t zero[40] = { 0 };
	struct frame_info fi;
	struct frame f;
	uint32_t hash;
	unsigned int tags;
	bool l4, rss_l4;

	(void)state;
	assert_non_null(t);
	toeplitz_init(t, ms_key);
	for (tags = 0; tags < 3; tags++) {
		unsigned int i;

		/* TCP and UDP: as RSS has it. */
		fr_eth(&f, MAC_B, MAC_A, 0x0800);
		fr_ip4(&f, 6, "66.9.149.187", "161.142.100.80", 20);
		fr_tcp(&f, 2794, 1766, 2);
		for (i = 0; i < tags; i++)
			fr_vlan(&f, 0x8100, (uint16_t)i);
		assert_int_equal(frame_flow_hash(t, f.b, f.len, &l4),
				 0x51ccc178);
		assert_true(l4);
		fr_eth(&f, MAC_B, MAC_A, 0x86dd);
		fr_ip6(&f, 17, "fe80::1", "fe80::2", 8);
		fr_udp(&f, 5, 6, 0);
		for (i = 0; i < tags; i++)
			fr_vlan(&f, 0x8100, (uint16_t)i);
		frame_parse(f.b, f.len, &fi);
		assert_true(frame_rss(t, SLUICE_RSS_ALL, f.b, &fi, &hash,
				      &rss_l4));
		assert_int_equal(frame_flow_hash(t, f.b, f.len, &l4), hash);
		assert_true(l4);
	}
	/* Ports of SCTP, too. */
	fr_eth(&f, MAC_B, MAC_A, 0x0800);
	fr_ip4(&f, 132, "66.9.149.187", "161.142.100.80", 12);
	fr_ports(&f, 2794, 1766);
	fr_fill(&f, 0, 8);
	assert_int_equal(frame_flow_hash(t, f.b, f.len, &l4), 0x51ccc178);
	assert_true(l4);
	/* Addresses alone: fragments and other protocols. */
	f.b[20] = 0x20;
	assert_int_equal(frame_flow_hash(t, f.b, f.len, &l4), 0x323e8fc2);
	assert_false(l4);
	f.b[20] = 0;
	f.b[23] = 1;
	assert_int_equal(frame_flow_hash(t, f.b, f.len, &l4), 0x323e8fc2);
	assert_false(l4);
	/* No IP: the Ethernet header. */
	fr_eth(&f, MAC_B, MAC_A, 0x0806);
	hash = slow_toeplitz(ms_key, f.b, 14);
	fr_fill(&f, 9, 28);
	assert_int_equal(frame_flow_hash(t, f.b, f.len, &l4), hash);
	assert_false(l4);
	f.b[13]++;
	assert_int_not_equal(frame_flow_hash(t, f.b, f.len, &l4), hash);
	/* Never zero. */
	toeplitz_init(t, zero);
	assert_int_equal(frame_flow_hash(t, f.b, f.len, &l4), 1);
	free(t);
}

static void test_sum(void **state)
{
	uint8_t buf[2048];
	unsigned int i, k;

	(void)state;
	srand(3);
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = rand();
	for (i = 0; i < 500; i++) {
		uint32_t off = rand() % 64, len = rand() % 1900;

		k = rand() & 0xffff;
		assert_int_equal(frame_sum(buf + off, len, k),
				 slow_sum(buf + off, len, k));
	}
	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(frame_sum(buf, sizeof(buf), 0), 0xffff);
	assert_int_equal(frame_sum(buf, 0, 0), 0);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

/* A frame with right checksums, made with the slow sum alone. */
static void right_udp(struct frame *f, bool v6, unsigned int tags,
		      uint16_t payload)
{
	uint32_t l3, l4, i;
	uint16_t c;

	f->len = 0;
	fr_macs(f, MAC_B, MAC_A);
	for (i = 0; i < tags; i++)
		fr_vlan(f, i ? 0x8100 : 0x88a8, i + 1);
	fr_u16(f, v6 ? 0x86dd : 0x0800);
	l3 = f->len;
	if (v6)
		fr_ip6(f, 17, "2001:db8::1", "2001:db8::2", 8 + payload);
	else
		fr_ip4(f, 17, "10.0.0.1", "10.0.0.2", 8 + payload);
	l4 = f->len;
	fr_udp(f, 1234, 5678, payload);
	for (i = l4 + 8; f->len < l4 + 8u + payload; i++)
		fr_fill(f, i * 7, 1);
	put16(f->b + l4 + 6, 0);
	c = v6 ? slow_sum(f->b + l3 + 8, 32, 0) :
		 slow_sum(f->b + l3 + 12, 8, 0);
	c = slow_sum(f->b + l4, 8 + payload, (uint32_t)c + 17 + 8 + payload);
	c = ~c;
	put16(f->b + l4 + 6, c ? c : 0xffff);
	if (!v6) {
		put16(f->b + l3 + 10, 0);
		put16(f->b + l3 + 10, ~slow_sum(f->b + l3, 20, 0));
	}
}

static void test_verify(void **state)
{
	struct frame_info fi;
	struct frame f;
	unsigned int v6, tags;
	uint16_t len;

	(void)state;
	for (v6 = 0; v6 < 2; v6++) {
		for (tags = 0; tags < 3; tags++) {
			for (len = 0; len < 40; len++) {
				right_udp(&f, v6, tags, len);
				/* Padding behind the packet is not part of it. */
				fr_fill(&f, 0xa5, 5);
				frame_parse(f.b, f.len, &fi);
				assert_int_equal(fi.l4_len, 8 + len);
				assert_int_equal(frame_l3_ok(f.b, &fi), !v6);
				assert_true(frame_l4_ok(f.b, &fi));
				f.b[fi.l4 + 1] ^= 4;
				assert_false(frame_l4_ok(f.b, &fi));
			}
		}
	}

	/* Without a checksum, or with a wrong header one. */
	right_udp(&f, false, 0, 10);
	put16(f.b + 14 + 20 + 6, 0);
	f.b[14 + 8] ^= 1;
	frame_parse(f.b, f.len, &fi);
	assert_false(frame_l4_ok(f.b, &fi));
	assert_false(frame_l3_ok(f.b, &fi));

	/* Fragments and truncated packets have no transport header. */
	right_udp(&f, false, 0, 10);
	f.b[14 + 6] = 0x20;
	frame_parse(f.b, f.len, &fi);
	assert_int_equal(fi.l4, 0);
	right_udp(&f, false, 0, 10);
	frame_parse(f.b, f.len - 1, &fi);
	assert_int_equal(fi.l3, 0);
	right_udp(&f, true, 0, 10);
	for (len = 0; len < f.len; len++)
		frame_parse(f.b, len, &fi);
}

static void test_sctp(void **state)
{
	struct frame_info fi;
	struct frame f = { 0 };
	uint32_t crc = 0xffffffff, l4;
	unsigned int i, b;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x0800);
	fr_ip4(&f, 132, "10.0.0.1", "10.0.0.2", 12 + 33);
	l4 = f.len;
	fr_ports(&f, 7, 9);
	fr_fill(&f, 0x11, 4);
	fr_fill(&f, 0, 4);
	fr_fill(&f, 0x5c, 33);
	for (i = l4; i < f.len; i++) {
		crc ^= f.b[i];
		for (b = 0; b < 8; b++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	crc = ~crc;
	memcpy(f.b + l4 + 8, &(uint32_t){ htole32(crc) }, 4);
	frame_parse(f.b, f.len, &fi);
	assert_int_equal(fi.l4, l4);
	assert_true(frame_l4_ok(f.b, &fi));
	f.b[f.len - 1] ^= 1;
	assert_false(frame_l4_ok(f.b, &fi));
}

static void test_csum_fill(void **state)
{
	uint8_t buf[64];

	(void)state;
	/* All zero sums to 0, whose complement is 0xffff. */
	memset(buf, 0, sizeof(buf));
	frame_csum_fill(buf, 64, 20, 6);
	assert_int_equal(buf[26] << 8 | buf[27], 0xffff);
	/* A sum of 0xffff gives 0, which must not be sent as such. */
	memset(buf, 0, sizeof(buf));
	put16(buf + 26, 0xffff);
	frame_csum_fill(buf, 64, 20, 6);
	assert_int_equal(buf[26] << 8 | buf[27], 0xffff);
	memset(buf, 0, sizeof(buf));
	put16(buf + 30, 0x1234);
	frame_csum_fill(buf, 63, 21, 0);
	assert_int_equal(buf[21] << 8 | buf[22],
			 (uint16_t)~slow_sum((uint8_t[]){
				 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34 },
				 11, 0));
}

static void test_fifo_wrap(void **state)
{
	uint8_t in[700];
	const uint8_t *out;
	struct fifo q;
	uint32_t len, next_in = 0, next_out = 0, i;
	unsigned int round;

	(void)state;
	assert_true(fifo_init(&q, 4096));
	srand(5);
	for (round = 0; round < 20000; round++) {
		if (rand() & 1) {
			len = 1 + next_in * 37 % 700;
			memset(in, next_in, len);
			if (fifo_room(&q, len))
				assert_true(fifo_put(&q, in, len));
			else if (!fifo_put(&q, in, len))
				continue;
			next_in++;
		} else if ((out = fifo_take(&q, &len))) {
			assert_int_equal(len, 1 + next_out * 37 % 700);
			for (i = 0; i < len; i++)
				assert_int_equal(out[i], next_out & 0xff);
			next_out++;
			if (rand() & 1)
				fifo_release(&q);
		} else {
			assert_int_equal(next_in, next_out);
			fifo_release(&q);
		}
		assert_int_equal(fifo_count(&q), next_in - next_out);
	}
	assert_true(next_out > 1000);
	fifo_clear(&q);
	assert_int_equal(fifo_count(&q), 0);
	assert_true(fifo_room(&q, 64) > 50);
	fifo_free(&q);
}

static void *putter(void *arg)
{
	struct fifo *q = arg;
	uint32_t i = 0;

	while (i < 50000)
		if (fifo_put(q, (uint8_t *)&i, sizeof(i)))
			i++;
		else
			sched_yield();
	return NULL;
}

static void test_fifo_threads(void **state)
{
	pthread_t thread;
	struct fifo q;
	uint32_t i = 0, len, v;

	(void)state;
	assert_true(fifo_init(&q, 1024));
	assert_int_equal(pthread_create(&thread, NULL, putter, &q), 0);
	while (i < 50000) {
		const uint8_t *p = fifo_take(&q, &len);

		if (!p) {
			sched_yield();
			continue;
		}
		memcpy(&v, p, 4);
		assert_int_equal(v, i);
		i++;
		fifo_release(&q);
	}
	pthread_join(thread, NULL);
	assert_int_equal(fifo_count(&q), 0);
	fifo_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_toeplitz_vectors),
		cmocka_unit_test(test_toeplitz_reference),
		cmocka_unit_test(test_flow_hash),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_sctp),
		cmocka_unit_test(test_csum_fill),
		cmocka_unit_test(test_fifo_wrap),
		cmocka_unit_test(test_fifo_threads),
	};

	return cmocka_run_group_tests_name("nic_frame", tests, NULL, NULL);
}
