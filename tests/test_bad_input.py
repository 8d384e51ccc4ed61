"""What is wrong in the guest is told with its file and its remedy, and nothing is lost."""

import os
import re
import subprocess
import sys

import pytest

from agentprep.errors import Blocked
from agentprep.evidence import pick
from tests import needs
from tests.roots import archive, debian12, entries, read
from tests.snapshots import snapshot
from tests.test_cli import HOME
from tests.trees import To, make_tree
from tests.worlds import World

GRUB = "/etc/default/grub"


def world_of(folder, extra=None, **options):
    return World(debian12.make(folder / "guest", extra=extra), **options)


def put(world, path, content):
    with open(world.root + path, "wb") as stream:
        stream.write(content)


def refused(world, words, code=3):
    """A run refuses with these words, and not a byte is changed."""
    before = snapshot(world.root)
    told = world.run(deprovision=False)
    said = told.result.message + " " + told.result.hint
    assert told.result.exit_code == code, told.result
    for word in words:
        assert word in said, said
    assert snapshot(world.root) == before
    return told


def good(world):
    told = world.run(deprovision=False)
    assert told.result.exit_code == 0, told.result
    return told


def status(world, name):
    return {one.id: one for one in world.check().findings}[name]


def test_not_linux():
    script = "import sys; sys.platform = 'freebsd14'; from agentprep.cli import main; sys.exit(main(['check']))"
    done = subprocess.run([sys.executable, "-c", script], cwd=HOME, stderr=subprocess.PIPE)
    assert done.returncode == 3 and b"this is freebsd14" in done.stderr


def test_a_distribution_that_nobody_knows_is_prepared_with_a_warning(tmp_path):
    world = world_of(tmp_path)
    os.unlink(world.root + "/etc/os-release")
    make_tree(world.root, {"/etc/os-release": 'ID=frobnix\nPRETTY_NAME="Frobnix 3"\n'}, minimal=False)
    told = good(world)
    assert any(one.status == "warning" and "frobnix" in " ".join(one.evidence).lower() for one in told.findings)


def test_no_boot_loader(tmp_path):
    world = world_of(tmp_path)
    os.unlink(world.root + "/boot/grub/grub.cfg")
    told = refused(world, ["boot loader"])
    assert told.result.verdict == "blocked"
    findings = world.check().findings
    assert [one.id for one in findings if one.status == "would-change"], "one blocked step must not hide the others"


def test_two_loaders_that_both_look_used(tmp_path):
    class One:
        name = "one"

        def __init__(self, guest):
            pass

        @staticmethod
        def probe(guest):
            return "its configuration is read"

    class Two(One):
        name = "two"

    with pytest.raises(Blocked, match="more than one boot loader looks used: one .* two"):
        pick("boot loader", None, (One, Two))


def test_a_leftover_menu_of_another_loader_is_not_taken_for_the_live_one(tmp_path):
    world = world_of(tmp_path, {"/boot/grub/menu.lst": "default 0\ntitle old\nkernel /vmlinuz-2.6 root=/dev/hda1\n"})
    good(world)


@pytest.mark.parametrize(
    "content, words",
    [
        (b'GRUB_CMDLINE_LINUX="quiet\nGRUB_TIMEOUT=5\n', ["/etc/default/grub", "line 1"]),
        (b'if true; then\nGRUB_CMDLINE_LINUX="quiet"\nfi\n', ["/etc/default/grub", "line 2"]),
        (b'GRUB_CMDLINE_LINUX="$(cat /proc/cmdline)"\n', ["/etc/default/grub", "line 1"]),
    ],
)  # fmt: skip
def test_a_grub_file_that_cannot_be_understood(tmp_path, content, words):
    world = world_of(tmp_path)
    put(world, GRUB, content)
    refused(world, words)
    assert status(world, "kernel-udf").status == "would-change"


@pytest.mark.parametrize(
    "content",
    [
        b'GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX=""',
        b"# caf\xe9\nGRUB_CMDLINE_LINUX_DEFAULT='quiet'\nGRUB_CMDLINE_LINUX=\n",
        b'GRUB_CMDLINE_LINUX_DEFAULT="quiet" # a "comment"\nexport GRUB_CMDLINE_LINUX="a=1"\n',
        b"",
    ],
)  # fmt: skip
def test_odd_grub_files_are_edited_and_nothing_else_of_them_changes(tmp_path, content):
    world = world_of(tmp_path)
    put(world, GRUB, content)
    good(world)
    for arguments in entries(world.root).values():
        assert "console=ttyS0,115200n8" in arguments and "quiet" not in arguments
    old = [line for line in content.split(b"\n") if line and b"CMDLINE" not in line]
    assert all(line in read(world.root, GRUB) for line in old)


def test_a_grub_file_with_carriage_returns_is_told_of_or_edited_but_never_broken(tmp_path):
    world = world_of(tmp_path)
    put(world, GRUB, b'GRUB_TIMEOUT=5\r\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\r\nGRUB_CMDLINE_LINUX=""\r\n')
    told = world.run(deprovision=False)
    if told.result.exit_code == 0:
        assert all("console=ttyS0,115200n8" in arguments for arguments in entries(world.root).values())
    else:
        assert told.result.exit_code == 3 and "carriage return" in told.result.message + told.result.hint, told.result


def test_a_folder_in_place_of_the_grub_file(tmp_path):
    world = world_of(tmp_path)
    os.unlink(world.root + GRUB)
    os.mkdir(world.root + GRUB)
    refused(world, [GRUB, "not a regular file"])


@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, "truncated", None])
def test_an_initrd_that_is_no_good_is_built_anew(tmp_path, content):
    world = world_of(tmp_path)
    path = "/boot/initrd.img-" + debian12.KERNELS[0]
    names = [("usr/lib/modules/%s/%s" % (debian12.KERNELS[0], line.split(":")[0]), b"\x7fELF" * 100)
             for line in debian12.DEP.decode().splitlines()]  # fmt: skip
    if content is None:
        os.unlink(world.root + path)
    else:
        put(world, path, archive(names)[:-700] if content == "truncated" else content)
    good(world)
    assert b"hv_storvsc" in read(world.root, path) and b"TRAILER" in read(world.root, path)
    assert status(world, "initrd-hyperv").status == "ok"


def mounted(world, path, *options):
    subprocess.run(["mount"] + list(options) + [world.root + path], check=True)


@pytest.fixture
def unmounted():
    """What a test mounts goes with it."""
    needs.mounts()
    places = []
    yield places.append
    for place in reversed(places):
        subprocess.run(["umount", "-l", place], check=True)


def test_a_full_boot_is_found_out_before_anything_is_changed(tmp_path, unmounted):
    world = world_of(tmp_path)
    saved = {name: read(world.root, "/boot/" + name) for name in os.listdir(world.root + "/boot") if "-6" in name}
    cfg = read(world.root, "/boot/grub/grub.cfg")
    mounted(world, "/boot", "-t", "tmpfs", "-o", "size=2m", "tmpfs")
    unmounted(world.root + "/boot")
    for name, content in saved.items():
        put(world, "/boot/" + name, content)
    make_tree(world.root, {"/boot/grub/grub.cfg": cfg, "/boot/grub/i386-pc/core.img": b"x"}, minimal=False)
    refused(world, ["/boot", "MiB free", "free some space"])


def test_a_file_system_without_free_inodes_is_found_out_before_anything_is_changed(tmp_path, unmounted):
    world = world_of(tmp_path)
    make_tree(world.root, {"/etc/ssh/sshd_config.d/kept": b""}, minimal=False)
    folder = "/etc/ssh/sshd_config.d"
    mounted(world, folder, "-t", "tmpfs", "-o", "size=64m,nr_inodes=1", "tmpfs")  # its own root is the one
    unmounted(world.root + folder)
    refused(world, [folder, "0 free inodes", "du --inodes"])
    subprocess.run(["mount", "-o", "remount,nr_inodes=2", world.root + folder], check=True)
    good(world)


def test_a_full_root_is_found_out_before_anything_is_changed(tmp_path):
    refused(world_of(tmp_path, settings=["limits.reserve=99999999"]), ["MiB free", "MiB are needed"])


def test_a_read_only_root_can_be_looked_at_and_is_not_run_on(tmp_path, unmounted):
    world = world_of(tmp_path)
    subprocess.run(["mount", "--bind", world.root, world.root], check=True)
    unmounted(world.root)
    subprocess.run(["mount", "-o", "remount,ro,bind", world.root], check=True)
    assert world.check().result.exit_code == 1 and world.plan().changes
    with pytest.raises(Blocked, match="Read-only"):
        world.run(deprovision=False)


def test_an_immutable_file(tmp_path):
    world = world_of(tmp_path)
    needs.immutable(world.root + GRUB)
    try:
        refused(world, [GRUB, "immutable", "chattr -i"])
    finally:
        subprocess.run(["chattr", "-i", world.root + GRUB], check=True)
    good(world)


def nothing(root, argv):
    return 0


@pytest.mark.parametrize("name", ["mkinitramfs", "grub-mkconfig"])
def test_a_generator_that_says_it_went_well_and_made_nothing(tmp_path, name):
    world = world_of(tmp_path, handlers={name: nothing})
    before = {path: value for path, value in snapshot(world.root).items() if path.startswith("/boot/")}
    told = world.run(deprovision=False)
    assert told.result.exit_code == 4 and "rollback" in told.result.message, told.result
    if name == "mkinitramfs":
        assert before == {path: one for path, one in snapshot(world.root).items() if path.startswith("/boot/")}
    good(World(world.root))


def test_a_generator_that_leaves_a_module_out(tmp_path):
    def forgetful(root, argv):
        debian12.mkinitramfs(root, argv)
        with open(root + argv[2], "rb") as stream:
            content = stream.read()
        with open(root + argv[2], "wb") as stream:
            stream.write(content.replace(b"hv_netvsc.ko", b"hv_netvsc.no"))

    world = world_of(tmp_path, handlers={"mkinitramfs": forgetful})
    told = world.run(deprovision=False)
    assert told.result.exit_code == 4 and "still lacks hv_netvsc" in told.result.message
    assert not os.path.exists(world.root + "/boot/.initrd.img-%s.agentprep.new" % debian12.KERNELS[0])


def test_a_grub_mkconfig_that_loses_the_arguments(tmp_path):
    def forgetful(root, argv):
        debian12.grub_mkconfig(root, argv)
        with open(root + argv[2]) as stream:
            content = stream.read()
        with open(root + argv[2], "w") as stream:
            stream.write(content.replace(" rootdelay=30", ""))

    world = world_of(tmp_path, handlers={"grub-mkconfig": forgetful})
    old = read(world.root, "/boot/grub/grub.cfg")
    told = world.run(deprovision=False)
    assert told.result.exit_code == 4 and "rootdelay=30" in told.result.message
    assert read(world.root, "/boot/grub/grub.cfg") == old


@pytest.mark.parametrize(
    "content", [None, b"", b"Provisioning.Agent=auto\nProvisioning.Agent = disabled\nResourceDisk.Format=y # x\n"]
)
def test_waagent_conf_missing_empty_or_with_duplicates(tmp_path, content):
    world = world_of(tmp_path)
    path = "/etc/waagent.conf"
    if content is None:
        os.unlink(world.root + path)
        good(world)
        assert any("--reinstall" in argv for argv in world.commands.ran)
        return
    put(world, path, content)
    good(world)
    text = read(world.root, path).decode()
    assert re.findall(r"^Provisioning\.Agent.*$", text, re.M) == ["Provisioning.Agent=waagent"]
    assert "\nResourceDisk.Format=y\n" in "\n" + text


def test_apt_without_a_network(tmp_path):
    def offline(root, argv):
        return (
            100,
            "Err:1 http://deb.debian.org/debian bookworm InRelease\n  Temporary failure resolving 'deb.debian.org'",
        )

    world = World(debian12.make(tmp_path / "guest", agent=False), handlers={"apt-get": offline})
    told = world.run(deprovision=False)
    assert told.result.exit_code in (3, 4), told.result
    said = told.result.message + " " + told.result.hint
    assert "repositories cannot be reached" in said and "deb http://" in said, said


def test_a_dpkg_that_was_interrupted_is_completed_first(tmp_path):
    ran = []

    def dpkg(root, argv):
        ran.append(argv)
        os.unlink(root + "/var/lib/dpkg/updates/0001")

    world = World(
        debian12.make(tmp_path / "guest", agent=False, extra={"/var/lib/dpkg/updates/0001": "Package: x\n"}),
        handlers={"dpkg": dpkg},
    )
    good(world)
    assert [argv[-2:] for argv in ran] == [("--configure", "-a")]


def test_hostile_links_do_not_lead_outside(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("ResourceDisk.Format=n\n")
    extra = {"/etc/waagent.conf": To(str(outside)), "/etc/sudoers.d/x": To("../../../../../../../../" + str(outside))}
    world = world_of(tmp_path, extra)
    world.run(deprovision=False)
    assert outside.read_text() == "ResourceDisk.Format=n\n"
