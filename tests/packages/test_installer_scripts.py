"""The scripts of the unattended installations work in a real tree: agentprep is installed and its unit enabled.

The packages are the ones that `make deb` and `make rpm` build; what installs and enables them is Debian 12's own apt,
rpm and systemctl.  What is the installer's own (anaconda's way to start a script, in-target, curtin) is imitated.
"""

import re

import pytest

from tests.packages import installed, installers

URL = re.compile(r"https://example\.com/(agentprep\.\w+)")
# Asked in the new system, after the script: its unit, an id of this machine, what is left behind.
ASKED = """
code=$?
chroot /target systemctl is-enabled agentprep-firstboot.service agentprep.service || true
chroot /target agentprep --version || true
grep -cE '^[0-9a-f]{32}$' /target/etc/machine-id || true
ls /target/root
exit $code
"""
ENABLED = ["enabled", "disabled", "agentprep 0.2.0", "1"]
IN_TARGET = b'#!/bin/sh\nexec chroot /target "$@"\n'
CURTIN = b'#!/bin/sh\n[ "$1 $2" = "in-target --" ] && shift 2\nexec chroot /target "$@"\n'
# What update-grub makes of the files that it sources.
UPDATE_GRUB = b"#!/bin/sh\nfor file in /etc/default/grub.d/*.cfg; do . $file; done\necho cmdline: $GRUB_CMDLINE_LINUX\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The address of a web server with both packages, and their folder."""
    folder = tmp_path_factory.mktemp("site")
    installed.built(folder)
    with installed.served(folder) as address:
        yield address, folder


def at(address, script):
    """The script with its EDIT done: agentprep is at the address."""
    changed, times = URL.subn(address + r"/\1", script)
    assert times == 1
    return changed


def anaconda(folder, name, address, live=None):
    """Both %post of a kickstart, started as anaconda does (pyanaconda.core.kickstart.scripts, run_script)."""
    outside, inside = installers.posts(installers.kickstart(name))
    files = {"/tmp/outside": outside.script.encode(), "/tmp/inside": at(address, inside.script).encode()}
    files.update(live or {})
    script = "%s /tmp/outside && cp /tmp/inside /mnt/sysroot/tmp/ && chroot /mnt/sysroot %s /tmp/inside" % (
        outside.interp, inside.interp)  # fmt: skip
    return installed.run(folder, script + ASKED, files)


def test_post_of_a_kickstart_fetches_agentprep_and_enables_the_unit(site, tmp_path):
    code, told = anaconda(tmp_path, "rhel9.ks", site[0])
    assert (code, told.splitlines()[-4:]) == (0, ENABLED), told
    assert "agentprep: fetching " + site[0] in told


def test_post_of_a_kickstart_takes_the_rpm_on_the_medium(site, tmp_path):
    rpm = (site[1] / "agentprep.rpm").read_bytes()
    code, told = anaconda(tmp_path, "rhel8.ks", "http://127.0.0.1:9", {"/run/install/repo/agentprep-0.2.0-1.rpm": rpm})
    assert (code, told.splitlines()[-4:]) == (0, ENABLED), told
    assert "fetching" not in told


def test_post_of_a_kickstart_keeps_a_package_that_a_repository_gave(site, tmp_path):
    query = b"#!/bin/sh\n[ \"$1 $2 $3\" = '--query --quiet agentprep' ] || exit 9\n"
    files = {"/tmp/rpm": query, "/tmp/agentprep.deb": (site[1] / "agentprep.deb").read_bytes()}
    outside, inside = installers.posts(installers.kickstart("rhel10.ks"))
    prepare = "cp /tmp/agentprep.deb /target/root/ && chroot /target dpkg --install /root/agentprep.deb && "
    prepare += "rm /target/root/agentprep.deb && cp /tmp/rpm /target/usr/local/bin/rpm && "
    files["/tmp/inside"] = inside.script.encode()
    script = prepare + "cp /tmp/inside /target/tmp/ && chroot /target /bin/sh /tmp/inside"
    code, told = installed.run(tmp_path, script + ASKED, files)
    assert (code, told.splitlines()[-4:]) == (0, ENABLED), told


@pytest.mark.parametrize("name", sorted(installers.KICKSTARTS))
def test_post_of_a_kickstart_fails_where_there_is_no_rpm(name, site, tmp_path):
    code, told = anaconda(tmp_path, name, site[0] + "/nowhere")
    assert code != 0 and "404" in told and "agentprep 0.2.0" not in told, told
    assert "enabled\n" not in told


def test_late_command_of_the_preseed_fetches_agentprep(site, tmp_path):
    code, told = debian(tmp_path, at(site[0], installers.late_command(installers.PRESEED.read_text())))
    assert (code, told.splitlines()[-4:]) == (0, ENABLED), told
    assert site[0] in told


def test_late_command_of_the_preseed_takes_the_deb_on_the_medium(site, tmp_path):
    deb = (site[1] / "agentprep.deb").read_bytes()
    script = at("http://127.0.0.1:9", installers.late_command(installers.PRESEED.read_text()))
    code, told = debian(tmp_path, script, {"/cdrom/agentprep_0.2.0-1_all.deb": deb})
    assert (code, told.splitlines()[-4:]) == (0, ENABLED), told
    assert "127.0.0.1" not in told


def test_late_command_of_the_preseed_fails_where_there_is_no_deb(site, tmp_path):
    script = at(site[0] + "/nowhere", installers.late_command(installers.PRESEED.read_text()))
    code, told = debian(tmp_path, script)
    assert code != 0 and "404" in told and "enabled\n" not in told, told
    assert "apt-get" not in told and "Reading package lists" not in told, told


def debian(folder, command, live=None):
    """The command as the installer runs it: by busybox's shell, with in-target (preseed_command of preseed-common)."""
    files = {"/usr/local/bin/in-target": IN_TARGET, "/tmp/command": command.encode()}
    files.update(live or {})
    return installed.run(folder, '(exec busybox sh -c "$(cat /tmp/command)")' + ASKED, files)


def ubuntu(folder, address, live=None):
    """late-commands as subiquity runs them: each by `sh -c`, up to the first that fails (CmdListController)."""
    commands = installers.autoinstall(at(address, installers.AUTOINSTALL.read_text()))["late-commands"]
    files = {"/usr/local/bin/curtin": CURTIN, "/tmp/update-grub": UPDATE_GRUB}
    for number, command in enumerate(commands):
        files["/tmp/late/%02d" % number] = command.encode()
    files.update(live or {})
    run = "cp /tmp/update-grub /target/usr/sbin/ && "
    run += '(for file in /tmp/late/*; do sh -c "$(cat "$file")" || exit $?; done)'
    return installed.run(folder, run + ASKED, files)


def test_late_commands_of_the_autoinstall_fetch_agentprep(site, tmp_path):
    code, told = ubuntu(tmp_path, site[0])
    assert (code, told.splitlines()[-4:]) == (0, ENABLED), told
    assert "cmdline: console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=30\n" in told


def test_late_commands_of_the_autoinstall_take_the_deb_on_the_medium(site, tmp_path):
    deb = (site[1] / "agentprep.deb").read_bytes()
    code, told = ubuntu(tmp_path, "http://127.0.0.1:9", {"/cdrom/agentprep_0.2.0-1_all.deb": deb})
    assert (code, told.splitlines()[-4:]) == (0, ENABLED), told


def test_late_commands_of_the_autoinstall_fail_where_there_is_no_deb(site, tmp_path):
    code, told = ubuntu(tmp_path, site[0] + "/nowhere")
    assert code != 0 and "404" in told and "enabled\n" not in told, told


@pytest.mark.parametrize("place, code", [("", 0), ("/nowhere", 22)])
def test_the_chroot_script_of_autoyast_fetches_agentprep(place, code, site, tmp_path):
    script = at(site[0] + place, installers.chroot_script(installers.autoyast(installers.AUTOYAST.read_text())))
    files = {"/tmp/agentprep.sh": script.encode()}
    run = "cp /tmp/agentprep.sh /target/tmp/ && chroot /target /bin/sh /tmp/agentprep.sh"
    done, told = installed.run(tmp_path, run + ASKED, files)
    assert done == code, told
    assert (told.splitlines()[-4:] == ENABLED) == (code == 0), told
