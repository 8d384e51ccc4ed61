"""lvm.conf, as far as it says which devices LVM looks at.

    filters(text)             {"filter" or "global_filter": its patterns}, of those that are set
    accepts(patterns, path)   whether a device of that name passes

Grammar: lvm.conf(5) and the comments of lvm.conf itself: `a` or `r`, a delimiter, a regular expression that is found
anywhere in the path, and the delimiter again; the first pattern that is found decides, and none of them accepts.
"""

import re
from typing import Dict, List, Sequence

_SETTING = re.compile(r"(?ms)^[ \t]*(?:devices[ \t]*/[ \t]*)?((?:global_)?filter)[ \t]*=[ \t]*(\[.*?\]|\"[^\"\n]*\")")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def filters(text: str) -> Dict[str, List[str]]:
    """The patterns of each filter; the last assignment counts."""
    bare = re.sub(r"(?m)^[ \t]*#.*$", "", text)
    return {match.group(1): re.findall(r'"([^"\n]*)"', match.group(2)) for match in _SETTING.finditer(bare)}


def accepts(patterns: Sequence[str], path: str) -> bool:
    """True unless a pattern rejects the path before another accepts it; a pattern that is none is passed over."""
    for pattern in patterns:
        if len(pattern) < 3 or pattern[0] not in "ar" or pattern[-1] != _CLOSING.get(pattern[1], pattern[1]):
            continue
        try:
            found = re.search(pattern[2:-1], path)
        except re.error:
            continue
        if found:
            return pattern[0] == "a"
    return True
