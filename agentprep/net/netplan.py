"""netplan: YAML files from which it makes the files of systemd-networkd or NetworkManager at every boot."""

import fnmatch
import re
from typing import Any, Dict, Iterator, List, Optional

from ..changes import Change, Write
from ..formats import outline
from ..guest import Guest
from .profile import CARD, WHY, Plain, Profile

FILES = "/etc/netplan/*.yaml"
OWN = "/etc/netplan/90-agentprep.yaml"
# The id sorts last, so that on this machine a card called eth0 keeps its own profile: networkd takes the first match.
FLOW = re.compile(r"[{,]\s*[\"']?([\w-]+)[\"']?\s*:\s*(\{[^}]*\}|\[[^\]]*\]|[^,}]*)")  # of { dhcp4: true, mtu: 1500 }
CONTENT = (
    """# The first network card on Azure; written by agentprep.
network:
  version: 2
  ethernets:
    zz-agentprep:
      match:
        name: %s
      dhcp4: true
      optional: true
"""
    % CARD
)


class Netplan(Plain):
    """netplan's generator, with at least one file for it."""

    name = "netplan"

    @staticmethod
    def probe(guest: Guest, init: Any) -> Optional[str]:
        """Evidence: netplan is installed and has a file to work from."""
        tool = guest.which("netplan")
        files = guest.glob(FILES) if tool else []
        return "%s reads %s" % (tool, files[0]) if files else None

    def profile(self) -> Profile:
        """DHCP when an ethernet definition that fits eth0 says so."""
        for path in self.guest.glob(FILES):
            for name, keys in _ethernets(self.guest.text(path) or "").items():
                if not _fits(name, keys):
                    continue
                if keys.get("dhcp4", "").lower() in ("true", "yes", "on"):
                    return Profile("%s in %s gives %s DHCP" % (name, path, CARD))
                return Profile(problem="%s in %s fits %s and gives it no address by DHCP" % (name, path, CARD),
                               remedy="put dhcp4: true there, or bind it to its own card with match:")  # fmt: skip
        return Profile()

    def add(self) -> Iterator[Change]:
        """eth0 has a file of its own; those of other cards are as they were."""
        yield Write(OWN, CONTENT.encode(), WHY, mode=0o600)

    def unbind(self) -> Iterator[Change]:
        """Nothing: a definition that matches a hardware address of this machine matches no card on Azure."""
        return iter(())


def _ethernets(text: str) -> Dict[str, Dict[str, str]]:
    """Each definition below network/ethernets with its keys; those below match: are called match.KEY."""
    found: Dict[str, Dict[str, str]] = {}
    for entry in outline.entries(text):
        if entry.path[:2] == ("network", "ethernets") and len(entry.path) > 2:
            keys = found.setdefault(entry.path[2], {})
            if len(entry.path) > 3:
                keys[".".join(entry.path[3:])] = entry.value.strip("\"'")
            elif entry.value.startswith("{"):
                keys.update((name, value.strip(" \"'")) for name, value in FLOW.findall(entry.value))
    return found


def _fits(name: str, keys: Dict[str, str]) -> bool:
    match: List[str] = [key for key in keys if key.split(".")[0] == "match"]
    if not match:
        return name == CARD
    if keys.get("match", "") or "match.macaddress" in keys:
        return False  # in flow style it is not read: eth0 gets a definition of its own
    driver = outline.items(keys.get("match.driver", "hv_netvsc"))
    return fnmatch.fnmatchcase(CARD, keys.get("match.name", CARD)) and "hv_netvsc" in driver
