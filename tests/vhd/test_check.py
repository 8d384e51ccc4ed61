"""What `vhd check` says of images, good and bad, and that it reads no more than their ends."""

import json
import os
import resource
import struct
import time

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentprep.formats import vhd as footers
from agentprep.vhd.image import Image
from agentprep.vhd.judged import Wanted, judged
from tests.vhd.images import GIB, GPT, HOME, MBR, MIB, qemu, raw, vhd

SCHEMA = os.path.join(HOME, "agentprep", "report.schema.json")


def finished(path, size=20 * MIB, table=MBR, **options):
    vhd("finish", raw(path, size, table, **options))
    return str(path)


def verdicts(path, generation=0, limit=""):
    with Image(str(path)) as image:
        return {one.id: (one.status, " ".join(one.evidence), " ".join(one.remedy))
                for one in judged(image, Wanted(generation, limit))}  # fmt: skip


def test_a_good_one_is_ready_and_its_document_is_valid(tmp_path):
    path = finished(tmp_path / "disk.vhd", table=GPT)
    code, out, err = vhd("check", path, "--json")
    told = json.loads(out)
    with open(SCHEMA, encoding="utf-8") as stream:
        jsonschema.validate(told, json.load(stream))
    assert code == 0 and err == "" and told["result"]["verdict"] == "ready"
    assert [(one["id"], one["status"]) for one in told["findings"]] == [
        ("vhd-format", "ok"), ("vhd-footer", "ok"), ("vhd-size", "ok"), ("vhd-partitions", "ok"),
        ("vhd-alignment", "ok"),
    ]  # fmt: skip
    text = vhd("check", path)[1]
    for word in ("fixed VHD by Hyper-V", "checksum 0x", "20 MiB exactly", "generation 1 and 2", "at 1 MiB", "Ready: "):
        assert word in text, text


@pytest.mark.parametrize("kind", ["qcow2", "vmdk", "vdi", "vhdx", "vpc"])
def test_another_kind_is_known_and_the_command_named(tmp_path, kind):
    path = tmp_path / "disk.img"
    qemu("create", "-q", "-f", kind, path, "16M")
    code, out, _ = vhd("check", path)
    assert code == 1
    assert "agentprep vhd convert %s %s" % (path, tmp_path / "disk.vhd") in out
    assert ("a dynamic VHD by qemu-img" if kind == "vpc" else "of the kind " + kind) in out


def test_a_raw_one_is_judged_and_finish_named(tmp_path):
    found = verdicts(raw(tmp_path / "disk.raw", 20 * MIB + 512))
    assert found["vhd-format"][0] == "failed" and found["vhd-format"][2].startswith("agentprep vhd finish ")
    assert found["vhd-size"][0] == "failed" and "512 more than 20 MiB" in found["vhd-size"][1]
    assert found["vhd-partitions"][0] == "ok"


def test_a_truncated_one(tmp_path):
    path = finished(tmp_path / "disk.vhd")
    with open(path, "rb") as stream:
        content = stream.read()
    short = tmp_path / "short.vhd"
    short.write_bytes(content[: 10 * MIB] + content[-512:])
    found = verdicts(short)
    status, evidence, _ = found["vhd-size"]
    assert status == "failed" and "its footer says 20971520 bytes, and 10485760 are" in evidence
    assert "ends beyond the disk's end" in found["vhd-partitions"][1]
    short.write_bytes(content[: 10 * MIB])
    assert verdicts(short)["vhd-format"][0] == "failed"
    dynamic = tmp_path / "dynamic.vhd"
    qemu("create", "-q", "-f", "vpc", dynamic, "16M")
    dynamic.write_bytes(dynamic.read_bytes()[:-512])
    assert "the file was cut off" in verdicts(dynamic)["vhd-format"][1]
    dynamic.write_bytes(b"")
    assert "empty" in verdicts(dynamic)["vhd-format"][1]


def changed(path, at, content):
    with open(path, "r+b") as stream:
        footer = stream.seek(-512, 2)
        raw_footer = stream.read()
        wrong = raw_footer[:at] + content + raw_footer[at + len(content) :]
        wrong = wrong[:64] + struct.pack(">I", footers.checksum(wrong, 64)) + wrong[68:]
        stream.seek(footer)
        stream.write(wrong)


@pytest.mark.parametrize(
    "at, content, name, word",
    [
        (8, b"\0\0\0\0", "vhd-footer", "features"), (12, b"\0\7\0\0", "vhd-footer", "version"),
        (16, bytes(8), "vhd-footer", "data offset"), (48, struct.pack(">Q", 30 * MIB), "vhd-size", "footer says"),
        (56, b"\0\1\1\1", "vhd-footer", "geometry"), (60, b"\0\0\0\4", "vhd-format", "differencing"),
        (60, b"\0\0\0\x09", "vhd-format", "disk type 9"), (300, b"x", "vhd-footer", "reserved"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(tmp_path, at, content, name, word):
    path = finished(tmp_path / "disk.vhd")
    changed(path, at, content)
    found = verdicts(path)
    assert found[name][0] in ("failed", "warning") and word in found[name][1], found


def test_a_wrong_checksum_is_named_and_mended_as_told(tmp_path):
    path = finished(tmp_path / "disk.vhd")
    with open(path, "r+b") as stream:
        stream.seek(-512 + 64, 2)
        stream.write(b"\1\2\3\4")
    status, evidence, remedy = verdicts(path)["vhd-footer"]
    assert status == "failed" and "checksum is 0x01020304" in evidence
    assert remedy == "agentprep vhd unfinish %s, then: agentprep vhd finish %s" % (path, path)
    for words in (("unfinish", path), ("finish", path), ("check", path)):
        assert vhd(*words)[0] == 0


def test_partition_tables(tmp_path):
    path = finished(tmp_path / "none.vhd", table=None)
    assert verdicts(path)["vhd-partitions"][0] == "failed"
    path = finished(tmp_path / "gpt.vhd", 40 * MIB, GPT, loader=False)
    assert "for generation 2" in verdicts(path)["vhd-partitions"][1]
    status, evidence, remedy = verdicts(path, generation=1)["vhd-partitions"]
    assert status == "failed" and "--hyper-v-generation V2" in remedy
    path = finished(tmp_path / "mbr.vhd")
    assert verdicts(path, generation=2)["vhd-partitions"][0] == "failed"
    path = finished(tmp_path / "odd.vhd", table="label: dos\nstart=63, type=83\n")
    assert verdicts(path)["vhd-alignment"][0] == "warning"
    with open(path, "r+b") as stream:
        stream.seek(446)
        stream.write(bytes(64))
    assert "empty" in verdicts(path)["vhd-partitions"][1]


def test_a_backup_gpt_that_is_not_at_the_end(tmp_path):
    path = raw(tmp_path / "disk.raw", 20 * MIB, GPT)
    os.truncate(path, 30 * MIB)
    status, evidence, remedy = verdicts(path)["vhd-partitions"]
    assert status == "failed" and "expected in sector 40959, and the last one is 61439" in evidence
    assert remedy.startswith("agentprep vhd finish")
    assert vhd("finish", path)[0] == 0


@pytest.mark.parametrize(
    "size, limit, status",
    [
        (1024 * GIB, "document", "failed"), (1024 * GIB, "gen1", "ok"), (2049 * GIB, "gen1", "failed"),
        (2049 * GIB, "gen2", "warning"), (4097 * GIB, "gen2", "failed"), (4097 * GIB, "upload", "warning"),
    ],
)  # fmt: skip
def test_limits_have_names(tmp_path, size, limit, status):
    path = tmp_path / "disk.vhd"
    with open(str(path), "wb") as stream:
        stream.truncate(size)
        os.pwrite(stream.fileno(), footers.fixed(size, 0, bytes(16)), size)
    found = verdicts(path, limit=limit)["vhd-size"][0]
    assert found == status or (status == "ok" and found == "warning" and size > 1023 * GIB)


def test_a_huge_one_costs_no_more_than_a_small_one(tmp_path):
    path = raw(tmp_path / "disk.raw", 4095 * GIB, GPT)
    vhd("finish", path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    start = time.monotonic()
    assert vhd("check", path, "--limit", "upload")[0] == 0
    assert time.monotonic() - start < 20 and resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 3


class Sized:
    """The places of a read of a sparse file, so that no read is unbounded."""

    def __init__(self, image):
        self.image, self.most, self.real = image, 0, image.read

    def __call__(self, offset, size):
        self.most = max(self.most, size)
        return self.real(offset, size)


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    head=st.one_of(st.binary(max_size=2048), st.binary(min_size=510).map(lambda some: some[:510] + b"\x55\xaa")),
    footer=st.lists(st.tuples(st.integers(8, 511), st.integers(0, 255)), max_size=6), size=st.integers(0, 1 << 42),
)  # fmt: skip
def test_no_file_is_too_strange(tmp_path_factory, head, footer, size):
    path = str(tmp_path_factory.mktemp("strange") / "disk")
    raw_footer = bytearray(footers.fixed(max(512, size // 512 * 512), 1, bytes(16)))
    for at, value in footer:
        raw_footer[at] = value
    with open(path, "wb") as stream:
        stream.write(head)
        stream.truncate(max(size, len(head)))
        stream.seek(0, 2)
        stream.write(bytes(raw_footer))
    with Image(path) as image:
        reads = Sized(image)
        image.read = reads
        for one in judged(image, Wanted()):
            assert one.status in ("ok", "failed", "warning") and one.evidence
        assert reads.most <= 1 << 16
    os.unlink(path)


def test_bad_words(tmp_path):
    path = raw(tmp_path / "disk.raw", 20 * MIB)
    for words in (("mend", path), ("check", path, "more"), ("convert", path), ("check",), ("finish", path, "--force")):
        code, _, err = vhd(*words)
        assert code == 2 and "what to do: " in err, words
