"""The commands that look at a guest, change it, or explain what it needs."""

import argparse
import os
import signal
import sys
import time
from typing import Any, Sequence, Tuple

from . import report, session, unattended
from .by_hand import POWER_OFF
from .deprovision import STEPS as LAST_STEPS
from .errors import HALF_WAY, READY, AgentprepError, Blocked, Usage
from .evidence import AUTO
from .guest import Guest
from .journal import Runs
from .live import here
from .output import GONE, complain, paint, show, silence
from .policy import Policy, documented, load
from .signals import STOPS
from .steps import STEPS
from .system import MECHANISMS, System
from .terminal import Terminal
from .verdicts import Record, Report, Result


def command(options: argparse.Namespace, words: Sequence[str]) -> int:
    """The exit code of a command on the guest; `words` is the command line, for what a person is told to give again."""
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
    own = paint(options, sys.stdout)
    stream = sys.stdout if options.format == "text" else sys.stderr
    live = options.command in ("run", "rollback") and stream.isatty() and os.environ.get("TERM") not in (None, "dumb")
    watch = Terminal(stream, paint(options, stream), live, options.verbose, options.quiet)
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
        show(told, options, own, watch.spent)
        if getattr(options, "unattended", False) and options.format == "text" and told.result.exit_code:
            sys.stdout.write(unattended.closing(told.result, unattended.unit(system.guest)))
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in GONE:
            raise
        silence()
    if options.command == "run" and options.poweroff and told.result.verdict == "done":
        for number in STOPS:  # the shutdown that is asked for next ends this process as well, which is no failure
            signal.signal(number, signal.SIG_IGN)
        try:
            session.power_off(system)
        except AgentprepError as error:
            complain(error.message, "power it off by hand: %s" % POWER_OFF)
            return HALF_WAY
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


def _ids(words: Sequence[str]) -> Tuple[str, ...]:
    ids = tuple(part.strip() for word in words for part in word.split(",") if part.strip())
    unknown = [one for one in ids if one not in session.known_ids() + ("deprovision",)]
    if unknown:
        raise Usage("there is no requirement %s" % unknown[0], "the ids are: %s" % ", ".join(session.known_ids()))
    return ids
