// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: interrupt moderation that adapts itself.
 *
 * The kernel's DIM watches what each channel gets done for an interrupt and
 * chooses among its profiles.  A channel's two rings share the interrupt, so
 * frames of both ways count.
 */
#include <linux/dim.h>

#include "nic.h"

static void sluice_dim_work(struct work_struct *work)
{
	struct dim *dim = container_of(work, struct dim, work);
	struct sluice_channel *ch = container_of(dim, struct sluice_channel, dim);
	struct dim_cq_moder moder;

	moder = net_dim_get_rx_moderation(dim->mode, dim->profile_ix);
	/* Turned off meanwhile: the values set by hand are in force. */
	if (READ_ONCE(ch->adaptive))
		sluice_channel_moderate(ch, moder.usec, moder.pkts);
	dim->state = DIM_START_MEASURE;
}

/**
 * sluice_dim_init() - begin with a channel
 * @ch: channel that is not in use yet
 */
void sluice_dim_init(struct sluice_channel *ch)
{
	INIT_WORK(&ch->dim.work, sluice_dim_work);
	/* The device's clock starts with the first completion. */
	ch->dim.mode = DIM_CQ_PERIOD_MODE_START_FROM_EQE;
}

/**
 * sluice_dim_sample() - an interrupt's work is done
 * @ch: channel
 *
 * NAPI context.
 */
void sluice_dim_sample(struct sluice_channel *ch)
{
	const struct sluice_rx_stats *rx = ch->rxq.stats;
	const struct sluice_tx_stats *tx = ch->txq.stats;
	struct dim_sample sample = {};

	if (!READ_ONCE(ch->adaptive))
		return;
	dim_update_sample(READ_ONCE(ch->irqs), rx->packets + READ_ONCE(tx->packets),
			  rx->bytes + READ_ONCE(tx->bytes), &sample);
	sluice_compat_net_dim(&ch->dim, &sample);
}

/**
 * sluice_dim_stop() - nothing happens any more
 * @ch: channel whose NAPI context is disabled
 */
void sluice_dim_stop(struct sluice_channel *ch)
{
	cancel_work_sync(&ch->dim.work);
}
