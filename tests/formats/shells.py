"""Real shells to compare with: what the variables are after sourcing some scripts."""

import os
import shutil
import subprocess

NAMES = ["A", "B", "C", "GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_DISTRIBUTOR"]


def available():
    """{name: executable} of the shells of this machine; bash runs as ``sh``, in its POSIX mode."""
    shells = {"dash": shutil.which("dash"), "bash": shutil.which("bash")}
    return {name: path for name, path in shells.items() if path}


def write(folder, name, text):
    with open(os.path.join(folder, name), "wb") as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))
    return f"../{name}"


def run(executable, folder, *argv):
    """The exit status of ``sh ARGV`` in an empty folder beside the scripts, with an empty environment."""
    empty = os.path.join(folder, "empty")
    shutil.rmtree(empty, ignore_errors=True)
    os.makedirs(empty)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 20}
    quiet["env"] = {"PATH": "/usr/bin:/bin", "HOME": "/root"}
    return subprocess.run(["sh", *argv], executable=executable, cwd=empty, **quiet).returncode


def sourced(executable, texts, folder):
    """{name: value} of NAMES after one shell sourced the texts in order; None if it did not get to the end."""
    result = os.path.join(folder, "result")
    if os.path.exists(result):
        os.remove(result)
    code = "".join(f". {write(folder, f'script{index}', text)}\n" for index, text in enumerate(texts))
    code += "{ :; " + "".join(f'printf "%s\\0" "${{{name}+=}}${{{name}-}}"; ' for name in NAMES) + "} > ../result\n"
    run(executable, folder, "-c", code)
    if not os.path.exists(result):
        return None
    with open(result, "rb") as stream:
        values = [value.decode("utf-8", "surrogateescape") for value in stream.read().split(b"\0")[:-1]]
    return {name: value[1:] if value else None for name, value in zip(NAMES, values)}
