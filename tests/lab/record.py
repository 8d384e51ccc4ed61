"""A session on a real guest's serial console is kept as an asciicast, and drawn: what `make recording` runs.

usage: python3 -m tests.lab.record [CAST]     CAST is docs/session.cast unless another file is named; its picture lies
                                              beside it, with .svg

An operator logs in on the console and types; nothing is staged.  Times are those of the guest, which has no hardware
acceleration here.  Of the live line, which is drawn five times a second, one picture a second is kept: the others
would be nine tenths of the file.  How waits are shortened in the picture is told in picture.py.
Format: https://docs.asciinema.org/manual/asciicast/v2/
"""

import codecs
import json
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from .picture import drawn
from .scene import Lab

CAST = Path(__file__).resolve().parents[2] / "docs" / "session.cast"
COLUMNS, ROWS = 104, 24
COMMANDS = ("agentprep check --quiet", "agentprep run")
PROMPT = "root@source-vm:~#"
REDRAWN = "\r\x1b[K"  # how agentprep begins a picture of its live line
TITLE = "agentprep on an untouched Debian 12: looked at, prepared, deprovisioned, off"


class Tape:
    """What the serial port sends while the context is open, and marks: [seconds, kind, text] of an asciicast.

    It is the console's only reader: the log that QEMU writes has letters twice that the reader was too slow for.
    """

    def __init__(self, vm):
        self.events, self.ended = [], threading.Event()
        vm.serial = socket.socket(socket.AF_UNIX)
        vm.serial.connect(str(vm.folder / "console"))
        self.serial, self.thread = vm.serial, threading.Thread(target=self._listen, daemon=True)
        self.begun = None
        self.thread.start()

    def __enter__(self):
        self.begun = time.monotonic()
        return self

    def __exit__(self, *exc):
        self.ended.set()

    def mark(self, words):
        self.events.append((time.monotonic() - self.begun, "m", words))

    def _listen(self):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            try:
                received = self.serial.recv(65536)
            except OSError:
                received = b""
            if not received:
                return
            text = decoder.decode(received)
            if text and self.begun is not None and not self.ended.is_set():
                self.events.append((time.monotonic() - self.begun, "o", text))


def joined(events):
    """The same events; what follows within 30 ms on the one before is one with it."""
    kept = []
    for at, kind, text in events:
        if kept and kind == kept[-1][1] == "o" and at - kept[-1][0] < 0.03:
            kept[-1] = (kept[-1][0], kind, kept[-1][2] + text)
        else:
            kept.append((at, kind, text))
    return kept


def thinned(events):
    """The same events without the live line's pictures that were replaced within a second, and nothing else lost."""
    kept = []
    for at, kind, text in events:
        live = kind == "o" and text.startswith(REDRAWN) and "\n" not in text
        if live and kept and kept[-1][3] and at - kept[-1][0] < 1:
            # The latest picture replaces the one before, at the earlier one's time.
            kept[-1] = (kept[-1][0], kind, REDRAWN + text.rpartition(REDRAWN)[2], True)
        else:
            kept.append((at, kind, REDRAWN + text.rpartition(REDRAWN)[2] if live else text, live))
    return [(round(at, 2), kind, text) for at, kind, text, _ in kept]


def written(path, events):
    """The file is an asciicast of version 2."""
    head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": TITLE, "env": {"TERM": "vt220"}}
    path.write_text("".join(json.dumps(line) + "\n" for line in [head] + [list(event) for event in events]), "utf-8")


def keys(vm, text):
    """The text is typed as a person types it; the guest's own echo is what is seen."""
    for letter in text:
        vm.type(letter)
        time.sleep(0.07)
    time.sleep(0.5)


def session(vm):
    """The events of the session, from a prompt until the machine is told to switch itself off."""
    tape = Tape(vm)
    vm.login("operator", "lab-operator")
    vm.type("sudo -i\n")
    vm.expect("password for operator:")
    vm.type("lab-operator\n")
    vm.expect(PROMPT)
    vm.type(f"stty cols {COLUMNS} rows {ROWS}; clear\n")
    vm.expect(f"rows {ROWS}; clear")
    vm.expect(PROMPT)
    time.sleep(1)
    with tape:
        vm.type("\n")
        vm.expect(PROMPT)
        for command in COMMANDS:
            tape.mark(command)
            keys(vm, command)
            vm.type("\n")
            if command == "agentprep run":
                vm.expect("Type yes to go on:", timeout=1800)
                time.sleep(4)
                keys(vm, "yes")
                vm.type("\n")
            vm.expect(PROMPT, timeout=1800)
            time.sleep(4)
        tape.mark("poweroff")
        keys(vm, "poweroff")
    vm.type("\n")
    vm.wait_poweroff()
    return thinned(joined(tape.events))


def main(argv):
    path = Path(argv[0]) if argv else CAST
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lab-record-") as work, Lab(work).source() as vm:
        events = session(vm)
    written(path, events)
    path.with_suffix(".svg").write_text(drawn(path), "utf-8")
    print(f"{path}: {events[-1][0]:.0f} s; its picture is {path.with_suffix('.svg')}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
