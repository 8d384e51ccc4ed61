"""Signals that ask agentprep to stop: they raise Interrupted, and are put off while children are started or ended."""

import signal
from contextlib import contextmanager
from typing import Iterator, List

from .errors import Interrupted

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Deferral:
    """What arrived while it must wait; a process has one, as it has one set of signal handlers."""

    def __init__(self) -> None:
        self.depth = 0
        self.arrived: List[str] = []

    def arrive(self, name: str) -> None:
        """The handler of every such signal."""
        if self.depth:
            self.arrived.append(name)
        else:
            raise Interrupted(name)


DEFERRAL = Deferral()


@contextmanager
def deferred() -> Iterator[None]:
    """No signal interrupts the block; one that arrived raises Interrupted when the outermost block has ended."""
    DEFERRAL.depth += 1
    try:
        yield
    finally:
        DEFERRAL.depth -= 1
    if not DEFERRAL.depth and DEFERRAL.arrived:
        name = DEFERRAL.arrived[0]
        DEFERRAL.arrived.clear()
        raise Interrupted(name)
