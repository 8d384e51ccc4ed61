"""A Debian 12 that lives on another hypervisor is prepared, taken back, deprovisioned, cut from power; and boots."""

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from . import build, guests
from .ready import MODULES, SHORT, assert_ready, initrd_modules, kernels
from .scene import Lab, agentprep, menu, seen, status

PREPARE = "run --yes --no-deprovision"


class Prepared:
    """A guest after `run --no-deprovision`: a disk with snapshot "prepared", and what was seen before and meanwhile."""

    def __init__(self, lab):
        with lab.source() as vm:
            self.disk = vm.disk
            self.cmdline = vm.out("cat /proc/cmdline")
            self.swaps = vm.out("cat /proc/swaps").count("\n") - 1
            self.modules = initrds(vm)
            self.files = seen(vm, "/etc", "/boot")
            self.swapfile = vm.out("stat --format='%a %u %g %s' /swapfile; head -c 4096 /swapfile | sha256sum")
            self.check = agentprep(vm, "check", code=1)
            self.files_after_check = seen(vm, "/etc", "/boot")
            self.run = agentprep(vm, PREPARE)
            vm.monitor.human("savevm prepared")
            vm.power_cut()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    yield Prepared(Lab(folder))
    for disk in folder.glob("*.qcow2"):
        disk.unlink()


def assert_prepared(vm):
    assert_ready(vm, SHORT)
    assert len(kernels(vm)) == 2
    for kernel, modules in initrds(vm).items():
        assert modules >= MODULES, kernel
    assert vm.sh("lsmod | grep -w floppy").rc == 1


def initrds(vm):
    """{kernel: names of the modules in its initrd}."""
    return {kernel: initrd_modules(vm, f"/boot/initrd.img-{kernel}") for kernel in kernels(vm)}


def test_the_guest_is_a_source_machine(prepared):
    """Else the tests below would prove nothing."""
    assert {"quiet", "crashkernel=384M-:128M", f"resume=UUID={build.SWAP_UUID}"} <= set(prepared.cmdline.split())
    assert prepared.swaps == 2
    assert len(prepared.modules) == 2
    for modules in prepared.modules.values():
        assert "virtio_blk" in modules
        assert not modules & MODULES


def test_check_says_what_is_not_ready_and_writes_nothing(prepared):
    document = prepared.check
    assert document["result"]["verdict"] == "not-ready"
    wrong = {key for key, verdict in status(document).items() if verdict == "would-change"}
    assert wrong >= {
        "kernel-cmdline", "initrd-hyperv", "os-swap", "fstab", "agent-package", "agent-conf", "ssh-server", "network",
        "floppy",
    }  # fmt: skip
    assert prepared.files_after_check == prepared.files


def test_prepared_it_boots_ready_for_azure(prepared, lab):
    with lab.resumed(prepared.disk, "prepared") as vm:
        for arguments in menu(vm):
            assert set(SHORT) <= set(arguments)
        derived = "stat --format='%n %i %Y %Z' /boot/grub/grub.cfg /boot/initrd.img-*"
        before, files = vm.out(derived), seen(vm, "/etc", "/boot")
        again = agentprep(vm, PREPARE)
        assert again["changes"] == []
        assert vm.out(derived) == before
        assert seen(vm, "/etc", "/boot") == files
        assert agentprep(vm, "check")["result"]["verdict"] == "ready"
        vm.poweroff()
    with lab.power_on(lab.raw(lab.vhd(vm.disk, "--generation", "1"))) as vm:
        assert_prepared(vm)
        document = agentprep(vm, "check")
        assert document["result"]["verdict"] == "ready"
        assert not set(status(document).values()) & {"would-change", "failed", "blocked", "skipped"}


def test_rolled_back_it_is_what_it_was(prepared, lab):
    with lab.resumed(prepared.disk, "prepared") as vm:
        agentprep(vm, "rollback")
        files = seen(vm, "/etc", "/boot")
        assert {path: found for path, found in files.items() if path in prepared.files} == prepared.files
        # A rollback says of a package that it stays: what is new came with one.
        new = sorted(path for path in set(files) - set(prepared.files) if "walinuxagent" not in path)
        owned = vm.out("dpkg -L waagent python3-pkg-resources").splitlines()
        assert [path for path in new if path not in owned] == []
        assert vm.out("stat --format='%a %u %g %s' /swapfile; head -c 4096 /swapfile | sha256sum") == prepared.swapfile
        vm.poweroff()
    with lab.power_on(vm.disk) as vm:
        assert vm.out("cat /proc/cmdline") == prepared.cmdline
        assert vm.out("cat /proc/swaps").count("\n") - 1 == prepared.swaps
        assert vm.out("systemctl --failed --no-legend") == ""
        assert initrds(vm) == prepared.modules


def test_a_full_boot_is_refused_before_anything_changes(lab):
    with lab.source() as vm:
        vm.sh("fallocate -l $(($(stat -f --format='%a * %S' /boot) - 8000000)) /boot/filler", check=True)
        before = seen(vm, "/etc", "/boot")
        document = agentprep(vm, PREPARE, code=3)
        assert "/boot" in document["result"]["message"]
        assert seen(vm, "/etc", "/boot") == before


def test_deprovisioned_from_a_shell_nothing_is_left_of_it(lab):
    """An operator logs in on the console and gives one command; the machine switches itself off."""
    secret = "echo a-word-that-no-history-may-keep"
    with lab.source("bookworm-waagent") as vm:
        vm.login("operator", "lab-operator")
        vm.type(secret + "\n")
        vm.expect("operator@")
        vm.type("sudo agentprep run --yes --poweroff\n")
        vm.expect("password for operator:")
        start = time.monotonic()
        vm.type("lab-operator\n")
        vm.wait_poweroff(1800)
        print(f"agentprep run --yes --poweroff: {time.monotonic() - start:.0f} s until the machine was off")
    left = offline(vm.disk, lab.folder / "left")
    for home in ("root", "home/operator"):
        for path in (left / home).rglob("*"):
            assert "history" not in path.name or not path.stat().st_size, path
    assert not [path for path in left.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert (left / "etc/machine-id").read_bytes() == b""
    assert sorted((left / "etc/ssh").glob("ssh_host_*")) == []
    assert sorted((left / "var/lib/waagent").iterdir()) == []
    assert sorted((left / "etc/udev/rules.d").glob("70-persistent*")) == []
    passwords = {line.split(":")[0]: line.split(":")[1] for line in (left / "etc/shadow").read_text().splitlines()}
    assert passwords["root"][:1] in "!*", "waagent.conf has Provisioning.DeleteRootPassword=y"
    assert passwords["operator"].startswith("$"), "deprovision.user is off: the user stays"
    for path in ("etc/shadow-", "etc/passwd-", "var/log/installer", "var/lib/agentprep/runs"):
        assert not (left / path).exists(), path
    assert (left / "etc/hostname").read_text().strip() == "localhost.localdomain"
    assert "source-vm" not in (left / "etc/hosts").read_text()
    document = json.loads((left / "var/lib/agentprep/report.json").read_text())
    assert document["result"]["verdict"] == "done"

    with lab.power_on(vm.disk) as vm:
        assert set(SHORT) <= set(vm.out("cat /proc/cmdline").split())
        assert len(vm.out("cat /etc/machine-id").strip()) == 32
        assert vm.out("cat /proc/swaps").count("\n") == 1


def offline(disk, folder):
    """Folders of the root file system as they are on a disk that is off; returns *folder*."""
    raw = disk.with_suffix(".raw")
    folder.mkdir()
    subprocess.run(["qemu-img", "convert", "-O", "raw", str(disk), str(raw)], check=True)
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
    for path in ("/etc", "/root", "/home", "/var/lib/waagent", "/var/lib/agentprep", "/var/log"):
        target = folder / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        image = f"{raw}?offset={guests.GUESTS['bookworm-source'].disk.part('root').at * build.MIB}"
        subprocess.run(
            ["debugfs", "-R", f"rdump {path} {target.parent}", image], check=True, env=env, stderr=subprocess.PIPE
        )
        assert target.is_dir(), path
    raw.unlink()
    return folder


# Moments of the power cut: so many seconds after the run has printed this; and what is done about it.
CUTS = (
    ("agent-package: running apt-get .*install", 5, "run"),
    ("os-swap: running swapoff", 1, "rollback"),
    ("initrd-hyperv: running mkinitramfs", 8, "run"),
    ("initrd-hyperv: running mkinitramfs", 60, "rollback"),
    ("kernel-cmdline: running grub-mkconfig", 3, "run"),
)


def test_after_a_power_cut_it_boots_and_can_go_on_or_back(prepared, lab):
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(lambda cut: cut_and_settle(prepared, lab, *cut), CUTS))
    assert all(told), "a cut came after the run"


def cut_and_settle(prepared, lab, line, seconds, then):
    """The guest has lost power and been brought to an end; True when the run was still at work at that moment."""
    with lab.source(cache="writeback") as vm:
        pid = vm.start(f"exec agentprep {PREPARE} >/run/printed 2>&1")
        vm.sh(f"until grep -q '{line}' /run/printed; do sleep 0.2; done", timeout=1800)
        time.sleep(seconds)
        inside = vm.wait(pid, 0) is None
        vm.power_cut()
    with lab.power_on(vm.disk, cache="writeback") as vm:
        state = agentprep(vm, "history")["runs"]
        print(f"power cut {seconds} s after {line!r}, {'during' if inside else 'after'} the run; on record: {state}")
        agentprep(vm, "rollback" if then == "rollback" else PREPARE)
        if then == "run":
            assert agentprep(vm, "check")["result"]["verdict"] == "ready"
        else:
            files = seen(vm, "/etc", "/boot")
            assert {path: found for path, found in files.items() if path in prepared.files} == prepared.files
        vm.poweroff()
    with lab.power_on(vm.disk) as vm:
        if then == "run":
            assert_prepared(vm)
        else:
            assert vm.out("cat /proc/cmdline") == prepared.cmdline
            assert vm.out("cat /proc/swaps").count("\n") - 1 == prepared.swaps
    vm.disk.unlink()
    return inside
