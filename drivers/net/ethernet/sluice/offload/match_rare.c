// SPDX-License-Identifier: GPL-2.0-only
/*
 * flower's keys that few rules use: MPLS, PPPoE, L2TPv3, IPsec, CFM and port
 * ranges.
 */
#include "offload.h"

/* One label stack entry as in the frame; the fields have no other masks. */
static __be32 lse_bytes(const struct flow_dissector_mpls_lse *lse)
{
	return cpu_to_be32(lse->mpls_label << 12 | lse->mpls_tc << 9 |
			   lse->mpls_bos << 8 | lse->mpls_ttl);
}

static void match_mpls(const struct flow_rule *rule, struct sluice_match *match)
{
	struct flow_match_mpls m;
	unsigned int i;

	BUILD_BUG_ON(ARRAY_SIZE(match->key.mpls) != FLOW_DIS_MPLS_MAX);
	flow_rule_match_mpls(rule, &m);
	for (i = 0; i < FLOW_DIS_MPLS_MAX; i++) {
		match->mask.mpls[i] = lse_bytes(&m.mask->ls[i]);
		match->key.mpls[i] = lse_bytes(&m.key->ls[i]) &
				     match->mask.mpls[i];
	}
	match->mask.mpls_depth = m.mask->used_lses;
	match->key.mpls_depth = m.key->used_lses & m.mask->used_lses;
}

static void match_pppoe(const struct flow_rule *rule,
			struct sluice_match *match)
{
	struct flow_match_pppoe m;

	flow_rule_match_pppoe(rule, &m);
	match->key.pppoe_session = m.key->session_id & m.mask->session_id;
	match->mask.pppoe_session = m.mask->session_id;
	match->key.ppp_proto = m.key->ppp_proto & m.mask->ppp_proto;
	match->mask.ppp_proto = m.mask->ppp_proto;
	match->key.pppoe_type = m.key->type & m.mask->type;
	match->mask.pppoe_type = m.mask->type;
}

static void match_l2tpv3(const struct flow_rule *rule,
			 struct sluice_match *match)
{
	struct flow_match_l2tpv3 m;

	flow_rule_match_l2tpv3(rule, &m);
	match->key.l2tp_session = m.key->session_id & m.mask->session_id;
	match->mask.l2tp_session = m.mask->session_id;
}

static void match_ipsec(const struct flow_rule *rule,
			struct sluice_match *match)
{
	struct flow_match_ipsec m;

	flow_rule_match_ipsec(rule, &m);
	match->key.spi = m.key->spi & m.mask->spi;
	match->mask.spi = m.mask->spi;
}

/* The kernel has no accessor for this one. */
static void match_cfm(const struct flow_rule *rule, struct sluice_match *match)
{
	const struct flow_dissector_key_cfm *key, *mask;

	key = skb_flow_dissector_target(rule->match.dissector,
					FLOW_DISSECTOR_KEY_CFM,
					rule->match.key);
	mask = skb_flow_dissector_target(rule->match.dissector,
					 FLOW_DISSECTOR_KEY_CFM,
					 rule->match.mask);
	match->key.cfm_mdl = key->mdl_ver & mask->mdl_ver;
	match->mask.cfm_mdl = mask->mdl_ver;
	match->key.cfm_opcode = key->opcode & mask->opcode;
	match->mask.cfm_opcode = mask->opcode;
}

static int match_range(struct sluice_offload *off, struct sluice_match *match,
		       u8 field, __be16 min, __be16 max)
{
	int id = sluice_range_get(off, field, ntohs(min), ntohs(max));

	if (id < 0)
		return id;
	match->mask.range_hits |= cpu_to_le64(BIT_ULL(id));
	match->key.range_hits = match->mask.range_hits;
	return 0;
}

static int match_port_ranges(struct sluice_offload *off,
			     const struct flow_rule *rule,
			     struct sluice_match *match)
{
	struct flow_match_ports_range m;
	int err = 0;

	flow_rule_match_ports_range(rule, &m);
	if (m.mask->tp_min.dst && m.mask->tp_max.dst)
		err = match_range(off, match, SLUICE_RANGE_L4_DST,
				  m.key->tp_min.dst, m.key->tp_max.dst);
	if (!err && m.mask->tp_min.src && m.mask->tp_max.src)
		err = match_range(off, match, SLUICE_RANGE_L4_SRC,
				  m.key->tp_min.src, m.key->tp_max.src);
	return err;
}

/**
 * sluice_match_rare() - what a flower filter says of these keys
 * @off: offload, lock held
 * @f: tc's call
 * @match: added to, on failure with more than the filter matches
 *
 * Return: 0, -EOPNOTSUPP when the device cannot match exactly that, or -EIO
 * when it has stopped.
 */
int sluice_match_rare(struct sluice_offload *off,
		      const struct flow_cls_offload *f,
		      struct sluice_match *match)
{
	const struct flow_rule *rule = f->rule;
	int err = 0;

	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_MPLS))
		match_mpls(rule, match);
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_PPPOE))
		match_pppoe(rule, match);
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_L2TPV3))
		match_l2tpv3(rule, match);
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_IPSEC))
		match_ipsec(rule, match);
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_CFM))
		match_cfm(rule, match);
	if (flow_rule_match_key(rule, FLOW_DISSECTOR_KEY_PORTS_RANGE)) {
		err = match_port_ranges(off, rule, match);
		if (err == -ENOSPC)
			return sluice_reject(off, f->common.extack,
					     SLUICE_REJECT_FULL,
					     "all %u port ranges are in use",
					     SLUICE_MAX_RANGES);
	}
	return err;
}

/**
 * sluice_match_release() - give back what a match holds
 * @off: offload, lock held
 * @match: match, to be forgotten
 */
void sluice_match_release(struct sluice_offload *off,
			  struct sluice_match *match)
{
	sluice_ranges_put(off, match->mask.range_hits);
	match->mask.range_hits = 0;
}
