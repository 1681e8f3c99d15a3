// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the tunnel tests share.
 */
#include <arpa/inet.h>
#include "tun_bed.h"

#define SPORT_MIN	32768
#define SPORT_RANGE	28232

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* One's complement sum, the slow way. */
static uint32_t add_up(const uint8_t *p, uint32_t len, uint32_t sum)
{
	uint32_t i;

	for (i = 0; i < len; i++) {
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

struct outer outer_usual(uint8_t type, bool v6)
{
	struct outer o = {
		.type = type, .v6 = v6,
		.dst_mac = MAC_NH, .src_mac = MAC_P0,
		.src = v6 ? "2001:db8::1" : "192.0.2.1",
		.dst = v6 ? "2001:db8:0:5::2" : "198.51.100.2",
		.tos = 0, .ttl = 64, .frag = v6 ? 0 : 0x4000,
		.vni = 0xabcdef, .sport = 50000,
	};

	switch (type) {
	case SLUICE_TUNNEL_VXLAN:
		o.dport = 4789;
		o.head = 0x08000000;
		break;
	case SLUICE_TUNNEL_GENEVE:
		o.dport = 6081;
		break;
	case SLUICE_TUNNEL_GRE:
		o.sport = 0;
		o.vni = 0xdeadbeef;
		o.key = true;
		break;
	}
	return o;
}

uint32_t outer_ip(const struct outer *o)
{
	return o->tpid ? 18 : 14;
}

uint32_t outer_l4(const struct outer *o)
{
	return outer_ip(o) + (o->v6 ? 40 : 20);
}

void fr_fix_ip(struct frame *f, const struct outer *o)
{
	uint8_t *ip = f->b + outer_ip(o);

	if (o->v6)
		return;
	put16(ip + 10, 0);
	put16(ip + 10, ~add_up(ip, 20, 0));
}

void fr_fix_udp(struct frame *f, const struct outer *o)
{
	uint8_t *ip = f->b + outer_ip(o), *udp = f->b + outer_l4(o);
	uint32_t len = f->len - outer_l4(o);
	uint32_t sum;

	put16(udp + 6, 0);
	sum = add_up(udp, len, 17 + len);
	sum = o->v6 ? add_up(ip + 8, 32, sum) : add_up(ip + 12, 8, sum);
	sum = ~sum & 0xffff;
	put16(udp + 6, sum ? sum : 0xffff);
}

static void fr_l4(struct frame *f, const struct outer *o, uint32_t inner)
{
	bool geneve = o->type == SLUICE_TUNNEL_GENEVE;

	if (o->type == SLUICE_TUNNEL_GRE) {
		fr_u16(f, (uint16_t)(o->head | (o->key ? 0x2000 : 0)));
		fr_u16(f, 0x6558);
		if (o->key) {
			fr_u16(f, (uint16_t)(o->vni >> 16));
			fr_u16(f, (uint16_t)o->vni);
		}
		return;
	}
	fr_ports(f, o->sport, o->dport);
	fr_u16(f, (uint16_t)(16 + o->num_opts + inner));
	fr_u16(f, 0);
	if (geneve) {
		fr_u16(f, (uint16_t)(o->head | o->num_opts / 4 << 8));
		fr_u16(f, 0x6558);
	} else {
		fr_u16(f, (uint16_t)(o->head >> 16));
		fr_u16(f, (uint16_t)o->head);
	}
	fr_u16(f, (uint16_t)(o->vni >> 8));
	fr_u16(f, (uint16_t)(o->vni << 8));
	fr_bytes(f, o->opts, o->num_opts);
}

void fr_tunnel(struct frame *f, const struct outer *o,
	       const struct frame *inner)
{
	uint8_t ip[40] = { 0 };
	uint32_t at, len;

	fr_macs(f, o->dst_mac, o->src_mac);
	if (o->tpid) {
		fr_u16(f, o->tpid);
		fr_u16(f, o->tci);
	}
	fr_u16(f, o->v6 ? 0x86dd : 0x0800);
	at = f->len;
	fr_bytes(f, ip, o->v6 ? 40 : 20);
	fr_l4(f, o, inner->len);
	fr_bytes(f, inner->b, inner->len);
	len = f->len - at;
	if (o->v6) {
		uint32_t word = 6u << 28 | (uint32_t)o->tos << 20 | o->label;

		put16(ip, word >> 16);
		put16(ip + 2, word);
		put16(ip + 4, len - 40);
		ip[6] = o->type == SLUICE_TUNNEL_GRE ? 47 : 17;
		ip[7] = o->ttl;
		assert_int_equal(inet_pton(AF_INET6, o->src, ip + 8), 1);
		assert_int_equal(inet_pton(AF_INET6, o->dst, ip + 24), 1);
		memcpy(f->b + at, ip, 40);
	} else {
		ip[0] = 0x45;
		ip[1] = o->tos;
		put16(ip + 2, len);
		put16(ip + 4, o->id);
		put16(ip + 6, o->frag);
		ip[8] = o->ttl;
		ip[9] = o->type == SLUICE_TUNNEL_GRE ? 47 : 17;
		assert_int_equal(inet_pton(AF_INET, o->src, ip + 12), 1);
		assert_int_equal(inet_pton(AF_INET, o->dst, ip + 16), 1);
		memcpy(f->b + at, ip, 20);
		fr_fix_ip(f, o);
	}
	if (o->csum && o->type != SLUICE_TUNNEL_GRE)
		fr_fix_udp(f, o);
}

struct sluice_cmd_next_hop tun_next_hop(uint32_t id, uint16_t port,
					const struct outer *o)
{
	struct sluice_cmd_next_hop cmd = {
		.id = htole32(id),
		.counter = htole32(SLUICE_ID_NONE),
		.port = htole16(port),
		.flags = htole16(SLUICE_NEXT_HOP_F_VALID),
		.vlan_tpid = htole16(o->tpid),
		.vlan_tci = htole16(o->tci),
	};

	mac_parse(cmd.dst, o->dst_mac);
	mac_parse(cmd.src, o->src_mac);
	return cmd;
}

void tun_encap(struct encap_cmd *e, uint32_t id, uint32_t next_hop,
	       const struct outer *o)
{
	static const struct frame none;
	struct outer plain = *o;
	struct frame f;
	uint8_t *h;
	uint32_t len, l4 = o->v6 ? 40 : 20;

	memset(e, 0, sizeof(*e));
	plain.tpid = 0;
	plain.sport = 0;
	plain.id = 0;
	plain.csum = false;
	fr_tunnel(&f, &plain, &none);
	len = f.len - 14;
	assert_true(len <= SLUICE_ENCAP_HDR_MAX);
	h = e->cmd.header;
	memcpy(h, f.b + 14, len);
	if (o->v6) {
		put16(h + 4, 0);
	} else {
		put16(h + 2, 0);
		put16(h + 10, 0);
	}
	e->cmd.id = htole32(id);
	e->cmd.next_hop = htole32(next_hop);
	e->cmd.type = o->type;
	e->cmd.mtu = htole16(9000);
	e->cmd.header_len = htole16((uint16_t)len);
	if (o->type == SLUICE_TUNNEL_GRE)
		return;
	put16(h + l4 + 4, 0);
	e->cmd.sport_min = htole16(SPORT_MIN);
	e->cmd.sport_range = htole32(SPORT_RANGE);
	if (o->csum)
		e->cmd.flags = htole16(SLUICE_ENCAP_F_UDP_CSUM);
}

struct sluice_cmd_endpoint tun_endpoint(uint32_t id, uint16_t port,
					uint32_t table, const struct outer *o)
{
	struct sluice_cmd_endpoint cmd = {
		.id = htole32(id),
		.root_table = htole32(table),
		.port = htole16(port),
		.type = o->type,
		.ip = o->v6 ? 6 : 4,
		.udp_port = htole16(o->dport),
		.vlan_tpid = htole16(o->tpid),
		.vlan_id = htole16(o->tci & 0xfff),
	};

	mac_parse(cmd.mac, o->dst_mac);
	assert_int_equal(inet_pton(o->v6 ? AF_INET6 : AF_INET, o->dst,
				   cmd.addr), 1);
	if (o->type == SLUICE_TUNNEL_VXLAN)
		memcpy(cmd.zero_bits, "\xf7\xff\xff\xff\0\0\0\xff", 8);
	return cmd;
}

void bed_tunnel(struct bed *bed, uint32_t id, uint16_t port,
		const struct outer *o, uint16_t flags)
{
	struct sluice_cmd_next_hop nh = tun_next_hop(id, port, o);
	struct encap_cmd e;

	nh.counter = htole32(5000 + id);
	assert_int_equal(sluice_esw_next_hop_set(bed->esw, &nh), SLUICE_ST_OK);
	tun_encap(&e, id, id, o);
	e.cmd.flags |= htole16(flags);
	assert_int_equal(sluice_esw_encap_set(bed->esw, &e.cmd), SLUICE_ST_OK);
}

struct sluice_action act_tunnel(uint32_t encap)
{
	struct sluice_action a = { .op = SLUICE_ACT_TUNNEL,
				   .a = htole32(encap) };

	return a;
}

uint16_t tun_sport(const struct bed *bed, const struct frame *f)
{
	uint32_t h = bed->hash ^ f->b[0] ^ f->len;

	h ^= h << 16;
	return (uint16_t)(SPORT_MIN + ((uint64_t)h * SPORT_RANGE >> 32));
}

/* Seen from here a frame comes to us. */
struct outer outer_incoming(uint8_t type, bool v6)
{
	struct outer o = outer_usual(type, v6);
	const char *s = o.src;

	o.src = o.dst;
	o.dst = s;
	o.dst_mac = MAC_P0;
	o.src_mac = MAC_NH;
	return o;
}

void bed_endpoint_set(struct bed *bed, const struct sluice_cmd_endpoint *cmd)
{
	assert_int_equal(sluice_esw_endpoint_set(bed->esw, cmd), SLUICE_ST_OK);
}

void bed_endpoint(struct bed *bed, const struct outer *o)
{
	struct sluice_cmd_endpoint cmd = tun_endpoint(1, WIRE0, TUN_TABLE, o);

	bed_endpoint_set(bed, &cmd);
}

void tun_expect_slow(struct bed *bed, const struct frame *f, uint8_t reason,
		     uint32_t table)
{
	bed_clear(bed);
	bed_send(bed, WIRE0, f);
	assert_int_equal(bed->num_sent, 1);
	assert_slow(bed, 0, WIRE0, reason, f);
	assert_int_equal(bed->sent[0].meta.table, table);
	assert_int_equal(bed->sent[0].meta.hash.value,
			 bed->hash ^ f->b[0] ^ f->len);
}

void tun_expect_inner(struct bed *bed, const struct frame *f,
		      const struct frame *inner)
{
	bed_clear(bed);
	bed_send(bed, WIRE0, f);
	assert_int_equal(bed->num_sent, 1);
	assert_sent(bed, 0, VF(1), inner);
	assert_int_equal(bed->sent[0].flags, 0);
}

void tun_to_vf(struct bed *bed)
{
	struct sluice_action a = act_out(VF(1));

	bed_any(bed, 0, TUN_TABLE, &a, 1);
}

void bed_del(struct bed *bed, uint32_t rule)
{
	uint32_t counter;

	assert_int_equal(sluice_esw_rule_del(bed->esw, rule, &counter), 0);
}
