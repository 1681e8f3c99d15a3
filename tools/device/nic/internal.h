/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of the NIC, shared by its source files.
 *
 * Fields marked "note" are written by register accesses in any thread, or by any
 * lane, and read by others; they are accessed with atomic operations only.  All
 * else belongs to one lane, is guarded by a lock, or is changed only by a lane that
 * is alone.
 */
#ifndef SLUICE_NIC_INTERNAL_H
#define SLUICE_NIC_INTERNAL_H

#include <endian.h>
#include <pthread.h>
#include <string.h>
#include "nic.h"
#include "frame.h"
#include "gro.h"
#include "gso.h"
#include "../eswitch/eswitch.h"

#define TX_BATCH	64	/* descriptors of a queue per round */
#define TX_BURST	16	/* frames that enter the eSwitch together */
#define TX_FRAMES	256	/* frames: the one that exceeds it is the last */
#define TX_SHAPED_BYTES	16384	/* likewise, of a function with a shaper */
#define WIRE_BATCH	64	/* frames of a wire per round */
#define RX_CACHE	32	/* descriptors read ahead */
#define CTRL_BATCH	64	/* control slots read at once */
#define MERGES		16	/* queues in which frames are merged at once */
#define NSEC_PER_USEC	1000ull
#define NSEC_PER_MSEC	1000000ull
/* How often a queue that waits for a wire looks again by itself. */
#define SWEEP_MS	2	/* from a change to its write, by default */
#define WIRE_RETRY_NS	(20 * NSEC_PER_MSEC)

/* Bits of fn->work. */
#define WORK_RESET	0x01	/* RESET register */
#define WORK_FLR	0x02	/* reset by PCI */
#define WORK_ERROR	0x04	/* entered the error state */
#define WORK_CONFIG	0x08	/* ring registers changed */
#define WORK_CTRL	0x10	/* DB_CTRL or DB_CTRL_CQ */
#define WORK_EQ		0x20	/* DB_EQ */

/*
 * A ring the device writes: control completions, events, completions.  The
 * note @db holds a sequence number of arm requests in its upper half and the
 * consumer count in its lower half.
 */
struct out_ring {
	uint64_t db;		/* note */
	uint32_t active;	/* read by doorbells */
	uint32_t stalled;	/* somebody waits for room; read by doorbells */
	uint32_t prod;		/* read by doorbells */
	uint32_t cons;
	uint32_t arm_seen;
	bool armed;
	uint8_t log_size;
	uint8_t entry_size;
	uint16_t vector;
	uint16_t fn;
	uint32_t dma_user;
	uint64_t base;
};

struct lane;

/* @lock guards it and its RX queues, where there are several lanes. */
struct cq {
	pthread_mutex_t lock;
	struct out_ring ring;
	uint16_t id;
	uint16_t usecs;
	uint32_t frames;
	unsigned int refs;
	unsigned int reserved;	/* entries promised to a TX batch */
	uint64_t first_ns;	/* when the oldest unseen completion came */
	bool dirty;		/* on a lane's dirty_cqs */
	bool timed;		/* waits for its time */
	bool linked;		/* on a lane's timed_cqs, if only for now */
	struct cq *next_dirty;
	struct cq *next_timed;
};

struct txq {
	uint32_t db;		/* note */
	uint32_t active;	/* read by doorbells */
	uint32_t head;		/* read by doorbells */
	uint32_t size;		/* read by doorbells */
	uint16_t id;
	uint32_t next_seg;	/* of the frame at @head, which waits */
	struct cq *cq;
	uint64_t base;
};

/*
 * Frames that lie in buffers of a queue and are completed as one, at the latest
 * when the lane's round ends.
 */
struct merge {
	struct gro gro;
	struct sluice_cqe cqe;
	uint16_t flags;		/* SLUICE_CQE_F_* of the first frame */
	uint16_t nbufs;		/* buffers from the queue's head on */
	uint64_t first;		/* address of the first one */
	uint64_t at;		/* where the next byte goes in the last one */
	uint32_t room;		/* bytes left there */
};

struct rxq {
	uint32_t db;		/* note */
	uint32_t active;	/* read by doorbells */
	uint32_t head;		/* read by doorbells */
	uint32_t size;		/* read by doorbells */
	uint16_t id;
	struct cq *cq;
	uint64_t base;
	bool large;		/* takes large frames */
	struct merge merge;
	uint32_t cache_first;
	uint32_t cache_count;
	struct sluice_rx_desc cache[RX_CACHE];
};

/* Ring registers, guarded by fn->lock. */
struct ring_regs {
	uint64_t sq_base;
	uint64_t cq_base;
	uint64_t shadow;
	uint64_t eq_base;
	uint32_t sq_size;
	uint32_t cq_size;
	uint32_t eq_size;
	uint32_t ctrl_enable;
	uint32_t eq_enable;
	bool ctrl_changed;
	bool eq_changed;
};

struct rss {
	bool on;
	uint32_t types;
	uint8_t table[SLUICE_RSS_TABLE_SIZE];
	struct toeplitz toeplitz;
};

/* A limit; by id, the first for the VFs, then groups.  Times are the NIC's. */
struct shaper {
	bool active;
	uint16_t parent;	/* 0 for none */
	uint64_t rate;		/* bytes per second, 0 for no limit */
	int64_t credit;		/* ns that can be saved up */
	int64_t free_at;	/* nothing may start before */
	uint64_t rest;		/* of the division by @rate */
	uint64_t served;	/* bytes let through */
	uint64_t turn;		/* @served of who sent last, one below */
};

#define NUM_SHAPERS	SLUICE_SHAPER_GROUP(SLUICE_MAX_SHAPER_GROUPS)

struct func {
	struct sluice_nic *nic;
	uint16_t vport;
	bool is_pf;
	unsigned int max_queues;
	unsigned int max_cqs;
	unsigned int max_vectors;

	/* notes */
	uint32_t work;
	uint64_t tx_pend;
	uint64_t cq_pend;
	uint64_t tx_wait;	/* queues that wait for a wire */
	uint64_t tx_shaped;	/* queues that wait for a shaper */
	uint64_t error;		/* enum sluice_error << 32 | information */
	uint32_t ctrl_db;
	uint32_t time_hi;
	uint32_t sq_head;	/* written by the worker */

	pthread_mutex_t lock;
	struct ring_regs regs;

	uint64_t mine[SLUICE_MAX_THREADS];	/* each lane's queues */
	unsigned int next_txq;	/* whose turn it is under a shaper; a note */

	/* read by all lanes, changed by one that is alone */
	bool ctrl_on;
	bool enabled;
	bool error_told;
	bool link;
	uint8_t sq_log;
	uint64_t sq_base;
	uint64_t shadow;	/* DMA address of the ring's, or zero */
	bool polled;		/* lane 0 looks at it, and has said so */
	uint64_t own_stats;	/* DMA address | 1, VFs only */
	struct out_ring ctrl_cq;
	struct out_ring eq;
	struct rss rss;
	struct cq *cqs;
	struct txq *txqs;
	struct rxq *rxqs;
};

#define NUM_STATS	(SLUICE_MAX_FUNCS + SLUICE_MAX_UPLINKS)

/*
 * Frames of a queue that enter the eSwitch together; they lie in lane->frame one
 * behind the other.
 */
struct tx_burst {
	unsigned int num;
	unsigned int max;	/* wires have room for so many */
	uint32_t descs;		/* of the queue that they take */
	uint32_t used;		/* bytes of lane->frame */
	uint32_t bytes;
	struct sluice_esw_frame frame[TX_BURST];
};

/*
 * A worker looks for more by itself for a while: frames need not wake one that
 * dozes because it has moved some lately, nor do commands that nobody waits for wake
 * one that naps because it has run some.
 */
enum lane_state { LANE_AWAKE, LANE_DOZING, LANE_NAPPING, LANE_ASLEEP };

/*
 * What a worker has for itself: no frame makes it write where another one reads or
 * writes for each frame.
 *
 * A lane is @busy while it works.  A lane that is to change what others read
 * leaves that state, has them all leave it, and is alone: see alone() in lane.c.
 */
struct lane {
	struct sluice_nic *nic;
	struct sluice_esw *esw;
	unsigned int id;

	/* notes */
	uint64_t pend[2] __attribute__((aligned(64)));
	uint32_t sleeping;	/* enum lane_state */
	uint32_t timer;		/* one of lane 0's deadlines was set */

	uint32_t busy __attribute__((aligned(64)));
	unsigned int first_func;
	unsigned int commands;	/* run in this round */
	uint64_t nap_until;	/* since the last round with some */
	bool moved;		/* frames, in this round */
	uint64_t doze_until;	/* since the last round with some */
	uint64_t now;
	struct cq *dirty_cqs;
	struct cq *timed_cqs;
	struct {
		struct func *f;
		struct rxq *q;
	} merges[MERGES];	/* begun in this round */
	unsigned int num_merges;
	unsigned int sent;	/* frames of this batch */
	uint32_t sent_bytes;	/* and their bytes */
	struct sluice_tx_desc tx_descs[TX_BATCH];
	struct tx_burst burst;
	uint8_t frame[SLUICE_GSO_FRAME_MAX + 64] __attribute__((aligned(64)));
	uint8_t segment[SLUICE_FRAME_MAX + 64];
};

struct sluice_nic {
	struct sluice_nic_cfg cfg;
	struct sluice_nic_host host;
	struct sluice_esw *esw;
	unsigned int num_funcs;
	struct func *funcs;
	struct lane *lane[SLUICE_MAX_THREADS];
	unsigned int num_lanes;

	/* notes */
	uint32_t carrier;	/* bit per uplink */
	uint32_t carrier_changed;
	uint32_t wire_blocked;
	uint32_t wire_ready;
	uint64_t wire_retry_at;
	uint64_t shape_at;	/* somebody waits for a shaper until then */
	uint64_t sweep_at;
	uint32_t stats_dirty[NUM_STATS];
	uint32_t any_dirty;

	/* who is alone */
	uint32_t stop __attribute__((aligned(64)));
	pthread_mutex_t alone;
	struct lane *cur;	/* the lane that runs commands */

	/* changed by a lane that is alone */
	uint32_t carrier_now;
	pthread_mutex_t shaper_lock;	/* of all shapers, and tx_shaped */
	struct shaper shapers[NUM_SHAPERS];
	uint64_t *counter_map;	/* DMA address | 1, by counter */
	uint32_t mapped;
	uint64_t pf_stats[NUM_STATS];
	uint32_t sweep_ms;
	uint64_t sweep_rest;	/* ns: writing took so long that it has to wait */

	struct sluice_nic_fault fault;
	struct toeplitz flow;	/* the flow hash, by the PF's RSS key */
	uint64_t ctrl_buf[(CTRL_BATCH * SLUICE_CMD_SLOT) / 8];
};

/* lane.c */
struct lane *lane_new(struct sluice_nic *nic, unsigned int id);
void lane_free(struct lane *lane);
void lane_enter(struct lane *lane);
void lane_leave(struct lane *lane);
void lane_pause(struct lane *lane);
void alone(struct lane *lane);
void together(struct lane *lane);
void lane_wake(struct lane *lane);
void lane_wake_from(struct lane *lane, enum lane_state state);
void lane_notify(struct lane *lane, struct func *f, enum lane_state state);
void queues_notify(struct func *f, uint64_t queues);
void timer_set(struct lane *lane, uint64_t *timer, uint64_t at);

static inline uint64_t note_get(const uint64_t *note)
{
	return __atomic_load_n(note, __ATOMIC_RELAXED);
}

/* nic.c */
void func_note(struct func *f, uint32_t work);
void func_note_soon(struct func *f, uint32_t work);
void func_fail(struct func *f, enum sluice_error error, uint32_t info);
void nic_check_links(struct sluice_nic *nic);

static inline bool func_ok(struct func *f)
{
	return !__atomic_load_n(&f->error, __ATOMIC_ACQUIRE) &&
	       !(__atomic_load_n(&f->work, __ATOMIC_ACQUIRE) &
		 (WORK_RESET | WORK_FLR));
}

/* outring.c: rings the device writes */
void out_ring_open(struct out_ring *r, struct func *f, uint64_t base,
		   unsigned int log_size, unsigned int entry_size,
		   unsigned int vector, enum sluice_dma_user user);
void out_ring_close(struct out_ring *r);
bool out_ring_refresh(struct out_ring *r);
uint32_t out_ring_room(const struct out_ring *r);
bool out_ring_put(struct func *f, struct out_ring *r, void *entry);
bool out_ring_doorbell(struct out_ring *r, uint32_t count, bool arm);
void out_ring_irq(struct func *f, struct out_ring *r);

/* cq.c */
int cq_create(struct func *f, const struct sluice_cmd_cq *cmd);
int cq_destroy(struct func *f, uint32_t id);
int cq_moderate(struct func *f, const struct sluice_cmd_cq *cmd);
void cq_close(struct func *f, struct cq *cq);
void cq_lock(struct func *f, struct cq *cq);
void cq_unlock(struct func *f, struct cq *cq);
uint32_t cq_room(struct lane *lane, struct func *f, struct cq *cq);
bool cq_put(struct lane *lane, struct func *f, struct cq *cq,
	    struct sluice_cqe *cqe);
void cq_doorbells(struct lane *lane, struct func *f);
void cq_flush_irqs(struct lane *lane);
uint64_t cq_deadline(struct lane *lane);

/* ctrl.c */
void ctrl_config(struct func *f);
void ctrl_run(struct func *f);
void ctrl_before(struct lane *lane, struct func *f);
void ctrl_look(struct lane *lane, struct func *f);
void ctrl_poll(struct lane *lane, struct func *f, bool on);

/* event.c */
void event_post(struct func *f, enum sluice_event_type type, uint16_t vport,
		uint32_t data0, uint32_t data1);

/* Result of a command: enum sluice_status, or malformed. */
#define CMD_MALFORMED	(-1)
/* cmd_func.c, cmd_pf.c, cmd_tunnel.c, cmd_ct.c, shaper.c */
int cmd_func(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len);
int cmd_pf(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len);
int cmd_tunnel(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len);
int cmd_ct(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len);
int cmd_shaper(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len);

/* tx.c */
int txq_create(struct func *f, const struct sluice_cmd_queue *cmd);
int txq_destroy(struct func *f, uint32_t id);
bool tx_run(struct lane *lane, struct func *f);
/* shaper.c */
bool shaper_turn(struct lane *lane, struct func *f, unsigned int q);
bool shaper_open(struct lane *lane, struct func *f);
void shaper_sent(struct lane *lane, struct func *f, uint32_t bytes);
void shaper_wait(struct lane *lane, struct func *f, unsigned int q);
void shaper_wake(struct lane *lane);
void shaper_reset(struct sluice_nic *nic);
/* rx.c */
int rxq_create(struct func *f, const struct sluice_cmd_queue *cmd);
int rxq_destroy(struct func *f, uint32_t id);
enum sluice_tx_result rx_deliver(void *ctx, uint16_t vport,
				 const uint8_t *frame, uint32_t len,
				 unsigned int frame_flags,
				 const struct sluice_slow_meta *meta);
enum sluice_tx_result rx_deliver_large(void *ctx, uint16_t vport,
				       const struct sluice_large *l);
void rx_flow_hash(void *ctx, const uint8_t *frame, uint32_t len,
		  struct sluice_flow_hash *hash);
void rx_flow_reset(struct sluice_nic *nic);
const struct sluice_rx_desc *rx_desc(struct func *f, struct rxq *q,
				     uint32_t index, uint32_t end);
enum sluice_tx_result rx_complete(struct lane *lane, struct func *f,
				  struct rxq *q, struct sluice_cqe *cqe,
				  uint32_t len, uint16_t flags, int nbufs);
/* merge.c */
bool merge_begin(struct lane *lane, struct func *f, struct rxq *q,
		 const uint8_t *frame, uint32_t len,
		 const struct frame_info *fi, const struct sluice_cqe *cqe,
		 uint16_t flags, int nbufs);
bool merge_add(struct lane *lane, struct func *f, struct rxq *q,
	       const uint8_t *frame, uint32_t len, const struct frame_info *fi,
	       uint16_t flags);
void merge_end(struct lane *lane, struct func *f, struct rxq *q);
void merge_end_all(struct lane *lane);
void merge_drop(struct rxq *q);

/* stats.c */
void stats_dirty(void *ctx, uint16_t vport);
void stats_sweep(struct sluice_nic *nic);
void stats_reset(struct sluice_nic *nic);
bool stats_counter_write(struct func *pf, uint32_t id);
int stats_map(struct func *pf, uint64_t addr, uint32_t base, uint32_t count);
int stats_unmap(struct func *pf, uint32_t base, uint32_t count);
int stats_buf(struct func *f, uint16_t vport, uint64_t addr);
void stats_sync(struct func *f);

/* NULL for a function the device does not have. */
static inline struct func *nic_func(struct sluice_nic *nic, unsigned int fn)
{
	return fn < nic->num_funcs ? &nic->funcs[fn] : NULL;
}

static inline bool is_uplink(const struct sluice_nic *nic, uint16_t vport)
{
	return vport >= SLUICE_VPORT_UPLINK(0) &&
	       vport < SLUICE_VPORT_UPLINK(nic->cfg.num_uplinks);
}

#endif /* SLUICE_NIC_INTERNAL_H */
