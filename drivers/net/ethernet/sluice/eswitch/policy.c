// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the PF decides about its VFs: address, VLAN, anti-spoof, trust, link,
 * rate.
 *
 * Everything is kept here under RTNL, so that it can be given to the device
 * again after a reset or when it leaves switchdev mode.  The device enforces
 * it.  In switchdev mode a VF's link belongs to its representor, and what a
 * VF may send is a matter of rules: only the address can be set.
 */
#include <linux/bitfield.h>
#include <linux/if_link.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>

#include "eswitch.h"

static struct sluice_eswitch *policy_esw(struct net_device *dev)
{
	struct sluice_dev *sdev;

	sdev = pci_get_drvdata(to_pci_dev(dev->dev.parent));
	return sdev->esw;
}

static struct sluice_vf *policy_vf(struct sluice_eswitch *esw, int vf)
{
	ASSERT_RTNL();
	if (!esw || vf < 0 || vf >= esw->num_vfs)
		return NULL;
	return &esw->vfs[vf];
}

/*
 * RTNL or the devlink instance lock keep the control ring in its place, but
 * only while the netdev is present: not around a reset.
 */
static int policy_exec(struct sluice_eswitch *esw, struct sluice_cmd_vport *cmd)
{
	if (!netif_device_present(esw->sdev->netdev))
		return -ENODEV;
	return sluice_cmd_exec(esw->sdev, &cmd->hdr);
}

static int policy_query(struct sluice_eswitch *esw, unsigned int vf,
			struct sluice_vport_info *info)
{
	if (!netif_device_present(esw->sdev->netdev))
		return -ENODEV;
	return sluice_cmd_query(esw->sdev, SLUICE_CMD_VPORT_QUERY,
				SLUICE_VPORT_VF(vf), info, sizeof(*info));
}

/* Give VF @vf an address, or its permanent one back for all zeros. */
static int policy_set_mac(struct sluice_eswitch *esw, unsigned int vf,
			  const u8 *mac)
{
	struct sluice_vf *v = &esw->vfs[vf];
	struct sluice_cmd_vport cmd;
	int err;

	if (is_multicast_ether_addr(mac))
		return -EINVAL;
	sluice_vport_set_init(&cmd, SLUICE_VPORT_VF(vf), SLUICE_VPORT_F_MAC);
	ether_addr_copy(cmd.mac, mac);
	err = policy_exec(esw, &cmd);
	if (err)
		return err;
	ether_addr_copy(v->mac, mac);
	v->mac_set = !is_zero_ether_addr(mac);
	return 0;
}

static int policy_set_bit(struct sluice_eswitch *esw, unsigned int vf,
			  u32 bit, bool on)
{
	struct sluice_vf *v = &esw->vfs[vf];
	struct sluice_cmd_vport cmd;
	u32 policy;
	int err;

	if (esw->mode != SLUICE_ESW_LEGACY)
		return -EOPNOTSUPP;
	policy = on ? v->policy | bit : v->policy & ~bit;
	sluice_vport_set_init(&cmd, SLUICE_VPORT_VF(vf),
			      SLUICE_VPORT_F_POLICY);
	cmd.policy = cpu_to_le32(policy);
	err = policy_exec(esw, &cmd);
	if (!err)
		v->policy = policy;
	return err;
}

/**
 * sluice_set_vf_mac - ndo_set_vf_mac
 * @dev: PF netdev
 * @vf: VF number
 * @mac: address, all zeros for the VF's permanent one
 *
 * In both modes.  Context: RTNL.  Return: 0 or a negative errno.
 */
int sluice_set_vf_mac(struct net_device *dev, int vf, u8 *mac)
{
	struct sluice_eswitch *esw = policy_esw(dev);

	if (!policy_vf(esw, vf))
		return -EINVAL;
	return policy_set_mac(esw, vf, mac);
}

/**
 * sluice_set_vf_vlan - ndo_set_vf_vlan
 * @dev: PF netdev
 * @vf: VF number
 * @vlan: VLAN id
 * @qos: priority
 * @proto: tag protocol, 802.1Q or 802.1ad
 *
 * The device puts all the VF sends into the VLAN and gives it only what comes
 * from there, without the tag.  VLAN 0 with priority 0 means none; VLAN 0 with
 * another priority the device does not have.
 *
 * Context: RTNL.  Return: 0 or a negative errno.
 */
int sluice_set_vf_vlan(struct net_device *dev, int vf, u16 vlan, u8 qos,
		       __be16 proto)
{
	struct sluice_eswitch *esw = policy_esw(dev);
	struct sluice_vf *v = policy_vf(esw, vf);
	struct sluice_cmd_vport cmd;
	u16 tag = 0;
	int err;

	if (!v || vlan >= VLAN_VID_MASK || qos > 7)
		return -EINVAL;
	if (proto != htons(ETH_P_8021Q) && proto != htons(ETH_P_8021AD))
		return -EPROTONOSUPPORT;
	if (vlan)
		tag = FIELD_PREP(SLUICE_VPORT_VLAN_PCP, qos) | vlan |
		      (proto == htons(ETH_P_8021AD) ? SLUICE_VPORT_VLAN_AD : 0);
	else if (qos)
		return -EOPNOTSUPP;
	if (tag == v->vlan)
		return 0;
	if (esw->mode != SLUICE_ESW_LEGACY ||
	    !(esw->sdev->caps & SLUICE_CAP_VF_VLAN))
		return -EOPNOTSUPP;
	sluice_vport_set_init(&cmd, SLUICE_VPORT_VF(vf), SLUICE_VPORT_F_VLAN);
	cmd.vlan = cpu_to_le16(tag);
	err = policy_exec(esw, &cmd);
	if (!err)
		v->vlan = tag;
	return err;
}

/* Bytes per second. */
static u64 policy_rate(u32 mbits)
{
	return mbits * (1000000ull / 8);
}

/**
 * sluice_set_vf_rate - ndo_set_vf_rate
 * @dev: PF netdev
 * @vf: VF number
 * @min_rate: guaranteed rate in Mbit/s, 0 for none
 * @max_rate: limit in Mbit/s, 0 for none
 *
 * The device has no capacity that could run short: it guarantees nothing.
 * In switchdev mode the limit is devlink's (devlink/rate.c).
 *
 * Context: RTNL.  Return: 0 or a negative errno.
 */
int sluice_set_vf_rate(struct net_device *dev, int vf, int min_rate,
		       int max_rate)
{
	struct sluice_eswitch *esw = policy_esw(dev);
	struct sluice_vf *v = policy_vf(esw, vf);
	int err;

	if (!v || max_rate < 0)
		return -EINVAL;
	if (min_rate || esw->mode != SLUICE_ESW_LEGACY)
		return -EOPNOTSUPP;
	if (max_rate == v->max_rate)
		return 0;
	if (!(esw->sdev->caps & SLUICE_CAP_SHAPER))
		return -EOPNOTSUPP;
	if (!netif_device_present(dev))
		return -ENODEV;
	err = sluice_shaper_set(esw->sdev, SLUICE_VPORT_VF(vf), 0,
				policy_rate(max_rate));
	if (!err)
		v->max_rate = max_rate;
	return err;
}

/**
 * sluice_set_vf_spoofchk - ndo_set_vf_spoofchk
 * @dev: PF netdev
 * @vf: VF number
 * @on: drop what the VF sends with another source address than its own
 *
 * Context: RTNL.  Return: 0 or a negative errno.
 */
int sluice_set_vf_spoofchk(struct net_device *dev, int vf, bool on)
{
	struct sluice_eswitch *esw = policy_esw(dev);

	if (!policy_vf(esw, vf))
		return -EINVAL;
	return policy_set_bit(esw, vf, SLUICE_POLICY_SPOOFCHK, on);
}

/**
 * sluice_set_vf_trust - ndo_set_vf_trust
 * @dev: PF netdev
 * @vf: VF number
 * @on: let the VF change its address and receive all multicast
 *
 * Context: RTNL.  Return: 0 or a negative errno.
 */
int sluice_set_vf_trust(struct net_device *dev, int vf, bool on)
{
	struct sluice_eswitch *esw = policy_esw(dev);

	if (!policy_vf(esw, vf))
		return -EINVAL;
	return policy_set_bit(esw, vf, SLUICE_POLICY_TRUST, on);
}

/**
 * sluice_set_vf_link_state - ndo_set_vf_link_state
 * @dev: PF netdev
 * @vf: VF number
 * @state: IFLA_VF_LINK_STATE_*
 *
 * Context: RTNL.  Return: 0 or a negative errno.
 */
int sluice_set_vf_link_state(struct net_device *dev, int vf, int state)
{
	struct sluice_eswitch *esw = policy_esw(dev);
	struct sluice_vf *v = policy_vf(esw, vf);
	struct sluice_cmd_vport cmd;
	u8 link;
	int err;

	if (!v)
		return -EINVAL;
	if (esw->mode != SLUICE_ESW_LEGACY)
		return -EOPNOTSUPP;
	switch (state) {
	case IFLA_VF_LINK_STATE_AUTO:
		link = SLUICE_LINK_AUTO;
		break;
	case IFLA_VF_LINK_STATE_ENABLE:
		link = SLUICE_LINK_UP;
		break;
	case IFLA_VF_LINK_STATE_DISABLE:
		link = SLUICE_LINK_DOWN;
		break;
	default:
		return -EINVAL;
	}
	sluice_vport_set_init(&cmd, SLUICE_VPORT_VF(vf), SLUICE_VPORT_F_LINK);
	cmd.link = link;
	err = policy_exec(esw, &cmd);
	if (!err)
		v->link = link;
	return err;
}

/**
 * sluice_get_vf_config - ndo_get_vf_config
 * @dev: PF netdev
 * @vf: VF number
 * @ivi: filled in
 *
 * The address is the one the VF has now; when the device does not answer, the
 * last one the administrator gave.
 *
 * Context: RTNL.  Return: 0 or -EINVAL.
 */
int sluice_get_vf_config(struct net_device *dev, int vf,
			 struct ifla_vf_info *ivi)
{
	struct sluice_eswitch *esw = policy_esw(dev);
	struct sluice_vf *v = policy_vf(esw, vf);
	struct sluice_vport_info info;
	u8 link;

	if (!v)
		return -EINVAL;
	link = v->link;
	memset(ivi, 0, sizeof(*ivi));
	ivi->vf = vf;
	ivi->vlan_proto = htons(ETH_P_8021Q);
	ivi->spoofchk = !!(v->policy & SLUICE_POLICY_SPOOFCHK);
	ivi->trusted = !!(v->policy & SLUICE_POLICY_TRUST);
	if (esw->mode == SLUICE_ESW_LEGACY) {
		ivi->max_tx_rate = v->max_rate;
		ivi->vlan = v->vlan & SLUICE_VPORT_VLAN_VID;
		ivi->qos = FIELD_GET(SLUICE_VPORT_VLAN_PCP, v->vlan);
		if (v->vlan & SLUICE_VPORT_VLAN_AD)
			ivi->vlan_proto = htons(ETH_P_8021AD);
	}
	if (!policy_query(esw, vf, &info)) {
		ether_addr_copy(ivi->mac, info.mac);
		link = info.link_policy;
	} else if (v->mac_set) {
		ether_addr_copy(ivi->mac, v->mac);
	}
	switch (link) {
	case SLUICE_LINK_UP:
		ivi->linkstate = IFLA_VF_LINK_STATE_ENABLE;
		break;
	case SLUICE_LINK_DOWN:
		ivi->linkstate = IFLA_VF_LINK_STATE_DISABLE;
		break;
	default:
		ivi->linkstate = IFLA_VF_LINK_STATE_AUTO;
		break;
	}
	return 0;
}

/**
 * sluice_get_vf_stats - ndo_get_vf_stats
 * @dev: PF netdev
 * @vf: VF number
 * @stats: filled in, as the VF sees itself
 *
 * Context: RTNL.  Return: 0 or a negative errno.
 */
int sluice_get_vf_stats(struct net_device *dev, int vf,
			struct ifla_vf_stats *stats)
{
	struct sluice_eswitch *esw = policy_esw(dev);
	const struct sluice_vport_stats *hw;

	if (!policy_vf(esw, vf))
		return -EINVAL;
	if (!netif_device_present(dev))
		return -ENODEV;
	hw = sluice_stats_buf(esw->sdev, SLUICE_VPORT_VF(vf));
	if (!hw)
		return -ENOMEM;
	memset(stats, 0, sizeof(*stats));
	stats->rx_packets = le64_to_cpu(READ_ONCE(hw->rx_packets));
	stats->tx_packets = le64_to_cpu(READ_ONCE(hw->tx_packets));
	stats->rx_bytes = le64_to_cpu(READ_ONCE(hw->rx_bytes));
	stats->tx_bytes = le64_to_cpu(READ_ONCE(hw->tx_bytes));
	stats->broadcast = le64_to_cpu(READ_ONCE(hw->rx_broadcast));
	stats->multicast = le64_to_cpu(READ_ONCE(hw->rx_multicast));
	stats->rx_dropped = le64_to_cpu(READ_ONCE(hw->rx_dropped_link)) +
			    le64_to_cpu(READ_ONCE(hw->rx_dropped_nobuf)) +
			    le64_to_cpu(READ_ONCE(hw->rx_dropped_mtu));
	stats->tx_dropped = le64_to_cpu(READ_ONCE(hw->tx_dropped_link)) +
			    le64_to_cpu(READ_ONCE(hw->tx_dropped_spoof)) +
			    le64_to_cpu(READ_ONCE(hw->tx_dropped_mtu)) +
			    le64_to_cpu(READ_ONCE(hw->tx_dropped_rule));
	return 0;
}

/**
 * sluice_vf_mac_get - address a VF has
 * @sdev: PF
 * @vf: VF number
 * @mac: filled in
 *
 * Context: process.  Return: 0 or a negative errno.
 */
int sluice_vf_mac_get(struct sluice_dev *sdev, unsigned int vf, u8 *mac)
{
	struct sluice_vport_info info;
	int err;

	err = policy_query(sdev->esw, vf, &info);
	if (!err)
		ether_addr_copy(mac, info.mac);
	return err;
}

/**
 * sluice_vf_mac_set - give a VF an address
 * @sdev: PF
 * @vf: VF number
 * @mac: address, all zeros for the VF's permanent one
 *
 * Context: process, takes RTNL.  Return: 0 or a negative errno.
 */
int sluice_vf_mac_set(struct sluice_dev *sdev, unsigned int vf, const u8 *mac)
{
	int err = -EINVAL;

	rtnl_lock();
	if (policy_vf(sdev->esw, vf))
		err = policy_set_mac(sdev->esw, vf, mac);
	rtnl_unlock();
	return err;
}

/**
 * sluice_policy_apply - tell the device the policy of VFs, for legacy mode
 * @esw: eSwitch in legacy mode
 * @n: number of VFs, from VF 0
 *
 * A limit that a representor's MTU has put on the VF's goes.  Does not wait.
 * A device that does not take it is one for the health reporter.
 * Context: process, takes RTNL.
 */
void sluice_policy_apply(struct sluice_eswitch *esw, unsigned int n)
{
	struct sluice_cmd_vport cmd;
	unsigned int i;

	rtnl_lock();
	for (i = 0; i < n; i++) {
		const struct sluice_vf *v = &esw->vfs[i];

		sluice_vport_set_init(&cmd, SLUICE_VPORT_VF(i),
				      SLUICE_VPORT_F_LINK |
				      SLUICE_VPORT_F_POLICY |
				      SLUICE_VPORT_F_MTU |
				      (v->vlan ? SLUICE_VPORT_F_VLAN : 0) |
				      (v->mac_set ? SLUICE_VPORT_F_MAC : 0));
		cmd.link = v->link;
		cmd.policy = cpu_to_le32(v->policy);
		cmd.vlan = cpu_to_le16(v->vlan);
		if (v->mac_set)
			ether_addr_copy(cmd.mac, v->mac);
		if (sluice_cmd_post(esw->sdev, &cmd.hdr))
			break;
		if (v->max_rate)
			sluice_shaper_post(esw->sdev, SLUICE_VPORT_VF(i), 0,
					   policy_rate(v->max_rate));
	}
	rtnl_unlock();
}

/**
 * sluice_policy_reset - forget the policy of VFs that are gone
 * @esw: eSwitch
 * @n: number of VFs, from VF 0
 *
 * Context: RTNL.
 */
void sluice_policy_reset(struct sluice_eswitch *esw, unsigned int n)
{
	struct sluice_cmd_vport cmd;
	unsigned int i;

	ASSERT_RTNL();
	for (i = 0; i < n; i++) {
		struct sluice_vf *v = &esw->vfs[i];

		sluice_vport_set_init(&cmd, SLUICE_VPORT_VF(i),
				      SLUICE_VPORT_F_LINK |
				      SLUICE_VPORT_F_POLICY |
				      SLUICE_VPORT_F_MTU |
				      (v->vlan ? SLUICE_VPORT_F_VLAN : 0) |
				      (v->mac_set ? SLUICE_VPORT_F_MAC : 0));
		cmd.link = SLUICE_LINK_AUTO;
		sluice_cmd_post(esw->sdev, &cmd.hdr);
		if (v->max_rate && esw->mode == SLUICE_ESW_LEGACY)
			sluice_shaper_del(esw->sdev, SLUICE_VPORT_VF(i));
		memset(v, 0, sizeof(*v));
	}
}
