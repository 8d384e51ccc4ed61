"""The first network card gets its address by DHCP on Azure, and nothing is bound to a card of this machine."""

import re
from typing import Any, Iterator, List

from .. import net
from ..by_hand import install
from ..changes import Link, Remove, Write
from ..errors import Blocked
from ..net import ifcfg, ifupdown, wicked
from ..policy import Policy
from ..provisioner import detect
from ..step import Fact, Item, Step
from ..system import System

# The second is SUSE's cloud-init's (Microsoft, "Prepare a SLES or openSUSE virtual machine for Azure").
PERSISTENT = ("/etc/udev/rules.d/70-persistent-net.rules", "/etc/udev/rules.d/85-persistent-net-cloud-init.rules")
STRANGERS = ("connman", "dhcpcd", "netctl-auto")  # give cards addresses too, and agentprep does not know their files
GENERATOR = "75-persistent-net-generator.rules"
RULES = ("/etc/udev/rules.d/*.rules", "/usr/lib/udev/rules.d/*.rules", "/lib/udev/rules.d/*.rules")
UNMANAGED = "/etc/udev/rules.d/68-azure-sriov-nm-unmanaged.rules"
UNMANAGED_RULE = """# Accelerated networking on Azure gives a card a second, faster face: the first one stays in charge.
SUBSYSTEM=="net", DRIVERS=="hv_pci", ACTION!="remove", ENV{NM_UNMANAGED}="1"
"""
# How a rule tells them: by their bus, or as azure-vm-utils does by their drivers (10-azure-unmanaged-sriov.rules).
FUNCTIONS = ("hv_pci", "AZURE_UNMANAGED_SRIOV", "mana|mlx4_core|mlx5_core")
DHCLIENT = ("/etc/dhcp/dhclient.conf", "/etc/dhclient.conf")
PATIENCE = 300  # seconds; Microsoft LISA, Dhcp.verify_dhcp_client_timeout
CLIENTS = ("dhclient", "dhcpcd", "udhcpc")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """Nothing remembers the cards of this machine, and eth0 has a DHCP profile."""
    yield from _forgotten(system)
    yield from _scripts(system)
    yield from _dhcp(system, policy)
    yield from _unmanaged(system)
    yield from _patient(system)


def _forgotten(system: System) -> Iterator[Item]:
    """udev gives no card a name by its hardware address."""
    guest = system.guest
    for path in PERSISTENT:
        if guest.exists(path) and guest.canonical(path) != "/dev/null":
            yield Remove(path, "it names cards by their hardware addresses: on Azure eth0 would become eth1")
    packaged = [path for path in (folder + GENERATOR for folder in ("/lib/udev/rules.d/", "/usr/lib/udev/rules.d/"))
                if guest.is_file(path)]  # fmt: skip
    mask = "/etc/udev/rules.d/" + GENERATOR
    if packaged and guest.canonical(mask) != "/dev/null":
        yield Link(mask, "/dev/null", "%s would name cards by their hardware addresses again" % packaged[0])


def _scripts(system: System) -> Iterator[Item]:
    """Red Hat's network scripts start at boot where NetworkManager does not, or goes when the agent comes."""
    init = system.init
    needed = _conflicts(system) or not init.enabled("NetworkManager")
    if needed and ifcfg.installed(system.guest) and not init.enabled("network"):
        yield from init.enable("network")


def _dhcp(system: System, policy: Policy) -> Iterator[Item]:
    """eth0 gets its address by DHCP from whatever governs the network."""
    guest = system.guest
    if _replaced(system):
        text, why = ifupdown.STANZA.encode(), "ifupdown comes with the agent's package, which removes NetworkManager"
        yield Write(ifupdown.OWN, text, why)
        return
    governing = [backend for backend, _ in net.governing(guest, system.init)]
    if not governing and system.init.unit(("NetworkManager",)) and not any(map(system.init.enabled, STRANGERS)):
        yield from system.init.enable("NetworkManager")
        governing = [backend for backend, _ in net.governing(guest, system.init)]
    backends = governing + _unread(system, governing)
    _choose(system, policy, governing)
    for backend in backends:
        yield from backend.settings()
        yield from backend.unbind()
    if system.distro.row.network == "sysconfig-suse" and guest.exists(wicked.DHCP):
        yield from wicked.own_name(guest)
    profiles = [backend.profile() for backend in backends]
    for profile in profiles:
        if profile.problem:
            yield Fact("failed", "on Azure addresses come by DHCP, and %s" % profile.problem, profile.remedy)
            return
    # Images of Red Hat's and SUSE's kinds have a profile that says so (LISA, verify_network_file_configuration).
    stated = guest.which("rpm") is not None
    evidence = [profile.evidence if not (stated and profile.implicit) else "" for profile in profiles]
    for number, backend in enumerate(backends):
        if backend.required and not evidence[number]:
            yield from backend.add()
            evidence[number] = backend.profile().evidence
    if not any(evidence) and not _left_alone(system) and detect(guest, policy).name == "cloud-init":
        yield Fact("ok", "cloud-init writes a DHCP profile for %s at the first boot on Azure" % net.CARD)
        return
    if not governing:
        known = "ifupdown, ifcfg files, wicked, systemd-networkd, NetworkManager or netplan"
        yield Fact("failed", "nothing in the guest gives %s an address: none of %s starts at boot" % (net.CARD, known),
                   "install one: %s" % install("ifupdown isc-dhcp-client", "NetworkManager", "wicked"))  # fmt: skip
        return
    if not any(evidence[: len(governing)]):
        yield from governing[0].add()
        evidence[0] = governing[0].profile().evidence
    yield Fact("ok", next(one for one in evidence if one))
    for note in [note for backend in backends for note in backend.notes()]:
        yield Fact("warning", note, "take it out unless the network on Azure is to have it too")
    yield from _client(system, governing[0])


def _choose(system: System, policy: Policy, governing: List[Any]) -> None:
    """Of two that could bring up eth0 by its ifcfg file the policy chooses, where it says."""
    wanted = policy.text("network.nm_controlled")
    if wanted != "auto":
        for backend in governing:
            if isinstance(backend, ifcfg.Ifcfg) and system.init.enabled(ifcfg.SERVICES[wanted]):
                backend.managed = wanted == "yes"


def _unread(system: System, governing: List[Any]) -> List[Any]:
    """The ifcfg files that Microsoft's tests of this distribution read although nothing in the guest does."""
    wanted = system.distro.row.network == "sysconfig-el" and ifcfg.Ifcfg.name not in [one.name for one in governing]
    return [ifcfg.Ifcfg(system.guest, managed=True)] if wanted else []


def _client(system: System, backend: Any) -> Iterator[Item]:
    """What runs a DHCP client by its name has one."""
    clients = {"ifupdown": CLIENTS, "ifcfg files": CLIENTS[:1]}.get(backend.name, ())
    managed = isinstance(backend, ifcfg.Ifcfg) and backend.managed
    if clients and not managed and not any(map(system.guest.which, clients)):
        told = "%s has no DHCP client (%s)" % (backend.name, ", ".join(clients))
        package = "apt-get install isc-dhcp-client" if backend.name == "ifupdown" else "yum install dhclient"
        yield Fact("warning", told, package)


def _conflicts(system: System) -> bool:
    """The agent's package removes NetworkManager."""
    return "networkmanager" in [name.replace("-", "").lower() for name in system.distro.row.agent_conflicts]


def _replaced(system: System) -> bool:
    """The plan installs an agent whose package removes what governs the network now, and brings ifupdown for it."""
    row = system.distro.row
    if system.init.unit(("NetworkManager",)) is None or not row.agent_conflicts:
        return False
    if "ifupdown" not in row.network_packages:
        return False  # what takes over is in the guest already
    try:
        packages = system.packages
    except Blocked:
        return False  # agent-package tells why nothing can be installed here
    installs = system.guest.guessed(packages.database)
    return installs and any(packages.version(name) is not None for name in system.distro.row.agent_conflicts)


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
            if "NM_UNMANAGED" in line and any(one in line for one in FUNCTIONS) and not line.lstrip().startswith("#"):
                yield Fact("ok", "%s keeps NetworkManager from virtual functions" % path)
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
        "which stay, and udev's memory of the old cards goes. Where an ifcfg file gave eth0 a fixed address, that "
        "is kept as comments. With accelerated networking a card has a second face (a virtual function) with the "
        "same hardware address: NetworkManager must leave that one alone."
    ),
    source=(
        "Microsoft, 'Prepare Linux for imaging in Azure' and its pages of each distribution; Microsoft LISA, "
        "verify_ifcfg_eth0, verify_network_file_configuration, verify_dhcp_file_configuration, "
        "verify_udev_rules_moved and Dhcp.verify_dhcp_client_timeout; interfaces(5), systemd.network(5), "
        "nm-settings-keyfile(5), ifcfg(5)"
    ),
    remedy=(
        "rm /etc/udev/rules.d/70-persistent-net.rules\n"
        "with ifupdown, in /etc/network/interfaces: allow-hotplug eth0 and iface eth0 inet dhcp\n"
        "with NetworkManager: nmcli connection add type ethernet ifname eth0 con-name eth0\n"
        "Red Hat's, in /etc/sysconfig/network-scripts/ifcfg-eth0: DEVICE=eth0, ONBOOT=yes, BOOTPROTO=dhcp; in "
        "/etc/sysconfig/network: NETWORKING=yes; chkconfig network on\n"
        "SUSE's, in /etc/sysconfig/network/ifcfg-eth0: BOOTPROTO='dhcp', STARTMODE='auto'; in "
        '/etc/sysconfig/network/dhcp: DHCLIENT_SET_HOSTNAME="no"'
    ),
    changes=changes,
)
