// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: receive.
 *
 * Buffers are pages of a page_pool, or parts of them where pages are large.  A
 * frame of one buffer becomes an skb in place, a longer one takes the other
 * buffers as fragments, a short one is copied so that its buffer need not wait
 * for the socket.
 */
#include <linux/dma-mapping.h>
#include <linux/skbuff.h>

#include "nic.h"

/* Before memory is asked for again. */
#define SLUICE_RX_RETRY		msecs_to_jiffies(20)

static void sluice_rx_buf_free(struct sluice_rxq *rxq, struct sluice_rx_buf *buf,
			       bool direct)
{
	page_pool_put_full_page(rxq->pool, buf->page, direct);
	buf->page = NULL;
}

static void sluice_rx_ring(struct sluice_rxq *rxq)
{
	if (rxq->rung == rxq->tail || READ_ONCE(rxq->sdev->dead))
		return;
	rxq->rung = rxq->tail;
	/* The descriptors are in memory before the device is told. */
	sluice_write(rxq->sdev, SLUICE_DB_RX(rxq->id), rxq->tail);
}

/**
 * sluice_rx_refill() - post buffers until the ring is full
 * @rxq: queue
 *
 * NAPI context, or process context before NAPI runs.  Without memory a timer
 * tries again.
 */
void sluice_rx_refill(struct sluice_rxq *rxq)
{
	u32 mask = BIT(rxq->log) - 1, room = BIT(rxq->log) - (rxq->tail - rxq->head);

	if (room < SLUICE_RX_BATCH)
		return;
	for (; room; room--, rxq->tail++) {
		struct sluice_rx_buf *buf = &rxq->buf[rxq->tail & mask];
		unsigned int size;
		dma_addr_t dma;

		size = SLUICE_RX_BUF_SIZE;
		buf->page = page_pool_dev_alloc(rxq->pool, &buf->offset, &size);
		if (unlikely(!buf->page)) {
			u64_stats_update_begin(&rxq->stats->sync);
			rxq->stats->alloc_fail++;
			u64_stats_update_end(&rxq->stats->sync);
			mod_timer(&rxq->refill, jiffies + SLUICE_RX_RETRY);
			break;
		}
		dma = page_pool_get_dma_addr(buf->page) + buf->offset +
		      SLUICE_RX_HEADROOM;
		rxq->desc[rxq->tail & mask] = (struct sluice_rx_desc){
			.addr = cpu_to_le64(dma),
			.len = cpu_to_le32(SLUICE_RX_BUF_LEN),
		};
	}
	sluice_rx_ring(rxq);
}

static void sluice_rx_retry(struct timer_list *timer)
{
	struct sluice_rxq *rxq = sluice_timer_container(rxq, timer, refill);
	struct sluice_channel *ch = container_of(rxq, struct sluice_channel, rxq);

	napi_schedule(&ch->napi);
}

static void *sluice_rx_sync(struct sluice_rxq *rxq, const struct sluice_rx_buf *buf,
			    u32 len)
{
	dma_sync_single_range_for_cpu(&rxq->sdev->pdev->dev,
				      page_pool_get_dma_addr(buf->page),
				      buf->offset + SLUICE_RX_HEADROOM, len,
				      DMA_FROM_DEVICE);
	return page_address(buf->page) + buf->offset;
}

/* Make an skb of a frame in @n buffers.  Takes the buffers. */
static struct sk_buff *sluice_rx_skb(struct sluice_channel *ch, u32 n, u32 len)
{
	struct sluice_rxq *rxq = &ch->rxq;
	u32 mask = BIT(rxq->log) - 1, i, part = min(len, SLUICE_RX_BUF_LEN);
	struct sluice_rx_buf *buf = &rxq->buf[rxq->head & mask];
	struct sk_buff *skb;
	void *va;

	va = sluice_rx_sync(rxq, buf, part);
	net_prefetch(va + SLUICE_RX_HEADROOM);
	if (len <= SLUICE_RX_COPYBREAK) {
		skb = napi_alloc_skb(&ch->napi, len);
		if (skb)
			skb_put_data(skb, va + SLUICE_RX_HEADROOM, len);
		sluice_rx_buf_free(rxq, buf, true);
		return skb;
	}

	skb = napi_build_skb(va, SLUICE_RX_BUF_SIZE);
	if (unlikely(!skb)) {
		for (i = 0; i < n; i++)
			sluice_rx_buf_free(rxq, &rxq->buf[(rxq->head + i) & mask], true);
		return NULL;
	}
	skb_mark_for_recycle(skb);
	skb_reserve(skb, SLUICE_RX_HEADROOM);
	__skb_put(skb, part);
	buf->page = NULL;
	for (i = 1, len -= part; i < n; i++, len -= part) {
		buf = &rxq->buf[(rxq->head + i) & mask];
		part = min(len, SLUICE_RX_BUF_LEN);
		sluice_rx_sync(rxq, buf, part);
		skb_add_rx_frag(skb, i - 1, buf->page,
				buf->offset + SLUICE_RX_HEADROOM, part,
				SLUICE_RX_BUF_SIZE);
		buf->page = NULL;
	}
	return skb;
}

/* The netdev a frame is for, NULL when nobody wants it.  RCU. */
static struct net_device *sluice_rx_netdev(struct sluice_dev *sdev,
					   const struct sluice_cqe *cqe, u16 flags)
{
	struct net_device *dev = sdev->netdev;

	if (flags & SLUICE_CQE_F_SLOW)
		dev = sdev->is_pf ?
		      sluice_esw_slow_netdev(sdev, le16_to_cpu(cqe->src_vport)) :
		      NULL;
	return dev && netif_running(dev) ? dev : NULL;
}

static void sluice_rx_meta(struct sk_buff *skb, struct net_device *dev,
			   const struct sluice_cqe *cqe, u16 flags)
{
	if ((flags & SLUICE_CQE_F_L4_OK) && (dev->features & NETIF_F_RXCSUM))
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	/*
	 * Tunnels take their UDP source port from it, in hardware and in
	 * software.
	 */
	if ((flags & SLUICE_CQE_F_HASH) && (flags & SLUICE_CQE_F_SLOW))
		skb_set_hash(skb, le32_to_cpu(cqe->hash), PKT_HASH_TYPE_L4);
	else if ((flags & SLUICE_CQE_F_HASH) &&
		 (dev->features & NETIF_F_RXHASH))
		skb_set_hash(skb, le32_to_cpu(cqe->hash),
			     flags & SLUICE_CQE_F_HASH_L4 ? PKT_HASH_TYPE_L4 :
							    PKT_HASH_TYPE_L3);
}

/*
 * A copy that a rule has made for a netdev of the host: that receives it, as
 * if tc had handed it over at the ingress of the representor @skb->dev.  RCU.
 */
static void sluice_rx_host(struct sluice_dev *sdev, struct sk_buff *skb,
			   u32 what)
{
	struct net_device *dev;

	dev = sluice_host_netdev(sdev, dev_net(skb->dev), what);
	if (!dev) {
		kfree_skb(skb);
		return;
	}
	if (what & SLUICE_HOST_PTYPE)
		skb->pkt_type = PACKET_HOST;
	skb->dev = dev;
	netif_receive_skb(skb);
}

/**
 * sluice_rx_complete() - a frame came in
 * @ch: channel
 * @cqe: RX completion, already read from memory
 *
 * NAPI context.  Frames of the slow path go to the representor of the vport
 * they came in by.
 *
 * Return: 0, or -EIO when the completion is impossible.
 */
int sluice_rx_complete(struct sluice_channel *ch, const struct sluice_cqe *cqe)
{
	struct sluice_rxq *rxq = &ch->rxq;
	struct sluice_dev *sdev = ch->sdev;
	u32 len = le32_to_cpu(cqe->len), n = le16_to_cpu(cqe->nbufs), i;
	u16 flags = le16_to_cpu(cqe->flags);
	bool ok, slow = flags & SLUICE_CQE_F_SLOW;
	bool large = flags & SLUICE_CQE_F_LARGE;
	unsigned int segs = 1, bytes = len;
	struct net_device *dev;
	struct sk_buff *skb;

	BUILD_BUG_ON(SLUICE_GSO_FRAME_MAX > (1 + MAX_SKB_FRAGS) * SLUICE_RX_BUF_LEN);
	if (unlikely(cqe->queue != rxq->id ||
		     le32_to_cpu(cqe->index) != rxq->head || !n ||
		     n > rxq->rung - rxq->head || len < SLUICE_FRAME_MIN ||
		     len > (large ? SLUICE_GSO_FRAME_MAX : SLUICE_FRAME_MAX) ||
		     (large && (!rxq->large || slow)) ||
		     n != DIV_ROUND_UP(len, SLUICE_RX_BUF_LEN))) {
		sluice_dev_fail(sdev, "impossible RX completion", rxq->id,
				le32_to_cpu(cqe->index));
		return -EIO;
	}

	rcu_read_lock();
	dev = sluice_rx_netdev(sdev, cqe, flags);
	if (unlikely(!dev)) {
		for (i = 0; i < n; i++)
			sluice_rx_buf_free(rxq, &rxq->buf[(rxq->head + i) &
							  (BIT(rxq->log) - 1)], true);
		rxq->head += n;
		goto drop;
	}
	skb = sluice_rx_skb(ch, n, len);
	rxq->head += n;
	if (unlikely(!skb)) {
		u64_stats_update_begin(&rxq->stats->sync);
		rxq->stats->alloc_fail++;
		u64_stats_update_end(&rxq->stats->sync);
		goto drop;
	}

	sluice_rx_meta(skb, dev, cqe, flags);
	ok = flags & SLUICE_CQE_F_L4_OK && dev->features & NETIF_F_RXCSUM;
	skb_record_rx_queue(skb, slow && dev != sdev->netdev ? 0 : rxq->id);
	skb->protocol = eth_type_trans(skb, dev);
	if (large) {
		unsigned int hdr_len = sluice_gso_receive(skb, cqe);

		if (unlikely(!hdr_len)) {
			dev_kfree_skb_any(skb);
			rcu_read_unlock();
			sluice_dev_fail(sdev, "impossible large frame", rxq->id,
					le32_to_cpu(cqe->index));
			return -EIO;
		}
		segs = skb_shinfo(skb)->gso_segs;
		bytes += (segs - 1) * (ETH_HLEN + hdr_len);
	}
	/* Of a sample the device has the original. */
	if (slow && cqe->reason != SLUICE_MISS_SAMPLE)
		dev_sw_netstats_rx_add(dev, len);

	u64_stats_update_begin(&rxq->stats->sync);
	rxq->stats->packets += segs;
	rxq->stats->bytes += bytes;
	rxq->stats->csum_ok += ok ? segs : 0;
	rxq->stats->csum_none += ok ? 0 : segs;
	rxq->stats->slow += slow;
	rxq->stats->large += large;
	rxq->stats->large_segs += large ? segs : 0;
	u64_stats_update_end(&rxq->stats->sync);

	if (slow && cqe->reason == SLUICE_MISS_HOST)
		sluice_rx_host(sdev, skb, le32_to_cpu(cqe->table));
	else if (slow && cqe->reason == SLUICE_MISS_SAMPLE)
		sluice_sample_receive(sdev, skb, le32_to_cpu(cqe->table));
	else
		napi_gro_receive(&ch->napi, skb);
	rcu_read_unlock();
	return 0;

drop:
	rcu_read_unlock();
	u64_stats_update_begin(&rxq->stats->sync);
	rxq->stats->dropped++;
	u64_stats_update_end(&rxq->stats->sync);
	return 0;
}

/**
 * sluice_rx_start() - post the first buffers of a queue the device just got
 * @rxq: queue
 *
 * Process context, before NAPI is enabled.
 */
void sluice_rx_start(struct sluice_rxq *rxq)
{
	local_bh_disable();
	sluice_rx_refill(rxq);
	local_bh_enable();
}

/**
 * sluice_rxq_init() - allocate an RX ring
 * @ch: channel with its NAPI context
 * @stats: its counters
 * @log: log2 of the number of buffers
 *
 * Return: 0 or a negative errno.
 */
int sluice_rxq_init(struct sluice_channel *ch, struct sluice_rx_stats *stats,
		    u8 log)
{
	struct device *dev = &ch->sdev->pdev->dev;
	struct page_pool_params pp = {
		.flags = PP_FLAG_DMA_MAP | PP_FLAG_DMA_SYNC_DEV,
		.pool_size = BIT(log) / (PAGE_SIZE / SLUICE_RX_BUF_SIZE),
		.nid = NUMA_NO_NODE,
		.dev = dev,
		.netdev = ch->sdev->netdev,
		.napi = &ch->napi,
		.queue_idx = ch->id,
		.dma_dir = DMA_FROM_DEVICE,
		.max_len = PAGE_SIZE,
	};
	struct sluice_rxq *rxq = &ch->rxq;
	int err;

	rxq->sdev = ch->sdev;
	rxq->id = ch->id;
	rxq->log = log;
	rxq->stats = stats;
	timer_setup(&rxq->refill, sluice_rx_retry, 0);
	rxq->buf = kvcalloc(BIT(log), sizeof(*rxq->buf), GFP_KERNEL);
	if (!rxq->buf)
		return -ENOMEM;
	rxq->desc = dma_alloc_coherent(dev, sizeof(*rxq->desc) << log, &rxq->dma,
				       GFP_KERNEL);
	if (!rxq->desc) {
		err = -ENOMEM;
		goto err_buf;
	}
	rxq->pool = page_pool_create(&pp);
	if (IS_ERR(rxq->pool)) {
		err = PTR_ERR(rxq->pool);
		goto err_desc;
	}
	return 0;

err_desc:
	dma_free_coherent(dev, sizeof(*rxq->desc) << log, rxq->desc, rxq->dma);
	rxq->desc = NULL;
err_buf:
	kvfree(rxq->buf);
	return err;
}

/**
 * sluice_rxq_fini() - free an RX ring and its buffers
 * @ch: channel the device does not use any more, with NAPI disabled
 */
void sluice_rxq_fini(struct sluice_channel *ch)
{
	struct sluice_rxq *rxq = &ch->rxq;
	u32 mask = BIT(rxq->log) - 1;

	if (!rxq->desc)
		return;
	for (; rxq->head != rxq->tail; rxq->head++)
		sluice_rx_buf_free(rxq, &rxq->buf[rxq->head & mask], false);
	page_pool_destroy(rxq->pool);
	dma_free_coherent(&ch->sdev->pdev->dev, sizeof(*rxq->desc) << rxq->log,
			  rxq->desc, rxq->dma);
	kvfree(rxq->buf);
	rxq->desc = NULL;
}
