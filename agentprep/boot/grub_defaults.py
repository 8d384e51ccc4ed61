"""/etc/default/grub and the files that grub-mkconfig sources after it: what they give together, and edits of them.

Defaults(guest, generator)            the files as they are now; Blocked names the file and line of a syntax error
Defaults.value(name)                  what the variable is once all are sourced, "" when none assigns it
Defaults.where(name)                  the file and line that decide it
Defaults.future()                     {"future": arguments, "future (recovery)": ...} of a kernel installed tomorrow
Defaults.with_arguments(add, remove)  {path: new text} after which `future` is as wanted
Defaults.with_values(values)          {path: new text} after which the variables have these values
"""

import posixpath
import re
from typing import Callable, Dict, List, Optional, Sequence

from ..errors import Blocked, Malformed
from ..formats import cmdline, grubcfg, shelledit, shellvars
from ..formats.shellvars import Place, Script
from ..guest import Guest

MAIN = "/etc/default/grub"
DROP_INS = "/etc/default/grub.d/*.cfg"
ALWAYS, NORMAL, RECOVERY = "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_CMDLINE_LINUX_RECOVERY"
NAMES = (ALWAYS, NORMAL, RECOVERY)

# grub-mkconfig assigns these itself before it sources anything; their values are those of the machine it runs on.
OWN = ("DEVICE", "DEVICE_UUID", "DEVICE_PARTUUID", "DEVICE_BOOT", "DEVICE_BOOT_UUID", "FS")
PRESET = Script("".join("GRUB_%s=$(grub-probe)\n" % name for name in OWN), "grub-mkconfig")
# Azure Linux 3's own /etc/default/grub ends with it: its grub2-mkconfig, as upstream's, does not source the folder.
LOOP = re.compile(
    r"(?m)^for (\w+) in /etc/default/grub\.d/\*\.cfg *; *do\s+"
    r"if \[ -e \"?\$\{?\1\}?\"? \]; then\s+\. \"?\$\{?\1\}?\"?(?: \|\| grub_warn [^\n]*)?\s+fi\s+done\s*\Z"
)

Texts = Dict[str, str]
Transform = Callable[[List[str]], List[str]]


class Defaults:
    """The sourced files of a guest; `generator` is the path of its grub-mkconfig, or None on a tree without one."""

    def __init__(self, guest: Guest, generator: Optional[str]) -> None:
        self.guest = guest
        self.head = (guest.text(generator) or "") if generator else ""
        # Debian's and Ubuntu's grub-mkconfig source the folder, stock RHEL's and SUSE's do not.
        texts = {MAIN: guest.text(MAIN) or ""}
        loop = LOOP.search(texts[MAIN])
        self.tail = texts[MAIN][loop.start() :] if loop else ""
        texts[MAIN] = texts[MAIN][: loop.start()] if loop else texts[MAIN]
        if not self.head or loop or "/default/grub.d/" in self.head:
            texts.update({path: guest.text(path) or "" for path in guest.glob(DROP_INS)})
        self.paths = list(texts)
        self.scripts = [_script(path, text) for path, text in texts.items()]
        self._refuse_what_fails()

    # -- what they give --------------------------------------------------------------------------------------
    def value(self, name: str) -> str:
        return _value(self.scripts, name)

    def arguments(self, name: str) -> List[str]:
        """The kernel arguments in the value of a variable."""
        return _arguments(self.scripts, name)

    def where(self, name: str) -> str:
        places = shellvars.contributions(self.scripts, name)
        return "%s, line %d" % (self.paths[places[-1].script], places[-1].assignment.line) if places else MAIN

    def future(self) -> Dict[str, List[str]]:
        return _future(self.scripts)

    # -- edits of the kernel arguments -----------------------------------------------------------------------
    def with_arguments(self, add: Sequence[str], remove: Sequence[str]) -> Texts:
        if _wanted(self.scripts, add, remove) and not self._unwanted(remove):
            return {}
        live = [place for name in NAMES for place in shellvars.contributions(self.scripts, name)]
        base = next((place for place in live if place.assignment.name == ALWAYS), None)
        names = {cmdline.key(argument) for argument in add}
        elsewhere = [word for place in live if place != base for word in self._words(place)]
        moved = [word for word in elsewhere if cmdline.key(word) == "console"] if "console" in names else []

        def transform(place: Place) -> Transform:
            if place == base:
                return lambda old: cmdline.merge(_with(old, moved), add, remove)
            return lambda old: cmdline.without(old, list(remove) + (sorted(names) if place in live else []))

        scripts = [self._edited(index, transform) for index in range(len(self.scripts))]
        if base is None and add:
            text = shelledit.set_value(scripts[0], ALWAYS, " ".join(cmdline.merge(moved, add, remove)))
            scripts[0] = _script(MAIN, text)
        self._prove(scripts, add, remove)
        return self._texts(scripts)

    def _unwanted(self, remove: Sequence[str]) -> bool:
        """Some assignment, be it one that a later one overrides, still has an unwanted argument."""
        places = [Place(i, a) for i, script in enumerate(self.scripts) for a in script.assignments if a.name in NAMES]
        return any(cmdline.without(old, remove) != old for old in map(self._words, places))

    def _words(self, place: Place) -> List[str]:
        return shelledit.words(self.scripts[place.script], place.assignment)

    def _edited(self, index: int, transform: Callable[[Place], Transform]) -> Script:
        script, path = self.scripts[index], self.paths[index]
        for number, assignment in enumerate(script.assignments):
            if assignment.name in NAMES:
                now = script.assignments[number]  # where the edits before have moved it
                try:
                    text = shelledit.edit_words(script, now, transform(Place(index, assignment)))
                except Malformed as error:
                    raise _named(path, error) from None
                script = _script(path, text)
        return script

    def _prove(self, scripts: Sequence[Script], add: Sequence[str], remove: Sequence[str]) -> None:
        """The edit brings about what is wanted; Blocked names the assignment that stands in its way."""
        for kind, given in _future(scripts).items():
            merged = cmdline.merge(given, add, remove)
            if merged == given:
                continue
            name = next((name for name in NAMES if set(_arguments(scripts, name)) - set(merged)), ALWAYS)
            places = shellvars.contributions(scripts, name)
            line = ", line %d" % places[-1].assignment.line if places else ""
            path = self.paths[places[-1].script] if places else MAIN
            raise Blocked(
                "%s%s: %s entries would get %r, which no edit there makes right" % (path, line, kind, " ".join(given)),
                "assign %s plainly there, without other variables in it, then run agentprep again" % name,
            )

    def _refuse_what_fails(self) -> None:
        """grub-mkconfig can source the files: where it cannot, no menu could be made, edited or not."""
        shell = re.match(r"#!\s*(/\S+)", self.head)
        dash = shell is not None and posixpath.basename(self.guest.canonical(shell.group(1))) == "dash"
        for path, script in zip(self.paths, self.scripts):
            alone = re.search(r"(?m)^[ \t]*\r$", script.text)
            if alone:  # a command named CR, which no shell finds; under "set -e" that is the end
                line = script.text.count("\n", 0, alone.start()) + 1
                raise Blocked(
                    "%s, line %d: a carriage return stands alone, with which grub-mkconfig fails" % (path, line),
                    "make the file's lines end as they do on Unix: sed -i 's/\\r$//' %s" % path,
                )
            for assignment in script.assignments:
                if dash and assignment.append:
                    raise Blocked(
                        "%s, line %d: dash does not know +=, so grub-mkconfig fails" % (path, assignment.line),
                        'write %s="$%s ..." instead' % (assignment.name, assignment.name),
                    )

    # -- edits of other variables ----------------------------------------------------------------------------
    def with_values(self, values: Dict[str, str]) -> Texts:
        scripts = list(self.scripts)
        for name, value in values.items():
            if _value(scripts, name) == value:
                continue
            deciding = [i for i, script in enumerate(scripts) if any(a.name == name for a in script.assignments)]
            index = deciding[-1] if deciding else 0
            scripts[index] = _script(self.paths[index], shelledit.set_value(scripts[index], name, value))
            if _value(scripts, name) != value:
                raise Blocked("%s: %s is decided elsewhere" % (self.paths[index], name), "set it to: %s" % value)
        return self._texts(scripts)

    def _texts(self, scripts: Sequence[Script]) -> Texts:
        pairs = zip(self.paths, scripts, self.scripts)
        texts = {path: new.text for path, new, old in pairs if new.text != old.text}
        if MAIN in texts and self.tail:
            texts[MAIN] += ("" if texts[MAIN].endswith("\n") else "\n") + self.tail
        return texts


def _future(scripts: Sequence[Script]) -> Dict[str, List[str]]:
    always, normal, recovery = (_arguments(scripts, name) for name in NAMES)
    future = {"future": always + normal}
    if _value(scripts, "GRUB_DISABLE_RECOVERY") != "true":
        future["future (recovery)"] = (recovery or ["single"]) + always
    return future


def _wanted(scripts: Sequence[Script], add: Sequence[str], remove: Sequence[str]) -> bool:
    return all(cmdline.merge(given, add, remove) == given for given in _future(scripts).values())


def _value(scripts: Sequence[Script], name: str) -> str:
    try:
        return shellvars.evaluate([PRESET] + list(scripts), name) or ""
    except Malformed as error:
        if not error.message.startswith(PRESET.name):
            raise
    place = shellvars.contributions(scripts, name)[-1]
    raise scripts[place.script].unknown(place.assignment.line, "%s is made of what only grub-mkconfig knows" % name)


def _arguments(scripts: Sequence[Script], name: str) -> List[str]:
    """What GRUB makes of a value that 10_linux puts behind the kernel's name."""
    line = _value(scripts, name).replace("\n", " ")
    return grubcfg.entries("menuentry x {\nlinux /x %s\n}\n" % line)[0].arguments


def _with(old: List[str], moved: List[str]) -> List[str]:
    """The consoles that were elsewhere stand behind those here, each once."""
    return old + [word for index, word in enumerate(moved) if word not in old and word not in moved[:index]]


def _script(path: str, text: str) -> Script:
    try:
        return Script(text, path)
    except Malformed as error:
        raise _named(path, error) from None


def _named(path: str, error: Malformed) -> Blocked:
    message = error.message if path in error.message else "%s, %s" % (path, error.message)
    return Blocked(message, error.hint)
