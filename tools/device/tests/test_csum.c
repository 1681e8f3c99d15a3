// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The csum action against a slow reference of another make: checksums are
 * added bit by bit and byte by byte, and verified as a receiver would.
 */
#include <stdlib.h>
#include "harness.h"

#define ALL	0x7f

static int setup(void **state)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);

	bed_root(bed, VF(0), 1);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	bed_free(*state);
	return 0;
}

/* One's complement addition, one 16-bit word after the other. */
static uint16_t ref_add(uint16_t a, uint16_t b)
{
	uint32_t s = (uint32_t)a + b;

	return (uint16_t)(s > 0xffff ? s - 0xffff : s);
}

static uint16_t ref_sum(uint16_t sum, const uint8_t *p, uint32_t len)
{
	uint32_t i;

	for (i = 0; i < len; i++)
		sum = ref_add(sum, (uint16_t)(i & 1 ? p[i] : p[i] << 8));
	return sum;
}

static uint16_t ref_pseudo4(const uint8_t *ip, uint32_t len)
{
	uint16_t sum = ref_sum(0, ip + 12, 8);

	return ref_add(ref_add(sum, ip[9]), (uint16_t)len);
}

static uint16_t ref_pseudo6(const uint8_t *ip, uint8_t proto, uint32_t len)
{
	uint16_t sum = ref_sum(0, ip + 8, 32);

	return ref_add(ref_add(sum, proto), (uint16_t)len);
}

/* CRC32c as a shift register. */
static uint32_t ref_crc(const uint8_t *p, uint32_t len)
{
	uint32_t crc = 0xffffffff, i;
	int bit;

	for (i = 0; i < len; i++)
		for (bit = 0; bit < 8; bit++) {
			uint32_t in = (crc ^ (uint32_t)(p[i] >> bit)) & 1;

			crc >>= 1;
			if (in)
				crc ^= 0x82f63b78;
		}
	return ~crc;
}

static void put(struct frame *f, uint32_t at, uint16_t v)
{
	f->b[at] = (uint8_t)(v >> 8);
	f->b[at + 1] = (uint8_t)v;
}

/* Run a csum action over @in. */
static const struct sent *run(struct bed *bed, const struct frame *in,
			      uint32_t which)
{
	struct sluice_action a[2] = { act_csum(which), act_out(VF(1)) };
	uint32_t counter;

	bed_any(bed, 0, 1, a, 2);
	bed_clear(bed);
	bed_send(bed, VF(0), in);
	assert_int_equal(sluice_esw_rule_del(bed->esw, 0, &counter), 0);
	assert_int_equal(bed->num_sent, 1);
	return &bed->sent[0];
}

static void expect(struct bed *bed, const struct frame *in, uint32_t which,
		   const struct frame *want)
{
	run(bed, in, which);
	assert_sent(bed, 0, VF(1), want);
}

static void expect_slow(struct bed *bed, const struct frame *in,
			uint32_t which)
{
	run(bed, in, which);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_ACTION, in);
}

static void fr_random(struct frame *f, unsigned int *seed, uint32_t len)
{
	while (len--)
		fr_fill(f, (uint8_t)(rand_r(seed) >> 7), 1);
}

static void ip4_header(void **state)
{
	struct frame f, want;

	fr_udp4(&want, 1, 2);
	f = want;
	put(&f, 14 + 10, 0x1234);
	expect(*state, &f, SLUICE_CSUM_IPV4HDR, &want);
	/* Alone it touches nothing else, and without it nothing. */
	expect(*state, &f, SLUICE_CSUM_TCP, &f);
	/* With options. */
	fr_eth(&f, MAC_B, MAC_A, 0x0800);
	fr_ip4(&f, 89, "10.0.0.1", "10.0.0.2", 8);
	f.b[14] = 0x47;
	fr_fill(&f, 0x01, 8);
	want = f;
	put(&want, 14 + 10, 0);
	put(&want, 14 + 10, (uint16_t)~ref_sum(0, want.b + 14, 28));
	expect(*state, &f, SLUICE_CSUM_IPV4HDR, &want);
}

/* Every L4 protocol over IPv4 and IPv6 in all lengths, odd ones too. */
static void l4_random(void **state)
{
	static const struct {
		uint8_t proto;
		uint32_t flag;
		uint32_t at;	/* checksum field */
		uint32_t min;
	} v[] = {
		{ 6, SLUICE_CSUM_TCP, 16, 20 },
		{ 17, SLUICE_CSUM_UDP, 6, 8 },
		{ 1, SLUICE_CSUM_ICMP, 2, 8 },
		{ 2, SLUICE_CSUM_IGMP, 2, 8 },
		{ 58, SLUICE_CSUM_ICMP, 2, 8 },
	};
	unsigned int seed = 99, i, n;

	for (n = 0; n < 400; n++) {
		for (i = 0; i < 5; i++) {
			uint32_t len = v[i].min + (uint32_t)rand_r(&seed) % 99;
			bool v6 = v[i].proto == 58 ||
				  (v[i].proto > 5 && (n & 1));
			uint32_t l4 = v6 ? 54 : 34;
			struct frame f, want;
			uint16_t sum = 0;

			fr_eth(&f, MAC_B, MAC_A, v6 ? 0x86dd : 0x0800);
			if (v6)
				fr_ip6(&f, v[i].proto, "fd00::12",
				       "fe80::ff:1", (uint16_t)len);
			else
				fr_ip4(&f, v[i].proto, "192.168.7.9",
				       "10.255.3.1", (uint16_t)len);
			fr_random(&f, &seed, len);
			if (v[i].proto == 17)
				put(&f, l4 + 4, (uint16_t)len);
			/* Padding is not summed. */
			fr_random(&f, &seed, n % 3);
			want = f;
			put(&want, l4 + v[i].at, 0);
			if (v6)
				sum = ref_pseudo6(want.b + 14, v[i].proto,
						  len);
			else if (v[i].proto > 5)
				sum = ref_pseudo4(want.b + 14, len);
			sum = (uint16_t)~ref_sum(sum, want.b + l4, len);
			if (v[i].proto == 17 && !sum)
				sum = 0xffff;
			if (v[i].proto == 17 && !v6 &&
			    !f.b[l4 + 6] && !f.b[l4 + 7])
				want = f;
			else
				put(&want, l4 + v[i].at, sum);
			expect(*state, &f, v[i].flag, &want);
			/* Other flags leave it alone. */
			expect(*state, &f, ALL & ~v[i].flag &
			       ~(uint32_t)SLUICE_CSUM_IPV4HDR, &f);
		}
	}
}

static void udp_without_checksum(void **state)
{
	struct frame f, want;

	fr_udp4(&f, 1, 2);
	put(&f, 34 + 6, 0);
	expect(*state, &f, SLUICE_CSUM_UDP, &f);
	/* In IPv6 there is no such thing. */
	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6(&f, 17, "fc00::1", "fc00::2", 12);
	fr_udp(&f, 1, 2, 4);
	put(&f, 54 + 6, 0);
	want = f;
	put(&want, 54 + 6,
	    (uint16_t)~ref_sum(ref_pseudo6(want.b + 14, 17, 12),
			       want.b + 54, 12));
	expect(*state, &f, SLUICE_CSUM_UDP, &want);
}

/* A result of zero is sent as all ones. */
static void udp_zero_result(void **state)
{
	struct frame f, want;
	uint16_t sum;

	fr_eth(&f, MAC_B, MAC_A, 0x0800);
	fr_ip4(&f, 17, "10.0.0.1", "10.0.0.2", 10);
	fr_udp(&f, 1, 2, 2);
	put(&f, 34 + 8, 0);
	put(&f, 34 + 6, 0);
	sum = ref_sum(ref_pseudo4(f.b + 14, 10), f.b + 34, 10);
	put(&f, 34 + 8, (uint16_t)~sum);
	put(&f, 34 + 6, 0x7777);
	want = f;
	put(&want, 34 + 6, 0xffff);
	expect(*state, &f, SLUICE_CSUM_UDP, &want);
}

/* A UDP length that contradicts IP's: Linux clears the field and goes on. */
static void udp_obscure_length(void **state)
{
	struct frame f, want;

	fr_udp4(&f, 1, 2);
	put(&f, 34 + 4, 30);
	want = f;
	put(&want, 34 + 6, 0);
	expect(*state, &f, SLUICE_CSUM_UDP, &want);
}

static void udplite_coverage(void **state)
{
	static const uint16_t cover[] = { 0, 8, 12, 20 };
	struct frame f, want;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		uint32_t n = cover[i] ? cover[i] : 20;
		uint16_t sum;

		fr_eth(&f, MAC_B, MAC_A, 0x0800);
		fr_ip4(&f, 136, "10.0.0.1", "10.0.0.2", 20);
		fr_udp(&f, 1, 2, 12);
		put(&f, 34 + 4, cover[i]);
		want = f;
		put(&want, 34 + 6, 0);
		sum = ref_pseudo4(want.b + 14, cover[i]);
		put(&want, 34 + 6,
		    (uint16_t)~ref_sum(sum, want.b + 34, n));
		expect(*state, &f, SLUICE_CSUM_UDPLITE, &want);
	}
	put(&f, 34 + 4, 7);
	want = f;
	put(&want, 34 + 6, 0);
	expect(*state, &f, SLUICE_CSUM_UDPLITE, &want);
	put(&f, 34 + 4, 21);
	want = f;
	put(&want, 34 + 6, 0);
	expect(*state, &f, SLUICE_CSUM_UDPLITE, &want);
}

/* SCTP's covers the frame to its end, padding too. */
static void sctp(void **state)
{
	unsigned int seed = 5, n;

	for (n = 0; n < 100; n++) {
		uint32_t len = 12 + (uint32_t)rand_r(&seed) % 60, crc;
		struct frame f, want;

		fr_eth(&f, MAC_B, MAC_A, 0x0800);
		fr_ip4(&f, 132, "10.0.0.1", "10.0.0.2", (uint16_t)len);
		fr_random(&f, &seed, len + n % 4);
		want = f;
		memset(want.b + 34 + 8, 0, 4);
		crc = htole32(ref_crc(want.b + 34, len + n % 4));
		memcpy(want.b + 34 + 8, &crc, 4);
		expect(*state, &f, SLUICE_CSUM_SCTP, &want);
	}
	/* The check value of the polynomial. */
	assert_int_equal(ref_crc((const uint8_t *)"123456789", 9), 0xe3069283);
}

static void through_tags_and_headers(void **state)
{
	struct frame f, want;

	fr_udp4(&f, 1, 2);
	want = f;
	put(&want, 34 + 6, 0);
	put(&want, 34 + 6,
	    (uint16_t)~ref_sum(ref_pseudo4(want.b + 14, 58), want.b + 34, 58));
	fr_vlan(&f, 0x8100, 5);
	fr_vlan(&want, 0x8100, 5);
	expect(*state, &f, SLUICE_CSUM_UDP, &want);
	fr_vlan(&f, 0x88a8, 6);
	fr_vlan(&want, 0x88a8, 6);
	fr_vlan(&f, 0x88a8, 6);
	fr_vlan(&want, 0x88a8, 6);
	expect(*state, &f, SLUICE_CSUM_UDP, &want);

	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6(&f, 0, "fc00::1", "fc00::2", 8 + 8 + 20);
	fr_bytes(&f, "\x3c\0\x01\x04\0\0\0\0", 8);
	fr_bytes(&f, "\x06\0\x01\x04\0\0\0\0", 8);
	fr_tcp(&f, 80, 81, 0x12);
	want = f;
	put(&want, 70 + 16, 0);
	put(&want, 70 + 16,
	    (uint16_t)~ref_sum(ref_pseudo6(want.b + 14, 6, 20), want.b + 70,
			       20));
	expect(*state, &f, SLUICE_CSUM_TCP, &want);
	/* In a fragment, and for what it does not know, nothing. */
	f.b[14 + 40] = 44;
	expect(*state, &f, ALL, &f);
	f.b[14 + 40] = 50;
	expect(*state, &f, ALL, &f);
}

static void fragments4(void **state)
{
	struct frame f, want;

	fr_udp4(&f, 1, 2);
	put(&f, 14 + 6, 0x2001);
	expect(*state, &f, SLUICE_CSUM_UDP, &f);
	/* The first one is summed as far as it goes. */
	put(&f, 14 + 6, 0x2000);
	want = f;
	put(&want, 34 + 6, 0);
	put(&want, 34 + 6,
	    (uint16_t)~ref_sum(ref_pseudo4(want.b + 14, 58), want.b + 34, 58));
	expect(*state, &f, SLUICE_CSUM_UDP, &want);
}

/* Where Linux drops the packet, software gets it as it came. */
static void impossible(void **state)
{
	struct frame f;

	fr_udp4(&f, 1, 2);
	f.len--;		/* IP says more than there is */
	expect_slow(*state, &f, SLUICE_CSUM_UDP);
	fr_udp4(&f, 1, 2);
	put(&f, 14 + 2, 27);	/* or less than a UDP header */
	expect_slow(*state, &f, SLUICE_CSUM_UDP);
	fr_udp4(&f, 1, 2);
	f.b[14] = 0x44;
	expect_slow(*state, &f, SLUICE_CSUM_IPV4HDR);
	fr_udp4(&f, 1, 2);
	f.b[14] = 0x4f;
	f.len = 14 + 40;
	expect_slow(*state, &f, SLUICE_CSUM_IPV4HDR);
	f.len = 14 + 19;
	expect_slow(*state, &f, SLUICE_CSUM_IPV4HDR);
	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6(&f, 60, "fc00::1", "fc00::2", 16);
	fr_bytes(&f, "\x06\x01\0\0\0\0\0\0", 8);
	expect_slow(*state, &f, SLUICE_CSUM_TCP);
	f.len = 14 + 39;
	expect_slow(*state, &f, SLUICE_CSUM_TCP);
	/* A jumbo option in the wrong place. */
	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6(&f, 0, "fc00::1", "fc00::2", 28);
	fr_bytes(&f, "\x06\0\0\xc2\x04\0\0\0", 8);
	fr_tcp(&f, 1, 2, 0);
	expect_slow(*state, &f, SLUICE_CSUM_TCP);
}

/* A jumbo option's length counts instead of the header's. */
static void jumbo(void **state)
{
	struct frame f, want;

	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6(&f, 0, "fc00::1", "fc00::2", 0);
	fr_bytes(&f, "\x06\0\xc2\x04\0\0\0\x1c", 8);
	fr_tcp(&f, 80, 81, 0x12);
	fr_fill(&f, 0x77, 6);		/* padding */
	want = f;
	put(&want, 62 + 16, 0);
	put(&want, 62 + 16,
	    (uint16_t)~ref_sum(ref_pseudo6(want.b + 14, 6, 20), want.b + 62,
			       20));
	expect(*state, &f, SLUICE_CSUM_TCP, &want);
	/* More than there is, whatever it says. */
	f.b[54 + 4] = 0xff;
	expect_slow(*state, &f, SLUICE_CSUM_TCP);
	f.b[54 + 4] = 0;
	f.b[54 + 7] = 0x23;
	expect_slow(*state, &f, SLUICE_CSUM_TCP);
	/* An option longer than its header is let be. */
	f.b[54 + 2] = 0x1e;
	f.b[54 + 3] = 0x09;
	put(&f, 14 + 4, 28);
	want.b[54 + 2] = 0x1e;
	want.b[54 + 3] = 0x09;
	want.b[54 + 7] = 0x23;
	put(&want, 14 + 4, 28);
	expect(*state, &f, SLUICE_CSUM_TCP, &want);
}

static void not_ip(void **state)
{
	struct frame f;

	fr_eth(&f, MAC_B, MAC_A, 0x88b5);
	fr_fill(&f, 1, 60);
	expect(*state, &f, ALL, &f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ip4_header, setup, teardown),
		cmocka_unit_test_setup_teardown(l4_random, setup, teardown),
		cmocka_unit_test_setup_teardown(udp_without_checksum, setup,
						teardown),
		cmocka_unit_test_setup_teardown(udp_zero_result, setup,
						teardown),
		cmocka_unit_test_setup_teardown(udp_obscure_length, setup,
						teardown),
		cmocka_unit_test_setup_teardown(udplite_coverage, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sctp, setup, teardown),
		cmocka_unit_test_setup_teardown(through_tags_and_headers,
						setup, teardown),
		cmocka_unit_test_setup_teardown(fragments4, setup, teardown),
		cmocka_unit_test_setup_teardown(impossible, setup, teardown),
		cmocka_unit_test_setup_teardown(jumbo, setup, teardown),
		cmocka_unit_test_setup_teardown(not_ip, setup, teardown),
	};

	return cmocka_run_group_tests_name("csum", tests, NULL, NULL);
}
