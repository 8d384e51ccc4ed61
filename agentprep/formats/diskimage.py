"""What kind of disk image a file is, by its first and last bytes."""

from typing import NamedTuple

from . import vhd

HEAD = 64 << 10  # how many of the first bytes ``recognized`` looks at
# (offset, bytes, name as qemu-img spells it or the common one): QEMU docs/interop/qcow2, VMware "Virtual Disk Format
# 5.0", MS-VHDX 2.2, VirtualBox include/VBox/vd.h, file(1).
SIGNATURES = (
    (0, b"QFI\xfb", "qcow2"), (0, b"vhdxfile", "vhdx"), (0, b"KDMV", "vmdk"), (0, b"COWD", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk descriptor"), (0x40, b"\x7f\x10\xda\xbe", "vdi"), (0, b"QED\0", "qed"),
    (0, b"WithoutFreeSpace", "parallels"), (0, b"WithouFreSpacExt", "parallels"), (0, b"\x1f\x8b\x08", "gzip"),
    (0, b"\xfd7zXZ\0", "xz"), (0, b"\x28\xb5\x2f\xfd", "zstd"), (0, b"BZh", "bzip2"), (0, b"PK\x03\x04", "zip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"), (257, b"ustar", "tar"), (0x8001, b"CD001", "iso9660"),
)  # fmt: skip
DISKS = ("qcow2", "vhdx", "vmdk", "vmdk descriptor", "vdi", "qed", "parallels")  # what qemu-img reads
PACKED = ("gzip", "xz", "zstd", "bzip2", "zip", "7z", "tar")


class Kind(NamedTuple):
    """`name`: "vhd", "vhd without its end", "raw", "empty", or a name of SIGNATURES; `footer`: the bytes of a VHD's."""

    name: str
    footer: bytes


def recognized(head: bytes, tail: bytes) -> Kind:
    """The kind of a file whose first HEAD and last 512 bytes these are."""
    if not head:
        return Kind("empty", b"")
    for at in range(len(tail) - vhd.OLD_SIZE + 1):  # before Virtual PC 2004 a footer had 511 bytes
        if tail[at : at + 8] == vhd.COOKIE:
            return Kind("vhd", tail[at:])
    if head[:8] == vhd.COOKIE:
        return Kind("vhd without its end", head[: vhd.SIZE])
    for at, signature, name in SIGNATURES:
        if head[at : at + len(signature)] == signature:
            return Kind(name, b"")
    return Kind("raw", b"")
