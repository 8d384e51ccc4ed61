"""The repositories that the guest's package manager uses, each told in one line."""

import re
from typing import Iterator, List, Tuple

from ..guest import Guest

APT = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list", "/etc/apt/sources.list.d/*.sources",
       "/etc/apt/mirrors/*.list")  # fmt: skip
RPM = ("/etc/yum.repos.d/*.repo", "/etc/zypp/repos.d/*.repo", "/etc/dnf/repos.d/*.repo")
OFF = re.compile(r"(?mi)^enabled\s*=\s*(0|no|false|off)\s*$")
NAMED = re.compile(r"(?mi)^(name|baseurl|mirrorlist|metalink)\s*=\s*(.*)$")


def enabled(guest: Guest) -> List[str]:
    """The lines of apt's sources that are no comments, and for rpm's front ends: ID, name and addresses."""
    found = [line for text in _texts(guest, APT) for line in text.split("\n") if not line.lstrip().startswith("#")]
    for text in _texts(guest, RPM):
        parts = re.split(r"(?m)^\[([^\]\n]+)\][^\n]*$", text)
        for name, body in zip(parts[1::2], parts[2::2]):
            if not OFF.search(body):
                found.append(" ".join([name] + [value.strip() for _, value in NAMED.findall(body)]))
    return [line for line in found if line.strip()]


def _texts(guest: Guest, patterns: Tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        for path in guest.glob(pattern):
            if guest.is_file(path):
                yield guest.text(path) or ""
