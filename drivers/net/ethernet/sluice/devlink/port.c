// SPDX-License-Identifier: GPL-2.0-only
/*
 * devlink ports: physical for the wires, pcivf for VFs in switchdev mode.
 */
#include "devlink.h"

static int port_hw_addr_get(struct devlink_port *port, u8 *addr, int *len,
			    struct netlink_ext_ack *extack)
{
	struct sluice_vport *vport = container_of(port, struct sluice_vport,
						  dl_port);

	*len = ETH_ALEN;
	return sluice_vf_mac_get(vport->sdev, vport->vf, addr);
}

static int port_hw_addr_set(struct devlink_port *port, const u8 *addr, int len,
			    struct netlink_ext_ack *extack)
{
	struct sluice_vport *vport = container_of(port, struct sluice_vport,
						  dl_port);

	if (len != ETH_ALEN) {
		NL_SET_ERR_MSG_MOD(extack, "a VF's address has 6 bytes");
		return -EINVAL;
	}
	if (is_multicast_ether_addr(addr)) {
		NL_SET_ERR_MSG_MOD(extack, "a VF's address must be unicast");
		return -EINVAL;
	}
	return sluice_vf_mac_set(vport->sdev, vport->vf, addr);
}

static const struct devlink_port_ops uplink_port_ops = {
};

static const struct devlink_port_ops vf_port_ops = {
	.port_fn_hw_addr_get	= port_hw_addr_get,
	.port_fn_hw_addr_set	= port_hw_addr_set,
};

/**
 * sluice_devlink_port_register - register the devlink port of a vport
 * @vport: uplink or VF; its number is the port's index
 *
 * All ports carry the switch identity.  Those of uplinks do so in legacy mode
 * too, since it is fixed when a port is registered.
 *
 * Context: devlink instance lock.  Return: 0 or a negative errno.
 */
int sluice_devlink_port_register(struct sluice_vport *vport)
{
	struct sluice_dev *sdev = vport->sdev;
	const struct devlink_port_ops *ops;
	struct devlink_port_attrs attrs = {};
	int err;

	memset(&vport->dl_port, 0, sizeof(vport->dl_port));
	attrs.switch_id.id_len = sizeof(sdev->switch_id);
	memcpy(attrs.switch_id.id, sdev->switch_id, sizeof(sdev->switch_id));
	if (vport->uplink >= 0) {
		attrs.flavour = DEVLINK_PORT_FLAVOUR_PHYSICAL;
		attrs.phys.port_number = vport->uplink;
		devlink_port_attrs_set(&vport->dl_port, &attrs);
		ops = &uplink_port_ops;
	} else {
		devlink_port_attrs_set(&vport->dl_port, &attrs);
		devlink_port_attrs_pci_vf_set(&vport->dl_port, 0, 0, vport->vf,
					      false);
		ops = &vf_port_ops;
	}
	err = devl_port_register_with_ops(sdev->devlink, &vport->dl_port,
					  vport->num, ops);
	if (err)
		return err;
	if (vport->vf >= 0)
		err = sluice_rate_leaf_create(vport);
	if (err)
		devl_port_unregister(&vport->dl_port);
	vport->dl_registered = !err;
	return err;
}

/**
 * sluice_devlink_port_unregister - unregister the devlink port of a vport
 * @vport: vport whose netdev is gone
 *
 * Context: devlink instance lock.
 */
void sluice_devlink_port_unregister(struct sluice_vport *vport)
{
	if (vport->vf >= 0)
		sluice_rate_leaf_destroy(vport);
	devl_port_unregister(&vport->dl_port);
	vport->dl_registered = false;
}
