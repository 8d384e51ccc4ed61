"""Generators of initrds that behave: dracut from 004 to 112, and the mkinitrd of RHEL 6 and of SLES 11.

Read: dracut.sh of 004, 033, 059 and 106 (dracutdevs/dracut, dracut-ng/dracut-ng), mkinitrd of dracut 004, mkinitrd of
SLES 11 (openSUSE/mkinitrd).  --force-drivers and --kernel-cmdline append to what the files say; the forced names are a
list of their own.  Seen when run, with 051, 059, 106 and 112: at the first name of add_drivers that the
kernel does not have, the rest is dropped, "Failed to find module" is said, and the exit code is 0.
"""

import os
import re
import subprocess
from typing import Any, Dict, List, Sequence, Tuple

from agentprep.formats.modules import normalised, resolve
from tests.roots import archive, read, write
from tests.trees import Handler

# What dracut takes of a kernel whatever it knows of the machine, without hv_netvsc; and what a KVM machine needs.
GENERIC = ("virtio_blk", "ext4", "xfs", "dm-mod", "sd_mod", "sr_mod", "hv_vmbus", "hv_storvsc", "hid-hyperv",
           "hyperv-keyboard")  # fmt: skip
VERSION = "/usr/lib/dracut/dracut-version.sh"  # which says DRACUT_VERSION=059
HOST = ("virtio_blk", "ext4", "xfs", "dm-mod")
VARIABLES = ("add_drivers", "drivers", "force_drivers", "omit_drivers", "hostonly", "kernel_cmdline")


def sourced(root: str, release: int) -> Dict[str, str]:
    """dracut.conf and its drop-ins as a real bash reads them, in the order of sort -V."""
    own, vendor = "/etc/dracut.conf.d", "/usr/lib/dracut/dracut.conf.d"
    folders = [folder for folder in (vendor, own) if os.path.isdir(root + folder)]
    found = {name: folder for folder in folders for name in os.listdir(root + folder) if name.endswith(".conf")}
    names = subprocess.run(["sort", "-V"], input="\n".join(found).encode(), stdout=subprocess.PIPE, check=True).stdout
    paths = ["/etc/dracut.conf"] + [found[name] + "/" + name for name in names.decode().split()]
    script = 'cd "$1"; shift; for f in "$@"; do [ -e ".$f" ] && . ".$f"; done\n'
    script += "".join('printf "%%s\\0" "$%s"\n' % name for name in VARIABLES)
    argv = ["bash", "-c", script, "bash", root] + paths
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=True)
    return dict(zip(VARIABLES, done.stdout.decode().split("\0")))


def dracut(release: int) -> Handler:
    """The handler of `dracut [OPTION]... IMAGE VERSION`."""

    def build(root: str, argv: Tuple[str, ...]) -> Any:
        conf, words = sourced(root, release), list(argv[1:])
        host, added, places = conf["hostonly"] == "yes", conf["add_drivers"].split(), []  # type: ignore
        forced, cmdline = conf["force_drivers"].split(), conf["kernel_cmdline"]
        while words:
            word = words.pop(0)
            if word in ("-f", "--force", "-v", "--verbose", "-q", "--quiet"):
                pass
            elif word in ("--hostonly", "-H"):
                host = True
            elif word in ("--no-hostonly", "-N"):
                assert release > 4, "dracut 004 knows no %s" % word
                host = False
            elif word == "--add-drivers":
                more = words.pop(0).split()
                added = more if release == 4 else added + more
            elif word == "--force-drivers":
                assert release >= 44, "dracut %03d knows no %s" % (release, word)
                forced += words.pop(0).split()
            elif word == "--kernel-cmdline":
                cmdline += " %s " % words.pop(0)
            else:
                assert not word.startswith("-"), argv
                places.append(word)
        assert len(places) == 2, "the image and the version are named: %r" % (argv,)
        image, version = places
        names, said = resolved(root, version, list(HOST if host else GENERIC), added, conf, release)
        names, more_said = resolved(root, version, names, forced, conf, release)
        pack(root, image, version, names, cmdline.strip())
        return 0, said + more_said

    return build


def resolved(root: str, version: str, names: List[str], added: Sequence[str], conf: Dict[str, str],
             release: int) -> Tuple[List[str], str]:  # fmt: skip
    """The modules of an image: those that the kernel has, and of `added` what is in front of the first it has not."""
    folder = "/lib/modules/%s/" % version
    dep = read(root, folder + "modules.dep")
    built = {normalised(line) for line in read(root, folder + "modules.builtin").decode().split()}
    there = [name for name in names if resolve([name], dep).modules]
    omitted = [re.compile(word + "$") for word in conf["omit_drivers"].split()]
    for name in added:
        asked = name.replace("-", "_", 1) if release <= 59 else name.replace("-", "_")
        if not resolve([asked], dep).modules:
            if normalised(name) in built and release > 51:
                continue
            return there, "dracut-install: Failed to find module '%s'\ndracut: FAILED\n" % name
        if not any(one.match(normalised(name)) or one.match(name) for one in omitted):
            there.append(name)
    return there, ""


def pack(root: str, image: str, version: str, names: Sequence[str], cmdline: str = "", top: str = "usr/lib") -> None:
    dep = read(root, "/lib/modules/%s/modules.dep" % version)
    needed = resolve([normalised(name) for name in names], dep).needed
    files = [("%s/modules/%s/%s" % (top, version, path), b"\x7fELF" + path.encode()) for path in needed]
    files.append(("%s/dracut/build-parameter.txt" % top, b"--force\n"))
    if cmdline:
        files.append(("etc/cmdline.d/01-default.conf", cmdline.encode()))
    write(root, image, archive(files))


def host_image(files: Sequence[str], version: str, resume: str = "", names: str = "virtio_blk") -> bytes:
    """The image of a host-only KVM machine; `resume` is the swap that it waits for, as module 95resume noted it."""
    paths = [path for path in files if "/%s/" % version in path and
             re.sub(r"\.ko.*", "", path.split("/")[-1]) in names.split()]  # fmt: skip
    inside = [(path.lstrip("/").replace("lib/modules", "usr/lib/modules", 1) if path.startswith("/lib") else
               path.lstrip("/"), b"\x7fELF") for path in paths]  # fmt: skip
    if resume:
        inside.append(("etc/cmdline.d/95resume.conf", (" resume=%s \n" % resume).encode()))
    return archive(inside + [("usr/lib/dracut/hostonly-files", b"")])
