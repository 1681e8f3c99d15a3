// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tunnel netdevs: which there are, and how they are configured.
 *
 * Configuration is read when a netdev comes or says that it changed.  What the
 * kernel keeps to itself (GENEVE's) is read as "ip link" would; what depends on
 * the kernel's version is found out by asking the kernel for an example.
 */
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/dst_metadata.h>
#include <net/geneve.h>
#include <net/gre.h>
#include <net/ip6_tunnel.h>
#include <net/l3mdev.h>
#include <net/netlink.h>
#include <net/udp.h>
#include <net/vxlan.h>

#include "tunnel.h"

/* Flow hashes that give the lowest and the highest source port. */
#define HASH_LOW	0x00010001
#define HASH_HIGH	0x0000ffff

static u16 device_port(struct net *net, struct sk_buff *skb, u32 hash,
		       u16 min, u16 max)
{
	__skb_set_hash(skb, hash, true, true);
	return ntohs(udp_flow_src_port(net, skb, min, max, true));
}

/* UDP source ports are min + ((h ^ h << 16) * range >> 32) for flow hash h. */
static int device_ports(struct sluice_tunnel_dev *td, struct net *net,
			u16 min, u16 max)
{
	struct sk_buff *skb = alloc_skb(ETH_HLEN, GFP_KERNEL);

	if (!skb)
		return -ENOMEM;
	td->sport_min = device_port(net, skb, HASH_LOW, min, max);
	td->sport_range = device_port(net, skb, HASH_HIGH, min, max) -
			  td->sport_min + 1;
	kfree_skb(skb);
	return 0;
}

/* Does a received packet's metadata tell of its DF bit? */
static bool device_rx_df(void)
{
	IP_TUNNEL_DECLARE_FLAGS(flags) = { };
	struct metadata_dst *md;
	struct sk_buff *skb;
	bool df = false;

	skb = alloc_skb(sizeof(struct iphdr), GFP_KERNEL);
	if (!skb)
		return false;
	skb_reset_network_header(skb);
	skb_put_zero(skb, sizeof(struct iphdr));
	ip_hdr(skb)->frag_off = htons(IP_DF);
	md = ip_tun_rx_dst(skb, flags, 0, 0);
	if (md) {
		df = test_bit(IP_TUNNEL_DONT_FRAGMENT_BIT,
			      md->u.tun_info.key.tun_flags);
		dst_release(&md->dst);
	}
	kfree_skb(skb);
	return df;
}

static void device_read_vxlan(struct sluice_tunnel_dev *td, struct net *net,
			      bool was_up)
{
	const struct vxlan_dev *vxlan = netdev_priv(td->dev);
	int ifindex = vxlan->cfg.remote_ifindex;
	u32 flags = vxlan->cfg.flags;

	td->type = SLUICE_TUNNEL_VXLAN;
	td->gbp = flags & VXLAN_F_GBP;
	td->zero_csum6 = flags & VXLAN_F_UDP_ZERO_CSUM6_RX;
	td->port = vxlan->cfg.dst_port;
	/* Its sockets are bound when it is opened, and stay so. */
	if (!was_up)
		td->vrf = 0;
	if (!was_up && ifindex)
		td->vrf = l3mdev_master_upper_ifindex_by_index(net, ifindex);
	if (!(flags & VXLAN_F_COLLECT_METADATA))
		td->refuse = "the tunnel device is not \"external\"";
	else if (flags & (VXLAN_F_GPE | VXLAN_F_REMCSUM_TX))
		td->refuse = "VXLAN with gpe or remcsumtx";
	else if (device_ports(td, net, vxlan->cfg.port_min,
			      vxlan->cfg.port_max))
		td->refuse = "out of memory";
	if (flags & (VXLAN_F_REMCSUM_RX | VXLAN_F_VNIFILTER))
		td->no_rx = "VXLAN with remcsumrx or vnifilter";
}

static void device_read_geneve(struct sluice_tunnel_dev *td, struct net *net)
{
	const struct rtnl_link_ops *ops = td->dev->rtnl_link_ops;
	const struct sluice_compat_geneve_ports *ports;
	const struct nlattr *attr;
	u16 min = 1, max = U16_MAX;
	struct sk_buff *skb;
	bool external = false;
	int left;

	td->type = SLUICE_TUNNEL_GENEVE;
	td->port = htons(GENEVE_UDP_PORT);
	skb = alloc_skb(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb || ops->fill_info(skb, td->dev)) {
		td->refuse = "the tunnel device does not tell its configuration";
		kfree_skb(skb);
		return;
	}
	nla_for_each_attr(attr, (struct nlattr *)skb->data, skb->len, left) {
		switch (nla_type(attr)) {
		case IFLA_GENEVE_PORT:
			td->port = nla_get_be16(attr);
			break;
		case IFLA_GENEVE_COLLECT_METADATA:
			external = true;
			break;
		case IFLA_GENEVE_UDP_ZERO_CSUM6_RX:
			td->zero_csum6 = nla_get_u8(attr);
			break;
		case IFLA_GENEVE_INNER_PROTO_INHERIT:
			td->refuse = "GENEVE with innerprotoinherit";
			break;
		case SLUICE_COMPAT_GENEVE_PORT_RANGE:
			ports = nla_data(attr);
			min = ntohs(ports->low);
			max = ntohs(ports->high);
			break;
		case SLUICE_COMPAT_GENEVE_GRO_HINT:
			td->refuse = "GENEVE with GRO hints";
			break;
		case SLUICE_COMPAT_GENEVE_LOCAL:
			td->family = AF_INET;
			if (nla_get_in_addr(attr))
				td->refuse = "GENEVE with a local address";
			break;
		case SLUICE_COMPAT_GENEVE_LOCAL6:
			td->family = AF_INET6;
			if (memchr_inv(nla_data(attr), 0, nla_len(attr)))
				td->refuse = "GENEVE with a local address";
			break;
		}
	}
	kfree_skb(skb);
	if (!external)
		td->refuse = "the tunnel device is not \"external\"";
	else if (!td->refuse && device_ports(td, net, min, max))
		td->refuse = "out of memory";
}

static void device_read_gretap(struct sluice_tunnel_dev *td)
{
	const struct ip_tunnel *t = netdev_priv(td->dev);

	td->type = SLUICE_TUNNEL_GRE;
	td->family = AF_INET;
	if (!t->collect_md)
		td->refuse = "the tunnel device is not \"external\"";
	else if (t->encap.type != TUNNEL_ENCAP_NONE)
		td->refuse = "GRE in another encapsulation";
}

static void device_read_ip6gretap(struct sluice_tunnel_dev *td)
{
	const struct ip6_tnl *t = netdev_priv(td->dev);

	td->type = SLUICE_TUNNEL_GRE;
	td->family = AF_INET6;
	if (!t->parms.collect_md)
		td->refuse = "the tunnel device is not \"external\"";
	else if (t->encap.type != TUNNEL_ENCAP_NONE)
		td->refuse = "GRE in another encapsulation";
	/* The device makes flow labels as little-endian machines do. */
	if (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN))
		td->refuse = "flow labels of a big-endian machine";
}

static bool device_is_tunnel(const struct net_device *dev)
{
	return netif_is_vxlan(dev) || netif_is_geneve(dev) ||
	       netif_is_gretap(dev) || netif_is_ip6gretap(dev);
}

/* Everything about @td that its netdev decides. */
static void device_read(struct sluice_tunnels *tun,
			struct sluice_tunnel_dev *td)
{
	struct net_device *dev = td->dev;
	struct net *net = dev_net(dev);
	bool was_up = td->up;

	if (dev->rtnl_link_ops->get_link_net)
		net = dev->rtnl_link_ops->get_link_net(dev);
	td->family = AF_UNSPEC;
	td->refuse = NULL;
	td->no_rx = NULL;
	td->up = netif_running(dev);
	td->mtu = READ_ONCE(dev->mtu);
	if (netif_is_vxlan(dev))
		device_read_vxlan(td, net, was_up);
	else if (netif_is_geneve(dev))
		device_read_geneve(td, net);
	else if (netif_is_gretap(dev))
		device_read_gretap(td);
	else
		device_read_ip6gretap(td);
	if (!net_eq(net, tun->net))
		td->refuse = "the underlay is in another network namespace";
	if (td->vrf)
		td->no_rx = "the tunnel device is bound to a VRF";
}

/* GRE packets go to the device that fits them best. */
static void device_gre_rivals(struct sluice_tunnels *tun)
{
	struct sluice_tunnel_dev *td, *other;

	list_for_each_entry(td, &tun->devs, node) {
		if (td->type != SLUICE_TUNNEL_GRE)
			continue;
		td->no_rx = NULL;
		list_for_each_entry(other, &tun->devs, node)
			if (other != td && other->up &&
			    other->type == td->type &&
			    other->family == td->family)
				td->no_rx = "there is another GRE device";
	}
}

/**
 * sluice_tunnel_dev_find() - what is known of a tunnel netdev
 * @tun: tunnels, offload lock held
 * @dev: any netdev
 *
 * Return: the tunnel device or NULL.
 */
struct sluice_tunnel_dev *sluice_tunnel_dev_find(struct sluice_tunnels *tun,
						 const struct net_device *dev)
{
	struct sluice_tunnel_dev *td;

	list_for_each_entry(td, &tun->devs, node)
		if (td->dev == dev)
			return td;
	return NULL;
}

/**
 * sluice_tunnel_dev_update() - a netdev came or changed
 * @tun: tunnels, offload lock held
 * @dev: any netdev
 *
 * Context: RTNL.
 */
void sluice_tunnel_dev_update(struct sluice_tunnels *tun,
			      struct net_device *dev)
{
	struct sluice_tunnel_dev *td;

	if (!device_is_tunnel(dev))
		return;
	td = sluice_tunnel_dev_find(tun, dev);
	if (!td) {
		td = kzalloc(sizeof(*td), GFP_KERNEL);
		if (!td)
			return;
		td->dev = dev;
		INIT_LIST_HEAD(&td->encaps);
		list_add_tail(&td->node, &tun->devs);
		tun->rx_df = device_rx_df();
	}
	device_read(tun, td);
	device_gre_rivals(tun);
	sluice_encaps_update_dev(tun, td);
	sluice_endpoints_sync(tun);
}

/**
 * sluice_tunnel_dev_egress() - filters at its egress come or go
 * @tun: tunnels, offload lock held
 * @td: tunnel device
 * @change: how many more
 */
void sluice_tunnel_dev_egress(struct sluice_tunnels *tun,
			      struct sluice_tunnel_dev *td, int change)
{
	td->egress_filters += change;
	if (change)
		sluice_encaps_update_dev(tun, td);
}

/**
 * sluice_tunnel_dev_remove() - a tunnel netdev goes
 * @tun: tunnels, offload lock held
 * @td: tunnel device
 *
 * Rules that send to it become punts.
 */
void sluice_tunnel_dev_remove(struct sluice_tunnels *tun,
			      struct sluice_tunnel_dev *td)
{
	struct sluice_encap *encap;
	struct sluice_out *out;

	while ((encap = list_first_entry_or_null(&td->encaps,
						 struct sluice_encap,
						 dev_node))) {
		sluice_encap_hold(encap);
		while ((out = list_first_entry_or_null(&encap->rules,
						       struct sluice_out,
						       node)))
			sluice_rule_lose_port(out->rule);
		list_del(&encap->dev_node);
		encap->dev = NULL;
		sluice_encap_update(tun, encap);
		sluice_encap_put(tun, encap);
	}
	if (td->block)
		td->block->tunnel = NULL;
	if (td->egress)
		sluice_egress_detach(td->egress);
	list_del(&td->node);
	kfree(td);
	device_gre_rivals(tun);
	sluice_endpoints_sync(tun);
}
