// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a filter is not in hardware: counters and trace events.
 */
#include "offload.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Documentation/driver/refusals.md says what they mean. */
static const char * const reject_names[SLUICE_REJECT_NUM] = {
	[SLUICE_REJECT_KEY]		= "key",
	[SLUICE_REJECT_KEY_VALUE]	= "key_value",
	[SLUICE_REJECT_ACTION]		= "action",
	[SLUICE_REJECT_CONTROL]		= "control",
	[SLUICE_REJECT_TARGET]		= "target",
	[SLUICE_REJECT_VLAN]		= "vlan",
	[SLUICE_REJECT_PEDIT]		= "pedit",
	[SLUICE_REJECT_HW_STATS]	= "hw_stats",
	[SLUICE_REJECT_HOST]		= "host",
	[SLUICE_REJECT_LENGTH]		= "length",
	[SLUICE_REJECT_CLASSIFIER]	= "classifier",
	[SLUICE_REJECT_EGRESS]		= "egress",
	[SLUICE_REJECT_FEATURE]		= "feature",
	[SLUICE_REJECT_ORDER]		= "order",
	[SLUICE_REJECT_FULL]		= "full",
	[SLUICE_REJECT_TUNNEL]		= "tunnel",
	[SLUICE_REJECT_CT]		= "ct",
};

/**
 * sluice_reject_name() - short name of a reason
 * @reason: reason
 *
 * Return: what debugfs and trace events call it.
 */
const char *sluice_reject_name(enum sluice_reject reason)
{
	return reject_names[reason];
}

/**
 * sluice_reject_subject() - say which filter refusals are about from now on
 * @off: offload, lock held
 * @cookie: tc's name for it
 * @common: what tc says of it
 */
void sluice_reject_subject(struct sluice_offload *off, unsigned long cookie,
			   const struct flow_cls_common_offload *common)
{
	off->subject.cookie = cookie;
	off->subject.chain = common->chain_index;
	off->subject.prio = common->prio;
}

/**
 * sluice_reject() - refuse a filter: count why, trace it and tell the user
 * @off: offload, lock held
 * @extack: for the message, or NULL
 * @reason: reason
 * @fmt: the message; with the module's name it has 79 characters at most
 *
 * Return: -EOPNOTSUPP.
 */
int sluice_reject(struct sluice_offload *off, struct netlink_ext_ack *extack,
		  enum sluice_reject reason, const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	atomic64_inc(&off->rejects[reason]);
	va_start(args, fmt);
	vaf.va = &args;
	trace_sluice_reject(pci_name(off->sdev->pdev), off->subject.cookie,
			    off->subject.chain, off->subject.prio,
			    reject_names[reason], &vaf);
	NL_SET_ERR_MSG_FMT_MOD(extack, "%pV", &vaf);
	va_end(args);
	return -EOPNOTSUPP;
}
