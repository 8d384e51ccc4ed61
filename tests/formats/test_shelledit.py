"""An edit of a sourced file changes what one variable is, and no byte outside of one assignment."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import cmdline, shelledit
from agentprep.formats.shellvars import Script, evaluate
from tests.formats import shells, shellscripts

DEFAULT = "GRUB_CMDLINE_LINUX_DEFAULT"


def azure(words):
    return cmdline.merge(words, ["console=ttyS0,115200n8", "rootdelay=300"], ["quiet", "rhgb", "crashkernel"])


def edited(text, transform=azure, index=0):
    script = Script(text)
    return shelledit.edit_words(script, script.assignments[index], transform)


ADDED = "console=ttyS0,115200n8 rootdelay=300"


@pytest.mark.parametrize(
    "text, expected",
    [
        ('A="quiet"\n', f'A="{ADDED}"\n'),
        ("A=quiet", f'A="{ADDED}"'),
        ("A=\n", f'A="{ADDED}"\n'),
        ('A="  ro   quiet \\\n  splash "\n', f'A="  ro \\\n  splash {ADDED} "\n'),
        ("A='ro quiet' # it's\n", f"A='ro {ADDED}' # it's\n"),
        ("A=quiet\r; B=1\r\n", f'A="{ADDED}"; B=1\r\n'),
        ('A="$A quiet x"\r\n', f'A="$A x {ADDED}"\r\n'),
        ("A='quiet'\r\n", f"A='{ADDED}'\r\n"),
        ("A=quiet\r\n", f'A="{ADDED}"\r\n'),
        ('A+=" quiet"\n', f'A+=" {ADDED}"\n'),
        ("A+=quiet\n", f'A+=" {ADDED}"\n'),
        ('A+=""\n', f'A+=" {ADDED}"\n'),
        ("A=a\"b c\"'d' # x\n", f'A="ab cd {ADDED}" # x\n'),
        ("A=\"acpi_osi='Windows 2012' quiet\" B=c\n", f"A=\"acpi_osi='Windows 2012' {ADDED}\" B=c\n"),
        ('A="dyndbg=\\"a +p\\" quiet"\n', f'A="dyndbg=\\"a +p\\" {ADDED}"\n'),
        ('A="root=$(f "a b") crashkernel=$X"\n', f'A="root=$(f "a b") {ADDED}"\n'),
        ('A=$B"  x "quiet\n', f'A=$B" x {ADDED}"\n'),
        ("A=`f 'a b'`\n", f"A=`f 'a b'`\" {ADDED}\"\n"),
        ("A=' $kernelopts'\n", f"A=' $kernelopts {ADDED}'\n"),
        ('export A="\\$x \\`y\\` \\\\z" B\n', f'export A="\\$x \\`y\\` \\\\z {ADDED}" B\n'),
        ('A="x=$B console=ttyS0"\n', 'A="x=$B console=ttyS0,115200n8 rootdelay=300"\n'),
        ('A="caf\udce9 quiet"\n', f'A="caf\udce9 {ADDED}"\n'),
        ('A="\U000f0000 $B quiet"\n', f'A="\U000f0000 $B {ADDED}"\n'),
    ],
)
def test_edit_words(text, expected):
    assert edited(text) == expected
    assert edited(expected) == expected


@pytest.mark.parametrize(
    "text, add, expected",
    [
        ('A="x"', "a=$b", 'A="x a=\\$b"'),
        ("A='x'", "a=$b", "A='x a=$b'"),
        ("A='x'", "a='b c'", "A=\"x a='b c'\""),
        ('A="x"', 'a="b`c\\d"', 'A="x a=\\"b\\`c\\\\d\\""'),
    ],
)
def test_new_words_are_quoted(text, add, expected):
    assert edited(text, lambda words: words + [add]) == expected
    assert evaluate([Script(expected)], "A") == "x " + add


def test_all_words_gone():
    assert edited('A=" quiet "\n', lambda words: []) == 'A=""\n'
    assert edited("A=quiet\n", lambda words: []) == 'A=""\n'


def test_expansions_are_opaque_and_stay():
    script = Script('A="$A root=$(dev) quiet"')
    first, root, quiet = shelledit.words(script, script.assignments[0])
    assert shelledit.is_opaque(first) and shelledit.is_opaque(root) and not shelledit.is_opaque(quiet)
    assert cmdline.key(root) == "root"
    assert edited('A="$A x"', lambda words: ["y"] + words) == 'A="y $A x"'
    assert edited('A="$A x"', lambda words: [words[0] + "b", words[0]]) == 'A="${A}b $A"'
    assert edited('A="\U000f0000 $A"', lambda words: words[::-1]) == 'A="$A \U000f0000"'
    for text in ("A=~", "A=x:~", 'A=$"x"', 'A="x\\\\"', 'A="it\'s"'):
        with pytest.raises(Malformed):
            edited(text)
    with pytest.raises(Malformed) as raised:
        edited('\nA="$A quiet"', lambda words: ["y"])
    assert "line 2: " in raised.value.message and "$A" in raised.value.message


@pytest.mark.parametrize("text", [text for text in shellscripts.REAL if "GRUB_CMDLINE_LINUX" in text])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_real_files(text, newline):
    text = text.replace("\n", newline)
    script = Script(text)
    index = max(i for i, a in enumerate(script.assignments) if a.name.startswith("GRUB_CMDLINE_LINUX"))
    new = edited(text, azure, index)
    line = script.assignments[index].line
    before, after = text.split("\n"), new.split("\n")
    assert [i for i, (a, b) in enumerate(zip(before, after), 1) if a != b] == [line]
    assert len(before) == len(after)
    assert ADDED in after[line - 1]
    assert edited(new, azure, index) == new


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "A=v\n"),
        ("B=1", "B=1\nA=v\n"),
        ("B=1\r\n", "B=1\r\nA=v\r\n"),
        ("A=v # x", "A=v # x"),
        ("A='v'", "A='v'"),
        ('A="v"\r\n', 'A="v"\r\n'),
        ("A=u\n# A=w\n", "A=v\n# A=w\n"),
        ("A=u\nA=w\n", "A=u\nA=v\n"),
        ("A='u'\n", "A='v'\n"),
        ('export A="u" B=c\n', 'export A="v" B=c\n'),
        ("A=$B\n", "A=v\n"),
        ("A+=v\n", "A=v\n"),
        ("A=`x`\r\n", "A=v\r\n"),
        ("A=u\nif x; then A=w; fi\n", "A=u\nif x; then A=w; fi\nA=v\n"),
        ("if x; then A=w; fi\nA=u\n", "if x; then A=w; fi\nA=v\n"),
        ("A=v\n. other\n", "A=v\n. other\nA=v\n"),
        ("A=u\nreturn\n", "A=v\nreturn\n"),
        ("f() { A=w; }", "f() { A=w; }\nA=v\n"),
    ],
)
def test_set_value(text, expected):
    assert shelledit.set_value(Script(text), "A", "v") == expected
    assert shelledit.set_value(Script(expected), "A", "v") == expected


@pytest.mark.parametrize(
    "text, reason",
    [("return\n", "may end here"), ("\ncat <<E\n", "would swallow"), ("[ -e x ] || exit 0\n", "may end here")],
)
def test_set_value_refuses_what_would_not_be_reached(text, reason):
    with pytest.raises(Malformed) as raised:
        shelledit.set_value(Script(text), "A", "v")
    assert reason in raised.value.message


VALUES = st.text(alphabet=st.sampled_from("ab $`\"\\'\n\r#~*;\u00e9\udce9"), max_size=8)


@given(st.sampled_from(["", "A=u\n", 'A="u"', "A='u' # x\n", "A=$(x)\r\n", "A+=$B", "export A=u"]), VALUES)
def test_any_value_can_be_set(text, value):
    new = shelledit.set_value(Script(text), "A", value)
    if not new.endswith("\r\n"):
        assert evaluate([Script(new)], "A") == value
    assert shelledit.set_value(Script(new), "A", value) == new


@pytest.mark.parametrize(
    "text, index, expected",
    [
        ("A=1\nB=2\n", 0, "#A=1\nB=2\n"),
        ("  export B='x' # why\r\nA=1", 0, "#  export B='x' # why\r\nA=1"),
        ('A=1\nB="2 \\\n3"', 1, 'A=1\n#B="2 \\\n#3"'),
        ("A='b\nc'\nd\n", 0, "#A='b\n#c'\nd\n"),
    ],
)
def test_comment_out(text, index, expected):
    script = Script(text)
    assert shelledit.comment_out(script, script.assignments[index]) == expected


@pytest.mark.parametrize("text", ["A=1; B=2", "B=2 A=1", "if x; then\nA=1\nfi", "A=1 x", "A=1 \\\nB=2"])
def test_comment_out_refuses_a_shared_line(text):
    script = Script(text)
    with pytest.raises(Malformed):
        shelledit.comment_out(script, next(a for a in script.assignments if a.name == "A"))


def value_of(path, text, name, folder):
    seen = shells.sourced(path, [text], folder)
    return seen and seen[name]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(shellscripts.assignments, min_size=1, max_size=4),
    st.lists(st.sampled_from(["\n", "\r\n", " # it's\n", ";"]), min_size=4, max_size=4),
    st.data(),
)
def test_properties(tmp_path_factory, made, ends, data):
    text = "".join(assignment + end for assignment, end in zip(made, ends))
    try:
        script = Script(text)
    except Malformed:
        return
    folder = str(tmp_path_factory.getbasetemp())
    certain = [a for a in script.assignments if a.certain]
    if not certain:
        return
    chosen = data.draw(st.sampled_from(certain))
    index = script.assignments.index(chosen)
    try:
        new = shelledit.edit_words(script, chosen, azure)
    except Malformed as error:
        assert "swallow" in error.message or "lose" in error.message
        return
    assert new.startswith(text[: chosen.value_start]) and new.endswith(text[chosen.end :])
    again = Script(new)
    assert shelledit.words(again, again.assignments[index]) == azure(shelledit.words(script, chosen))
    assert shelledit.edit_words(again, again.assignments[index], azure) == new
    # A real shell agrees that the value's words are the edited ones, and that the other variables are the same.
    others = "".join(text[a.start : a.end] + "\n" for a in script.assignments[:index] if a.name != chosen.name)
    before = others + text[chosen.start : chosen.end] + "\n"
    after = others + new[again.assignments[index].start : again.assignments[index].end] + "\n"
    for shell, path in shells.available().items():
        if shell == "dash" and "+=" in before:
            continue
        old_value, new_value = (value_of(path, t, chosen.name, folder) for t in (before, after))
        # GRUB would take words with quotes apart in another way than the kernel.
        if old_value is not None and not set(old_value) & set("'\"\\"):
            words = cmdline.split(new_value or "")
            assert set(ADDED.split()) <= set(words)
            assert any(part.kind != "text" for part in chosen.parts) or words == azure(cmdline.split(old_value))
