"""A Debian 12 with GRUB, as a tree, and two grub-mkconfigs for it.

small(root, argv)                     evaluates the tree's files with the real sh, and writes 10_linux's menu
real(root, argv)                      the grub-mkconfig of this machine, or of the chroot that AGENTPREP_GRUB names, led
                                      into the tree (tried with 2.06-13+deb12u2, 2.12-9+deb13u2 and 2.14-4)
"""

import os
import re
import stat
import subprocess
from typing import Any, Dict

from tests.trees import Program, make_tree

UUID = "0b8c9ef0-4b2f-4a3e-9c40-2f7b9f1d5a11"
KERNELS = ("6.1.0-27-amd64", "6.1.0-28-amd64")
GRUB = os.environ.get("AGENTPREP_GRUB", "")
LIBRARY = "/usr/share/grub/grub-mkconfig_lib"

# grub-common 2.06-13+deb12u1: /usr/share/grub/default/grub
MAIN = """# If you change this file, run 'update-grub' afterwards to update
# /boot/grub/grub.cfg.
# For full documentation of the options in this file, see:
#   info -f grub -n 'Simple configuration'

GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX=""

# Uncomment to disable graphical terminal
#GRUB_TERMINAL=console

# Uncomment if you don't want GRUB to pass "root=UUID=xxx" parameter to Linux
#GRUB_DISABLE_LINUX_UUID=true

# Uncomment to disable generation of recovery mode menu entries
#GRUB_DISABLE_RECOVERY="true"
"""
# kdump-tools 1.8.1: /etc/default/grub.d/kdump-tools.cfg
KDUMP = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=384M-:128M"\n'
# Ubuntu's cloud images: /etc/default/grub.d/50-cloudimg-settings.cfg
CLOUD = """# Cloud Image specific Grub settings for Generic Cloud Images
# Set the recordfail timeout
GRUB_RECORDFAIL_TIMEOUT=0

# Do not wait on grub prompt
GRUB_TIMEOUT=0

# Set the default commandline
GRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"

# Set the grub console type
GRUB_TERMINAL=console
"""
CUSTOM = """#!/bin/sh
exec tail -n +3 $0
# This file provides an easy way to add custom menu entries.  Simply type the
# menu entries you want to add after this comment.  Be careful not to change
# the 'exec tail' line above.
"""
# What matters of the real one: its shell, and that it sources the folder.
MKCONFIG = """#! /bin/sh
set -e
if test -f ${sysconfdir}/default/grub ; then
  . ${sysconfdir}/default/grub
fi
for x in ${sysconfdir}/default/grub.d/*.cfg ; do
  if [ -e "${x}" ]; then
    . "${x}"
  fi
done
"""

PROBE = """#!/bin/sh
case "$*" in
    *fs_uuid*) echo %s;; *=fs|*"-t fs"*) echo ext2;; *=device*) echo /dev/sda1;; *partmap*) echo msdos;;
esac
"""

SOURCE = """set -e
if test -f %(root)s/etc/default/grub; then . %(root)s/etc/default/grub; fi
for x in %(root)s/etc/default/grub.d/*.cfg; do if [ -e "$x" ]; then . "$x"; fi; done
printf '%%s\\0' "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT" "$GRUB_DISABLE_RECOVERY" \\
    "${GRUB_TERMINAL:-gfxterm}" "$GRUB_SERIAL_COMMAND"
"""


def files() -> Dict[str, Any]:
    """The files of a Debian 12 with two kernels, as installed."""
    found: Dict[str, Any] = {
        "/etc/default/grub": MAIN,
        "/etc/grub.d/40_custom": Program(CUSTOM),
        "/usr/sbin/grub-mkconfig": Program(MKCONFIG),
    }
    for version in KERNELS:
        found["/boot/vmlinuz-" + version] = "kernel"
        found["/boot/initrd.img-" + version] = "initrd"
        found["/lib/modules/%s/modules.dep" % version] = ""
    return found


def guest(folder: Any, changed: Any = ()) -> str:
    """The tree of such a guest with some files changed (None: gone), and the grub.cfg that was made from it."""
    wanted = files()
    wanted.update(changed)
    root = make_tree(folder, {path: text for path, text in wanted.items() if text is not None})
    os.makedirs(root + "/boot/grub", exist_ok=True)
    if not os.path.exists(root + "/boot/grub/grub.cfg"):
        small(root, ("grub-mkconfig", "-o", "/boot/grub/grub.cfg"))
    return root


def small(root: str, argv: Any) -> Any:
    """grub-mkconfig -o FILE, as far as a tree's kernels and their arguments go."""
    output = root + argv[argv.index("-o") + 1]
    done = subprocess.run(["sh", "-c", SOURCE % {"root": root}], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        with open(output + ".new", "w"):  # the real one leaves it behind as well
            return done.returncode, done.stderr.decode(errors="replace")
    linux, default, no_recovery, terminal, serial = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:5]
    text = "### BEGIN /etc/grub.d/00_header ###\n%s\nterminal_output %s\n### END /etc/grub.d/00_header ###\n\n" % (
        serial if "serial" in terminal else "", terminal,
    )  # fmt: skip
    text += "### BEGIN /etc/grub.d/10_linux ###\n"
    versions = [name[8:] for name in sorted(os.listdir(root + "/boot"), reverse=True) if name.startswith("vmlinuz-")]
    for number, version in enumerate(versions):
        normal = "%s %s" % (linux, default)
        if number == 0:
            text += entry("Debian GNU/Linux", version, normal)
            text += "submenu 'Advanced options for Debian GNU/Linux' $menuentry_id_option 'advanced-%s' {\n" % UUID
        text += entry("Debian GNU/Linux, with Linux " + version, version, normal, "\t")
        if no_recovery != "true":
            text += entry("Debian GNU/Linux, with Linux %s (recovery mode)" % version, version, "single " + linux, "\t")
    text += "}\n\n### END /etc/grub.d/10_linux ###\n"
    for name in sorted(os.listdir(root + "/etc/grub.d")) if os.path.isdir(root + "/etc/grub.d") else []:
        path = root + "/etc/grub.d/" + name
        if "custom" in name and os.stat(path).st_mode & stat.S_IXUSR:
            made = subprocess.run(["sh", path], stdout=subprocess.PIPE).stdout.decode("utf-8", "surrogateescape")
            text += "\n### BEGIN /etc/grub.d/%s ###\n%s### END /etc/grub.d/%s ###\n" % (name, made, name)
    text += "\n### BEGIN /etc/grub.d/41_custom ###\nsource $prefix/custom.cfg\n### END /etc/grub.d/41_custom ###\n"
    with open(output, "wb") as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))
    os.chmod(output, 0o600)
    return None


def entry(title: str, version: str, arguments: str, indent: str = "") -> str:
    """A menu entry as 10_linux of GRUB 2.06 in Debian 12 writes it."""
    lines = (
        "menuentry '%s' --class debian --class gnu-linux --class gnu --class os $menuentry_id_option "
        "'gnulinux-%s-%s' {\n\tload_video\n\tinsmod gzio\n"
        "\tif [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi\n\tinsmod part_msdos\n\tinsmod ext2\n"
        "\tset root='hd0,msdos1'\n\techo\t'Loading Linux %s ...'\n"
        "\tlinux\t/boot/vmlinuz-%s root=UUID=%s ro %s\n\techo\t'Loading initial ramdisk ...'\n"
        "\tinitrd\t/boot/initrd.img-%s\n}\n"
    ) % (title, version, UUID, version, version, UUID, arguments, version)
    return "".join(indent + line for line in lines.splitlines(True))


def installed() -> bool:
    """The real grub-mkconfig of this machine can be led into a tree."""
    return all(os.path.isfile(GRUB + path) for path in ("/usr/sbin/grub-mkconfig", LIBRARY, "/etc/grub.d/10_linux"))


def real(root: str, argv: Any) -> Any:
    """The installed grub-mkconfig, led into the tree; the grub-probe that it asks knows one disk."""
    tools, where = root + "/tools", root + "/by-uuid/" + UUID
    os.makedirs(where, exist_ok=True)
    _script(tools + "/grub-probe", PROBE % UUID)
    _script(tools + "/grub-mkrelpath", "#!/bin/sh\nshift $(($# - 1))\necho ${1#%s}\n" % root)
    for part in ("00_header", "10_linux", "40_custom", "41_custom"):
        if not os.path.exists(root + "/etc/grub.d/" + part):
            text = re.sub(
                r"(?<= )/(boot/)?vmlinu", lambda found: root + found.group(), _text(GRUB + "/etc/grub.d/" + part)
            )
            _script(root + "/etc/grub.d/" + part, text.replace("/dev/disk/by-uuid", root + "/by-uuid"))
    text = _text(GRUB + "/usr/sbin/grub-mkconfig").replace('if [ "$EUID" != 0 ]', "if false")
    text = text.replace('sysconfdir="/etc"', 'sysconfdir="%s/etc"' % root)
    _script(tools + "/grub-mkconfig", re.sub("(?m)^sbindir=.*", 'sbindir="%s"' % tools, text))
    text = text.replace('datarootdir="/usr/share"', 'datarootdir="%s/usr/share"' % GRUB)
    environment = dict(os.environ, LC_ALL="C", PATH="/usr/sbin:/usr/bin:/sbin:/bin", grub_probe="exported",
                       grub_mkrelpath=tools + "/grub-mkrelpath")  # fmt: skip
    command = ["sh", tools + "/grub-mkconfig", "-o", root + argv[argv.index("-o") + 1]]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
    if not done.returncode:
        text = _text(root + argv[argv.index("-o") + 1]).replace(root, "")
        with open(root + argv[argv.index("-o") + 1], "w", errors="surrogateescape", newline="") as stream:
            stream.write(text)
    return done.returncode, done.stdout.decode(errors="replace")


def _text(path: str) -> str:
    with open(path, errors="surrogateescape", newline="") as stream:
        return stream.read()


def _script(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as stream:
        stream.write(text)
    os.chmod(path, 0o755)
