"""The whole of it on a Debian 12 tree: the plan is pure, a run settles, the second is empty, a rollback is exact."""

import json
import os

import jsonschema
import pytest

import agentprep
from agentprep import report, session
from tests.roots import debian12, entries, read
from tests.snapshots import snapshot
from tests.worlds import World

SCHEMA = os.path.join(os.path.dirname(agentprep.__file__), "report.schema.json")


def validated(told, **options):
    document = json.loads(report.document(told, **options))
    with open(SCHEMA) as stream:
        jsonschema.validate(document, json.load(stream))
    return document


@pytest.fixture
def world(tmp_path):
    return World(debian12.make(tmp_path / "guest"))


def test_check_and_plan_write_nothing(world):
    before = snapshot(world.root, own=True)
    told = world.check()
    assert told.result.exit_code == 1
    status = {one.id: one.status for one in told.findings}
    for name in ("kernel-cmdline", "initrd-hyperv", "os-swap", "kernel-udf", "agent-conf"):
        assert status[name] == "would-change", (name, status[name])
    validated(told)
    planned = world.plan()
    assert planned.result.exit_code == 0 and any(one.one_way for one in planned.changes)
    validated(planned)
    assert snapshot(world.root, own=True) == before and world.commands.ran == []


def test_a_run_brings_it_about_and_check_says_ready(world):
    told = world.run(deprovision=False)
    assert told.result.exit_code == 0, told.result
    document = validated(told)
    assert {one["status"] for one in document["findings"]} <= {"ok", "changed", "warning", "person"}
    lines = entries(world.root)
    assert len(lines) == 5
    for arguments in lines.values():
        assert arguments.count("console=ttyS0,115200n8") == 1 and "rootdelay=30" in arguments
        assert not [one for one in arguments if one.startswith(("quiet", "crashkernel", "resume"))]
    for version in debian12.KERNELS:
        image = read(world.root, "/boot/initrd.img-" + version)
        for name in (b"hv_vmbus", b"hv_storvsc", b"hv_netvsc", b"hid-hyperv", b"hyperv-keyboard", b"sd_mod",
                     b"scsi_transport_fc", b"virtio_blk"):  # fmt: skip
            assert name + b".ko" in image, name
    conf = read(world.root, "/etc/waagent.conf").decode()
    for line in ("Provisioning.Agent=waagent", "ResourceDisk.Format=y", "ResourceDisk.MountPoint=/mnt/resource",
                 "ResourceDisk.EnableSwap=y", "ResourceDisk.SwapSizeMB=2048"):  # fmt: skip
        assert "\n%s\n" % line in conf
    assert "swap" not in read(world.root, "/etc/fstab").decode()
    assert not os.path.exists(world.root + "/swapfile")
    assert read(world.root, "/etc/initramfs-tools/conf.d/resume") == b"RESUME=none\n"
    assert [argv[0] for argv in world.commands.ran].count("grub-mkconfig") == 1
    assert [argv[0] for argv in world.commands.ran].count("mkinitramfs") == 2
    assert world.check().result.exit_code == 0
    assert os.stat(world.root + "/var/lib/agentprep/report.json").st_mode & 0o777 == 0o600


def test_the_second_run_changes_nothing_and_says_why(world):
    world.run(deprovision=False)
    before, ran = snapshot(world.root), len(world.commands.ran)
    told = world.run(deprovision=False)
    assert told.result.exit_code == 0 and not told.changes
    assert snapshot(world.root) == before and len(world.commands.ran) == ran
    assert all(one.evidence for one in told.findings), [one.id for one in told.findings if not one.evidence]
    assert {one.status for one in told.findings} <= {"ok", "warning", "person"}


def test_a_rollback_gives_back_every_byte(world):
    before = snapshot(world.root)
    world.run(deprovision=False)
    told = world.rollback()
    assert told.result.exit_code == 0
    validated(told)
    after = snapshot(world.root)
    assert after == before, [path for path in set(before) | set(after) if before.get(path) != after.get(path)]
    assert world.check().result.exit_code == 1
    assert world.rollback().result.message.startswith("There is nothing to take back")


def test_deprovisioning_is_last_and_leaves_no_copies(world):
    told = world.run()
    assert told.result.exit_code == 0, told.result
    assert told.result.undo == ""
    for path in ("/etc/ssh/ssh_host_ed25519_key", "/root/.bash_history", "/home/operator/.bash_history"):
        assert not os.path.exists(world.root + path) or not read(world.root, path), path
    assert read(world.root, "/etc/machine-id") in (b"", b"uninitialized\n")
    kept = b"".join(read(world.root, path) for path in snapshot(world.root, own=True)
                    if path.startswith("/var/lib/agentprep/") and os.path.isfile(world.root + path))  # fmt: skip
    assert b"mysql -psecret" not in kept and b"$y$j9T" not in kept and b"diff" not in kept
    assert not os.path.exists(world.root + "/var/lib/agentprep/runs")
    assert world.rollback().result.message == "There is nothing to take back."


def test_declining_leaves_it_prepared_and_undoable(world):
    before = snapshot(world.root)
    told = world.run(confirm=lambda records: False)
    assert told.result.verdict == "declined" and told.result.exit_code == 1
    assert os.path.exists(world.root + "/etc/ssh/ssh_host_ed25519_key")
    world.rollback()
    assert snapshot(world.root) == before


def test_the_agent_is_installed_when_it_is_missing(tmp_path):
    world = World(debian12.make(tmp_path / "guest", agent=False))
    planned = world.plan(deprovision=False)
    assert any(one.guessed for one in planned.changes), "what the package brings cannot be known before"
    told = world.run(deprovision=False)
    assert told.result.exit_code == 0, told.result
    assert any(argv[0] == "apt-get" and argv[-1] == "waagent" for argv in world.commands.ran)
    assert b"Provisioning.Agent=waagent" in read(world.root, "/etc/waagent.conf")
    assert world.check().result.exit_code == 0
    assert any("purge waagent" in one for one in world.rollback().result.person)


def test_skip_and_only(world):
    told = world.run(deprovision=False, skip=("kernel-cmdline",))
    assert told.result.exit_code == 0, told.result
    for arguments in entries(world.root).values():
        assert "rootdelay=30" not in arguments and not [one for one in arguments if one.startswith("resume")]
    only = World(world.root).check(only=("kernel-cmdline",))
    assert [one.id for one in only.findings] == ["kernel-cmdline"] and only.result.exit_code == 1


def test_every_row_of_the_catalogue_has_its_step():
    wanted = (
        "architecture kernel-hyperv kernel-udf numa disk-size disk-layout fstab os-swap kernel-cmdline grub-serial "
        "initrd-hyperv efi-fallback agent-package agent-conf cloud-init ssh-server network sudo time floppy "
        "certification deprovision"
    )
    assert set(wanted.split()) <= set(session.known_ids())


def test_every_requirement_is_explained():
    from agentprep.deprovision import STEPS as LAST
    from agentprep.steps import STEPS

    for step in tuple(STEPS) + tuple(LAST):
        assert len(step.title) < 100 and len(step.reason) > 80, step.id
        assert step.source and step.remedy, step.id
        assert report.explanation(step).count("\n") > 5
