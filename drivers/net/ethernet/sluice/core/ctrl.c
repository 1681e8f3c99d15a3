// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, core: the control ring.
 *
 * Anybody may post: a spinlock orders the posters, and with it the device's
 * work.  Silent commands cost one copy, and one doorbell unless the device looks
 * by itself.  Commands with an answer put a waiter on a list that has the order of
 * the ring, which is the order of the answers.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "core.h"

/* log2 of the slots of a PF's and of a VF's ring. */
#define SLUICE_CTRL_LOG_PF	12
#define SLUICE_CTRL_LOG_VF	7

/* Largest answer of a command that fills a buffer. */
#define SLUICE_QUERY_MAX	1024

struct sluice_ctrl_waiter {
	struct list_head node;
	struct completion done;
	u32 cookie;
	u8 opcode;
	u8 status;
	bool answered;
};

/**
 * struct sluice_ctrl - control ring of a function
 * @lock: protects everything up to @closed; taken by the interrupt handler
 * @sq: command slots
 * @sq_dma: their DMA address
 * @cq: completions
 * @cq_dma: their DMA address
 * @shadow: how far we are, for a device that looks by itself, or NULL
 * @shadow_dma: its DMA address
 * @log: log2 of the number of slots and of completions
 * @tail: slots posted so far (free-running)
 * @rung: slots the device was told of
 * @head: slots known to be consumed
 * @cq_count: completions seen so far
 * @cookie: cookie of the last command
 * @waiters: commands that want an answer, in the order of the ring
 * @closed: nothing may be posted any more
 * @query_lock: protects the answer buffer
 * @query_buf: buffer for commands that fill one
 * @query_dma: its DMA address
 */
struct sluice_ctrl {
	/* Protects all up to closed. */
	spinlock_t lock;
	void *sq;
	dma_addr_t sq_dma;
	struct sluice_ctrl_cqe *cq;
	dma_addr_t cq_dma;
	struct sluice_ctrl_shadow *shadow;
	dma_addr_t shadow_dma;
	u8 log;
	u32 tail;
	u32 rung;
	u32 head;
	u32 cq_count;
	u32 cookie;
	struct list_head waiters;
	bool closed;

	/* Protects the answer buffer. */
	struct mutex query_lock;
	void *query_buf;
	dma_addr_t query_dma;
};

static int sluice_status_errno(u8 status)
{
	switch (status) {
	case SLUICE_ST_OK:
		return 0;
	case SLUICE_ST_INVAL:
		return -EINVAL;
	case SLUICE_ST_NOENT:
		return -ENOENT;
	case SLUICE_ST_EXIST:
		return -EEXIST;
	case SLUICE_ST_BUSY:
		return -EBUSY;
	case SLUICE_ST_NOSPC:
		return -ENOSPC;
	case SLUICE_ST_PERM:
		return -EPERM;
	case SLUICE_ST_MODE:
		return -EOPNOTSUPP;
	case SLUICE_ST_FAULT:
		return -EFAULT;
	default:
		return -EIO;
	}
}

/* Hand the next completions to their waiters.  Called with the lock held. */
static void sluice_ctrl_poll_locked(struct sluice_dev *sdev, u32 *bad_opcode,
				    u32 *bad_status)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;
	u32 mask = BIT(ctrl->log) - 1, start = ctrl->cq_count;

	while (!ctrl->closed) {
		const struct sluice_ctrl_cqe *cqe = &ctrl->cq[ctrl->cq_count & mask];
		u8 phase = !(ctrl->cq_count >> ctrl->log & 1);
		struct sluice_ctrl_waiter *waiter;
		u32 head, cookie;
		u8 status;

		if ((READ_ONCE(cqe->phase) & 1) != phase)
			break;
		/* The rest of the entry after its phase. */
		dma_rmb();
		head = le32_to_cpu(READ_ONCE(cqe->sq_head));
		cookie = le32_to_cpu(READ_ONCE(cqe->cookie));
		status = READ_ONCE(cqe->status);
		ctrl->cq_count++;

		if (head - ctrl->head <= ctrl->tail - ctrl->head)
			ctrl->head = head;

		waiter = list_first_entry_or_null(&ctrl->waiters,
						  struct sluice_ctrl_waiter,
						  node);
		if (waiter && waiter->cookie == cookie) {
			list_del_init(&waiter->node);
			waiter->status = status;
			waiter->answered = true;
			complete(&waiter->done);
		} else if (!*bad_status) {
			/* A silent command failed, or nobody asked. */
			*bad_opcode = READ_ONCE(cqe->opcode);
			*bad_status = status ?: 0xff;
		}
	}
	if (ctrl->cq_count != start)
		sluice_write(sdev, SLUICE_DB_CTRL_CQ, ctrl->cq_count);
}

static void sluice_ctrl_poll(struct sluice_dev *sdev)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;
	u32 opcode = 0, status = 0;
	unsigned long flags;

	spin_lock_irqsave(&ctrl->lock, flags);
	sluice_ctrl_poll_locked(sdev, &opcode, &status);
	spin_unlock_irqrestore(&ctrl->lock, flags);

	if (status)
		sluice_health_report(sdev, "the device refused a command",
				     opcode, status);
}

/**
 * sluice_ctrl_irq() - look for completions of commands
 * @sdev: function
 *
 * Interrupt context.
 */
void sluice_ctrl_irq(struct sluice_dev *sdev)
{
	sluice_ctrl_poll(sdev);
}

/**
 * sluice_ctrl_abort() - fail all commands that wait and all that would follow
 * @sdev: function, already marked dead
 *
 * Any context.
 */
void sluice_ctrl_abort(struct sluice_dev *sdev)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;
	struct sluice_ctrl_waiter *waiter, *next;
	unsigned long flags;

	if (!ctrl)
		return;
	spin_lock_irqsave(&ctrl->lock, flags);
	ctrl->closed = true;
	list_for_each_entry_safe(waiter, next, &ctrl->waiters, node) {
		list_del_init(&waiter->node);
		complete(&waiter->done);
	}
	spin_unlock_irqrestore(&ctrl->lock, flags);
}

/* Ask the device how far it is.  Called with the lock held. */
static void sluice_ctrl_look(struct sluice_dev *sdev)
{
	u32 head = sluice_read(sdev, SLUICE_REG_CTRL_SQ_HEAD);
	struct sluice_ctrl *ctrl = sdev->ctrl;

	if (head - ctrl->head <= ctrl->tail - ctrl->head)
		ctrl->head = head;
}

/* Slots that may be written.  Called with the lock held. */
static u32 sluice_ctrl_room(struct sluice_dev *sdev, u32 want)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;
	u32 size = BIT(ctrl->log);

	if (size - (ctrl->tail - ctrl->head) < want)
		sluice_ctrl_look(sdev);
	return size - (ctrl->tail - ctrl->head);
}

/*
 * Say how far we are where a device that looks by itself sees it.  Called with the
 * lock held.  Return: does it look?
 */
static bool sluice_ctrl_show(struct sluice_ctrl *ctrl)
{
	if (!ctrl->shadow)
		return false;
	/* Commands come before their count. */
	dma_wmb();
	WRITE_ONCE(ctrl->shadow->tail, cpu_to_le32(ctrl->tail));
	/* The count comes before the question: one side sees the other. */
	mb();
	return READ_ONCE(ctrl->shadow->polled);
}

/* Tell the device of all commands.  Called with the lock held. */
static void sluice_ctrl_ring(struct sluice_dev *sdev, bool soon)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;

	if (!sluice_ctrl_show(ctrl) || !soon) {
		if (!(sdev->caps & SLUICE_CAP_CTRL_SOON))
			soon = false;
		sluice_write(sdev, soon ? SLUICE_DB_CTRL_SOON : SLUICE_DB_CTRL,
			     ctrl->tail);
	}
	WRITE_ONCE(ctrl->rung, ctrl->tail);
}

/* Write a command into the ring.  Called with the lock held. */
static void sluice_ctrl_write(struct sluice_dev *sdev,
			      struct sluice_cmd_hdr *cmd, u32 len)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;
	u32 slots = DIV_ROUND_UP(len, SLUICE_CMD_SLOT);
	u32 first = ctrl->tail & (BIT(ctrl->log) - 1);
	u32 part = min(len, (BIT(ctrl->log) - first) * SLUICE_CMD_SLOT);

	memcpy(ctrl->sq + first * SLUICE_CMD_SLOT, cmd, part);
	memcpy(ctrl->sq, (void *)cmd + part, len - part);
	WRITE_ONCE(ctrl->tail, ctrl->tail + slots);
}

static int sluice_ctrl_push(struct sluice_dev *sdev, struct sluice_cmd_hdr *cmd,
			    struct sluice_ctrl_waiter *waiter, bool ring)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(SLUICE_CMD_TIMEOUT_MS);
	struct sluice_ctrl *ctrl = sdev->ctrl;
	u32 len = le16_to_cpu(cmd->len), slots = DIV_ROUND_UP(len, SLUICE_CMD_SLOT);
	unsigned long flags;

	if (WARN_ON_ONCE(len < sizeof(*cmd) || len > SLUICE_CMD_MAX_LEN || len % 8))
		return -EINVAL;
	if (!ctrl)
		return -EIO;

	for (;;) {
		spin_lock_irqsave(&ctrl->lock, flags);
		if (ctrl->closed || READ_ONCE(sdev->dead)) {
			spin_unlock_irqrestore(&ctrl->lock, flags);
			return -EIO;
		}
		if (sluice_ctrl_room(sdev, slots) >= slots)
			break;
		if (ctrl->rung != ctrl->tail)
			sluice_ctrl_ring(sdev, false);
		spin_unlock_irqrestore(&ctrl->lock, flags);

		if (sluice_func_gone(sdev)) {
			sluice_dev_fail(sdev, "the device is gone", 0, 0);
			return -EIO;
		}
		if (time_after(jiffies, deadline)) {
			sluice_dev_fail(sdev, "the control ring stands still",
					cmd->opcode, 0);
			return -EIO;
		}
		sluice_ctrl_poll(sdev);
		usleep_range(50, 200);
	}

	cmd->cookie = cpu_to_le32(++ctrl->cookie);
	if (waiter) {
		cmd->flags &= ~SLUICE_CMD_F_SILENT;
		waiter->cookie = ctrl->cookie;
		list_add_tail(&waiter->node, &ctrl->waiters);
	} else {
		cmd->flags |= SLUICE_CMD_F_SILENT;
	}
	sluice_ctrl_write(sdev, cmd, len);
	if (ring)
		sluice_ctrl_ring(sdev, !waiter);
	else if (sluice_ctrl_show(ctrl))
		WRITE_ONCE(ctrl->rung, ctrl->tail);
	spin_unlock_irqrestore(&ctrl->lock, flags);
	return 0;
}

/**
 * sluice_cmd_post() - post a command without waiting for it
 * @sdev: function
 * @cmd: command; header fields cookie and flags are set here
 *
 * Process context; sleeps only while the ring is full.  Commands take effect
 * in the order of posting and before any packet sent after the return.  One
 * that the device refuses is reported to the health reporter.
 * Documentation/hardware/interface.md, "Control ring".
 *
 * Return: 0, or -EIO when the device is dead.
 */
int sluice_cmd_post(struct sluice_dev *sdev, struct sluice_cmd_hdr *cmd)
{
	return sluice_ctrl_push(sdev, cmd, NULL, true);
}

/**
 * sluice_cmd_queue() - put a command on the ring without telling the device
 * @sdev: function
 * @cmd: command; header fields cookie and flags are set here
 *
 * As sluice_cmd_post(), but sluice_cmd_ring() has to follow, at the latest before
 * somebody is told that the command took effect.
 *
 * Return: 0, or -EIO when the device is dead.
 */
int sluice_cmd_queue(struct sluice_dev *sdev, struct sluice_cmd_hdr *cmd)
{
	return sluice_ctrl_push(sdev, cmd, NULL, false);
}

/**
 * sluice_cmd_ring() - tell the device of commands that were queued
 * @sdev: function
 *
 * Any context.
 */
void sluice_cmd_ring(struct sluice_dev *sdev)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;
	unsigned long flags;

	if (!ctrl)
		return;
	/* What we queued is at or before the tail, and was told of up to there. */
	if (READ_ONCE(ctrl->rung) == READ_ONCE(ctrl->tail))
		return;
	spin_lock_irqsave(&ctrl->lock, flags);
	if (ctrl->rung != ctrl->tail && !ctrl->closed)
		sluice_ctrl_ring(sdev, true);
	spin_unlock_irqrestore(&ctrl->lock, flags);
}

/**
 * sluice_cmd_exec() - run a command and wait for its answer
 * @sdev: function
 * @cmd: command; header fields cookie and flags are set here
 *
 * Process context, sleeps.
 *
 * Return: 0, the errno of the device's status, or -EIO when the device is
 * dead, gone or silent.
 */
int sluice_cmd_exec(struct sluice_dev *sdev, struct sluice_cmd_hdr *cmd)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(SLUICE_CMD_TIMEOUT_MS);
	struct sluice_ctrl *ctrl = sdev->ctrl;
	struct sluice_ctrl_waiter waiter = {
		.node = LIST_HEAD_INIT(waiter.node),
		.opcode = cmd->opcode,
	};
	unsigned long flags;
	int err;

	init_completion(&waiter.done);
	err = sluice_ctrl_push(sdev, cmd, &waiter, true);
	if (err)
		return err;

	while (!wait_for_completion_timeout(&waiter.done, HZ / 10)) {
		/* Do not depend on the interrupt alone. */
		sluice_ctrl_poll(sdev);
		if (completion_done(&waiter.done))
			break;
		if (sluice_func_gone(sdev))
			sluice_dev_fail(sdev, "the device is gone", 0, 0);
		else if (sluice_read(sdev, SLUICE_REG_STATUS) & SLUICE_STATUS_ERROR)
			sluice_dev_fail(sdev, "the device stopped the function",
					sluice_read(sdev, SLUICE_REG_ERROR),
					sluice_read(sdev, SLUICE_REG_ERROR_INFO));
		else if (time_after(jiffies, deadline))
			sluice_dev_fail(sdev, "a command got no answer",
					cmd->opcode, 0);
	}

	/* The waiter is on the stack: be sure that nobody holds it. */
	spin_lock_irqsave(&ctrl->lock, flags);
	list_del_init(&waiter.node);
	spin_unlock_irqrestore(&ctrl->lock, flags);

	return waiter.answered ? sluice_status_errno(waiter.status) : -EIO;
}

/**
 * sluice_cmd_mark() - remember which commands were posted so far
 * @sdev: function
 *
 * Any context.  A mark is void once the device is reset.
 *
 * Return: a mark for sluice_cmd_consumed().
 */
u32 sluice_cmd_mark(struct sluice_dev *sdev)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;

	return ctrl ? READ_ONCE(ctrl->tail) : 0;
}

/**
 * sluice_cmd_consumed() - has the device done what was posted before a mark
 * @sdev: function
 * @mark: what sluice_cmd_mark() returned
 *
 * Any context; does not wait.
 *
 * Return: true when it has, or does nothing any more.
 */
bool sluice_cmd_consumed(struct sluice_dev *sdev, u32 mark)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;
	unsigned long flags;
	bool done;

	if (!ctrl || READ_ONCE(sdev->dead))
		return true;
	spin_lock_irqsave(&ctrl->lock, flags);
	if ((s32)(ctrl->head - mark) < 0)
		sluice_ctrl_look(sdev);
	done = (s32)(ctrl->head - mark) >= 0;
	spin_unlock_irqrestore(&ctrl->lock, flags);
	return done;
}

/**
 * sluice_cmd_query() - run a command that fills a structure
 * @sdev: function
 * @opcode: command whose format is struct sluice_cmd_buf
 * @vport: vport for the header
 * @buf: where the answer goes
 * @len: its length in bytes, exactly that of the structure
 *
 * Process context, sleeps.
 *
 * Return: as sluice_cmd_exec().
 */
int sluice_cmd_query(struct sluice_dev *sdev, u8 opcode, u16 vport, void *buf,
		     u32 len)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;
	struct sluice_cmd_buf cmd = {};
	int err;

	if (!ctrl)
		return -EIO;
	if (WARN_ON_ONCE(len > SLUICE_QUERY_MAX))
		return -EINVAL;

	/*
	 * One buffer for all, freed only after the function was reset: a
	 * device that answers too late writes into nobody else's memory.
	 */
	mutex_lock(&ctrl->query_lock);
	sluice_cmd_init(&cmd.hdr, opcode, sizeof(cmd));
	cmd.hdr.vport = cpu_to_le16(vport);
	cmd.addr = cpu_to_le64(ctrl->query_dma);
	cmd.len = cpu_to_le32(len);
	memset(ctrl->query_buf, 0, len);
	err = sluice_cmd_exec(sdev, &cmd.hdr);
	if (!err)
		memcpy(buf, ctrl->query_buf, len);
	mutex_unlock(&ctrl->query_lock);
	return err;
}

/**
 * sluice_cmd_u32() - run a command whose only argument is a number
 * @sdev: function
 * @opcode: command
 * @vport: vport for the header
 * @value: the number
 *
 * Process context, sleeps.
 *
 * Return: as sluice_cmd_exec().
 */
int sluice_cmd_u32(struct sluice_dev *sdev, u8 opcode, u16 vport, u32 value)
{
	struct sluice_cmd_u32 cmd = { .value = cpu_to_le32(value) };

	sluice_cmd_init(&cmd.hdr, opcode, sizeof(cmd));
	cmd.hdr.vport = cpu_to_le16(vport);
	return sluice_cmd_exec(sdev, &cmd.hdr);
}

/**
 * sluice_ctrl_init() - create the control ring and start it
 * @sdev: function that was just reset
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sluice_ctrl_init(struct sluice_dev *sdev)
{
	struct device *dev = &sdev->pdev->dev;
	struct sluice_ctrl *ctrl;
	size_t slots;

	ctrl = kzalloc(sizeof(*ctrl), GFP_KERNEL);
	if (!ctrl)
		return -ENOMEM;
	spin_lock_init(&ctrl->lock);
	mutex_init(&ctrl->query_lock);
	INIT_LIST_HEAD(&ctrl->waiters);
	ctrl->log = sdev->is_pf ? SLUICE_CTRL_LOG_PF : SLUICE_CTRL_LOG_VF;
	slots = BIT(ctrl->log);

	ctrl->sq = dma_alloc_coherent(dev, slots * SLUICE_CMD_SLOT,
				      &ctrl->sq_dma, GFP_KERNEL);
	if (!ctrl->sq)
		goto err_free;
	ctrl->cq = dma_alloc_coherent(dev, slots * sizeof(*ctrl->cq),
				      &ctrl->cq_dma, GFP_KERNEL);
	if (!ctrl->cq)
		goto err_sq;
	ctrl->query_buf = dma_alloc_coherent(dev, SLUICE_QUERY_MAX,
					     &ctrl->query_dma, GFP_KERNEL);
	if (!ctrl->query_buf)
		goto err_cq;
	if (sdev->caps & SLUICE_CAP_CTRL_SHADOW) {
		ctrl->shadow = dma_alloc_coherent(dev, sizeof(*ctrl->shadow),
						  &ctrl->shadow_dma, GFP_KERNEL);
		if (!ctrl->shadow)
			goto err_query;
		sluice_write(sdev, SLUICE_REG_CTRL_SHADOW_LO,
			     lower_32_bits(ctrl->shadow_dma));
		sluice_write(sdev, SLUICE_REG_CTRL_SHADOW_HI,
			     upper_32_bits(ctrl->shadow_dma));
	}
	sdev->ctrl = ctrl;

	sluice_write(sdev, SLUICE_REG_CTRL_SQ_BASE_LO, lower_32_bits(ctrl->sq_dma));
	sluice_write(sdev, SLUICE_REG_CTRL_SQ_BASE_HI, upper_32_bits(ctrl->sq_dma));
	sluice_write(sdev, SLUICE_REG_CTRL_SQ_SIZE, ctrl->log);
	sluice_write(sdev, SLUICE_REG_CTRL_CQ_BASE_LO, lower_32_bits(ctrl->cq_dma));
	sluice_write(sdev, SLUICE_REG_CTRL_CQ_BASE_HI, upper_32_bits(ctrl->cq_dma));
	sluice_write(sdev, SLUICE_REG_CTRL_CQ_SIZE, ctrl->log);
	sluice_write(sdev, SLUICE_REG_CTRL_ENABLE, SLUICE_RING_ENABLE);
	sluice_write(sdev, SLUICE_DB_CTRL_CQ, 0);
	return 0;

err_query:
	dma_free_coherent(dev, SLUICE_QUERY_MAX, ctrl->query_buf, ctrl->query_dma);
err_cq:
	dma_free_coherent(dev, slots * sizeof(*ctrl->cq), ctrl->cq, ctrl->cq_dma);
err_sq:
	dma_free_coherent(dev, slots * SLUICE_CMD_SLOT, ctrl->sq, ctrl->sq_dma);
err_free:
	kfree(ctrl);
	return -ENOMEM;
}

/**
 * sluice_ctrl_fini() - free the control ring
 * @sdev: function, reset or gone, so that it writes to memory no more
 *
 * Process context, nobody uses the ring any more.
 */
void sluice_ctrl_fini(struct sluice_dev *sdev)
{
	struct sluice_ctrl *ctrl = sdev->ctrl;
	struct device *dev = &sdev->pdev->dev;
	size_t slots = BIT(ctrl->log);

	sluice_ctrl_abort(sdev);
	sdev->ctrl = NULL;

	if (ctrl->shadow)
		dma_free_coherent(dev, sizeof(*ctrl->shadow), ctrl->shadow,
				  ctrl->shadow_dma);
	dma_free_coherent(dev, SLUICE_QUERY_MAX, ctrl->query_buf, ctrl->query_dma);
	dma_free_coherent(dev, slots * sizeof(*ctrl->cq), ctrl->cq, ctrl->cq_dma);
	dma_free_coherent(dev, slots * SLUICE_CMD_SLOT, ctrl->sq, ctrl->sq_dma);
	mutex_destroy(&ctrl->query_lock);
	kfree(ctrl);
}
