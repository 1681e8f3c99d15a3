// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of the PF: connections. */
#include "internal.h"

/* What was set to zero is zero in host memory at once. */
static int ct_set(struct func *f, const struct sluice_cmd_ct *cmd)
{
	int ret;

	if (cmd->reserved[0] | cmd->reserved[1] ||
	    le16toh(cmd->flags) & ~SLUICE_CT_F_ALL)
		return CMD_MALFORMED;
	ret = sluice_esw_ct_set(f->nic->esw, cmd);
	if (ret == SLUICE_ST_OK && le16toh(cmd->flags) & SLUICE_CT_F_ZERO &&
	    !stats_counter_write(f, le32toh(cmd->counter)))
		return SLUICE_ST_FAULT;
	return ret;
}

static int ct_del(struct func *f, const struct sluice_cmd_u32 *cmd)
{
	uint32_t counter;
	int ret;

	if (cmd->reserved)
		return CMD_MALFORMED;
	ret = sluice_esw_ct_del(f->nic->esw, le32toh(cmd->value), &counter);
	if (ret == SLUICE_ST_OK && !stats_counter_write(f, counter))
		return SLUICE_ST_FAULT;
	return ret;
}

int cmd_ct(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len)
{
	switch (hdr->opcode) {
	case SLUICE_CMD_CT_SET:
		if (len != sizeof(struct sluice_cmd_ct))
			return CMD_MALFORMED;
		return ct_set(f, (const void *)hdr);
	case SLUICE_CMD_CT_DEL:
		if (len != sizeof(struct sluice_cmd_u32))
			return CMD_MALFORMED;
		return ct_del(f, (const void *)hdr);
	default:
		return CMD_MALFORMED;
	}
}
