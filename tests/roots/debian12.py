"""Debian 12 as it comes from another hypervisor: BIOS, GRUB 2.06, initramfs-tools 0.142, with such a guest's traps.

The files' contents are those of the packages: grub2-common 2.06-13, kdump-tools 1.8.1, initramfs-tools 0.142, waagent
2.9.1.1, openssh-server 9.2p1, chrony 4.3, ifupdown 0.8.41; the modules.dep is cut down to what matters.
"""

import os
from typing import Any, Dict

from tests.roots import ROOT, archive, config, grub_mkconfig, mkinitramfs
from tests.trees import DEBIAN_12, ELF64, Content, Program, To, make_tree

KERNELS = ("6.1.0-28-amd64", "6.1.0-28-cloud-amd64")

DEP = b"""kernel/drivers/hv/hv_vmbus.ko:
kernel/drivers/scsi/hv_storvsc.ko: kernel/drivers/scsi/scsi_transport_fc.ko kernel/drivers/scsi/scsi_mod.ko \
kernel/drivers/hv/hv_vmbus.ko
kernel/drivers/scsi/scsi_transport_fc.ko: kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/scsi/scsi_mod.ko:
kernel/drivers/scsi/sd_mod.ko: kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/scsi/sr_mod.ko: kernel/drivers/cdrom/cdrom.ko kernel/drivers/scsi/scsi_mod.ko
kernel/drivers/cdrom/cdrom.ko:
kernel/drivers/net/hyperv/hv_netvsc.ko: kernel/drivers/hv/hv_vmbus.ko
kernel/drivers/hid/hid-hyperv.ko: kernel/drivers/hv/hv_vmbus.ko
kernel/drivers/input/serio/hyperv-keyboard.ko: kernel/drivers/hv/hv_vmbus.ko
kernel/drivers/block/virtio_blk.ko:
kernel/drivers/block/floppy.ko:
kernel/fs/ext4/ext4.ko:
kernel/fs/udf/udf.ko:
kernel/fs/isofs/isofs.ko:
kernel/fs/fat/vfat.ko: kernel/fs/fat/fat.ko
kernel/fs/fat/fat.ko:
"""

GRUB = """# If you change this file, run 'update-grub' afterwards to update
# /boot/grub/grub.cfg.
# For full documentation of the options in this file, see:
#   info -f grub -n 'Simple configuration'

GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX="resume=UUID=5555aaaa-0000-4000-8000-000000000001"

# If your computer has multiple operating systems installed, then you
# probably want to run os-prober. However, if your computer is a host
# for guest OSes installed via LVM or raw disk devices, running
# os-prober can cause damage to those guest OSes as it mounts
# filesystems to look for things.
#GRUB_DISABLE_OS_PROBER=false
"""

KDUMP = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=384M-:128M"\n'

MODULES = """# List of modules that you want to include in your initramfs.
# They will be loaded at boot time in the order below.
#
# Syntax:  module_name [args ...]
#
# You must run update-initramfs(8) to effect this change.
#
# Examples:
#
# raid1
# sd_mod
"""

SSHD = """# This is the sshd server system-wide configuration file.
Include /etc/ssh/sshd_config.d/*.conf
#Port 22
#ClientAliveInterval 0
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem\tsftp\t/usr/lib/openssh/sftp-server
"""

WAAGENT = """#
# Microsoft Azure Linux Agent Configuration
#

# Enable extension handling. Do not disable this unless you do not need password reset,
# backup, monitoring, or any extension handling whatsoever.
Extensions.Enabled=y

# Which provisioning agent to use. Supported values are "auto" (default), "waagent",
# "cloud-init", or "disabled".
Provisioning.Agent=cloud-init

# Password authentication for root account will be unavailable.
Provisioning.DeleteRootPassword=y

# Generate fresh host key pair.
Provisioning.RegenerateSshHostKeyPair=y
Provisioning.SshHostKeyPairType=auto

# Format if unformatted. If 'n', resource disk will not be mounted.
ResourceDisk.Format=y

# File system on the resource disk
# Typically ext3 or ext4. FreeBSD images should use 'ufs2' here.
ResourceDisk.Filesystem=ext4

# Mount point for the resource disk
ResourceDisk.MountPoint=/mnt

# Create and use swapfile on resource disk.
ResourceDisk.EnableSwap=n

# Size of the swapfile.
ResourceDisk.SwapSizeMB=0

# Enable verbose logging (y|n)
Logs.Verbose=n
"""

UNIT = "[Unit]\nDescription=%s\n\n[Service]\nExecStart=%s\n\n[Install]\nWantedBy=multi-user.target\n%s"
PACKAGES = ("waagent", "openssh-server", "initramfs-tools", "grub-pc", "chrony", "kdump-tools", "python3-pyasn1")


def status(packages: Any) -> str:
    """/var/lib/dpkg/status with these packages installed."""
    stanza = "Package: %s\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\nVersion: %s\n\n"
    versions = {"waagent": "2.9.1.1-2+deb12u1", "openssh-server": "1:9.2p1-2+deb12u3"}
    return "".join(stanza % (name, versions.get(name, "1.0-1")) for name in packages)


def files(agent: bool = True) -> Dict[str, Content]:
    """The tree's files."""
    swap = b"\0" * 1024 + b"\1\0\0\0\xff\3\0\0" + b"\0" * (4096 - 1024 - 8 - 10) + b"SWAPSPACE2" + b"\0" * 61440
    found: Dict[str, Content] = {
        "/etc/os-release": To("../usr/lib/os-release"),
        "/usr/lib/os-release": DEBIAN_12,
        "/etc/debian_version": "12.8\n",
        "/bin/sh": ELF64,
        "/sbin/init": To("/lib/systemd/systemd"),
        "/lib/systemd/systemd": ELF64,
        "/etc/default/grub": GRUB,
        "/etc/default/grub.d/kdump-tools.cfg": KDUMP,
        "/etc/grub.d/10_linux": Program(
            '#!/bin/sh\nset -e\n. "$pkgdatadir/grub-mkconfig_lib"\nlinux_entry "${OS}" "${version}" simple \\\n'
            '"${GRUB_CMDLINE_LINUX} ${GRUB_CMDLINE_LINUX_DEFAULT}"\n'),
        "/etc/grub.d/40_custom": Program("#!/bin/sh\nexec tail -n +3 $0\n# Simply type the menu entries you want\n"),
        "/usr/sbin/grub-mkconfig": Program(
            "#!/bin/sh\nfor x in ${sysconfdir}/default/grub.d/*.cfg ; do\n  . \"${x}\"\ndone\n"),
        "/boot/grub/grub.cfg": config(
            sorted(KERNELS, reverse=True), "UUID=" + ROOT, "resume=UUID=5555aaaa-0000-4000-8000-000000000001",
            "quiet crashkernel=384M-:128M"),
        "/boot/grub/i386-pc/core.img": b"\0" * 512,
        "/etc/initramfs-tools/initramfs.conf": "MODULES=most\nBUSYBOX=auto\nKEYMAP=n\nCOMPRESS=zstd\nRUNSIZE=10%\n",
        "/etc/initramfs-tools/modules": MODULES,
        "/etc/initramfs-tools/conf.d/driver-policy": "MODULES=dep\n",
        "/etc/initramfs-tools/conf.d/resume": "RESUME=UUID=5555aaaa-0000-4000-8000-000000000001\n",
        "/usr/sbin/mkinitramfs": Program("#!/bin/sh\n"),
        "/usr/share/initramfs-tools/init": Program(
            '#!/bin/sh\n\nif [ "$ROOTDELAY" ]; then\n\tsleep "$ROOTDELAY"\nfi\n'
        ),
        "/etc/fstab": "# /etc/fstab\nUUID=%s / ext4 errors=remount-ro 0 1\n"
        "UUID=5555aaaa-0000-4000-8000-000000000001 none swap sw 0 0\n/swapfile none swap sw 0 0\n"
        "/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0\n" % ROOT,
        "/swapfile": swap,
        "/etc/modprobe.d/cis.conf": "# hardening\ninstall udf /bin/true\ninstall cramfs /bin/true\n",
        "/etc/ssh/sshd_config": SSHD,
        "/usr/sbin/sshd": ELF64,
        "/etc/ssh/ssh_host_ed25519_key": "secret\n",
        "/lib/systemd/system/ssh.service": UNIT
        % ("OpenBSD Secure Shell server", "/usr/sbin/sshd -D", "Alias=sshd.service\n"),
        "/etc/systemd/system/multi-user.target.wants/ssh.service": To("/lib/systemd/system/ssh.service"),
        "/etc/systemd/system/sshd.service": To("/lib/systemd/system/ssh.service"),
        "/etc/network/interfaces": "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\n"
        "allow-hotplug ens3\niface ens3 inet dhcp\n",
        "/etc/network/interfaces.d/.keep": "",
        "/sbin/ifup": ELF64,
        "/sbin/ifquery": ELF64,
        "/sbin/dhclient": ELF64,
        "/lib/systemd/system/networking.service": UNIT % ("Raise network interfaces", "/sbin/ifup -a", ""),
        "/etc/systemd/system/multi-user.target.wants/networking.service": To("/lib/systemd/system/networking.service"),
        "/etc/udev/rules.d/70-persistent-net.rules": 'SUBSYSTEM=="net", '
        'ATTR{address}=="52:54:00:12:34:56", NAME="ens3"\n',
        "/etc/sudoers": "Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n"
        "@includedir /etc/sudoers.d\n",
        "/etc/chrony/chrony.conf": "confdir /etc/chrony/conf.d\npool 2.debian.pool.ntp.org iburst\nmakestep 1 3\n",
        "/etc/chrony/conf.d/README": "",
        "/usr/sbin/chronyd": ELF64,
        "/lib/systemd/system/chrony.service": UNIT
        % ("chrony, an NTP client/server", "/usr/sbin/chronyd\nRuntimeDirectory=chrony", ""),
        "/etc/systemd/system/multi-user.target.wants/chrony.service": To("/lib/systemd/system/chrony.service"),
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n"
        "operator:x:1000:1000::/home/operator:/bin/bash\n",
        "/etc/shadow": "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"
        "operator:$y$j9T$abc$def:19000:0:99999:7:::\n",
        "/root/.bash_history": "mysql -psecret\n",
        "/home/operator/.bash_history": "sudo -i\n",
        "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
        "/usr/bin/python3": To("python3.11"),
        "/usr/bin/python3.11": ELF64,
        "/usr/bin/apt-get": ELF64,
        "/usr/bin/dpkg": ELF64,
        "/var/lib/dpkg/status": status([name for name in PACKAGES if agent or name != "waagent"]),
        "/proc/.keep": "", "/sys/.keep": "", "/dev/.keep": "", "/run/.keep": "", "/tmp/.keep": "", "/var/tmp/.keep": "",
    }  # fmt: skip
    for version in KERNELS:
        found["/boot/vmlinuz-" + version] = b"MZ" + version.encode()
        found["/boot/config-" + version] = "CONFIG_HYPERV=m\nCONFIG_CIFS=m\nCONFIG_WATCHDOG=y\n"
        found["/lib/modules/%s/modules.dep" % version] = DEP
        found["/lib/modules/%s/modules.builtin" % version] = "kernel/fs/configfs/configfs.ko\n"
        for line in DEP.decode().splitlines():
            path = line.split(":")[0]
            found["/lib/modules/%s/%s" % (version, path)] = b"\x7fELF" + path.encode()
        virtio = "usr/lib/modules/%s/kernel/drivers/block/virtio_blk.ko" % version
        found["/boot/initrd.img-" + version] = archive([(virtio, b"\x7fELFvirtio")])
    if agent:
        found.update(AGENT)
    return found


AGENT: Dict[str, Content] = {
    "/etc/waagent.conf": WAAGENT,
    "/usr/sbin/waagent": Program("#!/usr/bin/python3\n"),
    "/lib/systemd/system/walinuxagent.service": UNIT % ("Azure Linux Agent", "/usr/sbin/waagent -daemon", ""),
    "/etc/systemd/system/multi-user.target.wants/walinuxagent.service": To("/lib/systemd/system/walinuxagent.service"),
}


def make(folder: Any, agent: bool = True, extra: Any = None) -> str:
    """The tree at `folder`."""
    root = make_tree(folder, dict(files(agent), **(extra or {})), minimal=False)
    os.chmod(root + "/etc/shadow", 0o640)
    os.chmod(root + "/boot/grub/grub.cfg", 0o600)
    os.chmod(root + "/swapfile", 0o600)
    os.chmod(root + "/etc/sudoers", 0o440)
    return root


def apt_get(root: str, argv: Any) -> Any:
    """`apt-get install waagent`: what the package brings; `update` brings lists."""
    if "install" in argv:
        assert argv[-1] == "waagent", argv
        make_tree(root, {path: one for path, one in AGENT.items() if not os.path.lexists(root + path)}, minimal=False)
        with open(root + "/var/lib/dpkg/status", "r+") as stream:
            if "Package: waagent" not in stream.read():
                stream.write(status(["waagent"]))
    return 0


def waagent(root: str, argv: Any) -> Any:
    assert argv[1:] in (("-force", "-deprovision"), ("-force", "-deprovision+user")), argv
    for path in ("/etc/ssh/ssh_host_ed25519_key", "/root/.bash_history", "/etc/resolv.conf"):
        if os.path.lexists(root + path):
            os.unlink(root + path)
    return 0


HANDLERS = {"mkinitramfs": mkinitramfs, "grub-mkconfig": grub_mkconfig, "apt-get": apt_get, "waagent": waagent}
