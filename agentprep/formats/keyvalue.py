"""waagent.conf, read as the agents of today read it and written so that every agent since 2.0 reads the same.

    values(text)                          {key: value} of all keys that are set
    get(text, key)                        one of them, or None: the agent's default applies
    set_values(text, {key: value})        text in which each key has that value; all other lines are the same bytes
    parse_os_release(text)                {name: value} of /etc/os-release

The reading is that of ConfigurationProvider.load() in WALinuxAgent's azurelinuxagent/common/conf.py (2.2.20 to 2.16).
"""

import re
from typing import Dict, List, Mapping, Optional, Tuple

from agentprep.errors import Malformed
from agentprep.formats import lines

# 2.0 to 2.2.11 end a value at a blank, up to 2.2.13 at a second "=", later ones at a "#"; all of them strip or keep
# quotes differently.
_UNSAFE = re.compile(r"[\s#=\"']")


def values(text: str) -> Dict[str, str]:
    """What the agent reads: the last of several lines wins, ``#`` cuts the value, ``None`` means the default."""
    found: Dict[str, str] = {}
    for line in text.split("\n"):
        key, value = _setting(line)
        found.pop(key, None)
        if key and value != "None":
            found[key] = value
    return found


def get(text: str, key: str) -> Optional[str]:
    """The value that the agent uses for a key; None where its own default applies."""
    return values(text).get(key)


def set_values(text: str, settings: Mapping[str, str]) -> str:
    """Each key stands there exactly once, as ``Key=value`` at column 0, and no other line is changed.

    The line that decided so far is replaced; a new one follows its commented-out template, else ends the file.
    It ends with LF in a CRLF file too, because 2.2.12 keeps the CR in the value.  Malformed for a value that some
    agent would read differently.
    """
    found = lines.split(text)
    for key, value in settings.items():
        if not key or _UNSAFE.search(key) or _UNSAFE.search(value):
            raise Malformed(
                f"{key}={value} is not understood by every version of the Azure Linux agent",
                "Use a value without blanks, quotes, '#' and '='.",
            )
        found = _with(found, key, f"{key}={value}")
    return "".join(found)


def parse_os_release(text: str) -> Dict[str, str]:
    """The variables of os-release(5) without their quotes; lines that are no assignment are left out."""
    found = {}
    for line in text.split("\n"):
        match = re.match(r"\s*([A-Za-z0-9_]+)=([\"']?)(.*)\2\s*$", line)
        if match:
            found[match.group(1)] = re.sub(r"\\([\\$\"'`])", r"\1", match.group(3).strip())
    return found


def _setting(line: str) -> Tuple[str, str]:
    """Key and value of a line, two empty strings if it sets nothing."""
    if line.startswith("#") or "=" not in line:
        return "", ""
    key, value = line.split("=", 1)
    return key.strip(), value.split("#")[0].strip('" ').strip()


def _with(found: List[str], key: str, setting: str) -> List[str]:
    active = [i for i, line in enumerate(found) if _setting(line)[0] == key]
    if active:
        decides = active[-1]
        kept = found[:decides] + [setting + ("\n" if lines.ending(found[decides]) else "")] + found[decides + 1 :]
        return [line for i, line in enumerate(kept) if i == decides or i not in active]
    template = re.compile(r"\s*#[#\s]*" + re.escape(key) + r"\s*=")
    place = next((i + 1 for i, line in enumerate(found) if template.match(line)), len(found))
    return lines.ended(found[:place], "\n") + [setting + "\n"] + found[place:]
