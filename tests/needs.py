"""What some tests need of the machine they run on; a test without it is skipped and says so."""

import functools
import os
import subprocess

import pytest


@functools.lru_cache(maxsize=None)
def _unable() -> str:
    """Why nothing can be mounted here, or ""."""
    if os.geteuid() != 0:
        return "only root may mount, and change into a tree"
    done = subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.PIPE)
    return "" if done.returncode == 0 else "root may not mount here: %s" % done.stderr.decode().strip()


def mounts() -> None:
    """This process may mount file systems and change into trees; else its test is skipped."""
    if _unable():
        pytest.skip(_unable())


def immutable(path: str) -> None:
    """The file is immutable (chattr(1)); where that cannot be, the test is skipped."""
    done = subprocess.run(["chattr", "+i", path], stderr=subprocess.PIPE)
    if done.returncode:
        pytest.skip("no file can be made immutable here: %s" % done.stderr.decode().strip().split("\n")[-1])


root = pytest.mark.skipif(os.geteuid() != 0, reason="it is told first that it must be run as root")
