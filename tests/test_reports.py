"""Reports as JUnit XML and as a page: whole and valid whatever the guest's text is, and truthful."""

import base64
import hashlib
import html
import re

from hypothesis import example, given

from agentprep.reports import rendered
from agentprep.reports.prose import clean
from agentprep.verdicts import NOT_READY, Result
from tests import drawn
from tests.documents import SLOWLY, Page, one_line, suite_of
from tests.drawn import a_diff, a_finding, a_report

TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "svg", "rect", "nav", "ul",
    "ol", "li", "span", "main", "section", "div", "fieldset", "legend", "label", "input", "b", "code", "details",
    "summary", "figure", "figcaption", "pre", "ins", "del", "i", "table", "thead", "tbody", "tr", "th", "td", "footer",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "role", "aria-label", "viewbox", "x",
    "preserveaspectratio", "width", "height", "aria-labelledby", "type", "checked", "open", "scope",
}  # fmt: skip


# -- junit ---------------------------------------------------------------------------------------------------
@SLOWLY
@given(drawn.reports)
def test_junit_is_valid_and_counts_right(told):
    suite = suite_of(told)
    cases = suite.findall("testcase")
    assert [one.tag for one in suite] == ["properties"] + ["testcase"] * len(cases) + ["system-out", "system-err"]
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(name)) == len([case for case in cases if case.find(tag) is not None])
    assert int(suite.get("tests")) == len(cases) >= 1
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\Z", suite.get("timestamp")) and suite.get("hostname")
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    assert bad if told.result.exit_code else len(bad) == len([
        one for one in told.findings if one.status in ("failed", "blocked", "would-change")])  # fmt: skip


OUTCOMES = {"would-change": "failure", "failed": "error", "blocked": "error", "skipped": "skipped"}


@SLOWLY
@given(drawn.reports)
def test_junit_tells_each_requirement_and_every_word(told):
    cases = {case.get("classname"): case for case in suite_of(told).findall("testcase")}
    for one in told.findings:
        case = cases["agentprep." + one.id]
        inner = [each.tag for each in case]
        assert inner == [OUTCOMES.get(one.status, "system-out")], "no case has two outcomes"
        assert case.get("name") == one_line(one.title)
        for words in one.evidence + (one.remedy if one.status in NOT_READY else ()):
            assert clean(words) in case[0].text
        for record in told.changes:
            assert record.id != one.id or clean(record.shown) in case[0].text
        if case[0].tag != "system-out":
            assert case[0].get("type") == one.status and case[0].get("message") == one_line(case[0].get("message"))


@SLOWLY
@given(drawn.reports)
def test_junit_tells_what_a_person_has_to_do_and_how_it_ended(told):
    suite = suite_of(told)
    for words in told.result.person + (told.result.hint, told.result.report, told.result.undo):
        assert clean(words) in suite.find("system-out").text
    named = {one.get("name"): one.get("value") for one in suite.find("properties")}
    assert named["agentprep.verdict"] == told.result.verdict
    if told.guest:
        assert named["guest.architecture"] == one_line(told.guest["architecture"])


def test_junit_of_a_command_that_could_not_begin_is_an_error():
    told = a_report(result=Result("usage", 2, "there is no requirement x.", "the ids are: a, b"), command="")
    (case,) = suite_of(told).findall("testcase")
    assert case.get("classname") == "agentprep" and case.find("error").get("type") == "usage"
    assert "there is no requirement x" in case.find("error").get("message")
    assert "the ids are: a, b" in case.find("error").text


def test_junit_of_what_could_not_be_judged_is_no_success():
    """The exit code is 1 then; a pipeline that looks at the tests only must not be green."""
    suite = suite_of(a_report(a_finding("skipped")))
    assert suite.get("skipped") == "1" and suite.get("failures") == "1"


def test_junit_has_the_seconds_that_are_known():
    suite = suite_of(a_report(a_finding(), a_finding(id="time")), seconds={"fstab": 1.25})
    assert [case.get("time") for case in suite.findall("testcase")] == ["1.250", "0.000"]
    assert suite.get("time") == "1.250"


def test_a_huge_diff_makes_no_huge_test_case():
    told = a_report(a_finding(), changes=[a_diff(2000000)])
    out = rendered("junit", told)
    text = suite_of(told).find("testcase/failure").text
    assert len(out) < 300000 and "+line 0\n" in text and "+line 1999999\n" not in text
    assert re.search(r"\[\d{7} more lines; the whole is shown by: agentprep plan\]\n\Z", text)


# -- the page ------------------------------------------------------------------------------------------------
@SLOWLY
@given(drawn.reports)
@example(a_report(a_finding(title="<script>alert(1)</script>", evidence=('" onload="x',), id="time")))
def test_nothing_of_the_guest_is_markup_in_the_page(told):
    out = rendered("html", told)
    out.encode("ascii")
    page = Page(out)
    assert page.tags <= TAGS and page.attributes <= ATTRIBUTES
    assert len(set(page.ids)) == len(page.ids)
    assert all(link[0] == "#" and link[1:] in page.ids for link in page.links), page.links
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert "style-src 'sha256-%s'" % digest in html.unescape(out) and "default-src 'none'" in html.unescape(out)
    assert "url(" not in page.style and "@import" not in page.style


@SLOWLY
@given(drawn.reports)
def test_the_page_has_every_word(told):
    page = Page(rendered("html", told))
    text = "".join("".join(page.text).replace("`", "").split()).lower()  # as letters: how it is spaced is the style's
    for words in [words for one in told.findings for words in one.evidence + (one.title, one.source)]:
        assert "".join(clean(words).replace("`", "").split()).lower() in text
    for record in told.changes:
        lines = clean(record.shown).replace("`", "").split("\n")
        for line in lines[2:] if lines[0].startswith("---") else lines:
            assert "".join(line.split()).lower() in text
    for words in told.result.person + (told.result.report,):
        assert "".join(clean(words).replace("`", "").split()).lower() in text
