// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Endpoints: which frames are taken out of a tunnel, and where their inner
 * frames go.  How it is done is decap.c.
 */
#include <stdlib.h>
#include "internal.h"

#define BUCKETS		4096u

/* What tells endpoints apart but for addresses. */
struct ep_id {
	uint32_t group;
	uint16_t port;
	uint16_t tpid;
	uint16_t vid;
	uint16_t udp_port;
	uint8_t ip;
	uint8_t proto;
};

/* @addr is 16 or (IPv4) 4 bytes long. */
static inline void ep_key(struct esw_ep_key *key, const struct ep_id *id,
		   const uint8_t *mac, const uint8_t *addr)
{
	uint32_t mac_first, a;
	uint16_t mac_last;

	memcpy(&mac_first, mac, 4);
	memcpy(&mac_last, mac + 4, 2);
	key->word[0] = id->group | (uint64_t)id->port << 32 |
		       (uint64_t)id->tpid << 48;
	key->word[1] = id->vid | (uint64_t)id->udp_port << 16 |
		       (uint64_t)id->ip << 32 | (uint64_t)id->proto << 40;
	key->word[2] = mac_first | (uint64_t)mac_last << 32;
	if (id->ip == 6) {
		memcpy(&key->word[3], addr, 16);
	} else {
		memcpy(&a, addr, 4);
		key->word[3] = a;
		key->word[4] = 0;
	}
}

static uint32_t key_hash(const struct esw_ep_key *key)
{
	return esw_hash_words(key->word, 5);
}

static inline bool same_key(const struct esw_ep_key *a, const struct esw_ep_key *b)
{
	return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) |
		 (a->word[2] ^ b->word[2]) | (a->word[3] ^ b->word[3]) |
		 (a->word[4] ^ b->word[4]));
}

static struct esw_endpoint **bucket_of(const struct sluice_esw *esw,
				       uint32_t hash)
{
	return &esw->tun.bucket[hash & (BUCKETS - 1)];
}

static struct esw_endpoint *lookup(const struct sluice_esw *esw,
				   const struct esw_ep_key *key, uint32_t hash)
{
	struct esw_endpoint *ep;

	if (!esw->tun.bucket)
		return NULL;
	for (ep = *bucket_of(esw, hash); ep; ep = ep->next)
		if (ep->hash == hash && same_key(&ep->key, key))
			return ep;
	return NULL;
}

static struct esw_endpoint *endpoint_get(const struct sluice_esw *esw,
					 uint32_t id)
{
	return id < esw->tun.endpoints_size ? esw->tun.endpoint[id] : NULL;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	while (len--)
		if (*p++)
			return false;
	return true;
}

static int check(const struct sluice_esw *esw,
		 const struct sluice_cmd_endpoint *cmd)
{
	uint16_t port = le16toh(cmd->port);
	uint16_t tpid = le16toh(cmd->vlan_tpid);
	uint16_t vid = le16toh(cmd->vlan_id);
	bool vxlan = cmd->type == SLUICE_TUNNEL_VXLAN;
	bool gre = cmd->type == SLUICE_TUNNEL_GRE;
	const struct esw_vport *vp;

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (le32toh(cmd->id) >= esw->cfg.max_endpoints ||
	    le32toh(cmd->root_table) >= esw->cfg.max_tables ||
	    le16toh(cmd->flags) & ~SLUICE_ENDPOINT_F_ALL ||
	    cmd->type < SLUICE_TUNNEL_VXLAN || cmd->type > SLUICE_TUNNEL_GRE ||
	    (cmd->ip != 4 && cmd->ip != 6) || gre != !cmd->udp_port ||
	    (tpid ? !esw_is_vlan(tpid) || vid > 0xfff : vid) ||
	    (cmd->ip == 4 && !is_zero(cmd->addr + 4, 12)) ||
	    (!vxlan && !is_zero(cmd->zero_bits, sizeof(cmd->zero_bits))) ||
	    (!vxlan && le16toh(cmd->flags) & SLUICE_ENDPOINT_F_GBP))
		return SLUICE_ST_INVAL;
	if (port == SLUICE_VPORT_NONE)
		return SLUICE_ST_OK;
	vp = esw_vport_get(esw, port);
	if (!vp)
		return SLUICE_ST_NOENT;
	return vp->uplink && !cmd->group ? SLUICE_ST_OK : SLUICE_ST_INVAL;
}

static void unlink_endpoint(struct sluice_esw *esw, struct esw_endpoint *ep)
{
	struct esw_endpoint **at = bucket_of(esw, ep->hash);

	while (*at != ep)
		at = &(*at)->next;
	*at = ep->next;
	esw->last_endpoint = NULL;
	/* Uplinks know how many endpoints look at their frames. */
	if (ep->port != SLUICE_VPORT_NONE)
		esw_vport_get(esw, ep->port)->num_endpoints--;
}

static void link_endpoint(struct sluice_esw *esw, struct esw_endpoint *ep)
{
	struct esw_endpoint **at = bucket_of(esw, ep->hash);

	ep->next = *at;
	*at = ep;
	if (ep->port != SLUICE_VPORT_NONE)
		esw_vport_get(esw, ep->port)->num_endpoints++;
}

static void make_key(const struct sluice_cmd_endpoint *cmd,
		     struct esw_ep_key *key)
{
	struct ep_id id = {
		.group = le32toh(cmd->group),
		.port = le16toh(cmd->port),
		.tpid = le16toh(cmd->vlan_tpid),
		.vid = le16toh(cmd->vlan_id),
		.udp_port = le16toh(cmd->udp_port),
		.ip = cmd->ip,
		.proto = cmd->type == SLUICE_TUNNEL_GRE ? ESW_IPPROTO_GRE :
							  ESW_IPPROTO_UDP,
	};

	ep_key(key, &id, cmd->mac, cmd->addr);
}

/**
 * sluice_esw_endpoint_set() - create an endpoint or change all of it
 * @esw: the eSwitch, in switchdev mode
 * @cmd: the endpoint, little-endian; hdr and reserved are not looked at
 *
 * It takes effect for the next frame.
 *
 * Return: %SLUICE_ST_MODE; %SLUICE_ST_INVAL for a number out of range, a port
 * that is no uplink or a field that does not fit the type; %SLUICE_ST_NOENT for
 * a port that does not exist; %SLUICE_ST_EXIST when another endpoint takes the
 * same frames; %SLUICE_ST_NOSPC; %SLUICE_ST_OK.
 */
int sluice_esw_endpoint_set(struct sluice_esw *esw,
			    const struct sluice_cmd_endpoint *cmd)
{
	uint32_t id = le32toh(cmd->id);
	struct esw_endpoint *ep, *other;
	struct esw_ep_key key;
	int status = check(esw, cmd);
	uint32_t hash;

	if (status)
		return status;
	make_key(cmd, &key);
	hash = key_hash(&key);
	ep = endpoint_get(esw, id);
	other = lookup(esw, &key, hash);
	if (other && other != ep)
		return SLUICE_ST_EXIST;
	if (!esw->tun.bucket)
		esw->tun.bucket = calloc(BUCKETS, sizeof(*esw->tun.bucket));
	if (!esw->tun.bucket ||
	    !esw_grow(&esw->tun.endpoint, &esw->tun.endpoints_size, id,
		      esw->cfg.max_endpoints))
		return SLUICE_ST_NOSPC;
	if (ep) {
		unlink_endpoint(esw, ep);
	} else {
		ep = calloc(1, sizeof(*ep));
		if (!ep)
			return SLUICE_ST_NOSPC;
		esw->tun.endpoint[id] = ep;
		esw->tun.num_endpoints++;
	}
	ep->key = key;
	ep->hash = hash;
	ep->port = le16toh(cmd->port);
	ep->root_table = le32toh(cmd->root_table);
	ep->flags = le16toh(cmd->flags);
	ep->type = cmd->type;
	memcpy(ep->own_mac, cmd->own_mac, sizeof(ep->own_mac));
	memcpy(ep->zero_bits, cmd->zero_bits, sizeof(ep->zero_bits));
	link_endpoint(esw, ep);
	return SLUICE_ST_OK;
}

static void endpoint_free(struct sluice_esw *esw, uint32_t id)
{
	struct esw_endpoint *ep = esw->tun.endpoint[id];

	unlink_endpoint(esw, ep);
	free(ep);
	esw->tun.endpoint[id] = NULL;
	esw->tun.num_endpoints--;
}

/**
 * sluice_esw_endpoint_del() - remove an endpoint
 * @esw: the eSwitch, in switchdev mode
 * @id: endpoint id
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL, %SLUICE_ST_NOENT or
 * %SLUICE_ST_OK.
 */
int sluice_esw_endpoint_del(struct sluice_esw *esw, uint32_t id)
{
	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= esw->cfg.max_endpoints)
		return SLUICE_ST_INVAL;
	if (!endpoint_get(esw, id))
		return SLUICE_ST_NOENT;
	endpoint_free(esw, id);
	return SLUICE_ST_OK;
}

/* Remove every endpoint. */
void esw_endpoints_flush(struct sluice_esw *esw)
{
	uint32_t i;

	for (i = 0; i < esw->tun.endpoints_size; i++)
		if (esw->tun.endpoint[i])
			endpoint_free(esw, i);
}

/*
 * An IP header without options or extension headers, not of a fragment, and
 * behind it the UDP ports or a GRE header.
 */
static inline bool outer_header(const struct sluice_pkt *p, struct esw_outer *o)
{
	const uint8_t *ip = esw_l3(p);

	o->ip = ip;
	o->len = esw_l3_len(p);
	o->v6 = p->proto == ESW_P_IPV6;
	if (o->v6) {
		if (o->len < ESW_IP6_HLEN || ip[0] >> 4 != 6)
			return false;
		o->hlen = ESW_IP6_HLEN;
		o->proto = ip[6];
	} else {
		if (p->proto != ESW_P_IP || o->len < ESW_IP4_HLEN ||
		    ip[0] != 0x45 ||
		    esw_get16(ip + 6) & (ESW_IP4_MF | ESW_IP4_OFFSET))
			return false;
		o->hlen = ESW_IP4_HLEN;
		o->proto = ip[9];
	}
	return (o->proto == ESW_IPPROTO_UDP || o->proto == ESW_IPPROTO_GRE) &&
	       o->len - o->hlen >= 4;
}

/**
 * esw_endpoint_find() - the endpoint a packet is for
 * @esw: the eSwitch
 * @port: uplink, or SLUICE_VPORT_NONE to look in @group
 * @group: group, or zero
 * @p: the packet
 * @o: set to its outer header
 *
 * Return: the endpoint or NULL.
 */
const struct esw_endpoint *esw_endpoint_find(struct sluice_esw *esw,
					     uint16_t port, uint32_t group,
					     const struct sluice_pkt *p,
					     struct esw_outer *o)
{
	struct ep_id id = { .group = group, .port = port };
	const struct esw_endpoint *last;
	struct esw_ep_key key;

	if (!esw->tun.num_endpoints || !outer_header(p, o))
		return NULL;
	id.tpid = p->tpid;
	id.vid = p->tci & 0xfff;
	id.ip = o->v6 ? 6 : 4;
	id.proto = o->proto;
	if (o->proto == ESW_IPPROTO_UDP)
		id.udp_port = esw_get16(o->ip + o->hlen + 2);
	ep_key(&key, &id, p->mac, o->ip + (o->v6 ? 24 : 16));
	/* Mostly it is the same as for the frame before. */
	last = esw->last_endpoint;
	if (!last || !same_key(&last->key, &key))
		last = esw->last_endpoint = lookup(esw, &key, key_hash(&key));
	return last;
}
