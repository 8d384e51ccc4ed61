"""A machine whose boot loader keeps its entries in one file, and whose /dev and /sys tell of its disks."""

from typing import Any, Dict, Iterator, List, Sequence

from agentprep.changes import Write
from agentprep.formats import cmdline
from agentprep.guest import Guest
from agentprep.system import System
from tests.trees import Content, FakeCommands, Handler, To

STORE = "/boot/entries"
DEFAULTS = "/etc/default/grub"


class Entries:
    """A boot loader: each line of /boot/entries is an entry; `generate` writes what is new in /boot/entries.new."""

    name = "entries"
    sources = (STORE, DEFAULTS, "/etc/default/grub.d/*.cfg")
    foreseen = False

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def arguments(self) -> Dict[str, List[str]]:
        lines = (self.guest.text(STORE) or "").splitlines()
        return {"entry %d" % number: cmdline.split(line) for number, line in enumerate(lines, 1)}

    def without_initrd(self) -> List[str]:
        return []

    def initrds(self) -> Dict[str, List[str]]:
        return {}

    def set_arguments(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Any]:
        lines = (self.guest.text(STORE) or "").splitlines()
        new = [cmdline.join(cmdline.merge(cmdline.split(line), add, remove)) for line in lines]
        if new != lines:
            yield Write(STORE, "".join(line + "\n" for line in new).encode(), "entries")

    def generate(self, add: Sequence[str], remove: Sequence[str]) -> Iterator[Any]:
        yield from self.set_arguments(add, remove)


class Machine(System):
    """A system with that boot loader."""

    def on(self, guest: Guest) -> "Machine":
        return Machine(guest, self.live)

    @property
    def boot(self) -> Any:
        return Entries(self.guest)


def machine(root: str, live: Any = None, handlers: Dict[str, Handler] = None) -> Machine:  # type: ignore[assignment]
    return Machine(Guest(root, FakeCommands(root, handlers or {})), live)  # type: ignore[arg-type]


def disk(name: str, sectors: int = 41943040, number: int = 0) -> Dict[str, Content]:
    """A whole disk in /sys."""
    folder = "/sys/devices/pci0000:00/%s" % name
    return {
        folder + "/size": "%d\n" % sectors,
        folder + "/dev": "254:%d\n" % number,
        "/sys/class/block/" + name: To("../../devices/pci0000:00/" + name),
        "/dev/" + name: "",
    }


def partition(of: str, name: str, start: int, number: int, **tags: str) -> Dict[str, Content]:
    """A partition in /sys with udev's links for its tags, for example uuid="..."."""
    folder = "/sys/devices/pci0000:00/%s/%s" % (of, name)
    files: Dict[str, Content] = {
        folder + "/partition": "1\n",
        folder + "/start": "%d\n" % start,
        folder + "/dev": "254:%d\n" % number,
        "/sys/class/block/" + name: To("../../devices/pci0000:00/%s/%s" % (of, name)),
        "/dev/" + name: "",
    }
    for tag, value in tags.items():
        files["/dev/disk/by-%s/%s" % (tag, value)] = To("../../" + name)
    return files


def mapped(kernel: str, name: str, on: Sequence[str], kind: str, **tags: str) -> Dict[str, Content]:
    """A device of device mapper with the devices that it lies on; `kind` begins its UUID."""
    folder = "/sys/devices/virtual/block/" + kernel
    files: Dict[str, Content] = {
        folder + "/dm/name": name + "\n",
        folder + "/dm/uuid": kind + "-0123456789\n",
        "/sys/class/block/" + kernel: To("../../devices/virtual/block/" + kernel),
        "/dev/" + kernel: "",
        "/dev/mapper/" + name: To("../" + kernel),
    }
    for one in on:
        files[folder + "/slaves/" + one] = ""
    for tag, value in tags.items():
        files["/dev/disk/by-%s/%s" % (tag, value)] = To("../../" + kernel)
    return files
