"""Kernel arguments in /etc/kernel/cmdline and in entries of systemd-boot: read as their readers do, edited by line.

The entries are what kernel-install of systemd 257.13 (Debian 13) and sdbootutil (openSUSE) write.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import bls, cmdline
from agentprep.formats.optionlines import edited_entry, edited_file, in_entry, in_file

ENTRY = """# Boot Loader Specification type#1 entry
# File created by /usr/lib/kernel/install.d/90-loaderentry.install (systemd 257.13-1~deb13u1)
title      Debian GNU/Linux 13 (trixie)
version    6.12.43+deb13-amd64
machine-id 0123456789abcdef0123456789abcdef
sort-key   debian
options    root=UUID=1 ro quiet systemd.machine_id=0123456789abcdef0123456789abcdef
linux      /0123456789abcdef0123456789abcdef/6.12.43+deb13-amd64/linux
initrd     /0123456789abcdef0123456789abcdef/6.12.43+deb13-amd64/initrd.img-6.12.43+deb13-amd64
"""


def wanted(old):
    return cmdline.merge(old, ["console=ttyS0,115200n8"], ["quiet"])


def test_the_lines_of_the_file_are_one_command_line():
    assert in_file("# ours\nroot=UUID=1 ro\n  # quiet\nquiet\n") == ["root=UUID=1", "ro", "quiet"]
    assert in_file('dyndbg="file a +p"\tro') == ['dyndbg="file a +p"', "ro"]
    assert in_file("") == in_file("\n#\n") == []


@pytest.mark.parametrize("old, new", [
    ("root=UUID=1 ro quiet\n", "root=UUID=1 ro console=ttyS0,115200n8\n"),
    ("root=UUID=1 ro quiet", "root=UUID=1 ro console=ttyS0,115200n8"),
    ("# by hand\nroot=UUID=1   ro\nquiet\nsplash\n", "# by hand\nroot=UUID=1   ro\nsplash console=ttyS0,115200n8\n"),
    ("quiet\nro\n", "ro console=ttyS0,115200n8\n"),
    ("# nothing yet", "# nothing yet\nconsole=ttyS0,115200n8\n"),
    ("", "console=ttyS0,115200n8\n"),
    ("ro  console=ttyS0,115200n8\n", "ro  console=ttyS0,115200n8\n"),
    ("ro quiet\nconsole=ttyS0,9600\n", "ro\nconsole=ttyS0,115200n8\n"),
    ('dyndbg="file a\nb +p" quiet\n', 'dyndbg="file a b +p" console=ttyS0,115200n8\n'),
])  # fmt: skip
def test_the_file_is_edited_by_line(old, new):
    assert edited_file(old, wanted) == new


def test_an_argument_that_would_be_a_comment_is_refused():
    with pytest.raises(Malformed, match="cannot be written"):
        edited_file("ro\n", lambda old: ["#x"] + old)
    assert in_entry(edited_entry(ENTRY, lambda old: ["#x"])) == ["#x"]


def test_the_entry_is_edited_in_its_options_alone():
    tail = "systemd.machine_id=0123456789abcdef0123456789abcdef"
    assert in_entry(ENTRY) == ["root=UUID=1", "ro", "quiet", tail]
    assert edited_entry(ENTRY, wanted) == ENTRY.replace(
        "ro quiet " + tail, "ro %s console=ttyS0,115200n8" % tail
    )  # fmt: skip


@pytest.mark.parametrize("old, new", [
    ("options root=1 quiet\noptions ro\n", "options root=1\noptions ro console=ttyS0,115200n8\n"),
    ("options quiet\nlinux /x\noptions ro\n", "linux /x\noptions ro console=ttyS0,115200n8\n"),
    ("options\tro quiet  \r\nlinux /x\r\n", "options\tro console=ttyS0,115200n8\r\nlinux /x\r\n"),
    ("linux /x\n", "linux /x\noptions console=ttyS0,115200n8\n"),
    ('options "ro quiet"\n', "options ro console=ttyS0,115200n8\n"),
    ('options dyndbg="a b\noptions c" quiet\n', 'options dyndbg="a b c" console=ttyS0,115200n8\n'),
    ("#options quiet\noptions ro console=ttyS0,115200n8\n", "#options quiet\noptions ro console=ttyS0,115200n8\n"),
])  # fmt: skip
def test_entries_by_hand(old, new):
    assert edited_entry(old, wanted) == new


def test_a_pair_of_quotes_around_the_value_is_not_the_kernels():
    assert in_entry('options "root=1 ro"\n') == in_entry("options 'root=1 ro'\n") == ["root=1", "ro"]
    assert in_entry('options "a b" c="d e"\n') == ["a", 'b" c="d', "e"]  # what systemd-boot makes of it
    text = edited_entry("options x\n", lambda old: ['"a=b c"', 'd="e f"'])
    assert text == 'options ""a=b c" d="e f""\n' and in_entry(text) == ['"a=b c"', 'd="e f"']


ARGUMENT = st.from_regex(r"[a-z][a-z.]{0,3}(=[a-z0-9,]{1,3})?", fullmatch=True)
ARGUMENTS = st.lists(ARGUMENT, max_size=4)
BLANK = st.sampled_from([" ", "\t", "  "])
LINE = st.builds(lambda blank, words: blank.join(words), BLANK, ARGUMENTS)
FILE = st.lists(LINE | st.sampled_from(["", "# quiet", "  #x"]), max_size=5).map("\n".join)
OTHER = st.sampled_from(["", "# options x", "title x", "linux /a/b", "initrd /c", "sort-key\td"])
ENTRIES = st.lists(OTHER | LINE.map("options {}".format), max_size=6).map(
    lambda found: "".join(x + "\n" for x in found)
)


@pytest.mark.parametrize("read, edit, texts", [(in_file, edited_file, FILE), (in_entry, edited_entry, ENTRIES)])
def test_properties(read, edit, texts):
    @given(texts, ARGUMENTS)
    def edits(text, new):
        assert edit(text, lambda old: old) == text
        made = edit(text, lambda old: new)
        assert read(made) == new and edit(made, lambda old: new) == made
        merged = edit(text, lambda old: cmdline.merge(old, new, ["quiet"]))
        assert read(merged) == cmdline.merge(read(text), new, ["quiet"])

    edits()


@given(ENTRIES, ARGUMENTS)
def test_other_fields_stay(text, new):
    def others(entry):
        return [(field.key, field.value) for field in bls.fields(entry) if field.key != "options"]

    assert others(edited_entry(text, lambda old: new)) == others(text)


@given(st.text(), st.text(alphabet="ab=\"' \t"))
def test_anything_is_read_and_edited_or_refused(text, more):
    for read, edit in ((in_file, edited_file), (in_entry, edited_entry)):
        for one in (text, "options " + more, more + "\n" + more):
            try:
                made = edit(one, wanted)
            except Malformed:
                continue
            assert read(made) == wanted(read(one))
