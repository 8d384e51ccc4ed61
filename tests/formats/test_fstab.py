"""fstab is read as libmount reads it; edits touch one field or one line."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import fstab

# Debian 12's installer
DEBIAN_12 = """\
# /etc/fstab: static file system information.
#
# Use 'blkid' to print the universally unique identifier for a
# device; this may be used with UUID= as a more robust way to name devices
# that works even if disks are added and removed. See fstab(5).
#
# systemd generates mount units based on this file, see systemd.mount(5).
# Please run 'systemctl daemon-reload' after making changes here.
#
# <file system> <mount point>   <type>  <options>       <dump>  <pass>
# / was on /dev/vda1 during installation
UUID=5b5f0b3e-3b3c-4b3a-9f3e-0d2f6b0d3c11 /               ext4    errors=remount-ro 0       1
# swap was on /dev/vda5 during installation
UUID=9c1f7a52-1f6e-4d1b-8a83-2f1f0f6b4c22 none            swap    sw              0       0
/dev/sr0        /media/cdrom0   udf,iso9660 user,noauto     0       0
"""


def test_debian_12():
    root, swap, cdrom = fstab.parse(DEBIAN_12)
    assert root == ("UUID=5b5f0b3e-3b3c-4b3a-9f3e-0d2f6b0d3c11", "/", "ext4", ["errors=remount-ro"], 12)
    assert (swap.mount_point, swap.kind, swap.options, swap.line) == ("none", "swap", ["sw"], 14)
    assert cdrom.options == ["user", "noauto"]


def test_with_device_changes_the_first_field_only():
    cdrom = fstab.parse(DEBIAN_12)[2]
    edited = fstab.with_device(DEBIAN_12, cdrom, "LABEL=my disc")
    assert edited == DEBIAN_12.replace("/dev/sr0 ", "LABEL=my\\040disc ")
    assert fstab.with_device(edited, cdrom, "LABEL=my disc") == edited
    assert fstab.parse(edited)[2].device == "LABEL=my disc"


def test_with_device_refuses_another_line():
    cdrom = fstab.parse(DEBIAN_12)[2]
    for text in ("# new\n" + DEBIAN_12, "", DEBIAN_12.replace("/dev/sr0", "/dev/sr1")):
        with pytest.raises(Malformed) as raised:
            fstab.with_device(text, cdrom, "LABEL=x")
        assert "line 15" in raised.value.message


def test_without_drops_whole_lines():
    swap = [entry for entry in fstab.parse(DEBIAN_12) if entry.kind == "swap"]
    edited = fstab.without(DEBIAN_12, swap)
    assert edited == "".join(line for line in DEBIAN_12.splitlines(True) if " none " not in line)
    assert fstab.without(edited, swap) == edited


@pytest.mark.parametrize(
    "line, fields",
    [
        ("", []),
        (" \t\r\n", []),
        ("  # UUID=x / ext4", []),
        ("\tUUID=x\t/ ext4\r\n", ["UUID=x", "/", "ext4"]),
        ("/dev/a\\040b /m\\011\\134040 x", ["/dev/a b", "/m\t\\040", "x"]),
        ("/\\303\\251 \\351 \\9 \\04", ["/\u00e9", "\udce9", "\\9", "\\04"]),
        ("a\u00a0b\x0bc d", ["a\u00a0b\x0bc", "d"]),
    ],
)
def test_fields(line, fields):
    assert fstab.fields(line) == fields


@pytest.mark.parametrize("text", ["/dev/sda1", "/dev/sda1 /", "junk\n\\\n", "# /dev/sda1 / ext4 defaults"])
def test_lines_that_are_no_entries(text):
    assert fstab.parse(text) == []
    assert fstab.without(text, fstab.parse(DEBIAN_12)) == text


def test_findmnt_reads_the_same(tmp_path):
    if not shutil.which("findmnt"):
        pytest.skip("needs findmnt of util-linux")
    table = tmp_path / "fstab"
    text = DEBIAN_12 + "/dev/a\\040b\t/m\\011n \text4 ro,noatime 0 2 # x\n\n  junk\nLABEL=x /x auto\n"
    text += "/dev/crlf /c xfs ro\r\n/dev/last /last xfs ro"
    table.write_bytes(text.encode())
    argv = ["findmnt", "-F", str(table), "-n", "-u", "-r", "-o", "SOURCE,TARGET,FSTYPE"]
    seen = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    expected = [(e.device, e.mount_point, e.kind) for e in fstab.parse(text)]
    read = [
        tuple(part.encode().decode("unicode_escape") for part in line.split(" ")) for line in seen.splitlines()
    ]  # -r writes blanks as \x20
    assert read == expected


LINE = st.sampled_from(
    ["UUID=x / ext4 defaults 0 1", "/dev/sda2\tnone\tswap sw", "  /dev/a\\040b /b\\134 xfs", "# c", "", "junk", "a b"]
    + ["/dev/sda2 none swap sw # twice", "\udce9\u2028 /x y z"]
)
TEXTS = st.tuples(st.lists(st.tuples(LINE, st.sampled_from(["\n", "\r\n"]))), LINE).map(
    lambda t: "".join(line + end for line, end in t[0]) + t[1]
)
DEVICES = st.text(alphabet=st.sampled_from("#/a= \t\n\\\u00e9\udce9"), min_size=1)


@given(TEXTS, st.data(), DEVICES)
def test_properties(text, data, device):
    entries = fstab.parse(text)
    chosen = [entry for entry in entries if data.draw(st.booleans())]
    left = fstab.without(text, chosen)
    assert fstab.without(left, chosen) == left
    gone = {entry[:3] + (tuple(entry.options),) for entry in chosen}
    kept = [e for e in entries if e[:3] + (tuple(e.options),) not in gone]
    assert [e[:4] for e in fstab.parse(left)] == [e[:4] for e in kept]
    if entries:
        entry = data.draw(st.sampled_from(entries))
        edited = fstab.with_device(text, entry, device)
        assert fstab.with_device(edited, entry, device) == edited
        assert [e.device for e in fstab.parse(edited)] == [device if e is entry else e.device for e in entries]
        before, after = text.split("\n"), edited.split("\n")
        assert len(before) == len(after)
        assert [i for i, (a, b) in enumerate(zip(before, after), 1) if a != b] in ([], [entry.line])


@given(st.text(alphabet=st.sampled_from("/a# \t\r\n\\0437\u00e9\udce9\u2028"), max_size=60))
def test_any_text(text):
    entries = fstab.parse(text)
    for entry in entries:
        assert fstab.fields(fstab.encoded(entry.device)) in ([entry.device], [])
    assert fstab.without(text, []) == text
    assert fstab.parse(fstab.without(text, entries)) == []
