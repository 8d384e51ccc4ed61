"""Killed with SIGKILL at any moment, in the run and in the rollback: the next run or rollback ends well."""

import os
import shutil
import tempfile

import pytest

from tests.roots import debian12
from tests.snapshots import snapshot
from tests.worlds import World, cut

POINTS = 40


@pytest.fixture
def folder():
    """A folder in memory, where syncing costs nothing."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as path:
        yield path


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return debian12.make(tmp_path_factory.mktemp("cut") / "guest")


@pytest.fixture(scope="module")
def calls(template, tmp_path_factory):
    """How many calls a whole run and a whole rollback consist of, less those that a faster clock may save."""
    root = str(tmp_path_factory.mktemp("count") / "guest")
    shutil.copytree(template, root, symlinks=True)
    counted = cut(lambda: run(root), 0)
    return counted * 98 // 100, cut(lambda: World(root).rollback(), 0) * 98 // 100


def run(root):
    told = World(root).run(deprovision=False)
    assert told.result.exit_code == 0, told.result


def copied(template, folder):
    root = folder + "/guest"
    shutil.copytree(template, root, symlinks=True)
    return root


def settled(root, before):
    """What a run and then a rollback owe."""
    run(root)
    assert World(root).check().result.exit_code == 0
    ran = World(root)
    assert ran.run(deprovision=False).changes == [] and ran.commands.ran == []
    World(root).rollback()
    assert_same(snapshot(root), before)


def assert_same(after, before):
    assert after == before, sorted(path for path in set(before) | set(after) if before.get(path) != after.get(path))


@pytest.mark.parametrize("point", range(POINTS))
def test_a_run_that_was_cut_is_resumed_or_taken_back(template, calls, folder, point):
    root = copied(template, folder)
    before = snapshot(root)
    number = 1 + point * (calls[0] - 1) // (POINTS - 1)
    assert cut(lambda: run(root), number) is None, "it was to be killed at call %d of %d" % (number, calls[0])
    for image in debian12.KERNELS:
        with open("%s/boot/initrd.img-%s" % (root, image), "rb") as stream:
            assert stream.read().endswith(bytes(16)), "a half-written image under the name that is booted"
    if point % 2:
        World(root).rollback()
        assert_same(snapshot(root), before)
    settled(root, before)


@pytest.mark.parametrize("point", range(12))
def test_a_rollback_that_was_cut_is_done_again_or_run_again(template, calls, folder, point):
    root = copied(template, folder)
    before = snapshot(root)
    run(root)
    number = 1 + point * (calls[1] - 1) // 11
    assert cut(lambda: World(root).rollback(), number) is None
    if point % 2:
        World(root).rollback()
        assert_same(snapshot(root), before)
    settled(root, before)
