"""What many tests share."""

import os
import tempfile

import hypothesis
import pytest

hypothesis.settings.register_profile("agentprep", deadline=None)  # a busy machine is no defect
hypothesis.settings.load_profile("agentprep")


@pytest.fixture
def open_folder():
    """A folder that every user may enter; pytest's own is for its owner only."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o755)
        yield path
