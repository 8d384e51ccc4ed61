"""Pieces that trees share: kernels with their modules, images of another hypervisor, users, sshd, units, the agent.

Every function returns {path: content}, to be put together by a family's builder.
"""

import gzip
import lzma
import shutil
import subprocess
from typing import Dict, List, NamedTuple, Sequence, Tuple

from tests.roots import archive
from tests.trees import ELF64, Content, Program, To

Files = Dict[str, Content]

AARCH64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\xb7\x00"

# A kernel's modules below kernel/, each with what modules.dep says it needs.  `uname -r` decides nothing here.
MODULES = """
drivers/hv/hv_vmbus
drivers/scsi/hv_storvsc: scsi_transport_fc scsi_mod hv_vmbus
drivers/scsi/scsi_transport_fc: scsi_mod
drivers/scsi/scsi_mod
drivers/scsi/sd_mod: scsi_mod
drivers/scsi/sr_mod: cdrom scsi_mod
drivers/cdrom/cdrom
drivers/net/hyperv/hv_netvsc: hv_vmbus
drivers/hid/hid-hyperv: hv_vmbus
drivers/input/serio/hyperv-keyboard: hv_vmbus
drivers/block/virtio_blk
drivers/block/floppy
drivers/md/dm-mod
fs/ext4/ext4
fs/xfs/xfs
fs/udf/udf
fs/isofs/isofs
fs/fat/vfat: fat
fs/fat/fat
"""


class Kernel(NamedTuple):
    """A kernel of a tree; `builtin` and `lacking` are names as in MODULES, parted by blanks."""

    version: str
    image: str = "/boot/vmlinuz-%s"
    suffix: str = ".ko"
    builtin: str = ""
    lacking: str = ""
    config: str = "CONFIG_HYPERV=m\nCONFIG_CIFS=m\nCONFIG_WATCHDOG=y\n"
    modules: str = "/usr/lib/modules"  # the folder; /lib/modules where /lib is one of its own

    def table(self) -> List[Tuple[str, List[str]]]:
        """The loadable modules: path below the kernel's folder, and those that it needs."""
        paths = {}
        for line in MODULES.split("\n"):
            path, _, needs = line.partition(":")
            name = path.split("/")[-1]
            if name and name not in self.lacking.split() and name not in self.builtin.split():
                paths[name] = ("kernel/" + path + self.suffix, needs.split())
        return [(path, [paths[one][0] for one in needs if one in paths]) for path, needs in paths.values()]

    def files(self) -> Files:
        folder = "%s/%s/" % (self.modules, self.version)
        built = [line.split(":")[0] for line in MODULES.split("\n") if line.split(":")[0].split("/")[-1] in
                 self.builtin.split() and line]  # fmt: skip
        found: Files = {
            self.image % self.version: b"MZ" + self.version.encode(),
            "/boot/config-" + self.version: self.config,
            folder + "modules.dep": "".join("%s: %s\n" % (one, " ".join(needs)) for one, needs in self.table()),
            folder + "modules.builtin": "".join("kernel/%s.ko\n" % path for path in ["fs/configfs/configfs"] + built),
        }
        for path, _ in self.table():
            found[folder + path] = b"\x7fELF" + path.encode()
        return found


def foreign_image(kernel: Kernel, packing: str = "", names: str = "virtio_blk ext4", folder: str = "usr/lib",
                  extra: Sequence[Tuple[str, bytes]] = ()) -> bytes:  # fmt: skip
    """The initrd that a KVM machine has: its own drivers and nothing of Hyper-V's."""
    paths = [path for path, _ in kernel.table() if path.split("/")[-1][: -len(kernel.suffix)] in names.split()]
    files = [("%s/modules/%s/%s" % (folder, kernel.version, path), b"\x7fELF" + path.encode()) for path in paths]
    return packed(packing, archive(files + list(extra)))


def packed(packing: str, content: bytes) -> bytes:
    """The content as the kernel would unpack it; with `early` an uncompressed segment with microcode comes first."""
    if packing.startswith("early "):
        early = archive([("early_cpio", b"1\n"), ("kernel/x86/microcode/GenuineIntel.bin", b"\1" * 32)])
        return early + packed(packing[6:], content)
    if packing == "gzip":
        return gzip.compress(content, 1)
    if packing == "xz":
        return lzma.compress(content, lzma.FORMAT_XZ, lzma.CHECK_CRC32, preset=0)
    if packing == "zstd" and shutil.which("zstd"):
        return subprocess.run(["zstd", "-q", "-c"], input=content, stdout=subprocess.PIPE, check=True).stdout
    return content


def links(merged: bool = True) -> Files:
    """The top of the tree; with `merged` /bin, /sbin and /lib lead into /usr. It must come first in a tree."""
    found: Files = {}
    if merged:
        for name in ("bin", "sbin", "lib", "lib64"):
            found["/usr/%s/.keep" % name] = ""
            found["/" + name] = To("usr/" + name)
    for name in ("proc", "sys", "dev", "run", "tmp", "var/tmp", "var/lib", "root", "var/log"):
        found["/%s/.keep" % name] = ""
    return found


def programs(names: str, content: bytes = ELF64) -> Files:
    """Programs that are there to be found; tests/roots/tools.py says what they do."""
    return {name if name.startswith("/") else "/usr/bin/" + name: content for name in names.split()}


def users(sudoers: str, group: str = "wheel") -> Files:
    """root without a password, and a user with one and a history."""
    return {
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\nbin:x:1:1:bin:/bin:/sbin/nologin\n"
        "operator:x:1000:1000::/home/operator:/bin/bash\n",
        "/etc/group": "root:x:0:\n%s:x:10:operator\noperator:x:1000:\n" % group,
        "/etc/shadow": "root:*:19000:0:99999:7:::\nbin:*:18000:0:99999:7:::\noperator:$6$ab$cd:19000:0:99999:7:::\n",
        "/etc/sudoers": sudoers,
        "/root/.bash_history": "mysql -psecret\n",
        "/home/operator/.bash_history": "sudo -i\n",
    }


def unit(name: str, program: str, wanted: str = "multi-user.target", folder: str = "/usr/lib/systemd/system",
         enabled: bool = True, alias: str = "") -> Files:  # fmt: skip
    """A unit and, when it is enabled, the link that starts it."""
    text = "[Unit]\nDescription=%s\n\n[Service]\nExecStart=%s\n\n[Install]\nWantedBy=%s\n" % (name, program, wanted)
    path = "%s/%s.service" % (folder, name)
    found: Files = {path: text + ("Alias=%s\n" % alias if alias else "")}
    if enabled:
        found[wants(name, wanted)] = To(path)
        if alias:
            found["/etc/systemd/system/" + alias] = To(path)
    return found


def wants(name: str, target: str = "multi-user.target") -> str:
    return "/etc/systemd/system/%s.wants/%s.service" % (target, name)


def systemd(folder: str = "/usr/lib/systemd") -> Files:
    init = "/usr/sbin/init" if folder.startswith("/usr") else "/sbin/init"
    return {folder + "/systemd": ELF64, init: To(folder + "/systemd")}


# The keys of WALinuxAgent's own config/*.conf (Azure/WALinuxAgent, commit 01d4487d), without most of its comments.
CONF = """#
# Microsoft Azure Linux Agent Configuration
#

# Enable extension handling. Do not disable this unless you do not need password reset,
# backup, monitoring, or any extension handling whatsoever.
Extensions.Enabled=y

# Which provisioning agent to use. Supported values are "auto" (default), "waagent",
# "cloud-init", or "disabled".
Provisioning.Agent=%(agent)s

# Password authentication for root account will be unavailable.
Provisioning.DeleteRootPassword=y

# Generate fresh host key pair.
Provisioning.RegenerateSshHostKeyPair=%(keys)s

# Supported values are "rsa", "dsa", "ecdsa", "ed25519", and "auto".
# The "auto" option is supported on OpenSSH 5.9 (2011) and later.
Provisioning.SshHostKeyPairType=rsa

# Monitor host name changes and publish changes via DHCP requests.
Provisioning.MonitorHostName=%(keys)s

# Format if unformatted. If 'n', resource disk will not be mounted.
ResourceDisk.Format=%(format)s

# File system on the resource disk
# Typically ext3 or ext4. FreeBSD images should use 'ufs2' here.
ResourceDisk.Filesystem=ext4

# Mount point for the resource disk
ResourceDisk.MountPoint=%(mount)s

# Create and use swapfile on resource disk.
ResourceDisk.EnableSwap=n

# Size of the swapfile.
ResourceDisk.SwapSizeMB=0

# Comma-separated list of mount options. See mount(8) for valid options.
ResourceDisk.MountOptions=None

# Enable verbose logging (y|n)
Logs.Verbose=n

# Root device timeout in seconds.
OS.RootDeviceScsiTimeout=300

# If "None", the system default version is used.
OS.OpensslPath=None
"""
UPSTREAM = CONF % {"agent": "auto", "keys": "y", "format": "y", "mount": "/mnt/resource"}
UBUNTU = CONF % {"agent": "auto", "keys": "n", "format": "n", "mount": "/mnt"}

# That of agents of 2.0 (commit 014a4f8d, config/waagent.conf).
OLD_CONF = """#
# Windows Azure Linux Agent Configuration
#

# Specified program is invoked with "Ready".
Role.StateConsumer=None

# Enable instance creation
Provisioning.Enabled=y

# Password authentication for root account will be unavailable.
Provisioning.DeleteRootPassword=y

# Generate fresh host key pair.
Provisioning.RegenerateSshHostKeyPair=y

# Format if unformatted. If 'n', resource disk will not be mounted.
ResourceDisk.Format=y

# ount point for the resource disk
ResourceDisk.MountPoint=/mnt/resource

# Create and use swapfile on resource disk.
ResourceDisk.EnableSwap=n

# Size of the swapfile.
ResourceDisk.SwapSizeMB=0

Logs.Verbose=n
"""
# ... and what a run makes of it.
PROVISIONS_OLD = ("Provisioning.Enabled=y", "Provisioning.UseCloudInit=n", "ResourceDisk.EnableSwap=y",
                  "ResourceDisk.SwapSizeMB=2048")  # fmt: skip

# What of the agent's configuration a run of the default policy leaves, where waagent provisions.
PROVISIONS = ("Provisioning.Agent=waagent", "Provisioning.RegenerateSshHostKeyPair=y", "ResourceDisk.Format=y",
              "ResourceDisk.Filesystem=ext4", "ResourceDisk.MountPoint=/mnt/resource", "ResourceDisk.EnableSwap=y",
              "ResourceDisk.SwapSizeMB=2048")  # fmt: skip
LEAVES_IT = ("ResourceDisk.Format=n", "ResourceDisk.EnableSwap=n", "Provisioning.Agent=cloud-init")


def agent(conf: str = UPSTREAM, service: str = "waagent", program: str = "/usr/sbin/waagent",
          folder: str = "/usr/lib/systemd/system", enabled: bool = True,
          python: str = "/usr/bin/python3") -> Files:  # fmt: skip
    """What the agent's package brings to a guest with systemd."""
    found: Files = {"/etc/waagent.conf": conf, program: Program("#!%s\n" % python)}
    found.update(unit(service, "%s -u %s -daemon" % (python, program), folder=folder, enabled=enabled))
    return found


def cloud_init(folder: str = "/usr/lib/systemd/system", conf: str = "datasource_list: [ NoCloud, None ]\n") -> Files:
    """cloud-init with its four units on; the file of datasources is that of an installer."""
    found: Files = {
        "/usr/bin/cloud-init": Program("#!/usr/bin/python3\n"),
        "/etc/cloud/cloud.cfg": "users:\n  - default\ndisable_root: true\npreserve_hostname: false\n"
        "cloud_init_modules:\n  - migrator\n  - bootcmd\n  - write_files\n  - growpart\n  - resizefs\n  - disk_setup\n"
        "  - mounts\n  - set_hostname\n  - users_groups\n  - ssh\n",
        "/etc/cloud/cloud.cfg.d/90_dpkg.cfg": conf,
        "/usr/lib/systemd/system/cloud-init.target": "[Unit]\nDescription=Cloud-init target\n",
    }
    for name in ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final"):
        found.update(unit(name, "/usr/bin/cloud-init", "cloud-init.target", folder))
    return found


UUID = "0a1b2c3d-1111-4222-8333-444455556666"
SWAP = "5555aaaa-0000-4000-8000-000000000001"
BOOT = "b007b007-2222-4333-8444-555566667777"


def fstab(root: str = "UUID=" + UUID, kind: str = "ext4", boot: str = "", efi: bool = False, swap: str = "") -> str:
    """An fstab as installers write it."""
    lines = ["#", "# /etc/fstab", "#", "%s / %s defaults 1 1" % (root, kind)]
    if boot:
        lines.append("%s /boot %s defaults 1 2" % (boot, kind))
    if efi:
        lines.append("UUID=ABCD-1234 /boot/efi vfat umask=0077,shortname=winnt 0 2")
    if swap:
        lines.append("%s swap swap defaults 0 0" % swap)
    return "\n".join(lines) + "\n"


def loaders(vendor: str, grub_cfg: str, arch: str = "x64", fallback: str = "") -> Files:
    """An EFI system partition with shim, GRUB and its grub.cfg; `fallback` names what EFI/BOOT has ("" for nothing)."""
    names = "\\grub%s.efi\0\\fb%s.efi\0" % (arch, arch)  # what shim starts, and looks for first
    shim = b"MZ" + bytes(64) + names.encode("utf-16-le") + bytes(64)
    folder = "/boot/efi/EFI/%s/" % vendor
    found: Files = {
        folder + "shim%s.efi" % arch: shim, folder + "grub%s.efi" % arch: b"MZ" + bytes(32) + vendor.encode(),
        folder + "grub.cfg": grub_cfg,
        folder + "BOOT%s.CSV" % arch.upper(): ("shim%s.efi,%s\n" % (arch, vendor)).encode("utf-16-le"),
    }  # fmt: skip
    for name in fallback.split():
        found["/boot/efi/EFI/BOOT/" + name] = shim if name.upper().startswith("BOOT") else b"MZ fallback"
    return found
