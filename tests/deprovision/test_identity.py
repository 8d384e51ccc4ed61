"""What tells this machine from another."""

import os
import stat
from typing import Any, Dict

import pytest

from agentprep.changes import Forget, Write
from agentprep.deprovision.identity import STEP
from tests.boot import partitions
from tests.deprovision.machine import used
from tests.trees import Content, Program, To, brought_about, content, make_tree, planned, policy_of, system_of


def forgotten(changes: Any) -> Any:
    return sorted(change.path for change in changes if isinstance(change, Forget))


def test_the_exact_list_for_a_debian_machine(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    changes = planned(STEP, system_of(root))[0]
    assert forgotten(changes) == [
        "/etc/machine-id", "/etc/passwd-", "/etc/shadow-", "/etc/ssh/ssh_host_ed25519_key",
        "/etc/ssh/ssh_host_ed25519_key.pub", "/var/lib/NetworkManager/internal-1-ens3.lease",
        "/var/lib/dhcp/dhclient.ens3.leases", "/var/lib/systemd/random-seed", "/var/lib/waagent/events",
        "/var/lib/waagent/ovf-env.xml",
    ]  # fmt: skip
    assert len(changes) == 10
    brought_about(STEP, system_of(root))
    assert planned(STEP, system_of(root))[0] == []
    assert os.path.exists(root + "/etc/ssh/sshd_config") and os.path.isdir(root + "/var/lib/dhcp")


def test_the_machine_id_is_empty_and_keeps_its_mode(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    os.chmod(root + "/etc/machine-id", 0o444)
    brought_about(STEP, system_of(root))
    found = os.stat(root + "/etc/machine-id")
    assert (found.st_size, stat.S_IMODE(found.st_mode)) == (0, 0o444)
    assert os.readlink(root + "/var/lib/dbus/machine-id") == "/etc/machine-id"


def test_a_copy_for_dbus_goes_or_systemd_would_take_it_back(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/var/lib/dbus/machine-id": "2c3d83d340dc0fd2d2741aa56b03b18c\n"})
    brought_about(STEP, system_of(root))
    assert not os.path.exists(root + "/var/lib/dbus/machine-id")


def test_without_systemd_the_file_goes_as_dbus_wants_it(tmp_path: Any) -> None:
    root = make_tree(tmp_path, used())
    os.remove(root + "/lib/systemd/systemd")
    brought_about(STEP, system_of(root))
    assert not os.path.exists(root + "/etc/machine-id")


def test_a_machine_id_that_awaits_a_first_boot_is_left(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/etc/machine-id": "uninitialized\n"})
    brought_about(STEP, system_of(root))
    assert content(root, "/etc/machine-id") == "uninitialized\n"


def test_host_keys_stay_when_nothing_would_make_new_ones(tmp_path: Any) -> None:
    root = make_tree(tmp_path, {**used(), "/etc/waagent.conf": "Provisioning.RegenerateSshHostKeyPair=n\n"})
    changes, facts = planned(STEP, system_of(root))
    assert not any("ssh_host" in path for path in forgotten(changes))
    assert any(fact.verdict == "warning" and "host keys" in fact.evidence for fact in facts)
    os.makedirs(root + "/usr/lib/systemd/system")
    open(root + "/usr/lib/systemd/system/sshd-keygen@.service", "w").close()
    assert any("ssh_host" in path for path in forgotten(planned(STEP, system_of(root))[0]))


def test_cloud_init_makes_host_keys_too(tmp_path: Any) -> None:
    files = {**used(), "/etc/waagent.conf": "Provisioning.RegenerateSshHostKeyPair=n\n"}
    files.update({"/usr/bin/cloud-init": Program(""), "/lib/systemd/system/cloud-init-local.service": "[Install]\n"})
    root = make_tree(tmp_path, files)
    changes = planned(STEP, system_of(root), policy_of("agent-conf.provisioner=cloud-init"))[0]
    assert "/etc/ssh/ssh_host_ed25519_key" in forgotten(changes)


def test_a_masked_rule_of_udev_stays(tmp_path: Any) -> None:
    net, cd = "/etc/udev/rules.d/70-persistent-net.rules", "/etc/udev/rules.d/70-persistent-cd.rules"
    root = make_tree(tmp_path / "masked", {**used(), net: To("/dev/null")})
    assert net not in forgotten(planned(STEP, system_of(root))[0])
    root = make_tree(tmp_path / "written", {**used(), net: 'SUBSYSTEM=="net"\n', cd: 'SUBSYSTEM=="block"\n'})
    assert {net, cd} <= set(forgotten(planned(STEP, system_of(root))[0]))


def test_open_iscsi_makes_another_name(tmp_path: Any) -> None:
    name, check = "/etc/iscsi/initiatorname.iscsi", "/lib/open-iscsi/startup-checks.sh"
    files = {**used(), name: "## secret\nInitiatorName=iqn.1993-08.org.debian:01:abc\n"}
    debian = make_tree(tmp_path / "debian", {**files, check: Program('grep -q "^GenerateName=yes" $NAMEFILE\n')})
    written = [change for change in planned(STEP, system_of(debian))[0] if isinstance(change, Write)]
    assert [(one.path, one.content, one.secret) for one in written] == [(name, b"GenerateName=yes\n", True)]
    brought_about(STEP, system_of(debian))
    assert planned(STEP, system_of(debian))[0] == []
    other = make_tree(tmp_path / "other", files)
    assert any(fact.verdict == "note" and name in fact.evidence for fact in planned(STEP, system_of(other))[1])


def test_the_key_of_credentials_stays_while_it_is_needed(tmp_path: Any) -> None:
    key = "/var/lib/systemd/credential.secret"
    root = make_tree(tmp_path, {**used(), key: "k", "/etc/credstore.encrypted/db": "x"})
    changes, facts = planned(STEP, system_of(root))
    assert key not in forgotten(changes) and any(key in fact.evidence for fact in facts)
    os.remove(root + "/etc/credstore.encrypted/db")
    assert key in forgotten(planned(STEP, system_of(root))[0])


def test_former_passwords_are_emptied_and_hidden_state_goes(tmp_path: Any) -> None:
    former, hidden = "/etc/security/opasswd", "/var/lib/waagent/.hidden"
    root = make_tree(tmp_path, {**used(), former: "alice:1000:1:$y$x\n", hidden: "x"})
    changes = planned(STEP, system_of(root))[0]
    assert [change.empty for change in changes if isinstance(change, Forget) and change.path == former] == [True]
    assert hidden in forgotten(changes)
    brought_about(STEP, system_of(root))
    assert content(root, former) == "" and planned(STEP, system_of(root))[0] == []


def test_registrations_go(tmp_path: Any) -> None:
    there = ["/etc/SUSEConnect", "/etc/pki/consumer/cert.pem", "/etc/zypp/credentials.d/SCCcredentials",
             "/var/lib/ubuntu-advantage/private/machine-token.json"]  # fmt: skip
    root = make_tree(tmp_path, {**used(), **dict.fromkeys(there, "x")})
    assert set(there) <= set(forgotten(planned(STEP, system_of(root))[0]))


def test_entries_of_systemd_boot_do_not_give_the_id_to_a_clone(tmp_path: Any) -> None:
    files = dict(partitions.debian(), **{"/lib/systemd/systemd": Program("")})
    root = make_tree(tmp_path, files)
    changes = [change.path for change in brought_about(STEP, system_of(root))]
    token, entry = "/etc/kernel/entry-token", partitions.path()
    assert {token, entry, "/etc/machine-id"} <= set(changes) and changes.index(token) < changes.index("/etc/machine-id")
    assert "systemd.machine_id" not in content(root, entry) and content(root, token) == partitions.TOKEN + "\n"


def test_registrations_of_red_hat_and_suse_go(tmp_path: Any) -> None:
    """What virt-sysprep removes as rh-subscription-manager, rhn-systemid and yum-uuid, and SUSEConnect's own."""
    paths = [
        "/etc/pki/consumer/cert.pem", "/etc/pki/entitlement/1.pem", "/var/lib/rhsm/facts/facts.json",
        "/etc/sysconfig/rhn/systemid", "/etc/insights-client/machine-id", "/etc/insights-client/.registered",
        "/var/lib/yum/uuid", "/etc/zypp/credentials.d/SCCcredentials", "/etc/zypp/credentials.d/NCCcredentials",
        "/etc/SUSEConnect", "/var/lib/wicked/lease-eth0-dhcp-ipv4.xml", "/var/lib/dhclient/dhclient-eth0.leases",
    ]  # fmt: skip
    left = ["/etc/zypp/credentials.d/own-mirror", "/etc/sysconfig/rhn/up2date", "/etc/pki/tls/cert.pem"]
    root = make_tree(tmp_path, {**used(), **dict.fromkeys(paths + left, "x")})
    brought_about(STEP, system_of(root))
    assert [path for path in paths if os.path.lexists(root + path)] == []
    assert [path for path in left if os.path.lexists(root + path)] == left


RHEL6 = """\
#!/bin/bash
[ -f /etc/sysconfig/sshd ] && . /etc/sysconfig/sshd
KEYGEN=/usr/bin/ssh-keygen
do_rsa_keygen() {
	if [ ! -s $RSA_KEY ]; then
		$KEYGEN -q -t rsa -f $RSA_KEY -C '' -N '' >&/dev/null
	fi
}
start()
{
	if [ "x${AUTOCREATE_SERVER_KEYS}" != xNO ]; then
		do_rsa_keygen
	fi
}
"""
UNITS, ETC = "/usr/lib/systemd/system/", "/etc/systemd/system/"
ASKS = "case $AUTOCREATE_SERVER_KEYS in\n"
NO = {"/etc/sysconfig/sshd": "AUTOCREATE_SERVER_KEYS=NO\n"}


# In the manner of openssh 5.3p1-124.el6 and 7.4p1 (RHEL 6 and 7), 5.1p1 (SLES 11), 8.4p1 (SLES 15), 1:6.6p1-2ubuntu2
# (Ubuntu 14.04), 1:10.0p1 (Debian 13) and cloud-init's drop-in for RHEL 8, shortened; written from memory.
@pytest.mark.parametrize("files, made", [
    ({"/etc/init.d/sshd": RHEL6}, True),
    ({"/etc/init.d/sshd": RHEL6, **NO}, False),
    ({"/etc/init.d/sshd": "case $1 in\nstart)\n\tssh-keygen -t rsa -f /etc/ssh/ssh_host_rsa_key -N ''\n"}, True),
    ({"/etc/init.d/sshd": "#!/bin/sh\n# ssh-keygen -A\ndaemon /usr/sbin/sshd\n"}, False),
    ({"/etc/init.d/ssh": "#! /bin/sh\ncheck_dev_null\n", "/etc/init/ssh.conf": "exec /usr/sbin/sshd -D\n"}, False),
    ({UNITS + "sshd.service": "[Service]\nExecStartPre=/usr/sbin/sshd-gen-keys-start\n"}, True),
    ({UNITS + "sshd.service": "# no keygen\n[Service]\nExecStart=/usr/sbin/sshd -D\n"}, False),
    ({UNITS + "sshd-keygen@.service": "[Service]\n", **NO}, True),
    ({UNITS + "sshd-keygen@.service": "[Service]\n", ETC + "sshd-keygen@.service": To("/dev/null")}, False),
    ({UNITS + "sshd-keygen@.service.d/disable-sshd-keygen-if-cloud-init-active.conf": "[Unit]\n"}, False),
    ({UNITS + "sshd-keygen.service": "[Service]\n", "/usr/sbin/sshd-keygen": ASKS}, True),
    ({UNITS + "sshd-keygen.service": "[Service]\n", "/usr/sbin/sshd-keygen": ASKS, **NO},
     False),
    ({UNITS + "sshd-keygen.service": "[Unit]\nConditionFirstBoot=yes\n[Service]\nExecStart=ssh-keygen -A\n"}, False),
])  # fmt: skip
def test_what_makes_new_host_keys(tmp_path: Any, files: Dict[str, Content], made: bool) -> None:
    have = {**used(), **files, "/etc/waagent.conf": "Provisioning.RegenerateSshHostKeyPair=n\n"}
    changes, facts = planned(STEP, system_of(make_tree(tmp_path, have)))
    assert ("/etc/ssh/ssh_host_ed25519_key" in forgotten(changes)) == made
    assert any("host keys were left" in fact.evidence for fact in facts) != made
