// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes of outer headers, and which headers a route is about.
 */
#include <linux/jhash.h>
#include <linux/slab.h>
#include <net/ip6_route.h>
#include <net/ip_fib.h>
#include <net/neighbour.h>
#include <net/nexthop.h>
#include <net/route.h>

#include "tunnel.h"

/* What both families have in common, behind the lookup.  Gives @dst back. */
static const char *route_use(struct sluice_tunnels *tun,
			     struct dst_entry *dst, const void *daddr,
			     u32 family, struct sluice_route *route)
{
	const char *why = NULL;
	struct neighbour *n;

	rcu_read_lock();
	route->underlay = sluice_underlay_find(tun, dst_dev(dst));
	rcu_read_unlock();
	route->mtu = min_t(u32, dst_mtu(dst), U16_MAX);
	if (route->underlay)
		route->mtu = sluice_underlay_mtu(tun, route->underlay,
						 route->mtu);
	if (dst->error) {
		why = "no route to the remote";
	} else if (dst_xfrm(dst)) {
		why = "IPsec is between here and the remote";
	} else if (!route->underlay) {
		why = "the route leaves by a device that is no uplink of this switch";
	} else {
		/* The entry the packet would use, made if need be. */
		n = dst_neigh_lookup(dst, daddr);
		if (!n) {
			why = "the remote has no neighbour";
		} else {
			memset(&route->gateway, 0, sizeof(route->gateway));
			route->gateway.family = n->tbl->family;
			memcpy(&route->gateway.a, n->primary_key,
			       sluice_addr_len(n->tbl->family));
			if (n->dev != route->underlay->dev)
				why = "the neighbour is on another device";
			neigh_release(n);
		}
	}
	dst_release(dst);
	return why;
}

/*
 * The kernel looks a route up with the flow hash of a rule's first packet, and
 * keeps to the route.  A hash of the header is as good as that: it spreads
 * headers over the ways of a multipath route.
 */
static u32 route_hash(const struct sluice_encap *encap)
{
	return jhash(&encap->key, sizeof(encap->key), 0) | 1;
}

/* One of the UDP source ports packets may have. */
static __be16 route_sport(const struct sluice_encap *encap)
{
	const struct sluice_tunnel_dev *td = encap->dev;

	return htons(td->sport_min + reciprocal_scale(route_hash(encap),
						      td->sport_range));
}

/*
 * What the route goes by, so that it is looked up again when that changes.  The
 * result of the kernel's own lookup does not have it.
 */
static unsigned long route_via4(struct net *net, struct flowi4 *fl4)
{
	struct fib_result res = {};
	unsigned long via = 0;

	fl4->flowi4_iif = LOOPBACK_IFINDEX;
	rcu_read_lock();
	if (!fib_lookup(net, fl4, &res, 0) && res.fi)
		via = res.fi->nh ? res.fi->nh->id : (unsigned long)res.fi;
	rcu_read_unlock();
	return via;
}

static const char *route_lookup4(struct sluice_tunnels *tun,
				 const struct sluice_encap *encap,
				 struct sluice_route *route)
{
	const struct sluice_encap_key *key = &encap->key;
	const struct sluice_tunnel_dev *td = encap->dev;
	struct flowi4 fl4 = {
		.flowi4_oif = td->vrf,
		.flowi4_flags = key->flow_flags,
	};
	struct flowi4 again;
	struct rtable *rt;

	memcpy(&fl4.daddr, &key->dst, sizeof(fl4.daddr));
	memcpy(&fl4.saddr, &key->src, sizeof(fl4.saddr));
	if (td->type == SLUICE_TUNNEL_GRE && key->tos == 1) {
		/* The inner TOS, which only policy routing looks at. */
		if (fib4_has_custom_rules(tun->net))
			return "inner TOS may choose the route";
	} else {
		sluice_compat_flow4_tos(&fl4, key->tos);
	}
	if (td->type == SLUICE_TUNNEL_GRE) {
		fl4.flowi4_proto = IPPROTO_GRE;
		fl4.fl4_gre_key = key->tun_id;
		fl4.flowi4_multipath_hash = route_hash(encap);
	} else {
		fl4.flowi4_proto = IPPROTO_UDP;
		fl4.fl4_sport = route_sport(encap);
		fl4.fl4_dport = key->port ? key->port : td->port;
	}
	again = fl4;
	rt = ip_route_output_key(tun->net, &fl4);
	if (IS_ERR(rt))
		return "no route to the remote";
	route->via = route_via4(tun->net, &again);
	if (rt->rt_flags & (RTCF_LOCAL | RTCF_MULTICAST | RTCF_BROADCAST)) {
		ip_rt_put(rt);
		return "the remote is a local, multicast or broadcast address";
	}
	memcpy(&route->saddr, &fl4.saddr, sizeof(fl4.saddr));
	route->hoplimit = ip4_dst_hoplimit(&rt->dst);
	return route_use(tun, &rt->dst, &fl4.daddr, AF_INET, route);
}

#if IS_ENABLED(CONFIG_IPV6)
/* Likewise; the ways of a route have no structure of their own. */
static void route_via6(const struct dst_entry *dst, struct sluice_route *route)
{
	const struct fib6_info *from;

	rcu_read_lock();
	from = rcu_dereference(dst_rt6_info(dst)->from);
	if (from && from->nh)
		route->via = from->nh->id;
	else if (from)
		route->spread = READ_ONCE(from->fib6_nsiblings);
	rcu_read_unlock();
}

static const char *route_lookup6(struct sluice_tunnels *tun,
				 const struct sluice_encap *encap,
				 struct sluice_route *route)
{
	const struct sluice_encap_key *key = &encap->key;
	const struct sluice_tunnel_dev *td = encap->dev;
	struct flowi6 fl6 = {
		.flowi6_oif = td->vrf,
		.daddr = key->dst,
		.saddr = key->src,
		.flowlabel = ip6_make_flowinfo(key->tos, key->label),
	};
	struct dst_entry *dst;

	if (ipv6_addr_is_multicast(&key->dst))
		return "the remote is a multicast address";
	if (td->type == SLUICE_TUNNEL_GRE) {
		fl6.flowi6_proto = IPPROTO_GRE;
		fl6.fl6_gre_key = key->tun_id;
	} else {
		fl6.flowi6_proto = IPPROTO_UDP;
		fl6.fl6_sport = route_sport(encap);
		fl6.fl6_dport = key->port ? key->port : td->port;
	}
	dst = ip6_dst_lookup_flow(tun->net, NULL, &fl6, NULL);
	if (IS_ERR(dst))
		return "no route to the remote";
	route_via6(dst, route);
	if (dst_rt6_info(dst)->rt6i_flags & RTF_LOCAL) {
		dst_release(dst);
		return "the remote is a local address";
	}
	route->saddr = fl6.saddr;
	route->hoplimit = ip6_dst_hoplimit(dst);
	return route_use(tun, dst, &fl6.daddr, AF_INET6, route);
}
#endif

/**
 * sluice_route_lookup() - how packets with an outer header leave
 * @tun: tunnels, offload lock held
 * @encap: the header; its tunnel device is there
 * @route: filled in
 *
 * The fields of the lookup are those of the tunnel driver, as far as they do
 * not change from packet to packet: the mark is zero, UDP source port or flow
 * hash are some that packets may have.
 *
 * Return: NULL, or why they cannot leave through the switch.
 */
const char *sluice_route_lookup(struct sluice_tunnels *tun,
				const struct sluice_encap *encap,
				struct sluice_route *route)
{
	memset(route, 0, sizeof(*route));
	if (encap->key.family == AF_INET)
		return route_lookup4(tun, encap, route);
#if IS_ENABLED(CONFIG_IPV6)
	return route_lookup6(tun, encap, route);
#else
	return "the kernel has no IPv6";
#endif
}

static int remote_cmp(const struct sluice_encap *a,
		      const struct sluice_encap *b)
{
	int diff = memcmp(&a->key.dst, &b->key.dst, sizeof(a->key.dst));

	if (diff)
		return diff;
	return a->id < b->id ? -1 : a->id > b->id;
}

static bool remote_less(struct rb_node *a, const struct rb_node *b)
{
	return remote_cmp(rb_entry(a, struct sluice_encap, remote),
			  rb_entry(b, struct sluice_encap, remote)) < 0;
}

/**
 * sluice_remote_insert() - have an encap visited by events about its remote
 * @tun: tunnels, offload lock held
 * @encap: encap with its id
 */
void sluice_remote_insert(struct sluice_tunnels *tun,
			  struct sluice_encap *encap)
{
	rb_add(&encap->remote, sluice_remotes(tun, encap->key.family),
	       remote_less);
	atomic_inc(&tun->num_remotes);
}

/**
 * sluice_remote_erase() - undo that
 * @tun: tunnels, offload lock held
 * @encap: encap
 */
void sluice_remote_erase(struct sluice_tunnels *tun,
			 struct sluice_encap *encap)
{
	rb_erase(&encap->remote, sluice_remotes(tun, encap->key.family));
	atomic_dec(&tun->num_remotes);
}

static bool remote_inside(const struct sluice_encap *encap,
			  const struct sluice_addr *addr, u32 plen)
{
	return ipv6_prefix_equal(&encap->key.dst, &addr->a, plen);
}

/* The encap with the lowest remote that is not below @addr. */
static struct rb_node *remote_first(struct rb_root *root,
				    const struct sluice_addr *addr)
{
	struct rb_node *node = root->rb_node, *best = NULL;
	const struct sluice_encap *encap;

	while (node) {
		encap = rb_entry(node, struct sluice_encap, remote);
		if (memcmp(&encap->key.dst, &addr->a, sizeof(addr->a)) >= 0) {
			best = node;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return best;
}

/**
 * sluice_remotes_visit() - a route or policy rule has changed
 * @tun: tunnels, offload lock held
 * @ev: its prefix; bits behind that are zero
 *
 * Looks up the routes of those encaps whose remote it may be about.  Their
 * remotes are ordered, so others cost nothing.
 */
void sluice_remotes_visit(struct sluice_tunnels *tun,
			  const struct sluice_tunnel_event *ev)
{
	struct rb_root *root = sluice_remotes(tun, ev->addr.family);
	struct sluice_encap *encap;
	struct rb_node *node;

	for (node = remote_first(root, &ev->addr); node; node = rb_next(node)) {
		encap = rb_entry(node, struct sluice_encap, remote);
		if (!remote_inside(encap, &ev->addr, ev->plen))
			break;
		if (sluice_policy_concerns(encap, ev))
			sluice_encap_update(tun, encap);
	}
}
