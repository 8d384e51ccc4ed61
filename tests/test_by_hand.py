"""What a person is told to do by hand names the way of each family of guests, not of one alone."""

from types import SimpleNamespace
from typing import Any

import pytest

from agentprep import session
from agentprep.deprovision import STEPS as LAST
from agentprep.errors import Blocked
from agentprep.provisioner import detect
from agentprep.steps import STEPS
from tests.trees import make_tree, policy_of, system_of

# What one family has, and what the others have for it.
WAYS = {
    "apt-get install": ("yum", "zypper"),
    "update-grub": ("grub2-mkconfig",),
    "GRUB_CMDLINE_LINUX": ("grubby --update-kernel=ALL", "/etc/kernel/cmdline", "systemd-boot", "menu.lst", "# kopt="),
    "update-initramfs": ("dracut --force IMAGE VERSION", "mkinitrd"),
    "systemctl enable": ("chkconfig",),
    "systemctl poweroff": ("shutdown -P now",),
}


@pytest.mark.parametrize("step", tuple(STEPS) + tuple(LAST), ids=lambda step: step.id)
def test_a_remedy_names_the_way_of_each_family(step: Any) -> None:
    for one, others in WAYS.items():
        if one in step.remedy:
            assert [other for other in others if other not in step.remedy] == [], step.remedy


def test_arguments_and_initrds_are_told_where_they_are_changed() -> None:
    told = {step.id: step.remedy for step in STEPS}
    assert [name for name in ("kernel-cmdline", "numa", "os-swap", "fstab") if "grubby" not in told[name]] == []
    assert [name for name in ("initrd-hyperv", "os-swap", "floppy") if "mkinitrd" not in told[name]] == []


def test_the_hint_for_a_missing_cloud_init(tmp_path: Any) -> None:
    system = system_of(make_tree(tmp_path, {}))
    with pytest.raises(Blocked) as caught:
        detect(system.guest, policy_of("agent-conf.provisioner=cloud-init"))
    assert [tool for tool in ("apt-get", "dnf or yum", "zypper") if tool not in caught.value.hint] == []


@pytest.mark.parametrize("files, argv", [
    ({"/run/systemd/system/.keep": ""}, ("systemctl", "poweroff")),
    ({}, ("shutdown", "-P", "now")),
])  # fmt: skip
def test_the_machine_is_powered_off_with_what_runs_it(tmp_path: Any, files: Any, argv: Any) -> None:
    ran = []

    def done(root: str, argv: Any) -> int:
        ran.append(argv)
        return 0

    session.power_off(system_of(make_tree(tmp_path, files), {"systemctl": done, "shutdown": done}))
    assert ran == [argv]


@pytest.mark.parametrize("argv, told", [
    (("apt-get", "-y", "-o", "Dpkg::Options::=--force-confold", "install", "waagent"), "apt-get purge waagent"),
    (("yum", "-y", "install", "WALinuxAgent", "python-pyasn1"), "yum remove WALinuxAgent, yum remove python-pyasn1"),
    (("/usr/bin/dnf", "-y", "install", "--allowerasing", "WALinuxAgent"), "dnf remove WALinuxAgent"),
    (("zypper", "--non-interactive", "install", "--no-recommends", "!x", "openssh"), "zypper remove openssh"),
])  # fmt: skip
def test_packages_that_a_rollback_leaves(argv: Any, told: str) -> None:
    journal: Any = SimpleNamespace(entries=[], commands=[argv])
    left = session._left([journal])
    assert ", ".join(line.split("with: ")[1] for line in left) == told
