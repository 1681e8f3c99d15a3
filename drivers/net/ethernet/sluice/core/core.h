/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sluice driver, core: what the files of this directory share.
 */
#ifndef _SLUICE_CORE_H
#define _SLUICE_CORE_H

#include <linux/dmapool.h>
#include <linux/seqlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "sluice.h"

/* Longest time a healthy device takes for a command or a reset. */
#define SLUICE_CMD_TIMEOUT_MS	10000
#define SLUICE_RESET_TIMEOUT_MS	5000
#define SLUICE_WATCHDOG_MS	1000

/**
 * struct sluice_core - a function's parts nobody else needs to see
 * @sdev: the function
 * @num_vectors: MSI-X vectors the function has
 * @irq: MSI-X vector 0 is requested
 * @irq_name: its name in /proc/interrupts
 * @stats: vport number to statistics block
 * @stats_pool: memory of the blocks
 * @stats_lock: serializes the creation of blocks
 * @clock_lock: protects @clock_dev and @clock_jiffies
 * @clock_dev: device clock (ns) at @clock_jiffies
 * @clock_jiffies: when the device clock was read last
 * @watchdog: looks for a function that stopped
 * @recover: brings a stopped VF back
 * @bus_master: the function may reach memory
 * @running: between sluice_func_start() and sluice_func_stop()
 * @suspended: the netdev is detached for a reset
 * @recoveries: automatic recoveries so far
 * @last_recovery: when the last one was (jiffies)
 */
struct sluice_core {
	struct sluice_dev *sdev;
	u16 num_vectors;
	bool irq;
	char irq_name[32];

	struct xarray stats;
	struct dma_pool *stats_pool;
	/* Serializes the creation of statistics blocks. */
	struct mutex stats_lock;

	/* Protects the clock pair. */
	seqlock_t clock_lock;
	u64 clock_dev;
	unsigned long clock_jiffies;

	struct delayed_work watchdog;
	struct work_struct recover;
	bool bus_master;
	bool running;
	bool suspended;
	unsigned int recoveries;
	unsigned long last_recovery;
};

/* core/func.c */
int sluice_func_map(struct sluice_dev *sdev, work_func_t recover);
void sluice_func_unmap(struct sluice_dev *sdev);
int sluice_func_start(struct sluice_dev *sdev);
void sluice_func_stop(struct sluice_dev *sdev);
void sluice_func_watch(struct sluice_dev *sdev);
void sluice_func_unwatch(struct sluice_dev *sdev);
bool sluice_func_gone(const struct sluice_dev *sdev);

/* core/irq.c */
int sluice_irq_alloc(struct sluice_dev *sdev);
void sluice_irq_free(struct sluice_dev *sdev);
int sluice_irq_request(struct sluice_dev *sdev);
void sluice_irq_release(struct sluice_dev *sdev);

/* core/ctrl.c */
void sluice_ctrl_irq(struct sluice_dev *sdev);
void sluice_ctrl_abort(struct sluice_dev *sdev);

/* core/event.c */
void sluice_eq_irq(struct sluice_dev *sdev);
void sluice_eq_start(struct sluice_dev *sdev);
void sluice_eq_stop(struct sluice_dev *sdev);

/* core/stats.c */
int sluice_stats_init(struct sluice_dev *sdev);
void sluice_stats_fini(struct sluice_dev *sdev);
void sluice_stats_replay(struct sluice_dev *sdev);

/* core/time.c */
void sluice_time_init(struct sluice_dev *sdev);

#endif /* _SLUICE_CORE_H */
