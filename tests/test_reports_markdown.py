"""Reports as Markdown: sentences parted into prose and code, fences that hold, never too long for a comment."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentprep.changes import Write
from agentprep.reports import rendered
from agentprep.reports.markdown import ROOM, fenced
from agentprep.reports.prose import clean, parts, shortened
from agentprep.verdicts import Record, Result
from tests import drawn
from tests.documents import SLOWLY, one_line
from tests.drawn import a_diff, a_finding, a_report

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


def test_a_word_that_could_be_a_commit_is_code_wherever_it_ends():
    from agentprep.reports import prose

    for word in ("deadbeef", "deadbeef'a", "(deadbeef),", "x-deadbeef"):
        told = []
        prose._words(word, told)
        assert [one.code for one in told if "deadbeef" in one.text] == [True], word
