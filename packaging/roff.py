"""Text as roff(7): man(7) macros that groff, man-db and mandoc all read."""

import re

# What would be typographic quotes, dashes and accents on a UTF-8 terminal stays what a person can copy and paste.
PLAIN = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
LIMIT = 78  # characters of a line in the file; a sentence begins a new one, by which groff and mandoc space them
SENTENCE = re.compile(r"(?<=[.:;?!])\s+(?=[A-Z\\/])")


def escaped(text: str) -> str:
    """The words as they are, within a line: none of them is an escape."""
    return "".join(PLAIN.get(char, char) if ord(char) < 128 else "\\[u%04X]" % ord(char) for char in text)


def bold(text: str) -> str:
    return "\\fB%s\\fR" % escaped(text)


def italic(text: str) -> str:
    return "\\fI%s\\fR" % escaped(text)


def prose(text: str) -> str:
    """A paragraph, a sentence a line; what stands between `backticks` is bold."""
    lines = []
    for sentence in SENTENCE.split(" ".join(text.split())):
        parts = re.split(r"`([^`]+)`", sentence)
        marked = [bold(part) if number % 2 else escaped(part) for number, part in enumerate(parts)]
        lines.append(broken("".join(marked)))
    return "\n".join(lines)


def sentence(text: str) -> str:
    """The words with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ":")) else ".")


def broken(text: str) -> str:
    """The line in pieces of at most LIMIT characters, broken at blanks; a font goes on over the end of a piece."""
    pieces, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > LIMIT:
            pieces.append(line)
            line = word
        else:
            line += " " * bool(line) + word
    return "\n".join("\\&" + one if one[:1] in (".", "'") else one for one in pieces + [line])
