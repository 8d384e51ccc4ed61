"""Decompressors as child processes of this machine: bytes in, bytes out, nothing of the guest is run."""

import os
import shutil
import subprocess
import threading
from typing import Optional, Tuple

from .commands import ENVIRONMENT, PATH
from .formats.compressed import Output, Section

CHUNK = 1 << 18


def start(argv: Tuple[str, ...], section: Section) -> Optional[Output]:
    """The decompressor runs on the section; None where there is no such program."""
    program = shutil.which(argv[0], path=PATH)
    return None if program is None else _Child((program,) + argv[1:], section)


class _Child(Output):
    def __init__(self, argv: Tuple[str, ...], section: Section) -> None:
        number = section.stream.fileno()
        whole = section.end == os.fstat(number).st_size
        if whole:
            os.lseek(number, section.start, os.SEEK_SET)  # the child reads the file by itself, to its end
        self.process = subprocess.Popen(
            argv,
            stdin=number if whole else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
        )
        self.feeder: Optional[threading.Thread] = None
        if not whole:
            self.feeder = threading.Thread(target=self._feed, args=(section,), daemon=True)
            self.feeder.start()

    def _feed(self, section: Section) -> None:
        pipe = self.process.stdin
        assert pipe is not None
        try:
            for chunk in iter(lambda: section.read(CHUNK), b""):
                pipe.write(chunk)
            pipe.close()
        except (BrokenPipeError, ValueError):
            pass  # the child ended or was closed; its exit code tells

    def read(self, size: int) -> bytes:
        assert self.process.stdout is not None
        return os.read(self.process.stdout.fileno(), size)

    def close(self) -> str:
        process = self.process
        assert process.stdout is not None and process.stderr is not None
        ended = process.poll() is not None or not os.read(process.stdout.fileno(), 1)
        if not ended:
            process.kill()
        if self.feeder is not None:
            self.feeder.join()
        said = process.stderr.read().decode("utf-8", "replace").strip()
        code = process.wait()
        process.stdout.close()
        process.stderr.close()
        if process.stdin is not None:
            process.stdin.close()
        return (said.splitlines() or ["exit code %d" % code])[-1] if ended and code else ""
