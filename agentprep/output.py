"""What a command prints, in the format that was asked for, and what becomes of output that nobody reads."""

import argparse
import errno
import io
import os
import shutil
import sys
from typing import IO, Dict, Mapping, Optional

from . import report
from .report import Paint
from .verdicts import Report

# The reader of the output went away, or its disk is full; what was done is done.
GONE = (errno.EPIPE, errno.EIO, errno.ENOSPC, errno.EBADF)


def speakable() -> None:
    """What an encoding such as the C locale's has no sign for is written as an escape, and stops nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if (stream.encoding or "").lower().replace("-", "") != "utf8" and hasattr(stream, "buffer"):
            live = stream.line_buffering
            wrapped = io.TextIOWrapper(stream.detach(), stream.encoding, "backslashreplace", line_buffering=live)
            setattr(sys, name, wrapped)


def show(
    told: Report, options: argparse.Namespace, paint: Paint, seconds: Optional[Mapping[str, float]] = None
) -> None:
    """The report stands on standard output; `seconds` is how long each requirement took."""
    if options.format != "text":
        sys.stdout.write(rendered(options.format, told, seconds))
        return
    out = ""
    if told.command in ("check", "plan") or told.findings and told.command.startswith("vhd "):
        head = told.command in ("check", "plan") and not options.quiet
        out += paint.bold(report.headline(told)) + "\n\n" if head else ""
        shown = told._replace(findings=[one for one in told.findings if not options.quiet or one.status != "ok"])
        out += report.findings(shown, paint, options.verbose) if shown.findings else ""
        out += report.changes(told, paint) if told.command == "plan" else ""
    sys.stdout.write(out + report.ending(told, paint))


def rendered(name: str, told: Report, seconds: Optional[Mapping[str, float]] = None) -> str:
    """The report as one document."""
    if name == "json":
        return report.document(told)
    from . import reports  # it loads what text has no use for

    return reports.rendered(name, told, seconds)


def complain(message: str, hint: str) -> None:
    """What is wrong and what to do stand on standard error."""
    sys.stderr.write("agentprep: %s\n" % report.safe(message))
    if hint:
        sys.stderr.write("  what to do: %s\n" % report.safe(hint))


def silence() -> None:
    """The reader of standard output went away (`| head`): Python's flush at exit finds nothing to complain about."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def paint(options: argparse.Namespace, stream: IO[str]) -> Paint:
    """How the stream is written on."""
    return Paint(_colored(options, stream), shutil.get_terminal_size().columns if stream.isatty() else 0)


def _colored(options: argparse.Namespace, stream: IO[str]) -> bool:
    if options.color != "auto":
        return bool(options.color == "always")
    environment: Dict[str, str] = dict(os.environ)
    return stream.isatty() and "NO_COLOR" not in environment and environment.get("TERM") not in (None, "dumb")
