"""Every tree: one row for each family, release and boot path of the table of guests that must work."""

from typing import Tuple

from tests.roots import (
    alinux,
    amazon,
    azurelinux,
    debian,
    debian_boot,
    debian_dracut,
    fedora,
    openeuler,
    oracle,
    rhel6,
    rhel7,
    rhel8,
    rhel9,
    suse,
    suse11,
    suse16,
    suse_bls,
    ubuntu,
    ubuntu_kin,
    ubuntu_other,
)
from tests.roots.tree import Tree

FAMILIES = (
    debian, debian_boot, debian_dracut, ubuntu, ubuntu_kin, ubuntu_other, rhel6, rhel7, rhel8, rhel9, oracle, fedora,
    alinux, amazon, azurelinux, openeuler, suse, suse11, suse16, suse_bls,
)  # fmt: skip

TREES: Tuple[Tree, ...] = sum((one.TREES for one in FAMILIES), ())
