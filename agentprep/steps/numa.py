"""numa=off for the kernels that need it on Hyper-V, and for no other."""

import re
from typing import Iterator, List, Tuple

from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

ARGUMENT = "numa=off"
GOOD = (2, 6, 37)  # kernels from here on
GOOD_RHEL = (2, 6, 32, 504)  # and those of RHEL 6.6


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """Every boot entry of a guest with such an old kernel has numa=off."""
    versions = [kernel.version for kernel in system.kernels]
    old = [version for version in versions if needs(version)]
    if not versions:
        yield Fact("skipped", "no kernel is installed, so it cannot be told whether one needs %s" % ARGUMENT)
    elif not old:
        yield Fact("ok", "not needed: kernel %s" % ", ".join(versions))
    else:
        yield from system.boot.set_arguments([ARGUMENT], [])
        yield Fact("ok", "%s in every boot entry, for kernel %s" % (ARGUMENT, ", ".join(old)))


def needs(version: str) -> bool:
    """The kernel of this version does not start on Hyper-V with more than one NUMA node."""
    numbers = _numbers(version)
    if ".el" in version and numbers[:3] == GOOD_RHEL[:3]:
        return numbers < GOOD_RHEL
    return numbers[:3] < GOOD


def _numbers(version: str) -> Tuple[int, ...]:
    found: List[str] = re.findall(r"\d+", version)
    return tuple(int(number) for number in found[:4])


STEP = Step(
    id="numa",
    title="Kernels below 2.6.37 are booted with numa=off",
    reason="Kernels below 2.6.37 do not get NUMA right on Hyper-V with larger virtual machines: those of upstream, and "
    "the 2.6.32 of Red Hat before 2.6.32-504 (RHEL 6.6). They may not boot. Newer kernels need NUMA for speed and "
    "are left alone.",
    source="Microsoft, Information for non-endorsed distributions, 'General Linux system notes'; the LISA test "
    "verify_grub demands it below RHEL 6.6",
    remedy="Add numa=off to GRUB_CMDLINE_LINUX in /etc/default/grub (or to each kernel line of /boot/grub/grub.conf), "
    "then run: update-grub",
    changes=changes,
)
