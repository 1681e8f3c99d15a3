/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Sluice hardware interface: the control ring's commands and completions.
 *
 * The control ring is made of 64-byte slots.  A command starts at a slot and
 * takes as many consecutive slots (modulo the ring) as its length needs.  The
 * device runs commands in order.  Each one without SLUICE_CMD_F_SILENT is
 * answered by a completion, in order; a silent one only when it fails.
 *
 * A malformed command (unknown opcode, wrong length, non-zero reserved field,
 * a PF command on a VF) stops the function: SLUICE_ERR_CTRL_DESC.  A
 * well-formed one that cannot be carried out completes with a status and has
 * no effect.
 */
#ifndef _LINUX_SLUICE_CMD_H
#define _LINUX_SLUICE_CMD_H

#include <linux/types.h>
#include <linux/sluice/key.h>

#define SLUICE_CMD_SLOT		64
#define SLUICE_CMD_MAX_LEN	2048
#define SLUICE_ID_NONE		0xffffffffu

/**
 * struct sluice_cmd_hdr - first 16 bytes of every command
 * @opcode: enum sluice_opcode
 * @flags: SLUICE_CMD_F_*
 * @len: length of the whole command in bytes, a multiple of 8
 * @cookie: returned in the completion
 * @vport: vport the command is about, where the command has one, else zero
 * @reserved: zero
 */
struct sluice_cmd_hdr {
	__u8 opcode;
	__u8 flags;
	__le16 len;
	__le32 cookie;
	__le16 vport;
	__u8 reserved[6];
};

#define SLUICE_CMD_F_SILENT	0x01	/* complete only on failure */

/**
 * struct sluice_ctrl_cqe - completion of a command
 * @cookie: from the command
 * @sq_head: control ring slots consumed so far (free-running count), this
 *	command included
 * @info: depends on the command, zero unless said otherwise
 * @opcode: from the command
 * @status: enum sluice_status
 * @reserved: zero
 * @phase: bit 0 is the phase
 */
struct sluice_ctrl_cqe {
	__le32 cookie;
	__le32 sq_head;
	__le32 info;
	__u8 opcode;
	__u8 status;
	__u8 reserved;
	__u8 phase;
};

/**
 * enum sluice_status - result of a command
 * @SLUICE_ST_OK: done
 * @SLUICE_ST_INVAL: a value is out of range
 * @SLUICE_ST_NOENT: names an object that does not exist
 * @SLUICE_ST_EXIST: names an object that exists already
 * @SLUICE_ST_BUSY: the object is in use
 * @SLUICE_ST_NOSPC: a table is full
 * @SLUICE_ST_PERM: policy forbids it
 * @SLUICE_ST_MODE: not in this eSwitch mode
 * @SLUICE_ST_FAULT: a buffer named by the command could not be accessed
 */
enum sluice_status {
	SLUICE_ST_OK	= 0,
	SLUICE_ST_INVAL	= 1,
	SLUICE_ST_NOENT	= 2,
	SLUICE_ST_EXIST	= 3,
	SLUICE_ST_BUSY	= 4,
	SLUICE_ST_NOSPC	= 5,
	SLUICE_ST_PERM	= 6,
	SLUICE_ST_MODE	= 7,
	SLUICE_ST_FAULT	= 8,
};

/**
 * enum sluice_opcode - commands
 * @SLUICE_CMD_NOP: does nothing; &struct sluice_cmd_hdr
 * @SLUICE_CMD_QUERY_FUNC: &struct sluice_cmd_buf, fills &struct
 *	sluice_func_info
 * @SLUICE_CMD_SET_MAC: &struct sluice_cmd_mac, address of the own vport; for a
 *	VF that is not trusted, another than the one the PF gave it, if it gave
 *	one, is %SLUICE_ST_PERM
 * @SLUICE_CMD_SET_RX_MODE: &struct sluice_cmd_u32, SLUICE_RX_MODE_*
 * @SLUICE_CMD_FILTER_ADD: &struct sluice_cmd_mac, receive this address too
 * @SLUICE_CMD_FILTER_DEL: &struct sluice_cmd_mac
 * @SLUICE_CMD_SET_MTU: &struct sluice_cmd_u32, MTU of the own vport; an MTU
 *	above the one the PF gave is %SLUICE_ST_PERM
 * @SLUICE_CMD_SET_STATE: &struct sluice_cmd_u32, 1 to enable the function's
 *	receive and transmit path, 0 to disable
 * @SLUICE_CMD_STATS_BUF: &struct sluice_cmd_buf, where to keep &struct
 *	sluice_vport_stats of hdr.vport (a VF: its own only); address 0 stops
 * @SLUICE_CMD_STATS_CONFIG: (PF) &struct sluice_cmd_u32, milliseconds from
 *	the first change to the write of changed counters and statistics, 1 to
 *	10000, default 2.  It takes longer where much changes: the device spends
 *	no more than a twentieth of its time on it
 * @SLUICE_CMD_SYNC: write all changed counters (PF) and statistics of the
 *	function now; &struct sluice_cmd_hdr
 * @SLUICE_CMD_CQ_CREATE: &struct sluice_cmd_cq
 * @SLUICE_CMD_CQ_DESTROY: &struct sluice_cmd_u32, number
 * @SLUICE_CMD_CQ_MODERATE: &struct sluice_cmd_cq, only @id, @usecs, @frames
 * @SLUICE_CMD_TXQ_CREATE: &struct sluice_cmd_queue
 * @SLUICE_CMD_TXQ_DESTROY: &struct sluice_cmd_u32; on completion no
 *	descriptor or frame of the ring is read any more
 * @SLUICE_CMD_RXQ_CREATE: &struct sluice_cmd_queue
 * @SLUICE_CMD_RXQ_DESTROY: &struct sluice_cmd_u32; on completion no buffer of
 *	the ring is written any more
 * @SLUICE_CMD_RSS_SET: &struct sluice_cmd_rss
 * @SLUICE_CMD_ESW_MODE: (PF) &struct sluice_cmd_u32, enum sluice_esw_mode;
 *	removes every rule, mask, range, meter, shaper, encap, next hop, endpoint
 *	and connection, and unbinds every root table and the one after it
 * @SLUICE_CMD_VPORT_SET: (PF) &struct sluice_cmd_vport
 * @SLUICE_CMD_VPORT_QUERY: (PF) &struct sluice_cmd_buf, fills &struct
 *	sluice_vport_info of hdr.vport
 * @SLUICE_CMD_COUNTER_MAP: (PF) &struct sluice_cmd_counters
 * @SLUICE_CMD_COUNTER_UNMAP: (PF) &struct sluice_cmd_counters; @addr zero
 * @SLUICE_CMD_MASK_ADD: (PF) &struct sluice_cmd_mask
 * @SLUICE_CMD_MASK_DEL: (PF) &struct sluice_cmd_u32; %SLUICE_ST_BUSY while a
 *	rule uses it
 * @SLUICE_CMD_RULE_ADD: (PF) &struct sluice_cmd_rule
 * @SLUICE_CMD_RULE_DEL: (PF) &struct sluice_cmd_u32, rule id; its counter has
 *	been written to host memory when the completion arrives
 * @SLUICE_CMD_ESW_QUERY: (PF) &struct sluice_cmd_buf, fills &struct
 *	sluice_esw_info
 * @SLUICE_CMD_RANGE_SET: (PF) &struct sluice_cmd_range, create a port range
 *	comparator or change all of it
 * @SLUICE_CMD_RANGE_DEL: (PF) &struct sluice_cmd_u32, id
 * @SLUICE_CMD_METER_SET: (PF) &struct sluice_cmd_meter, create a meter or change
 *	all of it; it is full afterwards
 * @SLUICE_CMD_METER_DEL: (PF) &struct sluice_cmd_u32, id; %SLUICE_ST_BUSY while
 *	a rule uses it
 * @SLUICE_CMD_NEXT_HOP_SET: (PF) &struct sluice_cmd_next_hop, create a next hop
 *	or change all of it
 * @SLUICE_CMD_NEXT_HOP_DEL: (PF) &struct sluice_cmd_u32, id; %SLUICE_ST_BUSY
 *	while an encap uses it.  Its counter has been written to host memory when
 *	the completion arrives
 * @SLUICE_CMD_ENCAP_SET: (PF) &struct sluice_cmd_encap, create an encap or
 *	change all of it
 * @SLUICE_CMD_ENCAP_DEL: (PF) &struct sluice_cmd_u32, id; %SLUICE_ST_BUSY while
 *	a rule uses it
 * @SLUICE_CMD_ENDPOINT_SET: (PF) &struct sluice_cmd_endpoint, create an endpoint
 *	or change all of it; %SLUICE_ST_EXIST when another one takes the same
 *	frames
 * @SLUICE_CMD_ENDPOINT_DEL: (PF) &struct sluice_cmd_u32, id
 * @SLUICE_CMD_CT_SET: (PF) &struct sluice_cmd_ct, create one direction of a
 *	connection or change all of it
 * @SLUICE_CMD_CT_DEL: (PF) &struct sluice_cmd_u32, id; its counter has been
 *	written to host memory when the completion arrives
 * @SLUICE_CMD_SHAPER_SET: (PF) &struct sluice_cmd_shaper, create a shaper or
 *	change all of it; all it may send at once is saved up afterwards
 * @SLUICE_CMD_SHAPER_DEL: (PF) &struct sluice_cmd_u32, id; %SLUICE_ST_BUSY while
 *	it is the parent of another
 */
enum sluice_opcode {
	SLUICE_CMD_NOP		= 0x00,
	SLUICE_CMD_QUERY_FUNC	= 0x01,
	SLUICE_CMD_SET_MAC	= 0x02,
	SLUICE_CMD_SET_RX_MODE	= 0x03,
	SLUICE_CMD_FILTER_ADD	= 0x04,
	SLUICE_CMD_FILTER_DEL	= 0x05,
	SLUICE_CMD_SET_MTU	= 0x06,
	SLUICE_CMD_SET_STATE	= 0x07,
	SLUICE_CMD_STATS_BUF	= 0x08,
	SLUICE_CMD_STATS_CONFIG	= 0x09,
	SLUICE_CMD_SYNC		= 0x0a,
	SLUICE_CMD_CQ_CREATE	= 0x10,
	SLUICE_CMD_CQ_DESTROY	= 0x11,
	SLUICE_CMD_CQ_MODERATE	= 0x12,
	SLUICE_CMD_TXQ_CREATE	= 0x13,
	SLUICE_CMD_TXQ_DESTROY	= 0x14,
	SLUICE_CMD_RXQ_CREATE	= 0x15,
	SLUICE_CMD_RXQ_DESTROY	= 0x16,
	SLUICE_CMD_RSS_SET	= 0x17,
	SLUICE_CMD_ESW_MODE	= 0x40,
	SLUICE_CMD_VPORT_SET	= 0x41,
	SLUICE_CMD_VPORT_QUERY	= 0x42,
	SLUICE_CMD_COUNTER_MAP	= 0x43,
	SLUICE_CMD_COUNTER_UNMAP = 0x44,
	SLUICE_CMD_MASK_ADD	= 0x45,
	SLUICE_CMD_MASK_DEL	= 0x46,
	SLUICE_CMD_RULE_ADD	= 0x47,
	SLUICE_CMD_RULE_DEL	= 0x48,
	SLUICE_CMD_ESW_QUERY	= 0x49,
	SLUICE_CMD_RANGE_SET	= 0x4a,
	SLUICE_CMD_RANGE_DEL	= 0x4b,
	SLUICE_CMD_METER_SET	= 0x4c,
	SLUICE_CMD_METER_DEL	= 0x4d,
	SLUICE_CMD_NEXT_HOP_SET	= 0x50,
	SLUICE_CMD_NEXT_HOP_DEL	= 0x51,
	SLUICE_CMD_ENCAP_SET	= 0x52,
	SLUICE_CMD_ENCAP_DEL	= 0x53,
	SLUICE_CMD_ENDPOINT_SET	= 0x54,
	SLUICE_CMD_ENDPOINT_DEL	= 0x55,
	SLUICE_CMD_CT_SET	= 0x60,
	SLUICE_CMD_CT_DEL	= 0x61,
	SLUICE_CMD_SHAPER_SET	= 0x70,
	SLUICE_CMD_SHAPER_DEL	= 0x71,
};

/**
 * struct sluice_cmd_u32 - a command with one number
 * @hdr: header
 * @value: the number
 * @reserved: zero
 */
struct sluice_cmd_u32 {
	struct sluice_cmd_hdr hdr;
	__le32 value;
	__le32 reserved;
};

/**
 * struct sluice_cmd_buf - a command with a host buffer
 * @hdr: header
 * @addr: DMA address, aligned to 8
 * @len: its length in bytes, exactly that of the structure to fill
 * @reserved: zero
 */
struct sluice_cmd_buf {
	struct sluice_cmd_hdr hdr;
	__le64 addr;
	__le32 len;
	__le32 reserved;
};

/**
 * struct sluice_cmd_mac - a command with a MAC address
 * @hdr: header
 * @mac: the address
 * @reserved: zero
 */
struct sluice_cmd_mac {
	struct sluice_cmd_hdr hdr;
	__u8 mac[6];
	__u8 reserved[2];
};

/* Receive mode (SLUICE_CMD_SET_RX_MODE, legacy mode only). */
#define SLUICE_RX_MODE_ALLMULTI	0x1
#define SLUICE_RX_MODE_PROMISC	0x2	/* PF only; a VF gets ALLMULTI if trusted */

/**
 * struct sluice_cmd_cq - create or tune a completion queue
 * @hdr: header
 * @addr: DMA address of the ring, aligned to 64
 * @id: its number, below @max_cqs
 * @log_size: log2 of the number of entries
 * @reserved: zero
 * @vector: MSI-X vector
 * @usecs: an armed interrupt waits up to this long after the first completion
 * @frames: or until this many completions are there; 0 counts as 1
 * @reserved2: zero
 */
struct sluice_cmd_cq {
	struct sluice_cmd_hdr hdr;
	__le64 addr;
	__le16 id;
	__u8 log_size;
	__u8 reserved;
	__le16 vector;
	__le16 usecs;
	__le16 frames;
	__u8 reserved2[6];
};

/**
 * struct sluice_cmd_queue - create a TX or RX queue
 * @hdr: header
 * @addr: DMA address of the ring, aligned to 64
 * @id: its number, below @max_txqs or @max_rxqs
 * @log_size: log2 of the number of descriptors
 * @flags: SLUICE_QUEUE_F_*
 * @cq: completion queue it reports to; it cannot be destroyed before
 * @reserved: zero
 */
struct sluice_cmd_queue {
	struct sluice_cmd_hdr hdr;
	__le64 addr;
	__le16 id;
	__u8 log_size;
	__u8 flags;
	__le16 cq;
	__le16 reserved;
};

#define SLUICE_QUEUE_F_LARGE	0x01	/* RX: takes SLUICE_CQE_F_LARGE */
#define SLUICE_QUEUE_F_ALL	0x01

#define SLUICE_RSS_KEY_SIZE	40
#define SLUICE_RSS_TABLE_SIZE	128

/* Hashed fields.  Without an L4 bit the protocol hashes addresses only. */
#define SLUICE_RSS_IPV4		0x01
#define SLUICE_RSS_IPV6		0x02
#define SLUICE_RSS_TCP4		0x04
#define SLUICE_RSS_UDP4		0x08
#define SLUICE_RSS_TCP6		0x10
#define SLUICE_RSS_UDP6		0x20
#define SLUICE_RSS_ALL		0x3f

/**
 * struct sluice_cmd_rss - receive side scaling
 * @hdr: header
 * @types: SLUICE_RSS_*
 * @reserved: zero
 * @key: Toeplitz key
 * @table: RX queue number for each value of hash modulo 128
 */
struct sluice_cmd_rss {
	struct sluice_cmd_hdr hdr;
	__le32 types;
	__le32 reserved;
	__u8 key[SLUICE_RSS_KEY_SIZE];
	__u8 table[SLUICE_RSS_TABLE_SIZE];
};

/**
 * struct sluice_func_info - answer to SLUICE_CMD_QUERY_FUNC
 * @mac: current address of the own vport
 * @vport: own vport
 * @permanent_mac: address it starts with
 * @mtu: current MTU
 * @max_mtu: largest MTU it may set
 * @link: 1 when up
 * @pad: zero
 * @speed: link speed in Mbit/s
 * @policy: SLUICE_POLICY_*
 * @max_txqs: TX queues
 * @max_rxqs: RX queues
 * @max_cqs: completion queues
 * @max_vectors: MSI-X vectors, the control vector 0 included
 * @max_filters: addresses for FILTER_ADD
 * @num_uplinks: PF: uplinks (0 for a VF)
 * @total_vfs: PF: VFs the device has (0 for a VF)
 * @max_actions: PF: steps of an action program
 * @max_rules: PF: rules, ids are 0 to @max_rules - 1
 * @max_masks: PF: masks, likewise
 * @max_counters: PF: counters, likewise
 * @max_tables: PF: tables, likewise
 * @pad2: zero
 * @switch_id: PF: identity of the eSwitch
 * @serial: serial number, NUL-terminated
 * @fw_version: version of the device model, NUL-terminated
 * @max_next_hops: PF: next hops, ids are 0 to @max_next_hops - 1
 * @max_encaps: PF: encaps, likewise
 * @max_endpoints: PF: endpoints, likewise
 * @max_ct: PF: directions of connections, likewise
 * @max_meters: PF: meters, likewise
 * @reserved2: zero
 */
struct sluice_func_info {
	__u8 mac[6];
	__le16 vport;
	__u8 permanent_mac[6];
	__le16 mtu;
	__le16 max_mtu;
	__u8 link;
	__u8 pad;
	__le32 speed;
	__le32 policy;
	__le16 max_txqs;
	__le16 max_rxqs;
	__le16 max_cqs;
	__le16 max_vectors;
	__le16 max_filters;
	__le16 num_uplinks;
	__le16 total_vfs;
	__le16 max_actions;
	__le32 max_rules;
	__le32 max_masks;
	__le32 max_counters;
	__le32 max_tables;
	__u8 pad2[4];
	__u8 switch_id[8];
	char serial[32];
	char fw_version[32];
	__le32 max_next_hops;
	__le32 max_encaps;
	__le32 max_endpoints;
	__le32 max_ct;
	__le32 max_meters;
	__u8 reserved2[100];
};

/* Policy of a vport (legacy and switchdev mode). */
#define SLUICE_POLICY_SPOOFCHK	0x1	/* source MAC must be the vport's own */
#define SLUICE_POLICY_TRUST	0x2	/* any own MAC, allmulti, filters */

/**
 * enum sluice_link_policy - where a vport's link state comes from
 * @SLUICE_LINK_AUTO: follows uplink 0
 * @SLUICE_LINK_UP: always up
 * @SLUICE_LINK_DOWN: always down
 */
enum sluice_link_policy {
	SLUICE_LINK_AUTO	= 0,
	SLUICE_LINK_UP		= 1,
	SLUICE_LINK_DOWN	= 2,
};

/* Which fields of struct sluice_cmd_vport count. */
#define SLUICE_VPORT_F_MAC	0x0001
#define SLUICE_VPORT_F_MTU	0x0002
#define SLUICE_VPORT_F_LINK	0x0004
#define SLUICE_VPORT_F_POLICY	0x0008
#define SLUICE_VPORT_F_ROOT	0x0010
#define SLUICE_VPORT_F_EGRESS	0x0020
#define SLUICE_VPORT_F_NEXT	0x0040	/* @root_table, not with F_ROOT */
#define SLUICE_VPORT_F_VLAN	0x0080	/* with SLUICE_CAP_VF_VLAN */
#define SLUICE_VPORT_F_ALL	0x00ff

/* The VLAN of a VF: priority (PCP) and VLAN id as in a tag, and its protocol. */
#define SLUICE_VPORT_VLAN_PCP	0xe000
#define SLUICE_VPORT_VLAN_AD	0x1000	/* 802.1ad, else 802.1Q */
#define SLUICE_VPORT_VLAN_VID	0x0fff	/* 1 to 4094 */

/**
 * struct sluice_cmd_vport - change a vport (hdr.vport)
 * @hdr: header
 * @fields: SLUICE_VPORT_F_*
 * @policy: SLUICE_POLICY_*
 * @mac: VF: address its function gets, zero for its permanent one; it is told
 *	by %SLUICE_EVENT_MAC
 * @mtu: MTU, from now on also the largest a VF may set; a VF is told by
 *	%SLUICE_EVENT_MTU.  Zero, VFs only: takes that limit away, the MTU and
 *	the VF stay as they are
 * @link: enum sluice_link_policy, VFs only
 * @egress_punt: 1: a frame that rules output to this vport takes the slow path
 *	as a whole instead (%SLUICE_MISS_EGRESS)
 * @vlan: legacy mode, VFs only: the VLAN its frames are put into and taken out of,
 *	SLUICE_VPORT_VLAN_*; zero for none
 * @root_table: switchdev mode: first table for frames that come in by this
 *	vport, or %SLUICE_ID_NONE.  With %SLUICE_VPORT_F_NEXT likewise, but the
 *	table for those that met no rule from there on, and for all when there is
 *	no first table
 */
struct sluice_cmd_vport {
	struct sluice_cmd_hdr hdr;
	__le32 fields;
	__le32 policy;
	__u8 mac[6];
	__le16 mtu;
	__u8 link;
	__u8 egress_punt;
	__le16 vlan;
	__le32 root_table;
};

/**
 * struct sluice_vport_info - answer to SLUICE_CMD_VPORT_QUERY
 * @mac: address
 * @mtu: MTU
 * @policy: SLUICE_POLICY_*
 * @root_table: root table or %SLUICE_ID_NONE
 * @link_policy: enum sluice_link_policy
 * @link: 1 when up
 * @enabled: 1 when its function's driver enabled it (uplinks: always)
 * @egress_punt: as set
 * @error: enum sluice_error of its function
 * @pad: zero
 * @error_info: with it
 * @reserved: zero
 * @stats: &struct sluice_vport_stats as of now
 */
struct sluice_vport_info {
	__u8 mac[6];
	__le16 mtu;
	__le32 policy;
	__le32 root_table;
	__u8 link_policy;
	__u8 link;
	__u8 enabled;
	__u8 egress_punt;
	__le16 error;
	__le16 pad;
	__le32 error_info;
	__le32 reserved;
	__u8 stats[256];
};

/**
 * enum sluice_esw_mode - eSwitch mode
 * @SLUICE_ESW_LEGACY: MAC switch (VEB) among PF, VFs and uplink 0; uplink 1 is
 *	wired to the PF's slow path
 * @SLUICE_ESW_SWITCHDEV: rule tables, misses to the PF's slow path
 */
enum sluice_esw_mode {
	SLUICE_ESW_LEGACY	= 0,
	SLUICE_ESW_SWITCHDEV	= 1,
};

/**
 * struct sluice_cmd_counters - give host memory to a range of counters
 * @hdr: header
 * @addr: DMA address of an array of &struct sluice_counter, aligned to 64
 * @base: first counter id, a multiple of @count
 * @count: how many, a power of two
 *
 * A counter whose range is not mapped counts, but is not written anywhere.
 * Mapping does not change the counters' values.
 */
struct sluice_cmd_counters {
	struct sluice_cmd_hdr hdr;
	__le64 addr;
	__le32 base;
	__le32 count;
};

/**
 * struct sluice_cmd_mask - create a mask
 * @hdr: header
 * @id: mask id
 * @reserved: zero
 * @mask: bits of the key that count
 */
struct sluice_cmd_mask {
	struct sluice_cmd_hdr hdr;
	__le32 id;
	__le32 reserved;
	struct sluice_key mask;
};

/**
 * struct sluice_cmd_range - a port range comparator
 * @hdr: header
 * @id: its number, below %SLUICE_MAX_RANGES: the bit of @range_hits in the key
 *	that is set in frames whose port is from @min to @max
 * @field: enum sluice_range_field
 * @reserved: zero
 * @min: first port
 * @max: last port, not below @min
 *
 * A frame that has no ports has zero there, for comparators too.
 */
struct sluice_cmd_range {
	struct sluice_cmd_hdr hdr;
	__le32 id;
	__u8 field;
	__u8 reserved[7];
	__le16 min;
	__le16 max;
};

#define SLUICE_MAX_RANGES	64

/**
 * enum sluice_range_field - what a comparator looks at
 * @SLUICE_RANGE_L4_SRC: @l4_src of the key
 * @SLUICE_RANGE_L4_DST: @l4_dst of the key
 */
enum sluice_range_field {
	SLUICE_RANGE_L4_SRC	= 0,
	SLUICE_RANGE_L4_DST	= 1,
};

/**
 * struct sluice_meter_rate - how long something takes at a rate
 * @mult: length * @mult >> @shift is the time in nanoseconds, computed in 64 bits
 * @shift: up to 63
 * @flags: SLUICE_METER_RATE_F_*
 * @overhead: added to the length of a packet first
 * @mpu: then the length is at least this
 * @reserved: zero
 */
struct sluice_meter_rate {
	__le32 mult;
	__u8 shift;
	__u8 flags;
	__le16 overhead;
	__le16 mpu;
	__le16 reserved;
};

#define SLUICE_METER_RATE_F_ATM	0x01	/* then 53 bytes for each 48 begun */

/**
 * struct sluice_cmd_meter - a policer
 * @hdr: header
 * @id: meter id
 * @flags: SLUICE_METER_F_*: which rates it has
 * @reserved: zero
 * @mtu: longest packet that may conform, Ethernet header included, outermost
 *	VLAN tag not
 * @reserved2: zero
 * @burst: most time that can be saved up at @rate, in nanoseconds
 * @peak_burst: likewise at @peak
 * @packet_burst: likewise at @packet
 * @rate: of bytes
 * @peak: of bytes
 * @packet: of packets, each of length 1; @overhead, @mpu and @flags are zero
 * @reserved3: zero
 *
 * Documentation/hardware/eswitch.md, "Meters".
 */
struct sluice_cmd_meter {
	struct sluice_cmd_hdr hdr;
	__le32 id;
	__le16 flags;
	__le16 reserved;
	__le32 mtu;
	__le32 reserved2;
	__le64 burst;
	__le64 peak_burst;
	__le64 packet_burst;
	struct sluice_meter_rate rate;
	struct sluice_meter_rate peak;
	struct sluice_meter_rate packet;
	__u8 reserved3[4];
};

#define SLUICE_METER_F_RATE	0x0001
#define SLUICE_METER_F_PEAK	0x0002	/* only with SLUICE_METER_F_RATE */
#define SLUICE_METER_F_PACKET	0x0004	/* not with SLUICE_METER_F_RATE */
#define SLUICE_METER_F_ALL	0x0007

/**
 * struct sluice_cmd_shaper - a limit on what functions transmit
 * @hdr: header
 * @id: the vport of a VF: shaper of all the VF transmits; or
 *	SLUICE_SHAPER_GROUP(n): of all that is below it
 * @parent: id of a group that limits it too, 0 for none
 * @burst: bytes that can be saved up
 * @rate: bytes in a second, 0 for no limit
 *
 * Documentation/hardware/interface.md, "Shapers".
 */
struct sluice_cmd_shaper {
	struct sluice_cmd_hdr hdr;
	__le16 id;
	__le16 parent;
	__le32 burst;
	__le64 rate;
};

#define SLUICE_MAX_SHAPER_GROUPS 128
#define SLUICE_SHAPER_GROUP(n)	(SLUICE_MAX_VFS + 1 + (n))
#define SLUICE_SHAPER_DEPTH	8	/* from a VF to its uppermost group */

/**
 * struct sluice_cmd_rule - create a rule
 * @hdr: header
 * @id: rule id
 * @table: table it belongs to
 * @mask: mask id
 * @counter: counter id or %SLUICE_ID_NONE
 * @prio: lower values match first
 * @subprio: decides among equal @prio, lower first.  Of rules equal in both,
 *	the one created last wins
 * @key_words: number of 64-bit key words that follow
 * @num_actions: number of actions that follow the key words
 * @flags: SLUICE_RULE_F_*
 * @reserved: zero
 * @data: the 64-bit words of the key in which the mask is not zero, in
 *	ascending order, with no bit outside the mask; then the program
 */
struct sluice_cmd_rule {
	struct sluice_cmd_hdr hdr;
	__le32 id;
	__le32 table;
	__le32 mask;
	__le32 counter;
	__le32 prio;
	__le32 subprio;
	__u8 key_words;
	__u8 num_actions;
	__le16 flags;
	__le32 reserved;
	__u8 data[];
};

#define SLUICE_RULE_F_ZERO	0x0001	/* set the counter to zero first */

/**
 * struct sluice_cmd_next_hop - a neighbour on an underlay
 * @hdr: header
 * @id: next hop id
 * @counter: counter of the frames that leave through it, or %SLUICE_ID_NONE.
 *	Its bytes are those of whole frames
 * @port: uplink they leave by; without meaning with %SLUICE_NEXT_HOP_F_TABLE
 * @flags: SLUICE_NEXT_HOP_F_*
 * @dst: destination MAC address
 * @src: source MAC address
 * @vlan_tpid: tag they get, 0x8100 or 0x88a8; zero for none
 * @vlan_tci: its control information
 * @table: with %SLUICE_NEXT_HOP_F_TABLE: they go on in this table, as what the
 *	host sends; else zero
 *
 * A packet that is to go through a next hop that is not valid takes the slow
 * path as a whole (%SLUICE_MISS_NEXT_HOP).  Port and counter are checked
 * whether it is valid or not.
 */
struct sluice_cmd_next_hop {
	struct sluice_cmd_hdr hdr;
	__le32 id;
	__le32 counter;
	__le16 port;
	__le16 flags;
	__u8 dst[6];
	__u8 src[6];
	__le16 vlan_tpid;
	__le16 vlan_tci;
	__le32 table;
};

#define SLUICE_NEXT_HOP_F_VALID	0x0001	/* resolved */
#define SLUICE_NEXT_HOP_F_ZERO	0x0002	/* set the counter to zero first */
#define SLUICE_NEXT_HOP_F_TABLE	0x0004	/* to @table, not to @port */
#define SLUICE_NEXT_HOP_F_ALL	0x0007

/**
 * struct sluice_cmd_encap - a tunnel header
 * @hdr: header
 * @id: encap id
 * @next_hop: next hop id, or %SLUICE_ID_NONE: every packet for this encap takes
 *	the slow path (%SLUICE_MISS_NEXT_HOP)
 * @type: enum sluice_tunnel
 * @reserved: zero
 * @flags: SLUICE_ENCAP_F_*
 * @mtu: longest IP packet, this header included; a longer one takes the slow
 *	path (%SLUICE_MISS_MTU)
 * @sport_min: first UDP source port; zero for GRE
 * @sport_range: number of source ports; zero for GRE.  The port of a packet with
 *	flow hash h is @sport_min + ((h ^ h << 16) * @sport_range >> 32), with
 *	h ^ h << 16 taken modulo 2^32
 * @header_len: bytes of header
 * @reserved2: zero
 * @header: everything from the IP header to the last byte before the inner
 *	frame, padded with zeros to a multiple of 8
 *
 * The header is an IPv4 header without options or an IPv6 header, and directly
 * behind it UDP and VXLAN, UDP and GENEVE with its options, or GRE with nothing
 * but a key.  What the device fills in is zero: IPv4 total length, id and
 * checksum, IPv6 payload length, UDP source port, length and checksum.
 */
struct sluice_cmd_encap {
	struct sluice_cmd_hdr hdr;
	__le32 id;
	__le32 next_hop;
	__u8 type;
	__u8 reserved;
	__le16 flags;
	__le16 mtu;
	__le16 sport_min;
	__le32 sport_range;
	__le16 header_len;
	__le16 reserved2;
	__u8 header[];
};

#define SLUICE_ENCAP_HDR_MAX	308	/* IPv6, UDP, GENEVE, 252 of options */

#define SLUICE_ENCAP_F_UDP_CSUM	0x0001	/* compute it; else it is zero */
#define SLUICE_ENCAP_F_ECN	0x0002	/* ECN field from the inner packet */
#define SLUICE_ENCAP_F_TOS	0x0004	/* GRE, IPv4: TOS of inner IP without tag */
#define SLUICE_ENCAP_F_TTL	0x0008	/* GRE: TTL of the inner packet, if IP */
#define SLUICE_ENCAP_F_LABEL	0x0010	/* GRE, IPv6: flow label from flow hash */
#define SLUICE_ENCAP_F_ALL	0x001f

/**
 * struct sluice_cmd_endpoint - where frames are taken out of a tunnel
 * @hdr: header
 * @id: endpoint id
 * @root_table: first table for the inner frames
 * @group: with @port %SLUICE_VPORT_NONE: what %SLUICE_ACT_DECAP_LOCAL calls it
 *	by; else zero
 * @port: uplink the frames come in by, or %SLUICE_VPORT_NONE
 * @flags: SLUICE_ENDPOINT_F_*
 * @type: enum sluice_tunnel
 * @ip: IP version, 4 or 6
 * @udp_port: UDP destination port; zero for GRE
 * @vlan_tpid: outermost tag the frames must have, zero for none
 * @vlan_id: its VLAN id
 * @mac: destination MAC address
 * @own_mac: frames with this inner source address take the slow path; zero:
 *	none do
 * @addr: destination IP address, IPv4 in the first four bytes
 * @zero_bits: VXLAN: bits of its header that must be zero, or the frame takes
 *	the slow path; else zero
 * @reserved: zero
 */
struct sluice_cmd_endpoint {
	struct sluice_cmd_hdr hdr;
	__le32 id;
	__le32 root_table;
	__le32 group;
	__le16 port;
	__le16 flags;
	__u8 type;
	__u8 ip;
	__le16 udp_port;
	__le16 vlan_tpid;
	__le16 vlan_id;
	__u8 mac[6];
	__u8 own_mac[6];
	__u8 addr[16];
	__u8 zero_bits[8];
	__u8 reserved[4];
};

#define SLUICE_ENDPOINT_F_ZERO_CSUM6 0x0001 /* UDP over IPv6 without checksum */
#define SLUICE_ENDPOINT_F_DF	0x0002	/* SLUICE_ENC_F_DF as in the frame */
#define SLUICE_ENDPOINT_F_GBP	0x0004	/* VXLAN: group policy to @enc_opts */
#define SLUICE_ENDPOINT_F_ALL	0x0007

/**
 * struct sluice_cmd_ct - one direction of a connection
 * @hdr: header
 * @id: its id.  Ids 2n and 2n + 1 are the two directions of a connection
 * @table: connection table it belongs to, any number
 * @counter: counter of its packets or %SLUICE_ID_NONE
 * @mark: mark
 * @label: labels
 * @flags: SLUICE_CT_F_*
 * @state: SLUICE_CT_* its packets get
 * @ip: IP version, 4 or 6
 * @proto: IP protocol: TCP, UDP or GRE
 * @sport: source port of its packets; zero for GRE
 * @dport: destination port; zero for GRE
 * @nat_sport: with %SLUICE_CT_F_SNAT the source port they get, else zero
 * @nat_dport: with %SLUICE_CT_F_DNAT the destination port they get, else zero
 * @reserved: zero
 * @src: source address of its packets, IPv4 in the first four bytes
 * @dst: destination address
 * @nat_src: with %SLUICE_CT_F_SNAT the source address they get, else zero
 * @nat_dst: with %SLUICE_CT_F_DNAT the destination address they get, else zero
 *
 * Of directions that take the same packets the one created last has them.  A
 * TCP packet with FIN or RST closes its connection: it and all later packets
 * of both directions take the slow path until the direction is removed.
 */
struct sluice_cmd_ct {
	struct sluice_cmd_hdr hdr;
	__le32 id;
	__le32 table;
	__le32 counter;
	__le32 mark;
	__u8 label[16];
	__le16 flags;
	__le16 state;
	__u8 ip;
	__u8 proto;
	__be16 sport;
	__be16 dport;
	__be16 nat_sport;
	__be16 nat_dport;
	__u8 reserved[2];
	__u8 src[16];
	__u8 dst[16];
	__u8 nat_src[16];
	__u8 nat_dst[16];
};

#define SLUICE_CT_F_ZERO	0x0001	/* set the counter to zero first */
#define SLUICE_CT_F_SNAT	0x0002	/* the source may be rewritten */
#define SLUICE_CT_F_DNAT	0x0004	/* the destination may be rewritten */
#define SLUICE_CT_F_ALL		0x0007

/**
 * struct sluice_esw_info - answer to SLUICE_CMD_ESW_QUERY
 * @mode: enum sluice_esw_mode
 * @rules: rules in the device
 * @masks: masks
 * @tables: tables with at least one rule
 * @counters: counters named by at least one rule, next hop or connection
 * @mapped: counters with host memory
 * @next_hops: next hops
 * @encaps: encaps
 * @lookups: frames looked up
 * @hits: frames finished by rules
 * @misses: frames to the slow path, by enum sluice_miss
 * @endpoints: endpoints
 * @ct: directions of connections
 * @meters: meters
 * @reserved: zero
 * @encapsulated: frames sent through tunnels
 * @decapsulated: frames taken out of tunnels and finished by rules
 */
struct sluice_esw_info {
	__le32 mode;
	__le32 rules;
	__le32 masks;
	__le32 tables;
	__le32 counters;
	__le32 mapped;
	__le32 next_hops;
	__le32 encaps;
	__le64 lookups;
	__le64 hits;
	__le64 misses[16];
	__le32 endpoints;
	__le32 ct;
	__le32 meters;
	__le32 reserved;
	__le64 encapsulated;
	__le64 decapsulated;
};

_Static_assert(sizeof(struct sluice_cmd_hdr) == 16, "command header");
_Static_assert(sizeof(struct sluice_ctrl_cqe) == 16, "command completion");
_Static_assert(sizeof(struct sluice_cmd_u32) == 24, "number command");
_Static_assert(sizeof(struct sluice_cmd_buf) == 32, "buffer command");
_Static_assert(sizeof(struct sluice_cmd_mac) == 24, "address command");
_Static_assert(sizeof(struct sluice_cmd_cq) == 40, "cq command");
_Static_assert(sizeof(struct sluice_cmd_queue) == 32, "queue command");
_Static_assert(sizeof(struct sluice_cmd_rss) == 192, "rss command");
_Static_assert(sizeof(struct sluice_func_info) == 256, "function info");
_Static_assert(sizeof(struct sluice_cmd_vport) == 40, "vport command");
_Static_assert(sizeof(struct sluice_vport_info) == 288, "vport info");
_Static_assert(sizeof(struct sluice_cmd_counters) == 32, "counter command");
_Static_assert(sizeof(struct sluice_cmd_mask) == 344, "mask command");
_Static_assert(sizeof(struct sluice_cmd_range) == 32, "range command");
_Static_assert(sizeof(struct sluice_meter_rate) == 12, "meter rate");
_Static_assert(sizeof(struct sluice_cmd_meter) == 96, "meter command");
_Static_assert(sizeof(struct sluice_cmd_shaper) == 32, "shaper command");
_Static_assert(sizeof(struct sluice_cmd_rule) == 48, "rule command");
_Static_assert(sizeof(struct sluice_cmd_next_hop) == 48, "next hop command");
_Static_assert(sizeof(struct sluice_cmd_encap) == 40, "encap command");
_Static_assert(sizeof(struct sluice_cmd_endpoint) == 80, "endpoint command");
_Static_assert(sizeof(struct sluice_cmd_ct) == 128, "connection command");
_Static_assert(sizeof(struct sluice_esw_info) == 208, "eswitch info");

#endif /* _LINUX_SLUICE_CMD_H */
