"""Templates: the text that a person wrote, with @@name@@ where the records come in."""

import os
import re
import textwrap
from typing import Dict

HERE = os.path.dirname(os.path.abspath(__file__))
PLACE = re.compile(r"@@([a-z][^@\n]*)@@")
ALONE = re.compile(r"^( +)@@([a-z][^@\n]*)@@$", re.M)  # every line of the value stands as far in as its place


def filled(name: str, values: Dict[str, str]) -> str:
    """The template of that name with every value in its place.

    Raises ValueError when it asks for what no record has, or leaves a record out: neither can drift from the other.
    """
    with open(os.path.join(HERE, "templates", name), "r", encoding="utf-8") as stream:
        text = stream.read()
    asked = set(PLACE.findall(text))
    unknown, left_out = sorted(asked - set(values)), sorted(set(values) - asked)
    if unknown:
        raise ValueError("packaging/templates/%s asks for %s, which no record has" % (name, ", ".join(unknown)))
    if left_out:
        raise ValueError("packaging/templates/%s has no place for: %s" % (name, ", ".join(left_out)))
    text = ALONE.sub(lambda found: textwrap.indent(values[found.group(2)], found.group(1)), text)
    return PLACE.sub(lambda found: values[found.group(1)], text)
