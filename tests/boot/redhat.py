"""RHEL-like guests with BLS entries, as trees, and grub2-mkconfigs that do to them what theirs do.

Entries follow the scripts of those releases, 20-grub.install of grub2 2.02 (CentOS 8) and 2.06 (RHEL 9), the values are
ours; with tuned's ``$tuned_params`` and ``$tuned_initrd``; grub.cfg and the side effects of grub2-mkconfig as in
util/grub.d/10_linux.in and util/grub-mkconfig.in of rhboot/grub2, branches rhel-8-main, rhel-9.0.0, rhel-9-main,
fedora-44 (read; the fakes below were compared with those scripts run by bash).

guest(folder, release, changed)       the tree of a guest of that release: el8, el9.0, el9, fedora
mkconfig(release)                     its grub2-mkconfig, for FakeCommands
block(**variables)                    a grubenv
"""

import os
import re
import subprocess
from typing import Any, Dict

from tests.trees import Program, make_tree

ROOT = "root=/dev/mapper/rhel-root"
LVM = "resume=/dev/mapper/rhel-swap rd.lvm.lv=rhel/root rd.lvm.lv=rhel/swap"
MACHINE = "0123456789abcdef0123456789abcdef"
KERNELS = {
    "el8": ("4.18.0-513.5.1.el8_9.x86_64", "4.18.0-553.el8_10.x86_64"),
    "el9.0": ("5.14.0-70.13.1.el9_0.x86_64", "5.14.0-70.30.1.el9_0.x86_64"),
    "el9": ("5.14.0-427.13.1.el9_4.x86_64", "5.14.0-427.42.1.el9_4.x86_64"),
    "fedora": ("6.10.6-200.fc40.x86_64", "6.11.4-201.fc40.x86_64"),
}
RESCUE = "/boot/loader/entries/%s-0-rescue.conf" % MACHINE
CMDLINE, ENV, CFG = "/etc/kernel/cmdline", "/boot/grub2/grubenv", "/boot/grub2/grub.cfg"
BOOT = "crashkernel=auto %s rhgb quiet" % LVM

DEFAULTS = (
    """GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR="$(sed 's, release .*$,,g' /etc/system-release)"
GRUB_DEFAULT=saved
GRUB_DISABLE_SUBMENU=true
GRUB_TERMINAL_OUTPUT="console"
GRUB_CMDLINE_LINUX="%s"
GRUB_DISABLE_RECOVERY="true"
GRUB_ENABLE_BLSCFG=true
"""
    % BOOT
)

ENTRY = """title Red Hat Enterprise Linux (%(version)s) 9.4 (Plow)
version %(version)s
linux /vmlinuz-%(version)s
initrd /initramfs-%(version)s.img $tuned_initrd
options %(options)s
grub_users $grub_users
grub_arg --unrestricted
grub_class kernel
"""

HEADER = """### BEGIN /etc/grub.d/00_header ###
set pager=1

if [ -f ${config_directory}/grubenv ]; then
  load_env -f ${config_directory}/grubenv
elif [ -s $prefix/grubenv ]; then
  load_env
fi
%s
terminal_output %s
### END /etc/grub.d/00_header ###

### BEGIN /etc/grub.d/00_tuned ###
set tuned_params=""
set tuned_initrd=""
### END /etc/grub.d/00_tuned ###

### BEGIN /etc/grub.d/10_linux ###
"""
MENU = """insmod part_msdos
insmod xfs
set root='hd0,msdos1'
# The kernelopts variable should be defined in the grubenv file. But to ensure that menu
# entries populated from BootLoaderSpec files that use this variable work correctly even
# without a grubenv file, define a fallback kernelopts variable if this has not been set.
if [ -z "${kernelopts}" ]; then
  set kernelopts="%s"
fi

insmod blscfg
blscfg
### END /etc/grub.d/10_linux ###

### BEGIN /etc/grub.d/41_custom ###
if [ -f  ${config_directory}/custom.cfg ]; then
  source ${config_directory}/custom.cfg
elif [ -z "${config_directory}" -a -f  $prefix/custom.cfg ]; then
  source $prefix/custom.cfg
fi
### END /etc/grub.d/41_custom ###
"""
# What of the real scripts decides what agentprep does.
OPTIONS = {
    "el8": "    --no-grubenv-update)\n",
    "el9.0": "    --no-grubenv-update)\n",
    "el9": "    --no-grubenv-update)\n    --update-bls-cmdline)\nGRUB_UPDATE_BLS_CMDLINE=yes\n",
    "fedora": "    --no-grubenv-update)\n",
}
LINUX = {
    "el8": '#!/bin/sh\n. "$pkgdatadir/grub-mkconfig_lib"\n  if [ "x${GRUB_ENABLE_BLSCFG}" = "xtrue" ]; then\n',
    "el9": '#!/bin/sh\n. "$pkgdatadir/grub-mkconfig_lib"\n'
    'if [ -z "${GRUB_ENABLE_BLSCFG}" ] && ! command -v new-kernel-pkg >/dev/null; then\n'
    '\t  GRUB_ENABLE_BLSCFG="true"\nfi\n',
}
INSTALL = {
    "el8": "options \\$kernelopts\ncp -aT bls.conf\n",
    "el9": "options ${kernelopts}\n            if [[ -f /etc/kernel/cmdline ]]; then\n"
    "                read -r -d '' -a BOOT_OPTIONS < /etc/kernel/cmdline\n",
}
SOURCE = """. "%s/etc/default/grub"
printf '%%s\\0' "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT" "$GRUB_ENABLE_BLSCFG" \\
    "${GRUB_TERMINAL:-$GRUB_TERMINAL_OUTPUT}" "$GRUB_SERIAL_COMMAND"
"""


def block(**variables: str) -> bytes:
    text = "# GRUB Environment Block\n" + "".join("%s=%s\n" % pair for pair in variables.items())
    return text.encode() + b"#" * (1024 - len(text))


def path(version: str, machine: str = MACHINE) -> str:
    return "/boot/loader/entries/%s-%s.conf" % (machine, version)


def entry(version: str, options: str) -> str:
    return ENTRY % {"version": version, "options": options}


def files(release: str) -> Dict[str, Any]:
    """An installed guest: kernels, entries, stores."""
    old, new = KERNELS[release]
    given = "%s ro %s " % (ROOT, BOOT)
    known = {"saved_entry": "%s-%s" % (MACHINE, new), "boot_success": "0"}
    if release == "el8":
        known["kernelopts"] = given
    options = "$kernelopts $tuned_params" if release == "el8" else given + "$tuned_params"
    found: Dict[str, Any] = {
        "/etc/default/grub": DEFAULTS,
        "/usr/sbin/grub2-mkconfig": Program("#! /bin/sh\nset -e\n" + OPTIONS[release]),
        "/etc/grub.d/10_linux": Program(LINUX["el8" if release == "el8" else "el9"]),
        "/usr/lib/kernel/install.d/20-grub.install": Program(INSTALL["el8" if release == "el8" else "el9"]),
        CFG: HEADER % ("", "console") + MENU % given,
        ENV: block(**known),
        RESCUE: entry("0-rescue-" + MACHINE, given).replace(" $tuned_initrd", ""),
        "/boot/vmlinuz-0-rescue-" + MACHINE: "kernel",
        "/boot/initramfs-0-rescue-%s.img" % MACHINE: "initrd",
        "/boot/initramfs-%skdump.img" % new: "initrd",
    }
    for version in (old, new):
        found["/boot/vmlinuz-" + version] = "kernel"
        found["/boot/initramfs-%s.img" % version] = "initrd"
        found["/lib/modules/%s/modules.dep" % version] = ""
        found[path(version)] = entry(version, options)
    return found


def guest(folder: Any, release: str, changed: Any = ()) -> str:
    wanted = files(release)
    wanted.update(changed)
    return make_tree(folder, {where: content for where, content in wanted.items() if content is not None})


def mkconfig(release: str) -> Any:
    def run(root: str, argv: Any) -> Any:
        output, quiet = root + argv[argv.index("-o") + 1], "--no-grubenv-update" in argv
        done = subprocess.run(["sh", "-c", SOURCE % root], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode:
            return done.returncode, done.stderr.decode()
        linux, default, enabled, terminal, serial = done.stdout.decode().split("\0")[:5]
        line = "%s ro %s %s" % (ROOT, linux, default)
        text = HEADER % (serial if "serial" in terminal else "", terminal or "gfxterm")
        bls = enabled == "true" or (not enabled and release != "el8")
        if bls and release == "el8" and not quiet:
            editenv(root, line)
        rewrites = not quiet if release in ("el9.0", "fedora") else release == "el9" and enabled != "true"
        if bls and (rewrites or "--update-bls-cmdline" in argv):
            rewrite(root, line)
        with open(output, "w") as stream:
            stream.write(text + MENU % line if bls else text + classic(root, line))
        return None

    return run


def editenv(root: str, line: str) -> None:
    """grub2-editenv - set kernelopts=LINE"""
    with open(root + ENV, "r+b") as stream:
        lines = stream.read().rstrip(b"#").decode().splitlines()
        kept = [one for one in lines if not one.startswith("kernelopts=")] + ["kernelopts=" + line]
        stream.seek(0)
        stream.write(("\n".join(kept) + "\n").encode().ljust(1024, b"#"))


def rewrite(root: str, line: str) -> None:
    """update_bls_cmdline of 10_linux."""
    etc = root + "/etc/kernel"
    if os.path.isdir(etc):
        older = os.path.exists(root + CMDLINE) and os.stat(root + CMDLINE).st_mtime < os.stat(
            root + "/etc/default/grub").st_mtime  # fmt: skip
        if older or not os.path.exists(root + CMDLINE):
            with open(root + CMDLINE, "w") as stream:
                stream.write(line + "\n")
    folder = root + "/boot/loader/entries/"
    for name in os.listdir(folder):
        with open(folder + name, "r+") as stream:
            text = re.sub("(?m)^options.*", lambda found: "options " + line, stream.read())
            stream.seek(0)
            stream.truncate()
            stream.write(text)


def classic(root: str, line: str) -> str:
    """linux_entry of 10_linux for each kernel."""
    text = ""
    for name in sorted(os.listdir(root + "/boot"), reverse=True):
        if name.startswith("vmlinuz-"):
            version = name[8:]
            text += "menuentry 'Red Hat Enterprise Linux (%s) 9.4 (Plow)' --class red --unrestricted {\n" % version
            text += "\tlinux\t/%s %s\n\tinitrd\t/initramfs-%s.img\n}\n" % (name, line, version)
    return text + "### END /etc/grub.d/10_linux ###\n"
