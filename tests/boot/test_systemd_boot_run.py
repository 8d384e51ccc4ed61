"""A whole run on a Debian with systemd-boot: the image on the partition is what is built; everything is taken back."""

import os

import pytest

from tests.boot.partitions import SYSTEMD_BOOT, TOKEN, entry, image, path
from tests.roots import ROOT, debian12, read
from tests.snapshots import snapshot
from tests.trees import Program, make_tree
from tests.worlds import World

OURS = "console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=30"
CMDLINE = "/etc/kernel/cmdline"
HOOK = "/etc/initramfs/post-update.d/systemd-boot"  # kernel-install of what is in /boot; a run of it would be an error


def cp(root, argv):
    with open(root + argv[3], "wb") as target:
        target.write(read(root, argv[2]))


@pytest.fixture
def world(tmp_path):
    files = debian12.files()
    for name in [name for name in files if "grub" in name]:
        del files[name]
    files["/etc/fstab"] += "UUID=ABCD-1234 /efi vfat umask=0077 0 1\n"
    files.update({
        "/efi/EFI/systemd/systemd-bootx64.efi": SYSTEMD_BOOT, "/efi/EFI/BOOT/BOOTX64.EFI": SYSTEMD_BOOT,
        "/efi/loader/entries.srel": "type1\n", "/usr/bin/kernel-install": Program("#!/bin/sh\n"),
        "/usr/lib/kernel/install.d/55-initrd.install": Program("#!/bin/sh\n"), HOOK: Program("#!/bin/sh\n"),
    })  # fmt: skip
    for version in debian12.KERNELS:
        files["/efi/%s/%s/linux" % (TOKEN, version)] = files["/boot/vmlinuz-" + version]
        files[image(version)] = files["/boot/initrd.img-" + version]
        files[path(version)] = entry(version, "root=UUID=%s ro quiet crashkernel=384M" % ROOT)
    handlers = dict(debian12.HANDLERS, cp=cp)
    del handlers["grub-mkconfig"]
    return World(make_tree(tmp_path / "guest", files, minimal=False), commands=handlers)


def test_a_run_settles_and_is_taken_back(world):
    before = snapshot(world.root)
    told = world.run(deprovision=False)
    assert told.result.exit_code == 0, told.result
    for version in debian12.KERNELS:
        built = read(world.root, image(version))
        assert b"hv_storvsc.ko" in built and built == read(world.root, "/boot/initrd.img-" + version)
        assert read(world.root, path(version)).decode() == entry(version, "root=UUID=%s ro %s" % (ROOT, OURS))
    assert read(world.root, CMDLINE).decode() == "root=UUID=%s ro %s\n" % (ROOT, OURS)
    assert not [argv for argv in world.commands.ran if argv[0] in ("run-parts", "kernel-install")]
    assert [name for name in os.listdir(world.root + "/efi/%s/%s" % (TOKEN, version)) if name.startswith(".")] == []
    ran = len(world.commands.ran)
    again = world.run(deprovision=False)
    assert again.result.exit_code == 0 and not again.changes and len(world.commands.ran) == ran
    world.rollback()
    after = snapshot(world.root)
    assert {name for name in set(before) | set(after) if before.get(name) != after.get(name)} == set()


def test_a_later_run_of_kernel_install_is_no_conflict(world):
    """It writes the same again: update-initramfs, after a package was upgraded, has it run."""
    world.run(deprovision=False)
    for version in debian12.KERNELS:
        with open(world.root + path(version), "w") as stream:
            stream.write(entry(version, read(world.root, CMDLINE).decode().strip()))
    world.rollback()
    assert "quiet" in read(world.root, path(debian12.KERNELS[0])).decode()


def test_a_run_that_was_cut_between_the_two_copies_is_resumed(world):
    def stop(root, argv):
        return 1, "cut"

    handlers = world.commands.handlers
    world.commands.handlers = dict(handlers, cp=stop)
    assert world.run(deprovision=False).result.exit_code != 0
    world.commands.handlers = handlers
    assert world.run(deprovision=False).result.exit_code == 0
    for version in debian12.KERNELS:
        assert read(world.root, image(version)) == read(world.root, "/boot/initrd.img-" + version)


def test_check_is_pure(world):
    before = snapshot(world.root, own=True)
    status = {one.id: one.status for one in world.check().findings}
    assert status["kernel-cmdline"] == status["initrd-hyperv"] == "would-change"
    assert status["grub-serial"] == "ok" and status["efi-fallback"] == "ok"
    assert snapshot(world.root, own=True) == before
