"""agentprep.spec as each system's rpm reads it: who runs the command, what it needs, where things go, which scriptlets.

The macros of a system are stand-ins, under the names and with the arguments that its public macro files have:
macros.python-srpm and macros.pybytecompile of Fedora's and EL's python-rpm-macros, macros.systemd of systemd and of
openSUSE's systemd-rpm-macros.  What they would expand to is said here in capitals.
"""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple, Tuple

import pytest

import agentprep

REPOSITORY = Path(__file__).resolve().parents[2]
SPEC = REPOSITORY / "packaging/rpm/agentprep.spec"
UNITS = "agentprep.service agentprep-firstboot.service"
MODULES = ("configobj", "distro", "psutil")

SYSTEMD = """
%_unitdir /usr/lib/systemd/system
%_presetdir /usr/lib/systemd/system-preset
%systemd_post() SYSTEMD_POST %{?*}
%systemd_preun() SYSTEMD_PREUN %{?*}
%systemd_postun() SYSTEMD_POSTUN %{?*}
%systemd_postun_with_restart() SYSTEMD_RESTART %{?*}
"""
ORDERING = "%systemd_ordering OrderWithRequires(post): systemd\n"
BYTECODE = "%py_byte_compile() COMPILED_BY %1 IN %2\n"
PYTHON = "%__python3 /usr/bin/python3\n%python3_pkgversion 3\n"
# The upstream names are there too, as aliases; older ones lacked them.
SUSE = """
%_unitdir /usr/lib/systemd/system
%_presetdir /usr/lib/systemd/system-preset
%service_add_pre() SERVICE_ADD_PRE %{?*}
%service_add_post() SERVICE_ADD_POST %{?*}
%service_del_preun() SERVICE_DEL_PREUN %{?*}
%service_del_postun() SERVICE_DEL_POSTUN %{?*}
"""
NEWER_SUSE = """
%service_del_postun_without_restart() SERVICE_DEL_WITHOUT_RESTART %{?*}
%systemd_post() SYSTEMD_POST %{?*}
%systemd_preun() SYSTEMD_PREUN %{?*}
%systemd_postun() SYSTEMD_POSTUN %{?*}
"""


class Target(NamedTuple):
    macros: str
    builds: Tuple[str, ...]  # what is needed to build it, beside the three modules
    interpreter: str = "/usr/bin/python3"
    modules: str = "python3"
    compiled: str = "COMPILED_BY"  # how the modules are compiled: a word of %install; "" is not at all
    tested: bool = False


EL = ("python3-devel", "systemd-rpm-macros")
TESTS = ("python3-hypothesis", "python3-jsonschema", "python3-pytest >= 7")
TARGETS = {
    "el7-epel": Target(
        "%rhel 7\n%dist .el7\n%__python /usr/bin/python2\n%__python3 /usr/bin/python3.6\n%python3_pkgversion 36\n"
        + SYSTEMD,
        ("python3", "systemd"), "/usr/bin/python3.6", "python36", "",
    ),
    "el7.7": Target(
        "%rhel 7\n%dist .el7\n%__python /usr/bin/python2\n" + PYTHON + SYSTEMD,
        ("python3", "systemd"), "/usr/bin/python3.6", "python36", "",
    ),
    "el8": Target(
        "%rhel 8\n%dist .el8\n%__python3 /usr/libexec/platform-python\n%python3_pkgversion 3\n" + SYSTEMD + ORDERING
        + BYTECODE, ("python3-devel", "systemd"), "/usr/libexec/platform-python",
    ),
    "el9": Target("%rhel 9\n%dist .el9\n" + PYTHON + SYSTEMD + ORDERING + BYTECODE, EL),
    "el10": Target("%rhel 10\n%dist .el10\n" + PYTHON + SYSTEMD + ORDERING + BYTECODE, EL),
    "fedora": Target(
        "%fedora 43\n%dist .fc43\n" + PYTHON + SYSTEMD + ORDERING + BYTECODE, EL + TESTS + ("python3-pyyaml",),
        tested=True,
    ),
    "sles15-sp2": Target("%suse_version 1500\n%sle_version 150200\n" + SUSE, ("python3", "systemd-rpm-macros"),
                         compiled="compileall"),
    "sles15": Target("%suse_version 1500\n%sle_version 150600\n" + SUSE + NEWER_SUSE + ORDERING,
                     ("python3", "systemd-rpm-macros"), compiled="compileall"),
    "sles16": Target("%suse_version 1600\n" + SUSE + NEWER_SUSE + ORDERING,
                     ("python3", "systemd-rpm-macros", "python3-PyYAML") + TESTS, compiled="compileall", tested=True),
    "tumbleweed": Target("%suse_version 1699\n%primary_python python313\n" + SUSE + NEWER_SUSE + ORDERING,
                     ("python3", "systemd-rpm-macros", "python3-PyYAML") + TESTS, compiled="compileall", tested=True),
    "debian": Target("", ("python3", "systemd-rpm-macros", "python3-pyyaml") + TESTS, compiled="", tested=True),
}  # fmt: skip


@pytest.fixture(params=sorted(TARGETS))
def target(request, tmp_path):
    """A target and a function that asks rpmspec, with the macros of that system."""
    macros = tmp_path / "macros"
    macros.write_text(TARGETS[request.param].macros)

    def rpmspec(*words, spec=SPEC):
        done = subprocess.run(
            ["rpmspec", "--load", str(macros), *words, str(spec)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0 and not done.stderr, done.stderr
        return done.stdout

    return request.param, TARGETS[request.param], rpmspec


def sections(text):
    """The parts of an expanded spec: name -> lines that are no comment."""
    found, name = {"": []}, ""
    for line in text.splitlines():
        word = line.split(" ")[0]
        if re.fullmatch("%(description|prep|build|install|check|pre|post|preun|postun|files|changelog)", word):
            name = word[1:]
            found[name] = []
        elif line.strip() and not line.startswith("#"):
            found[name].append(line.rstrip())
    return found


def test_what_it_is_called_and_needs(target):
    _, told, rpmspec = target
    assert rpmspec("-q", "--qf", "%{name} %{version} %{arch} %{license}\n").split("\n")[:-1] == [
        "agentprep %s noarch Apache-2.0" % agentprep.__version__
    ]
    wanted = ["%s-%s" % (told.modules, one) for one in MODULES]
    assert set(rpmspec("-q", "--requires").split("\n")[:-1]) == set(wanted + [told.interpreter, "/bin/sh"])
    assert sorted(rpmspec("-q", "--buildrequires").split("\n")[:-1]) == sorted(wanted + list(told.builds))
    assert rpmspec("-q", "--qf", "%{release}") == "1" + "".join(re.findall("%dist (.*)", told.macros))


def test_the_interpreter_and_the_bytecode(target, tmp_path):
    name, told, rpmspec = target
    install = "\n".join(sections(rpmspec("-P"))["install"])
    assert "|#!%s |'" % told.interpreter in install
    compiled = [line for line in install.split("\n") if "COMPILED_BY" in line or "compileall" in line]
    assert len(compiled) == bool(told.compiled)
    if told.compiled:
        assert told.compiled in compiled[0] and told.interpreter in compiled[0]
        assert compiled[0].endswith("/usr/share/agentprep/agentprep")
    # EL 7's rpm compiles every .py by itself, with the first of these; EL 8's does unless the second is 0.
    probe = tmp_path / "probe.spec"
    probe.write_text(SPEC.read_text().replace("%prep\n", "BY %{?__python} %{?_python_bytecompile_extra}\n\n%prep\n", 1))
    python, extra = re.search("^BY (.*) (.*)$", rpmspec("-P", spec=probe), re.M).groups()
    assert extra == "0" and (python == told.interpreter or not name.startswith("el7"))


def test_the_tests_run_where_pytest_is_to_be_had(target):
    _, told, rpmspec = target
    check = "\n".join(sections(rpmspec("-P"))["check"])
    assert ("-m pytest" in check) == told.tested
    assert told.interpreter + " -sB - --version" in check, "the installed command is tried everywhere"


def test_scriptlets(target):
    name, told, rpmspec = target
    found = sections(rpmspec("-P"))
    scripts = {part: [line for line in found[part] if line != ":"] for part in ("pre", "post", "preun", "postun")
               if part in found}  # fmt: skip
    if name == "debian":
        assert list(scripts) == ["post", "preun", "postun"]
        assert [line.strip() for line in scripts["post"]] == [
            "if [ $1 -eq 1 ]; then", "systemctl --no-reload preset %s >/dev/null 2>&1 || :" % UNITS, "fi",
        ]  # fmt: skip
        assert "if [ $1 -eq 0 ]; then" in scripts["preun"][0] and "disable " + UNITS in scripts["preun"][1]
        assert scripts["postun"] == ["systemctl daemon-reload >/dev/null 2>&1 || :"]
    elif name.startswith(("sles", "tumbleweed")):
        last = "SERVICE_DEL_POSTUN" if name == "sles15-sp2" else "SERVICE_DEL_WITHOUT_RESTART"
        words = {"pre": "SERVICE_ADD_PRE", "post": "SERVICE_ADD_POST", "preun": "SERVICE_DEL_PREUN", "postun": last}
        assert scripts == {part: ["%s %s" % (word, UNITS)] for part, word in words.items()}
    else:
        words = {"post": "SYSTEMD_POST", "preun": "SYSTEMD_PREUN", "postun": "SYSTEMD_POSTUN"}
        assert scripts == {part: ["%s %s" % (word, UNITS)] for part, word in words.items()}


def test_paths(target):
    _, _, rpmspec = target
    files = [line.split(" ")[-1] for line in sections(rpmspec("-P"))["files"]]
    wanted = {
        "/etc/agentprep.conf", "/usr/bin/agentprep", "/usr/share/agentprep", "/var/lib/agentprep",
        "/usr/lib/systemd/system/agentprep.service", "/usr/lib/systemd/system/agentprep-firstboot.service",
        "/usr/lib/systemd/system-preset/50-agentprep.preset",
        "/usr/share/man/man8/agentprep.8*", "/usr/share/man/man5/agentprep.conf.5*",
        "/usr/share/zsh/site-functions/_agentprep", "/usr/share/bash-completion/completions/agentprep",
        "/usr/share/fish/vendor_completions.d/agentprep.fish",
    }  # fmt: skip
    assert wanted <= set(files)
    assert not [path for path in files if "/local" in path or "site-packages" in path or "%{" in path]


def test_the_changelog_begins_with_this_version():
    first = SPEC.read_text().split("%changelog\n")[1].splitlines()[0]
    assert first.startswith("* ") and first.endswith(" - %s-1" % agentprep.__version__)
