// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: transmit.
 *
 * The function's own netdev and, on a PF, all representors share the TX
 * rings; a lock for each ring orders them.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>

#include "nic.h"

static u32 sluice_tx_room(const struct sluice_txq *txq)
{
	return BIT(txq->log) - (txq->tail - READ_ONCE(txq->head));
}

static struct netdev_queue *sluice_tx_queue(const struct sluice_txq *txq)
{
	return netdev_get_tx_queue(txq->sdev->netdev, txq->id);
}

static void sluice_tx_stop(struct sluice_txq *txq)
{
	netif_tx_stop_queue(sluice_tx_queue(txq));
	if (txq->sdev->is_pf)
		sluice_esw_stop_queues(txq->sdev);
	u64_stats_update_begin(&txq->stats->sync);
	txq->stats->stopped++;
	u64_stats_update_end(&txq->stats->sync);
	WRITE_ONCE(txq->stopped, 1);
	/* Pairs with the one in sluice_tx_wake(): one side sees the other. */
	smp_mb();
}

/* Let the netdevs go on if there is room.  Any side of the ring. */
static void sluice_tx_wake(struct sluice_txq *txq)
{
	/* The head, or the mark, before the other is looked at. */
	smp_mb();
	if (!READ_ONCE(txq->stopped) || sluice_tx_room(txq) < SLUICE_TX_WAKE ||
	    !xchg(&txq->stopped, 0))
		return;
	WRITE_ONCE(txq->stats->woken, txq->stats->woken + 1);
	if (netif_running(txq->sdev->netdev))
		netif_tx_wake_queue(sluice_tx_queue(txq));
	if (txq->sdev->is_pf)
		sluice_esw_wake_queues(txq->sdev);
}

static void sluice_tx_unmap(struct sluice_txq *txq, struct sluice_tx_buf *buf)
{
	struct device *dev = &txq->sdev->pdev->dev;

	if (buf->page)
		dma_unmap_page(dev, buf->dma, buf->len, DMA_TO_DEVICE);
	else if (buf->len)
		dma_unmap_single(dev, buf->dma, buf->len, DMA_TO_DEVICE);
	buf->len = 0;
	buf->page = false;
}

static void sluice_tx_put(struct sluice_txq *txq, u32 *tail, dma_addr_t dma,
			  u32 len, bool page)
{
	u32 slot = *tail & (BIT(txq->log) - 1);

	txq->desc[slot] = (struct sluice_tx_desc){
		.addr = cpu_to_le64(dma),
		.len = cpu_to_le32(len),
	};
	txq->buf[slot] = (struct sluice_tx_buf){
		.dma = dma, .len = len, .page = page,
	};
	(*tail)++;
}

/*
 * Map a frame into the ring behind the tail.  Returns the descriptors used, 0
 * when the frame could not be mapped.
 */
static u32 sluice_tx_map(struct sluice_txq *txq, struct sk_buff *skb)
{
	struct device *dev = &txq->sdev->pdev->dev;
	u32 mask = BIT(txq->log) - 1, tail = txq->tail;
	unsigned int i, len = skb_headlen(skb);
	dma_addr_t dma;

	if (len) {
		dma = dma_map_single(dev, skb->data, len, DMA_TO_DEVICE);
		if (dma_mapping_error(dev, dma))
			return 0;
		sluice_tx_put(txq, &tail, dma, len, false);
	}
	for (i = 0; i < skb_shinfo(skb)->nr_frags; i++) {
		const skb_frag_t *frag = &skb_shinfo(skb)->frags[i];

		len = skb_frag_size(frag);
		if (!len)
			continue;
		dma = skb_frag_dma_map(dev, frag, 0, len, DMA_TO_DEVICE);
		if (dma_mapping_error(dev, dma))
			goto err_unmap;
		sluice_tx_put(txq, &tail, dma, len, true);
	}
	return tail - txq->tail;

err_unmap:
	while (tail != txq->tail)
		sluice_tx_unmap(txq, &txq->buf[--tail & mask]);
	return 0;
}

static void sluice_tx_ring(struct sluice_txq *txq)
{
	if (txq->rung == txq->tail)
		return;
	txq->rung = txq->tail;
	sluice_write(txq->sdev, SLUICE_DB_TX(txq->id), txq->tail);
}

/*
 * Send on a ring.  A frame for SLUICE_VPORT_NONE goes through the switch, any
 * other straight to its vport.  A long frame counts as its segments.
 */
static netdev_tx_t sluice_tx_frame(struct sluice_txq *txq, struct sk_buff *skb,
				   u16 vport, bool own)
{
	bool csum = skb->ip_summed == CHECKSUM_PARTIAL, kick = true;
	bool more = netdev_xmit_more(), linearized = false;
	unsigned int segs = 1, bytes = skb->len, hdr_len = 0;
	struct sluice_dev *sdev = txq->sdev;
	struct sluice_tx_desc *first;
	struct sluice_tx_buf *last;
	u16 flags = 0;
	u32 n, mask;

	if (skb_is_gso(skb)) {
		hdr_len = sluice_gso_hdr_len(skb);
		if (unlikely(!hdr_len))
			goto drop;
		segs = DIV_ROUND_UP(skb->len - hdr_len, skb_shinfo(skb)->gso_size);
		if (unlikely(segs > SLUICE_GSO_SEGS_MAX))
			goto drop;
		bytes += (segs - 1) * hdr_len;
	} else if (unlikely(skb->len < SLUICE_FRAME_MIN ||
			    skb->len > SLUICE_FRAME_MAX)) {
		goto drop;
	}
	if (unlikely(skb_shinfo(skb)->nr_frags >= SLUICE_TX_MAX_DESCS)) {
		if (skb_linearize(skb))
			goto drop;
		linearized = true;
	}

	spin_lock(&txq->lock);
	if (unlikely(READ_ONCE(sdev->dead))) {
		spin_unlock(&txq->lock);
		goto drop;
	}
	if (unlikely(sluice_tx_room(txq) < SLUICE_TX_STOP)) {
		/* Another netdev was faster. */
		sluice_tx_stop(txq);
		sluice_tx_ring(txq);
		sluice_tx_wake(txq);
		spin_unlock(&txq->lock);
		return NETDEV_TX_BUSY;
	}
	n = sluice_tx_map(txq, skb);
	if (unlikely(!n)) {
		sluice_tx_ring(txq);
		spin_unlock(&txq->lock);
		goto drop;
	}

	mask = BIT(txq->log) - 1;
	first = &txq->desc[txq->tail & mask];
	if (csum) {
		flags |= SLUICE_TX_F_CSUM;
		first->csum_start = cpu_to_le16(skb_checksum_start_offset(skb));
		first->csum_offset = cpu_to_le16(skb->csum_offset);
	}
	if (hdr_len) {
		flags |= SLUICE_TX_F_GSO;
		if (skb_shinfo(skb)->gso_type & SKB_GSO_TCP_FIXEDID)
			flags |= SLUICE_TX_F_FIXED_ID;
		first->mss = cpu_to_le16(skb_shinfo(skb)->gso_size);
		first->hdr_len = cpu_to_le16(hdr_len);
	}
	if (vport != SLUICE_VPORT_NONE) {
		flags |= SLUICE_TX_F_DIRECT;
		first->dst_vport = cpu_to_le16(vport);
	}
	first->flags = cpu_to_le16(flags);
	last = &txq->buf[(txq->tail + n - 1) & mask];
	last->skb = skb;
	last->own = own;
	txq->desc[(txq->tail + n - 1) & mask].flags |= cpu_to_le16(SLUICE_TX_F_EOP);

	u64_stats_update_begin(&txq->stats->sync);
	txq->stats->packets += segs;
	txq->stats->bytes += bytes;
	txq->stats->csum += csum;
	if (hdr_len) {
		txq->stats->gso_packets++;
		txq->stats->gso_segs += segs;
		txq->stats->gso_bytes += bytes;
	}
	txq->stats->linearized += linearized;
	u64_stats_update_end(&txq->stats->sync);

	/* Only the driver sees what a representor sends. */
	if (vport != SLUICE_VPORT_NONE)
		dev_sw_netstats_tx_add(skb->dev, segs, bytes);
	skb_tx_timestamp(skb);
	if (own)
		kick = __netdev_tx_sent_queue(sluice_tx_queue(txq), skb->len, more);
	else
		kick = !more;
	txq->tail += n;
	if (sluice_tx_room(txq) < SLUICE_TX_STOP) {
		sluice_tx_stop(txq);
		sluice_tx_wake(txq);
		kick = true;
	}
	if (kick)
		sluice_tx_ring(txq);
	spin_unlock(&txq->lock);
	return NETDEV_TX_OK;

drop:
	spin_lock(&txq->lock);
	u64_stats_update_begin(&txq->stats->sync);
	txq->stats->dropped++;
	u64_stats_update_end(&txq->stats->sync);
	/* Frames before this one may still wait for their doorbell. */
	if (!more && !READ_ONCE(sdev->dead))
		sluice_tx_ring(txq);
	spin_unlock(&txq->lock);
	dev_kfree_skb_any(skb);
	return NETDEV_TX_OK;
}

/**
 * sluice_start_xmit() - ndo_start_xmit of a function's netdev
 * @skb: frame
 * @dev: netdev
 *
 * In switchdev mode the PF's netdev is the representor of uplink 0, and what
 * it sends goes to the wire.
 *
 * Return: NETDEV_TX_OK, or NETDEV_TX_BUSY when the ring is full.
 */
netdev_tx_t sluice_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct sluice_nic *nic = netdev_priv(dev);
	struct sluice_dev *sdev = nic->sdev;
	struct sluice_channels *chs = rcu_dereference_bh(sdev->channels);
	unsigned int q = skb_get_queue_mapping(skb);
	u16 vport = SLUICE_VPORT_NONE;

	if (unlikely(!chs || q >= chs->num)) {
		dev_kfree_skb_any(skb);
		dev_core_stats_tx_dropped_inc(dev);
		return NETDEV_TX_OK;
	}
	if (sdev->is_pf && sluice_esw_is_switchdev(sdev))
		vport = SLUICE_VPORT_UPLINK(0);
	return sluice_tx_frame(&chs->ch[q]->txq, skb, vport, true);
}

/**
 * sluice_xmit_direct() - send a frame of a representor to its vport
 * @sdev: PF
 * @skb: frame; consumed unless the answer is NETDEV_TX_BUSY
 * @vport: vport it leaves by
 *
 * From ndo_start_xmit of a netdev that holds the channels.  Takes the ring's
 * own lock, so that many netdevs may send at once; frames of one flow keep to
 * one ring.  Counts in the representor's software statistics.
 *
 * Return: NETDEV_TX_OK, or NETDEV_TX_BUSY when the ring is full; then the
 * queues of all representors are stopped until there is room.
 */
netdev_tx_t sluice_xmit_direct(struct sluice_dev *sdev, struct sk_buff *skb,
			       u16 vport)
{
	struct sluice_channels *chs = rcu_dereference_bh(sdev->channels);
	unsigned int q;

	if (unlikely(!chs)) {
		dev_core_stats_tx_dropped_inc(skb->dev);
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	/* A representor has one queue: spread its flows over the rings. */
	q = chs->num > 1 ? reciprocal_scale(skb_get_hash(skb), chs->num) : 0;
	return sluice_tx_frame(&chs->ch[q]->txq, skb, vport, false);
}

static void sluice_tx_free(struct sluice_txq *txq, u32 head, u32 next, int budget,
			   unsigned int *packets, unsigned int *bytes)
{
	u32 mask = BIT(txq->log) - 1;

	for (; head != next; head++) {
		struct sluice_tx_buf *buf = &txq->buf[head & mask];

		sluice_tx_unmap(txq, buf);
		if (!buf->skb)
			continue;
		if (buf->own) {
			(*packets)++;
			*bytes += buf->skb->len;
		}
		napi_consume_skb(buf->skb, budget);
		buf->skb = NULL;
	}
}

/**
 * sluice_tx_complete() - frames were sent
 * @ch: channel
 * @cqe: TX completion, already read from memory
 * @budget: NAPI's
 *
 * NAPI context.
 */
void sluice_tx_complete(struct sluice_channel *ch, const struct sluice_cqe *cqe,
			int budget)
{
	struct sluice_txq *txq = &ch->txq;
	unsigned int packets = 0, bytes = 0;
	u32 next = le32_to_cpu(cqe->index), head = txq->head;

	/* No further than what was announced. */
	if (unlikely(cqe->queue != txq->id ||
		     next - head > READ_ONCE(txq->rung) - head)) {
		sluice_dev_fail(ch->sdev, "impossible TX completion", txq->id, next);
		return;
	}
	sluice_tx_free(txq, head, next, budget, &packets, &bytes);
	/* The slots are empty before the head says so. */
	smp_store_release(&txq->head, next);
	netdev_tx_completed_queue(sluice_tx_queue(txq), packets, bytes);
	sluice_tx_wake(txq);
}

/**
 * sluice_txq_init() - allocate a TX ring
 * @ch: channel
 * @stats: its counters
 * @log: log2 of the number of descriptors
 *
 * Return: 0 or -ENOMEM.
 */
int sluice_txq_init(struct sluice_channel *ch, struct sluice_tx_stats *stats,
		    u8 log)
{
	struct sluice_txq *txq = &ch->txq;

	spin_lock_init(&txq->lock);
	txq->sdev = ch->sdev;
	txq->id = ch->id;
	txq->log = log;
	txq->stats = stats;
	txq->buf = kvcalloc(BIT(log), sizeof(*txq->buf), GFP_KERNEL);
	if (!txq->buf)
		return -ENOMEM;
	txq->desc = dma_alloc_coherent(&ch->sdev->pdev->dev,
				       sizeof(*txq->desc) << log, &txq->dma,
				       GFP_KERNEL);
	if (!txq->desc) {
		kvfree(txq->buf);
		txq->buf = NULL;
		return -ENOMEM;
	}
	return 0;
}

/**
 * sluice_txq_fini() - free a TX ring and the frames still in it
 * @ch: channel the device does not use any more
 */
void sluice_txq_fini(struct sluice_channel *ch)
{
	struct sluice_txq *txq = &ch->txq;
	unsigned int packets = 0, bytes = 0;

	if (!txq->desc)
		return;
	sluice_tx_free(txq, txq->head, txq->tail, 0, &packets, &bytes);
	txq->head = txq->tail;
	if (txq->id < ch->sdev->netdev->num_tx_queues)
		netdev_tx_reset_queue(sluice_tx_queue(txq));
	dma_free_coherent(&ch->sdev->pdev->dev, sizeof(*txq->desc) << txq->log,
			  txq->desc, txq->dma);
	kvfree(txq->buf);
	txq->desc = NULL;
	txq->buf = NULL;
}
