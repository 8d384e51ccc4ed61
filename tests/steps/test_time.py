"""chrony and Hyper-V's clock."""

import os
import subprocess

import pytest

from agentprep.changes import Write
from agentprep.steps.time import CONF, DROP_IN, INCLUDED, REFCLOCK, RULE_FILE, STEP
from tests.trees import Program, content, make_tree, planned, system_of

# chrony 4.3-2+deb12u3, without comments
CHRONY_CONF = """\
# Welcome to the chrony configuration file. See chrony.conf(5) for more
confdir /etc/chrony/conf.d
pool 2.debian.pool.ntp.org iburst
sourcedir /run/chrony-dhcp
sourcedir /etc/chrony/sources.d
keyfile /etc/chrony/chrony.keys
driftfile /var/lib/chrony/chrony.drift
ntsdumpdir /var/lib/chrony
#log tracking measurements statistics
logdir /var/log/chrony
maxupdateskew 100.0
rtcsync
# one second, but only in the first three clock updates.
makestep 1 3
leapsectz right/UTC
"""
UNIT = "[Service]\nType=forking\nExecStart=!/usr/sbin/chronyd $DAEMON_OPTS\nRuntimeDirectory=chrony\n"
# udev 252.39-1~deb12u2, rules.d/50-udev-default.rules, line 121
SHIPPED = 'SUBSYSTEM=="ptp", ATTR{clock_name}=="hyperv", SYMLINK += "ptp_hyperv"\n'
DEBIAN = {
    "/usr/sbin/chronyd": Program("ELF"), "/etc/chrony/chrony.conf": CHRONY_CONF,
    "/etc/chrony/conf.d/README": "Directives defined here will be included.\n",
    "/lib/systemd/system/chrony.service": UNIT, "/lib/udev/rules.d/50-udev-default.rules": SHIPPED,
}  # fmt: skip
DROP_IN_FILE = "/etc/systemd/system/chrony.service.d/agentprep.conf"


def did(result):
    assert all(isinstance(change, Write) for change in result[0])
    return [(change.path, change.content.decode()) for change in result[0]]


def settled(root):
    for change in STEP.changes(system_of(root), None):
        if hasattr(change, "apply"):
            change.apply(system_of(root).guest)
    changes, facts = planned(STEP, system_of(root))
    assert changes == []
    return facts


def test_debian_12(tmp_path):
    root = make_tree(tmp_path / "root", DEBIAN)
    assert did(planned(STEP, system_of(root))) == [
        ("/etc/chrony/chrony.conf", CHRONY_CONF.replace("makestep 1 3", "makestep 1.0 -1")),
        (DROP_IN_FILE, DROP_IN),
        ("/etc/chrony/conf.d/agentprep.conf", CONF),
    ]
    assert [fact.verdict for fact in settled(root)] == ["ok"]
    assert "ptp_hyperv" in content(root, "/etc/chrony/conf.d/agentprep.conf")  # what LISA looks for


def test_rule_where_udev_does_not_bring_it(tmp_path):
    files = dict(DEBIAN, **{"/lib/udev/rules.d/50-udev-default.rules": 'SUBSYSTEM=="ptp", SYMLINK+="ptp_kvm"\n'})
    root = make_tree(tmp_path / "root", files)
    rule = did(planned(STEP, system_of(root)))[0]
    text = 'ACTION!="remove", SUBSYSTEM=="ptp", ATTR{clock_name}=="hyperv", SYMLINK+="ptp_hyperv"\n'
    assert rule == (RULE_FILE, text)
    settled(root)


@pytest.mark.parametrize("missing", ["/usr/sbin/chronyd", "/etc/chrony/chrony.conf"])
def test_without_chrony(tmp_path, missing):
    root = make_tree(tmp_path / "root", {path: text for path, text in DEBIAN.items() if path != missing})
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"] and "not applicable" in facts[0].evidence


@pytest.mark.parametrize("line, wanted", [
    ("makestep 0.1 -1", "makestep 0.1 -1"), ("MakeStep 1 3", "makestep 1.0 -1"), ("", "\nmakestep 1.0 -1"),
    ("makestep 1 -1\nmakestep 1 3", "makestep 1.0 -1\nmakestep 1.0 -1"),
    ("#makestep 1 3", "#makestep 1 3\nmakestep 1.0 -1"),
])  # fmt: skip
def test_stepping(tmp_path, line, wanted):
    before = "confdir /etc/chrony/conf.d\nrtcsync\n" + line
    root = make_tree(tmp_path / "root", dict(DEBIAN, **{"/etc/chrony/chrony.conf": before}))
    settled(root)
    after = content(root, "/etc/chrony/chrony.conf")
    assert after.rstrip("\n") == "confdir /etc/chrony/conf.d\nrtcsync\n" + wanted.lstrip("\n")


def test_a_refclock_by_hand_is_left_and_its_trap_told(tmp_path):
    files = dict(DEBIAN, **{"/etc/chrony/conf.d/mine.conf": "refclock PHC /dev/ptp0 poll 2\n"})
    root = make_tree(tmp_path / "root", files)
    changes, facts = planned(STEP, system_of(root))
    assert [change.path for change in changes] == ["/etc/chrony/chrony.conf"]
    assert [fact.verdict for fact in facts] == ["note"]
    assert "mine.conf says: refclock PHC /dev/ptp0" in facts[0].evidence


@pytest.mark.parametrize("files", [
    {"/etc/chrony/chrony.conf": "pool ntp iburst\nmakestep 1.0 -1\n"},
    {"/lib/systemd/system/chrony.service": "[Service]\nExecStart=/usr/sbin/chronyd\n"},
])  # fmt: skip
def test_an_older_chrony_is_left_to_a_person(tmp_path, files):
    root = make_tree(tmp_path / "root", dict(DEBIAN, **files))
    changes, facts = planned(STEP, system_of(root))
    assert DROP_IN_FILE not in [change.path for change in changes]
    assert [fact.verdict for fact in facts] == ["person"] and REFCLOCK in facts[0].remedy


def test_the_drop_in_gives_the_line_only_where_the_clock_is(tmp_path):
    """The unit's command as systemd would hand it to sh (systemd.service(5): continued lines, $$), on other paths."""
    argument = DROP_IN.split("/bin/sh -c ")[1].replace("\\\n", " ").replace("$$", "$").strip()
    assert argument.startswith("'") and argument.endswith("'") and argument.count("'") == 2
    clock, made = str(tmp_path / "clock"), str(tmp_path / "made.conf")
    script = argument[1:-1].replace(INCLUDED, made).replace("-e /dev/ptp_hyperv", "-e " + clock)
    subprocess.check_call(["sh", "-c", script])
    assert not os.path.exists(made)
    open(clock, "w").close()
    subprocess.check_call(["sh", "-c", script])
    with open(made) as stream:
        assert stream.read() == REFCLOCK + "\n"
    os.unlink(clock)
    subprocess.check_call(["sh", "-c", script])
    assert not os.path.exists(made)
