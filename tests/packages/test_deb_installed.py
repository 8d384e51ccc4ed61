"""The .deb in throw-away Debian systems, by their own apt and dpkg: installed, tried, upgraded, removed and purged."""

import json
import re
import shutil
import subprocess

import pytest

from tests.lab import install
from tests.packages import debs
from tests.packages.chroots import SUITES, World, tree

CONF, STATE, MODULE = "/etc/agentprep.conf", "/var/lib/agentprep", "/usr/lib/python3/dist-packages/agentprep"
APT = "apt-get --quiet --yes --no-install-recommends "
NEW, OLD = "/root/agentprep_0.2.0-1_all.deb", "/root/agentprep_0.1.0-1_all.deb"
UNITS = ("agentprep.service", "agentprep-firstboot.service")
EDITED = b"[kernel-cmdline]\nkeep = crashkernel\n"
# What dpkg and apt write of themselves whatever is installed and purged.
BOOKS = (
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/status-old",
    "/var/lib/dpkg/diversions-old",
    "/var/lib/dpkg/available",
    "/var/lib/apt/extended_states",
    "/var/cache/apt",
    "/var/log/dpkg.log",
    "/var/log/alternatives.log",
    "/var/log/apt",
    "/var/cache/ldconfig/aux-cache",
    "/etc/ld.so.cache",
)
# And what the packages that agentprep depends on leave when they are purged; none of it is agentprep's.
OTHERS = {
    "/etc/hosts": "written by netbase's postinst where there is none; python3 depends on it",
    "/var/cache/debconf/tmp.ci": "made by apt for the questions of a package that asks some, as tzdata in trixie",
}


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return debs.older(tmp_path_factory.mktemp("older"))


@pytest.fixture(params=SUITES)
def world(request, tmp_path, old):
    with World(request.param, tmp_path) as world:
        world.put(NEW, install.package().read_bytes())
        world.put(OLD, old.read_bytes())
        yield world


def nothing_starts_by_itself(world):
    for unit in UNITS:
        code, said = world.run(f"systemctl is-enabled {unit}")
        assert (code, said.strip()) == (1, "disabled"), said
    assert not [path for path in world.seen() if path.startswith("/etc/systemd/") and "agentprep" in path]


def works(world, version):
    """The command runs, as root and as somebody else, and writes nothing."""
    assert world.out("agentprep --version") == f"agentprep {version}\n"
    before = world.seen("/run")
    for user in ("root", "nobody"):
        code, said = world.run("agentprep check --json", user=user)
        document = json.loads(said[said.index("{") :])
        assert document["version"] == version
        # There is no kernel and no boot loader to judge, but all else.
        assert (code, document["result"]["exit_code"], document["result"]["verdict"]) == (1, 1, "not-ready")
        assert {one["id"] for one in document["findings"]} >= {"kernel-cmdline", "ssh-server", "time"}
    assert world.run("agentprep explain os-swap", user="nobody")[0] == 0
    assert "[kernel-cmdline]" in world.out("agentprep policy")
    assert world.seen("/run") == before


def prepared(world):
    """Stands for what a run leaves."""
    world.put(STATE + "/runs/1/journal", b"{}\n")
    (world.root / STATE.lstrip("/")).chmod(0o700)


def test_installed_upgraded_removed_and_purged(world):
    before = world.seen("/run", *BOOKS)

    world.out(APT + f"install {OLD}")
    works(world, "0.1.0")
    assert world.read(CONF).endswith(b"# The last line of 0.1.0\n")
    nothing_starts_by_itself(world)

    # The conf file was not edited: it is the new version's. A unit that a run has disabled again stays so.
    world.out("systemctl enable agentprep.service && systemctl disable agentprep.service")
    world.out(APT + f"install {NEW}")
    works(world, "0.2.0")
    assert world.read(CONF) == (install.REPOSITORY / debs.CONF).read_bytes()
    nothing_starts_by_itself(world)
    compiled = world.out(f"find {MODULE} -name '*.pyc' | wc -l")
    assert int(compiled) == int(world.out(f"find {MODULE} -name '*.py' | wc -l"))
    presets(world)

    world.out(APT + "purge agentprep")
    gone(world)
    world.out(APT + f"install {OLD}")
    world.put(CONF, EDITED)
    prepared(world)
    world.out("systemctl enable agentprep-firstboot.service")

    # It was edited, and so is the new version's: dpkg asks, and by default the edited one stays.
    said = world.out(APT + f"install {NEW}", stdin=b"\n")
    assert "Configuration file '/etc/agentprep.conf'" in said
    assert world.read(CONF) == EDITED and world.there(STATE + "/runs/1/journal")
    assert "from /etc/agentprep.conf" in world.out("agentprep policy")
    assert world.out("systemctl is-enabled agentprep-firstboot.service") == "enabled\n"  # by the administrator

    world.out(APT + "remove agentprep")
    assert not world.there("/usr/bin/agentprep") and not world.there(MODULE)
    assert world.read(CONF) == EDITED and world.there(STATE + "/runs/1/journal")

    world.out(APT + "purge agentprep")
    gone(world)
    world.out(f"rm {OLD} {NEW}; " + APT + "autoremove --purge")
    after = world.seen("/run", *BOOKS)
    before = {path: entry for path, entry in before.items() if path not in (OLD, NEW)}
    left = sorted(path for path in set(before) | set(after) if before.get(path) != after.get(path))
    assert [path for path in left if path not in OTHERS] == []


def gone(world):
    left = [path for path in world.seen("/run") if "agentprep" in path and path not in (OLD, NEW)]
    assert [path for path in left if not re.match("/var/(log|lib/apt|cache/apt)/", path)] == []


def presets(world):
    """An image without a machine-id is told its presets at the next boot: they leave both units disabled."""
    world.out("cp -a /etc/systemd /root/kept; systemctl preset-all")
    for unit in UNITS:
        assert world.run(f"systemctl is-enabled {unit}")[1].strip() == "disabled"
    links = world.out("find /etc/systemd -lname '*agentprep*'")
    assert links == ""
    # That is the preset's doing: without it systemd enables them.
    preset = world.root / "usr/lib/systemd/system-preset/50-agentprep.preset"
    kept = preset.read_bytes()
    preset.unlink()
    world.out("systemctl preset agentprep.service")
    assert world.run("systemctl is-enabled agentprep.service")[1].strip() == "enabled"
    preset.write_bytes(kept)
    world.out("systemctl preset-all")
    assert world.run("systemctl is-enabled agentprep.service")[1].strip() == "disabled"
    world.out("rm -rf /etc/systemd; mv /root/kept /etc/systemd")


def test_the_packages_own_tests(tmp_path):
    """debian/tests by autopkgtest, in a system that has nothing of it yet."""
    assert shutil.which("autopkgtest"), "install autopkgtest"
    source = debs.source(tmp_path)
    shutil.copytree(str(source / "packaging/debian"), str(source / "debian"))
    world = tmp_path / "world"
    world.mkdir()
    with World("bookworm", world) as system:
        words = ["autopkgtest", str(install.package()), str(source), "--", "chroot", str(world / "root")]
        code, said = system.beside(*words)
    assert code == 0, said[-4000:]
    results = dict(re.findall(r"^(\w+) +(PASS|FAIL|SKIP)", said, re.M))
    assert results == {"installed": "PASS", "upstream": "PASS"}, said[-4000:]


def test_piuparts_is_content(tmp_path):
    done = subprocess.run(
        ["piuparts", "--existing-chroot", str(tree("bookworm")), "--keep-sources-list", "--distribution", "bookworm",
         str(install.package())],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
