"""Which distribution and release the guest is: os-release(5), or the one-line release files of what is older.

The `distro` library reads those files, by the path of each: left alone, it looks at the files and programs of the
machine that it runs on.  It gets none that is no regular file, is large, or has an endless line, and is asked only for
what it read there: its id() and version() look further (version() reads this machine's /etc/debian_version).
"""

import re
from typing import Any, Dict, NamedTuple, Optional

from .distros import Row, row
from .errors import Blocked, Unsupported
from .formats.keyvalue import parse_os_release
from .guest import Guest

OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")
LIMIT = 1 << 16  # bytes; real ones have less than one KiB
LINE = 1024  # characters; the library's pattern takes the square of it in time

# What stands in front in files older than os-release, and the ID that it has in later releases.  The first file that
# is there counts: Oracle's redhat-release says Red Hat, and CentOS' is a link.
FILES = (
    "/etc/oracle-release",
    "/etc/centos-release",
    "/etc/redhat-release",
    "/etc/SuSE-release",
    "/etc/system-release",
)
NAMES = (
    ("Oracle Linux", "ol"),
    ("CentOS", "centos"),
    ("Red Hat Enterprise Linux", "rhel"),
    ("SUSE Linux Enterprise Server", "sles"),
    ("openSUSE", "opensuse"),
    ("Amazon Linux", "amzn"),
    ("Fedora", "fedora"),
)
# Whoever has one of these files is like the distribution that the file is named after.
LIKE = {"/etc/redhat-release": "rhel", "/etc/SuSE-release": "suse"}
# Where the point release is told, by the ID: VERSION_ID is 7 in CentOS 7.9 and 12 in Debian 12.5.
POINTS = {"debian": "/etc/debian_version", "centos": "/etc/centos-release"}


class Distro(NamedTuple):
    """Which distribution the guest is; `point` is the release as exact as a file tells it, else the same as `version`.

    `version` and `point` are empty where there are no releases, as in Debian testing.
    """

    id: str
    version: str
    name: str
    row: Row
    evidence: str
    point: str = ""


def identified(guest: Guest) -> Distro:
    """The distribution of the guest; Unsupported when no file names one, Blocked when the file is no such file."""
    return _by_os_release(guest) or _by_release_file(guest) or _by_debian_version(guest)


def _by_os_release(guest: Guest) -> Optional[Distro]:
    path = next((path for path in OS_RELEASE if guest.read(path, limit=LIMIT) is not None), "")
    told = _variables(guest, path) if path else {}
    if not told.get("ID"):
        return None
    identity, version, like = told["ID"], told.get("VERSION_ID", ""), told.get("ID_LIKE", "").split()
    # Descendants count their releases in their own way, and name Red Hat's there (dnf, "modular platform").
    platform = re.match(r"platform:[a-z]*(\d+)$", told.get("PLATFORM_ID", ""))
    one = row(identity, like, platform.group(1) if platform else version)
    evidence = "%s says ID=%s%s" % (path, identity, ", ID_LIKE=%s" % " ".join(like) if like else "")
    point = _version(_first_line(guest, POINTS[identity])) if identity in POINTS else ""
    point = point if version and (point + ".").startswith(version + ".") else version
    return Distro(identity, version, told.get("PRETTY_NAME") or identity, one, evidence, point)


def _by_release_file(guest: Guest) -> Optional[Distro]:
    path = next((path for path in FILES if _first_line(guest, path)), "")
    if not path:
        return None
    line = _first_line(guest, path)
    try:
        version = _library(guest, path).distro_release_attr("version_id")
    except ValueError:
        version = _version(line)
    identity = next((name for start, name in NAMES if line.startswith(start)), "")
    like = LIKE.get(path, "")
    level = re.search(r"^PATCHLEVEL\s*=\s*(\d+)", guest.text(path) or "", re.M)  # of SLES 11
    if level and level.group(1) != "0" and "." not in version:
        version += "." + level.group(1)
    one = row(identity, (like,) if like else (), version)
    return Distro(identity or like, version, line, one, '%s says "%s"' % (path, line), version)


def _by_debian_version(guest: Guest) -> Distro:
    """Debian before 7 has no os-release."""
    path = POINTS["debian"]
    line = _first_line(guest, path)
    if not line:
        raise Unsupported(
            "no /etc/os-release in %s, and no release file: this is no Linux system that agentprep knows" % guest.root,
            "check the path given with --root",
        )
    version = _version(line)
    name = "Debian GNU/Linux %s" % line
    return Distro("debian", version.split(".")[0], name, row("debian", ()), '%s says "%s"' % (path, line), version)


def _variables(guest: Guest, path: str) -> Dict[str, str]:
    """The variables of os-release that agentprep uses, without control characters."""
    text = (guest.read(path, limit=LIMIT) or b"").decode("utf-8", "surrogateescape")
    names = ("ID", "ID_LIKE", "VERSION_ID", "PRETTY_NAME", "PLATFORM_ID")
    try:
        found = _library(guest, path)
        told = {name: found.os_release_attr(name.lower()) for name in names}
    except ValueError:  # a quote without its end, bytes that are no UTF-8
        own = parse_os_release(text)
        told = {name: own.get(name, "") for name in names}
    return {name: _printable(value) for name, value in told.items()}


def _library(guest: Guest, path: str) -> Any:
    """The library's reading of one file; the other source of its gets a path that cannot exist."""
    import distro

    where = guest.where(path)
    files = (where, where + "/none") if path in OS_RELEASE else (where + "/none", where)
    return distro.LinuxDistribution(include_lsb=False, os_release_file=files[0], distro_release_file=files[1])


def _first_line(guest: Guest, path: str) -> str:
    """The first line of a small regular file, else ""."""
    try:
        content = guest.read(path, limit=LIMIT) or b""
    except Blocked:
        return ""
    line = content.split(b"\n")[0].decode("utf-8", "replace")
    return _printable(line) if len(line) <= LINE else ""


def _version(line: str) -> str:
    match = re.search(r"\d+(\.\d+)*", line)
    return match.group() if match else ""


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()
