"""The picture in the README is what its recording says: drawn from it, with the clock of the true time."""

import json
import re
from pathlib import Path

import pyte
import pytest

from tests.lab import picture, record

CAST = record.CAST
HEAD, *EVENTS = [json.loads(line) for line in CAST.read_text("utf-8").splitlines()]


def test_the_picture_is_drawn_from_its_recording():
    """When it is not: python3 -m tests.lab.picture docs/session.cast; `make recording` makes both anew."""
    assert picture.drawn(CAST) == CAST.with_suffix(".svg").read_text("utf-8")


def test_the_recording_is_a_session_of_the_commands_in_it():
    screen = pyte.HistoryScreen(HEAD["width"], HEAD["height"], history=5000)
    stream = pyte.Stream(screen)
    for _, kind, text in EVENTS:
        if kind == "o":
            stream.feed(text)
    gone = ["".join(line[x].data for x in range(screen.columns)) for line in screen.history.top]
    lines = [line.rstrip() for line in gone + screen.display]
    typed = [line.partition("# ")[2] for line in lines if line.startswith(record.PROMPT)]
    assert [words for words in typed if words] == [*record.COMMANDS, "poweroff"]
    assert [text for _, kind, text in EVENTS if kind == "m"] == [*record.COMMANDS, "poweroff"]


def test_the_clock_in_the_picture_is_that_of_the_recording():
    svg = CAST.with_suffix(".svg").read_text("utf-8")
    clocks = re.findall(r">(?:\d+ times as fast  )?(\d+):(\d\d)</text>", svg)
    seconds = [int(minutes) * 60 + int(rest) for minutes, rest in clocks]
    assert seconds == sorted(seconds) and seconds[0] == 0
    assert abs(seconds[-1] - EVENTS[-1][0]) <= 1
    times = [at for at, _, _ in EVENTS]
    assert times == sorted(times)


def cast(path, events):
    record.written(path, events)
    return path


@pytest.fixture
def waiting(tmp_path):
    """Something is typed; a live line for ten minutes; ten lines at once; the end."""
    live = [(2 + second, "o", f"\r\x1b[K| step  {second} s") for second in range(600)]
    burst = "\r\x1b[K" + "".join(f"line {number}\r\n" for number in range(10))
    return cast(tmp_path / "a.cast", [(0, "o", "# "), (1, "o", "go\r\n"), *live, (602, "o", burst), (603, "o", "end")])


def test_waits_are_shortened_and_bursts_can_be_read(waiting):
    _, found = picture.frames(waiting)
    clock = picture.Clock(found)
    assert 600 / picture.FAST < clock.end < 600 / picture.FAST + 3 * picture.PATIENCE
    assert clock.recorded(0.5) == (0.5, 1)
    assert clock.recorded(clock.end / 2)[1] == picture.FAST
    last = [
        at for at, frame in picture.chosen(found, clock) if any("line" in str(line) for line in frame.lines.values())
    ]
    assert all(after - before >= picture.READING * 0.9 for before, after in zip(last, last[1:]))


def test_only_pictures_that_were_replaced_are_left_out_of_a_recording():
    live = [(tenth / 10, "o", f"\r\x1b[K| {tenth}") for tenth in range(50)]
    kept = record.thinned([(0, "o", "a\r\n"), *live, (5.2, "o", "\r\x1b[Kdone\r\n"), (6, "m", "mark")])
    assert len(kept) == 1 + 5 + 2
    assert kept[-3:] == [(4.0, "o", "\r\x1b[K| 49"), (5.2, "o", "\r\x1b[Kdone\r\n"), (6, "m", "mark")]


def test_what_is_drawn_cannot_be_markup(tmp_path):
    svg = picture.drawn(cast(tmp_path / "a.cast", [(0, "o", "<script>alert(1)</script> & 'x'\r\n"), (1, "o", "b")]))
    assert "<script" not in svg and "&lt;script&gt;alert(1)&lt;/script&gt; &amp; 'x'" in svg


def test_a_file_is_made_beside_the_recording(waiting):
    assert picture.main([str(waiting)]) == 0
    assert Path(waiting).with_suffix(".svg").read_text("utf-8").startswith("<svg ")
