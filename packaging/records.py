"""What the generated files are made from: the command line's grammar, the requirements, the policy's values."""

import argparse
from typing import Any, Dict, List, NamedTuple, Tuple

from agentprep import policy, report
from agentprep.arguments import COMMANDS, parser
from agentprep.deprovision import STEPS as LAST_STEPS
from agentprep.steps import STEPS

Actions = List[argparse.Action]


class Word(NamedTuple):
    """An option (with its names) or an argument (without) of the command line.

    `value` is what --help calls its value, "" for a flag; `choices` are the values that it takes, () for any.
    """

    names: Tuple[str, ...]
    value: str
    choices: Tuple[str, ...]
    help: str
    repeated: bool
    required: bool

    @property
    def name(self) -> str:
        """The long name of an option, the value's name of an argument."""
        return self.names[-1] if self.names else self.value


class Key(NamedTuple):
    """A value of the policy: where it stands, what it may be, its default as a file has it, meaning and reason."""

    section: str
    key: str
    kind: str
    choices: Tuple[str, ...]
    default: str
    comment: str

    @property
    def name(self) -> str:
        return "%s.%s" % (self.section, self.key)


def every() -> List[Word]:
    """The options that stand before a command and behind it."""
    top = {action.dest for action in parser()._actions}
    return [one for one in _words(_commands()[COMMANDS[0][0]]) if _dest(one) in top and one.name != "--help"]


def alone() -> List[Word]:
    """The options that stand without a command."""
    common = every()
    return [one for one in _words(parser()._actions) if one not in common]


def own(command: str) -> List[Word]:
    """The options and arguments of one command, without those of every command."""
    common = every()
    return [one for one in _words(_commands()[command]) if one not in common and one.name != "--help"]


def requirements() -> List[Dict[str, Any]]:
    """Every requirement, in the order of a run."""
    return [report.requirement(step) for step in tuple(STEPS) + tuple(LAST_STEPS)]


def settings() -> List[Key]:
    """Every value of the policy, in the order of policy.spec; raises ValueError for one without a reason."""
    defaults = policy.load(None, file=None)
    found = []
    for name, kind, comment in policy.documented():
        if not comment:
            raise ValueError("policy.spec says nothing of %s: write above it what it means and why" % name)
        section, key = name.split(".", 1)
        choices: Tuple[str, ...] = ("yes", "no") if kind == policy.KINDS["boolean"] else ()
        if kind.startswith("one of "):
            choices = tuple(kind[len("one of ") :].split(", "))
        default = report.written(defaults.value(name).value)
        found.append(Key(section, key, kind, choices, default, comment))
    return found


def _commands() -> Dict[str, Actions]:
    chosen = next(one for one in parser()._actions if isinstance(one, argparse._SubParsersAction))
    return {name: one._actions for name, one in chosen.choices.items()}


def _words(actions: Actions) -> List[Word]:
    shown = [one for one in actions if not isinstance(one, argparse._SubParsersAction)]
    return [_word(one) for one in shown if one.help != argparse.SUPPRESS]


def _word(action: argparse.Action) -> Word:
    choices = tuple(str(one) for one in action.choices or ())
    value = "" if action.nargs == 0 else str(action.metavar or (action.dest.upper() if choices else ""))
    if action.nargs != 0 and not value:
        raise ValueError("the option %s has a value without a name: give it a metavar" % action.dest)
    repeated = isinstance(action, argparse._AppendAction)
    return Word(tuple(action.option_strings), value, choices, action.help or "", repeated, action.required)


def _dest(word: Word) -> str:
    return word.name.lstrip("-").replace("-", "_")
