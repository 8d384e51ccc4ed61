"""No swap on the OS disk, with all of its five edits, on what Debian and Ubuntu installers leave behind."""

import os

import pytest

from agentprep.changes import Link, Remove, Run, Write
from agentprep.errors import Blocked
from agentprep.guest import Guest
from agentprep.live import Mount, Swap
from agentprep.steps.os_swap import MARGIN, RULE, STEP
from tests.steps.machines import disk, machine, mapped, partition
from tests.trees import FakeLive, To, content, make_tree, planned, policy_of

SWAP_UUID = "6e1b0c1d-4c5b-4a35-bd1f-5a62c7a6e8b1"
ROOT_UUID = "0b8e5c2f-6a7d-4f70-9d9e-2f3a4b5c6d7e"
HEADER = bytes(4086) + b"SWAPSPACE2"
SWAPFILE = HEADER + bytes(8192)
FSTAB = (
    """\
# /etc/fstab: static file system information.
#
# <file system> <mount point>   <type>  <options>       <dump>  <pass>
# / was on /dev/vda1 during installation
UUID=%s /               ext4    errors=remount-ro 0       1
# swap was on /dev/vda5 during installation
"""
    % ROOT_UUID
)
SWAP_LINE = "UUID=%s none            swap    sw              0       0\n" % SWAP_UUID
FILE_LINE = "/swapfile none swap sw 0 0\n"
DVD_LINE = "/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0\n"
INITRAMFS = """\
#
# initramfs.conf
#
MODULES=most
BUSYBOX=auto
KEYMAP=n
COMPRESS=zstd
RUNSIZE=10%
"""
CONF = "/etc/initramfs-tools/initramfs.conf"
RESUME = "/etc/initramfs-tools/conf.d/resume"
ENTRY = "BOOT_IMAGE=/boot/vmlinuz-6.1.0-28-amd64 root=UUID=%s ro net.ifnames=0" % ROOT_UUID
OS_DISK = dict(
    disk("vda"),
    **dict(partition("vda", "vda1", 2048, 1, uuid=ROOT_UUID), **partition("vda", "vda5", 39942144, 5, uuid=SWAP_UUID)),
)
MOUNTS = (Mount("/dev/vda1", "/", "ext4", "rw"),)


def live(*swaps, **more):
    return FakeLive(swaps=tuple(swaps), mounts=more.pop("mounts", MOUNTS), **more)


def tree(tmp_path, fstab=FSTAB, entries=ENTRY + "\n", **files):
    more = {"/etc/fstab": fstab, "/boot/entries": entries, CONF: INITRAMFS, "/boot/initrd.img-6.1.0-28-amd64": "x"}
    more.update(files.pop("files", {}))
    return make_tree(tmp_path / "root", more)


def did(step_result):
    """The changes as (kind, path or argv, content)."""
    shown = []
    for change in step_result[0]:
        if isinstance(change, Write):
            shown.append(("write", change.path, change.content.decode()))
        elif isinstance(change, Remove):
            shown.append(("remove", change.path, change.kept))
        elif isinstance(change, Link):
            shown.append(("link", change.path, change.target))
        else:
            assert isinstance(change, Run)
            shown.append(("run", " ".join(change.commands[0]), None))
    return shown


def settled(root, system_live, policy=None):
    """The step carried out; then nothing of it is left to do."""
    system = machine(root, system_live, {"swapoff": lambda root, argv: 0})
    for change in STEP.changes(system, policy or policy_of()):
        if hasattr(change, "commands"):
            system.guest.commands.together(change.commands, 60)
        elif hasattr(change, "apply"):
            change.apply(system.guest)
    after = system_live._replace(swaps=()) if system_live else None
    changes, facts = planned(STEP, machine(root, after))
    assert changes == []
    return facts


def test_partition_and_file_of_a_debian_installation(tmp_path):
    root = tree(
        tmp_path, FSTAB + SWAP_LINE + FILE_LINE + DVD_LINE, ENTRY + " resume=UUID=%s quiet\n" % SWAP_UUID,
        files=dict(OS_DISK, **{"/swapfile": SWAPFILE, RESUME: "RESUME=UUID=%s\n" % SWAP_UUID}),
    )  # fmt: skip
    here = live(Swap("/dev/vda5", "partition", 1 << 30, 0), Swap("/swapfile", "file", 8 << 20, 4 << 20))
    result = planned(STEP, machine(root, here))
    assert did(result) == [
        ("write", "/boot/entries", ENTRY + " quiet\n"),
        ("write", RESUME, "RESUME=none\n"),
        ("run", "swapoff /dev/vda5", None),
        ("run", "swapoff /swapfile", None),
        ("remove", "/swapfile", 4096),
        ("write", "/etc/fstab", FSTAB + DVD_LINE),
    ]
    told = [fact.evidence for fact in result[1]]
    assert "partition /dev/vda5 (UUID=%s) is no longer used; it may be deleted" % SWAP_UUID in told
    assert any("after a rollback" in one for one in told)
    facts = settled(root, here)
    assert [fact.verdict for fact in facts] == ["ok"] and "none is in use" in facts[0].evidence
    assert not os.path.exists(root + "/swapfile")


def test_nothing_to_do_without_swap(tmp_path):
    changes, facts = planned(STEP, machine(tree(tmp_path, files=OS_DISK), live()))
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"]


def test_a_tree_is_judged_without_what_is_in_use(tmp_path):
    root = tree(tmp_path, FSTAB + SWAP_LINE)
    result = planned(STEP, machine(root))
    assert did(result) == [("write", RESUME, "RESUME=none\n"), ("write", "/etc/fstab", FSTAB)]
    assert "not a live system" in settled(root, None)[0].evidence


def test_memory_must_take_what_is_swapped_out(tmp_path):
    root = tree(tmp_path, FSTAB + SWAP_LINE, files=OS_DISK)
    used = Swap("/dev/vda5", "partition", 1 << 30, 900 << 20)
    with pytest.raises(Blocked) as caught:
        planned(STEP, machine(root, live(used, available=300 << 20)))
    assert "900 MiB" in caught.value.message and "300 MiB" in caught.value.message and caught.value.hint
    enough = (900 << 20) + MARGIN
    with pytest.raises(Blocked):
        planned(STEP, machine(root, live(used, available=enough - 1)))
    assert ("run", "swapoff /dev/vda5", None) in did(planned(STEP, machine(root, live(used, available=enough))))
    idle = used._replace(used=0)
    assert ("run", "swapoff /dev/vda5", None) in did(planned(STEP, machine(root, live(idle, available=1 << 20))))


def test_zram_stays(tmp_path):
    root = tree(
        tmp_path, FSTAB + "/dev/zram0 none swap defaults,pri=100 0 0\n",
        files=dict(OS_DISK, **{"/lib/systemd/system/dev-zram0.swap": "[Swap]\nWhat=/dev/zram0\n"}),
    )  # fmt: skip
    changes, facts = planned(STEP, machine(root, live(Swap("/dev/zram0", "partition", 1 << 30, 900 << 20))))
    assert changes == []
    assert [fact.evidence for fact in facts if fact.verdict == "note"] == ["/dev/zram0 is compressed memory: it stays"]


def test_other_disks_and_the_resource_disk_stay(tmp_path):
    other = dict(disk("vdb", number=16), **partition("vdb", "vdb1", 2048, 17, uuid="data-swap"))
    root = tree(
        tmp_path,
        FSTAB + "UUID=data-swap none swap sw,nofail 0 0\n/dev/disk/cloud/azure_resource-part2 none swap sw,nofail 0 0\n"
        "/mnt/resource/swapfile none swap sw,nofail 0 0\n",
        files=dict(OS_DISK, **other),
    )
    here = live(
        Swap("/mnt/resource/swapfile", "file", 1 << 30, 0), Swap("/dev/vdb1", "partition", 1 << 30, 0),
        mounts=MOUNTS + (Mount("/dev/vdb1", "/mnt/resource", "ext4", "rw"),),
    )  # fmt: skip
    changes, facts = planned(STEP, machine(root, here))
    assert changes == [] and {fact.verdict for fact in facts} == {"note", "ok"}
    assert any("disk vdb, which is not the OS disk" in fact.evidence for fact in facts)


def test_a_swap_file_below_the_mount_point_that_is_on_the_os_disk_goes(tmp_path):
    root = tree(
        tmp_path, FSTAB + "/mnt/resource/swapfile none swap sw 0 0\n",
        files=dict(OS_DISK, **{"/mnt/resource/swapfile": SWAPFILE}),
    )  # fmt: skip
    assert ("remove", "/mnt/resource/swapfile", 4096) in did(planned(STEP, machine(root, live())))


def test_encrypted_swap_of_ubuntu(tmp_path):
    crypttab = "# <target name>\t<source device>\t<key file>\t<options>\n"
    line = "cryptswap1 UUID=%s /dev/urandom swap,offset=1024,cipher=aes-xts-plain64,size=512\n" % SWAP_UUID
    data = "cryptdata UUID=2222 none luks\n"
    root = tree(
        tmp_path, FSTAB + "/dev/mapper/cryptswap1 none swap sw 0 0\n/dev/mapper/cryptdata /srv ext4 defaults 0 2\n",
        ENTRY + " rd.luks.uuid=luks-%s rd.luks.uuid=2222 splash\n" % SWAP_UUID,
        files={"/etc/crypttab": crypttab + line + data},
    )  # fmt: skip
    result = planned(STEP, machine(root))
    assert did(result) == [
        ("write", "/boot/entries", ENTRY + " rd.luks.uuid=2222 splash\n"),
        ("write", RESUME, "RESUME=none\n"),
        ("write", "/etc/crypttab", crypttab + data),
        ("write", "/etc/fstab", FSTAB + "/dev/mapper/cryptdata /srv ext4 defaults 0 2\n"),
    ]
    assert "partition UUID=%s is no longer used; it may be deleted" % SWAP_UUID in [f.evidence for f in result[1]]
    settled(root, None)


def test_encrypted_swap_that_is_on_is_known_by_its_mapper_name(tmp_path):
    files = dict(OS_DISK, **mapped("dm-0", "cryptswap1", ["vda5"], "CRYPT-PLAIN"))
    files["/etc/crypttab"] = "cryptswap1 /dev/vda5 /dev/urandom swap\n"
    root = tree(tmp_path, FSTAB + "/dev/mapper/cryptswap1 none swap sw 0 0\n", files=files)
    here = live(Swap("/dev/dm-0", "partition", 1 << 30, 0))
    result = planned(STEP, machine(root, here))
    assert ("run", "swapoff /dev/dm-0", None) in did(result) and ("write", "/etc/crypttab", "") in did(result)
    assert [f.evidence for f in result[1] if "no longer used" in f.evidence] == [
        "partition /dev/vda5 (UUID=%s) is no longer used; it may be deleted" % SWAP_UUID
    ]
    settled(root, here)


def test_crypttab_alone(tmp_path):
    table = "cryptswap1 /dev/vda5 /dev/urandom plain,swap\ncryptdata /dev/vda6\n"
    root = tree(tmp_path, files={"/etc/crypttab": table})
    assert did(planned(STEP, machine(root))) == [
        ("write", RESUME, "RESUME=none\n"), ("write", "/etc/crypttab", "cryptdata /dev/vda6\n")
    ]  # fmt: skip
    settled(root, None)


def test_logical_volume_of_swap_and_its_argument(tmp_path):
    files = dict(OS_DISK, **mapped("dm-0", "my--vg-root", ["vda1"], "LVM"))
    files.update(mapped("dm-1", "my--vg-swap_1", ["vda1"], "LVM", uuid="lv-swap"))
    root = tree(
        tmp_path, "/dev/mapper/my--vg-root / ext4 errors=remount-ro 0 1\n/dev/my-vg/swap_1 none swap sw 0 0\n",
        "root=/dev/mapper/my--vg-root ro rd.lvm.lv=my-vg/root rd.lvm.lv=my-vg/swap_1 resume=/dev/mapper/my--vg-swap_1 "
        "rd_LVM_LV=my-vg/swap_1 resume_offset=34816 noresume\n", files=files,
    )  # fmt: skip
    here = live(
        Swap("/dev/dm-1", "partition", 1 << 30, 0), mounts=(Mount("/dev/mapper/my--vg-root", "/", "ext4", "rw"),)
    )
    for system_live in (here, None):
        result = planned(STEP, machine(root, system_live))
        wanted = "root=/dev/mapper/my--vg-root ro rd.lvm.lv=my-vg/root noresume\n"
        assert did(result)[0] == ("write", "/boot/entries", wanted)
        assert did(result)[-1] == ("write", "/etc/fstab", "/dev/mapper/my--vg-root / ext4 errors=remount-ro 0 1\n")
        assert any(f.evidence.startswith("logical volume my-vg/swap_1") for f in result[1])
    settled(root, here)


def test_units_in_etc_go_with_their_links_and_those_of_packages_are_masked(tmp_path):
    root = tree(tmp_path, files={
        "/etc/systemd/system/var-swap.swap": "[Unit]\nDescription=x\n[Swap]\nWhat=/var/swap\n[Install]\nWantedBy=x\n",
        "/etc/systemd/system/swap.target.wants/var-swap.swap": To("/etc/systemd/system/var-swap.swap"),
        "/usr/lib/systemd/system/dev-vda5.swap": "[Swap]\nWhat=/dev/vda5\n",
        "/usr/lib/systemd/system/dev-vda6.swap": "[Swap]\nWhat=/dev/vda6\n",
        "/etc/systemd/system/dev-vda6.swap": To("/dev/null"),
        "/var/swap": SWAPFILE,
    })  # fmt: skip
    os.makedirs(root + "/dev/null")  # no regular file, as on a machine
    assert did(planned(STEP, machine(root))) == [
        ("write", RESUME, "RESUME=none\n"),
        ("remove", "/var/swap", 4096),
        ("remove", "/etc/systemd/system/swap.target.wants/var-swap.swap", None),
        ("remove", "/etc/systemd/system/var-swap.swap", None),
        ("link", "/etc/systemd/system/dev-vda5.swap", "/dev/null"),
    ]
    settled(root, None)


@pytest.mark.parametrize("files, written", [
    ({CONF: INITRAMFS + "RESUME=auto\n"}, [(CONF, INITRAMFS + "RESUME=none\n")]),
    ({RESUME: "RESUME=UUID=x\n", "/etc/initramfs-tools/conf.d/zz-resume-auto": "RESUME=/dev/vda5 # by hand\n"},
     [(RESUME, "RESUME=none\n"), ("/etc/initramfs-tools/conf.d/zz-resume-auto", "RESUME=none # by hand\n")]),
    ({RESUME: "RESUME=none\n", "/etc/initramfs-tools/conf.d/z": "RESUME='LABEL=my swap'\n"},
     [("/etc/initramfs-tools/conf.d/z", "RESUME=none\n")]),
    ({RESUME + ".dpkg-old": "RESUME=UUID=x\n", "/etc/initramfs-tools/conf.d/.hidden": "RESUME=UUID=x\n"}, []),
    ({"/usr/share/initramfs-tools/conf.d/vendor": "RESUME=UUID=x\n"}, [(RESUME, "RESUME=none\n")]),
    ({"/usr/share/initramfs-tools/conf.d/resume": "RESUME=UUID=x\n", RESUME: "RESUME=none\n"}, []),
    ({RESUME: "MODULES=dep\nRESUME=UUID=x"}, [(RESUME, "MODULES=dep\nRESUME=none")]),
])  # fmt: skip
def test_resume_of_initramfs_tools_without_any_swap(tmp_path, files, written):
    root = tree(tmp_path, files=files)
    assert did(planned(STEP, machine(root))) == [("write",) + one for one in written]
    settled(root, None)


def test_a_broken_conf_is_named(tmp_path):
    root = tree(tmp_path, files={RESUME: "RESUME='UUID=x\n"})
    with pytest.raises(Blocked, match="/etc/initramfs-tools/conf.d/resume, line 1"):
        planned(STEP, machine(root))


def test_without_initramfs_tools_no_resume_file_is_made(tmp_path):
    root = make_tree(tmp_path / "root", {"/etc/fstab": FSTAB + SWAP_LINE, "/boot/entries": ENTRY + "\n"})
    assert did(planned(STEP, machine(root))) == [("write", "/etc/fstab", FSTAB)]


def test_a_dangling_resume_goes_though_no_swap_is_left(tmp_path):
    root = tree(tmp_path, entries=ENTRY + " resume=UUID=gone -- resume=for-init\n")
    assert did(planned(STEP, machine(root))) == [("write", "/boot/entries", ENTRY + " -- resume=for-init\n")]


def test_what_is_named_as_swap_file_but_is_none_stays(tmp_path):
    root = tree(tmp_path, FSTAB + FILE_LINE, files={"/swapfile": "somebody's data\n" * 1000})
    changes, facts = planned(STEP, machine(root))
    assert not any(isinstance(change, Remove) for change in changes)
    assert [fact.evidence for fact in facts if fact.verdict == "warning"] == [
        "/swapfile is named as swap but is no swap file: it stays"
    ]


def test_header_of_a_machine_with_large_pages_is_kept_whole(tmp_path):
    root = tree(tmp_path, FSTAB + FILE_LINE, files={"/swapfile": bytes(65526) + b"SWAPSPACE2" + bytes(70000)})
    assert ("remove", "/swapfile", 65536) in did(planned(STEP, machine(root)))


def test_a_linked_swap_file_is_removed_where_it_is(tmp_path):
    root = tree(tmp_path, FSTAB + "/swap.img\tnone\tswap\tsw\t0\t0\n", files={
        "/swap.img": To("/var/lib/swap.img"), "/var/lib/swap.img": SWAPFILE})  # fmt: skip
    assert ("remove", "/var/lib/swap.img", 4096) in did(planned(STEP, machine(root)))


GPT = {
    "/lib/systemd/system-generators/systemd-gpt-auto-generator": "",
    "/run/udev/data/b254:5": "S:disk/by-uuid/x\nE:ID_PART_ENTRY_SCHEME=gpt\n"
    "E:ID_PART_ENTRY_TYPE=0657fd6d-a4ab-43c4-84e5-0933c84b4f4f\n",
}
MASK = ("link", "/etc/systemd/system-generators/systemd-gpt-auto-generator", "/dev/null")


def test_systemd_does_not_take_a_gpt_swap_partition_by_its_type(tmp_path):
    root = tree(tmp_path, FSTAB + SWAP_LINE, files=dict(OS_DISK, **GPT))
    assert MASK in did(planned(STEP, machine(root, live())))
    settled(root, live())


def test_an_mbr_swap_partition_needs_no_mask(tmp_path):
    files = dict(OS_DISK, **GPT)
    files["/run/udev/data/b254:5"] = "E:ID_PART_ENTRY_SCHEME=dos\nE:ID_PART_ENTRY_TYPE=0x82\n"
    assert MASK not in did(planned(STEP, machine(tree(tmp_path, FSTAB + SWAP_LINE, files=files), live())))


def test_without_the_generator_nothing_is_masked(tmp_path):
    files = dict(OS_DISK, **{path: text for path, text in GPT.items() if "generators" not in path})
    assert MASK not in did(planned(STEP, machine(tree(tmp_path, FSTAB + SWAP_LINE, files=files), live())))


def test_policy_leaves_swap_with_a_warning(tmp_path):
    root = tree(tmp_path, FSTAB + SWAP_LINE + FILE_LINE, ENTRY + " resume=UUID=x\n", files={"/swapfile": SWAPFILE})
    changes, facts = planned(STEP, machine(root), policy_of("os-swap.remove=no"))
    assert changes == [] and [fact.verdict for fact in facts] == ["warning"] and "/swapfile" in facts[0].evidence


def test_other_bytes_of_fstab_survive(tmp_path):
    odd = b"# \xe9t\xe9\r\nbroken line\n\n/dev/vdc1\t/srv/caf\xe9 ext4 defaults 0 2"
    root = tree(tmp_path, odd.decode("utf-8", "surrogateescape"))
    with open(root + "/etc/fstab", "wb") as stream:
        stream.write(b"LABEL=s none swap sw 0 0\n" + odd)
    change = planned(STEP, machine(root))[0][-1]
    assert change.path == "/etc/fstab" and change.content == odd


def test_rule_makes_the_loaders_configuration_anew_when_only_that_waits(tmp_path):
    root = tree(tmp_path, entries=ENTRY + " resume=UUID=gone\n")
    assert did(planned(RULE, machine(root), None, "")) == [("write", "/boot/entries", ENTRY + "\n")]
    root = tree(tmp_path / "other")
    assert did(planned(RULE, machine(root), None, "")) == []


def test_an_unreadable_swap_file_that_is_on_needs_no_look(tmp_path):
    root = tree(tmp_path, FSTAB + FILE_LINE, files=dict(OS_DISK, **{"/swapfile": SWAPFILE}))

    class Guarded(Guest):
        def open(self, path):
            if path == "/swapfile":
                from agentprep.errors import Unknown

                raise Unknown("/swapfile cannot be read: permission denied")
            return super().open(path)

    system = machine(root, live(Swap("/swapfile", "file", 8 << 20, 0)))
    guarded = system.on(Guarded(root, system.guest.commands))
    assert any(isinstance(item, Remove) and item.kept == 4096 for item in STEP.changes(guarded, policy_of()))
    assert content(root, "/etc/fstab") == FSTAB + FILE_LINE
