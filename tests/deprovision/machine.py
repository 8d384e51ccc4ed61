"""A Debian 12 machine that has been in use: what a deprovision finds, and the commands that it starts."""

import os
import shutil
from typing import Any, Dict

from tests.trees import Content, Program, To

PASSWD = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
systemd-network:x:998:998:systemd Network Management:/:/usr/sbin/nologin
sshd:x:102:65534::/run/sshd:/usr/sbin/nologin
postgres:x:104:112:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash
alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash
bob:x:1001:1001::/home/bob:/usr/bin/zsh
"""
HASH = "$y$j9T$Yn0fVyzyQkG1ROyQfKk7y1$lVcLW6mY1rNKTQnWYtPKuuFgUZcOYjX2IhzMzVd3k1C"
SHADOW = """\
root:%s:20060:0:99999:7:::
daemon:*:20060:0:99999:7:::
sync:*:20060:0:99999:7:::
www-data:*:20060:0:99999:7:::
nobody:*:20060:0:99999:7:::
systemd-network:!*:20060::::::
sshd:!:20060::::::
postgres:!:20060::::::
alice:%s:20060:0:99999:7:::
bob:!%s:20060:0:99999:7:::
""" % (HASH, HASH, HASH)
WAAGENT_CONF = """\
Provisioning.Agent=auto
Provisioning.DeleteRootPassword=y
Provisioning.RegenerateSshHostKeyPair=y
"""
HOSTS = """\
127.0.0.1\tlocalhost
127.0.1.1\tsource.example.org\tsource

# The following lines are desirable for IPv6 capable hosts
::1     localhost ip6-localhost ip6-loopback
"""
OVF = """<?xml version="1.0" encoding="utf-8"?>
<Environment xmlns="http://schemas.dmtf.org/ovf/environment/1" xmlns:wa="http://schemas.microsoft.com/windowsazure">
<wa:ProvisioningSection><wa:LinuxProvisioningConfigurationSet>
<wa:HostName>source</wa:HostName><wa:UserName>alice</wa:UserName>
</wa:LinuxProvisioningConfigurationSet></wa:ProvisioningSection></Environment>
"""
RESOLVED = "../run/systemd/resolve/stub-resolv.conf"


def used() -> Dict[str, Content]:
    """The files; what only one test needs is added by it."""
    return {
        "/etc/passwd": PASSWD, "/etc/shadow": SHADOW, "/etc/passwd-": PASSWD, "/etc/shadow-": SHADOW,
        "/etc/hostname": "source\n", "/etc/hosts": HOSTS, "/etc/machine-id": "2c3d83d340dc0fd2d2741aa56b03b18c\n",
        "/var/lib/dbus/machine-id": To("/etc/machine-id"), "/lib/systemd/systemd": Program(""),
        "/etc/waagent.conf": WAAGENT_CONF, "/usr/sbin/waagent": Program("#!/usr/bin/env python3\n"),
        "/usr/sbin/dhclient": Program(""), "/usr/bin/systemctl": Program(""), "/etc/resolv.conf": To(RESOLVED),
        "/etc/ssh/ssh_host_ed25519_key": "PRIVATE\n", "/etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAA\n",
        "/etc/ssh/sshd_config": "UsePAM yes\n",
        "/var/lib/waagent/ovf-env.xml": OVF, "/var/lib/waagent/events/1.tld": "{}", "/var/log/waagent.log": "INFO\n",
        "/var/lib/dhcp/dhclient.ens3.leases": "lease {}\n", "/var/lib/NetworkManager/internal-1-ens3.lease": "x\n",
        "/var/lib/systemd/random-seed": b"\x01" * 512,
        "/root/.bash_history": "passwd\n", "/home/alice/.bash_history": "mysql -psecret\n",
        "/home/alice/src/.deep/.zsh_history": "x\n", "/home/alice/.local/share/fish/fish_history": "- cmd: x\n",
        "/home/alice/.viminfo": "x\n", "/home/alice/.python_history": To("/dev/null"), "/home/alice/notes": "mine\n",
        "/home/alice/.ssh/authorized_keys": "ssh-ed25519 AAAA alice@desk\n", "/home/alice/.ssh/id_ed25519": "PRIVATE\n",
        "/home/alice/.ssh/id_ed25519.pub": "ssh-ed25519 AAAA\n", "/home/alice/.ssh/known_hosts": "x\n",
        "/home/bob/.histfile": "x\n", "/home/left-over/.bash_history": "x\n",
        "/var/lib/postgresql/.psql_history": "x\n",
        "/var/log/syslog": "Nov 23 source: x\n", "/var/log/syslog.1": "x\n", "/var/log/syslog.2.gz": b"\x1f\x8b",
        "/var/log/wtmp": b"\x00\x01", "/var/log/btmp": b"", "/var/log/installer/syslog": "x\n",
        "/var/log/journal/2c3d83d340dc0fd2d2741aa56b03b18c/system.journal": b"LPKSHHRH",
        "/var/cache/apt/archives/less_590_amd64.deb": b"!", "/var/cache/apt/archives/lock": b"",
        "/tmp/draft.txt": "x\n", "/tmp/.hidden": "x\n", "/tmp/systemd-private-1-chrony.service-1/tmp/x": "x\n",
    }  # fmt: skip


def waagent(root: str, argv: Any) -> Any:
    """waagent 2.7.3.0-4.1 as it was seen to behave in a Debian 12 tree."""
    assert argv[1] == "-force" and argv[2] in ("-deprovision", "-deprovision+user"), argv
    said = ["WARNING! The waagent service will be stopped.", "WARNING! /etc/resolv.conf will be deleted."]
    with open(root + "/etc/waagent.conf") as stream:
        conf = stream.read()
    if "RegenerateSshHostKeyPair=y" in conf:
        for name in os.listdir(root + "/etc/ssh"):
            if name.startswith("ssh_host_"):
                os.remove(root + "/etc/ssh/" + name)
    user = os.path.exists(root + "/var/lib/waagent/ovf-env.xml")
    for folder in ("/var/lib/dhcp", "/var/lib/waagent", "/var/log/azure"):
        for name in os.listdir(root + folder) if os.path.isdir(root + folder) else []:
            path = root + folder + "/" + name
            (shutil.rmtree if os.path.isdir(path) else os.remove)(path)
    with open(root + "/etc/hostname", "w") as stream:
        stream.write("localhost.localdomain")
    if "DeleteRootPassword=y" in conf:
        with open(root + "/etc/shadow") as stream:
            lines = [line for line in stream.read().split("\n") if not line.startswith("root:")]
        with open(root + "/etc/shadow", "w") as stream:
            stream.write("\n".join(["root:*LOCK*:14600::::::"] + lines))
    for path in ("/root/.bash_history", "/var/log/waagent.log", "/etc/resolv.conf"):
        if os.path.lexists(root + path):
            os.remove(root + path)
    if argv[2].endswith("+user") and not user:
        said += ["WARNING! ovf-env.xml is not found.", "WARNING! Skip delete user."]
    elif argv[2].endswith("+user"):
        for path in ("/etc/passwd", "/etc/shadow"):
            with open(root + path) as stream:
                lines = [line for line in stream.read().split("\n") if not line.startswith("alice:")]
            with open(root + path, "w") as stream:
                stream.write("\n".join(lines))
        shutil.rmtree(root + "/home/alice")
    return 0, "\n".join(said)


class Systemctl:
    """systemctl of a machine on which units that were started are active."""

    def __init__(self, works: bool = True) -> None:
        self.works = works
        self.active = set()  # type: Any

    def __call__(self, root: str, argv: Any) -> Any:
        if not self.works:
            return 1, "Failed to connect to bus: No such file or directory"
        if argv[1] == "start":
            for name in argv[2:]:
                assert os.path.exists(root + "/run/systemd/system/" + name), name
                self.active.add(name)
        if argv[1] == "is-active":
            return 0 if set(argv[2:]) <= self.active else 3
        return 0


def commands(systemctl: Any = None) -> Dict[str, Any]:
    return {"waagent": waagent, "systemctl": systemctl or Systemctl(), "journalctl": lambda root, argv: 0}
