/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flow tables of nftables, see ft.c: what its parts know of each other.
 */
#ifndef _SLUICE_FT_H
#define _SLUICE_FT_H

#include <linux/etherdevice.h>
#include <linux/hashtable.h>
#include <linux/if_vlan.h>
#include <linux/rhashtable.h>
#include <net/neighbour.h>

#include "../tunnel/tunnel.h"
#include "ct.h"

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
 * @dirty: those to be looked at
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
	struct list_head dirty;
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
 * struct sluice_ft_neigh - a neighbour that next hops lead to
 * @node: in struct sluice_ct.neighs
 * @key: which
 * @hops: struct sluice_ft_hop
 * @changed: in struct sluice_ct.changed
 * @gone: it is not to be put there; under struct sluice_ct.changed_lock
 * @rcu: for whoever hears of it
 */
struct sluice_ft_neigh {
	struct rhash_head node;
	struct sluice_next_hop_key key;
	struct list_head hops;
	struct list_head changed;
	bool gone;
	struct rcu_head rcu;
};

/**
 * struct sluice_ft_hop - a next hop
 * @node: in struct sluice_ft.hops
 * @ft: whose it is
 * @dirty: in struct sluice_ft.dirty, or alone
 * @neigh: its neighbour, NULL without one
 * @by_neigh: in the neighbour's hops
 * @refs: directions; it goes some time after the last one
 * @id: mark of connections that use it
 * @path: what it is
 * @placed: the device has its rule
 * @dst: destination address there
 */
struct sluice_ft_hop {
	struct hlist_node node;
	struct sluice_ft *ft;
	struct list_head dirty;
	struct sluice_ft_neigh *neigh;
	struct list_head by_neigh;
	unsigned int refs;
	u32 id;
	struct sluice_ft_path path;
	bool placed;
	u8 dst[ETH_ALEN];
};

static inline void sluice_ft_schedule(struct sluice_ct *ct)
{
	if (!ct->ft_stopped)
		schedule_work(&ct->ft_work);
}

/* A next hop is to be looked at by the work item.  Connections' lock held. */
static inline void sluice_ft_hop_dirty(struct sluice_ft_hop *hop)
{
	if (list_empty(&hop->dirty))
		list_add_tail(&hop->dirty, &hop->ft->dirty);
}

/* ---- ft_neigh.c ---- */

int sluice_ft_neigh_get(struct sluice_ct *ct, struct sluice_ft_hop *hop);
void sluice_ft_neigh_put(struct sluice_ct *ct, struct sluice_ft_hop *hop);
void sluice_ft_neighs_news(struct sluice_ct *ct);
int sluice_ft_neighs_init(struct sluice_ct *ct);
void sluice_ft_neighs_stop(struct sluice_ct *ct);
void sluice_ft_neighs_fini(struct sluice_ct *ct);

/* ---- ft_rule.c ---- */

struct neigh_table *sluice_ft_neigh_table(u16 family);
struct sluice_ft_in *sluice_ft_in_get(struct sluice_ft *ft, u16 vport, u16 vid);
struct sluice_ft_hop *sluice_ft_hop_get(struct sluice_ft *ft,
					const struct sluice_ft_path *path);
void sluice_ft_sync(struct sluice_ft *ft);
void sluice_ft_clear(struct sluice_ft *ft);

/* ---- ft_flow.c ---- */

int sluice_ft_cb(enum tc_setup_type type, void *type_data, void *cb_priv);

#endif /* _SLUICE_FT_H */
