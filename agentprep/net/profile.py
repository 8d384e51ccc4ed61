"""What a network backend says of the first card on Azure."""

from typing import NamedTuple

CARD = "eth0"


class Profile(NamedTuple):
    """DHCP, and the `evidence`; or a `problem` with its `remedy`; or nothing at all."""

    evidence: str = ""
    problem: str = ""
    remedy: str = ""
