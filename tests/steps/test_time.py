"""chrony and Hyper-V's clock."""

import os
import subprocess

import pytest

from agentprep.changes import Write
from agentprep.steps.time import (
    CONF,
    DROP_IN,
    EMPTY,
    FILLED,
    INCLUDED,
    REFCLOCK,
    RULE_FILE,
    SERVICE,
    SERVICE_TEXT,
    STEP,
    shows_clock,
)
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


# chrony 3.4-1 (CentOS 7), 4.3-1 (EL 9), without comments; SLE-15-SP4's chrony-config.patch adds the include.
EL7_CONF = "server 0.centos.pool.ntp.org iburst\ndriftfile /var/lib/chrony/drift\nmakestep 1.0 3\nrtcsync\n"
EL7_UNIT = "[Service]\nType=forking\nExecStart=/usr/sbin/chronyd $OPTIONS\nProtectSystem=full\n"
EL7 = {"/usr/sbin/chronyd": Program("ELF"), "/etc/chrony.conf": EL7_CONF,
       "/usr/lib/systemd/system/chronyd.service": EL7_UNIT}  # fmt: skip
WANTS = "/etc/systemd/system/chronyd.service.wants/agentprep-ptp.service"


def kernel(version):
    return {"/boot/vmlinuz-" + version: "", "/lib/modules/%s/modules.dep" % version: ""}


def test_red_hats_chrony_includes_a_file_that_a_service_fills(tmp_path):
    root = make_tree(tmp_path / "root", dict(EL7, **kernel("3.10.0-1160.el7.x86_64")))
    changes = planned(STEP, system_of(root))[0]
    assert [change.path for change in changes] == [
        RULE_FILE,
        "/etc/chrony.conf",
        SERVICE,
        WANTS,
        FILLED,
        "/etc/chrony.conf",
    ]
    assert [fact.verdict for fact in settled(root)] == ["ok"]
    assert content(root, "/etc/chrony.conf") == EL7_CONF.replace("1.0 3", "1.0 -1") + "include %s\n" % FILLED
    assert content(root, FILLED) == EMPTY and "ptp_hyperv" in EMPTY
    assert os.readlink(root + WANTS) == SERVICE and "Before=chronyd.service\n" in content(root, SERVICE)
    with open(root + FILLED, "a") as stream:
        stream.write(REFCLOCK + "\n")
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"], "the service filled it"


def test_suses_chrony_reads_a_folder(tmp_path):
    """Which must have a file in it: chrony.d/pool.conf is SUSE's."""
    files = dict(EL7, **{"/etc/chrony.conf": "makestep 1.0 -1\ninclude /etc/chrony.d/*.conf\n"})
    root = make_tree(tmp_path / "root", files)
    changes = planned(STEP, system_of(root))[0]
    assert [change.path for change in changes] == [RULE_FILE, SERVICE, WANTS, "/etc/chrony.d/agentprep.conf"]
    settled(root)
    assert content(root, SERVICE).count("/etc/chrony.d/agentprep.conf") == 2


def test_a_refclock_in_an_included_file_is_found(tmp_path):
    files = dict(EL7, **{"/etc/chrony.conf": "makestep 1.0 -1\ninclude /etc/chrony.d/*.conf\n",
                         "/etc/chrony.d/azure.conf": REFCLOCK + "\n"})  # fmt: skip
    changes, facts = planned(STEP, system_of(make_tree(tmp_path / "root", files)))
    assert [change.path for change in changes] == [RULE_FILE] and [fact.verdict for fact in facts] == ["note"]


def test_debians_chrony_before_its_unit_had_a_folder_in_run(tmp_path):
    files = dict(DEBIAN, **{"/lib/systemd/system/chrony.service": "[Service]\nExecStart=/usr/sbin/chronyd\n"})
    root = make_tree(tmp_path / "root", files)
    paths = [change.path for change in planned(STEP, system_of(root))[0]]
    assert paths[1:] == [SERVICE, WANTS.replace("chronyd", "chrony"), "/etc/chrony/conf.d/agentprep.conf"]
    settled(root)
    assert "Before=chrony.service\n" in content(root, SERVICE)


def test_without_systemd_it_is_left_to_a_person(tmp_path):
    files = {path: text for path, text in EL7.items() if "systemd" not in path}
    changes, facts = planned(STEP, system_of(make_tree(tmp_path / "root", files)))
    assert FILLED not in [change.path for change in changes]
    assert [fact.verdict for fact in facts] == ["person"] and REFCLOCK in facts[0].remedy


@pytest.mark.parametrize("version, shown", [
    ("3.10.0-693.el7.x86_64", True), ("3.10.0-514.el7.x86_64", False), ("4.11.0-1-amd64", True), ("6.1.0-28-x", True),
    ("4.4.180-94.97-default", False), ("3.10.0-1160.generic", False), ("2.6.32-754.el6.x86_64", False), ("odd", True),
])  # fmt: skip
def test_kernels_that_show_the_clock(tmp_path, version, shown):
    assert shows_clock(version) == shown
    changes, facts = planned(STEP, system_of(make_tree(tmp_path / "root", dict(EL7, **kernel(version)))))
    assert bool(changes) == shown and ("not applicable" in facts[-1].evidence) != shown


def test_the_service_fills_the_file_only_where_the_clock_is(tmp_path):
    clock, made = str(tmp_path / "clock"), str(tmp_path / "made.conf")
    text = SERVICE_TEXT % {"file": made}
    argument = text.split("/bin/sh -c ")[1].replace("\\\n", " ").replace("$$", "$").strip()
    assert argument.startswith("'") and argument.endswith("'") and argument.count("'") == 2
    script = argument[1:-1].replace("-e /dev/ptp_hyperv", "-e " + clock)
    for there, wanted in ((False, EMPTY), (True, EMPTY + REFCLOCK + "\n"), (False, EMPTY)):
        if there:
            open(clock, "w").close()
        elif os.path.exists(clock):
            os.unlink(clock)
        subprocess.check_call(["sh", "-c", script])
        with open(made) as stream:
            assert stream.read() == wanted


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


def test_units_do_nothing_where_upstart_starts_chrony(tmp_path):
    """Ubuntu 14.04 with a unit that its package brings for systemd."""
    upstart = {"/sbin/init": Program(""), "/sbin/initctl": Program(""), "/etc/init/rc.conf": "start on runlevel\n"}
    changes, facts = planned(STEP, system_of(make_tree(tmp_path, dict(DEBIAN, **upstart))))
    assert [change.path for change in changes if "systemd" in change.path or "agentprep.conf" in change.path] == []
    assert [fact.verdict for fact in facts] == ["person"] and "systemd does not start chrony" in facts[0].evidence
