"""Labels of SELinux: what is set at once, and what waits for the next boot."""

import os

import pytest

from agentprep.changes import Run, Write
from agentprep.commands import Completed
from agentprep.selinux import labelled, mode
from agentprep.steps.selinux import RULE, STEP, tolerated
from tests.trees import FakeLive, Program, make_tree, planned, policy_of, system_of

# selinux-policy-targeted 3.13.1 (CentOS 7), shortened
CONFIG = """\
# This file controls the state of SELinux on the system.
# SELINUX= can take one of these three values:
SELINUX=enforcing
# SELINUXTYPE= can take one of three values:
SELINUXTYPE=targeted
"""
FILES = {
    "/etc/selinux/config": CONFIG, "/etc/selinux/targeted/policy/policy.31": "x", "/etc/passwd": "",
    "/etc/new.conf": "", "/boot/efi/EFI/BOOT/BOOTX64.EFI": "MZ", "/usr/sbin/restorecon": Program(""),
}  # fmt: skip
ACTIVE = {"/sys/fs/selinux/enforce": "1"}
CAUSE = "/etc/new.conf was changed"
LABEL = b"system_u:object_r:etc_t:s0\0"


def label(root, *paths):
    for path in paths:
        try:
            os.setxattr(root + path, "security.selinux", LABEL)
        except PermissionError:
            pytest.skip("only root may set labels of SELinux")


def tree(folder, *labels, **files):
    root = make_tree(folder, dict(FILES, **files.get("more", {})))
    label(root, *labels)
    return root


def rule(root, live=None, touched=("/etc/new.conf", "/etc/gone", "/boot/efi/EFI/BOOT/BOOTX64.EFI"), cause=CAUSE):
    one = system_of(root, live=live)
    one.touched = list(touched)
    return list(RULE.changes(one, policy_of(), cause))


@pytest.mark.parametrize("config, found", [
    (CONFIG, "enforcing"), (CONFIG.replace("=enforcing", "=permissive"), "permissive"),
    (CONFIG.replace("=enforcing", "=disabled"), ""), (CONFIG.replace("=targeted", "=mls"), ""), ("", ""),
    ('SELINUX="Enforcing"\n', "enforcing"),
])  # fmt: skip
def test_the_mode_of_the_next_boot(tmp_path, config, found):
    root = make_tree(tmp_path, dict(FILES, **{"/etc/selinux/config": config}))
    assert mode(system_of(root).guest) == found


def test_without_selinux_nothing_is_done(tmp_path):
    root = make_tree(tmp_path, {"/etc/passwd": ""})
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and facts[0].evidence.startswith("not applicable")
    assert rule(root) == []


def test_a_tree_without_labels_gets_them_at_the_next_boot(tmp_path):
    root = tree(tmp_path)
    changes, facts = planned(STEP, system_of(root))
    assert [(change.path, change.content) for change in changes] == [("/.autorelabel", b"-F\n")]
    assert [fact.verdict for fact in facts] == ["note"]
    changes[0].apply(system_of(root).guest)
    assert planned(STEP, system_of(root))[0] == [] and rule(root) == []


def test_a_tree_with_labels_is_left(tmp_path):
    root = tree(tmp_path, "/etc/passwd")
    changes, facts = planned(STEP, system_of(root))
    assert (
        changes == [] and facts[0].evidence == "SELinux is enforcing (/etc/selinux/config), and the files have labels"
    )


def test_a_file_that_another_kernel_wrote(tmp_path):
    """Its label is missing; what is on the EFI system partition has none of its own."""
    root = tree(tmp_path, "/etc/passwd")
    changes = rule(root)
    assert [type(change) for change in changes] == [Write] and changes[0].path == "/.autorelabel"
    assert "/etc/new.conf has none" in changes[0].why
    label(root, "/etc/new.conf")
    assert rule(root) == []


def test_a_running_machine_whose_kernel_has_no_selinux(tmp_path):
    root = tree(tmp_path, "/etc/passwd")
    assert [change.path for change in rule(root, FakeLive())] == ["/.autorelabel"]


@pytest.mark.parametrize("more", [ACTIVE, {"/selinux/enforce": "1"}])
def test_the_running_machine_sets_the_labels_of_what_was_written(tmp_path, more):
    root = tree(tmp_path, "/etc/passwd", more=more)
    changes = rule(root, FakeLive())
    assert [type(change) for change in changes] == [Run]
    assert changes[0].commands == (("restorecon", "-F", "/etc/new.conf"),)
    assert rule(root, FakeLive(), cause="") == [], "nothing was written"
    assert rule(root, FakeLive(), touched=("/etc/gone",)) == [], "what was removed has no label"


def test_of_a_tree_the_running_kernel_tells_nothing(tmp_path):
    root = tree(tmp_path, "/etc/passwd", more=ACTIVE)
    assert [change.path for change in rule(root)] == ["/.autorelabel"]


def test_an_engine_that_names_one_path_only(tmp_path):
    root = tree(tmp_path, "/etc/passwd")
    assert [change.path for change in RULE.changes(system_of(root), policy_of(), CAUSE)] == ["/.autorelabel"]


def test_a_failure_is_told_and_no_more():
    done = Completed(("restorecon", "-F", "/x"), 255, b"", ("restorecon: operation not supported", ""))
    assert "ended with 255 (restorecon: operation not supported)" in tolerated(done)


def test_what_is_not_there_has_no_label(tmp_path):
    assert labelled(system_of(make_tree(tmp_path, {})).guest, "/etc/none") is False
