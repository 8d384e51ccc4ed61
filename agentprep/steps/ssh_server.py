"""sshd is installed, starts at boot, and notices when a client is gone."""

import fnmatch
import posixpath
import re
from typing import Iterator, List, Optional, Tuple

from ..changes import Remove, Write
from ..errors import Blocked, CommandFailed
from ..formats import sshd
from ..guest import Guest
from ..hostkeys import SWITCH, SWITCHED, made_at_boot
from ..net import CARD, walls
from ..policy import Policy
from ..provisioner import detect
from ..step import Fact, Item, Step
from ..system import System

MAIN = "/etc/ssh/sshd_config"
MAINS = (MAIN, "/usr/etc/ssh/sshd_config")  # the second where the first is missing (openSUSE, SLES 16)
OWN = "/etc/ssh/sshd_config.d/00-agentprep.conf"
KEYWORD = "ClientAliveInterval"
ACCEPTED = range(1, 236)  # seconds; Microsoft LISA, verify_client_active_interval
ANYWHERE = re.compile(r"(0\.0\.0\.0|\*)(:\d+)?( |$)")  # values of ListenAddress (sshd_config(5))
REFUSAL = "/etc/ssh/sshd_not_to_be_run"  # ConditionPathExists=! of Debian's ssh.service
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """sshd is there, starts at boot, and asks after silent clients within Azure's bounds."""
    guest, row = system.guest, system.distro.row
    if guest.which("sshd") is None:
        units = tuple("*/systemd/system/*%s.*" % name for name in row.ssh_services)
        outputs = ("/usr/sbin/sshd", "/etc/ssh/*", "/usr/etc/ssh/*") + units
        outputs += tuple("/etc/*init*/%s" % name for name in row.ssh_services)
        yield from system.packages.install((row.ssh_package,), row.repository, policy, outputs, system.live)
        if guest.which("sshd") is None and not guest.guessed(system.packages.database):
            raise CommandFailed(
                "there is no sshd after %s was installed" % row.ssh_package,
                "see what the package brought with: %s %s" % (system.packages.listing, row.ssh_package),
            )
    unit = system.init.unit(row.ssh_services)
    if unit is not None:
        yield from system.init.enable(unit)
    elif not guest.guessed("/lib/systemd/system/%s.service" % row.ssh_services[0]):
        raise Blocked("sshd is there, but none of its services is (%s)" % ", ".join(row.ssh_services),
                      "install the distribution's own package: %s" % row.ssh_package)  # fmt: skip
    if guest.exists(REFUSAL):
        yield Remove(REFUSAL, "sshd does not start while this file is there")
    yield from _interval(guest, policy)
    place = decided(guest)
    if place is not None and seconds(place.value) not in ACCEPTED:
        yield Fact(
            "failed", "%s is %s in line %d of %s, in a block that comes before the rest of the file"
            % (KEYWORD, place.value, place.line, place.name), "take it out of the `Match all` block there",
        )  # fmt: skip
    elif unit is not None and place is not None:
        told = "%s starts at boot (%s)" % (unit, system.init.enabled(unit))
        yield Fact("ok", "%s; %s is %s in %s" % (told, KEYWORD, place.value, place.name))
    yield from _listening(guest)
    for told in walls.around(guest, system.init):
        yield Fact("warning", told, "let ssh in by the card %s and from where you will come on Azure" % CARD)
    yield from _keys(system, policy)


def decided(guest: Guest, own: str = "") -> Optional[sshd.Setting]:
    """What sets the interval for every connection, or None; as if the drop-in held `own` where that is given."""
    main = _main(guest)
    return sshd.effective(KEYWORD, main, guest.text(main) or "", _included(guest, own)) if main else None


def _main(guest: Guest) -> Optional[str]:
    return next((path for path in MAINS if guest.is_file(path)), None)


def _included(guest: Guest, own: str = "") -> sshd.Include:
    def included(pattern: str) -> List[Tuple[str, str]]:
        full = posixpath.join("/etc/ssh", pattern)
        paths = {path for path in guest.glob(full) if guest.is_file(path)}
        if own and full.count("/") == OWN.count("/") and fnmatch.fnmatchcase(OWN, full):
            paths.add(OWN)
        return [(path, own if own and path == OWN else guest.text(path) or "") for path in sorted(paths)]

    return included


def _listening(guest: Guest) -> Iterator[Fact]:
    """sshd ends when none of the addresses that it is told to listen at is there, and the one of IPv6 takes no IPv4."""
    main = _main(guest)
    found = sshd.every("ListenAddress", main, guest.text(main) or "", _included(guest)) if main else []
    if found and not any(ANYWHERE.match(one.value) for one in found):
        yield Fact(
            "failed", "sshd listens at %s only (line %d of %s), and the machine has another address on Azure"
            % (", ".join(one.value for one in found), found[0].line, found[0].name),
            "take ListenAddress out, or set it to 0.0.0.0",
        )  # fmt: skip


def seconds(value: str) -> int:
    """The seconds of a time such as 180, 3m or 1h30m (sshd_config(5), TIME FORMATS); 0, which is off, for no time."""
    if not re.match(r"(\d+[sSmMhHdDwW]?)+$", value):
        return 0
    return sum(int(number) * UNITS[unit.lower()] for number, unit in re.findall(r"(\d+)([a-zA-Z]?)", value))


def _interval(guest: Guest, policy: Policy) -> Iterator[Item]:
    """The interval is within bounds: by a drop-in that is read first, else where it is decided, else in MAIN."""
    place = decided(guest)
    if place is not None and seconds(place.value) in ACCEPTED:
        return
    value = str(policy.number("ssh-server.client_alive_interval"))
    why = "%s is %s, and Azure cuts silent connections after 4 minutes" % (KEYWORD, place.value if place else "not set")
    own = "# Written by agentprep: Azure's load balancers forget silent connections.\n%s %s\n" % (KEYWORD, value)
    first = decided(guest, own)
    if first is not None and first.name == OWN:
        yield Write(OWN, own.encode(), why)
    elif place is not None or guest.text(MAIN) is not None:
        path = place.name if place is not None else MAIN
        text = sshd.set_global(guest.text(path) or "", KEYWORD, value)
        yield Write(path, text.encode("utf-8", "surrogateescape"), why)
    elif guest.guessed(MAIN):
        yield Write(OWN, own.encode(), why)
    else:
        raise Blocked("%s is missing although sshd is installed" % MAIN,
                      "copy it from /usr/share/openssh, or install the package of sshd again")  # fmt: skip


def _keys(system: System, policy: Policy) -> Iterator[Fact]:
    """Each machine made of this disk makes host keys of its own, or a person is told that none does."""
    guest = system.guest
    agent = guest.which("waagent") is not None or guest.guessed("/usr/sbin/waagent")
    if detect(guest, policy).name != "cloud-init" and not agent and not made_at_boot(guest):
        yield Fact(
            "warning",
            "nothing makes new host keys at the first boot: neither waagent, cloud-init nor sshd's own unit or script",
            "do not skip agent-package, or run ssh-keygen -A before sshd at boot; where %s says %s=NO: take it out"
            % (SWITCHED, SWITCH),
        )


STEP = Step(
    id="ssh-server",
    title="sshd starts at boot and notices when a client is gone",
    reason=(
        "ssh is the only way into a new machine on Azure. Azure's network forgets a connection that is silent "
        "for four minutes, so sshd must ask after its clients more often: Azure's certification wants "
        "ClientAliveInterval between 1 and 235 seconds and reads what sshd itself makes of its files, of which "
        "the first value counts. Each machine needs host keys of its own, which waagent, cloud-init or "
        "sshd's own unit or script makes at the first boot."
    ),
    source="Microsoft, 'Azure VM certification FAQ'; Microsoft LISA, verify_client_active_interval; sshd_config(5)",
    remedy=(
        "apt-get install openssh-server && systemctl enable ssh  (dnf or yum: openssh-server and sshd; zypper: openssh "
        "and sshd; before systemd: chkconfig sshd on)\n"
        "echo 'ClientAliveInterval 180' > /etc/ssh/sshd_config.d/00-agentprep.conf  (or in /etc/ssh/sshd_config)\n"
        "see: sshd -T | grep -i clientaliveinterval"
    ),
    changes=changes,
)
