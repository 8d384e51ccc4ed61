"""A mechanism is picked by evidence, or by the policy's word; never by a guess."""

import pytest

from agentprep.errors import Blocked, Usage
from agentprep.evidence import pick
from agentprep.guest import Guest


def backend(name, evidence):
    return type("Backend", (), {"name": name, "__init__": lambda self, guest: None,
                                "probe": staticmethod(lambda guest: evidence)})  # fmt: skip


USED, LEFT, OTHER = backend("GRUB 2", "grub.cfg is there"), backend("GRUB Legacy", None), backend("BLS", "entries")


def test_the_one_with_evidence_is_picked(tmp_path):
    found, evidence = pick("boot loader", Guest(str(tmp_path)), (LEFT, USED))
    assert isinstance(found, USED) and evidence == "grub.cfg is there"


@pytest.mark.parametrize("backends, message", [
    ((LEFT,), "no boot loader was found"),
    ((USED, LEFT, OTHER), r"more than one boot loader looks used: GRUB 2 \(grub.cfg is there\); BLS \(entries\)"),
])  # fmt: skip
def test_none_and_two_are_refused_with_what_to_do(tmp_path, backends, message):
    with pytest.raises(Blocked, match=message) as caught:
        pick("boot loader", Guest(str(tmp_path)), backends)
    assert "[mechanisms]" in caught.value.hint


@pytest.mark.parametrize("wanted", ["GRUB Legacy", "grub-legacy", "grublegacy", "grub_legacy"])
def test_the_policys_word_counts_more_than_evidence(tmp_path, wanted):
    found, evidence = pick("boot loader", Guest(str(tmp_path)), (LEFT, USED, OTHER), wanted)
    assert isinstance(found, LEFT) and evidence.startswith("the policy says GRUB Legacy; there is no evidence")


def test_a_word_that_names_nothing_is_an_error_of_usage(tmp_path):
    with pytest.raises(Usage, match="lilo") as caught:
        pick("boot loader", Guest(str(tmp_path)), (LEFT, USED), "lilo")
    assert "grublegacy, grub2" in caught.value.hint
