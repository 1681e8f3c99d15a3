// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, nic: channels, the rings of a function.
 *
 * They exist while somebody is up: the function's own netdev or, on a PF, any
 * representor.  Senders find them by RCU; whoever takes them away unpublishes
 * them first and waits.
 */
#include <linux/cpumask.h>
#include <linux/dma-mapping.h>
#include <linux/interrupt.h>
#include <linux/slab.h>

#include "nic.h"

static int sluice_napi_poll(struct napi_struct *napi, int budget)
{
	struct sluice_channel *ch = container_of(napi, struct sluice_channel, napi);
	struct sluice_dev *sdev = ch->sdev;
	struct sluice_cq *cq = &ch->cq;
	u32 mask = BIT(cq->log) - 1, seen = 0;
	int done = 0;

	/* A device that never stops completing must not keep the CPU. */
	while (seen <= mask) {
		const struct sluice_cqe *slot = &cq->ring[cq->count & mask];
		struct sluice_cqe cqe;

		if ((READ_ONCE(slot->phase) & 1) != sluice_phase(cq->count, cq->log))
			break;
		/* The rest of the completion after its phase. */
		dma_rmb();
		/* A copy, so that it does not change between check and use. */
		memcpy(&cqe, slot, sizeof(cqe));
		barrier();
		if (cqe.flags & cpu_to_le16(SLUICE_CQE_F_RX)) {
			if (done >= budget)
				break;
			if (sluice_rx_complete(ch, &cqe))
				break;
			done++;
		} else {
			sluice_tx_complete(ch, &cqe, budget);
		}
		cq->count++;
		seen++;
	}
	if (budget)
		sluice_rx_refill(&ch->rxq);

	if (done < budget && seen <= mask && napi_complete_done(napi, done)) {
		sluice_dim_sample(ch);
		/* A dead function has no more to say. */
		if (likely(!READ_ONCE(sdev->dead)))
			sluice_write(sdev, SLUICE_DB_CQ_ARM(ch->id), cq->count);
	} else if (seen && likely(!READ_ONCE(sdev->dead))) {
		sluice_write(sdev, SLUICE_DB_CQ(ch->id), cq->count);
	}
	return seen > mask ? budget : done;
}

static irqreturn_t sluice_channel_irq(int irq, void *data)
{
	struct sluice_channel *ch = data;

	WRITE_ONCE(ch->irqs, ch->irqs + 1);
	napi_schedule(&ch->napi);
	return IRQ_HANDLED;
}

/* ---- memory of a channel ---- */

static void sluice_channel_free(struct sluice_channel *ch)
{
	sluice_txq_fini(ch);
	sluice_rxq_fini(ch);
	if (ch->cq.ring)
		dma_free_coherent(&ch->sdev->pdev->dev,
				  sizeof(*ch->cq.ring) << ch->cq.log,
				  ch->cq.ring, ch->cq.dma);
	netif_napi_del(&ch->napi);
	kfree(ch);
}

static struct sluice_channel *sluice_channel_alloc(struct sluice_nic *nic, u16 id)
{
	struct sluice_channel *ch;

	ch = kzalloc(sizeof(*ch), GFP_KERNEL);
	if (!ch)
		return NULL;
	ch->sdev = nic->sdev;
	ch->id = id;
	netif_napi_add(nic->netdev, &ch->napi, sluice_napi_poll);
	/* A completion for every descriptor of both rings has room. */
	ch->cq.log = max(nic->tx_log, nic->rx_log) + 1;
	ch->cq.ring = dma_alloc_coherent(&nic->sdev->pdev->dev,
					 sizeof(*ch->cq.ring) << ch->cq.log,
					 &ch->cq.dma, GFP_KERNEL);
	if (!ch->cq.ring ||
	    sluice_rxq_init(ch, &nic->rx_stats[id], nic->rx_log) ||
	    sluice_txq_init(ch, &nic->tx_stats[id], nic->tx_log)) {
		sluice_channel_free(ch);
		return NULL;
	}
	ch->rxq.large = nic->large;
	ch->adaptive = nic->adaptive;
	sluice_dim_init(ch);
	return ch;
}

/* ---- the device's side ---- */

static int sluice_channel_create(struct sluice_nic *nic, struct sluice_channel *ch)
{
	struct sluice_dev *sdev = nic->sdev;
	struct sluice_cmd_queue queue = {};
	struct sluice_cmd_cq cq = {};
	int err;

	sluice_cmd_init(&cq.hdr, SLUICE_CMD_CQ_CREATE, sizeof(cq));
	cq.addr = cpu_to_le64(ch->cq.dma);
	cq.id = cpu_to_le16(ch->id);
	cq.log_size = ch->cq.log;
	cq.vector = cpu_to_le16(ch->id + 1);
	cq.usecs = cpu_to_le16(nic->usecs);
	cq.frames = cpu_to_le16(nic->frames);
	err = sluice_cmd_exec(sdev, &cq.hdr);
	if (err)
		return err;

	sluice_cmd_init(&queue.hdr, SLUICE_CMD_RXQ_CREATE, sizeof(queue));
	queue.addr = cpu_to_le64(ch->rxq.dma);
	queue.id = cpu_to_le16(ch->id);
	queue.log_size = ch->rxq.log;
	queue.flags = ch->rxq.large ? SLUICE_QUEUE_F_LARGE : 0;
	queue.cq = cpu_to_le16(ch->id);
	err = sluice_cmd_exec(sdev, &queue.hdr);
	if (err)
		goto err_cq;

	sluice_cmd_init(&queue.hdr, SLUICE_CMD_TXQ_CREATE, sizeof(queue));
	queue.addr = cpu_to_le64(ch->txq.dma);
	queue.log_size = ch->txq.log;
	queue.flags = 0;
	err = sluice_cmd_exec(sdev, &queue.hdr);
	if (err)
		goto err_rxq;
	return 0;

err_rxq:
	sluice_cmd_u32(sdev, SLUICE_CMD_RXQ_DESTROY, 0, ch->id);
err_cq:
	sluice_cmd_u32(sdev, SLUICE_CMD_CQ_DESTROY, 0, ch->id);
	return err;
}

static void sluice_post_u32(struct sluice_dev *sdev, u8 opcode, u32 value)
{
	struct sluice_cmd_u32 cmd = { .value = cpu_to_le32(value) };

	sluice_cmd_init(&cmd.hdr, opcode, sizeof(cmd));
	sluice_cmd_post(sdev, &cmd.hdr);
}

/* Take the queues of @n channels away from the device. */
static void sluice_channels_destroy(struct sluice_dev *sdev, unsigned int n)
{
	struct sluice_cmd_hdr nop;
	unsigned int i;

	for (i = 0; i < n; i++) {
		sluice_post_u32(sdev, SLUICE_CMD_TXQ_DESTROY, i);
		sluice_post_u32(sdev, SLUICE_CMD_RXQ_DESTROY, i);
		sluice_post_u32(sdev, SLUICE_CMD_CQ_DESTROY, i);
	}
	/* Commands run in order: its answer comes after all of them. */
	sluice_cmd_init(&nop, SLUICE_CMD_NOP, sizeof(nop));
	if (sluice_cmd_exec(sdev, &nop) || READ_ONCE(sdev->dead))
		sluice_func_quiesce(sdev);
}

static int sluice_channel_request(struct sluice_channel *ch)
{
	int irq = pci_irq_vector(ch->sdev->pdev, ch->id + 1), err;
	int node = dev_to_node(&ch->sdev->pdev->dev);

	snprintf(ch->irq_name, sizeof(ch->irq_name), "sluice-%u@%s", ch->id,
		 pci_name(ch->sdev->pdev));
	err = request_irq(irq, sluice_channel_irq, 0, ch->irq_name, ch);
	if (err)
		return err;
	ch->irq = irq;
	netif_napi_set_irq(&ch->napi, irq);
	irq_set_affinity_and_hint(irq, cpumask_of(cpumask_local_spread(ch->id, node)));
	return 0;
}

static void sluice_channel_release(struct sluice_channel *ch)
{
	irq_set_affinity_and_hint(ch->irq, NULL);
	free_irq(ch->irq, ch);
	netif_napi_set_irq(&ch->napi, -1);
	ch->irq = 0;
}

/* Make NAPI and its queues known to netlink and let it run. */
static void sluice_channel_enable(struct sluice_channel *ch)
{
	struct net_device *dev = ch->sdev->netdev;

	sluice_rx_start(&ch->rxq);
	napi_enable(&ch->napi);
	netif_queue_set_napi(dev, ch->id, NETDEV_QUEUE_TYPE_RX, &ch->napi);
	netif_queue_set_napi(dev, ch->id, NETDEV_QUEUE_TYPE_TX, &ch->napi);
	sluice_write(ch->sdev, SLUICE_DB_CQ_ARM(ch->id), ch->cq.count);
}

static void sluice_channel_disable(struct sluice_channel *ch)
{
	struct net_device *dev = ch->sdev->netdev;

	netif_queue_set_napi(dev, ch->id, NETDEV_QUEUE_TYPE_RX, NULL);
	netif_queue_set_napi(dev, ch->id, NETDEV_QUEUE_TYPE_TX, NULL);
	napi_disable(&ch->napi);
	sluice_dim_stop(ch);
	timer_delete_sync(&ch->rxq.refill);
}

/**
 * sluice_rss_default() - spread the hash over all channels
 * @nic: netdev
 */
void sluice_rss_default(struct sluice_nic *nic)
{
	unsigned int i;

	for (i = 0; i < SLUICE_RSS_TABLE_SIZE; i++)
		nic->rss_table[i] = ethtool_rxfh_indir_default(i, nic->num_channels);
}

/**
 * sluice_channels_rss() - tell the device how to spread frames
 * @nic: netdev whose channels exist
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sluice_channels_rss(struct sluice_nic *nic)
{
	struct sluice_cmd_rss cmd = { .types = cpu_to_le32(SLUICE_RSS_ALL) };

	if (!(nic->sdev->caps & SLUICE_CAP_RSS))
		return 0;
	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_RSS_SET, sizeof(cmd));
	memcpy(cmd.key, nic->rss_key, sizeof(cmd.key));
	memcpy(cmd.table, nic->rss_table, sizeof(cmd.table));
	return sluice_cmd_exec(nic->sdev, &cmd.hdr);
}

/* Create and start the channels.  channels_lock and RTNL held. */
static int sluice_channels_open(struct sluice_dev *sdev)
{
	struct sluice_nic *nic = netdev_priv(sdev->netdev);
	unsigned int i, created = 0, requested = 0;
	struct sluice_channels *chs;
	int err;

	chs = kzalloc(struct_size(chs, ch, nic->num_channels), GFP_KERNEL);
	if (!chs)
		return -ENOMEM;
	chs->num = nic->num_channels;
	for (i = 0; i < chs->num; i++) {
		chs->ch[i] = sluice_channel_alloc(nic, i);
		if (!chs->ch[i]) {
			err = -ENOMEM;
			goto err_free;
		}
	}
	err = netif_set_real_num_queues(nic->netdev, chs->num, chs->num);
	if (err)
		goto err_free;
	for (; requested < chs->num; requested++) {
		err = sluice_channel_request(chs->ch[requested]);
		if (err)
			goto err_release;
	}
	for (; created < chs->num; created++) {
		err = sluice_channel_create(nic, chs->ch[created]);
		if (err)
			goto err_destroy;
	}
	err = sluice_channels_rss(nic);
	if (err)
		goto err_destroy;
	for (i = 0; i < chs->num; i++)
		sluice_channel_enable(chs->ch[i]);
	rcu_assign_pointer(sdev->channels, chs);
	err = sluice_cmd_u32(sdev, SLUICE_CMD_SET_STATE, 0, 1);
	if (err)
		goto err_disable;
	return 0;

err_disable:
	RCU_INIT_POINTER(sdev->channels, NULL);
	synchronize_net();
	for (i = 0; i < chs->num; i++)
		sluice_channel_disable(chs->ch[i]);
err_destroy:
	sluice_channels_destroy(sdev, created);
err_release:
	while (requested)
		sluice_channel_release(chs->ch[--requested]);
err_free:
	for (i = 0; i < chs->num && chs->ch[i]; i++)
		sluice_channel_free(chs->ch[i]);
	kfree(chs);
	return err;
}

/* Stop and free the channels.  channels_lock and RTNL held. */
static void sluice_channels_close(struct sluice_dev *sdev)
{
	struct sluice_channels *chs = rcu_dereference_protected(sdev->channels,
					lockdep_is_held(&sdev->channels_lock));
	unsigned int i;

	if (!chs)
		return;
	/* No sender is in a ring, and none will be. */
	RCU_INIT_POINTER(sdev->channels, NULL);
	synchronize_net();
	sluice_post_u32(sdev, SLUICE_CMD_SET_STATE, 0);
	for (i = 0; i < chs->num; i++)
		sluice_channel_disable(chs->ch[i]);
	sluice_channels_destroy(sdev, chs->num);
	for (i = 0; i < chs->num; i++)
		sluice_channel_release(chs->ch[i]);
	for (i = 0; i < chs->num; i++)
		sluice_channel_free(chs->ch[i]);
	kfree(chs);
}

/**
 * sluice_channels_get() - have the function's rings
 * @sdev: function
 *
 * RTNL held.  The first user creates the rings and enables the function.
 *
 * Return: 0 or a negative errno.
 */
int sluice_channels_get(struct sluice_dev *sdev)
{
	int err = 0;

	ASSERT_RTNL();
	mutex_lock(&sdev->channels_lock);
	if (!sdev->channels_users)
		err = sluice_channels_open(sdev);
	if (!err)
		sdev->channels_users++;
	mutex_unlock(&sdev->channels_lock);
	return err;
}

/**
 * sluice_channels_put() - need the function's rings no more
 * @sdev: function
 *
 * RTNL held.  The last user disables the function and frees the rings.
 */
void sluice_channels_put(struct sluice_dev *sdev)
{
	ASSERT_RTNL();
	mutex_lock(&sdev->channels_lock);
	if (!WARN_ON(!sdev->channels_users) && !--sdev->channels_users)
		sluice_channels_close(sdev);
	mutex_unlock(&sdev->channels_lock);
}

static void sluice_channels_wake(struct sluice_dev *sdev)
{
	if (netif_running(sdev->netdev))
		netif_tx_wake_all_queues(sdev->netdev);
	if (sdev->is_pf)
		sluice_esw_wake_queues(sdev);
}

static void sluice_channels_hold(struct sluice_dev *sdev)
{
	netif_tx_disable(sdev->netdev);
	if (sdev->is_pf)
		sluice_esw_stop_queues(sdev);
}

/**
 * sluice_channels_suspend() - free the rings for a while, users stay
 * @sdev: function
 *
 * RTNL held.
 */
void sluice_channels_suspend(struct sluice_dev *sdev)
{
	mutex_lock(&sdev->channels_lock);
	sluice_channels_hold(sdev);
	sluice_channels_close(sdev);
	mutex_unlock(&sdev->channels_lock);
}

/**
 * sluice_channels_resume() - have the rings back that users still need
 * @sdev: function
 *
 * RTNL held.
 *
 * Return: 0 or a negative errno.
 */
int sluice_channels_resume(struct sluice_dev *sdev)
{
	int err = 0;

	mutex_lock(&sdev->channels_lock);
	if (sdev->channels_users &&
	    !rcu_access_pointer(sdev->channels))
		err = sluice_channels_open(sdev);
	if (!err)
		sluice_channels_wake(sdev);
	mutex_unlock(&sdev->channels_lock);
	return err;
}

/**
 * sluice_channels_change() - change number or size of the rings
 * @nic: netdev
 * @num: channels
 * @tx_log: log2 of the TX ring size
 * @rx_log: log2 of the RX ring size
 *
 * RTNL held.  Traffic rests meanwhile.  If the new rings cannot be had, the
 * old ones come back.
 *
 * Return: 0 or a negative errno.
 */
int sluice_channels_change(struct sluice_nic *nic, u16 num, u8 tx_log, u8 rx_log)
{
	u16 old_num = nic->num_channels;
	u8 old_tx = nic->tx_log, old_rx = nic->rx_log;
	struct sluice_dev *sdev = nic->sdev;
	int err;

	sluice_channels_suspend(sdev);
	nic->num_channels = num;
	nic->tx_log = tx_log;
	nic->rx_log = rx_log;
	if (num != old_num && !netif_is_rxfh_configured(nic->netdev))
		sluice_rss_default(nic);
	err = sluice_channels_resume(sdev);
	if (!err)
		goto out;

	nic->num_channels = old_num;
	nic->tx_log = old_tx;
	nic->rx_log = old_rx;
	if (num != old_num && !netif_is_rxfh_configured(nic->netdev))
		sluice_rss_default(nic);
	if (sluice_channels_resume(sdev))
		netdev_err(nic->netdev, "cannot have the old rings back either\n");
out:
	if (!netif_running(nic->netdev))
		netif_set_real_num_queues(nic->netdev, nic->num_channels,
					  nic->num_channels);
	return err;
}

/**
 * sluice_channels_large() - receive large frames or not
 * @nic: netdev
 * @on: receive them
 *
 * RTNL held.  Traffic rests meanwhile.  If the new rings cannot be had, the
 * old ones come back.
 *
 * Return: 0 or a negative errno.
 */
int sluice_channels_large(struct sluice_nic *nic, bool on)
{
	bool old = nic->large;
	int err;

	nic->large = on;
	err = sluice_channels_change(nic, nic->num_channels, nic->tx_log, nic->rx_log);
	if (!err)
		return 0;
	nic->large = old;
	return err;
}

/**
 * sluice_channel_moderate() - change a channel's interrupt moderation
 * @ch: channel
 * @usecs: longest delay of an interrupt, in microseconds
 * @frames: completions that end the delay
 *
 * Process context.  Does not wait for the device.
 *
 * Return: 0 or a negative errno.
 */
int sluice_channel_moderate(struct sluice_channel *ch, u16 usecs, u16 frames)
{
	struct sluice_cmd_cq cmd = {};

	sluice_cmd_init(&cmd.hdr, SLUICE_CMD_CQ_MODERATE, sizeof(cmd));
	cmd.id = cpu_to_le16(ch->id);
	cmd.usecs = cpu_to_le16(usecs);
	cmd.frames = cpu_to_le16(frames);
	return sluice_cmd_post(ch->sdev, &cmd.hdr);
}

/**
 * sluice_channels_moderate() - change interrupt moderation
 * @nic: netdev
 * @usecs: longest delay of an interrupt, in microseconds
 * @frames: completions that end the delay
 * @adaptive: begin with these and adapt
 *
 * RTNL held.
 *
 * Return: 0 or a negative errno.
 */
int sluice_channels_moderate(struct sluice_nic *nic, u16 usecs, u16 frames,
			     bool adaptive)
{
	struct sluice_dev *sdev = nic->sdev;
	struct sluice_channels *chs;
	unsigned int i;
	int err = 0;

	mutex_lock(&sdev->channels_lock);
	chs = rcu_dereference_protected(sdev->channels,
					lockdep_is_held(&sdev->channels_lock));
	for (i = 0; chs && i < chs->num && !err; i++) {
		WRITE_ONCE(chs->ch[i]->adaptive, false);
		/* What adapts must not come after what is set by hand. */
		flush_work(&chs->ch[i]->dim.work);
		err = sluice_channel_moderate(chs->ch[i], usecs, frames);
		WRITE_ONCE(chs->ch[i]->adaptive, adaptive);
	}
	if (!err) {
		nic->usecs = usecs;
		nic->frames = frames;
		nic->adaptive = adaptive;
	}
	mutex_unlock(&sdev->channels_lock);
	return err;
}

/**
 * sluice_channels_kick() - look for completions although no interrupt came
 * @sdev: function
 * @txq: TX queue that seems to be stuck
 *
 * Softirq context.
 */
void sluice_channels_kick(struct sluice_dev *sdev, unsigned int txq)
{
	struct sluice_channels *chs;

	rcu_read_lock();
	chs = rcu_dereference(sdev->channels);
	if (chs && txq < chs->num)
		napi_schedule(&chs->ch[txq]->napi);
	rcu_read_unlock();
}
