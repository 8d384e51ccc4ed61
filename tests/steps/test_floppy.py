"""The floppy driver, judged as Microsoft's test judges it."""

import pytest

from agentprep.changes import Write
from agentprep.steps.floppy import FILE, STEP
from tests.trees import FakeLive, content, make_tree, planned, system_of

VERSION = "6.1.0-28-amd64"
MODULE = "kernel/drivers/block/floppy.ko:\n"
NEW = (FILE, "blacklist floppy\n")


def tree(tmp_path, files, dep=MODULE, builtin="", config=""):
    more = {
        "/boot/vmlinuz-" + VERSION: "", "/lib/modules/%s/modules.dep" % VERSION: dep,
        "/lib/modules/%s/modules.builtin" % VERSION: builtin, "/boot/config-" + VERSION: config,
    }  # fmt: skip
    more.update(files)
    return make_tree(tmp_path / "root", more)


def did(root, live=None):
    changes = planned(STEP, system_of(root, live=live))[0]
    assert all(isinstance(change, Write) for change in changes)
    return [(change.path, change.content.decode()) for change in changes]


@pytest.mark.parametrize("files, wanted", [
    ({}, [NEW]),
    ({"/etc/modprobe.d/blacklist.conf": "blacklist floppy\n"}, []),
    ({"/etc/modprobe.d/x.conf": "install floppy /bin/true\n"}, []),
    ({"/etc/modprobe.d/x.conf": "install floppy /bin/false\n"},
     [("/etc/modprobe.d/x.conf", "# agentprep: install floppy /bin/false\n"), NEW]),
    ({"/etc/modprobe.d/a.conf": "blacklist floppy", "/etc/modprobe.d/b.conf": "install floppy /bin/false\n"},
     [("/etc/modprobe.d/b.conf", "# agentprep: install floppy /bin/false\n")]),
    ({"/lib/modprobe.d/blacklist.conf": "blacklist floppy\n", "/etc/modprobe.d/blacklist.conf": ""}, [NEW]),
    ({"/etc/modprobe.d/x.conf": "blacklist floppy\r\n"}, [NEW]),
    ({"/etc/modprobe.d/notes.txt": "blacklist floppy\n"}, [NEW]),
    ({"/etc/modprobe.d/x.conf": "#blacklist floppy\nblacklist floppy_x\n"}, [NEW]),
    ({"/etc/modules": "# /etc/modules\nloop\nfloppy\n", "/etc/modules-load.d/floppy.conf": "floppy\n"},
     [("/etc/modules", "# /etc/modules\nloop\n# agentprep: floppy\n"),
      ("/etc/modules-load.d/floppy.conf", "# agentprep: floppy\n"), NEW]),
    ({"/etc/initramfs-tools/modules": "ext4\nfloppy force=1\n"},
     [("/etc/initramfs-tools/modules", "ext4\n# agentprep: floppy force=1\n"), NEW]),
])  # fmt: skip
def test_what_is_written(tmp_path, files, wanted):
    root = tree(tmp_path, files)
    assert did(root) == wanted
    for change in planned(STEP, system_of(root))[0]:
        change.apply(system_of(root).guest)
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"] and "disabled in /" in facts[0].evidence


def test_no_kernel_has_it(tmp_path):
    root = tree(tmp_path, {}, dep="kernel/fs/ext4/ext4.ko:\n")
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and facts[0].evidence == "no kernel has a floppy module"


def test_built_in_is_a_warning(tmp_path):
    root = tree(tmp_path, {}, dep="", builtin="kernel/drivers/block/floppy.ko\n", config="CONFIG_BLK_DEV_FD=y\n")
    changes, facts = planned(STEP, system_of(root))
    assert changes == [] and facts[0].verdict == "warning" and "initcall_blacklist" in facts[0].remedy


def test_modules_load_d_that_is_linked_to_etc_modules_is_written_once(tmp_path):
    from tests.trees import To

    root = tree(tmp_path, {"/etc/modules": "floppy\n", "/etc/modules-load.d/modules.conf": To("../modules")})
    assert [path for path, _ in did(root)] == ["/etc/modules", FILE]
    for change in planned(STEP, system_of(root))[0]:
        change.apply(system_of(root).guest)
    assert content(root, "/etc/modules-load.d/modules.conf") == "# agentprep: floppy\n"


def test_loaded_now_is_said(tmp_path):
    root = tree(tmp_path, {"/sys/module/floppy/initstate": "live\n"})
    facts = planned(STEP, system_of(root, live=FakeLive()))[1]
    assert facts[0].verdict == "note" and "loaded now" in facts[0].evidence
