"""Reports with any text in any place, and pieces of text that mean something to a reader of XML, HTML or Markdown."""

from hypothesis import strategies as st

from agentprep.changes import Forget, Link, Mode, Remove, Run, Write
from agentprep.verdicts import STATUSES, Finding, Record, Report, Result

NASTY = (
    "<script>alert(1)</script>", "</script><img src=x onerror=alert(1)>", "]]>", "<![CDATA[", "&amp;", "&#0;",
    "&lt;b&gt;", '" onmouseover="x', "'--><b>", "</pre></code></details>", "javascript:alert(1)", "</style>",
    "\x1b[31mred\x1b[0m", "\x00", "\x0b", "\r\n", "\t", "\ufffe", "\udc80\udcff", "\u202eevil", "\u2028", "a|b", "\\|",
    "|", "`", "```",
    "````\n```", "`` ` ``", "* _ ~~x~~ **y**", "@root", "#12", "GH-3", "org/repo#4", "user@host", "deadbeef", "1234567",
    "!5", "$6", "~7", "%8", "&9", ":tada:", "/close", "www.example.org", "https://example.org/x", "<https://example.org>",
    "[a](b)", "![a](b)", "1. x", "- x", "# x", "> x", "---", "===", "\n\n", "\n    x", "~~~", "[^1]", "a\\", "\\`", "&",
    "<", ">", '"', "'", "  ", "(/etc/x(5),", "'a b'", "--", "...", "é", "\U0001f600", "漢字", "x" * 300,
)  # fmt: skip

words = st.one_of(st.sampled_from(NASTY), st.text(max_size=12), st.sampled_from(["is", "the kernel", "/etc/fstab"]))
text = st.builds(lambda glue, drawn: glue.join(drawn), st.sampled_from(["", " "]), st.lists(words, max_size=6))
ids = st.sampled_from(("kernel-cmdline", "initrd-hyperv", "fstab", "time", "os-swap", "traces"))
texts = st.lists(text, max_size=3).map(tuple)

changes = st.one_of(
    st.builds(Write, path=text, content=st.just(b""), why=text),
    st.builds(Remove, path=text, why=text),
    st.builds(Link, path=text, target=text, why=text),
    st.builds(Mode, path=text, mode=st.just(0o644), why=text),
    st.builds(Run, commands=st.just((("true",),)), outputs=st.just(()), why=text),
    st.builds(Forget, path=text, why=text),
)


def _diff(lines):
    return "--- /etc/fstab\n+++ /etc/fstab\n@@ -1 +1 @@\n" + "".join(lines)


diffs = st.lists(st.builds(lambda mark, line: mark + line + "\n", st.sampled_from(" +-\\"), text), max_size=5).map(
    _diff
)
records = st.builds(Record, id=ids, change=changes, shown=text | diffs, guessed=st.booleans(), one_way=st.booleans())
findings = st.builds(Finding, id=ids, title=text, status=st.sampled_from(STATUSES), evidence=texts, remedy=texts,
                     source=text, one_way=st.booleans())  # fmt: skip
VERDICTS = {
    "ready": 0,
    "not-ready": 1,
    "would-change": 0,
    "done": 0,
    "declined": 1,
    "blocked": 3,
    "usage": 2,
    "failed": 4,
}
results = st.sampled_from(sorted(VERDICTS.items())).flatmap(
    lambda pair: st.builds(Result, verdict=st.just(pair[0]), exit_code=st.just(pair[1]), message=text, hint=text,
                           person=texts, report=text, undo=text)
)  # fmt: skip
mechanism = st.fixed_dictionaries({"name": text, "evidence": text}) | st.fixed_dictionaries({"unknown": text})
guests = st.just({}) | st.fixed_dictionaries(
    {
        "root": text,
        "distribution": mechanism,
        "architecture": text,
        "kernels": st.lists(text, max_size=2),
        "boot": mechanism,
    }
)
reports = st.builds(
    Report,
    command=st.sampled_from(("check", "plan", "run", "rollback", "")),
    guest=guests,
    findings=st.lists(findings, max_size=5, unique_by=lambda one: one.id),
    changes=st.lists(records, max_size=5),
    result=results,
)  # fmt: skip


def a_finding(status="would-change", **more):
    base = Finding("fstab", "File systems are named by UUID", status, ("seen",), (), "fstab(5)", False)
    return base._replace(**more)


def a_report(*findings, **more):
    told = Report("check", {}, list(findings), [], Result("not-ready", 1, "Not ready: 1 of 1."))
    return told._replace(**more)


def a_diff(lines, path="/etc/fstab", id="fstab"):
    """The record of a file to which that many lines are added."""
    shown = "--- %s\n+++ %s\n@@ -1 +1,%d @@\n" % (path, path, lines) + "".join("+line %d\n" % n for n in range(lines))
    return Record(id, Write(path, b"", "it is long"), shown, False, False)
