"""Every way to boot: a source machine is prepared, switched off, and boots; some are taken back and boot again."""

from typing import NamedTuple, Tuple

import pytest

from . import build, guests
from .agent import Timeout
from .disks import fresh_nvram
from .machine import Machine
from .ready import MODULES, SHORT, WANTED, assert_arguments, assert_ready, initrd_modules, loadable
from .scene import agentprep, seen, status

PREPARE = "run --yes --no-deprovision"
GRUB_CFG = "grep '^[[:blank:]]*linux[[:blank:]]' /boot/grub/grub.cfg"
DEFAULTS = ". /etc/default/grub; echo $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"
ENTRIES = "ls /boot/loader/entries/*.conf | grep -v rescue | xargs sed -n 's/^options //p'"


class Boot(NamedTuple):
    """A guest, and where its boot path keeps what."""

    guest: str
    wanted: Tuple[str, ...]  # arguments that Azure wants
    stores: Tuple[str, ...]  # scripts; each prints the arguments, line by line, of the entries and of future kernels
    images: str = "/boot/initrd.img-[1-9]*"  # initrds that are booted: shell patterns
    spared: str = ""  # files that stay as they are: shell patterns
    back: bool = False  # take it back, too


BOOTS = (
    Boot("uefi-dracut", WANTED, (GRUB_CFG, DEFAULTS), back=True),
    Boot("bls-entries", WANTED, (ENTRIES, "cat /etc/kernel/cmdline"),
         spared="/boot/loader/entries/*rescue.conf /boot/*-0-rescue-*"),
    Boot("bls-kernelopts", WANTED, ("grub-editenv - list | sed -n 's/^kernelopts=//p'",),
         spared="/boot/loader/entries/*.conf /boot/*-0-rescue-*"),
    Boot("systemd-boot", SHORT, ("sed -n 's/^options//p' /boot/efi/loader/entries/*.conf", "cat /etc/kernel/cmdline"),
         "/boot/initrd.img-* /boot/efi/*/*/initrd*"),
    Boot("grub-legacy", SHORT,
         ("sed -n 's/^kernel//p' /boot/grub/menu.lst", "sed -n 's/^# kopt=//p' /boot/grub/menu.lst")),
    Boot("bullseye", SHORT, (GRUB_CFG, DEFAULTS)),
)  # fmt: skip
EACH = pytest.mark.parametrize("boot", BOOTS, ids=[boot.guest.replace("-", "_") for boot in BOOTS])


class Source:
    """What was seen of a guest before agentprep came."""

    def __init__(self, vm, boot):
        self.cmdline = vm.out("cat /proc/cmdline")
        self.swaps = vm.out("cat /proc/swaps")
        self.images = images(vm, boot)
        self.files = seen(vm, "/etc", "/boot")


def images(vm, boot):
    """{path: names of the modules of MODULES in it} of every initrd that is booted."""
    found = vm.out(f"ls -d {boot.images}").split()
    return {image: initrd_modules(vm, image) & MODULES for image in found}


def assert_source(vm, boot, before):
    """The guest is a source machine; else its test would prove nothing."""
    assert {"quiet", f"resume=UUID={build.SWAP_UUID}", "net.ifnames=0"} <= set(before.cmdline.split())
    assert before.swaps.count("\n") == 2
    assert before.images
    assert not set().union(*before.images.values()), before.images
    hyperv = {name for kernel in vm.out("ls /lib/modules").split() for name in loadable(vm, kernel)}
    assert hyperv >= {"hv_storvsc", "hv_netvsc", "sd_mod"}


def assert_stored(vm, boot):
    """Every store agrees, and every initrd holds the modules."""
    for script in boot.stores:
        lines = vm.out(script).splitlines()
        assert lines, script
        for line in lines:
            assert_arguments(line.split(), boot.wanted)
    (kernel,) = vm.out("ls /lib/modules").split()
    for image, held in images(vm, boot).items():
        assert held >= loadable(vm, kernel), image


@EACH
def test_prepared_it_boots_ready_for_azure(boot, lab):
    with lab.source(boot.guest) as vm:
        before = Source(vm, boot)
        assert_source(vm, boot, before)
        spared = vm.out(f"sha256sum {boot.spared}") if boot.spared else ""
        document = agentprep(vm, "check", code=1)
        wrong = {key for key, verdict in status(document).items() if verdict == "would-change"}
        assert wrong >= {"kernel-cmdline", "initrd-hyperv", "os-swap", "fstab", "agent-conf", "ssh-server", "network"}
        assert seen(vm, "/etc", "/boot") == before.files

        agentprep(vm, PREPARE)
        assert_stored(vm, boot)
        assert not boot.spared or vm.out(f"sha256sum {boot.spared}") == spared
        if boot.back:
            vm.monitor.human("savevm prepared")
        files = seen(vm, "/etc", "/boot")
        assert agentprep(vm, PREPARE)["changes"] == []
        assert seen(vm, "/etc", "/boot") == files
        assert agentprep(vm, "check")["result"]["verdict"] == "ready"
        vm.poweroff()

    with lab.power_on(lab.vhd(vm.disk)) as booted:  # its firmware knows no entry, as that of a new machine on Azure
        assert_ready(booted, boot.wanted)
        assert agentprep(booted, "check")["result"]["verdict"] == "ready"
    if boot.back:
        taken_back(boot, lab, vm.disk, before)


def taken_back(boot, lab, disk, before):
    """Byte for byte what it was, and it boots as it did."""
    with lab.resumed(disk, "prepared") as vm:
        agentprep(vm, "rollback")
        files = seen(vm, "/etc", "/boot")
        assert files == before.files
        vm.poweroff()
    with lab.power_on(vm.disk) as vm:
        assert vm.out("cat /proc/cmdline") == before.cmdline
        assert vm.out("cat /proc/swaps").count("\n") == before.swaps.count("\n")
        assert vm.out("systemctl --failed --no-legend") == ""
        assert images(vm, boot) == before.images


def test_without_its_entry_in_the_firmware_the_source_machine_does_not_boot(lab):
    """Else the boot of uefi-dracut after its preparation would prove nothing of the fallback loader."""
    disk = lab.overlay(guests.disk("uefi-dracut"))
    fresh_nvram(disk)
    with Machine(disk, lab.name(".console")) as vm, pytest.raises(Timeout, match="found nothing to boot"):
        vm.connect(240)
