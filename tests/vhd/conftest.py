"""These tests take images from the tools that make real ones."""

import shutil

import pytest


@pytest.fixture(autouse=True)
def tools():
    """qemu-img and sfdisk are here; a package that is built without them leaves these tests out."""
    for name in ("qemu-img", "qemu-io", "sfdisk"):
        if not shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin"):
            pytest.skip("there is no %s here" % name)
