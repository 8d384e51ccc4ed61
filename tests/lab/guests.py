"""The guests and how each becomes a disk.

bookworm-source  a Debian 12 that lives on another hypervisor: BIOS, MBR, GRUB2, initramfs-tools with MODULES=dep
                 on a virtio disk, two kernels, a swap partition and a swap file, kdump-tools, no Azure agent
bookworm-waagent the same with Debian's waagent in its default configuration

A disk needs no loop device: file systems are made in place (mke2fs -d, -E offset), and what needs a block device
(swap, host-only initrds, grub-install) happens in one boot whose kernel QEMU loads itself.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from . import host
from .machine import Machine, overlay

HERE = Path(__file__).resolve().parent
MIB = 1 << 20
ROOT_UUID = "11111111-2222-4333-8444-555555555555"
BOOT_UUID = "11111111-2222-4333-8444-666666666666"
SWAP_UUID = "11111111-2222-4333-8444-777777777777"
# A /boot of 256 MiB has room for two initrds beside two; a test can fill it.
BOOT_MIB, SWAP_MIB, DISK_MIB = 256, 128, 2560
BOOT_AT, SWAP_AT, ROOT_AT = 1, 1 + BOOT_MIB, 1 + BOOT_MIB + SWAP_MIB
ROOT_MIB = DISK_MIB - ROOT_AT - 1
PACKAGES = (
    "systemd-sysv,libpam-systemd,udev,kmod,dbus,iproute2,procps,ifupdown,isc-dhcp-client,less,nano,eject,"
    "linux-image-amd64,linux-image-cloud-amd64,initramfs-tools,zstd,grub-pc,kdump-tools,e2fsprogs,fdisk,"
    "openssh-server,sudo,chrony,openssl,ca-certificates,qemu-guest-agent,"
    "python3,python3-psutil,python3-distro,python3-configobj"
)
# Later e2fsprogs turn these on; GRUB 2.06 cannot read such a file system.
EXT4 = ["-t", "ext4", "-O", "^metadata_csum_seed,^orphan_file"]

FIRST_BOOT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DISK=/dev/vda LAB_SWAP_UUID={swap}
mount -o remount,rw /
for m in "proc /proc" "sysfs /sys" "tmpfs /run" "devtmpfs /dev"; do
    set -- $m; mountpoint -q $2 || mount -t $1 $1 $2
done
/lib/systemd/systemd-udevd --daemon; udevadm trigger; udevadm settle
mount /boot
( set -ex; . /lab-setup-steps ) && echo "lab: setup done" || echo "lab: setup FAILED"
rm -f /lab-setup /lab-setup-steps
udevadm control --exit
# u remounts read-only even where this script keeps / busy, o switches off.
sync; for key in s u o; do echo $key >/proc/sysrq-trigger; sleep 1; done; sleep 60
"""
# norandmaps: see kernel.randomize_va_space in customize.sh.
DIRECT = "root=/dev/vda3 rw console=ttyS0 quiet panic=5 norandmaps init=/lab-setup"


class Guest(NamedTuple):
    suite: str
    recipe: str  # folder of prepare.sh, customize.sh, first-boot.sh
    base: str = ""  # another guest, which setup changes while it runs
    setup: str = ""


GUESTS = {
    "bookworm-source": Guest("bookworm", "bookworm-source"),
    "bookworm-waagent": Guest(
        "bookworm",
        "bookworm-source",
        "bookworm-source",
        "apt-get --quiet update && DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes install waagent",
    ),
}


def key(name):
    """Changes when anything changes that the finished disk is made from."""
    guest = GUESTS[name]
    made_from = (
        guest,
        PACKAGES,
        EXT4,
        BOOT_MIB,
        SWAP_MIB,
        DISK_MIB,
        ROOT_UUID,
        BOOT_UUID,
        SWAP_UUID,
        FIRST_BOOT,
        DIRECT,
    )
    digest = hashlib.sha256(repr(made_from).encode())
    for path in sorted((HERE / guest.recipe).iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def disk(name, say=print):
    """Path of the guest's finished disk, built now unless the cache has it.  Never write to it: see overlay()."""
    guest = GUESTS[name]
    path = host.cache() / f"{name}-{key(name)}.{'qcow2' if guest.base else 'raw'}"
    base = disk(guest.base, say) if guest.base else None
    with locked(name):
        if not path.exists():
            start = time.monotonic()
            say(f"building {name}; later uses take it from {path.parent}")
            with workshop(name) as work:
                made = derive(guest, base, work, say) if base else build(name, guest, work, say)
                made.replace(path)
            say(f"  {time.monotonic() - start:5.0f} s  in all")
    return path


def booted(name, say=print):
    """Path of a disk that holds the running machine as snapshot "booted": for a Machine on a copy of it."""
    base = disk(name, say)
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE, check=True).stdout
    command = hashlib.sha256(qemu + repr(Machine("", "").command()).encode()).hexdigest()[:8]
    path = base.with_name(f"{base.stem}-booted-{command}.qcow2")
    with locked(name):
        if not path.exists():
            with workshop(name) as work:
                made = overlay(base, work / "booted.qcow2")
                with step(say, f"{name} boots and its state is kept"), Machine(made, work / "console.log") as vm:
                    settle(vm)
                    vm.sh("sync; echo 3 >/proc/sys/vm/drop_caches", check=True)
                    vm.monitor.human("savevm booted")
                    vm.power_cut()
                made.replace(path)
    return path


def settle(vm, timeout=600):
    """Everything that starts at boot has started, on the console too; returns systemd's verdict."""
    vm.connect(timeout)
    verdict = vm.sh("systemctl is-system-running --wait", timeout=timeout).out.strip()
    vm.expect("login:", timeout)
    return verdict


@contextmanager
def locked(name):
    """Nobody else builds this guest meanwhile."""
    with open(str(host.cache() / f".{name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def workshop(name):
    """An empty folder beside the finished guests, under their lock; what a killed build has left there is gone."""
    for left in host.cache().glob(f".{name}.making-*"):
        shutil.rmtree(str(left))
    with tempfile.TemporaryDirectory(prefix=f".{name}.making-", dir=str(host.cache())) as work:
        yield Path(work)


@contextmanager
def step(say, title):
    start = time.monotonic()
    yield
    say(f"  {time.monotonic() - start:5.0f} s  {title}")


def build(name, guest, work, say):
    """A finished raw disk in *work*; returns its path."""
    if os.geteuid():
        raise SystemExit("lab: building a guest needs root (mmdebstrap keeps the files' owners)")
    root, boot, image = work / "root", work / "boot", work / "disk.raw"
    with step(say, "Debian packages (mmdebstrap)"):
        bootstrap(guest, root, work / "mmdebstrap.log")
    with step(say, "disk image"):
        (root / "lab-setup").write_text(FIRST_BOOT.format(swap=SWAP_UUID))
        (root / "lab-setup").chmod(0o755)
        shutil.copy(str(HERE / guest.recipe / "first-boot.sh"), str(root / "lab-setup-steps"))
        kernel = sorted((root / "boot").glob("vmlinuz-*-cloud-amd64"))[0]
        initrd = kernel.with_name(kernel.name.replace("vmlinuz", "initrd.img"))
        shutil.copy(str(kernel), str(work / "vmlinuz"))
        shutil.copy(str(initrd), str(work / "initrd"))
        (root / "boot").rename(boot)
        (root / "boot").mkdir()
        compose(image, root, boot)
        shutil.rmtree(str(root))
    with step(say, "first boot: swap, initrds, GRUB"):
        direct = ["-kernel", work / "vmlinuz", "-initrd", work / "initrd", "-append", DIRECT]
        with Machine(image, work / "first-boot.log", extra=direct) as vm:
            vm.expect("lab: setup ", timeout=600)
            vm.wait_poweroff(60)
            if "lab: setup done" not in vm.console():
                vm.fail("the first boot failed")
    return image


def bootstrap(guest, root, log):
    """*root* holds the installed and customised guest."""
    command = ["mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", f"--include={PACKAGES}"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "locale", "doc")]
    command += ["--dpkgopt=force-unsafe-io", '--aptopt=APT::Install-Recommends "false"']
    command += ["--aptopt=" + option for option in ('Acquire::Languages "none"', *host.apt_options())]
    recipe = HERE / guest.recipe
    command += [f"--essential-hook={recipe / 'prepare.sh'}", f"--customize-hook={recipe / 'customize.sh'}"]
    command += [guest.suite, str(root), *host.apt_sources(guest.suite)]
    env = dict(os.environ, LAB_SWAP_UUID=SWAP_UUID, LAB_BOOT_UUID=BOOT_UUID, LC_ALL="C.UTF-8")
    with open(str(log), "wb") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env)
    if done.returncode:
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-25:])
        raise SystemExit(f"lab: mmdebstrap ended with {done.returncode}:\n{tail}")


def compose(image, root, boot):
    """*image* has an MBR, /boot, room for swap, and /."""
    with open(str(image), "wb") as file:
        file.truncate(DISK_MIB * MIB)
    table = (
        f"label: dos\nstart={BOOT_AT}MiB, size={BOOT_MIB}MiB, type=83, bootable\n"
        f"start={SWAP_AT}MiB, size={SWAP_MIB}MiB, type=82\nstart={ROOT_AT}MiB, size={ROOT_MIB}MiB, type=83\n"
    )
    subprocess.run(["sfdisk", "--quiet", str(image)], input=table.encode(), check=True)
    for label, uuid, folder, at, size in (
        ("source-boot", BOOT_UUID, boot, BOOT_AT, BOOT_MIB),
        ("source-root", ROOT_UUID, root, ROOT_AT, ROOT_MIB),
    ):
        subprocess.run(
            [
                "mke2fs",
                "-q",
                "-F",
                *EXT4,
                "-L",
                label,
                "-U",
                uuid,
                "-d",
                str(folder),
                "-E",
                f"offset={at * MIB}",
                str(image),
                f"{size}M",
            ],
            check=True,
        )


def derive(guest, base, work, say):
    """A disk on top of *base* on which guest.setup has run."""
    made = overlay(base, work / "disk.qcow2")
    with step(say, f"a boot of {guest.base}: {guest.setup}"), Machine(made, work / "console.log") as vm:
        vm.connect()
        vm.sh(guest.setup, timeout=600, check=True)
        vm.poweroff()
    return made
