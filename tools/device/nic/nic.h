/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NIC as a library: registers, rings, commands, events, interrupts.
 *
 * The library knows nothing of PCI or QEMU.  Its host gives it register
 * accesses and frames from the wires, and takes DMA, interrupts and frames for
 * the wires through the callbacks of struct sluice_nic_host.
 *
 * Functions are numbered as their vports: 0 is the PF, n + 1 is VF n.
 *
 * Threads: there are as many workers as the configuration says, each a thread.
 * sluice_nic_poll(), sluice_nic_may_sleep() and sluice_nic_awake() belong to the
 * worker they name, sluice_nic_poll_paused() to worker 0.  Workers own all state.
 * sluice_nic_reg_read(), sluice_nic_reg_write(), sluice_nic_func_reset(),
 * sluice_nic_set_carrier() and sluice_nic_wire_*() may run in other threads at the
 * same time, but not two of them for the same function at once; they leave notes
 * for the workers and never wait for them.
 */
#ifndef SLUICE_NIC_H
#define SLUICE_NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/sluice/regs.h>
#include <linux/sluice/ring.h>
#include <linux/sluice/cmd.h>

struct sluice_nic;

#define SLUICE_MAX_FUNCS	(SLUICE_MAX_VFS + 1)
#define SLUICE_NO_DEADLINE	UINT64_MAX
#define SLUICE_MAX_THREADS	16

/**
 * struct sluice_nic_fault - a fault a test asked for
 * @opcode: PF command that fails, 0 for none
 * @skip: how many of them succeed first
 * @count: how many fail then
 * @status: enum sluice_status they complete with; SLUICE_ST_OK stops the
 *	function with SLUICE_ERR_INJECTED instead
 */
struct sluice_nic_fault {
	uint8_t opcode;
	uint8_t status;
	uint32_t skip;
	uint32_t count;
};

/**
 * struct sluice_nic_cfg - sizes and identity, fixed at creation
 * @num_vfs: VFs, 0 to SLUICE_MAX_VFS
 * @num_uplinks: 1 to SLUICE_MAX_UPLINKS
 * @pf_queues: TX queues and RX queues of the PF, 1 to SLUICE_MAX_QUEUES
 * @vf_queues: the same for each VF
 * @max_rules: rules
 * @max_masks: masks
 * @max_counters: counters
 * @max_tables: tables
 * @max_actions: steps of an action program, 1 to 255
 * @max_filters: extra addresses per function
 * @max_next_hops: next hops, may be zero
 * @max_encaps: encaps, may be zero
 * @max_endpoints: tunnel endpoints, may be zero
 * @max_ct: directions of connections, may be zero
 * @max_meters: meters, may be zero
 * @threads: workers, 1 to SLUICE_MAX_THREADS
 * @speed: link speed to report, in Mbit/s
 * @mac: permanent address of each function
 * @uplink_mac: permanent address of each uplink
 * @switch_id: identity of the eSwitch
 * @serial: serial number, at most 31 bytes
 * @version: version of the device model, at most 31 bytes
 * @fault: fault to inject
 */
struct sluice_nic_cfg {
	unsigned int num_vfs;
	unsigned int num_uplinks;
	unsigned int pf_queues;
	unsigned int vf_queues;
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
	unsigned int threads;
	uint32_t speed;
	uint8_t mac[SLUICE_MAX_FUNCS][6];
	uint8_t uplink_mac[SLUICE_MAX_UPLINKS][6];
	uint8_t switch_id[8];
	char serial[32];
	char version[32];
	struct sluice_nic_fault fault;
};

/**
 * struct sluice_nic_host - services the NIC needs
 * @ctx: passed to every callback
 * @dma_read: read guest memory as function @fn; false when any byte failed.
 *	Any worker
 * @dma_write: write guest memory as function @fn.  Any worker
 * @dma_publish: write a ring entry of a multiple of 8 bytes so that its last
 *	8 bytes become visible after all else written before.  Any worker
 * @raise: send an MSI-X message of function @fn.  Any worker
 * @drop_irqs: forget messages of function @fn not sent yet.  Any worker
 * @now: device clock in nanoseconds, any thread
 * @wake: worker @thread sleeps and has work now, any thread
 * @wire_room: how many frames of at most @len bytes wire @uplink surely takes
 *	now, if nobody else sends.  Any worker
 * @wire_tx: send a frame; false when it had to be dropped.  Any worker, several
 *	at once
 * @wire_rx_count: frames that wait to be taken from wire @uplink.  The worker
 *	whose number is @uplink modulo their number, as for the next two
 * @wire_rx_next: take the next of them; it is valid until the next call of
 *	@wire_rx_done
 * @wire_rx_done: the frames taken are no longer needed
 */
struct sluice_nic_host {
	void *ctx;
	bool (*dma_read)(void *ctx, unsigned int fn, uint64_t addr, void *buf,
			 size_t len);
	bool (*dma_write)(void *ctx, unsigned int fn, uint64_t addr,
			  const void *buf, size_t len);
	bool (*dma_publish)(void *ctx, unsigned int fn, uint64_t addr,
			    const void *entry, size_t len);
	void (*raise)(void *ctx, unsigned int fn, unsigned int vector);
	void (*drop_irqs)(void *ctx, unsigned int fn);
	uint64_t (*now)(void *ctx);
	void (*wake)(void *ctx, unsigned int thread);
	uint32_t (*wire_room)(void *ctx, unsigned int uplink, uint32_t len);
	bool (*wire_tx)(void *ctx, unsigned int uplink, const uint8_t *frame,
			uint32_t len);
	uint32_t (*wire_rx_count)(void *ctx, unsigned int uplink);
	const uint8_t *(*wire_rx_next)(void *ctx, unsigned int uplink,
				       uint32_t *len);
	void (*wire_rx_done)(void *ctx, unsigned int uplink);
};

/**
 * sluice_nic_new() - make a NIC
 * @cfg: sizes and identity, copied
 * @host: services, copied; none is called before the first poll
 *
 * Return: the NIC, all functions ready and all wires without carrier; NULL when
 * out of memory or when a size is out of range.
 */
struct sluice_nic *sluice_nic_new(const struct sluice_nic_cfg *cfg,
				  const struct sluice_nic_host *host);

/**
 * sluice_nic_free() - end of a NIC
 * @nic: the NIC or NULL; no other thread may use it any more
 */
void sluice_nic_free(struct sluice_nic *nic);

/**
 * sluice_nic_vectors() - MSI-X vectors of a function
 * @cfg: configuration
 * @fn: function number
 *
 * Return: their number, the control vector included.
 */
unsigned int sluice_nic_vectors(const struct sluice_nic_cfg *cfg,
				unsigned int fn);

/**
 * sluice_nic_poll() - do one round of work
 * @nic: the NIC
 * @thread: number of the worker, the caller
 * @deadline: set to the device time of the next timer, or
 *	%SLUICE_NO_DEADLINE
 *
 * Each queue with work gets a bounded batch.
 *
 * Return: true when there is more to do right away.
 */
bool sluice_nic_poll(struct sluice_nic *nic, unsigned int thread,
		     uint64_t *deadline);

/**
 * sluice_nic_poll_paused() - a round while the machine is stopped
 * @nic: the NIC
 *
 * Carries out resets only and touches no guest memory; all else waits for the
 * next sluice_nic_poll().  Worker 0.
 */
void sluice_nic_poll_paused(struct sluice_nic *nic);

/**
 * sluice_nic_may_sleep() - a worker is going to sleep
 * @nic: the NIC
 * @thread: its number
 *
 * Return: false when there is work and it must not.  After true, the next note
 * calls host->wake() once; but commands don't when the last round ran some, as
 * the deadline that it gave comes soon.
 */
bool sluice_nic_may_sleep(struct sluice_nic *nic, unsigned int thread);

/**
 * sluice_nic_awake() - a worker woke up, called or not
 * @nic: the NIC
 * @thread: its number
 */
void sluice_nic_awake(struct sluice_nic *nic, unsigned int thread);

/**
 * sluice_nic_reg_read() - read of BAR 0
 * @nic: the NIC
 * @fn: function number
 * @off: offset in bytes
 * @size: size of the access in bytes
 *
 * Any thread.  See "Registers" in Documentation/hardware/interface.md.
 *
 * Return: the value in host byte order; 0 for a size other than 4, a
 * misaligned offset, no register, or a function that does not exist.
 */
uint32_t sluice_nic_reg_read(struct sluice_nic *nic, unsigned int fn,
			     uint32_t off, unsigned int size);

/**
 * sluice_nic_reg_write() - write to BAR 0
 * @nic: the NIC
 * @fn: function number
 * @off: offset in bytes
 * @val: the value in host byte order
 * @size: size of the access in bytes
 *
 * Any thread; never waits.  An access of another size than 4 or a misaligned
 * one does nothing, an impossible one stops the function.
 */
void sluice_nic_reg_write(struct sluice_nic *nic, unsigned int fn,
			  uint32_t off, uint32_t val, unsigned int size);

/**
 * sluice_nic_func_reset() - reset by PCI (FLR, bus reset, power on)
 * @nic: the NIC
 * @fn: function number
 *
 * Any thread.  The worker carries it out; until then the function ignores
 * register writes.  For the PF the whole eSwitch goes back to its initial
 * state; the host resets VFs itself.
 */
void sluice_nic_func_reset(struct sluice_nic *nic, unsigned int fn);

/**
 * sluice_nic_reset_pending() - is a reset still to be carried out?
 * @nic: the NIC
 *
 * Any thread.
 *
 * Return: true when one is, of any function.
 */
bool sluice_nic_reset_pending(struct sluice_nic *nic);

/**
 * sluice_nic_set_carrier() - the carrier of a wire changed
 * @nic: the NIC
 * @uplink: number of the wire
 * @up: there is a carrier
 *
 * Any thread.
 */
void sluice_nic_set_carrier(struct sluice_nic *nic, unsigned int uplink,
			    bool up);

/**
 * sluice_nic_wire_rx_notify() - new frames wait at a wire
 * @nic: the NIC
 * @uplink: number of the wire
 *
 * Any thread.
 */
void sluice_nic_wire_rx_notify(struct sluice_nic *nic, unsigned int uplink);

/**
 * sluice_nic_wire_tx_notify() - a wire has sent frames and has more room
 * @nic: the NIC
 *
 * Any thread.
 */
void sluice_nic_wire_tx_notify(struct sluice_nic *nic);

#endif /* SLUICE_NIC_H */
