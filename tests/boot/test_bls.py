"""BLS as a backend: what entries and future kernels get, how four stores are made to agree, and what mkconfig may do.

The guests and their grub2-mkconfigs are those of tests/boot/redhat.py, whose header says what was read and what run.
"""

import os

import pytest

from agentprep.boot.bls import BLS
from agentprep.boot.grub2 import Grub2
from agentprep.changes import Run
from agentprep.errors import Blocked, CommandFailed
from agentprep.guest import Draft, Guest
from tests.boot import redhat
from tests.boot.redhat import BOOT, CFG, CMDLINE, DEFAULTS, ENV, KERNELS, LVM, RESCUE, ROOT, block, entry, path
from tests.trees import FakeCommands, Program, To, content, make_tree

ADD = ["console=ttyS0,115200n8", "earlyprintk=ttyS0,115200", "rootdelay=300"]
REMOVE = ["rhgb", "quiet", "crashkernel"]
KEPT = [ROOT, "ro"] + LVM.split()
RELEASES = sorted(KERNELS)
MAIN = "/etc/default/grub"


def backend(root, release="el9", handler=None):
    return BLS(Guest(root, FakeCommands(root, {"grub2-mkconfig": handler or redhat.mkconfig(release)})))


def done(one, changes):
    made = []
    for change in changes:
        if isinstance(change, Run):
            change.execute(one.guest, 60, None, None)
        else:
            change.apply(one.guest)
        made.append(change)
    return made


def prepared(root, release="el9", handler=None):
    """What a run does: the stores, then the derived file; returns the changes."""
    one = backend(root, release, handler)
    changes = done(one, one.set_arguments(ADD, REMOVE))
    return changes + done(one, one.generate(ADD, REMOVE))


def settled(root, release="el9"):
    one = backend(root, release)
    assert list(one.set_arguments(ADD, REMOVE)) == [] and one.stale(ADD, REMOVE) == ""
    for name, words in one.arguments().items():
        assert words == KEPT + ADD, name


def options(root, version):
    lines = content(root, path(version)).splitlines()
    return [line for line in lines if line.startswith("options")]


def test_without_a_generator_it_is_said_what_is_missing(tmp_path):
    root = redhat.guest(tmp_path, "el9")
    os.unlink(root + Guest(root).which("grub2-mkconfig"))
    one = backend(root)
    assert one.generator is None
    with pytest.raises(Blocked, match="has no grub-mkconfig"):
        list(one.generate(ADD, REMOVE))


# -- recognising ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("release", RELEASES)
def test_a_menu_made_by_blscfg_and_its_entries_are_the_evidence(tmp_path, release):
    guest = backend(redhat.guest(tmp_path, release), release).guest
    told = "/boot/grub2/grub.cfg makes its menu with blscfg, and /boot/loader/entries has 3 entries of Linux kernels"
    assert BLS.probe(guest) == told
    assert Grub2.probe(guest) is None


def test_entries_that_nothing_reads_are_no_evidence(tmp_path):
    old, new = KERNELS["el9"]
    menu = "menuentry x {\nlinux /vmlinuz-%s %s\n}\n" % (new, ROOT)
    guest = Guest(redhat.guest(tmp_path, "el9", {CFG: menu}))
    assert BLS.probe(guest) is None
    assert "1 entries" in Grub2.probe(guest)


def test_a_blscfg_without_entries_is_no_evidence(tmp_path):
    gone = {path(version): None for version in KERNELS["el9"]}
    assert BLS.probe(Guest(redhat.guest(tmp_path, "el9", dict(gone, **{RESCUE: None})))) is None


# -- what entries get ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("release", RELEASES)
def test_variables_are_expanded_as_the_loader_would(tmp_path, release):
    told = backend(redhat.guest(tmp_path, release), release).arguments()
    assert sorted(told) == sorted(
        ["future"] + ["Red Hat Enterprise Linux (%s) 9.4 (Plow)" % version for version in KERNELS[release]]
    )
    assert all(words == [ROOT, "ro"] + BOOT.split() for words in told.values())


@pytest.mark.parametrize(
    "env, cfg, expected",
    [
        (block(kernelopts="a=1 "), "", ["a=1", "b"]),
        (block(kernelopts="a=1"), "set kernelopts=c\n", ["c", "b"]),
        (block(), 'if [ -z "${kernelopts}" ]; then\n  set kernelopts="c d "\nfi\n', ["c", "d", "b"]),
        (block(kernelopts="a=1"), 'if [ -z "${kernelopts}" ]; then\n  set kernelopts="c"\nfi\n', ["a=1", "b"]),
        (block(), "", ["b"]),
        (None, "set tuned_params='x y'\n", ["b", "x", "y"]),
    ],
)
def test_variables_come_from_grubenv_and_grub_cfg(tmp_path, env, cfg, expected):
    new = KERNELS["el8"][1]
    changed = {ENV: env, CFG: cfg + "blscfg\n", path(new): entry(new, "$kernelopts b $tuned_params")}
    told = backend(redhat.guest(tmp_path, "el8", changed), "el8").arguments()
    assert told["Red Hat Enterprise Linux (%s) 9.4 (Plow)" % new] == expected


def test_an_entry_without_options_gets_the_default(tmp_path):
    new = KERNELS["el8"][1]
    text = "title x\nlinux /vmlinuz-%s\n" % new
    changed = {path(new): text, CFG: 'set default_kernelopts="a quiet"\nblscfg\n'}
    assert backend(redhat.guest(tmp_path, "el8", changed), "el8").arguments()["x"] == ["a", "quiet"]


def test_what_stands_behind_an_empty_line_is_not_read(tmp_path):
    new = KERNELS["el9"][1]
    text = "title x\nlinux /vmlinuz-%s\n\noptions quiet\n" % new
    told = backend(redhat.guest(tmp_path, "el9", {path(new): text}))
    assert told.arguments()["x"] == [] and told.without_initrd() == ["x"]


def test_entries_of_any_machine_id_count_and_those_without_a_kernel_do_not(tmp_path):
    old, new = KERNELS["el9"]
    files = {path(new): None, path(new, "f" * 32): entry(new, "a"), path("1.0"): entry("1.0", "quiet")}
    one = backend(redhat.guest(tmp_path, "el9", files))
    assert [words for name, words in one.arguments().items() if new in name] == [["a"]]
    assert [name for name in one.arguments() if "(1.0)" in name] == []
    assert [note for note in one.notes() if "1.0" in note] == [
        "/boot/loader/entries/%s-1.0.conf is of /vmlinuz-1.0, which is not in the guest" % redhat.MACHINE
    ]
    assert any("rescue entry" in note for note in one.notes())


def test_initrds_are_told_without_tuneds_rescues_and_kdumps(tmp_path):
    old, new = KERNELS["el9"]
    files = {path(old): entry(old, "a").replace("initrd /", "initrd /microcode.cpio /")}
    assert backend(redhat.guest(tmp_path, "el9", files)).initrds() == {
        old: ["/boot/microcode.cpio", "/boot/initramfs-%s.img" % old],
        new: ["/boot/initramfs-%s.img" % new],
    }


@pytest.mark.parametrize("prefix", ["/", "/boot/", "/@/boot/", "/root/boot/", "($root)/"])
def test_paths_count_from_boot_root_or_a_subvolume(tmp_path, prefix):
    old, new = KERNELS["el9"]
    text = entry(new, "a").replace(" /vmlinuz", " %svmlinuz" % prefix).replace(" /initramfs", " %sinitramfs" % prefix)
    told = backend(redhat.guest(tmp_path, "el9", {path(new): text})).initrds()
    assert told[new] == ["/boot/initramfs-%s.img" % new]


# -- setting -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("release", RELEASES)
def test_all_stores_agree_afterwards(tmp_path, release):
    root = redhat.guest(tmp_path, release)
    before = content(root, RESCUE)
    changes = prepared(root, release)
    settled(root, release)
    old, new = KERNELS[release]
    assert content(root, MAIN) == DEFAULTS.replace(BOOT, LVM + " " + " ".join(ADD))
    if release == "el8":
        assert [change.path for change in changes[:2]] == [MAIN, ENV]
        assert options(root, old) == options(root, new) == ["options $kernelopts $tuned_params"]
        assert not os.path.exists(root + CMDLINE)
    else:
        assert [change.path for change in changes[:4]] == [MAIN, path(new), path(old), CMDLINE]
        assert options(root, new) == ["options %s $tuned_params %s" % (" ".join(KEPT), " ".join(ADD))]
        assert content(root, CMDLINE) == " ".join(KEPT + ADD) + "\n"
    assert content(root, RESCUE) == before
    assert 'set kernelopts="%s ro %s %s "' % (ROOT, LVM, " ".join(ADD)) in content(root, CFG)
    env = content(root, ENV)
    assert len(env) == 1024 and env.rstrip("#").endswith("\n") and "saved_entry=" in env and "boot_success=0" in env


def test_the_blank_at_kernelopts_end_stays(tmp_path):
    root = redhat.guest(tmp_path, "el8")
    prepared(root, "el8")
    assert "kernelopts=%s %s \n" % (" ".join(KEPT), " ".join(ADD)) in content(root, ENV)


def test_a_kernelopts_that_is_not_set_is_made_by_the_fallback(tmp_path):
    """After `grub2-editenv - unset kernelopts`, which Microsoft's page for RHEL 8 has people do."""
    root = redhat.guest(tmp_path, "el8", {ENV: block(saved_entry="x")})
    changes = prepared(root, "el8")
    settled(root, "el8")
    assert [change.path for change in changes if not isinstance(change, Run)] == [MAIN, CFG]
    assert "kernelopts" not in content(root, ENV)


def test_a_grubenv_on_the_esp_is_edited_through_its_link(tmp_path):
    esp = "/boot/efi/EFI/redhat/"
    files = redhat.files("el8")
    changed = {
        ENV: To("../efi/EFI/redhat/grubenv"),
        esp + "grubenv": files[ENV],
        CFG: None,
        esp + "grub.cfg": files[CFG],
    }
    root = redhat.guest(tmp_path, "el8", dict(changed, **{esp + "grubx64.efi": b"MZ"}))
    assert backend(root, "el8").config == esp + "grub.cfg"
    prepared(root, "el8")
    settled(root, "el8")
    assert os.readlink(root + ENV) == "../efi/EFI/redhat/grubenv" and "rootdelay" in content(root, esp + "grubenv")
    assert "rootdelay" in content(root, esp + "grub.cfg") and not os.path.exists(root + CFG)


def test_kernelopts_that_have_no_room_are_blocked_before_anything_is_changed(tmp_path):
    root = redhat.guest(tmp_path, "el8", {ENV: block(kernelopts=ROOT + " x" * 470)})
    before = content(root, MAIN)
    with pytest.raises(Blocked) as caught:
        list(backend(root, "el8").set_arguments(ADD, REMOVE))
    assert ENV in caught.value.message and "in a block of 1024" in caught.value.message
    assert content(root, MAIN) == before


def test_several_options_lines_are_right_for_grub_and_for_systemd_boot(tmp_path):
    new = KERNELS["el9"][1]
    text = entry(new, "%s ro quiet\noptions  rhgb console=tty0 audit=1" % ROOT)
    root = redhat.guest(tmp_path, "el9", {path(new): text})
    prepared(root)
    assert options(root, new) == ["options %s ro %s" % (ROOT, " ".join(ADD)), "options  audit=1"]


def test_words_beside_the_variable_are_cleared_not_doubled(tmp_path):
    new = KERNELS["el8"][1]
    text = entry(new, "$kernelopts quiet console=tty0 a=1 $tuned_params")
    root = redhat.guest(tmp_path, "el8", {path(new): text})
    prepared(root, "el8")
    assert options(root, new) == ["options $kernelopts a=1 $tuned_params"]
    assert list(backend(root, "el8").set_arguments(ADD, REMOVE)) == []


def test_a_variable_that_stands_in_the_way_is_blocked(tmp_path):
    new = KERNELS["el9"][1]
    cfg = content(redhat.guest(tmp_path / "a", "el9"), CFG).replace('tuned_params=""', 'tuned_params="quiet"')
    root = redhat.guest(tmp_path / "b", "el9", {CFG: cfg})
    with pytest.raises(Blocked, match="%s.*no edit there" % new):
        list(backend(root).set_arguments(ADD, REMOVE))


def test_etc_kernel_cmdline_is_edited_where_it_is(tmp_path):
    root = redhat.guest(tmp_path, "el9", {CMDLINE: "root=UUID=1 ro quiet\nmitigations=off\n"})
    prepared(root)
    assert content(root, CMDLINE) == "root=UUID=1 ro mitigations=off %s\n" % " ".join(ADD)
    assert backend(root).arguments()["future"] == ["root=UUID=1", "ro", "mitigations=off"] + ADD


def test_the_default_entry_is_the_model_of_etc_kernel_cmdline(tmp_path):
    old, new = KERNELS["el9"]
    changed = {ENV: block(saved_entry=os.path.basename(path(old))[:-5]), path(old): entry(old, "root=UUID=1 x=1")}
    root = redhat.guest(tmp_path, "el9", changed)
    done(backend(root), backend(root).set_arguments(ADD, REMOVE))
    assert content(root, CMDLINE) == "root=UUID=1 x=1 %s\n" % " ".join(ADD)


def test_nothing_is_changed_when_nothing_is_asked(tmp_path):
    assert list(backend(redhat.guest(tmp_path, "el9")).set_arguments([], [])) == []


def test_handwritten_entries_are_set_too(tmp_path):
    own = "#!/bin/sh\nexec tail -n +3 $0\nmenuentry 'Own' {\n\tlinux /vmlinuz-%s root=UUID=1 quiet\n}\n"
    root = redhat.guest(tmp_path, "el9", {"/etc/grub.d/40_custom": Program(own % KERNELS["el9"][1])})
    done(backend(root), backend(root).set_arguments(ADD, REMOVE))
    assert "root=UUID=1 %s\n" % " ".join(ADD) in content(root, "/etc/grub.d/40_custom")


@pytest.mark.parametrize("where", ["entry", CMDLINE, ENV])
def test_a_quote_that_is_not_closed_is_named(tmp_path, where):
    new = KERNELS["el8"][1]
    changed = {
        "entry": {path(new): entry(new, "root=1 x='a")},
        CMDLINE: {CMDLINE: "root=1 x='a\n"},
        ENV: {ENV: block(kernelopts="root=1 x='a")},
    }[where]
    one = backend(redhat.guest(tmp_path, "el8", changed), "el8")
    with pytest.raises(Blocked) as caught:
        one.arguments()
    assert (path(new) if where == "entry" else where) in caught.value.message
    with pytest.raises(Blocked) as caught:
        list(one.set_arguments(ADD, REMOVE))
    assert (path(new) if where == "entry" else where) in caught.value.message


# -- mkconfig ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("release", RELEASES)
def test_mkconfig_is_asked_to_leave_entries_and_grubenv(tmp_path, release):
    root = redhat.guest(tmp_path, release)
    run = next(change for change in prepared(root, release) if isinstance(change, Run))
    assert run.commands == (("grub2-mkconfig", "--no-grubenv-update", "-o", "/boot/grub2/.grub.cfg.agentprep"),)
    assert len(run.outputs) == 2


@pytest.mark.parametrize("release", ["el8", "el9.0", "fedora"])
def test_what_mkconfig_changed_all_the_same_is_mended(tmp_path, release):
    """A grub2-mkconfig that does not know the option."""
    own = "%s ro mine=1" % ROOT
    changed = {"/usr/sbin/grub2-mkconfig": Program("#!/bin/sh\n"), "/etc/kernel/.keep": ""}
    new = KERNELS[release][1]
    if release == "el8":
        changed[ENV] = block(saved_entry="x", kernelopts=own)
    else:
        changed[path(new)] = entry(new, own + " $tuned_params")
    root = redhat.guest(tmp_path, release, changed)
    changes = prepared(root, release)
    assert len(next(change for change in changes if isinstance(change, Run)).outputs) > 2
    told = backend(root, release).arguments()
    assert [words for name, words in told.items() if new in name] == [own.split() + ADD]
    kept = {change.path: change.content for change in changes if "a copy is kept" in change.why}
    assert len(kept) == (4 if release == "el8" else 5)
    assert all(kept[where].decode() == content(root, where) for where in kept)
    mended = [change.path for change in changes[-2:]]
    assert (ENV if release == "el8" else path(new)) in [
        change.path for change in changes if change.why.startswith("its")
    ]
    assert mended and list(backend(root, release).set_arguments(ADD, REMOVE)) == []


def test_an_unset_blscfg_lets_el_9_4_rewrite_entries_and_that_is_mended(tmp_path):
    old, new = KERNELS["el9"]
    changed = {MAIN: DEFAULTS.replace("GRUB_ENABLE_BLSCFG=true\n", ""), path(new): entry(new, "root=UUID=1 mine=1")}
    root = redhat.guest(tmp_path, "el9", changed)
    prepared(root)
    assert options(root, new) == ["options root=UUID=1 mine=1 " + " ".join(ADD)]


def test_etc_kernel_cmdline_is_made_younger_than_the_defaults(tmp_path):
    """kernel-install of RHEL 10 and Fedora runs grub2-mkconfig when it is older, which would overwrite it."""
    root = redhat.guest(tmp_path, "fedora", {CMDLINE: " ".join(KEPT + ADD) + "\n"})
    os.utime(root + CMDLINE, (1, 1))
    prepared(root, "fedora")
    assert os.stat(root + CMDLINE).st_mtime_ns >= os.stat(root + MAIN).st_mtime_ns
    assert content(root, CMDLINE) == " ".join(KEPT + ADD) + "\n"


def test_other_variables_that_mkconfig_sets_in_grubenv_stay(tmp_path):
    def handler(root, argv):
        redhat.mkconfig("el8")(root, ("grub2-mkconfig", "-o", argv[-1]))
        with open(root + ENV, "r+b") as stream:
            text = stream.read().replace(b"saved_entry=", b"blsdir=/x\nsaved_entry=")[:1024]
            stream.seek(0)
            stream.write(text)

    root = redhat.guest(tmp_path, "el8", {ENV: block(saved_entry="x", kernelopts=" ".join(KEPT) + " mine=1")})
    prepared(root, "el8", handler)
    assert "blsdir=/x\n" in content(root, ENV) and "mine=1 " + " ".join(ADD) in content(root, ENV)


def test_a_menu_without_blscfg_never_takes_the_old_ones_place(tmp_path):
    def handler(root, argv):
        with open(root + argv[-1], "w") as stream:
            stream.write(redhat.classic(root, "x"))

    root = redhat.guest(tmp_path, "el9")
    before = content(root, CFG)
    with pytest.raises(CommandFailed, match="it has no blscfg"):
        prepared(root, "el9", handler)
    assert content(root, CFG) == before and sorted(os.listdir(root + "/boot/grub2")) == ["grub.cfg", "grubenv"]


def test_a_fallback_in_grub_cfg_that_disagrees_is_stale(tmp_path):
    root = redhat.guest(tmp_path, "el9")
    done(backend(root), backend(root).set_arguments(ADD, REMOVE))
    assert "kernelopts=" in backend(root).stale(ADD, REMOVE)
    assert backend(root).stale([], []) == ""


def test_a_draft_knows_the_entries_while_only_grub_cfg_is_guessed(tmp_path):
    draft = Draft(Guest(redhat.guest(tmp_path, "el9")))
    one = BLS(draft)
    for change in list(one.set_arguments(ADD, REMOVE)):
        change.imagine(draft)
    assert not one.foreseen and one.arguments()["future"] == KEPT + ADD
    for change in one.generate(ADD, REMOVE):
        change.imagine(draft)
    assert one.foreseen and one.stale(ADD, REMOVE) == "" and list(one.set_arguments(ADD, REMOVE)) == []


# -- mixed states --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("release, value", [("el9", "false"), ("el8", "false"), ("el8", "")])
def test_a_blscfg_that_is_off_is_turned_on_where_the_menu_is_made_by_it(tmp_path, release, value):
    line = "GRUB_ENABLE_BLSCFG=%s\n" % value if value else ""
    root = redhat.guest(tmp_path, release, {MAIN: DEFAULTS.replace("GRUB_ENABLE_BLSCFG=true\n", line)})
    told = "/usr/sbin/grub2-mkconfig would make a menu without blscfg: GRUB_ENABLE_BLSCFG is not true"
    assert told in backend(root, release).notes()
    prepared(root, release)
    settled(root, release)
    assert told not in backend(root, release).notes()
    assert "GRUB_ENABLE_BLSCFG=true" in content(root, MAIN).replace('"', "")


def mixed(tmp_path, options):
    """GRUB_ENABLE_BLSCFG=true, and a menu from the time before."""
    root = redhat.guest(tmp_path, "el9")
    menu = redhat.classic(root, "%s ro %s" % (ROOT, BOOT))
    files = {CFG: "### BEGIN /etc/grub.d/10_linux ###\n" + menu}
    files.update({path(version): entry(version, options) for version in KERNELS["el9"]})
    return make_tree(root, files)


def test_a_classic_menu_gives_way_to_entries_that_lose_nothing(tmp_path):
    root = mixed(tmp_path, "%s ro %s" % (ROOT, BOOT))
    one = Grub2(backend(root).guest)
    assert BLS.probe(one.guest) is None and Grub2.probe(one.guest)
    assert "/usr/sbin/grub2-mkconfig would make the menu of the entries in /boot/loader/entries" in one.notes()
    done(one, one.set_arguments(ADD, REMOVE))
    assert list(one.set_arguments(ADD, REMOVE)) == []
    done(one, one.generate(ADD, REMOVE))
    assert BLS.probe(one.guest) and Grub2.probe(one.guest) is None
    settled(root)


def test_a_classic_menu_stays_where_a_kernel_would_have_no_entry(tmp_path):
    root = mixed(tmp_path, "%s ro %s" % (ROOT, BOOT))
    os.unlink(root + path(KERNELS["el9"][0]))
    one = Grub2(backend(root).guest)
    done(one, one.set_arguments(ADD, REMOVE))
    with pytest.raises(CommandFailed, match="has no entry of /boot/vmlinuz-" + KERNELS["el9"][0]):
        done(one, one.generate(ADD, REMOVE))


def test_a_classic_menu_stays_where_the_entries_would_lose_an_argument(tmp_path):
    root = mixed(tmp_path, ROOT + " ro")
    one = Grub2(backend(root).guest)
    done(one, one.set_arguments(ADD, REMOVE))
    before = content(root, CFG)
    with pytest.raises(CommandFailed, match="lacks resume=/dev/mapper/rhel-swap rd.lvm.lv=rhel/root"):
        done(one, one.generate(ADD, REMOVE))
    assert content(root, CFG) == before
