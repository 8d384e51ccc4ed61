"""Where SELinux is enforced, every file that agentprep wrote has the label that the guest's policy gives it."""

from typing import Iterator, List

from .. import selinux
from ..changes import Run, Write
from ..commands import Completed
from ..policy import Policy
from ..step import Fact, Item, Rule, Step
from ..system import System

ALWAYS = "/etc/passwd"  # labelled in every tree that has labels


def changes(system: System, policy: Policy) -> Iterator[Item]:
    """A tree without any label gets them at the next boot."""
    guest = system.guest
    mode = selinux.mode(guest)
    if not mode:
        yield Fact("ok", "not applicable: SELinux is not enabled (%s)" % selinux.CONFIG)
        return
    if guest.exists(ALWAYS) and not selinux.labelled(guest, ALWAYS) and not guest.exists(selinux.RELABEL):
        yield _relabel("%s has no label, as when a system is copied without its extended attributes" % ALWAYS)
    if guest.exists(selinux.RELABEL):
        yield Fact("note", "%s is there: the next boot gives every file its label, and starts over" % selinux.RELABEL)
        return
    yield Fact("ok", "SELinux is %s (%s), and the files have labels" % (mode, selinux.CONFIG))


def labels(system: System, policy: Policy, cause: str) -> Iterator[Item]:
    """What was written has its label: set now by the guest's own policy, or all at the next boot."""
    guest = system.guest
    if not cause or not selinux.mode(guest) or guest.exists(selinux.RELABEL):
        return
    paths = _written(system, cause)
    if system.live is not None and selinux.active(guest):
        if paths and guest.which("restorecon"):
            why = "files that are new have the label of their folder; the policy may want another"
            yield Run((("restorecon", "-F") + tuple(paths),), (), why, tolerate=tolerated)
        return
    bare = selinux.unlabelled(guest, paths)
    if bare:
        yield _relabel("the running kernel gives no labels of this guest, and %s has none" % bare[0])


def _written(system: System, cause: str) -> List[str]:
    """The files that this run wrote, as the walk tells, else the one that is named as the cause."""
    touched = system.touched or [cause.split(" was ", maxsplit=1)[0]]
    return sorted({path for path in touched if system.guest.exists(path) and not path.startswith(selinux.NO_LABELS)})


def _relabel(why: str) -> Write:
    return Write(selinux.RELABEL, b"-F\n", "%s: the next boot gives every file its label" % why)


def tolerated(done: Completed) -> str:
    """A label that was not set is that of the folder, which is the right one as a rule."""
    last = next((line for line in reversed(done.tail) if line.strip()), "no output")
    return "restorecon ended with %d (%s): look with restorecon -n -v /etc" % (done.code, last)


STEP = Step(
    id="selinux-labels",
    title="Where SELinux is enforced, every file has its label",
    reason="SELinux decides by labels which program may read which file. A file that was written by another system's "
    "kernel, or copied without its extended attributes, has none: sshd, NetworkManager or the agent may not read it "
    "then, and the machine is not reached. On the running machine the guest's own policy sets the labels of what was "
    "written; elsewhere /.autorelabel has the first boot set them all, which takes minutes and one more restart.",
    source="selinux(8), restorecon(8), selinux-autorelabel(8) (fixfiles -F onboot); virt-v2v and virt-customize "
    "(--selinux-relabel)",
    remedy="restorecon -F PATH... on the running machine; else: echo -F > /.autorelabel",
    changes=changes,
)
RULE = Rule(id="selinux-labels", sources=("*",), changes=labels)
