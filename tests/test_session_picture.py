"""The picture at the top of README.md: nothing from elsewhere, and the session that it claims to be."""

import re
from xml.etree import ElementTree

from tests import readme

SVG = readme.HOME / "docs" / "session.svg"


def picture():
    """The texts of the picture in the README."""
    root = ElementTree.parse(str(SVG)).getroot()
    return root, ["".join(one.itertext()) for one in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_picture_is_self_contained():
    root, _ = picture()
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and SVG.stat().st_size < 300000
    names = {one.tag.partition("}")[2] for one in root.iter()}
    assert names == {"svg", "title", "desc", "style", "rect", "g", "text"}
    allowed = {
        "width",
        "height",
        "viewBox",
        "role",
        "class",
        "x",
        "y",
        "rx",
        "fill",
        "stroke",
        "textLength",
        "overflow",
    }
    assert {name for one in root.iter() for name in one.attrib} <= allowed
    style = "".join(one.text for one in root.iter("{http://www.w3.org/2000/svg}style"))
    assert not re.search(r"url\(|@import|@font-face|https?:|expression", style)
    assert "prefers-reduced-motion" in style and "infinite" in style


def test_the_picture_shows_the_commands_that_it_claims():
    root, texts = picture()
    claimed = re.search(r"A recording of: (.*?)\. ", root.find("{http://www.w3.org/2000/svg}desc").text).group(1)
    assert claimed.split(", ") == ["agentprep check --quiet", "agentprep run", "poweroff"]
    for command in claimed.split(", "):
        assert "root@source-vm:~# " + command in texts
    assert "Type yes to go on: yes" in texts
    assert any(text.startswith("Not ready: ") for text in texts)
    assert any(re.match(r"Done: \d+ changes, then deprovisioned\.$", text) for text in texts)
    assert any("times as fast" in text for text in texts)
