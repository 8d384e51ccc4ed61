"""A whole run in this process: the real session on a tree, with commands that behave."""

import os
import signal
import sys

from agentprep import session
from agentprep.engine import Watch
from agentprep.guest import Guest
from agentprep.policy import load
from agentprep.system import System
from tests.roots import debian12
from tests.trees import FakeCommands

CLOCK = "2026-01-01T00:00:00Z"


class World:
    """The tree at `root` (a Debian 12, unless its `commands` are given) and what a user does with it."""

    def __init__(self, root, settings=(), live=None, handlers=None, commands=None):
        self.root = root
        own = debian12.HANDLERS if commands is None else commands
        self.commands = FakeCommands(root, dict(own, **(handlers or {})))
        self.live = live
        self.policy = load(None, ["initrd-hyperv.builds=1"] + list(settings), file=None)

    def system(self):
        return System(Guest(self.root, self.commands), self.live)

    def _with(self, do, choice):
        system = self.system()
        return do(system, self.policy.on(system.distro.row.family, system.distro.version), choice, Watch())

    def check(self, **choice):
        return self._with(session.check, session.Choice(clock=CLOCK, **choice))

    def plan(self, **choice):
        return self._with(session.preview, session.Choice(clock=CLOCK, **choice))

    def run(self, confirm=lambda records: True, **choice):
        system = self.system()
        policy = self.policy.on(system.distro.row.family, system.distro.version)
        return session.prepare(system, policy, session.Choice(clock=CLOCK, **choice), Watch(), confirm)

    def rollback(self, number=None, force=False):
        system = self.system()
        policy = self.policy.on(system.distro.row.family, system.distro.version)
        return session.take_back(system, policy, number, force, Watch())[0]


# The calls by which a process changes what is on a disk, as the interpreter sees them.
CUTS = {"rename", "unlink", "rmdir", "symlink", "link", "mkdir", "chmod", "chown", "setxattr", "utime", "fsync",
        "truncate", "ftruncate", "write", "open", "sleep"}  # fmt: skip


def cut(do, number):
    """A child process does it and is killed with SIGKILL at its `number`th call that could change a disk.

    Returns None when it was killed, else how many such calls there were in all.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        seen = [0]

        def watch(frame, event, function):
            if event == "c_call" and getattr(function, "__name__", "") in CUTS:
                seen[0] += 1
                if seen[0] == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            sys.setprofile(watch)
            do()
            sys.setprofile(None)
            os.write(writer, b"%d" % seen[0])
            code = 0
        finally:
            os._exit(code)
    os.close(writer)
    told = os.read(reader, 64)
    os.close(reader)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    assert told, "the child failed by itself"
    return int(told)
