"""What is read of an image, and what is not."""

import os
import time
from typing import Any

import pytest

from agentprep.errors import Malformed
from agentprep.guest import Guest
from agentprep.initrd.image import inside
from tests.trees import make_tree


def test_a_file_that_no_loader_could_load_is_not_read(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {"/boot/initrd.img": ""})
    os.truncate(root + "/boot/initrd.img", 100 << 30)
    begun = time.process_time()
    with pytest.raises(Malformed, match="/boot/initrd.img: it is larger than any initrd .107374182400 bytes."):
        inside(Guest(root), "/boot/initrd.img", {})
    assert time.process_time() - begun < 1
