"""The last part of a run, which cannot be undone: this tuple, read from top to bottom, is the order.

waagent goes first, since `+user` needs its state; the shells' histories go last, and for good at power-off.
"""

from typing import Tuple

from ..step import Step
from . import agent, cloud_init, histories, hostname, identity, last_shell, logs, whole

STEPS: Tuple[Step, ...] = (
    hostname.STEP,
    agent.STEP,
    cloud_init.STEP,
    identity.STEP,
    logs.STEP,
    histories.STEP,
    last_shell.STEP,
    whole.STEP,
)
