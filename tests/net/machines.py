"""Networks of Red Hat's and SUSE's machines: the files that decide, as their packages bring them.

initscripts 9.03.53 (CentOS 6), 9.49.53 (CentOS 7): rc.d/init.d/network, sysconfig/network-scripts; NetworkManager
1.18 (CentOS 7) and 1.30 (EL 8), 1.46 (EL 9), by the file lists in their spec files; wicked 0.6 (etc/systemd).
"""

from typing import Any, Dict

from agentprep.changes import Link
from agentprep.guest import Guest
from agentprep.system import System
from tests.trees import Content, FakeCommands, Program, To, make_tree

Files = Dict[str, Content]
SYSTEMD: Files = {"/usr/lib/systemd/systemd": Program(""), "/sbin/init": To("../usr/lib/systemd/systemd"),
                  "/usr/bin/rpm": Program("")}  # fmt: skip
SCRIPTS: Files = {
    "/etc/init.d": To("rc.d/init.d"),
    "/etc/rc.d/init.d/network": Program("#!/bin/bash\n# chkconfig: 2345 10 90\n"),
    "/etc/sysconfig/network-scripts/network-functions": "",
    "/etc/sysconfig/network-scripts/ifcfg-lo": "DEVICE=lo\nIPADDR=127.0.0.1\nONBOOT=yes\n",
    "/sbin/dhclient": Program(""),
}
LEVELS: Files = {"/etc/rc%d.d" % level: To("rc.d/rc%d.d" % level) for level in (2, 3, 4, 5)}
STARTED: Files = {"/etc/rc.d/rc%d.d/S10network" % level: To("../init.d/network") for level in (2, 3, 4, 5)}
STARTED.update(LEVELS)
UNIT = "[Unit]\nDescription=%s\n\n[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n"
WANTS = "/etc/systemd/system/multi-user.target.wants/"


def unit(name: str, enabled: bool = True) -> Files:
    """A unit of /usr/lib, and its link where it starts at boot."""
    path = "/usr/lib/systemd/system/%s.service" % name
    files: Files = {path: UNIT % name}
    if enabled:
        files[WANTS + name + ".service"] = To(path)
    return files


MANAGER: Files = dict(unit("NetworkManager"), **{"/etc/NetworkManager/NetworkManager.conf": "[main]\n\n[logging]\n"})
PLUGIN = "/usr/lib64/NetworkManager/1.30.0-7.el8/libnm-settings-plugin-ifcfg-rh.so"
WICKED: Files = dict(
    unit("wicked"),
    **{"/etc/systemd/system/network.service": To("/usr/lib/systemd/system/wicked.service"),
       "/etc/sysconfig/network/dhcp": 'DHCLIENT_DEBUG="no"\nDHCLIENT_SET_HOSTNAME="yes"\n',
       "/etc/sysconfig/network/config": 'NETCONFIG_DNS_STATIC_SERVERS=""\n'}
)  # fmt: skip


def release(identity: str, version: str) -> Files:
    text = 'NAME="%s"\nID="%s"\nVERSION_ID="%s"\nPRETTY_NAME="%s %s"\n' % (
        identity,
        identity,
        version,
        identity,
        version,
    )
    return {"/etc/os-release": text}


class OldInit:
    """The init of release 6: a service starts where /etc/rc3.d has a link of it."""

    name = "links"

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def unit(self, names: Any) -> Any:
        return next((name for name in names if self.guest.is_file("/etc/init.d/" + name)), None)

    def enabled(self, name: str) -> str:
        return next(iter(self.guest.glob("/etc/rc3.d/S[0-9][0-9]" + name)), "")

    def enable(self, name: str) -> Any:
        if not self.enabled(name):
            yield Link("/etc/rc.d/rc3.d/S10" + name, "../init.d/" + name, name + " starts at boot")


class Old(System):
    """A system with that init."""

    def on(self, guest: Guest) -> "Old":
        return Old(guest, self.live)

    @property
    def init(self) -> Any:
        return OldInit(self.guest)


def system(folder: Any, *more: Files, **options: Any) -> System:
    files: Files = {}
    for one in more:
        files.update(one)
    root = make_tree(folder, files)
    kind = Old if options.get("old") else System
    return kind(Guest(root, FakeCommands(root, {})))  # type: ignore[arg-type]
