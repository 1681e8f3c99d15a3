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

/* Alone there is nobody to lock out. */
void cq_lock(struct func *f, struct cq *cq)
{
	if (f->nic->num_lanes > 1)
		pthread_mutex_lock(&cq->lock);
}

void cq_unlock(struct func *f, struct cq *cq)
{
	if (f->nic->num_lanes > 1)
		pthread_mutex_unlock(&cq->lock);
}

/* A lane is to look at the queue at the end of its round. */
static void mark_dirty(struct lane *lane, struct cq *cq)
{
	if (cq->dirty)
		return;
	cq->dirty = true;
	cq->next_dirty = lane->dirty_cqs;
	lane->dirty_cqs = cq;
}

/* Take the queue off the list of those that wait; by a lane that is alone. */
static void unlink_timed(struct sluice_nic *nic, struct cq *cq)
{
	unsigned int i;

	for (i = 0; cq->linked && i < nic->num_lanes; i++) {
		struct cq **p = &nic->lane[i]->timed_cqs;

		while (*p && *p != cq)
			p = &(*p)->next_timed;
		if (!*p)
			continue;
		*p = cq->next_timed;
		cq->linked = false;
	}
	cq->timed = false;
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
	unlink_timed(f->nic, cq);
	mark_dirty(f->nic->cur, cq);
	return SLUICE_ST_OK;
}

/* A closed queue may stay on the dirty list, which skips it. */
void cq_close(struct func *f, struct cq *cq)
{
	unlink_timed(f->nic, cq);
	out_ring_close(&cq->ring);
	__atomic_and_fetch(&f->cq_pend, ~(1ull << cq->id), __ATOMIC_RELAXED);
}

/*
 * Entries free for use.  When there is none the queue is marked stalled and
 * its next doorbell wakes those that wait.  0 also when the function failed.  The
 * queue is locked, as for cq_put().
 */
uint32_t cq_room(struct lane *lane, struct func *f, struct cq *cq)
{
	uint32_t room = out_ring_room(&cq->ring);

	if (room > cq->reserved)
		return room - cq->reserved;
	__atomic_store_n(&cq->ring.stalled, 1, __ATOMIC_SEQ_CST);
	if (!out_ring_refresh(&cq->ring)) {
		func_fail(f, SLUICE_ERR_CQ_INDEX, cq->id);
		return 0;
	}
	mark_dirty(lane, cq);
	room = out_ring_room(&cq->ring);
	if (room <= cq->reserved)
		return 0;
	__atomic_store_n(&cq->ring.stalled, 0, __ATOMIC_RELAXED);
	return room - cq->reserved;
}

bool cq_put(struct lane *lane, struct func *f, struct cq *cq,
	    struct sluice_cqe *cqe)
{
	if (cq->ring.prod == cq->ring.cons)
		cq->first_ns = lane->now;
	mark_dirty(lane, cq);
	return out_ring_put(f, &cq->ring, cqe);
}

/* The TX queues that waited for room in @cq. */
static uint64_t stalled_queues(struct lane *lane, struct func *f, struct cq *cq)
{
	uint64_t queues = 0;
	unsigned int i;

	if (!__atomic_load_n(&cq->ring.stalled, __ATOMIC_SEQ_CST) ||
	    !cq_room(lane, f, cq))
		return 0;
	__atomic_store_n(&cq->ring.stalled, 0, __ATOMIC_RELAXED);
	for (i = 0; i < f->max_queues; i++)
		if (f->txqs[i].active && f->txqs[i].cq == cq)
			queues |= 1ull << i;
	return queues;
}

/* Doorbells of completion queues: wake stalled queues, look at interrupts. */
void cq_doorbells(struct lane *lane, struct func *f)
{
	uint64_t mine = f->mine[lane->id];
	uint64_t pend = __atomic_fetch_and(&f->cq_pend, ~mine,
					   __ATOMIC_ACQ_REL) & mine;

	while (pend) {
		struct cq *cq = cq_get(f, __builtin_ctzll(pend));
		uint64_t queues;

		pend &= pend - 1;
		if (!cq)
			continue;
		cq_lock(f, cq);
		mark_dirty(lane, cq);
		queues = stalled_queues(lane, f, cq);
		cq_unlock(f, cq);
		if (!queues)
			continue;
		__atomic_or_fetch(&f->tx_pend, queues, __ATOMIC_SEQ_CST);
		/* This lane runs its own next. */
		queues_notify(f, queues & ~mine);
	}
}

static void cq_check_irq(struct lane *lane, struct cq *cq)
{
	struct func *f = &lane->nic->funcs[cq->ring.fn];
	uint32_t old_cons = cq->ring.cons;
	uint32_t waiting;

	cq->timed = false;
	if (!cq->ring.active || !func_ok(f))
		return;
	if (!out_ring_refresh(&cq->ring)) {
		func_fail(f, SLUICE_ERR_CQ_INDEX, cq->id);
		return;
	}
	if (cq->ring.cons != old_cons && cq->ring.cons != cq->ring.prod)
		cq->first_ns = lane->now;
	waiting = cq->ring.prod - cq->ring.cons;
	if (!cq->ring.armed || !waiting)
		return;
	if (waiting >= cq->frames ||
	    lane->now >= cq->first_ns + cq->usecs * NSEC_PER_USEC) {
		out_ring_irq(f, &cq->ring);
		return;
	}
	cq->timed = true;
	/*
	 * Another lane's list may have it still.  That lane looks at it no later
	 * than when the time is up: it meant to do so even before.
	 */
	if (cq->linked)
		return;
	cq->linked = true;
	cq->next_timed = lane->timed_cqs;
	lane->timed_cqs = cq;
}

/* End of a round: raise what is due. */
void cq_flush_irqs(struct lane *lane)
{
	struct sluice_nic *nic = lane->nic;
	struct cq *cq, **link;

	lane->now = nic->host.now(nic->host.ctx);
	while ((cq = lane->dirty_cqs)) {
		struct func *f = &nic->funcs[cq->ring.fn];

		lane->dirty_cqs = cq->next_dirty;
		cq_lock(f, cq);
		cq->dirty = false;
		cq_check_irq(lane, cq);
		cq_unlock(f, cq);
	}
	for (link = &lane->timed_cqs; (cq = *link);) {
		struct func *f = &nic->funcs[cq->ring.fn];

		cq_lock(f, cq);
		if (cq->timed)
			cq_check_irq(lane, cq);
		if (cq->timed) {
			link = &cq->next_timed;
		} else {
			*link = cq->next_timed;
			cq->linked = false;
		}
		cq_unlock(f, cq);
	}
}

/* When the lane has to look at a queue again. */
uint64_t cq_deadline(struct lane *lane)
{
	uint64_t first = SLUICE_NO_DEADLINE;
	struct cq *cq;

	for (cq = lane->timed_cqs; cq; cq = cq->next_timed) {
		struct func *f = &lane->nic->funcs[cq->ring.fn];
		uint64_t due;

		cq_lock(f, cq);
		due = cq->first_ns + cq->usecs * NSEC_PER_USEC;
		cq_unlock(f, cq);
		if (due < first)
			first = due;
	}
	return first;
}
