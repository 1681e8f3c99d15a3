// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of flow tables: one for each place that flows come in by, and one for
 * each next hop.  Flows say what they need, the work item of ft.c puts it into the
 * device.
 */
#include <linux/jhash.h>
#include <linux/slab.h>
#include <net/arp.h>
#include <net/ndisc.h>

#include "ft.h"

#define FT_CHAIN_IN	0
#define FT_CHAIN_HOP	1

/**
 * sluice_ft_in_get() - flows come in somewhere
 * @ft: flow table; connections' lock held
 * @vport: port
 * @vid: VLAN id, or %FT_NO_VLAN
 *
 * Return: the place with a reference for sluice_ft_unuse(), or NULL.
 */
struct sluice_ft_in *sluice_ft_in_get(struct sluice_ft *ft, u16 vport, u16 vid)
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

/**
 * sluice_ft_hop_get() - flows go somewhere
 * @ft: flow table; connections' lock held
 * @path: where, without anything in its padding
 *
 * Return: the next hop with a reference for sluice_ft_unuse(), or NULL.
 */
struct sluice_ft_hop *sluice_ft_hop_get(struct sluice_ft *ft,
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
	hop->ft = ft;
	hop->path = *path;
	hop->refs = 1;
	INIT_LIST_HEAD(&hop->dirty);
	if (path->family && sluice_ft_neigh_get(ft->zone.ct, hop)) {
		ida_free(&ft->zone.ct->hop_ids, id);
		kfree(hop);
		return NULL;
	}
	hash_add(ft->hops, &hop->node, path_hash(path));
	sluice_ft_hop_dirty(hop);
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
	if (hop && !--hop->refs) {
		sluice_ft_hop_dirty(hop);
		last = true;
	}
	if (last)
		sluice_ft_schedule(ct);
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
	list_del(&hop->dirty);
	sluice_ft_neigh_put(ft->zone.ct, hop);
	ida_free(&ft->zone.ct->hop_ids, hop->id);
	kfree(hop);
}

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
	struct sluice_spec *spec = sluice_spec_begin(block->off);

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
	return !sluice_rule_add(ft->block, spec, 0);
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

	if (!vport)
		return false;
	spec = spec_new(ft->block, FT_CHAIN_HOP, hop);
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
	return !sluice_rule_add(ft->block, spec, 0);
}

/**
 * sluice_ft_neigh_table() - the kernel's neighbours
 * @family: address family
 *
 * Return: the table or NULL.
 */
struct neigh_table *sluice_ft_neigh_table(u16 family)
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
	struct neigh_table *tbl = sluice_ft_neigh_table(path->family);
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
		/* There is room another time. */
		if (!hop->placed)
			sluice_ft_hop_dirty(hop);
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
	struct sluice_port *port, *next;
	struct sluice_vport *vport;
	unsigned long i;

	list_for_each_entry_safe(port, next, &ft->block->ports, node)
		if (!xa_load(&ft->ports, port->num))
			sluice_block_port_del(ft->block, port->num);
	xa_for_each(&ft->ports, i, vport)
		if (!vport->gone && !vport->ft_block)
			sluice_block_port_add(ft->block, vport);
	sluice_block_roots(ft->block);
}

/**
 * sluice_ft_sync() - bring ports and rules up to date
 * @ft: flow table; offload's and connections' lock held
 */
void sluice_ft_sync(struct sluice_ft *ft)
{
	struct sluice_ft_hop *hop, *next;
	struct sluice_ft_in *in;
	struct hlist_node *tmp;
	LIST_HEAD(dirty);
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
	list_splice_init(&ft->dirty, &dirty);
	list_for_each_entry_safe(hop, next, &dirty, dirty) {
		list_del_init(&hop->dirty);
		ft_sync_hop(ft, hop);
	}
	ft_sync_ports(ft);
}

/**
 * sluice_ft_clear() - the device forgets a flow table
 * @ft: flow table; offload's and connections' lock held
 */
void sluice_ft_clear(struct sluice_ft *ft)
{
	struct sluice_port *port, *next;
	struct sluice_ft_hop *hop;
	struct sluice_ft_in *in;
	struct hlist_node *tmp;
	unsigned int i;

	sluice_conns_drop(&ft->zone);
	if (ft->block) {
		list_for_each_entry_safe(port, next, &ft->block->ports, node)
			sluice_block_port_del(ft->block, port->num);
		sluice_block_destroy(ft->block);
		ft->block = NULL;
	}
	hash_for_each_safe(ft->ins, i, tmp, in, node)
		in_free(ft, in);
	hash_for_each_safe(ft->hops, i, tmp, hop, node)
		hop_free(ft, hop);
}
