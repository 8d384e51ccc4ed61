"""An installed Debian 12 in a folder of the cache, and throw-away copies of it in which commands run.

A World is an overlay on the tree: its upper folder holds exactly what was written in it.  Mounts need a mount
namespace of their own (see __main__): they are gone when the bench ends, however it ends.
"""

import hashlib
import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from tests.lab import host

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = (
    "systemd-sysv,udev,kmod,ifupdown,isc-dhcp-client,e2fsprogs,fdisk,sudo,"
    "linux-image-amd64,linux-image-cloud-amd64,initramfs-tools,zstd,xz-utils,lz4,gzip,cpio,grub-pc,"
    "openssh-server,chrony,waagent,python3,python3-psutil,python3-distro,python3-configobj"
)

# The disk that grub-probe speaks of: in a tree without a disk of its own the real one has nothing to find.
PROBE = """#!/bin/sh
case "$*" in
    *fs_uuid*) echo 0b8c9ef0-4b2f-4a3e-9c40-2f7b9f1d5a11 ;;
    *=fs|*"-t fs"*) echo ext2 ;;
    *device*) echo /dev/sda1 ;;
    *partmap*) echo msdos ;;
esac
"""
# Debian's defaults: MODULES=most, zstd.
INSTALLED = """
set -eu
dpkg-divert --quiet --local --rename --add /usr/sbin/grub-probe
cat >/usr/sbin/grub-probe
chmod 0755 /usr/sbin/grub-probe
printf 'UUID=0b8c9ef0-4b2f-4a3e-9c40-2f7b9f1d5a11 / ext4 errors=remount-ro 0 1\\n' >/etc/fstab
rm /etc/initramfs-tools/conf.d/small
echo RESUME=none >/etc/initramfs-tools/conf.d/resume
cp /usr/share/initramfs-tools/modules /etc/initramfs-tools/modules
update-initramfs -u -k all
update-grub
mkdir -p /bench
"""
# The image of the generic kernel once in each compression.
IMAGES = ("gzip", "xz", "zstd", "lz4")
PACKED = """
set -eu
version=$(ls /lib/modules | grep -v cloud)
for kind in gzip xz zstd lz4; do mkinitramfs -c $kind -o /bench/initrd.$kind $version; done
"""
# The initrds of a machine on another hypervisor hold its own drivers only (there MODULES=dep, which needs its disk).
FOREIGN = """
set -eu
echo MODULES=list >/etc/initramfs-tools/conf.d/foreign
printf '%s\\n' virtio_pci virtio_blk virtio_net virtio_scsi ext4 crc32c_intel ahci usb_storage xhci_pci usbhid \\
    >>/etc/initramfs-tools/modules
update-initramfs -u -k all
"""
# Firmware that does not compress makes it big, behind the modules that are looked for.
BIG = """
set -eu
cd /bench
mkdir -p big/lib/firmware
for n in 1 2 3 4 5 6; do head -c 50000000 /dev/urandom >big/lib/firmware/f$n; done
(cd big && find . | cpio --quiet -o -H newc) | zstd -q -1 >firmware
cat initrd.zstd firmware >initrd.big
rm -r big firmware
"""


# What a generator cost stands in /bench/times afterwards: a line for sh itself, a line for what it started.
TIMED = """
set -eu
for name in mkinitramfs grub-mkconfig; do
    mv /usr/sbin/$name /usr/sbin/$name.real
    printf '#!/bin/sh\\n/usr/sbin/%s.real "$@"\\ncode=$?\\ntimes >>/bench/times\\nexit $code\\n' $name >/usr/sbin/$name
    chmod 0755 /usr/sbin/$name
done
"""


def tree(say):
    """The folder of the finished tree; built now unless the cache has it.  Never write to it: see World."""
    key = hashlib.sha256(repr((PACKAGES, PROBE, INSTALLED, PACKED, BIG)).encode()).hexdigest()[:12]
    path = host.cache() / f"bench-{key}"
    if path.exists():
        return path
    for old in host.cache().glob("bench-*"):
        shutil.rmtree(str(old))
    say(f"building a Debian 12 tree for the bench in {path}; later runs take it from there")
    making = host.cache() / "bench-making"
    bootstrap(making / "root", making)
    with mounted(making / "root"):
        for script in (INSTALLED, PACKED, BIG):
            done = subprocess.run(
                ["chroot", str(making / "root"), "sh", "-c", script],
                input=PROBE.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(),
            )  # fmt: skip
            if done.returncode:
                raise SystemExit(f"bench: the tree could not be finished:\n{done.stdout.decode(errors='replace')}")
    (making / "root").rename(path)
    shutil.rmtree(str(making))
    return path


def bootstrap(root, work):
    """A Debian 12 is in the folder `root`."""
    shutil.rmtree(str(work), ignore_errors=True)
    work.mkdir()
    options = ['Acquire::Languages "none"', 'APT::Install-Recommends "false"'] + host.apt_options()
    options = ["--aptopt=" + option for option in options] + ["--dpkgopt=force-unsafe-io"]
    options += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "locale")]
    hooks = (
        "echo grub-pc grub-pc/install_devices_empty boolean true | chroot $1 debconf-set-selections",
        # While packages are installed a small initrd is enough.
        "mkdir -p $1/etc/initramfs-tools/conf.d && echo MODULES=list >$1/etc/initramfs-tools/conf.d/small",
    )
    command = ["mmdebstrap", "--mode=root", "--variant=apt", "--format=directory", "--include=" + PACKAGES]
    command += options + ["--essential-hook=" + hook for hook in hooks]
    command += ["bookworm", str(root)] + host.apt_sources("bookworm")
    with open(str(work / "log"), "wb") as log:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment())
    if done.returncode:
        raise SystemExit(f"bench: mmdebstrap failed:\n{(work / 'log').read_text(errors='replace')[-2000:]}")


def environment():
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}


@contextmanager
def mounted(root):
    """The kernel's file systems are in the tree, as an installer leaves them for a script of its own."""
    points = [("proc", ["-t", "proc"]), ("sys", ["--rbind"]), ("dev", ["--rbind"]), ("run", ["-t", "tmpfs"])]
    for name, how in points:
        source = f"/{name}" if how == ["--rbind"] else name
        subprocess.run(["mount"] + how + [source, str(root / name)], check=True)
    try:
        yield root
    finally:
        for name, _ in reversed(points):
            subprocess.run(["umount", "--recursive", "--lazy", str(root / name)], check=True)


def seconds(times):
    """Seconds of processor, user and system, that the shells' `times` have told: each part is like 0m1.500000s."""
    parts = [part.rstrip("s").split("m") for part in times.split()]
    return sum(60 * int(minutes) + float(rest) for minutes, rest in parts)


class World:
    """A copy of what the folders `lower` hold, the first on top: what is done in it is in `upper` and nowhere else."""

    def __init__(self, lower, folder):
        self.lower, self.folder = [str(part) for part in lower], Path(folder)
        self.root, self.upper = self.folder / "root", self.folder / "upper"

    @contextmanager
    def __call__(self):
        for name in ("root", "upper", "work"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        options = f"lowerdir={':'.join(self.lower)},upperdir={self.upper},workdir={self.folder / 'work'}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, str(self.root)], check=True)
        try:
            with mounted(self.root):
                yield self
        finally:
            subprocess.run(["umount", str(self.root)], check=True)

    def layers(self):
        """What a World on this one stands on."""
        return [str(self.upper)] + self.lower

    def written(self):
        """Paths of the guest that were written, made or removed here (overlayfs: what is in the upper folder)."""
        paths = []
        for folder, _, files in os.walk(str(self.upper)):
            paths += ["/" + os.path.relpath(os.path.join(folder, name), str(self.upper)) for name in files]
        return sorted(paths)


def install(root):
    """agentprep is in the tree as a package manager puts it there: compiled, with its command in /usr/bin."""
    site = root / "usr/lib/python3/dist-packages/agentprep"
    shutil.copytree(str(REPOSITORY / "agentprep"), str(site), ignore=shutil.ignore_patterns("__pycache__"))
    command = root / "usr/bin/agentprep"
    command.write_text("#!/usr/bin/python3\nimport sys\nfrom agentprep.cli import main\nsys.exit(main())\n")
    command.chmod(0o755)
    compiled = ["chroot", str(root), "python3", "-m", "compileall", "-q", "/usr/lib/python3/dist-packages/agentprep"]
    subprocess.run(compiled, check=True, env=environment())
