"""A raw image becomes a VHD in place, and back: judged by qemu-img and sfdisk, cut at every write."""

import json
import os
import signal
import struct
import subprocess
import sys
import time

import pytest

from agentprep.formats import vhd as footers
from agentprep.vhd.image import Image
from tests.vhd.images import GIB, GPT, HOME, MBR, MIB, qemu, raw, verified, vhd, written

SIZES = (
    MIB, 3 * MIB + 512, 20 * MIB, 136 * MIB - 512, 137 * MIB, 1000000000 // 512 * 512, 30 * GIB, 127 * GIB - MIB,
    127 * GIB + 512, 127 * GIB + MIB, 1023 * GIB, 2040 * GIB - 512, 2040 * GIB, 2040 * GIB + MIB, 4095 * GIB,
    4096 * GIB,
)  # fmt: skip
QEMU_LARGEST = 0xFF000000 * 512  # 2040 GiB: block/vpc.c, VHD_MAX_SECTORS; not Azure's limit


@pytest.mark.parametrize("size", SIZES)
def test_qemu_img_agrees(tmp_path, size):
    path = raw(tmp_path / "disk.raw", size, GPT if size > 16 * MIB else None)
    before = tmp_path / "before.raw"
    subprocess.run(["cp", "--sparse=always", path, str(before)], check=True)
    code, out, err = vhd("finish", path)
    whole = -(-size // MIB) * MIB
    assert code in (0, 1) and "is a fixed VHD" in out, out + err
    assert os.path.getsize(path) == whole + 512
    readable = whole <= QEMU_LARGEST
    if readable:
        told = json.loads(qemu("info", "--output=json", "-f", "vpc", path))
        assert (told["format"], told["virtual-size"]) == ("vpc", whole)
    if readable and not size % MIB:  # the same disk, but for what was moved
        assert "identical" in qemu("compare", "-f", "raw", "-F", "vpc", before, path)
    assert vhd("unfinish", path)[0] == 0 and os.path.getsize(path) == whole
    if size > 16 * MIB:
        assert verified(path) == ""
    if size == whole:
        assert "identical" in qemu("compare", "-f", "raw", "-F", "raw", before, path)


def test_the_backup_gpt_is_moved_and_the_partitions_are_the_same(tmp_path):
    path = raw(tmp_path / "disk.raw", 50 * MIB + 512 * 7, GPT)
    table = subprocess.run(["sfdisk", "--dump", path], stdout=subprocess.PIPE, check=True).stdout
    code, out, _ = vhd("finish", path)
    assert code == 0 and "the backup GPT moved to its end" in out and "in the last sector" in out
    vhd("unfinish", path)
    assert verified(path) == "" and os.path.getsize(path) == 51 * MIB
    after = subprocess.run(["sfdisk", "--dump", path], stdout=subprocess.PIPE, check=True).stdout
    lines = [
        [line for line in dump.splitlines() if b"start=" in line or b"label-id" in line] for dump in (table, after)
    ]
    assert lines[0] == lines[1] and len(lines[0]) == 3
    with open(path, "rb") as stream:
        assert struct.unpack("<I", stream.read(512)[458:462])[0] == 51 * MIB // 512 - 1
        backup = os.pread(stream.fileno(), 512, 51 * MIB - 512)
    with open(path, "r+b") as stream:  # the backup alone is enough to mend the disk
        stream.seek(512)
        stream.write(bytes(512))
    assert backup[:8] == b"EFI PART"
    mended = subprocess.run(
        ["sfdisk", "--dump", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True
    ).stdout
    assert [line for line in mended.splitlines() if b"start=" in line] == lines[0][1:]


def test_nothing_but_the_end_is_written(tmp_path):
    path = raw(tmp_path / "disk.raw", 30 * GIB, GPT)
    before = written(path)
    start = time.monotonic()
    assert vhd("finish", path)[0] == 0
    assert time.monotonic() - start < 10
    assert written(path) - before <= 64 << 10
    with Image(path) as image:
        assert image.kind.name == "vhd" and image.virtual_size == 30 * GIB


def test_with_source_date_epoch_the_footer_is_the_same_every_time(tmp_path):
    footer = []
    for number in range(2):
        path = raw(tmp_path / ("disk%d" % number), 8 * MIB, None)
        with open(path, "r+b") as stream:
            stream.write(bytes(8 * MIB))
        vhd("finish", path, env={"SOURCE_DATE_EPOCH": "1500000000"})
        with open(path, "rb") as stream:
            stream.seek(-512, 2)
            footer.append(stream.read())
        time.sleep(1.1)
    assert footer[0] == footer[1] and footers.footer(footer[0]).created == 1500000000


@pytest.mark.parametrize("kind", ["qcow2", "vmdk", "vdi", "vhdx", "vpc"])
def test_an_image_of_another_kind_is_refused_and_left(tmp_path, kind):
    path = str(tmp_path / "disk")
    qemu("create", "-q", "-f", kind, path, "16M")
    with open(path, "rb") as stream:
        before = stream.read()
    code, out, err = vhd("finish", path)
    assert code == 3 and "nothing was changed" in err and "what to do: " in err, err
    with open(path, "rb") as stream:
        assert stream.read() == before


def test_what_cannot_be_finished_or_unfinished_is_refused(tmp_path):
    assert vhd("finish", tmp_path / "nothing")[0] == 2
    assert vhd("finish", tmp_path)[0] == 2
    assert vhd("finish", "/dev/null")[0] == 2
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    assert vhd("finish", empty)[0] == 3 and empty.read_bytes() == b""
    path = raw(tmp_path / "disk.raw", 20 * MIB)
    assert vhd("unfinish", path)[0] == 3 and os.path.getsize(path) == 20 * MIB
    assert vhd("finish", path)[0] == 0
    code, _, err = vhd("finish", path)
    assert code == 3 and "already is a VHD" in err and os.path.getsize(path) == 20 * MIB + 512
    dynamic = tmp_path / "dynamic.vhd"
    qemu("create", "-q", "-f", "vpc", dynamic, "16M")
    code, _, err = vhd("unfinish", dynamic)
    assert code == 3 and "dynamic VHD" in err


def test_a_broken_gpt_is_refused(tmp_path):
    path = raw(tmp_path / "disk.raw", 20 * MIB + 512, GPT)
    with open(path, "r+b") as stream:
        stream.seek(512 + 40)
        stream.write(b"\xff")
    code, _, err = vhd("finish", path)
    assert code == 3 and "checksum" in err and "sfdisk --verify" in err
    assert os.path.getsize(path) == 20 * MIB + 512


def test_an_image_that_qemu_has_open_is_refused(tmp_path):
    path = raw(tmp_path / "disk.raw", 20 * MIB)
    machine = subprocess.Popen(["qemu-io", "-f", "raw", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        machine.stdout.read(8)  # its prompt: the image is open
        code, _, err = vhd("finish", path)
        assert code == 3 and "is in use" in err and "shut the virtual machine down" in err
        assert os.path.getsize(path) == 20 * MIB
        assert vhd("check", path)[0] == 1
    finally:
        machine.kill()
        machine.communicate()
    assert vhd("finish", path)[0] == 0


def test_a_loop_device_on_it_is_refused(tmp_path):
    path = raw(tmp_path / "disk.raw", 20 * MIB)
    done = subprocess.run(["losetup", "--find", "--show", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        pytest.skip("no loop device can be had: " + done.stderr.decode().strip())
    device = done.stdout.decode().strip()
    try:
        code, _, err = vhd("finish", path)
        assert code == 3 and "losetup -d " + device in err
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


CUT = """
import os, signal, sys
number, calls = int(sys.argv[1]), [0]
def counted(real):
    def call(*words):
        calls[0] += 1
        if calls[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*words)
    return call
os.pwrite, os.ftruncate, os.fsync = counted(os.pwrite), counted(os.ftruncate), counted(os.fsync)
from agentprep.cli import main
code = main(["vhd"] + sys.argv[2:])
print("calls", calls[0], file=sys.stderr)
sys.exit(code)
"""


def cut(number, *words):
    argv = [sys.executable, "-c", CUT, str(number)] + [str(word) for word in words]
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, PYTHONPATH=HOME))


def test_killed_at_any_write_it_is_a_raw_image_or_the_vhd_and_finish_goes_on(tmp_path):
    model = raw(tmp_path / "model.raw", 40 * MIB + 512 * 3, GPT)
    copy = tmp_path / "copy.raw"
    number = 0
    while True:
        number += 1
        subprocess.run(["cp", "--sparse=always", model, str(copy)], check=True)
        done = cut(number, "finish", copy)
        if done.returncode != -signal.SIGKILL:
            break
        with Image(str(copy)) as image:
            kind = image.kind.name
        assert kind in ("raw", "vhd")
        dump = subprocess.run(["sfdisk", "--dump", str(copy)], stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
        assert dump.count(b"start=") == 2, number
        if kind == "raw":
            assert vhd("finish", copy)[0] == 0
        assert vhd("check", copy)[0] == 0
        assert os.path.getsize(str(copy)) == 41 * MIB + 512
        with open(model, "rb") as one, open(str(copy), "rb") as other:
            assert os.pread(one.fileno(), 38 * MIB, MIB) == os.pread(other.fileno(), 38 * MIB, MIB)
    assert number > 8 and done.returncode == 0, done.stderr


def test_a_full_file_system_leaves_the_raw_image(tmp_path):
    """A limit on the size of files stands for the full disk."""
    import resource

    path = raw(tmp_path / "disk.raw", 20 * MIB + 512)

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (21 * MIB, 21 * MIB))

    code, _, err = vhd("finish", path, preexec_fn=limited)
    assert code == 4 and "raw image still" in err
    assert vhd("check", path)[0] == 1 and vhd("finish", path)[0] == 0


def test_mbr_disks_of_generation_one(tmp_path):
    path = raw(tmp_path / "disk.raw", 20 * MIB, MBR)
    code, out, _ = vhd("finish", path, "--generation", "1")
    assert code == 0 and "for generation 1" in out
