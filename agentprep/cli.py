"""The command line: arguments in, exit code out.  The only place that prints and exits."""

import argparse
import errno
import os
import shutil
import signal
import sys
import time
from typing import IO, Any, Dict, List, Optional, Sequence, Tuple

from . import report, session, unattended
from .arguments import COMMANDS, FORMATS, parser
from .by_hand import POWER_OFF
from .deprovision import STEPS as LAST_STEPS
from .engine import Record
from .errors import HALF_WAY, READY, AgentprepError, Blocked, Interrupted, Unsupported, Usage
from .evidence import AUTO
from .guest import Guest
from .journal import Runs
from .live import here
from .policy import Policy, documented, load
from .report import Paint, Report, Result
from .signals import DEFERRAL
from .steps import STEPS
from .system import MECHANISMS, System
from .terminal import Terminal

# The reader of the output went away, or its disk is full; what was done is done.
GONE = (errno.EPIPE, errno.EIO, errno.ENOSPC, errno.EBADF)
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


# The module that cannot be imported, and whose it is: configobj 4 has validate.py beside it (policy.py).
DEPENDENCIES = {"psutil": "psutil", "distro": "distro", "configobj": "configobj", "validate": "configobj"}


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The exit code of one command line."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.umask(0o022)  # the modes of new folders are those of a system, whoever calls
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # it was closed by the caller
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
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
        _silence()
        return READY


def _lacking(name: str) -> AgentprepError:
    return Unsupported(
        "%s has no module %s, which agentprep needs" % (sys.executable or "this Python", name),
        "apt-get install python3-%s, or dnf or zypper install python3-%s, or pip install %s" % (name, name, name),
    )


def _silence() -> None:
    """The reader of standard output went away (`| head`): Python's flush at exit finds nothing to complain about."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    values = load(options.policy, options.set)
    if options.command == "explain":
        return _explain(options)
    if options.command == "policy":
        return _policy(options, values)
    if not os.path.isdir(options.root):
        raise Usage("--root %s is not a folder" % options.root, "give the folder at which the guest is mounted")
    if options.command in ("run", "rollback") and os.geteuid():
        raise Blocked("agentprep %s must be run as root" % options.command, "sudo agentprep %s" % " ".join(words))
    return _on_guest(options, values)


def _on_guest(options: argparse.Namespace, values: Policy) -> int:
    guest = Guest(options.root)
    if options.command == "run":
        from .enter import enter  # it loads ctypes, which looking has no use for

        enter(guest, System(guest).firmware.backend == "uefi")
    if options.command == "history":
        return _history(options, guest)
    paint = _paint(options, sys.stdout)
    stream = sys.stdout if options.format == "text" else sys.stderr
    live = options.command in ("run", "rollback") and stream.isatty() and os.environ.get("TERM") not in (None, "dumb")
    watch = Terminal(stream, _paint(options, stream), live, options.verbose, options.quiet)
    mechanisms = {name: values.text("mechanisms." + name) for name in MECHANISMS}
    system = System(guest, here(guest.root), wanted=mechanisms)
    for name in [name for name in MECHANISMS if mechanisms[name] != AUTO]:
        system.picked(name)  # raises Usage for a name that is none
    policy = values.on(system.distro.row.family, system.distro.version)
    if getattr(options, "unattended", False):
        options.yes = True
        watch.say(unattended.consent(system, policy))
    try:
        if options.command == "rollback":
            if options.number is not None and not options.number.isdigit():
                raise Usage("there is no run %s" % options.number, "see: agentprep history")
            told, _ = session.take_back(system, policy, options.number, options.force, watch)
        else:
            told = _walked(options, system, policy, watch)
    finally:
        watch.close()
    try:
        _print(told, options, paint)
        if getattr(options, "unattended", False) and options.format == "text" and told.result.exit_code:
            sys.stdout.write(unattended.closing(told.result, unattended.unit(system.guest)))
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in GONE:
            raise
        _silence()
    if options.command == "run" and options.poweroff and told.result.verdict == "done":
        for number in STOPS:  # the shutdown that is asked for next ends this process as well, which is no failure
            signal.signal(number, signal.SIG_IGN)
        try:
            session.power_off(system)
        except AgentprepError as error:
            _print_error(error.message, "power it off by hand: %s" % POWER_OFF)
            return HALF_WAY
    return told.result.exit_code


def _vhd(options: argparse.Namespace) -> int:
    from .vhd.command import command  # a disk image outside the guest has no use for the rest, nor the rest for it

    told = command(options, sys.stderr if options.format != "text" or not sys.stdout.isatty() else sys.stdout)
    _print(told, options, _paint(options, sys.stdout))
    return told.result.exit_code


def _walked(options: argparse.Namespace, system: System, policy: Policy, watch: Terminal) -> Report:
    choice = session.Choice(
        _ids(options.skip), _ids(options.only), not getattr(options, "no_deprovision", False),
        getattr(options, "poweroff", False), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )  # fmt: skip
    if options.command == "check":
        return session.check(system, policy, choice, watch)
    if options.command == "plan":
        return session.preview(system, policy, choice, watch)
    if choice.poweroff and system.live is None:
        raise Usage("--poweroff is for the live machine, not for a chroot or --root", "leave it out")
    if options.format == "text" and not options.quiet:
        head = Report("run", report.guest(system, policy), [], [], Result("", 0, ""))
        watch.say(watch.paint.bold(report.headline(head)) + "\n")
    return session.prepare(system, policy, choice, watch, lambda records: _confirmed(options, watch, records))


def _confirmed(options: argparse.Namespace, watch: Terminal, records: Sequence[Record]) -> bool:
    if options.format != "text" or options.yes or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return True
    listed = Report("run", {}, [], records, Result("", 0, ""))
    watch.say(report.changes(listed, watch.paint))
    watch.say("The machine is prepared. What is listed above comes now, and cannot be undone.")
    sys.stdout.write("Type yes to go on: ")
    sys.stdout.flush()
    try:
        return input().strip().lower() == "yes"
    except EOFError:
        return False


def _print(told: Report, options: argparse.Namespace, paint: Paint) -> None:
    if options.format != "text":
        sys.stdout.write(_rendered(options.format, told))
        return
    out = ""
    if told.command in ("check", "plan") or told.findings and told.command.startswith("vhd "):
        head = told.command in ("check", "plan") and not options.quiet
        out += paint.bold(report.headline(told)) + "\n\n" if head else ""
        shown = told._replace(findings=[one for one in told.findings if not options.quiet or one.status != "ok"])
        out += report.findings(shown, paint, options.verbose) if shown.findings else ""
        out += report.changes(told, paint) if told.command == "plan" else ""
    sys.stdout.write(out + report.ending(told, paint))


def _rendered(name: str, told: Report) -> str:
    if name == "json":
        return report.document(told)
    from .reports import rendered  # it loads what text has no use for

    return rendered(name, told)


def _explain(options: argparse.Namespace) -> int:
    steps = {step.id: step for step in tuple(STEPS) + tuple(LAST_STEPS)}
    if options.id is not None and options.id not in steps:
        raise Usage("there is no requirement %s" % options.id, "the ids are: %s" % ", ".join(steps))
    chosen = list(steps.values()) if options.id is None else [steps[options.id]]
    if options.json:
        _document(options, requirements=[report.requirement(step) for step in chosen])
    elif options.id is None and not options.verbose:
        sys.stdout.write("".join("%s  %s\n" % (step.id.ljust(24), step.title) for step in chosen))
    else:
        sys.stdout.write("\n".join(report.explanation(step) for step in chosen))
    return READY


def _policy(options: argparse.Namespace, values: Policy) -> int:
    if options.json:
        told = {name: dict(values.value(name)._asdict()) for name, _, _ in documented()}
        told.update({".".join(name): dict(values.values[name]._asdict()) for name in values.values if len(name) == 3})
        _document(options, policy=told)
    else:
        sys.stdout.write(report.policy_text(values))
    return READY


def _history(options: argparse.Namespace, guest: Guest) -> int:
    runs = [
        (run.name, run.begun, run.state, sum("change" in entry for entry in run.entries)) for run in Runs(guest).all()
    ]
    if options.json:
        _document(options, runs=[dict(zip(("number", "begun", "state", "changes"), run)) for run in runs])
    elif runs:
        sys.stdout.write(report.history(runs))
    else:
        sys.stdout.write("No run of agentprep is on record here.\n")
    return READY


def _document(options: argparse.Namespace, **more: Any) -> None:
    told = Report(options.command, {}, [], [], Result("done", READY, ""))
    sys.stdout.write(report.document(told, **more))


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
        sys.stdout.write(_rendered(name, Report(command, {}, [], [], session.failed(error))))
    _print_error(error.message, error.hint)
    return error.exit_code


def _print_error(message: str, hint: str) -> None:
    sys.stderr.write("agentprep: %s\n" % report.safe(message))
    if hint:
        sys.stderr.write("  what to do: %s\n" % report.safe(hint))


def _ids(words: Sequence[str]) -> Tuple[str, ...]:
    ids = tuple(part.strip() for word in words for part in word.split(",") if part.strip())
    unknown = [one for one in ids if one not in session.known_ids() + ("deprovision",)]
    if unknown:
        raise Usage("there is no requirement %s" % unknown[0], "the ids are: %s" % ", ".join(session.known_ids()))
    return ids


def _paint(options: argparse.Namespace, stream: IO[str]) -> Paint:
    return Paint(_colored(options, stream), shutil.get_terminal_size().columns if stream.isatty() else 0)


def _colored(options: argparse.Namespace, stream: IO[str]) -> bool:
    if options.color != "auto":
        return bool(options.color == "always")
    environment: Dict[str, str] = dict(os.environ)
    return stream.isatty() and "NO_COLOR" not in environment and environment.get("TERM") not in (None, "dumb")


def _interrupt(name: str) -> Any:
    def stop(number: int, frame: Any) -> None:
        DEFERRAL.arrive(name)

    return stop
