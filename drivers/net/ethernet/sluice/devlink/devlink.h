/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * devlink instance of the PF.
 */
#ifndef _SLUICE_DEVLINK_H
#define _SLUICE_DEVLINK_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "../sluice.h"

/**
 * struct sluice_fault - what a health reporter is told
 * @what: what went wrong, a string constant
 * @error: enum sluice_error or the like
 * @info: belongs to @error
 * @vf: VF concerned, -1 for the PF itself
 */
struct sluice_fault {
	const char *what;
	u32 error;
	u32 info;
	int vf;
};

/**
 * struct sluice_devlink - private data of the devlink instance
 * @sdev: the PF; first, so that devlink_priv() is the function
 * @inline_mode: headers the PF asks VFs to inline (none is needed)
 * @encap_mode: as set by the user
 * @fw: reporter of faults of the device or the PF
 * @vf: reporter of faults of VFs
 * @work: gives faults to the reporters
 * @lock: protects the rest
 * @enabled: faults are taken
 * @fault: fault of the PF to report, valid with @fault_pending
 * @fault_pending: @fault waits for @work
 * @vf_fault: last fault of a VF, valid with a bit of @vf_failed
 * @vf_failed: VFs that are in error
 * @vf_pending: VFs whose fault waits for @work
 * @vf_recovered: some VF left the error state since @work ran last
 */
struct sluice_devlink {
	struct sluice_dev sdev;
	u8 inline_mode;
	enum devlink_eswitch_encap_mode encap_mode;
	struct devlink_health_reporter *fw;
	struct devlink_health_reporter *vf;
	struct work_struct work;
	/* Protects what follows. */
	spinlock_t lock;
	bool enabled;
	struct sluice_fault fault;
	bool fault_pending;
	struct sluice_fault vf_fault[SLUICE_MAX_VFS];
	DECLARE_BITMAP(vf_failed, SLUICE_MAX_VFS);
	DECLARE_BITMAP(vf_pending, SLUICE_MAX_VFS);
	bool vf_recovered;
};

static inline struct sluice_devlink *sluice_to_devlink(struct sluice_dev *sdev)
{
	return container_of(sdev, struct sluice_devlink, sdev);
}

/* ---- eswitch.c ---- */

int sluice_devlink_eswitch_mode_get(struct devlink *devlink, u16 *mode);
int sluice_devlink_eswitch_mode_set(struct devlink *devlink, u16 mode,
				    struct netlink_ext_ack *extack);
int sluice_devlink_inline_mode_get(struct devlink *devlink, u8 *mode);
int sluice_devlink_inline_mode_set(struct devlink *devlink, u8 mode,
				   struct netlink_ext_ack *extack);
int sluice_devlink_encap_mode_get(struct devlink *devlink,
				  enum devlink_eswitch_encap_mode *mode);
int sluice_devlink_encap_mode_set(struct devlink *devlink,
				  enum devlink_eswitch_encap_mode mode,
				  struct netlink_ext_ack *extack);

/* ---- rate.c ---- */

int sluice_rate_leaf_tx_max_set(struct devlink_rate *rate, void *priv,
				u64 tx_max, struct netlink_ext_ack *extack);
int sluice_rate_leaf_parent_set(struct devlink_rate *child,
				struct devlink_rate *parent, void *priv_child,
				void *priv_parent,
				struct netlink_ext_ack *extack);
int sluice_rate_node_tx_max_set(struct devlink_rate *rate, void *priv,
				u64 tx_max, struct netlink_ext_ack *extack);
int sluice_rate_node_parent_set(struct devlink_rate *child,
				struct devlink_rate *parent, void *priv_child,
				void *priv_parent,
				struct netlink_ext_ack *extack);
int sluice_rate_node_new(struct devlink_rate *node, void **priv,
			 struct netlink_ext_ack *extack);
int sluice_rate_node_del(struct devlink_rate *node, void *priv,
			 struct netlink_ext_ack *extack);
int sluice_rate_leaf_create(struct sluice_vport *vport);
void sluice_rate_leaf_destroy(struct sluice_vport *vport);

/* ---- reload.c ---- */

int sluice_devlink_reload_down(struct devlink *devlink, bool netns_change,
			       enum devlink_reload_action action,
			       enum devlink_reload_limit limit,
			       struct netlink_ext_ack *extack);
int sluice_devlink_reload_up(struct devlink *devlink,
			     enum devlink_reload_action action,
			     enum devlink_reload_limit limit,
			     u32 *actions_performed,
			     struct netlink_ext_ack *extack);

/* ---- resource.c ---- */

int sluice_resources_register(struct sluice_dev *sdev);
void sluice_resources_unregister(struct sluice_dev *sdev);

/* ---- health.c ---- */

void sluice_health_alloc(struct sluice_devlink *dl);
int sluice_health_register(struct sluice_devlink *dl);
void sluice_health_stop(struct sluice_devlink *dl);
void sluice_health_unregister(struct sluice_devlink *dl);

#endif /* _SLUICE_DEVLINK_H */
