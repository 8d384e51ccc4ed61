"""The report as rows: each finding with its changes, and the guest as name, value and evidence."""

import itertools
from typing import Any, Iterable, Iterator, List, NamedTuple, Sequence, Tuple

from ..report import WORDS
from ..verdicts import STATUSES, Finding, Record, Report
from .prose import clean

ATTENTION = ("warning", "person")
VERDICTS = {
    "ready": "Ready", "not-ready": "Not ready", "would-change": "Would change", "done": "Done",
    "declined": "Not deprovisioned", "blocked": "Blocked", "usage": "Not understood", "failed": "Failed",
}  # fmt: skip


class Row(NamedTuple):
    """A finding and the changes of its requirement."""

    finding: Finding
    records: Tuple[Record, ...]


class Told(NamedTuple):
    """Something that is known of the guest."""

    name: str
    value: str
    evidence: str


def rows(report: Report) -> List[Row]:
    """The findings in their order."""
    return [Row(one, tuple(record for record in report.changes if record.id == one.id)) for one in report.findings]


def others(report: Report) -> List[Record]:
    """The changes of requirements that have no finding: they were left out, and yet are due."""
    ids = {one.id for one in report.findings}
    return [record for record in report.changes if record.id not in ids]


def by_status(found: Sequence[Row]) -> List[Tuple[str, int]]:
    """How many rows have each status that there is, the worst first."""
    seen = [row.finding.status for row in found]
    return [(status, seen.count(status)) for status in STATUSES if status in seen]


def counted(found: Sequence[Row]) -> str:
    """The rows of each status in words."""
    return ", ".join("%d %s" % (number, word(status)) for status, number in by_status(found))


def word(status: str) -> str:
    return WORDS.get(status, status)


def reasons(records: Iterable[Record]) -> Iterator[Tuple[str, List[Record]]]:
    """The records that follow each other for the same reason, with that reason."""
    for why, same in itertools.groupby(records, key=lambda record: (record.change.why, record.guessed)):
        unsure = " (as far as can be known before the commands above have run)" if why[1] else ""
        yield why[0] + unsure, list(same)


def said(row: Row) -> List[str]:
    """The evidence; what is the reason of changes begins with the files that they change, for it may say just "it"."""
    told = []
    for words in row.finding.evidence:
        paths = [getattr(one.change, "path", "") for one in row.records if one.change.why == words]
        paths = list(dict.fromkeys(path for path in paths if path and path not in words))
        more = " and %d more" % (len(paths) - 1) if len(paths) > 1 else ""
        told.append("%s%s: %s" % (paths[0], more, clean(words)) if paths else clean(words))
    return told


def message(report: Report) -> str:
    """How it ended, without the verdict with which it may begin."""
    begin = VERDICTS.get(report.result.verdict, "") + ": "
    words = report.result.message
    return words[len(begin) :] if words.startswith(begin) else words


def count(number: int, noun: str) -> str:
    return "%d %s%s" % (number, noun, "" if number == 1 else "s")


def whole(report: Report) -> str:
    """Where all of a text is that is too long for a format."""
    if report.result.report:
        return "the whole is in %s in the guest" % report.result.report
    return "the whole is shown by: agentprep plan"


def guest(report: Report) -> List[Told]:
    """What the guest is, and how that is known."""
    return [_told(name, value) for name, value in report.guest.items()]


def _told(name: str, value: Any) -> Told:
    if not isinstance(value, dict):
        return Told(name, ", ".join(map(str, value)) if isinstance(value, list) else str(value), "")
    if "unknown" in value:
        return Told(name, "unknown", value["unknown"])
    return Told(name, str(value.get("name", "")), str(value.get("evidence", "")))


def about(report: Report) -> str:
    """What the guest is, in a line; empty when nothing was looked at."""
    known = {one.name: one.value for one in guest(report)}
    names = ("distribution", "architecture", "firmware", "boot", "initrd")
    return ", ".join(known[name] for name in names if known.get(name, "unknown") != "unknown")


def undo(report: Report) -> str:
    """How to take back what was done or would be done; empty when nothing was."""
    if report.result.undo:
        return "Take everything back with `%s`." % report.result.undo
    if report.changes and report.command in ("check", "plan"):
        return "Nothing was changed. Until it deprovisions, a run can be taken back with `sudo agentprep rollback`."
    if any(record.one_way for record in report.changes):
        return "Deprovisioning cannot be undone, and the copies for a rollback went with it."
    return ""


def is_command(record: Record) -> bool:
    return kind(record) == "run"


def kind(record: Record) -> str:
    """The kind of the change, as the JSON document has it."""
    return type(record.change).__name__.lower()
