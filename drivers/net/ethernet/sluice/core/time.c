// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, core: the device's clock.
 *
 * Counters carry the device's time of their last hit.  Rule dumps convert
 * thousands of them, so the device is asked at most once a second, and the
 * answer serves for all.
 */
#include <linux/jiffies.h>

#include "core.h"

static void sluice_time_read(struct sluice_dev *sdev)
{
	struct sluice_core *core = sdev->core;
	unsigned long flags;
	u32 lo, hi;

	/* The lock also pairs LO with the HI it latched. */
	write_seqlock_irqsave(&core->clock_lock, flags);
	lo = sluice_read(sdev, SLUICE_REG_TIME_LO);
	hi = sluice_read(sdev, SLUICE_REG_TIME_HI);
	core->clock_dev = (u64)hi << 32 | lo;
	core->clock_jiffies = jiffies;
	write_sequnlock_irqrestore(&core->clock_lock, flags);
}

/**
 * sluice_time_init() - read the device's clock for the first time
 * @sdev: function
 */
void sluice_time_init(struct sluice_dev *sdev)
{
	sluice_time_read(sdev);
}

/**
 * sluice_time_to_jiffies() - convert a time stamp of the device
 * @sdev: function
 * @stamp: device clock in nanoseconds, 0 for never
 *
 * Any context.  A stamp from the future, which clocks read at different times
 * can show, is now.
 *
 * Return: jiffies, 0 for never.
 */
unsigned long sluice_time_to_jiffies(struct sluice_dev *sdev, u64 stamp)
{
	struct sluice_core *core = sdev->core;
	unsigned long base, now, then;
	unsigned int seq;
	u64 dev;

	if (!stamp)
		return 0;

	if (time_after(jiffies, READ_ONCE(core->clock_jiffies) + HZ) &&
	    !READ_ONCE(sdev->dead))
		sluice_time_read(sdev);

	do {
		seq = read_seqbegin(&core->clock_lock);
		dev = core->clock_dev;
		base = core->clock_jiffies;
	} while (read_seqretry(&core->clock_lock, seq));

	now = jiffies;
	if (stamp < dev)
		then = base - (unsigned long)nsecs_to_jiffies64(dev - stamp);
	else
		then = base + (unsigned long)nsecs_to_jiffies64(stamp - dev);
	if (time_after(then, now))
		then = now;
	/* 0 is taken. */
	return then ?: 1;
}
