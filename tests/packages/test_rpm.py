"""The RPMs as they are built, and what rpm does with them in a root of its own: install, upgrade, verify, erase."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import agentprep
from tests.packages import redhat
from tests.packages.redhat import OLDER, REPOSITORY, Root, debian, older, output, provided
from tests.snapshots import snapshot

CONF, STATE = "/etc/agentprep.conf", "/var/lib/agentprep"
UNITS = ("agentprep.service", "agentprep-firstboot.service")
WANTS = "/etc/systemd/system/multi-user.target.wants/"
# What is in a package beside the modules: path -> mode, flags as rpm -qp --qf %{fileflags:fflags} has them.
FILES = {
    CONF: ("-rw-r--r--", "cn"),
    "/usr/bin/agentprep": ("-rwxr-xr-x", ""),
    "/usr/lib/systemd/system-preset/50-agentprep.preset": ("-rw-r--r--", ""),
    "/usr/lib/systemd/system/agentprep.service": ("-rw-r--r--", ""),
    "/usr/lib/systemd/system/agentprep-firstboot.service": ("-rw-r--r--", ""),
    "/usr/share/agentprep": ("drwxr-xr-x", ""),
    "/usr/share/bash-completion": ("drwxr-xr-x", ""),
    "/usr/share/bash-completion/completions": ("drwxr-xr-x", ""),
    "/usr/share/bash-completion/completions/agentprep": ("-rw-r--r--", ""),
    "/usr/share/doc/agentprep-VERSION": ("drwxr-xr-x", ""),
    "/usr/share/doc/agentprep-VERSION/README.md": ("-rw-r--r--", "d"),
    "/usr/share/fish": ("drwxr-xr-x", ""),
    "/usr/share/fish/vendor_completions.d": ("drwxr-xr-x", ""),
    "/usr/share/fish/vendor_completions.d/agentprep.fish": ("-rw-r--r--", ""),
    "/usr/share/licenses/agentprep-VERSION": ("drwxr-xr-x", ""),
    "/usr/share/licenses/agentprep-VERSION/LICENSE": ("-rw-r--r--", "l"),
    "/usr/share/man/man5/agentprep.conf.5.gz": ("-rw-r--r--", "d"),
    "/usr/share/man/man8/agentprep.8.gz": ("-rw-r--r--", "d"),
    "/usr/share/zsh": ("drwxr-xr-x", ""),
    "/usr/share/zsh/site-functions": ("drwxr-xr-x", ""),
    "/usr/share/zsh/site-functions/_agentprep": ("-rw-r--r--", ""),
    STATE: ("drwx------", "g"),
}
MODULES = "/usr/share/agentprep/agentprep"
FOLDER = REPOSITORY / "packaging/rpm"


@pytest.fixture(scope="module")
def packages():
    return redhat.packages()


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """The package of an older version."""
    return older(tmp_path_factory.mktemp("older"))[""]


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    """A Debian 12 that rpm takes for one of its own, since what the packages need is provided."""
    folder = tmp_path_factory.mktemp("system")
    made = Root(folder / "root")
    output("cp", "-a", debian(), made.path)
    for name in ("licenses", "man/man5", "man/man8"):  # of the package filesystem, everywhere
        os.makedirs("%s/usr/share/%s" % (made.path, name), exist_ok=True)
    made.rpm("-i", provided(folder))
    yield made
    shutil.rmtree(made.path)


@pytest.fixture
def root(system):
    """That system, from which agentprep and what it has left are taken away afterwards."""
    yield system
    if re.search("^agentprep-", system.rpm("-qa"), re.M):
        system.rpm("-e", "agentprep")
    for path in (CONF, CONF + ".rpmnew", CONF + ".rpmsave"):
        if os.path.exists(system.path + path):
            os.unlink(system.path + path)
    shutil.rmtree(system.path + STATE, ignore_errors=True)


def test_all_were_built_and_are_whole(packages):
    assert set(packages) == {"src", "", "el7", "el8"}
    for path in packages.values():
        assert "digests OK" in output("rpm", "-K", "--nosignature", path)
    assert output("rpm", "-qpl", packages["src"]).split() == [
        "agentprep-%s.tar.gz" % agentprep.__version__, "agentprep.spec"
    ]  # fmt: skip


def test_the_tarball_is_the_same_for_the_same_files(packages, tmp_path):
    """That of the source package, made in a clone, is made again from its own files, at another time and place."""
    inside = subprocess.check_output(["rpm2cpio", str(packages["src"])])
    subprocess.run(["cpio", "--quiet", "-id"], input=inside, check=True, cwd=str(tmp_path))
    first = tmp_path / ("agentprep-%s.tar.gz" % agentprep.__version__)
    output("tar", "-xf", first, "-C", tmp_path)
    unpacked = tmp_path / ("agentprep-" + agentprep.__version__)
    (unpacked / "agentprep/__pycache__").mkdir()
    (unpacked / "agentprep/__pycache__/x.pyc").write_bytes(b"left by a tool")
    os.utime(str(unpacked / "tests"), (1, 1))
    words = ["sh", "-c", 'umask 077; exec "$0" "$1"', unpacked / "packaging/sdist.sh", tmp_path / "again"]
    second = output(*words, env={"PATH": os.environ["PATH"], "TZ": "UTC-5", "LC_ALL": "C.UTF-8"}).strip()
    assert Path(second).read_bytes() == first.read_bytes()


def rpmlint(packages, *words):
    """What it says of the spec and of all packages."""
    program = shutil.which("rpmlint", path=os.path.dirname(sys.executable)) or "rpmlint"
    judged = [FOLDER / "agentprep.spec"] + list(packages.values())
    done = subprocess.run(
        [program, *words] + [str(one) for one in judged],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    return done.returncode, done.stdout


def test_rpmlint_is_content(packages):
    code, said = rpmlint(packages, "-c", str(FOLDER / "rpmlint.toml"))
    assert code == 0 and " 0 errors, 0 warnings" in said, said


def test_every_filter_of_rpmlint_is_needed(packages):
    _, said = rpmlint(packages)
    filters = re.findall(r'^    "(.*)",$', (FOLDER / "rpmlint.toml").read_text(), re.M)
    assert len(filters) > 5
    unused = [one for one in filters if not re.search(one.replace("\\\\", "\\"), said)]
    # A machine without a dictionary finds no word wrong.
    assert [one for one in unused if not one.startswith("spelling-error")] == []


@pytest.mark.parametrize("kind", ["", "el7", "el8"])
def test_what_is_inside(packages, kind):
    query = "[%{filenames}\\t%{filemodes:perms}\\t%{fileflags:fflags}\\t%{fileusername}:%{filegroupname}\\n]"
    lines = [line.split("\t") for line in output("rpm", "-qp", "--qf", query, packages[kind]).splitlines()]
    assert {line[3] for line in lines} == {"root:root"}
    found = {line[0].replace("agentprep-" + agentprep.__version__, "agentprep-VERSION"): line[1:3] for line in lines}
    modules = {path: told for path, told in found.items() if path.startswith(MODULES)}
    assert {path: tuple(told) for path, told in found.items() if path not in modules} == FILES

    assert {told[0] for path, told in modules.items() if "." in path} == {"-rw-r--r--"}, "and no bytecode of any Python"
    known = output("git", "ls-files", "agentprep", cwd=str(REPOSITORY)).split()
    assert sorted("/usr/share/agentprep/" + path for path in known) == sorted(path for path in modules if "." in path)


@pytest.mark.parametrize(
    "kind, interpreter, prefix",
    [
        ("", "/usr/bin/python3", "python3"),
        ("el7", "/usr/bin/python3.6", "python36"),
        ("el8", "/usr/libexec/platform-python", "python3"),
    ],
)
def test_who_runs_it_and_what_it_needs(packages, kind, interpreter, prefix, tmp_path):
    inside = subprocess.check_output(["rpm2cpio", str(packages[kind])])
    subprocess.run(["cpio", "--quiet", "-id", "./usr/bin/agentprep"], input=inside, check=True, cwd=str(tmp_path))
    assert (tmp_path / "usr/bin/agentprep").read_text().startswith("#!%s -sB\n" % interpreter)
    needs = {line.split(" ")[0] for line in output("rpm", "-qpR", packages[kind]).splitlines()}
    modules = {"%s-%s" % (prefix, one) for one in ("configobj", "distro", "psutil")}
    ours = {one for one in needs if not one.startswith("rpmlib(")}
    assert ours == modules | {interpreter, "/bin/sh", "config(agentprep)"}
    # rpm 4.11 of EL 7 knows neither rich dependencies nor payloads packed by zstd.
    assert "rpmlib(RichDependencies)" not in needs and "rpmlib(PayloadIsZstd)" not in needs


def links(root):
    """The units that multi-user.target wants of ours."""
    return sorted(name for name in UNITS if os.path.islink(root.path + WANTS + name))


def enabled(root):
    """What systemctl says of the units."""
    return [root.run("systemctl", "is-enabled", unit)[1].strip() for unit in UNITS]


def test_installed_verified_run_and_erased_it_leaves_nothing(packages, root):
    untouched = snapshot(root.path, own=True)
    assert root.rpm("-i", packages[""]) == ""
    assert root.rpm("-V", "agentprep") == ""
    assert links(root) == [] and enabled(root) == ["disabled", "disabled"]

    assert root.run("agentprep", "--version") == (0, "agentprep %s\n" % agentprep.__version__, "")
    code, out, _ = root.run("agentprep", "check", "--json")
    assert code == json.loads(out)["result"]["exit_code"] == 1
    assert root.rpm("-V", "agentprep") == "", "looking has written nothing"
    assert [path for path in snapshot(root.path + "/usr/share/agentprep") if "__pycache__" in path] == []

    assert root.rpm("-e", "agentprep") == ""
    assert differences(untouched, snapshot(root.path, own=True)) == []


def differences(before, after):
    """Paths that are not as they were, but for rpm's database, mount points and folders' times."""
    passed = ("/var/lib/rpm/", "/proc", "/sys", "/dev", "/run")
    return sorted(
        path for path in set(before) | set(after) if before.get(path) != after.get(path) and not path.startswith(passed)
    )


def test_an_upgrade_keeps_what_somebody_changed(packages, before, root):
    root.rpm("-i", before)
    assert root.run("agentprep", "--version")[1] == "agentprep %s\n" % OLDER
    changed = "[kernel-cmdline]\nkeep = crashkernel\n"
    Path(root.path + CONF).write_text(changed)
    assert root.run("systemctl", "enable", UNITS[0])[0] == 0

    said = root.rpm("-U", packages[""])
    assert "%s created as %s.rpmnew" % (CONF, CONF) in said
    assert Path(root.path + CONF).read_text() == changed
    shipped = (REPOSITORY / "packaging/generated/agentprep.conf").read_text()
    assert Path(root.path + CONF + ".rpmnew").read_text() == shipped
    assert links(root) == [UNITS[0]], "enabled as it was"
    assert root.run("agentprep", "--version")[1] == "agentprep %s\n" % agentprep.__version__
    assert "keep = crashkernel" in root.run("agentprep", "policy")[1]
    assert [line.split()[-1] for line in root.rpm("-V", "agentprep", code=1).splitlines()] == [CONF]

    os.makedirs(root.path + STATE, 0o700)
    Path(root.path + STATE + "/journal").write_text("what a run has kept\n")
    said = root.rpm("-e", "agentprep")
    assert "%s saved as %s.rpmsave" % (CONF, CONF) in said
    assert Path(root.path + CONF + ".rpmsave").read_text() == changed
    assert not os.path.lexists(root.path + CONF) and links(root) == []
    assert os.listdir(root.path + STATE) == ["journal"], "it is what takes the changes back"
    left = output(
        "find", root.path, "-path", root.path + "/proc", "-prune", "-o", "-name", "*agentprep*", "-print"
    ).split()
    assert sorted(path[len(root.path) :] for path in left) == [CONF + ".rpmnew", CONF + ".rpmsave", STATE]


def test_an_upgrade_replaces_a_configuration_that_nobody_changed(packages, before, root):
    root.rpm("-i", before)
    assert "# of %s" % OLDER in Path(root.path + CONF).read_text()
    root.rpm("-U", packages[""])
    assert Path(root.path + CONF).read_text() == (REPOSITORY / "packaging/generated/agentprep.conf").read_text()
    assert stat.S_IMODE(os.stat(root.path + CONF).st_mode) == 0o644
    assert not [name for name in os.listdir(root.path + "/etc") if name.startswith("agentprep.conf.")]
    assert root.rpm("-V", "agentprep") == "" and links(root) == []


def test_without_what_it_needs_it_is_not_installed(packages, root):
    said = root.rpm("-i", packages["el7"], code=1)
    assert {line.split(" is needed")[0].strip() for line in said.splitlines()[1:]} == {
        "/usr/bin/python3.6", "python36-configobj", "python36-distro", "python36-psutil",
    }  # fmt: skip
