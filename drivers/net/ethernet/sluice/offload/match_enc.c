// SPDX-License-Identifier: GPL-2.0-only
/*
 * flower's enc_* keys: what a packet's tunnel header was.
 *
 * Only at the ingress of a tunnel device do packets have one.
 */
#include <net/geneve.h>
#include <net/ip_tunnels.h>
#include <net/vxlan.h>

#include "../tunnel/tunnel.h"
#include "offload.h"

/**
 * struct enc_ctx - one match on its way
 * @block: block of the filter
 * @rule: tc's description
 * @extack: for the reason of a refusal
 * @match: the result
 * @err: first refusal
 */
struct enc_ctx {
	struct sluice_block *block;
	const struct flow_rule *rule;
	struct netlink_ext_ack *extack;
	struct sluice_match *match;
	int err;
};

static void enc_bytes(u8 *key, u8 *mask, const void *v, const void *m,
		      size_t len)
{
	const u8 *from = v, *bits = m;

	while (len--) {
		*key++ = *from++ & *bits;
		*mask++ = *bits++;
	}
}

/* Refuse, but go on: the punt should be as narrow as can be. */
static void enc_refuse(struct enc_ctx *ctx, enum sluice_reject reason,
		       const char *why, u32 what)
{
	if (!ctx->err)
		ctx->err = sluice_reject(ctx->block->off, ctx->extack, reason,
					 "cannot match on %s %#x", why, what);
}

/* No packet can match: nothing to punt either. */
static void enc_never(struct enc_ctx *ctx, const char *why)
{
	ctx->match->never = true;
	if (!ctx->err)
		ctx->err = sluice_reject(ctx->block->off, ctx->extack,
					 SLUICE_REJECT_KEY_VALUE, "%s", why);
}

static const struct {
	u32 flower;
	u8 device;
} enc_flags[] = {
	{ FLOW_DIS_F_TUNNEL_CSUM, SLUICE_ENC_F_CSUM },
	{ FLOW_DIS_F_TUNNEL_DONT_FRAGMENT, SLUICE_ENC_F_DF },
	{ FLOW_DIS_F_TUNNEL_OAM, SLUICE_ENC_F_OAM },
	{ FLOW_DIS_F_TUNNEL_CRIT_OPT, SLUICE_ENC_F_CRIT },
};

static void enc_control(struct enc_ctx *ctx)
{
	struct flow_match_control m;
	u8 key = 0, mask = 0;
	unsigned int i;
	u32 left;

	flow_rule_match_enc_control(ctx->rule, &m);
	left = m.mask->flags;
	for (i = 0; i < ARRAY_SIZE(enc_flags); i++) {
		if (!(left & enc_flags[i].flower))
			continue;
		left &= ~enc_flags[i].flower;
		mask |= enc_flags[i].device;
		if (m.key->flags & enc_flags[i].flower)
			key |= enc_flags[i].device;
	}
	if (left)
		enc_refuse(ctx, SLUICE_REJECT_KEY, "enc_flags", left);
	ctx->match->key.enc_flags = key;
	ctx->match->mask.enc_flags = mask;
}

static void enc_addrs(struct enc_ctx *ctx)
{
	struct flow_match_ipv4_addrs v4;
	struct flow_match_ipv6_addrs v6;
	struct flow_match_control c;
	struct sluice_match *match = ctx->match;

	flow_rule_match_enc_control(ctx->rule, &c);
	if (!c.mask->addr_type)
		return;
	if (c.key->addr_type == FLOW_DISSECTOR_KEY_IPV4_ADDRS &&
	    flow_rule_match_key(ctx->rule, FLOW_DISSECTOR_KEY_ENC_IPV4_ADDRS)) {
		flow_rule_match_enc_ipv4_addrs(ctx->rule, &v4);
		enc_bytes(match->key.enc_src, match->mask.enc_src,
			  &v4.key->src, &v4.mask->src, sizeof(v4.key->src));
		enc_bytes(match->key.enc_dst, match->mask.enc_dst,
			  &v4.key->dst, &v4.mask->dst, sizeof(v4.key->dst));
		ctx->match->key.enc_ip = 4;
		ctx->match->mask.enc_ip = 0xff;
	} else if (c.key->addr_type == FLOW_DISSECTOR_KEY_IPV6_ADDRS &&
		   flow_rule_match_key(ctx->rule,
				       FLOW_DISSECTOR_KEY_ENC_IPV6_ADDRS)) {
		flow_rule_match_enc_ipv6_addrs(ctx->rule, &v6);
		enc_bytes(match->key.enc_src, match->mask.enc_src,
			  &v6.key->src, &v6.mask->src, sizeof(v6.key->src));
		enc_bytes(match->key.enc_dst, match->mask.enc_dst,
			  &v6.key->dst, &v6.mask->dst, sizeof(v6.key->dst));
		ctx->match->key.enc_ip = 6;
		ctx->match->mask.enc_ip = 0xff;
	} else {
		enc_never(ctx, "an address with an empty mask never matches");
	}
}

static void enc_keyid(struct enc_ctx *ctx)
{
	struct flow_match_enc_keyid m;

	flow_rule_match_enc_keyid(ctx->rule, &m);
	ctx->match->key.enc_key_id = m.key->keyid & m.mask->keyid;
	ctx->match->mask.enc_key_id = m.mask->keyid;
}

static void enc_ports(struct enc_ctx *ctx)
{
	struct flow_match_ports m;

	flow_rule_match_enc_ports(ctx->rule, &m);
	ctx->match->key.enc_l4_src = m.key->src & m.mask->src;
	ctx->match->mask.enc_l4_src = m.mask->src;
	ctx->match->key.enc_l4_dst = m.key->dst & m.mask->dst;
	ctx->match->mask.enc_l4_dst = m.mask->dst;
}

static void enc_ip(struct enc_ctx *ctx)
{
	struct flow_match_ip m;

	flow_rule_match_enc_ip(ctx->rule, &m);
	ctx->match->key.enc_tos = m.key->tos & m.mask->tos;
	ctx->match->mask.enc_tos = m.mask->tos;
	ctx->match->key.enc_ttl = m.key->ttl & m.mask->ttl;
	ctx->match->mask.enc_ttl = m.mask->ttl;
}

/* Options of VXLAN are a number of the machine's byte order. */
static void enc_gbp(struct enc_ctx *ctx, const struct flow_match_enc_opts *m)
{
	const struct vxlan_metadata *key = (const void *)m->key->data;
	const struct vxlan_metadata *mask = (const void *)m->mask->data;
	__le32 v = cpu_to_le32(key->gbp), b = cpu_to_le32(mask->gbp);

	if (m->key->len != sizeof(*key)) {
		enc_never(ctx, "options of VXLAN have another length");
		return;
	}
	enc_bytes(ctx->match->key.enc_opts, ctx->match->mask.enc_opts, &v, &b,
		  sizeof(v));
}

/*
 * flower compares the length and the kind of options as it does all fields:
 * in the bits of a mask, which has the same length and kind.
 */
static void enc_opts(struct enc_ctx *ctx)
{
	const struct sluice_tunnel_dev *td = ctx->block->tunnel;
	struct flow_match_enc_opts m;
	u32 kind = 0;

	flow_rule_match_enc_opts(ctx->rule, &m);
	if (td && td->type == SLUICE_TUNNEL_GENEVE)
		kind = IP_TUNNEL_GENEVE_OPT_BIT;
	else if (td && td->type == SLUICE_TUNNEL_VXLAN && td->gbp)
		kind = IP_TUNNEL_VXLAN_OPT_BIT;
	if ((m.key->dst_opt_type ^ kind) & m.mask->dst_opt_type) {
		enc_never(ctx, "options of another kind of tunnel");
		return;
	}
	if (m.key->len > SLUICE_ENC_OPTS_MAX) {
		enc_refuse(ctx, SLUICE_REJECT_KEY, "options of length",
			   m.key->len);
		return;
	}
	ctx->match->key.enc_opts_len = m.key->len & m.mask->len;
	ctx->match->mask.enc_opts_len = m.mask->len;
	if (kind == IP_TUNNEL_VXLAN_OPT_BIT)
		enc_gbp(ctx, &m);
	else
		enc_bytes(ctx->match->key.enc_opts, ctx->match->mask.enc_opts,
			  m.key->data, m.mask->data, m.key->len);
}

/**
 * sluice_match_enc() - what a flower filter says of tunnel headers
 * @block: block of a tunnel device; offload lock held
 * @f: tc's call
 * @match: added to, on failure with more than the filter matches
 *
 * Return: 0, or -EOPNOTSUPP when the device cannot match exactly that.
 */
int sluice_match_enc(struct sluice_block *block,
		     const struct flow_cls_offload *f,
		     struct sluice_match *match)
{
	struct enc_ctx ctx = {
		.block = block,
		.rule = f->rule,
		.extack = f->common.extack,
		.match = match,
	};

	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_ENC_CONTROL)) {
		enc_control(&ctx);
		enc_addrs(&ctx);
	}
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_ENC_KEYID))
		enc_keyid(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_ENC_PORTS))
		enc_ports(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_ENC_IP))
		enc_ip(&ctx);
	if (flow_rule_match_key(f->rule, FLOW_DISSECTOR_KEY_ENC_OPTS))
		enc_opts(&ctx);
	return ctx.err;
}
