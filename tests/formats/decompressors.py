"""A way to run the decompressors for agentprep.formats: no thread, and no more in memory than pipes hold."""

import os
import select
import shutil
import subprocess

from agentprep.formats.compressed import Output

PIECE = 1 << 16


class Running(Output):
    started = []  # every process, so that a test can see that none is left

    def __init__(self, argv, section):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, env={"PATH": os.defpath})
        self.section = section
        self.feeding, self.reading = [self.process.stdin], [self.process.stdout, self.process.stderr]
        self.piece = self.said = b""
        self.whole = False
        os.set_blocking(self.process.stdin.fileno(), False)
        Running.started.append(self.process)

    def read(self, size):
        while True:
            readable, writable, _ = select.select(self.reading, self.feeding, [])
            if writable:
                self.feed()
            if self.process.stderr in readable:
                self.hear()
            if self.process.stdout in readable:
                piece = os.read(self.process.stdout.fileno(), size)
                self.whole = not piece
                return piece

    def feed(self):
        self.piece = self.piece or self.section.read(PIECE)
        try:
            self.piece = self.piece[os.write(self.process.stdin.fileno(), self.piece) :]
        except BrokenPipeError:  # it reads no more; close() tells why
            self.piece = b""
            self.section.left = 0
        if not self.piece and not self.section.left:
            self.feeding = []
            self.process.stdin.close()

    def hear(self):
        said = os.read(self.process.stderr.fileno(), PIECE)
        self.said += said
        if not said:
            self.reading.remove(self.process.stderr)

    def close(self):
        if not self.whole:
            self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.stderr in self.reading:
            self.said += self.process.stderr.read()
        self.process.stderr.close()
        code = self.process.wait()
        failed = code != 0 and self.whole
        return (self.said.decode("utf-8", "replace").strip() or f"exit status {code}") if failed else ""


def filters(argv, section):
    return Running(argv, section) if shutil.which(argv[0]) else None
