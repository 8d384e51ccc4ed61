"""Images of every kind become fixed VHDs; qemu-img compares; nothing half-made is ever under the name."""

import os
import pty
import re
import select
import signal
import stat
import subprocess
import sys
import time

import pytest

from agentprep.vhd.image import Image
from tests.vhd.images import GPT, HOME, MBR, MIB, qemu, raw, verified, vhd, written

KINDS = {
    "raw": (), "qcow2": (), "vmdk": (), "vmdk-stream": ("-o", "subformat=streamOptimized"), "vdi": (), "vhdx": (),
    "vpc": (), "vpc-fixed": ("-o", "subformat=fixed,force_size"),
}  # fmt: skip


@pytest.mark.parametrize("size", [40 * MIB, 40 * MIB + 3 * 512])
@pytest.mark.parametrize("name", sorted(KINDS))
def test_the_disk_is_the_same(tmp_path, name, size):
    model = raw(tmp_path / "model.raw", size)
    source, target = tmp_path / "disk, of the guest.img", tmp_path / "disk.vhd"
    kind = name.partition("-")[0]
    qemu("convert", "-f", "raw", "-O", kind, *KINDS[name], model, source)
    code, out, err = vhd("convert", source, target)
    assert code == 0, out + err
    assert "is a fixed VHD of" in out
    assert "identical" in qemu("compare", "-f", "raw", "-F", "vpc", model, target)
    made = os.path.getsize(str(target)) - 512
    if name == "vpc":
        assert made % MIB == 0 and made >= size  # qemu-img has made the source as large as a geometry
    else:
        assert made == -(-size // MIB) * MIB
    assert written(target) < 2 * MIB
    assert sorted(os.listdir(str(tmp_path))) == sorted(["model.raw", source.name, "disk.vhd"])
    assert stat.S_IMODE(os.stat(str(target)).st_mode) & 0o077 == 0o044 & ~umask()


def umask():
    found = os.umask(0)
    os.umask(found)
    return found


def test_the_backup_gpt_of_an_unaligned_disk_is_moved(tmp_path):
    model, target = raw(tmp_path / "model.raw", 40 * MIB + 512, GPT), tmp_path / "disk.vhd"
    qemu("convert", "-f", "raw", "-O", "vmdk", model, tmp_path / "disk.vmdk")
    code, out, _ = vhd("convert", tmp_path / "disk.vmdk", target)
    assert code == 0 and "the backup GPT moved to its end" in out
    vhd("unfinish", target)
    assert verified(target) == ""


def test_the_size_of_a_virtualbox_vhd_is_that_of_its_footer(tmp_path):
    """By its geometry it would lose its end: qemu takes it for that of any creator that it does not know."""
    model, source = raw(tmp_path / "model.raw", 40 * MIB, MBR), tmp_path / "source.vhd"
    qemu("convert", "-f", "raw", "-O", "vpc", "-o", "subformat=dynamic,force_size", model, source)
    content = bytearray(source.read_bytes())
    from agentprep.formats import vhd as footers

    for at in (0, len(content) - 512):
        footer = bytearray(content[at : at + 512])
        footer[28:32], footer[56:60] = b"vbox", bytes([0x02, 0x5A, 8, 17])  # 602/8/17: less than 40 MiB
        footer[64:68] = footers.checksum(bytes(footer), 64).to_bytes(4, "big")
        content[at : at + 512] = footer
    source.write_bytes(bytes(content))
    assert '"virtual-size": 41943040' not in qemu("info", "--output=json", "-f", "vpc", source)
    assert vhd("convert", source, tmp_path / "disk.vhd")[0] == 0
    assert "identical" in qemu("compare", "-f", "raw", "-F", "vpc", model, tmp_path / "disk.vhd")


def test_what_is_there_is_replaced_only_with_force(tmp_path):
    source, target = raw(tmp_path / "disk.raw", 20 * MIB), tmp_path / "disk.vhd"
    target.write_bytes(b"somebody's")
    code, _, err = vhd("convert", source, target)
    assert code == 3 and "is there already" in err and target.read_bytes() == b"somebody's"
    assert vhd("convert", source, target, "--force")[0] == 0 and vhd("check", target)[0] == 0
    assert vhd("convert", target, target, "--force")[0] == 2
    assert vhd("convert", source, tmp_path / "no" / "disk.vhd")[0] == 2
    assert vhd("convert", source, tmp_path)[0] == 2
    assert vhd("convert", tmp_path / "nothing", tmp_path / "new.vhd")[0] == 2


def test_what_is_no_disk_is_refused(tmp_path):
    path = tmp_path / "disk.raw.gz"
    path.write_bytes(b"\x1f\x8b\x08" + bytes(4096))
    code, _, err = vhd("convert", path, tmp_path / "disk.vhd")
    assert code == 3 and "gzip" in err
    inner = raw(tmp_path / "inner.raw", 20 * MIB)
    vhd("finish", inner)
    qemu("convert", "-f", "raw", "-O", "qcow2", inner, tmp_path / "outer.qcow2")
    code, _, err = vhd("convert", tmp_path / "outer.qcow2", tmp_path / "disk.vhd")
    assert code == 3 and "holds an image itself" in err
    assert not os.path.exists(str(tmp_path / "disk.vhd")) and not list(tmp_path.glob(".*"))


def test_a_raw_disk_that_looks_like_a_qcow2_inside_is_not_read_as_one(tmp_path):
    """Its guest could write any header there, and name a file of the host as its backing file."""
    source = raw(tmp_path / "disk.raw", 20 * MIB)
    with open(source, "r+b") as stream:
        stream.seek(MIB)
        stream.write(b"QFI\xfb" * 100)
    assert vhd("convert", source, tmp_path / "disk.vhd")[0] == 0
    assert "identical" in qemu("compare", "-f", "raw", "-F", "vpc", source, tmp_path / "disk.vhd")


def imitation(folder, version):
    """A qemu-img that says it is of that version, first on the PATH of a copy of the program."""
    folder.mkdir()
    script = folder / "qemu-img"
    script.write_text("#!/bin/sh\necho 'qemu-img version %s, Copyright (c) 2004-2008 Fabrice Bellard'\n" % version)
    script.chmod(0o755)
    return (
        "import sys; import agentprep.commands as c; c.ENVIRONMENT['PATH'] = %r + ':' + c.PATH;"
        "import os; os.environ['PATH'] = c.ENVIRONMENT['PATH'];"
        "from agentprep.cli import main; sys.exit(main(sys.argv[1:]))" % str(folder)
    )


@pytest.mark.parametrize(
    "version, refused",
    [("2.2.0", False), ("2.2.1", True), ("2.5.1.1", True), ("2.5.50", True), ("2.6.0", False), ("10.1.2", False)],
)
def test_versions_of_qemu_img(tmp_path, version, refused):
    source = raw(tmp_path / "disk.raw", 20 * MIB)
    code = imitation(tmp_path / "bin", version)
    done = subprocess.run(
        [sys.executable, "-c", code, "vhd", "convert", source, str(tmp_path / "disk.vhd")], stderr=subprocess.PIPE,
        stdout=subprocess.PIPE, env=dict(os.environ, PYTHONPATH=HOME), universal_newlines=True,
    )  # fmt: skip
    assert done.returncode == 3 and (refused or "printed no JSON" in done.stderr)
    assert ("qemu-img %s" % version[:5] in done.stderr and "mended in 2.6" in done.stderr) == refused, done.stderr


def test_too_little_space_is_found_out_first(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)], stderr=subprocess.PIPE)
    if done.returncode:
        pytest.skip("nothing can be mounted here: " + done.stderr.decode().strip())
    try:
        source = tmp_path / "disk.raw"
        source.write_bytes(b"\xeb\x63\x90" + os.urandom(8 * MIB))
        code, _, err = vhd("convert", source, small / "disk.vhd")
        assert code == 3 and "MiB free, and up to" in err and os.listdir(str(small)) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def slow(tmp_path):
    """An image that takes a while."""
    source = tmp_path / "large.qcow2"
    with open(str(tmp_path / "large.raw"), "wb") as stream:
        for _ in range(300):
            stream.write(os.urandom(MIB))
    qemu("convert", "-c", "-f", "raw", "-O", "qcow2", tmp_path / "large.raw", source)
    os.unlink(str(tmp_path / "large.raw"))
    return source


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_interrupted_nothing_has_the_name_and_it_can_be_done_again(tmp_path, number):
    source, target = slow(tmp_path), tmp_path / "disk.vhd"
    argv = [sys.executable, "-m", "agentprep", "vhd", "convert", str(source), str(target)]
    process = subprocess.Popen(argv, env=dict(os.environ, PYTHONPATH=HOME), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, universal_newlines=True)  # fmt: skip
    partial = tmp_path / ".disk.vhd.partial"
    until = time.monotonic() + 60
    while not partial.exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate()
    assert not target.exists()
    if number == signal.SIGTERM:
        assert process.returncode == 3 and "SIGTERM" in err and not partial.exists()
    else:
        subprocess.run(["pkill", "-9", "-f", str(partial)])
        assert partial.exists()
    assert vhd("convert", source, target)[0] in (0, 1) and target.exists() and not partial.exists()


CUT = """
import os, signal, sys
number, calls = int(sys.argv[1]), [0]
def counted(real):
    def call(*words, **more):
        calls[0] += 1
        if calls[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*words, **more)
    return call
for name in ("pwrite", "ftruncate", "fsync", "replace", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
from agentprep.cli import main
sys.exit(main(["vhd", "convert"] + sys.argv[2:]))
"""


def test_killed_at_any_write_the_name_has_what_was_there_or_the_whole_vhd(tmp_path):
    source, target = raw(tmp_path / "disk.raw", 40 * MIB + 512, GPT), tmp_path / "disk.vhd"
    number, seen = 0, set()
    while True:
        number += 1
        target.write_bytes(b"somebody's")
        argv = [sys.executable, "-c", CUT, str(number), source, str(target), "--force"]
        done = subprocess.run(argv, env=dict(os.environ, PYTHONPATH=HOME), stdout=subprocess.PIPE)
        whole = target.read_bytes() != b"somebody's"
        seen.add(whole)
        if whole:
            with Image(str(target)) as image:
                assert image.kind.name == "vhd" and image.virtual_size == 41 * MIB, number
            assert vhd("check", target)[0] == 0
        if done.returncode != -signal.SIGKILL:
            break
    assert done.returncode == 0 and number > 8 and seen == {False, True}
    assert not list(tmp_path.glob(".*"))


def test_on_a_terminal_it_shows_how_far_it_is(tmp_path):
    source, target = slow(tmp_path), tmp_path / "disk.vhd"
    main, side = pty.openpty()
    argv = [sys.executable, "-m", "agentprep", "vhd", "convert", str(source), str(target)]
    process = subprocess.Popen(argv, env=dict(os.environ, PYTHONPATH=HOME, TERM="xterm"), stdin=side, stdout=side,
                               stderr=side)  # fmt: skip
    os.close(side)
    shown = b""
    while True:
        ready, _, _ = select.select([main], [], [], 60)
        try:
            chunk = os.read(main, 65536) if ready else b""
        except OSError:
            chunk = b""
        if not chunk:
            break
        shown += chunk
    process.wait()
    os.close(main)
    assert b" MiB/s  0:" in shown and b" left" in shown and b"of 300 MiB" in shown, shown
    told = b" ".join(re.sub(rb"\x1b\[[0-9;]*[mK]", b" ", shown).split())  # lines are broken at words
    assert b"is a fixed VHD of 300 MiB" in told, shown
