"""Rollbacks in a guest that went on living: rebuilt images, damaged copies, folders in place of files, second tries."""

import os
import subprocess
import sys
import time

import pytest

from agentprep import session
from agentprep.commands import Commands, ours
from agentprep.errors import Interrupted
from agentprep.journal import Runs
from tests import needs
from tests.roots import archive, debian12, entries, grub_mkconfig, read
from tests.snapshots import snapshot
from tests.worlds import World, cut

IMAGE = "/boot/initrd.img-" + debian12.KERNELS[0]
GRUB = "/etc/default/grub"


@pytest.fixture
def world(tmp_path):
    return World(debian12.make(tmp_path / "guest"))


def differing(root, before):
    after = snapshot(root)
    return sorted(path for path in set(before) | set(after) if before.get(path) != after.get(path))


def test_an_initrd_that_somebody_rebuilt_is_built_from_the_old_sources(world):
    before = snapshot(world.root)
    world.run(deprovision=False)
    with open(world.root + IMAGE, "ab") as stream:
        stream.write(bytes(512))
    told = world.rollback()
    assert told.result.exit_code == 0 and "2 rebuilt" in told.result.message, told.result
    assert b"hv_vmbus" not in read(world.root, IMAGE) and b"virtio_blk" in read(world.root, IMAGE)
    assert set(differing(world.root, before)) <= {"/boot/initrd.img-" + one for one in debian12.KERNELS}


def test_a_rollback_cut_after_its_rebuild_does_not_put_back_the_stale_menu(world):
    world.run(deprovision=False)
    old, new = debian12.KERNELS[0], "6.1.0-31-amd64"
    for folder, name in (("/boot/", "vmlinuz-"), ("/boot/", "initrd.img-"), ("/lib/modules/", "")):
        os.rename(world.root + folder + name + old, world.root + folder + name + new)
    grub_mkconfig(world.root, ("grub-mkconfig", "-o", "/boot/grub/grub.cfg"))
    count = cut(lambda: World(world.root).rollback(), 0)
    assert count  # the child did the whole of it; the parent's second go must not undo the rebuild
    World(world.root).rollback()
    kernels = [line for line in read(world.root, "/boot/grub/grub.cfg").decode().split("\n") if "\tlinux\t" in line]
    assert kernels and not [line for line in kernels if old in line]


def test_a_damaged_copy_is_found_before_anything_is_taken_back(world):
    world.run(deprovision=False)
    journal = Runs(world.system().guest).latest()
    (undo,) = [one for one in journal.undo() if one.path == GRUB]
    os.truncate(world.root + undo.state["copy"], 5)
    after = snapshot(world.root)
    told = world.rollback()
    assert told.result.exit_code == 3 and GRUB in told.result.message and "copy" in told.result.message
    assert snapshot(world.root) == after
    assert world.rollback(force=True).result.exit_code == 0
    assert b"console=ttyS0" in read(world.root, GRUB), "left as it is, never filled with zeros"


def test_force_keeps_and_names_the_originals_of_what_it_left(world):
    original = read(world.root, GRUB)
    world.run(deprovision=False)
    with open(world.root + GRUB, "a") as stream:
        stream.write("# by hand\n")
    told = world.rollback(force=True)
    (words,) = [one for one in told.result.person if GRUB in one]
    copy = words.split("kept in ")[1]
    assert read(world.root, copy) == original


def test_a_folder_in_place_of_a_file_does_not_stop_a_forced_rollback(world):
    world.run(deprovision=False)
    os.unlink(world.root + GRUB)
    os.mkdir(world.root + GRUB)
    assert world.rollback().result.exit_code == 3
    told = world.rollback(force=True)
    assert told.result.exit_code == 0 and os.path.isdir(world.root + GRUB)
    assert b"swap" in read(world.root, "/etc/fstab")


def test_an_error_in_the_middle_of_a_rollback_is_told_as_that(world):
    before = snapshot(world.root)
    world.run(deprovision=False)
    needs.immutable(world.root + "/etc/fstab")
    try:
        told = world.rollback()
    finally:
        subprocess.run(["chattr", "-i", world.root + "/etc/fstab"], check=True)
    assert told.result.exit_code == 4 and "half-way" in told.result.message and "fstab" in told.result.message
    assert world.rollback().result.exit_code == 0
    assert differing(world.root, before) == []


def test_ctrl_c_at_the_question_leaves_it_prepared_and_says_so(world):
    def interrupted(records):
        raise Interrupted("SIGINT")

    told = world.run(confirm=interrupted)
    assert told.result.exit_code == 1 and "prepared" in told.result.message and told.result.undo
    assert "Nothing was changed" not in told.result.message
    assert world.check().result.exit_code == 0


def test_a_report_that_cannot_be_written_does_not_hide_the_outcome(world):
    os.makedirs(world.root + session.TEXT)
    told = world.run(deprovision=False)
    assert told.result.exit_code == 0 and "report could not be written" in told.result.hint


def test_numbers_and_untouched_guests(world):
    before = snapshot(world.root, own=True)
    assert "nothing to take back" in world.rollback().result.message
    assert snapshot(world.root, own=True) == before
    world.run(deprovision=False)
    with pytest.raises(Exception, match="no run 7"):
        world.rollback("7")
    assert world.rollback("1").result.exit_code == 0


def test_a_small_boot_gets_its_images_one_by_one(tmp_path):
    needs.mounts()
    world = World(debian12.make(tmp_path / "guest"), settings=["limits.reserve=1", "initrd-hyperv.builds=0"])
    saved = {name: read(world.root, "/boot/" + name) for name in os.listdir(world.root + "/boot") if "-6" in name}
    cfg = read(world.root, "/boot/grub/grub.cfg")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=11m", "tmpfs", world.root + "/boot"], check=True)
    try:
        os.makedirs(world.root + "/boot/grub/i386-pc")
        saved.update({"grub/grub.cfg": cfg, "grub/i386-pc/core.img": b"x"})
        for name, content in saved.items():
            full = archive([("bin/x", b"x" * (2 << 20))]) if name.startswith("initrd") else content
            with open(world.root + "/boot/" + name, "wb") as stream:
                stream.write(full)
        told = world.run(deprovision=False)
        assert told.result.exit_code == 0, told.result
        runs = [record.change for record in told.changes if hasattr(record.change, "commands")]
        builds = [one for one in runs if one.commands[0][0] == "mkinitramfs"]
        assert [len(one.commands) for one in builds] == [1, 1]
        assert len(entries(world.root)) == 5
    finally:
        subprocess.run(["umount", "-l", world.root + "/boot"], check=True)


def test_only_children_of_agentprep_are_ended():
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    groups = []
    Commands().together([("sh", "-c", "sleep 60 >/dev/null 2>&1 & exit 0")], 20, started=groups.append)
    try:
        assert not ours(stranger.pid) and ours(groups[0])
    finally:
        stranger.kill()
        stranger.wait()
        os.killpg(groups[0], 9)


def test_a_daemon_that_keeps_the_output_does_not_make_a_success_a_failure():
    groups = []
    begun = time.monotonic()
    (done,) = Commands().together([("sh", "-c", "echo done; sleep 60 & exit 0")], 50, started=groups.append)
    os.killpg(groups[0], 9)
    assert done.code == 0 and done.output == b"done\n" and time.monotonic() - begun < 30


def test_folders_get_the_modes_of_a_system_whatever_the_umask():
    script = (
        "import os, sys; os.umask(0); from agentprep.cli import main; main(['--version']) if 0 else main(['explain'])"
    )
    script += "; sys.stderr.write('%o' % os.umask(0))"
    home = os.path.dirname(os.path.dirname(os.path.abspath(session.__file__)))
    done = subprocess.run([sys.executable, "-c", script], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.stderr == b"22", done.stderr
