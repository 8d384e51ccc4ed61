"""BOOTX64.CSV names the loaders that shim's fallback program makes boot entries of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.formats import bootcsv

# shim-signed 1.39 (Debian 12), shim-x64 15.8 (CentOS 9), sdbootutil
DEBIAN = "shimx64.efi,debian,,This is the boot entry for debian\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16"])
def test_loaders(encoding: str) -> None:
    assert bootcsv.loaders(DEBIAN.encode(encoding)) == ["shimx64.efi"]
    assert bootcsv.loaders("\r\nshim.efi,openSUSE Boot Manager\r\n,x,,\na.efi\n".encode(encoding)) == ["shim.efi"]


@given(st.binary(max_size=64))
def test_any_bytes(content: bytes) -> None:
    assert all(isinstance(name, str) and "," not in name for name in bootcsv.loaders(content))
