// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, core: statistics blocks in host memory.
 *
 * The device writes the block of a vport whenever it changed.  A block is made
 * when somebody first asks for it and stays until the function goes, since the
 * device may be writing it.
 */
#include "core.h"

struct sluice_stats_block {
	struct sluice_vport_stats *mem;
	dma_addr_t dma;
};

static int sluice_stats_post(struct sluice_dev *sdev, u16 vport, dma_addr_t dma)
{
	struct sluice_cmd_buf cmd = {};

	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_STATS_BUF, sizeof(cmd));
	cmd.hdr.vport = cpu_to_le16(vport);
	cmd.addr = cpu_to_le64(dma);
	cmd.len = cpu_to_le32(sizeof(struct sluice_vport_stats));
	return sluice_cmd_post(sdev, &cmd.hdr);
}

/**
 * sluice_stats_buf() - statistics of a vport in host memory
 * @sdev: function
 * @vport: its own vport or, on a PF, any vport that exists
 *
 * Process context, may sleep.  The block stays valid, and is kept up to date
 * across resets, until the driver lets go of the function.
 *
 * Return: the block, or NULL when there is no memory or the device is dead.
 */
struct sluice_vport_stats *sluice_stats_buf(struct sluice_dev *sdev, u16 vport)
{
	struct sluice_core *core = sdev->core;
	struct sluice_stats_block *block;

	mutex_lock(&core->stats_lock);
	block = xa_load(&core->stats, vport);
	if (block)
		goto out;

	block = kzalloc(sizeof(*block), GFP_KERNEL);
	if (!block)
		goto out;
	block->mem = dma_pool_zalloc(core->stats_pool, GFP_KERNEL, &block->dma);
	if (!block->mem)
		goto err_free;
	if (xa_err(xa_store(&core->stats, vport, block, GFP_KERNEL)))
		goto err_mem;
	if (sluice_stats_post(sdev, vport, block->dma))
		dev_dbg(&sdev->pdev->dev, "no statistics of vport %#x yet\n", vport);
out:
	mutex_unlock(&core->stats_lock);
	return block ? block->mem : NULL;

err_mem:
	dma_pool_free(core->stats_pool, block->mem, block->dma);
err_free:
	kfree(block);
	mutex_unlock(&core->stats_lock);
	return NULL;
}

/**
 * sluice_stats_replay() - tell a device that was reset where the blocks are
 * @sdev: function
 */
void sluice_stats_replay(struct sluice_dev *sdev)
{
	struct sluice_core *core = sdev->core;
	struct sluice_stats_block *block;
	unsigned long vport;

	mutex_lock(&core->stats_lock);
	xa_for_each(&core->stats, vport, block)
		if (sluice_stats_post(sdev, vport, block->dma))
			break;
	mutex_unlock(&core->stats_lock);
}

/**
 * sluice_stats_init() - prepare for statistics blocks
 * @sdev: function
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_stats_init(struct sluice_dev *sdev)
{
	struct sluice_core *core = sdev->core;

	core->stats_pool = dma_pool_create("sluice-stats", &sdev->pdev->dev,
					   sizeof(struct sluice_vport_stats),
					   64, 0);
	if (!core->stats_pool)
		return -ENOMEM;
	xa_init(&core->stats);
	mutex_init(&core->stats_lock);
	return 0;
}

/**
 * sluice_stats_fini() - free all statistics blocks
 * @sdev: function that is reset or gone
 */
void sluice_stats_fini(struct sluice_dev *sdev)
{
	struct sluice_core *core = sdev->core;
	struct sluice_stats_block *block;
	unsigned long vport;

	xa_for_each(&core->stats, vport, block) {
		dma_pool_free(core->stats_pool, block->mem, block->dma);
		kfree(block);
	}
	xa_destroy(&core->stats);
	dma_pool_destroy(core->stats_pool);
	mutex_destroy(&core->stats_lock);
}
