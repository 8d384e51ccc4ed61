"""dracut's configuration: which files, in which order, and what they say."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentprep.guest import Guest
from agentprep.initrd.dracut_conf import Configuration, omitting, order
from tests.initrd.fake import configured
from tests.trees import make_tree

OWN, VENDOR = "/etc/dracut.conf.d/", "/usr/lib/dracut/dracut.conf.d/"


def conf(folder, files, folders=True):
    return Configuration(Guest(make_tree(folder / "guest", files, minimal=False)), folders)


@settings(deadline=None)
@given(st.lists(st.text("aZz019-_.~+", min_size=1, max_size=8).map(lambda name: "x" + name + ".conf"), unique=True))
def test_files_are_sorted_as_sort_does(names):
    text = "".join(name + "\n" for name in names).encode()
    done = subprocess.run(["sort", "-V"], input=text, stdout=subprocess.PIPE, env={"LC_ALL": "C", "PATH": "/usr/bin"})
    assert sorted(names, key=order) == done.stdout.decode().split()


def test_own_files_replace_the_vendors_and_only_conf_counts(tmp_path):
    files = {
        "/etc/dracut.conf": 'add_drivers+=" main "\n',
        OWN + "10-a.conf": 'add_drivers+=" own "\n',
        OWN + "9-b.conf": 'add_drivers+=" nine "\n',
        OWN + "c.conf.rpmsave": 'add_drivers+=" saved "\n',
        OWN + ".d.conf": 'add_drivers+=" hidden "\n',
        VENDOR + "10-a.conf": 'add_drivers+=" vendor "\n',
        VENDOR + "11-e.conf": 'add_drivers+=" eleven "\n',
        VENDOR + "hostonly/20-f.conf": 'add_drivers+=" folder "\n',
    }
    found = conf(tmp_path, files)
    assert found.words("add_drivers") == ["main", "nine", "own", "eleven"]
    assert configured(found.guest.root)[0].split() == ["main", "nine", "own", "eleven"]
    assert conf(tmp_path / "old", files, folders=False).words("add_drivers") == ["main"]


def test_unset_and_unknown_are_told_apart(tmp_path):
    found = conf(tmp_path, {OWN + "x.conf": 'add_drivers+=" $(uname -r) "\nomit_drivers=" a "\n'})
    assert found.words("add_drivers") is None and found.words("omit_drivers") == ["a"]
    assert found.words("filesystems") == [] and found.value("tmpdir") == ""


@pytest.mark.parametrize("others", [
    [], ["zz.conf"], ["zz-b.conf"], ["zzz-b.conf", "zz~.conf"], ["zz-z.conf", "zzz.conf"], ["zz--x.conf"],
    ["zz_z.conf"], ["zzzz-q9.conf"], ["___x.conf"], ["zz-agentprep.conf", "zz-agentpreq.conf"],
])  # fmt: skip
def test_the_last_file_is_read_last(tmp_path, others):
    found = conf(tmp_path, {OWN + name: "" for name in others})
    last = found.last().rpartition("/")[2]
    done = subprocess.run(["sort", "-V"], input="\n".join(others + [last]).encode(), stdout=subprocess.PIPE)
    assert done.stdout.decode().split()[-1] == last


def test_words_go_from_every_file_and_all_else_stays(tmp_path):
    text = "# x\nomit_drivers+=' a  hv_.* b'  # y\nomit_drivers+=\" hv_.* \"\nhostonly=yes\n"
    found = conf(tmp_path, {OWN + "x.conf": text, OWN + "y.conf": 'omit_drivers+=" c "\n', OWN + "z.conf": '"'})
    assert list(found.without("omit_drivers", ["hv_.*"], "")) == []  # z.conf cannot be read: nothing is known
    found = conf(tmp_path / "other", {OWN + "x.conf": text, OWN + "y.conf": 'omit_drivers+=" c "\n'})
    (change,) = found.without("omit_drivers", ["hv_.*"], "")
    assert change.path == OWN + "x.conf"
    assert change.content.decode() == "# x\nomit_drivers+=' a b'  # y\nomit_drivers+=\"\"\nhostonly=yes\n"


FILES = ["kernel/drivers/scsi/hv_storvsc.ko.xz", "kernel/drivers/hid/hid-hyperv.ko"]


@pytest.mark.parametrize("word, found", [
    ("hv_storvsc", False), ("hv-storvsc", False), ("hv_.*", True), ("storvsc", True), ("hid.hyperv", True),
    ("drivers/scsi/", True), ("^hv_storvsc$", True), ("floppy", False), ("hv_stor[", False), ("hid-hyper", True),
])  # fmt: skip
def test_what_keeps_a_module_out(word, found):
    assert omitting([word], FILES, ["hv_storvsc"]) == ([word] if found else [])
