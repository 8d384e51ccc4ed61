"""agentprep's own units do not start at boot any more: a VM of this disk must never prepare itself again."""

import posixpath
from typing import Iterator, List

from ..changes import Forget
from ..guest import Guest
from ..init.systemd import ETC
from ..policy import FILE, Policy
from ..step import Fact, Item, Step
from ..system import System

UNITS = ("agentprep.service", "agentprep-firstboot.service")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """No link below /etc/systemd/system leads to one of the units, by whatever name, except one that masks it."""
    for path in links(system.guest):
        yield Forget(path, "%s does not start at boot" % posixpath.basename(path))
    value = policy.value("service.run")
    if value.value and value.source != "--set":
        yield Fact("note", "run = yes stays in %s: it starts nothing, and on Azure it is refused" % value.source)
    yield Fact("ok", "nothing starts %s at boot" % " or ".join(UNITS))


def links(guest: Guest) -> List[str]:
    """What `systemctl enable`, `add-wants` and an alias leave, in .wants, .requires and .upholds of any unit."""
    found = []
    for path in guest.glob(ETC + "/*") + guest.glob(ETC + "/*.*/*"):
        target = guest.link(path)
        if target is None or guest.canonical(path) == "/dev/null":
            continue
        # The file may be gone with its package; the link still tells its name.
        names = {posixpath.basename(path), posixpath.basename(target), posixpath.basename(guest.canonical(path))}
        if names & set(UNITS) and path not in [posixpath.join(ETC, unit) for unit in UNITS]:
            found.append(path)
    return found


STEP = Step(
    id="deprovision-own-units",
    title="agentprep does not start at boot any more",
    reason="Where agentprep.service or agentprep-firstboot.service has prepared this machine, every VM of its disk "
    "would start it again, deprovision itself and switch itself off. The units are disabled when all else is done, so "
    "that a run that was cut goes on at the next boot. On Azure they refuse to run in any case, by the chassis asset "
    "tag that only Azure has: service.run = yes may stay in %s, and a unit that somebody enables again does no harm. "
    "agentprep.run is taken out of the boot entries by kernel-cmdline." % FILE,
    source="systemctl(1), 'enable'; systemd.unit(5), '[Install]'; cloud-init, cloudinit/sources/azure/identity.py",
    remedy="As root: systemctl disable agentprep.service agentprep-firstboot.service",
    changes=changes,
    one_way=True,
)
