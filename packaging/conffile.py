"""/etc/agentprep.conf: every value commented out, with its meaning, reason, type, range and default."""

import textwrap
from typing import List

import records
import template

WIDTH = 80


def text() -> str:
    return template.filled("agentprep.conf", {"values": "\n".join(_sections())})


def _sections() -> List[str]:
    keys = records.settings()
    out: List[str] = []
    for section in dict.fromkeys(one.section for one in keys):
        out.append("[%s]\n" % section)
        out += [_value(one) for one in keys if one.section == section]
    return out


def _value(one: records.Key) -> str:
    told = [one.comment, "Type: %s. Default: %s" % (one.kind, "none" if one.default == "," else one.default)]
    lines = []
    for words in told:
        lines += textwrap.wrap(
            words, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False, break_long_words=False
        )
    return "%s\n#%s = %s\n" % ("\n".join(lines), one.key, one.default)
