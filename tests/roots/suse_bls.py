"""openSUSE Tumbleweed without a grub.cfg: grub2-bls and systemd-boot, whose entries sdbootutil makes on the ESP.

Read: sdbootutil (see sdbootutil.py); the arguments that the installer gives, and names of entries, as users posted
them.  sudo and sshd are configured in /usr/etc.  Inferred: versions of packages.
"""

from typing import Any, Dict, Tuple

from tests.boot.partitions import GRUB, SYSTEMD_BOOT
from tests.roots import el, rpms
from tests.roots.grub import UUID
from tests.roots.images import dracut, host_image
from tests.roots.pieces import (
    PROVISIONS,
    SWAP,
    UPSTREAM,
    Files,
    Kernel,
    agent,
    links,
    programs,
    systemd,
    unit,
    users,
    wants,
)
from tests.roots.sdbootutil import ENTRIES, ESP, ROOT, TOKEN, conf, entry, images, installed, secure, sha1, started
from tests.roots.tree import AZURE, GENERIC, HOST, Expected, Tree
from tests.trees import Handler, Program, To

ARGUMENTS = "splash=silent mitigations=auto quiet security=selinux selinux=1 enforcing=1"
RELEASE = (
    'NAME="openSUSE Tumbleweed"\n# VERSION="20260115"\nID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"\n'
    'VERSION_ID="20260115"\nPRETTY_NAME="openSUSE Tumbleweed"\n'
)
SUDOERS = (
    "Defaults always_set_home\nDefaults env_reset\nDefaults targetpw   # ask for the password of the target user\n"
    "ALL   ALL=(ALL:ALL) ALL   # WARNING! Only use this together with 'Defaults targetpw'!\n"
    "root ALL=(ALL:ALL) ALL\n@includedir /usr/etc/sudoers.d\n@includedir /etc/sudoers.d\n"
)
SSHD = (
    "Include /etc/ssh/sshd_config.d/*.conf\nInclude /usr/etc/ssh/sshd_config.d/*.conf\n"
    "AuthorizedKeysFile\t.ssh/authorized_keys\nUsePAM yes\nSubsystem\tsftp\t/usr/libexec/ssh/sftp-server\n"
)
FSTAB = "".join("UUID=%s %s btrfs %s 0 0\n" % (UUID, point, options) for point, options in (
    ("/", "defaults"), ("/var", "subvol=/@/var"), ("/home", "subvol=/@/home"), ("/.snapshots", "subvol=/@/.snapshots"),
)) + "UUID=ABCD-1234 /boot/efi vfat utf8 0 2\n"  # fmt: skip
K = tuple(Kernel(version, image="/usr/lib/modules/%s/vmlinuz", suffix=".ko.zst") for version in
          ("6.18.5-1-default", "6.18.3-1-default"))  # fmt: skip
LATER = K[0]._replace(version="6.19.1-1-default")


def base(told: str, sudoers: str, listed: str) -> Files:
    """What SUSE's releases have that keep their defaults in /usr/etc, and have NetworkManager alone."""
    found = links()
    found.update(systemd())
    found.update(users(""))
    del found["/etc/sudoers"]
    found.update(programs("/usr/sbin/sshd /usr/bin/rpm /usr/bin/zypper /usr/bin/sh /usr/bin/bash /usr/bin/dracut"))
    found.update(programs("/usr/bin/python3.13 /usr/sbin/chronyd"))
    found.update(unit("sshd", "/usr/sbin/sshd -D"))
    found.update(unit("chronyd", "/usr/sbin/chronyd"))
    found.update(el.network_manager("enp1s0", ifcfg=False, keyfile=True))
    found.update({
        "/etc/os-release": To("../usr/lib/os-release"), "/usr/lib/os-release": told,
        "/usr/etc/sudoers": sudoers, "/usr/etc/ssh/sshd_config": SSHD, "/etc/ssh/sshd_config.d/.keep": "",
        "/etc/ssh/ssh_host_ed25519_key": "secret\n", "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
        "/usr/bin/python3": To("python3.13"), "/etc/zypp/repos.d/oss.repo": "[oss]\nenabled=1\nbaseurl=https://o/\n",
        "/var/lib/rpm": To("../../usr/lib/sysimage/rpm"), rpms.NDB: listed,
        "/etc/chrony.conf": "! pool pool.ntp.org iburst\nmakestep 1.0 3\n", "/etc/dracut.conf.d/.keep": "",
        "/usr/lib/systemd/system/sshd-keygen@.service": "[Service]\nType=oneshot\n",
        "/usr/lib/dracut/dracut.conf.d/01-dist.conf": 'hostonly="yes"\nhostonly_cmdline="no"\ncompress="zstd"\n',
    })  # fmt: skip
    return found


def tumbleweed(loader: str, kernels: Tuple[Kernel, ...], listed: str, tries: str = "") -> Files:
    """A guest with sdbootutil; the boot loader of the kernel's package is never in /boot."""
    found = base(RELEASE, SUDOERS, listed)
    found.update(programs("/usr/bin/kernel-install"))
    prefix = "system-" if loader == "grub2-bls" else ""
    found.update({
        "/usr/bin/sdbootutil": Program("#!/bin/bash\n# /etc/kernel/cmdline\n"), "/etc/fstab": FSTAB,
        "/etc/kernel/entry-token": TOKEN + "\n", "/etc/kernel/cmdline": ARGUMENTS + "\n",
        "/etc/sysconfig/bootloader": 'LOADER_TYPE="%s"\nSECURE_BOOT="yes"\nUPDATE_NVRAM="yes"\n' % loader,
    })  # fmt: skip
    for kernel in kernels:
        files = kernel.files()
        files["/usr/lib/modules/%s/config" % kernel.version] = files.pop("/boot/config-" + kernel.version)
        found.update(files)
        image = host_image(list(found), kernel.version)
        names = sha1(files[kernel.image % kernel.version]), sha1(image)  # type: ignore[arg-type]
        folder = "%s/%s/%s/" % (ESP, TOKEN, kernel.version)
        found[folder + "linux-" + names[0]] = files[kernel.image % kernel.version]
        found[folder + "initrd-" + names[1]] = image
        line = "%s %s" % (ARGUMENTS, ROOT % (UUID, 1))
        found[ENTRIES + conf(prefix, kernel.version, 1, tries)] = entry(kernel.version, 1, line, *names)
    return found


# -- grub2-bls -------------------------------------------------------------------------------------------------
AGENT = agent(UPSTREAM)
LEFT = "/boot/grub2/grub.cfg"
LEFT_MENU = (
    "### BEGIN /etc/grub.d/10_linux ###\nmenuentry 'openSUSE Tumbleweed' {\n\tlinux\t/boot/vmlinuz-6.16.1-1-default "
    "root=UUID=%s quiet\n\tinitrd\t/boot/initrd-6.16.1-1-default\n}\n" % UUID
)
SNAPPER = conf("snapper-", K[0].version, 2)
OLDER = "%s/%s/%s/initrd-%s" % (ESP, TOKEN, K[0].version, sha1(b"older"))


def grub2_bls() -> Files:
    """A read-only snapshot loads an older image of the same kernel; grub2-efi was there before, and left its menu."""
    found = tumbleweed("grub2-bls", K[:1], rpms.listed(openssh="10.2p1-1.1", kernel_default="6.18.5-1.1"))
    found.update(secure("opensuse", GRUB))
    image = images(found)[0]
    line = "%s %s" % (ARGUMENTS, ROOT % (UUID, 2))
    kernel = next(path for path in found if "/linux-" in path).rpartition("-")[2]
    found.update({
        ENTRIES + SNAPPER: entry(K[0].version, 2, line, kernel, sha1(b"older"), "2026-01-10 09:12:44, pre, zypp"),
        OLDER: found[image], "/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="nothing reads this"\n',
        "/etc/kernel/cmdline.d/20-net.conf": "net.ifnames=0\n",
        ESP + "/EFI/opensuse/grubenv": b"#" * 1024, LEFT: LEFT_MENU, "/boot/grub2/x86_64-efi/core.efi": b"MZ",
        ESP + "/EFI/opensuse/grub.cfg": 'set prefix=(${root})/boot/grub2\nsource "${prefix}/grub.cfg"\n',
    })  # fmt: skip
    own = ENTRIES + conf("system-", K[0].version)
    found[own] = str(found[own]).replace(" root=", " net.ifnames=0 net.ifnames=0 root=")
    return found


# -- systemd-boot ----------------------------------------------------------------------------------------------
def systemd_boot() -> Files:
    """Entries count their boots; /etc/kernel/cmdline has no end, which costs sdbootutil its only line."""
    listed = rpms.listed(openssh="10.2p1-1.1", kernel_default="6.18.5-1.1", python_azure_agent="2.12.0.4-2.1")
    found = tumbleweed("systemd-boot", K, listed, "+3")
    found.update(AGENT)
    found.update(secure("systemd", SYSTEMD_BOOT))
    found.update({
        "/etc/kernel/cmdline": ARGUMENTS, "/etc/kernel/tries": "3\n",
        "/etc/fstab": FSTAB + "UUID=%s swap swap defaults 0 0\n" % SWAP,
        ESP + "/loader/entries.srel": "type1\n", ESP + "/loader/loader.conf": "timeout 8\n",
    })  # fmt: skip
    return found


# -- what is expected ------------------------------------------------------------------------------------------
KEPT = "splash=silent mitigations=auto security=selinux selinux=1 enforcing=1"
LINES: Dict[str, Tuple[str, ...]] = {
    "/etc/waagent.conf": PROVISIONS, "/etc/kernel/cmdline": (KEPT + " " + AZURE,),
    "/etc/ssh/sshd_config.d/00-agentprep.conf": ("ClientAliveInterval 180",),
    "/etc/sudoers": ("root ALL=(ALL:ALL) ALL", "@includedir /usr/etc/sudoers.d"),
    "/etc/udev/rules.d/68-azure-sriov-nm-unmanaged.rules": el.LINES[
        "/etc/udev/rules.d/68-azure-sriov-nm-unmanaged.rules"],
}  # fmt: skip


def expected(files: Files, entries: Dict[str, str], future: Dict[str, str], **more: Any) -> Expected:
    held: Any = dict.fromkeys(images(files), GENERIC)
    held.update(more.pop("held", {}))
    without = {"/etc/sudoers": r"(?m)^(Defaults\s+targetpw|ALL\s)", "/etc/fstab": r"\sswap\s"}
    same = ("/usr/etc/sudoers", "/usr/etc/ssh/sshd_config", ESP + "/EFI/BOOT/BOOTX64.EFI") + more.pop("same", ())
    return Expected(entries, future, held, HOST, lines=LINES, without=without, same=same,
                    links={wants("waagent"): "/usr/lib/systemd/system/waagent.service"}, **more)  # fmt: skip


def row(name: str, files: Any, prefix: str, wanted: Expected) -> Tree:
    build = dracut(110)
    commands: Dict[str, Handler] = {
        "dracut": build, "rpm": rpms.rpm, "zypper": rpms.installs(lambda: AGENT, python_azure_agent="2.12.0.4-2.1"),
    }  # fmt: skip
    return Tree(name, files, commands, started, installed(prefix, LATER, build), wanted)


TREES: Tuple[Tree, ...] = (
    row("tumbleweed-grub2-bls", grub2_bls, "system-", expected(
        grub2_bls(), {
            conf("system-", K[0].version): "%s net.ifnames=0 net.ifnames=0 %s %s" % (KEPT, ROOT % (UUID, 1), AZURE),
            SNAPPER: "%s %s %s" % (KEPT, ROOT % (UUID, 2), AZURE),
        },
        {conf("system-", LATER.version): "%s %s net.ifnames=0 net.ifnames=0 %s" % (KEPT, AZURE, ROOT % (UUID, 1))},
        held={OLDER: None}, same=("/etc/default/grub", LEFT, ESP + "/EFI/opensuse/grubenv", OLDER),
        brought=tuple(AGENT) + (rpms.NDB,))),
    row("tumbleweed-systemd-boot", systemd_boot, "", expected(
        systemd_boot(), {
            conf("", kernel.version, 1, "+3"): "%s %s %s" % (KEPT, ROOT % (UUID, 1), AZURE) for kernel in K
        },
        {conf("", LATER.version): "%s %s %s" % (KEPT, AZURE, ROOT % (UUID, 1))})),
)  # fmt: skip
