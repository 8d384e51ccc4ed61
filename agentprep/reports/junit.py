"""Test results as pipelines read them: one test case for each requirement.

The document is valid by the schema of Jenkins (xunit-plugin, junit-10.xsd) and, but for <system-out> inside of a test
case, by that of Ant's JUnit task (windyroad/JUnit-Schema, JUnit.xsd), which asks for every attribute that is given.  It
is plain ASCII, so that no locale can spoil it.
"""

import time
from typing import List, Mapping, NamedTuple, Sequence, Tuple

from .. import __version__
from ..verdicts import Record, Report
from .prose import clean, shortened
from .rows import ATTENTION, VERDICTS, Row, about, guest, message, others, reasons, rows, said, whole, word

# libxml2 refuses a text of 10 million characters (XML_MAX_TEXT_LENGTH); a page with the results should also open.
LONGEST, LINE = 100000, 1000
OUTCOMES = {"would-change": "failure", "failed": "error", "blocked": "error", "skipped": "skipped"}
ERRORS = ("blocked", "usage", "failed")  # verdicts of a command that could not do what it is for


class Case(NamedTuple):
    """A test case; `outcome` is the element that tells of it when it did not pass."""

    classname: str
    name: str
    seconds: float
    outcome: str = ""
    kind: str = ""
    message: str = ""
    text: str = ""
    output: str = ""


def document(report: Report, seconds: Mapping[str, float], now: time.struct_time) -> str:
    """The report as JUnit XML."""
    cases = [_case(row, report, seconds.get(row.finding.id, 0.0)) for row in rows(report)]
    if not any(case.outcome in ("failure", "error") for case in cases):
        cases += _command(report, bool(cases))
    totals = [("tests", len(cases))]
    totals += [
        (name, len([case for case in cases if case.outcome == outcome]))
        for name, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    ]
    attributes = [("name", "agentprep %s" % report.command if report.command else "agentprep"),
                  ("package", "agentprep"), ("id", "0"), ("hostname", "localhost"),
                  ("timestamp", time.strftime("%Y-%m-%dT%H:%M:%S", now))]  # fmt: skip
    attributes += [(name, str(number)) for name, number in totals]
    attributes.append(("time", "%.3f" % sum(case.seconds for case in cases)))
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", "<testsuite%s>" % _attributes(attributes)]
    lines += ["<properties>"] + ["<property%s/>" % _attributes(pair) for pair in _properties(report)]
    lines += ["</properties>"] + [_element(case) for case in cases]
    lines += [_text("system-out", _ending(report)), _text("system-err", _wrong(report))]
    return "\n".join(lines + ["</testsuite>", "</testsuites>"]) + "\n"


def _case(row: Row, report: Report, seconds: float) -> Case:
    finding = row.finding
    outcome = OUTCOMES.get(finding.status, "")
    told = "; ".join(said(row)) or finding.title
    lines = ["%s: %s" % (word(finding.status), told)]
    if outcome or finding.status in ATTENTION:
        lines += ["-> " + remedy for remedy in finding.remedy]
    if finding.one_way and row.records:
        lines.append("This cannot be undone.")
    text = "\n".join(lines) + "\n" + _changes(row.records)
    if outcome:
        text += "\nSource: %s\n" % finding.source
        text += "" if report.command.startswith("vhd") else "More: agentprep explain %s\n" % finding.id
    text = clean(shortened(text, LONGEST, whole(report)))
    case = Case("agentprep." + finding.id, finding.title, seconds)
    if not outcome:
        return case._replace(output=text)
    return case._replace(outcome=outcome, kind=finding.status, message=told, text=text)


def _command(report: Report, judged: bool) -> List[Case]:
    """The case that tells how the command ended, where no requirement tells it."""
    result, name = report.result, ("agentprep " + report.command).strip()
    if result.exit_code:
        outcome = "error" if result.verdict in ERRORS else "failure"
        text = clean(shortened(_wrong(report) + _changes(others(report)), LONGEST, whole(report)))
        return [Case("agentprep", name, 0.0, outcome, result.verdict, result.message, text)]
    return [] if judged else [Case("agentprep", name, 0.0)]


def _changes(records: Sequence[Record]) -> str:
    text = ""
    for why, same in reasons(records):
        text += "\n%s\n" % why + "".join(record.shown for record in same)
    return text


def _properties(report: Report) -> List[List[Tuple[str, str]]]:
    told = [("agentprep.version", __version__), ("agentprep.command", report.command)]
    told += [("agentprep.verdict", report.result.verdict), ("agentprep.exit_code", str(report.result.exit_code))]
    for one in guest(report):
        told.append(("guest." + one.name, one.value))
        told += [("guest.%s.evidence" % one.name, one.evidence)] if one.evidence else []
    return [[("name", name), ("value", value)] for name, value in told]


def _ending(report: Report) -> str:
    """Verdict, what a person has to do, and the changes that belong to no requirement of this report."""
    result = report.result
    lines = ["%s: %s" % (VERDICTS.get(result.verdict, result.verdict), message(report))]
    lines += ["Guest: " + about(report)] if about(report) else []
    lines += ["What to do: " + result.hint] if result.hint else []
    lines += ["What a person still has to do:"] if result.person else []
    lines += ["  %d. %s" % pair for pair in enumerate(result.person, 1)]
    lines += ["Report: " + result.report] if result.report else []
    lines += ["Undo: " + result.undo] if result.undo else []
    return clean(shortened("\n".join(lines) + "\n" + _changes(others(report)), LONGEST, whole(report)))


def _wrong(report: Report) -> str:
    if not report.result.exit_code:
        return ""
    hint = "What to do: %s\n" % report.result.hint if report.result.hint else ""
    return clean(shortened("%s\n%s" % (report.result.message, hint), LONGEST, whole(report)))


def _element(case: Case) -> str:
    attributes = [("classname", case.classname), ("name", case.name), ("time", "%.3f" % case.seconds)]
    inner = ""
    if case.outcome:
        told = _attributes([("message", case.message), ("type", case.kind)])
        inner = "<%s%s>%s</%s>" % (case.outcome, told, _escaped(case.text), case.outcome)
    inner += _text("system-out", case.output) if case.output else ""
    return "<testcase%s>%s</testcase>" % (_attributes(attributes), inner)


def _text(name: str, text: str) -> str:
    return "<%s>%s</%s>" % (name, _escaped(text), name)


def _attributes(pairs: Sequence[Tuple[str, str]]) -> str:
    """An attribute is one line, and not longer than one can read."""
    return "".join(' %s="%s"' % (name, _escaped(_line(value))) for name, value in pairs)


def _line(value: str) -> str:
    line = " ".join(clean(value).split())
    return line if len(line) <= LINE else line[: LINE - 4] + " ..."


def _escaped(text: str) -> str:
    for mark, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(mark, name)
    return text.encode("ascii", "xmlcharrefreplace").decode()
