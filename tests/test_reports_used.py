"""Reports as they are used: of real trees, without passwords, from the command line."""

import html
import os
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest
from hypothesis import given

import agentprep
from agentprep.reports import rendered
from agentprep.reports.prose import clean
from agentprep.verdicts import NOT_READY
from tests import drawn
from tests.documents import FORMATS, SLOWLY, Page, one_line, suite_of
from tests.drawn import a_diff, a_finding, a_report
from tests.roots import debian12
from tests.roots.every import TREES
from tests.worlds import World

HOME = os.path.dirname(os.path.dirname(os.path.abspath(agentprep.__file__)))


@pytest.mark.parametrize("name", FORMATS)
@SLOWLY
@given(told=drawn.reports)
def test_no_character_drives_a_terminal(told, name):
    out = rendered(name, told)
    assert not [c for c in out if not c.isprintable() and c not in "\n\t"]


SECRETS = {
    "$6$rounds=5000$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq": "root:%s:19000:0:9:7:::",
    "hunter2": "it has: password=%s",
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7": "user:%s:19000::::::",
    "$1$gLhU0/$aW78kHK1QfV3P2b2znUoe/": "password --md5 %s",
    "10000.86288E5D.A2A46E": "password_pbkdf2 root grub.pbkdf2.sha512.%s",
    "Tr0ub4dor": "//nas/share /mnt cifs username=me,password=%s,uid=0 0 0",
    "correct horse": 'wpa-psk = 1\npsk="%s"',
    "hunter2hunter2": "passwd = '%s'",
    "letmein": "password %s",
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("secret", sorted(SECRETS))
def test_no_password_is_in_a_diff_or_in_evidence(name, secret):
    line = SECRETS[secret] % secret
    record = a_diff(1)
    told = a_report(a_finding(evidence=(line,)), changes=[record._replace(shown=record.shown + " " + line + "\n")])
    out = html.unescape(rendered(name, told))
    assert secret not in out and "(hidden)" in out.replace("&#40;", "(").replace("&#41;", ")")


@pytest.mark.parametrize("line", [
    "PasswordAuthentication yes", "Provisioning.DeleteRootPassword=n", "Provisioning.PasswordCryptId=6", "$kernelopts",
    "options root=UUID=1 $tuned_params", "use_pty passwd_tries=3", "a password is asked for",
])  # fmt: skip
def test_what_only_looks_like_a_password_is_shown(line):
    assert clean(line) == line


def test_the_password_of_a_boot_menu_is_in_no_report(tmp_path):
    """The real thing: a menu whose line next to a changed one has the password."""
    tree = next(one for one in TREES if one.name == "rhel-6-bios")
    root = tree.make(tmp_path / "guest")
    path = root + "/boot/grub/grub.conf"
    with open(path) as stream:
        lines = stream.read().splitlines(True)
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("kernel"))
    lines.insert(at, "\tpassword --md5 $1$gLhU0/$aW78kHK1QfV3P2b2znUoe/\n")
    with open(path, "w") as stream:
        stream.write("".join(lines))
    told = World(root, tree.settings, commands=tree.commands).check()
    assert "aW78kHK1QfV3P2b2znUoe" in "".join(one.shown for one in told.changes), "the tree shows nothing"
    for name in FORMATS:
        assert "aW78kHK1QfV3P2b2znUoe" not in rendered(name, told)


@pytest.mark.parametrize("tree", [one for one in TREES if one.name in ("rhel-9.4-uefi", "debian-12", "sles-15-uefi")],
                         ids=lambda one: one.name)  # fmt: skip
def test_a_real_tree_before_and_after_a_run(tree, tmp_path):
    world = World(tree.make(tmp_path / "guest"), tree.settings, commands=tree.commands)
    before, planned = world.check(), world.plan()
    done, after = world.run(deprovision=False), world.check()
    for told in (before, planned, done, after):
        suite = suite_of(told)
        page = "".join(Page(rendered("html", told)).text)
        comment = rendered("markdown", told)
        assert len(suite.findall("testcase")) == len(told.findings)
        for one in told.findings:
            assert suite.find("testcase[@classname='agentprep.%s']" % one.id) is not None
            assert one.id in page and one_line(one.title) in page and "| `%s`<br>" % one.id in comment
        for record in told.changes:
            assert getattr(record.change, "path", "") in page and record.shown in comment
    assert int(suite_of(before).get("failures")) == len([one for one in before.findings if one.status in NOT_READY])
    assert suite_of(after).get("failures") == suite_of(after).get("errors") == "0"
    assert "Ready." in rendered("markdown", after) and "Not ready." in rendered("markdown", before)
    assert "### How to undo\n\nTake everything back with `sudo agentprep rollback`." in rendered("markdown", done)
    assert "This cannot be undone." in rendered("markdown", planned), "the last part of the plan"


# -- the command line ----------------------------------------------------------------------------------------
def run(*words, **more):
    environment = dict(os.environ, PYTHONPATH=HOME, **more)
    child = subprocess.Popen((sys.executable, "-m", "agentprep") + words, cwd="/", env=environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    out, err = child.communicate(timeout=120)
    return child.returncode, out.decode("utf-8"), err.decode("utf-8")


def whole(name, out):
    """The output is one whole document."""
    if name == "junit":
        return ElementTree.fromstring(out.encode()).find("testsuite") is not None
    return (
        out.startswith("<!doctype html>") and Page(out).ids if name == "html" else out.startswith("## agentprep check")
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return debian12.make(tmp_path_factory.mktemp("tree") / "guest")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("more", [(), ("--quiet",), ("--verbose",), ("--color", "always"), ("--only", "sudo")])
def test_a_format_is_one_document_with_the_exit_code_of_text(tree, name, more):
    code, out, err = run("check", "--root", tree, "--format", name, *more)
    assert code == (0 if "sudo" in more else 1) and err == "" and whole(name, out)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("words, code", [(("--skip", "x"), 2), (("--fast",), 2), (("--root", "/no/such/folder"), 2),
                                         (("--root", "/var/empty-of-linux"), 2)])  # fmt: skip
def test_an_error_is_a_document_too(name, words, code):
    got, out, err = run("check", "--format", name, *words)
    assert got == code and whole(name, out) and "what to do" in err
    if name == "junit":
        assert ElementTree.fromstring(out).find("testsuite/testcase/error") is not None


def test_what_is_shown_is_dated():
    clock = 1767225600
    told = a_report(a_finding())
    assert suite_of(told, clock=clock).get("timestamp") == "2026-01-01T00:00:00"
    for name in ("markdown", "html"):
        assert "2026-01-01 00:00 UTC" in rendered(name, told, clock=clock)
        assert time.strftime("%Y-%m-%d", time.gmtime()) in rendered(name, told)
