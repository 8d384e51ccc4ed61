"""apt with dpkg: what is installed is read from dpkg's own status file, what is to be installed is left to apt-get."""

import re
import zlib
from typing import Any, Iterator, Optional, Sequence, Tuple

from ..changes import Run
from ..commands import Completed
from ..errors import Blocked, CommandFailed
from ..guest import Guest
from ..policy import Policy
from .lock import holders, waited_for

STATUS = "/var/lib/dpkg/status"
UPDATES = "/var/lib/dpkg/updates"
LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock")
CHUNK = 1 << 20  # bytes; the file has several MiB on a desktop
LIMIT = 256 << 20  # bytes, of a file that nothing like dpkg has written
CHANGELOG = 16 << 20  # bytes; that of Debian's kernels has 5 MiB
UNSETTLED = re.compile(rb"\nStatus: \S+ \S+ (unpacked|half-configured)\n")

# What apt-get says (apt 1.6 to 3.0) and what to do about it; {repository} is the distribution row's.
ABSENT = (r"Unable to locate package|has no installation candidate", "no repository of the guest has the package",
          "add {repository} to /etc/apt/sources.list, run apt-get update, then run agentprep again")  # fmt: skip
UNREACHABLE = (
    r"Temporary failure resolving|Could not (resolve|connect)|Network is unreachable|Connection (failed|timed out)",
    "the repositories cannot be reached",
    "give the guest a way to {repository} (or a local mirror), then run agentprep again",
)
REMEDIES = (
    ABSENT,
    UNREACHABLE,
    (r"Could not get lock|Unable to acquire the dpkg|Unable to lock", "another program holds the lock",
     "wait until it has ended (see: ps -C apt-get,apt,dpkg,unattended-upgr), then run agentprep again"),
    (r"No space left on device|You don't have enough free space", "the disk is full",
     "free some space with: apt-get clean; then run agentprep again"),
    (r"Packages need to be removed but remove is disabled", "other packages would have to be removed",
     "see which with: apt-get --simulate install {packages}; install it by hand if that is wanted"),
    (r"unmet dependencies|held broken packages", "its dependencies cannot be met",
     "repair them with: apt-get --fix-broken install; then run agentprep again"),
)  # fmt: skip


class Apt:
    """The package manager of Debian and its descendants."""

    name = "apt"
    listing = "dpkg -L"
    database = STATUS  # unknown on a draft on which something is to be installed

    def __init__(self, guest: Guest) -> None:
        self.guest = guest
        self.updated = False  # the lists were, since this backend was picked
        self.trouble = ""  # what that said when it failed

    @staticmethod
    def probe(guest: Guest) -> Optional[str]:
        """Evidence: dpkg's status file lists something; it is empty where dpkg is only a tool."""
        found = guest.stat(STATUS)
        if found is None or not found.st_size:
            return None
        tool = guest.which("apt-get")
        return "%s has %d KiB and %s is there" % (STATUS, found.st_size >> 10, tool or "no apt-get")

    def version(self, package: str) -> Optional[str]:
        """The version of a package that is installed and configured, or None."""
        for stanza in self._stanzas(package):
            if b"\nStatus: install ok installed\n" in stanza or b"\nStatus: hold ok installed\n" in stanza:
                match = re.search(rb"\nVersion: (\S+)", stanza)
                return match.group(1).decode() if match else ""
        return None

    def changelog(self, image: str, version: str) -> str:
        """What the changelog of a kernel's package says; "" when no package brought one."""
        for name in ("changelog.Debian.gz", "changelog.gz"):
            stream = self.guest.open("/usr/share/doc/linux-image-%s/%s" % (version, name))
            if stream is not None:
                with stream:
                    text = zlib.decompressobj(31).decompress(stream.read(CHANGELOG), CHANGELOG)
                return text.decode("utf-8", "replace")
        return ""

    def interrupted(self) -> str:
        """Why `dpkg --configure -a` must run first, or "".

        apt refuses to work while the journal of updates has numbered files (apt-pkg/deb/debsystem.cc, CheckUpdates).
        """
        left = [name for name in self.guest.names(UPDATES) if name.isdigit()]
        if left:
            return "dpkg was interrupted: %s/%s is left" % (UPDATES, left[0])
        state = next((match.group(1).decode() for match in self._search(UNSETTLED)), "")
        return "a package is %s in %s" % (state, STATUS) if state else ""

    def install(
        self,
        packages: Sequence[str],
        repository: str,
        policy: Policy,
        outputs: Tuple[str, ...] = (),
        live: Any = None,
        removes: Sequence[str] = (),
    ) -> Iterator[Run]:
        """The packages are installed from the guest's repositories, their recommendations left out.

        `outputs` are globs of what they bring; `removes` names the packages in conflict that may go.  One that is
        installed already gets its missing configuration files back.  Raises Blocked when the guest has no apt-get.
        """
        if self.guest.which("apt-get") is None:
            raise Blocked(
                "%s is not installed, and the guest has no apt-get to install it" % " ".join(packages),
                "install it from %s, then run agentprep again" % repository,
            )
        seconds = policy.number("limits.lock")
        if live is not None:  # apt before 1.9.11 does not wait at all, later ones not for the lists' lock
            yield from waited_for(holders(self.guest, live, LOCKS), seconds)
        why = self.interrupted()
        if why:
            argv: Tuple[str, ...] = ("dpkg", "--force-confdef", "--force-confold", "--configure", "-a")
            yield Run((argv,), (STATUS,), why, hint="see which package fails with: dpkg --audit")
        tool = ("apt-get", "-o", "DPkg::Lock::Timeout=%d" % seconds)  # from apt 1.9.11; unknown before, and no harm
        if not self.updated:
            why = "old package lists name files that the repositories no longer have"
            argv = tool + ("-o", "APT::Update::Error-Mode=any", "update")  # else apt 2 ends well without a network
            yield Run((argv,), ("/var/lib/apt/lists/*",), why, tolerate=self._noted)
            self.updated = True
        again = [package for package in packages if self.version(package) is not None]
        argv = tool + ("-y", "--no-install-recommends") + (() if removes else ("--no-remove",))
        for option in ("--force-confdef", "--force-confold") + (("--force-confmiss",) if again else ()):
            argv += ("-o", "Dpkg::Options::=" + option)
        argv += ("install",) + (("--reinstall",) if again else ()) + tuple(packages)
        why = "%s lacks a file of its package" % again[0] if again else "not installed: %s" % ", ".join(packages)

        def explained(done: Completed) -> str:
            raise _failure(done.code, "\n".join(done.tail), self.trouble, packages, repository)

        yield Run((argv,), (STATUS,) + outputs, why, tolerate=explained)

    def _noted(self, done: Completed) -> str:
        """A failed update is a note: the package may be in a repository that does answer, or on this disk."""
        self.trouble = "\n".join(done.tail)
        last = next((line for line in reversed(done.tail) if line.startswith("E:")), "see its output")
        return "apt-get update failed: %s" % last

    def _stanzas(self, package: str) -> Iterator[bytes]:
        """The status file's paragraphs of a package: one for each architecture."""
        head = rb"(?:\A|\n)Package: %s\n" % re.escape(package).encode()
        for match in self._search(re.compile(head + rb"(?:[^\n]+\n)*")):
            yield b"\n" + match.group().lstrip(b"\n")

    def _search(self, pattern: Any) -> Iterator[Any]:
        """Every match in the status file, of which at most a few pieces are in memory at a time."""
        stream = self.guest.open(STATUS)
        if stream is None:
            return
        found = self.guest.stat(STATUS)
        if found is not None and found.st_size > LIMIT:
            stream.close()
            raise Blocked(
                "%s is larger than %d MiB, which no such file is" % (STATUS, LIMIT >> 20), "look at it by hand"
            )
        with stream:
            held = b""
            for chunk in iter(lambda: stream.read(CHUNK), b""):
                held += chunk
                end = held.rfind(b"\n\n") + 1  # whole paragraphs only
                if end:
                    yield from pattern.finditer(held[:end])
                    held = held[end:]
            yield from pattern.finditer(held)


def _failure(code: int, told: str, trouble: str, packages: Sequence[str], repository: str) -> CommandFailed:
    """The error of an installation that said `told` after an update that said `trouble`."""
    named = " ".join(packages)
    found = next((one for one in REMEDIES if re.search(one[0], told)), None)
    if found == ABSENT and re.search(UNREACHABLE[0], trouble):
        found = UNREACHABLE
    if found:
        remedy = found[2].format(repository=repository, packages=named)
        return CommandFailed("%s cannot be installed: %s" % (named, found[1]), remedy)
    last = next((line for line in reversed(told.split("\n")) if line.startswith(("E:", "dpkg:"))), "see its output")
    return CommandFailed(
        "apt-get install %s failed with exit code %d: %s" % (named, code, last),
        "run it by hand: apt-get install %s" % named,
    )
