"""The agent is installed from the guest's repositories, and its service starts at boot."""

import os
from typing import Any, Dict, List, Optional, Tuple

import pytest

from agentprep.changes import Link, Run
from agentprep.errors import Blocked, CommandFailed, Unknown
from agentprep.step import Fact
from agentprep.steps.agent_package import STEP
from tests import rpms
from tests.debian12 import AGENT, DPKG_STATUS, stanza
from tests.trees import ELF64, Content, Program, To, brought_about, make_tree, planned, system_of

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


# -- where rpm is -----------------------------------------------------------------------------------------------------
# Contents of WALinuxAgent 2.2.6 for release 6 (openlogic/AzureBuildCentOS, rpm/spec: Conflicts: NetworkManager) and of
# python-azure-agent of the Public Cloud module.
SCRIPT = "#!/bin/bash\n# chkconfig: 345 60 80\n# description: Azure Linux Agent\n"
UNIT_EL = (
    "[Unit]\nDescription=x\n[Service]\nExecStart=/usr/sbin/waagent -daemon\n[Install]\nWantedBy=multi-user.target\n"
)
PROGRAM_6: Dict[str, Content] = {"/usr/sbin/waagent": Program("#!/usr/bin/env python\n"), "/etc/waagent.conf": "a=y\n"}
EL6: Dict[str, Content] = {
    "/etc/redhat-release": "CentOS release 6.9 (Final)\n", "/etc/centos-release": "CentOS release 6.9 (Final)\n",
    "/var/lib/rpm/Packages": rpms.database("bash-4.1.2-48.el6", "NetworkManager-1:0.8.1-113.el6", "dhclient-4.1-1"),
    "/usr/bin/rpm": Program(""), "/usr/bin/yum": Program(""), "/usr/bin/python": Program(""),
    "/sbin/init": Program(""), "/etc/inittab": "id:3:initdefault:\n",
}  # fmt: skip
SYSTEMD: Dict[str, Content] = {"/usr/lib/systemd/systemd": Program(""), "/sbin/init": To("/usr/lib/systemd/systemd")}
SLES: Dict[str, Content] = dict(SYSTEMD, **{
    "/etc/os-release": 'ID="sles"\nID_LIKE="suse"\nVERSION_ID="15.6"\n', "/usr/bin/zypper": Program(""),
    "/usr/bin/rpm": Program(""), "/usr/lib/sysimage/rpm/Packages.db": rpms.database("bash-4.4-150400.25.22"),
})  # fmt: skip


def world(folder: Any, files: Dict[str, Content], brings: Any, conflicts: Any = None) -> Any:
    root = make_tree(folder, dict({"/bin/sh": ELF64}, **files), minimal=False)
    return system_of(root, rpms.handlers(brings, conflicts or {}))


def test_on_release_6_network_manager_goes_in_one_transaction_and_is_told_before(tmp_path: Any) -> None:
    brings = {"WALinuxAgent": dict(PROGRAM_6, **{"/etc/init.d/waagent": Program(SCRIPT)}), "python-pyasn1": {}}
    system = world(tmp_path, EL6, brings, {"WALinuxAgent": "NetworkManager"})
    changes, facts = planned(STEP, system)
    assert [fact.verdict for fact in facts] == ["warning"]
    assert facts[0].evidence == (
        "NetworkManager goes when WALinuxAgent comes: the two packages are in conflict; "
        "network gives the network from then on"
    )
    assert [change.commands[0][-1] for change in changes[:2]] == ["python-pyasn1", "WALinuxAgent"]
    assert changes[2].content == b"remove NetworkManager\ninstall python-pyasn1 WALinuxAgent\nrun\n"
    assert {ran[0] for ran in system.guest.commands.ran} == {"rpm"}, "a plan only asks"
    brought_about(STEP, system)
    assert "NetworkManager" not in rpms.listed(system.guest.root) and "WALinuxAgent" in rpms.listed(system.guest.root)
    again = system_of(system.guest.root, rpms.handlers({}))
    changes, facts = planned(STEP, again)
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]
    assert "WALinuxAgent 1-1 is installed; waagent starts at boot (/etc/rc3.d/" in facts[0].evidence


def test_both_packages_side_by_side_are_told(tmp_path: Any) -> None:
    both = rpms.database("NetworkManager-1:0.8.1-113.el6", "WALinuxAgent-2.2.6-1")
    more = {"/var/lib/rpm/Packages": both, "/etc/init.d/waagent": Program(SCRIPT)}
    system = world(tmp_path, dict(EL6, **dict(PROGRAM_6, **more)), {})
    brought_about(STEP, system)
    facts = planned(STEP, system)[1]
    assert [fact.verdict for fact in facts] == ["ok", "warning"]
    assert facts[1].evidence == "NetworkManager is installed beside WALinuxAgent, with which it is in conflict"


def test_suses_package_and_service(tmp_path: Any) -> None:
    agent = {
        "/usr/sbin/waagent": Program(""),
        "/etc/waagent.conf": "",
        "/usr/lib/systemd/system/waagent.service": UNIT_EL,
    }
    system = world(tmp_path, SLES, {"python-azure-agent": agent})
    changes = planned(STEP, system)[0]
    assert [change.commands[0][-1] for change in changes] == ["python-azure-agent"]
    brought_about(STEP, system)
    assert planned(STEP, system)[1][0].evidence.endswith(
        "python-azure-agent 1-1 is installed; "
        "waagent starts at boot (/etc/systemd/system/multi-user.target.wants/waagent.service)"
    )


def test_no_repository_has_the_agent(tmp_path: Any) -> None:
    with pytest.raises(CommandFailed, match="python-azure-agent cannot be installed: no repository") as caught:
        brought_about(STEP, world(tmp_path, SLES, {}))
    assert "SUSEConnect -p sle-module-public-cloud" in caught.value.hint


def test_a_tree_without_rpm_is_judged_by_the_agents_files(tmp_path: Any) -> None:
    data = {path: what for path, what in SLES.items() if path != "/usr/bin/rpm"}
    with pytest.raises(Unknown, match="rpm is not installed"):
        planned(STEP, world(tmp_path / "none", data, {}))
    unit: Dict[str, Content] = {
        "/usr/lib/systemd/system/waagent.service": UNIT_EL, "/usr/sbin/waagent": Program(""), "/etc/waagent.conf": "",
        "/etc/systemd/system/multi-user.target.wants/waagent.service": To("/usr/lib/systemd/system/waagent.service"),
    }  # fmt: skip
    changes, facts = planned(STEP, world(tmp_path / "agent", dict(data, **unit), {}))
    assert changes == [] and facts[0].verdict == "ok" and "it is not from a package" in facts[0].evidence


@pytest.mark.parametrize("line, python, verdicts", [
    ("#!/usr/bin/env python", "/usr/bin/python3", ["failed", "ok"]),
    ("#!/usr/bin/python", "/usr/libexec/platform-python", ["failed", "ok"]),
    ("#!/usr/bin/python2.7 -u", "/usr/bin/python3", ["failed", "ok"]),
    ("#!/usr/bin/env python3", "/usr/bin/python3", ["ok"]),
    ("#! /usr/bin/python3 -u", "/usr/bin/python3", ["ok"]),
    ("#!/usr/libexec/platform-python", "/usr/libexec/platform-python", ["ok"]),
    ("", "/usr/bin/python3", ["ok"]),
])  # fmt: skip
def test_an_agent_whose_python_is_not_there_cannot_start(
    tmp_path: Any, line: str, python: str, verdicts: List[str]
) -> None:
    files: Dict[str, Content] = {"/usr/sbin/waagent": Program(line + "\n"), python: Program("")}
    _, facts = planned(STEP, system_of(tree(tmp_path, AGENT, INSTALLED, {WANTED: To(UNIT)}, files)))
    assert [fact.verdict for fact in facts] == verdicts
    assert len(verdicts) == 1 or "is started with " in facts[0].evidence and python in facts[0].remedy


def test_nothing_goes_when_the_package_is_there_already(tmp_path: Any) -> None:
    files = {path: what for path, what in AGENT.items() if path != "/etc/waagent.conf"}
    both = DPKG_STATUS + stanza("waagent", "2.7.3.0-4.1") + stanza("network-manager", "1.42.4-1")
    status: Dict[str, Content] = {"/var/lib/dpkg/status": both, WANTED: To(UNIT)}
    changes, facts = planned(STEP, system_of(tree(tmp_path, files, status)))
    assert "--no-remove" in changes[-1].commands[0]
    assert not any("goes when" in fact.evidence for fact in facts)
