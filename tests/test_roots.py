"""Every family, release and boot path, as a whole small tree: looking is pure, a run settles, a rollback is exact.

The trees are rows in tests/roots/; each says by itself what a run must have made of it.
"""

import compileall
import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
import time

import pytest

import agentprep
from agentprep.guest import READING
from tests.roots import read
from tests.roots.every import TREES
from tests.roots.tree import held
from tests.snapshots import snapshot
from tests.worlds import World

CPU = 0.5  # seconds that a check may take
YARD = 0.033  # seconds that the work of `slowness` takes on an idle core, with Python 3.11
SETTLED = [one for one in TREES if not one.refused]
REFUSED = [one for one in TREES if one.refused]


def rows(trees):
    return [
        pytest.param(one, id=one.name, marks=[pytest.mark.xfail(strict=True, reason=one.defect)] if one.defect else [])
        for one in trees
    ]


def world_of(tree, folder):
    return World(tree.make(folder), tree.settings, commands=tree.commands)


def wrote(world):
    """The commands that ran and that may write."""
    return [argv for argv in world.commands.ran if not reads(argv)]


def reads(argv):
    allowed = READING.get(posixpath.basename(argv[0]), ())
    return "*" in allowed or (len(argv) > 1 and argv[1] in allowed)


def differing(before, after):
    return sorted(path for path in set(before) | set(after) if before.get(path) != after.get(path))


@pytest.mark.parametrize("tree", rows(SETTLED))
def test_a_guest(tree, tmp_path):
    world = world_of(tree, tmp_path / "guest")
    before = snapshot(world.root, own=True)
    assert world.check().result.exit_code == 1
    planned = world.plan(deprovision=False)
    assert planned.result.exit_code == 0, planned.result
    assert differing(before, snapshot(world.root, own=True)) == [] and wrote(world) == []

    told = world.run(deprovision=False)
    expected = tree.expected
    assert told.result.exit_code == expected.exit, told.result
    assert tree.menu(world.root) == expected.entries
    images(tree, world.root, before)
    files(expected, world.root, before)
    found = {one.id: one.status for one in told.findings if one.status not in ("ok", "changed")}
    assert found == expected.verdicts, [(one.id, one.evidence) for one in told.findings if one.id in found]

    settled, ran = snapshot(world.root), len(wrote(world))
    again = world.run(deprovision=False)
    assert again.result.exit_code == expected.exit and not again.changes, again.changes
    assert differing(settled, snapshot(world.root)) == [] and len(wrote(world)) == ran
    checked = world.check().result
    assert checked.exit_code == expected.exit, checked
    tomorrow(tree, world.root, tmp_path / "later")

    back = world.rollback()
    assert back.result.exit_code == 0, back.result
    left = differing({path: one for path, one in before.items() if not own(path)}, snapshot(world.root))
    assert left == sorted(expected.brought)


def own(path):
    return path == "/var/lib/agentprep" or path.startswith("/var/lib/agentprep/")


def images(tree, root, before):
    """Every image holds what is expected, or is as it was."""
    for path, names in tree.expected.held.items():
        if names is None:
            assert read(root, path) == before[path][-1], path
        else:
            assert held(root, path) == names, path


def files(expected, root, before):
    for path, lines in expected.lines.items():
        have = read(root, path).decode("utf-8", "surrogateescape").split("\n")
        assert [line for line in lines if line not in have] == [], (path, have)
    for path, pattern in expected.without.items():
        assert not re.search(pattern, read(root, path).decode("utf-8", "surrogateescape")), path
    assert {path: os.readlink(root + path) for path in expected.links if os.path.islink(root + path)} == expected.links
    assert [path for path in expected.gone if path not in before or os.path.lexists(root + path)] == []
    assert [path for path in expected.same if read(root, path) != before[path][-1]] == []


def tomorrow(tree, root, folder):
    """A kernel that is installed later, by the distribution's own tools, gets the same."""
    shutil.copytree(root, str(folder), symlinks=True)
    now = tree.menu(str(folder))
    image = tree.install(str(folder))
    then = tree.menu(str(folder))
    assert {title: line for title, line in then.items() if title not in now} == tree.expected.future
    assert arguments({title: then[title] for title in now}) == arguments(now), "those of before have what they had"
    for argv in tree.remakes:
        tree.commands[argv[0]](str(folder), argv)
        made = {title: line for title, line in tree.menu(str(folder)).items() if "0-rescue-" not in title}
        assert arguments({title: line for title, line in made.items() if title in then}) == arguments(
            {title: line for title, line in then.items() if "0-rescue-" not in title}), argv  # fmt: skip
    names = tree.expected.later or list(tree.expected.held.values())[-1]
    assert held(str(folder), image) == names


def arguments(menu):
    """A tool that makes a menu anew may put its own elsewhere, and writes them on each line of options."""
    return {title: set(line.split()) for title, line in menu.items()}


@pytest.mark.parametrize("tree", rows(REFUSED))
def test_a_guest_that_is_refused(tree, tmp_path):
    world = world_of(tree, tmp_path / "guest")
    before = snapshot(world.root, own=True)
    told = world.run(deprovision=False).result
    assert told.exit_code == 3 and re.search(tree.refused, told.message), told
    assert told.hint
    assert wrote(world) == [] and differing({path: one for path, one in before.items() if not own(path)},
                                            snapshot(world.root)) == []  # fmt: skip


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A folder with agentprep as an installation has it: with its bytecode, which agentprep itself never writes."""
    folder = tmp_path_factory.mktemp("installed")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(os.path.dirname(agentprep.__file__), str(folder / "agentprep"), ignore=ignored)
    assert compileall.compile_dir(str(folder), quiet=1)
    return str(folder)


@pytest.mark.parametrize("tree", rows([one for one in TREES if not one.defect]))
def test_a_check_is_cheap(tree, tmp_path, compiled):
    """The real process, with --root; the best of three, since the machine may be busy with other tests."""
    root = tree.make(tmp_path / "guest")
    argv = [sys.executable, "-m", "agentprep", "check", "--json", "--root", root]
    argv += [word for one in tree.settings for word in ("--set", one)]
    took = []
    while len(took) < 3 and min(took, default=2 * CPU) > CPU:
        code, out, said, seconds = timed(argv, compiled)
        assert code in (1, 3), said
        assert json.loads(out.decode())["result"]["exit_code"] == code
        took.append(seconds / slowness())
    assert min(took) <= CPU, took


def timed(argv, folder):
    """Exit code, outputs, and seconds of CPU of a child and its children."""
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder)
    out, said = child.stdout.read(), child.stderr.read()
    child.stdout.close()
    child.stderr.close()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.WEXITSTATUS(status)
    return child.returncode, out, said, used.ru_utime + used.ru_stime


def slowness():
    """How much longer the same work takes now than on an idle core: threads share cores, and Pythons differ."""
    began, words = time.process_time(), {}
    for number in range(120000):
        words[str(number % 977)] = words.get(str(number % 977), 0) + number
    return min(3.0, max(1.0, (time.process_time() - began) / YARD))


def test_the_trees_are_told_apart():
    names = [one.name for one in TREES]
    assert len(set(names)) == len(names)
    assert all((one.expected is None) == bool(one.refused) for one in TREES)
