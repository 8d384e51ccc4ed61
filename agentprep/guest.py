"""The guest: a Linux tree that can be looked at.  Nothing here writes; only a Change does.

Paths are the guest's own, absolute.  Symbolic links are followed as the guest itself would follow them, so that with
``--root`` no link leads out of the tree (chroot semantics).
"""

import errno
import fnmatch
import io
import os
import posixpath
import stat as stat_
import sys
import time
from typing import IO, Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from .commands import Commands
from .errors import Blocked, CommandFailed, Unknown

READ_LIMIT = 8 << 20  # bytes; no configuration file, kernel config or modules.dep comes near it
PIECE = 64 << 10  # bytes; most files are smaller
LINKS = 40  # the kernel's own limit (MAXSYMLINKS)

# Commands that only read, by name and (first argument or "*").  A dry run may start these and no others.
READING = {
    "dpkg-query": ("*",), "rpm": ("-q", "-qa"), "sshd": ("-T", "-V"), "waagent": ("-version", "--version"),
    "openssl": ("version",), "python3": ("--version", "-V"), "python": ("--version", "-V"), "uname": ("*",),
    "blkid": ("-p", "-o"), "grub-probe": ("*",), "omiserver": ("--version",), "systemctl": ("is-enabled", "is-active"),
    "apt-cache": ("policy",), "lsblk": ("*",), "modprobe": ("-n",),
}  # fmt: skip


class Guest:
    """A Linux tree at `root` and the way to its commands."""

    def __init__(self, root: str = "/", commands: Optional[Commands] = None) -> None:
        self.root = os.path.realpath(root)
        self.commands = commands or Commands(self.root)

    # -- paths -----------------------------------------------------------------------------------------------
    def canonical(self, path: str, follow: bool = True) -> str:
        """The guest path without any link in it; with `follow` false the last component may be a link."""
        here, todo, hops = "", _parts(path), 0  # the folder reached so far; "" is the root
        while todo:
            name = todo.pop(0)
            if name == "..":
                here = here.rpartition("/")[0]
                continue
            step = here + "/" + name
            target = self._target(step) if todo or follow else None
            if target is None:
                here = step
                continue
            hops += 1
            if hops > LINKS:
                raise Blocked("%s: too many levels of symbolic links" % path, "look at it with: namei -l %s" % path)
            here = "" if target.startswith("/") else here
            todo = _parts(target) + todo
        return here or "/"

    def where(self, path: str, follow: bool = True) -> str:
        """The path by which this process reaches the guest's `path`."""
        inside = self.canonical(path, follow)
        return _outward(inside if self.root == "/" else self.root + ("" if inside == "/" else inside))

    def _target(self, canonical: str) -> Optional[str]:
        try:
            return _inward(os.readlink(_outward(canonical if self.root == "/" else self.root + canonical)))
        except OSError:
            return None

    # -- looking ---------------------------------------------------------------------------------------------
    def open(self, path: str) -> Optional[IO[bytes]]:
        """A regular file, open for reading, or None when there is no such file.

        Raises Blocked for anything else (a folder, FIFO, device, link loop), Unknown when permission is missing.
        """
        where = self.where(path)
        try:
            # A device is not even opened: that alone starts a watchdog, or rewinds a tape.
            if stat_.S_ISREG(os.lstat(where).st_mode):
                flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
                return os.fdopen(os.open(where, flags), "rb")
        except OSError as error:
            _absent(path, error)
            return None
        raise Blocked("%s is not a regular file" % path, "see what it is with: ls -ld %s" % path)

    def read(self, path: str, limit: int = READ_LIMIT) -> Optional[bytes]:
        """The content of a regular file, or None when there is no such file; Blocked when it is over `limit` bytes."""
        stream = self.open(path)
        if stream is None:
            return None
        with stream:
            try:
                content = stream.read(PIECE)  # Python makes room for all that is asked for before it reads
                if len(content) == PIECE:
                    content += stream.read(max(limit + 1 - PIECE, 0))
            except OSError as error:
                raise Blocked("%s cannot be read: %s" % (path, error.strerror)) from None
        if len(content) > limit:
            raise Blocked("%s is larger than %d MiB, which no such file is" % (path, limit >> 20), "look at it by hand")
        return content

    def text(self, path: str) -> Optional[str]:
        """The content as text; bytes that are no UTF-8 survive a round trip (surrogateescape)."""
        content = self.read(path)
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def stat(self, path: str, follow: bool = True) -> Optional[os.stat_result]:
        try:
            return os.lstat(self.where(path, follow))
        except OSError as error:
            _absent(path, error)
            return None

    def free(self, folder: str) -> int:
        """Bytes that root can still write on the file system of a folder, or of its nearest parent that exists."""
        where = self.where(folder)
        while not os.path.isdir(where):
            where = os.path.dirname(where)
        found = os.statvfs(where)
        return found.f_bfree * found.f_frsize

    def is_file(self, path: str) -> bool:
        found = self.stat(path)
        return found is not None and stat_.S_ISREG(found.st_mode)

    def is_folder(self, path: str) -> bool:
        found = self.stat(path)
        return found is not None and stat_.S_ISDIR(found.st_mode)

    def link(self, path: str) -> Optional[str]:
        """What the link at `path` says, or None when there is no link."""
        return self._target(self.canonical(path, follow=False))

    def exists(self, path: str) -> bool:
        """Something is at `path`, be it a link that leads nowhere."""
        return self.stat(path, follow=False) is not None

    def names(self, folder: str) -> List[str]:
        """The sorted names in a folder; empty when there is no such folder."""
        try:
            return sorted(_inward(name) for name in os.listdir(self.where(folder)))
        except OSError as error:
            _absent(folder, error)
            return []

    def glob(self, pattern: str) -> List[str]:
        """The sorted guest paths that match; a wild card stands for one component and never for a leading dot."""
        paths = ["/"]
        for part in _parts(pattern):
            if any(c in part for c in "*?["):
                paths = [
                    posixpath.join(path, name)
                    for path in paths
                    if self.is_folder(path)
                    for name in fnmatch.filter(self.names(path), part)
                    if part.startswith(".") or not name.startswith(".")
                ]
            else:
                paths = [posixpath.join(path, part) for path in paths]
        return sorted(path for path in paths if self.exists(path))

    def walk(self, folder: str) -> Iterator[str]:
        """Every path below `folder` that is no folder; links are not followed."""
        for name in self.names(folder):
            path = posixpath.join(folder, name)
            found = self.stat(path, follow=False)
            if found is not None and stat_.S_ISDIR(found.st_mode):
                yield from self.walk(path)
            elif found is not None:
                yield path

    def which(self, name: str) -> Optional[str]:
        """The path of an executable of the guest, or None."""
        for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"):
            path = posixpath.join(folder, name)
            found = self.stat(path)
            if found is not None and stat_.S_ISREG(found.st_mode) and found.st_mode & 0o111:
                return path
        return None

    def ask(self, *argv: str, **options: float) -> bytes:
        """The standard output of a command that only reads; raises Unknown when it cannot be had.

        `limit` is in seconds, 30 by default.  Only commands of the READING table are started: a dry run stays one.
        """
        name = posixpath.basename(argv[0])
        if READING.get(name) != ("*",) and (len(argv) < 2 or argv[1] not in READING.get(name, ())):
            raise AssertionError("%s is not on the list of commands that only read" % " ".join(argv[:2]))
        if "/" not in argv[0] and self.which(argv[0]) is None:
            raise Unknown("%s is not installed in the guest" % argv[0], "install it, or look by hand")
        try:
            done = self.commands.together([tuple(argv)], options.get("limit", 30.0), merge=False)[0]
        except CommandFailed as error:
            raise Unknown(error.message, error.hint) from None
        if done.code:
            last = next((line for line in reversed(done.tail) if line.strip()), "no output")
            raise Unknown("%s ended with %d: %s" % (" ".join(argv), done.code, last), "run it by hand")
        return done.output

    def guessed(self, path: str) -> bool:
        """True when what is at `path` is unknown until a command of the plan has run; never so on a real guest."""
        return False

    def once(self, name: str, find: Callable[[], Any]) -> Any:
        """What `find` finds out about the guest, which another program may change at any time: always anew."""
        return find()


class Imagined(NamedTuple):
    """What a draft holds at a path: a file's content, a link's target, or (both None) nothing."""

    content: Optional[bytes]
    target: Optional[str] = None


class Draft(Guest):
    """A guest plus changes that have not happened: what a plan is made on."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest.root, guest.commands)
        self.imagined: Dict[str, Imagined] = {}
        self.guesses: List[str] = []
        self.guessing = False  # something unknown was read since this was last set to False
        self._folders: Dict[str, str] = {}  # canonical paths of folders, as long as nothing more is imagined
        self._found: Dict[str, Tuple[Any, bool]] = {}  # what `once` found, as long too, and whether that is a guess

    def canonical(self, path: str, follow: bool = True) -> str:
        folder, slash, name = path.rpartition("/")
        if not slash or name in ("", ".", ".."):
            return super().canonical(path, follow)
        if folder not in self._folders:
            self._folders[folder] = super().canonical(folder)
        inside = self._folders[folder]
        step = "/" + name if inside == "/" else inside + "/" + name
        return super().canonical(path) if follow and self._target(step) is not None else step

    def imagine(self, path: str, what: Imagined, follow: bool = True) -> None:
        self.imagined[self.canonical(path, follow)] = what
        self._folders, self._found = {}, {}

    def guess(self, pattern: str) -> None:
        """What matches `pattern` is unknown from now on."""
        self.guesses.append(pattern)
        self._folders, self._found = {}, {}
        for path in [p for p in self.imagined if fnmatch.fnmatchcase(p, pattern)]:
            del self.imagined[path]

    def guessed(self, path: str) -> bool:
        unknown = path not in self.imagined and any(fnmatch.fnmatchcase(path, pattern) for pattern in self.guesses)
        self.guessing = self.guessing or unknown
        return unknown

    def once(self, name: str, find: Callable[[], Any]) -> Any:
        """What `find` finds out, until something more is imagined: a plan is made on what is there at one moment."""
        if name not in self._found:
            before, self.guessing = self.guessing, False
            try:
                self._found[name] = (find(), self.guessing)
            finally:
                self.guessing = self.guessing or before
        found, guessed = self._found[name]
        self.guessing = self.guessing or guessed
        return found

    def _target(self, canonical: str) -> Optional[str]:
        if canonical in self.imagined:
            return self.imagined[canonical].target
        return super()._target(canonical)

    def open(self, path: str) -> Optional[IO[bytes]]:
        inside = self.canonical(path)
        if inside in self.imagined:
            content = self.imagined[inside].content
            return None if content is None else io.BytesIO(content)
        self.guessed(inside)
        return super().open(path)

    def read(self, path: str, limit: int = READ_LIMIT) -> Optional[bytes]:
        inside = self.canonical(path)
        if inside in self.imagined:
            return self.imagined[inside].content
        self.guessed(inside)
        return super().read(path, limit)

    def stat(self, path: str, follow: bool = True) -> Optional[os.stat_result]:
        inside = self.canonical(path, follow)
        if inside not in self.imagined:
            self.guessed(inside)
            return super().stat(inside, follow=False) or self._folder(inside)
        content, target = self.imagined[inside]
        if content is None and target is None:
            return None
        real = super().stat(inside, follow=False)
        mode = stat_.S_IFLNK | 0o777 if target is not None else stat_.S_IFREG | 0o644
        size = len(content or b"")
        if real is not None and stat_.S_IFMT(real.st_mode) == stat_.S_IFMT(mode):
            now = int(time.time()) + 1  # newer than all that is there
            return os.stat_result(tuple(real[:6]) + (size, real[7], now, now))
        return os.stat_result((mode, 0, 0, 1, 0, 0, size, 0, 0, 0))

    def _folder(self, inside: str) -> Optional[os.stat_result]:
        below = inside.rstrip("/") + "/"
        for path, what in self.imagined.items():
            if path.startswith(below) and what != Imagined(None):
                return os.stat_result((stat_.S_IFDIR | 0o755, 0, 0, 2, 0, 0, 0, 0, 0, 0))
        return None

    def names(self, folder: str) -> List[str]:
        inside = self.canonical(folder)
        below = inside.rstrip("/") + "/"
        found = set(super().names(folder))
        for path, what in self.imagined.items():
            if path.startswith(below):
                name = path[len(below) :].split("/")[0]
                if what == Imagined(None) and path == below + name:
                    found.discard(name)
                elif what != Imagined(None):
                    found.add(name)
        return sorted(found)


# Paths are text as the files of the guest: UTF-8 with surrogateescape.  Python itself follows the locale for names,
# and is ASCII with LC_ALL=C before Python 3.7 (PEP 538, PEP 540).
_SAME = sys.getfilesystemencoding().lower() in ("utf-8", "utf8")


def _outward(path: str) -> str:
    return path if _SAME else os.fsdecode(path.encode("utf-8", "surrogateescape"))


def _inward(name: str) -> str:
    return name if _SAME else os.fsencode(name).decode("utf-8", "surrogateescape")


def _parts(path: str) -> List[str]:
    return [part for part in path.split("/") if part and part != "."]


def _absent(path: str, error: OSError) -> None:
    """None when the error means that there is no such file; raises what the operator must read otherwise."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return
    if error.errno in (errno.EACCES, errno.EPERM):
        raise Unknown("%s cannot be read: permission denied" % path, "run agentprep as root")
    raise Blocked("%s cannot be read: %s" % (path, error.strerror), "look at it with: ls -ld %s" % path)
