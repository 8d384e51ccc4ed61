"""The installed RPM does the main job on whole EL trees: from inside, as in a kickstart's %post, and on a mounted one.

The trees, their commands and what is expected of them are those of tests/test_roots.py; the command that works on them
is the one that rpm has installed, by the Python that its first line names.
"""

import json
import os
import shutil

import pytest

from tests.packages import redhat
from tests.packages.proxies import FOLDER, serving
from tests.packages.redhat import Root, debian, output, provided
from tests.roots.every import TREES
from tests.snapshots import snapshot
from tests.test_roots import differing, files, images, own, reads

RUN = ("run", "--no-deprovision", "--yes", "--set", "initrd-hyperv.builds=1", "--json")
DATABASE = "/.rpmdb"  # the tree's own rpm is an imitation, with another
# What Debian's Python needs of its system; the tree gets it under the names that the tree has.
PYTHON = ("usr/lib/python3", "usr/lib/python3.11", "usr/lib/x86_64-linux-gnu")


def tree_of(name):
    return next(one for one in TREES if one.name == name)


@pytest.fixture(scope="module")
def packages():
    return redhat.packages()


def with_python(root, interpreter):
    """The tree has a Python that runs, under the name that the command's first line has, and a real sh."""
    source = str(debian())
    for folder in PYTHON:
        os.makedirs(os.path.dirname(os.path.join(root, folder)), exist_ok=True)
        output("cp", "-a", os.path.join(source, folder), os.path.join(root, folder))
    os.makedirs(root + "/usr/lib64", exist_ok=True)
    shutil.copy(source + "/usr/lib64/ld-linux-x86-64.so.2", root + "/usr/lib64/")
    program = os.path.realpath(root + interpreter)
    assert program.startswith(root + "/usr/")
    os.makedirs(os.path.dirname(program), exist_ok=True)
    for path, content in ((program, source + "/usr/bin/python3.11"), (root + "/usr/bin/sh", "/bin/busybox")):
        if os.path.exists(path):
            os.unlink(path)
        shutil.copy(content, path)


def told(code, out, said):
    """The document that a command printed."""
    assert out, said
    found = json.loads(out)
    assert found["result"]["exit_code"] == code, found["result"]
    return found


def taken(root):
    """The tree, without the run's own state, what is mounted, and what this test has put there."""
    passed = ("/proc", "/sys", "/dev", "/run", FOLDER, DATABASE)
    return {path: one for path, one in snapshot(root).items() if not own(path) and not path.startswith(passed)}


def main_job(tree, root, agentprep):
    """Looking is pure, a run settles, a second run is empty, the menu and the images are right, a rollback is exact."""
    with serving(tree, root) as ran:
        before = taken(root)
        assert told(*agentprep("check", "--json"))["result"]["exit_code"] == 1
        assert differing(before, taken(root)) == [] and [argv for argv in ran if not reads(argv)] == []

        expected = tree.expected
        done = told(*agentprep(*RUN))
        assert done["result"]["exit_code"] == expected.exit, done["result"]
        assert tree.menu(root) == expected.entries
        images(tree, root, before)
        files(expected, root, before)
        settled, wrote = taken(root), len([argv for argv in ran if not reads(argv)])
        assert wrote and differing(before, settled)

        again = told(*agentprep(*RUN))
        assert again["result"]["exit_code"] == expected.exit
        assert differing(settled, taken(root)) == []
        assert told(*agentprep("check", "--json"))["result"]["exit_code"] == expected.exit

        code, _, said = agentprep("rollback")
        assert code == 0, said
        assert differing(before, taken(root)) == sorted(expected.brought)


@pytest.mark.parametrize(
    "name, kind, interpreter, prefix",
    [
        ("rhel-7-bios", "el7", "/usr/bin/python3.6", "python36"),
        ("rhel-8-bios", "el8", "/usr/libexec/platform-python", "python3"),
        ("rhel-9.0-bios", "", "/usr/bin/python3", "python3"),
        ("sles-16", "", "/usr/bin/python3", "python3"),
    ],
)
def test_from_inside(name, kind, interpreter, prefix, packages, tmp_path):
    tree = tree_of(name)
    root = Root(tree.make(tmp_path / "guest"), database=DATABASE)
    with_python(root.path, interpreter)
    root.rpm("-i", provided(tmp_path, interpreter, prefix))
    assert root.rpm("-i", packages[kind]) == ""
    # The disks that a program in a chroot sees are this machine's, and an EFI system partition has to be mounted.
    words, points = ("--skip", "disk-layout"), {}
    if os.path.isdir(root.path + "/boot/efi/EFI"):
        points = {root.path + "/boot/efi": "/boot/efi"}

    def agentprep(command, *more):
        skip = words if command in ("run", "check") else ()
        return root.run("/usr/bin/agentprep", command, *skip, *more, mounted=points)

    main_job(tree, root.path, agentprep)
    assert root.rpm("-V", "agentprep") == ""


def test_on_a_mounted_guest(packages, tmp_path):
    """The command is installed in a Debian, below which the guest's tree is mounted."""
    tree = tree_of("rhel-9.4-uefi")
    guest = tree.make(tmp_path / "guest")
    shutil.copy("/bin/busybox", guest + "/usr/bin/busybox")
    os.unlink(guest + "/usr/bin/sh")
    os.symlink("busybox", guest + "/usr/bin/sh")
    root = Root(tmp_path / "root")
    output("cp", "-a", debian(), root.path)
    root.rpm("-i", provided(tmp_path))
    root.rpm("-i", packages[""])

    def agentprep(command, *more):
        return root.run("/usr/bin/agentprep", command, "--root", "/mnt", *more, mounted={guest: "/mnt"})

    main_job(tree, guest, agentprep)
    shutil.rmtree(root.path)
