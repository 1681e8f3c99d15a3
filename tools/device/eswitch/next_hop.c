// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Next hops: one object for each neighbour, so that a change of it is one
 * command, however many tunnels and rules lead there.
 */
#include <stdlib.h>
#include "internal.h"

struct esw_next_hop *esw_next_hop_get(const struct sluice_esw *esw,
				      uint32_t id)
{
	return id < esw->tun.next_hops_size ? esw->tun.next_hop[id] : NULL;
}

static int check(const struct sluice_esw *esw,
		 const struct sluice_cmd_next_hop *cmd)
{
	const struct esw_vport *port;
	uint32_t counter = le32toh(cmd->counter);
	uint16_t tpid = le16toh(cmd->vlan_tpid);

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (le32toh(cmd->id) >= esw->cfg.max_next_hops ||
	    (counter != SLUICE_ID_NONE && counter >= esw->cfg.max_counters) ||
	    le16toh(cmd->flags) & ~SLUICE_NEXT_HOP_F_ALL ||
	    (tpid ? !esw_is_vlan(tpid) : cmd->vlan_tci) ||
	    (le16toh(cmd->flags) & SLUICE_NEXT_HOP_F_TABLE ?
	     le32toh(cmd->table) >= esw->cfg.max_tables : cmd->table))
		return SLUICE_ST_INVAL;
	port = esw_vport_get(esw, le16toh(cmd->port));
	if (!port)
		return SLUICE_ST_NOENT;
	return port->uplink ? SLUICE_ST_OK : SLUICE_ST_INVAL;
}

/**
 * sluice_esw_next_hop_set() - create a next hop or change all of it
 * @esw: the eSwitch, in switchdev mode
 * @cmd: the next hop, little-endian; hdr is not looked at
 *
 * It takes effect for the next frame.
 *
 * Return: %SLUICE_ST_MODE; %SLUICE_ST_INVAL for a number out of range or a
 * port that is no uplink; %SLUICE_ST_NOENT for a port that does not exist;
 * %SLUICE_ST_NOSPC; %SLUICE_ST_OK.
 */
int sluice_esw_next_hop_set(struct sluice_esw *esw,
			    const struct sluice_cmd_next_hop *cmd)
{
	uint16_t flags = le16toh(cmd->flags);
	uint16_t tpid = le16toh(cmd->vlan_tpid);
	uint32_t counter = le32toh(cmd->counter);
	uint32_t id = le32toh(cmd->id);
	struct esw_next_hop *nh, *fresh = NULL;
	int status = check(esw, cmd);

	if (status)
		return status;
	nh = esw_next_hop_get(esw, id);
	if (!nh) {
		if (!esw_grow(&esw->tun.next_hop, &esw->tun.next_hops_size, id,
			      esw->cfg.max_next_hops))
			return SLUICE_ST_NOSPC;
		nh = fresh = calloc(1, sizeof(*nh));
		if (!nh)
			return SLUICE_ST_NOSPC;
	}
	status = esw_counter_ref(esw, counter, flags & SLUICE_NEXT_HOP_F_ZERO);
	if (status) {
		free(fresh);
		return status;
	}
	if (fresh) {
		esw->tun.next_hop[id] = nh;
		esw->tun.num_next_hops++;
	} else {
		esw_counter_unref(esw, nh->counter);
	}
	nh->port = le16toh(cmd->port);
	nh->counter = counter;
	nh->valid = flags & SLUICE_NEXT_HOP_F_VALID;
	nh->onward = flags & SLUICE_NEXT_HOP_F_TABLE;
	nh->table = le32toh(cmd->table);
	memcpy(nh->head, cmd->dst, ESW_ETH_ALEN);
	memcpy(nh->head + ESW_ETH_ALEN, cmd->src, ESW_ETH_ALEN);
	nh->head_len = ESW_MACS_LEN;
	if (tpid) {
		esw_put16(nh->head + ESW_MACS_LEN, tpid);
		esw_put16(nh->head + ESW_MACS_LEN + 2,
			  le16toh(cmd->vlan_tci));
		nh->head_len += ESW_VLAN_HLEN;
	}
	return SLUICE_ST_OK;
}

static void next_hop_free(struct sluice_esw *esw, uint32_t id)
{
	struct esw_next_hop *nh = esw->tun.next_hop[id];

	esw_counter_unref(esw, nh->counter);
	free(nh);
	esw->tun.next_hop[id] = NULL;
	esw->tun.num_next_hops--;
}

/**
 * sluice_esw_next_hop_del() - remove a next hop
 * @esw: the eSwitch, in switchdev mode
 * @id: next hop id
 * @counter: set to the counter it named or %SLUICE_ID_NONE; the counter keeps
 *	its value
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL, %SLUICE_ST_NOENT,
 * %SLUICE_ST_BUSY while an encap uses it, or %SLUICE_ST_OK.
 */
int sluice_esw_next_hop_del(struct sluice_esw *esw, uint32_t id,
			    uint32_t *counter)
{
	struct esw_next_hop *nh = esw_next_hop_get(esw, id);

	*counter = SLUICE_ID_NONE;
	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= esw->cfg.max_next_hops)
		return SLUICE_ST_INVAL;
	if (!nh)
		return SLUICE_ST_NOENT;
	if (nh->refs)
		return SLUICE_ST_BUSY;
	*counter = nh->counter;
	next_hop_free(esw, id);
	return SLUICE_ST_OK;
}

/* Remove every next hop; no encap is left. */
void esw_next_hops_flush(struct sluice_esw *esw)
{
	uint32_t i;

	for (i = 0; i < esw->tun.next_hops_size; i++)
		if (esw->tun.next_hop[i])
			next_hop_free(esw, i);
}
