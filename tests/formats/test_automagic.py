"""The options in Debian's menu.lst are read and edited as update-grub of grub-legacy 0.97-80 reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import automagic
from agentprep.formats.automagic import BEGIN, END, FIRST, LAST, Option
from tests.boot.legacy import DEBIAN_KERNELS, DEBIAN_MENU, update_grub

ROOT = "root=UUID=6f2a1c70-7a55-4f0a-93d1-2b8d3d9d8f11"


def block(*options):
    return "\n".join(["title a", BEGIN, FIRST] + list(options) + [LAST, END, "title b", ""])


def test_the_options_of_a_generated_menu():
    assert automagic.options(DEBIAN_MENU) == [
        Option("kopt", "", [ROOT, "ro"], 62),
        Option("defoptions", "", ["quiet"], 81),
        Option("xenhopt", "", [], 89),
        Option("xenkopt", "", ["console=tty0"], 92),
        Option("altoptions", "(single-user mode)", ["single"], 98),
    ]
    assert automagic.future(DEBIAN_MENU) == {
        "future": [ROOT, "ro", "quiet"], "future (recovery)": [ROOT, "ro", "single"],
    }  # fmt: skip


def test_only_what_update_grub_reads_counts():
    early = BEGIN + "\n# kopt=too early\n"
    assert automagic.options(early) == []
    text = block("## kopt=a", "#kopt=b", " # kopt=c", "# kopts=d", "# kopt=e", "# kopt_2_6=f")
    assert [(one.name, one.words) for one in automagic.options("# kopt=x\n# defoptions=y\n" + text + "# kopt=z\n")] == [
        ("kopt", ["e"]), ("kopt_2_6", ["f"]),
    ]  # fmt: skip
    assert automagic.options("# altoptions=(x) y\n")[0].words == ["y"], "these it looks for in the whole file"
    assert automagic.options("") == [] and automagic.future("# altoptions=(x) y\n") == {
        "future": [], "future (recovery)": ["y"],
    }  # fmt: skip


def test_lines_that_end_as_on_dos_are_refused():
    with pytest.raises(Malformed, match="line 2: a carriage return"):
        automagic.options(block("# kopt=a").replace("\n", "\r\n"))


def test_an_edit_changes_only_the_words():
    def transform(option):
        words = [word for word in option.words if word not in ("ro", "quiet", "single")]
        return words + ["new"] if option.name in ("kopt", "altoptions") else words

    edited = automagic.edit(DEBIAN_MENU, transform)
    expected = DEBIAN_MENU.replace("# kopt=%s ro\n" % ROOT, "# kopt=%s new\n" % ROOT)
    expected = expected.replace("# defoptions=quiet\n", "# defoptions=\n")
    assert edited == expected.replace(
        "# altoptions=(single-user mode) single\n", "# altoptions=(single-user mode) new\n"
    )
    assert automagic.edit("# altoptions=(x) \n", lambda option: ["a"]) == "# altoptions=(x) a \n"


def test_a_missing_kopt_gets_its_place():
    assert automagic.with_kopt(DEBIAN_MENU, ["a"]) == DEBIAN_MENU
    assert automagic.with_kopt(block("# kopt_2_6=x"), ["a", "b"]) == block("# kopt=a b", "# kopt_2_6=x")
    bare = "\n".join([BEGIN, END, ""])
    assert automagic.with_kopt(bare, ["a"]) == "\n".join([BEGIN, FIRST, "# kopt=a", LAST, END, ""])
    for text in ("", "title x\nkernel /vmlinuz", "title x\n"):
        made = automagic.with_kopt(text, ["a"])
        assert made.startswith(text) and automagic.future(made) == {"future": ["a"]}
        assert automagic.with_kopt(made, ["b"]) == made


def test_an_option_for_one_kernel_alone():
    text = block("# kopt=a b", "# kopt_2_6=c", "# defoptions=x")
    assert automagic.of_kernel(text, "2.6.32-5-amd64") == ["c"] and automagic.of_kernel(text, "3.2.0-4") == ["a", "b"]
    own = automagic.with_kernel(text, "2.6.32-5-amd64", ["c", "numa=off"])
    assert own == text.replace("=c\n", "=c\n# kopt_2_6_32_5_amd64=c numa=off\n")
    assert automagic.of_kernel(own, "2.6.32-5-amd64") == ["c", "numa=off"]
    assert automagic.with_kernel(own, "2.6.32-5-amd64", ["d"]) == own.replace("c numa=off", "d")
    with pytest.raises(Malformed):
        automagic.with_kernel(text, "2.6.32~x", ["a"])


def test_the_fake_update_grub_is_like_the_real_one():
    assert update_grub(DEBIAN_MENU, DEBIAN_KERNELS) == DEBIAN_MENU


WORDS = st.lists(st.sampled_from(["root=/dev/sda1", "ro", "quiet", 'a="b c"', "single", "vga=791", '"']), max_size=4)
LINES = st.lists(
    st.one_of(
        st.sampled_from([BEGIN, END, FIRST, LAST, "title x", "# comment", "", "# kopt", "\udcff"]),
        st.tuples(
            st.sampled_from(
                ["# kopt=", "# kopt_2_6=", "# defoptions= ", "# altoptions=(x) ", "# altoptions=", "# xenkopt="]
            ),
            WORDS,
        ).map(lambda pair: pair[0] + "  ".join(pair[1])),
    ),
    max_size=12,
).map("\n".join)


@given(LINES)
def test_an_edit_of_nothing_is_the_identity(text):
    assert automagic.edit(text, lambda option: option.words) == text


@given(LINES)
def test_an_edit_does_what_it_says_once(text):
    def transform(option):
        words = [word for word in option.words if word not in ("quiet", '"') and word.count('"') != 1]
        return words + ([] if "b=2" in words or not option.always else ["b=2"])

    edited = automagic.edit(text, transform)
    assert [one._replace(words=transform(one)) for one in automagic.options(text)] == automagic.options(edited)
    assert automagic.edit(edited, transform) == edited


@given(st.binary(max_size=200))
def test_any_bytes_are_read(content):
    text = content.decode("utf-8", "surrogateescape")
    assert automagic.edit(text, lambda option: option.words) == text
