"""What is on the EFI system partition: loaders, entries of type 1, unified kernel images, as systemd-boot finds them.

entries(guest)        every Entry of a file in loader/entries whose kernel is there, in the order of their names
unified(guest)        every Entry of a unified kernel image in EFI/Linux
absent(guest)         the files in loader/entries whose kernel is not there: systemd-boot does not show them
loaders(guest)        {path: its kind, "systemd-boot", "shim" or ""} of every boot loader
foreign(own, entry)   the entry is of another system on the same disk

Source: config_load_type1_entries(), boot_entry_add_type1() and boot_entry_add_type2() in src/boot/boot.c of systemd.
"""

import posixpath
import re
from typing import Dict, Iterator, List, NamedTuple, Optional

from ..errors import Malformed
from ..formats import bls, cmdline, fstab, optionlines, pe
from ..guest import Guest
from ..kernels import installed, partitions, xen_only

# As bootctl(1) recognises the one, and sdbootutil the other.
MARKS = {"systemd-boot": b"#### LoaderInfo: systemd-boot ", "shim": b"UEFI SHIM"}
LOADERS = re.compile(r"(systemd-boot\w*|boot(x64|aa64|ia32)|grub\w*)\.efi$", re.I)
LARGEST = 8 << 20  # bytes of a boot loader, or of a section, that are read


class Entry(NamedTuple):
    """A boot entry; paths are the guest's own, `version` is that of an installed kernel, or "" for another's."""

    path: str
    name: str
    version: str
    kernel: str
    initrds: List[str]
    arguments: List[str]
    machine: str
    sort_key: str

    @property
    def counted(self) -> bool:
        """The file's name counts attempts to boot it, so that it changes with each."""
        return bool(re.search(r"\+\d+(-\d+)?\.(conf|efi)$", self.path))


def loaders(guest: Guest) -> Dict[str, str]:
    found = {}
    for root in partitions(guest):
        for path in guest.glob(root + "/EFI/*/*"):
            if LOADERS.match(posixpath.basename(path)) and guest.is_file(path):
                found[path] = _kind(guest, path)
    return found


def _kind(guest: Guest, path: str) -> str:
    stream = guest.open(path)
    if stream is None:
        return ""
    with stream:
        content = stream.read(LARGEST)
    return next((kind for kind, mark in MARKS.items() if mark in content), "")


def entries(guest: Guest) -> List[Entry]:
    return [entry for entry in _type1(guest) if guest.is_file(entry.kernel)]


def absent(guest: Guest) -> List[Entry]:
    return [entry for entry in _type1(guest) if not guest.is_file(entry.kernel)]


def _type1(guest: Guest) -> Iterator[Entry]:
    versions = _versions(guest)
    for root in partitions(guest):
        for path in guest.glob(root + "/loader/entries/*.conf"):
            if posixpath.basename(path).startswith("auto-") or not guest.is_file(path):
                continue
            text = guest.text(path) or ""
            fields = bls.fields(text)
            found = {field.key: field.value.strip() for field in fields}
            named = found.get("linux") or found.get("efi") or found.get("uki")
            if named is None:
                continue
            kernel, words = _inside(root, named), optionlines.in_entry(text)
            initrds = [_inside(root, one.value.strip()) for one in fields if one.key == "initrd"]
            initrds += [_inside(root, one) for one in cmdline.values(words, "initrd") if one]  # the kernel's own stub
            version = _version(kernel, found.get("version", ""), versions)
            if "linux" not in found and (not version or is_unified(guest, kernel)):
                continue  # a shell, a memory test, or one of `unified`
            yield Entry(
                guest.canonical(path), _name(path, version), version, kernel, [guest.canonical(one) for one in initrds],
                words, found.get("machine-id", ""), found.get("sort-key", ""),
            )  # fmt: skip


def unified(guest: Guest) -> List[Entry]:
    found, versions = [], _versions(guest)
    for path in _efi_programs(guest):
        if is_unified(guest, path):
            name = (section(guest, path, ".uname") or b"").rstrip(b"\0\n").decode("utf-8", "replace")
            stem = re.sub(r"(\+\d+(-\d+)?)?\.efi$", "", posixpath.basename(path), flags=re.I)
            version = name if name in versions else next((one for one in versions if stem.endswith(one)), "")
            text = (section(guest, path, ".cmdline") or b"").split(b"\0")[0].decode("utf-8", "surrogateescape")
            found.append(Entry(path, _name(path, version), version, path, [path], cmdline.split(text), "", ""))
    return found


def _efi_programs(guest: Guest) -> List[str]:
    """What is in EFI/Linux, which is found without an entry, and what entries name by `efi` or `uki`."""
    found = []
    for root in partitions(guest):
        found += [path for path in guest.glob(root + "/EFI/Linux/*") if path.lower().endswith(".efi")]
        for path in guest.glob(root + "/loader/entries/*.conf"):
            fields = bls.fields(guest.text(path) or "") if guest.is_file(path) else []
            found += [_inside(root, one.value.strip()) for one in fields if one.key in ("efi", "uki")]
    return list(dict.fromkeys(guest.canonical(path) for path in found))


def is_unified(guest: Guest, path: str) -> bool:
    """The EFI program has a kernel, and with it all else, inside."""
    return guest.is_file(path) and section(guest, path, ".linux", 0) is not None


def section(guest: Guest, path: str, name: str, limit: int = LARGEST) -> Optional[bytes]:
    """The first bytes of a section of an EFI program, at most `limit`; None where there is no such section."""
    stream = guest.open(path)
    if stream is None:
        return None
    with stream:
        try:
            found = [one for one in pe.sections(stream.read(pe.HEAD)) if one.name == name]
        except Malformed:
            return None
        if not found:
            return None
        stream.seek(found[0].offset)
        return stream.read(min(found[0].size, limit))


def _versions(guest: Guest) -> List[str]:
    return [kernel.version for kernel in installed(guest) + xen_only(guest)]


def _version(kernel: str, told: str, versions: List[str]) -> str:
    """The installed version that the entry's kernel is, by its path or the entry's own word."""
    name = posixpath.basename(kernel)
    for one in (posixpath.basename(posixpath.dirname(kernel)), name.partition("-")[2], told.rpartition("@")[2]):
        if one in versions:
            return one
    return ""


def _name(path: str, version: str) -> str:
    name = posixpath.basename(path)
    return name if version in name else "%s (%s)" % (name, version)


def _inside(root: str, path: str) -> str:
    """The guest's path of what an entry names from the top of its partition."""
    plain = posixpath.normpath("/" + path.replace("\\", "/").lstrip("/"))
    return posixpath.join(root, plain.lstrip("/"))


def own_root(guest: Guest) -> str:
    """How /etc/fstab names the device of the root file system; "" where it does not."""
    table = fstab.parse(guest.text("/etc/fstab") or "")
    return next((line.device.replace('"', "") for line in table if line.mount_point == "/"), "")


def foreign(own: str, entry: Entry) -> bool:
    """The entry is of another system: it has another root file system than `own`, where the two can be compared.

    The machine-id of an entry proves nothing: that of an image is emptied, and made anew in each clone.
    """
    given = [value or "" for value in cmdline.values(entry.arguments, "root")]
    tag = re.match(r"(UUID|LABEL|PARTUUID|PARTLABEL)=", own)
    if not tag or not given or not given[-1].startswith(tag.group()):
        return False
    return given[-1].lower() != own.lower()
