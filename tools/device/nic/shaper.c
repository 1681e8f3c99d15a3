// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shapers: limits on what VFs transmit, alone and in groups.
 *
 * A shaper keeps the time at which all it has let through would have been sent
 * at its rate.  A frame may start once that time has come for each shaper from
 * its VF up, and moves it on.  After a pause that time lies in the past, but
 * never further than the credit.  No frame is dropped: the queue waits, and
 * the host sees its ring fill up.
 *
 * What is below one group takes turns by the bytes it has sent: who has sent
 * least goes first.
 *
 * All shapers have one lock, which frames of functions without a shaper never
 * take.  A shaper begins and ends to be active while one lane is alone.
 */
#include "internal.h"

#define NSEC_PER_SEC	1000000000ull

static struct shaper *up(struct sluice_nic *nic, const struct shaper *s)
{
	return s->parent ? &nic->shapers[s->parent] : NULL;
}

/* When the next frame of a function may start. */
static uint64_t due(struct func *f)
{
	struct shaper *s = &f->nic->shapers[f->vport];
	int64_t at = 0;

	for (; s; s = up(f->nic, s))
		if (s->rate && s->free_at > at)
			at = s->free_at;
	return at;
}

/* Look again at time @at. */
static void look_at(struct lane *lane, uint64_t at)
{
	timer_set(lane, &lane->nic->shape_at, at ? at : 1);
}

/* Wait until the function may send. */
void shaper_wait(struct lane *lane, struct func *f, unsigned int q)
{
	struct sluice_nic *nic = f->nic;
	uint64_t at;

	pthread_mutex_lock(&nic->shaper_lock);
	at = due(f);
	__atomic_or_fetch(&f->tx_shaped, 1ull << q, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&nic->shaper_lock);
	look_at(lane, at > lane->now ? at : lane->now);
}

/* Bytes that count when turns are taken: silence gives no claim. */
static uint64_t claim(struct sluice_nic *nic, const struct shaper *s)
{
	uint64_t turn = up(nic, s)->turn;

	return s->served > turn ? s->served : turn;
}

/* Has @b the better claim to the group both are below, if there is one? */
static bool goes_before(struct sluice_nic *nic, const struct shaper *b,
			const struct shaper *a)
{
	const struct shaper *from = b;

	for (; a->parent; a = up(nic, a))
		for (b = from; b->parent; b = up(nic, b))
			if (a->parent == b->parent)
				return claim(nic, b) < claim(nic, a);
	return false;
}

/* Queues of a function take turns, too, in whatever lanes they are. */
static bool queue_turn(struct func *f, unsigned int q)
{
	uint64_t waiting = note_get(&f->tx_shaped) | 1ull << q;
	unsigned int next = __atomic_load_n(&f->next_txq, __ATOMIC_RELAXED);
	uint64_t later = waiting & -1ull << next;

	return (unsigned int)__builtin_ctzll(later ? later : waiting) == q;
}

static bool has_turn(struct func *f, uint64_t now)
{
	struct sluice_nic *nic = f->nic;
	struct shaper *s = &nic->shapers[f->vport];
	unsigned int i;

	if (due(f) > now)
		return false;
	for (i = 1; s->parent && i < nic->num_funcs; i++) {
		struct func *g = &nic->funcs[i];

		if (g != f && note_get(&g->tx_shaped) && due(g) <= now &&
		    goes_before(nic, &nic->shapers[i], s))
			return false;
	}
	for (; s->parent; s = up(nic, s)) {
		s->served = claim(nic, s);
		up(nic, s)->turn = s->served;
	}
	return true;
}

/* May the queue send now, and has no other that waits a better claim? */
bool shaper_turn(struct lane *lane, struct func *f, unsigned int q)
{
	struct sluice_nic *nic = f->nic;
	bool turn;

	if (!nic->shapers[f->vport].active)
		return true;
	pthread_mutex_lock(&nic->shaper_lock);
	turn = queue_turn(f, q) && has_turn(f, lane->now);
	pthread_mutex_unlock(&nic->shaper_lock);
	return turn;
}

/* May it go on with the batch that it has begun? */
bool shaper_open(struct lane *lane, struct func *f)
{
	struct sluice_nic *nic = f->nic;
	bool open;

	if (!nic->shapers[f->vport].active)
		return true;
	pthread_mutex_lock(&nic->shaper_lock);
	open = lane->sent_bytes < TX_SHAPED_BYTES && due(f) <= lane->now;
	pthread_mutex_unlock(&nic->shaper_lock);
	return open;
}

/* A function has sent. */
void shaper_sent(struct lane *lane, struct func *f, uint32_t bytes)
{
	struct sluice_nic *nic = f->nic;
	struct shaper *s = &nic->shapers[f->vport];

	if (!s->active)
		return;
	pthread_mutex_lock(&nic->shaper_lock);
	for (; s; s = up(nic, s)) {
		int64_t from = (int64_t)lane->now - s->credit;
		uint64_t ns;

		s->served += bytes;
		if (!s->rate)
			continue;
		if (s->free_at > from)
			from = s->free_at;
		ns = bytes * NSEC_PER_SEC + s->rest;
		s->rest = ns % s->rate;
		s->free_at = from + ns / s->rate;
	}
	pthread_mutex_unlock(&nic->shaper_lock);
}

/* Let those try again whose time has come.  Lane 0. */
void shaper_wake(struct lane *lane)
{
	struct sluice_nic *nic = lane->nic;
	unsigned int i;

	__atomic_store_n(&nic->shape_at, 0, __ATOMIC_SEQ_CST);
	for (i = 1; i < nic->num_funcs; i++) {
		struct func *f = &nic->funcs[i];
		uint64_t queues = note_get(&f->tx_shaped);
		uint64_t at;

		if (!queues)
			continue;
		pthread_mutex_lock(&nic->shaper_lock);
		at = due(f);
		pthread_mutex_unlock(&nic->shaper_lock);
		if (at > lane->now) {
			look_at(lane, at);
			continue;
		}
		__atomic_or_fetch(&f->tx_pend, queues, __ATOMIC_SEQ_CST);
		queues_notify(f, queues);
	}
}

/* The shapers have changed: who waits may go now, and all turns begin anew. */
static void changed(struct sluice_nic *nic)
{
	unsigned int i;

	for (i = 0; i < NUM_SHAPERS; i++) {
		nic->shapers[i].served = 0;
		nic->shapers[i].turn = 0;
	}
	look_at(nic->cur, nic->host.now(nic->host.ctx));
}

/* No limits. */
void shaper_reset(struct sluice_nic *nic)
{
	memset(nic->shapers, 0, sizeof(nic->shapers));
	changed(nic);
}

static bool id_ok(const struct sluice_nic *nic, uint32_t id)
{
	return (id && id < nic->num_funcs) ||
	       (id >= SLUICE_SHAPER_GROUP(0) && id < NUM_SHAPERS);
}

/* Steps from the lowest shaper whose way up leads through @s, @s included. */
static unsigned int height(struct sluice_nic *nic, const struct shaper *s)
{
	unsigned int most = 1;
	unsigned int i;

	for (i = 1; i < NUM_SHAPERS; i++) {
		const struct shaper *at = &nic->shapers[i];
		unsigned int steps = 1;

		for (; at && at != s; at = up(nic, at))
			steps++;
		if (at && steps > most)
			most = steps;
	}
	return most;
}

static int set(struct sluice_nic *nic, const struct sluice_cmd_shaper *cmd)
{
	uint16_t id = le16toh(cmd->id);
	uint16_t parent = le16toh(cmd->parent);
	unsigned int depth;
	struct shaper *s;
	struct shaper *p;

	if (!id_ok(nic, id))
		return SLUICE_ST_INVAL;
	s = &nic->shapers[id];
	if (parent) {
		if (parent < SLUICE_SHAPER_GROUP(0) || parent >= NUM_SHAPERS)
			return SLUICE_ST_INVAL;
		if (!nic->shapers[parent].active)
			return SLUICE_ST_NOENT;
		depth = height(nic, s);
		for (p = &nic->shapers[parent]; p; p = up(nic, p))
			if (p == s || ++depth > SLUICE_SHAPER_DEPTH)
				return SLUICE_ST_INVAL;
	}
	memset(s, 0, sizeof(*s));
	s->active = true;
	s->parent = parent;
	s->rate = le64toh(cmd->rate);
	if (s->rate)
		s->credit = le32toh(cmd->burst) * NSEC_PER_SEC / s->rate;
	s->free_at = (int64_t)nic->host.now(nic->host.ctx) - s->credit;
	changed(nic);
	return SLUICE_ST_OK;
}

static int del(struct sluice_nic *nic, uint32_t id)
{
	unsigned int i;

	if (!id_ok(nic, id))
		return SLUICE_ST_INVAL;
	if (!nic->shapers[id].active)
		return SLUICE_ST_NOENT;
	for (i = 1; i < NUM_SHAPERS; i++)
		if (nic->shapers[i].parent == id)
			return SLUICE_ST_BUSY;
	memset(&nic->shapers[id], 0, sizeof(nic->shapers[id]));
	changed(nic);
	return SLUICE_ST_OK;
}

int cmd_shaper(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len)
{
	const struct sluice_cmd_u32 *number = (const void *)hdr;

	switch (hdr->opcode) {
	case SLUICE_CMD_SHAPER_SET:
		if (len != sizeof(struct sluice_cmd_shaper))
			return CMD_MALFORMED;
		return set(f->nic, (const void *)hdr);
	case SLUICE_CMD_SHAPER_DEL:
		if (len != sizeof(*number) || number->reserved)
			return CMD_MALFORMED;
		return del(f->nic, le32toh(number->value));
	default:
		return CMD_MALFORMED;
	}
}
