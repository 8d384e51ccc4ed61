"""Reports as JUnit XML, as Markdown and as a page: whole and valid whatever the guest's text is, and truthful."""

import base64
import hashlib
import html
import os
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import agentprep
from agentprep.changes import Write
from agentprep.reports import rendered
from agentprep.reports.markdown import ROOM, fenced
from agentprep.reports.prose import clean, parts, shortened
from agentprep.verdicts import NOT_READY, Record, Result
from tests import drawn
from tests.drawn import a_diff, a_finding, a_report
from tests.roots import debian12
from tests.roots.every import TREES
from tests.worlds import World

FORMATS = ("junit", "markdown", "html")
HOME = os.path.dirname(os.path.dirname(os.path.abspath(agentprep.__file__)))
SLOWLY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
VOID = ("meta", "input", "br", "rect")
TAGS = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "svg", "rect", "nav", "ul",
    "ol", "li", "span", "main", "section", "div", "fieldset", "legend", "label", "input", "b", "code", "details",
    "summary", "figure", "figcaption", "pre", "ins", "del", "i", "table", "thead", "tbody", "tr", "th", "td", "footer",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "role", "aria-label", "viewbox", "x",
    "preserveaspectratio", "width", "height", "aria-labelledby", "type", "checked", "open", "scope",
}  # fmt: skip


def one_line(text):
    return " ".join(clean(text).split())


# -- junit ---------------------------------------------------------------------------------------------------
def suite_of(told, **more):
    return ElementTree.fromstring(rendered("junit", told, **more).encode("ascii")).find("testsuite")


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
class Page(HTMLParser):
    """A page as a strict reader takes it: every element is closed by its own end tag."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.ids, self.links, self.text, self.style = (
            [],
            set(),
            set(),
            [],
            [],
            [],
            "",
        )
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        names = [name for name, _ in attributes]
        assert len(set(names)) == len(names)
        self.attributes.update(names)
        given_ = dict(attributes)
        self.ids += [given_["id"]] if "id" in given_ else []
        self.links += [given_["href"]] if "href" in given_ else []
        if tag not in VOID:
            self.open.append(tag)

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open[-1:] == ["style"]:
            self.style += text
        else:
            self.text.append(text)

    def handle_comment(self, text):
        raise AssertionError("a comment: " + text)


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


# -- markdown ------------------------------------------------------------------------------------------------
PROSE = re.compile(r"[^\W_]|[ ()\"'’.,;:!?=+-]")


@given(drawn.text)
@settings(max_examples=400, deadline=None)
def test_what_is_no_code_is_plain_words(text):
    told = parts(text)
    assert all(one.text for one in told) and all(one.code != other.code for one, other in zip(told, told[1:]))
    assert one_line(text).replace("`", "").replace(" ", "") == (
        "".join(one.text for one in told).replace("`", "").replace(" ", ""))  # fmt: skip
    for one in told:
        assert one.code or not PROSE.sub("", one.text), one
        assert one.code or not re.search(r"(^|\W)([a-f0-9]{7,}|[0-9]{7,}|[A-Z]+-\d+)(\W|$)", one.text), one


@pytest.mark.parametrize(
    "words, told",
    [
        ("no targetpw in /etc/sudoers", "no targetpw in `/etc/sudoers`"),
        ("see `agentprep plan`, then (fstab(5), a=b): x_y.", "see `agentprep plan`, then (`fstab(5)`, `a=b`): `x_y`."),
        ("it says \"install udf /bin/true\", 'x_y z'", "it says \"install udf `/bin/true`\", '`x_y` z'"),
        ("Debian GNU/Linux 12", "Debian GNU/Linux 12"),
        ("a=1 b=2 in 3 of 4", "`a=1 b=2` in 3 of 4"),
        ("ask @root about #12", "ask `@root` about `#12`"),
        ("Debian 12.5 - it's 64-bit (amd64)", "Debian 12.5 - it's 64-bit (`amd64`)"),
    ],
)  # fmt: skip
def test_a_sentence_is_parted_into_prose_and_code(words, told):
    assert "".join("`%s`" % one.text if one.code else one.text for one in parts(words)) == told


@SLOWLY
@given(drawn.reports)
def test_markdown_has_each_diff_in_a_fence_that_holds(told):
    out = rendered("markdown", told)
    for record in told.changes:
        language = "console" if hasattr(record.change, "commands") else "diff" if record.shown[:3] == "---" else "text"
        assert "\n" + fenced(clean(record.shown), language) + "\n" in out


@given(st.lists(st.sampled_from(["`", "```", "~~~", "\n", "\n````", "   ```", "a", "<"]), max_size=12).map("".join))
def test_no_line_in_a_fence_ends_it(text):
    lines = fenced(text, "diff").split("\n")
    fence = lines[-1]
    assert lines[0] == fence + "diff" and set(fence) == {"`"} and len(fence) >= 3
    assert not [line for line in lines[1:-1] if line.strip().startswith(fence)]
    assert "\n".join(lines[1:-1]) == (text[:-1] if text.endswith("\n") else text)


def worst(number):
    """A report of which every text is long and becomes longest as Markdown."""
    words = "|`" * number
    one = a_finding(evidence=(words,) * number, remedy=(words,) * number, title=words, one_way=True)
    found = [one._replace(id="%s-%d" % (words, n), status=status) for n in range(number) for status in ("failed", "ok")]
    records = [Record(each.id, Write(words, b"", words), words, True, False) for each in found]
    result = Result("failed", 4, words, words, (words,) * number, words, words)
    return a_report(*found, changes=records, result=result, guest={"distribution": {"name": words, "evidence": words}})


@pytest.mark.parametrize("told", [
    a_report(a_finding(), changes=[a_diff(100000)]),
    a_report(a_finding(), changes=[a_diff(500, "/etc/%d" % number) for number in range(60)]),
    a_report(*[a_finding(id="x%d" % n, evidence=("é" * 3000,)) for n in range(60)]),
    a_report(*[a_finding(id="x%d" % n, status="ok") for n in range(3000)]),
    worst(30),
])  # fmt: skip
def test_a_comment_is_never_too_long(told):
    out = rendered("markdown", told)
    assert len(out) <= len(out.encode("utf-8")) <= ROOM < 65536
    assert "the whole is shown by: agentprep plan" in out.replace("`", "") or "..." in out


def test_a_diff_is_shortened_and_says_where_the_whole_is():
    long = a_report(a_finding(), changes=[a_diff(20000), a_diff(3, "/etc/b")])
    out = rendered("markdown", long)
    assert re.search(r"\n\[19\d\d\d more lines; the whole is shown by: agentprep plan\]\n```\n", out)
    assert "+++ /etc/b\n@@ -1 +1,3 @@\n+line 0\n+line 1\n+line 2\n```" in out, "a short one stays whole"
    done = long._replace(result=long.result._replace(report="/var/lib/agentprep/report.txt"))
    assert "more lines; the whole is in /var/lib/agentprep/report.txt in the guest]" in rendered("markdown", done)


@given(st.text("ab\n", max_size=60), st.integers(0, 60))
def test_a_text_is_shortened_at_the_end_of_a_line(text, limit):
    out = shortened(text, limit, "see there")
    if len(text) <= limit:
        assert out == text
    else:
        kept, note = out[: out.rfind("[")], out[out.rfind("[") :]
        assert text.startswith(kept.rstrip("\n")) and len(kept) <= limit + 1 and (not kept or kept.endswith("\n"))
        assert re.match(r"\[\d+ more lines?; see there\]\n\Z", note)


# -- all of them ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", FORMATS)
@SLOWLY
@given(told=drawn.reports)
def test_no_character_drives_a_terminal(told, name):
    out = rendered(name, told)
    assert not [c for c in out if not c.isprintable() and c not in "\n\t"]


SECRETS = {
    "$6$rounds=5000$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq": "root:%s:19000:0:9:7:::",
    "hunter2": "it has: password=%s",
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7": "user:%s:19000::::::",
    "$1$gLhU0/$aW78kHK1QfV3P2b2znUoe/": "password --md5 %s",
    "10000.86288E5D.A2A46E": "password_pbkdf2 root grub.pbkdf2.sha512.%s",
    "Tr0ub4dor": "//nas/share /mnt cifs username=me,password=%s,uid=0 0 0",
    "correct horse": 'wpa-psk = 1\npsk="%s"',
    "hunter2hunter2": "passwd = '%s'",
    "letmein": "password %s",
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("secret", sorted(SECRETS))
def test_no_password_is_in_a_diff_or_in_evidence(name, secret):
    line = SECRETS[secret] % secret
    record = a_diff(1)
    told = a_report(a_finding(evidence=(line,)), changes=[record._replace(shown=record.shown + " " + line + "\n")])
    out = html.unescape(rendered(name, told))
    assert secret not in out and "(hidden)" in out.replace("&#40;", "(").replace("&#41;", ")")


@pytest.mark.parametrize("line", [
    "PasswordAuthentication yes", "Provisioning.DeleteRootPassword=n", "Provisioning.PasswordCryptId=6", "$kernelopts",
    "options root=UUID=1 $tuned_params", "use_pty passwd_tries=3", "a password is asked for",
])  # fmt: skip
def test_what_only_looks_like_a_password_is_shown(line):
    assert clean(line) == line


def test_the_password_of_a_boot_menu_is_in_no_report(tmp_path):
    """The real thing: a menu whose line next to a changed one has the password."""
    tree = next(one for one in TREES if one.name == "rhel-6-bios")
    root = tree.make(tmp_path / "guest")
    path = root + "/boot/grub/grub.conf"
    with open(path) as stream:
        lines = stream.read().splitlines(True)
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("kernel"))
    lines.insert(at, "\tpassword --md5 $1$gLhU0/$aW78kHK1QfV3P2b2znUoe/\n")
    with open(path, "w") as stream:
        stream.write("".join(lines))
    told = World(root, tree.settings, commands=tree.commands).check()
    assert "aW78kHK1QfV3P2b2znUoe" in "".join(one.shown for one in told.changes), "the tree shows nothing"
    for name in FORMATS:
        assert "aW78kHK1QfV3P2b2znUoe" not in rendered(name, told)


@pytest.mark.parametrize("tree", [one for one in TREES if one.name in ("rhel-9.4-uefi", "debian-12", "sles-15-uefi")],
                         ids=lambda one: one.name)  # fmt: skip
def test_a_real_tree_before_and_after_a_run(tree, tmp_path):
    world = World(tree.make(tmp_path / "guest"), tree.settings, commands=tree.commands)
    before, planned = world.check(), world.plan()
    done, after = world.run(deprovision=False), world.check()
    for told in (before, planned, done, after):
        suite = suite_of(told)
        page = "".join(Page(rendered("html", told)).text)
        comment = rendered("markdown", told)
        assert len(suite.findall("testcase")) == len(told.findings)
        for one in told.findings:
            assert suite.find("testcase[@classname='agentprep.%s']" % one.id) is not None
            assert one.id in page and one_line(one.title) in page and "| `%s`<br>" % one.id in comment
        for record in told.changes:
            assert getattr(record.change, "path", "") in page and record.shown in comment
    assert int(suite_of(before).get("failures")) == len([one for one in before.findings if one.status in NOT_READY])
    assert suite_of(after).get("failures") == suite_of(after).get("errors") == "0"
    assert "Ready." in rendered("markdown", after) and "Not ready." in rendered("markdown", before)
    assert "### How to undo\n\nTake everything back with `sudo agentprep rollback`." in rendered("markdown", done)
    assert "This cannot be undone." in rendered("markdown", planned), "the last part of the plan"


# -- the command line ----------------------------------------------------------------------------------------
def run(*words, **more):
    environment = dict(os.environ, PYTHONPATH=HOME, **more)
    child = subprocess.Popen((sys.executable, "-m", "agentprep") + words, cwd="/", env=environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    out, err = child.communicate(timeout=120)
    return child.returncode, out.decode("utf-8"), err.decode("utf-8")


def whole(name, out):
    """The output is one whole document."""
    if name == "junit":
        return ElementTree.fromstring(out.encode()).find("testsuite") is not None
    return (
        out.startswith("<!doctype html>") and Page(out).ids if name == "html" else out.startswith("## agentprep check")
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return debian12.make(tmp_path_factory.mktemp("tree") / "guest")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("more", [(), ("--quiet",), ("--verbose",), ("--color", "always"), ("--only", "sudo")])
def test_a_format_is_one_document_with_the_exit_code_of_text(tree, name, more):
    code, out, err = run("check", "--root", tree, "--format", name, *more)
    assert code == (0 if "sudo" in more else 1) and err == "" and whole(name, out)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("words, code", [(("--skip", "x"), 2), (("--fast",), 2), (("--root", "/no/such/folder"), 2),
                                         (("--root", "/var/empty-of-linux"), 2)])  # fmt: skip
def test_an_error_is_a_document_too(name, words, code):
    got, out, err = run("check", "--format", name, *words)
    assert got == code and whole(name, out) and "what to do" in err
    if name == "junit":
        assert ElementTree.fromstring(out).find("testsuite/testcase/error") is not None


def test_what_is_shown_is_dated():
    clock = 1767225600
    told = a_report(a_finding())
    assert suite_of(told, clock=clock).get("timestamp") == "2026-01-01T00:00:00"
    for name in ("markdown", "html"):
        assert "2026-01-01 00:00 UTC" in rendered(name, told, clock=clock)
        assert time.strftime("%Y-%m-%d", time.gmtime()) in rendered(name, told)
