"""The outline of YAML files."""

from hypothesis import given
from hypothesis import strategies as st

from agentprep.formats.outline import Entry, entries, items
from tests.debian12 import CLOUD_CFG

NETPLAN = """\
# This is the network config written by 'subiquity'
network:
  version: 2
  ethernets:
    ens3:
      match: {macaddress: "52:54:00:12:34:56"}
      dhcp4: true  # here
    "eth1":
      match:
        macaddress: 52:54:00:12:34:57
      addresses:
      - 10.0.0.1/24
      - 10.0.0.2/24: {label: x}
      dhcp4: no
"""


def test_netplans_file() -> None:
    found = {entry.path[2:]: entry.value for entry in entries(NETPLAN) if entry.path[:2] == ("network", "ethernets")}
    assert found == {
        (): "", ("ens3",): "", ("ens3", "match"): '{macaddress: "52:54:00:12:34:56"}', ("ens3", "dhcp4"): "true",
        ("eth1",): "", ("eth1", "match"): "", ("eth1", "match", "macaddress"): "52:54:00:12:34:57",
        ("eth1", "addresses"): "", ("eth1", "dhcp4"): "no",
    }  # fmt: skip


def test_cloud_inits_file_has_its_keys_where_they_are() -> None:
    top = [entry.path[0] for entry in entries(CLOUD_CFG) if len(entry.path) == 1]
    assert top == ["users", "disable_root", "preserve_hostname", "apt", "cloud_init_modules", "cloud_config_modules",
                   "cloud_final_modules", "system_info"]  # fmt: skip
    assert Entry(("system_info", "default_user", "name"), "debian", 113) in [
        entry._replace(line=113) for entry in entries(CLOUD_CFG)
    ]


def test_block_scalars_are_passed_over() -> None:
    text = "a: |\n  b: 1\n\n  c: 2\nd: >-\n   e: 3\nf: 4\n"
    assert [(entry.path, entry.value) for entry in entries(text)] == [(("a",), "|"), (("d",), ">-"), (("f",), "4")]


def test_flow_lists() -> None:
    assert items("[ Azure, \"None\", 'x' ]") == ["Azure", "None", "x"]
    assert items("Azure") == ["Azure"] and items("[]") == [] and items("") == []


@given(st.text(alphabet="ab: \n-#|[]{}\"'", max_size=60))
def test_any_text_is_read(text: str) -> None:
    for entry in entries(text):
        assert entry.path and 1 <= entry.line <= text.count("\n") + 1
