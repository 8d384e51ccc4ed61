"""Logs, mail, caches and temporary files of this machine are gone; log files that programs open stay, empty."""

import posixpath
import re
import stat
from typing import Iterator, List, Tuple

from ..changes import Run
from ..commands import Completed
from ..guest import Guest
from ..mounts import Mount, inside
from ..policy import HERE, Policy
from ..step import Fact, Item, Step
from ..system import System
from .traces import Trace, forget, gone

LOGS, JOURNAL = "/var/log", "/var/log/journal"
TRACES = (
    Trace(JOURNAL + "/*", "the journal of this machine"),
    Trace("/var/log/installer", "the installer's log, with its answers"),
    Trace("/var/log/anaconda", "the installer's log, with its answers"),
    Trace("/root/anaconda-ks.cfg", "the installer's answers, with root's password hash"),
    Trace("/root/original-ks.cfg", "the installer's answers, with root's password hash"),
    Trace("/root/initial-setup-ks.cfg", "the installer's answers, with root's password hash"),
    Trace("/root/install.log*", "the installer's log"),
    Trace("/root/autoinst.xml", "the installer's answers, with password hashes"),
    Trace("/var/adm/autoinstall/*", "the installer's answers, with password hashes"),
    Trace("/var/lib/rsyslog/imjournal.state", "a place in the former journal"),
    Trace("/var/mail/*", "mail of this machine"),
    Trace("/var/spool/mail/*", "mail of this machine"),
    Trace("/var/crash/*", "memory of a program or kernel that crashed"),
    Trace("/var/lib/systemd/coredump/*", "memory of a program that crashed"),
    Trace("/var/spool/abrt/*", "memory of a program that crashed"),
    Trace("/var/lib/sudo/ts/*", "who has used sudo"),
    Trace("/var/lib/sudo/lectured/*", "who has used sudo"),
    Trace("/var/cache/apt/archives/*.deb", "a package that is installed"),
    Trace("/var/cache/apt/archives/partial/*", "a package that was not fetched to its end"),
    Trace("/var/cache/dnf/*", "the package manager's cache"),
    Trace("/var/cache/yum/*", "the package manager's cache"),
    Trace("/var/cache/zypp/packages/*", "the package manager's cache"),
)
# Files that logrotate, dpkg, savelog or journald put aside.
ROTATED = re.compile(r"(\.(gz|xz|bz2|zst|lz4|old|\d{1,3})|\.\d{1,3}\.log|-\d{8}(-\d+)?(\.\w+)*)$")
# A database's own files that happen to be in /var/log (MySQL's default on Debian): it does not start without them.
DATABASE = re.compile(r"(bin|relay)[^/]*\.(\d{6}|index|state)$")
# What programs that still run have there; it is no data, and systemd-tmpfiles clears it at boot (tmpfiles.d/tmp.conf).
IN_USE = re.compile(r"systemd-private-|snap-private-tmp|tmux-|ssh-|\.(X11|ICE|XIM|font|Test)-unix$|\.X\d+-lock$")
RELINQUISH = ("journalctl", "--relinquish-var")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """Nothing of what happened on this machine is told by its logs, caches and temporary files."""
    guest, mounts = system.guest, inside(system.guest)
    booted = system.live is not None and guest.is_folder("/run/systemd/system")
    if booted and guest.names(JOURNAL) and guest.which("journalctl"):
        why = "journald writes to memory from now on; it would make its files again at once (systemd 243)"
        yield Run((RELINQUISH,), (), why, tolerate=tolerated)
    yield from forget(guest, TRACES)
    kept = []
    for path, found in files(guest, LOGS):
        if DATABASE.search(path):
            kept.append(path)
        elif ROTATED.search(path):
            yield from gone(path, "a former log of this machine", mounts)
        elif found:
            yield from gone(path, "a log of this machine", mounts, empty=True)
    for folder in ("/tmp", "/var/tmp"):
        yield from _temporary(guest, folder, mounts)
    if kept:
        yield Fact("note", "left in %s, since they are a database's own files: %s" % (LOGS, ", ".join(kept)))
    yield Fact("ok", "every log is empty, and no mail, crash dump, cached package or temporary file is left")


def files(guest: Guest, folder: str) -> Iterator[Tuple[str, int]]:
    """(path, size) of every regular file of the logs but the journal's and the installer's, which go as a whole."""
    whole = tuple(trace.pattern.rstrip("*").rstrip("/") + "/" for trace in TRACES[:3])
    for path in guest.walk(folder):
        found = guest.stat(path, follow=False)
        if found is not None and stat.S_ISREG(found.st_mode) and not path.startswith(whole):
            yield path, found.st_size


def own(guest: Guest) -> List[str]:
    """Paths that this very process uses: its program, its folder, where its output goes."""
    if guest.root != "/":
        return []
    links = [guest.link("/proc/self/" + name) or "" for name in ("cwd", "exe", "fd/1", "fd/2")]
    return [HERE] + [link for link in links if link.startswith("/")]


def _temporary(guest: Guest, folder: str, mounts: List[Mount]) -> Iterator[Item]:
    used = own(guest)
    for name in guest.names(folder):
        path = posixpath.join(folder, name)
        if not IN_USE.match(name) and not any((one + "/").startswith(path + "/") for one in used):
            yield from gone(path, "a temporary file of this machine", mounts)


def tolerated(done: Completed) -> str:
    """systemd below 243 cannot do it: the file that journald makes again is removed at power-off."""
    last = next((line for line in reversed(done.tail) if line.strip()), "no output")
    return "%s ended with %d (%s): journald may write some more lines" % (" ".join(RELINQUISH), done.code, last)


STEP = Step(
    id="deprovision-logs",
    title="Logs, mail, caches and temporary files are gone",
    reason="waagent removes its own log only. The others tell of users, addresses, commands and failures of this "
    "machine, the installer's answers may hold a password hash, and they take room on every VM. Log files keep "
    "their owner and mode and are emptied, since programs expect to find them; rotated ones are removed.",
    source="virt-sysprep's operations (logfiles, tmp-files, mail-spool, crash-data, package-manager-cache); "
    "journald.conf(5); journalctl(1), --relinquish-var",
    remedy="As root: journalctl --relinquish-var; rm -rf /var/log/journal/* /var/log/installer; find /var/log -type "
    "f -name '*.gz' -delete; find /var/log -type f -exec truncate -s 0 {} +; apt-get clean, dnf or yum clean "
    "all, or zypper clean --all; rm -rf /tmp/* /var/tmp/*",
    changes=changes,
    one_way=True,
)
