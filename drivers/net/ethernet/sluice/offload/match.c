// SPDX-License-Identifier: GPL-2.0-only
/*
 * flower's keys as a key and a mask of the device.
 *
 * Both follow the flow dissector, so most fields are copied.  A key that the
 * device does not have is left out and refused: what remains is the smallest
 * superset the device can express, and the filter is punted with it.
 */
#include <linux/if_vlan.h>

#include "offload.h"

/**
 * struct match_ctx - one flower match on its way
 * @block: block of the filter
 * @rule: tc's description
 * @extack: for the reason of a refusal
 * @match: the result
 * @err: first refusal
 */
struct match_ctx {
	struct sluice_block *block;
	const struct flow_rule *rule;
	struct netlink_ext_ack *extack;
	struct sluice_match *match;
	int err;
};

/* Refuse, but go on: the punt should be as narrow as can be. */
#define ctx_reject(ctx, reason, fmt, ...) do {				\
	struct match_ctx *__ctx = (ctx);				\
									\
	if (!__ctx->err)						\
		__ctx->err = sluice_reject(__ctx->block->off,		\
					   __ctx->extack, reason, fmt,	\
					   ##__VA_ARGS__);		\
} while (0)

/* Where a field is in the key, for match_bytes(). */
#define AT(field)	offsetof(struct sluice_key, field)

/* Match @len bytes of the key at @at on the bits of @value that @bits has. */
static void match_bytes(struct match_ctx *ctx, size_t at, const void *value,
			const void *bits, size_t len)
{
	u8 *mask = (u8 *)&ctx->match->mask + at;
	u8 *key = (u8 *)&ctx->match->key + at;
	const u8 *v = value, *b = bits;

	while (len--) {
		*key++ = *v++ & *b;
		*mask++ = *b++;
	}
}

/* Match on an ethertype when the filter may have asked for one before. */
static void match_n_proto(struct match_ctx *ctx, u16 proto)
{
	struct sluice_match *match = ctx->match;

	if (match->mask.n_proto && match->key.n_proto != htons(proto)) {
		match->never = true;
		ctx_reject(ctx, SLUICE_REJECT_KEY_VALUE,
			   "addresses do not fit the ethertype");
		return;
	}
	match->key.n_proto = htons(proto);
	match->mask.n_proto = htons(0xffff);
}

static bool key_supported(const struct sluice_block *block, unsigned int id)
{
	if (id >= ARRAY_SIZE(sluice_keys))
		return false;
	switch (sluice_keys[id].how) {
	case SLUICE_KNOWN_YES:
	case SLUICE_KNOWN_PART:
		return true;
	case SLUICE_KNOWN_TUNNEL:
		return block->of_tunnel;
	default:
		return false;
	}
}

static void match_unsupported(struct match_ctx *ctx)
{
	u64 keys = ctx->rule->match.dissector->used_keys;
	unsigned int id;

	for (; keys; keys &= keys - 1) {
		id = __ffs64(keys);
		if (key_supported(ctx->block, id))
			continue;
		if (id < ARRAY_SIZE(sluice_keys))
			ctx_reject(ctx, SLUICE_REJECT_KEY,
				   "cannot match on %s", sluice_keys[id].name);
		else
			ctx_reject(ctx, SLUICE_REJECT_KEY,
				   "cannot match on dissector key %u", id);
		return;
	}
}

static void match_meta(struct match_ctx *ctx)
{
	struct flow_match_meta m;
	struct sluice_vport *vport;
	struct net_device *dev;

	flow_rule_match_meta(ctx->rule, &m);
	/* Bridges set it, behind us: a packet that comes in never has it. */
	if (m.key->l2_miss & m.mask->l2_miss) {
		ctx->match->never = true;
		ctx_reject(ctx, SLUICE_REJECT_KEY_VALUE,
			   "l2_miss never matches at ingress");
	}
	if (m.mask->ingress_iftype)
		ctx_reject(ctx, SLUICE_REJECT_KEY,
			   "cannot match on the ingress device's type");
	if (!m.mask->ingress_ifindex)
		return;
	if (ctx->block->of_tunnel) {
		ctx_reject(ctx, SLUICE_REJECT_KEY,
			   "cannot match on indev behind a tunnel");
		return;
	}
	if (m.mask->ingress_ifindex != ~0) {
		ctx_reject(ctx, SLUICE_REJECT_KEY_VALUE,
			   "cannot match on a part of indev");
		return;
	}
	rcu_read_lock();
	dev = dev_get_by_index_rcu(ctx->block->net, m.key->ingress_ifindex);
	vport = dev ? sluice_esw_vport_by_netdev(ctx->block->off->sdev, dev) :
		      NULL;
	if (vport && !vport->gone) {
		ctx->match->in_vport = true;
		ctx->match->key.in_vport = cpu_to_le16(vport->num);
		ctx->match->mask.in_vport = cpu_to_le16(0xffff);
	} else {
		/* No packet enters the device there. */
		ctx->match->never = true;
		ctx_reject(ctx, SLUICE_REJECT_KEY_VALUE,
			   "indev is not a port of this switch");
	}
	rcu_read_unlock();
}

static void match_control(struct match_ctx *ctx)
{
	const u32 known = FLOW_DIS_IS_FRAGMENT | FLOW_DIS_FIRST_FRAG;
	struct flow_match_control m;
	u8 key = 0, mask = 0;

	flow_rule_match_control(ctx->rule, &m);
	if (m.mask->flags & ~known)
		ctx_reject(ctx, SLUICE_REJECT_KEY,
			   "cannot match on ip_flags %#x",
			   m.mask->flags & ~known);
	if (m.mask->flags & FLOW_DIS_IS_FRAGMENT)
		mask |= SLUICE_FRAG_IS;
	if (m.mask->flags & FLOW_DIS_FIRST_FRAG)
		mask |= SLUICE_FRAG_FIRST;
	if (m.key->flags & FLOW_DIS_IS_FRAGMENT)
		key |= SLUICE_FRAG_IS;
	if (m.key->flags & FLOW_DIS_FIRST_FRAG)
		key |= SLUICE_FRAG_FIRST;
	ctx->match->key.frag = key & mask;
	ctx->match->mask.frag = mask;
}

static void match_basic(struct match_ctx *ctx)
{
	struct flow_match_basic m;

	flow_rule_match_basic(ctx->rule, &m);
	match_bytes(ctx, AT(n_proto), &m.key->n_proto, &m.mask->n_proto,
		    sizeof(m.key->n_proto));
	match_bytes(ctx, AT(ip_proto), &m.key->ip_proto, &m.mask->ip_proto,
		    sizeof(m.key->ip_proto));
}

static void match_eth(struct match_ctx *ctx)
{
	struct flow_match_eth_addrs m;

	flow_rule_match_eth_addrs(ctx->rule, &m);
	match_bytes(ctx, AT(eth_dst), &m.key->dst, &m.mask->dst,
		    sizeof(m.key->dst));
	match_bytes(ctx, AT(eth_src), &m.key->src, &m.mask->src,
		    sizeof(m.key->src));
}

static __be16 vlan_tci(const struct flow_dissector_key_vlan *v)
{
	return htons(v->vlan_id | v->vlan_dei << 12 |
		     v->vlan_priority << VLAN_PRIO_SHIFT);
}

static void match_vlan(struct sluice_key_vlan *key,
		       struct sluice_key_vlan *mask,
		       const struct flow_match_vlan *m)
{
	mask->tci = vlan_tci(m->mask);
	mask->tpid = m->mask->vlan_tpid;
	mask->next = m->mask->vlan_eth_type;
	key->tci = vlan_tci(m->key) & mask->tci;
	key->tpid = m->key->vlan_tpid & mask->tpid;
	key->next = m->key->vlan_eth_type & mask->next;
}

static void match_num_vlans(struct match_ctx *ctx)
{
	struct flow_dissector *d = ctx->rule->match.dissector;
	struct flow_dissector_key_num_of_vlans *key, *mask;

	key = skb_flow_dissector_target(d, FLOW_DISSECTOR_KEY_NUM_OF_VLANS,
					ctx->rule->match.key);
	mask = skb_flow_dissector_target(d, FLOW_DISSECTOR_KEY_NUM_OF_VLANS,
					 ctx->rule->match.mask);
	match_bytes(ctx, AT(num_vlans), &key->num_of_vlans, &mask->num_of_vlans,
		    sizeof(key->num_of_vlans));
}

/*
 * flower compares the kind of addresses too, so that an ARP packet does not
 * match 0.0.0.0/8.  The ethertype says the same.
 */
static void match_addrs(struct match_ctx *ctx)
{
	struct flow_match_control c;
	struct flow_match_ipv4_addrs v4;
	struct flow_match_ipv6_addrs v6;

	flow_rule_match_control(ctx->rule, &c);
	if (!c.mask->addr_type)
		return;
	if (c.key->addr_type == FLOW_DISSECTOR_KEY_IPV4_ADDRS &&
	    flow_rule_match_key(ctx->rule, FLOW_DISSECTOR_KEY_IPV4_ADDRS)) {
		flow_rule_match_ipv4_addrs(ctx->rule, &v4);
		match_bytes(ctx, AT(ip_src), &v4.key->src, &v4.mask->src,
			    sizeof(v4.key->src));
		match_bytes(ctx, AT(ip_dst), &v4.key->dst, &v4.mask->dst,
			    sizeof(v4.key->dst));
		match_n_proto(ctx, ETH_P_IP);
	} else if (c.key->addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS &&
		   flow_rule_match_key(ctx->rule,
				       FLOW_DISSECTOR_KEY_IPV6_ADDRS)) {
		flow_rule_match_ipv6_addrs(ctx->rule, &v6);
		match_bytes(ctx, AT(ip_src), &v6.key->src, &v6.mask->src,
			    sizeof(v6.key->src));
		match_bytes(ctx, AT(ip_dst), &v6.key->dst, &v6.mask->dst,
			    sizeof(v6.key->dst));
		match_n_proto(ctx, ETH_P_IPV6);
	} else {
		/* src_ip 0.0.0.0/0: flower finds no address and never hits. */
		ctx->match->never = true;
		ctx_reject(ctx, SLUICE_REJECT_KEY_VALUE,
			   "an address with an empty mask never matches");
	}
}

static void match_ip(struct match_ctx *ctx)
{
	struct flow_match_ip m;

	flow_rule_match_ip(ctx->rule, &m);
	match_bytes(ctx, AT(ip_tos), &m.key->tos, &m.mask->tos,
		    sizeof(m.key->tos));
	match_bytes(ctx, AT(ip_ttl), &m.key->ttl, &m.mask->ttl,
		    sizeof(m.key->ttl));
}

static void match_ports(struct match_ctx *ctx)
{
	struct flow_match_ports m;

	flow_rule_match_ports(ctx->rule, &m);
	match_bytes(ctx, AT(l4_src), &m.key->src, &m.mask->src,
		    sizeof(m.key->src));
	match_bytes(ctx, AT(l4_dst), &m.key->dst, &m.mask->dst,
		    sizeof(m.key->dst));
}

static void match_tcp(struct match_ctx *ctx)
{
	struct flow_match_tcp m;

	flow_rule_match_tcp(ctx->rule, &m);
	match_bytes(ctx, AT(tcp_flags), &m.key->flags, &m.mask->flags,
		    sizeof(m.key->flags));
}

static void match_icmp(struct match_ctx *ctx)
{
	struct flow_match_icmp m;

	flow_rule_match_icmp(ctx->rule, &m);
	match_bytes(ctx, AT(icmp_type), &m.key->type, &m.mask->type,
		    sizeof(m.key->type));
	match_bytes(ctx, AT(icmp_code), &m.key->code, &m.mask->code,
		    sizeof(m.key->code));
}

static void match_arp(struct match_ctx *ctx)
{
	struct flow_match_arp m;

	flow_rule_match_arp(ctx->rule, &m);
	match_bytes(ctx, AT(arp_sip), &m.key->sip, &m.mask->sip,
		    sizeof(m.key->sip));
	match_bytes(ctx, AT(arp_tip), &m.key->tip, &m.mask->tip,
		    sizeof(m.key->tip));
	match_bytes(ctx, AT(arp_op), &m.key->op, &m.mask->op,
		    sizeof(m.key->op));
	match_bytes(ctx, AT(arp_sha), &m.key->sha, &m.mask->sha,
		    sizeof(m.key->sha));
	match_bytes(ctx, AT(arp_tha), &m.key->tha, &m.mask->tha,
		    sizeof(m.key->tha));
}

/**
 * sluice_match_proto() - match on the protocol of a filter
 * @match: match
 * @protocol: tc's protocol, network byte order; ETH_P_ALL for any
 *
 * It is what follows the MAC addresses, the TPID of a tagged packet.
 */
void sluice_match_proto(struct sluice_match *match, __be16 protocol)
{
	if (protocol == htons(ETH_P_ALL))
		return;
	match->key.outer_proto = protocol;
	match->mask.outer_proto = htons(0xffff);
}

/**
 * sluice_match_flower() - what a flower filter matches
 * @block: block of the filter; offload lock held
 * @f: tc's call
 * @match: zeroed; filled in, on failure with more than the filter matches, and
 *	in any case to be released
 *
 * Return: 0, or -EOPNOTSUPP when the device cannot match exactly that.
 */
int sluice_match_flower(struct sluice_block *block,
			const struct flow_cls_offload *f,
			struct sluice_match *match)
{
	struct match_ctx ctx = {
		.block = block,
		.rule = f->rule,
		.extack = f->common.extack,
		.match = match,
	};
	struct flow_match_vlan vlan;
	int err;

	sluice_match_proto(match, f->common.protocol);
	match_unsupported(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_META))
		match_meta(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_BASIC))
		match_basic(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_CONTROL)) {
		match_control(&ctx);
		match_addrs(&ctx);
	}
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_ETH_ADDRS))
		match_eth(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_VLAN)) {
		flow_rule_match_vlan(f->rule, &vlan);
		match_vlan(&match->key.vlan, &match->mask.vlan, &vlan);
	}
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_CVLAN)) {
		flow_rule_match_cvlan(f->rule, &vlan);
		match_vlan(&match->key.cvlan, &match->mask.cvlan, &vlan);
	}
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_NUM_OF_VLANS))
		match_num_vlans(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_IP))
		match_ip(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_PORTS))
		match_ports(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_TCP))
		match_tcp(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_ICMP))
		match_icmp(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_ARP))
		match_arp(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_CT))
		sluice_match_ct(f->rule, match);
	err = sluice_match_rare(block->off, f, match);
	if (!ctx.err)
		ctx.err = err;
	if (block->of_tunnel) {
		err = sluice_match_enc(block, f, match);
		if (!ctx.err)
			ctx.err = err;
	}
	return ctx.err;
}
