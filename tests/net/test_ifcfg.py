"""eth0 of Red Hat's kinds has a DHCP profile in the very form that Microsoft's tests look for."""

import re
from typing import Any

import pytest

from agentprep.changes import Link, Remove, Write
from agentprep.errors import Malformed
from agentprep.net import ifcfg, networkmanager
from agentprep.steps.network import STEP, UNMANAGED
from tests.net.machines import (
    LEVELS,
    MANAGER,
    PLUGIN,
    SCRIPTS,
    STARTED,
    SYSTEMD,
    UPSTART,
    Files,
    release,
    system,
)  # fmt: skip
from tests.trees import To, brought_about, content, planned, policy_of

OWN = "/etc/sysconfig/network-scripts/ifcfg-eth0"
ENS = "/etc/sysconfig/network-scripts/ifcfg-ens192"
GLOBAL = "/etc/sysconfig/network"
# anaconda 21 (CentOS 7) and 13 (CentOS 6)
ENS192 = """\
TYPE="Ethernet"
BOOTPROTO="none"
NAME="ens192"
UUID="6e2c5d3b-1f4a-4b62-9c9a-5f4f5e7a8b10"
DEVICE="ens192"
ONBOOT="yes"
IPADDR="10.0.0.5"
PREFIX="24"
GATEWAY="10.0.0.1"
"""
STATIC = """\
DEVICE="eth0"
BOOTPROTO="static"
HWADDR="52:54:00:12:34:56"
IPADDR="10.0.0.5"
NETMASK="255.255.255.0"
GATEWAY="10.0.0.1"
DNS1="10.0.0.2"
NM_CONTROLLED="yes"
ONBOOT="yes"
TYPE="Ethernet"
UUID="5fb06bd0-0bb0-7ffb-45f1-d6edd65f3e03"
"""
NEW = """\
# The first network card on Azure; written by agentprep.
DEVICE=eth0
ONBOOT=yes
BOOTPROTO=dhcp
TYPE=Ethernet
PEERDNS=yes
PERSISTENT_DHCLIENT=yes
NM_CONTROLLED=%s
USERCTL=no
IPV6INIT=no
"""
CENTOS6 = (release("centos", "6"), UPSTART, SCRIPTS, STARTED, {GLOBAL: "NETWORKING=yes\nHOSTNAME=vm\n"})
CENTOS7 = (release("centos", "7"), SYSTEMD, SCRIPTS, STARTED, MANAGER, {PLUGIN: "", GLOBAL: "# Created by anaconda\n"})


def settled(one: Any) -> Any:
    """The changes that were made; a second go makes none, and Microsoft's tests (LISA) pass."""
    done = brought_about(STEP, one)
    changes, facts = planned(STEP, one)
    assert changes == [] and {fact.verdict for fact in facts} <= {"ok", "warning"}, facts
    text = content(one.guest.root, OWN)
    assert all(word in text for word in ("DEVICE=eth0", "BOOTPROTO=dhcp", "ONBOOT=yes"))
    assert "NETWORKING=YES" in content(one.guest.root, GLOBAL).upper()
    assert not re.search(r"(?m)^\s*(HWADDR|MACADDR|UUID)", text)
    return done


def test_centos_7_of_another_hypervisor(tmp_path: Any) -> None:
    """Its own card keeps its profile; eth0 gets one beside it."""
    one = system(tmp_path, *CENTOS7, {ENS: ENS192})
    assert [change.path for change in settled(one)] == [GLOBAL, OWN, UNMANAGED]
    assert content(one.guest.root, OWN) == NEW % "no"
    assert content(one.guest.root, ENS) == ENS192
    assert content(one.guest.root, GLOBAL) == "# Created by anaconda\nNETWORKING=yes\n"
    assert planned(STEP, one)[1][0].evidence == OWN + " gives eth0 DHCP"


def test_a_fixed_address_is_kept_as_comments(tmp_path: Any) -> None:
    one = system(tmp_path, *CENTOS6, {OWN: STATIC})
    done = settled(one)
    assert [change.path for change in done] == [OWN, OWN]
    assert done[-1].why.endswith("and 10.0.0.5 is kept as a comment")
    lines = content(one.guest.root, OWN).splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        "DEVICE=eth0", "BOOTPROTO=dhcp", "NM_CONTROLLED=no", "ONBOOT=yes", "TYPE=Ethernet", "PEERDNS=yes",
        "PERSISTENT_DHCLIENT=yes", "USERCTL=no", "IPV6INIT=no",
    ]  # fmt: skip
    assert '# agentprep: IPADDR="10.0.0.5"' in lines and '# agentprep: DNS1="10.0.0.2"' in lines


def test_what_dhcp_of_this_machine_says_otherwise_stays(tmp_path: Any) -> None:
    text = "DEVICE=eth0\nBOOTPROTO=dhcp\nONBOOT=yes\nIPV6INIT=yes\nMTU=1400\nGATEWAY=\n"
    one = system(tmp_path, *CENTOS6, {OWN: text})
    settled(one)
    assert content(one.guest.root, OWN).startswith(text)


def test_a_gateway_for_all_cards_goes(tmp_path: Any) -> None:
    """dhclient-script passes over the router that DHCP gives where GATEWAY is set."""
    text = "NETWORKING=yes\nHOSTNAME=vm.example.org\nGATEWAY=10.0.0.1\nGATEWAYDEV=eth1\n"
    one = system(tmp_path, *CENTOS6, {GLOBAL: text})
    done = settled(one)
    assert [change.path for change in done] == [GLOBAL, OWN] and "GATEWAY" in done[0].why
    assert content(one.guest.root, GLOBAL) == text.replace("GATEWAY=", "# agentprep: GATEWAY=").replace(
        "GATEWAYDEV", "# agentprep: GATEWAYDEV"
    )


def test_the_scripts_end_at_once_without_the_global_file(tmp_path: Any) -> None:
    files = {path: what for one in CENTOS6 for path, what in one.items() if path != GLOBAL}
    one = system(tmp_path, files)
    settled(one)
    assert content(one.guest.root, GLOBAL) == "NETWORKING=yes\n"


@pytest.mark.parametrize("text", ['NETWORKING="yes"\n', "NETWORKING=no\n", "NETWORKING=yes\nNETWORKING=no\n"])
def test_networking_is_yes_without_quotes(tmp_path: Any, text: str) -> None:
    one = system(tmp_path, *CENTOS6, {GLOBAL: text})
    settled(one)
    assert content(one.guest.root, GLOBAL) == "NETWORKING=yes\n"


def test_the_scripts_start_where_networkmanager_will_go(tmp_path: Any) -> None:
    """The agent's package removes NetworkManager on release 6: the scripts must do without it."""
    manager: Files = {
        "/etc/rc.d/init.d/NetworkManager": "",
        "/etc/rc.d/rc3.d/S23NetworkManager": To("../init.d/NetworkManager"),
        "/usr/lib64/NetworkManager/libnm-settings-plugin-ifcfg-rh.so": "",
        GLOBAL: "NETWORKING=yes\n",
    }
    one = system(tmp_path, release("centos", "6"), UPSTART, SCRIPTS, LEVELS, manager)
    done = settled(one)
    assert Link("/etc/rc.d/rc3.d/S10network", "../init.d/network", "network starts at boot") in done
    assert content(one.guest.root, OWN) == NEW % "no"


def test_networkmanager_reads_the_files_by_its_plugin(tmp_path: Any) -> None:
    """EL 8 and 9: no scripts, and the profile is NetworkManager's."""
    one = system(tmp_path, release("rocky", "9.4"), SYSTEMD, MANAGER, {PLUGIN: ""})
    assert [change.path for change in settled(one)] == [GLOBAL, OWN, UNMANAGED]
    assert content(one.guest.root, OWN) == NEW % "yes"


@pytest.mark.parametrize("more", [{}, {PLUGIN: "", "/etc/NetworkManager/conf.d/9.conf": "[main]\nplugins=keyfile\n"}])
def test_without_the_plugin_it_gets_a_keyfile_too(tmp_path: Any, more: Files) -> None:
    """EL 10 reads no ifcfg file, but Microsoft's tests do."""
    one = system(tmp_path, release("rhel", "10.0"), SYSTEMD, MANAGER, more)
    assert [change.path for change in settled(one)] == [GLOBAL, OWN, networkmanager.OWN, UNMANAGED]


def test_the_policy_chooses_between_the_two(tmp_path: Any) -> None:
    """Microsoft's page of today says NM_CONTROLLED=yes for release 7; nobody is left without either."""
    both, one = (
        system(tmp_path / "a", *CENTOS7),
        system(tmp_path / "b", release("rocky", "9.4"), SYSTEMD, MANAGER, {PLUGIN: ""}),
    )
    today = policy_of(named="current", family="rhel", release="7")
    for guest, policy, told in (
        (both, today, "yes"), (both, policy_of("network.nm_controlled=no"), "no"),
        (one, policy_of("network.nm_controlled=no"), "yes"), (both, policy_of(), "no"),
    ):  # fmt: skip
        brought_about(STEP, guest, policy)
        assert "\nNM_CONTROLLED=%s\n" % told in content(guest.guest.root, OWN)


def test_the_scripts_of_el_8_stay_off_where_networkmanager_works(tmp_path: Any) -> None:
    one = system(tmp_path, release("ol", "8.9"), SYSTEMD, SCRIPTS, LEVELS, MANAGER, {PLUGIN: ""})
    assert [change.path for change in settled(one)] == [GLOBAL, OWN, UNMANAGED]
    assert content(one.guest.root, OWN) == NEW % "yes"


def test_a_card_that_is_a_part_of_a_bridge_is_left_to_a_person(tmp_path: Any) -> None:
    files: Files = {OWN: "DEVICE=eth0\nONBOOT=yes\nBRIDGE=br0\n"}
    changes, facts = planned(STEP, system(tmp_path, *CENTOS6, files))
    assert changes == [] and facts[0].verdict == "failed" and "a part of br0" in facts[0].evidence


def test_another_file_for_eth0(tmp_path: Any) -> None:
    path = "/etc/sysconfig/network-scripts/ifcfg-Auto_eth0"
    files: Files = {path: "DEVICE=eth0\nBOOTPROTO=none\nONBOOT=yes\nHWADDR=52:54:00:12:34:56\n"}
    changes, facts = planned(STEP, system(tmp_path, *CENTOS6, files))
    assert [change.path for change in changes] == [path] and facts[0].remedy == "set ONBOOT=no in it, or remove it"


@pytest.mark.parametrize("name", ["eth0.bak", "eth0~", "eth0.rpmsave", "eth0:1", "eth0-range0"])
def test_files_that_the_scripts_pass_over(tmp_path: Any, name: str) -> None:
    files: Files = {"/etc/sysconfig/network-scripts/ifcfg-" + name: "DEVICE=eth0\nBRIDGE=br0\n"}
    assert [change.path for change in settled(system(tmp_path, *CENTOS6, files))] == [OWN]


def test_the_route_that_dhcp_gives_is_taken(tmp_path: Any) -> None:
    text = (NEW % "no").replace("# The", "DEFROUTE=no\n# The")
    one = system(tmp_path, *CENTOS6, {OWN: text})
    settled(one)
    assert content(one.guest.root, OWN) == "# agentprep: " + text


def test_networkmanager_that_leaves_eth0_alone(tmp_path: Any) -> None:
    conf: Files = {
        PLUGIN: "",
        "/etc/NetworkManager/conf.d/9.conf": "[keyfile]\nunmanaged-devices=interface-name:eth*\n",
    }
    _, facts = planned(STEP, system(tmp_path, release("rocky", "9.4"), SYSTEMD, MANAGER, conf))
    assert facts[0].verdict == "failed" and "unmanaged-devices=interface-name:eth*" in facts[0].evidence


def test_routes_and_a_missing_client_are_told(tmp_path: Any) -> None:
    files: Files = {"/etc/sysconfig/network-scripts/route-eth0": "10.9.0.0/16 via 10.0.0.1\n"}
    base = {path: what for one in CENTOS6 for path, what in one.items() if path != "/sbin/dhclient"}
    _, facts = planned(STEP, system(tmp_path, base, files))
    assert [fact.verdict for fact in facts] == ["ok", "warning", "warning"]
    assert "route-eth0 sets routes" in facts[1].evidence and facts[2].remedy == "yum install dhclient"


def test_udev_of_release_6_forgets_the_cards(tmp_path: Any) -> None:
    folder = "/etc/udev/rules.d/"
    rules: Files = {folder + "70-persistent-net.rules": "x", folder + "85-persistent-net-cloud-init.rules": "x",
                    "/lib/udev/rules.d/75-persistent-net-generator.rules": "x"}  # fmt: skip
    done = settled(system(tmp_path, *CENTOS6, rules))
    assert [type(change) for change in done] == [Remove, Remove, Link, Write]
    assert done[2].path == folder + "75-persistent-net-generator.rules" and done[2].target == "/dev/null"


def test_a_file_that_only_a_shell_understands(tmp_path: Any) -> None:
    files: Files = {OWN: "if true; then\nHWADDR=1\nfi\n"}
    with pytest.raises(Malformed, match="ifcfg-eth0, line 2"):
        planned(STEP, system(tmp_path, *CENTOS6, files))


def test_suses_service_of_that_name_is_not_taken_for_it(tmp_path: Any) -> None:
    assert not ifcfg.installed(system(tmp_path, {"/etc/init.d/network": ""}).guest)


WIRED = 'TYPE=Ethernet\nBOOTPROTO=%s\nIPADDR=10.9.8.7\nPREFIX=24\nNAME="Wired connection 1"\nONBOOT=yes\n'


@pytest.mark.parametrize(
    "text, verdict",
    [(WIRED % "none", "failed"), (WIRED % "dhcp", "ok"), (WIRED % "none" + "HWADDR=52:54:00:12:34:56\n", "ok"),
     (WIRED % "none" + "ONBOOT=no\n", "ok"), (WIRED % "none" + "DEVICE=ens192\n", "ok")],
)  # fmt: skip
def test_networkmanager_may_give_any_card_a_file_that_names_none(tmp_path: Any, text: str, verdict: str) -> None:
    files: Files = {"/etc/sysconfig/network-scripts/ifcfg-Wired_connection_1": text, PLUGIN: ""}
    one = system(tmp_path, release("centos", "8"), SYSTEMD, MANAGER, files)
    assert planned(STEP, one)[1][-1].verdict == verdict


def test_a_file_of_another_card_that_no_shell_reads_does_no_harm(tmp_path: Any) -> None:
    bobs = "/etc/sysconfig/network-scripts/ifcfg-Bobs"
    settled(system(tmp_path / "a", *CENTOS7, {bobs: "NAME=Bob's\nDEVICE=ens224\n"}))
    with pytest.raises(Malformed, match="ifcfg-Bobs: line 1: a single quote"):
        planned(STEP, system(tmp_path / "b", *CENTOS7, {bobs: "NAME=Bob's\nDEVICE=eth0\n"}))
