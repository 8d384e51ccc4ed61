"""The steps of a run: this tuple, read from top to bottom, is the order.

Packages come first, since what they install cannot be foreseen; rules come last and derive what was touched.
"""

from typing import Tuple

from ..step import Rule, Step
from . import (
    agent_conf,
    agent_package,
    architecture,
    certification,
    cloud_init,
    disk_layout,
    disk_size,
    efi_fallback,
    floppy,
    fstab,
    grub_serial,
    initrd_hyperv,
    kernel_cmdline,
    kernel_hyperv,
    kernel_udf,
    network,
    numa,
    os_swap,
    selinux,
    ssh_server,
    sudo,
    time,
)

STEPS: Tuple[Step, ...] = (
    architecture.STEP,
    agent_package.STEP,
    ssh_server.STEP,
    kernel_hyperv.STEP,
    kernel_udf.STEP,
    disk_size.STEP,
    disk_layout.STEP,
    fstab.STEP,
    os_swap.STEP,
    numa.STEP,
    kernel_cmdline.STEP,
    grub_serial.STEP,
    floppy.STEP,
    initrd_hyperv.STEP,
    efi_fallback.STEP,
    agent_conf.STEP,
    cloud_init.STEP,
    network.STEP,
    sudo.STEP,
    time.STEP,
    selinux.STEP,
    certification.STEP,
)

RULES: Tuple[Rule, ...] = (initrd_hyperv.RULE, kernel_cmdline.RULE, os_swap.RULE, selinux.RULE)
