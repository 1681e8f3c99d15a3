// SPDX-License-Identifier: GPL-2.0-or-later
/* Transmit queues: from descriptors to frames into the eSwitch. */
#include "internal.h"

/*
 * A frame may leave by a wire this often: once for each step of a program.  All
 * lanes may find the same room.
 */
#define WIRE_HEADROOM(nic)	((nic)->num_lanes * ((nic)->cfg.max_actions + 2))

/* Frames up to this length enter the eSwitch together. */
#define BURST_LEN		1518

/* What tags and tunnels may add to a frame: each step a label, two tunnels. */
#define GROWTH(nic)	((nic)->cfg.max_actions * 4 + \
			 2 * (SLUICE_ENCAP_HDR_MAX + 32))

/* What became of a frame: wait for a wire, or the function failed. */
enum tx_result { TX_SENT, TX_WAIT, TX_FAILED };

int txq_create(struct func *f, const struct sluice_cmd_queue *cmd)
{
	uint16_t id = le16toh(cmd->id);
	uint16_t cq = le16toh(cmd->cq);
	uint64_t addr = le64toh(cmd->addr);
	struct txq *q;

	if (id >= f->max_queues || addr & 63 ||
	    cmd->log_size < SLUICE_RING_MIN_LOG ||
	    cmd->log_size > SLUICE_RING_MAX_LOG)
		return SLUICE_ST_INVAL;
	if (cmd->flags)
		return SLUICE_ST_INVAL;
	if (cq >= f->max_cqs || !f->cqs[cq].ring.active)
		return SLUICE_ST_NOENT;
	q = &f->txqs[id];
	if (q->active)
		return SLUICE_ST_EXIST;

	q->id = id;
	q->base = addr;
	q->cq = &f->cqs[cq];
	q->cq->refs++;
	q->next_seg = 0;
	__atomic_store_n(&q->head, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&q->db, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&q->size, 1u << cmd->log_size, __ATOMIC_RELAXED);
	__atomic_store_n(&q->active, 1, __ATOMIC_RELEASE);
	return SLUICE_ST_OK;
}

int txq_destroy(struct func *f, uint32_t id)
{
	struct txq *q;

	if (id >= f->max_queues || !f->txqs[id].active)
		return SLUICE_ST_NOENT;
	q = &f->txqs[id];
	q->cq->refs--;
	__atomic_and_fetch(&f->tx_wait, ~(1ull << id), __ATOMIC_RELAXED);
	__atomic_and_fetch(&f->tx_shaped, ~(1ull << id), __ATOMIC_RELAXED);
	__atomic_store_n(&q->active, 0, __ATOMIC_RELEASE);
	return SLUICE_ST_OK;
}

static bool read_descs(struct lane *lane, struct func *f, struct txq *q,
		       uint32_t count)
{
	struct sluice_nic *nic = f->nic;
	uint32_t slot = q->head & (q->size - 1);
	uint32_t first = count < q->size - slot ? count : q->size - slot;
	const size_t size = sizeof(lane->tx_descs[0]);

	if (nic->host.dma_read(nic->host.ctx, f->vport, q->base + slot * size,
			       lane->tx_descs, first * size) &&
	    (first == count ||
	     nic->host.dma_read(nic->host.ctx, f->vport, q->base,
				lane->tx_descs + first, (count - first) * size)))
		return true;
	func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_TX_DESC);
	return false;
}

/* The first descriptor of a frame: everything but the length. */
static bool first_desc_ok(struct func *f, const struct sluice_tx_desc *d)
{
	uint16_t flags = le16toh(d->flags);
	uint16_t dst = le16toh(d->dst_vport);

	if (flags & ~SLUICE_TX_F_ALL || d->reserved)
		return false;
	if (flags & SLUICE_TX_F_GSO) {
		if (!(flags & SLUICE_TX_F_CSUM))
			return false;
	} else if (flags & SLUICE_TX_F_FIXED_ID || d->mss || d->hdr_len) {
		return false;
	}
	if (!(flags & SLUICE_TX_F_CSUM) && (d->csum_start || d->csum_offset))
		return false;
	if (!(flags & SLUICE_TX_F_DIRECT))
		return !dst;
	return f->is_pf && dst != SLUICE_VPORT_PF &&
	       sluice_esw_vport_valid(f->nic->esw, dst);
}

static bool next_desc_ok(const struct sluice_tx_desc *d)
{
	return !(le16toh(d->flags) & ~SLUICE_TX_F_EOP) && !d->dst_vport &&
	       !d->csum_start && !d->csum_offset && !d->mss && !d->hdr_len &&
	       !d->reserved;
}

/*
 * Look at the frame that starts at descriptor @d of @avail.  Return the number
 * of descriptors it takes, 0 when its end is not announced yet, or -1 when it
 * is malformed, with the offending one in @bad.
 */
static int frame_descs(struct func *f, const struct sluice_tx_desc *d,
		       uint32_t avail, uint32_t *total, uint32_t *bad)
{
	uint32_t max = le16toh(d->flags) & SLUICE_TX_F_GSO ?
		       SLUICE_GSO_FRAME_MAX : SLUICE_FRAME_MAX;
	uint32_t len = 0;
	uint32_t i;

	for (i = 0; i < avail; i++) {
		uint32_t piece = le32toh(d[i].len);

		*bad = i;
		if (i == SLUICE_TX_MAX_DESCS || !piece || piece > 65535 ||
		    (i ? !next_desc_ok(&d[i]) : !first_desc_ok(f, &d[i])))
			return -1;
		len += piece;
		if (len > max)
			return -1;
		if (le16toh(d[i].flags) & SLUICE_TX_F_EOP) {
			*total = len;
			return len >= SLUICE_FRAME_MIN ? (int)i + 1 : -1;
		}
	}
	*bad = i;
	return i >= SLUICE_TX_MAX_DESCS ? -1 : 0;
}

/* Complete the checksum.  False when the request does not fit the frame. */
static bool fill_csum(uint8_t *frame, uint32_t len,
		      const struct sluice_tx_desc *d, unsigned int *flags)
{
	uint32_t start = le16toh(d->csum_start);
	uint32_t offset = le16toh(d->csum_offset);
	struct frame_info fi;
	bool seed_ok = false;

	if (start + offset + 2 > len)
		return false;
	frame_parse(frame, len, &fi);
	/*
	 * The result is right if it covers the whole transport packet, goes to
	 * its place and was seeded with the pseudo header's sum.
	 */
	if (fi.l4 == start && fi.l4 && start + fi.l4_len == len &&
	    ((fi.proto == 6 && offset == 16) ||
	     (fi.proto == 17 && offset == 6)))
		seed_ok = (frame[start + offset] << 8 |
			   frame[start + offset + 1]) ==
			  frame_pseudo_sum(frame, &fi);
	frame_csum_fill(frame, len, start, offset);
	if (seed_ok)
		*flags |= SLUICE_FRAME_L4_OK;
	return true;
}

/* For how many frames of @len bytes do all wires have room, whatever becomes of them? */
static uint32_t wires_room(struct sluice_nic *nic, uint32_t len)
{
	uint32_t least = UINT32_MAX;
	unsigned int i;

	for (i = 0; i < nic->cfg.num_uplinks; i++) {
		uint32_t room = nic->host.wire_room(nic->host.ctx, i, len);

		if (room < least)
			least = room;
	}
	return least / WIRE_HEADROOM(nic);
}

static bool wires_have_room(struct sluice_nic *nic)
{
	return wires_room(nic, SLUICE_FRAME_MAX);
}

/* Set the queue aside until a wire has room.  False when it has by now. */
static bool wait_for_wire(struct lane *lane, struct func *f, struct txq *q)
{
	struct sluice_nic *nic = f->nic;

	__atomic_or_fetch(&f->tx_wait, 1ull << q->id, __ATOMIC_SEQ_CST);
	__atomic_store_n(&nic->wire_blocked, 1, __ATOMIC_SEQ_CST);
	if (wires_have_room(nic)) {
		__atomic_and_fetch(&f->tx_wait, ~(1ull << q->id),
				   __ATOMIC_SEQ_CST);
		return false;
	}
	timer_set(lane, &nic->wire_retry_at,
		  nic->host.now(nic->host.ctx) + WIRE_RETRY_NS);
	return true;
}

/* Read a frame to @to.  False when the function failed. */
static bool gather(struct func *f, const struct sluice_tx_desc *d,
		   uint32_t count, uint8_t *to)
{
	struct sluice_nic *nic = f->nic;
	uint32_t i;

	for (i = 0; i < count; i++) {
		uint32_t piece = le32toh(d[i].len);

		if (!nic->host.dma_read(nic->host.ctx, f->vport,
					le64toh(d[i].addr), to, piece)) {
			func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_TX_DATA);
			return false;
		}
		to += piece;
	}
	return true;
}

/* The frame @ahead descriptors from the head. */
static void bad_frame(struct func *f, const struct txq *q, uint32_t ahead)
{
	func_fail(f, SLUICE_ERR_TX_DESC, (uint32_t)q->id << 16 |
		  ((q->head + ahead) & (q->size - 1)));
}

/* @count descriptors' frames are sent. */
static void advance(struct txq *q, uint32_t count)
{
	__atomic_store_n(&q->head, q->head + count, __ATOMIC_RELEASE);
}

/* Hand the burst to the eSwitch. */
static void burst_send(struct lane *lane, struct func *f, struct txq *q)
{
	struct tx_burst *b = &lane->burst;

	if (!b->num)
		return;
	sluice_esw_input_burst(lane->esw, f->vport, b->frame, b->num);
	lane->sent += b->num;
	lane->sent_bytes += b->bytes;
	advance(q, b->descs);
	memset(b, 0, offsetof(struct tx_burst, frame));
}

/* Hand a frame to the eSwitch. */
static void send(struct lane *lane, struct func *f,
		 const struct sluice_tx_desc *d, const uint8_t *frame,
		 uint32_t len, unsigned int flags)
{
	lane->sent_bytes += len;
	if (le16toh(d->flags) & SLUICE_TX_F_DIRECT)
		sluice_esw_direct(lane->esw, le16toh(d->dst_vport), frame, len,
				  flags);
	else
		sluice_esw_input(lane->esw, f->vport, frame, len, flags);
}

/* Send the frame in lane->frame as it is.  False when that cannot be done. */
static bool send_large(struct lane *lane, struct func *f,
		       const struct sluice_tx_desc *d, uint32_t len,
		       const struct gso *g)
{
	struct sluice_large l = {
		.frame = lane->frame,
		.len = len,
		.segs = g->segs,
		.longest = g->hdr_len + g->mss,
		.bytes = g->payload + g->segs * g->hdr_len,
		.mss = g->mss,
		.fixed_id = g->fixed_id,
	};

	if (g->segs < 2)
		return false;
	gso_seed(g, lane->frame);
	if (!(le16toh(d->flags) & SLUICE_TX_F_DIRECT ?
	      sluice_esw_direct_large(lane->esw, le16toh(d->dst_vport), &l) :
	      sluice_esw_input_large(lane->esw, f->vport, &l)))
		return false;
	lane->sent_bytes += l.bytes;
	return true;
}

/*
 * Send the frame in lane->frame, as it is or as segments.  When a wire is full
 * the queue waits and goes on with the next segment later.
 */
static enum tx_result send_segments(struct lane *lane, struct func *f,
				    struct txq *q,
				    const struct sluice_tx_desc *d,
				    uint32_t len)
{
	struct gso g;

	if (!gso_init(&g, lane->frame, len, d)) {
		bad_frame(f, q, 0);
		return TX_FAILED;
	}
	if (!q->next_seg && send_large(lane, f, d, len, &g)) {
		lane->sent++;
		return func_ok(f) ? TX_SENT : TX_FAILED;
	}
	for (; q->next_seg < g.segs; q->next_seg++) {
		if (!wires_have_room(f->nic) && wait_for_wire(lane, f, q))
			return TX_WAIT;
		send(lane, f, d, lane->segment,
		     gso_segment(&g, q->next_seg, lane->segment),
		     SLUICE_FRAME_L4_OK);
		if (!func_ok(f))
			return TX_FAILED;
	}
	q->next_seg = 0;
	lane->sent += g.segs;
	return TX_SENT;
}

/* Send the frame of @count descriptors at @d by itself. */
static enum tx_result send_frame(struct lane *lane, struct func *f,
				 struct txq *q, const struct sluice_tx_desc *d,
				 uint32_t count, uint32_t len)
{
	unsigned int flags = 0;

	if (!wires_have_room(f->nic) && wait_for_wire(lane, f, q))
		return TX_WAIT;
	if (!gather(f, d, count, lane->frame))
		return TX_FAILED;
	if (le16toh(d->flags) & SLUICE_TX_F_GSO)
		return send_segments(lane, f, q, d, len);
	if (le16toh(d->flags) & SLUICE_TX_F_CSUM &&
	    !fill_csum(lane->frame, len, d, &flags)) {
		bad_frame(f, q, 0);
		return TX_FAILED;
	}
	send(lane, f, d, lane->frame, len, flags);
	lane->sent++;
	return TX_SENT;
}

/*
 * Add the frame of @count descriptors at @d to the burst.  False when it has to go
 * by itself, behind the burst.
 */
static bool burst_add(struct lane *lane, struct func *f, struct txq *q,
		      const struct sluice_tx_desc *d, uint32_t count,
		      uint32_t len, enum tx_result *result)
{
	struct tx_burst *b = &lane->burst;
	uint8_t *to = lane->frame + b->used;
	unsigned int flags = 0;

	if (len > BURST_LEN ||
	    le16toh(d->flags) & (SLUICE_TX_F_GSO | SLUICE_TX_F_DIRECT))
		return false;
	if (!b->num)
		b->max = wires_room(f->nic, BURST_LEN + GROWTH(f->nic));
	if (b->num >= b->max)
		return false;
	*result = TX_FAILED;
	if (!gather(f, d, count, to))
		return true;
	if (le16toh(d->flags) & SLUICE_TX_F_CSUM &&
	    !fill_csum(to, len, d, &flags)) {
		burst_send(lane, f, q);
		bad_frame(f, q, 0);
		return true;
	}
	b->frame[b->num].data = to;
	b->frame[b->num].len = len;
	b->frame[b->num++].flags = flags;
	b->descs += count;
	b->used += (len + 63) & ~63u;
	b->bytes += len;
	*result = TX_SENT;
	if (b->num == TX_BURST)
		burst_send(lane, f, q);
	return true;
}

/* Send the frame of @count descriptors at @d now, or soon. */
static enum tx_result send_some(struct lane *lane, struct func *f,
				struct txq *q, const struct sluice_tx_desc *d,
				uint32_t count, uint32_t len)
{
	enum tx_result result;

	if (burst_add(lane, f, q, d, count, len, &result))
		return result;
	burst_send(lane, f, q);
	if (!func_ok(f))
		return TX_FAILED;
	result = send_frame(lane, f, q, d, count, len);
	if (result == TX_SENT)
		advance(q, count);
	return result;
}

/* Descriptors announced by doorbell @db.  False when the function failed. */
static bool available(struct func *f, struct txq *q, uint32_t db,
		      uint32_t *avail)
{
	*avail = db - q->head;
	if (*avail <= q->size)
		return true;
	/* The queue was made anew; its doorbell comes separately. */
	db = __atomic_load_n(&q->db, __ATOMIC_ACQUIRE);
	*avail = db - q->head;
	if (*avail <= q->size)
		return true;
	func_fail(f, SLUICE_ERR_TX_INDEX, q->id);
	return false;
}

/* Have room for the batch's completion.  False when there is none. */
static bool reserve(struct lane *lane, struct func *f, struct cq *cq)
{
	bool room;

	cq_lock(f, cq);
	room = cq_room(lane, f, cq);
	if (room)
		cq->reserved++;
	cq_unlock(f, cq);
	return room;
}

/* Complete the batch that was sent, if there was something in it. */
static void complete(struct lane *lane, struct func *f, struct txq *q, bool sent)
{
	struct sluice_cqe cqe = {
		.index = htole32(q->head),
		.queue = q->id,
	};

	cq_lock(f, q->cq);
	q->cq->reserved--;
	if (sent && func_ok(f))
		cq_put(lane, f, q->cq, &cqe);
	cq_unlock(f, q->cq);
}

/*
 * Send frames of the first @count of @avail descriptors, which were read.  True
 * when there is more to do right away.
 */
static bool send_batch(struct lane *lane, struct func *f, struct txq *q,
		       uint32_t count, uint32_t avail)
{
	bool shaped = f->nic->shapers[f->vport].active;
	uint32_t at = 0, bytes = 0;
	bool more = false;

	lane->sent = 0;
	lane->sent_bytes = 0;
	while (at < count && lane->sent + lane->burst.num < TX_FRAMES) {
		const struct sluice_tx_desc *d = lane->tx_descs + at;
		enum tx_result result;
		uint32_t len = 0, bad = 0;
		int n = frame_descs(f, d, count - at, &len, &bad);

		if (n < 0) {
			burst_send(lane, f, q);
			bad_frame(f, q, bad);
			break;
		}
		if (!n) {
			/* The rest may be announced, but not be read. */
			more = avail > count;
			break;
		}
		result = send_some(lane, f, q, d, n, len);
		if (shaped) {
			burst_send(lane, f, q);
			shaper_sent(lane, f, lane->sent_bytes - bytes);
			bytes = lane->sent_bytes;
		}
		if (result != TX_SENT)
			break;
		at += n;
		more = avail > at;
		if (!func_ok(f))
			break;
		if (shaped && more && !shaper_open(lane, f)) {
			shaper_wait(lane, f, q->id);
			__atomic_store_n(&f->next_txq,
					 (q->id + 1) % SLUICE_MAX_QUEUES,
					 __ATOMIC_RELAXED);
			break;
		}
	}
	burst_send(lane, f, q);
	return more;
}

/* One batch of a queue.  True when it has more to do right away. */
static bool txq_run(struct lane *lane, struct func *f, struct txq *q)
{
	uint32_t db = __atomic_load_n(&q->db, __ATOMIC_ACQUIRE);
	uint64_t bit = 1ull << q->id;
	uint32_t avail, count, head;
	bool more;

	if (note_get(&f->tx_shaped) & bit)
		__atomic_and_fetch(&f->tx_shaped, ~bit, __ATOMIC_RELAXED);
	/*
	 * Commands announced before the packets take effect before them: @db was
	 * read before.
	 */
	ctrl_before(lane, &f->nic->funcs[0]);
	if (!f->is_pf)
		ctrl_before(lane, f);
	if (!q->active || !f->enabled || !func_ok(f) ||
	    !available(f, q, db, &avail) || !avail || !reserve(lane, f, q->cq))
		return false;
	head = q->head;
	count = avail < TX_BATCH ? avail : TX_BATCH;
	if (!shaper_turn(lane, f, q->id)) {
		complete(lane, f, q, false);
		shaper_wait(lane, f, q->id);
		return false;
	}
	if (!read_descs(lane, f, q, count)) {
		complete(lane, f, q, false);
		return false;
	}
	more = send_batch(lane, f, q, count, avail);
	complete(lane, f, q, q->head != head);
	lane->moved = true;
	return more && func_ok(f) &&
	       !((note_get(&f->tx_wait) | note_get(&f->tx_shaped)) & bit);
}

/* One batch of each of the lane's queues with work.  True when there is more. */
bool tx_run(struct lane *lane, struct func *f)
{
	uint64_t mine = f->mine[lane->id];
	uint64_t pend = __atomic_fetch_and(&f->tx_pend, ~mine,
					   __ATOMIC_ACQ_REL) & mine;
	uint64_t again = 0;

	while (pend) {
		unsigned int next = __atomic_load_n(&f->next_txq,
						    __ATOMIC_RELAXED);
		uint64_t later = pend & -1ull << next;
		unsigned int id = __builtin_ctzll(later ? later : pend);

		pend &= ~(1ull << id);
		if (f->txqs[id].active && txq_run(lane, f, &f->txqs[id]))
			again |= 1ull << id;
	}
	if (again)
		__atomic_or_fetch(&f->tx_pend, again, __ATOMIC_RELAXED);
	return again;
}
