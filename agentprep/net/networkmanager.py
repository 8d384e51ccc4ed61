"""NetworkManager: keyfiles, and DHCP by default for a card that has none."""

import fnmatch
import posixpath
from typing import Any, Dict, Iterator, Optional

from ..changes import Change, Write
from ..formats import sections
from ..guest import Guest
from .profile import CARD, Profile

PROFILES = ("/etc/NetworkManager/system-connections/*", "/usr/lib/NetworkManager/system-connections/*")
CONFS = ("/etc/NetworkManager/NetworkManager.conf", "/usr/lib/NetworkManager/conf.d/*.conf",
         "/etc/NetworkManager/conf.d/*.conf")  # fmt: skip
OWN = "/etc/NetworkManager/system-connections/eth0.nmconnection"
CONTENT = """# The first network card on Azure; written by agentprep.
[connection]
id=eth0
type=ethernet
interface-name=eth0

[ipv4]
method=auto

[ipv6]
method=auto
"""


class NetworkManager:
    """NetworkManager.service."""

    name = "NetworkManager"

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    @staticmethod
    def probe(guest: Guest, init: Any) -> Optional[str]:
        """Evidence: NetworkManager.service starts at boot."""
        link = init.enabled("NetworkManager")
        return "%s starts NetworkManager" % link if link else None

    def profiles(self) -> Dict[str, str]:
        """The keyfiles of ethernet cards that connect by themselves, path -> text."""
        found = {}
        for path in (path for pattern in PROFILES for path in self.guest.glob(pattern)):
            text = self.guest.text(path) if self.guest.is_file(path) else None
            if text is None or sections.last(text, "connection", "type") not in ("ethernet", "802-3-ethernet"):
                continue
            if sections.last(text, "connection", "autoconnect") != "false":
                found[path] = text
        return found

    def profile(self) -> Profile:
        """DHCP when a keyfile that fits eth0 says so, or when none fits and NetworkManager makes one by itself."""
        evidence = ""
        for path, text in self.profiles().items():
            if not _fits(text):
                continue
            if sections.last(text, "ipv4", "method") not in ("auto", None):
                return Profile(problem="%s fits %s and gives it no address by DHCP" % (path, CARD),
                               remedy="nmcli connection modify '%s' ipv4.method auto, or bind it to its own card with "
                               "connection.interface-name" % _name(path, text))  # fmt: skip
            evidence = evidence or "%s gives %s DHCP" % (path, CARD)
        if evidence:
            return Profile(evidence)
        for path in (path for pattern in CONFS for path in self.guest.glob(pattern)):
            if sections.last(self.guest.text(path) or "", "main", "no-auto-default"):
                return Profile()
        return Profile("NetworkManager gives a card without a profile DHCP (no-auto-default is not set)")

    def add(self) -> Iterator[Change]:
        """eth0 has a profile of its own; those of other cards are as they were."""
        why = "%s, the first card on Azure, gets its address by DHCP" % CARD
        yield Write(OWN, CONTENT.encode(), why, mode=0o600)

    def unbind(self) -> Iterator[Change]:
        """The one profile that asks for DHCP on this machine's card by its hardware address does so on any card.

        With several such profiles it would be left to chance which one a card gets: those stay as they are.
        """
        bound = {path: text for path, text in self.profiles().items() if _addresses(text)}
        for path, text in bound.items():
            if len(bound) == 1 and sections.last(text, "ipv4", "method") in ("auto", None):
                new = sections.without_lines(text, set(_addresses(text)))
                why = "it is bound to the hardware address of a card that is not there on Azure"
                yield Write(path, new.encode("utf-8", "surrogateescape"), why)


def _addresses(text: str) -> Dict[int, str]:
    """The lines that bind a profile to a hardware address."""
    keys = (("ethernet", "mac-address"), ("802-3-ethernet", "mac-address"))
    return {one.line: one.value for one in sections.entries(text) if (one.section, one.key) in keys and one.value}


def _fits(text: str) -> bool:
    names = [sections.last(text, "connection", "interface-name") or ""]
    names += (sections.last(text, "match", "interface-name") or "").strip(";").split(";")
    patterns = [name for name in names if name]
    return not _addresses(text) and all(fnmatch.fnmatchcase(CARD, pattern) for pattern in patterns)


def _name(path: str, text: str) -> str:
    return sections.last(text, "connection", "id") or posixpath.basename(path)
