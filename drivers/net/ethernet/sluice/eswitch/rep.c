// SPDX-License-Identifier: GPL-2.0-only
/*
 * Representors: netdevs that stand for a vport on the PF's side, those of VFs
 * in switchdev mode and that of a second uplink in both modes.
 *
 * They are software only and share the PF's rings: what they send goes
 * straight to their vport, what the switch does not handle arrives on them.
 */
#include <linux/ethtool.h>
#include <linux/jhash.h>
#include <linux/rtnetlink.h>

#include "eswitch.h"

static struct sluice_vport *rep_vport(const struct net_device *dev)
{
	const struct sluice_rep *rep = netdev_priv(dev);

	return rep->vport;
}

static int rep_open(struct net_device *dev)
{
	struct sluice_vport *vport = rep_vport(dev);
	struct sluice_eswitch *esw = vport->sdev->esw;
	int slot = sluice_esw_slot(vport->num);
	bool link = true;
	int err;

	err = sluice_channels_get(vport->sdev);
	if (err)
		return err;
	if (vport->vf >= 0) {
		err = sluice_vport_set_link(vport->sdev, vport->num,
					    SLUICE_LINK_UP);
		if (err) {
			sluice_channels_put(vport->sdev);
			return err;
		}
	}
	netif_start_queue(dev);
	spin_lock_bh(&esw->link_lock);
	if (vport->uplink >= 0)
		link = esw->uplinks[vport->uplink].link;
	rcu_assign_pointer(esw->slots[slot], dev);
	sluice_rep_link_event(dev, link);
	spin_unlock_bh(&esw->link_lock);
	return 0;
}

static int rep_stop(struct net_device *dev)
{
	struct sluice_vport *vport = rep_vport(dev);
	struct sluice_eswitch *esw = vport->sdev->esw;
	int slot = sluice_esw_slot(vport->num);

	/* Around a reset there is nobody to tell. */
	if (vport->vf >= 0 && netif_device_present(dev))
		sluice_vport_set_link(vport->sdev, vport->num,
				      SLUICE_LINK_DOWN);
	spin_lock_bh(&esw->link_lock);
	RCU_INIT_POINTER(esw->slots[slot], NULL);
	netif_carrier_off(dev);
	spin_unlock_bh(&esw->link_lock);
	netif_stop_queue(dev);
	sluice_channels_put(vport->sdev);
	return 0;
}

static netdev_tx_t rep_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct sluice_vport *vport = rep_vport(dev);

	return sluice_xmit_direct(vport->sdev, skb, vport->num);
}

static int rep_change_mtu(struct net_device *dev, int mtu)
{
	struct sluice_vport *vport = rep_vport(dev);
	struct sluice_cmd_vport cmd;
	int err;

	sluice_vport_set_init(&cmd, vport->num, SLUICE_VPORT_F_MTU);
	cmd.mtu = cpu_to_le16(mtu);
	err = sluice_cmd_exec(vport->sdev, &cmd.hdr);
	if (!err)
		WRITE_ONCE(dev->mtu, mtu);
	return err;
}

/*
 * All that the switch does not handle is received, whatever its address.  But who
 * asks for one with SIOCADDMULTI, as LACP does, is refused without this.
 */
static void rep_set_rx_mode(struct net_device *dev)
{
}

/*
 * Traffic as the switch sees the port: a VF's representor receives what the
 * VF sends.  An uplink's statistics have this point of view already.
 */
static void rep_get_stats64(struct net_device *dev,
			    struct rtnl_link_stats64 *s)
{
	const struct sluice_rep *rep = netdev_priv(dev);
	const struct sluice_vport_stats *hw = rep->stats;
	u64 to_owner_dropped, from_owner_dropped;

	to_owner_dropped = le64_to_cpu(READ_ONCE(hw->rx_dropped_link)) +
			   le64_to_cpu(READ_ONCE(hw->rx_dropped_nobuf)) +
			   le64_to_cpu(READ_ONCE(hw->rx_dropped_mtu));
	from_owner_dropped = le64_to_cpu(READ_ONCE(hw->tx_dropped_link)) +
			     le64_to_cpu(READ_ONCE(hw->tx_dropped_spoof)) +
			     le64_to_cpu(READ_ONCE(hw->tx_dropped_mtu));
	if (rep->vport->uplink >= 0) {
		s->rx_packets = le64_to_cpu(READ_ONCE(hw->rx_packets));
		s->rx_bytes = le64_to_cpu(READ_ONCE(hw->rx_bytes));
		s->multicast = le64_to_cpu(READ_ONCE(hw->rx_multicast));
		s->tx_packets = le64_to_cpu(READ_ONCE(hw->tx_packets));
		s->tx_bytes = le64_to_cpu(READ_ONCE(hw->tx_bytes));
		s->rx_dropped = to_owner_dropped;
		s->tx_dropped = from_owner_dropped;
	} else {
		s->rx_packets = le64_to_cpu(READ_ONCE(hw->tx_packets));
		s->rx_bytes = le64_to_cpu(READ_ONCE(hw->tx_bytes));
		s->multicast = le64_to_cpu(READ_ONCE(hw->tx_multicast));
		s->tx_packets = le64_to_cpu(READ_ONCE(hw->rx_packets));
		s->tx_bytes = le64_to_cpu(READ_ONCE(hw->rx_bytes));
		s->rx_dropped = from_owner_dropped;
		s->tx_dropped = to_owner_dropped;
	}
	s->rx_missed_errors = le64_to_cpu(READ_ONCE(hw->slow_dropped));
}

static bool rep_has_offload_stats(const struct net_device *dev, int attr_id)
{
	return attr_id == IFLA_OFFLOAD_XSTATS_CPU_HIT;
}

static int rep_get_offload_stats(int attr_id, const struct net_device *dev,
				 void *attr_data)
{
	struct rtnl_link_stats64 *s = attr_data;

	if (attr_id != IFLA_OFFLOAD_XSTATS_CPU_HIT)
		return -EINVAL;
	memset(s, 0, sizeof(*s));
	dev_fetch_sw_netstats(s, dev->tstats);
	return 0;
}

static int rep_setup_tc(struct net_device *dev, enum tc_setup_type type,
			void *type_data)
{
	return sluice_offload_setup_tc(rep_vport(dev), type, type_data);
}

static netdev_features_t rep_fix_features(struct net_device *dev,
					  netdev_features_t features)
{
	/* Only a second uplink has a netdev in legacy mode. */
	if (!sluice_esw_is_switchdev(rep_vport(dev)->sdev))
		features &= ~NETIF_F_HW_TC;
	return features;
}

static const struct net_device_ops rep_ops = {
	.ndo_open		= rep_open,
	.ndo_stop		= rep_stop,
	.ndo_start_xmit		= rep_start_xmit,
	.ndo_features_check	= sluice_features_check,
	.ndo_get_stats64	= rep_get_stats64,
	.ndo_has_offload_stats	= rep_has_offload_stats,
	.ndo_get_offload_stats	= rep_get_offload_stats,
	.ndo_change_mtu		= rep_change_mtu,
	.ndo_set_rx_mode	= rep_set_rx_mode,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_setup_tc		= rep_setup_tc,
	.ndo_fix_features	= rep_fix_features,
};

/**
 * sluice_is_rep - is a netdev a representor of this driver
 * @dev: any netdev
 *
 * Return: true for representors; the PF's own netdev is none.
 */
bool sluice_is_rep(const struct net_device *dev)
{
	return dev->netdev_ops == &rep_ops;
}

/**
 * sluice_rep_link_event - set the carrier of a representor
 * @dev: representor
 * @up: carrier
 *
 * Context: any, link_lock held.
 */
void sluice_rep_link_event(struct net_device *dev, bool up)
{
	if (up)
		netif_carrier_on(dev);
	else
		netif_carrier_off(dev);
}

/*
 * A locally administered address that stays the same over mode changes and
 * reboots: made from the identity of the switch and the vport.
 */
static void rep_set_mac(struct net_device *dev,
			const struct sluice_vport *vport)
{
	u8 mac[ETH_ALEN];
	u32 hash;

	hash = jhash(vport->sdev->switch_id, sizeof(vport->sdev->switch_id),
		     0);
	mac[0] = 0x02;
	mac[1] = 0x53;
	mac[2] = hash;
	mac[3] = hash >> 8;
	mac[4] = vport->num >> 8;
	mac[5] = vport->num;
	eth_hw_addr_set(dev, mac);
}

static struct net_device *rep_alloc(struct sluice_vport *vport)
{
	struct sluice_dev *sdev = vport->sdev;
	struct sluice_vport_stats *stats;
	struct net_device *dev;
	struct sluice_rep *rep;

	stats = sluice_stats_buf(sdev, vport->num);
	if (!stats)
		return NULL;
	dev = alloc_etherdev(sizeof(*rep));
	if (!dev)
		return NULL;
	rep = netdev_priv(dev);
	rep->vport = vport;
	rep->stats = stats;

	SET_NETDEV_DEV(dev, &sdev->pdev->dev);
	SET_NETDEV_DEVLINK_PORT(dev, &vport->dl_port);
	dev_net_set(dev, devlink_net(sdev->devlink));
	dev->netdev_ops = &rep_ops;
	sluice_rep_set_ethtool_ops(dev);
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->lltx = true;
	/* The device does not know the address; team and bond change it. */
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	sluice_compat_netns_immutable(dev);
	dev->min_mtu = SLUICE_MTU_MIN;
	dev->max_mtu = SLUICE_MTU_MAX;
	dev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_RXCSUM |
			   NETIF_F_HIGHDMA | NETIF_F_HW_TC | sluice_gso_features(sdev);
	dev->features = dev->hw_features;
	dev->hw_enc_features = NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_HIGHDMA;
	dev->mpls_features = dev->hw_enc_features;
	dev->vlan_features = dev->hw_enc_features | sluice_gso_features(sdev);
	netif_set_tso_max_segs(dev, SLUICE_GSO_SEGS_MAX);
	rep_set_mac(dev, vport);
	netif_carrier_off(dev);
	return dev;
}

/* Netdevs unregistered at once share the grace periods that takes. */
static void reps_unregister(struct sluice_vport **vports, unsigned int n)
{
	LIST_HEAD(list);
	unsigned int i;

	rtnl_lock();
	for (i = 0; i < n; i++) {
		if (sluice_esw_is_switchdev(vports[i]->sdev))
			sluice_offload_vport_gone(vports[i]);
		unregister_netdevice_queue(vports[i]->netdev, &list);
	}
	unregister_netdevice_many(&list);
	rtnl_unlock();
}

static void reps_free(struct sluice_vport **vports, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct sluice_vport *vport = vports[i];

		if (vport->vf >= 0 && vport->dl_registered)
			sluice_devlink_port_unregister(vport);
		if (vport->netdev) {
			free_netdev(vport->netdev);
			vport->netdev = NULL;
		}
	}
}

/**
 * sluice_reps_create - make netdevs for vports
 * @vports: vports; those of uplinks have a devlink port already
 * @n: how many
 *
 * Context: devlink instance lock, takes RTNL once.  Return: 0 or a negative
 * errno, nothing is left then.
 */
int sluice_reps_create(struct sluice_vport **vports, unsigned int n)
{
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		struct sluice_vport *vport = vports[i];

		if (vport->vf >= 0) {
			err = sluice_devlink_port_register(vport);
			if (err)
				goto err_free;
		}
		vport->netdev = rep_alloc(vport);
		if (!vport->netdev) {
			err = -ENOMEM;
			goto err_free;
		}
	}

	rtnl_lock();
	for (i = 0; i < n; i++) {
		err = register_netdevice(vports[i]->netdev);
		if (err)
			break;
	}
	rtnl_unlock();
	if (i < n)
		goto err_unregister;
	return 0;

err_unregister:
	reps_unregister(vports, i);
err_free:
	reps_free(vports, n);
	return err;
}

/**
 * sluice_reps_destroy - take the netdevs of vports away
 * @vports: vports that sluice_reps_create() made netdevs for
 * @n: how many
 *
 * Context: devlink instance lock, takes RTNL once.
 */
void sluice_reps_destroy(struct sluice_vport **vports, unsigned int n)
{
	if (!n)
		return;
	reps_unregister(vports, n);
	reps_free(vports, n);
}
