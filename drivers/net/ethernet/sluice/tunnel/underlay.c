// SPDX-License-Identifier: GPL-2.0-only
/*
 * Underlay devices: our uplinks, and VLANs on them.
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
	struct net_device *real = dev;
	struct sluice_underlay *underlay;
	struct sluice_vport *vport;

	if (is_vlan_dev(dev))
		real = vlan_dev_priv(dev)->real_dev;
	vport = underlay_uplink(tun, real);
	if (!vport)
		return NULL;
	underlay = kzalloc(sizeof(*underlay), GFP_KERNEL);
	if (!underlay)
		return NULL;
	underlay->dev = dev;
	underlay->vport = vport->num;
	INIT_LIST_HEAD(&underlay->next_hops);
	list_add_tail(&underlay->node, &tun->underlays);
	return underlay;
}

/* The netdev goes: encaps are routed elsewhere, or nowhere. */
static void underlay_destroy(struct sluice_tunnels *tun,
			     struct sluice_underlay *underlay)
{
	struct sluice_next_hop *nh, *next;
	struct sluice_encap *encap, *more;

	list_del(&underlay->node);
	list_for_each_entry_safe(nh, next, &underlay->next_hops, node) {
		list_del(&nh->node);
		nh->underlay = NULL;
		nh->refs++;
		list_for_each_entry_safe(encap, more, &nh->encaps, nh_node)
			sluice_encap_update(tun, encap);
		sluice_next_hop_update(tun, nh);
		sluice_next_hop_put(tun, nh);
	}
	kfree(underlay);
	sluice_endpoints_sync(tun);
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
	struct sluice_next_hop *nh, *next;
	struct sluice_encap *encap, *more;

	if (gone) {
		if (underlay)
			underlay_destroy(tun, underlay);
		return;
	}
	if (!underlay)
		underlay = underlay_create(tun, dev);
	if (!underlay)
		return;
	underlay->up = netif_running(dev) && !underlay->blocks;
	underlay->ours = !netdev_master_upper_dev_get(dev) &&
			 !rcu_access_pointer(dev->rx_handler);
	if (is_vlan_dev(dev)) {
		underlay->tpid = vlan_dev_vlan_proto(dev);
		underlay->tci = vlan_dev_vlan_id(dev) |
				vlan_dev_get_egress_qos_mask(dev, 0);
	}
	list_for_each_entry_safe(nh, next, &underlay->next_hops, node) {
		nh->refs++;
		sluice_next_hop_update(tun, nh);
		list_for_each_entry_safe(encap, more, &nh->encaps, nh_node)
			sluice_encap_update(tun, encap);
		sluice_next_hop_put(tun, nh);
	}
	sluice_endpoints_sync(tun);
}
