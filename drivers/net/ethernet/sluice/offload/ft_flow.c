// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flows that nftables' flow tables tell of: where they come in, where they go, and
 * what becomes of them.
 */
#include <net/dst.h>
#include <net/netfilter/nf_conntrack.h>

#include "ft.h"

static bool encap_known(const struct flow_offload_tuple *tuple, u16 *vid)
{
	*vid = FT_NO_VLAN;
	if (!tuple->encap_num)
		return true;
	if (tuple->encap_num > 1 || tuple->in_vlan_ingress ||
	    tuple->encap[0].proto != htons(ETH_P_8021Q))
		return false;
	*vid = tuple->encap[0].id & VLAN_VID_MASK;
	return true;
}

/* Netdev and port of an ifindex, a port of this switch with hw-tc-offload on. */
static bool ft_port(const struct sluice_ft *ft, int ifindex, u16 *num)
{
	struct sluice_vport *vport = NULL;
	struct net_device *dev;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(ft->net, ifindex);
	if (dev && tc_can_offload(dev))
		vport = sluice_esw_vport_by_netdev(ft->off->sdev, dev);
	if (vport)
		*num = vport->num;
	rcu_read_unlock();
	return vport;
}

static bool keys_known(const struct flow_rule *rule)
{
	const u64 known = BIT_ULL(FLOW_DISSECTOR_KEY_META) |
			  BIT_ULL(FLOW_DISSECTOR_KEY_CONTROL) |
			  BIT_ULL(FLOW_DISSECTOR_KEY_BASIC) |
			  BIT_ULL(FLOW_DISSECTOR_KEY_IPV4_ADDRS) |
			  BIT_ULL(FLOW_DISSECTOR_KEY_IPV6_ADDRS) |
			  BIT_ULL(FLOW_DISSECTOR_KEY_VLAN) |
			  BIT_ULL(FLOW_DISSECTOR_KEY_PORTS) |
			  BIT_ULL(FLOW_DISSECTOR_KEY_TCP);

	return !(rule->match.dissector->used_keys & ~known);
}

/* Four bytes of the Ethernet header; @seen: which are known. */
static bool read_macs(const struct flow_action_entry *entry, u8 *macs, u16 *seen)
{
	u32 change = ~entry->mangle.mask, val = entry->mangle.val;
	unsigned int i, at = entry->mangle.offset;

	if (at > 2 * ETH_ALEN - sizeof(val))
		return false;
	for (i = 0; i < sizeof(val); i++) {
		u8 bits = ((u8 *)&change)[i];

		if (!bits)
			continue;
		if (bits != 0xff)
			return false;
		macs[at + i] = ((u8 *)&val)[i];
		*seen |= BIT(at + i);
	}
	return true;
}

/*
 * Where the actions send packets.  NAT and checksums are the connection's; the
 * TTL, and who the neighbour is, flow tables do not tell.
 */
static bool read_actions(struct sluice_ft *ft, const struct flow_action *action,
			 struct sluice_ft_path *path)
{
	const struct flow_action_entry *entry;
	struct net_device *dev = NULL;
	unsigned int i, tags = 0;
	u16 seen = 0;

	flow_action_for_each(i, entry, action) {
		switch (entry->id) {
		case FLOW_ACTION_MANGLE:
			if (entry->mangle.htype ==
			    FLOW_ACT_MANGLE_HDR_TYPE_ETH &&
			    !read_macs(entry, path->macs, &seen))
				return false;
			break;
		case FLOW_ACTION_CSUM:
			break;
		case FLOW_ACTION_VLAN_POP:
			path->pop++;
			break;
		case FLOW_ACTION_VLAN_PUSH:
			if (tags++ || entry->vlan.prio ||
			    entry->vlan.proto != htons(ETH_P_8021Q))
				return false;
			path->push = entry->vlan.vid & VLAN_VID_MASK;
			break;
		case FLOW_ACTION_REDIRECT:
			dev = entry->dev;
			break;
		default:
			return false;
		}
	}
	if (!dev || seen != BIT(2 * ETH_ALEN) - 1)
		return false;
	path->ifindex = dev->ifindex;
	return ft_port(ft, dev->ifindex, &path->vport);
}

/*
 * The neighbour that software would send to, which may change its address.
 * Software's source address is that of the route's netdev.
 */
static bool read_neigh(const struct flow_offload_tuple *tuple,
		       const struct flow_offload_tuple *other,
		       struct sluice_ft_path *path)
{
	struct dst_entry *dst;
	struct neighbour *n;

	if (tuple->xmit_type == FLOW_OFFLOAD_XMIT_DIRECT)
		return true;
	if (tuple->xmit_type != FLOW_OFFLOAD_XMIT_NEIGH)
		return false;
	dst = tuple->dst_cache;
	if (!dst || !ether_addr_equal(dst->dev->dev_addr,
				      path->macs + ETH_ALEN))
		return false;
	n = dst_neigh_lookup(dst, &other->src_v6);
	if (!n)
		return false;
	path->family = n->tbl->family;
	path->neigh_ifindex = n->dev->ifindex;
	memcpy(path->addr, n->primary_key,
	       min_t(u32, n->tbl->key_len, sizeof(path->addr)));
	neigh_release(n);
	eth_zero_addr(path->macs);
	return sluice_ft_neigh_table(path->family);
}

static int ft_replace(struct sluice_ft *ft, const struct flow_cls_offload *f)
{
	const struct flow_offload_tuple *tuple = (const void *)f->cookie;
	const struct flow_offload *flow = sluice_tuple_flow(tuple);
	const struct flow_offload_tuple *other =
		&flow->tuplehash[!tuple->dir].tuple;
	static const u8 labels[16];
	struct sluice_conn_to to = { .labels = labels };
	struct sluice_ft_path path;
	u16 in_vport, vid, push;
	int err = -ENOMEM;

	/* Its padding is compared, too. */
	memset(&path, 0, sizeof(path));
	path.push = FT_NO_VLAN;
	path.mtu = tuple->mtu;
	if (!keys_known(f->rule) || !encap_known(tuple, &vid) ||
	    !encap_known(other, &push) ||
	    !ft_port(ft, tuple->iifidx, &in_vport) ||
	    !read_actions(ft, &f->rule->action, &path) ||
	    path.pop != tuple->encap_num || path.push != push ||
	    !read_neigh(tuple, other, &path)) {
		ft->refused++;
		return -EOPNOTSUPP;
	}
	to.hop = sluice_ft_hop_get(ft, &path);
	to.in = sluice_ft_in_get(ft, in_vport, vid);
	if (to.hop && to.in) {
		to.mark = to.hop->id;
		to.table = to.in->table;
		err = sluice_conn_set(&ft->zone, flow, tuple->dir, &to);
	}
	if (err)
		sluice_ft_unuse(ft->zone.ct, to.in, to.hop);
	else if (!to.in->placed || !to.hop->placed)
		sluice_ft_schedule(ft->zone.ct);
	return err;
}

/*
 * Software asks for each packet whether its route still holds, and tries
 * neighbours now and then.  The flow table asks for counters of living flows all
 * the time: then is the time for both.
 */
static int ft_stats(struct sluice_ft *ft, struct flow_cls_offload *f)
{
	const struct flow_offload_tuple *tuple = (const void *)f->cookie;
	const struct flow_offload_tuple *other =
		&sluice_tuple_flow(tuple)->tuplehash[!tuple->dir].tuple;
	struct neighbour *n;
	struct dst_entry *dst;
	int err;

	err = sluice_conn_stats(ft->zone.ct, f);
	if (err || tuple->xmit_type != FLOW_OFFLOAD_XMIT_NEIGH)
		return err;
	dst = tuple->dst_cache;
	if (!dst_check(dst, tuple->dst_cookie)) {
		sluice_conn_destroy(ft->zone.ct, f);
		return 0;
	}
	if (!f->stats.pkts)
		return 0;
	n = dst_neigh_lookup(dst, &other->src_v6);
	if (n) {
		neigh_event_send(n, NULL);
		neigh_release(n);
	}
	return 0;
}

/**
 * sluice_ft_cb() - a call of a flow table
 * @type: kind of call
 * @type_data: its argument
 * @cb_priv: flow table
 *
 * Context: process, the flow table's block lock held for reading.
 *
 * Return: 0; -EOPNOTSUPP for a flow that software keeps, -ENOENT for one that is
 * not in the device, -ENOSPC, -ENOMEM or -EIO.
 */
int sluice_ft_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
{
	struct flow_cls_offload *f = type_data;
	struct sluice_ft *ft = cb_priv;
	struct sluice_ct *ct = ft->zone.ct;
	int err = -EOPNOTSUPP;

	if (type != TC_SETUP_CLSFLOWER)
		return err;
	mutex_lock(&ct->lock);
	if (!ct->paused && !ct->ft_stopped) {
		switch (f->command) {
		case FLOW_CLS_REPLACE:
			err = ft_replace(ft, f);
			break;
		case FLOW_CLS_DESTROY:
			err = sluice_conn_destroy(ct, f);
			break;
		case FLOW_CLS_STATS:
			err = ft_stats(ft, f);
			break;
		default:
			break;
		}
	}
	mutex_unlock(&ct->lock);
	return err;
}
