"""Disks, what the firmware of their machine remembers, and throw-away copies of both."""

import shutil
import subprocess
from pathlib import Path

# Debian's package ovmf; 4M is the size of code and memory together.
OVMF_CODE, OVMF_VARS = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"


def nvram(disk):
    """Where the memory of the UEFI firmware lies that boots *disk*: its boot entries, for one."""
    return Path(disk).with_name(Path(disk).name.rpartition(".")[0] + ".nvram")


def fresh_nvram(disk):
    """The firmware that boots *disk* is UEFI, and remembers nothing: as in a new virtual machine."""
    # qcow2, since a snapshot of a machine must hold all that the machine can write
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", OVMF_VARS, str(nvram(disk))], check=True)


def firmware(disk):
    """QEMU's options for the firmware of the machine that boots *disk*."""
    if not nvram(disk).exists():
        return ()
    return (
        ("drive", f"if=pflash,unit=0,format=raw,readonly=on,file={OVMF_CODE}"),
        ("drive", f"if=pflash,unit=1,format=qcow2,file={nvram(disk)}"),
    )


def copied(source, path):
    """A disk with the snapshots of *source*, and what its firmware remembers."""
    shutil.copy(str(source), str(path))
    if nvram(source).exists():
        shutil.copy(str(nvram(source)), str(nvram(path)))
    return Path(path)


def overlay(base, path):
    """A throw-away disk on top of *base*, which stays as it is, with what its firmware remembers."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).unlink(missing_ok=True)
    kind = "raw" if Path(base).suffix == ".raw" else "qcow2"
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-F", kind, "-b", str(Path(base).resolve()), str(path)], check=True
    )
    if nvram(base).exists():
        shutil.copy(str(nvram(base)), str(nvram(path)))
    return Path(path)
