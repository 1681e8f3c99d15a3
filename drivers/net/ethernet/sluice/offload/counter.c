// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule counters.
 *
 * The device writes changed counters to host memory, so reading one costs no
 * command.  A freed id is in limbo until everything the device may still have
 * to write for its old rule has been written; then its memory can be cleared
 * for the next one.  How far the device is the control ring tells, so that
 * nobody waits for it.
 */
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/slab.h>

#include "offload.h"

/* The device writes 32 bytes at once; it has that many tries to hold still. */
#define SLUICE_COUNTER_TRIES	16

/**
 * sluice_counters_init() - start without any counter
 * @off: offload
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_counters_init(struct sluice_offload *off)
{
	struct sluice_counters *c = &off->counters;
	u32 max = min_t(u32, off->sdev->limits.max_counters, SLUICE_IDS_MAX);
	u32 pieces;

	mutex_init(&c->lock);
	if (!max)
		return 0;
	c->chunk = min_t(u32, SLUICE_COUNTER_CHUNK, rounddown_pow_of_two(max));
	c->max = round_down(max, c->chunk);
	pieces = c->max / c->chunk;
	c->chunks = kvcalloc(pieces, sizeof(*c->chunks), GFP_KERNEL);
	c->dma = kvcalloc(pieces, sizeof(*c->dma), GFP_KERNEL);
	c->limbo = kvcalloc(SLUICE_COUNTER_LIMBO, sizeof(*c->limbo),
			    GFP_KERNEL);
	if (!c->chunks || !c->dma || !c->limbo ||
	    sluice_ids_init(&c->ids, c->max)) {
		sluice_counters_fini(off);
		return -ENOMEM;
	}
	return 0;
}

static void counters_map_cmd(struct sluice_cmd_counters *cmd, u8 opcode,
			     dma_addr_t addr, u32 base, u32 count)
{
	memset(cmd, 0, sizeof(*cmd));
	sluice_cmd_init(&cmd->hdr, opcode, sizeof(*cmd));
	cmd->addr = cpu_to_le64(addr);
	cmd->base = cpu_to_le32(base);
	cmd->count = cpu_to_le32(count);
}

/**
 * sluice_counters_stop() - take the memory of all counters from the device
 * @off: offload; nobody reads counters any more
 *
 * Context: process, sleeps until the device has answered.
 */
void sluice_counters_stop(struct sluice_offload *off)
{
	struct sluice_counters *c = &off->counters;
	struct sluice_cmd_counters cmd;
	u32 i;

	for (i = 0; c->chunks && i < c->max / c->chunk; i++) {
		if (!c->chunks[i])
			continue;
		counters_map_cmd(&cmd, SLUICE_CMD_COUNTER_UNMAP, 0,
				 i * c->chunk, c->chunk);
		/* A device that does not answer is stopped, or gone. */
		sluice_cmd_exec(off->sdev, &cmd.hdr);
		dma_free_coherent(&off->sdev->pdev->dev,
				  c->chunk * sizeof(struct sluice_counter),
				  c->chunks[i], c->dma[i]);
		c->chunks[i] = NULL;
	}
}

static bool limbo_empty(const struct sluice_counters *c)
{
	return c->limbo_head == c->limbo_tail;
}

static void limbo_free(struct sluice_counters *c, u32 num)
{
	for (; num; num--, c->limbo_head++)
		sluice_ids_put(&c->ids,
			       c->limbo[c->limbo_head % SLUICE_COUNTER_LIMBO]);
}

static void limbo_free_all(struct sluice_counters *c)
{
	limbo_free(c, c->limbo_tail - c->limbo_head);
	/* Parts begin with the ring. */
	c->limbo_head = 0;
	c->limbo_tail = 0;
}

/**
 * sluice_counters_replay() - tell a device that was reset where counters live
 * @off: offload, lock held
 */
void sluice_counters_replay(struct sluice_offload *off)
{
	struct sluice_counters *c = &off->counters;
	struct sluice_cmd_counters cmd;
	u32 i;

	/* What the device may have had to write it has forgotten. */
	mutex_lock(&c->lock);
	limbo_free_all(c);
	mutex_unlock(&c->lock);
	for (i = 0; c->chunks && i < c->max / c->chunk; i++) {
		if (!c->chunks[i])
			continue;
		counters_map_cmd(&cmd, SLUICE_CMD_COUNTER_MAP, c->dma[i],
				 i * c->chunk, c->chunk);
		sluice_offload_post(off, &cmd.hdr);
	}
}

/**
 * sluice_counters_fini() - free what is left
 * @off: offload
 */
void sluice_counters_fini(struct sluice_offload *off)
{
	struct sluice_counters *c = &off->counters;

	sluice_ids_fini(&c->ids);
	mutex_destroy(&c->lock);
	kvfree(c->limbo);
	kvfree(c->dma);
	kvfree(c->chunks);
	memset(c, 0, sizeof(*c));
}

static u32 *limbo_mark(struct sluice_counters *c, u32 n)
{
	return &c->marks[n / SLUICE_COUNTER_PART % ARRAY_SIZE(c->marks)];
}

/* Nothing is written for ids in limbo once this command is done. */
static void limbo_sync_init(struct sluice_cmd_hdr *cmd)
{
	sluice_cmd_init(cmd, SLUICE_CMD_SYNC, sizeof(*cmd));
}

/* Free the ids that the device has done with; when there are none yet, wait. */
static void counters_settle(struct sluice_offload *off)
{
	struct sluice_counters *c = &off->counters;
	u32 start = c->limbo_head;
	struct sluice_cmd_hdr cmd;

	while (c->limbo_tail - c->limbo_head >= SLUICE_COUNTER_PART &&
	       sluice_cmd_consumed(off->sdev, *limbo_mark(c, c->limbo_head)))
		limbo_free(c, SLUICE_COUNTER_PART);
	if (c->limbo_head != start)
		return;
	limbo_sync_init(&cmd);
	/* Failing means that the device does nothing any more. */
	sluice_cmd_exec(off->sdev, &cmd);
	limbo_free_all(c);
}

/* An id is unused, but for what the device may still write. */
static void limbo_add(struct sluice_offload *off, u32 id)
{
	struct sluice_counters *c = &off->counters;
	struct sluice_cmd_hdr cmd;
	u32 n = c->limbo_tail++;

	c->limbo[n % SLUICE_COUNTER_LIMBO] = id;
	if (c->limbo_tail % SLUICE_COUNTER_PART)
		return;
	limbo_sync_init(&cmd);
	sluice_offload_post(off, &cmd);
	*limbo_mark(c, n) = sluice_cmd_mark(off->sdev);
}

static int counter_chunk_add(struct sluice_offload *off, u32 i)
{
	struct sluice_counters *c = &off->counters;
	size_t size = c->chunk * sizeof(struct sluice_counter);
	struct sluice_cmd_counters cmd;
	int err;

	c->chunks[i] = dma_alloc_coherent(&off->sdev->pdev->dev, size,
					  &c->dma[i], GFP_KERNEL);
	if (!c->chunks[i])
		return -ENOMEM;
	counters_map_cmd(&cmd, SLUICE_CMD_COUNTER_MAP, c->dma[i], i * c->chunk,
			 c->chunk);
	err = sluice_offload_post(off, &cmd.hdr);
	if (err) {
		dma_free_coherent(&off->sdev->pdev->dev, size, c->chunks[i],
				  c->dma[i]);
		c->chunks[i] = NULL;
	}
	return err;
}

static int counter_get(struct sluice_offload *off, u32 *id,
		       const struct sluice_counter **slot)
{
	struct sluice_counters *c = &off->counters;
	struct sluice_counter *mem;
	int n, err;

	if (!c->max)
		return -ENOSPC;
	n = sluice_ids_get(&c->ids, c->max);
	if (n == -ENOSPC && !limbo_empty(c)) {
		counters_settle(off);
		n = sluice_ids_get(&c->ids, c->max);
	}
	if (n < 0)
		return n;
	if (!c->chunks[n / c->chunk]) {
		err = counter_chunk_add(off, n / c->chunk);
		if (err) {
			sluice_ids_put(&c->ids, n);
			return err;
		}
	}
	mem = &c->chunks[n / c->chunk][n % c->chunk];
	memset(mem, 0, sizeof(*mem));
	*slot = mem;
	*id = n;
	return 0;
}

/**
 * sluice_counter_get() - get a counter that reads zero
 * @off: offload, lock held; or the connections' lock, and they are not paused
 * @id: set to its id
 * @slot: set to its host memory
 *
 * What uses it must be created with %SLUICE_RULE_F_ZERO or the like.
 *
 * Return: 0, -ENOSPC without a free counter, -ENOMEM, or -EIO.
 */
int sluice_counter_get(struct sluice_offload *off, u32 *id,
		       const struct sluice_counter **slot)
{
	int err;

	mutex_lock(&off->counters.lock);
	err = counter_get(off, id, slot);
	mutex_unlock(&off->counters.lock);
	return err;
}

/**
 * sluice_counter_put() - give a counter back
 * @off: offload, lock held; or not left yet, and it is a connection's
 * @id: its id; the removal of what used it is on the control ring
 */
void sluice_counter_put(struct sluice_offload *off, u32 id)
{
	struct sluice_counters *c = &off->counters;

	if (off->dead)
		return;
	mutex_lock(&c->lock);
	if (c->limbo_tail - c->limbo_head == SLUICE_COUNTER_LIMBO)
		counters_settle(off);
	limbo_add(off, id);
	mutex_unlock(&c->lock);
}

/**
 * sluice_counter_read() - read a counter
 * @slot: its host memory
 * @packets: set to the packets so far
 * @bytes: set to the bytes so far
 * @last_use: set to the device's time of the last packet, in ns, 0 if none
 *
 * The memory belongs to the device; nothing is assumed of the values.
 * Documentation/hardware/eswitch.md, "Counters".
 *
 * Return: false when the device kept writing and no consistent value was seen.
 */
bool sluice_counter_read(const struct sluice_counter *slot, u64 *packets,
			 u64 *bytes, u64 *last_use)
{
	unsigned int i;
	u64 first;

	for (i = 0; i < SLUICE_COUNTER_TRIES; i++) {
		first = le64_to_cpu(READ_ONCE(slot->packets));
		dma_rmb();
		*bytes = le64_to_cpu(READ_ONCE(slot->bytes));
		*last_use = le64_to_cpu(READ_ONCE(slot->last_use));
		dma_rmb();
		*packets = le64_to_cpu(READ_ONCE(slot->packets));
		if (*packets == first)
			return true;
		cpu_relax();
	}
	return false;
}
