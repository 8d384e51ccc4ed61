"""What a machine that was in use leaves behind, by family, and the commands that deprovisioning starts."""

import glob
import os
import shutil
from typing import Any, Dict, Tuple

from tests.roots.pieces import Files
from tests.trees import Handler, To

MARK = "this-machine-7f3a"  # in the content of everything that must not be on another machine
HASH = "$6$%s$x" % MARK
EVERYWHERE: Files = {
    "/root/.bash_history": "mysql -p%s\n" % MARK, "/home/operator/.bash_history": "echo %s\n" % MARK,
    "/home/operator/.zsh_history": ": 1700000000:0;%s\n" % MARK, "/root/.lesshst": ".less-history-file:\n\"%s\n" % MARK,
    "/etc/ssh/ssh_host_rsa_key": MARK, "/etc/ssh/ssh_host_rsa_key.pub": MARK, "/etc/ssh/ssh_host_ed25519_key": MARK,
    "/etc/passwd-": "root:x:0:0:%s:/root:/bin/bash\n" % MARK, "/etc/shadow-": "old:%s:1::::::\n" % HASH,
    "/var/log/waagent.log": MARK, "/var/log/messages": MARK, "/var/log/messages-20251230": MARK,
    "/var/log/audit/audit.log": MARK, "/var/log/wtmp": MARK, "/var/log/lastlog": MARK, "/var/log/btmp": MARK,
    "/var/lib/waagent/ovf-env.xml": MARK, "/var/lib/waagent/Prod.pem": MARK, "/tmp/build.%s" % "log": MARK,
    "/var/tmp/dump": MARK, "/var/spool/mail/root": MARK, "/etc/hostname": MARK + "\n",
}  # fmt: skip
SYSTEMD: Files = {
    "/etc/machine-id": "0123456789abcdef0123456789abcdef\n", "/var/lib/systemd/random-seed": MARK,
    "/var/log/journal/0123456789abcdef0123456789abcdef/system.journal": MARK,
}  # fmt: skip
REDHAT: Files = {
    "/root/anaconda-ks.cfg": "rootpw --iscrypted %s\n" % HASH, "/root/original-ks.cfg": MARK,
    "/var/log/anaconda/program.log": MARK, "/etc/pki/consumer/cert.pem": MARK, "/etc/pki/entitlement/1.pem": MARK,
    "/var/lib/rhsm/facts/facts.json": MARK, "/etc/sysconfig/rhn/systemid": MARK,
    "/var/lib/dhclient/dhclient.leases": MARK,
    "/var/lib/NetworkManager/internal-1-ens3.lease": MARK, "/var/lib/NetworkManager/secret_key": MARK,
    "/var/cache/yum/x.rpm": MARK, "/var/cache/dnf/x.rpm": MARK, "/var/spool/abrt/ccpp/coredump": MARK,
}  # fmt: skip
SUSE: Files = {
    "/etc/zypp/credentials.d/SCCcredentials": MARK, "/etc/SUSEConnect": MARK, "/var/adm/autoinstall/files/x.xml": MARK,
    "/root/autoinst.xml": MARK, "/var/log/YaST2/y2log": MARK, "/var/log/zypper.log": MARK,
    "/var/lib/wicked/lease-eth0-dhcp-ipv4.xml": MARK, "/var/lib/wicked/duid.xml": MARK,
    "/var/cache/zypp/packages/x.rpm": MARK,
}  # fmt: skip
DEBIAN: Files = {
    "/var/lib/dhcp/dhclient.ens3.leases": MARK, "/var/log/installer/cdebconf/questions.dat": MARK,
    "/var/backups/shadow.bak": MARK, "/var/cache/apt/archives/x_1_amd64.deb": MARK, "/var/log/auth.log": MARK,
    "/var/log/auth.log.1": MARK,
}  # fmt: skip
CLOUD: Files = {
    "/var/lib/cloud/data/set-hostname": MARK, "/var/lib/cloud/instances/i-1/user-data.txt": MARK,
    "/var/lib/cloud/instance": To("instances/i-1"), "/var/log/cloud-init.log": MARK,
}  # fmt: skip


def waagent(root: str, argv: Tuple[str, ...]) -> Any:
    """`waagent -force -deprovision`: what agents of 2.x remove by themselves."""
    assert argv[1:] == ("-force", "-deprovision"), argv
    for pattern in ("/etc/ssh/ssh_host_*key*", "/root/.bash_history", "/var/log/waagent.log", "/etc/resolv.conf",
                    "/var/lib/waagent/*", "/var/lib/dhclient/*", "/var/lib/dhcp/*"):  # fmt: skip
        for path in glob.glob(root + pattern):
            os.unlink(path)
    return 0


def cloud_init(root: str, argv: Tuple[str, ...]) -> Any:
    assert argv[1:] == ("clean", "--logs", "--seed"), argv
    shutil.rmtree(root + "/var/lib/cloud")
    return 0


COMMANDS: Dict[str, Handler] = {"waagent": waagent, "cloud-init": cloud_init}


def left(root: str) -> Dict[str, bytes]:
    """Every file that still tells of the machine."""
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as stream:
                    content = stream.read()
                if MARK.encode() in content:
                    found[path[len(root) :]] = content
    return found
