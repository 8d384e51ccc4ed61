"""No history of a shell or another program that takes commands is left in any user's home."""

from typing import Iterator

from ..accounts import histories
from ..changes import Forget
from ..policy import Policy
from ..step import Fact, Item, Step
from ..system import System


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """The histories are removed; a link to somewhere else is left, as following it could remove anything."""
    found = histories(system.guest)
    for path in found.files:
        yield Forget(path, "a history of commands")
    for path in found.links:
        target = system.guest.link(path)
        yield Fact("warning", "%s is a link to %s, where the history was left" % (path, target),
                   "empty it by hand: truncate -s 0 %s" % path)  # fmt: skip
    for home in found.elsewhere:
        yield Fact("note", "%s is not on a disk of this machine: its histories were left" % home)
    yield Fact("ok", "no shell history is in any home")


STEP = Step(
    id="deprovision-histories",
    title="No user's shell history is left",
    reason="Histories hold commands, names and often passwords. waagent removes root's .bash_history only; Azure's "
    "certification fails an image with a single non-empty .*sh_history or .history, at any depth, in the home of "
    "any user with a shell.",
    source="LISA, verify_bash_history_is_empty (microsoft/lisa, azure_image_standard.py); Microsoft Marketplace VM "
    "certification, 'shell history'",
    remedy="As root: find /root /home -type f \\( -name '.*sh_history' -o -name .history \\) -delete; and do not "
    "leave the shell before the machine is off, or first: unset HISTFILE",
    changes=changes,
    one_way=True,
)
