"""The last, one-way part of a run on the trees: of each family no file is left that tells of the machine."""

import os

import pytest

from tests.roots import last, read
from tests.roots.every import TREES
from tests.roots.last import CLOUD, DEBIAN, EVERYWHERE, REDHAT, SUSE, SYSTEMD
from tests.trees import make_tree
from tests.worlds import World

OF = {
    "debian-8": (SYSTEMD, DEBIAN), "debian-12-systemd-boot": (SYSTEMD, DEBIAN), "ubuntu-14.04-upstart": (DEBIAN,),
    "ubuntu-20.04-cloud-azure": (SYSTEMD, DEBIAN, CLOUD), "ubuntu-24.04-zstd": (SYSTEMD, DEBIAN),
    "rhel-6-bios": (REDHAT,), "rhel-7-uefi": (SYSTEMD, REDHAT), "rhel-9.4-uefi": (SYSTEMD, REDHAT),
    "rocky-9-cloud": (SYSTEMD, REDHAT, CLOUD), "oracle-8-uek6": (SYSTEMD, REDHAT), "fedora-43": (SYSTEMD, REDHAT),
    "amazon-2": (SYSTEMD, REDHAT, CLOUD), "azurelinux-3": (SYSTEMD, REDHAT, CLOUD), "sles-11": (SUSE,),
    "sles-12": (SYSTEMD, SUSE), "sles-15-uefi": (SYSTEMD, SUSE), "tumbleweed-systemd-boot": (SYSTEMD, SUSE),
}  # fmt: skip
ROWS = [pytest.param(one, OF[one.name], id=one.name) for one in TREES if one.name in OF]


@pytest.mark.parametrize("tree, parts", ROWS)
def test_nothing_of_the_machine_is_left(tree, parts, tmp_path):
    root = tree.make(tmp_path / "guest")
    for part in (EVERYWHERE,) + parts:
        make_tree(root, part, minimal=False)
    world = World(root, tree.settings, commands=dict(tree.commands, **last.COMMANDS))
    told = world.run()
    assert told.result.exit_code == 0, told.result
    assert told.result.undo == ""
    assert last.left(root) == {}
    if SYSTEMD in parts or os.path.exists(root + "/etc/machine-id"):
        assert read(root, "/etc/machine-id") == b""
    assert read(root, "/etc/hostname") == b"localhost.localdomain\n"
    menu = {title: without_id(line) for title, line in tree.menu(root).items()}
    assert menu == {title: without_id(line) for title, line in tree.expected.entries.items()}
    assert world.rollback().result.message == "There is nothing to take back."
    again = world.run()
    assert again.result.exit_code == 0 and not again.changes, again.changes


def without_id(line):
    """kernel-install's argument goes, so that no two machines take themselves for one."""
    return " ".join(word for word in line.split() if not word.startswith("systemd.machine_id="))


def test_every_family_is_there():
    assert len(ROWS) == len(OF)
