"""dracut: what is written down, what is called, and what the images hold then.

Configurations are those of the packages: dracut-core 059-4 (Debian 12), 033 and 059 (dracut.conf.d/fedora.conf.example,
suse.conf.example in the public sources); Microsoft's line without blanks is that of its page for CentOS of 2017.
"""

import os

import pytest

from agentprep.changes import Run, Write, beside
from agentprep.errors import Blocked
from agentprep.formats.initrd import Contents
from agentprep.guest import Guest
from agentprep.initrd import pick
from agentprep.initrd.dracut import Dracut
from agentprep.initrd.image import Order, lacking
from agentprep.kernels import Kernel, installed
from agentprep.modules import resolved
from agentprep.steps import initrd_hyperv, os_swap
from tests.initrd.fake import dracut, dracut_051
from tests.roots import archive, debian12, read
from tests.steps.machines import machine
from tests.trees import ELF64, FakeCommands, Program, brought_about, make_tree, planned, policy_of, system_of

NAMES = ["hv_vmbus", "hv_storvsc", "hv_netvsc", "hid_hyperv", "hyperv_keyboard", "sd_mod"]
ONE, TWO = "5.14.0-503.el9.x86_64", "5.14.0-570.el9.x86_64"
FEDORA = 'hostonly="yes"\nhostonly_cmdline="no"\nearly_microcode="yes"\nreproducible="yes"\n'
SUSE = 'hostonly="yes"\nhostonly_cmdline="yes"\nomit_drivers+=" i2o_scsi "\n'
FSTAB = "UUID=0a1b2c3d-1111-4222-8333-444455556666 / xfs defaults 0 0\n"
SWAP = "UUID=5555aaaa-0000-4000-8000-000000000001 none swap defaults 0 0\n"
CONF = "/etc/dracut.conf.d/"
SETTINGS = policy_of("initrd-hyperv.builds=2")


def without(names, dep=debian12.DEP):
    lines = [line for line in dep.split(b"\n") if not any(b"/%s.ko:" % name.encode() in line for name in names)]
    return b"\n".join(lines)


def tree(folder, files=(), kernels=((ONE, ()), (TWO, ())), builtin=(), name="/boot/initramfs-%s.img"):
    """A guest with dracut; each kernel lacks the modules named with it, and the last has those of `builtin` in it."""
    base = {"/usr/bin/dracut": Program(""), "/etc/dracut.conf": "# see dracut.conf(5)\n", "/etc/fstab": FSTAB,
            CONF + ".keep": "", "/usr/lib/dracut/dracut-functions.sh": "", "/var/tmp/.keep": ""}  # fmt: skip
    for version, missing in kernels:
        inside = builtin if version == kernels[-1][0] else ()
        base["/boot/vmlinuz-" + version] = "MZ"
        base["/lib/modules/%s/modules.dep" % version] = without(tuple(missing) + tuple(inside))
        base["/lib/modules/%s/modules.builtin" % version] = "".join("kernel/x/%s.ko\n" % one for one in inside)
        base[name % version] = b"an image of before"
    base.update(dict(files))
    return make_tree(folder / "guest", base)


def built(root, fake=dracut, live=True):
    """The rule is applied, all images are built and put into place; the lists of modules that they lack."""
    guest = Guest(root, FakeCommands(root, {"dracut": fake}))
    backend = Dracut(guest)
    backend.live = live
    for change in backend.rule(NAMES):
        change.apply(guest)
    assert list(backend.rule(NAMES)) == [], "a second time there is nothing to write"
    told = [(kernel, resolved(guest, kernel, NAMES)) for kernel in installed(guest)]
    run = backend.build([Order(kernel, list(one.modules), 1 << 20) for kernel, one in told], "test")
    run.apply(guest)
    return run, {k.version: lacking(guest, k, beside(backend.image(k)).path, one, {}) for k, one in told}


def later(root, fake=dracut):
    """What images lack that a kernel package's hook or `dracut -f` builds later."""
    guest = Guest(root)
    told = [(kernel, resolved(guest, kernel, NAMES)) for kernel in installed(guest)]
    for kernel, _ in told:
        assert fake(root, ("dracut", "--force", "/boot/initramfs-%s.img" % kernel.version, kernel.version))[0] == 0
    return {k.version: lacking(guest, k, "/boot/initramfs-%s.img" % k.version, one, {}) for k, one in told}


NOTHING_LOST = {ONE: [], TWO: []}
TRAPS = {
    "nothing": {},
    "Fedora": {"/usr/lib/dracut/dracut.conf.d/01-dist.conf": FEDORA},
    "SUSE": {"/usr/lib/dracut/dracut.conf.d/01-dist.conf": SUSE},
    "Microsoft 2017": {"/etc/dracut.conf": 'add_drivers+="hv_vmbus hv_netvsc hv_storvsc"\n', CONF + "a.conf":
                       'add_drivers+="nvme"\n'},
    "unknown name": {CONF + "50-mine.conf": 'add_drivers+=" dummy nosuchmodule hv_vmbus hv_storvsc hv_netvsc "\n'},
    "unknown name between": {CONF + "50-mine.conf": 'add_drivers+=" hv_vmbus nosuchmodule %s "\n' % " ".join(NAMES)},
    "plain assignment that sorts late": {CONF + "zzz.conf": 'add_drivers="virtio_blk"\n'},
    "omitted by name": {CONF + "slim.conf": 'omit_drivers+=" hv_storvsc floppy hv-vmbus "\n'},
    "omitted by expression": {CONF + "slim.conf": 'omit_drivers+=" hv_.* floppy hid.hyperv "\n'},
    "a dependency omitted": {CONF + "slim.conf": 'omit_drivers+=" scsi_transport_fc "\n'},
    "a folder omitted by the vendor": {"/usr/lib/dracut/dracut.conf.d/10-x.conf": 'omit_drivers+=" drivers/hv/ "\n'},
    "only these": {CONF + "slim.conf": 'drivers="virtio_blk"\nfilesystems="ext4"\n'},
    "only bash can tell": {CONF + "a.conf": 'add_drivers+=" $(echo nosuchmodule) "\n'},
    "not even bash": {CONF + "x.conf": 'add_drivers+="x\n'},
}  # fmt: skip


@pytest.mark.parametrize("trap", sorted(TRAPS))
@pytest.mark.parametrize("fake", [dracut, dracut_051])
def test_no_driver_is_lost_now_or_later(tmp_path, trap, fake):
    root = tree(tmp_path, TRAPS[trap])
    run, lost = built(root, fake)
    assert lost == NOTHING_LOST
    assert later(root, fake) == NOTHING_LOST


@pytest.mark.parametrize("trap", sorted(set(TRAPS) - {"only these", "nothing", "SUSE", "Fedora"}))
def test_the_traps_are_traps(tmp_path, trap):
    root = tree(tmp_path, dict(TRAPS[trap], **{CONF + "m.conf": 'add_drivers+=" %s "\n' % " ".join(NAMES)}))
    if trap == "omitted by name":  # what is added by name is not omitted (dracut.sh); the backend relies on that
        assert later(root) == NOTHING_LOST
    elif trap == "not even bash":
        assert later(root) == NOTHING_LOST  # bash goes on with the next file
    elif "late" in trap or "bash" in trap or "omitted" in trap:
        assert later(root) != NOTHING_LOST
    elif trap in ("Microsoft 2017", "unknown name", "unknown name between"):
        os.unlink(root + CONF + "m.conf")
        assert later(root) != NOTHING_LOST


def test_what_one_kernel_lacks_or_has_built_in_is_only_asked_of_the_other(tmp_path):
    root = tree(tmp_path, kernels=((ONE, ("hid-hyperv",)), (TWO, ())), builtin=("hv_netvsc",))
    run, lost = built(root, dracut_051)
    assert lost == NOTHING_LOST
    text = read(root, CONF + "zz-agentprep.conf").decode()
    assert 'add_drivers=" hv_vmbus hv_storvsc hyperv_keyboard sd_mod $add_drivers "\n' in text
    asked = {argv[-1]: argv[argv.index("--add-drivers") + 1].split() for argv in run.commands}
    assert asked == {ONE: [n for n in NAMES if n != "hid_hyperv"], TWO: [n for n in NAMES if n != "hv_netvsc"]}
    assert later(root, dracut_051) == {ONE: ["hv_netvsc"], TWO: ["hid_hyperv"]}  # not what the disk is found with


def test_what_a_kernel_has_built_in_is_written_down_where_dracut_takes_it(tmp_path):
    files = {"/usr/lib/dracut/dracut-version.sh": "#!/bin/sh\nDRACUT_VERSION=106-6\n"}
    root = tree(tmp_path, files, builtin=("hv_vmbus", "hv_netvsc"))
    assert built(root, dracut)[1] == NOTHING_LOST and later(root, dracut) == NOTHING_LOST
    assert " %s $add_drivers" % " ".join(NAMES) in read(root, CONF + "zz-agentprep.conf").decode()
    for text in ("DRACUT_VERSION=\n", "DRACUT_VERSION=049-233.git20230815.el8\n"):  # 051-1 of Debian says nothing
        with open(root + "/usr/lib/dracut/dracut-version.sh", "w") as stream:
            stream.write(text)
        assert built(root, dracut_051)[1] == NOTHING_LOST
        assert "hv_netvsc" not in read(root, CONF + "zz-agentprep.conf").decode()


@pytest.mark.parametrize("files", [TRAPS["unknown name"], TRAPS["only bash can tell"]])
def test_what_one_kernel_has_besides_comes_in_spite_of_a_broken_list(tmp_path, files):
    root = tree(
        tmp_path,
        dict(files, **{"/usr/bin/dracut": Program("# --force-drivers\n")}),
        ((ONE, ("hid-hyperv",)), (TWO, ())),
    )
    run, lost = built(root)
    assert lost == NOTHING_LOST
    assert any("--force-drivers" in argv for argv in run.commands)
    with open(root + "/usr/bin/dracut", "w") as stream:
        stream.write("# 033\n")
    assert not any("--force-drivers" in argv for argv in Dracut(Guest(root)).build(
        [Order(kernel, NAMES, 0) for kernel in installed(Guest(root))], "").commands)  # fmt: skip


def test_what_is_written_down_already_is_left_alone(tmp_path):
    root = tree(tmp_path, {CONF + "azure.conf": 'add_drivers+=" %s "\n' % " ".join(reversed(NAMES))})
    assert list(Dracut(Guest(root)).rule(NAMES)) == []
    assert built(root)[1] == NOTHING_LOST and not os.path.exists(root + CONF + "zz-agentprep.conf")


def test_a_vendor_file_is_overridden_in_etc_and_other_words_stay(tmp_path):
    path = "/usr/lib/dracut/dracut.conf.d/10-x.conf"
    text = '# vendor\nomit_drivers+=" floppy drivers/hv/ \\.*foo "; hostonly="yes"\n'
    root = tree(tmp_path, {path: text})
    change = list(Dracut(Guest(root)).rule(NAMES))[0]
    assert change.path == CONF + "10-x.conf" and change.content.decode() == text.replace(" drivers/hv/", "")


def test_the_call_names_image_and_version_and_what_it_needs(tmp_path):
    root = tree(tmp_path)
    run, _ = built(root)
    assert isinstance(run, Run)
    assert run.commands[0] == (
        "dracut", "--force", "--add-drivers", " ".join(NAMES), "/boot/.initramfs-%s.img.agentprep" % ONE, ONE
    )  # fmt: skip
    assert run.outputs == tuple(argv[-2] for argv in run.commands) and ONE in run.hint
    assert [need[0] for need in run.needs] == ["/boot", "/var/tmp"] and run.needs[0][1] > 2 << 20
    assert read(root, "/boot/initramfs-%s.img" % ONE) == b"an image of before"


def test_an_image_of_another_machine_is_not_made(tmp_path):
    root = tree(tmp_path)
    assert all("--no-hostonly" in argv for argv in built(root, live=False)[0].commands)
    assert Dracut(Guest(root)).live is False and Dracut(Guest("/")).live is True


def test_a_generic_image_unlocks_what_the_host_only_one_unlocked(tmp_path):
    line = b" rd.luks.uuid=luks-77aa rd.luks.uuid=luks-gone rd.md.uuid=1:2 resume=/dev/mapper/luks-gone rd.lvm.lv=a/b\n"
    image = archive([("etc/cmdline.d/90crypt.conf", line), ("usr/lib/modules/%s/kernel/x.ko" % ONE, b"x")])
    root = tree(tmp_path, {"/boot/initramfs-%s.img" % ONE: image, "/etc/crypttab": "luks-77aa UUID=77aa none\n"})
    run, lost = built(root, live=False)
    assert lost == NOTHING_LOST
    assert run.commands[0][2:5] == ("--no-hostonly", "--kernel-cmdline", "rd.md.uuid=1:2 rd.luks.uuid=luks-77aa")
    assert run.commands[1][2:4] == ("--no-hostonly", "--add-drivers")


@pytest.mark.parametrize("folder", [True, False])
def test_dracut_004_gets_the_whole_list(tmp_path, folder):
    root = tree(tmp_path, {"/usr/share/dracut/modules.d/90kernel-modules/install": "", "/sbin/dracut": Program(""),
                           "/etc/dracut.conf": '#add_drivers+=""\nadd_drivers="vmw_pvscsi"'})  # fmt: skip
    for path in ("/usr/lib/dracut/dracut-functions.sh", "/usr/bin/dracut") + (() if folder else (CONF + ".keep",)):
        os.unlink(root + path)
    os.rmdir(root + "/usr/lib/dracut")
    if not folder:
        os.rmdir(root + CONF)
    guest = Guest(root, FakeCommands(root, {}))
    backend = Dracut(guest)
    (change,) = list(backend.rule(NAMES))
    assert change.path == (CONF + "zz-agentprep.conf" if folder else "/etc/dracut.conf")
    change.apply(guest)
    assert list(backend.rule(NAMES)) == []
    (argv,) = backend.build([Order(installed(guest)[0], NAMES, 0)], "").commands
    assert "--no-hostonly" not in argv
    assert argv[argv.index("--add-drivers") + 1].split() == NAMES + ["vmw_pvscsi"]


def test_images_by_name(tmp_path):
    kernel = Kernel(ONE, "/boot/vmlinuz-" + ONE, "/lib/modules/" + ONE)
    other = Kernel("6.6.6", "/boot/vmlinuz-6.6.6", "/lib/modules/6.6.6")
    for number, name in enumerate(("/boot/initramfs-%s.img", "/boot/initrd-%s", "/boot/initrd.img-%s")):
        backend = Dracut(Guest(tree(tmp_path / str(number), name=name)))
        assert backend.image(kernel) == name % ONE and backend.image(other) == name % "6.6.6"
        backend.named = {ONE: "/boot/efi/0123/%s/initrd" % ONE}
        assert backend.image(kernel) == "/boot/efi/0123/%s/initrd" % ONE
        (argv,) = backend.build([Order(kernel, NAMES, 0)], "").commands
        assert argv[-2:] == ("/boot/efi/0123/%s/.initrd.agentprep" % ONE, ONE)


def test_use_is_proved_by_images(tmp_path):
    root = tree(tmp_path, {"/boot/initramfs-%skdump.img" % ONE: "", "/boot/initramfs-0-rescue-0123.img": ""})
    backend, evidence = pick(Guest(root))
    assert backend.name == "dracut" and "/boot/initramfs-%s.img" % ONE in evidence
    for version in (ONE, TWO):
        os.unlink(root + "/boot/initramfs-%s.img" % version)
    assert Dracut.probe(Guest(root)) is None
    with pytest.raises(Blocked):
        pick(Guest(root))


def test_kernel_install_layout_is_use_too(tmp_path):
    root = tree(tmp_path, {"/boot/efi/0123/%s/initrd" % ONE: ""}, name="/x-%s")
    assert "/boot/efi/0123/%s/initrd" % ONE in (Dracut.probe(Guest(root)) or "")
    os.rename(root + "/boot/efi/0123/" + ONE, root + "/boot/efi/0123/0-rescue-0123")
    assert Dracut.probe(Guest(root)) is None


# -- swap ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("fstab, line, waits", [
    (FSTAB, b"", False),
    (FSTAB, b" resume=UUID=5555aaaa-0000-4000-8000-000000000001\n", True),
    (FSTAB + SWAP, b" resume=UUID=5555aaaa-0000-4000-8000-000000000001\n", False),
    (FSTAB + "/dev/disk/by-uuid/5555aaaa-0000-4000-8000-000000000001 swap swap x 0 0\n",
     b" resume=UUID=5555aaaa-0000-4000-8000-000000000001\n", False),
    (FSTAB + SWAP, b" root=UUID=1 resume=/dev/mapper/vg-swap rd.lvm.lv=vg/swap\n", True),
    (FSTAB, b" noresume resume.x=1\n", False),
])  # fmt: skip
def test_an_image_waits_for_what_fstab_has_no_more(tmp_path, fstab, line, waits):
    backend = Dracut(Guest(tree(tmp_path, {"/etc/fstab": fstab})))
    said = backend.stale(Contents({}, {"etc/cmdline.d/95resume.conf": line}, []), "/boot/initramfs-x.img")
    assert bool(said) is waits and ("resume" not in said)


def test_swap_goes_with_the_argument_that_somebody_gave_to_dracut(tmp_path):
    path = CONF + "hibernate.conf"
    text = 'kernel_cmdline="rd.shell=0 resume=UUID=5555aaaa-0000-4000-8000-000000000001 resume_offset=7"\n'
    root = tree(tmp_path, {"/etc/fstab": FSTAB + SWAP, path: text})
    backend = Dracut(Guest(root))
    for swap in (True, False):
        (change,) = list(backend.no_resume(swap))
        assert (change.path, change.content) == (path, b'kernel_cmdline="rd.shell=0"\n')
    change.apply(backend.guest)
    assert list(backend.no_resume(True)) == []


def test_swap_removed_by_the_step_is_out_of_the_next_image(tmp_path):
    dist = {"/usr/lib/dracut/dracut.conf.d/01-dist.conf": SUSE, "/boot/entries": "root=UUID=1 quiet\n"}
    root = tree(tmp_path, dict(dist, **{"/etc/fstab": FSTAB + SWAP}))
    images = ["/boot/initramfs-%s.img" % version for version in (ONE, TWO)]
    for image, version in zip(images, (ONE, TWO)):
        dracut(root, ("dracut", "--force", "--add-drivers", " ".join(NAMES), image, version))
        assert b"resume=UUID=5555" in read(root, image)
    system = machine(root, None, {"dracut": dracut})
    system.initrd.live = True
    changes, _ = planned(initrd_hyperv.RULE, system, SETTINGS, "")
    assert changes == [], "the swap is still there"
    changes = brought_about(os_swap.STEP, system, SETTINGS)
    assert [change.path for change in changes if isinstance(change, Write)] == ["/etc/fstab"]
    brought_about(initrd_hyperv.STEP, machine(root, None, {"dracut": dracut}), SETTINGS)
    changes = brought_about(initrd_hyperv.RULE, machine(root, None, {"dracut": dracut}), SETTINGS, "")
    assert "waits for UUID=5555" in changes[0].why
    assert all(b"resume=" not in read(root, image) for image in images)
    assert planned(initrd_hyperv.RULE, machine(root, None, {"dracut": dracut}), SETTINGS, "")[0] == []


def test_a_whole_step_and_its_rule_on_dracut(tmp_path):
    root = tree(tmp_path, {"/usr/lib/dracut/dracut.conf.d/01-dist.conf": FEDORA, "/bin/sh": ELF64})
    found = system_of(root, {"dracut": dracut})
    brought_about(initrd_hyperv.STEP, found, SETTINGS)
    changes = brought_about(initrd_hyperv.RULE, found, SETTINGS, "")
    assert [type(change) for change in changes] == [Run, Write, Write]
    again = system_of(root, {"dracut": dracut})
    assert planned(initrd_hyperv.STEP, again, SETTINGS)[0] == []
    changes, facts = planned(initrd_hyperv.RULE, again, SETTINGS, "")
    assert changes == [] and "holds 6 of 6 modules" in facts[-1].evidence
