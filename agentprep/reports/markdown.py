"""A comment for a pull request or a ticket, in GitHub's Markdown: the verdict, a table of findings, diffs to unfold.

Text of the guest stands as plain words or as code, never as markup: nothing in it makes a link, a mention or a table
cell (GitHub Flavored Markdown 0.29: 4.10 tables, 6.3 code spans, 6.9 autolinks; sites make mentions and references of
what is left as text).  A comment holds 65536 characters: diffs, then texts, are shortened until the document fits.
"""

import html
import re
import time
from typing import List, NamedTuple, Sequence

from .. import __version__
from ..verdicts import NOT_READY, Record, Report
from .prose import Part, clean, parts, sentence, shortened
from .rows import (
    ATTENTION,
    VERDICTS,
    Row,
    about,
    count,
    counted,
    is_command,
    message,
    others,
    reasons,
    rows,
    said,
    undo,
    whole,
    word,
)

ROOM = 65000  # bytes; a site may count characters, bytes, or line ends twice


class Cut(NamedTuple):
    """How long a diff and a sentence may be, and how many lines a table and a list may have."""

    diff: int
    sentence: int
    lines: int


CUTS = (Cut(ROOM, ROOM, ROOM), Cut(8000, 4000, 500), Cut(2000, 2000, 200), Cut(600, 1000, 100),
        Cut(0, 600, 60), Cut(0, 200, 40), Cut(0, 40, 5))  # fmt: skip


def document(report: Report, now: time.struct_time) -> str:
    """The report as Markdown, of at most 65536 characters."""
    text = ""
    for cut in CUTS:
        text = _Page(report, cut, now).text()
        if len(text.encode("utf-8")) <= ROOM:
            break
    return text


class _Page:
    def __init__(self, report: Report, cut: Cut, now: time.struct_time) -> None:
        self.report, self.cut, self.now = report, cut, now

    def text(self) -> str:
        report = self.report
        result, found = report.result, rows(report)
        verdict = VERDICTS.get(result.verdict, result.verdict)
        blocks = ["## %s: %s" % (self.inline(("agentprep " + report.command).strip()), self.inline(verdict.lower()))]
        told = self.sentence(message(report))
        blocks.append("**%s.** %s" % (self.inline(verdict), told))
        blocks.append(self.inline(about(report)))
        pressing = [row for row in found if row.finding.status in NOT_READY + ATTENTION]
        blocks += [self.table(pressing)] if pressing else []
        rest = [row for row in found if row not in pressing]
        blocks += self.folded("Requirements: " + counted(rest), [self.table(rest)]) if rest else []
        blocks += self.next_steps() + self.changes(found)
        stamp = time.strftime("%Y-%m-%d %H:%M UTC", self.now)
        return "\n\n".join([one for one in blocks if one] + ["agentprep %s, %s" % (__version__, stamp)]) + "\n"

    def table(self, found: Sequence[Row]) -> str:
        lines = ["| Verdict | Requirement | Found |", "|---|---|---|"]
        lines += [self.row(row) for row in found[: self.cut.lines]]
        if len(found) > self.cut.lines:
            lines.append("| | | %d more: %s |" % (len(found) - self.cut.lines, self.inline(whole(self.report))))
        return "\n".join(lines)

    def row(self, row: Row) -> str:
        one = row.finding
        cells = [self.inline(words) for words in said(row)[: self.cut.lines]] or ["-"]
        if one.status in NOT_READY + ATTENTION:
            cells += ["**To do:** " + self.inline(remedy) for remedy in one.remedy[: self.cut.lines]]
        cells += ["**This cannot be undone.**"] if one.one_way and row.records else []
        name = "%s<br>%s" % (self.code(one.id), self.inline(one.title))
        return "| %s | %s | %s |" % (self.inline(word(one.status)), name, "<br>".join(cells))

    def next_steps(self) -> List[str]:
        result = self.report.result
        shown = [said for said in map(self.sentence, result.person[: self.cut.lines]) if said]
        blocks = ["### What to do"] if result.hint or shown else []
        blocks.append(self.sentence(result.hint))
        blocks.append("\n".join("%d. %s" % pair for pair in enumerate(shown, 1)))
        if undo(self.report):
            blocks += ["### How to undo", self.sentence(undo(self.report))]
        blocks += ["The report in the guest: %s" % self.code(result.report)] if result.report else []
        return blocks

    def changes(self, found: Sequence[Row]) -> List[str]:
        blocks: List[str] = []
        for row in found:
            if row.records:
                title = "%s: %s" % (row.finding.id, count(len(row.records), "change"))
                blocks += self.folded(title, self.diffs(row.records))
        left = others(self.report)
        blocks += self.folded("Others: %s" % count(len(left), "change"), self.diffs(left)) if left else []
        if blocks and not self.cut.diff:
            number = len(self.report.changes)
            blocks = ["%s left out here: %s." % (count(number, "diff") + (" is" if number == 1 else " are"),
                                                 self.inline(whole(self.report)))]  # fmt: skip
        heading = "### " + ("What was changed" if self.report.command == "run" else "What would change")
        return [heading] + blocks if blocks else []

    def diffs(self, records: Sequence[Record]) -> List[str]:
        blocks = []
        for why, same in reasons(records):
            blocks.append(self.sentence(why))
            for one in same:
                language = "console" if is_command(one) else "diff" if one.shown.startswith("---") else "text"
                blocks.append(fenced(clean(shortened(one.shown, self.cut.diff, whole(self.report))), language))
        return blocks

    def folded(self, title: str, blocks: Sequence[str]) -> List[str]:
        """Blocks that are shown when one unfolds them; an empty line makes them Markdown again."""
        head = html.escape(" ".join(clean(title).split())[: self.cut.sentence])
        return ["<details>\n<summary>%s</summary>" % head] + list(blocks) + ["</details>"]

    def inline(self, text: str) -> str:
        return _inline(parts(self.short(text)))

    def sentence(self, text: str) -> str:
        return _inline(sentence(self.short(text)))

    def code(self, text: str) -> str:
        return _inline([Part(True, " ".join(clean(self.short(text)).split()))])

    def short(self, text: str) -> str:
        return text if len(text) <= self.cut.sentence else text[: self.cut.sentence] + " ..."


def _inline(told: Sequence[Part]) -> str:
    return "".join(_code(one.text) if one.code else one.text for one in told).strip()


def _code(text: str) -> str:
    """The text as code, in a table's cell as well."""
    if "`" not in text and "|" not in text:
        return "`%s`" % text if text else ""
    marks = re.sub(r"[!-/:-@\[-`{-~]", lambda mark: "&#%d;" % ord(mark.group()), text)
    return "<code>%s</code>" % marks


def fenced(text: str, language: str) -> str:
    """The text as a block of code whose fence is longer than any in it."""
    longest = max([len(run) for run in re.findall("`+", text)] + [2])
    fence = "`" * (longest + 1)
    return "%s%s\n%s%s%s" % (fence, language, text, "" if text.endswith("\n") or not text else "\n", fence)
