// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netdevs of the host that rules hand packets to (mirred ingress), such as a
 * bridge's own port.
 *
 * A step of a program names one by its ifindex, and the device repeats that with
 * the packet.  It is believed only what a rule has said.
 */
#include "offload.h"

static void host_count(struct sluice_offload *off, u32 what, int change)
{
	unsigned long ifindex = what & ~SLUICE_HOST_PTYPE;
	unsigned long n = xa_to_value(xa_load(&off->hosts, ifindex)) + change;

	/* An entry in place: nothing to allocate. */
	if (n)
		xa_store(&off->hosts, ifindex, xa_mk_value(n), GFP_KERNEL);
	else
		xa_erase(&off->hosts, ifindex);
}

/**
 * sluice_host_get() - a step is about to name a netdev
 * @off: offload, lock held
 * @ifindex: its index
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_host_get(struct sluice_offload *off, int ifindex)
{
	void *entry = xa_load(&off->hosts, ifindex);
	unsigned long n = entry ? xa_to_value(entry) : 0;

	return xa_err(xa_store(&off->hosts, ifindex, xa_mk_value(n + 1),
			       GFP_KERNEL));
}

/**
 * sluice_hosts_count() - a program comes to use the netdevs it names, or goes
 * @off: offload, lock held
 * @act: its steps
 * @num: their number
 * @change: 1 or -1
 */
void sluice_hosts_count(struct sluice_offload *off,
			const struct sluice_action *act, unsigned int num,
			int change)
{
	unsigned int i;

	for (i = 0; i < num; i++)
		if (act[i].op == SLUICE_ACT_HOST)
			host_count(off, le32_to_cpu(act[i].a), change);
}

/**
 * sluice_host_netdev() - the netdev that a packet of the slow path is for
 * @sdev: PF
 * @net: network namespace of the representor it came by
 * @what: what the device says
 *
 * Context: RCU.
 *
 * Return: a netdev that is up and that a rule names, or NULL.
 */
struct net_device *sluice_host_netdev(struct sluice_dev *sdev, struct net *net,
				      u32 what)
{
	struct sluice_offload *off = sluice_esw_offload(sdev);
	int ifindex = what & ~SLUICE_HOST_PTYPE;
	struct net_device *dev;

	if (!off || !xa_load(&off->hosts, ifindex))
		return NULL;
	dev = dev_get_by_index_rcu(net, ifindex);
	return dev && dev->flags & IFF_UP && netif_carrier_ok(dev) ? dev : NULL;
}
