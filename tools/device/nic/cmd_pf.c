// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of the PF: the eSwitch. */
#include "internal.h"

static int esw_mode(struct func *f, uint32_t mode)
{
	int ret;

	if (mode != SLUICE_ESW_LEGACY && mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_INVAL;
	ret = sluice_esw_set_mode(f->nic->esw, mode);
	if (ret == SLUICE_ST_OK)
		shaper_reset(f->nic);
	nic_check_links(f->nic);
	return ret;
}

/* Tell a VF what the PF has changed: what is in force now. */
static void tell_vf(struct func *vf, uint32_t fields)
{
	struct sluice_vport_info vi;
	const uint8_t *m = vi.mac;

	sluice_esw_vport_query(vf->nic->esw, vf->vport, &vi);
	if (fields & SLUICE_VPORT_F_MTU)
		event_post(vf, SLUICE_EVENT_MTU, vf->vport, le16toh(vi.mtu), 0);
	if (fields & SLUICE_VPORT_F_MAC)
		event_post(vf, SLUICE_EVENT_MAC, vf->vport,
			   m[0] | m[1] << 8 | m[2] << 16 | (uint32_t)m[3] << 24,
			   m[4] | m[5] << 8);
	if (fields & SLUICE_VPORT_F_POLICY)
		event_post(vf, SLUICE_EVENT_POLICY, vf->vport,
			   le32toh(vi.policy), 0);
}

static int vport_set(struct func *f, const struct sluice_cmd_vport *cmd)
{
	struct sluice_nic *nic = f->nic;
	uint16_t vport = le16toh(cmd->hdr.vport);
	uint32_t fields = le32toh(cmd->fields);
	int ret;

	if (fields & ~SLUICE_VPORT_F_ALL)
		return CMD_MALFORMED;
	ret = sluice_esw_vport_set(nic->esw, vport, cmd);
	if (ret != SLUICE_ST_OK)
		return ret;
	if (vport && vport < nic->num_funcs)
		tell_vf(&nic->funcs[vport],
			cmd->mtu ? fields : fields & ~SLUICE_VPORT_F_MTU);
	if (fields & SLUICE_VPORT_F_LINK)
		nic_check_links(nic);
	return ret;
}

static int fill(struct func *f, const struct sluice_cmd_buf *cmd,
		const void *data, size_t len)
{
	struct sluice_nic_host *host = &f->nic->host;

	return host->dma_write(host->ctx, f->vport, le64toh(cmd->addr), data,
			       len) ? SLUICE_ST_OK : SLUICE_ST_FAULT;
}

static int cmd_buf(struct func *f, const struct sluice_cmd_buf *cmd)
{
	struct sluice_nic *nic = f->nic;
	uint16_t vport = le16toh(cmd->hdr.vport);
	struct sluice_vport_info vi = { 0 };
	struct sluice_esw_info ei = { 0 };
	int ret;

	if (cmd->reserved)
		return CMD_MALFORMED;
	if (le64toh(cmd->addr) & 7)
		return SLUICE_ST_INVAL;

	if (cmd->hdr.opcode == SLUICE_CMD_ESW_QUERY) {
		if (vport)
			return CMD_MALFORMED;
		if (le32toh(cmd->len) != sizeof(ei))
			return SLUICE_ST_INVAL;
		sluice_esw_query(nic->esw, &ei);
		ei.mapped = htole32(nic->mapped);
		return fill(f, cmd, &ei, sizeof(ei));
	}

	if (le32toh(cmd->len) != sizeof(vi))
		return SLUICE_ST_INVAL;
	ret = sluice_esw_vport_query(nic->esw, vport, &vi);
	if (ret != SLUICE_ST_OK)
		return ret;
	if (vport < nic->num_funcs) {
		uint64_t error = __atomic_load_n(&nic->funcs[vport].error,
						 __ATOMIC_ACQUIRE);

		vi.error = htole16(error >> 32);
		vi.error_info = htole32((uint32_t)error);
	}
	return fill(f, cmd, &vi, sizeof(vi));
}

static int cmd_mask(struct func *f, const struct sluice_cmd_mask *cmd)
{
	if (cmd->reserved)
		return CMD_MALFORMED;
	return sluice_esw_mask_add(f->nic->esw, le32toh(cmd->id), &cmd->mask);
}

static int cmd_range(struct func *f, const struct sluice_cmd_range *cmd)
{
	static const uint8_t zero[sizeof(cmd->reserved)];

	if (memcmp(cmd->reserved, zero, sizeof(zero)))
		return CMD_MALFORMED;
	return sluice_esw_range_set(f->nic->esw, cmd);
}

static bool rate_malformed(const struct sluice_meter_rate *r)
{
	return r->reserved || r->flags & ~SLUICE_METER_RATE_F_ATM;
}

static int cmd_meter(struct func *f, const struct sluice_cmd_meter *cmd)
{
	static const uint8_t zero[sizeof(cmd->reserved3)];

	if (cmd->reserved || cmd->reserved2 ||
	    memcmp(cmd->reserved3, zero, sizeof(zero)) ||
	    le16toh(cmd->flags) & ~SLUICE_METER_F_ALL ||
	    rate_malformed(&cmd->rate) || rate_malformed(&cmd->peak) ||
	    rate_malformed(&cmd->packet) || cmd->packet.flags ||
	    cmd->packet.overhead || cmd->packet.mpu)
		return CMD_MALFORMED;
	return sluice_esw_meter_set(f->nic->esw, cmd);
}

static int rule_add(struct func *f, const struct sluice_cmd_rule *cmd,
		    uint32_t len)
{
	uint64_t key[SLUICE_KEY_WORDS];
	struct sluice_rule_spec spec = {
		.id = le32toh(cmd->id),
		.table = le32toh(cmd->table),
		.mask = le32toh(cmd->mask),
		.counter = le32toh(cmd->counter),
		.prio = le32toh(cmd->prio),
		.subprio = le32toh(cmd->subprio),
		.flags = le16toh(cmd->flags),
		.key_words = cmd->key_words,
		.num_actions = cmd->num_actions,
		.key = key,
	};
	int ret;

	if (cmd->reserved || spec.flags & ~SLUICE_RULE_F_ZERO ||
	    spec.key_words > SLUICE_KEY_WORDS ||
	    len != sizeof(*cmd) + spec.key_words * 8 +
		   spec.num_actions * sizeof(struct sluice_action))
		return CMD_MALFORMED;
	memcpy(key, cmd->data, spec.key_words * 8);
	spec.actions = (const void *)(cmd->data + spec.key_words * 8);
	if (!sluice_rule_well_formed(&spec))
		return CMD_MALFORMED;
	ret = sluice_esw_rule_add(f->nic->esw, &spec);
	if (ret == SLUICE_ST_OK && spec.flags & SLUICE_RULE_F_ZERO &&
	    !stats_counter_write(f, spec.counter))
		return SLUICE_ST_FAULT;
	return ret;
}

static int rule_del(struct func *f, uint32_t id)
{
	uint32_t counter = SLUICE_ID_NONE;
	int ret;

	ret = sluice_esw_rule_del(f->nic->esw, id, &counter);
	if (ret == SLUICE_ST_OK && !stats_counter_write(f, counter))
		return SLUICE_ST_FAULT;
	return ret;
}

static int cmd_number(struct func *f, const struct sluice_cmd_u32 *cmd)
{
	uint32_t value = le32toh(cmd->value);

	if (cmd->reserved)
		return CMD_MALFORMED;
	switch (cmd->hdr.opcode) {
	case SLUICE_CMD_STATS_CONFIG:
		if (value < 1 || value > 10000)
			return SLUICE_ST_INVAL;
		f->nic->sweep_ms = value;
		return SLUICE_ST_OK;
	case SLUICE_CMD_ESW_MODE:
		return esw_mode(f, value);
	case SLUICE_CMD_MASK_DEL:
		return sluice_esw_mask_del(f->nic->esw, value);
	case SLUICE_CMD_RULE_DEL:
		return rule_del(f, value);
	case SLUICE_CMD_RANGE_DEL:
		return sluice_esw_range_del(f->nic->esw, value);
	case SLUICE_CMD_METER_DEL:
		return sluice_esw_meter_del(f->nic->esw, value);
	default:
		return CMD_MALFORMED;
	}
}

static int cmd_counters(struct func *f, const struct sluice_cmd_counters *cmd)
{
	uint64_t addr = le64toh(cmd->addr);
	uint32_t base = le32toh(cmd->base);
	uint32_t count = le32toh(cmd->count);

	if (cmd->hdr.opcode == SLUICE_CMD_COUNTER_UNMAP && addr)
		return CMD_MALFORMED;
	if (!count || count & (count - 1) || base & (count - 1) ||
	    count > f->nic->cfg.max_counters ||
	    base > f->nic->cfg.max_counters - count || addr & 63)
		return SLUICE_ST_INVAL;
	if (cmd->hdr.opcode == SLUICE_CMD_COUNTER_MAP)
		return stats_map(f, addr, base, count);
	return stats_unmap(f, base, count);
}

int cmd_pf(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len)
{
	if (hdr->vport && hdr->opcode != SLUICE_CMD_VPORT_SET &&
	    hdr->opcode != SLUICE_CMD_VPORT_QUERY)
		return CMD_MALFORMED;

	if (hdr->opcode >= SLUICE_CMD_SHAPER_SET)
		return cmd_shaper(f, hdr, len);
	if (hdr->opcode >= SLUICE_CMD_CT_SET)
		return cmd_ct(f, hdr, len);
	if (hdr->opcode >= SLUICE_CMD_NEXT_HOP_SET)
		return cmd_tunnel(f, hdr, len);
	switch (hdr->opcode) {
	case SLUICE_CMD_STATS_CONFIG:
	case SLUICE_CMD_ESW_MODE:
	case SLUICE_CMD_MASK_DEL:
	case SLUICE_CMD_RULE_DEL:
	case SLUICE_CMD_RANGE_DEL:
	case SLUICE_CMD_METER_DEL:
		if (len != sizeof(struct sluice_cmd_u32))
			return CMD_MALFORMED;
		return cmd_number(f, (const void *)hdr);
	case SLUICE_CMD_VPORT_SET:
		if (len != sizeof(struct sluice_cmd_vport))
			return CMD_MALFORMED;
		return vport_set(f, (const void *)hdr);
	case SLUICE_CMD_VPORT_QUERY:
	case SLUICE_CMD_ESW_QUERY:
		if (len != sizeof(struct sluice_cmd_buf))
			return CMD_MALFORMED;
		return cmd_buf(f, (const void *)hdr);
	case SLUICE_CMD_COUNTER_MAP:
	case SLUICE_CMD_COUNTER_UNMAP:
		if (len != sizeof(struct sluice_cmd_counters))
			return CMD_MALFORMED;
		return cmd_counters(f, (const void *)hdr);
	case SLUICE_CMD_MASK_ADD:
		if (len != sizeof(struct sluice_cmd_mask))
			return CMD_MALFORMED;
		return cmd_mask(f, (const void *)hdr);
	case SLUICE_CMD_RANGE_SET:
		if (len != sizeof(struct sluice_cmd_range))
			return CMD_MALFORMED;
		return cmd_range(f, (const void *)hdr);
	case SLUICE_CMD_METER_SET:
		if (len != sizeof(struct sluice_cmd_meter))
			return CMD_MALFORMED;
		return cmd_meter(f, (const void *)hdr);
	case SLUICE_CMD_RULE_ADD:
		if (len < sizeof(struct sluice_cmd_rule))
			return CMD_MALFORMED;
		return rule_add(f, (const void *)hdr, len);
	default:
		return CMD_MALFORMED;
	}
}
