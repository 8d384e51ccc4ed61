"""cloud-init's state."""

import os
import shutil
from typing import Any

from agentprep.changes import Forget, Run
from agentprep.deprovision.cloud_init import STEP
from tests.deprovision.machine import used
from tests.trees import Program, To, brought_about, make_tree, planned, system_of

STATE = {
    "/var/lib/cloud/data/set-hostname": '{"hostname": "source"}', "/var/lib/cloud/instance": To("instances/i"),
    "/var/lib/cloud/seed/nocloud/user-data": "#cloud-config\n", "/var/log/cloud-init.log": "x\n",
    "/var/log/cloud-init-output.log": "x\n",
}  # fmt: skip


def clean(root: str, argv: Any) -> Any:
    """cloud-init 22.4, cloudinit/cmd/clean.py."""
    assert argv[1:] == ("clean", "--logs", "--seed")
    for name in os.listdir(root + "/var/lib/cloud"):
        path = root + "/var/lib/cloud/" + name
        (os.remove if os.path.islink(path) else shutil.rmtree)(path)
    os.remove(root + "/var/log/cloud-init.log")
    os.remove(root + "/var/log/cloud-init-output.log")
    return 0


def old(root: str, argv: Any) -> Any:
    return 2, "cloud-init: error: argument subcommand: invalid choice: 'clean'"


def left(root: str) -> Any:
    return os.listdir(root + "/var/lib/cloud"), [name for name in os.listdir(root + "/var/log") if "cloud" in name]


def test_its_own_command_does_it(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), **STATE, "/usr/bin/cloud-init": Program("")})
    changes = brought_about(STEP, system_of(root, {"cloud-init": clean}))
    assert [type(change) for change in changes] == [Run]
    assert left(root) == ([], [])
    assert planned(STEP, system_of(root))[0] == []


def test_the_plan_lists_what_goes(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), **STATE, "/usr/bin/cloud-init": Program("")})
    changes = planned(STEP, system_of(root))[0]
    paths = [change.path for change in changes if isinstance(change, Forget)]
    assert paths == ["/var/lib/cloud/data", "/var/lib/cloud/instance", "/var/lib/cloud/seed",
                     "/var/log/cloud-init-output.log", "/var/log/cloud-init.log"]  # fmt: skip


def test_a_version_without_the_command_is_no_obstacle(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), **STATE, "/usr/bin/cloud-init": Program("")})
    system = system_of(root, {"cloud-init": old})
    run = next(one for one in STEP.changes(system, None) if isinstance(one, Run))  # type: ignore[arg-type]
    assert "invalid choice" in run.execute(system.guest, 60, None, None)[0]
    brought_about(STEP, system)
    assert left(root) == ([], [])


def test_state_of_a_removed_cloud_init_goes_too(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), **STATE})
    assert {type(change) for change in brought_about(STEP, system_of(root))} == {Forget}
    assert left(root) == ([], [])


def test_a_guest_without_it_has_nothing_to_do(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system_of(make_tree(tmp_path, used())))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]
