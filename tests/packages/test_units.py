"""The systemd units as systemd itself reads them, and what its presets make of them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agentprep.deprovision.own_units import STEP
from agentprep.deprovision.own_units import UNITS as DISABLED
from tests.packages.chroots import SUITES, World
from tests.trees import brought_about, system_of

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNITS = ("agentprep.service", "agentprep-firstboot.service")
PRESET = "50-agentprep.preset"
# Presets of distributions, cut down to what matters: the first line that matches a unit wins.
ORDERS = {
    "debian": {"90-systemd.preset": "enable getty@.service\ndisable debug-shell.service\n"},
    "fedora": {"90-default.preset": "enable sshd.service\n", "99-default-disable.preset": "disable *\n"},
    "suse": {"95-default-SUSE.preset": "enable sshd.service\n", "99-default-disable.preset": "disable *\n"},
    "enables the rest": {"90-default.preset": "enable sshd.service\n", "98-rest.preset": "enable *\n"},
}
# Directives that systemd 219 (RHEL 7) does not know and passes over with a line in its log; all would run without them.
NEWER = {"OOMPolicy": 243, "LockPersonality": 235, "RestrictRealtime": 231}
KNOWN = {
    "Unit": {"Description", "Documentation", "After", "Before", "Wants"},
    "Service": {
        "Type", "ExecStart", "TimeoutStartSec", "TimeoutStopSec", "StandardOutput", "StandardError", "Environment",
        "UMask", "KillMode",
    },
    "Install": {"WantedBy"},
}  # fmt: skip


def run(*words):
    """What a command says, and its exit code."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
    return done.stdout, done.returncode


def directives(name):
    """[(section, directive, value)] of a unit."""
    section, found = "", []
    for line in (FOLDER / name).read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] != "#":
            found.append((section, *line.split("=", 1)))
    return found


def verified(folder, **replaced):
    """What systemd says of the units, once the program, which is not installed here, is one that is."""
    for name in UNITS:
        text = (FOLDER / name).read_text().replace("/usr/bin/agentprep", "/bin/true")
        for old, new in replaced.items():
            assert old in text
            text = text.replace(old, new)
        (folder / name).write_text(text)
    return run("systemd-analyze", "verify", "--man=no", *(str(folder / name) for name in UNITS))


def test_systemd_has_nothing_to_say_of_the_units(tmp_path):
    assert verified(tmp_path) == ("", 0)


@pytest.mark.parametrize("replaced", [{"mixed": "mxed"}, {"UMask": "Umaks"}, {"multi-user.target graphical": "x/y z"}])
def test_it_would_say_so(tmp_path, replaced):
    assert verified(tmp_path, **replaced)[0]


@pytest.mark.parametrize("suite", SUITES)
def test_each_releases_systemd_reads_them_and_leaves_them_off(tmp_path, suite):
    folder = "/usr/lib/systemd/system/"
    verify = "systemd-analyze verify --man=no " + " ".join(folder + name for name in UNITS)
    with World(suite, tmp_path) as world:
        # systemd 247 verifies nothing where it finds no control groups, and complains of others than its own.
        world.beside("mount", "--rbind", "/sys", f"{tmp_path}/root/sys")
        world.put("/usr/bin/agentprep", b"#!/bin/sh\n")
        world.run("chmod 755 /usr/bin/agentprep")
        for name in UNITS:
            world.put(folder + name, (FOLDER / name).read_bytes())
        code, said = world.run(verify)
        assert (code, [line for line in said.splitlines() if "agentprep" in line]) == (0, [])

        world.out("systemctl preset-all 2>&1")
        assert world.run(f"systemctl is-enabled {' '.join(UNITS)}")[1].split() == ["enabled"] * 2
        world.put(f"/usr/lib/systemd/system-preset/{PRESET}", (FOLDER / PRESET).read_bytes())
        world.out("systemctl preset-all 2>&1")
        assert world.run(f"systemctl is-enabled {' '.join(UNITS)}")[1].split() == ["disabled"] * 2

        world.run(f"sed -i s/KillMode=mixed/KillMode=mxed/ {folder}{UNITS[1]}")
        assert UNITS[1] in world.run(verify)[1], "it does not see a mistake"


def test_its_verdict_on_their_security_is_the_known_one(tmp_path):
    """Not good, as of any service that installs packages; the reasons stand in agentprep.service."""
    verified(tmp_path)
    for name in UNITS:
        told, _ = run("systemd-analyze", "security", "--offline=yes", "--no-pager", str(tmp_path / name))
        overall = re.search(r"Overall exposure level for %s: ([\d.]+)" % re.escape(name), told)
        assert overall and float(overall.group(1)) <= 9.5, told


@pytest.mark.parametrize("name", UNITS)
def test_what_is_needed_was_known_to_systemd_219(name):
    for section, directive, value in directives(name):
        assert directive in KNOWN[section] | set(NEWER), directive
        assert value and "infinity" not in value  # known since 229, which still takes 0 (its NEWS)


def test_the_units_differ_in_who_agreed_and_in_nothing_else():
    one, two = ({line for line in directives(name) if line[1] != "Description"} for name in UNITS)
    run_by = "/usr/bin/agentprep run --unattended %s--poweroff"
    assert one - two == {("Service", "ExecStart", run_by % "")}
    assert two - one == {
        ("Service", "ExecStart", run_by % "--set service.run=yes "),
        ("Unit", "After", "agentprep.service"),
    }


def tree(folder, presets, own=True):
    """A root folder with the units, sshd's, and presets."""
    system, preset = folder / "usr/lib/systemd/system", folder / "usr/lib/systemd/system-preset"
    for path in (system, preset, folder / "etc/systemd/system"):
        path.mkdir(parents=True)
    for name in UNITS:
        shutil.copy(FOLDER / name, system / name)
    (system / "sshd.service").write_text("[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n")
    for name, text in presets.items():
        (preset / name).write_text(text)
    if own:
        shutil.copy(FOLDER / PRESET, preset / PRESET)
    return folder


def enabled(root):
    """The units that start at boot, as systemctl says."""
    names = {}
    for name in (*UNITS, "sshd.service"):
        names[name] = run("systemctl", "--root", str(root), "is-enabled", name)[0].split()[-1]
    return {name for name, said in names.items() if said == "enabled"}


@pytest.mark.parametrize("order", ORDERS)
def test_presets_never_enable_them(tmp_path, order):
    root = tree(tmp_path, ORDERS[order])
    assert run("systemctl", "--root", str(root), "preset-all")[1] == 0
    assert enabled(root) == {"sshd.service"}


@pytest.mark.parametrize("order", ["debian", "enables the rest"])
def test_without_our_preset_they_would_be(tmp_path, order):
    root = tree(tmp_path, ORDERS[order], own=False)
    run("systemctl", "--root", str(root), "preset-all")
    assert enabled(root) == {*UNITS, "sshd.service"}


def test_the_administrators_own_preset_wins(tmp_path):
    root = tree(tmp_path, ORDERS["debian"])
    (root / "etc/systemd/system-preset").mkdir()
    (root / "etc/systemd/system-preset/10-mine.preset").write_text("enable agentprep-firstboot.service\n")
    run("systemctl", "--root", str(root), "preset-all")
    assert enabled(root) == {"agentprep-firstboot.service", "sshd.service"}


def test_what_systemctl_enables_the_last_step_disables(tmp_path):
    assert DISABLED == UNITS
    root = tree(tmp_path, {})
    for words in (
        ("enable", *UNITS),
        ("add-requires", "sshd.service", "agentprep.service"),
        ("enable", "sshd.service"),
    ):
        assert run("systemctl", "--root", str(root), *words)[1] == 0
    assert enabled(root) == {*UNITS, "sshd.service"}
    brought_about(STEP, system_of(str(root)))
    assert enabled(root) == {"sshd.service"}
    left = [name for _, _, names in os.walk(str(root / "etc")) for name in names]
    assert left == ["sshd.service"]
