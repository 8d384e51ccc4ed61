"""Which keyfile eth0 gets on Azure, and whether NetworkManager looks after the card at all."""

from typing import Any

import pytest

from agentprep.errors import Blocked
from agentprep.net.networkmanager import OWN, NetworkManager, setting, unmanaged
from agentprep.steps.network import STEP, UNMANAGED
from tests.net.machines import MANAGER, SYSTEMD, Files, release, system
from tests.trees import brought_about, content, planned

PATH = "/etc/NetworkManager/system-connections/lan.nmconnection"
FEDORA = (release("fedora", "42"), SYSTEMD, MANAGER)
LAN = "[connection]\nid=lan\ntype=ethernet\n%s\n[ipv4]\nmethod=auto\n"
# azure-vm-utils 0.6
SRIOV = ('SUBSYSTEM=="net", ACTION!="remove", DRIVERS=="mana|mlx4_core|mlx5_core", ATTR{flags}=="0x?[89ABCDEF]??", '
         'ENV{NM_UNMANAGED}="1", ENV{AZURE_UNMANAGED_SRIOV}="1"\n')  # fmt: skip


def conf(text: str) -> Files:
    return {"/etc/NetworkManager/conf.d/50-x.conf": text}


def test_fedora_states_its_profile(tmp_path: Any) -> None:
    """Microsoft's test of Fedora 39 and later looks for this very file, with id=eth0."""
    one = system(tmp_path, *FEDORA)
    assert [change.path for change in brought_about(STEP, one)] == [OWN, UNMANAGED]
    assert "id=eth0\n" in content(one.guest.root, OWN) and "method=auto" in content(one.guest.root, OWN)
    assert planned(STEP, one)[0] == []


@pytest.mark.parametrize(
    "lines, fits",
    [
        ("interface-name=eth0", True),
        ("interface-name=ens192", False),
        ("[match]\npath=pci-0000:0b:00.0", False),
        ("[match]\ndriver=virtio_net;", False),
        ("[match]\ndriver=virtio_net;hv_netvsc;", True),
        ("interface-name=eth0\n[ethernet]\nmac-address=52:54:00:12:34:56", True),
    ],
)
def test_which_profiles_fit(tmp_path: Any, lines: str, fits: bool) -> None:
    done = brought_about(STEP, system(tmp_path, *FEDORA, {PATH: LAN % lines}))
    assert (OWN not in [change.path for change in done]) == fits


def test_eth0_keeps_the_hardware_address_that_azure_gives_it(tmp_path: Any) -> None:
    text = LAN % "interface-name=eth0\n[ethernet]\ncloned-mac-address=%s"
    one = system(tmp_path / "a", *FEDORA, {PATH: text % "52:54:00:12:34:56"})
    assert [change.path for change in brought_about(STEP, one)] == [PATH, UNMANAGED]
    assert content(one.guest.root, PATH) == text.replace("cloned", "# agentprep: cloned") % "52:54:00:12:34:56"
    assert [
        change.path for change in brought_about(STEP, system(tmp_path / "b", *FEDORA, {PATH: text % "preserve"}))
    ] == [UNMANAGED]
    other = text.replace("eth0", "ens192") % "52:54:00:12:34:56"
    assert PATH not in [change.path for change in brought_about(STEP, system(tmp_path / "c", *FEDORA, {PATH: other}))]


@pytest.mark.parametrize(
    "told, left",
    [
        ("interface-name:eth0", True), ("interface-name:eth*;mac:52:54:00:12:34:56", True), ("*", True),
        ("type:ethernet", True), ("driver:hv_netvsc", True), ("eth0", True), ("interface-name:=eth0", True),
        ("driver:mlx4_core,driver:mlx5_core", False), ("interface-name:=eth*", False), ("mac:52:54:00:12:34:56", False),
        ("*,except:type:wifi", True), ("*,except:type:ethernet", False), ("", False),
    ],
)  # fmt: skip
def test_what_networkmanager_leaves_alone(tmp_path: Any, told: str, left: bool) -> None:
    one = system(tmp_path, *FEDORA, conf("[keyfile]\nunmanaged-devices=%s\n" % told))
    assert unmanaged(one.guest) == (told if left else "")
    if left:
        assert NetworkManager(one.guest).profile().evidence == ""
        with pytest.raises(Blocked, match="leaves eth0 alone"):
            planned(STEP, one)


def test_the_last_file_decides(tmp_path: Any) -> None:
    folder = "/NetworkManager/conf.d/"
    files: Files = {
        "/usr/lib" + folder + "90-a.conf": "[main]\nplugins=a\n", "/etc" + folder + "90-a.conf": "[main]\nx=1\n",
        "/usr/lib" + folder + "10-b.conf": "[main]\nplugins=b\ny=b\n", "/etc" + folder + "05-c.conf": "[main]\ny=c\n",
    }  # fmt: skip
    guest = system(tmp_path, files).guest
    assert setting(guest, "main", "plugins") == "b", "a file in /etc hides the one of that name in /usr/lib"
    assert setting(guest, "main", "y") == "c", "what is in /etc comes after what is shipped"
    assert setting(guest, "main", "z") is None


def test_the_rule_of_azure_vm_utils_is_enough(tmp_path: Any) -> None:
    rule: Files = {"/usr/lib/udev/rules.d/10-azure-unmanaged-sriov.rules": SRIOV}
    assert [change.path for change in brought_about(STEP, system(tmp_path, *FEDORA, rule))] == [OWN]


@pytest.mark.parametrize("line", ["permissions=user:joe:;", "autoconnect=false"])
def test_a_profile_that_waits_for_a_person_is_none_at_boot(tmp_path: Any, line: str) -> None:
    """And NetworkManager makes none by itself for a card that it fits."""
    done = brought_about(STEP, system(tmp_path / "a", *FEDORA, {PATH: LAN % line}))
    assert OWN in [change.path for change in done]
    systemd = {path: what for path, what in SYSTEMD.items() if path != "/usr/bin/rpm"}
    desktop = (release("debian", "12"), systemd, MANAGER)
    done = brought_about(STEP, system(tmp_path / "b", *desktop, {PATH: LAN % line}))
    assert OWN in [change.path for change in done]
    done = brought_about(STEP, system(tmp_path / "c", *desktop, {PATH: LAN % (line + "\ninterface-name=ens3")}))
    assert OWN not in [change.path for change in done]
