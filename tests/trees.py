"""Trees that imitate guests, commands that behave like the real ones, and a step tried on them."""

import os
import posixpath
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from agentprep.changes import Run
from agentprep.commands import Argv, Completed
from agentprep.guest import Draft, Guest
from agentprep.live import Mount, Swap
from agentprep.policy import Policy, load
from agentprep.step import Fact
from agentprep.system import System

ELF64 = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00"
DEBIAN_12 = """PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
"""


class To(str):
    """A symbolic link's target, as a tree's content."""


class Program(str):
    """An executable, as a tree's content."""


Content = Union[str, bytes, To, Program]


def make_tree(folder: Any, files: Dict[str, Content], minimal: bool = True) -> str:
    """The folder holds the files; with `minimal` also what makes it a Debian 12. Returns its path."""
    root = str(folder)
    base: Dict[str, Content] = {}
    if minimal:
        base = {"/etc/os-release": DEBIAN_12, "/bin/sh": ELF64, "/etc/debian_version": "12.5\n", "/var/lib/.keep": ""}
    base.update(files)
    for path, content in base.items():
        where = root + path
        os.makedirs(posixpath.dirname(where), exist_ok=True)
        if os.path.islink(where):
            os.unlink(where)  # never through a link: it may lead to /dev/null of this machine
        if isinstance(content, To):
            os.symlink(content, where)
            continue
        with open(where, "wb") as stream:
            stream.write(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
        program = isinstance(content, Program) or (isinstance(content, bytes) and content[:7] == ELF64[:7])
        os.chmod(where, 0o755 if program else 0o644)
    return root


Handler = Callable[[str, Argv], Any]  # (root, argv) -> None, an exit code, or (exit code, output)


class FakeCommands:
    """Commands of a tree: each is a function that does what the real one does; any other is an error of the test."""

    def __init__(self, root: str, handlers: Dict[str, Handler]) -> None:
        self.root, self.handlers = root, handlers
        self.ran: List[Argv] = []

    def together(
        self, commands: Sequence[Argv], limit: float, listener: Any = None, started: Any = None, merge: bool = True
    ) -> List[Completed]:
        done = []
        for argv in commands:
            name = posixpath.basename(argv[0])
            assert name in self.handlers, "the test's guest has no command %r" % (argv,)
            self.ran.append(tuple(argv))
            if started:
                started(999999)
            result = self.handlers[name](self.root, tuple(argv))
            code, output = result if isinstance(result, tuple) else (result or 0, "")
            if listener:
                for line in output.splitlines():
                    listener(tuple(argv), line)
            done.append(Completed(tuple(argv), code, output.encode(), tuple(output.splitlines()[-40:])))
        return done


class FakeLive(NamedTuple):
    """A live machine with the attributes of agentprep.live.Live."""

    release: str = "6.1.0-28-amd64"
    arguments: str = "root=UUID=1 ro quiet"
    swaps: Tuple[Swap, ...] = ()
    available: int = 4 << 30
    memory: int = 8 << 30
    mounts: Tuple[Mount, ...] = ()
    cards: Tuple[str, ...] = ("ens3",)
    processors: int = 2

    def holder(self, path: str) -> Optional[str]:
        return None


def system_of(root: str, handlers: Optional[Dict[str, Handler]] = None, live: Any = None) -> System:
    """The system of a tree, with its commands."""
    return System(Guest(root, FakeCommands(root, handlers or {})), live)  # type: ignore[arg-type]


def policy_of(*settings: str, **options: Any) -> Policy:
    """The default policy for Debian (or a `family` and `release`) with some `section.key=value`s."""
    return load(options.get("named"), settings, file=None).on(
        options.get("family", "debian"), options.get("release", "")
    )


def planned(work: Any, system: System, policy: Optional[Policy] = None, *cause: str) -> Tuple[List[Any], List[Fact]]:
    """The changes and the facts of a step (or of a rule with its cause), tried on a draft."""
    draft = Draft(system.guest)
    changes: List[Any] = []
    facts: List[Fact] = []
    for item in work.changes(system.on(draft), policy or policy_of(), *cause):
        if isinstance(item, Fact):
            facts.append(item)
        else:
            item.show(draft)
            item.imagine(draft)
            changes.append(item)
    return changes, facts


def brought_about(work: Any, system: System, policy: Optional[Policy] = None, *cause: str) -> List[Any]:
    """The changes of a step, applied for real; a second go must yield none."""
    changes = []
    for item in work.changes(system, policy or policy_of(), *cause):
        if not isinstance(item, Fact):
            if isinstance(item, Run):
                item.execute(system.guest, 60, None, None)
            else:
                item.apply(system.guest)
            changes.append(item)
    return changes


def content(root: str, path: str) -> str:
    """The text of a file of the tree."""
    with open(root + path, "rb") as stream:
        return stream.read().decode("utf-8", "surrogateescape")
