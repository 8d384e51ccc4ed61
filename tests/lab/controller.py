"""Ansible, as it is used to prepare many machines: plays of the role that this repository ships."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Dict, NamedTuple

COLLECTION = Path(__file__).resolve().parents[2] / "packaging" / "ansible"
TOOLS = Path(sys.executable).parent  # Ansible is in the environment that runs the tests
HOST = "guest"


class Played(NamedTuple):
    """How a play ended: its exit code, what it printed, and the counts of its recap."""

    code: int
    out: str
    recap: Dict[str, int]

    def task(self, name):
        """What was printed of a task: its results and diffs."""
        found = re.search(rf"^TASK \[[^]]*{re.escape(name)}[^]]*\] \**\n(.*?)(?=^TASK |^PLAY )", self.out, re.M | re.S)
        assert found, f"there is no task {name} in:\n{self.out}"
        return found.group(1)


class Controller:
    """Where Ansible runs: a folder with its own key, configuration and collections, for one target with SSH."""

    def __init__(self, folder, port, user="root", **variables):
        self.folder, self.port = Path(folder), port
        (self.folder / "ansible_collections/agentprep").mkdir(parents=True)
        (self.folder / "ansible_collections/agentprep/guest").symlink_to(COLLECTION)
        key = self.folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "controller", "-f", str(key)], check=True)
        self.key = key.with_suffix(".pub").read_text()
        target = {
            "ansible_host": "127.0.0.1", "ansible_port": port, "ansible_user": user,
            "ansible_ssh_private_key_file": str(key), "ansible_python_interpreter": "/usr/bin/python3",
            **variables,
        }  # fmt: skip
        inventory = {"migrating": {"hosts": {HOST: target}}}
        (self.folder / "ansible.cfg").write_text("[defaults]\n")
        (self.folder / "inventory.json").write_text(json.dumps(inventory))

    def environment(self):
        """Nothing of this machine's own Ansible; a new machine at a known address has new host keys."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        return dict(
            env,
            ANSIBLE_CONFIG=str(self.folder / "ansible.cfg"),
            ANSIBLE_HOME=str(self.folder / "home"),
            ANSIBLE_COLLECTIONS_PATH=str(self.folder),
            ANSIBLE_HOST_KEY_CHECKING="no",
            ANSIBLE_SSH_ARGS="-o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null",
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(self.folder / "cp"),
            ANSIBLE_TIMEOUT="60",
            ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
            ANSIBLE_NOCOLOR="1",
            LC_ALL="C.UTF-8",
            PATH=f"{TOOLS}:{env['PATH']}",
        )

    def play(self, *options, timeout=1800, **variables):
        """The collection's own playbook, which applies the role; what it prints is shown where a test fails."""
        command = ["ansible-playbook", "-i", str(self.folder / "inventory.json"), "agentprep.guest.site", *options]
        command += ["-e", json.dumps(variables)]
        done = subprocess.run(
            command, env=self.environment(), cwd=str(self.folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", timeout=timeout,
        )  # fmt: skip
        print(" ".join(command) + "\n" + done.stdout)
        counts = re.search(rf"^{HOST} +: (.*)$", done.stdout, re.M)
        recap = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", counts.group(1))} if counts else {}
        return Played(done.returncode, done.stdout, recap)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
