"""The initrds in /boot of a Debian or Ubuntu whose loader reads copies of them on the EFI system partition.

differing(guest, loaded)              each image in /boot, and the image that is loaded instead and is another
renewed(guest, copy, loaded)          the changes after which the first is the same as the second

kernel-install copies /boot/initrd.img-VERSION to TOKEN/VERSION/initrd.img-VERSION: by Debian's plugin 55-initrd.install
when it is run without an initrd, and by /etc/initramfs/post-update.d/systemd-boot after update-initramfs.  What was
built and proven is the copy that is loaded; the original is made the same, so that nothing older comes back.
"""

import posixpath
from typing import Dict, Iterator, List, Tuple

from ..changes import Change, Run, Write, beside
from ..guest import Guest

PLUGIN = "/usr/lib/kernel/install.d/55-initrd.install"


def differing(guest: Guest, loaded: Dict[str, List[str]]) -> List[Tuple[str, str]]:
    if not guest.is_file(PLUGIN):
        return []
    found = []
    for version, images in sorted(loaded.items()):
        original = guest.canonical("/boot/initrd.img-" + version)
        if not images or images[-1] == original or not guest.is_file(original) or not guest.is_file(images[-1]):
            continue
        if not guest.guessed(original) and not _same(guest, original, images[-1]):
            found.append((original, images[-1]))
    return found


def renewed(guest: Guest, original: str, loaded: str) -> Iterator[Change]:
    made, why = beside(original).path, "kernel-install copies it to %s" % posixpath.dirname(loaded)
    sizes = [found.st_size for found in map(guest.stat, (loaded, original)) if found is not None]
    needs = ((posixpath.dirname(original), sizes[0], max(0, sizes[0] - sizes[-1])),)
    yield Run((("cp", "--", loaded, made),), (made,), why, needs=needs)
    yield Write(original, beside(original), why, derived=True)


def _same(guest: Guest, one: str, other: str) -> bool:
    """Both files are known, and have the same content."""
    if guest.guessed(one) or guest.guessed(other):
        return False
    sizes = [found.st_size for found in map(guest.stat, (one, other)) if found is not None]
    first, second = guest.open(one), guest.open(other)
    if first is None or second is None or sizes[:1] != sizes[1:]:
        return False
    with first, second:
        while True:
            chunks = first.read(1 << 20), second.read(1 << 20)
            if chunks[0] != chunks[1] or not chunks[0]:
                return chunks[0] == chunks[1]
