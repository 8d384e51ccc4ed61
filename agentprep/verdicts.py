"""What a command has to tell, as data: findings, changes, and how it ended.  Light: nothing of a guest is loaded."""

from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Sequence, Tuple

if TYPE_CHECKING:
    from .changes import Change

STATUSES = ("failed", "blocked", "would-change", "changed", "skipped", "person", "warning", "ok")
NOT_READY = ("failed", "blocked", "would-change", "skipped")


class Finding(NamedTuple):
    """The verdict on one requirement, with what was seen and what a person can do."""

    id: str
    title: str
    status: str
    evidence: Tuple[str, ...]
    remedy: Tuple[str, ...]
    source: str
    one_way: bool


class Record(NamedTuple):
    """A change that is planned or was made, and how it was shown; `guessed` when it is not surely known yet."""

    id: str
    change: "Change"
    shown: str
    guessed: bool
    one_way: bool


class Result(NamedTuple):
    """How a command ended: the verdict in a word, the exit code, and what a person must know."""

    verdict: str
    exit_code: int
    message: str
    hint: str = ""
    person: Tuple[str, ...] = ()
    report: str = ""
    undo: str = ""


class Report(NamedTuple):
    """All that a command has to tell."""

    command: str
    guest: Dict[str, Any]
    findings: Sequence[Finding]
    changes: Sequence[Record]
    result: Result
