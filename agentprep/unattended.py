"""A run that nobody watches has its owner's consent, and says last why a machine that stays on does so."""

import re
from typing import List, Optional

from .deprovision.own_units import UNITS
from .errors import Blocked
from .formats import cmdline
from .guest import Guest
from .policy import Policy
from .report import safe
from .system import System
from .verdicts import Result

ARGUMENT = "agentprep.run"
YES, NO = ("1", "yes", "true", "on"), ("0", "no", "false", "off")
# What every Azure VM has there, by which cloud-init knows one (cloudinit/sources/azure/identity.py, tools/ds-identify).
TAG, AZURE = "/sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"
BY_HAND = "prepare it by hand when it is to be uploaded: sudo agentprep run"
GIVE_UP = "systemctl disable " + " ".join(UNITS)


def consent(system: System, policy: Policy) -> str:
    """Who agreed that this machine prepares itself; raises Blocked where nobody did, or somebody forbids it.

    It is given by the policy (service.run) or for one boot by the kernel's command line; a no there beats every yes.
    """
    if system.live is None:
        raise Blocked(
            "--unattended is for a machine that prepares itself, and the guest at %s does not run" % system.guest.root,
            "leave --unattended out: agentprep run --yes",
        )
    if on_azure(system.guest):
        raise Blocked(
            "this machine runs on Azure already (%s), where deprovisioning would lock its users out" % TAG,
            "keep it from trying again: " + GIVE_UP,
        )
    asked = told(cmdline.split(system.live.arguments))
    if asked is False:
        raise Blocked("the kernel was started with %s=no" % ARGUMENT, "take that argument away, or " + BY_HAND)
    value = policy.value("service.run")
    if not asked and not value.value:
        raise Blocked(
            "nobody has agreed to an unattended run: [service] run is no (%s), and the kernel was started without %s"
            % (value.source, ARGUMENT),
            "to agree, set run = yes below [service] in /etc/agentprep.conf; to have it not asked again: " + GIVE_UP,
        )
    last = policy.value("deprovision.enabled")
    if not last.value:
        raise Blocked(
            "[deprovision] enabled is no (%s): what starts agentprep at boot would stay, and switch the machine off "
            "each time" % last.source,
            "take that line away, or prepare it by hand: sudo agentprep run --poweroff",
        )
    return "Unattended: %s." % (
        "the kernel was started with %s" % ARGUMENT if asked else "[service] run is yes (%s)" % value.source
    )


def on_azure(guest: Guest) -> bool:
    """This machine is one of Azure's: not one of another Hyper-V, whose tag differs."""
    return (guest.text(TAG) or "").strip() == AZURE


def told(arguments: List[str]) -> Optional[bool]:
    """What the kernel's arguments say of it: None when nothing; raises Blocked for what is neither yes nor no."""
    given = [(value if value is not None else YES[0]).lower() for value in cmdline.values(arguments, ARGUMENT)]
    for value in given:
        if value not in YES + NO:
            raise Blocked(
                "the kernel was started with %s=%s, which is neither yes nor no" % (ARGUMENT, value),
                "it takes one of: %s" % ", ".join(YES + NO),
            )
    return not any(value in NO for value in given) if given else None


def unit(guest: Guest) -> str:
    """Which of agentprep's own units this process belongs to, by its control group (cgroups(7)), or ""."""
    groups = (guest.text("/proc/self/cgroup") or "").split("\n")
    return next((name for name in UNITS for group in groups if group.endswith("/" + name)), "")


def closing(result: Result, own: str = "") -> str:
    """The last lines on the console and in `systemctl status`, which shows ten: why, what to do, what then.

    `own` is the unit that runs this, or "".
    """
    reason = re.sub(r"\s+", " ", result.message.split("\n")[0]).strip()
    lines = ["agentprep: this machine is NOT ready for Azure and stays on: %s" % reason]
    if result.hint:
        lines.append("  what to do: %s" % re.sub(r"\s+", " ", result.hint).strip())
    again = "systemctl start %s" % own if own else "agentprep run --unattended"
    lines.append("  then: reboot, or: %s; it goes on where it can, and rollback is safe too" % again)
    lines.append("  to give up: %s" % GIVE_UP)
    return safe("\n".join(lines)) + "\n"
