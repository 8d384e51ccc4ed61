"""initramfs-tools: mkinitramfs builds /boot/initrd.img-VERSION (Debian, Ubuntu before 25.10).

Names in /etc/initramfs-tools/modules are put into every image, whatever MODULES= says (most, dep, list), and loaded at
boot; a name with a carriage return is dropped without a word (0.142, hook-functions, add_modules_from_file).
"""

import posixpath
import re
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ..changes import Change, Run, Write, beside
from ..errors import Malformed
from ..formats import shellvars
from ..formats.initrd import Contents
from ..formats.modules import normalised
from ..guest import Guest
from ..kernels import Kernel
from .image import Order
from .maker import INITRAMFS_TOOLS, maker

MODULES = "/etc/initramfs-tools/modules"
OWN = "/boot/initrd.img-%s"
CONF, RESUME = "/etc/initramfs-tools/initramfs.conf", "/etc/initramfs-tools/conf.d/resume"
FOLDERS = ("/usr/share/initramfs-tools/conf.d/", "/etc/initramfs-tools/conf.d/")
READ = re.compile(r"(?!.*\.dpkg-)[A-Za-z0-9][A-Za-z0-9._-]*$")  # the names in conf.d that mkinitramfs reads


class InitramfsTools:
    """The guest's initramfs-tools."""

    name = "initramfs-tools"
    sources = (
        "/etc/initramfs-tools/*",
        "/usr/share/initramfs-tools/*",
        "/etc/modprobe.d/*",
        "/lib/modprobe.d/*",
        "/etc/crypttab",
        "/etc/fstab",
        "/etc/lvm/*",
        "/etc/udev/rules.d/*",
    )

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.named: Dict[str, str] = {}

    @staticmethod
    def probe(guest: Guest) -> Optional[str]:
        """Its configuration is there, and so are images with its names, which are not dracut's."""
        if guest.text("/etc/initramfs-tools/initramfs.conf") is None or maker(guest) not in (INITRAMFS_TOOLS, ""):
            return None
        images = guest.glob("/boot/initrd.img-*")
        if not images:
            return None
        return "/etc/initramfs-tools/initramfs.conf exists and %s is there" % images[0]

    def image(self, kernel: Kernel) -> str:
        return self.named.get(kernel.version) or OWN % kernel.version

    def note(self) -> str:
        """How the modules of an image are chosen, in words."""
        return "MODULES=%s" % (shellvars.evaluate(self._scripts(), "MODULES") or "most")

    def _scripts(self) -> List[shellvars.Script]:
        """The configuration in the order in which mkinitramfs (0.142) sources it; the last assignment counts."""
        own = self.guest.names(FOLDERS[1])
        paths = [FOLDERS[0] + name for name in self.guest.names(FOLDERS[0]) if name not in own]
        paths += [FOLDERS[1] + name for name in own]
        read = [path for path in paths if READ.match(posixpath.basename(path)) and self.guest.is_file(path)]
        found = []
        for path in [CONF] + read:
            try:
                found.append(shellvars.Script(self.guest.text(path) or "", path))
            except Malformed as error:
                raise Malformed("%s, %s" % (path, error.message), error.hint) from None
        return found

    def rule(self, modules: Sequence[str]) -> Iterator[Change]:
        """The changes after which every image built from now on holds the modules."""
        text = self.guest.text(MODULES) or ""
        listed = {normalised(line.split()[0]) for line in text.split("\n") if line.split() and _counts(line)}
        missing = [name for name in modules if normalised(name) not in listed]
        if missing:
            end = "" if text.endswith("\n") or not text else "\n"
            new = text + end + "".join(name + "\n" for name in missing)
            why = "%s must be in the initrd of every kernel, those of the future too" % ", ".join(missing)
            yield Write(MODULES, new.encode("utf-8", "surrogateescape"), why)

    def no_resume(self, swap: bool) -> Iterator[Change]:
        """RESUME=none, since without it any swap is picked (hooks/resume, 0.142)."""
        value = shellvars.evaluate(self._scripts(), "RESUME")
        if value == "none" or (not value and not swap):
            return
        for script in self._scripts():
            text = script.text
            for one in reversed([one for one in script.assignments if one.name == "RESUME"]):
                text = text[: one.value_start] + "none" + text[one.end :]
            if text != script.text and script.name.startswith("/etc/"):
                why = "the initrd does not wait for a swap that is gone"
                yield Write(script.name, text.encode("utf-8", "surrogateescape"), why)
        if shellvars.evaluate(self._scripts(), "RESUME") != "none":
            yield Write(RESUME, b"RESUME=none\n", "the initrd picks no swap by itself")

    def stale(self, held: Contents, image: str) -> str:
        waits = _resumes(held.texts("conf/conf.d"))
        own = _resumes({path: self.guest.text(path) or "" for path in self.guest.glob(FOLDERS[1] + "*")})
        if waits not in ("", "none") and own == "none":
            return "%s waits for %s, which is no swap any more" % (image, waits)
        return ""

    def build(self, orders: Sequence[Order], why: str) -> Run:
        """The command that builds each kernel's image beside the present one."""
        kernels = [order.kernel for order in orders]
        images = [self.image(kernel) for kernel in kernels]
        commands = [("mkinitramfs", "-o", beside(image).path, kernel.version) for image, kernel in zip(images, kernels)]
        growth = [order.growth for order in orders]
        sizes = [self.size(kernel) + more for kernel, more in zip(kernels, growth)]
        return Run(
            tuple(commands),
            tuple(beside(image).path for image in images),
            why,
            hint="see why with: mkinitramfs -v -o /tmp/initrd %s" % kernels[0].version,
            # mkinitramfs puts the tree, uncompressed, and the archives together in /var/tmp first
            needs=((posixpath.dirname(images[0]), sum(sizes), sum(growth)), ("/var/tmp", 4 * sum(sizes), 0)),
        )

    def size(self, kernel: Kernel) -> int:
        """Bytes of the kernel's present image, or what one usually has."""
        found = self.guest.stat(self.image(kernel))
        return found.st_size if found is not None else 64 << 20

    def installed(self, kernel: Kernel) -> Iterator[Change]:
        """What update-initramfs does after it has put an image into place.

        Nothing follows a copy that a loader has elsewhere: the loader's hook would put the older one of /boot back.
        """
        image = self.image(kernel)
        if self.guest.canonical(image) != self.guest.canonical(OWN % kernel.version):
            return
        record = "/var/lib/initramfs-tools/" + kernel.version
        noted = self.guest.text(record)
        # Before 0.137 update-initramfs refuses to touch an image whose SHA-1 is not the one it noted.
        if noted is not None and re.match(r"[0-9a-f]{40} ", noted) and not self.guest.guessed(image):
            line = ("%s  %s\n" % (self._digest(image), image)).encode()
            if noted.encode() != line:
                yield Write(record, line, "update-initramfs compares this with the image", derived=True)
        hooks = "/etc/initramfs/post-update.d"
        if any(self._executable("%s/%s" % (hooks, name)) for name in self.guest.names(hooks)):
            argv: Tuple[str, ...] = ("run-parts", "--arg=" + kernel.version, "--arg=" + image, hooks)
            yield Run((argv,), (), "the boot loader's hooks follow a new initrd")

    def _executable(self, path: str) -> bool:
        found = self.guest.stat(path)
        return found is not None and bool(found.st_mode & 0o111)

    def _digest(self, image: str) -> str:
        import hashlib  # it brings OpenSSL along, which only a run needs

        digest = hashlib.sha1()
        stream = self.guest.open(image)
        assert stream is not None
        with stream:
            for chunk in iter(lambda: stream.read(1 << 20), b""):
                digest.update(chunk)
        return digest.hexdigest()


def _resumes(texts: Dict[str, str]) -> str:
    """What the last RESUME= of these files says; "" when none does."""
    found = [match for text in texts.values() for match in re.findall(r"^\s*(?:export\s+)?RESUME=(\S+)", text, re.M)]
    return found[-1].strip("\"'") if found else ""


def _counts(line: str) -> bool:
    return not line.lstrip().startswith("#") and "\r" not in line
