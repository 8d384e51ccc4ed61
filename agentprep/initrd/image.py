"""What an initrd holds, read from inside the image, once for each image however often it is asked."""

from typing import Any, BinaryIO, Dict, List, NamedTuple, Sequence, cast

from ..errors import Malformed, Unknown
from ..filters import start
from ..formats.initrd import Contents, contents
from ..formats.modules import Resolution, normalised
from ..guest import Guest
from ..kernels import Kernel


class Order(NamedTuple):
    """A kernel whose initrd is due, its wanted modules that are no built-ins, and its image's growth in bytes."""

    kernel: Kernel
    modules: Sequence[str]
    growth: int


LARGEST = 1 << 32  # bytes; ramdisk_size of a kernel's setup header has 32 bits (Documentation/arch/x86/boot.rst)


def inside(guest: Guest, path: str, read: Dict[Any, Any]) -> Contents:
    """The modules and configuration in the image at `path`; `read` remembers what images held.

    Raises Malformed, with the path, for an image that is missing, cut, or no initrd; Unknown when it cannot be read.
    """
    found = guest.stat(path)
    if found is None:
        raise Malformed("%s does not exist" % path, "build it")
    if found.st_size >= LARGEST:  # above all a sparse file, which would be read for minutes
        raise Malformed("%s: it is larger than any initrd (%d bytes)" % (path, found.st_size), "Build it anew.")
    # A rename keeps all of these, so that an image that was proved beside is not read again in its place.
    name = (found.st_dev, found.st_ino, found.st_size, found.st_mtime)
    if name not in read:
        stream = guest.open(path)
        assert stream is not None
        with stream:
            try:
                read[name] = contents(cast(BinaryIO, stream), start)
            except (Malformed, Unknown) as error:
                raise type(error)("%s: %s" % (path, error.message), error.hint) from None
    held: Contents = read[name]
    return held


def lacking(guest: Guest, kernel: Kernel, path: str, wanted: Resolution, read: Dict[Any, Any]) -> List[str]:
    """The modules, and what they need, that are neither in the image at `path` nor built into the kernel."""
    held = inside(guest, path, read).modules_of(kernel.version)
    return [name for name in _names(wanted.needed) if name not in held]


def _names(paths: Sequence[str]) -> List[str]:
    return list(dict.fromkeys(normalised(path) for path in paths))
