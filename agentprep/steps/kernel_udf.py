"""The provisioning DVD and the EFI system partition can be mounted."""

from typing import Iterator, List

from .. import modules
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

# The DVD that carries ovf-env.xml has UDF; the drive is an ATA or SCSI CD; the ESP has vfat.
WANTED = ("udf", "isofs", "vfat", "cdrom", "sr_mod")
VITAL = ("udf", "vfat", "sr_mod")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    guest = system.guest
    # A blacklist keeps udev from loading a module by its alias; mount loads a file system by name all the same, but
    # the CD drive's driver is only ever loaded by its alias.
    found = modules.locks(guest, WANTED)
    if found:
        yield from modules.lifted(guest, found, "%s; Azure hands over its settings on a UDF DVD" % modules.told(found))
    words: List[str] = []
    for kernel in system.kernels:
        told = modules.resolved(guest, kernel, WANTED)
        lacking = [name for name in told.missing if name in VITAL]
        if lacking:
            yield Fact(
                "failed",
                "kernel %s has no %s" % (kernel.version, ", ".join(lacking)),
                "install the rest of that kernel's modules (kernel-modules and kernel-modules-extra, "
                "linux-modules-extra, or kernel-default instead of kernel-default-base), or another kernel",
            )
        else:
            words.append(kernel.version)
    yield Fact("ok", "%s are usable with %s" % (", ".join(WANTED), ", ".join(words) or "no kernel"))


STEP = Step(
    id="kernel-udf",
    title="UDF, ISO 9660, vfat and the CD drive are usable",
    reason="Azure hands the host name, user and keys of a new VM to its agent on a DVD with a UDF file system. "
    "Hardening guides (CIS) disable udf and vfat with `install udf /bin/true`; provisioning then fails, and a machine "
    "with UEFI does not mount its EFI system partition.",
    source='Microsoft, "Prepare Linux for imaging in Azure" (UDF and vfat must be enabled); Azure/WALinuxAgent issue '
    "246; CIS benchmarks 1.1.1",
    remedy="See what disables a module: modprobe -n -v udf; take such lines out of /etc/modprobe.d.\n"
    "See whether a kernel has it: modinfo -k VERSION udf.",
    changes=changes,
)
