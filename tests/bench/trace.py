"""Which programs a command started, and what its children, not itself, wrote: as strace saw it."""

import re
import subprocess
from collections import Counter
from typing import List, NamedTuple, Tuple

from .tree import environment

MAKING = "creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,link,linkat,symlink,symlinkat,mknod"
CHANGING = "mknodat,chmod,fchmodat,chown,lchown,fchownat,truncate,utimensat,utimes,setxattr,lsetxattr,removexattr,mount"
EVERY = f"execve,openat,open,{MAKING},{CHANGING}"
LINE = re.compile(r"^(\d+) +(\w+)\((.*?)(?:\) += (-?\d+)| <unfinished)")
PATH = re.compile(r'"((?:[^"\\]|\\.)*)"')
DEVICES = ("/dev/null", "/dev/tty", "/dev/zero", "/dev/full")


class Trace(NamedTuple):
    """How often each program was started, and the writes of children as (program, call)."""

    started: Counter
    writes: List[Tuple[str, str]]


def traced(root, argv, log, calls=EVERY):
    """The Trace of a command in the tree at `root`, as far as these calls go."""
    command = ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "300", "-e", "trace=" + calls, "-e", "signal=none"]
    command += ["-o", str(log)]
    subprocess.run(
        command + ["chroot", str(root)] + list(argv),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(),
    )  # fmt: skip
    with open(str(log), errors="replace") as stream:
        return read(stream)


def read(lines):
    """The Trace that strace's lines tell; the first process is the command itself.

    A call that another process interrupts in the log counts as made: that errs on the side of too many.
    """
    own, programs, started, writes = None, {}, Counter(), []
    for line in lines:
        found = LINE.match(line)
        if not found:
            continue
        process, call, arguments, result = found.groups()
        own = own or process
        if result and result.startswith("-"):
            continue
        path = (PATH.findall(arguments) or [""])[0]
        if call == "execve":
            programs[process] = path
            started[path] += 1
        elif process != own and _writes(call, arguments, path):
            writes.append((programs.get(process, "a fork of " + programs.get(own, "it")), f"{call}({arguments})"))
    return Trace(started, writes)


def _writes(call, arguments, path):
    if call in ("open", "openat"):
        return path not in DEVICES and re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC)", arguments) is not None
    return True
