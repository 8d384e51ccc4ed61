"""Single packages of another Debian release than this machine's, the installer's own (udebs) among them."""

import re
import shutil
import subprocess

from tests.lab import host

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Unavailable(Exception):
    """What apt said: the mirror has not all of it, or changes at the moment."""


def fetched(suite, names, folder, component="main"):
    """The packages are in the folder, which was empty; apt has verified them, and this machine's apt hears nothing."""
    lists, cache = folder / "lists", folder / "cache"
    for path in (lists / "partial", cache / "archives/partial"):
        path.mkdir(parents=True)
    line = host.apt_sources(suite, security=False)[0].replace("deb ", "deb [signed-by=%s] " % KEYRING, 1)
    (folder / "sources.list").write_text(re.sub("main$", component, line) + "\n")
    options = [
        'Dir::Etc::SourceList "%s/sources.list"' % folder, 'Dir::Etc::SourceParts "/dev/null"',
        'Dir::State::Lists "%s"' % lists, 'Dir::Cache "%s"' % cache, 'APT::Sandbox::User "root"',
    ] + host.apt_options()  # fmt: skip
    (folder / "apt.conf").write_text("".join(option + ";\n" for option in options))
    for words in (["update"], ["download", *names]):
        done = subprocess.run(
            ["apt-get", "--quiet", "--config-file", str(folder / "apt.conf")] + words,
            cwd=str(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        if done.returncode:
            raise Unavailable(done.stdout)
    for path in (lists, cache):
        shutil.rmtree(str(path))
