"""One boot of one disk in QEMU: its console, commands in the guest, power."""

import io
import os
import re
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from .agent import GuestAgent, Monitor, Timeout
from .disks import firmware

# Plain emulation is the default: a /dev/kvm that is there does not always work.
ACCEL = os.environ.get("LAB_ACCEL", "tcg,thread=multi")
CONTROLLERS = {
    "virtio": ("virtio-blk-pci,drive=os,bootindex=1",),
    "ide": ("ide-hd,drive=os,bootindex=1",),
    "ahci": ("ahci,id=ahci", "ide-hd,drive=os,bus=ahci.0,bootindex=1"),
    "virtio-scsi": ("virtio-scsi-pci", "scsi-hd,drive=os,bootindex=1"),
}
# Colours, cursor moves and bracketed paste, as a login shell sends them.
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07|[()][0-9A-Za-z]|[=>])|\r|\x00")

# What UEFI's own shell says, where the firmware ends that knows no boot entry and finds no fallback loader.
NOTHING = "UEFI Interactive Shell"
# Linux tests its timer in real time as it starts, and panics when a busy host did not let an emulated processor run.
STARVED = "IO-APIC + timer doesn't work!"


class Machine:
    """A context: QEMU runs inside it and is gone after it, also when this process is killed.

    QEMU gets SIGKILL when the thread that entered the context ends (PR_SET_PDEATHSIG), so a thread owns its machines.
    There is no network card unless *extra* adds one.  The firmware is UEFI where its memory lies beside the disk, see
    disks.nvram(), else BIOS.
    """

    def __init__(self, disk, log, snapshot=None, controller="virtio", cache="unsafe", memory=1024, extra=()):
        self.disk, self.log = Path(disk), Path(log)
        self.snapshot, self.controller, self.cache, self.memory = snapshot, controller, cache, memory
        self.extra = [str(word) for word in extra]
        self.process = self.monitor = self.agent = self.folder = None
        self.serial, self.seen = None, 0

    def command(self):
        kind = {".raw": "raw", ".vhd": "vpc"}.get(self.disk.suffix, "qcow2")
        # -device VGA: without one GRUB on BIOS hangs.  The console's log is written whether or not somebody listens.
        options = [
            ("accel", ACCEL),
            ("machine", "pc"),
            ("smp", "2"),
            ("m", str(self.memory)),
            ("display", "none"),
            ("nic", "none"),
            ("device", "VGA"),
            ("device", "virtio-rng-pci"),
            ("qmp", f"unix:{self.folder}/qmp,server=on,wait=off"),
            ("chardev", f"socket,id=console,path={self.folder}/console,server=on,wait=off,logfile={self.log}"),
            ("serial", "chardev:console"),
            ("device", "virtio-serial-pci"),
            ("chardev", f"socket,id=agent,path={self.folder}/agent,server=on,wait=off"),
            ("device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"),
            ("drive", f"file={self.disk},format={kind},if=none,id=os,cache={self.cache},discard=unmap"),
            *(("device", device) for device in CONTROLLERS[self.controller]),
            *firmware(self.disk),
            *((("loadvm", self.snapshot),) if self.snapshot else ()),
        ]
        command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-reboot"]
        for name, value in options:
            command += ["-" + name, value]
        return command + self.extra

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="lab-"))
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(b"")
        self.seen, self.started = 0, time.monotonic()
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            while self.monitor is None:
                try:
                    self.monitor = Monitor(self.folder / "qmp")
                except (FileNotFoundError, ConnectionRefusedError):  # there is no socket yet, or nobody listens yet
                    self.alive("its start")
                    time.sleep(0.02)
        except BaseException:
            self.__exit__()
            raise
        self.agent = GuestAgent(self.folder / "agent")
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.power_cut()
        for channel in (self.agent, self.monitor, self.serial, self.process.stderr):
            if channel:
                channel.close()
        shutil.rmtree(str(self.folder), ignore_errors=True)

    def seconds(self):
        """Since power-on."""
        return time.monotonic() - self.started

    def fail(self, sentence):
        """Timeout with what a person needs to understand it: the console's tail."""
        tail = "\n".join("    | " + line for line in self.console().rstrip().splitlines()[-15:])
        raise Timeout(f"{sentence} after {self.seconds():.0f} s; {self.log} ends with:\n{tail}")

    def alive(self, waited_for):
        if self.process.poll() is not None:
            said = self.process.stderr.read().decode("utf-8", "replace").strip()
            self.fail(f"QEMU ended (status {self.process.returncode}) before {waited_for} {said}")

    # -- console -------------------------------------------------------------------------------------------------------
    def console(self):
        """All that the serial port has sent since power-on, without escape sequences."""
        return ESCAPES.sub("", self.log.read_bytes().decode("utf-8", "replace"))

    def expect(self, text, timeout=180):
        """The console shows *text* after what was expected before; returns what came until then."""
        end = time.monotonic() + timeout
        while True:
            console = self.console()
            at = console.find(text, self.seen)
            if at >= 0:
                before, self.seen = console[self.seen : at], at + len(text)
                return before
            self.alive(repr(text))
            if time.monotonic() > end:
                self.fail(f"no {text!r} on the console")
            time.sleep(0.1)

    def type(self, text):
        """*text* has been sent to the serial port, as if typed there; a line ends with \\n."""
        if self.serial is None:
            self.serial = socket.socket(socket.AF_UNIX)
            self.serial.connect(str(self.folder / "console"))
            # Somebody must read, or the guest's output would block; the log file has it already.
            threading.Thread(target=_drain, args=(self.serial,), daemon=True).start()
        self.serial.sendall(text.replace("\n", "\r").encode())

    def login(self, user, password):
        """An interactive shell of *user* waits at its prompt on the serial console."""
        self.type("\n")
        self.expect("login:")
        self.type(user + "\n")
        self.expect("Password:")
        self.type(password + "\n")
        self.expect(f"{user}@", timeout=90)

    # -- guest agent ---------------------------------------------------------------------------------------------------
    def connect(self, timeout=600):
        """The guest agent answers; returns the seconds since power-on."""
        end = time.monotonic() + timeout
        while not self.agent.connect():
            self.alive("the guest agent answered")
            if NOTHING in self.console():
                self.fail("the firmware found nothing to boot")
            if STARVED in self.console()[self.seen :]:
                self.reset()
            if time.monotonic() > end:
                self.fail("no guest agent")
            time.sleep(0.3)
        return self.seconds()

    def start(self, script, stdin=b""):
        """A shell script runs in the guest, as root; returns its pid."""
        with self.present():
            return self.agent.start(script, stdin)

    def wait(self, pid, timeout):
        """The Result of a started script, or None when it still runs after *timeout* seconds."""
        with self.present():
            return self.agent.wait(pid, timeout)

    @contextmanager
    def present(self):
        try:
            yield
        except OSError as error:
            self.fail(f"the machine was lost ({error}; QEMU's status: {self.process.poll()})")

    def sh(self, script, stdin=b"", timeout=300, check=False):
        """Result of a shell script that root runs in the guest."""
        result = self.wait(self.start(script, stdin), timeout)
        if result is None:
            self.fail(f"in the guest, `{script[:80]}` did not end in {timeout} s")
        if check and result.rc:
            said = result.err[-600:] + result.out[-600:]
            raise RuntimeError(f"in the guest, `{script[:80]}` ended with {result.rc}: {said}")
        return result

    def out(self, script, timeout=300):
        """What a script printed that must not fail."""
        return self.sh(script, timeout=timeout, check=True).out

    def push(self, files):
        """Files are in the guest, root's, mode 0644 or, where their first bytes are #!, 0755: {path: bytes}."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for path, content in sorted(files.items()):
                member = tarfile.TarInfo(path.lstrip("/"))
                member.size, member.mode = len(content), 0o755 if content[:2] == b"#!" else 0o644
                member.mtime = int(time.time())
                tar.addfile(member, io.BytesIO(content))
        self.sh("tar -C / -xzm --no-overwrite-dir", stdin=buffer.getvalue(), check=True)

    def pull(self, path):
        """The bytes of one guest file, at most 16 MiB."""
        return self.sh(f"cat '{path}'", check=True).out_bytes

    def ssh_at(self, port, timeout=180):
        """A network card was put in, and the guest's SSH answers at this machine's *port*; nothing else is reached."""
        lan = f"netdev_add user,id=lan,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"
        for line in (lan, "device_add virtio-net-pci,netdev=lan"):
            said = self.monitor.human(line)
            if said:
                raise RuntimeError(f"{line}: {said}")
        end = time.monotonic() + timeout
        while not _greets(port):
            self.alive("its SSH answered")
            if time.monotonic() > end:
                self.fail(f"no SSH at port {port}")
            time.sleep(1)

    def reset(self):
        """The machine starts anew, as by its reset button; a reset by the guest itself still ends QEMU."""
        print(f"reset after {self.seconds():.0f} s: {self.console().rstrip().splitlines()[-1]}")
        self.seen = len(self.console())
        self.monitor.ask("set-action", reboot="reset")
        self.monitor.ask("system_reset")
        self.monitor.ask("set-action", reboot="shutdown")

    # -- power ---------------------------------------------------------------------------------------------------------
    def power_cut(self):
        """QEMU was killed: what the guest had not flushed is lost (with cache=writeback)."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait_poweroff(self, timeout=180):
        """The guest has switched itself off; a reset or a crash of QEMU is an error."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail("not powered off")
        reason = self.monitor.stop_reason()
        if self.process.returncode or reason != "guest-shutdown":
            self.fail(f"QEMU ended with status {self.process.returncode}, {reason}, not by a power-off")

    def poweroff(self, timeout=180):
        """Shut down in order; the agent sends no answer to guest-shutdown."""
        self.agent.send("guest-shutdown", mode="powerdown")
        self.wait_poweroff(timeout)


def _greets(port):
    """An SSH server answers: QEMU itself takes the connection, whether or not the guest does."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as stream:
            return stream.recv(4) == b"SSH-"
    except OSError:
        return False


def _drain(stream):
    try:
        while stream.recv(65536):
            pass
    except OSError:
        pass
