"""The two JSON talks with a QEMU process: its own monitor (QMP) and the guest agent inside the guest."""

import base64
import json
import os
import socket
import time
from typing import NamedTuple


class Timeout(Exception):
    """Something did not happen in time, or can no longer happen."""


class Result(NamedTuple):
    """How a command in the guest ended."""

    rc: int
    out: str
    err: str
    out_bytes: bytes


class Monitor:
    """QEMU's own monitor; its last word tells why the machine stopped."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")
        self.events = []
        json.loads(self.lines.readline())
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            line = self.lines.readline()
            if not line:
                raise Timeout(f"QEMU ended during {command}")
            reply = json.loads(line)
            if "event" in reply:
                self.events.append(reply)
            elif "error" in reply:
                raise RuntimeError(f"{command}: {reply['error']['desc']}")
            else:
                return reply["return"]

    def human(self, line):
        """Answer of the human monitor; it reports errors as text."""
        answer = self.ask("human-monitor-command", **{"command-line": line}).strip()
        if answer.startswith("Error"):
            raise RuntimeError(f"{line}: {answer}")
        return answer

    def stop_reason(self):
        """Why QEMU ended, once it has: guest-shutdown, guest-reset, ... (ShutdownCause in qapi/run-state.json)."""
        for line in self.lines:
            self.events.append(json.loads(line))
        reasons = [event["data"]["reason"] for event in self.events if event.get("event") == "SHUTDOWN"]
        return reasons[-1] if reasons else None

    def close(self):
        self.lines.close()
        self.socket.close()


class GuestAgent:
    """qemu-guest-agent over virtio-serial: commands in the guest, without network and without a login.

    One reply holds at most 16 MiB of output (GUEST_EXEC_MAX_OUTPUT in qga/commands.c).
    """

    def __init__(self, path):
        self.path = str(path)
        self.socket = None
        self.pending = b""

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None

    def connect(self):
        """True when an agent answers; it resynchronises the channel, whatever was left in it."""
        self.close()
        try:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(3)
            self.socket.connect(self.path)
            token = int.from_bytes(os.urandom(4), "big")
            # 0xff resets the agent's parser; it sends 0xff before the answer (guest-sync-delimited).
            self.socket.sendall(
                b"\xff" + json.dumps({"execute": "guest-sync-delimited", "arguments": {"id": token}}).encode() + b"\n"
            )
            received = b""
            while not received.rpartition(b"\xff")[2].endswith(b"\n") or str(token).encode() not in received:
                part = self.socket.recv(65536)
                if not part:
                    raise ConnectionError
                received += part
            self.pending = b""
            return True
        except OSError:
            self.close()
            return False

    def send(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")

    def ask(self, command, timeout=60, **arguments):
        self.send(command, **arguments)
        self.socket.settimeout(timeout)
        while b"\n" not in self.pending:
            part = self.socket.recv(1 << 20)
            if not part:
                raise ConnectionError("the guest agent's channel was closed")
            self.pending += part
        line, _, self.pending = self.pending.partition(b"\n")
        reply = json.loads(line.lstrip(b"\xff").decode())
        if "error" in reply:
            raise RuntimeError(f"{command}: {reply['error']['desc']}")
        return reply["return"]

    def start(self, script, stdin=b""):
        """A shell script runs in the guest; returns its pid."""
        arguments = {
            "path": "/bin/sh",
            "arg": ["-c", script],
            "capture-output": True,
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root"],
        }
        if stdin:
            arguments["input-data"] = base64.b64encode(stdin).decode()
        return self.ask("guest-exec", **arguments)["pid"]

    def poll(self, pid):
        """The Result of a script, or None while it runs."""
        status = self.ask("guest-exec-status", pid=pid)
        if not status["exited"]:
            return None
        out = base64.b64decode(status.get("out-data", ""))
        err = base64.b64decode(status.get("err-data", ""))
        return Result(
            status.get("exitcode", 128 + status.get("signal", 0)),
            out.decode("utf-8", "replace"),
            err.decode("utf-8", "replace"),
            out,
        )

    def wait(self, pid, timeout):
        """The Result of a script, or None after *timeout* seconds."""
        end, pause = time.monotonic() + timeout, 0.02
        while True:
            result = self.poll(pid)
            if result or time.monotonic() > end:
                return result
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
