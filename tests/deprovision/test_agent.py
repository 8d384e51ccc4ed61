"""waagent's part, and what it does to /etc/resolv.conf."""

import os
from typing import Any

import pytest

from agentprep.changes import Link, Run
from agentprep.commands import Completed
from agentprep.deprovision.agent import STEP, tolerated
from agentprep.errors import CommandFailed
from tests.deprovision.machine import OVF, RESOLVED, commands, used
from tests.trees import Program, To, brought_about, make_tree, planned, policy_of, system_of


def kinds(changes: Any) -> Any:
    return [type(change).__name__ for change in changes]


def test_runs_waagent_and_makes_the_link_again(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    changes, facts = planned(STEP, system_of(root))
    assert kinds(changes) == ["Run", "Link"]
    assert changes[0].commands == (("waagent", "-force", "-deprovision"),)
    for words in ("ssh host keys", "/var/lib/dhcp", "/var/lib/waagent", "/root/.bash_history", "root's password"):
        assert words in changes[0].why
    assert changes[1] == Link("/etc/resolv.conf", RESOLVED, changes[1].why)
    assert any("DeleteRootPassword=y" in fact.evidence for fact in facts)
    assert os.path.exists(root + "/root/.bash_history")  # a plan does nothing
    assert kinds(brought_about(STEP, system_of(root, commands()))) == ["Run", "Link"]
    assert os.readlink(root + "/etc/resolv.conf") == RESOLVED


def test_finds_nothing_to_do_the_second_time(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    system = system_of(root, commands())
    brought_about(STEP, system)
    changes, facts = planned(STEP, system)
    assert changes == []
    assert [fact.verdict for fact in facts] == ["ok"]


def test_makes_a_link_again_that_a_cut_run_left_away(tmp_path: Any) -> None:
    wanted = "/etc/systemd/system/sysinit.target.wants/systemd-resolved.service"
    unit = "/lib/systemd/system/systemd-resolved.service"
    root = make_tree(tmp_path, {**used(), unit: "[Service]\nExecStart=/bin/true\n", wanted: To(unit)})
    os.remove(root + "/etc/resolv.conf")
    last = planned(STEP, system_of(root))[0][-1]
    assert last == Link("/etc/resolv.conf", RESOLVED, last.why)


def test_a_plain_resolv_conf_is_left_to_the_dhcp_client(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/etc/resolv.conf": "nameserver 10.0.2.3\n"})
    changes, facts = planned(STEP, system_of(root))
    assert kinds(changes) == ["Run"]
    assert not any("resolv.conf" in fact.evidence for fact in facts)
    os.remove(root + "/usr/sbin/dhclient")
    facts = planned(STEP, system_of(root))[1]
    assert any(fact.verdict == "warning" and "resolv.conf" in fact.evidence for fact in facts)


def test_a_link_has_its_own_writer(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    os.remove(root + "/usr/sbin/dhclient")
    assert not any("resolv.conf" in fact.evidence for fact in planned(STEP, system_of(root))[1])


def test_without_waagent_there_is_a_note(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    os.remove(root + "/usr/sbin/waagent")
    changes, facts = planned(STEP, system_of(root))
    assert changes == []
    assert [fact.verdict for fact in facts] == ["note"]


def test_root_keeps_the_password_where_the_configuration_says_so(tmp_path: Any) -> None:
    files = used()
    files["/etc/waagent.conf"] = "Provisioning.DeleteRootPassword=n\nProvisioning.RegenerateSshHostKeyPair=n\n"
    changes, facts = planned(STEP, system_of(make_tree(tmp_path, files)))
    assert "root's password" not in changes[0].why and "host keys" not in changes[0].why
    assert not any("password" in fact.evidence for fact in facts)


def test_suses_link_is_known_after_a_run_that_was_cut(tmp_path: Any) -> None:
    files = {
        **used(),
        "/sbin/netconfig": Program(""),
        "/etc/netconfig.d/dns-resolver": 'LINK="/run/netconfig/resolv.conf"\n',
    }
    root = make_tree(tmp_path, files)
    os.remove(root + "/etc/resolv.conf")
    brought_about(STEP, system_of(root, commands()))
    assert os.readlink(root + "/etc/resolv.conf") == "/run/netconfig/resolv.conf"


def test_the_user_goes_where_the_policy_says_so(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    policy = policy_of("deprovision.user=yes")
    changes, _ = planned(STEP, system_of(root), policy)
    assert changes[0].commands == (("waagent", "-force", "-deprovision+user"),)
    assert "the user alice with the home folder" in changes[0].why
    brought_about(STEP, system_of(root, commands()), policy)
    assert not os.path.exists(root + "/home/alice")


def test_no_user_is_deleted_without_the_agents_record_of_it(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    os.remove(root + "/var/lib/waagent/ovf-env.xml")
    _, facts = planned(STEP, system_of(root), policy_of("deprovision.user=yes"))
    assert [fact.verdict for fact in facts if "ovf-env.xml" in fact.evidence] == ["warning"]
    brought_about(STEP, system_of(root, commands()), policy_of("deprovision.user=yes"))
    assert os.path.exists(root + "/home/alice/notes")


def test_a_user_who_is_still_there_is_told(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    system = system_of(root, {"waagent": lambda root, argv: 0})
    told = []
    for item in STEP.changes(system, policy_of("deprovision.user=yes")):
        if isinstance(item, Run):
            item.execute(system.guest, 60, None, None)
        else:
            told.append(item)
    assert any(getattr(one, "verdict", "") == "warning" and "alice" in one.evidence for one in told)
    assert "<wa:UserName>alice" in OVF


@pytest.mark.parametrize(
    "tail,accepted",
    [
        (("Traceback (most recent call last):", "OSError: [Errno 5] Input/output error"), True),
        (("[Errno 5] Input/output error", ""), True),
        (("OSError: [Errno 28] No space left on device",), False),
        (("EOFError: EOF when reading a line",), False),
        ((), False),
    ],
)
def test_only_virtualboxs_failure_is_tolerated(tail: Any, accepted: bool, tmp_path: Any) -> None:
    assert bool(tolerated(Completed(("waagent",), 1, b"", tail))) is accepted
    root = make_tree(tmp_path, used())
    system = system_of(root, {"waagent": lambda root, argv: (1, "\n".join(tail))})
    run = next(one for one in STEP.changes(system, policy_of()) if isinstance(one, Run))
    if accepted:
        assert "VirtualBox" in run.execute(system.guest, 60, None, None)[0]
    else:
        with pytest.raises(CommandFailed):
            run.execute(system.guest, 60, None, None)
