"""A file is replaced as a whole, with its metadata, or not at all."""

import os
import stat
import sys

import pytest

from agentprep.changes import Beside, Forget, Link, Mode, Remove, Run, Write, beside, set_attributes
from agentprep.errors import Blocked, CommandFailed
from agentprep.guest import Guest
from tests.trees import FakeCommands, To, make_tree


def guest_of(folder, files, handlers=None):
    root = make_tree(folder, files, minimal=False)
    return Guest(root, FakeCommands(root, handlers or {}))


def test_a_write_keeps_owner_mode_and_attributes(tmp_path):
    guest = guest_of(tmp_path, {"/etc/a": "old"})
    where = str(tmp_path) + "/etc/a"
    os.chmod(where, 0o640)
    os.setxattr(where, "user.note", b"kept")
    if os.geteuid() == 0:
        os.chown(where, 12, 34)
    before = os.stat(where)
    Write("/etc/a", b"new", "").apply(guest)
    after = os.stat(where)
    with open(where, "rb") as stream:
        assert stream.read() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert after.st_ino != before.st_ino, "it must be a new file, renamed into place"
    assert os.getxattr(where, "user.note") == b"kept"
    assert os.listdir(str(tmp_path) + "/etc") == ["a"]


def test_attributes_that_a_file_has_already_are_not_set_again(tmp_path):
    """SELinux labels a vfat as a whole: its files have the attribute, and setting it fails."""
    where = guest_of(tmp_path, {"/efi/entry": "x"}).where("/efi/entry")
    os.setxattr(where, "user.label", b"dosfs_t")
    calls = []
    sys.setprofile(lambda frame, event, function: calls.append(getattr(function, "__name__", "")))
    try:
        set_attributes(where, {"user.label": b"dosfs_t"})
    finally:
        sys.setprofile(None)
    assert "listxattr" in calls and "setxattr" not in calls and "removexattr" not in calls
    set_attributes(where, {"user.other": b"y"})
    assert os.listxattr(where) == ["user.other"]


def test_a_write_goes_through_a_link_and_makes_folders(tmp_path):
    guest = guest_of(tmp_path, {"/run/x": "old", "/etc/x": To("/run/x")})
    Write("/etc/x", b"new", "").apply(guest)
    Write("/etc/d/e/f", b"1", "", 0o600).apply(guest)
    assert os.path.islink(str(tmp_path) + "/etc/x") and guest.read("/run/x") == b"new"
    assert stat.S_IMODE(os.stat(str(tmp_path) + "/etc/d/e/f").st_mode) == 0o600


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    guest = guest_of(tmp_path, {"/etc/a": "old"})
    with pytest.raises(Blocked, match="No space left"):
        _full(guest)
    assert guest.read("/etc/a") == b"old" and os.listdir(str(tmp_path) + "/etc") == ["a"]


def _full(guest):
    """A write whose content cannot be had to its end: the same path as a full disk."""
    from agentprep.changes import put

    def chunks():
        yield b"half"
        raise OSError(28, "No space left on device")

    put(guest.where("/etc/a"), chunks(), 0o644)


def test_what_was_built_beside_is_moved_and_takes_the_mode(tmp_path):
    guest = guest_of(tmp_path, {"/boot/i": "old", "/boot/.i.agentprep": "new"})
    os.chmod(str(tmp_path) + "/boot/i", 0o600)
    assert beside("/boot/i") == Beside("/boot/.i.agentprep")
    Write("/boot/i", beside("/boot/i"), "").apply(guest)
    assert guest.read("/boot/i") == b"new" and os.listdir(str(tmp_path) + "/boot") == ["i"]
    assert stat.S_IMODE(os.stat(str(tmp_path) + "/boot/i").st_mode) == 0o600
    with pytest.raises(CommandFailed, match="was not made"):
        Write("/boot/i", beside("/boot/i"), "").apply(guest)
    assert guest.read("/boot/i") == b"new"


def test_removing_a_link_leaves_its_target(tmp_path):
    guest = guest_of(tmp_path, {"/a": "x", "/b": To("a")})
    Remove("/b", "").apply(guest)
    Remove("/b", "").apply(guest)
    assert not guest.exists("/b") and guest.read("/a") == b"x"


def test_a_link_replaces_what_is_there(tmp_path):
    guest = guest_of(tmp_path, {"/a": "x"})
    Link("/a", "/dev/null", "").apply(guest)
    Link("/a", "/dev/zero", "").apply(guest)
    assert guest.link("/a") == "/dev/zero"


def test_forgetting_takes_folders_and_empties_files(tmp_path):
    guest = guest_of(tmp_path, {"/v/a/b": "x", "/v/c": "y", "/h": "z", "/l": To("h")})
    Forget("/l", "", empty=True).apply(guest)
    assert guest.read("/h") == b"z", "a link may lead to /dev/null, or anywhere"
    os.chmod(str(tmp_path) + "/h", 0o400)
    Forget("/v", "").apply(guest)
    Forget("/h", "", empty=True).apply(guest)
    assert not guest.exists("/v") and guest.read("/h") == b"" and guest.link("/l") == "h"
    assert stat.S_IMODE(os.stat(str(tmp_path) + "/h").st_mode) == 0o400


def test_modes_change_and_diffs_show(tmp_path):
    guest = guest_of(tmp_path, {"/a": "one\ntwo"})
    Mode("/a", 0o444, "").apply(guest)
    assert stat.S_IMODE(os.stat(str(tmp_path) + "/a").st_mode) == 0o444
    shown = Write("/a", b"one\nthree\n", "").show(guest)
    assert "-two" in shown and "+three" in shown and "No newline at end of file" in shown
    assert "secret" not in Write("/a", b"secret", "", secret=True).show(guest)


def test_a_failure_is_an_error_unless_it_is_tolerated(tmp_path):
    guest = guest_of(tmp_path, {}, {"false": lambda root, argv: (1, "boom")})
    with pytest.raises(CommandFailed, match="false failed with exit code 1: boom"):
        Run((("false",),), (), "").execute(guest, 5, None, None)
    run = Run((("false",),), (), "", tolerate=lambda done: "fine" if "boom" in done.tail else "")
    assert run.execute(guest, 5, None, None) == ["fine"]
