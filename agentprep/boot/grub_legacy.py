"""GRUB Legacy (0.97): a menu that is edited in place, in /boot/grub or, on UEFI, beside the loader.

Nothing is generated: tools that add entries for new kernels copy what is there, or keep their options beside it
(grub_legacy_future.py).
"""

from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..changes import Change, Write
from ..errors import Blocked, Malformed
from ..formats import cmdline, grublegacy
from ..formats.grublegacy import LINUX, XEN, Entry
from ..guest import Guest
from ..kernels import NO_KERNEL, installed
from . import grub_legacy_menu as menu
from .grub_legacy_future import Future

HIDING = ("splashimage", "gfxmenu")  # both start the graphical terminal
SPLASH = menu.FOLDER + "/splash.xpm.gz"
TERMINAL = "--timeout=5 serial console"


class Listed(NamedTuple):
    """An entry of a kernel of this guest: a name that is its own, the menu it is in, and the kernel's version."""

    name: str
    path: str
    entry: Entry
    version: str


class GrubLegacy:
    """The GRUB Legacy of a guest; nothing is remembered, so that each answer is about what is there now."""

    name = "GRUB Legacy"
    sources: Tuple[str, ...] = ()

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    @classmethod
    def probe(cls, guest: Guest) -> Optional[str]:
        """The loader is there, the menu that it reads starts kernels of this guest, and GRUB 2 has not taken over."""
        loader = cls(guest)
        menus = menu.live(guest)
        found = loader.listed()
        if not found or menu.grub2(guest, [entry for one in menus for entry in loader.entries(one.path)]):
            return None
        return "; ".join(
            "%s reads %s, which has %d entries of Linux kernels"
            % (one.loader, one.path, len([each for each in found if each.path == one.path]))
            for one in menus
        )

    @property
    def foreseen(self) -> bool:
        menus = menu.live(self.guest)
        return not menus or any(self.guest.guessed(one.path) for one in menus)

    # -- what is there ---------------------------------------------------------------------------------------
    def entries(self, path: str) -> List[Entry]:
        return grublegacy.entries(self.guest.text(path) or "")

    def listed(self) -> List[Listed]:
        """Every entry of a kernel that this guest has, in the order of the menu."""
        found: List[Listed] = []
        for one in menu.live(self.guest):
            for entry in self.entries(one.path):
                version = menu.version(self.guest, entry)
                if entry.kind == LINUX and version and not NO_KERNEL.search(version):
                    taken = [each.name for each in found]
                    twins = ["%s (#%d)" % (entry.title, number) for number in range(2, len(found) + 3)]
                    name = next(name for name in [entry.title] + twins if name not in taken)
                    found.append(Listed(name, one.path, entry, version))
        return found

    def arguments(self) -> Dict[str, List[str]]:
        told = self._future().told()
        told.update((one.name, one.entry.arguments) for one in self.listed())
        return told

    def initrds(self) -> Dict[str, List[str]]:
        told: Dict[str, List[str]] = {}
        for one in reversed(self.listed()):  # so that the first entry's is the last
            images = [menu.file(self.guest, path) for path in one.entry.initrds]
            rest = [path for path in told.get(one.version, []) if path not in images]
            told[one.version] = rest + [path for path in images if path]
        return told

    def without_initrd(self) -> List[str]:
        return [one.name for one in self.listed() if not one.entry.initrds]

    def notes(self) -> List[str]:
        future = self._future()
        told = menu.unread(self.guest) + future.notes()
        if future.debian and self.guest.is_file(SPLASH) and self.menu_on_serial():
            told.append("%s: update-grub will show it again, and then no menu on the serial port; remove it" % SPLASH)
        for one in menu.live(self.guest):
            told += ["the entry %r %s" % (entry.title, why) for entry, why in self._others(one.path)]
            if grublegacy.settings(self.guest.text(one.path) or "", "password"):
                told.append("%s has a password, which the menu asks for before an entry can be edited" % one.path)
        versions = [one.version for one in self.listed()]
        told += ["there is no entry for %s" % one.image for one in installed(self.guest) if one.version not in versions]
        return sorted(set(told))

    def _others(self, path: str) -> Iterator[Tuple[Entry, str]]:
        mine = [one.entry for one in self.listed()]
        for entry in self.entries(path):
            if entry.kind == XEN:
                yield entry, "starts Xen, which Azure does not run, and is left alone"
            elif entry.kind == LINUX and menu.version(self.guest, entry) is None:
                yield entry, "starts %s, which is not in /boot, and is left alone" % entry.kernel
            elif entry not in mine:
                yield entry, "starts something else and is left alone"

    def _future(self) -> Future:
        menus = menu.live(self.guest)
        path = menus[0].path if menus else ""
        own = [one.entry for one in self.listed() if one.path == path]
        return Future(self.guest, path, own)

    # -- kernel arguments ------------------------------------------------------------------------------------
    def set_arguments(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        texts = self._edited(add, remove, None)
        for path, text in self._future().with_arguments(texts, add, remove).items():
            if text != self.guest.text(path):
                yield _write(path, text, "boot entries get their kernel arguments from it")

    def set_arguments_of(self, versions: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        """As set_arguments(), for the entries of some kernels only."""
        texts = self._future().with_arguments_of(self._edited(add, remove, versions), versions, add, remove)
        for path, text in texts.items():
            if text != self.guest.text(path):
                yield _write(path, text, "its entries of %s get their kernel arguments from it" % ", ".join(versions))

    def _edited(self, add: Sequence[str], remove: Sequence[str], versions: Optional[Sequence[str]]) -> Dict[str, str]:
        """The text of each menu, with the entries of these kernels (None: of all) as wanted."""
        chosen = [each for each in self.listed() if versions is None or each.version in versions]
        return {
            one.path: self._menu(one, [each.entry for each in chosen if each.path == one.path], add, remove)
            for one in menu.live(self.guest)
        }

    def _menu(self, one: menu.Menu, chosen: List[Entry], add: Sequence[str], remove: Sequence[str]) -> str:
        def transform(entry: Entry) -> List[str]:
            if entry not in chosen:
                return entry.arguments
            merged = cmdline.merge(entry.arguments, add, remove)
            size = cmdline.size(merged) - 1
            if merged != entry.arguments and size > one.capacity:
                raise Malformed(
                    "line %d: the kernel would get the first %d of %d bytes of its arguments from %s"
                    % (entry.line, one.capacity, size, one.loader),
                    "shorten the arguments by hand, or add less: [kernel-cmdline] add in /etc/agentprep.conf",
                )
            return merged

        try:
            return grublegacy.edit(self.guest.text(one.path) or "", transform)
        except Malformed as error:
            raise Blocked("%s, %s" % (one.path, error.message), error.hint) from None

    # -- nothing is derived ----------------------------------------------------------------------------------
    def stale(self, add: Sequence[str], remove: Sequence[str]) -> str:
        return ""

    def generate(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Change]:
        return iter(())

    # -- the menu on the serial port -------------------------------------------------------------------------
    def menu_on_serial(self) -> str:
        found = [(one.path, _serial(self.guest.text(one.path) or "")) for one in menu.live(self.guest)]
        return "; ".join("%s says %r" % one for one in found) if found and all(said for _, said in found) else ""

    def set_menu_on_serial(self, speed: int) -> Iterator[Change]:
        for one in menu.live(self.guest):
            text = self.guest.text(one.path) or ""
            said = _serial(text)
            new = text
            if not said or _option(said, "--speed=", "9600") != str(speed):
                wanted = {"serial": "--unit=0 --speed=%d" % speed, "terminal": TERMINAL}
                new = grublegacy.with_settings(grublegacy.without_settings(text, HIDING), wanted)
            if new != text:
                yield _write(one.path, new, "GRUB's menu on the serial port and on the screen")


def _serial(text: str) -> str:
    """The commands by which GRUB shows its menu on the first serial port, or "" when they do not, or hide it again."""
    port, terminal = grublegacy.settings(text, "serial"), grublegacy.settings(text, "terminal")
    if not port or not terminal or any(grublegacy.settings(text, name) for name in HIDING):
        return ""
    other = _option(port[-1], "--unit=", "0") != "0" or _option(port[-1], "--port=", "0x3f8") != "0x3f8"
    if other or "serial" not in terminal[-1].split():
        return ""
    return "serial %s, terminal %s" % (port[-1], terminal[-1])


def _option(text: str, name: str, otherwise: str) -> str:
    return next((word[len(name) :].rstrip(",") for word in text.split() if word.startswith(name)), otherwise)


def _write(path: str, text: str, why: str) -> Write:
    return Write(path, text.encode("utf-8", "surrogateescape"), why)
