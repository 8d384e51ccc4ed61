import gc
import io
import lzma
import os
import random
import shutil
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentprep.errors import Malformed, Unknown
from agentprep.formats import extents, initrd
from tests.formats.decompressors import Running, filters
from tests.formats.images import FOLDER, KINDS, SYMLINK, TRAILER, archive, member, packed, padded, piped

KVER = "6.1.0-56-amd64"
VMBUS = f"usr/lib/modules/{KVER}/kernel/drivers/hv/hv_vmbus.ko"
MOUSE = f"usr/lib/modules/{KVER}/kernel/drivers/hid/hid-hyperv.ko.zst"
NOISE = random.Random(7).getrandbits(8 * 3000).to_bytes(3000, "little")  # nothing compresses it

MICROCODE = archive({"kernel": b"", "kernel/x86/microcode/GenuineIntel.bin": b"\1\0\0\0" * 99})
MAIN = archive(
    {
        "./usr/lib/modules": b"",
        VMBUS: b"\x7fELF" + NOISE,
        "./" + MOUSE: b"\x28\xb5\x2f\xfd" + NOISE[:99],
        "etc/modprobe.d/hardened.conf": b"blacklist floppy\n",
        "conf/conf.d/resume": b"RESUME=UUID=0\xff\n",
        "init": b"#!/bin/sh\n",
    }
)


def nothing(argv, section):
    return None


def contents(image, using=filters):
    return initrd.contents(io.BytesIO(image), using)


@pytest.fixture(autouse=True)
def no_process_left():
    yield
    gc.collect()
    assert all(process.returncode is not None for process in Running.started)
    del Running.started[:]


def is_main(found):
    assert found.modules == {VMBUS: len(NOISE) + 4, MOUSE: 103}
    assert found.modules_of(KVER) == {"hv_vmbus": VMBUS, "hid_hyperv": MOUSE}
    assert found.modules_of("6.1.0-56") == {}
    assert found.files["conf/conf.d/resume"] == b"RESUME=UUID=0\xff\n"
    assert found.texts("etc/modprobe.d", "lib/modprobe.d") == {"etc/modprobe.d/hardened.conf": "blacklist floppy\n"}
    assert set(found.files) == {"etc/modprobe.d/hardened.conf", "conf/conf.d/resume"}
    return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [b"", MICROCODE, MICROCODE + bytes(4096), MICROCODE + archive({"x": NOISE})])
@pytest.mark.parametrize("after", [b"", bytes(1), bytes(4096)])
def test_every_compression_after_microcode_and_before_padding(kind, before, after):
    found = contents(before + packed(kind, MAIN) + after)
    assert is_main(found)
    assert found.compressions == [initrd.PLAIN] * before.count(b"TRAILER!!!") + [kind]


def test_uncompressed():
    found = contents(MICROCODE + MAIN)
    assert is_main(found) and found.compressions == ["none", "none"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_a_tool_does_not_swallow_the_segment_after_its_own(kind, second):
    gap = bytes(8) if kind == "lz4" else b""  # see the next test
    other = packed(second, archive({"conf/param.conf": NOISE[:500]}))
    found = contents(packed(kind, MAIN) + gap + other)
    assert found.files.pop("conf/param.conf") == NOISE[:500]
    assert is_main(found) and found.compressions == [kind, second]


def test_what_follows_lz4_without_zeros_is_a_chunk_to_the_kernel():
    with pytest.raises(Malformed, match="lz4"):
        contents(packed("lz4", MAIN) + MAIN)
    with pytest.raises(Malformed, match="cut short"):
        contents(packed("lz4", MAIN) + packed("gzip", MAIN))
    assert is_main(contents(packed("lz4", MAIN) + packed("lz4", archive({"other": b"1"}))))


@pytest.mark.parametrize(
    "kind,argv",
    [
        ("zstd", ("zstd", "-q", "-c", "--no-check", "-19")),
        ("zstd", ("zstd", "-q", "-c", "--check", "--ultra", "-22")),
        ("zstd", ("zstd", "-q", "-c", "--stream-size=%d" % len(MAIN))),
        ("lz4", ("lz4", "-q", "-9", "-l", "-c")),
        ("lzo", ("lzop", "-q", "-9", "-c")),
        ("lzo", ("lzop", "-q", "-1", "-C", "-c")),
        ("lzo", ("lzop", "-q", "-F", "-c")),
        ("xz", ("xz", "-q", "--check=none", "-c")),
        ("xz", ("xz", "-q", "--check=crc32", "--block-size=512", "-c")),
        ("xz", ("xz", "-q", "--check=crc32", "--x86", "--lzma2=dict=1MiB", "-c")),
        ("lzma", ("xz", "-q", "--format=lzma", "-c")),
    ],
)
def test_the_options_of_the_tools(kind, argv):
    found = contents(padded(piped(argv, MAIN)) + bytes(16) + archive({"conf/x": b"1"}))
    assert found.files.pop("conf/x") == b"1"
    assert is_main(found) and found.compressions == [kind, "none"]


def test_blocks_of_zstd_that_are_raw_or_repeat_a_byte():
    raw = b"\x28\xb5\x2f\xfd\x20" + bytes([len(TRAILER)]) + (len(TRAILER) << 3 | 1).to_bytes(3, "little") + TRAILER
    repeat = b"\x28\xb5\x2f\xfd\x00\x58" + (4 << 3 | 2).to_bytes(3, "little") + b"\0"
    repeat += (len(TRAILER) << 3 | 1).to_bytes(3, "little") + TRAILER
    if not shutil.which("zstd"):
        pytest.skip("there is no zstd")
    assert contents(padded(raw) + MAIN).compressions == ["zstd", "none"]
    assert contents(padded(repeat) + MAIN).compressions == ["zstd", "none"]


def test_streams_of_xz_inside_a_stream_of_xz_do_not_end_it():
    """What does not compress is stored as it is, so whole footers and indexes are in the outer stream."""
    noise = random.Random(3).getrandbits(8 * 300000).to_bytes(300000, "little")
    inner = b"".join(packed("xz", noise[at : at + 100000]) for at in (0, 100000, 200000))
    image = packed("xz", archive({"conf/modules": inner, VMBUS: b"1"}))
    assert image.count(b"\0\1YZ") == 4
    assert contents(image + archive({"conf/x": b""})).files["conf/modules"] == inner


@pytest.mark.parametrize("over", [4, 8])
def test_a_footer_of_xz_across_two_of_the_pieces_that_are_searched(over):
    wanted = 12 + (1 << 20) + over
    noise = random.Random(5).getrandbits(8 * wanted).to_bytes(wanted, "little")
    more = len(packed("xz", noise[: wanted - 4096])) - (wanted - 4096)
    stream = packed("xz", noise[: wanted - more])
    assert len(stream) == wanted
    assert extents.xz(io.BytesIO(b"12345678" + stream + noise), 8) == 8 + wanted


def test_without_the_tool_xz_is_read_here_and_zstd_is_not():
    assert is_main(contents(MICROCODE + packed("xz", MAIN) + bytes(4), nothing))
    for kind in ("zstd", "lz4", "lzo"):
        with pytest.raises(Unknown, match="zstd|lz4|lzo"):
            contents(MICROCODE + packed(kind, MAIN), nothing)


@pytest.mark.parametrize("kind", KINDS + ["none"])
def test_a_cut_is_noticed_wherever_it_is(kind):
    small = archive({VMBUS: NOISE[:60], "conf/modules": b"hv_vmbus\n"}, to=128)
    image = small + (packed(kind, small) if kind != "none" else small)
    whole = (contents(image).modules, contents(image).files)
    real_end = len(small) + len(image[len(small) :].rstrip(b"\0") if kind in ("none", "lz4") else image[len(small) :])
    first_end = len(small.rstrip(b"\0"))
    for cut in range(len(image)):
        try:
            found = contents(image[:cut])
        except Malformed:
            continue
        assert first_end < cut <= len(small) and found.compressions == ["none"] or cut >= real_end
        assert (found.modules, found.files) == whole


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "lz4", "lzo"])
def test_what_came_before_a_cut_is_given_before_it_is_reported(kind):
    big = archive({"first": b"1", "second": bytes(9 << 20) + NOISE, VMBUS: NOISE})
    image = MICROCODE + packed(kind, big)
    names = []
    with pytest.raises(Malformed):
        for found in initrd.members(io.BytesIO(image[:-1100]), filters):
            names.append(found.name)
    assert names[1] == "kernel/x86/microcode/GenuineIntel.bin" and VMBUS not in names


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd", "lzo"])
def test_a_changed_byte_is_called_corrupt(kind):
    image = bytearray(packed(kind, MAIN))
    image[len(image) // 2] ^= 0x55
    for using in (filters, nothing) if kind == "xz" else (filters,):
        with pytest.raises(Malformed, match=f"{kind} stream, which begins at byte 0, is corrupt: .*[a-z]"):
            contents(bytes(image), using)


@pytest.mark.parametrize(
    "image,said",
    [
        (b"", "empty"),
        (bytes(4096), "nothing but zeros"),
        (MAIN + b"garbage", "garbage at byte %d" % len(MAIN)),
        (MAIN + b"\n", "garbage"),
        (MAIN.rstrip(b"\0") + bytes(2) + MAIN, "garbage|cpio"),  # the archive after it is not at a multiple of four
        (b"\x7fELF" + MAIN, "garbage at byte 0"),
        (b"0707070000" + bytes(200), "newc"),
        (member("x", b"1")[: 110 + 4], "cut short"),
        (member("x", b"1"), "without its trailer"),
        (packed("gzip", member("x", b"1")), "without its trailer"),
        (packed("gzip", MAIN + b"x"), "garbage"),
        (packed("gzip", MAIN) + b"x", "garbage"),
        (packed("gzip", b""), "holds no archive|nothing"),
        (b"\x04\x22\x4d\x18" + bytes(50), "lz4 -l|lz4 frame"),
        (lzma.compress(MAIN, lzma.FORMAT_XZ, lzma.CHECK_CRC64), "check"),
        (b"070701" + b"Z" * 104 + bytes(90), "hexadecimal"),
        (b"070701" + b"0" * 104 + bytes(90), "a name has 0 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "image",  # the images have the time in them
)
def test_what_the_kernel_could_not_unpack_is_told(image, said):
    with pytest.raises(Malformed, match=said):
        contents(image)


def test_a_missing_trailer_before_another_segment_is_no_matter_to_the_kernel():
    assert is_main(contents(member("early", b"1") + packed("gzip", MAIN)))


def test_a_later_file_replaces_an_earlier_one():
    early = archive({VMBUS: b"", MOUSE: b"old", "conf/conf.d/resume": b"old", "etc/modprobe.d/hardened.conf": b"old"})
    assert is_main(contents(early + packed("gzip", MAIN)))
    late = archive({VMBUS: b"", "conf/conf.d/resume": b""})
    found = contents(padded(packed("gzip", MAIN)) + late)
    assert VMBUS not in found.modules and found.files["conf/conf.d/resume"] == b""
    assert contents(MAIN + member(VMBUS, b"/dev/null", SYMLINK) + TRAILER).modules == {MOUSE: 103}
    gone = contents(MAIN + member("conf/conf.d/resume", b"/etc/resume", SYMLINK) + TRAILER)
    assert set(gone.files) == {"etc/modprobe.d/hardened.conf"}


@pytest.mark.parametrize(
    "target, there",
    [
        ("../../../3.10.0-957.el7.x86_64/extra/microsoft-hyper-v/hv_vmbus.ko", True),
        ("/lib/modules/3.10.0-957.el7.x86_64/extra/microsoft-hyper-v/hv_vmbus.ko", True),
        ("/lib/modules/3.10.0-957.el7.x86_64/extra/hv_vmbus.ko", False),
        ("hv_vmbus.ko", False),  # itself
    ],
)
def test_a_module_may_be_a_link_to_another_kernels(target, there):
    """weak-modules(8) of RHEL makes them for packages such as Microsoft's, and dracut-install takes both along."""
    real = "usr/lib/modules/3.10.0-957.el7.x86_64/extra/microsoft-hyper-v/hv_vmbus.ko"
    weak = "usr/lib/modules/3.10.0-1160.el7.x86_64/weak-updates/microsoft-hyper-v/hv_vmbus.ko"
    image = member(real, b"\x7fELF" + NOISE) + member(weak, target.encode(), SYMLINK) + TRAILER
    held = contents(image).modules_of("3.10.0-1160.el7.x86_64")
    assert held == ({"hv_vmbus": weak} if there else {})


@pytest.mark.parametrize("bytes_come", ["first", "last"])
def test_the_names_of_one_file_share_its_bytes(bytes_come):
    names = [VMBUS, "conf/a", "conf/b", f"lib/modules/{KVER}/updates/hv-vmbus.ko.xz"]
    full = 0 if bytes_come == "first" else len(names) - 1
    links = [member(name, b"data" if at == full else b"", inode=5, links=4) for at, name in enumerate(names)]
    stranger = member("conf/c", b"", inode=5, links=2)
    found = contents(b"".join(links) + TRAILER + stranger + TRAILER)
    assert found.modules == {names[0]: 4, names[3]: 4}
    assert found.files == {"conf/a": b"data", "conf/b": b"data", "conf/c": b""}


def test_links_do_not_cross_segments():
    one = member("conf/a", b"one", inode=5, links=2) + TRAILER
    two = member("conf/b", b"", inode=5, links=2) + TRAILER
    for image in (one + packed("gzip", two), padded(packed("gzip", one)) + two, packed("gzip", one + two)):
        assert contents(image).files == {"conf/a": b"one", "conf/b": b""}


def test_folders_with_many_links_are_no_links():
    folder = member("conf/conf.d", b"", FOLDER, inode=0, links=9)
    assert contents(folder + member("conf/x", b"1", inode=0) + TRAILER).files == {"conf/x": b"1"}


def test_a_checksum_format_and_padded_names_are_read():
    image = member("conf/x\0\0\0\0", b"1", magic=b"070702") + TRAILER
    assert contents(image).files == {"conf/x": b"1"}


def test_content_is_captured_only_where_it_is_wanted_and_small():
    found = list(initrd.members(io.BytesIO(MAIN), filters, lambda m: m.name == "init"))
    assert [m.name for m in found if m.content is not None] == ["init"]
    assert {m.name: m.size for m in found}["init"] == 10
    with pytest.raises(Malformed, match="conf/big"):
        contents(archive({"conf/big": bytes((4 << 20) + 1)}))


def test_segments_say_where_they_begin():
    segments = []
    first = MICROCODE + bytes(512)
    image = first + packed("gzip", MAIN)
    names = [m.name for m in initrd.members(io.BytesIO(image), filters, segments=segments)]
    assert segments == [(0, "none"), (len(first), "gzip")] and "TRAILER!!!" not in names


@pytest.mark.parametrize("kind", ["zstd", "xz", "lz4", "lzo"])
def test_a_reader_that_stops_early_leaves_no_process(kind):
    reading = initrd.members(io.BytesIO(packed(kind, archive({"a": b"1", "b": bytes(1 << 20) + NOISE * 99}))), filters)
    assert next(reading).name == "a"
    assert Running.started[-1].returncode is None
    reading.close()
    assert Running.started[-1].returncode is not None


def test_cpio_agrees(tmp_path):
    if not shutil.which("cpio"):
        pytest.skip("there is no cpio to compare with")
    listed = piped(("cpio", "--quiet", "-it"), MAIN).decode().split("\n")[:-1]
    assert [os.path.normpath(name) for name in listed] == [m.name for m in initrd.members(io.BytesIO(MAIN), filters)]
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(NOISE)
    os.link(str(tmp_path / "a"), str(tmp_path / "c"))
    os.symlink("a", str(tmp_path / "d"))
    made = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc"], input=b"a\nb\nc\nd\n", cwd=str(tmp_path), stdout=subprocess.PIPE
    ).stdout
    found = {m.name: m for m in initrd.members(io.BytesIO(made), filters)}
    assert found["a"].link == found["c"].link and {found["a"].size, found["c"].size} == {0, len(NOISE)}
    assert (found["b"].link, found["b"].size, found["d"].link, found["d"].size) == (None, len(NOISE), None, 1)


LARGE = """
    import sys
    sys.path[:0] = [sys.argv[1]]
    from agentprep.formats import extents, initrd
    from tests.formats.decompressors import filters
    with open(sys.argv[2], "rb") as image:
        print(len(initrd.contents(image, filters).modules))
    with open("/proc/self/status") as status:  # ru_maxrss would start with what pytest had when it forked
        print([line.split()[1] for line in status if line.startswith("VmHWM")][0])
"""


@pytest.mark.parametrize("kind", ["none", "gzip", "xz", "zstd", "lz4"])
def test_memory_does_not_grow_with_the_image(kind, tmp_path):
    large = b"".join(member(f"lib/modules/5/{at}.ko", bytes(16 << 20)) for at in range(4)) + TRAILER
    path = tmp_path / "image"
    path.write_bytes(MICROCODE * 50 + (large if kind == "none" else packed(kind, large)))
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    argv = [sys.executable, "-c", textwrap.dedent(LARGE), root, str(path)]
    count, peak = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout.split()
    assert (int(count), int(peak) < 45 * 1024) == (4, True)


MAGICS = [b"", MICROCODE, b"\x1f\x8b\x08", b"BZh9", b"\x5d\0\0\x80\0", b"\xfd7zXZ\0\0\1\x69\x22\xde\x36"]
MAGICS += [b"\x89LZO\0\r\n\x1a\n\x10", b"\x02\x21\x4c\x18", b"\x28\xb5\x2f\xfd", b"070701", b"070702", bytes(9)]


@settings(deadline=None)
@given(st.sampled_from(MAGICS), st.sampled_from(MAGICS), st.binary())
def test_any_bytes_raise_malformed_or_nothing(one, two, rest):
    try:
        contents(one + two + rest)
    except Malformed:
        pass
    except Unknown as error:  # of a packing whose program is not here
        assert "there is no" in error.message


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), st.integers(0, 10000), st.integers(1, 255))
def test_any_changed_byte_raises_malformed_or_nothing(kind, at, change):
    image = bytearray(packed(kind, MAIN))
    image[at % len(image)] ^= change
    try:
        contents(bytes(image))
    except Malformed:
        pass
