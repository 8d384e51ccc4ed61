"""A run as it is watched: on a terminal with a live line, in a pipe or a log as plain lines without control codes."""

import shutil
import time
from typing import IO, Dict, Tuple

from .changes import Run
from .engine import Watch
from .report import Paint, finding, safe
from .step import Work
from .verdicts import Finding, Record

BEAT = 0.2  # seconds between two pictures of the live line
PATIENCE = 30.0  # seconds after which a log is told that a command still runs


class Terminal(Watch):
    """Tells of a run on `stream`; with `live`, what is going on is shown on a last line that is drawn anew."""

    def __init__(self, stream: IO[str], paint: Paint, live: bool, verbose: bool = False, quiet: bool = False) -> None:
        self.stream, self.paint, self.live, self.verbose, self.quiet = stream, paint, live, verbose, quiet
        self.spent: Dict[str, float] = {}
        self.current, self.since, self.drawn, self.told = "", time.monotonic(), 0.0, 0.0
        self.command, self.last, self.started, self.gone = "", "", 0.0, False
        self.short = ""

    def say(self, text: str) -> None:
        """The text stands on lines of its own."""
        self._clear()
        self._write(text if text.endswith("\n") else text + "\n")

    def phase(self, words: str) -> None:
        self._spend("")
        self.command = ""
        if self.live:
            self._draw("%s ..." % words, force=True)
        elif self.verbose:
            self.say("-- %s" % words)

    def step(self, work: Work) -> None:
        self._spend(work.id)
        self.command = ""
        self._draw(work.id)

    def change(self, record: Record) -> None:
        if not isinstance(record.change, Run):
            self.command = ""
            return
        self.command = "; ".join(" ".join(argv) for argv in record.change.commands)
        self.short = ", ".join("%s %s" % (argv[0], argv[-1]) for argv in record.change.commands)
        self.last, self.started, self.told = "", time.monotonic(), time.monotonic()
        if not self.live and not self.quiet:
            self.say("%s%s: running %s" % (" " * 14, record.id, safe(self.command)))
        self._draw(record.id, force=True)

    def line(self, argv: Tuple[str, ...], text: str) -> None:
        if text:
            self.last = text.strip()
            if self.verbose:
                self.say("%s| %s" % (" " * 14, safe(self.last)))
        now = time.monotonic()
        if not self.live and not self.quiet and now - self.told > PATIENCE:
            self.told = now
            words = ": " + safe(self.last) if self.last else ""
            self.say("%s%s: still running after %d s%s" % (" " * 14, self.current, now - self.started, words))
        self._draw(self.current)

    def finding(self, finding_: Finding) -> None:
        self._spend("")
        if self.quiet and finding_.status in ("ok", "changed"):
            return
        self.say(finding(finding_, self.paint, self.spent.get(finding_.id, 0.0)))

    def close(self) -> None:
        """Nothing is left of the live line."""
        self._clear()

    def _spend(self, following: str) -> None:
        now = time.monotonic()
        if self.current:
            self.spent[self.current] = self.spent.get(self.current, 0.0) + now - self.since
        self.current, self.since = following, now

    def _draw(self, words: str, force: bool = False) -> None:
        now = time.monotonic()
        if not self.live or (now - self.drawn < BEAT and not force):
            return
        self.drawn = now
        text = words
        if self.command:
            text = "%s  %d s  %s" % (self.current, now - self.started, self.short)
            text += "  | " + self.last if self.last else ""
        width = shutil.get_terminal_size().columns - 4
        turn = "|/-\\"[int(now / BEAT) % 4]
        self._write("\r\x1b[K%s %s" % (turn, safe(text)[:width]))

    def _clear(self) -> None:
        if self.live:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        if self.gone:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except OSError:
            self.gone = True  # who watched is gone, or the disk of the log is full; the run goes on
