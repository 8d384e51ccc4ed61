"""NetworkManager: keyfiles, and DHCP by default for a card that has none."""

import fnmatch
import posixpath
import re
from typing import Any, Dict, Iterator, Optional, Set

from ..changes import Change, Write
from ..errors import Blocked
from ..formats import sections
from ..guest import Guest
from .profile import CARD, WHY, Plain, Profile

PROFILES = ("/etc/NetworkManager/system-connections/*", "/usr/lib/NetworkManager/system-connections/*")
MAIN = "/etc/NetworkManager/NetworkManager.conf"
FOLDERS = ("/usr/lib/NetworkManager/conf.d", "/etc/NetworkManager/conf.d")
# What entries of unmanaged-devices know of eth0, a netvsc card (NetworkManager.conf(5), "Device List Format").
SPECS = {"interface-name": CARD, "type": "ethernet", "driver": "hv_netvsc"}
KEPT = ("preserve", "permanent", "")  # of cloned-mac-address: the card's own hardware address stays
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


class NetworkManager(Plain):
    """NetworkManager.service."""

    name = "NetworkManager"

    @staticmethod
    def probe(guest: Guest, init: Any) -> Optional[str]:
        """Evidence: NetworkManager.service starts at boot."""
        link = init.enabled("NetworkManager")
        return "%s starts NetworkManager" % link if link else None

    def profiles(self) -> Dict[str, str]:
        """The keyfiles of ethernet cards that connect by themselves at boot, path -> text.

        One with permissions waits for its user to log in (nm-settings(5), connection.permissions).
        """
        return {
            path: text
            for path, text in self.keyfiles().items()
            if sections.last(text, "connection", "autoconnect") != "false"
            and not sections.last(text, "connection", "permissions")
        }

    def keyfiles(self) -> Dict[str, str]:
        """All keyfiles of ethernet cards."""
        found = {}
        for path in (path for pattern in PROFILES for path in self.guest.glob(pattern)):
            text = self.guest.text(path) if self.guest.is_file(path) else None
            if text is not None and sections.last(text, "connection", "type") in ("ethernet", "802-3-ethernet"):
                found[path] = text
        return found

    def profile(self) -> Profile:
        """DHCP when a keyfile that fits eth0 says so, or when none fits and NetworkManager makes one by itself."""
        if unmanaged(self.guest):
            return Profile()
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
        # It makes none for a card that any profile fits (nm-settings.c, have_connection_for_device).
        if setting(self.guest, "main", "no-auto-default") or any(map(_fits, self.keyfiles().values())):
            return Profile()
        told = "NetworkManager gives a card without a profile DHCP (no-auto-default is not set)"
        return Profile(told, implicit=True)

    def add(self) -> Iterator[Change]:
        """eth0 has a profile of its own; those of other cards are as they were.

        Raises Blocked where NetworkManager is told to leave eth0 alone.
        """
        told = unmanaged(self.guest)
        if told:
            raise Blocked("NetworkManager leaves %s alone: unmanaged-devices=%s" % (CARD, told),
                          "take that out of %s or its conf.d" % MAIN)  # fmt: skip
        yield Write(OWN, CONTENT.encode(), WHY, mode=0o600)

    def unbind(self) -> Iterator[Change]:
        """The one profile that asks for DHCP on this machine's card by its hardware address does so on any card.

        With several such profiles it would be left to chance which one a card gets: those stay as they are.  No profile
        gives eth0 another hardware address than Azure's.
        """
        bound = [path for path, text in self.profiles().items() if _addresses(text)]
        for path, text in self.profiles().items():
            alone = bound == [path] and sections.last(text, "ipv4", "method") in ("auto", None)
            lines = _addresses(text) if alone else set()
            if lines or _fits(text):
                lines |= _lines(text, "cloned-mac-address")
            if lines:
                new = sections.without_lines(text, lines)
                why = "it is bound to the hardware address of a card that is not there on Azure"
                yield Write(path, new.encode("utf-8", "surrogateescape"), why)


def setting(guest: Guest, section: str, key: str) -> Optional[str]:
    """The value of a key of NetworkManager.conf and its conf.d, or None; the last of them counts."""
    found: Dict[str, str] = {}
    for folder in FOLDERS:  # a file in /etc hides one of the same name in /usr/lib
        found.update((posixpath.basename(path), path) for path in guest.glob(folder + "/*.conf"))
    shipped = [path for _, path in sorted(found.items()) if path.startswith(FOLDERS[0])]
    own = [path for _, path in sorted(found.items()) if path.startswith(FOLDERS[1])]
    told = None
    for path in shipped + [MAIN] + own:
        value = sections.last(guest.text(path) or "", section, key) if guest.is_file(path) else None
        told = told if value is None else value
    return told


def unmanaged(guest: Guest) -> str:
    """What unmanaged-devices says when it has NetworkManager leave eth0 alone, else ""."""
    told = setting(guest, "keyfile", "unmanaged-devices") or ""
    entries = [entry for entry in re.split(r"[,;\s]+", told) if entry]
    if any(entry.startswith("except:") and _means(entry[len("except:") :]) for entry in entries):
        return ""
    return told if any(_means(entry) for entry in entries) else ""


def _means(entry: str) -> bool:
    kind, colon, pattern = entry.partition(":")
    if entry == "*" or not colon:
        return fnmatch.fnmatchcase(CARD, entry)
    wanted = SPECS.get(kind, "")
    return wanted == pattern[1:] if pattern.startswith("=") else bool(wanted) and fnmatch.fnmatchcase(wanted, pattern)


def _addresses(text: str) -> Set[int]:
    """The lines that bind a profile to a hardware address."""
    return _lines(text, "mac-address")


def _lines(text: str, name: str) -> Set[int]:
    keys = [(section, name) for section in ("ethernet", "802-3-ethernet")]
    return {one.line for one in sections.entries(text) if (one.section, one.key) in keys and one.value not in KEPT}


def _fits(text: str) -> bool:
    names = [sections.last(text, "connection", "interface-name") or ""]
    names += (sections.last(text, "match", "interface-name") or "").strip(";").split(";")
    patterns = [name for name in names if name]
    drivers = [name for name in (sections.last(text, "match", "driver") or "").split(";") if name]
    if sections.last(text, "match", "path") or (drivers and "hv_netvsc" not in drivers):
        return False
    return not _addresses(text) and all(fnmatch.fnmatchcase(CARD, pattern) for pattern in patterns)


def _name(path: str, text: str) -> str:
    return sections.last(text, "connection", "id") or posixpath.basename(path)
