// SPDX-License-Identifier: GPL-2.0-or-later
/* Rings the device writes: control completions, events and completions. */
#include "internal.h"

void out_ring_open(struct out_ring *r, struct func *f, uint64_t base,
		   unsigned int log_size, unsigned int entry_size,
		   unsigned int vector, enum sluice_dma_user user)
{
	r->fn = f->vport;
	r->base = base;
	r->log_size = log_size;
	r->entry_size = entry_size;
	r->vector = vector;
	r->dma_user = user;
	r->cons = 0;
	r->arm_seen = 0;
	r->armed = false;
	__atomic_store_n(&r->stalled, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&r->prod, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&r->active, 1, __ATOMIC_RELEASE);
}

void out_ring_close(struct out_ring *r)
{
	__atomic_store_n(&r->active, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&r->stalled, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&r->db, 0, __ATOMIC_RELAXED);
	r->armed = false;
}

/* Take note of consumed entries and arm requests.  False: impossible count. */
bool out_ring_refresh(struct out_ring *r)
{
	uint64_t db = __atomic_load_n(&r->db, __ATOMIC_SEQ_CST);
	uint32_t cons = (uint32_t)db;
	uint32_t arm = db >> 32;

	if (r->prod - cons > r->prod - r->cons)
		return false;
	r->cons = cons;
	if (arm != r->arm_seen) {
		r->arm_seen = arm;
		r->armed = true;
	}
	return true;
}

uint32_t out_ring_room(const struct out_ring *r)
{
	return (1u << r->log_size) - (r->prod - r->cons);
}

/*
 * Write one entry; there must be room.  Its last byte becomes the phase.
 * False when the function failed on it.
 */
bool out_ring_put(struct func *f, struct out_ring *r, void *entry)
{
	struct sluice_nic_host *host = &f->nic->host;
	uint32_t slot = r->prod & ((1u << r->log_size) - 1);
	uint8_t *phase = (uint8_t *)entry + r->entry_size - 1;

	*phase = !(r->prod >> r->log_size & 1);
	/* The host may see the entry and answer before this returns. */
	__atomic_store_n(&r->prod, r->prod + 1, __ATOMIC_SEQ_CST);
	if (!host->dma_publish(host->ctx, f->vport,
			       r->base + (uint64_t)slot * r->entry_size, entry,
			       r->entry_size)) {
		func_fail(f, SLUICE_ERR_DMA, r->dma_user);
		return false;
	}
	return true;
}

/*
 * Register access, any thread: note consumed entries and an arm request.
 * True when the worker has to look at it now.
 */
bool out_ring_doorbell(struct out_ring *r, uint32_t count, bool arm)
{
	uint64_t old = __atomic_load_n(&r->db, __ATOMIC_RELAXED);
	uint64_t db;

	do {
		db = (old & ~0xffffffffull) | count;
		if (arm)
			db += 1ull << 32;
	} while (!__atomic_compare_exchange_n(&r->db, &old, db, false,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));

	return __atomic_load_n(&r->stalled, __ATOMIC_SEQ_CST) ||
	       (arm && __atomic_load_n(&r->prod, __ATOMIC_SEQ_CST) != count);
}

/* Raise the interrupt when armed and entries wait (no moderation). */
void out_ring_irq(struct func *f, struct out_ring *r)
{
	if (!r->active || !r->armed || r->prod == r->cons)
		return;
	r->armed = false;
	f->nic->host.raise(f->nic->host.ctx, f->vport, r->vector);
}
