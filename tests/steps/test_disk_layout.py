"""What lies between / and the disk."""

import pytest

from agentprep.changes import Remove, Write
from agentprep.live import Mount
from agentprep.steps.disk_layout import STEP
from tests.steps.machines import disk, machine, mapped, partition
from tests.trees import FakeLive, content, make_tree, planned

PLAIN = dict(disk("vda"), **dict(partition("vda", "vda1", 2048, 1), **partition("vda", "vda15", 4096, 15)))


def facts_of(tmp_path, files, device="/dev/vda1"):
    live = FakeLive(mounts=(Mount(device, "/", "ext4", "rw"),))
    changes, facts = planned(STEP, machine(make_tree(tmp_path / "root", files), live))
    assert changes == []
    return facts


def test_plain_partition(tmp_path):
    facts = facts_of(tmp_path, PLAIN)
    assert [fact.verdict for fact in facts] == ["ok"] and "sector 2048" in facts[0].evidence


def test_old_partitioning_from_sector_63(tmp_path):
    files = dict(disk("sda"), **partition("sda", "sda1", 63, 1))
    facts = facts_of(tmp_path, files, "/dev/sda1")
    assert [fact.verdict for fact in facts] == ["warning"] and "sda1 (sector 63)" in facts[0].evidence


@pytest.mark.parametrize("layers, verdict, word", [
    ([("dm-0", "vg-root", ["vda1"], "LVM")], "warning", "LVM"),
    ([("dm-0", "luks", ["vda1"], "CRYPT-LUKS2")], "warning", "encrypted"),
])  # fmt: skip
def test_device_mapper(tmp_path, layers, verdict, word):
    files = dict(PLAIN)
    for layer in layers:
        files.update(mapped(*layer))
    facts = facts_of(tmp_path, files, "/dev/mapper/" + layers[-1][1])
    assert [fact.verdict for fact in facts] == [verdict] and word in facts[0].evidence


def test_lvm_on_encryption_is_both(tmp_path):
    files = dict(PLAIN, **mapped("dm-0", "luks", ["vda1"], "CRYPT"))
    files.update(mapped("dm-1", "vg-root", ["dm-0"], "LVM"))
    told = " ".join(fact.evidence for fact in facts_of(tmp_path, files, "/dev/mapper/vg-root"))
    assert "LVM" in told and "encrypted" in told


def test_raid_is_refused(tmp_path):
    files = dict(PLAIN, **{"/dev/md0": "", "/sys/class/block/md0/slaves/vda1": ""})
    facts = facts_of(tmp_path, files, "/dev/md0")
    assert facts[0].verdict == "failed" and "RAID" in facts[0].evidence


@pytest.mark.parametrize("device, verdict", [
    ("UUID=x", "ok"), ("/dev/mapper/debian--vg-root", "warning"), ("/dev/vg/root", "warning"), ("/dev/md0", "failed"),
    ("/dev/mapper/luks-1", "warning"), ("/dev/mapper/mpathap2", "ok"), ("/dev/vda1", "ok"), ("LABEL=root", "ok"),
])  # fmt: skip
def test_a_tree_is_judged_by_its_fstab(tmp_path, device, verdict):
    root = make_tree(tmp_path / "root", {"/etc/fstab": "%s / ext4 defaults 0 1\n" % device})
    assert planned(STEP, machine(root))[1][0].verdict == verdict


def test_devices_file_of_lvm_is_renamed(tmp_path):
    path = "/etc/lvm/devices/system.devices"
    text = "VERSION=1.1.2\nIDTYPE=sys_wwid IDNAME=t10.x DEVNAME=/dev/vda2 PVID=y PART=2\n"
    root = make_tree(tmp_path / "root", dict(PLAIN, **{path: text}))
    changes = planned(STEP, machine(root))[0]
    assert [(type(change), change.path) for change in changes] == [(Write, path + ".agentprep"), (Remove, path)]
    for change in changes:
        change.apply(machine(root).guest)
    assert planned(STEP, machine(root))[0] == [] and content(root, path + ".agentprep") == text


FSTAB = {"/etc/fstab": "/dev/mapper/cl-root / xfs defaults 0 0\n"}


@pytest.mark.parametrize("setting, verdict", [
    ('filter = [ "a|/dev/vda.*|", "r|.*|" ]', "failed"), ('global_filter = [ "a|^/dev/sd|", "r|.*|" ]', "failed"),
    ('filter = [ "a|^/dev/(sd|nvme)|", "r|.*|" ]', "warning"), ('# filter = [ "r|.*|" ]', "warning"),
])  # fmt: skip
def test_filters_of_lvm_that_keep_it_from_azures_names(tmp_path, setting, verdict):
    root = make_tree(tmp_path / "root", dict(FSTAB, **{"/etc/lvm/lvm.conf": "devices {\n\t%s\n}\n" % setting}))
    assert max(fact.verdict == "failed" for fact in planned(STEP, machine(root))[1]) == (verdict == "failed")
    plain = make_tree(tmp_path / "plain", {"/etc/lvm/lvm.conf": "devices {\n\t%s\n}\n" % setting})
    assert [fact.verdict for fact in planned(STEP, machine(plain))[1]] == ["ok"], "LVM is not needed to boot"
