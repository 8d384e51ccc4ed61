"""The Ansible collection is what Ansible's own judges accept, and its role tells the truth on a Debian that has SSH."""

import json
import os
import re
import shutil
import subprocess
import time
from functools import partial

import pytest
import yaml

from agentprep import __version__
from tests.lab import host, install
from tests.lab.controller import COLLECTION, HOST, TOOLS, Controller, free_port
from tests.packages import debs
from tests.packages.box import Box

RUN = "Check, prepare or roll back"
# What agentprep would build initrds for: minutes, and the lab has them built.
QUICK = {"agentprep_skip": ["initrd-hyperv", "floppy"]}
POLICY = {"grub-serial": {"enabled": True, "speed": 9600}, "kernel-cmdline": {"keep": ["crashkernel"]}}
OURS = ("/boot", "/etc", "/usr", "/var/lib")
ANSIBLES = ("/root/.ansible", "/root/.ansible_async", "/run", "/tmp", "/var/tmp")  # what it puts there goes again
# ansible-test fetches pip of this version from a host of Ansible's; Python brings one with it.
PIP = "get_pip_24_2.py"
ENSURED = "import ensurepip\n\nensurepip.bootstrap(upgrade=True)\n"
SANITY = ("validate-modules", "import")  # each makes an environment of its own, once


def tool(name, *words, cwd, home):
    """What a tool of Ansible's printed that must not fail; it writes below `home` only."""
    env = dict(os.environ, HOME=str(home), NO_COLOR="1", LC_ALL="C.UTF-8", PATH=f"{TOOLS}:{os.environ['PATH']}")
    env = {key: value for key, value in env.items() if not key.startswith("ANSIBLE_")}
    env["ANSIBLE_COLLECTIONS_PATH"] = str(cwd).split("/ansible_collections/")[0]
    done = subprocess.run(
        [str(TOOLS / name), *words], cwd=str(cwd), env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """A copy of the collection at a place where Ansible looks for one: its tools leave caches beside what they read."""
    copy = tmp_path_factory.mktemp("collections") / "ansible_collections/agentprep/guest"
    shutil.copytree(str(COLLECTION), str(copy))
    return copy


def test_ansible_lint_has_nothing_to_say(collection, tmp_path):
    said = tool("ansible-lint", "--strict", "--nocolor", cwd=collection, home=tmp_path)
    assert "Profile 'production' was required, and it passed" in said, said


def test_yamllint_has_nothing_to_say(collection, tmp_path):
    assert tool("yamllint", "--strict", ".", cwd=collection, home=tmp_path) == ""


def test_ansible_test_accepts_the_module(collection):
    home = host.cache() / "ansible-test"
    (home / ".ansible/test/cache").mkdir(parents=True, exist_ok=True)
    (home / ".ansible/test/cache" / PIP).write_text(ENSURED)
    words = ["sanity", "--color", "no", "--requirements", "--python", "3.11"]
    said = tool("ansible-test", *words, *(f"--test={name}" for name in SANITY), cwd=collection, home=home)
    assert 'Running sanity test "validate-modules"' in said


def test_what_goes_to_the_target_runs_on_python_3_6(collection):
    code = [str(collection / "plugins" / name) for name in ("modules/agentprep.py", "module_utils/policy_file.py")]
    tool("vermin", "-t=3.6-", "--no-tips", "--violations", *code, cwd=collection, home=collection)


def test_it_is_built_and_installed_and_its_example_is_a_play_of_an_inventory(collection, tmp_path):
    tool("ansible-galaxy", "collection", "build", "--output-path", str(tmp_path), cwd=collection, home=tmp_path)
    (built,) = tmp_path.glob("agentprep-guest-*.tar.gz")
    place = tmp_path / "ansible_collections/agentprep/guest"
    words = ["--offline", "--collections-path", str(tmp_path), str(built)]
    tool("ansible-galaxy", "collection", "install", *words, cwd=tmp_path, home=tmp_path)
    blocks = re.findall(r"```yaml\n(.*?)```", (place / "README.md").read_text(), re.S)
    (inventory,) = (block for block in blocks if "migrating:" in block)
    (tmp_path / "inventory.yml").write_text(inventory)
    words = ["-i", str(tmp_path / "inventory.yml"), "agentprep.guest.site"]
    tool("ansible-playbook", *words, "--syntax-check", cwd=place, home=tmp_path)
    listed = tool("ansible-playbook", *words, "--list-hosts", cwd=place, home=tmp_path)
    assert "web400.example.org" in listed
    (play,) = (block for block in blocks if "hosts:" in block and "roles:" in block)
    assert yaml.safe_load(play) == yaml.safe_load((place / "playbooks/site.yml").read_text())


def test_the_versions_agree(collection):
    assert yaml.safe_load((collection / "galaxy.yml").read_text())["version"] == __version__
    assert (collection / "CHANGELOG.md").read_text().startswith(f"# Changes\n\n## {__version__}\n")


def test_the_role_says_of_every_variable_what_its_default_is(collection):
    role = collection / "roles/agentprep"
    options = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    told = {name: option["default"] for name, option in options.items() if "default" in option}
    assert told == yaml.safe_load((role / "defaults/main.yml").read_text())
    readme = (collection / "README.md").read_text()
    assert [name for name in options if f"`{name}`" not in readme] == []


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    """A Debian 12 with SSH and without agentprep; the tests below go on from one another, as plays do."""
    folder = tmp_path_factory.mktemp("ansible")
    controller = Controller(folder / "controller", free_port())
    with Box(folder / "box", controller.port).open(controller.key) as box:
        box.play = partial(controller.play, agentprep_poll=1)
        box.package = {"agentprep_source": "file", "agentprep_package": str(install.package())}
        yield box


def failure(played):
    assert (played.code, played.recap["failed"]) == (2, 1)
    return " ".join(played.task("Fail with what agentprep says").split())


def test_1_where_agentprep_is_not_installed(box):
    before = box.written(*OURS)
    played = box.play("--check", "--diff", agentprep_state="prepared", **box.package)
    assert (played.code, played.recap["changed"]) == (0, 1)
    assert "would be installed here" in played.out
    assert "agentprep is not installed here" in failure(box.play("--check", agentprep_state="prepared"))
    assert box.written(*OURS) == before


def test_2_it_is_installed_and_brought_up_to_date_once(box, tmp_path):
    older = dict(box.package, agentprep_package=str(debs.older(tmp_path)), agentprep_version="0.1.0")
    played = box.play(agentprep_state="checked", **older, **QUICK)
    assert "would-change: kernel-cmdline" in failure(played)
    assert played.recap["changed"] == 1, "the package"
    one = {"agentprep_policy": {"limits": {"reserve": 15}}, "agentprep_only": ["grub-serial"]}
    played = box.play(agentprep_state="prepared", **one, **older)
    assert (played.code, played.recap["changed"]) == (0, 1), "the policy"

    box.package["agentprep_version"] = __version__
    for changed in (1, 0):
        played = box.play(agentprep_state="prepared", **one, **box.package)
        assert (played.code, played.recap["changed"]) == (0, changed), "the new package, without a question"
    assert b"reserve = 15" in box.written("/etc")["/etc/agentprep.conf"]
    assert [path for path in box.written("/tmp", "/var/tmp") if "agentprep" in path] == []


def test_2_reports_come_to_the_controller(box, tmp_path):
    told = {"agentprep_fail_when_not_ready": False, "agentprep_report_folder": str(tmp_path)}
    played = box.play(agentprep_state="checked", agentprep_report_formats=["json", "junit"], **told, **box.package)
    assert (played.code, played.recap["changed"]) == (0, 0)
    assert json.loads((tmp_path / f"{HOST}.json").read_text())["result"]["verdict"] == "not-ready"
    assert "<testsuite" in (tmp_path / f"{HOST}.xml").read_text()


def test_3_what_it_cannot_do_is_said_before_anything_changes(box):
    before = box.written(*OURS)
    bad = {"kernel-cmdline": {"kep": ["crashkernel"]}}
    said = failure(box.play(agentprep_state="prepared", agentprep_policy=bad))
    assert "unknown key kep in [kernel-cmdline]" in said
    assert "What to do:" in said
    assert "kernel-cmdline.keep" in failure(box.play(agentprep_policy={"kernel-cmdline": {"keep": None}}))
    said = failure(box.play(agentprep_state="deprovisioned", agentprep_poweroff=True))
    assert "poweroff is for a live machine" in said
    assert box.written(*OURS) == before


def test_4_check_mode_shows_what_a_run_changes_once(box):
    wanted = dict(QUICK, agentprep_state="prepared", agentprep_policy=POLICY)
    before = box.written(*OURS)
    ahead = box.play("--check", "--diff", **wanted)
    assert (ahead.code, ahead.recap["changed"]) == (0, 1)
    diffs = ahead.task(RUN)
    for line in ("+keep = crashkernel,", "+enabled = yes", '+GRUB_SERIAL_COMMAND="serial --speed=9600 '):
        assert line in diffs, diffs
    assert box.written(*OURS) == before

    done = box.play("--diff", **wanted)
    assert (done.code, done.recap["changed"]) == (0, 1)
    shown = [line for line in done.task(RUN).splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert shown == [line for line in diffs.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    prepared = box.written("/boot", "/etc")
    assert b"speed = 9600" in prepared["/etc/agentprep.conf"]
    assert b"--speed=9600" in prepared["/boot/grub/grub.cfg"]

    for mode in ((), ("--check",)):
        again = box.play(*mode, **wanted)
        assert (again.code, again.recap["changed"]) == (0, 0)
        assert f"ok: [{HOST}]" in again.task(RUN)
    assert box.written("/boot", "/etc") == prepared


def test_5_it_is_taken_back_once(box):
    ahead = box.play("--check", agentprep_state="rolled_back")
    assert (ahead.code, ahead.recap["changed"]) == (0, 1)
    assert b"--speed=9600" in box.written("/boot")["/boot/grub/grub.cfg"]
    for changed in (1, 0):
        played = box.play(agentprep_state="rolled_back", **QUICK)
        assert (played.code, played.recap["changed"]) == (0, changed)
        assert b"GRUB_SERIAL" not in box.written("/etc")["/etc/default/grub"]


def test_6_deprovisioned_it_still_answers(box, tmp_path):
    for changed in ({"/etc/hostname", "/var/log/dpkg.log"}, set()):
        played = box.play(agentprep_state="deprovisioned", agentprep_report_folder=str(tmp_path), **QUICK)
        assert (played.code, played.recap["failed"]) == (0, 0)
        document = json.loads((tmp_path / f"{HOST}.json").read_text())
        assert document["result"]["verdict"] == "done"
        paths = {change["path"] for change in document["changes"] if "path" in change}
        assert paths >= changed
        assert [path for path in paths if path.startswith(("/tmp/", "/run/"))] == [], "what is Ansible's own"
    assert paths <= {"/var/log/wtmp", "/var/log/lastlog"}, "a second time only what the login itself has left"
    assert box.written("/etc/ssh")["/etc/ssh/ssh_host_ed25519_key"] is None
    end = time.monotonic() + 60
    while box.written(*ANSIBLES) and time.monotonic() < end:
        time.sleep(1)  # what watches over a run looks every five seconds whether that has ended (async_wrapper)
    assert box.written(*ANSIBLES) == {}
