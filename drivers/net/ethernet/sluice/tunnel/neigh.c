// SPDX-License-Identifier: GPL-2.0-only
/*
 * Neighbours: their events, and telling them that hardware uses them.
 *
 * No reference to a neighbour is kept: the kernel may forget those that nobody
 * uses.  One that packets leave through without the kernel seeing them is
 * confirmed as if it had.
 */
#include <linux/if_bridge.h>
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/arp.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include <net/netevent.h>

#include "tunnel.h"

static struct neigh_table *neigh_table(u32 family)
{
	if (family == AF_INET)
		return &arp_tbl;
#if IS_ENABLED(CONFIG_IPV6)
	return &nd_tbl;
#else
	return NULL;
#endif
}

/**
 * sluice_neigh_lookup() - the kernel's entry for a next hop
 * @tun: tunnels, offload lock held
 * @nh: next hop whose underlay is there
 * @create: make one if there is none
 *
 * Return: the neighbour with a reference, NULL, or with @create an ERR_PTR.
 */
struct neighbour *sluice_neigh_lookup(struct sluice_tunnels *tun,
				      const struct sluice_next_hop *nh,
				      bool create)
{
	struct neigh_table *tbl = neigh_table(nh->key.addr.family);
	struct neighbour *n;

	if (!tbl)
		return NULL;
	n = neigh_lookup(tbl, &nh->key.addr.a, nh->underlay->dev);
	if (!n && create)
		n = neigh_create(tbl, &nh->key.addr.a, nh->underlay->dev);
	return n;
}

/**
 * sluice_neigh_key() - what a next hop by way of a neighbour is named by
 * @n: neighbour
 * @key: set to that, without anything in its padding
 *
 * Any context.
 *
 * Return: whether it is one of IPv4 or IPv6.
 */
bool sluice_neigh_key(const struct neighbour *n, struct sluice_next_hop_key *key)
{
	u32 family = n->tbl->family;

	if (family != AF_INET && family != AF_INET6)
		return false;
	memset(key, 0, sizeof(*key));
	key->addr.family = family;
	memcpy(&key->addr.a, n->primary_key, sluice_addr_len(family));
	key->ifindex = n->dev->ifindex;
	return true;
}

static void netevent_neigh(struct sluice_tunnels *tun,
			   const struct neighbour *n)
{
	struct sluice_tunnel_event ev = { .kind = SLUICE_TUNNEL_NEIGH };
	struct sluice_next_hop_key key;
	bool known;

	if (!net_eq(dev_net(n->dev), tun->net) || !sluice_neigh_key(n, &key))
		return;
	rcu_read_lock();
	known = rhashtable_lookup(&tun->next_hops, &key,
				  sluice_next_hop_params);
	rcu_read_unlock();
	if (!known)
		return;
	ev.addr = key.addr;
	ev.ifindex = key.ifindex;
	sluice_tunnel_queue(tun, &ev);
}

/**
 * sluice_netevent() - a neighbour changed, or how long it is believed
 * @nb: our notifier
 * @event: what happened
 * @ptr: to what
 *
 * Context: atomic.
 *
 * Return: NOTIFY_DONE.
 */
int sluice_netevent(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct sluice_tunnels *tun = container_of(nb, struct sluice_tunnels,
						  netevent_nb);
	struct sluice_tunnel_event ev = { .kind = SLUICE_TUNNEL_PROBE_TIME };

	switch (event) {
	case NETEVENT_NEIGH_UPDATE:
		netevent_neigh(tun, ptr);
		break;
	case NETEVENT_DELAY_PROBE_TIME_UPDATE:
		sluice_tunnel_queue(tun, &ev);
		break;
	}
	return NOTIFY_DONE;
}

/**
 * sluice_neigh_event() - a neighbour we use has changed
 * @tun: tunnels, offload lock held
 * @ev: which
 */
void sluice_neigh_event(struct sluice_tunnels *tun,
			const struct sluice_tunnel_event *ev)
{
	struct sluice_next_hop_key key = {
		.addr = ev->addr,
		.ifindex = ev->ifindex,
	};
	struct sluice_next_hop *nh;

	nh = rhashtable_lookup_fast(&tun->next_hops, &key,
				    sluice_next_hop_params);
	if (nh)
		sluice_next_hop_update(tun, nh);
}

/* delay_first_probe_time of a device, in jiffies. */
static unsigned long neigh_probe_time(const struct net_device *dev, u32 family)
{
	unsigned long time = 5 * HZ;

	rcu_read_lock();
	if (family == AF_INET) {
		struct in_device *in_dev = __in_dev_get_rcu(dev);

		if (in_dev && in_dev->arp_parms)
			time = NEIGH_VAR(in_dev->arp_parms, DELAY_PROBE_TIME);
	} else {
		struct inet6_dev *in6_dev = __in6_dev_get(dev);

		if (in6_dev && in6_dev->nd_parms)
			time = NEIGH_VAR(in6_dev->nd_parms, DELAY_PROBE_TIME);
	}
	rcu_read_unlock();
	return max_t(unsigned long, time, SLUICE_KEEPALIVE_MIN);
}

/**
 * sluice_keepalive_arm() - see to it that neighbours are kept alive in time
 * @tun: tunnels, offload lock held
 * @anew: the time may be another than before
 */
void sluice_keepalive_arm(struct sluice_tunnels *tun, bool anew)
{
	struct sluice_underlay *underlay;
	unsigned long time = ULONG_MAX;

	list_for_each_entry(underlay, &tun->underlays, node) {
		if (list_empty(&underlay->next_hops))
			continue;
		time = min3(time, neigh_probe_time(underlay->dev, AF_INET),
			    neigh_probe_time(underlay->dev, AF_INET6));
	}
	if (time == ULONG_MAX || !tun->wq)
		return;
	if (anew)
		mod_delayed_work(tun->wq, &tun->keepalive, time);
	else
		queue_delayed_work(tun->wq, &tun->keepalive, time);
}

static void neigh_ask(struct sluice_next_hop *nh, struct neighbour *n)
{
	nh->asked = jiffies;
	if (n->ops->solicit)
		n->ops->solicit(n, NULL);
}

/**
 * sluice_neigh_find() - have a neighbour say where it is
 * @tun: tunnels, offload lock held
 * @nh: next hop by way of a bridge, which has forgotten its MAC address
 *
 * The bridge would learn it from the next frame that comes from there, but
 * hardware may take those.  Not more than once in a second.
 */
void sluice_neigh_find(struct sluice_tunnels *tun, struct sluice_next_hop *nh)
{
	struct neighbour *n;

	if (time_before(jiffies, nh->asked + HZ))
		return;
	n = sluice_neigh_lookup(tun, nh, false);
	if (!n)
		return;
	neigh_ask(nh, n);
	neigh_release(n);
}

/*
 * Likewise before the bridge forgets it, if it is a neighbour that the kernel
 * does not ask itself in that time.
 */
static void keepalive_bridge(struct sluice_next_hop *nh, struct neighbour *n)
{
	const struct sluice_underlay *bridge = sluice_bridge_of(nh->underlay);
	unsigned long age, heard = nh->asked;

	if (nh->underlay->place != SLUICE_PLACE_BRIDGE)
		return;
	age = clock_t_to_jiffies(br_get_ageing_time(bridge->dev));
	if (time_after(READ_ONCE(n->confirmed), heard))
		heard = READ_ONCE(n->confirmed);
	if (age && time_after(jiffies, heard + age / 3))
		neigh_ask(nh, n);
}

static void keepalive_next_hop(struct sluice_tunnels *tun,
			       struct sluice_next_hop *nh)
{
	u64 packets, bytes, last_use;
	struct neighbour *n;

	if (!nh->slot ||
	    !sluice_counter_read(nh->slot, &packets, &bytes, &last_use) ||
	    packets == nh->packets)
		return;
	nh->packets = packets;
	n = sluice_neigh_lookup(tun, nh, false);
	if (!n)
		return;
	neigh_event_send(n, NULL);
	keepalive_bridge(nh, n);
	neigh_release(n);
}

/**
 * sluice_keepalive_work() - tell neighbours that packets went to them
 * @work: in struct sluice_tunnels
 */
void sluice_keepalive_work(struct work_struct *work)
{
	struct sluice_tunnels *tun = container_of(to_delayed_work(work),
						  struct sluice_tunnels,
						  keepalive);
	struct sluice_underlay *underlay;
	struct sluice_next_hop *nh;

	mutex_lock(&tun->off->lock);
	list_for_each_entry(underlay, &tun->underlays, node)
		list_for_each_entry(nh, &underlay->next_hops, node)
			keepalive_next_hop(tun, nh);
	sluice_keepalive_arm(tun, false);
	mutex_unlock(&tun->off->lock);
}
