"""The completions as people have them: in real shells, at a terminal, for every command."""

import subprocess

import pytest

from agentprep import session
from agentprep.arguments import ACTIONS, COMMANDS, FORMATS, parser
from agentprep.policy import SHIPPED, documented
from tests.packages.shells import GENERATED, PROMPT, Bash, Fish, Zsh

SHELLS = {"bash": Bash, "zsh": Zsh, "fish": Fish}
IDS = set(session.known_ids())


@pytest.fixture(scope="module", params=sorted(SHELLS))
def shell(request, tmp_path_factory):
    opened = SHELLS[request.param](tmp_path_factory.mktemp(request.param))
    yield opened
    opened.close()


@pytest.fixture(params=["bash", "zsh"])
def typed(request, tmp_path):
    """A shell at a terminal; fish does not tell what Tab leaves on its line, and says it all by `complete -C`."""
    opened = SHELLS[request.param](tmp_path)
    yield opened
    opened.close()


def long_options(one):
    return {name for action in one._actions for name in action.option_strings if name.startswith("--")}


def of(command):
    subparsers = next(action for action in parser()._actions if action.dest == "command")
    return subparsers.choices[command]


def test_commands(shell):
    assert shell.candidates("agentprep ") == {name for name, _ in COMMANDS}
    assert shell.candidates("agentprep r") == {"run", "rollback"}
    assert shell.candidates("agentprep --root /usr --json --color=never h") == {"history"}
    assert shell.candidates("agentprep --policy current pl") == {"plan"}


def test_options_of_every_command(shell):
    assert shell.candidates("agentprep --") == long_options(parser())
    for name, _ in COMMANDS:
        expected = long_options(of(name))
        offered = shell.candidates("agentprep %s --" % name)
        assert expected - offered <= {"--help"} and offered <= expected, name  # zsh: --help is not beside others
        assert {"--skip", "--set"} & expected == shell.candidates("agentprep %s --s" % name)


@pytest.mark.parametrize("form", ["--%s ", "--%s="])
def test_choices(shell, form):
    assert shell.candidates("agentprep check " + form % "format") == set(FORMATS)
    assert shell.candidates("agentprep plan " + form % "format" + "j") == {"json", "junit"}
    assert shell.candidates("agentprep " + form % "color" + "a") == {"auto", "always"}


@pytest.mark.parametrize("form", ["--%s ", "--%s="])
def test_requirements_in_lists(shell, form):
    for command, option in (("check", "skip"), ("run", "only")):
        line = "agentprep %s %s" % (command, form % option)
        assert shell.candidates(line + "deprovision-h") == {"deprovision-hostname", "deprovision-histories"}
        more = shell.candidates(line + "os-swap,fstab,")
        assert {one.replace("os-swap,fstab,", "") for one in more} == IDS - {"os-swap", "fstab"}


def test_requirements_to_explain(shell):
    assert shell.candidates("agentprep explain ") == IDS
    assert shell.candidates("agentprep explain f") == {"fstab", "floppy"}


@pytest.mark.parametrize("form", ["--set ", "--set="])
def test_values_of_the_policy(shell, form):
    line = "agentprep run " + form
    assert shell.candidates(line) == {name + "=" for name, _, _ in documented()}
    assert shell.candidates(line + "limits.") == {"limits.command=", "limits.lock=", "limits.reserve="}
    assert shell.candidates(line + "deprovision.user=") == {"yes", "no"}
    assert shell.candidates(line + "agent-conf.filesystem=e") == {"ext3", "ext4"}


@pytest.mark.parametrize("form", ["--%s ", "--%s="])
def test_policies_and_folders(shell, form):
    for name in ("default.mine", "draft folder", "d-file"):
        path = shell.folder / name
        path.mkdir(exist_ok=True) if "folder" in name else path.write_text("")
    policies = {one.rstrip("/").replace("\\", "") for one in shell.candidates("agentprep run " + form % "policy" + "d")}
    assert policies == {"default", "default.mine", "draft folder", "d-file"} and "default" in SHIPPED
    assert shell.candidates("agentprep run " + form % "policy" + "cur") == {"current"}
    files = {one.rstrip("/") for one in shell.candidates("agentprep run " + form % "policy" + "/etc/host")}
    assert {"/etc/hostname", "/etc/hosts"} <= files
    folders = {one.rstrip("/").replace("\\", "") for one in shell.candidates("agentprep run " + form % "root" + "d")}
    assert folders == {"draft folder"}


def test_runs_on_record(shell):
    assert shell.candidates("agentprep rollback ") == {"0001"}
    assert shell.candidates("agentprep rollback --root /usr ") == {"0007"}, "those of that guest"
    assert shell.candidates("agentprep --root=/usr rollback ") == {"0007"}


def test_disk_images(shell):
    for name in ("image.qcow2", "image of it.raw"):
        (shell.folder / name).write_text("")
    assert shell.candidates("agentprep vhd ") == set(ACTIONS)
    for line in ("agentprep vhd check i", "agentprep vhd convert --force i", "agentprep vhd convert image.qcow2 i"):
        assert {one.replace("\\", "") for one in shell.candidates(line)} == {"image.qcow2", "image of it.raw"}
    assert shell.candidates("agentprep vhd finish --limit=g") == {"gen1", "gen2"}


def test_nothing_is_offered_where_nothing_can_stand(shell):
    for line in ("agentprep history f", "agentprep nonsense c", "agentprep explain fstab f", "agentprep rollback 1 0"):
        assert shell.offered(line) in ([], [line[-1]]), "what stands there stays as it is"


def test_what_tab_leaves_on_the_line(typed):
    (typed.folder / "disk of sda").mkdir(exist_ok=True)
    assert typed.arguments("agentprep hist\tX") == ["history", "X"]
    assert typed.arguments("agentprep --set limits.comm\t5") == ["--set", "limits.command=5"], "no blank"
    assert typed.arguments("agentprep --set=limits.comm\t5") == ["--set=limits.command=5"]
    assert typed.arguments("agentprep --set os-swap.remove=n\tX") == ["--set", "os-swap.remove=no", "X"]
    listed = typed.arguments("agentprep run --skip os-s\t,tim\t")
    assert listed[-1].rstrip(",").replace(",,", ",") == "os-swap,time", "another can follow"
    for word in ("disk", "disk\\ o", "./disk\\ of\\ s"):
        assert typed.arguments("agentprep --root %s\tX" % word)[-1].endswith("disk of sda/X"), word


def test_where_the_equals_sign_separates_no_words(tmp_path):
    """Some people take it out of COMP_WORDBREAKS; readline's word is the whole option then."""
    shell = Bash(tmp_path)
    try:
        shell.terminal.sendline("COMP_WORDBREAKS=${COMP_WORDBREAKS//=}")
        shell.terminal.expect(PROMPT)
        assert shell.arguments("agentprep run --skip=os-s\t") == ["run", "--skip=os-swap"]
        assert shell.arguments("agentprep --set=os-swap.remove=n\tX") == ["--set=os-swap.remove=no", "X"]
        assert shell.arguments("agentprep --set os-swap.remove=n\tX") == ["--set", "os-swap.remove=no", "X"]
    finally:
        shell.close()


def test_behind_sudo_and_loaded_on_demand(tmp_path):
    (tmp_path / "home").mkdir()
    shell = Bash(tmp_path / "home", library=True)
    try:
        sudo = tmp_path / "home" / "bin" / "sudo"
        sudo.write_text('#!/bin/sh\nexec "$@"\n')
        sudo.chmod(0o755)
        assert shell.arguments("agentprep roll\t") == ["rollback"], "the first time, which loads it"
        assert shell.arguments("sudo agentprep run --skip os-s\t") == ["run", "--skip", "os-swap"]
        assert shell.arguments("sudo agentprep rollback --root=/usr \t") == ["rollback", "--root=/usr", "0007"]
    finally:
        shell.close()


def test_shellcheck_has_no_complaint():
    done = subprocess.run(
        ["shellcheck", "--enable=quote-safe-variables,deprecate-which", str(GENERATED / "agentprep.bash")],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode()
