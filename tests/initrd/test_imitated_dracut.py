"""The dracut of the trees in tests/roots does with its options what dracut.sh of 049 and 059 does."""

from typing import Any

import pytest

from tests.roots import read
from tests.roots.images import dracut
from tests.roots.tree import held
from tests.trees import make_tree

V = "6.1.0-1"
FOLDER = "/lib/modules/%s/" % V
FILES = {
    FOLDER + "modules.dep": "".join("kernel/drivers/%s.ko:\n" % name for name in ("hv_vmbus", "hv_netvsc", "ext4")),
    FOLDER + "modules.builtin": "", "/boot/x.img": "",
    "/etc/dracut.conf.d/10-own.conf": 'add_drivers+=" nosuch "\nkernel_cmdline="rd.md=0"\n',
}  # fmt: skip


def built(folder: Any, *options: str) -> Any:
    root = make_tree(folder, FILES)
    code, said = dracut(59)(root, ("dracut", "--force") + options + ("/boot/x.img", V))
    assert code == 0 and "Failed to find module 'nosuch'" in said
    return root


def test_forced_drivers_are_a_list_of_their_own(tmp_path: Any) -> None:
    assert "hv_netvsc" not in held(built(tmp_path / "a", "--add-drivers", "hv_netvsc"), "/boot/x.img").split()
    assert "hv_netvsc" in held(built(tmp_path / "b", "--force-drivers", "hv_netvsc"), "/boot/x.img").split()


def test_arguments_are_added_to_those_of_the_files(tmp_path: Any) -> None:
    root = built(tmp_path, "--kernel-cmdline", "rd.luks.uuid=7")
    assert b"rd.md=0 rd.luks.uuid=7" in read(root, "/boot/x.img")


def test_releases_without_the_option(tmp_path: Any) -> None:
    with pytest.raises(AssertionError, match="dracut 033 knows no --force-drivers"):
        dracut(33)(make_tree(tmp_path, FILES), ("dracut", "--force-drivers", "hv_vmbus", "/boot/x.img", V))
