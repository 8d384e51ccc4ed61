"""systemd-boot: boot entries of type 1 on the EFI system partition or on XBOOTLDR.

Kernel arguments have two stores, and both are made to agree: the `options` of each entry, and /etc/kernel/cmdline, from
which kernel-install or sdbootutil makes the options of the next kernel's entry, and of all when it is run again
(update-initramfs does so on Debian, `sdbootutil update-all-entries` on SUSE).  Neither of the two is run here: an entry
is text, and it is rewritten.  /etc/default/grub decides nothing on such a guest.

The initrd that a kernel loads is a copy on that partition:
- Debian, Ubuntu: TOKEN/VERSION/initrd.img-VERSION, which kernel-install (55-initrd.install) copies from
  /boot/initrd.img-VERSION whenever that is rebuilt.  The image on the partition is what is built and proven; then
  /boot's is made the same again, so that the next run of kernel-install brings nothing older back.
- Fedora: TOKEN/VERSION/initrd, made by dracut for kernel-install; there is no other copy.
- SUSE: TOKEN/VERSION/initrd-SHA1, made by dracut for sdbootutil, which looks at the name alone once it is there.

Sources: systemd 257 (kernel-install, bootctl, src/boot), Debian's systemd-boot 257.13, sdbootutil and
update-bootloader of openSUSE.
"""

import posixpath
import re
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ..changes import Change, Write
from ..errors import Blocked, Malformed, Unsupported
from ..formats import cmdline, fstab, optionlines, versions
from ..guest import Guest
from ..kernels import NO_KERNEL, installed
from . import esp, initrd_copies
from .esp import Entry
from .kernel_install import Future

LOADER_INFO = "/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
GRUB_MENUS = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")
TOKEN = "/etc/kernel/entry-token"
MACHINE = "systemd.machine_id"


class SystemdBoot:
    """The systemd-boot of a guest; nothing is remembered, so that each answer is about what is there now."""

    name = "systemd-boot"
    sources = ("/boot/*/*/initrd*", "/efi/*/*/initrd*")  # from which, on Debian, /boot/initrd.img-VERSION is copied
    foreseen = False

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    @classmethod
    def probe(cls, guest: Guest) -> Optional[str]:
        """The evidence: systemd-boot is what the firmware starts, and it has entries of kernels that are there."""
        loaders = esp.loaders(guest)
        ours = [path for path, kind in loaders.items() if kind == SystemdBoot.name]
        if not ours or _another(guest, loaders):
            return None
        return cls(guest).proof("%s is systemd-boot" % ours[0])

    def proof(self, loader: str) -> Optional[str]:
        entries = self.listed()
        images = self.images()
        if not entries and images and not any(map(self.guest.is_file, GRUB_MENUS)):
            raise Unsupported(UNIFIED % images[0].path, UNIFIED_HINT)
        if not entries:
            return None
        _refuse_transactional(self.guest)
        folder = posixpath.dirname(entries[0].path)
        return "%s, and %s has %d entries of Linux kernels" % (loader, folder, len(entries))

    # -- what is there ---------------------------------------------------------------------------------------
    def listed(self) -> List[Entry]:
        """The entries of type 1 of this system's kernels, the rescue one left out."""
        return self._own(esp.entries(self.guest))

    def images(self) -> List[Entry]:
        """The unified kernel images of this system, which have their arguments and initrd inside."""
        return self._own(esp.unified(self.guest))

    def _own(self, entries: List[Entry]) -> List[Entry]:
        root = esp.own_root(self.guest)
        return [one for one in entries if not _is_rescue(one) and not esp.foreign(root, one)]

    def arguments(self) -> Dict[str, List[str]]:
        told = dict(self.future.arguments())
        for one in self.listed():
            told[one.name if one.name not in told else one.path] = self.read(one)
        for one in self.images():
            told[one.name if one.name not in told else one.path] = one.arguments
        return told

    def read(self, entry: Entry) -> List[str]:
        """The arguments that the loader gives to the entry's kernel."""
        return entry.arguments

    @property
    def future(self) -> Future:
        newest = self._newest(self.listed())
        return Future(self.guest, self.read(newest) if newest else [])

    def _newest(self, entries: List[Entry]) -> Optional[Entry]:
        """The entry of the newest kernel; one of a snapshot, failed boot or former token only if there is no other."""

        token = (self.guest.text(TOKEN) or self.guest.text("/etc/machine-id") or "").strip()

        def rank(one: Entry) -> Tuple[bool, bool, bool, object, object]:
            name = posixpath.basename(one.path)
            snapshot = one.sort_key.startswith("snapper-") or name.startswith("snapper-")
            failed = bool(re.search(r"\+0(-\d+)?\.conf$", name))
            ours = bool(token) and name.startswith(token + "-")
            return not snapshot, not failed, ours, versions.rpm_key(one.version), versions.rpm_key(one.name)

        return max(entries, key=rank, default=None)

    def initrds(self) -> Dict[str, List[str]]:
        told, found = {}, self.listed()
        for version in {one.version for one in found if one.version}:
            own = [one for one in found if one.version == version]
            loading = [one for one in own if one.initrds]
            newest = self._newest(loading)
            told[version] = newest.initrds if newest else []
        return told

    def without_initrd(self) -> List[str]:
        return [one.name for one in self.listed() if not one.initrds]

    def notes(self) -> List[str]:
        guest, told, root = self.guest, self.future.notes(), esp.own_root(self.guest)
        for one in esp.entries(guest):
            if _is_rescue(one):
                told.append("the rescue entry %s is left as it is" % one.path)
            elif esp.foreign(root, one):
                told.append("%s is of another system (%s) and is left alone" % (one.path, _root(one)))
            elif one.counted:
                told.append("%s counts its boots in its name, and a rollback finds it by this name only" % one.path)
        told += ["%s is not shown at boot: %s is not there" % (one.path, one.kernel) for one in esp.absent(guest)]
        named = self.initrds()
        others = [one for one in self.listed() if one.initrds[-1:] != named.get(one.version, one.initrds)[-1:]]
        if others:
            told.append(
                "%s%s loads another image than the kernel's first entry, which is left as it is"
                % (others[0].path, " (and %d more)" % (len(others) - 1) if others[1:] else "")
            )
        given = [one.version for one in self.listed() + self.images()]
        told += ["kernel %s has no boot entry" % one.version for one in installed(guest) if one.version not in given]
        return told

    # -- kernel arguments ------------------------------------------------------------------------------------
    def set_arguments(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        for one in self.images():
            if cmdline.merge(one.arguments, add, remove) != one.arguments:
                raise Blocked(UNIFIED % one.path, UNIFIED_HINT)
        texts = {one.path: self._edited(one, add, remove) for one in self.listed()}
        texts.update(self.future.texts(add, remove))
        for path, text in texts.items():
            if text != self.guest.text(path):
                why = "the entry gives its kernel these arguments"
                if not path.endswith(".conf"):
                    why = "the entries of later kernels get their arguments from it"
                yield Write(path, text.encode("utf-8", "surrogateescape"), why)

    def _edited(self, entry: Entry, add: Sequence[str], remove: Sequence[str]) -> str:
        try:
            return self.edited(self.guest.text(entry.path) or "", add, remove)
        except Malformed as error:
            raise Blocked("%s: %s" % (entry.path, error.message), error.hint) from None

    def edited(self, text: str, add: Sequence[str], remove: Sequence[str]) -> str:
        """The text of an entry with the wanted arguments."""
        return optionlines.edited_entry(text, lambda old: merged(old, add, remove))

    def without_machine_id(self) -> Iterator[Change]:
        """The changes after which no entry makes a clone take itself for this machine.

        kernel-install writes systemd.machine_id= where it names entries by the machine-id.  The name stays, as a token,
        or its next run in a clone would make a second set of entries and images beside this one.
        """
        own = (self.guest.text("/etc/machine-id") or "").strip()
        named = [one for one in self.listed() if own and posixpath.basename(one.path).startswith(own + "-")]
        if named and not (self.guest.text(TOKEN) or "").strip():
            yield Write(TOKEN, own.encode() + b"\n", "entries keep their names when the machine-id is another")
        yield from self.set_arguments([], [MACHINE])

    # -- Debian's copy of the initrd -------------------------------------------------------------------------
    def stale(self, add: Sequence[str], remove: Sequence[str]) -> str:
        pairs = initrd_copies.differing(self.guest, self.initrds())
        return "%s is not the image that is loaded, %s" % pairs[0] if pairs else ""

    def generate(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        for copy, loaded in initrd_copies.differing(self.guest, self.initrds()):
            yield from initrd_copies.renewed(self.guest, copy, loaded)

    # -- the menu on the serial port -------------------------------------------------------------------------
    def menu_on_serial(self) -> str:
        return "systemd-boot shows its menu on the firmware's console, which on Azure is the serial port too"

    def set_menu_on_serial(self, speed: int) -> Iterator[Change]:
        return iter(())


UNIFIED = "%s is a unified kernel image: its command line and initrd are inside it and cannot be changed from outside"
UNIFIED_HINT = (
    "put the arguments into /etc/kernel/cmdline and the Hyper-V modules into the initrd's configuration, and build the "
    "image anew: kernel-install add-all (or ukify); or have type 1 entries, by layout=bls in /etc/kernel/install.conf"
)


def merged(old: List[str], add: Sequence[str], remove: Sequence[str]) -> List[str]:
    """The wanted arguments; systemd.machine_id= stays at the end, where kernel-install puts it."""
    tail = old[-1:] if old and cmdline.key(old[-1]) == MACHINE else []
    return cmdline.merge(old[: len(old) - len(tail)], add, remove) + cmdline.without(tail, remove)


def _another(guest: Guest, loaders: Dict[str, str]) -> bool:
    """A GRUB with a menu is started instead: the firmware said so at the last boot, or its fallback path leads there.

    Azure's firmware knows of no loader but the one on the fallback path: the entries in NVRAM stay behind.
    """
    if not any(map(guest.is_file, GRUB_MENUS)):
        return False
    said = (guest.read(LOADER_INFO) or b"")[4:].decode("utf-16-le", "replace")
    fallback = [kind for path, kind in loaders.items() if re.search(r"/EFI/BOOT/BOOT\w+\.EFI$", path, re.I)]
    return not said.startswith(("", SystemdBoot.name)[bool(said)]) or (bool(fallback) and set(fallback) == {""})


def _refuse_transactional(guest: Guest) -> None:
    table = fstab.parse(guest.text("/etc/fstab") or "")
    if any(line.mount_point == "/" and "ro" in line.options for line in table) and guest.which("transactional-update"):
        raise Unsupported(
            "the root file system is read-only, and transactional-update changes it by snapshots",
            "agentprep does not prepare such a system; install the distribution with a writable root file system",
        )


def _is_rescue(entry: Entry) -> bool:
    return bool(NO_KERNEL.search(entry.kernel) or NO_KERNEL.search(posixpath.basename(entry.path)))


def _root(entry: Entry) -> str:
    return next((word for word in entry.arguments if cmdline.key(word) == "root"), "no root=")
