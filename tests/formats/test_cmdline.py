"""The kernel command line is read and merged as the kernel itself would read it."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import cmdline

AZURE = ["console=ttyS0,115200n8", "earlyprintk=ttyS0,115200", "rootdelay=300"]
UNWANTED = ["rhgb", "quiet", "crashkernel"]


@pytest.mark.parametrize(
    "text, arguments",
    [
        ("", []),
        (" \t\n", []),
        ("ro  quiet\tsplash\n", ["ro", "quiet", "splash"]),
        ('dyndbg="file drivers/usb/* +p" ro', ['dyndbg="file drivers/usb/* +p"', "ro"]),
        ('"acpi_osi=Windows 2012" ro', ['"acpi_osi=Windows 2012"', "ro"]),
        ("acpi_osi='Windows 2012'", ["acpi_osi='Windows", "2012'"]),  # single quotes mean nothing to the kernel
        ('a=b"c d"e f', ['a=b"c d"e', "f"]),
        ('a "b c', ["a", '"b c']),
        ("a\u00a0b \u2028", ["a\u00a0b", "\u2028"]),
        ("x=\udce9 y", ["x=\udce9", "y"]),
    ],
)
def test_split(text, arguments):
    assert cmdline.split(text) == arguments


@pytest.mark.parametrize(
    "argument, key, value",
    [
        ("quiet", "quiet", None),
        ("root=UUID=a-b", "root", "UUID=a-b"),
        ("console=", "console", ""),
        ("hv-netvsc.ring-size=9", "hv_netvsc.ring_size", "9"),
        ('dyndbg="a b"', "dyndbg", "a b"),
        ('"acpi_osi=Windows 2012"', "acpi_osi", "Windows 2012"),
        ("=odd", "=odd", None),
        ('"', "", None),
        ('a="', "a", ""),
    ],
)
def test_key_and_value(argument, key, value):
    assert (cmdline.key(argument), cmdline.value(argument)) == (key, value)


@pytest.mark.parametrize(
    "argument, pattern, expected",
    [
        ("quiet", "quiet", True),
        ("quiet=1", "quiet", True),
        ("rdquiet", "quiet", False),
        ("quiet_boot", "quiet", False),
        ("rhgb=1", "rhgb", True),
        ("crashkernel=384M-:128M", "crashkernel", True),
        ("crashkernel=128M", "crashkernel=auto", False),
        ("crashkernel=auto", "crashkernel=auto", True),
        ("console=ttyS0", "console=ttyS0,115200n8", False),
        ("console=ttyS0,115200n8", "console=ttyS0", False),
        ("net.ifnames=0", "net.ifnames", True),
        ("net_ifnames=0", "net.ifnames", False),
        ("log-buf-len=1M", "log_buf_len", True),
        ("a=x-y", "a=x_y", False),
        ("quiet", "quiet=", False),
        ("reserve=0x1f0,0x8", "reserve=0x1f0,0x8", True),
    ],
)
def test_matches(argument, pattern, expected):
    assert cmdline.matches(argument, pattern) is expected


@pytest.mark.parametrize(
    "text, add, remove, expected",
    [
        ("", AZURE, UNWANTED, "console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=300"),
        (
            "ro rhgb quiet crashkernel=auto crashkernel=1M,high LANG=en_US.UTF-8",
            AZURE,
            UNWANTED,
            "ro LANG=en_US.UTF-8 console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=300",
        ),
        # Other consoles stay, the same device is replaced where it stands, ours is the last console.
        ("console=tty0 console=ttyS0 ro", AZURE[:1], [], "console=tty0 console=ttyS0,115200n8 ro"),
        ("console=ttyS0,9600 console=tty0 ro", AZURE[:1], [], "console=tty0 ro console=ttyS0,115200n8"),
        ("console=tty0 console=ttyS1", AZURE[:1], [], "console=tty0 console=ttyS1 console=ttyS0,115200n8"),
        ("console=ttyS0 console=ttyS0,9600 ro", AZURE[:1], [], "console=ttyS0,115200n8 ro"),
        ("console=ttyS00", ["console=ttyS0"], [], "console=ttyS00 console=ttyS0"),
        ("console=ttyS0 ro console=tty1", ["console=tty1", "console=ttyS0"], [], "console=tty1 console=ttyS0 ro"),
        ("console=hvc0 ro", ["console=tty1", "console=ttyS0"], [], "console=hvc0 ro console=tty1 console=ttyS0"),
        ("console=tty0 console=hvc0 ro", ["console=ttyS0"], ["console=hvc0"], "console=tty0 ro console=ttyS0"),
        ("console=tty0 ro", ["console=ttyS0"], ["console"], "ro console=ttyS0"),
        ("ro", ["console=ttyS0,9600", "console=tty0", "console=ttyS0"], [], "ro console=tty0 console=ttyS0"),
        # Another value of the same name gives its place.
        ("rootdelay=10 ro rootdelay=20", ["rootdelay=300"], [], "rootdelay=300 ro"),
        ("rootdelay=300 ro rootdelay=20", ["rootdelay=300"], [], "rootdelay=300 ro"),
        ("a=1 ro", ["a=2", "a=3"], [], "a=2 a=3 ro"),
        ("ro quiet quiet", ["quiet"], [], "ro quiet"),
        ("crashkernel=auto ro", ["crashkernel=128M"], ["crashkernel"], "crashkernel=128M ro"),
        # Already right: not even the spelling changes.
        ("console=tty0 console=ttyS0,115200n8 ro", AZURE[:1], UNWANTED, "console=tty0 console=ttyS0,115200n8 ro"),
        (" ".join(reversed(AZURE)), AZURE, UNWANTED, " ".join(reversed(AZURE))),
        ('"console=ttyS0" ro', ["console=ttyS0"], [], '"console=ttyS0" ro'),
        # What follows "--" is init's.
        ("ro quiet -- quiet rootdelay=1", ["rootdelay=300"], ["quiet"], "ro rootdelay=300 -- quiet rootdelay=1"),
        ("__ -- x", ["b"], [], "__ b -- x"),
    ],
)
def test_merge(text, add, remove, expected):
    merged = cmdline.merge(cmdline.split(text), add, remove)
    assert cmdline.join(merged) == expected
    assert cmdline.merge(merged, add, remove) == merged


def test_without_leaves_the_others_in_order():
    text = "ro quiet rdquiet rhgb=1 quiet_boot -- quiet"
    assert cmdline.without(cmdline.split(text), ["quiet", "rhgb"]) == ["ro", "rdquiet", "quiet_boot", "--", "quiet"]


def test_values():
    arguments = cmdline.split('root=/dev/sda1 console=tty0 quiet console="ttyS0" -- root=x')
    assert cmdline.values(arguments, "console") == ["tty0", "ttyS0"]
    assert cmdline.values(arguments, "quiet") == [None]
    assert cmdline.values(arguments, "root") == ["/dev/sda1"]


def test_size_counts_bytes_and_the_final_nul():
    assert cmdline.size(["a", "\u00e9", "\udce9"]) == len(b"a \xc3\xa9 \xe9\0")
    assert cmdline.size([]) == 1


def test_an_open_quote_is_refused_where_it_would_swallow_an_argument():
    assert cmdline.merge(["ro", 'a="b c'], [], ["quiet"]) == ["ro", 'a="b c']
    with pytest.raises(Malformed):
        cmdline.merge(["ro", 'a="b c'], ["rootdelay=300"], [])


def test_words_in_the_quotes_of_a_boot_loader_are_kept():
    assert cmdline.merge(["acpi_osi='Windows 2012'", "quiet"], ["a=1"], ["quiet"]) == ["acpi_osi='Windows 2012'", "a=1"]


@pytest.mark.parametrize("add", ["", "a b", "--", 'a="b'])
def test_only_whole_arguments_can_be_added(add):
    with pytest.raises(Malformed):
        cmdline.merge(["ro"], [add], [])


TOKENS = st.sampled_from(
    ["ro", "quiet", "rhgb", "rhgb=1", "a=1", "a=2", "-a=1", "b-c=1", "b_c=2", "console=tty0", "console=tty1"]
    + ["console=", "console=ttyS0", "console=ttyS0,9600", '"console=ttyS0"', "console"]
    + ['d="x y"', "--", "__", "root=UUID=1-2"]
)
LINES = st.lists(TOKENS, max_size=10)
PATTERNS = st.lists(TOKENS.filter(lambda token: token != "--"), max_size=5)


def others(arguments, add, remove):
    """The arguments that a merge has no business with."""
    mine = {cmdline.key(a) for a in add} - {"console"}
    devices = {(cmdline.value(a) or "").split(",")[0] for a in add if cmdline.key(a) == "console"}
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [
        a
        for i, a in enumerate(arguments)
        if i >= end
        or not (
            cmdline.key(a) in mine
            or (cmdline.key(a) == "console" and (cmdline.value(a) or "").split(",")[0] in devices)
            or any(cmdline.matches(a, pattern) for pattern in remove)
        )
    ]


@given(LINES, PATTERNS, PATTERNS)
def test_merge_properties(arguments, add, remove):
    merged = cmdline.merge(arguments, add, remove)
    assert cmdline.merge(merged, add, remove) == merged
    assert others(merged, add, remove) == others(arguments, add, remove)
    kernel = merged[: merged.index("--")] if "--" in merged else merged
    seen = [(cmdline.key(a), cmdline.value(a)) for a in kernel]
    consoles = [a for a in add if cmdline.key(a) == "console"]
    for argument in add:
        if cmdline.key(argument) != "console":
            assert seen.count((cmdline.key(argument), cmdline.value(argument))) == 1
    if consoles:
        last = [pair for pair in seen if pair[0] == "console"][-1]
        assert last == ("console", cmdline.value(consoles[-1]))
    wanted = {cmdline.key(a) for a in add}
    for pattern in remove:
        assert cmdline.key(pattern) in wanted or not any(cmdline.matches(a, pattern) for a in kernel)


@given(st.text(alphabet=st.sampled_from("ab=\"' \t\n\\$-\u00a0\udce9,"), max_size=30))
def test_any_text_splits_and_joins(text):
    arguments = cmdline.split(text)
    assert cmdline.split(cmdline.join(arguments)) == arguments
    assert "".join(arguments).replace(" ", "") == "".join(c for c in text if c not in " \t\n") or '"' in text


@given(st.text(alphabet=st.sampled_from('ab=" -,'), max_size=20), PATTERNS, PATTERNS)
def test_any_text_merges_or_is_malformed(text, add, remove):
    arguments = cmdline.split(text)
    assume("--" not in arguments)
    try:
        merged = cmdline.merge(arguments, add, remove)
    except Malformed:
        assert text.count('"') % 2
        return
    assert cmdline.split(cmdline.join(merged)) == merged
