"""The guests.  Each imitates a machine that lives on another hypervisor: its disk is virtio, its initrds hold what it
needs there and no module of Hyper-V, it swaps, it boots quietly.  How a row becomes a disk is told in build.py.
"""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Tuple

from . import build, host
from .disks import nvram, overlay
from .machine import Machine

BASE = (
    "systemd-sysv,libpam-systemd,udev,kmod,dbus,iproute2,procps,ifupdown,eject,e2fsprogs,fdisk,zstd,passwd,"
    "openssh-server,sudo,chrony,openssl,ca-certificates,qemu-guest-agent,linux-image-cloud-amd64,"
    "python3,python3-psutil,python3-distro,python3-configobj,"
)
# Later e2fsprogs turn these on; GRUB 2.06 cannot read such a file system.
EXT4 = ("-t", "ext4", "-O", "^metadata_csum_seed,^orphan_file")
# As mke2fs 1.40 made them: GRUB 0.97 reads inodes of 128 bytes.
EXT3 = ("-t", "ext3", "-I", "128", "-O", "^metadata_csum,^64bit,^huge_file,^dir_nlink,^extra_isize")


class Guest(NamedTuple):
    """A disk that mmdebstrap makes, or a change of another guest's.

    `recipes` are folders of recipes/, worked through in this order; each may hold, as build.py runs them:
      prepare.sh     before the packages come; $1 is the root folder
      customize.sh   when all packages are installed; $1 is the root folder
      first-boot.sh  in the guest, once, as its init, with every file system mounted; $DISK is the disk
      derive.sh      in the running guest whose row names a `base`
    """

    about: str
    recipes: Tuple[str, ...]
    suite: str = ""
    packages: str = ""
    disk: build.Layout = build.Layout()
    base: str = ""
    security: bool = True  # packages come from the suite's security archive too


MBR = build.Layout("dos", boot=256, swap=128, size=2560, ext=EXT4)
SOURCE, DEP = "source-machine", "initramfs-dep"
GUESTS = {
    "bookworm-source": Guest(
        "Debian 12, BIOS, MBR, GRUB 2.06, initramfs-tools, two kernels, swap partition and file, kdump-tools, no agent",
        (SOURCE, DEP, "grub-pc", "bookworm-source"),
        "bookworm",
        BASE + "linux-image-amd64,initramfs-tools,grub-pc,kdump-tools,isc-dhcp-client,less,nano",
        MBR,
    ),
    "bookworm-waagent": Guest("the same with Debian's waagent as it comes", ("waagent",), base="bookworm-source"),
    "bullseye": Guest(
        "Debian 11: Python 3.9, GRUB 2.06, initramfs-tools 0.140; waagent 2.2.47 to be had, not installed",
        (SOURCE, DEP, "grub-pc"),
        "bullseye",
        BASE + "initramfs-tools,grub-pc,isc-dhcp-client,host,iptables,net-tools,parted",
        MBR,
        security=False,  # it lists kernels that it does not hold any more
    ),
    "uefi-dracut": Guest(
        "Debian 13, UEFI without fallback loader, GPT, shim and GRUB 2.12, dracut 106",
        (SOURCE, "dracut", "grub-efi"),
        "trixie",
        BASE + "dracut,grub-efi-amd64,grub-efi-amd64-signed,shim-signed,efibootmgr,isc-dhcp-client,waagent",
        build.Layout("gpt", esp=64, swap=128, size=2560, ext=EXT4),
    ),
    "bls-entries": Guest(
        "forky laid out as RHEL 9: UEFI, GRUB 2.14 whose menu is made of boot entries with options, dracut 112",
        (SOURCE, "dracut", "grub-efi", "bls-entries"),
        "forky",
        BASE + "dracut,grub-efi-amd64,efibootmgr,dhcpcd-base,waagent",
        build.Layout("gpt", esp=64, boot=256, swap=128, size=2560, ext=EXT4),
        security=False,
    ),
    "bls-kernelopts": Guest(
        "the same laid out as RHEL 8: options $kernelopts, which grubenv holds", ("bls-kernelopts",), base="bls-entries"
    ),
    "systemd-boot": Guest(
        "Debian 13, UEFI, systemd-boot 257, kernel-install with layout bls, initramfs-tools",
        (SOURCE, DEP, "systemd-boot"),
        "trixie",
        BASE + "initramfs-tools,systemd-boot,efibootmgr,isc-dhcp-client,waagent",
        build.Layout("gpt", esp=256, swap=128, size=2560, ext=EXT4),
    ),
    "grub-legacy": Guest(
        "Debian 12, BIOS, MBR, GRUB 0.97 with menu.lst, ext3 with inodes of 128 bytes, initramfs-tools",
        (SOURCE, DEP, "grub-legacy"),
        "bookworm",
        BASE + "initramfs-tools,grub-legacy,isc-dhcp-client,waagent",
        MBR._replace(ext=EXT3),
    ),
}  # fmt: skip


def key(name):
    """Changes when anything changes that the finished disk is made from."""
    guest = GUESTS[name]
    digest = hashlib.sha256(repr((guest[1:], build.CONSTANTS)).encode())
    if guest.base:
        digest.update(key(guest.base).encode())
    for folder in guest.recipes:
        for path in sorted((build.RECIPES / folder).iterdir()):
            digest.update(f"{folder}/{path.name}".encode() + b"\0" + path.read_bytes())
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
            for left in resting(name):
                left.unlink()
            with workshop(name) as work:
                made = build.derive(guest, base, work, say) if base else build.build(guest, work, say)
                keep(made, path)
            say(f"  {time.monotonic() - start:5.0f} s  in all")
    return path


def resting(name):
    """The disks in the cache that lie on top of a guest's, which they would not fit if it were made anew."""
    above = [other for other, guest in GUESTS.items() if guest.base == name]
    patterns = [f"{name}-{key(name)}-booted-*"] + [f"{other}-{key(other)}*" for other in above]
    return [path for pattern in patterns for path in host.cache().glob(pattern)]


def booted(name, say=print):
    """Path of a disk that holds the running machine as snapshot "booted": for a Machine on a copy of it."""
    base = disk(name, say)
    qemu = subprocess.run(["qemu-system-x86_64", "--version"], stdout=subprocess.PIPE, check=True).stdout
    command = hashlib.sha256(qemu + repr(Machine("guest.qcow2", "").command()).encode()).hexdigest()[:8]
    path = base.with_name(f"{base.stem}-booted-{command}.qcow2")
    with locked(name):
        if not path.exists():
            with workshop(name) as work:
                made = overlay(base, work / "booted.qcow2")
                with build.step(say, f"{name} boots and its state is kept"), Machine(made, work / "log") as vm:
                    settle(vm)
                    vm.sh("sync; echo 3 >/proc/sys/vm/drop_caches", check=True)
                    vm.monitor.human("savevm booted")
                    vm.power_cut()
                keep(made, path)
    return path


def settle(vm, timeout=900):
    """Everything that starts at boot has started, on the console too; returns systemd's verdict."""
    vm.connect(timeout)
    verdict = vm.sh("systemctl is-system-running --wait", timeout=timeout).out.strip()
    vm.expect("login:", timeout)
    return verdict


def keep(made, path):
    """A finished disk is in the cache; one whose name is there is whole."""
    if nvram(made).exists():
        nvram(made).replace(nvram(path))
    made.replace(path)


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
