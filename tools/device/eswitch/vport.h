/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports of the eSwitch: state, statistics, and what every frame meets there.
 */
#ifndef SLUICE_ESW_VPORT_H
#define SLUICE_ESW_VPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "eswitch.h"

/* struct sluice_vport_stats in host order; the fields have the same names. */
struct esw_stats {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t rx_multicast;
	uint64_t rx_broadcast;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t tx_multicast;
	uint64_t tx_broadcast;
	uint64_t rx_dropped_link;
	uint64_t rx_dropped_nobuf;
	uint64_t rx_dropped_mtu;
	uint64_t tx_dropped_link;
	uint64_t tx_dropped_spoof;
	uint64_t tx_dropped_mtu;
	uint64_t tx_dropped_rule;
	uint64_t slow_packets;
	uint64_t slow_bytes;
	uint64_t slow_dropped;
	uint64_t samples;
	uint64_t samples_dropped;
};

/**
 * struct esw_vport - a port of the eSwitch
 * @stats: statistics, in host order; of each lane its own
 * @dirty: statistics changed since they were last collected, likewise
 * @num: its number; this and what follows changes by commands only
 * @mtu: MTU in force
 * @given_mtu: MTU given by the PF, 0 for none: an upper limit and the MTU
 *	after a function reset
 * @vlan: VFs: SLUICE_VPORT_VLAN_*, zero for none
 * @mac: address in force
 * @perm_mac: address it starts with
 * @given_mac: address given by the PF, all zero for none
 * @uplink: a wire
 * @vf: a VF
 * @enabled: its driver enabled it; uplinks always are
 * @carrier: uplinks: the wire has a carrier
 * @egress_punt: frames output here take the slow path
 * @link_policy: enum sluice_link_policy
 * @policy: SLUICE_POLICY_*
 * @rx_mode: SLUICE_RX_MODE_* as asked for
 * @root_table: first table or SLUICE_ID_NONE
 * @next_table: table when no rule was met from there on, or SLUICE_ID_NONE
 * @num_filters: addresses from FILTER_ADD
 * @num_endpoints: uplinks: endpoints that look at their frames
 */
struct esw_vport {
	struct esw_stats stats;
	bool dirty;
	uint16_t num;
	uint16_t mtu;
	uint16_t given_mtu;
	uint16_t vlan;
	uint8_t mac[6];
	uint8_t perm_mac[6];
	uint8_t given_mac[6];
	bool uplink;
	bool vf;
	bool enabled;
	bool carrier;
	bool egress_punt;
	uint8_t link_policy;
	uint32_t policy;
	uint32_t rx_mode;
	uint32_t root_table;
	uint32_t next_table;
	uint32_t num_filters;
	uint32_t num_endpoints;
};

struct esw_vport *esw_vports_alloc(const struct sluice_esw *esw);
int esw_vports_init(struct sluice_esw *esw);
void esw_vports_free(struct sluice_esw *esw);
void esw_vports_reset(struct sluice_esw *esw);
void esw_vports_unbind(struct sluice_esw *esw);
void esw_vport_dirty(struct sluice_esw *esw, struct esw_vport *vp);
unsigned int esw_vport_ingress(struct sluice_esw *esw, struct esw_vport *vp,
			       const struct sluice_esw_frame *frames,
			       unsigned int num,
			       const struct sluice_esw_frame **good);
void esw_vport_deliver(struct sluice_esw *esw, struct esw_vport *vp,
		       const uint8_t *frame, uint32_t len, unsigned int flags);
bool esw_vport_lets_out(const struct sluice_esw *esw,
			const struct esw_vport *vp,
			const struct sluice_large *l);
bool esw_vport_deliver_large(struct sluice_esw *esw, struct esw_vport *vp,
			     const struct sluice_large *l);
void esw_vport_count_large(struct sluice_esw *esw, struct esw_vport *vp,
			   const struct sluice_large *l);
void esw_vport_drop(struct sluice_esw *esw, struct esw_vport *vp);
void esw_flow_hash(const struct sluice_esw *esw, const uint8_t *frame,
		   uint32_t len, struct sluice_flow_hash *hash);
void esw_slow_path(struct sluice_esw *esw, struct esw_vport *src,
		   const uint8_t *frame, uint32_t len, unsigned int flags,
		   uint8_t reason, uint32_t table,
		   const struct sluice_flow_hash *hash);

static inline bool esw_mac_multicast(const uint8_t *mac)
{
	return mac[0] & 1;
}

/*
 * Two bytes first: of the second of two addresses that were just written by eight
 * bytes and four, each part was written at once.
 */
static inline bool esw_mac_zero(const uint8_t *mac)
{
	uint16_t first;
	uint32_t last;

	memcpy(&first, mac, 2);
	memcpy(&last, mac + 2, 4);
	return !(first | last);
}

bool esw_mac_broadcast(const uint8_t *mac);

#endif /* SLUICE_ESW_VPORT_H */
