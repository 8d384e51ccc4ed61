"""What README.md says is so: each command is run by a test or needs Azure, names exist, links lead somewhere."""

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from agentprep import arguments, policy, provisioner
from agentprep.deprovision import STEPS as LAST_STEPS
from agentprep.steps import STEPS
from agentprep.vhd.judged import SOURCES
from tests import readme
from tests.roots import debian12
from tests.test_cli import run

BLOCKS, PROSE = readme.read()
README = readme.README.read_text(encoding="utf-8")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
IDS = {step.id for step in tuple(STEPS) + tuple(LAST_STEPS)} | set(SOURCES)
LOOKING = ("check", "plan", "explain", "policy", "history")
PROGRAMS = {
    "apt-get",
    "dnf",
    "yum",
    "zypper",
    "make",
    "python3",
    "tar",
    "qemu-img",
    "sgdisk",
    "touch",
    "systemctl",
}
CONVERSION, SYMPTOMS = "6. Convert the disk", "When it does not work"
# Which test runs a command that cannot be tried on a tree: its file, the test in it ("" for all of it), and words that
# are in that test.
BOOKWORM = "tests/lab/test_bookworm.py"
RUNS = ("tests/test_cli.py", "test_a_run_in_a_chroot_and_back")
ELSEWHERE = {
    "agentprep run --no-deprovision": RUNS + ('run("run", ', '"--no-deprovision"'),
    "agentprep rollback": RUNS + ('run("rollback", ',),
    "agentprep run --yes --poweroff": (
        BOOKWORM, "test_deprovisioned_from_a_shell_nothing_is_left_of_it", "agentprep run --yes --poweroff",
    ),
    "cat /proc/cmdline": (BOOKWORM, "test_deprovisioned_from_a_shell_nothing_is_left_of_it", "cat /proc/cmdline"),
    "cat /proc/swaps": (BOOKWORM, "test_deprovisioned_from_a_shell_nothing_is_left_of_it", "cat /proc/swaps"),
    "poweroff": ("tests/lab/record.py", "session", 'keys(vm, "poweroff")'),
    "make demo": ("tests/lab/demo.py", "demo", "run --yes --no-deprovision"),
    "systemctl enable agentprep-firstboot.service": (
        "tests/lab/test_firstboot.py", "", "systemctl enable", '"agentprep-firstboot.service"',
    ),
    "apt-get install ./agentprep_0.2.0-1_all.deb": (
        "tests/packages/test_deb_installed.py",
        "test_installed_upgraded_removed_and_purged",
        'APT + f"install {NEW}"',
    ),
}  # fmt: skip


def in_tree(command, folder):
    """The command does to a tree what it would do to the machine, and can be done twice."""
    root = debian12.make(folder / "guest")
    Path(root, "etc/cloud").mkdir(exist_ok=True)
    for _ in range(2):
        subprocess.run(["sh", "-euc", command.replace(" /etc/", " %s/etc/" % root)], check=True)
    return Path(root)


def off(command, folder):
    assert (in_tree(command, folder) / provisioner.DISABLED.lstrip("/")).exists()


def disabled(command, folder):
    lines = (in_tree(command, folder) / "etc/waagent.conf").read_text().splitlines()
    assert [line for line in lines if line.startswith("Provisioning.Agent")] == ["Provisioning.Agent=disabled"]


TREE = {
    "touch /etc/cloud/cloud-init.disabled": off,
    "sed -i 's/^Provisioning.Agent=.*/Provisioning.Agent=disabled/' /etc/waagent.conf": disabled,
}


# The same for commands within a line.
INLINE = {
    "tar -xf NAME.ova": ("tests/packages/test_readme_conversion.py", "", "tar -xf NAME.ova"),
    "sgdisk -e azure.raw": ("tests/packages/test_readme_conversion.py", "", "sgdisk -e azure.raw"),
    "systemctl status agentprep-firstboot": ("tests/lab/test_firstboot.py", "status", "systemctl status"),
    "make lab": (".ci/run", "", "make lab"),
    "make test": (".ci/run", "", "make test"),
    "make deb": ("tests/lab/install.py", "make", "packaging/deb.sh"),
    "make rpm": ("tests/packages/redhat.py", "built", "packaging/rpm.sh"),
    "python3 -m agentprep": ("tests/packages/test_readme_checkout.py", "", "python3 -m agentprep"),
    "python3 -m pip install .": ("tests/packages/test_readme_checkout.py", "", "python3 -m pip install"),
}


def blocks(language):
    return [block for block in BLOCKS if block.language == language]


def typed():
    """(heading, command) of every command that is not marked as needing Azure."""
    here = [block for block in BLOCKS if not block.needs_azure and block.heading != CONVERSION]
    return [(block.heading, command) for block in here for command in readme.commands(block)]


def source(path, name):
    """The text of a function, or of the whole file."""
    lines = path.read_text("utf-8").splitlines()
    if not name:
        return "\n".join(lines)
    found = [node for node in ast.parse("\n".join(lines)).body if getattr(node, "name", "") == name]
    assert found, "there is no %s in %s" % (name, path)
    following = [node.lineno for node in ast.parse("\n".join(lines)).body if node.lineno > found[0].lineno]
    return "\n".join(lines[found[0].lineno - 1 : following[0] - 1 if following else len(lines)])


def look_up(command, table):
    """The test that the table names for a command is there, and contains its words."""
    path, name, *said = table[command]
    text = source(readme.HOME / path, name)
    for words in said:
        assert words in text, "%s: %s::%s does not contain %s" % (command, path, name, words)


def test_blocks_are_of_kinds_that_the_tests_know():
    assert {block.language for block in BLOCKS} <= {"console", "sh", "ini"}
    others = {block.heading for block in blocks("sh") if not block.needs_azure}
    assert others == {CONVERSION}, "tried in tests/packages/test_readme_conversion.py"


@pytest.mark.parametrize("command", sorted({command for _, command in typed()}))
def test_each_command_is_run_by_a_test(command, tmp_path):
    words = shlex.split(command)
    if words[0] == "agentprep":
        arguments.parser().parse_args(words[1:])
    if words[0] == "agentprep" and words[1] in LOOKING:
        root = debian12.make(tmp_path / "guest")
        code, out, err = run(*(words[1:] + ["--root", root]))
        assert (code, err) == (1 if words[1] == "check" else 0, "") and out, (code, out, err)
    elif command in TREE:
        TREE[command](command, tmp_path)
    else:
        assert command in ELSEWHERE, "no test runs it: %s" % command
        look_up(command, ELSEWHERE)


def test_commands_within_a_line_are_tried_too():
    """Those in the table of symptoms are for a machine that is on Azure already."""
    known = {command for _, command in typed()} | set(ELSEWHERE) | set(INLINE)
    known |= {
        words for _, words in readme.spans(PROSE) if words.endswith(".rpm")
    }  # tests/packages/test_readme_install.py
    for heading, words in readme.spans(PROSE):
        if heading != SYMPTOMS and words.split(" ")[0] in PROGRAMS and " " in words:
            assert words in known, "no test runs it: %s" % words
    for command in INLINE:
        look_up(command, INLINE)


def test_what_follows_agentprep_within_a_line_exists():
    for _, words in readme.spans(PROSE):
        if words.startswith("agentprep ") and words.split()[1] in dict(arguments.COMMANDS):
            plain = re.sub(r"\[[^]]*\]", "", words).replace("explain ID", "explain").split()[1:]
            arguments.parser().parse_args(plain + ["check", "FILE"] if plain == ["vhd"] else plain)


def test_every_option_is_told_and_every_option_told_exists():
    there = set()
    for words in [[]] + [[name] for name, _ in arguments.COMMANDS]:
        text = run(*(words + ["--help"]))[1]
        there |= set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    told = {
        option for heading, words in readme.spans(PROSE) if heading == "Commands" for option in OPTION.findall(words)
    }
    assert told == there - {"--help", "--version"}


def test_the_exit_codes_are_those_of_the_command_line():
    told = [row[0] for row in readme.rows(PROSE, "Exit codes")]
    assert told == [str(code) for code, _ in arguments.EXITS]


def test_each_command_is_in_the_table():
    told = [row[0].strip("`").split()[1] for row in readme.rows(PROSE, "Commands") if row[0].startswith("`agentprep")]
    assert list(dict.fromkeys(told)) == [name for name, _ in arguments.COMMANDS]


def test_the_policy_that_is_shown_is_one(tmp_path):
    (shown,) = blocks("ini")
    path = tmp_path / "agentprep.conf"
    path.write_text(shown.text)
    values = policy.load(str(path), [])
    assert values.words("kernel-cmdline.keep") == ["crashkernel"] and values.flag("deprovision.user") is True
    assert values.on("suse", "15").words("kernel-cmdline.keep") == ["crashkernel", "quiet"]


def test_names_of_policy_values_exist():
    names = {name for name, _, _ in policy.documented()}
    sections = {name.split(".")[0] for name in names}
    told = {words for _, words in readme.spans(PROSE) if re.match(r"[a-z-]+\.[a-z_]+$", words)}
    assert {words for words in told if words.split(".")[0] in sections} <= names
    assert "[service] run = yes" in README and "service.run" in names


def test_each_symptom_names_the_requirement_that_prevents_it():
    found = readme.rows(PROSE, SYMPTOMS)
    assert len(found) > 15
    for row in found:
        ids = readme.SPAN.findall(row[-1])
        assert ids and set(ids) <= IDS, row
    prevented = {one for row in found for one in readme.SPAN.findall(row[-1])}
    assert prevented >= {"initrd-hyperv", "kernel-cmdline", "os-swap", "fstab", "network", "agent-conf", "efi-fallback"}


def test_links_lead_somewhere():
    here = readme.headings(readme.README)
    assert [name for name, count in here.items() if count > 1] == []
    for _, line in PROSE:
        for target in readme.LINK.findall(line):
            path, _, name = target.partition("#")
            if target.startswith("https://"):
                continue
            assert not path or (readme.HOME / path).exists(), target
            if name:
                assert name in (readme.headings(readme.HOME / path) if path else here), target


def test_tables_are_whole():
    width = None
    for heading, line in PROSE:
        if not line.startswith("|"):
            width = None
            continue
        count = len(readme.cells(line))
        assert line.rstrip().endswith("|") and count == (width or count), (heading, line)
        width = count
        assert line.count("`") % 2 == 0, line


def test_what_needs_azure_says_so_and_is_that():
    for block in BLOCKS:
        azure = any(command.split()[0] in ("az", "azcopy") for command in readme.commands(block))
        assert not azure or block.needs_azure, block.text
        if block.needs_azure:
            assert azure or block.heading == "Repairing a disk that is on Azure already", block.text
