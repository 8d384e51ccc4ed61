"""How a backend is picked: by proof of use, never by a name, unless the policy names one."""

import re
from typing import Any, Tuple

from .errors import Blocked, Usage
from .guest import Guest

AUTO = "auto"


def pick(kind: str, guest: Guest, backends: Tuple[Any, ...], wanted: str = AUTO) -> Tuple[Any, str]:
    """The one backend (instance) whose `probe` has evidence that the guest uses it, and that evidence.

    `wanted` is the policy's: auto, or the name of the backend that is to be taken whatever the evidence.
    Raises Blocked when none has evidence, or when two have equally good evidence: that is never guessed.
    """
    if wanted != AUTO:
        return _named(kind, guest, backends, wanted)
    found = [(backend(guest), backend.probe(guest)) for backend in backends]
    found = [(backend, evidence) for backend, evidence in found if evidence]
    if not found:
        names = ", ".join(backend.name for backend in backends)
        raise Blocked(
            "no %s was found in the guest that agentprep knows" % kind,
            "it knows %s; if one of them is in use, name it in /etc/agentprep.conf, below [mechanisms]" % names,
        )
    if len(found) > 1:
        told = "; ".join("%s (%s)" % (backend.name, evidence) for backend, evidence in found)
        raise Blocked(
            "more than one %s looks used: %s" % (kind, told),
            "remove the one that is left over, or name the right one in /etc/agentprep.conf, below [mechanisms]",
        )
    return found[0]


def _named(kind: str, guest: Guest, backends: Tuple[Any, ...], wanted: str) -> Tuple[Any, str]:
    for backend in backends:
        if _plain(backend.name) == _plain(wanted):
            evidence = backend.probe(guest) or "there is no evidence that the guest uses it"
            return backend(guest), "the policy says %s; %s" % (backend.name, evidence)
    names = ", ".join(_plain(backend.name) for backend in backends)
    raise Usage(
        "[mechanisms] names the %s %r, which agentprep does not know" % (kind, wanted), "it is one of: " + names
    )


def _plain(name: str) -> str:
    return re.sub(r"[ _-]", "", name.lower())
