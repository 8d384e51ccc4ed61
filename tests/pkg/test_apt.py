"""apt with dpkg: read from the status file, installed by apt-get, with locks, interruptions and errors told."""

import subprocess
from typing import Any, Dict, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.changes import Run
from agentprep.errors import Blocked, CommandFailed
from agentprep.guest import Guest
from agentprep.pkg import apt as module
from agentprep.pkg import pick
from agentprep.pkg.apt import Apt
from agentprep.pkg.lock import holders, waited_for
from tests.debian12 import DPKG_STATUS, stanza
from tests.trees import FakeCommands, FakeLive, Program, make_tree, policy_of

INSTALL = ("apt-get", "-o", "DPkg::Lock::Timeout=600", "-y", "--no-install-recommends", "--no-remove",
           "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", "install")  # fmt: skip
UPDATE = ("apt-get", "-o", "DPkg::Lock::Timeout=600", "-o", "APT::Update::Error-Mode=any", "update")
REPOSITORY = "the main component"


def guest_of(folder: Any, more: Optional[Dict[str, Any]] = None, handlers: Optional[Dict[str, Any]] = None) -> Guest:
    files = {"/var/lib/dpkg/status": DPKG_STATUS, "/usr/bin/apt-get": Program("")}
    files.update(more or {})
    root = make_tree(folder, files)
    return Guest(root, FakeCommands(root, handlers or {}))  # type: ignore[arg-type]


def argvs(changes: Any) -> List[Any]:
    return [argv for change in changes for argv in change.commands]


class Busy(FakeLive):
    """A machine on which unattended-upgrades is at work."""

    def holder(self, path: str) -> Optional[str]:
        return "unattended-upgr (pid 812)" if path.startswith("/var/lib/dpkg") else None


def test_probe_wants_a_status_file_with_something_in_it(tmp_path: Any) -> None:
    guest = guest_of(tmp_path / "debian")
    backend, evidence = pick(guest)
    assert backend.name == "apt" and evidence == "/var/lib/dpkg/status has 0 KiB and /usr/bin/apt-get is there"
    with pytest.raises(Blocked):
        pick(guest_of(tmp_path / "fedora-with-dpkg", {"/var/lib/dpkg/status": ""}))


def test_only_what_is_installed_has_a_version(tmp_path: Any) -> None:
    status = DPKG_STATUS + stanza("waagent", "2.7.3.0-4.1") + stanza("held", "1:2", "hold ok installed")
    apt = Apt(guest_of(tmp_path, {"/var/lib/dpkg/status": status}))
    assert apt.version("waagent") == "2.7.3.0-4.1"
    assert apt.version("adduser") == "3.134"
    assert apt.version("held") == "1:2"
    assert apt.version("cloud-init") is None, "removed, with configuration files left"
    assert apt.version("ap") is None and apt.version("apt-utils") is None and apt.version("pt") is None


def test_a_package_of_two_architectures_is_found_whichever_is_installed(tmp_path: Any) -> None:
    status = stanza("libc6", "2.31", "deinstall ok config-files") + stanza("libc6", "2.36")
    assert Apt(guest_of(tmp_path, {"/var/lib/dpkg/status": status})).version("libc6") == "2.36"


@given(st.integers(0, 40), st.integers(1, 300))
def test_a_version_is_found_wherever_the_file_is_cut_into_pieces(before: int, size: int) -> None:
    import io

    status = (DPKG_STATUS + stanza("x", "0") * before + stanza("waagent", "2.7") + stanza("zz", "1")).encode()

    class Pieces(Guest):
        def open(self, path: str) -> Any:
            stream = io.BytesIO(status)
            whole = stream.read
            stream.read = lambda wanted=-1: whole(size)  # type: ignore[assignment,method-assign]
            return stream

    assert Apt(Pieces("/")).version("waagent") == "2.7"
    assert Apt(Pieces("/")).version("waagen") is None


def test_install_updates_the_lists_and_removes_nothing(tmp_path: Any) -> None:
    guest = guest_of(tmp_path)
    changes = list(Apt(guest).install(["waagent"], REPOSITORY, policy_of(), ("/etc/waagent.conf",)))
    assert argvs(changes) == [UPDATE, INSTALL + ("waagent",)]
    assert changes[-1].outputs == ("/var/lib/dpkg/status", "/etc/waagent.conf")
    apt = Apt(guest)
    assert [len(list(apt.install(["x"], REPOSITORY, policy_of()))) for _ in "12"] == [2, 1], "the lists are new then"
    removing = argvs(Apt(guest).install(["waagent"], REPOSITORY, policy_of(), removes=["network-manager"]))[-1]
    assert "--no-remove" not in removing


def test_a_package_that_is_there_gets_its_missing_configuration_files_back(tmp_path: Any) -> None:
    guest = guest_of(tmp_path, {"/var/lib/dpkg/status": DPKG_STATUS + stanza("waagent", "2.7")})
    argv = argvs(Apt(guest).install(["waagent"], REPOSITORY, policy_of()))[-1]
    assert "Dpkg::Options::=--force-confmiss" in argv and "--reinstall" in argv


@pytest.mark.parametrize(
    "more",
    [
        {"/var/lib/dpkg/updates/0000": "Package: x\n"},
        {"/var/lib/dpkg/status": DPKG_STATUS + stanza("x", "1", "install ok half-configured")},
        {"/var/lib/dpkg/status": DPKG_STATUS + stanza("x", "1", "install ok unpacked")},
    ],
)
def test_an_interrupted_dpkg_is_finished_first(tmp_path: Any, more: Dict[str, str]) -> None:
    found = argvs(Apt(guest_of(tmp_path, more)).install(["waagent"], REPOSITORY, policy_of()))
    assert found[0] == ("dpkg", "--force-confdef", "--force-confold", "--configure", "-a") and len(found) == 3


def test_files_of_another_kind_in_updates_are_no_interruption(tmp_path: Any) -> None:
    assert Apt(guest_of(tmp_path, {"/var/lib/dpkg/updates/tmp.i": ""})).interrupted() == ""


def test_a_busy_package_manager_is_waited_for_once_and_no_longer_than_the_policy_says(tmp_path: Any) -> None:
    changes = list(Apt(guest_of(tmp_path)).install(["x"], REPOSITORY, policy_of("limits.lock=30"), live=Busy()))
    assert changes[0].commands == (("timeout", "30", "tail", "--pid=812", "-f", "/dev/null"),)
    assert changes[0].why == (
        "unattended-upgr (pid 812) holds /var/lib/dpkg/lock-frontend: waiting up to 30 seconds for it to end"
    )
    assert changes[0].limit == 40 and len(changes) == 3
    with pytest.raises(Blocked, match="unattended-upgr .pid 812. holds /var/lib/dpkg/lock-frontend"):
        list(Apt(guest_of(tmp_path / "none")).install(["x"], REPOSITORY, policy_of("limits.lock=0"), live=Busy()))


def test_the_wait_ends_with_the_process_that_it_waits_for_or_with_an_error() -> None:
    process = subprocess.Popen(["sleep", "0.3"])

    class Holding(FakeLive):
        def holder(self, path: str) -> Optional[str]:
            return "sleep (pid %d)" % process.pid

    def wait(seconds: int) -> Run:
        return next(waited_for(holders(Guest("/"), Holding(), ["/lock"]), seconds))

    with pytest.raises(CommandFailed, match="still holds .* after 1 seconds") as caught:
        zombie = wait(1)  # nobody collects it, so that it does not end for tail
        zombie.execute(Guest("/"), 60, None, None)
    assert "limits.lock" in caught.value.hint
    process.wait()
    assert wait(5).execute(Guest("/"), 60, None, None) == []


@pytest.mark.parametrize(
    "output, message, hint",
    [
        ("E: Unable to locate package waagent", "no repository of the guest has the package", REPOSITORY),
        ("E: Package 'waagent' has no installation candidate", "no repository of the guest has", REPOSITORY),
        ("Temporary failure resolving 'deb.debian.org'\nE: Failed to fetch http://x/y.deb",
         "the repositories cannot be reached", REPOSITORY),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)", "another program", "wait"),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", "the disk is full", "apt-get clean"),
        ("E: Packages need to be removed but remove is disabled.", "other packages would have", "install waagent"),
        ("E: Something new", "failed with exit code 100: E: Something new", "by hand: apt-get install waagent"),
    ],
)  # fmt: skip
def test_an_error_of_apt_says_what_to_do(tmp_path: Any, output: str, message: str, hint: str) -> None:
    guest = guest_of(tmp_path, handlers={"apt-get": lambda root, argv: (100, output)})
    install = list(Apt(guest).install(["waagent"], REPOSITORY, policy_of()))[-1]
    with pytest.raises(CommandFailed) as caught:
        install.execute(guest, 60, None, None)
    assert message in caught.value.message and "waagent" in caught.value.message
    assert hint in caught.value.hint


def test_an_update_that_fails_is_a_note(tmp_path: Any) -> None:
    guest = guest_of(tmp_path, handlers={"apt-get": lambda root, argv: (100, "Err:1 x\nE: The repository is gone")})
    update = next(iter(Apt(guest).install(["waagent"], REPOSITORY, policy_of())))
    assert update.execute(guest, 60, None, None) == ["apt-get update failed: E: The repository is gone"]


def test_a_package_that_is_unknown_for_want_of_a_network_is_told_so(tmp_path: Any) -> None:
    told = {"update": "W: Temporary failure resolving 'deb.debian.org'\nE: Some index files failed to download",
            "waagent": "E: Unable to locate package waagent"}  # fmt: skip
    guest = guest_of(tmp_path, handlers={"apt-get": lambda root, argv: (100, told[argv[-1]])})
    update, install = Apt(guest).install(["waagent"], REPOSITORY, policy_of())
    with pytest.raises(CommandFailed, match="no repository of the guest has the package"):
        install.execute(guest, 60, None, None)
    update.execute(guest, 60, None, None)
    with pytest.raises(CommandFailed, match="the repositories cannot be reached"):
        install.execute(guest, 60, None, None)


def test_without_apt_get_nothing_can_be_installed(tmp_path: Any) -> None:
    guest = Guest(make_tree(tmp_path, {"/var/lib/dpkg/status": DPKG_STATUS}))
    with pytest.raises(Blocked, match="waagent is not installed, and the guest has no apt-get"):
        list(Apt(guest).install(["waagent"], REPOSITORY, policy_of()))
    assert module.STATUS == "/var/lib/dpkg/status"
