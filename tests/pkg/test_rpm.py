"""Which front end of rpm is in charge, what is asked of rpm, and how a package is installed: on trees.

What dnf 4.14 and zypper 1.14 say was taken from runs of theirs; what yum 3.2 and 3.4, dnf5, microdnf and tdnf say is
from bug reports and from memory of their sources.  What the real ones do is in test_rpm_real.py.
"""

from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest

from agentprep.changes import Remove, Run, Write
from agentprep.errors import Blocked, CommandFailed, Unknown
from agentprep.guest import Draft, Guest
from agentprep.pkg import pick
from agentprep.pkg.lock import BUSY
from agentprep.pkg.rpm import database
from tests import rpms
from tests.debian12 import DPKG_STATUS
from tests.trees import Content, FakeCommands, FakeLive, Handler, Program, To, make_tree, policy_of

DB = rpms.database("bash-5.1.8-9.el9", "NetworkManager-1:1.54.0-1.el9", "kernel-5.14.0-427.el9", "kernel-5.14.0-70.el9")
SQLITE = "/usr/lib/sysimage/rpm/rpmdb.sqlite"
AGENT: Dict[str, Content] = {"/usr/sbin/waagent": Program("#!/usr/bin/python3\n"), "/etc/waagent.conf": "x=y\n"}
BRINGS: Dict[str, Dict[str, Content]] = {"WALinuxAgent": AGENT, "python-pyasn1": {}, "bash": {}}
REPOSITORY = "the extras repository"
REPO = "[local]\nbaseurl=file:///x\n"


def programs(*names: str) -> Dict[str, Content]:
    return {"/usr/bin/" + name: Program("") for name in names}


def guest_of(
    folder: Any, files: Dict[str, Content], commands: Optional[Dict[str, Handler]] = None, path: str = SQLITE
) -> Guest:
    root = make_tree(folder, dict({path: DB, "/usr/bin/rpm": Program("")}, **files))
    return Guest(root, FakeCommands(root, rpms.handlers(BRINGS) if commands is None else commands))  # type: ignore


def backend_of(folder: Any, *names: str, **options: Any) -> Any:
    return pick(guest_of(folder, programs(*names), **options))[0]


def argvs(changes: Sequence[Any]) -> List[Tuple[str, ...]]:
    return [change.commands[0] if isinstance(change, Run) else type(change) for change in changes]


# -- which front end is in charge ---------------------------------------------------------------------------------
@pytest.mark.parametrize("name, files", [
    ("dnf", programs("dnf")),
    ("dnf", dict(programs("dnf-3"), **{"/usr/bin/dnf": To("dnf-3"), "/usr/bin/yum": To("dnf-3")})),  # RHEL 8 to 10
    ("dnf", dict(programs("dnf5"), **{"/usr/bin/dnf": To("dnf5"), "/usr/bin/yum": To("dnf5")})),  # Fedora 41
    ("dnf", programs("microdnf")),
    ("dnf", programs("tdnf")),
    ("dnf", programs("tdnf", "dnf", "yum")),
    ("yum", programs("yum")),
    ("yum", dict(programs("dnf"), **{"/usr/bin/yum": Program("#!/usr/bin/python\nimport yummain\n")})),  # CentOS 7
    ("zypper", programs("zypper")),
    ("zypper", dict(programs("zypper", "dnf"), **{"/etc/zypp/repos.d/a.repo": REPO})),
    ("zypper", dict(programs("zypper", "dnf5"), **{"/etc/products.d/baseproduct": To("SLES.prod")})),
    ("dnf", dict(programs("zypper", "dnf"), **{"/etc/yum.repos.d/a.repo": REPO})),  # Fedora's package of zypper
    ("rpm", {}),
])  # fmt: skip
def test_one_front_end_is_in_charge(tmp_path: Any, name: str, files: Dict[str, Content]) -> None:
    backend, evidence = pick(guest_of(tmp_path, files))
    assert backend.name == name
    assert evidence.startswith(SQLITE + " has 0 KiB and /usr/bin/")


@pytest.mark.parametrize("path", [
    "/var/lib/rpm/Packages", "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/Packages.db", SQLITE,
])  # fmt: skip
def test_the_database_is_where_the_release_has_it(tmp_path: Any, path: str) -> None:
    guest = guest_of(
        tmp_path, dict(programs("dnf"), **{"/var/lib/rpm/Packages": DB if "/var/" in path else ""}), path=path
    )
    assert database(guest) == path and pick(guest)[0].version("bash") == "5.1.8-9.el9"


def test_a_link_to_the_database_is_followed(tmp_path: Any) -> None:
    guest = guest_of(tmp_path, dict(programs("dnf"), **{"/var/lib/rpm": To("../../usr/lib/sysimage/rpm")}))
    assert database(guest) == SQLITE


def test_rpm_as_a_tool_of_debian_is_not_its_package_manager(tmp_path: Any) -> None:
    files = dict(programs("apt-get", "dnf", "zypper", "yum"), **{"/var/lib/dpkg/status": DPKG_STATUS})
    assert pick(guest_of(tmp_path / "both", files))[0].name == "apt"
    files["/var/lib/dpkg/status"] = ""
    assert pick(guest_of(tmp_path / "dpkg-as-a-tool", files))[0].name == "dnf"
    with pytest.raises(Blocked, match="no package manager"):
        pick(Guest(make_tree(tmp_path / "empty", dict(programs("dnf"), **{"/var/lib/rpm/Packages": ""}))))


# -- what is installed ---------------------------------------------------------------------------------------------
def test_a_version_is_asked_for_once_and_the_latest_counts(tmp_path: Any) -> None:
    backend = backend_of(tmp_path, "dnf")
    assert backend.version("NetworkManager") == "1:1.54.0-1.el9"
    assert backend.version("kernel") == "5.14.0-427.el9", "of several"
    assert backend.version("WALinuxAgent") is None and backend.version("Network") is None
    assert len(backend.guest.commands.ran) == 1


def test_what_cannot_be_asked_is_unknown(tmp_path: Any) -> None:
    without = Guest(make_tree(tmp_path / "no-rpm", dict(programs("dnf"), **{SQLITE: DB})))
    with pytest.raises(Unknown, match="rpm is not installed"):
        pick(without)[0].version("bash")
    damaged = backend_of(
        tmp_path / "damaged", "yum", commands={"rpm": lambda root, argv: (0, "")}, path="/var/lib/rpm/Packages"
    )
    with pytest.raises(Unknown, match="lists no package, although /var/lib/rpm/Packages is not empty") as caught:
        damaged.version("bash")
    assert "rpm --rebuilddb" in caught.value.hint and "/var/lib/rpm/__db" in caught.value.hint


# -- installing ------------------------------------------------------------------------------------------------------
WORDS = {
    "dnf": ("dnf", "-y", "--setopt=install_weak_deps=0", "install"),
    "microdnf": ("microdnf", "-y", "--setopt=install_weak_deps=0", "install"),
    "tdnf": ("tdnf", "-y", "install"),
    "yum": ("yum", "-y", "install"),
    "zypper": ("zypper", "--non-interactive", "install", "--no-force-resolution", "--auto-agree-with-licenses",
               "--no-recommends"),
}  # fmt: skip


@pytest.mark.parametrize("tool", sorted(WORDS))
def test_a_package_is_installed_without_a_question_and_no_other_removed(tmp_path: Any, tool: str) -> None:
    backend = backend_of(tmp_path, tool)
    changes = list(backend.install(("python-pyasn1", "WALinuxAgent"), REPOSITORY, policy_of(), ("/etc/waagent.conf",)))
    assert argvs(changes)[0] == WORDS[tool] + ("python-pyasn1", "WALinuxAgent")
    assert argvs(changes)[1:] == ([("rpm", "-q", "python-pyasn1", "WALinuxAgent")] if tool == "yum" else [])
    assert changes[0].outputs == ("/usr/lib/sysimage/rpm/*", "/etc/waagent.conf")
    assert changes[0].why == "not installed: python-pyasn1, WALinuxAgent"
    draft = Draft(backend.guest)
    changes[0].imagine(draft)
    assert draft.guessed(backend.database) and not Draft(backend.guest).guessed(backend.database)
    for change in changes:
        change.apply(backend.guest)
    assert backend.version("WALinuxAgent") == "1-1", "asked for anew after the installation"
    assert backend.guest.which("waagent")


@pytest.mark.parametrize("tool, words", [
    ("dnf", ("dnf", "-y", "reinstall", "bash")), ("yum", ("yum", "-y", "reinstall", "bash")),
    ("tdnf", ("tdnf", "-y", "reinstall", "bash")), ("zypper", WORDS["zypper"] + ("--force", "bash")),
])  # fmt: skip
def test_one_that_is_there_is_installed_anew(tmp_path: Any, tool: str, words: Tuple[str, ...]) -> None:
    changes = list(backend_of(tmp_path, tool).install(("bash",), REPOSITORY, policy_of()))
    assert argvs(changes) == [words] and changes[0].why == "bash lacks a file of its package"


@pytest.mark.parametrize("tool, words", [
    ("dnf", WORDS["dnf"] + ("--allowerasing", "WALinuxAgent")),
    ("zypper", WORDS["zypper"] + ("!NetworkManager", "WALinuxAgent")),
])  # fmt: skip
def test_what_is_in_conflict_goes_only_where_that_is_allowed(tmp_path: Any, tool: str, words: Tuple[str, ...]) -> None:
    commands = rpms.handlers(BRINGS, {"WALinuxAgent": "NetworkManager"})
    backend = backend_of(tmp_path, tool, commands=commands)
    with pytest.raises(CommandFailed, match="does not go with what is installed"):
        for change in backend.install(("WALinuxAgent",), REPOSITORY, policy_of()):
            change.apply(backend.guest)
    changes = list(backend.install(("WALinuxAgent",), REPOSITORY, policy_of(), removes=["NetworkManager"]))
    assert argvs(changes) == [words]
    changes[0].apply(backend.guest)
    assert backend.version("NetworkManager") is None and backend.version("bash")


def test_yum_removes_and_installs_in_one_transaction_and_looks_first(tmp_path: Any) -> None:
    commands = rpms.handlers(BRINGS, {"WALinuxAgent": "NetworkManager"})
    backend = backend_of(tmp_path / "a", "yum", commands=commands)
    changes = []
    for change in backend.install(
        ("python-pyasn1", "WALinuxAgent"), REPOSITORY, policy_of(), removes=["NetworkManager"]
    ):
        changes.append(change)
        change.apply(backend.guest)
    assert argvs(changes) == [
        ("yum", "-y", "list", "available", "python-pyasn1"), ("yum", "-y", "list", "available", "WALinuxAgent"), Write,
        ("yum", "-y", "shell", "/var/tmp/agentprep.yum"), Remove, ("rpm", "-q", "python-pyasn1", "WALinuxAgent"),
    ]  # fmt: skip
    assert changes[2].content == b"remove NetworkManager\ninstall python-pyasn1 WALinuxAgent\nrun\n"
    assert backend.version("NetworkManager") is None and backend.version("WALinuxAgent")
    assert not backend.guest.exists("/var/tmp/agentprep.yum")
    some = rpms.handlers({"python-pyasn1": {}}, {"WALinuxAgent": "NetworkManager"})
    poor = backend_of(tmp_path / "b", "yum", commands=some)
    with pytest.raises(CommandFailed, match="no repository of the guest has the package"):
        packages = ("python-pyasn1", "WALinuxAgent")
        for change in poor.install(packages, REPOSITORY, policy_of(), removes=["NetworkManager"]):
            change.apply(poor.guest)
    assert poor.version("NetworkManager"), "it has not gone for nothing"


def test_yum_ends_well_when_it_finds_only_some_of_the_packages(tmp_path: Any) -> None:
    backend = backend_of(tmp_path, "yum", commands=rpms.handlers({"python-pyasn1": {}}))
    with pytest.raises(CommandFailed, match="WALinuxAgent cannot be installed: no repository") as caught:
        for change in backend.install(("python-pyasn1", "WALinuxAgent"), REPOSITORY, policy_of()):
            change.apply(backend.guest)
    assert REPOSITORY in caught.value.hint


def test_without_a_front_end_nothing_can_be_installed(tmp_path: Any) -> None:
    with pytest.raises(Blocked, match="no dnf, yum or zypper") as caught:
        list(backend_of(tmp_path / "a").install(("WALinuxAgent",), REPOSITORY, policy_of()))
    assert REPOSITORY in caught.value.hint
    with pytest.raises(Blocked) as caught:
        list(backend_of(tmp_path / "b", "rpm-ostree").install(("WALinuxAgent",), REPOSITORY, policy_of()))
    assert "rpm-ostree install WALinuxAgent" in caught.value.hint


# -- locks -----------------------------------------------------------------------------------------------------------
class Busy(FakeLive):
    """rpm's own lock is held by a transaction of PackageKit's."""

    def holder(self, path: str) -> Optional[str]:
        return "packagekitd (pid 812)" if path == "/var/lib/rpm/.rpm.lock" else None


@pytest.mark.parametrize("tool, path", [
    ("yum", "/var/run/yum.pid"), ("dnf", "/var/cache/dnf/metadata_lock.pid"), ("zypper", "/run/zypp.pid"),
])  # fmt: skip
def test_a_busy_package_manager_is_waited_for(tmp_path: Any, tool: str, path: str) -> None:
    files = dict(programs(tool), **{path: "4711\n", "/proc/4711/comm": "yum-cron\n"})
    backend = pick(guest_of(tmp_path / "busy", files))[0]
    changes = list(backend.install(("WALinuxAgent",), REPOSITORY, policy_of("limits.lock=30"), live=FakeLive()))
    assert changes[0].commands == (("timeout", "30", "tail", "--pid=4711", "-f", "/dev/null"),)
    assert changes[0].why == "yum-cron (pid 4711) holds %s: waiting up to 30 seconds for it to end" % path
    with pytest.raises(Blocked, match="yum-cron .pid 4711. holds " + path) as caught:
        list(backend.install(("WALinuxAgent",), REPOSITORY, policy_of("limits.lock=0"), live=FakeLive()))
    assert caught.value.hint == BUSY
    left: Dict[str, Content] = dict(programs(tool), **{path: "4712\n"})
    over = pick(guest_of(tmp_path / "left-over", left))[0]
    assert argvs(list(over.install(("WALinuxAgent",), REPOSITORY, policy_of(), live=FakeLive())))[0][0] == tool
    held = list(over.install(("WALinuxAgent",), REPOSITORY, policy_of(), live=Busy()))
    assert held[0].why.startswith("packagekitd (pid 812) holds /var/lib/rpm/.rpm.lock")


@pytest.mark.parametrize("content", ["", "x", "../1", "1 2", "99999999999999999999"])
def test_a_lock_with_no_number_is_held_by_nobody(tmp_path: Any, content: str) -> None:
    files = dict(programs("yum"), **{"/var/run/yum.pid": content, "/proc/1/comm": "init\n"})
    changes = list(pick(guest_of(tmp_path, files))[0].install(("x",), REPOSITORY, policy_of(), live=FakeLive()))
    assert argvs(changes)[0][0] == "yum"


# -- what is said when it fails ------------------------------------------------------------------------------------
OFFLINE, ABSENT, NONE = "the repositories cannot be reached", "no repository of the guest has", "the guest has no repos"
CONFLICT, LOCKED, DAMAGED = "does not go with", "another program holds the lock", "rpm's database is damaged"
REGISTER = "subscription-manager register, or SUSEConnect"


@pytest.mark.parametrize("tool, code, output, message, hint", [
    ("dnf", 1, "Error: Unable to find a match: WALinuxAgent", ABSENT, REPOSITORY),
    ("dnf", 1, "Failed to resolve the transaction:\nNo match for argument: WALinuxAgent", ABSENT, REPOSITORY),  # dnf5
    ("microdnf", 1, "error: No package matches 'WALinuxAgent'", ABSENT, REPOSITORY),
    ("tdnf", 245, "Error(1011) : No matching packages", ABSENT, REPOSITORY),
    ("yum", 1, "No package WALinuxAgent available.\nError: Nothing to do", ABSENT, REPOSITORY),
    ("zypper", 104, "'WALinuxAgent' not found in package names. Trying capabilities.", ABSENT, REPOSITORY),
    ("zypper", 104, "", ABSENT, REPOSITORY),
    ("yum", 1, "This system is not registered with an entitlement server.\nNo package WALinuxAgent available.", ABSENT,
     REGISTER),
    ("dnf", 1, "This system is not registered with an entitlement server.\nError: There are no enabled repositories in",
     NONE, REGISTER),
    ("yum", 1, "There are no enabled repos.\n Run \"yum repolist all\" to see the repos you have.", NONE, REPOSITORY),
    ("zypper", 6, "Warning: No repositories defined. Operating only with the installed resolvables.", NONE, REPOSITORY),
    ("dnf", 1, "  - Curl error (6): Couldn't resolve host name for http://x\nError: Failed to download metadata",
     OFFLINE, REPOSITORY),
    ("yum", 1, "Could not retrieve mirrorlist http://x error was\nError: Cannot find a valid baseurl for repo: base",
     OFFLINE, REPOSITORY),
    ("tdnf", 1, "Error: Failed to synchronize cache for repo 'Azure Linux Official Base 3.0'", OFFLINE, REPOSITORY),
    ("zypper", 104, "Download (curl) error for 'http://x'\nNo provider of 'WALinuxAgent' found.", OFFLINE, REPOSITORY),
    ("yum", 1, "Error: WALinuxAgent conflicts with NetworkManager-0.8.1-113.el6.x86_64", CONFLICT, "see why"),
    ("dnf", 1, " Problem: problem with installed package nm\n  - conflicting requests", CONFLICT, "dnf install"),
    ("zypper", 4, "Problem: nothing provides python3-pyasn1 needed by WALinuxAgent", CONFLICT, "zypper install"),
    ("zypper", 7, "System management is locked by the application with pid 4711 (zypper).", LOCKED, "wait"),
    ("zypper", 7, "", LOCKED, "wait"),
    ("dnf", 200, "Waiting for the transaction lock", LOCKED, "wait"),
    ("yum", 1, "rpmdb: Thread/process 2310/140 failed: Thread died in Berkeley DB library", DAMAGED, "--rebuilddb"),
    ("yum", 1, "error: db4 error(-30974) from dbenv->failchk: DB_RUNRECOVERY: Fatal error", DAMAGED, "--rebuilddb"),
    ("dnf", 1, "error: rpmdb: BDB0113 Thread/process 9 failed: BDB1507 Thread died", DAMAGED, "rpm --rebuilddb"),
    ("dnf", 1, "Error: Transaction test error:\n   At least 12MB more space needed on the / filesystem.",
     "the disk is full", "dnf clean all"),
    ("dnf", 1, "Public key for x.rpm is not installed\nError: GPG check FAILED", "a signature cannot", "rpm --import"),
    ("dnf", 1, "Something new\n", "dnf could not install WALinuxAgent .exit code 1.: Something new", "dnf install"),
    ("zypper", 8, "Something new", "zypper could not install WALinuxAgent .exit code 8.", "zypper install"),
])  # fmt: skip
def test_an_error_says_what_to_do(tmp_path: Any, tool: str, code: int, output: str, message: str, hint: str) -> None:
    commands = dict(rpms.handlers({}), **{tool: lambda root, argv: (code, output)})
    backend = backend_of(tmp_path, tool, commands=commands)
    install = next(iter(backend.install(("WALinuxAgent",), REPOSITORY, policy_of())))
    with pytest.raises(CommandFailed, match=message) as caught:
        install.execute(backend.guest, 60, None, None)
    assert "WALinuxAgent" in caught.value.message and hint in caught.value.hint
    assert (REGISTER in caught.value.hint) is ("not registered" in output)


@pytest.mark.parametrize("code, words", [(102, "reboot"), (106, "left out a repository"), (107, "script of a package")])
def test_what_zypper_only_remarks_is_a_note(tmp_path: Any, code: int, words: str) -> None:
    commands = dict(rpms.handlers({}), zypper=lambda root, argv: (code, "Warning"))
    backend = backend_of(tmp_path, "zypper", commands=commands)
    (note,) = next(iter(backend.install(("x",), REPOSITORY, policy_of()))).execute(backend.guest, 60, None, None)
    assert words in note
