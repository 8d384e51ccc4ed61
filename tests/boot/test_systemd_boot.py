"""systemd-boot as a backend: how it is recognised, what its entries get, where that is set, and copies of initrds."""

import os

import pytest

from agentprep.boot import pick
from agentprep.boot.systemd_boot import LOADER_INFO, SystemdBoot
from agentprep.changes import Run, Write, beside
from agentprep.errors import Blocked, Unsupported
from agentprep.formats import cmdline
from agentprep.guest import Draft, Guest
from tests.boot import partitions as made
from tests.boot.partitions import NEW, OLD, ROOT, TOKEN, debian, entry, image, path, suse
from tests.formats.programs import program
from tests.trees import FakeCommands, To, content, make_tree

ADD = ["console=ttyS0,115200n8", "earlyprintk=ttyS0,115200", "rootdelay=300"]
REMOVE = ["rhgb", "quiet", "crashkernel"]
OURS = " ".join(ADD)
NAME = "%s-%s.conf"
CMDLINE = "/etc/kernel/cmdline"


def boot(folder, files=None, **more):
    return SystemdBoot(made.guest(folder, dict(debian() if files is None else files, **more)))


def brought_about(backend, add=ADD, remove=REMOVE):
    """The paths that were written; a second go writes none."""
    written = []
    for change in backend.set_arguments(add, remove):
        change.apply(backend.guest)
        written.append(change.path)
    assert list(backend.set_arguments(add, remove)) == []
    return written


# -- recognising ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("root", ["/efi", "/boot", "/boot/efi"])
def test_the_loader_and_its_entries_are_the_evidence(tmp_path, root):
    guest = made.guest(tmp_path, debian(root))
    backend, told = pick(guest)
    assert isinstance(backend, SystemdBoot)
    assert told == "%s/EFI/BOOT/BOOTX64.EFI is systemd-boot, and %s/loader/entries has 2 entries of Linux kernels" % (
        root, root,
    )  # fmt: skip


def test_entries_may_be_on_xbootldr(tmp_path):
    files = debian("/boot")
    files = {name.replace("/boot/EFI", "/efi/EFI"): one for name, one in files.items()}
    backend = boot(tmp_path, files)
    assert "/efi/EFI/BOOT/BOOTX64.EFI is systemd-boot, and /boot/loader/entries has 2" in backend.probe(backend.guest)
    assert backend.initrds()[NEW] == [image(NEW, "/boot")]


@pytest.mark.parametrize("more", [
    {"/efi/EFI/BOOT/BOOTX64.EFI": made.GRUB, "/efi/EFI/systemd/systemd-bootx64.efi": None},
    {"/efi/EFI/BOOT/BOOTX64.EFI": None, "/efi/EFI/systemd/systemd-bootx64.efi": None},
    {path(OLD): None, path(NEW): None},
    {"/efi/%s/%s/linux" % (TOKEN, OLD): None, "/efi/%s/%s/linux" % (TOKEN, NEW): None},
    {"/boot/grub/grub.cfg": made.GRUB_CFG, "/efi/EFI/BOOT/BOOTX64.EFI": made.GRUB},
    {"/boot/grub/grub.cfg": made.GRUB_CFG, LOADER_INFO: b"\7\0\0\0" + "GRUB 2.12".encode("utf-16-le")},
])  # fmt: skip
def test_a_leftover_is_no_evidence(tmp_path, more):
    assert SystemdBoot.probe(made.guest(tmp_path, debian(), **more)) is None


@pytest.mark.parametrize("more", [
    {"/efi/EFI/BOOT/BOOTX64.EFI": made.SHIM, "/boot/grub/grub.cfg": made.GRUB_CFG},  # Debian's signed one behind it
    {"/efi/EFI/BOOT/BOOTX64.EFI": made.GRUB},  # the firmware's own entry leads to it, and no GRUB has a menu
    {LOADER_INFO: b"\7\0\0\0" + "systemd-boot 257".encode("utf-16-le"), "/boot/grub/grub.cfg": made.GRUB_CFG},
])  # fmt: skip
def test_what_else_is_evidence(tmp_path, more):
    assert SystemdBoot.probe(made.guest(tmp_path, debian(), **more)) is not None


def test_a_live_grub_beside_it_is_never_guessed_away(tmp_path):
    more = {"/boot/grub/grub.cfg": made.GRUB_CFG, "/etc/default/grub": "", "/boot/grub/i386-pc/core.img": b"x"}
    with pytest.raises(Blocked, match="more than one boot loader"):
        pick(made.guest(tmp_path, debian(), **more))


def test_entries_that_grub_reads_are_not_systemd_boots(tmp_path):
    files = {path(NEW, "/boot"): "linux /vmlinuz-%s\n" % NEW, "/boot/vmlinuz-" + NEW: "MZ",
             "/usr/lib/modules/%s/modules.dep" % NEW: "", "/boot/efi/EFI/fedora/grubx64.efi": made.GRUB,
             "/boot/efi/EFI/BOOT/BOOTX64.EFI": made.SHIM}  # fmt: skip
    assert SystemdBoot.probe(made.guest(tmp_path, files)) is None


def test_a_read_only_root_is_refused(tmp_path):
    files = dict(suse(), **{"/usr/sbin/transactional-update": made.Program("#!/bin/bash\n")})
    assert SystemdBoot.probe(made.guest(tmp_path / "rw", files))
    files["/etc/fstab"] = "UUID=%s / btrfs ro 0 0\n" % ROOT
    with pytest.raises(Unsupported, match="transactional-update"):
        SystemdBoot.probe(made.guest(tmp_path / "ro", files))


# -- what is there -------------------------------------------------------------------------------------------
def test_every_entry_and_the_next_kernel(tmp_path):
    backend = boot(tmp_path)
    given = ["root=UUID=" + ROOT, "ro", "quiet"]
    machine = "systemd.machine_id=" + TOKEN
    assert backend.arguments() == {
        "future": given, NAME % (TOKEN, OLD): given + [machine], NAME % (TOKEN, NEW): given + [machine],
    }  # fmt: skip
    assert backend.initrds() == {OLD: [image(OLD)], NEW: [image(NEW)]}
    assert backend.without_initrd() == [] and backend.notes() == []
    assert "firmware's console" in backend.menu_on_serial() and list(backend.set_menu_on_serial(115200)) == []
    assert backend.foreseen is False


def test_what_kernel_install_reads(tmp_path):
    shipped = {"/usr/lib/kernel/cmdline": "shipped\n"}
    assert boot(tmp_path / "both", **shipped).arguments()["future"][-1] == "quiet"
    assert boot(tmp_path / "one", **dict(shipped, **{CMDLINE: None})).arguments()["future"] == ["shipped"]
    none = boot(tmp_path / "none", **{CMDLINE: None, path(NEW): entry(NEW, "root=UUID=%s initrd=x newest" % ROOT)})
    assert none.arguments()["future"] == ["root=UUID=" + ROOT, "newest"]
    nobody = boot(tmp_path / "nobody", **{"/usr/bin/kernel-install": None})
    assert "future" not in nobody.arguments() and "no kernel-install" in nobody.notes()[0]
    assert brought_about(nobody) == [path(NEW), path(OLD)]


def test_a_layout_that_makes_unified_images_is_told(tmp_path):
    backend = boot(tmp_path, **{"/etc/kernel/install.conf": "# layout=bls\nlayout=uki\n"})
    assert backend.notes() == [
        "/etc/kernel/install.conf says layout=uki: a later kernel is made into an image that cannot be changed"
    ]
    assert boot(tmp_path / "bls", **{"/etc/kernel/install.conf": "layout=bls\n"}).notes() == []


def test_fedora_has_one_copy_of_each_image(tmp_path):
    version, root = "6.12.1-200.fc41.x86_64", "/boot/efi"
    backend = boot(tmp_path, {
        "/etc/machine-id": TOKEN + "\n", "/etc/kernel/cmdline": "root=UUID=%s ro rhgb quiet\n" % ROOT,
        "/usr/bin/kernel-install": made.Program("#!/bin/sh\n"), "/usr/lib/modules/%s/modules.dep" % version: "",
        "/usr/lib/modules/%s/vmlinuz" % version: "MZ", "%s/%s/%s/linux" % (root, TOKEN, version): "MZ",
        "%s/%s/%s/initrd" % (root, TOKEN, version): "image", root + "/EFI/BOOT/BOOTX64.EFI": made.SYSTEMD_BOOT,
        path(version, root): entry(version, "root=UUID=%s ro rhgb quiet" % ROOT, initrd="initrd"),
        "/boot/loader/entries/%s-%s.conf" % (TOKEN, version): "left over from GRUB\n",
    })  # fmt: skip
    assert backend.probe(backend.guest) and backend.initrds() == {version: ["%s/%s/%s/initrd" % (root, TOKEN, version)]}
    assert brought_about(backend) == [path(version, root), CMDLINE]
    assert backend.stale(ADD, REMOVE) == "" and backend.notes() == []


def test_microcode_comes_before_the_initrd(tmp_path):
    text = entry().replace("initrd     ", "initrd     /intel-ucode.img\ninitrd     ")
    backend = boot(tmp_path, **{path(NEW): text})
    assert backend.initrds()[NEW] == ["/efi/intel-ucode.img", image(NEW)]


def test_an_entry_without_an_initrd(tmp_path):
    backend = boot(tmp_path, **{path(NEW): entry(NEW, initrd="")})
    assert backend.without_initrd() == [NAME % (TOKEN, NEW)] and backend.initrds()[NEW] == []


def test_an_entry_by_hand_is_named_with_its_kernel(tmp_path):
    text = "title Mine\r\nlinux \\%s\\%s\\linux\r\noptions ro quiet\r\n" % (TOKEN, NEW)
    backend = boot(tmp_path, **{"/efi/loader/entries/mine.conf": text})
    assert backend.arguments()["mine.conf (%s)" % NEW] == ["ro", "quiet"]
    assert backend.without_initrd() == ["mine.conf (%s)" % NEW]
    brought_about(backend)
    new = content(backend.guest.root, "/efi/loader/entries/mine.conf")
    assert new.encode() == text.replace("ro quiet", "ro " + OURS).encode()


def test_what_is_left_alone(tmp_path):
    backend = boot(tmp_path, **{
        path("0-rescue"): entry("0-rescue", "rescue quiet"), "/efi/%s/0-rescue/linux" % TOKEN: "MZ",
        path(NEW, token="theirs"): entry(NEW, "root=UUID=2222 quiet", token="theirs"),
        "/efi/theirs/%s/linux" % NEW: "MZ",
        path("6.1.0-gone"): entry("6.1.0-gone"),
        "/efi/loader/entries/shell.conf": "title Shell\nefi /shell.efi\noptions quiet\n",
        "/efi/loader/entries/.hidden.conf": entry(), "/efi/loader/entries/auto-windows.conf": entry(),
        "/efi/loader/entries/%s-%s.conf.bak" % (TOKEN, NEW): entry(),
        "/boot/vmlinuz-6.13.1": "MZ", "/usr/lib/modules/6.13.1/modules.dep": "",
    })  # fmt: skip
    before = {name: content(backend.guest.root, name) for name in backend.guest.glob("/efi/loader/entries/*")}
    assert list(backend.arguments()) == ["future", NAME % (TOKEN, NEW), NAME % (TOKEN, OLD)]
    assert sorted(brought_about(backend)) == [path(NEW), path(OLD), CMDLINE]
    changed = [name for name, text in before.items() if content(backend.guest.root, name) != text]
    assert changed == [path(NEW), path(OLD)] and sorted(backend.initrds()) == [NEW, OLD]
    assert backend.notes() == [
        "the rescue entry %s is left as it is" % path("0-rescue"),
        "%s is of another system (root=UUID=2222) and is left alone" % path(NEW, token="theirs"),
        "%s is not shown at boot: /efi/%s/6.1.0-gone/linux is not there" % (path("6.1.0-gone"), TOKEN),
        "kernel 6.13.1 has no boot entry",
    ]


def test_an_image_that_was_cloned_keeps_its_entries(tmp_path):
    backend = boot(tmp_path, **{"/etc/machine-id": "", "/etc/kernel/entry-token": "other\n"})
    assert len(backend.listed()) == 2 and backend.notes() == []


@pytest.mark.parametrize("token, name", [("zzz\n", "zzz"), (None, TOKEN)])
def test_of_two_entries_of_one_kernel_that_of_the_present_token_counts(tmp_path, token, name):
    files = dict(debian(), **{"/etc/kernel/entry-token": token, path(NEW, token="aaa"): entry(NEW, token="aaa")})
    files.update(made.kernel(NEW, token="zzz"))
    files["/efi/aaa/%s/linux" % NEW] = "MZ"
    backend = boot(tmp_path, files)
    assert backend.initrds()[NEW] == [image(NEW, token=name)]
    told = "%s%s loads another image than the kernel's first entry, which is left as it is"
    other = (path(NEW), " (and 1 more)") if name == "zzz" else (path(NEW, token="aaa"), " (and 1 more)")
    assert told % other in backend.notes()


def test_a_boot_that_failed_counts_only_where_no_other_is(tmp_path):
    files = dict(debian(), **{path(NEW, more="+0-3"): entry(NEW).replace("img-", "bad-")})
    assert boot(tmp_path / "both", files).initrds()[NEW] == [image(NEW)]
    del files[path(NEW)]
    assert boot(tmp_path / "one", files).initrds()[NEW] == [image(NEW).replace("img-", "bad-")]


def test_entries_that_count_their_boots(tmp_path):
    files = debian()
    files[path(NEW, more="+3-0")] = files.pop(path(NEW))
    files[path(OLD, more="+0-3")] = files.pop(path(OLD))
    backend = boot(tmp_path, files)
    assert list(backend.arguments()) == ["future", NAME % (TOKEN, NEW + "+3-0"), NAME % (TOKEN, OLD + "+0-3")]
    assert all("counts its boots in its name" in note for note in backend.notes()) and len(backend.notes()) == 2
    assert path(NEW, more="+3-0") in brought_about(backend)


# -- setting -------------------------------------------------------------------------------------------------
def test_both_stores_are_set_and_nothing_else(tmp_path):
    backend = boot(tmp_path)
    assert brought_about(backend) == [path(NEW), path(OLD), CMDLINE]
    for version in (OLD, NEW):
        # exactly what kernel-install makes of the new /etc/kernel/cmdline: update-initramfs runs it again
        assert content(backend.guest.root, path(version)) == entry(version, "root=UUID=%s ro %s" % (ROOT, OURS))
    assert content(backend.guest.root, CMDLINE) == "root=UUID=%s ro %s\n" % (ROOT, OURS)
    assert all(cmdline.merge(words, ADD, REMOVE) == words for words in backend.arguments().values())


def test_nothing_is_written_where_all_is_well(tmp_path):
    files = {CMDLINE: "root=UUID=%s ro  %s" % (ROOT, OURS)}
    files.update({path(version): entry(version, "ro  " + OURS) for version in (OLD, NEW)})
    assert brought_about(boot(tmp_path, **files)) == []


def test_the_store_of_the_next_kernel_is_made_from_the_newest_entry(tmp_path):
    backend = boot(tmp_path, **{CMDLINE: None, path(OLD): entry(OLD, "root=UUID=%s old" % ROOT)})
    assert brought_about(backend) == [path(NEW), path(OLD), CMDLINE]
    assert content(backend.guest.root, CMDLINE) == "root=UUID=%s ro %s\n" % (ROOT, OURS)


def test_it_is_made_even_where_the_entries_are_right(tmp_path):
    """Without it the next kernel gets /proc/cmdline: that of before, or an installer's."""
    files = {path(version): entry(version, "ro " + OURS) for version in (OLD, NEW)}
    backend = boot(tmp_path, **dict(files, **{CMDLINE: None}))
    assert list(backend.set_arguments([], ["quiet"])) == [] and brought_about(backend) == [CMDLINE]
    assert content(backend.guest.root, CMDLINE) == "ro %s\n" % OURS


def test_what_is_shipped_is_overridden(tmp_path):
    backend = boot(tmp_path, **{CMDLINE: None, "/usr/lib/kernel/cmdline": "# theirs\nro quiet\n"})
    brought_about(backend)
    assert content(backend.guest.root, CMDLINE) == "# theirs\nro %s\n" % OURS
    assert content(backend.guest.root, "/usr/lib/kernel/cmdline") == "# theirs\nro quiet\n"


def test_several_lines_of_options(tmp_path):
    text = entry().replace("options    ", "options    splash rhgb\noptions    ")
    backend = boot(tmp_path, **{path(NEW): text})
    assert backend.arguments()[NAME % (TOKEN, NEW)][:2] == ["splash", "rhgb"]
    brought_about(backend)
    assert "options    splash\noptions    root=UUID=%s ro %s systemd" % (ROOT, OURS) in content(
        backend.guest.root, path(NEW)
    )


def test_an_entry_that_cannot_be_edited_blocks_before_anything_is_written(tmp_path):
    backend = boot(tmp_path, **{path(NEW): entry(NEW, 'root=UUID=%s dyndbg="open' % ROOT, machine=False)})
    with pytest.raises(Blocked, match=path(NEW).replace("+", r"\+")):
        list(backend.set_arguments(ADD, REMOVE))


def test_a_draft_tells_what_will_be(tmp_path):
    backend = boot(tmp_path)
    draft = Draft(backend.guest)
    planned = SystemdBoot(draft)
    for change in planned.set_arguments(ADD, REMOVE):
        change.imagine(draft)
    assert all(cmdline.merge(words, ADD, REMOVE) == words for words in planned.arguments().values())
    assert not draft.guessing and "quiet" in backend.arguments()["future"]


def test_a_clone_does_not_take_itself_for_this_machine(tmp_path):
    """With the token kernel-install 257 keeps the entries' names, and adds no systemd.machine_id=."""
    backend = boot(tmp_path)
    for change in backend.without_machine_id():
        change.apply(backend.guest)
    assert content(backend.guest.root, "/etc/kernel/entry-token") == TOKEN + "\n"
    assert content(backend.guest.root, path(NEW)) == entry().replace(" systemd.machine_id=" + TOKEN, "")
    assert list(backend.without_machine_id()) == []
    told = boot(tmp_path / "named", **{"/etc/kernel/entry-token": "other\n"}).without_machine_id()
    assert [change.path for change in told] == [path(NEW), path(OLD)]


# -- unified kernel images -----------------------------------------------------------------------------------
def unified(arguments, version=NEW):
    return program({".osrel": b"ID=debian\n", ".uname": version.encode(), ".cmdline": arguments.encode() + b"\n\0",
                    ".linux": b"MZ" * 9, ".initrd": b"070701"})  # fmt: skip


def test_unified_images_alone_are_refused(tmp_path):
    files = {name: one for name, one in debian().items() if "/loader/" not in name and TOKEN not in name}
    files["/efi/EFI/Linux/%s-%s.efi" % (TOKEN, NEW)] = unified("root=UUID=%s ro quiet" % ROOT)
    with pytest.raises(Unsupported, match="EFI/Linux/.*unified kernel image"):
        pick(made.guest(tmp_path / "one", files))
    files["/boot/grub/grub.cfg"] = made.GRUB_CFG
    assert SystemdBoot.probe(made.guest(tmp_path / "two", files)) is None  # then GRUB may be what boots


def test_a_unified_image_beside_entries_is_judged(tmp_path):
    name = "/efi/EFI/Linux/%s-6.13.1+2.efi" % TOKEN
    more = {name: unified("root=UUID=%s ro %s" % (ROOT, OURS), "6.13.1"), "/usr/lib/modules/6.13.1/modules.dep": ""}
    backend = boot(tmp_path, **more)
    assert backend.arguments()[NAME[:-5] % (TOKEN, "6.13.1+2.efi")][-3:] == ADD and backend.notes() == []
    assert path(NEW) in brought_about(backend)
    backend = boot(tmp_path, **{name: unified("root=UUID=%s ro quiet" % ROOT, "6.13.1")})
    with pytest.raises(Blocked, match="unified kernel image") as caught:
        list(backend.set_arguments(ADD, REMOVE))
    assert "kernel-install add-all" in caught.value.hint
    backend = boot(tmp_path, **{name: unified("root=UUID=2222 quiet", "6.13.1")})  # of another system
    assert path(NEW) in brought_about(backend)


@pytest.mark.parametrize("key", ["efi", "uki"])
def test_an_entry_of_a_unified_image_elsewhere(tmp_path, key):
    text = "title Mine\n%s /%s/%s/uki.efi\noptions %s\n" % (key, TOKEN, NEW, OURS)
    more = {"/efi/loader/entries/mine.conf": text, "/efi/%s/%s/uki.efi" % (TOKEN, NEW): unified("root=1 quiet")}
    with pytest.raises(Blocked, match="/efi/%s/.*/uki.efi is a unified kernel image" % TOKEN):
        list(boot(tmp_path, **more).set_arguments(ADD, REMOVE))


def test_a_kernel_that_an_entry_starts_as_an_efi_program(tmp_path):
    folder = "/%s/%s/" % (TOKEN, NEW)
    text = "title Mine\nefi %slinux\noptions ro quiet initrd=%s\n" % (folder, image(NEW)[4:].replace("/", "\\"))
    backend = boot(tmp_path, **{path(NEW): text, "/efi/loader/entries/shell.conf": "efi /shellx64.efi\n"})
    assert backend.initrds()[NEW] == [image(NEW)] and len(backend.arguments()) == 3
    brought_about(backend)
    assert OURS in content(backend.guest.root, path(NEW))


def test_another_efi_program_is_no_kernel(tmp_path):
    backend = boot(tmp_path, **{"/efi/EFI/Linux/shell.efi": program({".text": b"x"}), "/efi/EFI/Linux/x.efi": b"MZ"})
    assert len(backend.arguments()) == 3


# -- SUSE ----------------------------------------------------------------------------------------------------
def test_tumbleweed(tmp_path):
    backend, told = pick(made.guest(tmp_path, suse()))
    now, then = ("opensuse-tumbleweed-%s-%d.conf" % (made.SUSE, number) for number in (1, 2))
    assert backend.name == "systemd-boot" and "/boot/efi/loader/entries has 2 entries" in told
    assert backend.arguments()["future"] == ["quiet", "splash=silent"] and now in backend.arguments()
    # the snapshot's entry loads another image, and what boots by itself is what counts
    folder = "/boot/efi/opensuse-tumbleweed/%s/initrd-" % made.SUSE
    assert backend.initrds() == {made.SUSE: [folder + made.SHA1]}
    assert backend.notes() == [
        "/boot/efi/loader/entries/%s loads another image than the kernel's first entry, which is left as it is" % then
    ]
    assert len(brought_about(backend)) == 3
    tail = " root=UUID=%s rootflags=subvol=@/.snapshots/2/snapshot " % ROOT
    assert "options    splash=silent%s%s\n" % (tail, OURS) in content(
        backend.guest.root, "/boot/efi/loader/entries/" + then
    )
    assert backend.stale(ADD, REMOVE) == ""


@pytest.mark.parametrize("files, written", [
    ({"50-x.conf": "rhgb\n"}, {CMDLINE: "splash=silent " + OURS, "50-x.conf": ""}),
    ({"50-x.conf": "console=tty0\n"}, {CMDLINE: "splash=silent console=tty0 " + OURS, "50-x.conf": ""}),
    ({"50-x.conf": "rootdelay=10 a\n", "60-y.conf": "b\n"}, {CMDLINE: "splash=silent " + OURS, "50-x.conf": "a"}),
    ({"50-x.conf": "console=ttyS0 a\n"}, {CMDLINE: "splash=silent " + OURS, "50-x.conf": "a"}),
    ({"50-x.conf": "console=tty0\n# x\n", "60-y.conf": "console=tty0 b\n"},
     {CMDLINE: "splash=silent console=tty0 " + OURS, "50-x.conf": "# x\n", "60-y.conf": "b"}),
])  # fmt: skip
def test_drop_ins_of_sdbootutil(tmp_path, files, written):
    folder = "/etc/kernel/cmdline.d/"
    backend = boot(tmp_path, suse(), **{folder + name: text for name, text in files.items()})
    brought_about(backend)
    for name, text in written.items():
        found = content(backend.guest.root, name if name.startswith("/") else folder + name)
        assert found.split() == text.split(), name
    future = backend.arguments()["future"]
    assert cmdline.merge(future, ADD, REMOVE) == future
    assert "rhgb" not in future and "quiet" not in future


def test_a_line_that_sdbootutil_would_drop_gets_an_end(tmp_path):
    backend = boot(tmp_path, suse(), **{CMDLINE: "# x\nsplash=silent\n" + OURS})
    assert backend.arguments()["future"] == ["splash=silent"]
    brought_about(backend)
    assert content(backend.guest.root, CMDLINE) == "# x\nsplash=silent\n%s\n" % OURS
    debian_ = boot(tmp_path / "debian", **{CMDLINE: OURS})  # kernel-install reads it all
    assert debian_.arguments()["future"] == ADD and CMDLINE not in brought_about(debian_)


def test_only_sdbootutil_reads_drop_ins(tmp_path):
    backend = boot(tmp_path, **{"/etc/kernel/cmdline.d/x.conf": "rhgb\n"})
    assert "rhgb" not in backend.arguments()["future"]


# -- Debian's copies of initrds ------------------------------------------------------------------------------
def cp(root, argv):
    assert argv[:2] == ("cp", "--")
    with open(root + argv[2], "rb") as source, open(root + argv[3], "wb") as target:
        target.write(source.read())


def test_what_was_built_on_the_partition_is_put_into_boot_too(tmp_path):
    backend = boot(tmp_path)
    assert backend.stale(ADD, REMOVE) == "" and list(backend.generate(ADD, REMOVE)) == []
    with open(backend.guest.root + image(NEW), "w") as stream:
        stream.write("IMAGE OF " + NEW)  # of the same size
    original = "/boot/initrd.img-" + NEW
    assert backend.stale([], []) == "%s is not the image that is loaded, %s" % (original, image(NEW))
    guest = Guest(backend.guest.root, FakeCommands(backend.guest.root, {"cp": cp}))
    changes = []
    for change in SystemdBoot(guest).generate(ADD, REMOVE):
        if isinstance(change, Run):
            change.execute(guest, 60, None, None)
        else:
            change.apply(guest)
        changes.append(change)
    assert [type(change) for change in changes] == [Run, Write] and changes[1].derived
    assert changes[0].outputs == (beside(original).path,) and changes[0].needs[0][:2] == ("/boot", 9 + len(NEW))
    assert content(guest.root, original) == "IMAGE OF " + NEW and backend.stale(ADD, REMOVE) == ""
    assert os.listdir(guest.root + "/boot") == os.listdir(guest.root + "/boot") and len(guest.names("/boot")) == 4


def test_an_image_that_is_to_be_built_is_copied_after_that(tmp_path):
    backend = boot(tmp_path)
    draft = Draft(backend.guest)
    draft.guess(image(NEW))
    planned = SystemdBoot(draft)
    assert planned.stale(ADD, REMOVE)
    for change in planned.generate(ADD, REMOVE):
        change.imagine(draft)
    assert planned.stale(ADD, REMOVE) == "" and list(planned.generate(ADD, REMOVE)) == []


@pytest.mark.parametrize("more", [
    {"/usr/lib/kernel/install.d/55-initrd.install": None},
    {"/boot/initrd.img-" + NEW: None, "/boot/initrd.img-" + OLD: None},
    {image(NEW): None},
])  # fmt: skip
def test_elsewhere_there_is_no_other_copy(tmp_path, more):
    backend = boot(tmp_path, **dict({image(NEW): "built anew", image(OLD): None}, **more))
    assert backend.stale(ADD, REMOVE) == ""


def test_a_link_to_the_partition_is_no_copy(tmp_path):
    backend = boot(tmp_path, **{"/boot/initrd.img-" + NEW: To("../efi/%s/%s/initrd.img-%s" % (TOKEN, NEW, NEW))})
    assert backend.stale(ADD, REMOVE) == ""


def test_a_partition_by_another_name(tmp_path):
    files = debian("/boot/efi")
    backend = SystemdBoot(Guest(make_tree(tmp_path, dict({"/efi": To("boot/efi")}, **files), minimal=False)))
    assert backend.initrds()[NEW] == [image(NEW, "/boot/efi")] and len(backend.listed()) == 2
