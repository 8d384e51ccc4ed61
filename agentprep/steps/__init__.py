"""The steps of a run: this tuple, read from top to bottom, is the order.

Packages come first, since what they install cannot be foreseen; rules come last and derive what was touched.
"""

from typing import Tuple

from ..step import Rule, Step
from . import (
    agent_conf,
    agent_package,
    fstab,
    grub_serial,
    initrd_hyperv,
    kernel_cmdline,
    kernel_hyperv,
    kernel_udf,
    numa,
    os_swap,
)

STEPS: Tuple[Step, ...] = (
    agent_package.STEP,
    kernel_hyperv.STEP,
    kernel_udf.STEP,
    fstab.STEP,
    os_swap.STEP,
    numa.STEP,
    kernel_cmdline.STEP,
    grub_serial.STEP,
    initrd_hyperv.STEP,
    agent_conf.STEP,
)

RULES: Tuple[Rule, ...] = (initrd_hyperv.RULE, kernel_cmdline.RULE)
