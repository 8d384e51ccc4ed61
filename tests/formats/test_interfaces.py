"""/etc/network/interfaces as ifupdown reads it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.formats.interfaces import Option, Stanza, brought_up, stanzas

INSTALLER = """\
# This file describes the network interfaces available on your system
# and how to activate them. For more information, see interfaces(5).

source /etc/network/interfaces.d/*

# The loopback network interface
auto lo
iface lo inet loopback

# The primary network interface
allow-hotplug ens3
iface ens3 inet static
\taddress 192.168.1.2/24
\t# a comment in between
\tdns-nameservers 192.168.1.1 \\
\t    192.168.1.3
"""


def test_the_file_of_debians_installer() -> None:
    found = stanzas(INSTALLER)
    assert [stanza.keyword for stanza in found] == ["source", "auto", "iface", "allow-hotplug", "iface"]
    assert found[0] == Stanza("source", ("/etc/network/interfaces.d/*",), 4)
    assert found[4].options == (
        Option("address", "192.168.1.2/24", 13), Option("dns-nameservers", "192.168.1.1 192.168.1.3", 15),
    )  # fmt: skip
    assert brought_up(found, "ens3") == "ens3" and brought_up(found, "eth0") is None


@pytest.mark.parametrize(
    "text, name",
    [
        ("auto eth0", "eth0"), ("allow-auto eth0", "eth0"), ("allow-hotplug lo eth0\r", "eth0"), ("auto /eth*", "eth0"),
        ("auto /eth*/1=lan", "lan"), ("auto eth0=x", "x"), ("auto /en*", None), ("auto mac/00:11=eth0", None),
        ("allow-ovs eth0", None), ("iface eth0 inet dhcp", None), ("auto \\\n eth0", "eth0"), ("#auto eth0", None),
        ("auto lo \\\n#x eth0", "eth0"),
    ],
)  # fmt: skip
def test_what_brings_a_card_up(text: str, name: str) -> None:
    assert brought_up(stanzas(text), "eth0") == name


@given(st.text(alphabet="auto iface eth0#\\\n /*=", max_size=60))
def test_any_text_is_read(text: str) -> None:
    assert all(stanza.line <= text.count("\n") + 1 for stanza in stanzas(text))
