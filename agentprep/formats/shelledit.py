"""Edits of sourced shell files that change one assignment and no other byte.

    words(script, assignment)             the words of its value; an expansion is one opaque character of its word
    edit_words(script, assignment, transform)   the text with transform(words) as its words
    set_value(script, name, value)        the text in which the last assignment of the name gives exactly this value
    comment_out(script, assignment)       the text with its lines commented out
    is_opaque(word)                       True if the word holds an expansion, e.g. ``$GRUB_CMDLINE_LINUX_DEFAULT``

Words are those of GRUB's own command language, for which such values are meant: blanks separate, and single quotes,
double quotes and backslashes inside the value protect them (``acpi_osi='Windows 2012'`` is one word).
"""

import re
from typing import Callable, List, NamedTuple, Sequence

from agentprep.formats import lines
from agentprep.formats.shellvars import ANY, Assignment, Clobber, Script
from agentprep.formats.shellwords import NAME, TEXT
from agentprep.formats.splice import spliced

_BLANKS = " \t\r\n\v\f"
_BARE = re.compile(r"[A-Za-z0-9_./:,@%+=-]*")
_OPAQUE = range(0xF0000, 0xFFFFE)  # a private-use plane: no file of a guest has these

Transform = Callable[[List[str]], List[str]]


class _Cell(NamedTuple):
    """One character of the value and where it is written; an expansion is one private-use character."""

    char: str
    start: int
    end: int
    quote: str
    opaque: bool


def words(script: Script, assignment: Assignment) -> List[str]:
    """The words of the value, quotes inside it kept."""
    return [_text(word) for word in _split(_cells(script, assignment))]


def is_opaque(word: str) -> bool:
    """True if a word holds what only a shell can expand."""
    return any(ord(char) in _OPAQUE for char in word)


def edit_words(script: Script, assignment: Assignment, transform: Transform) -> str:
    """The value has the words that ``transform`` gives back; words that stay are written as they were.

    The quotes stay too, if they can hold the new words.  Malformed if an expansion that is a word of its own is lost.
    """
    cells = _cells(script, assignment)
    old = _split(cells)
    before = [_text(word) for word in old]
    after = transform(list(before))
    if after == before:
        return script.text
    if [_text(word) for word in _split([_Cell(char, 0, 0, "", False) for char in " ".join(after)])] != after:
        raise script.unknown(assignment.line, f"a quote or backslash in {assignment.name} would swallow a new word")
    for cell in cells:
        source = script.text[cell.start : cell.end]
        # A tilde, or the "$" of $"..", would not be one any more beside other quotes.
        if cell.opaque and ((cell.char in before and cell.char not in after) or not re.match(r"\$.|`", source)):
            raise script.unknown(assignment.line, f"the edit of {assignment.name} would lose {source!r}")
    value = _spliced(script, assignment, old, after) or _rendered(script, assignment, old, after)
    return _put(script, assignment, script.text[assignment.start : assignment.value_start] + value)


def set_value(script: Script, name: str, value: str) -> str:
    """The last assignment of the name gives exactly this value; it is a new line at the end where none can be changed.

    One that a condition, a loop or a sourced file may override is left alone, and followed by the new one.
    """
    last = None
    for effect in script.effects:
        if isinstance(effect, Clobber) and effect.name in (name, ANY):
            last = None
        elif isinstance(effect, Assignment) and effect.name == name:
            last = effect if effect.certain else None
    if last is None:
        return _appended(script, name, value)
    plain = not last.append and all(part.kind == TEXT for part in last.parts)
    if plain and "".join(cell.char for cell in _cells(script, last)) == value:
        return script.text
    quote = script.text[last.value_start : last.value_start + 1]
    if quote == "'" and "'" not in value:
        written = f"'{value}'"
    else:
        written = _double_quoted(value) if quote in ('"', "'") else _bare(value)
    return _put(script, last, f"{name}={written}")


def comment_out(script: Script, assignment: Assignment) -> str:
    """The lines of the assignment begin with ``#``; Malformed where they hold something else too."""
    text, end = script.text, _end(script, assignment)
    first = text.rfind("\n", 0, assignment.start) + 1
    last = text.find("\n", end) if "\n" in text[end:] else len(text)
    before, after = text[first : assignment.start], text[end:last]
    alone = re.fullmatch(r"[ \t]*(?:export[ \t]+)?", before) and re.fullmatch(r"[ \t]*(?:#.*)?\r?", after)
    if not alone or not assignment.certain:
        raise script.unknown(assignment.line, f"there is more here than the assignment of {assignment.name}")
    return text[:first] + "".join("#" + line for line in lines.split(text[first:last])) + text[last:]


def _end(script: Script, assignment: Assignment) -> int:
    """Where the value ends, without the CR of a CRLF, which a shell takes for a part of it."""
    text, end = script.text, assignment.end
    ends_line = text[end : end + 1] in ("", "\n")
    return end - 1 if ends_line and text[assignment.value_start : end].endswith("\r") else end


def _put(script: Script, assignment: Assignment, source: str) -> str:
    return script.text[: assignment.start] + source + script.text[_end(script, assignment) :]


def _appended(script: Script, name: str, value: str) -> str:
    if script.left:
        raise script.unknown(script.left, f"the file may end here, so that {name} cannot be set below")
    end = lines.newline(script.text)
    before = "".join(lines.ended(lines.split(script.text), end))
    text = f"{before}{name}={_bare(value)}{end}"
    last = Script(text).assignments[-1:]
    if not last or not last[0].certain or last[0].start != len(before):
        raise script.unknown(before.count("\n"), f"the end of the file would swallow an assignment of {name}")
    return text


def _bare(value: str) -> str:
    return value if _BARE.fullmatch(value) else _double_quoted(value)


def _double_quoted(value: str) -> str:
    return '"' + re.sub(r"([$`\"\\])", r"\\\1", value) + '"'


def _cells(script: Script, assignment: Assignment) -> List[_Cell]:
    cells: List[_Cell] = []
    end, opaque = _end(script, assignment), (chr(code) for code in _OPAQUE if chr(code) not in script.text)
    for part in assignment.parts:
        if part.kind != TEXT:
            cells.append(_Cell(next(opaque), part.start, part.end, part.quote, True))
        elif part.end - part.start != len(part.value):
            cells.append(_Cell(part.value, part.start, part.end, part.quote, False))
        else:
            placed = enumerate(part.value, part.start)
            cells += [_Cell(char, i, i + 1, part.quote, False) for i, char in placed if i < end]
    return cells


def _text(word: Sequence[_Cell]) -> str:
    return "".join(cell.char for cell in word)


def _split(cells: Sequence[_Cell]) -> List[List[_Cell]]:
    """The words; quotes and backslashes are those of GRUB's command language (grub.info, "Quoting")."""
    found: List[List[_Cell]] = [[]]
    quote, escaped = "", False
    for cell in cells:
        if cell.char in _BLANKS and not quote and not escaped:
            found.append([])
            continue
        found[-1].append(cell)
        if escaped or (cell.char == "\\" and quote != "'"):
            escaped = not escaped
        elif quote:
            quote = "" if cell.char == quote else quote
        elif cell.char in "'\"":
            quote = cell.char
    return [word for word in found if word]


def _spliced(script: Script, assignment: Assignment, old: List[List[_Cell]], after: List[str]) -> str:
    """The value's source with words put in and taken out; empty if it is not one pair of quotes that can hold them."""
    text, start, end = script.text, assignment.value_start + 1, _end(script, assignment) - 1
    quote, place = text[start - 1 : start], start
    if quote not in ('"', "'") or end < start or text[end] != quote or (quote == "'" and "'" in "".join(after)):
        return ""
    for part in assignment.parts:
        if part.start > end:
            break  # the CR of a CRLF
        if part.quote != quote or text[place : part.start].replace("\\\n", ""):
            return ""
        place = part.end
    if text[place:end].replace("\\\n", ""):
        return ""
    spans = [(word[0].start, word[-1].end) for word in old]
    before = [_text(word) for word in old]
    first = _separator(assignment, before, after) or text[start : spans[0][0] if old else end]
    last = text[spans[-1][1] : end] if old else ""
    inside = spliced(text, spans, before, after, first, lambda word: _written(script, assignment, word, quote))
    return quote + inside + (last if inside else "") + quote


def _separator(assignment: Assignment, before: List[str], after: List[str]) -> str:
    """A blank where ``NAME+=`` would glue a new first word to the last one of the earlier value."""
    return " " if assignment.append and before[:1] != after[:1] else ""


def _rendered(script: Script, assignment: Assignment, old: List[List[_Cell]], after: List[str]) -> str:
    """The value in double quotes; an expansion stays inside or outside of quotes, as it was."""
    cells = _cells(script, assignment)
    first = _separator(assignment, [_text(word) for word in old], after)
    first = first or _text(cells[: cells.index(old[0][0])] if old else cells)
    bare = {cell.char for cell in cells if cell.opaque and not cell.quote}
    pieces = re.split("([" + "".join(bare) + "])", first + " ".join(after)) if bare else [first + " ".join(after)]
    sources = [(piece, _written(script, assignment, piece, '"')) for piece in pieces if piece]
    return "".join(source if piece in bare else f'"{source}"' for piece, source in sources) or '""'


def _written(script: Script, assignment: Assignment, word: str, quote: str) -> str:
    """The source of a word inside of these quotes."""
    cells = [cell for cell in _cells(script, assignment) if cell.opaque]
    sources = {cell.char: script.text[cell.start : cell.end] for cell in cells}
    source = ""
    for char, following in zip(word, word[1:] + " "):
        if char in sources:
            goes_on = re.match("[A-Za-z0-9_]", following) and re.fullmatch(r"\$%s" % NAME, sources[char])
            source += "${" + sources[char][1:] + "}" if goes_on else sources[char]
        else:
            source += "\\" + char if quote == '"' and char in '$`"\\' else char
    return source
