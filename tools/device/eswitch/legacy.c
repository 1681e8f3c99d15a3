// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Legacy mode: a switch of known addresses among PF, VFs and uplink 0.
 *
 * Nothing is learned: a function's addresses are its own and its filters.
 */
#include <stdlib.h>
#include "internal.h"

#define NIL	UINT32_MAX

/* Functions are numbered from 0, PF first. */
#define SET_WORDS	((SLUICE_MAX_VFS + 1 + 63) / 64)

int esw_fdb_init(struct sluice_esw *esw)
{
	uint32_t i, n = (esw->cfg.num_vfs + 1) * (esw->cfg.max_filters + 1);
	struct esw_fdb *fdb = calloc(1, sizeof(*fdb));

	esw->fdb = fdb;
	if (!fdb)
		return -1;
	fdb->pool = calloc(n, sizeof(*fdb->pool));
	if (!fdb->pool)
		return -1;
	for (i = 0; i < n; i++)
		fdb->pool[i].next = i + 1 < n ? i + 1 : NIL;
	fdb->free = 0;
	memset(fdb->bucket, 0xff, sizeof(fdb->bucket));
	return 0;
}

void esw_fdb_free(struct sluice_esw *esw)
{
	if (esw->fdb)
		free(esw->fdb->pool);
	free(esw->fdb);
}

static uint32_t bucket_of(const uint8_t *mac)
{
	uint32_t h = esw_le32(mac + 2) ^ (uint32_t)esw_get16(mac) * 0x85ebca6bu;

	h *= 0x9e3779b1u;
	return (h ^ h >> 15) % FDB_BUCKETS;
}

/* Link to the entry, which is NIL when there is none. */
static uint32_t *find(struct esw_fdb *fdb, uint16_t vport, const uint8_t *mac,
		      bool own)
{
	uint32_t *i = &fdb->bucket[bucket_of(mac)];

	for (; *i != NIL; i = &fdb->pool[*i].next) {
		const struct esw_fdb_entry *e = &fdb->pool[*i];

		if (e->vport == vport && e->own == own &&
		    !memcmp(e->mac, mac, ESW_ETH_ALEN))
			break;
	}
	return i;
}

/* There is a place for each address a function may have. */
void esw_fdb_add(struct sluice_esw *esw, uint16_t vport, const uint8_t *mac,
		 bool own)
{
	struct esw_fdb *fdb = esw->fdb;
	uint32_t *bucket = &fdb->bucket[bucket_of(mac)];
	uint32_t i = fdb->free;
	struct esw_fdb_entry *e = &fdb->pool[i];

	fdb->free = e->next;
	e->next = *bucket;
	e->vport = vport;
	e->own = own;
	memcpy(e->mac, mac, ESW_ETH_ALEN);
	*bucket = i;
}

bool esw_fdb_del(struct sluice_esw *esw, uint16_t vport, const uint8_t *mac,
		 bool own)
{
	struct esw_fdb *fdb = esw->fdb;
	uint32_t *link = find(fdb, vport, mac, own);
	uint32_t i = *link;

	if (i == NIL)
		return false;
	*link = fdb->pool[i].next;
	fdb->pool[i].next = fdb->free;
	fdb->free = i;
	return true;
}

/* Is it one of the function's filters? */
bool esw_fdb_has(const struct sluice_esw *esw, uint16_t vport,
		 const uint8_t *mac)
{
	uint32_t i = esw->fdb->bucket[bucket_of(mac)];

	for (; i != NIL; i = esw->fdb->pool[i].next) {
		const struct esw_fdb_entry *e = &esw->fdb->pool[i];

		if (e->vport == vport && !e->own &&
		    !memcmp(e->mac, mac, ESW_ETH_ALEN))
			return true;
	}
	return false;
}

void esw_fdb_del_filters(struct sluice_esw *esw, uint16_t vport)
{
	struct esw_fdb *fdb = esw->fdb;
	unsigned int b;

	for (b = 0; b < FDB_BUCKETS; b++) {
		uint32_t *link = &fdb->bucket[b];

		while (*link != NIL) {
			uint32_t i = *link;

			if (fdb->pool[i].vport != vport || fdb->pool[i].own) {
				link = &fdb->pool[i].next;
				continue;
			}
			*link = fdb->pool[i].next;
			fdb->pool[i].next = fdb->free;
			fdb->free = i;
		}
	}
}

/* VLANs: what a VF with one sends is tagged first, then switched like others. */

static uint16_t vlan_tpid(const struct esw_vport *vp)
{
	return vp->vlan & SLUICE_VPORT_VLAN_AD ? ESW_P_8021AD : ESW_P_8021Q;
}

/*
 * Would VF @vp get out of its VLAN by sending this frame?  802.1Q tags may be
 * inside of 802.1ad ones, nothing else.
 */
bool esw_vlan_foreign(const struct esw_vport *vp, const uint8_t *frame)
{
	uint16_t type = esw_get16(frame + 12);

	return vp->vlan && esw_is_vlan(type) &&
	       !(vp->vlan & SLUICE_VPORT_VLAN_AD && type == ESW_P_8021Q);
}

/* Is a frame in the VLAN of @vp?  Without one a function is in all of them. */
static bool in_vlan(const struct esw_vport *vp, const uint8_t *frame,
		    uint32_t len)
{
	return !vp->vlan ||
	       (len >= ESW_ETH_HLEN + ESW_VLAN_HLEN &&
		esw_get16(frame + 12) == vlan_tpid(vp) &&
		!((esw_get16(frame + 14) ^ vp->vlan) & SLUICE_VPORT_VLAN_VID));
}

static void __attribute__((noinline))
deliver_untagged(struct sluice_esw *esw, struct esw_vport *vp,
		 const uint8_t *frame, uint32_t len, unsigned int flags)
{
	const uint32_t macs = 2 * ESW_ETH_ALEN;
	uint8_t out[SLUICE_FRAME_MAX];

	memcpy(out, frame, macs);
	memcpy(out + macs, frame + macs + ESW_VLAN_HLEN,
	       len - macs - ESW_VLAN_HLEN);
	esw_vport_deliver(esw, vp, out, len - ESW_VLAN_HLEN, flags);
}

/* Hand a frame to a vport that is in its VLAN. */
static void deliver(struct sluice_esw *esw, struct esw_vport *vp,
		    const uint8_t *frame, uint32_t len, unsigned int flags)
{
	if (vp->vlan)
		deliver_untagged(esw, vp, frame, len, flags);
	else
		esw_vport_deliver(esw, vp, frame, len, flags);
}

/*
 * The function a unicast frame is for, never its sender: one whose own
 * address it is before one with a filter, then the lowest number.  @known
 * tells whether anybody in its VLAN has the address, the sender included.
 */
static struct esw_vport *unicast_owner(const struct sluice_esw *esw,
				       const struct esw_vport *src,
				       const uint8_t *frame, uint32_t len,
				       bool *known)
{
	const struct esw_fdb_entry *best = NULL;
	uint32_t i = esw->fdb->bucket[bucket_of(frame)];

	*known = false;
	for (; i != NIL; i = esw->fdb->pool[i].next) {
		const struct esw_fdb_entry *e = &esw->fdb->pool[i];

		if (memcmp(e->mac, frame, ESW_ETH_ALEN) ||
		    !in_vlan(&esw->vport[e->vport], frame, len))
			continue;
		*known = true;
		if (e->vport == src->num)
			continue;
		if (!best || (e->own && !best->own) ||
		    (e->own == best->own && e->vport < best->vport))
			best = e;
	}
	return best ? esw_vport_get(esw, best->vport) : NULL;
}

/*
 * The function that is the only one a large unicast frame of @src goes to, as
 * it is, or NULL.
 */
struct esw_vport *esw_legacy_only(const struct sluice_esw *esw,
				  const struct esw_vport *src,
				  const uint8_t *frame, uint32_t len)
{
	struct esw_vport *dst;
	bool known;

	if (src->vlan || esw_mac_multicast(frame))
		return NULL;
	dst = unicast_owner(esw, src, frame, len, &known);
	return dst && !dst->vlan ? dst : NULL;
}

static bool all_multicast(const struct esw_vport *vp)
{
	return vp->rx_mode && vp->policy & SLUICE_POLICY_TRUST;
}

/* A flooded frame is not for a function that is down: nothing is counted. */
static bool flood(struct sluice_esw *esw, const struct esw_vport *src,
		  const uint8_t *frame, uint32_t len, unsigned int flags)
{
	bool everybody = esw_mac_broadcast(frame);
	uint64_t member[SET_WORDS] = { 0 };
	bool sent = false;
	unsigned int v;
	uint32_t i;

	if (!everybody) {
		i = esw->fdb->bucket[bucket_of(frame)];
		for (; i != NIL; i = esw->fdb->pool[i].next) {
			const struct esw_fdb_entry *e = &esw->fdb->pool[i];

			if (!memcmp(e->mac, frame, ESW_ETH_ALEN))
				member[e->vport / 64] |=
					UINT64_C(1) << e->vport % 64;
		}
	}
	for (v = 0; v <= esw->cfg.num_vfs; v++) {
		struct esw_vport *vp = &esw->vport[v];

		if (vp == src || !vp->enabled || !esw_vport_up(esw, vp))
			continue;
		if (!in_vlan(vp, frame, len) ||
		    (!everybody && !(member[v / 64] >> v % 64 & 1) &&
		     !all_multicast(vp)))
			continue;
		deliver(esw, vp, frame, len, flags);
		sent = true;
	}
	return sent;
}

static void forward(struct sluice_esw *esw, struct esw_vport *src,
		    const uint8_t *frame, uint32_t len, unsigned int flags)
{
	struct esw_vport *wire = esw_vport_get(esw, SLUICE_VPORT_UPLINK(0));
	struct esw_vport *pf = esw_vport_get(esw, SLUICE_VPORT_PF);
	struct esw_vport *dst;
	bool known, sent = false;

	if (src->uplink && src != wire) {
		esw_slow_path(esw, src, frame, len, flags,
			      SLUICE_MISS_NO_TABLE, SLUICE_ID_NONE, NULL);
		return;
	}
	if (esw_mac_multicast(frame)) {
		sent = flood(esw, src, frame, len, flags);
	} else {
		dst = unicast_owner(esw, src, frame, len, &known);
		if (!dst && !known && src != pf &&
		    pf->rx_mode & SLUICE_RX_MODE_PROMISC)
			dst = pf;
		if (dst) {
			deliver(esw, dst, frame, len, flags);
			sent = true;
		}
		if (known)
			wire = NULL;
	}
	if (wire && wire != src) {
		esw_vport_deliver(esw, wire, frame, len, flags);
		sent = true;
	}
	if (!sent)
		esw_vport_drop(esw, src);
}

static void __attribute__((noinline))
forward_tagged(struct sluice_esw *esw, struct esw_vport *src,
	       const uint8_t *frame, uint32_t len, unsigned int flags)
{
	const uint32_t macs = 2 * ESW_ETH_ALEN;
	uint8_t out[SLUICE_FRAME_MAX + ESW_VLAN_HLEN];

	memcpy(out, frame, macs);
	esw_put16(out + macs, vlan_tpid(src));
	esw_put16(out + macs + 2, src->vlan & (uint16_t)~SLUICE_VPORT_VLAN_AD);
	memcpy(out + macs + ESW_VLAN_HLEN, frame + macs, len - macs);
	forward(esw, src, out, len + ESW_VLAN_HLEN, flags);
}

/* A frame that passed @src's own checks, in legacy mode. */
void esw_legacy_input(struct sluice_esw *esw, struct esw_vport *src,
		      const uint8_t *frame, uint32_t len, unsigned int flags)
{
	if (src->vlan)
		forward_tagged(esw, src, frame, len, flags);
	else
		forward(esw, src, frame, len, flags);
}
