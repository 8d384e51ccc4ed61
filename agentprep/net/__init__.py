"""Network backends: what gives the guest's cards their addresses, and whether the first card on Azure gets one by DHCP.

That card is eth0: netvsc has no PCI path, so that systemd's predictable names leave the kernel's name to it
(systemd.link(5), NamePolicy; udev-builtin-net_id.c of systemd 252).  A card of this machine may be called otherwise:
its own profile is left as it is, so that the guest still boots here, and eth0 gets one beside it.

A backend has `name`, `probe(guest, init)` (a sentence of evidence, or None), and on an instance:

- `profile()`: what eth0 gets now: the evidence that it is DHCP, or the problem when it is something else, or neither
- `add()`: the changes after which it gets DHCP, where it gets nothing
- `unbind()`: the changes after which no profile is bound to this machine's hardware addresses, where that is safe
- `settings()`: the changes to what holds for all cards
- `notes()`: sentences on what is left as it is, although it is of this machine's network
- `required`: its profile of eth0 must be there whatever else gives the card an address: Microsoft's tests read it
"""

from typing import Any, List, Tuple

from ..guest import Guest
from .ifcfg import Ifcfg
from .ifupdown import Ifupdown
from .netplan import Netplan
from .networkd import Networkd
from .networkmanager import NetworkManager
from .profile import CARD, Profile
from .wicked import Wicked

BACKENDS = (Netplan, Ifcfg, Wicked, Ifupdown, Networkd, NetworkManager)

__all__ = ["BACKENDS", "CARD", "Profile", "governing"]


def governing(guest: Guest, init: Any) -> List[Tuple[Any, str]]:
    """Every backend that is in use with its evidence; several may be, each for cards of its own."""
    found = [(backend.of(guest, init), backend.probe(guest, init)) for backend in BACKENDS]
    return [(backend, evidence) for backend, evidence in found if evidence]
