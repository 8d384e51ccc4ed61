"""The example for mkosi: its configuration by mkosi itself, and its script in a tree whose presets were applied.

The mkosi is Debian 13's; it builds no image here, which takes minutes and systemd 254.
"""

import json
import subprocess
import sys

import pytest

from agentprep.policy import load
from tests.lab import guests, host
from tests.packages import archive, installed, installers

SCRIPT = installers.MKOSI / "mkosi.finalize.chroot"
# What mkosi does between its postinst and its finalize scripts (mkosi/__init__.py, run_preset).
PRESET = "chroot /target systemctl preset-all >/dev/null 2>&1; chroot /target systemctl is-enabled agentprep-firstboot"
RUN = "cp /tmp/script /target/work-finalize && chroot /target /work-finalize final"
ID = "grep -cE '^[0-9a-f]{32}$' /target/etc/machine-id"


@pytest.fixture(scope="module")
def modules():
    """A path for Python on which Debian 13's mkosi is."""
    path = host.cache() / "mkosi-trixie"
    with guests.locked("mkosi"):
        if not path.is_dir():
            making = path.with_suffix(".making")
            subprocess.run(["rm", "-rf", str(making)], check=True)
            making.mkdir()
            archive.fetched("trixie", ["mkosi"], making)
            (package,) = making.glob("mkosi_*.deb")
            subprocess.run(["dpkg", "--extract", str(package), str(making)], check=True)
            making.rename(path)
    return path / "usr/lib/python3/dist-packages"


def summary(modules, folder):
    return subprocess.run(
        [sys.executable, "-m", "mkosi", "--json", "--directory", str(folder), "summary"],
        env=dict(installed.ENVIRONMENT, PYTHONPATH=str(modules)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip


def test_mkosi_takes_the_configuration(modules):
    done = summary(modules, installers.MKOSI)
    assert done.returncode == 0, done.stderr
    (image,) = json.loads(done.stdout)["Images"]
    policy = load(None, [])
    wanted = list(policy.value("kernel-cmdline.add").value)
    wanted[-1] = "rootdelay=%d" % policy.value("kernel-cmdline.longest_sleep").value
    assert " ".join(image["KernelCommandLine"]).split() == wanted
    assert (image["Bootloader"], image["UnifiedKernelImages"]) == ("systemd-boot", "disabled")
    assert image["FinalizeScripts"] == [str(SCRIPT)] and image["Timezone"] == "Etc/UTC"
    assert {"agentprep", "waagent", "linux-image-amd64", "initramfs-tools"} <= set(image["Packages"])


def test_mkosi_refuses_a_configuration_that_is_wrong(modules, tmp_path):
    text = (installers.MKOSI / "mkosi.conf").read_text()
    (tmp_path / "mkosi.conf").write_text(text.replace("Bootloader=systemd-boot", "Bootloader=lilo"))
    done = summary(modules, tmp_path)
    assert done.returncode != 0 and "lilo" in done.stderr


def test_the_script_enables_the_unit_that_the_presets_disabled(tmp_path):
    installed.built(tmp_path)
    files = {"/tmp/script": SCRIPT.read_bytes(), "/tmp/agentprep.deb": (tmp_path / "agentprep.deb").read_bytes()}
    script = "cp /tmp/agentprep.deb /target/root/ && chroot /target dpkg --install /root/agentprep.deb >/dev/null && "
    script += "echo uninitialized >/target/etc/machine-id && (%s || true) && %s && %s" % (PRESET, RUN, ID)
    code, told = installed.run(tmp_path, script + " && chroot /target systemctl is-enabled agentprep-firstboot", files)
    assert code == 0 and told.splitlines()[0] == "disabled" and told.splitlines()[-2:] == ["1", "enabled"], told


def test_the_script_says_what_to_do_where_agentprep_is_not_in_the_image(tmp_path):
    code, told = installed.run(tmp_path, RUN, {"/tmp/script": SCRIPT.read_bytes()})
    assert code == 1 and "put its package in mkosi.packages" in told
