"""Which grub.cfg counts: the one that GRUB reads, not a stub and not a leftover; and where its paths lead.

The stubs: Debian's and Ubuntu's as grub-install 2.06 and 2.12 write them; those of Fedora 40 on btrfs, SUSE 15 and SLES
12 SP5 as users of these releases have published them; RHEL 9's was written from memory; Azure
Linux 3's from Microsoft's trident (its tests).
"""

import pytest

from agentprep.boot import grub_config
from agentprep.boot.bls import BLS
from agentprep.boot.grub2 import Grub2
from agentprep.errors import Blocked, Unsupported
from agentprep.formats import grubcfg
from agentprep.guest import Guest
from tests.boot import mkconfig, redhat
from tests.trees import Program, To, make_tree

UUID = "0b8c9ef0-4b2f-4a3e-9c40-2f7b9f1d5a11"
STUBS = {
    "rhel9": (
        (
            "search --no-floppy --root-dev-only --fs-uuid --set=dev %s\nset prefix=($dev)/grub2\n\n"
            "export $prefix\nconfigfile $prefix/grub.cfg\n"
        ),
        "/grub2/grub.cfg",
    ),
    "fedora-btrfs": (
        (
            'set btrfs_relative_path="yes"\nsearch --no-floppy --fs-uuid --set=dev %s\n'
            "set prefix=($dev)/root/boot/grub2\nexport $prefix\nconfigfile $prefix/grub.cfg\n"
        ),
        "/root/boot/grub2/grub.cfg",
    ),
    "debian": (
        "search.fs_uuid %s root hd0,gpt2 \nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n",
        "/boot/grub/grub.cfg",
    ),
    "suse": (
        (
            'set btrfs_relative_path="yes"\nsearch --fs-uuid --set=root %s\n'
            'set prefix=(${root})/boot/grub2\nsource "${prefix}/grub.cfg"\n'
        ),
        "/boot/grub2/grub.cfg",
    ),
    "sles12": (
        'set btrfs_relative_path="yes"\nsearch --fs-uuid --set=root %s\nset prefix=(${root})//grub2\nnormal\n',
        "//grub2/grub.cfg",
    ),
    "azurelinux": (
        (
            "search -n -u %s -s\n\n# If '/boot' is a seperate partition, BootUUID will point directly to '/boot'.\n"
            "# In this case we should omit the '/boot' prefix from all paths.\n"
            "set bootprefix=/boot\nconfigfile $bootprefix/grub2/grub.cfg\n"
        ),
        "/boot/grub2/grub.cfg",
    ),
}
MENU = mkconfig.entry("Linux", "1", "quiet")
KERNEL = {"/boot/vmlinuz-1": "x", "/lib/modules/1/modules.dep": ""}
VENDOR = "/boot/efi/EFI/redhat/grub.cfg"
MADE, OLD = "/boot/grub2/grub.cfg", "/boot/grub/grub.cfg"
CORE = "/boot/grub2/i386-pc/core.img"


def live(tmp_path, files):
    found = grub_config.live(Guest(make_tree(tmp_path, dict(KERNEL, **files))))
    return found and found.path


@pytest.mark.parametrize("name", sorted(STUBS))
def test_a_stub_is_known_by_its_content(name):
    text, path = STUBS[name]
    assert grubcfg.stub(text % UUID) == grubcfg.Stub(path, UUID)
    assert grubcfg.stub(text % UUID + MENU) is None


def test_a_stub_may_search_for_a_file():
    text = "search --no-floppy --set prefix --file /grub2/grub.cfg\nconfigfile $prefix/grub.cfg\n"
    assert grubcfg.stub(text) == grubcfg.Stub("/grub2/grub.cfg", "")
    text = text.replace("configfile", "set prefix=($prefix)/grub2\nconfigfile")
    assert grubcfg.stub(text) == grubcfg.Stub("/grub2/grub.cfg", "")


def test_a_generated_menu_without_kernels_is_no_stub():
    assert grubcfg.stub(redhat.HEADER % ("", "console") + "source ${config_directory}/custom.cfg\n") is None


@pytest.mark.parametrize("name", sorted(STUBS))
def test_a_stub_leads_to_the_menu_whatever_else_there_is(tmp_path, name):
    text, path = STUBS[name]
    folder = "/boot/" + path.split("/")[-2]
    other = OLD if folder == "/boot/grub2" else MADE
    where = "/boot/efi/boot/grub2/grub.cfg" if name == "azurelinux" else "/boot/efi/EFI/%s/grub.cfg" % name
    files = {where: text % UUID, folder + "/grub.cfg": MENU, other: MENU}
    assert live(tmp_path, files) == folder + "/grub.cfg"


def test_the_menu_on_the_esp_is_the_real_one_beside_a_leftover_in_boot(tmp_path):
    assert live(tmp_path, {VENDOR: MENU, MADE: MENU}) == VENDOR
    guest = Guest(str(tmp_path))
    assert grub_config.leftovers(guest) == [MADE]


def test_the_menu_in_boot_is_the_real_one_on_bios(tmp_path):
    assert live(tmp_path, {MADE: MENU, OLD: MENU, CORE: b"\0"}) == MADE


def test_the_stale_one_of_two_is_the_leftover(tmp_path):
    gone = MENU.replace("vmlinuz-1", "vmlinuz-0")
    assert live(tmp_path / "a", {VENDOR: MENU, MADE: gone, CORE: b"\0"}) == VENDOR
    assert live(tmp_path / "b", {VENDOR: gone, MADE: MENU, CORE: b"\0"}) == MADE


def test_two_menus_that_both_may_be_read_are_not_guessed_between(tmp_path):
    with pytest.raises(Blocked, match="EFI/redhat/grub.cfg .* and /boot/grub2/grub.cfg"):
        live(tmp_path, {VENDOR: MENU, MADE: MENU, CORE: b"\0"})


def test_a_hybrid_image_has_one_menu_for_both(tmp_path):
    """RHEL's cloud images: an ESP with a stub and a BIOS boot partition."""
    assert live(tmp_path, {VENDOR: STUBS["rhel9"][0] % UUID, MADE: MENU, CORE: b"\0"}) == MADE


FIRST = "/boot/efi/EFI/centos/grub.cfg"
SHARED = 'if [ -z "${kernelopts}" ]; then\n  set kernelopts="root=/dev/vda2 ro "\nfi\ninsmod blscfg\nblscfg\n'


def test_of_several_vendors_menus_the_one_beside_a_loader_is_read(tmp_path):
    """A RHEL 7 that was CentOS: grub2-efi went, its grub.cfg stayed."""
    loader = {"/boot/efi/EFI/redhat/grubx64.efi": "MZ"}
    assert live(tmp_path / "a", dict(loader, **{FIRST: MENU, VENDOR: MENU})) == VENDOR
    gone = MENU.replace("vmlinuz-1", "vmlinuz-0")
    both = dict(loader, **{"/boot/efi/EFI/centos/grubx64.efi": "MZ"})
    assert live(tmp_path / "b", dict(both, **{FIRST: gone, VENDOR: MENU})) == VENDOR
    with pytest.raises(Blocked, match="EFI/centos/grub.cfg .* and /boot/efi/EFI/redhat/grub.cfg"):
        live(tmp_path / "c", dict(both, **{FIRST: MENU, VENDOR: MENU}))


def test_an_image_of_rhel_8_has_one_menu_on_the_esp_and_the_same_in_boot(tmp_path):
    block = "# GRUB Environment Block\nkernelopts=root=/dev/vda2 ro \n"
    files = {VENDOR: SHARED, MADE: SHARED, CORE: b"\0", "/boot/efi/EFI/redhat/grubenv": block}
    assert live(tmp_path / "a", dict(files, **{"/boot/grub2/grubenv": To("../efi/EFI/redhat/grubenv")})) == VENDOR
    assert grub_config.leftovers(Guest(str(tmp_path / "a"))) == []
    with pytest.raises(Blocked, match="two menus"):
        live(tmp_path / "b", files)  # in /boot a fallback decides, which would not be seen
    plain = dict(files, **{VENDOR: "insmod blscfg\nblscfg\n", MADE: "insmod blscfg\nblscfg\n"})
    assert live(tmp_path / "c", plain) == VENDOR


def test_a_menu_in_boot_is_not_taken_for_that_of_an_esp_which_is_not_mounted(tmp_path):
    """RHEL 8 on UEFI, after a `grub2-mkconfig -o /boot/grub2/grub.cfg`: grubenv is a link to the ESP."""
    files = {MADE: SHARED, "/etc/fstab": "UUID=1-2 /boot/efi vfat umask=0077 0 2\n"}
    assert live(tmp_path / "a", dict(files, **{"/boot/grub2/grubenv": "# GRUB Environment Block\n"})) == MADE
    with pytest.raises(Blocked, match="not mounted at /boot/efi"):
        live(tmp_path / "b", dict(files, **{"/boot/grub2/grubenv": To("../efi/EFI/redhat/grubenv")}))


def test_the_removable_path_counts_only_when_it_is_alone(tmp_path):
    fallback = "/boot/efi/EFI/BOOT/grub.cfg"
    assert live(tmp_path / "a", {fallback: MENU, VENDOR: MENU}) == VENDOR
    assert live(tmp_path / "b", {fallback: MENU}) == fallback


def test_links_are_followed(tmp_path):
    assert live(tmp_path, {OLD: To("../grub2/grub.cfg"), MADE: MENU}) == MADE


def test_no_menu_is_no_evidence(tmp_path):
    assert live(tmp_path, {VENDOR: STUBS["rhel9"][0] % UUID, OLD: "# empty\n"}) is None


@pytest.mark.parametrize("loader", ["systemd/systemd-bootx64.efi", "opensuse/installed_by_sdbootutil"])
def test_a_menu_of_a_grub_that_gave_way_to_another_loader_is_a_leftover(tmp_path, loader):
    files = {OLD: MENU, "/boot/efi/EFI/" + loader: "x"}
    assert live(tmp_path / "a", files) is None
    assert live(tmp_path / "b", dict(files, **{"/boot/grub/x86_64-efi/core.efi": "x"})) == OLD


@pytest.mark.parametrize("said, used", [("grub2-bls", None), ("systemd-boot", None), ("grub2-efi", MADE)])
def test_suse_says_that_its_loader_is_another_than_the_one_with_a_stub(tmp_path, said, used):
    mark, stub = "/boot/efi/EFI/opensuse/installed_by_sdbootutil", STUBS["rhel9"][0] % UUID
    files = {MADE: MENU, VENDOR: stub, "/boot/grub2/x86_64-efi/core.efi": "x", mark: "opensuse\n"}
    said = {"/etc/sysconfig/bootloader": 'LOADER_TYPE="grub2-efi"\nLOADER_TYPE="%s"\n' % said}
    assert live(tmp_path / "marked", dict(files, **said)) == used
    del files[mark]
    assert live(tmp_path / "unmarked", dict(files, **said)) == MADE
    core = {mark: "x", "/boot/grub2/i386-pc/core.img": "x"}
    assert live(tmp_path / "bios", dict(files, **dict(said, **core))) == MADE


def test_rhel_7_on_uefi_has_its_menu_made_on_the_esp(tmp_path):
    guest = Guest(
        make_tree(tmp_path, dict(KERNEL, **{VENDOR: MENU, "/usr/sbin/grub2-mkconfig": Program("#!/bin/sh\n")}))
    )
    one = Grub2(guest)
    assert one.config == VENDOR
    run = next(iter(one.generate([], [])))
    assert run.commands == (("grub2-mkconfig", "-o", "/boot/efi/EFI/redhat/.grub.cfg.agentprep"),)


def test_a_stub_is_never_written(tmp_path):
    root = redhat.guest(tmp_path, "el9", {VENDOR: STUBS["rhel9"][0] % UUID})
    one = BLS(Guest(root))
    assert one.config == MADE
    assert all("efi" not in change.path for change in one.set_arguments(["a"], []))


def test_a_menu_with_variables_for_kernels_is_refused(tmp_path):
    """Azure Linux 2's own grub.cfg (azurelinux toolkit/resources/assets/grub2/grub.cfg)."""
    text = 'menuentry "CBL-Mariner" {\n\tlinux $bootprefix/$mariner_linux rd.auto=1 root=$rootdevice $kernelopts\n}\n'
    root = make_tree(tmp_path, dict(KERNEL, **{MADE: text, "/usr/sbin/grub2-mkconfig": Program("#!/bin/sh\n")}))
    with pytest.raises(Unsupported, match="mariner_linux"):
        Grub2.probe(Guest(root))


FSTAB = "UUID=1 / xfs defaults 0 0\nUUID=2 /boot/efi vfat umask=0077,noauto 0 2\n"


def test_a_partition_that_is_not_mounted_may_hold_the_menu(tmp_path):
    """RHEL 7 and 8 on UEFI: what is in /boot may be a leftover, or nothing is."""
    for name, files in (("a", {}), ("b", {MADE: MENU.replace("vmlinuz-1", "vmlinuz-0")})):
        with pytest.raises(Blocked, match="not mounted at /boot/efi"):
            live(tmp_path / name, dict(files, **{"/etc/fstab": FSTAB}))
    assert live(tmp_path / "c", {MADE: MENU, "/etc/fstab": FSTAB}) == MADE
    assert live(tmp_path / "d", {VENDOR: MENU, "/etc/fstab": FSTAB}) == VENDOR


def test_a_leftover_that_cannot_be_understood_does_no_harm_and_a_live_menu_is_named(tmp_path):
    assert live(tmp_path / "a", {VENDOR: MENU, OLD: "linux 'x\n"}) == VENDOR
    with pytest.raises(Blocked, match="EFI/redhat/grub.cfg, line 1"):
        live(tmp_path / "b", {VENDOR: "linux 'x\n"})


@pytest.mark.parametrize(
    "path, placed",
    [
        ("/vmlinuz-1", "/boot/vmlinuz-1"),
        ("/boot/vmlinuz-1", "/boot/vmlinuz-1"),
        ("/@/boot/vmlinuz-1", "/boot/vmlinuz-1"),
        ("/@/.snapshots/1/snapshot/boot/vmlinuz-1", "/boot/vmlinuz-1"),
        ("($root)/vmlinuz-1", "/boot/vmlinuz-1"),
        ("(hd0,gpt2)/boot/vmlinuz-1", "/boot/vmlinuz-1"),
        ("/abc/1/linux", "/boot/efi/abc/1/linux"),
        ("/def/1/linux", "/boot/def/1/linux"),
        ("/gone", "/boot/gone"),
        ("../../../etc/passwd", "/boot/etc/passwd"),
        ("/opt/vmlinuz-1", "/boot/opt/vmlinuz-1"),
        ("/initrd.img", "/boot/vmlinuz-1"),
        ("/out", "/boot/out"),
    ],
)
def test_the_loaders_paths_are_found_in_the_guest(tmp_path, path, placed):
    files = {"/boot/efi/abc/1/linux": "x", "/boot/def/1/linux": "x", "/opt/vmlinuz-1": "x",
             "/initrd.img": To("boot/vmlinuz-1"), "/boot/out": To("/etc/passwd"), "/etc/passwd": "x"}  # fmt: skip
    assert grub_config.placed(Guest(make_tree(tmp_path, dict(KERNEL, **files))), path) == placed
