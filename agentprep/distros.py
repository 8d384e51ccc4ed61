"""The table of distributions: names only.  How a guest boots or builds initrds is detected, not looked up."""

from typing import NamedTuple, Sequence, Tuple


class Row(NamedTuple):
    """What things are called in a family of distributions.

    `ids` are os-release IDs, looked up before ID_LIKE.  Packages and services are tried in the order given.
    """

    family: str
    ids: Tuple[str, ...]
    agent_packages: Tuple[str, ...]
    agent_services: Tuple[str, ...]
    ssh_package: str
    ssh_services: Tuple[str, ...]
    repository: str  # named in the remedy when no repository has the agent
    agent_conflicts: Tuple[str, ...] = ()  # packages that go when the agent comes
    network_packages: Tuple[str, ...] = ()  # what gives DHCP where those have to go


# Debian names its agent package waagent and its unit walinuxagent.service (packages.debian.org/waagent); Ubuntu's
# package is walinuxagent.  Debian's says Conflicts: network-manager (waagent 2.7.3.0-4.1).
ROWS = (
    Row("debian", ("debian",), ("waagent", "walinuxagent"), ("walinuxagent", "waagent"), "openssh-server",
        ("ssh", "sshd"), "the release's main component (deb http://deb.debian.org/debian RELEASE main)",
        ("network-manager",), ("ifupdown", "isc-dhcp-client")),
    Row("ubuntu", ("ubuntu",), ("walinuxagent", "waagent"), ("walinuxagent", "waagent"), "openssh-server",
        ("ssh", "sshd"), "the release's main component (deb http://archive.ubuntu.com/ubuntu RELEASE main)"),
)  # fmt: skip

# A guest of a family that has no row yet: its mechanism is detected all the same, and the usual names are tried.
OTHER = Row("other", (), ("WALinuxAgent", "waagent", "walinuxagent"), ("waagent", "walinuxagent"), "openssh-server",
            ("sshd", "ssh"), "the distribution's own repositories")  # fmt: skip


def row(identity: str, like: Sequence[str]) -> Row:
    """The row of a distribution by its ID, else by the first of its ID_LIKE that has one, else OTHER."""
    for name in (identity,) + tuple(like):
        for one in ROWS:
            if name in one.ids:
                return one
    return OTHER
