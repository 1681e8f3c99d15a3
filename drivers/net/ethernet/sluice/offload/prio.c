// SPDX-License-Identifier: GPL-2.0-only
/*
 * Order among filters of one tc priority.
 *
 * Within a priority flower tries its masks in the order in which it came to
 * know them and takes the first that has a matching filter.  The device is
 * told this order as the second half of the priority.  A live block shows us
 * new masks in that very order.  When tc replays the filters of a block that
 * had some before it was bound, the newest come first, and filters deleted
 * since may have decided the order: then it is not known.
 */
#include <linux/slab.h>

#include "offload.h"

#define SUBPRIO_START	0x80000000u

static struct sluice_order *order_find(const struct sluice_prio *prio,
				       const void *id)
{
	struct sluice_order *order;

	list_for_each_entry(order, &prio->orders, node)
		if (order->id == id)
			return order;
	return NULL;
}

static struct sluice_prio *prio_get(struct sluice_table *table, u32 num)
{
	struct sluice_prio *prio = xa_load(&table->prios, num);
	int err;

	if (prio)
		return prio;
	prio = kzalloc(sizeof(*prio), GFP_KERNEL);
	if (!prio)
		return ERR_PTR(-ENOMEM);
	prio->table = table;
	prio->prio = num;
	INIT_LIST_HEAD(&prio->orders);
	err = xa_insert(&table->prios, num, prio, GFP_KERNEL);
	if (err) {
		kfree(prio);
		return ERR_PTR(err);
	}
	return prio;
}

static void prio_release(struct sluice_prio *prio)
{
	if (!list_empty(&prio->orders))
		return;
	xa_erase(&prio->table->prios, prio->prio);
	kfree(prio);
}

/**
 * sluice_order_known() - is the place of a mask within its priority certain
 * @block: block; offload lock held
 * @chain: chain
 * @num: tc priority
 * @id: flower's mask
 *
 * Return: false for a further mask of a priority while tc replays a block.
 */
bool sluice_order_known(struct sluice_block *block, u32 chain, u32 num,
			const void *id)
{
	struct sluice_table *table = xa_load(&block->tables, chain);
	const struct sluice_prio *prio;

	if (block->live || !table)
		return true;
	prio = xa_load(&table->prios, num);
	return !prio || order_find(prio, id);
}

/**
 * sluice_order_get() - place of a mask within its priority
 * @table: chain; offload lock held
 * @num: tc priority
 * @id: flower's mask
 *
 * A mask not seen before goes behind the others, or, while tc replays, before
 * them: what is refused for that must not lose packets to those.
 *
 * Return: the place with one more reference, or an ERR_PTR: -ENOMEM.
 */
struct sluice_order *sluice_order_get(struct sluice_table *table, u32 num,
				      const void *id)
{
	struct sluice_prio *prio = prio_get(table, num);
	struct sluice_order *order;

	if (IS_ERR(prio))
		return ERR_CAST(prio);
	order = order_find(prio, id);
	if (order) {
		order->refs++;
		return order;
	}
	order = kzalloc(sizeof(*order), GFP_KERNEL);
	if (!order) {
		prio_release(prio);
		return ERR_PTR(-ENOMEM);
	}
	order->prio = prio;
	order->id = id;
	order->refs = 1;
	if (list_empty(&prio->orders)) {
		prio->first = SUBPRIO_START;
		prio->last = SUBPRIO_START;
		order->subprio = SUBPRIO_START;
	} else if (table->block->live) {
		order->subprio = ++prio->last;
	} else {
		order->subprio = --prio->first;
	}
	list_add_tail(&order->node, &prio->orders);
	return order;
}

/**
 * sluice_order_put() - give a place back
 * @order: place; offload lock held
 */
void sluice_order_put(struct sluice_order *order)
{
	struct sluice_prio *prio = order->prio;

	if (--order->refs)
		return;
	list_del(&order->node);
	kfree(order);
	prio_release(prio);
}
