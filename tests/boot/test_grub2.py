"""GRUB 2 as a backend: how it is recognised, what its entries get, where that is set, and how its menu is made anew."""

import os
import stat

import pytest

from agentprep.boot.grub2 import Grub2
from agentprep.changes import Forget, Run, Write
from agentprep.errors import Blocked, CommandFailed
from agentprep.guest import Draft, Guest
from tests.boot import mkconfig
from tests.boot.mkconfig import CUSTOM, KDUMP, KERNELS, MAIN, UUID
from tests.trees import FakeCommands, Program, To, content, make_tree

ADD = ["console=ttyS0,115200n8", "earlyprintk=ttyS0,115200", "rootdelay=300"]
REMOVE = ["rhgb", "quiet", "crashkernel"]
OURS = " ".join(ADD)
CFG, MADE = "/boot/grub/grub.cfg", "/boot/grub/.grub.cfg.agentprep"
STUB = "search.fs_uuid %s root hd0,gpt2\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n" % UUID
OTHER = "/etc/grub.d/40_custom"
NEW, OLD = KERNELS[-1], KERNELS[0]
ADVANCED = "Advanced options for Debian GNU/Linux>Debian GNU/Linux, with Linux "


def grub(root, generator=mkconfig.small):
    return Grub2(Guest(root, FakeCommands(root, {"grub-mkconfig": generator})))


def done(root, changes):
    """The changes, made."""
    guest = Guest(root, FakeCommands(root, {"grub-mkconfig": mkconfig.small}))
    made = []
    for change in changes:
        if isinstance(change, Run):
            change.execute(guest, 60, None, None)
        else:
            change.apply(guest)
        made.append(change)
    return made


def edited(root, text):
    with open(root + CFG, "r+", errors="surrogateescape") as stream:
        old = stream.read()
        stream.seek(0)
        stream.truncate()
        stream.write(text(old))


def custom(arguments, title="My kernel", kernel="/boot/vmlinuz-" + NEW):
    return CUSTOM + "menuentry '%s' {\n\tlinux %s root=UUID=%s %s\n\tinitrd /boot/initrd.img\n}\n" % (
        title, kernel, UUID, arguments,
    )  # fmt: skip


# -- recognising ---------------------------------------------------------------------------------------------
def test_a_menu_of_kernels_and_its_maker_are_the_evidence(tmp_path):
    root = mkconfig.guest(tmp_path, {"/boot/grub/menu.lst": "title old\nkernel /boot/vmlinuz-2.6\n"})
    told = Grub2.probe(Guest(root))
    assert told == "/boot/grub/grub.cfg has 5 entries of Linux kernels, and /usr/sbin/grub-mkconfig is there"


@pytest.mark.parametrize(
    "files",
    [
        {CFG: STUB},
        {CFG: "set default=0\ninsmod blscfg\nblscfg\n"},
        {CFG: "blscfg\n" + mkconfig.entry("Written by hand", NEW, "")},
        {CFG: "menuentry 'memtest' {\n\tlinux16 /boot/memtest86+.bin\n}\n"},
        {CFG: ""},
        {"/usr/sbin/grub-mkconfig": None, "/etc/default/grub": None},
    ],
)
def test_a_leftover_or_another_loaders_menu_is_no_evidence(tmp_path, files):
    assert Grub2.probe(Guest(mkconfig.guest(tmp_path, files))) is None


def test_nothing_of_grub_is_no_evidence(tmp_path):
    assert Grub2.probe(Guest(make_tree(tmp_path, {"/boot/grub/menu.lst": "title x\n"}))) is None


def test_red_hats_and_suses_names_are_found_by_what_is_there(tmp_path):
    root = mkconfig.guest(tmp_path)
    os.rename(root + "/boot/grub", root + "/boot/grub2")
    os.rename(root + "/usr/sbin/grub-mkconfig", root + "/usr/sbin/grub2-mkconfig")
    found = grub(root)
    assert (found.config, found.generator) == ("/boot/grub2/grub.cfg", "/usr/sbin/grub2-mkconfig")
    os.makedirs(root + "/boot/grub")
    with open(root + CFG, "w") as stream:
        stream.write(mkconfig.entry("leftover", NEW, ""))
    assert found.config == "/boot/grub2/grub.cfg"


# -- what entries get ----------------------------------------------------------------------------------------
def test_every_entry_and_the_future_are_told(tmp_path):
    root = mkconfig.guest(tmp_path)
    kernel = ["root=UUID=" + UUID, "ro"]
    assert grub(root).arguments() == {
        "future": ["quiet"],
        "future (recovery)": ["single"],
        "Debian GNU/Linux": kernel + ["quiet"],
        ADVANCED + NEW: kernel + ["quiet"],
        ADVANCED + NEW + " (recovery mode)": kernel + ["single"],
        ADVANCED + OLD: kernel + ["quiet"],
        ADVANCED + OLD + " (recovery mode)": kernel + ["single"],
    }


def test_entries_of_one_title_are_all_told(tmp_path):
    twice = custom("a") + custom("b").split("above.\n")[1] + custom("c", "future").split("above.\n")[1]
    root = mkconfig.guest(tmp_path, {OTHER: Program(twice)})
    told = {name: given[1:] for name, given in grub(root).arguments().items() if name[0] in "Mf"}
    assert [told[name] for name in ("My kernel", "My kernel (#2)", "future (#2)")] == [["a"], ["b"], ["c"]]
    assert len(told) == 5


def test_a_file_that_is_read_at_boot_counts(tmp_path):
    root = mkconfig.guest(tmp_path, {"/boot/grub/custom.cfg": custom("quiet")})
    assert "My kernel" in grub(root).arguments()
    edited(root, lambda text: text.replace("custom.cfg", ""))
    assert "My kernel" not in grub(root).arguments()


def test_other_systems_and_kernels_that_are_gone_are_only_noted(tmp_path):
    root = mkconfig.guest(tmp_path, {OTHER: Program(custom("quiet", "Gone", "/boot/vmlinuz-5"))})
    probed = "\n### BEGIN /etc/grub.d/30_os-prober ###\n%s### END /etc/grub.d/30_os-prober ###\n"
    edited(root, lambda text: text + probed % mkconfig.entry("Fedora", NEW, "rhgb quiet"))
    backend = grub(root)
    assert [name for name in backend.arguments() if name in ("Gone", "Fedora")] == []
    assert backend.notes() == [
        "/boot/grub/grub.cfg has entries of vmlinuz-5, which is not in /boot",
        "the entry 'Fedora' is of another system and is left alone",
    ]


def test_xen_is_only_noted(tmp_path):
    xen = "menuentry 'Xen' {\n\tmultiboot2 /boot/xen.gz placeholder\n\tmodule2 /boot/vmlinuz-%s placeholder quiet\n}\n"
    drop = {"/etc/default/grub.d/xen.cfg": "GRUB_CMDLINE_LINUX_XEN_REPLACE=console=hvc0\n"}
    root = mkconfig.guest(tmp_path, drop)
    edited(root, lambda text: text + xen % NEW)
    assert "Xen" not in grub(root).arguments()
    assert grub(root).notes() == [
        "/etc/default/grub.d/xen.cfg, line 1: GRUB_CMDLINE_LINUX_XEN_REPLACE is for Xen and was left alone",
        "the entry 'Xen' starts Xen, which Azure does not run, and is left alone",
    ]


def test_an_entry_without_initrd_is_told(tmp_path):
    root = mkconfig.guest(tmp_path)
    assert grub(root).without_initrd() == []
    edited(root, lambda text: text.replace("initrd\t", "# ", 1))
    assert grub(root).without_initrd() == ["Debian GNU/Linux"]


# -- setting -------------------------------------------------------------------------------------------------
def test_the_stores_are_edited_and_the_menu_is_not(tmp_path):
    at_boot = "/boot/grub/custom.cfg"
    files = {OTHER: Program(custom("ro quiet  rd.x=1 console=ttyS0")), at_boot: custom("rhgb", "At boot")}
    root = mkconfig.guest(tmp_path, dict(files, **{"/etc/default/grub.d/kdump-tools.cfg": KDUMP}))
    before = content(root, CFG)
    made = {change.path: change.content.decode() for change in done(root, grub(root).set_arguments(ADD, REMOVE))}
    assert made == {
        "/etc/default/grub": MAIN.replace('"quiet"', '""').replace('LINUX=""', 'LINUX="%s"' % OURS),
        "/etc/default/grub.d/kdump-tools.cfg": KDUMP.replace(" crashkernel=384M-:128M", ""),
        OTHER: custom("ro  rd.x=1 " + OURS),
        at_boot: custom(OURS, "At boot"),
    }
    told = grub(root).arguments()
    assert (told["future"], told["At boot"][1:]) == (ADD, ADD)
    assert stat.S_IMODE(os.stat(root + OTHER).st_mode) == 0o755
    assert list(grub(root).set_arguments(ADD, REMOVE)) == []
    assert content(root, CFG) == before


def test_an_entry_of_another_system_in_a_file_of_entries_is_left(tmp_path):
    root = mkconfig.guest(tmp_path, {OTHER: Program(custom("quiet", "Other", "(hd1,1)/boot/vmlinuz-other"))})
    assert [change.path for change in grub(root).set_arguments(ADD, REMOVE)] == ["/etc/default/grub"]


def test_a_script_that_cannot_be_edited_blocks_only_when_its_entry_is_wrong(tmp_path):
    script = "#!/bin/sh\nE=menuentry; L=linux\necho \"$E 'Own' {\n\t$L /boot/vmlinuz-%s root=UUID=1 quiet\n}\"\n" % NEW
    path = "/etc/grub.d/45_custom"
    root = mkconfig.guest(tmp_path, {path: Program(script)})
    with pytest.raises(Blocked, match="/etc/grub.d/45_custom writes the entry 'Own'"):
        list(grub(root).set_arguments(ADD, REMOVE))
    assert list(grub(root).set_arguments([], ["resume"])) == []


def test_a_script_that_does_not_run_is_left(tmp_path):
    root = mkconfig.guest(tmp_path, {OTHER: custom("quiet")})
    assert [change.path for change in grub(root).set_arguments(ADD, REMOVE)] == ["/etc/default/grub"]


# -- making the menu -----------------------------------------------------------------------------------------
def test_the_menu_is_made_beside_read_back_and_moved(tmp_path):
    root = mkconfig.guest(tmp_path)
    os.chmod(root + CFG, 0o444)
    done(root, grub(root).set_arguments(ADD, REMOVE))
    assert "quiet" in grub(root).stale(ADD, REMOVE)
    run, write = done(root, grub(root).generate(ADD, REMOVE))
    assert run.commands == (("grub-mkconfig", "-o", MADE),)
    assert (write.path, write.content.path, write.derived) == (CFG, MADE, True)
    assert grub(root).arguments()["Debian GNU/Linux"] == ["root=UUID=" + UUID, "ro"] + ADD
    assert stat.S_IMODE(os.stat(root + CFG).st_mode) == 0o444
    assert os.listdir(root + "/boot/grub") == ["grub.cfg"]
    assert grub(root).stale(ADD, REMOVE) == ""


@pytest.mark.skipif(not mkconfig.installed(), reason="no grub-mkconfig here (apt-get install grub2-common)")
def test_the_real_grub_mkconfig_makes_a_menu_that_is_right_and_is_not_made_again(tmp_path):
    files = {OTHER: Program(custom("rhgb")), "/etc/default/grub.d/kdump-tools.cfg": KDUMP}
    root = mkconfig.guest(tmp_path, files)
    backend = grub(root, mkconfig.real)
    assert mkconfig.real(root, ("grub-mkconfig", "-o", CFG))[0] == 0
    assert backend.arguments()[ADVANCED + NEW][2:] == ["quiet", "crashkernel=384M-:128M"]
    done(root, backend.set_arguments(ADD, REMOVE))
    for change in backend.generate(ADD, REMOVE):
        change.apply(backend.guest)
    told = {name: given[1:] for name, given in backend.arguments().items()}
    assert (told["My kernel"], told[ADVANCED + OLD]) == (ADD, ["ro"] + ADD)
    recovery = [word for word in told[ADVANCED + OLD + " (recovery mode)"] if word != "dis_ucode_ldr"]  # from 2.12 on
    assert (recovery, len(told)) == (["ro", "single"] + ADD, 8)
    assert backend.stale(ADD, REMOVE) == "" and os.listdir(root + "/boot/grub") == ["grub.cfg"]


def test_a_link_in_the_place_of_the_menu_stays(tmp_path):
    root = mkconfig.guest(tmp_path)
    os.makedirs(root + "/boot/real")
    os.rename(root + CFG, root + "/boot/real/grub.cfg")
    os.symlink("../real/grub.cfg", root + CFG)
    run, write = done(root, grub(root).generate([], []))
    assert write.path == "/boot/real/grub.cfg" and os.path.islink(root + CFG)


def test_a_draft_foresees_the_menu(tmp_path):
    draft = Draft(grub(mkconfig.guest(tmp_path)).guest)
    backend = Grub2(draft)
    assert not backend.foreseen
    for change in backend.generate(ADD, REMOVE):
        change.imagine(draft)
    assert backend.foreseen and backend.stale(ADD, REMOVE) == ""


@pytest.mark.parametrize(
    "files, edit, told",
    [
        ({}, lambda text: text, ""),
        ({"/etc/default/grub": "GRUB_CMDLINE_LINUX=a\n"}, lambda text: text.replace(" a ", " "), "made before"),
        ({}, lambda text: text.replace("vmlinuz-" + OLD, "vmlinuz-1"), "no entry for /boot/vmlinuz-" + OLD),
        ({}, lambda text: text.replace("quiet", "quiet resume=UUID=1", 1), "'Debian GNU/Linux' gets"),
    ],
)
def test_a_menu_is_stale_when_it_is_not_what_its_sources_say(tmp_path, files, edit, told):
    root = mkconfig.guest(tmp_path, files)
    edited(root, edit)
    stale = grub(root).stale([], ["resume"])
    assert told in stale and bool(stale) == bool(told)


def broken(change):
    """A grub-mkconfig whose menu is changed afterwards."""

    def run(root, argv):
        mkconfig.small(root, argv)
        with open(root + argv[2]) as stream:
            text = change(stream.read())
        with open(root + argv[2], "w") as stream:
            stream.write(text)

    return run


def failing(root, argv):
    with open(root + argv[2] + ".new", "w") as stream:
        stream.write("half")
    return 1, "/etc/default/grub: 3: Syntax error"


@pytest.mark.parametrize(
    "generator, told",
    [
        (failing, "grub-mkconfig -o %s failed with exit code 1: /etc/default/grub: 3: Syntax error" % MADE),
        (lambda root, argv: None, "no entry of a Linux kernel"),
        (broken(lambda text: ""), "no entry of a Linux kernel"),
        (broken(lambda text: "garbage ' \xff"), ".grub.cfg.agentprep, line 1"),
        (broken(lambda text: text[: text.index("vmlinuz-" + OLD)]), "no entry for /boot/vmlinuz-" + OLD),
        (broken(lambda text: text.replace("UUID=" + UUID, "/dev/sda1")), "has root=/dev/sda1"),
        (broken(lambda text: text.replace("ro  quiet", "ro  quiet splash", 1)), "'Debian GNU/Linux' gets"),
    ],
)
def test_a_menu_that_is_not_right_never_takes_the_old_ones_place(tmp_path, generator, told):
    root = mkconfig.guest(tmp_path)
    before = content(root, CFG)
    guest = Guest(root, FakeCommands(root, {"grub-mkconfig": generator}))
    with pytest.raises(CommandFailed) as caught:
        for change in Grub2(guest).generate([], ["splash"]):
            assert not isinstance(change, Write)
            change.apply(guest)
            assert isinstance(change, (Run, Forget))
    assert told in caught.value.message and CFG in caught.value.hint
    assert content(root, CFG) == before and os.listdir(root + "/boot/grub") == ["grub.cfg"]


def test_a_device_name_that_was_there_before_is_no_fault(tmp_path):
    root = mkconfig.guest(tmp_path)
    edited(root, lambda text: text.replace("UUID=" + UUID, "/dev/vda1"))
    generator = broken(lambda text: text.replace("UUID=" + UUID, "/dev/vda1"))
    guest = Guest(root, FakeCommands(root, {"grub-mkconfig": generator}))
    for change in Grub2(guest).generate([], []):
        change.apply(guest)
    assert "root=/dev/vda1" in content(root, CFG)


def test_a_guest_without_the_generator_is_blocked_with_the_packages_name(tmp_path):
    root = mkconfig.guest(tmp_path, {"/usr/sbin/grub-mkconfig": None})
    with pytest.raises(Blocked) as caught:
        list(grub(root).generate([], []))
    assert "grub-common" in caught.value.hint


def test_carriage_returns_are_dropped_as_grub_drops_them(tmp_path):
    text = 'GRUB_CMDLINE_LINUX="a"\r\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\r\n# the end\r\n'
    root = mkconfig.guest(tmp_path, {"/etc/default/grub": text})
    done(root, grub(root).set_arguments(ADD, REMOVE))
    done(root, grub(root).generate(ADD, REMOVE))
    assert grub(root).arguments()["Debian GNU/Linux"][2:] == ["a"] + ADD
    assert grub(root).stale(ADD, REMOVE) == ""


# -- the menu on the serial port -----------------------------------------------------------------------------
def terminal(root):
    told = {}
    for change in done(root, grub(root).set_menu_on_serial(115200)):
        for line in change.content.decode().splitlines():
            if line.startswith(("GRUB_TERMINAL", "GRUB_SERIAL")):
                told.setdefault(change.path, []).append(line)
    assert grub(root).menu_on_serial() and list(grub(root).set_menu_on_serial(115200)) == []
    return told


SERIAL = 'GRUB_SERIAL_COMMAND="serial --speed=115200 --unit=0 --word=8 --parity=no --stop=1"'
SLOW = SERIAL.replace("115200", "9600") + "\n"


@pytest.mark.parametrize(
    "lines, expected",
    [
        ("", ['GRUB_TERMINAL="serial console"', SERIAL]),
        ("GRUB_TERMINAL=gfxterm\n", ['GRUB_TERMINAL="serial console"', SERIAL]),
        ("GRUB_TERMINAL='console serial'\n" + SLOW, ["GRUB_TERMINAL='console serial'", SERIAL]),
        ("GRUB_TERMINAL_OUTPUT=serial\n", ["GRUB_TERMINAL_OUTPUT=serial", 'GRUB_TERMINAL="serial console"', SERIAL]),
    ],
)
def test_the_menu_is_put_on_the_serial_port_too(tmp_path, lines, expected):
    assert terminal(mkconfig.guest(tmp_path, {"/etc/default/grub": lines})) == {"/etc/default/grub": expected}


def test_the_menu_is_on_both_by_the_two_variables_too(tmp_path):
    text = 'GRUB_TERMINAL_INPUT="console serial"\nGRUB_TERMINAL_OUTPUT="serial gfxterm"\n%s\n' % SERIAL
    root = mkconfig.guest(tmp_path, {"/etc/default/grub": text})
    assert terminal(root) == {}
    assert grub(root).menu_on_serial() == 'GRUB_TERMINAL_OUTPUT="serial gfxterm" in /etc/default/grub, line 2'


def test_a_drop_in_that_decides_the_terminal_is_edited(tmp_path):
    path = "/etc/default/grub.d/50-cloudimg-settings.cfg"
    root = mkconfig.guest(tmp_path, {path: mkconfig.CLOUD})
    told = terminal(root)
    assert told[path] == ['GRUB_TERMINAL="serial console"']
    assert "GRUB_TIMEOUT=0" in grub(root).menu_on_serial()


def test_an_unreadable_link_loop_is_named(tmp_path):
    root = mkconfig.guest(tmp_path, {"/etc/default/grub": To("grub"), CFG: mkconfig.entry("x", NEW, "")})
    with pytest.raises(Blocked, match="symbolic links"):
        grub(root).arguments()
