"""The policy: where each value comes from, and errors that name file, line, key and what is allowed."""

import pytest

from agentprep.errors import Usage
from agentprep.policy import documented, load


def policy_file(folder, text):
    path = folder / "policy.conf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_the_default_is_the_2017_document():
    policy = load(None, file=None)
    assert policy.words("kernel-cmdline.add") == [
        "console=ttyS0,115200n8", "earlyprintk=ttyS0,115200", "rootdelay=300",
    ]  # fmt: skip
    assert {"rhgb", "quiet", "crashkernel"} <= set(policy.words("kernel-cmdline.remove"))
    assert policy.number("agent-conf.swap_size_mb") == 2048
    assert policy.flag("agent-conf.enable_swap") and not policy.flag("grub-serial.enabled")
    assert policy.value("limits.lock").source == "default"
    assert load("default", file=None).words("kernel-cmdline.add") == policy.words("kernel-cmdline.add")


def test_the_current_policy_differs_by_family():
    policy = load("current", file=None)
    assert policy.flag("grub-serial.enabled")
    assert "rootdelay=300" in policy.on("unknown").words("kernel-cmdline.add")
    assert policy.on("debian").words("kernel-cmdline.add") == [
        "console=tty0", "console=ttyS0,115200", "earlyprintk=ttyS0,115200",
    ]  # fmt: skip
    assert policy.on("debian").value("kernel-cmdline.add").source == "policy current"


def test_a_file_and_settings_win(tmp_path):
    path = policy_file(tmp_path, "[limits]\ncommand = 60\n[kernel-cmdline]\nadd = a=1, b\nkeep = crashkernel\n")
    policy = load(path, ["limits.lock=7", "kernel-cmdline.remove=x y"], file=None)
    assert policy.number("limits.command") == 60 and policy.value("limits.command").source == path
    assert policy.words("kernel-cmdline.add") == ["a=1", "b"]
    assert policy.words("kernel-cmdline.keep") == ["crashkernel"]
    assert policy.words("kernel-cmdline.remove") == ["x", "y"]
    assert policy.number("limits.lock") == 7 and policy.value("limits.lock").source == "--set"


def test_the_systems_file_counts_only_with_a_shipped_policy(tmp_path):
    path = policy_file(tmp_path, "[limits]\ncommand = 60\n")
    assert load(None, file=path).number("limits.command") == 60
    assert load("current", file=path).number("limits.command") == 60
    (tmp_path / "own.conf").write_text("[limits]\nlock = 1\n")
    assert load(str(tmp_path / "own.conf"), file=path).number("limits.command") == 1800


@pytest.mark.parametrize(
    "text, words",
    [
        ("[limits]\n\ncomand = 60\n", ("line 3", "comand", "command, lock, reserve")),
        ("[limit]\ncommand = 60\n", ("line 2", "[limit]", "sections are")),
        ("command = 60\n", ("line 1", "command", "outside a section")),
        ("[limits]\ncommand = soon\n", ("line 2", "command", "whole number from 10 to 86400")),
        ("[limits]\ncommand = 1\n", ("line 2", "'1'", "from 10 to 86400")),
        ("[agent-conf]\nfilesystem = ntfs\n", ("line 2", "ntfs", "one of ext3, ext4, xfs, btrfs")),
        ("[grub-serial]\nenabled = maybe\n", ("line 2", "maybe", "yes or no")),
        ("[limits\ncommand = 60\n", ("line",)),
        ("just words\n", ("line",)),
        (b"\x7fELF\x00\xff\xfe", ("not UTF-8",)),
        ("[kernel-cmdline]\n[[debian]]\nad = x\n", ("line 3", "ad")),
    ],
)  # fmt: skip
def test_bad_files_are_told_with_their_place(tmp_path, text, words):
    path = policy_file(tmp_path, text)
    with pytest.raises(Usage) as caught:
        load(path, file=None)
    told = caught.value.message + " | " + caught.value.hint
    assert path in told
    for word in words:
        assert word in told, told
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("setting", ["limits.command", "limits.command=x", "nothing.at=all", "=", "limits.command=1"])
def test_bad_settings(setting):
    with pytest.raises(Usage, match="set"):
        load(None, [setting], file=None)


def test_a_missing_policy_is_named(tmp_path):
    with pytest.raises(Usage, match="there is no policy defualt"):
        load("defualt", file=None)
    with pytest.raises(Usage, match="cannot be read"):
        load(str(tmp_path), file=None)


def test_every_value_is_documented():
    names = [name for name, _, _ in documented()]
    assert len(names) == len(set(names)) > 15
    policy = load(None, file=None)
    for name, kind, _ in documented():
        assert policy.value(name).source == "default" and kind
