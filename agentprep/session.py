"""What a user's command consists of: a check, a plan, a run with its last part, a rollback."""

import os
import posixpath
from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

from . import report
from .by_hand import POWER_OFF
from .changes import Forget, Run, Write
from .deprovision import STEPS as LAST_STEPS
from .engine import TakenBack, Told, Watch, check_back, finish, plan, refuse, rollback, run, selected
from .errors import HALF_WAY, READY, AgentprepError, Blocked, Interrupted, Usage
from .errors import NOT_READY as EXIT_NOT_READY
from .guest import Draft, Guest
from .journal import FOLDER, Journal, Runs
from .policy import Policy
from .step import Step
from .steps import RULES, STEPS
from .system import System
from .verdicts import NOT_READY, Finding, Record, Report, Result

TEXT, JSON = FOLDER + "/report.txt", FOLDER + "/report.json"


class Choice(NamedTuple):
    """What of a run was asked for."""

    skip: Tuple[str, ...] = ()
    only: Tuple[str, ...] = ()
    deprovision: bool = True
    poweroff: bool = False
    clock: str = ""  # the time of day in UTC, ISO 8601

    def steps(self) -> Tuple[Step, ...]:
        return selected(STEPS, self.skip, self.only)

    def last_steps(self, policy: Policy) -> Tuple[Step, ...]:
        """The one-way steps: all of them go with `--skip deprovision`, and none is taken with `--only` another id."""
        if not self.deprovision or not policy.flag("deprovision.enabled") or "deprovision" in self.skip:
            return ()
        only = () if "deprovision" in self.only else self.only
        return selected(LAST_STEPS, self.skip, only)


Confirm = Callable[[Sequence[Record]], bool]


def known_ids() -> Tuple[str, ...]:
    """The ids that --skip, --only and explain take."""
    return tuple(step.id for step in STEPS) + tuple(step.id for step in LAST_STEPS)


def check(system: System, policy: Policy, choice: Choice, watch: Watch) -> Report:
    """Every requirement has its verdict; nothing was written."""
    _known(system)
    if not choice.steps():
        raise Usage("--only and --skip leave nothing to check", "the ids are: %s" % ", ".join(known_ids()))
    told = plan(system, policy, choice.steps(), RULES, _owed(system.guest), watch)
    findings = told.findings(choice.steps())
    bad = [one.id for one in findings if one.status in NOT_READY]
    person = _person(findings)
    if not bad:
        message = "Ready: every requirement holds."
        return _told("check", system, policy, told, findings, Result("ready", READY, message, person=person))
    unjudged = [one.id for one in findings if one.status == "skipped"]
    message = "Not ready: %d of %d requirements do not hold or could not be judged: %s." % (
        len(bad), len(findings), ", ".join(bad),
    )  # fmt: skip
    hint = "see what would be done with `agentprep plan`, bring it about with `sudo agentprep run`"
    if unjudged and os.geteuid():
        hint = "run it as root to have all of them judged: sudo agentprep check"
    return _told("check", system, policy, told, findings, Result("not-ready", EXIT_NOT_READY, message, hint, person))


def preview(system: System, policy: Policy, choice: Choice, watch: Watch) -> Report:
    """What a run would do, in order, with diffs; nothing was written."""
    _known(system)
    last = choice.last_steps(policy)
    told = plan(system, policy, choice.steps(), RULES, _owed(system.guest), watch, last)
    findings = told.findings(choice.steps() + last)
    one_way = [one for one in told.records if one.one_way]
    blocked = [one for one in findings if one.status == "blocked"]
    if blocked:
        first = blocked[0]
        message = "Blocked by %s: a run would refuse to start." % ", ".join(one.id for one in blocked)
        hint = (first.remedy[0] + "; " if first.remedy else "") + "or leave it out with --skip %s" % first.id
        result = Result("blocked", Blocked.exit_code, message, hint)
    elif told.records:
        count = len([one for one in told.records if not one.one_way])
        steps = len({one.id for one in told.records if not one.one_way})
        message = "%d changes in %d steps%s." % (
            count, steps, ", then %d that cannot be undone" % len(one_way) if one_way else "",
        )  # fmt: skip
        result = Result("would-change", READY, message, "bring it about with: sudo agentprep run", _person(findings))
    else:
        result = Result("ready", READY, "Nothing would be changed.", person=_person(findings))
    return _told("plan", system, policy, told, findings, result)


def prepare(system: System, policy: Policy, choice: Choice, watch: Watch, confirm: Confirm) -> Report:
    """The guest is ready and, unless that was declined, deprovisioned; the report is in /var/lib/agentprep."""
    _known(system)
    runs = Runs(system.guest)
    lock = runs.lock()
    try:
        journal = runs.resumed_or_new(choice.clock)
        told = Told("changed", watch)
        try:
            run(system, policy, choice.steps(), RULES, journal, told)
            return _after(system, policy, choice, watch, confirm, journal, told)
        except (AgentprepError, Interrupted) as error:
            result = failed(error, journal)
            findings = told.findings(choice.steps()) if told.records else []
            ended = Report("run", report.guest(system, policy), findings, told.records, result)
            return _kept(system.guest, ended, True) if journal.entries else ended
    finally:
        os.close(lock)


def _after(
    system: System, policy: Policy, choice: Choice, watch: Watch, confirm: Confirm, journal: Journal, told: Told
) -> Report:
    findings = told.findings(choice.steps())
    bad = [one for one in findings if one.status in NOT_READY]
    last = choice.last_steps(policy)
    person = _person(findings)
    if bad:
        message = "Not brought about: %s." % ", ".join(one.id for one in bad)
        hint = bad[0].remedy[0] if bad[0].remedy else "see the lines above"
        if last:
            hint += "; nothing was deprovisioned; to go on all the same: --skip %s" % ",".join(one.id for one in bad)
        result = Result("not-ready", EXIT_NOT_READY, message, hint, person, TEXT, _undo(journal))
    elif not last:
        changed = len(told.records)
        message = "Done: %s." % ("%d changes" % changed if changed else "nothing had to be changed")
        if choice.deprovision and not choice.only:
            message += " Not deprovisioned, as was asked."
        result = Result("done", READY, message, "", person + _afterwards(choice), TEXT, _undo(journal))
    else:
        return _one_way(system, policy, choice, watch, confirm, journal, told)
    return _kept(system.guest, _told("run", system, policy, told, findings, result), True)


def _one_way(
    system: System, policy: Policy, choice: Choice, watch: Watch, confirm: Confirm, journal: Journal, told: Told
) -> Report:
    last = choice.last_steps(policy)
    ahead = plan(system, policy, last, (), ())
    findings = told.findings(choice.steps())
    guest = report.guest(system, policy)  # while its evidence is still there
    refuse(ahead)
    if ahead.records and not confirm(ahead.records):
        result = Result(
            "declined", EXIT_NOT_READY, "Prepared, but not deprovisioned, since that was declined.",
            "deprovision later with `sudo agentprep run`", _person(findings), TEXT, _undo(journal),
        )  # fmt: skip
        return _kept(system.guest, _told("run", system, policy, told, findings, result), True)
    watch.phase("deprovisioning")
    done = Told("changed", watch)
    if journal.entries:
        journal.mark("deprovisioning")
    try:
        finish(system, policy, last, journal, done)
    except (AgentprepError, Interrupted) as error:
        result = failed(error)._replace(exit_code=HALF_WAY, verdict="failed")
        result = result._replace(
            message=result.message + " The guest is prepared; deprovisioning was begun and is not complete.",
            hint="mend what is said above, then go on with: sudo agentprep run",
        )
        ended = Report("run", guest, findings + done.findings(last), told.records + done.records, result)
        return _kept(system.guest, ended, False)
    Forget(FOLDER + "/runs", "the copies that a rollback would need hold what was just removed").apply(system.guest)
    findings += done.findings(last)
    changed = len(told.records)
    message = "Done: %s, then deprovisioned." % ("%d changes" % changed if changed else "nothing had to be changed")
    steps: Tuple[str, ...] = ()
    if system.live is not None and not choice.poweroff:
        steps += ("power it off now: %s" % POWER_OFF,)
    steps += ("make a fixed VHD of its disk and upload it: agentprep vhd convert DISK VHD, where the disk's file lies",)
    result = Result("done", READY, message, "", _person(findings) + steps, TEXT, "")
    told.records += done.records
    return _kept(system.guest, Report("run", guest, findings, told.records, result), False)


def _afterwards(choice: Choice) -> Tuple[str, ...]:
    if choice.only:
        return ()
    return ("deprovision it when all is well: sudo agentprep run",)


def take_back(
    system: System, policy: Policy, number: Optional[str], force: bool, watch: Watch
) -> Tuple[Report, Optional[TakenBack]]:
    """The sources hold what they held before the last run, or before the run of that number."""
    runs = Runs(system.guest)
    there = [journal for journal in runs.all() if journal.changed]
    if number is not None and int(number) not in [int(journal.name) for journal in runs.all()]:
        raise Usage("there is no run %s on record" % number, "see: agentprep history")
    if not there:
        return _nothing(system, policy, system.guest.exists(JSON)), None
    lock = runs.lock()
    back = None
    person: Tuple[str, ...] = ()
    try:
        there = [journal for journal in runs.all() if journal.changed]
        wanted = [journal for journal in there if number is not None and int(journal.name) >= int(number)]
        if number is None:
            wanted = there[-1:]
        try:
            if len(wanted) == 1:
                check_back(wanted[0], force)
            for journal in reversed(wanted):
                copies = {undo.path: undo.state.get("copy") for undo in journal.undo()}
                back = rollback(system, policy, journal, RULES, force, watch)
                if back.kept:
                    person += tuple(_original(path, copies[path]) for path in back.kept)
                else:
                    Forget(journal.folder + "/before", "taken back").apply(system.guest)
        except (AgentprepError, Interrupted) as error:
            begun = back is not None or any(one.state == "half taken back" for one in wanted)
            return Report("rollback", report.guest(system, policy), [], [], _not_back(error, begun)), None
    finally:
        os.close(lock)
    if back is None:
        return _nothing(system, policy, False), None
    person += _left(wanted)
    hint = ""
    if [journal for journal in there if journal not in wanted]:
        hint = "earlier runs are still in place; take back the last of them with: agentprep rollback"
    message = "Taken back: %d files%s." % (
        len(back.restored), ", %d rebuilt" % len(back.rebuilt) if back.rebuilt else "",
    )  # fmt: skip
    return Report("rollback", report.guest(system, policy), [], [], Result("done", READY, message, hint, person)), back


def _not_back(error: BaseException, begun: bool) -> Result:
    told = failed(error)
    if not begun:
        return told
    words = " The rollback is half-way; begin it again with `agentprep rollback`, or go on with `agentprep run`."
    return told._replace(verdict="failed", exit_code=HALF_WAY, message=told.message + words)


def _original(path: str, copy: Optional[str]) -> str:
    kept = "; what it was before is kept in %s" % copy if copy else ""
    return "%s was left as it is, since somebody changed it%s" % (path, kept)


REMOVALS = {"apt-get": "apt-get purge", "yum": "yum remove", "dnf": "dnf remove", "tdnf": "tdnf remove",
            "zypper": "zypper remove"}  # fmt: skip


def _left(journals: Sequence[Journal]) -> Tuple[str, ...]:
    """What a rollback cannot take back, in words."""
    left: List[str] = []
    for journal in journals:
        if any("deprovisioning" in entry for entry in journal.entries):
            left.append("deprovisioning had begun, and what it removed is gone: see `agentprep explain deprovision`")
        for argv in journal.commands:
            if argv[0] == "swapoff":
                left.append("swap is used again from the next boot, or now with: swapon -a")
            removal = REMOVALS.get(posixpath.basename(argv[0]), "")
            if removal and "install" in argv:
                words = argv[argv.index("install") + 1 :]
                left += [
                    "the package %s stays installed; remove it with: %s %s" % (name, removal, name)
                    for name in words
                    if name[:1] not in "-!"
                ]
    return tuple(dict.fromkeys(left))


def _nothing(system: System, policy: Policy, gone: bool) -> Report:
    message = "There is nothing to take back: no run of agentprep is on record here."
    hint = ""
    if gone:
        message = "There is nothing to take back."
        hint = "%s says what the last run did; after deprovisioning no copy is kept" % TEXT
    return Report("rollback", report.guest(system, policy), [], [], Result("done", READY, message, hint))


def power_off(system: System) -> None:
    """The machine is shutting down, by what runs it (sd_booted(3); shutdown(8) of SysV init and of upstart)."""
    systemd = system.guest.is_folder("/run/systemd/system")
    argv = ("systemctl", "poweroff") if systemd else ("shutdown", "-P", "now")
    Run((argv,), (), "--poweroff").execute(system.guest, 60, None, None)


def failed(error: BaseException, journal: Optional[Journal] = None) -> Result:
    """The result of a command that an error or a signal ended; what is on the disk decides the exit code."""
    if isinstance(error, Interrupted):
        message, hint, code = "Stopped by %s." % error.name, "", Blocked.exit_code
    else:
        assert isinstance(error, AgentprepError)
        message, hint, code = error.message, error.hint, error.exit_code
    message = message if message.endswith((".", "\n")) else message + "."
    if journal is not None and journal.settled:
        message += " The guest is prepared; it was not deprovisioned."
        return Result("declined", EXIT_NOT_READY, message, hint, undo=_undo(journal))
    if journal is not None and (journal.changed or journal.commands) and journal.state != "taken back":
        code = HALF_WAY if code != EXIT_NOT_READY else code
        message += " The guest is half-way; `agentprep run` and `agentprep rollback` are both safe now."
        return Result("failed", code, message, hint, undo="agentprep rollback")
    if journal is not None and code in (Blocked.exit_code, HALF_WAY):
        code = Blocked.exit_code
        message += " Nothing was changed."
    verdict = {2: "usage", 3: "blocked"}.get(code, "failed")
    return Result(verdict, code, message, hint)


def _known(system: System) -> None:
    system.distro  # noqa: B018  raises Unsupported when it is no Linux guest


def _owed(guest: Guest) -> List[str]:
    try:
        latest = Runs(guest).latest()
    except AgentprepError:
        return []  # only root may look at the journal, and a damaged one is a run's matter
    return latest.owed() if latest is not None else []


def _undo(journal: Journal) -> str:
    return "sudo agentprep rollback" if journal.changed else ""


def _person(findings: Sequence[Finding]) -> Tuple[str, ...]:
    return tuple(remedy for one in findings if one.status == "person" for remedy in one.remedy)


def _told(command: str, system: System, policy: Policy, told: Told, findings: List[Finding], result: Result) -> Report:
    seen = report.guest(system.on(Draft(system.guest)), policy)
    return Report(command, seen, findings, told.records, result)


def _kept(guest: Guest, ended: Report, diffs: bool) -> Report:
    """The report as it was written; one that cannot be written does not hide how the run ended."""
    try:
        _keep(guest, ended, diffs)
    except AgentprepError as error:
        hint = "%s%sthe report could not be written: %s" % (
            ended.result.hint, "; " if ended.result.hint else "", error.message,
        )  # fmt: skip
        return ended._replace(result=ended.result._replace(hint=hint, report=""))
    return ended


def _keep(guest: Guest, ended: Report, diffs: bool) -> None:
    Write(TEXT, report.text(ended, diffs).encode("utf-8", "backslashreplace"), "the report", 0o600).apply(guest)
    Write(JSON, report.document(ended, diffs).encode(), "the report", 0o600).apply(guest)
