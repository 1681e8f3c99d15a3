// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events: what the kernel tells about routes, neighbours and netdevs.
 *
 * Netdevice events come with RTNL and are handled at once.  All others may
 * come in atomic context and are queued.
 */
#include <linux/inetdevice.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <net/fib_notifier.h>
#include <net/fib_rules.h>
#include <net/ip6_fib.h>
#include <net/ip_fib.h>
#include <net/nexthop.h>

#include "tunnel.h"

/* Such events come in rows, one for each bucket of a group for example. */
static bool queue_ends_with(const struct list_head *queue,
			    const struct sluice_tunnel_event *ev)
{
	const struct sluice_tunnel_event *last;

	if (list_empty(queue))
		return false;
	last = list_last_entry(queue, struct sluice_tunnel_event, node);
	return last->kind == ev->kind && last->via == ev->via &&
	       (ev->kind == SLUICE_TUNNEL_VIA ||
		ev->kind == SLUICE_TUNNEL_LINK);
}

/**
 * sluice_tunnel_queue() - queue an event
 * @tun: tunnels
 * @ev: the event, copied
 *
 * One that cannot be queued is replaced by looking at everything afresh.
 *
 * Context: any.
 */
void sluice_tunnel_queue(struct sluice_tunnels *tun,
			 const struct sluice_tunnel_event *ev)
{
	bool local = ev->kind == SLUICE_TUNNEL_LOCAL_ADD ||
		     ev->kind == SLUICE_TUNNEL_LOCAL_DEL;
	struct sluice_tunnel_event *copy = NULL;
	struct list_head *queue = &tun->routes;
	unsigned long flags;

	if (ev->kind == SLUICE_TUNNEL_NEIGH || ev->kind == SLUICE_TUNNEL_FDB ||
	    ev->kind == SLUICE_TUNNEL_PROBE_TIME)
		queue = &tun->neighs;
	if (local || READ_ONCE(tun->num_events) < SLUICE_TUNNEL_EVENTS)
		copy = kmemdup(ev, sizeof(*ev), GFP_ATOMIC);
	spin_lock_irqsave(&tun->queue_lock, flags);
	if (queue_ends_with(queue, ev)) {
		kfree(copy);
	} else if (copy) {
		list_add_tail(&copy->node, queue);
		tun->num_events++;
	} else {
		tun->resync = true;
		tun->redump |= local;
	}
	spin_unlock_irqrestore(&tun->queue_lock, flags);
	queue_work(tun->wq, &tun->work);
}

/* Source addresses, and so routes, may depend on an address. */
static void event_local_encaps(struct sluice_tunnels *tun,
			       const struct sluice_tunnel_event *ev)
{
	sluice_underlay_routes(tun, ev->ifindex, ev->addr.family);
	sluice_encaps_update_source(tun, &ev->addr, ev->ifindex);
	sluice_encaps_update_lost(tun);
	sluice_remotes_visit(tun, ev);
}

/* RTNL held. */
static void event_upper(struct sluice_tunnels *tun,
			const struct sluice_tunnel_event *ev)
{
	struct net_device *dev = __dev_get_by_index(tun->net, ev->ifindex);

	if (dev && sluice_underlay_find(tun, dev))
		sluice_underlay_update(tun, dev, false);
}

static void event_handle(struct sluice_tunnels *tun,
			 const struct sluice_tunnel_event *ev)
{
	switch (ev->kind) {
	case SLUICE_TUNNEL_NEIGH:
		sluice_neigh_event(tun, ev);
		break;
	case SLUICE_TUNNEL_PROBE_TIME:
		sluice_keepalive_arm(tun, true);
		break;
	case SLUICE_TUNNEL_LOCAL_ADD:
		sluice_local_add(tun, &ev->addr, ev->table, ev->ifindex);
		event_local_encaps(tun, ev);
		break;
	case SLUICE_TUNNEL_LOCAL_DEL:
		sluice_local_del(tun, &ev->addr, ev->table);
		event_local_encaps(tun, ev);
		break;
	case SLUICE_TUNNEL_ROUTE:
		sluice_remotes_visit(tun, ev);
		break;
	case SLUICE_TUNNEL_POLICY:
		sluice_policy_visit(tun, ev);
		break;
	case SLUICE_TUNNEL_VIA:
		sluice_encaps_update_via(tun, ev->via);
		break;
	case SLUICE_TUNNEL_LINK:
		sluice_encaps_update_spread(tun);
		break;
	case SLUICE_TUNNEL_UPPER:
		event_upper(tun, ev);
		break;
	case SLUICE_TUNNEL_FDB:
		sluice_bridge_event(tun, ev);
		break;
	}
	tun->handled++;
}

static void events_handle(struct sluice_tunnels *tun, struct list_head *events)
{
	struct sluice_tunnel_event *ev, *next;
	ktime_t start = ktime_get();

	list_for_each_entry_safe(ev, next, events, node) {
		event_handle(tun, ev);
		list_del(&ev->node);
		kfree(ev);
	}
	tun->busy_ns += ktime_to_ns(ktime_sub(ktime_get(), start));
}

/* Events were lost: everything they may have been about. */
static void events_resync(struct sluice_tunnels *tun)
{
	struct sluice_underlay *underlay;
	struct sluice_next_hop *nh;

	list_for_each_entry(underlay, &tun->underlays, node)
		list_for_each_entry(nh, &underlay->next_hops, node)
			sluice_next_hop_update(tun, nh);
	sluice_encaps_update_all(tun, AF_INET);
	sluice_encaps_update_all(tun, AF_INET6);
}

/* Have the routing tables told from the beginning. */
static void events_redump(struct sluice_tunnels *tun)
{
	unregister_fib_notifier(tun->net, &tun->fib_nb);
	mutex_lock(&tun->off->lock);
	sluice_locals_clear(tun);
	mutex_unlock(&tun->off->lock);
	if (register_fib_notifier(tun->net, &tun->fib_nb, NULL, NULL))
		pci_warn(tun->off->sdev->pdev,
			 "tunnels do not follow routes any more\n");
}

/**
 * sluice_tunnel_work() - handle the events in the queues
 * @work: in struct sluice_tunnels
 */
void sluice_tunnel_work(struct work_struct *work)
{
	struct sluice_tunnels *tun = container_of(work, struct sluice_tunnels,
						  work);
	bool resync, redump;
	LIST_HEAD(neighs);
	LIST_HEAD(routes);

	spin_lock_irq(&tun->queue_lock);
	list_splice_init(&tun->neighs, &neighs);
	list_splice_init(&tun->routes, &routes);
	tun->num_events = 0;
	resync = tun->resync;
	redump = tun->redump;
	tun->resync = false;
	tun->redump = false;
	spin_unlock_irq(&tun->queue_lock);

	if (redump && !READ_ONCE(tun->stopping))
		events_redump(tun);
	if (!list_empty(&neighs)) {
		mutex_lock(&tun->off->lock);
		events_handle(tun, &neighs);
		mutex_unlock(&tun->off->lock);
	}
	if (list_empty(&routes) && !resync)
		return;
	/*
	 * A route's event is sent before its table has changed, by someone who
	 * holds RTNL, or for IPv6 maybe only a spinlock.
	 */
	synchronize_rcu();
	rtnl_lock();
	mutex_lock(&tun->off->lock);
	events_handle(tun, &routes);
	if (resync)
		events_resync(tun);
	mutex_unlock(&tun->off->lock);
	rtnl_unlock();
}

/**
 * sluice_tunnel_queue_free() - forget the events in the queues
 * @tun: tunnels; nobody queues any more
 */
void sluice_tunnel_queue_free(struct sluice_tunnels *tun)
{
	struct sluice_tunnel_event *ev, *next;

	list_splice_init(&tun->routes, &tun->neighs);
	list_for_each_entry_safe(ev, next, &tun->neighs, node) {
		list_del(&ev->node);
		kfree(ev);
	}
}

static void fib_entry4(const struct fib_entry_notifier_info *info,
		       struct sluice_tunnel_event *ev, bool *local)
{
	const struct fib_nh_common *nhc;
	__be32 dst = htonl(info->dst);

	memcpy(&ev->addr.a, &dst, sizeof(dst));
	ev->plen = info->dst_len;
	ev->table = info->tb_id;
	if (info->type != RTN_LOCAL || info->dst_len != 32)
		return;
	nhc = fib_info_nhc(info->fi, 0);
	if (!nhc || !nhc->nhc_dev)
		return;
	ev->ifindex = nhc->nhc_dev->ifindex;
	*local = true;
}

static void fib_entry6(const struct fib6_entry_notifier_info *info,
		       struct sluice_tunnel_event *ev, bool *local)
{
	struct fib6_info *rt = info->rt;
	const struct net_device *dev;

	ev->addr.a = rt->fib6_dst.addr;
	ev->plen = rt->fib6_dst.plen;
	ev->table = rt->fib6_table->tb6_id;
	if (rt->fib6_type != RTN_LOCAL || rt->fib6_dst.plen != 128)
		return;
	dev = fib6_info_nh_dev(rt);
	if (!dev)
		return;
	ev->ifindex = dev->ifindex;
	*local = true;
}

static void fib_entry(struct sluice_tunnels *tun, unsigned long event,
		      const struct fib_notifier_info *info)
{
	struct sluice_tunnel_event ev = {
		.kind = SLUICE_TUNNEL_ROUTE,
		.addr.family = info->family,
	};
	bool local = false;

	/* For nexthop objects. */
	rcu_read_lock();
	if (info->family == AF_INET)
		fib_entry4(container_of(info, struct fib_entry_notifier_info,
					info), &ev, &local);
	else
		fib_entry6(container_of(info, struct fib6_entry_notifier_info,
					info), &ev, &local);
	rcu_read_unlock();
	if (local)
		ev.kind = event == FIB_EVENT_ENTRY_DEL ?
			  SLUICE_TUNNEL_LOCAL_DEL : SLUICE_TUNNEL_LOCAL_ADD;
	else if (!atomic_read(&tun->num_remotes))
		return;
	sluice_tunnel_queue(tun, &ev);
}

/* One of the ways of an IPv4 route can be used, or not any more. */
static void fib_way(struct sluice_tunnels *tun,
		    const struct fib_notifier_info *info)
{
	const struct fib_nh *nh = container_of(info, struct fib_nh_notifier_info,
					       info)->fib_nh;
	struct sluice_tunnel_event ev = {
		.kind = SLUICE_TUNNEL_VIA,
		.addr.family = info->family,
		.via = (unsigned long)nh->nh_parent,
	};
	bool hidden;

	rcu_read_lock();
	hidden = ip_ignore_linkdown(nh->fib_nh_dev);
	rcu_read_unlock();
	/* Routes without carrier are skipped: nobody is known to go by it. */
	if (hidden)
		ev.kind = SLUICE_TUNNEL_ROUTE;
	sluice_tunnel_queue(tun, &ev);
}

/**
 * sluice_fib_event() - a route or a rule comes or goes
 * @nb: our notifier
 * @event: enum fib_event_type
 * @ptr: &struct fib_notifier_info
 *
 * Context: atomic.
 *
 * Return: NOTIFY_DONE.
 */
int sluice_fib_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct sluice_tunnels *tun = container_of(nb, struct sluice_tunnels,
						  fib_nb);
	const struct fib_notifier_info *info = ptr;
	struct sluice_tunnel_event ev = {
		.kind = SLUICE_TUNNEL_POLICY,
		.addr.family = info->family,
	};

	if (info->family != AF_INET && info->family != AF_INET6)
		return NOTIFY_DONE;
	switch (event) {
	case FIB_EVENT_ENTRY_REPLACE:
	case FIB_EVENT_ENTRY_APPEND:
	case FIB_EVENT_ENTRY_ADD:
	case FIB_EVENT_ENTRY_DEL:
		fib_entry(tun, event, info);
		break;
	case FIB_EVENT_RULE_ADD:
	case FIB_EVENT_RULE_DEL:
		if (atomic_read(&tun->num_remotes) &&
		    sluice_policy_event(tun, info, &ev))
			sluice_tunnel_queue(tun, &ev);
		break;
	case FIB_EVENT_NH_ADD:
	case FIB_EVENT_NH_DEL:
		if (atomic_read(&tun->num_remotes))
			fib_way(tun, info);
		break;
	}
	return NOTIFY_DONE;
}

/**
 * sluice_nexthop_event() - a nexthop object changed
 * @nb: our notifier
 * @event: enum nexthop_event_type
 * @ptr: &struct nh_notifier_info
 *
 * Each group that an object is in has events of its own.
 *
 * Context: RTNL.
 *
 * Return: NOTIFY_DONE.
 */
int sluice_nexthop_event(struct notifier_block *nb, unsigned long event,
			 void *ptr)
{
	struct sluice_tunnels *tun = container_of(nb, struct sluice_tunnels,
						  nexthop_nb);
	const struct nh_notifier_info *info = ptr;
	struct sluice_tunnel_event ev = {
		.kind = SLUICE_TUNNEL_VIA,
		.via = info->id,
	};

	if (event != NEXTHOP_EVENT_DEL && event != NEXTHOP_EVENT_REPLACE &&
	    event != NEXTHOP_EVENT_BUCKET_REPLACE)
		return NOTIFY_DONE;
	if (atomic_read(&tun->num_remotes))
		sluice_tunnel_queue(tun, &ev);
	return NOTIFY_DONE;
}

/**
 * sluice_netdev_event() - a netdev came, changed or goes
 * @nb: our notifier
 * @event: NETDEV_*
 * @ptr: &struct netdev_notifier_info
 *
 * Context: RTNL.
 *
 * Return: NOTIFY_DONE.
 */
int sluice_netdev_event(struct notifier_block *nb, unsigned long event,
			void *ptr)
{
	struct sluice_tunnels *tun = container_of(nb, struct sluice_tunnels,
						  netdev_nb);
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct sluice_tunnel_event ev = {
		.kind = SLUICE_TUNNEL_UPPER,
		.ifindex = dev->ifindex,
	};
	struct sluice_tunnel_dev *td;

	switch (event) {
	case NETDEV_CHANGEUPPER:
	case NETDEV_CHANGEMTU:
		/*
		 * The receive handler comes or goes behind this event, and IPv6
		 * has the new MTU then.
		 */
		sluice_tunnel_queue(tun, &ev);
		break;
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		/* IPv6 gets to know of it behind us. */
		ev.kind = SLUICE_TUNNEL_LINK;
		if (atomic_read(&tun->num_remotes))
			sluice_tunnel_queue(tun, &ev);
		break;
	}
	switch (event) {
	case NETDEV_CHANGEUPPER:
	case NETDEV_CHANGEMTU:
	case NETDEV_REGISTER:
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
	case NETDEV_CHANGEADDR:
		/* VLANs leave a netdev when we have seen it go. */
		if (dev->reg_state != NETREG_REGISTERED)
			break;
		mutex_lock(&tun->off->lock);
		sluice_underlay_update(tun, dev, false);
		sluice_tunnel_dev_update(tun, dev);
		mutex_unlock(&tun->off->lock);
		break;
	case NETDEV_UNREGISTER:
		mutex_lock(&tun->off->lock);
		sluice_underlay_update(tun, dev, true);
		td = sluice_tunnel_dev_find(tun, dev);
		if (td)
			sluice_tunnel_dev_remove(tun, td);
		mutex_unlock(&tun->off->lock);
		break;
	}
	return NOTIFY_DONE;
}
