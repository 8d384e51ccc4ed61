"""dnf 4 and 5, and its small kin: microdnf, and the tdnf of Azure Linux."""

import posixpath
from typing import Sequence, Tuple

from .rpm import Rpm


class Dnf(Rpm):
    """The package manager of Fedora, of RHEL from 8 on, and of Azure Linux."""

    name = "dnf"
    # dnf/lock.py of dnf 4: each lock is a file with a number; libdnf5, system/transaction: an open lock file.
    locks = Rpm.locks + ("/run/dnf/rpmtransaction.lock",)
    pids = ("/var/cache/dnf/metadata_lock.pid", "/var/cache/dnf/download_lock.pid", "/var/lib/dnf/rpmdb_lock.pid")

    def words(self, program: str, verb: str, removes: Sequence[str]) -> Tuple[str, ...]:
        """Without --allowerasing dnf removes nothing; tdnf knows neither that nor weak dependencies."""
        if posixpath.basename(program) == "tdnf":
            return ("-y", verb)
        options = ("--setopt=install_weak_deps=0",) if verb == "install" else ()
        return ("-y",) + options + (verb,) + (("--allowerasing",) if removes else ())
