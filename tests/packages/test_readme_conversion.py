"""README.md's way from a disk to a VHD, typed as it is printed, with the real qemu-img; and how GitHub renders it."""

import os
import re
import struct
import subprocess
import sys
import tarfile
from html.parser import HTMLParser

import cmarkgfm
import pytest

from tests import readme

MIB = 1048576
BLOCKS, _ = readme.read()
COMMAND, SCRIPT = (block for block in BLOCKS if block.heading == "6. Convert the disk")
TABLE = "label: dos\nstart=2048, type=83, bootable\n"
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
# A block of its own at the end and one at the beginning show that all of the disk is there and nothing has moved.
MARKS = ((0, b"the first sector"), (7 * MIB + 512, b"somewhere in the middle"), (-512, b"the last sector"))


def shell(script, folder):
    environment = dict(os.environ, PATH=PATH, PYTHONPATH=str(readme.HOME))
    typed = script.replace("agentprep vhd", f"{sys.executable} -m agentprep vhd")
    done = subprocess.run(["bash", "-euc", typed], cwd=folder, stdout=subprocess.PIPE, env=environment, check=True)
    return done.stdout.decode()


def disk(folder, name, size, options=()):
    """A disk image of the format that its name's suffix says, with something at MARKS."""
    raw = folder / "made.raw"
    with raw.open("wb") as stream:
        stream.truncate(size)
        for at, text in MARKS:
            stream.seek(at if at >= 0 else size + at)
            stream.write(text)
    kind = name.rpartition(".")[2]
    words = ["qemu-img", "convert", "-f", "raw", "-O", kind, *options, str(raw), str(folder / name)]
    subprocess.run(words, check=True)
    raw.unlink()


def bootable(path, size):
    """A raw disk with a partition and boot code."""
    with path.open("wb") as stream:
        stream.truncate(size)
    subprocess.run(["sfdisk", "--quiet", str(path)], input=TABLE.encode(), env=dict(os.environ, PATH=PATH), check=True)
    with path.open("r+b") as stream:
        stream.write(b"\xeb\x63\x90boot code")


def vhd(path):
    """(what the footer says of the disk's size, its kind and who made it; the length of the file)."""
    with path.open("rb") as stream:
        stream.seek(-512, 2)
        footer = stream.read(512)
    assert footer[:8] == b"conectix"
    assert struct.unpack(">I", footer[64:68])[0] == ~sum(footer[:64] + bytes(4) + footer[68:]) & 0xFFFFFFFF
    return struct.unpack(">Q", footer[48:56])[0], struct.unpack(">I", footer[60:64])[0], path.stat().st_size


def typed(name):
    """The script as a person types it, with the name of the disk that is there."""
    assert SCRIPT.text.count("disk=NAME.vmdk\n") == 1
    return SCRIPT.text.replace("disk=NAME.vmdk", "disk=" + name)


@pytest.mark.parametrize(
    "name, options",
    [
        ("NAME.vmdk", ()),
        ("NAME.vmdk", ("-o", "subformat=monolithicFlat")),
        ("NAME.vmdk", ("-o", "subformat=streamOptimized")),
        ("NAME.vdi", ()),
        ("NAME.qcow2", ()),
        ("NAME.vhdx", ()),
        ("NAME.raw", ()),
    ],
)
@pytest.mark.parametrize(
    "size, rounded", [(32 * MIB, 32 * MIB), (31 * MIB + 512, 32 * MIB), (32 * MIB + 4096, 33 * MIB)]
)
def test_the_script_makes_what_azure_takes(tmp_path, name, options, size, rounded):
    disk(tmp_path, name, size, options)
    told = shell(typed(name), tmp_path)
    # VMDK, VDI and VHDX may themselves be larger than what they were made from; never smaller, and never by a MiB.
    whole = (tmp_path / "azure.raw").stat().st_size
    assert rounded <= whole <= rounded + MIB and (name != "NAME.raw" or whole == rounded)
    assert whole == rounded or size % MIB, "an aligned disk has grown"
    assert told.splitlines()[-1] == str(whole + 512)
    assert vhd(tmp_path / "azure.vhd") == (whole, 2, whole + 512)
    with (tmp_path / "azure.vhd").open("rb") as stream:
        for at, text in MARKS:
            stream.seek(at if at >= 0 else size + at)
            assert stream.read(len(text)) == text


def test_agentprep_converts_checks_and_finishes(tmp_path):
    """The commands of step 6, on a disk that is no whole number of MiB; and that what it says of the VHD is so."""
    bootable(tmp_path / "NAME.raw", 31 * MIB + 512)
    shell("qemu-img convert -f raw -O vmdk NAME.raw NAME.vmdk", tmp_path)
    assert "azure.vhd is a fixed VHD of 32 MiB" in shell(COMMAND.text, tmp_path)
    assert vhd(tmp_path / "azure.vhd") == (32 * MIB, 2, 32 * MIB + 512)
    assert "Ready: azure.vhd can be uploaded." in shell("agentprep vhd check azure.vhd", tmp_path)
    shell("agentprep vhd finish NAME.raw", tmp_path)
    assert vhd(tmp_path / "NAME.raw") == (32 * MIB, 2, 32 * MIB + 512)
    shell("agentprep vhd unfinish NAME.raw", tmp_path)
    assert (tmp_path / "NAME.raw").stat().st_size == 32 * MIB


def test_what_qemu_img_made_is_right_for_agentprep_too(tmp_path):
    bootable(tmp_path / "NAME.raw", 31 * MIB + 512)
    shell(typed("NAME.raw"), tmp_path)
    assert "Ready: azure.vhd can be uploaded." in shell("agentprep vhd check azure.vhd --generation 1", tmp_path)


def test_without_force_size_it_would_not_do(tmp_path):
    """What the README says of it; 1024 MiB are no number of cylinders."""
    disk(tmp_path, "NAME.raw", 1024 * MIB)
    shell(typed("NAME.raw").replace(",force_size", ""), tmp_path)
    size, _, _ = vhd(tmp_path / "azure.vhd")
    assert size != 1024 * MIB and size % MIB


def test_an_ova_is_unpacked(tmp_path):
    disk(tmp_path, "NAME-disk1.vmdk", 8 * MIB, ("-o", "subformat=streamOptimized"))
    with tarfile.open(str(tmp_path / "NAME.ova"), "w", format=tarfile.USTAR_FORMAT) as ova:
        ova.add(str(tmp_path / "NAME-disk1.vmdk"), "NAME-disk1.vmdk")
    (tmp_path / "NAME-disk1.vmdk").unlink()
    shell("tar -xf NAME.ova", tmp_path)
    shell(typed("NAME-disk1.vmdk"), tmp_path)
    assert vhd(tmp_path / "azure.vhd") == (8 * MIB, 2, 8 * MIB + 512)


def test_a_grown_gpt_gets_its_second_table_back_at_the_end(tmp_path):
    raw = tmp_path / "azure.raw"
    with raw.open("wb") as stream:
        stream.truncate(31 * MIB + 512)
    shell("sfdisk --quiet azure.raw <<<'label: gpt'; truncate --size 32M azure.raw", tmp_path)
    assert "Problem" in shell("sgdisk --verify azure.raw", tmp_path)
    shell("sgdisk -e azure.raw", tmp_path)
    assert "No problems found" in shell("sgdisk --verify azure.raw", tmp_path)
    with raw.open("rb") as stream:
        stream.seek(-512, 2)
        assert stream.read(8) == b"EFI PART"


def test_this_qemu_img_is_none_of_the_broken_ones():
    version = re.search(r"version (\d+)\.(\d+)", shell("qemu-img --version", "/"))
    assert tuple(map(int, version.groups())) >= (2, 6)


class Page(HTMLParser):
    """Counts the tags of a page, and keeps the text outside of code."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.text = {}, [], ""

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "code" not in self.open:
            self.text += data


def test_github_renders_it_as_it_is_meant():
    """By GitHub's own renderer: no table, block, link or emphasis is left standing as text."""
    text = readme.README.read_text("utf-8")
    page = Page()
    page.feed(cmarkgfm.github_flavored_markdown_to_html(text))
    blocks, prose = readme.parts(text)
    lines = [line for _, line in prose]
    assert page.tags["pre"] == len(blocks)
    assert page.tags["h1"] == 1 and page.tags["h2"] == len([line for line in lines if line.startswith("## ")])
    rows = [line for line in lines if line.startswith("|")]
    rulers = [line for line in rows if set(line) <= set("|-: ")]
    assert page.tags["table"] == len(rulers) and page.tags["tr"] == len(rows) - len(rulers)
    assert page.tags["img"] == 1
    for left in ("```", "|---", "](", "**", "`", "\n#"):
        assert left not in page.text, page.text[max(0, page.text.find(left) - 60) :][:120]
