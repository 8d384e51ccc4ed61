"""The last part of a run, which cannot be undone: this tuple, read from top to bottom, is the order.

waagent goes first, since `+user` needs its state; the shells' histories go late, and for good at power-off.
What starts agentprep at boot goes last of all: until then, a run that is cut goes on at the next boot.
"""

from typing import Tuple

from ..step import Step
from . import agent, cloud_init, histories, hostname, identity, last_shell, logs, own_units, whole

STEPS: Tuple[Step, ...] = (
    hostname.STEP,
    agent.STEP,
    cloud_init.STEP,
    identity.STEP,
    logs.STEP,
    histories.STEP,
    last_shell.STEP,
    whole.STEP,
    own_units.STEP,
)
