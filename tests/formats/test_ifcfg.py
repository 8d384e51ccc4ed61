"""ifcfg files are edited so that the very bytes that Microsoft's tests look for are there, once."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import ifcfg

# anaconda 13.21 of CentOS 6 with a static address; YaST of SLES 12.
ANACONDA = """\
DEVICE="eth0"
BOOTPROTO="static"
HWADDR="52:54:00:12:34:56"
IPADDR="10.0.0.5"
NM_CONTROLLED="yes"
ONBOOT="yes"
TYPE="Ethernet"
UUID="5fb06bd0-0bb0-7ffb-45f1-d6edd65f3e03"
"""
YAST = "BOOTPROTO='dhcp'\nBROADCAST=''\nETHTOOL_OPTIONS=''\nIPADDR=''\nNAME='Virtio network device'\nSTARTMODE='auto'\n"


def test_values() -> None:
    assert ifcfg.values(ANACONDA)["BOOTPROTO"] == "static"
    assert ifcfg.values(YAST)["NAME"] == "Virtio network device"
    assert "HWADDR" not in ifcfg.values("HWADDR=$(cat /x)\n")


def test_a_quoted_value_is_written_as_the_test_wants_it() -> None:
    assert ifcfg.with_values('BOOTPROTO="dhcp"  # as before\nONBOOT=yes\n', {"BOOTPROTO": "dhcp"}) == (
        "BOOTPROTO=dhcp  # as before\nONBOOT=yes\n"
    )
    assert ifcfg.with_values("DHCLIENT_SET_HOSTNAME='no'", {"DHCLIENT_SET_HOSTNAME": '"no"'}) == (
        'DHCLIENT_SET_HOSTNAME="no"'
    )


def test_of_several_assignments_the_last_stays() -> None:
    text = "A=1\nONBOOT=no\n\nexport ONBOOT='no' # x\nB=2\nONBOOT=no\nC=3\n"
    assert ifcfg.with_values(text, {"ONBOOT": "yes"}) == "A=1\n\nB=2\nONBOOT=yes\nC=3\n"


def test_a_new_key_ends_the_text() -> None:
    assert ifcfg.with_values("A=1", {"B": "2"}) == "A=1\nB=2\n"
    assert ifcfg.with_values("A=1\r\n", {"B": "2", "A": "3"}) == "A=3\r\nB=2\r\n"


def test_bindings_become_comments() -> None:
    assert ifcfg.without(ANACONDA, ("HWADDR", "UUID")) == ANACONDA.replace("HWADDR", "# agentprep: HWADDR").replace(
        "UUID", "# agentprep: UUID"
    )
    assert ifcfg.without("A='1\n2'\nB=1\n", ("A",)) == "# agentprep: A='1\n# agentprep: 2'\nB=1\n"


@pytest.mark.parametrize("text", ["A=1; B=2\n", "if x; then\nA=1\nfi\n", "A=1 B=2\n"])
def test_what_cannot_be_edited_is_told(text: str) -> None:
    with pytest.raises(Malformed, match="ifcfg-x, line "):
        ifcfg.without(text, ("A",), "ifcfg-x")


KEYS = st.sampled_from(["DEVICE", "BOOTPROTO", "HWADDR", "IPADDR"])
LINES = st.one_of(
    st.tuples(KEYS, st.sampled_from(["eth0", "'a b'", '"x"', "", "a\\ b"])).map("=".join),
    st.sampled_from(["# DEVICE=old", "", "export HWADDR=1", "\tIPADDR=7 # comment"]),
)


@given(st.lists(LINES, max_size=8).map("\n".join), KEYS, st.sampled_from(["dhcp", "'auto'", '"no"']))
def test_an_edit_changes_only_what_it_says(text: str, key: str, source: str) -> None:
    """And a shell that sources the text agrees."""
    new = ifcfg.with_values(text, {key: source})
    assert ifcfg.with_values(new, {key: source}) == new
    before, after = ifcfg.values(text), ifcfg.values(new)
    assert after.pop(key) == source.strip("'\"")
    before.pop(key, None)
    assert after == before
    gone = ifcfg.without(new, (key,))
    assert key not in ifcfg.values(gone) and ifcfg.without(gone, (key,)) == gone


def test_a_shell_reads_the_same() -> None:
    text = ifcfg.with_values(ANACONDA, {"BOOTPROTO": "dhcp", "PEERDNS": "yes"})
    shell = text + 'printf "%s " "$BOOTPROTO" "$PEERDNS" "$IPADDR"'
    assert subprocess.check_output(["sh", "-c", shell]) == b"dhcp yes 10.0.0.5 "
