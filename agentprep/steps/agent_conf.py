"""/etc/waagent.conf says who provisions the machine and who prepares the resource disk."""

import re
from typing import Dict, Iterator, Optional, Tuple

from ..changes import Write
from ..errors import Blocked
from ..formats import keyvalue
from ..policy import Policy
from ..provisioner import detect
from ..step import Fact, Item, Step
from ..system import System
from .agent_package import CONF, agent

# The first agent that reads Provisioning.Agent in place of Provisioning.Enabled and Provisioning.UseCloudInit
# (WALinuxAgent 2.2.45, azurelinuxagent/common/conf.py: get_provisioning_agent).
NAMES_PROVISIONER = (2, 2, 45)
# Where the agent says its version: since 2.1 in its library, before in the one file that it is.
SOURCES = ("/usr/lib/python*/*-packages/azurelinuxagent/common/version.py",
           "/usr/local/lib/python*/*-packages/azurelinuxagent/common/version.py")  # fmt: skip
VERSION = re.compile(r"(?m)^(?:AGENT_VERSION|GuestAgentVersion)\s*=\s*[\"'](?:WALinuxAgent-)?([\d.]+)[\"']")
REINSTALL = {
    "apt": "apt-get install --reinstall -o Dpkg::Options::=--force-confmiss",
    "zypper": "zypper install --force",
}


def wanted(text: str, version: str, provisioner: str, policy: Policy) -> Dict[str, str]:
    """The keys that this requirement owns, and their values for an agent of this version ("" when it is not known)."""
    numbers = _numbers(version)
    present = keyvalue.values(text)
    own = provisioner == "waagent"
    keys: Dict[str, str] = {}
    if numbers is None or numbers >= NAMES_PROVISIONER:
        keys["Provisioning.Agent"] = provisioner
    for key, value in (("Provisioning.Enabled", own), ("Provisioning.UseCloudInit", not own)):
        if key in present or (numbers is not None and numbers < NAMES_PROVISIONER):
            keys[key] = _switch(value)
    if not own:
        keys.update({"ResourceDisk.Format": "n", "ResourceDisk.EnableSwap": "n"})
        return keys
    keys["Provisioning.RegenerateSshHostKeyPair"] = "y"
    keys["ResourceDisk.Format"] = _switch(policy.flag("agent-conf.format"))
    keys["ResourceDisk.Filesystem"] = policy.text("agent-conf.filesystem")
    keys["ResourceDisk.MountPoint"] = policy.text("agent-conf.mount_point")
    keys["ResourceDisk.EnableSwap"] = _switch(policy.flag("agent-conf.enable_swap"))
    keys["ResourceDisk.SwapSizeMB"] = str(policy.number("agent-conf.swap_size_mb"))
    return keys


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """The keys have the values that suit the provisioner; every other byte is as it was."""
    guest = system.guest
    text = guest.text(CONF)
    if text is None and not guest.guessed(CONF):
        raise _missing(system)
    provisioner = detect(guest, policy)
    keys = wanted(text or "", version(system), provisioner.name, policy)
    told = "%s provisions: %s; %s" % (provisioner.name, provisioner.evidence, " ".join(map("=".join, keys.items())))
    yield from _remarks(text or "", keys)
    new = keyvalue.set_values(text or "", keys)
    if new != text:
        why = "%s provisions: %s" % (provisioner.name, provisioner.evidence)
        yield Write(CONF, new.encode("utf-8", "surrogateescape"), why)
    yield Fact("ok", told)


def version(system: System) -> str:
    """The agent's version as its package has it, else as its own program says, else ""."""
    found = agent(system)
    for path in [path for pattern in SOURCES for path in system.guest.glob(pattern)] + [found.program or ""]:
        told = VERSION.search(system.guest.text(path) or "") if not found.version and path else None
        if told:
            return told.group(1)
    return found.version


def _missing(system: System) -> Blocked:
    if agent(system).program is None:
        return Blocked(
            "%s is missing because the Azure Linux agent is not installed" % CONF,
            "let agentprep install it (do not skip agent-package), or install %s by hand"
            % system.distro.row.agent_packages[0],
        )
    command = REINSTALL.get(system.packages.name, "%s reinstall" % system.packages.name)
    package = agent(system).package or system.distro.row.agent_packages[0]
    return Blocked(
        "%s is missing although the agent is installed" % CONF, "get it back with: %s %s" % (command, package)
    )


def _remarks(text: str, keys: Dict[str, str]) -> Iterator[Fact]:
    if keys["ResourceDisk.Format"] == "n" and keys["ResourceDisk.EnableSwap"] == "y":
        yield Fact(
            "warning", "the agent makes no swap: it does so only on a resource disk that it formats",
            "set agent-conf.format to yes, or agent-conf.enable_swap to no",
        )  # fmt: skip
    options, old = keyvalue.get(text, "ResourceDisk.MountOptions"), keyvalue.get(text, "ResourceDisk.Filesystem")
    new = keys.get("ResourceDisk.Filesystem", old)
    if options and old != new:
        yield Fact(
            "warning", "ResourceDisk.MountOptions=%s in %s was written for %s, and the resource disk becomes %s"
            % (options, CONF, old, new), "see whether the options suit it: man mount",
        )  # fmt: skip
    if text and keyvalue.get(text, "Provisioning.DeleteRootPassword") != "y":
        yield Fact(
            "note", "Provisioning.DeleteRootPassword is not y in %s: deprovisioning leaves root's password" % CONF,
            "lock it with: passwd --lock root",
        )  # fmt: skip


def _numbers(version: str) -> Optional[Tuple[int, ...]]:
    match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)+)", version)
    return tuple(int(part) for part in match.group(1).split(".")) if match else None


def _switch(value: bool) -> str:
    return "y" if value else "n"  # exactly these: the agent takes any other word for its default


STEP = Step(
    id="agent-conf",
    title="waagent.conf names the provisioner and who prepares the resource disk",
    reason=(
        "Exactly one program must provision the machine on Azure: Debian's waagent leaves it to cloud-init even "
        "where no cloud-init is installed, and such a machine never reports that it is ready. Where waagent "
        "provisions, it also formats the resource disk, mounts it and makes the swap there; where cloud-init "
        "does, waagent must keep its hands off that disk, or the two race for it. New SSH host keys must be "
        "made, or all machines made from the image share one. Keys are written so that every agent since 2.0 "
        "reads them: at the start of the line, without blanks, quotes or comments, once."
    ),
    source=(
        "Microsoft, 'Prepare Linux for imaging in Azure' (2017: ResourceDisk.*; 2022: cloud-init); WALinuxAgent "
        "azurelinuxagent/common/conf.py; Microsoft LISA, Storage.verify_swap"
    ),
    remedy=(
        "in /etc/waagent.conf, without cloud-init: Provisioning.Agent=waagent, "
        "Provisioning.RegenerateSshHostKeyPair=y, ResourceDisk.Format=y, ResourceDisk.Filesystem=ext4, "
        "ResourceDisk.MountPoint=/mnt/resource, ResourceDisk.EnableSwap=y, ResourceDisk.SwapSizeMB=2048\n"
        "with cloud-init: Provisioning.Agent=cloud-init, ResourceDisk.Format=n, ResourceDisk.EnableSwap=n"
    ),
    changes=changes,
)
