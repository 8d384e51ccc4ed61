"""What Azure asks of a disk's file, one finding each, with evidence and what to do."""

import time
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import Malformed
from ..formats import diskimage, gptends, partitions, vhd
from ..verdicts import Finding
from .image import Image

MIB, GIB = 1 << 20, 1 << 30
SMALLEST = 20 * MIB
# Microsoft: "Information for community supported and non-endorsed distributions" (1,023 GB, of 2017),
# "Support for generation 2 VMs on Azure" (2 TB, 4 TiB), "Upload a VHD to Azure or copy a managed disk" (32 TiB).
LIMITS = (
    ("document", 1023 * GIB, "the 2017 document's 1,023 GB"),
    ("gen1", 2048 * GIB, "2 TiB, an OS disk of generation 1"),
    ("gen2", 4096 * GIB, "4 TiB, the recommended largest OS disk of generation 2"),
    ("upload", 32768 * GIB, "32 TiB, the largest disk that can be uploaded"),
)
ESP = ("c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0xef")


class Wanted(NamedTuple):
    """What the disk is for: a generation (0: any), and a name of LIMITS ("": that of the generation)."""

    generation: int = 0
    limit: str = ""


SOURCES = {
    "vhd-format": ("the file is a fixed VHD", "Microsoft: non-endorsed distributions, 2017; azure-compute-docs, 2026"),
    "vhd-footer": ("its footer is right", "Virtual Hard Disk Image Format Specification 1.0, Microsoft, 2006"),
    "vhd-size": ("its size is a whole number of MiB, and not too large", "Microsoft: Resizing VHDs; Upload a VHD"),
    "vhd-partitions": ("its partition table is whole, and can be booted", "UEFI 2.10, 5.3; Microsoft: generation 2"),
    "vhd-alignment": ("its partitions begin on a MiB", "Microsoft: Red Hat, 2026; util-linux, fdisk(8)"),
}


class Told:
    """Findings as they come up."""

    def __init__(self) -> None:
        self.evidence: Dict[str, List[str]] = {}
        self.remedy: Dict[str, List[str]] = {}
        self.status: Dict[str, str] = {}

    def say(self, name: str, status: str, evidence: str, remedy: str = "") -> None:
        order = ("failed", "warning", "skipped", "ok")
        before = self.status.get(name, status)
        self.status[name] = min(before, status, key=order.index)
        self.evidence.setdefault(name, []).append(evidence)
        if remedy and remedy not in self.remedy.setdefault(name, []):
            self.remedy[name].append(remedy)

    def findings(self) -> Iterator[Finding]:
        for name, (title, source) in SOURCES.items():
            if name in self.status:
                yield Finding(name, title, self.status[name], tuple(self.evidence[name]),
                              tuple(self.remedy.get(name, ())), source, False)  # fmt: skip


def judged(image: Image, wanted: Wanted) -> List[Finding]:
    """A verdict with its evidence on everything that Azure asks of this file."""
    told = Told()
    if _format(image, told):
        _size(image, wanted, told)
        _partitions(image, wanted, told)
    return list(told.findings())


def _format(image: Image, told: Told) -> bool:
    """Whether the disk's bytes are the file's, so that the rest can be judged."""
    kind, path = image.kind.name, image.path
    converted = "agentprep vhd convert %s %s" % (path, _beside(path))
    if kind == "vhd":
        return _footer(image, told)
    if kind == "raw":
        told.say("vhd-format", "failed", "a raw disk image, without a VHD's footer", "agentprep vhd finish %s" % path)
        return True
    if kind == "vhd without its end":
        what = "the copy of a dynamic VHD's footer is at its beginning, and none at its end: the file was cut off"
        told.say("vhd-format", "failed", what, "copy it once more from where it was made, and compare the sizes")
    elif kind in diskimage.DISKS:
        told.say("vhd-format", "failed", "a disk image of the kind %s" % kind, converted)
    elif kind == "empty":
        told.say("vhd-format", "failed", "the file is empty", "copy it once more from where it was made")
    else:
        told.say("vhd-format", "failed", "a file of the kind %s" % kind, "unpack it: a disk image is to be in it")
    return False


def _beside(path: str) -> str:
    stem = path.rpartition(".")[0] if "." in path.rpartition("/")[2] else path
    return stem + ".vhd" if stem + ".vhd" != path else stem + "-fixed.vhd"


def _footer(image: Image, told: Told) -> bool:
    raw, path = image.kind.footer, image.path
    footer = vhd.footer(raw.ljust(vhd.SIZE, b"\0"))
    converted = "agentprep vhd convert %s %s" % (path, _beside(path))
    if len(raw) < vhd.SIZE:
        told.say("vhd-footer", "failed", "its footer has %d bytes, as before Virtual PC 2004" % len(raw), converted)
    made = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(footer.created))
    kind = vhd.KINDS.get(footer.kind, "disk type %d" % footer.kind)
    sparse = ", %d of %d MiB are in use on this machine" % (image.allocated >> 20, image.size >> 20)
    fixed = footer.kind == vhd.FIXED
    told.say(
        "vhd-format", "ok" if fixed else "failed",
        "a %s VHD by %s, made %s%s" % (kind, vhd.creator(footer), made, sparse if fixed else ""),
        "" if fixed else converted,
    )  # fmt: skip
    wrong = vhd.problems(raw.ljust(vhd.SIZE, b"\0"))
    anew = "agentprep vhd unfinish %s, then: agentprep vhd finish %s" % (path, path)
    for one in wrong:
        mild = one.field in ("reserved bytes", "saved state")
        told.say("vhd-footer", "warning" if mild else "failed", "%s is %s, and should be %s" % one, anew)
    good = vhd.geometry(footer.current_size)
    if fixed and footer.geometry not in (good, vhd.LARGEST):
        words = "its geometry is %d/%d/%d, and the specification's for its size %d/%d/%d" % (footer.geometry + good)
        told.say("vhd-footer", "warning", words)
    if not wrong:
        text = "version 1.0, checksum 0x%08x, geometry %d/%d/%d" % ((footer.checksum,) + footer.geometry)
        told.say("vhd-footer", "ok", text)
    if not fixed and footer.kind in vhd.KINDS:
        _dynamic(image, footer, told, converted)
    return fixed


def _dynamic(image: Image, footer: vhd.Footer, told: Told, converted: str) -> None:
    if image.head[: vhd.SIZE] != image.kind.footer:
        told.say("vhd-footer", "warning", "the copy of the footer at its beginning is another", converted)
    try:
        raw = image.read(footer.data_offset, vhd.HEADER_SIZE) if footer.data_offset < image.size else b""
        wrong = vhd.header_problems(raw, footer.current_size)
    except Malformed as error:
        told.say("vhd-footer", "failed", error.message, "copy it once more from where it was made")
        return
    for one in wrong:
        told.say("vhd-footer", "failed", "%s is %s, and should be %s" % one, "qemu-img check -f vpc %s" % image.path)


def _size(image: Image, wanted: Wanted, told: Told) -> None:
    size, path = image.virtual_size, image.path
    finished = image.kind.name == "vhd"
    mend = "agentprep vhd unfinish %s, then: agentprep vhd finish %s" % (path, path) if finished else (
        "agentprep vhd finish %s" % path)  # fmt: skip
    over = size % MIB
    if over:
        told.say("vhd-size", "failed", "%d bytes: %d more than %d MiB" % (size, over, size >> 20), mend)
    else:
        told.say("vhd-size", "ok", "%d bytes, %d MiB exactly" % (size, size >> 20))
    if finished:
        footer = vhd.footer(image.kind.footer.ljust(vhd.SIZE, b"\0"))
        if footer.current_size != size:
            words = "its footer says %d bytes, and %d are in front of it" % (footer.current_size, size)
            told.say("vhd-size", "failed", words, "copy it once more, or if it is whole: " + mend)
    if size < SMALLEST:
        told.say("vhd-size", "warning", "Azure's Marketplace takes no disk below 20 MiB")
    name = wanted.limit or ("gen%d" % wanted.generation if wanted.generation else "gen2")
    for limit, most, words in LIMITS:
        if size > most:
            bad = limit == name or most == LIMITS[-1][1]
            told.say("vhd-size", "failed" if bad else "warning", "larger than %s" % words,
                     "shrink its file systems and partitions first, or use a data disk" if bad else "")  # fmt: skip


def _partitions(image: Image, wanted: Wanted, told: Told) -> None:
    head = image.head[: gptends.HEAD]
    try:
        table = partitions.mbr(head[:512])
    except Malformed as error:
        told.say("vhd-partitions", "failed", error.message, "a disk is uploaded, not a partition or a file system")
        return
    if any(one.kind == partitions.PROTECTIVE for one in table):
        table, gpt = _gpt(image, head, told), True
    else:
        gpt = False
        told.say("vhd-partitions", "ok", "an MBR with %d partitions" % len(table))
        if not table:
            told.say(
                "vhd-partitions", "failed", "the table is empty", "see what is on the disk: fdisk -l %s" % image.path
            )
    if not table:
        return
    sectors = image.virtual_size // 512
    beyond = [one.number for one in table if one.start + one.size > sectors]
    if beyond:
        told.say("vhd-partitions", "failed", "partition %s ends beyond the disk's end" % beyond[0],
                 "the file was cut off: copy it once more from where it was made")  # fmt: skip
    _generation(head, table, gpt, wanted, told)
    odd = [(one.number, one.start) for one in table if one.start % 2048 and one.kind not in partitions.EXTENDED]
    if odd:
        told.say("vhd-alignment", "warning", "partition %d begins at sector %d, which is no whole MiB" % odd[0])
    else:
        told.say("vhd-alignment", "ok", "the first begins at %d MiB" % (min(one.start for one in table) // 2048))


def _gpt(image: Image, head: bytes, told: Told) -> List[partitions.Partition]:
    sectors, path = image.virtual_size // 512, image.path
    try:
        table = partitions.gpt(head)
        primary = gptends.header(head[512:1024])
    except Malformed as error:
        told.say("vhd-partitions", "failed", error.message, "look at the disk with: sfdisk --verify %s" % path)
        return []
    why = gptends.matches(primary, image.read((sectors - 1) * 512, 512), sectors)
    if why:
        undo = "agentprep vhd unfinish %s, then: " % path if image.kind.name == "vhd" else ""
        told.say("vhd-partitions", "failed", why, undo + "agentprep vhd finish %s" % path)
    else:
        told.say("vhd-partitions", "ok", "a GPT with %d partitions, its backup in the last sector" % len(table))
    if not table:
        told.say("vhd-partitions", "failed", "the table is empty", "see what is on the disk: fdisk -l %s" % path)
    return table


def _generation(head: bytes, table: List[partitions.Partition], gpt: bool, wanted: Wanted, told: Told) -> None:
    esp = next((one for one in table if one.kind in ESP), None)
    code = any(head[:440])
    fits: Tuple[Optional[int], ...] = (1 if code else None, 2 if esp is not None else None)
    can = [str(one) for one in fits if one]
    seen = "%s in its MBR, %s" % (
        "a boot loader" if code else "no boot loader",
        "an EFI system partition (%d)" % esp.number if esp is not None else "no EFI system partition",
    )  # fmt: skip
    if not can:
        told.say("vhd-partitions", "warning", "%s: nothing on it can be booted" % seen)
    elif wanted.generation and str(wanted.generation) not in can:
        told.say("vhd-partitions", "failed", "%s: it does not boot on generation %d" % (seen, wanted.generation),
                 "create the VM with generation %s (--hyper-v-generation V%s)" % (can[0], can[0]))  # fmt: skip
    else:
        told.say("vhd-partitions", "ok", "%s: for generation %s" % (seen, " and ".join(can)))
    if esp is not None and not gpt:
        told.say("vhd-partitions", "warning", "its EFI system partition is in an MBR; Azure's generation 2 wants a GPT",
                 "sgdisk --mbrtogpt on a copy of the disk, then grub-install")  # fmt: skip
