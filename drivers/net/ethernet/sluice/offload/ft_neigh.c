// SPDX-License-Identifier: GPL-2.0-only
/*
 * Neighbours that next hops of flow tables lead to.
 *
 * The kernel tells of every change of every neighbour, in atomic context.  Those
 * we know are noted, and the work item of ft.c looks at their next hops alone.
 */
#include <linux/slab.h>
#include <net/netevent.h>

#include "ft.h"

static const struct rhashtable_params neigh_params = {
	.head_offset = offsetof(struct sluice_ft_neigh, node),
	.key_offset = offsetof(struct sluice_ft_neigh, key),
	.key_len = sizeof_field(struct sluice_ft_neigh, key),
	.automatic_shrinking = true,
};

/**
 * sluice_ft_neigh_get() - a next hop leads to a neighbour
 * @ct: connections, lock held
 * @hop: next hop with a path, its neighbour not yet set
 *
 * Return: 0, or -ENOMEM and the like.
 */
int sluice_ft_neigh_get(struct sluice_ct *ct, struct sluice_ft_hop *hop)
{
	struct sluice_next_hop_key key = {
		.addr.family = hop->path.family,
		.ifindex = hop->path.neigh_ifindex,
	};
	struct sluice_ft_neigh *neigh;
	int err;

	memcpy(&key.addr.a, hop->path.addr, sizeof(key.addr.a));
	neigh = rhashtable_lookup_fast(&ct->neighs, &key, neigh_params);
	if (!neigh) {
		neigh = kzalloc(sizeof(*neigh), GFP_KERNEL);
		if (!neigh)
			return -ENOMEM;
		neigh->key = key;
		INIT_LIST_HEAD(&neigh->hops);
		INIT_LIST_HEAD(&neigh->changed);
		err = rhashtable_insert_fast(&ct->neighs, &neigh->node,
					     neigh_params);
		if (err) {
			kfree(neigh);
			return err;
		}
	}
	hop->neigh = neigh;
	list_add_tail(&hop->by_neigh, &neigh->hops);
	return 0;
}

/**
 * sluice_ft_neigh_put() - a next hop goes
 * @ct: connections, lock held
 * @hop: next hop, with a neighbour or without
 */
void sluice_ft_neigh_put(struct sluice_ct *ct, struct sluice_ft_hop *hop)
{
	struct sluice_ft_neigh *neigh = hop->neigh;

	if (!neigh)
		return;
	hop->neigh = NULL;
	list_del(&hop->by_neigh);
	if (!list_empty(&neigh->hops))
		return;
	rhashtable_remove_fast(&ct->neighs, &neigh->node, neigh_params);
	spin_lock_bh(&ct->changed_lock);
	neigh->gone = true;
	list_del_init(&neigh->changed);
	spin_unlock_bh(&ct->changed_lock);
	kfree_rcu(neigh, rcu);
}

static struct sluice_ft_neigh *next_changed(struct sluice_ct *ct)
{
	struct sluice_ft_neigh *neigh;

	spin_lock_bh(&ct->changed_lock);
	neigh = list_first_entry_or_null(&ct->changed, struct sluice_ft_neigh,
					 changed);
	if (neigh)
		list_del_init(&neigh->changed);
	spin_unlock_bh(&ct->changed_lock);
	return neigh;
}

/**
 * sluice_ft_neighs_news() - have next hops looked at whose neighbours changed
 * @ct: connections, lock held
 */
void sluice_ft_neighs_news(struct sluice_ct *ct)
{
	struct sluice_ft_neigh *neigh;
	struct sluice_ft_hop *hop;

	/* One that changes from here on is seen by the next run. */
	while ((neigh = next_changed(ct)))
		list_for_each_entry(hop, &neigh->hops, by_neigh)
			sluice_ft_hop_dirty(hop);
}

static void neigh_changed(struct sluice_ct *ct, const struct neighbour *n)
{
	struct sluice_next_hop_key key;
	struct sluice_ft_neigh *neigh;

	if (!sluice_neigh_key(n, &key))
		return;
	rcu_read_lock();
	neigh = rhashtable_lookup(&ct->neighs, &key, neigh_params);
	if (neigh) {
		spin_lock_bh(&ct->changed_lock);
		if (!neigh->gone && list_empty(&neigh->changed))
			list_add_tail(&neigh->changed, &ct->changed);
		spin_unlock_bh(&ct->changed_lock);
		schedule_work(&ct->ft_work);
	}
	rcu_read_unlock();
}

static int ft_netevent(struct notifier_block *nb, unsigned long event, void *ptr)
{
	struct sluice_ct *ct = container_of(nb, struct sluice_ct, netevent);

	if (event == NETEVENT_NEIGH_UPDATE)
		neigh_changed(ct, ptr);
	return NOTIFY_DONE;
}

/**
 * sluice_ft_neighs_init() - start without any neighbour
 * @ct: where they will be, with its work item
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_ft_neighs_init(struct sluice_ct *ct)
{
	int err;

	spin_lock_init(&ct->changed_lock);
	INIT_LIST_HEAD(&ct->changed);
	err = rhashtable_init(&ct->neighs, &neigh_params);
	if (err)
		return err;
	ct->netevent.notifier_call = ft_netevent;
	register_netevent_notifier(&ct->netevent);
	return 0;
}

/**
 * sluice_ft_neighs_stop() - hear of no more changes
 * @ct: connections
 *
 * Context: process, sleeps.
 */
void sluice_ft_neighs_stop(struct sluice_ct *ct)
{
	unregister_netevent_notifier(&ct->netevent);
}

/**
 * sluice_ft_neighs_fini() - free what is left
 * @ct: without any next hop, stopped
 */
void sluice_ft_neighs_fini(struct sluice_ct *ct)
{
	rhashtable_destroy(&ct->neighs);
}
