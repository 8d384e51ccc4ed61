"""A source machine becomes one that is ready for Azure, and its next boot proves it: what `make demo` shows."""

import re
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from . import guests
from .disks import overlay
from .install import REPOSITORY, install
from .machine import Machine
from .ready import initrd_modules, kernels

NAME = "bookworm-source"
MIB = 1 << 20
SHOWN = ("hv_vmbus", "hv_storvsc", "hv_netvsc", "hid_hyperv", "hyperv_keyboard", "sd_mod")
WANTED = ("console=ttyS0,115200n8", "earlyprintk=ttyS0,115200", "rootdelay=30")
UNWANTED = ("quiet", "crashkernel", "resume")


def title(text):
    print(f"\n== {text}", flush=True)


def row(name, text):
    lines = textwrap.wrap(text, 88, break_long_words=False, break_on_hyphens=False) or [""]
    print(f"  {name:20}  {lines[0]}")
    for line in lines[1:]:
        print(f"  {'':20}  {line}")


def facts(vm):
    """What the running guest says of itself."""
    return {
        "command line": vm.out("cat /proc/cmdline").strip(),
        "swap in use": " ".join(line.split()[0] for line in vm.out("cat /proc/swaps").splitlines()[1:]) or "none",
        "initrds": {
            kernel: [name for name in SHOWN if name in initrd_modules(vm, f"/boot/initrd.img-{kernel}")]
            for kernel in kernels(vm)
        },
        "sshd": " ".join(line for line in vm.out("sshd -T").splitlines() if line.startswith("clientaliveinterval")),
        "waagent.conf": vm.sh("grep -E '^(Provisioning.Agent|ResourceDisk.(Format|EnableSwap|SwapSizeMB))=' "
                              "/etc/waagent.conf").out.replace("\n", " ").strip() or "not there",
    }  # fmt: skip


def show(found):
    for name, value in found.items():
        if name == "initrds":
            for kernel, modules in value.items():
                row("initrd", f"{kernel}: " + (" ".join(modules) or "none of the drivers that Hyper-V needs"))
        else:
            row(name, value)


def command(vm, words, clock):
    """Exit code of one command, its output shown as it comes."""
    print(f"  # agentprep {words}", flush=True)
    start, shown = time.monotonic(), 0
    pid = vm.start(f"agentprep {words} >/run/demo.out 2>&1")
    done = None
    while done is None:
        done = vm.wait(pid, 2)
        new = vm.sh(f"tail -c +{shown + 1} /run/demo.out").out_bytes
        new = new if done else new[: new.rfind(b"\n") + 1]
        shown += len(new)
        for line in new.decode("utf-8", "replace").splitlines():
            # The evidence of a finding begins in a column of its own.
            column = 32 if re.match(r"[a-z ]+ ( [0-9.]+ s )? ?[a-z-]+  ", line) else len(line) - len(line.lstrip())
            folded = textwrap.wrap(
                line, 112, initial_indent="  | ", subsequent_indent="  | " + " " * column, break_on_hyphens=False
            )
            print("\n".join(folded) or "  |", flush=True)
        if time.monotonic() - start > 1800:
            vm.fail(f"agentprep {words} is still at work")
    clock.append((f"agentprep {words}", time.monotonic() - start))
    print(f"  exit code {done.rc} after {clock[-1][1]:.0f} s", flush=True)
    return done.rc


def outside(action, *words):
    """Exit code of `agentprep vhd` on this host, its output shown; the last word is the clock."""
    *words, clock = words
    start = time.monotonic()
    print(f"  $ agentprep vhd {action} {' '.join(Path(word).name for word in words)}", flush=True)
    argv = [sys.executable, "-m", "agentprep", "vhd", action, *map(str, words)]
    done = subprocess.run(argv, cwd=str(REPOSITORY), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    for line in done.stdout.splitlines():
        print("\n".join(textwrap.wrap(line, 112, initial_indent="  | ", subsequent_indent="  | " + " " * 32)) or "  |")
    clock.append((f"agentprep vhd {action}", time.monotonic() - start))
    print(f"  exit code {done.returncode} after {clock[-1][1]:.0f} s", flush=True)
    return done.returncode


def demo():
    """The proof is on the screen; returns 0 when all of it holds, else 1."""
    clock, begun = [], time.monotonic()
    title("A Debian 12 that lives on another hypervisor")
    base = guests.disk(NAME)
    with tempfile.TemporaryDirectory(prefix="lab-demo-") as work:
        disk = overlay(base, Path(work) / "disk.qcow2")
        with Machine(disk, Path(work) / "first.log") as vm:
            guests.settle(vm)
            clock.append(("first boot", vm.seconds()))
            install(vm)
            before = facts(vm)
            show(before)

            title("What does not hold yet")
            unready = command(vm, "check", clock)

            title("Brought about; not deprovisioned, as this guest is still to be looked at")
            done = command(vm, "run --yes --no-deprovision", clock)
            title("Once more: nothing is left to do")
            again = command(vm, "run --yes --no-deprovision --quiet", clock)
            repeated = "nothing had to be changed" in vm.out("cat /run/demo.out")
            vm.poweroff()

        title("Powered off, and booted again")
        with Machine(disk, Path(work) / "second.log") as vm:
            guests.settle(vm)
            clock.append(("second boot", vm.seconds()))
            after = facts(vm)
            show(after)
            ready = command(vm, "check --quiet", clock)
            vm.poweroff()

        title("Its disk, as Azure takes it")
        made = outside("convert", disk, Path(work) / "disk.vhd", "--generation", "1", clock)
        size = (Path(work) / "disk.vhd").stat().st_size

    arguments = after["command line"].split()
    proofs = (
        ("check said not ready before, exit code 1", unready == 1),
        ("run ended with exit code 0", done == 0),
        ("the second run changed nothing", again == 0 and repeated),
        ("check says ready after the boot, exit code 0", ready == 0),
        ("the kernel was started with " + " ".join(WANTED), all(word in arguments for word in WANTED)),
        ("and without " + " ".join(UNWANTED),
         not [word for word in arguments if word.partition("=")[0] in UNWANTED]),
        ("no swap is in use; before: " + before["swap in use"],
         after["swap in use"] == "none" and before["swap in use"] != "none"),
        ("every initrd holds the Hyper-V drivers; before, none did",
         all(len(found) == len(SHOWN) for found in after["initrds"].values()) and not any(before["initrds"].values())),
        (f"its disk is a VHD that Azure takes: {size // MIB} MiB and a footer", made == 0 and size % MIB == 512),
    )  # fmt: skip
    title("Proof")
    for text, holds in proofs:
        row("yes" if holds else "NO", text)
    title("Time")
    for name, seconds in clock:
        row(f"{seconds:6.0f} s", name)
    row(f"{time.monotonic() - begun:6.0f} s", "in all, building the guest included if it was not in the cache")
    return 0 if all(holds for _, holds in proofs) else 1
