"""chrony takes the time from Hyper-V's own clock where there is one, and starts where there is none."""

import posixpath
import re
from typing import Iterator, List

from ..changes import Write
from ..formats import lines
from ..guest import Guest
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

CONFIGS = ("/etc/chrony/chrony.conf", "/etc/chrony.conf")
NAMES = ("chrony", "chronyd")
UNITS = tuple(folder + "/systemd/system/%s.service" for folder in ("/etc", "/lib", "/usr/lib"))
RULES = ("/etc/udev/rules.d/*.rules", "/usr/lib/udev/rules.d/*.rules", "/lib/udev/rules.d/*.rules")
RULE_FILE = "/etc/udev/rules.d/68-agentprep-ptp.rules"
RULE_TEXT = 'ACTION!="remove", SUBSYSTEM=="ptp", ATTR{clock_name}=="hyperv", SYMLINK+="ptp_hyperv"\n'
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


def changes(system: System, policy: Policy) -> Iterator[Item]:
    guest = system.guest
    config = next((path for path in CONFIGS if guest.is_file(path)), None)
    if config is None or guest.which("chronyd") is None:
        yield Fact("ok", "not applicable: chrony is not installed; hv_utils sets the clock on Azure")
        return
    shipped = [path for pattern in RULES for path in guest.glob(pattern) if "ptp_hyperv" in (guest.text(path) or "")]
    if not shipped:
        yield Write(RULE_FILE, RULE_TEXT.encode(), "/dev/ptp_hyperv is Hyper-V's clock, whatever its number")
    yield from _stepping(guest, config)
    yield from _refclock(guest, config)


def _refclock(guest: Guest, config: str) -> Iterator[Item]:
    folders = [words[1] for words in _directives(guest, config) if words[0] == "confdir" and len(words) > 1]
    for path in [config] + [path for folder in folders for path in guest.glob(folder + "/*.conf")]:
        clocks = [" ".join(words) for words in _directives(guest, path) if words[0] == "refclock"]
        given = next((clock for clock in clocks if "/dev/ptp" in clock), "")
        if given:
            yield Fact("note", "%s says: %s; where there is no such clock, chronyd does not start" % (path, given))
            return
    own = next((folder for folder in folders if folder.startswith("/etc/")), None)
    unit = next((unit % name for name in NAMES for unit in UNITS if guest.is_file(unit % name)), None)
    if own is None or unit is None or "RuntimeDirectory=chrony" not in (guest.text(unit) or ""):
        yield Fact(
            "person",
            "%s has no confdir, or chrony's unit no RuntimeDirectory: Hyper-V's clock is not made a source" % config,
            "on the Azure VM add to %s: %s" % (config, REFCLOCK),
        )
        return
    drop_in = "/etc/systemd/system/%s.d/agentprep.conf" % posixpath.basename(unit)
    for path, wanted in ((drop_in, DROP_IN), (own + "/agentprep.conf", CONF)):
        if guest.text(path) != wanted:
            yield Write(path, wanted.encode(), "chrony uses Hyper-V's clock where there is one, and starts without it")
    yield Fact("ok", "chrony uses /dev/ptp_hyperv where that is there (%s, %s/agentprep.conf)" % (drop_in, own))


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
    "accelerated networking adds another one, so udev gives it the name /dev/ptp_hyperv. A VM that "
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
