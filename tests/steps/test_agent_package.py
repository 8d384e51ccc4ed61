"""The agent is installed from the guest's repositories, and its service starts at boot."""

import os
from typing import Any, Dict, Optional, Tuple

import pytest

from agentprep.changes import Link, Run
from agentprep.errors import Blocked, CommandFailed
from agentprep.step import Fact
from agentprep.steps.agent_package import STEP
from tests.debian12 import AGENT, DPKG_STATUS, stanza
from tests.trees import Content, Program, To, brought_about, make_tree, planned, system_of

BASE: Dict[str, Content] = {
    "/var/lib/dpkg/status": DPKG_STATUS,
    "/usr/bin/apt-get": Program(""),
    "/lib/systemd/systemd": Program(""),
    "/sbin/init": To("/lib/systemd/systemd"),
}
UNIT = "/lib/systemd/system/walinuxagent.service"
WANTED = "/etc/systemd/system/multi-user.target.wants/walinuxagent.service"
INSTALLED: Dict[str, Content] = {"/var/lib/dpkg/status": DPKG_STATUS + stanza("waagent", "2.7.3.0-4.1")}
OK = Fact("ok", "/usr/sbin/waagent is there and waagent 2.7.3.0-4.1 is installed; "
                "walinuxagent starts at boot (%s)" % WANTED)  # fmt: skip


def tree(folder: Any, *more: Dict[str, Content]) -> str:
    files = dict(BASE)
    for one in more:
        files.update(one)
    return make_tree(folder, files)


def apt_get(root: str, argv: Tuple[str, ...]) -> Optional[int]:
    """apt-get as it is on a machine whose repositories have the agent."""
    if "install" not in argv:
        return 0
    packages = argv[argv.index("install") + 1 :]
    with open(root + "/var/lib/dpkg/status", "a") as stream:
        stream.write("".join(stanza(one, "2.7.3.0-4.1") for one in packages if not one.startswith("-")))
    for path, content in AGENT.items():
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        with open(root + path, "w") as stream:
            stream.write(str(content))
        os.chmod(root + path, 0o755 if isinstance(content, Program) else 0o644)
    os.makedirs(os.path.dirname(root + WANTED), exist_ok=True)
    if not os.path.lexists(root + WANTED):
        os.symlink(UNIT, root + WANTED)
    return 0


def test_an_installed_and_enabled_agent_is_left_alone(tmp_path: Any) -> None:
    system = system_of(tree(tmp_path, AGENT, INSTALLED, {WANTED: To(UNIT)}))
    assert planned(STEP, system) == ([], [OK])


def test_a_missing_agent_is_installed_and_a_second_run_does_nothing(tmp_path: Any) -> None:
    system = system_of(tree(tmp_path), {"apt-get": apt_get})
    changes, facts = planned(STEP, system)
    assert [change.commands[0][-2:] for change in changes] == [
        ("APT::Update::Error-Mode=any", "update"), ("install", "waagent"),
    ]  # fmt: skip
    assert facts == [] and system.guest.commands.ran == []  # type: ignore[attr-defined]
    done = brought_about(STEP, system)
    assert [type(change) for change in done] == [Run, Run]
    assert planned(STEP, system_of(system.guest.root)) == ([], [OK])


def test_the_plan_says_what_the_package_will_bring(tmp_path: Any) -> None:
    changes, _ = planned(STEP, system_of(tree(tmp_path)))
    assert set(changes[-1].outputs) >= {"/etc/waagent.conf", "/usr/sbin/waagent", "*/systemd/system/*walinuxagent*"}


def test_a_disabled_service_is_enabled_and_a_masked_one_unmasked(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system_of(tree(tmp_path / "a", AGENT, INSTALLED)))
    assert changes == [Link(WANTED, UNIT, "walinuxagent starts at boot")] and facts == [OK]
    masked: Dict[str, Content] = {"/etc/systemd/system/walinuxagent.service": To("/dev/null")}
    system = system_of(tree(tmp_path / "b", AGENT, INSTALLED, masked))
    assert [change.path for change in brought_about(STEP, system)] == [list(masked)[0], WANTED]
    assert planned(STEP, system) == ([], [OK])


def test_the_conflict_with_network_manager_is_told_before_it_goes(tmp_path: Any) -> None:
    status: Dict[str, Content] = {"/var/lib/dpkg/status": DPKG_STATUS + stanza("network-manager", "1.42.4-1")}
    changes, facts = planned(STEP, system_of(tree(tmp_path, status)))
    assert facts[0].verdict == "warning"
    assert facts[0].evidence == (
        "network-manager goes when waagent comes: the two packages are in conflict; "
        "ifupdown gives the network from then on"
    )
    argv = changes[-1].commands[0]
    assert argv[-4:] == ("install", "waagent", "ifupdown", "isc-dhcp-client") and "--no-remove" not in argv


def test_a_missing_configuration_file_comes_back_from_the_package(tmp_path: Any) -> None:
    files = {path: what for path, what in AGENT.items() if path != "/etc/waagent.conf"}
    system = system_of(tree(tmp_path, files, INSTALLED, {WANTED: To(UNIT)}), {"apt-get": apt_get})
    done = brought_about(STEP, system)
    assert done[-1].commands[0][-4:] == ("Dpkg::Options::=--force-confmiss", "install", "--reinstall", "waagent")
    assert planned(STEP, system)[0] == []


def test_a_package_that_brings_no_agent_is_an_error(tmp_path: Any) -> None:
    system = system_of(tree(tmp_path), {"apt-get": lambda root, argv: 0})
    with pytest.raises(CommandFailed, match="there is no /usr/sbin/waagent and no /etc/waagent.conf after"):
        brought_about(STEP, system)


def test_an_agent_that_no_package_brought_is_accepted(tmp_path: Any) -> None:
    _, facts = planned(STEP, system_of(tree(tmp_path, AGENT, {WANTED: To(UNIT)})))
    assert facts[0].evidence.startswith("/usr/sbin/waagent is there and it is not from a package; walinuxagent starts")


def test_a_tree_without_tools_is_judged_as_far_as_can_be(tmp_path: Any) -> None:
    data = {path: what for path, what in BASE.items() if path != "/usr/bin/apt-get"}
    with pytest.raises(Blocked, match="no apt-get to install it"):
        planned(STEP, system_of(make_tree(tmp_path, data)))


def test_an_agent_without_a_service_is_blocked(tmp_path: Any) -> None:
    files: Dict[str, Content] = {"/usr/sbin/waagent": Program(""), "/etc/waagent.conf": ""}
    with pytest.raises(Blocked, match="none of its services is"):
        planned(STEP, system_of(tree(tmp_path, files, INSTALLED)))
