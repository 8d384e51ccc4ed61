"""initramfs-tools: mkinitramfs builds /boot/initrd.img-VERSION (Debian, Ubuntu before 25.10).

Names in /etc/initramfs-tools/modules are put into every image, whatever MODULES= says (most, dep, list), and loaded at
boot; a name with a carriage return is dropped without a word (0.142, hook-functions, add_modules_from_file).
"""

import re
from typing import Iterator, Optional, Sequence, Tuple

from ..changes import Change, Run, Write, beside
from ..formats import shellvars
from ..formats.modules import normalised
from ..guest import Guest
from ..kernels import Kernel

MODULES = "/etc/initramfs-tools/modules"
# In the order in which mkinitramfs reads them; the last assignment counts.
CONFIGURATION = (
    "/etc/initramfs-tools/initramfs.conf",
    "/usr/share/initramfs-tools/conf.d/*",
    "/etc/initramfs-tools/conf.d/*",
)


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

    @staticmethod
    def probe(guest: Guest) -> Optional[str]:
        """Its configuration is there, and so are images with its names; dracut beside it would be the builder."""
        if guest.text("/etc/initramfs-tools/initramfs.conf") is None:
            return None
        if guest.which("dracut") and not guest.which("mkinitramfs"):
            return None
        images = guest.glob("/boot/initrd.img-*")
        if not images:
            return None
        return "/etc/initramfs-tools/initramfs.conf exists and %s is there" % images[0]

    def image(self, kernel: Kernel) -> str:
        return "/boot/initrd.img-" + kernel.version

    def note(self) -> str:
        """How the modules of an image are chosen, in words."""
        files = [path for pattern in CONFIGURATION for path in self.guest.glob(pattern) if self.guest.is_file(path)]
        scripts = [shellvars.Script(self.guest.text(path) or "") for path in files]
        return "MODULES=%s" % (shellvars.evaluate(scripts, "MODULES") or "most")

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

    def build(self, kernels: Sequence[Kernel], growth: Sequence[int], why: str) -> Run:
        """The command that builds each kernel's image beside the present one; `growth` is in bytes, for each."""
        images = [self.image(kernel) for kernel in kernels]
        commands = [("mkinitramfs", "-o", beside(image).path, kernel.version) for image, kernel in zip(images, kernels)]
        sizes = [self.size(kernel) + more for kernel, more in zip(kernels, growth)]
        return Run(
            tuple(commands),
            tuple(beside(image).path for image in images),
            why,
            hint="see why with: mkinitramfs -v -o /tmp/initrd %s" % kernels[0].version,
            # mkinitramfs puts the tree, uncompressed, and the archives together in /var/tmp first
            needs=(("/boot", sum(sizes), sum(growth)), ("/var/tmp", 4 * sum(sizes), 0)),
        )

    def size(self, kernel: Kernel) -> int:
        """Bytes of the kernel's present image, or what one usually has."""
        found = self.guest.stat(self.image(kernel))
        return found.st_size if found is not None else 64 << 20

    def installed(self, kernel: Kernel) -> Iterator[Change]:
        """What update-initramfs does after it has put an image into place."""
        image = self.image(kernel)
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


def _counts(line: str) -> bool:
    return not line.lstrip().startswith("#") and "\r" not in line
