/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sluice driver: what its parts know of each other.
 *
 * Layers, lowest first; a layer calls down, and up only through the functions
 * named here:
 *   core/     PCI function, registers, control ring, events, reset
 *   nic/      rings, NAPI and the netdev every function has
 *   eswitch/  vports, mode, representors, legacy VF policy (PF only)
 *   offload/  tc rules to device rules (PF in switchdev mode only)
 *   tunnel/   outer headers and next hops of those rules
 *   devlink/  the PF's devlink instance
 */
#ifndef _SLUICE_H
#define _SLUICE_H

#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <linux/pci.h>
#include <net/devlink.h>

#include <linux/sluice/cmd.h>
#include <linux/sluice/regs.h>
#include <linux/sluice/ring.h>

#include "compat.h"

#define SLUICE_DRV_NAME "sluice"

struct sluice_core;
struct sluice_ctrl;
struct sluice_eq;
struct sluice_channels;
struct sluice_eswitch;
struct sluice_offload;
struct sluice_vport;
struct flow_block_offload;

/**
 * struct sluice_limits - what the device offers, from SLUICE_CMD_QUERY_FUNC
 * @max_txqs: TX queues
 * @max_rxqs: RX queues
 * @max_cqs: completion queues
 * @max_vectors: MSI-X vectors including the control vector 0
 * @max_filters: extra receive addresses
 * @num_uplinks: uplinks (PF)
 * @total_vfs: VFs (PF)
 * @max_actions: steps of an action program (PF)
 * @max_rules: rules (PF)
 * @max_masks: masks (PF)
 * @max_counters: counters (PF)
 * @max_tables: tables (PF)
 * @max_next_hops: next hops of tunnels (PF)
 * @max_encaps: outer headers of tunnels (PF)
 * @max_endpoints: tunnel endpoints (PF)
 * @max_ct: directions of connections (PF)
 * @max_meters: meters (PF)
 */
struct sluice_limits {
	u16 max_txqs;
	u16 max_rxqs;
	u16 max_cqs;
	u16 max_vectors;
	u16 max_filters;
	u16 num_uplinks;
	u16 total_vfs;
	u16 max_actions;
	u32 max_rules;
	u32 max_masks;
	u32 max_counters;
	u32 max_tables;
	u32 max_next_hops;
	u32 max_encaps;
	u32 max_endpoints;
	u32 max_ct;
	u32 max_meters;
};

/**
 * struct sluice_dev - one PCI function
 * @pdev: PCI device
 * @regs: BAR 0
 * @is_pf: physical function
 * @vport: number of the function's own vport
 * @caps: SLUICE_CAP_*
 * @limits: device limits
 * @permanent_mac: address the function starts with
 * @switch_id: identity of the eSwitch (PF)
 * @serial: serial number
 * @fw_version: version of the device model
 * @dead: the device does not answer or reported an error; every command fails
 *	with -EIO until the function was reset
 * @core: what only core/ looks at
 * @ctrl: control ring (core/ctrl.c)
 * @eq: event queue (core/event.c)
 * @netdev: the function's own netdev; in switchdev mode the PF's is the
 *	representor of uplink 0
 * @channels_lock: protects @channels and its reference count
 * @channels: rings and NAPI contexts, NULL while nobody needs them
 * @channels_users: netdevs that are up and use @channels
 * @esw: eSwitch (PF), lives as long as the function is bound
 * @devlink: instance whose private data this structure is (PF), else NULL
 */
struct sluice_dev {
	struct pci_dev *pdev;
	void __iomem *regs;
	bool is_pf;
	u16 vport;
	u64 caps;
	struct sluice_limits limits;
	u8 permanent_mac[ETH_ALEN];
	u8 switch_id[8];
	char serial[33];
	char fw_version[33];
	bool dead;

	struct sluice_core *core;
	struct sluice_ctrl *ctrl;
	struct sluice_eq *eq;

	struct net_device *netdev;
	/* Protects channels and channels_users. */
	struct mutex channels_lock;
	struct sluice_channels __rcu *channels;
	unsigned int channels_users;

	struct sluice_eswitch *esw;
	struct devlink *devlink;
};

static inline u32 sluice_read(const struct sluice_dev *sdev, u32 reg)
{
	return readl(sdev->regs + reg);
}

static inline void sluice_write(const struct sluice_dev *sdev, u32 reg,
				u32 val)
{
	writel(val, sdev->regs + reg);
}

/* ---- core/ctrl.c: control ring ---- */

int sluice_ctrl_init(struct sluice_dev *sdev);
void sluice_ctrl_fini(struct sluice_dev *sdev);

/* Fill in a command header. */
static inline void sluice_cmd_init(struct sluice_cmd_hdr *hdr, u8 opcode,
				   u16 len)
{
	*hdr = (struct sluice_cmd_hdr){
		.opcode = opcode,
		.len = cpu_to_le16(len),
	};
}

/*
 * Run a command and wait for its completion.  Process context, may sleep.
 * Returns 0, the errno of the device's status (-EINVAL, -ENOENT, -EEXIST,
 * -EBUSY, -ENOSPC, -EPERM, -EOPNOTSUPP for MODE, -EFAULT) or -EIO when the
 * device is dead or silent.
 */
int sluice_cmd_exec(struct sluice_dev *sdev, struct sluice_cmd_hdr *cmd);

/*
 * Run a command that takes a host buffer: allocates @len coherent bytes, runs
 * @opcode for @vport and copies the answer to @buf.
 */
int sluice_cmd_query(struct sluice_dev *sdev, u8 opcode, u16 vport, void *buf,
		     u32 len);

/* Run a command whose only argument is a number. */
int sluice_cmd_u32(struct sluice_dev *sdev, u8 opcode, u16 vport, u32 value);

/*
 * Post a command without waiting (SLUICE_CMD_F_SILENT is set here) and ring
 * the doorbell.  Commands take effect in the order of posting and before any
 * packet sent after the call returns.  A failure of the device to carry it
 * out is a device fault and goes to the health reporter.  Process context;
 * sleeps only while the ring is full.  Returns 0 or -EIO.
 */
int sluice_cmd_post(struct sluice_dev *sdev, struct sluice_cmd_hdr *cmd);
/* The same in two steps, so that the doorbell need not be rung under a lock. */
int sluice_cmd_queue(struct sluice_dev *sdev, struct sluice_cmd_hdr *cmd);
void sluice_cmd_ring(struct sluice_dev *sdev);

/*
 * A mark of what was posted so far, and whether the device has done all of that,
 * or does nothing any more.  Neither waits.  A reset makes marks void.
 */
u32 sluice_cmd_mark(struct sluice_dev *sdev);
bool sluice_cmd_consumed(struct sluice_dev *sdev, u32 mark);

/*
 * The function does not work any more: mark it dead, fail all commands, take
 * the carrier away and tell the health reporter.  Any context, also twice.
 */
void sluice_dev_fail(struct sluice_dev *sdev, const char *what, u32 error,
		     u32 info);

/* Stop a dead function's DMA before its rings are freed.  (core/func.c) */
void sluice_func_quiesce(struct sluice_dev *sdev);

/* ---- core/event.c: event queue, link of own vport ---- */

int sluice_eq_init(struct sluice_dev *sdev);
void sluice_eq_fini(struct sluice_dev *sdev);

/* ---- core/time.c: device clock ---- */

/* Convert a device time stamp (ns) to jiffies; 0 (never) gives 0. */
unsigned long sluice_time_to_jiffies(struct sluice_dev *sdev, u64 stamp);

/* ---- nic/: the netdev of a function ---- */

int sluice_nic_init(struct sluice_dev *sdev);		/* alloc + register */
void sluice_nic_fini(struct sluice_dev *sdev);

/* Detach the netdev and free the rings for a reset; put both back after it. */
void sluice_nic_suspend(struct sluice_dev *sdev);
int sluice_nic_resume(struct sluice_dev *sdev);

/* The function died: carrier off.  Any context. */
void sluice_nic_dead(struct sluice_dev *sdev);

/* Called by core/event.c in process context without locks. */
void sluice_nic_event(struct sluice_dev *sdev, const struct sluice_event *ev);

/*
 * Rings of the function.  get creates and starts them for the first user, put
 * stops and destroys them after the last.  Called from ndo_open/ndo_stop of
 * the function's netdev and, on a PF, of every representor.  RTNL held.
 */
int sluice_channels_get(struct sluice_dev *sdev);
void sluice_channels_put(struct sluice_dev *sdev);

/*
 * Transmit @skb straight to @vport on the PF's rings (representors, p0 in
 * switchdev mode).  Called from ndo_start_xmit of a netdev that is up; takes
 * its own lock (many netdevs share a ring).  Stops all representors' queues
 * when the ring is full and wakes them when there is room.  Consumes @skb
 * unless it returns NETDEV_TX_BUSY.
 */
netdev_tx_t sluice_xmit_direct(struct sluice_dev *sdev, struct sk_buff *skb,
			       u16 vport);

/* nic/gso.c: long frames, for every netdev that sends on the rings. */
netdev_features_t sluice_gso_features(const struct sluice_dev *sdev);
netdev_features_t sluice_features_check(struct sk_buff *skb, struct net_device *dev,
					netdev_features_t features);

/* Statistics block of a vport in host memory, written by the device. */
struct sluice_vport_stats *sluice_stats_buf(struct sluice_dev *sdev,
					    u16 vport);

/* ---- eswitch/: PF only ---- */

/**
 * struct sluice_vport - a vport with a netdev on the PF's side
 * @sdev: the PF
 * @num: vport number
 * @netdev: representor; the PF netdev for uplink 0
 * @dl_port: devlink port
 * @dl_registered: @dl_port is registered
 * @vf: VF number, or -1
 * @uplink: uplink number, or -1
 * @block: ingress block bound to the representor (offload/block.c)
 * @ft_block: flow table bound to it (offload/ft.c)
 * @egress_filters: filters on the egress block; more than none punts what
 *	rules output here (offload/block.c)
 * @rules: rules that output to this vport (offload/rule.c)
 * @gone: the representor is being unregistered; no rule may name it any more.
 *	Lock of the offload layer, as for @rules
 */
struct sluice_vport {
	struct sluice_dev *sdev;
	u16 num;
	struct net_device *netdev;
	struct devlink_port dl_port;
	bool dl_registered;
	int vf;
	int uplink;

	struct sluice_block *block;
	struct sluice_block *ft_block;
	atomic_t egress_filters;
	struct list_head rules;
	bool gone;
};

/*
 * Life of the eSwitch.  All of it runs under the devlink instance lock.
 *
 * init, fini: memory only, once at probe (any time before the first up) and at
 * the end of remove; what the user configured lives here, so that it outlasts
 * a device reset.
 * up: by sluice_pf_up(), when commands work and before sluice_nic_init():
 * physical devlink ports.  The device is in legacy mode then.
 * uplink_attach: by sluice_nic_init() before it registers the netdev: ties it
 * to the devlink port of uplink 0 (SET_NETDEV_DEVLINK_PORT).
 * start: by sluice_pf_up() after sluice_nic_init(): netdevs of further
 * uplinks, VF policy and switchdev mode as they were before the last stop.
 * stop: by sluice_pf_down() before sluice_nic_fini(): takes every
 * representor away and leaves switchdev mode (remembering it for start).
 * down: by sluice_pf_down() after sluice_nic_fini().
 * suspend, resume: around a reset, between start and stop: all netdevs stay,
 * and the device gets its mode, ports and rules back.
 */
int sluice_esw_init(struct sluice_dev *sdev);
void sluice_esw_fini(struct sluice_dev *sdev);
int sluice_esw_up(struct sluice_dev *sdev);
void sluice_esw_uplink_attach(struct sluice_dev *sdev,
			      struct net_device *netdev);
int sluice_esw_start(struct sluice_dev *sdev);
void sluice_esw_suspend(struct sluice_dev *sdev);
int sluice_esw_resume(struct sluice_dev *sdev);
void sluice_esw_stop(struct sluice_dev *sdev);
void sluice_esw_down(struct sluice_dev *sdev);

/* True in switchdev mode.  Stable under the devlink instance lock or RTNL. */
bool sluice_esw_is_switchdev(const struct sluice_dev *sdev);

/* Change the mode.  devlink instance lock held. */
int sluice_esw_mode_set(struct sluice_dev *sdev, enum sluice_esw_mode mode,
			struct netlink_ext_ack *extack);

/* pci_driver.sriov_configure. */
int sluice_sriov_configure(struct pci_dev *pdev, int num_vfs);

/*
 * The vport a netdev represents, NULL when it is not one of @sdev's in
 * switchdev mode.  RTNL or RCU.
 */
struct sluice_vport *sluice_esw_vport_by_netdev(struct sluice_dev *sdev,
						const struct net_device *dev);

/* The vport of an uplink, in any mode, while its netdev exists. */
struct sluice_vport *sluice_esw_uplink_vport(const struct sluice_dev *sdev,
					     unsigned int uplink);

/*
 * The netdev that gets slow-path frames of a vport, or NULL.  RCU; called by
 * NAPI for every completion with SLUICE_CQE_F_SLOW.
 */
struct net_device *sluice_esw_slow_netdev(struct sluice_dev *sdev,
					  u16 src_vport);

/* Events for the PF (VF_STATE, VF_ERROR, LINK of an uplink). */
void sluice_esw_event(struct sluice_dev *sdev, const struct sluice_event *ev);

/* Wake the queues of all representors (ring has room again).  Any context. */
void sluice_esw_wake_queues(struct sluice_dev *sdev);
/* Stop them (ring full). */
void sluice_esw_stop_queues(struct sluice_dev *sdev);

/* Hooks the function's netdev calls on a PF. */
int sluice_esw_uplink_open(struct sluice_dev *sdev);
void sluice_esw_uplink_stop(struct sluice_dev *sdev);

/* ndo_set_vf_* and friends for the PF netdev (eswitch/policy.c). */
int sluice_set_vf_mac(struct net_device *dev, int vf, u8 *mac);
int sluice_set_vf_vlan(struct net_device *dev, int vf, u16 vlan, u8 qos,
		       __be16 proto);
int sluice_set_vf_rate(struct net_device *dev, int vf, int min_rate,
		       int max_rate);
int sluice_set_vf_spoofchk(struct net_device *dev, int vf, bool on);
int sluice_set_vf_trust(struct net_device *dev, int vf, bool on);
int sluice_set_vf_link_state(struct net_device *dev, int vf, int state);
int sluice_get_vf_config(struct net_device *dev, int vf,
			 struct ifla_vf_info *ivi);
int sluice_get_vf_stats(struct net_device *dev, int vf,
			struct ifla_vf_stats *stats);

/* Address of a VF, for its devlink port.  devlink instance lock. */
int sluice_vf_mac_get(struct sluice_dev *sdev, unsigned int vf, u8 *mac);
int sluice_vf_mac_set(struct sluice_dev *sdev, unsigned int vf, const u8 *mac);

/* ---- offload/: tc rules, PF in switchdev mode ---- */

/* Entering and leaving switchdev mode; all blocks are unbound by then. */
int sluice_rules_init(void);
void sluice_rules_fini(void);
int sluice_offload_init(struct sluice_dev *sdev);
void sluice_offload_fini(struct sluice_dev *sdev);
struct sluice_offload *sluice_esw_offload(const struct sluice_dev *sdev);
void sluice_esw_set_offload(struct sluice_dev *sdev,
			    struct sluice_offload *offload);

/* Around a reset of the device: rules stay in the driver and are replayed. */
void sluice_offload_pause(struct sluice_dev *sdev);
void sluice_offload_replay(struct sluice_dev *sdev);
void sluice_offload_vport_replay(struct sluice_vport *vport);

/*
 * ndo_setup_tc of representors and uplinks, in any mode: what was bound in
 * switchdev mode may be unbound later.  RTNL held, but for nftables' calls.
 */
int sluice_offload_setup_tc(struct sluice_vport *vport,
			    enum tc_setup_type type, void *type_data);

/*
 * What rules say of packets that they hand to a netdev of the host: its ifindex
 * and whether skbedit has said "ptype host".
 */
#define SLUICE_HOST_PTYPE	0x80000000u

struct net_device *sluice_host_netdev(struct sluice_dev *sdev, struct net *net,
				      u32 what);

/* %SLUICE_MISS_SAMPLE: no rule asks for samples where there is no psample. */
#if IS_ENABLED(CONFIG_PSAMPLE)
void sluice_sample_receive(struct sluice_dev *sdev, struct sk_buff *skb,
			   u32 id);
#else
static inline void sluice_sample_receive(struct sluice_dev *sdev,
					 struct sk_buff *skb, u32 id)
{
	dev_kfree_skb_any(skb);
}
#endif

/*
 * A representor is about to be unregistered: rules that output to it become
 * punts, because tc's own rule now has no device to send to.
 */
void sluice_offload_vport_gone(struct sluice_vport *vport);

/* ---- devlink/: PF only ---- */

/*
 * alloc: first step of probe.  register: last step.  unregister: first step of
 * remove after SR-IOV; waits for recovery work.  Both take the devlink instance
 * lock.  free: last step of remove.
 */
struct sluice_dev *sluice_devlink_alloc(struct pci_dev *pdev);
void sluice_devlink_free(struct sluice_dev *sdev);
int sluice_devlink_register(struct sluice_dev *sdev);
void sluice_devlink_unregister(struct sluice_dev *sdev);

/* devlink ports: physical before its netdev is registered, pcivf likewise. */
int sluice_devlink_port_register(struct sluice_vport *vport);
void sluice_rate_nodes_destroy(struct sluice_dev *sdev);
void sluice_devlink_port_unregister(struct sluice_vport *vport);

/*
 * Report a device fault to the "fw" health reporter, which resets the function
 * through sluice_pf_down() and sluice_pf_up().  Any context; @what is a string
 * constant.
 */
void sluice_health_report(struct sluice_dev *sdev, const char *what,
			  u32 error, u32 info);

/* A VF stopped by an error, or works (again).  Any context. */
void sluice_health_vf_error(struct sluice_dev *sdev, unsigned int vf,
			    u32 error, u32 info);
void sluice_health_vf_ok(struct sluice_dev *sdev, unsigned int vf);

/*
 * Tear a PF down to its PCI function / build it up again (control ring, event
 * queue, eSwitch, netdev), for probe, remove, devlink reload and recovery.
 * New netdevs live in devlink_net(sdev->devlink).  down works on a dead
 * device; up resets it first.  devlink instance lock held.  (core/main.c)
 */
void sluice_pf_down(struct sluice_dev *sdev);
int sluice_pf_up(struct sluice_dev *sdev);

/*
 * The same around a reset, but all netdevs stay with their settings, and the
 * device gets its rules back.  Locking as above.
 */
void sluice_pf_suspend(struct sluice_dev *sdev);
int sluice_pf_resume(struct sluice_dev *sdev);

#endif /* _SLUICE_H */
