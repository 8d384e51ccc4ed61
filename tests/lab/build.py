"""How a guest becomes a disk, without a loop device.

File systems are made in place (mke2fs -d, -E offset); what needs a block device or the guest's firmware (host-only
initrds, the boot loader) happens in one boot whose kernel QEMU loads itself.
"""

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Tuple

from . import host
from .disks import fresh_nvram, overlay
from .machine import Machine

RECIPES = Path(__file__).resolve().parent / "recipes"
MIB = 1 << 20
ROOT_UUID = "11111111-2222-4333-8444-555555555555"
BOOT_UUID = "11111111-2222-4333-8444-666666666666"
SWAP_UUID = "11111111-2222-4333-8444-777777777777"
ESP_ID = "1AB0-0001"

FIRST_BOOT = """#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -o remount,rw /
for m in "proc /proc" "sysfs /sys" "tmpfs /run" "devtmpfs /dev"; do
    set -- $m; mountpoint -q $2 || mount -t $1 $1 $2
done
test -d /sys/firmware/efi && mount -t efivarfs efivarfs /sys/firmware/efi/efivars
/lib/systemd/systemd-udevd --daemon; udevadm trigger; udevadm settle
mount -a
( set -ex; . /lab-setup.d/environment; for part in /lab-setup.d/*.sh; do . $part; done ) &&
    echo "lab: setup done" || echo "lab: setup FAILED"
rm -rf /lab-setup /lab-setup.d
udevadm control --exit
# u remounts read-only even where this script keeps / busy, o switches off.
sync; for key in s u o; do echo $key >/proc/sysrq-trigger; sleep 1; done; sleep 60
"""
# norandmaps: see kernel.randomize_va_space in recipes/source-machine.
DIRECT = "root=/dev/vda{root} rw console=ttyS0 quiet panic=5 norandmaps init=/lab-setup"
# All that a finished disk is made from beside its row and its recipes.
CONSTANTS = (ROOT_UUID, BOOT_UUID, SWAP_UUID, ESP_ID, FIRST_BOOT, DIRECT)


class Part(NamedTuple):
    """One partition; sizes in MiB."""

    kind: str
    number: int
    at: int
    size: int


class Layout(NamedTuple):
    """A disk of `size` MiB: an ESP, /boot and swap of so many MiB, where not 0, and / on the rest."""

    table: str = ""
    esp: int = 0
    boot: int = 0
    swap: int = 0
    size: int = 0
    ext: Tuple[str, ...] = ()  # options of mke2fs

    def parts(self):
        found, at = [], 1
        for kind, size in (("esp", self.esp), ("boot", self.boot), ("swap", self.swap), ("root", 0)):
            size = size or (self.size - at - 1 if kind == "root" else 0)
            if size:
                found.append(Part(kind, len(found) + 1, at, size))
                at += size
        return found

    def part(self, kind):
        """The Part of a kind, or None."""
        return next((part for part in self.parts() if part.kind == kind), None)

    def fstab(self):
        lines = {
            "root": f"LABEL=source-root\t/\t{self.ext[1]}\terrors=remount-ro\t0\t1",
            "boot": f"UUID={BOOT_UUID}\t/boot\t{self.ext[1]}\tdefaults\t0\t2",
            "esp": f"UUID={ESP_ID}\t/boot/efi\tvfat\tumask=0077\t0\t1",
            "swap": f"# swap was on /dev/vda{self.part('swap').number} during installation\n"
            f"UUID={SWAP_UUID}\tnone\tswap\tsw\t0\t0",
        }
        return "".join(line + "\n" for kind, line in lines.items() if self.part(kind))


@contextmanager
def step(say, title):
    start = time.monotonic()
    yield
    say(f"  {time.monotonic() - start:5.0f} s  {title}")


def build(guest, work, say):
    """A finished raw disk in *work*; returns its path."""
    if os.geteuid():
        raise SystemExit("lab: building a guest needs root (mmdebstrap keeps the files' owners)")
    root, image = work / "root", work / "disk.raw"
    with step(say, "Debian packages (mmdebstrap)"):
        bootstrap(guest, root, work / "mmdebstrap.log")
    with step(say, "disk image"):
        steps(guest, root)
        kernel = sorted((root / "boot").glob("vmlinuz-*-cloud-amd64"))[0]
        initrd = kernel.with_name(kernel.name.replace("vmlinuz", "initrd.img"))
        shutil.copy(str(kernel), str(work / "vmlinuz"))
        shutil.copy(str(initrd), str(work / "initrd"))
        compose(guest.disk, image, root)
        shutil.rmtree(str(root))
    with step(say, "first boot: " + ", ".join(guest.recipes)):
        append = DIRECT.format(root=guest.disk.part("root").number)
        direct = ["-kernel", work / "vmlinuz", "-initrd", work / "initrd", "-append", append]
        if guest.disk.esp:
            fresh_nvram(image)
        with Machine(image, work / "first-boot.log", extra=direct) as vm:
            vm.expect("lab: setup ", timeout=900)
            vm.wait_poweroff(60)
            if "lab: setup done" not in vm.console():
                vm.fail("the first boot failed")
    return image


def bootstrap(guest, root, log):
    """*root* holds the installed and customised guest."""
    command = ["mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", f"--include={guest.packages}"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("man", "locale", "doc")]
    command += ["--skip=cleanup/reproducible"]  # it would empty /etc/machine-id, after which boot entries are named
    command += ["--dpkgopt=force-unsafe-io", '--aptopt=APT::Install-Recommends "false"']
    command += ["--aptopt=" + option for option in ('Acquire::Languages "none"', *host.apt_options())]
    for hook, script in (("essential", "prepare.sh"), ("customize", "customize.sh")):
        command += [f"--{hook}-hook={path}" for path in recipe(guest, script)]
    command += [guest.suite, str(root), *host.apt_sources(guest.suite, guest.security)]
    env = dict(os.environ, LAB_SWAP_UUID=SWAP_UUID, LAB_BOOT_UUID=BOOT_UUID, LAB_ROOT_UUID=ROOT_UUID)
    env.update(LAB_FSTAB=guest.disk.fstab(), LC_ALL="C.UTF-8")
    with open(str(log), "wb") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env)
    if done.returncode:
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-25:])
        raise SystemExit(f"lab: mmdebstrap ended with {done.returncode}:\n{tail}")


def recipe(guest, script):
    """Paths of the guest's scripts of one name, in their order."""
    paths = [RECIPES / folder / script for folder in guest.recipes]
    return [path for path in paths if path.exists()]


def steps(guest, root):
    """The guest's first boot works through its recipes."""
    (root / "lab-setup").write_text(FIRST_BOOT)
    (root / "lab-setup").chmod(0o755)
    folder = root / "lab-setup.d"
    folder.mkdir()
    swap = guest.disk.part("swap").number
    (folder / "environment").write_text(
        f"export DISK=/dev/vda LAB_ROOT_UUID={ROOT_UUID} LAB_BOOT_UUID={BOOT_UUID} LAB_SWAP_UUID={SWAP_UUID}\n"
    )
    (folder / "0.sh").write_text(f'mkswap --uuid "$LAB_SWAP_UUID" "${{DISK}}{swap}"\n')
    for number, path in enumerate(recipe(guest, "first-boot.sh"), 1):
        shutil.copy(str(path), str(folder / f"{number}.sh"))


def compose(layout, image, root):
    """*image* has its partitions, and the files of *root* in them."""
    with open(str(image), "wb") as file:
        file.truncate(layout.size * MIB)
    types = {"dos": {"swap": "82"}, "gpt": {"esp": "U", "swap": "S"}}[layout.table]
    table = [f"label: {layout.table}"]
    for part in layout.parts():
        kind = types.get(part.kind, "L" if layout.table == "gpt" else "83")
        active = ", bootable" if layout.table == "dos" and part.number == 1 else ""
        table.append(f"start={part.at}MiB, size={part.size}MiB, type={kind}{active}")
    subprocess.run(["sfdisk", "--quiet", str(image)], input="\n".join(table).encode(), check=True)
    if layout.esp:
        (root / "boot/efi").mkdir()
    if layout.boot:
        boot = root.with_name("boot")
        (root / "boot").rename(boot)
        (root / "boot").mkdir()
        extend(layout, image, layout.part("boot"), boot, BOOT_UUID)
        shutil.rmtree(str(boot))
    extend(layout, image, layout.part("root"), root, ROOT_UUID)
    if layout.esp:
        esp = layout.part("esp")
        subprocess.run(
            [
                "mkfs.vfat",
                "-F",
                "32",
                "-s",
                "1",
                "-i",
                ESP_ID.replace("-", ""),
                f"--offset={esp.at * MIB // 512}",
                str(image),
            ]
            + [str(esp.size * 1024)],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,  # it says that the image is larger than the partition
        )


def extend(layout, image, part, folder, uuid):
    """One partition holds the files of *folder*, in an ext file system."""
    options = ["-q", "-F", *layout.ext, "-L", f"source-{part.kind}", "-U", uuid, "-d", str(folder)]
    place = ["-E", f"offset={part.at * MIB}", str(image), f"{part.size}M"]
    subprocess.run(["mke2fs", *options, *place], check=True)


def derive(guest, base, work, say):
    """A disk on top of *base* on which the guest's recipes have run."""
    made = overlay(base, work / "disk.qcow2")
    with step(say, "a boot: " + ", ".join(guest.recipes)), Machine(made, work / "console.log") as vm:
        vm.connect()
        for path in recipe(guest, "derive.sh"):
            vm.sh(path.read_text(), timeout=600, check=True)
        vm.poweroff()
    return made
