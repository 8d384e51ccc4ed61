"""What the tests of the .deb are made on: this checkout's source tree elsewhere, and an older package."""

import re
import subprocess

from tests.lab import guests, host, install

CONF = "packaging/generated/agentprep.conf"


def source(folder):
    """The unpacked source tarball of this checkout, in an empty folder; no clone."""
    script = install.REPOSITORY / "packaging/sdist.sh"
    done = subprocess.run([str(script), str(folder)], stdout=subprocess.PIPE, encoding="utf-8", check=True)
    subprocess.run(["tar", "-C", str(folder), "-xf", done.stdout.strip()], check=True)
    (tree,) = (path for path in folder.iterdir() if path.is_dir())
    return tree


def older(folder):
    """Path of a .deb of version 0.1.0-1: these files, but for the version and for a line of the conf file."""
    path = host.cache() / f"agentprep-{install.digest()}-older_all.deb"
    with guests.locked("agentprep-deb-older"):
        if not path.exists():
            tree = source(folder)
            changed(tree / "agentprep/__init__.py", r'__version__ = ".*"', '__version__ = "0.1.0"')
            changed(tree / "packaging/debian/changelog", r"(?s)\A.*?(?=^agentprep \(0\.1\.0-1\))", "")
            changed(tree / CONF, r"\Z", "# The last line of 0.1.0\n")
            install.make(tree, path)
    return path


def changed(path, pattern, replacement):
    text, count = re.subn(pattern, replacement, path.read_text("utf-8"), count=1, flags=re.M)
    assert count, path
    path.write_text(text, "utf-8")
