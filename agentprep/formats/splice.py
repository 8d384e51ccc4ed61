"""A list of words edited in their source: those that stay keep their bytes and the blanks before them.

spliced(text, spans, before, after, first, written)     the source of the words ``after``
"""

import difflib
from typing import Callable, List, Sequence, Tuple

Span = Tuple[int, int]


def spliced(
    text: str,
    spans: Sequence[Span],
    before: List[str],
    after: List[str],
    first: str,
    written: Callable[[str], str],
) -> str:
    """The source of ``after``, given that of ``before`` at ``spans``; ``first`` stands before the first word.

    New words are as ``written`` says, with a blank before them.
    """
    source = ""
    for tag, i, _, j, j_end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        for index in range(j, j_end):
            blank, word = " ", written(after[index])
            if tag == "equal":
                same = i + index - j
                word = text[spans[same][0] : spans[same][1]]
                blank = text[spans[same - 1][1] : spans[same][0]] if same else " "
            source += (blank if source else first) + word
    return source
