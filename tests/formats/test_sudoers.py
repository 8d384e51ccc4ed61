"""sudoers: whose password is asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentprep.formats.sudoers import everybody, folders, targetpw, without_lines, without_targetpw
from tests.debian12 import SUDOERS

SUSE = """\
## Defaults specification
Defaults always_set_home
Defaults secure_path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin:/usr/local/sbin"
Defaults env_reset
Defaults env_keep = "LANG LC_ADDRESS LC_CTYPE LC_COLLATE LC_IDENTIFICATION \\
    LC_MEASUREMENT LC_MESSAGES"
Defaults !insults
Defaults targetpw   # ask for the password of the target user i.e. root
ALL   ALL=(ALL) ALL   # WARNING! Only use this together with 'Defaults targetpw'!
root ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
"""


def test_suses_file() -> None:
    assert targetpw(SUSE) == [8] and everybody(SUSE) == [9]
    new = without_lines(without_targetpw(SUSE), everybody(SUSE))
    assert new == SUSE.replace("\nDefaults targetpw", "\n# Defaults targetpw").replace("\nALL ", "\n# ALL ")
    assert targetpw(new) == [] and everybody(new) == [] and folders(new) == ["/etc/sudoers.d"]


def test_debians_file_has_nothing_of_it() -> None:
    assert targetpw(SUDOERS) == [] and everybody(SUDOERS) == [] and without_targetpw(SUDOERS) == SUDOERS


@pytest.mark.parametrize(
    "old, new",
    [
        ("Defaults targetpw\n", "# Defaults targetpw\n"),
        ("Defaults\ttargetpw", "# Defaults\ttargetpw"),
        ("  Defaults:%wheel targetpw\n", "#   Defaults:%wheel targetpw\n"),
        ("Defaults env_reset, targetpw, !insults # x\n", "Defaults env_reset, !insults # x\n"),
        ("Defaults targetpw,env_reset\n", "Defaults env_reset\n"),
        ("Defaults !!targetpw\n", "# Defaults !!targetpw\n"),
        ("Defaults \\\n  targetpw\nx\n", "# Defaults \\\n#   targetpw\nx\n"),
        ('Defaults passprompt="a, targetpw", targetpw\n', 'Defaults passprompt="a, targetpw"\n'),
    ],
)
def test_targetpw_goes_and_the_rest_stays(old: str, new: str) -> None:
    assert without_targetpw(old) == new
    assert targetpw(new) == [] and without_targetpw(new) == new


@pytest.mark.parametrize(
    "text",
    ["#Defaults targetpw\n", "Defaults !targetpw\n", "Defaults env_reset # targetpw\n", "Defaultstargetpw\n",
     'Defaults passprompt="targetpw"\n', "Defaults targetpwx\n", "root ALL=(ALL) ALL\n"],
)  # fmt: skip
def test_what_looks_like_it_is_left(text: str) -> None:
    assert targetpw(text) == [] and without_targetpw(text) == text


@pytest.mark.parametrize(
    "line, found",
    [("ALL ALL=(ALL) ALL", True), ("ALL ALL=(ALL:ALL) NOPASSWD: ALL", True), ("ALL\tALL = ALL # x", True),
     ("root ALL=(ALL) ALL", False), ("ALL ALL=(root) /bin/ls", False), ("# ALL ALL=(ALL) ALL", False)],
)  # fmt: skip
def test_who_lets_everybody_in(line: str, found: bool) -> None:
    assert bool(everybody(line + "\n")) is found


@given(st.text(alphabet='Defaults targetpw!,"\\#\nAL=', max_size=80))
def test_any_text_is_settled_at_once_and_lines_without_it_stay(text: str) -> None:
    assert without_lines(text, []) == text
    new = without_targetpw(text)
    assert without_targetpw(new) == new and targetpw(new) == []
    if not targetpw(text):
        assert new == text
