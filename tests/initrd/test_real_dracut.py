"""This machine's own dracut on a tree: what it leaves out, and that it leaves out nothing that the backend wants.

Needs dracut-core (tests/packages.txt: 059-4 in Debian 12) and root; tests/initrd/by_hand.py tries other versions.
"""

import os
import shutil
import subprocess

import pytest

from agentprep.changes import beside
from agentprep.guest import Guest
from agentprep.initrd.dracut import Dracut
from agentprep.initrd.image import Order, lacking
from agentprep.kernels import installed
from agentprep.modules import resolved
from tests.trees import FakeCommands, Program, make_tree

ONE, TWO = "9.9.1-agentprep", "9.9.2-agentprep"
NAMES = ("hv_vmbus", "hv_storvsc", "hv_netvsc", "hid_hyperv", "sd_mod")
FILES = {"hv/hv_vmbus", "scsi/hv_storvsc", "net/hv_netvsc", "hid/hid-hyperv", "scsi/sd_mod"}
MISSING = [word for word, there in (("dracut-core", shutil.which("dracut")), ("root", os.geteuid() == 0)) if not there]
pytestmark = pytest.mark.skipif(bool(MISSING), reason="the real dracut is not tried without %s" % ", ".join(MISSING))


def real(root, argv):
    """dracut with the tree's configuration and modules; the dracut module `base` is all that it puts in besides."""
    version = argv[-1]
    full = list(argv[:-2]) + ["--modules", "base", "--no-compress", "--tmpdir", root + "/var/tmp"]
    full += ["--conf", root + "/etc/dracut.conf", "--confdir", root + "/etc/dracut.conf.d"]
    full += ["--kmoddir", root + "/lib/modules/" + version, root + argv[-2], version]
    done = subprocess.run(full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"PATH": os.environ["PATH"]})
    return done.returncode, done.stdout.decode("utf-8", "replace")


def tree(folder):
    with open(shutil.which("dracut") or "", encoding="utf-8") as stream:
        program = Program(stream.read())
    files = {"/etc/dracut.conf": "", "/usr/bin/dracut": program, "/var/tmp/.keep": "", "/etc/fstab": "",
             "/etc/dracut.conf.d/10-typo.conf": 'add_drivers+=" hv_vmbus nosuchmodule hv_netvsc hv_storvsc "\n',
             "/etc/dracut.conf.d/20-omit.conf": 'omit_drivers+=" floppy hv_sto.* "\n',
             "/etc/dracut.conf.d/zz-late.conf": 'add_drivers+=" sd_mod"\n'}  # fmt: skip
    for version, there in ((ONE, FILES), (TWO, FILES - {"hid/hid-hyperv"})):
        files["/boot/vmlinuz-" + version] = files["/boot/initramfs-%s.img" % version] = "x"
        files.update({"/lib/modules/%s/kernel/drivers/%s.ko" % (version, name): name for name in there})
    root = make_tree(folder / "guest", files)
    for version in (ONE, TWO):
        subprocess.run(["depmod", "-b", root, version], stderr=subprocess.PIPE, check=True)
    return root


def test_the_real_dracut_loses_nothing_of_what_the_backend_asks(tmp_path):
    root = tree(tmp_path)
    guest = Guest(root, FakeCommands(root, {"dracut": real}))
    told = [(kernel, resolved(guest, kernel, NAMES)) for kernel in installed(guest)]

    def lost(path):
        return {kernel.version: lacking(guest, kernel, path(kernel), one, {}) for kernel, one in told}

    code, said = real(root, ("dracut", "--force", "/boot/initramfs-%s.img" % ONE, ONE))
    assert code == 0 and "Failed to find module 'nosuchmodule'" in said
    kernel, one = told[0]
    assert lacking(guest, kernel, "/boot/initramfs-%s.img" % ONE, one, {}) == [
        "hv_storvsc", "hv_netvsc", "hid_hyperv", "sd_mod"
    ]  # fmt: skip
    backend = Dracut(guest)
    for change in backend.rule(NAMES):
        change.apply(guest)
    assert list(backend.rule(NAMES)) == []
    assert real(root, ("dracut", "--force", "/boot/initramfs-%s.img" % TWO, TWO))[0] == 0
    kernel, one = told[1]
    assert lacking(guest, kernel, "/boot/initramfs-%s.img" % TWO, one, {}) == []
    backend.build([Order(kernel, list(one.modules), 0) for kernel, one in told], "").apply(guest)
    assert lost(lambda kernel: beside(backend.image(kernel)).path) == {ONE: [], TWO: []}
