// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chains of a block as tables of the device.
 */
#include <linux/slab.h>

#include "offload.h"

/**
 * sluice_table_get() - find or make the table of a chain
 * @block: block; offload lock held
 * @chain: tc chain
 *
 * A table exists in the device as soon as something names it; one without
 * rules sends every packet to software, as a chain without filters does.
 *
 * Return: the table with one more reference, or an ERR_PTR: -ENOSPC when the
 * device has no more tables, -ENOMEM.
 */
struct sluice_table *sluice_table_get(struct sluice_block *block, u32 chain)
{
	struct sluice_offload *off = block->off;
	struct sluice_table *table;
	int err;

	table = xa_load(&block->tables, chain);
	if (table) {
		table->refs++;
		return table;
	}
	table = kzalloc(sizeof(*table), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	table->block = block;
	table->chain = chain;
	table->refs = 1;
	xa_init(&table->prios);
	err = ida_alloc_max(&off->table_ids, off->sdev->limits.max_tables - 1,
			    GFP_KERNEL);
	if (err < 0)
		goto err_free;
	table->id = err;
	err = xa_insert(&block->tables, chain, table, GFP_KERNEL);
	if (err)
		goto err_id;
	return table;

err_id:
	ida_free(&off->table_ids, table->id);
err_free:
	kfree(table);
	return ERR_PTR(err);
}

/**
 * sluice_table_put() - give a table back
 * @table: table; offload lock held
 */
void sluice_table_put(struct sluice_table *table)
{
	struct sluice_block *block = table->block;

	if (--table->refs)
		return;
	WARN_ON(!xa_empty(&table->prios));
	xa_erase(&block->tables, table->chain);
	ida_free(&block->off->table_ids, table->id);
	kfree(table);
}
