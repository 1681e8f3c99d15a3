/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for the NIC: memory, interrupts, wires, a clock, and the part of a
 * driver that all tests need.  Each function can reach its own window of
 * memory only.
 */
#ifndef SLUICE_TEST_NIC_FAKE_H
#define SLUICE_TEST_NIC_FAKE_H

#include <pthread.h>
#include "harness.h"
#include "nic.h"

#define FAKE_VFS	3
#define FAKE_FUNCS	(FAKE_VFS + 1)
#define FAKE_WINDOW	(1u << 20)
#define FAKE_BASE	0x1234500000ull
#define FAKE_WIRE_MAX	256
#define CTRL_LOG	4
#define EQ_LOG		4

struct fake_wire {
	uint32_t room;
	unsigned int sent;
	unsigned int in, out;
	struct frame last;
	struct frame queue[4];
};

/* A driver's view of one function. */
struct drv {
	struct fake *m;
	unsigned int fn;
	uint64_t next;		/* memory not handed out yet */
	uint64_t sq, cq, eq;
	uint32_t sq_tail, cq_head, eq_head;
	uint32_t cookie;
	struct sluice_ctrl_cqe last;
};

/* A driver's view of a queue. */
struct ring {
	uint64_t base;
	uint32_t size;
	uint32_t count;
};

/* A worker of its own thread. */
struct fake_worker {
	struct fake *m;
	pthread_t thread;
	uint64_t deadline;
	bool asleep;
	bool woken;
};

/*
 * With SLUICE_TEST_THREADS=N in the environment it has N workers, which take turns;
 * with SLUICE_TEST_REAL=1, too, they are threads.
 */
struct fake {
	struct sluice_nic *nic;
	struct sluice_nic_cfg cfg;
	uint64_t now;
	uint64_t deadline;
	unsigned int wakes;
	unsigned int irqs[FAKE_FUNCS][SLUICE_MAX_VECTORS];
	uint64_t bad_first, bad_last;	/* memory that fails */
	unsigned int reads, writes;
	uint64_t write_ns;		/* time a write takes */
	struct fake_wire wire[SLUICE_MAX_UPLINKS];
	bool threaded;
	uint32_t stop;
	pthread_mutex_t lock;		/* of the workers' sleep */
	pthread_mutex_t wire_lock;
	pthread_cond_t work, idle;
	struct fake_worker worker[SLUICE_MAX_THREADS];
	struct drv drv[FAKE_FUNCS];
	uint8_t mem[FAKE_FUNCS][FAKE_WINDOW];
};

struct fake *fake_new(void);
struct fake *fake_new_cfg(void (*tune)(struct sluice_nic_cfg *cfg));
void fake_free(struct fake *m);

uint32_t rd(struct drv *d, uint32_t reg);
void wr(struct drv *d, uint32_t reg, uint32_t val);
/* A round of every worker; false when none of them has anything more to do. */
bool fake_round(struct fake *m);
/* Let them work until that is so. */
void run(struct fake *m);
/* And let time pass. */
void run_for(struct fake *m, uint64_t ns);

/* Guest memory of a function. */
uint64_t drv_alloc(struct drv *d, uint32_t size);
void *drv_mem(struct drv *d, uint64_t addr);

/* Set up rings as a driver does at probe; then the first command can go. */
void drv_start(struct drv *d);
/* Post a command without a doorbell; then ring it. */
void drv_post(struct drv *d, void *cmd, uint16_t len);
void drv_ring(struct drv *d);
/* Next control completion, or NULL. */
const struct sluice_ctrl_cqe *drv_completion(struct drv *d);
/* Post, run, and return the status; fails the test without a completion. */
int drv_cmd(struct drv *d, void *cmd, uint16_t len);
int drv_u32(struct drv *d, uint8_t opcode, uint32_t value);
int drv_u32_vport(struct drv *d, uint8_t opcode, uint16_t vport, uint32_t v);
/* Next event, or NULL. */
const struct sluice_event *drv_event(struct drv *d);
void drv_no_events(struct drv *d);
/* The function has failed with this error. */
void drv_failed(struct drv *d, enum sluice_error error, uint32_t info);
void drv_reset(struct drv *d);

struct ring drv_cq(struct drv *d, uint16_t id, uint8_t log, uint16_t vector,
		   uint16_t usecs, uint16_t frames);
struct ring drv_queue(struct drv *d, uint8_t opcode, uint16_t id, uint8_t log,
		      uint16_t cq);
/* CQ 0, TXQ 0 and RXQ 0 of 2^@log entries, enabled. */
void drv_nic(struct drv *d, uint8_t log, struct ring *cq, struct ring *tx,
	     struct ring *rx);

struct sluice_tx_desc *tx_slot(struct drv *d, struct ring *tx);
/* One descriptor for a whole frame; the doorbell is the caller's. */
struct sluice_tx_desc *tx_frame(struct drv *d, struct ring *tx,
				const struct frame *f);
/* Post @n receive buffers of @len bytes and ring. */
void rx_fill(struct drv *d, struct ring *rx, unsigned int q, unsigned int n,
	     uint32_t len);
const struct sluice_cqe *cq_next(struct drv *d, struct ring *cq);
/* Gather a received frame. */
void rx_gather(struct drv *d, struct ring *rx, const struct sluice_cqe *cqe,
	       struct frame *f);

/* Two VFs, a and b, each with a queue pair. */
struct pair {
	struct fake *m;
	struct drv *a, *b;
	struct ring acq, atx, arx, bcq, btx, brx;
};

void pair_start(struct pair *p, uint8_t log);
/* Give b a receive queue that takes large frames; no transmit queue can. */
void take_large(struct pair *p, uint8_t log);

/*
 * The PF in switchdev mode with a mask without bits, VF 0 behind table 1, and
 * eight counters in host memory.
 */
struct top {
	struct fake *m;
	struct drv *pf, *vf;
	struct ring pcq, ptx, prx, vcq, vtx, vrx;
	struct sluice_counter *counter;
};

void top_start(struct top *t, uint32_t first_counter);

void wire_in(struct fake *m, unsigned int uplink, const struct frame *f);
/* Destination of a function's own address. */
const char *fn_mac(unsigned int fn);

#endif /* SLUICE_TEST_NIC_FAKE_H */
