// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections: what a ct action takes, what it leaves to software, NAT, marks,
 * and connections coming and going.
 */
#include <stdlib.h>
#include "harness.h"

#define A4	"10.0.0.1"
#define B4	"10.0.0.2"
#define N4	"192.0.2.7"
#define A6	"fd00::1"
#define B6	"fd00::2"
#define N6	"2001:db8::7"
#define ZONE	5
#define TABLE	77

#define ESTAB	(SLUICE_CT_TRACKED | SLUICE_CT_ESTABLISHED)

/* One's complement sum of @len bytes. */
static uint32_t sum(const uint8_t *p, uint32_t len)
{
	uint32_t s = 0, i;

	for (i = 0; i + 1 < len; i += 2)
		s += (uint32_t)(p[i] << 8 | p[i + 1]);
	if (len & 1)
		s += (uint32_t)p[len - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void addr(uint8_t *to, const char *s)
{
	struct frame f = { 0 };

	if (strchr(s, ':')) {
		fr_ip6(&f, 0, s, s, 0);
		memcpy(to, f.b + 8, 16);
	} else {
		fr_ip4(&f, 0, s, s, 0);
		memset(to, 0, 16);
		memcpy(to, f.b + 12, 4);
	}
}

/* A packet with all checksums right. */
struct packet {
	const char *src;
	const char *dst;
	uint16_t sport;
	uint16_t dport;
	uint8_t proto;
	uint8_t tcp_flags;
	uint16_t payload;
	bool zero_csum;
	bool tagged;
};

static uint32_t l3_of(const struct packet *p)
{
	return p->tagged ? 18 : 14;
}

static uint32_t l4_of(const struct packet *p)
{
	return l3_of(p) + (strchr(p->src, ':') ? 40 : 20);
}

static void checksums(struct frame *f, const struct packet *p)
{
	uint32_t l3 = l3_of(p), l4 = l4_of(p), len = f->len - l4;
	uint8_t *csum = f->b + l4 + (p->proto == 17 ? 6 : 16);
	bool v6 = strchr(p->src, ':');

	if (!v6) {
		put16(f->b + l3 + 10, 0);
		put16(f->b + l3 + 10, fold(sum(f->b + l3, 20)));
	}
	if (p->proto == 47)
		return;
	put16(csum, 0);
	if (p->zero_csum)
		return;
	put16(csum, fold(sum(f->b + l3 + (v6 ? 8 : 12), v6 ? 32 : 8) +
			 p->proto + len + sum(f->b + l4, len)));
	if (p->proto == 17 && !csum[0] && !csum[1])
		put16(csum, 0xffff);
}

static void build(struct frame *f, const struct packet *p)
{
	bool v6 = strchr(p->src, ':');
	uint16_t l4 = (uint16_t)((p->proto == 17 ? 8 :
				  p->proto == 47 ? 4 : 20) + p->payload);

	f->len = 0;
	fr_macs(f, MAC_B, MAC_A);
	if (p->tagged)
		fr_vlan(f, 0x8100, 3);
	fr_u16(f, v6 ? 0x86dd : 0x0800);
	if (v6)
		fr_ip6(f, p->proto, p->src, p->dst, l4);
	else
		fr_ip4(f, p->proto, p->src, p->dst, l4);
	if (p->proto == 17) {
		fr_udp(f, p->sport, p->dport, p->payload);
	} else if (p->proto == 47) {
		fr_u16(f, 0);
		fr_u16(f, 0x0800);
	} else {
		fr_tcp(f, p->sport, p->dport, p->tcp_flags);
	}
	/* The builders of headers bring their own payload or none. */
	f->len = l4_of(p) + (uint32_t)(l4 - p->payload);
	fr_fill(f, 0x5a, p->payload);
	checksums(f, p);
}

static const struct packet udp4 = {
	.src = A4, .dst = B4, .sport = 1000, .dport = 53, .proto = 17,
	.payload = 33,
};

static const struct packet tcp4 = {
	.src = A4, .dst = B4, .sport = 1000, .dport = 80, .proto = 6,
	.tcp_flags = 0x10, .payload = 64,
};

static const struct packet udp6 = {
	.src = A6, .dst = B6, .sport = 1000, .dport = 53, .proto = 17,
	.payload = 20,
};

static const struct packet tcp6 = {
	.src = A6, .dst = B6, .sport = 1000, .dport = 80, .proto = 6,
	.tcp_flags = 0x18, .payload = 1,
};

static struct sluice_cmd_ct conn_of(uint32_t id, const struct packet *p)
{
	struct sluice_cmd_ct c = {
		.id = htole32(id),
		.table = htole32(TABLE),
		.counter = htole32(id + 100),
		.flags = htole16(SLUICE_CT_F_ZERO),
		.state = htole16(ESTAB),
		.ip = strchr(p->src, ':') ? 6 : 4,
		.proto = p->proto,
	};

	if (p->proto != 47) {
		c.sport = htobe16(p->sport);
		c.dport = htobe16(p->dport);
	}
	addr(c.src, p->src);
	addr(c.dst, p->dst);
	return c;
}

static void set(struct bed *bed, const struct sluice_cmd_ct *c)
{
	assert_int_equal(sluice_esw_ct_set(bed->esw, c), SLUICE_ST_OK);
}

static void conn(struct bed *bed, uint32_t id, const struct packet *p)
{
	struct sluice_cmd_ct c = conn_of(id, p);

	set(bed, &c);
}

static uint32_t num_conns(struct bed *bed)
{
	struct sluice_esw_info info;

	sluice_esw_query(bed->esw, &info);
	return le32toh(info.ct);
}

static struct sluice_action act_ct(uint8_t flags)
{
	struct sluice_action a = act(SLUICE_ACT_CT);

	a.flags = flags;
	a.port = htole16(ZONE);
	a.a = htole32(TABLE);
	return a;
}

/*
 * VF 0's packets: table 1 does ct and goes to table 2, which sends what is
 * tracked to VF 1.
 */
static struct bed *ct_bed_flags(uint8_t flags)
{
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_action first[] = { act_ct(flags), act_goto(2) };
	struct sluice_action out = act_out(VF(1));
	struct sluice_key mask = { .ct_state = htole16(SLUICE_CT_TRACKED),
				   .ct_zone = 0xffff };
	struct sluice_key key = { .ct_state = htole16(SLUICE_CT_TRACKED),
				  .ct_zone = htole16(ZONE) };
	struct rule r = {
		.id = 2, .table = 2, .mask = 2, .counter = 2,
		.mask_bits = &mask, .key = &key, .act = &out, .num_act = 1,
	};

	bed_root(bed, VF(0), 1);
	bed_any(bed, 1, 1, first, 2);
	assert_int_equal(bed_mask(bed, 2, &mask), SLUICE_ST_OK);
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_OK);
	return bed;
}

static struct bed *ct_bed(void)
{
	return ct_bed_flags(0);
}

static void expect_out(struct bed *bed, const struct frame *in,
		       const struct frame *out)
{
	bed_clear(bed);
	bed_send(bed, VF(0), in);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(1), out);
}

static void expect_slow(struct bed *bed, const struct frame *f)
{
	uint64_t before = bed_packets(bed, 2);

	bed_clear(bed);
	bed_send(bed, VF(0), f);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_CT, f);
	assert_int_equal(bed_packets(bed, 2), before);
}

static void hit_and_miss(void **state)
{
	const struct packet *all[] = { &udp4, &tcp4, &udp6, &tcp6 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct packet other = *all[i];
		struct bed *bed = ct_bed();
		struct frame f;

		build(&f, all[i]);
		expect_slow(bed, &f);
		conn(bed, 0, all[i]);
		expect_out(bed, &f, &f);
		/* IP bytes for the connection, tc's for rules. */
		assert_int_equal(bed_packets(bed, 100), 1);
		assert_int_equal(bed_bytes(bed, 100), f.len - 14);
		other.sport++;
		build(&f, &other);
		expect_slow(bed, &f);
		other = *all[i];
		other.dport++;
		build(&f, &other);
		expect_slow(bed, &f);
		other = *all[i];
		other.src = strchr(other.src, ':') ? "fd00::3" : "10.0.0.3";
		build(&f, &other);
		expect_slow(bed, &f);
		other = *all[i];
		other.proto = other.proto == 17 ? 6 : 17;
		build(&f, &other);
		expect_slow(bed, &f);
		assert_int_equal(bed_packets(bed, 100), 1);
		bed_free(bed);
	}
}

static void both_directions(void **state)
{
	struct packet back = udp4;
	struct sluice_cmd_ct c;
	struct bed *bed = ct_bed();
	struct frame f, g;

	(void)state;
	back.src = udp4.dst;
	back.dst = udp4.src;
	back.sport = udp4.dport;
	back.dport = udp4.sport;
	conn(bed, 6, &udp4);
	build(&f, &udp4);
	build(&g, &back);
	expect_out(bed, &f, &f);
	expect_slow(bed, &g);
	c = conn_of(7, &back);
	c.state = htole16(ESTAB | SLUICE_CT_REPLY);
	set(bed, &c);
	assert_int_equal(num_conns(bed), 2);
	expect_out(bed, &g, &g);
	assert_int_equal(bed_packets(bed, 106), 1);
	assert_int_equal(bed_packets(bed, 107), 1);
	bed_free(bed);
}

static void gre(void **state)
{
	struct packet p = udp4;
	struct bed *bed = ct_bed();
	struct frame f;

	(void)state;
	p.proto = 47;
	conn(bed, 0, &p);
	build(&f, &p);
	expect_out(bed, &f, &f);
	f.b[35] = 1;			/* version 1 */
	expect_slow(bed, &f);
	bed_free(bed);
}

/* What conntrack has to see itself, or what is no good. */
static void left_to_software(void **state)
{
	struct bed *bed = ct_bed();
	struct packet p = tcp4;
	struct frame f;

	(void)state;
	conn(bed, 0, &tcp4);
	conn(bed, 2, &udp4);
	conn(bed, 4, &tcp6);
	build(&f, &tcp4);
	f.b[14 + 8] = 1;		/* TTL */
	expect_slow(bed, &f);
	f.b[14 + 8] = 2;
	expect_out(bed, &f, &f);
	build(&f, &tcp4);
	f.b[14 + 6] = 0x20;		/* more fragments */
	expect_slow(bed, &f);
	f.b[14 + 6] = 0;
	f.b[14 + 7] = 1;		/* offset */
	expect_slow(bed, &f);
	f.b[14 + 6] = 0x40;		/* don't fragment */
	f.b[14 + 7] = 0;
	expect_out(bed, &f, &f);
	build(&f, &tcp4);
	f.b[14] = 0x46;			/* an option */
	expect_slow(bed, &f);
	build(&f, &tcp4);
	f.b[14 + 3]++;			/* longer than the frame */
	expect_slow(bed, &f);
	build(&f, &tcp4);
	f.b[14 + 3] = 39;		/* no whole TCP header */
	expect_slow(bed, &f);
	build(&f, &udp4);
	f.b[14 + 3] = 27;
	expect_slow(bed, &f);
	p.tcp_flags = 0x12;		/* SYN, ACK: closes nothing */
	build(&f, &p);
	expect_slow(bed, &f);
	build(&f, &tcp4);
	expect_out(bed, &f, &f);
	build(&f, &tcp6);
	f.b[14 + 7] = 1;		/* hop limit */
	expect_slow(bed, &f);
	build(&f, &tcp6);
	f.b[14 + 6] = 44;		/* fragment header */
	expect_slow(bed, &f);
	p.proto = 132;			/* SCTP */
	build(&f, &p);
	expect_slow(bed, &f);
	f.len = 0;
	fr_eth(&f, MAC_B, MAC_A, 0x0806);
	fr_fill(&f, 0, 46);
	expect_slow(bed, &f);
	/* One tag is apart from the packet, a second is in the way. */
	p = tcp4;
	p.tagged = true;
	build(&f, &p);
	expect_out(bed, &f, &f);
	f.len = 0;
	fr_macs(&f, MAC_B, MAC_A);
	fr_vlan(&f, 0x88a8, 7);
	fr_vlan(&f, 0x8100, 8);
	fr_u16(&f, 0x0800);
	fr_fill(&f, 0x45, 60);
	expect_slow(bed, &f);
	bed_free(bed);
}

/* Software trims what is behind the IP packet. */
static void padding(void **state)
{
	struct packet p = udp4;
	struct bed *bed = ct_bed();
	struct frame f, g;

	(void)state;
	p.payload = 2;
	conn(bed, 0, &p);
	build(&f, &p);
	g = f;
	fr_fill(&g, 0xee, 60 - g.len);
	expect_out(bed, &g, &f);
	assert_int_equal(bed_bytes(bed, 100), 30);
	/* tc counts what came in. */
	assert_int_equal(bed_bytes(bed, 2), 46);
	bed_free(bed);
}

static void closing(void **state)
{
	static const uint8_t ends[] = { 0x11, 0x04, 0x14 };
	struct packet back = tcp4, end;
	unsigned int i;

	(void)state;
	back.src = tcp4.dst;
	back.dst = tcp4.src;
	back.sport = tcp4.dport;
	back.dport = tcp4.sport;
	for (i = 0; i < 3; i++) {
		struct sluice_cmd_ct c = conn_of(1, &back);
		struct bed *bed = ct_bed();
		uint32_t counter;
		struct frame f, g;

		conn(bed, 0, &tcp4);
		set(bed, &c);
		build(&f, &tcp4);
		expect_out(bed, &f, &f);
		end = back;
		end.tcp_flags = ends[i];
		build(&g, &end);
		expect_slow(bed, &g);
		/* Both directions are software's now, also when set again. */
		expect_slow(bed, &f);
		build(&g, &back);
		expect_slow(bed, &g);
		set(bed, &c);
		expect_slow(bed, &g);
		assert_int_equal(sluice_esw_ct_del(bed->esw, 1, &counter),
				 SLUICE_ST_OK);
		set(bed, &c);
		expect_slow(bed, &g);
		/* A new connection with old ids. */
		sluice_esw_ct_del(bed->esw, 0, &counter);
		sluice_esw_ct_del(bed->esw, 1, &counter);
		conn(bed, 0, &tcp4);
		expect_out(bed, &f, &f);
		bed_free(bed);
	}
}

/* UDP knows no such end, whatever its payload looks like. */
static void no_closing_udp(void **state)
{
	struct bed *bed = ct_bed();
	struct frame f;

	(void)state;
	conn(bed, 0, &udp4);
	build(&f, &udp4);
	memset(f.b + 42, 0xff, 20);
	expect_out(bed, &f, &f);
	expect_out(bed, &f, &f);
	bed_free(bed);
}

struct nat {
	const struct packet *p;
	uint16_t flags;
	bool zero_csum;
};

/* The packet as it must come out: built anew, all sums computed afresh. */
static void check_nat(const struct nat *n)
{
	struct bed *bed = ct_bed_flags(SLUICE_CT_ACT_NAT);
	struct packet in = *n->p, out;
	struct sluice_cmd_ct c;
	bool v6 = strchr(in.src, ':');
	unsigned int i;

	in.zero_csum = n->zero_csum;
	c = conn_of(0, &in);
	out = in;
	c.flags |= htole16(n->flags);
	if (n->flags & SLUICE_CT_F_SNAT) {
		out.src = v6 ? N6 : N4;
		out.sport = 4711;
		addr(c.nat_src, out.src);
		c.nat_sport = htobe16(out.sport);
	}
	if (n->flags & SLUICE_CT_F_DNAT) {
		out.dst = v6 ? "fd00::9" : "10.9.8.7";
		out.dport = 8080;
		addr(c.nat_dst, out.dst);
		c.nat_dport = htobe16(out.dport);
	}
	set(bed, &c);
	/* Every value a checksum can have, zero included. */
	for (i = 0; i < 65536; i += n->zero_csum ? 65535 : 1) {
		uint32_t at = l4_of(&in) + (in.proto == 17 ? 8 : 4);
		struct frame f, g;

		if (i > 200 && i < 65300 && i % 97)
			continue;
		build(&f, &in);
		build(&g, &out);
		put16(f.b + at, (uint16_t)i);
		put16(g.b + at, (uint16_t)i);
		checksums(&f, &in);
		checksums(&g, &out);
		expect_out(bed, &f, &g);
	}
	bed_free(bed);
}

static void nat_rewrites(void **state)
{
	static const uint16_t flags[] = {
		SLUICE_CT_F_SNAT, SLUICE_CT_F_DNAT,
		SLUICE_CT_F_SNAT | SLUICE_CT_F_DNAT,
	};
	const struct packet *all[] = { &udp4, &tcp4, &udp6, &tcp6 };
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 4; i++)
		for (j = 0; j < 3; j++) {
			struct nat n = { all[i], flags[j], false };

			check_nat(&n);
			n.zero_csum = true;
			if (all[i]->proto == 17)
				check_nat(&n);
		}
}

/* A checksum that was wrong stays wrong by as much. */
static void nat_keeps_errors(void **state)
{
	struct bed *bed = ct_bed_flags(SLUICE_CT_ACT_NAT);
	struct sluice_cmd_ct c = conn_of(0, &tcp4);
	struct packet out = tcp4;
	struct frame f, g;

	(void)state;
	c.flags |= htole16(SLUICE_CT_F_SNAT);
	out.src = N4;
	out.sport = 9;
	addr(c.nat_src, N4);
	c.nat_sport = htobe16(9);
	set(bed, &c);
	build(&f, &tcp4);
	build(&g, &out);
	f.b[50] ^= 0x01;
	g.b[50] = (uint8_t)(g.b[50] + (f.b[50] & 1 ? 1 : -1));
	expect_out(bed, &f, &g);
	bed_free(bed);
}

static void nat_only_when_asked(void **state)
{
	struct sluice_cmd_ct c = conn_of(0, &tcp4);
	struct bed *bed = ct_bed();
	struct frame f;

	(void)state;
	c.flags |= htole16(SLUICE_CT_F_DNAT);
	addr(c.nat_dst, N4);
	c.nat_dport = htobe16(9);
	set(bed, &c);
	build(&f, &tcp4);
	expect_out(bed, &f, &f);
	bed_free(bed);
}

/* Connection 0: udp4 with another source.  Return: what it becomes. */
static struct packet snat_udp4(struct bed *bed)
{
	struct sluice_cmd_ct c = conn_of(0, &udp4);
	struct packet out = udp4;

	c.flags |= htole16(SLUICE_CT_F_SNAT);
	addr(c.nat_src, N4);
	c.nat_sport = htobe16(9);
	set(bed, &c);
	out.src = N4;
	out.sport = 9;
	return out;
}

/* The second ct of the same zone finds the connection it has already. */
static void twice_in_a_zone(void **state)
{
	struct sluice_action again[] = {
		act_ct(SLUICE_CT_ACT_NAT), act_ct(SLUICE_CT_ACT_NAT),
		act_out(VF(1)),
	};
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct packet out;
	struct frame f, g;

	(void)state;
	bed_root(bed, VF(0), 1);
	bed_any(bed, 1, 1, again, 3);
	out = snat_udp4(bed);
	build(&f, &udp4);
	build(&g, &out);
	expect_out(bed, &f, &g);
	assert_int_equal(bed_packets(bed, 100), 1);
	bed_free(bed);
}

/* Another zone is another lookup, of the packet as it is by then. */
static void another_zone(void **state)
{
	struct sluice_action steps[] = {
		act_ct(SLUICE_CT_ACT_NAT), act_ct(0), act_out(VF(1)),
	};
	struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
	struct sluice_cmd_ct d;
	struct packet out;
	struct frame f, g;

	(void)state;
	steps[1].a = htole32(TABLE + 1);
	bed_root(bed, VF(0), 1);
	bed_any(bed, 1, 1, steps, 3);
	out = snat_udp4(bed);
	build(&f, &udp4);
	build(&g, &out);
	/* All or nothing: not even the first zone's counter. */
	expect_slow(bed, &f);
	assert_int_equal(bed_packets(bed, 100), 0);
	d = conn_of(2, &udp4);
	d.table = htole32(TABLE + 1);
	set(bed, &d);
	expect_slow(bed, &f);
	d = conn_of(4, &out);
	d.table = htole32(TABLE + 1);
	set(bed, &d);
	expect_out(bed, &f, &g);
	assert_int_equal(bed_packets(bed, 100), 1);
	assert_int_equal(bed_packets(bed, 102), 0);
	assert_int_equal(bed_packets(bed, 104), 1);
	bed_free(bed);
}

static struct sluice_action act_mark(uint32_t value, uint32_t mask)
{
	struct sluice_action a = act(SLUICE_ACT_CT_MARK);

	value = htole32(value);
	mask = htole32(mask);
	memcpy(a.b, &mask, 4);
	memcpy(a.c, &value, 4);
	return a;
}

static void change(struct bed *bed, uint32_t rule, struct sluice_action a)
{
	struct sluice_action steps[] = { act_ct(0), a, act_goto(2) };
	uint32_t counter;

	assert_int_equal(sluice_esw_rule_del(bed->esw, rule, &counter),
			 SLUICE_ST_OK);
	bed_any(bed, rule, 1, steps, 3);
}

/* A commit that changes nothing is done here, any other by software. */
static void commits(void **state)
{
	struct sluice_action label = act(SLUICE_ACT_CT_LABEL);
	struct sluice_cmd_ct c = conn_of(0, &udp4);
	struct bed *bed = ct_bed();
	struct frame f;

	(void)state;
	c.mark = htole32(0x12340056);
	memcpy(c.label, "abcdefghijklmnop", 16);
	set(bed, &c);
	build(&f, &udp4);
	change(bed, 1, act_mark(0x12340056, 0xffffffff));
	expect_out(bed, &f, &f);
	change(bed, 1, act_mark(0x56, 0xff));
	expect_out(bed, &f, &f);
	change(bed, 1, act_mark(0x57, 0xff));
	expect_slow(bed, &f);
	/* Bits outside of the mask are set all the same. */
	change(bed, 1, act_mark(0x00010056, 0xff));
	expect_slow(bed, &f);
	label.a = htole32(1);
	memcpy(label.b, "\xff\0\0\xff", 4);
	memcpy(label.c, "e\0\0h", 4);
	change(bed, 1, label);
	expect_out(bed, &f, &f);
	memcpy(label.c, "E\0\0h", 4);
	change(bed, 1, label);
	expect_slow(bed, &f);
	bed_free(bed);
}

/* Later rules see state, zone, mark and labels, until they are forgotten. */
static void keys(void **state)
{
	struct sluice_action out = act_out(VF(2)), steps[3];
	struct sluice_key mask = { .ct_mark = 0xffffffff }, key = { 0 };
	struct sluice_cmd_ct c = conn_of(0, &udp4);
	struct rule r = {
		.id = 3, .table = 2, .mask = 3, .counter = 3, .prio = 0,
		.mask_bits = &mask, .key = &key, .act = &out, .num_act = 1,
	};
	uint32_t counter;
	struct bed *bed = ct_bed();
	struct frame f;

	(void)state;
	c.mark = htole32(7);
	memset(c.label, 0xa5, 16);
	c.state = htole16(ESTAB | SLUICE_CT_REPLY);
	set(bed, &c);
	build(&f, &udp4);
	memset(mask.ct_label, 0xff, 16);
	mask.ct_state = 0xffff;
	key.ct_mark = htole32(8);
	key.ct_state = c.state;
	memset(key.ct_label, 0xa5, 16);
	assert_int_equal(bed_mask(bed, 3, &mask), SLUICE_ST_OK);
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_OK);
	sluice_esw_rule_del(bed->esw, 2, &counter);
	bed_clear(bed);
	bed_send(bed, VF(0), &f);
	assert_slow(bed, 0, VF(0), SLUICE_MISS_NO_RULE, &f);
	/* The connection changes under the rule. */
	c.mark = htole32(8);
	c.flags = 0;
	set(bed, &c);
	bed_clear(bed);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(2), &f);
	/* Forgotten: all zero. */
	steps[0] = act_ct(0);
	steps[1] = act(SLUICE_ACT_CT_CLEAR);
	steps[2] = act_goto(2);
	sluice_esw_rule_del(bed->esw, 1, &counter);
	bed_any(bed, 1, 1, steps, 3);
	sluice_esw_rule_del(bed->esw, 3, &counter);
	memset(&key, 0, sizeof(key));
	assert_int_equal(bed_rule(bed, &r), SLUICE_ST_OK);
	bed_clear(bed);
	bed_send(bed, VF(0), &f);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(2), &f);
	bed_free(bed);
}

/* The host can't be told of a connection. */
static void not_to_the_host(void **state)
{
	static const uint8_t ops[] = { SLUICE_ACT_TO_CPU, SLUICE_ACT_HOST };
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct sluice_action steps[] = { act_ct(0), act(ops[i]) };
		struct bed *bed = bed_new(SLUICE_ESW_SWITCHDEV);
		struct frame f;

		bed_root(bed, VF(0), 1);
		bed_any(bed, 1, 1, steps, 2);
		conn(bed, 0, &udp4);
		build(&f, &udp4);
		bed_send(bed, VF(0), &f);
		assert_int_equal(bed->num_sent, 1);
		assert_slow(bed, 0, VF(0), SLUICE_MISS_ACTION, &f);
		assert_int_equal(bed_packets(bed, 100), 0);
		bed_free(bed);
	}
}

static void objects(void **state)
{
	struct sluice_cmd_ct c = conn_of(0, &udp4), bad;
	struct bed *bed = ct_bed();
	struct frame f;
	uint32_t counter;

	(void)state;
	set(bed, &c);
#define BAD(field, value, status) do {					\
	bad = conn_of(9, &tcp4);					\
	bad.field = (value);						\
	assert_int_equal(sluice_esw_ct_set(bed->esw, &bad), status);	\
} while (0)
	BAD(id, htole32(bed_cfg.max_ct), SLUICE_ST_INVAL);
	BAD(counter, htole32(bed_cfg.max_counters), SLUICE_ST_INVAL);
	BAD(flags, htole16(8), SLUICE_ST_INVAL);
	BAD(state, htole16(0x40), SLUICE_ST_INVAL);
	BAD(ip, 5, SLUICE_ST_INVAL);
	BAD(proto, 1, SLUICE_ST_INVAL);
	BAD(proto, 47, SLUICE_ST_INVAL);
	BAD(nat_sport, 1, SLUICE_ST_INVAL);
	BAD(nat_dport, 1, SLUICE_ST_INVAL);
	BAD(nat_src[0], 1, SLUICE_ST_INVAL);
	BAD(nat_dst[0], 1, SLUICE_ST_INVAL);
	BAD(src[4], 1, SLUICE_ST_INVAL);
	/* Another tuple under the same id. */
	c = conn_of(0, &tcp4);
	set(bed, &c);
	assert_int_equal(num_conns(bed), 1);
	build(&f, &udp4);
	expect_slow(bed, &f);
	build(&f, &tcp4);
	expect_out(bed, &f, &f);
	assert_int_equal(sluice_esw_ct_del(bed->esw, 1, &counter),
			 SLUICE_ST_NOENT);
	assert_int_equal(sluice_esw_ct_del(bed->esw, bed_cfg.max_ct, &counter),
			 SLUICE_ST_INVAL);
	assert_int_equal(sluice_esw_ct_del(bed->esw, 0, &counter),
			 SLUICE_ST_OK);
	assert_int_equal(counter, 100);
	assert_int_equal(bed_packets(bed, 100), 1);
	expect_slow(bed, &f);
	/* A change of mode removes all. */
	set(bed, &c);
	sluice_esw_set_mode(bed->esw, SLUICE_ESW_LEGACY);
	assert_int_equal(num_conns(bed), 0);
	assert_int_equal(sluice_esw_ct_set(bed->esw, &c), SLUICE_ST_MODE);
	assert_int_equal(sluice_esw_ct_del(bed->esw, 0, &counter),
			 SLUICE_ST_MODE);
	bed_free(bed);
}

/* As many as there may be, found one by one, and removed in disorder. */
/* Of two with the same packets the newer has them, however big the table. */
static void newest_first(void **state)
{
	struct bed *bed = ct_bed();
	struct packet p = tcp4;
	uint32_t i, counter;
	struct frame f;

	(void)state;
	build(&f, &udp4);
	conn(bed, 9, &udp4);
	conn(bed, 2, &udp4);
	for (i = 20; i < 600; i++) {
		p.sport = (uint16_t)i;
		conn(bed, i, &p);
	}
	expect_out(bed, &f, &f);
	assert_int_equal(bed_packets(bed, 102), 1);
	conn(bed, 9, &udp4);
	expect_out(bed, &f, &f);
	assert_int_equal(bed_packets(bed, 102), 2);
	sluice_esw_ct_del(bed->esw, 2, &counter);
	expect_out(bed, &f, &f);
	assert_int_equal(bed_packets(bed, 109), 1);
	bed_free(bed);
}

static void many(void **state)
{
	struct bed *bed = ct_bed();
	struct packet p = udp4;
	struct frame f;
	uint32_t i, counter;

	(void)state;
	for (i = 0; i < bed_cfg.max_ct; i++) {
		p.sport = (uint16_t)(i + 1);
		conn(bed, i, &p);
	}
	assert_int_equal(num_conns(bed), bed_cfg.max_ct);
	for (i = 0; i < bed_cfg.max_ct; i += 37) {
		p.sport = (uint16_t)(i + 1);
		build(&f, &p);
		expect_out(bed, &f, &f);
		assert_int_equal(bed_packets(bed, i + 100), 1);
	}
	for (i = 0; i < bed_cfg.max_ct; i++)
		assert_int_equal(sluice_esw_ct_del(bed->esw, i ^ 0x2a5,
						   &counter), SLUICE_ST_OK);
	assert_int_equal(num_conns(bed), 0);
	bed_free(bed);
}

static void malformed(void **state)
{
	struct bed *bed = ct_bed();
	struct sluice_rule_spec spec = { .num_actions = 1 };
	struct sluice_action a = act_ct(SLUICE_CT_ACT_NAT);

	(void)state;
	spec.actions = &a;
	assert_true(sluice_rule_well_formed(&spec));
	a.flags = SLUICE_CT_ACT_KEEP;
	assert_true(sluice_rule_well_formed(&spec));
	a.flags = 4;
	assert_false(sluice_rule_well_formed(&spec));
	a = act_ct(0);
	a.b[0] = 1;
	assert_false(sluice_rule_well_formed(&spec));
	a = act(SLUICE_ACT_CT_CLEAR);
	a.port = 1;
	assert_false(sluice_rule_well_formed(&spec));
	a = act(SLUICE_ACT_CT_LABEL);
	a.a = htole32(4);
	assert_false(sluice_rule_well_formed(&spec));
	a = act_mark(1, 1);
	assert_true(sluice_rule_well_formed(&spec));
	a.a = htole32(1);
	assert_false(sluice_rule_well_formed(&spec));
	bed_free(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hit_and_miss),
		cmocka_unit_test(both_directions),
		cmocka_unit_test(gre),
		cmocka_unit_test(left_to_software),
		cmocka_unit_test(padding),
		cmocka_unit_test(closing),
		cmocka_unit_test(no_closing_udp),
		cmocka_unit_test(nat_rewrites),
		cmocka_unit_test(nat_keeps_errors),
		cmocka_unit_test(nat_only_when_asked),
		cmocka_unit_test(twice_in_a_zone),
		cmocka_unit_test(another_zone),
		cmocka_unit_test(commits),
		cmocka_unit_test(keys),
		cmocka_unit_test(not_to_the_host),
		cmocka_unit_test(objects),
		cmocka_unit_test(newest_first),
		cmocka_unit_test(many),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
