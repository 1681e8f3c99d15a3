// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: which addresses a function receives in legacy mode.
 *
 * ndo_set_rx_mode cannot sleep, so a work item brings the device's list in
 * line with the netdev's.
 */
#include <linux/slab.h>

#include "nic.h"

static int sluice_filter_cmd(struct sluice_nic *nic, u8 opcode, const u8 *addr)
{
	struct sluice_cmd_mac cmd = {};

	sluice_cmd_init(&cmd.hdr, opcode, sizeof(cmd));
	ether_addr_copy(cmd.mac, addr);
	return sluice_cmd_exec(nic->sdev, &cmd.hdr);
}

static bool sluice_filter_known(struct sluice_nic *nic, const u8 *addr)
{
	u16 i;

	for (i = 0; i < nic->num_filters; i++) {
		if (ether_addr_equal(nic->filters[i].addr, addr)) {
			nic->filters[i].keep = true;
			return true;
		}
	}
	return false;
}

/*
 * Collect the addresses the device does not know, and mark those it does.
 * Returns how many are new, or -ENOSPC when there are more than fit.  Address
 * list lock held.
 */
static int sluice_filter_collect(struct sluice_nic *nic, u8 (*add)[ETH_ALEN],
				 u32 *mode)
{
	struct net_device *dev = nic->netdev;
	u16 max = nic->sdev->limits.max_filters;
	struct netdev_hw_addr *ha;
	int n = 0, kept = 0;

	if (dev->flags & IFF_PROMISC)
		*mode |= SLUICE_RX_MODE_PROMISC | SLUICE_RX_MODE_ALLMULTI;
	if (dev->flags & IFF_ALLMULTI)
		*mode |= SLUICE_RX_MODE_ALLMULTI;

	if (netdev_uc_count(dev) + netdev_mc_count(dev) > max) {
		/* Unicast first, it has no cheap substitute. */
		*mode |= SLUICE_RX_MODE_ALLMULTI;
		if (netdev_uc_count(dev) > max)
			*mode |= SLUICE_RX_MODE_PROMISC;
	}
	netdev_for_each_uc_addr(ha, dev) {
		if (kept + n >= max)
			break;
		if (sluice_filter_known(nic, ha->addr))
			kept++;
		else
			ether_addr_copy(add[n++], ha->addr);
	}
	if (*mode & SLUICE_RX_MODE_ALLMULTI)
		return n;
	netdev_for_each_mc_addr(ha, dev) {
		if (kept + n >= max)
			break;
		if (sluice_filter_known(nic, ha->addr))
			kept++;
		else
			ether_addr_copy(add[n++], ha->addr);
	}
	return n;
}

static void sluice_filter_work(struct work_struct *work)
{
	struct sluice_nic *nic = container_of(work, struct sluice_nic, filter_work);
	u16 max = nic->sdev->limits.max_filters, i;
	u8 (*add)[ETH_ALEN];
	int n, j, err;
	u32 mode = 0;

	add = kcalloc(max(max, 1), ETH_ALEN, GFP_KERNEL);
	if (!add)
		return;
	netif_addr_lock_bh(nic->netdev);
	for (i = 0; i < nic->num_filters; i++)
		nic->filters[i].keep = false;
	n = sluice_filter_collect(nic, add, &mode);
	netif_addr_unlock_bh(nic->netdev);

	/* A VF never gets promiscuous; the switch decides what it may. */
	if (!nic->sdev->is_pf)
		mode &= ~SLUICE_RX_MODE_PROMISC;

	for (i = 0; i < nic->num_filters;) {
		if (nic->filters[i].keep) {
			i++;
			continue;
		}
		sluice_filter_cmd(nic, SLUICE_CMD_FILTER_DEL, nic->filters[i].addr);
		nic->filters[i] = nic->filters[--nic->num_filters];
	}
	for (j = 0; j < n && nic->num_filters < max; j++) {
		err = sluice_filter_cmd(nic, SLUICE_CMD_FILTER_ADD, add[j]);
		if (err && err != -EEXIST) {
			netdev_dbg(nic->netdev, "filter %pM: %pe\n", add[j],
				   ERR_PTR(err));
			continue;
		}
		ether_addr_copy(nic->filters[nic->num_filters++].addr, add[j]);
	}
	kfree(add);

	if (mode == nic->rx_mode)
		return;
	err = sluice_cmd_u32(nic->sdev, SLUICE_CMD_SET_RX_MODE, 0, mode);
	if (!err)
		nic->rx_mode = mode;
	else
		netdev_dbg(nic->netdev, "receive mode %#x: %pe\n", mode, ERR_PTR(err));
}

/**
 * sluice_set_rx_mode() - ndo_set_rx_mode
 * @dev: a function's netdev
 *
 * Address list lock held.
 */
void sluice_set_rx_mode(struct net_device *dev)
{
	struct sluice_nic *nic = netdev_priv(dev);

	schedule_work(&nic->filter_work);
}

/**
 * sluice_filter_forget() - the device was reset and knows no address
 * @nic: netdev whose filter work does not run
 */
void sluice_filter_forget(struct sluice_nic *nic)
{
	nic->num_filters = 0;
	nic->rx_mode = 0;
}

/**
 * sluice_filter_init() - prepare for receive addresses
 * @nic: netdev
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_filter_init(struct sluice_nic *nic)
{
	INIT_WORK(&nic->filter_work, sluice_filter_work);
	nic->filters = kcalloc(max_t(u16, nic->sdev->limits.max_filters, 1),
			       sizeof(*nic->filters), GFP_KERNEL);
	return nic->filters ? 0 : -ENOMEM;
}

/**
 * sluice_filter_fini() - undo sluice_filter_init()
 * @nic: netdev, unregistered
 */
void sluice_filter_fini(struct sluice_nic *nic)
{
	cancel_work_sync(&nic->filter_work);
	kfree(nic->filters);
}
