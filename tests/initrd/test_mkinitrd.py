"""mkinitrd of SLES 11 and of RHEL 5: how each is told apart from dracut's wrappers, told what to hold, and called.

SUSE_SCRIPT and KERNEL are after mkinitrd 2.4.2 of SLES 11 SP4 (sbin/mkinitrd and the sysconfig file that it reads),
WRAPPER after dracut 004's mkinitrd-dracut.sh of RHEL 6, RED_HAT_SCRIPT's usage after mkinitrd(8) of RHEL 5.
"""

import posixpath

import pytest

from agentprep.changes import beside
from agentprep.errors import Blocked, Malformed
from agentprep.formats.modules import normalised, resolve
from agentprep.guest import Guest
from agentprep.initrd import pick
from agentprep.initrd.image import Order, inside
from agentprep.initrd.mkinitrd import RedHatMkinitrd, SuseMkinitrd
from agentprep.kernels import Kernel, installed
from tests.roots import archive, read, write
from tests.trees import FakeCommands, Program, brought_about, content, make_tree, policy_of, system_of

SUSE, OLD = "3.0.101-63-default", "3.0.76-0.11-default"
RED_HAT = "2.6.18-419.el5"
DEP = """kernel/drivers/hv/hv_vmbus.ko:
kernel/drivers/scsi/storvsc.ko:
kernel/drivers/scsi/hv_storvsc.ko: kernel/drivers/hv/hv_vmbus.ko
kernel/drivers/net/hyperv/hv_netvsc.ko: kernel/drivers/hv/hv_vmbus.ko
kernel/drivers/ata/ata_piix.ko:
kernel/fs/ext3/ext3.ko: kernel/fs/jbd/jbd.ko
kernel/fs/jbd/jbd.ko:
"""
SUSE_SCRIPT = "#!/bin/bash\n# mkinitrd - create the initramfs images\nINITRD_PATH=/lib/mkinitrd\n"
RED_HAT_SCRIPT = '#!/bin/bash --norc\n$cmd "usage: `basename $0` [--version] [-v] [-f] [--preload <module>]"\n'
WRAPPER = RED_HAT_SCRIPT + "dracut -H -v -f\n"
KERNEL = """\
## Path:	System/Kernel
## Type:	string
## Command:     /sbin/mkinitrd
#
# This variable contains the list of modules to be added to the initial
# ramdisk by calling the script "mkinitrd"
# (like drivers for scsi-controllers, for lvm or reiserfs)
#
INITRD_MODULES="thermal processor fan ata_piix ext3"
DOMU_INITRD_MODULES="xennet xenblk"
"""
WANTED = ["hv_vmbus", "hv_storvsc"]


def suse(root, argv):
    """`mkinitrd -B -k "KERNELS" -i "IMAGES"` of SLES 11: INITRD_MODULES, and what each of these needs."""
    assert argv[:3] == ("mkinitrd", "-B", "-k") and argv[4] == "-i" and len(argv) == 6, argv
    line = next(line for line in content(root, "/etc/sysconfig/kernel").split("\n") if line.startswith("INITRD_MOD"))
    names = [name for name in line.split('"')[1].split() if name[0] != "-"]
    kernels, images = argv[3].split(), argv[5].split()
    assert len(kernels) == len(images)
    for kernel, image in zip(kernels, images):
        built(root, posixpath.basename(kernel).split("-", 1)[1], image, names)
    return 0, "Kernel image:   x\nInitrd image:   y\n"


def red_hat(root, argv):
    """`mkinitrd --preload=MODULE -v -f IMAGE VERSION` of RHEL 5; a module that is not there ends it."""
    names = [word.split("=")[1] for word in argv if word.startswith("--preload=")]
    assert argv[-4:-2] == ("-v", "-f") and len(argv) == 5 + len(names), argv
    path = root + "/etc/modprobe.conf"
    with open(path) as stream:
        names += [line.split()[2] for line in stream if line.startswith("alias scsi_hostadapter")]
    dep = read(root, "/lib/modules/%s/modules.dep" % argv[-1])
    missing = [name for name in names if not resolve([name], dep).needed]
    if missing:
        return 1, "No module %s found for kernel %s, aborting.\n" % (missing[0], argv[-1])
    built(root, argv[-1], argv[-2], names)
    return 0


def built(root, version, image, names):
    needed = resolve(names, read(root, "/lib/modules/%s/modules.dep" % version)).needed
    files = [("lib/modules/%s/%s" % (version, path), b"\x7fELF") for path in needed]
    write(root, image, archive(files + [("config/start.sh", b"RESOLVED_INITRD_MODULES=x\n")]))


def suse_guest(folder, **changed):
    files = {"/sbin/mkinitrd": Program(SUSE_SCRIPT), "/lib/mkinitrd/scripts/setup-modules.sh": "#!/bin/bash\n",
             "/etc/sysconfig/kernel": KERNEL}  # fmt: skip
    for version in (OLD, SUSE):
        files["/boot/vmlinuz-" + version] = ""
        files["/boot/initrd-" + version] = archive([("lib/modules/%s/kernel/fs/jbd/jbd.ko" % version, b"x")])
        files["/lib/modules/%s/modules.dep" % version] = DEP
    files.update(changed.pop("files", {}))
    return make_tree(folder, {path: text for path, text in files.items() if text is not None}, minimal=False)


def red_hat_guest(folder, files=()):
    tree = {"/sbin/mkinitrd": Program(RED_HAT_SCRIPT), "/boot/vmlinuz-" + RED_HAT: "",
            "/boot/initrd-%s.img" % RED_HAT: archive([]), "/lib/modules/%s/modules.dep" % RED_HAT: DEP,
            "/etc/modprobe.conf": "alias eth0 e1000\nalias scsi_hostadapter ata_piix\n"}  # fmt: skip
    tree.update(files)
    return make_tree(folder, {path: text for path, text in tree.items() if text is not None}, minimal=False)


def done(root, changes, handler):
    guest = Guest(root, FakeCommands(root, {"mkinitrd": handler}))
    for change in changes:
        if hasattr(change, "execute"):
            change.execute(guest, 60, None, None)
        else:
            change.apply(guest)
    return guest.commands.ran


# -- recognising ---------------------------------------------------------------------------------------------
def test_each_is_known_by_its_script_and_images(tmp_path):
    backend, evidence = pick(Guest(suse_guest(tmp_path / "suse")))
    assert (backend.name, evidence) == (
        "mkinitrd", "/sbin/mkinitrd is no wrapper of dracut, and /boot/initrd-3.0.101-63-default is there",
    )  # fmt: skip
    assert backend.note() == 'INITRD_MODULES="thermal processor fan ata_piix ext3"'
    backend, evidence = pick(Guest(red_hat_guest(tmp_path / "el")))
    assert (backend.name, evidence) == (
        "Red Hat mkinitrd", "/sbin/mkinitrd is no wrapper of dracut, and /boot/initrd-2.6.18-419.el5.img is there",
    )  # fmt: skip
    assert backend.note() == "alias scsi_hostadapter: ata_piix"


@pytest.mark.parametrize(
    "files",
    [
        {"/sbin/dracut": Program("")},  # RHEL 6, SUSE from 12
        {"/sbin/mkinitrd": Program(WRAPPER)},
        {"/sbin/mkinitrd": None},
        {"/boot/initrd-%s.img" % RED_HAT: None, "/boot/initrd-%skdump.img" % RED_HAT: b"x"},
        {"/sbin/mkinitrd": Program("#!/bin/sh\n# Slackware's\n")},
    ],
)
def test_a_wrapper_of_dracut_and_a_leftover_are_no_evidence(tmp_path, files):
    guest = Guest(red_hat_guest(tmp_path, files))
    assert RedHatMkinitrd.probe(guest) is None and SuseMkinitrd.probe(guest) is None
    with pytest.raises(Blocked, match="no initrd tool was found"):
        pick(guest)


def test_suses_without_its_scripts_or_with_dracut_is_none(tmp_path):
    for number, files in enumerate(
        ({"/lib/mkinitrd/scripts/setup-modules.sh": None}, {"/usr/bin/dracut": Program("")})
    ):
        guest = Guest(suse_guest(tmp_path / str(number), files=files))
        assert SuseMkinitrd.probe(guest) is None and RedHatMkinitrd.probe(guest) is None


# -- SUSE ----------------------------------------------------------------------------------------------------
def test_initrd_modules_lists_what_is_wanted_once(tmp_path):
    root = suse_guest(tmp_path)
    done(root, SuseMkinitrd(Guest(root)).rule(WANTED), suse)
    assert content(root, "/etc/sysconfig/kernel") == KERNEL.replace("ext3", "ext3 hv_vmbus hv_storvsc")
    assert list(SuseMkinitrd(Guest(root)).rule(["hv-vmbus", "hv_storvsc"])) == []


@pytest.mark.parametrize(
    "before, after",
    [
        ('INITRD_MODULES="hv-vmbus -hv_storvsc -e1000"', 'INITRD_MODULES="hv-vmbus -e1000 hv_storvsc"'),
        ('INITRD_MODULES=""', 'INITRD_MODULES="hv_vmbus hv_storvsc"'),
        ("INITRD_MODULES=ext3", 'INITRD_MODULES="ext3 hv_vmbus hv_storvsc"'),
        ("A='b'", "A='b'\nINITRD_MODULES=\"hv_vmbus hv_storvsc\""),
        ('INITRD_MODULES="a"\nINITRD_MODULES="b"', 'INITRD_MODULES="a"\nINITRD_MODULES="b hv_vmbus hv_storvsc"'),
    ],
)
def test_other_forms_of_initrd_modules(tmp_path, before, after):
    root = suse_guest(tmp_path, files={"/etc/sysconfig/kernel": before + "\n"})
    done(root, SuseMkinitrd(Guest(root)).rule(WANTED), suse)
    assert content(root, "/etc/sysconfig/kernel") == after + "\n"
    assert list(SuseMkinitrd(Guest(root)).rule(WANTED)) == []


def test_a_broken_sysconfig_is_named(tmp_path):
    root = suse_guest(tmp_path, files={"/etc/sysconfig/kernel": 'INITRD_MODULES="a\n'})
    with pytest.raises(Malformed, match="^/etc/sysconfig/kernel, line 1"):
        list(SuseMkinitrd(Guest(root)).rule(WANTED))


def test_all_images_are_built_beside_by_one_call(tmp_path):
    root = suse_guest(tmp_path)
    guest = Guest(root)
    backend = SuseMkinitrd(guest)
    backend.named = {SUSE: "/boot/initrd-mine"}
    kernels = installed(guest)
    old, new = [kernel for version in (OLD, SUSE) for kernel in kernels if kernel.version == version]
    assert (backend.image(new), backend.image(old)) == ("/boot/initrd-mine", "/boot/initrd-" + OLD)
    done(root, backend.rule(WANTED), suse)
    run = backend.build([Order(old, WANTED, 100), Order(new, WANTED, 200)], "because")
    assert run.commands == ((
        "mkinitrd", "-B", "-k", "/boot/vmlinuz-%s /boot/vmlinuz-%s" % (OLD, SUSE),
        "-i", "/boot/.initrd-%s.agentprep /boot/.initrd-mine.agentprep" % OLD,
    ),)  # fmt: skip
    assert run.outputs == ("/boot/.initrd-%s.agentprep" % OLD, "/boot/.initrd-mine.agentprep")
    size = guest.stat("/boot/initrd-" + OLD).st_size
    assert run.needs[0] == ("/boot", size + 100 + (16 << 20) + 200, 300)
    done(root, [run], suse)
    for kernel in (old, new):
        held = inside(guest, beside(backend.image(kernel)).path, {}).modules_of(kernel.version)
        assert {"hv_vmbus", "hv_storvsc", "jbd"} <= set(held)
        assert backend.stale(inside(guest, beside(backend.image(kernel)).path, {}), backend.image(kernel)) == ""
        assert list(backend.installed(kernel)) == [] and list(backend.no_resume(True)) == []


# -- Red Hat -------------------------------------------------------------------------------------------------
def test_the_documents_own_call_builds_the_image_beside(tmp_path):
    root = red_hat_guest(tmp_path)
    guest = Guest(root)
    backend = RedHatMkinitrd(guest)
    kernel = Kernel(RED_HAT, "/boot/vmlinuz-" + RED_HAT, "/lib/modules/" + RED_HAT)
    run = backend.build([Order(kernel, ["hv_storvsc", "hv_vmbus"], 0)], "because")
    made = "/boot/.initrd-%s.img.agentprep" % RED_HAT
    assert run.commands == (
        ("mkinitrd", "--preload=hv_storvsc", "--preload=hv_vmbus", "-v", "-f", made, RED_HAT),
    ) and run.outputs == (made,)  # fmt: skip
    done(root, [run], red_hat)
    assert {"hv_vmbus", "hv_storvsc", "ata_piix"} == set(inside(guest, made, {}).modules_of(RED_HAT))
    backend.named = {RED_HAT: "/boot/initrd-2.6.18-419.el5.img.azure"}
    assert backend.build([Order(kernel, [], 0)], "x").outputs == ("/boot/.initrd-2.6.18-419.el5.img.azure.agentprep",)


@pytest.mark.parametrize(
    "before, after",
    [
        ("alias scsi_hostadapter ata_piix\n", "alias scsi_hostadapter1 hv_vmbus\nalias scsi_hostadapter2 hv_storvsc\n"),
        ("alias scsi_hostadapter3 hv-vmbus", "\nalias scsi_hostadapter4 hv_storvsc\n"),
        ("", "alias scsi_hostadapter hv_vmbus\nalias scsi_hostadapter1 hv_storvsc\n"),
        ("# alias scsi_hostadapter7 x\n", "alias scsi_hostadapter hv_vmbus\nalias scsi_hostadapter1 hv_storvsc\n"),
    ],
)
def test_future_images_hold_every_scsi_hostadapter(tmp_path, before, after):
    root = red_hat_guest(tmp_path, {"/etc/modprobe.conf": before})
    done(root, RedHatMkinitrd(Guest(root)).rule(WANTED), red_hat)
    assert content(root, "/etc/modprobe.conf") == before + after
    assert list(RedHatMkinitrd(Guest(root)).rule(WANTED)) == []
    assert [normalised(word) for word in RedHatMkinitrd(Guest(root)).note().split()[-2:]] == WANTED


# -- the step on a whole guest -------------------------------------------------------------------------------
def test_the_step_makes_every_image_hold_the_modules(tmp_path):
    from agentprep.steps.initrd_hyperv import RULE, STEP

    root = suse_guest(tmp_path, files={"/bin/sh": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00"})
    make_tree(root, {})  # a distribution, which only the policy asks for
    system = system_of(root, {"mkinitrd": suse})
    policy = policy_of("initrd-hyperv.builds=1")
    assert [change.path for change in brought_about(STEP, system, policy)] == ["/etc/sysconfig/kernel"]
    changes = brought_about(RULE, system, policy, "/etc/sysconfig/kernel")
    assert [getattr(change, "path", "run") for change in changes] == [
        "run", "/boot/initrd-" + OLD, "run", "/boot/initrd-" + SUSE,
    ]  # fmt: skip
    for version in (OLD, SUSE):
        assert "hv_storvsc" in inside(system.guest, "/boot/initrd-" + version, {}).modules_of(version)
    assert brought_about(RULE, system_of(root, {"mkinitrd": suse}), policy, "") == []
