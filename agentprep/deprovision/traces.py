"""Traces of this machine by the places where they are, and their removal without a copy."""

import posixpath
from typing import Iterator, List, NamedTuple, Sequence

from ..changes import Forget
from ..guest import Guest
from ..mounts import Mount, below, inside, over
from ..step import Fact, Item


class Trace(NamedTuple):
    """What matches `pattern` is removed, or emptied, because of `why`; `/*` at the end takes hidden names too."""

    pattern: str
    why: str
    empty: bool = False


# DHCP clients keep what this network gave them: dhclient (Debian, SUSE, Red Hat), dhcpcd, NetworkManager, wicked,
# systemd-networkd 258.
LEASES = tuple(
    Trace(pattern, "a lease, or the client's identity, of this machine's network")
    for pattern in (
        "/var/lib/dhcp/*", "/var/lib/dhclient/*", "/var/lib/dhcpcd/*", "/var/lib/NetworkManager/*.lease",
        "/var/lib/dhcp6/*", "/var/lib/wicked/lease-*.xml", "/var/lib/wicked/duid.xml", "/var/lib/wicked/iaid.xml",
        "/var/lib/systemd/network/*",
    )
)  # fmt: skip

# Two machines must not start from one seed (https://systemd.io/BUILDING_IMAGES).
SEEDS = tuple(
    Trace(pattern, "a random seed that every VM of this disk would start from")
    for pattern in (
        "/var/lib/systemd/random-seed", "/var/lib/urandom/random-seed", "/var/lib/random-seed",
        "/boot/loader/random-seed", "/boot/efi/loader/random-seed", "/efi/loader/random-seed",
    )
)  # fmt: skip


def forget(guest: Guest, traces: Sequence[Trace]) -> Iterator[Item]:
    """Nothing is left of the traces; what another file system is mounted below is left, and told."""
    mounts = inside(guest)
    for trace in traces:
        for path in matching(guest, trace.pattern):
            found = guest.stat(path, follow=False)
            if found is not None and not (trace.empty and not found.st_size):
                yield from gone(path, trace.why, mounts, trace.empty)


def gone(path: str, why: str, mounts: List[Mount], empty: bool = False) -> Iterator[Item]:
    """The Forget of a path, unless it is in memory or elsewhere in the network, or something is mounted below it."""
    if any(mount.foreign for mount in over(mounts, path)[-1:]):
        return
    held = below(mounts, path)
    if held:
        yield Fact("warning", "%s was left as it is, since %s is mounted there" % (path, held[0].point),
                   "unmount it and remove it by hand: umount %s; rm -r %s" % (held[0].point, path))  # fmt: skip
    else:
        yield Forget(path, why, empty)


def matching(guest: Guest, pattern: str) -> List[str]:
    """The paths that are there."""
    folder, last = posixpath.split(pattern)
    if last != "*":
        return guest.glob(pattern)
    return [posixpath.join(one, name) for one in guest.glob(folder) for name in guest.names(one)]
