"""A text is the sum of its lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.formats import lines


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", []),
        ("a", ["a"]),
        ("a\n\nb", ["a\n", "\n", "b"]),
        ("a\r\nb\r\n", ["a\r\n", "b\r\n"]),
        ("a\rb\x0bc\x0cd\x85e\u2028f\n", ["a\rb\x0bc\x0cd\x85e\u2028f\n"]),
    ],
)
def test_split(text, expected):
    assert lines.split(text) == expected


@given(st.text(alphabet=st.sampled_from("a\r\n\x0b\u2028"), max_size=12))
def test_properties(text):
    found = lines.split(text)
    assert "".join(found) == text
    assert all(line.count("\n") == len(lines.ending(line).strip("\r")) for line in found)
    ended = lines.ended(found, "\n")
    assert not ended or (ended[-1].endswith("\n") and "".join(ended) in (text, text + "\n"))


@pytest.mark.parametrize(
    "text, newline", [("", "\n"), ("a", "\n"), ("a\n", "\n"), ("a\r\nb\n", "\r\n"), ("\n\r\n", "\n")]
)
def test_newline(text, newline):
    assert lines.newline(text) == newline
