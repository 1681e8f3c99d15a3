// SPDX-License-Identifier: GPL-2.0-only
/*
 * Underlay devices: our uplinks and VLANs on them, bridges, which may have them
 * as ports, and internal ports of Open vSwitch, which rules may hand packets
 * to.
 *
 * All bridges and internal ports are underlays, so that it is known what
 * happened to one before it got an uplink.
 */
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>

#include "tunnel.h"

/* The uplink's vport, or NULL. */
static struct sluice_vport *underlay_uplink(struct sluice_tunnels *tun,
					    const struct net_device *dev)
{
	struct sluice_dev *sdev = tun->off->sdev;
	struct sluice_vport *vport;
	unsigned int i;

	for (i = 0; i < sdev->limits.num_uplinks; i++) {
		vport = sluice_esw_uplink_vport(sdev, i);
		if (vport && vport->netdev == dev)
			return vport;
	}
	return NULL;
}

/**
 * sluice_underlay_find() - the underlay of a netdev
 * @tun: tunnels, offload lock held
 * @dev: any netdev
 *
 * Return: the underlay, or NULL when its packets are not those of our wires.
 */
struct sluice_underlay *sluice_underlay_find(struct sluice_tunnels *tun,
					     const struct net_device *dev)
{
	struct sluice_underlay *underlay;

	list_for_each_entry(underlay, &tun->underlays, node)
		if (underlay->dev == dev)
			return underlay;
	return NULL;
}

static struct sluice_underlay *underlay_create(struct sluice_tunnels *tun,
					       struct net_device *dev)
{
	enum sluice_place place = SLUICE_PLACE_WIRE;
	struct net_device *real = dev;
	struct sluice_underlay *underlay;
	struct sluice_vport *vport;

	if (is_vlan_dev(dev))
		real = vlan_dev_priv(dev)->real_dev;
	vport = underlay_uplink(tun, real);
	if (sluice_bridge_possible(real)) {
		place = SLUICE_PLACE_BRIDGE;
		/* Next hops have one, whether they are resolved or not. */
		vport = sluice_esw_uplink_vport(tun->off->sdev, 0);
	} else if (netif_is_ovs_master(dev)) {
		place = SLUICE_PLACE_INTERNAL;
		vport = sluice_esw_uplink_vport(tun->off->sdev, 0);
	}
	if (!vport)
		return NULL;
	underlay = kzalloc(sizeof(*underlay), GFP_KERNEL);
	if (!underlay)
		return NULL;
	underlay->dev = dev;
	underlay->place = place;
	if (place == SLUICE_PLACE_INTERNAL)
		underlay->group = ++tun->last_group;
	underlay->vport = vport->num;
	INIT_LIST_HEAD(&underlay->next_hops);
	list_add_tail(&underlay->node, &tun->underlays);
	return underlay;
}

/* Everything that leaves by way of an underlay. */
static void underlay_refresh(struct sluice_tunnels *tun,
			     struct sluice_underlay *underlay)
{
	struct sluice_next_hop *nh, *next;

	list_for_each_entry_safe(nh, next, &underlay->next_hops, node) {
		nh->refs++;
		sluice_next_hop_update(tun, nh);
		sluice_encaps_update_next_hop(tun, nh, AF_UNSPEC);
		sluice_next_hop_put(tun, nh);
	}
}

/* Likewise by way of a bridge, and of VLANs on it. */
static void underlay_refresh_bridge(struct sluice_tunnels *tun,
				    struct sluice_underlay *bridge)
{
	struct sluice_underlay *underlay;

	underlay_refresh(tun, bridge);
	list_for_each_entry(underlay, &tun->underlays, node)
		if (underlay->place == SLUICE_PLACE_BRIDGE &&
		    underlay->bridge == bridge)
			underlay_refresh(tun, underlay);
}

/* Can packets be sent by way of it? */
static bool underlay_is_up(const struct sluice_underlay *underlay)
{
	return netif_running(underlay->dev) && !underlay->blocks;
}

/* The netdev goes: encaps are routed elsewhere, or nowhere. */
static void underlay_destroy(struct sluice_tunnels *tun,
			     struct sluice_underlay *underlay)
{
	struct sluice_underlay *wire;
	struct sluice_next_hop *nh, *next;

	list_del(&underlay->node);
	if (underlay->ingress)
		sluice_egress_detach(underlay->ingress);
	if (underlay->egress)
		underlay->egress->underlay = NULL;
	list_for_each_entry_safe(nh, next, &underlay->next_hops, node) {
		list_del(&nh->node);
		nh->underlay = NULL;
		nh->refs++;
		sluice_encaps_update_next_hop(tun, nh, AF_UNSPEC);
		sluice_next_hop_update(tun, nh);
		sluice_next_hop_put(tun, nh);
	}
	list_for_each_entry(wire, &tun->underlays, node) {
		if (wire->bridge != underlay)
			continue;
		wire->bridge = NULL;
		/* A VLAN without its bridge is going, too. */
		if (wire->place == SLUICE_PLACE_BRIDGE) {
			wire->up = false;
			underlay_refresh(tun, wire);
		}
	}
	if (underlay->bridge)
		underlay_refresh_bridge(tun, underlay->bridge);
	kfree(underlay);
	sluice_endpoints_sync(tun);
}

static void underlay_read_wire(struct sluice_tunnels *tun,
			       struct sluice_underlay *wire)
{
	struct sluice_underlay *was = wire->bridge;

	if (is_vlan_dev(wire->dev)) {
		wire->tpid = vlan_dev_vlan_proto(wire->dev);
		wire->tci = vlan_dev_vlan_id(wire->dev) |
			    vlan_dev_get_egress_qos_mask(wire->dev, 0);
	}
	sluice_bridge_read(tun, wire);
	if (was && was != wire->bridge)
		underlay_refresh_bridge(tun, was);
	if (wire->bridge)
		underlay_refresh_bridge(tun, wire->bridge);
}

/* A VLAN on a bridge. */
static void underlay_read_upper(struct sluice_tunnels *tun,
				struct sluice_underlay *underlay)
{
	struct net_device *real = vlan_dev_priv(underlay->dev)->real_dev;

	underlay->tpid = vlan_dev_vlan_proto(underlay->dev);
	underlay->tci = vlan_dev_vlan_id(underlay->dev) |
			vlan_dev_get_egress_qos_mask(underlay->dev, 0);
	underlay->bridge = sluice_underlay_find(tun, real);
	/* What the bridge's filters see, hardware does not. */
	underlay->up = underlay_is_up(underlay) && underlay->bridge &&
		       underlay->bridge->up;
}

/* The bridge, or a VLAN on one, is new, or does something else with its ports than before. */
static void underlay_read_bridge(struct sluice_tunnels *tun,
				 struct sluice_underlay *bridge)
{
	struct sluice_underlay *wire;

	if (is_vlan_dev(bridge->dev)) {
		underlay_read_upper(tun, bridge);
		return;
	}
	list_for_each_entry(wire, &tun->underlays, node)
		if (wire->place == SLUICE_PLACE_WIRE &&
		    netdev_master_upper_dev_get(wire->dev) == bridge->dev)
			sluice_bridge_read(tun, wire);
	list_for_each_entry(wire, &tun->underlays, node)
		if (wire->place == SLUICE_PLACE_BRIDGE &&
		    is_vlan_dev(wire->dev) &&
		    vlan_dev_priv(wire->dev)->real_dev == bridge->dev)
			underlay_read_upper(tun, wire);
}

/**
 * sluice_underlay_update() - a netdev came, changed or goes
 * @tun: tunnels, offload lock held
 * @dev: any netdev
 * @gone: it goes
 *
 * Context: RTNL.
 */
void sluice_underlay_update(struct sluice_tunnels *tun,
			    struct net_device *dev, bool gone)
{
	struct sluice_underlay *underlay = sluice_underlay_find(tun, dev);
	bool was_up;

	if (gone) {
		if (underlay)
			underlay_destroy(tun, underlay);
		return;
	}
	if (!underlay)
		underlay = underlay_create(tun, dev);
	if (!underlay)
		return;
	was_up = underlay->up;
	underlay->up = underlay_is_up(underlay);
	underlay->ours = !netdev_master_upper_dev_get(dev) &&
			 !rcu_access_pointer(dev->rx_handler);
	if (underlay->place == SLUICE_PLACE_WIRE)
		underlay_read_wire(tun, underlay);
	else if (underlay->place == SLUICE_PLACE_BRIDGE)
		underlay_read_bridge(tun, underlay);
	underlay_refresh_bridge(tun, underlay);
	if (underlay->up && !was_up)
		sluice_encaps_update_lost(tun);
	sluice_endpoints_sync(tun);
}

/**
 * sluice_underlay_ingress() - filters at an internal port's ingress come or go
 * @tun: tunnels, offload lock held
 * @underlay: internal port
 * @change: how many more
 */
void sluice_underlay_ingress(struct sluice_tunnels *tun,
			     struct sluice_underlay *underlay, int change)
{
	underlay->ingress_filters += change;
	if (change)
		sluice_endpoints_sync(tun);
}

/**
 * sluice_underlay_egress() - the block at an internal port's egress came or goes
 * @tun: tunnels, offload lock held
 * @underlay: internal port
 *
 * Its filters are not looked at: where they leave a packet to software, the
 * device does.
 */
void sluice_underlay_egress(struct sluice_tunnels *tun,
			    struct sluice_underlay *underlay)
{
	struct sluice_next_hop *nh;

	list_for_each_entry(nh, &underlay->next_hops, node)
		sluice_next_hop_update(tun, nh);
}

/**
 * sluice_underlay_routes() - routes by a netdev may have changed
 * @tun: tunnels, offload lock held
 * @ifindex: any netdev
 * @family: of the routes
 *
 * Looks up the routes of the encaps that leave by it.
 */
void sluice_underlay_routes(struct sluice_tunnels *tun, u32 ifindex,
			    u32 family)
{
	struct sluice_underlay *underlay;
	struct sluice_next_hop *nh, *next;

	list_for_each_entry(underlay, &tun->underlays, node) {
		if (underlay->dev->ifindex != ifindex)
			continue;
		list_for_each_entry_safe(nh, next, &underlay->next_hops, node) {
			nh->refs++;
			sluice_encaps_update_next_hop(tun, nh, family);
			sluice_next_hop_put(tun, nh);
		}
	}
}

/**
 * sluice_underlay_mtu() - the longest packet that surely leaves
 * @tun: tunnels, offload lock held
 * @underlay: where the route goes
 * @mtu: what the route says, in bytes
 *
 * A bridge drops what is too long for the port; let software see to that.
 *
 * Return: @mtu or less.
 */
u32 sluice_underlay_mtu(struct sluice_tunnels *tun,
			const struct sluice_underlay *underlay, u32 mtu)
{
	const struct sluice_underlay *wire;

	list_for_each_entry(wire, &tun->underlays, node)
		if (wire->place == SLUICE_PLACE_WIRE &&
		    wire->bridge == sluice_bridge_of(underlay))
			mtu = min(mtu, READ_ONCE(wire->dev->mtu));
	return mtu;
}
