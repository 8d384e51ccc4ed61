"""How a backend is picked: by proof of use, never by a name."""

from typing import Any, Tuple

from .errors import Blocked
from .guest import Guest


def pick(kind: str, guest: Guest, backends: Tuple[Any, ...], hint: str) -> Tuple[Any, str]:
    """The one backend (instance) whose `probe` has evidence that the guest uses it, and that evidence.

    Raises Blocked when none has, or when two have equally good evidence: that is never guessed.
    """
    found = [(backend(guest), backend.probe(guest)) for backend in backends]
    found = [(backend, evidence) for backend, evidence in found if evidence]
    if not found:
        raise Blocked("no %s was found in the guest that agentprep knows" % kind, hint)
    if len(found) > 1:
        told = "; ".join("%s (%s)" % (backend.name, evidence) for backend, evidence in found)
        raise Blocked("more than one %s looks used: %s" % (kind, told), "remove the one that is left over")
    return found[0]
