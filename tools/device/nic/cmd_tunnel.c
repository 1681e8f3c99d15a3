// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of the PF: tunnels. */
#include "internal.h"

/* What was set to zero is zero in host memory at once. */
static int next_hop_set(struct func *f, const struct sluice_cmd_next_hop *cmd)
{
	int ret;

	if (le16toh(cmd->flags) & ~SLUICE_NEXT_HOP_F_ALL)
		return CMD_MALFORMED;
	ret = sluice_esw_next_hop_set(f->nic->esw, cmd);
	if (ret == SLUICE_ST_OK &&
	    le16toh(cmd->flags) & SLUICE_NEXT_HOP_F_ZERO &&
	    !stats_counter_write(f, le32toh(cmd->counter)))
		return SLUICE_ST_FAULT;
	return ret;
}

static int next_hop_del(struct func *f, uint32_t id)
{
	uint32_t counter;
	int ret = sluice_esw_next_hop_del(f->nic->esw, id, &counter);

	if (ret == SLUICE_ST_OK && !stats_counter_write(f, counter))
		return SLUICE_ST_FAULT;
	return ret;
}

static int encap_set(struct func *f, const struct sluice_cmd_encap *cmd,
		     uint32_t len)
{
	uint32_t header_len, i;

	if (len < sizeof(*cmd))
		return CMD_MALFORMED;
	header_len = le16toh(cmd->header_len);
	if (cmd->reserved || cmd->reserved2 ||
	    le16toh(cmd->flags) & ~SLUICE_ENCAP_F_ALL ||
	    len != sizeof(*cmd) + ((header_len + 7) & ~7u))
		return CMD_MALFORMED;
	for (i = header_len; i < len - sizeof(*cmd); i++)
		if (cmd->header[i])
			return CMD_MALFORMED;
	return sluice_esw_encap_set(f->nic->esw, cmd);
}

static int endpoint_set(struct func *f, const struct sluice_cmd_endpoint *cmd)
{
	static const uint8_t zero[sizeof(cmd->reserved)];

	if (memcmp(cmd->reserved, zero, sizeof(zero)) ||
	    le16toh(cmd->flags) & ~SLUICE_ENDPOINT_F_ALL)
		return CMD_MALFORMED;
	return sluice_esw_endpoint_set(f->nic->esw, cmd);
}

static int del(struct func *f, const struct sluice_cmd_u32 *cmd)
{
	uint32_t id = le32toh(cmd->value);

	if (cmd->reserved)
		return CMD_MALFORMED;
	switch (cmd->hdr.opcode) {
	case SLUICE_CMD_NEXT_HOP_DEL:
		return next_hop_del(f, id);
	case SLUICE_CMD_ENCAP_DEL:
		return sluice_esw_encap_del(f->nic->esw, id);
	default:
		return sluice_esw_endpoint_del(f->nic->esw, id);
	}
}

int cmd_tunnel(struct func *f, const struct sluice_cmd_hdr *hdr, uint32_t len)
{
	switch (hdr->opcode) {
	case SLUICE_CMD_NEXT_HOP_SET:
		if (len != sizeof(struct sluice_cmd_next_hop))
			return CMD_MALFORMED;
		return next_hop_set(f, (const void *)hdr);
	case SLUICE_CMD_ENCAP_SET:
		return encap_set(f, (const void *)hdr, len);
	case SLUICE_CMD_ENDPOINT_SET:
		if (len != sizeof(struct sluice_cmd_endpoint))
			return CMD_MALFORMED;
		return endpoint_set(f, (const void *)hdr);
	case SLUICE_CMD_NEXT_HOP_DEL:
	case SLUICE_CMD_ENCAP_DEL:
	case SLUICE_CMD_ENDPOINT_DEL:
		if (len != sizeof(struct sluice_cmd_u32))
			return CMD_MALFORMED;
		return del(f, (const void *)hdr);
	default:
		return CMD_MALFORMED;
	}
}
