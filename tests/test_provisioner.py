"""Which program provisions: cloud-init where it is installed and nothing switches it off, else waagent."""

from typing import Any, Dict

import pytest

from agentprep.errors import Blocked
from agentprep.guest import Guest
from agentprep.provisioner import detect
from tests.debian12 import (
    CLOUD_CFG,
    CLOUD_INIT,
    WAAGENT_CONF,
)
from tests.trees import Content, To, make_tree, policy_of


def provisioner(folder: Any, files: Dict[str, Content], *settings: str) -> Any:
    return detect(Guest(make_tree(folder, files)), policy_of(*settings))


def test_without_cloud_init_it_is_waagent_whatever_debians_configuration_says(tmp_path: Any) -> None:
    assert provisioner(tmp_path, {"/etc/waagent.conf": WAAGENT_CONF}) == ("waagent", "cloud-init is not installed")


def test_the_leftovers_of_a_removed_package_are_no_cloud_init(tmp_path: Any) -> None:
    left: Dict[str, Content] = {path: what for path, what in CLOUD_INIT.items() if path.startswith("/etc/")}
    assert "/etc/cloud/cloud.cfg" in left
    assert provisioner(tmp_path / "a", left).name == "waagent"
    units: Dict[str, Content] = {path: what for path, what in CLOUD_INIT.items() if path != "/usr/bin/cloud-init"}
    assert provisioner(tmp_path / "b", units).evidence == "cloud-init is not installed"


def test_an_installed_cloud_init_provisions(tmp_path: Any) -> None:
    assert provisioner(tmp_path, CLOUD_INIT) == ("cloud-init", "cloud-init is installed and switched on")


@pytest.mark.parametrize(
    "more, evidence",
    [
        ({"/etc/cloud/cloud-init.disabled": ""}, "/etc/cloud/cloud-init.disabled exists"),
        ({"/etc/systemd/system/cloud-init-local.service": To("/dev/null")},
         "/etc/systemd/system/cloud-init-local.service masks cloud-init-local.service"),
        ({"/etc/systemd/system/cloud-init.target": To("/dev/null")},
         "/etc/systemd/system/cloud-init.target masks cloud-init.target"),
        ({"/etc/systemd/system.conf": "[Manager]\nDefaultEnvironment=A=1 KERNEL_CMDLINE=cloud-init=disabled\n"},
         "DefaultEnvironment in /etc/systemd/system.conf has cloud-init=disabled"),
    ],
)  # fmt: skip
def test_each_switch_is_seen(tmp_path: Any, more: Dict[str, Content], evidence: str) -> None:
    files: Dict[str, Content] = dict(CLOUD_INIT)
    files.update(more)
    assert provisioner(tmp_path, files) == ("waagent", "cloud-init is installed but switched off: " + evidence)


def test_units_that_are_not_enabled(tmp_path: Any) -> None:
    files = {path: what for path, what in CLOUD_INIT.items() if "target.wants" not in path}
    assert provisioner(tmp_path, files).evidence == (
        "cloud-init is installed but switched off: none of its units is enabled"
    )


def test_a_datasource_list_without_azure_is_no_switch(tmp_path: Any) -> None:
    files: Dict[str, Content] = dict(CLOUD_INIT)
    files["/etc/cloud/cloud.cfg"] = CLOUD_CFG + "\ndatasource_list: [ NoCloud ]\n"
    assert provisioner(tmp_path, files).name == "cloud-init"


def test_the_policy_has_the_last_word(tmp_path: Any) -> None:
    found = provisioner(tmp_path / "a", CLOUD_INIT, "agent-conf.provisioner=waagent")
    assert found == ("waagent", "agent-conf.provisioner is waagent (--set)")
    off: Dict[str, Content] = dict(CLOUD_INIT)
    off["/etc/cloud/cloud-init.disabled"] = ""
    assert provisioner(tmp_path / "b", off, "agent-conf.provisioner=cloud-init").name == "cloud-init"
    with pytest.raises(Blocked, match="cloud-init is not installed"):
        provisioner(tmp_path / "c", {}, "agent-conf.provisioner=cloud-init")
