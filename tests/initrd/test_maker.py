"""Debian and Ubuntu: which of two tools makes /boot/initrd.img-VERSION.

Hooks and programs are those of the packages dracut 059-4 and 112-7 (the latter brings an update-initramfs of its own),
dracut-core 106-6 and initramfs-tools 0.142.
"""

import os

import pytest

from agentprep.errors import Blocked
from agentprep.guest import Guest
from agentprep.initrd import pick
from tests.roots import archive
from tests.trees import Program, make_tree

VERSION = "6.1.0-28-amd64"
IMAGE = "/boot/initrd.img-" + VERSION
BASE = {"/boot/vmlinuz-" + VERSION: "MZ", "/lib/modules/%s/modules.dep" % VERSION: "", IMAGE: b"x"}
CONF = {"/etc/initramfs-tools/initramfs.conf": "MODULES=most\n"}
TOOLS_HOOK, DRACUT_HOOK = "/etc/kernel/postinst.d/initramfs-tools", "/etc/kernel/postinst.d/dracut"
TOOLS = {"/usr/sbin/mkinitramfs": Program(""), "/usr/sbin/update-initramfs": Program(""), TOOLS_HOOK: Program("")}
CORE = {"/usr/bin/dracut": Program(""), "/usr/lib/kernel/install.d/50-dracut.install": Program("")}
DRACUT = {DRACUT_HOOK: Program(""), "/usr/sbin/update-initramfs": Program("")}
OF_DRACUT = archive([("kernel/x86/microcode/x.bin", b"x"), ("usr/lib/dracut/build-parameter.txt", b"x")])
OF_TOOLS = archive([("conf/arch.conf", b"DPKG_ARCH=amd64"), ("usr/lib/modules/x.ko", b"x")])
CASES = [
    ("a Debian as it comes", [CONF, TOOLS], "initramfs-tools"),
    ("with dracut-core beside it", [CONF, TOOLS, CORE], "initramfs-tools"),
    ("dracut installed, initramfs-tools removed but not purged", [CONF, {TOOLS_HOOK: ""}, CORE, DRACUT], "dracut"),
    ("dracut alone", [CORE, DRACUT], "dracut"),
    ("dracut removed but not purged", [CONF, TOOLS, {DRACUT_HOOK: ""}], "initramfs-tools"),
    ("dracut-core, which needed the hook of a removed dracut", [CONF, TOOLS, CORE, DRACUT, {IMAGE: OF_TOOLS}],
     "initramfs-tools"),
    ("both forced upon it", [CONF, TOOLS, CORE, DRACUT, {IMAGE: OF_DRACUT}], "dracut"),
    ("no hooks at all", [CONF, TOOLS, {TOOLS_HOOK: ""}, CORE, {IMAGE: OF_DRACUT}], "initramfs-tools"),
]  # fmt: skip


def guest(folder, pieces):
    files = dict(BASE)
    for piece in pieces:
        files.update(piece)
    return Guest(make_tree(folder / "guest", files))


@pytest.mark.parametrize("pieces, name", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_maker(tmp_path, pieces, name):
    backend, evidence = pick(guest(tmp_path, pieces))
    assert backend.name == name and evidence


def test_without_any_hook_the_newest_image_decides(tmp_path):
    found = guest(tmp_path, [CONF, TOOLS, CORE, {IMAGE: OF_DRACUT, IMAGE + ".old": OF_TOOLS}])
    os.unlink(found.root + TOOLS_HOOK)
    os.utime(found.root + IMAGE, (1, 1))
    assert pick(found)[0].name == "dracut"  # .old is no image of a kernel, however new
    with open(found.root + IMAGE, "wb") as stream:
        stream.write(OF_TOOLS)
    assert pick(found)[0].name == "initramfs-tools"


def test_what_cannot_be_told_is_not_guessed(tmp_path):
    found = guest(tmp_path, [CONF, TOOLS, CORE, DRACUT])
    with pytest.raises(Blocked, match="more than one"):
        pick(found)
