#!/usr/bin/env python3
"""Prints the manual page agentprep(8), made from the same records as `agentprep explain`, `--help` and `policy`."""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from agentprep import __version__, arguments, policy, session  # noqa: E402
from agentprep.deprovision import STEPS as LAST_STEPS  # noqa: E402
from agentprep.steps import STEPS  # noqa: E402


def escaped(text):
    """The text as roff: no line of it is a request."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").splitlines()
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def requirement(step):
    parts = [".TP", "\\fB%s\\fR" % escaped(step.id), escaped(step.title) + "."]
    if step.one_way:
        parts.append("This cannot be undone.")
    for words in (step.reason, "By hand: " + step.remedy, "Source: " + step.source):
        parts += [".IP", "\n.br\n".join(escaped(line) for line in words.splitlines())]
    return "\n".join(parts)


def options(parser):
    out = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        names = ", ".join(action.option_strings) or str(action.metavar)
        value = " " + action.metavar if action.metavar and action.option_strings else ""
        out += [".TP", "\\fB%s\\fR%s" % (escaped(names), escaped(value)), escaped(action.help or "")]
    return "\n".join(out)


def page():
    parser = arguments.parser()
    chosen = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    out = [
        '.TH AGENTPREP 8 "" "agentprep %s" "System Administration"' % __version__,
        ".SH NAME", "agentprep \\- make this Linux guest ready to be uploaded to Azure",
        ".SH SYNOPSIS", ".B agentprep", "[\\fIOPTION\\fR ...] \\fICOMMAND\\fR [\\fIARGUMENT\\fR ...]",
        ".SH COMMANDS",
    ]  # fmt: skip
    for name, words in arguments.COMMANDS:
        out += [".SS %s" % name, escaped(words[0].upper() + words[1:]) + "."]
        own = [one for one in chosen.choices[name]._actions if one.dest not in {a.dest for a in parser._actions}]
        shown = argparse.ArgumentParser(add_help=False)
        shown._actions[:] = own
        out.append(options(shown))
    out += [".SH OPTIONS", options(parser), ".SH EXIT STATUS", escaped("; ".join("%d %s" % one for one in arguments.EXITS))]
    out += [".SH REQUIREMENTS", "The ids are for \\-\\-skip, \\-\\-only and explain, in the order of a run."]
    out += [requirement(step) for step in tuple(STEPS) + tuple(LAST_STEPS)]
    out += [".SH POLICY", "Values of /etc/agentprep.conf, in their sections; see agentprep policy."]
    values = policy.load(None, file=None)
    for name, kind, comment in policy.documented():
        told = "%s; default: %s" % (kind, " ".join(map(str, values.value(name).value)) if isinstance(
            values.value(name).value, list) else values.value(name).value)  # fmt: skip
        out += [".TP", "\\fB%s\\fR" % escaped(name), escaped((comment + " " if comment else "") + "(%s)" % told)]
    out += [
        ".SH FILES", ".TP", "/etc/agentprep.conf", "values of the policy that differ",
        ".TP", escaped(session.TEXT) + ", report.json", "what the last run found and did",
        ".TP", "/var/lib/agentprep/runs", "the journals and the copies that a rollback needs",
    ]  # fmt: skip
    return "\n".join(line for line in out if line) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
