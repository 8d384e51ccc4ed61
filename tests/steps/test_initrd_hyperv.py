"""The initrd of every kernel: what is missing, what is stale, what must not be touched."""

import os

import pytest

from agentprep.changes import Run, Write
from agentprep.errors import CommandFailed
from agentprep.steps import initrd_hyperv
from tests.roots import archive, debian12, mkinitramfs, read
from tests.trees import brought_about, planned, policy_of, system_of

ONE, CLOUD = debian12.KERNELS
SETTINGS = policy_of("initrd-hyperv.builds=2")


def system(folder, handlers=None, **extra):
    root = debian12.make(folder / "guest", extra=extra.get("extra"))
    return root, system_of(root, dict({"mkinitramfs": mkinitramfs}, **(handlers or {})))


def ready(folder):
    root, found = system(folder)
    brought_about(initrd_hyperv.STEP, found, SETTINGS)
    brought_about(initrd_hyperv.RULE, found, SETTINGS, "")
    return root, system_of(root, {"mkinitramfs": mkinitramfs})


def test_the_modules_file_gets_what_is_missing_once(tmp_path):
    root, found = system(tmp_path)
    (change,) = brought_about(initrd_hyperv.STEP, found, SETTINGS)
    lines = read(root, "/etc/initramfs-tools/modules").decode().splitlines()
    assert lines[-6:] == ["hv_vmbus", "hv_storvsc", "hv_netvsc", "hid_hyperv", "hyperv_keyboard", "sd_mod"]
    assert lines[: len(debian12.MODULES.splitlines())] == debian12.MODULES.splitlines()
    assert planned(initrd_hyperv.STEP, found, SETTINGS)[0] == []


@pytest.mark.parametrize("line, counts", [("hv-vmbus", True), ("hv_vmbus debug=1", True), ("hv_vmbus\r", False),
                                          ("# hv_vmbus", False)])  # fmt: skip
def test_what_counts_as_listed(tmp_path, line, counts):
    root, found = system(tmp_path, extra={"/etc/initramfs-tools/modules": line + "\n"})
    (change,), _ = planned(initrd_hyperv.STEP, found, SETTINGS)
    assert (b"\nhv_vmbus\n" in change.content) is not counts and b"\r\n" not in change.content.replace(
        b"hv_vmbus\r\n", b""
    )


def test_two_kernels_are_built_side_by_side_and_each_once(tmp_path):
    _, found = system(tmp_path)
    changes, facts = planned(initrd_hyperv.RULE, found, SETTINGS, "")
    runs = [change for change in changes if isinstance(change, Run)]
    assert len(runs) == 1 and len(runs[0].commands) == 2
    assert [type(change) for change in changes[1:]] == [Write, Write] and all(one.derived for one in changes[1:])
    assert sum(size for path, size, _ in runs[0].needs if path == "/boot") > 2 << 20
    one_by_one, _ = planned(initrd_hyperv.RULE, found, policy_of("initrd-hyperv.builds=1"), "")
    assert [type(change) for change in one_by_one] == [Run, Write, Run, Write]


def test_only_the_stale_image_is_built_and_touching_a_source_builds_all(tmp_path):
    root, found = ready(tmp_path)
    assert planned(initrd_hyperv.RULE, found, SETTINGS, "")[0] == []
    with open(root + "/boot/initrd.img-" + CLOUD, "wb") as stream:
        stream.write(archive([("usr/lib/modules/%s/kernel/fs/ext4/ext4.ko" % CLOUD, b"x")]))
    changes, _ = planned(initrd_hyperv.RULE, found, SETTINGS, "")
    assert [argv[-1] for argv in changes[0].commands] == [CLOUD]
    changes, _ = planned(initrd_hyperv.RULE, found, SETTINGS, "/etc/modprobe.d/x was changed")
    assert [argv[-1] for argv in changes[0].commands] == [ONE, CLOUD]


def test_modules_of_another_kernel_in_the_image_do_not_count(tmp_path):
    root, found = ready(tmp_path)
    content = read(root, "/boot/initrd.img-" + ONE)
    with open(root + "/boot/initrd.img-" + CLOUD, "wb") as stream:
        stream.write(content)
    changes, _ = planned(initrd_hyperv.RULE, found, SETTINGS, "")
    assert [argv[-1] for argv in changes[0].commands] == [CLOUD]


def test_a_dependency_that_is_missing_makes_it_stale(tmp_path):
    root, found = ready(tmp_path)
    path = "/boot/initrd.img-" + ONE
    content = read(root, path)
    with open(root + path, "wb") as stream:
        stream.write(content.replace(b"scsi_transport_fc.ko", b"scsi_transport_xx.ko"))
    changes, _ = planned(initrd_hyperv.RULE, found, SETTINGS, "")
    assert "lacks scsi_transport_fc" in changes[0].why


def test_built_in_drivers_are_not_asked_for(tmp_path):
    root, found = system(tmp_path)
    names = [line.split(":")[0] for line in debian12.DEP.decode().splitlines()]
    for version in debian12.KERNELS:
        with open(root + "/lib/modules/%s/modules.dep" % version, "w") as stream:
            stream.write("kernel/fs/ext4/ext4.ko:\nkernel/drivers/block/virtio_blk.ko:\n")
        with open(root + "/lib/modules/%s/modules.builtin" % version, "w") as stream:
            stream.write("\n".join(names))
    assert planned(initrd_hyperv.STEP, found, SETTINGS)[0] == []
    changes, facts = planned(initrd_hyperv.RULE, found, SETTINGS, "")
    assert changes == [] and "built in: " in facts[-1].evidence


def test_an_image_that_still_waits_for_the_swap_is_stale(tmp_path):
    root, found = ready(tmp_path)
    assert b"RESUME=UUID" in read(root, "/boot/initrd.img-" + ONE)
    with open(root + "/etc/initramfs-tools/conf.d/resume", "w") as stream:
        stream.write("RESUME=none\n")
    changes, _ = planned(initrd_hyperv.RULE, found, SETTINGS, "")
    assert "waits for UUID=5555" in changes[0].why
    brought_about(initrd_hyperv.RULE, found, SETTINGS, "")
    assert planned(initrd_hyperv.RULE, found, SETTINGS, "")[0] == []


def test_a_bad_new_image_never_takes_the_place_of_the_old(tmp_path):
    def broken(root, argv):
        mkinitramfs(root, argv)
        os.truncate(root + argv[2], 500)

    root, found = system(tmp_path, {"mkinitramfs": broken})
    before = read(root, "/boot/initrd.img-" + ONE)
    with pytest.raises(CommandFailed, match="is no good"):
        brought_about(initrd_hyperv.RULE, found, SETTINGS, "")
    assert read(root, "/boot/initrd.img-" + ONE) == before


def test_old_checksums_and_hooks_follow(tmp_path):
    ran = []
    old = "da39a3ee5e6b4b0d3255bfef95601890afd80709  /boot/initrd.img-%s\n" % ONE
    root, found = system(tmp_path, {"run-parts": lambda root_, argv: ran.append(argv)},
                         extra={"/var/lib/initramfs-tools/" + ONE: old})  # fmt: skip
    os.makedirs(root + "/etc/initramfs/post-update.d")
    with open(root + "/etc/initramfs/post-update.d/loader", "w") as stream:
        os.fchmod(stream.fileno(), 0o755)
    brought_about(initrd_hyperv.STEP, found, SETTINGS)
    brought_about(initrd_hyperv.RULE, found, SETTINGS, "")
    noted = read(root, "/var/lib/initramfs-tools/" + ONE).decode()
    assert noted != old and noted.endswith("  /boot/initrd.img-%s\n" % ONE)
    assert [argv[1:3] for argv in ran] == [("--arg=" + one, "--arg=/boot/initrd.img-" + one) for one in (ONE, CLOUD)]


@pytest.mark.parametrize("first", [True, False])
def test_a_second_image_of_a_kernel_is_not_taken_for_the_one_that_is_booted(tmp_path, first):
    """What a person makes by copying an entry, as grubby --add-kernel --copy-default --initrd=... does."""
    root, found = ready(tmp_path)
    other = "/boot/initrd.img-%s.test" % ONE
    with open(root + other, "wb") as stream:
        stream.write(archive([("usr/lib/modules/%s/kernel/fs/ext4/ext4.ko" % ONE, b"x")]))
    menu = read(root, "/boot/grub/grub.cfg").decode()
    one = "menuentry 'My own' {\n\tlinux /boot/vmlinuz-%s root=UUID=1 ro\n\tinitrd %s\n}\n" % (ONE, other)
    with open(root + "/boot/grub/grub.cfg", "w") as stream:
        stream.write(one + menu if first else menu + one)
    found = system_of(root, {"mkinitramfs": mkinitramfs})
    assert found.initrd.named[ONE] == "/boot/initrd.img-" + ONE
    changes, facts = planned(initrd_hyperv.RULE, found, SETTINGS, "")
    assert changes == []
    (fact,) = [fact for fact in facts if fact.verdict == "failed"]
    assert fact.evidence.startswith("a boot entry of kernel %s loads %s, which lacks hv_vmbus" % (ONE, other))
    with open(root + other, "wb") as stream:
        stream.write(read(root, "/boot/initrd.img-" + ONE))
    assert [fact.verdict for fact in planned(initrd_hyperv.RULE, system_of(root), SETTINGS, "")[1]] == ["ok"]


CRYPTTAB = "sda3_crypt UUID=0fc3f5a2-1111-4222-8333-444455556666 none luks,discard\n"


@pytest.mark.parametrize(
    "table, keeps, arguments, fine",
    [(CRYPTTAB, False, "", False), (CRYPTTAB, True, "", True), ("", False, "", True),
     (CRYPTTAB, False, "rd.luks.uuid=luks-0fc3f5a2-1111-4222-8333-444455556666", True)],
)  # fmt: skip
def test_an_image_that_no_longer_opens_the_encrypted_disk_is_not_taken(tmp_path, table, keeps, arguments, fine):
    """cryptsetup-initramfs leaves out of an image what is not open under its name where it is built."""
    listed = [("cryptroot/crypttab", CRYPTTAB.encode())]

    def build(root, argv):
        mkinitramfs(root, argv)
        made = root + argv[argv.index("-o") + 1]
        with open(made, "ab") as stream:
            stream.write(archive(listed if keeps else []))

    root, _ = system(tmp_path, extra={"/etc/crypttab": table})
    for kernel in debian12.KERNELS:
        with open(root + "/boot/initrd.img-" + kernel, "wb") as stream:
            stream.write(archive([("usr/lib/modules/%s/kernel/fs/ext4/ext4.ko" % kernel, b"x")] + listed))
    menu = read(root, "/boot/grub/grub.cfg").decode()
    with open(root + "/boot/grub/grub.cfg", "w") as stream:
        stream.write(menu.replace(" ro ", " ro %s " % arguments))
    found = system_of(root, {"mkinitramfs": build})
    brought_about(initrd_hyperv.STEP, found, SETTINGS)
    if fine:
        brought_about(initrd_hyperv.RULE, found, SETTINGS, "")
    else:
        with pytest.raises(CommandFailed, match="would not open sda3_crypt"):
            brought_about(initrd_hyperv.RULE, found, SETTINGS, "")
