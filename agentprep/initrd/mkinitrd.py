"""Two tools that are called mkinitrd and are not dracut by another name, and what both have in common.

SUSE's (2.4.2 of SLES 11; its sources are at github.com/openSUSE/mkinitrd) builds /boot/initrd-VERSION, holding and
loading what INITRD_MODULES in /etc/sysconfig/kernel lists; a module that a kernel does not have is a warning.
Red Hat's (5.1 of RHEL 5 and older; mkinitrd(8)) builds /boot/initrd-VERSION.img with what is loaded by `alias
scsi_hostadapter` in /etc/modprobe.conf, and with each --preload=MODULE.

RHEL 6 and SUSE from release 12 on have a mkinitrd that starts dracut: there dracut is there.
"""

import re
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ..changes import Change, Run, Write, beside
from ..errors import Malformed
from ..formats import shelledit, shellvars
from ..formats.initrd import Contents
from ..formats.modules import normalised
from ..guest import Guest
from ..kernels import NO_KERNEL, Kernel
from .image import Order

KERNEL, INITRD = "/etc/sysconfig/kernel", "/etc/sysconfig/initrd"
MODPROBE = "/etc/modprobe.conf"
FOLDER = "/lib/mkinitrd"  # of SUSE's, with the scripts of which it consists
WHY = "%s must be in the initrd of every kernel, those of the future too"
ALIAS = re.compile(r"(?m)^[ \t]*alias[ \t]+scsi_hostadapter(\d*)[ \t]+(\S+)")


class _Mkinitrd:
    """A guest's mkinitrd."""

    pattern = ""  # the names of its images

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.named: Dict[str, str] = {}

    @classmethod
    def probe(cls, guest: Guest) -> Optional[str]:
        """It is there and no dracut is, and so are images with its names."""
        tool = guest.which("mkinitrd")
        if tool is None or guest.which("dracut") or not cls.ours(guest, guest.text(tool) or ""):
            return None
        images = [path for path in guest.glob(cls.pattern % "*") if not NO_KERNEL.search(path)]
        return "%s is no wrapper of dracut, and %s is there" % (tool, images[0]) if images else None

    @staticmethod
    def ours(guest: Guest, text: str) -> bool:
        """The script is of this kind."""
        raise NotImplementedError

    def image(self, kernel: Kernel) -> str:
        return self.named.get(kernel.version) or self.pattern % kernel.version

    def size(self, kernel: Kernel) -> int:
        """Bytes of the kernel's present image, or what one usually has."""
        found = self.guest.stat(self.image(kernel))
        return found.st_size if found is not None else 16 << 20

    def stale(self, held: Contents, image: str) -> str:
        return ""

    def no_resume(self, swap: bool) -> Iterator[Change]:
        """Nothing is written: both take resume= of the kernel that runs, or none, and no file of theirs says other."""
        return iter(())

    def installed(self, kernel: Kernel) -> Iterator[Change]:
        return iter(())

    def _needs(self, orders: Sequence[Order]) -> Tuple[Tuple[str, int, int], ...]:
        growth = [order.growth for order in orders]
        sizes = [self.size(order.kernel) + order.growth for order in orders]
        return (("/boot", sum(sizes), sum(growth)), ("/var/tmp", 4 * max(sizes), 0))


class SuseMkinitrd(_Mkinitrd):
    """That of SLES 11 and of openSUSE up to 13.1."""

    name = "mkinitrd"
    pattern = "/boot/initrd-%s"
    sources = (KERNEL, INITRD, MODPROBE, MODPROBE + ".local", "/etc/modprobe.d/*", "/etc/fstab", FOLDER + "/*/*")

    @staticmethod
    def ours(guest: Guest, text: str) -> bool:
        return FOLDER in text and guest.is_folder(FOLDER)

    def note(self) -> str:
        """How the modules of an image are chosen, in words."""
        return 'INITRD_MODULES="%s"' % " ".join(self._listed())

    def rule(self, modules: Sequence[str]) -> Iterator[Change]:
        """INITRD_MODULES lists the modules, and takes none of them out again (-MODULE)."""
        listed = self._listed()
        missing = [name for name in modules if normalised(name) not in map(normalised, listed)]
        kept = [
            word for word in listed if normalised(word.lstrip("-")) not in map(normalised, modules) or word[0] != "-"
        ]
        if not missing and kept == listed:
            return
        script = self._script()
        places = shellvars.contributions([script], "INITRD_MODULES")
        if places:
            text = shelledit.edit_words(script, places[-1].assignment, lambda old: [
                word for word in old if word in kept or shelledit.is_opaque(word)] + missing)  # fmt: skip
        else:
            text = shelledit.set_value(script, "INITRD_MODULES", " ".join(missing))
        yield Write(KERNEL, text.encode("utf-8", "surrogateescape"), WHY % ", ".join(missing or modules))

    def build(self, orders: Sequence[Order], why: str) -> Run:
        """One call for all, since the first of several would make the links in /lib/mkinitrd anew under the others."""
        kernels = " ".join(order.kernel.image for order in orders)
        made = [beside(self.image(order.kernel)).path for order in orders]
        return Run(
            (("mkinitrd", "-B", "-k", kernels, "-i", " ".join(made)),),  # -B: the boot loader is left alone
            tuple(made),
            why,
            hint="see why with: mkinitrd -v -B -k %s -i /tmp/initrd" % orders[0].kernel.image,
            needs=self._needs(orders),
        )

    def _listed(self) -> List[str]:
        return (shellvars.evaluate([self._script()], "INITRD_MODULES") or "").split()

    def _script(self) -> shellvars.Script:
        try:
            return shellvars.Script(self.guest.text(KERNEL) or "", KERNEL)
        except Malformed as error:
            raise Malformed("%s, %s" % (KERNEL, error.message), error.hint) from None


class RedHatMkinitrd(_Mkinitrd):
    """That of RHEL 5 and older, and of what was built from them."""

    name = "Red Hat mkinitrd"
    pattern = "/boot/initrd-%s.img"
    sources = (MODPROBE, "/etc/modprobe.d/*", "/etc/fstab", "/etc/sysconfig/mkinitrd", "/etc/sysconfig/mkinitrd/*")

    @staticmethod
    def ours(guest: Guest, text: str) -> bool:
        return "--preload" in text and "dracut" not in text and not guest.is_folder(FOLDER)

    def note(self) -> str:
        """How the modules of an image are chosen, in words."""
        names = [module for _, module in ALIAS.findall(self.guest.text(MODPROBE) or "")]
        return "alias scsi_hostadapter: %s" % (" ".join(names) or "none")

    def rule(self, modules: Sequence[str]) -> Iterator[Change]:
        """Each module is a scsi_hostadapter, which is what goes into every image."""
        text = self.guest.text(MODPROBE) or ""
        found = ALIAS.findall(text)
        missing = [name for name in modules if normalised(name) not in [normalised(module) for _, module in found]]
        if missing:
            first = max([int(number or 0) + 1 for number, _ in found] or [0])
            lines = [
                "alias scsi_hostadapter%s %s\n" % (number or "", name) for number, name in enumerate(missing, first)
            ]
            new = text + ("" if text.endswith("\n") or not text else "\n") + "".join(lines)
            yield Write(MODPROBE, new.encode("utf-8", "surrogateescape"), WHY % ", ".join(missing))

    def build(self, orders: Sequence[Order], why: str) -> Run:
        """The document's own call, for the image that the boot entry names and for modules that the kernel has."""
        commands = []
        for kernel, modules, _ in orders:
            preload = tuple("--preload=" + name for name in modules)
            commands.append(("mkinitrd",) + preload + ("-v", "-f", beside(self.image(kernel)).path, kernel.version))
        return Run(
            tuple(commands),
            tuple(beside(self.image(order.kernel)).path for order in orders),
            why,
            hint="see why with: mkinitrd -v -f /tmp/initrd.img %s" % orders[0].kernel.version,
            needs=self._needs(orders),
        )
