"""What a command costs: processor time and the largest process of its whole tree, and the time on the clock."""

import os
import statistics
import subprocess
import time
from typing import List, NamedTuple

from .tree import environment


class Cost(NamedTuple):
    """Seconds on the clock, seconds of processor (user and system, children too), MiB of the largest process."""

    wall: float
    cpu: float
    memory: float
    code: int


def run(root, argv, log="/dev/null", output=None):
    """The Cost of a command in the tree at `root`; standard output goes to the file `output`, the rest to `log`.

    The kernel's ru_maxrss of a child begins with that of the process that started it (setmax_mm_hiwater_rss() in
    fs/exec.c): this one must stay smaller than what it measures, and says so when it does not.
    """
    with open(log, "ab") as errors, open(output or log, "ab") as out:
        begun = time.monotonic()
        process = subprocess.Popen(
            ["chroot", str(root)] + list(argv), stdin=subprocess.DEVNULL, stdout=out, stderr=errors, env=environment()
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
    process.returncode = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode)


def own_memory():
    """MiB of this process at its largest."""
    with open("/proc/self/status") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("VmHWM:")) / 1024


def median(costs: List[Cost]):
    """The median of each part; the exit code is that of all, or the first that differs."""
    codes = [cost.code for cost in costs]
    code = next((one for one in codes if one != codes[0]), codes[0])
    return Cost(*(statistics.median(values) for values in list(zip(*costs))[:3]), code)
