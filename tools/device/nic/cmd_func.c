// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands that every function has. */
#include "internal.h"

static int query_func(struct func *f, const struct sluice_cmd_buf *cmd)
{
	struct sluice_nic *nic = f->nic;
	const struct sluice_nic_cfg *cfg = &nic->cfg;
	struct sluice_vport_info vi = { 0 };
	struct sluice_func_info fi = { 0 };

	if (cmd->reserved)
		return CMD_MALFORMED;
	if (le32toh(cmd->len) != sizeof(fi) || le64toh(cmd->addr) & 7)
		return SLUICE_ST_INVAL;
	sluice_esw_vport_query(nic->esw, f->vport, &vi);
	memcpy(fi.mac, vi.mac, sizeof(fi.mac));
	fi.vport = htole16(f->vport);
	memcpy(fi.permanent_mac, cfg->mac[f->vport], sizeof(fi.permanent_mac));
	fi.mtu = vi.mtu;
	fi.max_mtu = htole16(sluice_esw_vport_max_mtu(nic->esw, f->vport));
	fi.link = vi.link;
	fi.speed = htole32(cfg->speed);
	fi.policy = vi.policy;
	fi.max_txqs = htole16(f->max_queues);
	fi.max_rxqs = htole16(f->max_queues);
	fi.max_cqs = htole16(f->max_cqs);
	fi.max_vectors = htole16(f->max_vectors);
	fi.max_filters = htole16(cfg->max_filters);
	if (f->is_pf) {
		fi.num_uplinks = htole16(cfg->num_uplinks);
		fi.total_vfs = htole16(cfg->num_vfs);
		fi.max_actions = htole16(cfg->max_actions);
		fi.max_rules = htole32(cfg->max_rules);
		fi.max_masks = htole32(cfg->max_masks);
		fi.max_counters = htole32(cfg->max_counters);
		fi.max_tables = htole32(cfg->max_tables);
		fi.max_next_hops = htole32(cfg->max_next_hops);
		fi.max_encaps = htole32(cfg->max_encaps);
		fi.max_endpoints = htole32(cfg->max_endpoints);
		fi.max_ct = htole32(cfg->max_ct);
		fi.max_meters = htole32(cfg->max_meters);
		memcpy(fi.switch_id, cfg->switch_id, sizeof(fi.switch_id));
	}
	memcpy(fi.serial, cfg->serial, sizeof(fi.serial));
	memcpy(fi.fw_version, cfg->version, sizeof(fi.fw_version));

	if (!nic->host.dma_write(nic->host.ctx, f->vport, le64toh(cmd->addr),
				 &fi, sizeof(fi)))
		return SLUICE_ST_FAULT;
	return SLUICE_ST_OK;
}

static int set_state(struct func *f, uint32_t value)
{
	struct sluice_nic *nic = f->nic;

	if (value > 1)
		return SLUICE_ST_INVAL;
	if (f->enabled == value)
		return SLUICE_ST_OK;
	f->enabled = value;
	sluice_esw_vport_enable(nic->esw, f->vport, value);
	if (!f->is_pf)
		event_post(&nic->funcs[0], SLUICE_EVENT_VF_STATE, f->vport,
			   value, 0);
	/* What was posted while disabled is sent now. */
	if (value) {
		uint64_t queues = 0;
		unsigned int i;

		for (i = 0; i < f->max_queues; i++)
			if (f->txqs[i].active)
				queues |= 1ull << i;
		__atomic_or_fetch(&f->tx_pend, queues, __ATOMIC_SEQ_CST);
		queues_notify(f, queues);
	}
	return SLUICE_ST_OK;
}

static int cmd_number(struct func *f, const struct sluice_cmd_u32 *cmd)
{
	struct sluice_nic *nic = f->nic;
	uint32_t value = le32toh(cmd->value);
	int ret;

	if (cmd->reserved)
		return CMD_MALFORMED;
	switch (cmd->hdr.opcode) {
	case SLUICE_CMD_SET_RX_MODE:
		return sluice_esw_func_set_rx_mode(nic->esw, f->vport, value);
	case SLUICE_CMD_SET_MTU:
		return sluice_esw_func_set_mtu(nic->esw, f->vport, value);
	case SLUICE_CMD_SET_STATE:
		ret = set_state(f, value);
		nic_check_links(nic);
		return ret;
	case SLUICE_CMD_CQ_DESTROY:
		return cq_destroy(f, value);
	case SLUICE_CMD_TXQ_DESTROY:
		return txq_destroy(f, value);
	case SLUICE_CMD_RXQ_DESTROY:
		return rxq_destroy(f, value);
	default:
		return CMD_MALFORMED;
	}
}

static int cmd_mac(struct func *f, const struct sluice_cmd_mac *cmd)
{
	struct sluice_esw *esw = f->nic->esw;

	if (cmd->reserved[0] | cmd->reserved[1])
		return CMD_MALFORMED;
	switch (cmd->hdr.opcode) {
	case SLUICE_CMD_SET_MAC:
		return sluice_esw_func_set_mac(esw, f->vport, cmd->mac);
	case SLUICE_CMD_FILTER_ADD:
		return sluice_esw_func_filter_add(esw, f->vport, cmd->mac);
	case SLUICE_CMD_FILTER_DEL:
		return sluice_esw_func_filter_del(esw, f->vport, cmd->mac);
	default:
		return CMD_MALFORMED;
	}
}

static int cmd_stats_buf(struct func *f, const struct sluice_cmd_buf *cmd)
{
	uint16_t vport = le16toh(cmd->hdr.vport);
	uint64_t addr = le64toh(cmd->addr);

	if (cmd->reserved)
		return CMD_MALFORMED;
	if (addr & 7 ||
	    (addr && le32toh(cmd->len) != sizeof(struct sluice_vport_stats)))
		return SLUICE_ST_INVAL;
	if (!sluice_esw_vport_valid(f->nic->esw, vport))
		return SLUICE_ST_NOENT;
	if (!f->is_pf && vport != f->vport)
		return SLUICE_ST_PERM;
	return stats_buf(f, vport, addr);
}

static int cmd_cq(struct func *f, const struct sluice_cmd_cq *cmd)
{
	static const uint8_t zero[sizeof(cmd->reserved2)];

	if (cmd->reserved || memcmp(cmd->reserved2, zero, sizeof(zero)))
		return CMD_MALFORMED;
	return cmd->hdr.opcode == SLUICE_CMD_CQ_CREATE ? cq_create(f, cmd) :
							 cq_moderate(f, cmd);
}

static int cmd_queue(struct func *f, const struct sluice_cmd_queue *cmd)
{
	if (cmd->reserved || cmd->flags & ~SLUICE_QUEUE_F_ALL)
		return CMD_MALFORMED;
	return cmd->hdr.opcode == SLUICE_CMD_TXQ_CREATE ? txq_create(f, cmd) :
							  rxq_create(f, cmd);
}

static int cmd_rss(struct func *f, const struct sluice_cmd_rss *cmd)
{
	uint32_t types = le32toh(cmd->types);
	unsigned int i;

	if (cmd->reserved)
		return CMD_MALFORMED;
	if (types & ~SLUICE_RSS_ALL)
		return SLUICE_ST_INVAL;
	for (i = 0; i < SLUICE_RSS_TABLE_SIZE; i++)
		if (cmd->table[i] >= f->max_queues)
			return SLUICE_ST_INVAL;
	f->rss.types = types;
	memcpy(f->rss.table, cmd->table, sizeof(f->rss.table));
	toeplitz_init(&f->rss.toeplitz, cmd->key);
	if (f->is_pf)
		f->nic->flow = f->rss.toeplitz;
	f->rss.on = true;
	return SLUICE_ST_OK;
}

int cmd_func(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len)
{
	/* Only statistics are about another vport than the own one. */
	if (hdr->vport && hdr->opcode != SLUICE_CMD_STATS_BUF)
		return CMD_MALFORMED;

	switch (hdr->opcode) {
	case SLUICE_CMD_NOP:
		return len == sizeof(*hdr) ? SLUICE_ST_OK : CMD_MALFORMED;
	case SLUICE_CMD_SYNC:
		if (len != sizeof(*hdr))
			return CMD_MALFORMED;
		stats_sync(f);
		return SLUICE_ST_OK;
	case SLUICE_CMD_QUERY_FUNC:
		if (len != sizeof(struct sluice_cmd_buf))
			return CMD_MALFORMED;
		return query_func(f, (const void *)hdr);
	case SLUICE_CMD_STATS_BUF:
		if (len != sizeof(struct sluice_cmd_buf))
			return CMD_MALFORMED;
		return cmd_stats_buf(f, (const void *)hdr);
	case SLUICE_CMD_SET_MAC:
	case SLUICE_CMD_FILTER_ADD:
	case SLUICE_CMD_FILTER_DEL:
		if (len != sizeof(struct sluice_cmd_mac))
			return CMD_MALFORMED;
		return cmd_mac(f, (const void *)hdr);
	case SLUICE_CMD_SET_RX_MODE:
	case SLUICE_CMD_SET_MTU:
	case SLUICE_CMD_SET_STATE:
	case SLUICE_CMD_CQ_DESTROY:
	case SLUICE_CMD_TXQ_DESTROY:
	case SLUICE_CMD_RXQ_DESTROY:
		if (len != sizeof(struct sluice_cmd_u32))
			return CMD_MALFORMED;
		return cmd_number(f, (const void *)hdr);
	case SLUICE_CMD_CQ_CREATE:
	case SLUICE_CMD_CQ_MODERATE:
		if (len != sizeof(struct sluice_cmd_cq))
			return CMD_MALFORMED;
		return cmd_cq(f, (const void *)hdr);
	case SLUICE_CMD_TXQ_CREATE:
	case SLUICE_CMD_RXQ_CREATE:
		if (len != sizeof(struct sluice_cmd_queue))
			return CMD_MALFORMED;
		return cmd_queue(f, (const void *)hdr);
	case SLUICE_CMD_RSS_SET:
		if (len != sizeof(struct sluice_cmd_rss))
			return CMD_MALFORMED;
		return cmd_rss(f, (const void *)hdr);
	default:
		return CMD_MALFORMED;
	}
}
