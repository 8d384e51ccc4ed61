"""A policy that a play holds reaches agentprep word for word."""

import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep import policy
from tests.lab.controller import COLLECTION

SPEC = importlib.util.spec_from_file_location("policy_file", str(COLLECTION / "plugins/module_utils/policy_file.py"))
MODULE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MODULE)
WORDS = st.text(st.sampled_from("ab=,#\"' []%$\\\té"), max_size=6)


def read(tmp_path_factory, held):
    path = tmp_path_factory.mktemp("policy") / "agentprep.conf"
    path.write_text(MODULE.policy_file(held), "utf-8")
    return policy.load(str(path))


@given(words=st.lists(WORDS, max_size=3), word=WORDS)
def test_every_word_is_read_as_it_was_given_or_refused(tmp_path_factory, words, word):
    held = {"kernel-cmdline": {"keep": words}, "agent-conf": {"mount_point": word}}
    if any('"' in one and "'" in one for one in [*words, word]):
        with pytest.raises(ValueError, match="both kinds of quotes"):
            MODULE.policy_file(held)
        return
    values = read(tmp_path_factory, held)
    assert values.value("kernel-cmdline.keep").value == words
    assert values.text("agent-conf.mount_point") == word


def test_numbers_flags_and_what_is_of_one_family(tmp_path_factory):
    held = {
        "kernel-cmdline": {"keep": "crashkernel", "suse": {"keep": ["crashkernel", "quiet"]}, "suse-15": {"keep": []}},
        "grub-serial": {"speed": 9600, "enabled": True},
        "os-swap": {"remove": False},
    }
    values = read(tmp_path_factory, held)
    assert (values.number("grub-serial.speed"), values.flag("grub-serial.enabled")) == (9600, True)
    assert not values.flag("os-swap.remove")
    kept = [values.on(family, release).value("kernel-cmdline.keep").value
            for family, release in (("debian", "12"), ("suse", "12.5"), ("suse", "15.6"))]  # fmt: skip
    assert kept == [["crashkernel"], ["crashkernel", "quiet"], []]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ({"keep": "quiet"}, "keep stands outside a section"),
        ({"kernel-cmdline": {"keep": None}}, "kernel-cmdline.keep is null"),
        ({"kernel-cmdline": {"keep": ["quiet", ["rhgb"]]}}, r'kernel-cmdline.keep is \["rhgb"\]'),
        ({"agent-conf": {"mount_point": "/mnt\n[limits]"}}, "agent-conf.mount_point holds a line break"),
    ],
)
def test_what_no_policy_file_can_say_is_named(held, said):
    with pytest.raises(ValueError, match=said):
        MODULE.policy_file(held)
