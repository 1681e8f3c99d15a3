// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Encaps: tunnel headers above the Ethernet header.  What they do with a packet
 * is encap_run.c.
 */
#include <stdlib.h>
#include "internal.h"

struct esw_encap *esw_encap_get(const struct sluice_esw *esw, uint32_t id)
{
	return id < esw->tun.encaps_size ? esw->tun.encap[id] : NULL;
}

/* Where L4 starts, or 0 if this is no template of an IP header. */
static uint32_t template_l4(const uint8_t *h, uint32_t len, uint8_t proto)
{
	static const uint8_t zero[2];

	if (len >= ESW_IP4_HLEN && h[0] == 0x45) {
		/* Total length, id and checksum are the device's; no fragment. */
		if (memcmp(h + 2, zero, 2) || memcmp(h + 4, zero, 2) ||
		    memcmp(h + 10, zero, 2) || h[9] != proto ||
		    esw_get16(h + 6) & (ESW_IP4_MF | ESW_IP4_OFFSET))
			return 0;
		return ESW_IP4_HLEN;
	}
	if (len >= ESW_IP6_HLEN && h[0] >> 4 == 6) {
		if (memcmp(h + 4, zero, 2) || h[6] != proto)
			return 0;
		return ESW_IP6_HLEN;
	}
	return 0;
}

/* UDP, then VXLAN or GENEVE. */
static bool template_udp(const uint8_t *h, uint32_t len, uint8_t type)
{
	static const uint8_t zero[4];

	/* Source port, length and checksum are the device's. */
	if (len < ESW_UDP_HLEN + ESW_VXLAN_HLEN || memcmp(h, zero, 2) ||
	    memcmp(h + 4, zero, 4))
		return false;
	h += ESW_UDP_HLEN;
	len -= ESW_UDP_HLEN;
	if (type == SLUICE_TUNNEL_VXLAN)
		return len == ESW_VXLAN_HLEN && h[0] & ESW_VXLAN_F_VNI;
	return h[0] >> 6 == 0 &&
	       len == ESW_GENEVE_HLEN + (h[0] & 0x3f) * 4u &&
	       esw_get16(h + 2) == ESW_P_TEB;
}

static bool template_gre(const uint8_t *h, uint32_t len)
{
	uint16_t flags;

	if (len < ESW_GRE_HLEN)
		return false;
	flags = esw_get16(h);
	return !(flags & ~ESW_GRE_F_KEY) && esw_get16(h + 2) == ESW_P_TEB &&
	       len == ESW_GRE_HLEN + (flags ? ESW_GRE_KEY_LEN : 0);
}

static bool flags_fit(const struct sluice_cmd_encap *cmd, bool v6)
{
	uint16_t flags = le16toh(cmd->flags);
	bool gre = cmd->type == SLUICE_TUNNEL_GRE;

	if (flags & ~SLUICE_ENCAP_F_ALL)
		return false;
	if (gre)
		return !(flags & SLUICE_ENCAP_F_UDP_CSUM) &&
		       !(flags & (v6 ? SLUICE_ENCAP_F_TOS :
				       SLUICE_ENCAP_F_LABEL));
	return !(flags & (SLUICE_ENCAP_F_TOS | SLUICE_ENCAP_F_TTL |
			  SLUICE_ENCAP_F_LABEL));
}

static bool ports_fit(const struct sluice_cmd_encap *cmd)
{
	uint32_t min = le16toh(cmd->sport_min);
	uint32_t range = le32toh(cmd->sport_range);

	if (cmd->type == SLUICE_TUNNEL_GRE)
		return !min && !range;
	return range && range <= 0x10000 - min;
}

static bool template_valid(const struct sluice_cmd_encap *cmd)
{
	uint32_t len = le16toh(cmd->header_len);
	bool gre = cmd->type == SLUICE_TUNNEL_GRE;
	uint32_t l4;

	if (cmd->type < SLUICE_TUNNEL_VXLAN || cmd->type > SLUICE_TUNNEL_GRE ||
	    len > SLUICE_ENCAP_HDR_MAX)
		return false;
	l4 = template_l4(cmd->header, len,
			 gre ? ESW_IPPROTO_GRE : ESW_IPPROTO_UDP);
	if (!l4)
		return false;
	return gre ? template_gre(cmd->header + l4, len - l4) :
		     template_udp(cmd->header + l4, len - l4, cmd->type);
}

static int check(const struct sluice_esw *esw,
		 const struct sluice_cmd_encap *cmd)
{
	uint32_t nh = le32toh(cmd->next_hop);

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (le32toh(cmd->id) >= esw->cfg.max_encaps ||
	    (nh != SLUICE_ID_NONE && nh >= esw->cfg.max_next_hops) ||
	    !template_valid(cmd) ||
	    !flags_fit(cmd, cmd->header[0] >> 4 == 6) || !ports_fit(cmd))
		return SLUICE_ST_INVAL;
	if (nh != SLUICE_ID_NONE && !esw_next_hop_get(esw, nh))
		return SLUICE_ST_NOENT;
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_encap_set() - create an encap or change all of it
 * @esw: the eSwitch, in switchdev mode
 * @cmd: the encap, little-endian, followed by its header; hdr and reserved
 *	fields are not looked at
 *
 * It takes effect for the next frame.
 *
 * Return: %SLUICE_ST_MODE; %SLUICE_ST_INVAL for a number out of range or a
 * header or flags that don't fit the type; %SLUICE_ST_NOENT for a next hop that
 * does not exist; %SLUICE_ST_NOSPC; %SLUICE_ST_OK.
 */
int sluice_esw_encap_set(struct sluice_esw *esw,
			 const struct sluice_cmd_encap *cmd)
{
	uint32_t id = le32toh(cmd->id);
	struct esw_encap *e;
	int status = check(esw, cmd);
	uint32_t i;

	if (status)
		return status;
	if (!esw_grow(&esw->tun.encap, &esw->tun.encaps_size, id,
		      esw->cfg.max_encaps))
		return SLUICE_ST_NOSPC;
	e = esw->tun.encap[id];
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return SLUICE_ST_NOSPC;
		esw->tun.encap[id] = e;
		esw->tun.num_encaps++;
	}
	if (e->nh)
		e->nh->refs--;
	e->nh = esw_next_hop_get(esw, le32toh(cmd->next_hop));
	if (e->nh)
		e->nh->refs++;
	e->type = cmd->type;
	e->flags = le16toh(cmd->flags);
	e->mtu = le16toh(cmd->mtu);
	e->sport_min = le16toh(cmd->sport_min);
	e->sport_range = le32toh(cmd->sport_range);
	e->len = le16toh(cmd->header_len);
	memcpy(e->header, cmd->header, e->len);
	e->v6 = e->header[0] >> 4 == 6;
	e->l4 = e->v6 ? ESW_IP6_HLEN : ESW_IP4_HLEN;
	e->sum = 0;
	for (i = 0; !e->v6 && i < ESW_IP4_HLEN; i += 2)
		e->sum += esw_get16(e->header + i);
	/* Not folded, so that nothing is lost here. */
	if (!e->v6)
		e->sum -= e->header[1] + ((uint32_t)e->header[8] << 8);
	return SLUICE_ST_OK;
}

static void encap_free(struct sluice_esw *esw, uint32_t id)
{
	struct esw_encap *e = esw->tun.encap[id];

	if (e->nh)
		e->nh->refs--;
	free(e);
	esw->tun.encap[id] = NULL;
	esw->tun.num_encaps--;
}

/**
 * sluice_esw_encap_del() - remove an encap
 * @esw: the eSwitch, in switchdev mode
 * @id: encap id
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL, %SLUICE_ST_NOENT,
 * %SLUICE_ST_BUSY while a rule uses it, or %SLUICE_ST_OK.
 */
int sluice_esw_encap_del(struct sluice_esw *esw, uint32_t id)
{
	struct esw_encap *e = esw_encap_get(esw, id);

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= esw->cfg.max_encaps)
		return SLUICE_ST_INVAL;
	if (!e)
		return SLUICE_ST_NOENT;
	if (e->refs)
		return SLUICE_ST_BUSY;
	encap_free(esw, id);
	return SLUICE_ST_OK;
}

/* Remove every encap; no rule is left. */
void esw_encaps_flush(struct sluice_esw *esw)
{
	uint32_t i;

	for (i = 0; i < esw->tun.encaps_size; i++)
		if (esw->tun.encap[i])
			encap_free(esw, i);
}
