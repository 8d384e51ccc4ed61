"""eth0 of SUSE's kinds gets its address by DHCP, and its name not."""

from typing import Any

import pytest

from agentprep.changes import Write
from agentprep.net import networkmanager, wicked
from agentprep.steps.network import STEP, UNMANAGED
from tests.net.machines import MANAGER, SYSTEMD, SYSV, WICKED, Files, release, system
from tests.trees import To, brought_about, content, planned

FOLDER = "/etc/sysconfig/network/"
OWN = FOLDER + "ifcfg-eth0"
NEW = "# The first network card on Azure; written by agentprep.\nBOOTPROTO='dhcp'\nSTARTMODE='auto'\n"
SLES15 = (release("sles", "15.5"), SYSTEMD, WICKED)
# YaST of SLES 12
STATIC = """\
BOOTPROTO='static'
BROADCAST=''
ETHTOOL_OPTIONS=''
IPADDR='10.0.0.5/24'
LLADDR='52:54:00:12:34:56'
MTU=''
NAME='82540EM Gigabit Ethernet Controller'
NETMASK=''
STARTMODE='auto'
"""


def settled(one: Any) -> Any:
    """The changes that were made; a second go makes none, and Microsoft's test (LISA) passes."""
    done = brought_about(STEP, one)
    changes, facts = planned(STEP, one)
    assert changes == [] and {fact.verdict for fact in facts} <= {"ok", "warning"}, facts
    assert 'DHCLIENT_SET_HOSTNAME="no"' in content(one.guest.root, FOLDER + "dhcp")
    return done


def test_sles_15_of_another_hypervisor(tmp_path: Any) -> None:
    eth1: Files = {FOLDER + "ifcfg-eth1": STATIC}
    one = system(tmp_path, *SLES15, eth1)
    assert [change.path for change in settled(one)] == [FOLDER + "dhcp", OWN]
    assert content(one.guest.root, OWN) == NEW
    assert content(one.guest.root, FOLDER + "ifcfg-eth1") == STATIC
    assert content(one.guest.root, FOLDER + "dhcp") == 'DHCLIENT_DEBUG="no"\nDHCLIENT_SET_HOSTNAME="no"\n'
    assert planned(STEP, one)[1][0].evidence == OWN + " gives eth0 DHCP"


def test_a_fixed_address_is_kept_as_a_comment(tmp_path: Any) -> None:
    one = system(tmp_path, *SLES15, {OWN: STATIC})
    assert "10.0.0.5/24 is kept as a comment" in settled(one)[-1].why
    assert content(one.guest.root, OWN) == STATIC.replace("'static'", "'dhcp'").replace(
        "IPADDR", "# agentprep: IPADDR").replace("LLADDR", "# agentprep: LLADDR")  # fmt: skip


@pytest.mark.parametrize("proto", ["dhcp", "dhcp4", "dhcp4+auto6", "DHCP"])
@pytest.mark.parametrize("mode", ["auto", "hotplug", "nfsroot"])
def test_words_that_mean_the_same_stay(tmp_path: Any, proto: str, mode: str) -> None:
    text = "BOOTPROTO=%s\nSTARTMODE=%s\nIPADDR_1='10.1.0.5/24'\n" % (proto, mode)
    assert [change.path for change in settled(system(tmp_path, *SLES15, {OWN: text}))] == [FOLDER + "dhcp"]


@pytest.mark.parametrize("text", ["STARTMODE='auto'\n", "BOOTPROTO='dhcp6'\nSTARTMODE='auto'\n", "BOOTPROTO='dhcp'\n",
                                  "BOOTPROTO='dhcp'\nSTARTMODE='manual'\n"])  # fmt: skip
def test_words_that_leave_eth0_without_an_address(tmp_path: Any, text: str) -> None:
    one = system(tmp_path, *SLES15, {OWN: text})
    settled(one)
    assert "BOOTPROTO='dhcp'" in content(one.guest.root, OWN) and "STARTMODE='auto'" in content(one.guest.root, OWN)


def test_a_route_by_dhcp_that_is_refused(tmp_path: Any) -> None:
    text = "BOOTPROTO='dhcp'\nSTARTMODE='auto'\nDHCLIENT_SET_DEFAULT_ROUTE='no'\n"
    one = system(tmp_path, *SLES15, {OWN: text})
    settled(one)
    assert content(one.guest.root, OWN) == text.replace("DHC", "# agentprep: DHC")


def test_a_card_that_is_a_part_of_a_bond_is_left_to_a_person(tmp_path: Any) -> None:
    files: Files = {FOLDER + "ifcfg-bond0": "BONDING_MASTER='yes'\nBONDING_SLAVE_0='eth0'\n"}
    _, facts = planned(STEP, system(tmp_path, *SLES15, files))
    assert facts[0].verdict == "failed" and "a part of bond0" in facts[0].evidence


def test_what_is_of_this_network_is_told(tmp_path: Any) -> None:
    files: Files = {FOLDER + "routes": "# x\ndefault 10.0.0.1 - -\n",
                    FOLDER + "config": 'NETCONFIG_DNS_STATIC_SERVERS="10.0.0.2"\n'}  # fmt: skip
    _, facts = planned(STEP, system(tmp_path, *SLES15, files))
    assert [fact.verdict for fact in facts] == ["ok", "warning", "warning"]
    assert "default 10.0.0.1 - -" in facts[1].evidence and "10.0.0.2" in facts[2].evidence


def test_sles_11_has_a_script(tmp_path: Any) -> None:
    files: Files = {"/etc/init.d/network": "", "/etc/init.d/rc3.d/S05network": To("../network"),
                    FOLDER + "dhcp": "DHCLIENT_SET_HOSTNAME='yes'\n",
                    "/etc/udev/rules.d/70-persistent-net.rules": "x",
                    "/lib/udev/rules.d/75-persistent-net-generator.rules": "x"}  # fmt: skip
    one = system(tmp_path, release("sles", "11.4"), SYSV, files)
    assert [change.path for change in settled(one)][2:] == [FOLDER + "dhcp", OWN]


def test_sles_16_has_networkmanager_only(tmp_path: Any) -> None:
    one = system(tmp_path, release("sles", "16.0"), SYSTEMD, MANAGER)
    assert [change.path for change in brought_about(STEP, one)] == [networkmanager.OWN, UNMANAGED]


def test_networkmanager_on_sles_12_takes_no_name_either(tmp_path: Any) -> None:
    files: Files = {FOLDER + "dhcp": "DHCLIENT_SET_HOSTNAME='yes'\n"}
    one = system(tmp_path, release("sles", "12.5"), SYSTEMD, MANAGER, files)
    assert [change.path for change in settled(one)] == [FOLDER + "dhcp", networkmanager.OWN, UNMANAGED]


def test_a_missing_file_is_made(tmp_path: Any) -> None:
    base = {path: what for one in SLES15 for path, what in one.items() if path != FOLDER + "dhcp"}
    first = settled(system(tmp_path, base))[0]
    assert first == Write(
        wicked.DHCP, b'DHCLIENT_SET_HOSTNAME="no"\n', "the agent or cloud-init sets the host name, not DHCP"
    )
