"""Which of two tools made /boot/initrd.img-VERSION, where a Debian or Ubuntu has initramfs-tools and dracut."""

from typing import BinaryIO, Dict, cast

from ..errors import Malformed, Unknown
from ..filters import start
from ..formats.initrd import members
from ..guest import Guest
from ..kernels import NO_KERNEL

DRACUT, INITRAMFS_TOOLS = "dracut", "initramfs-tools"
# Folders that each tool leaves in its images: dracut 051 to 112, initramfs-tools 0.140 to 0.151.
LEFT = (("usr/lib/dracut/", DRACUT), ("lib/dracut/", DRACUT), ("conf/arch.conf", INITRAMFS_TOOLS),
        ("scripts/functions", INITRAMFS_TOOLS))  # fmt: skip
HOOKS = ("/etc/kernel/postinst.d/", "/usr/share/kernel/postinst.d/")


def maker(guest: Guest) -> str:
    """dracut or initramfs-tools, whichever is there with its kernel hook; an image decides when both are; else "".

    The package dracut has the hook and excludes initramfs-tools; dracut-core, which others need, is dracut without it.
    A hook alone is what a removed package leaves behind.
    """
    if not guest.which("dracut"):
        return INITRAMFS_TOOLS
    if not guest.which("mkinitramfs"):
        return DRACUT
    hooked = [tool for tool in (DRACUT, INITRAMFS_TOOLS) if any(guest.exists(folder + tool) for folder in HOOKS)]
    return hooked[0] if len(hooked) == 1 else _left(guest)


def _left(guest: Guest) -> str:
    images = [path for path in guest.glob("/boot/initrd.img-*") if not NO_KERNEL.search(path) and guest.is_file(path)]
    dated: Dict[str, float] = {path: found.st_mtime for path in images for found in [guest.stat(path)] if found}
    newest = max(dated, key=lambda path: dated[path]) if dated else ""
    stream = guest.open(newest) if newest else None
    if stream is None:
        return ""
    with stream:
        try:
            for member in members(cast(BinaryIO, stream), start):
                for name, tool in LEFT:
                    if member.name.startswith(name):
                        return tool
        except (Malformed, Unknown):
            pass  # a broken image proves nothing
    return ""
