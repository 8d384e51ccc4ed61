"""The host name is localhost.localdomain until Azure gives a new one, and /etc/hosts does not know the old one."""

import re
from typing import Iterator, List

from ..changes import Write
from ..formats import lines
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

NAME = "localhost.localdomain"  # what waagent -deprovision sets (azurelinuxagent/pa/deprovision/default.py)
PATH, HOSTS = "/etc/hostname", "/etc/hosts"
LOOPBACK = re.compile(r"(127\.\d+\.\d+\.\d+|::1)$")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """Neither file holds the name of this machine; /etc/hosts first, as the old name is known until then."""
    guest = system.guest
    text = guest.text(PATH)
    name = next((line.strip() for line in (text or "").split("\n") if line.strip() and line[:1] != "#"), "")
    if text is None:
        yield Fact("ok", "there is no %s" % PATH)
        return
    if name == NAME:
        yield Fact("ok", "%s says %s" % (PATH, NAME))
        return
    hosts = guest.text(HOSTS)
    if hosts is not None and renamed(hosts, name) != hosts:
        content = renamed(hosts, name).encode("utf-8", "surrogateescape")
        yield Write(HOSTS, content, "a loopback address has the name of this machine", secret=True)
    yield Write(PATH, NAME.encode() + b"\n", "it names this machine; Azure sets the VM's own name", secret=True)
    yield Fact("ok", "%s says %s" % (PATH, NAME))


def renamed(text: str, name: str) -> str:
    """/etc/hosts whose loopback lines do not have the name; one that had no other gets NAME, which sudo asks for."""
    short = name.partition(".")[0].lower()
    if short in ("", "localhost"):
        return text
    found: List[str] = []
    for line in lines.split(text):
        words = line.split("#")[0].split()
        kept = [word for word in words[1:] if word.lower() != short and not word.lower().startswith(short + ".")]
        if not words or not LOOPBACK.match(words[0]) or kept == words[1:]:
            found.append(line)
            continue
        kept = kept or ([] if re.search(r"^[^#\n]*\s%s(\s|$)" % re.escape(NAME), text, re.M) else [NAME])
        comment = "\t#" + line.rstrip("\r\n").split("#", 1)[1] if "#" in line else ""
        if kept or comment:
            told = words[0] + "\t" + " ".join(kept) if kept else ""
            found.append(told + comment.lstrip("" if kept else "\t") + lines.ending(line))
    return "".join(found)


STEP = Step(
    id="deprovision-hostname",
    title="The host name is localhost.localdomain until Azure gives a new one",
    reason="The name of this machine would be that of every VM made of its disk until Azure has set another, and is "
    "sent to DHCP and DNS. waagent -deprovision sets localhost.localdomain. A 127.0.1.1 line of /etc/hosts with the "
    "old name would answer for a machine that is not there, and without any line for the new name sudo waits for "
    "DNS.",
    source="WALinuxAgent, azurelinuxagent/pa/deprovision/default.py (reset_hostname); hosts(5); Debian Reference, "
    "'The hostname resolution'",
    remedy="echo localhost.localdomain > /etc/hostname; then put that name in place of the old one on the 127.0.1.1 "
    "line of /etc/hosts.",
    changes=changes,
    one_way=True,
)
