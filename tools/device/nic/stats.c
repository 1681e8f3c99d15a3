// SPDX-License-Identifier: GPL-2.0-or-later
/* Counters and statistics: kept up to date in host memory. */
#include "internal.h"

/* Sweeps take one part of the time in this many. */
#define SWEEP_SHARE	20

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static unsigned int stats_index(uint16_t vport)
{
	if (vport >= SLUICE_VPORT_UPLINK(0))
		return SLUICE_MAX_FUNCS + vport - SLUICE_VPORT_UPLINK(0);
	return vport;
}

static uint16_t stats_vport(unsigned int index)
{
	if (index >= SLUICE_MAX_FUNCS)
		return SLUICE_VPORT_UPLINK(index - SLUICE_MAX_FUNCS);
	return index;
}

/* Write what changed, soon. */
static void sweep_soon(struct lane *lane)
{
	struct sluice_nic *nic = lane->nic;

	if (!note_get(&nic->sweep_at))
		timer_set(lane, &nic->sweep_at,
			  nic->host.now(nic->host.ctx) +
			  max_u64(nic->sweep_ms * NSEC_PER_MSEC,
				  nic->sweep_rest));
}

/* The eSwitch, or a lane of it, says that something changed. */
void stats_dirty(void *ctx, uint16_t vport)
{
	struct lane *lane = ctx;
	struct sluice_nic *nic = lane->nic;

	if (vport != SLUICE_VPORT_NONE) {
		__atomic_store_n(&nic->stats_dirty[stats_index(vport)], 1,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&nic->any_dirty, 1, __ATOMIC_RELAXED);
	}
	sweep_soon(lane);
}

static bool write_host(struct func *f, uint64_t mapped, const void *data,
		       size_t len)
{
	struct sluice_nic_host *host = &f->nic->host;

	if (!mapped || !func_ok(f))
		return true;
	if (host->dma_write(host->ctx, f->vport, mapped & ~1ull, data, len))
		return true;
	func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_STATS);
	return false;
}

static void write_vport(struct sluice_nic *nic, unsigned int index)
{
	uint16_t vport = stats_vport(index);
	struct sluice_vport_stats stats;
	uint64_t own = 0;

	if (vport && vport < nic->num_funcs)
		own = nic->funcs[vport].own_stats;
	__atomic_store_n(&nic->stats_dirty[index], 0, __ATOMIC_RELAXED);
	sluice_esw_vport_stats(nic->esw, vport, &stats);
	write_host(&nic->funcs[0], nic->pf_stats[index], &stats,
		   sizeof(stats));
	if (own)
		write_host(&nic->funcs[vport], own, &stats, sizeof(stats));
}

static void emit_counter(void *ctx, uint32_t id,
			 const struct sluice_counter *value)
{
	struct sluice_nic *nic = ctx;

	write_host(&nic->funcs[0], nic->counter_map[id], value,
		   sizeof(*value));
}

static bool is_dirty(const struct sluice_nic *nic, unsigned int index)
{
	return __atomic_load_n(&nic->stats_dirty[index], __ATOMIC_RELAXED);
}

/* Write all that changed; by a lane that is alone. */
void stats_sweep(struct sluice_nic *nic)
{
	uint64_t begin = nic->host.now(nic->host.ctx);
	unsigned int i;

	__atomic_store_n(&nic->sweep_at, 0, __ATOMIC_SEQ_CST);
	sluice_esw_collect_counters(nic->esw, emit_counter, nic);
	if (__atomic_exchange_n(&nic->any_dirty, 0, __ATOMIC_RELAXED))
		for (i = 0; i < NUM_STATS; i++)
			if (is_dirty(nic, i))
				write_vport(nic, i);
	nic->sweep_rest = (nic->host.now(nic->host.ctx) - begin) * SWEEP_SHARE;
}

/* The PF was reset: its memory is out of reach. */
void stats_reset(struct sluice_nic *nic)
{
	memset(nic->pf_stats, 0, sizeof(nic->pf_stats));
	if (nic->mapped)
		memset(nic->counter_map, 0,
		       nic->cfg.max_counters * sizeof(*nic->counter_map));
	nic->mapped = 0;
	nic->sweep_ms = SWEEP_MS;
}

/* Write one counter now.  False when the function failed on it. */
bool stats_counter_write(struct func *pf, uint32_t id)
{
	struct sluice_nic *nic = pf->nic;
	struct sluice_counter value;

	if (id >= nic->cfg.max_counters || !nic->counter_map[id])
		return true;
	if (sluice_esw_counter_read(nic->esw, id, &value) != SLUICE_ST_OK)
		return true;
	return write_host(pf, nic->counter_map[id], &value, sizeof(value));
}

int stats_map(struct func *pf, uint64_t addr, uint32_t base, uint32_t count)
{
	struct sluice_nic *nic = pf->nic;
	struct sluice_counter value;
	uint32_t i;

	for (i = 0; i < count; i++)
		if (nic->counter_map[base + i])
			return SLUICE_ST_EXIST;
	/* What was counted before belongs there, too. */
	for (i = 0; i < count; i++)
		if (sluice_esw_counter_read(nic->esw, base + i, &value) ==
		    SLUICE_ST_OK && value.packets &&
		    !nic->host.dma_write(nic->host.ctx, pf->vport,
					 addr + (uint64_t)i * sizeof(value),
					 &value, sizeof(value)))
			return SLUICE_ST_FAULT;
	for (i = 0; i < count; i++)
		nic->counter_map[base + i] =
			(addr + (uint64_t)i * sizeof(value)) | 1;
	nic->mapped += count;
	return SLUICE_ST_OK;
}

int stats_unmap(struct func *pf, uint32_t base, uint32_t count)
{
	struct sluice_nic *nic = pf->nic;
	uint32_t i;

	for (i = 0; i < count; i++)
		if (!nic->counter_map[base + i])
			return SLUICE_ST_NOENT;
	memset(nic->counter_map + base, 0, count * sizeof(*nic->counter_map));
	nic->mapped -= count;
	return SLUICE_ST_OK;
}

int stats_buf(struct func *f, uint16_t vport, uint64_t addr)
{
	struct sluice_nic *nic = f->nic;
	unsigned int index = stats_index(vport);
	struct sluice_vport_stats stats;

	if (addr) {
		sluice_esw_vport_stats(nic->esw, vport, &stats);
		if (!nic->host.dma_write(nic->host.ctx, f->vport, addr, &stats,
					 sizeof(stats)))
			return SLUICE_ST_FAULT;
		/* The other owner of these statistics may not know yet. */
		if (is_dirty(nic, index))
			stats_dirty(nic->cur, vport);
		addr |= 1;
	}
	if (f->is_pf)
		nic->pf_stats[index] = addr;
	else
		f->own_stats = addr;
	return SLUICE_ST_OK;
}

void stats_sync(struct func *f)
{
	struct sluice_nic *nic = f->nic;

	if (f->is_pf)
		stats_sweep(nic);
	else if (is_dirty(nic, f->vport))
		write_vport(nic, f->vport);
}
