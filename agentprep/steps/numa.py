"""numa=off for the kernels that need it on Hyper-V, and for no other."""

import re
from typing import Dict, Iterator, List, Tuple

from ..by_hand import ARGUMENTS
from ..errors import Blocked, Unknown
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

ARGUMENT = "numa=off"
GOOD = (2, 6, 37)  # kernels from here on
GOOD_RHEL = (2, 6, 32, 504)  # and those of RHEL 6.6


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """Every boot entry of such an old kernel has numa=off, and the policy's other steps take it from no entry."""
    versions = [kernel.version for kernel in system.kernels]
    old = [version for version in versions if needs(version)]
    good = [version for version in versions if version not in old]
    if not versions:
        yield Fact("skipped", "no kernel is installed, so it cannot be told whether one needs %s" % ARGUMENT)
        return
    if not old:
        yield Fact("ok", "not needed: kernel %s" % ", ".join(versions))
    elif not good:
        yield from system.boot.set_arguments([ARGUMENT], [])
        yield Fact("ok", "%s in every boot entry, for kernel %s" % (ARGUMENT, ", ".join(old)))
    elif hasattr(system.boot, "set_arguments_of"):
        yield from system.boot.set_arguments_of(old, [ARGUMENT], [])
        yield Fact("ok", "%s in every boot entry of kernel %s" % (ARGUMENT, ", ".join(old)))
    else:
        yield Fact(
            "person",
            "kernel %s needs %s and %s does not; %s gives both the same arguments"
            % (", ".join(old), ARGUMENT, ", ".join(good), system.boot.name),
            "remove the kernel %s, or write %s into its entries by hand" % (", ".join(old), ARGUMENT),
        )
    if good:
        yield from _needless(system, old)


def _needless(system: System, old: List[str]) -> Iterator[Item]:
    """What has the argument without need: the document asks for it on old kernels only, and removal for none."""
    try:
        given: Dict[str, List[str]] = system.boot.arguments()
    except (Blocked, Unknown):  # which the step kernel-cmdline tells
        return
    names = [name for name, words in given.items() if ARGUMENT in words and not any(one in name for one in old)]
    if names:
        yield Fact(
            "note",
            "%s costs speed where it is not needed: %s" % (ARGUMENT, ", ".join(names)),
            "to take it away, set in /etc/agentprep.conf: [kernel-cmdline] remove = ..., numa=off" if not old else "",
        )


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
    remedy="Add numa=off to the arguments of each kernel below 2.6.37:\n" + ARGUMENTS,
    changes=changes,
)
