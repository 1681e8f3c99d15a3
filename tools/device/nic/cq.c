// SPDX-License-Identifier: GPL-2.0-or-later
/* Completion queues and their interrupt moderation. */
#include "internal.h"

static struct cq *cq_get(struct func *f, uint32_t id)
{
	if (id >= f->max_cqs || !f->cqs[id].ring.active)
		return NULL;
	return &f->cqs[id];
}

int cq_create(struct func *f, const struct sluice_cmd_cq *cmd)
{
	uint16_t id = le16toh(cmd->id);
	uint16_t vector = le16toh(cmd->vector);
	uint64_t addr = le64toh(cmd->addr);
	struct cq *cq;

	if (id >= f->max_cqs || vector >= f->max_vectors || addr & 63 ||
	    cmd->log_size < SLUICE_RING_MIN_LOG ||
	    cmd->log_size > SLUICE_RING_MAX_LOG)
		return SLUICE_ST_INVAL;
	cq = &f->cqs[id];
	if (cq->ring.active)
		return SLUICE_ST_EXIST;

	cq->id = id;
	cq->usecs = le16toh(cmd->usecs);
	cq->frames = le16toh(cmd->frames);
	cq->refs = 0;
	cq->reserved = 0;
	cq->first_ns = 0;
	out_ring_open(&cq->ring, f, addr, cmd->log_size,
		      sizeof(struct sluice_cqe), vector, SLUICE_DMA_CQ);
	return SLUICE_ST_OK;
}

int cq_destroy(struct func *f, uint32_t id)
{
	struct cq *cq = cq_get(f, id);

	if (!cq)
		return SLUICE_ST_NOENT;
	if (cq->refs)
		return SLUICE_ST_BUSY;
	cq_close(f, cq);
	return SLUICE_ST_OK;
}

static void mark_dirty(struct sluice_nic *nic, struct cq *cq)
{
	if (cq->dirty)
		return;
	cq->dirty = true;
	cq->next_dirty = nic->dirty_cqs;
	nic->dirty_cqs = cq;
}

int cq_moderate(struct func *f, const struct sluice_cmd_cq *cmd)
{
	struct cq *cq;

	if (cmd->addr || cmd->log_size || cmd->vector)
		return CMD_MALFORMED;
	cq = cq_get(f, le16toh(cmd->id));
	if (!cq)
		return SLUICE_ST_NOENT;
	cq->usecs = le16toh(cmd->usecs);
	cq->frames = le16toh(cmd->frames);
	mark_dirty(f->nic, cq);
	return SLUICE_ST_OK;
}

static void remove_timed(struct sluice_nic *nic, struct cq *cq)
{
	struct cq **p = &nic->timed_cqs;

	if (!cq->timed)
		return;
	while (*p != cq)
		p = &(*p)->next_timed;
	*p = cq->next_timed;
	cq->timed = false;
}

/* A closed queue may stay on the dirty list, which skips it. */
void cq_close(struct func *f, struct cq *cq)
{
	remove_timed(f->nic, cq);
	out_ring_close(&cq->ring);
	__atomic_and_fetch(&f->cq_pend, ~(1ull << cq->id), __ATOMIC_RELAXED);
}

/*
 * Entries free for use.  When there is none the queue is marked stalled and
 * its next doorbell wakes those that wait.  0 also when the function failed.
 */
uint32_t cq_room(struct func *f, struct cq *cq)
{
	uint32_t room = out_ring_room(&cq->ring);

	if (room > cq->reserved)
		return room - cq->reserved;
	__atomic_store_n(&cq->ring.stalled, 1, __ATOMIC_SEQ_CST);
	if (!out_ring_refresh(&cq->ring)) {
		func_fail(f, SLUICE_ERR_CQ_INDEX, cq->id);
		return 0;
	}
	mark_dirty(f->nic, cq);
	room = out_ring_room(&cq->ring);
	if (room <= cq->reserved)
		return 0;
	__atomic_store_n(&cq->ring.stalled, 0, __ATOMIC_RELAXED);
	return room - cq->reserved;
}

bool cq_put(struct func *f, struct cq *cq, struct sluice_cqe *cqe)
{
	if (cq->ring.prod == cq->ring.cons)
		cq->first_ns = f->nic->now;
	mark_dirty(f->nic, cq);
	return out_ring_put(f, &cq->ring, cqe);
}

/* Doorbells of completion queues: wake stalled queues, look at interrupts. */
void cq_doorbells(struct func *f)
{
	uint64_t pend = __atomic_exchange_n(&f->cq_pend, 0, __ATOMIC_ACQ_REL);

	while (pend) {
		unsigned int id = __builtin_ctzll(pend);
		struct cq *cq = cq_get(f, id);
		unsigned int i;

		pend &= pend - 1;
		if (!cq)
			continue;
		mark_dirty(f->nic, cq);
		if (!__atomic_load_n(&cq->ring.stalled, __ATOMIC_SEQ_CST) ||
		    !cq_room(f, cq))
			continue;
		__atomic_store_n(&cq->ring.stalled, 0, __ATOMIC_RELAXED);
		for (i = 0; i < f->max_queues; i++)
			if (f->txqs[i].active && f->txqs[i].cq == cq)
				__atomic_or_fetch(&f->tx_pend, 1ull << i,
						  __ATOMIC_RELAXED);
	}
}

static void cq_check_irq(struct sluice_nic *nic, struct cq *cq)
{
	struct func *f = &nic->funcs[cq->ring.fn];
	uint32_t old_cons = cq->ring.cons;
	uint32_t waiting;
	uint64_t due;

	if (!cq->ring.active || !func_ok(f)) {
		remove_timed(nic, cq);
		return;
	}
	if (!out_ring_refresh(&cq->ring)) {
		func_fail(f, SLUICE_ERR_CQ_INDEX, cq->id);
		remove_timed(nic, cq);
		return;
	}
	if (cq->ring.cons != old_cons && cq->ring.cons != cq->ring.prod)
		cq->first_ns = nic->now;
	waiting = cq->ring.prod - cq->ring.cons;
	if (!cq->ring.armed || !waiting) {
		remove_timed(nic, cq);
		return;
	}
	due = cq->first_ns + cq->usecs * NSEC_PER_USEC;
	if (waiting >= cq->frames || nic->now >= due) {
		remove_timed(nic, cq);
		out_ring_irq(f, &cq->ring);
	} else if (!cq->timed) {
		cq->timed = true;
		cq->next_timed = nic->timed_cqs;
		nic->timed_cqs = cq;
	}
}

/* End of a round: raise what is due. */
void cq_flush_irqs(struct sluice_nic *nic)
{
	struct cq *cq, *next;

	nic->now = nic->host.now(nic->host.ctx);
	while ((cq = nic->dirty_cqs)) {
		nic->dirty_cqs = cq->next_dirty;
		cq->dirty = false;
		cq_check_irq(nic, cq);
	}
	for (cq = nic->timed_cqs; cq; cq = next) {
		next = cq->next_timed;
		cq_check_irq(nic, cq);
	}
}

uint64_t cq_deadline(struct sluice_nic *nic)
{
	uint64_t first = SLUICE_NO_DEADLINE;
	struct cq *cq;

	for (cq = nic->timed_cqs; cq; cq = cq->next_timed) {
		uint64_t due = cq->first_ns + cq->usecs * NSEC_PER_USEC;

		if (due < first)
			first = due;
	}
	return first;
}
