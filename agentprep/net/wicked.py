"""SUSE's ifcfg files, read by wicked and, up to SLES 11, by the `network` script.

wicked's client/suse/compat-suse.c: without STARTMODE a card is started by hand, without BOOTPROTO it is static; routes
that fit no card are discarded, and files that end in ~, .old, .bak, .orig, .scpmbackup or .rpm* are passed over.
"""

import posixpath
import re
from typing import Any, Dict, Iterator, List, Optional

from ..changes import Change, Write
from ..formats import ifcfg
from ..guest import Guest
from .profile import CARD, WHY, Plain, Profile

FOLDER = "/etc/sysconfig/network"
OWN = FOLDER + "/ifcfg-" + CARD
DHCP = FOLDER + "/dhcp"
CONFIG = FOLDER + "/config"
IGNORED = re.compile(r"(~|\.old|\.bak|\.orig|\.scpmbackup|\.rpmnew|\.rpmsave|\.rpmorig)$")
STARTED = ("auto", "boot", "onboot", "on", "hotplug", "nfsroot")
STATIC = re.compile(r"(IPADDR|NETMASK|PREFIXLEN|BROADCAST|NETWORK|REMOTE_IPADDR|GATEWAY)(_\w+)?$")
PORTS = re.compile(r"(BRIDGE_PORTS|BONDING_SLAVE_?\d*|TEAM_PORT_DEVICE_?\d*)$")


class Wicked(Plain):
    """wicked.service, or SLES 11's network script."""

    name = "wicked"
    required = True

    @staticmethod
    def probe(guest: Guest, init: Any) -> Optional[str]:
        """Evidence: wicked starts at boot, or the script does that reads SUSE's folder."""
        link = init.enabled("wicked")
        if link:
            return "%s starts wicked" % link
        link = init.enabled("network") if guest.is_folder(FOLDER) and guest.is_file("/etc/init.d/network") else ""
        return "%s starts SUSE's network script" % link if link else None

    def profile(self) -> Profile:
        """DHCP when ifcfg-eth0 says so and the card is started at boot."""
        for path in self.guest.glob(FOLDER + "/ifcfg-*"):
            if IGNORED.search(path) or path == OWN or not self.guest.is_file(path):
                continue
            assigned = ifcfg.values(self.guest.text(path) or "", path)
            if any(PORTS.match(key) and CARD in value.split() for key, value in assigned.items()):
                whole = posixpath.basename(path)[len("ifcfg-") :]
                return Profile(problem="%s makes %s a part of %s" % (path, CARD, whole),
                               remedy="take %s out of it: yast2 lan" % CARD)  # fmt: skip
        text = self.guest.text(OWN)
        return Profile("%s gives %s DHCP" % (OWN, CARD)) if text is not None and _right(text) == text else Profile()

    def add(self) -> Iterator[Change]:
        """ifcfg-eth0 asks for DHCP; what else it said of a fixed address is kept as comments."""
        text = self.guest.text(OWN)
        address = _assigned(text or "").get("IPADDR", "")
        kept = ", and %s is kept as a comment" % address if address else ""
        head = "# The first network card on Azure; written by agentprep.\n"
        yield Write(OWN, _right(head if text is None else text).encode("utf-8", "surrogateescape"), WHY + kept)

    def unbind(self) -> Iterator[Change]:
        """eth0 keeps the hardware address that Azure gives it."""
        text = self.guest.text(OWN)
        new = None if text is None else ifcfg.without(text, ("LLADDR",), OWN)
        if new is not None and new != text:
            yield Write(
                OWN, new.encode("utf-8", "surrogateescape"), "Azure lets no packet through from another address"
            )

    def settings(self) -> Iterator[Change]:
        """The name that DHCP gives is not taken for the host's: Microsoft's page and test of SUSE ask for that."""
        yield from own_name(self.guest)

    def notes(self) -> List[str]:
        """Routes and name servers that are this network's."""
        found = []
        for path in (FOLDER + "/routes", FOLDER + "/ifroute-" + CARD):
            routes = [line for line in (self.guest.text(path) or "").splitlines() if line.split("#")[0].strip()]
            found += ["%s sets routes of this machine's network: %s" % (path, "; ".join(routes))] if routes else []
        servers = ifcfg.values(self.guest.text(CONFIG) or "", CONFIG).get("NETCONFIG_DNS_STATIC_SERVERS", "").split()
        if servers:
            found.append("%s asks the name servers %s before those of Azure" % (CONFIG, ", ".join(servers)))
        return found


def own_name(guest: Guest) -> Iterator[Change]:
    """/etc/sysconfig/network/dhcp says DHCLIENT_SET_HOSTNAME="no", with those quotes."""
    text = guest.text(DHCP)
    new = ifcfg.with_values(text or "", {"DHCLIENT_SET_HOSTNAME": '"no"'}, DHCP)
    if new != text:
        yield Write(
            DHCP, new.encode("utf-8", "surrogateescape"), "the agent or cloud-init sets the host name, not DHCP"
        )


def _assigned(text: str) -> Dict[str, str]:
    return {key: value for key, value in ifcfg.values(text, OWN).items() if value}


def _right(text: str) -> str:
    """The text of ifcfg-eth0 as it is to be; words that mean the same are left."""
    assigned = _assigned(text)
    dhcp = {"dhcp", "dhcp4"} & set(assigned.get("BOOTPROTO", "").lower().split("+"))
    lifted = ["LLADDR"] + [key for key in assigned if not dhcp and STATIC.match(key)]
    lifted += ["DHCLIENT_SET_DEFAULT_ROUTE"] if assigned.get("DHCLIENT_SET_DEFAULT_ROUTE") == "no" else []
    wanted = {} if dhcp else {"BOOTPROTO": "'dhcp'"}
    wanted.update({} if assigned.get("STARTMODE") in STARTED else {"STARTMODE": "'auto'"})
    return ifcfg.with_values(ifcfg.without(text, lifted, OWN), wanted, OWN)
