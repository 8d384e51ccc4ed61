"""The example for Packer: by packer itself, its scripts run for real.

Debian's packer is the last one with the builders built in; what only later ones read, plugins.pkr.hcl, is parsed.
"""

import json
import shutil
import subprocess

import hcl2
import pytest

from tests.packages import installed, installers

CONVERT = installers.PACKER / "convert.sh"


@pytest.fixture
def folder(tmp_path):
    """The template with the files that its variables name."""
    for path in (installers.PACKER / "agentprep.pkr.hcl", installers.PACKER / "prepare.sh", CONVERT):
        shutil.copy(str(path), str(tmp_path))
    for name in ("source.qcow2", "source.vmx", "agentprep.deb"):
        (tmp_path / name).write_bytes(b"")
    key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "id_ed25519")]
    subprocess.run(key, check=True)
    return tmp_path


def validated(folder):
    env = dict(installed.ENVIRONMENT, CHECKPOINT_DISABLE="1", HOME=str(folder), PACKER_CACHE_DIR=str(folder / "cache"))
    command = ["packer", "validate", "."]
    done = subprocess.run(command, cwd=str(folder), env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode()


def test_packer_takes_the_template(folder):
    assert validated(folder)[0] == 0, validated(folder)[1]


@pytest.mark.parametrize(
    "old, new",
    [("shutdown_timeout     = ", "shutdown_timeout_ = "), ("source.vmware-vmx.guest", "source.vmware.guest")],
)
def test_packer_refuses_a_template_that_is_wrong(old, new, folder):
    template = folder / "agentprep.pkr.hcl"
    assert old in template.read_text()
    template.write_text(template.read_text().replace(old, new))
    assert validated(folder)[0] == 1


def test_the_plugins_are_those_of_the_sources():
    with open(str(installers.PACKER / "plugins.pkr.hcl")) as stream:
        ((plugins,),) = [block["required_plugins"] for block in hcl2.load(stream)["packer"]]
    with open(str(installers.PACKER / "agentprep.pkr.hcl")) as stream:
        sources = [name.strip('"') for source in hcl2.load(stream)["source"] for name in source]
    assert {name.split("-")[0] for name in sources} == {name for name in plugins if not name.startswith("__")}


def test_agentprep_is_installed_told_of_and_run(tmp_path):
    """prepare.sh, with an agentprep that says what it was asked: the real one needs a machine."""
    installed.built(tmp_path)
    asked = b'#!/bin/sh\necho "agentprep $*" >>/root/asked\necho \'<testsuite/>\'\n[ "$1" != check ]\n'
    # No list of packages is fetched; the package itself is installed by the real apt.
    apt = b'#!/bin/sh\ncase $* in *update) ;; *) exec /usr/bin/apt-get "$@" ;; esac\n'
    files = {
        "/tmp/agentprep.deb": (tmp_path / "agentprep.deb").read_bytes(),
        "/tmp/prepare.sh": (installers.PACKER / "prepare.sh").read_bytes(),
        "/usr/local/bin/agentprep": asked,
        "/usr/local/bin/apt-get": apt,
    }
    script = "PACKAGE=/tmp/agentprep.deb REPORT=/tmp/agentprep.xml sh /tmp/prepare.sh && "
    script += "cat /root/asked /tmp/agentprep.xml"
    code, told = installed.run(tmp_path, script + "; code=$?; ls /tmp; exit $code", files)
    assert code == 0 and "Setting up agentprep" in told, told
    assert told.split("<testsuite/>\n", 1)[1].splitlines() == [
        "agentprep check --format junit", "agentprep run --yes --no-deprovision", "<testsuite/>",
        "agentprep.xml", "prepare.sh",
    ], told  # fmt: skip


def test_a_package_of_another_kind_is_refused(tmp_path):
    files = {"/tmp/prepare.sh": (installers.PACKER / "prepare.sh").read_bytes()}
    code, told = installed.run(tmp_path, "PACKAGE=/tmp/agentprep.tar REPORT=/tmp/x sh /tmp/prepare.sh", files)
    assert code == 2 and "neither a .deb nor a .rpm" in told


def converted(folder, *more):
    command = ["sh", str(CONVERT), "qemu", "vmware", *more, "azure.vhd"]
    return subprocess.run(command, cwd=str(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")


def disk(path, size):
    path.parent.mkdir(exist_ok=True)
    command = ["qemu-img", "create", "-q", "-f", path.suffix[1:], str(path), str(size)]
    subprocess.run(command, check=True)


@pytest.mark.parametrize("name", ["qemu/guest.qcow2", "vmware/disk.vmdk"])
def test_the_disk_becomes_a_fixed_vhd_of_whole_mib(name, tmp_path):
    disk(tmp_path / name, 5 * 2**20 + 512)
    (tmp_path / "vmware").mkdir(exist_ok=True)
    (tmp_path / "vmware/disk-flat.vmdk").write_bytes(b"part")
    assert converted(tmp_path).returncode == 0
    assert (tmp_path / "azure.vhd").stat().st_size == 6 * 2**20 + 512, "a footer of 512 bytes comes after the data"
    info = subprocess.run(
        ["qemu-img", "info", "--output=json", "-f", "vpc", str(tmp_path / "azure.vhd")],
        stdout=subprocess.PIPE,
        check=True,
    )
    assert json.loads(info.stdout.decode())["virtual-size"] == 6 * 2**20
    assert not (tmp_path / "azure.raw").exists()


def test_no_disk_and_two_disks_are_told(tmp_path):
    assert "there is no .qcow2 or .vmdk" in converted(tmp_path).stdout
    disk(tmp_path / "qemu/one.qcow2", 2**20)
    disk(tmp_path / "qemu/two.qcow2", 2**20)
    done = converted(tmp_path)
    assert done.returncode == 1 and "there are two disks" in done.stdout
