"""Networks of Red Hat's and SUSE's machines: the files that decide, as their packages bring them.

initscripts 9.03.53 (CentOS 6), 9.49.53 (CentOS 7): rc.d/init.d/network, sysconfig/network-scripts; NetworkManager
1.18 (CentOS 7) and 1.30 (EL 8), 1.46 (EL 9), by the file lists in their spec files; wicked 0.6 (etc/systemd).
"""

from typing import Any, Dict

from agentprep.system import System
from tests.trees import Content, Program, To, make_tree, system_of

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


# upstart 0.6.5 (CentOS 6), sysvinit 2.86 (SLES 11)
UPSTART: Files = {"/sbin/init": Program(""), "/sbin/initctl": Program(""), "/usr/bin/rpm": Program(""),
                  "/etc/inittab": "id:3:initdefault:\n", "/etc/init/rc.conf": "start on runlevel 3\n"}  # fmt: skip
SYSV: Files = {"/sbin/init": Program(""), "/etc/inittab": "id:3:initdefault:\n", "/usr/bin/rpm": Program(""),
               "/etc/rc3.d": To("init.d/rc3.d")}  # fmt: skip


def system(folder: Any, *more: Files) -> System:
    files: Files = {}
    for one in more:
        files.update(one)
    return system_of(make_tree(folder, files))
