"""SysV init: what starts at boot, told and changed by links alone.

The links that are expected here are those that chkconfig 1.3.49 (RHEL 6; built from its public source) and insserv
1.24 (Debian 12) made of the same trees.
"""

import os

import pytest

from agentprep.changes import Link, Remove
from agentprep.errors import Blocked
from agentprep.guest import Draft, Guest
from agentprep.init import pick
from agentprep.init.sysv import SysV
from agentprep.init.upstart import Upstart
from agentprep.provisioner import detect
from tests.trees import Program, To, content, make_tree, policy_of


def script(chkconfig="", lsb=()):
    """A script with chkconfig's line and the values of Provides, Required-Start, -Stop, Should-Start, Default-Start."""
    text = "#!/bin/bash\n#\n" + ("# chkconfig: %s\n# description: x\n" % chkconfig if chkconfig else "")
    if lsb:
        names = ("Provides", "Required-Start", "Required-Stop", "Should-Start", "Default-Start", "Default-Stop")
        lines = ["# %s: %s\n" % pair for pair in zip(names, lsb)]
        text += "### BEGIN INIT INFO\n%s### END INIT INFO\n" % "".join(lines)
    return Program(text)


LEVELS = ("2 3 4 5", "0 1 6")
# After RHEL 6's scripts of initscripts, rsyslog, openssh-server, WALinuxAgent and cronie.
EL6_SCRIPTS = {
    "network": script("2345 10 90", ("$network", "", "", "iptables ip6tables", "", "")),
    "rsyslog": script("2345 12 88", ("$syslog", "$local_fs", "$local_fs", "$network $remote_fs", "2 3 4 5", "0 1 6")),
    "sshd": script(
        "2345 55 25", ("sshd", "$local_fs $network $syslog", "$local_fs $syslog", "$syslog", "2 3 4 5", "0 1 6")
    ),
    "waagent": script("2345 15 85", ("waagent", "$network $syslog sshd", "$network $syslog", "", "2 3 4 5", "0 1 6")),
    "lsbonly": script("", ("lsbonly", "$network sshd", "$network", "", "3 5", "0 1 2 6")),
    "early": script("2345 5 95", ("early", "$network", "$network", "", *LEVELS)),
    "crond": script("2345 90 60"),
    "kdump": script("- 20 80"),
    "sshd.rpmsave": script("2345 1 1"),
}
EL6 = {
    "/sbin/init": Program("ELF"),
    "/sbin/initctl": Program(""),
    "/etc/init/rc.conf": "start on runlevel [0123456]\nexec /etc/rc.d/rc $RUNLEVEL\n",
    "/etc/inittab": "# Default runlevel.\nid:3:initdefault:\n",
    "/etc/init.d": To("rc.d/init.d"),
}
for name, text in EL6_SCRIPTS.items():
    EL6["/etc/rc.d/init.d/" + name] = text
for level in "0123456":
    EL6["/etc/rc%s.d" % level] = To("rc.d/rc%s.d" % level)
    EL6["/etc/rc.d/rc%s.d/.keep" % level] = ""

DEBIAN_SCRIPTS = {
    "networking": ("networking", "mountall", "", "", "S", "0 6"),
    "rsyslog": ("rsyslog", "$remote_fs $time", "$remote_fs $time", "", "2 3 4 5", "0 1 6"),
    "ssh": ("ssh", "$remote_fs $syslog", "$remote_fs $syslog", "", "2 3 4 5", ""),
    "cron": ("cron", "$remote_fs $syslog $time", "$remote_fs $syslog $time", "", "2 3 4 5", ""),
    "waagent": ("waagent", "$network $syslog ssh", "$network $syslog ssh", "", "2 3 4 5", "0 1 6"),
}
# What insserv 1.24 made of them, before waagent came.
START = "TARGETS = rsyslog ssh cron\nINTERACTIVE =\nssh: rsyslog\ncron: rsyslog\n"
STOP = "TARGETS = rsyslog networking umountfs sendsigs\numountfs: rsyslog\nsendsigs: rsyslog\n"
INSSERV = "$network\t+networking +ifupdown\n$syslog\t+rsyslog +sysklogd\n$remote_fs\t$local_fs +mountnfs\n"


def links(names, target="../init.d/"):
    return {path: To(target + path.rsplit("/", 1)[1][3:]) for path in names}


def debian_links():
    found = ["/etc/rcS.d/S02networking", "/etc/rc1.d/K02rsyslog"]
    for level in "2345":
        found += ["/etc/rc%s.d/%s" % (level, name) for name in ("S01rsyslog", "S02ssh", "S02cron")]
    for level in "06":
        found += ["/etc/rc%s.d/%s" % (level, name) for name in ("K02networking", "K02rsyslog")]
    return links(found)


DEBIAN = dict(
    {
        "/sbin/init": Program("ELF"),
        "/etc/inittab": "# The default runlevel.\nid:2:initdefault:\n",
        "/etc/insserv.conf": INSSERV,
        "/etc/init.d/.depend.start": START,
        "/etc/init.d/.depend.stop": STOP,
        "/sbin/insserv": Program(""),
    },
    **debian_links(),
)
for name, values in DEBIAN_SCRIPTS.items():
    DEBIAN["/etc/init.d/" + name] = script(lsb=values)

SLES_11 = {
    "/sbin/init": Program("ELF"),
    "/sbin/insserv": Program(""),
    "/etc/inittab": "id:5:initdefault:\nsi::bootwait:/etc/init.d/boot\n",
    "/etc/insserv.conf": "$network network\n$syslog syslog\n",
    "/etc/rc.d": To("init.d"),
    "/etc/init.d/network": script(lsb=("network", "", "", "", "2 3 5", "")),
    "/etc/init.d/sshd": script(lsb=("sshd", "$network", "$network", "", "3 5", "0 1 2 6")),
    "/etc/init.d/waagent": script(
        lsb=("WindowsAzureLinuxAgent", "$network sshd", "$network sshd", "", "3 5", "0 1 2 6")
    ),
    "/etc/init.d/boot.d/.keep": "",
}
for level in "0123456":
    SLES_11["/etc/init.d/rc%s.d/.keep" % level] = ""
SLES_11.update(links(["/etc/init.d/rc%s.d/S01network" % level for level in "235"], "../"))
SLES_11.update(links(["/etc/init.d/rc%s.d/K02network" % level for level in "235"], "../"))


def init(folder, tree, *more):
    files = dict(tree)
    for one in more:
        files.update(one)
    root = make_tree(folder, {path: text for path, text in files.items() if text is not None}, minimal=False)
    return pick(Guest(root))[0]


def made(backend, changes):
    done = []
    for change in changes:
        change.apply(backend.guest)
        done.append(change)
    return done


def there(backend, name):
    """The links of a service, as "rc3.d/S55sshd"."""
    return sorted(
        "/".join(path.split("/")[-2:])
        for path in backend.guest.glob("/etc/rc.d/rc?.d/*") + backend.guest.glob("/etc/rc?.d/*")
        if path.split("/")[-1][3:] == name and backend.guest.link(path)
    )


def named(levels, name):
    return ["rc%s.d/%s" % (level, name) for level in levels]


# -- recognising ---------------------------------------------------------------------------------------------
def test_evidence(tmp_path):
    assert pick(init(tmp_path / "el", EL6).guest)[1] == (
        "/sbin/init and /sbin/initctl are there, and /etc/init/rc.conf runs the scripts"
    )
    assert init(tmp_path / "el", {}).name == "upstart"
    backend, evidence = pick(init(tmp_path / "debian", DEBIAN).guest)
    assert (backend.name, evidence) == ("SysV", "/sbin/init reads /etc/inittab, which says runlevel 2")
    assert pick(init(tmp_path / "suse", SLES_11).guest)[0].name == "SysV"


@pytest.mark.parametrize(
    "files",
    [
        {"/lib/systemd/systemd": Program(""), "/sbin/init": To("/lib/systemd/systemd")},  # with old files left over
        {"/sbin/init": To("/bin/busybox"), "/bin/busybox": Program("")},
        {"/sbin/init": None},
    ],
)
def test_leftovers_of_an_init_that_is_not_used_are_no_evidence(tmp_path, files):
    for tree, backend in ((DEBIAN, SysV), (EL6, Upstart)):
        changed = {path: text for path, text in dict(tree, **files).items() if text is not None}
        guest = Guest(make_tree(tmp_path / backend.name, changed, minimal=False))
        assert backend.probe(guest) is None and SysV.probe(guest) is None


def test_an_inittab_without_a_runlevel_is_busyboxs(tmp_path):
    guest = Guest(
        make_tree(tmp_path, dict(DEBIAN, **{"/etc/inittab": "::sysinit:/sbin/openrc sysinit\n"}), minimal=False)
    )
    assert SysV.probe(guest) is None


def test_a_shim_for_systemd_is_not_systemd(tmp_path):
    shim = {"/lib/systemd/systemd-shim": Program(""), "/lib/systemd/systemd": Program("")}
    assert init(tmp_path, DEBIAN, shim).name == "SysV"


# -- Red Hat -------------------------------------------------------------------------------------------------
def test_a_service_is_enabled_in_the_default_runlevel(tmp_path):
    backend = init(
        tmp_path, EL6, links(named("5", "x")), links(["/etc/rc.d/rc3.d/S55sshd", "/etc/rc.d/rc5.d/S90crond"])
    )
    assert backend.enabled("sshd") == backend.enabled("sshd.service") == "/etc/rc.d/rc3.d/S55sshd"
    assert backend.enabled("crond") == "", "runlevel 5 is not the one that is booted"
    assert backend.unit(("ssh", "sshd.service")) == "sshd" and backend.unit(("sshd.rpmsave", "x.swap")) is None
    assert backend.enabled("nothing") == "" and backend.masked("sshd") == ""


@pytest.mark.parametrize(
    "present, name, start, stop",
    [
        ((), "network", "S10", "K90"),
        ((), "rsyslog", "S12", "K88"),
        ((), "lsbonly", "S50", "K50"),
        (("network", "rsyslog"), "sshd", "S55", "K25"),
        (("network", "rsyslog"), "waagent", "S15", "K85"),
        (("network", "rsyslog", "sshd"), "waagent", "S56", "K85"),
        (("network", "rsyslog", "sshd"), "lsbonly", "S56", "K50"),
        (("network", "rsyslog"), "crond", "S90", "K60"),
        (("network", "rsyslog", "sshd"), "early", "S11", "K89"),
        (("network", "rsyslog"), "kdump", "S20", "K80"),
    ],
)
def test_links_are_those_of_chkconfig(tmp_path, present, name, start, stop):
    numbers = {"network": (10, 90), "rsyslog": (12, 88), "sshd": (55, 25)}
    found = []
    for one in present:
        found += ["/etc/rc.d/rc%s.d/S%02d%s" % (level, numbers[one][0], one) for level in "2345"]
        found += ["/etc/rc.d/rc%s.d/K%02d%s" % (level, numbers[one][1], one) for level in "016"]
    backend = init(tmp_path, EL6, links(found))
    made(backend, backend.enable(name))
    assert there(backend, name) == sorted(2 * (named("2345", start + name) + named("016", stop + name)))
    assert backend.enabled(name) and list(backend.enable(name)) == []
    path = backend.guest.where("/etc/rc.d/rc3.d/" + start + name, follow=False)
    assert os.readlink(path) == "../init.d/" + name
    made(backend, backend.disable(name))
    assert there(backend, name) == sorted(2 * named("0123456", stop + name))
    assert backend.enabled(name) == "" and list(backend.disable(name)) == []


def test_a_service_comes_behind_what_it_needs_in_one_runlevel_only(tmp_path):
    backend = init(tmp_path, EL6, links(["/etc/rc.d/rc3.d/S55sshd", "/etc/rc.d/rc2.d/K25sshd"]))
    made(backend, backend.enable("waagent"))
    assert there(backend, "waagent") == sorted(2 * (named("2345", "S56waagent") + named("016", "K85waagent")))


def test_stop_links_go_where_start_links_come(tmp_path):
    off = links(["/etc/rc.d/rc%s.d/K25sshd" % level for level in "0123456"])
    backend = init(tmp_path, EL6, off)
    changes = made(backend, backend.enable("sshd"))
    assert changes[:2] == [
        Remove("/etc/rc.d/rc2.d/K25sshd", "sshd starts at boot"),
        Link("/etc/rc.d/rc2.d/S55sshd", "../init.d/sshd", "sshd starts at boot"),
    ]
    assert there(backend, "sshd") == sorted(2 * (named("2345", "S55sshd") + named("016", "K25sshd")))


def test_what_is_not_there_is_said_and_its_links_go(tmp_path):
    backend = init(tmp_path, EL6, links(["/etc/rc.d/rc3.d/S99gone"]))
    with pytest.raises(Blocked, match="there is no script /etc/init.d/gone"):
        list(backend.enable("gone"))
    assert made(backend, backend.mask("gone")) == [Remove("/etc/rc.d/rc3.d/S99gone", "gone does not start at boot")]


# -- Debian and SUSE -----------------------------------------------------------------------------------------
def test_links_and_notes_are_those_of_insserv(tmp_path):
    backend = init(tmp_path, DEBIAN)
    made(backend, backend.enable("waagent"))
    assert there(backend, "waagent") == named("016", "K01waagent")[:2] + named("2345", "S03waagent") + [
        "rc6.d/K01waagent"
    ]
    assert content(backend.guest.root, "/etc/init.d/.depend.start") == (
        START.replace("ssh cron", "ssh cron waagent") + "waagent: rsyslog ssh\n"
    )
    assert content(backend.guest.root, "/etc/init.d/.depend.stop") == (
        STOP.replace("= ", "= waagent ", 1) + "networking: waagent\nrsyslog: waagent\n"
    )
    assert list(backend.enable("waagent")) == []


def test_what_needs_nothing_to_stop_is_stopped_first(tmp_path):
    alone = {"/etc/init.d/alone": script(lsb=("alone", "$syslog", "", "", "2 3 4 5", "0 1 6"))}
    backend = init(tmp_path, DEBIAN, alone)
    made(backend, backend.enable("alone"))
    assert there(backend, "alone") == sorted(named("016", "K01alone") + named("2345", "S02alone"))


def test_on_debian_a_stop_link_says_that_it_is_meant(tmp_path):
    backend = init(tmp_path, DEBIAN)
    made(backend, backend.disable("cron"))
    assert there(backend, "cron") == named("2345", "K01cron") and backend.enabled("cron") == ""
    assert list(backend.disable("cron")) == []
    made(backend, backend.enable("cron"))
    assert there(backend, "cron") == named("2345", "S02cron")


def test_a_service_of_the_boot_phase(tmp_path):
    backend = init(tmp_path, DEBIAN)
    assert backend.enabled("networking") == "/etc/rcS.d/S02networking"
    made(backend, backend.disable("networking"))
    with pytest.raises(Blocked, match="starts before any runlevel") as caught:
        list(backend.enable("networking"))
    assert caught.value.hint == "enable it with the guest's own tool: insserv networking"


def test_on_suse_links_are_beside_the_scripts(tmp_path):
    backend = init(tmp_path, SLES_11)
    assert backend.enabled("network") == "/etc/init.d/rc5.d/S01network"
    made(backend, backend.enable("sshd"))
    made(backend, backend.enable("waagent"))
    assert backend.enabled("waagent") == "/etc/init.d/rc5.d/S03waagent"
    assert os.readlink(backend.guest.root + "/etc/init.d/rc3.d/S03waagent") == "../waagent"
    assert backend.guest.glob("/etc/init.d/rc?.d/*sshd") == [
        "/etc/init.d/rc3.d/K01sshd", "/etc/init.d/rc3.d/S02sshd",
        "/etc/init.d/rc5.d/K01sshd", "/etc/init.d/rc5.d/S02sshd",
    ], "stop links are in the runlevel that is left"  # fmt: skip
    assert list(backend.enable("waagent")) == []
    made(backend, backend.disable("waagent"))
    assert backend.enabled("waagent") == "" and not backend.guest.glob("/etc/init.d/rc?.d/*waagent")
    assert list(backend.disable("waagent")) == []


def test_a_link_of_another_number_is_replaced(tmp_path):
    own = "/etc/rc.d/rc1.d/S55sshd"
    backend = init(tmp_path, EL6, links(["/etc/rc.d/rc5.d/S80sshd", "/etc/rc.d/rc4.d/S55sshd", own]))
    paths = [change.path for change in made(backend, backend.enable("sshd"))]
    assert "/etc/rc.d/rc4.d/S55sshd" not in paths and "/etc/rc.d/rc5.d/S80sshd" in paths
    assert there(backend, "sshd") == sorted(2 * (named("12345", "S55sshd") + named("06", "K25sshd")))


def test_on_a_draft_nothing_is_written(tmp_path):
    backend = SysV(Draft(init(tmp_path, DEBIAN).guest))
    for change in backend.enable("waagent"):
        change.imagine(backend.guest)
    assert backend.enabled("waagent") == "/etc/rc2.d/S03waagent" and list(backend.enable("waagent")) == []
    assert not os.path.lexists(backend.guest.root + "/etc/rc2.d/S03waagent")


# -- upstart -------------------------------------------------------------------------------------------------
SSH = 'description "OpenSSH server"\nstart on runlevel [2345]\nstop on runlevel [!2345]\nrespawn\n'
TRUSTY = {
    "/sbin/init": Program("ELF .override .conf"),
    "/sbin/initctl": Program(""),
    "/etc/init/rc.conf": "start on runlevel [0123456]\n",
    "/etc/init/rc-sysinit.conf": "start on filesystem\nenv DEFAULT_RUNLEVEL=2\n",
    "/etc/init/ssh.conf": SSH,
    "/etc/init.d/ssh": script(lsb=DEBIAN_SCRIPTS["ssh"]),
    "/etc/init.d/walinuxagent": script(lsb=("walinuxagent", "$network", "$network", "", "2 3 4 5", "0 1 6")),
}
OVERRIDE = "/etc/init/ssh.override"


def test_jobs_and_scripts_start_side_by_side(tmp_path):
    backend = init(tmp_path, TRUSTY, links(["/etc/rc2.d/S20walinuxagent"]))
    assert backend.enabled("ssh") == "/etc/init/ssh.conf"
    assert backend.enabled("walinuxagent") == "/etc/rc2.d/S20walinuxagent"
    assert backend.unit(("sshd", "ssh")) == "ssh" and list(backend.enable("ssh")) == []
    made(backend, backend.disable("ssh"))
    assert content(backend.guest.root, OVERRIDE) == "manual\n" and backend.enabled("ssh") == ""
    assert backend.masked("ssh") == OVERRIDE and list(backend.disable("ssh")) == []
    assert made(backend, backend.enable("ssh")) == [Remove(OVERRIDE, "ssh starts at boot")]
    made(backend, backend.disable("walinuxagent"))
    assert backend.enabled("walinuxagent") == ""


@pytest.mark.parametrize(
    "override, enabled",
    [("manual\n", False), ("env X=1\nmanual # no\n", False), ("manual\nstart on filesystem\n", True),
     ("env X=1\n", True), ("#manual\n", True), ("manually\n", True)],
)  # fmt: skip
def test_an_override_is_read_after_its_job(tmp_path, override, enabled):
    backend = init(tmp_path, TRUSTY, {OVERRIDE: override})
    assert bool(backend.enabled("ssh")) is enabled
    made(backend, backend.enable("ssh"))
    assert backend.enabled("ssh") and list(backend.enable("ssh")) == []
    assert "env" not in override or content(backend.guest.root, OVERRIDE) == "env X=1\n", "the rest of it stays"
    made(backend, backend.mask("ssh"))
    assert backend.enabled("ssh") == ""


def test_a_job_that_takes_its_own_start_back_is_named(tmp_path):
    backend = init(tmp_path, TRUSTY, {"/etc/init/ssh.conf": SSH + "manual\n"})
    assert backend.enabled("ssh") == "" and backend.masked("ssh") == ""
    with pytest.raises(Blocked, match="/etc/init/ssh.conf says no `start on`"):
        made(backend, backend.enable("ssh"))


def test_an_upstart_without_overrides_says_so(tmp_path):
    backend = init(tmp_path, TRUSTY, {"/sbin/init": Program("ELF .conf")})
    with pytest.raises(Blocked, match="this upstart reads no override files"):
        list(backend.disable("ssh"))


# -- who provisions ------------------------------------------------------------------------------------------
def test_cloud_init_is_found_whatever_starts_it(tmp_path):
    program = {"/usr/bin/cloud-init": Program("")}
    jobs = {"/etc/init/%s.conf" % name: SSH for name in ("cloud-init-local", "cloud-init", "cloud-config")}
    trusty = init(tmp_path / "trusty", TRUSTY, program, jobs).guest
    assert detect(trusty, policy_of()).name == "cloud-init"
    for name in ("cloud-init-local", "cloud-init", "cloud-config"):
        make_tree(trusty.root, {"/etc/init/%s.override" % name: "manual\n"}, minimal=False)
    found = detect(trusty, policy_of())
    assert found.name == "waagent" and "/etc/init/cloud-init-local.override masks" in found.evidence
    scripts = {"/etc/rc.d/init.d/cloud-init": EL6_SCRIPTS["crond"]}
    off = init(tmp_path / "off", EL6, program, scripts).guest
    assert detect(off, policy_of()).evidence.endswith("none of its units is enabled")
    on = init(tmp_path / "on", EL6, program, scripts, links(["/etc/rc.d/rc3.d/S90cloud-init"])).guest
    assert detect(on, policy_of()).name == "cloud-init"
