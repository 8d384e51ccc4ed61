"""The completions of bash, zsh and fish: how each shell asks is in templates/, what there is comes from the records.

shtab, which makes completions of argparse parsers, is not used: it completes neither lists with commas nor
SECTION.KEY=, nor the runs on record, so that their code for three shells would be ours all the same; its output differs
from release to release, and today's do not run on Python 3.6, where the committed files are compared with this.
"""

import re
from typing import Callable, Dict, Iterable, List

import records
import template

from agentprep.arguments import ACTIONS, COMMANDS
from agentprep.policy import SHIPPED

IDS = [(one["id"], one["title"]) for one in records.requirements()]
MADE = "Made by packaging/generate.py (make generated): edit packaging/templates or the records."


def bash() -> str:
    every, alone = records.every(), records.alone()
    options = [_bash_case(name, _names(records.own(name) + every) + ["-h", "--help"]) for name, _ in COMMANDS]
    choices = {one.name: one.choices for one in _all() if one.choices}
    values = {
        "made": MADE,
        "valued": " | ".join(_valued()),
        "commands": " ".join(name for name, _ in COMMANDS),
        "alone": " ".join(_names(alone + every)),
        "options": "\n".join(options),
        "choices": "\n".join(_bash_case(name, words) for name, words in choices.items()),
        "policies": " ".join(SHIPPED),
        "settings": " ".join(one.name + "=" for one in records.settings()),
        "values": "\n".join(_bash_case(one.name, one.choices) for one in records.settings() if one.choices),
        "ids": " ".join(name for name, _ in IDS),
        "actions": " ".join(ACTIONS),
    }
    return template.filled("agentprep.bash", values)


def _bash_case(name: str, words: Iterable[str]) -> str:
    return "%s) words='%s' ;;" % (name, " ".join(words))


ZSH: Dict[str, Callable[[records.Word], str]] = {
    "DIR": lambda one: ":folder:_files -/",
    "FILE|NAME": lambda one: ":policy:_agentprep_policies",
    "SECTION.KEY=VALUE": lambda one: ":value of the policy:_agentprep_settings",
    "ID": lambda one: ":requirement:" + (" _agentprep_ids" if one.names else "_agentprep_id"),
    "RUN": lambda one: ":run:_agentprep_runs",
    "FILE": lambda one: ":disk image:_files",
    "VHD": lambda one: ":fixed VHD:_files",
}


def zsh() -> str:
    commands = ["'%s:%s'" % (name, _zsh_quoted(words)) for name, words in COMMANDS]
    cases = []
    for name, _ in COMMANDS:
        specs = ["_arguments $every"] + [_zsh_spec(one) for one in records.own(name)]
        cases.append("(%s)\n  %s && ret=0\n  ;;" % (name, " \\\n    ".join(specs)))
    settings = []
    for one in records.settings():
        value = ":value:(%s)" % " ".join(one.choices) if one.choices else ":%s:" % _zsh_quoted(one.kind, ":")
        settings.append("'%s[%s]%s'" % (one.name, _zsh_quoted(_short(one.comment), "[]"), value))
    values = {
        "made": MADE,
        "every": "\n".join(_zsh_spec(one) for one in records.every()),
        "alone": "\n".join(_zsh_spec(one) for one in records.alone()),
        "commands": "\n".join(commands),
        "cases": "\n".join(cases),
        "policies": "\n".join("'%s'" % name for name in SHIPPED),
        "settings": "\n".join(settings),
        "ids": "\n".join("'%s[%s]'" % (name, _zsh_quoted(title, "[]")) for name, title in IDS),
    }
    return template.filled("_agentprep", values)


def _zsh_spec(one: records.Word) -> str:
    if one.choices:
        value = ":%s:(%s)" % (one.value.lower(), " ".join(one.choices))
    else:
        value = ZSH[one.value](one) if one.value else ""
    if not one.names:
        return "'%s%s'" % ("" if one.required else ":", value)
    told = "[%s]" % _zsh_quoted(one.help, "[]:")
    if one.name in ("--help", "--version"):
        return "\n".join("'(- : *)%s%s'" % (name, told) for name in one.names)
    return "'%s%s%s%s%s'" % ("*" if one.repeated else "", one.name, "=" if one.value else "", told, value)


def _zsh_quoted(text: str, special: str = "") -> str:
    for char in "\\" + special:
        text = text.replace(char, "\\" + char)
    return text.replace("'", "'\\''")


FISH: Dict[str, str] = {
    "DIR": "-x -a '(__fish_complete_directories (commandline -ct))'",
    "FILE|NAME": "-r -F -a '%s'" % " ".join(SHIPPED),
    "SECTION.KEY=VALUE": "-x -a '(__agentprep_settings)'",
    "ID": "-x -a '(__fish_complete_list , __agentprep_ids)'",
}
FISH_ARGUMENTS = {"ID": "-a '(__agentprep_ids)'", "RUN": "-a '(__agentprep_runs)'", "FILE": "-F", "VHD": "-F"}


def fish() -> str:
    free = "__agentprep_free"
    lines = [_fish_line("", one) for one in records.every() + records.alone()[:1]]
    lines += [_fish_line(free, one) for one in records.alone()[1:]]
    for name, words in COMMANDS:
        lines.append("complete -c agentprep -n '%s' -a %s -d %s" % (free, name, _fish_quoted(words)))
    for name, _ in COMMANDS:
        lines += [_fish_line("__agentprep_on %s" % name, one) for one in records.own(name) if one.names]
        arguments = [one for one in records.own(name) if not one.names]
        lines += [_fish_line("__agentprep_on %s %d" % (name, at), one) for at, one in enumerate(arguments)]
    values = {
        "made": MADE,
        "valued": " ".join(_valued()),
        "complete": "\n".join(lines),
        "settings": "\n".join(_fish_pair(one.name + "=", _short(one.comment)) for one in records.settings()),
        "values": "\n".join(
            "case %s\n    printf '%%s\\n' %s" % (one.name, " ".join("%s=%s" % (one.name, word) for word in one.choices))
            for one in records.settings()
            if one.choices
        ),
        "ids": "\n".join(_fish_pair(name, title) for name, title in IDS),
    }
    return template.filled("agentprep.fish", values)


def _fish_line(condition: str, one: records.Word) -> str:
    line = "complete -c agentprep" + (" -n '%s'" % condition if condition else "")
    if not one.names:
        words = "-a '%s'" % " ".join(one.choices) if one.choices else FISH_ARGUMENTS[one.value]
        return "%s %s" % (line, words)
    for name in one.names:
        line += " -l %s" % name[2:] if name.startswith("--") else " -s %s" % name[1:]
    if one.value:
        line += " " + ("-x -a '%s'" % " ".join(one.choices) if one.choices else FISH[one.value])
    return "%s -d %s" % (line, _fish_quoted(one.help))


def _fish_pair(name: str, words: str) -> str:
    return "printf '%%s\\t%%s\\n' %s %s" % (name, _fish_quoted(words))


def _fish_quoted(text: str) -> str:
    return "'%s'" % text.replace("\\", "\\\\").replace("'", "\\'")


def _all() -> List[records.Word]:
    found = records.every() + records.alone()
    for name, _ in COMMANDS:
        found += [one for one in records.own(name) if one not in found]
    return found


def _names(words: List[records.Word]) -> List[str]:
    return [name for one in words for name in one.names]


def _valued() -> List[str]:
    return [name for one in _all() if one.value for name in one.names]


def _short(text: str) -> str:
    """The first clause."""
    return re.split(r"[.:;] | \(", text)[0].rstrip(".")
