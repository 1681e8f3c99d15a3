// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, core: the event queue.
 *
 * Events wait in the ring until sluice_eq_start(); from then on an ordered
 * workqueue hands them out one by one in process context.  Handlers may take
 * RTNL, but not the devlink instance lock, under which the queue is stopped.
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "core.h"

#define SLUICE_EQ_LOG_PF	11
#define SLUICE_EQ_LOG_VF	6

/**
 * struct sluice_eq - event queue of a function
 * @sdev: the function
 * @ring: events
 * @dma: DMA address of @ring
 * @log: log2 of the number of events
 * @count: events seen so far (free-running), used by @work only
 * @started: events are handed out
 * @wq: where @work runs
 * @work: hands events out
 */
struct sluice_eq {
	struct sluice_dev *sdev;
	struct sluice_event *ring;
	dma_addr_t dma;
	u8 log;
	u32 count;
	bool started;
	struct workqueue_struct *wq;
	struct work_struct work;
};

static void sluice_eq_dispatch(struct sluice_dev *sdev,
			       const struct sluice_event *ev)
{
	u16 vport = le16_to_cpu(ev->vport);

	switch (ev->type) {
	case SLUICE_EVENT_MTU:
	case SLUICE_EVENT_MAC:
	case SLUICE_EVENT_POLICY:
		if (vport == sdev->vport)
			sluice_nic_event(sdev, ev);
		break;
	case SLUICE_EVENT_LINK:
		if (vport == sdev->vport ||
		    (sdev->is_pf && vport == SLUICE_VPORT_UPLINK(0)))
			sluice_nic_event(sdev, ev);
		if (sdev->is_pf && vport != sdev->vport)
			sluice_esw_event(sdev, ev);
		break;
	case SLUICE_EVENT_VF_STATE:
	case SLUICE_EVENT_VF_ERROR:
		if (sdev->is_pf)
			sluice_esw_event(sdev, ev);
		break;
	default:
		dev_warn_ratelimited(&sdev->pdev->dev,
				     "event of unknown type %u for vport %#x\n",
				     ev->type, vport);
	}
}

static void sluice_eq_work(struct work_struct *work)
{
	struct sluice_eq *eq = container_of(work, struct sluice_eq, work);
	struct sluice_dev *sdev = eq->sdev;
	u32 mask = BIT(eq->log) - 1, start = eq->count;

	while (READ_ONCE(eq->started)) {
		const struct sluice_event *slot = &eq->ring[eq->count & mask];
		u8 phase = !(eq->count >> eq->log & 1);
		struct sluice_event ev;

		if ((READ_ONCE(slot->phase) & 1) != phase)
			break;
		/* The rest of the event after its phase. */
		dma_rmb();
		ev = *slot;
		eq->count++;
		sluice_eq_dispatch(sdev, &ev);
		/* Give entries back in time during a flood. */
		if (eq->count - start >= BIT(eq->log) / 2)
			break;
	}
	if (eq->count == start || READ_ONCE(sdev->dead))
		return;
	/* Gives back and arms: an event that came since raises it again. */
	sluice_write(sdev, SLUICE_DB_EQ, eq->count);
}

/**
 * sluice_eq_irq() - look for events
 * @sdev: function
 *
 * Interrupt context.
 */
void sluice_eq_irq(struct sluice_dev *sdev)
{
	struct sluice_eq *eq = sdev->eq;

	if (READ_ONCE(eq->started))
		queue_work(eq->wq, &eq->work);
}

/**
 * sluice_eq_start() - begin to hand out events, old ones first
 * @sdev: function whose netdev (and eSwitch) exists
 */
void sluice_eq_start(struct sluice_dev *sdev)
{
	WRITE_ONCE(sdev->eq->started, true);
	queue_work(sdev->eq->wq, &sdev->eq->work);
}

/**
 * sluice_eq_stop() - hand out no more events
 * @sdev: function
 *
 * Process context; waits for handlers, so RTNL must not be held.
 */
void sluice_eq_stop(struct sluice_dev *sdev)
{
	WRITE_ONCE(sdev->eq->started, false);
	cancel_work_sync(&sdev->eq->work);
}

/**
 * sluice_eq_init() - create the event queue
 * @sdev: function that was just reset
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sluice_eq_init(struct sluice_dev *sdev)
{
	struct device *dev = &sdev->pdev->dev;
	struct sluice_eq *eq;

	eq = kzalloc(sizeof(*eq), GFP_KERNEL);
	if (!eq)
		return -ENOMEM;
	eq->sdev = sdev;
	eq->log = sdev->is_pf ? SLUICE_EQ_LOG_PF : SLUICE_EQ_LOG_VF;
	INIT_WORK(&eq->work, sluice_eq_work);

	eq->wq = alloc_ordered_workqueue("sluice-eq-%s", 0, pci_name(sdev->pdev));
	if (!eq->wq)
		goto err_free;
	eq->ring = dma_alloc_coherent(dev, sizeof(*eq->ring) << eq->log,
				      &eq->dma, GFP_KERNEL);
	if (!eq->ring)
		goto err_wq;
	sdev->eq = eq;

	sluice_write(sdev, SLUICE_REG_EQ_BASE_LO, lower_32_bits(eq->dma));
	sluice_write(sdev, SLUICE_REG_EQ_BASE_HI, upper_32_bits(eq->dma));
	sluice_write(sdev, SLUICE_REG_EQ_SIZE, eq->log);
	sluice_write(sdev, SLUICE_REG_EQ_ENABLE, SLUICE_RING_ENABLE);
	sluice_write(sdev, SLUICE_DB_EQ, 0);
	return 0;

err_wq:
	destroy_workqueue(eq->wq);
err_free:
	kfree(eq);
	return -ENOMEM;
}

/**
 * sluice_eq_fini() - free the event queue
 * @sdev: function, reset or gone, whose event interrupt is released
 *
 * Process context without RTNL.
 */
void sluice_eq_fini(struct sluice_dev *sdev)
{
	struct sluice_eq *eq = sdev->eq;

	sluice_eq_stop(sdev);
	sdev->eq = NULL;
	destroy_workqueue(eq->wq);
	dma_free_coherent(&sdev->pdev->dev, sizeof(*eq->ring) << eq->log,
			  eq->ring, eq->dma);
	kfree(eq);
}
