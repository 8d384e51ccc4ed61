"""What the trees of Red Hat's kind share: users, sshd, NetworkManager, files of /etc/sysconfig, rpm's list, dracut.

Read: /etc/default/grub, boot entries, fstab and ifcfg files of RHEL, CentOS, Alma and Rocky as their users posted them
(public repositories); 01-dist.conf of dracut's packages; mktitle() of 10_linux.  Inferred: versions of packages.
"""

from typing import Dict, Sequence, Tuple

from tests.roots import rpms
from tests.roots.grub import Style
from tests.roots.images import VERSION, host_image
from tests.roots.pieces import PROVISIONS, Files, Kernel, links, programs, systemd, unit, users
from tests.trees import ELF64, Program, To

MACHINE = "6fa25ca775f64accb0d3e53f0e4e6e92"
RESCUE = "0-rescue-" + MACHINE
SUDOERS = "Defaults   !visiblepw\nDefaults    env_reset\nroot\tALL=(ALL) \tALL\n%wheel\tALL=(ALL)\tALL\n"
SSHD = (
    "HostKey /etc/ssh/ssh_host_rsa_key\nHostKey /etc/ssh/ssh_host_ed25519_key\nSyslogFacility AUTHPRIV\n"
    "PasswordAuthentication yes\n#ClientAliveInterval 0\nUsePAM yes\nX11Forwarding yes\n"
    "Subsystem\tsftp\t/usr/libexec/openssh/sftp-server\n"
)
IFCFG = (
    'TYPE="Ethernet"\nBOOTPROTO="dhcp"\nDEFROUTE="yes"\nIPV4_FAILURE_FATAL="no"\nNAME="%s"\n'
    'UUID="6f9ad2d0-1111-4a4f-8f8f-0123456789ab"\nDEVICE="%s"\nONBOOT="yes"\n'
)
DIST = 'hostonly="yes"\nhostonly_cmdline="no"\nearly_microcode="yes"\nprefix="/"\n'
GRUB = """GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR="$(sed 's, release .*$,,g' /etc/system-release)"
GRUB_DEFAULT=saved
GRUB_DISABLE_SUBMENU=true
GRUB_TERMINAL_OUTPUT="console"
GRUB_CMDLINE_LINUX="%s"
GRUB_DISABLE_RECOVERY="true"
"""


def release(name: str, identity: str, number: str, code: str, like: str = "fedora") -> str:
    version = "%s (%s)" % (number, code) if code else number
    return (
        'NAME="%s"\nVERSION="%s"\nID="%s"\nID_LIKE="%s"\nVERSION_ID="%s"\nPRETTY_NAME="%s %s"\n'
        % (name, version, identity, like, number, name, version)
    )  # fmt: skip


def title(name: str, number: str, code: str) -> str:
    """mktitle() of 10_linux, as a Style's title."""
    return "%s (%%(version)s) %s" % (name, "%s (%s)" % (number, code) if code else number)


def base(told: str, system: str, kernels: Sequence[Kernel], python: str, listed: str, elf: bytes = ELF64,
         database: str = rpms.OLD) -> Files:  # fmt: skip
    """What every one from 7 on has."""
    found = links()
    found.update(systemd())
    found.update(users(SUDOERS))
    found.update(programs("/usr/sbin/sshd /usr/bin/rpm /usr/bin/sh /usr/bin/bash /usr/sbin/chronyd /usr/bin/dracut "
                          "/usr/bin/" + python, elf))  # fmt: skip
    found.update(unit("sshd", "/usr/sbin/sshd -D"))
    found.update(unit("chronyd", "/usr/sbin/chronyd"))
    found.update({
        "/etc/os-release": To("../usr/lib/os-release"), "/usr/lib/os-release": told,
        "/etc/redhat-release": system + "\n", "/etc/system-release": To("redhat-release"),
        "/etc/ssh/sshd_config": SSHD, "/etc/ssh/ssh_host_ed25519_key": "secret\n",
        "/etc/machine-id": MACHINE + "\n", "/etc/selinux/config": "SELINUX=enforcing\nSELINUXTYPE=targeted\n",
        "/etc/selinux/targeted/policy/policy.31": b"policy",
        "/etc/chrony.conf": "pool 2.rhel.pool.ntp.org iburst\nmakestep 1.0 3\n",
        "/usr/lib/systemd/system/sshd-keygen@.service": "[Service]\nType=oneshot\n",
        "/etc/sysconfig/network": "# Created by anaconda\n", database: listed,
    })  # fmt: skip
    for kernel in kernels:
        found.update(kernel.files())
    return found


def network_manager(card: str, ifcfg: bool = True, keyfile: bool = False) -> Files:
    """NetworkManager, with the profile of this machine's card as a file of one of its two kinds."""
    found = unit("NetworkManager", "/usr/sbin/NetworkManager --no-daemon")
    found.update(programs("/usr/sbin/NetworkManager"))
    found["/etc/NetworkManager/NetworkManager.conf"] = "[main]\n#plugins=keyfile\n\n[logging]\n"
    if ifcfg:
        found["/usr/lib64/NetworkManager/libnm-settings-plugin-ifcfg-rh.so"] = b"\x7fELF"
        found["/etc/sysconfig/network-scripts/ifcfg-" + card] = IFCFG % (card, card)
        found["/etc/sysconfig/network-scripts/ifcfg-lo"] = "DEVICE=lo\nIPADDR=127.0.0.1\nONBOOT=yes\nNAME=loopback\n"
    if keyfile:
        found["/etc/NetworkManager/system-connections/%s.nmconnection" % card] = (
            "[connection]\nid=%s\nuuid=6f9ad2d0-1111-4a4f-8f8f-0123456789ab\ntype=ethernet\ninterface-name=%s\n\n"
            "[ethernet]\nmac-address=52:54:00:12:34:56\n\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n" % (card, card)
        )
    return found


def dracut(kernels: Sequence[Kernel], found: Files, resume: str = "", conf: str = DIST, name: str = "initramfs-%s.img",
           drivers: str = "virtio_blk xfs", rescue: bool = True, number: int = 33) -> Files:  # fmt: skip
    """dracut's configuration and its host-only images, with a rescue image that has everything."""
    more: Files = {"/usr/lib/dracut/dracut.conf.d/01-dist.conf": conf, "/etc/dracut.conf": "# see dracut.conf(5)\n",
                   "/etc/dracut.conf.d/.keep": "", VERSION: "DRACUT_VERSION=%03d\n" % number}  # fmt: skip
    for kernel in kernels:
        more["/boot/" + name % kernel.version] = host_image(list(found), kernel.version, resume, drivers)
    if rescue:
        more["/boot/vmlinuz-" + RESCUE] = b"MZ rescue"
        more["/boot/" + name % RESCUE] = host_image(list(found), kernels[0].version, "", "virtio_blk xfs sd_mod")
    return more


def defaults(arguments: str, extra: str = "") -> Files:
    custom = Program("#!/bin/sh\nexec tail -n +3 $0\n")
    return {"/etc/default/grub": GRUB % arguments + extra, "/etc/grub.d/40_custom": custom}


# The parts of grub2-mkconfig and of 10_linux by which their kinds are told apart (see grub.py).
MKCONFIG = Program("#!/bin/sh\n. ${sysconfdir}/default/grub\n")
MKCONFIG_8 = Program(
    '#!/bin/sh\nexport GRUB_GRUBENV_UPDATE="yes"\n    --no-grubenv-update)\n\tGRUB_GRUBENV_UPDATE="no"\n'
    ". ${sysconfdir}/default/grub\n"
)
MKCONFIG_93 = Program(
    '#!/bin/sh\nexport GRUB_GRUBENV_UPDATE="yes"\nexport GRUB_UPDATE_BLS_CMDLINE="yes"\n    --no-grubenv-update)\n'
    '\tGRUB_GRUBENV_UPDATE="no"\n    --update-bls-cmdline)\n\tbls_cmdline_update=true\n. ${sysconfdir}/default/grub\n'
    'if [ "x${GRUB_ENABLE_BLSCFG}" = "xtrue" ] && [ "x${bls_cmdline_update}" != "xtrue" ]; then\n'
    '  GRUB_UPDATE_BLS_CMDLINE="no"\nfi\n'
)
LINUX = Program(
    '#!/bin/sh\n. "$pkgdatadir/grub-mkconfig_lib"\nlinux_entry "${OS}" "${version}" advanced standard \\\n'
    '"${GRUB_CMDLINE_LINUX} ${GRUB_CMDLINE_LINUX_DEFAULT}"\n'
)
LINUX_BLS = Program(
    '#!/bin/sh\n. "$pkgdatadir/grub-mkconfig_lib"\n'
    'if [ -z "${GRUB_ENABLE_BLSCFG}" ] && ! command -v new-kernel-pkg >/dev/null; then\n'
    '  GRUB_ENABLE_BLSCFG="true"\nfi\n'
    'if [ "x${GRUB_ENABLE_BLSCFG}" = "xtrue" ]; then\n  echo blscfg\n  exit 0\nfi\n'
    '"${GRUB_CMDLINE_LINUX} ${GRUB_CMDLINE_LINUX_DEFAULT}"\n'
)


def entry(style: Style, version: str, options: str, kind: str, tuned: bool = True) -> str:
    """An entry in /boot/loader/entries; `kind` is its grub_class."""
    return (
        "title %s\nversion %s\nlinux %s/vmlinuz-%s\ninitrd %s/initramfs-%s.img%s\noptions %s\ngrub_users $grub_users\n"
        "grub_arg --unrestricted\ngrub_class %s\n"
        % (style.title % {"version": version}, version, style.prefix, version, style.prefix, version,
           " $tuned_initrd" if tuned and "rescue" not in version else "", options, kind)
    )  # fmt: skip


def titles(style: Style, lines: Dict[str, str]) -> Dict[str, str]:
    """{title: line} of {version: line}."""
    return {style.title % {"version": version}: line for version, line in lines.items()}


# What Microsoft's tests read on Red Hat's kind, and the agent's configuration.
NETWORK = ("DEVICE=eth0", "ONBOOT=yes", "BOOTPROTO=dhcp", "TYPE=Ethernet", "PEERDNS=yes")
LINES: Dict[str, Tuple[str, ...]] = {
    "/.autorelabel": ("-F",),  # the tree is unpacked where no labels are
    "/etc/waagent.conf": PROVISIONS,
    "/etc/ssh/sshd_config": ("ClientAliveInterval 180",),
    "/etc/sysconfig/network-scripts/ifcfg-eth0": NETWORK,
    "/etc/sysconfig/network": ("NETWORKING=yes",),
    "/etc/udev/rules.d/68-azure-sriov-nm-unmanaged.rules": (
        'SUBSYSTEM=="net", DRIVERS=="hv_pci", ACTION!="remove", ENV{NM_UNMANAGED}="1"',
    ),
}
# The same where NetworkManager has keyfiles only.
LINES_KEYFILE = {path: lines for path, lines in LINES.items() if not path.startswith("/etc/sysconfig")}
LINES_KEYFILE["/etc/NetworkManager/system-connections/eth0.nmconnection"] = ("id=eth0", "type=ethernet", "method=auto")
