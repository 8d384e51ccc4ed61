"""One page that needs nothing else: no script, no other file, no network.

Whatever the guest's text is, it is text here: each piece is escaped, and the page's own policy (Content Security Policy
3) allows one style sheet, by its digest, and nothing else.  It is plain ASCII, so that no locale can spoil it.
"""

import base64
import hashlib
import html
import time
from typing import List, Sequence

from .. import __version__
from ..verdicts import NOT_READY, Record, Report
from .prose import Part, clean, parts, sentence
from .rows import (
    ATTENTION,
    VERDICTS,
    Row,
    about,
    by_status,
    count,
    counted,
    guest,
    kind,
    message,
    others,
    reasons,
    rows,
    said,
    undo,
    word,
)
from .style import STYLE

POLICY = "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'"
FOLDED = 60  # lines of diffs from which they are shown only when asked for
KINDS = {"run": "command", "remove": "removed", "link": "link", "mode": "mode", "forget": "for good"}
TONES = {"ready": "ok", "done": "ok", "declined": "would-change", "not-ready": "would-change",
         "would-change": "would-change"}  # fmt: skip


def document(report: Report, now: time.struct_time) -> str:
    """The report as an HTML page."""
    found = rows(report)
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    verdict = VERDICTS.get(report.result.verdict, report.result.verdict)
    tool = ("agentprep %s" % report.command).strip()
    title = " - ".join(part for part in (verdict, _known(report, "distribution"), tool) if part)
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="%s">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        "<title>%s</title>\n<style>%s</style>\n</head>\n" % (POLICY % digest, _text(title), STYLE)
    )
    body = [
        '<body>\n<a class="skip" href="#requirements">Skip to the requirements</a>',
        _header(report, found, verdict),
    ]
    body += ["<main>", _next(report), _requirements(found), _others(report), _guest(report), "</main>"]
    stamp = time.strftime("%Y-%m-%d %H:%M UTC", now)
    body.append("<footer>Made by agentprep %s at %s.</footer>\n</body>\n</html>\n" % (__version__, stamp))
    return (head + "\n".join(part for part in body if part)).encode("ascii", "xmlcharrefreplace").decode()


def _header(report: Report, found: Sequence[Row], verdict: str) -> str:
    tool = _text(("agentprep %s %s" % (__version__, report.command)).strip())
    root = str(report.guest.get("root", "/"))
    where = " in <code>%s</code>" % _text(root) if root != "/" else ""
    lines = ['<header class="s-%s">' % TONES.get(report.result.verdict, "failed"), '<p class="tool">%s</p>' % tool]
    lines += ["<h1>%s</h1>" % _text(verdict), '<p class="lead">%s</p>' % _sentence(message(report))]
    lines += ['<p class="about">%s%s</p>' % (_text(about(report)), where)] if about(report) or where else []
    return "\n".join(lines + [_bar(found), _index(found), "</header>"])


def _bar(found: Sequence[Row]) -> str:
    """A bar with a piece for each status, as long as there are requirements of it."""
    if not found:
        return ""
    pieces, at = "", 0
    for status, number in by_status(found):
        pieces += '<rect class="s-%s" x="%d" width="%d" height="1"/>' % (status, at, number)
        at += number
    label = "Of %s: %s" % (count(len(found), "requirement"), counted(found))
    return (
        '<svg class="bar" role="img" aria-label="%s" viewBox="0 0 %d 1" preserveAspectRatio="none">%s</svg>'
        % (_text(label), at, pieces)
    )  # fmt: skip


def _index(found: Sequence[Row]) -> str:
    """The names of all requirements in their order, each with its verdict, leading to what is told of it."""
    if not found:
        return ""
    told = [(_text(row.finding.status), _text(word(row.finding.status)), _text(row.finding.id)) for row in found]
    items = [
        '<li class="s-%s"><a href="#%s">%s<span class="hidden">: %s</span></a></li>' % (a, c, c, b) for a, b, c in told
    ]
    return '<nav aria-label="Requirements">\n<ul>%s</ul>\n</nav>' % "\n".join(items)


def _next(report: Report) -> str:
    result = report.result
    lines = ["<p>%s</p>" % _sentence(result.hint)] if result.hint else []
    if result.person:
        lines.append("<p>What a person still has to do:</p>" if result.hint else "")
        lines.append('<ol class="todo">%s</ol>' % "".join("<li>%s</li>" % _sentence(said) for said in result.person))
    lines += ["<p>%s</p>" % _sentence(undo(report))] if undo(report) else []
    lines += ["<p>The report in the guest: <code>%s</code></p>" % _text(result.report)] if result.report else []
    if not lines:
        return ""
    return (
        '<section aria-labelledby="next">\n<h2 id="next">What to do</h2>\n<div class="sheet">%s</div>\n</section>'
        % ("\n".join(lines))
    )


def _requirements(found: Sequence[Row]) -> str:
    if not found:
        return _section("requirements", "Requirements", '<p class="sheet" id="requirements">None was looked at.</p>')
    lines = ["<fieldset>\n<legend>Show</legend>\n" + _choice("all", "all %d" % len(found), " checked")]
    lines += [_choice(status, "%s %d" % (word(status), number), "") for status, number in by_status(found)]
    lines.append('</fieldset>\n<ul class="findings" id="requirements">')
    order = [status for status, _ in by_status(found)]
    lines += [_finding(row) for row in sorted(found, key=lambda row: order.index(row.finding.status))]
    return _section("requirements", "Requirements", "\n".join(lines + ["</ul>"]))


def _choice(name: str, words: str, checked: str) -> str:
    return '<label><input type="radio" name="show" id="show-%s"%s><span>%s</span></label>' % (
        name,
        checked,
        _text(words),
    )


def _finding(row: Row) -> str:
    one = row.finding
    name = _text(one.id)
    lines = ['<li class="s-%s" id="%s">' % (_text(one.status), name), '<div class="top">']
    lines.append("<h3>%s</h3>" % _text(one.title))
    lines.append('<a class="name" href="#%s"><code>%s</code></a>' % (name, name))
    lines.append('<span class="badge">%s</span></div>' % _text(word(one.status)))
    told = "".join("<li>%s</li>" % _prose(parts(words)) for words in _apart(row))
    lines.append('<ul class="found">%s</ul>' % told if told else "")
    if one.remedy and one.status in NOT_READY + ATTENTION:
        remedies = "".join("<li>%s</li>" % _sentence(words) for words in one.remedy)
        lines.append('<div class="todo-here"><b>What to do</b><ul>%s</ul></div>' % remedies)
    lines += ['<p class="todo-here"><b>This cannot be undone.</b></p>'] if one.one_way and row.records else []
    lines += [_changes(row.records)] if row.records else []
    lines.append('<p class="source">Source: %s</p>' % _text(one.source) if one.source else "")
    return "\n".join(part for part in lines + ["</li>"] if part)


def _others(report: Report) -> str:
    left = others(report)
    if not left:
        return ""
    return (
        '<section aria-labelledby="others">\n<h2 id="others">Other changes</h2>\n<div class="sheet">%s</div></section>'
        % (_changes(left))
    )


def _apart(row: Row) -> List[str]:
    """The evidence without what stands above the changes anyway, where those are shown at once."""
    if not _open(row.records):
        return said(row)
    reasons_told = [record.change.why for record in row.records]
    return [words for words in row.finding.evidence if words not in reasons_told]


def _open(records: Sequence[Record]) -> bool:
    return sum(record.shown.count("\n") for record in records) <= FOLDED


def _changes(records: Sequence[Record]) -> str:
    """The changes under their reasons, each as what was before and what comes."""
    state = " open" if _open(records) else ""
    out = ["<details%s>\n<summary>%s</summary>" % (state, count(len(records), "change"))]
    for why, same in reasons(records):
        out += ['<p class="why">%s</p>' % _sentence(why)] + [_figure(record) for record in same]
    return "\n".join(out + ["</details>"])


def _figure(record: Record) -> str:
    lines = clean(record.shown).split("\n")
    lines = lines[:-1] if lines[-1] == "" and len(lines) > 1 else lines
    words = "new file" if lines[0].startswith("--- /dev/null") else KINDS.get(kind(record), "changed")
    if len(lines) > 2 and lines[0].startswith("--- ") and lines[1].startswith("+++ "):
        lines = lines[2:]
    path = getattr(record.change, "path", "")
    name = "<code>%s</code>" % _text(path) if path else ""
    caption = "<figcaption>%s<span>%s</span></figcaption>" % (name, words)
    return "<figure>%s<pre>%s</pre></figure>" % (caption, "".join(_line(line) for line in lines))


def _line(line: str) -> str:
    tag = {"+": "ins", "-": "del", "@": "i"}.get(line[:1], "span")
    return "<%s>%s\n</%s>" % (tag, html.escape(line), tag)


def _guest(report: Report) -> str:
    told = guest(report)
    if not told:
        return ""
    body: List[str] = []
    for one in told:
        cells = '<td>%s</td><td class="evidence">%s</td>' % (_text(one.value), _prose(parts(one.evidence)))
        body.append('<tr><th scope="row">%s</th>%s</tr>' % (_text(one.name), cells))
    head = "".join('<th scope="col">%s</th>' % words for words in ("What", "Found", "How that is known"))
    table = "<table>\n<thead><tr>%s</tr></thead>\n<tbody>%s</tbody>\n</table>" % (head, "\n".join(body))
    return _section("guest", "The guest", '<div class="sheet">%s</div>' % table)


def _section(name: str, heading: str, inner: str) -> str:
    told = '<section aria-labelledby="about-%s">\n<h2 id="about-%s">%s</h2>' % (name, name, heading)
    return "%s\n%s\n</section>" % (told, inner)


def _known(report: Report, name: str) -> str:
    return next((one.value for one in guest(report) if one.name == name), "")


def _text(text: str) -> str:
    return html.escape(" ".join(clean(text).split()))


def _prose(told: Sequence[Part]) -> str:
    return "".join("<code>%s</code>" % html.escape(one.text) if one.code else html.escape(one.text) for one in told)


def _sentence(text: str) -> str:
    return _prose(sentence(text))
