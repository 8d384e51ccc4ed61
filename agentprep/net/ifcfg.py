"""Red Hat's ifcfg files, read by the `network` scripts and by NetworkManager's ifcfg-rh plugin.

Facts from initscripts 9.03 to 10.00 (rc.d/init.d/network, network-functions, ifup, ifup-eth): the service ends with 6
when there is no /etc/sysconfig/network; a file without DEVICE is for the card in its own name; ifup-eth passes over a
card whose address is not HWADDR, and without PERSISTENT_DHCLIENT gives up after one try.
"""

import posixpath
import re
from typing import Any, Dict, Iterator, List, Optional

from ..changes import Change, Write
from ..errors import Malformed
from ..formats import ifcfg
from ..guest import Guest
from .networkmanager import setting, unmanaged
from .profile import CARD, WHY, Plain, Profile

FOLDER = "/etc/sysconfig/network-scripts"
OWN = FOLDER + "/ifcfg-" + CARD
GLOBAL = "/etc/sysconfig/network"
SCRIPTS = ("/etc/rc.d/init.d/network", "/etc/init.d/network")
PLUGIN = ("/usr/lib*/NetworkManager/libnm-settings-plugin-ifcfg-rh.so",
          "/usr/lib*/NetworkManager/*/libnm-settings-plugin-ifcfg-rh.so")  # fmt: skip
SERVICES = {"yes": "NetworkManager", "no": "network"}  # what brings up the card, by its NM_CONTROLLED
IGNORED = re.compile(r"(~|\.bak|\.orig|\.rej|\.rpmnew|\.rpmorig|\.rpmsave|-range\d*)$|:")
# What Microsoft's pages of all releases write, and its tests read without quotes (LISA, verify_ifcfg_eth0).
WANTED = {"DEVICE": CARD, "ONBOOT": "yes", "BOOTPROTO": "dhcp", "TYPE": "Ethernet", "PEERDNS": "yes",
          "PERSISTENT_DHCLIENT": "yes"}  # fmt: skip
NEW = {"USERCTL": "no", "IPV6INIT": "no"}  # where a file says otherwise it is left
BOUND = ("HWADDR", "MACADDR", "MACADDRESS", "UUID", "SUBCHANNELS")
STATIC = re.compile(
    r"(IPADDR|NETMASK|PREFIX|GATEWAY|BROADCAST|NETWORK|DNS|ARPCHECK)\d*$|(DOMAIN|SRCADDR|DHCP_HOSTNAME)$"
)
PART = ("BRIDGE", "MASTER", "BRIDGE_UUID", "MASTER_UUID", "TEAM_MASTER", "TEAM_MASTER_UUID")
HEAD = "# The first network card on Azure; written by agentprep.\n"


class Ifcfg(Plain):
    """The `network` service, or NetworkManager with the plugin that reads the same files."""

    name = "ifcfg files"
    required = True

    def __init__(self, guest: Guest, managed: bool = False) -> None:
        self.guest, self.managed = guest, managed

    @classmethod
    def of(cls, guest: Guest, init: Any) -> "Ifcfg":
        """`managed` when NetworkManager is to govern eth0: it starts at boot, and the scripts do not."""
        return cls(guest, not scripts(guest, init) and bool(init.enabled("NetworkManager")))

    @staticmethod
    def probe(guest: Guest, init: Any) -> Optional[str]:
        """Evidence: the scripts start at boot, or NetworkManager does and has the plugin."""
        link = scripts(guest, init)
        if link:
            return "%s starts the network scripts" % link
        link, plugin = init.enabled("NetworkManager"), plugged(guest)
        return (
            "%s starts NetworkManager, whose plugin %s reads ifcfg files" % (link, plugin) if link and plugin else None
        )

    def files(self) -> Dict[str, Dict[str, str]]:
        """What each ifcfg file for eth0 assigns, by its path; those that the scripts pass over are left out."""
        return {
            path: assigned
            for path, assigned in self._all().items()
            if assigned.get("DEVICE", posixpath.basename(path)[len("ifcfg-") :]) == CARD
        }

    def _all(self) -> Dict[str, Dict[str, str]]:
        found = {}
        for path in self.guest.glob(FOLDER + "/ifcfg-*"):
            if IGNORED.search(path) or not self.guest.is_file(path):
                continue
            text = self.guest.text(path) or ""
            try:
                found[path] = ifcfg.values(text, path)
            except Malformed as error:
                if path == OWN or CARD in text:
                    raise Malformed("%s: %s" % (path, error.message), error.hint) from None
        return found  # one of another card that no shell can source is nothing to eth0

    def _loose(self) -> Iterator[str]:
        """Files that NetworkManager may give to any card: they name none, where the scripts take the file's name."""
        for path, assigned in self._all().items():
            kind = assigned.get("TYPE", "Ethernet")
            bound = [key for key in ("DEVICE", "HWADDR", "SUBCHANNELS", "VLAN", "MATCH_DEVICE") if assigned.get(key)]
            if path != OWN and kind == "Ethernet" and not bound and assigned.get("ONBOOT", "yes") != "no":
                yield path

    def profile(self) -> Profile:
        """DHCP when ifcfg-eth0 is as Microsoft's tests want it and nothing else claims the card."""
        alone = unmanaged(self.guest) if self.managed else ""
        if alone:
            return Profile(problem="NetworkManager leaves %s alone: unmanaged-devices=%s" % (CARD, alone),
                           remedy="take that out of /etc/NetworkManager/NetworkManager.conf or its conf.d")  # fmt: skip
        for path, assigned in self.files().items():
            whole = next((assigned[key] for key in PART if assigned.get(key)), "")
            if whole:
                return Profile(problem="%s makes %s a part of %s" % (path, CARD, whole),
                               remedy="give it a profile of its own, with BOOTPROTO=dhcp, in %s" % OWN)  # fmt: skip
            if path != OWN and assigned.get("ONBOOT") != "no" and assigned.get("BOOTPROTO") != "dhcp":
                return Profile(problem="%s is for %s too and gives it no address by DHCP" % (path, CARD),
                               remedy="set ONBOOT=no in it, or remove it")  # fmt: skip
        loose = [path for path in self._loose() if self._all()[path].get("BOOTPROTO", "").lower() != "dhcp"]
        if self.managed and loose:
            told = "%s names no card, so that NetworkManager may give %s its address" % (loose[0], CARD)
            return Profile(problem=told,
                           remedy="bind it to its own card with DEVICE=, or set ONBOOT=no in it")  # fmt: skip
        text = self.guest.text(OWN)
        return (
            Profile("%s gives %s DHCP" % (OWN, CARD)) if text is not None and self._right(text) == text else Profile()
        )

    def add(self) -> Iterator[Change]:
        """ifcfg-eth0 asks for DHCP; what else it said of a fixed address is kept as comments."""
        text = self.guest.text(OWN)
        address = self.files().get(OWN, {}).get("IPADDR", "")
        kept = ", and %s is kept as a comment" % address if address else ""
        new = self._right(HEAD if text is None else text)
        yield Write(OWN, new.encode("utf-8", "surrogateescape"), WHY + kept)

    def unbind(self) -> Iterator[Change]:
        """No file for eth0 is bound to a hardware address; those of other cards fit none on Azure and do no harm."""
        for path in self.files():
            text = self.guest.text(path) or ""
            new = ifcfg.without(text, BOUND, path)
            if new != text:
                why = "it is bound to the hardware address of a card that is not there on Azure"
                yield Write(path, new.encode("utf-8", "surrogateescape"), why)

    def settings(self) -> Iterator[Change]:
        """The scripts run, and no gateway of this machine's network stands in for the one that DHCP gives."""
        before = self.guest.text(GLOBAL)
        text = ifcfg.without(before or "", ("GATEWAY",), GLOBAL)
        if ifcfg.values(text, GLOBAL).get("GATEWAYDEV", CARD) != CARD:
            text = ifcfg.without(text, ("GATEWAYDEV",), GLOBAL)
        told = ifcfg.values(text, GLOBAL).get("NETWORKING", "").lower() == "yes" and re.search(
            r"(?mi)^NETWORKING=y", text
        )
        new = text if told else ifcfg.with_values(text, {"NETWORKING": "yes"}, GLOBAL)
        if new != before:
            whys = ["dhclient-script passes over DHCP's router where GATEWAY is set"] if text != (before or "") else []
            whys += ["the network scripts and Microsoft's tests look for NETWORKING=yes"] if new != text else []
            yield Write(GLOBAL, new.encode("utf-8", "surrogateescape"), "; ".join(whys))

    def notes(self) -> List[str]:
        """Routes of eth0, which are this network's."""
        routes = [path for path in self.guest.glob(FOLDER + "/route*-" + CARD) if self.guest.is_file(path)]
        return ["%s sets routes of this machine's network for %s" % (path, CARD) for path in routes]

    def _right(self, text: str) -> str:
        """The text of ifcfg-eth0 as it is to be."""
        assigned = ifcfg.values(text, OWN)
        static = assigned.get("BOOTPROTO") != "dhcp"
        lifted = list(BOUND) + [key for key in assigned if static and STATIC.match(key)]
        lifted += [key for key in ("DEFROUTE", "PEERROUTES") if assigned.get(key) == "no"]
        missing = {key: value for key, value in NEW.items() if key not in assigned}
        text = ifcfg.without(text, lifted, OWN)
        return ifcfg.with_values(text, dict(WANTED, NM_CONTROLLED="yes" if self.managed else "no", **missing), OWN)


def scripts(guest: Guest, init: Any) -> str:
    """The link by which Red Hat's network scripts start at boot, or ""."""
    return str(init.enabled("network") or "") if installed(guest) else ""


def installed(guest: Guest) -> bool:
    """The network scripts are there (SUSE's service of that name reads another folder)."""
    return guest.is_file(FOLDER + "/network-functions") and any(map(guest.is_file, SCRIPTS))


def plugged(guest: Guest) -> str:
    """The path of NetworkManager's ifcfg-rh plugin, or "" where it is not there or is not to be loaded."""
    loaded = setting(guest, "main", "plugins")
    if loaded is not None and "ifcfg-rh" not in re.split(r"[\s,;]+", loaded):
        return ""
    return next((path for pattern in PLUGIN for path in guest.glob(pattern)), "")
