"""The size of the OS disk, as /sys of a live machine tells it."""

import pytest

from agentprep.live import Mount
from agentprep.steps.disk_size import GIB, MIB, STEP, TIB
from tests.steps.machines import disk, machine, mapped, partition
from tests.trees import FakeLive, make_tree, planned

LIVE = FakeLive(mounts=(Mount("/dev/vda1", "/", "ext4", "rw"),))
UEFI = {"/boot/efi/EFI/debian/grubx64.efi": "MZ"}


def facts_of(tmp_path, size, files=(), live=LIVE):
    assert size % 512 == 0
    more = dict(disk("vda", size // 512), **partition("vda", "vda1", 2048, 1, uuid="x"))
    more.update(dict(files))
    changes, facts = planned(STEP, machine(make_tree(tmp_path / "root", more), live))
    assert changes == []
    return facts


def test_whole_mib(tmp_path):
    facts = facts_of(tmp_path, 20 * GIB)
    assert [fact.verdict for fact in facts] == ["ok"] and "vda has 20480 MiB" in facts[0].evidence


@pytest.mark.parametrize("size, whole", [(20 * GIB + 512, 20 * GIB + MIB), (1073995776, 1025 * MIB), (MIB - 512, MIB)])
def test_anything_else_names_the_size_to_grow_to(tmp_path, size, whole):
    facts = facts_of(tmp_path, size)
    assert [fact.verdict for fact in facts] == ["person"] and str(size) in facts[0].evidence
    assert "%d bytes (%d MiB)" % (whole, whole // MIB) in facts[0].remedy
    assert "qemu-img resize -f raw IMAGE %d" % whole in facts[0].remedy


@pytest.mark.parametrize("size, files, verdicts", [
    (1023 * GIB, {}, ["ok"]),
    (1024 * GIB, {}, ["note", "ok"]),
    (2 * TIB, {}, ["note", "ok"]),
    (2 * TIB + MIB, {}, ["failed"]),
    (2 * TIB + MIB, UEFI, ["note", "ok"]),
    (4 * TIB, UEFI, ["note", "ok"]),
    (4 * TIB + 512, UEFI, ["warning", "person"]),
])  # fmt: skip
def test_limits_by_generation(tmp_path, size, files, verdicts):
    facts = facts_of(tmp_path, size, files)
    assert [fact.verdict for fact in facts] == verdicts
    assert ("generation 2" if files else "generation 1") in facts[-1].evidence or verdicts[-1] == "person"


def test_through_lvm_and_encryption(tmp_path):
    files = dict(mapped("dm-0", "luks", ["vda1"], "CRYPT"), **mapped("dm-1", "vg-root", ["dm-0"], "LVM"))
    live = FakeLive(mounts=(Mount("/dev/mapper/vg-root", "/", "ext4", "rw"),))
    assert [fact.verdict for fact in facts_of(tmp_path, 20 * GIB, files, live)] == ["ok"]


def test_of_several_disks_none_is_the_os_disk(tmp_path):
    files = dict(disk("vdb", number=16), **mapped("dm-1", "vg-root", ["vda1", "vdb"], "LVM"))
    live = FakeLive(mounts=(Mount("/dev/mapper/vg-root", "/", "ext4", "rw"),))
    facts = facts_of(tmp_path, 20 * GIB, files, live)
    assert [fact.verdict for fact in facts] == ["failed"] and "vda, vdb" in facts[0].evidence


def test_what_cannot_be_seen_is_not_judged(tmp_path):
    assert [fact.verdict for fact in facts_of(tmp_path, 20 * GIB, live=None)] == ["note"]
    unknown = FakeLive(mounts=(Mount("overlay", "/", "overlay", "rw"),))
    assert [fact.verdict for fact in facts_of(tmp_path / "other", 20 * GIB, live=unknown)] == ["skipped"]
