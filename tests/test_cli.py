"""The command line as a stranger uses it: real processes, real chroots, terminals and pipes."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import jsonschema
import psutil
import pytest

import agentprep
from agentprep import cli
from tests import needs
from tests.roots import ROOT, archive, config, debian12
from tests.snapshots import snapshot
from tests.trees import Program, make_tree

HOME = os.path.dirname(os.path.dirname(os.path.abspath(agentprep.__file__)))
SCHEMA = os.path.join(os.path.dirname(agentprep.__file__), "report.schema.json")
IDS = ("kernel-cmdline", "initrd-hyperv", "os-swap", "fstab", "agent-conf", "deprovision")


def start(*words, **options):
    environment = dict(os.environ, PYTHONPATH=HOME, **options.pop("env", {}))
    environment.setdefault("TERM", "xterm")
    environment.pop("NO_COLOR", None) if "NO_COLOR" not in options else None
    options.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.Popen(
        (sys.executable, "-m", "agentprep") + words, cwd="/", env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, **options
    )  # fmt: skip


def run(*words, **options):
    process = start(*words, **options)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def as_nobody(*words):
    """The exit code and output of the command line for a user who is not root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.dup2(writer, 1)
            os.dup2(writer, 2)
            with open(os.devnull, "w") as sys.stdout:  # what is imported late may lie where only root can read it
                cli.main(["check"] + [word for word in words if word != "--yes"][1:])
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(65534)
            code = cli.main(list(words))
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as stream:
        out = stream.read()
    return os.waitpid(child, 0)[1] >> 8, out


@pytest.fixture
def tree(tmp_path):
    return debian12.make(tmp_path / "guest")


BUSYBOX = "/bin/busybox"
MKINITRAMFS = """#!/bin/sh
# mkinitramfs -o FILE VERSION
echo "Building $2"; for i in 1 2 3; do echo "line $i of $3"; sleep ${SLOW:-0.1}; done
cp /prebuilt/$3 $2
"""
MKCONFIG = """#!/bin/sh
# It reads ${sysconfdir}/default/grub.d/*.cfg as well.
[ -e /fail ] && { echo "grub-probe: error: cannot find a device for /"; exit 1; }
sleep 0.1; cp /prebuilt/grub.cfg $2; chmod 600 $2
"""


@pytest.fixture
def living(tmp_path):
    """A tree into which one can chroot: busybox, and generators that copy what was prepared."""
    needs.mounts()
    assert os.path.exists(BUSYBOX), "install busybox-static"
    root = debian12.make(tmp_path / "guest")
    os.unlink(root + "/bin/sh")
    wanted = "console=ttyS0,115200n8 earlyprintk=ttyS0,115200 rootdelay=30"
    versions = sorted(debian12.KERNELS, reverse=True)
    files = {
        "/usr/sbin/mkinitramfs": Program(MKINITRAMFS),
        "/usr/sbin/grub-mkconfig": Program(MKCONFIG),
        "/prebuilt/grub.cfg": config(versions, "UUID=" + ROOT, wanted, ""),
    }
    names = [line.split(":")[0] for line in debian12.DEP.decode().splitlines()]
    for version in versions:
        folder = "usr/lib/modules/%s/" % version
        files["/prebuilt/" + version] = archive([(folder + name, b"\x7fELF") for name in names])
    for path in ("/usr/sbin/grub-mkconfig", "/usr/sbin/mkinitramfs"):
        os.unlink(root + path)
    make_tree(root, files, minimal=False)
    shutil.copy(BUSYBOX, root + "/bin/busybox")
    for name in ("sh", "cp", "sleep", "chmod", "echo"):
        os.symlink("busybox", root + "/bin/" + name)
    return root


def test_help_version_and_nothing():
    assert run("--version")[1] == "agentprep %s\n" % agentprep.__version__
    code, out, _ = run("--help")
    assert code == 0 and "rollback" in out and "exit codes" in out
    assert run()[0] == 2


@pytest.mark.parametrize(
    "words, told",
    [
        (("chekc",), "invalid choice"),
        (("check", "--fast"), "unrecognized arguments"),
        (("check", "--skip", "kernel-comandline"), "kernel-cmdline"),
        (("plan", "--only", "x"), "the ids are"),
        pytest.param(("run", "--only", "x"), "the ids are", marks=needs.root),
        (("explain", "x"), "the ids are"),
        (("check", "--root", "/no/such/folder"), "not a folder"),
        (("check", "--policy", "/no/such.conf"), "there is no policy"),
        (("check", "--set", "limits.command=x"), "whole number"),
        (("check", "--set", "mechanisms.boot=lilo"), "it is one of: grub2"),
        (("rollback", "--root", "/tmp", "x"), ""),
    ],
)  # fmt: skip
def test_typos_are_usage_errors(words, told):
    code, out, err = run(*words)
    assert out == "" and told in err and "what to do" in err and "Traceback" not in err
    assert code in (2, 3)
    assert code == 2 or words[0] == "rollback"


def test_a_folder_that_is_no_linux_system_is_unsupported(tmp_path):
    code, _, err = run("check", "--root", str(tmp_path))
    assert code == 3 and "os-release" in err


def test_check_on_a_data_tree_judges_and_never_writes(tree):
    before = snapshot(tree, own=True)
    code, out, err = run("check", "--root", tree)
    assert code == 1 and err == "", err
    assert "would change  kernel-cmdline" in out and "Not ready" in out and "\x1b" not in out
    assert run("plan", "--root", tree)[0] == 0
    assert snapshot(tree, own=True) == before


@pytest.mark.parametrize("words", [("check",), ("plan",), ("history",)])
def test_json_is_one_valid_document(tree, words):
    code, out, _ = run("--json", *(words + ("--root", tree)))
    document = json.loads(out)
    with open(SCHEMA) as stream:
        jsonschema.validate(document, json.load(stream))
    assert document["result"]["exit_code"] == code
    if words != ("history",):
        assert document["guest"]["boot"]["evidence"] and {one["id"] for one in document["findings"]} >= set(IDS[:5])


def test_json_of_an_error_is_a_document_too():
    code, out, err = run("check", "--json", "--only", "nothing")
    assert code == 2 and json.loads(out)["result"]["verdict"] == "usage" and "nothing" in err


def test_explain_and_policy():
    code, out, _ = run("explain")
    assert code == 0 and all("\n%s " % one in "\n" + out for one in IDS)
    assert "By hand" in run("explain", "os-swap")[1]
    assert len(json.loads(run("explain", "--json")[1])["requirements"]) > 20
    out = run("policy", "--policy", "current", "--set", "limits.lock=5")[1]
    assert "lock = 5" in out and "from --set" in out and "from policy current" in out


def test_quiet_and_verbose(tree):
    quiet, verbose = run("check", "--quiet", "--root", tree)[1], run("check", "--verbose", "--root", tree)[1]
    assert not re.search("^ok", quiet, re.M) and re.search("^ok", verbose, re.M) and len(verbose) > len(quiet)


def test_a_reader_that_goes_away(tree):
    process = subprocess.Popen(
        "%s -m agentprep plan --root %s | head -n 1" % (sys.executable, tree), shell=True, cwd="/",
        env=dict(os.environ, PYTHONPATH=HOME), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    out, err = process.communicate(timeout=60)
    assert out.count(b"\n") == 1 and err == b""


def test_who_is_not_root_may_look_but_not_run(open_folder):
    tree = debian12.make(open_folder + "/guest")
    code, out = as_nobody("run", "--root", tree, "--yes")
    assert code == 3 and "must be run as root" in out and "sudo agentprep run" in out
    os.chmod(tree + "/boot/grub/grub.cfg", 0o600 if os.geteuid() == 0 else 0)  # else it belongs to who looks
    code, out = as_nobody("check", "--root", tree)
    assert code == 1 and "permission denied" in out and "as root" in out and "Traceback" not in out


def test_a_run_in_a_chroot_and_back(living):
    before = snapshot(living)
    code, out, err = run("run", "--root", living, "--no-deprovision", "--yes")
    assert code == 0, out + err
    assert "running mkinitramfs" in out and "\x1b" not in out and "rollback" in out
    assert run("check", "--root", living)[0] == 0
    again = run("run", "--root", living, "--no-deprovision")
    assert again[0] == 0 and "nothing had to be changed" in again[1] and ": running " not in again[1]
    assert "settled" in run("history", "--root", living)[1]
    code, out, _ = run("rollback", "--root", living)
    assert code == 0 and "Taken back" in out, out
    assert snapshot(living) == before


def test_json_of_a_run(living):
    code, out, err = run("run", "--root", living, "--no-deprovision", "--json")
    document = json.loads(out)
    with open(SCHEMA) as stream:
        jsonschema.validate(document, json.load(stream))
    assert code == 0 and "mkinitramfs" in err and document["changes"]


def test_a_failing_generator_leaves_what_boots_and_says_so(living):
    before = snapshot(living)
    open(living + "/fail", "w").close()
    code, out, err = run("run", "--root", living, "--no-deprovision")
    os.unlink(living + "/fail")
    assert code == 4 and "grub-probe: error" in out and "rollback" in out, out + err
    assert snapshot(living)["/boot/grub/grub.cfg"] == before["/boot/grub/grub.cfg"]
    assert run("run", "--root", living, "--no-deprovision")[0] == 0


def inside(root):
    """The processes whose root folder is the tree."""
    found = []
    for process in psutil.process_iter():
        try:
            # In a mount namespace of its own: where this process is in a chroot, the path begins outside of that.
            if os.readlink("/proc/%d/root" % process.pid).endswith(root):
                found.append(process.cmdline())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_ends_the_children_and_says_the_state(living, number):
    before = snapshot(living)
    with open(living + "/usr/sbin/mkinitramfs", "w") as stream:
        stream.write(MKINITRAMFS.replace("${SLOW:-0.1}", "30"))
    process = start("run", "--root", living, "--no-deprovision")
    while "mkinitramfs" not in process.stdout.readline():
        pass
    time.sleep(0.5)
    assert any("/usr/sbin/mkinitramfs" in argv for argv in inside(living))
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 4 and "half-way" in out and "Stopped by" in out, out + err
    assert inside(living) == []
    with open(living + "/usr/sbin/mkinitramfs", "w") as stream:
        stream.write(MKINITRAMFS)
    assert run("rollback", "--root", living)[0] == 0
    after = snapshot(living)
    after.pop("/usr/sbin/mkinitramfs"), before.pop("/usr/sbin/mkinitramfs")
    assert after == before


def test_one_run_at_a_time(living):
    with open(living + "/usr/sbin/mkinitramfs", "w") as stream:
        stream.write(MKINITRAMFS.replace("${SLOW:-0.1}", "2"))
    first = start("run", "--root", living, "--no-deprovision")
    while "mkinitramfs" not in first.stdout.readline():
        pass
    code, out, err = run("run", "--root", living, "--no-deprovision")
    assert code == 3 and "pid %d" % first.pid in out + err
    first.communicate(timeout=60)
    assert first.returncode == 0


def on_terminal(words, answer=b"", env=None):
    """What a command shows on a terminal of 100 columns, and its exit code."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir("/")
        os.environ.update(dict({"PYTHONPATH": HOME, "TERM": "xterm", "COLUMNS": "100"}, **(env or {})))
        os.execv(sys.executable, [sys.executable, "-m", "agentprep"] + list(words))
    shown = b""
    while True:
        if not select.select([master], [], [], 60)[0]:
            break
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if answer and b"Type yes" in shown:
            os.write(master, answer)
            answer = b""
    os.close(master)
    return os.waitpid(pid, 0)[1] >> 8, shown.decode()


def test_a_terminal_gets_a_live_line_and_colours_and_is_asked(living):
    code, shown = on_terminal(["run", "--root", living], answer=b"no\n")
    assert code == 1 and "cannot be undone" in shown and "declined" in shown
    assert "\x1b[K" in shown and "\x1b[3" in shown and re.search(r"mkinitramfs 6.1.0\S+  \| line", shown)
    assert os.path.exists(living + "/etc/ssh/ssh_host_ed25519_key")


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"NO_COLOR": "1", "TERM": "dumb"}])
def test_a_dumb_terminal_gets_no_control_codes(living, env):
    code, shown = on_terminal(["run", "--root", living, "--no-deprovision"], env=env)
    assert code == 0 and "\x1b" not in shown


def test_no_color_is_respected(tree):
    assert "\x1b" not in on_terminal(["check", "--root", tree], env={"NO_COLOR": "1"})[1]
    assert "\x1b[3" in on_terminal(["check", "--root", tree])[1]


def test_a_locale_that_is_not_utf_8(living):
    with open(living + "/etc/default/grub", "ab") as stream:
        stream.write("# Grüße\n".encode("latin-1") + "# Grüße\n".encode())
    code, out, err = run("plan", "--root", living, env={"LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert code == 0 and "Traceback" not in err
    assert run("run", "--root", living, "--no-deprovision", env={"LANG": "C", "LC_ALL": "C"})[0] == 0
    with open(living + "/etc/default/grub", "rb") as stream:
        assert stream.read().endswith("# Grüße\n".encode("latin-1") + "# Grüße\n".encode())


def test_names_and_output_cannot_drive_the_terminal(living):
    with open(living + "/usr/sbin/mkinitramfs", "w") as stream:
        stream.write("#!/bin/sh\nprintf '\\033]0;evil\\007\\033[2J boom\\n'; exit 1\n")
    code, out, _ = run("run", "--root", living, "--no-deprovision")
    assert code == 4 and "boom" in out and "\x1b" not in out and "\x07" not in out


def test_without_a_module_that_it_needs_it_says_which_and_where_it_is_had():
    for word in ("policy", "check"):
        done = subprocess.run(
            [sys.executable, "-S", "-m", "agentprep", word], cwd="/", env=dict(os.environ, PYTHONPATH=HOME),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        )  # fmt: skip
        assert done.returncode == 3, done.stderr
        assert " has no module " in done.stderr and "apt-get install python3-" in done.stderr
        assert "Traceback" not in done.stderr


def test_two_formats_at_once_are_an_error():
    code, out, err = run("check", "--format", "text", "--json")
    assert code == 2 and "two formats" in err and json.loads(out)["result"]["exit_code"] == 2


@pytest.mark.parametrize("words", [("check",), ("check", "--format", "markdown"), ("check", "--json")])
def test_a_locale_without_the_sign_stops_nothing(tmp_path, words):
    files = {"/etc/os-release": 'ID=debian\nVERSION_ID=12\nPRETTY_NAME="Débian"\n'.encode()}
    root = str(make_tree(str(tmp_path / "guest"), files))
    for locale in ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C.UTF-8"}):
        code, out, err = run(*words + ("--root", root), env=locale)
        assert code in (1, 3) and "Traceback" not in err and "D" in out, (locale, err)
    assert "D\\xe9bian" in run("check", "--root", root, env={"PYTHONIOENCODING": "ascii"})[1]


def test_a_document_for_a_pipeline_has_the_time_that_each_requirement_took(tmp_path):
    root = str(make_tree(str(tmp_path / "guest"), {"/etc/os-release": b"ID=debian\nVERSION_ID=12\n"}))
    times = re.findall(r'<testcase [^>]* time="([0-9.]+)"', run("check", "--format", "junit", "--root", root)[1])
    assert len(times) > 5 and any(float(one) > 0 for one in times)
