"""agentprep(8) and agentprep.conf(5): what persons wrote, in templates/, with what the records say."""

from typing import Dict, List

import records
import roff
import template

from agentprep import __version__, distros, policy, report
from agentprep.arguments import COMMANDS, EXITS, FORMATS
from agentprep.engine import STATUSES


def manual() -> str:
    """agentprep(8)."""
    values: Dict[str, str] = {"version": __version__, "synopsis": _synopsis(), "requirements": _requirements()}
    for code, words in EXITS:
        values["exit %d" % code] = "%s\n%s" % (roff.bold(str(code)), roff.prose(roff.sentence(words)))
    for name, words in COMMANDS:
        values["command %s" % name] = roff.prose(roff.sentence(words))
        values.update(("%s %s" % (name, one.name), _word(one)) for one in records.own(name))
    values.update(("option %s" % one.name, _word(one)) for one in records.alone() + records.every())
    values.update(("format %s" % name, roff.bold(name)) for name in FORMATS)
    values.update(("verdict %s" % name, roff.bold(report.WORDS.get(name, name))) for name in STATUSES)
    return template.filled("agentprep.8", values)


def format_manual() -> str:
    """agentprep.conf(5)."""
    keys = records.settings()
    values = {"version": __version__, "families": roff.prose(", ".join(distros.FAMILIES) + ".")}
    values.update(("policy %s" % name, roff.bold(name)) for name in policy.SHIPPED)
    for section in dict.fromkeys(one.section for one in keys):
        values["section %s" % section] = "\n".join(_key(one) for one in keys if one.section == section)
    return template.filled("agentprep.conf.5", values)


def _synopsis() -> str:
    lines = []
    for name, _ in COMMANDS:
        lines += ['.SY "agentprep %s"' % name, "[\\fIOPTION\\fR\\~.\\|.\\|.]\\&"]
        lines += [_place(one) for one in sorted(records.own(name), key=lambda one: not one.names)]
        lines.append(".YS")
    lines += [".SY agentprep", "[%s]" % "|".join(roff.bold(one.name) for one in records.alone()), ".YS"]
    return "\n".join(lines)


def _place(one: records.Word) -> str:
    """The word as it stands in the synopsis."""
    usage = _usage(one) if one.required else "[%s]" % _usage(one)
    return usage + ("\\~.\\|.\\|.\\&" if one.repeated else "")


def _usage(one: records.Word) -> str:
    parts = [roff.bold(one.name)] if one.names else []
    return "\\~".join(parts + ([roff.italic(one.value)] if one.value else []))


def _word(one: records.Word) -> str:
    names = [roff.bold(name) for name in one.names]
    head = ", ".join(names) + (" " if names and one.value else "") + (roff.italic(one.value) if one.value else "")
    return ".TP\n%s\n%s%s" % (head, roff.prose(roff.sentence(one.help)), _choices(one))


def _choices(one: records.Word) -> str:
    if all(choice in one.help for choice in one.choices):
        return ""
    return "\nOne of %s." % ", ".join(roff.bold(choice) for choice in one.choices)


def _requirements() -> str:
    out: List[str] = []
    for one in records.requirements():
        out += [".TP", roff.bold(one["id"]), roff.broken(roff.italic(one["title"]) + "."), ".br"]
        out += ["This cannot be undone."] * one["one_way"]
        out.append(roff.prose(one["reason"]))
    return "\n".join(out)


def _key(one: records.Key) -> str:
    default = "none" if one.default == "," else one.default
    lines = [".TP", "%s = %s" % (roff.bold(one.key), roff.italic(one.kind)), roff.prose(one.comment)]
    return "\n".join(lines + [".br", roff.broken("Default: %s" % roff.bold(default))])
