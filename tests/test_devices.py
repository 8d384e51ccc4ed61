"""The names of devices as udev writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep import devices


@pytest.mark.parametrize("value, link", [
    ("my boot", "my\\x20boot"), ("a/b", "a\\x2fb"), ("back\\slash", "back\\x5cslash"), ("caf\u00e9", "caf\u00e9"),
    ("1C2D-3E4F", "1C2D-3E4F"), ("x@y:z=#+._", "x@y:z=#+._"), ("(1)", "\\x281\\x29"),
])  # fmt: skip
def test_labels_as_links(value, link):
    assert devices.encoded(value) == link
    assert devices.decoded(link) == value


@given(st.text(st.characters(min_codepoint=1, blacklist_categories=("Cs",))))
def test_decoding_undoes_encoding(value):
    assert devices.decoded(devices.encoded(value)) == value
    assert "/" not in devices.encoded(value)


@pytest.mark.parametrize("name, halves", [
    ("/dev/vg/root", ("vg", "root")), ("/dev/my-vg/swap_1", ("my-vg", "swap_1")), ("/dev/mapper/vg-root", None),
    ("/dev/sda1", None), ("/dev/disk/by-uuid", None), ("/dev/disk/by-uuid/x", None), ("/dev/md/0", None),
])  # fmt: skip
def test_logical_volumes(name, halves):
    assert devices.logical_volume(name) == halves
