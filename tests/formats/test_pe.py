"""The sections of EFI programs that are made here as ukify makes them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats.pe import Section, sections
from tests.formats.programs import program


def test_a_unified_kernel_image():
    made = program({".osrel": b"ID=debian\n", ".cmdline": b"root=UUID=1 ro\n\0", ".linux": b"MZ" * 400})
    found = {section.name: made[section.offset : section.offset + section.size] for section in sections(made)}
    assert found[".osrel"] == b"ID=debian\n" and found[".cmdline"] == b"root=UUID=1 ro\n\0"
    assert len(found[".linux"]) == 800


def test_padding_is_no_content():
    made = program({".cmdline": b"quiet"})
    assert sections(made) == [Section(".cmdline", sections(made)[0].offset, 5)] and len(made) % 512 == 0


@pytest.mark.parametrize("content", [
    b"", b"MZ", b"\x7fELF" + bytes(100), b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\1" + bytes(20),
    program({".linux": b"x"})[:150],
])  # fmt: skip
def test_what_is_no_efi_program(content):
    with pytest.raises(Malformed):
        sections(content)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content):
    for one in (content, program({".linux": b"x"})[:64] + content, content + program({".x": b"y"})):
        try:
            sections(one)
        except Malformed:
            pass


@given(st.dictionaries(st.from_regex(r"\.[a-z]{1,7}", fullmatch=True), st.binary(min_size=1, max_size=600), max_size=5))
def test_what_was_put_in_is_found(contents):
    made = program(contents)
    assert {one.name: made[one.offset : one.offset + one.size] for one in sections(made)} == contents
