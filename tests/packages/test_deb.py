"""`make deb` from a fresh tree, by a user who is not root: its tests, lintian, and what is in the package."""

import io
import os
import re
import stat
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from tests.lab import install
from tests.packages import debs

NOBODY = 65534
MODULE = "./usr/lib/python3/dist-packages/agentprep"
EXAMPLES = "./usr/share/doc/agentprep/examples/"
GENERATED = {
    "./etc/agentprep.conf": "agentprep.conf",
    "./usr/share/bash-completion/completions/agentprep": "agentprep.bash",
    "./usr/share/zsh/vendor-completions/_agentprep": "_agentprep",
    "./usr/share/fish/vendor_completions.d/agentprep.fish": "agentprep.fish",
}


def of(deb, *words):
    return subprocess.run(["dpkg-deb", *words, str(deb)], stdout=subprocess.PIPE, check=True).stdout


@pytest.fixture(scope="module")
def built():
    """(the folder of what was made, what was said) of a whole build by nobody in particular, with the tests."""
    with tempfile.TemporaryDirectory() as name:
        tree = debs.source(Path(name))
        for path in [Path(name), *Path(name).rglob("*")]:
            os.chown(str(path), NOBODY, NOBODY, follow_symlinks=False)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "packaging/deb.sh"]
        env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "DEB_BUILD_OPTIONS": f"parallel={os.cpu_count()}"}
        done = subprocess.run(
            command, cwd=str(tree), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0, said[-6000:]
        yield tree / "dist", said


@pytest.fixture(scope="module")
def content():
    """{path: (member, its bytes)} of the package."""
    data = of(install.package(), "--fsys-tarfile")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {one.name: (one, tar.extractfile(one).read() if one.isfile() else b"") for one in tar.getmembers()}


def test_it_builds_with_its_tests_and_lintian_finds_no_fault(built):
    folder, said = built
    version = "agentprep_0.2.0-1"
    expected = {f"{version}_all.deb", f"{version}.dsc", f"{version}.debian.tar.xz", "agentprep_0.2.0.orig.tar.gz"}
    names = {path.name for path in folder.iterdir()}
    assert expected <= names and any(name.endswith(".changes") for name in names), names
    assert re.search(r"^tests: \d{4,} passed", said, re.M), said  # the tests have run
    assert not re.search(r"^[EW]: ", said, re.M), said


def test_two_builds_give_the_same_bytes(built):
    """By another user, in another folder, without the tests, at another time."""
    assert (built[0] / "agentprep_0.2.0-1_all.deb").read_bytes() == install.package().read_bytes()


def test_a_version_that_the_changelog_does_not_know_is_refused(tmp_path):
    tree = debs.source(tmp_path)
    debs.changed(tree / "agentprep/__init__.py", r'__version__ = ".*"', '__version__ = "0.2.1"')
    done = subprocess.run(["packaging/deb.sh"], cwd=str(tree), stderr=subprocess.PIPE, encoding="utf-8")
    assert done.returncode == 1
    assert "agentprep/__init__.py says 0.2.1 and packaging/debian/changelog 0.2.0-1; give the changelog" in done.stderr


def test_it_holds_the_whole_module_and_nothing_compiled(content):
    here = {f"./{path.lstrip('/')}": data for path, data in install.files().items() if "dist-packages" in path}
    packed = {path: data for path, (_, data) in content.items() if path.startswith(MODULE + "/") and data}
    assert packed == {path: data for path, data in here.items() if data}
    assert set(here) <= set(content)
    assert not [path for path in content if "__pycache__" in path or path.endswith(".pyc") or "/local" in path]


def test_owners_and_modes_are_those_of_a_system(content):
    wrong = []
    for path, (one, data) in content.items():
        program = path.startswith(("./usr/bin/", EXAMPLES)) and data[:3] == b"#!/" and not path.endswith(".py")
        mode = 0o755 if one.isdir() or program else 0o644
        if (one.uid, one.gid, stat.S_IMODE(one.mode)) != (0, 0, mode) or not (one.isdir() or one.isfile()):
            wrong.append((path, one))
    assert not wrong


def test_manual_completions_conf_file_and_units_are_where_they_are_looked_for(content):
    for path, name in GENERATED.items():
        assert content[path][1] == (install.REPOSITORY / "packaging/generated" / name).read_bytes()
    assert {"./usr/share/man/man8/agentprep.8.gz", "./usr/share/man/man5/agentprep.conf.5.gz"} <= set(content)
    for name in ("agentprep.service", "agentprep-firstboot.service"):
        assert content["./lib/systemd/system/" + name][1] == (install.REPOSITORY / "systemd" / name).read_bytes()
    assert "./usr/lib/systemd/system-preset/50-agentprep.preset" in content
    assert EXAMPLES + "preseed/debian.cfg" in content and EXAMPLES + "ansible/galaxy.yml" in content


def test_its_fields_and_its_only_conffile():
    deb = install.package()
    depends = of(deb, "--field").decode()
    assert "\nDepends: python3-configobj, python3-distro, python3-psutil, python3:any" in depends
    assert "\nArchitecture: all\n" in depends
    with tarfile.open(fileobj=io.BytesIO(of(deb, "--ctrl-tarfile"))) as control:
        assert control.extractfile("./conffiles").read() == b"/etc/agentprep.conf\n"
