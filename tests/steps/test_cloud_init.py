"""Where cloud-init provisions, it runs, looks for Azure, and makes the swap."""

from typing import Any, Dict, List

import pytest

from agentprep.changes import Remove, Write
from agentprep.steps.cloud_init import STEP, SWAP, swap_config
from tests.debian12 import CLOUD_CFG, CLOUD_INIT
from tests.trees import Content, Program, To, brought_about, make_tree, planned, policy_of, system_of

Files = Dict[str, Content]
INIT: Files = {"/lib/systemd/systemd": Program(""), "/sbin/init": To("/lib/systemd/systemd")}
FOLDER = "/etc/cloud/cloud.cfg.d/"
LIST = Write(FOLDER + "91-azure_datasource.cfg", b"datasource_list: [ Azure ]\n",
             "cloud-init must look for Azure and nothing else")  # fmt: skip
NO_SWAP = policy_of("cloud-init.swap=no")


def system(folder: Any, *more: Files) -> Any:
    files = dict(INIT)
    for one in more:
        files.update(one)
    return system_of(make_tree(folder, files))


def settled(one: Any, policy: Any) -> List[Any]:
    done = brought_about(STEP, one, policy)
    changes, facts = planned(STEP, one, policy)
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"], facts
    return done


def test_it_is_not_applicable_without_cloud_init(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system(tmp_path))
    assert changes == [] and facts[0] == ("ok", "not applicable: waagent provisions (cloud-init is not installed)", "")


def test_a_cloud_init_that_is_switched_off_is_left_so(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system(tmp_path, CLOUD_INIT, {"/etc/cloud/cloud-init.disabled": ""}))
    assert changes == [] and facts[0].verdict == "ok" and "switched off" in facts[0].evidence


def test_two_provisioners_are_told(tmp_path: Any) -> None:
    changes, facts = planned(STEP, system(tmp_path, CLOUD_INIT), policy_of("agent-conf.provisioner=waagent"))
    assert changes == [] and facts[0].verdict == "warning" and "touch /etc/cloud" in facts[0].remedy


def test_debians_cloud_init_gets_azure_into_its_list(tmp_path: Any) -> None:
    one = system(tmp_path, CLOUD_INIT)
    assert settled(one, NO_SWAP) == [LIST]
    told = "cloud-init is installed and switched on; datasource_list in %s has Azure" % LIST.path
    assert planned(STEP, one, NO_SWAP)[1][0].evidence == told


@pytest.mark.parametrize("release", ["ID=rhel\nVERSION_ID=9.4\n", "ID=sles\nVERSION_ID=15.5\n"])
def test_red_hats_and_suses_kinds_keep_their_own_profile_of_eth0(tmp_path: Any, release: str) -> None:
    one = system(tmp_path, CLOUD_INIT, {"/etc/os-release": release})
    text = LIST.content + b"datasource:\n  Azure:\n    apply_network_config: False\n"
    assert settled(one, NO_SWAP) == [LIST._replace(content=text)]


def test_without_systemd_the_swap_is_left_to_a_person(tmp_path: Any) -> None:
    """Ubuntu 14.04: jobs of upstart."""
    jobs: Files = {"/etc/init/%s.conf" % name: "start on mounted\n" for name in ("cloud-init-local", "cloud-init")}
    files: Files = {"/sbin/init": Program(""), "/sbin/initctl": Program(""), "/etc/init/rc.conf": "start on runlevel\n",
                    "/usr/bin/cloud-init": Program(""), "/etc/cloud/cloud.cfg": CLOUD_CFG}  # fmt: skip
    changes, facts = planned(STEP, system_of(make_tree(tmp_path, dict(files, **jobs))))
    assert changes == [LIST] and [fact.verdict for fact in facts] == ["person", "ok"]


@pytest.mark.parametrize(
    "name, text, path",
    [
        ("90_dpkg.cfg", "datasource_list: [ NoCloud, Azure, None ]\n", None),
        ("90_dpkg.cfg", "datasource_list: [ NoCloud, None ]\n", "91-azure_datasource.cfg"),
        ("90_dpkg.cfg", "datasource_list:\n  - Azure\n", "91-azure_datasource.cfg"),
        ("95-mine.cfg", "datasource_list: [ NoCloud ]\n", "zz-azure_datasource.cfg"),
        ("91-azure_datasource.cfg", "datasource_list: [ ]\n", "zz-azure_datasource.cfg"),
        ("README", "datasource_list: [ NoCloud ]\n", "91-azure_datasource.cfg"),
    ],
)
def test_the_last_list_counts(tmp_path: Any, name: str, text: str, path: str) -> None:
    done = settled(system(tmp_path, CLOUD_INIT, {FOLDER + name: text}), NO_SWAP)
    assert [change.path for change in done] == ([FOLDER + path] if path else [])


def test_the_main_files_list_is_overridden(tmp_path: Any) -> None:
    main: Files = {"/etc/cloud/cloud.cfg": CLOUD_CFG + "datasource_list: [ NoCloud ]\n"}
    assert settled(system(tmp_path, CLOUD_INIT, main), NO_SWAP) == [LIST]


def test_what_an_installer_left_goes(tmp_path: Any) -> None:
    left = [FOLDER + "99-installer.cfg", FOLDER + "subiquity-disable-cloudinit-networking.cfg",
            "/etc/cloud/ds-identify.cfg"]  # fmt: skip
    files: Files = {
        left[0]: "datasource:\n  None:\n    metadata: {instance-id: 1}\ndatasource_list: [None]\n",
        left[1]: "network: {config: disabled}\n", left[2]: "policy: disabled\n",
    }  # fmt: skip
    done = settled(system(tmp_path, CLOUD_INIT, files), NO_SWAP)
    assert [change.path for change in done if isinstance(change, Remove)] == left and done[-1] == LIST


def test_every_switch_is_put_on_where_the_policy_forces_it(tmp_path: Any) -> None:
    off: Files = {
        "/etc/cloud/cloud-init.disabled": "", "/etc/systemd/system/cloud-init.target": To("/dev/null"),
        "/etc/systemd/system/cloud-init.service": To("/dev/null"),
        "/etc/systemd/system.conf": "[Manager]\nDefaultEnvironment=KERNEL_CMDLINE=cloud-init=disabled\nX=1\n",
    }  # fmt: skip
    done = settled(system(tmp_path, CLOUD_INIT, off),
                   policy_of("agent-conf.provisioner=cloud-init", "cloud-init.swap=no"))  # fmt: skip
    assert [change.path for change in done] == [
        "/etc/cloud/cloud-init.disabled", "/etc/systemd/system.conf", "/etc/systemd/system/cloud-init.target",
        "/etc/systemd/system/cloud-init.service", LIST.path,
    ]  # fmt: skip
    assert done[1].content == b"[Manager]\n# agentprep: DefaultEnvironment=KERNEL_CMDLINE=cloud-init=disabled\nX=1\n"


def test_the_swap_is_cloud_inits(tmp_path: Any) -> None:
    one = system(tmp_path, CLOUD_INIT)
    done = settled(one, policy_of("agent-conf.mount_point=/mnt"))
    assert [change.path for change in done] == [LIST.path, SWAP] + [
        "/etc/systemd/system/%s.service.d/agentprep-swap.conf" % unit
        for unit in ("cloud-init-local", "cloud-init", "cloud-config", "cloud-final")
    ]
    assert '["ephemeral0.1", "/mnt"]' in done[1].content.decode()
    assert "Environment=CLOUD_CFG=%s\n" % SWAP in done[2].content.decode()


def test_microsofts_own_way_is_accepted(tmp_path: Any) -> None:
    conf: Files = {"/etc/systemd/system.conf": '[Manager]\nDefaultEnvironment="CLOUD_CFG=%s"\n' % SWAP, SWAP: "x: 1\n"}
    assert settled(system(tmp_path, CLOUD_INIT, conf), policy_of()) == [LIST]


def test_the_swap_is_yaml_as_cloud_init_reads_it() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed: the swap's cloud-config is not parsed")
    found = yaml.safe_load(swap_config("/mnt/resource", "ext4", "cloud-init"))
    assert found == {
        "disk_setup": {"ephemeral0": {"table_type": "mbr", "layout": [66, [33, 82]], "overwrite": True}},
        "fs_setup": [{"device": "ephemeral0.1", "filesystem": "ext4"},
                     {"device": "ephemeral0.2", "filesystem": "swap"}],
        "mounts": [["ephemeral0.1", "/mnt/resource"],
                   ["ephemeral0.2", "none", "swap",
                    "sw,nofail,x-systemd.requires=cloud-init.service,x-systemd.device-timeout=2", "0", "0"]],
    }  # fmt: skip
