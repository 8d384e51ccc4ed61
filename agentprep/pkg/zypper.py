"""zypper, of SUSE."""

from typing import Sequence, Tuple

from .rpm import Rpm


class Zypper(Rpm):
    """The package manager of SLES and openSUSE."""

    name = "zypper"
    # zypp/ZYppFactory.cc, Locker: the lock is this file, with the number of the process in it.
    pids = ("/run/zypp.pid", "/var/run/zypp.pid")

    def words(self, program: str, verb: str, removes: Sequence[str]) -> Tuple[str, ...]:
        """A conflict ends in an error instead of a solution of the solver's own; `!NAME` is what is to go."""
        options = ("--no-force-resolution", "--auto-agree-with-licenses", "--no-recommends")
        words = ("--non-interactive", "install") + options + (("--force",) if verb == "reinstall" else ())
        return words + tuple("!" + name for name in removes)
