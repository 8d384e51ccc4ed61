"""Boot Loader Specification entries as GRUB's blscfg reads them, and edits of their values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import bls, cmdline

# RHEL 8.10: written by 20-grub.install from /lib/modules/VERSION/bls.conf
RHEL_8 = """title Red Hat Enterprise Linux (4.18.0-553.el8_10.x86_64) 8.10 (Ootpa)
version 4.18.0-553.el8_10.x86_64
linux /vmlinuz-4.18.0-553.el8_10.x86_64
initrd /initramfs-4.18.0-553.el8_10.x86_64.img $tuned_initrd
options $kernelopts $tuned_params
id rhel-20240516132543-4.18.0-553.el8_10.x86_64
grub_users $grub_users
grub_arg --unrestricted
grub_class kernel
"""
LINES = st.one_of(
    st.sampled_from(
        ["", "# x", "options a b", "options", "\tlinux  /x ", "title", "options\t$kernelopts 'a b'", "x y\r"]
    ),
    st.text(max_size=20),
)
TEXTS = st.lists(LINES, max_size=8).map("\n".join)
NAMES = st.text("abc", min_size=1, max_size=3)
WORDS = st.lists(st.one_of(NAMES, st.builds("{}={}".format, NAMES, st.text("ab1,:/.-", max_size=4))), max_size=5)
BLANKS = st.sampled_from(["", " ", "  ", "\t"])


def keys(fields):
    return [(field.key, field.value) for field in fields]


def test_a_real_entry_is_read():
    assert [field.key for field in bls.fields(RHEL_8)] == [line.split()[0] for line in RHEL_8.splitlines()]
    options = bls.fields(RHEL_8)[4]
    assert (options.value, options.line) == ("$kernelopts $tuned_params", 5)
    assert RHEL_8[options.start : options.end] == options.value
    assert bls.loaded(RHEL_8) == bls.fields(RHEL_8)


@pytest.mark.parametrize(
    "text, all_of_it, by_grub",
    [
        ("# c\ntitle a  b \n", [("title", "a  b ")], [("title", "a  b ")]),
        ("title a\n\noptions b\n", [("title", "a"), ("options", "b")], [("title", "a")]),
        ("title\nlinux /x\n", [("linux", "/x")], []),
        ("title \nlinux /x", [("linux", "/x")], []),
        ("\t linux\t/x\r\noptions a\r\n", [("linux", "/x"), ("options", "a")], [("linux", "/x"), ("options", "a")]),
        ("linux /x\n  # c\noptions a", [("linux", "/x"), ("options", "a")], [("linux", "/x"), ("options", "a")]),
        ("", [], []),
    ],
)
def test_grub_stops_at_a_line_without_a_value(text, all_of_it, by_grub):
    assert (keys(bls.fields(text)), keys(bls.loaded(text))) == (all_of_it, by_grub)


@pytest.mark.parametrize(
    "value, expected",
    [
        ("$kernelopts $tuned_params", "root=1 ro  "),
        ("a $kernelopts b", "a root=1 ro b"),
        ("x=$one,y", "x=1 ,y"),
        ("$unknown a", "a"),
        ("\\$one", "\\$one"),
        ("${one}", "{one}"),
        ("$", ""),
    ],
)
def test_variables_are_expanded_as_blscfg_does(value, expected):
    known = {"kernelopts": "root=1 ro", "tuned_params": "", "one": "1"}
    assert bls.expanded(value, known).split() == expected.split()


@pytest.mark.parametrize(
    "value, expected",
    [
        ("root=UUID=1 ro  quiet ", ["root=UUID=1", "ro", "quiet"]),
        ("acpi_osi='Windows 2012' a", ['"acpi_osi=Windows 2012"', "a"]),
        ("crashkernel=1G-4G:192M,4G-64G:256M $tuned_params", ["crashkernel=1G-4G:192M,4G-64G:256M", "$tuned_params"]),
        ("", []),
    ],
)
def test_values_are_read_with_grubs_quoting(value, expected):
    assert bls.words(value) == expected


def test_an_edit_keeps_what_stays_byte_for_byte():
    value = "root=UUID=1  ro acpi_osi='Windows 2012'\tquiet $tuned_params "
    assert bls.edited(value, lambda words: cmdline.merge(words, ["a=1"], ["quiet"])) == (
        "root=UUID=1  ro acpi_osi='Windows 2012' $tuned_params a=1 "
    )


def test_the_first_word_has_no_blank_before_it():
    assert bls.edited("", lambda words: ["a"]) == "a"
    assert bls.edited(" ", lambda words: ["a"]) == "a "
    assert bls.edited("quiet", lambda words: []) == ""


@pytest.mark.parametrize("value", ["a 'b", 'a "b', "a\\"])
def test_an_open_quote_is_malformed(value):
    with pytest.raises(Malformed):
        bls.edited(value, lambda words: words + ["x"])


@pytest.mark.parametrize("value", ["a ; b", "a } b", "a & b"])
def test_a_value_that_grub_reads_as_more_than_words_is_kept_or_malformed(value):
    assert bls.edited(value, lambda words: words) == value
    try:
        made = bls.edited(value, lambda words: words + ["x"])
    except Malformed:
        return
    assert bls.words(made) == bls.words(value) + ["x"]


def test_a_field_is_added_where_grub_reads_it():
    assert bls.added("title a\nlinux /x\n\nversion 1\n", "options", "b") == (
        "title a\nlinux /x\noptions b\n\nversion 1\n"
    )
    assert bls.added("linux /x", "options", "b") == "linux /x\noptions b\n"
    assert bls.added("linux /x\r\n", "options", "b") == "linux /x\r\noptions b\r\n"


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_values_put_back_are_the_same_text(text):
    fields = bls.fields(text)
    assert bls.replaced(text, {field: field.value for field in fields}) == text
    assert set(bls.loaded(text)) <= set(fields)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(0, 7), st.text("ab", min_size=1, max_size=4))
def test_a_replaced_value_is_the_only_difference(text, index, value):
    fields = bls.fields(text)
    if fields:
        chosen = fields[index % len(fields)]
        made = bls.replaced(text, {chosen: value})
        expected = [(one.key, value if one is chosen else one.value) for one in fields]
        assert keys(bls.fields(made)) == expected
        assert made.replace(value, "", 1).count("\n") == text.count("\n")


@settings(max_examples=60, deadline=None)
@given(WORDS, WORDS, WORDS, BLANKS, BLANKS)
def test_editing_twice_is_editing_once_and_says_what_it_does(old, add, remove, blank, end):
    value = (blank or " ").join(old) + end

    def transform(words):
        return cmdline.merge(words, add, remove)

    made = bls.edited(value, transform)
    assert bls.words(made) == transform(old)
    assert bls.edited(made, transform) == made
    assert made.endswith(end) or not transform(old)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_arbitrary_text_raises_nothing_but_malformed(text):
    bls.fields(text), bls.loaded(text), bls.expanded(text, {"a": "b"})
    try:
        words = bls.words(text)
        made = bls.edited(text, lambda words: words + ["x=1"])
    except Malformed:
        return
    assert bls.words(made) == words + ["x=1"]
