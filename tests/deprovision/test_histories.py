"""Histories of every user and every shell."""

import os
from typing import Any

from agentprep.changes import Forget
from agentprep.deprovision.histories import STEP
from tests.deprovision.machine import used
from tests.trees import To, brought_about, make_tree, planned, system_of


def test_the_exact_list(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    changes = brought_about(STEP, system_of(root))
    assert [change.path for change in changes] == [
        "/home/alice/.bash_history", "/home/alice/.local/share/fish/fish_history", "/home/alice/.viminfo",
        "/home/alice/src/.deep/.zsh_history", "/home/bob/.histfile", "/home/left-over/.bash_history",
        "/root/.bash_history", "/var/lib/postgresql/.psql_history",
    ]  # fmt: skip
    assert all(isinstance(change, Forget) and not change.empty for change in changes)
    assert os.path.exists(root + "/home/alice/notes") and os.path.islink(root + "/home/alice/.python_history")
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]  # a link to /dev/null is as good as no history


def test_a_link_is_never_followed(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/home/bob/.viminfo": To("/etc/passwd"), "/home/bob/dir": To("/etc")})
    changes, facts = planned(STEP, system_of(root))
    assert not any(change.path in ("/etc/passwd", "/home/bob/.viminfo") for change in changes)
    assert any(fact.verdict == "warning" and "/etc/passwd" in fact.evidence for fact in facts)


def test_what_lisa_would_find_is_gone(tmp_path: Any) -> None:
    names = [".bash_history", ".ash_history", ".my-own-sh_history", ".history", ".bash_history-01234.tmp"]
    there = {"/home/bob/%d/%s" % (n, name): "x" for n, name in enumerate(names)}
    there.update({"/home/bob/.history.d/notes": "x", "/home/bob/history": "x", "/home/bob/my_history": "x"})
    root = make_tree(tmp_path, {**used(), **there})
    brought_about(STEP, system_of(root))
    left = [name for _, _, found in os.walk(root + "/home/bob") for name in found]
    assert sorted(left) == ["history", "my_history", "notes"]


def test_an_empty_history_is_as_good_as_none(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {"/etc/passwd": "root:x:0:0::/root:/bin/bash\n", "/root/.bash_history": ""})
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]
