"""An asciicast becomes one animated SVG, without script and with nothing from elsewhere.

usage: python3 -m tests.lab.picture CAST       writes the picture beside it, with .svg

Every line that the terminal ever showed is written once and has a time at which it appears and, if it was replaced, one
at which it goes; the page is pushed upwards as the terminal scrolled.  So the picture grows with what was printed and
not with how long it took.  A viewer that plays no animation, or was asked for less motion, shows the end.

Where nothing but the live line changes, the clock runs FAST times as fast, and says so, with the true time beside it;
what came in a burst is shown line by line, and the clock stands meanwhile.
Terminal: pyte, https://pyte.readthedocs.io/
"""

import json
import re
import sys
from html import escape
from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

import pyte

FAST = 60
PATIENCE = 2.0  # seconds that are shown at their own pace before the clock runs fast
READING = 0.06  # seconds that a new line is shown before the next
PICTURES = 4  # of the live line and the clock, in a second that is shown
END = 6.0  # seconds for which the end stands
STEP_X, STEP_Y, SIZE = 8.4, 19, 14
LEFT, TOP, BOTTOM = 14, 40, 10
FONTS = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace'
COLORS = {"red": "r", "green": "g", "brown": "y", "yellow": "y", "cyan": "c"}
STYLE = (
    "text{font-family:%s;font-size:%dpx;fill:#d0d7de;white-space:pre}.b{font-weight:bold;fill:#fff}"
    ".r{fill:#ff7b72}.g{fill:#56d364}.y{fill:#e3b341}.c{fill:#76e3ea}.d{fill:#8b949e}.past{visibility:hidden}"
    "g,text{animation-duration:%%ss;animation-iteration-count:infinite;animation-timing-function:step-end}"
    "@media (prefers-reduced-motion:reduce){g,text{animation:none!important}}"
) % (FONTS, SIZE)

Span = Tuple[int, str, str]  # column, text, classes


class Screen(pyte.Screen):
    """Counts the lines that have left it at its top."""

    gone = 0

    def index(self) -> None:
        if self.cursor.y == self.lines - 1:
            self.gone += 1
        super().index()


class Frame(NamedTuple):
    """What stands on the terminal at a time: {number of the line since the beginning: its spans}.

    `live` where only the live line was drawn anew, which begins with a carriage return.
    """

    at: float
    live: bool
    gone: int
    cursor: int
    lines: Dict[int, Tuple[Span, ...]]


def spans(line, columns):
    """Neighbours of one look are one span; blanks at the end and between are left out where nothing is seen."""
    found: List[Tuple[int, str, str]] = []
    for column in range(columns):
        char = line[column]
        look = " ".join(([COLORS[char.fg]] if char.fg in COLORS else []) + (["b"] if char.bold else []))
        if found and found[-1][2] == look and found[-1][0] + len(found[-1][1]) == column:
            found[-1] = (found[-1][0], found[-1][1] + char.data, look)
        else:
            found.append((column, char.data, look))
    bare = ((at + len(text) - len(text.lstrip()), text.strip(), look) for at, text, look in found)
    return tuple(one for one in bare if one[1])


def frames(path):
    """(head of the cast, its frames)."""
    head, *events = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    head["commands"] = [text for _, kind, text in events if kind == "m"]
    screen = Screen(head["width"], head["height"])
    stream = pyte.Stream(screen)
    found = []
    for at, kind, text in events:
        for part in re.findall(r"[^\n]*\n|[^\n]+", text) if kind == "o" else []:
            stream.feed(part)
            lines = {screen.gone + y: spans(screen.buffer[y], screen.columns) for y in range(screen.lines)}
            kept = {number: line for number, line in lines.items() if line}
            live = part.startswith("\r\x1b[K") and "\n" not in part
            found.append(Frame(at, live, screen.gone, screen.gone + screen.cursor.y, kept))
    return head, found


class Clock:
    """`times` are the shown seconds of each frame; `end` is the last.

    A wait is the time during which nothing changes but the live line.  Its first PATIENCE seconds are shown as they
    were, the rest FAST times as fast.
    """

    def __init__(self, found: List[Frame]) -> None:
        self.times, self.knots = [0.0], []  # knots: recorded, shown, how many seconds pass in a shown one from there
        quiet = 0.0
        for before, after in zip(found, found[1:]):
            shown, gap = self.times[-1], after.at - before.at
            slow = min(gap, max(0.0, PATIENCE - quiet))
            self.knots.append((before.at, shown, 1))
            if gap > slow:
                self.knots.append((before.at + slow, shown + slow, FAST))
            arrival = shown + slow + (gap - slow) / FAST
            more = max(0, after.cursor - before.cursor) * READING
            if shown + more > arrival:
                self.knots.append((after.at, arrival, 0))
            self.times.append(max(arrival, shown + more))
            quiet = quiet + gap if after.live else 0.0
        self.end = self.times[-1]

    def recorded(self, shown: float) -> Tuple[float, int]:
        at, begun, speed = [knot for knot in self.knots if knot[1] <= shown][-1]
        return at + (shown - begun) * speed, speed


def chosen(found: List[Frame], clock: Clock) -> List[Tuple[float, Frame]]:
    """(shown time, frame): of live lines that would follow each other too closely to be seen, the last."""
    kept: List[Tuple[float, Frame]] = []
    for at, frame in zip(clock.times, found):
        if kept and at - kept[-1][0] < (1 / PICTURES if frame.live and kept[-1][1].live else READING / 2):
            kept[-1] = (kept[-1][0], frame)
        else:
            kept.append((at, frame))
    return kept


class Sheet:
    """The parts of the SVG; what appears and goes at the same times shares one rule."""

    def __init__(self, total: float) -> None:
        self.total, self.rules, self.names = total, [], {}  # type: ignore[var-annotated]

    def percent(self, at: float) -> str:
        return ("%.2f" % (100 * at / self.total)).rstrip("0").rstrip(".") + "%"

    def times(self, since: float, until: float) -> str:
        """Attributes of what is there from `since` until `until`, which is the total for what stays."""
        stays = until >= self.total
        if since <= 0 and stays:
            return ""
        if (since, until) not in self.names:
            self.names[since, until] = name = "k%d" % len(self.names)
            steps = (
                "0%%{visibility:hidden}%s{visibility:visible}" % self.percent(since)
                if since > 0
                else ("0%{visibility:visible}")
            )
            steps += "" if stays else "%s,to{visibility:hidden}" % self.percent(until)
            self.rules.append("@keyframes %s{%s}.%s{animation-name:%s}" % (name, steps, name, name))
        return ' class="%s%s"' % (self.names[since, until], "" if stays else " past")


def intervals(kept: List[Tuple[float, Frame]], rows: int, total: float):
    """{(since, until): [(number, spans)]} of every line in every form that it had."""
    found: Dict[Tuple[float, float], List[Tuple[int, Tuple[Span, ...]]]] = {}
    there: Dict[int, Tuple[float, Tuple[Span, ...]]] = {}
    for at, frame in kept:
        for number in range(frame.gone, frame.gone + rows):
            line, before = frame.lines.get(number, ()), there.get(number, (0.0, ()))
            if line != before[1]:
                if before[1]:
                    found.setdefault((before[0], at), []).append((number, before[1]))
                there[number] = (at, line)
    for number, (since, line) in there.items():
        if line:
            found.setdefault((since, total), []).append((number, line))
    return found


def text(x: float, y: float, words: str, look: str = "", more: str = "") -> str:
    """One text of a known width, whatever font the viewer has."""
    shape = ' class="%s"' % look if look else ""
    return '<text x="%g" y="%g" textLength="%g"%s%s>%s</text>' % (
        round(x, 1), round(y, 1), round(len(words) * STEP_X, 1), shape, more, escape(words, quote=False)
    )  # fmt: skip


def told(recorded: float, speed: int) -> str:
    return "%s%d:%02d" % ("%d times as fast  " % speed if speed > 1 else "", recorded // 60, recorded % 60)


def drawn(path: Path) -> str:
    """The SVG of a cast."""
    head, found = frames(path)
    clock = Clock(found)
    total = round(clock.end + END, 2)
    sheet, kept = Sheet(total), chosen(found, clock)
    rows, columns = head["height"], head["width"]
    width, height = 2 * LEFT + columns * STEP_X, TOP + rows * STEP_Y + BOTTOM

    body = []
    for (since, until), lines in sorted(intervals(kept, rows, total).items()):
        words = [
            text(column * STEP_X, number * STEP_Y + SIZE, shown, look)
            for number, line in lines
            for column, shown, look in line
        ]
        body.append("<g%s>%s</g>" % (sheet.times(since, until), "".join(words)))

    ticks = [(0.0, told(0, 1))]
    for tick in range(1, int(clock.end * PICTURES) + 1):
        words = told(*clock.recorded(tick / PICTURES))
        if words != ticks[-1][1]:
            ticks.append((tick / PICTURES, words))
    face = []
    for (since, words), (until, _) in zip(ticks, ticks[1:] + [(total, "")]):
        x = width - LEFT - len(words) * STEP_X
        face.append("<g%s>%s</g>" % (sheet.times(since, until), text(x, 25, words, "y" if "fast" in words else "d")))

    moves = [(at, frame.gone) for at, frame in kept]
    moves = [moves[0]] + [after for before, after in zip(moves, moves[1:]) if before[1] != after[1]]
    steps = "".join("%s{transform:translateY(%dpx)}" % (sheet.percent(at), -gone * STEP_Y) for at, gone in moves)
    last = -moves[-1][1] * STEP_Y
    rules = "@keyframes page{%sto{transform:translateY(%dpx)}}.page{animation-name:page;transform:translateY(%dpx)}" % (
        steps, last, last
    )  # fmt: skip
    about = "A recording of: %s. Waits are shortened; the clock shows the true time." % ", ".join(head["commands"])
    frame = 'width="%g" height="%g" rx="8" fill="#0d1117" stroke="#57606a"' % (width - 1, height - 1)
    return "\n".join(
        [
            '<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g" role="img">'
            % (width, height, width, height),
            "<title>%s</title>" % escape(head["title"]),
            "<desc>%s</desc>" % escape(about),
            "<style>%s%s\n%s</style>" % (STYLE % total, rules, "\n".join(sheet.rules)),
            '<rect x=".5" y=".5" %s/>' % frame,
            text(LEFT, 25, head["title"], "d"),
            *face,
            '<svg x="%d" y="%d" width="%g" height="%d" overflow="hidden"><g class="page">'
            % (LEFT, TOP, columns * STEP_X, rows * STEP_Y),
            *body,
            "</g></svg>",
            "</svg>\n",
        ]
    )


def main(argv: List[str]) -> int:
    cast = Path(argv[0])
    cast.with_suffix(".svg").write_text(drawn(cast), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
