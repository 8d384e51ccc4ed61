"""crypttab entries are found and dropped; nothing else changes."""

from hypothesis import given
from hypothesis import strategies as st

from agentprep.formats import crypttab

TEXT = (
    "# <target name> <source device> <key file> <options>\n"
    "vda5_crypt UUID=7a6b1a90-0c3d-4c5e-8f10-2b1a9d5e6f70 none luks,discard\r\n"
    "\n"
    "cryptswap1\t/dev/vda6 /dev/urandom swap,cipher=aes-xts-plain64\n"
    "junk\n"
    "data LABEL=my\\040disk"
)


def test_parse():
    assert crypttab.parse(TEXT) == [
        ("vda5_crypt", "UUID=7a6b1a90-0c3d-4c5e-8f10-2b1a9d5e6f70", "none", ["luks", "discard"], 2),
        ("cryptswap1", "/dev/vda6", "/dev/urandom", ["swap", "cipher=aes-xts-plain64"], 4),
        ("data", "LABEL=my disk", "none", [], 6),
    ]


def test_without():
    swap = [entry for entry in crypttab.parse(TEXT) if "swap" in entry.options]
    edited = crypttab.without(TEXT, swap)
    assert edited == TEXT.replace("cryptswap1\t/dev/vda6 /dev/urandom swap,cipher=aes-xts-plain64\n", "")
    assert crypttab.without(edited, swap) == edited


@given(st.text(alphabet=st.sampled_from("ab# \t\r\n\\04"), max_size=60))
def test_any_text(text):
    entries = crypttab.parse(text)
    assert crypttab.without(text, []) == text
    assert crypttab.parse(crypttab.without(text, entries)) == []
