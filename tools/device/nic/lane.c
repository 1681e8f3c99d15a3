// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lanes: the workers of a NIC, and how one of them is alone for a while.
 *
 * Packets go their way in all lanes at once.  Each queue belongs to one lane, and
 * so does each wire: frames of a queue stay in order.  Everything else (commands,
 * resets, links, the writing of statistics) is done by one lane while no other is
 * at work.  That is what lets packets read tables without a lock.
 */
#include <sched.h>
#include <stdlib.h>
#include "internal.h"

struct lane *lane_new(struct sluice_nic *nic, unsigned int id)
{
	struct lane *lane = aligned_alloc(64, (sizeof(*lane) + 63) &
					      ~(size_t)63);

	if (!lane)
		return NULL;
	memset(lane, 0, sizeof(*lane));
	lane->nic = nic;
	lane->id = id;
	return lane;
}

void lane_free(struct lane *lane)
{
	free(lane);
}

void lane_wake(struct lane *lane)
{
	if (__atomic_exchange_n(&lane->sleeping, LANE_AWAKE, __ATOMIC_SEQ_CST))
		lane->nic->host.wake(lane->nic->host.ctx, lane->id);
}

/* The same, if it is in @state or deeper in its sleep. */
void lane_wake_from(struct lane *lane, enum lane_state state)
{
	if (__atomic_load_n(&lane->sleeping, __ATOMIC_SEQ_CST) >= state)
		lane_wake(lane);
}

/* Begin to work: not while another lane is alone. */
void lane_enter(struct lane *lane)
{
	struct sluice_nic *nic = lane->nic;

	if (nic->num_lanes == 1)
		return;
	for (;;) {
		__atomic_store_n(&lane->busy, 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&nic->stop, __ATOMIC_SEQ_CST))
			return;
		__atomic_store_n(&lane->busy, 0, __ATOMIC_SEQ_CST);
		pthread_mutex_lock(&nic->alone);
		pthread_mutex_unlock(&nic->alone);
	}
}

void lane_leave(struct lane *lane)
{
	__atomic_store_n(&lane->busy, 0, __ATOMIC_SEQ_CST);
}

/*
 * Be the only lane at work, until together().  Others may have been alone before
 * this returns, so what was read before is not known any more.
 */
void alone(struct lane *lane)
{
	struct sluice_nic *nic = lane->nic;
	unsigned int i;

	if (nic->num_lanes == 1)
		return;
	lane_leave(lane);
	pthread_mutex_lock(&nic->alone);
	__atomic_store_n(&nic->stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < nic->num_lanes; i++)
		while (__atomic_load_n(&nic->lane[i]->busy, __ATOMIC_SEQ_CST))
			sched_yield();
	nic->cur = lane;
}

/* Lane 0 is to look at its deadlines again. */
static void timers_changed(struct sluice_nic *nic)
{
	__atomic_store_n(&nic->lane[0]->timer, 1, __ATOMIC_SEQ_CST);
	lane_wake(nic->lane[0]);
}

/* Let the others work again, who see what has changed. */
void together(struct lane *lane)
{
	struct sluice_nic *nic = lane->nic;

	if (nic->num_lanes == 1)
		return;
	sluice_esw_publish(nic->esw);
	__atomic_store_n(&nic->stop, 0, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&nic->alone);
	if (lane->id)
		timers_changed(nic);
	lane_enter(lane);
}

/* Between two pieces of work: let somebody be alone who wants to. */
void lane_pause(struct lane *lane)
{
	if (!__atomic_load_n(&lane->nic->stop, __ATOMIC_RELAXED))
		return;
	lane_leave(lane);
	lane_enter(lane);
}

/*
 * Leave a note that @f has work for a lane, and wake that if it is in @state or
 * deeper in its sleep.
 */
void lane_notify(struct lane *lane, struct func *f, enum lane_state state)
{
	/* The note comes first: a lane that goes to sleep for longer sees it. */
	__atomic_or_fetch(&lane->pend[f->vport / 64], 1ull << (f->vport % 64),
			  __ATOMIC_SEQ_CST);
	lane_wake_from(lane, state);
}

/* There are frames for the lanes of some queues, or room for some. */
void queues_notify(struct func *f, uint64_t queues)
{
	struct sluice_nic *nic = f->nic;
	unsigned int i;

	for (i = 0; i < nic->num_lanes; i++)
		if (f->mine[i] & queues)
			lane_notify(nic->lane[i], f, LANE_NAPPING);
}

/* Have lane 0 do something at @at, unless it does before. */
void timer_set(struct lane *lane, uint64_t *timer, uint64_t at)
{
	uint64_t old = note_get(timer);

	do {
		if (old && old <= at)
			return;
	} while (!__atomic_compare_exchange_n(timer, &old, at, false,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (lane->id)
		timers_changed(lane->nic);
}
