"""GRUB Legacy as a backend: how it is recognised, what its entries get, and what kernels get that come later."""

import os

import pytest

from agentprep.boot import pick
from agentprep.boot.grub_legacy import GrubLegacy
from agentprep.errors import Blocked
from agentprep.formats import cmdline
from agentprep.guest import Draft, Guest
from tests.boot import legacy
from tests.boot.legacy import (
    DEBIAN,
    DEBIAN_KERNELS,
    DEBIAN_MENU,
    EFI_CONF,
    GRUB_CONF,
    NEW,
    OLD,
    RHEL_6,
    RHEL_6_UEFI,
    SLES_11,
    SUSE,
    SYSCONFIG,
    YAST_MENU,
    stage2,
)  # fmt: skip
from tests.trees import Program, To, content, make_tree

ADD = ["console=ttyS0,115200n8", "earlyprintk=ttyS0,115200", "rootdelay=300"]
REMOVE = ["rhgb", "quiet", "crashkernel"]
OURS = " ".join(ADD)
CONF, LST, STAGE2 = "/boot/grub/grub.conf", "/boot/grub/menu.lst", "/boot/grub/stage2"
MODERN = "menuentry 'x' {\n\tlinux /boot/vmlinuz-%s ro\n}\n" % NEW


def loader(root):
    return GrubLegacy(Guest(root))


def done(root, changes):
    """The paths of the changes, made."""
    made = []
    for change in changes:
        change.apply(Guest(root))
        made.append(change.path)
    return made


def settled(root):
    """The changes of a run; whatever it was, then every entry and future kernel is as wanted, and nothing is left."""
    paths = done(root, loader(root).set_arguments(ADD, REMOVE))
    for name, arguments in loader(root).arguments().items():
        assert cmdline.merge(arguments, ADD, REMOVE) == arguments, name
    assert list(loader(root).set_arguments(ADD, REMOVE)) == []
    return paths


# -- recognising ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "tree, evidence",
    [
        (RHEL_6, "/boot/grub/stage2 reads /boot/grub/grub.conf, which has 2 entries of Linux kernels"),
        (RHEL_6_UEFI, "/boot/efi/EFI/redhat/grub.efi reads %s, which has 2 entries of Linux kernels" % EFI_CONF),
        (SLES_11, "/boot/grub/stage2 reads /boot/grub/menu.lst, which has 2 entries of Linux kernels"),
        (DEBIAN, "/boot/grub/stage2 reads /boot/grub/menu.lst, which has 4 entries of Linux kernels"),
    ],
)
def test_a_loader_with_a_menu_of_the_guests_kernels_is_the_evidence(tmp_path, tree, evidence):
    root = legacy.guest(tmp_path, tree)
    backend, told = pick(Guest(root))
    assert (backend.name, told) == ("GRUB Legacy", evidence)
    assert not backend.foreseen and not loader(root).stale(ADD, REMOVE) and not list(backend.generate(ADD, REMOVE))


@pytest.mark.parametrize(
    "changed",
    [
        {STAGE2: None},  # of a system that has GRUB 2 now
        {STAGE2: stage2("grub.conf") + bytes(1 << 20)},
        {STAGE2: To("/boot/grub")},  # a folder
        {CONF: None},
        {CONF: "default=0\ntimeout=5\n"},
        {CONF: "title Windows\nchainloader +1\n"},
        {CONF: GRUB_CONF.replace(".el6", ".el5")},  # no such kernels
        {"/boot/grub/grub.cfg": MODERN, "/boot/grub/i386-pc/core.img": ""},
        {"/boot/grub2/grub.cfg": "blscfg\n", "/boot/grub2/i386-pc/core.img": ""},
        {CONF: "title Chainload into GRUB 2\nkernel /boot/grub/core.img\n" + GRUB_CONF, "/boot/grub/grub.cfg": MODERN},
    ],
)
def test_a_leftover_is_no_evidence(tmp_path, changed):
    assert GrubLegacy.probe(Guest(legacy.guest(tmp_path, RHEL_6, changed))) is None


def test_a_leftover_of_grub_2_takes_nothing_over(tmp_path):
    for number, changed in enumerate(
        ({"/boot/grub/grub.cfg": MODERN}, {"/boot/grub/grub.cfg": "x", "/boot/grub/core.img": ""})
    ):
        assert GrubLegacy.probe(Guest(legacy.guest(tmp_path / str(number), RHEL_6, changed)))
    assert GrubLegacy.probe(Guest(make_tree(tmp_path / "none", {}))) is None


def test_on_uefi_grub_2_beside_it_has_taken_over(tmp_path):
    modern = {"/boot/efi/EFI/redhat/grubx64.efi": "MZ", "/boot/efi/EFI/redhat/grub.cfg": MODERN}
    assert GrubLegacy.probe(Guest(legacy.guest(tmp_path, RHEL_6_UEFI, modern))) is None


def test_of_two_menus_the_one_that_the_loader_was_built_to_read_counts(tmp_path):
    other = GRUB_CONF.replace("quiet", "other")
    both = {CONF: GRUB_CONF, LST: other}
    for name, path, left in (("grub.conf", CONF, LST), ("menu.lst", LST, CONF)):
        root = legacy.guest(tmp_path / name, RHEL_6, both, {STAGE2: stage2(name)})
        assert " reads %s, " % path in GrubLegacy.probe(Guest(root))
        assert "%s is read by no loader, and is left alone" % left in loader(root).notes()
        assert settled(root) == [path]
    unknown = legacy.guest(tmp_path / "unknown", RHEL_6, both, {STAGE2: bytes(2048)})
    assert " reads %s, " % CONF in GrubLegacy.probe(Guest(unknown)), "/etc/grub.conf leads there"
    plain = legacy.guest(tmp_path / "plain", RHEL_6, both, {STAGE2: bytes(2048), "/etc/grub.conf": "setup (hd0)\n"})
    assert " reads %s, " % LST in GrubLegacy.probe(Guest(plain)), "upstream's name"


def test_a_link_the_other_way_round(tmp_path):
    root = legacy.guest(tmp_path, RHEL_6, {LST: GRUB_CONF, CONF: To("menu.lst")})
    assert " reads %s, " % LST in GrubLegacy.probe(Guest(root))
    assert settled(root) == [LST]
    assert os.readlink(root + CONF) == "menu.lst" and loader(root).notes() == []


# -- Red Hat -------------------------------------------------------------------------------------------------
def test_rhel_6_entries_are_edited_and_copied_by_grubby(tmp_path):
    root = legacy.guest(tmp_path, RHEL_6)
    told = loader(root).arguments()
    assert list(told) == ["future", "CentOS (%s)" % NEW, "CentOS (%s)" % OLD]
    assert told["future"] == told["CentOS (%s)" % NEW] == legacy.ARGUMENTS.split()
    assert settled(root) == [CONF]
    expected = GRUB_CONF.replace(" crashkernel=auto", "").replace(" rhgb quiet", " " + OURS)
    assert content(root, CONF) == expected
    assert os.readlink(root + LST) == "./grub.conf" and os.readlink(root + "/etc/grub.conf") == "../boot/grub/grub.conf"
    assert loader(root).notes() == []


def test_grubby_copies_the_default_entry(tmp_path):
    text = GRUB_CONF.replace("default=0", "default=1").replace("-431.el6.x86_64 ro", "-431.el6.x86_64 ro mine")
    told = loader(legacy.guest(tmp_path, RHEL_6, {CONF: text})).arguments()
    assert told["future"] == told["CentOS (%s)" % OLD] and "mine" in told["future"]


def test_without_a_tool_nothing_is_said_of_the_future(tmp_path):
    root = legacy.guest(tmp_path, RHEL_6, {"/sbin/grubby": None, "/sbin/new-kernel-pkg": None})
    assert "future" not in loader(root).arguments()
    assert loader(root).notes() == ["nothing in the guest adds entries for new kernels to %s" % CONF]


def test_rhel_6_on_uefi(tmp_path):
    root = legacy.guest(tmp_path, RHEL_6_UEFI)
    assert settled(root) == [EFI_CONF] and content(root, EFI_CONF).count(OURS) == 2
    assert content(root, EFI_CONF).count("(hd0,1)") == 4


def test_both_menus_of_a_disk_for_both_firmwares(tmp_path):
    root = legacy.guest(tmp_path, RHEL_6, RHEL_6_UEFI, {"/etc/grub.conf": To("../boot/grub/grub.conf")})
    assert [name for name in loader(root).arguments() if OLD in name] == ["CentOS (%s)" % OLD, "CentOS (%s) (#2)" % OLD]
    assert settled(root) == [CONF, EFI_CONF]


def test_arguments_of_some_kernels_only(tmp_path):
    root = legacy.guest(tmp_path, RHEL_6)
    assert done(root, loader(root).set_arguments_of([OLD], ["numa=off"], [])) == [CONF]
    told = loader(root).arguments()
    assert "numa=off" in told["CentOS (%s)" % OLD] and "numa=off" not in told["CentOS (%s)" % NEW]
    assert list(loader(root).set_arguments_of([OLD], ["numa=off"], [])) == []


def test_arguments_of_one_kernel_survive_update_grub(tmp_path):
    root = legacy.guest(tmp_path, DEBIAN)
    old = DEBIAN_KERNELS[1]
    assert done(root, loader(root).set_arguments_of([old], ["numa=off"], [])) == [LST]
    assert list(loader(root).set_arguments_of([old], ["numa=off"], [])) == []
    with open(root + LST, "r+") as stream:
        made = legacy.update_grub(stream.read(), DEBIAN_KERNELS)
        stream.seek(0)
        stream.write(made)
    told = {one.name: "numa=off" in one.entry.arguments for one in loader(root).listed()}
    assert told == {name: old in name for name in told} and len(told) == 4
    assert list(loader(root).set_arguments_of([old], ["numa=off"], [])) == []
    assert settled(root) == [LST] and "# kopt_2_6_26_2_amd64=" in content(root, LST)


# -- SUSE ----------------------------------------------------------------------------------------------------
def test_sles_11_entries_and_sysconfig_are_edited_and_xen_is_not(tmp_path):
    root = legacy.guest(tmp_path, SLES_11)
    told = loader(root).arguments()
    name = "SUSE Linux Enterprise Server 11 SP4 - 3.0.101-63"
    assert list(told) == ["future", "future (recovery)", name, "Failsafe -- " + name]
    assert told["future"] == legacy.NORMAL.split() and told["future (recovery)"] == legacy.FAILSAFE.split()
    assert settled(root) == [LST, "/etc/sysconfig/bootloader"]
    normal = legacy.NORMAL.replace("crashkernel=128M-:64M ", "")
    text = YAST_MENU.replace("vga=0x317\n    initrd", "vga=0x317 %s\n    initrd" % OURS)
    text = text.replace(legacy.NORMAL + " vga=0x317 console", normal + " vga=0x317 console")
    assert content(root, LST) == text and content(root, LST).count("crashkernel") == 1
    expected = SYSCONFIG.replace('DEFAULT_APPEND="%s"' % legacy.NORMAL, 'DEFAULT_APPEND="%s %s"' % (normal, OURS))
    expected = expected.replace('FAILSAFE_APPEND="%s"' % legacy.FAILSAFE, 'FAILSAFE_APPEND="%s %s"' % (
        legacy.FAILSAFE, OURS,
    ))  # fmt: skip
    assert content(root, "/etc/sysconfig/bootloader") == expected
    assert loader(root).notes() == [
        "the entry 'Floppy' starts something else and is left alone",
        "the entry 'Xen -- %s' starts Xen, which Azure does not run, and is left alone" % name,
    ]


def test_without_sysconfig_values_the_newest_entry_is_copied(tmp_path):
    root = legacy.guest(tmp_path, SLES_11, {"/etc/sysconfig/bootloader": 'LOADER_TYPE="grub"\n'})
    told = loader(root).arguments()
    assert told["future"][-1] == "vga=0x317" and settled(root) == [LST]


def test_a_broken_sysconfig_is_named(tmp_path):
    root = legacy.guest(tmp_path, SLES_11, {"/etc/sysconfig/bootloader": 'A="b\n'})
    with pytest.raises(Blocked, match="^/etc/sysconfig/bootloader, line 1"):
        loader(root).arguments()


# -- Debian --------------------------------------------------------------------------------------------------
def test_what_update_grub_makes_later_is_what_was_written(tmp_path):
    text = DEBIAN_MENU.replace("defoptions=quiet", "defoptions=quiet splash console=tty1")
    text = text.replace(") single\n", ") single\n# altoptions=(no acpi) acpi=off rhgb\n", 1)
    text = text.replace("8f11 ro\n", "8f11 ro rhgb\n# kopt_2_6_26=root=/dev/sda1 ro quiet\n", 1)
    root = legacy.guest(tmp_path, DEBIAN, {LST: legacy.update_grub(text, DEBIAN_KERNELS)})
    assert settled(root) == [LST]
    text = content(root, LST)
    assert "# kopt_2_6_26=root=/dev/sda1 ro console=tty1 %s\n" % OURS in text
    assert "# defoptions=splash\n" in text and "# altoptions=(no acpi) acpi=off\n" in text
    with open(root + LST, "w") as stream:
        stream.write(legacy.update_grub(text, ["2.6.32-6-amd64"] + DEBIAN_KERNELS))
    make_tree(root, {"/boot/vmlinuz-2.6.32-6-amd64": ""}, minimal=False)
    assert len(loader(root).listed()) == 9
    assert settled(root) == [], "for a kernel that came later too"


def test_an_option_of_old_kernels_alone_is_edited_too(tmp_path):
    text = DEBIAN_MENU.replace("8f11 ro\n", "8f11 ro %s\n# kopt_2_6_18=root=/dev/sda1 ro\n" % OURS, 1)
    root = legacy.guest(tmp_path, DEBIAN, {LST: legacy.update_grub(text.replace("=quiet", "="), DEBIAN_KERNELS)})
    assert settled(root) == [LST] and "# kopt_2_6_18=root=/dev/sda1 ro %s\n" % OURS in content(root, LST)


def test_of_a_menu_without_options_a_future_update_grub_makes_the_same(tmp_path):
    text = "default 0\ntimeout 5\ntitle Mine\nkernel /boot/vmlinuz-2.6.32-5-amd64 root=/dev/sda1 ro\n"
    root = legacy.guest(tmp_path, DEBIAN, {LST: text})
    assert settled(root) == [LST]
    made = content(root, LST)
    assert (
        made.startswith(text[:-1] + " %s\n### BEGIN AUTOMAGIC" % OURS)
        and "# kopt=root=/dev/sda1 ro %s\n" % OURS in made
    )
    with open(root + LST, "w") as stream:
        stream.write(legacy.update_grub(made, DEBIAN_KERNELS))
    assert settled(root) == []


def test_debians_options_for_xen_are_left_alone(tmp_path):
    xen = "title Xen\nkernel /boot/xen-4.1.gz\nmodule /boot/vmlinuz-2.6.32-5-xen-amd64 quiet\nmodule /boot/initrd\n"
    root = legacy.guest(tmp_path, DEBIAN, {LST: DEBIAN_MENU + xen})
    assert settled(root) == [LST] and content(root, LST).endswith(xen)
    assert "# xenkopt=console=tty0\n" in content(root, LST)
    assert "%s: xenkopt is for Xen and is left alone" % LST in loader(root).notes()
    plain = legacy.guest(tmp_path / "plain", DEBIAN)
    assert loader(plain).notes() == [
        "the entry 'Debian GNU/Linux, kernel memtest86+' starts something else and is left alone",
    ]


def test_a_menu_that_ends_lines_as_dos_does_is_refused_where_update_grub_fails(tmp_path):
    root = legacy.guest(tmp_path, DEBIAN, {LST: DEBIAN_MENU.replace("\n", "\r\n")})
    with pytest.raises(Blocked, match="^/boot/grub/menu.lst, line 48: a carriage return") as caught:
        list(loader(root).set_arguments(ADD, REMOVE))
    assert caught.value.hint.endswith("sed -i 's/\\r$//' /boot/grub/menu.lst")
    suse = legacy.guest(tmp_path / "suse", SLES_11, {LST: YAST_MENU.replace("\n", "\r\n")})
    assert LST in settled(suse) and content(suse, LST).count("\r\n") == YAST_MENU.count("\n")


def test_debians_loader_hands_on_255_bytes(tmp_path):
    for name, tree in (("long", {}), ("short", {STAGE2: stage2("grub.conf", short=True)})):
        root = legacy.guest(tmp_path / name, RHEL_6, tree)
        arguments = ADD + ["a=" + "b" * 40]
        if name == "long":
            assert done(root, loader(root).set_arguments(arguments, [])) == [CONF]
            continue
        with pytest.raises(Blocked, match="first 255 of 292 bytes of its arguments from /boot/grub/stage2"):
            list(loader(root).set_arguments(arguments, []))
        with open(root + CONF, "w") as stream:
            stream.write(GRUB_CONF.replace(" quiet", " quiet a=" + "b" * 99))
        assert list(loader(root).set_arguments([], ["unheard-of"])) == [], "it was too long before"


def test_a_line_that_grub_would_cut_is_refused(tmp_path):
    text = GRUB_CONF.replace("-431.el6.x86_64 ro", "-431.el6.x86_64 ro " + "a" * 1240)
    with pytest.raises(Blocked, match="/boot/grub/grub.conf, line 20: the entry .* cuts it at 1500"):
        list(loader(legacy.guest(tmp_path, RHEL_6, {CONF: text})).set_arguments(ADD, REMOVE))


# -- what entries load ---------------------------------------------------------------------------------------
def test_the_initrds_of_entries(tmp_path):
    assert loader(legacy.guest(tmp_path / "el", RHEL_6)).initrds() == {
        NEW: ["/boot/initramfs-%s.img" % NEW], OLD: ["/boot/initramfs-%s.img" % OLD],
    }  # fmt: skip
    assert loader(legacy.guest(tmp_path / "suse", SLES_11)).initrds() == {SUSE: ["/boot/initrd-" + SUSE]}
    more = "title Mine\nkernel /vmlinuz-%s ro\ninitrd /mine.img\ntitle None\nkernel (hd0,0)/vmlinuz-%s ro\n" % (
        NEW,
        OLD,
    )
    more += "title Rescue\nkernel /vmlinuz-0-rescue-abc root=/dev/sda1\ninitrd /initramfs-0-rescue-abc.img\n"
    root = legacy.guest(tmp_path / "more", RHEL_6, {CONF: more + GRUB_CONF.split("title")[0], "/boot/mine.img": "",
                                                    "/boot/vmlinuz-0-rescue-abc": ""})  # fmt: skip
    assert loader(root).initrds() == {NEW: ["/boot/mine.img"], OLD: []}
    assert loader(root).without_initrd() == ["None"]
    assert "the entry 'Rescue' starts something else and is left alone" in loader(root).notes()
    both = legacy.guest(tmp_path / "both", RHEL_6, {CONF: GRUB_CONF + more, "/boot/mine.img": ""})
    assert loader(both).initrds()[NEW] == ["/boot/mine.img", "/boot/initramfs-%s.img" % NEW]


def test_a_link_to_a_kernel_is_the_kernel(tmp_path):
    links = {"/vmlinuz": To("boot/vmlinuz-" + NEW), "/initrd.img": To("boot/initramfs-%s.img" % NEW),
             CONF: "title Linux\nkernel /vmlinuz root=/dev/sda1\ninitrd /initrd.img\n"}  # fmt: skip
    assert loader(legacy.guest(tmp_path, RHEL_6, links)).initrds() == {NEW: ["/boot/initramfs-%s.img" % NEW]}


def test_other_systems_and_missing_kernels_are_noted(tmp_path):
    text = GRUB_CONF + "title Gone\nkernel /vmlinuz-2.6.32-71.el6 ro\ntitle Windows\nchainloader +1\n"
    root = legacy.guest(tmp_path, RHEL_6, {CONF: text.replace("hiddenmenu", "password --md5 $1$x")})
    assert loader(root).notes() == [
        "/boot/grub/grub.conf has a password, which the menu asks for before an entry can be edited",
        "the entry 'Gone' starts /vmlinuz-2.6.32-71.el6, which is not in /boot, and is left alone",
        "the entry 'Windows' starts something else and is left alone",
    ]
    assert settled(root) == [CONF] and "2.6.32-71.el6 ro\n" in content(root, CONF)


def test_a_kernel_without_an_entry_is_noted(tmp_path):
    more = {"/boot/vmlinuz-9": "", "/lib/modules/9/modules.dep": ""}
    assert loader(legacy.guest(tmp_path, RHEL_6, more)).notes() == ["there is no entry for /boot/vmlinuz-9"]


# -- the menu on the serial port -----------------------------------------------------------------------------
def test_the_menu_is_put_on_the_serial_port_once(tmp_path):
    root = legacy.guest(tmp_path, RHEL_6)
    assert loader(root).menu_on_serial() == ""
    assert done(root, loader(root).set_menu_on_serial(115200)) == [CONF]
    lines = "serial --unit=0 --speed=115200\nterminal --timeout=5 serial console\n"
    assert content(root, CONF) == GRUB_CONF.replace("timeout=5\n", "timeout=5\n" + lines).replace(
        "splashimage", "#splashimage"
    )
    assert loader(root).menu_on_serial() == (
        "/boot/grub/grub.conf says 'serial --unit=0 --speed=115200, terminal --timeout=5 serial console'"
    )
    assert list(loader(root).set_menu_on_serial(115200)) == []
    assert done(root, loader(root).set_menu_on_serial(9600)) == [CONF]
    assert content(root, CONF).count("serial --unit=0 --speed=9600\n") == 1


def test_debian_would_hide_the_menu_behind_a_picture_again(tmp_path):
    root = legacy.guest(tmp_path, DEBIAN, {"/boot/grub/splash.xpm.gz": ""})
    assert not [note for note in loader(root).notes() if "splash" in note]
    done(root, loader(root).set_menu_on_serial(115200))
    assert [note for note in loader(root).notes() if note.startswith("/boot/grub/splash.xpm.gz: update-grub will")]


@pytest.mark.parametrize(
    "lines, shown",
    [
        ("serial\nterminal serial", True),
        ("serial --port=0x3f8\nterminal --dumb console serial", True),
        ("serial --unit=1\nterminal serial", False),
        ("serial\nterminal console", False),
        ("terminal serial", False),
        ("serial\nterminal serial\ngfxmenu (hd0,0)/message", False),
        ("#serial\n#terminal serial", False),
    ],
)
def test_a_menu_that_is_on_the_serial_port(tmp_path, lines, shown):
    text = GRUB_CONF.replace("splashimage=(hd0,0)/grub/splash.xpm.gz", lines)
    root = legacy.guest(tmp_path, RHEL_6, {CONF: text})
    assert bool(loader(root).menu_on_serial()) is shown
    done(root, loader(root).set_menu_on_serial(9600))
    assert loader(root).menu_on_serial()
    assert (content(root, CONF) == text) is shown, "what works stays as it is"


# -- planning ------------------------------------------------------------------------------------------------
def test_on_a_draft_the_edits_are_seen_and_nothing_is_written(tmp_path):
    root = legacy.guest(tmp_path, DEBIAN)
    draft = Draft(Guest(root))
    for change in GrubLegacy(draft).set_arguments(ADD, REMOVE):
        change.imagine(draft)
    assert list(GrubLegacy(draft).set_arguments(ADD, REMOVE)) == []
    assert content(root, LST) == DEBIAN_MENU


def test_the_tool_of_another_loader_is_not_debians(tmp_path):
    root = legacy.guest(tmp_path, RHEL_6, {"/usr/sbin/update-grub": Program('#!/bin/sh\nexec grub-mkconfig "$@"\n')})
    assert settled(root) == [CONF] and "AUTOMAGIC" not in content(root, CONF)
