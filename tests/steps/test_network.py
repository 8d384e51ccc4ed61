"""eth0 gets its address by DHCP on Azure, and this machine keeps its own profiles."""

import os
from typing import Any, Dict, List

import pytest

from agentprep.changes import Link, Remove, Write
from agentprep.guest import Draft
from agentprep.net import ifupdown, netplan, networkd, networkmanager
from agentprep.steps.network import STEP, UNMANAGED, UNMANAGED_RULE
from tests.debian12 import (
    CLOUD_INIT,
    DHCLIENT_CONF,
    DPKG_STATUS,
    NETWORKD_SERVICE,
    NETWORKING_SERVICE,
    NETWORKMANAGER_CONF,
    NETWORKMANAGER_SERVICE,
    stanza,
)
from tests.formats.test_interfaces import INSTALLER
from tests.trees import Content, Program, To, brought_about, content, make_tree, planned, policy_of, system_of

Files = Dict[str, Content]
WANTS = "/etc/systemd/system/multi-user.target.wants/"
BASE: Files = {"/lib/systemd/systemd": Program(""), "/sbin/init": To("/lib/systemd/systemd")}
IFUPDOWN: Files = {
    "/lib/systemd/system/networking.service": NETWORKING_SERVICE,
    WANTS + "networking.service": To("/lib/systemd/system/networking.service"),
    "/sbin/dhclient": Program(""),
    "/etc/dhcp/dhclient.conf": DHCLIENT_CONF,
    "/etc/network/interfaces": INSTALLER,
}
NETWORKD: Files = {
    "/lib/systemd/system/systemd-networkd.service": NETWORKD_SERVICE,
    WANTS + "systemd-networkd.service": To("/lib/systemd/system/systemd-networkd.service"),
}
MANAGER: Files = {
    "/lib/systemd/system/NetworkManager.service": NETWORKMANAGER_SERVICE,
    WANTS + "NetworkManager.service": To("/lib/systemd/system/NetworkManager.service"),
    "/etc/NetworkManager/NetworkManager.conf": NETWORKMANAGER_CONF,
}
VF = Write(UNMANAGED, UNMANAGED_RULE.encode(), "a virtual function must not get an address of its own")
WHY = "eth0, the first card on Azure, gets its address by DHCP"


def system(folder: Any, *more: Files) -> Any:
    files = dict(BASE)
    for one in more:
        files.update(one)
    return system_of(make_tree(folder, files))


def settled(one: Any) -> List[Any]:
    """The changes that were made; a second go makes none and finds that all holds."""
    done = brought_about(STEP, one)
    changes, facts = planned(STEP, one)
    assert changes == [] and {fact.verdict for fact in facts} == {"ok"}, facts
    return done


# -- ifupdown ------------------------------------------------------------------------------------------------
def test_eth0_gets_a_stanza_beside_the_one_of_this_machine(tmp_path: Any) -> None:
    one = system(tmp_path, IFUPDOWN)
    assert settled(one) == [Write("/etc/network/interfaces.d/eth0", ifupdown.STANZA.encode(), WHY)]
    assert content(one.guest.root, "/etc/network/interfaces") == INSTALLER


def test_where_no_folder_is_read_the_stanza_goes_into_the_main_file(tmp_path: Any) -> None:
    text = "auto lo\niface lo inet loopback\nauto ens3\niface ens3 inet dhcp"
    one = system(tmp_path, IFUPDOWN, {"/etc/network/interfaces": text})
    assert settled(one) == [
        Write("/etc/network/interfaces", (text + "\n\n" + ifupdown.STANZA).encode(), WHY),
    ]


def test_a_missing_main_file_is_made(tmp_path: Any) -> None:
    files = {path: what for path, what in IFUPDOWN.items() if path != "/etc/network/interfaces"}
    assert [change.path for change in settled(system(tmp_path, files))] == ["/etc/network/interfaces"]


@pytest.mark.parametrize(
    "text, evidence",
    [
        ("allow-hotplug eth0\niface eth0 inet dhcp\n", "`iface eth0 inet dhcp` in /etc/network/interfaces, brought up"),
        ("auto /e*=lan\niface lan inet dhcp\n", "`iface lan inet dhcp` in /etc/network/interfaces, brought up as lan"),
        ("auto eth0\niface eth0 inet6 auto\niface eth0 inet dhcp\n", "`iface eth0 inet dhcp`"),
    ],
)
def test_dhcp_that_is_there_already(tmp_path: Any, text: str, evidence: str) -> None:
    changes, facts = planned(STEP, system(tmp_path, IFUPDOWN, {"/etc/network/interfaces": text}))
    assert changes == [] and facts[0].verdict == "ok" and facts[0].evidence.startswith(evidence)


def test_a_stanza_that_nothing_brings_up(tmp_path: Any) -> None:
    text = "source-directory interfaces.d\niface eth0 inet dhcp\n"
    one = system(tmp_path, IFUPDOWN, {"/etc/network/interfaces": text})
    assert settled(one) == [Write("/etc/network/interfaces.d/eth0", b"allow-hotplug eth0\n", WHY)]


def test_a_file_of_the_same_name_is_left(tmp_path: Any) -> None:
    own: Files = {"/etc/network/interfaces.d/eth0": "# eth0 is not used here\n"}
    one = system(tmp_path, IFUPDOWN, own)
    assert settled(one) == [Write("/etc/network/interfaces", (INSTALLER + "\n" + ifupdown.STANZA).encode(), WHY)]


def test_files_that_a_folder_does_not_read_do_not_count(tmp_path: Any) -> None:
    files: Files = {"/etc/network/interfaces": "source-directory interfaces.d\n",
                    "/etc/network/interfaces.d/eth0.cfg": "auto eth0\niface eth0 inet dhcp\n"}  # fmt: skip
    assert [change.path for change in settled(system(tmp_path, IFUPDOWN, files))] == ["/etc/network/interfaces.d/eth0"]


def test_a_static_address_of_eth0_is_left_to_a_person(tmp_path: Any) -> None:
    text = "auto eth0\niface eth0 inet static\n  address 10.0.0.2/24\n"
    changes, facts = planned(STEP, system(tmp_path, IFUPDOWN, {"/etc/network/interfaces": text}))
    assert changes == [] and [fact.verdict for fact in facts] == ["failed"]
    assert "`iface eth0 inet static` in /etc/network/interfaces" in facts[0].evidence
    assert facts[0].remedy == "change it to: iface eth0 inet dhcp"


def test_a_hardware_address_of_eth0_goes(tmp_path: Any) -> None:
    text = "auto eth0\niface eth0 inet dhcp\n  hwaddress ether 52:54:00:12:34:56\niface x inet dhcp\n  hwaddress 0\n"
    one = system(tmp_path, IFUPDOWN, {"/etc/network/interfaces": text})
    assert len(settled(one)) == 1
    assert content(one.guest.root, "/etc/network/interfaces") == text.replace("  hw", "# agentprep:   hw", 1)


def test_ifupdown_without_a_client_is_told(tmp_path: Any) -> None:
    files = {path: what for path, what in IFUPDOWN.items() if path != "/sbin/dhclient"}
    _, facts = planned(STEP, system(tmp_path, files))
    assert [fact.verdict for fact in facts] == ["ok", "warning"]


# -- systemd-networkd ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text, fine",
    [
        ("[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n", True),
        ("[Match]\nType=ether\n[Network]\nDHCP=ipv4\n", True),
        ("[Network]\nDHCP=yes\n", True),
        ("[Match]\nName=!ens*\n[Network]\nDHCP=yes\n", True),
        ("[Match]\nName=ens3\n[Network]\nDHCP=yes\n", False),
        ("[Match]\nMACAddress=52:54:00:12:34:56\n[Network]\nDHCP=yes\n", False),
        ("[Match]\nName=!eth0\n[Network]\nDHCP=yes\n", False),
        ("[Match]\nName=eth0\nVirtualization=container\n[Network]\nDHCP=yes\n", False),
        ("[Match]\nDriver=virtio_net\n[Network]\nDHCP=yes\n", False),
    ],
)
def test_networkd_gets_a_file_for_eth0_where_none_fits(tmp_path: Any, text: str, fine: bool) -> None:
    one = system(tmp_path, NETWORKD, {"/etc/systemd/network/10-lan.network": text})
    assert settled(one) == ([] if fine else [Write(networkd.OWN, networkd.CONTENT.encode(), WHY)])
    assert content(one.guest.root, "/etc/systemd/network/10-lan.network") == text


def test_the_first_file_that_fits_governs(tmp_path: Any) -> None:
    files: Files = {"/lib/systemd/network/10-a.network": "[Match]\nName=eth*\n[Network]\nAddress=10.0.0.1/24\n",
                    "/etc/systemd/network/20-b.network": "[Match]\nName=eth*\n[Network]\nDHCP=yes\n"}  # fmt: skip
    changes, facts = planned(STEP, system(tmp_path / "a", NETWORKD, files))
    assert changes == [] and facts[0].verdict == "failed" and "10-a.network matches eth0" in facts[0].evidence
    files["/etc/systemd/network/10-a.network"] = To("/dev/null")
    assert planned(STEP, system(tmp_path / "b", NETWORKD, files))[1][0].evidence == (
        "/etc/systemd/network/20-b.network gives eth0 DHCP"
    )


# -- NetworkManager ------------------------------------------------------------------------------------------
def keyfile(*lines: str, **ipv4: str) -> str:
    kept = "\n".join(lines)
    return "[connection]\nid=Wired\ntype=ethernet\n%s\n[ipv4]\nmethod=%s\n" % (kept, ipv4.get("method", "auto"))


def test_network_manager_gives_a_card_without_a_profile_dhcp(tmp_path: Any) -> None:
    one = system(tmp_path, MANAGER)
    assert settled(one) == [VF]
    facts = planned(STEP, one)[1]
    assert facts[0].evidence == "NetworkManager gives a card without a profile DHCP (no-auto-default is not set)"
    assert facts[1].evidence == UNMANAGED + " keeps NetworkManager from virtual functions"


def test_unless_it_is_told_not_to(tmp_path: Any) -> None:
    files: Files = {"/usr/lib/NetworkManager/conf.d/00-server.conf": "[main]\nno-auto-default=*\n"}
    one = system(tmp_path, MANAGER, files)
    own = Write(networkmanager.OWN, networkmanager.CONTENT.encode(), WHY, mode=0o600)
    assert settled(one) == [own, VF]
    assert os.stat(one.guest.root + networkmanager.OWN).st_mode & 0o777 == 0o600


def test_a_profile_that_is_bound_to_a_card_of_this_machine(tmp_path: Any) -> None:
    path = "/etc/NetworkManager/system-connections/Wired.nmconnection"
    text = keyfile("[ethernet]", "mac-address=52:54:00:12:34:56")
    one = system(tmp_path / "a", MANAGER, {path: text})
    assert [change.path for change in settled(one)] == [path, UNMANAGED]
    assert content(one.guest.root, path) == text.replace("mac-", "# agentprep: mac-")
    assert planned(STEP, one)[1][0].evidence == path + " gives eth0 DHCP"
    two: Files = {path: text, path + "2": text}
    assert settled(system(tmp_path / "b", MANAGER, two)) == [VF], "which of two a card would get is left to chance"
    static: Files = {path: keyfile("[ethernet]", "mac-address=52:54:00:12:34:56", method="manual")}
    assert settled(system(tmp_path / "c", MANAGER, static)) == [VF], "it fits no card on Azure"


def test_a_static_profile_that_fits_eth0_is_left_to_a_person(tmp_path: Any) -> None:
    path = "/etc/NetworkManager/system-connections/Wired.nmconnection"
    for number, line in enumerate(("", "interface-name=eth0", "[match]\ninterface-name=e*;")):
        _, facts = planned(STEP, system(tmp_path / str(number), MANAGER, {path: keyfile(line, method="manual")}))
        assert facts[0].verdict == "failed" and path in facts[0].evidence
    for number, line in enumerate(("interface-name=ens3", "autoconnect=false")):
        _, facts = planned(STEP, system(tmp_path / ("b%d" % number), MANAGER, {path: keyfile(line, method="manual")}))
        assert facts[0].verdict == "ok"


def test_a_rule_for_virtual_functions_that_is_there_already(tmp_path: Any) -> None:
    rule: Files = {"/lib/udev/rules.d/10-azure-unmanaged-sriov.rules": UNMANAGED_RULE}
    assert planned(STEP, system(tmp_path / "a", MANAGER, rule))[0] == []
    commented: Files = {"/lib/udev/rules.d/10-azure-unmanaged-sriov.rules": UNMANAGED_RULE.replace("SUB", "#SUB")}
    assert planned(STEP, system(tmp_path / "b", MANAGER, commented))[0] == [VF]


def test_network_manager_goes_when_the_agent_comes(tmp_path: Any) -> None:
    status: Files = {"/var/lib/dpkg/status": DPKG_STATUS + stanza("network-manager", "1.42.4-1")}
    one = system(tmp_path, MANAGER, status)
    draft = Draft(one.guest)
    draft.guess("/var/lib/dpkg/status")
    writes = [item for item in STEP.changes(one.on(draft), policy_of()) if isinstance(item, Write)]
    assert [write.path for write in writes][:1] == ["/etc/network/interfaces.d/eth0"]


# -- netplan -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text, fine",
    [
        ("    eth0:\n      dhcp4: true\n", True),
        ("    lan:\n      match:\n        name: e*\n      dhcp4: yes\n", True),
        ("    ens3:\n      dhcp4: true\n", False),
        ("    eth0: {dhcp4: true, mtu: 1500}\n", True),
        ('    eth0: {dhcp4: true, match: {macaddress: "52:54:00:12:34:56"}}\n', False),
        ("    eth0:\n      match:\n        macaddress: 52:54:00:12:34:56\n      dhcp4: true\n", False),
        ('    eth0:\n      match: {macaddress: "52:54:00:12:34:56"}\n      dhcp4: true\n', False),
        ("    lan:\n      match:\n        driver: virtio_net\n      dhcp4: true\n", False),
    ],
)
def test_netplan_gets_a_file_for_eth0_where_none_fits(tmp_path: Any, text: str, fine: bool) -> None:
    files: Files = {"/usr/sbin/netplan": Program(""),
                    "/etc/netplan/01-netcfg.yaml": "network:\n  version: 2\n  ethernets:\n" + text}  # fmt: skip
    one = system(tmp_path, NETWORKD, files)
    assert settled(one) == ([] if fine else [Write(netplan.OWN, netplan.CONTENT.encode(), WHY, mode=0o600)])


def test_a_static_definition_of_eth0_is_left_to_a_person(tmp_path: Any) -> None:
    text = "network:\n  ethernets:\n    eth0:\n      addresses: [10.0.0.2/24]\n"
    files: Files = {"/usr/sbin/netplan": Program(""), "/etc/netplan/01-netcfg.yaml": text}
    _, facts = planned(STEP, system(tmp_path, NETWORKD, files))
    assert [fact.verdict for fact in facts] == ["failed"] and "eth0 in /etc/netplan/01-netcfg.yaml" in facts[0].evidence


# -- cloud-init ----------------------------------------------------------------------------------------------
def test_cloud_init_writes_the_profile_where_it_provisions(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system(tmp_path / "a", IFUPDOWN, CLOUD_INIT))
    assert changes == [] and facts[0].evidence.startswith("cloud-init writes a DHCP profile")
    for number, text in enumerate((
        "network: {config: disabled}\n", "network:\n  config: disabled\n",
        "datasource:\n  Azure:\n    apply_network_config: False\n",
    )):  # fmt: skip
        told: Files = {"/etc/cloud/cloud.cfg.d/99.cfg": text}
        changes, _ = planned(STEP, system(tmp_path / ("b%d" % number), IFUPDOWN, CLOUD_INIT, told))
        assert [change.path for change in changes] == ["/etc/network/interfaces.d/eth0"], text


def test_a_static_address_is_a_problem_under_cloud_init_too(tmp_path: Any) -> None:
    text: Files = {"/etc/network/interfaces": "auto eth0\niface eth0 inet static\n"}
    assert planned(STEP, system(tmp_path, IFUPDOWN, CLOUD_INIT, text))[1][0].verdict == "failed"


# -- the rest ------------------------------------------------------------------------------------------------
def test_a_guest_without_a_network_is_told(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system(tmp_path))
    assert changes == [] and [fact.verdict for fact in facts] == ["failed"]
    assert (
        "none of ifupdown, ifcfg files, wicked, systemd-networkd, NetworkManager or netplan starts at boot"
        in facts[0].evidence
    )


def test_udev_forgets_the_cards_of_this_machine(tmp_path: Any) -> None:
    old: Files = {"/etc/udev/rules.d/70-persistent-net.rules": 'ATTR{address}=="52:54:00:12:34:56", NAME="eth0"\n',
                  "/lib/udev/rules.d/75-persistent-net-generator.rules": "# generator\n",
                  "/etc/network/interfaces": "auto eth0\niface eth0 inet dhcp\n"}  # fmt: skip
    assert settled(system(tmp_path, IFUPDOWN, old)) == [
        Remove("/etc/udev/rules.d/70-persistent-net.rules",
               "it names cards by their hardware addresses: on Azure eth0 would become eth1"),
        Link("/etc/udev/rules.d/75-persistent-net-generator.rules", "/dev/null",
             "/lib/udev/rules.d/75-persistent-net-generator.rules would name cards by their hardware addresses again"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "old, new",
    [("timeout 60;", "timeout 300;"), ("  timeout\t5 ;", "  timeout\t300 ;"), ("timeout 600;", None),
     ("#timeout 60;", None), ("select-timeout 5;", None)],
)  # fmt: skip
def test_dhclient_is_patient(tmp_path: Any, old: str, new: str) -> None:
    files: Files = {"/etc/dhcp/dhclient.conf": DHCLIENT_CONF + old + "\n",
                    "/etc/network/interfaces": "auto eth0\niface eth0 inet dhcp\n"}  # fmt: skip
    one = system(tmp_path, IFUPDOWN, files)
    assert len(settled(one)) == (1 if new else 0)
    assert content(one.guest.root, "/etc/dhcp/dhclient.conf") == DHCLIENT_CONF + (new or old) + "\n"


@pytest.mark.parametrize("stranger", ["", "connman"])
def test_a_network_manager_that_nothing_starts_is_started_where_nothing_else_is(tmp_path, stranger):
    unit = "[Unit]\n[Service]\nExecStart=/usr/sbin/x\n[Install]\nWantedBy=multi-user.target\n"
    files: Files = dict(BASE, **{"/lib/systemd/system/NetworkManager.service": unit})
    if stranger:
        files["/lib/systemd/system/%s.service" % stranger] = unit
        link = "/etc/systemd/system/multi-user.target.wants/%s.service" % stranger
        files[link] = To("/lib/systemd/system/%s.service" % stranger)
    changes, facts = planned(STEP, system_of(make_tree(tmp_path / "root", files)))
    link = "/etc/systemd/system/multi-user.target.wants/NetworkManager.service"
    assert (link in [one.path for one in changes]) is not bool(stranger)
    assert ("failed" in [fact.verdict for fact in facts]) is bool(stranger)
