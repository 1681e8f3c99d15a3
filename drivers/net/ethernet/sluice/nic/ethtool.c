// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: ethtool operations of a function's netdev.
 */
#include <linux/ethtool.h>
#include <linux/log2.h>

#include "nic.h"

#define SLUICE_MAX_USECS	10000
#define SLUICE_MAX_FRAMES	256

static void sluice_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	struct sluice_nic *nic = netdev_priv(dev);

	strscpy(info->driver, SLUICE_DRV_NAME, sizeof(info->driver));
	strscpy(info->fw_version, nic->sdev->fw_version, sizeof(info->fw_version));
	strscpy(info->bus_info, pci_name(nic->sdev->pdev), sizeof(info->bus_info));
}

static int sluice_get_link_ksettings(struct net_device *dev,
				     struct ethtool_link_ksettings *ks)
{
	struct sluice_nic *nic = netdev_priv(dev);

	ethtool_link_ksettings_zero_link_mode(ks, supported);
	ethtool_link_ksettings_zero_link_mode(ks, advertising);
	ks->base.autoneg = AUTONEG_DISABLE;
	ks->base.port = PORT_OTHER;
	ks->base.duplex = netif_carrier_ok(dev) ? DUPLEX_FULL : DUPLEX_UNKNOWN;
	ks->base.speed = netif_carrier_ok(dev) ? nic->speed : SPEED_UNKNOWN;
	return 0;
}

static void sluice_get_ringparam(struct net_device *dev,
				 struct ethtool_ringparam *ring,
				 struct kernel_ethtool_ringparam *kring,
				 struct netlink_ext_ack *extack)
{
	struct sluice_nic *nic = netdev_priv(dev);

	ring->rx_max_pending = BIT(SLUICE_RING_LOG_MAX);
	ring->tx_max_pending = BIT(SLUICE_RING_LOG_MAX);
	ring->rx_pending = BIT(nic->rx_log);
	ring->tx_pending = BIT(nic->tx_log);
}

static int sluice_set_ringparam(struct net_device *dev,
				struct ethtool_ringparam *ring,
				struct kernel_ethtool_ringparam *kring,
				struct netlink_ext_ack *extack)
{
	struct sluice_nic *nic = netdev_priv(dev);
	u8 rx_log, tx_log;

	if (ring->rx_mini_pending || ring->rx_jumbo_pending) {
		NL_SET_ERR_MSG_MOD(extack, "no mini or jumbo rings");
		return -EINVAL;
	}
	if (ring->rx_pending < BIT(SLUICE_RING_LOG_MIN) ||
	    ring->tx_pending < BIT(SLUICE_RING_LOG_MIN)) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "a ring has at least %lu entries",
				       BIT(SLUICE_RING_LOG_MIN));
		return -EINVAL;
	}
	rx_log = order_base_2(ring->rx_pending);
	tx_log = order_base_2(ring->tx_pending);
	if (rx_log == nic->rx_log && tx_log == nic->tx_log)
		return 0;
	return sluice_channels_change(nic, nic->num_channels, tx_log, rx_log);
}

static void sluice_get_channels(struct net_device *dev, struct ethtool_channels *ch)
{
	struct sluice_nic *nic = netdev_priv(dev);

	ch->max_combined = nic->max_channels;
	ch->combined_count = nic->num_channels;
}

static int sluice_set_channels(struct net_device *dev, struct ethtool_channels *ch)
{
	struct sluice_nic *nic = netdev_priv(dev);

	if (!ch->combined_count || ch->rx_count || ch->tx_count || ch->other_count)
		return -EINVAL;
	if (ch->combined_count == nic->num_channels)
		return 0;
	/* A table the user gave must not name queues that go. */
	if (netif_is_rxfh_configured(dev) &&
	    ch->combined_count < nic->num_channels) {
		unsigned int i;

		for (i = 0; i < SLUICE_RSS_TABLE_SIZE; i++)
			if (nic->rss_table[i] >= ch->combined_count)
				return -EINVAL;
	}
	return sluice_channels_change(nic, ch->combined_count, nic->tx_log, nic->rx_log);
}

static int sluice_get_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
			       struct kernel_ethtool_coalesce *kec,
			       struct netlink_ext_ack *extack)
{
	struct sluice_nic *nic = netdev_priv(dev);

	/* A channel has one interrupt for both ways. */
	ec->rx_coalesce_usecs = nic->usecs;
	ec->tx_coalesce_usecs = nic->usecs;
	ec->rx_max_coalesced_frames = nic->frames;
	ec->tx_max_coalesced_frames = nic->frames;
	ec->use_adaptive_rx_coalesce = nic->adaptive;
	return 0;
}

static int sluice_set_coalesce(struct net_device *dev, struct ethtool_coalesce *ec,
			       struct kernel_ethtool_coalesce *kec,
			       struct netlink_ext_ack *extack)
{
	struct sluice_nic *nic = netdev_priv(dev);
	u32 usecs, frames;

	if (!(nic->sdev->caps & SLUICE_CAP_MODERATION)) {
		NL_SET_ERR_MSG_MOD(extack, "the device has no interrupt moderation");
		return -EOPNOTSUPP;
	}
	/* Whichever side differs from what is set is what was meant. */
	usecs = ec->rx_coalesce_usecs != nic->usecs ? ec->rx_coalesce_usecs :
						      ec->tx_coalesce_usecs;
	frames = ec->rx_max_coalesced_frames != nic->frames ?
		 ec->rx_max_coalesced_frames : ec->tx_max_coalesced_frames;
	if ((ec->tx_coalesce_usecs != nic->usecs && ec->tx_coalesce_usecs != usecs) ||
	    (ec->tx_max_coalesced_frames != nic->frames &&
	     ec->tx_max_coalesced_frames != frames)) {
		NL_SET_ERR_MSG_MOD(extack,
				   "rx and tx share an interrupt and cannot differ");
		return -EINVAL;
	}
	if (usecs > SLUICE_MAX_USECS || frames > SLUICE_MAX_FRAMES) {
		NL_SET_ERR_MSG_FMT_MOD(extack, "at most %u usecs and %u frames",
				       SLUICE_MAX_USECS, SLUICE_MAX_FRAMES);
		return -EINVAL;
	}
	return sluice_channels_moderate(nic, usecs, frames,
					ec->use_adaptive_rx_coalesce);
}

static int sluice_get_sset_count(struct net_device *dev, int sset)
{
	return sset == ETH_SS_STATS ? sluice_nic_num_strings(netdev_priv(dev)) :
				      -EOPNOTSUPP;
}

static void sluice_get_strings(struct net_device *dev, u32 sset, u8 *data)
{
	if (sset == ETH_SS_STATS)
		sluice_nic_strings(netdev_priv(dev), data);
}

static void sluice_get_ethtool_stats(struct net_device *dev,
				     struct ethtool_stats *stats, u64 *data)
{
	sluice_nic_values(netdev_priv(dev), data);
}

static u32 sluice_get_rxfh_key_size(struct net_device *dev)
{
	return SLUICE_RSS_KEY_SIZE;
}

static u32 sluice_get_rxfh_indir_size(struct net_device *dev)
{
	return SLUICE_RSS_TABLE_SIZE;
}

static int sluice_get_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh)
{
	struct sluice_nic *nic = netdev_priv(dev);
	unsigned int i;

	rxfh->hfunc = ETH_RSS_HASH_TOP;
	if (rxfh->indir)
		for (i = 0; i < SLUICE_RSS_TABLE_SIZE; i++)
			rxfh->indir[i] = nic->rss_table[i];
	if (rxfh->key)
		memcpy(rxfh->key, nic->rss_key, sizeof(nic->rss_key));
	return 0;
}

static int sluice_set_rxfh(struct net_device *dev, struct ethtool_rxfh_param *rxfh,
			   struct netlink_ext_ack *extack)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_dev *sdev = nic->sdev;
	unsigned int i;
	int err = 0;

	if (rxfh->hfunc != ETH_RSS_HASH_NO_CHANGE && rxfh->hfunc != ETH_RSS_HASH_TOP) {
		NL_SET_ERR_MSG_MOD(extack, "the only hash function is Toeplitz");
		return -EOPNOTSUPP;
	}
	mutex_lock(&sdev->channels_lock);
	if (rxfh->indir)
		for (i = 0; i < SLUICE_RSS_TABLE_SIZE; i++)
			nic->rss_table[i] = rxfh->indir[i];
	if (rxfh->key)
		memcpy(nic->rss_key, rxfh->key, sizeof(nic->rss_key));
	if (rcu_access_pointer(sdev->channels))
		err = sluice_channels_rss(nic);
	mutex_unlock(&sdev->channels_lock);
	return err;
}

/* Fields that go into the hash; fixed. */
static u64 sluice_rxfh_data(u32 flow_type)
{
	switch (flow_type) {
	case TCP_V4_FLOW:
	case TCP_V6_FLOW:
	case UDP_V4_FLOW:
	case UDP_V6_FLOW:
		return RXH_IP_SRC | RXH_IP_DST | RXH_L4_B_0_1 | RXH_L4_B_2_3;
	case IPV4_FLOW:
	case IPV6_FLOW:
	case SCTP_V4_FLOW:
	case SCTP_V6_FLOW:
		return RXH_IP_SRC | RXH_IP_DST;
	default:
		return 0;
	}
}

#ifdef SLUICE_COMPAT_RXFH_FIELDS
static int sluice_get_rxfh_fields(struct net_device *dev,
				  struct ethtool_rxfh_fields *fields)
{
	fields->data = sluice_rxfh_data(fields->flow_type);
	return 0;
}

static u32 sluice_get_rx_ring_count(struct net_device *dev)
{
	struct sluice_nic *nic = netdev_priv(dev);

	return nic->num_channels;
}
#else
static int sluice_get_rxnfc(struct net_device *dev, struct ethtool_rxnfc *nfc,
			    u32 *rules)
{
	struct sluice_nic *nic = netdev_priv(dev);

	switch (nfc->cmd) {
	case ETHTOOL_GRXRINGS:
		nfc->data = nic->num_channels;
		return 0;
	case ETHTOOL_GRXFH:
		nfc->data = sluice_rxfh_data(nfc->flow_type);
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
#endif

const struct ethtool_ops sluice_ethtool_ops = {
	.supported_coalesce_params = ETHTOOL_COALESCE_USECS |
				     ETHTOOL_COALESCE_MAX_FRAMES |
				     ETHTOOL_COALESCE_USE_ADAPTIVE_RX,
	.get_drvinfo		= sluice_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_link_ksettings	= sluice_get_link_ksettings,
	.get_ringparam		= sluice_get_ringparam,
	.set_ringparam		= sluice_set_ringparam,
	.get_channels		= sluice_get_channels,
	.set_channels		= sluice_set_channels,
	.get_coalesce		= sluice_get_coalesce,
	.set_coalesce		= sluice_set_coalesce,
	.get_sset_count		= sluice_get_sset_count,
	.get_strings		= sluice_get_strings,
	.get_ethtool_stats	= sluice_get_ethtool_stats,
	.get_rxfh_key_size	= sluice_get_rxfh_key_size,
	.get_rxfh_indir_size	= sluice_get_rxfh_indir_size,
	.get_rxfh		= sluice_get_rxfh,
	.set_rxfh		= sluice_set_rxfh,
#ifdef SLUICE_COMPAT_RXFH_FIELDS
	.get_rxfh_fields	= sluice_get_rxfh_fields,
	.get_rx_ring_count	= sluice_get_rx_ring_count,
#else
	.get_rxnfc		= sluice_get_rxnfc,
#endif
	.get_ts_info		= ethtool_op_get_ts_info,
};
