"""openSUSE Tumbleweed without a grub.cfg: grub2-bls and systemd-boot, whose entries sdbootutil makes on the ESP.

Read: install_kernel(), create_boot_options(), sedrootflags() and entry_conf_file() of sdbootutil (openSUSE/sdbootutil,
12630b2); the arguments that its installer gives, and names of entries, as users posted them.  sudo and sshd are
configured in /usr/etc.  Inferred: versions of packages.
"""

import hashlib
import os
import re
from typing import Any, Callable, Dict, List, Tuple

from tests.boot.partitions import GRUB, SYSTEMD_BOOT
from tests.formats.programs import program
from tests.roots import el, read, rpms
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
from tests.roots.tree import AZURE, GENERIC, HOST, Expected, Tree
from tests.trees import Handler, Program, To, make_tree

TOKEN, ESP = "opensuse-tumbleweed", "/boot/efi"
ENTRIES = ESP + "/loader/entries/"
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
ROOT = "root=UUID=%s rootflags=subvol=@/.snapshots/%d/snapshot"
STARTS = "\\grub.efi\0\\fallback.efi\0".encode("utf-16-le")
SHIM = program({".text": b"UEFI SHIM\n$Version: 16.1 $\n" + STARTS})
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


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def entry(version: str, snapshot: int, options: str, kernel: str, image: str, snapper: str = "") -> str:
    """What install_kernel() writes; a snapshot that is read-only has another title and place in the menu."""
    title = "openSUSE Tumbleweed 20260115"
    return (
        "# Boot Loader Specification type#1 entry\ntitle      %s\nversion    %d@%s\nsort-key   %s\noptions    %s\n"
        "linux      /%s/%s/linux-%s\ninitrd     /%s/%s/initrd-%s\n"
        % ("Snapper: *%s (%d,%s,%s)" % (title, snapshot, version, snapper) if snapper else title, snapshot, version,
           "snapper-opensuse-tumbleweed" if snapper else TOKEN, options, TOKEN, version, kernel, TOKEN, version, image)
    )  # fmt: skip


def conf(prefix: str, version: str, snapshot: int = 1, tries: str = "") -> str:
    return "%s%s-%s-%d%s.conf" % (prefix, TOKEN, version, snapshot, tries)


def secure(vendor: str, loader: bytes) -> Files:
    """What install_bootloader() puts on the ESP with shim; whatever the loader is, it is called grub.efi."""
    folder = "%s/EFI/%s/" % (ESP, vendor)
    return {
        folder + "grub.efi": loader, folder + "shim.efi": SHIM, folder + "MokManager.efi": b"MZ",
        folder + "boot.csv": "\ufeffshim.efi,openSUSE Boot Manager\n".encode("utf-16-le"),
        folder + "installed_by_sdbootutil": TOKEN + "\n", ESP + "/EFI/BOOT/BOOTX64.EFI": SHIM,
        ESP + "/EFI/BOOT/fallback.efi": b"MZ fallback", ESP + "/EFI/BOOT/MokManager.efi": b"MZ",
    }  # fmt: skip


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


def images(files: Files) -> List[str]:
    """The paths of the images on the ESP."""
    return [path for path in files if re.match(ESP + r"/[\w-]+/[^/]+/initrd-", path)]


# -- what the menu starts, and a later kernel ------------------------------------------------------------------
def started(root: str) -> Dict[str, str]:
    """{the entry's file: its command line}."""
    found = {}
    for name in sorted(os.listdir(root + ENTRIES)):
        lines = re.findall(r"(?m)^options\s+(.*)$", read(root, ENTRIES + name).decode())
        assert len(lines) == 1, "GRUB reads one line of options"
        found[name] = " ".join(lines[0].split())
    return found


def boot_options(root: str) -> str:
    """create_boot_options(): a last line without its end is lost, drop-ins are read twice, root= is put behind."""
    paths = [path for path in ("/etc/kernel/cmdline", "/usr/lib/kernel/cmdline") if os.path.exists(root + path)][:1]
    folder = "/etc/kernel/cmdline.d"
    if os.path.isdir(root + folder):
        paths += [folder + "/" + name for name in sorted(os.listdir(root + folder))] * 2
    lines = [line for path in paths for line in read(root, path).decode().split("\n")[:-1]]
    words = " ".join(line for line in lines if not line.startswith("#")).split()
    for word in (ROOT % (UUID, 1)).split():
        own = word.split("=")[0] + "="
        words = [word if one.startswith(own) else one for one in words]
        words += [] if word in words else [word]
    return " ".join(words)


def installed(prefix: str, build: Handler) -> Callable[[str], str]:
    """`sdbootutil add-kernel VERSION`: an image by dracut with the name of its checksum, and an entry."""

    def install(root: str) -> str:
        version, made = LATER.version, "/var/tmp/initrd-0"
        make_tree(root, LATER.files(), minimal=False)
        build(root, ("dracut", "--force", made, version))
        kernel, image = read(root, LATER.image % version), read(root, made)
        folder = "%s/%s/%s/" % (ESP, TOKEN, version)
        os.unlink(root + made)
        text = entry(version, 1, boot_options(root), sha1(kernel), sha1(image))
        make_tree(root, {folder + "linux-" + sha1(kernel): kernel, folder + "initrd-" + sha1(image): image,
                         ENTRIES + conf(prefix, version): text}, minimal=False)  # fmt: skip
        return folder + "initrd-" + sha1(image)

    return install


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
    return Tree(name, files, commands, started, installed(prefix, build), wanted)


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
