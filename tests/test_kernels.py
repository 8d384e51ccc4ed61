"""Which kernels are installed: those that have modules and an image, wherever the image is.

File names are those of: linux-image-6.1.0-28-amd64 (Debian 12), kernel-core of Fedora 41 and RHEL 9, kernel-default of
SLES 15 on x86_64 and on arm64 (Image-VERSION) and of SLES 11 (vmlinux-VERSION.gz for crash, kernel-xen),
kernel-install of systemd 257 (TOKEN/VERSION/linux), sdbootutil of Tumbleweed (TOKEN/VERSION/linux-SHA1).
"""

import pytest

from agentprep.guest import Guest
from agentprep.kernels import Kernel, installed, partitions, xen_only
from tests.trees import To, make_tree

TOKEN = "0123456789abcdef0123456789abcdef"
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


def modules(version, folder="/usr/lib/modules"):
    return {"%s/%s/modules.dep" % (folder, version): ""}


def of(tmp_path, *files, **more):
    together = {}
    for one in files:
        together.update(one if isinstance(one, dict) else {one: "MZ"})
    return Guest(make_tree(tmp_path, together, minimal=False))


def names(kernels):
    return [(kernel.version, kernel.image) for kernel in kernels]


def test_a_kernel_has_an_image_and_modules(tmp_path):
    guest = of(tmp_path, {"/lib": To("usr/lib")}, modules("6.1.0-28-amd64"), "/boot/vmlinuz-6.1.0-28-amd64")
    assert installed(guest) == [Kernel("6.1.0-28-amd64", "/boot/vmlinuz-6.1.0-28-amd64", "/lib/modules/6.1.0-28-amd64")]


def test_only_usr_has_modules(tmp_path):
    guest = of(tmp_path, modules("6.1"), "/boot/vmlinuz-6.1")
    assert installed(guest)[0].modules == "/usr/lib/modules/6.1"


@pytest.mark.parametrize("lost", ["/usr/lib/modules/6.1/modules.dep", "/boot/vmlinuz-6.1"])
def test_a_leftover_is_no_kernel(tmp_path, lost):
    files = {"/usr/lib/modules/6.1/modules.dep": "", "/boot/vmlinuz-6.1": "MZ", "/usr/lib/modules/6.1/extra/x.ko": ""}
    del files[lost]
    assert installed(of(tmp_path, files)) == []


@pytest.mark.parametrize("version", [
    "0-rescue-" + TOKEN, "6.1.0-28-amd64kdump", "3.0.101-63-kdump", "6.1.0.old", "6.1.0.rpmsave", "6.1.0.dpkg-new",
])  # fmt: skip
def test_rescue_and_kdump_images_are_none(tmp_path, version):
    guest = of(tmp_path, modules(version), "/boot/vmlinuz-" + version)
    assert installed(guest) == [] and xen_only(guest) == []


def test_debug_kernels_are_kernels(tmp_path):
    version = "5.14.0-503.11.1.el9_5.x86_64+debug"
    assert names(installed(of(tmp_path, modules(version), "/boot/vmlinuz-" + version))) == [
        (version, "/boot/vmlinuz-" + version)
    ]


def test_the_newest_comes_last(tmp_path):
    order = ["4.4.0-9-generic", "4.4.0-10-generic", "5.4.0-99-generic", "5.4.0-100-generic"]
    files = [modules(one) for one in reversed(order)] + ["/boot/vmlinuz-" + one for one in order]
    assert [kernel.version for kernel in installed(of(tmp_path, *files))] == order


@pytest.mark.parametrize("images, taken", [
    (["/boot/Image-6.4.0-default", "/boot/vmlinux-6.4.0-default.gz"], "/boot/Image-6.4.0-default"),
    (["/boot/vmlinuz-6.4.0-default", "/boot/vmlinux-6.4.0-default.gz"], "/boot/vmlinuz-6.4.0-default"),
    (["/boot/vmlinux-6.4.0-default"], "/boot/vmlinux-6.4.0-default"),
    (["/boot/vmlinux-6.4.0-default.xz"], "/boot/vmlinux-6.4.0-default.xz"),
    (["/boot/efi/%s/6.4.0-default/linux" % TOKEN, "/boot/vmlinuz-6.4.0-default"], "/boot/vmlinuz-6.4.0-default"),
    (["/boot/zImage-6.4.0-default"], None),
])  # fmt: skip
def test_names_of_images(tmp_path, images, taken):
    found = installed(of(tmp_path, modules("6.4.0-default"), "/boot/efi/EFI/BOOT/BOOTX64.EFI", *images))
    assert names(found) == ([("6.4.0-default", taken)] if taken else [])


@pytest.mark.parametrize("root", ["/efi", "/boot", "/boot/efi"])
@pytest.mark.parametrize("path", [
    "/%s/6.12.1-200.fc41.x86_64/linux" % TOKEN,
    "/opensuse-tumbleweed/6.12.1-200.fc41.x86_64/linux-" + SHA1,
    "/EFI/Linux/%s-6.12.1-200.fc41.x86_64.efi" % TOKEN,
    "/EFI/Linux/%s-6.12.1-200.fc41.x86_64+3-0.efi" % TOKEN,
])  # fmt: skip
def test_only_the_esp_has_the_image(tmp_path, root, path):
    version = "6.12.1-200.fc41.x86_64"
    guest = of(tmp_path, modules(version), "/usr/lib/modules/%s/vmlinuz" % version, root + path,
               root + "/loader/entries/x.conf")  # fmt: skip
    assert names(installed(guest)) == [(version, root + path)]


@pytest.mark.parametrize("path", ["/x/6.1/initrd", "/x/6.1/linux-notahash", "/EFI/Linux/6.1-rc1.efi", "/x/6.10/linux"])
def test_what_is_no_image_on_the_esp(tmp_path, path):
    assert installed(of(tmp_path, modules("6.1"), "/efi/loader/entries/x.conf", "/efi" + path)) == []


def test_a_folder_that_no_loader_uses_is_no_partition(tmp_path):
    guest = of(tmp_path, modules("6.1"), "/efi/x/6.1/linux", {"/esp": To("boot/efi")}, "/boot/efi/EFI/BOOT/BOOTX64.EFI")
    assert installed(guest) == [] and partitions(guest) == ["/boot/efi"]


def test_one_partition_by_two_names_is_one(tmp_path):
    assert partitions(of(tmp_path, {"/efi": To("boot/efi")}, "/boot/efi/loader/entries/x.conf")) == ["/boot/efi"]


@pytest.mark.parametrize("version, config", [
    ("2.6.18-419.el5xen", ""), ("3.0.101-63-xen", ""), ("2.6.18-xenU", ""), ("3.12.0", "A=y\nCONFIG_X86_XEN=y\nB=y\n"),
    ("2.6.27", "CONFIG_X86_64_XEN=y\n"),
])  # fmt: skip
def test_kernels_of_a_xen_host_or_paravirtual_guest(tmp_path, version, config):
    guest = of(tmp_path, modules(version), modules("4.4"), "/boot/vmlinuz-" + version, "/boot/vmlinuz-4.4",
               {"/boot/config-" + version: config})  # fmt: skip
    assert names(installed(guest)) == [("4.4", "/boot/vmlinuz-4.4")]
    assert names(xen_only(guest)) == [(version, "/boot/vmlinuz-" + version)]


def test_the_configuration_may_be_among_the_modules(tmp_path):
    files = {"/usr/lib/modules/6.1/config": "CONFIG_X=y\n", "/boot/vmlinuz-6.1": ""}
    kernel = installed(of(tmp_path, modules("6.1"), files))[0]
    assert kernel.config(of(tmp_path)) == b"CONFIG_X=y\n"
    assert kernel.config(of(tmp_path, {"/boot/config-6.1": "CONFIG_Y=y\n"})) == b"CONFIG_Y=y\n"


def test_nothing_is_installed(tmp_path):
    assert installed(of(tmp_path, {})) == []
