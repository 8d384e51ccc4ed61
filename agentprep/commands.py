"""The guest's own commands, run one at a time or side by side, with a time limit and their output as it comes.

A command is a tuple, never a shell string.  It runs in a session of its own with nothing on standard input, a C locale
and a fixed PATH; whatever ends agentprep's wait for it (an error, a signal, the limit) ends its process group first.
"""

import os
import selectors
import signal
import subprocess
import time
from typing import IO, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from .errors import CommandFailed
from .signals import deferred

Argv = Tuple[str, ...]
Listener = Callable[[Argv, str], None]

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MARK = "AGENTPREP_CHILD"  # in the environment of every child, by which one that was left behind is known
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C", "HOME": "/root", "TERM": "dumb", "DEBIAN_FRONTEND": "noninteractive",
               MARK: "1"}  # fmt: skip
# In a mounted guest: systemctl writes links and asks no systemd; grub-mkconfig does not look for systems on this
# machine's disks (before 2.06 it does so unless told otherwise).
OFFLINE = {"SYSTEMD_OFFLINE": "1", "GRUB_DISABLE_OS_PROBER": "true"}
OUTPUT_LIMIT = 16 << 20  # bytes kept of one command's output; the rest is read and dropped
GRACE = 5.0  # seconds between SIGTERM and SIGKILL


class Completed(NamedTuple):
    """How a command ended: exit code (negative for a signal), standard output, the last lines of both outputs."""

    argv: Argv
    code: int
    output: bytes
    tail: Tuple[str, ...]

    def check(self, hint: str = "") -> "Completed":
        """The command ended with 0; raises CommandFailed with its last line otherwise."""
        if self.code:
            how = "was ended by signal %d" % -self.code if self.code < 0 else "failed with exit code %d" % self.code
            last = next((line for line in reversed(self.tail) if line.strip()), "")
            raise CommandFailed("%s %s%s" % (" ".join(self.argv), how, ": " + last if last else ""), hint)
        return self


class Commands:
    """The way to the commands of the guest at `root`."""

    def __init__(self, root: str = "/") -> None:
        self.root = root

    def together(
        self,
        commands: Sequence[Argv],
        limit: float,
        listener: Optional[Listener] = None,
        started: Optional[Callable[[int], None]] = None,
        merge: bool = True,
    ) -> List[Completed]:
        """All commands have ended, each within `limit` seconds; their results in the order given.

        `started` is told the process group of each. With `merge`, standard error is part of the output.
        Raises CommandFailed when one does not exist or takes longer than the limit; all are ended then.
        """
        running: List[_Running] = []
        try:
            for argv in commands:
                with deferred():
                    running.append(_Running(self._in_root(argv), argv, merge))
                    if started:
                        started(running[-1].process.pid)
            _listen(running, time.monotonic() + limit, limit, listener)
            return [one.completed() for one in running]
        except BaseException:
            with deferred():
                for one in running:
                    end_group(one.process.pid)
                    one.process.wait()
            raise
        finally:
            for pipe in [pipe for one in running for pipe, _ in one.pipes()]:
                pipe.close()

    def _in_root(self, argv: Argv) -> Argv:
        return argv if self.root == "/" else ("chroot", self.root) + argv


class _Running:
    def __init__(self, full: Argv, argv: Argv, merge: bool) -> None:
        self.argv, self.size = argv, 0
        self.tail: List[str] = []
        self.kept: List[bytes] = []
        self.partial: Dict[str, bytes] = {}
        try:
            self.process = subprocess.Popen(
                full,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merge else subprocess.PIPE,
                env=dict(ENVIRONMENT, **OFFLINE) if full is not argv else ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            hint = "install the package that holds it" if isinstance(error, FileNotFoundError) else ""
            raise CommandFailed("%s cannot be started: %s" % (full[0], error.strerror), hint) from None

    def pipes(self) -> List[Tuple[IO[bytes], str]]:
        return [(pipe, name) for pipe, name in ((self.process.stdout, "out"), (self.process.stderr, "err")) if pipe]

    def take(self, name: str, chunk: bytes, listener: Optional[Listener]) -> None:
        if name == "out" and self.size < OUTPUT_LIMIT:
            self.kept.append(chunk)
            self.size += len(chunk)
        *lines, rest = (self.partial.get(name, b"") + chunk).replace(b"\r", b"\n").split(b"\n")
        self.partial[name] = rest[-4096:]
        for line in lines:
            self._line(line, listener)

    def _line(self, line: bytes, listener: Optional[Listener]) -> None:
        text = line.decode("utf-8", "replace")
        if text.strip():
            self.tail = self.tail[-39:] + [text]
            if listener:
                listener(self.argv, text)

    def completed(self) -> Completed:
        for rest in self.partial.values():
            self._line(rest, None)
        return Completed(self.argv, self.process.wait(), b"".join(self.kept), tuple(self.tail))


def _listen(running: List[_Running], end: float, limit: float, listener: Optional[Listener]) -> None:
    with selectors.DefaultSelector() as selector:
        for one in running:
            for pipe, name in one.pipes():
                selector.register(pipe, selectors.EVENT_READ, (one, name))
        quiet = time.monotonic()
        while selector.get_map():
            # A daemon that a command left behind may hold its output open for ever.
            if time.monotonic() - quiet > GRACE and all(one.process.poll() is not None for one in running):
                break
            left = end - time.monotonic()
            if left <= 0:
                raise _late(running, limit)
            for key, _ in selector.select(min(left, 0.5)):
                one, name = key.data
                chunk = os.read(key.fd, 1 << 16)
                if chunk:
                    quiet = time.monotonic()
                    one.take(name, chunk, listener)
                else:
                    selector.unregister(key.fileobj)
            if listener and running:
                listener(running[0].argv, "")  # a heartbeat, so that elapsed seconds go on
    for one in running:
        try:
            one.process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise _late([one], limit) from None


def _late(running: List[_Running], limit: float) -> CommandFailed:
    slow = next((one for one in running if one.process.poll() is None), running[0])
    return CommandFailed(
        "%s did not end within %d seconds and was stopped" % (" ".join(slow.argv), limit),
        "run it by hand to see where it hangs, or raise limits.command in the policy",
    )


def end_group(group: int) -> None:
    """No process of the group is left: asked by SIGTERM, ended by SIGKILL after some seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + GRACE
        while time.monotonic() < until and _leader_runs(group):
            time.sleep(0.05)


def _leader_runs(group: int) -> bool:
    try:
        ended, _ = os.waitpid(group, os.WNOHANG)
        if ended:
            return False
    except ChildProcessError:
        pass
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def ours(group: int) -> bool:
    """A process of the group is a child that some agentprep started: a bare number may be anybody's by now."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.getpgid(int(name)) == group:
                    with open("/proc/%s/environ" % name, "rb") as stream:
                        if (MARK + "=1").encode() in stream.read().split(b"\0"):
                            return True
            except OSError:
                continue
    return False
