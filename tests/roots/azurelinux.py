"""Azure Linux 3, and CBL-Mariner 2, which is refused: its grub.cfg is written by hand and names kernels by variables.

Read: toolkit/resources/assets/grub2/grub and grub.cfg of microsoft/azurelinux (commits 05cb922e, 06bf1b32), the ESP's
stub of trident's tests, SPECS/dracut/00-hyperv.conf.  Inferred: versions of packages.
"""

from typing import Any, Dict, Tuple

from tests.roots import el, rpms
from tests.roots.grub import UUID, Style, classic, made, started
from tests.roots.images import VERSION, dracut, host_image
from tests.roots.pieces import LEAVES_IT, Files, Kernel, agent, cloud_init, fstab, programs, unit
from tests.roots.tree import GENERIC, Expected, Tree
from tests.trees import Handler, To, make_tree

STYLE = Style("AzureLinux GNU/Linux", initrd="initramfs-%s.img", dropins=False, tool="grub2-mkconfig")
K3 = (Kernel("6.6.57.1-6.azl3"),)
LATER = "6.6.99.1-1.azl3"
CFG = "/boot/grub2/grub.cfg"
KEPT = (
    "rd.auto=1 init=/lib/systemd/systemd net.ifnames=0 plymouth.enable=0 lockdown=integrity "
    "sysctl.kernel.unprivileged_bpf_disabled=1 loglevel=3"
)
GRUB = """GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR="AzureLinux"
GRUB_DISABLE_SUBMENU=y
GRUB_TERMINAL_OUTPUT="console"
GRUB_CMDLINE_LINUX="      %s  "
GRUB_CMDLINE_LINUX_DEFAULT=" $kernelopts"

# =============================notice===============================
# IMPORTANT: package and feature-specific behaviors are defined in
#   /etc/default/grub.d/*.cfg. The cfg files are sourced last
# =============================notice===============================
for x in /etc/default/grub.d/*.cfg ; do
    if [ -e "${x}" ]; then
        . "${x}"
    fi
done
"""
STUB = "search -n -u %s -s\n\nset bootprefix=/boot\nconfigfile $bootprefix/grub2/grub.cfg\n" % UUID


def base(version: str, kernels: Tuple[Kernel, ...], identity: str, name: str) -> Files:
    told = 'NAME="%s"\nVERSION="%s"\nID=%s\nVERSION_ID="%s"\nPRETTY_NAME="%s %s"\n' % (
        name, version, identity, version.rsplit(".", 1)[0], name, version)  # fmt: skip
    listed = rpms.listed(WALinuxAgent="2.11.1.4-2", openssh_server="9.8p1-3", cloud_init="24.3.1-1")
    found = el.base(told, "%s %s" % (name, version), kernels, "python3.12", listed, database=rpms.NEW)
    found.update(programs("/usr/bin/tdnf /usr/bin/dnf /usr/lib/systemd/systemd-networkd"))
    found.update(unit("systemd-networkd", "/usr/lib/systemd/systemd-networkd"))
    found.update(agent())
    found.update(cloud_init(conf="datasource_list: [ NoCloud ]\n"))
    found.update({
        "/etc/systemd/network/99-dhcp-en.network": "[Match]\nName=e*\n\n[Network]\nDHCP=yes\n",
        "/etc/systemd/networkd.conf": "[Network]\n", "/usr/bin/python3": To("python3.12"),
        "/etc/fstab": "PARTUUID=5555aaaa-01 /boot/efi vfat umask=0077 0 2\n" + fstab(),
        "/boot/efi/EFI/BOOT/bootx64.efi": b"MZ" + "grubx64.efi".encode("utf-16-le"),
        "/boot/efi/EFI/BOOT/grubx64.efi": b"MZ grub", "/boot/efi/boot/grub2/grub.cfg": STUB,
        "/boot/grub2/grubenv": b"# GRUB Environment Block\n" + b"#" * 999,
    })  # fmt: skip
    return found


def azurelinux3() -> Files:
    """/etc/default/grub is a program that reads grub.d itself, and a drop-in there has arguments of its own."""
    found = base("3.0.20241101", K3, "azurelinux", "Microsoft Azure Linux")
    found.update({
        "/etc/default/grub": GRUB % KEPT, "/etc/grub.d/10_linux": el.LINUX,
        "/etc/default/grub.d/50_console.cfg": 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX console=tty0 console=ttyS0"\n',
        "/usr/bin/grub2-mkconfig": el.MKCONFIG, "/etc/dracut.conf": "", VERSION: "DRACUT_VERSION=102\n",
        "/etc/dracut.conf.d/00-hyperv.conf": 'add_drivers+=" hv_utils hv_vmbus hv_storvsc hv_netvsc hv_sock '
        'hv_balloon "\n',
    })  # fmt: skip
    for kernel in K3:
        found["/boot/initramfs-%s.img" % kernel.version] = host_image(list(found), kernel.version)
    return made(found, STYLE, CFG)


def mariner2() -> Files:
    """The menu has variables that mariner.cfg sets for the newest kernel."""
    kernel = Kernel("5.15.167.1-2.cm2")
    found = base("2.0.20241029", (kernel,), "mariner", "Common Base Linux Mariner")
    found.update({
        CFG: "set timeout=0\nset bootprefix=/boot\nsearch -n -u %s -s\n\nload_env -f $bootprefix/mariner.cfg\n"
        'set rootdevice=PARTUUID=5555aaaa-02\n\nmenuentry "CBL-Mariner" {\n\tlinux $bootprefix/$mariner_linux '
        "rd.auto=1 root=$rootdevice $mariner_cmdline lockdown=integrity $systemd_cmdline $kernelopts\n"
        "\tif [ -f $bootprefix/$mariner_initrd ]; then\n\t\tinitrd $bootprefix/$mariner_initrd\n\tfi\n}\n" % UUID,
        "/boot/mariner.cfg": To("linux-%s.cfg" % kernel.version),
        "/boot/linux-%s.cfg" % kernel.version: "# GRUB Environment Block\nmariner_cmdline=init=/lib/systemd/systemd ro "
        "loglevel=3 quiet\nmariner_linux=vmlinuz-%s\nmariner_initrd=initrd.img-%s\n" % (kernel.version, kernel.version),
        "/boot/initrd.img-" + kernel.version: host_image(list(found), kernel.version), "/etc/dracut.conf": "",
        "/usr/bin/grub2-mkconfig": el.MKCONFIG,
    })  # fmt: skip
    return found


LINE = "root=UUID=%s ro %s console=tty0 console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=300" % (UUID, KEPT)
RECOVERY = LINE.replace(" ro ", " ro single ")


def flat(version: str) -> Dict[str, str]:
    title = STYLE.title % {"name": STYLE.name, "version": version}
    return {title: LINE, title + " (recovery mode)": RECOVERY}


EXPECTED = Expected(
    flat(K3[0].version), flat(LATER), {"/boot/initramfs-%s.img" % K3[0].version: GENERIC}, GENERIC,
    lines={"/etc/waagent.conf": LEAVES_IT}, same=("/boot/efi/boot/grub2/grub.cfg", "/boot/efi/EFI/BOOT/bootx64.efi"),
)  # fmt: skip
COMMANDS: Dict[str, Handler] = {"dracut": dracut(102), "grub2-mkconfig": classic(STYLE), "rpm": rpms.rpm}


def install(root: str) -> str:
    make_tree(root, Kernel(LATER).files(), minimal=False)
    image = "/boot/initramfs-%s.img" % LATER
    COMMANDS["dracut"](root, ("dracut", "--force", image, LATER))
    COMMANDS["grub2-mkconfig"](root, ("grub2-mkconfig", "-o", CFG))
    return image


def nothing(root: str) -> Any:
    raise AssertionError("no kernel is installed in a guest that is refused")


TREES: Tuple[Tree, ...] = (
    Tree("azurelinux-3", azurelinux3, COMMANDS, lambda root: started(root, CFG), install, EXPECTED),
    Tree("mariner-2", mariner2, {"rpm": rpms.rpm}, nothing, nothing, refused="mariner_linux"),
)
