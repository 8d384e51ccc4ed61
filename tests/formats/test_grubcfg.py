"""Kernel entries of grub.cfg are found as GRUB would boot them; edits touch arguments only."""

import os
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.errors import Malformed
from agentprep.formats import cmdline, grubcfg

# Made by the scripts of Debian 12's grub-common 2.06-13+deb12u2
with open(os.path.join(os.path.dirname(__file__), "debian12-grub.cfg"), encoding="utf-8") as stream:
    DEBIAN_12 = stream.read()

UUID = "5b5f0b3e-3b3c-4b3a-9f3e-0d2f6b0d3c11"

RHEL_9_STUB = f"""\
search --no-floppy --root-dev-only --fs-uuid --set=dev {UUID}
set prefix=($dev)/grub2
export $prefix
configfile $prefix/grub.cfg
"""

# 40_custom with the kinds of entries that people write, Debian's memtest86+ and 20_linux_xen
CUSTOM = """\
#!/bin/sh
exec tail -n +3 $0
# This file provides an easy way to add custom menu entries.
set timeout=5
menuentry "It's \\"mine\\"" --unrestricted { linux /vmlinuz ro quiet ; initrd /ucode.img /initrd.img }
menuentry 'Two '\\''kernels' {
\tif [ "$grub_cpu" = x86_64 ] ; then
\t\tlinux16\t/vmlinuz-64 root=/dev/sda1 \\
\t\t\tacpi_osi='Windows 2012' dyndbg="file a.c +p" $vt_handoff # quiet
\t\tinitrd16 /initrd-64
\telse linuxefi /vmlinuz-32 rhgb
\t\tinitrdefi /initrd-32
\tfi
}
menuentry "Memory test (memtest86+x64.bin)" {
\tlinux /boot/memtest86+x64.bin
}
menuentry "UEFI Firmware Settings" $menuentry_id_option 'uefi-firmware' {
\tfwsetup
}
menuentry "Windows" { chainloader +1 }
submenu 'Xen & co' {
  submenu "deeper" {
    menuentry 'Debian GNU/Linux, with Xen 4.17-amd64' --class xen {
      multiboot2 /boot/xen-4.17-amd64.gz placeholder  ${xen_rm_opts}
      echo 'Loading Linux'
      module2 /boot/vmlinuz-6.1.0-31-amd64 placeholder root=UUID=1 ro quiet
      module2 --nounzip   /boot/initrd.img-6.1.0-31-amd64
      module2 /boot/xenpolicy
    }
  }
}
"""


def test_debian_12():
    entries = grubcfg.entries(DEBIAN_12)
    new, old = ["6.1.0-31-amd64", "6.1.0-28-amd64"]
    assert [e.kernel for e in entries] == [f"/boot/vmlinuz-{v}" for v in (new, new, new, old, old)]
    assert [e.initrds for e in entries] == [[f"/boot/initrd.img-{v}"] for v in (new, new, new, old, old)]
    assert [e.recovery for e in entries] == [False, False, True, False, True]
    assert [e.submenu for e in entries] == [""] + ["Advanced options for Debian GNU/Linux"] * 4
    assert entries[0].title == "Debian GNU/Linux"
    assert entries[4].title == "Debian GNU/Linux, with Linux 6.1.0-28-amd64 (recovery mode)"
    assert entries[0].arguments == [f"root=UUID={UUID}", "ro", "quiet"]
    assert entries[2].arguments == [f"root=UUID={UUID}", "ro", "single"]
    lines = DEBIAN_12.split("\n")
    assert all(lines[e.line - 1].split()[:2] == ["linux", e.kernel] for e in entries)
    assert not grubcfg.reads_entries(DEBIAN_12)
    assert grubcfg.stub(DEBIAN_12) is None


def test_hand_written():
    mine, sixty_four, thirty_two, xen = grubcfg.entries(CUSTOM)
    assert mine == ('It\'s "mine"', "/vmlinuz", ["ro", "quiet"], ["/ucode.img", "/initrd.img"], 5, "linux", "", False)
    assert sixty_four.title == thirty_two.title == "Two 'kernels"
    assert sixty_four.arguments == ["root=/dev/sda1", '"acpi_osi=Windows 2012"', '"dyndbg=file a.c +p"', "$vt_handoff"]
    assert (sixty_four.command, sixty_four.initrds, sixty_four.line) == ("linux16", ["/initrd-64"], 8)
    assert (thirty_two.command, thirty_two.arguments, thirty_two.initrds) == ("linuxefi", ["rhgb"], ["/initrd-32"])
    assert xen.xen and not mine.xen
    assert (xen.kernel, xen.command) == ("/boot/vmlinuz-6.1.0-31-amd64", "multiboot2")
    assert xen.arguments == ["root=UUID=1", "ro", "quiet"]
    assert xen.initrds == ["/boot/initrd.img-6.1.0-31-amd64", "/boot/xenpolicy"]
    assert xen.submenu == "Xen & co>deeper"


def test_entries_do_not_mix():
    text = "menuentry a { linux /v1\n}\nmenuentry b 'gnulinux-x-recovery-1' { initrd /i1\nmodule /m\nlinux /v2\n}\n"
    one, two = grubcfg.entries(text)
    assert (one.initrds, two.initrds) == ([], [])
    assert (one.recovery, two.recovery) == (False, True)
    text = "menuentry a { multiboot /xen\nmodule /v1\nmodule /i1 x=1\n}\nmenuentry b { module /v2\n}\n"
    assert [(e.kernel, e.initrds) for e in grubcfg.entries(text)] == [("/v1", ["/i1"])]


def azure(entry):
    return cmdline.merge(entry.arguments, ["console=ttyS0,115200n8", "a=$b"], ["quiet", "rhgb"])


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_edit(newline):
    text = CUSTOM.replace("\n", newline)
    edited = grubcfg.edit(text, azure)
    added = "console=ttyS0,115200n8 'a=$b'"
    expected = text.replace("ro quiet", f"ro {added}").replace("rhgb", added)
    assert edited == expected.replace("$vt_handoff", f"$vt_handoff {added}")
    assert grubcfg.edit(edited, azure) == edited
    assert [e.arguments for e in grubcfg.entries(edited)] == [azure(e) for e in grubcfg.entries(text)]


def test_edit_of_an_entry_without_arguments():
    assert grubcfg.edit("linux /vmlinuz\r\ninitrd /i", lambda entry: ["ro"]) == "linux /vmlinuz ro\r\ninitrd /i"
    assert grubcfg.edit("linux /vmlinuz  ro # x", lambda entry: []) == "linux /vmlinuz # x"


def test_a_new_argument_with_blanks_arrives_as_one():
    edited = grubcfg.edit("linux /vmlinuz", lambda entry: ['dyndbg="it\'s x"'])
    assert edited == "linux /vmlinuz 'dyndbg=it'\\''s x'"
    assert grubcfg.entries("linux /vmlinuz 'dyndbg=a b'")[0].arguments == ['"dyndbg=a b"']
    assert cmdline.value('"dyndbg=a b"') == "a b"


@pytest.mark.parametrize(
    "text, expected",
    [
        ("insmod blscfg\nblscfg\n", True),
        ("if [ x ]; then blscfg; fi", True),
        ("insmod blscfg\n", False),
        ("# blscfg\necho 'blscfg'\n", False),
        ("", False),
    ],
)
def test_reads_entries(text, expected):
    assert grubcfg.reads_entries(text) is expected


@pytest.mark.parametrize(
    "text, path, uuid",
    [
        # Debian, Ubuntu: EFI/debian/grub.cfg
        (
            f"search.fs_uuid {UUID} root hd0,gpt2 \nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n",
            "/boot/grub/grub.cfg",
            UUID,
        ),
        (RHEL_9_STUB, "/grub2/grub.cfg", UUID),
        ("configfile /grub/grub.cfg", "/grub/grub.cfg", ""),
    ],
)
def test_stub(text, path, uuid):
    assert grubcfg.stub(text) == (path, uuid)


@pytest.mark.parametrize("text", ["", "set a=b", "menuentry x { configfile /y }\n", "configfile /x\nblscfg", CUSTOM])
def test_not_a_stub(text):
    assert grubcfg.stub(text) is None


def test_an_open_quote_is_malformed():
    with pytest.raises(Malformed) as raised:
        grubcfg.entries("set a=b\nlinux /vmlinuz 'ro\n")
    assert raised.value.message.startswith("line 2: ")


def test_grub_accepts_what_was_edited(tmp_path):
    check = shutil.which("grub-script-check")
    if not check:
        pytest.skip("grub-script-check of grub-common is not installed")
    for text in (CUSTOM.replace("exec tail", "echo tail"), DEBIAN_12):
        script = tmp_path / "grub.cfg"
        script.write_text(grubcfg.edit(text, lambda entry: azure(entry) + ['x="it\'s $y"']))
        subprocess.run([check, str(script)], check=True)


PIECES = [
    "menuentry ", "submenu ", "'t' ", '"u" ', "{", " }", "\n", "\n", ";", " ", "linux ", "initrd ", "multiboot2 /x",
    "module2 ", "/vmlinuz", " ro", " quiet", " a='b c'", ' d="e"', "'", '"', "\\", "\\\n", "#", "$x", "${y}", "\r\n",
    "if ", "then ", "fi", " placeholder", " --x ", "\u00e9", "\udce9", "blscfg", "configfile /z", "set p=", "&", "|",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_text_is_read_and_edited_or_malformed(text):
    try:
        entries = grubcfg.entries(text)
        grubcfg.stub(text)
        grubcfg.reads_entries(text)
    except Malformed as error:
        assert error.message.startswith("line ")
        return
    assert grubcfg.edit(text, lambda entry: entry.arguments) == text

    def transform(entry):
        return cmdline.without(entry.arguments, ["quiet"]) + [a for a in ["new"] if a not in entry.arguments]

    edited = grubcfg.edit(text, transform)
    assert [e.arguments for e in grubcfg.entries(edited)] == [transform(e) for e in entries]
    assert [e._replace(arguments=[], line=0) for e in grubcfg.entries(edited)] == [
        e._replace(arguments=[], line=0) for e in entries
    ]
    assert grubcfg.edit(edited, transform) == edited
