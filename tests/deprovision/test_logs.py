"""Logs, caches and temporary files."""

import os
import stat
from typing import Any

from agentprep.changes import Forget, Run
from agentprep.deprovision.logs import STEP, own
from agentprep.deprovision.traces import gone
from agentprep.guest import Guest
from agentprep.mounts import Mount
from tests.deprovision.machine import commands, used
from tests.trees import FakeLive, To, brought_about, make_tree, planned, system_of

BOOTED = {"/run/systemd/system/.keep": "", "/usr/bin/journalctl": ""}


def forgotten(changes: Any) -> Any:
    return sorted((change.path, change.empty) for change in changes if isinstance(change, Forget))


def test_the_exact_list_for_a_debian_machine(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    os.chmod(root + "/var/log/syslog", 0o640)
    changes = planned(STEP, system_of(root))[0]
    assert forgotten(changes) == [
        ("/tmp/.hidden", False), ("/tmp/draft.txt", False), ("/var/cache/apt/archives/less_590_amd64.deb", False),
        ("/var/log/installer", False), ("/var/log/journal/2c3d83d340dc0fd2d2741aa56b03b18c", False),
        ("/var/log/syslog", True), ("/var/log/syslog.1", False), ("/var/log/syslog.2.gz", False),
        ("/var/log/waagent.log", True), ("/var/log/wtmp", True),
    ]  # fmt: skip
    assert len(changes) == 10
    brought_about(STEP, system_of(root))
    assert planned(STEP, system_of(root))[0] == []
    found = os.stat(root + "/var/log/syslog")
    assert (found.st_size, stat.S_IMODE(found.st_mode)) == (0, 0o640)
    assert os.path.isdir(root + "/var/log/journal")  # journald keeps it: Storage=auto
    assert os.path.exists(root + "/tmp/systemd-private-1-chrony.service-1/tmp/x")


def test_journald_lets_go_of_its_files_first(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), **BOOTED})
    os.chmod(root + "/usr/bin/journalctl", 0o755)
    live = system_of(root, commands(), FakeLive())
    first = planned(STEP, live)[0][0]
    assert isinstance(first, Run) and first.commands == (("journalctl", "--relinquish-var"),)
    assert not any(isinstance(change, Run) for change in planned(STEP, system_of(root))[0])  # not of another system's
    old = system_of(root, {"journalctl": lambda root, argv: (1, "unrecognized option '--relinquish-var'")}, FakeLive())
    brought_about(STEP, old)
    assert os.listdir(root + "/var/log/journal") == []


def test_a_databases_own_files_stay(tmp_path: Any) -> None:
    there = ["/var/log/mysql/mysql-bin.000001", "/var/log/mysql/mysql-bin.index", "/var/log/mysql/relay-bin.000012"]
    root = make_tree(tmp_path, {**used(), **dict.fromkeys(there, "x"), "/var/log/mysql/error.log": "x"})
    changes, facts = planned(STEP, system_of(root))
    paths = [path for path, _ in forgotten(changes)]
    assert not set(there) & set(paths) and "/var/log/mysql/error.log" in paths
    assert any(fact.verdict == "note" and there[0] in fact.evidence for fact in facts)


def test_links_in_the_logs_are_not_followed(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/var/log/README": To("/etc/passwd"), "/tmp/etc": To("/etc")})
    brought_about(STEP, system_of(root))
    assert os.path.getsize(root + "/etc/passwd") and os.path.islink(root + "/var/log/README")
    assert not os.path.lexists(root + "/tmp/etc") and os.path.exists(root + "/etc/hosts")


def test_rotated_logs_are_told_from_current_ones(tmp_path: Any) -> None:
    rotated = ["a.log.1", "a.log.12.gz", "a-20250101", "a-20250101.log.xz", "a.log.old", "Xorg.0.log"]
    current = ["a.log", "b.2024", "mail.err", "postgresql-15-main.log", "a1"]
    root = make_tree(tmp_path, {**used(), **{"/var/log/x/" + name: "x" for name in rotated + current}})
    found = dict(forgotten(planned(STEP, system_of(root))[0]))
    assert {name: found["/var/log/x/" + name] for name in rotated + current} == dict(
        [(name, False) for name in rotated] + [(name, True) for name in current]
    )


def test_what_is_mounted_is_never_removed() -> None:
    mounts = [Mount("/tmp/share/deep", "ext4", False), Mount("/var/tmp", "tmpfs", True)]
    told = list(gone("/tmp/share", "why", mounts))
    assert [getattr(item, "verdict", "") for item in told] == ["warning"] and "/tmp/share/deep" in str(told[0])
    assert list(gone("/var/tmp/x", "why", mounts)) == []  # it is in memory
    assert list(gone("/tmp/shared", "why", mounts)) == [Forget("/tmp/shared", "why")]


def test_this_process_keeps_what_it_uses() -> None:
    used_paths = own(Guest("/"))
    assert os.getcwd() in used_paths and any(path.endswith("/agentprep") for path in used_paths)
    assert own(Guest("/usr")) == []
