// SPDX-License-Identifier: GPL-2.0-only
/*
 * Endpoints: where packets of a tunnel device are accepted.
 *
 * One for each tunnel device with a block, and each local address on an
 * underlay device.  The kernel accepts a packet when it has a local route for
 * its destination, so local addresses are those of local routes.
 */
#include <linux/if_vlan.h>
#include <linux/slab.h>

#include "tunnel.h"

static struct sluice_local *local_find(struct sluice_tunnels *tun,
				       const struct sluice_addr *addr,
				       u32 table)
{
	struct sluice_local *local;

	list_for_each_entry(local, &tun->locals, node)
		if (local->table == table &&
		    !memcmp(&local->addr, addr, sizeof(*addr)))
			return local;
	return NULL;
}

/**
 * sluice_local_add() - a local route came
 * @tun: tunnels, offload lock held
 * @addr: address
 * @table: routing table
 * @ifindex: device it is on; a second route in the same table takes the place
 *	of the first
 */
void sluice_local_add(struct sluice_tunnels *tun,
		      const struct sluice_addr *addr, u32 table, u32 ifindex)
{
	struct sluice_local *local = local_find(tun, addr, table);

	if (!local) {
		local = kzalloc(sizeof(*local), GFP_KERNEL);
		if (!local)
			return;
		local->addr = *addr;
		local->table = table;
		list_add_tail(&local->node, &tun->locals);
	}
	local->ifindex = ifindex;
	sluice_endpoints_sync(tun);
}

/**
 * sluice_local_del() - a local route went
 * @tun: tunnels, offload lock held
 * @addr: address
 * @table: routing table
 */
void sluice_local_del(struct sluice_tunnels *tun,
		      const struct sluice_addr *addr, u32 table)
{
	struct sluice_local *local = local_find(tun, addr, table);

	if (!local)
		return;
	list_del(&local->node);
	kfree(local);
	sluice_endpoints_sync(tun);
}

/**
 * sluice_locals_clear() - forget all local addresses
 * @tun: tunnels, offload lock held
 */
void sluice_locals_clear(struct sluice_tunnels *tun)
{
	struct sluice_local *local, *next;

	list_for_each_entry_safe(local, next, &tun->locals, node) {
		list_del(&local->node);
		kfree(local);
	}
}

/**
 * struct endpoint_place - where frames for a local address arrive
 * @underlay: what the address is on
 * @wire: that itself, or a port of its bridge
 * @tpid: ethertype of their tag, zero without
 * @vid: its VLAN id
 */
struct endpoint_place {
	struct sluice_underlay *underlay;
	const struct sluice_underlay *wire;
	__be16 tpid;
	u16 vid;
};

static void endpoint_cmd(struct sluice_tunnels *tun,
			 const struct sluice_tunnel_dev *td,
			 const struct endpoint_place *at,
			 const struct sluice_local *local,
			 struct sluice_cmd_endpoint *cmd)
{
	const struct sluice_underlay *underlay = at->underlay;
	u16 flags = 0;

	memset(cmd, 0, sizeof(*cmd));
	sluice_cmd_init(&cmd->hdr, SLUICE_CMD_ENDPOINT_SET, sizeof(*cmd));
	cmd->root_table = cpu_to_le32(td->block->root->id);
	if (underlay->place == SLUICE_PLACE_INTERNAL) {
		cmd->port = cpu_to_le16(SLUICE_VPORT_NONE);
		cmd->group = cpu_to_le32(underlay->group);
	} else {
		cmd->port = cpu_to_le16(at->wire->vport);
	}
	cmd->type = td->type;
	cmd->ip = local->addr.family == AF_INET ? 4 : 6;
	cmd->vlan_tpid = cpu_to_le16(be16_to_cpu(at->tpid));
	cmd->vlan_id = cpu_to_le16(at->vid);
	ether_addr_copy(cmd->mac, underlay->dev->dev_addr);
	memcpy(cmd->addr, &local->addr.a, sluice_addr_len(local->addr.family));
	if (tun->rx_df)
		flags |= SLUICE_ENDPOINT_F_DF;
	if (td->type == SLUICE_TUNNEL_GRE) {
		cmd->flags = cpu_to_le16(flags);
		return;
	}
	/* UDP tunnels drop what they seem to have sent themselves. */
	ether_addr_copy(cmd->own_mac, td->dev->dev_addr);
	cmd->udp_port = cpu_to_le16(be16_to_cpu(td->port));
	if (td->zero_csum6 && cmd->ip == 6)
		flags |= SLUICE_ENDPOINT_F_ZERO_CSUM6;
	if (td->type == SLUICE_TUNNEL_VXLAN) {
		/* All but the I flag, the VNI, and group policy. */
		cmd->zero_bits[0] = td->gbp ? 0x77 : 0xf7;
		if (td->gbp)
			flags |= SLUICE_ENDPOINT_F_GBP;
		else
			memset(cmd->zero_bits + 1, 0xff, 3);
		cmd->zero_bits[7] = 0xff;
	}
	cmd->flags = cpu_to_le16(flags);
}

static bool endpoint_same_place(const struct sluice_cmd_endpoint *a,
				const struct sluice_cmd_endpoint *b)
{
	return a->port == b->port && a->ip == b->ip && a->type == b->type &&
	       a->vlan_tpid == b->vlan_tpid && a->vlan_id == b->vlan_id &&
	       a->udp_port == b->udp_port && a->group == b->group &&
	       ether_addr_equal(a->mac, b->mac) &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr));
}

static void endpoint_want(struct sluice_tunnels *tun,
			  struct sluice_tunnel_dev *td,
			  const struct endpoint_place *at,
			  const struct sluice_local *local, bool create)
{
	struct sluice_cmd_endpoint cmd;
	struct sluice_endpoint *ep;
	int id;

	endpoint_cmd(tun, td, at, local, &cmd);
	list_for_each_entry(ep, &tun->endpoints, node) {
		if (!endpoint_same_place(&ep->cmd, &cmd))
			continue;
		/* Two devices for the same packets: the first has them. */
		if (ep->seen)
			return;
		ep->seen = true;
		ep->dev = td;
		ep->underlay = at->underlay;
		cmd.id = cpu_to_le32(ep->id);
		if (memcmp(&cmd, &ep->cmd, sizeof(cmd))) {
			ep->cmd = cmd;
			sluice_tunnels_post(tun, &cmd.hdr);
		}
		return;
	}
	if (!create)
		return;
	id = ida_alloc_max(&tun->endpoint_ids,
			   tun->off->sdev->limits.max_endpoints - 1,
			   GFP_KERNEL);
	if (id < 0)
		return;
	ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	if (!ep) {
		ida_free(&tun->endpoint_ids, id);
		return;
	}
	ep->id = id;
	ep->dev = td;
	ep->underlay = at->underlay;
	ep->seen = true;
	cmd.id = cpu_to_le32(id);
	ep->cmd = cmd;
	list_add_tail(&ep->node, &tun->endpoints);
	sluice_tunnels_post(tun, &cmd.hdr);
}

/* The frames for an address that is on an underlay device. */
static void endpoints_want_at(struct sluice_tunnels *tun,
			      struct sluice_tunnel_dev *td,
			      struct sluice_underlay *underlay,
			      const struct sluice_local *local, bool create)
{
	struct endpoint_place at = {
		.underlay = underlay,
		.wire = underlay,
		.tpid = underlay->tpid,
		.vid = underlay->tci & VLAN_VID_MASK,
	};
	const struct sluice_underlay *wire;

	if (!underlay->up || !underlay->ours)
		return;
	if (underlay->ingress_filters || underlay->ingress_replay)
		return;
	if (underlay->place != SLUICE_PLACE_BRIDGE) {
		endpoint_want(tun, td, &at, local, create);
		return;
	}
	list_for_each_entry(wire, &tun->underlays, node) {
		if (wire->place != SLUICE_PLACE_WIRE ||
		    wire->bridge != sluice_bridge_of(underlay) ||
		    !sluice_bridge_receives(underlay, wire, &at.tpid, &at.vid))
			continue;
		at.wire = wire;
		endpoint_want(tun, td, &at, local, create);
	}
}

static void endpoints_want(struct sluice_tunnels *tun,
			   struct sluice_tunnel_dev *td, bool create)
{
	struct sluice_underlay *underlay;
	struct sluice_local *local;

	if (!td->block || !td->up || td->refuse || td->no_rx ||
	    !sluice_block_is_live(td->block))
		return;
	list_for_each_entry(local, &tun->locals, node) {
		if (td->family != AF_UNSPEC && td->family != local->addr.family)
			continue;
		list_for_each_entry(underlay, &tun->underlays, node)
			if (underlay->dev->ifindex == local->ifindex)
				endpoints_want_at(tun, td, underlay, local,
						  create);
	}
}

/**
 * sluice_endpoints_sync() - bring the device's endpoints up to date
 * @tun: tunnels, offload lock held
 *
 * There are few: no more than tunnel devices times local addresses.
 */
void sluice_endpoints_sync(struct sluice_tunnels *tun)
{
	struct sluice_endpoint *ep, *next;
	struct sluice_tunnel_dev *td;

	list_for_each_entry(ep, &tun->endpoints, node)
		ep->seen = false;
	list_for_each_entry(td, &tun->devs, node)
		endpoints_want(tun, td, false);
	list_for_each_entry_safe(ep, next, &tun->endpoints, node) {
		if (ep->seen)
			continue;
		list_del(&ep->node);
		sluice_tunnels_post_u32(tun, SLUICE_CMD_ENDPOINT_DEL, ep->id);
		ida_free(&tun->endpoint_ids, ep->id);
		kfree(ep);
	}
	/* Those kept are seen now and stay as they are. */
	list_for_each_entry(td, &tun->devs, node)
		endpoints_want(tun, td, true);
}

/**
 * sluice_endpoints_replay() - write all endpoints into a device that was reset
 * @tun: tunnels, offload lock held; the device has all rules again
 */
void sluice_endpoints_replay(struct sluice_tunnels *tun)
{
	struct sluice_endpoint *ep;

	list_for_each_entry(ep, &tun->endpoints, node)
		sluice_tunnels_post(tun, &ep->cmd.hdr);
}
