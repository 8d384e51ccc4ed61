"""Variables of sourced shell files (/etc/default/grub, initramfs.conf), known without running anything.

    Script(text, name)                    the parsed file; ``name`` is for messages only
    Script.assignments                    every Assignment in order: name, append, certain, line, spans, parts
    evaluate(scripts, name)               its value after sourcing the scripts in order in one sh; None: never assigned
    known(scripts)                        {name: value} of all variables whose value can be known
    base(scripts, name)                   the Place (script index, assignment) where additions belong
    contributions(scripts, name)          the base and all Places that add to it afterwards
    refers(assignment, name)              True if the value is made from that variable's earlier value

What only a shell can know (command substitution, conditions, functions, ``.``, ``eval``) is never guessed: Malformed
names the line.  ``A+=b`` appends, as in bash; in dash it is an error, which ``Assignment.append`` lets callers judge.
Edits are in shelledit.py.
"""

import re
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

from agentprep.errors import Malformed
from agentprep.formats.shellsyntax import Command, commands
from agentprep.formats.shellwords import EXPANSION, NAME, TEXT, VARIABLE, Part, Word

_ASSIGNMENT = re.compile(r"(%s)(\+?)=" % NAME)
# Builtins that set the variables which their arguments name, that can set any, that may end the file.
_SETTERS = frozenset(
    ["read", "unset", "getopts", "readonly", "declare", "typeset", "local", "let", "printf", "mapfile", "readarray"]
)
_ANYTHING = frozenset([".", "source", "eval", "trap", "alias", "unalias", "enable", "time", "coproc"])
_LEAVING = frozenset(["return", "exit", "exec"])
_FOR_GOOD = frozenset(["readonly", "declare", "typeset"])
# Set by the shell or its caller, so that "never assigned" does not mean empty.
_INHERITED = re.compile(
    r"HOME|PATH|PWD|OLDPWD|USER|LOGNAME|SHELL|SHLVL|LANG|LANGUAGE|LC_.*|TERM|IFS|PPID|HOSTNAME|RANDOM|SECONDS|E?UID"
    r"|LINENO|REPLY|MAPFILE|COPROC.*|OPTARG|OPTIND|OPTERR|PS[1-4]|BASH.*|HOSTTYPE|MACHTYPE|OSTYPE|DIRSTACK|GROUPS"
    r"|SHELLOPTS|PIPESTATUS|MAIL|TMPDIR|_"
)
# ${A:+word} and its kin: what tuned appends to /etc/default/grub is one.
_CHOICE = re.compile(r"\$\{(%s)(:?)([-+])((?:[^\\$`\"'{}~\n]|\$%s|\$\{%s\})*)\}" % (NAME, NAME, NAME))
_HINT = "Assign the variable plainly after that line, or in a file that is read later."
ANY = ""


class Assignment(NamedTuple):
    """One assignment; spans count characters of the text, the value is from ``value_start`` to ``end``."""

    name: str
    append: bool
    certain: bool  # it is always carried out, and lasts
    line: int
    start: int
    value_start: int
    end: int
    parts: Tuple[Part, ...]


class Clobber(NamedTuple):
    """From this line on a variable (ANY: each) has a value that only a shell knows."""

    name: str
    line: int
    reason: str


class Place(NamedTuple):
    """An assignment and the index of its script."""

    script: int
    assignment: Assignment


class Script:
    """One file; ``effects`` happen where they stand, ``anytime`` are those of its functions."""

    def __init__(self, text: str, name: str = "") -> None:
        self.text = text
        self.name = name
        self.effects: List[Union[Assignment, Clobber]] = []
        self.anytime: List[Clobber] = []
        self.left = 0  # the line of a "return" or "exit": what follows may never be reached
        for command in commands(text):
            self._note(command)
        self.assignments = [effect for effect in self.effects if isinstance(effect, Assignment)]

    def unknown(self, line: int, reason: str) -> Malformed:
        """An error that names the line of this script."""
        return Malformed(f"{self.name + ', ' if self.name else ''}line {line}: {reason}", _HINT)

    def _note(self, command: Command) -> None:
        words = list(command.words)
        count = next((i for i, word in enumerate(words) if not self._assigns(word)), len(words))
        certain = command.certain and not self.left
        found: List[Union[Assignment, Clobber]] = []
        found += [self._assignment(word, certain and count == len(words)) for word in words[:count]]
        found += self._done_by(words[count:], command, certain)
        found += [Clobber(name, command.line, "an expansion or a loop assigns it") for name in command.assigned]
        if command.in_function:
            self.anytime += [Clobber(effect.name, effect.line, "a function assigns it") for effect in found]
        else:
            self.effects += found

    def _assigns(self, word: Word) -> bool:
        return bool(_ASSIGNMENT.match(self.text, word.start))

    def _assignment(self, word: Word, certain: bool) -> Assignment:
        match = _ASSIGNMENT.match(self.text, word.start)
        name, plus = match.groups() if match else ("", "")
        value_start = word.start + len(name) + len(plus) + 1
        parts: List[Part] = []
        for part in word.parts:
            if part.start >= value_start or not match:
                parts.append(part)
            elif part.end > value_start:
                parts.append(part._replace(value=self.text[value_start : part.end], start=value_start))
        tilde = re.search(r"[=:](?:\\\n)*~", self.text[value_start - 1 : word.end])
        if tilde:  # a home folder, unless it is quoted: not worth telling
            parts = [p if "~" not in p.value or p.quote else p._replace(kind=EXPANSION) for p in parts]
        line = self.text.count("\n", 0, word.start) + 1
        return Assignment(name, bool(plus), certain, line, word.start, value_start, word.end, tuple(parts))

    def _done_by(self, words: List[Word], command: Command, certain: bool) -> List[Union[Assignment, Clobber]]:
        """What a command with its arguments does to variables."""
        if not words:
            return []
        names = [_literal(word) for word in words]
        verb, line = names[0], command.line
        if verb in ("command", "builtin"):
            rest = next((i for i, name in enumerate(names) if i and not (name or "").startswith("-")), len(names))
            looks = any("v" in (name or "").lower() for name in names[1:rest])
            return [] if looks else self._done_by(words[rest:], command, certain)
        if verb in _LEAVING and (verb != "exec" or len(words) > 1) and not command.in_function:
            self.left = self.left or line
            return []
        if verb is None or verb in _ANYTHING:
            return [Clobber(ANY, line, f"{self.text[words[0].start : words[0].end]!r} may assign any variable")]
        odd = bool(re.match(r"%s(\+?=|\[)" % NAME, verb))  # A[1]=b, or a name that goes on in the next line
        if verb == "export":
            return self._exported(words[1:], line, certain)
        if odd or (verb in _SETTERS and (verb != "printf" or any((name or "").startswith("-v") for name in names))):
            if None in names:
                return [Clobber(ANY, line, f"{verb!r} may assign any variable")]
            arguments = [re.sub(r"^-[a-zA-Z]", "", name or "") for name in names]  # -vNAME
            found = [Clobber(n, line, f"{verb!r} sets it") for a in arguments for n in re.findall(NAME, a)]
            if verb in _FOR_GOOD:
                self.anytime += found
            return list(found)
        return []

    def _exported(self, words: List[Word], line: int, certain: bool) -> List[Union[Assignment, Clobber]]:
        found: List[Union[Assignment, Clobber]] = []
        for word in words:
            # dash splits and globs the arguments of export, bash does not
            plain = all(p.quote or (p.kind == TEXT and not re.search(r"[*?\[{~]", p.value)) for p in word.parts)
            if self._assigns(word):
                found.append(self._assignment(word, certain and plain))
            elif _literal(word) is None:
                found.append(Clobber(ANY, line, "'export' may assign any variable"))
        return found


def evaluate(scripts: Sequence[Script], name: str) -> Optional[str]:
    """The variable's value after sourcing all scripts; None: none assigns it; Malformed: only a shell knows."""
    value = _sourced(scripts).value(name)
    if isinstance(value, Malformed):
        raise value
    return value


def known(scripts: Sequence[Script]) -> Dict[str, str]:
    """The variables that the scripts assign, without those whose value only a shell can know."""
    shell = _sourced(scripts)
    values = {name: shell.value(name) for name in shell.values}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def base(scripts: Sequence[Script], name: str) -> Optional[Place]:
    """The last assignment that does not refer to the variable itself; None where every one does, or there is none."""
    places = contributions(scripts, name)
    return places[0] if places and not refers(places[0].assignment, name) else None


def contributions(scripts: Sequence[Script], name: str) -> List[Place]:
    """The base, if there is one, and what adds to it later; Malformed where another assignment may replace them."""
    places: List[Place] = []
    doubt = None
    for index, script in enumerate(scripts):
        for effect in script.effects:
            if isinstance(effect, Clobber):
                if effect.name in (name, ANY):
                    doubt = script.unknown(effect.line, f"the value of {name} is not known: {effect.reason}")
            elif effect.name == name and refers(effect, name):
                places.append(Place(index, effect))
            elif effect.name == name and effect.certain:
                places, doubt = [Place(index, effect)], None
            elif effect.name == name:
                doubt = script.unknown(effect.line, f"{name} is assigned on a condition")
    for script in scripts:
        for clobber in script.anytime:
            if clobber.name in (name, ANY):
                doubt = script.unknown(clobber.line, f"the value of {name} is not known: {clobber.reason}")
    if doubt:
        raise doubt
    return places


def refers(assignment: Assignment, name: str) -> bool:
    """True for ``A+=..``, ``A="$A .."`` and for an expansion that mentions the name."""
    mentioned = [p.value for p in assignment.parts if p.kind != TEXT]
    return assignment.append or any(name in re.findall(NAME, text) for text in mentioned)


def _literal(word: Word) -> Optional[str]:
    return "".join(p.value for p in word.parts) if all(p.kind == TEXT for p in word.parts) else None


_Value = Union[None, str, Malformed]


class _Shell:
    """The variables of one shell that sources the scripts."""

    def __init__(self) -> None:
        self.values: Dict[str, _Value] = {}
        self.default: Optional[Malformed] = None
        self.anytime: Dict[str, Malformed] = {}

    def value(self, name: str) -> _Value:
        return self.anytime.get(ANY) or self.anytime.get(name) or self.values.get(name, self.default)

    def source(self, script: Script) -> None:
        for effect in script.effects:
            if isinstance(effect, Assignment):
                self.values[effect.name] = self._assigned(script, effect)
                continue
            unknown = script.unknown(effect.line, f"the value is not known without running it: {effect.reason}")
            if effect.name == ANY:
                self.values, self.default = {}, unknown
            else:
                self.values[effect.name] = unknown

    def _assigned(self, script: Script, assignment: Assignment) -> _Value:
        if not assignment.certain:
            return script.unknown(assignment.line, f"{assignment.name} is assigned on a condition")
        total = ""
        parts = list(assignment.parts)
        if assignment.append:
            parts.insert(0, Part(VARIABLE, assignment.name, 0, 0, ""))
        for part in parts:
            value: _Value = part.value
            if part.kind == EXPANSION:
                choice = _CHOICE.fullmatch(part.value)
                value = self._chosen(choice) if choice else None
            elif part.kind == VARIABLE:
                value = self.value(part.value)
            if isinstance(value, Malformed):
                return value
            if value is None and (part.kind == EXPANSION or _INHERITED.fullmatch(part.value)):
                return script.unknown(
                    assignment.line,
                    f"the value of {assignment.name} is not known without running it: {part.value!r}",
                )
            total += value or ""
        return total

    def _chosen(self, choice: "re.Match[str]") -> _Value:
        """The value of ${A-word}, ${A:-word}, ${A+word} or ${A:+word}; None where only a shell knows."""
        name, colon, sign, word = choice.groups()
        now = self.value(name)
        if isinstance(now, Malformed) or (now is None and _INHERITED.fullmatch(name)):
            return now  # None: the environment may have it
        there = bool(now) if colon else now is not None
        if there != (sign == "+"):
            return now or ""
        given = {one: self.value(one) for one in re.findall(r"\$\{?(%s)" % NAME, word)}
        unknown = next((value for value in given.values() if isinstance(value, Malformed)), None)
        if unknown or any(value is None and _INHERITED.fullmatch(one) for one, value in given.items()):
            return unknown  # or None
        return re.sub(r"\$(?:(%s)|\{(%s)\})" % (NAME, NAME), lambda m: str(given[m.group(1) or m.group(2)] or ""), word)


def _sourced(scripts: Sequence[Script]) -> _Shell:
    shell = _Shell()
    for script in scripts:
        for clobber in script.anytime:
            shell.anytime[clobber.name] = script.unknown(clobber.line, f"the value is not known: {clobber.reason}")
    for script in scripts:
        shell.source(script)
    return shell
