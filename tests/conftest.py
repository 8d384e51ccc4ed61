"""What many tests share."""

import os
import tempfile

import pytest


@pytest.fixture
def open_folder():
    """A folder that every user may enter; pytest's own is for its owner only."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield path
