"""What the scenarios share: throw-away disks, machines on them, agentprep in them, and ways to look at them.

Most tests start from a snapshot of a machine that has booted: a second, where emulating a boot takes a minute.
"""

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from . import guests
from .disks import copied, fresh_nvram, nvram, overlay
from .install import REPOSITORY, install
from .machine import Machine

MANIFEST = Path(__file__).with_name("manifest.py").read_text("utf-8")


class Lab:
    """Throw-away disks and machines of one test, in *folder*."""

    def __init__(self, folder):
        self.folder, self.count = Path(folder), 0

    def name(self, suffix):
        self.count += 1
        return self.folder / f"{self.count}{suffix}"

    def copy(self, path):
        """A disk with the snapshots of *path*."""
        return copied(path, self.name(".qcow2"))

    @contextmanager
    def resumed(self, path, snapshot, **options):
        """A running machine, as it was when the snapshot was taken."""
        with Machine(self.copy(path), self.name(".console"), snapshot=snapshot, **options) as vm:
            vm.connect(60)
            yield vm

    @contextmanager
    def source(self, name="bookworm-source", **options):
        """The untouched guest, running, with agentprep installed."""
        with self.resumed(guests.booted(name), "booted", **options) as vm:
            install(vm)
            yield vm

    @contextmanager
    def power_on(self, disk, **options):
        """A machine that has booted from *disk*."""
        with Machine(disk, self.name(".console"), **options) as vm:
            guests.settle(vm)
            print(f"booted in {vm.seconds():.0f} s")
            yield vm

    def overlay(self, base):
        return overlay(base, self.name(".qcow2"))

    def vhd(self, disk, *options):
        """The VHD that agentprep makes of a disk, and that Azure takes; its machine's firmware knows no boot entry."""
        made = self.name(".vhd")
        outside("convert", disk, made, *options)
        if nvram(disk).exists():
            fresh_nvram(made)
        return made

    def raw(self, vhd):
        """The same disk without its footer."""
        outside("unfinish", vhd)
        made = vhd.with_suffix(".raw")
        vhd.rename(made)
        return made


def outside(*words):
    """`agentprep vhd`, here on the host, ended well."""
    start = time.monotonic()
    argv = [sys.executable, "-m", "agentprep", "vhd", *(str(word) for word in words)]
    done = subprocess.run(argv, cwd=str(REPOSITORY), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    print(f"agentprep vhd {words[0]}: exit code {done.returncode} after {time.monotonic() - start:.1f} s")
    assert done.returncode == 0, done.stdout
    return done.stdout


def agentprep(vm, words, code=0):
    """The JSON document of a command that ended with exit code *code*; says how long it took."""
    start = time.monotonic()
    done = vm.sh(f"agentprep {words} --json", timeout=1800)
    print(f"agentprep {words}: exit code {done.rc} after {time.monotonic() - start:.1f} s")
    assert done.rc == code, done.out[-3000:] + done.err[-3000:]
    return json.loads(done.out)


def seen(vm, *paths):
    """{path: its metadata and a hash of its content} of everything below *paths* in the guest."""
    done = vm.sh("python3 - " + " ".join(paths), stdin=MANIFEST.encode(), check=True)
    return json.loads(done.out)


def status(document):
    """{step: what a document found of it}."""
    return {finding["id"]: finding["status"] for finding in document["findings"]}


def menu(vm):
    """The arguments of every entry of GRUB's menu."""
    lines = [line.split() for line in vm.out("cat /boot/grub/grub.cfg").splitlines()]
    return [words[2:] for words in lines if words[:1] == ["linux"]]
