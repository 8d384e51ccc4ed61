"""The systemd units on a machine that nobody watches: refused, failed, stopped, and at last prepared and switched off.

One guest and one disk go through all of it, as every boot takes its time:

1. agentprep.service is enabled by accident and agentprep-firstboot.service on purpose, and /boot is full: the machine
   comes up, says why on its console and in `systemctl status`, and nothing was changed.
2. /boot has room; the service is started again, and stopped while it builds an initrd.
3. The next boot goes on, deprovisions, and switches the machine off.
4. The disk boots, ready, and nothing starts agentprep.
"""

import json
import time
from pathlib import Path

from .machine import Machine
from .ready import SHORT, assert_ready
from .scene import seen
from .test_bookworm import offline

UNITS = ("agentprep.service", "agentprep-firstboot.service")
REFUSED, FIRSTBOOT = UNITS
# How the unit ended is written where the deprovisioned disk still has it.
TELL = """\
[Service]
ExecStopPost=/bin/sh -c 'echo "$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" >>/var/lib/agentprep/ended'
"""
# The console that the kernel was given is where a failure is told; this machine has a serial one from the beginning.
SERIAL = """
sed -i 's/^\\s*linux\\s.*/& console=ttyS0,115200n8/' /boot/grub/grub.cfg
sed -i 's/^GRUB_CMDLINE_LINUX="/&console=ttyS0,115200n8 /' /etc/default/grub
"""
FILL = "fallocate -l $(($(stat -f --format='%a * %S' /boot) - 8000000)) /boot/filler"


def state(vm, unit):
    """{property: value} of how a unit ended."""
    names = "ActiveState,Result,ExecMainStatus,ExecMainStartTimestampMonotonic,ExecMainExitTimestampMonotonic"
    return dict(line.split("=", 1) for line in vm.out(f"systemctl show -p {names} {unit}").splitlines())


def status(vm, unit):
    """What a person sees who asks; systemd shows the last ten lines of the log."""
    return vm.sh(f"systemctl status --no-pager --full {unit}").out


def started(vm, unit):
    return int(vm.out(f"systemctl show -p ActiveEnterTimestampMonotonic --value {unit}"))


def test_a_machine_prepares_itself_or_says_why_not(lab):
    begun = time.monotonic()

    def lap(words):
        print(f"{time.monotonic() - begun:6.0f} s  {words}")

    with lab.source("bookworm-waagent") as vm:
        assert_quiet(vm)  # the package enables and starts nothing
        vm.push({f"/etc/systemd/system/{FIRSTBOOT}.d/tell.conf": TELL.encode()})
        vm.sh(f"{SERIAL} systemctl enable {' '.join(UNITS)}; {FILL}", check=True)
        vm.poweroff()
    lap("both units are enabled, /boot is full, the machine is off")

    with lab.power_on(vm.disk) as vm:
        lap("1. it is up")
        before = seen(vm, "/boot")
        assert "ordering cycle" not in vm.out("journalctl --boot _PID=1")
        assert_refused(vm)
        assert_failed(vm)
        assert not vm.out("find /var/lib/agentprep -mindepth 1 ! -name ended ! -name lock")
        assert seen(vm, "/boot") == before
        vm.sh("rm /boot/filler", check=True)

        assert_stopped(vm)
        lap("2. it was started again and stopped")
        vm.poweroff()

    console = lab.name(".console")
    with Machine(vm.disk, console) as vm:
        vm.expect("initrd-hyperv: running mkinitramfs", 900)
        lap("3. the next boot goes on")
        vm.expect("then deprovisioned.", 1800)
        vm.wait_poweroff(300)
        told = vm.console()
    lap("3. it has switched itself off")
    assert f"Failed to start {FIRSTBOOT}" not in told
    assert_gone(offline(vm.disk, lab.folder / "left"))

    with lab.power_on(vm.disk) as vm:
        failed = vm.out("systemctl --failed --no-legend --plain").splitlines()
        assert [line for line in failed if not line.startswith("ssh.service ")] == []
        # On Azure the agent makes host keys.
        vm.sh("ssh-keygen -A; systemctl stop ssh; systemctl reset-failed ssh; systemctl start ssh", check=True)
        assert_ready(vm, SHORT)
        assert_quiet(vm)
    lap("4. it has booted, ready")


def assert_quiet(vm):
    """Neither unit starts at boot, nor was it started."""
    for unit in UNITS:
        assert vm.sh(f"systemctl is-enabled {unit}").out.strip() == "disabled"
        assert state(vm, unit)["ExecMainStartTimestampMonotonic"] == "0"


def assert_refused(vm):
    """Nobody has agreed: exit code 3, after all else has started, and everybody can read why."""
    found, told = state(vm, REFUSED), status(vm, REFUSED)
    assert (found["ActiveState"], found["Result"], found["ExecMainStatus"]) == ("failed", "exit-code", "3"), told
    assert int(found["ExecMainStartTimestampMonotonic"]) > started(vm, "multi-user.target") > 0
    for text in (told, vm.console()):
        assert "nobody has agreed to an unattended run" in text
        assert "run = yes below [service] in /etc/agentprep.conf" in text
    assert REFUSED in vm.out("systemctl --failed --no-legend")


def assert_failed(vm):
    """The machine stays on, the unit stays enabled, and the reason stands in the last lines."""
    found, told = state(vm, FIRSTBOOT), status(vm, FIRSTBOOT)
    assert (found["ActiveState"], found["Result"], found["ExecMainStatus"]) == ("failed", "exit-code", "3"), told
    refused = state(vm, REFUSED)["ExecMainExitTimestampMonotonic"]
    assert int(found["ExecMainStartTimestampMonotonic"]) > int(refused), "one after the other"
    for text in (told, vm.console()):
        assert "is NOT ready for Azure and stays on: the file system of /boot has" in text
        assert "what to do: free some space there" in text
    print(told)
    for unit in UNITS:
        assert vm.out(f"systemctl is-enabled {unit}").strip() == "enabled"


def assert_stopped(vm):
    """A stop lets agentprep end its commands and its run; the machine stays as it is, and so does the unit."""
    vm.sh(f"systemctl start --no-block {FIRSTBOOT}", check=True)
    vm.expect("initrd-hyperv: running mkinitramfs", 900)
    start = time.monotonic()
    vm.sh(f"systemctl stop {FIRSTBOOT}", check=True)
    print(f"systemctl stop took {time.monotonic() - start:.0f} s")
    told = status(vm, FIRSTBOOT)
    assert "Stopped by SIGTERM" in told, told
    assert vm.sh("pgrep -x mkinitramfs").rc == 1
    assert vm.out("tail -n1 /var/lib/agentprep/ended").split()[1] == "exited", "it was not killed"
    assert vm.out(f"systemctl is-enabled {FIRSTBOOT}").strip() == "enabled"


def assert_gone(left: Path):
    """The disk that is off: done, deprovisioned, and no link starts agentprep."""
    assert (left / "var/lib/agentprep/ended").read_text().splitlines()[-1] == "success exited 0"
    assert json.loads((left / "var/lib/agentprep/report.json").read_text())["result"]["verdict"] == "done"
    assert (left / "etc/machine-id").read_bytes() == b""
    links = [path for path in (left / "etc/systemd/system").rglob("*agentprep*") if path.is_symlink()]
    assert links == []
