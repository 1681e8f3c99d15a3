// SPDX-License-Identifier: GPL-2.0-only
/*
 * ethtool of representors.
 */
#include <linux/ethtool.h>

#include "eswitch.h"

/* Statistics of the vport, seen from its owner as the device keeps them. */
static const struct {
	char name[ETH_GSTRING_LEN];
	unsigned int offset;
} rep_stats[] = {
#define REP_STAT(field) \
	{ "vport_" #field, offsetof(struct sluice_vport_stats, field) }
	REP_STAT(rx_packets),
	REP_STAT(rx_bytes),
	REP_STAT(rx_multicast),
	REP_STAT(rx_broadcast),
	REP_STAT(tx_packets),
	REP_STAT(tx_bytes),
	REP_STAT(tx_multicast),
	REP_STAT(tx_broadcast),
	REP_STAT(rx_dropped_link),
	REP_STAT(rx_dropped_nobuf),
	REP_STAT(rx_dropped_mtu),
	REP_STAT(tx_dropped_link),
	REP_STAT(tx_dropped_spoof),
	REP_STAT(tx_dropped_mtu),
	REP_STAT(tx_dropped_rule),
	REP_STAT(slow_packets),
	REP_STAT(slow_bytes),
	REP_STAT(slow_dropped),
	REP_STAT(samples),
	REP_STAT(samples_dropped),
#undef REP_STAT
};

static void rep_get_drvinfo(struct net_device *dev,
			    struct ethtool_drvinfo *info)
{
	const struct sluice_rep *rep = netdev_priv(dev);
	const struct sluice_dev *sdev = rep->vport->sdev;

	strscpy(info->driver, "sluice_rep", sizeof(info->driver));
	strscpy(info->fw_version, sdev->fw_version, sizeof(info->fw_version));
	strscpy(info->bus_info, pci_name(sdev->pdev), sizeof(info->bus_info));
}

static int rep_get_link_ksettings(struct net_device *dev,
				  struct ethtool_link_ksettings *ks)
{
	const struct sluice_rep *rep = netdev_priv(dev);
	const struct sluice_vport *vport = rep->vport;
	u32 speed = 0;

	if (vport->uplink >= 0)
		speed = READ_ONCE(vport->sdev->esw->uplinks[vport->uplink].speed);
	ethtool_link_ksettings_zero_link_mode(ks, supported);
	ethtool_link_ksettings_zero_link_mode(ks, advertising);
	ks->base.speed = speed && netif_carrier_ok(dev) ? speed : SPEED_UNKNOWN;
	ks->base.duplex = DUPLEX_FULL;
	ks->base.autoneg = AUTONEG_DISABLE;
	ks->base.port = PORT_OTHER;
	return 0;
}

static int rep_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? ARRAY_SIZE(rep_stats) : -EOPNOTSUPP;
}

static void rep_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	unsigned int i;

	if (sset != ETH_SS_STATS)
		return;
	for (i = 0; i < ARRAY_SIZE(rep_stats); i++)
		ethtool_puts(&data, rep_stats[i].name);
}

static void rep_get_ethtool_stats(struct net_device *dev,
				  struct ethtool_stats *stats, u64 *data)
{
	const struct sluice_rep *rep = netdev_priv(dev);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rep_stats); i++) {
		const __le64 *p = (const void *)rep->stats +
				  rep_stats[i].offset;

		data[i] = le64_to_cpu(READ_ONCE(*p));
	}
}

static const struct ethtool_ops rep_ethtool_ops = {
	.get_drvinfo		= rep_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= rep_get_link_ksettings,
	.get_sset_count		= rep_get_sset_count,
	.get_strings		= rep_get_strings,
	.get_ethtool_stats	= rep_get_ethtool_stats,
	.get_ts_info		= ethtool_op_get_ts_info,
};

/**
 * sluice_rep_set_ethtool_ops - give a representor its ethtool operations
 * @dev: representor, not yet registered
 */
void sluice_rep_set_ethtool_ops(struct net_device *dev)
{
	dev->ethtool_ops = &rep_ethtool_ops;
}
