"""Sections with assignments, as systemd and GLib read them."""

from hypothesis import given
from hypothesis import strategies as st

from agentprep.formats.sections import Entry, entries, last, without_lines, words
from tests.debian12 import NETWORKD_SERVICE, SSH_SERVICE


def test_the_install_sections_of_real_units() -> None:
    assert words(SSH_SERVICE, "Install", "WantedBy") == ["multi-user.target"]
    assert words(SSH_SERVICE, "Install", "Alias") == ["sshd.service"]
    assert words(NETWORKD_SERVICE, "Install", "Also") == [
        "systemd-networkd.socket", "systemd-network-generator.service", "systemd-networkd-wait-online.service",
    ]  # fmt: skip
    assert words(SSH_SERVICE, "Service", "WantedBy") == []


def test_comments_continuations_and_empty_values() -> None:
    text = "[Install]\n#WantedBy=a\n;WantedBy=b\nWantedBy = c \\\n# in between\n  d\nWantedBy=e\n"
    assert words(text, "Install", "WantedBy") == ["c", "d", "e"]
    assert list(entries(text))[0] == Entry("Install", "WantedBy", "c    d", 4, 3)
    assert words(text + "WantedBy=\n", "Install", "WantedBy") == []
    assert last(text, "Install", "WantedBy") == "e" and last(text, "Install", "Alias") is None


def test_crlf_and_no_final_newline() -> None:
    assert words("[Match]\r\nName=eth0 ens3", "Match", "Name") == ["eth0", "ens3"]


def test_lines_become_comments() -> None:
    text = "[Match]\nMACAddress=00:11:22:33:44:55\nName=ens3\n"
    assert without_lines(text, {2}) == "[Match]\n# agentprep: MACAddress=00:11:22:33:44:55\nName=ens3\n"


@given(st.text(alphabet="[]=ab \\\n\r#;", max_size=60), st.sets(st.integers(1, 8)))
def test_other_lines_are_the_same_bytes(text: str, numbers: set) -> None:
    assert without_lines(text, set()) == text
    new = without_lines(text, numbers)
    assert new.replace("# agentprep: ", "") == text.replace("# agentprep: ", "")
    assert not [entry for entry in entries(new) if entry.line in numbers]
