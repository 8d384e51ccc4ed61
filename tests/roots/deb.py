"""What the trees of Debian and Ubuntu share: GRUB 2, initramfs-tools, ifupdown, ssh, and a kernel that comes later.

/init of initramfs-tools 0.142 sleeps rootdelay=, udev's own script did in old releases; that /init of 0.122 to 0.140
sleeps as that of 0.142 does is inferred, not read.
"""

import hashlib
from typing import Callable, Dict, Sequence

from tests.roots import debian12, mkinitramfs
from tests.roots.grub import Style, classic, started
from tests.roots.pieces import Files, Kernel, foreign_image, links, programs, systemd, unit, users
from tests.trees import ELF64, Handler, Program, To, make_tree

SUDOERS = "Defaults\tenv_reset\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n\n@includedir /etc/sudoers.d\n"
SLEEPS = '#!/bin/sh\n\nif [ "$ROOTDELAY" ]; then\n\tsleep "$ROOTDELAY"\nfi\n'
UDEV_SLEEPS = (
    "#!/bin/sh -e\n# If the rootdelay parameter has been set, we wait a bit for devices\n# like usb/firewire disks to "
    'settle.\nif [ "$ROOTDELAY" ]; then\n\tsleep $ROOTDELAY\nfi\n'
)
SSHD = "%sPort 22\nPermitRootLogin without-password\nUsePAM yes\nSubsystem sftp /usr/lib/openssh/sftp-server\n"
INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf\n"
GRUB = """# If you change this file, run 'update-grub' afterwards to update
# /boot/grub/grub.cfg.
# For full documentation of the options in this file, see:
#   info -f grub -n 'Simple configuration'

GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`
GRUB_CMDLINE_LINUX_DEFAULT="%s"
GRUB_CMDLINE_LINUX="%s"
"""
MKCONFIG = Program('#!/bin/sh\nset -e\nfor x in ${sysconfdir}/default/grub.d/*.cfg ; do\n  . "${x}"\ndone\n')
LINUX = Program(
    '#!/bin/sh\nset -e\n. "$pkgdatadir/grub-mkconfig_lib"\nlinux_entry "${OS}" "${version}" simple \\\n'
    '"${GRUB_CMDLINE_LINUX} ${GRUB_CMDLINE_LINUX_DEFAULT}"\n'
)
CFG = "/boot/grub/grub.cfg"


def dpkg(**versions: str) -> str:
    """/var/lib/dpkg/status; an underscore in a name stands for a minus."""
    stanza = "Package: %s\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\nVersion: %s\n\n"
    return "".join(stanza % (name.replace("_", "-"), version) for name, version in versions.items())


def base(release: str, kernels: Sequence[Kernel], python: str, merged: bool = True, elf: bytes = ELF64) -> Files:
    """What every one of them has; `release` is the content of os-release."""
    found = links(merged)
    found.update(systemd("/usr/lib/systemd" if merged else "/lib/systemd"))
    found.update(users(SUDOERS, "sudo"))
    found.update(programs("/usr/sbin/sshd /usr/bin/apt-get /usr/bin/dpkg /bin/sh /usr/bin/" + python, elf))
    found.update({
        "/etc/os-release": To("../usr/lib/os-release"), "/usr/lib/os-release": release,
        "/usr/bin/python3": To(python), "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
        "/etc/ssh/ssh_host_ed25519_key": "secret\n",
    })  # fmt: skip
    for kernel in kernels:
        found.update(kernel.files())
    return found


def grub2(default: str, linux: str = "", text: str = "") -> Files:
    """GRUB 2's sources; `made` makes the menu of them."""
    return {
        "/etc/default/grub": text or GRUB % (default, linux),
        "/etc/grub.d/10_linux": LINUX,
        "/usr/sbin/grub-mkconfig": MKCONFIG,
    }


def initramfs_tools(kernels: Sequence[Kernel], modules: str = "most", resume: str = "", sleeps: str = "init",
                    packing: str = "gzip", folder: str = "usr/lib", records: bool = False) -> Files:  # fmt: skip
    """Its configuration and the images of a KVM machine; `records`: those SHA-1s that it kept up to 0.136."""
    found: Files = {
        "/etc/initramfs-tools/initramfs.conf": "MODULES=%s\nBUSYBOX=auto\nKEYMAP=n\nCOMPRESS=gzip\n" % modules,
        "/etc/initramfs-tools/modules": debian12.MODULES,
        "/usr/sbin/mkinitramfs": Program("#!/bin/sh\n"),
        "/usr/share/initramfs-tools/init": SLEEPS if sleeps == "init" else "#!/bin/sh\n",
    }
    if sleeps == "udev":
        found["/usr/share/initramfs-tools/scripts/init-top/udev"] = UDEV_SLEEPS
    if resume:
        found["/etc/initramfs-tools/conf.d/resume"] = "RESUME=%s\n" % resume
    for kernel in kernels:
        path = "/boot/initrd.img-" + kernel.version
        image = foreign_image(kernel, packing, folder=folder)
        found[path] = image
        if records:
            digest = hashlib.sha1(image).hexdigest()
            found["/var/lib/initramfs-tools/" + kernel.version] = "%s  %s\n" % (digest, path)
    return found


def ifupdown(card: str, folder: str = "/usr/lib/systemd/system", extra: str = "") -> Files:
    top = "/usr/sbin/" if folder.startswith("/usr") else "/sbin/"
    found: Files = {
        "/etc/network/interfaces": "source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\n"
        "allow-hotplug %s\niface %s inet dhcp\n%s" % (card, card, extra),
        "/etc/network/interfaces.d/.keep": "",
    }
    found.update(programs("%sifup %sifquery %sdhclient" % (top, top, top)))
    found.update(unit("networking", "/sbin/ifup -a", folder=folder))
    return found


def ssh(folder: str = "/usr/lib/systemd/system", include: bool = True) -> Files:
    found = unit("ssh", "/usr/sbin/sshd -D", folder=folder, alias="sshd.service")
    found["/etc/ssh/sshd_config"] = SSHD % (INCLUDE if include else "")
    if include:
        found["/etc/ssh/sshd_config.d/.keep"] = ""
    return found


# -- what is expected ------------------------------------------------------------------------------------------
def grub_menu(root: str) -> Dict[str, str]:
    return started(root, CFG)


def titles(style: Style, versions: Sequence[str], normal: str, recovery: str) -> Dict[str, str]:
    """The command line of every entry: the simple one and, in the submenu, two for each kernel."""
    found = {style.name: normal}
    for version in versions:
        found.update(later(style, version, normal, recovery))
    return found


def later(style: Style, version: str, normal: str, recovery: str) -> Dict[str, str]:
    """The command lines of one kernel's entries in the submenu; no recovery entry where `recovery` is empty."""
    one = "Advanced options for %s>" % style.name + style.title % {"name": style.name, "version": version}
    return {one: normal, one + " (recovery mode)": recovery} if recovery else {one: normal}


def tools(style: Style) -> Dict[str, Handler]:
    return {"mkinitramfs": mkinitramfs, "grub-mkconfig": classic(style)}


def installed(kernel: Kernel, commands: Dict[str, Handler]) -> Callable[[str], str]:
    """A later kernel as its package installs it: an image by initramfs-tools, a menu by update-grub."""

    def install(root: str) -> str:
        make_tree(root, kernel.files(), minimal=False)
        image = "/boot/initrd.img-" + kernel.version
        commands["mkinitramfs"](root, ("mkinitramfs", "-o", image, kernel.version))
        commands["grub-mkconfig"](root, ("grub-mkconfig", "-o", CFG))
        return image

    return install
