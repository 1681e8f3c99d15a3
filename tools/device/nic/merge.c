// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Merging in a receive queue.  The first frame goes to its buffers as any other, but
 * its completion waits; the payload of those that fit behind it follows in the
 * buffers.  In the end the headers are written once more, for all.
 *
 * The queue is locked for all of this.
 */
#include "internal.h"

/* A completion was promised to what is merged. */
static void forget(struct rxq *q)
{
	q->merge.gro.segs = 0;
	q->cq->reserved--;
}

/* The queue goes: what lies in its buffers has nobody to go to. */
void merge_drop(struct rxq *q)
{
	if (q->merge.gro.segs)
		forget(q);
}

/* Look at the queue when the round ends.  False when there is no room for that. */
static bool remember(struct lane *lane, struct func *f, struct rxq *q)
{
	unsigned int i;

	for (i = 0; i < lane->num_merges; i++)
		if (lane->merges[i].q == q)
			return true;
	if (i == MERGES)
		return false;
	lane->merges[i].f = f;
	lane->merges[i].q = q;
	lane->num_merges++;
	return true;
}

/*
 * A frame was placed in @nbufs buffers: keep it for those that may follow.  False
 * when none may: it is to be completed.
 */
bool merge_begin(struct lane *lane, struct func *f, struct rxq *q,
		 const uint8_t *frame, uint32_t len,
		 const struct frame_info *fi, const struct sluice_cqe *cqe,
		 uint16_t flags, int nbufs)
{
	uint32_t db = __atomic_load_n(&q->db, __ATOMIC_ACQUIRE);
	const uint16_t need = SLUICE_CQE_F_L4_OK |
			      (fi->v6 ? 0 : SLUICE_CQE_F_L3_OK);
	struct merge *m = &q->merge;
	const struct sluice_rx_desc *d;
	uint32_t used = len;
	int i;

	if (!q->large || (flags & (need | SLUICE_CQE_F_SLOW)) != need ||
	    !gro_begin(&m->gro, frame, len, fi))
		return false;
	for (i = 0; i < nbufs; i++) {
		d = rx_desc(f, q, q->head + i, db);
		if (!d || (!i && le32toh(d->len) < m->gro.hdr_len))
			goto no;
		m->at = le64toh(d->addr);
		m->room = le32toh(d->len);
		if (!i)
			m->first = m->at;
		if (i + 1 < nbufs)
			used -= m->room;
	}
	/* The ring may have changed while it was read. */
	if (used > m->room || !remember(lane, f, q))
		goto no;
	m->at += used;
	m->room -= used;
	m->cqe = *cqe;
	m->flags = flags;
	m->nbufs = nbufs;
	q->cq->reserved++;
	return true;
no:
	m->gro.segs = 0;
	return false;
}

/* Write @len bytes behind what there is.  False when the function failed. */
static bool append(struct func *f, struct rxq *q, uint32_t db,
		   const uint8_t *data, uint32_t len)
{
	struct sluice_nic_host *host = &f->nic->host;
	struct merge *m = &q->merge;

	while (len) {
		uint32_t piece = len < m->room ? len : m->room;

		if (piece && !host->dma_write(host->ctx, f->vport, m->at, data,
					      piece)) {
			func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_RX_DATA);
			return false;
		}
		data += piece;
		len -= piece;
		m->at += piece;
		m->room -= piece;
		if (len) {
			const struct sluice_rx_desc *d =
				rx_desc(f, q, q->head + m->nbufs, db);

			if (!d)
				return false;
			m->at = le64toh(d->addr);
			m->room = le32toh(d->len);
			m->nbufs++;
		}
	}
	return true;
}

/* Do the buffers posted have room for @len bytes more? */
static bool have_room(struct func *f, struct rxq *q, uint32_t db, uint32_t len)
{
	uint32_t room = q->merge.room;
	uint32_t n;

	if (db - q->head > q->size)
		return false;
	for (n = q->merge.nbufs; room < len; n++) {
		const struct sluice_rx_desc *d;

		if (n == db - q->head)
			return false;
		d = rx_desc(f, q, q->head + n, db);
		if (!d)
			return false;
		room += le32toh(d->len);
	}
	return true;
}

/* Make a frame part of what is there.  False when it is no part of that. */
bool merge_add(struct lane *lane, struct func *f, struct rxq *q,
	       const uint8_t *frame, uint32_t len, const struct frame_info *fi,
	       uint16_t flags)
{
	struct merge *m = &q->merge;
	uint32_t db, payload;

	if (!m->gro.segs || flags != m->flags ||
	    !gro_fits(&m->gro, frame, len, fi))
		return false;
	db = __atomic_load_n(&q->db, __ATOMIC_ACQUIRE);
	payload = len - m->gro.hdr_len;
	if (!have_room(f, q, db, payload) ||
	    !append(f, q, db, frame + m->gro.hdr_len, payload))
		return false;
	gro_add(&m->gro, frame, len);
	if (m->gro.ended)
		merge_end(lane, f, q);
	return true;
}

/* Complete what is there, if there is something. */
void merge_end(struct lane *lane, struct func *f, struct rxq *q)
{
	struct sluice_nic_host *host = &f->nic->host;
	struct merge *m = &q->merge;
	struct gro *g = &m->gro;
	uint16_t flags = m->flags;
	uint32_t segs = g->segs;

	if (!segs)
		return;
	forget(q);
	if (!func_ok(f))
		return;
	if (segs > 1) {
		gro_finish(g);
		if (!host->dma_write(host->ctx, f->vport, m->first, g->hdr,
				     g->hdr_len)) {
			func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_RX_DATA);
			return;
		}
		flags |= SLUICE_CQE_F_LARGE;
		if (g->fixed_id)
			flags |= SLUICE_CQE_F_FIXED_ID;
		m->cqe.mss = htole16(g->mss);
	}
	rx_complete(lane, f, q, &m->cqe, g->len, flags, m->nbufs);
}

/* The round ends: nothing waits any longer. */
void merge_end_all(struct lane *lane)
{
	unsigned int i;

	for (i = 0; i < lane->num_merges; i++) {
		struct func *f = lane->merges[i].f;
		struct rxq *q = lane->merges[i].q;

		cq_lock(f, q->cq);
		merge_end(lane, f, q);
		cq_unlock(f, q->cq);
	}
	lane->num_merges = 0;
}
