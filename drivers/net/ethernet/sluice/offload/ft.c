// SPDX-License-Identifier: GPL-2.0-only
/*
 * nftables' flow tables with "flags offload" on representors and uplinks.
 *
 * Such a table routes packets of connections before the stack sees them, and
 * after tc's ingress.  In the device it is the table of its ports for what their
 * tc blocks have no rule for, with two chains:
 *
 *   IN	a rule for each port, and each VLAN on it, that flows come in by: it
 *	finds the packet's connection, with NAT, and goes to
 *   HOP	a rule for each next hop, which connections name by their mark: TTL,
 *	MTU, tags, addresses, output.
 *
 * So a flow is a connection (ct_conn.c) and has no rule of its own, and a
 * neighbour that changes its address is one rule, whatever the number of flows.
 *
 * The flow table calls with its own lock held, under which we cannot take the
 * offload's lock (see ct.h).  So calls only take and give connections and note
 * what they need; rules and ports follow in a work item.  A connection whose rules
 * are not there yet finds none, and its packets are software's.
 */
#include <linux/etherdevice.h>
#include <linux/hashtable.h>
#include <linux/if_vlan.h>
#include <linux/jhash.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <net/arp.h>
#include <net/dst.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/netevent.h>
#include <net/netfilter/nf_conntrack.h>

#include "ct.h"

#define FT_CHAIN_IN	0
#define FT_CHAIN_HOP	1

/* Instead of a VLAN id. */
#define FT_NO_VLAN	VLAN_N_VID

/**
 * struct sluice_ft - a flow table
 * @node: in struct sluice_ct.fts
 * @zone: its connections
 * @off: the offload, with a reference
 * @net: network namespace of its netdevs
 * @block: what the device has of it; offload lock
 * @ports: struct sluice_vport by number, those bound to it
 * @ins: struct sluice_ft_in
 * @hops: struct sluice_ft_hop
 * @released: nftables is done with it
 * @refused: directions that software keeps
 *
 * All but @block is protected by struct sluice_ct.lock.
 */
struct sluice_ft {
	struct list_head node;
	struct sluice_ct_zone zone;
	struct sluice_offload *off;
	struct net *net;
	struct sluice_block *block;
	struct xarray ports;
	DECLARE_HASHTABLE(ins, 6);
	DECLARE_HASHTABLE(hops, 8);
	bool released;
	u64 refused;
};

/**
 * struct sluice_ft_in - where packets of flows come in
 * @node: in struct sluice_ft.ins
 * @refs: directions; it goes some time after the last one
 * @placed: the device has its rule
 * @vport: port
 * @vid: VLAN id or %FT_NO_VLAN
 * @table: connection table
 */
struct sluice_ft_in {
	struct hlist_node node;
	unsigned int refs;
	bool placed;
	u16 vport;
	u16 vid;
	u32 table;
};

/**
 * struct sluice_ft_path - what a next hop is known by
 * @addr: address of the neighbour that packets go to
 * @neigh_ifindex: the neighbour's netdev
 * @ifindex: netdev of the port they leave by
 * @vport: its port
 * @mtu: longest packet
 * @family: of @addr, or zero without a neighbour
 * @push: VLAN id they get, or %FT_NO_VLAN
 * @pop: they had a tag
 * @macs: addresses they get, destination first; without the destination when
 *	there is a neighbour
 *
 * No reference to the neighbour is kept: a netdev could not go, then.
 */
struct sluice_ft_path {
	u8 addr[16];
	int neigh_ifindex;
	int ifindex;
	u16 vport;
	u16 mtu;
	u16 family;
	u16 push;
	u16 pop;
	u8 macs[2 * ETH_ALEN];
};

/**
 * struct sluice_ft_hop - a next hop
 * @node: in struct sluice_ft.hops
 * @refs: directions; it goes some time after the last one
 * @id: mark of connections that use it
 * @path: what it is
 * @placed: the device has its rule
 * @dst: destination address there
 */
struct sluice_ft_hop {
	struct hlist_node node;
	unsigned int refs;
	u32 id;
	struct sluice_ft_path path;
	bool placed;
	u8 dst[ETH_ALEN];
};

static void ft_schedule(struct sluice_ct *ct)
{
	if (!ct->ft_stopped)
		schedule_work(&ct->ft_work);
}

/* ---- what flows need ---- */

static struct sluice_ft_in *in_get(struct sluice_ft *ft, u16 vport, u16 vid)
{
	struct sluice_ft_in *in;
	int id;

	hash_for_each_possible(ft->ins, in, node, vport) {
		if (in->vport != vport || in->vid != vid)
			continue;
		in->refs++;
		return in;
	}
	in = kzalloc(sizeof(*in), GFP_KERNEL);
	if (!in)
		return NULL;
	id = ida_alloc(&ft->zone.ct->table_ids, GFP_KERNEL);
	if (id < 0) {
		kfree(in);
		return NULL;
	}
	in->table = id;
	in->vport = vport;
	in->vid = vid;
	in->refs = 1;
	hash_add(ft->ins, &in->node, vport);
	return in;
}

static u32 path_hash(const struct sluice_ft_path *path)
{
	return jhash(path, sizeof(*path), 0);
}

static struct sluice_ft_hop *hop_get(struct sluice_ft *ft,
				     const struct sluice_ft_path *path)
{
	struct sluice_ft_hop *hop;
	int id;

	hash_for_each_possible(ft->hops, hop, node, path_hash(path)) {
		if (memcmp(&hop->path, path, sizeof(*path)))
			continue;
		hop->refs++;
		return hop;
	}
	hop = kzalloc(sizeof(*hop), GFP_KERNEL);
	if (!hop)
		return NULL;
	/* A mark of zero is that of no connection. */
	id = ida_alloc_min(&ft->zone.ct->hop_ids, 1, GFP_KERNEL);
	if (id < 0) {
		kfree(hop);
		return NULL;
	}
	hop->id = id;
	hop->path = *path;
	hop->refs = 1;
	hash_add(ft->hops, &hop->node, path_hash(path));
	atomic_inc(&ft->zone.ct->num_hops);
	return hop;
}

/**
 * sluice_ft_unuse() - a direction does not need its rules any more
 * @ct: connections, lock held
 * @in: where its packets came in, or NULL
 * @hop: where they went, or NULL
 */
void sluice_ft_unuse(struct sluice_ct *ct, struct sluice_ft_in *in,
		     struct sluice_ft_hop *hop)
{
	bool last = false;

	if (in)
		last |= !--in->refs;
	if (hop)
		last |= !--hop->refs;
	if (last)
		ft_schedule(ct);
}

static void in_free(struct sluice_ft *ft, struct sluice_ft_in *in)
{
	hash_del(&in->node);
	ida_free(&ft->zone.ct->table_ids, in->table);
	kfree(in);
}

static void hop_free(struct sluice_ft *ft, struct sluice_ft_hop *hop)
{
	hash_del(&hop->node);
	ida_free(&ft->zone.ct->hop_ids, hop->id);
	atomic_dec(&ft->zone.ct->num_hops);
	kfree(hop);
}

/* ---- rules: offload lock held ---- */

static void rule_key(struct sluice_rule_key *key, struct sluice_block *block,
		     const void *what)
{
	memset(key, 0, sizeof(*key));
	key->block = block;
	key->cookie = (unsigned long)what;
	key->kind = TC_SETUP_FT;
}

static void rule_remove(struct sluice_block *block, const void *what)
{
	struct sluice_rule_key key;
	struct sluice_rule *rule;

	rule_key(&key, block, what);
	rule = sluice_rule_find(block->off, &key);
	if (rule)
		sluice_rule_remove(rule);
}

static struct sluice_spec *spec_new(struct sluice_block *block, u32 chain,
				    const void *what)
{
	struct sluice_spec *spec = kzalloc(sizeof(*spec), GFP_KERNEL);

	if (!spec)
		return NULL;
	rule_key(&spec->key, block, what);
	spec->chain = chain;
	spec->prio = 1;
	return spec;
}

static bool in_place(struct sluice_ft *ft, const struct sluice_ft_in *in)
{
	struct sluice_spec *spec = spec_new(ft->block, FT_CHAIN_IN, in);
	struct sluice_key *key, *mask;
	struct sluice_action *act;
	int err;

	if (!spec)
		return false;
	key = &spec->match.key;
	mask = &spec->match.mask;
	spec->match.in_vport = true;
	key->in_vport = cpu_to_le16(in->vport);
	mask->in_vport = cpu_to_le16(0xffff);
	mask->num_vlans = 0xff;
	if (in->vid != FT_NO_VLAN) {
		key->num_vlans = 1;
		key->vlan.tpid = htons(ETH_P_8021Q);
		mask->vlan.tpid = htons(0xffff);
		key->vlan.tci = htons(in->vid);
		mask->vlan.tci = htons(VLAN_VID_MASK);
	}
	act = sluice_program_step(&spec->prog, SLUICE_ACT_CT);
	act->flags = SLUICE_CT_ACT_NAT | SLUICE_CT_ACT_KEEP;
	act->a = cpu_to_le32(in->table);
	/* The first of the chains it goes to. */
	sluice_program_step(&spec->prog, SLUICE_ACT_GOTO);
	spec->prog.chains[spec->prog.num_chains++] = FT_CHAIN_HOP;
	err = sluice_rule_add(ft->block, spec, 0);
	kfree(spec);
	return !err;
}

/* Write both addresses. */
static void step_macs(struct sluice_program *prog, const u8 *macs)
{
	struct sluice_action *act;
	unsigned int at;

	for (at = 0; at < 2 * ETH_ALEN; at += sizeof(act->c)) {
		act = sluice_program_step(prog, SLUICE_ACT_PEDIT_SET);
		act->flags = SLUICE_HDR_ETH;
		act->a = cpu_to_le32(at);
		memset(act->b, 0xff, sizeof(act->b));
		memcpy(act->c, macs + at, sizeof(act->c));
	}
}

/* The port of a hop while it is there; it stays until the offload's lock is free. */
static struct sluice_vport *hop_vport(const struct sluice_ft *ft,
				      const struct sluice_ft_hop *hop)
{
	struct sluice_vport *vport = NULL;
	struct net_device *dev;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(ft->net, hop->path.ifindex);
	if (dev)
		vport = sluice_esw_vport_by_netdev(ft->off->sdev, dev);
	rcu_read_unlock();
	return vport && !vport->gone ? vport : NULL;
}

static bool hop_place(struct sluice_ft *ft, const struct sluice_ft_hop *hop)
{
	const struct sluice_ft_path *path = &hop->path;
	struct sluice_vport *vport = hop_vport(ft, hop);
	struct sluice_program *prog;
	struct sluice_spec *spec;
	u8 macs[2 * ETH_ALEN];
	int err;

	if (!vport)
		return false;
	spec = spec_new(ft->block, FT_CHAIN_HOP, hop);
	if (!spec)
		return false;
	spec->match.key.ct_mark = cpu_to_le32(hop->id);
	spec->match.mask.ct_mark = cpu_to_le32(~0);
	memcpy(macs, path->macs, sizeof(macs));
	ether_addr_copy(macs, hop->dst);
	prog = &spec->prog;
	if (path->pop)
		sluice_program_step(prog, SLUICE_ACT_VLAN_POP);
	sluice_program_step(prog, SLUICE_ACT_ROUTE)->a = cpu_to_le32(path->mtu);
	step_macs(prog, macs);
	if (path->push != FT_NO_VLAN)
		sluice_program_step(prog, SLUICE_ACT_VLAN_PUSH)->a =
			cpu_to_le32(ETH_P_8021Q << 16 | path->push);
	sluice_program_step(prog, SLUICE_ACT_OUTPUT)->port =
		cpu_to_le16(vport->num);
	prog->outs[prog->num_outs++] = vport;
	err = sluice_rule_add(ft->block, spec, 0);
	kfree(spec);
	return !err;
}

static struct neigh_table *neigh_table(u16 family)
{
	if (family == AF_INET)
		return &arp_tbl;
#if IS_ENABLED(CONFIG_IPV6)
	if (family == AF_INET6)
		return &nd_tbl;
#endif
	return NULL;
}

static struct neighbour *path_neigh(const struct sluice_ft *ft,
				    const struct sluice_ft_path *path)
{
	struct neigh_table *tbl = neigh_table(path->family);
	struct neighbour *n = NULL;
	struct net_device *dev;

	rcu_read_lock();
	dev = dev_get_by_index_rcu(ft->net, path->neigh_ifindex);
	if (dev && tbl)
		n = neigh_lookup(tbl, path->addr, dev);
	rcu_read_unlock();
	return n;
}

/* Where its packets are to go now.  False when that is not known. */
static bool hop_dst(const struct sluice_ft *ft, const struct sluice_ft_hop *hop,
		    u8 *dst)
{
	struct neighbour *n;
	bool known;

	if (!hop->path.family) {
		ether_addr_copy(dst, hop->path.macs);
		return true;
	}
	n = path_neigh(ft, &hop->path);
	if (!n)
		return false;
	neigh_ha_snapshot(dst, n, n->dev);
	known = READ_ONCE(n->nud_state) & NUD_VALID && !n->dead;
	neigh_release(n);
	return known;
}

static void ft_sync_hop(struct sluice_ft *ft, struct sluice_ft_hop *hop)
{
	u8 dst[ETH_ALEN];
	bool known = hop->refs && hop_dst(ft, hop, dst);

	if (hop->placed && !(known && ether_addr_equal(dst, hop->dst))) {
		rule_remove(ft->block, hop);
		hop->placed = false;
	}
	if (known && !hop->placed) {
		ether_addr_copy(hop->dst, dst);
		hop->placed = hop_place(ft, hop);
	}
	if (!hop->refs)
		hop_free(ft, hop);
}

static void ft_sync_in(struct sluice_ft *ft, struct sluice_ft_in *in)
{
	if (in->refs && !in->placed)
		in->placed = in_place(ft, in);
	if (in->refs)
		return;
	rule_remove(ft->block, in);
	in_free(ft, in);
}

static void ft_sync_ports(struct sluice_ft *ft)
{
	struct sluice_vport *vport;
	struct sluice_port *port;
	unsigned long i;

	xa_for_each(&ft->block->ports, i, port)
		if (!xa_load(&ft->ports, i))
			sluice_block_port_del(ft->block, i);
	xa_for_each(&ft->ports, i, vport)
		if (!vport->gone && !vport->ft_block)
			sluice_block_port_add(ft->block, vport);
	sluice_block_roots(ft->block);
}

static void ft_sync(struct sluice_ft *ft)
{
	struct sluice_ft_hop *hop;
	struct sluice_ft_in *in;
	struct hlist_node *tmp;
	unsigned int i;

	if (!ft->block) {
		struct sluice_block *block;

		block = sluice_block_create(ft->off, NULL, ft->net, NULL);
		if (IS_ERR(block))
			return;
		block->of_ft = true;
		block->live = true;
		ft->block = block;
	}
	hash_for_each_safe(ft->ins, i, tmp, in, node)
		ft_sync_in(ft, in);
	hash_for_each_safe(ft->hops, i, tmp, hop, node)
		ft_sync_hop(ft, hop);
	ft_sync_ports(ft);
}

/* The device forgets it; offload lock held. */
static void ft_clear(struct sluice_ft *ft)
{
	struct sluice_ft_hop *hop;
	struct sluice_ft_in *in;
	struct sluice_port *port;
	struct hlist_node *tmp;
	unsigned long num;
	unsigned int i;

	sluice_conns_drop(&ft->zone);
	if (ft->block) {
		xa_for_each(&ft->block->ports, num, port)
			sluice_block_port_del(ft->block, num);
		sluice_block_destroy(ft->block);
		ft->block = NULL;
	}
	hash_for_each_safe(ft->ins, i, tmp, in, node)
		in_free(ft, in);
	hash_for_each_safe(ft->hops, i, tmp, hop, node)
		hop_free(ft, hop);
}

static void ft_free(struct sluice_ft *ft)
{
	list_del(&ft->node);
	xa_destroy(&ft->ports);
	kfree(ft);
}

static void ft_work(struct work_struct *work)
{
	struct sluice_ct *ct = container_of(work, struct sluice_ct, ft_work);
	struct sluice_offload *off = ct->off;
	struct sluice_ft *ft, *next;

	mutex_lock(&off->lock);
	mutex_lock(&ct->lock);
	list_for_each_entry_safe(ft, next, &ct->fts, node) {
		if (!ft->released) {
			ft_sync(ft);
			continue;
		}
		ft_clear(ft);
		ft_free(ft);
		/* Never the last one: the eSwitch has one. */
		sluice_offload_put(off);
	}
	mutex_unlock(&ct->lock);
	mutex_unlock(&off->lock);
}

/* ---- calls of flow tables ---- */

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
	return neigh_table(path->family);
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
	to.hop = hop_get(ft, &path);
	to.in = in_get(ft, in_vport, vid);
	if (to.hop && to.in) {
		to.mark = to.hop->id;
		to.table = to.in->table;
		err = sluice_conn_set(&ft->zone, flow, tuple->dir, &to);
	}
	if (err)
		sluice_ft_unuse(ft->zone.ct, to.in, to.hop);
	else if (!to.in->placed || !to.hop->placed)
		ft_schedule(ft->zone.ct);
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

static int ft_cb(enum tc_setup_type type, void *type_data, void *cb_priv)
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

static void ft_release(void *cb_priv)
{
	struct sluice_ft *ft = cb_priv;
	struct sluice_ct *ct = ft->zone.ct;
	struct sluice_offload *off = ft->off;
	bool stopped;

	mutex_lock(&ct->lock);
	stopped = ct->ft_stopped;
	ft->released = true;
	sluice_conns_drop(&ft->zone);
	if (stopped)
		ft_free(ft);
	else
		ft_schedule(ct);
	mutex_unlock(&ct->lock);
	if (stopped)
		sluice_offload_put(off);
}

static struct sluice_ft *ft_new(struct sluice_offload *off,
				const struct flow_block_offload *bo)
{
	struct sluice_ft *ft = kzalloc(sizeof(*ft), GFP_KERNEL);
	struct nf_flowtable *table;

	if (!ft)
		return NULL;
	table = container_of(bo->block, struct nf_flowtable, flow_block);
	kref_get(&off->ref);
	ft->off = off;
	ft->net = bo->net;
	ft->zone.ct = off->ct;
	ft->zone.ft = table;
	ft->zone.routes = true;
	ft->zone.acct = table->flags & NF_FLOWTABLE_COUNTER;
	INIT_LIST_HEAD(&ft->zone.conns);
	xa_init(&ft->ports);
	hash_init(ft->ins);
	hash_init(ft->hops);
	list_add_tail(&ft->node, &off->ct->fts);
	return ft;
}

static bool ft_has(const struct sluice_ct *ct, const struct sluice_vport *vport)
{
	struct sluice_ft *ft;

	list_for_each_entry(ft, &ct->fts, node)
		if (xa_load(&ft->ports, vport->num))
			return true;
	return false;
}

static int ft_bind(struct sluice_offload *off, struct sluice_vport *vport,
		   struct flow_block_offload *bo)
{
	struct sluice_ct *ct = off->ct;
	struct flow_block_cb *cb;
	struct sluice_ft *ft;
	int err;

	/* A port has room for one. */
	if (ct->ft_stopped || ft_has(ct, vport))
		return -EOPNOTSUPP;
	cb = flow_block_cb_lookup(bo->block, ft_cb, vport->sdev);
	if (cb) {
		ft = flow_block_cb_priv(cb);
		/* From before the last change of mode. */
		if (ft->off != off)
			return -EOPNOTSUPP;
	} else {
		ft = ft_new(off, bo);
		if (!ft)
			return -ENOMEM;
	}
	err = xa_insert(&ft->ports, vport->num, vport, GFP_KERNEL);
	if (err)
		goto err_free;
	if (!cb) {
		cb = flow_block_cb_alloc(ft_cb, vport->sdev, ft, ft_release);
		if (IS_ERR(cb)) {
			err = PTR_ERR(cb);
			cb = NULL;
			goto err_free;
		}
		flow_block_cb_add(cb, bo);
	}
	flow_block_cb_incref(cb);
	ft_schedule(ct);
	return 0;

err_free:
	if (!cb) {
		ft_free(ft);
		/* Never the last one: the caller has one. */
		sluice_offload_put(off);
	}
	return err;
}

/**
 * sluice_ft_bind() - a flow table comes to use a representor or uplink
 * @vport: its vport
 * @bo: nftables' call
 *
 * Context: process, nftables' lock and the flow table's block lock held; no RTNL.
 *
 * Return: 0; -EOPNOTSUPP when software has to do it all; -ENOMEM.
 */
int sluice_ft_bind(struct sluice_vport *vport, struct flow_block_offload *bo)
{
	struct sluice_offload *off;
	int err = -EOPNOTSUPP;

	/* It stays for a grace period after the eSwitch has let it go. */
	rcu_read_lock();
	off = sluice_esw_offload(vport->sdev);
	if (off && !kref_get_unless_zero(&off->ref))
		off = NULL;
	rcu_read_unlock();
	if (!off)
		return err;
	if (off->ct && off->sdev->caps & SLUICE_CAP_ROUTE) {
		mutex_lock(&off->ct->lock);
		err = ft_bind(off, vport, bo);
		mutex_unlock(&off->ct->lock);
	}
	sluice_offload_put(off);
	return err;
}

/**
 * sluice_ft_unbind() - a flow table does not use a representor or uplink any more
 * @vport: its vport
 * @bo: nftables' call
 *
 * Flows by way of its other ports come back with their next packets.
 *
 * Context: as for sluice_ft_bind().
 *
 * Return: 0, or -EOPNOTSUPP when binding it was refused.
 */
int sluice_ft_unbind(struct sluice_vport *vport, struct flow_block_offload *bo)
{
	struct flow_block_cb *cb;
	struct sluice_ct *ct;
	struct sluice_ft *ft;
	bool bound;

	cb = flow_block_cb_lookup(bo->block, ft_cb, vport->sdev);
	if (!cb)
		return -EOPNOTSUPP;
	ft = flow_block_cb_priv(cb);
	ct = ft->zone.ct;
	mutex_lock(&ct->lock);
	bound = xa_erase(&ft->ports, vport->num);
	if (bound) {
		sluice_conns_drop(&ft->zone);
		ft_schedule(ct);
	}
	mutex_unlock(&ct->lock);
	if (!bound)
		return -EOPNOTSUPP;
	if (!flow_block_cb_decref(cb))
		flow_block_cb_remove(cb, bo);
	return 0;
}

/* ---- life ---- */

static int ft_netevent(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct sluice_ct *ct = container_of(nb, struct sluice_ct, netevent);

	if (event == NETEVENT_NEIGH_UPDATE && atomic_read(&ct->num_hops))
		schedule_work(&ct->ft_work);
	return NOTIFY_DONE;
}

/**
 * sluice_fts_init() - start without any flow table
 * @ct: where they will be
 */
void sluice_fts_init(struct sluice_ct *ct)
{
	INIT_LIST_HEAD(&ct->fts);
	ida_init(&ct->hop_ids);
	INIT_WORK(&ct->ft_work, ft_work);
	ct->netevent.notifier_call = ft_netevent;
	register_netevent_notifier(&ct->netevent);
}

/**
 * sluice_fts_pause() - forget flows around a reset
 * @ct: connections, lock held
 *
 * Flow tables offer them again.
 */
void sluice_fts_pause(struct sluice_ct *ct)
{
	struct sluice_ft *ft;

	list_for_each_entry(ft, &ct->fts, node)
		sluice_conns_drop(&ft->zone);
}

/**
 * sluice_fts_stop() - switchdev mode is left
 * @ct: connections; no lock held.  Flow tables stay until nftables takes them
 *	back, but do nothing
 *
 * Context: process, sleeps.
 */
void sluice_fts_stop(struct sluice_ct *ct)
{
	struct sluice_offload *off = ct->off;
	struct sluice_ft *ft, *next;

	unregister_netevent_notifier(&ct->netevent);
	mutex_lock(&ct->lock);
	ct->ft_stopped = true;
	mutex_unlock(&ct->lock);
	cancel_work_sync(&ct->ft_work);
	mutex_lock(&off->lock);
	mutex_lock(&ct->lock);
	list_for_each_entry_safe(ft, next, &ct->fts, node) {
		ft_clear(ft);
		if (!ft->released)
			continue;
		ft_free(ft);
		sluice_offload_put(off);
	}
	mutex_unlock(&ct->lock);
	mutex_unlock(&off->lock);
}

/**
 * sluice_fts_fini() - free what is left
 * @ct: without any flow table
 */
void sluice_fts_fini(struct sluice_ct *ct)
{
	/* There never was switchdev mode. */
	if (!ct->ft_stopped) {
		unregister_netevent_notifier(&ct->netevent);
		cancel_work_sync(&ct->ft_work);
	}
	ida_destroy(&ct->hop_ids);
}

/**
 * sluice_fts_show() - flow tables for debugfs
 * @m: file
 * @ct: connections, lock held
 */
void sluice_fts_show(struct seq_file *m, const struct sluice_ct *ct)
{
	const struct sluice_ft *ft;
	struct sluice_vport *vport;
	unsigned long i;

	list_for_each_entry(ft, &ct->fts, node) {
		seq_puts(m, "flowtable");
		xa_for_each((struct xarray *)&ft->ports, i, vport)
			seq_printf(m, " %#lx", i);
		seq_printf(m, " connections %u refused %llu\n",
			   ft->zone.num_conns, ft->refused);
	}
}
