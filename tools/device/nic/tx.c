// SPDX-License-Identifier: GPL-2.0-or-later
/* Transmit queues: from descriptors to frames into the eSwitch. */
#include "internal.h"

/* A frame may leave by a wire this often: once for each step of a program. */
#define WIRE_HEADROOM(nic)	((nic)->cfg.max_actions + 2)

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
	f->tx_wait &= ~(1ull << id);
	f->tx_shaped &= ~(1ull << id);
	__atomic_store_n(&q->active, 0, __ATOMIC_RELEASE);
	return SLUICE_ST_OK;
}

static bool read_descs(struct func *f, struct txq *q, uint32_t count)
{
	struct sluice_nic *nic = f->nic;
	uint32_t slot = q->head & (q->size - 1);
	uint32_t first = count < q->size - slot ? count : q->size - slot;
	const size_t size = sizeof(nic->tx_descs[0]);

	if (nic->host.dma_read(nic->host.ctx, f->vport, q->base + slot * size,
			       nic->tx_descs, first * size) &&
	    (first == count ||
	     nic->host.dma_read(nic->host.ctx, f->vport, q->base,
				nic->tx_descs + first, (count - first) * size)))
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

static bool wires_have_room(struct sluice_nic *nic)
{
	unsigned int i;

	for (i = 0; i < nic->cfg.num_uplinks; i++)
		if (nic->host.wire_room(nic->host.ctx, i) < WIRE_HEADROOM(nic))
			return false;
	return true;
}

/* Set the queue aside until a wire has room.  False when it has by now. */
static bool wait_for_wire(struct func *f, struct txq *q)
{
	struct sluice_nic *nic = f->nic;

	__atomic_store_n(&nic->wire_blocked, 1, __ATOMIC_SEQ_CST);
	if (wires_have_room(nic))
		return false;
	if (!nic->wire_retry_at)
		nic->wire_retry_at = nic->host.now(nic->host.ctx) +
				     WIRE_RETRY_NS;
	f->tx_wait |= 1ull << q->id;
	return true;
}

/* Read a frame into nic->frame.  False when the function failed. */
static bool gather(struct func *f, const struct sluice_tx_desc *d,
		   uint32_t count)
{
	struct sluice_nic *nic = f->nic;
	uint32_t at = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		uint32_t piece = le32toh(d[i].len);

		if (!nic->host.dma_read(nic->host.ctx, f->vport,
					le64toh(d[i].addr), nic->frame + at,
					piece)) {
			func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_TX_DATA);
			return false;
		}
		at += piece;
	}
	return true;
}

static void bad_frame(struct func *f, const struct txq *q)
{
	func_fail(f, SLUICE_ERR_TX_DESC, (uint32_t)q->id << 16 |
		  (q->head & (q->size - 1)));
}

/* Hand a frame to the eSwitch. */
static void send(struct func *f, const struct sluice_tx_desc *d,
		 const uint8_t *frame, uint32_t len, unsigned int flags)
{
	struct sluice_esw *esw = f->nic->esw;

	f->nic->sent_bytes += len;
	if (le16toh(d->flags) & SLUICE_TX_F_DIRECT)
		sluice_esw_direct(esw, le16toh(d->dst_vport), frame, len,
				  flags);
	else
		sluice_esw_input(esw, f->vport, frame, len, flags);
}

/* Send the frame in nic->frame as it is.  False when that cannot be done. */
static bool send_large(struct func *f, const struct sluice_tx_desc *d,
		       uint32_t len, const struct gso *g)
{
	struct sluice_nic *nic = f->nic;
	struct sluice_large l = {
		.frame = nic->frame,
		.len = len,
		.segs = g->segs,
		.longest = g->hdr_len + g->mss,
		.bytes = g->payload + g->segs * g->hdr_len,
		.mss = g->mss,
		.fixed_id = g->fixed_id,
	};

	if (g->segs < 2)
		return false;
	gso_seed(g, nic->frame);
	if (!(le16toh(d->flags) & SLUICE_TX_F_DIRECT ?
	      sluice_esw_direct_large(nic->esw, le16toh(d->dst_vport), &l) :
	      sluice_esw_input_large(nic->esw, f->vport, &l)))
		return false;
	nic->sent_bytes += l.bytes;
	return true;
}

/*
 * Send the frame in nic->frame, as it is or as segments.  When a wire is full
 * the queue waits and goes on with the next segment later.
 */
static enum tx_result send_segments(struct func *f, struct txq *q,
				    const struct sluice_tx_desc *d,
				    uint32_t len)
{
	struct sluice_nic *nic = f->nic;
	struct gso g;

	if (!gso_init(&g, nic->frame, len, d)) {
		bad_frame(f, q);
		return TX_FAILED;
	}
	if (!q->next_seg && send_large(f, d, len, &g)) {
		nic->sent++;
		return func_ok(f) ? TX_SENT : TX_FAILED;
	}
	for (; q->next_seg < g.segs; q->next_seg++) {
		if (!wires_have_room(nic) && wait_for_wire(f, q))
			return TX_WAIT;
		send(f, d, nic->segment,
		     gso_segment(&g, q->next_seg, nic->segment),
		     SLUICE_FRAME_L4_OK);
		if (!func_ok(f))
			return TX_FAILED;
	}
	q->next_seg = 0;
	nic->sent += g.segs;
	return TX_SENT;
}

/* Send the frame of @count descriptors at @d. */
static enum tx_result send_frame(struct func *f, struct txq *q,
				 const struct sluice_tx_desc *d,
				 uint32_t count, uint32_t len)
{
	struct sluice_nic *nic = f->nic;
	unsigned int flags = 0;

	if (!wires_have_room(nic) && wait_for_wire(f, q))
		return TX_WAIT;
	if (!gather(f, d, count))
		return TX_FAILED;
	if (le16toh(d->flags) & SLUICE_TX_F_GSO)
		return send_segments(f, q, d, len);
	if (le16toh(d->flags) & SLUICE_TX_F_CSUM &&
	    !fill_csum(nic->frame, len, d, &flags)) {
		bad_frame(f, q);
		return TX_FAILED;
	}
	send(f, d, nic->frame, len, flags);
	nic->sent++;
	return TX_SENT;
}

/* One batch of a queue.  True when it has more to do right away. */
static bool txq_run(struct func *f, struct txq *q)
{
	struct sluice_nic *nic = f->nic;
	struct sluice_cqe cqe = { 0 };
	uint32_t db = __atomic_load_n(&q->db, __ATOMIC_ACQUIRE);
	uint32_t avail, count, at = 0, bytes = 0;
	enum tx_result result;
	bool more = false;

	f->tx_shaped &= ~(1ull << q->id);
	/* Commands announced before the packets take effect before them. */
	ctrl_run(&nic->funcs[0]);
	if (!f->is_pf)
		ctrl_run(f);
	if (!q->active || !f->enabled || !func_ok(f))
		return false;

	avail = db - q->head;
	if (avail > q->size) {
		/* The queue was made anew; its doorbell comes separately. */
		db = __atomic_load_n(&q->db, __ATOMIC_ACQUIRE);
		avail = db - q->head;
		if (avail > q->size) {
			func_fail(f, SLUICE_ERR_TX_INDEX, q->id);
			return false;
		}
	}
	if (!avail || !cq_room(f, q->cq))
		return false;
	if (!shaper_turn(f)) {
		shaper_wait(f, q->id);
		return false;
	}
	count = avail < TX_BATCH ? avail : TX_BATCH;
	if (!read_descs(f, q, count))
		return false;

	nic->sent = 0;
	nic->sent_bytes = 0;
	q->cq->reserved++;
	while (at < count && nic->sent < TX_FRAMES) {
		const struct sluice_tx_desc *d = nic->tx_descs + at;
		uint32_t len, bad;
		int n = frame_descs(f, d, count - at, &len, &bad);

		if (n < 0) {
			func_fail(f, SLUICE_ERR_TX_DESC, (uint32_t)q->id << 16 |
				  ((q->head + bad) & (q->size - 1)));
			break;
		}
		if (!n) {
			/* The rest may be announced, but not be read. */
			more = avail > count;
			break;
		}
		result = send_frame(f, q, d, n, len);
		shaper_sent(f, nic->sent_bytes - bytes);
		bytes = nic->sent_bytes;
		if (result != TX_SENT)
			break;
		__atomic_store_n(&q->head, q->head + n, __ATOMIC_RELEASE);
		at += n;
		more = avail > at;
		if (!func_ok(f))
			break;
		if (more && !shaper_open(f)) {
			shaper_wait(f, q->id);
			f->next_txq = (q->id + 1) % SLUICE_MAX_QUEUES;
			break;
		}
	}
	q->cq->reserved--;

	if (!func_ok(f))
		return false;
	if (at) {
		cqe.index = htole32(q->head);
		cqe.queue = q->id;
		cq_put(f, q->cq, &cqe);
	}
	return more && !((f->tx_wait | f->tx_shaped) >> q->id & 1);
}

/* One batch of each queue with work.  True when there is more. */
bool tx_run(struct func *f)
{
	uint64_t pend = __atomic_exchange_n(&f->tx_pend, 0, __ATOMIC_ACQ_REL);
	uint64_t again = 0;

	while (pend) {
		uint64_t later = pend & -1ull << f->next_txq;
		unsigned int id = __builtin_ctzll(later ? later : pend);

		pend &= ~(1ull << id);
		if (f->txqs[id].active && txq_run(f, &f->txqs[id]))
			again |= 1ull << id;
	}
	if (again)
		__atomic_or_fetch(&f->tx_pend, again, __ATOMIC_RELAXED);
	return again;
}
