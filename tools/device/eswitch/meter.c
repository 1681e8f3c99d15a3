// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Meters: the token buckets of tc's police action, in its own units and with
 * its own rounding.
 */
#include <stdlib.h>
#include "internal.h"

/* Sums of two stay within 63 bits. */
#define MAX_BURST	(1ull << 61)

struct esw_meter *esw_meter_get(const struct sluice_esw *esw, uint32_t id)
{
	return id < esw->meters_size ? esw->meters[id] : NULL;
}

static bool burst_valid(uint64_t burst)
{
	return le64toh(burst) <= MAX_BURST;
}

static bool meter_valid(const struct sluice_cmd_meter *cmd)
{
	uint16_t flags = le16toh(cmd->flags);

	if (flags & SLUICE_METER_F_PEAK && !(flags & SLUICE_METER_F_RATE))
		return false;
	if (flags & SLUICE_METER_F_PACKET && flags & SLUICE_METER_F_RATE)
		return false;
	return cmd->rate.shift < 64 && cmd->peak.shift < 64 &&
	       cmd->packet.shift < 64 && burst_valid(cmd->burst) &&
	       burst_valid(cmd->peak_burst) && burst_valid(cmd->packet_burst);
}

/**
 * sluice_esw_meter_set() - create or change a meter
 * @esw: the eSwitch, in switchdev mode
 * @cmd: the command, little-endian, its reserved fields zero
 *
 * It is full afterwards, but for packets: what is saved up of those stays, and
 * a new meter starts with none.
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL, %SLUICE_ST_NOSPC or %SLUICE_ST_OK.
 */
int sluice_esw_meter_set(struct sluice_esw *esw,
			 const struct sluice_cmd_meter *cmd)
{
	uint32_t id = le32toh(cmd->id);
	struct esw_meter *m;

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= esw->cfg.max_meters || !meter_valid(cmd))
		return SLUICE_ST_INVAL;
	if (!esw_grow(&esw->meters, &esw->meters_size, id,
		      esw->cfg.max_meters))
		return SLUICE_ST_NOSPC;
	m = esw->meters[id];
	if (!m) {
		m = calloc(1, sizeof(*m));
		if (!m)
			return SLUICE_ST_NOSPC;
		esw->meters[id] = m;
		esw->num_meters++;
	}
	m->cmd = *cmd;
	m->bucket.then = esw->host.now(esw->host.ctx);
	m->bucket.tokens = (int64_t)le64toh(cmd->burst);
	if (le16toh(cmd->flags) & SLUICE_METER_F_PEAK)
		m->bucket.peak = (int64_t)le64toh(cmd->peak_burst);
	return SLUICE_ST_OK;
}

/**
 * sluice_esw_meter_del() - remove a meter
 * @esw: the eSwitch, in switchdev mode
 * @id: meter id
 *
 * Return: %SLUICE_ST_MODE, %SLUICE_ST_INVAL, %SLUICE_ST_NOENT,
 * %SLUICE_ST_BUSY while a rule uses it, or %SLUICE_ST_OK.
 */
int sluice_esw_meter_del(struct sluice_esw *esw, uint32_t id)
{
	struct esw_meter *m = esw_meter_get(esw, id);

	if (esw->mode != SLUICE_ESW_SWITCHDEV)
		return SLUICE_ST_MODE;
	if (id >= esw->cfg.max_meters)
		return SLUICE_ST_INVAL;
	if (!m)
		return SLUICE_ST_NOENT;
	if (m->refs)
		return SLUICE_ST_BUSY;
	free(m);
	esw->meters[id] = NULL;
	esw->num_meters--;
	return SLUICE_ST_OK;
}

/* Remove every meter; no rule is left. */
void esw_meters_flush(struct sluice_esw *esw)
{
	uint32_t i;

	for (i = 0; i < esw->meters_size; i++) {
		free(esw->meters[i]);
		esw->meters[i] = NULL;
	}
	esw->num_meters = 0;
}

/* Nanoseconds that @len takes. */
static int64_t rate_time(const struct sluice_meter_rate *r, uint32_t len)
{
	len += le16toh(r->overhead);
	if (len < le16toh(r->mpu))
		len = le16toh(r->mpu);
	if (r->flags & SLUICE_METER_RATE_F_ATM)
		len = (len + 47) / 48 * 53;
	return (int64_t)((uint64_t)len * le32toh(r->mult) >> r->shift);
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/**
 * esw_meter_run() - does a packet conform
 * @m: meter
 * @b: its bucket as it is now, updated if the packet does
 * @bytes: what tc counts of the packet
 * @now: host clock
 *
 * Return: whether it does.
 */
bool esw_meter_run(const struct esw_meter *m, struct esw_bucket *b,
		   uint32_t bytes, uint64_t now)
{
	const struct sluice_cmd_meter *cmd = &m->cmd;
	uint16_t flags = le16toh(cmd->flags);
	int64_t since = (int64_t)(now - b->then);
	int64_t tokens, peak = 0, packet = 0;

	if ((uint64_t)bytes + ESW_ETH_HLEN > le32toh(cmd->mtu))
		return false;
	if (!(flags & (SLUICE_METER_F_RATE | SLUICE_METER_F_PACKET)))
		return true;
	tokens = min64(since, (int64_t)le64toh(cmd->burst));
	if (flags & SLUICE_METER_F_PEAK) {
		peak = min64(tokens + b->peak,
			     (int64_t)le64toh(cmd->peak_burst));
		peak -= rate_time(&cmd->peak, bytes);
	}
	if (flags & SLUICE_METER_F_RATE) {
		tokens = min64(tokens + b->tokens,
			       (int64_t)le64toh(cmd->burst));
		tokens -= rate_time(&cmd->rate, bytes);
	} else {
		int64_t burst = (int64_t)le64toh(cmd->packet_burst);

		packet = min64(min64(since, burst) + b->packet, burst);
		packet -= rate_time(&cmd->packet, 1);
	}
	if (tokens < 0 || peak < 0 || packet < 0)
		return false;
	b->then = now;
	b->tokens = tokens;
	b->peak = peak;
	b->packet = packet;
	return true;
}
