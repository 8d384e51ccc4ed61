"""Every installed kernel can drive Hyper-V's devices."""

import re
from typing import Iterator, List

from .. import modules
from ..errors import Blocked, Malformed, Unknown
from ..formats import versions
from ..formats.modprobe import disabled_by_arguments
from ..kernels import Kernel
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System
from .architecture import unusable

DRIVERS = ("hv_vmbus", "hv_storvsc", "hv_netvsc", "hid_hyperv", "hyperv_keyboard")
VITAL = ("hv_vmbus", "hv_storvsc", "hv_netvsc")

# RHEL 6.0 to 6.3 and their kin: 6.4 has kernel 2.6.32-358 and the drivers (Red Hat, "RHEL release dates").
LIS = re.compile(r"2\.6\.32-(\d+)\..*el6(?!uek)")
LIS_REMEDY = (
    "install Microsoft's Linux Integration Services (package microsoft-hyper-v, "
    "https://go.microsoft.com/fwlink/?LinkID=254263), or update to release 6.4 or later"
)

# Whose kernels are kept up by a distribution that gives them such fixes: by the ends of their versions.
KEPT = re.compile(
    r"\.(el|fc|amzn|azl|cm)\d+(?!.*elrepo)|uek|-(default|azure|generic|lowlatency|virtual|server|kvm|aws|gcp|oracle|hwe)"
    r"(-.*)?$|-((cloud|rt)-)?(amd64|arm64)(-unsigned)?$"
)
# The fixes that the document asks of a kernel: words of the title, by which changelogs name them, and a release of
# Linux that has it (the first that surely has: by the dates of the commits, and the sources of 3.6 and 3.8.13uek).
FIXES = (
    ("defer disks to the Hyper-V drivers by default", (3, 5), "ata_piix, cd006086fa5d"),
    ("Account for in-transit packets in the RESET path", (3, 10), "storvsc, 5c1b10ab7f93"),
    ("avoid usage of WRITE_SAME", (3, 13), "storvsc, 3e8f4f406590"),
    ("WRITE SAME for RAID and virtual host adapter", (3, 13), "scsi, 54b2b50c20a6"),
    ("storvsc: NULL pointer dereference fix", (3, 15), "storvsc, b12bb60d6c35"),
    ("ring buffer failures may result in I/O freeze", (3, 19), "storvsc, e86fb5e8ab95"),
    ("protect against double execution of __scsi_remove_device", (4, 5), "scsi_sysfs, be821fd8e627"),
)
ALL_FIXES = "4.5"


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
        why = unusable(kernel.version)
        if why:
            words.append("%s %s" % (kernel.version, why))
            continue
        told = modules.resolved(guest, kernel, DRIVERS)
        vital = [name for name in told.missing if name in VITAL]
        if vital:
            yield Fact(
                "failed",
                "kernel %s has no %s" % (kernel.version, ", ".join(vital)),
                LIS_REMEDY
                if lis(kernel.version)
                else "install the distribution's generic or cloud kernel, and remove this one",
            )
            continue
        if told.missing:
            yield Fact(
                "note",
                "kernel %s has no %s (a keyboard or mouse on the Hyper-V console will not work)"
                % (kernel.version, ", ".join(told.missing)),
            )
        fixes = lacks(system, kernel)
        if fixes:
            yield Fact(
                "warning",
                "kernel %s is no distribution's, and nothing shows that it has these fixes: %s"
                % (kernel.version, "; ".join(fixes)),
                "boot a kernel of the distribution, or one of %s or later" % ALL_FIXES,
            )
        words.append(_words(kernel, sorted(told.builtin)))
    yield from _arguments(system)
    if words:
        yield Fact("ok", "%s: %s" % (", ".join(DRIVERS), "; ".join(words)))


def lis(version: str) -> bool:
    """A kernel of RHEL 6.0 to 6.3, whose drivers are in a package of Microsoft's."""
    match = LIS.match(version)
    return match is not None and int(match.group(1)) < 358


def lacks(system: System, kernel: Kernel) -> List[str]:
    """The document's fixes that a kernel of nobody's distribution may lack: by its version, or by its changelog."""
    if KEPT.search(kernel.version):
        return []
    try:
        release = versions.numbers(kernel.version)[:2]
    except Malformed:
        return []  # a name that says nothing
    missing = [(title, name) for title, since, name in FIXES if release < since]
    changelog = _changelog(system, kernel) if missing else ""
    return ["%s (%s)" % one for one in missing if one[0] not in changelog]


def _changelog(system: System, kernel: Kernel) -> str:
    """What the package of the kernel says that was changed in it; nothing where no package brought it."""
    try:
        return str(system.packages.changelog(kernel.image, kernel.version))
    except (Blocked, Unknown):
        return ""


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
    "leaves a machine that never answers. Red Hat's kernels have them from release 6.4 on, before that they are in a "
    "package of Microsoft's. A kernel that no distribution keeps up needs seven fixes without which disks stall or "
    "vanish on Azure.",
    source='Microsoft, "Prepare Linux for imaging in Azure" (kernel and Hyper-V drivers) and "Linux VM boot issues '
    'caused by Hyper-V drivers"; "Information for non-endorsed distributions" (2017) on LIS and the seven fixes; LISA '
    "HvModule.verify_hyperv_modules",
    remedy="See what a kernel has: modinfo -k VERSION hv_storvsc; built-in ones are listed in "
    "/lib/modules/VERSION/modules.builtin.\nSee what disables a module: grep -r hv_ /etc/modprobe.d /lib/modprobe.d "
    "and take that line out.\nA kernel without the drivers has to be replaced by the distribution's own.",
    changes=changes,
)
