"""The host name is localhost.localdomain until Azure gives a new one, and /etc/hosts does not know the old one."""

import re
from typing import Dict, Iterator, List

from ..changes import Write
from ..formats import ifcfg, lines
from ..guest import Guest
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

NAME = "localhost.localdomain"  # what waagent -deprovision sets (azurelinuxagent/pa/deprovision/default.py)
HOSTS = "/etc/hosts"
NAMES = ("/etc/hostname", "/etc/HOSTNAME")  # the second is SUSE's; since SLES 12 a link to the first
NETWORK = "/etc/sysconfig/network"  # Red Hat's before release 7: a line HOSTNAME=
LOOPBACK = re.compile(r"(127\.\d+\.\d+\.\d+|::1)$")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """No file holds the name of this machine; /etc/hosts first, as the old name is known until then."""
    guest = system.guest
    told = names(guest)
    old = [name for name in told.values() if name != NAME]
    if not told:
        yield Fact("ok", "no file has a host name (%s)" % ", ".join(NAMES + (NETWORK,)))
        return
    hosts = guest.text(HOSTS)
    new = hosts or ""
    for name in old:
        new = renamed(new, name)
    if hosts is not None and new != hosts:
        content = new.encode("utf-8", "surrogateescape")
        yield Write(HOSTS, content, "a loopback address has the name of this machine", secret=True)
    for path, name in told.items():
        if name != NAME:
            text = NAME + "\n"
            if path == NETWORK:
                text = ifcfg.with_values(guest.text(path) or "", {"HOSTNAME": NAME}, path)
            content = text.encode("utf-8", "surrogateescape")
            yield Write(path, content, "it names this machine; Azure sets the VM's own name", secret=True)
    yield Fact("ok", "%s says %s" % (", ".join(told), NAME))


def names(guest: Guest) -> Dict[str, str]:
    """The host name that each file gives, "" for an empty one; one that is reached by two names counts once."""
    found: Dict[str, str] = {}
    for path in NAMES:
        text = guest.text(path)
        if text is not None and guest.canonical(path) not in map(guest.canonical, found):
            found[path] = next((line.strip() for line in text.split("\n") if line.strip() and line[:1] != "#"), "")
    if guest.is_file(NETWORK):
        name = ifcfg.values(guest.text(NETWORK) or "", NETWORK).get("HOSTNAME")
        if name is not None:
            found[NETWORK] = name
    return found


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
    remedy="echo localhost.localdomain > /etc/hostname (/etc/HOSTNAME on SLES 11; HOSTNAME= in /etc/sysconfig/network "
    "on Red Hat's release 6); then put that name in place of the old one on the 127.0.1.1 "
    "line of /etc/hosts.",
    changes=changes,
    one_way=True,
)
