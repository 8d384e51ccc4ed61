"""rpm: what is installed is asked of the guest's own rpm; what is to be installed is left to the front end in charge.

The front ends are the same in all but their names, options, locks and words: see dnf.py, yum.py and zypper.py.
"""

import posixpath
import re
from typing import Any, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

from ..changes import Change, Run
from ..commands import Completed
from ..errors import Blocked, Unknown
from ..formats import versions
from ..guest import Guest
from ..policy import Policy
from .apt import STATUS
from .lock import holders, waited_for
from .words import DAMAGED, failure, note

# %_dbpath and the file of each %_db_backend (rpm 4.16 and later; Berkeley DB alone before).  /var/lib/rpm is a link to
# the first folder in Fedora 36 and later and on SUSE since 15 SP3.
FOLDERS = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
FILES = ("rpmdb.sqlite", "Packages.db", "Packages")
LISTED = r"%{NAME}\t%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}\n"


def database(guest: Guest) -> str:
    """The path of the database that rpm keeps, or "" when there is none with anything in it."""
    for path in [folder + "/" + name for folder in FOLDERS for name in FILES]:
        found = guest.stat(path) if guest.is_file(path) else None
        if found is not None and found.st_size:
            return guest.canonical(path)
    return ""


def front(guest: Guest) -> Tuple[str, str]:
    """The front end in charge and its program, ("", "") when rpm does not keep the guest's packages.

    Two often stand side by side: dnf beside zypper on SUSE, yum's own name for dnf from RHEL 8 on, dnf as a preview
    beside yum in RHEL 7, microdnf in small images.
    """
    status = guest.stat(STATUS)
    if not database(guest) or (status is not None and status.st_size):
        return "", ""  # on Debian rpm is a tool, and its database one that somebody made with it
    zypper, yum = guest.which("zypper"), guest.which("yum")
    dnf = next((path for path in map(guest.which, ("dnf", "dnf5", "dnf-3")) if path), None)
    if zypper and (guest.glob("/etc/zypp/repos.d/*.repo") or guest.exists("/etc/products.d/baseproduct") or not dnf):
        return "zypper", zypper
    if yum and (not dnf or b"yummain" in (guest.read(yum) or b"")) and not guest.link(yum):
        return "yum", yum
    small = next((path for path in map(guest.which, ("tdnf", "microdnf")) if path), None)
    found = dnf or small
    return ("dnf", found) if found else ("rpm", guest.which("rpm") or "no program for it")


class Order(NamedTuple):
    """What the commands of an installation have in common: the program, the repository named, what they bring."""

    program: str
    repository: str
    outputs: Tuple[str, ...]
    why: str

    def run(self, argv: Tuple[str, ...], packages: Sequence[str]) -> Run:
        def explained(done: Completed) -> str:
            if note(done):
                return note(done)
            raise failure(done, packages, self.repository)

        return Run((argv,), self.outputs, self.why, tolerate=explained)


class Rpm:
    """The packages of a guest that has rpm and no front end to it; the front ends add how to install one."""

    name = "rpm"
    listing = "rpm -ql"
    locks: Tuple[str, ...] = ("/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock")
    pids: Tuple[str, ...] = ()  # files that hold the number of the process

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self._listed: Dict[str, str] = {}

    @classmethod
    def probe(cls, guest: Guest) -> Optional[str]:
        """Evidence: rpm's database has something in it, dpkg's has not, and this is the front end in charge."""
        name, program = front(guest)
        if name != cls.name:
            return None
        path = database(guest)
        found = guest.stat(path)
        return "%s has %d KiB and %s is there" % (path, (found.st_size if found else 0) >> 10, program)

    @property
    def database(self) -> str:
        """The path of rpm's database: unknown on a draft on which something is to be installed."""
        return database(self.guest) or "/var/lib/rpm/Packages"

    def version(self, package: str) -> Optional[str]:
        """The version of a package that is installed, the latest of several, or None.

        Raises Unknown when rpm cannot be asked: there is none, or it cannot be started here.
        """
        if not self._listed:
            self._listed = self._list()
        return self._listed.get(package)

    def _list(self) -> Dict[str, str]:
        try:
            output = self.guest.ask("rpm", "-qa", "--nodigest", "--nosignature", "--qf", LISTED, limit=120)
        except Unknown as error:
            if not re.search(DAMAGED, error.message):
                raise
            why = error.message.rpartition(": ")[2]
            raise Unknown("rpm cannot read %s: %s" % (self.database, why), self._mended()) from None
        found: Dict[str, str] = {}
        for line in output.decode("utf-8", "replace").splitlines():
            name, _, version = line.partition("\t")
            if version and (name not in found or versions.rpm(found[name], version) < 0):
                found[name] = version
        if not found:
            raise Unknown("rpm lists no package, although %s is not empty" % self.database, self._mended())
        return found

    def _mended(self) -> str:
        folder = self.database.rpartition("/")[0]
        return "stop what uses it, then: rm -f %s/__db.*; rpm --rebuilddb" % folder

    def changelog(self, image: str, version: str) -> str:
        """What the changelog of a kernel's package says; Unknown when no package brought the image."""
        return self.guest.ask("rpm", "-q", "--changelog", "-f", image).decode("utf-8", "replace")

    def install(
        self,
        packages: Sequence[str],
        repository: str,
        policy: Policy,
        outputs: Tuple[str, ...] = (),
        live: Any = None,
        removes: Sequence[str] = (),
    ) -> Iterator[Change]:
        """The packages are installed from the guest's repositories, without what they only recommend.

        `outputs` are globs of what they bring; `removes` names the packages in conflict that may go: no other ever
        does.  One that is installed already gets its missing files back.  Raises Blocked when the guest has no front
        end.
        """
        program = front(self.guest)[1]
        if self.name == "rpm" or not program:
            raise Blocked(*_by_hand(self.guest, packages, repository))
        if live is not None:
            found = holders(self.guest, live, self.locks, self.pids)
            yield from waited_for(found, policy.number("limits.lock"))
        again = tuple(package for package in packages if self.version(package) is not None)
        new = tuple(package for package in packages if package not in again)
        why = "%s lacks a file of its package" % again[0] if again else "not installed: %s" % ", ".join(new)
        order = Order(
            posixpath.basename(program), repository, (self.database.rpartition("/")[0] + "/*",) + outputs, why
        )
        if again:
            yield order.run((order.program,) + self.words(order.program, "reinstall", ()) + again, again)
        if new:
            yield from self.new(order, new, removes)
        self._listed = {}

    def words(self, program: str, verb: str, removes: Sequence[str]) -> Tuple[str, ...]:
        """The options and the word of a command that installs, or installs anew, with no question asked."""
        raise NotImplementedError

    def new(self, order: Order, packages: Tuple[str, ...], removes: Sequence[str]) -> Iterator[Change]:
        """The changes that install what is not there."""
        yield order.run((order.program,) + self.words(order.program, "install", removes) + packages, packages)


def _by_hand(guest: Guest, packages: Sequence[str], repository: str) -> Tuple[str, str]:
    """The error of a guest without a front end, and what to do there."""
    names = " ".join(packages)
    told = "%s is not installed, and the guest has no dnf, yum or zypper to install it" % names
    if guest.which("rpm-ostree"):
        return told, "add it to the ostree: rpm-ostree install %s; reboot; then run agentprep again" % names
    return told, "install it from %s, then run agentprep again" % repository
