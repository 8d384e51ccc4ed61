"""Kernel modules: how they are named, which files they are, what they need, and which are built into the kernel.

Sources: depmod(8), modules.dep(5) and modules.builtin as kmod 30 reads them; the kernel's own Kconfig files.
"""

from functools import lru_cache
from typing import Dict, FrozenSet, Iterable, List, NamedTuple, Optional

from agentprep.errors import Malformed

# The symbols that decide about a module, the one that decides first in front.  hv_vmbus: CONFIG_HYPERV was made a
# bool beside CONFIG_HYPERV_VMBUS in Linux 6.18 (commits 94b04355e639, e3ec97c3abaf).  cdrom: drivers/cdrom was built
# by CONFIG_BLK_DEV_SR before it had a symbol of its own.
SYMBOLS = {
    "cdrom": ("CDROM", "BLK_DEV_SR"),
    "ext4": ("EXT4_FS",),
    "floppy": ("BLK_DEV_FD",),
    "hid_hyperv": ("HID_HYPERV_MOUSE",),
    "hv_balloon": ("HYPERV_BALLOON",),
    "hv_netvsc": ("HYPERV_NET",),
    "hv_storvsc": ("HYPERV_STORAGE",),
    "hv_utils": ("HYPERV_UTILS",),
    "hv_vmbus": ("HYPERV_VMBUS", "HYPERV"),
    "hyperv_drm": ("DRM_HYPERV",),
    "hyperv_fb": ("FB_HYPERV",),
    "hyperv_keyboard": ("HYPERV_KEYBOARD",),
    "isofs": ("ISO9660_FS",),
    "mana": ("MICROSOFT_MANA",),
    "mlx4_core": ("MLX4_CORE",),
    "mlx5_core": ("MLX5_CORE",),
    "nvme": ("BLK_DEV_NVME",),
    "nvme_core": ("NVME_CORE",),
    "pci_hyperv": ("PCI_HYPERV",),
    "sd_mod": ("BLK_DEV_SD",),
    "sr_mod": ("BLK_DEV_SR",),
    "udf": ("UDF_FS",),
    "vfat": ("VFAT_FS",),
    "xfs": ("XFS_FS",),
}


class Resolution(NamedTuple):
    """What one kernel has of the modules that were asked for; every name is as ``normalised`` gives it."""

    modules: Dict[str, str]  # module -> its file, as modules.dep spells it
    needed: List[str]  # the files of ``modules`` and of all that they need, what is needed first in front
    builtin: FrozenSet[str]  # asked for and part of the kernel itself
    missing: List[str]  # asked for and nowhere, in the order asked


def normalised(name: str) -> str:
    """The name that the kernel gives a module, whether a name or a file is given.

    ``/lib/modules/6.1/hid-hyperv.ko.zst`` is ``hid_hyperv``; like kmod's path_to_modname, the first dot ends it.
    """
    return name.rpartition("/")[2].partition(".")[0].replace("-", "_")


def resolve(
    names: Iterable[str], dep: bytes, builtin: Optional[bytes] = None, config: Optional[bytes] = None
) -> Resolution:
    """Every name is a module, built in, or missing: modules.dep decides, then modules.builtin, then the config.

    ``dep`` and ``builtin`` are the contents of modules.dep and modules.builtin (None: there is no such file, as in
    some Debian packages), ``config`` that of /boot/config-RELEASE; it can only speak for the modules in SYMBOLS.
    Malformed when modules.dep has a line that depmod does not write.
    """
    wanted = list(dict.fromkeys(normalised(name) for name in names))
    lines = _lines_of_modules(dep)
    inside = {normalised(path) for path in _text(builtin or b"").split()}
    config = b"\n" + (config or b"")
    modules = {name: lines[name].partition(":")[0] for name in wanted if name in lines}
    others = [name for name in wanted if name not in modules]
    builtin_names = frozenset(name for name in others if name in inside or _configured(name, config))
    return Resolution(
        modules, _with_dependencies(modules, lines), builtin_names, [n for n in others if n not in builtin_names]
    )


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=4)  # a file of about 4000 lines, asked for by several steps
def _lines_of_modules(dep: bytes) -> Dict[str, str]:
    lines = {}
    for number, line in enumerate(_text(dep).split("\n"), 1):
        path, colon, _ = line.partition(":")
        if colon and path:
            # normalised(), inlined: this runs for each of about 4000 lines
            lines[path.rpartition("/")[2].partition(".")[0].replace("-", "_")] = line
        elif line and not line.startswith("#"):
            raise Malformed(
                f"line {number} of the list of module dependencies is not 'FILE: FILES'",
                "Run 'depmod' for that kernel and try again.",
            )
    return lines


def _with_dependencies(modules: Dict[str, str], lines: Dict[str, str]) -> List[str]:
    """The files in an order in which they can be loaded.

    modules.dep lists what is needed last first, and all of it since module-init-tools 3.x; older ones list the direct
    needs only, hence the walk.  A loop among modules, which depmod drops, does not hang it.
    """
    done: Dict[str, None] = {}
    seen = set()
    pending = list(reversed(list(modules.values())))
    while pending:
        path = pending[-1]
        if path in seen:
            pending.pop()
            done.setdefault(path)
            continue
        seen.add(path)
        needs = lines.get(normalised(path), "").partition(":")[2].split()
        pending.extend(need for need in needs if need not in seen)
    return list(done)


def _configured(name: str, config: bytes) -> bool:
    """Whether the first symbol that the config mentions says y; a symbol that is "not set" is mentioned too."""
    for symbol in SYMBOLS.get(name, ()):
        mark = b"\nCONFIG_" + symbol.encode() + b"="
        if mark in config:
            return config.partition(mark)[2][:1] == b"y"
        if b"\n# CONFIG_" + symbol.encode() + b" is not set" in config:
            return False
    return False
