"""What the header of a script in /etc/init.d says, and the files in which insserv notes the order of such scripts.

    header(text)                          the Header: chkconfig's line and the LSB block
    facilities(text)                      {"$network": names} of an insserv.conf
    with_start(text, name, needs)         .depend.start with the script, to be started after those that it needs
    with_stop(text, name, needs)          .depend.stop with the script, to be stopped before those that it needs

chkconfig's reading is that of parseServiceInfo() in its leveldb.c (1.3.49, RHEL 6).  startpar, which runs the scripts
side by side, starts no script that .depend.* do not list (makeboot.c of sysvinit 2.88).
"""

import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

Names = Tuple[str, ...]


class Header(NamedTuple):
    """`levels` and the numbers are those of the chkconfig line; None without one."""

    levels: Optional[str]
    start: Optional[int]
    stop: Optional[int]
    lsb: bool
    provides: Names
    start_after: Names
    stop_before: Names
    default_start: Names
    default_stop: Names


def header(text: str) -> Header:
    line = re.search(r"(?m)^#\s*chkconfig:\s*([0-6]+|-)\s+(\d\d?)\s+(\d\d?)\s*$", text)
    block = re.search(r"(?ms)^### BEGIN INIT INFO\s*?$(.*?)^### END INIT INFO", text)
    found: Dict[str, List[str]] = {}
    for name, value in re.findall(r"(?m)^#[ \t]*([A-Za-z-]+):[ \t]*(.*)$", block.group(1) if block else ""):
        found.setdefault(name.lower(), []).extend(value.replace("\r", "").split())

    def names(*keys: str) -> Names:
        return tuple(word for key in keys for word in found.get(key, ()))

    return Header(
        line.group(1).strip("-") if line else None,
        int(line.group(2)) if line else None,
        int(line.group(3)) if line else None,
        block is not None,
        names("provides"),
        names("required-start", "should-start"),
        names("required-stop", "should-stop"),
        names("default-start"),
        names("default-stop"),
    )


def facilities(text: str) -> Dict[str, List[str]]:
    """The names behind `+` are of scripts that need not be there."""
    found: Dict[str, List[str]] = {}
    for line in text.split("\n"):
        words = line.split("#")[0].split()
        if words and words[0].startswith("$"):
            found.setdefault(words[0], []).extend(word.lstrip("+") for word in words[1:])
    return found


def with_start(text: str, name: str, needs: Sequence[str]) -> str:
    there = _targets(text)
    needed = [one for one in needs if one in there and one != name]
    text = _listed(text, name, last=True)
    return _after(text, name, needed)


def with_stop(text: str, name: str, needs: Sequence[str]) -> str:
    there = _targets(text)
    text = _listed(text, name, last=False)
    for one in needs:
        if one in there and one != name:
            text = _after(text, one, [name])
    return text


def _targets(text: str) -> List[str]:
    line = re.search(r"(?m)^TARGETS\s*=(.*)$", text)
    return line.group(1).split() if line else []


def _listed(text: str, name: str, last: bool) -> str:
    there = _targets(text)
    if name in there:
        return text
    line = "TARGETS = " + " ".join(there + [name] if last else [name] + there)
    new, count = re.subn(r"(?m)^TARGETS\s*=.*$", lambda match: line, text, count=1)
    return new if count else line + "\n" + text


def _after(text: str, name: str, needs: Sequence[str]) -> str:
    """The line of the script names all that it waits for."""
    line = re.search(r"(?m)^%s:(.*)$" % re.escape(name), text)
    if line is None:
        end = "" if not text or text.endswith("\n") else "\n"
        return text + end + "%s: %s\n" % (name, " ".join(needs)) if needs else text
    missing = [one for one in needs if one not in line.group(1).split()]
    return text[: line.end()] + "".join(" " + one for one in missing) + text[line.end() :]
