"""What `grubby --args` put into RHEL 7's grub.cfg only is there still when the menu has been made anew."""

import os

import pytest

from tests.roots import rhel7
from tests.trees import content
from tests.worlds import World

TREE = next(one for one in rhel7.TREES if one.name == "rhel-7-bios")
DEFAULTS = "/etc/default/grub"
HAND = "rd.lvm.lv=rhel/usr net.ifnames=0 biosdevname=0"


def world_of(folder, age):
    """The menu is `age` seconds younger than /etc/default/grub."""
    world = World(TREE.make(folder), commands=TREE.commands)
    path = world.root + rhel7.BIOS
    text = content(world.root, rhel7.BIOS)
    with open(path, "w") as stream:
        stream.write(text.replace("rhgb quiet", "rhgb quiet LANG=en_US.UTF-8 " + HAND))
    now = os.stat(path).st_mtime
    os.utime(world.root + DEFAULTS, (now - age, now - age))
    return world


@pytest.mark.parametrize("age, kept", [(3600, HAND + " "), (-3600, "")])
def test_the_newer_one_is_right(tmp_path, age, kept):
    world = world_of(tmp_path / "guest", age)
    ids = {"os-swap", "kernel-cmdline"}
    planned = world.plan(only=ids, deprovision=False)
    told = world.run(only=ids, deprovision=False)
    assert told.result.exit_code == 0
    expected = {title: line.replace(" console", " " + kept + "console").replace("  ", " ")
                for title, line in TREE.expected.entries.items()}  # fmt: skip
    assert TREE.menu(world.root) == expected
    edits, same = ([one.change.content for one in each.changes if getattr(one.change, "path", "") == DEFAULTS]
                   for each in (told, planned))  # fmt: skip
    assert edits == same
    assert not world.run(only=ids, deprovision=False).changes


def test_without_grubby_an_entry_is_only_old(tmp_path):
    world = world_of(tmp_path / "guest", 3600)
    os.unlink(world.root + "/usr/sbin/new-kernel-pkg")
    world.run(deprovision=False)
    assert TREE.menu(world.root) == TREE.expected.entries
