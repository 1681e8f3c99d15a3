// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policy rules: which outer headers one is about.
 */
#include <linux/netlink.h>
#include <net/fib_notifier.h>
#include <net/fib_rules.h>
#include <net/ip_fib.h>
#include <net/netlink.h>

#include "tunnel.h"

/* Room for the addresses of a rule and what else a family has. */
#define POLICY_FILL_SIZE	256

static const struct fib_rules_ops *policy_ops(struct net *net, u32 family)
{
#ifdef CONFIG_IP_MULTIPLE_TABLES
	if (family == AF_INET)
		return net->ipv4.rules_ops;
#endif
#ifdef CONFIG_IPV6_MULTIPLE_TABLES
	if (family == AF_INET6)
		return net->ipv6.fib6_rules_ops;
#endif
	return NULL;
}

/* Its addresses, which the kernel tells only as "ip rule" would see them. */
static bool policy_prefixes(const struct fib_rules_ops *ops,
			    struct fib_rule *rule,
			    struct sluice_tunnel_event *ev)
{
	int size = sluice_addr_len(ev->addr.family);
	struct fib_rule_hdr frh = {};
	const struct nlattr *attr;
	struct sk_buff *skb;
	int left;

	skb = alloc_skb(POLICY_FILL_SIZE, GFP_ATOMIC);
	if (!skb)
		return false;
	if (ops->fill(rule, skb, &frh)) {
		kfree_skb(skb);
		return false;
	}
	nla_for_each_attr(attr, (struct nlattr *)skb->data, skb->len, left) {
		if (nla_len(attr) != size)
			continue;
		if (nla_type(attr) == FRA_DST)
			memcpy(&ev->addr.a, nla_data(attr), size);
		else if (nla_type(attr) == FRA_SRC)
			memcpy(&ev->src, nla_data(attr), size);
	}
	ev->plen = frh.dst_len;
	ev->src_plen = frh.src_len;
	kfree_skb(skb);
	return true;
}

/**
 * sluice_policy_event() - a policy rule comes or goes
 * @tun: tunnels
 * @info: in &struct fib_rule_notifier_info
 * @ev: event with the family, what it is about is filled in
 *
 * Context: atomic.
 *
 * Return: true, or false when no outer header can meet the rule.
 */
bool sluice_policy_event(struct sluice_tunnels *tun,
			 const struct fib_notifier_info *info,
			 struct sluice_tunnel_event *ev)
{
	struct fib_rule *rule = container_of(info, struct fib_rule_notifier_info,
					     info)->rule;
	const struct fib_rules_ops *ops = policy_ops(tun->net, info->family);

	/* It may be what another rule goes to. */
	if (!ops || ops->nr_goto_rules || rule->flags & FIB_RULE_INVERT)
		return true;
	/* We look routes up without them. */
	if (rule->mark & rule->mark_mask || rule->tun_id)
		return false;
	if (rule->ip_proto && rule->ip_proto != IPPROTO_UDP &&
	    rule->ip_proto != IPPROTO_GRE)
		return false;
	if (!policy_prefixes(ops, rule, ev))
		return true;
	/* It has the source address chosen. */
	if (rule->flags & FIB_RULE_FIND_SADDR)
		ev->src_plen = 0;
	/* What the host sends comes in by "lo", or if need be by its VRF. */
	ev->vrf = rule->l3mdev ||
		  (rule->iifname[0] && strcmp(rule->iifname, "lo"));
	return true;
}

/**
 * sluice_policy_concerns() - can a policy rule be about an encap?
 * @encap: encap whose remote is in the prefix of @ev; offload lock held
 * @ev: event, maybe of another kind
 *
 * Return: true unless it is sure that it is not.
 */
bool sluice_policy_concerns(const struct sluice_encap *encap,
			    const struct sluice_tunnel_event *ev)
{
	if (ev->kind != SLUICE_TUNNEL_POLICY)
		return true;
	if (ev->vrf && encap->dev && !encap->dev->vrf)
		return false;
	/* Without one it is chosen, maybe by this rule. */
	return ipv6_addr_any(&encap->key.src) ||
	       ipv6_prefix_equal(&encap->key.src, &ev->src, ev->src_plen);
}

/**
 * sluice_policy_visit() - a policy rule has come or gone
 * @tun: tunnels, offload lock held
 * @ev: the rule
 *
 * Looks up the routes it may be about.
 */
void sluice_policy_visit(struct sluice_tunnels *tun,
			 const struct sluice_tunnel_event *ev)
{
	u32 family = ev->addr.family;

	/* From the first rule on there are headers that cannot be looked up. */
	if (family == AF_INET && !tun->custom_rules &&
	    fib4_has_custom_rules(tun->net)) {
		tun->custom_rules = true;
		sluice_encaps_update_all(tun, family);
		return;
	}
	if (!ev->plen && ev->src_plen == 8 * sluice_addr_len(family))
		sluice_encaps_update_policy(tun, ev);
	else
		sluice_remotes_visit(tun, ev);
}
