"""systemd-networkd: .network files, of which the first that matches a card governs it."""

import fnmatch
import posixpath
from typing import Any, Dict, Iterator, List, Optional

from ..changes import Change, Write
from ..formats import sections
from ..guest import Guest
from .profile import CARD, WHY, Plain, Profile

FOLDERS = ("/etc/systemd/network", "/usr/local/lib/systemd/network", "/lib/systemd/network", "/usr/lib/systemd/network")
OWN = "/etc/systemd/network/90-agentprep-eth0.network"
ON = ("yes", "true", "1", "on", "both", "ipv4", "v4")
CONTENT = (
    """# The first network card on Azure; written by agentprep.
[Match]
Name=%s

[Network]
DHCP=yes
"""
    % CARD
)


class Networkd(Plain):
    """systemd-networkd.service."""

    name = "systemd-networkd"

    @staticmethod
    def probe(guest: Guest, init: Any) -> Optional[str]:
        """Evidence: systemd-networkd.service starts at boot."""
        link = init.enabled("systemd-networkd")
        return "%s starts systemd-networkd" % link if link else None

    def files(self) -> List[str]:
        """The .network files in the order in which networkd reads them; a name in /etc hides the same one in /lib."""
        found: Dict[str, str] = {}
        for folder in reversed(FOLDERS):
            for path in self.guest.glob(folder + "/*.network"):
                found[posixpath.basename(path)] = path
        return [found[name] for name in sorted(found) if self.guest.is_file(found[name])]

    def profile(self) -> Profile:
        """DHCP when the first file that matches eth0 on Azure says so."""
        for path in self.files():
            text = self.guest.text(path) or ""
            if not _matches(text):
                continue
            if (sections.last(text, "Network", "DHCP") or "").lower() in ON:
                return Profile("%s gives %s DHCP" % (path, CARD))
            return Profile(problem="%s matches %s and gives it no address by DHCP" % (path, CARD),
                           remedy="put DHCP=yes below [Network] in it, or give its [Match] another Name=")  # fmt: skip
        return Profile()

    def add(self) -> Iterator[Change]:
        """eth0 has a file of its own; those of other cards are as they were."""
        yield Write(OWN, CONTENT.encode(), WHY)

    def unbind(self) -> Iterator[Change]:
        """Nothing: a file that matches a hardware address of this machine matches no card on Azure and does no harm."""
        return iter(())


def _matches(text: str) -> bool:
    """Whether the [Match] section fits a netvsc card called eth0 on a virtual machine (systemd.network(5))."""
    if sections.last(text, "Match", "Virtualization") in ("container", "no", "false", "!vm"):
        return False
    for key, value in (("Name", CARD), ("Type", "ether"), ("Driver", "hv_netvsc")):
        patterns = sections.words(text, "Match", key)
        if patterns and patterns[0].startswith("!"):
            if any(fnmatch.fnmatchcase(value, pattern.lstrip("!")) for pattern in patterns):
                return False
        elif patterns and not any(fnmatch.fnmatchcase(value, pattern) for pattern in patterns):
            return False
    return not any(
        sections.words(text, "Match", key)
        for key in ("MACAddress", "PermanentMACAddress", "Path", "Kind", "SSID", "BSSID", "WLANInterfaceType", "Host")
    )
