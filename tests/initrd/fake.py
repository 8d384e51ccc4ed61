"""A dracut for trees that does what the real one does with drivers: bash sources its configuration, and it returns 0.

As seen with dracut 051, 059, 106 and 112 on Debian (tests/initrd/by_hand.py): at the first name of add_drivers that the
kernel does not have, the rest of the list is dropped; in 049 and 051 also at one that is built in.  omit_drivers are
regular expressions that a name in add_drivers overrides (dracut.sh); resume= comes from /etc/fstab (95resume).
"""

import os
import re
import subprocess
from typing import Any, List

from agentprep.formats import fstab
from agentprep.formats.modules import normalised, resolve
from tests.roots import Argv, archive, read, write

VARIABLES = ("add_drivers", "omit_drivers", "hostonly", "hostonly_cmdline", "kernel_cmdline")
SOURCE = """
dirs="$1/etc/dracut.conf.d $1/usr/lib/dracut/dracut.conf.d"; shopt -s nullglob
[ ! -f "$1/etc/dracut.conf" ] || . "$1/etc/dracut.conf"
for f in $(for d in $dirs; do for f in "$d"/*.conf; do echo "${f##*/}"; done; done | sort -Vu); do
    for d in $dirs; do [ -e "$d/$f" ] && { . "$d/$f"; break; }; done
done
for name in %s; do printf '%%s\\n' "${!name}"; done
""" % " ".join(VARIABLES)


def configured(root: str) -> List[str]:
    """The values of VARIABLES, as a real bash has them after dracut's files were sourced in dracut's order."""
    done = subprocess.run(["bash", "-c", SOURCE, "bash", root], stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().split("\n")


def dracut(root: str, argv: Argv, builtin_ends: bool = False) -> Any:
    """`dracut --force [OPTION]... IMAGE VERSION` on a machine with a virtio disk."""
    options, (out, version) = list(argv[1:-2]), argv[-2:]
    add, omit, hostonly, cmdline, fixed = configured(root)[: len(VARIABLES)]
    force, forced = False, []  # type: ignore
    while options:
        option = options.pop(0)
        if option == "--force":
            force = True
        elif option == "--no-hostonly":
            hostonly = "no"
        elif option == "--force-drivers":
            forced = [normalised(name) for name in options.pop(0).split()]
        elif option == "--kernel-cmdline":
            fixed = (fixed + " " + options.pop(0)).strip()
        elif option == "--add-drivers":
            add += " %s " % options.pop(0)
        else:
            raise AssertionError("the fake dracut has no option %s" % option)
    if os.path.exists(root + out) and not force:
        return 1, "dracut: Will not override existing initramfs (%s) without --force" % out
    folder = "/lib/modules/" if os.path.isdir(root + "/lib/modules/" + version) else "/usr/lib/modules/"
    dep = read(root, folder + version + "/modules.dep")
    builtin = read(root, folder + version + "/modules.builtin")
    names = [normalised(name) for name in add.split()]
    omitted = [word for word in omit.split() if normalised(word) not in names]
    output = ""
    for place, name in enumerate(names):
        told = resolve([name], dep, builtin)
        if told.missing or (told.builtin and builtin_ends):
            output = "dracut-install: Failed to find module '%s'\n" % name
            names = names[:place]
            break
    found = resolve(["virtio_blk", "ext4"] + names + forced, dep, builtin).needed
    paths = [p for p in found if not any(re.search(word, t) for word in omitted for t in (p, normalised(p)))]
    files = [("usr/lib/modules/%s/%s" % (version, path), b"\x7fELF" + path.encode()) for path in paths]
    files.append(("usr/lib/dracut/hooks/cmdline/00-parse-root.sh", b"#!/bin/sh\n"))
    waits = [e.device for e in fstab.parse(read(root, "/etc/fstab").decode()) if e.kind == "swap"]
    if hostonly == "yes" and cmdline != "no" and waits:
        files.append(("etc/cmdline.d/95resume.conf", "".join(" resume=" + one for one in waits).encode() + b"\n"))
    if fixed:
        files.append(("etc/cmdline.d/01-default.conf", fixed.encode() + b"\n"))
    write(root, out, archive(files))
    return 0, output


def dracut_051(root: str, argv: Argv) -> Any:
    """The same, for which a module that is built in ends the list too."""
    return dracut(root, argv, True)
