"""Whether LVM looks at a disk of another name than this machine's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.formats.lvmconf import accepts, filters

# lvm2 2.02.187 (CentOS 7), shortened
CONF = """\
devices {
\t# filter = [ "r|.*|" ]
\tdir = "/dev"
\tfilter = [ "a|/dev/vda.*|",
\t\t   "r|.*|" ]  # by hand
\tglobal_filter = "r|^/dev/zd|"
}
"""


def test_filters() -> None:
    assert filters(CONF) == {"filter": ["a|/dev/vda.*|", "r|.*|"], "global_filter": ["r|^/dev/zd|"]}
    assert filters('# filter = [ "r|.*|" ]\n') == {}
    assert filters('devices/filter=["a/x/"]\n') == {"filter": ["a/x/"]}


@pytest.mark.parametrize(
    "patterns, path, fine",
    [
        (["a|/dev/vda.*|", "r|.*|"], "/dev/vda2", True),
        (["a|/dev/vda.*|", "r|.*|"], "/dev/sda2", False),
        (["r/disk/", "a/.*/"], "/dev/sda2", True),
        (["r|^/dev/zd|"], "/dev/sda2", True),
        (["a(^/dev/sd)", "r(.*)"], "/dev/sda2", True),
        (["a(^/dev/sd)", "r(.*)"], "/dev/vda2", False),
        (["r|/dev/mapper|", "nonsense", "r|(|"], "/dev/sda2", True),
        ([], "/dev/sda2", True),
    ],
)
def test_accepts(patterns: list, path: str, fine: bool) -> None:
    assert accepts(patterns, path) is fine


@given(st.text(alphabet='filter=[]"ar|#. \n', max_size=60))
def test_any_text(text: str) -> None:
    assert all(accepts(patterns, "/dev/sda1") in (True, False) for patterns in filters(text).values())
