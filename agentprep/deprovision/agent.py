"""waagent -force -deprovision has run, and /etc/resolv.conf is again the link that it was."""

import posixpath
import re
from typing import Dict, Iterator, List, Optional

from ..accounts import passwords, users
from ..changes import Link, Run
from ..commands import Completed
from ..formats import keyvalue
from ..guest import Guest
from ..init.systemd import Systemd
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

CONF, STATE, OVF = "/etc/waagent.conf", "/var/lib/waagent", "/var/lib/waagent/ovf-env.xml"
RESOLV = "/etc/resolv.conf"
# What waagent 2.2.47 to 2.16 empties or removes; of host keys and root's password its configuration decides.
FOLDERS = ("/var/lib/dhcp", "/var/lib/dhclient", "/var/lib/dhcpcd", STATE, "/var/log/azure")
FILES = ("/root/.bash_history", "/var/log/waagent.log", "/var/lib/NetworkManager/dhclient-*.lease")
NETCONFIG = "/etc/netconfig.d/dns-resolver"
WRITERS = ("dhclient", "dhcpcd", "udhcpc", "NetworkManager", "wicked", "netconfig")
VIRTUALBOX = "[Errno 5] Input/output error"


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """The agent has removed what it made and what it knows to be this machine's own."""
    guest = system.guest
    if guest.which("waagent") is None and not guest.guessed("/usr/sbin/waagent"):
        yield Fact("note", "waagent is not installed: the steps that follow remove what it would have removed")
        return
    conf = keyvalue.values(guest.text(CONF) or "")
    resolver = link_of(guest)
    left = remaining(guest, conf)
    user = provisioned(guest) if policy.flag("deprovision.user") else None
    if policy.flag("deprovision.user") and user is None:
        yield Fact("warning", "%s is not there, so waagent cannot know which user it made, and deletes none" % OVF,
                   "delete the user by hand as root: userdel -r NAME")  # fmt: skip
    if "root's password" in left:
        yield Fact("note", "waagent takes root's password away, since %s has Provisioning.DeleteRootPassword=y" % CONF)
    if left:
        yield run(left, user, policy)
    yield Fact("ok", "waagent -force -deprovision has nothing more to remove")
    if resolver and (guest.guessed(RESOLV) or guest.link(RESOLV) != resolver):
        yield Link(RESOLV, resolver, "waagent removes the link, and nothing makes it again (WALinuxAgent #1332)")
    if not resolver and not any(guest.which(name) for name in WRITERS):
        yield Fact("warning", "no program is in the guest that writes %s when the machine gets an address" % RESOLV,
                   "install systemd-resolved or resolvconf, or write it with Azure's 168.63.129.16")  # fmt: skip
    if user and not guest.guessed("/etc/passwd") and user in [one.name for one in users(guest)]:
        yield Fact("warning", "waagent did not delete the user %s" % user, "delete it as root: userdel -r %s" % user)


def run(left: List[str], user: Optional[str], policy: Policy) -> Run:
    """The command that cannot be undone, saying what it is known to remove."""
    option = "-deprovision+user" if policy.flag("deprovision.user") else "-deprovision"
    outputs = ["/etc/ssh/ssh_host_*key*", RESOLV] + [folder + "/*" for folder in FOLDERS] + list(FILES)
    outputs += ["/etc/shadow"] if "root's password" in left or user else []
    outputs += ["/etc/passwd", "/etc/group", "/etc/gshadow", "/home/%s*" % user] if user else []
    deleted = ["the user %s with the home folder" % user] if user else []
    why = "the agent removes what is this machine's own: " + ", ".join(deleted + left)
    hint = "see what it says, and /var/log/waagent.log, with: waagent -force %s; then run agentprep again" % option
    return Run((("waagent", "-force", option),), tuple(outputs), why, tolerate=tolerated, hint=hint)


def tolerated(done: Completed) -> str:
    """The note on the failure that Microsoft's document calls not critical; "" for any other."""
    if not any(VIRTUALBOX in line for line in done.tail):
        return ""
    return "waagent ended with %s, as it does on VirtualBox: not critical, what is left goes next" % VIRTUALBOX


def remaining(guest: Guest, conf: Dict[str, str]) -> List[str]:
    """What waagent would remove now, in words."""
    keys = guest.glob(posixpath.join(conf.get("OS.SshDir", "/etc/ssh"), "ssh_host_*key*"))
    left = ["the ssh host keys"] if keys and conf.get("Provisioning.RegenerateSshHostKeyPair") == "y" else []
    left += ["the content of %s" % folder for folder in FOLDERS if guest.names(folder)]
    left += [path for pattern in FILES for path in guest.glob(pattern)]
    if conf.get("Provisioning.DeleteRootPassword") == "y":
        found = passwords(guest)
        left += ["root's password"] if "root" in found.usable + found.empty else []
    return left


def provisioned(guest: Guest) -> Optional[str]:
    """The user that waagent made last, as it finds it out itself, or None."""
    match = re.search(r"<(?:\w+:)?UserName>\s*([^<\s]+)\s*<", guest.text(OVF) or "")
    return match.group(1) if match else None


def link_of(guest: Guest) -> Optional[str]:
    """What the link at /etc/resolv.conf says, or said before a run was cut after its removal; None for a file."""
    if guest.exists(RESOLV):
        return guest.link(RESOLV)
    if Systemd(guest).enabled("systemd-resolved"):
        return "../run/systemd/resolve/stub-resolv.conf"
    # On SLES 15 and Leap 15 netconfig writes to /run, and /etc/resolv.conf is a link to that.
    if guest.which("netconfig") and "/run/netconfig/" in (guest.text(NETCONFIG) or ""):
        return "/run/netconfig/resolv.conf"
    if guest.is_folder("/etc/resolvconf") and guest.which("resolvconf"):
        return "../run/resolvconf/resolv.conf"
    return None


STEP = Step(
    id="deprovision-agent",
    title="waagent has deprovisioned the machine",
    reason="A VM that is made of this disk must not share host keys, DHCP leases, agent state and passwords with "
    "this machine. `waagent -force -deprovision` removes them; with deprovision.user=yes it also deletes the user "
    "that it provisioned last, with the home folder. It deletes /etc/resolv.conf too, and where that was a link to "
    "systemd-resolved or resolvconf nothing makes it again: the VM would have no DNS.",
    source="Microsoft, Information for non-endorsed distributions, last step; WALinuxAgent, "
    "azurelinuxagent/pa/deprovision; WALinuxAgent issues 1151, 1332, 1878 (resolv.conf)",
    remedy="As root: ls -l /etc/resolv.conf; waagent -force -deprovision; then make the link again if it was one: "
    "ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf. `[Errno 5] Input/output error` on VirtualBox "
    "is not critical.",
    changes=changes,
    one_way=True,
)
