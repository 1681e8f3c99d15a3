// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vports: state, policy, statistics, and the way out.
 */
#include <stdlib.h>
#include "internal.h"

bool esw_mac_broadcast(const uint8_t *mac)
{
	return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

static bool mac_valid(const uint8_t *mac)
{
	return !esw_mac_multicast(mac) && !esw_mac_zero(mac);
}

static bool mac_equal(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, ESW_ETH_ALEN);
}

static struct esw_vport *function_get(const struct sluice_esw *esw,
				      uint16_t num)
{
	return num <= esw->cfg.num_vfs ? &esw->vport[num] : NULL;
}

/* The address in force, in the switch's table too. */
static void use_mac(struct sluice_esw *esw, struct esw_vport *vp,
		    const uint8_t *mac)
{
	if (mac_equal(vp->mac, mac))
		return;
	if (!vp->uplink && !esw_mac_zero(vp->mac))
		esw_fdb_del(esw, vp->num, vp->mac, true);
	memcpy(vp->mac, mac, ESW_ETH_ALEN);
	if (!vp->uplink && !esw_mac_zero(mac))
		esw_fdb_add(esw, vp->num, mac, true);
}

/* What a function reset changes. */
static void function_defaults(struct sluice_esw *esw, struct esw_vport *vp)
{
	esw_fdb_del_filters(esw, vp->num);
	vp->num_filters = 0;
	vp->rx_mode = 0;
	vp->enabled = false;
	vp->mtu = vp->given_mtu ? vp->given_mtu : ESW_PERM_MTU;
	use_mac(esw, vp, esw_mac_zero(vp->given_mac) ? vp->perm_mac :
						       vp->given_mac);
}

/* Memory for all vports, zero, or NULL. */
struct esw_vport *esw_vports_alloc(const struct sluice_esw *esw)
{
	return esw_pages_alloc(esw->num_vports * sizeof(struct esw_vport));
}

int esw_vports_init(struct sluice_esw *esw)
{
	unsigned int i;

	esw->num_vports = 1 + esw->cfg.num_vfs + esw->cfg.num_uplinks;
	esw->vport = esw_vports_alloc(esw);
	if (!esw->vport)
		return -1;
	for (i = 0; i < esw->num_vports; i++) {
		struct esw_vport *vp = &esw->vport[i];

		vp->uplink = i > esw->cfg.num_vfs;
		vp->vf = i && !vp->uplink;
		vp->num = (uint16_t)(vp->uplink ?
			  SLUICE_VPORT_UPLINK(i - esw->cfg.num_vfs - 1) : i);
	}
	esw_vports_reset(esw);
	return 0;
}

void esw_vports_free(struct sluice_esw *esw)
{
	free(esw->vport);
}

/* No root table, no punt at egress. */
void esw_vports_unbind(struct sluice_esw *esw)
{
	unsigned int i;

	for (i = 0; i < esw->num_vports; i++) {
		esw->vport[i].root_table = SLUICE_ID_NONE;
		esw->vport[i].next_table = SLUICE_ID_NONE;
		esw->vport[i].egress_punt = false;
	}
}

void esw_vports_reset(struct sluice_esw *esw)
{
	struct sluice_esw *lane;
	unsigned int i, l;

	esw_vports_unbind(esw);
	for (l = 0; (lane = esw_lane_get(esw, l)); l++) {
		for (i = 0; i < esw->num_vports; i++) {
			memset(&lane->vport[i].stats, 0,
			       sizeof(lane->vport[i].stats));
			lane->vport[i].dirty = false;
		}
	}
	for (i = 0; i < esw->num_vports; i++) {
		struct esw_vport *vp = &esw->vport[i];

		memset(vp->given_mac, 0, sizeof(vp->given_mac));
		vp->given_mtu = 0;
		vp->vlan = 0;
		vp->link_policy = SLUICE_LINK_AUTO;
		vp->policy = vp->vf ? 0 : SLUICE_POLICY_TRUST;
		if (vp->uplink) {
			vp->enabled = true;
			vp->mtu = SLUICE_MTU_MAX;
		} else {
			function_defaults(esw, vp);
		}
	}
}

void esw_vport_dirty(struct sluice_esw *esw, struct esw_vport *vp)
{
	if (vp->dirty)
		return;
	vp->dirty = true;
	if (esw->host.stats_dirty)
		esw->host.stats_dirty(esw->host.ctx, vp->num);
}

/* A frame of @vp's was dropped by a rule or by the switch. */
void esw_vport_drop(struct sluice_esw *esw, struct esw_vport *vp)
{
	vp->stats.tx_dropped_rule++;
	esw_vport_dirty(esw, vp);
}

/* For frames of more than @limit without a tag. */
static bool too_long_tagged(const uint8_t *frame, uint32_t len, uint32_t limit)
{
	if (len > SLUICE_FRAME_MAX)
		return true;
	if (esw_is_vlan(esw_get16(frame + 12))) {
		limit += ESW_VLAN_HLEN;
		if (esw_is_vlan(esw_get16(frame + 16)))
			limit += ESW_VLAN_HLEN;
	}
	return len > limit;
}

/* The MTU is without Ethernet header and up to two tags. */
static inline bool too_long(const struct esw_vport *vp, const uint8_t *frame,
			    uint32_t len)
{
	uint32_t limit = (uint32_t)vp->mtu + ESW_ETH_HLEN;

	return len > limit && too_long_tagged(frame, len, limit);
}

/* Frames to a group or to all, @received by the port or sent. */
static void count_group(struct esw_stats *s, const uint8_t *mac,
			uint32_t packets, bool received)
{
	bool broadcast = esw_mac_broadcast(mac);

	if (received && broadcast)
		s->rx_broadcast += packets;
	else if (received)
		s->rx_multicast += packets;
	else if (broadcast)
		s->tx_broadcast += packets;
	else
		s->tx_multicast += packets;
}

static inline void count(struct esw_stats *s, uint64_t packets, uint64_t bytes,
			 bool received)
{
	if (received) {
		s->rx_packets += packets;
		s->rx_bytes += bytes;
	} else {
		s->tx_packets += packets;
		s->tx_bytes += bytes;
	}
}

/* Frames to one address. */
static inline void count_frames(struct esw_stats *s, const uint8_t *mac,
				uint32_t packets, uint32_t bytes, bool received)
{
	count(s, packets, bytes, received);
	if (esw_mac_multicast(mac))
		count_group(s, mac, packets, received);
}

/* VFs: is a frame not one that they may send? */
static bool is_spoofed(const struct sluice_esw *esw, const struct esw_vport *vp,
		       const uint8_t *frame)
{
	return (vp->policy & SLUICE_POLICY_SPOOFCHK &&
		!mac_equal(frame + ESW_ETH_ALEN, vp->mac)) ||
	       (esw->mode == SLUICE_ESW_LEGACY && esw_vlan_foreign(vp, frame));
}

/*
 * Check and count @num frames that @vp's owner sent.  A wire's statistics are
 * those of a port: what comes in is received.  Return: how many pass, which are
 * put into @good.
 */
unsigned int esw_vport_ingress(struct sluice_esw *esw, struct esw_vport *vp,
			       const struct sluice_esw_frame *frames,
			       unsigned int num,
			       const struct sluice_esw_frame **good)
{
	struct esw_stats *s = &vp->stats;
	uint64_t bytes = 0;
	unsigned int i, n = 0;

	esw_vport_dirty(esw, vp);
	if (!esw_vport_up(esw, vp)) {
		if (vp->uplink)
			s->rx_dropped_link += num;
		else
			s->tx_dropped_link += num;
		return 0;
	}
	for (i = 0; i < num; i++) {
		const uint8_t *frame = frames[i].data;
		uint32_t len = frames[i].len;

		if (len < SLUICE_FRAME_MIN) {
			s->tx_dropped_rule++;
			continue;
		}
		if (too_long(vp, frame, len)) {
			if (vp->uplink)
				s->rx_dropped_mtu++;
			else
				s->tx_dropped_mtu++;
			continue;
		}
		if (vp->vf && is_spoofed(esw, vp, frame)) {
			s->tx_dropped_spoof++;
			continue;
		}
		bytes += len;
		if (esw_mac_multicast(frame))
			count_group(s, frame, 1, vp->uplink);
		good[n++] = &frames[i];
	}
	count(s, n, bytes, vp->uplink);
	return n;
}

/* Hand a frame to @vp's owner, and count it. */
void esw_vport_deliver(struct sluice_esw *esw, struct esw_vport *vp,
		       const uint8_t *frame, uint32_t len, unsigned int flags)
{
	struct esw_stats *s = &vp->stats;
	enum sluice_tx_result result = SLUICE_TX_DOWN;

	esw_vport_dirty(esw, vp);
	if (vp->enabled && esw_vport_up(esw, vp)) {
		if (too_long(vp, frame, len)) {
			if (vp->uplink)
				s->tx_dropped_mtu++;
			else
				s->rx_dropped_mtu++;
			return;
		}
		result = esw->host.deliver(esw->host.ctx, vp->num, frame, len,
					   flags, NULL);
	}
	if (result == SLUICE_TX_OK)
		count_frames(s, frame, 1, len, !vp->uplink);
	else if (result == SLUICE_TX_NOBUF)
		s->rx_dropped_nobuf++;
	else if (vp->uplink)
		s->tx_dropped_link++;
	else
		s->rx_dropped_link++;
}

/* Would all of a large frame pass the checks of function @vp, its sender? */
bool esw_vport_lets_out(const struct sluice_esw *esw,
			const struct esw_vport *vp,
			const struct sluice_large *l)
{
	return esw_vport_up(esw, vp) && !too_long(vp, l->frame, l->longest) &&
	       !(vp->vf && vp->policy & SLUICE_POLICY_SPOOFCHK &&
		 !mac_equal(l->frame + ESW_ETH_ALEN, vp->mac));
}

/* Hand a large frame to function @vp as it is, if that takes it, and count. */
bool esw_vport_deliver_large(struct sluice_esw *esw, struct esw_vport *vp,
			     const struct sluice_large *l)
{
	if (vp->uplink || !vp->enabled || !esw_vport_up(esw, vp) ||
	    too_long(vp, l->frame, l->longest) ||
	    esw->host.deliver_large(esw->host.ctx, vp->num, l) != SLUICE_TX_OK)
		return false;
	count_frames(&vp->stats, l->frame, l->segs, l->bytes, true);
	esw_vport_dirty(esw, vp);
	return true;
}

/* Function @vp has sent a large frame. */
void esw_vport_count_large(struct sluice_esw *esw, struct esw_vport *vp,
			   const struct sluice_large *l)
{
	count_frames(&vp->stats, l->frame, l->segs, l->bytes, false);
	esw_vport_dirty(esw, vp);
}

void esw_flow_hash(const struct sluice_esw *esw, const uint8_t *frame,
		   uint32_t len, struct sluice_flow_hash *hash)
{
	hash->value = 1;
	hash->l4 = false;
	if (esw->host.flow_hash)
		esw->host.flow_hash(esw->host.ctx, frame, len, hash);
}

/*
 * Give a frame that came in by @src to the PF's slow path.  @hash is NULL for a
 * frame that is as it came in.
 */
void esw_slow_path(struct sluice_esw *esw, struct esw_vport *src,
		   const uint8_t *frame, uint32_t len, unsigned int flags,
		   uint8_t reason, uint32_t table,
		   const struct sluice_flow_hash *hash)
{
	struct sluice_slow_meta meta = {
		.src_vport = src->num,
		.reason = reason,
		.table = table,
	};
	enum sluice_tx_result result = SLUICE_TX_DOWN;

	esw->misses[reason]++;
	if (hash)
		meta.hash = *hash;
	else
		esw_flow_hash(esw, frame, len, &meta.hash);
	if (esw_vport_get(esw, SLUICE_VPORT_PF)->enabled)
		result = esw->host.deliver(esw->host.ctx, SLUICE_VPORT_PF,
					   frame, len, flags, &meta);
	if (reason == SLUICE_MISS_SAMPLE) {
		if (result == SLUICE_TX_OK)
			src->stats.samples++;
		else
			src->stats.samples_dropped++;
	} else if (result == SLUICE_TX_OK) {
		src->stats.slow_packets++;
		src->stats.slow_bytes += len;
	} else {
		src->stats.slow_dropped++;
	}
	esw_vport_dirty(esw, src);
}

/**
 * sluice_esw_vport_valid() - does a vport exist?
 * @esw: the eSwitch
 * @vport: its number
 *
 * Return: whether it does.
 */
bool sluice_esw_vport_valid(const struct sluice_esw *esw, uint16_t vport)
{
	return esw_vport_get(esw, vport);
}

static bool vlan_valid(uint16_t vlan)
{
	uint16_t vid = vlan & SLUICE_VPORT_VLAN_VID;

	return !vlan || (vid && vid != SLUICE_VPORT_VLAN_VID);
}

static int check_vport_cmd(const struct sluice_esw *esw,
			   const struct esw_vport *vp,
			   const struct sluice_cmd_vport *cmd)
{
	const uint32_t tables = SLUICE_VPORT_F_ROOT | SLUICE_VPORT_F_NEXT;
	uint32_t fields = le32toh(cmd->fields);
	uint32_t root = le32toh(cmd->root_table);
	uint16_t mtu = le16toh(cmd->mtu);

	if (fields & ~SLUICE_VPORT_F_ALL)
		return SLUICE_ST_INVAL;
	if (!vp->vf && fields & (SLUICE_VPORT_F_MAC | SLUICE_VPORT_F_LINK |
				 SLUICE_VPORT_F_POLICY | SLUICE_VPORT_F_VLAN))
		return SLUICE_ST_INVAL;
	if (fields & SLUICE_VPORT_F_MAC && !mac_valid(cmd->mac) &&
	    !esw_mac_zero(cmd->mac))
		return SLUICE_ST_INVAL;
	if (fields & SLUICE_VPORT_F_MTU && !(vp->vf && !mtu) &&
	    (mtu < SLUICE_MTU_MIN || mtu > SLUICE_MTU_MAX))
		return SLUICE_ST_INVAL;
	if (fields & SLUICE_VPORT_F_LINK && cmd->link > SLUICE_LINK_DOWN)
		return SLUICE_ST_INVAL;
	if (fields & SLUICE_VPORT_F_POLICY &&
	    le32toh(cmd->policy) & ~(uint32_t)(SLUICE_POLICY_SPOOFCHK |
					       SLUICE_POLICY_TRUST))
		return SLUICE_ST_INVAL;
	if (fields & SLUICE_VPORT_F_VLAN && !vlan_valid(le16toh(cmd->vlan)))
		return SLUICE_ST_INVAL;
	if (fields & SLUICE_VPORT_F_EGRESS && cmd->egress_punt > 1)
		return SLUICE_ST_INVAL;
	if ((fields & tables) == tables)
		return SLUICE_ST_INVAL;
	if (fields & tables && root != SLUICE_ID_NONE &&
	    root >= esw->cfg.max_tables)
		return SLUICE_ST_INVAL;
	if (esw->mode == SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_OK;
	if ((fields & tables && root != SLUICE_ID_NONE) ||
	    (fields & SLUICE_VPORT_F_EGRESS && cmd->egress_punt))
		return SLUICE_ST_MODE;
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_vport_set() - the PF changes a vport
 * @esw: the eSwitch
 * @vport: its number
 * @cmd: what to change, little-endian; hdr is not looked at.  An address of
 *	zero gives back the permanent one, an MTU of zero leaves a VF its MTU
 *	and takes the limit away
 *
 * Either all of it takes effect or nothing does.
 *
 * Return: %SLUICE_ST_NOENT; %SLUICE_ST_INVAL for a value out of range or a
 * field the vport does not have; %SLUICE_ST_MODE for a table or
 * egress_punt in legacy mode; %SLUICE_ST_OK.
 */
int sluice_esw_vport_set(struct sluice_esw *esw, uint16_t vport,
			 const struct sluice_cmd_vport *cmd)
{
	struct esw_vport *vp = esw_vport_get(esw, vport);
	uint32_t fields = le32toh(cmd->fields);
	int status;

	if (!vp)
		return SLUICE_ST_NOENT;
	status = check_vport_cmd(esw, vp, cmd);
	if (status)
		return status;
	if (fields & SLUICE_VPORT_F_MAC) {
		memcpy(vp->given_mac, cmd->mac, ESW_ETH_ALEN);
		use_mac(esw, vp, esw_mac_zero(cmd->mac) ? vp->perm_mac :
							  cmd->mac);
	}
	if (fields & SLUICE_VPORT_F_MTU) {
		vp->given_mtu = le16toh(cmd->mtu);
		if (vp->given_mtu)
			vp->mtu = vp->given_mtu;
	}
	if (fields & SLUICE_VPORT_F_LINK)
		vp->link_policy = cmd->link;
	if (fields & SLUICE_VPORT_F_POLICY)
		vp->policy = le32toh(cmd->policy);
	if (fields & SLUICE_VPORT_F_ROOT)
		vp->root_table = le32toh(cmd->root_table);
	if (fields & SLUICE_VPORT_F_NEXT)
		vp->next_table = le32toh(cmd->root_table);
	if (fields & SLUICE_VPORT_F_EGRESS)
		vp->egress_punt = cmd->egress_punt;
	if (fields & SLUICE_VPORT_F_VLAN)
		vp->vlan = le16toh(cmd->vlan);
	return SLUICE_ST_OK;
}

/* Add up what all lanes have counted. */
static struct esw_stats sum_stats(const struct sluice_esw *esw,
				  const struct esw_vport *vp)
{
	size_t at = (size_t)(vp - esw->vport);
	struct esw_stats sum = vp->stats;
	const struct sluice_esw *lane;
	unsigned int i, n;

	for (i = 1; (lane = esw_lane_get(esw, i)); i++) {
		const uint64_t *from = (const void *)&lane->vport[at].stats;
		uint64_t *to = (void *)&sum;

		for (n = 0; n < sizeof(sum) / sizeof(*to); n++)
			to[n] += from[n];
	}
	return sum;
}

static void export_stats(const struct esw_stats *from,
			 struct sluice_vport_stats *to)
{
	memset(to, 0, sizeof(*to));
	to->rx_packets = htole64(from->rx_packets);
	to->rx_bytes = htole64(from->rx_bytes);
	to->rx_multicast = htole64(from->rx_multicast);
	to->rx_broadcast = htole64(from->rx_broadcast);
	to->tx_packets = htole64(from->tx_packets);
	to->tx_bytes = htole64(from->tx_bytes);
	to->tx_multicast = htole64(from->tx_multicast);
	to->tx_broadcast = htole64(from->tx_broadcast);
	to->rx_dropped_link = htole64(from->rx_dropped_link);
	to->rx_dropped_nobuf = htole64(from->rx_dropped_nobuf);
	to->rx_dropped_mtu = htole64(from->rx_dropped_mtu);
	to->tx_dropped_link = htole64(from->tx_dropped_link);
	to->tx_dropped_spoof = htole64(from->tx_dropped_spoof);
	to->tx_dropped_mtu = htole64(from->tx_dropped_mtu);
	to->tx_dropped_rule = htole64(from->tx_dropped_rule);
	to->slow_packets = htole64(from->slow_packets);
	to->slow_bytes = htole64(from->slow_bytes);
	to->slow_dropped = htole64(from->slow_dropped);
	to->samples = htole64(from->samples);
	to->samples_dropped = htole64(from->samples_dropped);
}

/**
 * sluice_esw_vport_query() - state of a vport
 * @esw: the eSwitch
 * @vport: its number
 * @info: filled, little-endian, but for @error and @error_info
 *
 * The statistics in it do not count as collected.
 *
 * Return: %SLUICE_ST_NOENT or %SLUICE_ST_OK.
 */
int sluice_esw_vport_query(struct sluice_esw *esw, uint16_t vport,
			   struct sluice_vport_info *info)
{
	const struct esw_vport *vp = esw_vport_get(esw, vport);
	struct sluice_vport_stats stats;
	struct esw_stats sum;

	memset(info, 0, sizeof(*info));
	if (!vp)
		return SLUICE_ST_NOENT;
	sum = sum_stats(esw, vp);
	memcpy(info->mac, vp->mac, ESW_ETH_ALEN);
	info->mtu = htole16(vp->mtu);
	info->policy = htole32(vp->policy);
	info->root_table = htole32(vp->root_table);
	info->link_policy = vp->link_policy;
	info->link = esw_vport_up(esw, vp);
	info->enabled = vp->enabled;
	info->egress_punt = vp->egress_punt;
	export_stats(&sum, &stats);
	memcpy(info->stats, &stats, sizeof(info->stats));
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_vport_stats() - collect a vport's statistics
 * @esw: the eSwitch
 * @vport: its number
 * @stats: filled, little-endian; zero for a vport that does not exist
 *
 * The next change is told by the host's stats_dirty() again.
 */
void sluice_esw_vport_stats(struct sluice_esw *esw, uint16_t vport,
			    struct sluice_vport_stats *stats)
{
	struct esw_vport *vp = esw_vport_get(esw, vport);
	struct sluice_esw *lane;
	struct esw_stats sum;
	unsigned int i;
	size_t at;

	memset(stats, 0, sizeof(*stats));
	if (!vp)
		return;
	at = (size_t)(vp - esw->vport);
	for (i = 0; (lane = esw_lane_get(esw, i)); i++)
		lane->vport[at].dirty = false;
	sum = sum_stats(esw, vp);
	export_stats(&sum, stats);
}

/**
 * sluice_esw_vport_enable() - a function's driver enables or disables it
 * @esw: the eSwitch
 * @vport: the function; an uplink is always enabled
 * @on: enabled
 */
void sluice_esw_vport_enable(struct sluice_esw *esw, uint16_t vport, bool on)
{
	struct esw_vport *vp = function_get(esw, vport);

	if (vp)
		vp->enabled = on;
}

/**
 * sluice_esw_uplink_carrier() - the carrier of a wire changed
 * @esw: the eSwitch
 * @uplink: number of the wire
 * @up: there is a carrier
 */
void sluice_esw_uplink_carrier(struct sluice_esw *esw, unsigned int uplink,
			       bool up)
{
	if (uplink < esw->cfg.num_uplinks)
		esw_vport_get(esw, (uint16_t)SLUICE_VPORT_UPLINK(uplink))
			->carrier = up;
}

/**
 * sluice_esw_vport_link() - link of a vport
 * @esw: the eSwitch
 * @vport: its number
 *
 * Return: true when up; false also for a vport that does not exist.
 */
bool sluice_esw_vport_link(const struct sluice_esw *esw, uint16_t vport)
{
	const struct esw_vport *vp = esw_vport_get(esw, vport);

	return vp && esw_vport_up(esw, vp);
}

/**
 * sluice_esw_vport_max_mtu() - largest MTU a function may set
 * @esw: the eSwitch
 * @vport: its number
 *
 * Return: the MTU in bytes, 0 for a vport that does not exist.
 */
uint16_t sluice_esw_vport_max_mtu(const struct sluice_esw *esw, uint16_t vport)
{
	const struct esw_vport *vp = esw_vport_get(esw, vport);

	if (!vp)
		return 0;
	return vp->vf && vp->given_mtu ? vp->given_mtu : SLUICE_MTU_MAX;
}

/**
 * sluice_esw_vport_set_permanent_mac() - address a vport starts with
 * @esw: the eSwitch
 * @vport: its number
 * @mac: the address; it is in force at once unless the PF gave another
 */
void sluice_esw_vport_set_permanent_mac(struct sluice_esw *esw, uint16_t vport,
					const uint8_t mac[6])
{
	struct esw_vport *vp = esw_vport_get(esw, vport);

	if (!vp)
		return;
	memcpy(vp->perm_mac, mac, ESW_ETH_ALEN);
	if (esw_mac_zero(vp->given_mac))
		use_mac(esw, vp, mac);
}

/**
 * sluice_esw_func_set_mac() - a function changes its address
 * @esw: the eSwitch
 * @vport: the function
 * @mac: unicast address
 *
 * Return: %SLUICE_ST_INVAL, %SLUICE_ST_NOENT, %SLUICE_ST_PERM for a VF that is
 * not trusted and asks for another address than the PF gave it, or
 * %SLUICE_ST_OK.
 */
int sluice_esw_func_set_mac(struct sluice_esw *esw, uint16_t vport,
			    const uint8_t mac[6])
{
	struct esw_vport *vp = function_get(esw, vport);

	if (!vp)
		return SLUICE_ST_NOENT;
	if (!mac_valid(mac))
		return SLUICE_ST_INVAL;
	if (!(vp->policy & SLUICE_POLICY_TRUST) &&
	    !esw_mac_zero(vp->given_mac) && !mac_equal(mac, vp->given_mac))
		return SLUICE_ST_PERM;
	use_mac(esw, vp, mac);
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_func_set_mtu() - a function changes its MTU
 * @esw: the eSwitch
 * @vport: the function
 * @mtu: bytes behind the Ethernet header
 *
 * Return: %SLUICE_ST_INVAL, %SLUICE_ST_NOENT, %SLUICE_ST_PERM for a VF's MTU
 * above the one the PF gave, or %SLUICE_ST_OK.
 */
int sluice_esw_func_set_mtu(struct sluice_esw *esw, uint16_t vport,
			    uint32_t mtu)
{
	struct esw_vport *vp = function_get(esw, vport);

	if (!vp)
		return SLUICE_ST_NOENT;
	if (mtu < SLUICE_MTU_MIN || mtu > SLUICE_MTU_MAX)
		return SLUICE_ST_INVAL;
	if (mtu > sluice_esw_vport_max_mtu(esw, vport))
		return SLUICE_ST_PERM;
	vp->mtu = (uint16_t)mtu;
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_func_set_rx_mode() - what a function receives in legacy mode
 * @esw: the eSwitch
 * @vport: the function
 * @mode: SLUICE_RX_MODE_*; for a VF promiscuous means all multicast
 *
 * Return: %SLUICE_ST_INVAL, %SLUICE_ST_NOENT, %SLUICE_ST_PERM for a VF that is
 * not trusted and asks for anything, or %SLUICE_ST_OK.
 */
int sluice_esw_func_set_rx_mode(struct sluice_esw *esw, uint16_t vport,
				uint32_t mode)
{
	struct esw_vport *vp = function_get(esw, vport);

	if (!vp)
		return SLUICE_ST_NOENT;
	if (mode & ~(uint32_t)(SLUICE_RX_MODE_ALLMULTI |
			       SLUICE_RX_MODE_PROMISC))
		return SLUICE_ST_INVAL;
	if (mode && !(vp->policy & SLUICE_POLICY_TRUST))
		return SLUICE_ST_PERM;
	vp->rx_mode = mode;
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_func_filter_add() - a function receives one more address
 * @esw: the eSwitch
 * @vport: the function
 * @mac: multicast or unicast address
 *
 * Return: %SLUICE_ST_INVAL for the zero address; %SLUICE_ST_NOENT;
 * %SLUICE_ST_PERM for a unicast address and a VF that is not trusted;
 * %SLUICE_ST_EXIST; %SLUICE_ST_NOSPC; %SLUICE_ST_OK.
 */
int sluice_esw_func_filter_add(struct sluice_esw *esw, uint16_t vport,
			       const uint8_t mac[6])
{
	struct esw_vport *vp = function_get(esw, vport);

	if (!vp)
		return SLUICE_ST_NOENT;
	if (esw_mac_zero(mac))
		return SLUICE_ST_INVAL;
	if (!esw_mac_multicast(mac) && !(vp->policy & SLUICE_POLICY_TRUST))
		return SLUICE_ST_PERM;
	if (esw_fdb_has(esw, vport, mac))
		return SLUICE_ST_EXIST;
	if (vp->num_filters == esw->cfg.max_filters)
		return SLUICE_ST_NOSPC;
	esw_fdb_add(esw, vport, mac, false);
	vp->num_filters++;
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_func_filter_del() - a function gives up an address
 * @esw: the eSwitch
 * @vport: the function
 * @mac: an address from sluice_esw_func_filter_add()
 *
 * Return: %SLUICE_ST_NOENT or %SLUICE_ST_OK.
 */
int sluice_esw_func_filter_del(struct sluice_esw *esw, uint16_t vport,
			       const uint8_t mac[6])
{
	struct esw_vport *vp = function_get(esw, vport);

	if (!vp || !esw_fdb_del(esw, vport, mac, false))
		return SLUICE_ST_NOENT;
	vp->num_filters--;
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_func_reset() - a function was reset
 * @esw: the eSwitch
 * @vport: the function
 *
 * Filters, receive mode and the enabled state go, address and MTU are again
 * those the PF gave or the permanent ones.  Link, policy, root table and
 * statistics stay.
 */
void sluice_esw_func_reset(struct sluice_esw *esw, uint16_t vport)
{
	struct esw_vport *vp = function_get(esw, vport);

	if (vp)
		function_defaults(esw, vp);
}
