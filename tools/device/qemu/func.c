// SPDX-License-Identifier: GPL-2.0-or-later
/* What the PF and the VFs of a Sluice NIC have in common: BARs, MSI-X, FLR. */
#include "qemu/osdep.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_sriov.h"
#include "qapi/error.h"
#include "sluice.h"

static uint64_t sluice_regs_read(void *opaque, hwaddr addr, unsigned int size)
{
	SluiceFunc *f = opaque;

	return sluice_nic_reg_read(f->nic->nic, f->number, addr, size);
}

static void sluice_regs_write(void *opaque, hwaddr addr, uint64_t val,
			      unsigned int size)
{
	SluiceFunc *f = opaque;

	sluice_nic_reg_write(f->nic->nic, f->number, addr, val, size);
}

/* Other sizes and misaligned accesses get through to be ignored. */
static const MemoryRegionOps sluice_regs_ops = {
	.read = sluice_regs_read,
	.write = sluice_regs_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = {
		.min_access_size = 1,
		.max_access_size = 8,
		.unaligned = true,
	},
	.impl = {
		.min_access_size = 1,
		.max_access_size = 8,
		.unaligned = true,
	},
};

bool sluice_func_realize(SluiceFunc *f, SluiceState *s, PCIDevice *pci,
			 unsigned int number, Error **errp)
{
	const uint8_t bar = PCI_BASE_ADDRESS_MEM_TYPE_64 |
			    PCI_BASE_ADDRESS_MEM_PREFETCH;
	unsigned int vectors = sluice_nic_vectors(&s->cfg, number);
	unsigned int i;

	f->nic = s;
	f->pci = pci;
	f->number = number;

	memory_region_init_io(&f->regs, OBJECT(pci), &sluice_regs_ops, f,
			      "sluice-regs", SLUICE_BAR_REGS_SIZE);
	pci_register_bar(pci, SLUICE_BAR_REGS, bar, &f->regs);
	memory_region_init(&f->msix, OBJECT(pci), "sluice-msix",
			   SLUICE_BAR_MSIX_SIZE);
	pci_register_bar(pci, SLUICE_BAR_MSIX, bar, &f->msix);

	if (msix_init(pci, vectors, &f->msix, SLUICE_BAR_MSIX, 0, &f->msix,
		      SLUICE_BAR_MSIX, SLUICE_PBA_OFFSET, SLUICE_MSIX_OFFSET,
		      errp) < 0)
		return false;
	for (i = 0; i < vectors; i++)
		msix_vector_use(pci, i);

	if (pcie_endpoint_cap_init(pci, SLUICE_PCIE_OFFSET) < 0) {
		error_setg(errp, "sluice must be plugged into a PCI Express port");
		goto fail_msix;
	}
	pcie_cap_flr_init(pci);
	if (pcie_aer_init(pci, PCI_ERR_VER, SLUICE_AER_OFFSET, PCI_ERR_SIZEOF,
			  errp) < 0)
		goto fail_pcie;
	pcie_ari_init(pci, SLUICE_ARI_OFFSET);

	qatomic_set(&s->funcs[number], f);
	return true;

fail_pcie:
	pcie_cap_exit(pci);
fail_msix:
	msix_unuse_all_vectors(pci);
	msix_uninit(pci, &f->msix, &f->msix);
	return false;
}

void sluice_func_exit(SluiceFunc *f)
{
	PCIDevice *pci = f->pci;

	qatomic_set(&f->nic->funcs[f->number], NULL);
	pcie_aer_exit(pci);
	pcie_cap_exit(pci);
	msix_unuse_all_vectors(pci);
	msix_uninit(pci, &f->msix, &f->msix);
}

/*
 * The worker carries resets out.  Bus mastering is off by now, so that it
 * cannot reach memory in the meantime.
 */
void sluice_func_reset(SluiceFunc *f)
{
	qatomic_set(&f->irqs[0], 0);
	qatomic_set(&f->irqs[1], 0);
	sluice_nic_func_reset(f->nic->nic, f->number);
	sluice_worker_quiesce(f->nic);
}

void sluice_func_write_config(PCIDevice *pci, uint32_t addr, uint32_t val,
			      int len)
{
	pci_default_write_config(pci, addr, val, len);
	pcie_cap_flr_write_config(pci, addr, val, len);
}
