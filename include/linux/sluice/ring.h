/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Sluice hardware interface: packet rings, completions and events.
 *
 * All structures live in host memory, are little-endian and are read and
 * written by DMA.  Reserved fields must be zero; the device takes a set
 * reserved bit as a malformed descriptor.
 *
 * Rings that the device writes (completions, events) carry a phase bit in
 * their last byte: the host clears the ring, the device writes phase 1 on its
 * first pass, 0 on the second, and so on.  An entry is new when its phase is
 * that of the pass the reader is in.
 */
#ifndef _LINUX_SLUICE_RING_H
#define _LINUX_SLUICE_RING_H

#include <linux/types.h>

/**
 * struct sluice_tx_desc - one piece of a frame to send
 * @addr: DMA address of the piece
 * @len: its length in bytes, 1 to 65535
 * @flags: SLUICE_TX_F_*
 * @dst_vport: with %SLUICE_TX_F_DIRECT, the vport the frame leaves by
 * @csum_start: with %SLUICE_TX_F_CSUM, offset in the frame where summing starts
 * @csum_offset: offset from @csum_start of the 16-bit field to fill in
 * @mss: with %SLUICE_TX_F_GSO, payload bytes per segment
 * @hdr_len: with %SLUICE_TX_F_GSO, bytes of headers before the payload
 * @reserved: zero
 *
 * A frame is one or more consecutive descriptors; all fields but @addr, @len
 * and %SLUICE_TX_F_EOP are taken from the first, and are zero in the others.
 *
 * With %SLUICE_TX_F_GSO the frame is a long TCP or UDP packet that stands for
 * segments of @mss bytes of payload each, the last with what is left.  It
 * needs %SLUICE_TX_F_CSUM.
 */
struct sluice_tx_desc {
	__le64 addr;
	__le32 len;
	__le16 flags;
	__le16 dst_vport;
	__le16 csum_start;
	__le16 csum_offset;
	__le16 mss;
	__le16 hdr_len;
	__le64 reserved;
};

#define SLUICE_TX_F_EOP		0x0001	/* last piece of the frame */
#define SLUICE_TX_F_CSUM	0x0002	/* complete an Internet checksum */
#define SLUICE_TX_F_DIRECT	0x0004	/* PF: past the switch, to @dst_vport */
#define SLUICE_TX_F_GSO		0x0008	/* segment (SLUICE_CAP_TSO) */
#define SLUICE_TX_F_FIXED_ID	0x0010	/* with GSO: one IPv4 id for all segments */
#define SLUICE_TX_F_ALL		0x001f

/* Most pieces a frame may have, and longest frame without GSO. */
#define SLUICE_TX_MAX_DESCS	32
#define SLUICE_FRAME_MIN	14
#define SLUICE_FRAME_MAX	9236	/* 9000 + 14 + room for tags and tunnels */
/* Longest frame with GSO, and most segments it may stand for. */
#define SLUICE_GSO_FRAME_MAX	65535
#define SLUICE_GSO_SEGS_MAX	1024
#define SLUICE_MTU_MIN		68
#define SLUICE_MTU_MAX		9000

/**
 * struct sluice_ctrl_shadow - how far a driver's control ring is, without doorbells
 * @tail: written by the driver, before each doorbell: the count of the first slot
 *	that is not announced
 * @polled: written by the device: not zero while it looks at @tail by itself, as
 *	soon as for SLUICE_DB_CTRL_SOON and before each packet
 * @reserved: zero
 *
 * A driver writes @tail, then reads @polled, and needs no SLUICE_DB_CTRL_SOON when
 * that is not zero.  The device takes @polled back before it reads @tail for the
 * last time.
 */
struct sluice_ctrl_shadow {
	__le32 tail;
	__le32 polled;
	__le32 reserved[14];
};

/**
 * struct sluice_rx_desc - one receive buffer
 * @addr: DMA address
 * @len: its length in bytes, 64 to 65535
 * @reserved: zero
 *
 * A frame fills as many consecutive buffers as it needs, in order.
 */
struct sluice_rx_desc {
	__le64 addr;
	__le32 len;
	__le32 reserved;
};

/**
 * struct sluice_cqe - completion of transmitted frames or of a received frame
 * @index: TX: descriptors consumed so far (free-running count).  RX: count of
 *	the first buffer used
 * @len: RX: length of the frame
 * @hash: RX: RSS hash, valid with %SLUICE_CQE_F_HASH.  With %SLUICE_CQE_F_SLOW
 *	it is always there, never zero, and the flow hash of the frame as it came
 *	in, which also gives a tunnel its UDP source port
 * @flags: SLUICE_CQE_F_*
 * @src_vport: RX, with %SLUICE_CQE_F_SLOW: vport the frame came in by
 * @nbufs: RX: buffers used
 * @queue: the TX or RX queue number
 * @reason: RX, with %SLUICE_CQE_F_SLOW: enum sluice_miss
 * @mss: RX, with %SLUICE_CQE_F_LARGE: payload of each frame but the last
 * @reserved: zero
 * @table: RX, with %SLUICE_CQE_F_SLOW: table that gave the verdict
 * @reserved2: zero
 * @phase: bit 0 is the phase, the rest zero
 */
struct sluice_cqe {
	__le32 index;
	__le32 len;
	__le32 hash;
	__le16 flags;
	__le16 src_vport;
	__le16 nbufs;
	__u8 queue;
	__u8 reason;
	__le16 mss;
	__le16 reserved;
	__le32 table;
	__u8 reserved2[3];
	__u8 phase;
};

#define SLUICE_CQE_F_RX		0x0001	/* else TX */
#define SLUICE_CQE_F_L3_OK	0x0002	/* IPv4 header checksum is right */
#define SLUICE_CQE_F_L4_OK	0x0004	/* TCP, UDP, SCTP checksum is right */
#define SLUICE_CQE_F_HASH	0x0008
#define SLUICE_CQE_F_HASH_L4	0x0010	/* @hash covers ports */
#define SLUICE_CQE_F_SLOW	0x0020	/* PF: through the slow path */
#define SLUICE_CQE_F_LARGE	0x0040	/* several frames in one */
#define SLUICE_CQE_F_FIXED_ID	0x0080	/* LARGE: one IPv4 id */

/**
 * enum sluice_miss - why a frame took the slow path
 * @SLUICE_MISS_NONE: not a slow-path frame
 * @SLUICE_MISS_NO_TABLE: the vport has no root table
 * @SLUICE_MISS_NO_RULE: no rule of @table matched
 * @SLUICE_MISS_PUNT: a rule asked for software (refused rule, pass or trap)
 * @SLUICE_MISS_TO_CPU: a rule delivered the frame to the host, after edits
 * @SLUICE_MISS_PARSE: the parser does not understand the frame exactly
 * @SLUICE_MISS_ACTION: an action could not be carried out exactly
 * @SLUICE_MISS_HOPS: more than %SLUICE_MAX_HOPS rules that did not end its way
 * @SLUICE_MISS_EGRESS: an output port's egress belongs to software
 * @SLUICE_MISS_RESOURCE: the device ran out of room for the result
 * @SLUICE_MISS_NEXT_HOP: a tunnel's next hop is not known at the moment
 * @SLUICE_MISS_MTU: too long for the path of a tunnel or a route
 * @SLUICE_MISS_DECAP: an endpoint's frame that only software can take out of
 *	its tunnel
 * @SLUICE_MISS_CT: a ct action's packet that only software can track
 * @SLUICE_MISS_HOST: a copy that a rule has made for the host; @table is what
 *	the rule says of it
 * @SLUICE_MISS_SAMPLE: a copy that a rule has made as a sample, likewise
 */
enum sluice_miss {
	SLUICE_MISS_NONE	= 0,
	SLUICE_MISS_NO_TABLE	= 1,
	SLUICE_MISS_NO_RULE	= 2,
	SLUICE_MISS_PUNT	= 3,
	SLUICE_MISS_TO_CPU	= 4,
	SLUICE_MISS_PARSE	= 5,
	SLUICE_MISS_ACTION	= 6,
	SLUICE_MISS_HOPS	= 7,
	SLUICE_MISS_EGRESS	= 8,
	SLUICE_MISS_RESOURCE	= 9,
	SLUICE_MISS_NEXT_HOP	= 10,
	SLUICE_MISS_MTU		= 11,
	SLUICE_MISS_DECAP	= 12,
	SLUICE_MISS_CT		= 13,
	SLUICE_MISS_HOST	= 14,
	SLUICE_MISS_SAMPLE	= 15,
};

#define SLUICE_MAX_HOPS		16

/**
 * struct sluice_event - something the host should know
 * @type: enum sluice_event_type
 * @reserved: zero
 * @vport: the vport concerned
 * @data: see enum sluice_event_type
 * @reserved2: zero
 * @phase: bit 0 is the phase
 */
struct sluice_event {
	__u8 type;
	__u8 reserved;
	__le16 vport;
	__le32 data[6];
	__u8 reserved2[3];
	__u8 phase;
};

/**
 * enum sluice_event_type - events
 * @SLUICE_EVENT_LINK: link of the function's own vport, or (PF) of an uplink,
 *	changed; data[0] is 1 for up, data[1] the speed in Mbit/s
 * @SLUICE_EVENT_MTU: the PF changed this function's MTU; data[0] is the MTU
 * @SLUICE_EVENT_MAC: the PF changed this function's address; data[0] holds
 *	its first four bytes, data[1] the last two, each as a little-endian
 *	number whose lowest byte is the first byte of the address
 * @SLUICE_EVENT_VF_STATE: (PF) a VF's driver enabled (data[0] = 1) or disabled
 *	or reset (data[0] = 0) its function
 * @SLUICE_EVENT_VF_ERROR: (PF) a VF entered the error state; data[0] is enum
 *	sluice_error, data[1] its information
 * @SLUICE_EVENT_POLICY: the PF changed this function's policy; data[0] is
 *	SLUICE_POLICY_*
 */
enum sluice_event_type {
	SLUICE_EVENT_LINK	= 1,
	SLUICE_EVENT_MTU	= 2,
	SLUICE_EVENT_MAC	= 3,
	SLUICE_EVENT_VF_STATE	= 4,
	SLUICE_EVENT_VF_ERROR	= 5,
	SLUICE_EVENT_POLICY	= 6,
};

/**
 * struct sluice_counter - counter of a rule, next hop or connection in host memory
 * @packets: packets so far
 * @bytes: bytes so far.  Of rules as tc counts at ingress: without the Ethernet
 *	header and without the outermost VLAN tag.  Of next hops whole frames.  Of
 *	connections IP packets
 * @last_use: device clock at the last hit, in nanoseconds; 0 if never
 * @dropped: of @packets, those that a %SLUICE_ACT_DROP with %SLUICE_DROP_F_METER
 *	dropped
 *
 * The device writes a whole counter with one DMA write; a reader that sees
 * @packets change while it reads must read again.
 */
struct sluice_counter {
	__le64 packets;
	__le64 bytes;
	__le64 last_use;
	__le64 dropped;
};

/**
 * struct sluice_vport_stats - statistics of a vport in host memory
 *
 * tx and rx are seen from the vport's owner: a VF's tx is what the VF sent.
 * For an uplink, tx is what went out on the wire.  Bytes are whole frames
 * without FCS.  A frame dropped before the switch looked at it
 * (@tx_dropped_link, @tx_dropped_spoof, @tx_dropped_mtu) is not in
 * @tx_packets; one dropped by a rule is.  Of an uplink, rx is what came in from
 * the wire, and its rx and tx drops change places likewise, but
 * @tx_dropped_rule, which is always about the frames that came in by the vport.
 *
 * @rx_packets: frames delivered to the owner
 * @rx_bytes: their bytes
 * @rx_multicast: those of them with a multicast destination
 * @rx_broadcast: those of them with a broadcast destination
 * @tx_packets: frames sent by the owner
 * @tx_bytes: their bytes
 * @tx_multicast: those of them with a multicast destination
 * @tx_broadcast: those of them with a broadcast destination
 * @rx_dropped_link: for this vport, but it was down or not enabled
 * @rx_dropped_nobuf: for this vport, but it had no receive buffer
 * @rx_dropped_mtu: for this vport, but longer than its MTU allows
 * @tx_dropped_link: sent while the vport was down
 * @tx_dropped_spoof: refused by the anti-spoof check
 * @tx_dropped_mtu: sent, but longer than the MTU allows
 * @tx_dropped_rule: dropped by a rule or by the legacy switch
 * @slow_packets: frames of this vport given to the slow path
 * @slow_bytes: their bytes
 * @slow_dropped: frames the slow path had no buffer for
 * @samples: samples of frames of this vport given to the slow path; they are not
 *	in @slow_packets
 * @samples_dropped: samples the slow path had no buffer for
 * @reserved: zero
 */
struct sluice_vport_stats {
	__le64 rx_packets;
	__le64 rx_bytes;
	__le64 rx_multicast;
	__le64 rx_broadcast;
	__le64 tx_packets;
	__le64 tx_bytes;
	__le64 tx_multicast;
	__le64 tx_broadcast;
	__le64 rx_dropped_link;
	__le64 rx_dropped_nobuf;
	__le64 rx_dropped_mtu;
	__le64 tx_dropped_link;
	__le64 tx_dropped_spoof;
	__le64 tx_dropped_mtu;
	__le64 tx_dropped_rule;
	__le64 slow_packets;
	__le64 slow_bytes;
	__le64 slow_dropped;
	__le64 samples;
	__le64 samples_dropped;
	__le64 reserved[12];
};

_Static_assert(sizeof(struct sluice_tx_desc) == 32, "tx descriptor");
_Static_assert(sizeof(struct sluice_rx_desc) == 16, "rx descriptor");
_Static_assert(sizeof(struct sluice_cqe) == 32, "completion");
_Static_assert(sizeof(struct sluice_event) == 32, "event");
_Static_assert(sizeof(struct sluice_counter) == 32, "counter");
_Static_assert(sizeof(struct sluice_vport_stats) == 256, "vport statistics");

#endif /* _LINUX_SLUICE_RING_H */
