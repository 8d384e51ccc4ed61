"""The page in a real browser: quiet, readable, filtered, light and dark, on a telephone and on paper."""

import json
from importlib import resources

import axe_core_python
import pytest

from agentprep.reports import rendered
from agentprep.verdicts import Result
from tests.drawn import NASTY, a_diff, a_finding, a_report
from tests.packages.browser import Site, browser
from tests.roots.every import TREES
from tests.worlds import World

STATUSES = ("failed", "blocked", "would-change", "changed", "skipped", "person", "warning", "ok")
PAGES = ("source", "planned", "done", "ready", "hostile", "every", "long", "usage")
AXE = resources.files(axe_core_python).joinpath("axe.min.js").read_text()


def hostile():
    """Every text is what somebody would write who wants to get into the page."""
    found = [
        a_finding(
            status, id="r-" + status, title=words, evidence=NASTY[number::8], remedy=NASTY[number::8], source=words
        )
        for number, (status, words) in enumerate(zip(STATUSES, NASTY))
    ]
    records = [a_diff(1)._replace(id=one.id, shown="+%s\n-%s\n" % (one.title, one.title)) for one in found]
    words = "</title><script>alert(1)</script>" + "a/very/long/path" * 30
    guest = {"root": words, "distribution": {"name": words, "evidence": words}, "boot": {"unknown": words}}
    result = Result("not-ready", 1, words, words, NASTY, words, words)
    return a_report(*found, changes=records, guest=guest, result=result)


def reports(folder):
    tree = next(one for one in TREES if one.name == "rhel-9.4-uefi")
    world = World(tree.make(folder / "guest"), tree.settings, commands=tree.commands)
    yield "source", world.check()
    yield "planned", world.plan()
    yield "done", world.run(deprovision=False)
    yield "ready", world.check()
    yield "hostile", hostile()
    yield (
        "every",
        a_report(*[a_finding(status, id="r-" + status, remedy=("do it",), one_way=True) for status in STATUSES]),
    )
    yield "long", a_report(a_finding(), changes=[a_diff(400)])
    yield "usage", a_report(result=Result("usage", 2, "there is no requirement x.", "the ids are: a, b"))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return dict(reports(tmp_path_factory.mktemp("reports")))


@pytest.fixture(scope="module")
def site(told):
    site = Site()
    site.pages = {name: rendered("html", report) for name, report in told.items()}
    with site.open():
        yield site


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(autouse=True)
def fresh(site, chromium):
    chromium.driver.get("about:blank")
    chromium.requests(), chromium.complaints(), site.asked.clear()


def shown(chromium, selector):
    """The texts of the elements that one can see."""
    return chromium.told(
        "[...document.querySelectorAll(%s)].filter(e => e.checkVisibility()).map(e => e.innerText)"
        % json.dumps(selector)
    )


@pytest.mark.parametrize("name", PAGES)
def test_nothing_leaves_the_page_and_nothing_runs_in_it(name, site, chromium):
    chromium.see(site.url + name)
    assert chromium.requests() == [site.url + name] and site.asked == ["/" + name]
    assert chromium.complaints() == []
    assert chromium.told("document.scripts.length + document.images.length + document.styleSheets.length") == 1
    assert chromium.told("document.documentElement.lang") == "en"


@pytest.mark.parametrize("markup", [
    '<img src="%sx">', '<link rel="stylesheet" href="%sx">', '<iframe src="%sx"></iframe>',
    "<p style=\"background:url('%sx')\">", "<style>p{background:url('%sx')}</style>",
])  # fmt: skip
def test_the_policy_of_the_page_forbids_what_might_get_in(markup, site, chromium):
    chromium.see(site.url + "usage")
    chromium.told("document.body.insertAdjacentHTML('beforeend', %s)" % json.dumps(markup % site.url))
    chromium.told("new Promise(done => setTimeout(done, 200))")
    assert site.asked == ["/usage"]
    assert any("Content Security Policy" in one["message"] for one in chromium.complaints())


def test_without_the_policy_it_would_get_in(site, chromium):
    """Else the test above could not fail."""
    site.pages["bare"] = "<!doctype html><p>"
    chromium.see(site.url + "bare")
    chromium.told("document.body.insertAdjacentHTML('beforeend', %s)" % json.dumps('<img src="%sx">' % site.url))
    chromium.told("new Promise(done => setTimeout(done, 200))")
    assert "/x" in site.asked


def test_what_the_guest_has_is_shown_as_it_is(site, chromium):
    chromium.see(site.url + "hostile")
    for words in ("<script>alert(1)</script>", "</pre></code></details>", "&#0;", "![a](b)", "\\x1b[31mred\\x1b[0m"):
        assert words in chromium.told("document.body.innerText"), words
    assert "</title><script>" in chromium.driver.title


@pytest.mark.parametrize("name", ["source", "planned", "done", "ready", "every"])
def test_every_verdict_can_be_read(name, site, chromium, told):
    report = told[name]
    chromium.see(site.url + name)
    heading = {"not-ready": "Not ready", "would-change": "Would change", "done": "Done", "ready": "Ready"}
    assert shown(chromium, "h1") == [heading[report.result.verdict]]
    badges = [status for status in STATUSES for one in report.findings if one.status == status]
    assert shown(chromium, ".badge") == [status.replace("would-change", "would change") for status in badges]
    assert sorted(shown(chromium, ".findings h3")) == sorted(" ".join(one.title.split()) for one in report.findings)
    assert len(shown(chromium, ".findings figure")) == len(report.changes)
    for path in {getattr(one.change, "path", "") for one in report.changes}:
        assert not path or path in shown(chromium, "figcaption code")


def test_before_and_after_are_told_apart_by_more_than_colour(site, chromium):
    chromium.see(site.url + "source")
    assert {line[0] for line in shown(chromium, "pre ins")} == {"+"} and {
        line[0] for line in shown(chromium, "pre del")
    } == {"-"}
    colours = "getComputedStyle(document.querySelector('pre %s')).backgroundColor"
    assert chromium.told(colours % "ins") != chromium.told(colours % "del") != chromium.told(colours % "span")
    height = "document.querySelector('pre span').getBoundingClientRect().height"
    assert 12 < chromium.told(height) < 30, "a line is one line high"


@pytest.mark.parametrize("status", STATUSES)
def test_the_filter_shows_one_status(status, site, chromium):
    chromium.see(site.url + "every")
    assert len(shown(chromium, ".findings > li")) == len(STATUSES)
    chromium.driver.find_element("id", "show-" + status).click()
    assert shown(chromium, ".badge") == [status.replace("would-change", "would change")]
    chromium.driver.find_element("id", "show-all").click()
    assert len(shown(chromium, ".findings > li")) == len(STATUSES)


def test_the_filter_works_by_keyboard(site, chromium):
    chromium.see(site.url + "every")
    chromium.driver.find_element("id", "show-all").send_keys("\ue014")  # the right arrow
    assert shown(chromium, ".badge") == ["failed"]
    outline = "getComputedStyle(document.querySelector('#show-failed + span')).outlineStyle"
    assert chromium.told(outline) == "solid", "one sees where the focus is"


OUTSIDE = """(() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walk.nextNode()) {
    const range = document.createRange(), parent = walk.currentNode.parentElement;
    const frame = parent.closest("figure, li, td, .sheet, body");
    if (parent.closest(".hidden, .skip, thead") || !walk.currentNode.data.trim()) continue;
    range.selectNodeContents(walk.currentNode);
    for (const box of range.getClientRects())
      if (box.right > frame.getBoundingClientRect().right + 1 || box.left < 0) found.push(walk.currentNode.data);
  }
  return found;
})()"""


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_sticks_out(name, width, site, chromium):
    chromium.see(site.url + name, width)
    assert chromium.told("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert chromium.told(OUTSIDE) == []


def test_it_is_dark_where_one_wants_it_dark(site, chromium):
    light = "getComputedStyle(document.body).%s.match(/[0-9]+/g).slice(0, 3).every(part => part > 190)"
    for dark in (False, True):
        chromium.see(site.url + "source", dark=dark)
        assert chromium.told(light % "backgroundColor") is not dark and chromium.told(light % "color") is dark


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width, dark", [(1280, False), (390, True)])
def test_it_is_accessible(name, width, dark, site, chromium):
    chromium.see(site.url + name, width, dark)
    chromium.told(AXE)
    found = json.loads(chromium.told("axe.run().then(told => JSON.stringify([told.violations, told.passes.length]))"))
    assert found[0] == [] and found[1] > 20


def test_axe_finds_mistakes(site, chromium):
    site.pages["wrong"] = (
        rendered("html", a_report(a_finding())).replace(' lang="en"', "").replace("<th scope", "<td scope")
    )
    chromium.see(site.url + "wrong")
    chromium.told(AXE)
    assert "html-has-lang" in chromium.told("axe.run().then(told => told.violations.map(one => one.id))")


def test_a_long_diff_is_folded_and_unfolds(site, chromium):
    chromium.see(site.url + "long")
    assert shown(chromium, "figure") == [] and shown(chromium, "summary") == ["1 change"]
    chromium.driver.find_element("css selector", "summary").click()
    (figure,) = shown(chromium, "figure")
    assert "+line 399" in figure


def test_on_paper_everything_is_unfolded_and_black_on_white(site, chromium):
    chromium.see(site.url + "long", dark=True, media="print")
    (figure,) = shown(chromium, "figure")
    assert "+line 399" in figure and shown(chromium, "fieldset") == []
    assert chromium.told("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert chromium.told("document.querySelector('figure').getBoundingClientRect().height") > 4000
    assert chromium.told("getComputedStyle(document.querySelector('h3')).color") == "rgb(26, 31, 38)"


def test_a_requirement_has_an_address(site, chromium):
    chromium.see(site.url + "source#time")
    assert chromium.told("document.querySelector(':target h3').innerText").startswith("chrony takes the time")
    top = chromium.told("document.querySelector(':target').getBoundingClientRect().top")
    assert 0 <= top < 400
    chromium.driver.find_element("css selector", "nav a[href='#sudo']").click()
    assert chromium.told("location.hash") == "#sudo"
