"""The lines of README.md that install an RPM, with Debian's real dnf and zypper led into throw-away roots.

Nothing of these distributions is here: what the packages need is in a repository that the test makes, under the names
that EL, EPEL, Fedora and SUSE have it.  There is no yum in Debian; its line is given to dnf, which took over its words.
"""

import os
import shlex
import shutil
import subprocess

import pytest

from tests import readme
from tests.packages import redhat

LINES = [row[1].strip("`") for row in readme.rows(readme.read()[1], "Install") if ".rpm" in row[1]]
# The Python that each package is for, and what its modules are called.
NEEDS = {
    "el7": ("/usr/bin/python3.6", "python36"),
    "el8": ("/usr/libexec/platform-python", "python3"),
    "1": ("/usr/bin/python3", "python3"),
}
SPEC = """%%global debug_package %%{nil}
%%global __os_install_post %%{nil}
AutoReqProv: no
Name: %s
Version: 3.6
Release: 1
Summary: Stands for what it is named like
License: Public Domain
%%description
%%install
%s
%%files
%s
"""
SHELL = "mkdir -p %{buildroot}/bin; cp /bin/busybox %{buildroot}/bin/sh"


def made(folder, name, install="", files=""):
    (folder / (name + ".spec")).write_text(SPEC % (name, install, files))
    words = ["rpmbuild", "--quiet", "-bb", "--define", f"_topdir {folder}", "--define", f"_rpmdir {folder}/repository"]
    done = subprocess.run([*words, str(folder / (name + ".spec"))], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with this checkout's RPMs, and below it a repository with what they need."""
    folder = tmp_path_factory.mktemp("rpms")
    for package in redhat.packages().values():
        shutil.copy(str(package), str(folder))
    made(folder, "shell", install=SHELL, files="/bin/sh")
    for interpreter in {python for python, _ in NEEDS.values()}:
        path = "%{buildroot}" + interpreter
        made(folder, interpreter.rpartition("/")[2], install=f"install -D /bin/true {path}", files=interpreter)
    for prefix in {modules for _, modules in NEEDS.values()}:
        for module in ("configobj", "distro", "psutil"):
            made(folder, f"{prefix}-{module}")
    subprocess.run(["createrepo_c", "-q", str(folder / "repository")], check=True)
    return folder


def test_every_rpm_that_is_built_is_named_in_the_readme(site):
    assert {line.split()[-1] for line in LINES} == {"./" + path.name for path in site.glob("*.noarch.rpm")}


@pytest.mark.parametrize("line", LINES)
def test_the_line_installs_it(line, site, tmp_path):
    root, home = tmp_path / "root", tmp_path / "home"
    for place in (root / "var/lib/rpm", root / "etc/yum.repos.d", root / "etc/zypp/repos.d", root / "run", home):
        place.mkdir(parents=True)
    (home / ".rpmmacros").write_text("%_dbpath /var/lib/rpm\n")  # Debian's rpm has its own elsewhere
    repository = f"[local]\nname=local\nbaseurl=file://{site}/repository\nenabled=1\ngpgcheck=0\nautorefresh=0\n"
    (root / "etc/yum.repos.d/local.repo").write_text(repository)
    (root / "etc/zypp/repos.d/local.repo").write_text(repository)
    tool, verb, *rest = shlex.split(line)
    assert verb == "install"
    lead = {
        "dnf": ["dnf", "--assumeyes", "--releasever", "9", "--installroot", str(root), verb],
        "zypper": ["zypper", "--non-interactive", "--root", str(root), verb],
    }
    lead["yum"] = lead["dnf"]
    done = subprocess.run(
        lead[tool] + rest, cwd=str(site), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(home), "TERM": "dumb"},
    )  # fmt: skip
    told = done.stdout.decode(errors="replace")
    assert done.returncode == 0, told
    python, modules = NEEDS[rest[-1].split("-")[2].split(".")[1] if ".el" in rest[-1] else "1"]
    listed = subprocess.run(
        ["rpm", "--root", str(root), "-qa"], env=dict(os.environ, HOME=str(home)), stdout=subprocess.PIPE
    )
    names = listed.stdout.decode()
    assert "agentprep-0.2.0-1" in names and modules + "-psutil-3.6" in names, names
    command = (root / "usr/bin/agentprep").read_text().splitlines()[0]
    assert command.split()[0] == "#!" + python and (root / python.lstrip("/")).exists()
    assert (root / "etc/agentprep.conf").is_file()
    shutil.rmtree(str(root))
