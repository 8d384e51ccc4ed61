"""The Azure Linux agent is installed and starts at boot."""

from typing import Iterator, List, NamedTuple, Optional, Tuple

from ..errors import Blocked, CommandFailed, Unknown
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System

PROGRAM = "/usr/sbin/waagent"
CONF = "/etc/waagent.conf"


class Agent(NamedTuple):
    """The agent's program and, where a package of the row brought it, that package with its version."""

    program: Optional[str]
    package: str
    version: str

    def __str__(self) -> str:
        told = "%s %s is installed" % (self.package, self.version) if self.package else "it is not from a package"
        return "%s is there and %s" % (self.program, told)


def agent(system: System) -> Agent:
    """The agent as it is now."""
    program = system.guest.which("waagent")
    try:
        for package in system.distro.row.agent_packages:
            version = system.packages.version(package)
            if version is not None:
                return Agent(program, package, version)
    except (Blocked, Unknown):
        if program is None:
            raise
    return Agent(program, "", "")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """The agent's program and configuration are there, and its service is enabled."""
    guest, found = system.guest, agent(system)
    if found.program is None or (found.package and not guest.exists(CONF)):
        yield from _installed(system, policy, found)
        found = agent(system)
        missing = [path for path in (PROGRAM, CONF) if not guest.exists(path)]
        if missing and not _coming(system):
            raise CommandFailed(
                "there is no %s after the agent's package was installed" % " and no ".join(missing),
                "see what the package brought with: %s %s"
                % (system.packages.listing, found.package or system.distro.row.agent_packages[0]),
            )
    yield from _startable(system, found)
    yield from _enabled(system, found)


def _installed(system: System, policy: Policy, found: Agent) -> Iterator[Item]:
    row, packages = system.distro.row, system.packages
    names: List[str] = [found.package or row.agent_packages[0]]
    if not found.package:
        names = [name for name in row.agent_needs if packages.version(name) is None] + names
    going = [name for name in row.agent_conflicts if packages.version(name) is not None]
    if going and not found.package:
        services = ", ".join(row.network_services or row.network_packages[:1])
        yield Fact(
            "warning",
            "%s goes when %s comes: the two packages are in conflict; %s gives the network from then on"
            % (", ".join(going), names[-1], services),
            "what needs %s goes with it, and its profiles have no effect any more; on Azure the network is DHCP on the "
            "first card" % going[0],
        )
        names += [name for name in row.network_packages if packages.version(name) is None]
    else:
        going = []
    yield from packages.install(tuple(names), row.repository, policy, _outputs(system), system.live, going)


def _outputs(system: System) -> Tuple[str, ...]:
    names = system.distro.row.agent_services
    units = tuple("*/systemd/system/*%s*" % name for name in names)
    return (PROGRAM, CONF) + units + tuple("/etc/*init*/%s*" % name for name in names)


def _coming(system: System) -> bool:
    """On a draft: a package is to be installed, so that what it brings is not there yet."""
    try:
        return bool(system.guest.guessed(system.packages.database))
    except Blocked:
        return False


def _startable(system: System, found: Agent) -> Iterator[Fact]:
    """The agent's program names an interpreter that the guest has.

    One that was installed from its sources says `env python`, which RHEL 8 and later, Debian 11 and later lack.
    """
    guest = system.guest
    if found.program is None or not guest.is_file(found.program):
        return
    stream = guest.open(found.program)
    head = stream.read(256) if stream else b""
    words = head.split(b"\n")[0].decode("utf-8", "replace").lstrip("#!").split()
    name = words[1] if words[1:] and words[0].endswith("/env") else words[0] if words else ""
    there = guest.which(name) if "/" not in name else guest.is_file(name)
    others = guest.glob("/usr/bin/python[23]*") + guest.glob("/usr/libexec/platform-python*")
    if head.startswith(b"#!") and not there and others:
        yield Fact(
            "failed", "%s is started with %s, which the guest does not have" % (found.program, " ".join(words)),
            "install the distribution's package of the agent, or let its first line say %s" % others[0],
        )  # fmt: skip


def _enabled(system: System, found: Agent) -> Iterator[Item]:
    services = system.distro.row.agent_services
    unit = system.init.unit(services)
    if unit is None and _coming(system):
        return  # its package brings the unit and enables it; run looks again
    if unit is None:
        raise Blocked(
            "the agent is there, but none of its services is (%s)" % ", ".join(services),
            "install the distribution's own package of the agent, or write a unit that starts: waagent -daemon",
        )
    yield from system.init.enable(unit)
    if found.program is not None:
        yield Fact("ok", "%s; %s starts at boot (%s)" % (found, unit, system.init.enabled(unit)))
        yield from _conflict(system, found)


def _conflict(system: System, found: Agent) -> Iterator[Fact]:
    """Both packages are there all the same: with rpm --nodeps, or because one came past the package manager."""
    row = system.distro.row
    both = [name for name in row.agent_conflicts if found.package and system.packages.version(name) is not None]
    if both:
        yield Fact("warning", "%s is installed beside %s, with which it is in conflict" % (both[0], found.package),
                   "remove it: LISA's verify_network_manager_not_installed rejects the image")  # fmt: skip


STEP = Step(
    id="agent-package",
    title="The Azure Linux agent is installed and starts at boot",
    reason=(
        "The agent (waagent) tells Azure that the machine is ready, runs its extensions, resets its passwords "
        "and prepares the resource disk. A machine without it is reported as failed after some 40 minutes unless "
        "cloud-init provisions it, and takes no extension. The distribution's own package brings what that "
        "version of the agent needs, pyasn1 where it does. On Debian and on RHEL 6 that package is in conflict with "
        "NetworkManager, which then goes: ifupdown or the network scripts take its place, and this is announced before "
        "it happens."
    ),
    source=(
        "Microsoft, 'Azure Linux VM Agent overview' and 'Prepare a Red Hat-based virtual machine' (2017, RHEL 6); "
        "Debian package waagent 2.7.3.0-4.1 (debian/control, Conflicts); openlogic/AzureBuildCentOS, "
        "rpm/spec/WALinuxAgent_2.2.6.spec (Conflicts: NetworkManager below release 7)"
    ),
    remedy=(
        "apt-get update && apt-get install waagent  (walinuxagent on Ubuntu)\n"
        "dnf install WALinuxAgent  (yum before RHEL 8; there with python-pyasn1)\n"
        "zypper install python-azure-agent  (from the Public Cloud module)\n"
        "systemctl enable waagent.service  (walinuxagent.service on Debian and Ubuntu; chkconfig waagent on)"
    ),
    changes=changes,
)
