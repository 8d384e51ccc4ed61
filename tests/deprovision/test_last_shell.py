"""The removal at power-off; that systemd keeps the order is shown in the lab."""

import os
import subprocess
from typing import Any

from agentprep.changes import Run, Write
from agentprep.deprovision.last_shell import STEP, files
from agentprep.guest import Guest
from tests.deprovision.machine import Systemctl, commands, used
from tests.trees import FakeLive, brought_about, content, make_tree, planned, system_of

UNITS = ["/run/systemd/system/agentprep-forget.service", "/run/systemd/system/agentprep-forget-machine.service"]


def booted(folder: Any, **more: Any) -> str:
    return make_tree(folder, {**used(), "/run/systemd/system/.keep": "", **more})


def test_two_units_wait_for_the_power_off(tmp_path: Any) -> None:
    root = booted(tmp_path)
    systemctl = Systemctl()
    system = system_of(root, commands(systemctl), FakeLive())
    changes, facts = planned(STEP, system)
    assert [type(change) for change in changes] == [Write] * 4 + [Run] * 2
    assert all(change.path.startswith("/run/") and change.secret for change in changes[:4])
    assert [fact.verdict for fact in facts] == ["note"]
    brought_about(STEP, system)
    assert systemctl.active == {os.path.basename(path) for path in UNITS}
    changes, facts = planned(STEP, system)
    assert changes == [] and [fact.verdict for fact in facts] == ["note"]


def test_they_are_started_again_when_they_were_stopped(tmp_path: Any) -> None:
    root = booted(tmp_path)
    brought_about(STEP, system_of(root, commands(), FakeLive()))
    assert [type(change) for change in planned(STEP, system_of(root, commands(), FakeLive()))[0]] == [Run, Run]


def test_a_person_is_told_when_systemd_does_not_start_them(tmp_path: Any) -> None:
    system = system_of(booted(tmp_path), commands(Systemctl(works=False)), FakeLive())
    facts = []
    for item in STEP.changes(system, None):  # type: ignore[arg-type]
        if isinstance(item, Run):
            assert "Failed to connect to bus" in item.execute(system.guest, 60, None, None)[0]
        elif isinstance(item, Write):
            item.apply(system.guest)
        else:
            facts.append(item)
    assert [fact.verdict for fact in facts] == ["person"] and "unset HISTFILE" in facts[0].remedy  # type: ignore[union-attr]


def test_without_systemd_a_person_is_told(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system_of(make_tree(tmp_path, used()), live=FakeLive()))
    assert changes == [] and [fact.verdict for fact in facts] == ["person"]
    assert "a seed" in facts[0].evidence and "unset HISTFILE" in facts[0].remedy  # type: ignore[union-attr]


def test_from_outside_nothing_is_needed(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system_of(booted(tmp_path)))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]


def test_the_units_are_stopped_after_all_sessions_and_writers(tmp_path: Any) -> None:
    texts = dict(files(Guest(booted(tmp_path))))
    for path in UNITS:
        lines = texts[path].splitlines()
        assert {"DefaultDependencies=no", "Conflicts=shutdown.target", "RemainAfterExit=yes"} <= set(lines)
        assert not any(line.startswith("After=") for line in lines)  # it would be stopped before those
    before = [next(line for line in texts[path].splitlines() if line.startswith("Before=")) for path in UNITS]
    assert "user.slice" in before[0] and "systemd-user-sessions.service" in before[0]
    assert "systemd-random-seed.service" in before[1] and "networking.service" in before[1]


def test_the_script_removes_what_was_written_meanwhile(tmp_path: Any) -> None:
    root = booted(
        tmp_path,
        **{
            "/home/o'neil/.bash_history": "x\n",
            "/var/www/.bash_history": "x\n",
            "/home/bob/.local/state/zsh/history": "x\n",
            "/home/bob/.bash_history-1.tmp": "x\n",
        },
    )
    guest = Guest(root)
    script = dict(files(guest))["/run/agentprep/forget"]
    for home in ("/home", "/root", "/var"):  # the script is run here, on the tree instead of on the machine
        script = script.replace("find %s" % home, "find %s%s" % (root, home))
        script = script.replace("find '%s" % home, "find '%s%s" % (root, home))
    finds = "".join(line + "\n" for line in script.splitlines() if line.startswith("find") and root in line)
    assert finds.count("find") >= 6
    subprocess.check_call(["sh", "-c", "sh -n /dev/stdin && exit"], stdin=_file(tmp_path, script))
    subprocess.call(["sh"], stdin=_file(tmp_path, finds))
    left = [name for folder, _, found in os.walk(root) if "/usr/" not in folder for name in found if "hist" in name]
    assert left == [".python_history"]  # the link to /dev/null
    assert os.path.exists(root + "/home/alice/notes")
    assert content(root, "/etc/passwd")


def test_homes_that_hold_the_system_are_not_searched(tmp_path: Any) -> None:
    script = dict(files(Guest(booted(tmp_path))))["/run/agentprep/forget"]
    for line in script.splitlines():
        if line.startswith(("find / ", "find /usr", "find /.")):
            assert "-maxdepth 1" in line
    assert any(line.startswith("find /. -xdev -maxdepth 1") for line in script.splitlines())


def _file(folder: Any, text: str) -> Any:
    path = str(folder) + "/script"
    with open(path, "w") as stream:
        stream.write(text)
    return open(path)
