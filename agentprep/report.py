"""What is told: findings and changes as text and as one JSON document.  The only place that formats."""

import json
import textwrap
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from . import __version__
from .errors import AgentprepError
from .verdicts import NOT_READY, Finding, Record, Report

if TYPE_CHECKING:  # what is told of an image needs nothing of a guest
    from .policy import Policy, Value
    from .step import Step
    from .system import System

SCHEMA = "agentprep/1"
WORDS = {"would-change": "would change"}
COLORS = {
    "ok": "32", "changed": "32", "would-change": "33", "warning": "33", "person": "33", "skipped": "36",
    "failed": "31", "blocked": "31",
}  # fmt: skip


def guest(system: "System", policy: "Policy") -> Dict[str, Any]:
    """What the guest is, with the evidence for each mechanism; what cannot be told says why."""
    from .provisioner import detect

    told: Dict[str, Any] = {"root": system.guest.root}
    for name, tell in (
        ("distribution", lambda: _distribution(system)),
        ("architecture", lambda: system.architecture),
        ("firmware", lambda: {"name": system.firmware.backend, "evidence": system.firmware.evidence}),
        ("provisioner", lambda: dict(detect(system.guest, policy)._asdict())),
        ("kernels", lambda: [kernel.version for kernel in system.kernels]),
    ):
        try:
            told[name] = tell()
        except AgentprepError as error:
            told[name] = {"unknown": error.message}
    for name in ("boot", "initrd", "packages", "init"):
        try:
            picked = system.picked(name)
            told[name] = {"name": picked.backend.name, "evidence": picked.evidence}
        except AgentprepError as error:
            told[name] = {"unknown": error.message}
    return told


def _distribution(system: "System") -> Dict[str, str]:
    found = system.distro
    return {
        "id": found.id, "version": found.version, "name": found.name, "family": found.row.family,
        "evidence": found.evidence,
    }  # fmt: skip


def document(report: Report, diffs: bool = True, **more: Any) -> str:
    """One JSON document.  Without `diffs` no content of a file is in it."""
    told = {
        "schema": SCHEMA,
        "tool": "agentprep",
        "version": __version__,
        "command": report.command,
        "guest": report.guest,
        "findings": [_finding(one) for one in report.findings],
        "changes": [_change(one, diffs) for one in report.changes],
        "result": dict(report.result._asdict()),
    }
    told.update(more)
    return json.dumps(told, indent=2, ensure_ascii=True) + "\n"


def _finding(one: Finding) -> Dict[str, Any]:
    return dict(one._asdict())


def _change(one: Record, diffs: bool) -> Dict[str, Any]:
    from .changes import Run

    change = one.change
    told: Dict[str, Any] = {
        "id": one.id, "kind": type(change).__name__.lower(), "why": change.why, "guessed": one.guessed,
        "one_way": one.one_way,
    }  # fmt: skip
    if isinstance(change, Run):
        told["argv"] = [list(argv) for argv in change.commands]
    else:
        told["path"] = change.path
    if diffs:
        told["diff"] = one.shown
    return told


class Paint:
    """Text with colours, or without."""

    def __init__(self, color: bool, width: int = 0) -> None:
        self.color, self.width = color, width  # a width of 0: lines are not broken, so that a log can be searched

    def wrapped(self, text: str, indent: int, hanging: int) -> List[str]:
        """The text in lines of at most the width."""
        if not self.width or self.width < hanging + 30:
            return [" " * indent + text]
        lines = textwrap.wrap(
            text, self.width - 1, initial_indent=" " * indent, subsequent_indent=" " * hanging, break_on_hyphens=False
        )
        return lines or [""]

    def status(self, status: str, width: int = 12) -> str:
        word = WORDS.get(status, status).ljust(width)
        return "\x1b[%sm%s\x1b[0m" % (COLORS.get(status, "0"), word) if self.color else word

    def bold(self, text: str) -> str:
        return "\x1b[1m%s\x1b[0m" % text if self.color else text

    def diff(self, text: str) -> str:
        if not self.color:
            return text
        codes = {"+": "32", "-": "31", "@": "36", "$": "1"}
        lines = []
        for line in text.splitlines():
            code = codes.get(line[:1])
            lines.append("\x1b[%sm%s\x1b[0m" % (code, line) if code else line)
        return "\n".join(lines) + "\n"


def safe(text: str) -> str:
    """The text with no control character in it, so that a file's name or a command's output cannot drive a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else _escape(c) for c in text)


def _escape(c: str) -> str:
    return c.encode("unicode_escape", "backslashreplace").decode() if c != "\t" else "    "


def headline(report: Report) -> str:
    """One line that says what the guest is."""
    told = report.guest
    parts = []
    for name in ("distribution", "architecture", "firmware", "boot", "initrd"):
        value = told.get(name)
        if isinstance(value, dict):
            value = value.get("name")
        if value:
            parts.append(str(value))
    where = "" if told.get("root") in ("/", None) else " in %s" % told["root"]
    return "agentprep %s %s: %s%s" % (__version__, report.command, ", ".join(parts), where)


def finding(one: Finding, paint: Paint, seconds: Optional[float] = None) -> str:
    """The lines of one finding: verdict, id, evidence, and below it what a person can do."""
    took = "" if seconds is None else "%6.1f s  " % seconds
    head = "%s%s  " % (took, one.id.ljust(16))
    lines = paint.wrapped(head + ("; ".join(one.evidence) or one.title), 14, 14 + len(head))
    lines[0] = "%s  %s" % (paint.status(one.status), lines[0].lstrip() if not took else lines[0][14:])
    if one.status in NOT_READY or one.status in ("warning", "person"):
        for remedy in one.remedy:
            lines += paint.wrapped("-> " + remedy.replace("\n", " "), 14, 17)
    return safe("\n".join(lines)) if not paint.color else _painted("\n".join(lines))


def _painted(text: str) -> str:
    return "\x1b".join(safe(part) for part in text.split("\x1b"))


def findings(report: Report, paint: Paint, verbose: bool) -> str:
    """The table of findings; `verbose` adds the title of each."""
    lines = []
    for one in report.findings:
        lines.append(finding(one, paint))
        if verbose:
            lines += paint.wrapped("%s (%s)" % (one.title, one.source), 14, 14)
    return "\n".join(lines) + "\n"


def changes(report: Report, paint: Paint) -> str:
    """What is planned, each change with its reason and its diff; the one-way ones last, under their own heading."""
    text = ""
    for one_way, heading in ((False, "What would change"), (True, "What cannot be undone (the last part of a run)")):
        records = [one for one in report.changes if one.one_way is one_way]
        if records:
            text += "\n" + paint.bold(heading) + "\n"
        for one in records:
            unsure = " (as far as can be known before the commands above have run)" if one.guessed else ""
            text += "\n%s: %s%s\n" % (one.id, safe(one.change.why), unsure)
            text += textwrap.indent(paint.diff(safe(one.shown)), "  ")
    return text


def ending(report: Report, paint: Paint) -> str:
    """How it ended: the verdict, what a person still has to do, where the report is, and how to undo."""
    result = report.result
    lines = [paint.bold(line) for line in paint.wrapped(safe(result.message), 0, 0)]
    if result.hint:
        lines += paint.wrapped("What to do: " + safe(result.hint), 0, 2)
    if result.person:
        lines.append("What a person still has to do:")
        for number, words in enumerate(result.person, 1):
            lines += paint.wrapped("%d. %s" % (number, safe(words)), 2, 5)
    if result.report:
        lines.append("Report: " + result.report)
    if result.undo:
        lines.append("Undo: " + result.undo)
    return "\n" + "\n".join(lines) + "\n"


def text(report: Report, diffs: bool = True) -> str:
    """The whole report as plain text."""
    paint = Paint(False)
    out = headline(report) + "\n\n" + findings(report, paint, True)
    out += changes(report, paint) if diffs else ""
    return out + ending(report, paint)


def explanation(step: "Step") -> str:
    """What a requirement is, why, where that is from, and how to do it by hand."""
    out = "%s: %s\n" % (step.id, step.title)
    if step.one_way:
        out += "This cannot be undone.\n"
    for heading, words in (("Why", step.reason), ("By hand", step.remedy), ("Source", step.source)):
        out += "\n%s\n" % heading
        for paragraph in words.strip().splitlines():
            out += _filled(paragraph, "  ", "    " if heading == "By hand" else "  ")
    return out


def _filled(text: str, indent: str, hanging: str) -> str:
    return textwrap.fill(text, 80, initial_indent=indent, subsequent_indent=hanging, break_on_hyphens=False) + "\n"


def requirement(step: "Step") -> Dict[str, Any]:
    """The same as data: the manual page is made from it."""
    return {
        "id": step.id, "title": step.title, "reason": step.reason, "source": step.source, "remedy": step.remedy,
        "one_way": step.one_way,
    }  # fmt: skip


def policy_text(values: "Policy") -> str:
    """The effective policy in the form of a policy file, with where each value came from."""
    from .policy import documented

    out, names = "", documented()
    for section in dict.fromkeys(name.split(".")[0] for name, _, _ in names):
        out += "%s[%s]\n" % ("\n" if out else "", section)
        for name, kind, comment in [one for one in names if one[0].startswith(section + ".")]:
            if comment:
                out += _filled(comment, "# ", "# ")
            out += "# %s; from %s\n%s" % (
                kind,
                values.value(name).source,
                _line(name.split(".")[1], values.value(name)),
            )
        for scope, keys in values.scoped(section).items():
            out += "[[%s]]\n" % scope
            for key, value in keys.items():
                out += "# from %s\n%s" % (value.source, _line(key, value))
    return out


def _line(key: str, value: "Value") -> str:
    return "%s = %s\n" % (key, written(value.value))


def written(value: Any) -> str:
    """The value as a policy file has it."""
    if isinstance(value, list):
        words = ['"%s"' % word if "," in word else word for word in value]
        return ", ".join(words) + ("," if len(words) < 2 else "")
    return "yes" if value is True else "no" if value is False else str(value)


def history(runs: List[Tuple[str, str, str, int]]) -> str:
    """A line per run: its number, when it began, its state, and how many changes it made."""
    return "".join("%s  %s  %-16s %d changes\n" % run for run in runs)
