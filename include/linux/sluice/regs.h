/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Sluice hardware interface: PCI identity and registers.
 *
 * Every function (PF and VF) has the same BAR 0 layout.  Registers are 32 bits
 * wide, little-endian and must be accessed with aligned 32-bit reads and
 * writes; anything else is ignored (reads return 0).  A 64-bit value is a pair
 * of registers, low half at the lower offset.
 */
#ifndef _LINUX_SLUICE_REGS_H
#define _LINUX_SLUICE_REGS_H

#include <linux/types.h>

/* PCI identity, from the range QEMU keeps for experiments. */
#define SLUICE_PCI_VENDOR_ID		0x1234
#define SLUICE_PCI_DEVICE_ID_PF		0xe510
#define SLUICE_PCI_DEVICE_ID_VF		0xe511

/* BARs, both 64-bit and prefetchable, the same for PF and VF. */
#define SLUICE_BAR_REGS			0
#define SLUICE_BAR_REGS_SIZE		0x4000
#define SLUICE_BAR_MSIX			2
#define SLUICE_BAR_MSIX_SIZE		0x2000

/* Hard limits of this version of the interface. */
#define SLUICE_MAX_VFS			127
#define SLUICE_MAX_UPLINKS		2
#define SLUICE_MAX_QUEUES		64	/* of each kind, per function */
#define SLUICE_MAX_VECTORS		65	/* one for control, one per CQ */

/* Identity: read-only. */
#define SLUICE_REG_MAGIC		0x000
#define   SLUICE_MAGIC			0x43554c53	/* "SLUC" */
#define SLUICE_REG_VERSION		0x004
#define   SLUICE_VERSION_MAJOR(v)	((v) >> 16)
#define   SLUICE_VERSION_MINOR(v)	((v) & 0xffff)
#define   SLUICE_VERSION_MAKE(maj, min)	(((maj) << 16) | (min))
#define   SLUICE_IF_MAJOR		1
#define   SLUICE_IF_MINOR		0
#define SLUICE_REG_CAPS_LO		0x008
#define SLUICE_REG_CAPS_HI		0x00c
#define SLUICE_REG_FUNC			0x010
#define   SLUICE_FUNC_VPORT(v)		((v) & 0xffff)
#define   SLUICE_FUNC_IS_PF		0x10000

/* Function state. */
#define SLUICE_REG_STATUS		0x014	/* read-only */
#define   SLUICE_STATUS_READY		0x1	/* accepts rings and commands */
#define   SLUICE_STATUS_ERROR		0x2	/* stopped by a fault; needs reset */
#define   SLUICE_STATUS_RESETTING	0x4
#define SLUICE_REG_RESET		0x018	/* write-only */
#define   SLUICE_RESET_MAGIC		0x54455352	/* "RSET" */
#define SLUICE_REG_ERROR		0x01c	/* enum sluice_error, read-only */
#define SLUICE_REG_ERROR_INFO		0x020	/* meaning depends on the error */

/*
 * Device clock in nanoseconds.  It starts at an arbitrary value, never goes
 * back and is not touched by resets.  Reading LO latches HI.
 */
#define SLUICE_REG_TIME_LO		0x028
#define SLUICE_REG_TIME_HI		0x02c

/*
 * Control ring and its completion ring.  BASE is a DMA address aligned to 64,
 * SIZE the log2 of the number of slots.  BASE and SIZE may be written only
 * while the ring is disabled.
 */
#define SLUICE_REG_CTRL_SQ_BASE_LO	0x040
#define SLUICE_REG_CTRL_SQ_BASE_HI	0x044
#define SLUICE_REG_CTRL_SQ_SIZE		0x048
#define SLUICE_REG_CTRL_SQ_HEAD		0x04c	/* slots consumed, read-only */
#define SLUICE_REG_CTRL_CQ_BASE_LO	0x050
#define SLUICE_REG_CTRL_CQ_BASE_HI	0x054
#define SLUICE_REG_CTRL_CQ_SIZE		0x058
#define SLUICE_REG_CTRL_ENABLE		0x05c
#define   SLUICE_RING_ENABLE		0x1
#define   SLUICE_RING_VECTOR_SHIFT	16

/*
 * With SLUICE_CAP_CTRL_SHADOW: DMA address of a struct sluice_ctrl_shadow, aligned
 * to 64, or zero.  It may be written only while the control ring is disabled.
 */
#define SLUICE_REG_CTRL_SHADOW_LO	0x070
#define SLUICE_REG_CTRL_SHADOW_HI	0x074

/* Event queue. */
#define SLUICE_REG_EQ_BASE_LO		0x060
#define SLUICE_REG_EQ_BASE_HI		0x064
#define SLUICE_REG_EQ_SIZE		0x068
#define SLUICE_REG_EQ_ENABLE		0x06c	/* as CTRL_ENABLE */

#define SLUICE_RING_MIN_LOG		3
#define SLUICE_RING_MAX_LOG		15

/*
 * Doorbells: write-only.  Indices are free-running 32-bit counts; the ring
 * slot is the count modulo the ring size.
 *
 * DB_CTRL announces control slots up to (not including) the written count.
 * Commands announced before a packet's doorbell take effect before it.
 * DB_CTRL_SOON does the same (with SLUICE_CAP_CTRL_SOON), but nobody waits for
 * the commands themselves: the device may gather them for up to
 * SLUICE_CTRL_SOON_US.
 * DB_CTRL_CQ and DB_EQ give back consumed entries and arm the interrupt: it is
 * raised once when an entry newer than the written count exists.
 */
#define SLUICE_DB_CTRL			0x1000
#define SLUICE_DB_CTRL_CQ		0x1004
#define SLUICE_DB_EQ			0x1008
#define SLUICE_DB_CTRL_SOON		0x100c
#define SLUICE_CTRL_SOON_US		500

/*
 * Queue doorbells.  TX and RX announce descriptors up to the written count.
 * CQ gives back consumed completions, CQ_ARM does so and asks for one
 * interrupt when a completion newer than the written count exists.
 */
#define SLUICE_DB_TX(q)			(0x2000 + (q) * 16)
#define SLUICE_DB_RX(q)			(0x2004 + (q) * 16)
#define SLUICE_DB_CQ(q)			(0x2008 + (q) * 16)
#define SLUICE_DB_CQ_ARM(q)		(0x200c + (q) * 16)

/* Capability bits (CAPS_LO/HI as one 64-bit value). */
#define SLUICE_CAP_TX_CSUM		(1ULL << 0)	/* SLUICE_TX_F_CSUM */
#define SLUICE_CAP_RX_CSUM		(1ULL << 1)	/* SLUICE_CQE_F_L4_OK */
#define SLUICE_CAP_RSS			(1ULL << 2)
#define SLUICE_CAP_MODERATION		(1ULL << 3)
#define SLUICE_CAP_LEGACY		(1ULL << 4)	/* VEB mode (PF) */
#define SLUICE_CAP_SWITCHDEV		(1ULL << 5)	/* rule tables (PF) */
#define SLUICE_CAP_TSO			(1ULL << 6)	/* SLUICE_TX_F_GSO */
#define SLUICE_CAP_TUNNEL		(1ULL << 7)	/* tunnels (PF) */
#define SLUICE_CAP_ETH			(1ULL << 8)	/* SLUICE_ACT_ETH_SET, ETH_POP (PF) */
#define SLUICE_CAP_CT			(1ULL << 9)	/* connections (PF) */
#define SLUICE_CAP_ROUTE		(1ULL << 10)	/* SLUICE_ACT_ROUTE, F_NEXT (PF) */
#define SLUICE_CAP_COUNT		(1ULL << 11)	/* SLUICE_ACT_COUNT (PF) */
#define SLUICE_CAP_SHAPER		(1ULL << 12)	/* limits (PF) */
#define SLUICE_CAP_VF_VLAN		(1ULL << 13)	/* SLUICE_VPORT_F_VLAN (PF) */
#define SLUICE_CAP_CTRL_SOON		(1ULL << 14)	/* SLUICE_DB_CTRL_SOON */
#define SLUICE_CAP_CTRL_SHADOW		(1ULL << 15)	/* struct sluice_ctrl_shadow (PF) */
#define SLUICE_CAP_LARGE_RX		(1ULL << 16)	/* SLUICE_QUEUE_F_LARGE */

/**
 * enum sluice_error - why a function stopped (SLUICE_REG_ERROR)
 * @SLUICE_ERR_NONE: no error
 * @SLUICE_ERR_REG: impossible register value; INFO is the offset
 * @SLUICE_ERR_CTRL_INDEX: DB_CTRL more than a ring ahead; INFO is the count
 * @SLUICE_ERR_CTRL_DESC: malformed command; INFO is opcode << 16 | slot
 * @SLUICE_ERR_CTRL_CQ: control completion ring overrun by its consumer count
 * @SLUICE_ERR_EQ: event queue consumer count impossible; INFO is the count
 * @SLUICE_ERR_TX_INDEX: TX doorbell more than a ring ahead; INFO is the queue
 * @SLUICE_ERR_TX_DESC: malformed TX descriptor; INFO is queue << 16 | slot
 * @SLUICE_ERR_RX_INDEX: RX doorbell more than a ring ahead; INFO is the queue
 * @SLUICE_ERR_RX_DESC: malformed RX descriptor; INFO is queue << 16 | slot
 * @SLUICE_ERR_CQ_INDEX: CQ consumer count impossible; INFO is the CQ
 * @SLUICE_ERR_DMA: a DMA read or write failed; INFO is enum sluice_dma_user
 * @SLUICE_ERR_EQ_OVERFLOW: event queue full, events would have been lost
 * @SLUICE_ERR_INJECTED: a test asked for this fault
 */
enum sluice_error {
	SLUICE_ERR_NONE		= 0,
	SLUICE_ERR_REG		= 1,
	SLUICE_ERR_CTRL_INDEX	= 2,
	SLUICE_ERR_CTRL_DESC	= 3,
	SLUICE_ERR_CTRL_CQ	= 4,
	SLUICE_ERR_EQ		= 5,
	SLUICE_ERR_TX_INDEX	= 6,
	SLUICE_ERR_TX_DESC	= 7,
	SLUICE_ERR_RX_INDEX	= 8,
	SLUICE_ERR_RX_DESC	= 9,
	SLUICE_ERR_CQ_INDEX	= 10,
	SLUICE_ERR_DMA		= 11,
	SLUICE_ERR_EQ_OVERFLOW	= 12,
	SLUICE_ERR_INJECTED	= 13,
};

/**
 * enum sluice_dma_user - what a failed DMA was for (INFO of SLUICE_ERR_DMA)
 * @SLUICE_DMA_CTRL_SQ: reading a command
 * @SLUICE_DMA_CTRL_CQ: writing a command's completion
 * @SLUICE_DMA_EQ: writing an event
 * @SLUICE_DMA_CMD: a buffer named by a command
 * @SLUICE_DMA_TX_DESC: reading TX descriptors
 * @SLUICE_DMA_TX_DATA: reading frame data
 * @SLUICE_DMA_RX_DESC: reading RX descriptors
 * @SLUICE_DMA_RX_DATA: writing frame data
 * @SLUICE_DMA_CQ: writing a completion
 * @SLUICE_DMA_STATS: writing counters or statistics
 */
enum sluice_dma_user {
	SLUICE_DMA_CTRL_SQ	= 1,
	SLUICE_DMA_CTRL_CQ	= 2,
	SLUICE_DMA_EQ		= 3,
	SLUICE_DMA_CMD		= 4,
	SLUICE_DMA_TX_DESC	= 5,
	SLUICE_DMA_TX_DATA	= 6,
	SLUICE_DMA_RX_DESC	= 7,
	SLUICE_DMA_RX_DATA	= 8,
	SLUICE_DMA_CQ		= 9,
	SLUICE_DMA_STATS	= 10,
};

/*
 * vport numbers.  The PF function is 0, VF n is n + 1, uplink (wire) n is
 * 0x100 + n.
 */
#define SLUICE_VPORT_PF			0
#define SLUICE_VPORT_VF(n)		((n) + 1)
#define SLUICE_VPORT_UPLINK(n)		(0x100 + (n))
#define SLUICE_VPORT_NONE		0xffff

#endif /* _LINUX_SLUICE_REGS_H */
