"""What is still written until power-off is removed at power-off: above all the history of the shell at work now.

Two units below /run, which vanish with the boot, are started now and do their work when they are stopped.  "When two
units with an ordering dependency between them are shut down, the inverse of the start-up order is applied"
(systemd.unit(5)): a unit that is ordered *before* others is stopped after them.
"""

import shlex
from typing import Iterator, List, Tuple

from ..accounts import NAMES, PLACES, homes
from ..by_hand import POWER_OFF
from ..changes import Run, Write
from ..commands import Completed
from ..errors import Unknown
from ..guest import Guest
from ..mounts import inside, over
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System
from .traces import LEASES, SEEDS

UNITS, SCRIPTS = "/run/systemd/system", "/run/agentprep"
RUNNING = "/run/systemd/units/invocation:agentprep-forget*.service"  # links of what is active (systemd 236)
BY_HAND = "end every other session; then in the last shell: unset HISTFILE; and power off without leaving it"

# DefaultDependencies=no: units such as these would otherwise be ordered after sysinit.target, which some of those below
# are a part of.  Conflicts=shutdown.target is what stops them.
UNIT = """\
[Unit]
Description=%(description)s
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target %(before)s
RequiresMountsFor=%(mounts)s
IgnoreOnIsolate=yes

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh %(script)s
"""

# Every session's scope is ordered after its slice, as all units are, and that after user.slice (systemd.slice(5)):
# user.slice is stopped when no session is left, whose shells have then written their histories, at SIGHUP.
SESSIONS = ("systemd-user-sessions.service", "user.slice", "systemd-logind.service", "ssh.service", "sshd.service")
# They save a seed, a record of the shutdown, and leases when they are stopped.
WRITERS = ("systemd-random-seed.service", "systemd-update-utmp.service", "networking.service", "NetworkManager.service",
           "systemd-networkd.service", "dhcpcd.service", "network.service", "wickedd.service",
           "wickedd-dhcp4.service",
           "systemd-journal-flush.service")  # fmt: skip

# A shell that belongs to no session (sshd without pam_systemd) is left until systemd's last SIGTERM and SIGHUP, and
# would write its history then: it is killed.  The seventh field of /proc/PID/stat is the terminal (proc(5)).
SHELLS = """\
#!/bin/sh
for stat in /proc/[0-9]*/stat; do
    read -r pid name state parent group session terminal rest < "$stat" || continue
    case "$name $terminal" in
        *" 0") ;;
        "("*"sh) "*) kill -KILL "$pid" ;;
    esac
done 2>/dev/null
"""
FIND = "find %s -xdev%s -type f \\( %s \\) -exec rm -f {} + 2>/dev/null\n"


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """Both units wait for the power-off, where systemd runs the guest and agentprep runs in it."""
    guest = system.guest
    if system.live is None:
        if guest.root == "/":
            yield Fact("note", "a shell that is open in this chroot writes its history when it ends",
                       "leave it with: unset HISTFILE; exit")  # fmt: skip
        else:
            yield Fact("ok", "not needed: no shell of the guest at %s is open" % guest.root)
        return
    if not guest.is_folder("/run/systemd/system"):  # sd_booted(3)
        yield Fact(
            "person",
            "systemd does not run here: the shells that are open write their histories later, and the shutdown "
            "writes a seed and a record of itself",
            BY_HAND,
        )
        return
    stale = False
    for path, text in files(guest):
        if guest.text(path) != text:
            stale = True
            mode = 0o644 if path.endswith(".service") else 0o700
            yield Write(path, text.encode("utf-8", "surrogateescape"), "it works at power-off", mode, secret=True)
    if stale or not waits(guest):
        yield Run((("systemctl", "daemon-reload"),), (), "systemd reads its new units", tolerate=tolerated)
        start = ("systemctl", "start", "agentprep-forget.service", "agentprep-forget-machine.service")
        yield Run((start,), (RUNNING,), "what is written until power-off is removed then", tolerate=tolerated)
    if guest.guessed(RUNNING) or waits(guest):
        yield Fact("note", "histories, seeds and leases that are written until then are removed at power-off",
                   "shut it down, do not cut its power: systemctl poweroff")  # fmt: skip
    else:
        yield Fact("person", "systemd did not start the unit that would empty the histories at power-off", BY_HAND)


def files(guest: Guest) -> List[Tuple[str, str]]:
    """(path, content) of the scripts and units."""
    mounts = inside(guest)
    found = homes(guest, mounts)
    held = {mount.point for home in found.deep + found.shallow for mount in over(mounts, home) if not mount.foreign}
    tests = " -o ".join(["-name %s" % shlex.quote(name) for name in NAMES])
    places = tests + " -o " + " -o ".join("-path %s" % shlex.quote(place) for place in PLACES)
    script = SHELLS
    for home in found.deep:
        script += FIND % (shlex.quote(home), "", places)
    for home in found.shallow:
        script += FIND % (shlex.quote(home.rstrip("/") + "/."), " -maxdepth 1", tests)
    machine = "#!/bin/sh\njournalctl --relinquish-var 2>/dev/null\nrm -rf /var/log/journal/* %s\n" % " ".join(
        trace.pattern for trace in LEASES + SEEDS
    )
    machine += "for file in /var/log/wtmp /var/log/btmp /var/log/lastlog; do [ ! -f $file ] || : > $file; done\n"
    return [
        (SCRIPTS + "/forget", script),
        (SCRIPTS + "/forget-machine", machine),
        (UNITS + "/agentprep-forget.service",
         _unit("Remove the histories of shells at power-off", SESSIONS, ["/root"] + sorted(held), "/forget")),
        (UNITS + "/agentprep-forget-machine.service",
         _unit("Remove seeds, leases and records at power-off", WRITERS, ["/var/lib", "/var/log"], "/forget-machine")),
    ]  # fmt: skip


def _unit(description: str, before: Tuple[str, ...], mounts: List[str], script: str) -> str:
    quoted = ['"%s"' % path.replace("\\", "\\\\").replace("%", "%%").replace('"', '\\"') for path in mounts]
    return UNIT % {
        "description": description, "before": " ".join(before), "mounts": " ".join(quoted), "script": SCRIPTS + script,
    }  # fmt: skip


def waits(guest: Guest) -> bool:
    """Both units are active."""
    try:
        guest.ask("systemctl", "is-active", "agentprep-forget.service", "agentprep-forget-machine.service")
    except Unknown:
        return False
    return True


def tolerated(done: Completed) -> str:
    """The note on a failure; that the units do not wait is found out afterwards."""
    last = next((line for line in reversed(done.tail) if line.strip()), "no output")
    return "%s ended with %d: %s" % (" ".join(done.argv), done.code, last)


STEP = Step(
    id="deprovision-last-shell",
    title="The history of the shell that is at work now is removed at power-off",
    reason="A shell writes its history when it ends, after everything here is done; `export HISTSIZE=0` in a script "
    "changes another shell. So the last removal happens from outside, when systemd has ended every session on the "
    "way to power-off. The random seed, DHCP leases and the record of the shutdown are written on that way too, and "
    "go with it.",
    source="Microsoft, Information for non-endorsed distributions, last step (HISTSIZE=0, logout); systemd.unit(5), "
    "'Before=, After='; bash(1), 'SIGNALS'",
    remedy="In every open shell: unset HISTFILE. In the last one, as root: rm -f ~/.bash_history "
    "/home/*/.bash_history; then: " + POWER_OFF,
    changes=changes,
    one_way=True,
)
