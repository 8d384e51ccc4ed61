"""Plan, run, verify and rollback: the same steps over different worlds.

A plan walks the steps on a draft; a run walks the same steps on the guest with a journal; verifying is planning again
and finding nothing; a check is the plan told as verdicts.
"""

import fnmatch
from itertools import chain
from typing import Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple, Union

from . import preflight
from .changes import Change, Remove, Run, Write, failure
from .commands import end_group, ours
from .errors import AgentprepError, Blocked, Conflict, Interrupted, Unknown, Unsettled
from .guest import Draft, Guest
from .journal import Journal, Runs, Undo
from .policy import Policy
from .step import Fact, Item, Rule, Step, Work
from .system import System
from .verdicts import STATUSES, Finding, Record


class Watch:
    """What a run tells while it goes on; this one keeps silent."""

    def phase(self, words: str) -> None:
        """A part of the run begins."""

    def step(self, work: Work) -> None:
        """A step begins."""

    def change(self, record: Record) -> None:
        """A change is about to be made."""

    def line(self, argv: Tuple[str, ...], text: str) -> None:
        """A command that runs printed a line; an empty one is a heartbeat."""

    def finding(self, finding: Finding) -> None:
        """A step has its verdict."""


class End:
    """The end of a step in a walk."""


class Told:
    """What the steps said, gathered into one finding per requirement."""

    def __init__(self, changed: str, watch: Watch) -> None:
        self.changed, self.watch = changed, watch
        self.records: List[Record] = []
        self.facts: List[Tuple[str, Fact]] = []
        self.errors: List[Tuple[str, AgentprepError]] = []

    def findings(self, steps: Iterable[Step]) -> List[Finding]:
        return [self.finding(step) for step in steps]

    def finding(self, step: Step) -> Finding:
        facts = [fact for name, fact in self.facts if name == step.id]
        errors = [error for name, error in self.errors if name == step.id]
        records = [record for record in self.records if record.id == step.id]
        statuses = [fact.verdict if fact.verdict in STATUSES else "ok" for fact in facts]
        statuses += ["skipped" if isinstance(error, Unknown) else "blocked" for error in errors]
        statuses += [self.changed] if records else []
        status = min(statuses, key=STATUSES.index) if statuses else "ok"
        said = [error.message for error in errors]
        if records and status in ("would-change", "skipped"):  # what is to be, is not yet to be told as a fact
            said += [record.change.why for record in records]
            facts = [fact for fact in facts if fact.verdict != "ok"]
        if status == "changed":  # what holds now comes first
            facts.sort(key=lambda fact: fact.verdict != "ok")
        said += [fact.evidence for fact in facts]
        said += [] if said else [record.change.why for record in records]
        remedy = [error.hint for error in errors if error.hint] + [fact.remedy for fact in facts if fact.remedy]
        return Finding(step.id, step.title, status, _unique(said), _unique(remedy), step.source, step.one_way)


def walk(
    system: System, policy: Policy, steps: Sequence[Step], rules: Sequence[Rule], owed: Sequence[str]
) -> Iterator[Tuple[Work, Union[Item, AgentprepError, End, None]]]:
    """Every change and fact of the steps, then of the rules; None marks the beginning of each, an End its end.

    A change must have taken effect, on a draft or on the disk, when the walk is resumed.  An error that a step raises
    is yielded and ends that step only; what to do about it is the consumer's matter.
    """
    touched = [(path, "was written by a run that was cut") for path in owed]
    chosen = {step.id for step in steps}
    for work in tuple(steps) + tuple(rules):
        if isinstance(work, Rule):
            cause = next((" ".join(one) for one in touched if _matches(one[0], work.sources)), "")
            if not cause and work.id not in chosen:
                continue  # left out by --skip or --only, and nothing that it derives from was touched
        yield work, None
        if isinstance(work, Rule):
            system.touched = [path for path, _ in touched]
            asked = policy if work.id in chosen else policy.without(work.id)
            items = work.changes(system, asked, cause)
        else:
            items = work.changes(system, policy)
        try:
            for item in items:
                yield work, item
                if not isinstance(item, Fact):
                    touched += [(system.guest.canonical(path, not isinstance(item, Remove)), "was changed")
                                for path in item.touches()]  # fmt: skip
        except AgentprepError as error:
            yield work, error
        yield work, End()


def plan(
    system: System, policy: Policy, steps: Sequence[Step], rules: Sequence[Rule], owed: Sequence[str] = (),
    watch: Optional[Watch] = None,
    last: Sequence[Step] = (),
) -> Told:  # fmt: skip
    """What the steps would do, in order, each change shown on top of those before it; nothing is written anywhere.

    The `last` steps come after the rules, on the same draft.
    """
    draft = Draft(system.guest)
    told = Told("would-change", watch or Watch())
    imagined = system.on(draft)
    for work, item in chain(walk(imagined, policy, steps, rules, owed), walk(imagined, policy, last, (), ())):
        if item is None:
            told.watch.step(work)
            draft.guessing = False
        elif isinstance(item, Fact):
            told.facts.append((work.id, item))
        elif isinstance(item, AgentprepError):
            told.errors.append((work.id, item))
        elif not isinstance(item, End):
            told.records.append(_record(work, item, draft))
            item.imagine(draft)
    return told


def _record(work: Work, change: Change, guest: Guest) -> Record:
    guessed = isinstance(guest, Draft) and guest.guessing
    return Record(work.id, change, change.show(guest), guessed, isinstance(work, Step) and work.one_way)


def run(
    system: System, policy: Policy, steps: Sequence[Step], rules: Sequence[Rule], journal: Journal, told: Told
) -> None:
    """Every requirement that agentprep can bring about holds, and that was verified by planning again.

    `told` has what was done, also when it ends with an error.  Raises Blocked with nothing changed when a step cannot
    start or a file could not be written; Unsettled when a requirement does not hold after all.  Any other error, and a
    signal, leaves the journal for a resumed run or a rollback; before the first command has run everything is taken
    back at once.
    """
    watch = told.watch
    watch.phase("looking")
    _clear(system.guest)
    planned = plan(system, policy, steps, rules, journal.owed())
    refuse(planned)
    if not planned.records and not journal.entries:
        told.facts, told.errors = planned.facts, planned.errors
        for step in steps:
            watch.finding(told.finding(step))
        return
    preflight.check(system.guest, policy, [record.change for record in planned.records])
    watch.phase("changing")
    try:
        _carry_out(told, steps, rules, journal.owed(), (system, policy, journal))
    except (AgentprepError, Interrupted):
        if journal.changed and not journal.commands:
            take_back(journal, journal.undo())
        raise
    watch.phase("verifying")
    _verify(plan(system.on(system.guest), policy, steps, rules))
    journal.settle()


def finish(system: System, policy: Policy, steps: Sequence[Step], journal: Journal, told: Told) -> None:
    """The one-way steps were taken; nothing of them can be undone."""
    _carry_out(told, steps, (), (), (system.on(system.guest), policy, journal))


def _carry_out(
    told: Told, steps: Sequence[Step], rules: Sequence[Rule], owed: Sequence[str], world: Tuple[System, Policy, Journal]
) -> None:
    system, policy, journal = world
    titles = {step.id: step for step in steps}
    derived = {rule.id for rule in rules}
    for work, item in walk(system, policy, steps, rules, owed):
        if item is None:
            told.watch.step(work)
        elif isinstance(item, End):
            if work.id in titles and (isinstance(work, Rule) or work.id not in derived):
                told.watch.finding(told.finding(titles[work.id]))
        elif isinstance(item, Fact):
            told.facts.append((work.id, item))
        elif isinstance(item, Unknown):
            told.errors.append((work.id, item))
        elif isinstance(item, AgentprepError):
            raise item
        else:
            record = _record(work, item, system.guest)
            told.records.append(record)
            told.watch.change(record)
            notes = make(item, work.id, system.guest, policy, journal, told.watch.line)
            told.facts += [(work.id, Fact("note", note)) for note in notes]


def make(
    change: Change,
    step: str,
    guest: Guest,
    policy: Policy,
    journal: Journal,
    line: Callable[[Tuple[str, ...], str], None],
    rebuilt: bool = False,
) -> List[str]:
    """The change is journaled and made; returns the notes of failures that it tolerates."""
    try:
        journal.note(step, change, rebuilt)
        if not isinstance(change, Run):
            change.apply(guest)
            return []
    except OSError as error:
        raise failure(error.filename or getattr(change, "path", ""), error) from None
    try:
        return change.execute(guest, policy.number("limits.command"), line, journal.started)
    finally:
        journal.ran()  # however it ended, no process of it is left


def _clear(guest: Guest) -> None:
    """No child of an earlier run is left, and no half-written file of its."""
    for journal in Runs(guest).all():
        for group in journal.groups():
            if ours(group):
                end_group(group)
        journal.sweep()


def refuse(planned: Told) -> None:
    """Nothing of the plan is blocked; raises Blocked with the first that is."""
    for name, error in planned.errors:
        if not isinstance(error, Unknown):
            raise Blocked(
                "%s: %s" % (name, error.message),
                "%s%sor leave this out with: --skip %s" % (error.hint, "; " if error.hint else "", name),
            )


def _verify(left: Told) -> None:
    undone = _unique(record.id for record in left.records) + tuple(name for name, error in left.errors)
    errors = [error.message for _, error in left.errors if not isinstance(error, Unknown)]
    if left.records or errors:
        shown = "".join([record.shown for record in left.records[:3]] + errors)
        raise Unsettled(
            "after the run these are still not as they should be: %s\n%s" % (", ".join(undone), shown),
            "run agentprep again; take everything back with: agentprep rollback",
        )


# -- rollback ------------------------------------------------------------------------------------------------
class TakenBack(NamedTuple):
    """What a rollback did, left as it was because somebody changed it, or rebuilt."""

    restored: Tuple[str, ...]
    kept: Tuple[str, ...]
    rebuilt: Tuple[str, ...]


def rollback(
    system: System, policy: Policy, journal: Journal, rules: Sequence[Rule], force: bool, watch: Watch
) -> TakenBack:
    """Every source holds what it held before the run, metadata and all, and what derives from them fits again.

    Raises Conflict, with nothing taken back, when somebody has edited a source since; with `force` such files stay as
    they are and the others are taken back.  A derived file that somebody rebuilt since is rebuilt again.
    """
    check_back(journal, force)
    _clear(system.guest)
    watch.phase("taking back")
    kept = out_of_reach(journal)
    undo = [one for one in journal.undo() if one not in kept]
    take_back(journal, undo, finished=False)
    rebuilt: List[str] = []
    stale = {one.step for one in kept if one.derived}
    if stale:
        try:
            for rule in rules:
                if rule.id in stale and any(_matches(one.path, rule.sources) for one in undo):
                    rebuilt += _rebuild(system, policy.without(rule.id), rule, journal, watch)
        except (AgentprepError, Interrupted):
            journal.sweep()
            raise
    journal.mark("undone")
    left = tuple(one.path for one in kept if not one.derived)
    return TakenBack(tuple(one.path for one in undo), left, tuple(rebuilt))


def check_back(journal: Journal, force: bool) -> None:
    """A rollback of the run can go ahead; raises Conflict, with nothing taken back, where it must be forced."""
    edited = [undo.path for undo in out_of_reach(journal) if not undo.derived]
    if edited and not force:
        one = len(edited) == 1
        raise Conflict(
            "%s %s changed after agentprep wrote %s, or the copy of it was; nothing was taken back"
            % (", ".join(edited), "was" if one else "were", "it" if one else "them"),
            "take back all other files with: agentprep rollback --force",
        )


def out_of_reach(journal: Journal) -> List[Undo]:
    """What a rollback leaves as it is: somebody changed it since, or the copy is no longer what was kept."""
    conflicts = journal.conflicts()
    return [undo for undo in journal.undo() if undo in conflicts or not journal.sound(undo)]


def _rebuild(system: System, policy: Policy, rule: Rule, journal: Journal, watch: Watch) -> List[str]:
    """The paths that were derived anew from the sources as they are now, whatever the policy asks."""
    paths = []
    watch.step(rule)
    for item in rule.changes(system.on(system.guest), policy, "taken back"):
        if not isinstance(item, Fact):
            watch.change(_record(rule, item, system.guest))
            make(item, rule.id, system.guest, policy, journal, watch.line, rebuilt=True)
            paths += [path for path in item.touches() if isinstance(item, Write)]
    return paths


def take_back(journal: Journal, undo: Sequence[Undo], finished: bool = True) -> None:
    """Each path holds what it held before the run."""
    journal.mark("undoing")
    for one in undo:
        journal.restore(one)
    journal.without_folders()
    if finished:
        journal.mark("undone")


def selected(steps: Sequence[Step], skip: Sequence[str], only: Sequence[str]) -> Tuple[Step, ...]:
    """The steps that `--skip` and `--only` leave."""
    return tuple(step for step in steps if step.id not in skip and (not only or step.id in only))


def history(guest: Guest) -> List[Journal]:
    """Every run that is on record, the oldest first."""
    return Runs(guest).all()


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _unique(words: Iterable[str]) -> Tuple[str, ...]:
    seen: List[str] = []
    for word in words:
        if word and word not in seen:
            seen.append(word)
    return tuple(seen)
