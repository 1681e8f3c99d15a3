// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the tunnel layer.
 */
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/fib_notifier.h>
#include <net/netevent.h>
#include <net/nexthop.h>
#include <net/switchdev.h>

#include "tunnel.h"

/**
 * sluice_tunnels_post() - post a command about tunnels
 * @tun: tunnels, offload lock held
 * @cmd: command
 *
 * Return: 0 or -EIO.
 */
int sluice_tunnels_post(struct sluice_tunnels *tun, struct sluice_cmd_hdr *cmd)
{
	tun->commands++;
	return sluice_offload_post(tun->off, cmd);
}

/**
 * sluice_tunnels_post_u32() - likewise, for a command with one number
 * @tun: tunnels, offload lock held
 * @opcode: enum sluice_opcode
 * @value: the number
 */
void sluice_tunnels_post_u32(struct sluice_tunnels *tun, u8 opcode, u32 value)
{
	tun->commands++;
	sluice_offload_post_u32(tun->off, opcode, value);
}

/**
 * sluice_tunnels_init() - memory for tunnels
 * @off: offload
 *
 * A device without tunnels has none; nothing of this file does anything then.
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_tunnels_init(struct sluice_offload *off)
{
	const struct sluice_limits *limits = &off->sdev->limits;
	struct sluice_tunnels *tun;
	int err = -ENOMEM;

	if (!(off->sdev->caps & SLUICE_CAP_TUNNEL) || !limits->max_next_hops ||
	    !limits->max_encaps || !limits->max_endpoints)
		return 0;
	tun = kzalloc(sizeof(*tun), GFP_KERNEL);
	if (!tun)
		return -ENOMEM;
	tun->off = off;
	tun->net = devlink_net(off->sdev->devlink);
	INIT_LIST_HEAD(&tun->devs);
	INIT_LIST_HEAD(&tun->underlays);
	INIT_LIST_HEAD(&tun->locals);
	INIT_LIST_HEAD(&tun->endpoints);
	INIT_LIST_HEAD(&tun->lost);
	INIT_LIST_HEAD(&tun->spread);
	INIT_LIST_HEAD(&tun->neighs);
	INIT_LIST_HEAD(&tun->routes);
	spin_lock_init(&tun->queue_lock);
	spin_lock_init(&tun->macs_lock);
	ida_init(&tun->encap_ids);
	ida_init(&tun->next_hop_ids);
	ida_init(&tun->endpoint_ids);
	tun->remotes[0] = RB_ROOT;
	tun->remotes[1] = RB_ROOT;
	INIT_WORK(&tun->work, sluice_tunnel_work);
	INIT_DELAYED_WORK(&tun->keepalive, sluice_keepalive_work);
	tun->netdev_nb.notifier_call = sluice_netdev_event;
	tun->netevent_nb.notifier_call = sluice_netevent;
	tun->fib_nb.notifier_call = sluice_fib_event;
	tun->nexthop_nb.notifier_call = sluice_nexthop_event;
	tun->switchdev_nb.notifier_call = sluice_switchdev_event;
	tun->switchdev_blocking_nb.notifier_call =
		sluice_switchdev_blocking_event;
	tun->wq = alloc_ordered_workqueue("sluice_tunnel", 0);
	if (!tun->wq)
		goto err_free;
	err = rhashtable_init(&tun->encaps, &sluice_encap_params);
	if (err)
		goto err_wq;
	err = rhashtable_init(&tun->next_hops, &sluice_next_hop_params);
	if (err)
		goto err_encaps;
	off->tunnels = tun;
	return 0;

err_encaps:
	rhashtable_destroy(&tun->encaps);
err_wq:
	destroy_workqueue(tun->wq);
err_free:
	kfree(tun);
	return err;
}

/**
 * sluice_tunnels_start() - follow the kernel
 * @off: offload, lock not held
 *
 * Context: process, devlink instance lock, no RTNL.
 *
 * Return: 0 or a negative errno.
 */
int sluice_tunnels_start(struct sluice_offload *off)
{
	struct sluice_tunnels *tun = off->tunnels;
	int err;

	if (!tun)
		return 0;
	err = register_switchdev_notifier(&tun->switchdev_nb);
	if (err)
		return err;
	err = register_switchdev_blocking_notifier(&tun->switchdev_blocking_nb);
	if (err)
		goto err_switchdev;
	/* Tells of all netdevs that are there. */
	err = register_netdevice_notifier_net(tun->net, &tun->netdev_nb);
	if (err)
		goto err_blocking;
	err = register_netevent_notifier(&tun->netevent_nb);
	if (err)
		goto err_netdev;
	err = register_nexthop_notifier(tun->net, &tun->nexthop_nb, NULL);
	if (err)
		goto err_netevent;
	/* Tells of all routes that are there. */
	err = register_fib_notifier(tun->net, &tun->fib_nb, NULL, NULL);
	if (err)
		goto err_nexthop;
	err = sluice_indr_register(off);
	if (err)
		goto err_fib;
	return 0;

err_fib:
	unregister_fib_notifier(tun->net, &tun->fib_nb);
err_nexthop:
	unregister_nexthop_notifier(tun->net, &tun->nexthop_nb);
err_netevent:
	unregister_netevent_notifier(&tun->netevent_nb);
err_netdev:
	unregister_netdevice_notifier_net(tun->net, &tun->netdev_nb);
err_blocking:
	unregister_switchdev_blocking_notifier(&tun->switchdev_blocking_nb);
err_switchdev:
	unregister_switchdev_notifier(&tun->switchdev_nb);
	cancel_work_sync(&tun->work);
	cancel_delayed_work_sync(&tun->keepalive);
	sluice_tunnel_queue_free(tun);
	return err;
}

/**
 * sluice_tunnels_stop() - follow the kernel no more
 * @off: offload, lock not held
 *
 * Blocks of tunnel devices are given back.  Rules of other blocks may still
 * have encaps.
 *
 * Context: process, devlink instance lock, no RTNL.
 */
void sluice_tunnels_stop(struct sluice_offload *off)
{
	struct sluice_tunnels *tun = off->tunnels;
	struct sluice_tunnel_dev *td, *next;
	struct sluice_underlay *underlay, *more;
	struct workqueue_struct *wq;

	if (!tun)
		return;
	WRITE_ONCE(tun->stopping, true);
	sluice_indr_unregister(off);
	unregister_nexthop_notifier(tun->net, &tun->nexthop_nb);
	unregister_netevent_notifier(&tun->netevent_nb);
	unregister_netdevice_notifier_net(tun->net, &tun->netdev_nb);
	unregister_switchdev_blocking_notifier(&tun->switchdev_blocking_nb);
	unregister_switchdev_notifier(&tun->switchdev_nb);
	/* May register the notifier for routes anew. */
	cancel_work_sync(&tun->work);
	unregister_fib_notifier(tun->net, &tun->fib_nb);
	cancel_work_sync(&tun->work);
	cancel_delayed_work_sync(&tun->keepalive);
	sluice_tunnel_queue_free(tun);
	rtnl_lock();
	mutex_lock(&off->lock);
	sluice_locals_clear(tun);
	list_for_each_entry_safe(underlay, more, &tun->underlays, node)
		sluice_underlay_update(tun, underlay->dev, true);
	list_for_each_entry_safe(td, next, &tun->devs, node)
		sluice_tunnel_dev_remove(tun, td);
	/* Rules can hold no encap now; a new one finds no tunnel device. */
	wq = tun->wq;
	tun->wq = NULL;
	mutex_unlock(&off->lock);
	rtnl_unlock();
	cancel_delayed_work_sync(&tun->keepalive);
	/* Not left to sluice_tunnels_fini(): work takes RTNL, its caller has it. */
	destroy_workqueue(wq);
}

static void replay_next_hop(struct sluice_tunnels *tun,
			    struct sluice_next_hop *nh)
{
	nh->packets = 0;
	if (nh->slot)
		memset((void *)nh->slot, 0, sizeof(*nh->slot));
	sluice_tunnels_post(tun, &nh->cmd.hdr);
}

/**
 * sluice_tunnels_replay() - write all headers into a device that was reset
 * @tun: tunnels, offload lock held; the device has no rules yet
 */
void sluice_tunnels_replay(struct sluice_tunnels *tun)
{
	struct sluice_underlay *underlay;
	struct sluice_next_hop *nh;
	struct sluice_encap *encap;
	struct rb_node *node;
	unsigned int i;

	list_for_each_entry(underlay, &tun->underlays, node)
		list_for_each_entry(nh, &underlay->next_hops, node)
			replay_next_hop(tun, nh);
	for (i = 0; i < ARRAY_SIZE(tun->remotes); i++) {
		for (node = rb_first(&tun->remotes[i]); node;
		     node = rb_next(node)) {
			encap = rb_entry(node, struct sluice_encap, remote);
			sluice_tunnels_post(tun, &encap->cmd.hdr);
		}
	}
}

/**
 * sluice_tunnels_fini() - free what is left
 * @off: offload that nobody uses any more
 *
 * Context: process; with RTNL only after sluice_tunnels_stop().
 */
void sluice_tunnels_fini(struct sluice_offload *off)
{
	struct sluice_tunnels *tun = off->tunnels;

	if (!tun)
		return;
	off->tunnels = NULL;
	sluice_locals_clear(tun);
	WARN_ON(!list_empty(&tun->endpoints));
	if (tun->wq)
		destroy_workqueue(tun->wq);
	rhashtable_destroy(&tun->next_hops);
	rhashtable_destroy(&tun->encaps);
	ida_destroy(&tun->endpoint_ids);
	ida_destroy(&tun->next_hop_ids);
	ida_destroy(&tun->encap_ids);
	kfree(tun);
}
