"""The kernels that are installed in the guest, whichever is running."""

import posixpath
import re
from typing import List, NamedTuple, Optional

from .guest import Guest

# Rescue and kdump images are no kernels of their own (Fedora's dracut-config-rescue; RHBZ#1138184).
NO_KERNEL = re.compile(r"rescue|kdump|\.dpkg-|\.rpm(save|new)|\.old$|\.bak$")


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
        """The configuration that the kernel was built with."""
        return guest.read("/boot/config-" + self.version)


def installed(guest: Guest) -> List[Kernel]:
    """Every version that has both a boot image and a folder of modules with modules.dep, sorted by name."""
    found = []
    for image in guest.glob("/boot/vmlinu[xz]-*"):
        version = posixpath.basename(image).split("-", 1)[1]
        if NO_KERNEL.search(version):
            continue
        for folder in ("/lib/modules/", "/usr/lib/modules/"):
            if guest.is_file(folder + version + "/modules.dep"):
                found.append(Kernel(version, image, folder + version))
                break
    return found
