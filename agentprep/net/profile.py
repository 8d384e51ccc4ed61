"""What a network backend says of the first card on Azure."""

from typing import Any, Iterator, List, NamedTuple

from ..changes import Change
from ..guest import Guest

CARD = "eth0"
WHY = "%s, the first card on Azure, gets its address by DHCP" % CARD


class Profile(NamedTuple):
    """DHCP, and the `evidence`; or a `problem` with its `remedy`; or nothing at all.

    `implicit` evidence is that of a default, which no file of the guest states.
    """

    evidence: str = ""
    problem: str = ""
    remedy: str = ""
    implicit: bool = False


class Plain:
    """What most backends have not: settings for all cards, and remarks."""

    required = False  # Microsoft's tests read this backend's own files, whatever else gives eth0 an address

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    @classmethod
    def of(cls, guest: Guest, init: Any) -> Any:
        """The backend of a guest with this init system."""
        return cls(guest)

    def settings(self) -> Iterator[Change]:
        """The changes to what holds for all cards, for example a gateway of this machine's network."""
        return iter(())

    def notes(self) -> List[str]:
        """Sentences on what is left as it is, although it is of this machine's network."""
        return []
