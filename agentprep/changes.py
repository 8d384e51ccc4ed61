"""The six kinds of change.  A change is data: it can be shown, imagined on a draft, journaled, and applied.

Nothing else in agentprep writes to the guest.  A file is replaced as a whole or not at all: written beside, synced,
renamed, and its folder synced; owner, mode and extended attributes (an SELinux label is one) of the old are kept.
"""

import difflib
import errno
import os
import posixpath
import shutil
import stat
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple, Union

from .commands import Argv, Completed, Listener
from .errors import Blocked, CommandFailed
from .guest import Draft, Guest, Imagined

SUFFIX = ".agentprep"  # of what is built beside; a leading dot keeps it out of every glob and run-parts folder


class Beside(NamedTuple):
    """Content that a command built as a file at `path`, on the same file system; writing it moves it."""

    path: str


def beside(path: str) -> Beside:
    """The place beside `path` for what will replace it."""
    folder, name = posixpath.split(path)
    return Beside(posixpath.join(folder, "." + name + SUFFIX))


class Write(NamedTuple):
    """The file at `path` holds `content`.  `derived` marks what a generator made; a `secret` is never shown."""

    path: str
    content: Union[bytes, Beside]
    why: str
    mode: int = 0o644  # of a new file; an existing one keeps its own
    derived: bool = False
    secret: bool = False

    def show(self, guest: Guest) -> str:
        if isinstance(self.content, Beside):
            return "%s is replaced by what was built beside it\n" % self.path
        if self.secret:
            return "%s is rewritten (its content is not shown)\n" % self.path
        old = guest.read(self.path)
        return _diff(old, self.content, self.path)

    def touches(self) -> Tuple[str, ...]:
        return (self.path,)

    def imagine(self, draft: Draft) -> None:
        if isinstance(self.content, Beside):
            draft.guess(draft.canonical(self.path))
        else:
            draft.imagine(self.path, Imagined(self.content))

    def apply(self, guest: Guest) -> None:
        if isinstance(self.content, Beside):
            _move(guest, self.content.path, self.path)
        else:
            put(guest.where(self.path), [self.content], self.mode)


class Remove(NamedTuple):
    """Nothing is at `path`: the link itself goes, never its target.

    With `kept` only that many leading bytes are kept for a rollback, which puts zeros after them (a swap file).
    """

    path: str
    why: str
    kept: Optional[int] = None

    def show(self, guest: Guest) -> str:
        target = guest.link(self.path)
        if target is not None:
            return "%s -> %s is removed\n" % (self.path, target)
        if self.kept is not None:
            return "%s is removed\n" % self.path
        return _diff(guest.read(self.path), None, self.path)

    def touches(self) -> Tuple[str, ...]:
        return (self.path,)

    def imagine(self, draft: Draft) -> None:
        draft.imagine(self.path, Imagined(None), follow=False)

    def apply(self, guest: Guest) -> None:
        where = guest.where(self.path, follow=False)
        if os.path.lexists(where):
            os.unlink(where)
            sync_folder(where)


class Link(NamedTuple):
    """`path` is a symbolic link to `target`."""

    path: str
    target: str
    why: str

    def show(self, guest: Guest) -> str:
        return "%s -> %s\n" % (self.path, self.target)

    def touches(self) -> Tuple[str, ...]:
        return (self.path,)

    def imagine(self, draft: Draft) -> None:
        draft.imagine(self.path, Imagined(None, self.target), follow=False)

    def apply(self, guest: Guest) -> None:
        where = guest.where(self.path, follow=False)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        new = _aside(where)
        _discard(new)
        os.symlink(self.target, new)
        os.rename(new, where)
        sync_folder(where)


class Mode(NamedTuple):
    """What `path` leads to has the permission bits `mode`."""

    path: str
    mode: int
    why: str

    def show(self, guest: Guest) -> str:
        return "mode of %s becomes %04o\n" % (self.path, self.mode)

    def touches(self) -> Tuple[str, ...]:
        return (self.path,)

    def imagine(self, draft: Draft) -> None:
        pass

    def apply(self, guest: Guest) -> None:
        os.chmod(guest.where(self.path), self.mode)


class Run(NamedTuple):
    """The commands have run, side by side when there are several; `outputs` (globs) are unknown until then.

    A `limit` of 0 means the policy's.  `tolerate` is told how each ended and returns the note that makes a failure
    none, or "".  `needs` are (folder, bytes that it needs
    there while it runs, bytes that stay used once its result has taken the place of the old).
    """

    commands: Tuple[Argv, ...]
    outputs: Tuple[str, ...]
    why: str
    limit: float = 0
    tolerate: Optional[Callable[[Completed], str]] = None
    hint: str = ""
    needs: Tuple[Tuple[str, int, int], ...] = ()

    def show(self, guest: Guest) -> str:
        return "".join("$ %s\n" % " ".join(argv) for argv in self.commands)

    def touches(self) -> Tuple[str, ...]:
        return ()

    def imagine(self, draft: Draft) -> None:
        for pattern in self.outputs:
            draft.guess(pattern)

    def execute(
        self, guest: Guest, limit: float, listener: Optional[Listener], started: Optional[Callable[[int], None]]
    ) -> List[str]:
        """The commands have ended well; returns notes of tolerated failures, raises CommandFailed for any other."""
        notes = []
        for done in guest.commands.together(self.commands, self.limit or limit, listener, started):
            note = self.tolerate(done) if done.code and self.tolerate else ""
            if note:
                notes.append(note)
            else:
                done.check(self.hint)
        return notes

    def apply(self, guest: Guest) -> None:
        self.execute(guest, 3600, None, None)


class Forget(NamedTuple):
    """Nothing is at `path`, or with `empty` an empty file is; a folder goes with all that is in it.

    No copy is kept: this is for host keys, tokens and histories, of which a copy would be the leak.
    """

    path: str
    why: str
    empty: bool = False

    def show(self, guest: Guest) -> str:
        return "%s is %s for good\n" % (self.path, "emptied" if self.empty else "removed")

    def touches(self) -> Tuple[str, ...]:
        return (self.path,)

    def imagine(self, draft: Draft) -> None:
        draft.imagine(self.path, Imagined(b"" if self.empty else None), follow=False)

    def apply(self, guest: Guest) -> None:
        where = guest.where(self.path, follow=False)
        if self.empty:
            if os.path.lexists(where) and stat.S_ISREG(os.lstat(where).st_mode):
                put(where, [b""], 0o644)  # a link is left alone: it may lead to /dev/null
        elif os.path.islink(where) or not os.path.isdir(where):
            _discard(where)
        else:
            shutil.rmtree(where)
        sync_folder(where)


Change = Union[Write, Remove, Link, Mode, Run, Forget]


# -- writing -------------------------------------------------------------------------------------------------
def put(where: str, chunks: Iterable[bytes], mode: int) -> None:
    """The file at this process's path `where` holds the chunks; its folder exists, its metadata is the old one's."""
    os.makedirs(os.path.dirname(where), exist_ok=True)
    new = _aside(where)
    try:
        _discard(new)
        number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(number, "wb") as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            copy_metadata(where, new, mode)
            os.fsync(stream.fileno())
        os.rename(new, where)
        sync_folder(where)
    except OSError as error:
        raise failure(where, error) from None
    finally:
        _discard(new)


def copy_metadata(old: str, new: str, mode: int) -> None:
    """`new` has the owner, mode and extended attributes of `old`, or `mode` when there is no `old`."""
    try:
        found = os.stat(old)
    except FileNotFoundError:
        os.chmod(new, mode)
        return
    os.chown(new, found.st_uid, found.st_gid)
    os.chmod(new, found.st_mode & 0o7777)
    set_attributes(new, dict(attributes(old)))


def set_attributes(where: str, wanted: Dict[str, bytes]) -> None:
    """A file has these extended attributes and no others; those that it has are not set again.

    On vfat SELinux gives every file one label, which can be read and not be set (EOPNOTSUPP).
    """
    had = dict(attributes(where))
    for name in had:
        if name not in wanted:  # a default ACL of the folder
            os.removexattr(where, name)
    for name, value in wanted.items():
        if had.get(name) != value:
            os.setxattr(where, name, value)


def attributes(where: str) -> Iterator[Tuple[str, bytes]]:
    """The extended attributes of a file; none on a file system that has no such thing."""
    try:
        names = os.listxattr(where, follow_symlinks=False)
        for name in names:
            yield name, os.getxattr(where, name, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENODATA, errno.EPERM):
            raise


def failure(where: str, error: OSError) -> Blocked:
    """The error of a failed write, with what to do about it."""
    hints = {
        errno.ENOSPC: "free some space there, then run agentprep again",
        errno.EROFS: "mount it read-write: mount -o remount,rw",
        errno.EPERM: "if it is immutable (lsattr %s), lift that with: chattr -i %s" % (where, where),
        errno.EACCES: "run agentprep as root",
    }
    return Blocked("%s cannot be written: %s" % (where, error.strerror), hints.get(error.errno or 0, ""))


def sync_folder(where: str) -> None:
    """The folder of `where` is on the disk."""
    try:
        number = os.open(os.path.dirname(where) or "/", os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _move(guest: Guest, source: str, path: str) -> None:
    made, where = guest.where(source), guest.where(path)
    try:
        with open(made, "rb") as stream:
            os.fsync(stream.fileno())
        copy_metadata(where, made, os.stat(made).st_mode & 0o7777)
        os.rename(made, where)
        sync_folder(where)
    except FileNotFoundError:
        raise CommandFailed("%s was not made by the command that should have made it" % source) from None
    except OSError as error:
        raise failure(where, error) from None


def _aside(where: str) -> str:
    folder, name = os.path.split(where)
    return os.path.join(folder, "." + name + SUFFIX)


def _discard(where: str) -> None:
    try:
        os.unlink(where)
    except FileNotFoundError:
        pass


def _diff(old: Optional[bytes], new: Optional[bytes], path: str) -> str:
    if any(b"\0" in content for content in (old, new) if content is not None):
        return "%s becomes a binary file of %d bytes\n" % (path, len(new or b""))
    lines = [
        (b"" if content is None else content).decode("utf-8", "backslashreplace").splitlines(True)
        for content in (old, new)
    ]
    names = ["/dev/null" if content is None else path for content in (old, new)]
    text = ""
    for line in difflib.unified_diff(lines[0], lines[1], names[0], names[1], n=1):
        text += line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
    return text or "%s is written anew\n" % path
