// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parser vectors: what flower's dissector finds in a frame.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include "harness.h"
#include "parser.h"

#define PORT	VF(2)

/*
 * Parse a copy that ends where the frame ends, so that reading on is caught.
 */
static struct sluice_key parse(const struct frame *f)
{
	uint8_t *copy = malloc(f->len);
	struct sluice_pkt p;
	struct sluice_key key;

	assert_non_null(copy);
	memcpy(copy, f->b, f->len);
	assert_true(sluice_pkt_init(&p, copy, f->len));
	memset(&key, 0xee, sizeof(key));
	sluice_parse(&p, PORT, &key);
	free(copy);
	return key;
}

/* A key with what every frame from A to B has. */
static struct sluice_key base(uint16_t outer, uint16_t n_proto)
{
	struct sluice_key k = { 0 };

	mac_parse(k.eth_dst, MAC_B);
	mac_parse(k.eth_src, MAC_A);
	k.outer_proto = htobe16(outer);
	k.n_proto = htobe16(n_proto);
	k.in_vport = htole16(PORT);
	return k;
}

static struct sluice_key ip4(uint16_t outer, uint8_t proto)
{
	struct sluice_key k = base(outer, 0x0800);

	k.ip_proto = proto;
	k.ip_tos = 0x10;
	k.ip_ttl = 64;
	memcpy(k.ip_src, "\x0a\0\0\x01", 4);
	memcpy(k.ip_dst, "\x0a\0\0\x02", 4);
	return k;
}

static struct sluice_key ip6(uint16_t outer, uint8_t proto)
{
	struct sluice_key k = base(outer, 0x86dd);

	k.ip_proto = proto;
	k.ip_tos = 0xab;
	k.ip_ttl = 63;
	inet_pton(AF_INET6, "fc00::1", k.ip_src);
	inet_pton(AF_INET6, "fc00::2", k.ip_dst);
	return k;
}

static void expect(const struct frame *f, const struct sluice_key *want)
{
	struct sluice_key got = parse(f);

	assert_memory_equal(&got, want, sizeof(got));
}

static void fr_ip4_ab(struct frame *f, uint8_t proto, uint16_t payload)
{
	fr_ip4(f, proto, "10.0.0.1", "10.0.0.2", payload);
}

static void fr_ip6_ab(struct frame *f, uint8_t next, uint16_t payload)
{
	fr_ip6(f, next, "fc00::1", "fc00::2", payload);
}

static void bare_ethernet(void **state)
{
	struct sluice_key k = base(0x88b5, 0x88b5);
	struct frame f;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x88b5);
	expect(&f, &k);
}

static void ipv4_udp(void **state)
{
	struct sluice_key k = ip4(0x0800, 17);
	struct frame f;

	(void)state;
	fr_udp4(&f, 1000, 53);
	k.l4_src = htobe16(1000);
	k.l4_dst = htobe16(53);
	expect(&f, &k);
	/* Four bytes of it are enough for the ports. */
	f.len = 14 + 24;
	expect(&f, &k);
	f.len = 14 + 23;
	k.l4_src = 0;
	k.l4_dst = 0;
	expect(&f, &k);
}

static void ipv4_options(void **state)
{
	struct sluice_key k = ip4(0x0800, 6);
	struct frame f;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x0800);
	fr_ip4_ab(&f, 6, 20);
	f.b[14] = 0x47;
	fr_fill(&f, 1, 8);
	fr_tcp(&f, 80, 81, 0x812);
	k.l4_src = htobe16(80);
	k.l4_dst = htobe16(81);
	k.tcp_flags = htobe16(0x812);
	expect(&f, &k);
	/* No flags from a header that claims to be shorter than TCP's. */
	f.b[14 + 28 + 12] = 0x48;
	k.tcp_flags = 0;
	expect(&f, &k);
	f.b[14 + 28 + 12] = 0x58;
	f.len--;
	expect(&f, &k);
}

static void ipv4_bad_header(void **state)
{
	struct sluice_key k = base(0x0800, 0x0800);
	struct frame f;

	(void)state;
	fr_udp4(&f, 1, 2);
	f.b[14] = 0x44;
	expect(&f, &k);
	f.b[14] = 0x45;
	f.len = 14 + 19;
	expect(&f, &k);
}

static void ipv4_fragments(void **state)
{
	struct sluice_key k = ip4(0x0800, 17);
	struct frame f;

	(void)state;
	fr_udp4(&f, 1, 2);
	f.b[20] = 0x20;		/* more fragments, offset 0 */
	k.frag = SLUICE_FRAG_IS | SLUICE_FRAG_FIRST;
	expect(&f, &k);
	f.b[21] = 1;		/* offset 8 */
	k.frag = SLUICE_FRAG_IS;
	expect(&f, &k);
	f.b[20] = 0x00;		/* the last one */
	expect(&f, &k);
	f.b[20] = 0x40;		/* do not fragment */
	f.b[21] = 0;
	k.frag = 0;
	k.l4_src = htobe16(1);
	k.l4_dst = htobe16(2);
	expect(&f, &k);
}

static void ports_by_protocol(void **state)
{
	static const struct {
		uint8_t proto;
		uint32_t at;	/* where the ports are, ~0 for none */
	} v[] = {
		{ 6, 0 }, { 17, 0 }, { 33, 0 }, { 50, 0 }, { 132, 0 },
		{ 136, 0 }, { 51, 4 }, { 2, ~0u }, { 47, ~0u }, { 4, ~0u },
		{ 41, ~0u }, { 89, ~0u }, { 0, ~0u }, { 60, ~0u }, { 44, ~0u },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct sluice_key k = ip4(0x0800, v[i].proto);
		struct frame f;

		fr_eth(&f, MAC_B, MAC_A, 0x0800);
		fr_ip4_ab(&f, v[i].proto, 8);
		fr_bytes(&f, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
		if (v[i].at != ~0u) {
			k.l4_src = htobe16(v[i].at ? 0x0506 : 0x0102);
			k.l4_dst = htobe16(v[i].at ? 0x0708 : 0x0304);
		}
		if (v[i].proto == 50)
			k.spi = htobe32(0x01020304);
		expect(&f, &k);
	}
}

static void icmp(void **state)
{
	struct sluice_key k = ip4(0x0800, 1);
	struct frame f;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x0800);
	fr_ip4_ab(&f, 1, 8);
	fr_bytes(&f, "\x03\x04\0\0\0\0\0\0", 8);
	k.icmp_type = 3;
	k.icmp_code = 4;
	expect(&f, &k);
	f.len--;	/* the dissector wants all 8 bytes */
	k.icmp_type = 0;
	k.icmp_code = 0;
	expect(&f, &k);
}

static void icmp6_behind_headers(void **state)
{
	struct sluice_key k = ip6(0x86dd, 58);
	struct frame f;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6_ab(&f, 0, 8 + 16 + 8);
	fr_bytes(&f, "\x2b\0\0\0\0\0\0\0", 8);		/* hop by hop */
	fr_bytes(&f, "\x3a\x01", 2);			/* routing, 16 bytes */
	fr_fill(&f, 0, 14);
	fr_bytes(&f, "\x87\x05\0\0\0\0\0\0", 8);
	k.icmp_type = 0x87;
	k.icmp_code = 5;
	expect(&f, &k);
	/* What was reached before the frame ends stays. */
	f.len = 14 + 40 + 8 + 1;
	k.icmp_type = 0;
	k.icmp_code = 0;
	k.ip_proto = 43;
	expect(&f, &k);
}

static void ipv6_fragments(void **state)
{
	struct sluice_key k = ip6(0x86dd, 17);
	struct frame f;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6_ab(&f, 44, 16);
	fr_bytes(&f, "\x11\0\0\x01\0\0\0\x05", 8);
	fr_udp(&f, 7, 8, 0);
	k.frag = SLUICE_FRAG_IS | SLUICE_FRAG_FIRST;
	expect(&f, &k);
	f.b[14 + 40 + 3] = 0x08;
	k.frag = SLUICE_FRAG_IS;
	expect(&f, &k);
	f.len = 14 + 40 + 7;
	k.frag = 0;
	k.ip_proto = 44;
	expect(&f, &k);
}

/* Fifteen headers are looked at, no more. */
static void ipv6_header_limit(void **state)
{
	struct sluice_key k = ip6(0x86dd, 6);
	struct frame f;
	unsigned int i;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6_ab(&f, 60, 15 * 8 + 20);
	for (i = 0; i < 14; i++)
		fr_bytes(&f, "\x3c\0\0\0\0\0\0\0", 8);
	fr_bytes(&f, "\x06\0\0\0\0\0\0\0", 8);
	fr_tcp(&f, 7, 8, 0x10);
	k.l4_src = htobe16(7);
	k.l4_dst = htobe16(8);
	k.tcp_flags = htobe16(0x10);
	expect(&f, &k);
	/* With sixteen options the ports are still found, the flags not. */
	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6_ab(&f, 60, 16 * 8 + 20);
	for (i = 0; i < 15; i++)
		fr_bytes(&f, "\x3c\0\0\0\0\0\0\0", 8);
	fr_bytes(&f, "\x06\0\0\0\0\0\0\0", 8);
	fr_tcp(&f, 7, 8, 0x10);
	k.tcp_flags = 0;
	expect(&f, &k);
}

static void one_tag(void **state)
{
	struct sluice_key k = ip4(0x8100, 17);
	struct frame f;

	(void)state;
	fr_udp4(&f, 1, 2);
	fr_vlan(&f, 0x8100, 0xb123);
	k.vlan.tci = htobe16(0xb123);
	k.vlan.tpid = htobe16(0x8100);
	k.vlan.next = htobe16(0x0800);
	k.num_vlans = 1;
	k.l4_src = htobe16(1);
	k.l4_dst = htobe16(2);
	expect(&f, &k);
}

static void many_tags(void **state)
{
	struct sluice_key k = ip4(0x88a8, 17);
	struct frame f;

	(void)state;
	fr_udp4(&f, 1, 2);
	fr_vlan(&f, 0x8100, 0x0003);
	fr_vlan(&f, 0x8100, 0x2002);
	fr_vlan(&f, 0x88a8, 0x1001);
	k.vlan.tci = htobe16(0x1001);
	k.vlan.tpid = htobe16(0x88a8);
	k.vlan.next = htobe16(0x8100);
	k.cvlan.tci = htobe16(0x2002);
	k.cvlan.tpid = htobe16(0x8100);
	k.cvlan.next = htobe16(0x8100);
	k.num_vlans = 3;
	k.l4_src = htobe16(1);
	k.l4_dst = htobe16(2);
	expect(&f, &k);
}

static void truncated_inner_tag(void **state)
{
	struct sluice_key k = base(0x8100, 0x8100);
	struct frame f;

	(void)state;
	fr_macs(&f, MAC_B, MAC_A);
	fr_u16(&f, 0x8100);
	fr_u16(&f, 5);
	fr_u16(&f, 0x8100);
	fr_u16(&f, 6);
	k.vlan.tci = htobe16(5);
	k.vlan.tpid = htobe16(0x8100);
	k.vlan.next = htobe16(0x8100);
	k.num_vlans = 1;
	expect(&f, &k);
}

static void length_frames(void **state)
{
	struct sluice_key k = base(4, 4);
	struct frame f;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x0026);
	fr_bytes(&f, "\x42\x42\x03", 3);
	expect(&f, &k);
	f.b[14] = 0xff;
	f.b[15] = 0xff;
	k = base(1, 1);
	expect(&f, &k);
	/* Nothing behind the length. */
	f.len = 14;
	k = base(4, 4);
	expect(&f, &k);
	/* Behind a tag it is told likewise ... */
	fr_macs(&f, MAC_B, MAC_A);
	fr_u16(&f, 0x8100);
	fr_u16(&f, 7);
	fr_u16(&f, 0x0026);
	fr_bytes(&f, "\x42\x42\x03", 3);
	k = base(0x8100, 4);
	k.vlan.tci = htobe16(7);
	k.vlan.tpid = htobe16(0x8100);
	k.vlan.next = htobe16(4);
	k.num_vlans = 1;
	expect(&f, &k);
	/* ... but behind a second one it is just a number. */
	fr_vlan(&f, 0x88a8, 8);
	k = base(0x88a8, 0x0026);
	k.vlan.tci = htobe16(8);
	k.vlan.tpid = htobe16(0x88a8);
	k.vlan.next = htobe16(0x8100);
	k.cvlan.tci = htobe16(7);
	k.cvlan.tpid = htobe16(0x8100);
	k.cvlan.next = htobe16(0x0026);
	k.num_vlans = 2;
	expect(&f, &k);
}

static void arp(void **state)
{
	static const uint8_t body[28] = {
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 10, 10, 0, 0, 1,
		2, 0, 0, 0, 0, 11, 10, 0, 0, 2,
	};
	static const uint16_t protos[] = { 0x0806, 0x8035 };
	struct sluice_key k, empty;
	struct frame f;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		k = base(protos[i], protos[i]);
		empty = k;
		fr_eth(&f, MAC_B, MAC_A, protos[i]);
		fr_bytes(&f, body, 28);
		k.arp_op = 1;
		mac_parse(k.arp_sha, MAC_A);
		mac_parse(k.arp_tha, MAC_B);
		memcpy(&k.arp_sip, "\x0a\0\0\x01", 4);
		memcpy(&k.arp_tip, "\x0a\0\0\x02", 4);
		expect(&f, &k);
		f.b[21] = 2;
		k.arp_op = 2;
		expect(&f, &k);
		f.b[21] = 3;		/* neither request nor reply */
		expect(&f, &empty);
		f.b[21] = 1;
		f.b[20] = 1;
		expect(&f, &empty);
		f.b[20] = 0;
		f.b[18] = 8;		/* not Ethernet's address length */
		expect(&f, &empty);
		f.b[18] = 6;
		f.len--;
		expect(&f, &empty);
	}
}

static uint32_t esw_get32(const uint8_t *p)
{
	return (uint32_t)esw_get16(p) << 16 | esw_get16(p + 2);
}

static void lse_is(struct sluice_key *k, unsigned int i, uint32_t lse)
{
	k->mpls[i] = htobe32(lse);
	k->mpls_depth |= (uint8_t)(1u << i);
}

static void pppoe_is(struct sluice_key *k, uint16_t session, uint16_t proto)
{
	k->pppoe_session = htobe16(session);
	k->ppp_proto = htobe16(proto);
	k->pppoe_type = htobe16(0x8864);
}

static void pppoe(void **state)
{
	struct sluice_key k = ip4(0x8864, 17);
	struct frame f, inner;

	(void)state;
	fr_udp4(&inner, 1, 2);
	fr_eth(&f, MAC_B, MAC_A, 0x8864);
	fr_bytes(&f, "\x11\0\x12\x34\0\x50\0\x21", 8);
	fr_bytes(&f, inner.b + 14, inner.len - 14);
	k.l4_src = htobe16(1);
	k.l4_dst = htobe16(2);
	pppoe_is(&k, 0x1234, 0x0021);
	expect(&f, &k);
	f.b[15] = 0x09;			/* not session data */
	k = base(0x8864, 0x8864);
	expect(&f, &k);
	f.b[15] = 0;
	f.b[20] = 0xc0;			/* LCP */
	pppoe_is(&k, 0x1234, 0xc021);
	expect(&f, &k);
	f.b[20] = 0xc1;			/* a compressed number */
	k = base(0x8864, 0x8864);
	expect(&f, &k);
	f.b[20] = 0x02;			/* MPLS, with one label */
	f.b[21] = 0x81;
	f.b[24] |= 1;
	k = base(0x8864, 0x8847);
	pppoe_is(&k, 0x1234, 0x0281);
	lse_is(&k, 0, esw_get32(f.b + 22));
	expect(&f, &k);
	f.len = 21;			/* half a protocol number */
	k = base(0x8864, 0x8864);
	expect(&f, &k);
}

/* Each entry one more, until the stack or the key ends. */
static void mpls(void **state)
{
	struct sluice_key k = base(0x8847, 0x8847);
	struct frame f;
	unsigned int i;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x8847);
	expect(&f, &k);
	for (i = 0; i < 9; i++) {
		uint8_t lse[4] = { (uint8_t)i, 0x12, 0x3e, (uint8_t)(64 + i) };

		fr_bytes(&f, lse, 3);
		expect(&f, &k);		/* cut off */
		fr_bytes(&f, lse + 3, 1);
		if (i < 7)
			lse_is(&k, i, esw_get32(lse));
		expect(&f, &k);
	}
	f.b[14 + 2 * 4 + 2] |= 1;	/* the third is the last */
	lse_is(&k, 2, esw_get32(f.b + 14 + 8));
	for (i = 3; i < 7; i++)
		k.mpls[i] = 0;
	k.mpls_depth = 7;
	expect(&f, &k);
	f.b[13] = 0x48;			/* multicast */
	k.outer_proto = htobe16(0x8848);
	k.n_proto = k.outer_proto;
	expect(&f, &k);
}

static void cfm(void **state)
{
	struct sluice_key k = base(0x8902, 0x8902);
	struct frame f;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x8902);
	fr_fill(&f, 0xa1, 1);
	expect(&f, &k);
	fr_fill(&f, 5, 1);
	k.cfm_mdl = 0xa1;
	k.cfm_opcode = 5;
	expect(&f, &k);
	fr_vlan(&f, 0x8100, 9);
	k.outer_proto = htobe16(0x8100);
	k.vlan.tci = htobe16(9);
	k.vlan.tpid = htobe16(0x8100);
	k.vlan.next = htobe16(0x8902);
	k.num_vlans = 1;
	expect(&f, &k);
}

/* ESP has its SPI first, AH behind four bytes; both must be whole. */
static void ipsec(void **state)
{
	static const struct {
		uint8_t proto, len, at;
	} kinds[] = { { 50, 8, 0 }, { 51, 12, 4 } };
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct sluice_key k = ip6(0x86dd, kinds[i].proto);
		struct frame f;

		fr_eth(&f, MAC_B, MAC_A, 0x86dd);
		fr_ip6_ab(&f, kinds[i].proto, kinds[i].len);
		fr_fill(&f, 0, kinds[i].len);
		memcpy(f.b + 54 + kinds[i].at, "\1\2\3\4", 4);
		k.spi = htobe32(0x01020304);
		k.l4_src = htobe16(0x0102);
		k.l4_dst = htobe16(0x0304);
		expect(&f, &k);
		f.len--;
		k.spi = 0;
		expect(&f, &k);
	}
}

static void l2tp(void **state)
{
	struct sluice_key k = ip4(0x0800, 115);
	struct frame f;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x0800);
	fr_ip4_ab(&f, 115, 4);
	fr_bytes(&f, "\0\1\2", 3);
	expect(&f, &k);
	fr_bytes(&f, "\3", 1);
	k.l2tp_session = htobe32(0x00010203);
	expect(&f, &k);
	f.b[14 + 6] = 0x20;		/* a fragment */
	k.l2tp_session = 0;
	k.frag = SLUICE_FRAG_IS | SLUICE_FRAG_FIRST;
	expect(&f, &k);
}

static void hsr_then_tag(void **state)
{
	struct sluice_key k = ip4(0x892f, 17);
	struct frame f, inner;

	(void)state;
	fr_udp4(&inner, 1, 2);
	fr_eth(&f, MAC_B, MAC_A, 0x892f);
	fr_bytes(&f, "\0\x10\0\x01\x81\0", 6);
	fr_u16(&f, 0x0042);
	fr_bytes(&f, inner.b + 12, inner.len - 12);
	k.vlan.tci = htobe16(0x42);
	k.vlan.tpid = htobe16(0x8100);
	k.vlan.next = htobe16(0x0800);
	k.num_vlans = 1;
	k.l4_src = htobe16(1);
	k.l4_dst = htobe16(2);
	expect(&f, &k);
}

static void batman(void **state)
{
	struct sluice_key k = ip4(0x4305, 17);
	struct frame f, inner;

	(void)state;
	fr_udp4(&inner, 1, 2);
	fr_vlan(&inner, 0x8100, 0x42);
	fr_eth(&f, MAC_B, MAC_A, 0x4305);
	fr_bytes(&f, "\x40\x0f\x32\x01\x02\0\0\0\0\x09", 10);
	fr_bytes(&f, inner.b, inner.len);
	k.vlan.tci = htobe16(0x42);
	k.vlan.tpid = htobe16(0x8100);
	k.vlan.next = htobe16(0x0800);
	k.num_vlans = 0;		/* inside an encapsulation */
	k.l4_src = htobe16(1);
	k.l4_dst = htobe16(2);
	expect(&f, &k);
	f.b[15] = 14;			/* another version */
	k = base(0x4305, 0x4305);
	expect(&f, &k);
}

/* Encapsulations end the walk, and leave the outer protocol. */
static void stops_before_encap(void **state)
{
	static const uint8_t protos[] = { 4, 41, 47 };
	struct frame f, inner;
	unsigned int i;

	(void)state;
	fr_udp4(&inner, 1, 2);
	for (i = 0; i < sizeof(protos); i++) {
		struct sluice_key k = ip6(0x86dd, protos[i]);

		fr_eth(&f, MAC_B, MAC_A, 0x86dd);
		fr_ip6_ab(&f, protos[i], 78);
		fr_bytes(&f, inner.b + 14, inner.len - 14);
		expect(&f, &k);
	}
}

static void mpls_in_ip(void **state)
{
	struct sluice_key k = ip4(0x0800, 137);
	struct frame f;

	(void)state;
	k.n_proto = htobe16(0x8847);
	fr_eth(&f, MAC_B, MAC_A, 0x0800);
	fr_ip4_ab(&f, 137, 8);
	fr_fill(&f, 1, 8);
	lse_is(&k, 0, 0x01010101);
	expect(&f, &k);
}

/* Fields of other versions do not leak: IPv4 uses four bytes of 16. */
static void reused_key_is_clean(void **state)
{
	struct sluice_key k = ip6(0x86dd, 17);
	struct frame f;

	(void)state;
	fr_eth(&f, MAC_B, MAC_A, 0x86dd);
	fr_ip6_ab(&f, 17, 8);
	fr_udp(&f, 9, 10, 0);
	k.l4_src = htobe16(9);
	k.l4_dst = htobe16(10);
	expect(&f, &k);
	fr_udp4(&f, 9, 10);
	k = ip4(0x0800, 17);
	k.l4_src = htobe16(9);
	k.l4_dst = htobe16(10);
	expect(&f, &k);
}

/* Every truncation of every kind of frame, and bytes at random. */
static void never_reads_beyond(void **state)
{
	unsigned int seed = 12345, i;
	struct frame f;

	(void)state;
	for (i = 0; i < 200000; i++) {
		uint32_t n = 14 + (uint32_t)rand_r(&seed) % 90, j;
		static const uint16_t protos[] = {
			0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806, 0x8864, 0x4305,
			0x892f, 0x88fb, 0x8847, 0x0010, 0x8902,
		};

		f.len = n;
		for (j = 0; j < n; j++)
			f.b[j] = (uint8_t)(rand_r(&seed) >> 8);
		for (j = 12; j + 2 <= n && j < 30; j += 2) {
			uint16_t p = protos[rand_r(&seed) % 12];

			if (rand_r(&seed) % 3)
				continue;
			f.b[j] = (uint8_t)(p >> 8);
			f.b[j + 1] = (uint8_t)p;
		}
		{
			uint8_t *copy = malloc(n);
			struct sluice_pkt p;
			struct sluice_key key;

			memcpy(copy, f.b, n);
			if (sluice_pkt_init(&p, copy, n)) {
				sluice_parse(&p, PORT, &key);
				assert_true(key.num_vlans <= 16);
			} else {
				assert_true(n < 20);
			}
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bare_ethernet),
		cmocka_unit_test(ipv4_udp),
		cmocka_unit_test(ipv4_options),
		cmocka_unit_test(ipv4_bad_header),
		cmocka_unit_test(ipv4_fragments),
		cmocka_unit_test(ports_by_protocol),
		cmocka_unit_test(icmp),
		cmocka_unit_test(icmp6_behind_headers),
		cmocka_unit_test(ipv6_fragments),
		cmocka_unit_test(ipv6_header_limit),
		cmocka_unit_test(one_tag),
		cmocka_unit_test(many_tags),
		cmocka_unit_test(truncated_inner_tag),
		cmocka_unit_test(length_frames),
		cmocka_unit_test(arp),
		cmocka_unit_test(pppoe),
		cmocka_unit_test(mpls),
		cmocka_unit_test(cfm),
		cmocka_unit_test(ipsec),
		cmocka_unit_test(l2tp),
		cmocka_unit_test(hsr_then_tag),
		cmocka_unit_test(batman),
		cmocka_unit_test(stops_before_encap),
		cmocka_unit_test(mpls_in_ip),
		cmocka_unit_test(reused_key_is_clean),
		cmocka_unit_test(never_reads_beyond),
	};

	return cmocka_run_group_tests_name("parser", tests, NULL, NULL);
}
