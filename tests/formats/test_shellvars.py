"""What a sourced file assigns is known without running it, and is what real shells say."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import shellvars
from agentprep.formats.shellvars import Script, evaluate
from tests.formats import shells, shellscripts

DEFAULT = "GRUB_CMDLINE_LINUX_DEFAULT"


def values(*texts):
    return shellvars.known([Script(text) for text in texts])


def test_debian_12():
    known = values(shellscripts.DEBIAN_12, shellscripts.KDUMP_TOOLS)
    assert known == {
        "GRUB_DEFAULT": "0",
        "GRUB_TIMEOUT": "5",
        "GRUB_CMDLINE_LINUX": "",
        "GRUB_CMDLINE_LINUX_DEFAULT": "quiet crashkernel=384M-:128M",
    }
    with pytest.raises(Malformed) as raised:
        evaluate([Script(shellscripts.DEBIAN_12, "/etc/default/grub")], "GRUB_DISTRIBUTOR")
    assert raised.value.message.startswith("/etc/default/grub, line 8: ")


def test_ubuntu_cloud_images_decide_in_the_second_file():
    scripts = [Script(shellscripts.DEBIAN_12), Script(shellscripts.CLOUDIMG), Script(shellscripts.KDUMP_TOOLS)]
    assert evaluate(scripts, DEFAULT) == "console=tty1 console=ttyS0 crashkernel=384M-:128M"
    place = shellvars.base(scripts, DEFAULT)
    assert (place.script, place.assignment.line) == (1, 8)
    assert [place.script for place in shellvars.contributions(scripts, DEFAULT)] == [1, 2]


def test_rhel_8_suse_azure_linux():
    known = values(shellscripts.RHEL_8)
    assert known["GRUB_CMDLINE_LINUX"] == (
        "crashkernel=auto resume=/dev/mapper/rhel-swap rd.lvm.lv=rhel/root rd.lvm.lv=rhel/swap rhgb quiet"
    )
    assert "GRUB_DISTRIBUTOR" not in known
    assert known["GRUB_ENABLE_BLSCFG"] == "true"
    assert values(shellscripts.SUSE)[DEFAULT] == "splash=silent preempt=full mitigations=auto quiet"
    assert values('GRUB_CMDLINE_LINUX_DEFAULT=" $kernelopts"\n')[DEFAULT] == " "
    assert values('GRUB_CMDLINE_LINUX_DEFAULT=" \\$kernelopts"\n')[DEFAULT] == " $kernelopts"


@pytest.mark.parametrize(
    "text, name, value",
    [
        ("A=b\nA=c", "A", "c"),
        ("A=b C=d; export B=f", "B", "f"),
        ("A=1 B=$A\n", "B", "1"),
        ("A=\nB=2", "A", ""),
        ("A=b", "B", None),
        ("#A=b", "A", None),
        ("A=b #c' \"\n", "A", "b"),
        ("A=b#c", "A", "b#c"),
        ("A='a \"b\" $c \\'", "A", 'a "b" $c \\'),
        ('A="a \\"b\\" \\$c \\d \\\n e"', "A", 'a "b" $c \\d  e'),
        ('A=\\"b\\ c\'d\'"e"', "A", '"b cde'),
        ("A=a\\\nb", "A", "ab"),
        ('A="x\r\n y"', "A", "x\r\n y"),
        ("A=b\r\n", "A", "b\r"),
        ("A=b; if x; then B=c; fi", "A", "b"),
        ("if x; then A=b; fi\nA=c", "A", "c"),
        ("A=b\n(A=c)\n", "A", "b"),
        ("A=b\necho A=c\n", "A", "b"),
        ("A=b\ncat <<E\nA=c\nE\n", "A", "b"),
        ("A=b\nB=$(A=c; case x in x) echo ')';; esac)\n", "A", "b"),
        ("f() { B=c; }\nA=b", "A", "b"),
        ("A=b\ncommand -v eval", "A", "b"),
        ("A=b\ncommand -v export A=c", "A", "b"),
        ("f() { return; }\nA=b", "A", "b"),
        ("A=b\nprintf '%s' A", "A", "b"),
        ("command -v x &>f\nA=b", "A", "b"),
        ("eval :\nA=b", "A", "b"),
        ("[ -e x ] && B=c\nA=b", "A", "b"),
        ('A="${A:+$A }\\$tuned_params"', "A", "$tuned_params"),  # as tuned appends it to /etc/default/grub
        ('A=b\nA="${A:+$A }\\$tuned_params"', "A", "b $tuned_params"),
        ("A=${B:-c}", "A", "c"),
        ("B=\nA=${B:-c}${B-d}${B+e}${B:+f}", "A", "ce"),
        ("B=x C=y\nA=${B+${C}b}${D:-$C $B}${D+x}", "A", "yby x"),
    ],
)
def test_known(text, name, value, tmp_path):
    assert evaluate([Script(text)], name) == value
    for path in shells.available().values():
        assert shells.sourced(path, [text], str(tmp_path)).get(name) == value


@pytest.mark.parametrize(
    "text, line",
    [
        ("\nA=`b`", 2),
        ("A=$(b)", 1),
        ("A=$((1+1))", 1),
        ("A=${B:-$(c)}", 1),
        ("A=${B:?c}", 1),
        ("A=${B:=c}", 1),
        ("A=${HOME:-c}", 1),
        ("A=${B:-$HOME}", 1),
        ("B=$(c)\nA=x\nA=${B:+d}", 1),
        ("B=x C=$(c)\nA=${B:+$C}", 1),
        ("A=${B:-~}", 1),
        ("A=$HOME/x", 1),
        ("A=~", 1),
        ("A=1\nif x; then A=b; fi", 2),
        ("case x in y) A=b;; esac", 1),
        ("for A in b c; do :; done", 1),
        ("while x; do A=b; done", 1),
        ("[ -e x ] && A=b", 1),
        ("x || A=b", 1),
        ("A=b | x", 1),
        ("A=b &", 1),
        ("! A=b", 1),
        ("A=b x", 1),
        ("A=b >x", 1),
        ("{ A=b; }", 1),
        ("A=1\n. /etc/other", 2),
        ("A=1\n\neval x", 3),
        ("A=1\nread A", 2),
        ("A=1\nunset A", 2),
        ("readonly A\nA=1", 1),
        ("A=1\nprintf -vA x", 2),
        ("A=1\ncommand eval x", 2),
        ("f() {\nA=b; }\nA=1\nf", 2),
        ("return\nA=b", 2),
        (": ${A:=b}", 1),
        ("A=(b c)", 1),
        ("A[1]=x", 1),
        ("A=b$C\nC=$A\n$X", 3),
        ("B=$(c)\nA=x\nA=$B", 1),
        ("export A=$C", 1),
        ("A\\\n=b", 1),
    ],
)
def test_not_known(text, line):
    with pytest.raises(Malformed) as raised:
        evaluate([Script(text)], "A")
    assert f"line {line}: " in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    "text, line",
    [
        ('A=b\n\nC="d\n', 3),
        ("A='", 1),
        ("\nA=`b", 2),
        ("A=$(b", 1),
        ("A=${b", 1),
        ("if x; then\nA=b", 1),
        ("A=b\nfi", 2),
        ("A=b)", 1),
        ("A=b\n}", 2),
        ("case x in\ny) A=b", 2),
        ("x >\nA=b", 1),
        (";; A=b", 1),
        ("A=b\n &\nA=c", 2),
        ("A=b;;", 1),
        ("A=b; ;", 1),
        ("if x; then\nfi", 2),
        ("if x; then y; fi z", 1),
        ("{\n}", 2),
        ("()", 1),
    ],
)
def test_bad_syntax(text, line, tmp_path):
    with pytest.raises(Malformed) as raised:
        Script(text)
    assert raised.value.message.startswith(f"line {line}: ")
    for path in shells.available().values():
        assert shells.run(path, str(tmp_path), "-n", shells.write(str(tmp_path), "script", text))


def test_append_is_bash(tmp_path):
    texts = ['A="a b"\nA+=" c"\n', "A+=$B\nexport A+=d"]
    assert evaluate([Script(text) for text in texts], "A") == "a b cd"
    assert [a.append for a in Script(texts[1]).assignments] == [True, True]
    bash = shells.available().get("bash")
    if not bash:
        pytest.skip("bash is not installed")
    assert shells.sourced(bash, texts, str(tmp_path))["A"] == "a b cd"


@pytest.mark.parametrize(
    "texts, base, contributions",
    [
        (["A=1\nA=2\n"], (0, 2), [(0, 2)]),
        (["A=1", 'A="$A 2"\nA="${A} 3"'], (0, 1), [(0, 1), (1, 1), (1, 2)]),
        (['A="$A 2"'], None, [(0, 1)]),
        (["B=1"], None, []),
        (["A=$(x)"], (0, 1), [(0, 1)]),
        (["A=1\nA=`echo $A`"], (0, 1), [(0, 1), (0, 2)]),
        (['A=1\nif x; then A="$A y"; fi'], (0, 1), [(0, 1), (0, 2)]),
        (["if x; then A=1; fi\nA=2"], (0, 2), [(0, 2)]),
        (["A=1", "A+=2"], (0, 1), [(0, 1), (1, 1)]),
        (["A=$AB"], (0, 1), [(0, 1)]),
    ],
)
def test_base(texts, base, contributions):
    scripts = [Script(text) for text in texts]
    found = shellvars.base(scripts, "A")
    assert (found and (found.script, found.assignment.line)) == base
    assert [(p.script, p.assignment.line) for p in shellvars.contributions(scripts, "A")] == contributions


@pytest.mark.parametrize("last", ["if x; then A=2; fi", ". x", "read A", "f() { A=2; }", "A=2 x"])
def test_no_base_where_something_may_replace_it(last):
    with pytest.raises(Malformed) as raised:
        shellvars.base([Script("A=1"), Script("\n" + last, "two")], "A")
    assert raised.value.message.startswith("two, line 2: ")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(shellscripts.scripts())
def test_what_is_known_is_what_shells_say(tmp_path_factory, texts):
    try:
        scripts = [Script(text) for text in texts]
    except Malformed:
        return
    appends = any(a.append for script in scripts for a in script.assignments)
    for shell, path in shells.available().items():
        if shell == "dash" and appends:
            continue
        seen = shells.sourced(path, texts, str(tmp_path_factory.getbasetemp()))
        for name in "ABC":
            try:
                value = evaluate(scripts, name)
            except Malformed:
                continue
            assert seen is None or value == seen[name]


@given(st.lists(st.sampled_from(shellscripts.TOKENS), max_size=14).map("".join))
def test_any_text_is_read_or_malformed(text):
    try:
        script = Script(text)
    except Malformed as error:
        assert error.message.startswith("line ")
        return
    for assignment in script.assignments:
        assert text[assignment.start :].startswith(assignment.name)
        assert text[assignment.value_start - 1] == "="
        assert all(assignment.value_start <= p.start < p.end <= assignment.end for p in assignment.parts)


def test_deep_nesting_is_malformed():
    with pytest.raises(Malformed):
        Script("$(" * 20000)
    with pytest.raises(Malformed):
        Script("{ " * 20000)
