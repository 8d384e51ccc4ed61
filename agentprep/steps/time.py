"""chrony takes the time from Hyper-V's own clock where there is one, and starts where there is none."""

import posixpath
import re
from typing import Iterator, List, Optional

from ..changes import Link, Write
from ..errors import Malformed
from ..formats import lines, versions
from ..guest import Guest
from ..init.sysv import SysV
from ..init.upstart import Upstart
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

CONFIGS = ("/etc/chrony/chrony.conf", "/etc/chrony.conf")
NAMES = ("chrony", "chronyd")
UNITS = tuple(folder + "/systemd/system/%s.service" for folder in ("/etc", "/lib", "/usr/lib"))
RULES = ("/etc/udev/rules.d/*.rules", "/usr/lib/udev/rules.d/*.rules", "/lib/udev/rules.d/*.rules")
RULE_FILE = "/etc/udev/rules.d/68-agentprep-ptp.rules"
RULE_TEXT = 'ACTION!="remove", SUBSYSTEM=="ptp", ATTR{clock_name}=="hyperv", SYMLINK+="ptp_hyperv"\n'
WHY = "chrony uses Hyper-V's clock where there is one, and starts without it"
REFCLOCK = "refclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0 stratum 2"
STEPPED = "makestep 1.0 -1"
INCLUDED = "/run/chrony/ptp_hyperv.conf"  # the service's own folder, which AppArmor lets chronyd read
# chronyd ends with "Could not open PHC" when the clock of a refclock line is not there (4.3, 4.6.1): off Azure, and
# on Azure when it is faster than udev (WALinuxAgent issue 3038). So the line is given only once the clock is there;
# hv_utils brings it, which is given five seconds on Hyper-V. In a unit `$$` is `$` (systemd.service(5)).
DROP_IN = """\
# Made by agentprep: Hyper-V's clock is a time source of chrony, where there is one.
[Service]
ExecStartPre=+-/bin/sh -c 'n=0; \\
    while [ -d /sys/bus/vmbus ] && [ ! -e /dev/ptp_hyperv ] && [ $$n -lt 50 ]; do sleep 0.1; n=$$((n + 1)); done; \\
    rm -f %(file)s; \\
    if [ -e /dev/ptp_hyperv ]; then echo "%(line)s" >%(file)s; fi'
""" % {"file": INCLUDED, "line": REFCLOCK}
CONF = (
    """\
# Made by agentprep: %s holds the refclock of /dev/ptp_hyperv, Hyper-V's clock, when chronyd is
# started where there is such a clock; see the service's drop-in agentprep.conf.
confdir /run/chrony
"""
    % INCLUDED
)

# Where chrony has no confdir (before 4.0; Red Hat's and SUSE's own chrony.conf): `include` wants a file that is there,
# so it always is, and a service that comes before chronyd fills it. chronyd's own service may not write to /etc
# (ProtectSystem=), and `+` before a command is unknown to systemd 219.
FILLED = "/etc/chrony.agentprep.conf"
EMPTY = "# Made by agentprep: agentprep-ptp.service writes the clock of Hyper-V (ptp_hyperv) here where there is one.\n"
SERVICE = "/etc/systemd/system/agentprep-ptp.service"
SERVICE_TEXT = """\
# Made by agentprep: Hyper-V's clock is a time source of chrony, where there is one.
[Unit]
Description=Tell chrony of Hyper-V's clock
Before=chronyd.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'n=0; \\
    while [ -d /sys/bus/vmbus ] && [ ! -e /dev/ptp_hyperv ] && [ $$n -lt 50 ]; do sleep 0.1; n=$$((n + 1)); done; \\
    echo "%(comment)s" >%%(file)s; \\
    if [ -e /dev/ptp_hyperv ]; then echo "%(line)s" >>%%(file)s; fi'
""" % {"comment": EMPTY.strip(), "line": REFCLOCK}
SHOWN = (4, 11)  # the first kernel whose hv_utils shows the clock (Microsoft, "Time sync for Linux VMs in Azure")
SHOWN_EL7 = (3, 10, 0, 693)


def changes(system: System, policy: Policy) -> Iterator[Item]:
    guest = system.guest
    config = next((path for path in CONFIGS if guest.is_file(path)), None)
    if config is None or guest.which("chronyd") is None:
        yield Fact("ok", "not applicable: chrony is not installed; hv_utils sets the clock on Azure")
        return
    kernels = [kernel.version for kernel in system.kernels]
    if kernels and not any(map(shows_clock, kernels)):
        yield Fact("ok", "not applicable: no kernel here shows Hyper-V's clock (%s)" % ", ".join(kernels))
        return
    shipped = [path for pattern in RULES for path in guest.glob(pattern) if "ptp_hyperv" in (guest.text(path) or "")]
    if not shipped:
        yield Write(RULE_FILE, RULE_TEXT.encode(), "/dev/ptp_hyperv is Hyper-V's clock, whatever its number")
    yield from _stepping(guest, config)
    yield from _refclock(guest, config)


def _refclock(guest: Guest, config: str) -> Iterator[Item]:
    read = [words for words in _directives(guest, config) if len(words) > 1]
    folders = [words[1] for words in read if words[0] == "confdir"]
    included = [words[1] for words in read if words[0] == "include"]
    for path in (
        [config]
        + [path for one in folders for path in guest.glob(one + "/*.conf")]
        + [path for one in included for path in guest.glob(one)]
    ):
        if (guest.text(path) or "").startswith(EMPTY.strip()):
            continue  # filled by our own service
        clocks = [" ".join(words) for words in _directives(guest, path) if words[0] == "refclock"]
        given = next((clock for clock in clocks if "/dev/ptp" in clock), "")
        if given:
            yield Fact("note", "%s says: %s; where there is no such clock, chronyd does not start" % (path, given))
            return
    unit = next((unit % name for name in NAMES for unit in UNITS if guest.is_file(unit % name)), None)
    if unit is None or Upstart.probe(guest) or SysV.probe(guest):
        told = "systemd does not start chrony here: Hyper-V's clock is not made a source"
        yield Fact("person", told, "on the Azure VM add to %s: %s" % (config, REFCLOCK))
        return
    own = next((folder for folder in folders if folder.startswith("/etc/")), None)
    if own and "RuntimeDirectory=chrony" in (guest.text(unit) or ""):
        yield from _dropped_in(guest, unit, own)
    else:
        yield from _included(guest, config, unit, own)


def _dropped_in(guest: Guest, unit: str, own: str) -> Iterator[Item]:
    """The service writes the line to its own folder in /run, which chrony reads as another confdir."""
    drop_in = "/etc/systemd/system/%s.d/agentprep.conf" % posixpath.basename(unit)
    for path, wanted in ((drop_in, DROP_IN), (own + "/agentprep.conf", CONF)):
        if guest.text(path) != wanted:
            yield Write(path, wanted.encode(), WHY)
    yield Fact("ok", "chrony uses /dev/ptp_hyperv where that is there (%s, %s/agentprep.conf)" % (drop_in, own))


def _included(guest: Guest, config: str, unit: str, own: Optional[str]) -> Iterator[Item]:
    """A service that comes before chrony's writes the line to a file that chrony includes."""
    text = guest.text(config) or ""
    patterns = [words[1] for words in _directives(guest, config) if words[0] == "include" and len(words) > 1]
    folder = own or next((pattern[: -len("/*.conf")] for pattern in patterns if pattern.endswith("/*.conf")), None)
    file = folder + "/agentprep.conf" if folder else FILLED
    name = posixpath.basename(unit)
    service = SERVICE_TEXT.replace("Before=chronyd.service", "Before=" + name) % {"file": file}
    if guest.text(SERVICE) != service:
        yield Write(SERVICE, service.encode(), WHY)
    wants = "/etc/systemd/system/%s.wants/%s" % (name, posixpath.basename(SERVICE))
    if guest.canonical(wants) != SERVICE:
        yield Link(wants, SERVICE, WHY)
    if guest.text(file) is None:  # the service fills it: what is there is its own
        yield Write(file, EMPTY.encode(), WHY)
    if not folder and FILLED not in patterns:
        new = "".join(lines.ended(lines.split(text), lines.newline(text))) + "include " + FILLED + lines.newline(text)
        yield Write(config, new.encode("utf-8", "surrogateescape"), WHY)
    yield Fact(
        "ok", "chrony uses /dev/ptp_hyperv where that is there (%s fills %s)" % (posixpath.basename(SERVICE), file)
    )


def shows_clock(version: str) -> bool:
    """The kernel shows Hyper-V's clock as a PTP device; one whose number is not known does."""
    try:
        numbers = versions.numbers(version)
    except Malformed:
        return True
    return numbers[:2] >= SHOWN or (".el7" in version and numbers[:4] >= SHOWN_EL7)


def _stepping(guest: Guest, config: str) -> Iterator[Item]:
    """The clock is stepped after a pause of the VM too, not only in the first updates; the last line counts."""
    text = guest.text(config) or ""
    found = [words for words in _directives(guest, config) if words[0] == "makestep"]
    if found and found[-1][-1] == "-1":
        return
    if found:
        new = re.sub(r"(?mi)^[ \t]*makestep[ \t][^\r\n]*", STEPPED, text)
    else:
        new = "".join(lines.ended(lines.split(text), lines.newline(text))) + STEPPED + lines.newline(text)
    yield Write(config, new.encode("utf-8", "surrogateescape"), "the clock is right again after the VM was paused")


def _directives(guest: Guest, path: str) -> List[List[str]]:
    """The words of each line; a directive is told by the first, in any case (chrony.conf(5))."""
    found = [line.split() for line in (guest.text(path) or "").splitlines()]
    return [[words[0].lower()] + words[1:] for words in found if words]


STEP = Step(
    id="time",
    title="chrony takes the time from the Azure host's clock",
    reason="Azure's hosts have an exact clock and show it to a VM as a PTP device; its number changes when "
    "accelerated networking adds another one, so udev gives it the name /dev/ptp_hyperv. Kernels show it since 4.11, "
    "those of Red Hat's release 7 since 3.10.0-693. A VM that "
    "was paused or moved must be allowed to step its clock at any time. chronyd does not start when a "
    "clock that it is told of is missing, so the line is given to it only where that clock is there.",
    source='Microsoft, "Time sync for Linux VMs in Azure"; LISA TimeSync.verify_timesync_ptp; '
    "Azure/WALinuxAgent issue 3038; chrony.conf(5)",
    remedy="Look for the rule: grep -r ptp_hyperv /lib/udev/rules.d /etc/udev/rules.d\n"
    "On the Azure VM add to chrony's configuration: refclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0 "
    "stratum 2\n"
    "and: makestep 1.0 -1",
    changes=changes,
)
