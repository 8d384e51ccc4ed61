"""The write-ahead journal: what was there before each change is on disk before the change is made.

    /var/lib/agentprep/            mode 0700
        lock                       one run or rollback at a time; holds the pid
        runs/0001/journal          JSON lines, each synced before what it speaks of happens
        runs/0001/before/3         what entry 3 replaced: a copy, or a hard link for large derived files

Entries: {"begun": time}, {"change": n, "step", "kind", "path", "before": state, "after": digest},
{"running": [argv, ...], "outputs"}, {"group", "boot"}, {"ran": true}, {"settled": true}, {"undoing": true},
{"undone": true}.
"""

import base64
import fcntl
import json
import os
import stat
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from .changes import (
    SUFFIX,
    Beside,
    Change,
    Link,
    Mode,
    Remove,
    Run,
    Write,
    attributes,
    failure,
    put,
    set_attributes,
    sync_folder,
)
from .errors import Blocked, Conflict
from .guest import Guest

FOLDER = "/var/lib/agentprep"
LINKED = 1 << 20  # bytes; larger derived files are kept as a hard link where that is possible
CHUNK = 1 << 20

State = Dict[str, Any]


class Undo(NamedTuple):
    """What a rollback does to one path: `state` comes back unless what is there now is none of `known`."""

    path: str
    state: State
    known: Tuple[Optional[str], ...]
    derived: bool
    step: str


class Journal:
    """The journal of one run, in the folder `name` of the guest's runs."""

    def __init__(self, guest: Guest, name: str, clock: str = "") -> None:
        self.guest, self.name, self.clock = guest, name, clock
        self.folder = "%s/runs/%s" % (FOLDER, name)
        self.entries = list(self._read())

    def _read(self) -> Iterator[Dict[str, Any]]:
        content = self.guest.read(self.folder + "/journal", limit=256 << 20) or b""
        for line in content.split(b"\n")[:-1]:  # a line without its end was cut: what it speaks of did not happen
            try:
                entry = json.loads(line.decode())
            except ValueError:
                raise Blocked(
                    "%s/journal cannot be read" % self.folder, "look at it by hand; nothing was changed"
                ) from None
            yield entry

    def _append(self, **entry: Any) -> None:
        if not self.entries and "begun" not in entry:
            self._append(begun=self.clock)
        where = self.guest.where(self.folder + "/journal")
        line = json.dumps(entry, sort_keys=True).encode() + b"\n"
        try:
            fresh = not os.path.exists(where)
            os.makedirs(os.path.dirname(where), mode=0o700, exist_ok=True)
            number = os.open(where, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(number, "r+b") as stream:
                content = stream.read()
                end = content.rfind(b"\n") + 1  # a line that was cut goes
                stream.truncate(end)
                stream.seek(end)
                stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
            if fresh:
                for folder in (where, os.path.dirname(where), os.path.dirname(os.path.dirname(where))):
                    sync_folder(folder)
        except OSError as error:
            raise failure(where, error) from None
        self.entries.append(entry)

    # -- what is written -------------------------------------------------------------------------------------
    def note(self, step: str, change: Change, rebuilt: bool = False) -> None:
        """What the change will replace is kept, and the intent is on disk.  Forget and Run keep nothing.

        What a rollback has `rebuilt` is never taken back.
        """
        if isinstance(change, Run):
            for output in change.outputs:
                if _beside(output):
                    _unlink(self.guest.where(output, follow=False))  # a child left behind may still write to it
            self._append(running=change.commands, outputs=[path for path in change.outputs if _beside(path)])
        if not isinstance(change, (Write, Remove, Link, Mode)):
            return
        follow = isinstance(change, (Write, Mode))
        path = self.guest.canonical(change.path, follow)
        number = 1 + sum("change" in entry for entry in self.entries)
        kept = change.kept if isinstance(change, Remove) else None
        derived = isinstance(change, Write) and change.derived
        before = self._keep(path, number, kept, derived)
        after = _wanted(self.guest, change)
        self._append(
            change=number, step=step, kind=type(change).__name__.lower(), path=path, why=change.why, before=before,
            after=after, derived=derived, rebuilt=rebuilt, folders=_missing_folders(self.guest, path),
        )  # fmt: skip

    def started(self, group: int) -> None:
        """A command noted before runs as this process group."""
        self._append(group=group, boot=boot_id())

    def ran(self) -> None:
        self._append(ran=True)

    def settle(self) -> None:
        """Nothing is owed: all that derives from what was written is made and was read back."""
        self._append(settled=True)

    def mark(self, word: str) -> None:
        self._append(**{word: True})

    def _keep(self, path: str, number: int, kept: Optional[int], derived: bool) -> State:
        where = self.guest.where(path, follow=False)
        state = look(where, kept)
        if state["type"] == "file":
            copy = "%s/before/%d" % (self.folder, number)
            target = self.guest.where(copy)
            if not _linked(where, target, derived and state["size"] > LINKED):
                size = kept if kept is not None else state["size"]
                with open(where, "rb") as stream:
                    put(target, iter([stream.read(size)]) if size <= CHUNK else _chunks(stream), 0o600)
            state["copy"] = copy
        return state

    # -- what is asked ---------------------------------------------------------------------------------------
    @property
    def changed(self) -> bool:
        """Something of the guest may have been changed and was not taken back."""
        return any("change" in entry for entry in self.entries) and self._last() != "undone"

    @property
    def settled(self) -> bool:
        """The run came to its end, and no rollback of it was begun."""
        return self._last() == "settled"

    @property
    def begun(self) -> str:
        """When the run began, as an ISO 8601 time in UTC."""
        return next((str(entry["begun"]) for entry in self.entries if "begun" in entry), self.clock)

    @property
    def state(self) -> str:
        """taken back, half taken back, settled, or cut."""
        told = {"undone": "taken back", "undoing": "half taken back", "settled": "settled"}
        return told.get(self._last(), "cut")

    def _last(self) -> str:
        """What was noted last: change, settled, undoing, undone, or "" when nothing was."""
        words = ("change", "settled", "undoing", "undone")
        return next((word for entry in reversed(self.entries) for word in words if word in entry), "")

    @property
    def commands(self) -> List[Tuple[str, ...]]:
        """The commands that were started."""
        return [tuple(argv) for entry in self.entries for argv in entry.get("running", [])]

    def owed(self) -> List[str]:
        """Paths written since the guest was last settled: what derives from them may be stale.

        Once a rollback was begun these are all paths of the run.
        """
        every: List[str] = []
        settled = 0
        for entry in self.entries:
            if "settled" in entry or "undone" in entry:
                settled = len(every)
            elif "undoing" in entry:
                settled = 0
            elif "change" in entry and not entry["derived"]:
                every.append(entry["path"])
        return list(dict.fromkeys(every[settled:]))

    def groups(self) -> List[int]:
        """The process groups of commands that were running, on this boot, when the run was cut."""
        groups: List[int] = []
        for entry in self.entries:
            if "group" in entry and entry["boot"] == boot_id():
                groups.append(entry["group"])
            elif "ran" in entry:
                groups = []
        return groups

    def undo(self) -> List[Undo]:
        """One Undo a path, the latest touched first; its state is what was there before the first change."""
        undo: Dict[str, Undo] = {}
        for entry in self.entries:
            if "undone" in entry:
                undo = {}
            if "change" not in entry or entry.get("rebuilt"):
                continue
            path, before = entry["path"], entry["before"]
            known = (before.get("digest"), entry["after"])
            if path in undo:
                old = undo.pop(path)
                undo[path] = old._replace(known=old.known + known)
            else:
                undo[path] = Undo(path, before, known, entry["derived"], entry["step"])
        return list(reversed(list(undo.values())))

    # -- taking back -----------------------------------------------------------------------------------------
    def conflicts(self) -> List[Undo]:
        """The paths that hold neither what was there before nor what agentprep wrote."""
        return [undo for undo in self.undo() if now(self.guest, undo) not in undo.known]

    def sound(self, undo: Undo) -> bool:
        """The copy that the undo needs is there and is what was kept."""
        if undo.state["type"] != "file" or now(self.guest, undo) == undo.state["digest"]:
            return True
        copy = look(self.guest.where(undo.state["copy"]), undo.state["kept"], strict=False)
        return bool(copy["digest"] == undo.state["digest"])

    def restore(self, undo: Undo) -> None:
        """What was at the path before the first change is there again, metadata and all."""
        where = self.guest.where(undo.path, follow=False)
        try:
            self._restore(undo, where)
        except OSError as error:
            raise failure(undo.path, error) from None

    def _restore(self, undo: Undo, where: str) -> None:
        state = undo.state
        _sweep(where)
        if state["type"] == "absent":
            if os.path.lexists(where):
                os.unlink(where)
                sync_folder(where)
        elif state["type"] == "link":
            Link(undo.path, state["target"], "rollback").apply(self.guest)
        elif now(self.guest, undo) == state["digest"]:
            _metadata(where, state)
        else:
            self._put_back(where, state, undo.path)

    def _put_back(self, where: str, state: State, path: str) -> None:
        copy = self.guest.where(state["copy"])
        if not os.path.exists(copy):
            raise Conflict("the copy of %s that was kept at %s is gone" % (path, state["copy"]), "restore it by hand")
        with open(copy, "rb") as stream:
            put(where, _chunks(stream, state["size"] if state["kept"] is not None else 0), state["mode"])
        _metadata(where, state)

    def without_folders(self) -> None:
        """The folders that the run made, and that are empty again, are gone."""
        made = {folder for entry in self.entries for folder in entry.get("folders", [])}
        for folder in sorted(made, key=len, reverse=True):
            try:
                os.rmdir(self.guest.where(folder))
            except OSError:
                pass  # somebody else's files are in it

    def sweep(self) -> None:
        """Half-written files that a cut left beside the journaled paths, and what commands built beside, are gone."""
        for entry in self.entries:
            if "change" in entry:
                _sweep(self.guest.where(entry["path"], follow=False))
            for path in entry.get("outputs", []):
                for leftover in (path, path + ".new"):  # grub-mkconfig writes FILE.new first
                    _unlink(self.guest.where(leftover, follow=False))


class Runs:
    """The runs of a guest, and the lock that only one run or rollback holds."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def all(self) -> List[Journal]:
        """Every run's journal, the oldest first."""
        folder = FOLDER + "/runs"
        return [Journal(self.guest, name) for name in self.guest.names(folder) if name.isdigit()]

    def latest(self) -> Optional[Journal]:
        """The last run of which something is still in place, or None."""
        return next((journal for journal in reversed(self.all()) if journal.changed), None)

    def resumed_or_new(self, clock: str) -> Journal:
        """The unfinished run's journal, or a new one begun at `clock`; nothing is on disk until its first change."""
        latest = self.latest()
        if latest is not None and not latest.settled:
            return latest
        names = [int(name) for name in self.guest.names(FOLDER + "/runs") if name.isdigit()]
        return Journal(self.guest, "%04d" % (max(names, default=0) + 1), clock)

    def lock(self) -> int:
        """The lock is held until the returned descriptor is closed; raises Blocked with the other's pid."""
        where = self.guest.where(FOLDER + "/lock")
        try:
            folder = os.path.dirname(where)
            os.makedirs(folder, mode=0o700, exist_ok=True)
            os.chmod(folder, 0o700)
            number = os.open(where, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise failure(where, error) from None
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pid = os.read(number, 32).decode(errors="replace").strip() or "unknown"
            os.close(number)
            raise Blocked(
                "another agentprep is at work here (pid %s)" % pid, "wait for it to end; see it with: ps -fp %s" % pid
            ) from None
        os.ftruncate(number, 0)
        os.pwrite(number, b"%d\n" % os.getpid(), 0)
        return number


# -- states --------------------------------------------------------------------------------------------------
def look(where: str, kept: Optional[int] = None, strict: bool = True) -> State:
    """What is at this process's path: its type, digest (over `kept` leading bytes only, if given) and metadata.

    Anything but a file or link raises Blocked, or without `strict` is of type other.
    """
    try:
        found = os.lstat(where)
    except (FileNotFoundError, NotADirectoryError):
        return {"type": "absent", "digest": None}
    if stat.S_ISLNK(found.st_mode):
        target = os.readlink(where)
        return {"type": "link", "target": target, "digest": "link:" + target}
    if not stat.S_ISREG(found.st_mode) and not strict:
        return {"type": "other", "digest": "other"}
    if not stat.S_ISREG(found.st_mode):
        raise Blocked("%s is not a regular file" % where, "move it away, then run agentprep again")
    with open(where, "rb") as stream:
        digest = _digest(iter([stream.read(kept)]) if kept is not None else _chunks(stream))
    return {
        "type": "file", "digest": digest, "size": found.st_size, "mode": stat.S_IMODE(found.st_mode), "kept": kept,
        "uid": found.st_uid, "gid": found.st_gid, "mtime": found.st_mtime_ns,
        "attributes": {name: base64.b64encode(value).decode() for name, value in attributes(where)},
    }  # fmt: skip


def now(guest: Guest, undo: Undo) -> Optional[str]:
    """The digest of what is at the path of an undo."""
    digest: Optional[str] = look(guest.where(undo.path, follow=False), undo.state.get("kept"), strict=False)["digest"]
    return digest


def boot_id() -> str:
    """Which boot of this machine it is; "" where /proc does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as stream:
            return stream.read().strip()
    except OSError:
        return ""


def _wanted(guest: Guest, change: Union[Write, Remove, Link, Mode]) -> Optional[str]:
    if isinstance(change, Link):
        return "link:" + change.target
    if isinstance(change, Remove):
        return None
    if isinstance(change, Write) and not isinstance(change.content, Beside):
        return _digest(iter([change.content]))
    source = change.content.path if isinstance(change, Write) and isinstance(change.content, Beside) else change.path
    found: Optional[str] = look(guest.where(source))["digest"]  # a Mode leaves the content as it is
    return found


def _digest(chunks: Iterator[bytes]) -> str:
    import hashlib  # it brings OpenSSL along, which only a run needs

    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(stream: Any, size: int = 0) -> Iterator[bytes]:
    done = 0
    for chunk in iter(lambda: stream.read(CHUNK), b""):
        done += len(chunk)
        yield chunk
    while done < size:  # of a swap file only the header was kept; swapon refuses holes, so zeros are written
        chunk = bytes(min(CHUNK, size - done))
        done += len(chunk)
        yield chunk


def _linked(where: str, target: str, wanted: bool) -> bool:
    if not wanted:
        return False
    try:
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        if os.path.lexists(target):
            os.unlink(target)
        os.link(where, target, follow_symlinks=False)
        sync_folder(target)
    except OSError:
        return False  # another file system, or one without hard links: a copy does
    return True


def _missing_folders(guest: Guest, path: str) -> List[str]:
    missing = []
    folder = os.path.dirname(path)
    while folder != "/" and guest.stat(folder) is None:
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing


def _metadata(where: str, state: State) -> None:
    os.chown(where, state["uid"], state["gid"])
    os.chmod(where, state["mode"])
    set_attributes(where, {name: base64.b64decode(value) for name, value in state["attributes"].items()})
    os.utime(where, ns=(state["mtime"], state["mtime"]))


def _sweep(where: str) -> None:
    folder, name = os.path.split(where)
    _unlink(os.path.join(folder, "." + name + SUFFIX))


def _unlink(where: str) -> None:
    try:
        os.unlink(where)
    except (FileNotFoundError, NotADirectoryError):
        pass


def _beside(path: str) -> bool:
    return os.path.basename(path).startswith(".") and path.endswith(SUFFIX)
