"""The backends with the real rpm, dnf and zypper, on throw-away roots with a repository that the test builds.

Proved with what Debian 12 has: rpm 4.18.0, dnf 4.14.0, zypper 1.14.42, createrepo_c 0.17.3.  The commands are those
that a guest would run; the tools are led into the tree by --installroot (dnf) and --root (zypper, rpm).  dnf5,
microdnf, tdnf and yum 3 are not in Debian 12: only their words are tried, in test_rpm.py.
"""

import os
import shutil
import subprocess
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import pytest

from agentprep.errors import CommandFailed, Unknown
from agentprep.guest import Guest
from agentprep.pkg import pick
from tests.trees import Content, FakeCommands, Program, make_tree, policy_of

TOOLS = ("rpm", "rpmbuild", "createrepo_c", "dnf", "zypper")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason="not installed: %s" % ", ".join(MISSING)),
    pytest.mark.skipif(os.geteuid() != 0, reason="rpm changes into the tree, which only root may"),
]
BOTH = pytest.mark.parametrize("tool", ["dnf", "zypper"])
SPEC = """Name: %s
Version: 1.0
Release: 1
Summary: A package of a test
License: Public Domain
BuildArch: noarch
%s
%%description
%%install
mkdir -p %%{buildroot}/etc %%{buildroot}/usr/sbin
echo x > %%{buildroot}/etc/%s.conf
echo x > %%{buildroot}/usr/sbin/%s
%%files
%%config(noreplace) /etc/%s.conf
/usr/sbin/%s
"""
PACKAGES = {
    "agent": "Requires: pyasn1\nConflicts: manager\nRecommends: extra",
    "pyasn1": "Recommends: extra",
    "extra": "",
    "manager": "",
    "broken": "Requires: nothing-has-this",
}


class Machine:
    """A tree, and the real tools led into it."""

    def __init__(self, root: str, home: str) -> None:
        self.root, self.home = root, home
        self.said = ""
        leads = {
            "dnf": ("dnf", "--installroot", root, "--releasever", "9"),
            "zypper": ("zypper", "--root", root),
            "rpm": ("rpm", "--root", root),
        }
        handlers = {name: self.lead(*words) for name, words in leads.items()}
        self.guest = Guest(root, FakeCommands(root, handlers))  # type: ignore[arg-type]
        self.backend: Any = None

    def lead(self, *words: str) -> Any:
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": self.home, "TERM": "dumb"}

        def run(root: str, argv: Tuple[str, ...]) -> Tuple[int, str]:
            done = subprocess.run(
                words + argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=environment, timeout=120,
            )  # fmt: skip
            self.said = (done.stdout + (done.stderr if done.returncode else b"")).decode("utf-8", "replace")
            return done.returncode, self.said

        return run

    def install(self, *packages: str, **options: Any) -> List[Any]:
        changes = []
        self.backend = pick(self.guest)[0]
        for change in self.backend.install(packages, "REPOSITORY", policy_of(), **options):
            change.apply(self.guest)
            changes.append(change)
        return changes

    def names(self) -> Sequence[str]:
        backend = pick(self.guest)[0]
        return [name for name in sorted(PACKAGES) if backend.version(name) is not None]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: Any) -> str:
    """The packages, built by rpmbuild and listed by createrepo_c."""
    top = tmp_path_factory.mktemp("rpms")
    specs = []
    for name, more in PACKAGES.items():
        spec = top / (name + ".spec")
        spec.write_text(SPEC % ((name, more) + (name,) * 4))
        specs.append(str(spec))
    words = ["--quiet", "--define", "_topdir %s" % top, "--define", "_rpmdir %s/repo" % top]
    subprocess.run(
        ["rpmbuild", "-bb"] + words + specs, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    subprocess.run(["createrepo_c", "-q", str(top / "repo")], check=True)
    return str(top / "repo")


@pytest.fixture
def machine(tmp_path: Any, repository: str, tool: str) -> Iterator[Machine]:
    """A guest with one package, manager, that was installed by its own front end."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".rpmmacros").write_text("%_dbpath /var/lib/rpm\n")  # Debian's rpm has its own elsewhere
    repo = "[local]\nname=local\nbaseurl=file://%s\nenabled=1\ngpgcheck=0\nautorefresh=0\n" % repository
    files: Dict[str, Content] = {
        "/usr/bin/rpm": Program(""), "/usr/bin/" + tool: Program(""), "/etc/dnf/dnf.conf": "", "/var/lib/rpm/.keep": "",
        "/etc/yum.repos.d/local.repo" if tool == "dnf" else "/etc/zypp/repos.d/local.repo": repo,
        "/run/.keep": "",
    }  # fmt: skip
    one = Machine(make_tree(tmp_path / "root", files), str(home))
    words = WORDS[tool] + ("manager",)
    code, said = one.guest.commands.handlers[tool](one.root, words)  # type: ignore[attr-defined]
    assert code == 0, said
    yield one


WORDS = {"dnf": ("dnf", "-y", "install"), "zypper": ("zypper", "--non-interactive", "install")}


@BOTH
def test_the_database_is_found_and_asked(machine: Machine, tool: str) -> None:
    backend, evidence = pick(machine.guest)
    assert backend.name == tool and evidence.startswith("/var/lib/rpm/rpmdb.sqlite has ")
    assert backend.version("manager") == "1.0-1" and backend.version("agent") is None


@BOTH
def test_a_package_comes_with_what_it_needs_and_no_more_and_a_second_time_nothing_is_lost(
    machine: Machine, tool: str
) -> None:
    machine.install("pyasn1")
    assert machine.names() == ["manager", "pyasn1"], "not what is only recommended"
    assert machine.backend.version("pyasn1") == "1.0-1"


@BOTH
def test_a_lost_configuration_file_comes_back(machine: Machine, tool: str) -> None:
    os.remove(machine.root + "/etc/manager.conf")
    assert len(machine.install("manager")) == 1
    assert os.path.isfile(machine.root + "/etc/manager.conf")


@BOTH
def test_a_conflict_is_an_error_unless_the_other_may_go(machine: Machine, tool: str) -> None:
    with pytest.raises(CommandFailed, match="agent cannot be installed: it does not go with what is installed"):
        machine.install("agent")
    assert machine.names() == ["manager"]
    machine.install("agent", removes=["manager"])
    assert machine.names() == ["agent", "pyasn1"]
    assert not os.path.exists(machine.root + "/usr/sbin/manager")


@BOTH
def test_a_package_that_nobody_has_is_told_so_and_nothing_else_is_installed(machine: Machine, tool: str) -> None:
    with pytest.raises(CommandFailed, match="no repository of the guest has the package") as caught:
        machine.install("pyasn1", "nowhere")
    assert "REPOSITORY" in caught.value.hint and machine.names() == ["manager"]


@BOTH
def test_what_it_needs_is_nowhere(machine: Machine, tool: str) -> None:
    with pytest.raises(CommandFailed, match="broken cannot be installed: it does not go with what is installed"):
        machine.install("broken")


@BOTH
def test_no_repository_at_all(machine: Machine, tool: str) -> None:
    folder = machine.root + ("/etc/yum.repos.d" if tool == "dnf" else "/etc/zypp/repos.d")
    os.remove(folder + "/local.repo")
    with pytest.raises(CommandFailed, match="agent cannot be installed: the guest has no repository"):
        machine.install("agent")


@BOTH
def test_a_repository_that_cannot_be_reached(machine: Machine, tool: str) -> None:
    path = machine.root + ("/etc/yum.repos.d" if tool == "dnf" else "/etc/zypp/repos.d") + "/local.repo"
    with open(path, "w") as stream:
        stream.write("[local]\nname=x\nbaseurl=http://nowhere.invalid/\nenabled=1\ngpgcheck=0\nautorefresh=1\n")
    for cache in ("/var/cache/dnf", "/var/cache/zypp"):
        shutil.rmtree(machine.root + cache, ignore_errors=True)
    with pytest.raises(CommandFailed, match="agent cannot be installed: the repositories cannot be reached"):
        machine.install("agent")


@BOTH
def test_a_package_that_nobody_signed(machine: Machine, tool: str) -> None:
    path = machine.root + ("/etc/yum.repos.d" if tool == "dnf" else "/etc/zypp/repos.d") + "/local.repo"
    with open(path) as stream:
        text = stream.read().replace("gpgcheck=0", "gpgcheck=1")
    with open(path, "w") as stream:
        stream.write(text)
    with pytest.raises(CommandFailed, match="pyasn1 cannot be installed: a signature cannot be verified"):
        machine.install("pyasn1")
    assert machine.names() == ["manager"]


@pytest.mark.parametrize("tool", ["zypper"])
def test_zypper_that_another_one_locks_out(machine: Machine, tool: str) -> None:
    with open(machine.root + "/run/zypp.pid", "w") as stream:
        stream.write("%d\n" % os.getpid())  # any process will do
    with pytest.raises(CommandFailed, match="another program holds the lock"):
        machine.install("pyasn1")


@pytest.mark.parametrize("tool", ["dnf"])
def test_dnf_waits_for_whose_number_is_in_its_lock(machine: Machine, tool: str) -> None:
    """Which is why agentprep waits before, with an end to it."""
    lock = pick(machine.guest)[0].pids[0]
    os.makedirs(os.path.dirname(machine.root + lock), exist_ok=True)
    with open(machine.root + lock, "w") as stream:
        stream.write(str(os.getpid()))
    words = ["timeout", "3", "dnf", "--installroot", machine.root, "--releasever", "9", "-y", "install", "pyasn1"]
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, HOME=machine.home)
    )
    assert done.returncode == 124 and b"Waiting for process with pid %d" % os.getpid() in done.stdout


@BOTH
def test_a_damaged_database_is_told(machine: Machine, tool: str) -> None:
    with open(machine.root + "/var/lib/rpm/rpmdb.sqlite", "r+b") as stream:
        stream.seek(0)
        stream.write(b"no database any more" * 4096)
    for name in ("-wal", "-shm"):
        if os.path.exists(machine.root + "/var/lib/rpm/rpmdb.sqlite" + name):
            os.remove(machine.root + "/var/lib/rpm/rpmdb.sqlite" + name)
    with pytest.raises(Unknown, match="rpm cannot read /var/lib/rpm/rpmdb.sqlite") as caught:
        machine.install("pyasn1")
    assert "rm -f /var/lib/rpm/__db.*; rpm --rebuilddb" in caught.value.hint
    assert "file is not a database" in machine.said
