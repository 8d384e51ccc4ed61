"""Disk images for tests, made by the tools that make real ones."""

import os
import subprocess
import sys

import agentprep

HOME = os.path.dirname(os.path.dirname(os.path.abspath(agentprep.__file__)))
MIB, GIB = 1 << 20, 1 << 30
GPT = "label: gpt\nfirst-lba: 34\nstart=2048, size=8192, type=U\nstart=10240, type=L\n"
MBR = "label: dos\nstart=2048, type=83, bootable\n"


def vhd(*words, **options):
    """The exit code and both outputs of `agentprep vhd`."""
    environment = dict(os.environ, PYTHONPATH=HOME)
    environment.pop("SOURCE_DATE_EPOCH", None)
    environment.update(options.pop("env", {}))
    done = subprocess.run(
        [sys.executable, "-m", "agentprep", "vhd"] + [str(word) for word in words], env=environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **options
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def qemu(*words):
    """The output of qemu-img."""
    argv = ["qemu-img"] + [str(word) for word in words]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


def raw(path, size, table=MBR, loader=True):
    """A sparse raw image with a partition table that sfdisk made, and something in its first partition."""
    with open(str(path), "wb") as stream:
        stream.truncate(size)
    if table:
        argv = ["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", str(path)]
        subprocess.run(argv, input=table.encode(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(str(path), "r+b") as stream:
        if loader:
            stream.write(b"\xeb\x63\x90boot code")
        if size > 2 * MIB:
            stream.seek(MIB)
            stream.write(os.urandom(65536))
            stream.seek(size - 20 * 512 * 34)
            stream.write(os.urandom(4096))
    return str(path)


def verified(path):
    """What sfdisk says of a GPT: "" when both copies are right and where they belong."""
    argv = ["sfdisk", "--verify", str(path)]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    lines = [line for line in done.stdout.splitlines() if "No errors detected" not in line and line.strip()]
    known = ("Header version", "Using ", "A total of", "%s:" % path)
    bad = [line for line in lines if not line.startswith(known)]
    return "\n".join(bad) if done.returncode == 0 else done.stdout


def written(path):
    """Bytes that the file occupies."""
    return os.stat(str(path)).st_blocks * 512
