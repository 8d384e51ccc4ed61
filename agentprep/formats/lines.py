"""Lines with their ends, so that a text is exactly the sum of its lines.

split(text)                           lines, each with the newline that it has; "".join() gives the text again
ending(line)                          "\\n", "\\r\\n" or "" (a last line without one)
newline(text)                         what a new line should end with in this text
ended(lines, newline)                 the same lines; the last one ends with a newline, so that one can follow
"""

import re
from typing import List


def split(text: str) -> List[str]:
    """The lines as every Unix tool counts them.  str.splitlines() would also split at \\v, \\f, U+0085 and U+2028."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def ending(line: str) -> str:
    """The newline of one line, empty for a last line that has none."""
    return "\r\n" if line.endswith("\r\n") else "\n" if line.endswith("\n") else ""


def newline(text: str) -> str:
    """The newline of the first line; ``\\n`` for a text without any."""
    return ending(text[: text.find("\n") + 1]) or "\n"


def ended(lines: List[str], end: str) -> List[str]:
    """The lines, the last of which now ends too."""
    return lines[:-1] + [lines[-1] + end] if lines and not ending(lines[-1]) else lines
