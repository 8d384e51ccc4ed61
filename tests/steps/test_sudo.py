"""sudo asks for the user's own password."""

import os
from typing import Any

from agentprep.changes import Write
from agentprep.steps.sudo import STEP
from tests.debian12 import SUDOERS
from tests.formats.test_sudoers import SUSE
from tests.trees import brought_about, content, make_tree, planned, system_of


def test_debians_sudoers_is_as_it_should_be(tmp_path: Any) -> None:
    system = system_of(make_tree(tmp_path, {"/etc/sudoers": SUDOERS, "/etc/sudoers.d/README": "# Defaults targetpw\n"}))
    changes, facts = planned(STEP, system)
    assert changes == [] and facts[0].evidence == "no targetpw in /etc/sudoers, /etc/sudoers.d/README"


def test_both_of_suses_lines_become_comments_and_the_mode_stays(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {"/etc/sudoers": SUSE})
    os.chmod(root + "/etc/sudoers", 0o440)
    system = system_of(root)
    changes, facts = planned(STEP, system)
    assert [(change.path, type(change)) for change in changes] == [("/etc/sudoers", Write)]
    assert [fact.verdict for fact in facts] == ["note", "ok"]
    assert len(brought_about(STEP, system)) == 1
    new = content(root, "/etc/sudoers")
    assert "\n# Defaults targetpw " in new and "\n# ALL   ALL=(ALL) ALL " in new and "\nroot ALL=" in new
    assert os.stat(root + "/etc/sudoers").st_mode & 0o777 == 0o440
    assert planned(STEP, system)[0] == []


def test_a_drop_in_counts_unless_sudo_passes_over_it(tmp_path: Any) -> None:
    files = {"/etc/sudoers": SUDOERS, "/etc/sudoers.d/suse": "Defaults targetpw\n",
             "/etc/sudoers.d/old.conf": "Defaults targetpw\n", "/etc/sudoers.d/x~": "Defaults targetpw\n"}  # fmt: skip
    changes, _ = planned(STEP, system_of(make_tree(tmp_path, files)))
    assert [(change.path, change.content) for change in changes] == [("/etc/sudoers.d/suse", b"# Defaults targetpw\n")]


def test_an_entry_for_everybody_in_another_file_goes_as_well(tmp_path: Any) -> None:
    files = {"/etc/sudoers": SUDOERS + "Defaults targetpw\n", "/etc/sudoers.d/all": "ALL ALL=(ALL) ALL\n"}
    changes, _ = planned(STEP, system_of(make_tree(tmp_path / "a", files)))
    assert [change.path for change in changes] == ["/etc/sudoers", "/etc/sudoers.d/all"]
    files["/etc/sudoers"] = SUDOERS
    changes, facts = planned(STEP, system_of(make_tree(tmp_path / "b", files)))
    assert changes == [] and [fact.verdict for fact in facts] == ["warning", "ok"]


def test_without_sudo_there_is_nothing_to_ask(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system_of(make_tree(tmp_path, {})))
    assert changes == [] and facts[0].evidence.startswith("sudo is not installed")


def test_the_packages_own_file_is_left_and_no_longer_read(tmp_path: Any) -> None:
    """SLES 16: an update would bring its lines back, and a drop-in would leave `ALL ALL=(ALL) ALL` without targetpw."""
    root = make_tree(tmp_path, {"/usr/etc/sudoers": SUSE})
    system = system_of(root)
    assert [change.path for change in brought_about(STEP, system)] == ["/etc/sudoers"]
    assert content(root, "/usr/etc/sudoers") == SUSE and "\n# Defaults targetpw " in content(root, "/etc/sudoers")
    assert os.stat(root + "/etc/sudoers").st_mode & 0o777 == 0o440
    changes, facts = planned(STEP, system)
    assert changes == [] and facts[-1].evidence == "no targetpw in /etc/sudoers"
