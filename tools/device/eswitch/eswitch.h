/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The eSwitch as a library: vports, legacy switch, rule tables, counters.
 *
 * The library knows nothing of rings, DMA, PCI or QEMU.  Its host gives it
 * frames with sluice_esw_input() and takes frames through the callbacks of
 * struct sluice_esw_host.  One eSwitch is used by one thread at a time; for more
 * threads it has lanes.  No function sleeps or, on the packet path, allocates or
 * takes a lock, but frames that meet a meter when there are lanes.
 *
 * Functions that carry out a command return enum sluice_status.
 */
#ifndef SLUICE_ESWITCH_H
#define SLUICE_ESWITCH_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/sluice/regs.h>
#include <linux/sluice/ring.h>
#include <linux/sluice/cmd.h>

struct sluice_esw;

/**
 * struct sluice_esw_cfg - sizes of an eSwitch, fixed at creation
 * @num_vfs: VFs, 0 to SLUICE_MAX_VFS
 * @num_uplinks: 1 to SLUICE_MAX_UPLINKS
 * @max_rules: rule ids are 0 to @max_rules - 1; the same for the others
 * @max_masks: masks
 * @max_counters: counters
 * @max_tables: tables
 * @max_actions: steps of an action program
 * @max_filters: extra addresses per function
 * @max_next_hops: next hops, may be zero
 * @max_encaps: encaps, may be zero
 * @max_endpoints: endpoints, may be zero
 * @max_ct: directions of connections, may be zero
 * @max_meters: meters, may be zero
 */
struct sluice_esw_cfg {
	unsigned int num_vfs;
	unsigned int num_uplinks;
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
};

/**
 * enum sluice_tx_result - what became of a frame handed to the host
 * @SLUICE_TX_OK: on the wire, or in the function's receive ring
 * @SLUICE_TX_NOBUF: the function had no buffer for it
 * @SLUICE_TX_DOWN: the function's receive path is not enabled
 */
enum sluice_tx_result {
	SLUICE_TX_OK,
	SLUICE_TX_NOBUF,
	SLUICE_TX_DOWN,
};

/* What is known of a frame's checksums. */
#define SLUICE_FRAME_L4_OK	0x1	/* device computed or verified it */

/**
 * struct sluice_flow_hash - what tells flows apart
 * @value: the hash, never zero
 * @l4: ports took part
 */
struct sluice_flow_hash {
	uint32_t value;
	bool l4;
};

/**
 * struct sluice_slow_meta - why a frame takes the slow path
 * @src_vport: where it came in
 * @reason: enum sluice_miss
 * @table: last table looked at, or SLUICE_ID_NONE
 * @hash: flow hash of the frame as it came in
 */
struct sluice_slow_meta {
	uint16_t src_vport;
	uint8_t reason;
	uint32_t table;
	struct sluice_flow_hash hash;
};

/**
 * struct sluice_large - a TCP or UDP frame that stands for several
 * @frame: the frame; they differ in IPv4 id, TCP sequence number, lengths and
 *	checksums, the first alone may have CWR, the last alone FIN and PSH
 * @len: its length
 * @segs: frames it stands for, two at least
 * @longest: length of the longest of them
 * @bytes: length of all of them together
 * @mss: payload of each but the last
 * @fixed_id: they have the same IPv4 id
 */
struct sluice_large {
	const uint8_t *frame;
	uint32_t len;
	uint32_t segs;
	uint32_t longest;
	uint32_t bytes;
	uint16_t mss;
	bool fixed_id;
};

/**
 * struct sluice_esw_host - services the eSwitch needs
 * @ctx: passed to every callback
 * @now: device clock in nanoseconds
 * @deliver: hand a frame to the owner of a vport: the wire for an uplink, the
 *	receive rings for PF and VFs.  @meta is not NULL when the frame is for
 *	the PF's slow path (vport is then SLUICE_VPORT_PF).  The frame is valid
 *	during the call only, which must not call into the eSwitch
 * @deliver_large: hand a large frame to a function as it is.  Anything but
 *	SLUICE_TX_OK says that the function does not take it, and changes
 *	nothing.  NULL: none takes any
 * @flow_hash: hash of a frame, to be set in @hash.  All frames of a flow get
 *	the same, which is not zero.  NULL: all frames are one flow
 * @stats_dirty: a counter (vport SLUICE_VPORT_NONE) or the statistics of a
 *	vport changed for the first time since they were last collected
 */
struct sluice_esw_host {
	void *ctx;
	uint64_t (*now)(void *ctx);
	enum sluice_tx_result (*deliver)(void *ctx, uint16_t vport,
					 const uint8_t *frame, uint32_t len,
					 unsigned int frame_flags,
					 const struct sluice_slow_meta *meta);
	enum sluice_tx_result (*deliver_large)(void *ctx, uint16_t vport,
					       const struct sluice_large *l);
	void (*flow_hash)(void *ctx, const uint8_t *frame, uint32_t len,
			  struct sluice_flow_hash *hash);
	void (*stats_dirty)(void *ctx, uint16_t vport);
};

/* Life (eswitch.c).  NULL when out of memory or a size is out of range. */
struct sluice_esw *sluice_esw_new(const struct sluice_esw_cfg *cfg,
				  const struct sluice_esw_host *host);
void sluice_esw_free(struct sluice_esw *esw);

/*
 * Lanes, for more threads (lane.c).  An eSwitch and its lanes are
 * SLUICE_ESW_MAX_LANES at most.
 */
#define SLUICE_ESW_MAX_LANES	16
struct sluice_esw *sluice_esw_lane_new(struct sluice_esw *esw,
				       const struct sluice_esw_host *host);
void sluice_esw_publish(struct sluice_esw *esw);

/* Back to the state after sluice_esw_new(), counters included (PF reset). */
void sluice_esw_reset(struct sluice_esw *esw);

int sluice_esw_set_mode(struct sluice_esw *esw, enum sluice_esw_mode mode);
enum sluice_esw_mode sluice_esw_mode(const struct sluice_esw *esw);
void sluice_esw_query(const struct sluice_esw *esw,
		      struct sluice_esw_info *info);

/*
 * Frames.  @in_vport is the vport whose owner sent the frame.  @frame need not
 * be writable.  sluice_esw_direct() takes a frame past the tables straight to
 * @dst (SLUICE_TX_F_DIRECT from the PF).
 */
void sluice_esw_input(struct sluice_esw *esw, uint16_t in_vport,
		      const uint8_t *frame, uint32_t len,
		      unsigned int frame_flags);
/**
 * struct sluice_esw_frame - a frame of a burst
 * @data: the frame, without FCS; need not be writable
 * @len: its length in bytes
 * @flags: SLUICE_FRAME_*
 */
struct sluice_esw_frame {
	const uint8_t *data;
	uint32_t len;
	unsigned int flags;
};

void sluice_esw_input_burst(struct sluice_esw *esw, uint16_t in_vport,
			    const struct sluice_esw_frame *frames,
			    unsigned int num);
void sluice_esw_direct(struct sluice_esw *esw, uint16_t dst,
		       const uint8_t *frame, uint32_t len,
		       unsigned int frame_flags);
/*
 * The same for a large frame that can go its way as it is, with the effects
 * all its frames would have had.  False when it cannot, and then nothing has
 * happened: give them one by one.
 */
bool sluice_esw_input_large(struct sluice_esw *esw, uint16_t in_vport,
			    const struct sluice_large *l);
bool sluice_esw_direct_large(struct sluice_esw *esw, uint16_t dst,
			     const struct sluice_large *l);

/* Objects of switchdev mode (rule.c, mask.c, range.c, meter.c,
 * counter.c). */
int sluice_esw_mask_add(struct sluice_esw *esw, uint32_t id,
			const struct sluice_key *mask);
int sluice_esw_mask_del(struct sluice_esw *esw, uint32_t id);
int sluice_esw_range_set(struct sluice_esw *esw,
			 const struct sluice_cmd_range *cmd);
int sluice_esw_range_del(struct sluice_esw *esw, uint32_t id);
int sluice_esw_meter_set(struct sluice_esw *esw,
			 const struct sluice_cmd_meter *cmd);
int sluice_esw_meter_del(struct sluice_esw *esw, uint32_t id);

/**
 * struct sluice_rule_spec - a rule to add, in host byte order
 * @id: rule id
 * @table: table
 * @mask: mask id
 * @counter: counter id or SLUICE_ID_NONE
 * @prio: priority
 * @subprio: and its second half
 * @flags: SLUICE_RULE_F_*
 * @key_words: number of words at @key
 * @num_actions: number of steps at @actions
 * @key: key words selected by the mask, as in struct sluice_cmd_rule
 * @actions: program, little-endian as in the command
 */
struct sluice_rule_spec {
	uint32_t id;
	uint32_t table;
	uint32_t mask;
	uint32_t counter;
	uint32_t prio;
	uint32_t subprio;
	uint16_t flags;
	unsigned int key_words;
	unsigned int num_actions;
	const uint64_t *key;
	const struct sluice_action *actions;
};

/*
 * Check the action program and key of a rule without any state: false means
 * the command is malformed (unknown operation, reserved field set, operation
 * after an ending one, too many words).
 */
bool sluice_rule_well_formed(const struct sluice_rule_spec *spec);
int sluice_esw_rule_add(struct sluice_esw *esw,
			const struct sluice_rule_spec *spec);
int sluice_esw_rule_del(struct sluice_esw *esw, uint32_t id,
			uint32_t *counter);

/*
 * Tunnel objects of switchdev mode (next_hop.c, encap.c, endpoint.c).  A SET
 * creates an object or changes all of it.  They take the commands as they are,
 * little-endian; an encap's header must be there as its header_len says.
 */
int sluice_esw_next_hop_set(struct sluice_esw *esw,
			    const struct sluice_cmd_next_hop *cmd);
int sluice_esw_next_hop_del(struct sluice_esw *esw, uint32_t id,
			    uint32_t *counter);
int sluice_esw_encap_set(struct sluice_esw *esw,
			 const struct sluice_cmd_encap *cmd);
int sluice_esw_encap_del(struct sluice_esw *esw, uint32_t id);
int sluice_esw_endpoint_set(struct sluice_esw *esw,
			    const struct sluice_cmd_endpoint *cmd);
int sluice_esw_endpoint_del(struct sluice_esw *esw, uint32_t id);

/*
 * Connections (ct.c).  SET takes the command as it is, as those of tunnels do.
 */
int sluice_esw_ct_set(struct sluice_esw *esw, const struct sluice_cmd_ct *cmd);
int sluice_esw_ct_del(struct sluice_esw *esw, uint32_t id, uint32_t *counter);

/*
 * Counters and statistics leave the eSwitch through collectors.
 * sluice_esw_collect_counters() calls @emit for every counter changed since the
 * last call; sluice_esw_counter_read() reads one.
 */
typedef void (*sluice_counter_emit)(void *ctx, uint32_t id,
				    const struct sluice_counter *value);
void sluice_esw_collect_counters(struct sluice_esw *esw,
				 sluice_counter_emit emit, void *ctx);
int sluice_esw_counter_read(struct sluice_esw *esw, uint32_t id,
			    struct sluice_counter *value);

/* vports (vport.c) */
bool sluice_esw_vport_valid(const struct sluice_esw *esw, uint16_t vport);
int sluice_esw_vport_set(struct sluice_esw *esw, uint16_t vport,
			 const struct sluice_cmd_vport *cmd);
/* Fills all but @error, @error_info. */
int sluice_esw_vport_query(struct sluice_esw *esw, uint16_t vport,
			   struct sluice_vport_info *info);
void sluice_esw_vport_stats(struct sluice_esw *esw, uint16_t vport,
			    struct sluice_vport_stats *stats);
/* The host tells: a function was enabled, a wire's carrier changed. */
void sluice_esw_vport_enable(struct sluice_esw *esw, uint16_t vport, bool on);
void sluice_esw_uplink_carrier(struct sluice_esw *esw, unsigned int uplink,
			       bool up);
bool sluice_esw_vport_link(const struct sluice_esw *esw, uint16_t vport);
/* Largest MTU a function may set: a VF's is the one the PF gave, if it did. */
uint16_t sluice_esw_vport_max_mtu(const struct sluice_esw *esw,
				  uint16_t vport);
/* Address a vport starts with; survives resets. */
void sluice_esw_vport_set_permanent_mac(struct sluice_esw *esw, uint16_t vport,
					const uint8_t mac[6]);
/* Commands of a function about its own vport, subject to policy. */
int sluice_esw_func_set_mac(struct sluice_esw *esw, uint16_t vport,
			    const uint8_t mac[6]);
int sluice_esw_func_set_mtu(struct sluice_esw *esw, uint16_t vport,
			    uint32_t mtu);
int sluice_esw_func_set_rx_mode(struct sluice_esw *esw, uint16_t vport,
				uint32_t mode);
int sluice_esw_func_filter_add(struct sluice_esw *esw, uint16_t vport,
			       const uint8_t mac[6]);
int sluice_esw_func_filter_del(struct sluice_esw *esw, uint16_t vport,
			       const uint8_t mac[6]);
/* A function was reset: filters, receive mode and enable go; policy stays. */
void sluice_esw_func_reset(struct sluice_esw *esw, uint16_t vport);

#endif /* SLUICE_ESWITCH_H */
