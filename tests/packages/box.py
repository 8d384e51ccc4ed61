"""A throw-away Debian 12 that answers to SSH on this machine: the bench's tree below an overlay, with the real sshd.

usage: python3 -m tests.packages.box FOLDER PORT PUBLIC-KEY      in namespaces of its own, see Box
"""

import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tests.bench import tree
from tests.lab.install import REPOSITORY


class Box:
    """What was written in the tree is in `upper`, as overlayfs keeps it, and nowhere else."""

    def __init__(self, folder, port):
        self.folder, self.port = Path(folder), port
        self.upper = self.folder / "upper"

    @contextmanager
    def open(self, key):
        """sshd answers; when the context ends, or this process is killed, every process and mount of it is gone."""
        tree.tree(print)
        self.folder.mkdir()
        words = [sys.executable, "-m", "tests.packages.box", str(self.folder), str(self.port), key]
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", *words]
        with open(str(self.folder / "log"), "wb") as log:
            sshd = subprocess.Popen(command, cwd=str(REPOSITORY), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while not self.answers():
                assert sshd.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.1)
            yield self
        finally:
            sshd.kill()
            sshd.wait()
            shutil.rmtree(str(self.folder / "work"), ignore_errors=True)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as stream:
                return stream.recv(4) == b"SSH-"
        except OSError:
            return False

    def written(self, *below):
        """{path: its bytes, None for what was removed} of everything written below the folders."""
        found = {}
        for path in sorted(self.upper.rglob("*")):
            name = "/" + str(path.relative_to(self.upper))
            if not path.is_dir() and any(name.startswith(folder + "/") for folder in below):
                found[name] = path.read_bytes() if path.is_file() else None  # overlayfs: a device 0/0 is a removal
        return found


def main(folder, port, key):
    """Process 1 of its own namespace: the tree's sshd, in the foreground."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    with tree.World([tree.tree(print)], folder)() as world:
        home = world.root / "root/.ssh"
        (home / "authorized_keys").write_text(key)
        (home / "authorized_keys").chmod(0o600)
        (world.root / "run/sshd").mkdir()
        options = [f"-oPort={port}", "-oListenAddress=127.0.0.1", "-oPidFile=none", "-oUsePAM=no"]
        sshd = ["chroot", str(world.root), "/usr/sbin/sshd", "-D", "-e", *options]
        return subprocess.run(sshd, env=tree.environment()).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
