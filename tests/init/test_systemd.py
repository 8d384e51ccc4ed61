"""systemd: what starts at boot, told and changed by links alone."""

import os
from typing import Any, Dict, List

import pytest

from agentprep.changes import Link, Remove
from agentprep.errors import Blocked
from agentprep.guest import Draft, Guest
from agentprep.init import pick
from agentprep.init.systemd import Systemd
from tests.debian12 import NETWORKD_SERVICE, SSH_SERVICE, SSH_SOCKET, WALINUXAGENT_SERVICE
from tests.trees import Content, Program, To, make_tree

BASE: Dict[str, Content] = {
    "/lib/systemd/systemd": Program(""),
    "/sbin/init": To("/lib/systemd/systemd"),
    "/lib/systemd/system/ssh.service": SSH_SERVICE,
    "/lib/systemd/system/ssh.socket": SSH_SOCKET,
}
WANTED = {"/etc/systemd/system/multi-user.target.wants/ssh.service": To("/lib/systemd/system/ssh.service")}
ALIAS = {"/etc/systemd/system/sshd.service": To("/lib/systemd/system/ssh.service")}


def systemd(folder: Any, *more: Dict[str, Any]) -> Systemd:
    files = dict(BASE)
    for one in more:
        files.update(one)
    return Systemd(Draft(Guest(make_tree(folder, files))))


def imagined(init: Systemd, changes: Any) -> List[Any]:
    done = []
    for change in changes:
        change.imagine(init.guest)
        done.append(change)
    return done


def test_probe_wants_systemd_to_be_init(tmp_path: Any) -> None:
    backend, evidence = pick(systemd(tmp_path / "a").guest)
    assert backend.name == "systemd" and evidence == "/sbin/init is /lib/systemd/systemd"
    other = Guest(make_tree(tmp_path / "b", {"/lib/systemd/systemd": Program(""), "/sbin/init": Program("")}))
    with pytest.raises(Blocked):
        pick(other)
    image = Guest(make_tree(tmp_path / "c", {"/usr/lib/systemd/systemd": Program(""), "/lib": To("usr/lib")}))
    assert pick(image)[1] == "/lib/systemd/systemd is there and there is no other init"


def test_a_unit_is_found_by_its_alias_and_by_its_script(tmp_path: Any) -> None:
    init = systemd(tmp_path, ALIAS, {"/etc/init.d/chronicle": Program("")})
    assert init.unit(("ssh", "sshd")) == "ssh" and init.unit(("sshd",)) == "ssh"
    assert init.unit(("waagent", "chronicle")) == "chronicle"
    assert init.unit(("ssh.socket",)) == "ssh.socket"
    assert init.unit(("waagent", "walinuxagent")) is None


def test_enabled_tells_the_link(tmp_path: Any) -> None:
    assert systemd(tmp_path / "a", WANTED).enabled("ssh") == "/etc/systemd/system/multi-user.target.wants/ssh.service"
    assert systemd(tmp_path / "b").enabled("ssh") == ""
    by_socket = {"/etc/systemd/system/sockets.target.wants/ssh.socket": To("/lib/systemd/system/ssh.socket")}
    assert systemd(tmp_path / "c", by_socket).enabled("ssh") == ("/etc/systemd/system/sockets.target.wants/ssh.socket")
    assert systemd(tmp_path / "d", by_socket, {"/etc/systemd/system/ssh.service": To("/dev/null")}).enabled("ssh") == ""
    rescue = {"/etc/systemd/system/rescue.target.wants/ssh.service": To("/lib/systemd/system/ssh.service")}
    assert systemd(tmp_path / "e", rescue).enabled("ssh") == ""
    left = {"/etc/systemd/system/multi-user.target.wants/waagent.service": To("/lib/systemd/system/waagent.service")}
    assert systemd(tmp_path / "f", left).enabled("waagent") == "", "the package is gone, its link is left"


def test_a_script_of_sysv_counts_only_where_there_is_no_unit(tmp_path: Any) -> None:
    links = {"/etc/rc2.d/S01ssh": To("../init.d/ssh"), "/etc/init.d/ssh": Program(""),
             "/etc/rc3.d/S03waagent": To("../init.d/waagent"), "/etc/init.d/waagent": Program("")}  # fmt: skip
    init = systemd(tmp_path, links)
    assert init.enabled("ssh") == "" and init.enabled("waagent") == "/etc/rc3.d/S03waagent"


def test_enable_makes_the_links_of_the_install_section(tmp_path: Any) -> None:
    init = systemd(tmp_path)
    unit = "/lib/systemd/system/ssh.service"
    assert imagined(init, init.enable("ssh")) == [
        Link("/etc/systemd/system/multi-user.target.wants/ssh.service", unit, "ssh starts at boot"),
        Link("/etc/systemd/system/sshd.service", unit, "ssh starts at boot"),
    ]
    assert list(init.enable("ssh")) == [] and init.enabled("ssh")


def test_enable_unmasks(tmp_path: Any) -> None:
    for number, mask in enumerate((To("/dev/null"), "")):
        init = systemd(tmp_path / str(number), WANTED, ALIAS, {"/etc/systemd/system/ssh.service": mask})
        assert init.enabled("ssh") == ""
        mask_goes = Remove("/etc/systemd/system/ssh.service", "ssh.service is masked")
        assert imagined(init, init.enable("ssh")) == [mask_goes]
        assert init.enabled("ssh")


def test_enable_follows_also_and_alias(tmp_path: Any) -> None:
    socket = "[Install]\nWantedBy=sockets.target\n"
    init = systemd(tmp_path, {"/lib/systemd/system/systemd-networkd.service": NETWORKD_SERVICE,
                              "/lib/systemd/system/systemd-networkd.socket": socket})  # fmt: skip
    paths = [change.path for change in imagined(init, init.enable("systemd-networkd"))]
    assert paths == [
        "/etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
        "/etc/systemd/system/dbus-org.freedesktop.network1.service",
        "/etc/systemd/system/sockets.target.wants/systemd-networkd.socket",
    ]


def test_enable_of_a_script_makes_start_links_and_removes_stop_links(tmp_path: Any) -> None:
    init = systemd(tmp_path, {"/etc/init.d/waagent": Program(""), "/etc/rc3.d/K01waagent": To("../init.d/waagent"),
                              "/etc/rc0.d/K01waagent": To("../init.d/waagent")})  # fmt: skip
    changes = imagined(init, init.enable("waagent"))
    assert changes[0] == Remove("/etc/rc3.d/K01waagent", "waagent starts at boot")
    assert [change.path for change in changes[1:]] == ["/etc/rc%s.d/S01waagent" % level for level in "2345"]
    assert init.enabled("waagent")


def test_what_cannot_be_enabled_is_said(tmp_path: Any) -> None:
    init = systemd(tmp_path, {"/lib/systemd/system/static.service": "[Service]\nExecStart=/bin/true\n"})
    with pytest.raises(Blocked, match="no unit waagent.service"):
        list(init.enable("waagent"))
    with pytest.raises(Blocked, match="has no .Install. section"):
        list(init.enable("static"))


def test_an_administrators_own_unit_is_not_replaced_by_an_alias(tmp_path: Any) -> None:
    init = systemd(tmp_path, {"/etc/systemd/system/sshd.service": "[Service]\nExecStart=/opt/sshd\n"})
    assert [change.path for change in imagined(init, init.enable("ssh"))] == [
        "/etc/systemd/system/multi-user.target.wants/ssh.service"
    ]


def test_disable_and_mask(tmp_path: Any) -> None:
    init = systemd(tmp_path, WANTED, ALIAS, {"/lib/systemd/system/walinuxagent.service": WALINUXAGENT_SERVICE})
    assert [change.path for change in imagined(init, init.disable("ssh"))] == [
        "/etc/systemd/system/sshd.service", "/etc/systemd/system/multi-user.target.wants/ssh.service",
    ]  # fmt: skip
    assert list(init.disable("ssh")) == [] and not init.enabled("ssh")
    mask = Link("/etc/systemd/system/walinuxagent.service", "/dev/null", "walinuxagent.service is masked")
    assert imagined(init, init.mask("walinuxagent")) == [mask]
    assert list(init.mask("walinuxagent")) == []


def test_a_file_of_the_administrator_is_not_masked(tmp_path: Any) -> None:
    with pytest.raises(Blocked, match="is a file"):
        list(systemd(tmp_path, {"/etc/systemd/system/ssh.service": SSH_SERVICE}).mask("ssh"))


def test_links_are_really_made(tmp_path: Any) -> None:
    root = make_tree(tmp_path, BASE)
    init = Systemd(Guest(root))
    for change in init.enable("ssh"):
        change.apply(init.guest)
    assert os.readlink(root + "/etc/systemd/system/sshd.service") == "/lib/systemd/system/ssh.service"
    assert init.enabled("ssh")
