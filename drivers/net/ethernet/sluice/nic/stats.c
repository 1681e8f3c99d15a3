// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: statistics of a function's netdev.
 *
 * The device counts every frame of a vport once, whoever handled it, and keeps
 * the counts in host memory.  The driver adds only what the device cannot
 * know: frames it lost itself.
 */
#include <net/netdev_queues.h>

#include "nic.h"

/* A counter the device may be writing. */
static u64 sluice_hw(const __le64 *counter)
{
	return le64_to_cpu(READ_ONCE(*counter));
}

static void sluice_rx_read(const struct sluice_rx_stats *stats,
			   struct sluice_rx_stats *copy)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&stats->sync);
		*copy = *stats;
	} while (u64_stats_fetch_retry(&stats->sync, start));
}

static void sluice_tx_read(const struct sluice_tx_stats *stats,
			   struct sluice_tx_stats *copy)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&stats->sync);
		*copy = *stats;
	} while (u64_stats_fetch_retry(&stats->sync, start));
}

/**
 * sluice_get_stats64() - ndo_get_stats64
 * @dev: a function's netdev
 * @s: filled in
 *
 * In switchdev mode the PF's netdev shows the wire's counters.  RCU.
 */
void sluice_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *s)
{
	struct sluice_nic *nic = netdev_priv(dev);
	const struct sluice_vport_stats *hw = nic->hw_stats;
	u64 rx_dropped = 0, tx_dropped = 0;
	unsigned int i;

	if (nic->sdev->is_pf && sluice_esw_is_switchdev(nic->sdev))
		hw = nic->uplink_stats;

	for (i = 0; i < nic->max_channels; i++) {
		struct sluice_rx_stats rx;
		struct sluice_tx_stats tx;

		sluice_rx_read(&nic->rx_stats[i], &rx);
		sluice_tx_read(&nic->tx_stats[i], &tx);
		rx_dropped += rx.dropped;
		tx_dropped += tx.dropped;
	}

	s->rx_packets = sluice_hw(&hw->rx_packets);
	s->rx_bytes = sluice_hw(&hw->rx_bytes);
	s->multicast = sluice_hw(&hw->rx_multicast);
	s->tx_packets = sluice_hw(&hw->tx_packets);
	s->tx_bytes = sluice_hw(&hw->tx_bytes);
	s->rx_missed_errors = sluice_hw(&hw->rx_dropped_nobuf) +
			      sluice_hw(&hw->slow_dropped);
	s->rx_length_errors = sluice_hw(&hw->rx_dropped_mtu);
	s->rx_errors = s->rx_length_errors;
	s->rx_dropped = sluice_hw(&hw->rx_dropped_link) + rx_dropped;
	s->tx_carrier_errors = sluice_hw(&hw->tx_dropped_link);
	s->tx_errors = s->tx_carrier_errors;
	s->tx_dropped = sluice_hw(&hw->tx_dropped_spoof) +
			sluice_hw(&hw->tx_dropped_mtu) +
			sluice_hw(&hw->tx_dropped_rule) + tx_dropped;
}

/**
 * sluice_has_offload_stats() - ndo_has_offload_stats
 * @dev: a PF's netdev
 * @attr: IFLA_OFFLOAD_XSTATS_*
 *
 * Return: true in switchdev mode for frames that went through the CPU.
 */
bool sluice_has_offload_stats(const struct net_device *dev, int attr)
{
	struct sluice_nic *nic = netdev_priv(dev);

	return attr == IFLA_OFFLOAD_XSTATS_CPU_HIT &&
	       sluice_esw_is_switchdev(nic->sdev);
}

/**
 * sluice_get_offload_stats() - ndo_get_offload_stats
 * @attr: IFLA_OFFLOAD_XSTATS_*
 * @dev: a PF's netdev
 * @data: struct rtnl_link_stats64, filled in
 *
 * Return: 0 or -EINVAL.
 */
int sluice_get_offload_stats(int attr, const struct net_device *dev, void *data)
{
	struct rtnl_link_stats64 *s = data;

	if (attr != IFLA_OFFLOAD_XSTATS_CPU_HIT)
		return -EINVAL;
	memset(s, 0, sizeof(*s));
	dev_fetch_sw_netstats(s, dev->tstats);
	return 0;
}

/* ---- per-queue statistics (netlink family netdev) ---- */

static void sluice_queue_rx(struct net_device *dev, int idx,
			    struct netdev_queue_stats_rx *s)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_rx_stats rx;

	sluice_rx_read(&nic->rx_stats[idx], &rx);
	s->packets = rx.packets;
	s->bytes = rx.bytes;
	s->alloc_fail = rx.alloc_fail;
	s->hw_gro_packets = rx.large;
	s->hw_gro_wire_packets = rx.large_segs;
	s->csum_unnecessary = rx.csum_ok;
	s->csum_none = rx.csum_none;
}

static void sluice_queue_tx(struct net_device *dev, int idx,
			    struct netdev_queue_stats_tx *s)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_tx_stats tx;

	sluice_tx_read(&nic->tx_stats[idx], &tx);
	s->packets = tx.packets;
	s->bytes = tx.bytes;
	s->needs_csum = tx.csum;
	s->hw_gso_packets = tx.gso_packets;
	s->hw_gso_wire_packets = tx.gso_segs;
	s->hw_gso_wire_bytes = tx.gso_bytes;
	s->stop = tx.stopped;
	s->wake = tx.woken;
}

/* What queues that do not exist now counted when they did. */
static void sluice_base_stats(struct net_device *dev,
			      struct netdev_queue_stats_rx *rx,
			      struct netdev_queue_stats_tx *tx)
{
	struct sluice_nic *nic = netdev_priv(dev);
	unsigned int i;

	memset(rx, 0, sizeof(*rx));
	memset(tx, 0, sizeof(*tx));
	for (i = dev->real_num_rx_queues; i < nic->max_channels; i++) {
		struct netdev_queue_stats_rx q;

		sluice_queue_rx(dev, i, &q);
		rx->packets += q.packets;
		rx->bytes += q.bytes;
		rx->alloc_fail += q.alloc_fail;
		rx->csum_unnecessary += q.csum_unnecessary;
		rx->csum_none += q.csum_none;
		rx->hw_gro_packets += q.hw_gro_packets;
		rx->hw_gro_wire_packets += q.hw_gro_wire_packets;
	}
	for (i = dev->real_num_tx_queues; i < nic->max_channels; i++) {
		struct netdev_queue_stats_tx q;

		sluice_queue_tx(dev, i, &q);
		tx->packets += q.packets;
		tx->bytes += q.bytes;
		tx->needs_csum += q.needs_csum;
		tx->hw_gso_packets += q.hw_gso_packets;
		tx->hw_gso_wire_packets += q.hw_gso_wire_packets;
		tx->hw_gso_wire_bytes += q.hw_gso_wire_bytes;
		tx->stop += q.stop;
		tx->wake += q.wake;
	}
}

const struct netdev_stat_ops sluice_stat_ops = {
	.get_queue_stats_rx	= sluice_queue_rx,
	.get_queue_stats_tx	= sluice_queue_tx,
	.get_base_stats		= sluice_base_stats,
};

/* ---- ethtool -S ---- */

static const struct {
	char name[ETH_GSTRING_LEN];
	u16 offset;
} sluice_hw_strings[] = {
#define SLUICE_HW_STRING(f) { #f, offsetof(struct sluice_vport_stats, f) }
	SLUICE_HW_STRING(rx_packets),
	SLUICE_HW_STRING(rx_bytes),
	SLUICE_HW_STRING(rx_multicast),
	SLUICE_HW_STRING(rx_broadcast),
	SLUICE_HW_STRING(tx_packets),
	SLUICE_HW_STRING(tx_bytes),
	SLUICE_HW_STRING(tx_multicast),
	SLUICE_HW_STRING(tx_broadcast),
	SLUICE_HW_STRING(rx_dropped_link),
	SLUICE_HW_STRING(rx_dropped_nobuf),
	SLUICE_HW_STRING(rx_dropped_mtu),
	SLUICE_HW_STRING(tx_dropped_link),
	SLUICE_HW_STRING(tx_dropped_spoof),
	SLUICE_HW_STRING(tx_dropped_mtu),
	SLUICE_HW_STRING(tx_dropped_rule),
	SLUICE_HW_STRING(slow_packets),
	SLUICE_HW_STRING(slow_bytes),
	SLUICE_HW_STRING(slow_dropped),
	SLUICE_HW_STRING(samples),
	SLUICE_HW_STRING(samples_dropped),
#undef SLUICE_HW_STRING
};

static const char sluice_sw_strings[][ETH_GSTRING_LEN] = {
	"drv_rx_alloc_fail", "drv_rx_dropped", "drv_rx_slow", "drv_rx_csum_ok",
	"drv_tx_dropped", "drv_tx_linearized", "drv_tx_stopped", "drv_tx_woken",
	"drv_tx_timeouts", "drv_tx_gso", "drv_rx_large",
};

#define SLUICE_NUM_HW	ARRAY_SIZE(sluice_hw_strings)
#define SLUICE_NUM_SW	ARRAY_SIZE(sluice_sw_strings)

/**
 * sluice_nic_num_strings() - number of "ethtool -S" counters
 * @nic: netdev
 *
 * Those of the own vport, on a PF also those of uplink 0, and the driver's.
 *
 * Return: the number.
 */
int sluice_nic_num_strings(const struct sluice_nic *nic)
{
	return SLUICE_NUM_HW * (nic->sdev->is_pf ? 2 : 1) + SLUICE_NUM_SW;
}

/**
 * sluice_nic_strings() - names of the "ethtool -S" counters
 * @nic: netdev
 * @data: room for all of them
 */
void sluice_nic_strings(const struct sluice_nic *nic, u8 *data)
{
	unsigned int i;

	for (i = 0; i < SLUICE_NUM_HW; i++)
		ethtool_puts(&data, sluice_hw_strings[i].name);
	for (i = 0; nic->sdev->is_pf && i < SLUICE_NUM_HW; i++)
		ethtool_sprintf(&data, "wire_%s", sluice_hw_strings[i].name);
	for (i = 0; i < SLUICE_NUM_SW; i++)
		ethtool_puts(&data, sluice_sw_strings[i]);
}

static u64 *sluice_nic_hw_values(const struct sluice_vport_stats *hw, u64 *data)
{
	unsigned int i;

	for (i = 0; i < SLUICE_NUM_HW; i++) {
		const __le64 *v = (const void *)hw + sluice_hw_strings[i].offset;

		*data++ = sluice_hw(v);
	}
	return data;
}

/**
 * sluice_nic_values() - the "ethtool -S" counters, as of now
 * @nic: netdev
 * @data: room for all of them
 *
 * Process context, sleeps.
 */
void sluice_nic_values(const struct sluice_nic *nic, u64 *data)
{
	struct sluice_cmd_hdr sync;
	unsigned int i;

	sluice_cmd_init(&sync, SLUICE_CMD_SYNC, sizeof(sync));
	sluice_cmd_exec(nic->sdev, &sync);

	data = sluice_nic_hw_values(nic->hw_stats, data);
	if (nic->sdev->is_pf)
		data = sluice_nic_hw_values(nic->uplink_stats, data);
	memset(data, 0, SLUICE_NUM_SW * sizeof(*data));
	for (i = 0; i < nic->max_channels; i++) {
		struct sluice_rx_stats rx;
		struct sluice_tx_stats tx;

		sluice_rx_read(&nic->rx_stats[i], &rx);
		sluice_tx_read(&nic->tx_stats[i], &tx);
		data[0] += rx.alloc_fail;
		data[1] += rx.dropped;
		data[2] += rx.slow;
		data[3] += rx.csum_ok;
		data[4] += tx.dropped;
		data[5] += tx.linearized;
		data[6] += tx.stopped;
		data[7] += tx.woken;
		data[8] += tx.timeouts;
		data[9] += tx.gso_packets;
		data[10] += rx.large;
	}
}

/**
 * sluice_nic_stats_init() - allocate counters
 * @nic: netdev, not registered yet
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_nic_stats_init(struct sluice_nic *nic)
{
	struct sluice_dev *sdev = nic->sdev;
	unsigned int i;

	nic->hw_stats = sluice_stats_buf(sdev, sdev->vport);
	if (!nic->hw_stats)
		return -ENOMEM;
	if (sdev->is_pf) {
		nic->uplink_stats = sluice_stats_buf(sdev, SLUICE_VPORT_UPLINK(0));
		if (!nic->uplink_stats)
			return -ENOMEM;
	}
	nic->rx_stats = kcalloc(nic->max_channels, sizeof(*nic->rx_stats), GFP_KERNEL);
	nic->tx_stats = kcalloc(nic->max_channels, sizeof(*nic->tx_stats), GFP_KERNEL);
	if (!nic->rx_stats || !nic->tx_stats) {
		sluice_nic_stats_fini(nic);
		return -ENOMEM;
	}
	for (i = 0; i < nic->max_channels; i++) {
		u64_stats_init(&nic->rx_stats[i].sync);
		u64_stats_init(&nic->tx_stats[i].sync);
	}
	return 0;
}

/**
 * sluice_nic_stats_fini() - free counters
 * @nic: netdev, unregistered
 */
void sluice_nic_stats_fini(struct sluice_nic *nic)
{
	kfree(nic->rx_stats);
	kfree(nic->tx_stats);
	nic->rx_stats = NULL;
	nic->tx_stats = NULL;
}
