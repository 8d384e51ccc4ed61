"""What lets ssh in on this machine's network only: rules that name its card, or addresses of its network.

Read: hosts_access(5) of tcp_wrappers, which the sshd of RHEL 6 and 7, Debian and Ubuntu asks; iptables-restore(8),
nft(8) and ufw(8) for the form of rules in files that are loaded at boot.
"""

import re
from typing import Any, Iterator, List

from ..guest import Guest
from .profile import CARD

ALLOW, DENY = "/etc/hosts.allow", "/etc/hosts.deny"
# The files of rules, and the services by which they are loaded.
RULES = (
    ("/etc/sysconfig/iptables", ("iptables",)),
    ("/etc/iptables/rules.v4", ("netfilter-persistent", "iptables-persistent")),
    ("/etc/nftables.conf", ("nftables",)),
    ("/etc/sysconfig/nftables.conf", ("nftables",)),
    ("/etc/ufw/user.rules", ("ufw",)),
)
SSH = re.compile(r"\bdports?\s+\{?[^}\n]*\b(22|ssh)\b.*\b(accept|ufw-user-limit-accept)\b", re.I)
NAMED = re.compile(r"(?:-i|--in-interface|iif|iifname)\s+\"?([\w.+*-]+)")


def around(guest: Guest, init: Any) -> Iterator[str]:
    """A sentence for each of them."""
    denied = _lists(guest, DENY, r"(ALL|sshd)")
    if denied and not _lists(guest, ALLOW, r"(ALL|sshd)[^:]*:\s*ALL"):
        yield "%s says %r, and %s does not let all in to sshd" % (DENY, denied[0], ALLOW)
    for path, services in RULES:
        if not guest.is_file(path) or not any(init.enabled(name) for name in services):
            continue
        lines = [line.strip() for line in (guest.text(path) or "").splitlines() if not line.lstrip().startswith("#")]
        found = [line for line in lines if SSH.search(line)]
        names = [match.group(1) for match in map(NAMED.search, found) if match]
        if found and len(names) == len(found) and not any(_is_first(name) for name in names):
            yield "%s lets ssh in by %s only, and on Azure the card is %s" % (path, ", ".join(sorted(set(names))), CARD)


def _lists(guest: Guest, path: str, clients: str) -> List[str]:
    lines = (guest.text(path) or "").splitlines() if guest.is_file(path) else []
    return [line.strip() for line in lines if re.match(r"\s*([\w ,]*[ ,])?%s\s*[:,\s]" % clients, line + " ")]


def _is_first(name: str) -> bool:
    return name == CARD or (name[-1:] in "+*" and CARD.startswith(name[:-1]))
