"""The policy: where each value comes from, and errors that name file, line, key and what is allowed."""

import pytest

from agentprep.distros import FAMILIES, ROWS
from agentprep.errors import Usage
from agentprep.policy import documented, load
from agentprep.report import policy_text


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


def test_the_current_policy_differs_by_release():
    policy = load("current", file=None)

    def added(*guest):
        return " ".join(policy.on(*guest).words("kernel-cmdline.add"))

    assert added("rhel", "9.4") == "console=tty1 console=ttyS0,115200n8 earlyprintk=ttyS0,115200 net.ifnames=0"
    assert (
        added("rhel", "7")
        == added("rhel", "7.9")
        == ("console=tty1 console=ttyS0,115200n8 earlyprintk=ttyS0 net.ifnames=0")
    )
    assert added("rhel", "6.10") == "console=ttyS0 earlyprintk=ttyS0 rootdelay=300"
    assert added("rhel", "60") == added("rhel", "9"), "60 is not 6"
    assert added("oracle", "6.10") == added("suse", "15.4") == "console=ttyS0 earlyprintk=ttyS0"
    assert added("oracle", "8.9") == "console=ttyS0 earlyprintk=ttyS0 net.ifnames=0"
    assert added("debian", "8") == added("debian", "12") + " rootdelay=30"
    assert added("fedora", "43") == added("") == "console=ttyS0 earlyprintk=ttyS0 rootdelay=300 net.ifnames=0"
    assert policy.on("rhel", "6.9").number("grub-serial.speed") == 9600
    assert policy.on("rhel", "8").number("grub-serial.speed") == 115200
    removed = {family: policy.on(family).words("kernel-cmdline.remove") for family in ("rhel", "suse", "ubuntu")}
    assert "crashkernel=auto" in removed["rhel"] and "crashkernel" not in removed["rhel"]
    assert not any(word.startswith("crashkernel") for word in removed["suse"]) and "splash=silent" in removed["suse"]
    assert "quiet" not in removed["ubuntu"] and "libata.atapi_enabled=0" in removed["ubuntu"]


def test_both_policies_name_only_families_of_the_table():
    for name in ("default", "current"):
        policy = load(name, file=None)
        for key in (one[0] for one in documented()):
            for row in ROWS:
                assert policy.on(row.family, row.since).value(key).source in ("default", "policy " + name)
    assert {name[1].split("-")[0] for name in policy.values if len(name) == 3} <= set(FAMILIES)


def test_a_later_source_wins_over_what_an_earlier_one_says_of_some_guests(tmp_path):
    own = policy_file(
        tmp_path, "[kernel-cmdline]\nadd = mine\n[grub-serial]\nspeed = 38400\n[[rhel-6]]\nspeed = 1200\n"
    )
    policy = load("current", file=own)
    assert policy.on("rhel", "6").words("kernel-cmdline.add") == ["mine"]
    assert policy.on("suse").words("kernel-cmdline.remove")[0] == "quiet", "of which it says nothing"
    assert policy.on("rhel", "6").number("grub-serial.speed") == 1200
    assert policy.on("suse", "11").number("grub-serial.speed") == 38400
    assert load("current", ["kernel-cmdline.add=set"], file=None).on("rhel", "6").words("kernel-cmdline.add") == ["set"]
    family = policy_file(tmp_path, "[kernel-cmdline]\n[[rhel]]\nadd = family\n")
    policy = load("current", file=family)
    assert policy.on("rhel", "6").words("kernel-cmdline.add") == ["family"]
    assert policy.on("oracle", "6").words("kernel-cmdline.add") == ["console=ttyS0", "earlyprintk=ttyS0"]


def test_what_is_printed_is_a_policy_file_with_the_same_values(tmp_path):
    policy = load("current", ["limits.lock=5"], file=None)
    again = load(policy_file(tmp_path, policy_text(policy)), file=None)
    assert {name: one.value for name, one in again.values.items()} == {n: one.value for n, one in policy.values.items()}
    assert "[[rhel-6]]\n# from policy current\n" in policy_text(policy)


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
        ("[kernel-cmdline]\n[[rhell]]\nadd = x\n", ("line 2", "[[rhell]]", "rhel, oracle", "rhel-8")),
        ("[kernel-cmdline]\n[[rhel-]]\nadd = x\n", ("line 2", "[[rhel-]]")),
        ("[kernel-cmdline]\n[[rhel-eight]]\nadd = x\n", ("line 2", "[[rhel-eight]]")),
        ("[kernel-cmdline]\n[[rhel-8]]\n[[[rhel]]]\nadd = x\n", ("rhel",)),
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
