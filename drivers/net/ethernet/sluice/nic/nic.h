/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sluice driver, nic: what the files of this directory share.
 */
#ifndef _SLUICE_NIC_H
#define _SLUICE_NIC_H

#include <linux/dim.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/timer.h>
#include <linux/u64_stats_sync.h>
#include <net/page_pool/helpers.h>
#include <net/page_pool/types.h>

#include "sluice.h"

/* Ring sizes (log2). */
#define SLUICE_RING_LOG_MIN	6
#define SLUICE_RING_LOG_MAX	13
#define SLUICE_RING_LOG_DEFAULT	9

/* Room in a TX ring below which queues stop, and above which they go on. */
#define SLUICE_TX_STOP		(SLUICE_TX_MAX_DESCS + 1)
#define SLUICE_TX_WAKE		(2 * SLUICE_TX_MAX_DESCS)

/*
 * Receive buffers, with head room and with the tail that turns one into an skb
 * without a copy.  The longest frame takes one and MAX_SKB_FRAGS at most.
 */
#define SLUICE_RX_BUF_SIZE	4096
#define SLUICE_RX_HEADROOM	(NET_SKB_PAD + NET_IP_ALIGN)
#define SLUICE_RX_BUF_LEN	\
	((u32)SKB_WITH_OVERHEAD(SLUICE_RX_BUF_SIZE - SLUICE_RX_HEADROOM))
#define SLUICE_RX_COPYBREAK	192
/* Doorbells for RX buffers are rung for this many at least. */
#define SLUICE_RX_BATCH		16

/**
 * struct sluice_rx_stats - counters of an RX queue, older rings included
 * @sync: for 32-bit readers
 * @packets: frames given to the stack, a large one as those it stands for
 * @bytes: their bytes
 * @csum_ok: frames whose checksum the device had verified
 * @csum_none: other frames
 * @alloc_fail: buffers or skbs that could not be had
 * @dropped: frames dropped for that
 * @slow: frames for representors
 * @large: large frames
 * @large_segs: frames they stand for
 */
struct sluice_rx_stats {
	struct u64_stats_sync sync;
	u64 packets;
	u64 bytes;
	u64 csum_ok;
	u64 csum_none;
	u64 alloc_fail;
	u64 dropped;
	u64 slow;
	u64 large;
	u64 large_segs;
};

/**
 * struct sluice_tx_stats - counters of a TX queue, older rings included
 * @sync: for 32-bit readers
 * @packets: frames given to the device, a long one as its segments
 * @bytes: their bytes
 * @csum: frames whose checksum the device was asked for
 * @gso_packets: long frames given to the device
 * @gso_segs: segments of them
 * @gso_bytes: bytes of all segments
 * @dropped: frames the driver could not send
 * @linearized: frames that were copied for having too many pieces
 * @stopped: times the queue was stopped because the ring was full
 * @woken: times it went on
 * @timeouts: times the stack found it stuck
 */
struct sluice_tx_stats {
	struct u64_stats_sync sync;
	u64 packets;
	u64 bytes;
	u64 csum;
	u64 gso_packets;
	u64 gso_segs;
	u64 gso_bytes;
	u64 dropped;
	u64 linearized;
	u64 stopped;
	u64 woken;
	u64 timeouts;
};

/**
 * struct sluice_tx_buf - what a TX descriptor holds
 * @skb: frame, with its last descriptor
 * @dma: DMA address
 * @len: bytes mapped
 * @page: mapped as a page, else as a single buffer
 * @own: @skb was sent by the function's own netdev (it counts for BQL)
 */
struct sluice_tx_buf {
	struct sk_buff *skb;
	dma_addr_t dma;
	u32 len;
	bool page;
	bool own;
};

/**
 * struct sluice_txq - TX ring
 * @lock: orders the netdevs that share the ring
 * @desc: descriptors
 * @dma: DMA address of @desc
 * @buf: what they hold
 * @log: log2 of their number
 * @id: queue number
 * @tail: descriptors written so far (free-running)
 * @rung: descriptors announced to the device
 * @head: descriptors given back by the device, written by NAPI only
 * @stopped: netdevs wait for room
 * @sdev: function
 * @stats: counters
 */
struct sluice_txq {
	/* Orders the netdevs that share the ring. */
	spinlock_t lock;
	struct sluice_tx_desc *desc;
	dma_addr_t dma;
	struct sluice_tx_buf *buf;
	u8 log;
	u16 id;
	u32 tail;
	u32 rung;
	int stopped;
	struct sluice_dev *sdev;
	struct sluice_tx_stats *stats;

	u32 head ____cacheline_aligned_in_smp;
};

/**
 * struct sluice_rx_buf - a posted receive buffer
 * @page: page it is in
 * @offset: where in the page
 */
struct sluice_rx_buf {
	struct page *page;
	u32 offset;
};

/**
 * struct sluice_rxq - RX ring, used by its NAPI context only
 * @desc: descriptors
 * @dma: DMA address of @desc
 * @buf: the buffers
 * @log: log2 of their number
 * @id: queue number
 * @tail: buffers posted so far (free-running)
 * @rung: buffers announced to the device
 * @head: buffers filled
 * @large: the device may put large frames in
 * @pool: where buffers come from
 * @refill: tries again when there was no memory
 * @sdev: function
 * @stats: counters
 */
struct sluice_rxq {
	struct sluice_rx_desc *desc;
	dma_addr_t dma;
	struct sluice_rx_buf *buf;
	u8 log;
	u16 id;
	u32 tail;
	u32 rung;
	u32 head;
	bool large;
	struct page_pool *pool;
	struct timer_list refill;
	struct sluice_dev *sdev;
	struct sluice_rx_stats *stats;
};

/**
 * struct sluice_cq - completion queue
 * @ring: completions
 * @dma: DMA address of @ring
 * @log: log2 of their number
 * @count: completions seen so far (free-running)
 */
struct sluice_cq {
	struct sluice_cqe *ring;
	dma_addr_t dma;
	u8 log;
	u32 count;
};

/**
 * struct sluice_channel - a CQ, its interrupt, one TX and one RX queue
 * @napi: NAPI context
 * @sdev: function
 * @id: number of the channel and of all its queues
 * @adaptive: moderation adapts itself
 * @irqs: interrupts so far
 * @dim: how it does
 * @irq: interrupt number, 0 while not requested
 * @irq_name: its name in /proc/interrupts
 * @cq: completion queue
 * @txq: TX queue
 * @rxq: RX queue
 */
struct sluice_channel {
	struct napi_struct napi;
	struct sluice_dev *sdev;
	u16 id;
	bool adaptive;
	u16 irqs;
	struct dim dim;
	int irq;
	char irq_name[40];
	struct sluice_cq cq;
	struct sluice_txq txq;
	struct sluice_rxq rxq;
};

/**
 * struct sluice_channels - all channels of a function
 * @num: how many
 * @ch: the channels
 */
struct sluice_channels {
	unsigned int num;
	struct sluice_channel *ch[] __counted_by(num);
};

/**
 * struct sluice_filter - a receive address
 * @addr: the address
 * @keep: still wanted
 */
struct sluice_filter {
	u8 addr[ETH_ALEN];
	bool keep;
};

/**
 * struct sluice_nic - private data of a function's netdev
 * @sdev: function
 * @netdev: the netdev
 * @max_channels: channels the function may have
 * @num_channels: channels it has when it is up
 * @tx_log: log2 of the TX ring size
 * @rx_log: log2 of the RX ring size
 * @usecs: interrupt moderation, microseconds
 * @frames: interrupt moderation, completions
 * @adaptive: interrupt moderation adapts itself, else @usecs and @frames
 * @speed: link speed, Mbit/s
 * @large: receive large frames (NETIF_F_GRO_HW)
 * @rss_key: Toeplitz key
 * @rss_table: RX queue for each value of the hash modulo its size
 * @rx_stats: counters for each possible RX queue
 * @tx_stats: counters for each possible TX queue
 * @hw_stats: statistics block of the own vport
 * @uplink_stats: statistics block of uplink 0 (PF)
 * @opened: between ndo_open and ndo_stop
 * @filter_work: tells the device which addresses to receive
 * @filters: addresses the device knows, used by @filter_work
 * @num_filters: how many
 * @rx_mode: SLUICE_RX_MODE_* the device knows
 */
struct sluice_nic {
	struct sluice_dev *sdev;
	struct net_device *netdev;
	u16 max_channels;
	u16 num_channels;
	u8 tx_log;
	u8 rx_log;
	u16 usecs;
	u16 frames;
	bool adaptive;
	u32 speed;
	bool large;

	u8 rss_key[SLUICE_RSS_KEY_SIZE];
	u8 rss_table[SLUICE_RSS_TABLE_SIZE];

	struct sluice_rx_stats *rx_stats;
	struct sluice_tx_stats *tx_stats;
	struct sluice_vport_stats *hw_stats;
	struct sluice_vport_stats *uplink_stats;

	bool opened;
	struct work_struct filter_work;
	struct sluice_filter *filters;
	u16 num_filters;
	u32 rx_mode;
};

/* nic/channels.c */
int sluice_channels_change(struct sluice_nic *nic, u16 num, u8 tx_log, u8 rx_log);
int sluice_channels_moderate(struct sluice_nic *nic, u16 usecs, u16 frames,
			     bool adaptive);
int sluice_channel_moderate(struct sluice_channel *ch, u16 usecs, u16 frames);
int sluice_channels_large(struct sluice_nic *nic, bool on);
int sluice_channels_rss(struct sluice_nic *nic);
void sluice_rss_default(struct sluice_nic *nic);
void sluice_channels_suspend(struct sluice_dev *sdev);
int sluice_channels_resume(struct sluice_dev *sdev);
void sluice_channels_kick(struct sluice_dev *sdev, unsigned int txq);

/* nic/tx.c */
int sluice_txq_init(struct sluice_channel *ch, struct sluice_tx_stats *stats,
		    u8 log);
void sluice_txq_fini(struct sluice_channel *ch);
void sluice_tx_complete(struct sluice_channel *ch, const struct sluice_cqe *cqe,
			int budget);
netdev_tx_t sluice_start_xmit(struct sk_buff *skb, struct net_device *dev);

/* nic/dim.c */
void sluice_dim_init(struct sluice_channel *ch);
void sluice_dim_sample(struct sluice_channel *ch);
void sluice_dim_stop(struct sluice_channel *ch);

/* nic/gso.c */
unsigned int sluice_gso_hdr_len(const struct sk_buff *skb);
unsigned int sluice_gso_receive(struct sk_buff *skb, const struct sluice_cqe *cqe);

/* nic/rx.c */
int sluice_rxq_init(struct sluice_channel *ch, struct sluice_rx_stats *stats,
		    u8 log);
void sluice_rxq_fini(struct sluice_channel *ch);
void sluice_rx_refill(struct sluice_rxq *rxq);
void sluice_rx_start(struct sluice_rxq *rxq);
int sluice_rx_complete(struct sluice_channel *ch, const struct sluice_cqe *cqe);

/* nic/filter.c */
int sluice_filter_init(struct sluice_nic *nic);
void sluice_filter_fini(struct sluice_nic *nic);
void sluice_filter_forget(struct sluice_nic *nic);
void sluice_set_rx_mode(struct net_device *dev);

/* nic/ethtool.c */
extern const struct ethtool_ops sluice_ethtool_ops;

/* nic/stats.c */
extern const struct netdev_stat_ops sluice_stat_ops;
int sluice_nic_stats_init(struct sluice_nic *nic);
void sluice_nic_stats_fini(struct sluice_nic *nic);
int sluice_nic_num_strings(const struct sluice_nic *nic);
void sluice_nic_strings(const struct sluice_nic *nic, u8 *data);
void sluice_nic_values(const struct sluice_nic *nic, u64 *data);
void sluice_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *s);
bool sluice_has_offload_stats(const struct net_device *dev, int attr);
int sluice_get_offload_stats(int attr, const struct net_device *dev, void *data);

/*
 * An entry of a device-written ring is new when its phase is that of the
 * current pass: 1 in the first, 0 in the second, and so on.
 */
static inline u8 sluice_phase(u32 count, u8 log)
{
	return !(count >> log & 1);
}

#endif /* _SLUICE_NIC_H */
