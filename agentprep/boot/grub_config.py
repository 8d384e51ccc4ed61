"""The grub.cfg that the loader of this guest reads, told from stubs that only lead to it and from leftovers.

live(guest)                           its Config, or None when there is no menu of kernels; Blocked when two may be live
stubs(guest)                          {path on the ESP: guest path of the file that it leads to}
leftovers(guest)                      the other files with a menu, which nothing reads
version(guest, kernel, kernels)       which of the installed kernels a path of the loader's is of
loader_type(guest)                    how SUSE calls the loader: grub2, grub2-efi, grub2-bls, systemd-boot or ""
placed(guest, path)                   the guest path of a file that the loader's configuration names

A file is judged by its content, never by the release: RHEL 7 and 8 have the menu itself on the ESP, RHEL 9 and later,
Fedora 34 and later, Debian, Ubuntu, SUSE and Azure Linux a few lines that load the one in /boot.
"""

import posixpath
import re
from typing import Dict, List, NamedTuple, Optional, Sequence

from ..errors import Blocked, Malformed
from ..formats import fstab, grubcfg
from ..guest import Guest
from ..kernels import NO_KERNEL, Kernel, installed

# Where distributions have it: upstream's names, and those of Red Hat and SUSE, who had GRUB Legacy beside it.
FOLDERS = ("/boot/grub", "/boot/grub2")
GENERATORS = ("grub-mkconfig", "grub2-mkconfig")
# Vendors' folders, and Azure Linux's and Mariner's (azure-linux-image-tools, grub.cfg of the ESP).
ON_ESP = (
    "/boot/efi/EFI/*/grub.cfg",
    "/efi/EFI/*/grub.cfg",
    "/boot/efi/boot/grub2/grub.cfg",
    "/boot/efi/grub2/grub.cfg",
)
ESPS = ("/boot/efi", "/efi")
SDBOOTUTIL = "/EFI/*/installed_by_sdbootutil"
OTHERS = ("/EFI/systemd/systemd-boot*.efi", SDBOOTUTIL)  # bootctl(1), SUSE's sdbootutil
SUSE = "/etc/sysconfig/bootloader"  # by which SUSE's update-bootloader goes


class Config(NamedTuple):
    """A grub.cfg with a menu, and why it is the one that counts."""

    path: str
    evidence: str


def live(guest: Guest) -> Optional[Config]:
    found: Optional[Config] = guest.once("grub.cfg", lambda: _live(guest))
    return found


def _live(guest: Guest) -> Optional[Config]:
    used = _used(guest)
    if used is not None:
        try:
            grubcfg.entries(_text(guest, used.path))
        except Malformed as error:
            raise Blocked("%s, %s" % (used.path, error.message), error.hint) from None
    return used


def _used(guest: Guest) -> Optional[Config]:
    found = [path for path in _existing(guest) if _menu(guest, path)]
    by_uefi, by_bios = _read_by_uefi(guest, found), _read_by_bios(guest, found)
    if by_bios is None and _by_sdbootutil(guest):
        return None
    read = [one for one in (by_uefi, by_bios) if one is not None]
    if len({one.path for one in read}) > 1:
        return _decided(guest, read)
    if read:
        return read[0]
    in_boot = [path for path in found if not path.startswith(ESPS)]
    if in_boot and _left_behind(guest, in_boot[0]):
        return None
    if _unmounted(guest) and not (in_boot and _current(guest, in_boot[0]) and not _led_away(guest, in_boot[0])):
        raise Blocked(
            "the EFI system partition, which may hold the menu, is not mounted at %s" % _unmounted(guest),
            "mount it, as /etc/fstab says, then run agentprep again",
        )
    if in_boot:
        return Config(in_boot[0], "it is where %s puts it" % _generator(guest))
    return None


def stubs(guest: Guest) -> Dict[str, str]:
    found = {}
    for path in _on_esp(guest):
        try:
            stub = grubcfg.stub(_text(guest, path))
        except Malformed:
            continue
        if stub is not None:
            folder = posixpath.basename(posixpath.dirname(stub.path)) or "grub2"
            found[path] = guest.canonical("/boot/%s/%s" % (folder, posixpath.basename(stub.path)))
    return found


def leftovers(guest: Guest) -> List[str]:
    used = live(guest)
    found = [path for path in _existing(guest) if used and path != used.path and _menu(guest, path)]
    return [path for path in found if not (used and _agree(guest, [used.path, path]))]


def placed(guest: Guest, path: str) -> str:
    """Relative to /boot where that is a file system of its own, to / or a subvolume (/@/boot/...), or to the ESP.

    A file that is not there is placed in /boot, as is one that would be outside of these.
    """
    path = posixpath.normpath("/" + re.sub(r"^\([^)]*\)|^\$\w+", "", path).lstrip("/"))
    below = path.split("/boot/", 1)[1] if "/boot/" in path else path.lstrip("/")
    tops = [guest.canonical(top) + "/" for top in ("/boot", "/efi")]
    places = ["/boot/" + below] + [top + path for top in ("/boot",) + ESPS] + [path]
    found = [guest.canonical(place) for place in places if guest.is_file(place)]
    return next((place for place in found if place.startswith(tuple(tops))), "/boot/" + below)


def _existing(guest: Guest) -> List[str]:
    """Every grub.cfg, each once; that of the generator's own name comes first."""
    own = [folder for folder, tool in zip(FOLDERS, GENERATORS) if guest.which(tool)]
    folders = own + [folder for folder in FOLDERS if folder not in own]
    paths = [folder + "/grub.cfg" for folder in folders if guest.is_file(folder + "/grub.cfg")] + _on_esp(guest)
    return list(dict.fromkeys(guest.canonical(path) for path in paths))


def _on_esp(guest: Guest) -> List[str]:
    paths = [path for pattern in ON_ESP for path in guest.glob(pattern) if guest.is_file(path)]
    vendors = [path for path in paths if not re.search(r"/EFI/BOOT/", path, re.IGNORECASE)]
    return vendors or paths


def _menu(guest: Guest, path: str) -> bool:
    """The file has entries of kernels, or reads those of /boot/loader/entries, or cannot be understood."""
    text = _text(guest, path)
    try:
        return bool(grubcfg.entries(text)) or grubcfg.reads_entries(text)
    except Malformed:
        return True


def _text(guest: Guest, path: str) -> str:
    return (guest.text(path) or "").replace("\r", "")  # as grub_file_getline() in grub-core/normal/main.c does


def _read_by_uefi(guest: Guest, found: List[str]) -> Optional[Config]:
    """The file that the loader on the ESP reads: there, or where a stub leads.

    Of several vendors' files (a machine that was converted from CentOS keeps EFI/centos) it is that beside a loader.
    """
    leading = stubs(guest)
    read: Dict[str, Config] = {}
    paths = _on_esp(guest)
    for path in [path for path in paths if _has_loader(guest, path)] or paths:
        path = guest.canonical(path)
        if path in found:
            read.setdefault(path, Config(path, "it is beside the loader on the EFI system partition"))
        elif leading.get(path) in found:
            read.setdefault(leading[path], Config(leading[path], "%s leads to it" % path))
    several = list(read.values())
    return _decided(guest, several) if len(several) > 1 else next(iter(several), None)


def _has_loader(guest: Guest, path: str) -> bool:
    names = guest.names(posixpath.dirname(path))
    return any(re.match(r"(grub|shim).*\.efi$", name, re.IGNORECASE) for name in names)


def _read_by_bios(guest: Guest, found: List[str]) -> Optional[Config]:
    """The file beside the core image that GRUB's setup of a BIOS disk left."""
    for path in found:
        core = posixpath.dirname(path) + "/i386-pc/core.img"
        if guest.is_file(core):
            return Config(path, "%s is there" % core)
    return None


def _left_behind(guest: Guest, path: str) -> bool:
    """Another loader is on the EFI system partition, and GRUB's own modules are nowhere."""
    others = [one for esp in ESPS + ("/boot",) for mark in OTHERS for one in guest.glob(esp + mark)]
    modules = guest.glob(posixpath.dirname(path) + "/*-efi") + guest.glob(posixpath.dirname(path) + "/i386-pc")
    return bool(others) and not modules


def _by_sdbootutil(guest: Guest) -> bool:
    """SUSE's own word for it: its present loader was installed by sdbootutil, and knows no grub.cfg."""
    marked = any(guest.glob(esp + SDBOOTUTIL) for esp in ESPS)
    return marked and loader_type(guest) in ("grub2-bls", "systemd-boot")


def loader_type(guest: Guest) -> str:
    """LOADER_TYPE of SUSE's /etc/sysconfig/bootloader, or ""."""
    text = (guest.text(SUSE) or "") if guest.is_file(SUSE) else ""
    return (re.findall(r"(?m)^LOADER_TYPE=[\"']?([\w-]*)", text) or [""])[-1]


def _decided(guest: Guest, read: List[Config]) -> Config:
    """The one of two that is kept up to date with the installed kernels; Blocked when that holds for both."""
    current = [one for one in read if _current(guest, one.path)]
    if len(current) == 1 or (current and _agree(guest, [one.path for one in current])):
        return current[0]
    told = " and ".join("%s (%s)" % (one.path, one.evidence) for one in read)
    raise Blocked(
        "two menus may be the one that GRUB reads: %s" % told,
        "move away the one that is left over: on a machine that boots by UEFI the one in /boot, else that on the ESP",
    )


def _agree(guest: Guest, paths: Sequence[str]) -> bool:
    """Each has the same menu, from /boot/loader/entries: that of an image which boots by BIOS and by UEFI (RHEL 8).

    What the entries share is in the grubenv beside each of them, not only in what grub.cfg has as a fallback.
    """
    for path in paths:
        text = _text(guest, path)
        if not _current(guest, path) or not grubcfg.reads_entries(text) or grubcfg.entries(text):
            return False
        block = guest.read(posixpath.dirname(path) + "/grubenv") or b""
        if "kernelopts" in text and b"\nkernelopts=" not in block:
            return False
    return True


def _current(guest: Guest, path: str) -> bool:
    text = _text(guest, path)
    try:
        named = {placed(guest, entry.kernel) for entry in grubcfg.entries(text)}
    except Malformed:
        return False
    return grubcfg.reads_entries(text) or all(guest.canonical(kernel.image) in named for kernel in installed(guest))


def _unmounted(guest: Guest) -> str:
    """Where /etc/fstab mounts the EFI system partition, if nothing is there."""
    for line in fstab.parse(guest.text("/etc/fstab") or ""):
        if line.mount_point in ESPS and not guest.names(line.mount_point):
            return line.mount_point
    return ""


def _led_away(guest: Guest, path: str) -> bool:
    """GRUB's environment is on the ESP (RHEL 7 and 8 on UEFI): so is the menu, and this one was made by mistake."""
    block = posixpath.dirname(path) + "/grubenv"
    return guest.link(block) is not None and not guest.is_file(block)


def _generator(guest: Guest) -> str:
    return next((tool for tool in GENERATORS if guest.which(tool)), "grub-mkconfig")


def version(guest: Guest, kernel: str, kernels: Sequence[Kernel]) -> str:
    """Which of the installed kernels the loader's path `kernel` is of; "" for a rescue or kdump image."""
    where = placed(guest, kernel)
    if NO_KERNEL.search(posixpath.basename(where)):
        return ""
    known = [one for one in kernels if guest.canonical(one.image) == where]
    known = known or [one for one in kernels if one.version in where.split("/")]
    return known[0].version if known else ""
