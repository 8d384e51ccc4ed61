"""File systems by UUID, on what installers and administrators write into /etc/fstab and /etc/default/grub."""

import os

import pytest

from agentprep.changes import Write
from agentprep.errors import Blocked
from agentprep.guest import Guest
from agentprep.live import Mount
from agentprep.steps.fstab import STEP
from tests.boot import legacy, partitions, redhat
from tests.roots import debian12
from tests.steps.machines import disk, machine, mapped, partition
from tests.trees import FakeLive, To, brought_about, content, make_tree, planned, policy_of, system_of

ROOT, BOOT, DATA = "0b8e5c2f-6a7d-4f70-9d9e-2f3a4b5c6d7e", "a71e2a1c-aaaa-4d4d-9c9c-000000000002", "d0d0d0d0-1111"
ENTRY = "BOOT_IMAGE=/boot/vmlinuz-6.1.0-28-amd64 root=UUID=%s ro quiet\n" % ROOT
DISKS = dict(
    disk("vda"),
    **dict(
        partition("vda", "vda1", 2048, 1, uuid=ROOT, label="source-root", path="pci-0000:00:05.0-part1"),
        **dict(
            partition("vda", "vda2", 4196352, 2, uuid=BOOT, label="my\\x20boot", partlabel="boot"),
            **dict(
                partition("vda", "vda3", 8390656, 3, uuid="1C2D-3E4F", label="EFI"),
                **partition("vdb", "vdb1", 2048, 17, uuid=DATA, id="virtio-data-part1"),
            ),
        ),
    ),
)
MOUNTS = (Mount("/dev/vda1", "/", "ext4", "rw"),)
LIVE = FakeLive(mounts=MOUNTS)

BEFORE = """\
# /etc/fstab: static file system information.
LABEL=source-root\t/\text4\terrors=remount-ro\t0\t1
LABEL=my\\040boot  /boot  ext4  defaults  0  2
/dev/disk/by-label/EFI /boot/efi vfat umask=0077 0 1
/dev/vdb1 /srv xfs noatime,nofail 0 0   # the data
PARTLABEL=boot /mnt/b ext4 noauto
/dev/disk/by-path/pci-0000:00:05.0-part1 /mnt/p ext4 noauto 0 0
/dev/disk/by-id/virtio-data-part1 /mnt/i xfs noauto 0 0
/dev/disk/by-uuid/%s /mnt/u ext4 noauto 0 0
UUID=%s /mnt/v ext4 noauto 0 0
PARTUUID=6ad1f2c3-01 /mnt/q ext4 noauto 0 0
/dev/mapper/vg-home /home ext4 defaults 0 2
/dev/vg/var /var ext4 defaults 0 2
/dev/disk/cloud/azure_resource-part1 /mnt auto defaults,nofail 0 2
tmpfs /tmp tmpfs size=1g 0 0
server:/export /net nfs4 _netdev 0 0
//server/share /smb cifs _netdev 0 0
/srv/a /srv/b none bind 0 0
/dev/vda9 none swap sw 0 0
broken line
/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0
""" % (ROOT, ROOT)
AFTER = BEFORE
for old, new in (
    ("LABEL=source-root\t", "UUID=%s\t" % ROOT), ("LABEL=my\\040boot ", "UUID=%s " % BOOT),
    ("/dev/disk/by-label/EFI", "UUID=1C2D-3E4F"), ("/dev/vdb1", "UUID=" + DATA),
    ("PARTLABEL=boot", "UUID=" + BOOT), ("/dev/disk/by-path/pci-0000:00:05.0-part1", "UUID=" + ROOT),
    ("/dev/disk/by-id/virtio-data-part1", "UUID=" + DATA), ("/dev/disk/by-uuid/", "UUID="),
):  # fmt: skip
    assert AFTER.count(old) == 1
    AFTER = AFTER.replace(old, new)


def tree(tmp_path, fstab, entries=ENTRY, **files):
    more = dict(DISKS)
    more.update({"/etc/fstab": fstab, "/boot/entries": entries})
    more.update(files.pop("files", {}))
    return make_tree(tmp_path / "root", more)


def did(result):
    assert all(isinstance(change, Write) for change in result[0])
    return [(change.path, change.content.decode("utf-8", "surrogateescape")) for change in result[0]]


def settled(root, live=LIVE):
    for change in STEP.changes(machine(root, live), policy_of()):
        if hasattr(change, "apply"):
            change.apply(machine(root).guest)
    changes, facts = planned(STEP, machine(root, live))
    assert changes == []
    return facts


def test_every_kind_of_name(tmp_path):
    root = tree(tmp_path, BEFORE)
    assert did(planned(STEP, machine(root, LIVE))) == [("/etc/fstab", AFTER)]
    facts = settled(root)
    assert content(root, "/etc/fstab") == AFTER
    assert [fact.verdict for fact in facts] == ["note", "ok"]
    assert "line 21 names a drive" in facts[0].evidence and "/dev/sr0" in facts[0].evidence
    assert facts[1].evidence.startswith("by UUID: /, /boot, /boot/efi, /srv")
    assert facts[1].evidence.endswith("the kernel has root=UUID=" + ROOT)


@pytest.mark.parametrize("name", ["/dev/sda1", "/dev/xvda1", "/dev/hda1", "/dev/nvme0n1p1", "/dev/mmcblk0p1"])
def test_kernel_names_of_other_controllers(tmp_path, name):
    kernel = name.split("/")[-1]
    files = partition("vda", kernel, 2048, 30, uuid="theirs")
    root = tree(tmp_path, "%s /srv ext4 defaults 0 2\n" % name, files=files)
    assert did(planned(STEP, machine(root, LIVE))) == [("/etc/fstab", "UUID=theirs /srv ext4 defaults 0 2\n")]


def test_on_a_tree_the_line_is_named_and_nothing_is_guessed(tmp_path):
    root = tree(tmp_path, "UUID=x / ext4 defaults 0 1\n/dev/vda2 /boot ext4 defaults 0 2\n/dev/vdb /d ext4 defaults\n")
    with pytest.raises(Blocked) as caught:
        planned(STEP, machine(root))
    assert "/etc/fstab, line 2: the UUID of /dev/vda2" in caught.value.message and "line 3" in caught.value.message
    assert "blkid /dev/vda2" in caught.value.hint and "blkid /dev/vdb" in caught.value.hint


def test_on_a_tree_a_label_stays_with_a_warning(tmp_path):
    root = tree(tmp_path, "LABEL=cloudimg-rootfs / ext4 defaults 0 1\nLABEL=UEFI /boot/efi vfat umask=0077 0 1\n")
    changes, facts = planned(STEP, machine(root))
    assert changes == [] and [fact.verdict for fact in facts] == ["warning", "warning", "ok"]
    assert "line 1: the UUID of LABEL=cloudimg-rootfs" in facts[0].evidence
    assert "blkid -t LABEL=UEFI" in facts[1].remedy


def test_on_a_tree_a_link_by_uuid_needs_no_device(tmp_path):
    root = tree(tmp_path, "/dev/disk/by-uuid/%s / ext4 defaults 0 1\n" % ROOT)
    assert did(planned(STEP, machine(root))) == [("/etc/fstab", "UUID=%s / ext4 defaults 0 1\n" % ROOT)]


def test_a_line_that_boot_does_not_wait_for_is_a_warning_only(tmp_path):
    root = tree(tmp_path, "/dev/sdz1 /usb ext4 noauto 0 0\nLABEL=source-root / ext4 defaults 0 1\n")
    changes, facts = planned(STEP, machine(root, LIVE))
    assert [change.path for change in changes] == ["/etc/fstab"]
    assert [fact.verdict for fact in facts] == ["warning", "ok"] and "/dev/sdz1" in facts[0].evidence


def test_two_file_systems_with_one_label_are_not_mixed_up(tmp_path):
    live = FakeLive(mounts=(Mount("/dev/vda2", "/", "ext4", "rw"),))
    root = tree(tmp_path, "LABEL=source-root / ext4 defaults 0 1\n")
    with pytest.raises(Blocked, match="line 1"):
        planned(STEP, machine(root, live))


def test_a_drive_that_each_boot_waits_for_is_a_warning(tmp_path):
    root = tree(tmp_path, "/dev/fd0 /media/floppy0 auto rw,user 0 0\n")
    facts = planned(STEP, machine(root, LIVE))[1]
    assert facts[0].verdict == "warning" and "nofail" in facts[0].remedy


def test_crlf_latin_1_and_no_final_newline_survive(tmp_path):
    before = b"# \xe9\r\n\r\n/dev/vda1 /srv/caf\xe9 ext4 defaults 0 2\r\n/dev/vda2 /b ext4"
    after = b"# \xe9\r\n\r\nUUID=%s /srv/caf\xe9 ext4 defaults 0 2\r\nUUID=%s /b ext4" % (ROOT.encode(), BOOT.encode())
    root = tree(tmp_path, "")
    with open(root + "/etc/fstab", "wb") as stream:
        stream.write(before)
    assert [change.content for change in planned(STEP, machine(root, LIVE))[0]] == [after]


def test_without_fstab(tmp_path):
    changes, facts = planned(STEP, machine(make_tree(tmp_path / "root", {"/boot/entries": ENTRY})))
    assert changes == [] and facts[0].evidence.startswith("not applicable")


def test_policy_leaves_the_names_with_a_warning(tmp_path):
    root = tree(tmp_path, "LABEL=source-root / ext4 defaults 0 1\n", "root=/dev/vda1 ro\n")
    changes, facts = planned(STEP, machine(root, LIVE), policy_of("fstab.rewrite=no"))
    assert changes == [] and [fact.verdict for fact in facts] == ["warning"]
    assert "line 1: LABEL=source-root" in facts[0].evidence and "root=/dev/vda1" in facts[0].evidence


# -- root= -------------------------------------------------------------------------------------------------------
GRUB = 'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX=""\nGRUB_DISABLE_LINUX_UUID=true # by hand\n'


def test_grub_is_let_write_uuids(tmp_path):
    files = {
        "/etc/default/grub": GRUB, "/etc/default/grub.d/50-x.cfg": "GRUB_DISABLE_LINUX_UUID=\"true\"\n",
        "/etc/default/grub.d/60-y.cfg": "#GRUB_DISABLE_LINUX_UUID=true\nGRUB_DISABLE_LINUX_UUID=yes\n",
    }  # fmt: skip
    root = tree(tmp_path, "UUID=%s / ext4 defaults 0 1\n" % ROOT, files=files)
    assert did(planned(STEP, machine(root, LIVE))) == [
        ("/etc/default/grub", GRUB.replace("=true", "=false")),
        ("/etc/default/grub.d/50-x.cfg", "GRUB_DISABLE_LINUX_UUID=false\n"),
    ]
    settled(root)


def test_a_root_that_may_change_becomes_the_uuid(tmp_path):
    entries = "root=UUID=%s ro root=/dev/sda1 quiet\nroot=/dev/vda1 ro\n" % ROOT
    wanted = "root=UUID=%s ro quiet\nroot=UUID=%s ro\n" % (ROOT, ROOT)
    cases = (("UUID=%s" % ROOT, None), ("/dev/mapper/x", LIVE), ("LABEL=source-root", LIVE))
    for number, (fstab, live) in enumerate(cases):
        root = tree(tmp_path / str(number), "%s / ext4 defaults 0 1\n" % fstab, entries)
        assert did(planned(STEP, machine(root, live)))[-1] == ("/boot/entries", wanted)
        settled(root, live)


def test_the_last_root_counts(tmp_path):
    root = tree(tmp_path, "UUID=%s / ext4 defaults 0 1\n" % ROOT, "root=/dev/vda1 ro root=UUID=%s\n" % ROOT)
    changes, facts = planned(STEP, machine(root))
    assert changes == [] and facts[-1].evidence.endswith("the kernel has root=UUID=" + ROOT)


def test_a_root_is_never_guessed(tmp_path):
    root = tree(tmp_path, "/dev/mapper/x / ext4 defaults 0 1\n", "root=/dev/vda1 ro\n")
    with pytest.raises(Blocked) as caught:
        planned(STEP, machine(root))
    assert "entry 1 has root=/dev/vda1" in caught.value.message and "findmnt" in caught.value.hint


def test_lvm_is_left_alone(tmp_path):
    files = mapped("dm-0", "vg-root", ["vda1"], "LVM", uuid="lv-uuid")
    root = tree(tmp_path, "/dev/mapper/vg-root / ext4 defaults 0 1\n", "root=/dev/mapper/vg-root ro\n", files=files)
    live = FakeLive(mounts=(Mount("/dev/mapper/vg-root", "/", "ext4", "rw"),))
    assert planned(STEP, machine(root, live))[0] == []


@pytest.mark.parametrize(
    "name, known",
    [
        ("/dev/mapper/mpathap2", True), ("/dev/mapper/mpatha-part2", True), ("/dev/mapper/mpathb", True),
        ("/dev/mapper/360014055f2b8c7a1e3d4b5c6a7f8e9d0_part2", True), ("/dev/mapper/3600140550123abcd", True),
        ("/dev/cciss/c0d0p2", True), ("/dev/mpath/x", True),
        ("/dev/mapper/mpath-root", False), ("/dev/mapper/vg-mpatha", False), ("/dev/mapper/30vg-root", False),
        ("/dev/md127", False),
    ],
)  # fmt: skip
def test_names_of_arrays_and_their_paths(tmp_path, name, known):
    root = tree(tmp_path, "UUID=%s / ext4 defaults 0 1\n%s /d xfs nofail 0 0\n" % (ROOT, name))
    facts = planned(STEP, machine(root, LIVE))[1]
    assert ("line 2: the UUID of %s" % name in facts[0].evidence) == known


# -- with each boot loader ---------------------------------------------------------------------------------------
def test_sles_11_names_disks_by_id_everywhere(tmp_path):
    """Its mkinitrd takes root=UUID= (scripts/boot-storage.sh); entries of Xen are left as they are."""
    by_id = "/dev/disk/by-id/ata-QEMU_HARDDISK_QM00001-part2"
    root = legacy.guest(tmp_path / "guest", dict(legacy.SLES_11, **{
        "/etc/fstab": "%s / ext3 acl,user_xattr 1 1\nproc /proc proc defaults 0 0\n" % by_id,
        "/dev/sda2": "", by_id: To("../../sda2"), "/dev/disk/by-uuid/" + ROOT: To("../../sda2"),
    }))  # fmt: skip
    live = FakeLive(mounts=(Mount("/dev/sda2", "/", "ext3", "rw"),))
    one = system_of(root, live=live)
    for change in brought_about(STEP, one):
        assert change.path in ("/etc/fstab", "/boot/grub/menu.lst", "/etc/sysconfig/bootloader")
    assert planned(STEP, one)[0] == []
    assert content(root, "/etc/fstab").startswith("UUID=%s / ext3 acl,user_xattr 1 1\n" % ROOT)
    linux = [line for line in content(root, "/boot/grub/menu.lst").splitlines() if " kernel /boot/vmlinuz" in line]
    assert len(linux) == 2 and all(" root=UUID=%s " % ROOT in line and by_id + " " not in line for line in linux)


@pytest.mark.parametrize("name, release", [("BLS", "el8"), ("BLS", "el9"), ("systemd-boot", "")])
def test_entries_with_a_root_by_the_name_of_a_device(tmp_path, name, release):
    """And what future kernels get."""
    if release:
        root = redhat.guest(tmp_path / "guest", release)
    else:
        root = make_tree(tmp_path / "guest", partitions.debian())
    name_of = "/dev/disk/by-path/pci"  # as long as the one before: grubenv has 1024 bytes
    for path in Guest(root).walk("/"):
        text = content(root, path) if Guest(root).is_file(path) else ""
        for old in ("/dev/mapper/rhel-root", "UUID=" + partitions.ROOT):
            if old in text:
                with open(root + path, "w") as stream:
                    stream.write(text.replace(old, name_of))
    with open(root + "/etc/fstab", "w") as stream:
        stream.write("UUID=%s / ext4 defaults 0 1\n" % ROOT)
    one = system_of(root)
    assert one.boot.name == name and "root=" + name_of in one.boot.arguments()["future"]
    assert brought_about(STEP, one)
    for entry, arguments in one.boot.arguments().items():
        assert [word for word in arguments if word.startswith("root=")] == ["root=UUID=" + ROOT], entry
    assert planned(STEP, one)[0] == []


# -- with GRUB 2 itself ------------------------------------------------------------------------------------------
UNWANTED = "GRUB_DISABLE_LINUX_UUID=true\n"
CUSTOM = """\
#!/bin/sh
exec tail -n +3 $0
menuentry 'Old kernel' {
\tlinux /boot/vmlinuz-6.1.0-28-amd64 root=/dev/sda1 ro
\tinitrd /boot/initrd.img-6.1.0-28-amd64
}
"""


def test_grub_2_with_a_root_by_hand_and_an_entry_by_hand(tmp_path):
    root = debian12.make(tmp_path / "guest")
    for path, old, new in (
        ("/etc/default/grub", 'GRUB_CMDLINE_LINUX="', UNWANTED + 'GRUB_CMDLINE_LINUX="root=/dev/sda1 '),
        ("/boot/grub/grub.cfg", "quiet", "root=/dev/sda1 quiet"),
    ):  # fmt: skip
        text = content(root, path)
        assert old in text
        with open(root + path, "w") as stream:
            stream.write(text.replace(old, new))
    with open(root + "/etc/grub.d/40_custom", "w") as stream:
        stream.write(CUSTOM)
    os.chmod(root + "/etc/grub.d/40_custom", 0o755)
    uuid = next(line for line in content(root, "/etc/fstab").splitlines() if " / " in line).split()[0]
    changes = did(planned(STEP, system_of(root)))
    texts = dict(changes)  # of each file as it ends up
    assert sorted(texts) == ["/etc/default/grub", "/etc/grub.d/40_custom"]
    assert "GRUB_DISABLE_LINUX_UUID=false" in texts["/etc/default/grub"]
    assert "root=/dev" not in texts["/etc/default/grub"] and "root=" + uuid in texts["/etc/default/grub"]
    assert texts["/etc/grub.d/40_custom"] == CUSTOM.replace("root=/dev/sda1", "root=" + uuid)
