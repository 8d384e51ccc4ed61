"""The users of the guest by /etc/passwd and /etc/shadow, and what they left in their homes: keys and histories."""

import fnmatch
import os
import posixpath
import re
import stat
from typing import Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from .errors import Unknown
from .guest import Guest
from .mounts import Mount, inside, over

PASSWD, SHADOW = "/etc/passwd", "/etc/shadow"
# Histories by the name of their file, as fnmatch and find(1) read it: `.*sh_history` and `.history` are what LISA's
# verify_bash_history_is_empty looks for, at any depth; the rest are defaults of shells, clients, pagers and editors.
# With something after it the name is that of a half-written or saved copy (bash writes .bash_history-12345.tmp).
_NAMES = (".*_history", ".history", ".histfile", ".zhistory", ".Rhistory", ".octave_hist", ".dbshell", ".lesshst",
          ".viminfo", ".wget-hsts")  # fmt: skip
NAMES = _NAMES + tuple(name + "[.~-]*" for name in _NAMES)
# Histories that are known by their place (XDG Base Directory Specification; fish, mc, nano, neovim, less, lftp).
PLACES = ("*/.local/share/fish/*_history", "*/.config/fish/fish_history", "*/.local/share/*/history",
          "*/.local/state/*/history", "*/.local/state/lesshst", "*/.mc/history", "*/nano/search_history",
          "*/.nano/search_history", "*/nvim/shada/main.shada", "*/lftp/rl_history", "*/.lftp/rl_history")  # fmt: skip
_NAME = re.compile("|".join(fnmatch.translate(name) for name in NAMES))
_PLACE = re.compile("|".join(fnmatch.translate(place) for place in PLACES))
# Folders that are system accounts' homes and hold the system: only the files at their top are looked at.
SYSTEM = re.compile(
    r"/((bin|boot|etc|home|lib|lib64|media|mnt|opt|sbin|srv|tmp)|(dev|proc|run|sys|usr|var)(/[^/]*)?)?$"
)
KEYS = (".ssh/authorized_keys", ".ssh/authorized_keys2")
# cloud-init lets root in only to be told this (cloudinit/ssh_util.py, DISABLE_USER_OPTS); LISA takes it for no key.
STUB = re.compile(r"command=\"echo 'Please login as the user")


class User(NamedTuple):
    """A line of /etc/passwd; `password` is the field of /etc/passwd itself, x where /etc/shadow has it."""

    name: str
    password: str
    uid: int
    home: str
    shell: str

    @property
    def logs_in(self) -> bool:
        """The shell is one: its name ends in sh, which is how LISA tells."""
        return self.shell.endswith("sh")


def users(guest: Guest) -> List[User]:
    """The users in the order of /etc/passwd; lines that are no user's (NIS, junk) are left out."""
    found = []
    for line in (guest.text(PASSWD) or "").split("\n"):
        field = line.split(":")
        if len(field) == 7 and field[0][:1] not in ("", "+", "-", "#") and field[2].isdigit():
            found.append(User(field[0], field[1], int(field[2]), field[5] or "/", field[6] or "/bin/sh"))
    return found


class Passwords(NamedTuple):
    """The names of users who can log in by a password, and of those who need none."""

    usable: List[str]
    empty: List[str]


def passwords(guest: Guest) -> Passwords:
    """Who has a password; a field with * or ! is locked, as LISA's verify_no_pre_exist_users reads it.

    Raises Unknown when /etc/shadow may not be read.
    """
    fields: Dict[str, str] = {user.name: user.password for user in users(guest)}
    for line in (guest.text(SHADOW) or "").split("\n"):
        name, _, rest = line.partition(":")
        if name in fields and rest:
            fields[name] = rest.split(":")[0]
    usable = [name for name, field in fields.items() if field not in ("", "x") and not set(field) & set("*!")]
    return Passwords(usable, [name for name, field in fields.items() if field == ""])


def keys(guest: Guest) -> List[Tuple[str, str]]:
    """(user, path) of every list of public keys that lets somebody in."""
    found = []
    for user in users(guest):
        if "nologin" in user.shell or user.shell.endswith("/false"):
            continue
        for path in (posixpath.join(user.home, name) for name in KEYS):
            text = guest.text(path) if guest.is_file(path) else None
            lines = [line for line in (text or "").split("\n") if line.strip() and not line.lstrip().startswith("#")]
            if any(not STUB.search(line) for line in lines):
                found.append((user.name, path))
    return found


class Homes(NamedTuple):
    """Folders to look for histories in: the whole of `deep` ones, only the top of `shallow` ones; `elsewhere` are
    homes on a network file system or in memory, which do not travel with the disk.
    """

    deep: List[str]
    shallow: List[str]
    elsewhere: List[str]


def homes(guest: Guest, mounts: Sequence[Mount]) -> Homes:
    """Every user's home and every folder of /home, each once."""
    deep, shallow, elsewhere = [], [], []  # type: List[str], List[str], List[str]
    told = {(guest.canonical(user.home), user.logs_in) for user in users(guest)}
    told |= {("/home/" + name, True) for name in guest.names("/home")}
    for home, whole in sorted(told, key=lambda one: (not one[1], one)):
        if home in deep + shallow + elsewhere or not guest.is_folder(home):
            continue
        if any(mount.foreign for mount in over(list(mounts), home)[-1:]):
            elsewhere += [home] if whole else []
        else:
            (deep if whole and not SYSTEM.match(home) else shallow).append(home)
    return Homes(deep, shallow, elsewhere)


class Histories(NamedTuple):
    """Paths of the histories that hold something, of links where one is kept elsewhere, and homes not looked at."""

    files: List[str]
    links: List[str]
    elsewhere: List[str]


def histories(guest: Guest) -> Histories:
    """The histories in every home, apart from those that lead to /dev/null."""
    mounts = inside(guest)
    found = homes(guest, mounts)
    foreign = {mount.point for mount in mounts if mount.foreign}
    paths = [path for home in found.shallow for path in _top(guest, home)]
    paths += [path for home in found.deep for path in _all(guest, home, foreign)]
    files, links = [], []
    for path in sorted(set(paths)):
        state = guest.stat(path, follow=False)
        if state is not None and stat.S_ISREG(state.st_mode) and state.st_size:
            files.append(path)
        elif state is not None and stat.S_ISLNK(state.st_mode) and guest.canonical(path) != "/dev/null":
            links.append(path)
    return Histories(files, links, found.elsewhere)


def _top(guest: Guest, home: str) -> Iterator[str]:
    for name in guest.names(home):
        if _NAME.match(name):
            yield posixpath.join(home, name)


def _all(guest: Guest, folder: str, foreign: Set[str]) -> Iterator[str]:
    """A home may hold a million files: only those that look like a history go through the guest's own stat."""
    folders = [folder]
    while folders:
        here = folders.pop()
        try:
            with os.scandir(guest.where(folder) + here[len(folder) :]) as entries:
                found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except PermissionError:
            raise Unknown("%s cannot be read: permission denied" % here, "run agentprep as root") from None
        except FileNotFoundError:
            continue  # a program has just removed it
        for name, is_folder in found:
            path = posixpath.join(here, name)
            if is_folder and path not in foreign:
                folders.append(path)
            elif not is_folder and (_NAME.match(name) or _PLACE.match(path)):
                yield path
