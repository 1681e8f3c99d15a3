// SPDX-License-Identifier: GPL-2.0-only
/*
 * Next hops: neighbours on our wires, one device object each.
 */
#include <linux/if_vlan.h>
#include <linux/slab.h>
#include <net/neighbour.h>

#include "tunnel.h"

const struct rhashtable_params sluice_next_hop_params = {
	.head_offset = offsetof(struct sluice_next_hop, hash),
	.key_offset = offsetof(struct sluice_next_hop, key),
	.key_len = sizeof_field(struct sluice_next_hop, key),
	.automatic_shrinking = true,
};

/* The neighbour's MAC address. */
static const char *next_hop_neigh(struct sluice_tunnels *tun,
				  const struct sluice_next_hop *nh, u8 *mac)
{
	const char *why = "the neighbour is unresolved";
	struct neighbour *n;

	if (!nh->underlay)
		return "the underlay device is gone";
	if (!nh->underlay->up)
		return "the underlay device is down or has tc filters";
	n = sluice_neigh_lookup(tun, nh, false);
	if (!n)
		return why;
	read_lock_bh(&n->lock);
	if ((n->nud_state & NUD_VALID) && !n->dead) {
		ether_addr_copy(mac, n->ha);
		why = NULL;
	}
	read_unlock_bh(&n->lock);
	neigh_release(n);
	return why;
}

/* By way of an internal port, whose egress rules say how to go on. */
static void next_hop_table(struct sluice_next_hop *nh,
			   struct sluice_cmd_next_hop *cmd)
{
	const struct sluice_block *egress = nh->underlay->egress;

	if (!egress || !sluice_block_is_live(egress)) {
		nh->why = "no rules at the egress of the Open vSwitch port";
		memset(cmd->dst, 0, sizeof(cmd->dst));
		return;
	}
	cmd->flags = cpu_to_le16(SLUICE_NEXT_HOP_F_VALID |
				 SLUICE_NEXT_HOP_F_TABLE);
	cmd->table = cpu_to_le32(egress->root->id);
	ether_addr_copy(cmd->src, nh->underlay->dev->dev_addr);
}

static void next_hop_cmd(struct sluice_tunnels *tun,
			 struct sluice_next_hop *nh,
			 struct sluice_cmd_next_hop *cmd)
{
	const struct sluice_underlay *underlay = nh->underlay;
	const struct sluice_underlay *wire = underlay;
	__be16 tpid = 0;
	u16 tci = 0;

	*cmd = nh->cmd;
	cmd->table = 0;
	sluice_cmd_init(&cmd->hdr, SLUICE_CMD_NEXT_HOP_SET, sizeof(*cmd));
	cmd->flags = 0;
	memset(cmd->dst, 0, sizeof(cmd->dst));
	memset(cmd->src, 0, sizeof(cmd->src));
	cmd->vlan_tpid = 0;
	cmd->vlan_tci = 0;
	nh->why = next_hop_neigh(tun, nh, cmd->dst);
	if (underlay && underlay->place == SLUICE_PLACE_BRIDGE)
		/* Before the bridge is asked: from here on it tells. */
		sluice_bridge_watch(tun, nh, nh->why ? NULL : cmd->dst);
	if (nh->why)
		return;
	if (underlay->place == SLUICE_PLACE_INTERNAL) {
		next_hop_table(nh, cmd);
		return;
	}
	if (underlay->place == SLUICE_PLACE_BRIDGE) {
		wire = sluice_bridge_path(tun, underlay, cmd->dst, &tpid, &tci);
	} else {
		tpid = underlay->tpid;
		tci = underlay->tci;
	}
	if (!wire) {
		nh->why = "the bridge does not send by an uplink alone";
		memset(cmd->dst, 0, sizeof(cmd->dst));
		sluice_neigh_find(tun, nh);
		return;
	}
	cmd->flags = cpu_to_le16(SLUICE_NEXT_HOP_F_VALID);
	cmd->port = cpu_to_le16(wire->vport);
	ether_addr_copy(cmd->src, underlay->dev->dev_addr);
	cmd->vlan_tpid = cpu_to_le16(be16_to_cpu(tpid));
	cmd->vlan_tci = cpu_to_le16(tci);
}

/**
 * sluice_next_hop_update() - bring the device's idea of a neighbour up to date
 * @tun: tunnels, offload lock held
 * @nh: next hop
 *
 * One command if anything has changed, else none.
 */
void sluice_next_hop_update(struct sluice_tunnels *tun,
			    struct sluice_next_hop *nh)
{
	struct sluice_cmd_next_hop cmd;

	next_hop_cmd(tun, nh, &cmd);
	if (nh->sets && !memcmp(&cmd, &nh->cmd, sizeof(cmd)))
		return;
	nh->cmd = cmd;
	if (!nh->sets++ && nh->counter != SLUICE_ID_NONE)
		cmd.flags |= cpu_to_le16(SLUICE_NEXT_HOP_F_ZERO);
	sluice_tunnels_post(tun, &cmd.hdr);
}

/**
 * sluice_next_hop_state() - whether a next hop can be used
 * @nh: next hop; offload lock held
 *
 * Return: "valid", or for people why not.
 */
const char *sluice_next_hop_state(const struct sluice_next_hop *nh)
{
	if (nh->cmd.flags & cpu_to_le16(SLUICE_NEXT_HOP_F_VALID))
		return "valid";
	if (!nh->underlay)
		return "gone";
	if (nh->underlay->blocks)
		return "filtered";
	return nh->underlay->up ? "unresolved" : "down";
}

/* Have the kernel look for the neighbour, as a packet would. */
static void next_hop_probe(struct sluice_tunnels *tun,
			   const struct sluice_next_hop *nh)
{
	struct neighbour *n;

	if (!nh->underlay || !nh->underlay->up)
		return;
	n = sluice_neigh_lookup(tun, nh, true);
	if (IS_ERR_OR_NULL(n))
		return;
	if (!(READ_ONCE(n->nud_state) & NUD_VALID))
		neigh_event_send(n, NULL);
	neigh_release(n);
}

/**
 * sluice_next_hop_get() - find or make the next hop of a neighbour
 * @tun: tunnels, offload lock held
 * @underlay: where it is
 * @addr: its address
 *
 * Return: the next hop with one more reference, or an ERR_PTR: -ENOSPC,
 * -ENOMEM.
 */
struct sluice_next_hop *sluice_next_hop_get(struct sluice_tunnels *tun,
					    struct sluice_underlay *underlay,
					    const struct sluice_addr *addr)
{
	struct sluice_offload *off = tun->off;
	struct sluice_next_hop_key key = {
		.addr = *addr,
		.ifindex = underlay->dev->ifindex,
	};
	struct sluice_next_hop *nh;
	int id, err;

	nh = rhashtable_lookup_fast(&tun->next_hops, &key,
				    sluice_next_hop_params);
	if (nh) {
		nh->refs++;
		return nh;
	}
	nh = kzalloc(sizeof(*nh), GFP_KERNEL);
	if (!nh)
		return ERR_PTR(-ENOMEM);
	nh->key = key;
	nh->underlay = underlay;
	nh->refs = 1;
	nh->counter = SLUICE_ID_NONE;
	nh->asked = jiffies - HZ;
	INIT_LIST_HEAD(&nh->encaps);
	INIT_HLIST_NODE(&nh->mac_node);
	id = ida_alloc_max(&tun->next_hop_ids,
			   off->sdev->limits.max_next_hops - 1, GFP_KERNEL);
	if (id < 0) {
		err = id;
		goto err_free;
	}
	nh->id = id;
	/* Without one the neighbour is only not kept alive. */
	if (sluice_counter_get(off, &nh->counter, &nh->slot))
		nh->counter = SLUICE_ID_NONE;
	nh->cmd.id = cpu_to_le32(nh->id);
	nh->cmd.counter = cpu_to_le32(nh->counter);
	nh->cmd.port = cpu_to_le16(underlay->vport);
	/* Before its state is read: its events are for us from here on. */
	err = rhashtable_insert_fast(&tun->next_hops, &nh->hash,
				     sluice_next_hop_params);
	if (err)
		goto err_counter;
	list_add_tail(&nh->node, &underlay->next_hops);
	sluice_next_hop_update(tun, nh);
	next_hop_probe(tun, nh);
	sluice_keepalive_arm(tun, false);
	return nh;

err_counter:
	if (nh->counter != SLUICE_ID_NONE)
		sluice_counter_put(off, nh->counter);
	ida_free(&tun->next_hop_ids, id);
err_free:
	kfree(nh);
	return ERR_PTR(err);
}

/**
 * sluice_next_hop_put() - give a next hop back
 * @tun: tunnels, offload lock held
 * @nh: next hop; the device uses it no more
 */
void sluice_next_hop_put(struct sluice_tunnels *tun,
			 struct sluice_next_hop *nh)
{
	if (--nh->refs)
		return;
	rhashtable_remove_fast(&tun->next_hops, &nh->hash,
			       sluice_next_hop_params);
	if (nh->underlay)
		list_del(&nh->node);
	sluice_bridge_watch(tun, nh, NULL);
	sluice_tunnels_post_u32(tun, SLUICE_CMD_NEXT_HOP_DEL, nh->id);
	if (nh->counter != SLUICE_ID_NONE)
		sluice_counter_put(tun->off, nh->counter);
	ida_free(&tun->next_hop_ids, nh->id);
	kfree_rcu(nh, rcu);
}
