"""packaging/generated: up to date, the same wherever it is made, and an agentprep.conf that does what it says."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agentprep import boot, init, initrd, pkg, session
from agentprep.deprovision.own_units import UNITS
from agentprep.errors import Usage
from agentprep.policy import documented, load

PACKAGING = Path(__file__).resolve().parent.parent / "packaging"
GENERATED = PACKAGING / "generated"
FILES = ("_agentprep", "agentprep.8", "agentprep.bash", "agentprep.conf", "agentprep.conf.5", "agentprep.fish")
VALUE = re.compile(r"#([a-z_]+) = ")
BACKENDS = {"boot": boot.BACKENDS, "initrd": initrd.BACKENDS, "packages": pkg.BACKENDS, "init": init.BACKENDS}


def conf():
    return (GENERATED / "agentprep.conf").read_text(encoding="utf-8").splitlines()


def effective(folder, lines):
    path = folder / "agentprep.conf"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(None, file=str(path))


def values(policy):
    return {name: found.value for name, found in policy.values.items()}


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "COLUMNS": "30", "PYTHONHASHSEED": "1"},
        {"LC_ALL": "C.UTF-8", "FORCE_COLOR": "1", "TERM": "xterm"},
    ],
)
def test_what_is_committed_is_what_is_generated(tmp_path, environment):
    subprocess.run(
        [sys.executable, str(PACKAGING / "generate.py"), str(tmp_path / "made")],
        env=dict(environment, PATH=os.environ["PATH"], PYTHONDONTWRITEBYTECODE="1"), cwd="/", check=True,
    )  # fmt: skip
    assert sorted(os.listdir(str(GENERATED))) == sorted(os.listdir(str(tmp_path / "made"))) == sorted(FILES)
    stale = [name for name in FILES if (GENERATED / name).read_bytes() != (tmp_path / "made" / name).read_bytes()]
    assert not stale, "packaging/generated is older than what it is made from; run: make generated"


def test_every_terminal_and_editor_can_show_them():
    for name in FILES:
        text = (GENERATED / name).read_bytes().decode("ascii")
        assert text.endswith("\n") and not re.search(r"[\t\r]|[ ]$|@@", text, re.M), name


def test_the_conf_file_changes_nothing_as_it_is_installed(tmp_path):
    assert values(effective(tmp_path, conf())) == values(load(None, file=None))
    assert [line for line in conf() if line and line[0] not in "#["] == [], "all is commented out"


def test_any_value_of_the_conf_file_can_be_taken_into_use(tmp_path):
    lines, defaults = conf(), values(load(None, file=None))
    places = [number for number, line in enumerate(lines) if VALUE.match(line)]
    assert len(places) == len(defaults)
    section, names = "", []
    for number, line in enumerate(lines):
        section = line.strip("[]") if line.startswith("[") else section
        if number in places:
            names.append((section, VALUE.match(line).group(1)))
            policy = effective(tmp_path, lines[:number] + [line[1:]] + lines[number + 1 :])
            assert values(policy) == defaults, line
            from_file = [name for name, found in policy.values.items() if found.source != "default"]
            assert from_file == [names[-1]], line
    assert [".".join(name) for name in names] == [name for name, _, _ in documented()], "in the order of policy.spec"
    every = effective(tmp_path, [line[1:] if VALUE.match(line) else line for line in lines])
    assert values(every) == defaults
    assert {found.source for found in every.values.values()} == {str(tmp_path / "agentprep.conf")}


def test_each_value_stands_below_its_meaning_type_range_and_default():
    blocks = {}
    for section in re.split(r"^\[", "\n".join(conf()), flags=re.M)[1:]:
        for block in section.strip().split("\n\n")[1:]:
            *told, value = block.splitlines()
            blocks["%s.%s" % (section.split("]")[0], VALUE.match(value).group(1))] = (told, value)
    assert list(blocks) == [name for name, _, _ in documented()]
    for name, kind, comment in documented():
        told, value = blocks[name]
        assert all(line.startswith("# ") and len(line) <= 80 for line in told), name
        text = " ".join(line[2:] for line in told)
        default = value.split(" = ", 1)[1]
        assert len(comment.split()) > 8, "%s: a reason belongs to it" % name
        assert text == "%s Type: %s. Default: %s" % (comment, kind, "none" if default == "," else default)


def test_the_values_of_mechanisms_name_all_of_them():
    for name, _, comment in documented():
        section, key = name.split(".")
        if section == "mechanisms":
            named = re.split(r"[ ,;]+", comment.split(": ")[1].split(";")[0])
            wanted = [re.sub(r"[ _-]", "", backend.name.lower()) for backend in BACKENDS[key]]
            assert [word.replace("-", "") for word in named if word != "or"] == wanted


def test_the_conf_file_of_an_older_release_is_still_taken(tmp_path):
    older = sorted((Path(__file__).parent / "conffiles").glob("agentprep-*.conf"))
    assert older
    for path in older:
        policy = load(None, file=str(path))
        assert [name for name, found in policy.values.items() if found.source == str(path)], path.name


def test_a_value_that_is_not_allowed_is_told_with_its_line(tmp_path):
    lines = conf()
    number = lines.index("#client_alive_interval = 180")
    lines[number] = "client_alive_interval = 300"
    with pytest.raises(Usage) as caught:
        effective(tmp_path, lines)
    assert "line %d" % (number + 1) in caught.value.message and "from 1 to 235" in caught.value.hint


def test_the_manual_has_every_requirement_value_and_unit():
    page = (GENERATED / "agentprep.8").read_text(encoding="ascii")
    for name in session.known_ids():
        assert "\n\\fB%s\\fR\n" % name.replace("-", "\\-") in page
    for unit in UNITS:
        assert "\n.B %s\n" % unit.replace("-", "\\-") in page
    text = (GENERATED / "agentprep.conf.5").read_text(encoding="ascii")
    for section, key in (name.split(".") for name, _, _ in documented()):
        after = text[text.index("\n.SS [%s]\n" % section.replace("-", "\\-")) :]
        assert "\n.TP\n\\fB%s\\fR = " % key in after[: after.index("\n.S", 1)]


def test_neither_a_template_nor_a_record_is_left_behind():
    spec = importlib.util.spec_from_file_location("template", str(PACKAGING / "template.py"))
    template = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(template)
    assert template.filled("agentprep.conf", {"values": "[a]"}).endswith("\n\n[a]\n")
    with pytest.raises(ValueError, match="agentprep.conf asks for values, which"):
        template.filled("agentprep.conf", {})
    with pytest.raises(ValueError, match="agentprep.conf has no place for: more"):
        template.filled("agentprep.conf", {"values": "", "more": ""})


@pytest.mark.parametrize("name", ["agentprep.8", "agentprep.conf.5"])
def test_what_a_reader_copies_from_the_manual_is_what_he_types(name):
    """A bare - is a hyphen where the output is UTF-8, and a bare quote a curly one (groff_man_style(7))."""
    for line in (GENERATED / name).read_text(encoding="ascii").splitlines():
        if not line.startswith(('.\\"', ".TH", ".UR")):
            assert not re.search(r"(?<!\\)[-`^~]", line), line
            assert "'" not in line or not line.startswith('.RB "# "'), line
