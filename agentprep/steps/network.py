"""The first network card gets its address by DHCP on Azure, and nothing is bound to a card of this machine."""

import re
from typing import Iterator, List

from .. import net
from ..changes import Link, Remove, Write
from ..net import ifupdown
from ..pkg.apt import STATUS
from ..policy import Policy
from ..provisioner import detect
from ..step import Fact, Item, Step
from ..system import System

PERSISTENT = "/etc/udev/rules.d/70-persistent-net.rules"
GENERATOR = "75-persistent-net-generator.rules"
RULES = ("/etc/udev/rules.d/*.rules", "/usr/lib/udev/rules.d/*.rules", "/lib/udev/rules.d/*.rules")
UNMANAGED = "/etc/udev/rules.d/68-azure-sriov-nm-unmanaged.rules"
UNMANAGED_RULE = """# Accelerated networking on Azure gives a card a second, faster face: the first one stays in charge.
SUBSYSTEM=="net", DRIVERS=="hv_pci", ACTION!="remove", ENV{NM_UNMANAGED}="1"
"""
DHCLIENT = ("/etc/dhcp/dhclient.conf", "/etc/dhclient.conf")
PATIENCE = 300  # seconds; Microsoft LISA, Dhcp.verify_dhcp_client_timeout
CLIENTS = ("dhclient", "dhcpcd", "udhcpc")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """Nothing remembers the cards of this machine, and eth0 has a DHCP profile."""
    yield from _forgotten(system)
    yield from _dhcp(system, policy)
    yield from _unmanaged(system)
    yield from _patient(system)


def _forgotten(system: System) -> Iterator[Item]:
    """udev gives no card a name by its hardware address."""
    guest = system.guest
    if guest.exists(PERSISTENT):
        yield Remove(PERSISTENT, "it names cards by their hardware addresses: on Azure eth0 would become eth1")
    packaged = [path for path in (folder + GENERATOR for folder in ("/lib/udev/rules.d/", "/usr/lib/udev/rules.d/"))
                if guest.is_file(path)]  # fmt: skip
    mask = "/etc/udev/rules.d/" + GENERATOR
    if packaged and guest.canonical(mask) != "/dev/null":
        yield Link(mask, "/dev/null", "%s would name cards by their hardware addresses again" % packaged[0])


def _dhcp(system: System, policy: Policy) -> Iterator[Item]:
    """eth0 gets its address by DHCP from whatever governs the network."""
    guest = system.guest
    if _replaced(system):
        text, why = ifupdown.STANZA.encode(), "ifupdown comes with the agent's package, which removes NetworkManager"
        yield Write(ifupdown.OWN, text, why)
        return
    backends = [backend for backend, _ in net.governing(guest, system.init)]
    for backend in backends:
        yield from backend.unbind()
    profiles = [backend.profile() for backend in backends]
    for profile in profiles:
        if profile.problem:
            yield Fact("failed", "on Azure addresses come by DHCP, and %s" % profile.problem, profile.remedy)
            return
    if detect(guest, policy).name == "cloud-init" and not _left_alone(system):
        yield Fact("ok", "cloud-init writes a DHCP profile for %s at the first boot on Azure" % net.CARD)
        return
    if not backends:
        known = "ifupdown, systemd-networkd, NetworkManager or netplan"
        yield Fact("failed", "nothing in the guest gives %s an address: none of %s starts at boot" % (net.CARD, known),
                   "install one, for example: apt-get install ifupdown isc-dhcp-client")  # fmt: skip
        return
    evidence = next((profile.evidence for profile in profiles if profile.evidence), "")
    if not evidence:
        yield from backends[0].add()
        evidence = backends[0].profile().evidence
    yield Fact("ok", evidence)
    if backends[0].name == "ifupdown" and not any(map(guest.which, CLIENTS)):
        told = "ifupdown has no DHCP client (%s)" % ", ".join(CLIENTS)
        yield Fact("warning", told, "apt-get install isc-dhcp-client")


def _replaced(system: System) -> bool:
    """The plan installs an agent whose package removes what governs the network now."""
    if system.init.unit(("NetworkManager",)) is None or not system.guest.guessed(STATUS):
        return False
    return any(system.packages.version(name) is not None for name in system.distro.row.agent_conflicts)


def _left_alone(system: System) -> bool:
    """cloud-init is told to write no network configuration (its documentation: "Network configuration sources")."""
    confs = ["/etc/cloud/cloud.cfg"] + system.guest.glob("/etc/cloud/cloud.cfg.d/*.cfg")
    texts = [system.guest.text(path) or "" for path in confs if system.guest.is_file(path)]
    pattern = r"^network:\s*(\{\s*|\n\s+)config:\s*disabled|^[^#\n]*apply_network_config:\s*([Ff]alse|no)"
    return any(re.search(pattern, text, re.M) for text in texts)


def _unmanaged(system: System) -> Iterator[Item]:
    """NetworkManager leaves the virtual functions of accelerated networking alone."""
    guest = system.guest
    if system.init.unit(("NetworkManager",)) is None:
        return
    rules: List[str] = [path for pattern in RULES for path in guest.glob(pattern) if guest.is_file(path)]
    for path in rules:
        for line in (guest.text(path) or "").splitlines():
            if "hv_pci" in line and "NM_UNMANAGED" in line and not line.lstrip().startswith("#"):
                yield Fact("ok", "%s keeps NetworkManager from the cards of hv_pci" % path)
                return
    yield Write(UNMANAGED, UNMANAGED_RULE.encode(), "a virtual function must not get an address of its own")


def _patient(system: System) -> Iterator[Item]:
    """dhclient waits for an answer for as long as Azure may take."""
    for path in DHCLIENT:
        text = system.guest.text(path)
        if text is None:
            continue
        new = re.sub(
            r"(?m)^([ \t]*timeout[ \t]+)(\d+)(?=[ \t]*;)",
            lambda match: match.group(1) + str(max(PATIENCE, int(match.group(2)))),
            text,
        )
        if new != text:
            why = "Azure may take up to %d seconds to answer" % PATIENCE
            yield Write(path, new.encode("utf-8", "surrogateescape"), why)


STEP = Step(
    id="network",
    title="The first network card gets its address by DHCP",
    reason=(
        "On Azure a machine has other cards than here: the first one is called eth0, has another hardware "
        "address, and gets its address by DHCP. A profile that is bound to the name or hardware address of a "
        "card of this machine leaves it without a network, so eth0 gets a profile beside those that are there, "
        "which stay, and udev's memory of the old cards goes. With accelerated networking a card has a second "
        "face (a virtual function) with the same hardware address: NetworkManager must leave that one alone."
    ),
    source=(
        "Microsoft, 'Prepare Linux for imaging in Azure'; Microsoft LISA, verify_udev_rules_moved and "
        "Dhcp.verify_dhcp_client_timeout; interfaces(5), systemd.network(5), nm-settings-keyfile(5)"
    ),
    remedy=(
        "rm /etc/udev/rules.d/70-persistent-net.rules\n"
        "with ifupdown, in /etc/network/interfaces: allow-hotplug eth0 and iface eth0 inet dhcp\n"
        "with NetworkManager: nmcli connection add type ethernet ifname eth0 con-name eth0"
    ),
    changes=changes,
)
