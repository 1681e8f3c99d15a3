// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linux bridges above uplinks, as places of tunnel endpoints.
 *
 * What the host sends by way of a bridge leaves by the port that the bridge's
 * forwarding table has for the neighbour's MAC address, so a next hop asks that
 * table, and asks again when it changes.  What arrives at an uplink is the
 * host's when the bridge takes frames from that port and hands those for its
 * own address up, without a tag.
 */
#include <linux/if_bridge.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <net/switchdev.h>

#include "tunnel.h"

/**
 * sluice_bridge_possible() - can a netdev be a bridge whose events we see?
 * @dev: any netdev
 *
 * Return: true for a bridge.
 */
bool sluice_bridge_possible(const struct net_device *dev)
{
	return IS_ENABLED(CONFIG_NET_SWITCHDEV) && netif_is_bridge_master(dev);
}

/* The tag of the bridge's own frames at a port, if both directions agree. */
static bool bridge_vlan_read(struct sluice_underlay *wire,
			     const struct net_device *bridge)
{
	struct bridge_vlan_info own, port;
	u16 vid, pvid, proto;

	if (!br_vlan_enabled(bridge))
		return true;
	if (br_vlan_get_pvid(bridge, &vid) || !vid ||
	    br_vlan_get_info(bridge, vid, &own) ||
	    br_vlan_get_info(wire->dev, vid, &port) ||
	    br_vlan_get_proto(bridge, &proto))
		return false;
	if (!(own.flags & BRIDGE_VLAN_INFO_UNTAGGED))
		return false;
	if (!(port.flags & BRIDGE_VLAN_INFO_UNTAGGED)) {
		wire->br_tpid = htons(proto);
		wire->br_vid = vid;
		/* Not behind the wire's own tag. */
		return !wire->tpid;
	}
	return !br_vlan_get_pvid(wire->dev, &pvid) && pvid == vid;
}

/**
 * sluice_bridge_read() - what a bridge does with a port
 * @tun: tunnels, offload lock held
 * @wire: an uplink or a VLAN on it
 *
 * Context: RTNL.
 */
void sluice_bridge_read(struct sluice_tunnels *tun,
			struct sluice_underlay *wire)
{
	struct net_device *master = netdev_master_upper_dev_get(wire->dev);

	wire->bridge = NULL;
	wire->br_tx = false;
	wire->br_rx = false;
	wire->br_tpid = 0;
	wire->br_vid = 0;
	if (!master || !sluice_bridge_possible(master) ||
	    !netif_is_bridge_port(wire->dev))
		return;
	wire->bridge = sluice_underlay_find(tun, master);
	if (!wire->bridge || !wire->up || !netif_carrier_ok(wire->dev) ||
	    br_mst_enabled(master) ||
	    br_port_get_stp_state(wire->dev) != BR_STATE_FORWARDING)
		return;
	wire->br_tx = true;
	wire->br_rx = bridge_vlan_read(wire, master) &&
		      !br_port_flag_is_set(wire->dev, BR_PORT_LOCKED);
}

/* The tag of frames at a port that are for a VLAN on the bridge. */
static bool bridge_vlan_tag(const struct sluice_underlay *underlay,
			    const struct sluice_underlay *wire, __be16 *tpid,
			    u16 *vid)
{
	const struct net_device *bridge = underlay->bridge->dev;
	struct bridge_vlan_info own, port;
	u16 pvid, proto;

	*tpid = underlay->tpid;
	*vid = underlay->tci & VLAN_VID_MASK;
	/* Not behind the wire's own tag. */
	if (!br_vlan_enabled(bridge))
		return !wire->tpid;
	if (br_vlan_get_proto(bridge, &proto) || htons(proto) != *tpid ||
	    br_vlan_get_info_rcu(bridge, *vid, &own) ||
	    br_vlan_get_info_rcu(wire->dev, *vid, &port))
		return false;
	/* The bridge, not only its ports, has it, and hands frames up tagged. */
	if (!(own.flags & BRIDGE_VLAN_INFO_BRENTRY) ||
	    own.flags & BRIDGE_VLAN_INFO_UNTAGGED)
		return false;
	if (!(port.flags & BRIDGE_VLAN_INFO_UNTAGGED))
		return !wire->tpid;
	if (br_vlan_get_pvid_rcu(wire->dev, &pvid) || pvid != *vid)
		return false;
	*tpid = 0;
	*vid = 0;
	return true;
}

/**
 * sluice_bridge_receives() - are frames of a port for the host?
 * @underlay: bridge, or a VLAN on one
 * @wire: a port of the bridge
 * @tpid: set to the ethertype of their tag, zero without
 * @vid: set to its VLAN id
 *
 * Return: true for those with that tag and the MAC address of @underlay.
 */
bool sluice_bridge_receives(const struct sluice_underlay *underlay,
			    const struct sluice_underlay *wire, __be16 *tpid,
			    u16 *vid)
{
	bool tag;

	if (!underlay->bridge) {
		*tpid = wire->tpid ?: wire->br_tpid;
		*vid = wire->tpid ? wire->tci & VLAN_VID_MASK : wire->br_vid;
		return wire->br_rx;
	}
	/* The bridge takes no other address for its own. */
	if (!wire->br_tx || br_port_flag_is_set(wire->dev, BR_PORT_LOCKED) ||
	    !ether_addr_equal(underlay->dev->dev_addr,
			      underlay->bridge->dev->dev_addr))
		return false;
	rcu_read_lock();
	tag = bridge_vlan_tag(underlay, wire, tpid, vid);
	rcu_read_unlock();
	if (tag && wire->tpid) {
		*tpid = wire->tpid;
		*vid = wire->tci & VLAN_VID_MASK;
	}
	return tag;
}

static int bridge_path_step(struct net_device_path_ctx *ctx)
{
	const struct net_device_ops *ops = ctx->dev->netdev_ops;
	struct net_device_path path = {};

	if (!ops->ndo_fill_forward_path)
		return -EOPNOTSUPP;
	return ops->ndo_fill_forward_path(ctx, &path);
}

/**
 * sluice_bridge_path() - where a bridge sends the frames for a neighbour
 * @tun: tunnels, offload lock held
 * @underlay: bridge, or a VLAN on one
 * @mac: the neighbour's MAC address
 * @tpid: set to the ethertype of their tag at the port, zero without
 * @tci: set to the tag
 *
 * Return: the port, an uplink or a VLAN on it, or NULL when they leave by
 * another one, or by several.
 */
struct sluice_underlay *sluice_bridge_path(struct sluice_tunnels *tun,
					   const struct sluice_underlay *underlay,
					   const u8 *mac, __be16 *tpid,
					   u16 *tci)
{
	struct net_device_path_ctx ctx = { .dev = underlay->dev };
	struct sluice_underlay *wire = NULL;
	int err = 0;

	ether_addr_copy(ctx.daddr, mac);
	rcu_read_lock();
	if (underlay->bridge)
		err = bridge_path_step(&ctx);
	if (!err && !bridge_path_step(&ctx) && ctx.dev)
		wire = sluice_underlay_find(tun, ctx.dev);
	rcu_read_unlock();
	if (!wire || wire->bridge != sluice_bridge_of(underlay) || !wire->br_tx)
		return NULL;
	*tpid = wire->tpid;
	*tci = wire->tci;
	if (!ctx.num_vlans)
		return wire;
	/* The device has room for one tag. */
	if (ctx.num_vlans > 1 || wire->tpid)
		return NULL;
	*tpid = ctx.vlan[0].proto;
	*tci = ctx.vlan[0].id;
	/* With the priority of the VLAN device. */
	if (underlay->bridge)
		*tci |= underlay->tci & VLAN_PRIO_MASK;
	return wire;
}

static u32 mac_bucket(const u8 *mac)
{
	return hash_min(ether_addr_to_u64(mac), SLUICE_BRIDGE_MACS_BITS);
}

/**
 * sluice_bridge_watch() - have a next hop told when its MAC address moves
 * @tun: tunnels, offload lock held
 * @nh: next hop
 * @mac: the address; NULL for none
 */
void sluice_bridge_watch(struct sluice_tunnels *tun, struct sluice_next_hop *nh,
			 const u8 *mac)
{
	spin_lock_bh(&tun->macs_lock);
	hlist_del_init(&nh->mac_node);
	if (mac) {
		ether_addr_copy(nh->mac, mac);
		hlist_add_head(&nh->mac_node, &tun->macs[mac_bucket(mac)]);
	}
	spin_unlock_bh(&tun->macs_lock);
}

/**
 * sluice_bridge_event() - a forwarding table has changed
 * @tun: tunnels, offload lock held
 * @ev: the MAC address
 */
void sluice_bridge_event(struct sluice_tunnels *tun,
			 const struct sluice_tunnel_event *ev)
{
	struct hlist_head *head = &tun->macs[mac_bucket(ev->mac)];
	struct sluice_next_hop *nh;
	struct hlist_node *next;

	/* Only we change the table; a next hop keeps its address meanwhile. */
	hlist_for_each_entry_safe(nh, next, head, mac_node)
		if (ether_addr_equal(nh->mac, ev->mac))
			sluice_next_hop_update(tun, nh);
}

/**
 * sluice_switchdev_event() - a bridge learns or forgets an address
 * @nb: our notifier
 * @event: enum switchdev_notifier_type
 * @ptr: &struct switchdev_notifier_info
 *
 * Context: atomic.
 *
 * Return: NOTIFY_DONE.
 */
int sluice_switchdev_event(struct notifier_block *nb, unsigned long event,
			   void *ptr)
{
	struct sluice_tunnels *tun = container_of(nb, struct sluice_tunnels,
						  switchdev_nb);
	struct sluice_tunnel_event ev = { .kind = SLUICE_TUNNEL_FDB };
	const struct switchdev_notifier_fdb_info *fdb;
	const struct sluice_next_hop *nh;
	bool known = false;

	if (event != SWITCHDEV_FDB_ADD_TO_DEVICE &&
	    event != SWITCHDEV_FDB_DEL_TO_DEVICE)
		return NOTIFY_DONE;
	fdb = container_of(ptr, struct switchdev_notifier_fdb_info, info);
	spin_lock_bh(&tun->macs_lock);
	hlist_for_each_entry(nh, &tun->macs[mac_bucket(fdb->addr)], mac_node)
		known |= ether_addr_equal(nh->mac, fdb->addr);
	spin_unlock_bh(&tun->macs_lock);
	if (!known)
		return NOTIFY_DONE;
	ether_addr_copy(ev.mac, fdb->addr);
	sluice_tunnel_queue(tun, &ev);
	return NOTIFY_DONE;
}

/**
 * sluice_switchdev_blocking_event() - a bridge or a port is set up otherwise
 * @nb: our notifier
 * @event: enum switchdev_notifier_type
 * @ptr: &struct switchdev_notifier_info
 *
 * State, flags and VLANs of ports, VLANs of bridges.  It is still to be done:
 * the work waits for RTNL.
 *
 * Return: NOTIFY_DONE.
 */
int sluice_switchdev_blocking_event(struct notifier_block *nb,
				    unsigned long event, void *ptr)
{
	struct sluice_tunnels *tun = container_of(nb, struct sluice_tunnels,
						  switchdev_blocking_nb);
	struct net_device *dev = switchdev_notifier_info_to_dev(ptr);
	struct sluice_tunnel_event ev = {
		.kind = SLUICE_TUNNEL_UPPER,
		.ifindex = dev->ifindex,
	};

	if (!net_eq(dev_net(dev), tun->net))
		return NOTIFY_DONE;
	switch (event) {
	case SWITCHDEV_PORT_OBJ_ADD:
	case SWITCHDEV_PORT_OBJ_DEL:
	case SWITCHDEV_PORT_ATTR_SET:
		sluice_tunnel_queue(tun, &ev);
	}
	return NOTIFY_DONE;
}
