"""Every test has its own copies of the cached disks, and they are gone after it."""

import pytest

from .scene import Lab


@pytest.fixture
def lab(tmp_path):
    yield Lab(tmp_path)
    for pattern in ("*.qcow2", "*.vhd", "*.raw"):
        for disk in tmp_path.glob(pattern):
            disk.unlink()
