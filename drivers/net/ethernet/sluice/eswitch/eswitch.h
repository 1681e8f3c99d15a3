/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * eSwitch of the PF: vports, mode, representors, VF policy.
 */
#ifndef _SLUICE_ESWITCH_H
#define _SLUICE_ESWITCH_H

#include <linux/if_link.h>
#include <linux/spinlock.h>

#include "../sluice.h"

/**
 * struct sluice_vf - what the PF decided about a VF
 * @mac: address the administrator gave, valid with @mac_set
 * @policy: SLUICE_POLICY_*
 * @link: enum sluice_link_policy in legacy mode
 * @mac_set: @mac is valid
 * @max_rate: in legacy mode, in Mbit/s, 0 for no limit
 * @vlan: in legacy mode, SLUICE_VPORT_VLAN_*, 0 for none
 */
struct sluice_vf {
	u8 mac[ETH_ALEN];
	u32 policy;
	u32 max_rate;
	u16 vlan;
	u8 link;
	bool mac_set;
};

/**
 * struct sluice_shaper - a shaper that devlink rate asked for
 * @rate: bytes per second, 0 for no limit
 * @parent: id of the group it is in, 0 for none
 * @used: the device has it
 */
struct sluice_shaper {
	u64 rate;
	u16 parent;
	bool used;
};

#define SLUICE_NUM_SHAPERS	SLUICE_SHAPER_GROUP(SLUICE_MAX_SHAPER_GROUPS)

/**
 * struct sluice_uplink - state of a wire
 * @vport: its vport, from up to down
 * @link: carrier
 * @known: an event told @link, newer than any query
 * @speed: in Mbit/s
 */
struct sluice_uplink {
	struct sluice_vport *vport;
	bool link;
	bool known;
	u32 speed;
};

#define SLUICE_NUM_SLOTS	(SLUICE_MAX_VFS + SLUICE_MAX_UPLINKS)

/**
 * struct sluice_eswitch - the eSwitch of a PF
 * @sdev: the PF
 * @mode: current mode; written under the devlink instance lock and RTNL
 * @wanted: mode to go back to at the next start
 * @started: between sluice_esw_start() and sluice_esw_stop()
 * @suspended: between sluice_esw_suspend() and sluice_esw_resume()
 * @num_vfs: VFs enabled or about to be; devlink instance lock and RTNL
 * @uplinks: the wires
 * @link_lock: protects @link, @known and @speed of the uplinks, and orders
 *	them with the carrier of the netdev
 * @reps: representors of VFs in switchdev mode; devlink instance lock
 * @slots: netdevs that take slow-path frames, see sluice_esw_slot(); only
 *	those that are up
 * @vfs: policy of VFs; RTNL
 * @shapers: of VFs and nodes, by id; devlink instance lock
 * @offload: state of the offload layer
 */
struct sluice_eswitch {
	struct sluice_dev *sdev;
	enum sluice_esw_mode mode;
	enum sluice_esw_mode wanted;
	bool started;
	bool suspended;
	u16 num_vfs;
	struct sluice_uplink uplinks[SLUICE_MAX_UPLINKS];
	/* Orders link events with opening and closing of netdevs. */
	spinlock_t link_lock;
	struct sluice_vport *reps[SLUICE_MAX_VFS];
	struct net_device __rcu *slots[SLUICE_NUM_SLOTS];
	struct sluice_vf vfs[SLUICE_MAX_VFS];
	struct sluice_shaper shapers[SLUICE_NUM_SHAPERS];
	struct sluice_offload *offload;
};

/**
 * struct sluice_rep - private part of a representor netdev
 * @vport: the vport it stands for
 * @stats: statistics of the vport, written by the device
 */
struct sluice_rep {
	struct sluice_vport *vport;
	const struct sluice_vport_stats *stats;
};

/* ---- eswitch.c ---- */

/* Place of a vport in slots[], or -1. */
static inline int sluice_esw_slot(u16 vport)
{
	if (vport >= SLUICE_VPORT_VF(0) &&
	    vport < SLUICE_VPORT_VF(SLUICE_MAX_VFS))
		return vport - SLUICE_VPORT_VF(0);
	if (vport >= SLUICE_VPORT_UPLINK(0) &&
	    vport < SLUICE_VPORT_UPLINK(SLUICE_MAX_UPLINKS))
		return SLUICE_MAX_VFS + vport - SLUICE_VPORT_UPLINK(0);
	return -1;
}

struct sluice_vport *sluice_vport_alloc(struct sluice_dev *sdev, u16 num,
					int vf, int uplink);
void sluice_vport_free(struct sluice_vport *vport);
void sluice_vport_set_init(struct sluice_cmd_vport *cmd, u16 vport,
			   u32 fields);
int sluice_vport_set_link(struct sluice_dev *sdev, u16 vport, u8 link);

/* ---- rep.c, rep_ethtool.c ---- */

bool sluice_is_rep(const struct net_device *dev);
int sluice_reps_create(struct sluice_vport **vports, unsigned int n);
void sluice_reps_destroy(struct sluice_vport **vports, unsigned int n);
void sluice_rep_link_event(struct net_device *dev, bool up);
void sluice_rep_set_ethtool_ops(struct net_device *dev);

/* ---- policy.c ---- */

void sluice_policy_apply(struct sluice_eswitch *esw, unsigned int n);
void sluice_policy_reset(struct sluice_eswitch *esw, unsigned int n);

/* ---- shaper.c ---- */

int sluice_shaper_set(struct sluice_dev *sdev, u16 id, u16 parent, u64 rate);
int sluice_shaper_post(struct sluice_dev *sdev, u16 id, u16 parent, u64 rate);
void sluice_shaper_del(struct sluice_dev *sdev, u16 id);
void sluice_shapers_replay(struct sluice_eswitch *esw);

#endif /* _SLUICE_ESWITCH_H */
