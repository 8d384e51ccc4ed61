"""waagent.conf names the provisioner, and one program alone prepares the resource disk."""

from typing import Any, Dict, List

import pytest

from agentprep.changes import Write
from agentprep.errors import Blocked
from agentprep.formats.keyvalue import values
from agentprep.guest import Draft
from agentprep.steps.agent_conf import STEP, version, wanted
from tests.debian12 import AGENT, CLOUD_INIT, DPKG_STATUS, WAAGENT_CONF, stanza
from tests.rpms import database, handlers
from tests.trees import Content, Program, brought_about, content, make_tree, planned, policy_of, system_of

OWN = {
    "Provisioning.Agent": "waagent", "Provisioning.RegenerateSshHostKeyPair": "y", "ResourceDisk.Format": "y",
    "ResourceDisk.Filesystem": "ext4", "ResourceDisk.MountPoint": "/mnt/resource", "ResourceDisk.EnableSwap": "y",
    "ResourceDisk.SwapSizeMB": "2048",
}  # fmt: skip


def tree(folder: Any, conf: str = WAAGENT_CONF, version: str = "2.7.3.0-4.1", **more: Content) -> str:
    files: Dict[str, Content] = dict(AGENT)
    files.update({"/etc/waagent.conf": conf, "/var/lib/dpkg/status": DPKG_STATUS + stanza("waagent", version)})
    files.update(more)
    return make_tree(folder, files)


def changed_lines(old: str, new: str) -> List[str]:
    return [line for line in new.splitlines() if line not in old.splitlines()]


def test_debians_configuration_is_made_to_provision(tmp_path: Any) -> None:
    system = system_of(tree(tmp_path))
    changes, facts = planned(STEP, system)
    new = WAAGENT_CONF.replace("Agent=cloud-init", "Agent=waagent").replace("EnableSwap=n", "EnableSwap=y")
    new = new.replace("SwapSizeMB=0", "SwapSizeMB=2048")
    assert changes == [Write("/etc/waagent.conf", new.encode(), "waagent provisions: cloud-init is not installed")]
    assert [fact.verdict for fact in facts] == ["ok"]
    assert facts[0].evidence.startswith("waagent provisions: cloud-init is not installed; Provisioning.Agent=waagent")


def test_a_second_run_changes_nothing_and_says_why(tmp_path: Any) -> None:
    system = system_of(tree(tmp_path))
    _, before = planned(STEP, system)
    assert len(brought_about(STEP, system)) == 1
    assert planned(STEP, system) == ([], before)


def test_where_cloud_init_provisions_the_agent_leaves_the_resource_disk_alone(tmp_path: Any) -> None:
    system = system_of(tree(tmp_path, **CLOUD_INIT))
    brought_about(STEP, system)
    assert changed_lines(WAAGENT_CONF, content(system.guest.root, "/etc/waagent.conf")) == ["ResourceDisk.Format=n"]
    assert planned(STEP, system)[0] == []


def test_the_policys_values_are_written(tmp_path: Any) -> None:
    policy = policy_of("agent-conf.swap_size_mb=512", "agent-conf.mount_point=/mnt", "agent-conf.filesystem=xfs")
    system = system_of(tree(tmp_path))
    brought_about(STEP, system, policy)
    found = values(content(system.guest.root, "/etc/waagent.conf"))
    keys = ("SwapSizeMB", "MountPoint", "Filesystem")
    assert [found["ResourceDisk." + key] for key in keys] == ["512", "/mnt", "xfs"]


@pytest.mark.parametrize(
    "conf",
    [
        "",
        "ResourceDisk.EnableSwap=n\nResourceDisk.EnableSwap=y\nResourceDisk.EnableSwap=n\n",
        "ResourceDisk.SwapSizeMB = 2048\nProvisioning.Agent= waagent\n",
        "ResourceDisk.SwapSizeMB=2048    ## NOTE: set this to whatever you need it to be.\n",
        "Provisioning.RegenerateSshHostKeyPair=n\nProvisioning.Agent=auto\n",
        "# caf\udce9\nResourceDisk.EnableSwap=n\r\n",
    ],
)
def test_every_key_stands_there_once_as_every_agent_reads_it(tmp_path: Any, conf: str) -> None:
    system = system_of(tree(tmp_path, conf))
    assert len(brought_about(STEP, system)) == 1
    new = content(system.guest.root, "/etc/waagent.conf")
    for key, value in OWN.items():
        assert [line for line in new.split("\n") if line.startswith(key)] == ["%s=%s" % (key, value)]
    assert ("# caf\udce9\n" in new) == ("caf" in conf)
    assert planned(STEP, system)[0] == []


def test_old_agents_have_two_switches_instead() -> None:
    policy = policy_of()
    old = wanted("", "2.2.18-3", "waagent", policy)
    assert "Provisioning.Agent" not in old
    assert (old["Provisioning.Enabled"], old["Provisioning.UseCloudInit"]) == ("y", "n")
    new = wanted("", "2.2.45-4~deb10u1", "cloud-init", policy)
    assert new == {"Provisioning.Agent": "cloud-init", "ResourceDisk.Format": "n", "ResourceDisk.EnableSwap": "n"}
    unknown = wanted("Provisioning.Enabled=n\n", "", "waagent", policy)
    assert (unknown["Provisioning.Agent"], unknown["Provisioning.Enabled"]) == ("waagent", "y")
    assert "Provisioning.UseCloudInit" not in unknown


def test_a_missing_file_is_blocked_with_the_way_to_get_it_back(tmp_path: Any) -> None:
    files = {path: what for path, what in AGENT.items() if path != "/etc/waagent.conf"}
    files["/var/lib/dpkg/status"] = DPKG_STATUS + stanza("waagent", "2.7")
    with pytest.raises(Blocked) as caught:
        planned(STEP, system_of(make_tree(tmp_path / "a", files)))
    assert "--force-confmiss waagent" in caught.value.hint
    with pytest.raises(Blocked, match="because the Azure Linux agent is not installed"):
        planned(STEP, system_of(make_tree(tmp_path / "b", {"/var/lib/dpkg/status": DPKG_STATUS})))


def test_the_file_comes_back_by_the_guests_own_packager(tmp_path: Any) -> None:
    for number, (files, command) in enumerate((
        ({"/usr/bin/dnf": Program(""), "/etc/os-release": "ID=rocky\nVERSION_ID=9.4\n"}, "dnf reinstall WALinuxAgent"),
        ({"/usr/bin/zypper": Program(""), "/etc/os-release": "ID=sles\nVERSION_ID=15.5\n"},
         "zypper install --force python-azure-agent"),
    )):  # fmt: skip
        tools: Dict[str, Content] = {"/usr/bin/rpm": Program(""), "/var/lib/rpm/Packages": database("bash-5.1-1")}
        tools.update(files)
        tools["/usr/sbin/waagent"] = AGENT["/usr/sbin/waagent"]
        with pytest.raises(Blocked) as caught:
            planned(STEP, system_of(make_tree(tmp_path / str(number), tools), handlers({})))
        assert caught.value.hint == "get it back with: " + command


@pytest.mark.parametrize("path, text, told", [
    # azurelinuxagent/common/version.py of 2.2.38, 2.7.3; bin/waagent of 2.0.18
    ("/usr/lib/python2.7/site-packages/azurelinuxagent/common/version.py", "AGENT_VERSION = '2.2.38'\n", "2.2.38"),
    ("/usr/lib/python3/dist-packages/azurelinuxagent/common/version.py", "AGENT_VERSION = '2.7.3.0'\n", "2.7.3.0"),
    ("/usr/sbin/waagent", '#!/usr/bin/env python\nGuestAgentVersion = "WALinuxAgent-2.0.18"\n', "2.0.18"),
    ("/usr/sbin/waagent", "#!/usr/bin/python3\n# AGENT_VERSION = '1.0'\n", ""),
])  # fmt: skip
def test_the_version_that_no_package_tells(tmp_path: Any, path: str, text: str, told: str) -> None:
    """Of rpm's database in a tree, for example, when there is no rpm to read it."""
    files: Dict[str, Content] = dict(AGENT)
    files[path] = Program(text) if path == "/usr/sbin/waagent" else text
    files["/etc/waagent.conf"] = "Provisioning.Enabled=y\n"
    system = system_of(make_tree(tmp_path, files))
    assert version(system) == told
    brought_about(STEP, system)
    old = told.startswith(("2.2.", "2.0."))
    assert ("Provisioning.Agent=" in content(system.guest.root, "/etc/waagent.conf")) != old


def test_before_the_package_is_there_the_plan_shows_the_keys(tmp_path: Any) -> None:
    system = system_of(make_tree(tmp_path, {"/var/lib/dpkg/status": DPKG_STATUS}))
    draft = Draft(system.guest)
    draft.guess("/etc/waagent.conf")
    draft.guess("/var/lib/dpkg/status")
    shown = [item for item in STEP.changes(system.on(draft), policy_of()) if isinstance(item, Write)]
    assert shown[0].content == "".join("%s=%s\n" % pair for pair in OWN.items()).encode()
    assert draft.guessing


def test_remarks_for_a_person(tmp_path: Any) -> None:
    conf = "ResourceDisk.MountOptions=compress=lzo\nResourceDisk.Filesystem=btrfs\nProvisioning.DeleteRootPassword=n\n"
    _, facts = planned(STEP, system_of(tree(tmp_path, conf)), policy_of("agent-conf.format=no"))
    assert [fact.verdict for fact in facts] == ["warning", "warning", "note", "ok"]
    assert "makes no swap" in facts[0].evidence and "was written for btrfs" in facts[1].evidence
