"""The kernels that are installed in the guest, whichever is running.

    installed(guest)        every kernel that could be booted on Azure, the newest last
    xen_only(guest)         kernels that run on nothing but paravirtual Xen
    partitions(guest)       where boot loaders that know no other file system find kernels: ESP and XBOOTLDR

A kernel is a folder of modules with modules.dep, and an image: in /boot, or only on the EFI system partition.
"""

import posixpath
import re
from typing import Iterator, List, NamedTuple, Optional

from .formats import versions
from .guest import Guest

# Rescue and kdump images are no kernels of their own (Fedora's dracut-config-rescue; RHBZ#1138184).
NO_KERNEL = re.compile(r"rescue|kdump|\.dpkg-|\.rpm(save|new|orig)|\.old$|\.bak$")
# Kernels of the classic Xen tree run on nothing but paravirtual Xen: kernel-xen, kernelxenU, linux-image-*-xen.
XEN = re.compile(r"[-.]?xen(U|0|u)?$")
XEN_OPTIONS = (b"\nCONFIG_X86_XEN=y\n", b"\nCONFIG_X86_64_XEN=y\n")
# Image-VERSION is SUSE's on arm64 (kernel-binary.spec.in); vmlinux comes last, since SUSE has it, packed, for crash(8).
IMAGES = ("/boot/vmlinuz-%s", "/boot/Image-%s", "/boot/vmlinux-%s", "/boot/vmlinux-%s.gz", "/boot/vmlinux-%s.xz")
MODULES = ("/lib/modules", "/usr/lib/modules")
# Where bootctl(1) and kernel-install(8) look for the ESP and for XBOOTLDR.
PARTITIONS = ("/efi", "/boot", "/boot/efi")


class Kernel(NamedTuple):
    """An installed kernel: its version (as `uname -r` gives it), boot image, and folder of modules."""

    version: str
    image: str
    modules: str

    def dependencies(self, guest: Guest) -> Optional[bytes]:
        """The content of modules.dep."""
        return guest.read(self.modules + "/modules.dep", limit=32 << 20)

    def builtin(self, guest: Guest) -> Optional[bytes]:
        """The content of modules.builtin; some packages lack it."""
        return guest.read(self.modules + "/modules.builtin")

    def config(self, guest: Guest) -> Optional[bytes]:
        """The configuration that the kernel was built with; Fedora and SUSE have it among the modules too."""
        found = guest.read("/boot/config-" + self.version)
        return guest.read(self.modules + "/config") if found is None else found


def installed(guest: Guest) -> List[Kernel]:
    """Every version that has both a boot image and a folder of modules with modules.dep, the newest last."""
    return [kernel for kernel in _all(guest) if not _is_xen_only(guest, kernel)]


def xen_only(guest: Guest) -> List[Kernel]:
    """The same, of those kernels that Azure's hypervisor cannot start."""
    return [kernel for kernel in _all(guest) if _is_xen_only(guest, kernel)]


def partitions(guest: Guest) -> List[str]:
    """The folders that have boot entries, kernels or loaders in the places that systemd-boot looks at.

    Which of them are mounted partitions is not asked: in a tree nothing is mounted.
    """
    found = []
    for folder in PARTITIONS:
        marks = ("/loader/entries", "/EFI")
        path = guest.canonical(folder)
        if path not in found and any(guest.is_folder(folder + mark) for mark in marks):
            found.append(path)
    return found


def _all(guest: Guest) -> List[Kernel]:
    found: List[Kernel] = guest.once("kernels", lambda: _found(guest))
    return found


def _found(guest: Guest) -> List[Kernel]:
    found = {}
    for folder in MODULES:
        for version in guest.names(folder):
            if version in found or NO_KERNEL.search(version) or not guest.is_file(_dep(folder, version)):
                continue
            image = next(_images(guest, version), None)
            if image is not None:
                found[version] = Kernel(version, image, posixpath.join(folder, version))
    return sorted(found.values(), key=lambda kernel: (versions.rpm_key(kernel.version), kernel.version))


def _dep(folder: str, version: str) -> str:
    return posixpath.join(folder, version, "modules.dep")


def _images(guest: Guest, version: str) -> Iterator[str]:
    """The images of a version: in /boot, else as kernel-install or sdbootutil copied them, else in a unified image."""
    for pattern in IMAGES:
        if guest.is_file(pattern % version):
            yield pattern % version
    for root in partitions(guest):
        for token in guest.names(root):
            folder = posixpath.join(root, token, version)
            for name in guest.names(folder):
                if re.match(r"(linux|vmlinuz|Image)(-[0-9a-f]{40})?$", name):
                    yield posixpath.join(folder, name)
        for name in guest.names(root + "/EFI/Linux"):
            if re.search(r"(^|-)%s(\+\d+(-\d+)?)?\.efi$" % re.escape(version), name):
                yield posixpath.join(root, "EFI/Linux", name)


def _is_xen_only(guest: Guest, kernel: Kernel) -> bool:
    config = b"\n%s\n" % (kernel.config(guest) or b"")
    return bool(XEN.search(kernel.version)) or any(option in config for option in XEN_OPTIONS)
