"""What a step is: one requirement, with the record from which its findings, explanation and manual page are made."""

from typing import Callable, Iterator, NamedTuple, Tuple, Union

from .changes import Change
from .policy import Policy
from .system import System


class Fact(NamedTuple):
    """What a step found; `verdict` is one of ok, note, warning, person, failed, skipped.

    ok: it holds, and why.  note: worth knowing, nothing to do.  warning: it may hurt; a person should look.
    person: done as far as agentprep can, and `remedy` is what a person still has to do.
    failed: it does not hold, and agentprep cannot bring it about.  skipped: it could not be judged here.
    """

    verdict: str
    evidence: str
    remedy: str = ""


Item = Union[Change, Fact]


class Step(NamedTuple):
    """A requirement: `changes` yields what is to be changed (nothing when it already holds) and facts with evidence.

    The generator is resumed only after its last change took effect, on a draft or on the disk, so that what it reads
    next is up to date.  It raises Blocked when it cannot start from what it finds, and has then changed nothing.
    """

    id: str
    title: str
    reason: str
    source: str
    remedy: str
    changes: Callable[[System, Policy], Iterator[Item]]
    one_way: bool = False


class Rule(NamedTuple):
    """Something derived from sources, as in make: due when a path that matches `sources` was touched or is owed.

    `changes` is told the cause ("" when no source was touched) and judges by itself whether what is on the disk is
    stale.  Its findings belong to the step `id`.
    """

    id: str
    sources: Tuple[str, ...]
    changes: Callable[[System, Policy, str], Iterator[Item]]


Work = Union[Step, Rule]
