"""A 64-bit machine with a kernel that can run on Hyper-V."""

import re
from typing import Iterator

from ..distros import OTHER
from ..errors import Malformed, Unsupported
from ..formats import versions
from ..kernels import xen_only
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

MACHINES = ("x86_64", "aarch64")

# Microsoft, "Prepare an Oracle Linux virtual machine for Azure": UEK2 is not supported.  Its version is that of 3.0.
UEK2 = re.compile(r"2\.6\.39-.*uek")
OLDEST = (2, 6, 32)  # Microsoft, "Information for non-endorsed distributions"; drivers/staging/hv came with it


def changes(system: System, policy: Policy) -> Iterator[Item]:
    name = system.distro.name
    machine = system.architecture
    if machine not in MACHINES:
        raise Unsupported(
            "%s is built for %s, and Azure runs only %s" % (name, machine, " and ".join(MACHINES)),
            "install a 64-bit release of the distribution and move the data",
        )
    installed = [kernel.version for kernel in system.kernels]
    bad = {kernel.version: "runs on paravirtual Xen only" for kernel in xen_only(system.guest)}
    if not installed and not bad:
        raise Unsupported(
            "no kernel is installed: /boot has no vmlinuz-VERSION that has a modules.dep below /lib/modules",
            "install the distribution's kernel package; a container image or the root of a chroot is no machine",
        )
    bad.update({version: unusable(version) for version in installed if unusable(version)})
    good = [version for version in installed if version not in bad]
    told = ["kernel %s %s" % one for one in bad.items()]
    if not good:
        raise Unsupported(
            "no installed kernel runs on Azure: %s" % "; ".join(told),
            "install the distribution's generic kernel and make it the default",
        )
    for one in told:
        yield Fact("warning", one, "remove it, so that it is not booted")
    if system.distro.id not in system.distro.row.ids:
        kin = "it is treated as of the family %s" % system.distro.row.family
        yield Fact(
            "warning",
            "distribution %s is not one that agentprep knows by name; %s"
            % (system.distro.id, "its mechanisms were detected" if system.distro.row is OTHER else kin),
            "read `agentprep plan` with care before you run",
        )
    yield Fact("ok", "%s on %s with %s" % (name, machine, ", ".join("kernel " + version for version in good)))


def unusable(version: str) -> str:
    """Why no configuration makes a kernel of this version run on Azure, or ""."""
    if UEK2.match(version):
        return "is Oracle's UEK R2, which has no Hyper-V drivers"
    try:
        old = versions.numbers(version)[:3] < OLDEST
    except Malformed:  # a name of somebody's own
        old = False
    return "is older than %s, the first with Hyper-V drivers" % ".".join(map(str, OLDEST)) if old else ""


STEP = Step(
    id="architecture",
    title="The guest is 64-bit Linux with a kernel that can run on Azure",
    reason="Azure runs x86_64 and arm64 machines, and its images must be 64-bit. A 32-bit system, a "
    "container image without a kernel, or a kernel that was built for paravirtual Xen alone or has no Hyper-V drivers "
    "at all cannot be made to boot there by configuration.",
    source="LISA verify_azure_64bit_os; Microsoft, Azure Marketplace VM certification (64-bit only); "
    "virt-v2v(1) on Xen; 'Prepare an Oracle Linux virtual machine for Azure' on UEK2",
    remedy="uname -m; ls /boot/vmlinuz-* /lib/modules\nInstall the distribution's generic kernel, or a 64-bit release.",
    changes=changes,
)
