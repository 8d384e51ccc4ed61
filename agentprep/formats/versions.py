"""Versions of kernels and packages in the order in which rpm, dpkg and the kernel's own numbering put them.

numbers(release)              the numbers that a kernel release begins with
rpm_key       dpkg_key        whole versions, EPOCH:VERSION-RELEASE, as keys for sorted() and max()
rpm(a, b)     dpkg(a, b)      the same as -1, 0 or 1
rpmvercmp(a, b)               one part of a version, by rpmio/rpmvercmp.c of rpm 4.18
"""

import re
from typing import Any, List, Tuple

from agentprep.errors import Malformed

_NUMBERS = re.compile(r"[0-9]+(?:[.-][0-9]+)*")
_RPM_PARTS = re.compile(r"[0-9]+|[a-zA-Z]+|~|\^")
_DPKG_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_DPKG_NONE: List[Tuple[Tuple[int, ...], int]] = [((0,), 0)]


def numbers(release: str) -> Tuple[int, ...]:
    """What a kernel release begins with: (6, 1, 0, 28) for 6.1.0-28-amd64, (2, 6, 32, 754) for 2.6.32-754.el6.x86_64.

    Compare as many as matter: what follows the third number is counted by each vendor in its own way.
    """
    match = _NUMBERS.match(release)
    if not match:
        raise Malformed(f"{release!r} is no kernel release", "It should begin with the version, like 6.1.0-28-amd64.")
    return tuple(int(number) for number in re.split("[.-]", match.group()))


def rpmvercmp(one: str, other: str) -> int:
    """-1, 0 or 1 for parts of a version: for the versions alone, or for the releases alone."""
    return _order(_rpm_parts(one), _rpm_parts(other))


def rpm(one: str, other: str) -> int:
    """-1, 0 or 1 for [EPOCH:]VERSION[-RELEASE]; one without a release is older."""
    return _order(rpm_key(one), rpm_key(other))


def dpkg(one: str, other: str) -> int:
    """-1, 0 or 1 for [EPOCH:]UPSTREAM[-REVISION], as ``dpkg --compare-versions`` finds; Malformed for other epochs."""
    return _order(dpkg_key(one), dpkg_key(other))


def rpm_key(version: str) -> Any:
    """Orders versions of rpm packages."""
    epoch, colon, rest = version.partition(":")
    if not (colon and epoch.isdigit()):
        epoch, rest = "0", version
    upstream, dash, release = rest.rpartition("-")
    if not dash:
        return _rpm_parts(epoch), _rpm_parts(rest), []
    return _rpm_parts(epoch), _rpm_parts(upstream), [_rpm_parts(release)]


def dpkg_key(version: str) -> Any:
    """Orders versions of Debian packages, by deb-version(7) and lib/dpkg/version.c of dpkg 1.21."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    if not re.match("[0-9]+$", epoch):
        raise Malformed(f"{version!r} is no version of a Debian package: its epoch is no number")
    upstream, dash, revision = rest.rpartition("-")
    return (int(epoch),) + ((_dpkg_parts(upstream), _dpkg_parts(revision)) if dash else (_dpkg_parts(rest), _DPKG_NONE))


def _order(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def _rpm_parts(version: str) -> List[Tuple[int, Any]]:
    """Runs of digits and of letters, anything between them only separates; ~ < the end < ^ < letters < digits."""
    parts: List[Tuple[int, Any]] = []
    for part in _RPM_PARTS.findall(version):
        if part in "~^":
            parts.append((0 if part == "~" else 2, 0))
        else:
            parts.append((4, int(part)) if part.isdigit() else (3, part))
    return parts + [(1, 0)]


def _dpkg_parts(version: str) -> List[Tuple[Tuple[int, ...], int]]:
    """Runs of other characters and of digits in turn; among the former ~ < the end < letters < everything else."""
    parts = []
    for others, digits in _DPKG_PARTS.findall(version):
        if others or digits:
            parts.append((tuple(_dpkg_weight(char) for char in others) + (0,), int(digits or "0")))
    while parts[-1:] == _DPKG_NONE:  # zeros at the end count for nothing
        parts.pop()
    return parts + _DPKG_NONE


def _dpkg_weight(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if "a" <= char.lower() <= "z" else ord(char) + 256
