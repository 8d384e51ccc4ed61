"""The command line: arguments in, exit code out."""

import argparse
import os
import signal
import sys
from typing import Any, List, Optional, Sequence

from .arguments import COMMANDS, FORMATS, parser
from .errors import READY, AgentprepError, Blocked, Interrupted, Unsupported, Usage
from .output import GONE, complain, paint, rendered, show, silence, speakable
from .signals import DEFERRAL, STOPS
from .verdicts import Report

# The module that cannot be imported, and whose it is: configobj 4 has validate.py beside it (policy.py).
DEPENDENCIES = {"psutil": "psutil", "distro": "distro", "configobj": "configobj", "validate": "configobj"}


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The exit code of one command line."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.umask(0o022)  # the modes of new folders are those of a system, whoever calls
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed by the caller
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    speakable()
    try:
        try:
            return _command(words)
        except AgentprepError as error:
            return _told_off(words, error)
        except Interrupted as error:
            return _told_off(words, Blocked("stopped by %s" % error.name))
        except ImportError as error:
            if error.name not in DEPENDENCIES:
                raise
            return _told_off(words, _lacking(DEPENDENCIES[error.name]))
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno not in GONE:
            raise
        silence()
        return READY


def _lacking(name: str) -> AgentprepError:
    return Unsupported(
        "%s has no module %s, which agentprep needs" % (sys.executable or "this Python", name),
        "apt-get install python3-%s, or dnf or zypper install python3-%s, or pip install %s" % (name, name, name),
    )


def _command(words: List[str]) -> int:
    options = parser().parse_args(words)
    if options.command is None:
        parser().print_help()
        return Usage.exit_code
    if not sys.platform.startswith("linux"):
        raise Unsupported("agentprep runs inside a Linux guest, and this is %s" % sys.platform, "run it in the guest")
    for name, default in (("root", "/"), ("policy", None), ("set", []), ("json", False), ("quiet", False),
                          ("verbose", False), ("color", "auto")):  # fmt: skip
        if not hasattr(options, name):
            setattr(options, name, default)
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1)
            signal.signal(number, _interrupt(number.name))
    options.format = _format(options)
    if options.command == "vhd":
        return _vhd(options)
    from .guest_commands import command  # it loads all that a guest needs

    return command(options, words)


def _vhd(options: argparse.Namespace) -> int:
    from .vhd.command import command  # a disk image outside the guest has no use for the rest, nor the rest for it

    told = command(options, sys.stderr if options.format != "text" or not sys.stdout.isatty() else sys.stdout)
    show(told, options, paint(options, sys.stdout))
    return told.result.exit_code


def _format(options: argparse.Namespace) -> str:
    name = getattr(options, "format", None)
    if options.json and name not in (None, "json"):
        raise Usage("--json and --format %s are two formats" % name, "give one of them")
    options.json = options.json or name == "json"
    return "json" if options.json else name or "text"


def _format_meant(words: Sequence[str]) -> str:
    """The format of a command line that may be wrong."""
    given = "text"
    for before, word in zip([""] + list(words), words):
        name = word.partition("=")[2] if word.startswith("--format=") else word if before == "--format" else ""
        given = name if name in FORMATS else "json" if word == "--json" else given
    return given


def _told_off(words: Sequence[str], error: AgentprepError) -> int:
    name = _format_meant(words)
    if name != "text":
        command = next((word for word in words if word in dict(COMMANDS)), "")
        from .session import failed

        sys.stdout.write(rendered(name, Report(command, {}, [], [], failed(error))))
    complain(error.message, error.hint)
    return error.exit_code


def _interrupt(name: str) -> Any:
    def stop(number: int, frame: Any) -> None:
        DEFERRAL.arrive(name)

    return stop
