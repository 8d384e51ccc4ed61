"""SLES 12 SP5, SLES 15 SP6 and openSUSE Leap 15.6: GRUB 2 in /boot/grub2, dracut, wicked, zypper.

Read: /etc/default/grub and the ESP's grub.cfg as users of these releases posted them; 10_linux with SUSE's
${extra_cmdline} (rhboot/grub2 carries that patch); waagent.conf of WALinuxAgent's config/suse (01d4487d); dracut.sh of
044 and 059.  Inferred: versions of packages.
"""

from typing import Any, Callable, Dict, Tuple

from tests.roots import rpms
from tests.roots.grub import UUID, Style, classic, made, started
from tests.roots.images import VERSION, dracut, host_image
from tests.roots.pieces import (
    PROVISIONS,
    SWAP,
    UPSTREAM,
    Files,
    Kernel,
    agent,
    cloud_init,
    fstab,
    links,
    loaders,
    programs,
    systemd,
    unit,
    users,
    wants,
)
from tests.roots.tree import AZURE, GENERIC, HOST, Expected, Tree
from tests.trees import Handler, Program, To, make_tree

SUDOERS = (
    "Defaults always_set_home\nDefaults env_reset\nDefaults targetpw   # ask for the password of the target user\n"
    "ALL   ALL=(ALL) ALL   # WARNING! Only use this together with 'Defaults targetpw'!\nroot ALL=(ALL) ALL\n"
)
SSHD = "#Port 22\nAuthorizedKeysFile\t.ssh/authorized_keys\nUsePAM yes\nX11Forwarding yes\nAcceptEnv LANG LC_CTYPE\n"
GRUB = """# If you change this file, run 'grub2-mkconfig -o /boot/grub2/grub.cfg' afterwards to update
# /boot/grub2/grub.cfg.

# Uncomment to set your own custom distributor. If you leave it unset or empty, the default
# policy is to determine the value from /etc/os-release
GRUB_DISTRIBUTOR=
GRUB_DEFAULT=saved
GRUB_HIDDEN_TIMEOUT=0
GRUB_HIDDEN_TIMEOUT_QUIET=true
GRUB_TIMEOUT=8
GRUB_CMDLINE_LINUX_DEFAULT="%s"
GRUB_CMDLINE_LINUX=""

# Uncomment to automatically save last booted menu entry in GRUB2 environment
# variable `saved_entry'
# GRUB_SAVEDEFAULT="true"
GRUB_TERMINAL="gfxterm"
GRUB_GFXMODE="auto"
GRUB_BACKGROUND=
SUSE_BTRFS_SNAPSHOT_BOOTING="true"
GRUB_DISABLE_OS_PROBER="true"
GRUB_ENABLE_CRYPTODISK="n"
"""
LINUX = Program(
    '#!/bin/sh\n. "$pkgdatadir/grub-mkconfig_lib"\nlinux_entry "${OS}" "${version}" simple \\\n'
    '"${GRUB_CMDLINE_LINUX} ${GRUB_CMDLINE_LINUX_DEFAULT}"\n'
)
DIST = 'hostonly="yes"\nhostonly_cmdline="yes"\ncompress="xz -0 --check=crc32 --memlimit-compress=50%"\n'
CFG = "/boot/grub2/grub.cfg"
AGENT = agent(UPSTREAM)
STUB = (
    'set btrfs_relative_path="yes"\nsearch --fs-uuid --set=root %s\nset prefix=(${root})/boot/grub2\n'
    'source "${prefix}/grub.cfg"\n' % UUID
)


def style(name: str) -> Style:
    """Its entries have a variable behind root=, which is empty but where a snapshot is booted."""
    tool, behind = "grub2-mkconfig", "${extra_cmdline}"
    return Style(name, initrd="initrd-%s", dropins=False, tool=tool, behind=behind, shell="bash")


def release(identity: str, number: str, name: str) -> str:
    return 'NAME="%s"\nVERSION="%s"\nVERSION_ID="%s"\nPRETTY_NAME="%s"\nID="%s"\nID_LIKE="suse"\n' % (
        name.split(" 1", maxsplit=1)[0], number, number, name, identity)  # fmt: skip


def base(told: str, kernels: Tuple[Kernel, ...], python: str, listed: str, database: str) -> Files:
    """What every one with systemd has."""
    found = links()
    found.update(systemd())
    found.update(users(SUDOERS))
    found.update(programs("/usr/sbin/sshd /usr/bin/rpm /usr/bin/zypper /usr/bin/sh /usr/bin/bash /usr/bin/dracut"))
    found.update(programs("/usr/bin/%s /usr/sbin/wicked" % python))
    found.update(unit("sshd", "/usr/sbin/sshd -D"))
    found.update(unit("wicked", "/usr/sbin/wickedd-nanny", "network-online.target", alias="network.service"))
    found[wants("wicked")] = To("/usr/lib/systemd/system/wicked.service")
    found.update({
        "/etc/os-release": told, "/usr/bin/python3": To(python), "/etc/ssh/sshd_config": SSHD,
        "/etc/ssh/ssh_host_ed25519_key": "secret\n", "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
        "/etc/zypp/repos.d/pool.repo": "[pool]\nenabled=1\nbaseurl=https://example.com/pool\n", database: listed,
        "/etc/sysconfig/network/ifcfg-eth0": "BOOTPROTO='dhcp'\nSTARTMODE='auto'\nLLADDR='52:54:00:12:34:56'\n",
        "/etc/sysconfig/network/dhcp": '## Type: yesno\nDHCLIENT_SET_HOSTNAME="yes"\nDHCLIENT_WAIT_AT_BOOT="15"\n',
        "/etc/sysconfig/network/config": 'NETCONFIG_DNS_STATIC_SERVERS=""\n',
        "/etc/sysconfig/bootloader": 'LOADER_TYPE="grub2"\nTRUSTED_BOOT="no"\n',
        "/usr/lib/dracut/dracut.conf.d/01-dist.conf": DIST, "/etc/dracut.conf": "", "/etc/dracut.conf.d/.keep": "",
        "/usr/sbin/grub2-mkconfig": Program("#!/bin/sh\n. ${sysconfdir}/default/grub\n"),
        "/etc/grub.d/10_linux": LINUX,
    })  # fmt: skip
    for kernel in kernels:
        found.update(kernel.files())
        found["/boot/initrd-" + kernel.version] = host_image(list(found), kernel.version, "/dev/disk/by-uuid/" + SWAP)
    newest = kernels[0].version
    found.update({"/boot/vmlinuz": To("vmlinuz-" + newest), "/boot/initrd": To("initrd-" + newest)})
    return found


RESUME = "resume=/dev/disk/by-uuid/" + SWAP
K12 = (Kernel("4.12.14-122.159-default"), Kernel("4.12.14-120-default"))
S12 = style("SLES 12-SP5")


def sles12() -> Files:
    """BIOS; udev's memory of the card; images that wait for the swap; two kernels."""
    listed = rpms.listed(python_azure_agent="2.2.45-34.17.1", openssh="7.2p2-81.8.1", kernel_default="4.12.14-122")
    found = base(release("sles", "12.5", "SUSE Linux Enterprise Server 12 SP5"), K12, "python3.4", listed, rpms.OLD)
    found.update(AGENT)
    found.update({
        VERSION: "DRACUT_VERSION=044\n",
        "/etc/default/grub": GRUB % (RESUME + " splash=silent quiet showopts crashkernel=179M,high"),
        "/etc/fstab": fstab(kind="btrfs", swap="UUID=" + SWAP), "/boot/grub2/i386-pc/core.img": b"\0" * 512,
        "/etc/udev/rules.d/70-persistent-net.rules": 'SUBSYSTEM=="net", ATTR{address}=="52:54:00:12:34:56", '
        'NAME="eth0"\n', "/usr/lib/udev/rules.d/75-persistent-net-generator.rules": "# by udev\n",
    })  # fmt: skip
    return made(found, S12, CFG)


K15 = (Kernel("6.4.0-150600.23.7-default", suffix=".ko.zst"),)
S15 = style("SLES 15-SP6")
ESP = "/boot/efi/EFI/sles/"


def sles15() -> Files:
    """UEFI with a stub that sources the menu, shim and grub.efi by SUSE's names; cloud-init is there and off."""
    listed = rpms.listed(openssh="9.6p1-150600.4.3", kernel_default="6.4.0-150600.23.7.1", cloud_init="23.3-150100")
    found = base(release("sles", "15.6", "SUSE Linux Enterprise Server 15 SP6"), K15, "python3.6", listed, rpms.NDB)
    found.update(cloud_init())
    found["/etc/cloud/cloud-init.disabled"] = ""
    shim = loaders("sles", STUB)[ESP + "shimx64.efi"]
    found.update({
        VERSION: "DRACUT_VERSION=059\n",
        "/etc/default/grub": GRUB % ("splash=silent mitigations=auto quiet security=apparmor crashkernel=369M,high"),
        "/etc/fstab": fstab(kind="btrfs", efi=True), "/var/lib/rpm": To("../../usr/lib/sysimage/rpm"),
        ESP + "shim.efi": shim, ESP + "grub.efi": b"MZ SUSE GRUB", ESP + "grub.cfg": STUB,
        ESP + "MokManager.efi": b"MZ", ESP + "boot.csv": "shim.efi,sles\n".encode("utf-16-le"),
        "/boot/efi/EFI/boot/bootx64.efi": shim, "/boot/efi/EFI/boot/fallback.efi": b"MZ fallback",
    })  # fmt: skip
    return made(found, S15, CFG)


SLEAP = style("openSUSE Leap 15.6")


def leap() -> Files:
    """kernel-azure's like: storage and network are built in, so that no name is left for dracut but one."""
    listed = rpms.listed(WALinuxAgent="2.2.49.2-150100.3.23.1", openssh="9.6p1", kernel_default="6.4.0-150600.21.2")
    found = base(release("opensuse-leap", "15.6", "openSUSE Leap 15.6"), KAZURE, "python3.6", listed, rpms.NDB)
    found.update(AGENT)
    found.update({
        VERSION: "DRACUT_VERSION=059\n",
        "/etc/default/grub": GRUB % ("splash=silent " + RESUME + " quiet libata.atapi_enabled=0 reserve=0x1f0,0x8"),
        "/etc/fstab": fstab(kind="btrfs", swap="UUID=" + SWAP), "/boot/grub2/i386-pc/core.img": b"\0" * 512,
        "/var/lib/rpm": To("../../usr/lib/sysimage/rpm"),
    })  # fmt: skip
    return made(found, SLEAP, CFG)


BUILTIN = "hv_vmbus hv_storvsc hv_netvsc hyperv-keyboard scsi_transport_fc scsi_mod sd_mod"
KAZURE = (Kernel("6.4.0-150600.8.5-azure", suffix=".ko.zst", builtin=BUILTIN),)
R = "root=UUID=%s " % UUID


def titles(told: Style, versions: Tuple[str, ...], line: str, simple: bool = True) -> Dict[str, str]:
    found = {told.name: R + line} if simple else {}
    for version in versions:
        one = "Advanced options for %s>%s, with Linux %s" % (told.name, told.name, version)
        found.update({one: R + line, one + " (recovery mode)": R + "single " + AZURE})
    return found


def installed(kernel: Kernel, commands: Dict[str, Handler]) -> Callable[[str], str]:
    """A later kernel: a host-only image by dracut, and update-bootloader's grub2-mkconfig."""

    def install(root: str) -> str:
        make_tree(root, kernel.files(), minimal=False)
        image = "/boot/initrd-" + kernel.version
        commands["dracut"](root, ("dracut", "--force", image, kernel.version))
        commands["grub2-mkconfig"](root, ("grub2-mkconfig", "-o", CFG))
        return image

    return install


def expected(told: Style, kernels: Tuple[Kernel, ...], line: str, later: str, held: str = GENERIC, host: str = HOST,
             **more: Any) -> Expected:  # fmt: skip
    versions = tuple(kernel.version for kernel in kernels)
    lines = {
        "/etc/waagent.conf": PROVISIONS, "/etc/ssh/sshd_config": ("ClientAliveInterval 180",),
        "/etc/sysconfig/network/dhcp": ('DHCLIENT_SET_HOSTNAME="no"', 'DHCLIENT_WAIT_AT_BOOT="15"'),
    }  # fmt: skip
    without = {"/etc/sudoers": r"(?m)^Defaults\s+targetpw", "/etc/sysconfig/network/ifcfg-eth0": "(?m)^LLADDR",
               "/etc/fstab": r"\sswap\s"}  # fmt: skip
    return Expected(titles(told, versions, line), titles(told, (later,), line, False),
                    {"/boot/initrd-" + version: held for version in versions}, host, lines=lines, without=without,
                    links={wants("waagent"): "/usr/lib/systemd/system/waagent.service"}, **more)  # fmt: skip


def row(name: str, files: Any, told: Style, release_of: int, kernel: Kernel, wanted: Expected) -> Tree:
    commands: Dict[str, Handler] = {
        "dracut": dracut(release_of), "grub2-mkconfig": classic(told), "rpm": rpms.rpm,
        "zypper": rpms.installs(lambda: AGENT, python_azure_agent="2.9.1.1-150100.3.38.1"),
    }  # fmt: skip
    return Tree(name, files, commands, lambda root: started(root, CFG), installed(kernel, commands), wanted)


N12, N15, NAZURE = "4.12.14-999-default", "6.4.0-150600.99-default", "6.4.0-150600.99-azure"
LEFT = "cdrom dm_mod ext4 hid_hyperv sr_mod virtio_blk xfs"
TREES: Tuple[Tree, ...] = (
    row("sles-12", sles12, S12, 44, Kernel(N12), expected(
        S12, K12, AZURE + " splash=silent showopts", N12, gone=("/etc/udev/rules.d/70-persistent-net.rules",))),
    row("sles-15-uefi", sles15, S15, 59, Kernel(N15, suffix=".ko.zst"), expected(
        S15, K15, AZURE + " splash=silent mitigations=auto security=apparmor", N15, same=(ESP + "grub.cfg",),
        brought=tuple(AGENT) + (rpms.NDB,))),
    row("leap-15-azure-kernel", leap, SLEAP, 59, KAZURE[0]._replace(version=NAZURE), expected(
        SLEAP, KAZURE, AZURE + " splash=silent", NAZURE, LEFT, LEFT.replace("cdrom ", "").replace("sr_mod ", ""))),
)  # fmt: skip
