"""What it costs to make a VHD, beside qemu-img in the same run: whole processes on sparse images."""

import os
import statistics
import subprocess
import sys
from pathlib import Path

from . import measure

GIB = 1 << 30
REPOSITORY = Path(__file__).resolve().parents[2]
SIZES = ("1M", "30G", "4095G")


class Images:
    """Images in *work*; the rows go to *table*."""

    def __init__(self, table, work, runs):
        self.table, self.work, self.runs, self.log = table, work, runs, work / "images.log"

    def cost(self, *argv, codes=(0, 1)):
        done = measure.run("/", tuple(str(word) for word in argv), str(self.log))
        if done.code not in codes:
            words = " ".join(map(str, argv))
            raise SystemExit(f"bench: {words} ended with {done.code}:\n{self.log.read_text()[-2000:]}")
        return done

    def ours(self, *words, codes=(0, 1)):
        program = ("env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", "agentprep", "vhd")
        return self.cost(*program, *words, codes=codes)

    def raw(self, name, size, content=0):
        """A sparse raw image with so many MiB of data spread over it, and a partition table."""
        path = self.work / name
        with open(str(path), "wb") as stream:
            stream.truncate(size)
            for number in range(content):
                stream.seek((number * (size // max(content, 1))) >> 20 << 20)
                stream.write(os.urandom(1 << 20))
        argv = ["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", str(path)]
        subprocess.run(argv, input=b"label: gpt\nstart=2048\n", check=True, stderr=subprocess.DEVNULL)
        return path

    def all(self):
        self.finishing()
        self.checking()
        self.converting()

    def finishing(self):
        self.table.heading("a raw image of 30 GiB becomes a fixed VHD")
        walls, grown, theirs = [], [], []
        for number in range(self.runs + 1):
            path = self.raw("disk.raw", 30 * GIB)
            before = path.stat().st_blocks
            walls.append(self.ours("finish", path, codes=(0,)).wall)
            grown.append((path.stat().st_blocks - before) * 512 / (1 << 20))
            self.ours("unfinish", path)
            if number < 2:
                made = self.work / "disk.vhd"
                argv = ("qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "subformat=fixed,force_size", path, made)
                theirs.append(self.cost(*argv, codes=(0,)).wall)
                made.unlink()
            path.unlink()
        self.table.row("vhd finish: on the clock", statistics.median(walls[1:]), 0.2)
        self.table.row("vhd finish: written", max(grown), 1, "MiB")
        self.table.row("qemu-img convert: on the clock", min(theirs))

    def checking(self):
        self.table.heading("a VHD is checked, whatever its size")
        for size in SIZES:
            number = int(size[:-1]) * (GIB if size[-1] == "G" else 1 << 20)
            path = self.raw("disk.raw", number) if number > GIB else self.work / "disk.raw"
            if number < GIB:
                path.write_bytes(bytes(number))
            self.ours("finish", path)
            costs = [self.ours("check", path, "--limit", "upload") for _ in range(self.runs + 1)][1:]
            middle = measure.median(costs)
            self.table.row(
                f"vhd check, {size}: on the clock", middle.wall, 0.3, note=f"{middle.memory:.0f} MiB at most"
            )
            path.unlink()

    def converting(self):
        self.table.heading("a raw image of 8 GiB with 1 GiB of data becomes a fixed VHD beside it, turn by turn")
        source, target = self.raw("disk.raw", 8 * GIB, 1024), self.work / "disk.vhd"
        argv = ("qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o", "subformat=fixed,force_size", source, target)
        ours, theirs = [], []
        for _ in range(self.runs + 1):
            theirs.append(self.cost(*argv, codes=(0,)).wall)
            target.unlink()
            ours.append(self.ours("convert", source, target, codes=(0,)).wall)
            used = target.stat().st_blocks * 512 / (1 << 20)
            target.unlink()
        limit = statistics.median(theirs[1:])
        note = f"qemu-img {limit:.2f} s"
        self.table.row("vhd convert: on the clock", statistics.median(ours[1:]), 1.05 * limit, note=note)
        self.table.row("vhd convert: MiB that the VHD occupies", used, 1100, "MiB")
