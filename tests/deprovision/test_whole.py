"""The whole last part on one machine."""

import os
from typing import Any

from agentprep.changes import Forget, Link, Run, Write
from agentprep.deprovision import STEPS
from agentprep.deprovision.whole import STEP
from agentprep.guest import Draft
from agentprep.step import Fact
from tests.deprovision.machine import HASH, commands, used
from tests.trees import FakeLive, brought_about, make_tree, planned, policy_of, system_of


def files(root: str) -> Any:
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            state = os.lstat(path)
            found[path[len(root) :]] = (state.st_mode, state.st_size, state.st_mtime_ns)
    return found


def test_every_step_is_one_way_with_a_whole_record() -> None:
    ids = [step.id for step in STEPS]
    assert len(set(ids)) == len(ids) and ids[-2:] == ["deprovision", "deprovision-own-units"]
    assert all(step.one_way and step.title and step.reason and step.source and step.remedy for step in STEPS)
    assert all(one == "deprovision" or one.startswith("deprovision-") for one in ids)


def test_the_plan_lists_all_that_is_removed_and_does_nothing(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/run/systemd/system/.keep": ""})
    system = system_of(root, commands(), FakeLive())
    before = files(root)
    draft = Draft(system.guest)
    listed = []
    for step in STEPS:
        for item in step.changes(system.on(draft), policy_of()):
            if not isinstance(item, Fact):
                item.show(draft)
                item.imagine(draft)
                listed.append(item)
    assert files(root) == before
    assert {type(item) for item in listed} <= {Forget, Run, Link, Write}
    assert all(item.secret for item in listed if isinstance(item, Write))
    for step in STEPS:
        brought_about(step, system)
    gone = [path for path in before if not os.path.lexists(root + path)]
    told = [item.path for item in listed if isinstance(item, Forget)]
    assert [path for path in gone if not any(path == one or path.startswith(one + "/") for one in told)] == []


def test_a_second_time_finds_nothing(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/run/systemd/system/.keep": ""})
    system = system_of(root, commands(), FakeLive())
    for step in STEPS:
        brought_about(step, system)
    after = files(root)
    assert [planned(step, system)[0] for step in STEPS] == [[]] * len(STEPS)
    assert [brought_about(step, system) for step in STEPS] == [[]] * len(STEPS)
    assert files(root) == after
    assert os.path.exists(root + "/home/alice/notes") and os.path.exists(root + "/etc/passwd")


def test_what_stays_is_named_and_no_secret_is_told(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    changes, facts = planned(STEP, system_of(root))
    told = " ".join(fact.evidence + fact.remedy for fact in facts)
    assert changes == []
    assert "root, alice" in told and "bob" not in told  # bob is locked
    assert "alice (/home/alice/.ssh/authorized_keys)" in told
    assert "/home/alice/.ssh/id_ed25519" in told and "id_ed25519.pub" not in told
    assert HASH not in told and "AAAA" not in told
