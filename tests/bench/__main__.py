"""agentprep's costs, measured in one run in one Debian 12 tree.

usage: python3 -m tests.bench [--runs N] [--builds N]     exit code 1 when a limit is exceeded

The medians of whole processes: --runs of what takes moments (5), --builds of what builds initrds (3).
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import List

from tests.lab import host

from . import measure, tree
from .images import Images
from .measure import median
from .trace import traced
from .tree import World

HERE = Path(__file__).resolve().parent
INSIDE = "AGENTPREP_BENCH_INSIDE"
PREPARE = ("agentprep", "run", "--no-deprovision", "--yes")
NOT_READY = ("failed", "blocked", "would-change")
SKIP = ("--skip", "initrd-hyperv")
PARTS = ("looking", "big", "reading", "running", "foreign", "images")
READ = (
    "from agentprep.guest import Guest; from agentprep.initrd.image import inside; "
    "import sys; inside(Guest('/'), sys.argv[1], {})"
)
OWN = (
    "import atexit, sys; from agentprep.cli import main; "
    "atexit.register(lambda: sys.stderr.write(open('/proc/self/status').read())); sys.exit(main(sys.argv[1:]))"
)


class Table:
    """The rows as they are measured; a row without a limit tells what stands beside it."""

    def __init__(self):
        self.over = 0

    def heading(self, text):
        print(f"\n{text}", flush=True)

    def row(self, what, value, limit=None, unit="s", note=""):
        verdict = "" if limit is None else "ok" if value <= limit else "OVER"
        self.over += verdict == "OVER"
        bound = "" if limit is None else f"{limit:8.2f} {unit}" if unit == "s" else f"{limit:8.0f} {unit}"
        shown = f"{value:8.2f} {unit}" if unit == "s" else f"{value:8.1f} {unit}" if unit else f"{value:8d}"
        print(f"  {what:58}{shown:13}{bound:13}{verdict:6}{note}".rstrip(), flush=True)


class Bench:
    def __init__(self, lower, work, runs, builds):
        self.lower, self.work, self.runs, self.builds = lower, work, runs, builds
        self.table, self.count, self.log = Table(), 0, work / "log"

    def world(self, *lower):
        self.count += 1
        return World(lower or self.lower, self.work / f"world{self.count}")

    def cost(self, root, *argv, output=None, codes=(0, 1)):
        """The cost of a command, which must end with one of the codes."""
        mark = self.log.stat().st_size if self.log.exists() else 0
        cost = measure.run(root, argv, str(self.log), str(output) if output else None)
        if cost.code not in codes:
            with open(str(self.log), errors="replace") as stream:
                stream.seek(mark)
                raise SystemExit(f"bench: {' '.join(argv)[:200]} ended with {cost.code}:\n{stream.read()[-3000:]}")
        return cost

    def costs(self, root, *argv) -> List[measure.Cost]:
        self.cost(root, *argv)  # so that all of it is in the page cache
        return [self.cost(root, *argv) for _ in range(self.runs)]

    def own(self, root, *argv):
        """MiB of agentprep's own process at its largest."""
        out = self.work / "own"
        out.write_bytes(b"")
        measure.run(root, ("python3", "-c", OWN) + argv, str(out))
        found = [line for line in out.read_text(errors="replace").splitlines() if line.startswith("VmHWM:")]
        return int(found[-1].split()[1]) / 1024

    # -- the parts -------------------------------------------------------------------------------------------------
    def looking(self):
        """check and plan: processor time apart from the initrds, memory, and that nothing is written."""
        table, world = self.table, self.world()
        table.heading("check and plan on an installed Debian 12")
        with world():
            for command in ("check", "plan"):
                short = median(self.costs(world.root, "agentprep", command, *SKIP))
                full = median(self.costs(world.root, "agentprep", command))
                table.row(f"{command}, without what looks into initrds: CPU", short.cpu, 0.35)
                table.row(f"{command}, all of it: CPU", full.cpu, note=f"{full.wall:.2f} s on the clock")
                self.memory(world, command, full.memory)
            table.row("check and plan: files written", len(world.written()), 0, "")
        self.told(world.written())

    def memory(self, world, command, largest, what=""):
        self.table.row(f"{command}{what}: largest process, children too", largest, 45, "MiB", self.floor(largest))
        self.table.row(f"{command}{what}: agentprep's own process", self.own(world.root, command), 45, "MiB")

    def floor(self, largest):
        own = measure.own_memory()
        return "" if largest > own else f"at most: the bench itself has {own:.0f} MiB"

    def big(self):
        """The same with an initrd of 300 MB for one of the kernels."""
        world = self.world()
        with world():
            image = sorted((world.root / "boot").glob("initrd.img-*amd64"))[0]
            size = (world.root / "bench/initrd.big").stat().st_size / 1e6
            image.unlink()
            image.symlink_to("/bench/initrd.big")
            self.table.heading(f"check and plan with an initrd of {size:.0f} MB")
            for command in ("check", "plan"):
                cost = self.cost(world.root, "agentprep", command)
                self.table.row(f"{command}: CPU", cost.cpu, note=f"{cost.wall:.2f} s on the clock")
                self.memory(world, command, cost.memory)

    def reading(self):
        """One image, read by agentprep and by lsinitramfs, turn by turn."""
        self.table.heading("reading an initrd, whole process; the limit is lsinitramfs on that image")
        world = self.world()
        with world():
            for kind in tree.IMAGES:
                image = f"/bench/initrd.{kind}"
                pairs = [
                    (self.cost(world.root, "python3", "-c", READ, image), self.cost(world.root, "lsinitramfs", image))
                    for _ in range(self.runs + 1)
                ][1:]
                ours, theirs = (median(list(costs)) for costs in zip(*pairs))
                size = (world.root / image[1:]).stat().st_size / 1e6
                note = f"{size:.0f} MB; CPU {ours.cpu:.2f} s, lsinitramfs {theirs.cpu:.2f} s"
                self.table.row(f"{kind}: on the clock", ours.wall, theirs.wall, note=note)

    def running(self):
        """run beside its native tools alone and beside the work done by hand; then a second run."""
        done = self.turns("run with two kernels and Debian's defaults", self.lower, self.builds, True)
        self.starts()
        self.second(done)

    def foreign(self):
        """The same where the initrds are small."""
        world = self.world()
        with world():
            self.cost(world.root, "sh", "-c", tree.FOREIGN, codes=(0,))
        self.turns("the same with initrds of a few MB, which are built in moments", world.layers(), 1, False)

    def images(self):
        """VHDs beside qemu-img: nothing of a guest is needed for that."""
        Images(self.table, self.work, self.runs).all()

    def turns(self, title, lower, builds, limited):
        """Rows of a run beside its tools and beside the work by hand, turn by turn; the World of the last run."""
        script, report = (HERE / "by_hand.sh").read_text(), self.work / "report.json"
        hand, ours, tools, alone = [], [], [], []
        for _ in range(builds):
            world = self.world(*lower)
            with world():
                hand.append(self.cost(world.root, "sh", "-c", script, codes=(0,)))
            done = self.world(*lower)
            report.write_bytes(b"")
            with done():
                self.cost(done.root, "sh", "-c", tree.TIMED, codes=(0,))
                ours.append(self.cost(done.root, *PREPARE, "--json", output=report))
            tools.append(tree.seconds((done.upper / "bench/times").read_text()))
            told = json.loads(report.read_text())
            commands = [change["argv"] for change in told["changes"] if "argv" in change]
            world = self.world(*done.layers())
            with world():
                alone.append(self.natives(world, commands))
        table = self.table
        table.heading(f"{title}; {counted(builds, 'turn')}")
        run, person = median(ours), median(hand)
        names = ", ".join(sorted({argv[0] for group in commands for argv in group}))
        more = [100 * (cost.cpu / seconds - 1) for cost, seconds in zip(ours, tools)]
        table.row("run: CPU", run.cpu)
        table.row("of that the native tools that it starts", statistics.median(tools), note=names)
        table.row("run: more CPU than those", statistics.median(more), 5 if limited else None, "%")
        table.row("the same tools by themselves, as many at a time: CPU", median(alone).cpu)
        table.row("by hand: on the clock", person.wall, note=f"CPU {person.cpu:.2f} s")
        share = f"{100 * (run.wall / person.wall - 1):+.0f} %"
        table.row("run: on the clock", run.wall, person.wall if limited else None, note=share)
        table.row("run: largest process, children too", run.memory, unit="MiB")
        return done

    def natives(self, world, commands):
        """The Cost of the commands of a run, those that it ran side by side here side by side too."""
        total = measure.Cost(0, 0, 0, 0)
        for group in commands:
            words = ["'" + "' '".join(argv) + "'" for argv in group]
            cost = self.cost(world.root, "sh", "-c", " & ".join(words) + " & wait")
            total = total._replace(wall=total.wall + cost.wall, cpu=total.cpu + cost.cpu)
        return total

    def starts(self):
        """How often a run starts each generator."""
        world = self.world()
        with world():
            kernels = len(list((world.root / "lib/modules").iterdir()))
            trace = traced(world.root, PREPARE, self.work / "trace", "execve")
        limits = {"mkinitramfs": kernels, "grub-mkconfig": 1, "update-initramfs": 0, "update-grub": 0}
        for name, limit in limits.items():
            count = sum(number for path, number in trace.started.items() if path.rpartition("/")[2] == name)
            self.table.row(f"run: times that {name} was started", count, limit, "", "strace")

    def second(self, done):
        """A run on what a run has left."""
        table = self.table
        table.heading("the second run")
        world = self.world(*done.layers())
        with world():
            short = median(self.costs(world.root, *PREPARE, *SKIP))
            full = median(self.costs(world.root, *PREPARE))
            trace = traced(world.root, PREPARE, self.work / "trace")
            report = self.work / "check.json"
            self.cost(world.root, "agentprep", "check", "--json", output=report)
            # A folder in a chroot has no disk of its own to judge: those findings are "skipped".
            told = [one for one in json.loads(report.read_text())["findings"] if one["status"] in NOT_READY]
            table.row("requirements that do not hold then", len(told), 0, "")
            table.row("apart from reading the initrds: on the clock", short.wall, 1, note=f"CPU {short.cpu:.2f} s")
            table.row("with two initrds read: on the clock", full.wall, note=f"CPU {full.cpu:.2f} s")
            table.row("largest process, children too", full.memory, 45, "MiB", self.floor(full.memory))
            table.row("writes by child processes", len(trace.writes), 0, "", "strace; children: " + programs(trace))
            changed = [path for path in world.written() if not path.startswith("/var/lib/agentprep/")]
            table.row("files written outside /var/lib/agentprep", len(changed), 0, "")
        self.told([one["id"] for one in told] + changed + [f"{program}: {call}" for program, call in trace.writes])

    def told(self, lines):
        for line in lines[:10]:
            print(f"      {line[:150]}")


def installed(base, work):
    """The layers of the Debian tree with agentprep in it."""
    world = World([base], work / "installed")
    with world():
        tree.install(world.root)
    return world.layers()


def counted(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def programs(trace):
    counts = {}
    for path, number in trace.started.items():
        counts[path.rpartition("/")[2]] = counts.get(path.rpartition("/")[2], 0) + number
    own = ("chroot", "agentprep", "env")
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()) if name not in own) or "none"


def main(argv):
    options = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--builds", type=int, default=3)
    options.add_argument("--only", choices=PARTS, help="one part")
    chosen = options.parse_args(argv)
    if os.geteuid():
        raise SystemExit("bench: it works in a chroot with mounts of its own, which takes root: sudo make bench")
    if os.environ.get(INSIDE) is None:
        command = ["unshare", "--mount", "--uts", "--propagation", "private", sys.executable, "-m", "tests.bench"]
        os.execvpe("unshare", command + argv, dict(os.environ, **{INSIDE: "1"}))
    base = host.cache() if chosen.only == "images" else tree.tree(print)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=str(base.parent)) as folder:
        work = Path(folder)
        layers = [] if chosen.only == "images" else installed(base, work)
        bench = Bench(layers, work, chosen.runs, chosen.builds)
        load = os.getloadavg()[0]
        print(f"{len(os.sched_getaffinity(0))} processors, load {load:.1f} at the start; medians of whole processes")
        for part in PARTS:
            if chosen.only in (None, part):
                getattr(bench, part)()
    over = bench.table.over
    print(f"\n{over} limits exceeded" if over else "\nall within their limits")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
