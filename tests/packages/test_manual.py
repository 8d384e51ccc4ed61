"""The manual as distributions judge it: mandoc, groff, man-db, and what apropos finds; and as a person reads it."""

import os
import re
import subprocess

import pytest

from agentprep.deprovision import STEPS as LAST_STEPS
from agentprep.report import requirement
from agentprep.steps import STEPS
from tests.packages.shells import GENERATED, REPOSITORY

PAGES = {
    "agentprep.8": "agentprep - make a Linux guest ready to be uploaded to Azure",
    "agentprep.conf.5": "agentprep.conf - what agentprep brings about",
}
page = pytest.mark.parametrize("name", sorted(PAGES))


def told(*argv, **environment):
    """Standard output and standard error of a command that ended with 0."""
    done = subprocess.run(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=str(GENERATED),
        env=dict({"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, **environment),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode(), done.stderr.decode()


@page
def test_mandoc_has_no_complaint(name):
    assert told("mandoc", "-T", "lint", "-W", "style", name) == ("", "")


@page
def test_groff_and_man_have_no_complaint(name):
    assert told("groff", "-man", "-T", "utf8", "-ww", "-z", name) == ("", "")
    for locale, width in (("C", "80"), ("C.UTF-8", "60"), ("C.UTF-8", "200")):
        # As lintian calls it (groff-message).
        text, complaints = told("man", "--warnings", "-E", "UTF-8", "-l", name, LC_ALL=locale, MANWIDTH=width)
        assert complaints == "" and "SEE ALSO" in text


@page
def test_apropos_finds_it(name, tmp_path):
    assert told("lexgrog", name)[0] == '%s: "%s"\n' % (name, PAGES[name])
    folder = tmp_path / ("man" + name[-1])
    folder.mkdir()
    (folder / name).write_bytes((GENERATED / name).read_bytes())
    told("mandb", "--quiet", "--create", "--user-db", str(tmp_path), MANPATH=str(tmp_path))
    subject = re.sub(r"\.\d$", "", name)
    found, _ = told("whatis", "--exact", subject, MANPATH=str(tmp_path))
    assert found.split() == ("%s (%s) - %s" % (subject, name[-1], PAGES[name].split(" - ")[1])).split()


def test_a_reader_finds_what_explain_says():
    text = plain(told("man", "-l", "agentprep.8", MANWIDTH="20000")[0])
    for step in tuple(STEPS) + tuple(LAST_STEPS):
        one = requirement(step)
        undo = "This cannot be undone." if one["one_way"] else ""
        assert plain("%s %s. %s %s" % (one["id"], one["title"], undo, one["reason"])) in text


def test_a_reader_finds_the_units():
    text = told("man", "-l", "agentprep.8", MANWIDTH="80")[0]
    units = [path.name for path in (REPOSITORY / "systemd").glob("*.service")]
    assert len(units) == 2
    for unit in units:
        assert re.search(r"^ +%s$" % re.escape(unit), text[text.index("\nUNITS") : text.index("\nFILES")], re.M)


def plain(text):
    """The words; what renders a page puts in blanks between sentences and takes out marks."""
    return re.sub(r"[\s`]+", "", text)
