"""What a tree of the table is: files, the commands of such a guest, and what a run must have made of it.

To add one, write a builder ({path: content}, with the traps of such a guest inside and their source in the header of
its file) and a row (a Tree) in the file of its family, and name that file's TREES in tests/roots/every.py; nothing
else.  tests/test_roots.py does the same with each row.
"""

import os
import re
from typing import Callable, Dict, NamedTuple, Optional, Tuple

from tests.roots import read
from tests.trees import Content, Handler, make_tree

# What the default policy adds, as every kernel gets it; the second where the initrd would sleep through 300 seconds.
SERIAL = "console=ttyS0,115200n8 earlyprintk=ttyS0,115200"
AZURE = SERIAL + " rootdelay=300"
SHORT = "console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=30"

# What an initrd of a virtio machine holds when the default policy's modules are added to it.
HELD = "ext4 hid_hyperv hv_netvsc hv_storvsc hv_vmbus hyperv_keyboard scsi_mod scsi_transport_fc sd_mod virtio_blk"
# The same for dracut: an image for any machine, and one for a KVM machine alone.
GENERIC = "cdrom dm_mod %s xfs" % HELD.replace(" virtio_blk", " sr_mod virtio_blk")
HOST = "dm_mod %s xfs" % HELD

LVM = {"certification": "warning", "disk-layout": "warning"}  # the verdicts on a guest whose root is on LVM


class Expected(NamedTuple):
    """What is true after a run: exact where it says nothing else."""

    entries: Dict[str, str]  # title -> command line, of every boot entry
    future: Dict[str, str]  # the same of the entries that a kernel installed later gets
    held: Dict[str, Optional[str]]  # image -> the modules inside, as in HELD; None: it is as it was, byte for byte
    later: str = ""  # the modules inside a later kernel's image; "": as in `held`'s last
    verdicts: Dict[str, str] = {"certification": "warning"}  # findings neither ok nor changed; operator has a password
    lines: Dict[str, Tuple[str, ...]] = {}  # path -> lines that are in the file
    without: Dict[str, str] = {}  # path -> a pattern that is nowhere in the file
    links: Dict[str, str] = {}  # path -> what the link says, be it to nowhere
    gone: Tuple[str, ...] = ()  # paths that are no more
    same: Tuple[str, ...] = ()  # paths of which no byte was changed
    exit: int = 0  # 1: all but what `verdicts` calls failed
    brought: Tuple[str, ...] = ()  # what a package brings that the run installs; a rollback leaves it


class Tree(NamedTuple):
    """A guest of the table and what is expected of it."""

    name: str
    files: Callable[[], Dict[str, Content]]
    commands: Dict[str, Handler]
    menu: Callable[[str], Dict[str, str]]  # root -> {title: command line}, as the loader would start it
    install: Callable[[str], str]  # installs a later kernel as the distribution would; its initrd's path
    expected: Optional[Expected] = None
    remakes: Tuple[Tuple[str, ...], ...] = ()  # commands that make the menu anew, after which it says the same
    refused: str = ""  # a pattern of the message with which a run is refused
    settings: Tuple[str, ...] = ()  # of the policy
    defect: str = ""  # why it does not pass yet

    def make(self, folder: object) -> str:
        root = make_tree(folder, self.files(), minimal=False)
        for path, mode in (("/etc/shadow", 0o600), ("/etc/sudoers", 0o440)):
            if os.path.exists(root + path):
                os.chmod(root + path, mode)
        return root


def held(root: str, image: str) -> str:
    """The names of the modules in an image that a generator of tests/roots has made."""
    found = re.findall(rb"modules/[^/\0]+/[^\0]*?([\w-]+)\.ko(?:\.xz|\.zst|\.gz)?\0", read(root, image))
    return " ".join(sorted({name.decode().replace("-", "_") for name in found}))


def every(line: str, *titles: str) -> Dict[str, str]:
    """The same command line for each title."""
    return dict.fromkeys(titles, line)
