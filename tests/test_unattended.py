"""Who must agree before a machine prepares itself, and what it says last when it stays on."""

import os
import subprocess
import sys
from typing import Any

import pytest

from agentprep.errors import Blocked
from agentprep.unattended import AZURE, TAG, closing, consent, unit
from agentprep.verdicts import Result
from tests.trees import FakeLive, make_tree, policy_of, system_of

OTHERS = ("", "No Asset Tag\n", "0000-0000-0000-0000-0000-0000-00\n")  # QEMU, VMware, another Hyper-V
AGREED = "service.run=yes"


def asked(folder: Any, arguments: str, *settings: str, **more: Any) -> str:
    files = {"/etc/hostname": "x\n"}
    if "tag" in more:
        files[TAG] = more["tag"]
    live = more.get("live", FakeLive(arguments="root=/dev/sda1 ro " + arguments))
    return consent(system_of(make_tree(folder, files), live=live), policy_of(*settings))


def refused(*given: Any, **more: Any) -> Blocked:
    with pytest.raises(Blocked) as caught:
        asked(*given, **more)
    assert caught.value.exit_code == 3 and caught.value.hint
    return caught.value


# The kernel's arguments, whether service.run is yes, and what comes of it: who agreed, or why it is refused.
TABLE = (
    ("", False, "blocked: nobody has agreed"),
    ("", True, "[service] run is yes (--set)"),
    ("agentprep.run", False, "the kernel was started with agentprep.run"),
    ("agentprep.run", True, "the kernel was started with agentprep.run"),
    ("agentprep.run=1", False, "the kernel was started with agentprep.run"),
    ("agentprep.run=yes", False, "the kernel was started with agentprep.run"),
    ("agentprep.run=true", False, "the kernel was started with agentprep.run"),
    ("agentprep.run=ON", False, "the kernel was started with agentprep.run"),
    ('agentprep.run="yes"', False, "the kernel was started with agentprep.run"),
    ("agentprep.run=0", True, "blocked: the kernel was started with agentprep.run=no"),
    ("agentprep.run=no", True, "blocked: the kernel was started with agentprep.run=no"),
    ("agentprep.run=false", True, "blocked: the kernel was started with agentprep.run=no"),
    ("agentprep.run=off", True, "blocked: the kernel was started with agentprep.run=no"),
    ("agentprep.run=No", False, "blocked: the kernel was started with agentprep.run=no"),
    ("agentprep.run=no agentprep.run=yes", True, "blocked: the kernel was started with agentprep.run=no"),
    ("agentprep.run=yes agentprep.run=no", True, "blocked: the kernel was started with agentprep.run=no"),
    ("agentprep.run=", True, "blocked: the kernel was started with agentprep.run=, which is neither"),
    ("agentprep.run=maybe", True, "blocked: the kernel was started with agentprep.run=maybe, which is neither"),
    ("agentprep.runner agentprep=run my.agentprep.run", False, "blocked: nobody has agreed"),
    ("-- agentprep.run", False, "blocked: nobody has agreed"),
)


@pytest.mark.parametrize("arguments, agreed, outcome", TABLE)
def test_the_whole_table(tmp_path: Any, arguments: str, agreed: bool, outcome: str) -> None:
    try:
        told = asked(tmp_path, arguments, *([AGREED] if agreed else []))
    except Blocked as error:
        told = "blocked: " + error.message
        assert error.hint and error.exit_code == 3
    assert outcome in told and told.startswith("blocked") == outcome.startswith("blocked")


@pytest.mark.parametrize("arguments", ["", "agentprep.run"])
def test_on_azure_no_yes_counts(tmp_path: Any, arguments: str) -> None:
    error = refused(tmp_path, arguments, AGREED, tag=AZURE + "\n")
    assert "runs on Azure already" in error.message and "systemctl disable agentprep.service" in error.hint


@pytest.mark.parametrize("tag", OTHERS)
def test_another_hypervisor_is_not_azure(tmp_path: Any, tag: str) -> None:
    assert asked(tmp_path, "", AGREED, tag=tag).startswith("Unattended: ")


def test_a_guest_that_does_not_run_cannot_prepare_itself(tmp_path: Any) -> None:
    error = refused(tmp_path, "agentprep.run", AGREED, live=None)
    assert "does not run" in error.message and "agentprep run --yes" in error.hint


def test_without_its_last_part_it_would_start_at_each_boot(tmp_path: Any) -> None:
    error = refused(tmp_path, "", AGREED, "deprovision.enabled=no")
    assert "[deprovision] enabled is no (--set)" in error.message and "--poweroff" in error.hint
    assert "nobody has agreed" in refused(tmp_path, "", "deprovision.enabled=no").message


def test_a_refusal_says_how_to_agree(tmp_path: Any) -> None:
    error = refused(tmp_path, "")
    assert "(default)" in error.message
    assert "run = yes below [service] in /etc/agentprep.conf" in error.hint and "systemctl disable" in error.hint


def test_the_last_lines_are_few_and_hold_the_reason() -> None:
    message = "boot: \x1b[31mfull\tup\nand a long\n+diff\n" + "+x\n" * 50
    told = closing(Result("failed", 4, message, "free\nsome space", undo="agentprep rollback"))
    lines = told.split("\n")
    assert len(lines) == 5 and lines[-1] == ""
    assert lines[0].startswith("agentprep: ") and "stays on" in lines[0] and "full up" in lines[0]
    assert lines[1] == "  what to do: free some space"
    assert "\x1b" not in told and "+diff" not in told
    assert "what to do" not in closing(Result("failed", 4, "x", ""))


CGROUPS = (
    ("0::/system.slice/agentprep-firstboot.service\n", "systemctl start agentprep-firstboot.service;"),
    ("12:pids:/system.slice/agentprep.service\n1:name=systemd:/system.slice/agentprep.service\n",
     "systemctl start agentprep.service;"),
    ("0::/user.slice/user-0.slice/session-1.scope\n", "agentprep run --unattended;"),
    ("0::/system.slice/my-agentprep.service.d/x\n", "agentprep run --unattended;"),
    ("", "agentprep run --unattended;"),
)  # fmt: skip


@pytest.mark.parametrize("groups, again", CGROUPS)
def test_the_unit_that_runs_it_is_named(tmp_path: Any, groups: str, again: str) -> None:
    system = system_of(make_tree(tmp_path, {"/proc/self/cgroup": groups}))
    assert again in closing(Result("failed", 4, "x", ""), unit(system.guest))


def test_the_command_refuses_before_it_looks_at_anything(tmp_path: Any) -> None:
    root = make_tree(tmp_path / "root", {"/%s/.keep" % name: "" for name in ("proc", "sys", "dev", "run", "etc")})
    words = [sys.executable, "-m", "agentprep", "run", "--unattended", "--set", AGREED, "--root", root]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    reason = "--unattended is for a machine" if os.geteuid() == 0 else "must be run as root"
    assert done.returncode == 3 and reason in done.stderr and "what to do: " in done.stderr
    assert done.stdout == "" and not os.path.exists(root + "/var/lib/agentprep")
