"""initrd images, packed member by member."""

import bz2
import gzip
import lzma
import shutil
import subprocess

import pytest

FILE, SYMLINK, FOLDER = 0o100644, 0o120777, 0o40755
HERE = {
    "gzip": lambda content: gzip.compress(content, 1),
    "bzip2": bz2.compress,
    "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
    "xz": lambda content: lzma.compress(content, lzma.FORMAT_XZ, lzma.CHECK_CRC32, preset=0),
}
TOOLS = {
    "zstd": ("zstd", "-q", "-c"),
    "lz4": ("lz4", "-q", "-l", "-c"),
    "lzo": ("lzop", "-q", "-c"),
}
KINDS = sorted(HERE) + sorted(TOOLS)


def piped(argv, content):
    if not shutil.which(argv[0]):
        pytest.skip(f"there is no {argv[0]} to pack an image with")
    return subprocess.run(argv, input=content, stdout=subprocess.PIPE, check=True).stdout


def packed(kind, content):
    return HERE[kind](content) if kind in HERE else piped(TOOLS[kind], content)


def member(name, content=b"", mode=FILE, inode=1, links=1, magic=b"070701"):
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    raw += b"\0"
    fields = (inode, mode, 0, 0, links, 0, len(content), 8, 1, 0, 0, len(raw), sum(content) & 0xFFFFFFFF)
    head = magic + b"".join(b"%08X" % field for field in fields) + raw
    return padded(head) + padded(content)


def padded(content, to=4):
    return content + bytes(-len(content) % to)


TRAILER = member("TRAILER!!!", mode=0)


def archive(files, to=512):
    """An archive of {name: content} as GNU cpio packs it, with zeros up to 512."""
    members = [member(name, content) for name, content in files.items()]
    return padded(b"".join(members) + TRAILER, to)
