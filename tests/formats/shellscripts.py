"""Real files that shells source, and a strategy for files that are worse than real ones."""

from hypothesis import strategies as st

DEBIAN_12 = """\
# If you change this file, run 'update-grub' afterwards to update
# /boot/grub/grub.cfg.
# For full documentation of the options in this file, see:
#   info -f grub -n 'Simple configuration'

GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`
GRUB_CMDLINE_LINUX_DEFAULT="quiet"
GRUB_CMDLINE_LINUX=""

# If your computer has multiple operating systems installed, then you
# probably want to run os-prober. However, if your computer is a host
# for guest OSes installed via LVM or raw disk devices, running
# os-prober can cause damage to those guest OSes as it mounts
# filesystems to look for things.
#GRUB_DISABLE_OS_PROBER=false

# Uncomment to enable BadRAM filtering, modify to suit your needs
# This works with Linux (no patch required) and with any kernel that obtains
# the memory map information from GRUB (GNU Mach, kernel of FreeBSD ...)
#GRUB_BADRAM="0x01234567,0xfefefefe,0x89abcdef,0xefefefef"

# Uncomment to disable graphical terminal
#GRUB_TERMINAL=console

# The resolution used on graphical terminal
# note that you can use only modes which your graphic card supports via VBE
# you can see them in real GRUB with the command `vbeinfo'
#GRUB_GFXMODE=640x480

# Uncomment if you don't want GRUB to pass "root=UUID=xxx" parameter to Linux
#GRUB_DISABLE_LINUX_UUID=true

# Uncomment to disable generation of recovery mode menu entries
#GRUB_DISABLE_RECOVERY="true"

# Uncomment to get a beep at grub start
#GRUB_INIT_TUNE="480 440 1"
"""

# Ubuntu's cloud images, /etc/default/grub.d/50-cloudimg-settings.cfg
CLOUDIMG = """\
# Cloud Image specific Grub settings for Generic Cloud Images
# CLOUD_IMG: This file was created/modified by the Cloud Image build process

# Set the recordfail timeout
GRUB_RECORDFAIL_TIMEOUT=0

# Set the default commandline
GRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyS0"

# Set the grub console type
GRUB_TERMINAL=console
"""

# kdump-tools of Debian 12, /etc/default/grub.d/kdump-tools.cfg
KDUMP_TOOLS = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=384M-:128M"\n'

RHEL_8 = """\
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR="$(sed 's, release .*$,,g' /etc/system-release)"
GRUB_DEFAULT=saved
GRUB_DISABLE_SUBMENU=true
GRUB_TERMINAL_OUTPUT="console"
GRUB_CMDLINE_LINUX="crashkernel=auto resume=/dev/mapper/rhel-swap rd.lvm.lv=rhel/root rd.lvm.lv=rhel/swap rhgb quiet"
GRUB_DISABLE_RECOVERY="true"
GRUB_ENABLE_BLSCFG=true
"""

SUSE = """\
# If you change this file, run 'grub2-mkconfig -o /boot/grub2/grub.cfg' afterwards to update
# /boot/grub2/grub.cfg.

# Uncomment to set your own custom distributor. If you leave it unset or empty, the default
# policy is to determine the value from /etc/os-release
GRUB_DISTRIBUTOR=
GRUB_DEFAULT=saved
GRUB_HIDDEN_TIMEOUT=0
GRUB_HIDDEN_TIMEOUT_QUIET=true
GRUB_TIMEOUT=8
GRUB_CMDLINE_LINUX_DEFAULT="splash=silent preempt=full mitigations=auto quiet"
GRUB_CMDLINE_LINUX=""

# Skip 30_os-prober if you experienced very slow in probing them
# WARNING foregin OS menu entries will be lost if set true here
GRUB_DISABLE_OS_PROBER="false"
GRUB_TERMINAL="gfxterm"
GRUB_GFXMODE="auto"
GRUB_BACKGROUND=
GRUB_THEME=/boot/grub2/themes/openSUSE/theme.txt
SUSE_BTRFS_SNAPSHOT_BOOTING="true"
GRUB_USE_LINUXEFI="true"
"""

REAL = [DEBIAN_12, CLOUDIMG, KDUMP_TOOLS, RHEL_8, SUSE]

TOKENS = [
    "A=", "B=", "A+=", "export A=", "$A", "${B}", "${", "}", "$(", ")", "`", '"', "'", "\\", "\n", " ", ";", "&&",
    "|", "#", "x", "y z", "~", "if ", "then ", "fi", "\r\n", "<<E\n", "E\n", ">f", 'B="$A x"', "$((1+1))", "${A:-w}",
    "\\\n", "\\$", "*", "for A in ", "do ", "done", "case x in ", "esac", "x) ", ";;", "f() ", "{ ", "}\n",
    "return\n", "!", "&", "$'a'", "\u00e9", "\udce9", "\U000f0000", "$", "=", ":", "( ", "((", "[[ x ]]", "+",
    "quiet ", "\t",
]  # fmt: skip

_PIECES = [
    "x", "y", "$A", "${B}", "$C", '"$A x"', '"a  b"', "'s $A'", "\\$", "\\ ", "\\\n", '"\\\\ \\" \\n \\$ \\\n z"',
    "`echo q`", "$(echo r)", "${A:-d}", "$((1+2))", "#", "~", ":~", "*", "{a,b}", "=", "$", "\u00e9", "\udce9", "\r",
    '""', "''", "[", "-", "!", "%", ",", "$A$B", "\\\\", "\\'", '"\'"', "'\n'", "$A\\\nB", "$1", "quiet", '" quiet "',
]  # fmt: skip
_COMMANDS = [
    "unset A", "read B", "eval 'A=1'", ". ./nofile", "command -v sh", "readonly C", "let A=3", "printf -v A x",
    ": ${A:=z}", ": $((C=4))", ": `A=1`", ": <<E\n${A:=h}\nE\n", "cat <<E\nA=7\nE\n", "echo A=3", "set -- a b",
]  # fmt: skip
_COMMANDS += ["A=1 :", "B=2 true", "A=1 >f", "A=1 B=$A", "return", "exit", "export A B"]
_COMPOUND = [
    "if true; then\n%s\nfi", "if false\nthen :\nelse %s\nfi", "for C in 1 2; do %s\ndone", "while false; do %s\ndone",
    "case x in\n(y|z) :\n;;\nx) %s\n;;\nesac", "{ %s\n}", "( %s\n)", "f() {\n%s\n}\nf", "f() {\n%s\n}", "true && %s",
]  # fmt: skip
_COMPOUND += ["false || %s", "%s\ntrue | cat", "! %s", "C=$(%s\n)", "[ -n x ] && %s", "%s &"]

_values = st.lists(st.sampled_from(_PIECES), max_size=4).map("".join)
assignments = st.tuples(
    st.sampled_from(["", "", "", "export "]), st.sampled_from("ABC"), st.sampled_from(["=", "=", "=", "+="]), _values
).map("".join)
_simple = st.one_of(assignments, assignments, st.sampled_from(_COMMANDS))


def _nested(inner):
    lists = st.lists(inner, min_size=1, max_size=3).map("\n".join)
    return st.tuples(st.sampled_from(_COMPOUND), lists).map(lambda pair: pair[0].replace("%s", pair[1]))


_statements = st.one_of(_simple, _simple, st.recursive(_simple, _nested, max_leaves=4))
texts = st.tuples(
    st.lists(st.tuples(_statements, st.sampled_from(["\n", "\n", "\n\n", "  # C=9\n"])).map("".join), max_size=5),
    st.sampled_from(["", "A=last"]),
).map(lambda pair: "".join(pair[0]) + pair[1])


def scripts():
    """One to three texts that a shell sources one after the other."""
    return st.lists(texts, min_size=1, max_size=3)
