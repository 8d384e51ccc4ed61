"""The host name and /etc/hosts."""

import os
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agentprep.deprovision.hostname import NAME, STEP, renamed
from tests.deprovision.machine import used
from tests.trees import To, brought_about, content, make_tree, planned, system_of


def test_neither_file_has_the_name(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    changes = brought_about(STEP, system_of(root))
    assert [change.path for change in changes] == ["/etc/hosts", "/etc/hostname"]  # the old name is known until the end
    assert all(change.secret for change in changes)
    assert content(root, "/etc/hostname") == NAME + "\n"
    assert content(root, "/etc/hosts").split("\n")[:3] == ["127.0.0.1\tlocalhost", "127.0.1.1\t" + NAME, ""]
    assert planned(STEP, system_of(root))[0] == []


def test_releases_before_systemd_have_the_name_elsewhere(tmp_path: Any) -> None:
    """CentOS 6 in /etc/sysconfig/network, SLES 11 in /etc/HOSTNAME."""
    for number, (path, text, new) in enumerate((
        ("/etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=source.example.org\n", "NETWORKING=yes\nHOSTNAME=%s\n"),
        ("/etc/HOSTNAME", "source.example.org\n", "%s\n"),
    )):  # fmt: skip
        root = make_tree(tmp_path / str(number), {**used(), path: text})
        os.remove(root + "/etc/hostname")
        assert [change.path for change in brought_about(STEP, system_of(root))] == ["/etc/hosts", path]
        assert content(root, path) == new % NAME and "source" not in content(root, "/etc/hosts")
        changes, facts = planned(STEP, system_of(root))
        assert changes == [] and facts[0].evidence == "%s says %s" % (path, NAME)


def test_a_file_of_two_names_is_written_once(tmp_path: Any) -> None:
    root = make_tree(
        tmp_path, {**used(), "/etc/HOSTNAME": To("hostname"), "/etc/sysconfig/network": "NETWORKING=yes\n"}
    )
    assert [change.path for change in brought_about(STEP, system_of(root))] == ["/etc/hosts", "/etc/hostname"]
    assert os.readlink(root + "/etc/HOSTNAME") == "hostname"


def test_a_folder_of_suse_is_no_file_of_red_hats(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/etc/sysconfig/network/config": "HOSTNAME=x\n"})
    assert [change.path for change in brought_about(STEP, system_of(root))] == ["/etc/hosts", "/etc/hostname"]


def test_what_waagent_wrote_is_good(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/etc/hostname": NAME})
    assert planned(STEP, system_of(root))[0] == []


def test_without_the_file_there_is_nothing_to_do(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    os.remove(root + "/etc/hostname")
    assert planned(STEP, system_of(root))[0] == []


def test_only_loopback_lines_lose_the_name() -> None:
    text = (
        "127.0.0.1 localhost source # source\r\n192.168.1.7 source.example.org source\n::1 source localhost\n"
        "#127.0.1.1 source\n127.0.0.2 resource sources.lan\n127.0.1.1 SOURCE.lan Source"
    )
    assert renamed(text, "source.example.org") == (
        "127.0.0.1\tlocalhost\t# source\r\n192.168.1.7 source.example.org source\n::1\tlocalhost\n"
        "#127.0.1.1 source\n127.0.0.2 resource sources.lan\n127.0.1.1\t" + NAME
    )


def test_the_new_name_stands_there_once() -> None:
    text = "127.0.0.1 localhost.localdomain localhost\n127.0.1.1 source\n"
    assert renamed(text, "source") == "127.0.0.1 localhost.localdomain localhost\n"


def test_localhost_is_nobodys_name() -> None:
    assert renamed("127.0.0.1 localhost localhost.lan\n", "localhost.lan") == "127.0.0.1 localhost localhost.lan\n"


LINES = st.lists(
    st.sampled_from(["127.0.1.1 source\n", "127.0.0.1\tlocalhost source.lan\n", "# source\n", "\n", "10.0.0.1 source\n",
                     "127.0.0.1 resource\n", "junk\n", "::1 localhost  source\t# source\r\n"])
)  # fmt: skip


@given(LINES)
def test_once_is_enough_and_other_lines_are_the_same_bytes(found: Any) -> None:
    text = "".join(found)
    once = renamed(text, "source")
    assert renamed(once, "source") == once
    mine = ("127.0.1.1 source\n", "127.0.0.1\tlocalhost source.lan\n", "::1 localhost  source\t# source\r\n")
    made = ("127.0.1.1\t", "127.0.0.1\tlocalhost", "::1\t")
    assert [line for line in found if line not in mine] == [
        line for line in once.splitlines(True) if not line.startswith(made)
    ]
