// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: the netdev of a function.
 *
 * A VF's is an ordinary NIC.  A PF's is one in legacy mode; in switchdev mode
 * it is the representor of uplink 0.
 */
#include <linux/etherdevice.h>
#include <linux/slab.h>

#include "nic.h"

static void sluice_nic_carrier(struct sluice_nic *nic, bool up, u32 speed)
{
	nic->speed = up && speed ? speed : SPEED_UNKNOWN;
	if (up && !READ_ONCE(nic->sdev->dead))
		netif_carrier_on(nic->netdev);
	else
		netif_carrier_off(nic->netdev);
}

/* ---- ndo ---- */

static int sluice_open(struct net_device *dev)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_dev *sdev = nic->sdev;
	int err;

	err = sluice_channels_get(sdev);
	if (err) {
		netdev_err(dev, "cannot create the rings: %pe\n", ERR_PTR(err));
		return err;
	}
	if (sdev->is_pf) {
		err = sluice_esw_uplink_open(sdev);
		if (err) {
			sluice_channels_put(sdev);
			return err;
		}
	}
	nic->opened = true;
	netif_tx_start_all_queues(dev);
	return 0;
}

static int sluice_stop(struct net_device *dev)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_dev *sdev = nic->sdev;

	netif_tx_disable(dev);
	nic->opened = false;
	if (sdev->is_pf)
		sluice_esw_uplink_stop(sdev);
	sluice_channels_put(sdev);
	return 0;
}

static int sluice_set_mac(struct net_device *dev, void *addr)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_cmd_mac cmd = {};
	struct sockaddr *sa = addr;
	int err;

	err = eth_prepare_mac_addr_change(dev, addr);
	if (err)
		return err;
	if (ether_addr_equal(dev->dev_addr, sa->sa_data))
		return 0;
	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_SET_MAC, sizeof(cmd));
	ether_addr_copy(cmd.mac, sa->sa_data);
	err = sluice_cmd_exec(nic->sdev, &cmd.hdr);
	if (err)
		return err;
	eth_commit_mac_addr_change(dev, addr);
	return 0;
}

/* The wire's MTU follows the netdev that stands for it. */
static int sluice_uplink_mtu(struct sluice_dev *sdev, int mtu)
{
	struct sluice_cmd_vport cmd = {
		.fields = cpu_to_le32(SLUICE_VPORT_F_MTU),
		.mtu = cpu_to_le16(mtu),
	};

	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_VPORT_SET, sizeof(cmd));
	cmd.hdr.vport = cpu_to_le16(SLUICE_VPORT_UPLINK(0));
	return sluice_cmd_exec(sdev, &cmd.hdr);
}

static int sluice_change_mtu(struct net_device *dev, int mtu)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_dev *sdev = nic->sdev;
	int err;

	err = sluice_cmd_u32(sdev, SLUICE_CMD_SET_MTU, 0, mtu);
	if (err)
		return err;
	if (sdev->is_pf) {
		err = sluice_uplink_mtu(sdev, mtu);
		if (err) {
			sluice_cmd_u32(sdev, SLUICE_CMD_SET_MTU, 0, dev->mtu);
			return err;
		}
	}
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static void sluice_tx_timeout(struct net_device *dev, unsigned int txq)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_tx_stats *stats = &nic->tx_stats[txq];

	u64_stats_update_begin(&stats->sync);
	stats->timeouts++;
	u64_stats_update_end(&stats->sync);
	/* A lost interrupt is cured here, a dead function by the watchdog. */
	sluice_channels_kick(nic->sdev, txq);
}

static int sluice_setup_tc(struct net_device *dev, enum tc_setup_type type,
			   void *type_data)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_dev *sdev = nic->sdev;
	struct sluice_vport *vport;

	/* Only the switch has tables: a VF's rules stay in software. */
	if (!sdev->is_pf)
		return -EOPNOTSUPP;
	vport = sluice_esw_uplink_vport(sdev, 0);
	return vport ? sluice_offload_setup_tc(vport, type, type_data) :
		       -EOPNOTSUPP;
}

static netdev_features_t sluice_fix_features(struct net_device *dev,
					     netdev_features_t features)
{
	struct sluice_nic *nic = netdev_priv(dev);

	/* Without tables there is nothing to offload to. */
	if (nic->sdev->is_pf && !sluice_esw_is_switchdev(nic->sdev))
		features &= ~NETIF_F_HW_TC;
	/* Who wants no GRO wants none of the device's either. */
	if (!(features & NETIF_F_GRO))
		features &= ~NETIF_F_GRO_HW;
	return features;
}

static int sluice_set_features(struct net_device *dev, netdev_features_t features)
{
	struct sluice_nic *nic = netdev_priv(dev);
	bool large = features & NETIF_F_GRO_HW;

	return large == nic->large ? 0 : sluice_channels_large(nic, large);
}

static const struct net_device_ops sluice_vf_netdev_ops = {
	.ndo_open		= sluice_open,
	.ndo_stop		= sluice_stop,
	.ndo_start_xmit		= sluice_start_xmit,
	.ndo_features_check	= sluice_features_check,
	.ndo_set_rx_mode	= sluice_set_rx_mode,
	.ndo_set_mac_address	= sluice_set_mac,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_change_mtu		= sluice_change_mtu,
	.ndo_get_stats64	= sluice_get_stats64,
	.ndo_tx_timeout		= sluice_tx_timeout,
	.ndo_setup_tc		= sluice_setup_tc,
	.ndo_fix_features	= sluice_fix_features,
	.ndo_set_features	= sluice_set_features,
};

static const struct net_device_ops sluice_pf_netdev_ops = {
	.ndo_open		= sluice_open,
	.ndo_stop		= sluice_stop,
	.ndo_start_xmit		= sluice_start_xmit,
	.ndo_features_check	= sluice_features_check,
	.ndo_set_rx_mode	= sluice_set_rx_mode,
	.ndo_set_mac_address	= sluice_set_mac,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_change_mtu		= sluice_change_mtu,
	.ndo_get_stats64	= sluice_get_stats64,
	.ndo_has_offload_stats	= sluice_has_offload_stats,
	.ndo_get_offload_stats	= sluice_get_offload_stats,
	.ndo_tx_timeout		= sluice_tx_timeout,
	.ndo_setup_tc		= sluice_setup_tc,
	.ndo_fix_features	= sluice_fix_features,
	.ndo_set_features	= sluice_set_features,
	.ndo_set_vf_mac		= sluice_set_vf_mac,
	.ndo_set_vf_vlan	= sluice_set_vf_vlan,
	.ndo_set_vf_rate	= sluice_set_vf_rate,
	.ndo_set_vf_spoofchk	= sluice_set_vf_spoofchk,
	.ndo_set_vf_trust	= sluice_set_vf_trust,
	.ndo_set_vf_link_state	= sluice_set_vf_link_state,
	.ndo_get_vf_config	= sluice_get_vf_config,
	.ndo_get_vf_stats	= sluice_get_vf_stats,
};

/* ---- life ---- */

/* Take address, MTU and link from the device.  RTNL held. */
static int sluice_nic_sync(struct sluice_nic *nic)
{
	struct sluice_dev *sdev = nic->sdev;
	struct net_device *dev = nic->netdev;
	struct sluice_func_info info;
	int mtu, err;

	err = sluice_cmd_query(sdev, SLUICE_CMD_QUERY_FUNC, 0, &info, sizeof(info));
	if (err)
		return err;
	mtu = clamp_t(int, le16_to_cpu(info.max_mtu), SLUICE_MTU_MIN, SLUICE_MTU_MAX);
	if (dev->mtu > mtu)
		dev_set_mtu(dev, mtu);
	sluice_nic_carrier(nic, info.link, le32_to_cpu(info.speed));
	return 0;
}

/* Tell a device that was reset what the netdev is set to.  RTNL held. */
static int sluice_nic_replay(struct sluice_nic *nic)
{
	struct net_device *dev = nic->netdev;
	struct sluice_cmd_mac cmd = {};
	int err;

	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_SET_MAC, sizeof(cmd));
	ether_addr_copy(cmd.mac, dev->dev_addr);
	err = sluice_cmd_exec(nic->sdev, &cmd.hdr);
	/* An address the PF gave meanwhile wins: its event tells. */
	if (err && err != -EPERM)
		return err;
	err = sluice_cmd_u32(nic->sdev, SLUICE_CMD_SET_MTU, 0, dev->mtu);
	if (err && err != -EPERM && err != -EINVAL)
		return err;
	sluice_filter_forget(nic);
	schedule_work(&nic->filter_work);
	return 0;
}

static int sluice_nic_first_mac(struct sluice_nic *nic,
				const struct sluice_func_info *info)
{
	struct net_device *dev = nic->netdev;
	struct sluice_cmd_mac cmd = {};

	if (is_valid_ether_addr(info->mac)) {
		eth_hw_addr_set(dev, info->mac);
		return 0;
	}
	/* The PF left the choice to us. */
	eth_hw_addr_random(dev);
	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_SET_MAC, sizeof(cmd));
	ether_addr_copy(cmd.mac, dev->dev_addr);
	return sluice_cmd_exec(nic->sdev, &cmd.hdr);
}

static void sluice_nic_features(struct sluice_nic *nic)
{
	struct net_device *dev = nic->netdev;
	u64 caps = nic->sdev->caps;

	dev->hw_features = NETIF_F_SG | NETIF_F_HW_TC;
	if (caps & SLUICE_CAP_TX_CSUM)
		dev->hw_features |= NETIF_F_HW_CSUM;
	if (caps & SLUICE_CAP_RX_CSUM)
		dev->hw_features |= NETIF_F_RXCSUM;
	if (caps & SLUICE_CAP_RSS)
		dev->hw_features |= NETIF_F_RXHASH;
	if (caps & SLUICE_CAP_LARGE_RX && caps & SLUICE_CAP_RX_CSUM)
		dev->hw_features |= NETIF_F_GRO_HW;
	dev->hw_features |= sluice_gso_features(nic->sdev);
	dev->features = dev->hw_features | NETIF_F_HIGHDMA;
	/* Rules of a VF stay in software: it is off until somebody asks. */
	if (!nic->sdev->is_pf)
		dev->features &= ~NETIF_F_HW_TC;
	nic->large = dev->features & NETIF_F_GRO_HW;
	dev->hw_enc_features = dev->hw_features & (NETIF_F_SG | NETIF_F_HW_CSUM);
	dev->hw_enc_features |= NETIF_F_HIGHDMA;
	dev->vlan_features = dev->hw_enc_features | sluice_gso_features(nic->sdev);
	netif_set_tso_max_segs(dev, SLUICE_GSO_SEGS_MAX);
}

static void sluice_nic_setup(struct sluice_nic *nic, const struct sluice_func_info *info)
{
	struct sluice_dev *sdev = nic->sdev;
	struct net_device *dev = nic->netdev;

	SET_NETDEV_DEV(dev, &sdev->pdev->dev);
	if (sdev->devlink)
		dev_net_set(dev, devlink_net(sdev->devlink));
	dev->netdev_ops = sdev->is_pf ? &sluice_pf_netdev_ops : &sluice_vf_netdev_ops;
	dev->ethtool_ops = &sluice_ethtool_ops;
	dev->stat_ops = &sluice_stat_ops;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->watchdog_timeo = 15 * HZ;
	dev->min_mtu = SLUICE_MTU_MIN;
	/* The PF may set a limit below it and lift it again: the device refuses. */
	dev->max_mtu = SLUICE_MTU_MAX;
	dev->mtu = clamp_t(unsigned int, le16_to_cpu(info->mtu), dev->min_mtu,
			   dev->max_mtu);
	dev->priv_flags |= IFF_UNICAST_FLT | IFF_LIVE_ADDR_CHANGE;
	ether_addr_copy(dev->perm_addr, sdev->permanent_mac);
	dev->dev_port = 0;
	sluice_nic_features(nic);

	nic->num_channels = min_t(u16, nic->max_channels, netif_get_num_default_rss_queues());
	nic->tx_log = SLUICE_RING_LOG_DEFAULT;
	nic->rx_log = SLUICE_RING_LOG_DEFAULT;
	nic->speed = SPEED_UNKNOWN;
	if (sdev->caps & SLUICE_CAP_MODERATION) {
		nic->usecs = 20;
		nic->frames = 32;
		nic->adaptive = true;
	}
	netdev_rss_key_fill(nic->rss_key, sizeof(nic->rss_key));
	sluice_rss_default(nic);
}

/* As many channels as the device has queues and the host gave vectors for. */
static u16 sluice_nic_max_channels(const struct sluice_dev *sdev)
{
	const struct sluice_limits *lim = &sdev->limits;
	u16 max = min3(min(lim->max_txqs, lim->max_rxqs), lim->max_cqs,
		       lim->max_vectors - 1);

	while (max > 1 && pci_irq_vector(sdev->pdev, max) < 0)
		max--;
	return max;
}

/**
 * sluice_nic_init() - create and register the netdev of a function
 * @sdev: function with a working control ring; a PF also has its eSwitch
 *
 * Process context without RTNL.
 *
 * Return: 0 or a negative errno.
 */
int sluice_nic_init(struct sluice_dev *sdev)
{
	u16 max = sluice_nic_max_channels(sdev);
	struct sluice_func_info info;
	struct net_device *dev;
	struct sluice_nic *nic;
	int err;

	err = sluice_cmd_query(sdev, SLUICE_CMD_QUERY_FUNC, 0, &info, sizeof(info));
	if (err)
		return err;
	dev = alloc_etherdev_mqs(sizeof(*nic), max, max);
	if (!dev)
		return -ENOMEM;
	nic = netdev_priv(dev);
	nic->sdev = sdev;
	nic->netdev = dev;
	nic->max_channels = max;
	sluice_nic_setup(nic, &info);

	err = sluice_nic_stats_init(nic);
	if (err)
		goto err_free;
	err = sluice_filter_init(nic);
	if (err)
		goto err_stats;
	err = sluice_nic_first_mac(nic, &info);
	if (err)
		goto err_filter;
	err = netif_set_real_num_queues(dev, nic->num_channels, nic->num_channels);
	if (err)
		goto err_filter;
	netif_carrier_off(dev);
	sdev->netdev = dev;
	if (sdev->is_pf)
		sluice_esw_uplink_attach(sdev, dev);

	err = register_netdev(dev);
	if (err)
		goto err_unset;
	rtnl_lock();
	sluice_nic_carrier(nic, info.link, le32_to_cpu(info.speed));
	rtnl_unlock();
	return 0;

err_unset:
	sdev->netdev = NULL;
err_filter:
	sluice_filter_fini(nic);
err_stats:
	sluice_nic_stats_fini(nic);
err_free:
	free_netdev(dev);
	return err;
}

/**
 * sluice_nic_fini() - unregister and free the netdev of a function
 * @sdev: function; harmless when it has no netdev
 *
 * Process context without RTNL.
 */
void sluice_nic_fini(struct sluice_dev *sdev)
{
	struct net_device *dev = sdev->netdev;
	struct sluice_nic *nic;

	if (!dev)
		return;
	nic = netdev_priv(dev);
	unregister_netdev(dev);
	sluice_filter_fini(nic);
	sdev->netdev = NULL;
	sluice_nic_stats_fini(nic);
	free_netdev(dev);
}

/**
 * sluice_nic_suspend() - detach the netdev and free its rings before a reset
 * @sdev: function
 *
 * Process context without RTNL.
 */
void sluice_nic_suspend(struct sluice_dev *sdev)
{
	struct sluice_nic *nic = netdev_priv(sdev->netdev);

	rtnl_lock();
	netif_carrier_off(sdev->netdev);
	netif_device_detach(sdev->netdev);
	sluice_channels_suspend(sdev);
	rtnl_unlock();
	cancel_work_sync(&nic->filter_work);
}

/**
 * sluice_nic_resume() - attach the netdev again after a reset
 * @sdev: function with a working control ring
 *
 * Process context without RTNL.
 *
 * Return: 0 or a negative errno.
 */
int sluice_nic_resume(struct sluice_dev *sdev)
{
	struct sluice_nic *nic = netdev_priv(sdev->netdev);
	int err;

	rtnl_lock();
	err = sluice_nic_replay(nic);
	if (!err)
		err = sluice_channels_resume(sdev);
	if (!err) {
		netif_device_attach(sdev->netdev);
		err = sluice_nic_sync(nic);
	}
	rtnl_unlock();
	return err;
}

/**
 * sluice_nic_dead() - the function died
 * @sdev: function marked dead
 *
 * Any context.
 */
void sluice_nic_dead(struct sluice_dev *sdev)
{
	struct net_device *dev = READ_ONCE(sdev->netdev);

	if (dev)
		netif_carrier_off(dev);
}

static void sluice_nic_event_mac(struct sluice_nic *nic, const struct sluice_event *ev)
{
	u32 lo = le32_to_cpu(ev->data[0]), hi = le32_to_cpu(ev->data[1]);
	struct net_device *dev = nic->netdev;
	struct sockaddr_storage ss = {};
	u8 addr[ETH_ALEN] = { lo, lo >> 8, lo >> 16, lo >> 24, hi, hi >> 8 };

	if (!is_valid_ether_addr(addr) || ether_addr_equal(addr, dev->dev_addr))
		return;
	ss.ss_family = dev->type;
	memcpy(ss.__data, addr, ETH_ALEN);
	eth_commit_mac_addr_change(dev, &ss);
	call_netdevice_notifiers(NETDEV_CHANGEADDR, dev);
	netdev_info(dev, "the PF set the address to %pM\n", addr);
}

static void sluice_nic_event_mtu(struct sluice_nic *nic, const struct sluice_event *ev)
{
	u32 mtu = le32_to_cpu(ev->data[0]);
	struct net_device *dev = nic->netdev;
	int err;

	if (mtu < SLUICE_MTU_MIN || mtu > SLUICE_MTU_MAX)
		return;
	err = dev_set_mtu(dev, mtu);
	if (err)
		netdev_warn(dev, "the PF set the MTU to %u: %pe\n", mtu, ERR_PTR(err));
}

/**
 * sluice_nic_event() - something happened to the function's vport
 * @sdev: function
 * @ev: event, copied from the ring
 *
 * Process context without locks.
 */
void sluice_nic_event(struct sluice_dev *sdev, const struct sluice_event *ev)
{
	struct net_device *dev = sdev->netdev;
	struct sluice_nic *nic;

	if (!dev)
		return;
	nic = netdev_priv(dev);
	rtnl_lock();
	switch (ev->type) {
	case SLUICE_EVENT_LINK:
		/* A PF's netdev shows the wire's link. */
		if (sdev->is_pf &&
		    le16_to_cpu(ev->vport) != SLUICE_VPORT_UPLINK(0))
			break;
		sluice_nic_carrier(nic, le32_to_cpu(ev->data[0]) & 1,
				   le32_to_cpu(ev->data[1]));
		break;
	case SLUICE_EVENT_MTU:
		sluice_nic_event_mtu(nic, ev);
		break;
	case SLUICE_EVENT_MAC:
		sluice_nic_event_mac(nic, ev);
		break;
	case SLUICE_EVENT_POLICY:
		/* What was refused may be allowed now. */
		schedule_work(&nic->filter_work);
		break;
	}
	rtnl_unlock();
}
