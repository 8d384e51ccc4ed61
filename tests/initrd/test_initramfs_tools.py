"""initramfs-tools: what is listed, what is called, what an image waits for (initramfs-tools 0.142 of Debian 12)."""

import pytest

from agentprep.changes import Run, Write
from agentprep.formats.initrd import Contents
from agentprep.guest import Guest
from agentprep.initrd.image import Order
from agentprep.initrd.initramfs_tools import InitramfsTools
from agentprep.kernels import Kernel
from tests.trees import Program, make_tree

VERSION = "6.1.0-28-amd64"
KERNEL = Kernel(VERSION, "/boot/vmlinuz-" + VERSION, "/lib/modules/" + VERSION)
IMAGE = "/boot/initrd.img-" + VERSION
CONF = {"/etc/initramfs-tools/initramfs.conf": "MODULES=most\nBUSYBOX=auto\n", IMAGE: b"x" * 1000, "/var/tmp/.k": ""}
CONF_D = "/etc/initramfs-tools/conf.d/"


def backend(folder, files=()):
    return InitramfsTools(Guest(make_tree(folder / "guest", dict(CONF, **dict(files)))))


def test_what_is_missing_is_listed_behind_what_is_there(tmp_path):
    found = backend(tmp_path, {"/etc/initramfs-tools/modules": "# x\nhv-vmbus  # disk\nraid1"})
    (change,) = found.rule(["hv_vmbus", "hv_storvsc"])
    assert change.content == b"# x\nhv-vmbus  # disk\nraid1\nhv_storvsc\n"
    assert list(found.rule(["hv_vmbus"])) == []


def test_the_last_conf_d_decides_how_modules_are_chosen(tmp_path):
    assert backend(tmp_path).note() == "MODULES=most"
    files = {"/usr/share/initramfs-tools/conf.d/a": "MODULES=list\n", CONF_D + "driver-policy": "MODULES=dep\n",
             CONF_D + "x.dpkg-old": "MODULES=none\n"}  # fmt: skip
    assert backend(tmp_path / "dep", files).note() == "MODULES=dep"


def test_the_image_that_the_boot_entry_names_is_built(tmp_path):
    found = backend(tmp_path)
    assert found.image(KERNEL) == IMAGE and found.size(KERNEL) == 1000
    found.named = {VERSION: "/boot/efi/0123/%s/initrd.img" % VERSION}
    run = found.build([Order(KERNEL, ["hv_vmbus"], 5)], "why")
    assert run.commands == (("mkinitramfs", "-o", "/boot/efi/0123/%s/.initrd.img.agentprep" % VERSION, VERSION),)
    assert run.outputs == (run.commands[0][2],) and run.why == "why"
    assert run.needs[0] == ("/boot/efi/0123/" + VERSION, (64 << 20) + 5, 5)


@pytest.mark.parametrize("image, own, said", [
    ("", "RESUME=none\n", ""), ("RESUME=none\n", "RESUME=none\n", ""), ("RESUME=UUID=1\n", "", ""),
    ("RESUME=UUID=1\n", "RESUME=UUID=1\n", ""), ("export RESUME='UUID=1'\n", "RESUME=none\n", "UUID=1"),
    ("RESUME=auto\n", "RESUME=UUID=1\nRESUME=none\n", "auto"),
])  # fmt: skip
def test_an_image_that_waits_for_a_swap(tmp_path, image, own, said):
    found = backend(tmp_path, {CONF_D + "resume": own})
    told = found.stale(Contents({}, {"conf/conf.d/zz-resume": image.encode()}, []), IMAGE)
    assert told == ("%s waits for %s, which is no swap any more" % (IMAGE, said) if said else "")


@pytest.mark.parametrize("files, swap, wanted", [
    ({}, True, [(CONF_D + "resume", b"RESUME=none\n")]), ({}, False, []),
    ({CONF_D + "resume": "RESUME=none\n"}, True, []),
    ({CONF_D + "resume": "RESUME=auto # x\n"}, False, [(CONF_D + "resume", b"RESUME=none # x\n")]),
])  # fmt: skip
def test_no_swap_is_waited_for(tmp_path, files, swap, wanted):
    found = backend(tmp_path, files)
    written = []
    for change in found.no_resume(swap):
        change.apply(found.guest)
        written.append((change.path, change.content))
    assert written == wanted and list(found.no_resume(swap)) == []


def test_hooks_follow_an_image_in_boot_only(tmp_path):
    found = backend(tmp_path, {"/etc/initramfs/post-update.d/loader": Program("")})
    (change,) = found.installed(KERNEL)
    assert isinstance(change, Run) and "--arg=" + IMAGE in change.commands[0]
    found.named = {VERSION: "/boot/efi/0123/%s/initrd.img" % VERSION}
    assert list(found.installed(KERNEL)) == []


def test_the_digest_that_update_initramfs_compares(tmp_path):
    record = "/var/lib/initramfs-tools/" + VERSION
    found = backend(tmp_path, {record: "0" * 40 + "  " + IMAGE + "\n"})
    (change,) = found.installed(KERNEL)
    assert isinstance(change, Write) and change.path == record
    assert change.content == b"c3efa690fa3fdd2e2526853eed670538ea127638  " + IMAGE.encode() + b"\n"
    change.apply(found.guest)
    assert list(found.installed(KERNEL)) == []
