// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets into tunnels, byte by byte.
 */
#include "tun_bed.h"

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

static void del(struct bed *bed, uint32_t rule)
{
	uint32_t counter;

	assert_int_equal(sluice_esw_rule_del(bed->esw, rule, &counter), 0);
}

/* Send @in with encap 1 as the whole program. */
static void send_one(struct bed *bed, const struct frame *in)
{
	struct sluice_action a = act_tunnel(1);

	bed_any(bed, 0, 1, &a, 1);
	bed_clear(bed);
	bed_send(bed, VF(0), in);
	del(bed, 0);
}

/*
 * Expect @in to leave by the wire behind @o.  @sport and @id are filled in.
 */
static void expect(struct bed *bed, const struct frame *in, struct outer o,
		   uint16_t id)
{
	struct frame want;

	if (o.type != SLUICE_TUNNEL_GRE)
		o.sport = tun_sport(bed, in);
	o.id = id;
	fr_tunnel(&want, &o, in);
	send_one(bed, in);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, WIRE0, &want);
	assert_int_equal(bed->sent[0].flags, 0);
}

static void expect_slow(struct bed *bed, const struct frame *in,
			uint8_t reason)
{
	uint64_t before = bed_packets(bed, 5001);
	uint64_t rule = bed_packets(bed, 0);

	send_one(bed, in);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), reason, in);
	assert_int_equal(bed_packets(bed, 5001), before);
	assert_int_equal(bed_packets(bed, 0), rule);
}

/* Every byte by hand: VXLAN with a checksum, and GRE in IPv6. */
static void golden(void **state)
{
	static const uint8_t vxlan[] = {
		0x02, 0, 0, 0, 0xbb, 0x01, 0x02, 0, 0, 0, 0xaa, 0x00,
		0x81, 0x00, 0x60, 0x2a, 0x08, 0x00,
		/* IPv4: 72 bytes, id 0, don't fragment */
		0x45, 0x00, 0x00, 0x48, 0x00, 0x00, 0x40, 0x00,
		0x40, 0x11, 0x4e, 0x6e, 192, 0, 2, 1, 198, 51, 100, 2,
		/* UDP 40300 to 4789: 52 bytes */
		0x9d, 0x6c, 0x12, 0xb5, 0x00, 0x34, 0xc8, 0x33,
		/* VXLAN 0xabcdef */
		0x08, 0, 0, 0, 0xab, 0xcd, 0xef, 0,
		/* ARP-like inner frame */
		0x02, 0, 0, 0, 0, 0x0b, 0x02, 0, 0, 0, 0, 0x0a, 0x12, 0x34,
	};
	static const uint8_t gre[] = {
		0x02, 0, 0, 0, 0xbb, 0x01, 0x02, 0, 0, 0, 0xaa, 0x00,
		0x86, 0xdd,
		/* label 0x27856: the flow hash, bytes of each half swapped */
		0x60, 0x02, 0x78, 0x56, 0x00, 0x2c, 47, 64,
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2,
		0x20, 0x00, 0x65, 0x58, 0xde, 0xad, 0xbe, 0xef,
		0x02, 0, 0, 0, 0, 0x0b, 0x02, 0, 0, 0, 0, 0x0a, 0x12, 0x34,
	};
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct frame in, want = { 0 };

	fr_eth(&in, MAC_B, MAC_A, 0x1234);
	fr_fill(&in, 0x5a, 22);
	bed->hash = 0x12345678 ^ in.b[0] ^ in.len;	/* now it is exactly that */

	o.tpid = 0x8100;
	o.tci = 0x602a;
	o.csum = true;
	bed_tunnel(bed, 1, WIRE0, &o, SLUICE_ENCAP_F_ECN);
	fr_bytes(&want, vxlan, sizeof(vxlan));
	fr_fill(&want, 0x5a, 22);
	send_one(bed, &in);
	assert_sent(bed, 0, WIRE0, &want);

	o = outer_usual(SLUICE_TUNNEL_GRE, true);
	bed_tunnel(bed, 1, WIRE0, &o, SLUICE_ENCAP_F_LABEL);
	want.len = 0;
	fr_bytes(&want, gre, sizeof(gre));
	fr_fill(&want, 0x5a, 22);
	send_one(bed, &in);
	assert_sent(bed, 0, WIRE0, &want);
}

/* Each type, version, checksum and tag, with short, odd and long packets. */
static void variants(void **state)
{
	struct bed *bed = *state;
	unsigned int type, v;
	struct frame in[3];

	bed_mtu(bed, VF(0), 9000);
	fr_udp4(&in[0], 1, 2);
	fr_eth(&in[1], MAC_BC, MAC_A, 0x0806);
	fr_fill(&in[1], 0x77, 29);
	fr_eth(&in[2], MAC_B, MAC_A, 0x86dd);
	fr_ip6(&in[2], 59, "fe80::1", "fe80::2", 8000);
	fr_fill(&in[2], 0xee, 8001);
	in[0].b[15] = 0;	/* ECN is another test's */
	in[2].b[15] = 0;

	for (type = SLUICE_TUNNEL_VXLAN; type <= SLUICE_TUNNEL_GRE; type++) {
		for (v = 0; v < 8; v++) {
			struct outer o = outer_usual((uint8_t)type, v & 1);
			uint16_t flags = type == SLUICE_TUNNEL_GRE ? 0 :
					 SLUICE_ENCAP_F_ECN;
			unsigned int i;

			o.csum = v & 2;
			if (v & 4) {
				o.tpid = 0x88a8;
				o.tci = 0x1002;
			}
			o.tos = 0x68;
			o.ttl = (uint8_t)(v + 9);
			o.label = v & 1 ? 0xabcde : 0;
			bed_tunnel(bed, 1, WIRE0, &o, flags);
			for (i = 0; i < 3; i++)
				expect(bed, &in[i], o, (uint16_t)
				       (o.v6 ? 0 : i));
			/* The next one starts its ids at 0 again. */
			assert_int_equal(sluice_esw_encap_del(bed->esw, 1), 0);
		}
	}
}

static void headers(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_GENEVE, true);
	struct frame in;
	unsigned int i;

	fr_eth(&in, MAC_B, MAC_A, 0x1234);
	fr_fill(&in, 0x5a, 100);
	/* As many options as there can be, OAM and critical. */
	o.num_opts = 252;
	o.head = 0xc0;
	o.csum = true;
	for (i = 0; i < 252; i++)
		o.opts[i] = (uint8_t)(i * 3);
	bed_tunnel(bed, 1, WIRE0, &o, SLUICE_ENCAP_F_ECN);
	expect(bed, &in, o, 0);
	/* Group policy. */
	o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	o.head = 0x88481234;
	bed_tunnel(bed, 1, WIRE0, &o, SLUICE_ENCAP_F_ECN);
	expect(bed, &in, o, 0);
	/* No key. */
	o = outer_usual(SLUICE_TUNNEL_GRE, false);
	o.key = false;
	o.frag = 0;
	bed_tunnel(bed, 1, WIRE1, &o, 0);
	send_one(bed, &in);
	assert_int_equal(bed->sent[0].vport, WIRE1);
	assert_int_equal(bed->sent[0].len, 14 + 24 + in.len);
}

static void ip_ids(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_action a[2] = { act_tunnel(1), act_tunnel(2) };
	struct frame in;
	unsigned int i;

	fr_udp4(&in, 1, 2);
	bed_tunnel(bed, 1, WIRE0, &o, 0);
	bed_tunnel(bed, 2, WIRE0, &o, 0);
	bed_any(bed, 0, 1, a, 2);
	for (i = 0; i < 65537; i++) {
		bed_clear(bed);
		bed_send(bed, VF(0), &in);
		assert_int_equal(bed->sent[0].b[18] << 8 | bed->sent[0].b[19],
				 i & 0xffff);
		assert_memory_equal(bed->sent[0].b, bed->sent[1].b,
				    bed->sent[0].len);
	}
	/* A change of the header leaves the counter alone. */
	bed_tunnel(bed, 1, WIRE0, &o, 0);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->sent[0].b[19], 1);
}

/* UDP sums that come out as zero are sent as 0xffff. */
static void zero_sum(void **state)
{
	struct bed *bed = *state;
	unsigned int v6;

	for (v6 = 0; v6 < 2; v6++) {
		struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, v6);
		struct frame in, probe;
		uint32_t at, sum;

		o.csum = true;
		fr_eth(&in, MAC_B, MAC_A, 0x1234);
		fr_fill(&in, 0, 40);
		o.sport = tun_sport(bed, &in);
		fr_tunnel(&probe, &o, &in);
		/* Put the checksum where there was zero. */
		at = outer_l4(&o) + 6;
		sum = (uint32_t)probe.b[at] << 8 | probe.b[at + 1];
		in.b[20] = (uint8_t)(sum >> 8);
		in.b[21] = (uint8_t)sum;
		bed_tunnel(bed, 1, WIRE0, &o, SLUICE_ENCAP_F_ECN);
		send_one(bed, &in);
		assert_int_equal(bed->sent[0].b[at], 0xff);
		assert_int_equal(bed->sent[0].b[at + 1], 0xff);
	}
}

/* The kernel's formula, worked out elsewhere. */
static void source_ports(void **state)
{
	static const struct {
		uint32_t hash;
		uint16_t min;
		uint32_t range;
		uint16_t port;
	} t[] = {
		{ 0x00000001, 32768, 28232, 32768 },
		{ 0x00000001, 0, 65536, 1 },
		{ 0x12345678, 32768, 28232, 40300 },
		{ 0x12345678, 0, 65536, 17484 },
		{ 0x12345678, 60000, 5536, 61476 },
		{ 0x12345678, 4096, 1, 4096 },
		{ 0xffffffff, 32768, 28232, 32768 },
		{ 0x80000000, 32768, 28232, 46884 },
		{ 0x80000000, 60000, 5536, 62768 },
		{ 0x0000ffff, 0, 65536, 0xffff },
	};
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_GENEVE, false);
	struct encap_cmd e;
	struct frame in;
	unsigned int i;

	fr_udp4(&in, 1, 2);
	bed_tunnel(bed, 1, WIRE0, &o, 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		tun_encap(&e, 1, 1, &o);
		e.cmd.sport_min = htole16(t[i].min);
		e.cmd.sport_range = htole32(t[i].range);
		assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
		bed->hash = t[i].hash ^ in.b[0] ^ in.len;
		send_one(bed, &in);
		assert_int_equal(bed->sent[0].b[34] << 8 | bed->sent[0].b[35],
				 t[i].port);
	}
}

/* An IP packet with this TOS and TTL. */
static void ip_frame(struct frame *f, bool v6, uint8_t tos, uint8_t ttl)
{
	fr_eth(f, MAC_B, MAC_A, v6 ? 0x86dd : 0x0800);
	if (v6) {
		fr_ip6(f, 59, "fe80::1", "fe80::2", 20);
		f->b[14] = (uint8_t)(0x60 | tos >> 4);
		f->b[15] = (uint8_t)(tos << 4);
		f->b[21] = ttl;
	} else {
		fr_ip4(f, 253, "10.0.0.1", "10.0.0.2", 20);
		f->b[15] = tos;
		f->b[22] = ttl;
	}
	fr_fill(f, 0x33, 20);
}

static void ecn(void **state)
{
	static const uint8_t want[4] = { 0, 1, 2, 2 };
	struct bed *bed = *state;
	unsigned int v, in_ecn, tags;

	for (v = 0; v < 8; v++) {
		struct outer o = outer_usual(v & 4 ? SLUICE_TUNNEL_GRE :
					     SLUICE_TUNNEL_VXLAN, v & 2);

		o.frag = 0;
		for (in_ecn = 0; in_ecn < 4; in_ecn++) {
			for (tags = 0; tags < 4; tags++) {
				struct frame in;
				unsigned int i;

				ip_frame(&in, v & 1,
					 (uint8_t)(0xfc | in_ecn), 7);
				for (i = 0; i < tags; i++)
					fr_vlan(&in, 0x8100, (uint16_t)(9 + i));
				/* The template's own ECN bits don't count. */
				o.tos = 0xb9;
				bed_tunnel(bed, 1, WIRE0, &o,
					   SLUICE_ENCAP_F_ECN);
				if (v & 4 && (tags > 1 || (tags && in_ecn))) {
					expect_slow(bed, &in,
						    SLUICE_MISS_ACTION);
					continue;
				}
				o.tos = (uint8_t)(0xb8 | want[in_ecn]);
				expect(bed, &in, o, 0);
				o.tos = 0xb9;
				assert_int_equal(sluice_esw_encap_del(bed->esw,
								      1), 0);
				/* Without the flag they do. */
				bed_tunnel(bed, 1, WIRE0, &o, 0);
				expect(bed, &in, o, 0);
				assert_int_equal(sluice_esw_encap_del(bed->esw,
								      1), 0);
			}
		}
	}
}

/* Where Linux drops a packet or has its own ideas. */
static void strange_inner(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct frame in;
	unsigned int i;

	bed_tunnel(bed, 1, WIRE0, &o, SLUICE_ENCAP_F_ECN);
	/* More tags than anyone has, and just as many as there may be. */
	ip_frame(&in, false, 0, 7);
	for (i = 0; i < 5; i++)
		fr_vlan(&in, 0x8100, 3);
	expect_slow(bed, &in, SLUICE_MISS_ACTION);
	ip_frame(&in, false, 3, 7);
	for (i = 0; i < 4; i++)
		fr_vlan(&in, 0x8100, 3);
	o.tos = 2;
	expect(bed, &in, o, 0);
	o.tos = 0;
	/* Half an IP header, also behind a tag; half a tag. */
	for (i = 0; i < 2; i++) {
		ip_frame(&in, i, 0, 7);
		in.len = i ? 53 : 33;
		expect_slow(bed, &in, SLUICE_MISS_ACTION);
		fr_vlan(&in, 0x8100, 3);
		fr_vlan(&in, 0x8100, 3);
		expect_slow(bed, &in, SLUICE_MISS_ACTION);
		in.len = 21;
		expect_slow(bed, &in, SLUICE_MISS_ACTION);
		ip_frame(&in, i, 0, 7);
		in.len = i ? 54 : 34;
		expect(bed, &in, o, (uint16_t)(i + 1));
	}
	/* The shortest frame. */
	fr_eth(&in, MAC_B, MAC_A, 0x1234);
	expect(bed, &in, o, 3);
}

/*
 * An edit of the ethertype: the kernel goes on with the protocol it knows, but
 * reads again what is behind a tag.
 */
static void retyped(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct outer gre = outer_usual(SLUICE_TUNNEL_GRE, false);
	struct sluice_action a[2] = {
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_ETH, 12, "ffff0000",
			  "88b50000"),
		act_tunnel(1),
	};
	struct frame in, edited, want;
	unsigned int tags, i;

	for (tags = 0; tags < 3; tags++) {
		ip_frame(&in, false, 3, 7);
		for (i = 0; i < tags; i++)
			fr_vlan(&in, 0x8100, 5);
		edited = in;
		/* The outermost tag is not in the frame when it is edited. */
		memcpy(edited.b + (tags ? 16 : 12), "\x88\xb5", 2);
		o.tos = tags ? 0xb8 : 0xba;
		o.sport = tun_sport(bed, &in);
		fr_tunnel(&want, &o, &edited);
		bed_tunnel(bed, 1, WIRE0, &o, SLUICE_ENCAP_F_ECN);
		bed_any(bed, 0, 1, a, 2);
		bed_clear(bed);
		bed_send(bed, VF(0), &in);
		assert_int_equal(bed->num_sent, 1);
		assert_sent(bed, 0, WIRE0, &want);
		del(bed, 0);
		assert_int_equal(sluice_esw_encap_del(bed->esw, 1), 0);
	}
	/* Without the edit it is GRE's. */
	ip_frame(&in, false, 0, 7);
	fr_vlan(&in, 0x8100, 5);
	bed_tunnel(bed, 1, WIRE0, &gre, SLUICE_ENCAP_F_ECN);
	bed_any(bed, 0, 1, a, 2);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_ACTION, &in);
}

/* GRE takes TOS and TTL from the packet, where the kernel does. */
static void inherit(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_GRE, false), want;
	struct frame in;
	unsigned int v6, inner6;

	for (v6 = 0; v6 < 2; v6++) {
		uint16_t flags = SLUICE_ENCAP_F_TTL |
				 (v6 ? 0 : SLUICE_ENCAP_F_TOS |
					   SLUICE_ENCAP_F_ECN);

		o = outer_usual(SLUICE_TUNNEL_GRE, v6);
		o.tos = v6 ? 0x20 : 1;
		o.ttl = 64;
		o.frag = 0;
		bed_tunnel(bed, 1, WIRE0, &o, flags);
		for (inner6 = 0; inner6 < 2; inner6++) {
			ip_frame(&in, inner6, 0x9a, 17);
			want = o;
			want.ttl = 17;
			want.tos = v6 ? 0x20 : 0x9a;
			expect(bed, &in, want, (uint16_t)
			       (v6 ? 0 : inner6));
			/* Behind a tag: nobody knows where Linux looks. */
			fr_vlan(&in, 0x8100, 5);
			expect_slow(bed, &in, SLUICE_MISS_ACTION);
		}
		/* Not IP: what the template says. */
		fr_eth(&in, MAC_B, MAC_A, 0x0806);
		fr_fill(&in, 0xff, 28);
		want = o;
		want.tos = v6 ? 0x20 : 0;
		expect(bed, &in, want, v6 ? 0 : 2);
	}
}

static void flow_label(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_GRE, true);
	struct frame in;

	o.tos = 0xfc;
	o.label = 0x80000;	/* what the kernel adds by a sysctl */
	bed_tunnel(bed, 1, WIRE0, &o, SLUICE_ENCAP_F_LABEL);
	fr_udp4(&in, 1, 2);
	bed->hash = 0x9abc1234 ^ in.b[0] ^ in.len;
	o.label = 0x80000 | 0xa3412;
	expect(bed, &in, o, 0);
}

static void too_long(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, true);
	struct encap_cmd e;
	struct frame in;

	bed_tunnel(bed, 1, WIRE0, &o, 0);
	tun_encap(&e, 1, 1, &o);
	e.cmd.mtu = htole16(1500);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
	fr_eth(&in, MAC_B, MAC_A, 0x1234);
	fr_fill(&in, 1, 1500 - 56 - 14);
	expect(bed, &in, o, 0);
	fr_fill(&in, 1, 1);
	expect_slow(bed, &in, SLUICE_MISS_MTU);
	/* A tag counts, too. */
	in.len -= 4;
	expect(bed, &in, o, 0);
	fr_vlan(&in, 0x8100, 1);
	expect_slow(bed, &in, SLUICE_MISS_MTU);

	/* No frame is longer than the longest. */
	bed_mtu(bed, VF(0), 9000);
	e.cmd.mtu = htole16(65535);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
	fr_eth(&in, MAC_B, MAC_A, 0x1234);
	fr_fill(&in, 1, 9000 - 56 - 14);
	expect(bed, &in, o, 0);
	o.num_opts = 252;
	o.type = SLUICE_TUNNEL_GENEVE;
	tun_encap(&e, 1, 1, &o);
	e.cmd.mtu = htole16(65535);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
	fr_eth(&in, MAC_B, MAC_A, 0x1234);
	fr_fill(&in, 1, SLUICE_FRAME_MAX - 14 - 308 - 14 + 1);
	expect_slow(bed, &in, SLUICE_MISS_RESOURCE);
	in.len--;
	/* Too long for the wire, but that is the wire's. */
	send_one(bed, &in);
	assert_int_equal(bed->num_sent, 0);
	assert_int_equal(le64toh(bed_stats(bed, WIRE0).tx_dropped_mtu), 1);
}

/* Everything that changes, changes by one command; rules don't. */
static void changes(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_cmd_next_hop nh = tun_next_hop(1, WIRE0, &o);
	struct sluice_action a = act_tunnel(1);
	struct encap_cmd e;
	struct frame in, want;

	fr_udp4(&in, 1, 2);
	o.sport = tun_sport(bed, &in);
	nh.flags = 0;
	assert_int_equal(sluice_esw_next_hop_set(bed->esw, &nh), 0);
	tun_encap(&e, 1, SLUICE_ID_NONE, &o);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
	bed_any(bed, 0, 1, &a, 1);
#define SLOW(reason) do { \
	bed_clear(bed); \
	bed_send(bed, VF(0), &in); \
	assert_int_equal(bed->num_sent, 1); \
	assert_slow(bed, 0, VF(0), reason, &in); \
} while (0)
#define FAST(port) do { \
	bed_clear(bed); \
	bed_send(bed, VF(0), &in); \
	fr_tunnel(&want, &o, &in); \
	assert_int_equal(bed->num_sent, 1); \
	assert_sent(bed, 0, port, &want); \
	o.id++; \
} while (0)
	/* No route; a route, but no neighbour; the neighbour is found. */
	SLOW(SLUICE_MISS_NEXT_HOP);
	e.cmd.next_hop = htole32(1);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
	SLOW(SLUICE_MISS_NEXT_HOP);
	nh.flags = htole16(SLUICE_NEXT_HOP_F_VALID);
	assert_int_equal(sluice_esw_next_hop_set(bed->esw, &nh), 0);
	FAST(WIRE0);
	/* It moves to another address, then fails. */
	o.dst_mac = MAC_C;
	nh = tun_next_hop(1, WIRE0, &o);
	assert_int_equal(sluice_esw_next_hop_set(bed->esw, &nh), 0);
	FAST(WIRE0);
	nh.flags = 0;
	assert_int_equal(sluice_esw_next_hop_set(bed->esw, &nh), 0);
	SLOW(SLUICE_MISS_NEXT_HOP);
	assert_int_equal(bed_packets(bed, 0), 2);
	/* A route by the other uplink, with a tag and another source. */
	o.tpid = 0x8100;
	o.tci = 77;
	o.src_mac = MAC_A;
	o.src = "192.0.2.99";
	nh = tun_next_hop(2, WIRE1, &o);
	assert_int_equal(sluice_esw_next_hop_set(bed->esw, &nh), 0);
	tun_encap(&e, 1, 2, &o);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), 0);
	FAST(WIRE1);
	assert_int_equal(sluice_esw_next_hop_del(bed->esw, 2, &(uint32_t){ 0 }),
			 SLUICE_ST_BUSY);
	/* The uplink's egress belongs to software. */
	bed_egress(bed, WIRE1, 1);
	SLOW(SLUICE_MISS_EGRESS);
	bed_egress(bed, WIRE1, 0);
	FAST(WIRE1);
	assert_int_equal(bed_packets(bed, 0), 4);
#undef SLOW
#undef FAST
}

/* BUM: several tunnels, a local copy, edits before and between. */
static void flood(void **state)
{
	struct bed *bed = *state;
	struct outer o[3] = {
		outer_usual(SLUICE_TUNNEL_VXLAN, false),
		outer_usual(SLUICE_TUNNEL_GENEVE, true),
		outer_usual(SLUICE_TUNNEL_GRE, false),
	};
	struct sluice_action a[] = {
		act_pedit(SLUICE_ACT_PEDIT_SET, SLUICE_HDR_IP4, 16, "ffffffff",
			  "0a000063"),
		act_csum(SLUICE_CSUM_IPV4HDR | SLUICE_CSUM_UDP),
		act_tunnel(1), act_tunnel(2),
		act_push(0x8100, 0x123), act_out(VF(1)), act_tunnel(3),
		act(SLUICE_ACT_VLAN_POP), act_out(VF(2)),
	};
	struct frame in, edited, tagged, want;
	unsigned int i;

	o[1].csum = true;
	o[1].num_opts = 8;
	o[2].dst_mac = MAC_C;
	for (i = 0; i < 3; i++)
		bed_tunnel(bed, i + 1, i ? WIRE1 : WIRE0, &o[i], 0);
	fr_udp4(&in, 1, 2);
	/* What a plain output would have sent. */
	edited = in;
	bed_any(bed, 0, 1, (struct sluice_action[]){ a[0], a[1], act_out(VF(1)) },
		3);
	bed_send(bed, VF(0), &in);
	memcpy(edited.b, bed->sent[0].b, in.len);
	assert_int_equal(edited.b[33], 0x63);
	del(bed, 0);
	tagged = edited;
	fr_vlan(&tagged, 0x8100, 0x123);

	bed_any(bed, 7, 1, a, sizeof(a) / sizeof(a[0]));
	bed_clear(bed);
	bed->hash_calls = 0;
	bed->now = 5555;
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 5);
	/* The flow is that of the packet as it was sent. */
	o[0].sport = tun_sport(bed, &in);
	o[1].sport = o[0].sport;
	assert_int_equal(bed->hash_calls, 1);
	fr_tunnel(&want, &o[0], &edited);
	assert_sent(bed, 0, WIRE0, &want);
	fr_tunnel(&want, &o[1], &edited);
	assert_sent(bed, 1, WIRE1, &want);
	assert_sent(bed, 2, VF(1), &tagged);
	fr_tunnel(&want, &o[2], &tagged);
	assert_sent(bed, 3, WIRE1, &want);
	assert_sent(bed, 4, VF(2), &edited);
	/* The rule counts once, every next hop what went through it. */
	assert_int_equal(bed_packets(bed, 7), 1);
	assert_int_equal(bed_bytes(bed, 7), in.len - 14);
	for (i = 0; i < 3; i++) {
		struct sluice_counter c;

		assert_int_equal(bed_packets(bed, 5001 + i), 1);
		assert_int_equal(bed_bytes(bed, 5001 + i),
				 bed->sent[i == 2 ? 3 : i].len);
		sluice_esw_counter_read(bed->esw, 5001 + i, &c);
		assert_int_equal(le64toh(c.last_use), 5555);
	}
	/* One that cannot be sent, and nothing is. */
	del(bed, 7);
	bed_any(bed, 7, 1, a, sizeof(a) / sizeof(a[0]));
	o[2].dst_mac = MAC_B;
	{
		struct sluice_cmd_next_hop nh = tun_next_hop(3, WIRE1, &o[2]);

		nh.flags = 0;
		assert_int_equal(sluice_esw_next_hop_set(bed->esw, &nh), 0);
	}
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_NEXT_HOP, &in);
	assert_int_equal(bed_packets(bed, 7), 1);
	assert_int_equal(bed_packets(bed, 5001), 1);
}

/* More than there is room for. */
static void no_room(void **state)
{
	struct bed *bed = *state;
	struct outer o = outer_usual(SLUICE_TUNNEL_VXLAN, false);
	struct sluice_action a[65];
	struct frame in;
	unsigned int i;

	bed_tunnel(bed, 1, WIRE0, &o, 0);
	bed_mtu(bed, VF(0), 9000);
	fr_eth(&in, MAC_B, MAC_A, 0x1234);
	fr_fill(&in, 1, 8900);
	for (i = 0; i < 64; i++)
		a[i] = act_tunnel(1);
	a[63] = act_goto(2);
	bed_any(bed, 0, 1, a, 64);
	a[63] = act_tunnel(1);
	/* 1 MiB holds 116 of them. */
	bed_any(bed, 2, 2, a, 53);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 116);
	del(bed, 2);
	bed_any(bed, 2, 2, a, 54);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_RESOURCE, &in);
}

/* Slow-path frames carry the hash of the frame as it came. */
static void slow_hash(void **state)
{
	struct bed *bed = *state;
	struct sluice_action a[2] = {
		act_push(0x8100, 5), act(SLUICE_ACT_TO_CPU),
	};
	struct frame in, want;
	uint32_t hash;

	fr_udp4(&in, 1, 2);
	hash = bed->hash ^ in.b[0] ^ in.len;
	bed_send(bed, VF(0), &in);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_NO_RULE, &in);
	assert_int_equal(bed->sent[0].meta.hash.value, hash);
	assert_true(bed->sent[0].meta.hash.l4);
	bed_any(bed, 0, 1, a, 2);
	want = in;
	fr_vlan(&want, 0x8100, 5);
	bed_clear(bed);
	bed_send(bed, VF(0), &in);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_TO_CPU, &want);
	assert_int_equal(bed->sent[0].meta.hash.value, hash);
	/* Without a table, and in legacy mode. */
	bed_clear(bed);
	bed_send(bed, VF(1), &in);
	assert_int_equal(bed->sent[0].meta.hash.value, hash);
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_LEGACY);
	bed_clear(bed);
	bed_send(bed, WIRE1, &in);
	assert_int_equal(bed->sent[0].meta.hash.value, hash);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(golden), T(variants), T(headers), T(ip_ids), T(zero_sum),
		T(source_ports), T(ecn), T(strange_inner), T(retyped),
		T(inherit), T(flow_label), T(too_long), T(changes), T(flood), T(no_room),
		T(slow_hash),
	};

	return cmocka_run_group_tests_name("encap", tests, NULL, NULL);
}
