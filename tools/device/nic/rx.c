// SPDX-License-Identifier: GPL-2.0-or-later
/* Receive queues: from the eSwitch into host buffers. */
#include "internal.h"

int rxq_create(struct func *f, const struct sluice_cmd_queue *cmd)
{
	uint16_t id = le16toh(cmd->id);
	uint16_t cq = le16toh(cmd->cq);
	uint64_t addr = le64toh(cmd->addr);
	struct rxq *q;

	if (id >= f->max_queues || addr & 63 ||
	    cmd->log_size < SLUICE_RING_MIN_LOG ||
	    cmd->log_size > SLUICE_RING_MAX_LOG)
		return SLUICE_ST_INVAL;
	if (cq >= f->max_cqs || !f->cqs[cq].ring.active)
		return SLUICE_ST_NOENT;
	q = &f->rxqs[id];
	if (q->active)
		return SLUICE_ST_EXIST;

	q->id = id;
	q->base = addr;
	q->cq = &f->cqs[cq];
	q->cq->refs++;
	q->large = cmd->flags & SLUICE_QUEUE_F_LARGE;
	q->cache_count = 0;
	q->merge.gro.segs = 0;
	__atomic_store_n(&q->head, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&q->db, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&q->size, 1u << cmd->log_size, __ATOMIC_RELAXED);
	__atomic_store_n(&q->active, 1, __ATOMIC_RELEASE);
	return SLUICE_ST_OK;
}

int rxq_destroy(struct func *f, uint32_t id)
{
	struct rxq *q;

	if (id >= f->max_queues || !f->rxqs[id].active)
		return SLUICE_ST_NOENT;
	q = &f->rxqs[id];
	merge_drop(q);
	q->cq->refs--;
	__atomic_store_n(&q->active, 0, __ATOMIC_RELEASE);
	return SLUICE_ST_OK;
}

/* The descriptor with count @index; @end is the announced count. */
const struct sluice_rx_desc *rx_desc(struct func *f, struct rxq *q,
				     uint32_t index, uint32_t end)
{
	struct sluice_nic *nic = f->nic;
	const struct sluice_rx_desc *d;
	uint32_t slot = index & (q->size - 1);
	uint32_t len;

	if (index - q->cache_first >= q->cache_count) {
		uint32_t n = end - index;

		if (n > RX_CACHE)
			n = RX_CACHE;
		if (n > q->size - slot)
			n = q->size - slot;
		q->cache_count = 0;
		if (!nic->host.dma_read(nic->host.ctx, f->vport, q->base +
					(uint64_t)slot * sizeof(*d), q->cache,
					n * sizeof(*d))) {
			func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_RX_DESC);
			return NULL;
		}
		q->cache_first = index;
		q->cache_count = n;
	}
	d = &q->cache[index - q->cache_first];
	len = le32toh(d->len);
	if (len < 64 || len > 65535 || d->reserved) {
		func_fail(f, SLUICE_ERR_RX_DESC, (uint32_t)q->id << 16 | slot);
		return NULL;
	}
	return d;
}

/*
 * Write a frame into buffers.  Return how many it took, 0 when there are not
 * enough, or -1 when the function failed.
 */
static int fill_buffers(struct func *f, struct rxq *q, const uint8_t *frame,
			uint32_t len)
{
	struct sluice_nic_host *host = &f->nic->host;
	uint32_t db = __atomic_load_n(&q->db, __ATOMIC_ACQUIRE);
	uint32_t avail = db - q->head;
	const struct sluice_rx_desc *d;
	uint32_t room = 0;
	uint32_t n, i;

	if (avail > q->size) {
		func_fail(f, SLUICE_ERR_RX_INDEX, q->id);
		return -1;
	}
	for (n = 0; room < len; n++) {
		if (n == avail)
			return 0;
		d = rx_desc(f, q, q->head + n, db);
		if (!d)
			return -1;
		room += le32toh(d->len);
	}
	for (i = 0; i < n; i++) {
		uint32_t piece;

		d = rx_desc(f, q, q->head + i, db);
		if (!d)
			return -1;
		piece = le32toh(d->len);
		if (piece > len)
			piece = len;
		if (!host->dma_write(host->ctx, f->vport, le64toh(d->addr),
				     frame, piece)) {
			func_fail(f, SLUICE_ERR_DMA, SLUICE_DMA_RX_DATA);
			return -1;
		}
		frame += piece;
		len -= piece;
		/* The ring changed while it was read: take what fits. */
		if (!len)
			return i + 1;
	}
	return len ? 0 : (int)n;
}

/* The eSwitch asks for the hash that tells flows apart. */
void rx_flow_hash(void *ctx, const uint8_t *frame, uint32_t len,
		  struct sluice_flow_hash *hash)
{
	struct lane *lane = ctx;

	hash->value = frame_flow_hash(&lane->nic->flow, frame, len, &hash->l4);
}

/* The flow hash's key until the PF gives one. */
void rx_flow_reset(struct sluice_nic *nic)
{
	uint8_t key[SLUICE_RSS_KEY_SIZE];
	unsigned int i;

	for (i = 0; i < sizeof(key); i++)
		key[i] = 7 * i * i + 59 * i + 109;
	toeplitz_init(&nic->flow, key);
}

/* The queue a frame goes to by its hash, which @cqe tells. */
static struct rxq *choose_queue(struct func *f, const uint8_t *frame,
				const struct frame_info *fi,
				struct sluice_cqe *cqe, uint16_t *flags)
{
	uint32_t hash;
	bool l4;

	if (!f->rss.on)
		return &f->rxqs[0];
	if (!frame_rss(&f->rss.toeplitz, f->rss.types, frame, fi, &hash, &l4))
		return &f->rxqs[f->rss.table[0]];
	*flags |= SLUICE_CQE_F_HASH;
	if (l4)
		*flags |= SLUICE_CQE_F_HASH_L4;
	cqe->hash = htole32(hash);
	return &f->rxqs[f->rss.table[hash % SLUICE_RSS_TABLE_SIZE]];
}

/*
 * Put a frame into buffers of a queue, which is locked.  Return their number, or
 * 0 with @result set.
 */
static int place(struct lane *lane, struct func *f, struct rxq *q,
		 const uint8_t *frame, uint32_t len,
		 enum sluice_tx_result *result)
{
	int nbufs;

	*result = SLUICE_TX_NOBUF;
	if (!cq_room(lane, f, q->cq))
		nbufs = func_ok(f) ? 0 : -1;
	else
		nbufs = fill_buffers(f, q, frame, len);
	if (nbufs >= 0)
		return nbufs;
	*result = SLUICE_TX_DOWN;
	return 0;
}

/* Complete a frame in @nbufs buffers. */
enum sluice_tx_result rx_complete(struct lane *lane, struct func *f,
				  struct rxq *q, struct sluice_cqe *cqe,
				  uint32_t len, uint16_t flags, int nbufs)
{
	cqe->index = htole32(q->head);
	cqe->len = htole32(len);
	cqe->flags = htole16(flags);
	cqe->nbufs = htole16(nbufs);
	cqe->queue = q->id;
	__atomic_store_n(&q->head, q->head + nbufs, __ATOMIC_RELEASE);
	return cq_put(lane, f, q->cq, cqe) ? SLUICE_TX_OK : SLUICE_TX_DOWN;
}

/* The eSwitch hands out a large frame; it has checked that it is right. */
enum sluice_tx_result rx_deliver_large(void *ctx, uint16_t vport,
				       const struct sluice_large *l)
{
	struct lane *lane = ctx;
	struct func *f = nic_func(lane->nic, vport);
	uint16_t flags = SLUICE_CQE_F_RX | SLUICE_CQE_F_LARGE |
			 SLUICE_CQE_F_L4_OK;
	struct sluice_cqe cqe = { .mss = htole16(l->mss) };
	enum sluice_tx_result result;
	struct frame_info fi;
	struct rxq *q;
	int nbufs;

	if (!f || !f->enabled || !func_ok(f))
		return SLUICE_TX_DOWN;
	frame_parse(l->frame, l->len, &fi);
	q = choose_queue(f, l->frame, &fi, &cqe, &flags);
	if (!q->active || !q->large)
		return SLUICE_TX_NOBUF;
	cq_lock(f, q->cq);
	merge_end(lane, f, q);
	nbufs = place(lane, f, q, l->frame, l->len, &result);
	if (nbufs) {
		if (frame_l3_ok(l->frame, &fi))
			flags |= SLUICE_CQE_F_L3_OK;
		if (l->fixed_id)
			flags |= SLUICE_CQE_F_FIXED_ID;
		result = rx_complete(lane, f, q, &cqe, l->len, flags, nbufs);
	}
	cq_unlock(f, q->cq);
	return result;
}

/* Put a frame into the queue, which is locked: as the next of those it has, or new. */
static enum sluice_tx_result rx_place(struct lane *lane, struct func *f,
				      struct rxq *q, const uint8_t *frame,
				      uint32_t len, const struct frame_info *fi,
				      struct sluice_cqe *cqe, uint16_t flags)
{
	enum sluice_tx_result result;
	int nbufs;

	if (merge_add(lane, f, q, frame, len, fi, flags))
		return SLUICE_TX_OK;
	merge_end(lane, f, q);
	nbufs = place(lane, f, q, frame, len, &result);
	if (!nbufs)
		return result;
	if (merge_begin(lane, f, q, frame, len, fi, cqe, flags, nbufs))
		return SLUICE_TX_OK;
	return rx_complete(lane, f, q, cqe, len, flags, nbufs);
}

/* The eSwitch hands out a frame. */
enum sluice_tx_result rx_deliver(void *ctx, uint16_t vport,
				 const uint8_t *frame, uint32_t len,
				 unsigned int frame_flags,
				 const struct sluice_slow_meta *meta)
{
	struct lane *lane = ctx;
	struct sluice_nic *nic = lane->nic;
	struct sluice_cqe cqe = { 0 };
	uint16_t flags = SLUICE_CQE_F_RX;
	enum sluice_tx_result result;
	struct frame_info fi;
	struct func *f;
	struct rxq *q;

	if (is_uplink(nic, vport))
		return nic->host.wire_tx(nic->host.ctx,
					 vport - SLUICE_VPORT_UPLINK(0), frame,
					 len) ?
		       SLUICE_TX_OK : SLUICE_TX_NOBUF;

	f = nic_func(nic, vport);
	if (!f || !f->enabled || !func_ok(f))
		return SLUICE_TX_DOWN;

	frame_parse(frame, len, &fi);
	if (meta) {
		flags |= SLUICE_CQE_F_SLOW | SLUICE_CQE_F_HASH;
		if (meta->hash.l4)
			flags |= SLUICE_CQE_F_HASH_L4;
		cqe.hash = htole32(meta->hash.value);
		cqe.src_vport = htole16(meta->src_vport);
		cqe.reason = meta->reason;
		cqe.table = htole32(meta->table);
		q = &f->rxqs[f->rss.on ? f->rss.table[meta->hash.value %
						      SLUICE_RSS_TABLE_SIZE] :
					 0];
	} else {
		q = choose_queue(f, frame, &fi, &cqe, &flags);
	}
	if (!q->active)
		return SLUICE_TX_NOBUF;
	if (frame_l3_ok(frame, &fi))
		flags |= SLUICE_CQE_F_L3_OK;
	if (fi.l4 && (frame_flags & SLUICE_FRAME_L4_OK ||
		      frame_l4_ok(frame, &fi)))
		flags |= SLUICE_CQE_F_L4_OK;
	cq_lock(f, q->cq);
	result = rx_place(lane, f, q, frame, len, &fi, &cqe, flags);
	cq_unlock(f, q->cq);
	return result;
}
