"""sshd is there, starts at boot, and asks after silent clients."""

import os
from typing import Any, Dict, List, Optional, Tuple

import pytest

from agentprep.changes import Link, Remove, Run, Write
from agentprep.errors import Blocked, CommandFailed
from agentprep.guest import Draft
from agentprep.steps.ssh_server import MAIN, OWN, STEP
from tests import rpms
from tests.debian12 import AGENT, DPKG_STATUS, SSH_SERVICE, SSH_SOCKET, SSHD_CONFIG, stanza
from tests.trees import ELF64, Content, Program, To, brought_about, content, make_tree, planned, policy_of, system_of

Files = Dict[str, Content]
UNIT = "/lib/systemd/system/ssh.service"
WANTED = "/etc/systemd/system/multi-user.target.wants/ssh.service"
SERVER: Files = {
    "/usr/sbin/sshd": Program(""), UNIT: SSH_SERVICE, "/lib/systemd/system/ssh.socket": SSH_SOCKET,
    MAIN: SSHD_CONFIG, "/etc/ssh/sshd_config.d/.keep": "",
}  # fmt: skip
BASE: Files = {
    "/lib/systemd/systemd": Program(""), "/sbin/init": To("/lib/systemd/systemd"), "/usr/bin/apt-get": Program(""),
    "/var/lib/dpkg/status": DPKG_STATUS + stanza("openssh-server", "1:9.2p1-2+deb12u10"),
}  # fmt: skip
ENABLED: Files = {WANTED: To(UNIT), "/etc/systemd/system/sshd.service": To(UNIT)}
GOOD = "# Written by agentprep: Azure's load balancers forget silent connections.\nClientAliveInterval 180\n"


def system(folder: Any, *more: Files, **options: Any) -> Any:
    files = dict(BASE)
    for one in (AGENT,) + more:
        files.update(one)
    return system_of(make_tree(folder, files), options.get("handlers"))


def settled(one: Any) -> List[Any]:
    done = brought_about(STEP, one)
    changes, facts = planned(STEP, one)
    assert changes == [] and [fact.verdict for fact in facts] == ["ok"], facts
    return done


def test_debians_server_gets_a_drop_in_that_is_read_first(tmp_path: Any) -> None:
    one = system(tmp_path, SERVER, ENABLED)
    why = "ClientAliveInterval is not set, and Azure cuts silent connections after 4 minutes"
    assert settled(one) == [Write(OWN, GOOD.encode(), why)]
    told = "ssh starts at boot (%s); ClientAliveInterval is 180 in %s" % (WANTED, OWN)
    assert planned(STEP, one)[1][0].evidence == told
    assert content(one.guest.root, MAIN) == SSHD_CONFIG


@pytest.mark.parametrize(
    "more, changed",
    [
        ({MAIN: SSHD_CONFIG + "ClientAliveInterval 60\n"}, None),
        ({MAIN: SSHD_CONFIG + "ClientAliveInterval 3m\n"}, None),
        ({MAIN: SSHD_CONFIG + "ClientAliveInterval 900\n"}, OWN),
        ({MAIN: SSHD_CONFIG + "ClientAliveInterval 5m\n"}, OWN),
        ({MAIN: "Include /etc/ssh/*.conf\nClientAliveInterval 900\n"}, MAIN),
        ({MAIN: SSHD_CONFIG + "ClientAliveInterval 0\n"}, OWN),
        ({MAIN: SSHD_CONFIG + "Match User x\nClientAliveInterval 180\n"}, OWN),
        ({MAIN: "ClientAliveInterval 900\n" + SSHD_CONFIG}, MAIN),
        ({MAIN: SSHD_CONFIG.replace("Include", "#Include")}, MAIN),
        ({MAIN: "Match User x\n" + SSHD_CONFIG}, MAIN),
        ({MAIN: SSHD_CONFIG.replace("/etc/ssh/", "")}, OWN),
        ({"/etc/ssh/sshd_config.d/10-x.conf": "ClientAliveInterval 0\n"}, OWN),
        (
            {
                "/etc/ssh/sshd_config.d/10-x.conf": "ClientAliveInterval 120\n",
                MAIN: SSHD_CONFIG + "ClientAliveInterval 0\n",
            },
            None,
        ),
        ({"/etc/ssh/sshd_config.d/00-0.conf": "ClientAliveInterval 600\n"}, "/etc/ssh/sshd_config.d/00-0.conf"),
        ({"/etc/ssh/sshd_config.d/10-x": "ClientAliveInterval 120\n"}, OWN),
        ({OWN: "ClientAliveInterval 900\n"}, OWN),
    ],
)
def test_the_value_that_sshd_uses_counts(tmp_path: Any, more: Files, changed: Optional[str]) -> None:
    done = settled(system(tmp_path, SERVER, ENABLED, more))
    assert [change.path for change in done] == ([changed] if changed else [])


def test_a_value_that_only_a_person_can_take_away(tmp_path: Any) -> None:
    text = "Match User x\nInclude /etc/ssh/x\nMatch all\nInclude /etc/ssh/y\n"
    bad: Files = {MAIN: text, "/etc/ssh/y": "Match User x\nMatch all\nClientAliveInterval 0\n"}
    facts = planned(STEP, system(tmp_path / "a", SERVER, ENABLED, bad))[1]
    assert [fact.verdict for fact in facts] == ["ok"], "the line in y is edited"
    torn: Files = {MAIN: "Match User x\nMatch all\nInclude y\n", "/etc/ssh/y": "ClientAliveInterval 0\nMatch all\n"
                   "ClientAliveInterval 5m\n"}  # fmt: skip
    facts = planned(STEP, system(tmp_path / "b", SERVER, ENABLED, torn))[1]
    assert facts[0].verdict == "failed" and "line 1 of /etc/ssh/y" in facts[0].evidence


def test_only_the_one_line_is_edited(tmp_path: Any) -> None:
    old = "ClientAliveInterval 900\n" + SSHD_CONFIG + "# caf\udce9\n"
    one = system(tmp_path, SERVER, ENABLED, {MAIN: old})
    settled(one)
    assert content(one.guest.root, MAIN) == old.replace("900", "180")


def test_the_policys_value_is_written(tmp_path: Any) -> None:
    changes, _ = planned(STEP, system(tmp_path, SERVER, ENABLED), policy_of("ssh-server.client_alive_interval=60"))
    assert changes[0].content.endswith(b"\nClientAliveInterval 60\n")


def test_a_server_that_does_not_start_at_boot(tmp_path: Any) -> None:
    fine: Files = {MAIN: SSHD_CONFIG + "ClientAliveInterval 60\n"}
    refused: Files = {"/etc/ssh/sshd_not_to_be_run": ""}
    assert settled(system(tmp_path / "a", SERVER, fine, refused)) == [
        Link(WANTED, UNIT, "ssh starts at boot"), Link("/etc/systemd/system/sshd.service", UNIT, "ssh starts at boot"),
        Remove("/etc/ssh/sshd_not_to_be_run", "sshd does not start while this file is there"),
    ]  # fmt: skip
    socket: Files = {"/etc/systemd/system/sockets.target.wants/ssh.socket": To("/lib/systemd/system/ssh.socket")}
    assert settled(system(tmp_path / "b", SERVER, fine, socket)) == []


def apt_get(root: str, argv: Tuple[str, ...]) -> int:
    if "install" in argv:
        assert argv[-1] == "openssh-server"
        files = dict(SERVER)
        files.update(ENABLED)
        for path, what in files.items():
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            if isinstance(what, To):
                os.symlink(what, root + path)
                continue
            with open(root + path, "w") as stream:
                stream.write(str(what))
            os.chmod(root + path, 0o755 if isinstance(what, Program) else 0o644)
    return 0


def test_a_missing_server_is_installed(tmp_path: Any) -> None:
    one = system(tmp_path, {"/var/lib/dpkg/status": DPKG_STATUS}, handlers={"apt-get": apt_get})
    changes, facts = planned(STEP, one)
    assert [type(change) for change in changes] == [Run, Run, Write] and changes[2].path == OWN and facts == []
    assert [type(change) for change in settled(one)] == [Run, Run, Write]


def test_a_package_that_brings_no_server_is_an_error(tmp_path: Any) -> None:
    one = system(tmp_path, {"/var/lib/dpkg/status": DPKG_STATUS}, handlers={"apt-get": lambda root, argv: 0})
    with pytest.raises(CommandFailed, match="there is no sshd after openssh-server was installed"):
        brought_about(STEP, one)


def test_what_cannot_be_mended_is_blocked(tmp_path: Any) -> None:
    with pytest.raises(Blocked, match="none of its services is .ssh, sshd."):
        planned(STEP, system(tmp_path / "a", {"/usr/sbin/sshd": Program("")}))
    files = {path: what for path, what in SERVER.items() if path != MAIN}
    with pytest.raises(Blocked, match="/etc/ssh/sshd_config is missing"):
        planned(STEP, system(tmp_path / "b", files, ENABLED))


def test_host_keys_that_nobody_makes_anew_are_told(tmp_path: Any) -> None:
    files = dict(BASE)
    files.update(SERVER)
    files.update(ENABLED)
    one = system_of(make_tree(tmp_path / "a", files))
    assert [fact.verdict for fact in planned(STEP, one)[1]] == ["ok", "warning"]
    draft = Draft(one.guest)
    draft.guess("/usr/sbin/waagent")
    facts = [item for item in STEP.changes(one.on(draft), policy_of()) if not isinstance(item, Write)]
    assert [fact.verdict for fact in facts] == [], "the agent is about to be installed"
    keygen: Files = {"/lib/systemd/system/sshd-keygen@.service": "[Service]\nExecStart=/usr/bin/ssh-keygen -A\n"}
    files.update(keygen)
    assert [fact.verdict for fact in planned(STEP, system_of(make_tree(tmp_path / "b", files)))[1]] == ["ok"]
    del files["/lib/systemd/system/sshd-keygen@.service"]
    files["/etc/init.d/sshd"] = "#!/bin/bash\nKEYGEN=/usr/bin/ssh-keygen\n$KEYGEN -q -t rsa -f $RSA_KEY -N ''\n"
    assert [fact.verdict for fact in planned(STEP, system_of(make_tree(tmp_path / "c", files)))[1]] == ["ok"]
    files["/etc/init.d/sshd"] = "#!/bin/bash\n/usr/sbin/sshd\n"
    assert [fact.verdict for fact in planned(STEP, system_of(make_tree(tmp_path / "d", files)))[1]] == ["ok", "warning"]


def test_suses_package_and_unit(tmp_path: Any) -> None:
    """openssh of SLES 15: its sshd_config is in /etc/ssh and has no Include."""
    unit = "/usr/lib/systemd/system/sshd.service"
    brings: Dict[str, Dict[str, Content]] = {"openssh": {
        "/usr/sbin/sshd": Program(""), "/etc/ssh/sshd_config": "#ClientAliveInterval 0\nUsePAM yes\n",
        unit: "[Unit]\nDescription=OpenSSH Daemon\n[Install]\nWantedBy=multi-user.target\n",
    }}  # fmt: skip
    files: Dict[str, Content] = {
        "/etc/os-release": 'ID="sles"\nID_LIKE="suse"\nVERSION_ID="15.6"\n', "/bin/sh": ELF64,
        "/usr/bin/zypper": Program(""), "/usr/bin/rpm": Program(""), "/usr/lib/sysimage/rpm/Packages.db":
        rpms.database("bash-4.4-1"), "/usr/lib/systemd/systemd": Program(""),
        "/sbin/init": To("/usr/lib/systemd/systemd"), "/usr/sbin/waagent": Program(""),
    }  # fmt: skip
    one = system_of(make_tree(tmp_path, files, minimal=False), rpms.handlers(brings))
    changes, facts = planned(STEP, one)
    assert changes[0].commands[0][0] == "zypper" and changes[0].commands[0][-1] == "openssh"
    assert "failed" not in [fact.verdict for fact in facts]
    brought_about(STEP, one)
    assert os.readlink(one.guest.root + "/etc/systemd/system/multi-user.target.wants/sshd.service") == unit
    with open(one.guest.root + "/etc/ssh/sshd_config") as stream:
        assert "\nClientAliveInterval 180\n" in "\n" + stream.read()
    assert planned(STEP, system_of(one.guest.root))[0] == []


@pytest.mark.parametrize(
    "lines, told",
    [
        ("ListenAddress 10.1.2.3\n", "at 10.1.2.3 only (line 1 of /etc/ssh/sshd_config.d/10-x.conf)"),
        ("ListenAddress ::\nListenAddress 10.1.2.3:22\n", "at ::, 10.1.2.3:22 only"),
        ("ListenAddress 10.1.2.3\nListenAddress 0.0.0.0\n", None),
        ("ListenAddress 0.0.0.0:22\nListenAddress ::\n", None),
        ("#ListenAddress 10.1.2.3\n", None),
    ],
)
def test_an_address_of_this_machine_is_not_there_on_azure(tmp_path: Any, lines: str, told: Optional[str]) -> None:
    facts = planned(STEP, system(tmp_path, SERVER, ENABLED, {"/etc/ssh/sshd_config.d/10-x.conf": lines}))[1]
    failed = [fact.evidence for fact in facts if fact.verdict == "failed"]
    assert len(failed) == (told is not None) and (told or "") in "".join(failed)


NFT: Files = {"/usr/lib/systemd/system/nftables.service": "[Install]\nWantedBy=sysinit.target\n",
              "/etc/systemd/system/sysinit.target.wants/nftables.service":
              To("/usr/lib/systemd/system/nftables.service")}  # fmt: skip
TABLE = "table inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n%s }\n}\n"


@pytest.mark.parametrize(
    "path, text, told",
    [
        ("/etc/nftables.conf", TABLE % '  iifname "ens192" tcp dport 22 accept\n', "by ens192 only"),
        ("/etc/nftables.conf", TABLE % '  iifname "ens192" tcp dport { 22, 443 } accept\n', "by ens192 only"),
        ("/etc/nftables.conf", TABLE % "  tcp dport ssh accept\n", None),
        ("/etc/nftables.conf", TABLE % '  iifname "eth*" tcp dport ssh accept\n', None),
        ("/etc/nftables.conf", TABLE % '  iifname "ens192" tcp dport 443 accept\n', None),
        ("/etc/sysconfig/iptables", "-A INPUT -i ens192 -p tcp --dport 22 -j ACCEPT\n", None),  # is not loaded
        ("/etc/hosts.deny", "ALL: ALL\n", "does not let all in"),
        ("/etc/hosts.deny", "# ALL: PARANOID\n", None),
        ("/etc/hosts.deny", "vsftpd: ALL\n", None),
    ],
)
def test_a_wall_that_has_its_door_in_this_machines_network(
    tmp_path: Any, path: str, text: str, told: Optional[str]
) -> None:
    facts = planned(STEP, system(tmp_path / "a", SERVER, ENABLED, NFT, {path: text}))[1]
    warned = [fact.evidence for fact in facts if fact.verdict == "warning"]
    assert len(warned) == (told is not None) and (told or "") in "".join(warned), warned
    if path == "/etc/hosts.deny":
        open_: Files = {path: text, "/etc/hosts.allow": "sshd: ALL\n"}
        facts = planned(STEP, system(tmp_path / "b", SERVER, ENABLED, NFT, open_))[1]
        assert "warning" not in [fact.verdict for fact in facts]


def test_iptables_of_red_hat_too(tmp_path: Any) -> None:
    unit = "/usr/lib/systemd/system/iptables.service"
    files: Files = {unit: "[Install]\nWantedBy=basic.target\n",
                    "/etc/systemd/system/basic.target.wants/iptables.service": To(unit),
                    "/etc/sysconfig/iptables": "-A INPUT -i ens192 -p tcp -m tcp --dport 22 -j ACCEPT\n"}  # fmt: skip
    facts = planned(STEP, system(tmp_path, SERVER, ENABLED, files))[1]
    assert [fact.evidence for fact in facts if fact.verdict == "warning"] == [
        "/etc/sysconfig/iptables lets ssh in by ens192 only, and on Azure the card is eth0"
    ]
