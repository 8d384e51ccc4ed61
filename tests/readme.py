"""README.md as a stranger reads it: its blocks, the commands in them, its tables, links and headings."""

import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

HOME = Path(__file__).resolve().parents[1]
README = HOME / "README.md"
NEEDS_AZURE = "# needs Azure"
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block: its language, its text, and the heading above it."""

    language: str
    text: str
    heading: str

    @property
    def needs_azure(self) -> bool:
        return self.text.startswith(NEEDS_AZURE + "\n")


def parts(text: str) -> Tuple[List[Block], List[Tuple[str, str]]]:
    """(blocks, [(heading, line)] of all that is in none); raises ValueError for a block that is never closed."""
    blocks, prose, heading, fence = [], [], "", None
    for line in text.splitlines():
        if line.startswith("```"):
            if fence is None:
                fence = (line[3:], [])
            else:
                blocks.append(Block(fence[0], "\n".join(fence[1]) + "\n", heading))
                fence = None
        elif fence is not None:
            fence[1].append(line)
        else:
            if line.startswith("#"):
                heading = line.lstrip("#").strip()
            prose.append((heading, line))
    if fence is not None:
        raise ValueError("a block below %r is never closed" % heading)
    return blocks, prose


def commands(block: Block) -> List[str]:
    """The commands that a block tells somebody to type, without the remarks behind them."""
    if block.language == "console":
        lines = [line for line in block.text.splitlines() if line]
        assert all(line.startswith("# ") for line in lines), "a console block has more than commands: %r" % block.text
        return [re.split(r"\s{2,}# ", line[2:])[0].strip() for line in lines]
    if block.language == "sh":
        joined = re.sub(r"\s*\\\n\s*", " ", block.text)
        return [line for line in joined.splitlines() if line and not line.startswith("#")]
    return []


def rows(prose: List[Tuple[str, str]], heading: str) -> List[List[str]]:
    """The cells of each row of the tables below a heading, without their headings and rulers."""
    found = [cells(line) for above, line in prose if above == heading and line.startswith("|")]
    kept = []
    for number, row in enumerate(found):
        ruler = all(re.match(r":?-+:?$", cell) for cell in row)
        headed = number + 1 < len(found) and all(re.match(r":?-+:?$", cell) for cell in found[number + 1])
        if not ruler and not headed:
            kept.append(row)
    return kept


def cells(line: str) -> List[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def anchor(heading: str) -> str:
    """GitHub's name of a heading: small letters, hyphens for blanks, nothing else but letters, digits, - and _."""
    plain = re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def spans(prose: List[Tuple[str, str]]) -> List[Tuple[str, str]]:
    """(heading, words) of everything that is set as code within a line."""
    return [(heading, words.replace("\\|", "|")) for heading, line in prose for words in SPAN.findall(line)]


def read(path: Path = README) -> Tuple[List[Block], List[Tuple[str, str]]]:
    return parts(path.read_text(encoding="utf-8"))


def headings(path: Path) -> Dict[str, int]:
    """{anchor: how often it is there}."""
    found: Dict[str, int] = {}
    for heading, line in read(path)[1]:
        if line.startswith("#"):
            found[anchor(heading)] = found.get(anchor(heading), 0) + 1
    return found
