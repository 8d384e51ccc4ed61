"""dracut: builds /boot/initramfs-VERSION.img, on SUSE initrd-VERSION, on Debian and Ubuntu initrd.img-VERSION.

Names in add_drivers are put into every image, host-only or not.  At the first name that a kernel does not have, dracut
drops the rest of the list, says so and returns 0 (seen with 033, 049, 051, 055, 059, 106, 112; not with 004 and 044);
049 and 051 also do so at one that is built in.  So only names that every installed kernel has are written down, in
front of all others, and what one kernel has besides is added to the call for it.
"""

import posixpath
import re
from typing import Dict, Iterator, List, Optional, Sequence, Set

from .. import modules as modules_
from ..changes import Change, Run, Write, beside
from ..errors import Malformed, Unknown
from ..formats import fstab
from ..formats.initrd import Contents
from ..formats.modules import Resolution, normalised
from ..guest import Guest
from ..kernels import NO_KERNEL, Kernel, installed
from .dracut_conf import MAIN, OWN, TEXT, VENDOR, Configuration, omitting
from .image import Order, inside
from .maker import DRACUT, maker

NAMES = ("/boot/initramfs-%s.img", "/boot/initrd-%s", "/boot/initrd.img-%s")
# What kernel-install and sdbootutil put where systemd-boot or GRUB find it.
ELSEWHERE = ("/boot/*/*/initrd*", "/boot/efi/*/*/initrd*", "/efi/*/*/initrd*", "/boot/efi/EFI/*/*/initrd*")
VERSION = "/usr/lib/dracut/dracut-version.sh"
WHY = "%s must be in the initrd of every kernel, those of the future too"


class Dracut:
    """The guest's dracut."""

    name = DRACUT
    sources = (
        MAIN,
        OWN + "/*",
        VENDOR + "/*",
        "/etc/cmdline.d/*",
        "/etc/crypttab",
        "/etc/fstab",
        "/etc/lvm/*",
        "/etc/lvm/devices/*",
        "/etc/modprobe.d/*",
        "/lib/modprobe.d/*",
        "/etc/multipath.conf",
        "/etc/udev/rules.d/*",
    )

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.named: Dict[str, str] = {}
        self.live = guest.root == "/"  # false where /proc and /sys tell of another machine than the guest

    @staticmethod
    def probe(guest: Guest) -> Optional[str]:
        """It is installed, and there are images with the names that it gives which nothing else makes."""
        tool = guest.which("dracut")
        if tool is None or maker(guest) not in (DRACUT, ""):
            return None
        paths = [name % kernel.version for kernel in installed(guest) for name in NAMES]
        paths += [path for pattern in ELSEWHERE for path in guest.glob(pattern) if not NO_KERNEL.search(path)]
        found = next((path for path in paths if guest.exists(path)), None)
        return "%s is there, and %s, which nothing else makes here" % (tool, found) if found else None

    def image(self, kernel: Kernel) -> str:
        own = [name % kernel.version for name in NAMES]
        there = [path for path in own if self.guest.exists(path)]
        alike = [name % kernel.version for name in NAMES if self.guest.glob(name % "*")]
        return self.named.get(kernel.version) or (there + alike + own)[0]

    @property
    def old(self) -> bool:
        """It is dracut 004 (RHEL 6), which lives in /usr/share and whose --add-drivers replaces the list."""
        return self.guest.is_folder("/usr/share/dracut/modules.d") and not self.guest.is_folder("/usr/lib/dracut")

    def configuration(self) -> Configuration:
        return Configuration(self.guest, not self.old or self.guest.is_folder(OWN))

    # -- what goes into every image --------------------------------------------------------------------------
    def rule(self, modules: Sequence[str]) -> Iterator[Change]:
        """The changes after which every image built from now on holds the modules."""
        told = [modules_.resolved(self.guest, kernel, modules) for kernel in installed(self.guest)]
        names = [name for name in map(normalised, modules) if told and all(name in self._taken(one) for one in told)]
        if not names:
            return
        files = list(dict.fromkeys(path for one in told for path in one.needed))
        omitted = omitting(self.configuration().words("omit_drivers") or (), files, names)
        why = "omit_drivers keeps out what the disk needs: %s" % ", ".join(omitted)
        yield from self.configuration().without("omit_drivers", omitted, why)
        if not self._added(names):
            yield self._addition(names)

    def _added(self, names: Sequence[str]) -> bool:
        """The names are in add_drivers, and nothing in front of one of them makes dracut drop it."""
        configuration = self.configuration()
        words = configuration.words("add_drivers")
        if words is None:
            return (TEXT % " ".join(names)) in (self.guest.text(configuration.last()) or "")
        found = [normalised(word) for word in words]
        if not set(names) <= set(found):
            return False
        before = found[: max(found.index(name) for name in names)]
        for kernel in installed(self.guest):
            had = self._taken(modules_.resolved(self.guest, kernel, before))
            if any(name not in had for name in before):
                return False
        return True

    def _taken(self, told: Resolution) -> Set[str]:
        """The names at which dracut does not drop the rest: modules, and since 055 what is built in."""
        version = re.search(r"^DRACUT_VERSION=\"?0*(\d+)", self.guest.text(VERSION) or "", re.M)
        tolerant = version is not None and int(version.group(1)) >= 55
        return set(told.modules) | (told.builtin if tolerant else set())

    def _addition(self, names: Sequence[str]) -> Write:
        path = self.configuration().last()
        present = self.guest.text(path) or "" if path == MAIN else ""
        end = "" if present.endswith("\n") or not present else "\n"
        text = present + end + TEXT % " ".join(names)
        return Write(path, text.encode("utf-8", "surrogateescape"), WHY % ", ".join(names))

    # -- swap ------------------------------------------------------------------------------------------------
    def no_resume(self, swap: bool) -> Iterator[Change]:
        """No resume= is put into images by hand.

        By itself dracut adds one only for a swap partition that is in /proc/swaps and in /etc/fstab (dracut.sh, 033 to
        111), so there is nothing to switch off.
        """
        words = self.configuration().words("kernel_cmdline") or []
        waiting = [word for word in words if word.startswith(("resume=", "resume_offset="))]
        yield from self.configuration().without("kernel_cmdline", waiting, "the initrd waits for no swap")

    def stale(self, held: Contents, image: str) -> str:
        waits = [word[7:] for text in _arguments(held) for word in text.split() if word.startswith("resume=")]
        swaps = [entry.device for entry in fstab.parse(self.guest.text("/etc/fstab") or "") if entry.kind == "swap"]
        there = {self._device(device) for device in swaps}
        gone = [device for device in waits if self._device(device) not in there]
        return "%s waits for %s, which is no swap any more" % (image, ", ".join(gone)) if gone else ""

    def _device(self, name: str) -> str:
        """The device, followed to its node where it is there."""
        tag, equals, value = name.partition("=")
        path = "/dev/disk/by-%s/%s" % (tag.lower(), value.strip("\"'")) if equals else name
        return self.guest.canonical(path) if self.guest.exists(path) else path

    # -- images ----------------------------------------------------------------------------------------------
    def build(self, orders: Sequence[Order], why: str) -> Run:
        """The command that builds each kernel's image beside the present one, as host-only as the guest wants it."""
        configuration = self.configuration()
        commands = []
        for order in orders:
            argv = ["dracut", "--force"] + (self._generic(order.kernel) if not self.live and not self.old else [])
            argv += self._drivers(order, configuration.words("add_drivers"))
            commands.append(tuple(argv + [beside(self.image(order.kernel)).path, order.kernel.version]))
        growth = [order.growth for order in orders]
        sizes = [self.size(order.kernel) + more for order, more in zip(orders, growth)]
        folder = posixpath.dirname(self.image(orders[0].kernel))
        scratch = configuration.value("tmpdir") or "/var/tmp"
        return Run(
            tuple(commands),
            tuple(argv[-2] for argv in commands),
            why,
            hint="see why with: dracut --force --verbose /tmp/initrd %s" % orders[0].kernel.version,
            # dracut puts the tree, uncompressed, and the image together in tmpdir first
            needs=((folder, sum(sizes), sum(growth)), (scratch, 5 * sum(sizes), 0)),
        )

    def _drivers(self, order: Order, configured: Optional[Sequence[str]]) -> List[str]:
        """Options by which the image gets the modules, whatever the configured list has in front of them.

        --add-drivers appends to that list, and is lost with its end; --force-drivers (since 044) is a list of its own,
        whose modules are also loaded early, which is no more than boot would do.
        """
        names = [normalised(name) for name in order.modules]
        listed = [normalised(word) for word in configured or ()]
        if self.old:
            return ["--add-drivers", " ".join(dict.fromkeys(listed + names))] if names else []
        had = self._taken(modules_.resolved(self.guest, order.kernel, listed))
        sound = listed[: next((place for place, word in enumerate(listed) if word not in had), len(listed))]
        whole = configured is not None and sound == listed
        rest = names if whole else [name for name in names if name not in sound]
        if not rest:
            return []
        knows = "force-drivers" in (self.guest.text(self.guest.which("dracut") or "") or "")
        return ["--add-drivers" if whole or not knows else "--force-drivers", " ".join(rest)]

    def _generic(self, kernel: Kernel) -> List[str]:
        """Options for an image that fits any machine, since host-only would ask /proc, /sys and /dev of another one.

        The arguments by which the root disk is unlocked and put together may be nowhere but in the old image
        (hostonly_cmdline, SUSE); LVM needs none.
        """
        try:
            held = inside(self.guest, self.image(kernel), {})
        except (Malformed, Unknown):
            return ["--no-hostonly"]
        table = self.guest.text("/etc/crypttab") or ""
        words = [word for text in _arguments(held) for word in text.split()]
        kept = [word for word in words if word.startswith("rd.md.uuid=")]
        kept += [
            word for word in words if word.startswith("rd.luks.uuid=") and re.sub(".*=(luks-)?", "", word) in table
        ]
        return ["--no-hostonly"] + (["--kernel-cmdline", " ".join(dict.fromkeys(kept))] if kept else [])

    def size(self, kernel: Kernel) -> int:
        """Bytes of the kernel's present image, or what one usually has."""
        found = self.guest.stat(self.image(kernel))
        return found.st_size if found is not None else 64 << 20

    def installed(self, kernel: Kernel) -> Iterator[Change]:
        """Nothing follows an image: .hmac files are of kernels, and loaders read it by its name."""
        return iter(())


def _arguments(held: Contents) -> List[str]:
    """The kernel arguments in the image, which count as if they were given at boot (dracut.cmdline(7))."""
    found = held.texts("etc/cmdline.d", "usr/etc/cmdline.d")
    return list(found.values()) + [text for path, text in held.texts("etc").items() if path == "etc/cmdline"]
