"""sudo asks for the user's own password, not for root's."""

import posixpath
from typing import Iterator, List

from ..changes import Write
from ..formats import sudoers
from ..guest import Guest
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

# The second is the package's, read where the first is missing (openSUSE Tumbleweed, SLES 16).
MAIN = ("/etc/sudoers", "/usr/etc/sudoers")


def files(guest: Guest) -> List[str]:
    """The main file and those of the folders that it includes, as sudo reads them: no name with a dot or a final ~."""
    main = next((path for path in MAIN if guest.is_file(path)), None)
    if main is None:
        return []
    found = [main]
    for folder in sudoers.folders(guest.text(main) or ""):
        names = [name for name in guest.names(folder) if "." not in name and not name.endswith("~")]
        found += [path for path in (posixpath.join(folder, name) for name in names) if guest.is_file(path)]
    return found


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """No Defaults entry sets targetpw, and no entry that relied on it lets everybody become root."""
    guest = system.guest
    read = files(guest)
    texts = {path: guest.text(path) or "" for path in read}
    asks_root = [path for path in read if sudoers.targetpw(texts[path])]
    for path in read:
        new = sudoers.without_targetpw(texts[path])
        open_lines = sudoers.everybody(new)
        if asks_root:
            new = sudoers.without_lines(new, open_lines)
        elif open_lines:
            yield Fact(
                "warning", "line %d of %s lets every user become root" % (open_lines[0], path),
                "if that is not wanted: visudo -f %s" % path,
            )  # fmt: skip
        if new != texts[path]:
            own = MAIN[0] if path == MAIN[1] else path
            yield Write(own, new.encode("utf-8", "surrogateescape"), "root has no password on Azure", mode=0o440)
    if asks_root:
        yield Fact(
            "note", "targetpw was set in %s; who used sudo with root's password needs an entry of their own now"
            % ", ".join(asks_root), "usermod --append --groups wheel USER, or sudo on Debian",
        )  # fmt: skip
    read = files(guest)
    yield Fact("ok", "no targetpw in %s" % ", ".join(read) if read else "sudo is not installed: no /etc/sudoers")


STEP = Step(
    id="sudo",
    title="sudo asks for the user's own password",
    reason=(
        "On Azure root has no password and the first user gets sudo. With `Defaults targetpw`, which SUSE ships, "
        "sudo asks for root's password, so that nobody can become root. The line `ALL ALL=(ALL) ALL` that stands "
        "beside it is safe only with targetpw and goes with it."
    ),
    source="Microsoft, 'Prepare a SLES or openSUSE virtual machine'; LISA, verify_default_targetpw; sudoers(5)",
    remedy="visudo: put a # before `Defaults targetpw` and before `ALL ALL=(ALL) ALL`",
    changes=changes,
)
