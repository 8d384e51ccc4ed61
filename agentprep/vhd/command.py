"""`agentprep vhd`: what was asked of a disk image is done, judged and told."""

import argparse
import time
from typing import IO, List, Tuple

from ..errors import NOT_READY as EXIT_NOT_READY
from ..errors import READY, Usage
from ..verdicts import NOT_READY, Finding, Report, Result
from .convert import convert
from .finish import finish, unfinish
from .image import Image
from .judged import Wanted, judged

BEAT = 0.2  # seconds between two pictures of the progress on a terminal
PATIENCE = 30.0  # seconds between two lines of it in a log


def command(options: argparse.Namespace, stream: IO[str]) -> Report:
    """The action is done; the report judges the file that it leaves.  `stream` is told of progress."""
    action, path = options.action, options.file
    if (action == "convert") != (options.target is not None):
        words = "takes the image and the VHD to make" if action == "convert" else "takes one file"
        raise Usage("agentprep vhd %s %s" % (action, words), "see: agentprep vhd --help")
    if options.force and action != "convert":
        raise Usage("--force is for vhd convert", "leave it out")
    done = ""
    if action == "convert":
        shown = Progress(stream, not options.quiet)
        try:
            done = convert(path, options.target, options.force, shown)
        finally:
            shown.close()
        path = options.target
    elif action == "finish":
        done = finish(path)
    elif action == "unfinish":
        return Report("vhd unfinish", {}, [], [], Result("done", READY, unfinish(path) + "."))
    with Image(path) as image:
        findings = judged(image, Wanted(int(options.generation or 0), options.limit or ""))
    bad = [one for one in findings if one.status in NOT_READY]
    code = EXIT_NOT_READY if bad else READY
    message, hint = _ended(path, done, bad)
    verdict = "not-ready" if bad else "done" if done else "ready"
    return Report("vhd " + action, {}, findings, [], Result(verdict, code, message, hint))


def _ended(path: str, done: str, bad: List[Finding]) -> Tuple[str, str]:
    if not bad:
        return (done + "." if done else "Ready: %s can be uploaded." % path), ""
    names = ", ".join(one.id for one in bad)
    hint = next((one.remedy[0] for one in bad if one.remedy), "")
    return (done + ", but " if done else "Not ready: ") + "these do not hold: %s." % names, hint


class Progress:
    """How far a conversion is: on a terminal a line that is drawn anew, in a log a line now and then."""

    def __init__(self, stream: IO[str], wanted: bool) -> None:
        self.stream, self.wanted, self.live = stream, wanted, stream.isatty()
        self.begun = time.monotonic()
        self.told = self.begun - (BEAT if self.live else 0)  # on a terminal the first picture comes at once

    def __call__(self, size: int, percent: float) -> None:
        now = time.monotonic()
        if not self.wanted or now - self.told < (BEAT if self.live else PATIENCE):
            return
        self.told = now
        spent = max(now - self.begun, 0.001)
        rate = size * percent / 100 / spent
        left = spent * (100 - percent) / percent if percent else 0.0
        text = "%5.1f %%  %d of %d MiB  %.0f MiB/s  %d:%02d left" % (
            percent, int(size * percent / 100) >> 20, size >> 20, rate / (1 << 20), left // 60, left % 60,
        )  # fmt: skip
        self.stream.write("\r\x1b[K" + text if self.live else text + "\n")
        self.stream.flush()

    def close(self) -> None:
        """Nothing is left of the live line."""
        if self.live and self.wanted:
            self.stream.write("\r\x1b[K")
            self.stream.flush()
