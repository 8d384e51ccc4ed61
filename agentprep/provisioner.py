"""The provisioner: which of waagent and cloud-init makes a new VM out of the disk on Azure, and the evidence."""

from typing import Any, NamedTuple, Tuple

from . import boot, init
from .by_hand import install
from .errors import AgentprepError, Blocked
from .formats import sections
from .guest import Guest
from .init.systemd import Systemd
from .policy import Policy

DISABLED = "/etc/cloud/cloud-init.disabled"
# The units that run cloud-init's stages, under their names before and since cloud-init 24.3.
UNITS = ("cloud-init-local", "cloud-init-main", "cloud-init", "cloud-init-network", "cloud-config", "cloud-final")


class Provisioner(NamedTuple):
    """`waagent` or `cloud-init`, and why."""

    name: str
    evidence: str


def detect(guest: Guest, policy: Policy) -> Provisioner:
    """The provisioner that the policy forces, else cloud-init where it is installed and not switched off, else waagent.

    What waagent.conf says is no evidence: Debian's says cloud-init where no cloud-init is installed, and such a guest
    would never report ready.  Raises Blocked when the policy forces a cloud-init that is not installed.
    """
    found: Provisioner = guest.once(
        "provisioner %s" % policy.text("agent-conf.provisioner"), lambda: _detect(guest, policy)
    )
    return found


def _detect(guest: Guest, policy: Policy) -> Provisioner:
    forced = policy.value("agent-conf.provisioner")
    if forced.value == "cloud-init" and not installed(guest):
        raise Blocked(
            "agent-conf.provisioner is cloud-init (%s), and cloud-init is not installed" % forced.source,
            "install it (%s), or set agent-conf.provisioner to auto"
            % install("cloud-init", "cloud-init", "cloud-init"),
        )
    if forced.value != "auto":
        return Provisioner(forced.value, "agent-conf.provisioner is %s (%s)" % (forced.value, forced.source))
    if not installed(guest):
        return Provisioner("waagent", "cloud-init is not installed")
    off = switched_off(guest)
    if off:
        return Provisioner("waagent", "cloud-init is installed but switched off: %s" % off)
    return Provisioner("cloud-init", "cloud-init is installed and switched on")


def installed(guest: Guest) -> bool:
    """cloud-init's program and units are there; what a removed package leaves in /etc/cloud does not count."""
    program = guest.is_file("/usr/bin/cloud-init") or guest.is_file("/usr/local/bin/cloud-init")
    return program and _services(guest).unit(("cloud-init-local", "cloud-init")) is not None


def switched_off(guest: Guest) -> str:
    """The switch that keeps cloud-init from running at boot, or "".

    The switches are those of cloud-init's generator (22.4, systemd/cloud-init-generator.tmpl) and systemd's own.  A
    datasource list without Azure is none: it says where cloud-init looks, not whether it runs.
    """
    if guest.exists(DISABLED):
        return "%s exists" % DISABLED
    for path in ["/etc/systemd/system.conf"] + guest.glob("/etc/systemd/system.conf.d/*.conf"):
        found = sections.entries(guest.text(path) or "")
        if any(one.key == "DefaultEnvironment" and "cloud-init=disabled" in one.value for one in found):
            return "DefaultEnvironment in %s has cloud-init=disabled" % path
    services = _services(guest)
    units = [unit + ".service" for unit in UNITS if services.unit((unit,))]
    for unit in units:
        if services.masked(unit):
            return "%s masks %s" % (services.masked(unit), unit)
    if services.masked("cloud-init.target"):
        return "%s masks cloud-init.target" % services.masked("cloud-init.target")
    if not any(services.enabled(unit) for unit in units):
        return "none of its units is enabled"
    argument = _argument(guest)
    return "the kernel command line of %s has %s" % argument if argument else ""


def _services(guest: Guest) -> Any:
    """The init backend; systemd's where none is in use, as in a tree without /sbin/init."""
    try:
        return init.pick(guest)[0]
    except AgentprepError:
        return Systemd(guest)


def _argument(guest: Guest) -> Tuple[str, ...]:
    """The boot entry and its argument that disables cloud-init, or an empty tuple; the last one on a line counts."""
    try:
        entries = boot.pick(guest)[0].arguments()
    except AgentprepError:  # no boot loader that is known: other steps say so
        return ()
    for entry, arguments in entries.items():
        told = [one for one in arguments if one.startswith("cloud-init=")]
        if told and told[-1] == "cloud-init=disabled":
            return entry, told[-1]
    return ()
