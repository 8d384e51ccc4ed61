"""Words of sourced shell files, taken apart into literal text and expansions, never executed.

    Reader(text).word()                   the Word at the reader's place: its span and its Parts
    Part                                  literal text, a plain ``$NAME``, or an expansion that only a shell can do

POSIX shell (XCU 2.2, 2.3, 2.6), which dash and bash agree on for what files such as /etc/default/grub hold.  What
they do differently ($'..', $"..", $[..]) counts as an expansion, so that nobody takes it for a known value.
"""

import re
from typing import List, NamedTuple, Tuple

from agentprep.errors import Malformed

NAME = "[A-Za-z_][A-Za-z0-9_]*"
END_OF_WORD = " \t\n;&|<>()"
_BARE = re.compile(r"[^\\$`\"' \t\n;&|<>()]+")
_QUOTED = re.compile(r"[^\\$`\"]+")
_PLAIN = re.compile(r"\$(?:(%s)|\{(%s)\})" % (NAME, NAME))
_ASSIGNS = re.compile(r"\$\{(%s):?=" % NAME)


class Part(NamedTuple):
    """A piece of a word; ``value`` is the text, the variable's name, or the source of an expansion.

    Text is either the same characters as its source, or one character that is written with a backslash.
    """

    kind: str  # TEXT, VARIABLE or EXPANSION
    value: str
    start: int
    end: int
    quote: str  # '"', "'" or nothing


TEXT, VARIABLE, EXPANSION = "text", "variable", "expansion"


class Word(NamedTuple):
    """One word of a command, from ``start`` to ``end`` in the text; quotes are in the span and not in the parts."""

    start: int
    end: int
    parts: Tuple[Part, ...]


class Reader:
    """A place in the text; ``assigned`` collects the variables that ``${NAME:=..}`` and ``$((..))`` may set."""

    def __init__(self, text: str, place: int = 0) -> None:
        self.text = text
        self.place = place
        self.assigned: List[str] = []

    def line(self, place: int) -> int:
        """The number of the line of a place, counted from 1."""
        return self.text.count("\n", 0, place) + 1

    def malformed(self, place: int, what: str) -> Malformed:
        """An error that names the line."""
        return Malformed(
            f"line {self.line(place)}: {what}",
            "Correct the shell syntax there; `sh -n FILE` shows what the shell thinks of it.",
        )

    def command_end(self, place: int, empty: bool = True) -> int:
        """Where the command list that starts here meets its closing parenthesis."""
        raise NotImplementedError  # the grammar is in shellsyntax.py

    def word(self) -> Word:
        """The word that starts here; the place is behind it afterwards."""
        start = self.place
        parts: List[Part] = []
        while self.place < len(self.text) and self.text[self.place] not in END_OF_WORD:
            self._piece(parts, "")
        return Word(start, self.place, tuple(parts))

    def _piece(self, parts: List[Part], quote: str) -> None:
        char, start = self.text[self.place], self.place
        if char == "\\":
            self._escaped(parts, quote)
        elif char == "$":
            self._dollar(parts, quote)
        elif char == "`":
            self._expansion(parts, quote, self._closing("`", start + 1))
        elif char == '"' and not quote:
            self._double_quoted(parts)
        elif char == "'" and not quote:
            end = self.text.find("'", start + 1)
            if end < 0:
                raise self.malformed(start, "a single quote is not closed")
            self._text(parts, start + 1, end, "'")
            self.place = end + 1
        else:
            match = (_QUOTED if quote else _BARE).match(self.text, start)
            self._text(parts, start, match.end() if match else start + 1, quote)

    def _text(self, parts: List[Part], start: int, end: int, quote: str) -> None:
        if end > start:
            parts.append(Part(TEXT, self.text[start:end], start, end, quote))
        self.place = end

    def _expansion(self, parts: List[Part], quote: str, end: int) -> None:
        parts.append(Part(EXPANSION, self.text[self.place : end], self.place, end, quote))
        self.place = end

    def _variable(self, parts: List[Part], quote: str, name: str, end: int) -> None:
        if self.text.startswith("\\\n", end):
            self._expansion(parts, quote, self._name_end(end))  # it may go on in the next line
            return
        parts.append(Part(VARIABLE, name, self.place, end, quote))
        self.place = end

    def _name_end(self, place: int) -> int:
        match = re.compile(r"(?:\\\n|[A-Za-z0-9_])*").match(self.text, place)
        return match.end() if match else place

    def _escaped(self, parts: List[Part], quote: str) -> None:
        start, char = self.place, self.text[self.place + 1 : self.place + 2]
        if not char or (quote and char not in '$`"\\\n'):
            self._text(parts, start, start + 1, quote)
            return
        self.place = start + 2
        if char != "\n":
            parts.append(Part(TEXT, char, start, start + 2, quote))

    def _double_quoted(self, parts: List[Part]) -> None:
        start = self.place
        self.place += 1
        while self.text[self.place : self.place + 1] != '"':
            if self.place >= len(self.text):
                raise self.malformed(start, "a double quote is not closed")
            self._piece(parts, '"')
        self.place += 1

    def _dollar(self, parts: List[Part], quote: str) -> None:
        start, following = self.place, self.text[self.place + 1 : self.place + 2]
        plain = _PLAIN.match(self.text, start)
        if plain:
            self._variable(parts, quote, plain.group(1) or plain.group(2), plain.end())
        elif following == "{":
            self._expansion(parts, quote, self._brace_end(quote))
        elif following == "(":
            self._expansion(parts, quote, self._parenthesis_end())
        elif following == "'" and not quote:
            self._expansion(parts, quote, self._closing("'", start + 2))
        elif self.text.startswith("\\\n", start + 1):
            self._expansion(parts, quote, self._name_end(start + 1))
        elif following == "[" or (following == '"' and not quote):
            self._expansion(parts, quote, start + 1)
        elif following and following in "0123456789@*#?$!-":
            self._expansion(parts, quote, start + 2)
        else:
            self._text(parts, start, start + 1, quote)

    def _closing(self, quote: str, place: int) -> int:
        match = re.compile(r"(?:[^\\%s]|\\.)*%s" % (quote, quote), re.DOTALL).match(self.text, place)
        if not match:
            raise self.malformed(place - 1, f"a {quote} is not closed")
        return match.end()

    def _brace_end(self, quote: str) -> int:
        start = self.place
        assigns = _ASSIGNS.match(self.text, start)
        self.assigned += [assigns.group(1)] if assigns else []
        self.place = start + 2
        inside: List[Part] = []
        while self.text[self.place : self.place + 1] != "}":
            if self.place >= len(self.text):
                raise self.malformed(start, "a ${ is not closed")
            char = self.text[self.place]
            if char == '"':
                self._double_quoted(inside)
            elif char in "\\$`" or (char == "'" and not quote):
                self._piece(inside, quote)
            else:
                self.place += 1
        end, self.place = self.place + 1, start
        return end

    def _parenthesis_end(self) -> int:
        end = self.arithmetic_end(self.place + 1)
        return end or self.command_end(self.place + 2)

    def arithmetic_end(self, place: int) -> int:
        """Behind the ``))`` of the ``((`` at this place, 0 when it is none; what it may assign is collected."""
        if not self.text.startswith("((", place):
            return 0
        depth = 0
        for index in range(place, len(self.text)):
            depth += {"(": 1, ")": -1}.get(self.text[index], 0)
            if not depth:
                inside = self.text[place : index + 1]
                if not inside.endswith("))") or re.search("[\"'#`\\\\]", inside):
                    return 0
                if re.search(r"=|\+\+|--", inside):
                    self.assigned += re.findall(NAME, inside)
                return index + 1
        return 0
