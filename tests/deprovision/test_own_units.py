"""agentprep's own units do not start at boot any more, by whatever name."""

import os
from typing import Any

from agentprep.deprovision import STEPS
from agentprep.deprovision.own_units import STEP, UNITS
from tests.trees import FakeLive, To, brought_about, make_tree, planned, policy_of, system_of

LIB, ETC, WANTS = "/lib/systemd/system/", "/etc/systemd/system/", "/etc/systemd/system/multi-user.target.wants/"
UNIT = "[Service]\nExecStart=/usr/bin/agentprep run\n[Install]\nWantedBy=multi-user.target\n"
INSTALLED = {LIB + name: UNIT for name in UNITS + ("ssh.service",)}
ENABLED = {
    WANTS + "agentprep.service": To(LIB + "agentprep.service"),
    WANTS + "agentprep-firstboot.service": To(LIB + "agentprep-firstboot.service"),
    ETC + "default.target.wants/agentprep-firstboot.service": To("../../../.." + LIB + "agentprep-firstboot.service"),
    ETC + "network.target.requires/agentprep.service": To("/usr/lib/systemd/system/agentprep.service"),
    ETC + "sysinit.target.upholds/agentprep.service": To(LIB + "agentprep.service"),
    ETC + "azure.service": To(LIB + "agentprep.service"),
    WANTS + "azure.service": To("../azure.service"),
}
OTHERS = {
    WANTS + "ssh.service": To(LIB + "ssh.service"),
    ETC + "sshd.service": To(LIB + "ssh.service"),
    ETC + "agentprep.service.d/override.conf": "[Unit]\nDescription=mine\n",
    ETC + "agentprep.service.wants/ssh.service": To(LIB + "ssh.service"),
}


def links(root: str) -> Any:
    paths = [os.path.join(folder, name) for folder, _, names in os.walk(root + "/etc/systemd") for name in names]
    return {path[len(root) :] for path in paths if os.path.islink(path)}


def test_every_link_that_starts_one_goes_and_no_other(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**INSTALLED, **ENABLED, **OTHERS})
    changes = brought_about(STEP, system_of(root))
    assert sorted(change.path for change in changes) == sorted(ENABLED)
    assert links(root) == {path for path, content in OTHERS.items() if isinstance(content, To)}
    assert os.path.exists(root + LIB + "agentprep.service") and os.path.exists(root + ETC + "agentprep.service.d")
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]


def test_a_mask_and_a_unit_of_the_administrators_own_stay(tmp_path: Any) -> None:
    masked = {
        **INSTALLED,
        ETC + "agentprep.service": To("/dev/null"),
        ETC + "graphical.target.wants/agentprep.service": To("/dev/null"),
        ETC + "agentprep-firstboot.service": To("/opt/agentprep/agentprep-firstboot.service"),
        "/opt/agentprep/agentprep-firstboot.service": UNIT,
        WANTS + "agentprep-firstboot.service": To("/opt/agentprep/agentprep-firstboot.service"),
    }
    root = make_tree(tmp_path, masked)
    assert [one.path for one in brought_about(STEP, system_of(root))] == [WANTS + "agentprep-firstboot.service"]
    assert links(root) == {ETC + name for name in UNITS + ("graphical.target.wants/agentprep.service",)}


def test_links_that_a_removed_package_left_go_too(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {path: ENABLED[path] for path in ENABLED if path != WANTS + "azure.service"})
    brought_about(STEP, system_of(root))
    assert links(root) == set()


def test_the_policy_that_stays_is_told(tmp_path: Any) -> None:
    conf = tmp_path / "agentprep.conf"
    conf.write_text("[service]\nrun = yes\n")
    system = system_of(make_tree(tmp_path / "root", {}), live=FakeLive())
    _, facts = planned(STEP, system, policy_of(named=str(conf)))
    assert [fact.verdict for fact in facts] == ["note", "ok"]
    assert str(conf) in facts[0].evidence and "on Azure it is refused" in facts[0].evidence
    _, facts = planned(STEP, system, policy_of("service.run=yes"))
    assert [fact.verdict for fact in facts] == ["ok"]


def test_it_is_the_last_thing_that_changes() -> None:
    assert STEPS[-1] is STEP
