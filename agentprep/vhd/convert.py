"""An image of another kind becomes a fixed VHD beside it, by qemu-img and one footer."""

import json
import os
import re
import shutil
from typing import Callable, Dict, List, Optional, Tuple

from ..commands import Argv, Commands
from ..errors import Blocked, CommandFailed, Usage
from ..formats import diskimage, vhd
from .finish import finish, whole
from .image import Image

LIMIT = 7 * 24 * 3600.0  # seconds
INSTALL = "apt-get install qemu-utils, dnf install qemu-img, or zypper install qemu-tools"
Progress = Callable[[int, float], None]


def convert(source: str, target: str, force: bool, progress: Progress) -> str:
    """A fixed VHD of the disk in `source` is at `target`; returns a sentence of what was done.

    `progress` is told the size and the percentage done.  The VHD grows beside `target` and gets its name when it is
    whole and on the disk; whatever ends this before, nothing half-made has that name.  Blocked when that cannot be.
    """
    try:
        return _convert(os.path.abspath(source), os.path.abspath(target), force, progress)
    except CommandFailed as error:
        raise Blocked(error.message + "; nothing was made", error.hint) from error
    except OSError as error:
        raise Blocked("%s could not be made: %s" % (target, error.strerror), "see: df -h, ls -ld") from error


def _convert(source: str, target: str, force: bool, progress: Progress) -> str:
    _target(source, target, force)
    commands = Commands()
    version = _version(commands)
    with Image(source) as image:
        driver = _driver(image)
    info = _json(commands, ("qemu-img", "info", "--output=json", "--image-opts", driver))
    size = int(str(info["virtual-size"]))
    made = os.path.join(os.path.dirname(target), "." + os.path.basename(target) + ".partial")
    _room(commands, driver, os.path.dirname(target), size, version)
    if os.path.lexists(made):
        with Image(made, writable=True):  # raises when another agentprep is at work on it
            os.unlink(made)
    try:
        argv = ("qemu-img", "convert", "-p", "-O", "raw", "--image-opts", driver, made)
        commands.together((argv,), LIMIT, _listener(size, progress))[0].check("see: agentprep vhd check %s" % source)
        if os.path.getsize(made) != size:
            raise CommandFailed("qemu-img made %d bytes of a disk of %d" % (os.path.getsize(made), size),
                                "look at it with: qemu-img check %s" % source)  # fmt: skip
        with Image(made) as image:
            if image.kind.name != "raw":
                raise Blocked(
                    "the disk in %s holds an image itself (%s): it was made of an image read as a raw disk"
                    % (source, image.kind.name), "convert that image, not what was made of it",
                )  # fmt: skip
        said = finish(made).partition(": ")[2]
        if not force and os.path.lexists(target):
            raise Blocked("%s has come up meanwhile; it was left as it is" % target, "give another name, or --force")
        os.replace(made, target)
        _synced(os.path.dirname(target))
    finally:
        if os.path.lexists(made):
            os.unlink(made)
    return "%s is a fixed VHD of %d MiB: %s" % (target, whole(size) >> 20, said)


def _target(source: str, target: str, force: bool) -> None:
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise Usage("there is no folder %s" % folder, "make it first: mkdir -p %s" % folder)
    if os.path.isdir(target):
        raise Usage("%s is a folder" % target, "give the name of the VHD that is to be made")
    if os.path.exists(target) and os.path.exists(source) and os.path.samefile(source, target):
        raise Usage("%s is the source itself" % target, "give another name, or make a raw image a VHD in place: "
                    "agentprep vhd finish %s" % source)  # fmt: skip
    if os.path.lexists(target) and not force:
        raise Blocked(
            "%s is there already; nothing was changed" % target, "give another name, or --force to replace it"
        )


def _version(commands: Commands) -> Tuple[int, ...]:
    """The version of qemu-img; Blocked for one that writes VHDs that are no good, or none."""
    try:
        text = commands.together((("qemu-img", "--version"),), 60)[0].check().output.decode("utf-8", "replace")
    except CommandFailed as error:
        raise Blocked("qemu-img is needed to convert: %s" % error.message, INSTALL) from error
    found = re.search(r"version (\d+)\.(\d+)(?:\.(\d+))?", text)
    if not found:
        raise Blocked("the version of qemu-img cannot be told from: %s" % text.splitlines()[:1], "try another qemu-img")
    version = tuple(int(part or 0) for part in found.groups())
    if (2, 2, 1) <= version < (2, 6, 0):
        raise Blocked(
            "qemu-img %s reads and writes VHDs with wrong sizes: from 2.2.1 on, mended in 2.6" % found.group(0)[8:],
            "use 2.2.0 or 2.6 and later (Microsoft: non-endorsed distributions, Resizing VHDs)",
        )
    return version


def _driver(image: Image) -> str:
    """The source for --image-opts.  Its kind is named, so that a raw disk whose guest wrote a qcow2 header into it is
    read as what it is; of a VHD the size in bytes counts, not that of its geometry.
    """
    kind, path = image.kind.name, image.path.replace(",", ",,")
    file = "file.driver=%s,file.filename=%s" % ("host_device" if image.device else "file", path)
    if kind == "raw":
        return "driver=raw," + file
    if kind == "vhd":
        footer = vhd.footer(image.kind.footer.ljust(vhd.SIZE, b"\0"))
        if footer.kind == vhd.FIXED:
            return "driver=raw,size=%d,%s" % (image.virtual_size, file)
        if footer.kind == vhd.DYNAMIC:
            return "driver=vpc,force_size_calc=current_size," + file
        raise Blocked("%s is a differencing VHD: its disk is in its parent as well" % image.path,
                      "merge it where it was made (Hyper-V: Merge-VHD), then convert the result")  # fmt: skip
    names: Dict[str, str] = {name: name.split()[0] for name in diskimage.DISKS}
    if kind not in names:
        raise Blocked("%s is no disk image that can be converted (%s)" % (image.path, kind),
                      "see: agentprep vhd check %s" % image.path)  # fmt: skip
    return "driver=%s,%s" % (names[kind], file)


def _room(commands: Commands, driver: str, folder: str, size: int, version: Tuple[int, ...]) -> None:
    needed = size
    if version >= (2, 10, 0):
        told = _json(commands, ("qemu-img", "measure", "--output=json", "-O", "raw", "--image-opts", driver))
        needed = int(str(told["required"]))
    free = shutil.disk_usage(folder).free
    if free < needed + (1 << 20):
        raise Blocked(
            "the file system of %s has %d MiB free, and up to %d MiB are needed" % (folder, free >> 20, needed >> 20),
            "free some space there, or give a target on another file system",
        )


def _json(commands: Commands, argv: Argv) -> Dict[str, object]:
    done = commands.together((argv,), 600, merge=False)[0].check("is the file whole? see: qemu-img info FILE")
    try:
        told: Dict[str, object] = json.loads(done.output.decode("utf-8", "replace"))
    except ValueError as error:
        raise CommandFailed("%s printed no JSON: %s" % (" ".join(argv[:3]), error), "try another qemu-img") from error
    return told


def _listener(size: int, progress: Progress) -> Callable[[Argv, str], None]:
    def line(argv: Argv, text: str) -> None:
        found: Optional[List[str]] = re.findall(r"\((\d+\.\d+)/100%\)", text)
        if found:
            progress(size, float(found[-1]))

    return line


def _synced(folder: str) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
