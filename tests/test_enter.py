"""What a mounted guest's commands find, what of it is left on this machine, and a run inside of a chroot."""

import os
import signal
import socket
import sys
import time
import traceback

import pytest

from agentprep import cli
from agentprep.enter import enter
from agentprep.errors import Blocked
from agentprep.guest import Guest
from agentprep.live import in_chroot
from tests.snapshots import snapshot
from tests.test_cli import MKINITRAMFS, living, run, start  # noqa: F401  (living is a fixture)

LOOK = """#!/bin/sh
hostname renamed-by-the-guest
{ echo "host $(hostname)"; echo "efi $([ -d /sys/firmware/efi ] && echo yes || echo no)"
  echo "self $([ -e /proc/self/mounts ] && echo yes || echo no)"; echo "null $([ -c /dev/null ] && echo yes || echo no)"
  echo "run $(ls /run)"; cat /etc/resolv.conf; } >/seen
%s
cp /prebuilt/$3 $2
"""


def look(root, more=""):
    with open(root + "/usr/sbin/mkinitramfs", "w") as stream:
        stream.write(LOOK % more)
    for name in ("hostname", "ls", "cat", "[", "kill"):
        if not os.path.lexists(root + "/bin/" + name):
            os.symlink("busybox", root + "/bin/" + name)


def seen(root):
    with open(root + "/seen") as stream:
        return dict(line.split(" ", 1) for line in stream.read().splitlines() if " " in line)


def state():
    """What of this machine a guest's commands could change: its name and its mounts."""
    with open("/proc/self/mounts") as stream:
        return socket.gethostname(), stream.read()


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = state()
    yield
    assert state() == before


def test_commands_find_what_they_need_and_change_nothing_of_this_machine(living):  # noqa: F811
    look(living)
    os.unlink(living + "/etc/resolv.conf") if os.path.lexists(living + "/etc/resolv.conf") else None
    os.symlink("../run/systemd/resolve/stub-resolv.conf", living + "/etc/resolv.conf")
    code, out, err = run("run", "--root", living, "--no-deprovision")
    assert code == 0, out + err
    told = seen(living)
    assert told["host"] == "renamed-by-the-guest" and told["self"] == told["null"] == "yes"
    assert told["efi"] == "no"
    with open("/etc/resolv.conf") as stream:
        servers = [line.split()[1] for line in stream if line.startswith("nameserver")]
    assert not servers or told["nameserver"] in servers
    assert os.listdir(living + "/run") == [".keep"]


def test_a_uefi_guest_finds_uefi_whatever_this_machine_has(living):  # noqa: F811
    look(living)
    os.unlink(living + "/boot/grub/i386-pc/core.img")
    os.makedirs(living + "/boot/efi/EFI/debian")
    for name in ("shimx64.efi", "grubx64.efi"):
        with open(living + "/boot/efi/EFI/debian/" + name, "wb") as stream:
            stream.write(b"MZ")
    code, out, err = run("run", "--root", living, "--no-deprovision", "--only", "initrd-hyperv")
    assert code == 0, out + err
    assert seen(living)["efi"] == "yes"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_it_is_killed(living, number):  # noqa: F811
    look(living, "sleep 30")
    process = start("run", "--root", living, "--no-deprovision")
    while not os.path.exists(living + "/seen"):
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, number)
    process.communicate(timeout=30)
    with open(living + "/usr/sbin/mkinitramfs", "w") as stream:
        stream.write(MKINITRAMFS)
    assert run("rollback", "--root", living)[0] == 0  # ends the child that SIGKILL left behind


def in_child(do):
    """What do() printed or raised, and its result, in a process of its own that may chroot."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.dup2(writer, 1)
            os.dup2(writer, 2)
            code = do()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            if sys.exc_info()[1] is not None:
                os.write(writer, traceback.format_exc().encode())
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as stream:
        out = stream.read()
    return os.waitpid(child, 0)[1] >> 8, out


def test_a_run_in_a_chroot_as_in_a_kickstart_post(living):  # noqa: F811
    """The installer's kernel runs, /proc is its own, there is no init to talk to."""
    before = snapshot(living)

    def inside():
        run_it = ["run", "--no-deprovision", "--yes"]
        cli.main(["check", "--root", living])  # all that is imported late is imported now, from outside
        import psutil  # noqa: F401

        enter(Guest(living), False)  # as the installer has mounted /proc, /sys and /dev
        os.chroot(living)
        os.chdir("/")
        assert in_chroot()
        return cli.main(run_it) or cli.main(["check"])

    code, out = in_child(inside)
    assert code == 0, out
    assert "running kernel" not in out and "swapoff" not in out.replace("swapoff -a", "")
    assert run("rollback", "--root", living)[0] == 0
    assert snapshot(living) == before


def test_a_chroot_without_proc_is_refused_with_both_ways_out(living):  # noqa: F811
    before = snapshot(living)

    def inside():
        os.chroot(living)
        try:
            enter(Guest("/"), False)
        except Blocked as error:
            return 0 if "--root" in error.hint and "/proc" in error.message else 1
        return 2

    assert in_child(inside) == (0, "")
    assert snapshot(living) == before
