"""Every installed kernel can drive Hyper-V's devices."""

from typing import Iterator, List

from .. import modules
from ..errors import Blocked
from ..formats.modprobe import disabled_by_arguments
from ..kernels import Kernel
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

DRIVERS = ("hv_vmbus", "hv_storvsc", "hv_netvsc", "hid_hyperv", "hyperv_keyboard")
VITAL = ("hv_vmbus", "hv_storvsc", "hv_netvsc")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    guest = system.guest
    if not system.kernels:
        raise Blocked(
            "no installed kernel was found: /boot has no vmlinuz-VERSION with its /lib/modules/VERSION/modules.dep",
            "install a kernel package of the distribution",
        )
    found = modules.locks(guest, DRIVERS)
    if found:
        yield from modules.lifted(guest, found, "%s; Azure's disks and network need that driver" % modules.told(found))
    words: List[str] = []
    for kernel in system.kernels:
        told = modules.resolved(guest, kernel, DRIVERS)
        vital = [name for name in told.missing if name in VITAL]
        if vital:
            yield Fact(
                "failed",
                "kernel %s has no %s" % (kernel.version, ", ".join(vital)),
                "install the distribution's generic or cloud kernel and remove linux-image-%s" % kernel.version,
            )
        elif told.missing:
            yield Fact(
                "note",
                "kernel %s has no %s (a keyboard or mouse on the Hyper-V console will not work)"
                % (kernel.version, ", ".join(told.missing)),
            )
        words.append(_words(kernel, sorted(told.builtin)))
    yield from _arguments(system)
    yield Fact("ok", "%s: %s" % (", ".join(DRIVERS), "; ".join(words)))


def _words(kernel: Kernel, builtin: List[str]) -> str:
    return "%s has them as modules%s" % (kernel.version, ", built in: %s" % ", ".join(builtin) if builtin else "")


def _arguments(system: System) -> Iterator[Item]:
    try:
        entries = system.boot.arguments()
    except Blocked:
        return  # kernel-cmdline says what is wrong with the boot loader
    for title, arguments in entries.items():
        names = [name for name in DRIVERS if name in disabled_by_arguments(arguments)]
        if names:
            yield Fact(
                "failed",
                "boot entry %s disables %s on its command line" % (title, ", ".join(names)),
                "take that argument out, for example with kernel-cmdline.remove in /etc/agentprep.conf",
            )


STEP = Step(
    id="kernel-hyperv",
    title="Every installed kernel has the Hyper-V drivers",
    reason="An Azure VM has no disk and no network without them: the OS disk is behind hv_storvsc, the network card "
    "behind hv_netvsc, and both behind hv_vmbus. A modprobe.d line of a hardening guide that disables one of them "
    "leaves a machine that never answers.",
    source='Microsoft, "Prepare Linux for imaging in Azure" (kernel and Hyper-V drivers) and "Linux VM boot issues '
    'caused by Hyper-V drivers"; LISA HvModule.verify_hyperv_modules',
    remedy="See what a kernel has: modinfo -k VERSION hv_storvsc; built-in ones are listed in "
    "/lib/modules/VERSION/modules.builtin.\nSee what disables a module: grep -r hv_ /etc/modprobe.d /lib/modprobe.d "
    "and take that line out.\nA kernel without the drivers has to be replaced by the distribution's own.",
    changes=changes,
)
