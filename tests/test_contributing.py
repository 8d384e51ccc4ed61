"""What CONTRIBUTING.md and README.md say of make is so, and their links lead somewhere."""

import re

import pytest

from tests import readme

PAGES = ("README.md", "CONTRIBUTING.md")
MAKEFILE = (readme.HOME / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_target_that_is_named_is_one(page):
    text = (readme.HOME / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"(?m)^# make ([a-z-]+)", text))
    assert named >= {"demo", "test"}
    assert named <= set(re.findall(r"(?m)^([a-z-]+):.* ## ", MAKEFILE))


def test_the_layers_that_are_named_are_there():
    blocks, prose = readme.read(readme.HOME / "CONTRIBUTING.md")
    rows = readme.rows(prose, "Design")
    names = [name for row in rows for name in readme.SPAN.findall(row[1])]
    assert len(names) > 15 and blocks
    for name in names:
        assert (readme.HOME / "agentprep" / name).exists(), name


@pytest.mark.parametrize("page", PAGES)
def test_links_to_files_lead_somewhere(page):
    found = [target for _, line in readme.read(readme.HOME / page)[1] for target in readme.LINK.findall(line)]
    for target in found:
        path = target.partition("#")[0]
        assert not path or "://" in target or (readme.HOME / path).exists(), target
