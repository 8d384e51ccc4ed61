"""A 64-bit machine with a kernel that can run on Hyper-V."""

from typing import Iterator

from ..distros import OTHER
from ..errors import Unsupported
from ..kernels import xen_only
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

MACHINES = ("x86_64", "aarch64")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    name = system.distro.name
    machine = system.architecture
    if machine not in MACHINES:
        raise Unsupported(
            "%s is built for %s, and Azure runs only %s" % (name, machine, " and ".join(MACHINES)),
            "install a 64-bit release of the distribution and move the data",
        )
    good = [kernel.version for kernel in system.kernels]
    xen = [kernel.version for kernel in xen_only(system.guest)]
    if not good and not xen:
        raise Unsupported(
            "no kernel is installed: /boot has no vmlinuz-VERSION that has a modules.dep below /lib/modules",
            "install the distribution's kernel package; a container image or the root of a chroot is no machine",
        )
    if not good:
        raise Unsupported(
            "only kernels for paravirtual Xen are installed: %s" % ", ".join(xen),
            "install the distribution's generic kernel and make it the default",
        )
    if xen:
        yield Fact(
            "warning", "kernel %s runs on paravirtual Xen only" % ", ".join(xen), "remove it, so that it is not booted"
        )
    if system.distro.row is OTHER:
        yield Fact(
            "warning",
            "distribution %s is not one that agentprep knows by name; its mechanisms were detected" % system.distro.id,
            "read `agentprep plan` with care before you run",
        )
    yield Fact("ok", "%s on %s with %s" % (name, machine, ", ".join("kernel " + version for version in good)))


STEP = Step(
    id="architecture",
    title="The guest is 64-bit Linux with a kernel that can run on Azure",
    reason="Azure runs x86_64 and arm64 machines, and its images must be 64-bit. A 32-bit system, a "
    "container image without a kernel, or a kernel that was built for paravirtual Xen alone cannot be "
    "made to boot there by configuration.",
    source="LISA verify_azure_64bit_os; Microsoft, Azure Marketplace VM certification (64-bit only); "
    "virt-v2v(1) on Xen",
    remedy="uname -m; ls /boot/vmlinuz-* /lib/modules\nInstall the distribution's generic kernel, or a 64-bit release.",
    changes=changes,
)
