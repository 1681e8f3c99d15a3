/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Sluice NIC as a QEMU device: state shared by its source files. */
#ifndef HW_NET_SLUICE_H
#define HW_NET_SLUICE_H

#include "qemu/event_notifier.h"
#include "qemu/thread.h"
#include "hw/pci/pci_device.h"
#include "net/net.h"
#include "nic/nic.h"
#include "nic/fifo.h"

#define TYPE_SLUICE	"sluice"
#define TYPE_SLUICE_VF	"sluice-vf"
OBJECT_DECLARE_SIMPLE_TYPE(SluiceState, SLUICE)
OBJECT_DECLARE_SIMPLE_TYPE(SluiceVFState, SLUICE_VF)

/* Extended capabilities.  QEMU's reset clears 4 bytes behind SR-IOV's 0x40. */
#define SLUICE_PM_OFFSET	0x40
#define SLUICE_MSIX_OFFSET	0x60
#define SLUICE_PCIE_OFFSET	0x80
#define SLUICE_AER_OFFSET	0x100
#define SLUICE_ARI_OFFSET	0x150
#define SLUICE_SRIOV_OFFSET	0x180
#define SLUICE_VF_OFFSET	1
#define SLUICE_VF_STRIDE	1
#define SLUICE_PBA_OFFSET	0x1000

/*
 * One function's BARs and what its worker thread notes for the main loop.
 * @irqs: vectors to send, set by the worker, taken by the main loop
 */
typedef struct SluiceFunc {
	SluiceState *nic;
	PCIDevice *pci;
	unsigned int number;
	MemoryRegion regs;
	MemoryRegion msix;
	uint64_t irqs[2];
} SluiceFunc;

/*
 * A worker thread.
 * @parked: the machine is stopped, and it has seen that
 * @map: by function, what it keeps of guest memory
 */
typedef struct SluiceMap SluiceMap;
typedef struct SluiceThread {
	SluiceState *nic;
	unsigned int number;
	QemuThread thread;
	bool made;
	EventNotifier wakeup;
	bool wakeup_made;
	bool parked;
	SluiceMap *map;
} SluiceThread;

/*
 * A wire.  Workers put into @tx, one at a time, and one takes from @rx, the main
 * loop the other way round.
 * @tx_lock: whose turn it is, with several workers
 * @busy: the peer took a frame but wants to be asked before the next
 * @progress: when the peer last took a frame (read by the worker)
 */
typedef struct SluiceWire {
	SluiceState *nic;
	unsigned int number;
	NICState *nc;
	NICConf conf;
	QemuMutex tx_lock;
	struct fifo tx;
	struct fifo rx;
	bool busy;
	bool rx_blocked;
	int64_t progress;
} SluiceWire;

struct SluiceState {
	PCIDevice parent_obj;
	SluiceFunc func;

	/* properties */
	NICConf conf[SLUICE_MAX_UPLINKS];
	uint16_t vfs;
	uint16_t ports;
	uint16_t queues;
	uint16_t vf_queues;
	MACAddr vf_mac;
	uint32_t max_rules;
	uint32_t max_masks;
	uint32_t max_counters;
	uint32_t max_tables;
	uint32_t max_actions;
	uint32_t max_filters;
	uint32_t max_next_hops;
	uint32_t max_encaps;
	uint32_t max_endpoints;
	uint32_t max_ct;
	uint32_t max_meters;
	uint32_t threads;
	uint32_t speed;
	char *serial;
	char *replay;
	bool pad;
	uint8_t fault_opcode;
	uint8_t fault_status;
	uint32_t fault_skip;
	uint32_t fault_count;

	struct sluice_nic_cfg cfg;
	struct sluice_nic *nic;
	SluiceFunc *funcs[SLUICE_MAX_FUNCS];
	SluiceWire wires[SLUICE_MAX_UPLINKS];
	unsigned int num_wires;
	/* frames that uplink 0 gets again and again while @replaying */
	uint8_t *replay_data;
	size_t replay_len;
	size_t replay_at;
	uint32_t replaying;
	Error *migration_blocker;

	/* workers */
	SluiceThread thread[SLUICE_MAX_THREADS];
	bool stop;
	bool paused;
	MemoryListener map_listener;
	uint32_t map_gen;
	VMChangeStateEntry *vmstate;
	QEMUBH *bh;
	uint32_t bh_wanted;
	uint64_t irq_funcs[2];
	uint32_t tx_flush;
	uint32_t rx_flush;
};

struct SluiceVFState {
	PCIDevice parent_obj;
	SluiceFunc func;
};

/* func.c: what PF and VFs have in common */
bool sluice_func_realize(SluiceFunc *f, SluiceState *s, PCIDevice *pci,
			 unsigned int number, Error **errp);
void sluice_func_exit(SluiceFunc *f);
void sluice_func_reset(SluiceFunc *f);
void sluice_func_write_config(PCIDevice *pci, uint32_t addr, uint32_t val,
			      int len);

/* worker.c */
extern const struct sluice_nic_host sluice_host;
bool sluice_worker_start(SluiceState *s, Error **errp);
void sluice_worker_stop(SluiceState *s);
void sluice_worker_wake(SluiceState *s);
/* Give the workers a moment to carry out resets. */
void sluice_worker_quiesce(SluiceState *s);

/* dma.c: guest memory, as workers reach it */
void sluice_maps_init(SluiceState *s);
void sluice_maps_exit(SluiceState *s);
void sluice_maps_open(SluiceThread *t);
void sluice_maps_close(SluiceThread *t);
bool sluice_dma_read(void *ctx, unsigned int fn, uint64_t addr, void *buf,
		     size_t len);
bool sluice_dma_write(void *ctx, unsigned int fn, uint64_t addr,
		      const void *buf, size_t len);
bool sluice_dma_publish(void *ctx, unsigned int fn, uint64_t addr,
			const void *entry, size_t len);

/* wire.c */
bool sluice_wires_init(SluiceState *s, Error **errp);
void sluice_wires_exit(SluiceState *s);
void sluice_wires_flush(SluiceState *s);
uint32_t sluice_wire_room(void *ctx, unsigned int uplink, uint32_t len);
bool sluice_wire_tx(void *ctx, unsigned int uplink, const uint8_t *frame,
		    uint32_t len);
uint32_t sluice_wire_rx_count(void *ctx, unsigned int uplink);
const uint8_t *sluice_wire_rx_next(void *ctx, unsigned int uplink,
				   uint32_t *len);
void sluice_wire_rx_done(void *ctx, unsigned int uplink);
/* Ask the main loop to flush; worker thread, sent with the round's batch. */
void sluice_want_bh(SluiceState *s);

#endif /* HW_NET_SLUICE_H */
