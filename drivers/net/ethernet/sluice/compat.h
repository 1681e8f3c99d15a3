/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sluice driver: differences between the kernels it builds on (6.12 to 7.2).
 * No other file asks for the kernel's version.
 */
#ifndef _SLUICE_COMPAT_H
#define _SLUICE_COMPAT_H

#include <linux/dim.h>
#include <linux/netdevice.h>
#include <linux/timer.h>
#include <linux/version.h>
#include <net/devlink.h>
#include <net/flow.h>
#include <net/flow_offload.h>
#include <net/inet_dscp.h>

/* 6.16 renamed from_timer(). */
#ifdef timer_container_of
#define sluice_timer_container(var, timer, field) \
	timer_container_of(var, timer, field)
#else
#define sluice_timer_container(var, timer, field) \
	from_timer(var, timer, field)
#endif

/* 6.15 renamed the flag, and so did later releases of 6.12: see the Makefile. */
static inline void sluice_compat_netns_immutable(struct net_device *dev)
{
#ifdef SLUICE_COMPAT_NETNS_IMMUTABLE
	dev->netns_immutable = true;
#else
	dev->netns_local = true;
#endif
}

/* 6.18 moved the graceful period of a health reporter to its operations. */
static inline struct devlink_health_reporter *
sluice_compat_health_create(struct devlink *devlink,
			    const struct devlink_health_reporter_ops *ops,
			    u64 graceful_ms, void *priv)
{
#if KERNEL_VERSION(6, 18, 0) <= LINUX_VERSION_CODE
	return devl_health_reporter_create(devlink, ops, priv);
#else
	return devl_health_reporter_create(devlink, ops, graceful_ms, priv);
#endif
}

#if KERNEL_VERSION(6, 18, 0) <= LINUX_VERSION_CODE
#define SLUICE_COMPAT_HEALTH_GRACE(ms)	.default_graceful_period = (ms),
#else
#define SLUICE_COMPAT_HEALTH_GRACE(ms)
#endif

/* 6.17 and 6.19 took RSS fields and ring count out of get_rxnfc. */
#if KERNEL_VERSION(6, 19, 0) <= LINUX_VERSION_CODE
#define SLUICE_COMPAT_RXFH_FIELDS
#endif

/*
 * 6.13 tells whether software has a filter too.  Before, a reason is asked for
 * when it does not (skip_sw) and for filters with "verbose".
 */
static inline bool
sluice_compat_skip_sw(const struct flow_cls_common_offload *common)
{
#if KERNEL_VERSION(6, 13, 0) <= LINUX_VERSION_CODE
	return common->skip_sw;
#else
	return common->extack;
#endif
}

/* Likewise, but false in doubt. */
static inline bool
sluice_compat_surely_skip_sw(const struct flow_cls_common_offload *common)
{
#if KERNEL_VERSION(6, 13, 0) <= LINUX_VERSION_CODE
	return common->skip_sw;
#else
	return false;
#endif
}

/* 6.13 passes the sample by address. */
static inline void sluice_compat_net_dim(struct dim *dim, const struct dim_sample *sample)
{
#if KERNEL_VERSION(6, 13, 0) <= LINUX_VERSION_CODE
	net_dim(dim, sample);
#else
	net_dim(dim, *sample);
#endif
}

/* 6.18 gave the lookup's DSCP a type. */
static inline void sluice_compat_flow4_tos(struct flowi4 *fl4, u8 tos)
{
#if KERNEL_VERSION(6, 18, 0) <= LINUX_VERSION_CODE
	fl4->flowi4_dscp = inet_dsfield_to_dscp(tos);
#else
	fl4->flowi4_tos = tos & INET_DSCP_MASK;
#endif
}

/* Attributes of GENEVE devices that came later than 6.12, by number. */
#define SLUICE_COMPAT_GENEVE_PORT_RANGE	15
#define SLUICE_COMPAT_GENEVE_GRO_HINT	16
#define SLUICE_COMPAT_GENEVE_LOCAL	17
#define SLUICE_COMPAT_GENEVE_LOCAL6	18

struct sluice_compat_geneve_ports {
	__be16 low;
	__be16 high;
};

#endif /* _SLUICE_COMPAT_H */
