"""The Azure Linux agent is installed and starts at boot."""

from typing import Iterator, List, NamedTuple, Optional, Tuple

from ..errors import Blocked, CommandFailed
from ..pkg.apt import STATUS
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
    except Blocked:
        if program is None:
            raise
    return Agent(program, "", "")


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """The agent's program and configuration are there, and its service is enabled."""
    guest, found = system.guest, agent(system)
    if found.program is None or (found.package and not guest.exists(CONF)):
        yield from _installed(system, policy, found)
        found = agent(system)
        if not guest.guessed(STATUS):
            missing = [path for path in (PROGRAM, CONF) if not guest.exists(path)]
            if missing:
                raise CommandFailed(
                    "there is no %s after the agent's package was installed" % " and no ".join(missing),
                    "see what the package brought with: dpkg -L %s" % (found.package or "waagent"),
                )
    yield from _enabled(system, found)


def _installed(system: System, policy: Policy, found: Agent) -> Iterator[Item]:
    row, packages = system.distro.row, system.packages
    names: List[str] = [found.package or row.agent_packages[0]]
    going = [name for name in row.agent_conflicts if packages.version(name) is not None]
    if going and not found.package:
        yield Fact(
            "warning",
            "%s goes when %s comes: the two packages are in conflict" % (", ".join(going), names[0]),
            "profiles of %s have no effect any more; on Azure the network is DHCP on the first card" % going[0],
        )
        names += [name for name in row.network_packages if packages.version(name) is None]
    yield from packages.install(tuple(names), row.repository, policy, _outputs(system), system.live, going)


def _outputs(system: System) -> Tuple[str, ...]:
    units = tuple("*/systemd/system/*%s*" % name for name in system.distro.row.agent_services)
    return (PROGRAM, CONF) + units


def _enabled(system: System, found: Agent) -> Iterator[Item]:
    services = system.distro.row.agent_services
    unit = system.init.unit(services)
    if unit is None and system.guest.guessed("/lib/systemd/system/%s.service" % services[0]):
        return  # its package brings the unit and enables it; run looks again
    if unit is None:
        raise Blocked(
            "the agent is there, but none of its services is (%s)" % ", ".join(services),
            "install the distribution's own package of the agent, or write a unit that starts: waagent -daemon",
        )
    yield from system.init.enable(unit)
    if found.program is not None:
        yield Fact("ok", "%s; %s starts at boot (%s)" % (found, unit, system.init.enabled(unit)))


STEP = Step(
    id="agent-package",
    title="The Azure Linux agent is installed and starts at boot",
    reason=(
        "The agent (waagent) tells Azure that the machine is ready, runs its extensions, resets its passwords "
        "and prepares the resource disk. A machine without it is reported as failed after some 40 minutes unless "
        "cloud-init provisions it, and takes no extension. The distribution's own package brings what that "
        "version of the agent needs, pyasn1 where it does. Debian's package is in conflict with NetworkManager, "
        "which then goes: ifupdown takes its place, and this is announced before it happens."
    ),
    source="Microsoft, 'Azure Linux VM Agent overview'; Debian package waagent 2.7.3.0-4.1 (debian/control, Conflicts)",
    remedy=(
        "apt-get update && apt-get install waagent  (walinuxagent on Ubuntu)\nsystemctl enable walinuxagent.service"
    ),
    changes=changes,
)
