"""GRUB's command language, as far as menus need it: commands, their words, and the blocks that they open.

    commands(text)                        every Command in order, nested ones too, with the blocks it stands in
    Word                                  one argument without its quotes; variables stay as they are written
    quoted(value)                         a word that GRUB reads as this value

Source: grub-core/script/yylex.l and the GRUB manual's "Shell-like scripting".
"""

import re
from functools import lru_cache
from typing import List, NamedTuple, Tuple

from agentprep.errors import Malformed

_END_OF_WORD = " \t\n;&|<>{}"
_BETWEEN = re.compile(r"(?:[ \t]|\\\r?\n)*(?:#[^\n]*)?")
_PLAIN = re.compile(r"[^ \t\n;&|<>{}\\$'\"]+")
_CONTINUED = re.compile(r"\\\r?\n")
# Words before a command that are none of its own.
_KEYWORDS = frozenset(["if", "elif", "then", "else", "while", "until", "do", "!"])


class Word(NamedTuple):
    """``text[start:end]`` is the source of ``value``."""

    value: str
    start: int
    end: int


class Command(NamedTuple):
    """A command with at least one word; ``blocks`` are the commands whose braces it is in, from the outside in."""

    words: Tuple[Word, ...]
    line: int  # of its first word, counted from 1
    blocks: Tuple["Command", ...]

    @property
    def name(self) -> str:
        return self.words[0].value


@lru_cache(maxsize=8)  # one grub.cfg is asked about many things
def commands(text: str) -> Tuple[Command, ...]:
    """The commands in order; a ``}`` without its ``{`` is ignored, as are braces that are never closed."""
    found: List[Command] = []
    blocks: List[Command] = []
    words: List[Word] = []
    place = 0

    def finish() -> None:
        while words and words[0].value in _KEYWORDS:
            del words[0]
        if words:
            found.append(Command(tuple(words), text.count("\n", 0, words[0].start) + 1, tuple(blocks)))
        words.clear()

    while place < len(text):
        blank = _BETWEEN.match(text, place)
        place = blank.end() if blank else place
        char = text[place : place + 1]
        if char in _END_OF_WORD:
            before = len(found)
            finish()
            if char == "{":
                blocks = blocks + (found[before:] or blocks[-1:])
            elif char == "}":
                blocks = blocks[:-1]
            place += 1
            continue
        word, place = _word(text, place)
        words += [word] if word.end > word.start else []
    finish()
    return tuple(found)


def quoted(value: str) -> str:
    """``value`` as one word, in single quotes where it needs any."""
    if re.fullmatch(r"[A-Za-z0-9_./:,@%+=-]+", value):
        return value
    return "'" + value.replace("'", "'\\''") + "'"


def _word(text: str, start: int) -> Tuple[Word, int]:
    """The word that begins here, and the place behind it; the CR of a CRLF is no part of it."""
    value, place = "", start
    while place < len(text) and text[place] not in _END_OF_WORD:
        plain = _PLAIN.match(text, place)
        if plain:
            value += plain.group()
            place = plain.end()
            continue
        char, following = text[place], text[place + 1 : place + 2]
        if char == "\\":
            continued = _CONTINUED.match(text, place)
            if not following:
                raise _malformed(text, place, "a backslash ends the file")
            value += "" if continued else following
            place = continued.end() if continued else place + 2
        elif char == "$" and following == "{":
            end = text.find("}", place) + 1 or len(text)
            value += text[place:end]
            place = end
        elif char in "'\"":
            part, place = _quotation(text, place)
            value += part
        else:
            value += char
            place += 1
    place = min(place, len(text))
    if text[place - 1 : place] == "\r" and text[place : place + 1] in ("\n", ""):
        return Word(value[:-1], start, place - 1), place
    return Word(value, start, place), place


def _quotation(text: str, start: int) -> Tuple[str, int]:
    """What is in the quotes that begin here, and the place behind them."""
    pattern = r"'([^']*)'" if text[start] == "'" else r'"((?:[^"\\]|\\.)*)"'
    match = re.compile(pattern, re.DOTALL).match(text, start)
    if not match:
        raise _malformed(text, start, f"a {text[start]} is not closed")
    if text[start] == "'":
        return match.group(1), match.end()
    return re.sub(r'\\([$"\\\n])', lambda m: m.group(1).strip("\n"), match.group(1)), match.end()


def _malformed(text: str, place: int, what: str) -> Malformed:
    line = text.count("\n", 0, place) + 1
    return Malformed(f"line {line}: {what}", "Correct the line; `grub-script-check FILE` shows what GRUB thinks of it.")
