"""The only door: links stay inside, odd files are refused, a draft shows what has not happened."""

import os

import pytest

from agentprep.changes import Link, Remove, Write
from agentprep.errors import Blocked, Unknown
from agentprep.guest import Draft, Guest, Imagined
from tests.trees import FakeCommands, Program, To, make_tree


def guest_of(folder, files):
    root = make_tree(folder, files, minimal=False)
    return Guest(root, FakeCommands(root, {}))


def test_links_are_followed_inside_the_root(tmp_path):
    guest = guest_of(tmp_path, {"/run/r": "inside", "/etc/a": To("/run/r"), "/etc/up": To("../../../../run/r")})
    assert guest.read("/etc/a") == guest.read("/etc/up") == b"inside"
    assert guest.where("/etc/a") == str(tmp_path) + "/run/r"
    assert guest.where("/etc/a", follow=False) == str(tmp_path) + "/etc/a"


def test_a_link_out_of_the_root_reads_nothing_of_the_host(tmp_path):
    guest = guest_of(tmp_path, {"/etc/passwd": To("/../../../../../../etc/passwd"), "/x": To("/etc/hostname")})
    with pytest.raises(Blocked):
        guest.read("/etc/passwd")  # a loop inside the tree
    assert guest.read("/x") is None


def test_link_loops_are_an_error_with_a_name(tmp_path):
    guest = guest_of(tmp_path, {"/a": To("b"), "/b": To("a")})
    with pytest.raises(Blocked, match="/a: too many"):
        guest.read("/a")


def test_what_is_no_regular_file_is_refused(tmp_path):
    guest = guest_of(tmp_path, {"/etc/x": ""})
    os.mkfifo(str(tmp_path) + "/etc/fifo")
    for path in ("/etc", "/etc/fifo"):
        with pytest.raises(Blocked, match="not a regular file"):
            guest.read(path)


def test_a_huge_sparse_file_is_refused_without_being_read(tmp_path):
    guest = guest_of(tmp_path, {"/etc/waagent.conf": ""})
    os.truncate(str(tmp_path) + "/etc/waagent.conf", 10 << 30)
    with pytest.raises(Blocked, match="larger than"):
        guest.read("/etc/waagent.conf")


def test_an_unreadable_file_is_unknown(open_folder):
    guest = guest_of(open_folder, {"/etc/x": ""})
    os.chmod(open_folder + "/etc/x", 0)

    def refused():
        try:
            guest.read("/etc/x")
        except Unknown as error:
            return "permission denied" in error.message
        return False

    assert as_nobody(refused)


def as_nobody(question):
    """The answer of a child process that is not root."""
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(65534)
            os._exit(0 if question() else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


def test_globs_do_not_see_dot_files(tmp_path):
    guest = guest_of(tmp_path, {"/etc/d/b.conf": "", "/etc/d/a.conf": "", "/etc/d/.c.conf": "", "/etc/d/x": ""})
    assert guest.glob("/etc/d/*.conf") == ["/etc/d/a.conf", "/etc/d/b.conf"]
    assert guest.glob("/none/*") == []


def test_latin_1_survives(tmp_path):
    guest = guest_of(tmp_path, {"/x": b"caf\xe9\n"})
    assert guest.text("/x").encode("utf-8", "surrogateescape") == b"caf\xe9\n"


def test_only_executables_are_found(tmp_path):
    guest = guest_of(tmp_path, {"/usr/bin/a": Program("#!/bin/sh\n"), "/usr/bin/b": ""})
    assert guest.which("a") == "/usr/bin/a"
    assert guest.which("b") is None


def test_asking_is_for_commands_that_only_read(tmp_path):
    guest = guest_of(tmp_path, {})
    with pytest.raises(AssertionError):
        guest.ask("rm", "-rf", "/")
    with pytest.raises(AssertionError):
        guest.ask("systemctl", "enable", "x")
    with pytest.raises(Unknown, match="not installed"):
        guest.ask("sshd", "-T")


def test_a_draft_shows_changes_and_the_tree_stays(tmp_path):
    guest = guest_of(tmp_path, {"/etc/a": "old", "/etc/b": "x", "/etc/l": To("a")})
    draft = Draft(guest)
    Write("/etc/l", b"new", "").imagine(draft)
    Write("/etc/d/c.conf", b"c", "").imagine(draft)
    Remove("/etc/b", "").imagine(draft)
    Link("/etc/m", "a", "").imagine(draft)
    assert draft.read("/etc/a") == draft.read("/etc/l") == draft.read("/etc/m") == b"new"
    assert draft.read("/etc/b") is None and not draft.exists("/etc/b")
    assert draft.names("/etc") == ["a", "d", "l", "m"]
    assert draft.glob("/etc/d/*.conf") == ["/etc/d/c.conf"]
    assert draft.is_folder("/etc/d") and draft.stat("/etc/a").st_size == 3
    assert draft.open("/etc/d/c.conf").read() == b"c"
    assert guest.names("/etc") == ["a", "b", "l"] and guest.read("/etc/a") == b"old"


def test_a_draft_knows_what_it_cannot_know(tmp_path):
    draft = Draft(guest_of(tmp_path, {"/etc/a": "old"}))
    draft.guess("/etc/*")
    assert not draft.guessing
    draft.read("/etc/a")
    assert draft.guessing and draft.guessed("/etc/new")
    draft.imagine("/etc/a", Imagined(b"sure"))
    draft.guessing = False
    assert draft.read("/etc/a") == b"sure" and not draft.guessing
