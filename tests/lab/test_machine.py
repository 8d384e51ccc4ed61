"""The lab keeps its own promises."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from .agent import Timeout
from .disks import overlay
from .install import REPOSITORY
from .machine import Machine

# A machine whose disk is empty: QEMU runs, nothing boots.
KEEPER = """
import sys, time
from tests.lab.machine import Machine
with Machine(sys.argv[1], sys.argv[1] + ".console") as vm:
    print(vm.process.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "empty.raw"
    path.write_bytes(bytes(1 << 20))
    return path


def test_qemu_dies_with_the_process_that_started_it(empty):
    keeper = subprocess.Popen([sys.executable, "-c", KEEPER, str(empty)], cwd=str(REPOSITORY), stdout=subprocess.PIPE)
    qemu = int(keeper.stdout.readline())
    assert os.path.exists(f"/proc/{qemu}")
    keeper.send_signal(signal.SIGKILL)
    keeper.wait()
    keeper.stdout.close()
    end = time.monotonic() + 10
    while running(qemu) and time.monotonic() < end:
        time.sleep(0.1)
    assert not running(qemu)


def running(pid):
    """False for a zombie too: a container may have no init that reaps it."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_timeout_shows_the_end_of_the_console(empty, tmp_path):
    with Machine(empty, tmp_path / "console") as vm:
        (tmp_path / "console").write_text("GRUB loading\nerror: no such partition\n")
        with pytest.raises(Timeout, match=r"(?s)no 'login:' on the console.*\| error: no such partition"):
            vm.expect("login:", timeout=0.2)


def test_a_kernel_that_the_host_starved_gets_one_reset(empty, tmp_path, capsys):
    with Machine(empty, tmp_path / "console") as vm:
        (tmp_path / "console").write_text("Kernel panic - not syncing: IO-APIC + timer doesn't work!\n")
        with pytest.raises(Timeout, match="no guest agent"):
            vm.connect(timeout=2)
        assert [event["event"] for event in vm.monitor.events].count("RESET") == 1
        assert capsys.readouterr().out.startswith("reset after")
        assert vm.process.poll() is None


def test_a_machine_that_is_lost_is_said_to_be(empty, tmp_path):
    with Machine(empty, tmp_path / "console") as vm:
        vm.agent.socket = socket.socket(socket.AF_UNIX)
        vm.agent.socket.connect(vm.agent.path)
        vm.power_cut()
        with pytest.raises(Timeout, match=r"the machine was lost \(.*QEMU's status: -9\)"):
            vm.sh("true")


def test_what_was_typed_is_seen_without_escape_sequences(empty, tmp_path):
    with Machine(empty, tmp_path / "console") as vm:
        (tmp_path / "console").write_text("\x1b[?2004h\x1b[01;32moperator@source-vm\x1b[00m:~$ \r\nls\r\n")
        assert vm.expect(":~$ ") == "operator@source-vm"
        assert vm.console() == "operator@source-vm:~$ \nls\n"


def test_writing_to_an_overlay_leaves_the_base_as_it_was(empty, tmp_path):
    disk = overlay(empty, tmp_path / "disk.qcow2")
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", "write -P 7 0 4096", str(disk)], check=True, stdout=subprocess.PIPE)
    assert empty.read_bytes() == bytes(1 << 20)
