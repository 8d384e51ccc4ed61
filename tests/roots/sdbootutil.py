"""sdbootutil of openSUSE that behaves: the entries that it writes on the ESP, and what it installs there.

Read: install_kernel(), create_boot_options(), sedrootflags(), entry_conf_file() and install_bootloader() (openSUSE/
sdbootutil, 12630b2).
"""

import hashlib
import os
import re
from typing import Callable, Dict, List

from tests.formats.programs import program
from tests.roots import read
from tests.roots.grub import UUID
from tests.roots.pieces import Files, Kernel
from tests.trees import Handler, make_tree

TOKEN, ESP = "opensuse-tumbleweed", "/boot/efi"
ENTRIES = ESP + "/loader/entries/"
ROOT = "root=UUID=%s rootflags=subvol=@/.snapshots/%d/snapshot"
STARTS = "\\grub.efi\0\\fallback.efi\0".encode("utf-16-le")
SHIM = program({".text": b"UEFI SHIM\n$Version: 16.1 $\n" + STARTS})


def sha1(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


def entry(version: str, snapshot: int, options: str, kernel: str, image: str, snapper: str = "") -> str:
    """What install_kernel() writes; a snapshot that is read-only has another title and place in the menu."""
    title = "openSUSE Tumbleweed 20260115"
    return (
        "# Boot Loader Specification type#1 entry\ntitle      %s\nversion    %d@%s\nsort-key   %s\noptions    %s\n"
        "linux      /%s/%s/linux-%s\ninitrd     /%s/%s/initrd-%s\n"
        % ("Snapper: *%s (%d,%s,%s)" % (title, snapshot, version, snapper) if snapper else title, snapshot, version,
           "snapper-opensuse-tumbleweed" if snapper else TOKEN, options, TOKEN, version, kernel, TOKEN, version, image)
    )  # fmt: skip


def conf(prefix: str, version: str, snapshot: int = 1, tries: str = "") -> str:
    return "%s%s-%s-%d%s.conf" % (prefix, TOKEN, version, snapshot, tries)


def secure(vendor: str, loader: bytes) -> Files:
    """What install_bootloader() puts on the ESP with shim; whatever the loader is, it is called grub.efi."""
    folder = "%s/EFI/%s/" % (ESP, vendor)
    return {
        folder + "grub.efi": loader, folder + "shim.efi": SHIM, folder + "MokManager.efi": b"MZ",
        folder + "boot.csv": "\ufeffshim.efi,openSUSE Boot Manager\n".encode("utf-16-le"),
        folder + "installed_by_sdbootutil": TOKEN + "\n", ESP + "/EFI/BOOT/BOOTX64.EFI": SHIM,
        ESP + "/EFI/BOOT/fallback.efi": b"MZ fallback", ESP + "/EFI/BOOT/MokManager.efi": b"MZ",
    }  # fmt: skip


def images(files: Files) -> List[str]:
    """The paths of the images on the ESP."""
    return [path for path in files if re.match(ESP + r"/[\w-]+/[^/]+/initrd-", path)]


def started(root: str) -> Dict[str, str]:
    """{the entry's file: its command line}."""
    found = {}
    for name in sorted(os.listdir(root + ENTRIES)):
        lines = re.findall(r"(?m)^options\s+(.*)$", read(root, ENTRIES + name).decode())
        assert len(lines) == 1, "GRUB reads one line of options"
        found[name] = " ".join(lines[0].split())
    return found


def boot_options(root: str) -> str:
    """create_boot_options(): a last line without its end is lost, drop-ins are read twice, root= is put behind."""
    paths = [path for path in ("/etc/kernel/cmdline", "/usr/lib/kernel/cmdline") if os.path.exists(root + path)][:1]
    folder = "/etc/kernel/cmdline.d"
    if os.path.isdir(root + folder):
        paths += [folder + "/" + name for name in sorted(os.listdir(root + folder))] * 2
    lines = [line for path in paths for line in read(root, path).decode().split("\n")[:-1]]
    words = " ".join(line for line in lines if not line.startswith("#")).split()
    for word in (ROOT % (UUID, 1)).split():
        own = word.split("=")[0] + "="
        words = [word if one.startswith(own) else one for one in words]
        words += [] if word in words else [word]
    return " ".join(words)


def installed(prefix: str, kernel: Kernel, build: Handler) -> Callable[[str], str]:
    """`sdbootutil add-kernel VERSION`: an image by dracut with the name of its checksum, and an entry."""

    def install(root: str) -> str:
        version, made = kernel.version, "/var/tmp/initrd-0"
        make_tree(root, kernel.files(), minimal=False)
        build(root, ("dracut", "--force", made, version))
        loaded, image = read(root, kernel.image % version), read(root, made)
        folder = "%s/%s/%s/" % (ESP, TOKEN, version)
        os.unlink(root + made)
        text = entry(version, 1, boot_options(root), sha1(loaded), sha1(image))
        make_tree(root, {folder + "linux-" + sha1(loaded): loaded, folder + "initrd-" + sha1(image): image,
                         ENTRIES + conf(prefix, version): text}, minimal=False)  # fmt: skip
        return folder + "initrd-" + sha1(image)

    return install
