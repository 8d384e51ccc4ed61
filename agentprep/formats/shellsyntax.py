"""The simple commands of a sourced shell file, in order, and whether each is certainly carried out.

    commands(text)                        every Command outside subshells; Malformed, with the line, for bad syntax
    Command                               its words, and the variables that a loop or an expansion in it assigns

The grammar is that of XCU 2.10 with bash's additions.  It lets some through that a shell refuses; what it refuses,
the shells that it was compared with (dash, bash) refuse too.
"""

import re
from functools import lru_cache
from typing import Callable, Dict, List, NamedTuple, Tuple

from agentprep.formats.shellwords import NAME, TEXT, Reader, Word

_REDIRECTIONS = ["<<-", "<<<", "&>>", "&>", "<<", ">>", "<&", ">&", "<>", ">|", "<", ">"]
# The longer ones first.
_OPERATORS = [";;&", "&&", "||", "|&", ";;", ";&", *_REDIRECTIONS, "&", ";", "|", "(", ")", "\n"]
_CLOSING = frozenset(["then", "elif", "else", "fi", "do", "done", "esac", "}", ")", ";;", ";&", ";;&"])


class Command(NamedTuple):
    """A simple command with its assignments, or (without words) a loop that assigns its variable."""

    words: Tuple[Word, ...]
    assigned: Tuple[str, ...]
    certain: bool  # neither conditional, nor repeated, redirected or in a pipeline
    in_function: bool
    line: int


@lru_cache(maxsize=32)  # the same few files are asked about many variables
def commands(text: str) -> Tuple[Command, ...]:
    """The commands in the order of the text."""
    parser = _Parser(text, 0)
    try:
        parser.advance()
        parser.read_list("", empty=True)
    except RecursionError:
        raise parser.malformed(parser.start, "commands are nested too deeply") from None
    return tuple(parser.found)


class _Parser(Reader):
    """Recursive descent with one token of lookahead: an operator, the source of a word, or "" at the end."""

    def __init__(self, text: str, place: int) -> None:
        super().__init__(text, place)
        self.found: List[Command] = []
        self.start = place
        self.token = ""
        self.here: Tuple[Word, ...] = ()  # the token, if it is a word
        self.heredocs: List[Tuple[str, str]] = []  # delimiter, and what may stand before it
        self.compound: Dict[str, Callable[[], None]] = {
            "(": self._subshell, "{": self._braces, "[[": self._condition, "if": self._if, "case": self._case,
            "while": self._while, "until": self._while, "for": self._for, "select": self._for,
            "function": self._function,
        }  # fmt: skip

    # Tokens

    def advance(self) -> None:
        """The next token is here."""
        blank = re.compile(r"(?:[ \t]|\\\n)*(?:#[^\n]*)?").match(self.text, self.place)
        self.start = self.place = blank.end() if blank else self.place
        self.token = next((o for o in _OPERATORS if self.text.startswith(o, self.place)), "")
        self.place += len(self.token)
        self.here = ()
        if self.token == "\n":
            self._skip_heredocs()
        elif not self.token and self.place < len(self.text):
            self.here = (self.word(),)
            self.token = self.text[self.start : self.place]

    def _skip_heredocs(self) -> None:
        for delimiter, before in self.heredocs:
            end = re.compile(f"^{before}{re.escape(delimiter)}$", re.MULTILINE).search(self.text, self.place)
            body = self.text[self.place : end.start() if end else len(self.text)]
            self.assigned += re.findall(NAME, body) if "$" in body else []  # dash expands it in the same shell
            self.place = min(end.end() + 1, len(self.text)) if end else len(self.text)
        self.heredocs = []

    def command_end(self, place: int, empty: bool = True) -> int:
        inner = _Parser(self.text, place)  # a subshell: nothing in it changes a variable out here
        inner.advance()
        inner.read_list(")", empty=empty)
        self.heredocs += inner.heredocs
        return inner.place

    def _expect(self, token: str) -> None:
        if self.token != token:
            raise self.malformed(self.start, f"{token!r} is expected, not {self.token.strip() or 'the end'!r}")
        self.advance()

    def _skip(self, *tokens: str) -> None:
        while self.token in tokens and not self.here:
            self.advance()

    # Lists and pipelines

    def read_list(self, *until: str, empty: bool = False) -> None:
        """The token is one of ``until``, and all commands before it have been read: one at least, unless ``empty``."""
        opened = self.start
        self._skip("\n")
        while self.token not in until or not empty:
            if not self.token:
                raise self.malformed(opened, "what begins here is not finished")
            self._pipelines()
            empty = True
            if self.token in (";", "&"):
                self.advance()
            elif self.token not in until and self.token not in ("\n", ""):
                raise self.malformed(self.start, f"{self.token!r} is not expected")
            self._skip("\n")

    def _pipelines(self) -> None:
        first, doubtful = len(self.found), False
        while True:
            while self.token == "!":
                doubtful = True
                self.advance()
            self._command()
            if self.token not in ("&&", "||", "|", "|&"):
                break
            doubtful = True
            self.advance()
            self._skip("\n")
        if doubtful or self.token == "&":
            self._doubt(first)

    def _doubt(self, first: int) -> None:
        self.found[first:] = [command._replace(certain=False) for command in self.found[first:]]

    def _emit(self, start: int, words: List[Word], certain: bool) -> None:
        self.found.append(Command(tuple(words), tuple(self.assigned), certain, False, self.line(start)))
        self.assigned = []

    # Commands

    def _command(self) -> None:
        if self.token in _CLOSING or not self.token:
            raise self.malformed(self.start, f"{self.token or 'the end'!r} is not expected")
        if self.token not in self.compound:
            self._simple()
            return
        first, start = len(self.found), self.start
        self.compound[self.token]()
        while self.token in _REDIRECTIONS or (self.here and self.token.isdigit()):
            self._redirection()
        self._emit(start, [], False)
        self._doubt(first)

    def _subshell(self) -> None:
        end = self.arithmetic_end(self.start)
        if end:
            self.place = end
        else:
            self.place = self.command_end(self.place, empty=False)
        self.advance()

    def _braces(self) -> None:
        self.advance()
        self.read_list("}")
        self.advance()

    def _condition(self) -> None:
        opened = self.start
        while self.token != "]]":
            if not self.token:
                raise self.malformed(opened, "'[[' is not closed")
            self.advance()
        self.advance()

    def _if(self) -> None:
        self.advance()
        self.read_list("then")
        while self.token != "fi":
            wanted = ["then"] if self.token == "elif" else ["fi"] if self.token == "else" else ["elif", "else", "fi"]
            self.advance()
            self.read_list(*wanted)
        self.advance()

    def _while(self) -> None:
        self.advance()
        self.read_list("do")
        self._loop()

    def _loop(self) -> None:
        self._expect("do")
        self.read_list("done")
        self.advance()

    def _for(self) -> None:
        start = self.start
        self.advance()
        end = self.arithmetic_end(self.start)
        if end:
            self.place = end
        elif not self.here:
            raise self.malformed(self.start, "the variable of a loop is expected")
        else:
            self.assigned.append(self.token)
        self._emit(start, [], False)
        self.advance()
        self._skip("\n")
        if self.token == "in":
            self.advance()
            while self.here:
                self.advance()
        self._skip(";", "\n")
        self._loop()

    def _case(self) -> None:
        self.advance()
        self.advance()
        self._skip("\n")
        self._expect("in")
        self._skip("\n")
        while self.token != "esac":
            while self.here or self.token in ("|", "("):
                self.advance()
            self._expect(")")
            self.read_list(";;", ";&", ";;&", "esac", empty=True)
            self._skip(";;", ";&", ";;&", "\n")
        self.advance()

    def _function(self) -> None:
        self.advance()
        self.advance()
        self._function_body()

    def _function_body(self) -> None:
        if self.token == "(":
            self.advance()
            self._expect(")")
        self._skip("\n")
        first = len(self.found)
        self._command()
        self.found[first:] = [command._replace(certain=False, in_function=True) for command in self.found[first:]]

    def _redirection(self) -> None:
        if self.here:
            self.advance()  # the number of a descriptor
        operator = self.token
        self._expect(operator if operator in _REDIRECTIONS else ">")
        if not self.here:
            raise self.malformed(self.start, f"a word is expected after {operator!r}")
        if operator in ("<<", "<<-"):
            parts = [p.value if p.kind == TEXT else self.text[p.start : p.end] for p in self.here[0].parts]
            self.heredocs.append(("".join(parts), "\t*" if operator == "<<-" else ""))
        self.advance()

    def _simple(self) -> None:
        start, certain = self.start, True
        words: List[Word] = []
        while self.here or self.token in _REDIRECTIONS or self.token == "(":
            if self.here:
                words += self.here
                self.advance()
            elif self.token == "(":
                name = re.fullmatch(r"(%s)\+?=" % NAME, self.text[words[-1].start : words[-1].end]) if words else None
                if name and words[-1].end == self.start:
                    self._array(name.group(1))
                    certain = False
                elif len(words) == 1 and certain:
                    self._function_body()
                    return
                else:
                    raise self.malformed(self.start, "'(' is not expected")
            else:
                certain = False
                self._redirection()
        if not words and certain:
            raise self.malformed(self.start, f"{self.token!r} is not expected")
        self._emit(start, words, certain)

    def _array(self, name: str) -> None:
        self.assigned.append(name)
        self.advance()
        while self.here or self.token == "\n":
            self.advance()
        self._expect(")")
