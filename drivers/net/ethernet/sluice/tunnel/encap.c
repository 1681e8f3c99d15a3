// SPDX-License-Identifier: GPL-2.0-only
/*
 * Encaps: outer headers shared by all rules that ask for the same.
 */
#include <linux/hash.h>
#include <linux/jhash.h>
#include <linux/slab.h>

#include "tunnel.h"

const struct rhashtable_params sluice_encap_params = {
	.head_offset = offsetof(struct sluice_encap, hash),
	.key_offset = offsetof(struct sluice_encap, key),
	.key_len = sizeof_field(struct sluice_encap, key),
	.automatic_shrinking = true,
};

/* Post what is in the scratch command if the device has been told otherwise. */
static void encap_post(struct sluice_tunnels *tun, struct sluice_encap *encap,
		       struct sluice_cmd_encap *cmd)
{
	size_t len = le16_to_cpu(cmd->hdr.len);

	cmd->id = cpu_to_le32(encap->id);
	cmd->next_hop = cpu_to_le32(encap->nh ? encap->nh->id :
						SLUICE_ID_NONE);
	if (encap->sets && !memcmp(cmd, &encap->cmd, len))
		return;
	memcpy(&encap->cmd, cmd, len);
	encap->sets++;
	sluice_tunnels_post(tun, &cmd->hdr);
}

static struct hlist_head *encap_sources(struct sluice_tunnels *tun,
					const struct in6_addr *addr)
{
	return &tun->sources[jhash(addr, sizeof(*addr), 0) >>
			     (32 - SLUICE_ENCAP_SOURCES_BITS)];
}

/* Have an encap visited by events about its source address. */
static void encap_source(struct sluice_tunnels *tun, struct sluice_encap *encap,
			 const struct in6_addr *saddr)
{
	if (!hlist_unhashed(&encap->source_node) &&
	    !memcmp(&encap->saddr, saddr, sizeof(*saddr)))
		return;
	hlist_del_init(&encap->source_node);
	encap->saddr = *saddr;
	hlist_add_head(&encap->source_node, encap_sources(tun, saddr));
}

static struct hlist_head *encap_vias(struct sluice_tunnels *tun,
				     unsigned long via)
{
	return &tun->vias[hash_long(via, SLUICE_ENCAP_VIAS_BITS)];
}

/* Have an encap visited by events about what its route goes by. */
static void encap_via(struct sluice_tunnels *tun, struct sluice_encap *encap,
		      const struct sluice_route *route)
{
	/* Somebody may be walking a list it is in: not moved for nothing. */
	if (encap->via != route->via) {
		hlist_del_init(&encap->via_node);
		encap->via = route->via;
		if (encap->via)
			hlist_add_head(&encap->via_node,
				       encap_vias(tun, encap->via));
	}
	if (list_empty(&encap->spread_node) == !route->spread)
		return;
	if (route->spread)
		list_add_tail(&encap->spread_node, &tun->spread);
	else
		list_del_init(&encap->spread_node);
}

static const char *encap_resolve(struct sluice_tunnels *tun,
				 struct sluice_encap *encap,
				 struct sluice_route *route,
				 struct sluice_next_hop **nh)
{
	const char *why;

	if (encap->dev->refuse)
		return encap->dev->refuse;
	if (!encap->dev->up)
		return "the tunnel device is down";
	if (encap->dev->egress_filters)
		return "the tunnel device has filters at its egress";
	encap->lookups++;
	why = sluice_route_lookup(tun, encap, route);
	if (why)
		return why;
	*nh = sluice_next_hop_get(tun, route->underlay, &route->gateway);
	if (IS_ERR(*nh)) {
		*nh = NULL;
		return "the device has no room for a next hop";
	}
	return NULL;
}

/**
 * sluice_encap_update() - look up afresh how an encap's packets leave
 * @tun: tunnels, offload lock held
 * @encap: encap
 *
 * At most one command for the encap, and none for rules.  Without a way out,
 * the encap has no next hop, and packets for it are software's.
 */
void sluice_encap_update(struct sluice_tunnels *tun,
			 struct sluice_encap *encap)
{
	struct sluice_cmd_encap *cmd = (struct sluice_cmd_encap *)tun->scratch;
	struct sluice_next_hop *old = encap->nh, *nh = NULL;
	struct sluice_route route = {};

	if (encap->dev)
		encap->why = encap_resolve(tun, encap, &route, &nh);
	else
		encap->why = "the tunnel device is gone";
	encap->nh = nh;
	/* Somebody may be walking the list it is in: not moved for nothing. */
	if (nh != old)
		list_move_tail(&encap->nh_node, nh ? &nh->encaps : &tun->lost);
	if (!nh)
		hlist_del_init(&encap->source_node);
	encap_via(tun, encap, &route);
	if (nh || !encap->sets) {
		if (nh)
			encap_source(tun, encap, &route.saddr);
		memset(cmd, 0, SLUICE_ENCAP_CMD_MAX);
		sluice_encap_header(tun, encap, cmd, route.hoplimit, route.mtu);
	} else {
		/* Keep the header, it is not used. */
		memcpy(cmd, &encap->cmd, le16_to_cpu(encap->cmd.hdr.len));
	}
	encap_post(tun, encap, cmd);
	if (old)
		sluice_next_hop_put(tun, old);
}

/**
 * sluice_encaps_update_dev() - a tunnel device has changed
 * @tun: tunnels, offload lock held
 * @td: tunnel device
 */
void sluice_encaps_update_dev(struct sluice_tunnels *tun,
			      struct sluice_tunnel_dev *td)
{
	struct sluice_encap *encap;

	list_for_each_entry(encap, &td->encaps, dev_node)
		sluice_encap_update(tun, encap);
}

/**
 * sluice_encaps_update_all() - any route may have changed
 * @tun: tunnels, offload lock held
 * @family: of the routes
 */
void sluice_encaps_update_all(struct sluice_tunnels *tun, u32 family)
{
	struct rb_node *node;

	for (node = rb_first(sluice_remotes(tun, family)); node;
	     node = rb_next(node))
		sluice_encap_update(tun, rb_entry(node, struct sluice_encap,
						  remote));
}

/**
 * sluice_encaps_update_next_hop() - routes over a next hop may have changed
 * @tun: tunnels, offload lock held
 * @nh: next hop, which the caller has a reference to
 * @family: of the routes, or AF_UNSPEC for both
 */
void sluice_encaps_update_next_hop(struct sluice_tunnels *tun,
				   struct sluice_next_hop *nh, u32 family)
{
	struct sluice_encap *encap, *next;

	list_for_each_entry_safe(encap, next, &nh->encaps, nh_node)
		if (family == AF_UNSPEC || encap->key.family == family)
			sluice_encap_update(tun, encap);
}

/**
 * sluice_encaps_update_lost() - there is one more way to leave by
 * @tun: tunnels, offload lock held
 *
 * Looks up the routes of encaps that have none; others cost nothing.
 */
void sluice_encaps_update_lost(struct sluice_tunnels *tun)
{
	struct sluice_encap *encap, *next;

	list_for_each_entry_safe(encap, next, &tun->lost, nh_node)
		sluice_encap_update(tun, encap);
}

/**
 * sluice_encaps_update_source() - an address came or went
 * @tun: tunnels, offload lock held
 * @addr: the address
 * @ifindex: of the device it is on, whose encaps have been updated
 *
 * Looks up the routes of encaps that are sent from it by other devices; what is
 * sent from other addresses costs nothing.
 */
void sluice_encaps_update_source(struct sluice_tunnels *tun,
				 const struct sluice_addr *addr, u32 ifindex)
{
	struct sluice_encap *encap;
	struct hlist_node *next;

	hlist_for_each_entry_safe(encap, next, encap_sources(tun, &addr->a),
				  source_node)
		if (encap->key.family == addr->family &&
		    encap->nh->key.ifindex != ifindex &&
		    !memcmp(&encap->saddr, &addr->a, sizeof(addr->a)))
			sluice_encap_update(tun, encap);
}

/**
 * sluice_encaps_update_via() - what routes go by has changed
 * @tun: tunnels, offload lock held
 * @via: see struct sluice_route
 *
 * Looks up the routes that go by it, and those of encaps that have none: the
 * kernel does not tell by what a packet is refused.
 */
void sluice_encaps_update_via(struct sluice_tunnels *tun, unsigned long via)
{
	struct sluice_encap *encap, *more;
	struct hlist_node *next;

	hlist_for_each_entry_safe(encap, next, encap_vias(tun, via), via_node)
		if (encap->via == via)
			sluice_encap_update(tun, encap);
	list_for_each_entry_safe(encap, more, &tun->lost, nh_node)
		if (!encap->via)
			sluice_encap_update(tun, encap);
}

/**
 * sluice_encaps_update_spread() - a netdev can be used, or not any more
 * @tun: tunnels, offload lock held
 *
 * Looks up the routes of encaps that have several ways to go over IPv6, about
 * whose state the kernel sends no event.
 */
void sluice_encaps_update_spread(struct sluice_tunnels *tun)
{
	struct sluice_encap *encap, *next;

	list_for_each_entry_safe(encap, next, &tun->spread, spread_node)
		sluice_encap_update(tun, encap);
}

/**
 * sluice_encaps_update_policy() - a policy rule for one source address
 * @tun: tunnels, offload lock held
 * @ev: the rule
 *
 * Looks up the routes of encaps with that address, and of those that have none.
 */
void sluice_encaps_update_policy(struct sluice_tunnels *tun,
				 const struct sluice_tunnel_event *ev)
{
	struct sluice_encap *encap, *more;
	struct hlist_node *next;

	hlist_for_each_entry_safe(encap, next, encap_sources(tun, &ev->src),
				  source_node)
		if (encap->key.family == ev->addr.family &&
		    sluice_policy_concerns(encap, ev))
			sluice_encap_update(tun, encap);
	list_for_each_entry_safe(encap, more, &tun->lost, nh_node)
		if (encap->key.family == ev->addr.family &&
		    sluice_policy_concerns(encap, ev))
			sluice_encap_update(tun, encap);
}

static struct sluice_encap *encap_create(struct sluice_tunnels *tun,
					 struct sluice_tunnel_dev *td,
					 const struct sluice_encap_key *key)
{
	struct sluice_encap *encap;
	int id, err;

	encap = kzalloc(offsetof(struct sluice_encap, cmd) +
			SLUICE_ENCAP_CMD_MAX, GFP_KERNEL);
	if (!encap)
		return ERR_PTR(-ENOMEM);
	encap->key = *key;
	encap->dev = td;
	encap->refs = 1;
	INIT_LIST_HEAD(&encap->rules);
	INIT_LIST_HEAD(&encap->spread_node);
	list_add_tail(&encap->nh_node, &tun->lost);
	id = ida_alloc_max(&tun->encap_ids,
			   tun->off->sdev->limits.max_encaps - 1, GFP_KERNEL);
	if (id < 0) {
		err = id;
		goto err_free;
	}
	encap->id = id;
	err = rhashtable_insert_fast(&tun->encaps, &encap->hash,
				     sluice_encap_params);
	if (err)
		goto err_id;
	list_add_tail(&encap->dev_node, &td->encaps);
	/* Before the lookup: what changes meanwhile comes as an event. */
	sluice_remote_insert(tun, encap);
	sluice_encap_update(tun, encap);
	return encap;

err_id:
	ida_free(&tun->encap_ids, id);
err_free:
	list_del(&encap->nh_node);
	kfree(encap);
	return ERR_PTR(err);
}

/**
 * sluice_encap_get() - the encap for a redirect to a tunnel device
 * @tun: tunnels, offload lock held
 * @td: the tunnel device
 * @info: parameters of the tunnel_key action before it
 * @extack: for the reason of a refusal
 *
 * Return: an encap with one more reference, or an ERR_PTR: -EOPNOTSUPP for a
 * header the device cannot make, -ENOSPC, -ENOMEM.
 */
struct sluice_encap *sluice_encap_get(struct sluice_tunnels *tun,
				      struct sluice_tunnel_dev *td,
				      const struct ip_tunnel_info *info,
				      struct netlink_ext_ack *extack)
{
	struct sluice_encap_key key;
	struct sluice_encap *encap;
	const char *why = td->refuse;

	if (!why)
		why = sluice_encap_key(&key, td, info);
	if (why)
		return ERR_PTR(sluice_reject(tun->off, extack,
					     SLUICE_REJECT_TUNNEL, "%s", why));
	encap = rhashtable_lookup_fast(&tun->encaps, &key,
				       sluice_encap_params);
	if (encap) {
		encap->refs++;
	} else {
		encap = encap_create(tun, td, &key);
		if (IS_ERR(encap)) {
			sluice_reject(tun->off, extack, SLUICE_REJECT_FULL,
				      "the device is full of tunnel headers");
			return encap;
		}
	}
	/* The rule is in hardware; its packets get there when this ends. */
	if (encap->why)
		NL_SET_ERR_MSG_FMT_MOD(extack, "not yet: %s", encap->why);
	else if (!(encap->nh->cmd.flags & cpu_to_le16(SLUICE_NEXT_HOP_F_VALID)))
		NL_SET_ERR_MSG_FMT_MOD(extack, "not yet: the next hop is %s",
				       sluice_next_hop_state(encap->nh));
	return encap;
}

/**
 * sluice_encap_hold() - take one more reference
 * @encap: encap; offload lock held
 */
void sluice_encap_hold(struct sluice_encap *encap)
{
	encap->refs++;
}

/**
 * sluice_encap_put() - give an encap back
 * @tun: tunnels, offload lock held
 * @encap: encap; the device has no rule with it any more
 */
void sluice_encap_put(struct sluice_tunnels *tun, struct sluice_encap *encap)
{
	if (--encap->refs)
		return;
	rhashtable_remove_fast(&tun->encaps, &encap->hash,
			       sluice_encap_params);
	sluice_remote_erase(tun, encap);
	if (encap->dev)
		list_del(&encap->dev_node);
	sluice_tunnels_post_u32(tun, SLUICE_CMD_ENCAP_DEL, encap->id);
	hlist_del_init(&encap->source_node);
	hlist_del_init(&encap->via_node);
	list_del(&encap->spread_node);
	list_del(&encap->nh_node);
	if (encap->nh)
		sluice_next_hop_put(tun, encap->nh);
	ida_free(&tun->encap_ids, encap->id);
	kfree(encap);
}
