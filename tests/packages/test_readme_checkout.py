"""A guest without a package: agentprep from a checkout, as README.md says."""

import subprocess
import sys

import pytest

from agentprep import __version__
from tests import readme


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The files that a release has, unpacked."""
    folder = tmp_path_factory.mktemp("checkout")
    made = subprocess.run(
        [str(readme.HOME / "packaging" / "sdist.sh"), str(folder)], stdout=subprocess.PIPE, check=True
    )
    tarball = made.stdout.decode().strip()
    subprocess.run(["tar", "-xf", tarball, "-C", str(folder), "--strip-components=1"], check=True)
    return folder


def out(words, folder, env=None):
    return subprocess.run(words, cwd=str(folder), env=env, stdout=subprocess.PIPE, check=True).stdout.decode()


def test_it_starts_in_a_checkout(checkout):
    said = out([sys.executable, "-m", "agentprep", "--version"], checkout)
    assert said.strip() == "agentprep " + __version__
    assert "`python3 -m agentprep`" in readme.README.read_text("utf-8")


def test_pip_installs_the_command_and_the_modules(checkout, tmp_path):
    out([sys.executable, "-m", "venv", str(tmp_path / "venv")], checkout)
    python3 = str(tmp_path / "venv" / "bin" / "python3")
    out(["sh", "-euc", "python3 -m pip install --quiet .".replace("python3", python3)], checkout)
    said = out([str(tmp_path / "venv" / "bin" / "agentprep"), "explain", "fstab"], tmp_path)
    assert said.startswith("fstab: ")
    assert "`python3 -m pip install .`" in readme.README.read_text("utf-8")
