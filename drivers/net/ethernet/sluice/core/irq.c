// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sluice driver, core: interrupt vectors.
 *
 * Vector 0 serves the control ring and the event queue.  The others belong to
 * completion queues and are requested when those are created (nic/).
 */
#include <linux/cpumask.h>
#include <linux/interrupt.h>

#include "core.h"

static irqreturn_t sluice_irq(int irq, void *data)
{
	struct sluice_dev *sdev = data;

	sluice_ctrl_irq(sdev);
	sluice_eq_irq(sdev);
	return IRQ_HANDLED;
}

/**
 * sluice_irq_alloc() - allocate the function's MSI-X vectors
 * @sdev: function
 *
 * One for control and one for each CPU; a PF, of which there are few, gets
 * some to spare for "ethtool -L".
 *
 * Return: 0 or a negative errno.
 */
int sluice_irq_alloc(struct sluice_dev *sdev)
{
	unsigned int want = num_online_cpus();
	int ret;

	if (sdev->is_pf)
		want = max(want, 4U);
	want = min(want + 1, SLUICE_MAX_VECTORS);
	ret = pci_alloc_irq_vectors(sdev->pdev, 2, want, PCI_IRQ_MSIX);
	if (ret < 0) {
		dev_err(&sdev->pdev->dev, "cannot get two MSI-X vectors: %d\n", ret);
		return ret;
	}
	sdev->core->num_vectors = ret;
	return 0;
}

/**
 * sluice_irq_free() - give the vectors back
 * @sdev: function, all of whose interrupts are released
 */
void sluice_irq_free(struct sluice_dev *sdev)
{
	pci_free_irq_vectors(sdev->pdev);
}

/**
 * sluice_irq_request() - start to serve the control vector
 * @sdev: function with a control ring and an event queue
 *
 * Return: 0 or a negative errno.
 */
int sluice_irq_request(struct sluice_dev *sdev)
{
	struct sluice_core *core = sdev->core;
	int err;

	snprintf(core->irq_name, sizeof(core->irq_name), "sluice@%s",
		 pci_name(sdev->pdev));
	err = request_irq(pci_irq_vector(sdev->pdev, 0), sluice_irq, 0,
			  core->irq_name, sdev);
	core->irq = !err;
	return err;
}

/**
 * sluice_irq_release() - serve the control vector no more
 * @sdev: function
 */
void sluice_irq_release(struct sluice_dev *sdev)
{
	if (sdev->core->irq)
		free_irq(pci_irq_vector(sdev->pdev, 0), sdev);
	sdev->core->irq = false;
}
